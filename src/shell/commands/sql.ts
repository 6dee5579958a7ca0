import { ArgumentError } from "../../errors";
import type { CapturedStatement } from "../context";
import type { Command } from "./command";

function withParameters({ template, parameters }: CapturedStatement): string {
  return `${template}\n-- ${JSON.stringify(parameters, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value))}`;
}

export const sql: Command = {
  name: "sql",
  subject: "sql",
  usage: ".sql [--params] EXPR",
  description: "show the SQL of an expression without running it",
  help: [
    "EXPR is anything that would send SQL: a query, db.session.commit(), User.findAll(). Nothing is sent.",
    "The values are written in; with --params they are shown apart.",
    'Example: .sql User.query.filterBy({ username: "john" })',
  ].join("\n"),
  async execute(argument, host) {
    const [, option, expression = ""] = /^(--params\s+)?([\s\S]*)$/.exec(argument) ?? [];
    if (expression.trim() === "") {
      throw new ArgumentError("Cannot show SQL of nothing: .sql takes an expression.", {
        hint: ".sql User.query.limit(3)",
      });
    }
    const statements = await host.context.captureSql(() => host.evaluate(expression));
    if (statements.length === 0) throw new ArgumentError("that expression issued no SQL");
    const texts = statements.map((statement) => (option === undefined ? statement.sql : withParameters(statement)));
    const numbered = texts.map((text, index) => `-- ${index + 1}\n${text};`);
    host.print(texts.length === 1 ? `${texts[0] ?? ""};` : numbered.join("\n"));
  },
};
