import type { Outcome } from "./footer";
import type { ResultSet, Row, Rows } from "./result-set";

/** Draws rows as they arrive, batch by batch, so that a large result never stands in memory whole. */
export interface RowWriter {
  /** What comes before the rows, as far as it is known without them. */
  begin(): Iterable<string>;
  rows(batch: readonly Row[]): Iterable<string>;
  end(outcome: Outcome): Iterable<string>;
}

/** Rows in a batch: enough for good widths, little enough that the first lines come at once. */
const batchSize = 2000;

/** Draws rows that are at hand. */
export function* drawRows(writer: RowWriter, set: ResultSet, limit?: number): Generator<string> {
  const batch = new Batch(set, limit);
  yield* writer.begin();
  for (const row of atHand(set.rows)) {
    if (!batch.add(row)) break;
    if (batch.isFull) yield* writer.rows(batch.take());
  }
  yield* writer.rows(batch.take());
  yield* writer.end(batch.outcome);
}

/** Draws rows that may still be on their way. */
export async function* drawArrivingRows(writer: RowWriter, set: ResultSet, limit?: number): AsyncGenerator<string> {
  const batch = new Batch(set, limit);
  yield* writer.begin();
  for await (const row of set.rows) {
    if (!batch.add(row)) break;
    if (batch.isFull) yield* writer.rows(batch.take());
  }
  yield* writer.rows(batch.take());
  yield* writer.end(batch.outcome);
}

/** Joins short pieces to chunks worth a write. */
export function* inChunks(pieces: Iterable<string>): Generator<string> {
  let chunk = "";
  for (const piece of pieces) {
    chunk += piece;
    if (chunk.length < 65_536) continue;
    yield chunk;
    chunk = "";
  }
  if (chunk !== "") yield chunk;
}

function atHand(rows: Rows): Iterable<Row> {
  if (Symbol.iterator in rows) return rows;
  throw new TypeError("Cannot render rows that arrive asynchronously into one text. Use renderTo().");
}

/** Collects rows up to the limit and knows in the end how many there were. */
class Batch {
  readonly #set: ResultSet;
  readonly #limit: number;
  #rows: Row[] = [];
  #added = 0;
  #stopped = false;

  constructor(set: ResultSet, limit: number | undefined) {
    this.#set = set;
    this.#limit = limit === undefined || limit <= 0 ? Infinity : limit;
  }

  get isFull(): boolean {
    return this.#rows.length >= batchSize;
  }

  /** @returns false when the row is one too many, and reading should stop */
  add(row: Row): boolean {
    if (this.#added >= this.#limit) {
      this.#stopped = true;
      return false;
    }
    this.#rows.push(row);
    this.#added++;
    return true;
  }

  take(): readonly Row[] {
    const taken = this.#rows;
    this.#rows = [];
    return taken;
  }

  get outcome(): Outcome {
    const { rows, total } = this.#set;
    const counted = Array.isArray(rows) ? rows.length : this.#stopped ? undefined : this.#added;
    // A count taken before the rows may be older than they are.
    const known = total === undefined ? counted : Math.max(total, counted ?? this.#added);
    return { drawn: this.#added, total: known, more: this.#stopped || (known ?? 0) > this.#added };
  }
}
