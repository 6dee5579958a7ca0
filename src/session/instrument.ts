import { inspect } from "node:util";
import type { Model, ModelStatic } from "sequelize";
import { Model as SequelizeModel } from "sequelize";
import { ArgumentError, InvalidRequestError } from "../errors";
import type { Attribute } from "../mapper/attribute";
import { Mapper } from "../mapper/mapper";
import type { Relationship } from "../mapper/relationship";
import { readUnset, sanitizerOf, watchValue, writeValue } from "./attribute-access";
import { installConstructor } from "./constructor";
import type { Instance } from "./instance-state";
import { installInstanceMethods } from "./instance-methods";
import { describeInstance } from "./label";
import { readRelationship, writeRelationship } from "./relationships";
import type { SessionHost } from "./session-host";

const instrumented = new WeakMap<ModelStatic<Model>, SessionHost>();

/** The database that a model is registered with; undefined for a plain Sequelize model. */
export function hostOf(model: ModelStatic<Model>): SessionHost | undefined {
  return instrumented.get(model);
}

/**
 * Prepares a plain Sequelize model for the session: relationships by name, change tracking, `save()` through the session.
 *
 * @throws {ArgumentError} for a name that would hide what registering adds, and for public class fields that hide attributes
 */
export function instrumentModel(model: ModelStatic<Model>, host: SessionHost): void {
  if (instrumented.has(model)) return;
  const mapper = Mapper.of(model);
  refuseCollidingNames(mapper);
  refuseClassFields(mapper);
  instrumented.set(model, host);
  installConstructor(mapper);
  installInstanceMethods(mapper);
  installPrinting(mapper);
  installAccessors(mapper);
  keepAccessors(mapper);
}

/** Sequelize defines its own accessors anew whenever an association adds an attribute. */
function keepAccessors(mapper: Mapper): void {
  const parts = mapper.model as unknown as { refreshAttributes: (this: unknown) => void };
  const inherited = parts.refreshAttributes;
  Object.defineProperty(parts, "refreshAttributes", {
    configurable: true,
    writable: true,
    enumerable: false,
    value: function (this: unknown): void {
      inherited.call(this);
      if (this !== mapper.model) return;
      mapper.learnAttributes();
      installAccessors(mapper);
    },
  });
}

interface PrototypeParts {
  _customGetters: Record<string, unknown>;
  _customSetters: Record<string, unknown>;
}

function installAccessors(mapper: Mapper): void {
  const prototype = mapper.model.prototype as unknown as PrototypeParts;
  for (const attribute of mapper.attributes) {
    const { name } = attribute;
    const existing = Object.getOwnPropertyDescriptor(prototype, name);
    if (existing !== undefined && "value" in existing) continue; // the class's own method
    // A getter or setter of the model's own stays.
    const descriptor: PropertyDescriptor = { ...existing, configurable: true, enumerable: false };
    if (!Object.hasOwn(prototype._customGetters, name))
      descriptor.get = attribute.mutable ? mutableGetter(mapper, attribute) : plainGetter(mapper, name);
    else {
      const { get: own } = (existing ?? {}) as { get?: (this: Instance) => unknown };
      if (own !== undefined && !guarded.has(own)) guarded.add((descriptor.get = ownGetter(mapper, name, own)));
    }
    if (!Object.hasOwn(prototype._customSetters, name)) descriptor.set = setter(mapper, attribute);
    Object.defineProperty(prototype, name, descriptor);
  }
  for (const relationship of mapper.relationships.values()) {
    refuseHidden(mapper, relationship.key, "relationship");
    installRelationship(prototype, relationship);
  }
}

const guarded = new WeakSet<object>();

/** The model's own getter, which would find nothing of an attribute that was not loaded. */
function ownGetter(mapper: Mapper, name: string, get: (this: Instance) => unknown) {
  return function (this: Instance): unknown {
    if (this.dataValues[name] === undefined) readUnset(this, mapper, name);
    return get.call(this);
  };
}

function plainGetter(mapper: Mapper, name: string) {
  return function (this: Instance): unknown {
    const value = this.dataValues[name];
    return value === undefined ? readUnset(this, mapper, name) : value;
  };
}

function mutableGetter(mapper: Mapper, attribute: Attribute) {
  const { name } = attribute;
  return function (this: Instance): unknown {
    const value = this.dataValues[name];
    if (value === undefined) return readUnset(this, mapper, name);
    watchValue(this, attribute, value);
    return value;
  };
}

function setter(mapper: Mapper, attribute: Attribute) {
  const sanitize = sanitizerOf(mapper, attribute.name);
  return function (this: Instance, value: unknown): void {
    writeValue(this, attribute, value, sanitize);
  };
}

function installRelationship(prototype: object, relationship: Relationship): void {
  Object.defineProperty(prototype, relationship.key, {
    configurable: true,
    enumerable: false,
    get(this: Instance): unknown {
      return readRelationship(this, relationship);
    },
    set(this: Instance, value: unknown) {
      writeRelationship(this, relationship, value);
    },
  });
}

function installPrinting(mapper: Mapper): void {
  const prototype = mapper.model.prototype as object;
  const show = function (this: Instance): string {
    return describeInstance(this, mapper);
  };
  const own = (key: PropertyKey): boolean => {
    for (
      let link: object | null = prototype;
      link !== null && link !== SequelizeModel.prototype && link !== Object.prototype;
      link = Object.getPrototypeOf(link) as object | null
    ) {
      if (Object.hasOwn(link, key)) return true;
    }
    return false;
  };
  const hasOwnText = own("toString");
  const define = (key: PropertyKey, value: unknown): void =>
    void Object.defineProperty(prototype, key, { value, configurable: true, writable: true, enumerable: false });
  if (!hasOwnText) define("toString", show);
  if (!own(inspect.custom)) {
    define(
      inspect.custom,
      hasOwnText
        ? function (this: Instance): string {
            return String(this);
          }
        : show,
    );
  }
}

// What cannot be registered

const STATICS = new Set(["query", "c"]);

function refuseCollidingNames(mapper: Mapper): void {
  if (STATICS.has(mapper.name)) throw refusal(mapper, `the model's name "${mapper.name}"`, "Model." + mapper.name);
  for (const { name } of mapper.attributes) refuseHidden(mapper, name, "attribute");
}

function refuseHidden(mapper: Mapper, name: string, what: "attribute" | "relationship"): void {
  if (STATICS.has(name)) throw refusal(mapper, `the ${what} "${name}"`, `${mapper.name}.${name}`);
  if (name in SequelizeModel.prototype) {
    throw refusal(mapper, `the ${what} "${name}"`, `the method ${name}() that Sequelize's instances have`);
  }
}

function refusal(mapper: Mapper, what: string, hidden: string): ArgumentError {
  return new ArgumentError(`Cannot register ${mapper.name}: ${what} would hide ${hidden}.`, {
    hint: `give it another name and keep the column with { field: "…" }`,
  });
}

/**
 * Class fields (`username!: string` under ES2022) are own properties that hide the attributes' accessors, so that what is
 * assigned never reaches the table. They show on a first instance only.
 */
function refuseClassFields(mapper: Mapper): void {
  let probe: object;
  try {
    probe = new mapper.model();
  } catch {
    return; // a constructor that wants arguments
  }
  const names = [...mapper.attributes.map(({ name }) => name), ...mapper.relationships.keys()];
  const hidden = names.filter((name) => Object.hasOwn(probe, name));
  if (hidden.length === 0) return;
  throw new InvalidRequestError(
    `Cannot register ${mapper.name}: its class fields ${hidden.map((name) => `"${name}"`).join(", ")} hide the attributes.`,
    { hint: `write "declare ${hidden[0]}: …" in the class, or set "useDefineForClassFields": false` },
  );
}
