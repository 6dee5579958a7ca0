import { groupDigits } from "./footer";

/** How places on an axis are marked and named. */
export interface Axis {
  /** A round distance between marks that is at least `least`. */
  readonly step: (least: number) => number;
  /** The mark at or below a place from which marks at this distance are counted. */
  readonly start: (place: number, step: number) => number;
  readonly label: (place: number) => string;
}

/** An axis of numbers: steps of 1, 2 or 5 times a power of ten. */
export const numberAxis: Axis = { step: numberStep, start: multipleBelow, label: numberLabel };

/** An axis of times in milliseconds: steps of seconds, minutes, hours, days, weeks and years. */
export const dateAxis: Axis = { step: timeStep, start: timeBelow, label: dateLabel };

/** Round marks in ascending order, about `count` steps apart from the lowest to beyond the highest. */
export function roundMarks(lowest: number, highest: number, count: number, axis: Axis): number[] {
  const apart = highest / Math.max(1, count) - lowest / Math.max(1, count);
  const size = Math.max(Math.abs(lowest), Math.abs(highest));
  // Numbers much closer to each other than to zero have no room for marks between them.
  const step = axis.step(apart > 0 ? Math.max(apart, size * 1e-12) : size / 10 || 1);
  const from = axis.start(lowest, step);
  const marks: number[] = [];
  // Multiplied, not added up, and rounded: 0.1 + 0.2 is no mark.
  for (let index = 0; marks.length < 2 || marks.at(-1)! < highest; index++) {
    marks.push(Math.min(Number((from + index * step).toPrecision(14)), Number.MAX_VALUE));
  }
  return marks;
}

function numberStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5].map((factor) => factor * power).find((step) => step >= least * 0.999_999) ?? 10 * power;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const timeSteps = [
  ...[1, 5, 15, 30].map((count) => count * second),
  ...[1, 5, 15, 30].map((count) => count * minute),
  ...[1, 3, 6, 12].map((count) => count * hour),
  ...[1, 2, 7, 14, 30, 91, 182, 365].map((count) => count * day),
];

function timeStep(least: number): number {
  return timeSteps.find((step) => step >= least) ?? numberStep(least / (365 * day)) * 365 * day;
}

function multipleBelow(place: number, step: number): number {
  return Math.floor(place / step) * step;
}

/** Days are counted from the first one shown, not from 1970. */
function timeBelow(place: number, step: number): number {
  return multipleBelow(place, Math.min(step, day));
}

/** A number for an axis: at most six digits, thousands apart. */
function numberLabel(value: number): string {
  const rounded = Number(value.toPrecision(6));
  const [whole, fraction] = String(rounded).split(".");
  if (Math.abs(rounded) >= 1e15 || String(rounded).includes("e")) return String(rounded);
  return groupDigits(whole!) + (fraction === undefined ? "" : `.${fraction}`);
}

function dateLabel(time: number): string {
  if (Math.abs(time) > 8.64e15) return numberLabel(time);
  const iso = new Date(time).toISOString();
  if (time % day === 0) return iso.slice(0, 10);
  return iso.slice(0, time % minute === 0 ? 16 : 19).replace("T", " ");
}
