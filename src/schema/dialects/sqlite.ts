import { Connection } from "../../driver/connection";
import type { StatementRunner } from "../../driver/dialect";
import { dataTypeSource, quoteSource } from "../data-type";
import type { Column, Index, Schema, Table } from "../schema";
import { tokenize } from "../sql-tokens";
import type { ReadOptions, ScratchRequest } from "./schema-dialect";
import { SchemaDialect, forEachTable, scratchTable } from "./schema-dialect";
import { readSqliteDatabase } from "./sqlite-reader";

/** SQLite: three statements, and the kept text of each table for what no PRAGMA tells. */
export class SqliteSchemaDialect extends SchemaDialect {
  override readonly title = "SQLite";
  override readonly hasComments = false;
  override readonly foldsNames = true;
  override readonly needsTableText = true;
  override readonly renamesConstraints = false;
  override readonly hasStrictTables = true;
  override readonly retypesForeignKeys = true;
  override readonly maxNameBytes = Infinity;

  override read(runner: StatementRunner, options: ReadOptions = {}): Promise<Schema> {
    return readSqliteDatabase(runner, options.tables);
  }

  protected override tableSearch(name: string): string {
    return `SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ${this.sql.literal(name)} COLLATE NOCASE`;
  }

  override async materialize({ sequelize, tables, indexes }: ScratchRequest): Promise<Schema> {
    const Instance = sequelize.constructor as new (options: object) => typeof sequelize;
    const { dialectModule } = (sequelize as unknown as { options: { dialectModule?: object } }).options;
    const scratch = new Instance({
      dialect: this.sql.name,
      storage: ":memory:",
      logging: false,
      ...(dialectModule ? { dialectModule } : {}),
    });
    const connection = new Connection(scratch, this.sql, () => undefined);
    try {
      await forEachTable(tables, async (table) => {
        for (const sql of this.createTable(scratchTable(table, table.name))) await connection.run(sql);
        for (const statement of indexes.get(table.name) ?? []) await connection.run(statement(table.name));
      });
      return await this.read(connection);
    } finally {
      await connection.close();
      await scratch.close();
    }
  }

  override normalType(type: string): string {
    const flat = type
      .toUpperCase()
      .replace(/\s+/g, " ")
      .replace(/ ?([(),]) ?/g, "$1")
      .trim();
    const [, name = "", size = "", rest = ""] = /^([^(]*)(\([^)]*\))?(.*)$/.exec(flat) ?? [];
    const known = SYNONYMS[name + size] ?? SYNONYMS[name];
    return known === undefined ? flat : known + (SYNONYMS[name + size] === undefined ? size : "") + rest;
  }

  override normalDefault(column: Column): string | undefined {
    let text = column.default?.trim();
    if (text === undefined) return undefined;
    // A word in double quotes that names no column is text.
    if (/^"(?:[^"]|"")*"$/.test(text)) text = `'${text.slice(1, -1).replaceAll('""', '"').replaceAll("'", "''")}'`;
    const number = /^'?([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)'?$/i.exec(text)?.[1];
    if (number !== undefined && (!text.startsWith("'") || hasNumericAffinity(column.type)))
      return String(Number(number));
    switch (text.toUpperCase()) {
      case "NULL":
        return undefined;
      case "TRUE":
        return "1";
      case "FALSE":
        return "0";
      case "CURRENT_TIMESTAMP":
      case "CURRENT_DATE":
      case "CURRENT_TIME":
        return text.toUpperCase();
      default:
        return text;
    }
  }

  override readonly limitsLengths = false;

  override lengthOf(expression: string): string {
    return `length(${expression})`;
  }

  override notANumber(expression: string, _from: Column, to: Column): string | undefined {
    // The type's affinity turns text into a number where it reads as one, and keeps it as text where it does not.
    if (!/INT|REAL|FLOA|DOUB|DEC|NUM/i.test(to.type)) return undefined;
    const text = `ltrim(trim(${expression}), '+')`;
    return `typeof(${expression}) = 'text' AND CASE WHEN json_valid(${text}) THEN json_type(${text}) NOT IN ('integer', 'real') ELSE 1 END`;
  }

  override numbersKeys(column: Column): boolean {
    return column.type.toUpperCase() === "INTEGER";
  }

  override rowKey(table: Table): { sql: string; name: string } | undefined {
    return table.options?.withoutRowid ? super.rowKey(table) : { sql: "rowid", name: "rowid" };
  }

  override typeSource(column: Column): string {
    return dataTypeSource(SOURCES, this.normalType(column.type)) ?? quoteSource(column.type);
  }

  override adjustColumn(column: Column, key: "whole" | "part" | undefined): void {
    if (key !== "whole" || !column.type.toUpperCase().includes("INT")) return;
    // Only this type numbers the rows; anything else is refused with AUTOINCREMENT.
    column.type = "INTEGER";
    delete column.default;
  }

  override createTable(table: Table): string[] {
    const parts = table.columns.map((column) => this.columnDefinition(table, column));
    const key = table.primaryKey;
    if (key && key.columns.length > 1)
      parts.push(`${this.named(key.name)}PRIMARY KEY (${this.quoteNames(key.columns)})`);
    for (const unique of table.uniques)
      parts.push(`${this.named(unique.name)}UNIQUE (${this.quoteNames(unique.columns)})`);
    for (const check of table.checks) parts.push(`${this.named(check.name)}CHECK (${check.expression})`);
    for (const foreignKey of table.foreignKeys.filter((key) => key.columns.length > 1)) {
      parts.push(
        `${this.named(foreignKey.name)}FOREIGN KEY (${this.quoteNames(foreignKey.columns)}) ${this.references(foreignKey)}`,
      );
    }
    const options = [table.options?.strict ? "STRICT" : "", table.options?.withoutRowid ? "WITHOUT ROWID" : ""].filter(
      Boolean,
    );
    return [
      `CREATE TABLE ${this.quoteTable(table.name)} (\n  ${parts.join(",\n  ")}\n)${options.length > 0 ? ` ${options.join(", ")}` : ""}`,
    ];
  }

  override createIndex(table: string, index: Index): string {
    const parts = index.columns.map((part) => {
      const what = part.column === undefined ? part.expression : this.sql.quote(part.column);
      return `${what}${part.collation === undefined ? "" : ` COLLATE ${part.collation}`}${part.descending ? " DESC" : ""}`;
    });
    const where = index.where === undefined ? "" : ` WHERE ${index.where}`;
    const unique = index.unique ? "UNIQUE " : "";
    return `CREATE ${unique}INDEX ${this.sql.quote(index.name)} ON ${this.quoteTable(table)} (${parts.join(", ")})${where}`;
  }

  /** A column as it stands in CREATE TABLE and ADD COLUMN; keys of one column stand with it. */
  columnDefinition(table: Table, column: Column): string {
    const key = table.primaryKey;
    const isKey = key?.columns.length === 1 && key.columns[0] === column.name;
    return [
      this.sql.quote(column.name),
      column.type,
      isKey ? `${this.named(key.name)}PRIMARY KEY${column.autoIncrement ? " AUTOINCREMENT" : ""}` : "",
      column.nullable ? "" : "NOT NULL",
      column.default === undefined ? "" : `DEFAULT ${this.defaultText(column.default)}`,
      column.collation === undefined ? "" : `COLLATE ${column.collation}`,
      column.generated
        ? `GENERATED ALWAYS AS (${column.generated.expression}) ${column.generated.stored ? "STORED" : "VIRTUAL"}`
        : "",
      ...table.foreignKeys
        .filter((key) => key.columns.length === 1 && key.columns[0] === column.name)
        .map((key) => `${this.named(key.name)}${this.references(key)}`),
    ]
      .filter(Boolean)
      .join(" ");
  }

  /** A default as it stands behind DEFAULT: what is more than one literal needs brackets. */
  defaultText(text: string): string {
    const literal =
      /^(?:[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:e[+-]?\d+)?|[xX]'[0-9a-f]*'|null|true|false|current_(?:timestamp|date|time))$/i;
    const tokens = tokenize(text);
    const isOneToken = tokens.length === 1 && (tokens[0]?.kind === "string" || tokens[0]?.kind === "name");
    return isOneToken || literal.test(text) ? text : `(${text})`;
  }

  /** The REFERENCES clause of a foreign key. */
  references(foreignKey: Table["foreignKeys"][number]): string {
    const { references, onDelete, onUpdate, deferrable } = foreignKey;
    return [
      `REFERENCES ${this.quoteTable(references.table)}${references.columns.length > 0 ? ` (${this.quoteNames(references.columns)})` : ""}`,
      onDelete === "NO ACTION" ? "" : `ON DELETE ${onDelete}`,
      onUpdate === "NO ACTION" ? "" : `ON UPDATE ${onUpdate}`,
      deferrable === undefined ? "" : `DEFERRABLE INITIALLY ${deferrable.toUpperCase()}`,
    ]
      .filter(Boolean)
      .join(" ");
  }

  /** `CONSTRAINT name ` or nothing. */
  named(name: string | undefined): string {
    return name === undefined ? "" : `CONSTRAINT ${this.sql.quote(name)} `;
  }
}

/** Whether a column of this type turns text that reads as a number into one. */
function hasNumericAffinity(type: string): boolean {
  return /INT/i.test(type) || (type !== "" && !/CHAR|CLOB|TEXT|BLOB/i.test(type));
}

/** Declared types that mean the same to those who write them. */
const SYNONYMS: Record<string, string> = {
  INT: "INTEGER",
  BOOLEAN: "TINYINT(1)",
  BOOL: "TINYINT(1)",
  NUMERIC: "DECIMAL",
  DOUBLE: "DOUBLE PRECISION",
  "CHARACTER VARYING": "VARCHAR",
  CHARACTER: "CHAR",
};

/** Sequelize's data types by the type that they declare. */
const SOURCES: readonly (readonly [RegExp, string])[] = [
  [/^TINYINT\(1\)$/, "BOOLEAN"],
  [/^VARCHAR\((\d+)\)$/, "STRING($1)"],
  [/^VARCHAR BINARY\((\d+)\)$/, "STRING($1, true)"],
  [/^CHAR\((\d+)\)$/, "CHAR($1)"],
  [/^CHAR BINARY\((\d+)\)$/, "CHAR($1, true)"],
  [/^(TEXT|INTEGER|TINYINT|SMALLINT|MEDIUMINT|BIGINT|FLOAT|REAL|DECIMAL|UUID|JSON|TIME|BLOB)$/, "$1"],
  [/^(INTEGER|TINYINT|SMALLINT|MEDIUMINT|BIGINT)\((\d+)\)$/, "$1($2)"],
  [/^DECIMAL\((\d+)\)$/, "DECIMAL($1)"],
  [/^DECIMAL\((\d+),(\d+)\)$/, "DECIMAL($1, $2)"],
  [/^(FLOAT|REAL)\((\d+)\)$/, "$1($2)"],
  [/^(FLOAT|REAL)\((\d+),(\d+)\)$/, "$1($2, $3)"],
  [/^DOUBLE PRECISION$/, "DOUBLE"],
  [/^DATETIME$/, "DATE"],
  [/^DATE$/, "DATEONLY"],
  [/^(TINY|MEDIUM|LONG)BLOB$/, 'BLOB("$1")'],
];
