import { compareDatabase } from "../compare-database";
import type { Environment } from "../environment";
import { appliedIds } from "../environment";
import type { Fills } from "../fills";
import { fillOf, neutralFill, readFillFlags } from "../fills";
import { MigrationError } from "../migration-error";
import type { Operation, TableChange } from "../operation";
import { reverse } from "../operation";
import type { Problem } from "../precheck";
import { precheck, precheckChange } from "../precheck";
import type { RenameCandidate, RenameJudge, renameTables } from "../renames";
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
  async run({ env, models, values }) {
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
    const remarks = new Map<string, string[]>();
    for (const doubt of doubts) remarks.set(doubtKey(doubt), [doubtText(doubt)]);
    for (const doubt of doubts) env.io.stderr(`WARNING [migrate] ${doubtText(doubt)}\n`);
    const operations = await withFills(env, comparison.operations, comparison.database, fills);
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

/** @throws {MigrationError} where a revision waits to be applied: the comparison would find it again */
async function requireUpToDate(env: Environment): Promise<void> {
  const rows = await env.applied();
  const unknown = rows.find((row) => env.graph.find(row.id) === undefined);
  if (unknown) {
    throw new MigrationError(
      `Can't locate revision identified by '${unknown.id}' (recorded in this database; its file is missing from ${env.givenDirectory}/versions)`,
    );
  }
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
    if (env.io.ask === undefined) {
      if (!doubts.some((doubt) => doubt.table === table && doubt.from === from)) doubts.push(candidate);
      return false;
    }
    const question =
      table === undefined
        ? `Was the table ${from} renamed to ${to}? [y/N] `
        : `Was ${table}.${from} renamed to ${table}.${to} (${type?.toUpperCase() ?? ""})? [y/N] `;
    return /^y(es)?$/i.test((await env.io.ask(question)).trim());
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

/** Looks at the rows that the operations will meet: warns of what will be lost or refused, and asks for the values of new columns. */
async function withFills(
  env: Environment,
  operations: readonly Operation[],
  database: Parameters<typeof renameTables>[0],
  fills: Fills,
): Promise<Operation[]> {
  const result: Operation[] = [];
  const newNames = new Map<string, string>();
  for (const operation of operations) {
    if (operation.kind === "renameTable") newNames.set(operation.to, operation.from);
    const name =
      operation.kind === "alterTable" ? operation.table : operation.kind === "dropTable" ? operation.name : undefined;
    const table = database.tables.find((candidate) => candidate.name === (newNames.get(name ?? "") ?? name));
    if (operation.kind !== "alterTable" || table === undefined) {
      for (const problem of await precheck(operation, table, env.dialect, (sql) => env.connection.all(sql)))
        warnOf(env, problem);
      result.push(operation);
      continue;
    }
    const changes: TableChange[] = [];
    for (const change of operation.changes) {
      const problems = await precheckChange(operation, change, table, env.dialect, (sql) => env.connection.all(sql));
      changes.push(await withFill(env, operation.table, change, problems, fills));
    }
    result.push({ ...operation, changes });
  }
  return result;
}

async function withFill(
  env: Environment,
  table: string,
  change: TableChange,
  problems: readonly Problem[],
  fills: Fills,
): Promise<TableChange> {
  const missing = problems.find((problem) => problem.code === "NN1" || problem.code === "NN2");
  for (const problem of problems) if (problem !== missing) warnOf(env, problem);
  if (change.kind !== "addColumn" && change.kind !== "alterColumn") return change;
  const column = `${table}.${change.kind === "addColumn" ? change.column.name : change.name}`;
  // A flag holds also where there are no rows here: there may be some in another database.
  const flag = fills.get(column);
  if (flag !== undefined) return { ...change, fill: fillOf(flag, env.dialect) };
  if (missing === undefined) return change;
  if (env.io.ask !== undefined) {
    const why = /has \d+ rows?/.exec(missing.text)?.[0] ?? "has rows";
    const what =
      missing.code === "NN1"
        ? `is NOT NULL without a default and ${table} ${why}`
        : `becomes NOT NULL and some rows hold NULL`;
    const answer = await env.io.ask(`${column} ${what}. Value for existing rows (empty to edit the file): `);
    if (answer.trim() !== "") return { ...change, fill: fillOf(answer, env.dialect) };
  }
  warnOf(env, missing);
  // Written as a value to be filled in; the upgrade refuses it as it is.
  return { ...change, fill: { sql: "" } };
}

function warnOf(env: Environment, problem: Problem): void {
  env.io.stderr(`WARNING [migrate] ${problem.code} ${problem.text}\n`);
}

/** A column that comes back without its data needs some value, where it takes no NULL. */
function fillNeutrally(env: Environment, operation: Operation): Operation {
  if (operation.kind !== "alterTable") return operation;
  const changes = operation.changes.map((change): TableChange => {
    if (change.kind !== "addColumn") return change;
    const { column } = change;
    if (column.nullable || column.default !== undefined || column.autoIncrement || column.generated) return change;
    const fill = neutralFill(column, env.dialect);
    return fill ? { ...change, fill } : change;
  });
  return { ...operation, changes };
}

/** What a downgrade cannot bring back. */
function lossNotes(operations: readonly Operation[]): Map<string, string[]> {
  const notes = new Map<string, string[]>();
  const note = (what: string): void => void notes.set(what, [`NOTE: the data of ${what} is not restored`]);
  for (const operation of operations) {
    if (operation.kind === "createTable") note(operation.table.name);
    if (operation.kind !== "alterTable") continue;
    for (const change of operation.changes) {
      if (change.kind === "addColumn" && !change.column.generated) note(`${operation.table}.${change.column.name}`);
    }
  }
  return notes;
}
