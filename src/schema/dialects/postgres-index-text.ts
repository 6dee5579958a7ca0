import type { Index, Table } from "../schema";
import { findColumn } from "../schema";
import { MAX_NAME_BYTES } from "./postgres-names";

const NAME = String.raw`"((?:[^"]|"")+)"`;
const STATEMENT = new RegExp(`^CREATE (UNIQUE )?INDEX ${NAME} ON (?:${NAME}\\.)?${NAME} \\((.*)\\);?$`, "s");
const PART = new RegExp(`^${NAME}( DESC)?$`);
/** Types that every version of the server orders by itself. */
const ORDERED =
  /^(?:integer|bigint|smallint|int|boolean|uuid|text|date|real|double precision|(?:character varying|varchar|char|character|numeric|decimal|timestamp)\b.*)$/i;

/**
 * The index that a CREATE INDEX statement makes, where its text alone tells: whole columns of ordinary types, in order.
 *
 * @returns undefined where the server must be asked what becomes of the statement
 */
export function readPlainIndex(statement: string, table: Table): Index | undefined {
  const [, unique, name = "", , , list = ""] = STATEMENT.exec(statement.trim()) ?? [];
  if (name === "" || Buffer.byteLength(name) > MAX_NAME_BYTES) return undefined;
  const columns: Index["columns"] = [];
  for (const text of list.split(", ")) {
    const [, column = "", descending] = PART.exec(text) ?? [];
    const found = findColumn(table, column.replaceAll('""', '"'));
    if (found === undefined || found.enumValues || found.collation || !ORDERED.test(found.type)) return undefined;
    columns.push({ column: found.name, ...(descending === undefined ? {} : { descending: true }) });
  }
  return { name: name.replaceAll('""', '"'), columns, unique: unique !== undefined };
}
