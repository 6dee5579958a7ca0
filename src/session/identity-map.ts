import type { IdentityKey, Mapper } from "../mapper/mapper";
import { Companions, WeakCompanions } from "./companions";
import type { Instance, InstanceState, LoadedState, Values } from "./instance-state";
import { holdTogether, stampLoaded } from "./instance-state";
import { KeyRun, KeyRuns, SHELF_SIZE } from "./key-run";
import { SortedKeys } from "./sorted-keys";

/** Shelves of collected instances are looked for when there are so many shelves, and twice as many as then remained. */
const FIRST_SWEEP = 512;

/**
 * Some neighbouring instances behind one weak reference, which each of them holds: together they are there, or collected.
 *
 * A weak reference for each instance would be the greatest cost of loading many rows.
 */
interface Shelf {
  readonly keys: IdentityKey[];
  /** Its instances are those with this number. */
  readonly group: WeakCompanions;
  readonly number: number;
}

interface Case {
  readonly shelves: Map<IdentityKey, Shelf>;
  /** What was loaded in the order of its keys. */
  readonly runs: KeyRuns;
  /** Every shelf, in the order of their making. */
  all: Shelf[];
  /** The shelf that has room. */
  last: Shelf | undefined;
  sweepAt: number;
}

/**
 * The one instance of each row in a session: model and primary key to instance.
 *
 * Instances are held weakly, so what nobody uses can be collected; new, changed and deleted ones are held by the unit of work.
 * An instance in use keeps the few that were put in beside it.
 */
export class IdentityMap {
  readonly #cases = new Map<Mapper, Case>();

  get(mapper: Mapper, key: IdentityKey): Instance | undefined {
    const place = this.#cases.get(mapper);
    const shelf = place?.shelves.get(key);
    if (shelf !== undefined) return onShelf(shelf, companionsOn(shelf), key);
    return typeof key === "number" ? place?.runs.get(key) : undefined;
  }

  /** @param instance  one that has a state */
  set(mapper: Mapper, key: IdentityKey, instance: Instance): void {
    const place = this.#caseOf(mapper);
    let shelf = place.last;
    let companions = shelf && companionsOn(shelf);
    if (shelf === undefined || companions === undefined || companions.instances.length >= SHELF_SIZE) {
      companions = new Companions(0, []);
      shelf = newShelf(place, companions, new WeakCompanions(true));
    }
    shelf.keys.push(key);
    companions.instances.push(instance);
    holdTogether(instance, companions);
    place.shelves.set(key, shelf);
    if (typeof key === "number") place.runs.remove(key);
  }

  /** One model's part of the map, for putting many instances in; of use until the calling code has ended. */
  shelvesOf(mapper: Mapper): Shelves {
    return new Shelves(this.#caseOf(mapper));
  }

  /** Puts in many objects of one model that have their keys, at less than the cost of one after the other. */
  setAll(mapper: Mapper, states: readonly InstanceState[]): void {
    const place = this.#caseOf(mapper);
    const keys = ascendingKeys(states);
    if (keys !== undefined && this.shelvesOf(mapper).hasRoomFor(keys)) {
      const instances = states.map(({ instance }) => instance);
      place.runs.add(KeyRun.of(keys, instances));
      return;
    }
    const group = new WeakCompanions();
    for (let start = 0; start < states.length; start += SHELF_SIZE) {
      const companions = new Companions(start / SHELF_SIZE, []);
      const shelf = newShelf(place, companions, group);
      const end = Math.min(start + SHELF_SIZE, states.length);
      for (let i = start; i < end; i++) {
        const { key, instance } = states[i] as InstanceState;
        if (key === undefined) continue;
        shelf.keys.push(key);
        companions.instances.push(instance);
        holdTogether(instance, companions);
        place.shelves.set(key, shelf);
      }
    }
  }

  /** Takes the key out, wherever it leads. */
  forget(mapper: Mapper, key: IdentityKey): void {
    const place = this.#cases.get(mapper);
    place?.shelves.delete(key);
    if (typeof key === "number") place?.runs.remove(key);
  }

  /** Takes out the keys of objects whose rows are gone. */
  forgetAll(states: readonly InstanceState[]): void {
    const [first] = states;
    const place = first && this.#cases.get(first.mapper);
    // To empty a large map at once is far less work than to take out one key after the other.
    if (place !== undefined && place.shelves.size === states.length) {
      const isAll = states.every(
        ({ mapper, key }) => mapper === first?.mapper && key !== undefined && place.shelves.has(key),
      );
      if (isAll) {
        place.shelves.clear();
        place.all = [];
        place.last = undefined;
        return;
      }
    }
    for (const { mapper, key } of states) if (key !== undefined) this.forget(mapper, key);
  }

  /** Takes out ascending keys of one model, whose rows are gone. */
  forgetKeys(mapper: Mapper, keys: readonly IdentityKey[]): void {
    const place = this.#cases.get(mapper);
    if (place === undefined) return;
    if (place.shelves.size > 0) for (const key of keys) place.shelves.delete(key);
    place.runs.removeAll(keys);
  }

  /** Takes the key out, if it leads to this instance. */
  delete(mapper: Mapper, key: IdentityKey, instance: Instance): void {
    if (this.get(mapper, key) === instance) this.forget(mapper, key);
  }

  /** The instances of one model that are still there. */
  *ofMapper(mapper: Mapper): Iterable<Instance> {
    const place = this.#cases.get(mapper);
    for (const shelf of place?.all ?? []) {
      const instances = companionsOn(shelf)?.instances;
      // A key that was taken out, or put on another shelf, leads here no more.
      if (instances === undefined) continue;
      for (let i = 0; i < instances.length; i++) {
        const key = shelf.keys[i] as IdentityKey;
        if (place?.shelves.get(key) === shelf && shelf.keys.lastIndexOf(key) === i) yield instances[i] as Instance;
      }
    }
    if (place !== undefined) yield* place.runs;
  }

  *[Symbol.iterator](): Iterator<Instance> {
    for (const mapper of this.#cases.keys()) yield* this.ofMapper(mapper);
  }

  clear(): void {
    this.#cases.clear();
  }

  #caseOf(mapper: Mapper): Case {
    let place = this.#cases.get(mapper);
    if (place === undefined) {
      place = { shelves: new Map(), runs: new KeyRuns(), all: [], last: undefined, sweepAt: FIRST_SWEEP };
      this.#cases.set(mapper, place);
    }
    return place;
  }
}

/** One model's part of an {@link IdentityMap}, which holds the instances of the shelf that it fills. */
export class Shelves {
  readonly #case: Case;
  readonly #group = new WeakCompanions();
  #shelf: Shelf | undefined;
  #companions = new Companions(-1, []);

  constructor(place: Case) {
    this.#case = place;
  }

  get(key: IdentityKey): Instance | undefined {
    const shelf = this.#case.shelves.get(key);
    if (shelf === undefined) return typeof key === "number" ? this.#case.runs.get(key) : undefined;
    return onShelf(shelf, shelf === this.#shelf ? this.#companions : companionsOn(shelf), key);
  }

  /** Whether nothing of the session has one of the keys, so that {@link putRun} may take them. */
  hasRoomFor({ all, first, last }: SortedKeys): boolean {
    const { shelves, runs } = this.#case;
    if (shelves.size > 0) for (let i = 0; i < all.length; i++) if (shelves.has(all[i] as number)) return false;
    return runs.hasRoom(first, last);
  }

  /**
   * Makes instances of what was loaded together, and puts them in.
   *
   * @param keys       those of the rows, of which {@link hasRoomFor} was told
   * @param instances  takes the instances in the order of the rows
   */
  putRun(keys: SortedKeys, rows: readonly Values[], state: LoadedState, instances: (Instance | null)[]): void {
    this.#case.runs.add(KeyRun.load(keys, rows, state, instances));
  }

  /** @param instance  one that has no state yet, and gets this one */
  put(key: IdentityKey, instance: Instance, state: LoadedState): void {
    if (this.#shelf === undefined || this.#companions.instances.length >= SHELF_SIZE) {
      this.#companions = new Companions(this.#companions.number + 1, []);
      this.#shelf = newShelf(this.#case, this.#companions, this.#group);
    }
    const place = this.#case;
    this.#shelf.keys.push(key);
    this.#companions.instances.push(instance);
    stampLoaded(instance, state, this.#companions);
    place.shelves.set(key, this.#shelf);
  }
}

/** The keys of many objects, where they are whole numbers and ascend. */
function ascendingKeys(states: readonly InstanceState[]): SortedKeys | undefined {
  if (states.length < SHELF_SIZE) return undefined;
  const keys = new Float64Array(states.length);
  let last = -Infinity;
  for (let i = 0; i < states.length; i++) {
    const { key } = states[i] as InstanceState;
    if (typeof key !== "number" || !Number.isSafeInteger(key) || key <= last) return undefined;
    keys[i] = last = key;
  }
  return SortedKeys.ascending(keys);
}

function newShelf(place: Case, companions: Companions, group: WeakCompanions): Shelf {
  if (place.all.length >= place.sweepAt) sweep(place);
  group.add(companions);
  const shelf: Shelf = { keys: [], group, number: companions.number };
  place.last = shelf;
  place.all.push(shelf);
  return shelf;
}

function companionsOn({ group, number }: Shelf): Companions | undefined {
  return group.at(number);
}

/** A key may have been put on the shelf again: the later one counts. */
function onShelf({ keys }: Shelf, companions: Companions | undefined, key: IdentityKey): Instance | undefined {
  return companions?.instances[keys.lastIndexOf(key)];
}

function sweep(place: Case): void {
  const kept: Shelf[] = [];
  let group: WeakCompanions | undefined;
  let isGone = false;
  for (const shelf of place.all) {
    // Shelves of one group stand together.
    if (shelf.group !== group) {
      ({ group } = shelf);
      ({ isGone } = group);
    }
    if (!isGone && !group.isKnownGone(shelf.number)) kept.push(shelf);
    else for (const key of shelf.keys) if (place.shelves.get(key) === shelf) place.shelves.delete(key);
  }
  place.all = kept;
  place.sweepAt = Math.max(FIRST_SWEEP, kept.length * 2);
}
