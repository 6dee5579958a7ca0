import { join, relative, resolve } from "node:path";
import type { Sequelize } from "sequelize";
import type { QueryListener } from "../driver/connection";
import { Connection } from "../driver/connection";
import { dialectOf } from "../driver/dialects";
import type { SchemaDialect } from "../schema/dialects/schema-dialect";
import { schemaDialectOf } from "../schema/dialects/dialects";
import type { MigrationConfig } from "./config";
import { readConfig } from "./config";
import { sessionFor } from "./ddl/dialects";
import type { MigrationSession } from "./ddl/session";
import type { MigrationHooks } from "./hooks";
import { loadHooks } from "./hooks";
import { Interruption } from "./migration-error";
import { currentChecksum } from "./revision-file";
import type { RevisionGraph } from "./revision-graph";
import { ScriptDirectory } from "./script-directory";
import type { VersionRow } from "./version-table";
import { VersionTable } from "./version-table";

/** Where a command of the migrations writes, and whom it may ask. */
export interface MigrationIo {
  stdout: (text: string) => void;
  stderr: (text: string) => void;
  /** Shows how far long work is, in the place of what it showed before; undefined takes it away. Absent where nobody watches. */
  status?: ((text: string | undefined) => void) | undefined;
  /** Asks the person and gives the answer, undefined for one who broke off; absent where nobody is there to ask. */
  ask?: ((question: string) => Promise<string | undefined>) | undefined;
}

/** What the commands of the migrations work with. */
export interface EnvironmentOptions {
  /** Absent for a command that asks no database. */
  sequelize?: Sequelize | undefined;
  directory: string;
  io: MigrationIo;
  onQuery?: QueryListener | undefined;
  /** Name and version of the program, for the version table. */
  app?: string | undefined;
}

/** Everything a command of the migrations needs: the directory, the database, and where to write. */
export class Environment {
  readonly directory: string;
  readonly io: MigrationIo;
  readonly #options: EnvironmentOptions;
  #config: MigrationConfig | undefined;
  #hooks: Promise<MigrationHooks> | undefined;
  #graph: RevisionGraph | undefined;
  #connection: Connection | undefined;

  constructor(options: EnvironmentOptions) {
    this.#options = options;
    this.directory = resolve(options.directory);
    this.io = options.io;
  }

  /** The directory as it was given. */
  get givenDirectory(): string {
    return this.#options.directory;
  }

  get sequelize(): Sequelize {
    const { sequelize } = this.#options;
    if (sequelize === undefined) throw new Error("This command was opened without a database.");
    return sequelize;
  }

  /** A path of the directory as the person would write it. */
  shown(path: string): string {
    return join(this.givenDirectory, relative(this.directory, path));
  }

  get config(): MigrationConfig {
    return (this.#config ??= readConfig(this.directory));
  }

  get scripts(): ScriptDirectory {
    return new ScriptDirectory(this.directory, this.config);
  }

  /** What the directory's `env.ts` exports, loaded once. */
  hooks(): Promise<MigrationHooks> {
    return (this.#hooks ??= loadHooks(this.directory));
  }

  get graph(): RevisionGraph {
    return (this.#graph ??= this.scripts.readGraph());
  }

  /** The connection of the migrations' own, opened at the first statement. */
  get connection(): Connection {
    return (this.#connection ??= new Connection(
      this.sequelize,
      dialectOf(this.sequelize),
      this.#options.onQuery ?? ((): void => undefined),
    ));
  }

  get dialect(): SchemaDialect {
    return schemaDialectOf(dialectOf(this.sequelize));
  }

  get session(): MigrationSession {
    return sessionFor(this.connection, this.config);
  }

  get versionTable(): VersionTable {
    return new VersionTable(this.connection, this.config.versionTable, this.#options.app ?? "sequelize-shell");
  }

  /** Tables that are no affair of the models. */
  get ignoredTables(): string[] {
    return [
      this.config.versionTable,
      "SequelizeMeta",
      "SequelizeData",
      "alembic_version",
      "_mig_*",
      ...this.config.ignoreTables,
    ];
  }

  /** Reads what is applied, and warns of files that are missing or were changed since. */
  async applied(): Promise<VersionRow[]> {
    const rows = await this.versionTable.rows();
    for (const warning of this.drift(rows)) this.warn(warning);
    return rows;
  }

  /** Files that were changed after they were applied. */
  drift(rows: readonly VersionRow[]): string[] {
    return rows.flatMap((row) => {
      const revision = this.graph.find(row.id);
      if (revision === undefined || row.checksum === "" || row.checksum === currentChecksum(revision)) return [];
      return [`${row.id} was edited after it was applied to this database (checksum differs).`];
    });
  }

  /** Asks the person, where there is one: {@link canAsk}. @throws {Interruption} where the person breaks off */
  async ask(question: string): Promise<string> {
    const answer = await this.io.ask?.(question);
    if (answer === undefined) throw new Interruption("Interrupted; nothing was written.");
    return answer.trim();
  }

  /** Whether there is a person to ask. */
  get canAsk(): boolean {
    return this.io.ask !== undefined;
  }

  info(text: string): void {
    this.io.stderr(`INFO  [migrate] ${text}\n`);
  }

  warn(text: string): void {
    this.io.stderr(`Warning: ${text}\n`);
  }

  print(text: string): void {
    this.io.stdout(`${text}\n`);
  }

  /** Gives the connection back. */
  async close(): Promise<void> {
    await this.#connection?.close();
  }
}

/** The ids of the revisions that are wholly applied. */
export function appliedIds(rows: readonly VersionRow[]): Set<string> {
  return new Set(rows.filter((row) => row.status === "applied").map((row) => row.id));
}
