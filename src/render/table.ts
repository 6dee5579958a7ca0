import { isNull } from "./cell";
import { CellBlock } from "./cell-block";
import { drawCliTable, isDrawnAlike } from "./cli-table";
import { growLayout, layoutColumns, tableWidth, type ColumnLayout, type NaturalColumn } from "./column-layout";
import { escapeControls } from "./escape";
import type { Outcome } from "./footer";
import type { Paint } from "./paint";
import type { Column, Row } from "./result-set";
import type { RowWriter } from "./row-writer";
import { TableFrame } from "./table-frame";
import { blanks, displayWidth, truncate } from "./width";

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
/** Index of the column that stands for the hidden ones. */
const marker = -1;

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
  /** The first batch waits here until it is known whether it is the only one. */
  #first: readonly Row[] | undefined;
  #natural: readonly NaturalColumn[];
  #layout: ColumnLayout | undefined;
  #instead: RowWriter | undefined;

  constructor(columns: readonly Column[], options: TableOptions) {
    this.#columns = columns;
    this.#options = options;
    this.#headers = columns.map((column) => escapeControls(column.name));
    this.#natural = columns.map(({ kind }, index) => ({ kind, header: displayWidth(this.#headers[index]!), cells: 0 }));
  }

  *begin(): Iterable<string> {}

  *rows(batch: readonly Row[]): Iterable<string> {
    if (this.#instead !== undefined) return yield* this.#instead.rows(batch);
    if (this.#first === undefined && this.#layout === undefined) this.#first = batch;
    else if (batch.length > 0) yield* this.#flush(batch);
  }

  *end(outcome: Outcome): Iterable<string> {
    const { footer, paint } = this.#options;
    if (this.#columns.length > 0) yield* this.#finish();
    if (this.#instead !== undefined) return yield* this.#instead.end(outcome);
    yield paint.dim(footer(outcome)) + "\n";
    const hidden = this.#layout?.hidden ?? 0;
    if (hidden === 0) return;
    const count = `${hidden} of ${this.#columns.length} columns hidden`;
    yield paint.dim(`${count}; .columns a b chooses, .mode vertical shows all`) + "\n";
  }

  /** Draws the waiting batch, now that another one has come, and the other one. */
  *#flush(batch: readonly Row[]): Iterable<string> {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined) yield* this.#block(first);
    if (this.#instead !== undefined) yield* this.#instead.rows(batch);
    else yield* this.#block(batch);
  }

  *#finish(): Iterable<string> {
    const only = this.#first;
    if (only !== undefined) {
      const cells = new CellBlock(this.#columns, only);
      if (!this.#fit(cells)) return yield* this.#giveUp(only);
      if (this.#fitsCliTable(cells)) return yield this.#drawByCliTable(cells);
      yield* this.#head(true);
      yield* this.#lines(cells);
    }
    if (this.#instead === undefined) yield this.#frame().bottom;
  }

  *#block(rows: readonly Row[]): Iterable<string> {
    const cells = new CellBlock(this.#columns, rows);
    const before = this.#layout;
    if (!this.#fit(cells)) return yield* this.#giveUp(rows);
    if (before === undefined) yield* this.#head(true);
    else if (String(before.widths) !== String(this.#layout!.widths)) yield* this.#head(false);
    yield* this.#lines(cells);
  }

  /** Takes the widths of a block into account; false when no table fits the screen. */
  #fit(cells: CellBlock): boolean {
    const { width } = this.#options;
    this.#natural = this.#natural.map((column, index) => ({
      ...column,
      cells: Math.max(column.cells, cells.widest[index]!),
    }));
    this.#layout =
      this.#layout === undefined
        ? layoutColumns(this.#natural, width)
        : growLayout(this.#layout, this.#natural, width);
    return this.#layout !== undefined;
  }

  *#giveUp(rows: readonly Row[]): Iterable<string> {
    this.#instead = this.#options.whenTooNarrow();
    yield* this.#instead.begin();
    yield* this.#instead.rows(rows);
  }

  *#head(isFirst: boolean): Iterable<string> {
    const frame = this.#frame();
    const { widths } = this.#slots();
    yield isFirst ? frame.top : frame.middle;
    yield frame.line(this.#headerCells().map(({ text, right }, slot) => this.#padded(text, widths[slot]!, right)));
    yield frame.middle;
  }

  *#lines(cells: CellBlock): Iterable<string> {
    const frame = this.#frame();
    const { indexes, widths } = this.#slots();
    const line = new Array<string>(indexes.length);
    for (let row = 0; row < cells.rows.length; row++) {
      for (let slot = 0; slot < indexes.length; slot++) {
        line[slot] = this.#cell(cells, row, indexes[slot]!, widths[slot]!, true);
      }
      yield frame.line(line);
    }
  }

  #cell(cells: CellBlock, row: number, index: number, width: number, isPadded: boolean): string {
    if (index === marker) return this.#options.paint.dim("…");
    let text = cells.texts[index]![row]!;
    let own = cells.widths[index]![row]!;
    if (own > width) {
      text = truncate(text, width);
      own = displayWidth(text);
    }
    if (isNull(cells.rows[row]![index])) text = this.#options.paint.dim(text);
    if (!isPadded || own === width) return text;
    return this.#isRight(index) ? blanks(width - own) + text : text + blanks(width - own);
  }
}
