import { ArgumentError } from "../errors";
import type { Node, ValueType } from "./node";
import { typeOf } from "./node";

const FIXED: Record<string, ValueType["kind"]> = {
  count: "integer",
  length: "integer",
  char_length: "integer",
  octet_length: "integer",
  row_number: "integer",
  rank: "integer",
  dense_rank: "integer",
  ntile: "integer",
  avg: "number",
  lower: "text",
  upper: "text",
  trim: "text",
  ltrim: "text",
  rtrim: "text",
  substr: "text",
  substring: "text",
  replace: "text",
  concat: "text",
  concat_ws: "text",
  group_concat: "text",
  string_agg: "text",
  now: "date",
  current_timestamp: "date",
  current_date: "dateonly",
};

/** Functions whose value is one of their arguments. */
const AS_ARGUMENT = new Set([
  "min",
  "max",
  "coalesce",
  "nullif",
  "ifnull",
  "greatest",
  "least",
  "lag",
  "lead",
  "first_value",
  "last_value",
]);

/** What a function's value is, where that is the same on every database or follows from its arguments. */
export function functionType(name: string, operands: readonly Node[]): ValueType | undefined {
  const fixed = FIXED[name];
  if (fixed !== undefined) return { kind: fixed };
  const first = operands.map(typeOf).find((type) => type !== undefined);
  if (AS_ARGUMENT.has(name)) return first;
  if (name === "abs") return first && { kind: first.kind, attribute: first.attribute };
  // The sum of fixed-scale decimals keeps the scale; that of whole numbers is one, whatever type the database calls it.
  if (name === "sum") return first?.kind === "decimal" ? first : first && { kind: first.kind };
  return undefined;
}

/** Whether the arguments of a function are of one type, so that a value among them is sent as the column beside it. */
export function sharesType(name: string): boolean {
  return AS_ARGUMENT.has(name);
}

/**
 * The name of a function, with its schema where it has one.
 *
 * @throws {ArgumentError} for a text that is no name
 */
export function checkFunctionName(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)*$/.test(name)) return name;
  throw new ArgumentError(`Cannot use ${JSON.stringify(name)} as the name of a function.`, {
    hint: 'a name is letters, digits and "_"; for anything else there is text("…")',
  });
}
