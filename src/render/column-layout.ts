import type { ColumnKind } from "./cell";

/** What a column would take if there were room: widths in terminal columns. */
export interface NaturalColumn {
  readonly kind: ColumnKind;
  readonly header: number;
  /** The widest cell. */
  readonly cells: number;
}

/** Which columns are drawn, and how wide. */
export interface ColumnLayout {
  /** Indexes of the drawn columns, in order. */
  readonly visible: readonly number[];
  /** Width of each drawn column. */
  readonly widths: readonly number[];
  /** Number of columns left out, all beside each other. */
  readonly hidden: number;
  /** How many drawn columns stand before the hidden ones. */
  readonly before: number;
}

/** A text column is not made narrower than this. */
const narrowest = 12;
/** The blank on each side of a cell, and the border on its left. */
const aroundCell = 3;
/** The column that stands for the hidden ones: `│ … `. */
const markerWidth = 1 + aroundCell;

/** Width of a drawn table whose cells have these widths. */
export function tableWidth(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width + aroundCell, 1);
}

/**
 * Fits columns into a width: texts shrink to 12 or more, then columns in the middle are hidden.
 *
 * Numbers, dates and booleans are never cut, only their headers are.
 *
 * @param width  undefined when there is no screen to fit: nothing is shrunk or hidden
 * @returns undefined when not even the first and the last column fit, so that a table makes no sense
 */
export function layoutColumns(columns: readonly NaturalColumn[], width?: number): ColumnLayout | undefined {
  const all = columns.map((_, index) => index);
  const whole = shrink(columns, width);
  if (whole !== undefined) return { visible: all, widths: whole, hidden: 0, before: all.length };
  const ends = longestEnds(columns, width!);
  if (ends === undefined) return undefined;
  const visible = [...all.slice(0, ends.left), ...all.slice(all.length - ends.right)];
  const hidden = all.length - visible.length;
  return growLayout({ visible, widths: [], hidden, before: ends.left }, columns, width);
}

/** Fits the same columns anew after cells grew; too wide rather than with fewer columns. */
export function growLayout(layout: ColumnLayout, columns: readonly NaturalColumn[], width?: number): ColumnLayout {
  const visible = layout.visible.map((index) => columns[index]!);
  const room = width !== undefined && layout.hidden > 0 ? width - markerWidth : width;
  return { ...layout, widths: shrink(visible, room) ?? visible.map(leastWidth) };
}

/** Widths that fit, the widest columns giving first; undefined when the least widths do not fit. */
function shrink(columns: readonly NaturalColumn[], width: number | undefined): number[] | undefined {
  const natural = columns.map((column) => Math.max(column.header, column.cells));
  if (width === undefined || tableWidth(natural) <= width) return natural;
  const least = columns.map(leastWidth);
  if (tableWidth(least) > width) return undefined;
  const cappedAt = (cap: number): number[] => natural.map((own, index) => Math.max(least[index]!, Math.min(own, cap)));
  let low = 0;
  let high = Math.max(...natural);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (tableWidth(cappedAt(middle)) <= width) low = middle;
    else high = middle - 1;
  }
  return spread(cappedAt(low), natural, width);
}

/** Gives the columns left over by the common cap to the columns that are still cut, from the left. */
function spread(widths: number[], natural: readonly number[], width: number): number[] {
  let left = width - tableWidth(widths);
  return widths.map((own, index) => {
    if (left === 0 || own >= natural[index]!) return own;
    left--;
    return own + 1;
  });
}

function leastWidth(column: NaturalColumn): number {
  const header = Math.min(column.header, narrowest);
  const mayBeCut = column.kind === "text" || column.kind === "json" || column.kind === "unknown";
  return Math.max(header, mayBeCut ? Math.min(column.cells, narrowest) : column.cells);
}

/** How many columns of each end fit beside the marker, taken from the left and the right in turn. */
function longestEnds(columns: readonly NaturalColumn[], width: number): { left: number; right: number } | undefined {
  let room = width - 1 - markerWidth;
  const take = (index: number): boolean => {
    const own = leastWidth(columns[index]!) + aroundCell;
    if (own > room) return false;
    room -= own;
    return true;
  };
  let [left, right] = [0, 0];
  let [leftOpen, rightOpen] = [true, true];
  while ((leftOpen || rightOpen) && left + right < columns.length) {
    if (leftOpen && (leftOpen = take(left))) left++;
    if (rightOpen && left + right < columns.length && (rightOpen = take(columns.length - 1 - right))) right++;
  }
  return left > 0 && right > 0 ? { left, right } : undefined;
}
