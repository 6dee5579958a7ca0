import type { IdentityKey } from "../mapper/mapper";
import { countOf } from "./deleted-together";
import type { DeletedTogether } from "./deleted-together";
import { emplace } from "./emplace";
import type { InstanceState, Values } from "./instance-state";
import { peekState } from "./instance-state";
import type { RelationBefore } from "./relation-values";
import { relationOf } from "./relations";

/** Rows by what was done to them. */
export interface RowCounts {
  inserts: number;
  updates: number;
  deletes: number;
}

/** Adds counts to others. */
export function addRows(to: RowCounts, more: RowCounts): void {
  to.inserts += more.inserts;
  to.updates += more.updates;
  to.deletes += more.deletes;
}

/**
 * What was flushed since a transaction or a savepoint began, so that a rollback can restore the objects in memory.
 *
 * The frame of a released savepoint is merged into the one around it.
 */
export class Frame {
  readonly inserted: InstanceState[] = [];
  readonly deleted: InstanceState[] = [];
  /** Deleted objects that share their states. */
  readonly deletedTogether: DeletedTogether[] = [];
  /** Attribute values from before the first flush that changed them. */
  readonly changed = new Map<InstanceState, Values>();
  readonly relations = new Map<InstanceState, Map<string, RelationBefore>>();
  readonly rekeyed = new Map<InstanceState, IdentityKey>();
  /** Rows that statements wrote beside the flushes: bulk changes and SQL text. */
  readonly rows: RowCounts = { inserts: 0, updates: 0, deletes: 0 };
  /** Those of them whose objects are noted above. */
  readonly rowsOfObjects: RowCounts = { inserts: 0, updates: 0, deletes: 0 };

  constructor(
    /** Name of the savepoint; undefined for the transaction itself. */
    readonly savepoint: string | undefined,
  ) {}

  /** How many objects were deleted. */
  get deletedSize(): number {
    return this.deleted.length + countOf(this.deletedTogether);
  }

  noteChanged(state: InstanceState, values: Values): void {
    const known = this.changed.get(state);
    if (known === undefined) this.changed.set(state, values);
    else for (const name in values) if (!(name in known)) known[name] = values[name];
  }

  /** @param before  what the relationship was, or what tells it: a long collection is copied only once */
  noteRelation(state: InstanceState, key: string, before: RelationBefore | (() => RelationBefore)): void {
    const known = emplace(this.relations, state, () => new Map<string, RelationBefore>());
    if (!known.has(key)) known.set(key, typeof before === "function" ? before() : before);
  }

  noteKey(state: InstanceState, key: IdentityKey): void {
    if (!this.rekeyed.has(state)) this.rekeyed.set(state, key);
  }

  /** Takes over what happened inside a savepoint that was released. */
  absorb(inner: Frame): void {
    for (const state of inner.inserted) this.inserted.push(state);
    for (const state of inner.deleted) this.deleted.push(state);
    for (const group of inner.deletedTogether) group.moveTo(this);
    for (const [state, values] of inner.changed) this.noteChanged(state, values);
    for (const [state, relations] of inner.relations)
      for (const [key, before] of relations) this.noteRelation(state, key, before);
    for (const [state, key] of inner.rekeyed) this.noteKey(state, key);
    addRows(this.rows, inner.rows);
    addRows(this.rowsOfObjects, inner.rowsOfObjects);
  }

  /**
   * Returns every object to what it was when the frame began.
   *
   * @param leaving  objects that keep their values, because their rows were inserted in one of the frames that are restored
   */
  restore(leaving: ReadonlySet<InstanceState>): void {
    for (const [state, relations] of this.relations)
      if (!leaving.has(state))
        for (const [key, before] of relations) relationOf(state, key)?.restore(without(leaving, before));
    for (const [state, values] of this.changed) if (!leaving.has(state)) restoreValues(state, values);
    for (const [state, key] of this.rekeyed) rekey(state, key);
    for (const state of this.inserted) becomeTransient(state);
    for (const state of this.deleted) if (state.status !== "transient") becomePersistent(state);
    for (const group of this.deletedTogether) group.restore();
  }
}

/** A collection that was loaded after the frame began holds objects whose rows it inserted: they leave. */
function without(leaving: ReadonlySet<InstanceState>, before: RelationBefore): RelationBefore {
  if (leaving.size === 0 || !("items" in before) || before.items === undefined) return before;
  const items = before.items.filter((instance) => !leaving.has(peekState(instance) as InstanceState));
  return items.length === before.items.length ? before : { ...before, items };
}

/** Writes values back and forgets that they were changed. */
export function restoreValues(state: InstanceState, values: Values): void {
  const { dataValues } = state.instance;
  for (const name in values) {
    if (values[name] === undefined) delete dataValues[name];
    else dataValues[name] = values[name];
    if (state.copies) delete state.copies[name];
  }
}

/** An object whose row was never there: its values stay, what the flush filled in goes. */
export function becomeTransient(state: InstanceState): void {
  const { unit, key, instance } = state;
  if (key !== undefined) unit?.identity.delete(state.mapper, key, instance);
  if (state.before !== undefined) restoreValues(state, state.before);
  state.before = undefined;
  state.status = "transient";
  state.unit = undefined;
  state.key = undefined;
  state.marked = false;
  state.inserting = false;
  state.wasDeleted = false;
  state.original = undefined;
  state.flushing = undefined;
  state.expired = undefined;
  instance.isNewRecord = true;
  for (let relation = state.relations; relation !== undefined; relation = relation.next) relation.writeAgain();
}

function becomePersistent(state: InstanceState): void {
  state.status = "persistent";
  state.marked = false;
  state.wasDeleted = false;
  if (state.key !== undefined) state.unit?.identity.set(state.mapper, state.key, state.instance);
}

function rekey(state: InstanceState, key: IdentityKey): void {
  const { unit, mapper, instance } = state;
  if (state.key !== undefined) unit?.identity.delete(mapper, state.key, instance);
  state.key = key;
  unit?.identity.set(mapper, key, instance);
}
