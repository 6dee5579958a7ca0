import type { Cursor, RowRunner } from "./dialect";
import type { ResultColumn, RowSink } from "./row-sink";

/** A function of SQLite takes so many values, however it was built. */
const MOST_COLUMNS = 100;

/**
 * A result that SQLite keeps in a temporary table, whose rows are numbered from 1 in the order of the SELECT.
 *
 * From the second batch on a batch travels as one JSON text, which is read several times as fast as the driver makes rows.
 * JSON has no bytes, and SQLite writes fractions into it with 15 digits: a result with one of these is read as it is.
 *
 * @param quote  quotes a name
 */
export function sqliteCursor(name: string, batch: number, quote: (name: string) => string): Cursor {
  const table = `temp.${name}`;
  const rows = `SELECT * FROM ${table} WHERE _rowid_ > ? AND _rowid_ <= ? ORDER BY _rowid_`;
  let position = 0;
  let packed: Packed | false | undefined;
  return {
    open: ({ sql, parameters }) => ({ sql: `CREATE TEMP TABLE ${name} AS ${sql}`, parameters }),
    async read(runner, sink) {
      if (position > 0) packed ??= await packedColumns(runner, name, quote);
      const parameters = [position, (position += batch)];
      if (packed) return packed.read(runner, `(${rows})`, parameters, sink);
      return runner.read(rows, parameters, sink);
    },
    close: async (runner) => void (await runner.run(`DROP TABLE IF EXISTS ${table}`)),
  };
}

/** The columns of a table whose rows JSON can carry. */
class Packed {
  readonly #columns: readonly ResultColumn[];
  readonly #select: string;

  constructor(names: readonly string[], quote: (name: string) => string) {
    this.#columns = names.map((name) => ({ name, parse: undefined }));
    this.#select = `SELECT json_group_array(json_array(${names.map(quote).join(", ")})) AS batch FROM `;
  }

  async read(runner: RowRunner, from: string, parameters: readonly unknown[], sink: RowSink): Promise<number> {
    const [row] = await runner.all(this.#select + from, parameters);
    const rows = JSON.parse(String(row?.["batch"])) as unknown[][];
    sink.columns(this.#columns);
    for (let i = 0; i < rows.length; i++) sink.row(rows[i] as unknown[]);
    return rows.length;
  }
}

async function packedColumns(
  runner: RowRunner,
  name: string,
  quote: (name: string) => string,
): Promise<Packed | false> {
  const columns = await runner.all(`PRAGMA temp.table_info(${name})`);
  const names = columns.map((column) => String(column["name"]));
  const isOther = names.map((each) => `typeof(${quote(each)}) IN ('real', 'blob')`).join(" OR ");
  const [other] = await runner.all(`SELECT 1 FROM temp.${name} WHERE ${isOther} LIMIT 1`);
  return other === undefined && names.length <= MOST_COLUMNS && new Packed(names, quote);
}
