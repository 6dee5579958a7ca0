import type { DatabaseError } from "../errors";
import { ArgumentError, StatementError } from "../errors";
import { keyRanges } from "./key-ranges";
import type { PlanNode } from "./plan";
import { needsQuoting } from "./reserved-words";
import type { RowSink } from "./row-sink";

/** A value as a driver takes it: what a parameter of a statement may be. */
export type Bindable = string | number | bigint | boolean | Buffer | null;

/** One row as a driver returns it: column name to raw value. */
export type DriverRow = Record<string, unknown>;

/** What a statement did: the rows it returned, the rows it matched, the key that the database generated for its first new row. */
export interface StatementResult {
  rows: DriverRow[];
  /** Rows matched by an UPDATE or DELETE, inserted by an INSERT, returned by a SELECT. */
  rowCount: number;
  insertId?: number;
  /** What the database says that it did, where it says so: ROLLBACK in answer to a COMMIT that it refused. */
  command?: string | undefined;
}

/** Text and parameters of one statement, exactly as they go to the driver. */
export interface Statement {
  sql: string;
  parameters: readonly unknown[];
}

/** What a database reads differently from the others in a statement's text: for those who lay text out or look into it. */
export interface LexicalRules {
  /** A backslash in a literal escapes the next character. */
  backslashEscapes: boolean;
  /** `#` begins a comment. */
  hashComments: boolean;
  /** `--` begins a comment only before white space. */
  dashCommentsNeedSpace: boolean;
  /** Block comments nest. */
  nestedComments: boolean;
  /** `$tag$ … $tag$` is a literal. */
  dollarQuotes: boolean;
  /** `[name]` is a quoted name. */
  bracketNames: boolean;
}

/** Sends statements on one connection, one at a time. */
export interface StatementRunner {
  all(sql: string, parameters?: readonly unknown[]): Promise<DriverRow[]>;
  run(sql: string, parameters?: readonly unknown[]): Promise<StatementResult>;
}

/** Also gives rows to a sink. */
export interface RowRunner extends StatementRunner {
  read(sql: string, parameters: readonly unknown[], sink: RowSink): Promise<number>;
}

/** How one SELECT is read in batches: the statements, and what to do with their rows. */
export interface Cursor {
  /** Makes the database keep the result. */
  open(select: Statement): Statement;
  /** Reads the next rows; they may have further columns, of names that no SELECT has. @returns the number of rows */
  read(runner: RowRunner, sink: RowSink): Promise<number>;
  /** Makes the database forget the result. @param mayBeGone  a rollback may have done so already */
  close(runner: StatementRunner, mayBeGone: boolean): Promise<void>;
}

/** A column of a bulk statement: its name and how its values travel. */
export interface BulkColumn {
  name: string;
  /** The column's SQL type in this dialect, as the model declares it (`INTEGER`, `VARCHAR(64)`, `"enum_users_kind"`). */
  sqlType: string;
  /** What the bindable values are; decides how they are written into JSON and read out of it. */
  kind: "integer" | "number" | "decimal" | "boolean" | "text" | "binary" | "other";
}

/** What an INSERT brought. */
export interface InsertResult {
  /** The generated keys in the order of the rows; empty without `generatedKey`. */
  keys: unknown[];
  /** The values of `returning` per row, where they were asked for and the database gives them. */
  returned?: DriverRow[];
  /** The key that the next row gets, where this transaction alone can insert. */
  nextKey?: number;
}

/** Rows to insert into one table: every row has a value for every column. */
export interface InsertRequest {
  /** Quoted table name, with its schema if it has one. */
  table: string;
  /** The bare table name, for catalogue look-ups. */
  tableName: string;
  columns: readonly BulkColumn[];
  rows: readonly (readonly Bindable[])[];
  /** The key column that the database numbers, when the rows do not carry it: its values are returned in the order of the rows. */
  generatedKey?: string | undefined;
  /** `nextKey` of the rows before these, where there is one and nothing was inserted since. */
  firstKey?: number | undefined;
  /** Columns whose stored values the caller wants back (server defaults), where the dialect can return them. */
  returning?: readonly string[] | undefined;
}

/** Rows to change in one table, all with the same changed columns. */
export interface UpdateRequest {
  table: string;
  /** Columns that identify a row: the primary key, and the version where there is one. */
  keys: readonly BulkColumn[];
  sets: readonly BulkColumn[];
  /** Values of the keys, then of the sets, per row. */
  rows: readonly (readonly Bindable[])[];
}

/** Rows to delete from one table by their key columns. */
export interface DeleteRequest {
  table: string;
  keys: readonly BulkColumn[];
  rows: readonly (readonly Bindable[])[];
}

/**
 * The differences between databases behind one interface: named capabilities, quoting, literals, bulk statements, errors.
 *
 * Code outside `driver/`, `schema/`'s readers, `migrations/ddl/` and `database.ts` asks for a capability and never for a name.
 */
export abstract class Dialect {
  /** Sequelize's name of the dialect: for messages and for looking up Sequelize's own parts, never for decisions. */
  abstract readonly name: "sqlite" | "postgres" | "mariadb" | "mysql";

  /** `INSERT … RETURNING` gives back server defaults. */
  abstract readonly supportsReturning: boolean;
  abstract readonly supportsTransactionalDdl: boolean;
  /** `SELECT DISTINCT ON (…)`. */
  abstract readonly supportsDistinctOn: boolean;
  /** An ILIKE operator; elsewhere both sides are lowered. */
  abstract readonly supportsIlike: boolean;
  /** `ORDER BY … NULLS FIRST`; elsewhere an `IS NULL` key stands in front. */
  abstract readonly supportsNullsOrdering: boolean;
  /** `SELECT … FOR UPDATE`. */
  abstract readonly supportsForUpdate: boolean;
  /** FOR UPDATE is refused for the tables behind an outer join, so that the others are named: `FOR UPDATE OF users`. */
  readonly locksInnerRowsOnly: boolean = false;
  /** `a IS DISTINCT FROM b`; elsewhere the dialect's own null-safe comparison. */
  abstract readonly supportsIsDistinctFrom: boolean;
  /** After an error every statement fails until ROLLBACK (to a savepoint). */
  abstract readonly abortsTransactionOnError: boolean;
  /** Interrupting a write undoes the whole transaction, not only the statement. */
  abstract readonly interruptUndoesTransaction: boolean;
  /** Comparing a column with a value that its type cannot hold is an error; elsewhere nothing is found. */
  readonly refusesImpossibleValues: boolean = false;
  /** BIGINT values come back rounded unless read as text. */
  abstract readonly readsBigintsAsText: boolean;
  /** The driver returns JSON columns parsed. */
  abstract readonly parsesJson: boolean;
  abstract readonly identifierQuote: '"' | "`";
  /** The statement that opens a transaction which will write. */
  readonly beginWrite: string = "BEGIN";

  /** What the database's text looks like where databases differ. */
  get lexicalRules(): LexicalRules {
    return {
      backslashEscapes: false,
      hashComments: false,
      dashCommentsNeedSpace: false,
      nestedComments: false,
      dollarQuotes: false,
      bracketNames: false,
    };
  }

  /** A boolean as a parameter: the number that is stored, where the database has no booleans of its own. */
  bindBoolean(value: boolean): Bindable {
    return value ? 1 : 0;
  }

  /** Always quoted; a quote character inside is doubled. */
  quote(name: string): string {
    if (name.includes("\0"))
      throw new ArgumentError(`Cannot use ${JSON.stringify(name)} as a name: it holds a NUL character.`);
    const q = this.identifierQuote;
    return q + name.replaceAll(q, q + q) + q;
  }

  /** Quoted only where the name needs it, so that statements read well. */
  identifier(name: string): string {
    return needsQuoting(name) ? this.quote(name) : name;
  }

  /** A value that belongs to no column, as a parameter; what has no form of its own travels as text. */
  bindValue(value: string | number | bigint | boolean | Date | Buffer | null): Bindable {
    if (typeof value === "boolean") return this.bindBoolean(value);
    if (typeof value === "bigint") return String(value);
    if (value instanceof Date) return this.bindDate(value);
    return value;
  }

  /** A moment as it is stored in a column of dates. */
  protected bindDate(value: Date): string {
    return `${value.toISOString().slice(0, 23).replace("T", " ")} +00:00`;
  }

  /**
   * What stands before and after a parameter whose type the database cannot tell from the statement.
   *
   * @param kind  what the value is
   */
  typedParameter(_kind: ValueKind): readonly [before: string, after: string] {
    return NOTHING_AROUND;
  }

  /** What stands before and after a value to make it another type. */
  abstract cast(kind: ValueKind, size: string): readonly [before: string, after: string];

  /** What stands before, between and after two operands of a division that keeps its fraction. */
  abstract readonly division: readonly [before: string, between: string, after: string];

  /** What stands before, between and after the operands of a concatenation of text. */
  readonly concatenation: readonly [before: string, between: string, after: string] = ["", " || ", ""];

  /** The operator for equality with NULL as a value, where there is no IS DISTINCT FROM. */
  readonly nullSafeEquality: string = "IS NOT DISTINCT FROM";

  /** What stands before and after each side of an equality of JSON values, so that their layout does not count. */
  abstract readonly jsonForm: readonly [before: string, after: string];

  /** What stands after a value that is no text to make it the left side of LIKE; empty where LIKE reads every value. */
  readonly textForm: string = "";

  /** The database's name of a function; SQL's own text for those without brackets. */
  functionName(name: string): string {
    return name;
  }

  /** EXISTS in a statement that has an OFFSET. */
  readonly existsBesideOffset: string = "EXISTS";

  /** A subquery after IN may have a LIMIT. */
  readonly limitsInSubqueries: boolean = true;

  /** A function whose arguments may be of any type, so that text must say that it is text. */
  takesAnyType(_functionName: string): boolean {
    return false;
  }

  /** More values than this stand in the text of a list, escaped, and not as parameters. */
  readonly maxListParameters: number = 5000;
  /** The statements after which a connection refuses writes, and takes them again. */
  abstract readonly accessMode: readonly [readOnly: string, readWrite: string];

  /** A SELECT changes nothing, whatever functions it calls. */
  readonly selectsNeverWrite: boolean = false;

  /** Of a text of several statements the driver sends the first alone. */
  readonly sendsFirstStatementOnly: boolean = false;

  /** `#` begins a comment, so it cannot stand in an operator. */
  readonly hashIsComment: boolean = false;

  /** The statement that makes generated keys go on after the highest; undefined where given ones count by themselves. */
  keyCounterStatement(_table: string, _column: string): string | undefined {
    return undefined;
  }

  /** The placeholder of the parameter at `position`, counted from 1. */
  placeholder(_position: number): string {
    return "?";
  }

  /**
   * A bindable value written as a literal that the database's own client reads as the same value.
   *
   * @throws {StatementError} for a value that has no literal (Infinity on MariaDB, NUL in text on PostgreSQL)
   */
  literal(value: unknown): string {
    if (value === null) return "NULL";
    switch (typeof value) {
      case "number":
        return this.numberLiteral(value);
      case "bigint":
        return String(value);
      case "boolean":
        return this.booleanLiteral(value);
      case "string":
        return this.textLiteral(value.toWellFormed());
      default:
        if (Buffer.isBuffer(value)) return this.binaryLiteral(value);
        throw new StatementError(`Cannot write ${describe(value)} as a literal: it is not a value of the database.`);
    }
  }

  protected numberLiteral(value: number): string {
    if (!Number.isFinite(value))
      throw new StatementError(`Cannot write ${value} as a literal: the database has no such number.`);
    // An integral double keeps its digits; -0 has no form of its own in SQL.
    return Object.is(value, -0) ? "0" : String(value);
  }
  protected booleanLiteral(value: boolean): string {
    return value ? "true" : "false";
  }
  protected textLiteral(value: string): string {
    return `'${value.replaceAll("'", "''")}'`;
  }
  protected binaryLiteral(value: Buffer): string {
    return `x'${value.toString("hex")}'`;
  }

  /** ` LIMIT … OFFSET …` with the synthetic limit that the dialect needs for an offset alone; the parts are SQL text. */
  abstract limitClause(limit: string | undefined, offset: string | undefined): string;

  /** The driver holds a large result back on a connection of its own, which is cheaper than what the database would keep. */
  readonly streamsApart: boolean = false;

  /**
   * A way to read one SELECT in batches that leaves the connection free between them.
   *
   * @param name   a name that nothing else in the database has
   * @param batch  rows of one batch
   */
  abstract cursor(name: string, batch: number): Cursor;

  /** The statement that asks how a SELECT would be run; with `analyze`, how it was. */
  abstract explainStatement(statement: Statement, analyze: boolean): Statement;

  /** The plan that {@link explainStatement} returned. */
  abstract readPlan(rows: readonly DriverRow[]): PlanNode;

  /** The statement with `analyze` runs the SELECT and tells times; elsewhere the plan alone is told. */
  abstract readonly explainRuns: boolean;

  /** The JavaScript error for what the driver raised; SQL and parameters stand on it. */
  abstract translateError(error: unknown, statement: Statement): DatabaseError;

  /** Whether the database has undone the whole transaction of a statement that failed: the next one would stand alone. */
  undoesTransaction(_error: DatabaseError): boolean {
    return false;
  }

  /** The first words of what in a text makes the database commit the open transaction; undefined where nothing does. */
  committingWords(_sql: string): string | undefined {
    return undefined;
  }

  /** Whether a statement was refused because another one of its transaction had failed before. */
  refusesAfterError(_error: DatabaseError): boolean {
    return false;
  }

  /**
   * Inserts rows, at best in one statement.
   *
   * @returns the generated keys in the order of the rows (empty without `generatedKey`) and, where asked and possible, the
   *   values of `returning` per row
   */
  abstract insert(runner: StatementRunner, request: InsertRequest): Promise<InsertResult>;

  /** The key that the next row of a bulk INSERT gets, where it is known beforehand and sent with the row. */
  nextKey(_runner: StatementRunner, _request: InsertRequest): Promise<number | undefined> {
    return Promise.resolve(undefined);
  }

  /**
   * Does beforehand what takes time before {@link insert} or {@link update} can send rows: while the database is busy.
   *
   * @param rows     the very array that the request will have
   * @param ordered  the database numbers them
   */
  prepareRows(_rows: InsertRequest["rows"], _ordered: boolean): void {
    // Nothing, where rows travel as they are.
  }

  /** Updates rows, at best in one statement. @returns the number of rows matched, also where a value did not change */
  abstract update(runner: StatementRunner, request: UpdateRequest): Promise<number>;

  /** Deletes rows, at best in one statement. @returns the number of rows matched */
  async delete(runner: StatementRunner, request: DeleteRequest): Promise<number> {
    let matched = 0;
    for (const rows of chunks(request.rows, CHUNK_KEYS)) {
      const { sql, parameters } = this.#deleteStatement(request, rows);
      matched += (await runner.run(sql, parameters)).rowCount;
    }
    return matched;
  }

  #deleteStatement(request: DeleteRequest, rows: DeleteRequest["rows"]): Statement {
    if (rows.length === 1) return this.deleteOne(request, rows[0] ?? []);
    const [key] = request.keys;
    const ranges = request.keys.length === 1 && key?.kind === "integer" ? keyRanges(rows) : undefined;
    if (key === undefined || ranges === undefined) return this.deleteMany(request, rows);
    const name = this.identifier(key.name);
    const conditions = ranges.map(
      (_, i) => `${name} BETWEEN ${this.placeholder(i * 2 + 1)} AND ${this.placeholder(i * 2 + 2)}`,
    );
    return { sql: `DELETE FROM ${request.table} WHERE ${conditions.join(" OR ")}`, parameters: ranges.flat() };
  }

  /** The statement for some rows by their keys: 2 at least, `CHUNK_KEYS` at the most. */
  protected abstract deleteMany(request: DeleteRequest, rows: DeleteRequest["rows"]): Statement;

  /** The statement for one row: `INSERT INTO t (a, b) VALUES (?, ?)`. */
  protected insertOne(request: InsertRequest, row: readonly Bindable[], suffix = ""): Statement {
    if (request.columns.length === 0)
      return { sql: `INSERT INTO ${request.table} ${this.emptyRow}${suffix}`, parameters: [] };
    const names = request.columns.map((column) => this.identifier(column.name)).join(", ");
    const marks = row.map((_, i) => this.placeholder(i + 1)).join(", ");
    return { sql: `INSERT INTO ${request.table} (${names}) VALUES (${marks})${suffix}`, parameters: row };
  }
  protected readonly emptyRow: string = "DEFAULT VALUES";

  /** `UPDATE t SET a = ? WHERE id = ?`. */
  protected updateOne(request: UpdateRequest, row: readonly Bindable[]): Statement {
    const keyValues = row.slice(0, request.keys.length);
    const setValues = row.slice(request.keys.length);
    const sets = request.sets
      .map((column, i) => `${this.identifier(column.name)} = ${this.placeholder(i + 1)}`)
      .join(", ");
    const where = this.keyCondition(request.keys, setValues.length);
    return { sql: `UPDATE ${request.table} SET ${sets} WHERE ${where}`, parameters: [...setValues, ...keyValues] };
  }

  /** `DELETE FROM t WHERE id = ?`. */
  protected deleteOne(request: DeleteRequest, row: readonly Bindable[]): Statement {
    return { sql: `DELETE FROM ${request.table} WHERE ${this.keyCondition(request.keys, 0)}`, parameters: row };
  }

  protected keyCondition(keys: readonly BulkColumn[], before: number): string {
    return keys
      .map((column, i) => `${this.identifier(column.name)} = ${this.placeholder(before + i + 1)}`)
      .join(" AND ");
  }
}

const NOTHING_AROUND = ["", ""] as const;

/** What a value is, where its type must be told to the database. */
export type ValueKind =
  | "integer"
  | "bigint"
  | "number"
  | "decimal"
  | "boolean"
  | "text"
  | "date"
  | "dateonly"
  | "time"
  | "json"
  | "blob"
  | "uuid";

/** What helps where the database gave up a transaction for another one. */
export const WORK_AGAIN = "db.session.rollback(), then do the work of the transaction again";

/** Rows of one bulk statement at the most: keeps a statement's text and its JSON within a few megabytes. */
export const CHUNK_ROWS = 5000;
/** Keys of one bulk DELETE at the most. */
export const CHUNK_KEYS = 20_000;
/** Characters of one bulk statement's values at the most. */
export const CHUNK_CHARACTERS = 4_000_000;

/** Cuts `rows` into chunks by count and by an estimate of their size in characters. */
export function* chunks(
  rows: readonly (readonly Bindable[])[],
  maxRows = CHUNK_ROWS,
): Generator<readonly (readonly Bindable[])[]> {
  for (let start = 0; start < rows.length;) {
    const end = endOfChunk(rows, start, maxRows);
    yield start === 0 && end === rows.length ? rows : rows.slice(start, end);
    start = end;
  }
}

/** Where the chunk ends that begins at `start`: it has one row at least. */
function endOfChunk(rows: readonly (readonly Bindable[])[], start: number, maxRows: number): number {
  const most = Math.min(start + maxRows, rows.length);
  let size = 0;
  for (let i = start; i < most; i++) {
    const row = rows[i] as readonly Bindable[];
    for (let c = 0; c < row.length; c++) {
      const value = row[c];
      size += typeof value === "string" ? value.length : Buffer.isBuffer(value) ? value.length * 2 : 8;
    }
    if (size > CHUNK_CHARACTERS && i > start) return i;
  }
  return most;
}

/** The first value of each row: the keys, where they have one column. */
export function firstValues(rows: readonly (readonly Bindable[])[]): Bindable[] {
  const values = new Array<Bindable>(rows.length);
  for (let i = 0; i < rows.length; i++) values[i] = (rows[i] as readonly Bindable[])[0] as Bindable;
  return values;
}

/** A value for an error message: its type and a short form. */
export function describe(value: unknown): string {
  if (value === undefined) return "undefined";
  if (value === null) return "null";
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "an invalid date" : value.toISOString();
  if (typeof value === "object") return `an object of class ${value.constructor?.name ?? "null"}`;
  return String(value);
}
