import { isCapturing } from "../driver/capture";
import type { Dialect, Statement } from "../driver/dialect";
import { ShellError } from "../errors";
import { counted } from "../render/footer";
import { type SqlSyntax, tokenizeSql } from "../render/sql-tokens";
import { inlineParameters } from "./inline-parameters";

/** The end of a statement that would have taken many rows, and that nobody allowed. */
export class GuardError extends ShellError {}

/** A statement that takes rows away or changes them in bulk. */
export interface BulkStatement {
  /** What it does, such as `DELETE FROM users`. */
  readonly label: string;
  /** Whether a condition chooses among the rows. */
  readonly hasCondition: boolean;
  /** Counts the rows that it takes; undefined where that cannot be told. */
  readonly countSql: string | undefined;
}

/** More rows than this are asked about although a condition chooses them. */
const MANY_ROWS = 100;

/** What {@link checkDestructive} works with. */
export interface GuardOptions {
  readonly dialect: Dialect;
  /** Asks the person; undefined where there is nobody to ask. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  /** Runs a `SELECT count(*)`. */
  readonly count: (sql: string) => Promise<number>;
}

/**
 * Asks before a statement without a condition, or one that takes many rows.
 *
 * @throws {GuardError} where the person does not agree, or nobody can be asked
 */
export async function checkDestructive({ sql, parameters }: Statement, options: GuardOptions): Promise<void> {
  const { dialect, ask, count } = options;
  if (isCapturing()) return;
  const text = inlineParameters(sql, parameters, dialect);
  for (const { label, hasCondition, countSql } of bulkStatements(text, dialect.lexicalRules)) {
    let rows: number | undefined;
    if (countSql !== undefined) {
      try {
        rows = await count(countSql);
      } catch {
        continue; // What cannot be counted cannot be run either: the database tells why.
      }
      if (rows <= (hasCondition ? MANY_ROWS : 0)) continue;
    }
    const found = rows === undefined ? `${label}.` : `${label} - ${describeRows(label, rows, hasCondition)}.`;
    if (!ask) throw new GuardError(`Refused: ${found}`, { hint: "--yes lets it run, --sandbox undoes it at the end" });
    const wanted = rows === undefined ? (/\S+$/.exec(label)?.[0] ?? "yes") : String(rows);
    const answer = (await ask(`${found} Type ${wanted} to go on: `)).trim();
    if (answer !== wanted) throw new GuardError(`Not run: ${found}`, { hint: `type ${wanted} when asked` });
  }
}

function describeRows(label: string, rows: number, hasCondition: boolean): string {
  if (hasCondition) return `${counted(rows, "row")} match`;
  return `${/^(?:DELETE|UPDATE)/.test(label) ? "no WHERE, " : ""}${counted(rows, "row")}`;
}

interface Word {
  /** In capitals where it is a bare word; as it stands otherwise. */
  readonly text: string;
  readonly kind: string;
  readonly start: number;
  readonly end: number;
  readonly depth: number;
}

/** The statements of a text, also those inside a WITH, that take rows in bulk. */
export function bulkStatements(sql: string, syntax: SqlSyntax): BulkStatement[] {
  const found: BulkStatement[] = [];
  for (const words of statementsOf(sql, syntax)) {
    const first = words[0];
    if (!first) continue;
    const own = words.filter(({ depth }) => depth === first.depth);
    const verb =
      first.text === "WITH" ? own.find(({ text }) => /^(?:DELETE|UPDATE|SELECT|INSERT|REPLACE)$/.test(text)) : first;
    const prefix = verb ? sql.slice(first.start, verb.start) : "";
    const statement = verb && bulkStatement(sql, own.slice(own.indexOf(verb)), prefix);
    if (statement) found.push(statement);
    // A statement inside brackets is one that a WITH runs.
    for (const [index, word] of words.entries()) {
      const isInner = words[index - 1]?.text === "(" && /^(?:DELETE|UPDATE)$/.test(word.text);
      if (!isInner) continue;
      const end = words.findIndex(({ depth }, i) => i > index && depth < word.depth);
      const inner = words.slice(index, end < 0 ? undefined : end).filter(({ depth }) => depth === word.depth);
      const nested = bulkStatement(sql, inner, "");
      if (nested) found.push(nested);
    }
  }
  return found;
}

function statementsOf(sql: string, syntax: SqlSyntax): Word[][] {
  const statements: Word[][] = [[]];
  let at = 0;
  let depth = 0;
  for (const { kind, text } of tokenizeSql(sql, syntax) ?? []) {
    const start = at;
    at += text.length;
    if (kind === "space" || kind === "comment") continue;
    if (text === ")") depth -= 1;
    if (text === ";" && depth === 0) statements.push([]);
    else statements.at(-1)?.push({ text: kind === "word" ? text.toUpperCase() : text, kind, start, end: at, depth });
    if (text === "(") depth += 1;
  }
  return statements.filter((words) => words.length > 0);
}

const CLAUSES = new Set(["WHERE", "RETURNING", "ORDER", "LIMIT", "FROM", "USING", "SET"]);

/** The text of each clause after its word, of words on one level. */
function clausesOf(sql: string, words: readonly Word[]): Map<string, string> {
  const clauses = new Map<string, string>();
  const end = words.at(-1)?.end ?? 0;
  const marks = words.filter(({ text, kind }) => kind === "word" && CLAUSES.has(text));
  marks.forEach((mark, index) => {
    clauses.set(mark.text, sql.slice(mark.end, marks[index + 1]?.start ?? end).trim());
  });
  clauses.set("", sql.slice(words[0]?.end ?? 0, marks[0]?.start ?? end).trim());
  return clauses;
}

function bulkStatement(sql: string, words: readonly Word[], prefix: string): BulkStatement | undefined {
  const [verb, second] = words;
  switch (verb?.text) {
    case "DELETE": {
      const clauses = clausesOf(sql, words);
      const from = clauses.get("FROM") ?? "";
      const using = clauses.get("USING");
      return rowsOf(`DELETE FROM ${nameIn(from)}`, using === undefined ? from : `${from}, ${using}`, clauses, prefix);
    }
    case "UPDATE": {
      const clauses = clausesOf(sql, words);
      const target = (clauses.get("") ?? "").replace(/^(?:ONLY|IGNORE|LOW_PRIORITY|OR\s+\w+)\s+/i, "");
      const from = clauses.get("FROM");
      return rowsOf(`UPDATE ${nameIn(target)}`, from === undefined ? target : `${target}, ${from}`, clauses, prefix);
    }
    case "TRUNCATE":
      return tablesOf("TRUNCATE", sql.slice(verb.end, words.at(-1)?.end));
    case "DROP":
      if (second?.text === "TABLE") return tablesOf("DROP TABLE", sql.slice(second.end, words.at(-1)?.end));
      if (second?.text === "SCHEMA" || second?.text === "DATABASE") {
        const name = nameIn(sql.slice(second.end).replace(/^\s*IF\s+EXISTS\s+/i, ""));
        return { label: `DROP ${second.text} ${name}`, hasCondition: false, countSql: undefined };
      }
      return undefined;
    default:
      return undefined;
  }
}

function rowsOf(label: string, from: string, clauses: ReadonlyMap<string, string>, prefix: string): BulkStatement {
  const where = clauses.get("WHERE");
  const limit = clauses.get("LIMIT");
  const condition = where === undefined ? "" : ` WHERE ${where}`;
  const countSql =
    limit === undefined
      ? `${prefix}SELECT count(*) AS n FROM ${from}${condition}`
      : `${prefix}SELECT count(*) AS n FROM (SELECT 1 FROM ${from}${condition} LIMIT ${limit}) AS taken`;
  return { label, hasCondition: limit !== undefined || (where !== undefined && chooses(where)), countSql };
}

function tablesOf(label: string, rest: string): BulkStatement {
  const list = rest
    .replace(/^\s*(?:TABLE\b)?\s*(?:IF\s+EXISTS\b)?\s*(?:ONLY\b)?/i, "")
    .replace(/\b(?:CASCADE|RESTRICT|(?:RESTART|CONTINUE)\s+IDENTITY)\b[\s\S]*$/i, "");
  const tables = list.split(",").map((table) => table.trim());
  const countSql = `SELECT ${tables.map((table) => `(SELECT count(*) FROM ${table})`).join(" + ")} AS n`;
  return { label: `${label} ${tables.map(nameIn).join(", ")}`, hasCondition: false, countSql };
}

/** The bare name of the first table in a text. */
function nameIn(text: string): string {
  const name = /^(?:"[^"]*"|`[^`]*`|\[[^\]]*\]|[^\s,()"`[]+|\.)+/.exec(text.trim())?.[0] ?? text.trim();
  return name.replaceAll(/["`[\]]/g, "");
}

const CONSTANT_WORDS = new Set(["TRUE", "FALSE", "NOT", "AND", "OR", "NULL", "IS", "BETWEEN", "IN", "LIKE"]);

/** Whether a condition looks at the rows: `1 = 1` and `TRUE` do not. */
function chooses(condition: string): boolean {
  const tokens = tokenizeSql(condition.replaceAll(/'(?:[^']|'')*'/g, "0")) ?? [];
  if (tokens.length === 0) return true;
  return tokens.some(
    ({ kind, text }) => kind === "identifier" || (kind === "word" && !CONSTANT_WORDS.has(text.toUpperCase())),
  );
}
