import type { InstanceState } from "./instance-state";

/** A set with this many gaps, and more gaps than members, is closed up. */
const MANY_GAPS = 1024;

/**
 * A set of states in the order of their adding.
 *
 * Each state remembers its own place, so that adding, asking and taking out need no table: a flush of many objects puts each of
 * them into such sets. Each subclass has a field of the state for the places; a state is in at most one set of a subclass.
 */
abstract class StateSet {
  /** Members, with a gap where one was taken out. */
  #items: (InstanceState | undefined)[] = [];
  #size = 0;

  protected abstract placeOf(state: InstanceState): number;
  protected abstract setPlace(state: InstanceState, place: number): void;

  get size(): number {
    return this.#size;
  }

  has(state: InstanceState): boolean {
    return this.#items[this.placeOf(state)] === state;
  }

  add(state: InstanceState): void {
    if (this.has(state)) return;
    if (this.#items.length - this.#size > Math.max(MANY_GAPS, this.#size)) this.#closeUp();
    this.setPlace(state, this.#items.length);
    this.#items.push(state);
    this.#size++;
  }

  delete(state: InstanceState): void {
    if (!this.has(state)) return;
    this.#items[this.placeOf(state)] = undefined;
    if (--this.#size === 0) this.#items = [];
  }

  clear(): void {
    this.#items = [];
    this.#size = 0;
  }

  /** The members as they are now. */
  toArray(): InstanceState[] {
    if (this.#items.length === this.#size) return this.#items.slice() as InstanceState[];
    return this.#items.filter((state) => state !== undefined);
  }

  /** Whether one of the members is so; `test` must not change the set. */
  some(test: (state: InstanceState) => boolean): boolean {
    return this.#items.some((state) => state !== undefined && test(state));
  }

  /** The members as they are now: what is added or taken out meanwhile does not disturb the loop. */
  [Symbol.iterator](): ArrayIterator<InstanceState> {
    return this.toArray()[Symbol.iterator]();
  }

  #closeUp(): void {
    this.#items = this.toArray();
    this.#items.forEach((state, i) => {
      if (state !== undefined) this.setPlace(state, i);
    });
  }
}

export type { StateSet };

/** Pending objects. */
export class NewStates extends StateSet {
  protected placeOf(state: InstanceState): number {
    return state.newPlace;
  }

  protected setPlace(state: InstanceState, place: number): void {
    state.newPlace = place;
  }
}

/** Objects with a row that were touched since the last flush. */
export class TouchedStates extends StateSet {
  protected placeOf(state: InstanceState): number {
    return state.touchedPlace;
  }

  protected setPlace(state: InstanceState, place: number): void {
    state.touchedPlace = place;
  }
}

/** Objects that the next flush deletes. */
export class DeletedStates extends StateSet {
  protected placeOf(state: InstanceState): number {
    return state.deletedPlace;
  }

  protected setPlace(state: InstanceState, place: number): void {
    state.deletedPlace = place;
  }
}
