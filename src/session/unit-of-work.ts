import type { Attribute } from "../mapper/attribute";
import { IMPOSSIBLE } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import { InvalidRequestError } from "../errors";
import { Frame, becomeTransient, restoreValues } from "./frame";
import { IdentityMap } from "./identity-map";
import type { Instance, InstanceState } from "./instance-state";
import { LoadedState, peekState, rawState } from "./instance-state";
import { describeInstance } from "./label";
import { ownState } from "./own-state";
import { Members } from "./relation-values";
import { RolledBackMembers } from "./rolled-back-members";
import type { Session } from "./session";
import { DeletedStates, NewStates, TouchedStates } from "./state-set";

/**
 * The objects of a session: which are known by key, new, changed and to be deleted, and what a rollback restores.
 *
 * Everything here is synchronous and sends nothing.
 */
export class UnitOfWork {
  readonly identity = new IdentityMap();
  /** Pending objects in the order of their adding. */
  readonly new = new NewStates();
  /** Persistent objects that were touched since the last flush; not all of them have net changes. */
  readonly touched = new TouchedStates();
  /** Persistent objects that the next flush deletes. */
  readonly deleted = new DeletedStates();
  /** Objects of which a value that can change in place was read. */
  readonly watched = new Set<InstanceState>();
  /** Raised by every expiring of everything: states of an older epoch have expired. */
  epoch = 1;
  /** The transaction's frame, then one for each open savepoint. */
  frames: Frame[] = [new Frame(undefined)];
  readonly #loaded = new Map<Mapper, [LoadedState | undefined, LoadedState | undefined]>();

  constructor(readonly session: Session) {}

  /** The innermost frame. */
  get frame(): Frame {
    return this.frames[this.frames.length - 1] as Frame;
  }

  /** The state that instances loaded now share. */
  loadedState(mapper: Mapper, complete: boolean): LoadedState {
    let states = this.#loaded.get(mapper);
    if (states === undefined) this.#loaded.set(mapper, (states = [undefined, undefined]));
    const index = complete ? 0 : 1;
    let state = states[index];
    if (state?.epoch !== this.epoch) states[index] = state = new LoadedState(this, mapper, this.epoch, complete);
    return state;
  }

  /** The instance of the session whose attribute has that value, where the attribute is its whole key. */
  findByAttribute(mapper: Mapper, attribute: Attribute, value: unknown): Instance | undefined {
    if (mapper.primaryKey.length !== 1 || mapper.primaryKey[0] !== attribute) return undefined;
    const key = attribute.canonicalKey(value);
    return key === IMPOSSIBLE ? undefined : this.identity.get(mapper, key as string | number);
  }

  /** Whether the instance belongs to this session and is not deleted. */
  has(instance: Instance): boolean {
    const state = peekState(instance);
    if (state === undefined || state.unit !== this) return false;
    return state instanceof LoadedState || state.status === "pending" || state.status === "persistent";
  }

  /** The instance was changed or asked for a change. */
  touch(state: InstanceState): void {
    this.touched.add(state);
  }

  // Adding

  /** Adds an object and everything reachable from it along save-update relationships. */
  add(instance: Instance, mapper: Mapper): void {
    const state = ownState(instance, mapper);
    this.#addOne(state);
    this.#cascade(state);
  }

  /** Adds an object that a relationship of an object of this session leads to; deleted ones stay out. */
  cascadeAdd(instance: Instance): void {
    const shared = peekState(instance);
    if (shared?.unit === this) {
      if (shared instanceof LoadedState || shared.status !== "persistent" || !shared.marked) return;
    }
    const state = ownState(instance, this.#mapperOf(instance));
    if (state.wasDeleted || state.status === "deleted") return;
    this.#addOne(state);
    this.#cascade(state);
  }

  #cascade(start: InstanceState): void {
    if (!this.#leadsOut(start)) return;
    const queue = [start];
    const seen = new Set(queue);
    for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
      for (const instance of related(state, "save-update")) {
        const shared = peekState(instance);
        // What is in the session was followed when it came in.
        if (shared?.unit === this && (shared instanceof LoadedState || !shared.marked)) continue;
        const next = ownState(instance, this.#mapperOf(instance));
        if (seen.has(next) || next.wasDeleted || next.status === "deleted") continue;
        seen.add(next);
        this.#addOne(next);
        queue.push(next);
      }
    }
  }

  /** Whether a relationship leads to an object that the session does not have. */
  #leadsOut({ relations }: InstanceState): boolean {
    for (let relation = relations; relation !== undefined; relation = relation.next) {
      if (relation instanceof Members) return true;
      if (!relation.value) continue;
      const shared = peekState(relation.value);
      if (shared?.unit !== this || (!(shared instanceof LoadedState) && shared.marked)) return true;
    }
    return false;
  }

  #mapperOf(instance: Instance): Mapper {
    return this.session.mapperOf(instance);
  }

  #addOne(state: InstanceState): void {
    const { instance, mapper } = state;
    if (mapper.primaryKey.length === 0) {
      throw new InvalidRequestError(
        `Cannot add ${describeInstance(instance, mapper)}: "${mapper.tableName}" has no primary key, so its rows can be read, not saved as objects.`,
        {
          hint: `db.session.bulkInsertMappings(${mapper.name}, [{ … }]), ${mapper.name}.query.filter(…).update({ … }) or .delete()`,
        },
      );
    }
    if (state.wasDeleted || state.status === "deleted") {
      throw new InvalidRequestError(
        `Instance '${describeInstance(instance, mapper)}' has been deleted.  ` +
          "Use the make_transient() function to send this object back to the transient state.",
        { hint: "makeTransient(object), then db.session.add(object)" },
      );
    }
    if (state.unit === this) {
      if (state.marked) {
        state.marked = false;
        this.deleted.delete(state);
      }
      return;
    }
    if (state.unit !== undefined) {
      throw new InvalidRequestError(
        `Object ${describeInstance(instance, mapper)} is already attached to session ${state.unit.session.id} ` +
          `(this is ${this.session.id}).`,
        { hint: "expunge it from the other session first" },
      );
    }
    if (state.status === "transient") this.#becomePending(state);
    else this.#reattach(state);
  }

  #becomePending(state: InstanceState): void {
    state.unit = this;
    state.status = "pending";
    this.new.add(state);
    const existing = this.#sameRow(state);
    if (existing !== undefined) {
      this.session.warn(
        `New instance ${describeInstance(state.instance, state.mapper)} with identity key ` +
          `${state.mapper.name}#${String(state.mapper.identityOf(state.instance.dataValues))} conflicts with persistent instance ` +
          `${describeInstance(existing, state.mapper)}`,
      );
    }
  }

  #sameRow(state: InstanceState): Instance | undefined {
    const key = state.mapper.identityOf(state.instance.dataValues);
    if (key === undefined) return undefined;
    const existing = this.identity.get(state.mapper, key);
    const other = existing && peekState(existing);
    return other !== undefined && "marked" in other && other.marked ? undefined : existing;
  }

  #reattach(state: InstanceState): void {
    const { instance, mapper, key } = state;
    if (key === undefined) {
      throw new InvalidRequestError(
        `Cannot add ${describeInstance(instance, mapper)}: it has a row, and its primary key was not loaded.`,
      );
    }
    const existing = this.identity.get(mapper, key);
    if (existing !== undefined && existing !== instance) {
      throw new InvalidRequestError(
        `Can't attach instance ${describeInstance(instance, mapper)}; another instance with key ${mapper.name}#${key} is already ` +
          "present in this session.",
        { hint: "await db.session.merge(object) copies its values onto the instance of the session" },
      );
    }
    state.unit = this;
    state.status = "persistent";
    state.epoch = this.epoch;
    this.identity.set(mapper, key, instance);
    if (state.original !== undefined || hasChangedRelation(state)) this.touched.add(state);
    if (state.copies !== undefined) {
      state.watched = true;
      this.watched.add(state);
    }
  }

  // Deleting and leaving

  /**
   * Marks a persistent object, and loaded ones that follow it along delete cascades, for deletion.
   *
   * @param force  a paranoid model's row is deleted for good
   */
  delete(instance: Instance, mapper: Mapper, force: boolean): void {
    const shared = rawState(instance);
    if (shared instanceof LoadedState && shared.unit === this && this.deleted.share(instance, shared)) return;
    const state = ownState(instance, mapper);
    this.#delete(state);
    if (force) state.forced = true;
  }

  #delete(state: InstanceState): void {
    const { instance, mapper, status } = state;
    if (status === "persistent" && state.unit === this) {
      this.mark(state);
      return;
    }
    if (status === "deleted" && state.unit === this) return;
    if (state.wasDeleted) {
      throw new InvalidRequestError(
        `Instance '${describeInstance(instance, mapper)}' has been deleted and its deletion is committed.`,
      );
    }
    if (status === "transient" || status === "pending") {
      throw new InvalidRequestError(`Instance '${describeInstance(instance, mapper)}' is not persisted`, {
        hint: status === "pending" ? "db.session.expunge(object) takes it out of the session" : undefined,
      });
    }
    if (state.unit !== this) this.#addOne(state);
    this.mark(state);
  }

  /** Marks for deletion and follows delete cascades over what is loaded. */
  mark(start: InstanceState): void {
    if (!this.#markOne(start) || start.relations === undefined) return;
    const queue = [start];
    for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
      for (const instance of related(state, "delete")) {
        const next = ownState(instance, this.#mapperOf(instance));
        if (next.unit === this && this.#markOne(next)) queue.push(next);
      }
    }
  }

  /** @returns whether it was not marked before */
  #markOne(state: InstanceState): boolean {
    if (state.marked || state.status !== "persistent") return false;
    state.marked = true;
    this.deleted.add(state);
    return true;
  }

  /** Takes an object out of the session, and what follows it along expunge cascades. */
  expunge(instance: Instance, mapper: Mapper): void {
    const shared = peekState(instance);
    if (shared?.unit !== this || (!(shared instanceof LoadedState) && shared.status === "deleted")) {
      throw new InvalidRequestError(`Instance ${describeInstance(instance, mapper)} is not present in this Session`);
    }
    const queue = [ownState(instance, mapper)];
    for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
      if (state.unit !== this) continue;
      const followers = [...related(state, "expunge")];
      this.leave(state);
      for (const follower of followers) queue.push(ownState(follower, this.#mapperOf(follower)));
    }
  }

  /** Takes one object out: pending becomes transient, persistent becomes detached. */
  leave(state: InstanceState): void {
    const inserted = state.status === "pending";
    this.new.delete(state);
    this.touched.delete(state);
    this.deleted.delete(state);
    this.watched.delete(state);
    state.watched = false;
    state.marked = false;
    if (state.key !== undefined && !inserted) this.identity.delete(state.mapper, state.key, state.instance);
    state.status = inserted ? "transient" : "detached";
    state.unit = undefined;
  }

  /** Takes every object out. */
  clear(): void {
    for (const state of this.new) this.leave(state);
    const instances = [...this.identity];
    this.identity.clear();
    for (const instance of instances) this.leave(ownState(instance, this.#mapperOf(instance)));
    this.touched.clear();
    this.deleted.clear();
    this.watched.clear();
    for (const frame of this.frames) {
      for (const state of frame.deleted) if (state.unit === this) detach(state);
      for (const group of frame.deletedTogether) group.detach();
    }
    this.#loaded.clear();
  }

  // Expiring

  /** Every persistent object's values may be overwritten by the next row. */
  expireAll(): void {
    this.epoch++;
  }

  // Comparing

  /** Finds values that were changed in place since they were read, and touches their objects. */
  compareWatched(): void {
    for (const state of this.watched) {
      if (state.copies === undefined || state.status !== "persistent") continue;
      for (const name in state.copies) {
        const attribute = state.mapper.find(name);
        if (attribute === undefined || attribute.equals(state.copies[name], state.instance.dataValues[name])) continue;
        state.original ??= {};
        if (!(name in state.original)) state.original[name] = state.copies[name];
        delete state.copies[name];
        this.touch(state);
      }
    }
  }

  // The end of a transaction and of a savepoint

  /** The transaction is committed: what was deleted is detached, and a new transaction's frame begins. */
  committed(): void {
    for (const frame of this.frames) {
      for (let i = 0; i < frame.inserted.length; i++) (frame.inserted[i] as InstanceState).before = undefined;
      for (const state of frame.deleted) if (state.status === "deleted") detach(state);
      for (const group of frame.deletedTogether) group.detach();
    }
    this.frames = [new Frame(undefined)];
    for (const state of this.watched) state.watched = false;
    this.watched.clear();
  }

  /**
   * Undoes what no flush has written: objects return to their committed values, new ones become transient.
   *
   * @param leaving  objects that keep their values, because their rows go
   */
  undoUnflushed(leaving: ReadonlySet<InstanceState> = NOBODY): void {
    this.compareWatched();
    // A flush that failed has taken what was deleted from the touched ones.
    for (const states of [this.touched, this.deleted.ownArray()])
      for (const state of states) if (!leaving.has(state)) undoChanges(state);
    this.touched.clear();
    this.deleted.unmarkAll();
    for (const state of this.new) becomeTransient(state);
    this.new.clear();
  }

  /** Returns the objects to what they were when the transaction began, or the savepoint at `depth` in the frames. */
  rolledBack(depth = 0): void {
    const leaving = new Set<InstanceState>();
    for (const { inserted } of this.frames.slice(depth)) for (const state of inserted) leaving.add(state);
    this.undoUnflushed(leaving);
    const members = new RolledBackMembers(this, this.frames.slice(depth), leaving);
    for (let i = this.frames.length - 1; i >= depth; i--) (this.frames[i] as Frame).restore(leaving);
    members.settle();
    this.frames = depth === 0 ? [new Frame(undefined)] : this.frames.slice(0, depth);
  }
}

const NOBODY: ReadonlySet<InstanceState> = new Set();

/** Takes back the changes of one object since the last flush. */
export function undoChanges(state: InstanceState): void {
  if (state.original !== undefined) restoreValues(state, state.original);
  if (state.flushing !== undefined) restoreValues(state, state.flushing);
  state.original = undefined;
  state.flushing = undefined;
  for (let relation = state.relations; relation !== undefined; relation = relation.next) relation.undo();
}

function hasChangedRelation({ relations }: InstanceState): boolean {
  for (let relation = relations; relation !== undefined; relation = relation.next) if (relation.changed) return true;
  return false;
}

function detach(state: InstanceState): void {
  state.status = "detached";
  state.wasDeleted = true;
  state.unit = undefined;
}

/** The objects that a cascade leads to from one object, as far as they are loaded. */
export function* related(
  state: InstanceState,
  cascade: "save-update" | "delete" | "expunge" | "merge",
): Iterable<Instance> {
  for (let relation = state.relations; relation !== undefined; relation = relation.next) {
    if (!relation.relationship.cascade.has(cascade)) continue;
    if (relation instanceof Members) {
      yield* relation.items ?? relation.added;
    } else if (relation.value) {
      yield relation.value;
    }
  }
}
