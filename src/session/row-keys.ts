import type { Bindable } from "../driver/dialect";
import type { Attribute } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import type { InstanceState, Values } from "./instance-state";

/** What tells the row of an UPDATE or a DELETE. */
export function keysOf({ primaryKey, version }: Mapper): readonly Attribute[] {
  return version === undefined ? primaryKey : [...primaryKey, version];
}

/** The value that tells the row in the database: the one before the change, where a key was changed and that is not flushed. */
export function committed(state: InstanceState, attribute: Attribute, original: Values | undefined): Bindable {
  const values = original ?? state.original;
  const value =
    values !== undefined && attribute.name in values
      ? values[attribute.name]
      : state.instance.dataValues[attribute.name];
  return attribute.toDatabase(value ?? null);
}

/** The same as the object has it. */
export function committedValue(state: InstanceState, attribute: Attribute): unknown {
  return state.original !== undefined && attribute.name in state.original
    ? state.original[attribute.name]
    : state.instance.dataValues[attribute.name];
}

/** The values that tell the rows of objects in the database, also where a key was changed and that is not flushed. */
export function keyRows(states: readonly InstanceState[], keys: readonly Attribute[]): Bindable[][] {
  return states.map((state) => {
    const row = new Array<Bindable>(keys.length);
    for (let k = 0; k < keys.length; k++) row[k] = committed(state, keys[k] as Attribute, undefined);
    return row;
  });
}

/** By ascending key, so that two sessions lock rows in the same order. */
export function inKeyOrder(states: readonly InstanceState[]): readonly InstanceState[] {
  for (let i = 1; i < states.length; i++) {
    if (compareKeys(states[i - 1] as InstanceState, states[i] as InstanceState) > 0)
      return [...states].sort(compareKeys);
  }
  return states;
}

function compareKeys(a: InstanceState, b: InstanceState): number {
  if (typeof a.key === "number" && typeof b.key === "number") return a.key - b.key;
  const [left, right] = [String(a.key), String(b.key)];
  return left < right ? -1 : left > right ? 1 : 0;
}
