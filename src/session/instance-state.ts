import type { ModelStatic, Model } from "sequelize";
import type { IdentityKey, Mapper } from "../mapper/mapper";
import type { InstanceFields } from "../mapper/row-class";
import type { Members, Reference } from "./relation-values";
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

/** What a session knows of one instance: its status, its committed values, its relationships. */
export class InstanceState {
  readonly instance: Instance;
  readonly mapper: Mapper;
  status: InstanceStatus;
  /** The session's unit of work; undefined while the instance belongs to none. */
  unit: UnitOfWork | undefined;
  /** The key under which the row is known; undefined before the first INSERT. */
  key: IdentityKey | undefined;
  /** A running flush has taken the values for its INSERT: what is changed from now on is a change. */
  inserting = false;
  /** Will be deleted by the next flush. */
  marked = false;
  /** A paranoid model's row is deleted for good. */
  forced = false;
  /** Its row was deleted, and that was committed or may still be undone. */
  wasDeleted = false;
  epoch: number;
  complete: boolean;
  /** Values before the first change since the last flush, by attribute; an unknown one is undefined. */
  original: Values | undefined;
  /** The same for what a running flush has taken and not yet finished. */
  flushing: Values | undefined;
  /** Copies of values that can change in place, made when they were first read. */
  copies: Values | undefined;
  /** The copies will be compared at the next flush. */
  watched = false;
  /** Attributes that were expired by name. */
  expired: Set<string> | undefined;
  relations: Map<string, Reference | Members> | undefined;
  /** Values before the flush filled them in (key, defaults, timestamps, foreign keys), for the way back to transient. */
  before: Values | undefined;
  /** Relationships that may not be loaded implicitly on this instance, by an option of the query that loaded it. */
  raiseload: Set<string> | undefined;

  constructor(instance: Instance, mapper: Mapper, status: InstanceStatus) {
    this.instance = instance;
    this.mapper = mapper;
    this.status = status;
    this.unit = undefined;
    this.key = undefined;
    this.epoch = 0;
    this.complete = true;
    this.original = undefined;
    this.flushing = undefined;
    this.copies = undefined;
    this.expired = undefined;
    this.relations = undefined;
    this.before = undefined;
    this.raiseload = undefined;
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

type StampBase = new (instance: object) => object;

/** Carries an instance's state as a private field: invisible to printing, comparing, copying and JSON. */
class Stamp extends (function (instance: object) {
  return instance;
} as unknown as StampBase) {
  #state: InstanceState | LoadedState | undefined;

  constructor(instance: object, state: InstanceState | LoadedState) {
    super(instance);
    this.#state = state;
  }

  static get(instance: object): InstanceState | LoadedState | undefined {
    return #state in instance ? instance.#state : undefined;
  }

  static set(instance: object, state: InstanceState | LoadedState | undefined): void {
    if (#state in instance) instance.#state = state;
    else if (state !== undefined) new Stamp(instance, state);
  }
}

/** The state of an instance: its own, the one it shares, or none. */
export function peekState(instance: object): InstanceState | LoadedState | undefined {
  return Stamp.get(instance);
}

/** Gives an instance its state. */
export function setState(instance: object, state: InstanceState | LoadedState | undefined): void {
  Stamp.set(instance, state);
}
