import type { Model, ModelStatic } from "sequelize";
import { Mapper } from "../mapper/mapper";
import { changedAttributes } from "./attribute-access";
import type { Instance, InstanceState, InstanceStatus } from "./instance-state";
import { LoadedState, peekState } from "./instance-state";
import { currentReference } from "./linking";
import { Members } from "./relation-values";
import { relationOf } from "./relations";

/** One attribute or relationship of an object that a flush would write. */
export interface ChangedValue {
  name: string;
  old: unknown;
  new: unknown;
}

/** What is known of an object, found without sending anything and without changing it. */
export interface ObjectInspection {
  model: ModelStatic<Model>;
  state: InstanceStatus;
  /** The values of the primary key; null where they are not known. */
  key: readonly unknown[] | null;
  changed: ChangedValue[];
  /** Attributes whose values were not loaded. */
  notLoaded: string[];
  /** Whether the values may be stale. */
  expired: boolean;
  /** Relationships: the related object, null, an array of objects; undefined where it is not loaded. */
  relationships: { key: string; value: unknown }[];
}

/** Where an instance of a model stands: "transient", "pending", "persistent", "deleted" or "detached". */
export function stateOf(object: object): InstanceStatus {
  const state = peekState(object);
  if (state === undefined) return (object as Instance).isNewRecord ? "transient" : "detached";
  return state instanceof LoadedState ? (state.unit.has(object as Instance) ? "persistent" : "detached") : state.status;
}

/** What is known of an instance of a model. */
export function inspectObject(object: object): ObjectInspection {
  const instance = object as Instance;
  const mapper = Mapper.of(instance.constructor);
  const shared = peekState(instance);
  const own = shared === undefined || shared instanceof LoadedState ? undefined : shared;
  const { dataValues } = instance;
  const hasRow = own === undefined ? !instance.isNewRecord : own.hasRow;
  const key = mapper.primaryKey.map(({ name }) => dataValues[name]);
  return {
    model: mapper.model,
    state: stateOf(instance),
    key: key.every((value) => value !== undefined && value !== null) ? key : null,
    changed: own === undefined || !own.hasRow ? [] : changesOf(own),
    notLoaded: hasRow
      ? mapper.attributes.filter(({ name }) => dataValues[name] === undefined).map(({ name }) => name)
      : [],
    expired: shared?.unit !== undefined && shared.epoch < shared.unit.epoch,
    relationships: [...mapper.relationships.values()].map((relationship) => {
      const relation = own && relationOf(own, relationship.key);
      if (relationship.toMany) {
        const items = relation instanceof Members ? relation.items : undefined;
        return { key: relationship.key, value: items === undefined ? undefined : [...items] };
      }
      if (own !== undefined) return { key: relationship.key, value: currentReference(own, relationship) };
      if (relationship.kind === "oneToOne") return { key: relationship.key, value: undefined };
      const foreignKey = dataValues[relationship.foreignKey.name];
      if (foreignKey === null) return { key: relationship.key, value: null };
      const value =
        foreignKey === undefined
          ? undefined
          : shared?.unit?.findByAttribute(relationship.target, relationship.targetKey, foreignKey);
      return { key: relationship.key, value };
    }),
  };
}

/** Attributes and references of an object with a row that a flush would write, with their committed values. */
export function changesOf(state: InstanceState): ChangedValue[] {
  const { instance } = state;
  const before = (name: string): unknown => {
    for (const values of [state.original, state.copies])
      if (values !== undefined && name in values) return values[name];
    return instance.dataValues[name];
  };
  const changes = changedAttributes(state).map(({ name }) => ({
    name,
    old: before(name),
    new: instance.dataValues[name],
  }));
  for (let relation = state.relations; relation !== undefined; relation = relation.next) {
    if (relation instanceof Members || !relation.isChanged) continue;
    const { key, kind } = relation.relationship;
    if (kind === "manyToOne") changes.push({ name: key, old: relation.before, new: relation.value });
  }
  return changes;
}
