import { CHUNK_KEYS } from "../driver/dialect";
import type { Bindable } from "../driver/dialect";
import type { IdentityKey, Mapper } from "../mapper/mapper";
import type { Relationship } from "../mapper/relationship";
import { hasHooks } from "./flush-hooks";
import type { Frame } from "./frame";
import type { Instance, InstanceState, LoadedState } from "./instance-state";
import { PassingState, rawState, setState } from "./instance-state";
import { unshare } from "./own-state";
import type { UnitOfWork } from "./unit-of-work";

/**
 * Loaded and unchanged objects of one model that are deleted together, and share one state meanwhile.
 *
 * An object that anything else asks for gets a state of its own and leaves: what is deleted in a loop needs none.
 */
export class DeletedTogether extends PassingState {
  /** What the objects shared before. */
  readonly loaded: LoadedState;
  #instances: Instance[] = [];
  /** The identity key of each of the instances. */
  #keys: IdentityKey[] = [];
  #isAscending = true;
  #left = 0;
  #phase: "marked" | "deleted" | "detached" = "marked";
  /** Where the objects were deleted: the frame that a rollback restores them from. */
  #frame: Frame | undefined;

  constructor(loaded: LoadedState) {
    super();
    this.loaded = loaded;
  }

  get mapper(): Mapper {
    return this.loaded.mapper;
  }

  get unit(): UnitOfWork {
    return this.loaded.unit;
  }

  /** How many objects share the state. */
  get size(): number {
    return this.#instances.length - this.#left;
  }

  /** Whether one more object goes into the statement that deletes these. */
  get hasRoom(): boolean {
    return this.#phase === "marked" && this.#instances.length < CHUNK_KEYS;
  }

  /** Whether the objects stand by ascending key. */
  get isAscending(): boolean {
    return this.#isAscending;
  }

  /** Marks one more object. @param instance  one that shares `loaded` */
  mark(instance: Instance): void {
    const key = this.mapper.identityOf(instance.dataValues) as IdentityKey;
    const last = this.#keys.at(-1);
    if (last !== undefined && key <= last) this.#isAscending = false;
    setState(instance, this);
    this.#instances.push(instance);
    this.#keys.push(key);
  }

  /** The objects that share the state now, in the order of their marking. */
  get members(): readonly Instance[] {
    this.#forgetLeft();
    return this.#instances;
  }

  /** The identity key of each of the members. */
  get keys(): readonly IdentityKey[] {
    this.#forgetLeft();
    return this.#keys;
  }

  #forgetLeft(): void {
    if (this.#left === 0) return;
    const shares = this.#instances.map((instance) => rawState(instance) === this);
    this.#instances = this.#instances.filter((_, i) => shares[i]);
    this.#keys = this.#keys.filter((_, i) => shares[i]);
    this.#left = 0;
  }

  override own(instance: Instance): InstanceState {
    const state = unshare(instance, this.loaded);
    setState(instance, state);
    this.#left++;
    if (this.#phase === "marked") {
      state.marked = true;
      this.unit.deleted.add(state);
      return state;
    }
    state.status = this.#phase;
    state.wasDeleted = true;
    if (this.#phase === "deleted") this.#frame?.deleted.push(state);
    else state.unit = undefined;
    return state;
  }

  /** Each object gets a state of its own. */
  ownAll(): InstanceState[] {
    return this.members.map((instance) => this.own(instance));
  }

  /** The objects will not be deleted. */
  unmark(): void {
    for (const instance of this.members) setState(instance, this.loaded);
    this.#instances = [];
    this.#keys = [];
  }

  /** The objects' rows are gone, which a rollback of the frame takes back. */
  becomeDeleted(frame: Frame): void {
    this.#phase = "deleted";
    this.moveTo(frame);
  }

  /** The savepoint in which the objects were deleted was released into another frame. */
  moveTo(frame: Frame): void {
    this.#frame = frame;
    frame.deletedTogether.push(this);
  }

  /** The transaction was committed, or the objects were taken out of the session. */
  detach(): void {
    this.#phase = "detached";
    this.#frame = undefined;
  }

  /** The objects have their rows again. */
  restore(): void {
    const { mapper, unit, keys } = this;
    this.members.forEach((instance, i) => unit.identity.set(mapper, keys[i] as IdentityKey, instance));
    this.unmark();
  }

  /** The values that tell the objects' rows. */
  keyRows(): Bindable[][] {
    const attributes = this.mapper.primaryKey;
    // A whole number is its own identity key.
    if (attributes.length === 1 && attributes[0]?.kind === "integer")
      return this.keys.map((key, i) => [typeof key === "number" ? key : this.#keyRow(i)[0]] as Bindable[]);
    return this.keys.map((_, i) => this.#keyRow(i));
  }

  #keyRow(i: number): Bindable[] {
    const { dataValues } = this.#instances[i] as Instance;
    return this.mapper.primaryKey.map((key) => key.toDatabase(dataValues[key.name] ?? null));
  }
}

/** Whether the delete of an object is a matter of its own row alone: of no hook, no version, no other object that follows. */
export function deletesAlone(mapper: Mapper): boolean {
  if (mapper.deletedAt !== undefined || mapper.version !== undefined) return false;
  if (hasHooks(mapper, "beforeDestroy", "afterDestroy")) return false;
  const standsAlone = ({ kind, cascade, target }: Relationship): boolean =>
    kind === "manyToOne" && !cascade.has("delete") && target !== mapper;
  return [...mapper.relationships.values()].every(standsAlone);
}

/** How many objects share the states of the groups. */
export function countOf(groups: readonly DeletedTogether[]): number {
  return groups.reduce((sum, { size }) => sum + size, 0);
}

/** Whether the objects of all groups stand by ascending key, in which two sessions lock rows in the same order. */
export function areInKeyOrder(groups: readonly DeletedTogether[]): boolean {
  let last: IdentityKey | undefined;
  for (const { isAscending, keys } of groups) {
    const [first] = keys;
    if (first === undefined) continue;
    if (!isAscending || (last !== undefined && first <= last)) return false;
    last = keys.at(-1);
  }
  return true;
}
