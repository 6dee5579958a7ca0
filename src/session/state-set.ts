import { DeletedTogether, countOf, deletesAlone } from "./deleted-together";
import type { Instance, InstanceState, LoadedState } from "./instance-state";

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
    const place = this.placeOf(state);
    // A place that an array does not have is looked up by name, which takes long.
    return place >= 0 && place < this.#items.length && this.#items[place] === state;
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
    this.#items = this.#items.filter((state) => state !== undefined);
    this.#items.forEach((state, i) => this.setPlace(state as InstanceState, i));
  }
}

export type { StateSet };

/** Pending objects. */
export class NewStates extends StateSet {
  protected placeOf(state: InstanceState): number {
    return state.newOrDeletedPlace;
  }

  protected setPlace(state: InstanceState, place: number): void {
    state.newOrDeletedPlace = place;
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

/**
 * Objects that the next flush deletes.
 *
 * Those that were loaded and never changed share states; whoever asks for the members gives each its own.
 */
export class DeletedStates extends StateSet {
  #together: DeletedTogether[] = [];

  /** Objects that share their states, in the order of their marking. */
  get together(): readonly DeletedTogether[] {
    return this.#together;
  }

  override get size(): number {
    return super.size + countOf(this.#together);
  }

  /**
   * Marks an object that was loaded and not changed.
   *
   * @param loaded  the state that the object shares
   * @returns false where its model's deletes need a state of its own
   */
  share(instance: Instance, loaded: LoadedState): boolean {
    let last = this.#together.at(-1);
    if (last?.loaded !== loaded || !last.hasRoom) {
      if (!deletesAlone(loaded.mapper)) return false;
      last = new DeletedTogether(loaded);
      this.#together.push(last);
    }
    last.mark(instance);
    return true;
  }

  /** Objects that share states in a group that is not so go on with states of their own. */
  separateUnless(test: (group: DeletedTogether) => boolean): void {
    const others = this.#together.filter((group) => !test(group));
    if (others.length > 0) this.separate(others);
  }

  /** Some objects go on with states of their own. */
  separate(groups: readonly DeletedTogether[]): void {
    this.forget(groups);
    for (const group of groups) group.ownAll();
  }

  /** Some objects that shared states are deleted. */
  forget(groups: readonly DeletedTogether[]): void {
    this.#together = groups === this.#together ? [] : this.#together.filter((group) => !groups.includes(group));
  }

  /** No object is to be deleted any more. */
  unmarkAll(): void {
    for (const state of this.ownArray()) state.marked = false;
    for (const group of this.#together) group.unmark();
    this.clear();
  }

  override clear(): void {
    this.#together = [];
    super.clear();
  }

  /** The members that have states of their own. */
  ownArray(): InstanceState[] {
    return super.toArray();
  }

  override toArray(): InstanceState[] {
    this.separate(this.#together);
    return super.toArray();
  }

  override some(test: (state: InstanceState) => boolean): boolean {
    this.separate(this.#together);
    return super.some(test);
  }

  protected placeOf(state: InstanceState): number {
    return state.newOrDeletedPlace;
  }

  protected setPlace(state: InstanceState, place: number): void {
    state.newOrDeletedPlace = place;
  }
}
