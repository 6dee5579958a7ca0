import { types } from "node:util";
import { cellText } from "./cell";
import { escapeControls } from "./escape";
import { counted } from "./footer";
import { paint, type Paint } from "./paint";
import { drawBars, type Bar } from "./plot-bars";
import { drawLine, type Point } from "./plot-line";
import { dateAxis, numberAxis, roundMarks, type Axis } from "./plot-scale";
import type { Column, Row } from "./result-set";

/** What a plot looks like. */
export type PlotKind = "bars" | "histogram" | "line";

/** The rows of a plot: one column, or a name or a place and a number for it. */
export interface PlotData {
  readonly columns: readonly Column[];
  readonly rows: Iterable<Row>;
}

/** How large a plot is and what it looks like. */
export interface PlotOptions {
  readonly color: boolean;
  /** Columns of the screen; 80 when left out. */
  readonly width?: number;
  /** Lines of the screen; 24 when left out. */
  readonly height?: number;
  /** Chosen by the columns when left out: see `plot`. */
  readonly kind?: PlotKind;
}

/** More bars than this nobody compares; the others are counted. */
const mostBars = 50;
/** Lines for the title, the axis, its labels, a remark and the next prompt. */
const aroundPlot = 5;

/**
 * Draws rows as bars, as a histogram or as a line.
 *
 * One column of numbers or dates becomes a histogram, one of anything else bars of how often each
 * value comes. Two columns become bars of the second named by the first; or a line, when the first
 * is a number or a date.
 *
 * @returns lines without the last line break
 * @throws {TypeError} when the columns are not of these kinds
 */
export function plot({ columns, rows }: PlotData, options: PlotOptions): string {
  const [first, second, ...others] = columns;
  if (first === undefined || others.length > 0) {
    const count = counted(columns.length, "column");
    throw new TypeError(`Cannot plot ${count}. Select one, or two: a name, number or date, and a number for each.`);
  }
  const all = [...rows];
  if (all.length === 0) return "0 rows";
  const picture = new Picture(options);
  const text = second === undefined ? plotOne(picture, first, all) : plotTwo(picture, first, second, all);
  const title = columns.map((column) => escapeControls(column.name)).join(" · ");
  return [picture.paint.bold(title), text, ...picture.remarks.map(picture.paint.dim)].join("\n");
}

function plotOne(picture: Picture, column: Column, rows: readonly Row[]): string {
  const values = rows.map((row) => row[0]);
  const axis = axisOf(column, values);
  const kind = picture.kind ?? (axis === undefined ? "bars" : "histogram");
  if (kind === "bars") return picture.bars(frequencies(values, column));
  const places = values.map((value) => place(value, axis)).filter((value) => value !== undefined);
  picture.leaveOut(rows.length - places.length, places.length, column);
  if (kind === "line")
    return picture.line(
      places.map((y, x) => ({ x, y })),
      numberAxis,
    );
  return picture.bars(histogram(places, picture.lines, axis ?? numberAxis));
}

function plotTwo(picture: Picture, first: Column, second: Column, rows: readonly Row[]): string {
  if (picture.kind === "histogram") throw new TypeError("Cannot plot two columns as a histogram. Select one column.");
  const axis = axisOf(
    first,
    rows.map((row) => row[0]),
  );
  const isLine = picture.kind === "line" || (picture.kind === undefined && axis !== undefined);
  const points: Point[] = [];
  const bars: Bar[] = [];
  for (const [name, value] of rows) {
    const x = isLine ? place(name, axis) : 0;
    const y = place(value, numberAxis);
    if (x === undefined || y === undefined) continue;
    points.push({ x, y });
    bars.push({ name: cellText(name, first.kind), value: y });
  }
  picture.leaveOut(rows.length - points.length, points.length, second);
  return isLine ? picture.line(points, axis ?? numberAxis) : picture.bars(bars);
}

/** The axis on which the values of a column lie; none when they are names. */
function axisOf(column: Column, values: readonly unknown[]): Axis | undefined {
  if (column.kind === "date") return dateAxis;
  if (column.kind === "number") return numberAxis;
  const known = values.filter((value) => value !== null && value !== undefined);
  if (known.length === 0) return undefined;
  if (known.every((value) => types.isDate(value))) return dateAxis;
  return known.every((value) => typeof value === "number" || typeof value === "bigint") ? numberAxis : undefined;
}

/** A value as a place on an axis; numbers and dates may come as texts. */
function place(value: unknown, axis: Axis | undefined): number | undefined {
  let number = NaN;
  if (typeof value === "string" && value.trim() !== "") number = axis === dateAxis ? Date.parse(value) : Number(value);
  else if (typeof value === "number" || typeof value === "bigint" || types.isDate(value)) number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

/** How often each value comes, the most frequent first. */
function frequencies(values: readonly unknown[], column: Column): Bar[] {
  const counts = new Map<string, number>();
  for (const value of values) {
    const name = cellText(value, column.kind);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, value]) => ({ name, value })).sort((one, other) => other.value - one.value);
}

/** Counts numbers by classes between round marks; one on a mark belongs to the class above it. */
function histogram(numbers: readonly number[], lines: number, axis: Axis): Bar[] {
  const lowest = numbers.reduce((least, value) => Math.min(least, value), Infinity);
  const highest = numbers.reduce((most, value) => Math.max(most, value), -Infinity);
  const classes = Math.max(4, Math.min(lines, Math.ceil(Math.log2(numbers.length)) + 1));
  const marks = roundMarks(lowest, highest, classes, axis);
  if (highest === marks.at(-1)) marks.push(2 * highest - marks.at(-2)!);
  const counts = new Array<number>(marks.length - 1).fill(0);
  for (const value of numbers) {
    const above = marks.findIndex((mark) => mark > value);
    counts[above - 1]!++;
  }
  return counts.map((value, index) => ({
    name: `${axis.label(marks[index]!)} – ${axis.label(marks[index + 1]!)}`,
    value,
  }));
}

/** The screen that is drawn on, and what has to be said below it. */
class Picture {
  readonly paint: Paint;
  readonly kind: PlotKind | undefined;
  readonly lines: number;
  readonly remarks: string[] = [];
  readonly #width: number;

  constructor({ color, width = 80, height = 24, kind }: PlotOptions) {
    this.paint = paint(color);
    this.kind = kind;
    this.lines = Math.max(1, height - aroundPlot);
    this.#width = width;
  }

  /** @throws {TypeError} when nothing is left to draw */
  leaveOut(count: number, drawn: number, column: Column): void {
    if (drawn === 0) throw new TypeError(`Cannot plot "${escapeControls(column.name)}": it holds no number.`);
    if (count > 0) this.remarks.push(`${counted(count, "row")} without a number not drawn`);
  }

  bars(bars: readonly Bar[]): string {
    if (bars.length > mostBars) this.remarks.push(`${counted(bars.length - mostBars, "more bar")}`);
    return drawBars(bars.slice(0, mostBars), numberAxis, this.#width, this.paint);
  }

  line(points: readonly Point[], axis: Axis): string {
    return drawLine(points, axis, this.#width, this.lines, this.paint);
  }
}
