import type { DriverRow, StatementRunner } from "../../driver/dialect";
import { ShellError } from "../../errors";
import { parseCreateIndex } from "../create-index-text";
import type { ConstraintText } from "../create-table-text";
import { CreateTableText } from "../create-table-text";
import type { Column, Index, IndexColumn, Schema, Table, View } from "../schema";
import { emptyTable, findColumn } from "../schema";

/** A condition on a name, and its parameters. */
interface NameFilter {
  condition: (name: string) => string;
  parameters: unknown[];
}

/** Rows by the table that they tell of. */
type RowsByTable = ReadonlyMap<string, DriverRow[]>;

/** Reads a database of SQLite with four statements, and the kept text of each table for what no PRAGMA tells. */
export async function readSqliteDatabase(
  runner: StatementRunner,
  only: readonly string[] | undefined,
): Promise<Schema> {
  const filter = nameFilter(only);
  const { condition, parameters } = filter;
  const objects = await runner.all(
    `SELECT m.type, m.name, m.tbl_name AS "table", m.sql, l.type AS kind, l.wr, l.strict
       FROM sqlite_master m LEFT JOIN pragma_table_list l ON l.schema = 'main' AND l.name = m.name
      WHERE ${condition("m.tbl_name")} ORDER BY m.name, m.rowid`,
    parameters,
  );
  const columns = byTable(await readColumns(runner, "table", filter));
  const indexes = await runner.all(
    `SELECT m.name AS "table", l.name AS "index", l."unique", l.partial, i.cid, i.name AS "column", i."desc", i.coll
       FROM sqlite_master m, pragma_index_list(m.name) l, pragma_index_xinfo(l.name) i
      WHERE m.type = 'table' AND l.origin = 'c' AND i.key = 1 AND ${condition("m.name")} ORDER BY m.name, l.name, i.seqno`,
    parameters,
  );
  const tables = objects.filter((row) => row["type"] === "table" && row["kind"] !== "shadow");
  const views = objects.filter((row) => row["type"] === "view");
  const parts = { columns, indexes: byTable(indexes), objects: byTable(objects) };
  return {
    tables: tables.map((row) => readTable(row, parts)),
    views: views.length === 0 ? [] : await readViews(runner, views, filter),
    enums: [],
  };
}

function byTable(rows: readonly DriverRow[]): RowsByTable {
  const grouped = new Map<string, DriverRow[]>();
  for (const row of rows) {
    const name = String(row["table"]);
    const known = grouped.get(name);
    if (known) known.push(row);
    else grouped.set(name, [row]);
  }
  return grouped;
}

function readColumns(
  runner: StatementRunner,
  type: string,
  { condition, parameters }: NameFilter,
): Promise<DriverRow[]> {
  return runner.all(
    `SELECT m.name AS "table", c.name, c.type, c."notnull", c.dflt_value, c.pk, c.hidden
       FROM sqlite_master m, pragma_table_xinfo(m.name) c
      WHERE m.type = ? AND ${condition("m.name")} ORDER BY m.name, c.cid`,
    [type, ...parameters],
  );
}

/** Columns of views; a view whose table is gone has none, and does not keep the others from being read. */
async function readViews(runner: StatementRunner, rows: DriverRow[], filter: NameFilter): Promise<View[]> {
  const columns: DriverRow[] = [];
  try {
    columns.push(...(await readColumns(runner, "view", filter)));
  } catch {
    for (const row of rows) {
      const alone = { condition: (name: string): string => `${name} = ?`, parameters: [row["name"]] };
      columns.push(...(await readColumns(runner, "view", alone).catch(() => [])));
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

function readTable(row: DriverRow, parts: { columns: RowsByTable; indexes: RowsByTable; objects: RowsByTable }): Table {
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
  const own = parts.columns.get(name) ?? [];
  table.columns = own.filter((column) => column["hidden"] !== 1).map(readColumn);
  const key = own.filter((column) => Number(column["pk"]) > 0).sort((a, b) => Number(a["pk"]) - Number(b["pk"]));
  if (key.length > 0) table.primaryKey = { columns: key.map((column) => String(column["name"])) };
  if (row["kind"] !== "virtual") addFromText(table);
  const objects = parts.objects.get(name) ?? [];
  table.indexes = readIndexes(table, parts.indexes.get(name) ?? [], objects);
  table.triggers = objects
    .filter((object) => object["type"] === "trigger")
    .map((object) => ({ name: String(object["name"]), sql: String(object["sql"]) }));
  return table;
}

function nameFilter(tables: readonly string[] | undefined): NameFilter {
  const condition = (name: string): string =>
    `${name} NOT LIKE 'sqlite\\_%' ESCAPE '\\'` +
    (tables === undefined ? "" : ` AND ${name} IN (${tables.map(() => "?").join(", ")})`);
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
  for (const { name, type } of text.columns) {
    // The PRAGMA leaves a part of a comment in the type of a generated column.
    const column = findColumn(table, name);
    if (column?.generated) column.type = type;
  }
}

function addConstraint(table: Table, constraint: ConstraintText): void {
  const named = constraint.name === undefined ? {} : { name: constraint.name };
  const columns = constraint.columns.map(
    (name) => table.columns.find((c) => c.name.toLowerCase() === name.toLowerCase())?.name ?? name,
  );
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
      const {
        table: parent = "",
        columns: parentColumns = [],
        onDelete,
        onUpdate,
        deferrable,
      } = constraint.references ?? {};
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
    return {
      name,
      columns,
      unique: parts[0]?.["unique"] === 1,
      sql,
      ...(text.where === undefined ? {} : { where: text.where }),
    };
  });
}
