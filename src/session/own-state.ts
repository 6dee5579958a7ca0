import type { Mapper } from "../mapper/mapper";
import { membersOf, referenceOf } from "./relations";
import type { Instance, LoadedState } from "./instance-state";
import { InstanceState, peekState, setState } from "./instance-state";

/**
 * The instance's own state; made where it had none.
 *
 * An instance that plain Sequelize loaded is detached: it has a row and no session.
 */
export function ownState(instance: Instance, mapper: Mapper): InstanceState {
  const found = peekState(instance);
  if (found instanceof InstanceState) return found;
  const state = found === undefined ? adopt(instance, mapper) : unshare(instance, found);
  setState(instance, state);
  if (found === undefined) takeIncluded(state);
  return state;
}

/** What Sequelize's own `include` loaded, or built, becomes the instance's relationships. */
function takeIncluded(state: InstanceState): void {
  const { instance, mapper } = state;
  if (!("include" in instance._options) || mapper.relationships.size === 0) return;
  for (const [key, relationship] of mapper.relationships) {
    const value = instance.dataValues[key] as Instance | Instance[] | null | undefined;
    if (value === undefined) continue;
    delete instance.dataValues[key];
    if (relationship.toMany) {
      const members = membersOf(state, relationship);
      if (state.hasRow) members.load(value as Instance[], 0);
      else for (const member of value as Instance[]) members.add(member);
    } else {
      const reference = referenceOf(state, relationship);
      if (state.hasRow) reference.load(value as Instance | null, 0);
      else reference.assign(value as Instance | null, null);
    }
  }
}

/** What a shared state says, as a state of the instance's own. */
export function unshare(instance: Instance, shared: LoadedState): InstanceState {
  const state = new InstanceState(instance, shared.mapper, "persistent");
  state.unit = shared.unit;
  state.key = shared.mapper.identityOf(instance.dataValues);
  state.epoch = shared.epoch;
  state.complete = shared.complete;
  return state;
}

function adopt(instance: Instance, mapper: Mapper): InstanceState {
  const state = new InstanceState(instance, mapper, instance.isNewRecord ? "transient" : "detached");
  if (instance.isNewRecord) return state;
  state.key = mapper.identityOf(instance.dataValues);
  state.complete = mapper.attributes.every(({ name }) => instance.dataValues[name] !== undefined);
  // What Sequelize knows to be changed stays changed.
  if (Object.hasOwn(instance, "_changed")) {
    for (const name of instance._changed) {
      if (mapper.find(name) !== undefined) (state.original ??= {})[name] = instance._previousDataValues[name];
    }
  }
  return state;
}
