import type { Attribute } from "../mapper/attribute";
import type { Relationship } from "../mapper/relationship";
import { noteOriginal } from "./attribute-access";
import { emplace } from "./emplace";
import type { AssociationPair } from "./flush-plan";
import { generate } from "./insert-values";
import type { Instance, InstanceState } from "./instance-state";
import { peekState } from "./instance-state";
import { ownState } from "./own-state";
import { Members } from "./relation-values";
import type { Reference } from "./relation-values";
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
  readonly #pairs = new Map<unknown, Map<InstanceState, Set<InstanceState>>>();
  readonly #strangers = new Map<string, Instance[]>();

  constructor(unit: UnitOfWork) {
    this.#unit = unit;
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
   * Copies foreign keys from related objects that have their keys, and notes those that will get them.
   *
   * What was removed comes before what was added, so that an object that moved ends with its new parent.
   */
  collect(states: readonly InstanceState[]): void {
    for (const state of states)
      this.#each(state, (relationship, relation) => this.#releaseOld(state, relationship, relation));
    for (const state of states)
      if (!state.marked) this.#each(state, (relationship, relation) => this.#linkNew(state, relationship, relation));
    for (const [label, strangers] of this.#strangers) this.#warn(label, strangers);
  }

  /** The rows of association tables that lead to a deleted object. */
  dissociateAll(state: InstanceState): void {
    if (state.mapper.deletedAt !== undefined && !state.forced) return;
    for (const relationship of state.mapper.relationships.values()) {
      if (relationship.kind !== "manyToMany" || relationship.passiveDeletes) continue;
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

  #each(state: InstanceState, work: (relationship: Relationship, relation: RelationOf) => void): void {
    if (state.relations === undefined) return;
    for (const [key, relation] of state.relations) {
      const relationship = state.mapper.relationships.get(key);
      if (relationship !== undefined && (relation.changed || !state.hasRow)) work(relationship, relation);
    }
  }

  #releaseOld(state: InstanceState, relationship: Relationship, relation: RelationOf): void {
    if (relation instanceof Members) {
      for (const child of relation.removed) {
        if (relationship.kind === "manyToMany") this.#pair(this.dissociated, relationship, state, child);
        else this.#clear(child, relationship, state);
      }
    } else if (
      relation.changed &&
      relationship.kind === "oneToOne" &&
      relation.before &&
      relation.before !== relation.value
    ) {
      this.#clear(relation.before, relationship, state);
    } else if (relation.changed && relationship.kind === "manyToOne" && relation.value === null) {
      this.#write(state, relationship.foreignKey, null);
    }
  }

  #linkNew(state: InstanceState, relationship: Relationship, relation: RelationOf): void {
    if (relation instanceof Members) {
      for (const child of relation.added) {
        if (relationship.kind === "manyToMany") this.#pair(this.associated, relationship, state, child);
        else this.#adopt(child, relationship, state);
      }
    } else if (relation.value) {
      if (relationship.kind === "oneToOne") this.#adopt(relation.value, relationship, state);
      else this.#refer(state, relationship, relation.value);
    }
  }

  /** A many-to-one relationship: the object's own foreign key. */
  #refer(state: InstanceState, relationship: Relationship, target: Instance): void {
    const parent = this.#member(target, relationship);
    if (parent === undefined) return;
    this.#set(state, relationship.foreignKey, parent, relationship.targetKey, relationship.postUpdate);
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

  /** A child that left its owner: no foreign key, unless it already refers to another one. */
  #clear(child: Instance, relationship: Relationship, owner: InstanceState): void {
    const state = peekState(child);
    if (state?.unit !== this.#unit) return;
    const own = ownState(child, relationship.target);
    if (own.marked || own.status === "deleted") return;
    const foreignKey = own.instance.dataValues[relationship.foreignKey.name];
    const ownerKey = owner.instance.dataValues[relationship.sourceKey.name];
    if (foreignKey === null || foreignKey === undefined || !relationship.foreignKey.equals(foreignKey, ownerKey))
      return;
    this.#write(own, relationship.foreignKey, null);
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
    const link: Link = { attribute, parent, parentAttribute, postUpdate, postponed: false };
    const links = this.#pending.get(state);
    if (links === undefined) this.#pending.set(state, [link]);
    else {
      const same = links.findIndex((other) => other.attribute === attribute);
      if (same >= 0) links[same] = link;
      else links.push(link);
    }
    if (state.status === "persistent") this.#unit.touch(state);
  }

  #write(state: InstanceState, attribute: Attribute, value: unknown): void {
    const current = state.instance.dataValues[attribute.name];
    this.#forgetPending(state, attribute);
    if (current === undefined ? value === null && !state.hasRow : attribute.equals(current, value)) return;
    if (state.status === "pending") generate(state, attribute.name, value);
    else {
      emplace(this.#written, state, () => new Set()).add(attribute);
      noteOriginal(state, attribute.name);
      state.instance.dataValues[attribute.name] = value;
    }
  }

  #forgetPending(state: InstanceState, attribute: Attribute): void {
    const links = this.#pending.size === 0 ? undefined : this.#pending.get(state);
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

type RelationOf = Reference | Members;
