import { MigrationError } from "../migration-error";
import { MigrationSession } from "./session";

/**
 * A session with a file of SQLite: the transaction's own write lock keeps others out, foreign keys are off in it.
 *
 * With foreign keys on, a rebuild would delete the rows that refer to the table; inside a transaction they cannot be switched.
 * In exchange every foreign key is checked before the end.
 */
export class SqliteSession extends MigrationSession {
  override readonly undoesRevisions = true;
  override readonly scriptBegin = ["PRAGMA foreign_keys=OFF", "BEGIN IMMEDIATE"];
  override readonly scriptCommit = ["COMMIT", "PRAGMA foreign_keys=ON"];
  #enforced: unknown;
  #violations = new Set<string>();
  #hasBrokenViews = false;

  override async acquire(): Promise<void> {
    await this.connection.all(`PRAGMA busy_timeout = ${Math.round(this.options.lockTimeout * 1000)}`);
  }

  override async release(): Promise<void> {}

  /** A writer of many rows keeps readers out too. */
  override async whileOthersMayWrite<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const { code } = ((error as Error).cause ?? {}) as { code?: string };
      throw code === "SQLITE_BUSY" ? this.refused(error) : error;
    }
  }

  override async begin({ enforcesForeignKeys }: { enforcesForeignKeys: boolean }): Promise<void> {
    const [row] = await this.connection.all("PRAGMA foreign_keys");
    this.#enforced = row?.["foreign_keys"];
    await this.connection.run(`PRAGMA foreign_keys = ${enforcesForeignKeys ? "ON" : "OFF"}`);
    try {
      await this.whileOthersMayWrite(() => this.connection.begin());
    } catch (error) {
      await this.#restore();
      throw error;
    }
    this.#violations = await this.#foreignKeyViolations();
    this.#hasBrokenViews = (await this.#brokenView()) !== undefined;
  }

  override async commit(): Promise<void> {
    const broken = this.#hasBrokenViews ? undefined : await this.#brokenView();
    if (broken !== undefined)
      throw new MigrationError(`The revision leaves a view or trigger that does not work: ${broken}`);
    const violations = [...(await this.#foreignKeyViolations())].filter(
      (violation) => !this.#violations.has(violation),
    );
    if (violations.length > 0) {
      const examples = violations.slice(0, 3).join("; ");
      const rows = violations.length === 1 ? "1 row that refers" : `${violations.length} rows that refer`;
      throw new MigrationError(`The revision leaves ${rows} to nothing: ${examples}.`);
    }
    await this.connection.commit();
    await this.#restore();
  }

  override async rollback(): Promise<void> {
    await this.connection.rollback();
    await this.#restore();
  }

  /** PRAGMAs are not undone with the transaction. */
  async #restore(): Promise<void> {
    await this.connection.run("PRAGMA legacy_alter_table = OFF");
    await this.connection.run(`PRAGMA foreign_keys = ${this.#enforced === 1 ? "ON" : "OFF"}`);
  }

  async #foreignKeyViolations(): Promise<Set<string>> {
    try {
      const rows = await this.connection.all("PRAGMA foreign_key_check");
      return new Set(
        rows.map((row) => `${String(row["table"])} row ${String(row["rowid"])} -> ${String(row["parent"])}`),
      );
    } catch (error) {
      // A foreign key to something that is no key: the message names it.
      return new Set([(error as Error).message]);
    }
  }

  /** Renaming a table makes SQLite read every view and trigger again: its error names one that is broken. */
  async #brokenView(): Promise<string | undefined> {
    await this.connection.run("SAVEPOINT _mig_probe");
    try {
      await this.connection.run("CREATE TABLE _mig_probe (x)");
      await this.connection.run("ALTER TABLE _mig_probe RENAME TO _mig_probe2");
      return undefined;
    } catch (error) {
      return (error as Error).message;
    } finally {
      await this.connection.run("ROLLBACK TO _mig_probe");
      await this.connection.run("RELEASE _mig_probe");
    }
  }
}
