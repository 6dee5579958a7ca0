import { InvalidRequestError, OperationalError } from "../errors";
import { bareStatements, onlyReads } from "./bare-statements";
import type { Connection, QueryEvent } from "./connection";
import type { Dialect, Statement } from "./dialect";

/** What was done to one table in a sandbox, counted by statements' own row counts; triggers and cascades are not seen. */
export interface SandboxChange {
  table: string;
  inserted: number;
  updated: number;
  deleted: number;
  /** Words of the statements that changed the table itself, such as `CREATE TABLE`. */
  altered: string[];
}

interface JournalEntry {
  table: string;
  verb: "inserted" | "updated" | "deleted" | "altered";
  rows: number;
  words: string;
}

interface Savepoint {
  name: string;
  /** The length of the journal when it was set. */
  journal: number;
}

/** How the end of a line found the sandbox. */
export interface LineEnd {
  /** What the line had written was undone. */
  undone: boolean;
  /** The database had ended the transaction by itself: nothing of the sandbox is left, or all of it stands. */
  lost: boolean;
}

/** A session waits so long for the transaction of another one, in milliseconds. */
const WAIT_MS = 5000;
const POLL_MS = 10;

/**
 * One transaction around everything that a database is told, which is undone at its end.
 *
 * While a database has one, its sessions share the sandbox's connection; their transactions are savepoints, and so is each line
 * that a person types. The transaction is opened by the first statement that may write.
 */
export class Sandbox {
  readonly #base: Connection;
  readonly #dialect: Dialect;
  #savepoints: Savepoint[] = [];
  #journal: JournalEntry[] = [];
  #tail: Promise<unknown> = Promise.resolve();
  #count = 0;
  #commits = 0;
  /** Whose transaction is open, as a savepoint. */
  #worker: { who: Connection; name: string } | undefined;
  #line: { savepoint: string | undefined; commits: number } | undefined;
  #wasLost = false;

  /** @param base  a connection that serves nothing else */
  constructor(base: Connection) {
    this.#base = base;
    this.#dialect = base.dialect;
  }

  /** The connection that all of the sandbox is sent on. */
  get base(): Connection {
    return this.#base;
  }

  /** Whether a session has a transaction open in it. */
  get isBusy(): boolean {
    return this.#worker !== undefined;
  }

  /** Whether the running line has sent something that may write. */
  get wroteInLine(): boolean {
    return this.#line?.savepoint !== undefined;
  }

  /** How often a session has committed since the line began. */
  get commitsInLine(): number {
    return this.#commits - (this.#line?.commits ?? this.#commits);
  }

  /**
   * Checks that a statement leaves the sandbox whole.
   *
   * @throws {InvalidRequestError} for one that ends transactions, or that the database commits by itself
   */
  check(sql: string): void {
    const all = bareStatements(sql, this.#dialect.lexicalRules);
    for (const bare of this.#dialect.sendsFirstStatementOnly ? all.slice(0, 1) : all) {
      const ends =
        /^(?:BEGIN|START TRANSACTION|COMMIT|END|ABORT|PREPARE TRANSACTION|XA|ROLLBACK(?!(?: WORK| TRANSACTION)? TO\b))\b/i;
      const ending = ends.exec(bare)?.[0];
      if (ending !== undefined) {
        throw new InvalidRequestError(`Cannot run ${ending.toUpperCase()} in the sandbox: it is one transaction.`, {
          hint: "db.session.commit() and db.session.rollback() work; .sandbox off leaves it",
        });
      }
      if (this.#dialect.supportsTransactionalDdl || KEEPS_TRANSACTION.test(bare)) continue;
      const words = /^[A-Za-z]+(?: [A-Za-z]+)?/.exec(bare)?.[0].toUpperCase() ?? "this statement";
      throw new InvalidRequestError(
        `Cannot run ${words} in the sandbox: ${this.#dialect.name} may commit with it, and nothing could be rolled back.`,
        { hint: ".sandbox off, then run it" },
      );
    }
  }

  /** Whether a statement may be sent on a driver's connection: on the sandbox's own, or on any where it only reads and nothing was done yet. */
  admits(raw: object, sql: string): boolean {
    if (this.#base.holds(raw)) return true;
    return !this.#base.inTransaction && bareStatements(sql, this.#dialect.lexicalRules).every(onlyReads);
  }

  /** Sends a statement of one of the sessions. */
  async send<T>(who: Connection, statement: Statement, send: (base: Connection) => Promise<T>): Promise<T> {
    this.check(statement.sql);
    return this.#guarded(statement.sql, who === this.#worker?.who, () => send(this.#base));
  }

  /** Runs one of Sequelize's own calls on the sandbox's connection. */
  async plain<T>(sql: string, call: () => Promise<T>): Promise<T> {
    this.check(sql);
    return this.#guarded(sql, this.#worker !== undefined, () => this.#base.exclusive(call));
  }

  /** Opens the transaction, so that {@link Connection.handle} is there. */
  open(): Promise<void> {
    return this.#enqueue(() => this.#open());
  }

  /** Begins the transaction of a session: a savepoint. Waits for another session's. */
  async begin(who: Connection): Promise<void> {
    const deadline = Date.now() + WAIT_MS;
    while (this.#worker !== undefined && this.#worker.who !== who) {
      if (Date.now() > deadline) {
        throw new OperationalError("database is locked: another session has a transaction open in this sandbox.", {
          hint: "commit or roll back the other session first",
        });
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    const name = `sandbox_${++this.#count}`;
    this.#worker = { who, name };
    try {
      await this.savepoint(name);
    } catch (error) {
      this.#worker = undefined;
      throw error;
    }
  }

  /** Ends a session's transaction and keeps its work in the sandbox. */
  commit(): void {
    // The savepoint stays: releasing it would take those of the running line with it.
    this.#worker = undefined;
    this.#commits += 1;
  }

  /** Ends a session's transaction and undoes its work. */
  async rollback(): Promise<void> {
    const name = this.#worker?.name;
    this.#worker = undefined;
    if (name !== undefined) await this.rollbackTo(name);
  }

  savepoint(name: string): Promise<void> {
    return this.#enqueue(async () => {
      await this.#open();
      await this.#set(name);
    });
  }

  /** Undoes the work since a savepoint; passed over where the database has undone more by itself. */
  rollbackTo(name: string): Promise<void> {
    return this.#enqueue(async () => {
      const index = this.#savepoints.findLastIndex((savepoint) => savepoint.name === name);
      if (index < 0) return;
      try {
        await this.#base.rollbackTo(name);
      } catch (error) {
        await this.#findLoss();
        if (this.#base.inTransaction) throw error;
        return;
      }
      this.#journal.length = this.#savepoints[index]?.journal ?? 0;
      this.#savepoints.length = index + 1;
      if (this.#line && !this.#has(this.#line.savepoint)) this.#line.savepoint = undefined;
    });
  }

  /** A line of the person begins; its savepoint is set by its first statement that may write. */
  beginLine(): void {
    this.#line = { savepoint: undefined, commits: this.#commits };
    this.#wasLost = false;
  }

  /** The line has ended; what it wrote is undone where it failed. */
  async endLine(failed: boolean): Promise<LineEnd> {
    const savepoint = this.#line?.savepoint;
    const undone = failed && savepoint !== undefined;
    if (undone) await this.rollbackTo(savepoint);
    await this.#enqueue(async () => {
      this.#line = undefined;
      await this.#findLoss();
      const oldest = this.#savepoints[0];
      if (this.#worker !== undefined || oldest === undefined) return;
      await this.#base.release(oldest.name);
      this.#savepoints = [];
    });
    return { undone, lost: this.#wasLost };
  }

  /** What was done so far, by table. */
  changes(): SandboxChange[] {
    const byTable = new Map<string, SandboxChange>();
    for (const { table, verb, rows, words } of this.#journal) {
      const change = byTable.get(table) ?? { table, inserted: 0, updated: 0, deleted: 0, altered: [] };
      byTable.set(table, change);
      if (verb === "altered") change.altered.push(words);
      else change[verb] += rows;
    }
    return [...byTable.values()].filter(
      ({ inserted, updated, deleted, altered }) => inserted + updated + deleted + altered.length > 0,
    );
  }

  /** Hears of a statement that was sent. */
  heard({ sql, rowCount, error }: QueryEvent): void {
    if (error !== undefined || !this.#base.inTransaction) return;
    const entry = journalEntry(sql, rowCount ?? 0);
    if (!entry) return;
    const last = this.#journal.at(-1);
    const isLike = last?.table === entry.table && last.verb === entry.verb && entry.verb !== "altered";
    // A loop of like statements is one entry, as long as no savepoint stands between them.
    if (isLike && this.#journal.length > (this.#savepoints.at(-1)?.journal ?? 0)) last.rows += entry.rows;
    else this.#journal.push(entry);
  }

  /** Keeps everything so far for good; the sandbox goes on empty. */
  async keep(): Promise<void> {
    if (this.#worker) {
      throw new InvalidRequestError("Cannot commit the sandbox while the session has work that is not committed.", {
        hint: "db.session.commit() or db.session.rollback()",
      });
    }
    await this.#enqueue(async () => {
      if (this.#base.inTransaction) await this.#base.commit();
      this.#forget();
    });
  }

  /** Undoes everything and gives the connection back. */
  async end(): Promise<void> {
    // It ends also where the database has given it up already.
    await this.#worker?.who.rollback().catch(() => undefined);
    await this.#enqueue(async () => {
      this.#forget();
      await this.#base.close();
    });
  }

  /** @param isProtected  a session's transaction will deal with a failure itself */
  #guarded<T>(sql: string, isProtected: boolean, work: () => Promise<T>): Promise<T> {
    return this.#enqueue(async () => {
      const bare = bareStatements(sql, this.#dialect.lexicalRules);
      const opens = this.#base.inTransaction || !this.#dialect.selectsNeverWrite || !bare.every(onlyReads);
      if (opens) await this.#open();
      // Where an error ends the whole transaction, each statement that stands alone has a savepoint of its own.
      const alone = opens && !isProtected && this.#dialect.abortsTransactionOnError ? "sandbox_statement" : undefined;
      if (alone !== undefined) await this.#base.savepoint(alone);
      try {
        const result = await work();
        if (alone !== undefined) await this.#base.release(alone);
        return result;
      } catch (error) {
        if (alone !== undefined) await this.#base.rollbackTo(alone).catch(() => undefined);
        await this.#findLoss();
        throw error;
      }
    });
  }

  async #open(): Promise<void> {
    if (!this.#base.inTransaction) {
      this.#forget();
      await this.#base.begin();
    }
    if (this.#line && this.#line.savepoint === undefined) {
      const name = `sandbox_line_${++this.#count}`;
      await this.#set(name);
      this.#line.savepoint = name;
    }
  }

  async #set(name: string): Promise<void> {
    await this.#base.savepoint(name);
    this.#savepoints.push({ name, journal: this.#journal.length });
  }

  #has(name: string | undefined): boolean {
    return this.#savepoints.some((savepoint) => savepoint.name === name);
  }

  #forget(): void {
    this.#savepoints = [];
    this.#journal = [];
    if (this.#line) this.#line.savepoint = undefined;
  }

  /** Finds out whether the database has ended the transaction by itself: after an interrupted write, a deadlock, a full disk. */
  async #findLoss(): Promise<void> {
    if (!this.#base.inTransaction || !(await this.#isLost())) return;
    this.#wasLost = true;
    await this.#base.rollback();
    this.#forget();
  }

  async #isLost(): Promise<boolean> {
    if (this.#base.isBroken) return true;
    try {
      if (this.#dialect.interruptUndoesTransaction) {
        // Refused inside a transaction; where it works there was none.
        await this.#base.run(this.#dialect.beginWrite);
        return true;
      }
      if (this.#dialect.supportsTransactionalDdl) return false;
      // Outside a transaction a savepoint is gone as soon as it is set.
      await this.#base.savepoint("sandbox_probe");
      await this.#base.release("sandbox_probe");
      return false;
    } catch (error) {
      return !/within a transaction/.test((error as Error).message);
    }
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}

/** What does not commit by itself, of databases that commit with most statements that change tables. */
const KEEPS_TRANSACTION =
  /^\(*\s*(?:SELECT|WITH|VALUES|TABLE|INSERT|REPLACE|UPDATE|DELETE|LOAD DATA|DO|SHOW|DESC|DESCRIBE|EXPLAIN|ANALYZE (?:FORMAT|SELECT|WITH|INSERT|UPDATE|DELETE|REPLACE)|SAVEPOINT|ROLLBACK|RELEASE|CREATE(?: OR REPLACE)? TEMPORARY TABLE|DROP TEMPORARY TABLE|KILL|USE|HANDLER|CHECKSUM|SET(?!.*\b(?:autocommit|password|completion_type)\b))\b/i;

const NAME = String.raw`((?:"(?:[^"]|"")*"|\x60[^\x60]*\x60|\[[^\]]*\]|[\w$.\x80-\u{10ffff}])+)`;
const VERBS: readonly (readonly [JournalEntry["verb"], RegExp])[] = [
  ["inserted", new RegExp(String.raw`^\s*(?:INSERT(?:\s+(?:IGNORE|OR\s+\w+))?|REPLACE)\s+INTO\s+${NAME}`, "iu")],
  ["updated", new RegExp(String.raw`^\s*UPDATE\s+(?:ONLY\s+|IGNORE\s+|OR\s+\w+\s+)?${NAME}`, "iu")],
  ["deleted", new RegExp(String.raw`^\s*DELETE\s+(?:IGNORE\s+)?FROM\s+(?:ONLY\s+)?${NAME}`, "iu")],
  [
    "altered",
    new RegExp(
      String.raw`^\s*(?:CREATE|DROP|ALTER|TRUNCATE)\s+(?:TABLE\s+)?(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?${NAME}`,
      "iu",
    ),
  ],
];

function journalEntry(sql: string, rows: number): JournalEntry | undefined {
  for (const [verb, pattern] of VERBS) {
    const found = pattern.exec(sql);
    if (!found) continue;
    if (verb === "altered" && !/^\s*(?:(?:CREATE|DROP|ALTER)\s+TABLE|TRUNCATE)\b/i.test(sql)) return undefined;
    const words = /^\s*(\w+(?:\s+TABLE)?)/i.exec(sql)?.[1]?.replace(/\s+/g, " ").toUpperCase() ?? "";
    return { table: (found[1] ?? "").replaceAll(/["`[\]]/g, ""), verb, rows, words };
  }
  return undefined;
}
