import { ArgumentError } from "../errors";
import type { SchemaDialect } from "../schema/dialects/schema-dialect";
import type { Column, Schema, Table } from "../schema/schema";
import { findColumn, findTable } from "../schema/schema";
import { typeText } from "./compare-columns";

/** Which tables and columns have a new name. */
export interface Renames {
  /** New names of tables by their old ones. */
  tables: Map<string, string>;
  /** New names of columns by their old ones, by the table's new name. */
  columns: Map<string, Map<string, string>>;
}

/** A table or column that is gone and one that is new, which look like the same thing. */
export interface RenameCandidate {
  /** The table's new name, for a column; undefined for a table. */
  table?: string;
  from: string;
  to: string;
  /** The column's type as people read it. */
  type?: string;
  /** From 0 to 1: how much of the two is alike. */
  score: number;
  /** The model itself says that it is a rename. */
  certain: boolean;
}

/** Answers whether a candidate is a rename; resolved by a person, a flag, or neither. */
export type RenameJudge = (candidate: RenameCandidate) => Promise<boolean>;

/** How much of two tables' columns must be the same for them to look like one. */
const TABLE_LIKENESS = 0.8;
/** How much alike a removed and an added column must be for a question to be worth it. */
const COLUMN_LIKENESS = 0.4;

/**
 * Finds renames: first of tables, then of the columns of every table, the renamed ones included.
 *
 * The likeliest pair is judged first; what a judge accepted is no candidate any more.
 */
export async function resolveRenames(
  database: Schema,
  models: Schema,
  dialect: SchemaDialect,
  judge: RenameJudge,
  flagged: FlaggedRenames = { tables: [], columns: [] },
): Promise<Renames> {
  const renames: Renames = { tables: new Map(), columns: new Map() };
  for (const { from, to } of flagged.tables)
    requirePair(from, to, findTable(database, from), findTable(models, to), "table");
  for (const candidate of await accepted(tableCandidates(database, models, flagged), judge))
    renames.tables.set(candidate.from, candidate.to);
  const renamed = renameTables(database, renames);
  for (const { table, from, to } of flagged.columns) {
    const [stored, asked] = [findTable(renamed, table), findTable(models, table)];
    requirePair(
      `${table}.${from}`,
      `${table}.${to}`,
      stored && findColumn(stored, from),
      asked && findColumn(asked, to),
      "column",
    );
  }
  for (const table of models.tables) {
    const stored = findTable(renamed, table.name);
    if (stored === undefined) continue;
    const columns = new Map<string, string>();
    for (const candidate of await accepted(columnCandidates(stored, table, dialect, flagged), judge))
      columns.set(candidate.from, candidate.to);
    if (columns.size > 0) renames.columns.set(table.name, columns);
  }
  return renames;
}

function requirePair(from: string, to: string, stored: unknown, asked: unknown, what: string): void {
  if (stored === undefined)
    throw new ArgumentError(`Cannot rename ${what} "${from}": the database has none of that name.`);
  if (asked === undefined)
    throw new ArgumentError(`Cannot rename ${what} "${from}" to "${to}": the models have none of that name.`);
}

async function accepted(candidates: readonly RenameCandidate[], judge: RenameJudge): Promise<RenameCandidate[]> {
  const taken: RenameCandidate[] = [];
  const byScore = [...candidates].sort((a, b) => Number(b.certain) - Number(a.certain) || b.score - a.score);
  for (const candidate of byScore) {
    if (taken.some(({ from, to }) => from === candidate.from || to === candidate.to)) continue;
    if (candidate.certain || (await judge(candidate))) taken.push(candidate);
  }
  return taken;
}

/** The pairs of a removed and an added table with mostly the same columns. */
export function tableCandidates(database: Schema, models: Schema, flagged: FlaggedRenames): RenameCandidate[] {
  const removed = database.tables.filter((table) => findTable(models, table.name) === undefined);
  const added = models.tables.filter((table) => findTable(database, table.name) === undefined);
  return added.flatMap((to) =>
    removed.flatMap((from) => {
      const certain =
        to.renamedFrom === from.name || flagged.tables.some((flag) => flag.from === from.name && flag.to === to.name);
      const common = to.columns.filter((column) => findColumn(from, column.name) !== undefined).length;
      const score = common / Math.max(from.columns.length, to.columns.length, 1);
      return certain || score >= TABLE_LIKENESS ? [{ from: from.name, to: to.name, score, certain }] : [];
    }),
  );
}

/** The pairs of a removed and an added column of one type. */
export function columnCandidates(
  database: Table,
  model: Table,
  dialect: SchemaDialect,
  flagged: FlaggedRenames,
): RenameCandidate[] {
  const removed = database.columns.filter((column) => findColumn(model, column.name) === undefined);
  const added = model.columns.filter((column) => findColumn(database, column.name) === undefined);
  return added.flatMap((to) =>
    removed.flatMap((from) => {
      const isFlagged = flagged.columns.some(
        (flag) => flag.table === model.name && flag.from === from.name && flag.to === to.name,
      );
      const certain = isFlagged || to.renamedFrom === from.name;
      if (!certain && !dialect.sameType(from, to)) return [];
      const score = columnLikeness(from, to, database, model, dialect);
      if (!certain && score < COLUMN_LIKENESS) return [];
      return [{ table: model.name, from: from.name, to: to.name, type: typeText(from), score, certain }];
    }),
  );
}

function columnLikeness(from: Column, to: Column, database: Table, model: Table, dialect: SchemaDialect): number {
  const hasKey = (table: Table, column: Column): boolean =>
    table.foreignKeys.some((key) => key.columns.includes(column.name));
  const signs = [
    from.nullable === to.nullable,
    dialect.normalDefault(from) === dialect.normalDefault(to),
    Math.abs(database.columns.indexOf(from) - model.columns.indexOf(to)) <= 1,
    hasKey(database, from) === hasKey(model, to),
  ];
  return (signs.filter(Boolean).length / signs.length + nameLikeness(from.name, to.name)) / 2;
}

/** The share of pairs of neighbouring letters that two names have in common. */
function nameLikeness(a: string, b: string): number {
  const pairs = (name: string): string[] =>
    Array.from({ length: name.length - 1 }, (_, i) => name.slice(i, i + 2).toLowerCase());
  const [x, y] = [pairs(a), pairs(b)];
  const common = x.filter((pair) => y.includes(pair)).length;
  return x.length + y.length === 0 ? 0 : (2 * common) / (x.length + y.length);
}

/** The schema under the new names of its tables, foreign keys to renamed columns included; columns keep their own names. */
export function renameTables(schema: Schema, renames: Renames): Schema {
  if (renames.tables.size === 0 && renames.columns.size === 0) return schema;
  const newName = (name: string): string => renames.tables.get(name) ?? name;
  return {
    ...schema,
    tables: schema.tables.map((table) => ({
      ...table,
      name: newName(table.name),
      foreignKeys: table.foreignKeys.map((foreignKey) => {
        const parent = newName(foreignKey.references.table);
        const columns = foreignKey.references.columns;
        // A table's own columns are renamed together with everything else in it.
        const isSelf = foreignKey.references.table === table.name;
        const renamed = isSelf ? columns : columns.map((column) => renames.columns.get(parent)?.get(column) ?? column);
        return { ...foreignKey, references: { table: parent, columns: renamed } };
      }),
    })),
  };
}

/** Renames that a person gave as flags. */
export interface FlaggedRenames {
  tables: { from: string; to: string }[];
  columns: { table: string; from: string; to: string }[];
}

/**
 * Reads the flags of renames: `users.email:mail` for a column, `emails:mails` for a table.
 *
 * @throws {ArgumentError} for a flag that is not of this form
 */
export function readRenameFlags(columns: readonly string[], tables: readonly string[]): FlaggedRenames {
  return {
    columns: columns.map((flag) => {
      const [, table, from, to] = /^(.+)\.([^.:]+):(?:.*\.)?([^.:]+)$/.exec(flag) ?? [];
      if (!table || !from || !to) throw new ArgumentError(`Cannot read "--rename ${flag}". Expected TABLE.OLD:NEW.`);
      return { table, from, to };
    }),
    tables: tables.map((flag) => {
      const [, from, to] = /^([^:]+):([^:]+)$/.exec(flag) ?? [];
      if (!from || !to) throw new ArgumentError(`Cannot read "--rename-table ${flag}". Expected OLD:NEW.`);
      return { from, to };
    }),
  };
}
