import type { IdentityKey, Mapper } from "../mapper/mapper";
import type { Instance } from "./instance-state";
import { holdTogether } from "./instance-state";

/** Instances that one weak reference stands for. */
const SHELF_SIZE = 32;
/** Shelves of collected instances are looked for when a map has grown to this size, and to twice what then remained. */
const FIRST_SWEEP = 16_384;

/**
 * Some neighbouring instances behind one weak reference, which each of them holds: together they are there, or collected.
 *
 * A weak reference for each instance would be the greatest cost of loading many rows.
 */
interface Shelf {
  readonly keys: IdentityKey[];
  readonly instances: WeakRef<Instance[]>;
}

interface Case {
  readonly shelves: Map<IdentityKey, Shelf>;
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
    const shelf = this.#cases.get(mapper)?.shelves.get(key);
    // A key may have been put on the shelf again: the later one counts.
    return shelf?.instances.deref()?.[shelf.keys.lastIndexOf(key)];
  }

  /** @param instance  one that has a state */
  set(mapper: Mapper, key: IdentityKey, instance: Instance): void {
    let place = this.#cases.get(mapper);
    if (place === undefined) {
      place = { shelves: new Map(), last: undefined, sweepAt: FIRST_SWEEP };
      this.#cases.set(mapper, place);
    }
    let shelf = place.last;
    let instances = shelf?.instances.deref();
    if (shelf === undefined || instances === undefined || instances.length >= SHELF_SIZE) {
      instances = [];
      place.last = shelf = { keys: [], instances: new WeakRef(instances) };
    }
    shelf.keys.push(key);
    instances.push(instance);
    holdTogether(instance, instances);
    place.shelves.set(key, shelf);
    if (place.shelves.size >= place.sweepAt) sweep(place);
  }

  /** Takes the key out, wherever it leads. */
  forget(mapper: Mapper, key: IdentityKey): void {
    this.#cases.get(mapper)?.shelves.delete(key);
  }

  /** Takes the key out, if it leads to this instance. */
  delete(mapper: Mapper, key: IdentityKey, instance: Instance): void {
    if (this.get(mapper, key) === instance) this.forget(mapper, key);
  }

  /** The instances of one model that are still there. */
  *ofMapper(mapper: Mapper): Iterable<Instance> {
    for (const [key, shelf] of this.#cases.get(mapper)?.shelves ?? []) {
      const instance = shelf.instances.deref()?.[shelf.keys.lastIndexOf(key)];
      if (instance !== undefined) yield instance;
    }
  }

  *[Symbol.iterator](): Iterator<Instance> {
    for (const mapper of this.#cases.keys()) yield* this.ofMapper(mapper);
  }

  clear(): void {
    this.#cases.clear();
  }
}

function sweep(place: Case): void {
  let shelf: Shelf | undefined;
  let isEmpty = false;
  for (const [key, each] of place.shelves) {
    if (each !== shelf) {
      shelf = each;
      isEmpty = each.instances.deref() === undefined;
    }
    if (isEmpty) place.shelves.delete(key);
  }
  place.sweepAt = Math.max(FIRST_SWEEP, place.shelves.size * 2);
}
