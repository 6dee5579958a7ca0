import type { Connection } from "../driver/connection";
import type { DriverRow } from "../driver/dialect";
import type { RowStream } from "../driver/stream";
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
 * Leaving the loop closes what the database keeps. An iterator of its own, and no generator: a result that is there already
 * costs one promise.
 */
export function streamRows(connection: Connection, batch: number, turns: StreamTurns): AsyncIterableIterator<unknown> {
  let opened: { compiled: CompiledSelect; stream: RowStream } | undefined;
  let results: unknown[] = [];
  let position = 0;
  let isDone = false;

  const close = async (): Promise<void> => {
    isDone = true;
    const { stream } = opened ?? {};
    if (stream !== undefined) await turns.turn(() => stream.close());
  };

  const readOn = async (): Promise<IteratorResult<unknown>> => {
    try {
      opened ??= await turns.open(async (compiled) => ({
        compiled,
        stream: await openRowStream(connection, compiled, batch),
      }));
      const { compiled, stream } = opened;
      const read = await turns.turn(async () => {
        const rows = await stream.next();
        return rows.length === 0 ? undefined : turns.read(rows, compiled);
      });
      if (read === undefined) {
        await close();
        return { done: true, value: undefined };
      }
      results = read;
      position = 0;
    } catch (error) {
      await close();
      throw error;
    }
    return iterator.next();
  };

  const iterator: AsyncIterableIterator<unknown> = {
    next() {
      if (position < results.length) return Promise.resolve({ done: false, value: results[position++] });
      return isDone ? Promise.resolve({ done: true, value: undefined }) : readOn();
    },
    async return() {
      if (!isDone) await close();
      results = [];
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}
