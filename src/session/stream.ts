import type { Connection } from "../driver/connection";
import type { DriverRow } from "../driver/dialect";
import type { CompiledSelect } from "../query/query-executor";

/** How a stream takes its turns in the session. */
export interface StreamTurns {
  /** Flushes, compiles and starts, as one operation. */
  open<T>(start: (compiled: CompiledSelect) => Promise<T>): Promise<T>;
  /** One further operation. */
  turn<T>(work: () => Promise<T>): Promise<T>;
  read(rows: readonly DriverRow[], compiled: CompiledSelect): Promise<unknown[]>;
}

let cursorCount = 0;

/**
 * The results of a SELECT in batches, in bounded memory: between two batches other statements of the session may run.
 *
 * Leaving the loop closes the cursor. Where the database cannot keep one, all rows are read at once.
 */
export async function* streamRows(connection: Connection, batch: number, turns: StreamTurns): AsyncGenerator<unknown> {
  const name = `seqshell_cursor_${++cursorCount}`;
  const {
    compiled,
    cursor,
    rows: buffered,
  } = await turns.open(async (select) => {
    const statements = connection.dialect.cursorStatements(name, select.sql);
    if (statements === undefined) {
      return { compiled: select, cursor: undefined, rows: await connection.all(select.sql, select.parameters) };
    }
    await connection.run(statements.open, select.parameters);
    return { compiled: select, cursor: statements, rows: [] };
  });
  if (cursor === undefined) {
    yield* await turns.turn(() => turns.read(buffered, compiled));
    return;
  }
  try {
    for (let taken = 0; ;) {
      const { results, count } = await turns.turn(async () => {
        const rows = await connection.all(cursor.fetch(batch, taken));
        if (cursor.position !== undefined) for (const row of rows) delete row[cursor.position];
        return { results: await turns.read(rows, compiled), count: rows.length };
      });
      taken += count;
      yield* results;
      if (count < batch) return;
    }
  } finally {
    // A rollback meanwhile has closed it already.
    await turns.turn(() => connection.run(cursor.close)).catch(() => undefined);
  }
}
