import type { Model } from "sequelize";
import { describe } from "../driver/dialect";
import { ArgumentError, InvalidRequestError } from "../errors";
import type { Attribute } from "../mapper/attribute";
import type { Relationship } from "../mapper/relationship";
import { Entity } from "./entity";
import type { Node } from "./node";
import { columnNode, equalNode, fixedValues, linkOf } from "./relationship-link";
import type { SelectState } from "./select-state";
import { EMPTY } from "./select-state";

/**
 * The query of the rows that a relationship leads to from one object, in the relationship's order.
 *
 * The object's key is read when the statement is compiled.
 */
export function relatedState(relationship: Relationship, instance: Model): SelectState {
  const target = Entity.of(relationship.target);
  const state: SelectState = {
    ...EMPTY,
    selection: [{ kind: "entity", entity: target }],
    from: [target],
    joinpoint: target,
    relatedOrder: relationship.orderBy.map(({ attribute, descending }) => ({
      operand: columnNode(target, relationship.target.attribute(attribute)),
      descending,
      nulls: undefined,
    })),
  };
  return { ...state, ...relatedCriterion(state, relationship, instance) };
}

/** The query with the condition that its rows belong to `instance` along a relationship of that object. */
export function withParentState(state: SelectState, instance: Model, name: string | undefined): SelectState {
  const [target] = state.from;
  if (typeof instance !== "object" || instance === null || !("dataValues" in instance))
    throw new ArgumentError(`Expected an object in withParent(), got ${describe(instance)}.`);
  const entity = state.joinpoint ?? target;
  const mapper = entity instanceof Entity ? entity.mapper : undefined;
  const source = mapper?.mapperOf(instance.constructor as typeof mapper.model);
  const all = [...(source?.relationships.values() ?? [])];
  const candidates = all.filter((each) => each.target === mapper && (name === undefined || each.key === name));
  const [relationship] = candidates;
  if (relationship === undefined || candidates.length > 1) {
    throw new InvalidRequestError(
      `Could not locate a property which relates instances of class '${mapper?.name}' to instances of class '${source?.name}'.`,
      { hint: candidates.length > 1 ? `name one of ${candidates.map((each) => each.key).join(", ")}` : undefined },
    );
  }
  return { ...state, ...relatedCriterion(state, relationship, instance) };
}

function relatedCriterion(
  state: SelectState,
  relationship: Relationship,
  instance: Model,
): Pick<SelectState, "where" | "joins"> {
  const target = Entity.of(relationship.target);
  const valueOf = (attribute: Attribute, beside: Attribute): Node => ({
    kind: "objectValue",
    instance,
    mapper: relationship.source,
    attribute,
    target: beside,
  });
  const { through, kind } = relationship;
  if (through === undefined) {
    const [column, own] =
      kind === "manyToOne"
        ? [relationship.targetKey, relationship.foreignKey]
        : [relationship.foreignKey, relationship.sourceKey];
    const link = equalNode(columnNode(target, column), valueOf(own, column));
    return { joins: state.joins, where: [...state.where, link, ...fixedValues(relationship, target)] };
  }
  const association = Entity.of(through);
  const link = linkOf(relationship, (attribute) => valueOf(attribute, relationship.foreignKey), target, association);
  const join = { target: association, outer: false, on: link.toTarget, relationship: undefined, source: undefined };
  const member = equalNode(
    columnNode(association, relationship.foreignKey),
    valueOf(relationship.sourceKey, relationship.foreignKey),
  );
  return { joins: [...state.joins, join], where: [...state.where, member] };
}
