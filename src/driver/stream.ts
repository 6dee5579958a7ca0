import { OperationalError, ResourceClosedError } from "../errors";
import type { Connection, SpareConnection } from "./connection";
import type { Cursor, Dialect, DriverRow, Statement } from "./dialect";
import type { ResultColumn, RowSink } from "./row-sink";
import { RowObjects } from "./row-sink";
import type { RowSource } from "./row-source";
import { openRowSource } from "./row-source";

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
    connection.dialect.streamsApart && !connection.inTransaction && !connection.sandbox && !locksRows(statement)
      ? await DriverStream.open(connection, statement, batch, newSink)
      : undefined;
  return apart ?? CursorStream.open(connection, statement, batch, newSink);
}

/** Rows that another connection has locked could not be written by this one. */
function locksRows({ sql }: Statement): boolean {
  return sql.endsWith(" FOR UPDATE");
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

/** Batches that were read and not yet asked for, at the most; then the connection is told to wait. */
const BATCHES_AHEAD = 2;

/** Puts rows that come one by one into batches. */
class BatchQueue<S extends RowSink> implements RowSink {
  readonly isPlain: boolean;
  readonly full: Batch<S>[] = [];
  rowCount = 0;
  readonly #size: number;
  readonly #newSink: () => S;
  readonly #onFull: () => void;
  #columns: readonly ResultColumn[] = [];
  #sink: S | undefined;
  #count = 0;

  /** @param onFull  called after each full batch */
  constructor(size: number, newSink: () => S, onFull: () => void) {
    this.#size = size;
    this.#newSink = newSink;
    this.#onFull = onFull;
    this.isPlain = newSink().isPlain;
  }

  columns(columns: readonly ResultColumn[]): void {
    this.#columns = columns;
  }

  row(cells: readonly unknown[]): void {
    if (this.#sink === undefined) {
      this.#sink = this.#newSink();
      this.#sink.columns(this.#columns);
    }
    this.#sink.row(cells);
    this.#count++;
    if (this.#count === this.#size) this.finish();
  }

  objects(rows: DriverRow[]): void {
    const sink = this.#newSink();
    sink.objects(rows);
    this.full.push({ sink, count: rows.length });
    this.#onFull();
  }

  /** The rows that came since the last full batch are one too. */
  finish(): void {
    if (this.#sink === undefined) return;
    this.full.push({ sink: this.#sink, count: this.#count });
    this.rowCount += this.#count;
    this.#sink = undefined;
    this.#count = 0;
    this.#onFull();
  }
}

/** Rows that a further connection gives, as fast as they are taken. */
class DriverStream<S extends RowSink> implements RowStream<S> {
  readonly #dialect: Dialect;
  readonly #spare: SpareConnection;
  readonly #statement: Statement;
  readonly #batches: BatchQueue<S>;
  readonly #start = performance.now();
  #source: RowSource | undefined;
  #isPaused = false;
  #hasEnded = false;
  #failure: { error: unknown } | undefined;
  /** Called when there is a batch again, or none any more. */
  #wake: () => void = () => undefined;
  #isDone = false;

  private constructor(dialect: Dialect, spare: SpareConnection, statement: Statement, batch: number, newSink: () => S) {
    this.#dialect = dialect;
    this.#spare = spare;
    this.#statement = statement;
    this.#batches = new BatchQueue(batch, newSink, () => {
      if (this.#batches.full.length >= BATCHES_AHEAD && !this.#isPaused) {
        this.#isPaused = true;
        this.#source?.pause();
      }
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
    const spare = await connection.openAnother(statement.sql).catch(() => undefined);
    if (spare === undefined) return undefined;
    const stream = new DriverStream(connection.dialect, spare, statement, batch, newSink);
    try {
      if (await stream.#begin()) return stream;
    } catch (error) {
      const failure = connection.dialect.translateError(error, statement);
      // What was cancelled is not sent again.
      if (failure instanceof OperationalError) {
        stream.#fail(failure);
        throw failure;
      }
      // The statement is sent again, on the connection itself: it knows what this one may not, or tells what is wrong.
    }
    spare.destroy();
    return undefined;
  }

  async #begin(): Promise<boolean> {
    const { sql, parameters } = this.#statement;
    this.#source = openRowSource(this.#spare.raw, sql, parameters, this.#batches);
    if (this.#source === undefined) return false;
    this.#source.done.then(
      () => {
        this.#hasEnded = true;
        this.#batches.finish();
        this.#wake();
      },
      (error: unknown) => {
        this.#failure ??= { error };
        this.#wake();
      },
    );
    await this.#more();
    return true;
  }

  async next(): Promise<S | undefined> {
    if (this.#isDone) return undefined;
    try {
      await this.#more();
      const batch = this.#batches.full.shift();
      if (this.#isPaused && this.#batches.full.length < BATCHES_AHEAD) {
        this.#isPaused = false;
        this.#source?.resume();
      }
      if (this.#hasEnded && this.#batches.full.length === 0) {
        this.#end();
        await this.#spare.release();
      }
      return batch?.sink;
    } catch (error) {
      const failure = this.#dialect.translateError(error, this.#statement);
      this.#fail(failure);
      throw failure;
    }
  }

  #fail(failure: Error): void {
    this.#end(failure);
    this.#spare.destroy();
  }

  close(): Promise<void> {
    if (!this.#isDone) {
      this.#spare.destroy();
      this.#end();
    }
    return Promise.resolve();
  }

  /** Resolves when there is a batch, or the end is reached. */
  async #more(): Promise<void> {
    while (this.#failure === undefined && !this.#hasEnded && this.#batches.full.length === 0) {
      this.#spare.setRunning(true);
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#spare.setRunning(false);
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #end(error?: unknown): void {
    this.#isDone = true;
    this.#spare.notify({
      ...this.#statement,
      durationMs: performance.now() - this.#start,
      rowCount: error === undefined ? this.#batches.rowCount : null,
      inTransaction: false,
      ...(error === undefined ? {} : { error }),
    });
  }
}
