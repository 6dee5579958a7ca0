import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { once } from "node:events";
import { ArgumentError, InvalidRequestError } from "../../errors";
import { Query } from "../../query/query";
import { counted } from "../../render/footer";
import type { Format } from "../../render/render-options";
import { renderTo } from "../../render/render";
import { renderAs } from "../../render/render-as";
import { type ResultSet, type Row, resultSet } from "../../render/result-set";
import { tableOf, viewOf } from "../present";
import type { Command, CommandHost } from "./command";
import type { DatabaseShell } from "./database-commands";
import { completePath } from "./input";

const FORMATS: Readonly<Record<string, Format>> = {
  csv: "csv",
  tsv: "tsv",
  json: "json",
  jsonl: "jsonl",
  md: "markdown",
  sql: "insert",
  txt: "table",
};

/** Rows that are read before they are written. */
const BATCH = 500;

/** `.export FILE EXPR`: the rows of a query or of any value into a file. */
export function exportCommand(shell: Pick<DatabaseShell, "database">): Command {
  return {
    name: "export",
    subject: "files",
    usage: ".export FILE EXPR",
    description: "write rows into a file: csv, tsv, json, jsonl, md or sql by its ending",
    help: [
      "EXPR is a query, which is read in batches, or any value. A file that is there is replaced when all is written.",
      "Example: .export users.csv User.query.filterBy({ roleId: 1 })",
    ].join("\n"),
    async execute(argument, host) {
      const [, quoted, bare, expression = ""] = /^(?:"([^"]+)"|(\S+))\s*([\s\S]*)$/.exec(argument) ?? [];
      const file = quoted ?? bare;
      if (file === undefined || expression.trim() === "") {
        throw new ArgumentError("Expected a file and an expression after .export.", {
          hint: ".export users.csv User.query",
        });
      }
      const format = FORMATS[extname(file).slice(1).toLowerCase()];
      if (format === undefined) {
        throw new ArgumentError(`Cannot tell the form of "${file}" by its ending.`, {
          hint: `one of ${Object.keys(FORMATS)
            .map((ending) => `.${ending}`)
            .join(", ")}`,
        });
      }
      const value = await host.evaluate(expression);
      const counter: Counter = { rows: 0, table: undefined };
      const view = await rowsOf(shell, host, value, format, counter);
      await writeFile(file, async (write) => {
        const { dialect } = shell.database;
        await renderTo(write, view, {
          format,
          terminal: false,
          color: false,
          limit: 0,
          ...(counter.table === undefined ? {} : { table: counter.table }),
          literal: (each) => dialect.literal(each),
          identifier: (name) => dialect.identifier(name),
          syntax: dialect.lexicalRules,
          note: () => undefined,
        });
      });
      host.note(`${counted(counter.rows, "row")} written to ${file}`);
    },
    complete: (word) => completePath(word),
  };
}

/** What is known of the rows when they are written. */
interface Counter {
  rows: number;
  table: string | undefined;
}

/** What is to be written: rows that are counted as they pass, or any other value. */
async function rowsOf(
  { database }: Pick<DatabaseShell, "database">,
  host: CommandHost,
  value: unknown,
  format: Format,
  counter: Counter,
): Promise<unknown> {
  const options = { session: database.session, durationMs: 0, forPeople: false, byColumn: format === "insert" };
  const setOf = async (rows: unknown): Promise<ResultSet | undefined> => {
    counter.table ??= tableOf(rows);
    const view = await viewOf(rows, options);
    return view?.[renderAs] === "rows" ? view : undefined;
  };
  const count = function* (rows: Iterable<Row>): Iterable<Row> {
    for (const row of rows) {
      counter.rows += 1;
      yield row;
    }
  };
  if (!(value instanceof Query)) {
    const set = await setOf(Array.isArray(value) ? value : value === null || value === undefined ? value : [value]);
    return set ? resultSet({ ...set, rows: count(set.rows as Iterable<Row>) }) : value;
  }
  const batches = batchesOf(value as Query<unknown>, host);
  const first = await batches.next();
  const begun = await setOf(first.done === true ? await (value as Query<unknown>).all() : first.value);
  if (!begun) throw new InvalidRequestError("Cannot export that query: its results are no rows.");
  const all = async function* (): AsyncIterable<Row> {
    yield* count(begun.rows as Iterable<Row>);
    for await (const batch of batches) {
      const set = await setOf(batch);
      if (set) yield* count(set.rows as Iterable<Row>);
    }
  };
  return resultSet({ columns: begun.columns, rows: all() });
}

/** The results of a query, some at a time. */
async function* batchesOf(query: Query<unknown>, host: CommandHost): AsyncGenerator<unknown[], void> {
  let batch: unknown[] = [];
  for await (const result of query) {
    if (host.interrupted) throw new InvalidRequestError("Interrupted: nothing was written.");
    batch.push(result);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Writes a file whole: it takes the place of one that is there when nothing has failed. */
async function writeFile(
  file: string,
  work: (write: (chunk: string) => Promise<void>) => Promise<void>,
): Promise<void> {
  const target = resolve(file);
  const partial = `${target}.${process.pid}.partial`;
  const stream = createWriteStream(partial);
  const failed = new Promise<never>((_resolve, reject) => stream.once("error", reject));
  failed.catch(() => undefined);
  try {
    await Promise.race([
      failed,
      work(async (chunk) => {
        if (!stream.write(chunk)) await Promise.race([failed, once(stream, "drain")]);
      }),
    ]);
    stream.end();
    await Promise.race([failed, once(stream, "finish")]);
    await rename(partial, target);
  } catch (error) {
    stream.destroy();
    await rm(partial, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || !/^E[A-Z]+$/.test(code)) throw error;
    throw new ArgumentError(`Cannot write "${file}": ${reasonOf(code)}.`, { cause: error });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such folder",
  EACCES: "permission denied",
  EISDIR: "it is a folder",
  ENOSPC: "the disk is full",
  EROFS: "the file system is read-only",
};

function reasonOf(code: string): string {
  return REASONS[code] ?? code;
}
