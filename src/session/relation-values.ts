import type { Relationship } from "../mapper/relationship";
import type { Instance } from "./instance-state";

/** What a reference or a collection was before it was changed; kept for a rollback. */
export type RelationBefore =
  | { readonly value: Instance | null | undefined }
  | {
      readonly items: readonly Instance[] | undefined;
      readonly added: Iterable<Instance>;
      readonly removed: Iterable<Instance>;
    };

const FROM_NULL: RelationBefore = Object.freeze({ value: null });

/** Foreign keys of references whose rows were looked for and not found; few references have one. */
const absent = new WeakMap<Reference, unknown>();

/** What is known of a to-one relationship of one instance. */
export class Reference {
  /** What is known of the instance's next relationship. */
  next: Reference | Members | undefined = undefined;
  /** undefined: not loaded. */
  value: Instance | null | undefined = undefined;
  /** It was assigned since the last flush. */
  changed = false;
  /** The value before it was assigned; undefined where it was not known. */
  before: Instance | null | undefined = undefined;
  epoch = 0;

  constructor(readonly relationship: Relationship) {}

  /** Assigns; the first value before a flush is remembered. */
  assign(value: Instance | null, old: Instance | null | undefined): void {
    if (!this.changed) {
      this.changed = true;
      this.before = old;
    }
    this.value = value;
  }

  /** Whether a flush would write something. */
  get isChanged(): boolean {
    return this.changed && this.value !== this.before;
  }

  /**
   * Takes what was loaded, unless it was assigned meanwhile.
   *
   * @param foreignKey  the key for which no row was found, or none is shown
   */
  load(value: Instance | null, epoch: number, foreignKey?: unknown): void {
    this.epoch = epoch;
    if (this.changed) return;
    this.value = value;
    if (value === null && foreignKey !== null && foreignKey !== undefined) absent.set(this, foreignKey);
  }

  /** The foreign key for which null was loaded: its row is not there, or hidden. */
  get absentKey(): unknown {
    return this.value === null && !this.changed ? absent.get(this) : undefined;
  }

  /** Forgets the assignment. */
  undo(): void {
    if (!this.changed) return;
    this.value = this.before;
    this.changed = false;
    this.before = undefined;
  }

  /** The assignment is being written: the value is what the database will have. @returns what it was before */
  flushed(): RelationBefore {
    // Most references come from nowhere, and one account of that does for all.
    const before = this.before === null ? FROM_NULL : { value: this.before };
    this.changed = false;
    this.before = undefined;
    return before;
  }

  /** Nothing was written after all. */
  unwritten(before: RelationBefore): void {
    if (this.changed || !("value" in before)) return;
    this.changed = true;
    this.before = before.value;
  }

  /** The owner has no row: what it refers to has to be written with it. */
  writeAgain(): void {
    if (this.value !== undefined) this.assign(this.value, undefined);
  }

  restore(before: RelationBefore): void {
    if ("value" in before) this.value = before.value;
    this.changed = false;
    this.before = undefined;
  }
}

/** Stands for no members; is never written to. */
const NOBODY: ReadonlySet<Instance> = new Set();

/** What is known of a to-many relationship of one instance: an ordered set, and what was added and removed since the last flush. */
export class Members {
  /** What is known of the instance's next relationship. */
  next: Reference | Members | undefined = undefined;
  #items: Set<Instance> | undefined;
  /** Members as they were loaded, each once, of which no set was needed yet. */
  #loaded: readonly Instance[] | undefined;
  #added: Set<Instance> | undefined;
  /** Added one after the other while nothing else was known of the members: of these no set was needed yet. */
  #arrived: Instance[] | undefined;
  #removed: Set<Instance> | undefined;
  #discarded: Set<Instance> | undefined;
  epoch = 0;
  /** Shown as empty by an option of the query that loaded the owner. */
  noload = false;
  /** Assigned while it was not loaded: `items` are the new members, and who has to leave is found at the flush. */
  replacing = false;
  #before: { items: readonly Instance[] | undefined } | undefined;

  /** @param complete  the owner has no row yet, so there are no members but those in memory */
  constructor(
    readonly relationship: Relationship,
    complete: boolean,
  ) {
    this.#items = complete ? new Set() : undefined;
  }

  /** All members, with what was added and without what was removed; undefined: not loaded. */
  get items(): ReadonlySet<Instance> | undefined {
    return this.#writableItems();
  }

  /** Whether the members are known. */
  get isLoaded(): boolean {
    return this.#items !== undefined || this.#loaded !== undefined;
  }

  get added(): ReadonlySet<Instance> {
    this.#gatherArrived();
    return this.#added ?? NOBODY;
  }

  /** How many were added while nothing else was known of the members; 0 as soon as anything else is. */
  get arrivals(): number {
    return this.#arrived?.length ?? 0;
  }

  /** The one of {@link arrivals} that came at a place, counted from 0. */
  arrival(place: number): Instance | undefined {
    return this.#arrived?.[place];
  }

  get removed(): ReadonlySet<Instance> {
    return this.#removed ?? NOBODY;
  }

  /** Members that were added and taken out again before a flush. */
  get discarded(): ReadonlySet<Instance> {
    return this.#discarded ?? NOBODY;
  }

  get changed(): boolean {
    return this.replacing || this.#arrived !== undefined || this.added.size > 0 || this.removed.size > 0;
  }

  /** Whether a flush has to take note: of what it writes, or that changes came to nothing. */
  get isNoted(): boolean {
    return this.#before !== undefined || this.changed;
  }

  /** The members without unflushed changes; undefined: not loaded. */
  get stored(): readonly Instance[] | undefined {
    if (this.#before !== undefined) return this.#before.items;
    return this.#loaded ?? (this.#items === undefined ? undefined : [...this.#items]);
  }

  /** Nothing is known of the members but who arrived. */
  get #isBlank(): boolean {
    return !this.isLoaded && !this.replacing && !this.#added && !this.#removed && !this.#discarded;
  }

  #gatherArrived(): void {
    if (this.#arrived === undefined) return;
    this.#added = new Set(this.#arrived);
    this.#arrived = undefined;
  }

  #writableItems(): Set<Instance> | undefined {
    if (this.#loaded !== undefined) {
      this.#items = new Set(this.#loaded);
      this.#loaded = undefined;
    }
    return this.#items;
  }

  /** Whether the instance is a member; undefined where that is not known. */
  has(instance: Instance): boolean | undefined {
    if (this.added.has(instance)) return true;
    if (this.removed.has(instance)) return false;
    return this.items?.has(instance);
  }

  add(instance: Instance): void {
    if (this.#isBlank) {
      this.#remember();
      (this.#arrived ??= []).push(instance);
      return;
    }
    this.#gatherArrived();
    if (this.#added?.has(instance) || this.items?.has(instance)) return;
    this.#remember();
    if (!this.#removed?.delete(instance)) (this.#added ??= new Set()).add(instance);
    this.#discarded?.delete(instance);
    this.#writableItems()?.add(instance);
  }

  remove(instance: Instance): void {
    this.#gatherArrived();
    if (this.removed.has(instance)) return;
    this.#remember();
    if (this.#added?.delete(instance)) (this.#discarded ??= new Set()).add(instance);
    else (this.#removed ??= new Set()).add(instance);
    this.#writableItems()?.delete(instance);
  }

  /** Makes `values` the members without knowing who they were. */
  replace(values: Iterable<Instance>): void {
    this.#remember();
    this.#arrived = undefined;
    this.replacing = true;
    this.#removed = undefined;
    this.#setItems(new Set(values));
    this.#added = new Set(this.#items);
  }

  /** Takes the members that the database has, and applies what was changed meanwhile; the array is kept. */
  load(members: readonly Instance[], epoch: number, stored = members): void {
    this.#gatherArrived();
    if (this.replacing) {
      const items = this.items ?? NOBODY;
      for (const member of members)
        if (!this.#added?.delete(member) && !items.has(member)) (this.#removed ??= new Set()).add(member);
      this.replacing = false;
    }
    if (this.changed) {
      const items = new Set<Instance>();
      for (const member of members) if (!this.removed.has(member)) items.add(member);
      for (const member of this.added) items.add(member);
      this.#setItems(items);
    } else {
      this.#items = undefined;
      this.#loaded = members;
    }
    this.epoch = epoch;
    this.noload = false;
    // What a rollback returns to is now known: the members without the changes.
    if (this.#before !== undefined) this.#before = { items: [...new Set(stored)] };
  }

  /** Forgets that one object was added or removed. */
  retract(instance: Instance): void {
    this.#gatherArrived();
    if (this.#added?.delete(instance)) this.#writableItems()?.delete(instance);
    else if (this.#removed?.delete(instance)) this.#writableItems()?.add(instance);
  }

  /** An object is a member after all, though the members were loaded while its row said otherwise. */
  rejoin(instance: Instance): void {
    this.#writableItems()?.add(instance);
  }

  /** A member's row is gone. */
  forget(instance: Instance): void {
    this.#gatherArrived();
    this.#writableItems()?.delete(instance);
    this.#added?.delete(instance);
    this.#removed?.delete(instance);
  }

  /** Forgets what was added and removed. */
  undo(): void {
    if (this.#before === undefined) return;
    const { items } = this.#before;
    this.#setItems(items === undefined ? undefined : new Set(items));
    this.#forgetChanges();
  }

  /**
   * What was added and removed is being written, except members whose own rows are not: they wait for these.
   *
   * @param isWritten  asked of each member that was added; undefined: all of them are known to be
   * @returns what it was before; undefined where nothing was changed
   */
  flushed(isWritten: ((member: Instance) => boolean) | undefined): RelationBefore | undefined {
    if (!this.isNoted) return undefined;
    const before = this.#before ?? { items: undefined };
    if (isWritten === undefined) {
      const added = this.#arrived ?? this.added;
      const { removed } = this;
      this.#forgetChanges();
      return { items: before.items, added, removed };
    }
    const { added, removed } = this;
    this.#forgetChanges();
    for (const member of added) {
      if (isWritten(member)) continue;
      this.#writableItems()?.delete(member);
      this.add(member);
    }
    return { items: before.items, added, removed };
  }

  /**
   * One member that was added or removed is being written by its own side; the other changes wait.
   *
   * @returns what it was before; undefined where the member is no change
   */
  flushedOne(member: Instance): RelationBefore | undefined {
    this.#gatherArrived();
    const items = this.#before?.items;
    const isAdded = this.#added?.delete(member) ?? false;
    if (!isAdded && !this.#removed?.delete(member)) return undefined;
    if (!this.changed) this.#forgetChanges();
    else if (items !== undefined)
      this.#before = { items: isAdded ? [...items, member] : items.filter((other) => other !== member) };
    const one = new Set([member]);
    return { items, added: isAdded ? one : NOBODY, removed: isAdded ? NOBODY : one };
  }

  /** Nothing was written after all. */
  unwritten(before: RelationBefore): void {
    if (!("items" in before)) return;
    this.#gatherArrived();
    this.#before = { items: before.items };
    for (const member of before.added) if (!this.#removed?.delete(member)) (this.#added ??= new Set()).add(member);
    for (const member of before.removed) if (!this.#added?.delete(member)) (this.#removed ??= new Set()).add(member);
  }

  restore(before: RelationBefore): void {
    if ("items" in before) this.#setItems(before.items === undefined ? undefined : new Set(before.items));
    this.#forgetChanges();
  }

  /** The owner has no row: every member has to be written with it. */
  writeAgain(): void {
    this.#gatherArrived();
    this.#before = undefined;
    this.replacing = false;
    this.#removed = undefined;
    const items = this.#writableItems() ?? new Set(this.added);
    this.#setItems(items);
    this.#added = new Set([...this.added, ...items]);
  }

  #setItems(items: Set<Instance> | undefined): void {
    this.#items = items;
    this.#loaded = undefined;
  }

  #forgetChanges(): void {
    this.#before = undefined;
    this.replacing = false;
    this.#added = undefined;
    this.#arrived = undefined;
    this.#removed = undefined;
    this.#discarded = undefined;
  }

  #remember(): void {
    this.#before ??= { items: this.stored };
  }
}
