import { inspect } from "node:util";
import type { Model, ModelStatic } from "sequelize";
import { describe } from "../driver/dialect";
import { ArgumentError, InvalidRequestError } from "../errors";
import type { Relationship } from "../mapper/relationship";
import { Entity } from "./entity";
import { Aliased } from "./expressions";
import type { Node } from "./node";
import { nodeOfExpression } from "./operand";
import { RelationshipExpression } from "./relationship-expression";
import { columnNode, linkOf } from "./relationship-link";
import type { Join, SelectState, Source } from "./select-state";
import { firstSelect, isDerived, primaryEntity } from "./select-state";
import { modelAndScope } from "./selection";
import { Subquery } from "./subquery";

/** Adds a join to a query: along a relationship, to a model, an alias or a subquery, with a condition or the only possible one. */
export function joinState(state: SelectState, target: unknown, on: unknown, outer: boolean): SelectState {
  if (typeof target === "string") return joinByName(state, target, on, outer);
  if (target instanceof RelationshipExpression) {
    const alias = on instanceof Aliased ? on.entity : undefined;
    if (on !== undefined && alias === undefined)
      throw new ArgumentError(`Cannot join ${target.relationship.label} with a condition of its own.`, {
        hint: `join the model: .join(${target.relationship.target.name}, condition)`,
      });
    return joinRelationship(state, target.entity, target.relationship, alias, outer);
  }
  const source = joinTarget(target);
  if (typeof on === "string" || on instanceof RelationshipExpression) {
    const { entity, relationship } = on instanceof RelationshipExpression ? on : namedRelationship(state, on);
    if (isDerived(source) || relationship.target !== source.mapper)
      throw new ArgumentError(
        `Cannot join ${nameOf(source)} along ${relationship.label}: it leads to ${relationship.target.name}.`,
      );
    return joinRelationship(state, entity, relationship, source, outer);
  }
  if (on !== undefined) {
    const condition = nodeOfExpression(on);
    if (condition === undefined) throw new ArgumentError(`Expected a condition in join(), got ${describe(on)}.`);
    return addJoin(state, source, condition, outer);
  }
  return joinByForeignKey(state, source, outer);
}

/** The entities that a query's conditions can speak of, the last joined first. */
function entitiesOf(state: SelectState): Entity[] {
  const entities: Entity[] = [];
  const add = (source: Source): void => {
    if (!isDerived(source)) entities.push(source);
    else if (source.transparent)
      for (const selection of firstSelect(source.source).selection)
        if (selection.kind === "entity") entities.push(selection.entity);
  };
  state.from.forEach(add);
  state.joins.forEach((join) => add(join.target));
  return entities.reverse();
}

function joinByName(state: SelectState, path: string, on: unknown, outer: boolean): SelectState {
  let joined = state;
  for (const key of path.split(".")) {
    const { entity, relationship } = namedRelationship(joined, key);
    joined = joinRelationship(joined, entity, relationship, on instanceof Aliased ? on.entity : undefined, outer);
  }
  return joined;
}

/** The relationship of that name: of the last joined entity, or of the query's first. */
function namedRelationship(state: SelectState, key: string): { entity: Entity; relationship: Relationship } {
  const candidates = [state.joinpoint, primaryEntity(state)].filter((entity) => entity !== undefined);
  for (const entity of candidates) {
    const relationship = entity.mapper.relationships.get(key);
    if (relationship !== undefined) return { entity, relationship };
  }
  const [first] = candidates;
  if (first === undefined) throw new InvalidRequestError(`Cannot join "${key}": the query has no model to join from.`);
  throw first.mapper.unknownProperty(key);
}

function joinRelationship(
  state: SelectState,
  source: Entity,
  relationship: Relationship,
  alias: Entity | undefined,
  outer: boolean,
): SelectState {
  const target = alias ?? Entity.of(relationship.target);
  const before = state.joins.find(
    (join) => join.source === source && join.relationship === relationship && join.target === target,
  );
  if (before !== undefined) return { ...state, joinpoint: target };
  const present = entitiesOf(state);
  if (target === source || (present.includes(target) && relationship.target === source.mapper)) {
    const name = relationship.target.name;
    throw new InvalidRequestError(`Can't construct a join from ${name} to ${name}, they are the same entity.`, {
      hint: `const other = aliased(${name}); .join(${relationship.source.name}.c.${relationship.key}, other)`,
    });
  }
  const withSource = present.includes(source) ? state : fromSource(state, source, relationship, target);
  const { through } = relationship;
  const association = through && (present.includes(Entity.of(through)) ? Entity.alias(through) : Entity.of(through));
  const link = linkOf(relationship, (attribute) => columnNode(source, attribute), target, association);
  const bridged = association === undefined ? withSource : addJoin(withSource, association, link.toThrough, outer);
  return addJoin(bridged, target, link.toTarget, outer, source, relationship);
}

/** The query with the relationship's own side as its FROM, where a select list alone had put another table there. */
function fromSource(state: SelectState, source: Entity, relationship: Relationship, target: Entity): SelectState {
  const [first] = state.from;
  const isFree = state.joins.length === 0 && !state.fromChosen && (first === undefined || first === target);
  if (isFree) return { ...state, from: [source], scope: undefined };
  const name = relationship.source.name;
  throw new InvalidRequestError(`Cannot join ${relationship.label}: ${name} is not part of the query.`, {
    hint: `join ${name} first, or selectFrom(${name})`,
  });
}

function joinByForeignKey(state: SelectState, target: Source, outer: boolean): SelectState {
  const lefts = entitiesOf(state);
  const path = isDerived(target) ? undefined : associationPath(lefts, target);
  const unreachable = new InvalidRequestError(`Don't know how to join to ${nameOf(target)}.`, {
    hint: path
      ? `over the association: .join(${path})`
      : `name the relationship or the condition: .join(${nameOf(target)}, condition)`,
  });
  if (isDerived(target)) throw unreachable;
  if (lefts.includes(target) && lefts.length === 1) {
    throw new InvalidRequestError(
      `Can't construct a join from ${target.mapper.name} to ${target.mapper.name}, they are the same entity.`,
      { hint: `join an alias: .join(aliased(${target.mapper.name}), condition)` },
    );
  }
  // Nearest first: what was joined last is what a further join goes on from.
  for (const left of lefts) {
    const paths = foreignKeyPaths(left, target);
    if (paths.length === 0 || left === target) continue;
    if (paths.length > 1) {
      throw new InvalidRequestError(
        `Can't determine how to join ${left.mapper.name} to ${nameOf(target)}: there are several foreign keys between them.`,
        {
          hint: `name the relationship: ${paths.map((path) => `.join(${path.label.replace(".", ".c.")})`).join(" or ")}`,
        },
      );
    }
    const [path] = paths as [Path];
    if (path.source === left.mapper) return joinRelationship(state, left, path.relationship, target, outer);
    // The relationship is known only from the other side.
    const link = linkOf(path.relationship, (attribute) => columnNode(target, attribute), left, undefined);
    return addJoin(state, target, link.toTarget, outer);
  }
  throw unreachable;
}

/** A many-to-many relationship between two tables, as it is written in join(). */
function associationPath(lefts: readonly Entity[], target: Entity): string | undefined {
  for (const { mapper } of lefts)
    for (const relationship of mapper.relationships.values())
      if (relationship.kind === "manyToMany" && relationship.target === target.mapper)
        return `${mapper.name}.c.${relationship.key}`;
  return undefined;
}

interface Path {
  source: Relationship["source"];
  relationship: Relationship;
  label: string;
}

/** The foreign keys between two tables, each once, as relationships: those of the left side where it knows them. */
function foreignKeyPaths(left: Entity, target: Entity): Path[] {
  const paths = new Map<string, Path>();
  const add = (from: Entity, to: Entity): void => {
    for (const relationship of from.mapper.relationships.values()) {
      if (relationship.target !== to.mapper || relationship.kind === "manyToMany") continue;
      const owner = relationship.kind === "manyToOne" ? relationship.source : relationship.target;
      const key = `${owner.tableName}.${relationship.foreignKey.name}`;
      if (!paths.has(key)) paths.set(key, { source: from.mapper, relationship, label: relationship.label });
    }
  };
  add(left, target);
  if (left.mapper !== target.mapper) add(target, left);
  return [...paths.values()];
}

function addJoin(
  state: SelectState,
  target: Source,
  on: Node | undefined,
  outer: boolean,
  source?: Entity,
  relationship?: Relationship,
): SelectState {
  const present = isDerived(target)
    ? [...state.from, ...state.joins.map((join) => join.target)].includes(target)
    : entitiesOf(state).includes(target);
  if (present) {
    const name = nameOf(target);
    throw new InvalidRequestError(`Cannot join ${name}: it is part of the query already.`, {
      hint: `join an alias of it: aliased(${name})`,
    });
  }
  const join: Join = { target, outer, on, relationship, source };
  return { ...state, joins: [...state.joins, join], joinpoint: isDerived(target) ? state.joinpoint : target };
}

/** What a caller names as a table. */
export function joinTarget(target: unknown): Source {
  if (target instanceof Aliased) return target.entity;
  if (target instanceof Subquery) return target.derived;
  if (typeof target === "function") return modelAndScope(target as ModelStatic<Model>).entity;
  throw new ArgumentError(
    `Expected a relationship, a model, an alias or a subquery to join, got ${inspect(target, { depth: 0 })}.`,
  );
}

function nameOf(source: Source): string {
  return isDerived(source) ? (source.alias ?? "the subquery") : (source.alias ?? source.mapper.name);
}
