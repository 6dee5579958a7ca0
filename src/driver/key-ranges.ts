import type { Bindable } from "./dialect";

/** Fewer keys than these are listed one by one, which reads better. */
const FEWEST_KEYS = 100;
/** How many keys a range stands for on average, at least. */
const KEYS_PER_RANGE = 50;

/** The first and the last of consecutive whole numbers. */
export type KeyRange = readonly [first: number, last: number];

/**
 * Ranges that hold exactly the given keys: whole numbers, ascending.
 *
 * A database finds a range in one walk and each key of a list in its own.
 *
 * @param rows  the key of each row
 * @returns undefined for keys that are few, scattered or not ascending
 */
export function keyRanges(rows: readonly (readonly Bindable[])[]): KeyRange[] | undefined {
  if (rows.length < FEWEST_KEYS) return undefined;
  const most = rows.length / KEYS_PER_RANGE;
  const ranges: KeyRange[] = [];
  let first = rows[0]?.[0];
  let last = first;
  for (let i = 1; i < rows.length; i++) {
    const key = rows[i]?.[0];
    if (typeof first !== "number" || typeof last !== "number" || typeof key !== "number") return undefined;
    if (key !== last + 1) {
      if (key <= last || ranges.length >= most) return undefined;
      ranges.push([first, last]);
      first = key;
    }
    last = key;
  }
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last)) return undefined;
  ranges.push([first as number, last as number]);
  return ranges;
}
