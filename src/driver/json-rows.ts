import type { Bindable } from "./dialect";

type Rows = readonly (readonly Bindable[])[];

/** How numbers, booleans and blobs are written into the JSON of a bulk statement: these differ between databases. */
export interface JsonEncoding {
  number(value: number): string;
  boolean(value: boolean): string;
  binary(value: Buffer): string;
}

/**
 * Rows as the JSON text of a bulk statement: an array of arrays, or of objects with the keys `c0`, `c1` … where `named`.
 *
 * Numbers travel with 17 digits (15 lose the last bit of one double in 10 000), lone surrogates become U+FFFD.
 */
export function encodeRows(rows: Rows, encoding: JsonEncoding, named: boolean, ordinal = false): string {
  if (!named && rows.every(isPlain)) {
    const text = JSON.stringify(rows);
    if (!LONE_SURROGATE.test(text)) return text;
  }
  const parts = new Array<string>(rows.length);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as readonly Bindable[];
    let text = named ? (ordinal ? `{"o":${i}` : "{") : "[";
    for (let c = 0; c < row.length; c++) {
      if (c > 0 || (named && ordinal)) text += ",";
      if (named) text += `"c${c}":`;
      text += encodeValue(row[c] as Bindable, encoding);
    }
    parts[i] = text + (named ? "}" : "]");
  }
  return `[${parts.join(",")}]`;
}

/** The JSON texts of a dialect's bulk statements; the next one can be written while the database works on another. */
export class JsonTexts {
  readonly #encoding: JsonEncoding;
  readonly #named: boolean;
  #prepared: { rows: Rows; ordinal: boolean; text: string } | undefined;

  constructor(encoding: JsonEncoding, named: boolean) {
    this.#encoding = encoding;
    this.#named = named;
  }

  /** Writes the text of rows that a statement will have soon. */
  prepare(rows: Rows, ordinal: boolean): void {
    this.#prepared = { rows, ordinal, text: encodeRows(rows, this.#encoding, this.#named, ordinal) };
  }

  /** The text of rows; see {@link encodeRows}. */
  of(rows: Rows, ordinal = false): string {
    const prepared = this.#prepared;
    if (prepared?.rows !== rows || prepared.ordinal !== ordinal)
      return encodeRows(rows, this.#encoding, this.#named, ordinal);
    this.#prepared = undefined;
    return prepared.text;
  }
}

/** How `JSON.stringify` writes half a character, or what looks like it. */
const LONE_SURROGATE = /\\ud[89a-f]/;

/** Whether `JSON.stringify` writes each value of a row as every database wants it. */
function isPlain(row: readonly Bindable[]): boolean {
  for (const value of row)
    if (typeof value !== "string" && value !== null && !Number.isSafeInteger(value)) return false;
  return true;
}

function encodeValue(value: Bindable, encoding: JsonEncoding): string {
  if (value === null) return "null";
  switch (typeof value) {
    case "number":
      return encoding.number(value);
    case "string":
      return JSON.stringify(value.isWellFormed() ? value : value.toWellFormed());
    case "boolean":
      return encoding.boolean(value);
    case "bigint":
      return String(value);
    default:
      return encoding.binary(value);
  }
}
