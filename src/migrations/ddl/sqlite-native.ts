import { CreateTableText } from "../../schema/create-table-text";
import type { SqliteSchemaDialect } from "../../schema/dialects/sqlite";
import type { Column, ForeignKey, Table } from "../../schema/schema";
import { findColumn } from "../../schema/schema";
import { mentions, tokenize } from "../../schema/sql-tokens";
import type { TableChange } from "../operation";
import { patched } from "./dialect";

/** A change of a table among the others that are made with it. */
export interface NativeRequest {
  schema: SqliteSchemaDialect;
  table: Table;
  change: TableChange;
  all: readonly TableChange[];
  /** Whether the library alters NOT NULL and CHECK itself. */
  altersConstraints: boolean;
}

/**
 * The statements that make the change by SQLite's own ALTER TABLE; undefined where only a rebuild does.
 *
 * Decided by rule and never by trying: SQLite takes some statements only while the table is empty.
 */
export function nativeStatements({
  schema,
  table,
  change,
  all,
  altersConstraints,
}: NativeRequest): string[] | undefined {
  const alter = `ALTER TABLE ${schema.quoteTable(table.name)}`;
  // A new check is left to a rebuild: SQLite's own ADD CONSTRAINT refuses rows for which the check is NULL.
  switch (change.kind) {
    case "addColumn": {
      if (!canAdd(change.column)) return undefined;
      const foreignKey = foreignKeyOfNewColumn(change.column, all);
      const references = foreignKey ? ` ${schema.named(foreignKey.name)}${schema.references(foreignKey)}` : "";
      const add = `${alter} ADD COLUMN ${schema.columnDefinition({ ...table, foreignKeys: [] }, change.column)}${references}`;
      return change.fill ? [add, fillStatement(schema, table.name, change.column.name, change.fill.sql)] : [add];
    }
    case "createForeignKey": {
      const added = all.find(
        (other) => other.kind === "addColumn" && change.foreignKey.columns.join() === other.column.name,
      );
      const goesWithColumn =
        added?.kind === "addColumn" &&
        canAdd(added.column) &&
        foreignKeyOfNewColumn(added.column, all) === change.foreignKey;
      return goesWithColumn ? [] : undefined;
    }
    case "dropColumn":
      if (!canDrop(table, change.name)) return undefined;
      return [...dropOwnIndexes(schema, table, change.name), `${alter} DROP COLUMN ${schema.sql.quote(change.name)}`];
    case "dropConstraint": {
      // A foreign key written with a column that goes too goes with it.
      const column = change.columns?.length === 1 ? change.columns[0] : undefined;
      const goesToo = all.some((other) => other.kind === "dropColumn" && other.name === column);
      if (change.type === "foreignKey" && column !== undefined && goesToo)
        return canDrop(table, column) ? [] : undefined;
      if (change.type !== "check" || change.name === undefined || !altersConstraints) return undefined;
      // SQLite 3.52 finds a constraint by its bare name only: quotes would count as part of it.
      return isBareName(schema, change.name) ? [`${alter} DROP CONSTRAINT ${change.name}`] : undefined;
    }
    case "alterColumn": {
      const column = findColumn(table, change.name);
      if (column === undefined || change.using !== undefined || !leavesColumn(schema, column, change.to))
        return undefined;
      const fill = change.fill ? [fillStatement(schema, table.name, change.name, change.fill.sql, true)] : [];
      const { nullable } = change.to;
      if (nullable === undefined || nullable === column.nullable) return fill;
      if (!altersConstraints) return undefined;
      return [...fill, `${alter} ALTER COLUMN ${schema.sql.quote(change.name)} ${nullable ? "DROP" : "SET"} NOT NULL`];
    }
    case "commentTable":
      return [];
    default:
      return undefined;
  }
}

/** Whether the change touches nothing but nullability: values of an ENUM and comments are not kept in the database. */
function leavesColumn(
  schema: SqliteSchemaDialect,
  column: Column,
  patch: Extract<TableChange, { kind: "alterColumn" }>["to"],
): boolean {
  const { nullable: _, ...others } = patch;
  const after = patched(column, others);
  return (
    patch.generated === undefined &&
    (after.autoIncrement ?? false) === (column.autoIncrement ?? false) &&
    schema.sameType(after, column) &&
    after.default === column.default &&
    after.collation === column.collation
  );
}

function isBareName(schema: SqliteSchemaDialect, name: string): boolean {
  return /^[A-Za-z_]\w*$/.test(name) && schema.sql.identifier(name) === name;
}

/** What ADD COLUMN takes whether or not the table has rows: a constant default, or none and NULL allowed. */
function canAdd(column: Column): boolean {
  if (column.autoIncrement || column.generated?.stored) return false;
  if (column.default === undefined) return column.nullable;
  const tokens = tokenize(column.default).filter((token) => token.kind !== "space");
  const [first, second] = tokens;
  if (tokens.length === 2) return (first?.text === "-" || first?.text === "+") && second?.kind === "number";
  const isLiteral =
    ["number", "string", "blob"].includes(first?.kind ?? "") || /^(?:null|true|false)$/i.test(first?.text ?? "");
  // With NOT NULL a default of NULL is none.
  return tokens.length === 1 && isLiteral && (column.nullable || !/^null$/i.test(column.default));
}

/** The foreign key that can be written with a new column: SQLite adds it only where the rows get NULL. */
function foreignKeyOfNewColumn(column: Column, changes: readonly TableChange[]): ForeignKey | undefined {
  if (column.default !== undefined || !column.nullable) return undefined;
  const change = changes.find(
    (other) => other.kind === "createForeignKey" && other.foreignKey.columns.join() === column.name,
  );
  return change?.kind === "createForeignKey" ? change.foreignKey : undefined;
}

/** What DROP COLUMN takes: a column that no key, no constraint among the columns and no other column speaks of. */
function canDrop(table: Table, name: string): boolean {
  if (table.sql === undefined || table.columns.length < 2) return false;
  const text = new CreateTableText(table.sql);
  const own = text.column(name)?.constraints ?? [];
  if (own.some((constraint) => constraint.kind === "primaryKey" || constraint.kind === "unique")) return false;
  const isOfTable = new Set(text.constraints);
  return !text.allConstraints().some((constraint) => {
    if (own.includes(constraint)) return false;
    const isKeyOfIt =
      isOfTable.has(constraint) && constraint.columns.some((column) => column.toLowerCase() === name.toLowerCase());
    return isKeyOfIt || mentions(constraint.expression ?? "", name);
  });
}

/** The statements that drop the indexes of this column alone. */
export function dropOwnIndexes(schema: SqliteSchemaDialect, table: Table, column: string): string[] {
  return table.indexes
    .filter((index) => isOwnIndex(index, column))
    .map((index) => `DROP INDEX ${schema.sql.quote(index.name)}`);
}

/** Whether the index is of this column and nothing else. */
export function isOwnIndex(index: Table["indexes"][number], column: string): boolean {
  return index.columns.every((part) => part.column?.toLowerCase() === column.toLowerCase());
}

/** The UPDATE that gives the existing rows a value. */
export function fillStatement(
  schema: SqliteSchemaDialect,
  table: string,
  column: string,
  value: string,
  onlyNulls = false,
): string {
  const name = schema.sql.quote(column);
  return `UPDATE ${schema.quoteTable(table)} SET ${name} = ${value}${onlyNulls ? ` WHERE ${name} IS NULL` : ""}`;
}
