import type { DriverRow, StatementRunner } from "../../driver/dialect";
import type { Column, Index, ReferentialAction, Schema, Table } from "../schema";
import { emptyTable, findColumn, indexColumns } from "../schema";
import { isSymbol, nameOf, tokenize, withoutBrackets } from "../sql-tokens";

/**
 * Reads a database of MariaDB or MySQL from information_schema.
 *
 * @param literal  writes text as a literal of this connection
 */
export async function readMysqlDatabase(
  runner: StatementRunner,
  literal: (text: string) => string,
  only: readonly string[] | undefined,
): Promise<Schema> {
  const scope = (alias: string, schema = "TABLE_SCHEMA"): string =>
    `${alias}.${schema} = DATABASE()` +
    (only === undefined
      ? ""
      : only.length === 0
        ? " AND FALSE"
        : ` AND ${alias}.TABLE_NAME IN (${only.map(literal).join(", ")})`);
  const [server] = await runner.all("SELECT @@version AS version");
  const isMariadb = /mariadb/i.test(String(server?.["version"]));
  const relations = await runner.all(
    `SELECT t.TABLE_NAME AS t, t.TABLE_TYPE AS kind, t.ENGINE AS engine, t.TABLE_COLLATION AS collation, t.TABLE_COMMENT AS comment,
            @@collation_database AS usual, v.VIEW_DEFINITION AS view
       FROM information_schema.TABLES t
       LEFT JOIN information_schema.VIEWS v ON v.TABLE_SCHEMA = t.TABLE_SCHEMA AND v.TABLE_NAME = t.TABLE_NAME
      WHERE ${scope("t")} ORDER BY t.TABLE_NAME`,
  );
  const columns = await runner.all(
    `SELECT c.TABLE_NAME AS t, c.COLUMN_NAME AS name, c.COLUMN_TYPE AS type, c.DATA_TYPE AS base, c.IS_NULLABLE AS nullable,
            c.COLUMN_DEFAULT AS \`default\`, c.EXTRA AS extra, c.GENERATION_EXPRESSION AS generated, c.COLUMN_COMMENT AS comment,
            c.COLLATION_NAME AS collation
       FROM information_schema.COLUMNS c WHERE ${scope("c")} ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION`,
  );
  const indexes = await runner.all(
    `SELECT s.TABLE_NAME AS t, s.INDEX_NAME AS name, s.NON_UNIQUE AS plain, s.COLUMN_NAME AS col, s.COLLATION AS direction,
            s.SUB_PART AS part, s.INDEX_TYPE AS method${isMariadb ? "" : ", s.EXPRESSION AS expression"}
       FROM information_schema.STATISTICS s WHERE ${scope("s")} ORDER BY s.TABLE_NAME, s.INDEX_NAME, s.SEQ_IN_INDEX`,
  );
  const foreignKeys = await runner.all(
    `SELECT k.TABLE_NAME AS t, k.CONSTRAINT_NAME AS name, k.COLUMN_NAME AS col, k.REFERENCED_TABLE_NAME AS parent,
            k.REFERENCED_COLUMN_NAME AS parent_col, r.UPDATE_RULE AS on_update, r.DELETE_RULE AS on_delete
       FROM information_schema.KEY_COLUMN_USAGE k
       JOIN information_schema.REFERENTIAL_CONSTRAINTS r
         ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND r.TABLE_NAME = k.TABLE_NAME
      WHERE ${scope("k")} AND k.REFERENCED_TABLE_NAME IS NOT NULL ORDER BY k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION`,
  );
  const others = await runner.all(
    `${isMariadb ? MARIADB_CHECKS(scope("k", "CONSTRAINT_SCHEMA")) : MYSQL_CHECKS(scope("k", "CONSTRAINT_SCHEMA"))}
      UNION ALL
     SELECT 'trigger', g.EVENT_OBJECT_TABLE, g.TRIGGER_NAME,
            CONCAT('CREATE TRIGGER \`', g.TRIGGER_NAME, '\` ', g.ACTION_TIMING, ' ', g.EVENT_MANIPULATION, ' ON \`', g.EVENT_OBJECT_TABLE,
                   '\` FOR EACH ROW ', g.ACTION_STATEMENT), ''
       FROM information_schema.TRIGGERS g WHERE g.TRIGGER_SCHEMA = DATABASE()
      ORDER BY 2, 3`,
  );
  const schema: Schema = { tables: [], views: [], enums: [] };
  const tables = new Map<string, Table>();
  const usual = new Map<string, string>();
  for (const row of relations) {
    const table = readTable(row);
    tables.set(table.name, table);
    usual.set(table.name, String(row["collation"]));
    if (row["kind"] === "BASE TABLE") schema.tables.push(table);
    else if (row["kind"] === "VIEW") {
      schema.views.push({ name: table.name, columns: table.columns, sql: String(row["view"]) });
    }
  }
  for (const row of columns)
    tables.get(String(row["t"]))?.columns.push(readColumn(row, usual.get(String(row["t"])), isMariadb));
  for (const row of indexes) addIndexPart(tables.get(String(row["t"])), row);
  for (const row of foreignKeys) addForeignKeyPart(tables.get(String(row["t"])), row);
  for (const row of others) addOther(tables.get(String(row["t"])), row);
  for (const table of schema.tables) separateUniques(table);
  return schema;
}

const MARIADB_CHECKS = (scope: string): string =>
  `SELECT 'check' AS kind, k.TABLE_NAME AS t, k.CONSTRAINT_NAME AS name, k.CHECK_CLAUSE AS text, k.LEVEL AS level
     FROM information_schema.CHECK_CONSTRAINTS k WHERE ${scope}`;

const MYSQL_CHECKS = (scope: string): string =>
  `SELECT 'check' AS kind, k.TABLE_NAME AS t, k.CONSTRAINT_NAME AS name, c.CHECK_CLAUSE AS text, 'Table' AS level
     FROM information_schema.TABLE_CONSTRAINTS k
     JOIN information_schema.CHECK_CONSTRAINTS c ON c.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND c.CONSTRAINT_NAME = k.CONSTRAINT_NAME
    WHERE k.CONSTRAINT_TYPE = 'CHECK' AND ${scope}`;

function readTable(row: DriverRow): Table {
  const table = emptyTable(String(row["t"]));
  if (row["comment"] && row["kind"] === "BASE TABLE") table.comment = String(row["comment"]);
  const engine = String(row["engine"] ?? "InnoDB");
  const collation = String(row["collation"] ?? row["usual"]);
  if (engine !== "InnoDB" || collation !== row["usual"]) {
    table.options = {
      ...(engine === "InnoDB" ? {} : { engine }),
      ...(collation === row["usual"] ? {} : { collate: collation }),
    };
  }
  return table;
}

function readColumn(row: DriverRow, usualCollation: string | undefined, isMariadb: boolean): Column {
  const extra = String(row["extra"] ?? "");
  const column: Column = { name: String(row["name"]), type: String(row["type"]), nullable: row["nullable"] === "YES" };
  const text = row["default"] === null ? undefined : String(row["default"]);
  // MariaDB gives SQL, MySQL the bare text of a literal.
  const isSql = isMariadb || /DEFAULT_GENERATED/.test(extra) || /int|decimal|float|double|^bit/i.test(column.type);
  if (text !== undefined && !(isMariadb && text === "NULL"))
    column.default = isSql ? withoutBrackets(text) : `'${text.replaceAll("'", "''")}'`;
  if (/auto_increment/i.test(extra)) column.autoIncrement = true;
  if (row["generated"])
    column.generated = { expression: String(row["generated"]), stored: /STORED|PERSISTENT/i.test(extra) };
  const onUpdate = /on update (\S+)/i.exec(extra)?.[1];
  if (onUpdate !== undefined) column.onUpdate = onUpdate;
  if (row["collation"] !== null && row["collation"] !== usualCollation) column.collation = String(row["collation"]);
  if (row["comment"]) column.comment = String(row["comment"]);
  const values = enumValues(column.type);
  if (values) column.enumValues = values;
  return column;
}

/** The values of an ENUM type; undefined for another type. */
export function enumValues(type: string): string[] | undefined {
  if (!/^enum\(/i.test(type)) return undefined;
  return tokenize(type, { backslashes: true })
    .filter((token) => token.kind === "string")
    .map((token) => nameOf(token).replaceAll("\\\\", "\\"));
}

/** Turns the column into what its declaration as JSON was: text of a binary collation with a check of its own (MariaDB). */
export function foldJson(table: Table): void {
  table.checks = table.checks.filter((check) => {
    const column = findColumn(table, check.column ?? "");
    const tokens = tokenize(check.expression).filter((token) => token.kind !== "space");
    const isJson =
      column?.type === "longtext" &&
      tokens.length === 4 &&
      tokens[0]?.text.toLowerCase() === "json_valid" &&
      isSymbol(tokens[1], "(") &&
      nameOf(tokens[2]) === column.name;
    if (!isJson) return true;
    column.type = "json";
    delete column.collation;
    return false;
  });
}

function addIndexPart(table: Table | undefined, row: DriverRow): void {
  if (table === undefined) return;
  const name = String(row["name"]);
  if (name === "PRIMARY") {
    table.primaryKey = { columns: [...(table.primaryKey?.columns ?? []), String(row["col"])] };
    return;
  }
  let index = table.indexes.find((candidate) => candidate.name === name);
  if (index === undefined) {
    const method = String(row["method"]).toLowerCase();
    index = { name, columns: [], unique: Number(row["plain"]) === 0, ...(method === "btree" ? {} : { method }) };
    table.indexes.push(index);
  }
  index.columns.push({
    ...(row["col"] === null ? { expression: String(row["expression"]) } : { column: String(row["col"]) }),
    ...(row["direction"] === "D" ? { descending: true } : {}),
    ...(row["part"] === null || index.method === "spatial" ? {} : { length: Number(row["part"]) }),
  });
}

function addForeignKeyPart(table: Table | undefined, row: DriverRow): void {
  if (table === undefined) return;
  const name = String(row["name"]);
  let foreignKey = table.foreignKeys.find((candidate) => candidate.name === name);
  if (foreignKey === undefined) {
    foreignKey = {
      name,
      columns: [],
      references: { table: String(row["parent"]), columns: [] },
      onDelete: readAction(row["on_delete"]),
      onUpdate: readAction(row["on_update"]),
    };
    table.foreignKeys.push(foreignKey);
  }
  foreignKey.columns.push(String(row["col"]));
  foreignKey.references.columns.push(String(row["parent_col"]));
}

// What is written as NO ACTION or not at all reads as RESTRICT, and does the same.
function readAction(rule: unknown): ReferentialAction {
  return rule === "RESTRICT" ? "NO ACTION" : (String(rule) as ReferentialAction);
}

function addOther(table: Table | undefined, row: DriverRow): void {
  if (table === undefined) return;
  const [name, text] = [String(row["name"]), String(row["text"])];
  if (row["kind"] === "trigger") table.triggers.push({ name, sql: text });
  else if (row["level"] === "Column") table.checks.push({ expression: text, column: columnOfCheck(table, name, text) });
  else table.checks.push({ name, expression: text });
}

/** The column that a check is a part of: after a renaming the server goes on telling its former name. */
function columnOfCheck(table: Table, name: string, expression: string): string {
  const mentioned = tokenize(expression, { backslashes: true }).flatMap((token) =>
    token.kind === "name" ? [nameOf(token)] : [],
  );
  if (mentioned.includes(name)) return name;
  return mentioned.find((candidate) => findColumn(table, candidate) !== undefined) ?? name;
}

/** Moves the keys that are no more than unique columns from the indexes to the uniques, and folds JSON columns. */
export function separateUniques(table: Table): void {
  const isUnique = (index: Index): boolean =>
    index.unique &&
    index.method === undefined &&
    index.columns.every((part) => part.column !== undefined && !part.descending && part.length === undefined);
  for (const index of table.indexes.filter(isUnique)) {
    table.uniques.push({ name: index.name, columns: indexColumns(index) });
  }
  table.indexes = table.indexes.filter((index) => !isUnique(index));
  foldJson(table);
}
