import type { Sequelize, Transaction } from "sequelize";
import type { DriverRow } from "../driver/dialect";
import { schemaDialectOf } from "../schema/dialects/dialects";
import type { SchemaDialect } from "../schema/dialects/schema-dialect";
import type { Schema, Table } from "../schema/schema";
import type { DdlDialect, DdlTarget } from "./ddl/dialect";
import { ddlFor } from "./ddl/dialects";
import type { MigrationSession } from "./ddl/session";
import type { KnownTables } from "./known-tables";
import { touchedTable } from "./known-tables";
import { MigrationError } from "./migration-error";
import type { Operation } from "./operation";
import { describeOperation } from "./operation";
import type { OperationRunner } from "./operations";
import { mayBeBlocked, precheck } from "./precheck";

/** How a {@link RevisionRunner} works. */
export interface RunnerOptions {
  sequelize: Sequelize;
  session: MigrationSession;
  /** What is known of the database's tables. */
  tables: KnownTables;
  /** Operations that were made before: they are counted and not made again. */
  skip?: number;
  /** Told after each operation how many are done. */
  onStep?: ((done: number) => Promise<void>) | undefined;
  progress?: ((text: string) => void) | undefined;
  status?: ((text: string | undefined) => void) | undefined;
  /** Whether SQLite's own ALTERs of constraints are used. */
  native: boolean;
}

/**
 * Carries out the operations of one revision on a database, one after the other in the order of their calls.
 *
 * An operation that was not awaited is made all the same, before those called later.
 */
export class RevisionRunner implements OperationRunner, DdlTarget {
  readonly sequelize: Sequelize;
  readonly dialect: SchemaDialect;
  readonly isOffline = false;
  readonly native: boolean;
  readonly progress: ((text: string) => void) | undefined;
  readonly status: ((text: string | undefined) => void) | undefined;
  readonly #session: MigrationSession;
  readonly #options: RunnerOptions;
  readonly #ddl: DdlDialect;
  #tail: Promise<void> = Promise.resolve();
  #failure: Error | undefined;
  readonly #tables: KnownTables;
  /** The only table that the statements of the operation at work change. */
  #touched: string | undefined;
  /** The revision has the transaction in its own hands, and changes anything at any time. */
  #isShared = false;
  /** Operations called so far. */
  called = 0;
  /** What the operation at work does, for messages. */
  current: string | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.sequelize = options.sequelize;
    this.#session = options.session;
    this.#tables = options.tables;
    this.dialect = schemaDialectOf(options.session.connection.dialect);
    this.native = options.native;
    this.progress = options.progress;
    this.status = options.status;
    this.#ddl = ddlFor(options.session.connection.dialect, this);
  }

  run(operation: Operation): Promise<void> {
    const result = this.#tail.then(() => this.#run(operation));
    this.#tail = result.catch((error: unknown) => void (this.#failure ??= error as Error));
    return result;
  }

  /** Waits for every operation that was called. @throws what one failed with that nobody awaited */
  async finish(): Promise<void> {
    await this.#tail;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async query(sql: string): Promise<DriverRow[]> {
    try {
      return await this.#session.connection.all(sql);
    } finally {
      this.#tables.forget();
    }
  }

  ask = (sql: string): Promise<DriverRow[]> => this.#ask(sql);

  transaction(): Transaction | undefined {
    this.#isShared = true;
    return this.#session.connection.handle;
  }

  autocommit(work: () => Promise<void>): Promise<void> {
    return this.#session.outside(work);
  }

  async execute(sql: string): Promise<void> {
    this.#tables.forget(this.#touched);
    await this.#session.connection.run(sql);
  }

  table(name: string): Promise<Table | undefined> {
    return this.#tables.get(name);
  }

  schema(schemas?: readonly string[]): Promise<Schema> {
    return this.dialect.read(this.#session.connection, { schemas });
  }

  async #run(operation: Operation): Promise<void> {
    // After a failure nothing more is made, also where the revision's function goes on.
    if (this.#failure !== undefined) throw this.#failure;
    this.called++;
    if (this.#isShared) this.#tables.forget();
    this.#touched = touchedTable(operation);
    this.current = describeOperation(operation);
    if (this.called <= (this.#options.skip ?? 0)) return;
    await this.#precheck(operation);
    await this.#ddl.run(operation);
    await this.#options.onStep?.(this.called);
    this.current = undefined;
  }

  async #precheck(operation: Operation): Promise<void> {
    if (operation.kind !== "alterTable" || !operation.changes.some(mayBeBlocked)) return;
    const table = await this.table(operation.table);
    const problems = await precheck(operation, table, this.dialect, (sql) => this.#ask(sql));
    const blocking = problems.find((problem) => problem.blocks);
    if (blocking) throw new MigrationError(blocking.text);
  }

  /** Asks without harm to the transaction: where an error would end it, behind a savepoint. */
  async #ask(sql: string): Promise<DriverRow[]> {
    const { connection } = this.#session;
    if (!connection.dialect.abortsTransactionOnError || !connection.inTransaction) return connection.all(sql);
    await connection.savepoint("_mig_ask");
    try {
      return await connection.all(sql);
    } catch (error) {
      await connection.rollbackTo("_mig_ask");
      throw error;
    } finally {
      await connection.release("_mig_ask").catch(() => undefined);
    }
  }
}

/** Collects the operations of a revision without making any; what asks the database ends the collection. */
export class OperationCollector implements OperationRunner {
  readonly isOffline = false;
  readonly operations: Operation[] = [];
  /** Whether the revision asked the database: what it does behind is not known. */
  isCut = false;

  constructor(
    readonly sequelize: Sequelize,
    readonly dialect: SchemaDialect,
  ) {}

  async run(operation: Operation): Promise<void> {
    if (!this.isCut) this.operations.push(operation);
  }
  query(): Promise<DriverRow[]> {
    return this.#cut();
  }
  transaction(): never {
    return this.#cut();
  }
  autocommit(): Promise<void> {
    return this.#cut();
  }
  #cut(): never {
    this.isCut = true;
    throw new CollectionEnd("the rest depends on the database");
  }
}

/** Ends the collection of a revision's operations. */
export class CollectionEnd extends Error {}
