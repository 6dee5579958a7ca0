import type { Column } from "../schema";

/** The type in the form in which two spellings of one are equal: `character varying(9)`, `integer[]`. */
export function normalType(type: string): string {
  const flat = type.toLowerCase().replace(/\s+/g, " ").trim();
  const array = /(\[\])+$/.exec(flat)?.[0] ?? "";
  const [, name = "", size = "", rest = ""] =
    /^([^(]*?) ?(\([^)]*\))?( with(?:out)? time zone)?$/.exec(flat.slice(0, flat.length - array.length)) ?? [];
  if (name === "") return flat;
  return `${SYNONYMS[name + rest] ?? name + rest}${size.replaceAll(" ", "")}${array}`;
}

/** Whether the column is numbered by a sequence that comes with its type. */
export function isSerial(column: Column): boolean {
  return Boolean(column.autoIncrement) && column.identity === undefined && column.default === undefined;
}

/** The type that the values of such a column have. */
export function serialType(column: Column): string {
  const type = normalType(column.type);
  return SERIAL[type] === undefined ? "integer" : type;
}

const SYNONYMS: Record<string, string> = {
  int: "integer",
  int4: "integer",
  int8: "bigint",
  int2: "smallint",
  float: "double precision",
  float8: "double precision",
  float4: "real",
  bool: "boolean",
  decimal: "numeric",
  varchar: "character varying",
  char: "character",
  timestamptz: "timestamp with time zone",
  timestamp: "timestamp without time zone",
  time: "time without time zone",
  timetz: "time with time zone",
};

export const SERIAL: Record<string, string> = { integer: "SERIAL", bigint: "BIGSERIAL", smallint: "SMALLSERIAL" };
