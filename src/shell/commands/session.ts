import { inspect } from "node:util";
import type { Model, ModelStatic } from "sequelize";
import { Mapper } from "../../mapper/mapper";
import { resultSet } from "../../render/result-set";
import type { Instance } from "../../session/instance-state";
import { describeInstance } from "../../session/label";
import type { Command } from "./command";
import type { DatabaseShell } from "./database-commands";

/** `.session`: what a commit would write. */
export function sessionCommand(shell: Pick<DatabaseShell, "database">): Command {
  return {
    name: "session",
    subject: "session",
    usage: ".session",
    description: "what commit() would write: operation, model, key, old → new",
    help: "Nothing is sent. What was flushed and is not committed yet is counted below.",
    async execute(_argument, host) {
      const { session } = shell.database;
      const planned = session.plan();
      const rows = planned.map(({ operation, model, key, changes }) => [
        operation,
        model.name,
        key === null ? null : key.map(short).join(", "),
        changes
          .map(({ name, old, new: value }) =>
            operation === "insert" ? `${name}: ${short(value)}` : `${name}: ${short(old)} → ${short(value)}`,
          )
          .join(", "),
      ]);
      if (rows.length > 0 || host.context.settings.format !== "table") {
        const columns = ["operation", "model", "key", "changes"].map((name) => ({ name, kind: "text" as const }));
        await host.show(resultSet({ columns, rows }));
      } else host.note("nothing to write");
      const { new: added, changed, deleted, failed } = session.pendingWork();
      const flushed = added + changed + deleted - planned.length;
      if (failed) host.note("the last flush failed: db.session.rollback() goes on");
      if (flushed > 0) host.note(`${flushed} flushed and not committed`);
    },
  };
}

/** A value in a few characters. */
function short(value: unknown): string {
  if (value === undefined) return "?";
  if (typeof value === "object" && value !== null && "dataValues" in value)
    return describeInstance(value as unknown as Instance, Mapper.of(value.constructor as ModelStatic<Model>));
  return inspect(value, { breakLength: Infinity, depth: 1, maxStringLength: 60, maxArrayLength: 5 }).replaceAll(
    "\n",
    " ",
  );
}
