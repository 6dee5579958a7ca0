import type { Check, Column, ForeignKey, Generated, Index, PrimaryKey, Table, Unique } from "../schema/schema";
import { indexColumns } from "../schema/schema";

/** A step of a migration as a value: it can be run, written into a revision file, applied to a schema, turned round. */
export type Operation =
  | { kind: "createTable"; table: Table }
  | { kind: "dropTable"; name: string; ifExists?: boolean; table?: Table }
  | { kind: "renameTable"; from: string; to: string }
  | AlterTable
  | { kind: "createEnum"; name: string; values: string[] }
  | { kind: "dropEnum"; name: string; values?: string[] }
  | { kind: "alterEnum"; name: string; from: string[]; to: string[]; map?: Record<string, string> }
  | { kind: "execute"; what: string; sql: string; bind?: readonly unknown[] };

/** Changes of one table that belong together: one rebuild, or one ALTER TABLE. */
export interface AlterTable {
  kind: "alterTable";
  table: string;
  changes: TableChange[];
  /** Whether the table is rebuilt: where a change needs it, always, or never (an error where a change needs it). */
  recreate?: "auto" | "always" | "never";
  /** The CREATE TABLE text to begin from in place of the database's own (SQLite). */
  copyFrom?: string;
}

/** A change of one table. */
export type TableChange =
  | { kind: "addColumn"; column: Column; fill?: Fill; after?: string; unique?: boolean }
  | { kind: "dropColumn"; name: string; column?: Column }
  | { kind: "renameColumn"; from: string; to: string }
  | AlterColumn
  | { kind: "createUnique"; unique: Unique }
  | { kind: "createCheck"; check: Check }
  | { kind: "createForeignKey"; foreignKey: ForeignKey }
  | { kind: "createPrimaryKey"; primaryKey: PrimaryKey }
  | DropConstraint
  | { kind: "renameConstraint"; type: ConstraintType; from: string; to: string }
  | { kind: "createIndex"; index: Index; concurrently?: boolean; ifNotExists?: boolean }
  | { kind: "dropIndex"; name: string; ifExists?: boolean; concurrently?: boolean; index?: Index }
  | { kind: "renameIndex"; from: string; to: string }
  | { kind: "commentTable"; comment: string | null; existing?: string | null };

/** A change of what a column is. */
export interface AlterColumn {
  kind: "alterColumn";
  name: string;
  to: ColumnPatch;
  /** What the column was in the same parts, as far as it is known. */
  from?: ColumnPatch;
  /** SQL that turns the present value into one of the new type. */
  using?: string;
  fill?: Fill;
}

/** The parts of a column that change; null takes a part away. */
export interface ColumnPatch {
  type?: { type: string; enumValues?: string[]; source?: string };
  nullable?: boolean;
  default?: { text: string; source?: string } | null;
  autoIncrement?: boolean;
  comment?: string | null;
  collation?: string | null;
  generated?: Generated | null;
}

/** Takes a constraint away, addressed by its name or by its columns. */
export interface DropConstraint {
  kind: "dropConstraint";
  type: ConstraintType;
  name?: string;
  columns?: string[];
  constraint?: Unique | Check | ForeignKey | PrimaryKey;
}

/** What a constraint is. */
export type ConstraintType = "primaryKey" | "unique" | "check" | "foreignKey";

/** What the existing rows get in a column that cannot be null: SQL text, and how a revision file spells it. */
export interface Fill {
  sql: string;
  source?: string;
}

/** One change of one table, as an operation. */
export function alterTable(table: string, ...changes: TableChange[]): AlterTable {
  return { kind: "alterTable", table, changes };
}

/**
 * The operation that undoes another.
 *
 * @throws {Error} for one that does not say what was there before
 */
export function reverse(operation: Operation): Operation {
  switch (operation.kind) {
    case "createTable":
      return { kind: "dropTable", name: operation.table.name, table: operation.table };
    case "dropTable":
      return { kind: "createTable", table: known(operation.table, operation) };
    case "renameTable":
      return { kind: "renameTable", from: operation.to, to: operation.from };
    case "alterTable":
      return { ...operation, changes: operation.changes.map(reverseChange).reverse() };
    case "createEnum":
      return { kind: "dropEnum", name: operation.name, values: operation.values };
    case "dropEnum":
      return { kind: "createEnum", name: operation.name, values: known(operation.values, operation) };
    case "alterEnum":
      return { kind: "alterEnum", name: operation.name, from: operation.to, to: operation.from };
    case "execute":
      throw new Error(`Cannot turn round ${describeOperation(operation)}.`);
  }
}

function reverseChange(change: TableChange): TableChange {
  switch (change.kind) {
    case "addColumn":
      return { kind: "dropColumn", name: change.column.name, column: change.column };
    case "dropColumn":
      return { kind: "addColumn", column: known(change.column, change) };
    case "renameColumn":
      return { kind: "renameColumn", from: change.to, to: change.from };
    case "alterColumn":
      return { kind: "alterColumn", name: change.name, to: known(change.from, change), from: change.to };
    case "createUnique":
      return dropConstraint("unique", change.unique);
    case "createCheck":
      return dropConstraint("check", change.check);
    case "createForeignKey":
      return dropConstraint("foreignKey", change.foreignKey);
    case "createPrimaryKey":
      return dropConstraint("primaryKey", change.primaryKey);
    case "dropConstraint":
      return createConstraint(change);
    case "renameConstraint":
      return { ...change, from: change.to, to: change.from };
    case "createIndex":
      return { kind: "dropIndex", name: change.index.name, index: change.index };
    case "dropIndex":
      return { kind: "createIndex", index: known(change.index, change) };
    case "renameIndex":
      return { kind: "renameIndex", from: change.to, to: change.from };
    case "commentTable":
      return { kind: "commentTable", comment: known(change.existing, change), existing: change.comment };
  }
}

/** What is unique or indexed by a change: its name, where it has one, and its columns. */
export function madeKey(change: TableChange): { name?: string; columns: string[] }[] {
  if (change.kind === "createIndex") return [{ name: change.index.name, columns: indexColumns(change.index) }];
  return change.kind === "createUnique" ? [change.unique] : [];
}

/** The change that takes the constraint away and knows what it was. */
export function dropConstraint(
  type: ConstraintType,
  constraint: Unique | Check | ForeignKey | PrimaryKey,
): DropConstraint {
  const { name } = constraint;
  const columns = "columns" in constraint ? { columns: constraint.columns } : {};
  return { kind: "dropConstraint", type, ...(name === undefined ? {} : { name }), ...columns, constraint };
}

function createConstraint(change: DropConstraint): TableChange {
  const constraint = known(change.constraint, change);
  switch (change.type) {
    case "unique":
      return { kind: "createUnique", unique: constraint as Unique };
    case "check":
      return { kind: "createCheck", check: constraint as Check };
    case "foreignKey":
      return { kind: "createForeignKey", foreignKey: constraint as ForeignKey };
    case "primaryKey":
      return { kind: "createPrimaryKey", primaryKey: constraint as PrimaryKey };
  }
}

function known<T>(value: T | undefined, what: Operation | TableChange): T {
  if (value === undefined) throw new Error(`Cannot turn round ${what.kind}: it does not say what was there before.`);
  return value;
}

/** An operation in a few words, for messages: `addColumn users.age`. */
export function describeOperation(operation: Operation): string {
  switch (operation.kind) {
    case "createTable":
      return `createTable ${operation.table.name}`;
    case "dropTable":
    case "createEnum":
    case "dropEnum":
    case "alterEnum":
      return `${operation.kind} ${operation.name}`;
    case "renameTable":
      return `renameTable ${operation.from} to ${operation.to}`;
    case "alterTable": {
      const [first] = operation.changes;
      return operation.changes.length === 1 && first
        ? describeChange(operation.table, first)
        : `alterTable ${operation.table}`;
    }
    case "execute":
      return operation.what;
  }
}

/** A change in a few words, for messages: `alterColumn users.age`. */
export function describeChange(table: string, change: TableChange): string {
  switch (change.kind) {
    case "addColumn":
      return `addColumn ${table}.${change.column.name}`;
    case "dropColumn":
    case "alterColumn":
      return `${change.kind} ${table}.${change.name}`;
    case "renameColumn":
      return `renameColumn ${table}.${change.from} to ${change.to}`;
    case "createUnique":
      return `createUnique ${table}(${change.unique.columns.join(", ")})`;
    case "createCheck":
      return `createCheck ${change.check.name ?? change.check.expression} on ${table}`;
    case "createForeignKey":
      return `createForeignKey ${table}(${change.foreignKey.columns.join(", ")})`;
    case "createPrimaryKey":
      return `createPrimaryKey ${table}(${change.primaryKey.columns.join(", ")})`;
    case "dropConstraint":
      return `dropConstraint ${change.name ?? `${change.type}(${(change.columns ?? []).join(", ")})`} on ${table}`;
    case "renameConstraint":
      return `renameConstraint ${change.from} to ${change.to} on ${table}`;
    case "createIndex":
      return `createIndex ${change.index.name}`;
    case "dropIndex":
      return `dropIndex ${change.name}`;
    case "renameIndex":
      return `renameIndex ${change.from} to ${change.to}`;
    case "commentTable":
      return `commentTable ${table}`;
  }
}
