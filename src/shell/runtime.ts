import { types } from "node:util";

/** Loads what a property stands for before it is read: a promise while that takes, undefined when there is nothing to load. */
export type LoadOnRead = (object: object, key: string) => Promise<unknown> | undefined;

/** Keys that a pattern reads, each with the keys that are read of its value. */
export interface KeyTree {
  readonly [key: string]: KeyTree;
}

/** One step of a `for await` loop: a promise of it, which the loop replaces by the step itself. */
type Step = Promise<IteratorResult<unknown>>;

/** Whether a value is one that `await` waits for. Proxies are not asked: theirs may answer to any name. */
export function isAwaitable(value: unknown): boolean {
  if (value instanceof Promise) return true;
  if (typeof value !== "object" || value === null || types.isProxy(value)) return false;
  return typeof (value as { then?: unknown }).then === "function";
}

/**
 * What a compiled input asks of its runner while it runs: the functions that its generator is given.
 *
 * One for each input, so that what it notes belongs to that input.
 */
export class Runtime {
  readonly #load: LoadOnRead | undefined;
  /** The last property that was read and is not there. */
  #missing: { readonly object: WeakRef<object>; readonly key: string } | undefined;
  /** Whether that was the very last read. */
  #justMissed = false;
  #ending: Promise<unknown> | undefined;

  constructor(load?: LoadOnRead) {
    this.#load = load;
  }

  /**
   * Called before `object[key]` is read: a promise of the object when something must be waited for first (the object is itself a
   * promise, or the property is a relationship that is not loaded), else undefined.
   */
  readonly read = (object: unknown, key: unknown): Promise<unknown> | undefined => {
    if (object === null || (typeof object !== "object" && typeof object !== "function") || typeof key !== "string")
      return undefined;
    if (object instanceof Promise) {
      if (key in Promise.prototype) return undefined;
      return object.then((value: unknown) => this.read(value, key) ?? value);
    }
    this.#justMissed = !(key in object);
    if (this.#justMissed) this.#missing = { object: new WeakRef(object), key };
    const loading = typeof object === "object" ? this.#load?.(object, key) : undefined;
    return loading?.then(() => object);
  };

  /** Called before a value is taken apart: like {@link read}, for all keys of the pattern. */
  readonly takeApart = (value: unknown, keys: KeyTree): Promise<unknown> | undefined => {
    const [key, ...others] = Object.keys(keys);
    if (typeof value !== "object" || value === null || key === undefined) return undefined;
    const rest = Object.fromEntries(others.map((name) => [name, keys[name] ?? {}]));
    const inside = (): Promise<unknown> | undefined => {
      const nested = keys[key] ?? {};
      if (Object.keys(nested).length === 0) return undefined;
      return this.takeApart((value as Readonly<Record<string, unknown>>)[key], nested);
    };
    const loading = this.read(value, key) ?? inside();
    if (!loading) return this.takeApart(value, rest);
    return loading.then(inside).then(() => this.takeApart(value, rest) ?? value);
  };

  /** The values of an iterable, each told before a pattern takes it apart. */
  readonly each = function* (this: void, values: Iterable<unknown>, tell: (value: unknown) => void): Iterable<unknown> {
    for (const value of values) {
      tell(value);
      yield value;
    }
  };

  /** The promises of the steps of a `for await` loop. */
  readonly steps = (iterable: AsyncIterable<unknown> | Iterable<unknown>): Iterable<Step> => {
    const asynchronous = (iterable as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator];
    if (typeof asynchronous !== "function") return this.#stepsOf(settled(iterable as Iterable<unknown>));
    return this.#stepsOf(asynchronous.call(iterable));
  };

  *#stepsOf(iterator: AsyncIterator<unknown>): Iterable<Step> {
    let done = false;
    try {
      while (!done) {
        yield Promise.resolve(iterator.next()).then(
          (step) => {
            done = step.done === true;
            return step;
          },
          (error: unknown) => {
            done = true;
            throw error;
          },
        );
      }
    } finally {
      if (!done) {
        this.#ending = Promise.resolve(iterator.return?.());
        this.#ending.catch(() => undefined);
      }
    }
  }

  /** The promise of the end of the loop that was left early, if one was. */
  readonly ended = (): Promise<unknown> | undefined => {
    const ending = this.#ending;
    this.#ending = undefined;
    return ending;
  };

  /**
   * The property without which a `TypeError` came: a method that is not there, or one that a further property was read of.
   * Its object, and the names that the object has instead.
   */
  missingFor(error: unknown): MissingProperty | undefined {
    const object = this.#missing?.object.deref();
    if (!(error instanceof TypeError) || !object || !this.#missing) return undefined;
    const { key } = this.#missing;
    const isCalled = error.message.includes(key) && error.message.includes("is not a function");
    const isReadOf = this.#justMissed && error.message.startsWith("Cannot read properties of undefined");
    return isCalled || isReadOf ? { object, key, names: namesOf(object) } : undefined;
  }
}

/** A property that an object does not have. */
export interface MissingProperty {
  readonly object: object;
  readonly key: string;
  /** The names that the object has. */
  readonly names: readonly string[];
}

/** The names of an object's properties, without those that every object or function has. Looks at names only, never at values. */
function namesOf(object: object): string[] {
  const names = new Set<string>();
  for (
    let at: object | null = object;
    at && at !== Object.prototype && at !== Function.prototype;
    at = Object.getPrototypeOf(at) as object | null
  ) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  }
  return [...names].filter((name) => !name.startsWith("_"));
}

/** The values of an iterable, each awaited. */
async function* settled(iterable: Iterable<unknown>): AsyncGenerator {
  for (const value of iterable) yield await value;
}
