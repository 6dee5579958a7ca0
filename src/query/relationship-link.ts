import type { Attribute } from "../mapper/attribute";
import type { Relationship } from "../mapper/relationship";
import type { Entity } from "./entity";
import type { Node } from "./node";

/** A column of the entity. */
export function columnNode(entity: Entity, attribute: Attribute): Node {
  return { kind: "column", entity, attribute };
}

/** `left = right`. */
export function equalNode(left: Node, right: Node): Node {
  return { kind: "binary", operator: "=", left, right, type: { kind: "boolean" } };
}

/** Where the tables of a relationship meet: the conditions of each JOIN, in order. */
export interface Link {
  /** Between the source and the association table; only for manyToMany. */
  readonly toThrough: Node | undefined;
  /** Between the source, or the association table, and the target; with the relationship's fixed values. */
  readonly toTarget: Node;
}

/**
 * The conditions under which a row of the target belongs to a row of the source.
 *
 * @param sourceColumn  how a column of the source is written where the conditions will stand
 * @param through       the entity of the association table, for manyToMany
 */
export function linkOf(
  relationship: Relationship,
  sourceColumn: (attribute: Attribute) => Node,
  target: Entity,
  through: Entity | undefined,
): Link {
  const fixed = fixedValues(relationship, target);
  if (through !== undefined) {
    return {
      toThrough: equalNode(sourceColumn(relationship.sourceKey), columnNode(through, relationship.foreignKey)),
      toTarget: allOf([
        equalNode(columnNode(target, relationship.targetKey), columnNode(through, relationship.otherKey)),
        ...fixed,
      ]),
    };
  }
  const link =
    relationship.kind === "manyToOne"
      ? equalNode(columnNode(target, relationship.targetKey), sourceColumn(relationship.foreignKey))
      : equalNode(sourceColumn(relationship.sourceKey), columnNode(target, relationship.foreignKey));
  return { toThrough: undefined, toTarget: allOf([link, ...fixed]) };
}

/** The values that every row of a relationship has (`scope` of the association), as conditions. */
export function fixedValues(relationship: Relationship, target: Entity): Node[] {
  return Object.entries(relationship.scope ?? {}).map(([name, value]) => {
    const attribute = relationship.target.attribute(name);
    const column = columnNode(target, attribute);
    const one = (each: unknown): Node => ({
      kind: "parameter",
      value: attribute.toDatabase(each),
      attribute,
      besideColumn: true,
    });
    if (value === null) return { kind: "is", operand: column, value: null, negated: false };
    return Array.isArray(value) && attribute.kind !== "array"
      ? { kind: "in", operand: column, options: value.map(one), negated: false }
      : equalNode(column, one(value));
  });
}

/** One condition of several. */
export function allOf(nodes: readonly Node[]): Node {
  return nodes.length === 1 ? (nodes[0] as Node) : { kind: "and", operands: nodes };
}
