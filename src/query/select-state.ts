import type { Mapper } from "../mapper/mapper";
import type { Relationship } from "../mapper/relationship";
import type { Entity } from "./entity";
import type { Node, OrderTerm } from "./node";
import type { LoadOption } from "./query-executor";

/** A whole entity in the select list. */
export interface EntitySelection {
  readonly kind: "entity";
  readonly entity: Entity;
}

/** One expression in the select list. */
export interface ValueSelection {
  readonly kind: "value";
  readonly node: Node;
  /** The name of the value in the result; undefined for an expression without one. */
  readonly label: string | undefined;
}

/** One entry of the select list. */
export type Selection = EntitySelection | ValueSelection;

/** Several selects joined by UNION, INTERSECT or EXCEPT. */
export interface Compound {
  readonly operator: "UNION" | "UNION ALL" | "INTERSECT" | "EXCEPT";
  readonly operands: readonly SelectState[];
}

/** A query that stands in FROM, under a name. */
export interface Derived {
  readonly kind: "derived";
  readonly source: SelectState | Compound;
  /** The name the caller gave it; undefined where the compiler chooses one. */
  readonly alias: string | undefined;
  /** Columns of the entities selected inside are, outside, this table's: the query goes on as if over the entities. */
  readonly transparent: boolean;
}

/** What may stand in FROM. */
export type Source = Entity | Derived;

/** One JOIN of a query. */
export interface Join {
  readonly target: Source;
  readonly outer: boolean;
  readonly on: Node | undefined;
  /** The relationship that led here, and from where: a join along the same one is made once. */
  readonly relationship: Relationship | undefined;
  readonly source: Entity | undefined;
}

/**
 * Everything that a query says, as plain immutable data.
 *
 * Builders make a changed copy; the compiler reads it.
 */
export interface SelectState {
  readonly selection: readonly Selection[];
  readonly from: readonly Source[];
  readonly joins: readonly Join[];
  readonly where: readonly Node[];
  readonly groupBy: readonly Node[];
  readonly having: readonly Node[];
  readonly orderBy: readonly OrderTerm[];
  /** The order that a relationship gives its rows, before any other. */
  readonly relatedOrder: readonly OrderTerm[];
  readonly limit: number | undefined;
  readonly offset: number | undefined;
  readonly distinct: boolean;
  /** DISTINCT ON these. */
  readonly distinctOn: readonly Node[];
  readonly forUpdate: boolean;
  /** The entity whose names filterBy takes; undefined where the query has none. */
  readonly joinpoint: Entity | undefined;
  readonly loads: readonly LoadRequest[];
  readonly populateExisting: boolean;
  readonly autoflush: boolean;
  readonly batch: number | undefined;
  /** Rows that a paranoid model counts as deleted are included. */
  readonly withDeleted: boolean;
  /** Default scopes of the models are left out. */
  readonly unscoped: boolean;
  /** What was said of a union after it was made, and holds in its parts. */
  readonly ofParts: Partial<Pick<SelectState, "withDeleted" | "unscoped" | "forUpdate">>;
  /** These are the rows that a relationship leads to: its statement says which hidden rows count, and a scope's bounds do not. */
  readonly ofRelationship: boolean;
  /** Entities by whose names the first source of FROM is called too: the table's alias inside `any()` of a self-reference. */
  readonly standsFor: Entity | undefined;
  /** FROM was chosen by selectFrom(). */
  readonly fromChosen: boolean;
  /** The scope that `Model.scope(…)` gave the primary entity, where it is not the model's default. */
  readonly scope: object | undefined;
}

/** A loading option as the caller wrote it. */
export interface LoadRequest {
  readonly path: readonly string[];
  /** The entity that the option begins at, where an expression says so; else the first of the select list. */
  readonly entity?: Entity | undefined;
  /** The models whose relationships the path names, where expressions say so. */
  readonly sources?: readonly (Mapper | undefined)[];
  /** The model whose attributes are chosen, where columns say so. */
  readonly model?: Mapper | undefined;
  readonly strategy: LoadOption["strategy"] | "contains" | undefined;
  readonly only?: readonly string[];
  readonly defer?: readonly string[];
}

/** The state of a query that says nothing yet. */
export const EMPTY: SelectState = Object.freeze({
  selection: [],
  from: [],
  joins: [],
  where: [],
  groupBy: [],
  having: [],
  orderBy: [],
  relatedOrder: [],
  limit: undefined,
  offset: undefined,
  distinct: false,
  distinctOn: [],
  forUpdate: false,
  joinpoint: undefined,
  loads: [],
  populateExisting: false,
  autoflush: true,
  batch: undefined,
  withDeleted: false,
  unscoped: false,
  ofParts: Object.freeze({}),
  ofRelationship: false,
  standsFor: undefined,
  fromChosen: false,
  scope: undefined,
});

/** Whether a source of FROM is a query. */
export function isDerived(source: Source | SelectState | Compound): source is Derived {
  return (source as Derived).kind === "derived";
}

export function isCompound(source: SelectState | Compound): source is Compound {
  return (source as Compound).operator !== undefined;
}

/** The selects whose shape a source has: itself, or the first of a compound. */
export function firstSelect(source: SelectState | Compound): SelectState {
  return isCompound(source) ? firstSelect(source.operands[0] as SelectState) : source;
}

/** The first entity of the select list: what names in options, `get` and bulk changes speak of. */
export function primaryEntity(state: SelectState): Entity | undefined {
  for (const selection of state.selection) if (selection.kind === "entity") return selection.entity;
  return state.joinpoint;
}

/** The key under which a query shows its state to the rest of this room. */
export const stateOf: unique symbol = Symbol("state of a query");

/** The state of a value that is a query; undefined for any other value. */
export function stateOfQuery(value: unknown): SelectState | undefined {
  return typeof value === "object" && value !== null ? (value as { [stateOf]?: SelectState })[stateOf] : undefined;
}

/** How many columns a select list has. */
export function columnCount(state: SelectState): number {
  let count = 0;
  for (const selection of state.selection)
    count += selection.kind === "value" ? 1 : selection.entity.mapper.attributes.length;
  return count;
}
