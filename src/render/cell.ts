import { types } from "node:util";
import { escapeControls } from "./escape";
import { jsonText } from "./json-text";
import { Label } from "./label";

/** What a column holds: it decides the alignment, and whether a text is JSON. */
export type ColumnKind = "number" | "text" | "boolean" | "date" | "json" | "blob" | "unknown";

/** Whether a value is shown as NULL. */
export function isNull(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

/**
 * Text of one value on one line, for people.
 *
 * `NULL`; a text that reads NULL in quotes; dates ISO; JSON compact; buffers by size, `<12 B>`;
 * newlines `⏎`; other control characters escaped, so that data cannot drive the terminal.
 */
export function cellText(value: unknown, kind: ColumnKind = "unknown"): string {
  switch (typeof value) {
    case "string":
      return kind === "json" ? jsonText(value) : plainText(value);
    case "number":
    case "boolean":
    case "bigint":
      return String(value);
    case "undefined":
      return "NULL";
    case "symbol":
      return escapeControls(String(value));
    case "function":
      return escapeControls(`[Function: ${value.name || "anonymous"}]`);
    case "object":
      return value === null ? "NULL" : objectText(value);
  }
}

/** Size of a buffer for people: `12 B`, `1.2 kB`, `3.4 MB`. */
export function byteCount(bytes: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let unit = 0;
  let size = bytes;
  // 999 950 would round to 1000.0 kB.
  while (size >= (unit === 0 ? 1000 : 999.95) && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}

function plainText(text: string): string {
  // Otherwise a text 'NULL' could not be told from a missing value where there is no colour.
  if (text.includes("NULL") && /^'*NULL'*$/.test(text)) return `'${text}'`;
  return escapeControls(text);
}

function objectText(object: object): string {
  if (types.isDate(object)) return Number.isNaN(object.getTime()) ? "Invalid Date" : object.toISOString();
  if (types.isUint8Array(object) || types.isAnyArrayBuffer(object)) return `<${byteCount(object.byteLength)}>`;
  if (object instanceof Label) return escapeControls(object.text);
  try {
    return escapeControls(jsonText(object));
  } catch (error) {
    // A throwing toJSON or getter must not cost the other cells.
    return escapeControls(`<${error instanceof Error ? error.message : "not shown"}>`);
  }
}
