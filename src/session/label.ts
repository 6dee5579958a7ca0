import type { Attribute } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import { peekState } from "./instance-state";
import type { Instance, InstanceState } from "./instance-state";

const numbers = new WeakMap<object, number>();
let lastNumber = 0;

/** A number that tells one instance without a key from another in messages. */
function numberOf(instance: object): number {
  let number = numbers.get(instance);
  if (number === undefined) {
    number = ++lastNumber;
    numbers.set(instance, number);
  }
  return number;
}

/** How an instance is shown: `<User 1>`, `<User (pending 2)>`; never reads the database, never throws. */
export function describeInstance(instance: Instance, mapper: Mapper): string {
  const state = peekState(instance);
  const status =
    state === undefined
      ? instance.isNewRecord
        ? "transient"
        : undefined
      : "status" in state
        ? state.status
        : undefined;
  const keys = mapper.primaryKey.map((attribute) => instance.dataValues[attribute.name]);
  const known = keys.length > 0 && keys.every((key) => key !== undefined && key !== null);
  if (status === "transient" || status === "pending" || !known) {
    return `<${mapper.name} (${status ?? "detached"} ${numberOf(instance)})>`;
  }
  return `<${mapper.name} ${keys.map((key) => (typeof key === "object" ? JSON.stringify(key) : String(key))).join(", ")}>`;
}

const LONGEST_VALUE = 40;

/** One value in a message: text in quotes and cut, dates as ISO. */
export function describeValue(value: unknown): string {
  if (typeof value === "string")
    return JSON.stringify(value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE - 1)}…` : value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (Buffer.isBuffer(value)) return `<${value.length} B>`;
  if (typeof value === "object" && value !== null) return JSON.stringify(value)?.slice(0, LONGEST_VALUE) ?? "{}";
  return String(value);
}

/**
 * How an error names the object it speaks of: `User(id=3)`, `User(username="john")`.
 *
 * @param about  attributes that the error is about; they are named besides the key
 */
export function nameForError(state: InstanceState, about: readonly Attribute[] = []): string {
  const { instance, mapper } = state;
  const named = new Set<Attribute>(state.key === undefined ? [] : mapper.primaryKey);
  for (const attribute of about) named.add(attribute);
  if (named.size === 0) {
    for (const attribute of mapper.attributes) {
      const value = instance.dataValues[attribute.name];
      if (value === undefined || value === null || attribute.generated) continue;
      if (named.add(attribute).size > 1) break;
    }
  }
  const parts = [...named].map(
    (attribute) => `${attribute.name}=${describeValue(instance.dataValues[attribute.name] ?? null)}`,
  );
  return `${mapper.name}(${parts.join(", ")})`;
}
