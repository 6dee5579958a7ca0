import { ArgumentError, InvalidRequestError } from "../../errors";
import { describePendingWork, hasPendingWork } from "../context";
import type { Command, CommandHost } from "./command";
import type { DatabaseShell } from "./database-commands";

/** `.connect URL`: another database in place of the one that is open. */
export function connectCommand(shell: Pick<DatabaseShell, "reopen">): Command {
  return {
    name: "connect",
    subject: "safety",
    usage: ".connect URL",
    description: "open another database in place of this one, with the same models",
    help: [
      "The models, db and session stand for the new database; your own variables stay as they are.",
      "Example: .connect sqlite:other.sqlite",
    ].join("\n"),
    async execute(argument, host) {
      if (argument === "")
        throw new ArgumentError("Expected a URL after .connect, got nothing.", { hint: ".connect sqlite:data.sqlite" });
      refusePendingWork(host, "connect to another database");
      await shell.reopen(argument);
    },
  };
}

/** `.reload`: the same database, its models read again. */
export function reloadCommand(shell: Pick<DatabaseShell, "reopen">): Command {
  return {
    name: "reload",
    subject: "models",
    usage: ".reload",
    description: "read the models again and open the database anew",
    help: "For models whose files have changed, and for reflected models whose tables have. Objects that were loaded belong to the old models.",
    async execute(_argument, host) {
      refusePendingWork(host, "reload");
      await shell.reopen(undefined);
    },
  };
}

function refusePendingWork({ context }: CommandHost, what: string): void {
  const work = context.pendingWork();
  if (!hasPendingWork(work) || context.keepsNothing) return;
  throw new InvalidRequestError(`Cannot ${what}: ${describePendingWork(work)} not committed.`, {
    hint: "db.session.commit() or db.session.rollback()",
  });
}
