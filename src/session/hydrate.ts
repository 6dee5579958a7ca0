import type { DriverRow } from "../driver/dialect";
import type { Attribute } from "../mapper/attribute";
import type { IdentityKey, Mapper } from "../mapper/mapper";
import type { Relationship } from "../mapper/relationship";
import type { CompiledSelect, EntitySlot, ValueSlot } from "../query/query-executor";
import { rowMaker } from "../query/result-row";
import { settleExpired } from "./expiring";
import type { Instance, InstanceState, Values } from "./instance-state";
import { LoadedState, peekState, setState } from "./instance-state";
import { loadMembers, membersOf, referenceOf, undoRelations } from "./linking";
import { ownState } from "./own-state";

import type { UnitOfWork } from "./unit-of-work";

/** Reads rows into instances through the identity map, and into tuples. */
export class Hydrator {
  readonly #unit: UnitOfWork;
  readonly #readers: readonly ((row: DriverRow) => unknown)[];
  readonly #entities: EntityReader[] = [];
  readonly #compiled: CompiledSelect;
  readonly #makeTuple: ((values: unknown[]) => readonly unknown[]) | undefined;
  /** Everything that was read so far, where equal instances are given once. */
  #seen: Set<unknown> | undefined;
  #count = 0;

  constructor(unit: UnitOfWork, compiled: CompiledSelect) {
    this.#unit = unit;
    this.#compiled = compiled;
    this.#readers = compiled.slots.map((slot) => this.#readerOf(slot));
    this.#makeTuple =
      compiled.shape === "tuple"
        ? rowMaker(compiled.slots.map((slot) => (slot.kind === "value" ? slot.label : slot.mapper.name)))
        : undefined;
  }

  /** The instances of the first entity, for loading what hangs on them. */
  get instances(): readonly Instance[] {
    return [...(this.#entities[0]?.instances ?? [])];
  }

  read(rows: readonly DriverRow[]): unknown[] {
    const [reader] = this.#readers;
    const results =
      this.#makeTuple === undefined && reader !== undefined ? this.#readEntities(rows, reader) : this.#readTuples(rows);
    for (const entity of this.#entities) entity.finish();
    return results;
  }

  #readEntities(rows: readonly DriverRow[], reader: (row: DriverRow) => unknown): unknown[] {
    const results: unknown[] = [];
    const [entity] = this.#entities;
    for (const row of rows) {
      const instance = reader(row);
      if (!this.#compiled.unique) {
        results.push(instance);
        continue;
      }
      // Only an instance that was there before can come twice.
      if (this.#seen === undefined && entity?.isRepeated && this.#count > 0) this.#seen = new Set(entity.instances);
      if (this.#seen !== undefined) {
        if (this.#seen.has(instance)) continue;
        this.#seen.add(instance);
      }
      entity?.instances.add(instance as Instance);
      this.#count++;
      results.push(instance);
    }
    return results;
  }

  #readTuples(rows: readonly DriverRow[]): unknown[] {
    return rows.map((row) => this.#makeTuple?.(this.#readers.map((read) => read(row))));
  }

  #readerOf(slot: EntitySlot | ValueSlot): (row: DriverRow) => unknown {
    if (slot.kind === "value") {
      const { key, decode } = slot;
      return decode === undefined ? (row) => row[key] : (row) => (row[key] === null ? null : decode(row[key]));
    }
    const reader = new EntityReader(this.#unit, slot, this.#compiled.populateExisting);
    this.#entities.push(reader);
    return (row) => reader.read(row);
  }
}

interface ColumnReader {
  readonly name: string;
  readonly key: string;
  readonly attribute: Attribute;
  readonly isNumber: boolean;
}

/** Reads the part of each row that is one entity, and what was joined to it. */
class EntityReader {
  readonly instances = new Set<Instance>();
  readonly #unit: UnitOfWork;
  readonly #mapper: Mapper;
  readonly #columns: readonly ColumnReader[];
  readonly #decoded: readonly ColumnReader[];
  readonly #keyColumns: readonly ColumnReader[];
  readonly #complete: boolean;
  readonly #direct: boolean;
  readonly #populate: boolean;
  readonly #children: readonly { relationship: Relationship; reader: EntityReader }[];
  readonly #pendingCollections: { relationship: Relationship; members: Map<Instance, Set<Instance>> }[] = [];
  /** Whether the last instance read had been there before. */
  isRepeated = false;

  constructor(unit: UnitOfWork, slot: EntitySlot, populate: boolean) {
    this.#unit = unit;
    this.#mapper = slot.mapper;
    this.#columns = slot.columns.map(({ attribute, key }) => ({
      name: attribute.name,
      key,
      attribute,
      isNumber: attribute.kind === "integer" || attribute.kind === "number",
    }));
    this.#decoded = this.#columns.filter(({ attribute }) => attribute.decode !== undefined);
    this.#keyColumns = slot.mapper.primaryKey.map((attribute) => {
      const column = this.#columns.find((each) => each.attribute === attribute);
      if (column === undefined) throw new Error(`The rows of ${slot.mapper.name} come without ${attribute.name}.`);
      return column;
    });
    this.#complete = slot.complete;
    this.#direct = slot.direct;
    this.#populate = populate;
    this.#children = slot.children.map((child) => ({
      relationship: child.relationship,
      reader: new EntityReader(unit, child.slot, populate),
    }));
    for (const { relationship } of this.#children)
      if (relationship.toMany) this.#pendingCollections.push({ relationship, members: new Map() });
  }

  /** The row's instance; null where every key column is NULL (an outer join without a match). */
  read(row: DriverRow): Instance | null {
    const key = this.#keyOf(row);
    if (key === undefined) {
      this.isRepeated = false;
      return null;
    }
    let instance = this.#unit.identity.get(this.#mapper, key);
    if (instance === undefined) {
      instance = this.#create(row, key);
      this.isRepeated = false;
    } else {
      this.isRepeated = true;
      this.#refresh(instance, row);
    }
    if (this.#children.length > 0) this.#readChildren(instance, row);
    return instance;
  }

  #keyOf(row: DriverRow): IdentityKey | undefined {
    const [only] = this.#keyColumns;
    if (this.#keyColumns.length === 1 && only !== undefined) {
      const raw = row[only.key];
      if (raw === null || raw === undefined) return undefined;
      if (typeof raw === "number" && only.isNumber) return raw;
      return this.#mapper.identityOf({ [only.name]: only.attribute.fromDatabase(raw) });
    }
    const values: Values = {};
    for (const { name, key, attribute } of this.#keyColumns) values[name] = attribute.fromDatabase(row[key] ?? null);
    return this.#mapper.identityOf(values);
  }

  #create(row: DriverRow, key: IdentityKey): Instance {
    const instance = new this.#mapper.RowClass(this.#values(row)) as unknown as Instance;
    setState(instance, this.#unit.loadedState(this.#mapper, this.#complete));
    this.#unit.identity.set(this.#mapper, key, instance);
    return instance;
  }

  #values(row: DriverRow): Values {
    if (this.#direct) {
      for (const { key, attribute, isNumber } of this.#decoded) {
        const raw = row[key];
        if (raw === null || raw === undefined || (isNumber && typeof raw === "number")) continue;
        row[key] = attribute.fromDatabase(raw);
      }
      return row;
    }
    const values: Values = {};
    for (const { name, key, attribute } of this.#columns) values[name] = attribute.fromDatabase(row[key] ?? null);
    return values;
  }

  /** A row for an instance that is there: it overwrites what has expired, and fills what was not loaded. */
  #refresh(instance: Instance, row: DriverRow): void {
    const state = peekState(instance);
    if (state === undefined) return;
    if (state instanceof LoadedState) {
      const expired = state.epoch < this.#unit.epoch;
      if (this.#populate || expired) {
        this.#overwrite(instance, row, undefined);
        if (this.#complete) setState(instance, this.#unit.loadedState(this.#mapper, true));
      } else if (!state.complete) {
        this.#fill(instance, row);
        if (this.#complete) setState(instance, this.#unit.loadedState(this.#mapper, true));
      }
      return;
    }
    if (this.#populate) {
      this.#forgetChanges(state);
      this.#overwrite(instance, row, undefined);
    } else if (state.isExpired || state.expired !== undefined) this.#overwrite(instance, row, state);
    else if (!state.complete) this.#fill(instance, row);
    else return;
    settleExpired(state, this.#columns, this.#complete);
  }

  #forgetChanges(state: InstanceState): void {
    state.original = undefined;
    state.copies = undefined;
    this.#unit.touched.delete(state);
    undoRelations(state);
    for (const key of [...(state.relations?.keys() ?? [])]) {
      if (!state.mapper.relationships.get(key)?.toMany) state.relations?.delete(key);
    }
  }

  #overwrite(instance: Instance, row: DriverRow, state: InstanceState | undefined): void {
    const { dataValues } = instance;
    for (const { name, key, attribute } of this.#columns) {
      if (state !== undefined && !state.isExpired && !state.expired?.has(name)) {
        if (dataValues[name] !== undefined) continue;
      }
      const value = attribute.fromDatabase(row[key] ?? null);
      if (state?.original !== undefined && name in state.original) {
        // Changed since it expired: the change stays, and is measured against the new value.
        state.original[name] = value;
        continue;
      }
      if (state?.copies !== undefined && name in state.copies) {
        if (!attribute.equals(state.copies[name], dataValues[name])) {
          state.copies[name] = attribute.snapshot(value);
          continue;
        }
        delete state.copies[name];
      }
      dataValues[name] = value;
    }
  }

  #fill(instance: Instance, row: DriverRow): void {
    const { dataValues } = instance;
    for (const { name, key, attribute } of this.#columns)
      if (dataValues[name] === undefined) dataValues[name] = attribute.fromDatabase(row[key] ?? null);
  }

  #readChildren(instance: Instance, row: DriverRow): void {
    let collection = 0;
    for (const { relationship, reader } of this.#children) {
      const child = reader.read(row);
      if (!relationship.toMany) {
        referenceOf(ownState(instance, this.#mapper), relationship).load(child, this.#unit.epoch);
        continue;
      }
      const members = this.#pendingCollections[collection++]?.members;
      const collected = members?.get(instance) ?? new Set();
      members?.set(instance, collected);
      if (child !== null) collected.add(child);
    }
  }

  /** All rows are read: joined collections are complete. */
  finish(): void {
    for (const { relationship, members } of this.#pendingCollections) {
      for (const [instance, collected] of members)
        fillCollection(this.#unit, instance, relationship, [...collected], this.#populate);
      members.clear();
    }
    for (const { reader } of this.#children) reader.finish();
  }
}

/** Fills a collection that is not loaded or has expired; a loaded one keeps its members. */
export function fillCollection(
  unit: UnitOfWork,
  instance: Instance,
  relationship: Relationship,
  rows: readonly Instance[],
  overwrite = false,
): void {
  const state = ownState(instance, relationship.source);
  const members = membersOf(state, relationship);
  const fresh = members.items !== undefined && !members.replacing && !members.noload && members.epoch >= unit.epoch;
  if (fresh && !overwrite) return;
  // A row whose object was given to another owner in memory belongs there.
  const back = relationship.backref;
  const kept =
    back === undefined || back.toMany
      ? rows
      : rows.filter((row) => {
          const other = peekState(row);
          if (other === undefined || other instanceof LoadedState) return true;
          const reference = other.relations?.get(back.key);
          return (
            reference === undefined || !("value" in reference) || !reference.changed || reference.value === instance
          );
        });
  loadMembers(state, relationship, kept);
}
