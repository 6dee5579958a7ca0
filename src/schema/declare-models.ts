import type { IndexesOptions, Model, ModelStatic, Sequelize } from "sequelize";
import { Utils } from "sequelize";
import { ArgumentError } from "../errors";
import type { ColumnOptions } from "./declare-column";
import { declareColumn } from "./declare-column";
import type { IndexStatement, SchemaDialect } from "./dialects/schema-dialect";
import type { Check, Column, Deferrable, ForeignKey, ReferentialAction, Table } from "./schema";
import { emptyTable, findColumn, findTable, sameNameSet } from "./schema";

declare module "sequelize" {
  interface ModelAttributeColumnOptions {
    /** Collation of the column; null for none, absent to leave what the database has. */
    collate?: string | null;
    /** Expression of a column that the database computes; null for none, absent to leave what the database has. */
    generatedAs?: string | { expression: string; stored?: boolean } | null;
    /** The column's former name: a migration renames it and keeps its data. */
    renamedFrom?: string;
  }
  interface ModelOptions {
    /** Conditions that every row meets; absent to leave what the database has. */
    checks?: readonly { name: string; expression: string }[];
    /** The table's former name: a migration renames it and keeps its data. */
    renamedFrom?: string;
  }
}

/** What a model says of one of its columns, with the parts that Sequelize's type declarations leave out. */
interface Attribute extends ColumnOptions {
  field: string;
  primaryKey?: boolean;
  unique?: boolean | string | { name: string };
  references?: string | { model: TableReference; key?: string; deferrable?: DeferrableOption };
  onDelete?: string;
  onUpdate?: string;
  renamedFrom?: string;
}

type TableReference = string | { tableName: string; schema?: string } | ModelStatic<Model>;
type DeferrableOption = (new () => object) | object;

/** A model with the parts that Sequelize's type declarations leave out. */
interface ModelParts {
  name: string;
  getTableName(): TableReference;
  tableAttributes: Record<string, Attribute>;
  uniqueKeys: Record<string, UniqueKey>;
  _indexes: IndexesOptions[];
  options: {
    comment?: string;
    engine?: string;
    charset?: string;
    collate?: string;
    uniqueKeys?: Record<string, UniqueKey>;
    checks?: readonly { name: string; expression: string }[];
    renamedFrom?: string;
    sync?: unknown;
    /** Set on the model that Sequelize makes up for a table between two others; it carries one side's options along. */
    through?: unknown;
  };
}

interface UniqueKey {
  fields: string[];
  name?: string | false;
  customIndex?: boolean;
}

/** What {@link schemaFromModels} may be told beside the models. */
export interface FromModelsOptions {
  /** The models; every model of the instance when absent. */
  models?: readonly ModelStatic<Model>[] | undefined;
  /** Gives enumerated columns a check of their values where the database has no such type. */
  enumChecks?: boolean | undefined;
}

/** The models' tables as they ask for them, and the statements of their indexes by table. */
export interface DeclaredModels {
  tables: Table[];
  indexes: Map<string, IndexStatement[]>;
  /** Names of indexes that Sequelize made up. */
  autoNamed: Set<string>;
}

/** The tables that the models ask for, as they say it: types not yet in the database's own spelling. */
export function declareModels(
  sequelize: Sequelize,
  dialect: SchemaDialect,
  home: string | undefined,
  options: FromModelsOptions,
): DeclaredModels {
  const declared: DeclaredModels = { tables: [], indexes: new Map(), autoNamed: new Set() };
  const models = ((options.models ?? Object.values(sequelize.models)) as unknown as ModelParts[]).map(withOwnOptions);
  for (const model of models.filter((candidate) => candidate.options.sync !== false)) {
    const name = tableName(model.getTableName(), dialect, home, undefined);
    const table = declareTable(sequelize, dialect, home, model, name, options);
    const known = findTable({ tables: declared.tables, views: [], enums: [] }, name);
    if (known) merge(known, table);
    else declared.tables.push(table);
    const indexes = withOwnNames(model, declared.autoNamed);
    const statements = indexStatements(sequelize, model, indexes, table);
    declared.indexes.set(name, [...(declared.indexes.get(name) ?? []), ...statements]);
  }
  for (const table of declared.tables) resolveReferences(table, declared.tables);
  return declared;
}

/** The model without what Sequelize copied to it from another one. */
function withOwnOptions(model: ModelParts): ModelParts {
  if (model.options.through === undefined) return model;
  const { checks: _checks, renamedFrom: _renamedFrom, ...own } = model.options;
  return Object.create(model, { options: { value: own } }) as ModelParts;
}

function declareTable(
  sequelize: Sequelize,
  dialect: SchemaDialect,
  home: string | undefined,
  model: ModelParts,
  name: string,
  options: FromModelsOptions,
): Table {
  const table = emptyTable(name);
  const attributes = Object.values(model.tableAttributes);
  const keys = attributes.filter((attribute) => attribute.primaryKey);
  if (keys.length > 0) table.primaryKey = { columns: keys.map((attribute) => attribute.field) };
  for (const attribute of attributes) {
    const key = attribute.primaryKey ? (keys.length === 1 ? "whole" : "part") : undefined;
    try {
      table.columns.push(declareAttribute(attribute, { sequelize, dialect, table: name, key }));
    } catch (cause) {
      throw new ArgumentError(
        `Cannot read attribute "${attribute.field}" of model "${model.name}": ${(cause as Error).message}`,
        { cause },
      );
    }
    if (attribute.references !== undefined) table.foreignKeys.push(declareForeignKey(attribute, dialect, home, name));
  }
  table.uniques = declareUniques(model, attributes, keys);
  table.checks = declareChecks(table, model, dialect, options);
  if (model.options.checks === undefined) table.unspoken = ["checks"];
  if (typeof model.options.comment === "string" && model.options.comment !== "") table.comment = model.options.comment;
  const { engine, charset, collate } = model.options;
  if (dialect.hasTableOptions && (engine ?? charset ?? collate)) {
    table.options = { ...(engine ? { engine } : {}), ...(charset ? { charset } : {}), ...(collate ? { collate } : {}) };
  }
  if (model.options.renamedFrom !== undefined) table.renamedFrom = model.options.renamedFrom;
  return table;
}

function declareAttribute(attribute: Attribute, place: Parameters<typeof declareColumn>[2]): Column {
  const column = declareColumn(attribute.field, attribute, place);
  const unspoken = [
    ...(attribute.collate === undefined ? ["collation" as const] : []),
    ...(attribute.generatedAs === undefined ? ["generated" as const] : []),
  ];
  if (unspoken.length > 0) column.unspoken = unspoken;
  if (attribute.renamedFrom !== undefined) column.renamedFrom = attribute.renamedFrom;
  return column;
}

function declareUniques(
  model: ModelParts,
  attributes: readonly Attribute[],
  keys: readonly Attribute[],
): Table["uniques"] {
  const uniques = attributes
    .filter((attribute) => attribute.unique === true && !(attribute.primaryKey && keys.length === 1))
    .map((attribute): Table["uniques"][number] => ({ columns: [attribute.field] }));
  for (const key of Object.values(model.options.uniqueKeys ?? model.uniqueKeys)) {
    if (key.customIndex === false || uniques.some((unique) => sameNameSet(unique.columns, key.fields))) continue;
    uniques.push({ columns: [...key.fields], ...(key.name ? { name: key.name } : {}) });
  }
  return uniques;
}

function declareChecks(table: Table, model: ModelParts, dialect: SchemaDialect, options: FromModelsOptions): Check[] {
  const checks = (model.options.checks ?? []).map(({ name, expression }): Check => ({ name, expression }));
  if (options.enumChecks && !dialect.hasNamedEnums && !dialect.hasInlineEnums) {
    for (const column of table.columns) {
      const values = column.enumValues?.map((value) => dialect.sql.literal(value)).join(", ");
      if (values === undefined) continue;
      checks.push({
        name: `ck_${table.name}_${column.name}_enum`,
        expression: `${dialect.sql.quote(column.name)} IN (${values})`,
      });
    }
  }
  return checks;
}

function declareForeignKey(
  attribute: Attribute,
  dialect: SchemaDialect,
  home: string | undefined,
  table: string,
): ForeignKey {
  const { references } = attribute;
  const { model, key, deferrable } =
    typeof references === "object"
      ? references
      : { model: references as TableReference, key: undefined, deferrable: undefined };
  const when = deferrableOf(deferrable);
  return {
    columns: [attribute.field],
    references: { table: tableName(model, dialect, home, table), columns: key === undefined ? [] : [key] },
    onDelete: actionOf(attribute.onDelete),
    onUpdate: actionOf(attribute.onUpdate),
    ...(when === undefined ? {} : { deferrable: when }),
  };
}

function actionOf(action: string | undefined): ReferentialAction {
  return (action?.toUpperCase() ?? "NO ACTION") as ReferentialAction;
}

function deferrableOf(option: DeferrableOption | undefined): Deferrable | undefined {
  if (option === undefined) return undefined;
  const name = typeof option === "function" ? option.name : option.constructor.name;
  return name === "INITIALLY_DEFERRED" ? "deferred" : name === "INITIALLY_IMMEDIATE" ? "immediate" : undefined;
}

/** The table's name in a schema; `from` is the table that refers to it, whose schema a bare name shares. */
function tableName(
  reference: TableReference,
  dialect: SchemaDialect,
  home: string | undefined,
  from: string | undefined,
): string {
  if (typeof reference === "string") {
    const schema =
      from === undefined || !dialect.hasSchemas
        ? undefined
        : from.includes(".")
          ? from.slice(0, from.indexOf("."))
          : undefined;
    return schema === undefined ? reference : `${schema}.${reference}`;
  }
  if ("getTableName" in reference) return tableName(reference.getTableName(), dialect, home, undefined);
  const { tableName: name, schema } = reference;
  return !schema || (dialect.hasSchemas && schema === home) ? name : `${schema}.${name}`;
}

/** Fills in the key that a reference without columns means. */
function resolveReferences(table: Table, tables: readonly Table[]): void {
  for (const { references } of table.foreignKeys) {
    if (references.columns.length > 0) continue;
    const parent = tables.find((candidate) => candidate.name === references.table);
    references.columns = parent?.primaryKey ? [...parent.primaryKey.columns] : ["id"];
  }
}

/** Adds to the table of one model what another model of the same table asks for beside. */
function merge(table: Table, other: Table): void {
  table.columns.push(...other.columns.filter((column) => findColumn(table, column.name) === undefined));
  table.uniques.push(
    ...other.uniques.filter((unique) => !table.uniques.some((known) => sameNameSet(known.columns, unique.columns))),
  );
  table.foreignKeys.push(
    ...other.foreignKeys.filter(
      (foreignKey) => !table.foreignKeys.some((known) => sameNameSet(known.columns, foreignKey.columns)),
    ),
  );
}

/**
 * The model's indexes, each under a name of its own: Sequelize makes one name up for all indexes of the same columns.
 *
 * @param autoNamed  gets the names that nobody chose
 */
function withOwnNames(model: ModelParts, autoNamed: Set<string>): IndexesOptions[] {
  const taken = new Set<string>();
  return model._indexes.map((index) => {
    if (!isAutoNamed(index, model)) return index;
    let name = index.name ?? "";
    for (let n = 2; taken.has(name); n++) name = `${index.name ?? ""}_${n}`;
    taken.add(name);
    autoNamed.add(name);
    return { ...index, name };
  });
}

/** The statements of the model's indexes, written by Sequelize itself for whatever name the table has in the scratch place. */
function indexStatements(
  sequelize: Sequelize,
  model: ModelParts,
  indexes: readonly IndexesOptions[],
  table: Table,
): IndexStatement[] {
  const generator = (
    sequelize.getQueryInterface() as unknown as {
      queryGenerator: { addIndexQuery(table: unknown, fields: unknown[], options: object, raw: string): string };
    }
  ).queryGenerator;
  return indexes.map((index) => (name, schema) => {
    const fields = (index.fields ?? []).map((field) => columnOfField(field, model, table));
    const target = schema === undefined ? { tableName: name } : { tableName: name, schema, delimiter: "." };
    // A copy: Sequelize writes into the options that it is given.
    return generator.addIndexQuery(target, fields, { ...index, concurrently: false }, table.name);
  });
}

function isAutoNamed(index: IndexesOptions, model: ModelParts): boolean {
  const reference = model.getTableName();
  const name = typeof reference === "object" && "tableName" in reference ? reference.tableName : String(reference);
  const fields = (index.fields ?? []).map((field) => {
    const named = field as { name?: string; attribute?: string };
    return typeof field === "string" ? field : (named.name ?? named.attribute);
  });
  return index.name === Utils.underscoredIf(`${name}_${fields.join("_")}`, true);
}

/** An index may name an attribute whose column is called otherwise. */
function columnOfField(field: unknown, model: ModelParts, table: Table): unknown {
  const rename = (name: string): string =>
    findColumn(table, name) ? name : (model.tableAttributes[name]?.field ?? name);
  if (typeof field === "string") return rename(field);
  const named = field as { name?: string; attribute?: string };
  const name = named.name ?? named.attribute;
  return typeof name === "string" && Object.getPrototypeOf(field) === Object.prototype
    ? { ...named, name: rename(name) }
    : field;
}
