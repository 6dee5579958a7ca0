import type { CompareRequest, Comparison } from "../compare-database";
import type { Environment } from "../environment";
import { appliedIds } from "../environment";
import { readFillFlags } from "../fills";
import { refuseHalfDone } from "../half-done";
import { fillNeutrally, lookAhead, lossNotes } from "../look-ahead";
import { MigrationError } from "../migration-error";
import { reverse } from "../operation";
import type { RenameCandidate, RenameJudge } from "../renames";
import { readRenameFlags } from "../renames";
import { renderOperations } from "../render-operations";
import type { CommandContext, DbCommand } from "./command";
import { UsageError, listOption } from "./command";
import { REVISION_OPTIONS, newHead, writeRevision } from "./revision";

/** `db migrate`: a revision file with what differs between the models and the database. */
export const migrate: DbCommand = {
  name: "migrate",
  parameters: "",
  summary: "Write a revision file with what differs between the models and the database.",
  options: {
    ...REVISION_OPTIONS,
    rename: { type: "string", value: "TABLE.OLD:NEW", multiple: true, help: "a column that was renamed" },
    "rename-table": { type: "string", value: "OLD:NEW", multiple: true, help: "a table that was renamed" },
    "no-rename": { type: "boolean", help: "nothing was renamed" },
    fill: {
      type: "string",
      value: "TABLE.COLUMN=VALUE",
      multiple: true,
      help: "what existing rows get in a new column",
    },
    "allow-empty-models": { type: "boolean", help: "drop every table where there are no models" },
  },
  arity: [0, 0],
  comparesModels: true,
  async run({ env, models, areSamples, values }) {
    const flagged = readRenameFlags(listOption(values, "rename"), listOption(values, "rename-table"));
    const fills = readFillFlags(listOption(values, "fill"));
    if (values["no-rename"] && flagged.columns.length + flagged.tables.length > 0) {
      throw new UsageError('Cannot take "--no-rename" together with "--rename" or "--rename-table".');
    }
    const head = newHead(env, values);
    await requireUpToDate(env);
    env.info(
      `Context impl ${env.dialect.title}; ${env.session.undoesRevisions ? "transactional" : "non-transactional"} DDL.`,
    );
    const doubts: RenameCandidate[] = [];
    const judge = values["no-rename"] ? () => Promise.resolve(false) : renameJudge(env, doubts);
    const allowEmptyModels = Boolean(values["allow-empty-models"]);
    const comparison = await compareDatabase(env, { models, judge, flagged, allowEmptyModels });
    for (const finding of comparison.findings) env.info(finding);
    for (const remark of comparison.remarks) env.info(`DUP ${remark}`);
    if (comparison.operations.length === 0) {
      env.info("No changes in schema detected.");
      return 0;
    }
    const dropped = comparison.operations.flatMap((operation) =>
      operation.kind === "dropTable" ? [`'${operation.name}'`] : [],
    );
    if (areSamples && dropped.length > 0)
      env.warn(
        `compared with the sample models, which have no ${dropped.join(", ")}. --models PATH names those of a project.`,
      );
    const remarks = new Map<string, string[]>();
    for (const doubt of doubts) remarks.set(doubtKey(doubt), [doubtText(doubt)]);
    for (const doubt of doubts) env.io.stderr(`WARNING [migrate] ${doubtText(doubt)}\n`);
    const operations = await lookAhead(env, comparison.operations, comparison.database, fills);
    const undo = [...operations].reverse().map((operation) => fillNeutrally(env, reverse(operation)));
    writeRevision(
      env,
      head,
      renderOperations(operations, env.dialect, remarks),
      renderOperations(undo, env.dialect, lossNotes(undo)),
    );
    return 0;
  },
};

/** `db check`: whether the database is at head and the models ask for nothing more. */
export const check: DbCommand = {
  name: "check",
  parameters: "",
  summary: "Fail where the models and the database differ.",
  options: {
    strict: { type: "boolean", help: "fail also where an applied file was edited" },
    "allow-empty-models": { type: "boolean", help: "compare also where there are no models" },
  },
  arity: [0, 0],
  comparesModels: true,
  async run(context) {
    const { env, values } = context;
    env.scripts.requireExists();
    const { heads } = env.graph;
    if (heads.length > 1)
      throw new MigrationError(
        `There are ${heads.length} heads: ${heads.map(({ id }) => id).join(", ")}. Merge them with "db merge heads".`,
      );
    const edited = env.drift(await env.versionTable.rows());
    if (values["strict"] && edited.length > 0) throw new MigrationError(edited.join("\n"));
    await requireUpToDate(env);
    return checkDifferences(context);
  },
};

async function checkDifferences({ env, models, values }: CommandContext): Promise<number> {
  const allowEmptyModels = Boolean(values["allow-empty-models"]);
  const { findings } = await compareDatabase(env, { models, judge: () => Promise.resolve(false), allowEmptyModels });
  if (findings.length === 0) {
    env.print("No new upgrade operations detected.");
    return 0;
  }
  throw new MigrationError(
    `New upgrade operations detected:\n${findings.map((finding) => `  ${finding.replace(/^Detected /, "")}`).join("\n")}`,
  );
}

/** Loaded only now: commands that only read files do not wait for it. */
async function compareDatabase(env: Environment, request: CompareRequest): Promise<Comparison> {
  const comparing = await import("../compare-database.js");
  return comparing.compareDatabase(env, request);
}

/** @throws {MigrationError} where a revision waits to be applied: the comparison would find it again */
async function requireUpToDate(env: Environment): Promise<void> {
  const rows = await env.applied();
  const unknown = rows.find((row) => env.graph.find(row.id) === undefined);
  if (unknown) {
    throw new MigrationError(
      `Can't locate revision identified by '${unknown.id}' (recorded in this database; its file is missing from ${env.givenDirectory}/versions)`,
    );
  }
  refuseHalfDone(rows, env);
  const applied = appliedIds(rows);
  const pending = env.graph.all.filter((revision) => !applied.has(revision.id));
  if (pending.length === 0) return;
  const names = pending.map(({ id, message }) => `${id} (${message})`).join(", ");
  throw new MigrationError(`Target database is not up to date.\nPending: ${names}. Run "db upgrade" first.`);
}

/** Asks the person where there is one; otherwise nothing is renamed and what looks like it is remembered. */
function renameJudge(env: Environment, doubts: RenameCandidate[]): RenameJudge {
  return async (candidate) => {
    const { table, from, to, type } = candidate;
    if (!env.canAsk) {
      if (!doubts.some((doubt) => doubt.table === table && doubt.from === from)) doubts.push(candidate);
      return false;
    }
    const question =
      table === undefined
        ? `Was the table ${from} renamed to ${to}? [y/N] `
        : `Was ${table}.${from} renamed to ${table}.${to} (${type ?? ""})? [y/N] `;
    return /^y(es)?$/i.test(await env.ask(question));
  };
}

function doubtKey({ table, from }: RenameCandidate): string {
  return table === undefined ? from : `${table}.${from}`;
}

function doubtText({ table, from, to }: RenameCandidate): string {
  if (table === undefined) {
    return `${from} → ${to} looks like a rename; the generated migration DROPS ${from} and its data. Re-run with --rename-table ${from}:${to} if it was renamed.`;
  }
  return `${table}.${from} → ${table}.${to} looks like a rename; the generated migration DROPS ${table}.${from} and its data. Re-run with --rename ${table}.${from}:${to} if it was renamed.`;
}
