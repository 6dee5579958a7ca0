import type { IdentityKey, Mapper } from "../mapper/mapper";
import type { Instance } from "./instance-state";

/** References to collected instances are looked for when a map has grown to this size, and to twice what then remained. */
const FIRST_SWEEP = 16_384;

interface Shelf {
  references: Map<IdentityKey, WeakRef<Instance>>;
  sweepAt: number;
}

/**
 * The one instance of each row in a session: model and primary key to instance.
 *
 * Instances are held weakly, so what nobody uses can be collected; new, changed and deleted ones are held by the unit of work.
 */
export class IdentityMap {
  readonly #shelves = new Map<Mapper, Shelf>();

  get(mapper: Mapper, key: IdentityKey): Instance | undefined {
    return this.#shelves.get(mapper)?.references.get(key)?.deref();
  }

  set(mapper: Mapper, key: IdentityKey, instance: Instance): void {
    const shelf = this.#shelf(mapper);
    shelf.references.set(key, new WeakRef(instance));
    if (shelf.references.size >= shelf.sweepAt) sweep(shelf);
  }

  /** Takes the key out, wherever it leads. */
  forget(mapper: Mapper, key: IdentityKey): void {
    this.#shelves.get(mapper)?.references.delete(key);
  }

  /** Takes the key out, if it leads to this instance. */
  delete(mapper: Mapper, key: IdentityKey, instance: Instance): void {
    const references = this.#shelves.get(mapper)?.references;
    if (references?.get(key)?.deref() === instance) references.delete(key);
  }

  /** The references of one model, for reading many rows in a row. */
  references(mapper: Mapper): ReadonlyMap<IdentityKey, WeakRef<Instance>> {
    return this.#shelf(mapper).references;
  }

  /** The instances of one model that are still there. */
  *ofMapper(mapper: Mapper): Iterable<Instance> {
    for (const reference of this.#shelves.get(mapper)?.references.values() ?? []) {
      const instance = reference.deref();
      if (instance !== undefined) yield instance;
    }
  }

  *[Symbol.iterator](): Iterator<Instance> {
    for (const mapper of this.#shelves.keys()) yield* this.ofMapper(mapper);
  }

  clear(): void {
    this.#shelves.clear();
  }

  #shelf(mapper: Mapper): Shelf {
    let shelf = this.#shelves.get(mapper);
    if (shelf === undefined) {
      shelf = { references: new Map(), sweepAt: FIRST_SWEEP };
      this.#shelves.set(mapper, shelf);
    }
    return shelf;
  }
}

function sweep(shelf: Shelf): void {
  for (const [key, reference] of shelf.references) if (reference.deref() === undefined) shelf.references.delete(key);
  shelf.sweepAt = Math.max(FIRST_SWEEP, shelf.references.size * 2);
}
