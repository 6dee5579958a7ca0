import type { Model } from "sequelize";
import { describe } from "../driver/dialect";
import { ArgumentError, InvalidRequestError, ShellError } from "../errors";
import type { Relationship } from "../mapper/relationship";
import { Entity } from "./entity";
import type { Condition } from "./expression";
import { Expression } from "./expression";
import type { Filter } from "./model-shape";
import { nodeOfExpression } from "./operand";
import { containsRelated, equalRelated, existsRelated, unequalRelated } from "./related-condition";
import { WhereObjects } from "./where-objects";

/** A condition on related rows: expressions, or values by name as in `filterBy`. */
export type RelatedCriterion<M> = Condition | (M extends Model ? Filter<M> : never);

declare const targetType: unique symbol;

/** A relationship of a model, or of an alias of it, in conditions, joins and loading: `User.c.role`. */
export class RelationshipExpression<M = unknown> {
  declare readonly [targetType]: M;
  readonly entity: Entity;
  readonly relationship: Relationship;

  constructor(entity: Entity, relationship: Relationship) {
    this.entity = entity;
    this.relationship = relationship;
  }

  get key(): string {
    return this.relationship.key;
  }

  /** Leads to the object; null: leads to none. The object's key is read when the statement is sent. */
  eq(object: (M extends Model ? M : object) | null): Condition {
    return new Expression(equalRelated(this.entity, this.relationship, defined(object, "eq")));
  }

  /** Leads to another object, or to none; null: leads to one. */
  ne(object: (M extends Model ? M : object) | null): Condition {
    return new Expression(unequalRelated(this.entity, this.relationship, defined(object, "ne")));
  }

  /** Leads to none. */
  isNull(): Condition {
    return this.eq(null);
  }

  /** Leads to one, or to some. */
  isNotNull(): Condition {
    return this.ne(null);
  }

  /** Some row of the collection fulfils the conditions. */
  any(...criteria: RelatedCriterion<M>[]): Condition {
    if (!this.relationship.toMany)
      throw new InvalidRequestError("'any()' not implemented for scalar attributes. Use has().");
    return this.#exists(criteria, "any");
  }

  /** The related row fulfils the conditions. */
  has(...criteria: RelatedCriterion<M>[]): Condition {
    if (this.relationship.toMany) throw new InvalidRequestError("'has()' not implemented for collections. Use any().");
    return this.#exists(criteria, "has");
  }

  /** The object is a member of the collection. */
  contains(object: M extends Model ? M : object): Condition {
    return new Expression(containsRelated(this.entity, this.relationship, defined(object, "contains")));
  }

  /** Not possible for relationships: a list of objects has no order of keys to compare with. */
  in(_objects: unknown): never {
    throw new NotImplementedError(
      "in_() not yet supported for relationships. For a simple many-to-one, use in() against the set of foreign key values.",
      {
        hint: `or(${this.relationship.source.name}.c.${this.key}.eq(a), ${this.relationship.source.name}.c.${this.key}.eq(b))`,
      },
    );
  }

  /** A relationship has no value in JavaScript; as text it is its name. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === "string") return this.relationship.label;
    throw new ArgumentError("A relationship cannot be compared with operators of JavaScript.", {
      hint: `${this.relationship.label.replace(".", ".c.")}.eq(object)`,
    });
  }

  #exists(criteria: readonly unknown[], method: string): Condition {
    const objects = new WhereObjects(Entity.of(this.relationship.target));
    const nodes = criteria.map((criterion) => {
      const node = nodeOfExpression(criterion);
      if (node !== undefined) return node;
      if (typeof criterion === "object" && criterion !== null) return objects.condition(criterion);
      throw new ArgumentError(`Expected conditions in ${method}(), got ${describe(criterion)}.`);
    });
    return new Expression(
      existsRelated(
        this.entity,
        this.relationship,
        nodes.filter((node) => node.kind !== "constant" || !node.value),
      ),
    );
  }
}

/** Something that could be and is not there. */
export class NotImplementedError extends ShellError {}

function defined(value: unknown, method: string): unknown {
  if (value === undefined)
    throw new ArgumentError(`Cannot use undefined in ${method}().`, { hint: "use null for no object" });
  return value;
}
