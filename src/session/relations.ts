import type { Relationship } from "../mapper/relationship";
import type { Instance } from "./instance-state";
import { InstanceState, rawState } from "./instance-state";
import { Members, Reference } from "./relation-values";

/** What is known of one relationship of an instance; with `next` a list of them, in the order of their first use. */
export type Relation = Reference | Members;

/** What is known of a relationship of an instance, by its name; undefined where nothing is. */
export function relationOf(state: InstanceState, key: string): Relation | undefined {
  for (let relation = state.relations; relation !== undefined; relation = relation.next)
    if (relation.relationship.key === key) return relation;
  return undefined;
}

/** The same of an instance, which may have no state of its own: then nothing is. */
export function relationIn(instance: Instance, key: string): Relation | undefined {
  const state = rawState(instance);
  return state instanceof InstanceState ? relationOf(state, key) : undefined;
}

/** Forgets what is known of a relationship. */
export function dropRelation(state: InstanceState, key: string): void {
  let before: Relation | undefined;
  for (let relation = state.relations; relation !== undefined; relation = relation.next) {
    if (relation.relationship.key === key) {
      if (before === undefined) state.relations = relation.next;
      else before.next = relation.next;
      return;
    }
    before = relation;
  }
}

/** The place of a to-one relationship's value on an instance. */
export function referenceOf(state: InstanceState, relationship: Relationship): Reference {
  const { relations } = state;
  if (relations === undefined) return (state.relations = new Reference(relationship));
  return findOrAppend(relations, relationship, makeReference) as Reference;
}

/** The place of a to-many relationship's members on an instance. */
export function membersOf(state: InstanceState, relationship: Relationship): Members {
  const { relations, hasRow } = state;
  if (relations === undefined) return (state.relations = new Members(relationship, !hasRow));
  return findOrAppend(relations, relationship, hasRow ? makeUnknownMembers : makeAllMembers) as Members;
}

function findOrAppend(first: Relation, relationship: Relationship, make: (of: Relationship) => Relation): Relation {
  const { key } = relationship;
  let last = first;
  for (let each: Relation | undefined = first; each !== undefined; each = each.next) {
    if (each.relationship.key === key) return each;
    last = each;
  }
  return (last.next = make(relationship));
}

const makeReference = (of: Relationship): Relation => new Reference(of);
const makeAllMembers = (of: Relationship): Relation => new Members(of, true);
const makeUnknownMembers = (of: Relationship): Relation => new Members(of, false);
