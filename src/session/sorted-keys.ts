import type { Instance, Values } from "./instance-state";
import { SHELF_SIZE } from "./key-run";

/** Keys in ascending order, and where each stood before; undefined where they stood in order. */
export interface SortedKeys {
  readonly keys: Float64Array;
  readonly places: Uint32Array | undefined;
}

/** Rows whose places are sorted together with their keys, in one number each: so many at the most, with keys below this. */
const MOST_ROWS = 2 ** 20;
const KEYS_BELOW = 2 ** 33;

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

/** The instances in the order of their sorted keys. */
export function inOrder(instances: readonly Instance[], places: SortedKeys["places"]): readonly Instance[] {
  if (places === undefined) return instances;
  const ordered = new Array<Instance>(places.length);
  for (let i = 0; i < places.length; i++) ordered[i] = instances[places[i] as number] as Instance;
  return ordered;
}
