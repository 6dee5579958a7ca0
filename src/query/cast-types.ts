import { inspect } from "node:util";
import { ArgumentError } from "../errors";
import type { AttributeKind } from "../mapper/attribute";
import type { CastTarget } from "./node";

/** A type for a cast: a name such as `"integer"` or `"decimal(10, 2)"`, or a data type of Sequelize. */
export type CastType =
  string | { key: string; toSql?: () => string } | (new (...parameters: never[]) => { key: string });

/** Names of types that mean the same on every database. */
const KINDS: Record<string, AttributeKind> = {
  int: "integer",
  integer: "integer",
  smallint: "integer",
  tinyint: "integer",
  mediumint: "integer",
  signed: "integer",
  bigint: "bigint",
  float: "number",
  real: "number",
  double: "number",
  "double precision": "number",
  number: "number",
  decimal: "decimal",
  numeric: "decimal",
  boolean: "boolean",
  bool: "boolean",
  text: "text",
  string: "text",
  char: "text",
  varchar: "text",
  citext: "text",
  date: "dateonly",
  dateonly: "dateonly",
  datetime: "date",
  timestamp: "date",
  timestamptz: "date",
  time: "time",
  json: "json",
  jsonb: "json",
  blob: "blob",
  binary: "blob",
  bytea: "blob",
  uuid: "uuid",
};

/**
 * What a CAST is to make.
 *
 * @throws {ArgumentError} for a text that is not the name of a type
 */
export function castTarget(type: CastType): CastTarget {
  if (typeof type === "string") return namedTarget(type);
  // DataTypes.INTEGER is a class, DataTypes.STRING(10) an instance; Sequelize's DATE is a moment, DATEONLY a day.
  const made = typeof type === "function" ? sequelizeType(type) : type;
  if (typeof (made as { key?: unknown } | null)?.key !== "string") throw refuse(type);
  const { key } = made;
  if (key === "DATE") return { kind: "date", text: "timestamp", size: "" };
  const [, size = ""] = /\((\d+(?:\s*,\s*\d+)?)\)/.exec(made.toSql?.() ?? "") ?? [];
  return { kind: KINDS[key.toLowerCase()], text: key, size: size && `(${size})` };
}

function namedTarget(text: string): CastTarget {
  const match =
    /^\s*([a-z][a-z0-9_]*(?: (?:precision|varying|signed|unsigned|with|without|time|zone|integer|large|object))*)\s*(\(\s*\d+\s*(?:,\s*\d+\s*)?\))?\s*(\[\])?\s*$/i.exec(
      text,
    );
  if (!match) throw refuse(text);
  const [, name = "", size = "", array] = match;
  return { kind: array ? undefined : KINDS[name.toLowerCase()], text: text.trim(), size };
}

function sequelizeType(type: new (...parameters: never[]) => { key: string }): { key: string; toSql?: () => string } {
  try {
    return new type();
  } catch {
    throw refuse(type);
  }
}

function refuse(type: unknown): ArgumentError {
  return new ArgumentError(`Cannot cast to ${inspect(type, { depth: 0 })}: it is not a type.`, {
    hint: 'a name such as "integer", "text", "decimal(10, 2)", or a data type of Sequelize',
  });
}
