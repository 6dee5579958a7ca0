import type { Axis } from "./plot-scale";
import type { Paint } from "./paint";
import { blanks, displayWidth, pad, truncate } from "./width";

/** A bar: its name, already escaped, and its length. */
export interface Bar {
  readonly name: string;
  readonly value: number;
}

const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const narrowestName = 4;
const widestName = 30;
const shortestBar = 10;

/** Draws horizontal bars from a common zero, each with its name before and its value behind it. */
export function drawBars(bars: readonly Bar[], axis: Axis, width: number, paint: Paint): string {
  const values = bars.map((bar) => axis.label(bar.value));
  const valueWidth = widest(values);
  const nameRoom = Math.min(widestName, Math.max(narrowestName, width - valueWidth - 4 - shortestBar));
  const names = bars.map((bar) => truncate(bar.name, nameRoom));
  const nameWidth = widest(names);
  const room = Math.max(shortestBar, width - nameWidth - valueWidth - 4);
  const lowest = bars.reduce((least, bar) => Math.min(least, bar.value), 0);
  const highest = bars.reduce((most, bar) => Math.max(most, bar.value), 0);
  const perColumn = (highest - lowest) / room || 1;
  const left = Math.round(-lowest / perColumn);
  const lines = bars.map(({ value }, index) => {
    const bar = value < 0 ? leftBar(-value / perColumn, left) : blanks(left) + rightBar(value / perColumn, room - left);
    const number = blanks(valueWidth - displayWidth(values[index]!)) + values[index]!;
    const name = pad(names[index]!, nameWidth);
    return `${name} ${paint.dim("│")} ${number} ${paint.cyan(bar)}`.trimEnd();
  });
  return lines.join("\n");
}

function rightBar(columns: number, room: number): string {
  const parts = Math.min(Math.round(columns * 8), room * 8);
  // What is there but too little to see is still shown.
  return parts === 0 && columns > 0 ? "▏" : "█".repeat(Math.floor(parts / 8)) + eighths[parts % 8]!;
}

/** A bar that ends at the zero, `room` columns to the right; its near half column is all it can be cut to. */
function leftBar(columns: number, room: number): string {
  const halves = Math.min(Math.max(1, Math.round(columns * 2)), 2 * room);
  const bar = (halves % 2 === 1 ? "▐" : "") + "█".repeat(Math.floor(halves / 2));
  return blanks(room - bar.length) + bar;
}

function widest(texts: readonly string[]): number {
  return texts.reduce((most, text) => Math.max(most, displayWidth(text)), 0);
}
