import type { Model, ModelAttributeColumnOptions, ModelStatic, Sequelize } from "sequelize";
import type { Dialect } from "../driver/dialect";
import { dialectOf } from "../driver/dialects";
import { ArgumentError, InvalidRequestError, nearestName } from "../errors";
import { Attribute, IMPOSSIBLE } from "./attribute";
import { Relationship } from "./relationship";
import type { RowClass } from "./row-class";
import { rowClassOf } from "./row-class";
import { tableNameOf } from "./table-name";

/** A row's identity within its model: a number or text for one key column, text for several. */
export type IdentityKey = string | number;

/** The parts of a model class that Sequelize's types do not tell. */
interface ModelParts {
  rawAttributes: Record<string, ModelAttributeColumnOptions>;
  _virtualAttributes: Set<string>;
  _timestampAttributes: { createdAt?: string; updatedAt?: string; deletedAt?: string };
  _versionAttribute?: string | false;
  _schema?: string | null;
  autoIncrementAttribute?: string | null;
}

const mappers = new WeakMap<ModelStatic<Model>, Mapper>();

/**
 * What is known of one model, computed once: table, columns, keys, relationships, and how its rows become instances.
 *
 * `Mapper.of(model)` gives the same object each time.
 */
export class Mapper {
  readonly model: ModelStatic<Model>;
  /** The model's name: `User`. */
  readonly name: string;
  readonly dialect: Dialect;
  /** The bare table name. */
  readonly tableName: string;
  readonly schema: string | undefined;
  /** The table as it stands in statements: quoted where needed, with its schema. */
  readonly table: string;
  readonly primaryKey: readonly Attribute[];
  /** The attribute that the database numbers; undefined where the caller gives the key. */
  readonly generatedKey: Attribute | undefined;
  /** The attribute that counts a row's versions (`version: true`). */
  readonly version: Attribute | undefined;
  readonly createdAt: Attribute | undefined;
  readonly updatedAt: Attribute | undefined;
  /** The attribute that marks a row deleted (`paranoid: true`). */
  readonly deletedAt: Attribute | undefined;
  readonly RowClass: RowClass;

  readonly #attributes: Attribute[] = [];
  readonly #byName = new Map<string, Attribute>();
  #relationships: Map<string, Relationship> | undefined;
  #relationshipCount = -1;

  /**
   * The mapper of a model.
   *
   * @throws {ArgumentError} for a value that is not an initialised Sequelize model
   */
  static of(model: ModelStatic<Model>): Mapper {
    let mapper = mappers.get(model);
    if (mapper === undefined) {
      if (typeof model !== "function" || (model as unknown as Partial<ModelParts>).rawAttributes === undefined) {
        throw new ArgumentError(`Expected a Sequelize model that was initialised, got ${nameOf(model)}.`);
      }
      mapper = new Mapper(model);
      mappers.set(model, mapper);
    }
    return mapper;
  }

  private constructor(model: ModelStatic<Model>) {
    const parts = model as unknown as ModelParts;
    const { sequelize } = model;
    if (!sequelize)
      throw new ArgumentError(
        `Model ${model.name} has no Sequelize instance: call ${model.name}.init(…, { sequelize }) first.`,
      );
    this.model = model;
    this.name = model.name;
    this.dialect = dialectOf(sequelize);
    const { name, schema } = tableNameOf(model.getTableName(), sequelize);
    this.tableName = name;
    this.schema = schema;
    this.table =
      (this.schema === undefined ? "" : `${this.dialect.identifier(this.schema)}.`) +
      this.dialect.identifier(this.tableName);
    this.learnAttributes();
    this.primaryKey = this.#attributes.filter((attribute) => attribute.primaryKey);
    this.generatedKey = this.primaryKey.find((attribute) => attribute.generated);
    const named = (name: string | false | undefined): Attribute | undefined =>
      name ? this.#byName.get(name) : undefined;
    this.version = named(parts._versionAttribute);
    this.createdAt = named(parts._timestampAttributes.createdAt);
    this.updatedAt = named(parts._timestampAttributes.updatedAt);
    this.deletedAt = named(parts._timestampAttributes.deletedAt);
    this.RowClass = rowClassOf(model);
  }

  /** Stored attributes (no virtual ones) in the model's order. */
  get attributes(): readonly Attribute[] {
    return this.#attributes;
  }

  /** Takes up attributes that an association has added since. */
  learnAttributes(): void {
    const { model, dialect } = this;
    const { rawAttributes, _virtualAttributes } = model as unknown as ModelParts;
    for (const [name, options] of Object.entries(rawAttributes)) {
      if (_virtualAttributes.has(name) || this.#byName.has(name)) continue;
      const attribute = new Attribute(model.name, name, options, model.sequelize as Sequelize, dialect);
      this.#attributes.push(attribute);
      this.#byName.set(name, attribute);
    }
  }

  /** The mapper of another model. */
  mapperOf(model: ModelStatic<Model>): Mapper {
    return Mapper.of(model);
  }

  /** Relationships by name; those declared after the first look are found too. */
  get relationships(): ReadonlyMap<string, Relationship> {
    const { associations } = this.model;
    // Counted without a list: this is asked for each object of a flush.
    let count = 0;
    for (const _ in associations) count++;
    if (this.#relationships === undefined || this.#relationshipCount !== count) {
      this.#relationshipCount = count;
      this.#relationships = this.#findRelationships();
    }
    return this.#relationships;
  }

  #findRelationships(): Map<string, Relationship> {
    const associations = Object.values(this.model.associations);
    return new Map(associations.map((association) => [association.as, new Relationship(this, association)]));
  }

  /** The attribute of that name, or undefined. */
  find(name: string): Attribute | undefined {
    return this.#byName.get(name);
  }

  /**
   * The attribute of that name.
   *
   * @throws {InvalidRequestError} with the nearest name
   */
  attribute(name: string): Attribute {
    const attribute = this.#byName.get(name);
    if (attribute !== undefined) return attribute;
    throw this.unknownProperty(name);
  }

  /** The error for a name that is neither an attribute nor a relationship of this model. */
  unknownProperty(name: string): InvalidRequestError {
    if (Object.hasOwn(this.model.getAttributes(), name)) {
      return new InvalidRequestError(`Cannot use ${this.name}.${name} in a query: it is VIRTUAL and has no column.`, {
        hint: `select ${this.name} and read ${name} of its objects`,
      });
    }
    const near = nearestName(name, [...this.#byName.keys(), ...this.relationships.keys()]);
    return new InvalidRequestError(`Entity namespace for "${this.tableName}" has no property "${name}".`, {
      hint:
        near === undefined
          ? `${this.name} has ${[...this.#byName.keys(), ...this.relationships.keys()].join(", ")}`
          : `did you mean "${near}"?`,
    });
  }

  /**
   * The only key column.
   *
   * @throws {InvalidRequestError} where the key has none or several columns
   */
  singleKey(what: string): Attribute {
    const [key] = this.primaryKey;
    if (key === undefined || this.primaryKey.length > 1) {
      throw new InvalidRequestError(
        `Cannot use ${what}: ${this.name} has ${this.primaryKey.length} primary key columns, and exactly one is needed.`,
      );
    }
    return key;
  }

  /**
   * The identity of a row from its values; undefined while a part of the key is not set.
   *
   * @param values  attribute name to value
   */
  identityOf(values: Readonly<Record<string, unknown>>): IdentityKey | undefined {
    const keys = this.primaryKey;
    if (keys.length === 1) {
      const attribute = keys[0] as Attribute;
      const value = values[attribute.name];
      if (value === null || value === undefined) return undefined;
      if (typeof value === "number" && attribute.kind === "integer") return value;
      const canonical = attribute.canonicalKey(value);
      return canonical === IMPOSSIBLE ? String(value) : (canonical as IdentityKey);
    }
    const canonicals: unknown[] = [];
    for (const attribute of keys) {
      const value = values[attribute.name];
      if (value === null || value === undefined) return undefined;
      const canonical = attribute.canonicalKey(value);
      canonicals.push(canonical === IMPOSSIBLE ? String(value) : canonical);
    }
    return keys.length === 0 ? undefined : JSON.stringify(canonicals);
  }
}

function nameOf(value: unknown): string {
  return typeof value === "function" ? `"${value.name}"` : String(value);
}
