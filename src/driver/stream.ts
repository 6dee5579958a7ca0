import type { Readable } from "node:stream";
import { ResourceClosedError } from "../errors";
import type { Connection, SpareConnection } from "./connection";
import type { Cursor, Dialect, DriverRow, Statement } from "./dialect";
import { arraysOf } from "./face";
import type { ResultColumn, RowSink } from "./row-sink";
import { RowObjects } from "./row-sink";

/** The rows of one SELECT in batches, as they are asked for. */
export interface RowStream<S extends RowSink> {
  /** The next rows; undefined at the end. */
  next(): Promise<S | undefined>;
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
 * @param batch    rows of one batch at the most
 * @param newSink  makes what the rows of one batch are read into
 */
export async function openRowStream<S extends RowSink>(
  connection: Connection,
  statement: Statement,
  batch: number,
  newSink: () => S,
): Promise<RowStream<S>> {
  const apart =
    connection.dialect.streamsApart && !connection.inTransaction && !connection.sandbox
      ? await DriverStream.open(connection, statement, batch, newSink)
      : undefined;
  return apart ?? CursorStream.open(connection, statement, batch, newSink);
}

/** The rows of a SELECT as objects, in batches; leaving the loop early closes what the database keeps. */
export async function* streamRows(
  connection: Connection,
  statement: Statement,
  batch: number,
): AsyncGenerator<DriverRow[], void, undefined> {
  const stream = await openRowStream(connection, statement, batch, () => new RowObjects());
  try {
    for (;;) {
      const read = await stream.next();
      if (read === undefined) return;
      yield read.rows;
    }
  } finally {
    await stream.close();
  }
}

/** What one batch was read into, and how many rows it has. */
interface Batch<S> {
  readonly sink: S;
  readonly count: number;
}

/**
 * Rows that the database keeps, on the same connection.
 *
 * From the second batch on the next one is fetched while the last one is worked on: who asks twice reads on.
 */
class CursorStream<S extends RowSink> implements RowStream<S> {
  readonly #connection: Connection;
  readonly #cursor: Cursor;
  readonly #batch: number;
  readonly #newSink: () => S;
  /** The transaction in which the stream began. */
  readonly #transaction: { finished?: string } | undefined;
  #ahead: Promise<Batch<S>> | undefined;
  #hasBegun = false;
  #isDone = false;

  private constructor(connection: Connection, cursor: Cursor, batch: number, newSink: () => S) {
    this.#connection = connection;
    this.#cursor = cursor;
    this.#batch = batch;
    this.#newSink = newSink;
    this.#transaction = connection.handle as { finished?: string } | undefined;
  }

  static async open<S extends RowSink>(
    connection: Connection,
    statement: Statement,
    batch: number,
    newSink: () => S,
  ): Promise<CursorStream<S>> {
    const cursor = connection.dialect.cursor(`sequelize_shell_${process.pid}_${++streamCount}`, batch);
    const { sql, parameters } = cursor.open(statement);
    await connection.run(sql, parameters);
    return new CursorStream(connection, cursor, batch, newSink);
  }

  async next(): Promise<S | undefined> {
    if (this.#isDone) return undefined;
    if (this.#transaction?.finished === "rollback") {
      throw new ResourceClosedError("Cannot read on: the transaction in which it began was rolled back.", {
        hint: "commit or roll back after the loop, or begin the loop outside the transaction",
      });
    }
    const { sink, count } = await (this.#ahead ?? this.#fetch());
    this.#isDone = count < this.#batch;
    this.#ahead = this.#isDone || !this.#hasBegun ? undefined : this.#fetch();
    this.#hasBegun = true;
    return count === 0 ? undefined : sink;
  }

  async close(): Promise<void> {
    this.#isDone = true;
    await this.#ahead?.catch(() => undefined);
    // In an aborted transaction nothing can be closed; its end closes all.
    await this.#cursor.close(this.#connection, this.#transaction !== undefined).catch(() => undefined);
  }

  #fetch(): Promise<Batch<S>> {
    const sink = this.#newSink();
    const read = this.#cursor.read(this.#connection, sink).then((count) => ({ sink, count }));
    // It is heard of when the rows are asked for, which may be never.
    read.catch(() => undefined);
    return read;
  }
}

/** The connections of the drivers that hold a result back while its rows are worked on. */
interface StreamingConnection {
  /** mariadb */
  queryStream?(statement: object, parameters: readonly unknown[]): Readable;
  /** mysql2 */
  query?(statement: object, parameters: readonly unknown[]): { stream(): Readable };
}

/** A column as the drivers tell of it: mariadb by a function, mysql2 by a value. */
type DriverColumn = { name: string | (() => string) };

/** Rows that a further connection gives, as fast as they are taken. */
class DriverStream<S extends RowSink> implements RowStream<S> {
  readonly #dialect: Dialect;
  readonly #spare: SpareConnection;
  readonly #statement: Statement;
  readonly #batch: number;
  readonly #newSink: () => S;
  readonly #rows: Readable;
  readonly #start = performance.now();
  #columns: readonly ResultColumn[] = [];
  #hasEnded = false;
  #failure: { error: unknown } | undefined;
  /** Called when there are rows again, or none any more. */
  #wake: () => void = () => undefined;
  #rowCount = 0;
  #isDone = false;

  private constructor(
    dialect: Dialect,
    spare: SpareConnection,
    statement: Statement,
    batch: number,
    newSink: () => S,
    rows: Readable,
  ) {
    this.#dialect = dialect;
    this.#spare = spare;
    this.#statement = statement;
    this.#batch = batch;
    this.#newSink = newSink;
    this.#rows = rows;
    rows.on("fields", (columns: readonly DriverColumn[]) => {
      this.#columns = columns.map((column) => ({
        name: typeof column.name === "string" ? column.name : column.name(),
        parse: undefined,
      }));
    });
    rows.on("readable", () => this.#wake());
    rows.on("end", () => {
      this.#hasEnded = true;
      this.#wake();
    });
    rows.on("error", (error: unknown) => {
      this.#failure ??= { error };
      this.#wake();
    });
  }

  /** Begins to read; undefined where that is not possible, because the statement speaks of what only `connection` has. */
  static async open<S extends RowSink>(
    connection: Connection,
    statement: Statement,
    batch: number,
    newSink: () => S,
  ): Promise<DriverStream<S> | undefined> {
    const spare = await connection.openAnother().catch(() => undefined);
    if (spare === undefined) return undefined;
    const raw = spare.raw as StreamingConnection;
    const { sql, parameters } = statement;
    try {
      const sent = arraysOf(sql, newSink());
      const rows = raw.queryStream?.(sent, parameters) ?? raw.query?.(sent, parameters).stream();
      const stream = new DriverStream(connection.dialect, spare, statement, batch, newSink, rows as Readable);
      await stream.#more();
      return stream;
    } catch {
      spare.destroy();
      return undefined;
    }
  }

  async next(): Promise<S | undefined> {
    if (this.#isDone) return undefined;
    try {
      const sink = this.#newSink();
      let count = 0;
      while (count < this.#batch) {
        const cells = this.#rows.read() as unknown[] | null;
        if (cells !== null) {
          if (count === 0) sink.columns(this.#columns);
          sink.row(cells);
          count++;
        } else if (this.#hasEnded) break;
        else await this.#more();
      }
      this.#rowCount += count;
      if (this.#hasEnded && count < this.#batch) {
        this.#end();
        await this.#spare.release();
      }
      return count === 0 ? undefined : sink;
    } catch (error) {
      const failure = this.#dialect.translateError(error, this.#statement);
      this.#end(failure);
      this.#spare.destroy();
      throw failure;
    }
  }

  close(): Promise<void> {
    if (!this.#isDone) {
      this.#spare.destroy();
      this.#end();
    }
    return Promise.resolve();
  }

  /** Resolves when there is something to read, or the end is reached. */
  async #more(): Promise<void> {
    if (this.#failure === undefined && !this.#hasEnded && this.#rows.readableLength === 0)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#failure !== undefined) throw this.#failure.error;
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
