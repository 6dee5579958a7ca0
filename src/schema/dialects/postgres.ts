import type { StatementRunner } from "../../driver/dialect";
import { dataTypeSource, quoteSource } from "../data-type";
import type { Column, ForeignKey, Index, Schema, Table } from "../schema";
import { sameNames } from "../schema";
import { schemaOf } from "./postgres-names";
import { homeSchema, readPostgresDatabase } from "./postgres-reader";
import { materialize } from "./postgres-scratch";
import { SERIAL, isSerial, normalType } from "./postgres-types";
import type { ReadOptions, ScratchRequest } from "./schema-dialect";
import { SchemaDialect } from "./schema-dialect";

/** PostgreSQL: four statements over its catalogue. */
export class PostgresSchemaDialect extends SchemaDialect {
  override readonly title = "PostgreSQL";
  override readonly hasSchemas = true;
  override readonly comparesExpressions = true;
  override readonly hasNamedEnums = true;
  override readonly maxNameBytes = 63;

  override async homeSchema(runner: StatementRunner): Promise<string> {
    return homeSchema(runner);
  }

  override async read(runner: StatementRunner, options: ReadOptions = {}): Promise<Schema> {
    return readPostgresDatabase(runner, (text) => this.sql.literal(text), options);
  }

  protected override tableSearch(name: string): string {
    return `SELECT 1 FROM pg_class WHERE oid = to_regclass(${this.sql.literal(this.quoteTable(name))})`;
  }

  override materialize(request: ScratchRequest): Promise<Schema> {
    return materialize(this, request);
  }

  override quoteTable(name: string): string {
    const schema = schemaOf(name);
    return schema === undefined
      ? this.sql.quote(name)
      : `${this.sql.quote(schema)}.${this.sql.quote(name.slice(schema.length + 1))}`;
  }

  override normalType(type: string): string {
    return normalType(type);
  }

  override normalDefault(column: Column): string | undefined {
    return normalLiteral(column.default);
  }

  override asText(expression: string): string {
    return `${expression}::text`;
  }

  override typeSource(column: Column): string {
    const array = /(\[\])+$/.exec(column.type)?.[0] ?? "";
    const values = column.enumValues?.map(quoteSource).join(", ");
    const element =
      values === undefined
        ? dataTypeSource(SOURCES, this.normalType(column.type.slice(0, column.type.length - array.length)))
        : `DataTypes.ENUM(${values})`;
    if (element === undefined || array.length > 2) return quoteSource(column.type);
    return array === "" ? element : `DataTypes.ARRAY(${element})`;
  }

  override enumType(table: string, column: string, type: unknown): string {
    const schema = schemaOf(table);
    const name = `enum_${schema === undefined ? table : table.slice(schema.length + 1)}_${column}`;
    const isArray = (type as { key?: string }).key === "ARRAY";
    return this.quoteTable(schema === undefined ? name : `${schema}.${name}`) + (isArray ? "[]" : "");
  }

  override sameType(a: Column, b: Column): boolean {
    if (a.enumValues === undefined || b.enumValues === undefined)
      return a.enumValues === b.enumValues && super.sameType(a, b);
    // The name of the type follows the table's first name, not its present one.
    return sameNames(a.enumValues, b.enumValues) && a.type.endsWith("[]") === b.type.endsWith("[]");
  }

  /** The statements that make the enumerated types of the columns; types shared by several columns once. */
  createEnums(columns: readonly Column[]): string[] {
    const types = new Map<string, string[]>();
    for (const column of columns)
      if (column.enumValues) types.set(column.type.replace(/(\[\])+$/, ""), column.enumValues);
    return [...types].map(
      ([name, values]) => `CREATE TYPE ${name} AS ENUM (${values.map((value) => this.sql.literal(value)).join(", ")})`,
    );
  }

  override createTable(table: Table): string[] {
    const name = this.quoteTable(table.name);
    const parts = table.columns.map((column) => this.columnDefinition(column));
    const key = table.primaryKey;
    if (key) parts.push(`${this.named(key.name)}PRIMARY KEY (${this.quoteNames(key.columns)})`);
    for (const unique of table.uniques) {
      const deferrable =
        unique.deferrable === undefined ? "" : ` DEFERRABLE INITIALLY ${unique.deferrable.toUpperCase()}`;
      parts.push(`${this.named(unique.name)}UNIQUE (${this.quoteNames(unique.columns)})${deferrable}`);
    }
    for (const check of table.checks) parts.push(`${this.named(check.name)}CHECK (${check.expression})`);
    for (const foreignKey of table.foreignKeys) parts.push(this.foreignKey(foreignKey));
    const statements = [`CREATE TABLE ${name} (${parts.length > 0 ? `\n  ${parts.join(",\n  ")}\n` : ""})`];
    if (table.comment) statements.push(this.comment("TABLE", name, table.comment));
    for (const column of table.columns) {
      if (column.comment)
        statements.push(this.comment("COLUMN", `${name}.${this.sql.quote(column.name)}`, column.comment));
    }
    return statements;
  }

  override createIndex(table: string, index: Index, concurrently = false): string {
    const parts = index.columns.map((part) =>
      [
        part.column === undefined ? `(${part.expression})` : this.sql.quote(part.column),
        part.collation === undefined ? "" : `COLLATE ${this.sql.quote(part.collation)}`,
        part.operatorClass ?? "",
        part.descending ? "DESC" : "",
        part.nulls === undefined ? "" : `NULLS ${part.nulls.toUpperCase()}`,
      ]
        .filter(Boolean)
        .join(" "),
    );
    const include = index.include ? ` INCLUDE (${this.quoteNames(index.include)})` : "";
    const where = index.where === undefined ? "" : ` WHERE ${index.where}`;
    const method = index.method === undefined ? "" : ` USING ${index.method}`;
    const kind = `${index.unique ? "UNIQUE " : ""}INDEX${concurrently ? " CONCURRENTLY" : ""}`;
    return `CREATE ${kind} ${this.sql.quote(index.name)} ON ${this.quoteTable(table)}${method} (${parts.join(", ")})${include}${where}`;
  }

  /** A column as it stands in CREATE TABLE and ADD COLUMN. */
  columnDefinition(column: Column): string {
    return [
      this.sql.quote(column.name),
      isSerial(column) ? (SERIAL[this.normalType(column.type)] ?? "SERIAL") : column.type,
      column.collation === undefined ? "" : `COLLATE ${this.sql.quote(column.collation)}`,
      column.identity === undefined
        ? ""
        : `GENERATED ${column.identity === "always" ? "ALWAYS" : "BY DEFAULT"} AS IDENTITY`,
      column.generated ? `GENERATED ALWAYS AS (${column.generated.expression}) STORED` : "",
      column.default === undefined ? "" : `DEFAULT ${column.default}`,
      column.nullable ? "" : "NOT NULL",
    ]
      .filter(Boolean)
      .join(" ");
  }

  /** A foreign key as it stands in CREATE TABLE and behind ADD. */
  foreignKey(foreignKey: ForeignKey): string {
    const { name, columns, references, onDelete, onUpdate, deferrable } = foreignKey;
    const parent = `${this.quoteTable(references.table)}${references.columns.length > 0 ? ` (${this.quoteNames(references.columns)})` : ""}`;
    return [
      `${this.named(name)}FOREIGN KEY (${this.quoteNames(columns)}) REFERENCES ${parent}`,
      onDelete === "NO ACTION" ? "" : `ON DELETE ${onDelete}`,
      onUpdate === "NO ACTION" ? "" : `ON UPDATE ${onUpdate}`,
      deferrable === undefined ? "" : `DEFERRABLE INITIALLY ${deferrable.toUpperCase()}`,
    ]
      .filter(Boolean)
      .join(" ");
  }

  /** The statement that sets or, without text, removes a comment. */
  comment(kind: "TABLE" | "COLUMN", what: string, text: string | undefined): string {
    return `COMMENT ON ${kind} ${what} IS ${text ? this.sql.literal(text) : "NULL"}`;
  }

  /** `CONSTRAINT name ` or nothing. */
  named(name: string | undefined): string {
    return name === undefined ? "" : `CONSTRAINT ${this.sql.quote(name)} `;
  }
}

/** A literal without its cast, quoted numbers without their quotes; other text as it is. */
function normalLiteral(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const bare = /^\(?('(?:[^']|'')*'|-?[\d.]+|NULL|true|false)\)?(?:::[\w\s".,()]+(?:\[\])*)?$/i.exec(text)?.[1] ?? text;
  if (/^null$/i.test(bare)) return undefined;
  const number = /^'?(-?\d+(?:\.\d+)?)'?$/.exec(bare)?.[1];
  if (number !== undefined && (!bare.startsWith("'") || !/char|text/.test(text))) return String(Number(number));
  return bare === "CURRENT_TIMESTAMP" ? "now()" : bare;
}

const SOURCES: readonly (readonly [RegExp, string])[] = [
  [/^character varying\((\d+)\)$/, "STRING($1)"],
  [/^character\((\d+)\)$/, "CHAR($1)"],
  [/^text$/, "TEXT"],
  [/^citext$/, "CITEXT"],
  [/^integer$/, "INTEGER"],
  [/^bigint$/, "BIGINT"],
  [/^smallint$/, "SMALLINT"],
  [/^double precision$/, "DOUBLE"],
  [/^real$/, "REAL"],
  [/^numeric$/, "DECIMAL"],
  [/^numeric\((\d+),0\)$/, "DECIMAL($1)"],
  [/^numeric\((\d+),(\d+)\)$/, "DECIMAL($1, $2)"],
  [/^boolean$/, "BOOLEAN"],
  [/^timestamp with time zone$/, "DATE"],
  [/^date$/, "DATEONLY"],
  [/^time without time zone$/, "TIME"],
  [/^uuid$/, "UUID"],
  [/^jsonb$/, "JSONB"],
  [/^json$/, "JSON"],
  [/^bytea$/, "BLOB"],
  [/^inet$/, "INET"],
  [/^cidr$/, "CIDR"],
  [/^macaddr$/, "MACADDR"],
  [/^hstore$/, "HSTORE"],
  [/^tsvector$/, "TSVECTOR"],
  [/^int4range$/, "RANGE(DataTypes.INTEGER)"],
  [/^int8range$/, "RANGE(DataTypes.BIGINT)"],
  [/^numrange$/, "RANGE(DataTypes.DECIMAL)"],
  [/^tstzrange$/, "RANGE(DataTypes.DATE)"],
  [/^daterange$/, "RANGE(DataTypes.DATEONLY)"],
];
