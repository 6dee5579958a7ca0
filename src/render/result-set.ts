import { types } from "node:util";
import type { ColumnKind } from "./cell";
import { Label } from "./label";
import { renderAs } from "./render-as";

/** A column of a result as it is shown. */
export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
  readonly primaryKey?: boolean;
}

/** The values of one row, in the order of the columns. */
export type Row = readonly unknown[];

/** Rows as they arrive: in memory, by a generator, or from a cursor of the database. */
export type Rows = Iterable<Row> | AsyncIterable<Row>;

/** Rows under named columns, ready to be drawn. */
export interface ResultSet {
  readonly [renderAs]: "rows";
  readonly columns: readonly Column[];
  readonly rows: Rows;
  /** How many rows the query has, when `rows` may hold only the first of them. */
  readonly total?: number;
  /** How long the query took, in milliseconds. */
  readonly durationMs?: number;
  /** One line above the rows. */
  readonly title?: string;
  /** The line under the rows, in place of their number. */
  readonly footer?: string;
}

/** Makes a result set of columns and rows. */
export function resultSet(parts: Omit<ResultSet, typeof renderAs>): ResultSet {
  return { [renderAs]: "rows", ...parts };
}

/**
 * Makes a result set of plain objects, as raw queries return them.
 *
 * Columns are the keys in the order in which they are first met; a key that an object lacks is
 * NULL there; the kind of a column is that of its values, "unknown" where they differ.
 */
export function resultSetOf(
  objects: readonly Readonly<Record<string, unknown>>[],
  more: Pick<ResultSet, "total" | "durationMs" | "title"> = {},
): ResultSet {
  const names = [...new Set(objects.flatMap((object) => Object.keys(object)))];
  const rows = objects.map((object) => names.map((name) => (Object.hasOwn(object, name) ? object[name] : null)));
  const columns = names.map((name, index) => ({ name, kind: commonKind(rows.map((row) => row[index])) }));
  return resultSet({ columns, rows, ...more });
}

/** The kind that all values of a column share, NULLs aside. */
export function commonKind(values: Iterable<unknown>): ColumnKind {
  let common: ColumnKind | undefined;
  for (const value of values) {
    if (value === null || value === undefined) continue;
    const kind = kindOf(value);
    if (common !== undefined && common !== kind) return "unknown";
    common = kind;
  }
  return common ?? "unknown";
}

function kindOf(value: unknown): ColumnKind {
  if (typeof value === "number" || typeof value === "bigint") return "number";
  if (typeof value === "string") return "text";
  if (typeof value === "boolean") return "boolean";
  if (types.isDate(value)) return "date";
  if (types.isUint8Array(value)) return "blob";
  if (value instanceof Label) return "text";
  return typeof value === "object" ? "json" : "unknown";
}
