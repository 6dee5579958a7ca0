import type { DriverRow } from "../driver/dialect";
import { MultipleResultsFound, NoResultFound, ResourceClosedError } from "../errors";
import { rowMaker } from "../query/result-row";

/**
 * The rows of a statement that was executed; they can be taken once.
 *
 * `all`, `first`, `one`, `oneOrNone`, `scalar`, `scalars` and `mappings` each take them.
 */
export class Result {
  /** Rows returned, or matched by a statement that changed some. */
  readonly rowcount: number;
  readonly #keys: readonly string[];
  readonly #returnsRows: boolean;
  #rows: readonly unknown[] | undefined;

  private constructor(rows: readonly unknown[], keys: readonly string[], rowcount: number, returnsRows: boolean) {
    this.#rows = rows;
    this.#keys = keys;
    this.#returnsRows = returnsRows;
    this.rowcount = rowcount;
  }

  /** The result of a text: rows as tuples with the names of their columns. `reads` tells that it would return rows if there were any. */
  static ofRows(rows: readonly DriverRow[], rowcount: number, { reads = false } = {}): Result {
    const keys = Object.keys(rows[0] ?? {});
    const make = rowMaker(keys);
    return new Result(
      rows.map((row) => make(keys.map((key) => row[key]))),
      keys,
      rowcount,
      reads || rows.length > 0,
    );
  }

  /** The result of a query: its objects or tuples. */
  static ofObjects(rows: readonly unknown[]): Result {
    const [first] = rows;
    const isTuple = Array.isArray(first);
    const make = rowMaker([isTuple ? undefined : nameOf(first)]);
    const keys = isTuple ? (first as unknown as { keys(): string[] }).keys() : [nameOf(first) ?? ""];
    return new Result(isTuple ? rows : rows.map((row) => make([row])), keys, rows.length, true);
  }

  /** The names of the columns. */
  keys(): readonly string[] {
    return this.#keys;
  }

  /** The rows without taking them, for showing; undefined once they were taken, and where the statement returns none. @internal */
  peek(): readonly (readonly unknown[])[] | undefined {
    return this.#returnsRows ? (this.#rows as readonly unknown[][] | undefined) : undefined;
  }

  /** Every row. */
  all(): readonly unknown[][] {
    return this.#take() as unknown[][];
  }

  /** The first row; null where there is none. */
  first(): unknown {
    return this.#take()[0] ?? null;
  }

  /** The only row. */
  one(): unknown {
    const rows = this.#take();
    if (rows.length === 0) throw new NoResultFound("No row was found when one was required");
    if (rows.length > 1) throw new MultipleResultsFound("Multiple rows were found when exactly one was required");
    return rows[0];
  }

  /** The only row; null where there is none. */
  oneOrNone(): unknown {
    const rows = this.#take();
    if (rows.length > 1) throw new MultipleResultsFound("Multiple rows were found when one or none was required");
    return rows[0] ?? null;
  }

  /** The first column of the first row; null where there is none. */
  scalar(): unknown {
    return (this.#take()[0] as readonly unknown[] | undefined)?.[0] ?? null;
  }

  /** The first column of every row. */
  scalars(): unknown[] {
    return this.#take().map((row) => (row as readonly unknown[])[0]);
  }

  /** Every row as an object by column. */
  mappings(): Record<string, unknown>[] {
    return this.#take().map((row) =>
      Object.fromEntries(this.#keys.map((key, i) => [key, (row as readonly unknown[])[i]])),
    );
  }

  *[Symbol.iterator](): Iterator<unknown> {
    yield* this.#take();
  }

  #take(): readonly unknown[] {
    if (this.#rows === undefined)
      throw new ResourceClosedError("This result object is closed: its rows were taken already.");
    const rows = this.#rows;
    this.#rows = undefined;
    return rows;
  }
}

function nameOf(value: unknown): string | undefined {
  return typeof value === "object" && value !== null ? value.constructor.name : undefined;
}
