import type { Bindable, Dialect, Statement } from "../driver/dialect";

/** A parameter at its place in the text. */
export interface SqlParameter {
  readonly value: Bindable;
}

/** SQL as a row of texts and parameters, before it is decided how parameters are written. */
export type SqlParts = readonly (string | SqlParameter)[];

/** The statement as it is sent: placeholders in the text, values beside it. */
export function toStatement(parts: SqlParts, dialect: Dialect): Statement {
  let sql = "";
  const parameters: Bindable[] = [];
  for (const part of parts) {
    if (typeof part === "string") sql += part;
    else {
      parameters.push(part.value);
      sql += dialect.placeholder(parameters.length);
    }
  }
  return { sql, parameters };
}

/** The same statement with its values written in as literals. */
export function toLiteralText(parts: SqlParts, dialect: Dialect): string {
  let sql = "";
  for (const part of parts) sql += typeof part === "string" ? part : dialect.literal(part.value);
  return sql;
}
