import type { Model, ModelAttributes, ModelStatic, Sequelize, Transaction } from "sequelize";
import { SqlFragment } from "../schema/sql-fragment";
import type { ColumnSpec } from "./table-options";

/** Parts of a Sequelize instance that are exchanged in the copy that light models belong to. */
interface InstanceParts {
  models: object;
  modelManager: object;
  queryInterface: { sequelize: object };
  query(sql: unknown, options?: { transaction?: Transaction }): unknown;
}

/**
 * A model of a table for a migration: unknown to the instance's own list of models, every statement in the transaction.
 */
export function lightModel(
  sequelize: Sequelize,
  transaction: Transaction | undefined,
  table: string,
  columns: Record<string, ColumnSpec>,
): ModelStatic<Model> {
  const parts = sequelize as unknown as InstanceParts;
  const copy = Object.create(sequelize) as Omit<Sequelize, keyof InstanceParts> & InstanceParts;
  const Manager = parts.modelManager.constructor as new (instance: object) => object;
  copy.modelManager = new Manager(copy);
  copy.models = {};
  copy.queryInterface = Object.assign(Object.create(sequelize.getQueryInterface()) as InstanceParts["queryInterface"], {
    sequelize: copy,
  });
  copy.query = (sql: unknown, options: { transaction?: Transaction } = {}) =>
    parts.query.call(sequelize, sql, {
      ...options,
      ...(transaction ? { transaction: options.transaction ?? transaction } : {}),
    });
  const attributes = Object.fromEntries(
    Object.entries(columns).map(([name, { references: _, default: value, defaultValue, ...spec }]) => [
      name,
      { ...spec, ...defaultOf(value ?? defaultValue) },
    ]),
  ) as ModelAttributes;
  const model = copy.define(table, attributes, { tableName: table, timestamps: false, freezeTableName: true });
  // Sequelize gives every model a key that the table may not have.
  if (columns["id"] === undefined && Object.values(columns).every((column) => !column.primaryKey))
    model.removeAttribute("id");
  return model;
}

// A default that is SQL is the database's own affair.
function defaultOf(value: unknown): { defaultValue?: unknown } {
  return value === undefined || value instanceof SqlFragment ? {} : { defaultValue: value };
}
