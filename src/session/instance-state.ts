import type { ModelStatic, Model } from "sequelize";
import type { IdentityKey, Mapper } from "../mapper/mapper";
import type { InstanceFields } from "../mapper/row-class";
import type { Relation } from "./relations";
import type { UnitOfWork } from "./unit-of-work";

/** Where an object stands between memory and the database. */
export type InstanceStatus = "transient" | "pending" | "persistent" | "deleted" | "detached";

/** Attribute name to value. */
export type Values = Record<string, unknown>;

/** A model instance, seen from the session. */
export type Instance = InstanceFields & { readonly constructor: ModelStatic<Model> };

/**
 * The state that clean instances share: those of one model which one session loaded at one time.
 *
 * An instance gets an {@link InstanceState} of its own when it is first changed, so that loading many rows costs little.
 */
export class LoadedState {
  constructor(
    readonly unit: UnitOfWork,
    readonly mapper: Mapper,
    /** The session's epoch at the time of loading; an older one than the session's means that the values have expired. */
    readonly epoch: number,
    /** Every stored attribute was loaded. */
    readonly complete: boolean,
  ) {}
}

/** Flags of an {@link InstanceState}, in one number with its status, which is in the lowest bits. */
const STATUS = 7;
const INSERTING = 8;
const MARKED = 16;
const FORCED = 32;
const WAS_DELETED = 64;
const COMPLETE = 128;
const WATCHED = 256;

const STATUSES: readonly InstanceStatus[] = ["transient", "pending", "persistent", "deleted", "detached"];

/** What few instances have. */
class RareState {
  copies: Values | undefined = undefined;
  expired: Set<string> | undefined = undefined;
  raiseload: Set<string> | undefined = undefined;
}

/**
 * What a session knows of one instance: its status, its committed values, its relationships.
 *
 * There is one for each new or changed object, so it is kept small: its fields are declared, and set once, by the constructor;
 * what is true or false shares one number, and what few instances have is apart.
 */
export class InstanceState {
  declare readonly instance: Instance;
  declare readonly mapper: Mapper;
  /** The session's unit of work; undefined while the instance belongs to none. */
  declare unit: UnitOfWork | undefined;
  /** The key under which the row is known; undefined before the first INSERT. */
  declare key: IdentityKey | undefined;
  declare epoch: number;
  /** Values before the first change since the last flush, by attribute; an unknown one is undefined. */
  declare original: Values | undefined;
  /** The same for what a running flush has taken and not yet finished. */
  declare flushing: Values | undefined;
  /** The first of its relationships that something is known of; the others follow it. */
  declare relations: Relation | undefined;
  /**
   * Values before the flush filled them in (key, defaults, timestamps, foreign keys), for the way back to transient.
   *
   * Written by `noteBefore` alone: instances share what has no values in it.
   */
  declare before: Readonly<Values> | undefined;
  /** Places in the unit of work's sets, which alone write them; an object that is new is not deleted. */
  declare newOrDeletedPlace: number;
  declare touchedPlace: number;
  declare private flags: number;
  declare private rare: RareState | undefined;

  constructor(instance: Instance, mapper: Mapper, status: InstanceStatus) {
    this.instance = instance;
    this.mapper = mapper;
    this.unit = undefined;
    this.key = undefined;
    this.epoch = 0;
    this.original = undefined;
    this.flushing = undefined;
    this.relations = undefined;
    this.before = undefined;
    this.newOrDeletedPlace = -1;
    this.touchedPlace = -1;
    this.flags = COMPLETE | STATUSES.indexOf(status);
    this.rare = undefined;
  }

  get status(): InstanceStatus {
    return STATUSES[this.flags & STATUS] as InstanceStatus;
  }

  set status(status: InstanceStatus) {
    this.flags = (this.flags & ~STATUS) | STATUSES.indexOf(status);
  }

  /** A running flush has taken the values for its INSERT: what is changed from now on is a change. */
  get inserting(): boolean {
    return (this.flags & INSERTING) !== 0;
  }

  set inserting(on: boolean) {
    this.flags = on ? this.flags | INSERTING : this.flags & ~INSERTING;
  }

  /** Will be deleted by the next flush. */
  get marked(): boolean {
    return (this.flags & MARKED) !== 0;
  }

  set marked(on: boolean) {
    this.flags = on ? this.flags | MARKED : this.flags & ~MARKED;
  }

  /** A paranoid model's row is deleted for good. */
  get forced(): boolean {
    return (this.flags & FORCED) !== 0;
  }

  set forced(on: boolean) {
    this.flags = on ? this.flags | FORCED : this.flags & ~FORCED;
  }

  /** Its row was deleted, and that was committed or may still be undone. */
  get wasDeleted(): boolean {
    return (this.flags & WAS_DELETED) !== 0;
  }

  set wasDeleted(on: boolean) {
    this.flags = on ? this.flags | WAS_DELETED : this.flags & ~WAS_DELETED;
  }

  /** Every stored attribute was loaded. */
  get complete(): boolean {
    return (this.flags & COMPLETE) !== 0;
  }

  set complete(on: boolean) {
    this.flags = on ? this.flags | COMPLETE : this.flags & ~COMPLETE;
  }

  /** The copies will be compared at the next flush. */
  get watched(): boolean {
    return (this.flags & WATCHED) !== 0;
  }

  set watched(on: boolean) {
    this.flags = on ? this.flags | WATCHED : this.flags & ~WATCHED;
  }

  /** Copies of values that can change in place, made when they were first read. */
  get copies(): Values | undefined {
    return this.rare?.copies;
  }

  set copies(copies: Values | undefined) {
    if (this.rare !== undefined || copies !== undefined) (this.rare ??= new RareState()).copies = copies;
  }

  /** Attributes that were expired by name. */
  get expired(): Set<string> | undefined {
    return this.rare?.expired;
  }

  set expired(names: Set<string> | undefined) {
    if (this.rare !== undefined || names !== undefined) (this.rare ??= new RareState()).expired = names;
  }

  /** Relationships that may not be loaded implicitly on this instance, by an option of the query that loaded it. */
  get raiseload(): Set<string> | undefined {
    return this.rare?.raiseload;
  }

  set raiseload(keys: Set<string> | undefined) {
    if (this.rare !== undefined || keys !== undefined) (this.rare ??= new RareState()).raiseload = keys;
  }

  /** Whether the row is there as far as the session knows, so that changes are tracked. */
  get hasRow(): boolean {
    return this.status === "persistent" || this.status === "detached" || this.status === "deleted";
  }

  /** Whether the values may be stale: the next row that arrives overwrites what was not changed since. */
  get isExpired(): boolean {
    return this.unit !== undefined && this.epoch < this.unit.epoch;
  }
}

/** A state that some instances share until one of them is asked for its own. */
export abstract class PassingState {
  /** Gives the instance a state of its own, which says what the shared one said. */
  abstract own(instance: Instance): InstanceState;
}

type StateOfInstance = InstanceState | LoadedState | PassingState;

/** Its constructor gives back what it gets. As one of a derived class, which never calls `super`, it makes no object of its own. */
class Given extends null {
  constructor(instance: object) {
    return instance;
  }
}

/** Carries an instance's state as a private field: invisible to printing, comparing, copying and JSON. */
class Stamp extends Given {
  #state: StateOfInstance | undefined;
  #companions: object | undefined;

  constructor(instance: object, state: StateOfInstance) {
    super(instance);
    this.#state = state;
  }

  static get(instance: object): StateOfInstance | undefined {
    return #state in instance ? instance.#state : undefined;
  }

  static set(instance: object, state: StateOfInstance | undefined): void {
    if (#state in instance) instance.#state = state;
    else if (state !== undefined) new Stamp(instance, state);
  }

  static load(instance: object, state: LoadedState, companions: object): void {
    new Stamp(instance, state).#companions = companions;
  }

  static hold(instance: object, companions: object): void {
    if (#companions in instance) instance.#companions = companions;
  }
}

/** The state of an instance: its own, the one it shares since it was loaded, or none. */
export function peekState(instance: object): InstanceState | LoadedState | undefined {
  const state = Stamp.get(instance);
  return state instanceof PassingState ? state.own(instance as Instance) : state;
}

/** The same, but a state that is shared in passing stays so. */
export function rawState(instance: object): StateOfInstance | undefined {
  return Stamp.get(instance);
}

/** Gives an instance its state. */
export function setState(instance: object, state: StateOfInstance | undefined): void {
  Stamp.set(instance, state);
}

/** Gives a new instance the state that it shares, and others to hold: while it is in use, they are not collected. */
export function stampLoaded(instance: object, state: LoadedState, companions: object): void {
  Stamp.load(instance, state, companions);
}

/** Makes an instance that has a state hold others: while it is in use, they are not collected. */
export function holdTogether(instance: object, companions: object): void {
  Stamp.hold(instance, companions);
}
