import type { Sequelize, Transaction } from "sequelize";
import type { DatabaseError } from "../errors";
import { InvalidRequestError, OperationalError } from "../errors";
import { capture, emptyResult, isCapturing } from "./capture";
import type { Dialect, DriverRow, RowRunner, Statement, StatementResult } from "./dialect";
import type { Face, RawConnection } from "./face";
import { faceOf } from "./face";
import { MysqlDialect, SERVER_SETTINGS } from "./mysql";
import type { RowSink } from "./row-sink";
import type { Sandbox } from "./sandbox";

/** What is told of every statement that went to the database, once, after it ended. */
export interface QueryEvent {
  sql: string;
  parameters: readonly unknown[];
  durationMs: number;
  /** Rows returned or matched; null where the statement failed or the driver does not say. */
  rowCount: number | null;
  inTransaction: boolean;
  /** The error that the statement ended with. */
  error?: unknown;
}

/** Hears of every statement of a database. */
export type QueryListener = (event: QueryEvent) => void;

/** The parts of Sequelize's connection manager that are used; they are not in its types. */
interface ConnectionManager {
  config: object;
  getConnection(options: { uuid: string; type: string }): Promise<RawConnection>;
  releaseConnection(connection: RawConnection): void;
  pool?: { destroy(connection: RawConnection): Promise<void> };
  connections?: Record<string, RawConnection>;
  _connect(config: object): Promise<RawConnection>;
  _disconnect(connection: RawConnection): Promise<void>;
}

/** What Sequelize reads of a transaction to know that it is over, and whom to tell. */
interface HeldFields {
  finished?: "commit" | "rollback";
  _afterCommitHooks: ((this: unknown, transaction: unknown) => unknown)[];
}

/** A driver's connection beside a {@link Connection}; its holder ends it. */
export interface SpareConnection {
  raw: object;
  /** Must be told of each statement. */
  notify: QueryListener;
  /** Must be told whether it is being waited for, and so can be cancelled. */
  setRunning(isRunning: boolean): void;
  /** Ends it at once, in the middle of a result. */
  destroy(): void;
  /** Ends it when all was read. */
  release(): Promise<void>;
}

/**
 * Decides whether a statement is sent.
 *
 * @param count  runs a `SELECT count(*)` where the statement would run, with the statement's own parameters
 */
export type StatementGuard = (statement: Statement, count: (sql: string) => Promise<number>) => Promise<void>;

/** What the connections of one database have in common. */
export interface ConnectionHouse {
  /** Connections that are held at this moment. */
  readonly held: Set<Connection>;
  /** Where everything is sent instead, while there is one. */
  sandbox?: Sandbox | undefined;
  /** Prepares a driver's connection before it is used; called before each statement. */
  prepare?:
    ((raw: object, sql: string, run: (sql: string) => Promise<unknown>) => Promise<void> | undefined) | undefined;
  /** Asked before a statement that a person wrote, or that changes many rows; throws where it is not to be sent. */
  guard?: StatementGuard | undefined;
  /** Drivers' connections on which Sequelize itself runs a statement. */
  readonly running: Set<object>;
}

/** How long a statement waits for another process that holds the file, in milliseconds. */
const BUSY_TIMEOUT_MS = 5000;
/** How long COMMIT waits for readers of the file, in milliseconds. */
const COMMIT_TIMEOUT_MS = 15_000;
const COMMIT_RETRY_MS = 50;

let connectionCount = 0;

/** The connection of an in-memory database serves every session: who has its one transaction. */
const memoryTransactions = new WeakMap<RawConnection, Connection>();
const MEMORY_POLL_MS = 10;

/**
 * One held connection: a queue of statements, a transaction with savepoints, and cancelling.
 *
 * The connection is taken from Sequelize's connection manager at the first statement (so that its type parsers and options
 * hold) and given back by {@link Connection.close}. Statements are sent one after the other in the order of their calls.
 */
export class Connection implements RowRunner {
  readonly dialect: Dialect;
  readonly #sequelize: Sequelize;
  readonly #notify: QueryListener;
  readonly #house: ConnectionHouse | undefined;
  readonly #id = `session-${++connectionCount}`;

  #raw: RawConnection | undefined;
  #face: Face | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #executing = false;
  /** Numbers the statement that runs; 0 while none does. */
  #running = 0;
  #sent = 0;
  /** A cancelling was asked for, and no statement has failed since. */
  #cancelled = false;
  #inTransaction = false;
  #broken: Error | undefined;
  /** The error with which the database has undone the open transaction. */
  #undone: Error | undefined;
  #handle: Transaction | undefined;

  /**
   * @param sequelize  the instance whose connection manager gives the connection
   * @param notify     told of every statement, after it ended
   * @param house      what it has in common with the other connections of its database
   */
  constructor(sequelize: Sequelize, dialect: Dialect, notify: QueryListener, house?: ConnectionHouse) {
    this.#sequelize = sequelize;
    this.dialect = dialect;
    this.#notify = notify;
    this.#house = house;
  }

  /** Whether a transaction is open on this connection. */
  get inTransaction(): boolean {
    return this.#inTransaction;
  }

  /** Whether a statement is running at this moment. */
  get executing(): boolean {
    return this.#executing;
  }

  /** Whether the connection was lost, and the next statement outside a transaction takes a new one. */
  get isBroken(): boolean {
    return this.#broken !== undefined;
  }

  /** Whether the database has undone the transaction that is open here: only its rollback is possible. */
  get isUndone(): boolean {
    return this.#undone !== undefined;
  }

  /** Where this connection's statements go instead; undefined outside a sandbox. */
  get sandbox(): Sandbox | undefined {
    return this.#house?.sandbox;
  }

  /** Whether a driver's connection is the one that this object holds. */
  holds(raw: object): boolean {
    return this.#raw === raw;
  }

  /**
   * The open transaction as Sequelize's methods take it (`{ transaction: connection.handle }`); undefined outside one.
   *
   * Its own commit and rollback are not for callers: this object ends the transaction.
   */
  get handle(): Transaction | undefined {
    if (this.sandbox) return this.sandbox.base.handle;
    return this.#inTransaction ? this.#handle : undefined;
  }

  /** Sends a statement that returns rows. */
  all(sql: string, parameters: readonly unknown[] = []): Promise<DriverRow[]> {
    if (capture({ sql, parameters })) return Promise.resolve(emptyResult().rows);
    if (this.sandbox) return this.sandbox.send(this, { sql, parameters }, (base) => base.all(sql, parameters));
    return this.#send({ sql, parameters }, async (face) => {
      const rows = await face.all(sql, parameters);
      return { result: rows, rowCount: rows.length };
    });
  }

  /** Sends a statement that returns rows, which `sink` takes as they come. @returns the number of rows */
  read(sql: string, parameters: readonly unknown[], sink: RowSink): Promise<number> {
    if (capture({ sql, parameters })) return Promise.resolve(0);
    if (this.sandbox) return this.sandbox.send(this, { sql, parameters }, (base) => base.read(sql, parameters, sink));
    return this.#send({ sql, parameters }, async (face) => {
      const rowCount = await face.read(sql, parameters, sink);
      return { result: rowCount, rowCount };
    });
  }

  /** Sends a statement that writes; rows come back where it has a RETURNING clause (servers). */
  run(sql: string, parameters: readonly unknown[] = []): Promise<StatementResult> {
    if (capture({ sql, parameters })) return Promise.resolve(emptyResult());
    if (this.sandbox) return this.sandbox.send(this, { sql, parameters }, (base) => base.run(sql, parameters));
    return this.#send({ sql, parameters }, async (face) => {
      const result = await face.run(sql, parameters);
      return { result, rowCount: result.rowCount };
    });
  }

  /** The number that a `SELECT count(*)` gives; where it fails, an open transaction goes on as before. */
  async count(sql: string): Promise<number> {
    const name = this.#inTransaction ? "count_of_rows" : undefined;
    if (name !== undefined) await this.savepoint(name);
    try {
      const [row] = await this.all(sql);
      if (name !== undefined) await this.release(name);
      return Number(Object.values(row ?? {})[0] ?? 0);
    } catch (error) {
      if (name !== undefined) await this.rollbackTo(name);
      throw error;
    }
  }

  /** Opens a transaction that will write; on SQLite it takes the write lock and waits for it. */
  begin(): Promise<void> {
    return this.#begin(this.dialect.beginWrite);
  }

  /** Opens a transaction for reading one snapshot. */
  beginRead(): Promise<void> {
    return this.#begin("BEGIN");
  }

  /**
   * Ends the transaction and keeps its work.
   *
   * COMMIT meeting a reader of the same file is repeated until the reader is done; any other failure leaves the transaction
   * to be rolled back by the caller.
   */
  async commit(): Promise<void> {
    if (this.sandbox) {
      this.sandbox.commit();
      return this.#finish("commit");
    }
    const deadline = Date.now() + COMMIT_TIMEOUT_MS;
    for (;;) {
      try {
        const { command } = await this.run("COMMIT");
        if (command === "ROLLBACK") throw refusedCommit();
        break;
      } catch (error) {
        const busy = ((error as Error).cause as { code?: string } | undefined)?.code === "SQLITE_BUSY";
        if (!busy || Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, COMMIT_RETRY_MS));
      }
    }
    await this.#finish("commit");
  }

  /** Ends the transaction and undoes its work; resolves also where the database had already ended it or the connection is lost. */
  async rollback(): Promise<void> {
    if (this.sandbox) {
      try {
        return await this.sandbox.rollback();
      } finally {
        await this.#finish("rollback");
      }
    }
    this.#undone = undefined;
    try {
      await this.#command("ROLLBACK");
    } catch (error) {
      // SQLite ends a transaction by itself after an interrupt, a full disk or an I/O error.
      const ended = /no transaction is active/.test((error as Error).message);
      if (!ended) await this.#discard();
    } finally {
      await this.#finish("rollback");
    }
  }

  /**
   * Whether the database would commit an open transaction before a text.
   *
   * @throws {InvalidRequestError} where one is open
   */
  commitsBefore(sql: string): boolean {
    const words = this.sandbox ? undefined : this.dialect.committingWords(sql);
    if (words === undefined) return false;
    if (!this.#inTransaction) return true;
    throw new InvalidRequestError(
      `Cannot execute ${words}: the database would commit the open transaction before it.`,
      {
        hint: "db.session.commit() or db.session.rollback() first",
      },
    );
  }

  /** Sets a savepoint in the open transaction. */
  async savepoint(name: string): Promise<void> {
    if (this.sandbox) return this.sandbox.savepoint(name);
    await this.#command(`SAVEPOINT ${name}`);
  }

  /** Forgets a savepoint and keeps its work in the transaction. */
  async release(name: string): Promise<void> {
    // A sandbox lets its savepoints go at the end of a line.
    if (this.sandbox) return;
    await this.#command(`RELEASE SAVEPOINT ${name}`);
  }

  /** Undoes the work since a savepoint; the savepoint stays. */
  async rollbackTo(name: string): Promise<void> {
    if (this.sandbox) return this.sandbox.rollbackTo(name);
    await this.#command(`ROLLBACK TO SAVEPOINT ${name}`);
  }

  /**
   * Runs `work` with the raw statement queue to itself: for Sequelize's own calls inside the open transaction, which must not
   * meet a statement of ours on the wire. Statements of this connection wait until it is done; `work` must not call them.
   */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    if (this.sandbox) return this.sandbox.base.exclusive(work);
    return this.#enqueue(async () => {
      await this.#open();
      this.#executing = true;
      try {
        return await work();
      } catch (error) {
        // Sequelize's errors carry the driver's.
        if (error instanceof Error && "parent" in error)
          this.#noteUndone(this.dialect.translateError(error.parent, NO_STATEMENT));
        throw error;
      } finally {
        this.#executing = false;
      }
    });
  }

  /**
   * A further connection of the driver, for a result that would keep this one busy while it is read.
   *
   * It does not see what an open transaction of this one has changed. Not from the pool, which may be empty.
   *
   * @param sql  the statement that it will read
   */
  async openAnother(sql: string): Promise<SpareConnection> {
    const manager = this.#manager;
    const raw = await manager._connect(manager.config);
    await this.#house?.prepare?.(raw, sql, (text) => faceOf(raw).all(text, []));
    const running = this.#house?.running;
    return {
      raw,
      setRunning: (isRunning) => void (isRunning ? running?.add(raw) : running?.delete(raw)),
      notify: this.#notify,
      // Not its polite end, which would wait for the rest of the result.
      destroy: () => void (raw.destroy ? raw.destroy() : raw.connection?.stream?.destroy()),
      release: () => manager._disconnect(raw),
    };
  }

  /**
   * Cancels the running statement in the database.
   *
   * @returns whether a statement was running. On SQLite an interrupted write undoes the whole transaction
   *   ({@link Dialect.interruptUndoesTransaction}).
   */
  async cancel(): Promise<boolean> {
    if (this.sandbox) return this.sandbox.base.cancel();
    const raw = this.#raw;
    if (!this.#executing || raw === undefined) return false;
    this.#cancelled = true;
    const statement = this.#running;
    await cancelOn(this.#sequelize, raw, () => this.#executing);
    await interruptUntil(raw, () => statement === 0 || this.#running !== statement);
    return true;
  }

  /** Forgets a cancelling that came too late for its statement. */
  forgetCancel(): void {
    this.#cancelled = false;
  }

  /**
   * For work of several statements, between them.
   *
   * @throws {OperationalError} where the work was cancelled at a moment at which no statement could be stopped
   */
  throwIfCancelled(): void {
    if (!this.#cancelled) return;
    this.#cancelled = false;
    throw new OperationalError("interrupted");
  }

  /** Gives the connection back; an open transaction is rolled back. The next statement takes a new one. */
  async close(): Promise<void> {
    if (this.#inTransaction) await this.rollback();
    await this.#enqueue(async () => {
      const raw = this.#raw;
      if (raw === undefined) return;
      this.#forget();
      if (raw.filename !== ":memory:") {
        raw.uuid = this.#id;
        this.#manager.releaseConnection(raw);
      }
    });
  }

  get #manager(): ConnectionManager {
    return (this.#sequelize as unknown as { connectionManager: ConnectionManager }).connectionManager;
  }

  async #begin(sql: string): Promise<void> {
    if (isCapturing()) return;
    if (this.sandbox) {
      await this.sandbox.begin(this);
      this.#inTransaction = true;
      return;
    }
    await this.#takeMemoryTransaction();
    try {
      await this.#command(sql);
    } catch (error) {
      this.#leaveMemoryTransaction();
      throw error;
    }
    this.#inTransaction = true;
    this.#handle = this.#newHandle();
  }

  /** Waits for the other session of an in-memory database, as a file would make it wait. */
  async #takeMemoryTransaction(): Promise<void> {
    await this.#enqueue(() => this.#open());
    const raw = this.#raw;
    if (raw?.filename !== ":memory:") return;
    const deadline = Date.now() + BUSY_TIMEOUT_MS;
    while (memoryTransactions.has(raw)) {
      if (Date.now() > deadline) {
        throw new OperationalError(
          "database is locked: another session has a transaction open in this in-memory database.",
          {
            hint: "commit or roll back the other session first",
          },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, MEMORY_POLL_MS));
    }
    memoryTransactions.set(raw, this);
  }

  #leaveMemoryTransaction(): void {
    if (this.#raw !== undefined && memoryTransactions.get(this.#raw) === this) memoryTransactions.delete(this.#raw);
  }

  async #command(sql: string): Promise<void> {
    await this.run(sql);
  }

  #send<T>(statement: Statement, work: (face: Face) => Promise<{ result: T; rowCount: number }>): Promise<T> {
    return this.#enqueue(async () => {
      const face = await this.#open();
      const prepared = this.#raw && this.#house?.prepare?.(this.#raw, statement.sql, (sql) => face.all(sql, []));
      if (prepared) await prepared;
      const start = performance.now();
      this.#executing = true;
      this.#running = this.#sent += 1;
      let rowCount: number | null = null;
      let failure: unknown;
      try {
        const done = await work(face);
        rowCount = done.rowCount;
        return done.result;
      } catch (error) {
        this.#cancelled = false;
        failure = this.dialect.translateError(error, statement);
        if (isConnectionLoss(error)) failure = this.#lost(failure as Error, statement);
        else this.#noteUndone(failure as DatabaseError);
        throw failure;
      } finally {
        this.#executing = false;
        this.#running = 0;
        this.#notify({
          ...statement,
          durationMs: performance.now() - start,
          rowCount,
          inTransaction: this.#inTransaction,
          ...(failure === undefined ? {} : { error: failure }),
        });
      }
    });
  }

  /** Notes that the connection is lost. @returns the error that tells it */
  #lost(cause: Error, { sql, parameters }: Statement): OperationalError {
    this.#broken = cause;
    const hint = this.#inTransaction
      ? "db.session.rollback() and try again: a new connection is opened"
      : "try again: a new connection is opened";
    const options = { cause, hint, sql, parameters };
    return new OperationalError(`The connection to the database was lost: ${cause.message}`, options);
  }

  #noteUndone(error: DatabaseError): void {
    if (this.#inTransaction && this.dialect.undoesTransaction(error)) this.#undone = error;
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  async #open(): Promise<Face> {
    if (this.#broken !== undefined) {
      const cause = this.#broken;
      if (this.#inTransaction) {
        throw new OperationalError(`The connection to the database was lost: ${cause.message}`, {
          cause,
          hint: "db.session.rollback() and try again: a new connection is opened",
        });
      }
      await this.#discard();
    }
    if (this.#undone !== undefined) {
      throw new OperationalError(`The database has undone the transaction: ${this.#undone.message}`, {
        cause: this.#undone,
        hint: "db.session.rollback(), then do its work again",
      });
    }
    if (this.#face !== undefined) return this.#face;
    const raw = await this.#acquire();
    raw.configure?.("busyTimeout", BUSY_TIMEOUT_MS);
    // Sequelize sends a PRAGMA and does not wait for it; its end would block the event loop while a later statement waits for a lock.
    if (raw.wait) await new Promise((resolve) => raw.wait?.(resolve));
    const face = faceOf(raw);
    if (this.dialect instanceof MysqlDialect) {
      const [server] = await face.all(SERVER_SETTINGS, []);
      this.dialect.learn(server ?? {});
    }
    this.#raw = raw;
    this.#face = face;
    this.#house?.held.add(this);
    return face;
  }

  async #acquire(): Promise<RawConnection> {
    const manager = this.#manager;
    try {
      return await manager.getConnection({ uuid: this.#id, type: "WRITE" });
    } catch (error) {
      // A file that could not be opened stays in Sequelize's list, and closing it would never end.
      for (const [id, raw] of Object.entries(manager.connections ?? {})) {
        if ((raw as { open?: boolean }).open === false) delete manager.connections?.[id];
      }
      throw error;
    }
  }

  #forget(): void {
    this.#face?.release?.();
    this.#house?.held.delete(this);
    this.#raw = undefined;
    this.#face = undefined;
    this.#broken = undefined;
  }

  /** Throws the connection away, because its state is unknown. */
  async #discard(): Promise<void> {
    const raw = this.#raw;
    this.#forget();
    if (raw === undefined) return;
    const manager = this.#manager;
    if (manager.pool) await manager.pool.destroy(raw).catch(() => undefined);
    else if (raw.filename !== ":memory:") {
      raw.uuid = this.#id;
      manager.releaseConnection(raw);
    }
  }

  async #finish(how: "commit" | "rollback"): Promise<void> {
    this.#inTransaction = false;
    this.#undone = undefined;
    this.#leaveMemoryTransaction();
    const handle = this.#handle as unknown as HeldFields | undefined;
    this.#handle = undefined;
    if (handle === undefined) return;
    handle.finished = how;
    if (how === "commit") for (const hook of handle._afterCommitHooks) await hook.call(handle, handle);
  }

  #newHandle(): Transaction {
    // The class of the very copy of Sequelize that made the instance.
    const { Transaction: Base } = this.#sequelize.constructor as unknown as {
      Transaction: new (sequelize: Sequelize, options: object) => Transaction;
    };
    /** A transaction whose end is decided by this object alone: Sequelize may not release its connection. */
    class HeldTransaction extends Base {
      cleanup(): void {}
      async forceCleanup(): Promise<void> {}
      /** Sequelize calls it inside the call that met a deadlock, which has undone the transaction. */
      override async rollback(): Promise<void> {}
    }
    const handle = new HeldTransaction(this.#sequelize, {});
    (handle as unknown as { connection: RawConnection | undefined }).connection = this.#raw;
    return handle;
  }
}

const NO_STATEMENT: Statement = { sql: "", parameters: [] };

function refusedCommit(): OperationalError {
  return new OperationalError(
    "The database has rolled the transaction back instead of committing it: one of its statements had failed before.",
    { hint: "db.session.rollback(), then do its work again", sql: "COMMIT" },
  );
}

/**
 * Cancels the statement that runs on a driver's connection.
 *
 * @param stillRuns  asked once more when the means to cancel is at hand
 */
export async function cancelOn(sequelize: Sequelize, connection: object, stillRuns: () => boolean): Promise<void> {
  const raw = connection as RawConnection;
  if (raw.interrupt) {
    raw.interrupt();
    return;
  }
  // Not from the pool: it may be empty because of the very statement to cancel.
  const manager = (sequelize as unknown as { connectionManager: ConnectionManager }).connectionManager;
  const killer = await manager._connect(manager.config);
  try {
    const sql =
      raw.processID === undefined
        ? `KILL QUERY ${Number(raw.threadId)}`
        : `SELECT pg_cancel_backend(${Number(raw.processID)})`;
    if (stillRuns()) await faceOf(killer).all(sql, []);
  } finally {
    await manager._disconnect(killer);
  }
}

/** How long a statement has to end after it was interrupted. */
const INTERRUPT_AGAIN_MS = 50;

/**
 * Interrupts a statement of SQLite again until it has ended: one that still waited for a thread had not begun, and what has not
 * begun cannot be interrupted.
 */
export async function interruptUntil(connection: object, hasEnded: () => boolean): Promise<void> {
  const raw = connection as RawConnection;
  while (raw.interrupt && !hasEnded()) {
    await new Promise((resolve) => setTimeout(resolve, INTERRUPT_AGAIN_MS));
    if (!hasEnded()) raw.interrupt();
  }
}

function isConnectionLoss(error: unknown): boolean {
  const { code, fatal, message } = error as { code?: string; fatal?: boolean; message: string };
  // The driver counts a cancelled statement among the ends of a connection, which goes on.
  if (code === "ER_QUERY_INTERRUPTED") return false;
  return (
    fatal === true ||
    /^(ECONNRESET|EPIPE|ETIMEDOUT|PROTOCOL_CONNECTION_LOST|57P0[123]|08\d\d\d)$/.test(code ?? "") ||
    /Connection terminated|Client has encountered a connection error|Client was closed|socket has unexpectedly been closed/i.test(
      message,
    )
  );
}
