import type { Bindable } from "../driver/dialect";
import { CHUNK_ROWS, chunks } from "../driver/dialect";
import type { Attribute } from "../mapper/attribute";
import { insertRow } from "./insert-values";
import type { InsertShape } from "./insert-values";
import type { InstanceState } from "./instance-state";

/** Of many rows the first statement has few: while the database works on them, the next ones are built. */
const FIRST_ROWS = 512;

/**
 * The rows of the objects that one step inserts: for each a value for each column of the step's shape.
 *
 * A row is built when it is sent, so that few of them are in memory: what is assigned until then is known to its object's state.
 * A value that can change in place, or that may be refused when it is converted, makes the step take all of its rows at once.
 */
export class InsertRows {
  /** The objects, in the order of their rows. */
  readonly states: InstanceState[] = [];
  readonly #shape: InsertShape;
  #taken: Bindable[][] | undefined;

  constructor(shape: InsertShape) {
    this.#shape = shape;
  }

  /** Adds the row of an object that has the step's shape. */
  add(state: InstanceState): void {
    const { columns } = this.#shape;
    if (this.#taken === undefined && !areSentAsIs(state, columns)) this.#taken = this.#build(0, this.states.length);
    this.#taken?.push(insertRow(state, columns));
    this.states.push(state);
  }

  /** A place of a row has its value at last. */
  fill(row: number, column: number, value: Bindable): void {
    const values = this.#taken?.[row];
    if (values !== undefined && values.length > column) values[column] = value;
  }

  /** The rows in parts for one statement each; a part is built when it is asked for. */
  *parts(): Generator<readonly (readonly Bindable[])[]> {
    if (this.#taken !== undefined) yield* chunks(this.#taken);
    else
      for (let start = 0, end; start < this.states.length; start = end) {
        end = start + (start === 0 && this.states.length > 2 * CHUNK_ROWS ? FIRST_ROWS : CHUNK_ROWS);
        yield* chunks(this.#build(start, end));
      }
  }

  #build(start: number, end: number): Bindable[][] {
    return this.states.slice(start, end).map((state) => rowAtPlanning(state, this.#shape.columns));
  }
}

/** Whether the values go to the database as they are, and do not change but by an assignment. */
function areSentAsIs({ instance: { dataValues } }: InstanceState, columns: readonly Attribute[]): boolean {
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i] as Attribute;
    const value = dataValues[column.name];
    if (value !== undefined && value !== null && !column.isSentAsIs(value)) return false;
  }
  return true;
}

/** The values as they were when the flush took them: what was assigned since belongs to the next one. */
function rowAtPlanning(state: InstanceState, columns: readonly Attribute[]): Bindable[] {
  const { original } = state;
  const row = insertRow(state, columns);
  if (original === undefined) return row;
  columns.forEach((column, i) => {
    if (column.name in original) row[i] = column.toDatabase(original[column.name] ?? null);
  });
  return row;
}
