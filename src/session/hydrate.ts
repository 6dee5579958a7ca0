import type { IdentityKey, Mapper } from "../mapper/mapper";
import type { Relationship } from "../mapper/relationship";
import type { CompiledSelect, EntitySlot } from "../query/query-executor";
import { distinctRows, rowMaker } from "../query/result-row";
import { settleExpired } from "./expiring";
import type { Instance, InstanceState, Values } from "./instance-state";
import { LoadedState, peekState, setState } from "./instance-state";
import { SortedKeys } from "./sorted-keys";
import { loadMembers, undoRelations } from "./linking";
import { ownState } from "./own-state";
import type { EntityPart, ValuePart } from "./row-batch";
import { NO_ROW, RowBatch } from "./row-batch";
import { committedValue } from "./row-keys";
import type { RowReader } from "./row-reader";
import type { UnitOfWork } from "./unit-of-work";
import { dropRelation, membersOf, referenceOf, relationOf } from "./relations";

/** Makes results of the rows of one SELECT: instances, through the identity map, and tuples. */
export class Hydrator {
  readonly #unit: UnitOfWork;
  readonly #compiled: CompiledSelect;
  readonly #readers = new Map<EntitySlot, RowReader>();
  readonly #makeTuple: ((values: unknown[]) => readonly unknown[]) | undefined;

  constructor(unit: UnitOfWork, compiled: CompiledSelect) {
    this.#unit = unit;
    this.#compiled = compiled;
    this.#makeTuple =
      compiled.shape === "tuple"
        ? rowMaker(compiled.slots.map((slot) => (slot.kind === "value" ? slot.label : slot.mapper.name)))
        : undefined;
  }

  /** What the rows are read into. */
  newBatch(): RowBatch {
    return new RowBatch(this.#compiled, this.#readers);
  }

  /** The results of rows that are all there; the batch is of no use afterwards. */
  read(batch: RowBatch): unknown[] {
    const entities = new Map<EntityPart, LoadedEntity>();
    for (const part of batch.entities)
      entities.set(part, new EntityReader(this.#unit, part, this.#compiled.populateExisting).read());
    for (const part of batch.entities) this.#link(part, entities, batch.size);
    const [first] = batch.entities;
    if (this.#makeTuple !== undefined || first === undefined) return this.#tuples(batch, entities);
    return this.#instances(first, entities.get(first) as LoadedEntity);
  }

  /** The instances in the order of their first rows. */
  #instances({ places }: EntityPart, { instances, hasKnown }: LoadedEntity): unknown[] {
    if (!this.#compiled.unique)
      return places === undefined ? instances : places.map((place) => instances[place] ?? null);
    // Only an instance that was there before can come twice.
    const results: (Instance | null)[] = hasKnown ? [...new Set(instances)] : instances;
    return places?.includes(NO_ROW) ? [...results, null] : results;
  }

  #tuples(batch: RowBatch, entities: ReadonlyMap<EntityPart, LoadedEntity>): unknown[] {
    const tuples = batch.tuples ?? tuplesOf(batch, entities);
    // What it is given becomes the row.
    if (this.#makeTuple !== undefined) for (let i = 0; i < tuples.length; i++) this.#makeTuple(tuples[i] as unknown[]);
    return this.#compiled.unique ? distinctRows(tuples, this.#compiled.slots) : tuples;
  }

  /** Gives parents what was joined to them. */
  #link(parent: EntityPart, entities: ReadonlyMap<EntityPart, LoadedEntity>, size: number): void {
    const parents = (entities.get(parent) as LoadedEntity).instances;
    for (const child of parent.children) {
      const { relationship } = child;
      if (relationship === undefined) continue;
      const { instances: children, hasKnown } = entities.get(child) as LoadedEntity;
      if (relationship.toMany) this.#fillCollections(parent, parents, child, children, relationship, size, hasKnown);
      else this.#loadReferences(parent, parents, child, children, relationship, size);
    }
  }

  #fillCollections(
    parent: EntityPart,
    parents: readonly (Instance | null)[],
    child: EntityPart,
    children: readonly (Instance | null)[],
    relationship: Relationship,
    size: number,
    hasKnown: boolean,
  ): void {
    const collected = new Array<Instance[] | undefined>(parents.length);
    const { places } = parent;
    for (let row = 0; row < size;) {
      const start = row;
      const place = places === undefined ? row : (places[row] as number);
      do row++;
      while (row < size && places?.[row] === place);
      if (place === NO_ROW) continue;
      // Rows of one parent mostly follow each other.
      const members = membersIn(child, children, start, row);
      collected[place] = collected[place]?.concat(members) ?? members;
    }
    const overwrite = this.#compiled.populateExisting;
    const fill = collectionFiller(this.#unit, relationship, { overwrite, areUnchanged: !hasKnown });
    for (let place = 0; place < parents.length; place++) {
      const instance = parents[place];
      if (instance) fill(instance, collected[place] ?? []);
    }
  }

  #loadReferences(
    parent: EntityPart,
    parents: readonly (Instance | null)[],
    child: EntityPart,
    children: readonly (Instance | null)[],
    relationship: Relationship,
    size: number,
  ): void {
    let done = NO_ROW;
    for (let row = 0; row < size; row++) {
      const place = parent.placeAt(row);
      // Places are given in the order of first rows, and the first one counts.
      if (place <= done) continue;
      done = place;
      const instance = parents[place];
      if (!instance) continue;
      const target = children[child.placeAt(row)] ?? null;
      const state = ownState(instance, relationship.source);
      const absent =
        target === null && relationship.kind === "manyToOne"
          ? committedValue(state, relationship.foreignKey)
          : undefined;
      referenceOf(state, relationship).load(target, this.#unit.epoch, absent);
    }
  }
}

/** The instances that some rows of the result have of a joined entity. */
function membersIn(
  { places }: EntityPart,
  instances: readonly (Instance | null)[],
  start: number,
  end: number,
): Instance[] {
  if (places === undefined) return instances.slice(start, end) as Instance[];
  const members: Instance[] = [];
  for (let row = start; row < end; row++) {
    const member = instances[places[row] as number];
    if (member) members.push(member);
  }
  return members;
}

/** Rows with entities among their values. */
function tuplesOf(batch: RowBatch, entities: ReadonlyMap<EntityPart, LoadedEntity>): unknown[][] {
  const columns = batch.parts.map((part) => valuesOf(part, entities));
  const tuples = new Array<unknown[]>(batch.size);
  for (let row = 0; row < batch.size; row++) {
    const values = new Array<unknown>(columns.length);
    for (let i = 0; i < columns.length; i++) values[i] = columns[i]?.(row);
    tuples[row] = values;
  }
  return tuples;
}

/** How the value of one slot is found for a row of the result. */
function valuesOf(
  part: EntityPart | ValuePart,
  entities: ReadonlyMap<EntityPart, LoadedEntity>,
): (row: number) => unknown {
  if ("values" in part) return (row) => part.values[row];
  const { instances } = entities.get(part) as LoadedEntity;
  const { places } = part;
  return places === undefined ? (row) => instances[row] : (row) => instances[places[row] as number] ?? null;
}

/** The instances of one entity's rows. */
interface LoadedEntity {
  /** One for each of the part's rows; null where the row has no key. */
  readonly instances: (Instance | null)[];
  /** Some of them were in the session before, or came twice. */
  readonly hasKnown: boolean;
}

/** Makes instances of the rows of one entity. */
class EntityReader {
  readonly #unit: UnitOfWork;
  readonly #mapper: Mapper;
  readonly #part: EntityPart;
  readonly #complete: boolean;
  readonly #populate: boolean;

  constructor(unit: UnitOfWork, part: EntityPart, populate: boolean) {
    this.#unit = unit;
    this.#mapper = part.slot.mapper;
    this.#part = part;
    this.#complete = part.slot.complete;
    this.#populate = populate;
  }

  read(): LoadedEntity {
    const { rows } = this.#part;
    const mapper = this.#mapper;
    const { RowClass } = mapper;
    // Nothing tells a row without a key from others: its instance belongs to no session.
    if (mapper.primaryKey.length === 0)
      return { instances: rows.map((row) => new RowClass(row) as unknown as Instance), hasKnown: false };
    const state = this.#unit.loadedState(mapper, this.#complete);
    const [only] = mapper.primaryKey;
    const single = mapper.primaryKey.length === 1 && only?.kind === "integer" ? only.name : undefined;
    const shelves = this.#unit.identity.shelvesOf(mapper);
    const instances = new Array<Instance | null>(rows.length);
    const keys = single === undefined ? undefined : SortedKeys.of(rows, single);
    if (keys !== undefined && shelves.hasRoomFor(keys)) {
      shelves.putRun(keys, rows, state, instances);
      return { instances, hasKnown: false };
    }
    let hasKnown = false;
    for (let i = 0; i < rows.length; i++) {
      const values = rows[i] as Values;
      const raw = single === undefined ? undefined : values[single];
      const key: IdentityKey | undefined = typeof raw === "number" ? raw : mapper.identityOf(values);
      if (key === undefined) {
        instances[i] = null;
        continue;
      }
      let instance = shelves.get(key);
      if (instance === undefined) {
        instance = new RowClass(values) as unknown as Instance;
        shelves.put(key, instance, state);
      } else {
        hasKnown = true;
        this.#refresh(instance, values);
      }
      instances[i] = instance;
    }
    return { instances, hasKnown };
  }

  /** A row for an instance that is there: it overwrites what has expired, and fills what was not loaded. */
  #refresh(instance: Instance, row: Values): void {
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
    settleExpired(state, this.#part.attributes, this.#complete);
  }

  #forgetChanges(state: InstanceState): void {
    state.original = undefined;
    state.copies = undefined;
    this.#unit.touched.delete(state);
    undoRelations(state);
    for (let relation = state.relations; relation !== undefined; relation = relation.next)
      if (!relation.relationship.toMany) dropRelation(state, relation.relationship.key);
  }

  #overwrite(instance: Instance, row: Values, state: InstanceState | undefined): void {
    const { dataValues } = instance;
    for (const { attribute } of this.#part.slot.columns) {
      const { name } = attribute;
      if (state !== undefined && !state.isExpired && !state.expired?.has(name)) {
        if (dataValues[name] !== undefined) continue;
      }
      const value = row[name];
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

  #fill(instance: Instance, row: Values): void {
    const { dataValues } = instance;
    for (const name in row) if (dataValues[name] === undefined) dataValues[name] = row[name];
  }
}

/**
 * Fills collections of one relationship that are not loaded or have expired; a loaded one keeps its members.
 *
 * @param overwrite     a loaded one takes the rows too
 * @param areUnchanged  none of the members was changed since it was loaded
 * @returns what fills the collection of one instance with its members as the database has them; their array is kept
 */
export function collectionFiller(
  unit: UnitOfWork,
  relationship: Relationship,
  { overwrite, areUnchanged = false }: { overwrite: boolean; areUnchanged?: boolean },
): (instance: Instance, rows: readonly Instance[]) => void {
  const { source, backref: back } = relationship;
  const areKept = areUnchanged || back === undefined || back.toMany;
  return (instance, rows) => {
    const state = ownState(instance, source);
    const members = membersOf(state, relationship);
    const fresh = members.isLoaded && !members.replacing && !members.noload && members.epoch >= unit.epoch;
    if (fresh && !overwrite) return;
    // A row whose object was given to another owner in memory belongs there.
    loadMembers(state, members, areKept ? rows : rows.filter((row) => !isElsewhere(row, back, instance)), rows);
  };
}

function isElsewhere(row: Instance, back: Relationship, owner: Instance): boolean {
  const state = peekState(row);
  if (state === undefined || state instanceof LoadedState) return false;
  const reference = relationOf(state, back.key);
  return reference !== undefined && "value" in reference && reference.changed && reference.value !== owner;
}
