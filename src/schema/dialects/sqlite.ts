import type { DriverRow, StatementRunner } from "../../driver/dialect";
import { ShellError } from "../../errors";
import { parseCreateIndex } from "../create-index-text";
import type { ConstraintText } from "../create-table-text";
import { CreateTableText } from "../create-table-text";
import { dataTypeSource, quoteSource } from "../data-type";
import type { Column, Index, IndexColumn, Schema, Table, View } from "../schema";
import { emptyTable, findColumn } from "../schema";
import { tokenize } from "../sql-tokens";
import type { ReadOptions } from "./schema-dialect";
import { SchemaDialect } from "./schema-dialect";

/** SQLite: three statements, and the kept text of each table for what no PRAGMA tells. */
export class SqliteSchemaDialect extends SchemaDialect {
  override readonly hasComments = false;
  override readonly maxNameBytes = Infinity;

  override async read(runner: StatementRunner, options: ReadOptions = {}): Promise<Schema> {
    const { condition, parameters } = nameFilter(options.tables);
    const objects = await runner.all(
      `SELECT m.type, m.name, m.tbl_name AS "table", m.sql, l.type AS kind, l.wr, l.strict
         FROM sqlite_master m LEFT JOIN pragma_table_list l ON l.schema = 'main' AND l.name = m.name
        WHERE ${condition("m.tbl_name")} ORDER BY m.name, m.rowid`,
      parameters,
    );
    const tables = objects.filter((row) => row["type"] === "table" && row["kind"] !== "shadow");
    const columns = await this.#columns(runner, "table", condition, parameters);
    const indexes = await runner.all(
      `SELECT m.name AS "table", l.name AS "index", l."unique", l.partial, i.cid, i.name AS "column", i."desc", i.coll
         FROM sqlite_master m, pragma_index_list(m.name) l, pragma_index_xinfo(l.name) i
        WHERE m.type = 'table' AND l.origin = 'c' AND i.key = 1 AND ${condition("m.name")} ORDER BY m.name, l.name, i.seqno`,
      parameters,
    );
    const views = objects.filter((row) => row["type"] === "view");
    return {
      tables: tables.map((row) => this.#table(row, objects, columns, indexes)),
      views: views.length === 0 ? [] : await this.#views(runner, views, condition, parameters),
      enums: [],
    };
  }

  #columns(runner: StatementRunner, type: string, condition: (name: string) => string, parameters: unknown[]): Promise<DriverRow[]> {
    return runner.all(
      `SELECT m.name AS "table", c.name, c.type, c."notnull", c.dflt_value, c.pk, c.hidden
         FROM sqlite_master m, pragma_table_xinfo(m.name) c
        WHERE m.type = ? AND ${condition("m.name")} ORDER BY m.name, c.cid`,
      [type, ...parameters],
    );
  }

  /** Columns of views; a view whose table is gone has none, and does not keep the others from being read. */
  async #views(runner: StatementRunner, rows: DriverRow[], condition: (name: string) => string, parameters: unknown[]): Promise<View[]> {
    const columns: DriverRow[] = [];
    try {
      columns.push(...(await this.#columns(runner, "view", condition, parameters)));
    } catch {
      for (const row of rows) {
        columns.push(...(await this.#columns(runner, "view", (name) => `${name} = ?`, [row["name"]]).catch(() => [])));
      }
    }
    return rows.map((row) => ({
      name: String(row["name"]),
      sql: String(row["sql"]),
      columns: columns
        .filter((column) => column["table"] === row["name"])
        .map((column) => ({ name: String(column["name"]), type: String(column["type"]), nullable: true })),
    }));
  }

  #table(row: DriverRow, objects: DriverRow[], columns: DriverRow[], indexes: DriverRow[]): Table {
    const name = String(row["name"]);
    const table = emptyTable(name);
    table.sql = String(row["sql"]);
    if (row["strict"] === 1 || row["wr"] === 1 || row["kind"] === "virtual") {
      table.options = {
        ...(row["strict"] === 1 ? { strict: true } : {}),
        ...(row["wr"] === 1 ? { withoutRowid: true } : {}),
        ...(row["kind"] === "virtual" ? { virtual: true } : {}),
      };
    }
    const own = columns.filter((column) => column["table"] === name);
    table.columns = own.filter((column) => column["hidden"] !== 1).map(readColumn);
    const key = own.filter((column) => Number(column["pk"]) > 0).sort((a, b) => Number(a["pk"]) - Number(b["pk"]));
    if (key.length > 0) table.primaryKey = { columns: key.map((column) => String(column["name"])) };
    if (row["kind"] !== "virtual") addFromText(table);
    table.indexes = readIndexes(
      table,
      indexes.filter((index) => index["table"] === name),
      objects,
    );
    table.triggers = objects
      .filter((object) => object["type"] === "trigger" && object["table"] === name)
      .map((object) => ({ name: String(object["name"]), sql: String(object["sql"]) }));
    return table;
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
    if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return String(Number(text));
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

  override typeSource(column: Column): string {
    return dataTypeSource(SOURCES, this.normalType(column.type)) ?? quoteSource(column.type);
  }

  override createTable(table: Table): string[] {
    const parts = table.columns.map((column) => this.columnDefinition(table, column));
    const key = table.primaryKey;
    if (key && key.columns.length > 1) parts.push(`${this.#named(key.name)}PRIMARY KEY (${this.quoteNames(key.columns)})`);
    for (const unique of table.uniques) parts.push(`${this.#named(unique.name)}UNIQUE (${this.quoteNames(unique.columns)})`);
    for (const check of table.checks) parts.push(`${this.#named(check.name)}CHECK (${check.expression})`);
    for (const foreignKey of table.foreignKeys) {
      parts.push(`${this.#named(foreignKey.name)}FOREIGN KEY (${this.quoteNames(foreignKey.columns)}) ${this.references(foreignKey)}`);
    }
    const options = [table.options?.strict ? "STRICT" : "", table.options?.withoutRowid ? "WITHOUT ROWID" : ""].filter(Boolean);
    return [`CREATE TABLE ${this.quoteTable(table.name)} (\n  ${parts.join(",\n  ")}\n)${options.length > 0 ? ` ${options.join(", ")}` : ""}`];
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

  /** A column as it stands in CREATE TABLE and ADD COLUMN; a key of one column stands with it. */
  columnDefinition(table: Table, column: Column): string {
    const key = table.primaryKey;
    const isKey = key?.columns.length === 1 && key.columns[0] === column.name;
    return [
      this.sql.quote(column.name),
      column.type,
      isKey ? `${this.#named(key.name)}PRIMARY KEY${column.autoIncrement ? " AUTOINCREMENT" : ""}` : "",
      column.nullable ? "" : "NOT NULL",
      column.default === undefined ? "" : `DEFAULT ${this.defaultText(column.default)}`,
      column.collation === undefined ? "" : `COLLATE ${column.collation}`,
      column.generated ? `GENERATED ALWAYS AS (${column.generated.expression}) ${column.generated.stored ? "STORED" : "VIRTUAL"}` : "",
    ]
      .filter(Boolean)
      .join(" ");
  }

  /** A default as it stands behind DEFAULT: what is more than one literal needs brackets. */
  defaultText(text: string): string {
    const literal = /^(?:[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:e[+-]?\d+)?|[xX]'[0-9a-f]*'|null|true|false|current_(?:timestamp|date|time))$/i;
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

  #named(name: string | undefined): string {
    return name === undefined ? "" : `CONSTRAINT ${this.sql.quote(name)} `;
  }
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

function nameFilter(tables: readonly string[] | undefined): { condition: (name: string) => string; parameters: unknown[] } {
  const condition = (name: string): string =>
    `${name} NOT LIKE 'sqlite\\_%' ESCAPE '\\'` + (tables === undefined ? "" : ` AND ${name} IN (${tables.map(() => "?").join(", ")})`);
  return { condition, parameters: [...(tables ?? [])] };
}

function readColumn(row: DriverRow): Column {
  const column: Column = { name: String(row["name"]), type: String(row["type"]), nullable: row["notnull"] !== 1 };
  if (row["dflt_value"] !== null) column.default = String(row["dflt_value"]);
  return column;
}

/** Adds what only the text of the table tells: constraints and their names, collations, generated columns. */
function addFromText(table: Table): void {
  let text: CreateTableText;
  try {
    text = new CreateTableText(table.sql ?? "");
  } catch (cause) {
    throw new ShellError(`Cannot read the definition of table "${table.name}".`, { cause });
  }
  for (const constraint of text.allConstraints()) addConstraint(table, constraint);
}

function addConstraint(table: Table, constraint: ConstraintText): void {
  const named = constraint.name === undefined ? {} : { name: constraint.name };
  const columns = constraint.columns.map((name) => table.columns.find((c) => c.name.toLowerCase() === name.toLowerCase())?.name ?? name);
  const column = findColumn(table, columns[0] ?? "");
  switch (constraint.kind) {
    case "primaryKey":
      if (table.primaryKey && constraint.name !== undefined) table.primaryKey.name = constraint.name;
      if (constraint.autoIncrement && column) column.autoIncrement = true;
      break;
    case "unique":
      table.uniques.push({ ...named, columns });
      break;
    case "check":
      table.checks.push({ ...named, expression: constraint.expression ?? "" });
      break;
    case "foreignKey": {
      const { table: parent = "", columns: parentColumns = [], onDelete, onUpdate, deferrable } = constraint.references ?? {};
      table.foreignKeys.push({
        ...named,
        columns,
        references: { table: parent, columns: parentColumns },
        onDelete: onDelete ?? "NO ACTION",
        onUpdate: onUpdate ?? "NO ACTION",
        ...(deferrable === undefined ? {} : { deferrable }),
      });
      break;
    }
    case "collate":
      if (column && constraint.expression?.toUpperCase() !== "BINARY") column.collation = constraint.expression ?? "";
      break;
    case "generated":
      if (column) column.generated = { expression: constraint.expression ?? "", stored: constraint.stored ?? false };
      break;
    default:
      break;
  }
}

function readIndexes(table: Table, rows: readonly DriverRow[], objects: readonly DriverRow[]): Index[] {
  const byName = new Map<string, DriverRow[]>();
  for (const row of rows) {
    const name = String(row["index"]);
    byName.set(name, [...(byName.get(name) ?? []), row]);
  }
  return [...byName].map(([name, parts]) => {
    const sql = String(objects.find((object) => object["type"] === "index" && object["name"] === name)?.["sql"]);
    const text = parseCreateIndex(sql);
    const columns = parts.map((part, i): IndexColumn => {
      const column = part["column"] === null ? undefined : String(part["column"]);
      const usual = column === undefined ? "BINARY" : (findColumn(table, column)?.collation ?? "BINARY");
      const collation = String(part["coll"]);
      return {
        ...(column === undefined ? { expression: text.parts[i] ?? "" } : { column }),
        ...(part["desc"] === 1 ? { descending: true } : {}),
        ...(collation.toUpperCase() === usual.toUpperCase() ? {} : { collation }),
      };
    });
    return { name, columns, unique: parts[0]?.["unique"] === 1, sql, ...(text.where === undefined ? {} : { where: text.where }) };
  });
}
