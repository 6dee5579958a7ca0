import type { Sequelize } from "sequelize";
import type { Connection } from "../driver/connection";
import type { FromModelsOptions } from "./declare-models";
import { declareModels } from "./declare-models";
import { schemaDialectOf } from "./dialects/dialects";
import type { SchemaDialect } from "./dialects/schema-dialect";
import type { Schema, Table } from "./schema";
import { findColumn, findTable, sameNameSet } from "./schema";

/**
 * The schema that the models ask for, spelled as the database itself would spell it.
 *
 * The tables are made in a scratch place of the same kind of database and read back by the same reader as the real ones:
 * an in-memory database, a schema that is rolled back, or temporary tables. Nothing is left behind.
 *
 * @throws {ShellError} naming the model whose table the database refuses
 */
export async function schemaFromModels(
  sequelize: Sequelize,
  connection: Connection,
  options: FromModelsOptions = {},
): Promise<Schema> {
  const dialect = schemaDialectOf(connection.dialect);
  const home = await dialect.homeSchema(connection);
  const declared = declareModels(sequelize, dialect, home, options);
  const read = await dialect.materialize({ sequelize, connection, tables: declared.tables, indexes: declared.indexes });
  for (const table of read.tables) {
    complete(table, findTable({ tables: declared.tables, views: [], enums: [] }, table.name), dialect);
    for (const index of table.indexes) if (declared.autoNamed.has(index.name)) index.autoNamed = true;
    // Where a unique index is a constraint.
    for (const unique of table.uniques)
      if (unique.name !== undefined && declared.autoNamed.has(unique.name)) delete unique.name;
  }
  return { ...read, tables: declared.tables.flatMap((table) => findTable(read, table.name) ?? []) };
}

/** Gives a table that was read back what only the models know: how a revision file spells its columns, its foreign keys. */
function complete(table: Table, declared: Table | undefined, dialect: SchemaDialect): void {
  if (declared === undefined) return;
  table.foreignKeys = declared.foreignKeys;
  if (declared.unspoken) table.unspoken = declared.unspoken;
  if (declared.renamedFrom !== undefined) table.renamedFrom = declared.renamedFrom;
  if (declared.comment && !dialect.hasComments) table.comment = declared.comment;
  for (const column of table.columns) {
    const model = findColumn(declared, column.name);
    if (model === undefined) continue;
    const { source, unspoken, renamedFrom, enumValues } = model;
    if (source) column.source = source;
    if (unspoken) column.unspoken = unspoken;
    if (renamedFrom !== undefined) column.renamedFrom = renamedFrom;
    if (enumValues && dialect.hasNamedEnums) column.enumValues = enumValues;
    // A revision file may be run on another database, which keeps comments.
    if (model.comment && !dialect.hasComments) column.comment = model.comment;
  }
  if (table.primaryKey) delete table.primaryKey.name;
  for (const unique of table.uniques) {
    const model = declared.uniques.find((candidate) => sameNameSet(candidate.columns, unique.columns));
    if (model?.name !== undefined) unique.name = model.name;
    else if (model) delete unique.name;
  }
}
