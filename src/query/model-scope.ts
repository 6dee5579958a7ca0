import { InvalidRequestError } from "../errors";
import type { Entity } from "./entity";
import type { Node, OrderTerm } from "./node";
import { columnNode } from "./relationship-link";
import type { LoadRequest, SelectState } from "./select-state";
import { isDerived } from "./select-state";
import { WhereObjects } from "./where-objects";

/** A scope as Sequelize keeps it: the options of `findAll`. */
interface Scope {
  where?: unknown;
  order?: unknown;
  limit?: number;
  offset?: number;
  attributes?: readonly unknown[] | { include?: readonly unknown[]; exclude?: readonly string[] };
  include?: readonly unknown[];
}

interface ScopedModel {
  _scope?: Scope;
}

const UNDERSTOOD = new Set(["where", "order", "limit", "offset", "attributes", "include"]);

/** The scope that holds for an entity in a query: the model's default, or the one that `Model.scope(…)` named. */
function scopeOf(entity: Entity, state: SelectState): Scope | undefined {
  if (state.unscoped || entity.rows !== undefined) return undefined;
  if (state.scope !== undefined && entity === state.from[0]) return state.scope;
  const scope = (entity.mapper.model as unknown as ScopedModel)._scope;
  return scope !== undefined && Object.keys(scope).length > 0 ? scope : undefined;
}

/** The conditions that a model brings into every query: not deleted (paranoid), and its default scope's. */
export function criteriaOf(entity: Entity, state: SelectState): Node[] {
  const criteria: Node[] = [];
  // The query inside has said which rows there are.
  if (entity.rows !== undefined) return criteria;
  const scope = scopeOf(entity, state);
  if (scope?.where !== undefined) {
    const node = new WhereObjects(entity).condition(scope.where);
    if (node.kind !== "constant" || !node.value) criteria.push(node);
  }
  const { deletedAt } = entity.mapper;
  if (deletedAt !== undefined && !state.withDeleted && isParanoid(entity)) {
    const operand = columnNode(entity, deletedAt);
    const alive = deletedAt.defaultValue;
    criteria.push(
      alive === undefined || alive === null || typeof alive === "function"
        ? { kind: "is", operand, value: null, negated: false }
        : {
            kind: "binary",
            operator: "=",
            left: operand,
            right: { kind: "parameter", value: deletedAt.toDatabase(alive), attribute: deletedAt, besideColumn: true },
            type: { kind: "boolean" },
          },
    );
  }
  return criteria;
}

/** Whether rows of the model are marked deleted, not removed. */
export function isParanoid(entity: Entity): boolean {
  return (entity.mapper.model as unknown as { options: { paranoid?: boolean } }).options.paranoid === true;
}

/**
 * The query with what its first model's scope says of order, bounds, attributes and loading; its conditions come with
 * {@link criteriaOf}.
 *
 * @throws {InvalidRequestError} for options of a scope that have no meaning here
 */
export function withScope(given: SelectState): SelectState {
  const { relatedOrder } = given;
  const state =
    relatedOrder.length === 0 ? given : { ...given, orderBy: [...relatedOrder, ...given.orderBy], relatedOrder: [] };
  const [entity] = state.from;
  if (entity === undefined || isDerived(entity)) return state;
  const scope = scopeOf(entity, state);
  if (scope === undefined) return state;
  for (const key of Object.keys(scope)) {
    if (UNDERSTOOD.has(key)) continue;
    throw new InvalidRequestError(`Cannot use the scope of ${entity.mapper.name}: its "${key}" has no meaning here.`, {
      hint: "leave the scope out: .unscoped()",
    });
  }
  const isEntityQuery = state.selection.some((selection) => selection.kind === "entity" && selection.entity === entity);
  return {
    ...state,
    orderBy: state.orderBy.length > 0 || !isEntityQuery ? state.orderBy : orderTerms(scope.order, entity),
    limit: state.limit ?? (state.ofRelationship ? undefined : scope.limit),
    offset: state.offset ?? (state.ofRelationship ? undefined : scope.offset),
    loads: isEntityQuery
      ? [...loadRequests(scope, entity).map((request) => ({ ...request, entity })), ...state.loads]
      : state.loads,
    // Its options are in the query now.
    scope: { where: scope.where },
  };
}

function orderTerms(order: unknown, entity: Entity): OrderTerm[] {
  if (order === undefined || order === null) return [];
  const list = Array.isArray(order) ? (order as unknown[]) : [order];
  return list.map((term) => {
    const [name, direction = "ASC", ...rest] = Array.isArray(term) ? (term as unknown[]) : [term];
    const isPlain = typeof name === "string" && typeof direction === "string" && rest.length === 0;
    const match = isPlain ? /^(asc|desc)(?: nulls (first|last))?$/i.exec(direction) : null;
    if (match && typeof name === "string") {
      const nulls = match[2]?.toLowerCase() as OrderTerm["nulls"];
      const operand = columnNode(entity, entity.mapper.attribute(name));
      return { operand, descending: /^desc$/i.test(match[1] ?? ""), nulls };
    }
    if (typeof term === "object" && term !== null && !Array.isArray(term))
      return { operand: new WhereObjects(entity).condition(term), descending: false, nulls: undefined };
    throw new InvalidRequestError(`Cannot use the order of the scope of ${entity.mapper.name}.`, {
      hint: "leave the scope out: .unscoped(), and order with orderBy()",
    });
  });
}

function loadRequests(scope: Scope, entity: Entity): LoadRequest[] {
  const requests: LoadRequest[] = [];
  const { attributes } = scope;
  if (Array.isArray(attributes)) requests.push({ path: [], strategy: undefined, only: plainNames(attributes, entity) });
  else if (attributes !== undefined) {
    const { include = [], exclude = [] } = attributes as { include?: readonly unknown[]; exclude?: readonly string[] };
    if (include.length > 0) plainNames(include, entity);
    requests.push({ path: [], strategy: undefined, defer: exclude });
  }
  for (const include of scope.include ?? []) requests.push(...includeRequests(include, entity, []));
  return requests;
}

function plainNames(names: readonly unknown[], entity: Entity): string[] {
  return names.map((name) => {
    if (typeof name === "string") return name;
    throw new InvalidRequestError(
      `Cannot use the attributes of the scope of ${entity.mapper.name}: calculated ones have no place on an object.`,
      { hint: "leave the scope out: .unscoped(), and select them with withEntities()" },
    );
  });
}

/** `include: [Role]`, `["role"]`, `[{ model: Role, as: "role", include: […] }]`. */
function includeRequests(include: unknown, entity: Entity, path: readonly string[]): LoadRequest[] {
  const { mapper } = entity;
  const given = typeof include === "object" && include !== null ? (include as Record<string, unknown>) : {};
  const { association, model, as, include: nested = [], ...rest } = given;
  const named =
    typeof include === "string"
      ? include
      : typeof as === "string"
        ? as
        : typeof association === "string"
          ? association
          : undefined;
  const target = typeof include === "function" ? include : model;
  const key =
    named ??
    (association as { as?: string } | undefined)?.as ??
    [...mapper.relationships.values()].find((each) => each.target.model === target)?.key;
  const unknown = Object.keys(rest).filter(
    (name) => !["required", "separate", "duplicating", "parent", "attributes"].includes(name),
  );
  const relationship = key === undefined ? undefined : mapper.relationships.get(key);
  if (relationship === undefined || unknown.length > 0) {
    throw new InvalidRequestError(`Cannot use the include of the scope of ${mapper.name}.`, {
      hint: 'leave the scope out: .unscoped(), and load with .options(joined("…"))',
    });
  }
  const own: LoadRequest = { path: [...path, relationship.key], strategy: relationship.toMany ? "selectin" : "joined" };
  const inner = Array.isArray(nested) ? (nested as unknown[]) : [nested];
  return [own, ...inner.flatMap((each) => includeRequests(each, { mapper: relationship.target } as Entity, own.path))];
}
