import type { InstanceState, Instance } from "./instance-state";
import { LoadedState, peekState } from "./instance-state";
import { currentReference } from "./linking";
import { Members } from "./relation-values";
import type { Reference } from "./relation-values";
import type { UnitOfWork } from "./unit-of-work";

/** The objects' rows were inserted, or took over those of deleted ones. */
export function becomeInserted(unit: UnitOfWork, states: readonly InstanceState[]): void {
  // To empty a large set at once is far less work than to take out one after the other.
  let isAll = states.length === unit.new.size;
  for (const state of states) {
    isAll &&= state.status === "pending" && state.unit === unit;
    settleInserted(unit, state);
  }
  if (isAll) unit.new.clear();
  else for (const state of states) unit.new.delete(state);
}

function settleInserted(unit: UnitOfWork, state: InstanceState): void {
  const { instance, mapper } = state;
  state.status = "persistent";
  state.epoch = unit.epoch;
  state.complete = true;
  state.inserting = false;
  state.flushing = undefined;
  // Changed while the INSERT was on its way.
  if (state.original !== undefined) unit.touch(state);
  instance.isNewRecord = false;
  settleSequelizeFields(instance);
  const key = mapper.identityOf(instance.dataValues);
  state.key = key;
  if (key !== undefined && state.unit === unit) unit.identity.set(mapper, key, instance);
  unit.frame.inserted.push(state);
}

/** The object's changes were written. */
export function becomeUpdated(unit: UnitOfWork, state: InstanceState): void {
  const { instance, mapper } = state;
  const flushed = state.flushing;
  state.flushing = undefined;
  settleSequelizeFields(instance);
  if (flushed === undefined) return;
  unit.frame.noteChanged(state, flushed);
  if (!mapper.primaryKey.some(({ name }) => name in flushed)) return;
  const key = mapper.identityOf(instance.dataValues);
  if (key === undefined || key === state.key) return;
  if (state.key !== undefined) {
    unit.frame.noteKey(state, state.key);
    unit.identity.delete(mapper, state.key, instance);
  }
  state.key = key;
  unit.identity.set(mapper, key, instance);
}

/** The object's row was deleted. */
export function becomeDeleted(unit: UnitOfWork, state: InstanceState): void {
  const { mapper } = state;
  unit.deleted.delete(state);
  unit.touched.delete(state);
  unit.new.delete(state);
  state.marked = false;
  state.status = "deleted";
  state.wasDeleted = true;
  for (const changes of [state.flushing, state.original])
    if (changes !== undefined) unit.frame.noteChanged(state, changes);
  state.flushing = undefined;
  state.original = undefined;
  if (state.key !== undefined) unit.identity.forget(mapper, state.key);
  unit.frame.deleted.push(state);
  leaveCollections(unit, state);
}

/** Loaded collections and references of other objects let go of a deleted one. */
function leaveCollections(unit: UnitOfWork, state: InstanceState): void {
  for (const relationship of state.mapper.relationships.values()) {
    const back = relationship.backref;
    if (back === undefined || (relationship.toMany && state.relations === undefined)) continue;
    for (const owner of relatedTo(state, relationship.key, () => currentReference(state, relationship))) {
      const other = peekState(owner);
      if (other === undefined || other instanceof LoadedState || other.unit !== unit) continue;
      const relation = other.relations?.get(back.key);
      if (relation === undefined) continue;
      if (relation instanceof Members) {
        unit.frame.noteRelation(other, back.key, () => ({
          items: relation.items === undefined ? undefined : [...relation.items],
          added: NONE,
          removed: NONE,
        }));
        relation.forget(state.instance);
      } else if (relation.value === state.instance) {
        unit.frame.noteRelation(other, back.key, { value: relation.value });
        relation.value = back.kind === "manyToOne" ? null : undefined;
      }
    }
  }
}

const NONE: ReadonlySet<Instance> = new Set();

function relatedTo(
  state: InstanceState,
  key: string,
  reference: () => Instance | null | undefined,
): readonly Instance[] {
  const relation: Members | Reference | undefined = state.relations?.get(key);
  if (relation instanceof Members) return [...(relation.items ?? [])];
  const relationship = state.mapper.relationships.get(key);
  if (relationship?.toMany) return [];
  const value = reference();
  return value ? [value] : [];
}

/** What Sequelize keeps of changes is brought in step, so that its own methods work on the object. */
function settleSequelizeFields(instance: Instance): void {
  if (Object.hasOwn(instance, "_changed")) instance._changed.clear();
  if (Object.hasOwn(instance, "_previousDataValues")) instance._previousDataValues = { ...instance.dataValues };
}
