import type { ConstraintKind } from "../errors";
import { DatabaseError, IntegrityError, OperationalError, StatementError } from "../errors";
import type {
  Bindable,
  Cursor,
  DriverRow,
  BulkColumn,
  DeleteRequest,
  InsertRequest,
  Statement,
  StatementRunner,
  UpdateRequest,
  ValueKind,
  LexicalRules,
} from "./dialect";
import { Dialect, WORK_AGAIN, chunks, firstValues } from "./dialect";
import type { PlanNode } from "./plan";
import { readPostgresPlan } from "./plan";
import type { JsonEncoding } from "./json-rows";
import { JsonTexts } from "./json-rows";

const JSON_ENCODING: JsonEncoding = {
  number: (value) => (Number.isFinite(value) ? String(value) : JSON.stringify(String(value))),
  boolean: (value) => String(value),
  binary: (value) => JSON.stringify(`\\x${value.toString("hex")}`),
};

const CAST_TYPES: Record<ValueKind, string> = {
  integer: "integer",
  bigint: "bigint",
  number: "double precision",
  decimal: "numeric",
  boolean: "boolean",
  text: "text",
  date: "timestamptz",
  dateonly: "date",
  time: "time",
  json: "jsonb",
  blob: "bytea",
  uuid: "uuid",
};

/** Text needs no type: an unknown value becomes text where nothing else decides. A fraction is exact as numeric, and any function takes that. */
const PARAMETER_TYPES: Partial<Record<ValueKind, string>> = {
  integer: "integer",
  bigint: "bigint",
  number: "numeric",
  decimal: "numeric",
  boolean: "boolean",
  date: "timestamptz",
  blob: "bytea",
};

/** PostgreSQL, and what speaks its protocol, through the pg package. */
export class PostgresDialect extends Dialect {
  readonly #texts = new JsonTexts(JSON_ENCODING, true);
  override readonly name = "postgres";
  override readonly supportsReturning = true;
  override readonly supportsTransactionalDdl = true;
  override readonly supportsDistinctOn = true;
  override readonly supportsIlike = true;
  override readonly supportsNullsOrdering = true;
  override readonly supportsForUpdate = true;
  override readonly locksInnerRowsOnly = true;
  override readonly supportsIsDistinctFrom = true;
  override readonly abortsTransactionOnError = true;
  override readonly interruptUndoesTransaction = false;
  override readonly refusesImpossibleValues = true;
  override readonly readsBigintsAsText = false;
  override readonly parsesJson = true;
  override readonly accessMode = [
    "SET default_transaction_read_only = on",
    "SET default_transaction_read_only = off",
  ] as const;
  override readonly identifierQuote = '"';

  override bindBoolean(value: boolean): boolean {
    return value;
  }

  override get lexicalRules(): LexicalRules {
    return { ...super.lexicalRules, nestedComments: true, dollarQuotes: true };
  }

  override placeholder(position: number): string {
    return `$${position}`;
  }

  protected override numberLiteral(value: number): string {
    if (!Number.isFinite(value)) return `'${value}'::float8`;
    return value < 0 || Object.is(value, -0) ? `(${super.numberLiteral(value)})` : super.numberLiteral(value);
  }

  protected override textLiteral(value: string): string {
    if (value.includes("\0"))
      throw new StatementError("Cannot write text with a NUL character: PostgreSQL stores none.");
    // The E form reads the same whatever standard_conforming_strings says.
    return value.includes("\\")
      ? ` E${super.textLiteral(value.replaceAll("\\", "\\\\"))}`.trimStart()
      : super.textLiteral(value);
  }

  protected override binaryLiteral(value: Buffer): string {
    return `'\\x${value.toString("hex")}'::bytea`;
  }

  override typedParameter(kind: ValueKind): readonly [string, string] {
    const type = PARAMETER_TYPES[kind];
    return type === undefined ? ["", ""] : ["", `::${type}`];
  }

  override cast(kind: ValueKind, size: string): readonly [string, string] {
    return ["CAST(", ` AS ${kind === "text" && size !== "" ? "varchar" : CAST_TYPES[kind]}${size})`];
  }

  override readonly division = ["", " / CAST(", " AS double precision)"] as const;
  override readonly jsonForm = ["CAST(", " AS jsonb)"] as const;
  override readonly textForm = "::text";

  override takesAnyType(functionName: string): boolean {
    return /^(concat|concat_ws|format|num_nulls|num_nonnulls|jsonb?_build_(array|object)|array_append|array_prepend)$/.test(
      functionName,
    );
  }

  override functionName(name: string): string {
    return /^(now|current_timestamp|current_date|current_time)$/.test(name)
      ? name.replace("now", "current_timestamp").toUpperCase()
      : name;
  }

  override limitClause(limit: string | undefined, offset: string | undefined): string {
    return `${limit === undefined ? "" : ` LIMIT ${limit}`}${offset === undefined ? "" : ` OFFSET ${offset}`}`;
  }

  // A cursor that outlives the transaction is filled before its first row is read, and each FETCH copies its rows once more.
  override readonly streamsApart = true;

  override keyCounterStatement(table: string, column: string): string {
    const sequence = `pg_get_serial_sequence(${this.literal(table)}, ${this.literal(column)})`;
    return `SELECT setval(${sequence}, (SELECT max(${this.identifier(column)}) FROM ${table}))`;
  }

  override cursor(name: string, batch: number): Cursor {
    return {
      // WITH HOLD: the cursor outlives the transaction, so the reader may commit. Locked rows cannot be held.
      open: ({ sql, parameters }) => ({
        sql: `DECLARE ${name} NO SCROLL CURSOR ${LOCKS.test(sql) ? "" : "WITH HOLD "}FOR ${sql}`,
        parameters,
      }),
      read: (runner, sink) => runner.read(`FETCH FORWARD ${batch} FROM ${name}`, [], sink),
      close: async (runner, mayBeGone) => {
        // Closing what is gone would abort a transaction that was begun meanwhile.
        const found = mayBeGone ? await runner.all("SELECT 1 FROM pg_cursors WHERE name = $1", [name]) : [{}];
        if (found.length > 0) await runner.run(`CLOSE ${name}`);
      },
    };
  }

  override explainStatement({ sql, parameters }: Statement, analyze: boolean): Statement {
    return { sql: `EXPLAIN (${analyze ? "ANALYZE, " : ""}FORMAT JSON) ${sql}`, parameters };
  }

  override readonly explainRuns = true;

  override readPlan(rows: readonly DriverRow[]): PlanNode {
    return readPostgresPlan(rows);
  }

  override async insert(runner: StatementRunner, request: InsertRequest): ReturnType<Dialect["insert"]> {
    const { rows, columns, generatedKey } = request;
    const wanted = [...(generatedKey === undefined ? [] : [generatedKey]), ...(request.returning ?? [])];
    const returning = wanted.length === 0 ? "" : ` RETURNING ${wanted.map((name) => this.identifier(name)).join(", ")}`;
    // The order of returned rows is not promised: with other columns than the key, one row at a time.
    if (rows.length === 1 || columns.length === 0 || request.returning?.length) {
      const keys: unknown[] = [];
      const returned: Record<string, unknown>[] = [];
      for (const row of rows) {
        const { sql, parameters } = this.insertOne(request, row, returning);
        const [stored = {}] = (await runner.run(sql, parameters)).rows;
        if (generatedKey !== undefined) keys.push(stored[generatedKey]);
        returned.push(stored);
      }
      return request.returning?.length ? { keys, returned } : { keys };
    }
    const names = columns.map((column) => this.identifier(column.name)).join(", ");
    const values = columns.map((column, i) => fromRecord(column, `r.c${i}`)).join(", ");
    const definition = columns.map((column, i) => `c${i} ${recordType(column)}`).join(", ");
    // ORDER BY makes the sequence follow the rows; the ids are sorted because RETURNING follows nothing.
    const ordered = generatedKey !== undefined;
    const sql =
      `INSERT INTO ${request.table} (${names}) SELECT ${values} FROM json_to_recordset($1::json) ` +
      `AS r(${ordered ? "o int, " : ""}${definition})${ordered ? " ORDER BY r.o" : ""}${returning}`;
    const keys: unknown[] = [];
    for (const chunk of chunks(rows)) {
      const result = await runner.run(sql, [this.#texts.of(chunk, ordered)]);
      if (generatedKey !== undefined) keys.push(...result.rows.map((row) => row[generatedKey]).sort(compareKeys));
    }
    return { keys };
  }

  override prepareRows(rows: InsertRequest["rows"], ordered: boolean): void {
    this.#texts.prepare(rows, ordered);
  }

  override async update(runner: StatementRunner, request: UpdateRequest): Promise<number> {
    if (request.rows.length === 1) {
      const { sql, parameters } = this.updateOne(request, request.rows[0] ?? []);
      return (await runner.run(sql, parameters)).rowCount;
    }
    const columns = [...request.keys, ...request.sets];
    const definition = columns.map((column, i) => `c${i} ${recordType(column)}`).join(", ");
    const sets = request.sets
      .map((column, i) => `${this.identifier(column.name)} = ${fromRecord(column, `v.c${i + request.keys.length}`)}`)
      .join(", ");
    const where = request.keys
      .map((column, i) => `${request.table}.${this.identifier(column.name)} = ${fromRecord(column, `v.c${i}`)}`)
      .join(" AND ");
    const sql = `UPDATE ${request.table} SET ${sets} FROM json_to_recordset($1::json) AS v(${definition}) WHERE ${where}`;
    let matched = 0;
    for (const chunk of chunks(request.rows)) matched += (await runner.run(sql, [this.#texts.of(chunk)])).rowCount;
    return matched;
  }

  protected override deleteMany(request: DeleteRequest, rows: DeleteRequest["rows"]): Statement {
    const [key] = request.keys;
    if (request.keys.length === 1 && key?.kind === "integer") {
      const values = firstValues(rows);
      // Keys of another width than their column's are compared one by one, at half the speed.
      const type = values.every(isInt4) && !/^bigint|^bigserial/iu.test(key.sqlType) ? "integer" : "bigint";
      return {
        sql: `DELETE FROM ${request.table} WHERE ${this.identifier(key.name)} = ANY ($1::${type}[])`,
        parameters: [`{${values.join(",")}}`],
      };
    }
    const definition = request.keys.map((column, i) => `c${i} ${recordType(column)}`).join(", ");
    const where = request.keys
      .map((column, i) => `${request.table}.${this.identifier(column.name)} = ${fromRecord(column, `v.c${i}`)}`)
      .join(" AND ");
    return {
      sql: `DELETE FROM ${request.table} USING json_to_recordset($1::json) AS v(${definition}) WHERE ${where}`,
      parameters: [this.#texts.of(rows)],
    };
  }

  override refusesAfterError({ cause }: DatabaseError): boolean {
    return (cause as { code?: string } | undefined)?.code === "25P02";
  }

  override translateError(error: unknown, statement: Statement): DatabaseError {
    const { message, code, table, column, constraint, detail } = error as Record<string, string | undefined> & {
      message: string;
    };
    const options = { cause: error, sql: statement.sql, parameters: statement.parameters };
    const kind = KINDS[code ?? ""];
    if (kind !== undefined) {
      // detail: Key (username)=(john) already exists.
      // "Key (id)=(1) is still referenced" speaks of the other table's column.
      const fields =
        column !== undefined
          ? [column]
          : /is still referenced from table/.test(detail ?? "")
            ? []
            : /^Key \((.*?)\)=/
                .exec(detail ?? "")?.[1]
                ?.split(", ")
                .map(unquote);
      const entry = kind === "unique" ? /\)=\((.*)\) already exists/s.exec(detail ?? "")?.[1] : undefined;
      return new IntegrityError(detail ? `${message}: ${detail}` : message, {
        ...options,
        kind,
        table,
        fields,
        // Where there are several, nothing tells a comma between them from one in them.
        values: entry !== undefined && fields?.length === 1 ? [entry] : [],
        constraint,
      });
    }
    // Classes 08 connection, 40 rollback, 53 resources, 55 locks, 57 intervention, 58 system; driver errors have no SQLSTATE.
    if (!code || /^(08|40|53|55|57|58)/.test(code) || !/^[0-9A-Z]{5}$/.test(code))
      return new OperationalError(message, { ...options, hint: /^(40|55)/.test(code ?? "") ? WORK_AGAIN : undefined });
    return new DatabaseError(message, options);
  }
}

/** The query's own rows are locked: those of a part of it may be held. */
const LOCKS = / FOR UPDATE(?: OF [^()]+)?$/;

const KINDS: Record<string, ConstraintKind> = {
  "23505": "unique",
  "23503": "foreignKey",
  "23502": "notNull",
  "23514": "check",
  "23P01": "unique",
};

function unquote(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

/** The type of a column in the record of JSON: what JSON carries as itself keeps its type, the rest travels as text. */
function isInt4(value: Bindable): boolean {
  return typeof value === "number" && value >= -(2 ** 31) && value < 2 ** 31;
}

function recordType(column: BulkColumn): string {
  switch (column.kind) {
    case "integer":
      return "bigint";
    case "number":
      return "float8";
    case "decimal":
      return "numeric";
    case "boolean":
      return "boolean";
    case "binary":
      return "bytea";
    default:
      return "text";
  }
}

// Text is left to assignment: an explicit cast to VARCHAR(n) would cut it silently.
function fromRecord(column: BulkColumn, source: string): string {
  return column.kind === "other" ? `${source}::${column.sqlType}` : source;
}

function compareKeys(a: unknown, b: unknown): number {
  const [x, y] = [BigInt(a as string | number), BigInt(b as string | number)];
  return x < y ? -1 : x > y ? 1 : 0;
}
