/**
 * What revision files import as `sequelize-shell/migrations`.
 *
 * @module
 */
export { DataTypes } from "sequelize";
export { sql, SqlFragment } from "../schema/sql-fragment";
export { Operations } from "./operations";
export type { DialectSql } from "./operations";
export { TableAlteration } from "./table-alteration";
export type { AddColumnOptions, AlterTableOptions, ConstraintAddress } from "./table-alteration";
export type {
  AlterSpec,
  ColumnSpec,
  ForeignKeyOptions,
  IndexOptions,
  IndexPart,
  ReferencesSpec,
  TableSpec,
} from "./table-options";
export type { MigrationHooks } from "./hooks";
