import type { Values } from "./instance-state";
import { SHELF_SIZE } from "./key-run";

/** Keys in ascending order, each once, and where each stood before; undefined where they stood in order. */
export interface SortedKeys {
  readonly keys: Float64Array;
  readonly places: Uint32Array | undefined;
}

/** Rows whose places are sorted together with their keys, in one number each: so many at the most, with keys below this. */
const MOST_ROWS = 2 ** 20;
const KEYS_BELOW = 2 ** 33;
/** Keys between the least and the greatest, for each that is there: up to so many are worth a place. */
const SPAN_PER_KEY = 8;

/** The keys of rows, sorted; undefined where they are no whole numbers, where one comes twice, and for few rows. */
export function sortedKeys(rows: readonly Values[], name: string): SortedKeys | undefined {
  if (rows.length < SHELF_SIZE) return undefined;
  const keys = new Float64Array(rows.length);
  let last = -Infinity;
  let isAscending = true;
  for (let i = 0; i < rows.length; i++) {
    const key = (rows[i] as Values)[name];
    if (typeof key !== "number" || !Number.isSafeInteger(key)) return undefined;
    if (key <= last) isAscending = false;
    keys[i] = last = key;
  }
  return isAscending ? { keys, places: undefined } : sorted(keys);
}

function sorted(keys: Float64Array): SortedKeys | undefined {
  return keys.length > MOST_ROWS ? undefined : (placedByKey(keys) ?? sortedWithPlaces(keys));
}

/** Keys that lie close together each have a place of their own; undefined for others. Faster than sorting by far. */
function placedByKey(keys: Float64Array): SortedKeys | undefined {
  let least = Infinity;
  let greatest = -Infinity;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as number;
    if (key < least) least = key;
    if (key > greatest) greatest = key;
  }
  const span = greatest - least + 1;
  if (span > keys.length * SPAN_PER_KEY) return undefined;
  // One more than the place, so that zero stands for none.
  const placeOfKey = new Uint32Array(span);
  for (let i = 0; i < keys.length; i++) placeOfKey[(keys[i] as number) - least] = i + 1;
  const places = new Uint32Array(keys.length);
  const ordered = new Float64Array(keys.length);
  let count = 0;
  for (let i = 0; i < span; i++) {
    const place = placeOfKey[i] as number;
    if (place === 0) continue;
    places[count] = place - 1;
    ordered[count++] = least + i;
  }
  // One that comes twice: the sorting sees it too.
  return count < keys.length ? undefined : { keys: ordered, places };
}

function sortedWithPlaces(keys: Float64Array): SortedKeys | undefined {
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as number;
    if (key < 0 || key >= KEYS_BELOW) return undefined;
    keys[i] = key * MOST_ROWS + i;
  }
  keys.sort();
  const places = new Uint32Array(keys.length);
  let last = -1;
  for (let i = 0; i < keys.length; i++) {
    const both = keys[i] as number;
    const key = Math.floor(both / MOST_ROWS);
    if (key === last) return undefined;
    places[i] = both - key * MOST_ROWS;
    keys[i] = last = key;
  }
  return { keys, places };
}
