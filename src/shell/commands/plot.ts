import { ArgumentError } from "../../errors";
import { Query } from "../../query/query";
import { plot } from "../../render/plot";
import { renderAs } from "../../render/render-as";
import type { Row } from "../../render/result-set";
import { viewOf } from "../present";
import type { Command } from "./command";
import type { DatabaseShell } from "./database-commands";

/** `.plot EXPR`: bars, a histogram or a line of one column or two. */
export function plotCommand(shell: Pick<DatabaseShell, "database" | "color">): Command {
  return {
    name: "plot",
    subject: "output",
    usage: ".plot EXPR",
    description: "bars, a histogram or a line in the terminal, of one column or two",
    help: [
      "One column of numbers or dates becomes a histogram, one of anything else bars of how often each value comes.",
      "Two columns become bars of the second by the first, or a line where the first is a number or a date.",
      "Example: .plot db.session.query(Role.c.name, func.count(User.c.id)).join(Role.c.users).groupBy(Role.c.name)",
    ].join("\n"),
    async execute(argument, host) {
      if (argument === "") {
        throw new ArgumentError("Cannot plot nothing: .plot takes an expression.", { hint: ".help plot" });
      }
      const value = await host.evaluate(argument);
      const rows: unknown = value instanceof Query ? await (value as Query<unknown>).all() : value;
      const view = await viewOf(
        Array.isArray(rows) && rows.every(isNumber) ? rows.map((number) => ({ value: number as number })) : rows,
        {
          session: shell.database.session,
          durationMs: 0,
          forPeople: false,
          byColumn: false,
        },
      );
      if (view?.[renderAs] !== "rows") {
        throw new ArgumentError("Cannot plot that: expected rows, or a query.", { hint: ".help plot" });
      }
      const { width, height } = host.screen;
      const options = {
        color: shell.color,
        ...(width === undefined ? {} : { width }),
        ...(height === undefined ? {} : { height }),
      };
      try {
        host.print(plot({ columns: view.columns, rows: view.rows as Iterable<Row> }, options));
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        throw new ArgumentError(error.message, {
          cause: error,
          hint: "db.session.query(User.c.roleId) selects one column",
        });
      }
    },
  };
}

function isNumber(value: unknown): boolean {
  return typeof value === "number";
}
