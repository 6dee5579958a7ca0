import type { Dialect, Statement } from "../driver/dialect";
import { describe } from "../driver/dialect";
import { ArgumentError, InvalidRequestError } from "../errors";
import { nodeOfExpression } from "../query/operand";
import type { NamedParameters } from "../query/named-parameters";
import { text } from "../query/expressions";
import { Compiler } from "../query/compile";
import type { Node } from "../query/node";
import { Scope } from "../query/scope";
import { toStatement } from "../query/sql-text";

/** Values of a text's parameters: by name for `:name`, or a list for the driver's own placeholders. */
export type TextParameters = NamedParameters | readonly unknown[];

/** What a caller gave to execute, as text and parameters. */
export function textStatement(statement: unknown, parameters: TextParameters | undefined, dialect: Dialect): Statement {
  const node = nodeOfExpression(statement);
  if (node !== undefined) return checked(nodeStatement(node, dialect));
  if (typeof statement !== "string") {
    throw new ArgumentError(`Expected SQL text, text(…) or a query to execute, got ${describe(statement)}.`);
  }
  if (Array.isArray(parameters)) {
    const values = parameters.map((value) => dialect.bindValue(value as Parameters<Dialect["bindValue"]>[0]));
    return checked({ sql: statement, parameters: values });
  }
  if (parameters === undefined && !/:[A-Za-z_]/.test(statement)) return checked({ sql: statement, parameters: [] });
  const expression = nodeOfExpression(text(statement, (parameters ?? {}) as NamedParameters));
  if (expression === undefined) throw new ArgumentError("Expected SQL text.");
  return checked(nodeStatement(expression, dialect));
}

function nodeStatement(node: Node, dialect: Dialect): Statement {
  const compiler = new Compiler(dialect, true);
  compiler.scope = new Scope(undefined);
  compiler.node(node);
  return toStatement(compiler.parts, dialect);
}

function checked(statement: Statement): Statement {
  const word = /^\s*(BEGIN|START\s+TRANSACTION|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|END)\b/i.exec(statement.sql)?.[1];
  if (word === undefined) return statement;
  throw new InvalidRequestError(`Cannot execute ${word.toUpperCase()}: the session ends its own transactions.`, {
    hint: "db.session.commit(), db.session.rollback(), db.session.beginNested()",
  });
}

/** A text without its literals, quoted names and comments. */
function bareText(sql: string): string {
  return sql.replaceAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|--[^\n]*|\/\*[\s\S]*?\*\//g, " ");
}

/** What a text that writes does to rows; `other` for what changes tables, or runs procedures; undefined for neither. */
export function workOfText(sql: string): "inserts" | "updates" | "deletes" | "other" | undefined {
  const bare = bareText(sql);
  if (/^\s*(CREATE|ALTER|DROP|TRUNCATE|RENAME|COMMENT|GRANT|REVOKE|CALL|DO|EXECUTE|EXEC)\b/i.test(bare)) return "other";
  const [, verb] = /\b(INSERT|REPLACE|MERGE|UPDATE|DELETE)\b/i.exec(bare) ?? [];
  if (verb === undefined) return undefined;
  return /UPDATE|MERGE/i.test(verb) ? "updates" : /DELETE/i.test(verb) ? "deletes" : "inserts";
}

/** Whether a text only reads, so that it needs no transaction. */
export function isReadOnlyText(sql: string): boolean {
  const bare = bareText(sql);
  if (!/^[\s(]*(SELECT|WITH|VALUES|EXPLAIN|SHOW|DESCRIBE|DESC|TABLE)\b/i.test(bare)) {
    return /^\s*PRAGMA\s+\w+\s*(\([^)]*\))?\s*;?\s*$/i.test(bare);
  }
  return !/\b(INSERT|UPDATE|DELETE|MERGE|REPLACE\s+INTO|FOR\s+(UPDATE|SHARE)|INTO\s+OUTFILE|CREATE|DROP|ALTER|TRUNCATE)\b/i.test(
    bare.replaceAll(/\bFOR\s+UPDATE\b/gi, " "),
  );
}
