import type { Connection } from "../driver/connection";
import type { RowStream } from "../driver/stream";
import { openRowStream } from "../driver/stream";
import type { CompiledSelect } from "../query/query-executor";
import { forgetPlace } from "./operation-queue";
import type { RowBatch } from "./row-batch";

/** How a stream takes its turns in the session. */
export interface StreamTurns {
  /** Flushes, compiles and starts, as one operation. */
  open<T>(start: (compiled: CompiledSelect) => Promise<T>): Promise<T>;
  /** One further operation. */
  turn<T>(work: () => Promise<T>): Promise<T>;
  /** Makes the results of the rows of one SELECT. */
  reader(compiled: CompiledSelect): BatchReader;
}

/** Makes results of rows that come in batches. */
export interface BatchReader {
  newBatch(): RowBatch;
  read(batch: RowBatch): Promise<unknown[]>;
}

/**
 * The results of a SELECT in batches, in bounded memory: between two batches other statements of the session may run.
 *
 * Leaving the loop closes what the database keeps. An iterator of its own, and no generator: a result that is there already
 * costs one promise.
 */
export function streamRows(connection: Connection, batch: number, turns: StreamTurns): AsyncIterableIterator<unknown> {
  let opened: { reader: BatchReader; stream: RowStream<RowBatch> } | undefined;
  let results: unknown[] = [];
  let position = 0;
  let isDone = false;

  const close = async (): Promise<void> => {
    isDone = true;
    // Whoever still holds the iterator does not hold the last objects with it.
    results = [];
    position = 0;
    const { stream } = opened ?? {};
    opened = undefined;
    if (stream !== undefined) await turns.turn(() => stream.close());
  };

  const readOn = async (): Promise<IteratorResult<unknown>> => {
    try {
      opened ??= await turns.open(async (compiled) => {
        const reader = turns.reader(compiled);
        return { reader, stream: await openRowStream(connection, compiled, batch, () => reader.newBatch()) };
      });
      const { reader, stream } = opened;
      const read = await turns.turn(async () => {
        const rows = await stream.next();
        return rows && reader.read(rows);
      });
      if (read === undefined) {
        await close();
        return { done: true, value: undefined };
      }
      results = read;
      position = 0;
      forgetPlace();
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
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}
