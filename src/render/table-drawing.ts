import { isNull } from "./cell";
import type { CellBlock } from "./cell-block";
import { drawCliTable, isDrawnAlike } from "./cli-table";
import type { ColumnLayout } from "./column-layout";
import type { Paint } from "./paint";
import type { Column } from "./result-set";
import { TableFrame } from "./table-frame";
import { blanks, displayWidth, truncate } from "./width";

/** One drawn column; without an index it stands for the hidden ones. */
interface Slot {
  readonly index?: number;
  readonly header: string;
  readonly width: number;
  readonly alignRight: boolean;
}

/** Draws headers and rows under one layout. */
export class TableDrawing {
  readonly #paint: Paint;
  readonly #slots: readonly Slot[];
  readonly #frame: TableFrame;

  /** @param headers  names of all columns, escaped */
  constructor(columns: readonly Column[], headers: readonly string[], layout: ColumnLayout, paint: Paint) {
    this.#paint = paint;
    const slots: Slot[] = layout.visible.map((index, place) => {
      const width = layout.widths[place]!;
      return { index, header: truncate(headers[index]!, width), width, alignRight: columns[index]!.kind === "number" };
    });
    if (layout.hidden > 0) slots.splice(layout.before, 0, { header: "…", width: 1, alignRight: false });
    this.#slots = slots;
    this.#frame = new TableFrame(
      slots.map((slot) => slot.width),
      paint,
    );
  }

  /**
   * The header with the rules around it.
   *
   * @param isFirst  false below rows already drawn, where the rule above it crosses
   * @param isAlone  true when no row follows, only the bottom
   */
  *head(isFirst: boolean, isAlone = false): Iterable<string> {
    yield isFirst ? this.#frame.top : this.#frame.middle;
    const headers = this.#slots.map((slot) => padded(this.#paint.bold(slot.header), displayWidth(slot.header), slot));
    yield this.#frame.line(headers);
    if (!isAlone) yield this.#frame.middle;
  }

  *lines(cells: CellBlock): Iterable<string> {
    const line = new Array<string>(this.#slots.length);
    let chunk = "";
    for (let row = 0; row < cells.rows.length; row++) {
      for (let place = 0; place < line.length; place++) line[place] = this.#cell(cells, row, this.#slots[place]!);
      chunk += this.#frame.line(line);
      if (chunk.length < 65_536) continue;
      yield chunk;
      chunk = "";
    }
    yield chunk;
  }

  get bottom(): string {
    return this.#frame.bottom;
  }

  /** Whether cli-table3 would draw these cells as this drawing does. */
  canBeDrawnByCliTable(cells: CellBlock): boolean {
    return this.#slots.every(
      ({ index, header }) =>
        isDrawnAlike(header) && (index === undefined || cells.texts[index]!.every((text) => isDrawnAlike(text))),
    );
  }

  /** Header, rows and borders, drawn by cli-table3. */
  byCliTable(cells: CellBlock): string {
    const table = {
      header: this.#slots.map((slot) => this.#paint.bold(slot.header)),
      rows: cells.rows.map((_, row) => this.#slots.map((slot) => this.#text(cells, row, slot))),
      widths: this.#slots.map((slot) => slot.width),
      alignRight: this.#slots.map((slot) => slot.alignRight),
    };
    return drawCliTable(table, this.#paint);
  }

  /** Text of a cell cut to its width and painted. */
  #text(cells: CellBlock, row: number, { index, width }: Slot): string {
    if (index === undefined) return this.#paint.dim("…");
    const text = truncate(cells.texts[index]![row]!, width);
    return isNull(cells.rows[row]![index]) ? this.#paint.dim(text) : text;
  }

  /** The same, padded; apart from it because every cell of a large result passes here. */
  #cell(cells: CellBlock, row: number, slot: Slot): string {
    const { index, width } = slot;
    if (index === undefined) return this.#paint.dim("…");
    let text = cells.texts[index]![row]!;
    let own = cells.widths[index]![row]!;
    if (own > width) {
      text = truncate(text, width);
      own = displayWidth(text);
    }
    return padded(isNull(cells.rows[row]![index]) ? this.#paint.dim(text) : text, own, slot);
  }
}

function padded(text: string, own: number, { width, alignRight }: Slot): string {
  if (own === width) return text;
  return alignRight ? blanks(width - own) + text : text + blanks(width - own);
}
