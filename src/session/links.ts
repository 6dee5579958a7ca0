import type { Attribute } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import type { Relationship } from "../mapper/relationship";
import { noteOriginal } from "./attribute-access";
import { emplace } from "./emplace";
import type { AssociationPair } from "./flush-steps";
import { generate } from "./insert-values";
import type { Instance } from "./instance-state";
import { InstanceState, peekState } from "./instance-state";
import { ownState } from "./own-state";
import { Members, Reference } from "./relation-values";
import { relationIn, relationOf } from "./relations";
import type { Relation } from "./relations";
import type { UnitOfWork } from "./unit-of-work";

/** A foreign key that gets its value from a row that the same flush inserts. */
export interface Link {
  attribute: Attribute;
  parent: InstanceState;
  parentAttribute: Attribute;
  postUpdate: boolean;
  /** The row is inserted without the key, which a second UPDATE sets. */
  postponed: boolean;
}

/** What the relationships of the flushed objects say about foreign keys and rows of association tables. */
export class Links {
  /** Pairs to insert, by the relationship whose side is written. */
  readonly associated = new Map<Relationship, AssociationPair[]>();
  readonly dissociated = new Map<Relationship, AssociationPair[]>();
  readonly #pending = new Map<InstanceState, Link[]>();
  readonly #written = new Map<InstanceState, Set<Attribute>>();
  readonly #unit: UnitOfWork;
  readonly #everything: boolean;
  readonly #pairs = new Map<unknown, Map<InstanceState, Set<InstanceState>>>();
  readonly #strangers = new Map<string, Instance[]>();
  /** How many who arrived in a collection write its foreign key themselves: the first so many of them. */
  readonly #confirmed = new Map<Members, number>();

  /** @param everything  no object is left out, so that each child writes its own foreign key */
  constructor(unit: UnitOfWork, everything: boolean) {
    this.#unit = unit;
    this.#everything = everything;
  }

  /** Whether a foreign key waits for the key of another new row. */
  get isWaiting(): boolean {
    return this.#pending.size > 0;
  }

  /** The foreign keys of an object that wait for the keys of other new rows. */
  of(state: InstanceState): readonly Link[] | undefined {
    return this.#pending.size === 0 ? undefined : this.#pending.get(state);
  }

  /**
   * Copies the foreign keys of a new object's own references, and notes those that wait for the keys of other new rows.
   *
   * @param taken  receives the references that the flush writes
   * @returns whether it has other relationships, which `collect` is for
   */
  refer(state: InstanceState, taken: Relation[]): boolean {
    let hasOthers = false;
    for (let relation = state.relations; relation !== undefined; relation = relation.next) {
      if (relation instanceof Members || relation.relationship.kind !== "manyToOne") hasOthers = true;
      else if (this.#referTo(state, relation)) {
        if (this.#everything) this.#confirm(state.instance, relation);
        if (!relation.changed) continue;
        relation.flushed();
        taken.push(relation);
      }
    }
    return hasOthers;
  }

  /**
   * Copies foreign keys between related objects, as far as `refer` has not.
   *
   * What was removed comes before what was added, so that an object that moved ends with its new parent.
   */
  collect(states: readonly InstanceState[]): void {
    for (const state of states) {
      for (let relation = state.relations; relation !== undefined; relation = relation.next)
        if (relation.changed || !state.hasRow) this.#releaseOld(state, relation);
    }
    for (const state of states) {
      if (state.marked) continue;
      for (let relation = state.relations; relation !== undefined; relation = relation.next)
        if (relation.changed || !state.hasRow) this.#linkNew(state, relation);
    }
    for (const [label, strangers] of this.#strangers) this.#warn(label, strangers);
  }

  /**
   * Whether everybody who was added to a collection is in the session and has written the collection's foreign key: most often
   * the other side was assigned.
   */
  isConfirmed(members: Members): boolean {
    return members.arrivals > 0 && this.#confirmed.get(members) === members.arrivals;
  }

  /** A new object has copied its reference's key: the collection on the other side need not do so for it. */
  #confirm(child: Instance, { relationship: { backref }, value }: Reference): void {
    if (!value || backref === undefined || backref.scope !== undefined || backref.postUpdate) return;
    const members = relationIn(value, backref.key);
    if (!(members instanceof Members) || members.arrivals === 0) return;
    const confirmed = this.#confirmed.get(members) ?? 0;
    // Objects are added to a collection and to the session in one order, as a rule.
    if (members.arrival(confirmed) === child) this.#confirmed.set(members, confirmed + 1);
  }

  /** The rows of association tables that lead to deleted objects. */
  dissociateAll(states: readonly InstanceState[]): void {
    let mapper: Mapper | undefined;
    let relationships: Relationship[] = [];
    for (const state of states) {
      if (state.mapper !== mapper) {
        ({ mapper } = state);
        relationships = [...mapper.relationships.values()].filter(
          ({ kind, passiveDeletes }) => kind === "manyToMany" && !passiveDeletes,
        );
      }
      if (relationships.length === 0 || (mapper.deletedAt !== undefined && !state.forced)) continue;
      for (const relationship of relationships)
        emplace(this.dissociated, relationship, () => []).push({ owner: state, target: undefined });
    }
  }

  /** Foreign keys of an object that the flush itself has set. */
  writtenTo(state: InstanceState): ReadonlySet<Attribute> {
    return this.#written.get(state) ?? NONE;
  }

  /** Whether the flush itself has set a foreign key of the object. */
  wrote(state: InstanceState): boolean {
    return this.#written.has(state) || this.#pending.has(state);
  }

  #releaseOld(state: InstanceState, relation: Relation): void {
    const { relationship } = relation;
    if (relation instanceof Members) {
      for (const child of relation.removed) {
        if (relationship.kind === "manyToMany") this.#pair(this.dissociated, relationship, state, child);
        else this.#clear(child, relationship, state);
      }
    } else if (!relation.changed) return;
    else if (relationship.kind === "manyToOne") {
      if (relation.value === null && state.hasRow) this.#write(state, relationship.foreignKey, null);
    } else if (relation.before && relation.before !== relation.value) {
      this.#clear(relation.before, relationship, state);
    }
  }

  #linkNew(state: InstanceState, relation: Relation): void {
    const { relationship } = relation;
    if (relation instanceof Members) {
      if (this.isConfirmed(relation)) return;
      for (const child of relation.added) {
        if (relationship.kind === "manyToMany") this.#pair(this.associated, relationship, state, child);
        else if (!this.#refersItself(child, relationship, state)) this.#adopt(child, relationship, state);
      }
    } else if (relation.value) {
      if (relationship.kind === "oneToOne") this.#adopt(relation.value, relationship, state);
      else if (state.hasRow) this.#referTo(state, relation);
    }
  }

  /** Whether the other side of a one-to-many relationship was assigned too, and so writes the key: most often it was. */
  #refersItself(child: Instance, relationship: Relationship, owner: InstanceState): boolean {
    const { backref, scope } = relationship;
    if (!this.#everything || backref === undefined || scope !== undefined || relationship.postUpdate) return false;
    const state = peekState(child);
    if (!(state instanceof InstanceState) || state.unit !== this.#unit || state.marked) return false;
    const reference = relationOf(state, backref.key);
    return reference instanceof Reference && reference.value === owner.instance && (reference.changed || !state.hasRow);
  }

  /** A many-to-one relationship: the object's own foreign key. @returns whether it could be written */
  #referTo(state: InstanceState, { relationship, value, changed }: Reference): boolean {
    if (value === null && changed) this.#write(state, relationship.foreignKey, null);
    if (!value) return true;
    const parent = this.#member(value, relationship);
    if (parent === undefined) return false;
    this.#set(state, relationship.foreignKey, parent, relationship.targetKey, relationship.postUpdate);
    return true;
  }

  /** A child of a one-to-many or one-to-one relationship: the child's foreign key. */
  #adopt(child: Instance, relationship: Relationship, owner: InstanceState): void {
    const own = this.#member(child, relationship);
    if (own === undefined || own.marked) return;
    if (relationship.scope !== undefined) {
      for (const [name, value] of Object.entries(relationship.scope)) {
        const attribute = relationship.target.find(name);
        if (attribute !== undefined) this.#write(own, attribute, value);
      }
    }
    const back = relationship.backref;
    const postUpdate = relationship.postUpdate || (back?.postUpdate ?? false);
    this.#set(own, relationship.foreignKey, owner, relationship.sourceKey, postUpdate);
  }

  /** A child that left its owner: no foreign key, unless it already refers to another one, or cannot. */
  #clear(child: Instance, relationship: Relationship, owner: InstanceState): void {
    const state = peekState(child);
    if (state?.unit !== this.#unit) return;
    const own = ownState(child, relationship.target);
    if (own.marked || own.status === "deleted") return;
    const foreignKey = own.instance.dataValues[relationship.foreignKey.name];
    const ownerKey = owner.instance.dataValues[relationship.sourceKey.name];
    if (foreignKey === null || foreignKey === undefined || !relationship.foreignKey.equals(foreignKey, ownerKey))
      return;
    if (this.#refersToStranger(own, relationship)) return;
    this.#write(own, relationship.foreignKey, null);
  }

  /** Whether a child left its owner for an object outside the session: such a reference is not written, and its key stays. */
  #refersToStranger(state: InstanceState, { backref }: Relationship): boolean {
    const reference = backref && relationOf(state, backref.key);
    if (!(reference instanceof Reference) || !reference.value) return false;
    return peekState(reference.value)?.unit !== this.#unit;
  }

  #set(
    state: InstanceState,
    attribute: Attribute,
    parent: InstanceState,
    parentAttribute: Attribute,
    postUpdate: boolean,
  ): void {
    const key = parent.instance.dataValues[parentAttribute.name];
    if (key !== undefined && key !== null) this.#write(state, attribute, key);
    if (parent.status !== "pending") return;
    this.#wait(state, { attribute, parent, parentAttribute, postUpdate, postponed: false });
    if (state.status === "persistent") this.#unit.touch(state);
  }

  #wait(state: InstanceState, link: Link): void {
    const links = this.#pending.get(state);
    if (links === undefined) {
      this.#pending.set(state, [link]);
      return;
    }
    const same = links.findIndex(({ attribute }) => attribute === link.attribute);
    if (same >= 0) links[same] = link;
    else links.push(link);
  }

  #write(state: InstanceState, attribute: Attribute, value: unknown): void {
    const current = state.instance.dataValues[attribute.name];
    if (this.isWaiting) this.#forgetPending(state, attribute);
    if (current === undefined ? value === null && !state.hasRow : attribute.equals(current, value)) return;
    if (state.status === "pending") generate(state, attribute.name, value);
    else {
      emplace(this.#written, state, () => new Set()).add(attribute);
      noteOriginal(state, attribute.name);
      state.instance.dataValues[attribute.name] = value;
    }
  }

  #forgetPending(state: InstanceState, attribute: Attribute): void {
    const links = this.#pending.get(state);
    if (links === undefined) return;
    const kept = links.filter((link) => link.attribute !== attribute);
    if (kept.length === 0) this.#pending.delete(state);
    else this.#pending.set(state, kept);
  }

  #pair(
    into: Map<Relationship, AssociationPair[]>,
    relationship: Relationship,
    owner: InstanceState,
    child: Instance,
  ): void {
    const target = this.#member(child, relationship);
    if (target === undefined || owner.marked || target.marked) return;
    // Both sides know of the same row; it is written once.
    const back = relationship.backref;
    if (back !== undefined && relationship.label > back.label) {
      this.#notePair(into, back, target, owner);
    } else this.#notePair(into, relationship, owner, target);
  }

  #notePair(
    into: Map<Relationship, AssociationPair[]>,
    relationship: Relationship,
    owner: InstanceState,
    target: InstanceState,
  ): void {
    const table = into === this.associated ? relationship.through : `removed from ${relationship.through?.table ?? ""}`;
    const pairs = emplace(this.#pairs, table, () => new Map<InstanceState, Set<InstanceState>>());
    const seconds = emplace(pairs, owner, () => new Set());
    if (seconds.has(target)) return;
    seconds.add(target);
    emplace(into, relationship, () => []).push({ owner, target });
  }

  /** The related object as the session has it; undefined, with a warning, where it is not in the session. */
  #member(instance: Instance, relationship: Relationship): InstanceState | undefined {
    if (peekState(instance)?.unit === this.#unit) {
      const state = ownState(instance, relationship.target);
      if (state.status !== "deleted") return state;
    }
    emplace(this.#strangers, relationship.label, () => []).push(instance);
    return undefined;
  }

  #warn(label: string, strangers: readonly Instance[]): void {
    const [first] = strangers;
    if (first === undefined) return;
    const name = first.constructor.name;
    const who = `<${name}>${strangers.length > 1 ? ` (${strangers.length} of them)` : ""}`;
    this.#unit.session.warn(
      `Object of type ${who} not in session, add operation along '${label}' won't proceed: ` +
        `db.session.add(${name.toLowerCase()}) first`,
    );
  }
}

const NONE: ReadonlySet<Attribute> = new Set();
