import type { Column, ForeignKey, Index, Schema, Table } from "../schema/schema";

import { patched } from "./ddl/dialect";
import { MigrationError } from "./migration-error";
import type { DropConstraint, Operation, TableChange } from "./operation";
import { describeChange } from "./operation";
import { renameColumns } from "./rename-columns";
import { renameTables } from "./renames";

/**
 * The schema after the operation: what a script without a database knows of the tables that it changes.
 *
 * Pure: the given schema stays as it is. Raw SQL changes nothing here.
 *
 * @throws {MigrationError} for a table, column or constraint that is not there
 */
export function applyOperation(schema: Schema, operation: Operation): Schema {
  switch (operation.kind) {
    case "createTable": {
      const { table } = operation;
      if (schema.tables.some((known) => known.name === table.name))
        throw new MigrationError(`There is a table "${table.name}" already.`);
      return { ...schema, tables: [...schema.tables, table] };
    }
    case "dropTable":
      if (!operation.ifExists) tableOf(schema, operation.name);
      return { ...schema, tables: schema.tables.filter((table) => table.name !== operation.name) };
    case "renameTable":
      tableOf(schema, operation.from);
      return renameTables(schema, { tables: new Map([[operation.from, operation.to]]), columns: new Map() });
    case "alterTable": {
      let changed = schema;
      for (const change of operation.changes) changed = applyChange(changed, operation.table, change);
      return changed;
    }
    case "createEnum":
      return { ...schema, enums: [...schema.enums, { name: operation.name, values: operation.values }] };
    case "dropEnum":
      return { ...schema, enums: schema.enums.filter((type) => type.name !== operation.name) };
    case "alterEnum":
      return {
        ...schema,
        enums: schema.enums.map((type) => (type.name === operation.name ? { ...type, values: operation.to } : type)),
        tables: schema.tables.map((table) => ({
          ...table,
          columns: table.columns.map((column) =>
            enumName(column) === operation.name ? { ...column, enumValues: operation.to } : column,
          ),
        })),
      };
    case "execute":
      return schema;
  }
}

function enumName(column: Column): string | undefined {
  return column.enumValues ? column.type.replace(/(\[\])+$/, "").replaceAll('"', "") : undefined;
}

function tableOf(schema: Schema, name: string): Table {
  const table = schema.tables.find((candidate) => candidate.name === name);
  if (table === undefined) throw new MigrationError(`There is no table "${name}".`);
  return table;
}

function applyChange(schema: Schema, name: string, change: TableChange): Schema {
  const table = tableOf(schema, name);
  const replace = (changed: Table): Schema => ({
    ...schema,
    tables: schema.tables.map((known) => (known === table ? changed : known)),
  });
  switch (change.kind) {
    case "addColumn": {
      const columns = [...table.columns];
      const after = change.after === undefined ? -1 : columns.findIndex((column) => column.name === change.after);
      columns.splice(after < 0 ? columns.length : after + 1, 0, change.column);
      return replace({ ...table, columns });
    }
    case "dropColumn":
      return replace(withoutColumn(table, columnOf(table, change.name).name));
    case "renameColumn": {
      columnOf(table, change.from);
      const renamed = replace(renameColumns(table, new Map([[change.from, change.to]])));
      return renameTables(renamed, {
        tables: new Map(),
        columns: new Map([[name, new Map([[change.from, change.to]])]]),
      });
    }
    case "alterColumn": {
      const column = columnOf(table, change.name);
      const altered = patched(column, change.to);
      // The words of the revision that made the column do not describe it any more.
      delete altered.source;
      return replace({ ...table, columns: table.columns.map((known) => (known === column ? altered : known)) });
    }
    case "createUnique":
      return replace({ ...table, uniques: [...table.uniques, change.unique] });
    case "createCheck":
      return replace({ ...table, checks: [...table.checks, change.check] });
    case "createForeignKey":
      return replace({ ...table, foreignKeys: [...table.foreignKeys, change.foreignKey] });
    case "createPrimaryKey":
      return replace({ ...table, primaryKey: change.primaryKey });
    case "dropConstraint":
      return replace(withoutConstraint(table, change));
    case "renameConstraint": {
      const rename = <T extends { name?: string }>(list: readonly T[]): T[] =>
        list.map((known) => (known.name === change.from ? { ...known, name: change.to } : known));
      if (change.type === "primaryKey")
        return table.primaryKey ? replace({ ...table, primaryKey: { ...table.primaryKey, name: change.to } }) : schema;
      if (change.type === "unique") return replace({ ...table, uniques: rename(table.uniques) });
      if (change.type === "check") return replace({ ...table, checks: rename(table.checks) });
      // Where the database made an index for the key, that is called like it.
      return replace({ ...table, foreignKeys: rename(table.foreignKeys), indexes: rename(table.indexes) });
    }
    case "createIndex":
      return replace({ ...table, indexes: [...table.indexes, change.index] });
    case "dropIndex":
      return replace({ ...table, indexes: table.indexes.filter((index) => index.name !== change.name) });
    case "renameIndex":
      return replace({
        ...table,
        indexes: table.indexes.map((index) => (index.name === change.from ? { ...index, name: change.to } : index)),
      });
    case "commentTable": {
      const { comment: _, ...rest } = table;
      return replace(change.comment === null ? rest : { ...rest, comment: change.comment });
    }
  }
}

function columnOf(table: Table, name: string): Column {
  const column = table.columns.find((candidate) => candidate.name === name);
  if (column === undefined) throw new MigrationError(`There is no column "${table.name}.${name}".`);
  return column;
}

/** The table without the column, its own keys and its own indexes. */
function withoutColumn(table: Table, name: string): Table {
  const isFree = ({ columns }: { columns: readonly string[] }): boolean => !columns.includes(name);
  const isFreeIndex = (index: Index): boolean => index.columns.every((part) => part.column !== name);
  const { primaryKey, ...rest } = table;
  return {
    ...rest,
    columns: table.columns.filter((column) => column.name !== name),
    ...(primaryKey && isFree(primaryKey) ? { primaryKey } : {}),
    uniques: table.uniques.filter(isFree),
    foreignKeys: table.foreignKeys.filter(isFree),
    indexes: table.indexes.filter(isFreeIndex),
  };
}

function withoutConstraint(table: Table, change: DropConstraint): Table {
  if (change.type === "primaryKey") {
    const { primaryKey: _, ...rest } = table;
    return rest;
  }
  const wanted = [...(change.columns ?? [])].sort().join("\0");
  const matches = (constraint: { name?: string; columns?: string[]; column?: string; expression?: string }): boolean =>
    change.name === undefined
      ? [...(constraint.columns ?? (constraint.column === undefined ? [] : [constraint.column]))].sort().join("\0") ===
        wanted
      : constraint.name === change.name;
  const drop = <T extends ForeignKey | Table["uniques"][number] | Table["checks"][number]>(list: readonly T[]): T[] => {
    const rest = list.filter((constraint) => !matches(constraint));
    if (rest.length === list.length)
      throw new MigrationError(`${describeChange(table.name, change)}: there is no such constraint.`);
    return rest;
  };
  if (change.type === "unique") return { ...table, uniques: drop(table.uniques) };
  if (change.type === "check") return { ...table, checks: drop(table.checks) };
  return { ...table, foreignKeys: drop(table.foreignKeys) };
}
