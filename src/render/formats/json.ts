import { jsonText } from "../json-text";
import type { Column, Row } from "../result-set";
import type { RowWriter } from "../row-writer";

/** Draws rows as one JSON array of objects. */
export class JsonWriter implements RowWriter {
  readonly #object: (row: Row) => string;
  readonly #between: string;
  #isEmpty = true;

  /** @param isForReading  one row a line; otherwise the whole array is one line */
  constructor(columns: readonly Column[], isForReading: boolean) {
    this.#object = objectWriter(columns);
    this.#between = isForReading ? ",\n  " : ",";
  }

  *begin(): Iterable<string> {
    yield "[";
  }

  *rows(batch: readonly Row[]): Iterable<string> {
    for (const row of batch) {
      yield (this.#isEmpty ? this.#between.slice(1) : this.#between) + this.#object(row);
      this.#isEmpty = false;
    }
  }

  *end(): Iterable<string> {
    yield (this.#isEmpty ? "" : this.#between.slice(1, 2)) + "]\n";
  }
}

/** Draws each row as a JSON object on a line of its own. */
export class JsonLinesWriter implements RowWriter {
  readonly #object: (row: Row) => string;

  constructor(columns: readonly Column[]) {
    this.#object = objectWriter(columns);
  }

  *begin(): Iterable<string> {}

  *rows(batch: readonly Row[]): Iterable<string> {
    for (const row of batch) yield this.#object(row) + "\n";
  }

  *end(): Iterable<string> {}
}

function objectWriter(columns: readonly Column[]): (row: Row) => string {
  const keys = distinct(columns.map((column) => column.name)).map((name) => jsonText(name) + ":");
  return (row) => "{" + keys.map((key, index) => key + scalarText(row[index])).join(",") + "}";
}

/** The common values without the way through a copy. */
function scalarText(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))) return JSON.stringify(value);
  return jsonText(value);
}

/** Names made distinct, because a key that comes twice would lose a value: `id`, `id_2`. */
function distinct(names: readonly string[]): string[] {
  const taken = new Set(names);
  const used = new Set<string>();
  return names.map((name) => {
    let key = name;
    for (let number = 2; used.has(key) || (key !== name && taken.has(key)); number++) key = `${name}_${number}`;
    used.add(key);
    return key;
  });
}
