import type { Command } from "./command";

export const models: Command = {
  name: "models",
  subject: "models",
  usage: ".models",
  description: "list the models with their tables and row counts",
  help: "The number of rows is counted now; a model whose table is not there has none.",
  async execute(_argument, host) {
    const summaries = await host.context.models();
    await host.show(summaries.map(({ name, table, rows }) => ({ model: name, table, rows: rows ?? null })));
  },
};
