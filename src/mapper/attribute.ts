import { isDeepStrictEqual } from "node:util";
import type { ModelAttributeColumnOptions, Sequelize } from "sequelize";
import type { Bindable, BulkColumn, Dialect } from "../driver/dialect";
import { describe } from "../driver/dialect";
import { ArgumentError } from "../errors";

/** What kind of value an attribute holds; decides how it is compared, sent and read. */
export type AttributeKind =
  | "integer"
  | "bigint"
  | "number"
  | "decimal"
  | "boolean"
  | "text"
  | "enum"
  | "uuid"
  | "date"
  | "dateonly"
  | "time"
  | "json"
  | "blob"
  | "array"
  | "other";

/** A data type object of Sequelize; the members used here are not in its types. */
interface SequelizeType {
  key: string;
  options?: { scale?: number };
  _scale?: number;
  type?: SequelizeType;
  values?: readonly string[];
  toSql(options?: object): string;
  stringify(value: unknown, options: object): string;
}

const KINDS: Record<string, AttributeKind> = {
  INTEGER: "integer",
  TINYINT: "integer",
  SMALLINT: "integer",
  MEDIUMINT: "integer",
  BIGINT: "bigint",
  FLOAT: "number",
  REAL: "number",
  "DOUBLE PRECISION": "number",
  DOUBLE: "number",
  NUMBER: "number",
  DECIMAL: "decimal",
  BOOLEAN: "boolean",
  STRING: "text",
  CHAR: "text",
  TEXT: "text",
  CITEXT: "text",
  ENUM: "enum",
  UUID: "uuid",
  DATE: "date",
  DATEONLY: "dateonly",
  TIME: "time",
  JSON: "json",
  JSONB: "json",
  BLOB: "blob",
  ARRAY: "array",
};

/** A value that can never equal a stored one: `get("abc")` on a whole-number key. */
export const IMPOSSIBLE: unique symbol = Symbol("impossible key");

/** What is known of one stored attribute of a model: its column and how its values travel, compare and copy. */
export class Attribute {
  readonly name: string;
  /** The column's name in the table. */
  readonly column: string;
  /** The column as it stands in statements: quoted where needed. */
  readonly columnSql: string;
  readonly kind: AttributeKind;
  readonly primaryKey: boolean;
  /** The database numbers it. */
  readonly generated: boolean;
  readonly nullable: boolean;
  /** The value for a new row where none was set; a function is called for each row; undefined where there is none. */
  readonly defaultValue: unknown;
  /** Values are objects that can change in place (JSON, dates, blobs, arrays): they are copied into snapshots. */
  readonly mutable: boolean;
  /** Selected as `CAST(c AS TEXT)`, because the driver would round it. */
  readonly readAsText: boolean;
  /** How the column travels in bulk statements. */
  readonly bulk: BulkColumn;
  /** Turns a driver's value into the attribute's; undefined where the driver's value is right as it is. */
  readonly decode: ((raw: unknown) => unknown) | undefined;
  readonly options: ModelAttributeColumnOptions;
  /** `Model.attribute`, for messages. */
  readonly label: string;

  readonly #type: SequelizeType;
  readonly #dialect: Dialect;
  readonly #scale: number | undefined;
  readonly #stringifyOptions: object;

  constructor(
    modelName: string,
    name: string,
    options: ModelAttributeColumnOptions,
    sequelize: Sequelize,
    dialect: Dialect,
  ) {
    const given = options.type as unknown as SequelizeType | string;
    const type = typeof given === "string" ? declaredType(given) : given;
    this.name = name;
    this.label = `${modelName}.${name}`;
    this.options = options;
    this.column = options.field ?? name;
    this.columnSql = dialect.identifier(this.column);
    this.kind = KINDS[type.key] ?? "other";
    this.primaryKey = options.primaryKey === true;
    this.generated = options.autoIncrement === true;
    this.nullable = options.allowNull !== false && !this.primaryKey;
    this.defaultValue = options.defaultValue;
    this.mutable =
      this.kind === "json" ||
      this.kind === "date" ||
      this.kind === "blob" ||
      this.kind === "array" ||
      this.kind === "other";
    this.readAsText = this.kind === "bigint" && dialect.readsBigintsAsText;
    this.#type = type;
    this.#dialect = dialect;
    this.#scale = type._scale ?? type.options?.scale;
    this.#stringifyOptions = { timezone: timezoneOf(sequelize), escape: (text: string) => text, dialect: dialect.name };
    this.bulk = { name: this.column, sqlType: sqlTypeOf(type, options, dialect), kind: bulkKind(this.kind) };
    this.decode = decoderOf(this.kind, this.#scale, dialect);
  }

  /**
   * The value as the driver takes it.
   *
   * @throws {ArgumentError} for undefined and for a value that the column's type cannot hold
   */
  toDatabase(value: unknown): Bindable {
    if (value === null) return null;
    if (value === undefined) throw this.#refuse(value, "a value or null");
    switch (this.kind) {
      case "integer": {
        if (typeof value === "number" && Number.isInteger(value)) return value;
        if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
        if (typeof value === "boolean") return value ? 1 : 0;
        if (typeof value === "string" && /^\s*[+-]?\d+\s*$/.test(value)) return Number(value);
        throw this.#refuse(value, "a whole number");
      }
      case "bigint": {
        if (typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value)))
          return BigInt(value).toString();
        if (typeof value === "string" && /^\s*[+-]?\d+\s*$/.test(value)) return BigInt(value).toString();
        throw this.#refuse(value, "a whole number");
      }
      case "number": {
        const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
        if (typeof number === "bigint") return Number(number);
        if (typeof number === "number" && (!Number.isNaN(number) || value === "NaN" || Number.isNaN(value)))
          return number;
        throw this.#refuse(value, "a number");
      }
      case "decimal": {
        if (typeof value === "bigint") return String(value);
        if (typeof value === "number" && Number.isFinite(value)) return String(value);
        if (typeof value === "string" && /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(value)) return value.trim();
        throw this.#refuse(value, "a decimal number");
      }
      case "boolean": {
        const truth = booleanOf(value);
        if (truth === undefined) throw this.#refuse(value, "true or false");
        return this.#dialect.bindBoolean(truth);
      }
      case "date": {
        const date = value instanceof Date ? value : new Date(value as string | number);
        if (Number.isNaN(date.getTime())) throw this.#refuse(value, "a date");
        return this.#type.stringify(date, this.#stringifyOptions);
      }
      case "dateonly": {
        if (typeof value === "string" && /^\d{4,}-\d\d-\d\d$/.test(value)) return value;
        const date = value instanceof Date ? value : new Date(value as string | number);
        if (Number.isNaN(date.getTime())) throw this.#refuse(value, "a date such as 2026-01-31");
        return date.toISOString().slice(0, 10);
      }
      case "json":
        return this.#json(value);
      case "blob":
        if (Buffer.isBuffer(value)) return value;
        if (value instanceof Uint8Array) return Buffer.from(value);
        if (typeof value === "string") return Buffer.from(value);
        throw this.#refuse(value, "a Buffer");
      case "array":
        if (!Array.isArray(value)) throw this.#refuse(value, "an array");
        return arrayLiteral(value);
      case "other":
        if (typeof value === "string" || typeof value === "number") return value;
        return this.#type.stringify(value, this.#stringifyOptions);
      default:
        if (typeof value === "string") return value;
        if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return String(value);
        if (Buffer.isBuffer(value)) return value; // STRING.BINARY
        if (this.kind === "time" && value instanceof Date) return value.toISOString().slice(11, 23);
        throw this.#refuse(value, "text");
    }
  }

  /** Whether {@link toDatabase} gives the value back, and it can only change by being assigned: text as text, a whole number. */
  isSentAsIs(value: unknown): boolean {
    switch (this.kind) {
      case "integer":
        return Number.isInteger(value);
      case "text":
      case "enum":
      case "uuid":
        return typeof value === "string";
      default:
        return false;
    }
  }

  /** The attribute's value for what the driver returned. */
  fromDatabase(raw: unknown): unknown {
    return raw === null || raw === undefined || this.decode === undefined ? raw : this.decode(raw);
  }

  /** Whether two values of the attribute are the same to the database. */
  equals(a: unknown, b: unknown): boolean {
    if (Object.is(a, b)) return true;
    if (a === null || a === undefined || b === null || b === undefined) return (a ?? null) === (b ?? null);
    switch (this.kind) {
      case "integer":
      case "bigint":
      case "number":
      case "enum":
      case "uuid":
      case "text":
        return String(a) === String(b);
      case "boolean":
        return booleanOf(a) === booleanOf(b) && booleanOf(a) !== undefined;
      case "decimal":
        return sameDecimal(String(a), String(b));
      case "date":
        return timeOf(a) === timeOf(b);
      case "dateonly":
        return dayOf(a) === dayOf(b);
      default:
        return isDeepStrictEqual(a, b);
    }
  }

  /** A copy that later changes in place do not reach. */
  snapshot(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (value instanceof Date) return new Date(value.getTime());
    if (Buffer.isBuffer(value)) return Buffer.from(value);
    return structuredCloneOrSame(value);
  }

  /**
   * A key value in its one canonical form, so that `"3"`, `3` and `3n` name the same row.
   *
   * @returns {@link IMPOSSIBLE} where no stored value can equal it
   */
  canonicalKey(value: unknown): unknown {
    switch (this.kind) {
      case "integer":
      case "bigint": {
        if (Number.isSafeInteger(value)) return this.kind === "integer" ? value : String(value);
        const isText = typeof value === "string" && /^[+-]?\d+$/.test(value.trim());
        if (typeof value === "bigint" || isText || (typeof value === "number" && Number.isInteger(value))) {
          const whole = BigInt(value);
          if (whole > 9223372036854775807n || whole < -9223372036854775808n) return IMPOSSIBLE;
          return this.kind === "integer" && Number.isSafeInteger(Number(whole)) ? Number(whole) : String(whole);
        }
        return IMPOSSIBLE;
      }
      case "date":
        return timeOf(value);
      case "blob":
        return Buffer.isBuffer(value) ? value.toString("hex") : value;
      case "uuid":
        if (typeof value !== "string" || (this.#dialect.refusesImpossibleValues && !UUID.test(value)))
          return IMPOSSIBLE;
        return value.toLowerCase();
      default:
        return typeof value === "object" ? JSON.stringify(value) : typeof value === "number" ? String(value) : value;
    }
  }

  #json(value: unknown): string {
    let text: string | undefined;
    try {
      text = JSON.stringify(value);
    } catch (error) {
      throw new ArgumentError(
        `Cannot store the value of ${this.label}: it has no JSON form (${(error as Error).message}).`,
        { cause: error },
      );
    }
    if (text === undefined) throw this.#refuse(value, "a value with a JSON form");
    return text;
  }

  #refuse(value: unknown, expected: string): ArgumentError {
    return new ArgumentError(`Expected ${expected} for ${this.label}, got ${describe(value)}.`);
  }
}

/** A UUID as PostgreSQL reads it: hyphens may be missing, and braces stand around it. */
const UUID = /^\{?[0-9a-f]{4}(-?[0-9a-f]{4}){7}\}?$/i;

function timezoneOf(sequelize: Sequelize): string {
  return (sequelize as unknown as { options: { timezone?: string } }).options.timezone ?? "+00:00";
}

function bulkKind(kind: AttributeKind): BulkColumn["kind"] {
  switch (kind) {
    case "integer":
    case "bigint":
      return "integer";
    case "number":
      return "number";
    case "decimal":
      return "decimal";
    case "boolean":
      return "boolean";
    case "blob":
      return "binary";
    case "text":
      return "text";
    default:
      return "other";
  }
}

/** A type that the model names as text, as the database spells it; told apart by SQLite's rules of affinity. */
function declaredType(sql: string): SequelizeType {
  const key = /INT/i.test(sql)
    ? "BIGINT"
    : /CHAR|CLOB|TEXT/i.test(sql)
      ? "TEXT"
      : /BLOB|BINARY|BYTEA/i.test(sql)
        ? "BLOB"
        : /REAL|FLOA|DOUB/i.test(sql)
          ? "DOUBLE"
          : "";
  return {
    key,
    toSql: () => sql,
    stringify: (value) => (typeof value === "object" ? JSON.stringify(value) : String(value)),
  };
}

function sqlTypeOf(type: SequelizeType, options: ModelAttributeColumnOptions, dialect: Dialect): string {
  if (type.key !== "ENUM") return type.toSql();
  // PostgreSQL gives each enum column a type of its own, named by Sequelize after table and column.
  const model = (options as { Model?: { getTableName(): string | { tableName: string; schema?: string } } }).Model;
  const table = model?.getTableName() ?? "";
  const name = `enum_${typeof table === "string" ? table : table.tableName}_${options.field ?? ""}`;
  const schema = typeof table === "object" && table.schema ? `${dialect.quote(table.schema)}.` : "";
  return schema + dialect.quote(name);
}

/** How a driver's value of a kind becomes the value of an attribute; undefined where it is right as it is. */
export function decoderOf(
  kind: AttributeKind,
  scale: number | undefined,
  dialect: Dialect,
): ((raw: unknown) => unknown) | undefined {
  switch (kind) {
    case "integer":
      return (raw) => (typeof raw === "number" ? raw : Number(raw));
    case "bigint":
      return (raw) => String(raw);
    case "number":
      return (raw) => (typeof raw === "number" ? raw : Number(raw));
    case "decimal":
      return scale === undefined
        ? (raw) => String(raw)
        : (raw) => (typeof raw === "number" ? raw.toFixed(scale) : fixScale(String(raw), scale));
    case "boolean":
      return (raw) => booleanOf(raw) ?? raw;
    case "date":
      return (raw) => (raw instanceof Date ? raw : dateOf(raw));
    case "dateonly":
      return (raw) => (raw instanceof Date ? raw.toISOString().slice(0, 10) : raw);
    case "json":
      return (raw) => (typeof raw === "string" && !dialect.parsesJson ? (JSON.parse(raw) as unknown) : raw);
    default:
      return undefined;
  }
}

function booleanOf(value: unknown): boolean | undefined {
  if (typeof value === "boolean") return value;
  if (value === 1 || value === 1n || value === "1" || value === "true" || value === "t") return true;
  if (value === 0 || value === 0n || value === "0" || value === "false" || value === "f") return false;
  if (Buffer.isBuffer(value) && value.length === 1) return value[0] === 1; // BIT(1)
  return undefined;
}

function dateOf(raw: unknown): Date {
  const text = String(raw);
  // "2026-01-31 10:00:00.000 +00:00" as Sequelize stores it; without a zone it is UTC.
  const match = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s*(Z|[+-]\d\d:?\d\d)?$/.exec(text);
  return match
    ? new Date(`${match[1]}T${match[2]}${match[3] === undefined || match[3] === "+00:00" ? "Z" : match[3]}`)
    : new Date(text);
}

function timeOf(value: unknown): number {
  return value instanceof Date ? value.getTime() : new Date(value as string | number).getTime();
}

function dayOf(value: unknown): unknown {
  return value instanceof Date ? value.toISOString().slice(0, 10) : value;
}

function fixScale(text: string, scale: number): string {
  const match = /^([+-]?\d+)(?:\.(\d+))?$/.exec(text);
  if (!match || (match[2]?.length ?? 0) > scale) return text;
  return scale === 0 ? (match[1] ?? text) : `${match[1]}.${(match[2] ?? "").padEnd(scale, "0")}`;
}

function sameDecimal(a: string, b: string): boolean {
  const normal = (text: string): string => {
    const match = /^\s*([+-]?)0*(\d*)(?:\.(\d*?)0*)?\s*$/.exec(text);
    if (!match) return String(Number(text));
    const digits = `${match[2] || "0"}${match[3] ? `.${match[3]}` : ""}`;
    return (match[1] === "-" && digits !== "0" ? "-" : "") + digits;
  };
  return normal(a) === normal(b);
}

/** A JavaScript array as the text of a PostgreSQL array. */
function arrayLiteral(values: readonly unknown[]): string {
  const element = (value: unknown): string => {
    if (value === null || value === undefined) return "NULL";
    if (Array.isArray(value)) return arrayLiteral(value);
    if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return String(value);
    const text =
      value instanceof Date
        ? value.toISOString()
        : Buffer.isBuffer(value)
          ? `\\x${value.toString("hex")}`
          : typeof value === "object"
            ? JSON.stringify(value)
            : String(value);
    return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
  };
  return `{${values.map(element).join(",")}}`;
}

function structuredCloneOrSame(value: object): unknown {
  try {
    return structuredClone(value);
  } catch {
    // A value with functions in it has no copy; it is compared by identity.
    return value;
  }
}
