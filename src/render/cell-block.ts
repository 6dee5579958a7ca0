import { cellText } from "./cell";
import type { Column, Row } from "./result-set";
import { displayWidth, isPrintableAscii } from "./width";

/** The texts of some rows and their widths, measured once. */
export class CellBlock {
  /** Texts by column, then by row. */
  readonly texts: readonly (readonly string[])[];
  /** Widths of the texts, in the same order. */
  readonly widths: readonly (readonly number[])[];
  /** Width of the widest text of each column. */
  readonly widest: readonly number[];

  constructor(
    columns: readonly Column[],
    readonly rows: readonly Row[],
  ) {
    const measured = columns.map((column, index) => measureColumn(column, index, rows));
    this.texts = measured.map(({ texts }) => texts);
    this.widths = measured.map(({ widths }) => widths);
    this.widest = measured.map(({ widest }) => widest);
  }
}

function measureColumn({ kind }: Column, index: number, rows: readonly Row[]) {
  const texts = new Array<string>(rows.length);
  const widths = new Array<number>(rows.length);
  let widest = 0;
  for (let row = 0; row < rows.length; row++) {
    const text = cellText(rows[row]![index], kind);
    const width = isPrintableAscii(text) ? text.length : displayWidth(text);
    texts[row] = text;
    widths[row] = width;
    if (width > widest) widest = width;
  }
  return { texts, widths, widest };
}
