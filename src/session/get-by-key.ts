import { isCapturing } from "../driver/capture";
import { ArgumentError, InvalidRequestError } from "../errors";
import { IMPOSSIBLE } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import type { GetOptions } from "../query/query-executor";
import { hasExpired } from "./expiring";
import { becomeDeleted } from "./flushed-state";
import type { Instance, Values } from "./instance-state";
import { LoadedState, peekState } from "./instance-state";
import type { Loader } from "./loader";
import { ownState } from "./own-state";
import type { UnitOfWork } from "./unit-of-work";

/**
 * The values of a primary key as a caller gives it, in the order of its columns; undefined where no row can have it.
 *
 * @throws {InvalidRequestError} for the wrong number or the wrong names of values
 */
export function normalizeKey(mapper: Mapper, key: unknown): unknown[] | undefined {
  if (key === undefined)
    throw new ArgumentError(`Cannot get a ${mapper.name} by undefined.`, { hint: "null stands for no key" });
  const given = keyParts(mapper, key);
  const values: unknown[] = [];
  for (const [i, attribute] of mapper.primaryKey.entries()) {
    const value = given[i];
    if (value === undefined) throw new ArgumentError(`Cannot get a ${mapper.name} by an undefined ${attribute.name}.`);
    if (value === null) return undefined;
    const canonical = attribute.canonicalKey(value);
    if (canonical === IMPOSSIBLE) return undefined;
    // Some are compared in another form than they are sent: text of UUIDs has its case in the table.
    const { kind } = attribute;
    values.push(kind === "date" || kind === "blob" || kind === "uuid" ? value : canonical);
  }
  return values;
}

function keyParts(mapper: Mapper, key: unknown): readonly unknown[] {
  const names = mapper.primaryKey.map(({ name }) => name);
  if (names.length === 0) {
    throw new InvalidRequestError(`Cannot get a ${mapper.name} by its key: the model has no primary key.`, {
      hint: `${mapper.name}.query.filterBy({ … })`,
    });
  }
  if (Array.isArray(key)) {
    if (key.length !== names.length) throw wrongCount(mapper, key.length);
    return key;
  }
  if (typeof key === "object" && key !== null && isPlainObject(key)) {
    const given = Object.keys(key);
    if (given.length !== names.length || !names.every((name) => Object.hasOwn(key, name))) {
      throw new InvalidRequestError(
        `Incorrect names of values in identifier to formulate primary key for session.get(); ` +
          `primary key attribute names are ${names.map((name) => `'${name}'`).join(",")}`,
        { hint: getHint(mapper) },
      );
    }
    return names.map((name) => (key as Values)[name]);
  }
  if (names.length !== 1 && key !== null) throw wrongCount(mapper, 1);
  return names.map(() => key);
}

function wrongCount(mapper: Mapper, given: number): InvalidRequestError {
  const names = mapper.primaryKey.map(({ name }) => `'${name}'`).join(",");
  return new InvalidRequestError(
    `Incorrect number of values in identifier to formulate primary key for session.get(); ` +
      `primary key columns are ${names}, got ${given} value(s)`,
    { hint: getHint(mapper) },
  );
}

function getHint({ name, primaryKey }: Mapper): string {
  const names = primaryKey.map((attribute) => attribute.name);
  return names.length === 1 ? `${name}.query.get(${names[0]})` : `${name}.query.get([${names.join(", ")}])`;
}

function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === Object.prototype || prototype === null;
}

/**
 * The instance with a key: the session's own where it is fresh, otherwise read from the database.
 *
 * @param key    the values that {@link normalizeKey} gave
 * @param flush  flushes pending changes, before the row is looked for
 */
export async function getByKey(
  unit: UnitOfWork,
  loader: Loader,
  mapper: Mapper,
  key: readonly unknown[],
  options: GetOptions,
  flush: () => Promise<void>,
): Promise<Instance | null> {
  const existing = inSession(unit, mapper, key);
  if (existing !== undefined) {
    const state = peekState(existing);
    const isMarked = state !== undefined && !(state instanceof LoadedState) && state.marked;
    if (isMarked) return existing;
    if (!options.populateExisting && !hasExpired(existing)) {
      await loader.loadPaths([existing], options.loads ?? []);
      return existing;
    }
  } else await flush();
  const [found = null] = await loader.select(options.compile(key));
  if (isCapturing()) return existing ?? null;
  if (existing !== undefined && found !== existing && inSession(unit, mapper, key) === existing)
    becomeDeleted(unit, [ownState(existing, mapper)]);
  return found as Instance | null;
}

function inSession(unit: UnitOfWork, mapper: Mapper, key: readonly unknown[]): Instance | undefined {
  const identity = mapper.identityOf(Object.fromEntries(mapper.primaryKey.map(({ name }, i) => [name, key[i]])));
  return identity === undefined ? undefined : unit.identity.get(mapper, identity);
}
