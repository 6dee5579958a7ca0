import { ArgumentError } from "../errors";
import { valueSource } from "../schema/declare-column";
import type { SchemaDialect } from "../schema/dialects/schema-dialect";
import type { Column } from "../schema/schema";
import { SqlFragment, fragmentSource } from "../schema/sql-fragment";
import type { Fill } from "./operation";
import { toSql } from "./values";

/** The values that existing rows get, by `table.column`, as given by flags. */
export type Fills = ReadonlyMap<string, string>;

/**
 * Reads the flags of fills: `users.age=0`, `users.note=''`, `users.slug=sql:lower(name)`.
 *
 * @throws {ArgumentError} for a flag that is not of this form
 */
export function readFillFlags(flags: readonly string[]): Fills {
  return new Map(
    flags.map((flag) => {
      const [, column, value] = /^([^=]+\.[^=.]+)=(.*)$/s.exec(flag) ?? [];
      if (column === undefined || value === undefined)
        throw new ArgumentError(`Cannot read "--fill ${flag}". Expected TABLE.COLUMN=VALUE.`);
      return [column, value];
    }),
  );
}

/** The fill that a text stands for: a number, true, false, a text with or without quotes, or SQL behind `sql:`. */
export function fillOf(text: string, dialect: SchemaDialect): Fill {
  const value = parseValue(text.trim());
  const source =
    value instanceof SqlFragment ? fragmentSource(value.text) : (valueSource(value) ?? JSON.stringify(text));
  return { sql: toSql(dialect, value), source };
}

/**
 * What the rows get in a column that comes back without its data and takes no NULL: the empty value of its type.
 *
 * @returns undefined for a type of which none is known
 */
export function neutralFill(column: Column, dialect: SchemaDialect): Fill | undefined {
  const type = dialect.typeSource(column);
  const value = (of: unknown): Fill => ({ sql: toSql(dialect, of), source: valueSource(of) ?? "undefined" });
  if (column.enumValues?.[0] !== undefined) return value(column.enumValues[0]);
  if (/^DataTypes\.(?:STRING|TEXT|CHAR|CITEXT)\b/.test(type)) return value("");
  if (/^DataTypes\.(?:INTEGER|BIGINT|SMALLINT|MEDIUMINT|TINYINT|DECIMAL|FLOAT|DOUBLE|REAL)\b/.test(type))
    return value(0);
  if (type === "DataTypes.BOOLEAN") return value(false);
  if (/^DataTypes\.(?:DATE|DATEONLY)\b/.test(type))
    return { sql: "CURRENT_TIMESTAMP", source: fragmentSource("CURRENT_TIMESTAMP") };
  if (/^DataTypes\.JSONB?$/.test(type)) return value({});
  if (type === "DataTypes.UUID") return value("00000000-0000-0000-0000-000000000000");
  if (/^DataTypes\.BLOB\b/.test(type)) return value(Buffer.alloc(0));
  return undefined;
}

function parseValue(text: string): unknown {
  if (text.startsWith("sql:")) return new SqlFragment(text.slice("sql:".length).trim());
  const quoted = /^'(.*)'$/s.exec(text)?.[1];
  if (quoted !== undefined) return quoted.replaceAll("''", "'");
  if (/^(?:-?\d+(?:\.\d+)?|true|false|".*")$/s.test(text) && !/^-?0\d/.test(text)) return JSON.parse(text) as unknown;
  return text;
}
