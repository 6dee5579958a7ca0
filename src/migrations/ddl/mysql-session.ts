import { createHash } from "node:crypto";
import { MigrationSession } from "./session";

/** The server takes names of locks of 64 characters at the most. */
const MAX_LOCK_NAME = 64;

/** A session with MariaDB or MySQL: a named lock, which goes with the process that holds it; DDL is committed as it is made. */
export class MysqlSession extends MigrationSession {
  override readonly undoesRevisions = false;
  #lock: string | undefined;

  override async acquire(): Promise<void> {
    const [row] = await this.connection.all("SELECT DATABASE() AS name");
    const full = `mig.${String(row?.["name"])}.${this.options.versionTable}`;
    const name =
      full.length <= MAX_LOCK_NAME ? full : `mig.${createHash("sha256").update(full).digest("hex").slice(0, 60)}`;
    const literal = this.connection.dialect.literal(name);
    const [attempt] = await this.connection.all(`SELECT GET_LOCK(${literal}, ${this.options.lockTimeout}) AS taken`);
    if (Number(attempt?.["taken"]) !== 1) throw this.refused();
    this.#lock = literal;
  }

  override async release(): Promise<void> {
    if (this.#lock !== undefined) await this.connection.all(`SELECT RELEASE_LOCK(${this.#lock})`);
    this.#lock = undefined;
  }

  override async keepStep(): Promise<void> {
    await this.connection.run("COMMIT AND CHAIN");
  }
}
