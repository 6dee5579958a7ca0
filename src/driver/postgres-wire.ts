import type { EventEmitter } from "node:events";

/** Takes the DataRow messages of one query, instead of pg's own parser. */
export interface RowTaker {
  /**
   * One row: the message's body is what `bytes` has from `start` to `end`.
   *
   * @see https://www.postgresql.org/docs/current/protocol-message-formats.html DataRow
   */
  take(bytes: Buffer, start: number, end: number): void;
}

/** What a client of pg speaks through. */
interface PgConnection extends EventEmitter {
  readonly stream: EventEmitter;
}

const DATA_ROW = 0x44;
/** A message's code, and its length, which counts itself and not the code. */
const HEADER_BYTES = 5;

/**
 * The bytes that come from a server of PostgreSQL, between the socket and pg's parser.
 *
 * Rows are most of what comes. pg makes a message object, an array and a text of each cell of them, which costs more than all
 * that is done with the rows afterwards; a query that reads many rows takes them from here. Everything else goes on to pg, one
 * or more whole messages at a time.
 */
export class PostgresWire {
  readonly #forward: (bytes: Buffer) => void;
  /** The beginning of a message whose end has not come. */
  #parts: Buffer[] = [];
  #size = 0;
  /** How many bytes the message will have at least. */
  #needed = HEADER_BYTES;
  #taker: RowTaker | undefined;

  private constructor(stream: EventEmitter, forward: (bytes: Buffer) => void) {
    this.#forward = forward;
    stream.on("data", (bytes: Buffer) => this.#receive(bytes));
    stream.off("data", forward);
  }

  /**
   * The wire of a client that waits for its next query; undefined where others listen to its rows, or are sent further queries
   * before the answers of this one.
   */
  static of(client: object): PostgresWire | undefined {
    const { connection, pipeline } = client as { connection?: PgConnection; pipeline?: unknown };
    if (connection?.stream === undefined || pipeline || connection.listenerCount("dataRow") !== 1) return undefined;
    if (connection.listenerCount("message") > 0) return undefined;
    const { stream } = connection;
    let wire = wires.get(stream);
    if (wire === undefined) {
      const listeners = stream.listeners("data");
      const [parse] = listeners;
      if (listeners.length !== 1 || parse === undefined) return undefined;
      wires.set(stream, (wire = new PostgresWire(stream, parse as (bytes: Buffer) => void)));
    }
    return wire;
  }

  /** From now on rows go to `taker`. */
  lend(taker: RowTaker): void {
    this.#taker = taker;
  }

  /** From now on rows go to pg again. */
  giveBack(): void {
    this.#taker = undefined;
  }

  #receive(bytes: Buffer): void {
    if (this.#size === 0) {
      this.#split(bytes);
      return;
    }
    this.#parts.push(bytes);
    this.#size += bytes.length;
    // A long message is put together once, when all of it is there.
    if (this.#size < this.#needed) return;
    const whole = Buffer.concat(this.#parts, this.#size);
    this.#parts = [];
    this.#size = 0;
    this.#split(whole);
  }

  #split(bytes: Buffer): void {
    let offset = 0;
    /** Where begins what pg has not been given. */
    let kept = 0;
    this.#needed = HEADER_BYTES;
    while (offset + HEADER_BYTES <= bytes.length) {
      const end = offset + 1 + bytes.readUInt32BE(offset + 1);
      if (end > bytes.length) {
        this.#needed = end - offset;
        break;
      }
      if (bytes[offset] === DATA_ROW && this.#taker !== undefined) {
        // What came before a row is known before it: its columns.
        if (kept < offset) this.#forward(bytes.subarray(kept, offset));
        kept = offset;
        // The columns may be such that the taker has left the rows to pg.
        const taker: RowTaker | undefined = this.#taker;
        if (taker !== undefined) {
          taker.take(bytes, offset + HEADER_BYTES, end);
          kept = end;
        }
      }
      offset = end;
    }
    if (offset < bytes.length) {
      this.#parts = [bytes.subarray(offset)];
      this.#size = bytes.length - offset;
    }
    if (kept < offset) this.#forward(bytes.subarray(kept, offset));
  }
}

const wires = new WeakMap<EventEmitter, PostgresWire>();

/** How the text of a column's cells is given. */
export const enum CellForm {
  Text,
  /** As a number: whole, and of 32 bits at the most. */
  Integer,
}

/** Texts up to this length are copied when they are cut out of a longer one, so that they do not keep it. */
const SHORT_TEXT = 12;
/** Bytes that are read as one text to cut short ones out of it, at the most. */
const MOST_CUT_BYTES = 1 << 20;

/** Reads the cells of DataRow messages of one result. */
export class RowCells {
  readonly #forms: readonly CellForm[];
  /** The cells of the row that was read last; the next one overwrites them. */
  readonly #cells: unknown[];
  #bytes: Buffer | undefined;
  /** The bytes as text, a character for each; made when it is needed first. */
  #latin1: string | undefined;

  constructor(forms: readonly CellForm[]) {
    this.#forms = forms;
    this.#cells = new Array<unknown>(forms.length).fill(null);
  }

  /**
   * @param start  where the message's body begins
   * @returns the row's cells: texts, numbers and null. The array is the same for each row.
   */
  read(bytes: Buffer, start: number): readonly unknown[] {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#latin1 = undefined;
    }
    const forms = this.#forms;
    const cells = this.#cells;
    // After the number of cells.
    let offset = start + 2;
    for (let i = 0; i < forms.length; i++) {
      const length = int32(bytes, offset);
      offset += 4;
      if (length === -1) {
        cells[i] = null;
        continue;
      }
      const end = offset + length;
      cells[i] = forms[i] === CellForm.Integer ? integer(bytes, offset, end) : this.#text(bytes, offset, end);
      offset = end;
    }
    return cells;
  }

  #text(bytes: Buffer, start: number, end: number): string {
    if (end - start > SHORT_TEXT || bytes.length > MOST_CUT_BYTES) return bytes.toString("utf8", start, end);
    for (let i = start; i < end; i++) if ((bytes[i] as number) >= 0x80) return bytes.toString("utf8", start, end);
    return (this.#latin1 ??= bytes.toString("latin1")).substring(start, end);
  }
}

function int32(bytes: Buffer, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}

const MINUS = 0x2d;
const ZERO = 0x30;

function integer(bytes: Buffer, start: number, end: number): number {
  const isNegative = bytes[start] === MINUS;
  let value = 0;
  for (let i = isNegative ? start + 1 : start; i < end; i++) value = value * 10 + ((bytes[i] as number) - ZERO);
  return isNegative ? -value : value;
}
