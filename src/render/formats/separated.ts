import { types } from "node:util";
import { escapeControls } from "../escape";
import { jsonText } from "../json-text";
import { Label } from "../label";
import type { Column, Row } from "../result-set";
import type { RowWriter } from "../row-writer";

/** How values are joined to lines of text. */
export interface SeparatedFormat {
  readonly separator: string;
  /** The text of a field, `undefined` for NULL. */
  readonly field: (text: string | undefined) => string;
}

/** Comma-separated values after RFC 4180, lines ending with "\n"; NULL is nothing, an empty text `""`. */
export const csv: SeparatedFormat = {
  separator: ",",
  field: (text) => {
    if (text === undefined) return "";
    return text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  },
};

const tsvEscapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/** Tab-separated values as PostgreSQL's COPY and MariaDB's LOAD DATA read them; NULL is `\N`. */
export const tsv: SeparatedFormat = {
  separator: "\t",
  field: (text) => (text === undefined ? "\\N" : text.replace(/[\\\t\n\r]/g, (character) => tsvEscapes[character]!)),
};

/** Draws a header line and a line a row. */
export class SeparatedWriter implements RowWriter {
  readonly #columns: readonly Column[];
  readonly #format: SeparatedFormat;
  readonly #clean: (text: string) => string;

  /** @param isForReading  whether control characters are escaped, because a terminal gets the text */
  constructor(columns: readonly Column[], format: SeparatedFormat, isForReading: boolean) {
    this.#columns = columns;
    this.#format = format;
    this.#clean = isForReading ? (text) => escapeControls(text, "\n\t") : (text) => text;
  }

  *begin(): Iterable<string> {
    yield this.line(this.#columns.map((column) => column.name));
  }

  *rows(batch: readonly Row[]): Iterable<string> {
    for (const row of batch) yield this.line(row);
  }

  *end(): Iterable<string> {}

  /** Some values as one line. */
  line(values: Row): string {
    const { separator, field } = this.#format;
    return this.#clean(values.map((value) => field(fieldText(value))).join(separator)) + "\n";
  }
}

/** Exact text of a value for another program: dates ISO, buffers base64, structures JSON. */
function fieldText(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value !== "object") return String(value);
  if (value instanceof Label) return fieldText(value.value);
  if (types.isDate(value)) return Number.isNaN(value.getTime()) ? undefined : value.toISOString();
  if (types.isUint8Array(value) || types.isAnyArrayBuffer(value)) return JSON.parse(jsonText(value)) as string;
  return jsonText(value);
}
