import { ArgumentError } from "../errors";
import { valueSource } from "../schema/declare-column";
import type { SchemaDialect } from "../schema/dialects/schema-dialect";
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

function parseValue(text: string): unknown {
  if (text.startsWith("sql:")) return new SqlFragment(text.slice("sql:".length).trim());
  const quoted = /^'(.*)'$/s.exec(text)?.[1];
  if (quoted !== undefined) return quoted.replaceAll("''", "'");
  if (/^(?:-?\d+(?:\.\d+)?|true|false|".*")$/s.test(text) && !/^-?0\d/.test(text)) return JSON.parse(text) as unknown;
  return text;
}
