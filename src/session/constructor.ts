import type { Model, ModelStatic } from "sequelize";
import { nearestName } from "../errors";
import type { Mapper } from "../mapper/mapper";
import type { Relationship } from "../mapper/relationship";
import type { InstanceFields } from "../mapper/row-class";
import type { Sanitizer } from "./attribute-access";
import { sanitized, sanitizerOf } from "./attribute-access";
import type { Instance } from "./instance-state";
import { writeRelationship } from "./relationships";

/** The values of `new Model({ nope: 1 })`: a name that the model does not have. */
export class UnknownKeywordError extends TypeError {
  override readonly name = "TypeError";
  /** The way out, as something to type or do. */
  readonly hint: string;

  constructor(mapper: Mapper, key: string) {
    super(`'${key}' is an invalid keyword argument for ${mapper.name}`);
    const names = [...mapper.attributes.map(({ name }) => name), ...mapper.relationships.keys()];
    const near = nearestName(key, names);
    this.hint = near === undefined ? `${mapper.name} has ${names.join(", ")}` : `did you mean "${near}"?`;
  }
}

/** How the constructor takes one key of its values. */
type Keyword =
  | { kind: "value"; sanitize: Sanitizer | undefined }
  | { kind: "set" }
  | { kind: "relationship"; relationship: Relationship };

interface PrototypeParts {
  _customSetters: Record<string, unknown>;
}

/**
 * Puts a constructor between the model's class and Sequelize's: `new User(values)` takes relationships by name, refuses
 * unknown names and leaves defaults to the flush. With a second argument, as Sequelize itself calls it, all is Sequelize's.
 */
export function installConstructor(mapper: Mapper): void {
  const model = mapper.model as unknown as { _schema: unknown; _schemaDelimiter: unknown; prototype: object };
  const parent = Object.getPrototypeOf(model) as new (values: unknown, options: unknown) => object;
  const options = Object.freeze({
    isNewRecord: true,
    _schema: model._schema,
    _schemaDelimiter: model._schemaDelimiter,
  });
  const keywordOf = keywordsOf(mapper);

  function SessionModel(this: Instance, values?: Record<string, unknown>, sequelizeOptions?: unknown): object | void {
    if (arguments.length > 1) return Reflect.construct(parent, [values, sequelizeOptions], new.target as never);
    const dataValues: Record<string, unknown> = {};
    this.dataValues = dataValues;
    this._options = options;
    this.isNewRecord = true;
    if (values === undefined || values === null) return;
    let isPlain = true;
    for (const key in values) {
      const keyword = keywordOf(key);
      if (keyword === undefined) throw new UnknownKeywordError(mapper, key);
      const value = values[key];
      if (value === undefined) continue;
      if (keyword.kind === "value") dataValues[key] = sanitized(this, value, keyword.sanitize);
      else isPlain = false;
    }
    if (isPlain) return;
    // Setters see the plain values, relationships see all of them.
    for (const key in values) {
      if (values[key] !== undefined && keywordOf(key)?.kind === "set")
        (this as unknown as { set(key: string, value: unknown): void }).set(key, values[key]);
    }
    for (const key in values) {
      const keyword = keywordOf(key);
      if (values[key] !== undefined && keyword?.kind === "relationship")
        writeRelationship(this, keyword.relationship, values[key]);
    }
  }
  Object.setPrototypeOf(SessionModel, parent);
  SessionModel.prototype = parent.prototype as object;
  Object.setPrototypeOf(model, SessionModel);
  installLazyFields(model.prototype);
}

/** How the constructor takes a name; undefined for one that the model does not have. */
function keywordsOf(mapper: Mapper): (key: string) => Keyword | undefined {
  let table = new Map<string, Keyword>();
  let relationships: unknown;
  return (key) => {
    const known = table.get(key);
    if (known !== undefined || relationships === mapper.relationships) return known;
    // A relationship was declared since.
    ({ relationships } = mapper);
    table = keywordTable(mapper);
    return table.get(key);
  };
}

function keywordTable(mapper: Mapper): Map<string, Keyword> {
  const table = new Map<string, Keyword>();
  const parts = mapper.model as unknown as ModelStatic<Model> & {
    _virtualAttributes: Set<string>;
    prototype: PrototypeParts;
  };
  const { _customSetters } = parts.prototype;
  for (const { name } of mapper.attributes) {
    table.set(
      name,
      Object.hasOwn(_customSetters, name) ? { kind: "set" } : { kind: "value", sanitize: sanitizerOf(mapper, name) },
    );
  }
  for (const name of [...parts._virtualAttributes, ...Object.keys(_customSetters)]) table.set(name, { kind: "set" });
  for (const relationship of mapper.relationships.values())
    table.set(relationship.key, { kind: "relationship", relationship });
  return table;
}

/** Sequelize's own fields on an instance that our constructor made: they come into being when Sequelize asks for them. */
function installLazyFields(prototype: object): void {
  const lazily = (name: keyof InstanceFields, make: (instance: InstanceFields) => unknown): void => {
    const define = (target: object, value: unknown): void =>
      void Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: true });
    Object.defineProperty(prototype, name, {
      configurable: true,
      get(this: InstanceFields) {
        const value = make(this);
        define(this, value);
        return value;
      },
      set(this: InstanceFields, value: unknown) {
        define(this, value);
      },
    });
  };
  lazily("_changed", (instance) => new Set(instance.isNewRecord ? Object.keys(instance.dataValues) : []));
  lazily("_previousDataValues", (instance) => (instance.isNewRecord ? {} : { ...instance.dataValues }));
  lazily("uniqno", () => 1);
}
