import type { ResultSet } from "../../render/result-set";
import { ShownRows } from "../shown-rows";
import type { Command } from "./command";
import type { DatabaseShell } from "./database-commands";

/** `.more`, `.all`, `.last`, `.columns`: other parts of the rows that were shown last. */
export function rowsCommands(shell: Pick<DatabaseShell, "shown" | "settings">): Command[] {
  const { settings } = shell;
  const shownRows = new ShownRows(shell);
  const part = (name: string, description: string, rows: () => ResultSet): Command => ({
    name,
    subject: "output",
    usage: `.${name}`,
    description,
    help: "Of the rows that were shown last; nothing is sent to the database.",
    execute: (_argument, host) => host.show(rows(), { whole: true }),
  });
  return [
    part("more", "the next rows of the last result", () => shownRows.more(settings.limit)),
    part("all", "all rows of the last result", () => shownRows.all()),
    part("last", "the last rows of the last result", () => shownRows.last(settings.limit)),
    {
      name: "columns",
      subject: "output",
      usage: ".columns [NAME …]",
      description: "the last result with these columns only; without names, which it has",
      help: "What .more, .all and .last show next has these columns too; .columns * has all again.\nExample: .columns id username",
      async execute(argument, host) {
        const names = argument.split(/[\s,]+/).filter((name) => name !== "");
        if (names.length > 0) await host.show(shownRows.only(names));
        else if (shownRows.columns.length > 0) host.print(shownRows.columns.join("\n"));
        else host.note("no rows were shown yet");
      },
      complete: () => shownRows.columns,
    },
  ];
}
