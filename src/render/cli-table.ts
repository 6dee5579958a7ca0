import { createRequire } from "node:module";
import type { Paint } from "./paint";

/** Cells ready to be drawn: cut to their widths, painted, not yet padded. */
export interface DrawnTable {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly widths: readonly number[];
  readonly alignRight: readonly boolean[];
}

/**
 * Characters to which cli-table3 gives the width that we give: letters of the common scripts,
 * ideographs, syllables. Emoji and combining marks it counts differently, and its lines would not end
 * below each other.
 */
const sameWidth =
  /^[\x20-\x7e\u00a1-\u00a8\u00aa\u00ab\u00af-\u02ff\u0370-\u0482\u048a-\u052f\u2010-\u2015\u2018-\u201f\u2026\u20ac\u23ce\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3]*$/;

/** Whether cli-table3 draws this text as wide as it is. */
export function isDrawnAlike(text: string): boolean {
  return sameWidth.test(text);
}

/** Draws a table with cli-table3; its cost grows with the square of the rows. */
export function drawCliTable(table: DrawnTable, paint: Paint): string {
  const { header, rows, widths, alignRight } = table;
  const CliTable = createRequire(__filename)("cli-table3") as typeof import("cli-table3");
  const drawing = new CliTable({
    head: [...header],
    colWidths: widths.map((width) => width + 2),
    colAligns: alignRight.map((right) => (right ? "right" : "left")),
    chars: borders(paint),
    style: { head: [], border: [], compact: true },
  });
  drawing.push(...rows.map((row) => [...row]));
  return joinDim(drawing.toString(), paint) + "\n";
}

function borders(paint: Paint): Record<string, string> {
  const names = {
    top: "─",
    "top-mid": "┬",
    "top-left": "┌",
    "top-right": "┐",
    bottom: "─",
    "bottom-mid": "┴",
    "bottom-left": "└",
    "bottom-right": "┘",
    left: "│",
    "left-mid": "├",
    mid: "─",
    "mid-mid": "┼",
    right: "│",
    "right-mid": "┤",
    middle: "│",
  };
  return Object.fromEntries(Object.entries(names).map(([name, line]) => [name, paint.dim(line)]));
}

/** Makes one dim stretch of border characters that were dimmed one by one. */
function joinDim(text: string, paint: Paint): string {
  const [open, close] = paint.dim("|").split("|");
  return open === "" ? text : text.replaceAll(close! + open!, "");
}
