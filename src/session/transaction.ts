import type { Connection } from "../driver/connection";
import type { DatabaseError } from "../errors";
import { InvalidRequestError, PendingRollbackError, ResourceClosedError } from "../errors";
import { Frame } from "./frame";
import type { UnitOfWork } from "./unit-of-work";

/** What a handle needs of its session to end its transaction. */
export interface TransactionOwner {
  commitAt(depth: number): Promise<void>;
  rollbackAt(depth: number): Promise<void>;
}

/** A transaction or a savepoint that was begun explicitly. */
export class SessionTransaction {
  #open = true;
  readonly #owner: TransactionOwner;
  readonly #depth: number;

  constructor(owner: TransactionOwner, depth: number) {
    this.#owner = owner;
    this.#depth = depth;
  }

  /** Whether it is a savepoint. */
  get isNested(): boolean {
    return this.#depth > 0;
  }

  get isActive(): boolean {
    return this.#open;
  }

  /** Flushes and keeps the work: COMMIT, or RELEASE of the savepoint. */
  async commit(): Promise<void> {
    this.#check();
    await this.#owner.commitAt(this.#depth);
  }

  /** Undoes the work since it began, in the database and in memory. */
  async rollback(): Promise<void> {
    this.#check();
    await this.#owner.rollbackAt(this.#depth);
  }

  /** The transaction has ended by other means. */
  close(): void {
    this.#open = false;
  }

  #check(): void {
    if (!this.#open) throw new ResourceClosedError("This transaction is closed");
  }
}

/** The transaction of a session: its savepoints, its failure, and the frames of the unit of work that go with them. */
export class TransactionControl {
  readonly #connection: Connection;
  readonly #unit: UnitOfWork;
  /** One for each frame; undefined where the transaction was begun implicitly. */
  #handles: (SessionTransaction | undefined)[] = [undefined];
  #failure: { error: unknown; depth: number } | undefined;
  /** An error after which the database refuses every statement until ROLLBACK. */
  #aborted: unknown;
  #savepoints = 0;

  constructor(connection: Connection, unit: UnitOfWork) {
    this.#connection = connection;
    this.#unit = unit;
  }

  /** False after a failed flush, until a rollback. */
  get isActive(): boolean {
    return this.#failure === undefined;
  }

  get isBegun(): boolean {
    return this.#connection.inTransaction || this.#handles[0] !== undefined;
  }

  get depth(): number {
    return this.#unit.frames.length - 1;
  }

  /**
   * Checks that statements may be sent.
   *
   * @throws {PendingRollbackError} after a failed flush
   */
  check(): void {
    if (this.#failure !== undefined) {
      throw new PendingRollbackError(
        "This Session's transaction has been rolled back due to a previous exception during flush. " +
          "To begin a new transaction with this Session, first issue Session.rollback(). " +
          `Original exception was: ${messageOf(this.#failure.error)}`,
        {
          cause: this.#failure.error,
          hint: this.#failure.depth > 0 ? "roll the savepoint back" : "await db.session.rollback()",
        },
      );
    }
    if (this.#aborted !== undefined) {
      throw new PendingRollbackError(
        "The database refuses every statement of this transaction since one failed. First issue Session.rollback(). " +
          `Original exception was: ${messageOf(this.#aborted)}`,
        { cause: this.#aborted, hint: "await db.session.rollback()" },
      );
    }
  }

  /** Opens the database's transaction, if it is not open. */
  async ensureOpen(): Promise<void> {
    if (!this.#connection.inTransaction) await this.#connection.begin();
  }

  /** @throws {InvalidRequestError} where a transaction has begun */
  async begin(owner: TransactionOwner): Promise<SessionTransaction> {
    if (this.isBegun) throw new InvalidRequestError("A transaction is already begun on this Session.");
    this.check();
    await this.#connection.begin();
    return (this.#handles[0] = new SessionTransaction(owner, 0));
  }

  async beginNested(owner: TransactionOwner): Promise<SessionTransaction> {
    await this.ensureOpen();
    const name = `sp_${++this.#savepoints}`;
    await this.#connection.savepoint(name);
    this.#unit.frames.push(new Frame(name));
    const handle = new SessionTransaction(owner, this.depth);
    this.#handles[this.depth] = handle;
    return handle;
  }

  /** Commits the transaction with every savepoint in it. */
  async commit(): Promise<void> {
    if (this.#connection.inTransaction) {
      try {
        await this.#connection.commit();
      } catch (error) {
        await this.fail(error, 0);
        throw error;
      }
    }
    this.#closeHandles(0);
    this.#unit.committed();
  }

  /** Keeps a savepoint's work as work of what is around it. */
  async release(depth: number): Promise<void> {
    const { frames } = this.#unit;
    const name = frames[depth]?.savepoint;
    if (name === undefined) return;
    await this.#connection.release(name);
    for (let inner = frames.pop(); inner !== undefined; inner = frames.pop()) {
      this.#unit.frame.absorb(inner);
      if (frames.length === depth) break;
    }
    this.#closeHandles(depth);
  }

  /** Undoes the transaction, or the savepoint at `depth`. @returns whether there was a failure before */
  async rollback(depth: number): Promise<boolean> {
    const hadFailed = this.#failure !== undefined && this.#failure.depth >= depth;
    const name = this.#unit.frames[depth]?.savepoint;
    if (depth > 0 && name !== undefined) {
      await this.#connection.rollbackTo(name);
      await this.#connection.release(name);
    } else if (this.#connection.inTransaction) await this.#connection.rollback();
    this.#unit.rolledBack(depth);
    this.#closeHandles(depth);
    if (depth === 0 || hadFailed) this.#failure = undefined;
    this.#aborted = undefined;
    return hadFailed;
  }

  /**
   * Undoes everything after a failed flush or COMMIT: the database's work now, the objects with it. The session stays inactive
   * until it is rolled back.
   *
   * @param depth  the savepoint up to which; the whole transaction where the database has given it up
   */
  async fail(error: unknown, depth = this.depth): Promise<void> {
    const name = this.#unit.frames[depth]?.savepoint;
    const nested =
      depth > 0 &&
      name !== undefined &&
      (await this.#connection.rollbackTo(name).then(
        () => true,
        () => false,
      ));
    if (nested) {
      this.#unit.rolledBack(depth);
      // The savepoint itself is still there.
      this.#unit.frames.push(new Frame(name));
      this.#closeHandles(depth + 1);
      this.#failure = { error, depth };
    } else {
      if (this.#connection.inTransaction) await this.#connection.rollback();
      this.#unit.rolledBack(0);
      this.#closeHandles(1);
      this.#failure = { error, depth: 0 };
    }
    this.#aborted = undefined;
  }

  /** A statement outside a flush failed: some databases then refuse the rest of the transaction. */
  async statementFailed(error: DatabaseError, isWrite: boolean, isOperational: boolean): Promise<void> {
    const { dialect, inTransaction } = this.#connection;
    if (!inTransaction) return;
    if (dialect.abortsTransactionOnError) {
      this.#aborted ??= error;
      if (dialect.refusesAfterError(error)) this.check();
    } else if (this.#connection.isUndone) await this.fail(error, 0);
    // An interrupted write may have ended the transaction without a word: it must not go on in single statements.
    else if (isWrite && isOperational && dialect.interruptUndoesTransaction) await this.fail(error, 0);
  }

  #closeHandles(from: number): void {
    for (const handle of this.#handles.splice(from)) handle?.close();
    if (from === 0) this.#handles = [undefined];
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
