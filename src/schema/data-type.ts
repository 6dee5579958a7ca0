import type { DataType, Sequelize } from "sequelize";

/** A data type of Sequelize as an object: the parts of it that its type declarations leave out. */
interface TypeObject {
  key: string;
  options?: Record<string, unknown> & { values?: string[] };
  values?: string[];
  type?: TypeObject | string;
  srid?: number;
  _length?: number | string;
  _decimals?: number;
  _precision?: number;
  _scale?: number;
  _binary?: boolean;
  _unsigned?: boolean;
  _zerofill?: boolean;
  _subtype?: string;
  toString(options: { escape: (value: unknown) => string }): string;
}

/** Parts of Sequelize that its type declarations leave out. */
interface SequelizeParts {
  normalizeDataType(type: unknown): TypeObject;
  getQueryInterface(): { queryGenerator: { escape(value: unknown, field?: object): unknown } };
}

/** A string as TypeScript writes it, in double quotes. */
export function quoteSource(text: string): string {
  return JSON.stringify(text);
}

/** The data type as the instance's dialect declares it; SQL text stays as it is. */
export function normalizeType(sequelize: Sequelize, type: DataType): TypeObject | string {
  if (typeof type === "string") return type;
  return (sequelize as unknown as SequelizeParts).normalizeDataType(type);
}

/** The values of an ENUM or of an array of one; undefined for other types. */
export function enumValuesOf(type: TypeObject | string): string[] | undefined {
  if (typeof type === "string") return undefined;
  if (type.key === "ARRAY" && type.type !== undefined) return enumValuesOf(type.type);
  return type.key === "ENUM" ? [...(type.values ?? type.options?.values ?? [])] : undefined;
}

/** The SQL of a data type in the instance's dialect. */
export function typeToSql(sequelize: Sequelize, type: TypeObject | string): string {
  if (typeof type === "string") return type;
  const generator = (sequelize as unknown as SequelizeParts).getQueryInterface().queryGenerator;
  return type.toString({ escape: (value) => String(generator.escape(value)) });
}

/** The SQL of a value as a default of a column of that type. */
export function escapeDefault(sequelize: Sequelize, value: unknown, field: object): string {
  // Sequelize gives true as the number 1 on SQLite.
  return String((sequelize as unknown as SequelizeParts).getQueryInterface().queryGenerator.escape(value, field));
}

/** A data type as TypeScript: `DataTypes.STRING(64)`; SQL text as a string. */
export function typeToSource(type: TypeObject | string): string {
  if (typeof type === "string") return quoteSource(type);
  const key = type.key === "DOUBLE PRECISION" ? "DOUBLE" : type.key;
  const values = argumentsOf(key, type).filter((value) => value !== undefined);
  const flags = `${type._unsigned ? ".UNSIGNED" : ""}${type._zerofill ? ".ZEROFILL" : ""}`;
  return `DataTypes.${key}${values.length > 0 ? `(${values.join(", ")})` : ""}${flags}`;
}

function argumentsOf(key: string, type: TypeObject): (string | undefined)[] {
  const text = (value: unknown): string | undefined => (value ? quoteSource(String(value)) : undefined);
  const number = (value: unknown): string | undefined =>
    value === undefined || value === null ? undefined : String(Number(value));
  switch (key) {
    case "STRING":
    case "CHAR":
      if (type._binary) return [number(type._length), "true"];
      return [type._length === 255 ? undefined : number(type._length)];
    case "TEXT":
    case "BLOB":
      return [text(type._length)];
    case "DECIMAL":
      return [number(type._precision), type._precision === undefined ? undefined : number(type._scale)];
    case "INTEGER":
    case "TINYINT":
    case "SMALLINT":
    case "MEDIUMINT":
    case "BIGINT":
    case "DATE":
      return [type._length ? number(type._length) : undefined];
    case "FLOAT":
    case "REAL":
    case "DOUBLE":
      return [type._length ? number(type._length) : undefined, type._length ? number(type._decimals) : undefined];
    case "ENUM":
      return (enumValuesOf(type) ?? []).map(quoteSource);
    case "ARRAY":
      return [typeToSource(type.type ?? "text")];
    case "RANGE":
      return [`DataTypes.${type._subtype ?? "INTEGER"}`];
    case "GEOMETRY":
    case "GEOGRAPHY":
      return [text(type.type), type.type ? number(type.srid || undefined) : undefined];
    default:
      return [];
  }
}

/**
 * The data type of Sequelize that declares the SQL type, as TypeScript.
 *
 * @param patterns  tried in order; `$1` and `$2` stand for what a pattern's groups matched
 * @returns undefined where none of the patterns matches
 */
export function dataTypeSource(patterns: readonly (readonly [RegExp, string])[], type: string): string | undefined {
  for (const [pattern, source] of patterns) {
    const match = pattern.exec(type);
    // BLOB and TEXT take their size as a lower-case word.
    const isSize = /^(BLOB|TEXT)\("/.test(source);
    if (match)
      return `DataTypes.${source.replace(/\$(\d)/g, (_, i: string) => (isSize ? match[Number(i)]?.toLowerCase() : match[Number(i)]) ?? "")}`;
  }
  return undefined;
}

/**
 * The data type of Sequelize that the TypeScript text stands for (`DataTypes.ARRAY(DataTypes.STRING(64))`).
 *
 * @returns undefined for text that is no data type
 */
export function dataTypeFromSource(source: string, types: Readonly<Record<string, unknown>>): unknown {
  const [, name, inner, flags = ""] = /^DataTypes\.(\w+)(?:\((.*)\))?((?:\.\w+)*)$/s.exec(source) ?? [];
  const type = name === undefined ? undefined : types[name];
  if (typeof type !== "function") return undefined;
  let made: unknown = type;
  if (inner !== undefined) {
    const values = inner.startsWith("DataTypes.")
      ? [dataTypeFromSource(inner, types)]
      : (JSON.parse(`[${inner}]`) as unknown[]);
    made = (type as (...values: unknown[]) => unknown)(...values);
  }
  for (const flag of flags.split(".").filter(Boolean)) made = (made as Record<string, unknown>)[flag];
  return made;
}
