import type { IdentityKey } from "../mapper/mapper";
import { Companions, WeakCompanions } from "./companions";
import type { Instance, LoadedState, Values } from "./instance-state";
import { holdTogether, stampLoaded } from "./instance-state";
import type { SortedKeys } from "./sorted-keys";

/** Instances that one weak reference stands for: together they are there, or collected. */
export const SHELF_SIZE = 32;

/** More instances than this are no batch of a loop: who asked for them at once will hold them for a while. */
const MOST_IN_A_LOOP = 10_000;

/**
 * Instances that were loaded together, whose keys are whole numbers.
 *
 * They are found by bisection among the sorted keys, so that no table has to grow by an entry for each. They stand in the order
 * in which they came, which is that of their memory, and neighbours there are used together.
 */
export class KeyRun {
  readonly #keys: SortedKeys;
  readonly #shelves: WeakCompanions;

  private constructor(keys: SortedKeys) {
    this.#keys = keys;
    this.#shelves = new WeakCompanions(keys.all.length > MOST_IN_A_LOOP);
  }

  /** @param instances  one for each key; they have states */
  static of(keys: SortedKeys, instances: readonly Instance[]): KeyRun {
    const run = new KeyRun(keys);
    for (let start = 0; start < instances.length; start += SHELF_SIZE) {
      const shelf = new Companions(start / SHELF_SIZE, instances.slice(start, start + SHELF_SIZE));
      run.#shelves.add(shelf);
      for (let i = 0; i < shelf.instances.length; i++) holdTogether(shelf.instances[i] as Instance, shelf);
    }
    return run;
  }

  /**
   * Makes the instances.
   *
   * @param rows       one for each key
   * @param instances  takes the instances in the order of the rows
   * @param state      what they get
   */
  static load(keys: SortedKeys, rows: readonly Values[], state: LoadedState, instances: (Instance | null)[]): KeyRun {
    const { RowClass } = state.mapper;
    const run = new KeyRun(keys);
    for (let start = 0; start < rows.length; start += SHELF_SIZE) {
      const size = Math.min(SHELF_SIZE, rows.length - start);
      const shelf = new Companions(start / SHELF_SIZE, new Array<Instance | undefined>(size));
      run.#shelves.add(shelf);
      for (let i = 0; i < size; i++) {
        const instance = new RowClass(rows[start + i] as Values) as unknown as Instance;
        // At once: V8 settles the size of a class's instances by what the first few of them were given.
        stampLoaded(instance, state, shelf);
        shelf.instances[i] = instances[start + i] = instance;
      }
    }
    return run;
  }

  /** The smallest key. */
  get first(): number {
    return this.#keys.first;
  }

  /** The greatest key. */
  get last(): number {
    return this.#keys.last;
  }

  /** Whether all were collected. */
  get isGone(): boolean {
    return this.#shelves.isGone;
  }

  get(key: number): Instance | undefined {
    const index = this.#keys.indexOf(key);
    if (index === -1) return undefined;
    const place = this.#keys.rowAt(index);
    return this.#shelves.at(Math.floor(place / SHELF_SIZE))?.instances[place % SHELF_SIZE];
  }

  /** Takes a key out. */
  remove(key: number): void {
    const index = this.#keys.indexOf(key);
    if (index === -1) return;
    const place = this.#keys.rowAt(index);
    const shelf = this.#shelves.at(Math.floor(place / SHELF_SIZE));
    if (shelf !== undefined) shelf.instances[place % SHELF_SIZE] = undefined;
  }

  /**
   * Takes out ascending keys, each of which is looked for behind the one before it.
   *
   * @param from  the place of the first one to take out
   * @returns the place of the first key that is greater than all of this run
   */
  removeAscending(keys: readonly IdentityKey[], from: number): number {
    const { last, sorted } = this.#keys;
    let index = -1;
    let shelfNumber = -1;
    let shelf: Companions | undefined;
    let i = from;
    for (; i < keys.length; i++) {
      const key = keys[i];
      if (typeof key !== "number") continue;
      if (key > last) break;
      const next = index >= 0 && sorted[index + 1] === key ? index + 1 : this.#keys.indexOf(key);
      if (next === -1) continue;
      const place = this.#keys.rowAt(next);
      const number = Math.floor(place / SHELF_SIZE);
      if (number !== shelfNumber) {
        shelf = this.#shelves.at(number);
        shelfNumber = number;
      }
      if (shelf !== undefined) shelf.instances[place % SHELF_SIZE] = undefined;
      index = next;
    }
    return i;
  }

  /** The instances that are still there. */
  *[Symbol.iterator](): Iterator<Instance> {
    for (const { instances } of this.#shelves)
      for (const instance of instances) if (instance !== undefined) yield instance;
  }
}

/** The runs of one model: no two of them overlap. */
export class KeyRuns {
  #runs: KeyRun[] = [];
  #sweepAt = FIRST_SWEEP;

  get(key: number): Instance | undefined {
    return this.#runs.length === 0 ? undefined : this.#runOf(key)?.get(key);
  }

  remove(key: number): void {
    if (this.#runs.length > 0) this.#runOf(key)?.remove(key);
  }

  /** Takes out ascending keys. */
  removeAll(keys: readonly IdentityKey[]): void {
    if (this.#runs.length === 0) return;
    for (let i = 0; i < keys.length;) {
      const key = keys[i];
      const run = typeof key === "number" ? this.#runOf(key) : undefined;
      i = run === undefined ? i + 1 : Math.max(run.removeAscending(keys, i), i + 1);
    }
  }

  /** Whether a run can be added with these keys: what lies between them is gone. */
  hasRoom(first: number, last: number): boolean {
    const from = this.#after(first);
    const below = this.#runs[from - 1];
    const start = below !== undefined && below.last >= first ? from - 1 : from;
    let end = start;
    for (; end < this.#runs.length; end++) {
      const run = this.#runs[end] as KeyRun;
      if (run.first > last) break;
      if (!run.isGone) return false;
    }
    this.#runs.splice(start, end - start);
    return true;
  }

  add(run: KeyRun): void {
    if (this.#runs.length >= this.#sweepAt) {
      this.#runs = this.#runs.filter((each) => !each.isGone);
      this.#sweepAt = Math.max(FIRST_SWEEP, this.#runs.length * 2);
    }
    this.#runs.splice(this.#after(run.first), 0, run);
  }

  *[Symbol.iterator](): Iterator<Instance> {
    for (const run of this.#runs) yield* run;
  }

  #runOf(key: number): KeyRun | undefined {
    const run = this.#runs[this.#after(key) - 1];
    return run !== undefined && key <= run.last ? run : undefined;
  }

  /** The place of the first run that begins after a key. */
  #after(key: number): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#runs[middle] as KeyRun).first <= key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Runs that are gone are looked for when there are so many, and twice as many as then remained. */
const FIRST_SWEEP = 64;
