import type { Bindable } from "../driver/dialect";
import type { Attribute } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import { emplace } from "./emplace";
import { isSqlExpression } from "./expression-values";
import type { Instance, InstanceState, Values } from "./instance-state";

interface ModelDefaults {
  _defaultValues: Record<string, (() => unknown) | undefined>;
  _getDefaultTimestamp(name: string): unknown;
}

/** The model's default for an attribute, made anew for each call; undefined where it has none. */
export function defaultOf(mapper: Mapper, attribute: Attribute): unknown {
  const make = (mapper.model as unknown as ModelDefaults)._defaultValues[attribute.name];
  if (make === undefined) return undefined;
  const value = make();
  // Sequelize copies only the outermost level.
  return attribute.mutable && isPlain(value) ? attribute.snapshot(value) : value;
}

function isPlain(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value) as unknown;
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}

/** Gives a new instance the defaults that its unset attributes have: Sequelize does so in its constructor, we at the flush. */
export function applyDefaults(instance: Instance, mapper: Mapper): void {
  for (const attribute of mapper.attributes) {
    const { name } = attribute;
    if (instance.dataValues[name] !== undefined) continue;
    const value = defaultOf(mapper, attribute);
    if (value !== undefined) instance.dataValues[name] = value;
    else if (attribute.primaryKey) instance.dataValues[name] = null;
  }
}

/** Writes a value that the flush itself makes, and remembers what stood there for the way back to transient. */
export function generate(state: InstanceState, name: string, value: unknown): void {
  const { dataValues } = state.instance;
  noteBefore(state, name, dataValues[name]);
  dataValues[name] = value;
}

/** Accounts of attributes that had no value before the flush: by what they hold already, then by the attribute that joins. */
const unsetBefore = new WeakMap<Readonly<Values>, Map<string, Readonly<Values>>>();
const NOTHING: Readonly<Values> = Object.freeze({});

// The last step from one shared account to the next: a flush takes the same one for object after object.
let lastBefore: Readonly<Values> | undefined;
let lastName = "";
let lastAfter: Readonly<Values> | undefined;

function noteBefore(state: InstanceState, name: string, value: unknown): void {
  const before = state.before ?? NOTHING;
  if (value === undefined && before === lastBefore && name === lastName) {
    state.before = lastAfter;
    return;
  }
  if (name in before) return;
  if (value !== undefined) {
    if (Object.isFrozen(before)) state.before = { ...before, [name]: value };
    else (before as Values)[name] = value;
    return;
  }
  if (!Object.isFrozen(before)) {
    (before as Values)[name] = undefined;
    return;
  }
  lastBefore = before;
  lastName = name;
  state.before = lastAfter = withUnset(before, name);
}

function withUnset(before: Readonly<Values>, name: string): Readonly<Values> {
  const further = emplace(unsetBefore, before, () => new Map<string, Readonly<Values>>());
  return emplace(further, name, () => Object.freeze({ ...before, [name]: undefined }));
}

/** Fills in what an INSERT needs and nobody set: defaults, timestamps, the first version. */
export function completeNew(state: InstanceState, now: Date): void {
  const { mapper } = state;
  const { dataValues } = state.instance;
  if (mapper.version !== undefined && (dataValues[mapper.version.name] ?? undefined) === undefined)
    generate(state, mapper.version.name, 1);
  if (mapper.createdAt !== undefined) setTimestamp(state, mapper.createdAt, now);
  if (mapper.updatedAt !== undefined) setTimestamp(state, mapper.updatedAt, now);
  const defaults = withDefaults(mapper);
  for (let i = 0; i < defaults.length; i++) {
    const attribute = defaults[i] as Attribute;
    if (dataValues[attribute.name] !== undefined) continue;
    const value = defaultOf(mapper, attribute);
    if (value !== undefined) generate(state, attribute.name, value);
  }
}

function setTimestamp(state: InstanceState, { name }: Attribute, now: Date): void {
  if ((state.instance.dataValues[name] ?? undefined) !== undefined) return;
  const model = state.mapper.model as unknown as ModelDefaults;
  generate(state, name, model._getDefaultTimestamp(name) ?? new Date(now.getTime()));
}

const defaulted = new WeakMap<Mapper, readonly Attribute[]>();

// A flush asks about object after object of one model.
let lastMapper: Mapper | undefined;
let lastDefaults: readonly Attribute[] = [];

function withDefaults(mapper: Mapper): readonly Attribute[] {
  if (mapper !== lastMapper) {
    lastDefaults = findDefaults(mapper);
    lastMapper = mapper;
  }
  return lastDefaults;
}

function findDefaults(mapper: Mapper): readonly Attribute[] {
  let attributes = defaulted.get(mapper);
  if (attributes === undefined) {
    const { _defaultValues } = mapper.model as unknown as ModelDefaults;
    attributes = mapper.attributes.filter(({ name }) => Object.hasOwn(_defaultValues, name));
    defaulted.set(mapper, attributes);
  }
  return attributes;
}

/**
 * Columns of which an INSERT without a value was seen to leave NULL: the table has no default of its own for them.
 *
 * An unset column is left out of its first INSERT and read back; from then on NULL is written, so that rows with and
 * without a value go into one statement.
 */
const withoutServerDefault = new WeakSet<Attribute>();

/** Whether a column is known to stay NULL when an INSERT leaves it out; foreign keys have no defaults of their own. */
function staysNull(attribute: Attribute): boolean {
  return attribute.options.references !== undefined || withoutServerDefault.has(attribute);
}

/** Remembers what the database put into a column that an INSERT left out. */
export function learnServerDefault(attribute: Attribute, stored: unknown): void {
  if (stored === null) withoutServerDefault.add(attribute);
}

/** Which columns the INSERT of one object has. */
export interface InsertShape {
  /** How each attribute of the model takes part, a character for each. */
  readonly key: string;
  readonly columns: readonly Attribute[];
  /** Columns that were left out and whose stored values must be read back. */
  readonly unknown: readonly Attribute[];
  readonly hasGeneratedKey: boolean;
}

const shapes = new WeakMap<Mapper, Map<string, InsertShape>>();

/** The shape of an object's INSERT; equal shapes are the same object. */
export function shapeOf(state: InstanceState, linked: ReadonlySet<Attribute> | undefined): InsertShape {
  const { mapper } = state;
  let key = "";
  for (const attribute of mapper.attributes) {
    const value = state.instance.dataValues[attribute.name];
    key += String.fromCharCode(placeOf(attribute, value, mapper, linked));
  }
  const known = emplace(shapes, mapper, () => new Map<string, InsertShape>());
  return emplace(known, key, () => ({
    key,
    columns: mapper.attributes.filter((_, i) => key.charCodeAt(i) === VALUE),
    unknown: mapper.attributes.filter((_, i) => key.charCodeAt(i) === UNKNOWN),
    hasGeneratedKey: key.includes(String.fromCharCode(GENERATED)),
  }));
}

/**
 * Whether an object's INSERT has that shape and no value that the database computes: cheaper to see than the object's own
 * shape is to find.
 */
export function placesFit(
  state: InstanceState,
  { key }: InsertShape,
  linked: ReadonlySet<Attribute> | undefined,
): boolean {
  const { attributes } = state.mapper;
  const { dataValues } = state.instance;
  for (let i = 0; i < attributes.length; i++) {
    const attribute = attributes[i] as Attribute;
    const value = dataValues[attribute.name];
    if (placeOf(attribute, value, state.mapper, linked) !== key.charCodeAt(i)) return false;
    if (typeof value === "object" && value !== null && isSqlExpression(value)) return false;
  }
  return true;
}

const VALUE = 118;
const UNKNOWN = 117;
const GENERATED = 103;

/** How an attribute takes part in an object's INSERT: with a value, left out and read back, or numbered by the database. */
function placeOf(
  attribute: Attribute,
  value: unknown,
  { generatedKey }: Mapper,
  linked: ReadonlySet<Attribute> | undefined,
): number {
  if (value !== undefined && value !== null) return VALUE;
  if (attribute === generatedKey) return GENERATED;
  if (value === null || linked?.has(attribute) || staysNull(attribute)) return VALUE;
  return UNKNOWN;
}

/** The row of an object's INSERT. */
export function insertRow(state: InstanceState, columns: readonly Attribute[]): Bindable[] {
  const row = new Array<Bindable>(columns.length);
  for (let i = 0; i < columns.length; i++) row[i] = boundValue(state, columns[i] as Attribute);
  return row;
}

/** An object's value of an attribute as a statement takes it; NULL where it is unset. */
export function boundValue(state: InstanceState, attribute: Attribute): Bindable {
  const value = state.instance.dataValues[attribute.name];
  return value === undefined || value === null ? null : attribute.toDatabase(value);
}
