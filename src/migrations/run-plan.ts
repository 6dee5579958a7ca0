import { basename } from "node:path";
import type { Schema } from "../schema/schema";
import type { Environment } from "./environment";
import { appliedIds } from "./environment";
import { mentions } from "../schema/sql-tokens";
import { KnownTables } from "./known-tables";
import { MigrationError } from "./migration-error";
import { Operations } from "./operations";
import { mayBeBlocked, precheck } from "./precheck";
import type { LoadedRevision } from "./revision-file";
import { countOperations, currentChecksum, loadRevision, namedTables } from "./revision-file";
import { refuseHalfDone } from "./half-done";
import type { Plan, Revision } from "./revision-graph";
import { CollectionEnd, OperationCollector, RevisionRunner } from "./revision-runner";
import type { MigrationSession } from "./ddl/session";
import type { VersionRow, VersionTable } from "./version-table";

/** How the revisions of a plan are run. */
export interface RunOptions {
  /** Goes on with a revision that stopped half way. */
  resume?: VersionRow;
}

/**
 * Runs revisions in their order on the database, each with its row of the version table.
 *
 * @param choose  makes the plan from what is applied; asked under the lock
 */
export async function runPlan(
  env: Environment,
  choose: (applied: ReadonlySet<string>, rows: readonly VersionRow[]) => Plan,
  options: RunOptions = {},
): Promise<void> {
  const { session, versionTable } = env;
  await session.acquire();
  try {
    const rows = await session.whileOthersMayWrite(() => env.applied());
    if (options.resume === undefined) refuseHalfDone(rows, env);
    const plan = choose(appliedIds(rows), rows);
    // Every file is loaded before the first statement: one that does not compile changes nothing.
    const loaded: Loaded[] = [];
    for (const revision of plan.revisions) loaded.push({ revision, loaded: await loadRevision(revision) });
    if (loaded.length === 0) return;
    await env.hooks();
    const batch = Math.max(0, ...rows.map((row) => row.batch)) + 1;
    const run = new PlanRun(env, session, versionTable, plan.direction, batch, options);
    if (!env.config.transactionPerMigration && session.undoesRevisions) await run.allAtOnce(loaded);
    else for (const { revision, loaded: functions } of loaded) await run.alone(revision, functions);
  } finally {
    await session.release();
  }
}

interface Loaded {
  revision: Revision;
  loaded: LoadedRevision;
}

/** One run of a plan. */
class PlanRun {
  constructor(
    readonly env: Environment,
    readonly session: MigrationSession,
    readonly versions: VersionTable,
    readonly direction: Plan["direction"],
    readonly batch: number,
    readonly options: RunOptions,
  ) {}

  /** The revision in a transaction of its own, together with its row. */
  async alone(revision: Revision, loaded: LoadedRevision): Promise<void> {
    await this.session.begin({ enforcesForeignKeys: loaded.sqliteForeignKeys });
    let isOurs = false;
    try {
      await this.versions.create();
      isOurs = await this.#isPending(revision);
      if (isOurs) await this.#run(revision, loaded);
      await this.session.commit();
    } catch (error) {
      await this.session.rollback();
      if (!isOurs) throw error;
      throw await this.#failed(revision, error);
    }
  }

  /** All revisions in one transaction. */
  async allAtOnce(all: readonly Loaded[]): Promise<void> {
    let at = all[0]?.revision;
    await this.session.begin({ enforcesForeignKeys: all.some(({ loaded }) => loaded.sqliteForeignKeys) });
    try {
      await this.versions.create();
      for (const { revision, loaded } of all) {
        at = revision;
        if (await this.#isPending(revision)) await this.#run(revision, loaded);
      }
      await this.session.commit();
    } catch (error) {
      await this.session.rollback();
      throw at ? await this.#failed(at, error) : error;
    }
  }

  /** Under the lock: whether another process has not been first. */
  async #isPending(revision: Revision): Promise<boolean> {
    const row = (await this.versions.rows()).find((candidate) => candidate.id === revision.id);
    if (this.options.resume?.id === revision.id) return row !== undefined;
    return this.direction === "upgrade" ? row === undefined : row?.status === "applied";
  }

  async #run(revision: Revision, loaded: LoadedRevision): Promise<void> {
    const { env, direction } = this;
    const start = performance.now();
    const parents = revision.downRevisions.join(", ");
    const [from, to] = direction === "upgrade" ? [parents, revision.id] : [revision.id, parents];
    env.info(`Running ${direction} ${from} -> ${to}, ${revision.message}`);
    const resumed = this.options.resume?.id === revision.id ? this.options.resume : undefined;
    const work = loaded[direction];
    const read = (names: readonly string[]): Promise<Schema> => env.dialect.read(env.connection, { tables: names });
    const tables = new KnownTables(read, namedTables(work));
    if (!this.session.undoesRevisions && resumed === undefined) await this.#prepare(revision, work, tables);
    const runner = new RevisionRunner({
      sequelize: env.sequelize,
      session: this.session,
      tables,
      native: env.config.sqliteNativeConstraints,
      progress: (text) => env.info(text),
      status: env.io.status,
      skip: resumed?.step ?? 0,
      onStep: this.session.undoesRevisions ? undefined : (done) => this.#keepStep(revision, done),
    });
    const op = new Operations(runner);
    const hooks = await env.hooks();
    try {
      if (direction === "upgrade") await hooks.beforeUpgrade?.(op, revision);
      await work(op);
      await runner.finish();
      if (direction === "upgrade") await hooks.afterUpgrade?.(op, revision);
      await runner.finish();
    } catch (error) {
      env.io.status?.(undefined);
      throw new OperationFailure(error, runner, countOperations(work));
    }
    await this.#record(revision, runner.called, performance.now() - start);
  }

  async #record(revision: Revision, operations: number, durationMs: number): Promise<void> {
    if (this.direction === "downgrade") return this.versions.write({ delete: revision.id });
    if (!this.session.undoesRevisions)
      return this.versions.update(revision.id, { status: "applied", error: null, durationMs });
    await this.versions.write({
      insert: versionRow(revision, this.batch, { step: operations, stepsTotal: operations }),
      durationMs,
    });
  }

  /** Where DDL cannot be undone: looks at all rows that could stop the revision, then says that it begins. */
  async #prepare(revision: Revision, work: LoadedRevision["upgrade"], tables: KnownTables): Promise<void> {
    const { env } = this;
    const collector = new OperationCollector(env.sequelize, env.dialect);
    try {
      await work(new Operations(collector));
    } catch (error) {
      if (!(error instanceof CollectionEnd)) throw error;
    }
    const touched = new Set<string>();
    const written: string[] = [];
    for (const operation of collector.operations) {
      if (operation.kind === "execute") written.push(operation.sql);
      const name = operation.kind === "alterTable" ? operation.table : undefined;
      // What an operation before changes is not known yet.
      const isAsIs = name !== undefined && !touched.has(name) && !written.some((sql) => mentions(sql, name));
      if (isAsIs && operation.kind === "alterTable" && operation.changes.some(mayBeBlocked)) {
        const table = await tables.get(name);
        const problems = await precheck(operation, table, env.dialect, (sql) => env.connection.all(sql));
        const blocking = problems.find((problem) => problem.blocks);
        if (blocking) throw new MigrationError(blocking.text);
      }
      if (operation.kind === "alterTable") touched.add(operation.table);
      if (operation.kind === "createTable") touched.add(operation.table.name);
      if (operation.kind === "renameTable") touched.add(operation.to);
    }
    const stepsTotal = collector.isCut ? null : collector.operations.length;
    const status = this.direction === "upgrade" ? ("running" as const) : ("undoing" as const);
    if (this.direction === "upgrade")
      await this.versions.write({
        insert: versionRow(revision, this.batch, { status, step: 0, stepsTotal }),
        durationMs: 0,
      });
    else await this.versions.update(revision.id, { status, step: 0, stepsTotal, error: null });
    await this.session.keepStep();
  }

  async #keepStep(revision: Revision, done: number): Promise<void> {
    await this.versions.update(revision.id, { step: done });
    await this.session.keepStep();
  }

  /** The error for a revision that failed, after everything that can be undone is undone. */
  async #failed(revision: Revision, error: unknown): Promise<MigrationError> {
    const { cause, where } = error instanceof OperationFailure ? error : { cause: error, where: "" };
    const reason = reasonOf(cause);
    const head = `Revision ${revision.id} (${revision.message}) failed in ${this.direction}()${where}`;
    const rows = await this.versions.rows();
    const half = rows.find((row) => row.id === revision.id && row.status !== "applied");
    const heads = [...appliedIds(rows)].filter(
      (id) => !rows.some((row) => row.status === "applied" && row.downRevisions.includes(id)),
    );
    const at = heads.length === 0 ? "base" : heads.join(", ");
    if (half === undefined) {
      return new MigrationError(
        `${head}\n  ${reason}\nNothing was changed by this revision; the database is at ${at}.`,
        { cause },
      );
    }
    await this.versions.update(revision.id, {
      status: half.status === "undoing" ? "undoing" : "failed",
      error: reason,
    });
    const done = half.stepsTotal === null ? `${half.step}` : `${half.step} of ${half.stepsTotal}`;
    return new MigrationError(
      `${head}\n  ${reason}\n${done} operations of it are made and stay: this database cannot undo DDL.`,
      {
        cause,
        hint: `Use "db resolve ${revision.id} --resume" (same file only), "--applied" or "--rolled-back".`,
      },
    );
  }
}

/** The row of a revision that is, or is about to be, applied. */
export function versionRow(
  revision: Revision,
  batch: number,
  { status = "applied", step, stepsTotal }: { status?: VersionRow["status"]; step: number; stepsTotal: number | null },
): VersionRow {
  return {
    id: revision.id,
    downRevisions: [...revision.downRevisions],
    message: revision.message,
    checksum: currentChecksum(revision),
    status,
    step,
    stepsTotal,
    error: null,
    batch,
  };
}

/** Where in a revision an error came. */
class OperationFailure extends Error {
  readonly where: string;

  constructor(cause: unknown, runner: RevisionRunner, total: number | undefined) {
    super("a revision failed", { cause });
    const of = total !== undefined && total >= runner.called ? ` of ${total}` : "";
    this.where = runner.current === undefined ? "" : ` at operation ${runner.called}${of}: ${runner.current}`;
  }
}

/** What went wrong, in the words of the database where it was the database. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const { parent, hint } = cause as Error & { parent?: Error; hint?: string };
  const text = parent?.message ?? cause.message;
  return hint === undefined ? text : `${text}\n  ${hint}`;
}

/** The name of a revision's file, for messages. */
export function fileName(revision: Revision): string {
  return basename(revision.path);
}
