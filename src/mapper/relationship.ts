import type { Association, Model, ModelStatic } from "sequelize";
import { ArgumentError } from "../errors";
import type { Attribute } from "./attribute";
import type { Mapper } from "./mapper";

/** Which rows a relationship leads to: one or many, and on which side the foreign key stands. */
export type RelationshipKind = "manyToOne" | "oneToMany" | "oneToOne" | "manyToMany";

/** What may follow an object along a relationship. */
export type Cascade = "save-update" | "merge" | "expunge" | "refresh-expire" | "delete" | "delete-orphan";

const ALL: readonly Cascade[] = ["save-update", "merge", "refresh-expire", "expunge", "delete"];
const DEFAULT: readonly Cascade[] = ["save-update", "merge"];

/** How the rows of a collection are ordered: Sequelize's `order` forms, by attribute. */
export type RelationshipOrder = readonly (string | readonly [string, string])[];

declare module "sequelize" {
  /** What an association may say beside Sequelize's own options. */
  interface AssociationOptions {
    /** "all", "all, delete-orphan", or a list of save-update, merge, expunge, refresh-expire, delete, delete-orphan. Default "save-update, merge". */
    cascade?: string;
    /** true: rows that are not loaded are left to the database's ON DELETE; "all": loaded ones too. */
    passiveDeletes?: boolean | "all";
    /** Rows that refer to each other are inserted without the key, which a second UPDATE sets. */
    postUpdate?: boolean;
    /** The order of the related rows: attribute names or `[attribute, "DESC"]`. */
    orderBy?: string | RelationshipOrder;
  }
}

interface AssociationParts {
  as: string;
  associationType: string;
  source: ModelStatic<Model>;
  target: ModelStatic<Model>;
  foreignKey: string;
  otherKey?: string;
  sourceKey?: string;
  targetKey?: string;
  through?: { model: ModelStatic<Model>; scope?: object };
  scope?: Record<string, unknown>;
  options: {
    cascade?: string;
    passiveDeletes?: boolean | "all";
    postUpdate?: boolean;
    orderBy?: string | RelationshipOrder;
  };
}

/** One association of a model, seen from the model that has it. */
export class Relationship {
  /** Its name on the model: `role`, `users`. */
  readonly key: string;
  readonly kind: RelationshipKind;
  readonly source: Mapper;
  readonly cascade: ReadonlySet<Cascade>;
  readonly passiveDeletes: boolean | "all";
  readonly postUpdate: boolean;
  readonly orderBy: readonly { attribute: string; descending: boolean }[];
  /** Fixed values that the related rows have, and new ones get. */
  readonly scope: Readonly<Record<string, unknown>> | undefined;
  readonly association: Association;
  readonly #parts: AssociationParts;
  // Found at the first question: a flush asks for each object.
  #target: Mapper | undefined;
  #foreignKey: Attribute | undefined;
  #sourceKey: Attribute | undefined;
  #targetKey: Attribute | undefined;
  #backref: Relationship | undefined;
  #mirrored: ReadonlyMap<string, Relationship> | undefined;

  constructor(source: Mapper, association: Association) {
    const parts = association as unknown as AssociationParts;
    this.source = source;
    this.association = association;
    this.#parts = parts;
    this.key = parts.as;
    this.kind = kindOf(parts.associationType);
    const { cascade, passiveDeletes = false, postUpdate = false, orderBy } = parts.options;
    this.cascade = parseCascade(cascade, `${source.name}.${this.key}`);
    this.passiveDeletes = passiveDeletes;
    this.postUpdate = postUpdate;
    this.orderBy = parseOrder(orderBy);
    this.scope = parts.scope && Object.keys(parts.scope).length > 0 ? parts.scope : undefined;
  }

  /** The relationship as a person names it: `User.role`. */
  get label(): string {
    return `${this.source.name}.${this.key}`;
  }

  get target(): Mapper {
    return (this.#target ??= this.source.mapperOf(this.#parts.target));
  }

  /** Whether it leads to a collection. */
  get toMany(): boolean {
    return this.kind === "oneToMany" || this.kind === "manyToMany";
  }

  /** The mapper of the association table; undefined except for manyToMany. */
  get through(): Mapper | undefined {
    return this.#parts.through && this.source.mapperOf(this.#parts.through.model);
  }

  /** The foreign key: on the source for manyToOne, on the target for oneToMany and oneToOne, on the association table (towards the source) for manyToMany. */
  get foreignKey(): Attribute {
    return (this.#foreignKey ??= this.#foreignKeyOwner().attribute(this.#parts.foreignKey));
  }

  #foreignKeyOwner(): Mapper {
    if (this.kind === "manyToOne") return this.source;
    return this.kind === "manyToMany" ? this.#requireThrough() : this.target;
  }

  /** The association table's key towards the target. */
  get otherKey(): Attribute {
    return this.#requireThrough().attribute(this.#parts.otherKey ?? "");
  }

  /** What the foreign key refers to on the source's side (not for manyToOne). */
  get sourceKey(): Attribute {
    return (this.#sourceKey ??= keyOf(this.source, this.#parts.sourceKey, this.label));
  }

  /** What the key refers to on the target's side (manyToOne and manyToMany). */
  get targetKey(): Attribute {
    return (this.#targetKey ??= keyOf(this.target, this.#parts.targetKey, this.label));
  }

  /**
   * The relationship that leads back: the other one of the two models over the same foreign key or association table.
   *
   * Undefined where there is none or several.
   */
  get backref(): Relationship | undefined {
    const { relationships } = this.target;
    // Found once, until the target gets a further relationship.
    if (this.#mirrored !== relationships) {
      this.#backref = this.#findBackref(relationships);
      this.#mirrored = relationships;
    }
    return this.#backref;
  }

  #findBackref(relationships: ReadonlyMap<string, Relationship>): Relationship | undefined {
    const candidates = [...relationships.values()].filter((other) => other !== this && this.#mirrors(other));
    return candidates.length === 1 ? candidates[0] : undefined;
  }

  #mirrors(other: Relationship): boolean {
    if (other.target !== this.source) return false;
    if (this.kind === "manyToMany" || other.kind === "manyToMany") {
      return (
        this.kind === other.kind &&
        this.through === other.through &&
        this.#parts.foreignKey === other.#parts.otherKey &&
        this.#parts.otherKey === other.#parts.foreignKey
      );
    }
    const oneSided = (this.kind === "manyToOne") !== (other.kind === "manyToOne");
    return oneSided && this.#parts.foreignKey === other.#parts.foreignKey && sameScope(this.scope, other.scope);
  }

  #requireThrough(): Mapper {
    if (this.through === undefined) throw new ArgumentError(`${this.label} has no association table.`);
    return this.through;
  }
}

function keyOf(mapper: Mapper, name: string | undefined, label: string): Attribute {
  return name === undefined ? mapper.singleKey(label) : mapper.attribute(name);
}

function sameScope(a: object | undefined, b: object | undefined): boolean {
  return a === undefined || b === undefined || JSON.stringify(a) === JSON.stringify(b);
}

function kindOf(type: string): RelationshipKind {
  switch (type) {
    case "BelongsTo":
      return "manyToOne";
    case "HasMany":
      return "oneToMany";
    case "HasOne":
      return "oneToOne";
    default:
      return "manyToMany";
  }
}

function parseCascade(text: string | undefined, label: string): ReadonlySet<Cascade> {
  if (text === undefined) return new Set(DEFAULT);
  const cascade = new Set<Cascade>();
  for (const word of text.split(",").map((part) => part.trim())) {
    if (word === "" || word === "none") continue;
    if (word === "all") for (const each of ALL) cascade.add(each);
    else if (word === "delete-orphan" || (ALL as readonly string[]).includes(word)) cascade.add(word as Cascade);
    else
      throw new ArgumentError(
        `Unknown cascade "${word}" of ${label}. Expected all, none, ${ALL.join(", ")} or delete-orphan.`,
      );
  }
  if (cascade.has("delete-orphan") && !cascade.has("delete")) cascade.add("delete");
  return cascade;
}

function parseOrder(
  order: string | RelationshipOrder | undefined,
): readonly { attribute: string; descending: boolean }[] {
  if (order === undefined) return [];
  const entries: RelationshipOrder = typeof order === "string" ? [order] : order;
  return entries.map((entry) =>
    typeof entry === "string"
      ? { attribute: entry, descending: false }
      : { attribute: entry[0], descending: /^desc/i.test(entry[1]) },
  );
}
