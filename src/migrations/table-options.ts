import type { Sequelize } from "sequelize";
import { ArgumentError } from "../errors";
import type { ColumnOptions } from "../schema/declare-column";
import { declareColumn } from "../schema/declare-column";
import type { SchemaDialect } from "../schema/dialects/schema-dialect";
import type { Column, Deferrable, ForeignKey, Index, IndexColumn, ReferentialAction, Table } from "../schema/schema";
import { emptyTable } from "../schema/schema";
import type { SqlFragment } from "../schema/sql-fragment";
import { constraintName } from "./names";
import type { ColumnPatch, TableChange } from "./operation";
import { typePatch } from "./compare-columns";

/** A column as a revision file writes it. */
export interface ColumnSpec extends ColumnOptions {
  primaryKey?: boolean;
  /** A unique constraint of this column alone; a string is its name. */
  unique?: boolean | string;
  references?: ReferencesSpec;
}

/** What a column or a foreign key refers to. */
export interface ReferencesSpec extends ForeignKeyOptions {
  table: string;
  column: string;
  /** Name of the constraint; by the rule when absent. */
  name?: string;
}

/** What follows when the row that is referred to goes or gets another key. */
export interface ForeignKeyOptions {
  onDelete?: ReferentialAction;
  onUpdate?: ReferentialAction;
  deferrable?: Deferrable;
}

/** What `createTable` takes beside the columns. */
export interface TableSpec {
  primaryKey?: { name?: string; fields: string[] };
  uniques?: readonly { name?: string; fields: string[]; deferrable?: Deferrable }[];
  checks?: readonly { name?: string; expression: string }[];
  foreignKeys?: readonly (ForeignKeyOptions & {
    name?: string;
    fields: string[];
    table: string;
    references: string[];
  })[];
  comment?: string;
  sqlite?: { strict?: boolean; withoutRowid?: boolean };
  mysql?: { engine?: string; charset?: string; collate?: string };
}

/** A part of an index: a column's name, a column with its order, or an expression. */
export type IndexPart =
  | string
  | SqlFragment
  | {
      column: string;
      order?: "ASC" | "DESC";
      nulls?: "first" | "last";
      collate?: string;
      operator?: string;
      length?: number;
    }
  | { expression: string; order?: "ASC" | "DESC"; nulls?: "first" | "last"; collate?: string; operator?: string };

/** What `createIndex` takes beside the parts. */
export interface IndexOptions {
  unique?: boolean;
  /** The condition of a partial index. */
  where?: string;
  /** The access method: `gin`, `hash`, `fulltext`. */
  using?: string;
  /** Columns that are carried along and not searched (PostgreSQL). */
  include?: string[];
  concurrently?: boolean;
  ifNotExists?: boolean;
}

/** What `alterColumn` changes. */
export interface AlterSpec extends Partial<Omit<ColumnOptions, "autoIncrementIdentity">> {
  /** Takes the default away. */
  dropDefault?: boolean;
  /** What the column was in the same parts: for a script without a database, and for reading. */
  existing?: Partial<ColumnOptions>;
  /** SQL that turns the present value into one of the new type. */
  using?: string | SqlFragment;
  /** What rows get that hold NULL, when the column may no longer. */
  fill?: unknown;
}

/** Where options are resolved: the instance whose types they name, and the spelling of its database. */
export interface Resolver {
  sequelize: Sequelize;
  dialect: SchemaDialect;
}

/** The table that `createTable` asks for. */
export function resolveTable(
  resolver: Resolver,
  name: string,
  columns: Record<string, ColumnSpec>,
  options: TableSpec,
): Table {
  const table = emptyTable(name);
  const keys = options.primaryKey?.fields ?? Object.keys(columns).filter((column) => columns[column]?.primaryKey);
  if (keys.length > 0)
    table.primaryKey = { columns: keys, ...(options.primaryKey?.name ? { name: options.primaryKey.name } : {}) };
  for (const [column, spec] of Object.entries(columns)) {
    const key = keys.includes(column) ? (keys.length === 1 ? "whole" : "part") : undefined;
    table.columns.push(declareColumn(column, spec, { ...resolver, table: name, key }));
    for (const change of columnConstraints(name, column, spec)) {
      if (change.kind === "createUnique") table.uniques.push(change.unique);
      if (change.kind === "createForeignKey") table.foreignKeys.push(change.foreignKey);
    }
  }
  for (const { name: unique, fields, deferrable } of options.uniques ?? []) {
    table.uniques.push({
      name: unique ?? constraintName("uq", name, fields),
      columns: fields,
      ...(deferrable ? { deferrable } : {}),
    });
  }
  table.checks = (options.checks ?? []).map(({ name: check, expression }) => ({
    expression,
    ...(check ? { name: check } : {}),
  }));
  for (const key of options.foreignKeys ?? []) {
    table.foreignKeys.push(resolveForeignKey(name, key.name, key.fields, key.table, key.references, key));
  }
  if (options.comment && resolver.dialect.hasComments) table.comment = options.comment;
  const own = resolver.dialect.hasTableOptions
    ? options.mysql
    : resolver.dialect.hasStrictTables
      ? options.sqlite
      : undefined;
  if (own) table.options = own;
  return table;
}

/** The constraints that a column's own options ask for. */
export function columnConstraints(table: string, column: string, spec: ColumnSpec): TableChange[] {
  const changes: TableChange[] = [];
  if (spec.unique) {
    const name = typeof spec.unique === "string" ? spec.unique : constraintName("uq", table, [column]);
    changes.push({ kind: "createUnique", unique: { name, columns: [column] } });
  }
  if (spec.references) {
    const { table: parent, column: key, name } = spec.references;
    if (!parent || !key)
      throw new ArgumentError(`Cannot read the references of "${table}.${column}": expected { table, column }.`);
    changes.push({
      kind: "createForeignKey",
      foreignKey: resolveForeignKey(table, name, [column], parent, [key], spec.references),
    });
  }
  return changes;
}

/** The foreign key under the given name or the one of the rule. */
export function resolveForeignKey(
  table: string,
  name: string | undefined,
  columns: string[],
  parent: string,
  keys: string[],
  { onDelete = "NO ACTION", onUpdate = "NO ACTION", deferrable }: ForeignKeyOptions,
): ForeignKey {
  return {
    name: name ?? constraintName("fk", table, [...columns, parent.replaceAll(".", "_")]),
    columns,
    references: { table: parent, columns: keys },
    onDelete,
    onUpdate,
    ...(deferrable ? { deferrable } : {}),
  };
}

/** The index that `createIndex` asks for. */
export function resolveIndex(name: string, parts: readonly IndexPart[], options: IndexOptions): Index {
  return {
    name,
    columns: parts.map(resolveIndexPart),
    unique: options.unique ?? false,
    ...(options.where === undefined ? {} : { where: options.where }),
    ...(options.using === undefined ? {} : { method: options.using }),
    ...(options.include === undefined ? {} : { include: options.include }),
  };
}

function resolveIndexPart(part: IndexPart): IndexColumn {
  if (typeof part === "string") return { column: part };
  if ("text" in part) return { expression: part.text };
  const { order, nulls, collate, operator } = part;
  return {
    ...("column" in part ? { column: part.column } : { expression: part.expression }),
    ...(order === "DESC" ? { descending: true } : {}),
    ...(nulls === undefined ? {} : { nulls }),
    ...(collate === undefined ? {} : { collation: collate }),
    ...(operator === undefined ? {} : { operatorClass: operator }),
    ...("length" in part && part.length !== undefined ? { length: part.length } : {}),
  };
}

/** The parts of a column that `alterColumn` changes. */
export function resolvePatch(
  resolver: Resolver,
  table: string,
  name: string,
  spec: AlterSpec | Partial<ColumnOptions>,
): ColumnPatch {
  // A type is needed to escape a value; any will do where the type stays.
  const type = spec.type ?? "existing type";
  const column: Column = declareColumn(name, { ...spec, type }, { ...resolver, table });
  const patch: ColumnPatch = {};
  if (spec.type !== undefined) patch.type = typePatch(column);
  if (spec.allowNull !== undefined) patch.nullable = spec.allowNull;
  const value = "default" in spec ? spec.default : spec.defaultValue;
  if (("dropDefault" in spec && spec.dropDefault) || value === null) patch.default = null;
  else if (value !== undefined) patch.default = column.default === undefined ? null : { text: column.default };
  if (spec.autoIncrement !== undefined) patch.autoIncrement = spec.autoIncrement;
  if (spec.comment !== undefined && resolver.dialect.hasComments) patch.comment = spec.comment;
  if (spec.collate !== undefined) patch.collation = spec.collate;
  if (spec.generatedAs !== undefined) patch.generated = column.generated ?? null;
  return patch;
}
