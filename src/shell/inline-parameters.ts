import type { Dialect } from "../driver/dialect";
import { tokenizeSql } from "../render/sql-tokens";

/**
 * A statement with its parameters written in as literals, to be read or pasted into the database's own client.
 *
 * Placeholders inside literals, names and comments are not taken for parameters. A parameter that has no literal stays.
 */
export function inlineParameters(sql: string, parameters: readonly unknown[], dialect: Dialect): string {
  if (parameters.length === 0) return sql;
  const tokens = tokenizeSql(sql, dialect.lexicalRules);
  if (tokens === undefined) return sql;
  let position = 0;
  const text = tokens.map((token) => {
    if (token.kind !== "parameter") return token.text;
    const numbered = /^[$?](\d+)$/.exec(token.text)?.[1];
    const index = numbered === undefined ? position++ : Number(numbered) - 1;
    return index < parameters.length ? literalOf(parameters[index], token.text, dialect) : token.text;
  });
  return text.join("");
}

function literalOf(value: unknown, placeholder: string, dialect: Dialect): string {
  if (value instanceof Date) return dialect.literal(value.toISOString().replace("T", " ").replace("Z", " +00:00"));
  if (value === undefined) return "NULL";
  if (Array.isArray(value) || (typeof value === "object" && value !== null && !Buffer.isBuffer(value))) {
    return dialect.literal(JSON.stringify(value));
  }
  try {
    return dialect.literal(value);
  } catch {
    return placeholder;
  }
}
