import type { Attribute } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import { ArgumentError, NotLoadedError } from "../errors";
import type { Instance, InstanceState } from "./instance-state";
import { LoadedState, peekState } from "./instance-state";
import { describeInstance } from "./label";
import { ownState } from "./own-state";

/**
 * Reads an attribute that has no value: null on an object that has no row yet.
 *
 * @throws {NotLoadedError} where the row is there and the attribute was not loaded
 */
export function readUnset(instance: Instance, mapper: Mapper, name: string): unknown {
  const state = peekState(instance);
  if (state === undefined) {
    // Built by `new Model()`: as good as NULL. Built by Sequelize: its own undefined.
    return instance.isNewRecord && Object.isFrozen(instance._options) ? null : undefined;
  }
  if (!(state instanceof LoadedState) && !state.hasRow) return null;
  throw new NotLoadedError(
    `Cannot read ${mapper.name}.${name} of ${describeInstance(instance, mapper)}: it was not loaded.`,
    { model: mapper.name, key: name, hint: `await db.session.refresh(object, ["${name}"])` },
  );
}

/** Remembers a copy of a value that can change in place, so that the next flush sees a change. */
export function watchValue(instance: Instance, attribute: Attribute, value: unknown): void {
  const shared = peekState(instance);
  if (shared === undefined || value === null || typeof value !== "object") return;
  const state = shared instanceof LoadedState ? ownState(instance, shared.mapper) : shared;
  if (!state.hasRow) return;
  state.copies ??= {};
  if (!(attribute.name in state.copies)) state.copies[attribute.name] = attribute.snapshot(value);
  if (!state.watched && state.unit !== undefined) {
    state.watched = true;
    state.unit.watched.add(state);
  }
}

/** Reads every attribute whose value can change in place, before the values leave as a whole. */
export function watchAll(instance: Instance, mapper: Mapper): void {
  if (peekState(instance) === undefined) return;
  for (const attribute of mapper.attributes)
    if (attribute.mutable) watchValue(instance, attribute, instance.dataValues[attribute.name]);
}

/** Writes an attribute and tracks the change. */
export function writeValue(instance: Instance, attribute: Attribute, given: unknown, sanitize?: Sanitizer): void {
  const { name } = attribute;
  const shared = peekState(instance);
  if (given === undefined) {
    writeUndefined(instance, attribute);
    return;
  }
  const value = sanitized(instance, given, sanitize);
  const { dataValues } = instance;
  if (shared === undefined) {
    // Sequelize's own account of changes, for its save().
    if (!instance.isNewRecord || Object.hasOwn(instance, "_changed")) {
      if (!instance._changed.has(name)) instance._previousDataValues[name] = dataValues[name];
      instance._changed.add(name);
    }
    dataValues[name] = value;
    return;
  }
  const state = shared instanceof LoadedState ? ownState(instance, shared.mapper) : shared;
  noteOriginal(state, name);
  dataValues[name] = value;
}

/** Turns what was assigned into what is kept, as Sequelize's data type does (a date of a text). */
export type Sanitizer = (this: Instance, value: unknown) => unknown;

/** A value that a sanitizer must not touch: an SQL expression, JSON. */
function isStructured(value: unknown): boolean {
  return typeof value === "object" && value !== null && !(value instanceof Date);
}

/** The value as the attribute keeps it. */
export function sanitized(instance: Instance, value: unknown, sanitize: Sanitizer | undefined): unknown {
  return sanitize === undefined || isStructured(value) ? value : sanitize.call(instance, value);
}

function writeUndefined(instance: Instance, attribute: Attribute): void {
  const state = peekState(instance);
  const hasRow =
    state === undefined ? !instance.isNewRecord : state instanceof LoadedState || state.hasRow || state.inserting;
  if (hasRow) {
    throw new ArgumentError(`Cannot set ${attribute.label} to undefined: it is not a value.`, {
      hint: `assign null for NULL`,
    });
  }
  delete instance.dataValues[attribute.name];
}

/** Remembers the committed value before the first change, and that the object was touched. */
export function noteOriginal(state: InstanceState, name: string): void {
  if (!state.hasRow && !state.inserting) return;
  const original = (state.original ??= {});
  if (!(name in original)) {
    const { copies } = state;
    const isCopied = copies !== undefined && name in copies;
    original[name] = isCopied ? copies[name] : state.instance.dataValues[name];
    if (isCopied) delete copies[name];
  }
  if (state.status === "persistent") state.unit?.touch(state);
}

/** Attributes whose values differ from the committed ones; an attribute that was forced counts. */
export function changedAttributes(state: InstanceState): Attribute[] {
  const { original, copies, mapper } = state;
  const { dataValues } = state.instance;
  const changed: Attribute[] = [];
  if (original !== undefined) {
    for (const name in original) {
      const attribute = mapper.find(name);
      if (attribute !== undefined && isChanged(attribute, original[name], dataValues[name])) changed.push(attribute);
    }
  }
  if (copies !== undefined) {
    for (const name in copies) {
      const attribute = mapper.find(name);
      if (attribute !== undefined && !attribute.equals(copies[name], dataValues[name])) changed.push(attribute);
    }
  }
  return changed;
}

/** Whether these attributes of the object differ from the committed values, and no others. */
export function changesExactly(
  { original, copies, mapper, instance }: InstanceState,
  columns: readonly Attribute[],
): boolean {
  if (original === undefined || copies !== undefined) return false;
  let count = 0;
  for (const name in original) {
    const attribute = mapper.find(name);
    if (attribute === undefined || !isChanged(attribute, original[name], instance.dataValues[name])) continue;
    if (!columns.includes(attribute)) return false;
    count++;
  }
  return count === columns.length;
}

/** Whether a value differs from the committed one; an unknown committed value differs from every other. */
export function isChanged(attribute: Attribute, original: unknown, current: unknown): boolean {
  if (original === undefined) return current !== undefined;
  return original !== current && !attribute.equals(original, current);
}

/** What Sequelize's data type makes of an assigned value; undefined where it is kept as it is. */
export function sanitizerOf(mapper: Mapper, name: string): Sanitizer | undefined {
  const parts = mapper.model as unknown as { _dataTypeSanitizers: Record<string, Sanitizer | undefined> };
  return parts._dataTypeSanitizers[name];
}
