import { InvalidRequestError, NotLoadedError } from "../errors";
import { isExpired } from "./expiring";
import type { Instance } from "./instance-state";
import { LoadedState, peekState } from "./instance-state";
import { currentReference } from "./linking";
import type { Loader } from "./loader";
import { ownState } from "./own-state";
import type { UnitOfWork } from "./unit-of-work";

/**
 * Loads what reading `key` of a session's object needs: a to-one relationship, or an attribute that was not loaded or has
 * expired. Used by the prompt, where reading may wait.
 *
 * @returns undefined where nothing has to be loaded
 */
export function loadOnRead(object: object, key: string): Promise<void> | undefined {
  const shared = peekState(object);
  if (shared === undefined || shared.unit === undefined) return undefined;
  if (!(shared instanceof LoadedState) && shared.status !== "persistent" && shared.status !== "pending")
    return undefined;
  const instance = object as Instance;
  const { session } = shared.unit;
  const relationship = shared.mapper.relationships.get(key);
  if (relationship !== undefined) {
    if (relationship.toMany) return undefined;
    const state = ownState(instance, shared.mapper);
    if (currentReference(state, relationship) !== undefined || state.raiseload?.has(key)) return undefined;
    return session.load(instance, key).then(() => undefined);
  }
  if (shared.mapper.find(key) === undefined) return undefined;
  if (!(shared instanceof LoadedState) && shared.status === "pending") return undefined;
  if (instance.dataValues[key] !== undefined && !isExpired(instance, key)) return undefined;
  return session.reloadExpired(instance);
}

/** Loads a path of relationships of some objects. @returns of one object, what the path leads to */
export async function loadPath(
  unit: UnitOfWork,
  loader: Loader,
  instances: readonly Instance[],
  path: string,
  isList: boolean,
): Promise<unknown> {
  const [first] = instances;
  if (first === undefined) return undefined;
  const keys = path.split(".");
  let mapper = unit.session.mapperOf(first);
  for (const instance of instances) {
    if (unit.session.mapperOf(instance) !== mapper)
      throw new InvalidRequestError(`Cannot load "${path}" of objects of different models in one call.`);
    if (peekState(instance)?.unit !== unit) {
      throw new InvalidRequestError(`Cannot load "${path}": an object is not in this session.`, {
        hint: "db.session.add(object)",
      });
    }
  }
  for (const key of keys) {
    const relationship = mapper.relationships.get(key);
    if (relationship === undefined) {
      const { hint } = mapper.unknownProperty(key);
      throw new InvalidRequestError(`Cannot load "${key}": ${mapper.name} has no relationship of that name.`, { hint });
    }
    mapper = relationship.target;
  }
  await loader.loadPaths(
    instances,
    keys.map((_, i) => ({ path: keys.slice(0, i + 1), strategy: "selectin" as const })),
  );
  if (isList) return instances;
  return valueAt(first, keys[0] ?? "");
}

function valueAt(instance: Instance, key: string): unknown {
  try {
    return (instance as unknown as Record<string, unknown>)[key];
  } catch (error) {
    if (error instanceof NotLoadedError) return undefined;
    throw error;
  }
}
