import { inspect } from "node:util";
import type { Instance } from "./instance-state";

/** Instances that were loaded beside each other, each of which holds them all: together they are there, or collected. */
export class Companions {
  /** Their place among others. */
  readonly number: number;
  /** Undefined where one was taken out. */
  readonly instances: (Instance | undefined)[];

  constructor(number: number, instances: (Instance | undefined)[]) {
    this.number = number;
    this.instances = instances;
  }

  [inspect.custom](): string {
    found.push(this);
    return "";
  }
}

/** What the running {@link entriesOf} has come across. */
let found: Companions[] = [];

/**
 * The companions in a weak set that are still there.
 *
 * A weak set cannot be walked through, but `util.inspect` shows its entries and calls the method by which each wants to be shown.
 *
 * @param most  so many at the most
 */
function entriesOf(set: WeakSet<Companions>, most: number): Companions[] {
  found = [];
  inspect(set, { showHidden: true, customInspect: true, maxArrayLength: most, depth: 0, compact: false });
  const entries = found;
  found = [];
  return entries;
}

let canList: boolean | undefined;

/** Whether weak sets can be listed here; otherwise there are weak references from the beginning. */
function canListWeakSets(): boolean {
  if (canList === undefined) {
    const probe = new Companions(0, []);
    canList = entriesOf(new WeakSet([probe]), 1)[0] === probe;
  }
  return canList;
}

/**
 * Companions that are held weakly, by their numbers.
 *
 * A weak set holds them until one is asked for, and weak references afterwards. V8's quick collections take the target of a weak
 * reference for used, but not what stands in a weak set: rows that a loop has passed are gone at once, where references would
 * have each of them copied twice before a full collection finds it.
 */
export class WeakCompanions {
  #unlisted: WeakSet<Companions> | undefined;
  #references: (WeakRef<Companions> | undefined)[] = [];

  /** @param isSought  they will be asked for: there are weak references from the beginning */
  constructor(isSought = false) {
    this.#unlisted = !isSought && canListWeakSets() ? new WeakSet() : undefined;
  }

  add(companions: Companions): void {
    if (this.#unlisted !== undefined) this.#unlisted.add(companions);
    else this.#references[companions.number] = new WeakRef(companions);
  }

  at(number: number): Companions | undefined {
    return this.#listed()[number]?.deref();
  }

  /** Whether those with this number were collected; false where that is not known without looking for them. */
  isKnownGone(number: number): boolean {
    return this.#unlisted === undefined && this.#references[number]?.deref() === undefined;
  }

  /** Whether all were collected. */
  get isGone(): boolean {
    if (this.#unlisted !== undefined) return entriesOf(this.#unlisted, 1).length === 0;
    return this.#references.every((reference) => reference?.deref() === undefined);
  }

  /** Those that are still there, by their numbers. */
  *[Symbol.iterator](): Iterator<Companions> {
    for (const reference of this.#listed()) {
      const companions = reference?.deref();
      if (companions !== undefined) yield companions;
    }
  }

  #listed(): readonly (WeakRef<Companions> | undefined)[] {
    if (this.#unlisted !== undefined) {
      const entries = entriesOf(this.#unlisted, Infinity);
      this.#unlisted = undefined;
      const last = entries.reduce((most, { number }) => Math.max(most, number), -1);
      this.#references = new Array<undefined>(last + 1).fill(undefined);
      for (const companions of entries) this.#references[companions.number] = new WeakRef(companions);
    }
    return this.#references;
  }
}
