import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { ArgumentError, InvalidRequestError } from "../../errors";
import { counted, groupDigits } from "../../render/footer";
import type { Command } from "./command";
import type { DatabaseShell } from "./database-commands";
import { completePath } from "./input";

/** `.save FILE`: what was inserted, as a script that does it again. */
export function saveCommand(shell: Pick<DatabaseShell, "database" | "inserted" | "insertedCount">): Command {
  return {
    name: "save",
    subject: "files",
    usage: ".save FILE",
    description: "write what this session has inserted and committed as a TypeScript seed script",
    help: [
      "The objects stand as they are now; they refer to each other by name and not by number. Deleted ones are left out.",
      "Example: .save seed.ts, later sequelize-shell -f seed.ts",
    ].join("\n"),
    async execute(argument, host) {
      if (argument === "")
        throw new ArgumentError("Expected a file after .save, got nothing.", { hint: ".save seed.ts" });
      if (shell.insertedCount > shell.inserted.length) {
        throw new InvalidRequestError(
          `Cannot save the ${groupDigits(shell.insertedCount)} objects that were inserted: ` +
            `.save takes ${groupDigits(shell.inserted.length)} at the most.`,
          { hint: ".export rows.csv User.query" },
        );
      }
      const { seedScript } = await import("../seed-script.js");
      const { session } = shell.database;
      const objects = shell.inserted.filter((object) => session.has(object));
      if (objects.length === 0) throw new ArgumentError("Nothing was inserted and committed yet.");
      await writeFile(resolve(argument), seedScript(objects, namesOf(objects), host.context.globals), {
        flag: "wx",
      }).catch((error: unknown) => {
        const { code } = error as NodeJS.ErrnoException;
        const reason = code === "EEXIST" ? "there is such a file" : (code ?? String(error));
        throw new ArgumentError(`Cannot write "${argument}": ${reason}.`, { cause: error });
      });
      host.note(`${counted(objects.length, "object")} written to ${argument}`);
    },
    complete: (word) => completePath(word),
  };
}

/** The names that the person has given objects. */
function namesOf(objects: readonly object[]): Map<object, string> {
  const wanted = new Set(objects);
  const names = new Map<object, string>();
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    // Getters are not asked.
    const value: unknown = Object.getOwnPropertyDescriptor(globalThis, name)?.value;
    const isName = /^[a-z$][\w$]*$/i.test(name);
    if (isName && typeof value === "object" && value !== null && wanted.has(value) && !names.has(value)) {
      names.set(value, name);
    }
  }
  return names;
}
