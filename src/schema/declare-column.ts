import type { DataType, Sequelize } from "sequelize";
import { ArgumentError } from "../errors";
import { enumValuesOf, escapeDefault, normalizeType, typeToSource, typeToSql } from "./data-type";
import type { SchemaDialect } from "./dialects/schema-dialect";
import type { Column } from "./schema";
import { SqlFragment, fragmentSource } from "./sql-fragment";

/** A column as a model or a revision file asks for it. */
export interface ColumnOptions {
  /** A data type of Sequelize, or the SQL type as text. */
  type: DataType;
  allowNull?: boolean | undefined;
  /** A value, or sql`…` for an expression; null and undefined mean none. */
  default?: unknown;
  /** The same under Sequelize's name. */
  defaultValue?: unknown;
  autoIncrement?: boolean | undefined;
  /** An identity column in place of a sequence (PostgreSQL). */
  autoIncrementIdentity?: boolean | undefined;
  comment?: string | null | undefined;
  collate?: string | null | undefined;
  /** The expression of a column that the database computes. */
  generatedAs?: string | { expression: string; stored?: boolean } | null | undefined;
}

/** Where a column is declared: the instance whose types it uses, its table, whether it is the whole key or a part of one. */
export interface ColumnPlace {
  sequelize: Sequelize;
  dialect: SchemaDialect;
  table: string;
  key?: "whole" | "part" | undefined;
}

/** The schema's column for what a model or a revision file asks for, in the types of the place's dialect. */
export function declareColumn(name: string, options: ColumnOptions, place: ColumnPlace): Column {
  const { sequelize, dialect } = place;
  if (options.type === undefined)
    throw new ArgumentError(`Cannot declare column "${place.table}.${name}": it has no type.`);
  const type = normalizeType(sequelize, options.type);
  const values = enumValuesOf(type);
  if (values?.length === 0)
    throw new ArgumentError(`Cannot declare column "${place.table}.${name}": its ENUM has no values.`);
  const column: Column = {
    name,
    type:
      values === undefined
        ? typeToSql(sequelize, type)
        : dialect.enumType(place.table, name, type, () => typeToSql(sequelize, type)),
    nullable: options.allowNull !== false && place.key === undefined,
    source: { type: typeToSource(type) },
  };
  if (values !== undefined) column.enumValues = values;
  if (options.autoIncrement) column.autoIncrement = true;
  if (options.autoIncrement && options.autoIncrementIdentity) column.identity = "byDefault";
  if (options.comment) column.comment = options.comment;
  setCollation(column, options);
  setGenerated(column, options);
  setDefault(column, options, type, place);
  dialect.adjustColumn(column, place.key);
  return column;
}

function setCollation(column: Column, options: ColumnOptions): void {
  if (!options.collate) return;
  column.collation = options.collate;
  if (column.source) column.source.collation = options.collate;
}

function setGenerated(column: Column, options: ColumnOptions): void {
  if (!options.generatedAs) return;
  const { expression, stored = true } =
    typeof options.generatedAs === "string" ? { expression: options.generatedAs } : options.generatedAs;
  column.generated = { expression, stored };
}

function setDefault(
  column: Column,
  options: ColumnOptions,
  type: ReturnType<typeof normalizeType>,
  place: ColumnPlace,
): void {
  const value = options.default ?? options.defaultValue;
  if (
    value === undefined ||
    value === null ||
    column.autoIncrement ||
    column.generated ||
    isComputedInJavaScript(value)
  )
    return;
  if (value instanceof SqlFragment) {
    column.default = value.text;
    if (column.source) column.source.default = fragmentSource(value.text);
    return;
  }
  if (typeof type === "object" && !place.dialect.takesDefault(column.type)) return;
  // What Sequelize's own types look up about the column while they escape a value.
  const [tableName = "", schema] = place.table.split(".").reverse();
  const model = { getTableName: () => (schema === undefined ? tableName : { tableName, schema, delimiter: "." }) };
  const text = escapeDefault(place.sequelize, value, {
    type,
    field: column.name,
    fieldName: column.name,
    Model: model,
  });
  column.default = text;
  if (column.source) column.source.default = valueSource(value) ?? fragmentSource(text);
}

/** Whether Sequelize computes the default in JavaScript, so that the database has none. */
function isComputedInJavaScript(value: unknown): boolean {
  if (typeof value === "function") return true;
  const key = (value as { key?: unknown }).key;
  return key === "NOW" || key === "UUIDV1" || key === "UUIDV4";
}

/** A value as TypeScript; undefined for what only SQL can say. */
export function valueSource(value: unknown): string | undefined {
  switch (typeof value) {
    case "string":
    case "number":
    case "boolean":
      return Number.isNaN(value) ? "NaN" : typeof value === "number" ? String(value) : JSON.stringify(value);
    case "bigint":
      return `${value}n`;
    case "object":
      if (value === null) return "null";
      if (value instanceof Date) return `new Date(${JSON.stringify(value.toISOString())})`;
      if (Buffer.isBuffer(value)) return `Buffer.from("${value.toString("hex")}", "hex")`;
      return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype ? jsonSource(value) : undefined;
    default:
      return undefined;
  }
}

/** A value of JSON as a formatter would write it on one line. */
function jsonSource(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jsonSource).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).map(
    ([key, inner]) => `${/^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key)}: ${jsonSource(inner)}`,
  );
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}
