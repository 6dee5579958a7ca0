import { ArgumentError } from "../../errors";
import type { Command } from "./command";
import type { DatabaseShell } from "./database-commands";

/** `.readonly on|off`: whether the database refuses writes. */
export function readonlyCommand(shell: Pick<DatabaseShell, "database">): Command {
  return {
    name: "readonly",
    subject: "safety",
    usage: ".readonly on|off",
    description: "let the database refuse writes, or take them again",
    help: "On every connection, by the database itself.\nWithout an argument it tells how it stands.",
    execute(argument, host) {
      const { database } = shell;
      if (argument === "") return host.note(`readonly is ${database.readOnly ? "on" : "off"}`);
      if (argument !== "on" && argument !== "off") {
        throw new ArgumentError(`Expected "on" or "off" after .readonly, got "${argument}".`, { hint: ".readonly on" });
      }
      database.setReadOnly(argument === "on");
    },
    complete: () => ["on", "off"],
  };
}
