import type { DriverRow } from "./dialect";

/** A column of a result, as the driver tells of it before the first row. */
export interface ResultColumn {
  readonly name: string;
  /** What the driver makes of the column's text; undefined where cells come as the driver's values. NULL is null in both cases. */
  readonly parse: ((text: string) => unknown) | undefined;
}

/**
 * Takes the rows of one result as the driver reads them, so that no row is made that is only copied from.
 *
 * A driver gives either objects, or the columns and then arrays of cells in their order.
 */
export interface RowSink {
  /** All columns are numbers or text that no driver converts in a way of its own. */
  readonly isPlain: boolean;
  /** Rows that the driver could only give as objects; they and their array belong to the sink from now on. */
  objects(rows: DriverRow[]): void;
  /** Comes before the first {@link row}; columns that the sink does not know are passed over. */
  columns(columns: readonly ResultColumn[]): void;
  /** One row; the array is not kept by the driver. */
  row(cells: readonly unknown[]): void;
}

/** Makes an object of each row. */
export class RowObjects implements RowSink {
  readonly isPlain = false;
  rows: DriverRow[] = [];
  #columns: readonly ResultColumn[] = [];

  objects(rows: readonly DriverRow[]): void {
    for (const row of rows) this.rows.push(row);
  }

  columns(columns: readonly ResultColumn[]): void {
    this.#columns = columns;
  }

  row(cells: readonly unknown[]): void {
    const object: DriverRow = {};
    this.#columns.forEach(({ name, parse }, i) => {
      const cell = cells[i];
      object[name] = parse === undefined || cell === null ? cell : parse(cell as string);
    });
    this.rows.push(object);
  }
}
