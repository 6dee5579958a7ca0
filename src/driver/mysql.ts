import type { ConstraintKind } from "../errors";
import { bareStatements } from "./bare-statements";
import { DatabaseError, IntegrityError, OperationalError, StatementError } from "../errors";
import type {
  Cursor,
  DriverRow,
  DeleteRequest,
  InsertRequest,
  Statement,
  StatementRunner,
  UpdateRequest,
  ValueKind,
  LexicalRules,
} from "./dialect";
import { Dialect, WORK_AGAIN, chunks } from "./dialect";
import type { PlanNode } from "./plan";
import { readMysqlPlan } from "./plan";

/** Rows of one statement: the text is parsed by the server for each row, so more gains nothing. */
const ROWS_PER_STATEMENT = 1000;

const CAST_TYPES: Partial<Record<ValueKind, string>> = {
  integer: "SIGNED",
  bigint: "SIGNED",
  number: "DOUBLE",
  date: "DATETIME(6)",
  dateonly: "DATE",
  time: "TIME",
  blob: "BINARY",
};

/** Reads what {@link MysqlDialect.learn} wants to know of a server. */
export const SERVER_SETTINGS =
  "SELECT version() AS version, @@sql_mode AS mode, @@auto_increment_increment AS increment";

/** Errors that InnoDB undoes the transaction with: the record has changed since its snapshot, lock table full, deadlock. */
const UNDOING = new Set([1020, 1206, 1213]);

/** What ends the transaction that is open: changes of tables and users, and what looks after tables. */
const COMMITTING =
  "CREATE(?! (OR REPLACE )?TEMPORARY\\b)|ALTER|DROP(?! TEMPORARY\\b)|RENAME|TRUNCATE|GRANT|REVOKE|LOCK TABLES?|ANALYZE|OPTIMIZE|" +
  "REPAIR|CHECK TABLE|CACHE INDEX|LOAD INDEX|FLUSH|RESET|INSTALL|UNINSTALL|SET (PASSWORD|(SESSION |@@)?autocommit)";
const BEGINS_COMMITTING = new RegExp(`^(${COMMITTING})\\b`, "i");
/** Most texts hold none of the words, and need no closer look. */
const MAY_COMMIT = new RegExp(`\\b(${COMMITTING.replaceAll(" ", "\\s+")})\\b`, "i");

/** MariaDB and MySQL, and what speaks their protocol, through the mariadb or the mysql2 package. */
export class MysqlDialect extends Dialect {
  override readonly supportsReturning = false;
  override readonly supportsTransactionalDdl = false;
  override readonly supportsDistinctOn = false;
  override readonly supportsIlike = false;
  override readonly supportsNullsOrdering = false;
  override readonly supportsForUpdate = true;
  override readonly supportsIsDistinctFrom = false;
  override readonly abortsTransactionOnError = false;
  override readonly interruptUndoesTransaction = false;
  override readonly accessMode = ["SET SESSION TRANSACTION READ ONLY", "SET SESSION TRANSACTION READ WRITE"] as const;
  override readonly readsBigintsAsText = false;
  /** Whether JSON columns come back parsed: depends on the driver and on the server's own JSON type; read when connecting. */
  override parsesJson = false;
  override readonly identifierQuote = "`";
  /** The server reads a backslash in text as itself (sql_mode NO_BACKSLASH_ESCAPES); read from the server when connecting. */
  backslashIsPlain = false;
  /** Ids of one statement are this far apart (auto_increment_increment); read from the server when connecting. */
  idIncrement = 1;

  constructor(override readonly name: "mariadb" | "mysql") {
    super();
  }

  /** Takes up what {@link SERVER_SETTINGS} found. */
  learn(server: Record<string, unknown>): void {
    this.backslashIsPlain = String(server["mode"]).includes("NO_BACKSLASH_ESCAPES");
    this.idIncrement = Number(server["increment"]);
    const version = String(server["version"]);
    const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number);
    const marksJson = major * 10_000 + minor * 100 + patch >= 100_502;
    // The mariadb package parses what MariaDB 10.5.2 marks as JSON; mysql2 parses MySQL's JSON type, which MariaDB has not.
    this.parsesJson = /mariadb/i.test(version) ? this.name === "mariadb" && marksJson : true;
  }

  override get lexicalRules(): LexicalRules {
    return {
      ...super.lexicalRules,
      backslashEscapes: !this.backslashIsPlain,
      hashComments: true,
      dashCommentsNeedSpace: true,
    };
  }

  protected override textLiteral(value: string): string {
    if (this.backslashIsPlain) return super.textLiteral(value);
    // The command-line client drops a carriage return at the end of a line.
    const escaped = value.replaceAll("\\", "\\\\").replaceAll("\0", "\\0").replaceAll("\r", "\\r");
    return super.textLiteral(escaped);
  }

  protected override numberLiteral(value: number): string {
    if (!Number.isFinite(value)) throw new StatementError(`Cannot write ${value}: the database has no such number.`);
    // A number with an exponent is a DOUBLE, one without a DECIMAL: only the first compares equal to a stored DOUBLE.
    return Number.isInteger(value) ? super.numberLiteral(value) : `${value}${/e/.test(String(value)) ? "" : "e0"}`;
  }

  protected override bindDate(value: Date): string {
    return value.toISOString().slice(0, 23).replace("T", " ");
  }

  override typedParameter(kind: ValueKind): readonly [string, string] {
    // Text compared with a number is read as a double, which rounds.
    if (kind === "bigint") return ["CAST(", " AS SIGNED)"];
    return kind === "decimal" ? ["CAST(", " AS DECIMAL(65, 30))"] : ["", ""];
  }

  override cast(kind: ValueKind, size: string): readonly [string, string] {
    if (kind === "boolean") return ["(", " <> 0)"];
    if (kind === "decimal") return ["CAST(", ` AS DECIMAL${size || "(38, 10)"})`];
    return ["CAST(", ` AS ${CAST_TYPES[kind] ?? `CHAR${size}`})`];
  }

  override readonly division = ["", " / CAST(", " AS DOUBLE)"] as const;
  override readonly concatenation = ["concat(", ", ", ")"] as const;
  override readonly nullSafeEquality = "<=>";
  override readonly hashIsComment = true;
  override readonly limitsInSubqueries = false;

  override get jsonForm(): readonly [string, string] {
    return this.name === "mysql" ? ["CAST(", " AS JSON)"] : ["json_normalize(", ")"];
  }

  override functionName(name: string): string {
    if (/^(now|current_timestamp|current_date|current_time)$/.test(name))
      return name.replace("now", "current_timestamp").toUpperCase();
    return name === "random" ? "rand" : name;
  }

  override limitClause(limit: string | undefined, offset: string | undefined): string {
    if (limit === undefined && offset === undefined) return "";
    return ` LIMIT ${limit ?? "18446744073709551615"}${offset === undefined ? "" : ` OFFSET ${offset}`}`;
  }

  protected override readonly emptyRow = "() VALUES ()";

  // A copy of the result takes as long again as reading it.
  override readonly streamsApart = true;

  override cursor(name: string, batch: number): Cursor {
    const number = "row number";
    // MyISAM: its rows outlive a rollback.
    let position = 0;
    return {
      open: ({ sql, parameters }) => ({
        sql: `CREATE TEMPORARY TABLE ${name} (${this.quote(number)} BIGINT AUTO_INCREMENT PRIMARY KEY) ENGINE=MyISAM AS ${sql}`,
        parameters,
      }),
      read: (runner, sink) =>
        runner.read(
          `SELECT * FROM ${name} WHERE ${this.quote(number)} > ? AND ${this.quote(number)} <= ? ORDER BY ${this.quote(number)}`,
          [position, (position += batch * this.idIncrement)],
          sink,
        ),
      close: async (runner) => void (await runner.run(`DROP TEMPORARY TABLE IF EXISTS ${name}`)),
    };
  }

  override explainStatement({ sql, parameters }: Statement, analyze: boolean): Statement {
    const word = analyze && this.explainRuns ? "ANALYZE" : "EXPLAIN";
    return { sql: `${word} FORMAT=JSON ${sql}`, parameters };
  }

  override readPlan(rows: readonly DriverRow[]): PlanNode {
    return readMysqlPlan(rows);
  }

  override get explainRuns(): boolean {
    return this.name === "mariadb";
  }

  override async insert(runner: StatementRunner, request: InsertRequest): ReturnType<Dialect["insert"]> {
    const { rows, columns, generatedKey } = request;
    const keys: unknown[] = [];
    if (rows.length === 1 || columns.length === 0) {
      for (const row of rows) {
        const { sql, parameters } = this.insertOne(request, row);
        const { insertId } = await runner.run(sql, parameters);
        if (generatedKey !== undefined) keys.push(insertId);
      }
      return { keys };
    }
    const names = columns.map((column) => this.identifier(column.name)).join(", ");
    const tuple = `(${columns.map(() => "?").join(", ")})`;
    for (const chunk of chunks(rows, ROWS_PER_STATEMENT)) {
      const sql = `INSERT INTO ${request.table} (${names}) VALUES ${new Array(chunk.length).fill(tuple).join(", ")}`;
      const { insertId } = await runner.run(sql, chunk.flat());
      // A simple insert gets consecutive ids in the order of its rows, in every innodb_autoinc_lock_mode.
      if (generatedKey !== undefined)
        for (let i = 0; i < chunk.length; i++) keys.push((insertId ?? 0) + i * this.idIncrement);
    }
    return { keys };
  }

  override async update(runner: StatementRunner, request: UpdateRequest): Promise<number> {
    if (request.rows.length === 1) {
      const { sql, parameters } = this.updateOne(request, request.rows[0] ?? []);
      return (await runner.run(sql, parameters)).rowCount;
    }
    const columns = [...request.keys, ...request.sets];
    const sets = request.sets
      .map((column, i) => `${request.table}.${this.identifier(column.name)} = v.c${i + request.keys.length}`)
      .join(", ");
    const join = request.keys
      .map((column, i) => `${request.table}.${this.identifier(column.name)} = v.c${i}`)
      .join(" AND ");
    const first = `SELECT ${columns.map((_, i) => `? AS c${i}`).join(", ")}`;
    const next = ` UNION ALL SELECT ${columns.map(() => "?").join(", ")}`;
    let matched = 0;
    for (const chunk of chunks(request.rows, ROWS_PER_STATEMENT)) {
      const sql = `UPDATE ${request.table} JOIN (${first}${next.repeat(chunk.length - 1)}) AS v ON ${join} SET ${sets}`;
      matched += (await runner.run(sql, chunk.flat())).rowCount;
    }
    return matched;
  }

  protected override deleteMany(request: DeleteRequest, rows: DeleteRequest["rows"]): Statement {
    const names = request.keys.map((column) => this.identifier(column.name));
    const left = names.length === 1 ? names[0] : `(${names.join(", ")})`;
    const mark = names.length === 1 ? "?" : `(${names.map(() => "?").join(", ")})`;
    return {
      sql: `DELETE FROM ${request.table} WHERE ${left} IN (${new Array(rows.length).fill(mark).join(", ")})`,
      parameters: rows.flat(),
    };
  }

  override committingWords(sql: string): string | undefined {
    if (!MAY_COMMIT.test(sql)) return undefined;
    const found = bareStatements(sql, this.lexicalRules).find((statement) => BEGINS_COMMITTING.test(statement));
    return found && /^\w+( \w+)?/.exec(found)?.[0].toUpperCase();
  }

  override undoesTransaction({ cause }: DatabaseError): boolean {
    return UNDOING.has((cause as { errno?: number } | undefined)?.errno ?? 0);
  }

  override translateError(error: unknown, statement: Statement): DatabaseError {
    const raw = error as { message: string; sqlMessage?: string; errno?: number; code?: string };
    const message = raw.sqlMessage ?? raw.message;
    const options = { cause: error, sql: statement.sql, parameters: statement.parameters };
    switch (raw.errno) {
      case 1062:
      case 1586: {
        // Duplicate entry 'john' for key 'users.username' (MySQL names the table, MariaDB does not)
        const key = /for key '(?:[^']*\.)?([^'.]+)'/.exec(message)?.[1];
        return new IntegrityError(message, {
          ...options,
          kind: "unique",
          constraint: key,
          values: /^Duplicate entry '(.*)' for key '/s.exec(message)?.slice(1),
          ...insertTarget(statement.sql),
        });
      }
      case 1048:
      case 1364: {
        const field = /(?:Column|Field) '([^']+)'/.exec(message)?.[1];
        return integrity("notNull", field === undefined ? [] : [field]);
      }
      case 1451:
      case 1452: {
        const match = /\((?:`[^`]+`\.)?`([^`]+)`, CONSTRAINT `([^`]+)` FOREIGN KEY \(([^)]*)\)/.exec(message);
        const fields = match?.[3]?.split(", ").map((name) => name.replaceAll("`", ""));
        return new IntegrityError(message, {
          ...options,
          kind: "foreignKey",
          table: match?.[1],
          constraint: match?.[2],
          fields,
        });
      }
      case 4025:
      case 3819:
        return new IntegrityError(message, {
          ...options,
          kind: "check",
          constraint: /CONSTRAINT `([^`]+)`|constraint '([^']+)'/.exec(message)?.slice(1).find(Boolean),
          ...insertTarget(statement.sql),
        });
      case 1020: // changed since the snapshot
      case 1205: // lock wait
      case 1206: // lock table full
      case 1213: // deadlock
        return new OperationalError(message, { ...options, hint: WORK_AGAIN });
      case 1044: // access denied
      case 1045:
      case 1049: // unknown database
      case 1290: // read only
      case 1317: // interrupted
      case 1792:
      case 1927: // killed
        return new OperationalError(message, options);
      default:
        // Client-side errors (connection lost, timeouts) carry no number of the server's or one of the driver's own.
        return raw.errno === undefined || raw.errno < 1000 || raw.errno >= 45000 || raw.errno === 2013
          ? new OperationalError(message, options)
          : new DatabaseError(message, options);
    }

    function integrity(kind: ConstraintKind, fields: string[]): IntegrityError {
      return new IntegrityError(message, { ...options, kind, fields, ...insertTarget(statement.sql) });
    }
  }
}

function insertTarget(sql: string): { table?: string } {
  const table = /^(?:INSERT INTO|UPDATE)\s+(`(?:[^`]|``)+`|[\w$]+)/i.exec(sql)?.[1];
  return table === undefined ? {} : { table: table.replace(/^`|`$/g, "").replaceAll("``", "`") };
}
