/** How a module is used whose loading may wait. */
interface Deferral {
  /** Whether what it exports is called. */
  readonly called?: boolean;
  /** Objects among its exports that are taken out of it where it is required. */
  readonly members?: readonly string[];
}

/**
 * What Sequelize requires at its start and uses in few places, always as `name.method(…)` or `name(…)`: a third of its modules.
 * It is loaded when it is first used.
 */
const DEFERRALS: Readonly<Record<string, Deferral>> = {
  "moment-timezone": { called: true },
  semver: {},
  wkx: {},
  "./utils/validator-extras": { members: ["validator", "extensions"] },
};

/** What a request of Sequelize gives: what it loads, or what stands for that until it is used. */
export function deferred(request: string, load: () => unknown): unknown {
  const deferral = Object.hasOwn(DEFERRALS, request) ? DEFERRALS[request] : undefined;
  return deferral ? deferredExports(load, deferral) : load();
}

/** Stands for what a module exports, and loads it when anything is done with it. */
function deferredExports(load: () => unknown, { called = false, members }: Deferral): unknown {
  if (members === undefined) return standIn(load, called);
  const parts = members.map((name) => [name, standIn(() => (load() as Record<string, unknown>)[name], false)] as const);
  return Object.fromEntries(parts);
}

function standIn(load: () => unknown, called: boolean): object {
  let loaded: object | undefined;
  const real = (): object => (loaded ??= load() as object);
  return new Proxy(called ? () => undefined : {}, {
    get: (_target, key) => Reflect.get(real(), key) as unknown,
    set: (_target, key, value) => Reflect.set(real(), key, value),
    has: (_target, key) => Reflect.has(real(), key),
    deleteProperty: (_target, key) => Reflect.deleteProperty(real(), key),
    defineProperty: (_target, key, descriptor) => Reflect.defineProperty(real(), key, descriptor),
    getPrototypeOf: () => Reflect.getPrototypeOf(real()),
    ownKeys: () => Reflect.ownKeys(real()),
    getOwnPropertyDescriptor(_target, key) {
      const descriptor = Reflect.getOwnPropertyDescriptor(real(), key);
      // A property that the stand-in does not have cannot be called fixed.
      return descriptor && { ...descriptor, configurable: true };
    },
    apply: (_target, self, given: unknown[]) => Reflect.apply(real() as (...given: unknown[]) => unknown, self, given),
  });
}
