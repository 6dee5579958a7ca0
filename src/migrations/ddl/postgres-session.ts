import { createHash } from "node:crypto";
import { MigrationSession } from "./session";

const POLL_MS = 100;

/** A session with PostgreSQL: an advisory lock, which goes with the process that holds it, and real transactions. */
export class PostgresSession extends MigrationSession {
  override readonly undoesRevisions = true;
  #key: string | undefined;

  override async acquire(): Promise<void> {
    const [row] = await this.connection.all("SELECT current_database() AS name");
    const digest = createHash("sha256")
      .update(`${String(row?.["name"])}\0${this.options.versionTable}`)
      .digest();
    const key = digest.readBigInt64BE().toString();
    const deadline = Date.now() + this.options.lockTimeout * 1000;
    for (;;) {
      const [attempt] = await this.connection.all(`SELECT pg_try_advisory_lock(${key}) AS taken`);
      if (attempt?.["taken"] === true) break;
      if (Date.now() >= deadline) throw this.refused();
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    this.#key = key;
  }

  override async release(): Promise<void> {
    if (this.#key !== undefined) await this.connection.all(`SELECT pg_advisory_unlock(${this.#key})`);
    this.#key = undefined;
  }
}
