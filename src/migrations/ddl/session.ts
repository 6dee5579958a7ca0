import type { Connection } from "../../driver/connection";
import { MigrationError } from "../migration-error";

/** How a session with the database behaves during migrations. */
export interface SessionOptions {
  versionTable: string;
  /** How long to wait for another migration, in seconds. */
  lockTimeout: number;
}

/**
 * A session with the database in which revisions run: the lock that keeps others out, and the transaction of a revision.
 *
 * Whoever holds the lock must read again what is applied: another process may have been first.
 */
export abstract class MigrationSession {
  /** Whether a revision that fails leaves nothing behind. */
  abstract readonly undoesRevisions: boolean;

  /** What stands before and behind the statements of a revision in a script. */
  readonly scriptBegin: readonly string[] = ["BEGIN"];
  readonly scriptCommit: readonly string[] = ["COMMIT"];

  constructor(
    readonly connection: Connection,
    protected readonly options: SessionOptions,
  ) {}

  /** Waits for the lock. @throws {MigrationError} when it does not come in time */
  abstract acquire(): Promise<void>;
  abstract release(): Promise<void>;

  /** Does what another process may keep waiting. @throws {MigrationError} when it waited for too long */
  whileOthersMayWrite<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  /** Opens the transaction of a revision. `enforcesForeignKeys` leaves them on where they are otherwise switched off. */
  begin(_options: { enforcesForeignKeys: boolean }): Promise<void> {
    return this.connection.begin();
  }

  /** Makes what was done so far last, where the database cannot hold back a change of its schema anyhow. */
  async keepStep(): Promise<void> {}

  /** Looks for damage that the revision did, then ends its transaction. */
  commit(): Promise<void> {
    return this.connection.commit();
  }

  rollback(): Promise<void> {
    return this.connection.rollback();
  }

  /** Ends the transaction for `work`, and opens another behind. */
  async outside(work: () => Promise<void>): Promise<void> {
    await this.connection.run("COMMIT");
    try {
      await work();
    } finally {
      await this.connection.run(this.connection.dialect.beginWrite);
    }
  }

  protected refused(cause?: unknown): MigrationError {
    const message = `Another migration is running on this database (waited ${this.options.lockTimeout} s). Nothing was changed.`;
    return new MigrationError(message, cause === undefined ? {} : { cause });
  }
}
