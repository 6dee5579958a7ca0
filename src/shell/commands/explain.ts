import type { PlanNode } from "../../driver/plan";
import { ArgumentError } from "../../errors";
import { Query } from "../../query/query";
import { counted, duration } from "../../render/footer";
import { plan, type PlanNode as DrawnNode } from "../../render/plan";
import type { Command } from "./command";
import type { DatabaseShell } from "./database-commands";

/** `.explain`: how the database would run what an expression sends. */
export function explainCommand(shell: Pick<DatabaseShell, "database">): Command {
  return {
    name: "explain",
    subject: "sql",
    usage: ".explain [--analyze] EXPR",
    description: "how the database would run the statements of an expression, as a tree",
    help: [
      "EXPR is anything that would send SQL; it is not sent. With --analyze a query is run, and rows and times are told.",
      'Example: .explain User.query.filterBy({ username: "john" })',
    ].join("\n"),
    async execute(argument, host) {
      const [, option, expression = ""] = /^(--analyze\s+)?([\s\S]*)$/.exec(argument) ?? [];
      if (expression.trim() === "") {
        throw new ArgumentError("Cannot explain nothing: .explain takes an expression.", {
          hint: ".explain User.query.limit(3)",
        });
      }
      const analyze = option !== undefined;
      let value: unknown;
      const statements = await host.context.captureSql(async () => (value = await host.evaluate(expression)));
      if (value instanceof Query) return host.show(drawn(await value.explain({ analyze })));
      if (statements.length === 0) throw new ArgumentError("that expression issued no SQL");
      const { session, dialect } = shell.database;
      for (const { template, parameters, sql } of statements) {
        if (analyze && !/^\s*(?:SELECT|WITH|VALUES|TABLE|\()/i.test(template)) {
          throw new ArgumentError(`Cannot analyze a statement that writes: it would be run. ${sql}`, {
            hint: ".explain without --analyze tells the plan",
          });
        }
        const explained = dialect.explainStatement({ sql: template, parameters }, analyze);
        const rows = await session.connection.all(explained.sql, explained.parameters);
        if (statements.length > 1) host.note(sql);
        await host.show(drawn(dialect.readPlan(rows)));
      }
    },
  };
}

function drawn(root: PlanNode): ReturnType<typeof plan> {
  return plan([nodeOf(root)]);
}

function nodeOf({ label, detail, rows, cost, timeMs, children }: PlanNode): DrawnNode {
  const figures = [
    rows === undefined ? "" : counted(Math.round(rows), "row"),
    cost === undefined || Number.isNaN(cost) ? "" : `cost ${cost.toFixed(1)}`,
    timeMs === undefined ? "" : duration(timeMs),
  ].filter((text) => text !== "");
  const details = [...(figures.length > 0 ? [figures.join(" · ")] : []), ...(detail === undefined ? [] : [detail])];
  return { label, details, children: children.map(nodeOf) };
}
