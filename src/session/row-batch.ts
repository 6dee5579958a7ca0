import type { DriverRow } from "../driver/dialect";
import type { ResultColumn, RowSink } from "../driver/row-sink";
import type { Attribute } from "../mapper/attribute";
import type { Relationship } from "../mapper/relationship";
import type { CompiledSelect, EntitySlot, ValueSlot } from "../query/query-executor";
import { emplace } from "./emplace";
import type { Values } from "./instance-state";
import type { Locate, RawRow } from "./row-reader";
import { composed, PLAIN_KINDS, RowReader } from "./row-reader";

/** What is read of each row for one slot. Loops over rows are counted ones: iterators cost more than what is done to a row. */
type Part = EntityPart | ValuePart;

/** Where the row of an outer join has no match. */
export const NO_ROW = -1;

/** So many rows are taken by one part after the other: its code is warm then, and the rows are still near. */
const ROWS_IN_CACHE = 128;

/** The parts of rows that were read and not yet taken: one for each entity and value of the result. */
export class RowBatch implements RowSink {
  readonly isPlain: boolean;
  readonly parts: readonly Part[];
  /** The entities in the order of their columns, joined ones after the one that they are joined to. */
  readonly entities: readonly EntityPart[];
  /** The rows themselves, where they hold nothing but values; undefined where entities are among them. */
  tuples: unknown[][] | undefined;
  size = 0;
  readonly #all: readonly Part[];

  /** @param readers  what the batches of one result share */
  constructor({ slots }: CompiledSelect, readers: Map<EntitySlot, RowReader>) {
    const all: Part[] = [];
    const readerOf = (slot: EntitySlot): RowReader => emplace(readers, slot, () => new RowReader(slot));
    this.parts = slots.map((slot) => {
      if (slot.kind === "entity")
        return entityPart(slot, undefined, slots.length > 1 || collectionsIn(slot) > 0, false, all, readerOf);
      const part = new ValuePart(slot);
      all.push(part);
      return part;
    });
    this.#all = all;
    this.entities = all.filter((part) => part instanceof EntityPart);
    this.isPlain = all.every((part) => part.isPlain);
    this.tuples = this.entities.length === 0 ? [] : undefined;
  }

  columns(columns: readonly ResultColumn[]): void {
    const positions = new Map(columns.map(({ name }, i) => [name, i]));
    for (const part of this.#all)
      part.locate((key) => {
        const position = positions.get(key);
        if (position === undefined) throw new Error(`The rows come without a column "${key}".`);
        return { at: position, parse: columns[position]?.parse };
      });
  }

  row(cells: readonly unknown[]): void {
    const row = cells as unknown as RawRow;
    const all = this.#all;
    if (this.tuples !== undefined) this.#takeTuple(this.tuples, row);
    else for (let i = 0; i < all.length; i++) (all[i] as Part).take(row);
    this.size++;
  }

  #takeTuple(tuples: unknown[][], row: RawRow): void {
    const parts = this.#all;
    const tuple = new Array<unknown>(parts.length);
    for (let i = 0; i < parts.length; i++) tuple[i] = (parts[i] as ValuePart).read(row);
    tuples.push(tuple);
  }

  objects(rows: DriverRow[]): void {
    const [first] = rows;
    if (first === undefined) return;
    const only = this.#all.length === 1 ? this.entities[0] : undefined;
    if (only?.slot.direct && Object.keys(first).length === only.slot.columns.length) only.adopt(rows);
    else {
      for (const part of this.#all) part.locate((key) => ({ at: key, parse: undefined }));
      for (let start = 0; start < rows.length; start += ROWS_IN_CACHE) {
        const end = Math.min(start + ROWS_IN_CACHE, rows.length);
        if (this.tuples !== undefined)
          for (let i = start; i < end; i++) this.#takeTuple(this.tuples, rows[i] as DriverRow);
        else for (const part of this.#all) for (let i = start; i < end; i++) part.take(rows[i] as DriverRow);
        // What was read can be collected while the rest is: a collection copies all that is still in use.
        (rows as unknown[]).fill(undefined, start, end);
      }
    }
    this.size += rows.length;
  }

  /** Forgets the rows; what stands in them has been taken. */
  clear(): void {
    this.size = 0;
    if (this.tuples !== undefined) this.tuples = [];
    for (const part of this.#all) part.clear();
  }
}

/** The cells of one plain value. */
export class ValuePart {
  readonly isPlain: boolean;
  readonly slot: ValueSlot;
  values: unknown[] = [];
  #at: PropertyKey;
  #convert: ((raw: unknown) => unknown) | undefined;

  constructor(slot: ValueSlot) {
    this.slot = slot;
    this.isPlain = slot.type !== undefined && PLAIN_KINDS.has(slot.type);
    this.#at = slot.key;
    this.#convert = slot.decode;
  }

  locate(locate: Locate): void {
    const { at, parse } = locate(this.slot.key);
    this.#at = at;
    this.#convert = composed(parse, this.slot.decode);
  }

  take(row: RawRow): void {
    this.values.push(this.read(row));
  }

  read(row: RawRow): unknown {
    const raw = row[this.#at];
    return raw === null || raw === undefined || this.#convert === undefined ? raw : this.#convert(raw);
  }

  clear(): void {
    this.values = [];
  }
}

/** The values of one entity in the rows: each row of its table once, as far as that shows. */
export class EntityPart {
  readonly slot: EntitySlot;
  /** The relationship by which it was joined to its parent; undefined for what the query itself selects. */
  readonly relationship: Relationship | undefined;
  readonly children: EntityPart[] = [];
  /** In the order of their columns. */
  readonly attributes: readonly Attribute[];
  readonly isPlain: boolean;
  /** What will be the instances' values; nobody else has them. */
  rows: Values[] = [];
  /** For each row of the result the place in {@link rows}, or {@link NO_ROW}; undefined where the two are the same. */
  places: number[] | undefined;
  readonly #reader: RowReader;
  readonly #known: Map<unknown, number> | undefined;
  #lastKey: unknown;
  #lastPlace = NO_ROW;

  /** @param repeats  the same row may come again */
  constructor(slot: EntitySlot, relationship: Relationship | undefined, repeats: boolean, reader: RowReader) {
    this.slot = slot;
    this.relationship = relationship;
    this.attributes = reader.attributes;
    this.isPlain = reader.attributes.every(({ kind }) => PLAIN_KINDS.has(kind));
    this.#reader = reader;
    this.#known = repeats ? new Map() : undefined;
  }

  /** The place in {@link rows} of what a row of the result has of this entity, or {@link NO_ROW}. */
  placeAt(row: number): number {
    return this.places === undefined ? row : (this.places[row] as number);
  }

  locate(locate: Locate): void {
    this.#reader.locate(locate);
  }

  /** Takes whole rows as the values themselves. */
  adopt(rows: readonly DriverRow[]): void {
    this.#reader.convert(rows);
    this.rows = this.rows.length === 0 ? (rows as Values[]) : [...this.rows, ...rows];
  }

  take(row: RawRow): void {
    if (this.#known !== undefined) this.#takeRepeated(row, this.#known, (this.places ??= []));
    else if (this.relationship !== undefined) this.#takeJoined(row);
    else this.rows.push(this.#reader.read(row));
  }

  /** Rows of the result may have none of what was joined. */
  #takeJoined(row: RawRow): void {
    if (this.#reader.keyOf(row) === null) return this.#takeKeyless(row, (this.places ??= this.rows.map((_, i) => i)));
    this.places?.push(this.rows.length);
    this.rows.push(this.#reader.read(row));
  }

  #takeRepeated(row: RawRow, known: Map<unknown, number>, places: number[]): void {
    const key = this.#reader.keyOf(row);
    if (key === this.#lastKey) {
      places.push(this.#lastPlace);
      return;
    }
    if (key === null) return this.#takeKeyless(row, places);
    this.#lastKey = key;
    let place = known.get(key);
    if (place === undefined) {
      place = this.rows.length;
      known.set(key, place);
      this.rows.push(this.#reader.read(row));
    }
    this.#lastPlace = place;
    places.push(place);
  }

  /** A row without a key is none, unless the table has no key. */
  #takeKeyless(row: RawRow, places: number[]): void {
    const isRow = this.#reader.isKeylessRow(row);
    places.push(isRow ? this.rows.length : NO_ROW);
    if (isRow) this.rows.push(this.#reader.read(row));
  }

  clear(): void {
    this.rows = [];
    this.places = undefined;
    this.#known?.clear();
    this.#lastKey = undefined;
  }
}

/** @param isCrossed  each of several collections is combined with each row of the others */
function entityPart(
  slot: EntitySlot,
  relationship: Relationship | undefined,
  repeats: boolean,
  isCrossed: boolean,
  all: Part[],
  readerOf: (slot: EntitySlot) => RowReader,
): EntityPart {
  const part = new EntityPart(slot, relationship, repeats, readerOf(slot));
  all.push(part);
  const multiplying = slot.children.filter((child) => child.relationship.toMany || collectionsIn(child.slot) > 0);
  const crossesBelow = isCrossed || multiplying.length > 1;
  for (const child of slot.children) {
    const { kind } = child.relationship;
    const isShared = kind === "manyToOne" || kind === "manyToMany";
    const childRepeats = isShared || crossesBelow || collectionsIn(child.slot) > 0;
    part.children.push(entityPart(child.slot, child.relationship, childRepeats, crossesBelow, all, readerOf));
  }
  return part;
}

/** How many joined collections hang on an entity. */
function collectionsIn(slot: EntitySlot): number {
  let count = 0;
  for (const child of slot.children) count += (child.relationship.toMany ? 1 : 0) + collectionsIn(child.slot);
  return count;
}
