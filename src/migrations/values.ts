import { ArgumentError } from "../errors";
import type { SchemaDialect } from "../schema/dialects/schema-dialect";
import { SqlFragment } from "../schema/sql-fragment";
import { isSignificant, isWord, tokenize } from "../schema/sql-tokens";

/** A value of a row as SQL: a literal of the dialect, or the text of a fragment. */
export function toSql(dialect: SchemaDialect, value: unknown): string {
  if (value instanceof SqlFragment) return value.text;
  if (value === undefined || value === null) return "NULL";
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new ArgumentError("Cannot write an invalid Date.");
    return dialect.sql.literal(dialect.dateText(value));
  }
  if (typeof value === "object" && !Buffer.isBuffer(value)) return dialect.sql.literal(JSON.stringify(value));
  return dialect.sql.literal(value);
}

/**
 * The statement with its parameters (`$1`, `$name`) written in as literals.
 *
 * @throws {ArgumentError} for a parameter that has no value
 */
export function bindValues(
  dialect: SchemaDialect,
  sql: string,
  bind: readonly unknown[] | Record<string, unknown> | undefined,
): string {
  if (bind === undefined) return sql;
  const tokens = tokenize(sql);
  let text = "";
  for (let i = 0; i < tokens.length; i++) {
    const [token, next] = [tokens[i], tokens[i + 1]];
    if (token?.text !== "$" || (next?.kind !== "number" && next?.kind !== "word")) {
      text += token?.text ?? "";
      continue;
    }
    const isKnown = Array.isArray(bind)
      ? Number(next.text) >= 1 && Number(next.text) <= bind.length
      : next.text in bind;
    if (!isKnown) throw new ArgumentError(`Cannot run the statement: the parameter "$${next.text}" has no value.`);
    text += toSql(
      dialect,
      Array.isArray(bind) ? (bind as unknown[])[Number(next.text) - 1] : (bind as Record<string, unknown>)[next.text],
    );
    i++;
  }
  return text;
}

/** Cuts a script at the semicolons that stand outside of triggers' bodies, quotes and comments. */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let current = "";
  let depth = 0;
  let isTrigger = false;
  let words = 0;
  const tokens = tokenize(sql);
  for (const [i, token] of tokens.entries()) {
    if (token.kind === "symbol" && token.text === ";" && depth === 0) {
      statements.push(current);
      [current, isTrigger, words] = ["", false, 0];
      continue;
    }
    current += token.text;
    if (token.kind !== "word") continue;
    const word = token.text.toUpperCase();
    if (++words <= 5 && /^(TRIGGER|PROCEDURE|FUNCTION)$/.test(word)) isTrigger = true;
    if (isTrigger && (word === "BEGIN" || word === "CASE")) depth++;
    // END IF and its like end what was not counted.
    const next = tokens.slice(i + 1).find(isSignificant);
    if (isTrigger && word === "END" && depth > 0 && !isWord(next, "IF", "LOOP", "WHILE", "REPEAT")) depth--;
  }
  statements.push(current);
  return statements.map((statement) => statement.trim()).filter((statement) => statement !== "");
}
