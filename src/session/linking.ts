import type { Model } from "sequelize";
import { describe } from "../driver/dialect";
import { ArgumentError, InvalidRequestError } from "../errors";
import type { Relationship } from "../mapper/relationship";
import { describeInstance } from "./label";
import type { Instance, InstanceState } from "./instance-state";
import { peekState, InstanceState as State } from "./instance-state";
import { Members } from "./relation-values";
import type { Reference } from "./relation-values";
import { membersOf, referenceOf, relationIn, relationOf } from "./relations";
import type { Relation } from "./relations";
import { ownState } from "./own-state";

/**
 * Assigns a to-one relationship and keeps the other side in step; no SQL.
 *
 * @throws {ArgumentError} for a value that is not an instance of the related model
 */
export function assignReference(owner: InstanceState, relationship: Relationship, value: unknown): void {
  const target = checkTarget(relationship, value ?? null);
  const reference = referenceOf(owner, relationship);
  const old = currentReference(owner, relationship);
  const back = relationship.backref;
  touch(owner);
  if (old === target && old !== undefined) {
    if (target !== null && back !== undefined) stay(target, back, owner.instance);
    return;
  }
  reference.assign(target, old);
  if (back !== undefined) {
    if (old) leave(old, back, owner.instance);
    if (target) join(target, back, owner.instance);
  }
  if (target !== null && relationship.cascade.has("save-update")) owner.unit?.cascadeAdd(target);
}

/** Adds to a to-many relationship and keeps the other side in step; a member is not added again. */
export function append(owner: InstanceState, relationship: Relationship, value: unknown): void {
  const child = checkMember(relationship, value);
  const members = membersOf(owner, relationship);
  touch(owner);
  if (members.has(child) === true) return;
  members.add(child);
  const back = relationship.backref;
  if (back !== undefined) join(child, back, owner.instance);
  if (relationship.cascade.has("save-update")) owner.unit?.cascadeAdd(child);
}

/**
 * Removes from a to-many relationship and keeps the other side in step.
 *
 * @throws {InvalidRequestError} where the instance is known not to be a member
 */
export function remove(owner: InstanceState, relationship: Relationship, value: unknown): void {
  const child = checkMember(relationship, value);
  const members = membersOf(owner, relationship);
  if (!isMember(owner, relationship, members, child)) {
    throw new InvalidRequestError(
      `Cannot remove ${describeInstance(child, relationship.target)} from ${relationship.label}: it is not a member of this ` +
        `${relationship.source.name}'s ${relationship.key}.`,
    );
  }
  touch(owner);
  members.remove(child);
  const back = relationship.backref;
  if (back !== undefined) leave(child, back, owner.instance);
}

/** Makes `values` the members of a loaded collection: what is not among them is removed, what is new is added. */
export function replaceMembers(owner: InstanceState, relationship: Relationship, values: readonly Instance[]): void {
  const wanted = new Set(values);
  const members = membersOf(owner, relationship);
  if (members.items === undefined || hasExpired(owner, members)) {
    replaceUnloaded(owner, relationship, members, wanted);
    return;
  }
  for (const member of [...members.items]) {
    if (!wanted.has(member)) remove(owner, relationship, member);
  }
  for (const value of wanted) append(owner, relationship, value);
  touch(owner);
}

function replaceUnloaded(
  owner: InstanceState,
  relationship: Relationship,
  members: Members,
  wanted: ReadonlySet<Instance>,
): void {
  const back = relationship.backref;
  for (const member of [...members.added]) {
    if (wanted.has(member)) continue;
    members.remove(member);
    if (back !== undefined) leave(member, back, owner.instance);
  }
  members.replace(wanted);
  touch(owner);
  for (const member of wanted) {
    if (back !== undefined) join(member, back, owner.instance);
    if (relationship.cascade.has("save-update")) owner.unit?.cascadeAdd(member);
  }
}

/**
 * Takes the members that the database has; those that an assignment left out lose their owner.
 *
 * @param stored  with those that were given to another owner in memory
 */
export function loadMembers(
  owner: InstanceState,
  members: Members,
  rows: readonly Instance[],
  stored: readonly Instance[],
): void {
  const left = members.replacing ? rows.filter((row) => members.items?.has(row) !== true) : [];
  // A rollback brings the row back, and with it members that are not there now.
  if (owner.status === "deleted")
    owner.unit?.frame.noteRelation(owner, members.relationship.key, { items: members.stored, added: [], removed: [] });
  members.load(rows, owner.unit?.epoch ?? 0, stored);
  if (left.length === 0) return;
  const back = members.relationship.backref;
  if (back !== undefined) for (const member of left) leave(member, back, owner.instance);
}

/** The related instance of a to-one relationship: null where there is none, undefined where it is not loaded. */
export function currentReference(state: InstanceState, relationship: Relationship): Instance | null | undefined {
  const reference = relationOf(state, relationship.key) as Reference | undefined;
  if (reference?.changed) return reference.value;
  if (relationship.kind === "oneToOne") {
    if (reference?.value !== undefined) return reference.value;
    return state.status === "transient" || state.status === "pending" ? null : undefined;
  }
  const name = relationship.foreignKey.name;
  const values = state.instance.dataValues;
  const foreignKey = values[name];
  if (reference?.value !== undefined) {
    // An assigned key shows in the relationship after the flush.
    const committed = state.original !== undefined && name in state.original ? state.original[name] : foreignKey;
    if (refersTo(relationship, reference.value, committed)) return reference.value;
  }
  if (foreignKey === null) return null;
  if (foreignKey === undefined) return state.hasRow ? undefined : null;
  const found = state.unit?.findByAttribute(relationship.target, relationship.targetKey, foreignKey);
  if (found !== undefined) referenceOf(state, relationship).load(found, state.epoch);
  else if (reference !== undefined && isAbsent(reference, foreignKey)) return null;
  return found;
}

/** Whether the row that a foreign key refers to was looked for and not found: it is gone, or a scope hides it. */
export function isAbsent({ relationship, absentKey }: Reference, foreignKey: unknown): boolean {
  return absentKey !== undefined && relationship.foreignKey.equals(absentKey, foreignKey);
}

function refersTo(relationship: Relationship, value: Instance | null, foreignKey: unknown): boolean {
  if (value === null) return foreignKey === null || foreignKey === undefined;
  if (foreignKey === null || foreignKey === undefined) return false;
  return relationship.targetKey.equals(value.dataValues[relationship.targetKey.name], foreignKey);
}

/** The other side of an assignment: `child` now belongs to `owner` by `back`, the relationship on the child's side. */
function join(target: Instance, back: Relationship, owner: Instance): void {
  const state = ownState(target, back.source);
  if (back.toMany) {
    membersOf(state, back).add(owner);
  } else {
    const old = currentReference(state, back);
    if (old === owner) return;
    referenceOf(state, back).assign(owner, old);
    const forth = back.backref;
    if (old && forth !== undefined) leave(old, forth, target);
  }
  touch(state);
}

/** Assigned to the owner that it has: where that one was given other members without a look at its old ones, it stays among them. */
function stay(target: Instance, back: Relationship, owner: Instance): void {
  const members = relationIn(target, back.key);
  if (members instanceof Members && members.replacing) members.add(owner);
}

function leave(target: Instance, back: Relationship, owner: Instance): void {
  const state = ownState(target, back.source);
  if (back.toMany) membersOf(state, back).remove(owner);
  else if (currentReference(state, back) === owner) referenceOf(state, back).assign(null, owner);
  else return;
  touch(state);
}

/** Takes back the unflushed changes of an object's relationships, on both sides. */
export function undoRelations(state: InstanceState): void {
  for (let relation = state.relations; relation !== undefined; relation = relation.next) undoRelation(state, relation);
}

/** Takes back the unflushed changes of one relationship of an object, on both sides. */
export function undoRelation(state: InstanceState, relation: Relation): void {
  const back = relation.relationship.backref;
  if (back !== undefined && relation.changed) {
    const others =
      relation instanceof Members ? [...relation.added, ...relation.removed] : [relation.value, relation.before];
    for (const other of others) if (other) retract(other, back, state.instance);
  }
  relation.undo();
}

/** The other side forgets what it noted of one object; one that came from another owner goes back there. */
function retract(target: Instance, back: Relationship, instance: Instance): void {
  const relation = relationIn(target, back.key);
  if (relation instanceof Members) relation.retract(instance);
  else if (relation?.changed) {
    const { value, before } = relation;
    // What moved on to a third object stays there.
    if (value !== instance && (before !== instance || value !== null)) return;
    relation.undo();
    const forth = back.backref;
    if (value === instance && before && forth !== undefined) retract(before, forth, target);
  }
}

function touch(state: InstanceState): void {
  if (state.status === "persistent") state.unit?.touch(state);
}

/** Whether the members may be others by now: what is shown of them is what was known before the transaction ended. */
function hasExpired({ unit, hasRow }: InstanceState, members: Members): boolean {
  return hasRow && unit !== undefined && members.epoch < unit.epoch;
}

function isMember(owner: InstanceState, relationship: Relationship, members: Members, child: Instance): boolean {
  const known = members.has(child);
  if (known === true || (known === false && !hasExpired(owner, members))) return known;
  if (members.removed.has(child)) return false;
  if (relationship.kind !== "oneToMany") return true;
  const foreignKey = child.dataValues[relationship.foreignKey.name];
  if (foreignKey === undefined || foreignKey === null) return false;
  return relationship.foreignKey.equals(foreignKey, owner.instance.dataValues[relationship.sourceKey.name]);
}

function checkTarget(relationship: Relationship, value: unknown): Instance | null {
  if (value === null) return null;
  if (isInstanceOf(relationship, value)) return value;
  throw new ArgumentError(
    `Expected a ${relationship.target.name} or null for ${relationship.label}, got ${describeGiven(value)}.`,
  );
}

function checkMember(relationship: Relationship, value: unknown): Instance {
  if (isInstanceOf(relationship, value)) return value;
  throw new ArgumentError(
    `Expected ${relationship.target.name} instances for ${relationship.label}, got ${describeGiven(value)}.`,
  );
}

/** Checks what is assigned to a collection. */
export function checkMembers(relationship: Relationship, value: unknown): Instance[] {
  const isList = typeof value === "object" && value !== null && Symbol.iterator in value;
  if (!isList) {
    throw new ArgumentError(
      `Expected an array of ${relationship.target.name} instances for ${relationship.label}, got ${describeGiven(value)}.`,
    );
  }
  return [...(value as Iterable<unknown>)].map((item) => checkMember(relationship, item));
}

function isInstanceOf(relationship: Relationship, value: unknown): value is Instance {
  const model = relationship.target.model as unknown as new () => Model;
  // Most are of the very model, which is seen sooner than that they come from it.
  if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === model.prototype) return true;
  return value instanceof model;
}

function describeGiven(value: unknown): string {
  const state = typeof value === "object" && value !== null ? peekState(value) : undefined;
  if (state instanceof State) return describeInstance(state.instance, state.mapper);
  return Array.isArray(value) ? "an array" : describe(value);
}
