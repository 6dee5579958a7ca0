import { InvalidRequestError } from "../errors";
import type { Attribute } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import {
  changedAttributes,
  isChanged,
  noteOriginal,
  readUnset,
  sanitizerOf,
  watchAll,
  watchValue,
  writeValue,
} from "./attribute-access";
import { applyDefaults } from "./insert-values";
import type { Instance, InstanceState } from "./instance-state";
import { LoadedState, peekState } from "./instance-state";
import { describeInstance } from "./label";
import { currentReference } from "./linking";
import { ownState } from "./own-state";
import { Members } from "./relation-values";
import { relationOf } from "./relations";
import { loadIncluded, writeRelationship } from "./relationships";
import type { Session } from "./session";

type Method = (this: Instance, ...parameters: unknown[]) => unknown;

/** An instance as what its class makes of it: `set` runs the setters of subclasses too. */
type Settable = Instance & { set(name: string, value: unknown, options?: unknown): unknown };

/** Sequelize's own instance methods that the session takes over for instances that belong to it. */
type Taken =
  | "get"
  | "set"
  | "getDataValue"
  | "setDataValue"
  | "changed"
  | "previous"
  | "save"
  | "update"
  | "destroy"
  | "reload"
  | "increment"
  | "restore"
  | "toJSON"
  | "_setInclude";

interface PrototypeParts {
  _customGetters: Record<string, unknown>;
  _customSetters: Record<string, unknown>;
}

/**
 * Replaces the instance methods of a model that read, write or save: on an instance of a session they go through the
 * session, on every other one they are Sequelize's.
 */
export function installInstanceMethods(mapper: Mapper): void {
  const prototype = mapper.model.prototype as unknown as Record<Taken, Method> & PrototypeParts;
  const take = (name: Taken, make: (inherited: Method) => Method): void => {
    const value = make(prototype[name]);
    Object.defineProperty(prototype, name, { value, configurable: true, writable: true, enumerable: false });
  };
  installReading(mapper, prototype, take);
  installWriting(mapper, prototype, take);
  installChanged(mapper, take);
  installSaving(mapper, take);
}

type Take = (name: Taken, make: (inherited: Method) => Method) => void;

function installReading(mapper: Mapper, prototype: PrototypeParts, take: Take): void {
  const read = (instance: Instance, name: string): unknown => {
    const value = instance.dataValues[name];
    const attribute = mapper.find(name);
    if (value === undefined)
      return attribute === undefined ? loadedReference(instance, name) : readUnset(instance, mapper, name);
    if (attribute?.mutable) watchValue(instance, attribute, value);
    return value;
  };
  take(
    "get",
    (inherited) =>
      function (key, options) {
        if (typeof key !== "string") {
          watchAll(this, mapper);
          return inherited.call(this, key, options);
        }
        if (options !== undefined || Object.hasOwn(prototype._customGetters, key))
          return inherited.call(this, key, options);
        return read(this, key);
      },
  );
  // A custom getter asks for its own value here: a value that was not loaded is undefined to it, as in Sequelize.
  take(
    "getDataValue",
    () =>
      function (key) {
        const value = this.dataValues[key as string];
        const attribute = mapper.find(key as string);
        if (attribute?.mutable) watchValue(this, attribute, value);
        return value;
      },
  );
  take(
    "toJSON",
    (inherited) =>
      function () {
        const state = peekState(this);
        const values = inModelOrder(mapper, plain(inherited.call(this)) as Record<string, unknown>);
        if (state === undefined || state instanceof LoadedState) return values;
        for (let relation = state.relations; relation !== undefined; relation = relation.next) {
          const { relationship } = relation;
          const { key } = relationship;
          if (relation instanceof Members) {
            if (relation.items !== undefined) values[key] = [...relation.items].map(columnsOf);
          } else {
            const value = currentReference(state, relationship);
            if (value !== undefined) values[key] = value === null ? null : columnsOf(value);
          }
        }
        return values;
      },
  );
}

/** A to-one relationship by name, as far as it is loaded: Sequelize's validation asks so. */
function loadedReference(instance: Instance, key: string): unknown {
  const state = peekState(instance);
  if (state === undefined || state instanceof LoadedState) return undefined;
  const relationship = state.mapper.relationships.get(key);
  return relationship === undefined || relationship.toMany ? undefined : currentReference(state, relationship);
}

function columnsOf(instance: Instance): unknown {
  return plain({ ...instance.dataValues });
}

/** Attributes as the model lists them, whatever order they were set in; then the rest. */
function inModelOrder(mapper: Mapper, values: Record<string, unknown>): Record<string, unknown> {
  const ordered: Record<string, unknown> = {};
  for (const { name } of mapper.attributes) if (name in values) ordered[name] = values[name];
  return Object.assign(ordered, values);
}

/** JSON has no bigint. */
function plain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const values = value as Record<string, unknown>;
  for (const key in values) if (typeof values[key] === "bigint") values[key] = String(values[key]);
  return values;
}

function installWriting(mapper: Mapper, prototype: PrototypeParts, take: Take): void {
  const write = (instance: Instance, attribute: Attribute, value: unknown): void =>
    writeValue(instance, attribute, value, sanitizerOf(mapper, attribute.name));
  take(
    "set",
    (inherited) =>
      function (key, value, options) {
        const { raw, reset } = ((typeof key === "string" ? options : value) ?? {}) as {
          raw?: boolean;
          reset?: boolean;
        };
        if (raw || reset) return inherited.call(this, key, value, options);
        if (typeof key !== "string") {
          if (peekState(this) === undefined) return inherited.call(this, key, value, options);
          const values = key as Record<string, unknown>;
          for (const name in values) (this as Settable).set(name, values[name], value);
          return this;
        }
        const attribute = mapper.find(key);
        if (attribute !== undefined && !Object.hasOwn(prototype._customSetters, key)) {
          write(this, attribute, value);
          return this;
        }
        const relationship = attribute === undefined ? mapper.relationships.get(key) : undefined;
        if (relationship !== undefined && !isIncluded(this, key)) {
          writeRelationship(this, relationship, value);
          return this;
        }
        const root = key.includes(".") ? mapper.find(key.slice(0, key.indexOf("."))) : undefined;
        if (root !== undefined) watchValue(this, root, this.dataValues[root.name]);
        return inherited.call(this, key, value, options);
      },
  );
  take(
    "setDataValue",
    (inherited) =>
      function (key, value) {
        const attribute = mapper.find(key as string);
        if (attribute === undefined || peekState(this) === undefined) return inherited.call(this, key, value);
        writeValue(this, attribute, value);
        return undefined;
      },
  );
  take(
    "_setInclude",
    (inherited) =>
      function (key, value, options) {
        loadIncluded(() => inherited.call(this, key, value, options));
      },
  );
}

function isIncluded(instance: Instance, key: string): boolean {
  const options = instance._options as { includeNames?: readonly string[] };
  return options.includeNames?.includes(key) ?? false;
}

function installChanged(mapper: Mapper, take: Take): void {
  const namesOf = (state: InstanceState): string[] => {
    if (!state.hasRow) return Object.keys(state.instance.dataValues).filter((name) => mapper.find(name) !== undefined);
    const names = new Set(changedAttributes(state).map(({ name }) => name));
    for (const name in state.flushing) {
      const attribute = mapper.find(name);
      if (attribute && isChanged(attribute, state.flushing[name], state.instance.dataValues[name])) names.add(name);
    }
    return [...names];
  };
  take(
    "changed",
    (inherited) =>
      function (key, value) {
        const state = peekState(this);
        if (state === undefined) return inherited.call(this, key, value);
        if (state instanceof LoadedState && value !== true) return false;
        const own = ownState(this, mapper);
        if (key === undefined) {
          const names = namesOf(own);
          return names.length > 0 ? names : false;
        }
        const name = key as string;
        if (value === true) {
          noteOriginal(own, name);
          // Not known, so that it differs from whatever stands there.
          if (own.original) own.original[name] = undefined;
          return this;
        }
        if (value === false) {
          if (own.original) delete own.original[name];
          return this;
        }
        return namesOf(own).includes(name);
      },
  );
  take(
    "previous",
    (inherited) =>
      function (key) {
        const state = peekState(this);
        if (state === undefined) return inherited.call(this, key);
        if (state instanceof LoadedState) return key === undefined ? {} : this.dataValues[key as string];
        const previous = (name: string): unknown => {
          if (!state.hasRow) return undefined;
          for (const values of [state.flushing, state.original, state.copies])
            if (values !== undefined && name in values) return values[name];
          return this.dataValues[name];
        };
        if (key !== undefined) return previous(key as string);
        return Object.fromEntries(namesOf(state).map((name) => [name, previous(name)]));
      },
  );
}

function installSaving(mapper: Mapper, take: Take): void {
  take(
    "save",
    (inherited) =>
      async function (...parameters) {
        const session = sessionOf(this);
        if (session !== undefined) {
          await session.flush([this]);
          return this;
        }
        refuseKeyless(this, mapper, "save");
        const state = peekState(this);
        if (this.isNewRecord && Object.isFrozen(this._options)) applyDefaults(this, mapper);
        if (state !== undefined && !(state instanceof LoadedState)) prepareForSequelize(state);
        const result = await inherited.apply(this, parameters);
        if (state !== undefined && !(state instanceof LoadedState)) settle(state);
        return result;
      },
  );
  take(
    "update",
    (inherited) =>
      async function (...parameters) {
        const session = sessionOf(this);
        if (session === undefined) return inherited.apply(this, parameters);
        const values = (parameters[0] ?? {}) as Record<string, unknown>;
        for (const name in values) if (values[name] !== undefined) (this as Settable).set(name, values[name]);
        await session.flush([this]);
        return this;
      },
  );
  take(
    "destroy",
    (inherited) =>
      async function (...parameters) {
        const session = sessionOf(this);
        if (session === undefined) {
          refuseKeyless(this, mapper, "destroy");
          return inherited.apply(this, parameters);
        }
        const { force = false } = (parameters[0] ?? {}) as { force?: boolean };
        session.delete(this, { force });
        await session.flush([this]);
        return undefined;
      },
  );
  take(
    "reload",
    (inherited) =>
      async function (...parameters) {
        const session = sessionOf(this);
        if (session === undefined) return inherited.apply(this, parameters);
        await session.refresh(this);
        return this;
      },
  );
  take(
    "restore",
    (inherited) =>
      async function (...parameters) {
        const state = peekState(this);
        const own = state instanceof LoadedState ? undefined : state;
        if (own?.status === "deleted") {
          throw new InvalidRequestError(
            `Cannot restore ${describeInstance(this, mapper)}: its delete is not committed yet.`,
            { hint: "db.session.rollback() takes the delete back" },
          );
        }
        const result = await inherited.apply(this, parameters);
        // The row counts again: the object may be added like any other that has one.
        if (own !== undefined) own.wasDeleted = false;
        return result;
      },
  );
  take(
    "increment",
    (inherited) =>
      async function (...parameters) {
        const session = sessionOf(this);
        refuseKeyless(this, mapper, "increment");
        if (session === undefined) return inherited.apply(this, parameters);
        await session.flush([this]);
        await session.openForWrite();
        const [fields] = parameters;
        const names = (
          typeof fields === "string" ? [fields] : Array.isArray(fields) ? fields : Object.keys(fields as object)
        ) as string[];
        // Sequelize writes what comes back onto the object by itself, where something does.
        const before = Object.fromEntries(names.map((name) => [name, this.dataValues[name]]));
        const result = await inherited.apply(this, parameters);
        await session.refresh(this, names);
        session.noteWritten(this, before);
        return result;
      },
  );
}

/** Sequelize would write to every row of a table where nothing tells one from the others. */
function refuseKeyless(instance: Instance, mapper: Mapper, what: "save" | "increment" | "destroy"): void {
  if (mapper.primaryKey.length > 0 || (what === "save" && instance.isNewRecord)) return;
  throw new InvalidRequestError(
    `Cannot ${what} ${describeInstance(instance, mapper)}: "${mapper.tableName}" has no primary key, so that nothing tells its row from others.`,
    { hint: `${mapper.name}.query.filter(…).${what === "destroy" ? "delete()" : "update({ … })"}` },
  );
}

function sessionOf(instance: Instance): Session | undefined {
  const state = peekState(instance);
  return state?.unit === undefined || (!(state instanceof LoadedState) && state.status === "deleted")
    ? undefined
    : state.unit.session;
}

/** A transient or detached instance that Sequelize itself will save: what our tracking knows is told to it. */
function prepareForSequelize(state: InstanceState): void {
  const { instance, mapper } = state;
  for (const relationship of mapper.relationships.values()) {
    if (relationship.kind !== "manyToOne") continue;
    const target = relationOf(state, relationship.key) && currentReference(state, relationship);
    const key = target?.dataValues[relationship.targetKey.name];
    if (key !== undefined && key !== null) writeValue(instance, relationship.foreignKey, key);
  }
  for (const attribute of changedAttributes(state)) {
    instance._previousDataValues[attribute.name] = state.original?.[attribute.name];
    instance._changed.add(attribute.name);
  }
}

/** Sequelize has saved the instance. */
function settle(state: InstanceState): void {
  state.original = undefined;
  state.copies = undefined;
  if (state.status === "transient") state.status = "detached";
  state.key = state.mapper.identityOf(state.instance.dataValues);
  for (let relation = state.relations; relation !== undefined; relation = relation.next) relation.flushed(() => true);
}
