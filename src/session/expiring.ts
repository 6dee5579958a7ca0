import type { Attribute } from "../mapper/attribute";
import { InvalidRequestError } from "../errors";
import type { Instance, InstanceState } from "./instance-state";
import { LoadedState, peekState } from "./instance-state";
import { describeInstance } from "./label";
import { undoRelation, undoRelations } from "./linking";
import { ownState } from "./own-state";
import { dropRelation, relationOf } from "./relations";
import type { Mapper } from "../mapper/mapper";
import type { UnitOfWork } from "./unit-of-work";
import { undoChanges } from "./unit-of-work";

/**
 * Marks an object's values, or some of them, as stale: unflushed changes of them are dropped, and the next row overwrites them.
 *
 * @throws {InvalidRequestError} for an object that is not persistent in this session
 */
export function expire(unit: UnitOfWork, instance: Instance, mapper: Mapper, names?: readonly string[]): void {
  const shared = peekState(instance);
  if (shared?.unit !== unit || (!(shared instanceof LoadedState) && shared.status !== "persistent")) {
    throw new InvalidRequestError(
      `Instance ${describeInstance(instance, mapper)} is not persistent within this Session`,
    );
  }
  const state = ownState(instance, mapper);
  if (names === undefined) {
    undoRelations(state);
    undoChanges(state);
    state.copies = undefined;
    state.relations = undefined;
    state.epoch = 0;
    unit.touched.delete(state);
    return;
  }
  for (const name of names) {
    if (mapper.relationships.has(name)) {
      const relation = relationOf(state, name);
      if (relation !== undefined) undoRelation(state, relation);
      dropRelation(state, name);
      continue;
    }
    mapper.attribute(name);
    if (state.original !== undefined && name in state.original) {
      instance.dataValues[name] = state.original[name];
      delete state.original[name];
    }
    if (state.copies) delete state.copies[name];
    (state.expired ??= new Set()).add(name);
  }
}

/** A row has arrived for an expired object. */
export function settleExpired(state: InstanceState, attributes: readonly Attribute[], complete: boolean): void {
  for (const { name } of attributes) state.expired?.delete(name);
  if (state.expired?.size === 0) state.expired = undefined;
  if (!complete) return;
  state.complete = true;
  if (state.unit !== undefined) state.epoch = state.unit.epoch;
}

/** Whether the values of an instance, or the one of that name, may be stale. */
export function isExpired(instance: Instance, name?: string): boolean {
  const state = peekState(instance);
  if (state === undefined || state.unit === undefined) return false;
  if (state.epoch < state.unit.epoch) return true;
  return name !== undefined && !(state instanceof LoadedState) && (state.expired?.has(name) ?? false);
}

/** Whether any value of an instance may be stale: it has expired as a whole, or some of its attributes have. */
export function hasExpired(instance: Instance): boolean {
  const state = peekState(instance);
  return isExpired(instance) || (state !== undefined && !(state instanceof LoadedState) && state.expired !== undefined);
}
