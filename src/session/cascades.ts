import type { Mapper } from "../mapper/mapper";
import type { Relationship } from "../mapper/relationship";
import type { Instance, InstanceState } from "./instance-state";
import { currentReference } from "./linking";
import type { Loader } from "./loader";
import { ownState } from "./own-state";
import { Members, Reference } from "./relation-values";
import { dropRelation, membersOf, referenceOf, relationOf } from "./relations";
import type { Relation } from "./relations";
import type { UnitOfWork } from "./unit-of-work";

/**
 * Finds what follows from what was changed, before it is written: from deletes along their cascades, from what left a
 * delete-orphan relationship, from assignments to relationships that are not loaded.
 */
export class Cascades {
  readonly #unit: UnitOfWork;
  readonly #loader: Loader;

  constructor(unit: UnitOfWork, loader: Loader) {
    this.#unit = unit;
    this.#loader = loader;
  }

  /**
   * Loads and marks what follows; undefined where nothing does.
   *
   * @param chosen  the objects that are flushed, where not all of them are: what follows them is added
   */
  prepare(chosen: Set<InstanceState> | undefined): Promise<void> | undefined {
    const { new: added, touched, deleted } = this.#unit;
    const leaving = deleted.ownArray();
    const mayOrphan = askOfModel(hasOrphans);
    const isUnknown = (state: InstanceState): boolean => (state.hasRow || mayOrphan(state)) && mustAsk(state);
    const unknown = chosen === undefined ? [added, touched, leaving] : [[...chosen]];
    if (!unknown.some((states) => states.some(isUnknown)) && !leaving.some(askOfModel(leadsToOthers))) return undefined;
    return this.#follow(chosen === undefined ? [...added, ...touched, ...leaving] : [...chosen], chosen);
  }

  async #follow(states: readonly InstanceState[], chosen: Set<InstanceState> | undefined): Promise<void> {
    for (const state of states) {
      if (!mustAsk(state)) continue;
      await this.#completeRelations(state);
      for (const orphan of this.#markOrphans(state)) chosen?.add(orphan);
    }
    const done = new Set<InstanceState>();
    const leads = askOfModel(leadsToOthers);
    for (;;) {
      const round: InstanceState[] = [];
      for (const state of this.#unit.deleted.ownArray())
        if (leads(state) && !done.has(state) && chosen?.has(state) !== false) round.push(state);
      if (round.length === 0) return;
      for (const state of round) done.add(state);
      await this.#followDeletes(round, chosen);
    }
  }

  /** What a collection or a reference held before it was assigned blindly. */
  async #completeRelations(state: InstanceState): Promise<void> {
    const relations: Relation[] = [];
    for (let each = state.relations; each !== undefined; each = each.next) relations.push(each);
    for (const relation of relations) {
      const { relationship } = relation;
      if (!relation.changed || state.status !== "persistent") continue;
      if (relation instanceof Members && relation.replacing)
        await this.#loader.loadRelated([state.instance], relationship, { again: true });
      else if (relation instanceof Reference && relationship.kind === "oneToOne" && relation.before === undefined)
        relation.before = await this.#storedReference(state, relationship);
    }
  }

  async #storedReference(state: InstanceState, relationship: Relationship): Promise<Instance | null> {
    const assigned = referenceOf(state, relationship);
    const { value } = assigned;
    dropRelation(state, relationship.key);
    await this.#loader.loadRelated([state.instance], relationship, { again: true });
    const stored = referenceOf(state, relationship).value ?? null;
    const restored = referenceOf(state, relationship);
    restored.assign(value ?? null, stored);
    return stored;
  }

  /** What left a delete-orphan relationship and belongs to no other owner is deleted; what is new leaves the session. */
  *#markOrphans(state: InstanceState): Iterable<InstanceState> {
    for (let relation = state.relations; relation !== undefined; relation = relation.next) {
      const { relationship } = relation;
      if (!relationship.cascade.has("delete-orphan")) continue;
      const left =
        relation instanceof Members
          ? [...relation.removed, ...relation.discarded]
          : relation.changed && relation.before && relation.before !== relation.value
            ? [relation.before]
            : [];
      for (const child of left) {
        const orphan = ownState(child, relationship.target);
        if (orphan.unit !== this.#unit || this.#hasOwner(orphan, relationship)) continue;
        if (orphan.status === "pending") this.#unit.expunge(child, orphan.mapper);
        else {
          this.#unit.mark(orphan);
          yield orphan;
        }
      }
    }
  }

  #hasOwner(child: InstanceState, relationship: Relationship): boolean {
    const back = relationship.backref;
    if (back !== undefined && !back.toMany) return (currentReference(child, back) ?? null) !== null;
    for (const other of [...this.#unit.new, ...this.#unit.touched]) {
      const relation = other.mapper === relationship.source ? relationOf(other, relationship.key) : undefined;
      if (relation instanceof Members ? relation.added.has(child.instance) : relation?.value === child.instance)
        return true;
    }
    return false;
  }

  async #followDeletes(states: readonly InstanceState[], chosen: Set<InstanceState> | undefined): Promise<void> {
    for (const mapper of new Set(states.map((state) => state.mapper))) {
      const owners = states.filter((state) => state.mapper === mapper);
      for (const relationship of mapper.relationships.values()) {
        if (relationship.kind === "oneToMany" || relationship.kind === "oneToOne")
          await this.#releaseChildren(owners, relationship, chosen);
        else if (relationship.cascade.has("delete")) await this.#deleteTargets(owners, relationship, chosen);
      }
    }
  }

  async #releaseChildren(
    owners: readonly InstanceState[],
    relationship: Relationship,
    chosen: Set<InstanceState> | undefined,
  ): Promise<void> {
    if (relationship.passiveDeletes === "all") return;
    const deletes = relationship.cascade.has("delete");
    const hard = owners.filter((owner) => deletes || owner.mapper.deletedAt === undefined || owner.forced);
    if (hard.length === 0) return;
    if (!relationship.passiveDeletes)
      await this.#loader.loadRelated(
        hard.map(({ instance }) => instance),
        relationship,
      );
    for (const owner of hard) {
      const relation = relationOf(owner, relationship.key);
      for (const child of this.#targets(owner, relationship)) {
        const state = ownState(child, relationship.target);
        if (state.unit !== this.#unit) continue;
        if (state.status !== "pending") chosen?.add(state);
        if (state.marked) continue;
        // What was added since the last flush is written with the key of its parent, which then is missed.
        if (!deletes && relation instanceof Members && relation.added.has(child)) continue;
        if (deletes && state.status === "pending") this.#unit.expunge(child, state.mapper);
        else if (deletes) this.#unit.mark(state);
        else this.#letGo(owner, child, relationship);
      }
    }
  }

  /** The child of a deleted owner loses its foreign key. */
  #letGo(owner: InstanceState, child: Instance, relationship: Relationship): void {
    const back = relationship.backref;
    const state = ownState(child, relationship.target);
    if (back !== undefined && back.kind === "manyToOne") {
      if (currentReference(state, back) !== owner.instance) return;
      referenceOf(state, back).assign(null, owner.instance);
      this.#unit.touch(state);
    } else if (relationship.toMany) membersOf(owner, relationship).remove(child);
    else referenceOf(owner, relationship).assign(null, child);
    if (state.status === "persistent") this.#unit.touch(state);
  }

  async #deleteTargets(
    owners: readonly InstanceState[],
    relationship: Relationship,
    chosen: Set<InstanceState> | undefined,
  ): Promise<void> {
    if (!relationship.passiveDeletes)
      await this.#loader.loadRelated(
        owners.map(({ instance }) => instance),
        relationship,
      );
    for (const owner of owners) {
      for (const target of this.#targets(owner, relationship)) {
        const state = ownState(target, relationship.target);
        if (state.unit !== this.#unit) continue;
        chosen?.add(state);
        this.#unit.mark(state);
      }
    }
  }

  #targets(owner: InstanceState, relationship: Relationship): Instance[] {
    if (relationship.toMany) {
      const members = membersOf(owner, relationship);
      return [...(members.items ?? members.added)];
    }
    const target = currentReference(owner, relationship);
    return target ? [target] : [];
  }
}

/** Whether the database has to be asked before the changes of an object's relationships can be written. */
function mustAsk(state: InstanceState): boolean {
  for (let relation = state.relations; relation !== undefined; relation = relation.next) {
    const { relationship } = relation;
    if (relation instanceof Members) {
      if (!relation.changed && relation.discarded.size === 0) continue;
      if (relation.replacing) return true;
    } else {
      if (!relation.changed) continue;
      if (relationship.kind === "oneToOne" && state.status === "persistent" && relation.before === undefined)
        return true;
    }
    if (relationship.cascade.has("delete-orphan")) return true;
  }
  return false;
}

/** Whether the delete of a row may concern rows that refer to it, or that it refers to. */
function leadsToOthers(mapper: Mapper): boolean {
  for (const { kind, cascade } of mapper.relationships.values())
    if (kind === "oneToMany" || kind === "oneToOne" || cascade.has("delete")) return true;
  return false;
}

/** Whether an object that leaves a relationship of the model is deleted; a new owner lets go of others in no other way. */
function hasOrphans(mapper: Mapper): boolean {
  for (const { cascade } of mapper.relationships.values()) if (cascade.has("delete-orphan")) return true;
  return false;
}

/** The answer of an object's model, for one object after the other: most often the model is that of the one before. */
function askOfModel(ask: (mapper: Mapper) => boolean): (state: InstanceState) => boolean {
  let asked: Mapper | undefined;
  let answer = false;
  return ({ mapper }) => {
    if (mapper !== asked) {
      asked = mapper;
      answer = ask(mapper);
    }
    return answer;
  };
}
