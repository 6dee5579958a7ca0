import { ArgumentError, InvalidRequestError } from "../../errors";
import { counted } from "../../render/footer";
import { resultSetOf } from "../../render/result-set";
import { describeChanges } from "../sandbox-changes";
import type { Command } from "./command";
import type { DatabaseShell } from "./database-commands";

/** `.sandbox on|off|diff|commit`: one transaction around everything. */
export function sandboxCommand(shell: Pick<DatabaseShell, "database">): Command {
  return {
    name: "sandbox",
    subject: "safety",
    usage: ".sandbox on|off|diff|commit",
    description: "one transaction around everything, rolled back at the end",
    help: [
      "on begins it, off undoes all that was done in it, diff tells what that is, commit keeps it and goes on.",
      "diff counts the rows of each statement; what triggers and cascades did is not counted.",
      "Without an argument it tells how it stands.",
    ].join("\n"),
    async execute(argument, host) {
      const { database } = shell;
      const { sandbox } = database;
      if (argument === "") return host.note(`sandbox is ${sandbox ? "on" : "off"}`);
      if (argument === "on") return void (await database.beginSandbox());
      if (!["off", "diff", "commit"].includes(argument)) {
        throw new ArgumentError(`Expected one of on, off, diff, commit after .sandbox, got "${argument}".`, {
          hint: ".sandbox diff",
        });
      }
      if (!sandbox) throw new InvalidRequestError("There is no sandbox.", { hint: ".sandbox on begins one" });
      const changes = sandbox.changes();
      if (argument === "diff") {
        if (changes.length === 0) return host.note("nothing was changed");
        return host.show(
          resultSetOf(
            changes.map(({ table, inserted, updated, deleted, altered }) => ({
              table,
              inserted,
              updated,
              deleted,
              altered: altered.join(", "),
            })),
          ),
        );
      }
      const what = changes.length === 0 ? "nothing was changed" : describeChanges(changes);
      if (argument === "commit") {
        await sandbox.keep();
        return host.note(`kept: ${what}`);
      }
      const objects = [...database.session].length;
      await database.endSandbox();
      host.note(`rolled back: ${what}`);
      if (objects > 0) host.note(`${counted(objects, "object")} let go: query again what you hold in variables`);
    },
    complete: () => ["on", "off", "diff", "commit"],
  };
}
