import { types } from "node:util";
import { jsonText } from "../json-text";
import { Label } from "../label";
import { escapeControls } from "../escape";
import type { Column, Row } from "../result-set";
import type { RowWriter } from "../row-writer";

/** How values and names are written in the SQL of the database at hand. */
export interface InsertOptions {
  /** The table, as the database knows it, unquoted. */
  readonly table: string;
  readonly literal?: (value: unknown) => string;
  readonly identifier?: (name: string) => string;
  /** Whether control characters are escaped, because a terminal gets the text. */
  readonly isForReading: boolean;
}

/** Draws each row as an INSERT statement. */
export class InsertWriter implements RowWriter {
  readonly #head: string;
  readonly #width: number;
  readonly #literal: (value: unknown) => string;
  readonly #clean: (text: string) => string;

  constructor(columns: readonly Column[], options: InsertOptions) {
    const identifier = options.identifier ?? standardIdentifier;
    const names = columns.map((column) => identifier(column.name));
    this.#head = `INSERT INTO ${identifier(options.table)} (${names.join(", ")}) VALUES (`;
    this.#width = columns.length;
    this.#literal = options.literal ?? standardLiteral;
    this.#clean = options.isForReading ? (text) => escapeControls(text, "\n\t") : (text) => text;
  }

  *begin(): Iterable<string> {}

  *rows(batch: readonly Row[]): Iterable<string> {
    for (const row of batch) {
      const values = Array.from({ length: this.#width }, (_, index) => this.#literal(stored(row[index])));
      yield this.#clean(`${this.#head}${values.join(", ")});\n`);
    }
  }

  *end(): Iterable<string> {}
}

/** A value as a literal of standard SQL. */
export function standardLiteral(value: unknown): string {
  if (value === null || value === undefined) return "NULL";
  if (typeof value === "bigint" || Number.isFinite(value)) return String(value);
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  if (types.isUint8Array(value)) return `X'${Buffer.from(value).toString("hex")}'`;
  const text = types.isDate(value) ? value.toJSON() : typeof value === "string" ? value : otherText(value);
  return text === null ? "NULL" : `'${text.replaceAll("'", "''")}'`;
}

/** `Infinity` and `NaN` by name, as PostgreSQL takes them; structures as JSON. */
function otherText(value: unknown): string {
  return typeof value === "number" ? String(value) : jsonText(value);
}

function standardIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function stored(value: unknown): unknown {
  return value instanceof Label ? value.value : (value ?? null);
}
