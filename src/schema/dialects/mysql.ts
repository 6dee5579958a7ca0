import type { StatementRunner } from "../../driver/dialect";
import { dataTypeSource, quoteSource } from "../data-type";
import type { Column, ForeignKey, Index, Schema, Table } from "../schema";
import { readMysqlDatabase } from "./mysql-reader";
import { readMysqlTableText } from "./mysql-table-text";
import type { ReadOptions, ScratchRequest } from "./schema-dialect";
import { SchemaDialect, forEachTable, scratchTable } from "./schema-dialect";

/** MariaDB and MySQL: a handful of statements over information_schema. */
export class MysqlSchemaDialect extends SchemaDialect {
  override readonly title = this.sql.name === "mysql" ? "MySQL" : "MariaDB";
  override readonly uniqueIsIndex = true;
  override readonly indexesForeignKeys = true;
  override readonly hasInlineEnums = true;
  override readonly hasTableOptions = true;
  override readonly maxNameBytes = 64;

  override read(runner: StatementRunner, options: ReadOptions = {}): Promise<Schema> {
    return readMysqlDatabase(runner, (text) => this.sql.literal(text), options.tables);
  }

  protected override tableSearch(name: string): string {
    return `SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ${this.sql.literal(name)}`;
  }

  override async materialize({ connection, tables, indexes }: ScratchRequest): Promise<Schema> {
    const schema: Schema = { tables: [], views: [], enums: [] };
    const made: string[] = [];
    try {
      await forEachTable(tables, async (table, position) => {
        const name = `_mig_scratch_${position}`;
        await connection.run(this.createTableAs("CREATE TEMPORARY TABLE", scratchTable(table, name)));
        made.push(name);
        for (const statement of indexes.get(table.name) ?? []) await connection.run(statement(name));
        const [row] = await connection.all(`SHOW CREATE TABLE ${this.quoteTable(name)}`);
        schema.tables.push(readMysqlTableText(table.name, String(row?.["Create Table"])));
      });
      return schema;
    } finally {
      for (const name of made) await connection.run(`DROP TEMPORARY TABLE ${this.quoteTable(name)}`);
    }
  }

  override normalType(type: string): string {
    // The values of an ENUM keep their case.
    return type
      .replace(/'(?:[^'\\]|\\.|'')*'|[^']+/g, (part) =>
        part.startsWith("'") ? part : part.toLowerCase().replace(/\s+/g, " "),
      )
      .trim();
  }

  override normalDefault(column: Column): string | undefined {
    const text = column.default?.trim();
    if (text === undefined || /^null$/i.test(text)) return undefined;
    const number = /^'?([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)'?$/i.exec(text)?.[1];
    if (number !== undefined && !/char|text|blob|binary|enum|set/i.test(column.type)) return String(Number(number));
    if (/^(now|current_timestamp|localtime|localtimestamp)(\(\))?$/i.test(text)) return "current_timestamp()";
    return text;
  }

  override notANumber(expression: string, from: Column, to: Column): string | undefined {
    if (!/char|text|enum/i.test(from.type) || !/int|decimal|float|double/i.test(to.type)) return undefined;
    return `${expression} NOT REGEXP '^[[:space:]]*[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?[[:space:]]*$'`;
  }

  override typeSource(column: Column): string {
    if (column.enumValues && /^enum/i.test(column.type))
      return `DataTypes.ENUM(${column.enumValues.map(quoteSource).join(", ")})`;
    return dataTypeSource(SOURCES, this.normalType(column.type)) ?? quoteSource(column.type);
  }

  override dateText(date: Date): string {
    return date.toISOString().replace("T", " ").slice(0, -1);
  }

  override takesDefault(type: string): boolean {
    return !/^(?:TEXT|BLOB|GEOMETRY|JSON)$|\bBINARY$/.test(type);
  }

  override createTable(table: Table): string[] {
    return [this.createTableAs("CREATE TABLE", table)];
  }

  /** The statement that makes the table, beginning with `verb`. */
  createTableAs(verb: string, table: Table): string {
    const parts = table.columns.map((column) => this.columnDefinition(column, checkOf(table, column)));
    if (table.primaryKey) parts.push(`PRIMARY KEY (${this.quoteNames(table.primaryKey.columns)})`);
    for (const unique of table.uniques) parts.push(this.unique(unique.name, unique.columns));
    for (const check of table.checks)
      if (check.column === undefined) parts.push(`${this.named(check.name)}CHECK (${check.expression})`);
    for (const foreignKey of table.foreignKeys) parts.push(this.foreignKey(foreignKey));
    const options = [
      `ENGINE=${table.options?.engine ?? "InnoDB"}`,
      table.options?.charset ? `DEFAULT CHARSET=${table.options.charset}` : "",
      table.options?.collate ? `COLLATE=${table.options.collate}` : "",
      table.comment ? `COMMENT=${this.sql.literal(table.comment)}` : "",
    ].filter(Boolean);
    return `${verb} ${this.quoteTable(table.name)} (\n  ${parts.join(",\n  ")}\n) ${options.join(" ")}`;
  }

  override createIndex(table: string, index: Index): string {
    return `CREATE ${this.indexKind(index)} ${this.sql.quote(index.name)} ON ${this.quoteTable(table)} ${this.indexParts(index)}`;
  }

  /** `UNIQUE INDEX`, `FULLTEXT INDEX` or `INDEX`. */
  indexKind(index: Index): string {
    const method = index.method?.toUpperCase();
    return `${index.unique ? "UNIQUE " : ""}${method === "FULLTEXT" || method === "SPATIAL" ? `${method} ` : ""}INDEX`;
  }

  /** The columns of an index in brackets, and its method. */
  indexParts(index: Index): string {
    const parts = index.columns.map((part) => {
      const length = part.length === undefined ? "" : `(${part.length})`;
      return `${part.column === undefined ? `(${part.expression})` : this.sql.quote(part.column)}${length}${part.descending ? " DESC" : ""}`;
    });
    const using = /^(hash|rtree)$/i.test(index.method ?? "") ? ` USING ${index.method}` : "";
    return `(${parts.join(", ")})${using}`;
  }

  /** A column in full, as it stands in CREATE TABLE, ADD COLUMN and MODIFY: what is left out would be lost. */
  columnDefinition(column: Column, check?: string): string {
    const isTimestamp = /^timestamp/i.test(column.type);
    const binary = /\bbinary$/i.test(column.type);
    return [
      this.sql.quote(column.name),
      column.type,
      column.collation === undefined || binary ? "" : `COLLATE ${column.collation}`,
      column.generated
        ? `GENERATED ALWAYS AS (${column.generated.expression}) ${column.generated.stored ? "STORED" : "VIRTUAL"}`
        : "",
      column.nullable || column.generated ? (isTimestamp ? "NULL" : "") : "NOT NULL",
      column.default === undefined ? "" : `DEFAULT ${this.defaultText(column.default)}`,
      column.onUpdate === undefined ? "" : `ON UPDATE ${column.onUpdate}`,
      column.autoIncrement ? "AUTO_INCREMENT" : "",
      column.comment ? `COMMENT ${this.sql.literal(column.comment)}` : "",
      check === undefined ? "" : `CHECK (${check})`,
    ]
      .filter(Boolean)
      .join(" ");
  }

  /** A default as it stands behind DEFAULT: what is more than a literal or the current time needs brackets. */
  defaultText(text: string): string {
    const plain =
      /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|(?:[xXbBnN]|_\w+ ?)?'(?:[^'\\]|\\[\s\S]|'')*'|null|true|false|(?:current_timestamp|now)(?:\(\d*\))?)$/i;
    return plain.test(text.trim()) ? text : `(${text})`;
  }

  /** A unique key as it stands in CREATE TABLE and behind ADD. */
  unique(name: string | undefined, columns: readonly string[]): string {
    return `UNIQUE KEY ${name === undefined ? "" : `${this.sql.quote(name)} `}(${this.quoteNames(columns)})`;
  }

  /** A foreign key as it stands in CREATE TABLE and behind ADD. */
  foreignKey(foreignKey: ForeignKey): string {
    const { name, columns, references, onDelete, onUpdate } = foreignKey;
    return [
      `${this.named(name)}FOREIGN KEY (${this.quoteNames(columns)})`,
      `REFERENCES ${this.quoteTable(references.table)} (${this.quoteNames(references.columns)})`,
      onDelete === "NO ACTION" ? "" : `ON DELETE ${onDelete}`,
      onUpdate === "NO ACTION" ? "" : `ON UPDATE ${onUpdate}`,
    ]
      .filter(Boolean)
      .join(" ");
  }

  /** `CONSTRAINT name ` or nothing. */
  named(name: string | undefined): string {
    return name === undefined ? "" : `CONSTRAINT ${this.sql.quote(name)} `;
  }
}

/** The condition that the database keeps as a part of the column. */
export function checkOf(table: Table, column: Column): string | undefined {
  return table.checks.find((check) => check.column === column.name)?.expression;
}

const SOURCES: readonly (readonly [RegExp, string])[] = [
  [/^tinyint\(1\)$/, "BOOLEAN"],
  [/^int(?:\(11\))?$/, "INTEGER"],
  [/^int(?:\(10\))? unsigned$/, "INTEGER.UNSIGNED"],
  [/^int\((\d+)\)$/, "INTEGER($1)"],
  [/^bigint(?:\(20\))?$/, "BIGINT"],
  [/^bigint(?:\(20\))? unsigned$/, "BIGINT.UNSIGNED"],
  [/^smallint(?:\(6\))?$/, "SMALLINT"],
  [/^smallint(?:\(5\))? unsigned$/, "SMALLINT.UNSIGNED"],
  [/^mediumint(?:\(9\))?$/, "MEDIUMINT"],
  [/^mediumint(?:\(8\))? unsigned$/, "MEDIUMINT.UNSIGNED"],
  [/^tinyint(?:\(4\))?$/, "TINYINT"],
  [/^tinyint(?:\(3\))? unsigned$/, "TINYINT.UNSIGNED"],
  [/^varchar\((\d+)\)$/, "STRING($1)"],
  [/^char\((\d+)\)$/, "CHAR($1)"],
  [/^(tiny|medium|long)text$/, 'TEXT("$1")'],
  [/^text$/, "TEXT"],
  [/^(tiny|medium|long)blob$/, 'BLOB("$1")'],
  [/^blob$/, "BLOB"],
  [/^decimal\(10,0\)$/, "DECIMAL"],
  [/^decimal\((\d+),0\)$/, "DECIMAL($1)"],
  [/^decimal\((\d+),(\d+)\)$/, "DECIMAL($1, $2)"],
  [/^float$/, "FLOAT"],
  [/^float\((\d+),(\d+)\)$/, "FLOAT($1, $2)"],
  [/^double$/, "DOUBLE"],
  [/^datetime$/, "DATE"],
  [/^datetime\((\d)\)$/, "DATE($1)"],
  [/^date$/, "DATEONLY"],
  [/^time$/, "TIME"],
  [/^json$/, "JSON"],
  [/^geometry$/, "GEOMETRY"],
  [/^point$/, 'GEOMETRY("POINT")'],
  [/^linestring$/, 'GEOMETRY("LINESTRING")'],
  [/^polygon$/, 'GEOMETRY("POLYGON")'],
];
