import type { Attribute } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import type { Relationship } from "../mapper/relationship";
import { FlushError } from "../errors";
import type { DeletedTogether } from "./deleted-together";
import type { Instance, Values } from "./instance-state";
import { InstanceState, LoadedState, peekState, rawState } from "./instance-state";
import { nameForError } from "./label";
import { currentReference } from "./linking";
import { Members } from "./relation-values";
import { relationIn, relationOf } from "./relations";
import type { UnitOfWork } from "./unit-of-work";

/** The rows of objects of one model were inserted, or took over those of deleted ones. */
export function becomeInserted(unit: UnitOfWork, states: readonly InstanceState[]): void {
  const { frame, epoch } = unit;
  let keyless: InstanceState | undefined;
  for (let i = 0; i < states.length; i++) {
    const state = states[i] as InstanceState;
    const { instance } = state;
    state.status = "persistent";
    state.epoch = epoch;
    state.complete = true;
    state.inserting = false;
    state.flushing = undefined;
    instance.isNewRecord = false;
    settleSequelizeFields(instance);
    state.key = state.mapper.identityOf(instance.dataValues);
    if (state.key === undefined) keyless ??= state;
    unit.new.delete(state);
    frame.inserted.push(state);
    // Changed while the INSERT was on its way.
    if (state.original !== undefined) unit.touch(state);
  }
  const [first] = states;
  if (first === undefined) return;
  if (keyless !== undefined) throw unsetKey(keyless);
  // What was taken out of the session meanwhile stays out.
  const isAll = states.every((state) => state.unit === unit);
  unit.identity.setAll(first.mapper, isAll ? states : states.filter((state) => state.unit === unit));
}

/** Some databases take NULL for a key: no object could be found by such a row. */
function unsetKey(state: InstanceState): FlushError {
  const { instance, mapper } = state;
  const unset = mapper.primaryKey.filter(({ name }) => (instance.dataValues[name] ?? null) === null);
  const names = unset.map(({ name }) => name).join(", ");
  return new FlushError(
    `Cannot insert ${nameForError(state)}: its primary key ${names} is not set, and the database makes none.`,
    { hint: `db.session.rollback(), then set ${names} and add the object again` },
  );
}

/** The object's changes were written. */
export function becomeUpdated(unit: UnitOfWork, state: InstanceState): void {
  const { instance, mapper } = state;
  const flushed = state.flushing;
  state.flushing = undefined;
  settleSequelizeFields(instance);
  if (flushed === undefined) return;
  unit.frame.noteChanged(state, flushed);
  if (!holdsKey(flushed, mapper)) return;
  const key = mapper.identityOf(instance.dataValues);
  if (key === undefined || key === state.key) return;
  if (state.key !== undefined) {
    unit.frame.noteKey(state, state.key);
    unit.identity.delete(mapper, state.key, instance);
  }
  state.key = key;
  unit.identity.set(mapper, key, instance);
}

function holdsKey(values: Values, { primaryKey }: Mapper): boolean {
  for (let i = 0; i < primaryKey.length; i++) if ((primaryKey[i] as Attribute).name in values) return true;
  return false;
}

/** The objects' rows were deleted. */
export function becomeDeleted(unit: UnitOfWork, states: readonly InstanceState[]): void {
  const { frame } = unit;
  for (const state of states) {
    unit.deleted.delete(state);
    unit.touched.delete(state);
    unit.new.delete(state);
    state.marked = false;
    state.status = "deleted";
    state.wasDeleted = true;
    if (state.flushing !== undefined) frame.noteChanged(state, state.flushing);
    if (state.original !== undefined) frame.noteChanged(state, state.original);
    state.flushing = undefined;
    state.original = undefined;
    frame.deleted.push(state);
  }
  unit.identity.forgetAll(states);
  let mapper: Mapper | undefined;
  let sides: OtherSide[] = [];
  for (const state of states) {
    if (state.mapper !== mapper) {
      ({ mapper } = state);
      sides = otherSides(mapper);
    }
    for (const side of sides) leaveOwners(unit, state, side);
  }
  leaveCollections(unit, states);
}

/**
 * The rows of objects that share their states were deleted.
 *
 * @param sent  the objects whose rows the statement named; one of them may have got a state of its own since
 */
export function becomeDeletedTogether(unit: UnitOfWork, group: DeletedTogether, sent: readonly Instance[]): void {
  const { mapper, size } = group;
  if (size < sent.length) {
    const own = sent.map((instance) => rawState(instance)).filter((state) => state instanceof InstanceState);
    becomeDeleted(unit, own);
  }
  unit.deleted.forget([group]);
  group.becomeDeleted(unit.frame);
  unit.identity.forgetKeys(mapper, group.keys);
  // Objects without states of their own know of no relationship; others may know of them.
  for (const side of otherSides(mapper)) {
    if (!someOwnerKnows(unit, side, sent.length)) continue;
    for (const instance of group.members) {
      const owner = ownerOf(unit, instance, side);
      if (owner !== undefined) leaveOwner(unit, instance, owner, side.back);
    }
  }
}

/** A relationship of deleted objects whose other side may know of them. */
interface OtherSide {
  relationship: Relationship;
  back: Relationship;
  /** Owners in memory by the foreign keys that were asked for. */
  owners: Map<unknown, Instance | undefined>;
}

function otherSides(mapper: Mapper): OtherSide[] {
  const sides: OtherSide[] = [];
  for (const relationship of mapper.relationships.values()) {
    const back = relationship.backref;
    if (back !== undefined) sides.push({ relationship, back, owners: new Map() });
  }
  return sides;
}

/**
 * Whether an object in memory knows of anything by the other side of a relationship.
 *
 * @param most  after so many objects it is taken to be so
 */
function someOwnerKnows(unit: UnitOfWork, { relationship, back }: OtherSide, most: number): boolean {
  let seen = 0;
  for (const owner of unit.identity.ofMapper(relationship.target)) {
    const state = peekState(owner);
    if (state instanceof InstanceState && relationOf(state, back.key) !== undefined) return true;
    if (++seen >= most) return true;
  }
  return false;
}

/** Loaded collections and references of other objects let go of a deleted one. */
function leaveOwners(unit: UnitOfWork, state: InstanceState, side: OtherSide): void {
  const { relationship, back } = side;
  if (state.relations === undefined && relationship.kind === "manyToOne") {
    // Asked without keeping the answer: the object is on its way out.
    const owner = ownerOf(unit, state.instance, side);
    if (owner !== undefined) leaveOwner(unit, state.instance, owner, back);
    return;
  }
  if (relationship.toMany && state.relations === undefined) return;
  for (const owner of relatedTo(state, relationship)) leaveOwner(unit, state.instance, owner, back);
}

/** Collections on the other side of many-to-many relationships let go of deleted objects, whatever these know themselves. */
function leaveCollections(unit: UnitOfWork, states: readonly InstanceState[]): void {
  for (const mapper of new Set(states.map((state) => state.mapper))) {
    for (const { relationship, back } of otherSides(mapper)) {
      if (relationship.kind !== "manyToMany") continue;
      const gone = new Set<Instance>();
      for (const state of states) if (state.mapper === mapper) gone.add(state.instance);
      for (const owner of unit.identity.ofMapper(relationship.target)) {
        const members = relationIn(owner, back.key);
        if (!(members instanceof Members)) continue;
        const known = members.items ?? members.added;
        const leaving = [...(gone.size < known.size ? gone : known)].filter((one) => gone.has(one) && known.has(one));
        for (const one of leaving) leaveOwner(unit, one, owner, back);
      }
    }
  }
}

function ownerOf(unit: UnitOfWork, instance: Instance, side: OtherSide): Instance | undefined {
  const { target, targetKey, foreignKey } = side.relationship;
  const value = instance.dataValues[foreignKey.name];
  if (value === undefined || value === null) return undefined;
  const known = side.owners.get(value);
  if (known !== undefined || side.owners.has(value)) return known;
  const owner = unit.findByAttribute(target, targetKey, value);
  side.owners.set(value, owner);
  return owner;
}

function leaveOwner(unit: UnitOfWork, instance: Instance, owner: Instance, back: Relationship): void {
  const other = peekState(owner);
  if (other === undefined || other instanceof LoadedState || other.unit !== unit) return;
  const relation = relationOf(other, back.key);
  if (relation === undefined) return;
  if (relation instanceof Members) {
    unit.frame.noteRelation(other, back.key, () => ({ items: relation.stored, added: NONE, removed: NONE }));
    relation.forget(instance);
  } else if (relation.value === instance) {
    unit.frame.noteRelation(other, back.key, { value: relation.value });
    relation.value = back.kind === "manyToOne" ? null : undefined;
  }
}

const NONE: ReadonlySet<Instance> = new Set();

/** The objects of a relationship, as far as they are in memory. */
function relatedTo(state: InstanceState, relationship: Relationship): Iterable<Instance> {
  const relation = relationOf(state, relationship.key);
  if (relation instanceof Members) return [...(relation.items ?? relation.added)];
  const value = relationship.toMany ? undefined : currentReference(state, relationship);
  return value ? [value] : NOBODY;
}

const NOBODY: readonly Instance[] = [];

/** What Sequelize keeps of changes is brought in step, so that its own methods work on the object. */
function settleSequelizeFields(instance: Instance): void {
  if (Object.hasOwn(instance, "_changed")) instance._changed.clear();
  if (Object.hasOwn(instance, "_previousDataValues")) instance._previousDataValues = { ...instance.dataValues };
}
