import type { Connection } from "../driver/connection";
import { CircularDependencyError } from "../errors";
import type { Attribute } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import { changedAttributes } from "./attribute-access";
import { Cascades } from "./cascades";
import { areInKeyOrder, countOf, deletesAlone } from "./deleted-together";
import type { DeletedTogether } from "./deleted-together";
import { emplace } from "./emplace";
import { Flush } from "./flush";
import { hasValidators, requiredAttributes, validate } from "./flush-hooks";
import { planFlush } from "./flush-plan";
import type { FlushPlan } from "./flush-steps";
import { restoreValues } from "./frame";
import { completeNew } from "./insert-values";
import type { Instance, InstanceState } from "./instance-state";
import { peekState } from "./instance-state";
import { Links } from "./links";
import type { Loader } from "./loader";
import { Members, Reference } from "./relation-values";
import type { RelationBefore } from "./relation-values";
import type { StateSet } from "./state-set";
import type { TransactionControl } from "./transaction";
import { undoChanges } from "./unit-of-work";
import type { UnitOfWork } from "./unit-of-work";
import { giveBackOriginal } from "./update-steps";
import { relationOf } from "./relations";
import type { Relation } from "./relations";

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
  readonly #cascades: Cascades;
  readonly #transaction: TransactionControl;
  #running = false;

  constructor(connection: Connection, unit: UnitOfWork, loader: Loader, transaction: TransactionControl) {
    this.#connection = connection;
    this.#unit = unit;
    this.#cascades = new Cascades(unit, loader);
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
   * Flushes everything, or only the given objects with the new ones that they need, and with what follows a delete.
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
      this.#unit.deleted.separateUnless(({ mapper }) => deletesAlone(mapper));
      const chosen = only && withNew(only);
      const waiting = this.#cascades.prepare(chosen);
      if (waiting !== undefined) await waiting;
      const work = this.#collect(chosen);
      const invalid = this.#validateAll(work);
      if (invalid !== undefined) await invalid;
      try {
        plan = this.#plan(work);
      } catch (error) {
        // Rows that cannot be ordered are an error of the flush; a value that cannot be sent is one of the value.
        if (error instanceof CircularDependencyError) await this.#transaction.fail(error);
        throw error;
      }
      if (plan !== undefined) await this.#execute(plan);
      for (const state of work.unfinished) if (state.status === "persistent") this.#unit.touch(state);
      if (plan === undefined) return none;
      return {
        inserts: plan.inserts.length - plan.replaced.size,
        updates: plan.updates.length + plan.replaced.size,
        deletes: plan.deletes.length + countOf(plan.together),
      };
    } finally {
      this.#running = false;
    }
  }

  /** Sends what a flush would send, to a connection that only notes it down; every object stays as it is. */
  async rehearse(only?: readonly InstanceState[]): Promise<void> {
    if (!this.hasWork) return;
    const plan = this.#plan(this.#collect(only && withNew(only)));
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

  /** Foreign keys are copied, and what is to be written is known. */
  #collect(chosen: ReadonlySet<InstanceState> | undefined): Work {
    const unit = this.#unit;
    unit.compareWatched();
    const choose = (set: StateSet): InstanceState[] => {
      const states = set.toArray();
      return chosen === undefined ? states : states.filter((state) => chosen.has(state));
    };
    const links = new Links(unit, chosen === undefined);
    const rules = new RulesOfModels();
    const inserts = choose(unit.new);
    const together = chosen === undefined ? this.#together(inserts) : [];
    const deletes = chosen === undefined ? unit.deleted.ownArray() : choose(unit.deleted);
    const newRelations: Relation[] = [];
    const related: InstanceState[] = [];
    const suspects: InstanceState[] = [];
    for (let i = 0; i < inserts.length; i++) {
      const state = inserts[i] as InstanceState;
      if (state.relations !== undefined && links.refer(state, newRelations)) related.push(state);
      const { validated, required } = rules.of(state.mapper);
      if (validated || holdsNull(state, required)) suspects.push(state);
    }
    const inserted = related.length;
    const changed = choose(unit.touched);
    for (let i = 0; i < changed.length; i++) {
      const state = changed[i] as InstanceState;
      if (state.relations !== undefined && !state.marked) related.push(state);
    }
    // Deleted owners let go of what they had by their own changes.
    for (const state of deletes) if (state.relations !== undefined) related.push(state);
    links.collect(related);
    const halves = chosen === undefined ? [] : halvesLeft(related, chosen);
    const unfinished = chosen === undefined ? [] : related.filter((state) => leadsToLeftOut(state, chosen));
    const isWritten = chosen === undefined ? this.#isMember : this.#isChosenMember(chosen);
    for (let i = 0; i < inserted; i++)
      this.#takeRelations(related[i] as InstanceState, links, isWritten, (taken) => newRelations.push(taken));
    links.dissociateAll(deletes);
    const touched = unit.touched
      .toArray()
      .filter(
        (state) =>
          state.status === "persistent" &&
          !state.marked &&
          (chosen === undefined || chosen.has(state) || links.wrote(state)),
      );
    return {
      inserts,
      touched,
      deletes,
      together,
      links,
      rules,
      suspects,
      newRelations,
      halves,
      unfinished,
      isWritten,
      chosen,
    };
  }

  /** The deleted objects that go on sharing their states: several of a model, in order, of which nothing else comes and goes. */
  #together(inserts: readonly InstanceState[]): readonly DeletedTogether[] {
    const { deleted } = this.#unit;
    if (deleted.together.length === 0) return [];
    const busy = new Set<Mapper>();
    for (const states of [inserts, deleted.ownArray()]) for (const { mapper } of states) busy.add(mapper);
    for (const mapper of new Set(deleted.together.map((group) => group.mapper))) {
      const groups = deleted.together.filter((group) => group.mapper === mapper);
      const isOne = countOf(groups) === 1;
      if (isOne || busy.has(mapper) || !deletesAlone(mapper) || !areInKeyOrder(groups)) deleted.separate(groups);
    }
    return deleted.together;
  }

  // Validation

  /** Asks the models' validators; undefined where no model has any and nothing that is required is missing. */
  #validateAll({ suspects, touched, links, rules, newRelations }: Work): Promise<void> | undefined {
    const waiting: (() => Promise<void>)[] = [];
    const now = new Date();
    for (const state of suspects) {
      const { validated, required } = rules.of(state.mapper);
      if (!validated && !isMissing(state, required, links)) continue;
      completeNew(state, now);
      if (!validated && !isMissing(state, required, links)) continue;
      const skip = (links.of(state) ?? []).map(({ attribute }) => attribute.name);
      waiting.push(() => validate(state.instance, skip, this.#connection.handle));
    }
    for (let i = 0; i < touched.length; i++) {
      const state = touched[i] as InstanceState;
      const rule = rules.of(state.mapper);
      if (!rule.validated && !holdsNull(state, rule.neverNull)) continue;
      const skip = this.#unvalidated(state, links, rule);
      if (skip !== undefined) waiting.push(() => validate(state.instance, skip, this.#connection.handle));
    }
    if (waiting.length === 0) return undefined;
    return (async () => {
      try {
        for (const run of waiting) await run();
      } catch (error) {
        for (const relation of newRelations) relation.writeAgain();
        throw error;
      }
    })();
  }

  /** The attributes of a changed object that are not validated; undefined where nothing of it is. */
  #unvalidated(state: InstanceState, links: Links, { validated, neverNull }: Rules): string[] | undefined {
    const { mapper, instance } = state;
    const changed = changedAttributes(state);
    if (changed.length === 0) return undefined;
    const written = links.writtenTo(state);
    const nulled = changed.some(
      (attribute) =>
        neverNull.includes(attribute) &&
        (instance.dataValues[attribute.name] ?? null) === null &&
        !written.has(attribute),
    );
    if (!nulled && !validated) return undefined;
    const isChanged = new Set(changed);
    return mapper.attributes
      .filter((attribute) => !isChanged.has(attribute) || written.has(attribute))
      .map(({ name }) => name);
  }

  // Planning

  #plan(work: Work): FlushPlan | undefined {
    const { inserts, touched, deletes, together, links, newRelations, isWritten, chosen } = work;
    const now = new Date();
    let plan: FlushPlan;
    try {
      plan = planFlush({ inserts, updates: touched, deletes, together, links, now });
    } catch (error) {
      for (const state of inserts) state.inserting = false;
      for (const relation of newRelations) relation.writeAgain();
      for (const state of touched) giveBackOriginal(state);
      throw error;
    }
    plan.newRelations = newRelations;
    const own = chosen === undefined ? touched : touched.filter((state) => chosen.has(state));
    for (const states of [own, deletes]) {
      for (let i = 0; i < states.length; i++) {
        const state = states[i] as InstanceState;
        if (state.relations === undefined) continue;
        this.#takeRelations(state, links, isWritten, (relation, before) => {
          if (before !== undefined) plan.relations.push({ state, key: relation.relationship.key, before });
        });
      }
    }
    for (const { state, key, member } of work.halves) {
      const relation = relationOf(state, key);
      const before = relation instanceof Members ? relation.flushedOne(member) : undefined;
      if (before !== undefined) plan.relations.push({ state, key, before });
    }
    if (chosen === undefined) this.#unit.touched.clear();
    else for (const states of [own, deletes]) for (const state of states) this.#unit.touched.delete(state);
    const isEmpty = plan.steps.length === 0;
    if (isEmpty) {
      for (const state of touched) state.flushing = undefined;
      // Flushes of some objects have written what these tell of; a rollback takes it back.
      for (const { state, key, before } of plan.relations) this.#unit.frame.noteRelation(state, key, before);
    }
    return isEmpty ? undefined : plan;
  }

  /** The changes of an object's relationships are being written. */
  #takeRelations(
    state: InstanceState,
    links: Links,
    isWritten: (member: Instance) => boolean,
    take: (relation: Relation, before: RelationBefore | undefined) => void,
  ): void {
    for (let relation = state.relations; relation !== undefined; relation = relation.next) {
      if (!(relation instanceof Members ? relation.isNoted : relation.changed)) continue;
      if (relation instanceof Reference && relation.value && !this.#isInSession(relation.value)) continue;
      const isKnown = relation instanceof Members && links.isConfirmed(relation);
      take(relation, relation.flushed(isKnown ? undefined : isWritten));
    }
  }

  #isInSession(instance: Instance): boolean {
    return peekState(instance)?.unit === this.#unit;
  }

  readonly #isMember = (instance: Instance): boolean => this.#isInSession(instance);

  /** A new object that is left out of the flush writes its foreign key itself, later. */
  #isChosenMember(chosen: ReadonlySet<InstanceState>): (instance: Instance) => boolean {
    return (instance) => this.#isInSession(instance) && !isLeftOut(instance, chosen);
  }

  /** Nothing of the plan was sent: what it took from the objects is given back. */
  #giveBackAll(plan: FlushPlan): void {
    for (const state of plan.inserts) {
      state.inserting = false;
      state.original = undefined;
    }
    for (const relation of plan.newRelations) relation.writeAgain();
    for (const step of plan.steps) {
      if (step.kind !== "update") continue;
      for (const state of step.states) {
        giveBackOriginal(state);
        if (state.status === "persistent") this.#unit.touch(state);
      }
    }
    for (const { state, key, before } of plan.relations.toReversed()) {
      relationOf(state, key)?.unwritten(before);
      if (state.status === "persistent") this.#unit.touch(state);
    }
  }

  /** A plan that failed half way: what it took from the objects is undone. */
  #abandon(plan: FlushPlan): void {
    // What was inserted since the transaction or the savepoint began becomes transient with the values that it has.
    const leaving = new Set(this.#unit.frame.inserted);
    for (const step of plan.steps) {
      if (step.kind !== "update") continue;
      for (const state of step.states) if (state.status !== "pending" && !leaving.has(state)) undoChanges(state);
    }
    // New objects become transient with all that they lead to, so that they can be added again.
    for (const { state, key, before } of plan.relations)
      if (!leaving.has(state)) relationOf(state, key)?.restore(before);
  }
}

/** What a flush works on. */
interface Work {
  inserts: InstanceState[];
  /** New objects that validators have to be asked about. */
  suspects: InstanceState[];
  /** Changed relationships of the new objects: they count as written. */
  newRelations: Relation[];
  /** What objects that are left out note of many-to-many links that are written. */
  halves: Half[];
  /** Objects with new members that are left out: they have to be looked at again. */
  unfinished: readonly InstanceState[];
  /** Whether an object that was added to a collection is written, or was. */
  isWritten: (member: Instance) => boolean;
  rules: RulesOfModels;
  touched: InstanceState[];
  deletes: InstanceState[];
  /** Deleted objects that share their states. */
  together: readonly DeletedTogether[];
  links: Links;
  /** The objects that are flushed; undefined: nothing is left out. Their changes may reach foreign keys of others. */
  chosen: ReadonlySet<InstanceState> | undefined;
}

/** What the models of a flush ask of their objects; asked of each model once. */
class RulesOfModels {
  readonly #known = new Map<Mapper, Rules>();
  #mapper: Mapper | undefined;
  #rules: Rules = { validated: false, required: [], neverNull: [] };

  of(mapper: Mapper): Rules {
    return mapper === this.#mapper ? this.#rules : this.#ask(mapper);
  }

  #ask(mapper: Mapper): Rules {
    this.#mapper = mapper;
    return (this.#rules = emplace(this.#known, mapper, () => ({
      validated: hasValidators(mapper),
      required: requiredAttributes(mapper),
      neverNull: mapper.attributes.filter(({ nullable, primaryKey }) => !nullable && !primaryKey),
    })));
  }
}

interface Rules {
  /** Sequelize's own validation has to be asked. */
  readonly validated: boolean;
  /** What an INSERT must have a value for. */
  readonly required: readonly Attribute[];
  /** What an UPDATE may not set to NULL. */
  readonly neverNull: readonly Attribute[];
}

function isMissing(state: InstanceState, required: readonly Attribute[], links: Links): boolean {
  const { dataValues } = state.instance;
  for (const attribute of required) {
    if ((dataValues[attribute.name] ?? null) !== null) continue;
    if (!links.of(state)?.some((link) => link.attribute === attribute)) return true;
  }
  return false;
}

function holdsNull({ instance }: InstanceState, attributes: readonly Attribute[]): boolean {
  for (let i = 0; i < attributes.length; i++)
    if ((instance.dataValues[(attributes[i] as Attribute).name] ?? null) === null) return true;
  return false;
}

/** New objects whose keys are needed go with those that refer to them: parents, and the other ends of many-to-many links. */
function withNew(states: readonly InstanceState[]): Set<InstanceState> {
  const chosen = new Set(states);
  for (const state of chosen) {
    for (let relation = state.relations; relation !== undefined; relation = relation.next) {
      const needed = relation instanceof Members ? linkedBy(relation) : [relation.value];
      for (const instance of needed) {
        const other = instance ? peekState(instance) : undefined;
        if (other !== undefined && "status" in other && other.status === "pending") chosen.add(other);
      }
    }
  }
  return chosen;
}

function linkedBy(members: Members): Iterable<Instance> {
  return members.relationship.kind === "manyToMany" ? members.added : [];
}

/** Whether an object is new and no part of a flush of some objects. */
function isLeftOut(instance: Instance, chosen: ReadonlySet<InstanceState>): boolean {
  const state = peekState(instance);
  return state !== undefined && "status" in state && state.status === "pending" && !chosen.has(state);
}

function leadsToLeftOut(state: InstanceState, chosen: ReadonlySet<InstanceState>): boolean {
  for (let relation = state.relations; relation !== undefined; relation = relation.next)
    if (relation instanceof Members) for (const member of relation.added) if (isLeftOut(member, chosen)) return true;
  return false;
}

/** The other side of a many-to-many link: an object that is left out of the flush which writes the link. */
interface Half {
  state: InstanceState;
  /** Its relationship. */
  key: string;
  /** The object at this end. */
  member: Instance;
}

function halvesLeft(states: readonly InstanceState[], chosen: ReadonlySet<InstanceState>): Half[] {
  const halves: Half[] = [];
  for (const { instance, relations } of states) {
    for (let relation = relations; relation !== undefined; relation = relation.next) {
      const { kind, backref } = relation.relationship;
      if (kind !== "manyToMany" || backref === undefined || !(relation instanceof Members)) continue;
      for (const other of [...relation.added, ...relation.removed]) {
        const state = peekState(other);
        if (state !== undefined && "status" in state && !chosen.has(state))
          halves.push({ state, key: backref.key, member: instance });
      }
    }
  }
  return halves;
}
