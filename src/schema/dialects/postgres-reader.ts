import type { DriverRow, StatementRunner } from "../../driver/dialect";
import type { Column, IndexColumn, ReferentialAction, Schema, Table } from "../schema";
import { emptyTable } from "../schema";
import { withoutBrackets } from "../sql-tokens";
import { bareName, schemaOf } from "./postgres-names";
import type { ReadOptions } from "./schema-dialect";

/** The schema that a bare table name means on this connection. */
export async function homeSchema(runner: StatementRunner): Promise<string> {
  const [row] = await runner.all("SELECT current_schema() AS name");
  return String(row?.["name"] ?? "public");
}

/**
 * Reads a database of PostgreSQL from its catalogue.
 *
 * @param literal  writes text as a literal
 */
export async function readPostgresDatabase(
  runner: StatementRunner,
  literal: (text: string) => string,
  options: ReadOptions,
): Promise<Schema> {
  const home = await homeSchema(runner);
  const named = (options.tables ?? []).map((name) => schemaOf(name) ?? home);
  const schemas = [...new Set([home, ...(options.schemas ?? []), ...named])];
  const scope = `n.nspname IN (${schemas.map(literal).join(", ")})`;
  const pairs = options.tables?.map((name) => `(${literal(schemaOf(name) ?? home)}, ${literal(bareName(name))})`);
  const only =
    pairs === undefined
      ? ""
      : pairs.length === 0
        ? " AND false"
        : ` AND (n.nspname, c.relname) IN (${pairs.join(", ")})`;
  const columns = await runner.all(COLUMNS(scope + only));
  const constraints = await runner.all(CONSTRAINTS(scope + only));
  const indexes = await runner.all(INDEXES(scope + only));
  const others = await runner.all(`${TRIGGERS(scope + only)} UNION ALL ${ENUMS(scope)} ORDER BY 2, 3`);
  return build(home, columns, constraints, indexes, others);
}

const NOT_OF_AN_EXTENSION = (oid: string, catalogue: string): string =>
  `NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = '${catalogue}'::regclass AND e.objid = ${oid} AND e.deptype = 'e')`;

const RELATIONS = (kinds: string): string =>
  `c.relkind IN (${kinds}) AND NOT c.relispartition AND ${NOT_OF_AN_EXTENSION("c.oid", "pg_class")}`;

const NAMES = (keys: string, relation: string): string =>
  `(SELECT json_agg(x.attname ORDER BY k.ord) FROM unnest(${keys}) WITH ORDINALITY k(num, ord)
      JOIN pg_attribute x ON x.attrelid = ${relation} AND x.attnum = k.num)::text`;

const COLUMNS = (scope: string): string => `
  SELECT n.nspname, c.relname, c.relkind::text, obj_description(c.oid, 'pg_class') AS table_comment,
         a.attname, a.attnotnull, a.attidentity::text, a.attgenerated::text, format_type(a.atttypid, a.atttypmod) AS type,
         pg_get_expr(d.adbin, d.adrelid) AS "default", col_description(c.oid, a.attnum) AS comment,
         (SELECT l.collname FROM pg_collation l WHERE l.oid = a.attcollation AND a.attcollation <> t.typcollation) AS collation,
         (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder)::text FROM pg_enum e WHERE e.enumtypid IN (t.oid, t.typelem)) AS "values",
         EXISTS (SELECT 1 FROM pg_depend p JOIN pg_class s ON s.oid = p.objid AND s.relkind = 'S'
                  WHERE p.classid = 'pg_class'::regclass AND p.refclassid = 'pg_class'::regclass AND p.refobjid = c.oid AND p.refobjsubid = a.attnum AND p.deptype = 'a') AS owns_sequence,
         CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END AS view
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
   WHERE ${scope} AND ${RELATIONS("'r', 'p', 'v', 'm'")}
   ORDER BY n.nspname, c.relname, a.attnum`;

const CONSTRAINTS = (scope: string): string => `
  SELECT n.nspname, c.relname, o.conname, o.contype::text, o.condeferrable, o.condeferred, o.confupdtype::text, o.confdeltype::text,
         pn.nspname AS parent_schema, pc.relname AS parent, pg_get_expr(o.conbin, o.conrelid) AS expression,
         ${NAMES("o.conkey", "o.conrelid")} AS columns, ${NAMES("o.confkey", "o.confrelid")} AS parent_columns
    FROM pg_constraint o
    JOIN pg_class c ON c.oid = o.conrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_class pc ON pc.oid = o.confrelid
    LEFT JOIN pg_namespace pn ON pn.oid = pc.relnamespace
   WHERE ${scope} AND o.contype IN ('p', 'u', 'f', 'c') AND ${RELATIONS("'r', 'p'")}
   ORDER BY n.nspname, c.relname, o.conname`;

/** One row for each part; the server expects few of them, where it would compile the statement for a thousand of a series. */
const INDEXES = (scope: string): string => `
  SELECT n.nspname, c.relname, ic.relname AS index, i.indisunique, am.amname, pg_get_expr(i.indpred, i.indrelid) AS condition,
         k.num, k.num > i.indnkeyatts AS included, x.attname, pg_get_indexdef(i.indexrelid, k.num::int, false) AS definition,
         i.indoption[k.num - 1] AS option,
         (SELECT l.collname FROM pg_collation l WHERE l.oid = i.indcollation[k.num - 1] AND l.oid <> coalesce(x.attcollation, 100)) AS collation,
         (SELECT oc.opcname FROM pg_opclass oc WHERE oc.oid = i.indclass[k.num - 1] AND NOT oc.opcdefault) AS opclass
    FROM pg_index i
    JOIN pg_class c ON c.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class ic ON ic.oid = i.indexrelid
    JOIN pg_am am ON am.oid = ic.relam
    CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY k(att, num)
    LEFT JOIN pg_attribute x ON x.attrelid = i.indrelid AND x.attnum = k.att AND k.att <> 0
   WHERE ${scope} AND ${RELATIONS("'r', 'p', 'm'")}
     AND NOT EXISTS (SELECT 1 FROM pg_constraint o WHERE o.conindid = i.indexrelid AND o.contype IN ('p', 'u', 'x'))
   ORDER BY n.nspname, c.relname, ic.relname, k.num`;

const TRIGGERS = (scope: string): string => `
  SELECT 'trigger' AS kind, n.nspname::text AS nspname, g.tgname::text AS name, c.relname::text AS relname, pg_get_triggerdef(g.oid) AS text
    FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE NOT g.tgisinternal AND ${scope}`;

const ENUMS = (scope: string): string => `
  SELECT 'enum', n.nspname::text, t.typname::text, NULL, (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder)::text FROM pg_enum e WHERE e.enumtypid = t.oid)
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
   WHERE t.typtype = 'e' AND ${scope} AND ${NOT_OF_AN_EXTENSION("t.oid", "pg_type")}`;

const ACTIONS: Record<string, ReferentialAction> = {
  a: "NO ACTION",
  r: "RESTRICT",
  c: "CASCADE",
  n: "SET NULL",
  d: "SET DEFAULT",
};

function build(
  home: string,
  columns: DriverRow[],
  constraints: DriverRow[],
  indexes: DriverRow[],
  others: DriverRow[],
): Schema {
  const key = (row: DriverRow, schema = "nspname", name = "relname"): string =>
    row[schema] === home ? String(row[name]) : `${String(row[schema])}.${String(row[name])}`;
  const schema: Schema = { tables: [], views: [], enums: [] };
  const tables = new Map<string, Table>();
  for (const row of columns) {
    const name = key(row);
    const isView = row["relkind"] === "v" || row["relkind"] === "m";
    let table = tables.get(name);
    if (table === undefined) {
      table = emptyTable(name);
      if (row["table_comment"]) table.comment = String(row["table_comment"]);
      tables.set(name, table);
      if (isView) {
        const materialized = row["relkind"] === "m" ? { materialized: true } : {};
        schema.views.push({ name, columns: table.columns, sql: String(row["view"]), ...materialized });
      } else schema.tables.push(table);
    }
    if (row["attname"] !== null) table.columns.push(readColumn(row));
  }
  for (const row of constraints) addConstraint(tables.get(key(row)), row, key(row, "parent_schema", "parent"));
  for (const row of indexes) addIndexPart(tables.get(key(row)), row);
  for (const row of others) {
    if (row["kind"] === "enum") schema.enums.push({ name: key(row, "nspname", "name"), values: list(row["text"]) });
    else tables.get(key(row))?.triggers.push({ name: String(row["name"]), sql: String(row["text"]) });
  }
  return schema;
}

function list(json: unknown): string[] {
  return json === null ? [] : (JSON.parse(String(json)) as string[]);
}

function readColumn(row: DriverRow): Column {
  const column: Column = {
    name: String(row["attname"]),
    type: String(row["type"]),
    nullable: row["attnotnull"] !== true,
  };
  const text = row["default"] === null ? undefined : String(row["default"]);
  if (row["attgenerated"]) column.generated = { expression: withoutBrackets(text ?? ""), stored: true };
  else if (row["attidentity"]) {
    column.autoIncrement = true;
    column.identity = row["attidentity"] === "a" ? "always" : "byDefault";
  } else if (row["owns_sequence"] === true && text?.startsWith("nextval(")) column.autoIncrement = true;
  else if (text !== undefined) column.default = text;
  if (row["collation"] !== null) column.collation = String(row["collation"]);
  if (row["comment"]) column.comment = String(row["comment"]);
  if (row["values"] !== null) column.enumValues = list(row["values"]);
  return column;
}

function addConstraint(table: Table | undefined, row: DriverRow, parent: string): void {
  if (table === undefined) return;
  const name = String(row["conname"]);
  const columns = list(row["columns"]);
  const deferrable =
    row["condeferrable"] === true
      ? { deferrable: row["condeferred"] === true ? ("deferred" as const) : ("immediate" as const) }
      : {};
  switch (row["contype"]) {
    case "p":
      table.primaryKey = { name, columns };
      break;
    case "u":
      table.uniques.push({ name, columns, ...deferrable });
      break;
    case "c":
      table.checks.push({ name, expression: withoutBrackets(String(row["expression"])) });
      break;
    default:
      table.foreignKeys.push({
        name,
        columns,
        references: { table: parent, columns: list(row["parent_columns"]) },
        onDelete: ACTIONS[String(row["confdeltype"])] ?? "NO ACTION",
        onUpdate: ACTIONS[String(row["confupdtype"])] ?? "NO ACTION",
        ...deferrable,
      });
  }
}

function addIndexPart(table: Table | undefined, row: DriverRow): void {
  if (table === undefined) return;
  const name = String(row["index"]);
  let index = table.indexes.find((candidate) => candidate.name === name);
  if (index === undefined) {
    index = { name, columns: [], unique: row["indisunique"] === true };
    if (row["condition"] !== null) index.where = withoutBrackets(String(row["condition"]));
    if (row["amname"] !== "btree") index.method = String(row["amname"]);
    table.indexes.push(index);
  }
  if (row["included"] === true) {
    index.include = [...(index.include ?? []), String(row["attname"])];
    return;
  }
  const option = Number(row["option"]);
  const descending = (option & 1) === 1;
  const nullsFirst = (option & 2) === 2;
  const part: IndexColumn = {
    ...(row["attname"] === null
      ? { expression: withoutBrackets(String(row["definition"])) }
      : { column: String(row["attname"]) }),
    ...(descending ? { descending } : {}),
    ...(descending === nullsFirst ? {} : { nulls: nullsFirst ? ("first" as const) : ("last" as const) }),
    ...(row["collation"] === null ? {} : { collation: String(row["collation"]) }),
    ...(row["opclass"] === null ? {} : { operatorClass: String(row["opclass"]) }),
  };
  index.columns.push(part);
}
