import type { IndexesOptions, Model, ModelAttributeColumnOptions, ModelStatic, Sequelize } from "sequelize";
import { DataTypes, Deferrable, Utils, literal } from "sequelize";
import { dataTypeFromSource } from "./data-type";
import { schemaDialectOf } from "./dialects/dialects";
import type { SchemaDialect } from "./dialects/schema-dialect";
import type { Dialect } from "../driver/dialect";
import type { Column, ForeignKey, Index, Schema, Table, View } from "./schema";
import { isPrimaryKey, sameNameSet } from "./schema";

/** How models are made from tables. */
export interface ToModelsOptions {
  /** Whether a name cannot be that of an attribute or association; such a name gets an underscore behind. */
  isReserved?: (name: string) => boolean;
}

/** The models made from a schema, and what could not be taken over. */
export interface ReflectedModels {
  models: ModelStatic<Model>[];
  notes: string[];
}

/**
 * Defines a Sequelize model for each table and view of a schema, with associations from the foreign keys.
 *
 * Attributes are called like their columns, models like their tables in the singular (`user_tags` gives `UserTag`). A
 * foreign key gives a `belongsTo` named after its column without `_id`, and a `hasMany` named after the table on the other
 * side; a table whose key is two foreign keys and nothing else gives a `belongsToMany`. Tables without a key and views are
 * read only.
 */
export function defineReflectedModels(
  sequelize: Sequelize,
  dialect: Dialect,
  schema: Schema,
  options: ToModelsOptions = {},
): ReflectedModels {
  const reflection = new Reflection(sequelize, schemaDialectOf(dialect), options.isReserved ?? (() => false));
  for (const table of schema.tables.filter((candidate) => !candidate.options?.virtual)) reflection.table(table);
  for (const view of schema.views) reflection.view(view);
  for (const table of schema.tables) reflection.associations(table, schema);
  return { models: [...reflection.models.values()], notes: reflection.notes };
}

class Reflection {
  /** Models by the name of their table. */
  readonly models = new Map<string, ModelStatic<Model>>();
  readonly notes: string[] = [];

  constructor(
    readonly sequelize: Sequelize,
    readonly dialect: SchemaDialect,
    readonly isReserved: (name: string) => boolean,
  ) {}

  table(table: Table): void {
    const attributes: Record<string, ModelAttributeColumnOptions> = {};
    for (const column of table.columns) attributes[this.#attributeName(column.name)] = this.#attribute(table, column);
    const model = this.#define(table.name, attributes, {
      indexes: [...table.indexes.map(indexOptions), ...this.#compositeUniques(table)],
      ...(table.comment ? { comment: table.comment } : {}),
    });
    if (!table.primaryKey) {
      model.removeAttribute("id");
      this.notes.push(`Table "${table.name}" has no primary key: its model can be read, not saved.`);
    }
  }

  view(view: View): void {
    const attributes = view.columns.map((column): [string, ModelAttributeColumnOptions] => [
      this.#attributeName(column.name),
      { type: this.#type(view.name, column), field: column.name },
    ]);
    const model = this.#define(view.name, Object.fromEntries(attributes), { sync: false });
    model.removeAttribute("id");
  }

  associations(table: Table, schema: Schema): void {
    const child = this.models.get(table.name);
    if (child === undefined) return;
    for (const key of table.foreignKeys) {
      const parent = this.models.get(key.references.table);
      const [column] = key.columns;
      if (parent === undefined || column === undefined) continue;
      if (key.columns.length > 1) {
        this.notes.push(
          `The foreign key ${table.name}(${key.columns.join(", ")}) has several columns: no association is made.`,
        );
        continue;
      }
      this.#associate(child, parent, table, key, column);
    }
    this.#manyToMany(table, schema);
  }

  #associate(
    child: ModelStatic<Model>,
    parent: ModelStatic<Model>,
    table: Table,
    key: ForeignKey,
    column: string,
  ): void {
    const bare = column.replace(/_?id$/i, "");
    const single = this.#associationName(
      child,
      bare === "" || bare === column ? `${Utils.singularize(key.references.table)}_of_${column}` : bare,
    );
    const siblings = table.foreignKeys.filter((other) => other.references.table === key.references.table);
    // Sequelize names a join table's own associations after its model: ours must not have that name.
    const children = bareName(table.name) === child.name ? Utils.pluralize(child.name) : bareName(table.name);
    const plural = this.#associationName(parent, siblings.length > 1 ? `${children}_by_${bare || column}` : children);
    const foreignKey = { name: this.#attributeName(column), field: column };
    const target = key.references.columns[0];
    // The attributes say what becomes of the rows; the associations only give the way from one to the other.
    const common = { foreignKey, constraints: false };
    child.belongsTo(parent, {
      as: single,
      ...common,
      ...(target === undefined ? {} : { targetKey: this.#attributeName(target) }),
    });
    parent.hasMany(child, {
      as: plural,
      ...common,
      ...(target === undefined ? {} : { sourceKey: this.#attributeName(target) }),
    });
  }

  /** A table that holds nothing but pairs joins the two tables that the pairs are of. */
  #manyToMany(table: Table, schema: Schema): void {
    const [left, right, ...others] = table.foreignKeys;
    if (!left || !right || others.length > 0 || !table.primaryKey) return;
    const keys = [...left.columns, ...right.columns];
    if (left.columns.length !== 1 || right.columns.length !== 1 || !sameNameSet(table.primaryKey.columns, keys)) return;
    const through = this.models.get(table.name);
    const sides: readonly (readonly [ForeignKey, ForeignKey])[] = [
      [left, right],
      [right, left],
    ];
    for (const [own, other] of sides) {
      const [model, target] = [this.models.get(own.references.table), this.models.get(other.references.table)];
      if (!through || !model || !target || !schema.tables.some(({ name }) => name === other.references.table)) continue;
      const types = Object.entries(through.rawAttributes).map(([name, { type }]) => [name, type] as const);
      model.belongsToMany(target, {
        through: { model: through, unique: false },
        as: this.#associationName(model, bareName(other.references.table)),
        foreignKey: this.#attributeName(own.columns[0] ?? ""),
        otherKey: this.#attributeName(other.columns[0] ?? ""),
        constraints: false,
      });
      // Sequelize gives the keys the types of what they refer to; the table knows better.
      for (const [name, type] of types) Object.assign(through.rawAttributes[name] ?? {}, { type });
      (through as unknown as { refreshAttributes(): void }).refreshAttributes();
    }
  }

  #define(table: string, attributes: Record<string, ModelAttributeColumnOptions>, options: object): ModelStatic<Model> {
    const dot = this.dialect.hasSchemas ? table.indexOf(".") : -1;
    const model = this.sequelize.define(this.#modelName(table), attributes, {
      tableName: table.slice(dot + 1),
      ...(dot > 0 ? { schema: table.slice(0, dot) } : {}),
      timestamps: false,
      freezeTableName: true,
      ...options,
    });
    this.models.set(table, model);
    return model;
  }

  /** `user_tags` gives `UserTag`; a name that is taken gets a number. */
  #modelName(table: string): string {
    const words = bareName(table)
      .split(/[^\p{L}\p{N}]+/u)
      .filter(Boolean);
    const last = words.pop() ?? "Table";
    const base = [...words, Utils.singularize(last)]
      .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
      .join("");
    const safe = /^[\p{L}_$]/u.test(base) ? base : `T${base}`;
    let name = safe;
    for (let i = 2; this.sequelize.isDefined(name); i++) name = `${safe}${i}`;
    return name;
  }

  #attributeName(column: string): string {
    return this.isReserved(column) ? `${column}_` : column;
  }

  #associationName(model: ModelStatic<Model>, wanted: string): string {
    const isTaken = (name: string): boolean =>
      name in model.rawAttributes || name in model.associations || this.isReserved(name);
    let name = wanted;
    while (isTaken(name)) name += "_";
    return name;
  }

  #attribute(table: Table, column: Column): ModelAttributeColumnOptions {
    const { generated } = column;
    const isKey = isPrimaryKey(table, column.name);
    const value = defaultOf(this.dialect, column);
    const isUnique = table.uniques.some((unique) => unique.columns.length === 1 && unique.columns[0] === column.name);
    const key = table.foreignKeys.find(
      (candidate) => candidate.columns.length === 1 && candidate.columns[0] === column.name,
    );
    // The database numbers a single whole-number key also without being told to.
    const numbers =
      column.autoIncrement ?? (isKey && table.primaryKey?.columns.length === 1 && this.dialect.numbersKeys(column));
    return {
      type: this.#type(table.name, column),
      field: column.name,
      allowNull: column.nullable && !isKey,
      ...(isKey ? { primaryKey: true } : {}),
      ...(numbers ? { autoIncrement: true } : {}),
      ...(column.identity === undefined ? {} : { autoIncrementIdentity: true }),
      ...(value === undefined ? {} : { defaultValue: value }),
      ...(isUnique ? { unique: true } : {}),
      ...(column.comment ? { comment: column.comment } : {}),
      ...(generated ? { generatedAs: { expression: generated.expression, stored: generated.stored } } : {}),
      ...(key ? referencesOf(key) : {}),
    };
  }

  #type(table: string, column: Column): ModelAttributeColumnOptions["type"] {
    const source = this.dialect.typeSource(column);
    const type = dataTypeFromSource(source, DataTypes);
    if (type !== undefined) return type as ModelAttributeColumnOptions["type"];
    // NVARCHAR and the like are read and written as what their name says.
    if (!/INT|CHAR|CLOB|TEXT|BLOB|REAL|FLOA|DOUB/i.test(column.type)) {
      this.notes.push(
        `Column "${table}.${column.name}" has type ${column.type}, which Sequelize has no type for: it is read as it comes.`,
      );
    }
    return column.type;
  }

  #compositeUniques(table: Table): IndexesOptions[] {
    return table.uniques
      .filter((unique) => unique.columns.length > 1)
      .map((unique) => ({
        unique: true,
        fields: unique.columns,
        ...(unique.name === undefined ? {} : { name: unique.name }),
      }));
  }
}

function bareName(table: string): string {
  return table.slice(table.lastIndexOf(".") + 1);
}

function referencesOf(key: ForeignKey): Partial<ModelAttributeColumnOptions> {
  const [column] = key.references.columns;
  const deferrable = deferrableOf(key);
  const references = {
    model: key.references.table,
    ...(column === undefined ? {} : { key: column }),
    ...(deferrable === undefined ? {} : { deferrable }),
  };
  return {
    // The declared type of deferrable is a class of its own that nobody can make.
    references: references as NonNullable<ModelAttributeColumnOptions["references"]>,
    onDelete: key.onDelete,
    onUpdate: key.onUpdate,
  };
}

function deferrableOf(key: ForeignKey): object | undefined {
  if (key.deferrable === undefined) return undefined;
  return key.deferrable === "deferred" ? new Deferrable.INITIALLY_DEFERRED() : new Deferrable.INITIALLY_IMMEDIATE();
}

/** The default as a value where it is a plain one, else as SQL that the database computes. */
function defaultOf(dialect: SchemaDialect, column: Column): unknown {
  if (column.default === undefined || column.generated || column.autoIncrement) return undefined;
  const normal = dialect.normalDefault(column);
  if (normal === undefined) return undefined;
  if (/^-?\d+(?:\.\d+)?$/.test(normal) && normal.length < 15) return Number(normal);
  const text = /^'((?:[^'\\]|'')*)'$/.exec(normal)?.[1];
  if (text !== undefined && /char|text|enum/i.test(column.type)) return text.replaceAll("''", "'");
  return literal(column.default);
}

function indexOptions(index: Index): IndexesOptions {
  const fields = index.columns.map((part) => {
    if (part.column === undefined) return literal(part.expression ?? "") as unknown as string;
    return {
      name: part.column,
      ...(part.descending ? { order: "DESC" as const } : {}),
      ...(part.collation ? { collate: part.collation } : {}),
      ...(part.operatorClass ? { operator: part.operatorClass } : {}),
      ...(part.length === undefined ? {} : { length: part.length }),
    };
  });
  const isKind = index.method === "fulltext" || index.method === "spatial";
  return {
    name: index.name,
    fields,
    ...(index.unique ? { unique: true } : {}),
    ...(index.where === undefined ? {} : { where: literal(index.where) }),
    ...(index.method === undefined ? {} : isKind ? { type: index.method.toUpperCase() } : { using: index.method }),
  } as IndexesOptions;
}
