import type { Schema, Table } from "../schema/schema";
import { findTable } from "../schema/schema";
import type { Operation, TableChange } from "./operation";

/** Tables of the database as they were read, until something may have changed them. */
export class KnownTables {
  readonly #read: (names: readonly string[]) => Promise<Schema>;
  readonly #tables = new Map<string, Table | undefined>();
  #likely: readonly string[];

  /**
   * @param likely  tables that will probably be asked for too: they are read together with the first, which costs hardly more
   */
  constructor(read: (names: readonly string[]) => Promise<Schema>, likely: readonly string[] = []) {
    this.#read = read;
    this.#likely = likely;
  }

  /** The table as it is; undefined where there is none. */
  async get(name: string): Promise<Table | undefined> {
    if (!this.#tables.has(name)) {
      const names = [...new Set([name, ...this.#likely])].filter((known) => !this.#tables.has(known));
      const schema = await this.#read(names);
      for (const known of names) this.#tables.set(known, findTable(schema, known));
    }
    return this.#tables.get(name);
  }

  /** Something has changed the table; without a name, any of them: what comes is read table by table from then on. */
  forget(name?: string): void {
    if (name !== undefined) {
      this.#tables.delete(name);
      this.#likely = this.#likely.filter((likely) => likely !== name);
      return;
    }
    this.#tables.clear();
    this.#likely = [];
  }
}

/** Changes of a table that other tables may show too: a foreign key names the parent's columns. */
const SHOWN_ELSEWHERE: readonly TableChange["kind"][] = ["renameColumn"];

/** The only table that reads otherwise after the operation; undefined where it may be any. */
export function touchedTable(operation: Operation): string | undefined {
  switch (operation.kind) {
    case "alterTable":
      return operation.changes.some((change) => SHOWN_ELSEWHERE.includes(change.kind)) ? undefined : operation.table;
    case "createTable":
      return operation.table.name;
    case "dropTable":
      return operation.name;
    default:
      return undefined;
  }
}
