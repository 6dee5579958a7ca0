import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { ArgumentError, InvalidRequestError } from "../../errors";
import { counted, groupDigits } from "../../render/footer";
import { splitWords } from "../run-migrations";
import type { Command } from "./command";
import type { DatabaseShell } from "./database-commands";
import { mapperNamed } from "./describe";
import { completePath } from "./input";

const OPTIONS = ["--map", "--upsert", "--skip-bad", "--dry"];
/** So many bad rows are told one by one. */
const TOLD_ROWS = 20;

const HELP = [
  "The form of the file is told by its ending: csv, tsv (both with a header line), json (an array of objects), jsonl.",
  "All rows go into one transaction: a bad row names its line, its column and the reason, and nothing is imported.",
  "--map a=b       the file's column a is the attribute b; may be given several times",
  "--upsert NAME   rows with the same value of NAME are updated",
  "--skip-bad      bad rows are left out and told",
  "--dry           everything is tried and rolled back",
  "Example: .import people.csv User --map name=username --upsert username",
].join("\n");

/** `.import FILE Model`: the rows of a file into a table. */
export function importCommand(shell: Pick<DatabaseShell, "database" | "runInput">): Command {
  return {
    name: "import",
    subject: "files",
    usage: ".import FILE Model [options]",
    description: "import the rows of a csv, tsv, json or jsonl file",
    help: HELP,
    async execute(argument, host) {
      const { file, model, options } = readArguments(argument);
      const mapper = mapperNamed(shell, model);
      const { database } = shell;
      if (database.session.connection.inTransaction) {
        throw new InvalidRequestError("Cannot import while the session has work that is not committed.", {
          hint: "db.session.commit() or db.session.rollback()",
        });
      }
      const text = await readFile(resolve(file), "utf8").catch((error: unknown) => {
        throw new ArgumentError(`Cannot read "${file}": ${(error as NodeJS.ErrnoException).code ?? String(error)}.`, {
          cause: error,
        });
      });
      const [{ readRowFile }, { importRows }] = await Promise.all([
        import("../../import-export/row-file.js"),
        import("../../import-export/import-rows.js"),
      ]);
      const refuseWhenStopped = (): void => {
        if (host.interrupted) throw new InvalidRequestError("Interrupted: nothing was imported.");
      };
      const rows = await readRowFile(file, text, async (read) => {
        host.progress(`${counted(read, "row")} read`);
        await new Promise((resolve) => setImmediate(resolve));
        refuseWhenStopped();
      });
      const session = database.createSession();
      try {
        const result = await shell.runInput(() =>
          importRows(session, mapper, rows, {
            ...options,
            onProgress: (done, total) => {
              refuseWhenStopped();
              host.progress(`${groupDigits(done)} of ${counted(total, "row")}`);
            },
          }),
        );
        // Rows may have changed under the objects that are loaded.
        database.session.expireAll();
        for (const { line, column, reason } of result.bad.slice(0, TOLD_ROWS)) {
          host.note(`line ${line}${column === undefined ? "" : `, column "${column}"`}: ${reason}`);
        }
        if (result.bad.length > TOLD_ROWS) host.note(`and ${counted(result.bad.length - TOLD_ROWS, "bad row")} more`);
        const parts = [
          `${groupDigits(result.inserted)} inserted`,
          ...(options.upsert === undefined ? [] : [`${groupDigits(result.updated)} updated`]),
          ...(result.bad.length === 0 ? [] : [`${groupDigits(result.bad.length)} left out`]),
        ];
        host.note(`${options.dry ? "tried and rolled back" : "imported"}: ${parts.join(", ")}`);
      } finally {
        await session.close();
      }
    },
    async complete(word, { words }) {
      const { models } = shell.database;
      const [, name] = words;
      if (words.length === 0) return completePath(word);
      if (name === undefined) return Object.keys(models);
      if (words.at(-1) !== "--upsert") return OPTIONS.filter((option) => option === "--map" || !words.includes(option));
      return Object.hasOwn(models, name) ? mapperNamed(shell, name).attributes.map((attribute) => attribute.name) : [];
    },
  };
}

function readArguments(argument: string): {
  file: string;
  model: string;
  options: { map: Map<string, string>; upsert: string | undefined; skipBad: boolean; dry: boolean };
} {
  const map = new Map<string, string>();
  let upsert: string | undefined;
  let skipBad = false;
  let dry = false;
  const plain: string[] = [];
  const words = splitWords(argument);
  for (let index = 0; index < words.length; index += 1) {
    const [word = "", given] = (words[index] ?? "").split(/=(.*)/s, 2);
    const value = (): string => {
      const next = given ?? words[(index += 1)];
      if (next === undefined) throw new ArgumentError(`The option "${word}" needs a value.`, { hint: ".help import" });
      return next;
    };
    if (word === "--map") {
      const pair = words[index] === "--map" ? value() : (words[index] ?? "").slice("--map=".length);
      const [from, to] = pair.split("=");
      if (!from || !to) throw new ArgumentError(`Expected --map a=b, got "${pair}".`, { hint: "--map name=username" });
      map.set(from, to);
    } else if (word === "--upsert") upsert = value();
    else if (word === "--skip-bad") skipBad = true;
    else if (word === "--dry") dry = true;
    else if (word.startsWith("--")) throw new ArgumentError(`Unknown option "${word}".`, { hint: ".help import" });
    else plain.push(words[index] ?? "");
  }
  const [file, model, more] = plain;
  if (file === undefined || model === undefined || more !== undefined) {
    throw new ArgumentError("Expected a file and a model after .import.", { hint: ".import people.csv User" });
  }
  return { file, model, options: { map, upsert, skipBad, dry } };
}
