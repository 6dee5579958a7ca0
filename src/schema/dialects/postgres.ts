import { randomBytes } from "node:crypto";
import type { Connection } from "../../driver/connection";
import type { StatementRunner } from "../../driver/dialect";
import { ShellError } from "../../errors";
import { dataTypeSource, quoteSource } from "../data-type";
import type { Column, ForeignKey, Index, Schema, Table } from "../schema";
import { sameNames } from "../schema";
import { readPlainIndex } from "./postgres-index-text";
import { bareName, schemaOf } from "./postgres-names";
import { homeSchema, readPostgresDatabase } from "./postgres-reader";
import type { ReadOptions, ScratchRequest } from "./schema-dialect";
import { SchemaDialect, forEachTable, scratchTable } from "./schema-dialect";

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

  override async materialize({ connection, tables, indexes }: ScratchRequest): Promise<Schema> {
    if (tables.length === 0) return { tables: [], views: [], enums: [] };
    const [role] = await connection.all(
      "SELECT current_user AS name, has_database_privilege(current_database(), 'CREATE') AS makes_schemas",
    );
    const makesSchemas = role?.["makes_schemas"] === true;
    // Who may not make schemas makes temporary tables.
    const scratch = makesSchemas ? `_mig_scratch_${randomBytes(6).toString("hex")}` : "pg_temp";
    // One scratch schema for each schema that the models name; the first is the one of bare names.
    const schemas = [undefined, ...new Set(tables.flatMap((table) => schemaOf(table.name) ?? []))];
    const scratchName = (schema: string | undefined): string =>
      schema === undefined ? scratch : `${scratch}_${schemas.indexOf(schema)}`;
    if (!makesSchemas && schemas.length > 1) {
      const name = String(role?.["name"]);
      throw new ShellError(`Cannot compare models of several schemas: role "${name}" may not make schemas.`, {
        hint: `GRANT CREATE ON DATABASE … TO ${this.sql.quote(name)}`,
      });
    }
    // An index takes as long as a table: only those are made of which the server has something to tell.
    const plainIndexes = new Map<string, Index[]>();
    return await undone(connection, async () => {
      const [row] = await connection.all("SHOW search_path");
      if (makesSchemas) for (const schema of schemas) await connection.run(`CREATE SCHEMA ${scratchName(schema)}`);
      await connection.run(
        `SET LOCAL search_path = ${schemas.map(scratchName).join(", ")}, ${String(row?.["search_path"])}`,
      );
      await forEachTable(tables, async (table) => {
        const schema = schemaOf(table.name);
        const moved = withoutKeys(moveTable(table, schema, scratchName(schema)));
        const statements = [...this.createEnums(moved.columns), ...this.createTable(moved)];
        for (const statement of indexes.get(table.name) ?? []) {
          const text = statement(bareName(table.name), scratchName(schema));
          const plain = readPlainIndex(text, table);
          if (plain) plainIndexes.set(table.name, [...(plainIndexes.get(table.name) ?? []), plain]);
          else statements.push(text);
        }
        await connection.run(statements.join(";\n"));
      });
      const read = await this.read(connection, { schemas: schemas.slice(1).map(scratchName) });
      for (const table of read.tables) {
        const home = schemas.find((schema) => schema !== undefined && schemaOf(table.name) === scratchName(schema));
        if (home !== undefined) table.name = `${home}.${bareName(table.name)}`;
        const declared = tables.find(({ name }) => name === table.name);
        if (declared) giveKeys(table, declared);
        const known = plainIndexes.get(table.name) ?? [];
        table.indexes = [...table.indexes, ...known].sort((a, b) => (a.name < b.name ? -1 : 1));
      }
      return read;
    });
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

/** The table in the scratch schema, and its enumerated types with it. */
function moveTable(table: Table, schema: string | undefined, scratch: string): Table {
  const move = (column: Column): Column =>
    column.enumValues === undefined || schema === undefined
      ? column
      : { ...column, type: column.type.replace(`"${schema}".`, `${scratch}.`) };
  const name = schema === undefined ? table.name : `${scratch}.${bareName(table.name)}`;
  return { ...scratchTable(table, name), columns: table.columns.map(move) };
}

/**
 * The table without keys and numbered columns: each would be an index or a sequence of its own, which take most of the time,
 * and a reader has nothing to add to them.
 */
function withoutKeys(table: Table): Table {
  const { primaryKey, ...rest } = table;
  return {
    ...rest,
    uniques: [],
    columns: table.columns.map((column) => {
      const nullable = column.nullable && !primaryKey?.columns.includes(column.name);
      if (!isSerial(column)) return { ...column, nullable };
      return { ...column, nullable: false, autoIncrement: false, type: serialType(column) };
    }),
  };
}

/** Gives the table back what {@link withoutKeys} took. */
function giveKeys(table: Table, declared: Table): void {
  if (declared.primaryKey) table.primaryKey = { columns: [...declared.primaryKey.columns] };
  table.uniques = scratchTable(declared, table.name).uniques;
  for (const column of table.columns) {
    const model = declared.columns.find(({ name }) => name === column.name);
    if (model && isSerial(model)) column.autoIncrement = true;
  }
}

/** Whether the column is numbered by a sequence that comes with its type. */
function isSerial(column: Column): boolean {
  return Boolean(column.autoIncrement) && column.identity === undefined && column.default === undefined;
}

/** The type that the values of such a column have. */
function serialType(column: Column): string {
  const type = normalType(column.type);
  return SERIAL[type] === undefined ? "integer" : type;
}

/** Runs `work` in a transaction, or behind a savepoint of the open one, that is always rolled back. */
async function undone<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
  const inside = connection.inTransaction;
  const savepoint = "_mig_scratch";
  await (inside ? connection.savepoint(savepoint) : connection.begin());
  try {
    return await work();
  } finally {
    await (inside ? connection.rollbackTo(savepoint) : connection.rollback());
  }
}

/** The type in the form in which two spellings of one are equal: `character varying(9)`, `integer[]`. */
function normalType(type: string): string {
  const flat = type.toLowerCase().replace(/\s+/g, " ").trim();
  const array = /(\[\])+$/.exec(flat)?.[0] ?? "";
  const [, name = "", size = "", rest = ""] =
    /^([^(]*?) ?(\([^)]*\))?( with(?:out)? time zone)?$/.exec(flat.slice(0, flat.length - array.length)) ?? [];
  if (name === "") return flat;
  return `${SYNONYMS[name + rest] ?? name + rest}${size.replaceAll(" ", "")}${array}`;
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

const SYNONYMS: Record<string, string> = {
  int: "integer",
  int4: "integer",
  int8: "bigint",
  int2: "smallint",
  float: "double precision",
  float8: "double precision",
  float4: "real",
  bool: "boolean",
  decimal: "numeric",
  varchar: "character varying",
  char: "character",
  timestamptz: "timestamp with time zone",
  timestamp: "timestamp without time zone",
  time: "time without time zone",
  timetz: "time with time zone",
};

const SERIAL: Record<string, string> = { integer: "SERIAL", bigint: "BIGSERIAL", smallint: "SMALLSERIAL" };

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
