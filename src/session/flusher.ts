import type { Connection } from "../driver/connection";
import { CircularDependencyError } from "../errors";
import type { Mapper } from "../mapper/mapper";
import type { Relationship } from "../mapper/relationship";
import { changedAttributes } from "./attribute-access";
import { emplace } from "./emplace";
import { Flush } from "./flush";
import { hasValidators, requiredAttributes, validate } from "./flush-hooks";
import { planFlush } from "./flush-plan";
import type { FlushPlan } from "./flush-plan";
import { restoreValues } from "./frame";
import { completeNew } from "./insert-values";
import type { Instance, InstanceState } from "./instance-state";
import { peekState } from "./instance-state";
import { currentReference, membersOf, referenceOf } from "./linking";
import { Links } from "./links";
import type { Loader } from "./loader";
import { ownState } from "./own-state";
import { Members, Reference } from "./relation-values";
import type { TransactionControl } from "./transaction";
import { undoChanges } from "./unit-of-work";
import type { UnitOfWork } from "./unit-of-work";

/** How many rows a flush wrote. */
export interface FlushCounts {
  inserts: number;
  updates: number;
  deletes: number;
}

/** Writes what is new, changed and deleted in a unit of work. */
export class Flusher {
  readonly #connection: Connection;
  readonly #unit: UnitOfWork;
  readonly #loader: Loader;
  readonly #transaction: TransactionControl;
  #running = false;

  constructor(connection: Connection, unit: UnitOfWork, loader: Loader, transaction: TransactionControl) {
    this.#connection = connection;
    this.#unit = unit;
    this.#loader = loader;
    this.#transaction = transaction;
  }

  get isRunning(): boolean {
    return this.#running;
  }

  /** Whether a flush would have something to look at. */
  get hasWork(): boolean {
    const { watched, touched, deleted } = this.#unit;
    if (this.#unit.new.size > 0 || touched.size > 0 || deleted.size > 0) return true;
    if (watched.size > 0) this.#unit.compareWatched();
    return touched.size > 0;
  }

  /**
   * Flushes everything, or only the given objects with the new parents that they need.
   *
   * After a failure of the database the transaction is rolled back and the objects are restored; a value that is refused before
   * anything was sent leaves everything as it is.
   */
  async flush(only?: readonly InstanceState[]): Promise<FlushCounts> {
    const none = { inserts: 0, updates: 0, deletes: 0 };
    if (!this.hasWork) return none;
    this.#transaction.check();
    this.#running = true;
    let plan: FlushPlan | undefined;
    try {
      const waiting = this.#prepare(only);
      if (waiting !== undefined) await waiting;
      const work = this.#collect(only);
      const invalid = this.#validateAll(work);
      if (invalid !== undefined) await invalid;
      try {
        plan = this.#plan(work);
      } catch (error) {
        // Rows that cannot be ordered are an error of the flush; a value that cannot be sent is one of the value.
        if (error instanceof CircularDependencyError) await this.#transaction.fail(error);
        throw error;
      }
      if (plan === undefined) return none;
      await this.#execute(plan);
      return {
        inserts: plan.inserts.length - plan.replaced.size,
        updates: plan.updates.length + plan.replaced.size,
        deletes: plan.deletes.length,
      };
    } finally {
      this.#running = false;
    }
  }

  /** Sends what a flush would send, to a connection that only notes it down; every object stays as it is. */
  async rehearse(only?: readonly InstanceState[]): Promise<void> {
    if (!this.hasWork) return;
    const work = this.#collect(only);
    const plan = this.#plan(work);
    if (plan === undefined) return;
    try {
      await new Flush(plan, this.#unit, this.#connection).rehearse();
    } finally {
      this.#giveBackAll(plan);
      for (const state of plan.inserts) {
        if (state.before !== undefined) restoreValues(state, state.before);
        state.before = undefined;
      }
    }
  }

  async #execute(plan: FlushPlan): Promise<void> {
    try {
      await this.#transaction.ensureOpen();
    } catch (error) {
      this.#giveBackAll(plan);
      throw error;
    }
    try {
      await new Flush(plan, this.#unit, this.#connection).run();
    } catch (error) {
      this.#abandon(plan);
      await this.#transaction.fail(error);
      throw error;
    }
  }

  // What is to be done

  /** Finds what follows from deletes, orphans and assignments to collections that are not loaded; undefined where nothing has to be loaded for it. */
  #prepare(only: readonly InstanceState[] | undefined): Promise<void> | undefined {
    const unit = this.#unit;
    const needsLoading =
      unit.deleted.size > 0 ||
      (only ?? unitStates(unit)).some((state) => state.relations !== undefined && this.#hasUnknown(state));
    return needsLoading ? this.#follow(only ?? unitStates(unit)) : undefined;
  }

  #hasUnknown(state: InstanceState): boolean {
    if (state.relations === undefined) return false;
    for (const [key, relation] of state.relations) {
      const hasOrphans = relation instanceof Members && relation.discarded.size > 0;
      if (!relation.changed && !hasOrphans) continue;
      if (
        relation instanceof Members
          ? relation.replacing
          : state.status === "persistent" && relation.before === undefined
      ) {
        const kind = state.mapper.relationships.get(key)?.kind;
        if (relation instanceof Members || kind === "oneToOne") return true;
      }
      if (state.mapper.relationships.get(key)?.cascade.has("delete-orphan")) return true;
    }
    return false;
  }

  async #follow(states: readonly InstanceState[]): Promise<void> {
    for (const state of states) {
      if (state.relations === undefined || !this.#hasUnknown(state)) continue;
      await this.#completeRelations(state);
      this.#findOrphans(state);
    }
    const done = new Set<InstanceState>();
    for (;;) {
      const round: InstanceState[] = [];
      for (const state of this.#unit.deleted) if (leadsToOthers(state.mapper) && !done.has(state)) round.push(state);
      if (round.length === 0) return;
      for (const state of round) done.add(state);
      await this.#followDeletes(round);
    }
  }

  /** What a collection or a reference held before it was assigned blindly. */
  async #completeRelations(state: InstanceState): Promise<void> {
    for (const [key, relation] of [...(state.relations ?? [])]) {
      const relationship = state.mapper.relationships.get(key);
      if (relationship === undefined || !relation.changed || state.status !== "persistent") continue;
      if (relation instanceof Members && relation.replacing)
        await this.#loader.loadRelated([state.instance], relationship, { again: true });
      else if (relation instanceof Reference && relationship.kind === "oneToOne" && relation.before === undefined)
        relation.before = await this.#storedReference(state, relationship);
    }
  }

  async #storedReference(state: InstanceState, relationship: Relationship): Promise<Instance | null> {
    const assigned = referenceOf(state, relationship);
    const { value } = assigned;
    state.relations?.delete(relationship.key);
    await this.#loader.loadRelated([state.instance], relationship, { again: true });
    const stored = referenceOf(state, relationship).value ?? null;
    const restored = referenceOf(state, relationship);
    restored.assign(value ?? null, stored);
    return stored;
  }

  /** What left a delete-orphan relationship and belongs to no other owner is deleted. */
  #findOrphans(state: InstanceState): void {
    for (const [key, relation] of state.relations ?? []) {
      const relationship = state.mapper.relationships.get(key);
      if (relationship === undefined || !relationship.cascade.has("delete-orphan")) continue;
      const left =
        relation instanceof Members
          ? [...relation.removed, ...relation.discarded]
          : relation.changed && relation.before && relation.before !== relation.value
            ? [relation.before]
            : [];
      for (const child of left) {
        const orphan = ownState(child, relationship.target);
        if (orphan.unit !== this.#unit || this.#hasOwner(orphan, relationship)) continue;
        if (orphan.status === "pending") this.#unit.leave(orphan);
        else this.#unit.mark(orphan);
      }
    }
  }

  #hasOwner(child: InstanceState, relationship: Relationship): boolean {
    const back = relationship.backref;
    if (back !== undefined && !back.toMany) return (currentReference(child, back) ?? null) !== null;
    for (const other of [...this.#unit.new, ...this.#unit.touched]) {
      const relation = other.mapper === relationship.source ? other.relations?.get(relationship.key) : undefined;
      if (relation instanceof Members ? relation.added.has(child.instance) : relation?.value === child.instance)
        return true;
    }
    return false;
  }

  async #followDeletes(states: readonly InstanceState[]): Promise<void> {
    for (const mapper of new Set(states.map((state) => state.mapper))) {
      const owners = states.filter((state) => state.mapper === mapper);
      for (const relationship of mapper.relationships.values()) {
        if (relationship.kind === "oneToMany" || relationship.kind === "oneToOne")
          await this.#releaseChildren(owners, relationship);
        else if (relationship.cascade.has("delete")) await this.#deleteTargets(owners, relationship);
      }
    }
  }

  async #releaseChildren(owners: readonly InstanceState[], relationship: Relationship): Promise<void> {
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
      const relation = owner.relations?.get(relationship.key);
      for (const child of this.#targets(owner, relationship)) {
        const state = ownState(child, relationship.target);
        if (state.unit !== this.#unit || state.marked) continue;
        // What was added since the last flush is written with the key of its parent, which then is missed.
        if (!deletes && relation instanceof Members && relation.added.has(child)) continue;
        if (deletes && state.status === "pending") this.#unit.leave(state);
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

  async #deleteTargets(owners: readonly InstanceState[], relationship: Relationship): Promise<void> {
    if (!relationship.passiveDeletes)
      await this.#loader.loadRelated(
        owners.map(({ instance }) => instance),
        relationship,
      );
    for (const owner of owners) {
      for (const target of this.#targets(owner, relationship)) {
        const state = ownState(target, relationship.target);
        if (state.unit === this.#unit) this.#unit.mark(state);
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

  /** Foreign keys are copied, and what is to be written is known. */
  #collect(only: readonly InstanceState[] | undefined): Work {
    const unit = this.#unit;
    unit.compareWatched();
    const chosen = only === undefined ? undefined : withParents(only);
    const isChosen = (state: InstanceState): boolean => chosen === undefined || chosen.has(state);
    const links = new Links(unit);
    const related: InstanceState[] = [];
    for (const states of [unit.new, unit.touched])
      for (const state of states)
        if (state.relations !== undefined && !state.marked && isChosen(state)) related.push(state);
    // Deleted owners let go of what they had by their own changes.
    for (const state of unit.deleted) if (state.relations !== undefined && isChosen(state)) related.push(state);
    links.collect(related);
    const deletes: InstanceState[] = [];
    for (const state of unit.deleted) if (isChosen(state)) deletes.push(state);
    for (const state of deletes) links.dissociateAll(state);
    const inserts: InstanceState[] = [];
    for (const state of unit.new) if (isChosen(state)) inserts.push(state);
    const touched: InstanceState[] = [];
    for (const state of unit.touched)
      if (state.status === "persistent" && !state.marked && (isChosen(state) || links.wrote(state)))
        touched.push(state);
    return { inserts, touched, deletes, links, everything: only === undefined };
  }

  // Validation

  /** Asks the models' validators; undefined where no model has any and nothing that is required is missing. */
  #validateAll({ inserts, touched, links }: Work): Promise<void> | undefined {
    const waiting: (() => Promise<void>)[] = [];
    const now = new Date();
    const validates = new Map<Mapper, boolean>();
    const isValidated = (mapper: Mapper): boolean => emplace(validates, mapper, () => hasValidators(mapper));
    for (const state of inserts) {
      const { mapper, instance } = state;
      const validated = isValidated(mapper);
      if (!validated && !isMissing(state, links)) continue;
      completeNew(state, now);
      if (!validated && !isMissing(state, links)) continue;
      const skip = (links.of(state) ?? []).map(({ attribute }) => attribute.name);
      waiting.push(() => validate(instance, skip, this.#connection.handle));
    }
    for (const state of touched) {
      const { mapper, instance } = state;
      const changed = changedAttributes(state);
      if (changed.length === 0) continue;
      const written = links.writtenTo(state);
      const nulled = changed.some(
        (attribute) =>
          !attribute.nullable &&
          !attribute.primaryKey &&
          (instance.dataValues[attribute.name] ?? null) === null &&
          !written.has(attribute),
      );
      if (!nulled && !isValidated(mapper)) continue;
      const isChanged = new Set(changed);
      const skip = mapper.attributes
        .filter((attribute) => !isChanged.has(attribute) || written.has(attribute))
        .map(({ name }) => name);
      waiting.push(() => validate(instance, skip, this.#connection.handle));
    }
    if (waiting.length === 0) return undefined;
    return (async () => {
      for (const run of waiting) await run();
    })();
  }

  // Planning

  #plan({ inserts, touched, deletes, links, everything }: Work): FlushPlan | undefined {
    const now = new Date();
    let plan: FlushPlan;
    try {
      plan = planFlush({ inserts, updates: touched, deletes, links, now });
    } catch (error) {
      for (const state of touched) giveBack(state);
      throw error;
    }
    for (const state of inserts) state.inserting = true;
    for (const states of [inserts, touched, deletes]) {
      this.#unit.settleTouched({ everything, states });
      for (const state of states) if (state.relations !== undefined) this.#takeRelations(plan, state);
    }
    const isEmpty = plan.steps.length === 0;
    if (isEmpty) for (const state of touched) state.flushing = undefined;
    return isEmpty ? undefined : plan;
  }

  /** The changes of an object's relationships are being written. */
  #takeRelations(plan: FlushPlan, state: InstanceState): void {
    for (const [key, relation] of state.relations ?? []) {
      if (!relation.changed) continue;
      if (relation instanceof Reference && relation.value && !this.#isInSession(relation.value)) continue;
      const before = relation.flushed((member) => this.#isInSession(member));
      if (before !== undefined) plan.relations.push({ state, key, before, isNew: !state.hasRow });
    }
  }

  #isInSession(instance: Instance): boolean {
    return peekState(instance)?.unit === this.#unit;
  }

  /** Nothing of the plan was sent: what it took from the objects is given back. */
  #giveBackAll(plan: FlushPlan): void {
    for (const state of plan.inserts) {
      state.inserting = false;
      state.original = undefined;
    }
    for (const step of plan.steps) {
      if (step.kind !== "update") continue;
      for (const state of step.states) {
        giveBack(state);
        if (state.status === "persistent") this.#unit.touch(state);
      }
    }
    for (const { state, key, before } of plan.relations) {
      state.relations?.get(key)?.unwritten(before);
      if (state.status === "persistent") this.#unit.touch(state);
    }
  }

  /** A plan that failed half way: what it took from the objects is undone. */
  #abandon(plan: FlushPlan): void {
    for (const step of plan.steps) {
      if (step.kind !== "update") continue;
      for (const state of step.states) if (state.status !== "pending") undoChanges(state);
    }
    // New objects become transient with all that they lead to, so that they can be added again.
    for (const { state, key, before, isNew } of plan.relations) if (!isNew) state.relations?.get(key)?.restore(before);
  }
}

/** Whether the delete of a row may concern rows that refer to it, or that it refers to. */
function leadsToOthers(mapper: Mapper): boolean {
  for (const { kind, cascade } of mapper.relationships.values())
    if (kind === "oneToMany" || kind === "oneToOne" || cascade.has("delete")) return true;
  return false;
}

/** What a flush works on. */
interface Work {
  inserts: InstanceState[];
  touched: InstanceState[];
  deletes: InstanceState[];
  links: Links;
  /** Nothing was left out. */
  everything: boolean;
}

function unitStates(unit: UnitOfWork): readonly InstanceState[] {
  return [...unit.new, ...unit.touched, ...unit.deleted];
}

function isMissing(state: InstanceState, links: Links): boolean {
  const { dataValues } = state.instance;
  for (const attribute of requiredAttributes(state.mapper)) {
    if ((dataValues[attribute.name] ?? null) !== null) continue;
    if (!links.of(state)?.some((link) => link.attribute === attribute)) return true;
  }
  return false;
}

/** New parents go with the objects that refer to them. */
function withParents(states: readonly InstanceState[]): Set<InstanceState> {
  const chosen = new Set(states);
  for (const state of chosen) {
    for (const relation of state.relations?.values() ?? []) {
      if (relation instanceof Members || !relation.value) continue;
      const parent = peekState(relation.value);
      if (parent !== undefined && "status" in parent && parent.status === "pending") chosen.add(parent);
    }
  }
  return chosen;
}

function giveBack(state: InstanceState): void {
  if (state.flushing === undefined) return;
  state.original = { ...state.original, ...state.flushing };
  state.flushing = undefined;
}
