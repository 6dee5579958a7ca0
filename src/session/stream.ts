import type { Connection } from "../driver/connection";
import type { DriverRow } from "../driver/dialect";
import { openRowStream } from "../driver/stream";
import type { CompiledSelect } from "../query/query-executor";

/** How a stream takes its turns in the session. */
export interface StreamTurns {
  /** Flushes, compiles and starts, as one operation. */
  open<T>(start: (compiled: CompiledSelect) => Promise<T>): Promise<T>;
  /** One further operation. */
  turn<T>(work: () => Promise<T>): Promise<T>;
  read(rows: readonly DriverRow[], compiled: CompiledSelect): Promise<unknown[]>;
}

/**
 * The results of a SELECT in batches, in bounded memory: between two batches other statements of the session may run.
 *
 * Leaving the loop closes what the database keeps.
 */
export async function* streamRows(connection: Connection, batch: number, turns: StreamTurns): AsyncGenerator<unknown> {
  const { compiled, stream } = await turns.open(async (select) => ({
    compiled: select,
    stream: await openRowStream(connection, select, batch),
  }));
  try {
    for (;;) {
      const results = await turns.turn(async () => {
        const rows = await stream.next();
        return rows.length === 0 ? undefined : turns.read(rows, compiled);
      });
      if (results === undefined) return;
      yield* results;
    }
  } finally {
    await turns.turn(() => stream.close());
  }
}
