import type { Sequelize } from "sequelize";
import type { Transaction } from "sequelize";
import type { DriverRow } from "../driver/dialect";
import type { SchemaDialect } from "../schema/dialects/schema-dialect";
import type { Schema, Table } from "../schema/schema";
import { findTable } from "../schema/schema";
import { applyOperation } from "./apply-operation";
import { Connection } from "../driver/connection";
import type { DdlDialect, DdlTarget } from "./ddl/dialect";
import { ddlFor } from "./ddl/dialects";
import type { Environment } from "./environment";
import { MigrationError } from "./migration-error";
import type { Operation } from "./operation";
import type { OperationRunner } from "./operations";
import { Operations } from "./operations";
import { loadRevision } from "./revision-file";
import type { Plan, Revision } from "./revision-graph";
import { versionRow } from "./run-plan";

/**
 * Prints the statements of a plan as a script for the database's own client, without touching the database.
 *
 * The revisions before the plan are run through first, so that the script knows the tables that it changes: on a throw-away
 * database in memory where the text of a table is needed, else on plain data.
 *
 * @param before  ids of the revisions that are applied when the script is run
 */
export async function writeScript(env: Environment, plan: Plan, before: ReadonlySet<string>): Promise<void> {
  const script = new Script(env);
  const runner = env.dialect.needsTableText ? await ReplayRunner.open(env, script) : new SimulationRunner(env, script);
  try {
    for (const revision of env.graph.all) {
      if (before.has(revision.id)) await runRevision(revision, "upgrade", runner);
    }
    script.isOpen = true;
    if (plan.direction === "upgrade" && before.size === 0)
      for (const sql of env.versionTable.createStatements()) script.statement(sql);
    for (const revision of plan.revisions) {
      const parents = revision.downRevisions.join(", ");
      script.comment(
        `Running ${plan.direction} ${plan.direction === "upgrade" ? `${parents} -> ${revision.id}` : `${revision.id} -> ${parents}`}`,
      );
      script.begin();
      await runRevision(revision, plan.direction, runner);
      script.statement(
        env.versionTable.statement(
          plan.direction === "upgrade"
            ? { insert: versionRow(revision, 1, { step: 0, stepsTotal: null }), durationMs: 0 }
            : { delete: revision.id },
        ),
      );
      script.commit();
    }
  } finally {
    await runner.close();
  }
}

async function runRevision(revision: Revision, direction: Plan["direction"], runner: ScriptRunner): Promise<void> {
  const loaded = await loadRevision(revision);
  try {
    await loaded[direction](new Operations(runner));
    await runner.finish();
  } catch (cause) {
    throw new MigrationError(
      `Revision ${revision.id} (${revision.message}) cannot be written as a script\n  ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** The text of a script, statement by statement. */
class Script {
  /** Whether what comes is part of the script; before, it only leads up to it. */
  isOpen = false;

  constructor(readonly env: Environment) {}

  statement(sql: string): void {
    if (this.isOpen) this.env.print(`${sql};\n`);
  }

  comment(text: string): void {
    if (this.isOpen) this.env.print(`-- ${text}\n`);
  }

  begin(): void {
    if (!this.env.session.undoesRevisions) return;
    for (const sql of this.env.session.scriptBegin) this.statement(sql);
  }

  commit(): void {
    if (!this.env.session.undoesRevisions) return;
    for (const sql of this.env.session.scriptCommit) this.statement(sql);
  }
}

/** Carries operations out into a script. */
abstract class ScriptRunner implements OperationRunner, DdlTarget {
  readonly isOffline = true;
  readonly native = false;
  readonly sequelize;
  readonly dialect: SchemaDialect;
  protected readonly ddl: DdlDialect;
  #tail: Promise<void> = Promise.resolve();

  constructor(
    env: Environment,
    protected readonly script: Script,
  ) {
    this.sequelize = env.sequelize;
    this.dialect = env.dialect;
    this.ddl = ddlFor(env.connection.dialect, this);
  }

  run(operation: Operation): Promise<void> {
    this.#tail = this.#tail.then(() => this.ddl.run(operation));
    return this.#tail;
  }

  finish(): Promise<void> {
    return this.#tail;
  }

  abstract execute(sql: string): Promise<void>;
  abstract table(name: string): Promise<Table | undefined>;
  abstract schema(): Promise<Schema>;
  abstract close(): Promise<void>;

  query(): Promise<DriverRow[]> {
    return Promise.reject(new MigrationError("op.query() needs a live database and cannot be used with --sql."));
  }

  transaction(): Transaction | undefined {
    return undefined;
  }

  async autocommit(work: () => Promise<void>): Promise<void> {
    this.script.statement("COMMIT");
    await work();
    this.script.statement("BEGIN");
  }
}

/** Knows the tables from the operations alone. */
class SimulationRunner extends ScriptRunner {
  #schema: Schema = { tables: [], views: [], enums: [] };

  override async execute(sql: string): Promise<void> {
    this.script.statement(sql);
  }

  override async table(name: string): Promise<Table | undefined> {
    return findTable(this.#schema, name);
  }

  override async schema(): Promise<Schema> {
    return this.#schema;
  }

  override async close(): Promise<void> {}

  made(operation: Operation): void {
    this.#schema = applyOperation(this.#schema, operation);
  }
}

/** Knows the tables from a throw-away database on which the same statements run. */
class ReplayRunner extends ScriptRunner {
  readonly #connection: Connection;
  readonly #scratch: Sequelize;

  private constructor(env: Environment, script: Script, scratch: Sequelize) {
    super(env, script);
    this.#scratch = scratch;
    this.#connection = new Connection(scratch, env.connection.dialect, () => undefined);
  }

  static async open(env: Environment, script: Script): Promise<ReplayRunner> {
    const Instance = env.sequelize.constructor as typeof Sequelize;
    const scratch = new Instance({
      dialect: env.sequelize.getDialect() as "sqlite",
      storage: ":memory:",
      logging: false,
    });
    const runner = new ReplayRunner(env, script, scratch);
    await runner.#connection.run("PRAGMA foreign_keys = OFF");
    return runner;
  }

  override async execute(sql: string): Promise<void> {
    await this.#connection.run(sql);
    this.script.statement(sql);
  }

  override async table(name: string): Promise<Table | undefined> {
    return findTable(await this.dialect.read(this.#connection, { tables: [name] }), name);
  }

  override schema(): Promise<Schema> {
    return this.dialect.read(this.#connection);
  }

  override async close(): Promise<void> {
    await this.#connection.close();
    await this.#scratch.close();
  }
}
