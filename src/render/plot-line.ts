import type { Paint } from "./paint";
import { roundMarks, numberAxis, type Axis } from "./plot-scale";
import { blanks, displayWidth } from "./width";

/** A point of a line. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Dots of a braille character by row, then by column. */
const dots = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
];
const leastColumns = 20;
const leastLines = 4;

/** Draws points, joined from left to right, on a grid of braille dots with an axis on each side. */
export function drawLine(points: readonly Point[], xAxis: Axis, width: number, height: number, paint: Paint): string {
  const sorted = points.toSorted((one, other) => one.x - other.x);
  const ys = sorted.map((point) => point.y);
  const lines = Math.max(leastLines, height);
  const marks = roundMarks(least(ys), most(ys), Math.max(2, Math.floor(lines / 4)), numberAxis);
  const labels = marks.map(numberAxis.label);
  const labelWidth = Math.max(...labels.map(displayWidth));
  const columns = Math.max(leastColumns, width - labelWidth - 2);
  const [x0, x1] = [sorted[0]!.x, sorted.at(-1)!.x];
  const [y0, y1] = [marks[0]!, marks.at(-1)!];
  const grid = new Grid(columns, lines);
  const places = sorted.map(({ x, y }) => ({
    x: Math.round(share(x, x0, x1) * (columns * 2 - 1)),
    y: Math.round(share(y, y1, y0) * (lines * 4 - 1)),
  }));
  for (const [index, place] of places.entries()) grid.join(places[index - 1] ?? place, place);
  const labelAt = new Map(marks.map((mark, index) => [Math.round(share(mark, y1, y0) * (lines - 1)), labels[index]!]));
  const drawn = grid.lines().map((line, row) => {
    const label = labelAt.get(row) ?? "";
    const axis = label === "" ? "│" : "┤";
    return `${blanks(labelWidth - displayWidth(label))}${label} ${paint.dim(axis)}${paint.cyan(line)}`;
  });
  const foot = [xAxis.label(x0), xAxis.label(x1)] as const;
  const gap = blanks(Math.max(1, columns - displayWidth(foot[0]) - displayWidth(foot[1])));
  const rule = paint.dim("└" + "─".repeat(columns));
  return [...drawn, `${blanks(labelWidth + 1)}${rule}`, `${blanks(labelWidth + 2)}${foot[0]}${gap}${foot[1]}`].join(
    "\n",
  );
}

/** How far a number is on its way, 0 to 1; halved first, because the largest numbers have no difference. */
function share(number: number, from: number, to: number): number {
  return (number / 2 - from / 2) / (to / 2 - from / 2 || 1);
}

function least(numbers: readonly number[]): number {
  return numbers.reduce((low, value) => Math.min(low, value), Infinity);
}

function most(numbers: readonly number[]): number {
  return numbers.reduce((high, value) => Math.max(high, value), -Infinity);
}

/** Braille characters, each two dots wide and four high. */
class Grid {
  readonly #columns: number;
  readonly #cells: Uint8Array;

  constructor(columns: number, lines: number) {
    this.#columns = columns;
    this.#cells = new Uint8Array(columns * lines);
  }

  /** Sets the dots of a straight line, both ends included. */
  join(from: Point, to: Point): void {
    const steps = Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y), 1);
    for (let step = 0; step <= steps; step++) {
      const x = Math.round(from.x + ((to.x - from.x) * step) / steps);
      const y = Math.round(from.y + ((to.y - from.y) * step) / steps);
      this.#cells[(y >> 2) * this.#columns + (x >> 1)]! |= dots[y & 3]![x & 1]!;
    }
  }

  lines(): string[] {
    const text = Array.from(this.#cells, (cell) => (cell === 0 ? " " : String.fromCharCode(0x2800 + cell)));
    return Array.from({ length: text.length / this.#columns }, (_, line) =>
      text
        .slice(line * this.#columns, (line + 1) * this.#columns)
        .join("")
        .trimEnd(),
    );
  }
}
