import type { IndexesOptions, ModelAttributes, Sequelize } from "sequelize";
import { DataTypes, literal } from "sequelize";

/** A repeatable source of chance. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 up to and without 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  int(below: number): number {
    return Math.floor(this.next() * below);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(items.length)] as T;
  }
}

/** The type of a random column. */
export type RandomType =
  | { kind: "string"; length: number }
  | { kind: "text" | "integer" | "bigint" | "boolean" | "date" | "dateonly" | "double" | "json" | "uuid" | "blob" }
  | { kind: "decimal"; precision: number }
  | { kind: "enum"; values: string[] };

/** A column of a random model. */
export interface RandomColumn {
  /** Stays the same under every name. */
  key: number;
  name: string;
  type: RandomType;
  nullable: boolean;
  default?: string | number | boolean;
  comment?: string;
  references?: { table: string; onDelete: string; onUpdate: string };
  generated?: string;
  /** Every row holds another value. */
  distinct: boolean;
}

/** An index of a random model. */
export interface RandomIndex {
  columns: { name: string; descending: boolean }[];
  unique: boolean;
  where?: string;
}

/** A random model, as plain data. */
export interface RandomTable {
  /** Stays the same under every name. */
  key: number;
  name: string;
  bigId: boolean;
  columns: RandomColumn[];
  uniques: string[][];
  indexes: RandomIndex[];
  checks: { name: string; expression: string }[];
  comment?: string;
  rows: number;
}

/** The models of one step of a chain. */
export interface RandomModels {
  tables: RandomTable[];
}

/** What a database can do, as far as random models need it. */
export interface RandomLimits {
  partialIndexes: boolean;
  comments: boolean;
  /** Text without a length has no index. */
  indexesText: boolean;
}

const WORDS = [
  "name",
  "title",
  "note",
  "city",
  "state",
  "code",
  "score",
  "total",
  "kind",
  "label",
  "order",
  "group",
  "value",
  "born",
  "size",
];

let serial = 0;

/** Begins to count names and keys anew, so that a seed always gives the same chain. */
export function restartNames(): void {
  serial = 0;
}

function columnName(random: Random): string {
  return `${random.pick(WORDS)}_${++serial}`;
}

function randomType(random: Random): RandomType {
  const kind = random.pick([
    "string",
    "string",
    "string",
    "text",
    "integer",
    "integer",
    "bigint",
    "boolean",
    "date",
    "dateonly",
    "double",
    "json",
    "uuid",
    "blob",
    "decimal",
    "enum",
  ] as const);
  if (kind === "string") return { kind, length: random.pick([20, 64, 255]) };
  if (kind === "decimal") return { kind, precision: 10 };
  if (kind === "enum") return { kind, values: ["a", "b'c", "d e"].slice(0, 1 + random.int(3)) };
  return { kind };
}

function randomDefault(random: Random, type: RandomType): RandomColumn["default"] {
  switch (type.kind) {
    case "string":
      return random.pick(["x", "it's", "", "NULL", "a;b", 'q"q']);
    case "integer":
    case "bigint":
      return random.pick([0, 1, -7, 42]);
    case "decimal":
    case "double":
      return random.pick([0, 1.5, -2.25]);
    case "boolean":
      return random.chance(0.5);
    case "enum":
      return type.values[0];
    case "date":
      return "now";
    default:
      return undefined;
  }
}

function randomColumn(random: Random): RandomColumn {
  const type = randomType(random);
  const value = random.chance(0.35) ? randomDefault(random, type) : undefined;
  return {
    key: ++serial,
    name: columnName(random),
    type,
    nullable: value === undefined || random.chance(0.5),
    ...(value === undefined ? {} : { default: value }),
    distinct: false,
  };
}

/** A new table; its columns hold another value in every row until a migration adds one. */
export function randomTable(random: Random, models: RandomModels, limits: RandomLimits): RandomTable {
  const columns = Array.from({ length: 2 + random.int(4) }, () => {
    const column = randomColumn(random);
    return {
      ...column,
      distinct: column.type.kind === "string" || column.type.kind === "integer" || column.type.kind === "bigint",
    };
  });
  const table: RandomTable = {
    key: ++serial,
    name: `${random.pick(["users", "roles", "things", "orders", "Notes"])}_${++serial}`,
    bigId: random.chance(0.2),
    columns,
    uniques: [],
    indexes: [],
    checks: [],
    rows: 0,
  };
  if (limits.comments && random.chance(0.2)) table.comment = "about it";
  if (models.tables.length > 0 && random.chance(0.6)) columns.push(foreignKeyColumn(random, models.tables));
  return table;
}

function foreignKeyColumn(random: Random, tables: readonly RandomTable[]): RandomColumn {
  const parent = random.pick(tables);
  return {
    key: ++serial,
    name: `${parent.name.toLowerCase()}_id_${++serial}`,
    type: { kind: parent.bigId ? "bigint" : "integer" },
    nullable: true,
    references: {
      table: parent.name,
      onDelete: random.pick(["SET NULL", "CASCADE", "NO ACTION"]),
      onUpdate: random.pick(["CASCADE", "NO ACTION"]),
    },
    distinct: false,
  };
}

/** Changes the models at random, in place. @returns what was done; undefined where chance found nothing to do */
export function randomEdit(random: Random, models: RandomModels, limits: RandomLimits): string | undefined {
  const kind = random.pick([
    "addTable",
    "dropTable",
    "renameTable",
    "addColumn",
    "addColumn",
    "addRequired",
    "dropColumn",
    "dropColumn",
    "renameColumn",
    "renameColumn",
    "retype",
    "retype",
    "nullable",
    "nullable",
    "default",
    "default",
    "comment",
    "unique",
    "unique",
    "dropUnique",
    "index",
    "index",
    "dropIndex",
    "addForeignKey",
    "changeForeignKey",
    "dropForeignKey",
    "check",
    "dropCheck",
    "enum",
    "generated",
  ] as const);
  if (kind === "addTable") {
    if (models.tables.length > 4) return undefined;
    const table = randomTable(random, models, limits);
    models.tables.push(table);
    return `add table ${table.name}`;
  }
  if (models.tables.length === 0) return undefined;
  const table = random.pick(models.tables);
  const free = table.columns.filter((column) => !isUsed(table, column.name));
  switch (kind) {
    case "dropTable": {
      const isParent = models.tables.some(
        (other) => other !== table && other.columns.some((column) => column.references?.table === table.name),
      );
      if (models.tables.length < 2 || isParent) return undefined;
      models.tables.splice(models.tables.indexOf(table), 1);
      return `drop table ${table.name}`;
    }
    case "renameTable": {
      const from = table.name;
      table.name = `${from.split("_")[0]}_${++serial}`;
      for (const column of models.tables.flatMap((other) => other.columns))
        if (column.references?.table === from) column.references.table = table.name;
      return `rename table ${from} to ${table.name}`;
    }
    case "addColumn": {
      const column = randomColumn(random);
      table.columns.splice(random.int(table.columns.length + 1), 0, column);
      return `add ${table.name}.${column.name}`;
    }
    case "addRequired": {
      const column: RandomColumn = {
        key: ++serial,
        name: columnName(random),
        type: { kind: "string", length: 64 },
        nullable: false,
        distinct: false,
      };
      table.columns.push(column);
      return `add required ${table.name}.${column.name}`;
    }
    case "dropColumn": {
      if (table.columns.length < 2 || free.length === 0) return undefined;
      const column = random.pick(free);
      table.columns.splice(table.columns.indexOf(column), 1);
      return `drop ${table.name}.${column.name}`;
    }
    case "renameColumn": {
      const column = random.pick(table.columns);
      if (
        table.checks.some((check) => check.expression.includes(column.name)) ||
        table.columns.some((other) => other.generated?.includes(column.name))
      )
        return undefined;
      const from = column.name;
      column.name = columnName(random);
      for (const unique of table.uniques)
        if (unique.includes(from)) unique.splice(unique.indexOf(from), 1, column.name);
      for (const index of table.indexes) {
        for (const part of index.columns) if (part.name === from) part.name = column.name;
        if (index.where?.includes(from)) index.where = index.where.replace(from, column.name);
      }
      return `rename ${table.name}.${from} to ${column.name}`;
    }
    case "retype": {
      const column = random.pick(table.columns);
      if (
        column.references ||
        column.generated ||
        table.columns.some((other) => other.generated?.includes(column.name))
      )
        return undefined;
      const to = retyped(random, column, table, limits);
      if (to === undefined) return undefined;
      const what = `retype ${table.name}.${column.name} from ${JSON.stringify(column.type)} to ${JSON.stringify(to)}`;
      column.type = to;
      if (column.default !== undefined && to.kind === "text") delete column.default;
      return what;
    }
    case "nullable": {
      const column = random.pick(table.columns);
      if (column.references || column.generated || !["string", "integer", "bigint"].includes(column.type.kind))
        return undefined;
      if (column.nullable && table.uniques.some((unique) => unique.includes(column.name))) return undefined;
      if (
        column.nullable &&
        table.indexes.some((index) => index.unique && index.columns.some((part) => part.name === column.name))
      )
        return undefined;
      column.nullable = !column.nullable;
      if (!column.nullable) column.distinct = false;
      return `${column.nullable ? "null" : "not null"} ${table.name}.${column.name}`;
    }
    case "default": {
      const column = random.pick(table.columns);
      if (column.generated || column.references || !column.nullable) return undefined;
      const value = random.chance(0.3) ? undefined : randomDefault(random, column.type);
      if (value === column.default) return undefined;
      if (value === undefined) delete column.default;
      else column.default = value;
      return `default of ${table.name}.${column.name}: ${String(value)}`;
    }
    case "comment": {
      if (!limits.comments) return undefined;
      if (random.chance(0.3)) {
        if (table.comment) delete table.comment;
        else table.comment = "it's a table";
        return `comment of ${table.name}`;
      }
      const column = random.pick(table.columns);
      if (column.generated) return undefined;
      if (column.comment) delete column.comment;
      else column.comment = random.pick(["it's", "two\nlines", "100 %"]);
      return `comment of ${table.name}.${column.name}`;
    }
    case "unique": {
      const columns = table.columns.filter((column) => column.distinct && isIndexable(column, limits));
      if (columns.length === 0) return undefined;
      const names = random.chance(0.6)
        ? [random.pick(columns).name]
        : [...new Set([random.pick(columns).name, random.pick(columns).name])];
      if (table.uniques.some((unique) => sameSet(unique, names))) return undefined;
      // Sequelize would give both the same name.
      if (
        table.indexes.some((index) =>
          sameSet(
            index.columns.map((part) => part.name),
            names,
          ),
        )
      )
        return undefined;
      if (
        table.indexes.some(
          (index) =>
            index.unique &&
            sameSet(
              index.columns.map((part) => part.name),
              names,
            ),
        )
      )
        return undefined;
      table.uniques.push(names);
      return `unique ${table.name}(${names.join()})`;
    }
    case "dropUnique": {
      if (table.uniques.length === 0) return undefined;
      const [names = []] = table.uniques.splice(random.int(table.uniques.length), 1);
      return `drop unique ${table.name}(${names.join()})`;
    }
    case "index": {
      const columns = table.columns.filter((column) => isIndexable(column, limits) && column.type.kind !== "boolean");
      if (columns.length === 0) return undefined;
      const first = random.pick(columns);
      const unique = first.distinct && random.chance(0.25);
      const parts = [{ name: first.name, descending: random.chance(0.3) }];
      const second = random.pick(columns);
      if (second !== first && random.chance(0.4)) parts.push({ name: second.name, descending: false });
      const where = limits.partialIndexes && random.chance(0.25) ? `${first.name} IS NOT NULL` : undefined;
      const key = JSON.stringify([parts.map((part) => part.name)]);
      if (table.indexes.some((index) => JSON.stringify([index.columns.map((part) => part.name)]) === key))
        return undefined;
      if (
        unique &&
        table.uniques.some((names) =>
          sameSet(
            names,
            parts.map((part) => part.name),
          ),
        )
      )
        return undefined;
      table.indexes.push({ columns: parts, unique, ...(where === undefined ? {} : { where }) });
      return `index ${table.name}(${parts.map((part) => part.name).join()})${unique ? " unique" : ""}${where ?? ""}`;
    }
    case "dropIndex": {
      if (table.indexes.length === 0) return undefined;
      const [index] = table.indexes.splice(random.int(table.indexes.length), 1);
      return `drop index ${table.name}(${index?.columns.map((part) => part.name).join() ?? ""})`;
    }
    case "addForeignKey": {
      const column = foreignKeyColumn(random, models.tables);
      table.columns.push(column);
      return `add foreign key ${table.name}.${column.name}`;
    }
    case "changeForeignKey": {
      const column = random.pick(table.columns);
      if (!column.references) return undefined;
      const onDelete = random.pick(["SET NULL", "CASCADE", "NO ACTION"]);
      if (onDelete === column.references.onDelete) return undefined;
      column.references.onDelete = onDelete;
      return `change foreign key ${table.name}.${column.name} to ${onDelete}`;
    }
    case "dropForeignKey": {
      const column = random.pick(table.columns);
      if (!column.references) return undefined;
      delete column.references;
      return `drop foreign key ${table.name}.${column.name}`;
    }
    case "check": {
      const column = random.pick(table.columns);
      if (column.type.kind !== "integer" || column.references || column.generated) return undefined;
      table.checks.push({
        name: `ck_${table.name.toLowerCase()}_${++serial}`,
        expression: `${column.name} > -1000 OR ${column.name} IN (-2000, -3000)`,
      });
      return `check ${table.name}.${column.name}`;
    }
    case "dropCheck": {
      if (table.checks.length === 0) return undefined;
      const [check] = table.checks.splice(random.int(table.checks.length), 1);
      return `drop check ${check?.name ?? ""}`;
    }
    case "enum": {
      const column = random.pick(table.columns);
      if (column.type.kind !== "enum") return undefined;
      column.type = { kind: "enum", values: [...column.type.values, `v${++serial}`] };
      return `enum ${table.name}.${column.name}: ${column.type.values.join()}`;
    }
    case "generated": {
      const source = random.pick(table.columns);
      if (source.type.kind !== "integer" || source.references || source.generated) return undefined;
      const column: RandomColumn = {
        key: ++serial,
        name: columnName(random),
        type: { kind: "integer" },
        nullable: true,
        generated: `${source.name} * 2`,
        distinct: false,
      };
      table.columns.push(column);
      return `generated ${table.name}.${column.name}`;
    }
  }
}

function retyped(
  random: Random,
  column: RandomColumn,
  table: RandomTable,
  limits: RandomLimits,
): RandomType | undefined {
  const isKey = isUsed(table, column.name);
  switch (column.type.kind) {
    case "string": {
      const { length } = column.type;
      if (random.chance(0.3) && (limits.indexesText || !isKey)) return { kind: "text" };
      const wider = [20, 64, 255].filter((other) => other > length);
      return wider.length > 0 ? { kind: "string", length: random.pick(wider) } : undefined;
    }
    case "integer":
      if (isKey || column.default !== undefined || table.checks.some((check) => check.expression.includes(column.name)))
        return { kind: "bigint" };
      return random.pick<RandomType>([
        { kind: "bigint" },
        { kind: "string", length: 64 },
        { kind: "decimal", precision: 10 },
      ]);
    case "decimal":
      return { kind: "decimal", precision: column.type.precision + 2 };
    default:
      return undefined;
  }
}

function isUsed(table: RandomTable, name: string): boolean {
  return (
    table.uniques.some((unique) => unique.includes(name)) ||
    table.indexes.some((index) => index.columns.some((part) => part.name === name)) ||
    table.checks.some((check) => check.expression.includes(name)) ||
    table.columns.some((column) => column.generated?.includes(name))
  );
}

function isIndexable(column: RandomColumn, limits: RandomLimits): boolean {
  if (column.generated) return false;
  const { kind } = column.type;
  return (
    ["string", "integer", "bigint", "date", "dateonly", "uuid", "decimal"].includes(kind) ||
    (kind === "text" && limits.indexesText)
  );
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name));
}

/** Defines the models on an instance. */
export function defineModels(sequelize: Sequelize, models: RandomModels): void {
  for (const table of models.tables) {
    const attributes: ModelAttributes = {
      id: { type: table.bigId ? DataTypes.BIGINT : DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
    };
    for (const column of table.columns) {
      const unique = table.uniques.filter((names) => names.includes(column.name));
      const single = unique.some((names) => names.length === 1);
      attributes[column.name] = {
        type: dataType(column.type),
        ...(column.nullable ? {} : { allowNull: false }),
        ...(column.default === undefined
          ? {}
          : { defaultValue: column.default === "now" ? literal("CURRENT_TIMESTAMP") : column.default }),
        ...(column.comment ? { comment: column.comment } : {}),
        ...(single ? { unique: true } : {}),
        ...(column.references
          ? {
              references: { model: column.references.table, key: "id" },
              onDelete: column.references.onDelete,
              onUpdate: column.references.onUpdate,
            }
          : {}),
        ...(column.generated ? { generatedAs: column.generated } : {}),
      };
    }
    const composite = table.uniques.filter((names) => names.length > 1);
    sequelize.define(table.name, attributes, {
      tableName: table.name,
      timestamps: false,
      ...(table.comment ? { comment: table.comment } : {}),
      checks: table.checks,
      indexes: [
        ...table.indexes.map((index) => ({
          unique: index.unique,
          fields: index.columns.map((part) => ({
            name: part.name,
            order: part.descending ? ("DESC" as const) : ("ASC" as const),
          })),
          ...(index.where ? { where: literal(index.where) } : {}),
        })),
        ...composite.map((names) => ({ unique: true, fields: names })),
      ] as IndexesOptions[],
    });
  }
}

function dataType(type: RandomType) {
  switch (type.kind) {
    case "string":
      return DataTypes.STRING(type.length);
    case "decimal":
      return DataTypes.DECIMAL(type.precision, 2);
    case "enum":
      return DataTypes.ENUM(...type.values);
    case "text":
      return DataTypes.TEXT;
    case "integer":
      return DataTypes.INTEGER;
    case "bigint":
      return DataTypes.BIGINT;
    case "boolean":
      return DataTypes.BOOLEAN;
    case "date":
      return DataTypes.DATE;
    case "dateonly":
      return DataTypes.DATEONLY;
    case "double":
      return DataTypes.DOUBLE;
    case "json":
      return DataTypes.JSON;
    case "uuid":
      return DataTypes.UUID;
    case "blob":
      return DataTypes.BLOB;
  }
}

/** SQL literals of a row: in columns that are `distinct` another value in each row. */
export function randomRow(
  random: Random,
  table: RandomTable,
  position: number,
  parents: readonly RandomTable[],
): Record<string, string> {
  const row: Record<string, string> = { id: String(position) };
  for (const column of table.columns) {
    if (column.generated) continue;
    if (column.references) {
      const parent = parents.find((candidate) => candidate.name === column.references?.table);
      row[column.name] = parent && parent.rows > 0 && random.chance(0.7) ? String(1 + random.int(parent.rows)) : "NULL";
    } else if (column.nullable && !column.distinct && random.chance(0.3)) row[column.name] = "NULL";
    else row[column.name] = randomLiteral(column, position);
  }
  return row;
}

function randomLiteral({ type, name }: RandomColumn, position: number): string {
  switch (type.kind) {
    case "string":
    case "text":
      return `'${name.slice(0, 4)}''${position}é'`;
    case "integer":
    case "bigint":
      return String(position * 7);
    case "boolean":
      return position % 2 === 0 ? "true" : "false";
    case "date":
      return `'2024-02-0${position} 10:20:30'`;
    case "dateonly":
      return `'2024-02-0${position}'`;
    case "double":
      return `${position}.25`;
    case "decimal":
      return `${position}.5`;
    case "json":
      return `'{"a": [${position}, "x''y"]}'`;
    case "uuid":
      return `'0000000${position}-0000-4000-8000-000000000000'`;
    case "blob":
      return `'blob${position}'`;
    case "enum":
      return `'${(type.values[position % type.values.length] ?? "").replaceAll("'", "''")}'`;
  }
}

/** The flags that tell a migration what the models alone do not: new names, and values for columns that may not be null. */
export function flagsOf(before: RandomModels, after: RandomModels): string[] {
  const renames: string[] = [];
  const fills: string[] = [];
  for (const table of after.tables) {
    const old = before.tables.find((candidate) => candidate.key === table.key);
    if (!old) continue;
    if (old.name !== table.name) renames.push("--rename-table", `${old.name}:${table.name}`);
    for (const column of table.columns) {
      const former = old.columns.find((candidate) => candidate.key === column.key);
      if (former && former.name !== column.name)
        renames.push("--rename", `${table.name}.${former.name}:${column.name}`);
      // A default is for new rows: those that are there may hold NULL.
      const needsFill = former ? former.nullable : column.default === undefined;
      if (!column.nullable && needsFill) {
        const isText = column.type.kind === "string" || column.type.kind === "text";
        // A foreign key that goes in the same step comes back in the downgrade: the value must be that of a row.
        const value = isText ? "filled" : former?.references ? "1" : "5";
        fills.push("--fill", `${table.name}.${column.name}=${value}`);
      }
    }
  }
  return [...(renames.length > 0 ? renames : ["--no-rename"]), ...fills];
}
