import type { Readable } from "node:stream";
import { ResourceClosedError } from "../errors";
import type { Connection, SpareConnection } from "./connection";
import type { Cursor, Dialect, DriverRow, Statement } from "./dialect";

/** The rows of one SELECT in batches, as they are asked for. */
export interface RowStream {
  /** The next rows; none at the end. */
  next(): Promise<DriverRow[]>;
  /** Makes the database forget the result; also before its end. */
  close(): Promise<void>;
}

let streamCount = 0;

/**
 * Begins to read a SELECT in batches, in bounded memory.
 *
 * The result is as it was at the start, and between two batches the connection is free for other statements, also for COMMIT
 * (but not for a ROLLBACK of the transaction in which it began). The database keeps the result in a cursor or a temporary
 * table, or a further connection holds it back, where no transaction is open and the driver can.
 *
 * @param batch  rows of one batch at the most
 */
export async function openRowStream(connection: Connection, statement: Statement, batch: number): Promise<RowStream> {
  const apart =
    connection.dialect.streamsApart && !connection.inTransaction
      ? await DriverStream.open(connection, statement, batch)
      : undefined;
  return apart ?? CursorStream.open(connection, statement, batch);
}

/** The rows of a SELECT in batches; leaving the loop early closes what the database keeps. */
export async function* streamRows(
  connection: Connection,
  statement: Statement,
  batch: number,
): AsyncGenerator<DriverRow[], void, undefined> {
  const stream = await openRowStream(connection, statement, batch);
  try {
    for (;;) {
      const rows = await stream.next();
      if (rows.length === 0) return;
      yield rows;
    }
  } finally {
    await stream.close();
  }
}

/**
 * Rows that the database keeps, on the same connection.
 *
 * From the second batch on the next one is fetched while the last one is worked on: who asks twice reads on.
 */
class CursorStream implements RowStream {
  readonly #connection: Connection;
  readonly #cursor: Cursor;
  readonly #batch: number;
  /** The transaction in which the stream began. */
  readonly #transaction: { finished?: string } | undefined;
  #ahead: Promise<DriverRow[]> | undefined;
  #hasBegun = false;
  #isDone = false;

  private constructor(connection: Connection, cursor: Cursor, batch: number) {
    this.#connection = connection;
    this.#cursor = cursor;
    this.#batch = batch;
    this.#transaction = connection.handle as { finished?: string } | undefined;
  }

  static async open(connection: Connection, statement: Statement, batch: number): Promise<CursorStream> {
    const cursor = connection.dialect.cursor(`sequelize_shell_${process.pid}_${++streamCount}`, batch);
    const { sql, parameters } = cursor.open(statement);
    await connection.run(sql, parameters);
    return new CursorStream(connection, cursor, batch);
  }

  async next(): Promise<DriverRow[]> {
    if (this.#isDone) return [];
    if (this.#transaction?.finished === "rollback") {
      throw new ResourceClosedError("Cannot read on: the transaction in which it began was rolled back.", {
        hint: "commit or roll back after the loop, or begin the loop outside the transaction",
      });
    }
    const rows = this.#cursor.take(await (this.#ahead ?? this.#fetch()));
    this.#isDone = rows.length < this.#batch;
    this.#ahead = this.#isDone || !this.#hasBegun ? undefined : this.#fetch();
    this.#hasBegun = true;
    return rows;
  }

  async close(): Promise<void> {
    this.#isDone = true;
    await this.#ahead?.catch(() => undefined);
    // In an aborted transaction nothing can be closed; its end closes all.
    await this.#cursor.close(this.#connection, this.#transaction !== undefined).catch(() => undefined);
  }

  #fetch(): Promise<DriverRow[]> {
    const { sql, parameters } = this.#cursor.next();
    const rows = this.#connection.all(sql, parameters);
    // It is heard of when the rows are asked for, which may be never.
    rows.catch(() => undefined);
    return rows;
  }
}

/** The connections of the drivers that hold a result back while its rows are worked on. */
interface StreamingConnection {
  /** mariadb */
  queryStream?(sql: string, parameters: readonly unknown[]): Readable;
  /** mysql2 */
  query?(sql: string, parameters: readonly unknown[]): { stream(): Readable };
}

/** Rows that a further connection gives, as fast as they are taken. */
class DriverStream implements RowStream {
  readonly #dialect: Dialect;
  readonly #spare: SpareConnection;
  readonly #statement: Statement;
  readonly #batch: number;
  readonly #rows: AsyncIterator<DriverRow>;
  readonly #start = performance.now();
  #first: IteratorResult<DriverRow, unknown> | undefined;
  #rowCount = 0;
  #isDone = false;

  private constructor(
    dialect: Dialect,
    spare: SpareConnection,
    statement: Statement,
    batch: number,
    rows: AsyncIterator<DriverRow>,
  ) {
    this.#dialect = dialect;
    this.#spare = spare;
    this.#statement = statement;
    this.#batch = batch;
    this.#rows = rows;
  }

  /** Begins to read; undefined where that is not possible, because the statement speaks of what only `connection` has. */
  static async open(connection: Connection, statement: Statement, batch: number): Promise<DriverStream | undefined> {
    const spare = await connection.openAnother().catch(() => undefined);
    if (spare === undefined) return undefined;
    const raw = spare.raw as StreamingConnection;
    const { sql, parameters } = statement;
    try {
      const readable = raw.queryStream?.(sql, parameters) ?? raw.query?.(sql, parameters).stream();
      const rows = readable?.[Symbol.asyncIterator]() as AsyncIterator<DriverRow>;
      const stream = new DriverStream(connection.dialect, spare, statement, batch, rows);
      stream.#first = await rows.next();
      return stream;
    } catch {
      spare.destroy();
      return undefined;
    }
  }

  async next(): Promise<DriverRow[]> {
    const rows: DriverRow[] = [];
    try {
      while (!this.#isDone && rows.length < this.#batch) {
        const result = this.#first ?? (await this.#rows.next());
        this.#first = undefined;
        if (result.done) {
          this.#end();
          await this.#spare.release();
        } else {
          rows.push(result.value);
          this.#rowCount++;
        }
      }
    } catch (error) {
      const failure = this.#dialect.translateError(error, this.#statement);
      this.#end(failure);
      this.#spare.destroy();
      throw failure;
    }
    return rows;
  }

  close(): Promise<void> {
    if (!this.#isDone) {
      this.#spare.destroy();
      this.#end();
    }
    return Promise.resolve();
  }

  #end(error?: unknown): void {
    this.#isDone = true;
    this.#spare.notify({
      ...this.#statement,
      durationMs: performance.now() - this.#start,
      rowCount: error === undefined ? this.#rowCount : null,
      inTransaction: false,
      ...(error === undefined ? {} : { error }),
    });
  }
}
