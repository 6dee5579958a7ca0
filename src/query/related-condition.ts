import type { Model } from "sequelize";
import { describe } from "../driver/dialect";
import { ArgumentError, InvalidRequestError } from "../errors";
import type { Attribute } from "../mapper/attribute";
import type { Relationship } from "../mapper/relationship";
import { Entity } from "./entity";
import type { Node } from "./node";
import { columnNode, equalNode, linkOf } from "./relationship-link";
import type { SelectState } from "./select-state";
import { EMPTY } from "./select-state";

/**
 * The rows whose relationship leads to `value`: an object of the related model, or null for none.
 *
 * The object's key is read when the statement is compiled, so an object that a flush is about to insert counts.
 *
 * @throws {ArgumentError} for what is no object of the related model
 * @throws {InvalidRequestError} for a collection
 */
export function equalRelated(entity: Entity, relationship: Relationship, value: unknown): Node {
  if (value === null) return isUnrelated(entity, relationship);
  if (relationship.toMany) {
    throw new InvalidRequestError(
      "Can't compare a collection to an object or collection; use contains() to test for membership.",
      { hint: `${relationship.source.name}.c.${relationship.key}.contains(object)` },
    );
  }
  const instance = relatedInstance(relationship, value);
  const [own, theirs] = keysOf(relationship);
  return equalNode(columnNode(entity, own), objectValue(instance, relationship, theirs, own));
}

/** The rows whose to-one relationship does not lead to `value`. */
export function unequalRelated(entity: Entity, relationship: Relationship, value: unknown): Node {
  if (value === null) {
    const unrelated = isUnrelated(entity, relationship);
    return unrelated.kind === "is" || unrelated.kind === "exists"
      ? { ...unrelated, negated: !unrelated.negated }
      : { kind: "not", operand: unrelated };
  }
  const equal = equalRelated(entity, relationship, value);
  if (relationship.kind !== "manyToOne") return { kind: "not", operand: equal };
  const { left, right } = equal as Extract<Node, { kind: "binary" }>;
  return {
    kind: "or",
    operands: [
      { kind: "binary", operator: "!=", left, right, type: { kind: "boolean" } },
      { kind: "is", operand: left, value: null, negated: false },
    ],
  };
}

/** The rows whose collection has `value` as a member. */
export function containsRelated(entity: Entity, relationship: Relationship, value: unknown): Node {
  if (!relationship.toMany) {
    throw new InvalidRequestError("'contains' not implemented for scalar attributes. Use eq().", {
      hint: `${relationship.source.name}.c.${relationship.key}.eq(object)`,
    });
  }
  const instance = relatedInstance(relationship, value);
  const { through } = relationship;
  if (through === undefined) {
    const own = relationship.sourceKey;
    return equalNode(columnNode(entity, own), objectValue(instance, relationship, relationship.foreignKey, own));
  }
  const association = Entity.of(through);
  const { toThrough } = linkOf(relationship, (attribute) => columnNode(entity, attribute), association, association);
  const member = equalNode(
    columnNode(association, relationship.otherKey),
    objectValue(instance, relationship, relationship.targetKey, relationship.otherKey),
  );
  return exists({ ...EMPTY, from: [association], where: [toThrough as Node, member] });
}

/**
 * The rows that have a related row, of which `criteria` may say more.
 *
 * @param criteria  the conditions on the related entity, in terms of its model
 */
export function existsRelated(entity: Entity, relationship: Relationship, criteria: readonly Node[]): Node {
  const isSelf = relationship.target === entity.mapper;
  const model = Entity.of(relationship.target);
  const target = isSelf ? Entity.alias(relationship.target) : model;
  const through = relationship.through && Entity.of(relationship.through);
  // Inside, the model's own name means the related rows; the row outside is named expressly.
  const outside = (attribute: Attribute): Node => {
    const operand = columnNode(entity, attribute) as Extract<Node, { kind: "column" }>;
    return isSelf ? { kind: "outer", operand } : operand;
  };
  const link = linkOf(relationship, outside, target, through);
  return exists({
    ...EMPTY,
    from: through === undefined ? [target] : [target, through],
    standsFor: isSelf ? model : undefined,
    where: [...(link.toThrough === undefined ? [] : [link.toThrough]), link.toTarget, ...criteria],
  });
}

function isUnrelated(entity: Entity, relationship: Relationship): Node {
  if (relationship.kind === "manyToOne")
    return { kind: "is", operand: columnNode(entity, relationship.foreignKey), value: null, negated: false };
  const related = existsRelated(entity, relationship, []) as Extract<Node, { kind: "exists" }>;
  return { ...related, negated: true };
}

function exists(state: SelectState): Node {
  return { kind: "exists", state: { ...state, ofRelationship: true }, negated: false };
}

/** The column on the row's side, and the attribute of the related object that it equals. */
function keysOf(relationship: Relationship): [own: Attribute, theirs: Attribute] {
  return relationship.kind === "manyToOne"
    ? [relationship.foreignKey, relationship.targetKey]
    : [relationship.sourceKey, relationship.foreignKey];
}

/** The value of an attribute of an object, read when the statement is compiled. */
export function objectValue(
  instance: Model,
  relationship: Relationship,
  attribute: Attribute,
  target: Attribute,
): Node {
  return { kind: "objectValue", instance, mapper: relationship.target, attribute, target };
}

/** How the key of the related object is compared. */
function keyHint({ kind, source, target, key, foreignKey, toMany }: Relationship): string {
  if (kind === "manyToOne") return `, or compare the key: ${source.name}.c.${foreignKey.name}`;
  const [primary] = target.primaryKey;
  if (primary === undefined) return "";
  return `, or compare the key: ${source.name}.c.${key}.${toMany ? "any" : "has"}({ ${primary.name}: … })`;
}

function relatedInstance(relationship: Relationship, value: unknown): Model {
  const { target, label } = relationship;
  if (typeof value !== "object" || value === null || !("dataValues" in value)) {
    throw new ArgumentError(
      `Mapped instance expected for relationship comparison to object. ${label} leads to ${target.name}, got ${describe(value)}.`,
      { hint: `pass a ${target.name}${keyHint(relationship)}` },
    );
  }
  if (!(value instanceof target.model))
    throw new ArgumentError(`Cannot compare ${label} with ${describe(value)}: it leads to ${target.name}.`);
  return value;
}
