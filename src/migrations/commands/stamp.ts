import { appliedIds } from "../environment";
import { MigrationError } from "../migration-error";
import { currentChecksum } from "../revision-file";
import { runPlan, versionRow } from "../run-plan";
import type { VersionRow } from "../version-table";
import type { DbCommand } from "./command";
import { UsageError } from "./command";
import { requireFiles } from "./move";

/** `db stamp`: says that the database is at a revision, without running anything. */
export const stamp: DbCommand = {
  name: "stamp",
  parameters: "REVISION",
  summary: "Note that the database is at a revision, without running anything.",
  options: { purge: { type: "boolean", help: "forget first what is noted, also of missing files" } },
  arity: [1, 100],
  async run({ env, values, positionals }) {
    env.scripts.requireExists();
    const { graph, session, versionTable } = env;
    const targets = positionals.flatMap((name) => (name === "base" ? [] : graph.resolveAll(name)));
    const wanted = new Set(targets.flatMap((target) => [...graph.ancestors(target.id)]));
    await session.acquire();
    try {
      await session.begin({ enforcesForeignKeys: false });
      try {
        await versionTable.create();
        if (values["purge"]) await versionTable.clear();
        const rows = await versionTable.rows();
        requireFiles(env, rows);
        const applied = appliedIds(rows);
        const before = graph.currentHeads(applied).map(({ id }) => id);
        const batch = Math.max(0, ...rows.map((row) => row.batch)) + 1;
        for (const row of rows)
          if (!wanted.has(row.id) || row.status !== "applied") await versionTable.write({ delete: row.id });
        for (const revision of graph.all) {
          if (!wanted.has(revision.id) || applied.has(revision.id)) continue;
          await versionTable.write({
            insert: versionRow(revision, batch, { step: 0, stepsTotal: null }),
            durationMs: 0,
          });
        }
        await session.commit();
        const after = targets.map(({ id }) => id);
        if (before.join() !== after.join())
          env.info(`Running stamp_revision ${before.join(", ")} -> ${after.join(", ")}`);
      } catch (error) {
        await session.rollback();
        throw error;
      }
    } finally {
      await session.release();
    }
    return 0;
  },
};

/** `db resolve`: says how to go on with a revision that was broken off in a database that cannot undo DDL. */
export const resolve: DbCommand = {
  name: "resolve",
  parameters: "REVISION",
  summary: "Say how to go on with a revision that stopped half way.",
  options: {
    resume: { type: "boolean", help: "make the operations that are left" },
    applied: { type: "boolean", help: "it is whole: the rest was made by hand" },
    "rolled-back": { type: "boolean", help: "it is gone: what was made was undone by hand" },
  },
  arity: [1, 1],
  async run({ env, values, positionals: [name = ""] }) {
    const ways = ["resume", "applied", "rolled-back"].filter((way) => values[way]);
    if (ways.length !== 1) throw new UsageError('Expected one of "--resume", "--applied" and "--rolled-back".');
    const { graph, versionTable } = env;
    const rows = await versionTable.rows();
    const row = rows.find((candidate) => candidate.id === name || candidate.id.startsWith(name));
    if (row === undefined) throw new MigrationError(`Revision '${name}' is not recorded in this database.`);
    if (row.status === "applied")
      throw new MigrationError(`Revision ${row.id} did not stop half way; there is nothing to resolve.`);
    if (ways[0] === "applied") await settle(env, row, "applied");
    else if (ways[0] === "rolled-back") await settle(env, row, "gone");
    else {
      const revision = graph.find(row.id);
      if (revision === undefined) throw new MigrationError(`Can't locate revision identified by '${row.id}'`);
      if (currentChecksum(revision) !== row.checksum) {
        throw new MigrationError(`Cannot resume revision ${row.id}: its file was edited since it stopped.`, {
          hint: 'undo the edit, or finish by hand and use "--applied" or "--rolled-back"',
        });
      }
      const direction = row.status === "undoing" ? "downgrade" : "upgrade";
      await runPlan(env, () => ({ direction, revisions: [revision] }), { resume: row });
    }
    return 0;
  },
};

async function settle(
  env: Parameters<DbCommand["run"]>[0]["env"],
  row: VersionRow,
  as: "applied" | "gone",
): Promise<void> {
  const { session, versionTable } = env;
  await session.acquire();
  try {
    if (as === "gone") await versionTable.write({ delete: row.id });
    else await versionTable.update(row.id, { status: "applied", error: null });
  } finally {
    await session.release();
  }
  env.info(as === "gone" ? `Revision ${row.id} is noted as not applied.` : `Revision ${row.id} is noted as applied.`);
}
