import type { Model, ModelStatic } from "sequelize";
import { changesOf } from "./inspect-object";
import type { ChangedValue } from "./inspect-object";
import type { InstanceState } from "./instance-state";
import { Members } from "./relation-values";
import type { UnitOfWork } from "./unit-of-work";

/** One object that a commit would write. */
export interface PlannedChange {
  operation: "insert" | "update" | "delete";
  model: ModelStatic<Model>;
  object: Model;
  /** The values of the primary key; null for an object that has none yet. */
  key: readonly unknown[] | null;
  /** What is written: every set value of a new object, the changed values of another. */
  changes: ChangedValue[];
}

/** What a commit would write now, as far as it is known without reading the database. */
export function planOf(unit: UnitOfWork): PlannedChange[] {
  const planned: PlannedChange[] = [];
  for (const state of unit.new) planned.push(describe("insert", state, valuesOf(state)));
  for (const state of unit.touched) {
    if (state.status !== "persistent" || state.marked) continue;
    const changes = changesOf(state);
    if (changes.length > 0) planned.push(describe("update", state, changes));
  }
  for (const state of unit.deleted) planned.push(describe("delete", state, []));
  return planned;
}

function describe(operation: PlannedChange["operation"], state: InstanceState, changes: ChangedValue[]): PlannedChange {
  const { mapper, instance } = state;
  const key = mapper.primaryKey.map(({ name }) => instance.dataValues[name] ?? null);
  return {
    operation,
    model: mapper.model,
    object: instance as unknown as Model,
    key: key.includes(null) ? null : key,
    changes,
  };
}

function valuesOf({ mapper, instance, relations }: InstanceState): ChangedValue[] {
  const values: ChangedValue[] = [];
  for (const { name } of mapper.attributes) {
    const value = instance.dataValues[name];
    if (value !== undefined && value !== null) values.push({ name, old: undefined, new: value });
  }
  for (let relation = relations; relation !== undefined; relation = relation.next)
    if (!(relation instanceof Members) && relation.value)
      values.push({ name: relation.relationship.key, old: undefined, new: relation.value });
  return values;
}
