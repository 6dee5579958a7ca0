import { CreateTableText } from "../../schema/create-table-text";
import type { SqliteSchemaDialect } from "../../schema/dialects/sqlite";
import type { Table } from "../../schema/schema";
import { findColumn } from "../../schema/schema";
import { MigrationError } from "../migration-error";
import type { AlterColumn, TableChange } from "../operation";
import { describeChange } from "../operation";
import { isOwnIndex } from "./sqlite-native";
import * as edit from "./sqlite-table-edit";

/** The statements of a rebuild, in their order, by what comes between them. */
export interface RebuildPlan {
  /** Makes the new table. */
  create: string[];
  /** Copies the rows: all of them, or those whose hidden numbers are in a range. */
  copy: (range?: RowRange) => string;
  /** A name of the hidden row number of the old table; undefined where it has none. */
  rowid: string | undefined;
  /** Makes the new table go on counting where the old one was. */
  count: string[];
  /** Puts the new table in the old one's place; needs legacy_alter_table to be on. */
  replace: string[];
  /** Makes the indexes and triggers again. */
  restore: string[];
}

/** Hidden row numbers as SQL: from just above one up to the other. */
export interface RowRange {
  above: string | undefined;
  upTo: string;
}

/**
 * Plans the rebuild of a table: a new one from the edited text of the old one, all rows, and its indexes and triggers.
 *
 * Everything in the text that no change names stays byte for byte; rows keep their hidden numbers, and an AUTOINCREMENT goes
 * on where it was.
 *
 * @param temporary  a free table name for the time between
 */
export function planRebuild(
  schema: SqliteSchemaDialect,
  table: Table,
  changes: readonly TableChange[],
  temporary: string,
): RebuildPlan {
  const before = table.sql;
  if (before === undefined || table.options?.virtual || !edit.isEditable(before)) {
    throw new MigrationError(`Cannot rebuild "${table.name}": it is no ordinary table.`);
  }
  const after = changes.reduce((sql, change) => editText(schema, table, sql, change), before);
  const copies = copiedColumns(schema, table, changes, after);
  const rowid = copiedRowid(table, after);
  const into = [...(rowid ? [rowid] : []), ...copies.map(({ name }) => schema.sql.quote(name))];
  const values = [...(rowid ? [rowid] : []), ...copies.map(({ sql }) => sql)];
  const numbered = table.options?.withoutRowid ? undefined : rowidAlias(table);
  const order = table.options?.withoutRowid ? "" : ` ORDER BY ${numbered ?? "1"}`;
  const [oldName, newName] = [schema.quoteTable(table.name), schema.quoteTable(temporary)];
  const gone = changes.flatMap((change) => (change.kind === "dropColumn" ? [change.name] : []));
  return {
    create: [edit.renameTable(after, temporary)],
    copy: (range) => {
      const above = range?.above === undefined ? "" : `${numbered} > ${range.above} AND `;
      const where = range === undefined ? "" : ` WHERE ${above}${numbered} <= ${range.upTo}`;
      return `INSERT INTO ${newName} (${into.join(", ")}) SELECT ${values.join(", ")} FROM ${oldName}${where}${order}`;
    },
    rowid: numbered,
    count: numbersRows(before) && numbersRows(after) ? continueSequence(schema, table.name, temporary) : [],
    replace: [`DROP TABLE ${oldName}`, `ALTER TABLE ${newName} RENAME TO ${oldName}`],
    restore: [
      ...table.indexes
        .filter((index) => !gone.some((column) => isOwnIndex(index, column)))
        .map((index) => index.sql ?? ""),
      ...table.triggers.map((trigger) => trigger.sql),
    ],
  };
}

/** The statements by which the new table goes on counting where the old one was: a number that was used is never used again. */
function continueSequence(schema: SqliteSchemaDialect, from: string, to: string): string[] {
  const [old, temporary] = [schema.sql.literal(from), schema.sql.literal(to)];
  return [
    `DELETE FROM sqlite_sequence WHERE name = ${temporary}`,
    `INSERT INTO sqlite_sequence (name, seq) SELECT ${temporary}, seq FROM sqlite_sequence WHERE name = ${old}`,
  ];
}

function numbersRows(sql: string): boolean {
  return new CreateTableText(sql).allConstraints().some((constraint) => constraint.autoIncrement);
}

/** The text of the table after the change. */
function editText(schema: SqliteSchemaDialect, table: Table, sql: string, change: TableChange): string {
  switch (change.kind) {
    case "addColumn":
      return edit.addColumn(sql, schema.columnDefinition({ ...table, foreignKeys: [] }, change.column), change.after);
    case "dropColumn":
      return edit.dropColumn(withoutOwnConstraints(sql, change.name), change.name);
    case "alterColumn":
      return editColumn(schema, table, sql, change);
    case "createUnique":
      return edit.addConstraint(
        sql,
        `${schema.named(change.unique.name)}UNIQUE (${schema.quoteNames(change.unique.columns)})`,
      );
    case "createCheck":
      return edit.addConstraint(sql, `${schema.named(change.check.name)}CHECK (${change.check.expression})`);
    case "createForeignKey": {
      const { name, columns } = change.foreignKey;
      const key = `FOREIGN KEY (${schema.quoteNames(columns)}) ${schema.references(change.foreignKey)}`;
      return edit.addConstraint(sql, schema.named(name) + key);
    }
    case "createPrimaryKey": {
      const { name, columns } = change.primaryKey;
      return edit.addConstraint(sql, `${schema.named(name)}PRIMARY KEY (${schema.quoteNames(columns)})`);
    }
    case "renameConstraint": {
      const renamed = edit.renameConstraint(sql, change.from, change.to);
      if (renamed === undefined)
        throw new MigrationError(`${describeChange(table.name, change)}: there is no such constraint.`);
      return renamed;
    }
    case "dropConstraint": {
      const expression =
        change.constraint && "expression" in change.constraint ? change.constraint.expression : undefined;
      const match = { kind: change.type, name: change.name, columns: change.columns, expression };
      const without = edit.dropConstraint(sql, match);
      if (without === undefined)
        throw new MigrationError(`${describeChange(table.name, change)}: there is no such constraint.`);
      return without;
    }
    default:
      return sql;
  }
}

function editColumn(schema: SqliteSchemaDialect, table: Table, sql: string, change: AlterColumn): string {
  const { type, nullable, default: value, autoIncrement, collation, generated } = change.to;
  const column = findColumn(table, change.name);
  if (column === undefined) throw new MigrationError(`There is no column "${table.name}.${change.name}".`);
  if (generated !== undefined) {
    const hint = "drop the column and add it again";
    throw new MigrationError(`Cannot change the expression of "${table.name}.${change.name}".`, { hint });
  }
  let edited = sql;
  if (type && !schema.sameType({ ...column, type: type.type }, column))
    edited = edit.setType(edited, change.name, type.type);
  if (nullable !== undefined) edited = edit.setNullable(edited, change.name, nullable);
  if (value !== undefined)
    edited = edit.setDefault(edited, change.name, value === null ? undefined : schema.defaultText(value.text));
  if (collation !== undefined) edited = edit.setCollation(edited, change.name, collation ?? undefined);
  if (autoIncrement !== undefined && autoIncrement !== (column.autoIncrement ?? false)) {
    edited = edit.setAutoIncrement(edit.setType(edited, change.name, "INTEGER"), change.name, autoIncrement);
  }
  return edited;
}

/** The text without the constraints among the columns that speak of this column alone. */
function withoutOwnConstraints(sql: string, column: string): string {
  const isOwn = ({ columns }: { columns: readonly string[] }): boolean =>
    columns.length === 1 && columns[0]?.toLowerCase() === column.toLowerCase();
  const own = new CreateTableText(sql).constraints.find(isOwn);
  const without = own && edit.dropConstraint(sql, { kind: own.kind, name: own.name, columns: own.columns });
  return without === undefined || without === sql ? sql : withoutOwnConstraints(without, column);
}

/** Which columns the new table is given, and from which SQL; the others get their defaults. */
function copiedColumns(
  schema: SqliteSchemaDialect,
  table: Table,
  changes: readonly TableChange[],
  after: string,
): { name: string; sql: string }[] {
  const copies: { name: string; sql: string }[] = [];
  for (const { name, constraints } of new CreateTableText(after).columns) {
    if (constraints.some((constraint) => constraint.kind === "generated")) continue;
    const added = changes.find((change) => change.kind === "addColumn" && change.column.name === name);
    if (added?.kind === "addColumn") {
      if (added.fill) copies.push({ name, sql: added.fill.sql });
    } else if (table.columns.some((column) => column.name.toLowerCase() === name.toLowerCase())) {
      copies.push({ name, sql: copiedValue(schema, name, changes) });
    }
  }
  return copies;
}

function copiedValue(schema: SqliteSchemaDialect, name: string, changes: readonly TableChange[]): string {
  const altered = changes.find((change) => change.kind === "alterColumn" && change.name === name);
  const { using, fill } = altered?.kind === "alterColumn" ? altered : {};
  const value = using === undefined ? schema.sql.quote(name) : `(${using})`;
  return fill ? `coalesce(${value}, ${fill.sql})` : value;
}

/** The name under which the hidden number of a row is copied; undefined where a column of the new table holds it. */
function copiedRowid(table: Table, after: string): string | undefined {
  if (table.options?.withoutRowid) return undefined;
  const text = new CreateTableText(after);
  const key = text.allConstraints().find((constraint) => constraint.kind === "primaryKey");
  const isAlias = key?.columns.length === 1 && text.column(key.columns[0] ?? "")?.type.toUpperCase() === "INTEGER";
  return isAlias ? undefined : rowidAlias(table);
}

/** A name of the hidden row number that no column has taken. */
function rowidAlias(table: Table): string | undefined {
  return ["rowid", "_rowid_", "oid"].find((alias) =>
    table.columns.every((column) => column.name.toLowerCase() !== alias),
  );
}
