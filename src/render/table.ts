import { CellBlock } from "./cell-block";
import { growLayout, layoutColumns, tableWidth, type ColumnLayout, type NaturalColumn } from "./column-layout";
import { escapeControls } from "./escape";
import type { Outcome } from "./footer";
import type { Paint } from "./paint";
import type { Column, Row } from "./result-set";
import type { RowWriter } from "./row-writer";
import { TableDrawing } from "./table-drawing";
import { displayWidth } from "./width";

/** Where and how a table is drawn. */
export interface TableOptions {
  readonly paint: Paint;
  /** Columns of the screen; undefined when there is none, and nothing is cut. */
  readonly width?: number;
  /** Lines of the screen. */
  readonly height?: number;
  /** The line under the table. */
  readonly footer: (outcome: Outcome) => string;
  /** Makes what draws in place of the table when the screen is too narrow for any. */
  readonly whenTooNarrow: () => RowWriter;
}

/** Lines that count as one screen where its height is not known. */
const usualHeight = 50;
/** Wider than any screen: cli-table3 takes a time that grows with the square of long texts. */
const widestForCliTable = 1000;

/**
 * Draws rows as a table with borders.
 *
 * A result that fits on the screen is drawn by cli-table3. A longer one is drawn in blocks, with
 * the same look: widths are exact for the rows so far and grow with them, and where they grow the
 * header is drawn again.
 */
export class TableWriter implements RowWriter {
  readonly #columns: readonly Column[];
  readonly #options: TableOptions;
  readonly #headers: readonly string[];
  #natural: readonly NaturalColumn[];
  #layout: ColumnLayout | undefined;
  #drawing: TableDrawing | undefined;
  /** The first batch waits here until it is known whether it is the only one. */
  #waiting: readonly Row[] | undefined;
  #instead: RowWriter | undefined;

  constructor(columns: readonly Column[], options: TableOptions) {
    this.#columns = columns;
    this.#options = options;
    this.#headers = columns.map((column) => escapeControls(column.name));
    this.#natural = columns.map(({ kind }, index) => ({ kind, header: displayWidth(this.#headers[index]!), cells: 0 }));
  }

  *begin(): Iterable<string> {}

  *rows(batch: readonly Row[]): Iterable<string> {
    if (this.#columns.length === 0) return;
    const isFirst = this.#drawing === undefined && this.#instead === undefined && this.#waiting === undefined;
    if (isFirst) {
      this.#waiting = batch;
    } else if (batch.length > 0) {
      yield* this.#release();
      yield* this.#block(batch);
    }
  }

  *end(outcome: Outcome): Iterable<string> {
    if (this.#waiting !== undefined) yield* this.#onlyBatch(this.#waiting);
    else if (this.#drawing !== undefined) yield this.#drawing.bottom;
    if (this.#instead !== undefined) {
      yield* this.#instead.end(outcome);
      return;
    }
    const { footer, paint } = this.#options;
    yield paint.dim(footer(outcome)) + "\n";
    const hidden = this.#layout?.hidden ?? 0;
    if (hidden === 0) return;
    const count = `${hidden} of ${this.#columns.length} columns hidden`;
    yield paint.dim(`${count}; .columns a b chooses, .mode vertical shows all`) + "\n";
  }

  /** Draws the first batch, once a second one has come. */
  *#release(): Iterable<string> {
    const first = this.#waiting;
    this.#waiting = undefined;
    if (first !== undefined) yield* this.#block(first);
  }

  *#onlyBatch(rows: readonly Row[]): Iterable<string> {
    const cells = new CellBlock(this.#columns, rows);
    const drawing = this.#fit(cells);
    if (drawing === undefined) {
      yield* this.#giveUp(rows);
    } else if (this.#isForCliTable(cells) && drawing.canBeDrawnByCliTable(cells)) {
      yield drawing.byCliTable(cells);
    } else {
      yield* drawing.head(true, rows.length === 0);
      yield* drawing.lines(cells);
      yield drawing.bottom;
    }
  }

  *#block(rows: readonly Row[]): Iterable<string> {
    if (this.#instead !== undefined) {
      yield* this.#instead.rows(rows);
      return;
    }
    const cells = new CellBlock(this.#columns, rows);
    const before = this.#drawing;
    const drawing = this.#fit(cells);
    if (drawing === undefined) {
      yield* this.#giveUp(rows);
    } else {
      if (drawing !== before) yield* drawing.head(before === undefined);
      yield* drawing.lines(cells);
    }
  }

  /** The drawing that has room for a block too; undefined when no table fits the screen. */
  #fit(cells: CellBlock): TableDrawing | undefined {
    const { paint, width } = this.#options;
    this.#natural = this.#natural.map((column, index) => ({
      ...column,
      cells: Math.max(column.cells, cells.widest[index]!),
    }));
    const before = this.#layout;
    const layout = before ? growLayout(before, this.#natural, width) : layoutColumns(this.#natural, width);
    if (layout === undefined || String(layout.widths) === String(before?.widths)) return this.#drawing;
    this.#layout = layout;
    return (this.#drawing = new TableDrawing(this.#columns, this.#headers, layout, paint));
  }

  *#giveUp(rows: readonly Row[]): Iterable<string> {
    this.#instead = this.#options.whenTooNarrow();
    yield* this.#instead.begin();
    yield* this.#instead.rows(rows);
  }

  #isForCliTable(cells: CellBlock): boolean {
    const widths = this.#layout!.widths;
    return cells.rows.length <= (this.#options.height ?? usualHeight) && tableWidth(widths) <= widestForCliTable;
  }
}
