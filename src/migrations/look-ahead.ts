import type { Schema, Table } from "../schema/schema";
import { mentions } from "../schema/sql-tokens";
import type { DdlTarget } from "./ddl/dialect";
import { ddlFor } from "./ddl/dialects";
import type { Environment } from "./environment";
import type { Fills } from "./fills";
import { fillOf, neutralFill } from "./fills";
import type { AlterTable, Operation, TableChange } from "./operation";
import type { Problem } from "./precheck";
import { precheck, precheckChange } from "./precheck";

/** Looks at the rows that the operations will meet: warns of what will be lost or refused, and asks for the values of new columns. */
export async function lookAhead(
  env: Environment,
  operations: readonly Operation[],
  database: Schema,
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
      for (const problem of await precheck(operation, table, env.dialect, (sql) => env.connection.all(sql))) {
        warnOf(env, problem);
      }
      if (operation.kind === "dropTable") warnOfViews(env, operation.name, database);
      result.push(operation);
      continue;
    }
    await warnOfRewrite(env, operation, table, database);
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
  if (env.canAsk) {
    const why = /has \d+ rows?/.exec(missing.text)?.[0] ?? "has rows";
    const what =
      missing.code === "NN1"
        ? `is NOT NULL without a default and ${table} ${why}`
        : `becomes NOT NULL and some rows hold NULL`;
    const answer = await env.ask(`${column} ${what}. Value for existing rows (empty to edit the file): `);
    if (answer !== "") return { ...change, fill: fillOf(answer, env.dialect) };
  }
  warnOf(env, missing);
  // Written as a value to be filled in; the upgrade refuses it as it is.
  return { ...change, fill: { sql: "" } };
}

/** Rows from which on a rewritten table is worth a word. */
const MANY_ROWS = 100_000;

async function warnOfRewrite(env: Environment, operation: AlterTable, table: Table, database: Schema): Promise<void> {
  const ddl = ddlFor(env.connection.dialect, { native: env.config.sqliteNativeConstraints } as DdlTarget);
  if (!operation.changes.some((change) => ddl.rewrites(table, change))) return;
  if (env.dialect.needsTableText) warnOfReaders(env, operation.table, table, database);
  const [row] = await env.connection.all(`SELECT count(*) AS n FROM ${env.dialect.quoteTable(table.name)}`);
  const count = Number(row?.["n"]);
  if (count >= MANY_ROWS)
    warnOf(env, {
      code: "CV1",
      blocks: false,
      text: `every one of the ${count} rows of '${table.name}' is written anew`,
    });
}

/** What hangs on a table that is rebuilt: it stays, and is worth a look afterwards. */
function warnOfReaders(env: Environment, name: string, table: Table, database: Schema): void {
  const triggers = database.tables
    .flatMap((other) =>
      other === table ? other.triggers : other.triggers.filter(({ sql }) => mentions(sql, table.name)),
    )
    .map((trigger) => `trigger '${trigger.name}'`);
  const views = database.views.filter(({ sql }) => mentions(sql, table.name)).map((view) => `view '${view.name}'`);
  const readers = [...triggers, ...views];
  if (readers.length === 0) return;
  warnOf(env, { code: "TR1", blocks: false, text: `table '${name}' is rebuilt under ${readers.join(", ")}` });
}

function warnOfViews(env: Environment, table: string, database: Schema): void {
  for (const view of database.views.filter(({ sql }) => mentions(sql, table))) {
    warnOf(env, { code: "TR1", blocks: false, text: `view '${view.name}' reads table '${table}', which is dropped` });
  }
}

function warnOf(env: Environment, problem: Problem): void {
  env.io.stderr(`WARNING [migrate] ${problem.code} ${problem.text}\n`);
}

/** A column that comes back without its data needs some value, where it takes no NULL. */
export function fillNeutrally(env: Environment, operation: Operation): Operation {
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
export function lossNotes(operations: readonly Operation[]): Map<string, string[]> {
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
