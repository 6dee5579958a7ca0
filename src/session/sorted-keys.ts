import type { Values } from "./instance-state";
import { SHELF_SIZE } from "./key-run";

/** Keys in ascending order, and where each stood before; undefined where they stood in order. */
interface Order {
  readonly keys: Float64Array;
  readonly places: Uint32Array | undefined;
}

/** Rows whose places are sorted together with their keys, in one number each: so many at the most, with keys below this. */
const MOST_ROWS = 2 ** 20;
const KEYS_BELOW = 2 ** 33;
/** Keys between the least and the greatest, for each that is there: up to so many are worth a place. */
const SPAN_PER_KEY = 8;
const MOST_SPAN = 2 ** 31;

/**
 * The whole-number keys of some rows, each once, for finding a key's row.
 *
 * Keys that lie close together are sorted when the first one is looked for, which after most queries is never.
 */
export class SortedKeys {
  /** The smallest key. */
  readonly first: number;
  /** The greatest key. */
  readonly last: number;
  #keys: Float64Array;
  #sorted: Order | undefined;

  private constructor(keys: Float64Array, first: number, last: number, sorted: Order | undefined) {
    this.#keys = keys;
    this.first = first;
    this.last = last;
    this.#sorted = sorted;
  }

  /** The keys of rows; undefined where they are no whole numbers, where one comes twice, and for few rows. */
  static of(rows: readonly Values[], name: string): SortedKeys | undefined {
    if (rows.length < SHELF_SIZE) return undefined;
    const keys = new Float64Array(rows.length);
    let isAscending = true;
    let before = -Infinity;
    let first = Infinity;
    let last = -Infinity;
    for (let i = 0; i < rows.length; i++) {
      const key = (rows[i] as Values)[name];
      if (typeof key !== "number" || !Number.isSafeInteger(key)) return undefined;
      if (key <= before) isAscending = false;
      if (key < first) first = key;
      if (key > last) last = key;
      keys[i] = before = key;
    }
    if (isAscending) return SortedKeys.ascending(keys);
    if (last - first < Math.min(keys.length * SPAN_PER_KEY, MOST_SPAN))
      return hasRepeated(keys, first, last) ? undefined : new SortedKeys(keys, first, last, undefined);
    const sorted = sortedWithPlaces(keys);
    return sorted && new SortedKeys(sorted.keys, first, last, sorted);
  }

  /** @param keys  ascending, each once; they belong to the result from now on */
  static ascending(keys: Float64Array): SortedKeys {
    const [first = Infinity] = keys;
    return new SortedKeys(keys, first, keys.at(-1) ?? -Infinity, { keys, places: undefined });
  }

  /** The keys, in any order. */
  get all(): Float64Array {
    return this.#keys;
  }

  /** The keys in ascending order. */
  get sorted(): Float64Array {
    return this.#sort().keys;
  }

  /** The place of a key among the sorted ones; -1 where it is not there. */
  indexOf(key: number): number {
    const { keys } = this.#sort();
    let low = 0;
    let high = keys.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = keys[middle] as number;
      if (found === key) return middle;
      if (found < key) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  /** The place among the rows of a key that has this place among the sorted ones. */
  rowAt(index: number): number {
    const { places } = this.#sort();
    return places === undefined ? index : (places[index] as number);
  }

  #sort(): Order {
    if (this.#sorted === undefined) {
      this.#sorted = placedByKey(this.#keys, this.first, this.last);
      this.#keys = this.#sorted.keys;
    }
    return this.#sorted;
  }
}

/** Whether a key comes twice: a bit for each that may come. */
function hasRepeated(keys: Float64Array, first: number, last: number): boolean {
  const bits = new Int32Array(((last - first) >>> 5) + 1);
  for (let i = 0; i < keys.length; i++) {
    const offset = ((keys[i] as number) - first) | 0;
    const bit = 1 << (offset & 31);
    const there = bits[offset >>> 5] as number;
    if ((there & bit) !== 0) return true;
    bits[offset >>> 5] = there | bit;
  }
  return false;
}

/** Keys that lie close together each have a place of their own. Faster than sorting by far. */
function placedByKey(keys: Float64Array, first: number, last: number): Order {
  const span = last - first + 1;
  // One more than the place, so that zero stands for none.
  const placeOfKey = new Uint32Array(span);
  for (let i = 0; i < keys.length; i++) placeOfKey[(keys[i] as number) - first] = i + 1;
  const places = new Uint32Array(keys.length);
  const ordered = new Float64Array(keys.length);
  let count = 0;
  for (let i = 0; i < span; i++) {
    const place = placeOfKey[i] as number;
    if (place === 0) continue;
    places[count] = place - 1;
    ordered[count++] = first + i;
  }
  return { keys: ordered, places };
}

function sortedWithPlaces(keys: Float64Array): Order | undefined {
  if (keys.length > MOST_ROWS) return undefined;
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
