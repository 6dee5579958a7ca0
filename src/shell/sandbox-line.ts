import type { Model } from "sequelize";
import type { Database } from "../database";
import type { Sandbox } from "../driver/sandbox";

/**
 * One line in a sandbox: what it wrote is undone where it fails, in the database and in the session's objects.
 *
 * Objects that waited in the session before the line wait in it afterwards, unless they are what the line failed with.
 */
export class SandboxLine {
  readonly #database: Database;
  readonly #sandbox: Sandbox;
  readonly #pending: ReadonlySet<Model>;
  readonly #savepoint: { keep(): Promise<void>; undo(): Promise<void> } | undefined;

  private constructor(
    database: Database,
    sandbox: Sandbox,
    savepoint: { keep(): Promise<void>; undo(): Promise<void> } | undefined,
  ) {
    this.#database = database;
    this.#sandbox = sandbox;
    this.#pending = database.session.new;
    this.#savepoint = savepoint;
  }

  static async begin(database: Database, sandbox: Sandbox): Promise<SandboxLine> {
    const { session } = database;
    // A transaction of the session that is older than the line must not be undone with it.
    const savepoint = session.isActive && session.connection.inTransaction ? await session.savepoint() : undefined;
    sandbox.beginLine();
    return new SandboxLine(database, sandbox, savepoint);
  }

  /** @returns what the person should know */
  async end(failed: boolean): Promise<string | undefined> {
    const { session } = this.#database;
    const sandbox = this.#sandbox;
    if (!failed) {
      await this.#savepoint?.keep();
      return (await sandbox.endLine(false)).lost ? this.#lost() : undefined;
    }
    const wasActive = session.isActive;
    const committed = sandbox.commitsInLine > 0;
    if (sandbox.wroteInLine || !wasActive) {
      await this.#savepoint?.undo();
      if (!this.#savepoint && sandbox.isBusy) await session.rollback();
    } else await this.#savepoint?.keep();
    const { undone, lost } = await sandbox.endLine(true);
    if (lost) return this.#lost();
    if (!undone) return undefined;
    session.lastOutcome = undefined;
    if (committed) session.expungeAll();
    else if (wasActive) session.addAll([...this.#pending].filter((object) => session.stateOf(object) === "transient"));
    return "note: what this line did to the database is undone";
  }

  /** The database ended the transaction: what the session knows of its objects may be wrong. */
  async #lost(): Promise<string> {
    const { session } = this.#database;
    await session.rollback();
    session.expungeAll();
    return "note: the database undid everything in the sandbox; it goes on empty";
  }
}
