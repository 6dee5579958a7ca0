import type { Bindable } from "../driver/dialect";
import type { Attribute } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import type { Relationship } from "../mapper/relationship";
import type { DeletedTogether } from "./deleted-together";
import type { InsertRows } from "./insert-rows";
import type { InsertShape } from "./insert-values";
import type { InstanceState } from "./instance-state";
import type { Link, Links } from "./links";
import type { RelationBefore } from "./relation-values";
import type { Relation } from "./relations";

/** A place in a row that is filled when the row it refers to has its key. */
export interface PendingKey {
  row: number;
  column: number;
  link: Link;
}

/** Rows to insert with one statement where possible. */
export interface InsertStep {
  kind: "insert";
  mapper: Mapper;
  shape: InsertShape;
  states: InstanceState[];
  /** Empty where `hasExpressions`. */
  rows: InsertRows;
  pendingKeys: PendingKey[];
  /** Values that the database computes: one object, in a statement of its own. */
  hasExpressions: boolean;
}

/** Rows to update with one statement where possible: the values of `keys`, then of `sets`. */
export interface UpdateStep {
  kind: "update";
  mapper: Mapper;
  keys: readonly Attribute[];
  sets: readonly Attribute[];
  states: InstanceState[];
  rows: Bindable[][];
  pendingKeys: PendingKey[];
  hasExpressions: boolean;
  /** "save" counts as an update; "postUpdate" completes an insert or prepares a delete; "softDelete" is a paranoid model's delete. */
  purpose: "save" | "postUpdate" | "softDelete";
}

/** Rows to delete with one statement where possible. */
export interface DeleteStep {
  kind: "delete";
  mapper: Mapper;
  keys: readonly Attribute[];
  states: readonly InstanceState[];
}

/** The same for objects that share their states: a statement for each group. */
export interface DeleteTogetherStep {
  kind: "deleteTogether";
  mapper: Mapper;
  groups: readonly DeletedTogether[];
}

/** Rows of an association table: links of a many-to-many relationship. */
export interface AssociationStep {
  kind: "associate" | "dissociate";
  relationship: Relationship;
  pairs: readonly AssociationPair[];
}

/** One row of an association table by the objects it joins; without `target`: every row of the owner. */
export interface AssociationPair {
  owner: InstanceState;
  target: InstanceState | undefined;
}

export type Step = InsertStep | UpdateStep | DeleteStep | DeleteTogetherStep | AssociationStep;

/** What a flush will do, in order, and what it has taken from the objects to do it. */
export interface FlushPlan {
  steps: Step[];
  inserts: readonly InstanceState[];
  updates: InstanceState[];
  deletes: readonly InstanceState[];
  /** Deleted objects that share their states. */
  together: readonly DeletedTogether[];
  /** Objects whose rows are taken over by new objects with the same key. */
  replaced: Map<InstanceState, InstanceState>;
  /** Relationships of objects with a row, and what they were before. */
  relations: { state: InstanceState; key: string; before: RelationBefore }[];
  /** Relationships of new objects. */
  newRelations: Relation[];
  now: Date;
}

/** What there is to flush. */
export interface FlushWork {
  inserts: readonly InstanceState[];
  updates: readonly InstanceState[];
  deletes: readonly InstanceState[];
  /** Deleted objects that share their states: by ascending key, of models without other work. */
  together: readonly DeletedTogether[];
  links: Links;
  now: Date;
}
