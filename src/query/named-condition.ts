import type { Model } from "sequelize";
import { ArgumentError } from "../errors";
import type { Entity } from "./entity";
import { Expression } from "./expression";
import type { Node } from "./node";
import { nodeOfExpression } from "./operand";
import { RelationshipExpression } from "./relationship-expression";
import { columnNode } from "./relationship-link";

/**
 * The condition that an attribute or a relationship of that name has the value.
 *
 * @throws {InvalidRequestError} for a name that the model does not have
 */
export function namedCondition(entity: Entity, key: string, value: unknown): Node {
  const { mapper } = entity;
  const attribute = mapper.find(key);
  if (
    attribute !== undefined &&
    value !== null &&
    value !== undefined &&
    Array.isArray(value) &&
    attribute.kind !== "array" &&
    attribute.kind !== "json"
  )
    throw new ArgumentError(`Cannot compare ${attribute.label} with an array in filterBy().`, {
      hint: `filter(${mapper.name}.c.${key}.in([…]))`,
    });
  if (value === undefined)
    throw new ArgumentError(`Cannot use undefined as the value of "${key}" in filterBy().`, {
      hint: "use null for SQL NULL, or leave the name out",
    });
  if (attribute !== undefined) {
    const column = new Expression(columnNode(entity, attribute));
    return nodeOfExpression(column.eq(value)) as Node;
  }
  const relationship = mapper.relationships.get(key);
  if (relationship === undefined) throw mapper.unknownProperty(key);
  return nodeOfExpression(new RelationshipExpression<Model>(entity, relationship).eq(value as Model | null)) as Node;
}
