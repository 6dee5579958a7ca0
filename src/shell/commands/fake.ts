import { ArgumentError } from "../../errors";
import type { Command } from "./command";
import type { DatabaseShell } from "./database-commands";
import { mapperNamed } from "./describe";

/** Objects of one command at the most. */
const MOST = 100_000;

/** `.fake Model N`: objects with made-up values. */
export function fakeCommand(shell: Pick<DatabaseShell, "database">): Command {
  return {
    name: "fake",
    subject: "files",
    usage: ".fake Model N [--seed S]",
    description: "N new objects with plausible values; db.session.commit() writes them",
    help: [
      "Values follow the attributes' names, types and validators, and are unique where they must be.",
      "Objects belong to rows that are there already. The same seed gives the same values on the same rows.",
      "Example: .fake User 20 --seed 1, then .session",
    ].join("\n"),
    async execute(argument, host) {
      const [, model = "", number = "", , seed] = /^(\S+)\s+(\d+)(\s+--seed[= ]\s*(\d+))?$/.exec(argument.trim()) ?? [];
      if (model === "")
        throw new ArgumentError("Expected a model and a number after .fake.", { hint: ".fake User 20" });
      const mapper = mapperNamed(shell, model);
      const count = Number(number);
      if (count < 1 || count > MOST) throw new ArgumentError(`Expected a number from 1 to ${MOST}, got ${number}.`);
      const { fakeObjects } = await import("../../import-export/fake-objects.js");
      const chosen = seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(seed);
      await fakeObjects(shell.database.session, mapper, count, chosen);
      host.note(`${count === 1 ? mapper.name : `${count} ${mapper.name}`} (new) · --seed ${chosen}`);
    },
    complete: (_word, { words }) => (words.length === 0 ? Object.keys(shell.database.models) : ["--seed"]),
  };
}
