import type { DriverRow } from "../driver/dialect";
import type { ResultColumn, RowSink } from "../driver/row-sink";
import type { Attribute } from "../mapper/attribute";
import type { Relationship } from "../mapper/relationship";
import type { CompiledSelect, EntitySlot, ValueSlot } from "../query/query-executor";
import type { Values } from "./instance-state";

/** A driver's row: an object by column name, or an array by position. */
type RawRow = Readonly<Record<PropertyKey, unknown>>;

/** What is read of each row for one slot. Loops over rows are counted ones: iterators cost more than what is done to a row. */
type Part = EntityPart | ValuePart;

/** Where the row of an outer join has no match. */
export const NO_ROW = -1;

/** The parts of rows that were read and not yet taken: one for each entity and value of the result. */
export class RowBatch implements RowSink {
  readonly isPlain: boolean;
  readonly parts: readonly Part[];
  /** The entities in the order of their columns, joined ones after the one that they are joined to. */
  readonly entities: readonly EntityPart[];
  size = 0;
  readonly #all: readonly Part[];

  constructor({ slots }: CompiledSelect) {
    const all: Part[] = [];
    this.parts = slots.map((slot) => {
      if (slot.kind === "entity")
        return entityPart(slot, undefined, slots.length > 1 || collectionsIn(slot) > 0, false, all);
      const part = new ValuePart(slot);
      all.push(part);
      return part;
    });
    this.#all = all;
    this.entities = all.filter((part) => part instanceof EntityPart);
    this.isPlain = all.every((part) => part.isPlain);
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
    const all = this.#all;
    for (let i = 0; i < all.length; i++) (all[i] as Part).take(cells as unknown as RawRow);
    this.size++;
  }

  objects(rows: readonly DriverRow[]): void {
    const [first] = rows;
    if (first === undefined) return;
    const only = this.#all.length === 1 ? this.entities[0] : undefined;
    if (only?.slot.direct && Object.keys(first).length === only.slot.columns.length) only.adopt(rows);
    else {
      const all = this.#all;
      for (const part of all) part.locate((key) => ({ at: key, parse: undefined }));
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i] as DriverRow;
        for (let j = 0; j < all.length; j++) (all[j] as Part).take(row);
      }
    }
    this.size += rows.length;
  }

  /** Forgets the rows; what stands in them has been taken. */
  clear(): void {
    this.size = 0;
    for (const part of this.#all) part.clear();
  }
}

type Locate = (key: string) => { at: PropertyKey; parse: ResultColumn["parse"] };

/** How a cell becomes a value. */
const enum Reading {
  AsIs,
  Number,
  Converted,
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
    const raw = row[this.#at];
    this.values.push(raw === null || raw === undefined || this.#convert === undefined ? raw : this.#convert(raw));
  }

  clear(): void {
    this.values = [];
  }
}

/** The values of one entity in the rows: each row of its table once, as far as that shows. */
export class EntityPart {
  readonly slot: EntitySlot;
  readonly attributes: readonly Attribute[];
  /** The relationship by which it was joined to its parent; undefined for what the query itself selects. */
  readonly relationship: Relationship | undefined;
  readonly children: EntityPart[] = [];
  readonly isPlain: boolean;
  /** What will be the instances' values; nobody else has them. */
  rows: Values[] = [];
  /** For each row of the result the place in {@link rows}, or {@link NO_ROW}; undefined where the two are the same. */
  places: number[] | undefined;
  readonly #names: readonly string[];
  readonly #readings: Reading[];
  readonly #converts: (((raw: unknown) => unknown) | undefined)[];
  #at: PropertyKey[];
  readonly #keys: readonly number[];
  readonly #template: Values;
  #known: Map<unknown, number> | undefined;
  #lastRaw: unknown;
  #lastPlace = NO_ROW;

  /** @param repeats  the same row may come again */
  constructor(slot: EntitySlot, relationship: Relationship | undefined, repeats: boolean) {
    this.slot = slot;
    this.relationship = relationship;
    this.attributes = slot.columns.map(({ attribute }) => attribute);
    this.#names = this.attributes.map(({ name }) => name);
    this.#at = slot.columns.map(({ key }) => key);
    this.#readings = this.attributes.map(readingOf);
    this.#converts = this.attributes.map(({ decode }) => decode);
    this.#template = Object.fromEntries(this.#names.map((name) => [name, null]));
    this.#keys = slot.mapper.primaryKey.map((attribute) => {
      const place = this.attributes.indexOf(attribute);
      if (place === -1) throw new Error(`The rows of ${slot.mapper.name} come without ${attribute.name}.`);
      return place;
    });
    this.isPlain = this.attributes.every(({ kind }) => PLAIN_KINDS.has(kind));
    this.#known = repeats ? new Map() : undefined;
    this.places = repeats || relationship !== undefined ? [] : undefined;
  }

  locate(locate: Locate): void {
    this.attributes.forEach((attribute, i) => {
      const { at, parse } = locate(this.slot.columns[i]?.key ?? "");
      this.#at[i] = at;
      if (parse === undefined || this.#readings[i] === Reading.Number) return;
      const convert = composed(parse, attribute.decode);
      this.#readings[i] = convert === undefined ? Reading.AsIs : Reading.Converted;
      this.#converts[i] = convert;
    });
  }

  /** Takes whole rows as the values themselves. */
  adopt(rows: readonly DriverRow[]): void {
    for (let i = 0; i < this.#names.length; i++) {
      const reading = this.#readings[i];
      const name = this.#names[i] as string;
      const convert = this.#converts[i];
      if (reading === Reading.AsIs || convert === undefined) continue;
      for (let j = 0; j < rows.length; j++) {
        const row = rows[j] as DriverRow;
        const raw = row[name];
        if (raw === null || raw === undefined || (reading === Reading.Number && typeof raw === "number")) continue;
        row[name] = convert(raw);
      }
    }
    this.rows = this.rows.length === 0 ? (rows as Values[]) : [...this.rows, ...rows];
    if (this.places !== undefined) for (let i = 0; i < rows.length; i++) this.places.push(this.places.length);
  }

  take(row: RawRow): void {
    const { places } = this;
    if (places === undefined) {
      this.rows.push(this.#read(row));
      return;
    }
    const key = this.#keys.length === 1 ? row[this.#at[this.#keys[0] as number] as PropertyKey] : this.#rawKey(row);
    if (key === null || key === undefined) {
      this.#takeKeyless(row, places);
      return;
    }
    const known = this.#known;
    if (known !== undefined) {
      if (key === this.#lastRaw) {
        places.push(this.#lastPlace);
        return;
      }
      this.#lastRaw = key;
      const place = known.get(key);
      if (place !== undefined) {
        this.#lastPlace = place;
        places.push(place);
        return;
      }
      this.#lastPlace = this.rows.length;
      known.set(key, this.#lastPlace);
    }
    places.push(this.rows.length);
    this.rows.push(this.#read(row));
  }

  /** A row without a key is none, unless the table has no key. */
  #takeKeyless(row: RawRow, places: number[]): void {
    const isRow = this.#keys.length === 0 && this.#at.some((at) => (row[at] ?? null) !== null);
    places.push(isRow ? this.rows.length : NO_ROW);
    if (isRow) this.rows.push(this.#read(row));
  }

  clear(): void {
    this.rows = [];
    if (this.places !== undefined) this.places = [];
    if (this.#known !== undefined) this.#known.clear();
    this.#lastRaw = undefined;
  }

  /** Several key columns as one text; null where one of them is NULL. */
  #rawKey(row: RawRow): unknown {
    let text = "";
    for (const key of this.#keys) {
      const cell = row[this.#at[key] as PropertyKey];
      if (cell === null || cell === undefined) return null;
      text += `${String(cell)}\0`;
    }
    return this.#keys.length === 0 ? null : text;
  }

  #read(row: RawRow): Values {
    const values = { ...this.#template };
    const names = this.#names;
    const readings = this.#readings;
    const at = this.#at;
    for (let i = 0; i < names.length; i++) {
      const raw = row[at[i] as PropertyKey];
      if (raw === null || raw === undefined) continue;
      const reading = readings[i];
      values[names[i] as string] =
        reading === Reading.AsIs
          ? raw
          : reading === Reading.Number
            ? typeof raw === "number"
              ? raw
              : Number(raw)
            : this.#converts[i]?.(raw);
    }
    return values;
  }
}

/** Kinds that no driver converts in a way of its own. */
const PLAIN_KINDS = new Set<Attribute["kind"]>(["integer", "bigint", "number", "text", "enum", "uuid", "boolean"]);

function readingOf({ kind, decode }: Attribute): Reading {
  if (kind === "integer" || kind === "number") return Reading.Number;
  return decode === undefined ? Reading.AsIs : Reading.Converted;
}

/** @param isCrossed  each of several collections is combined with each row of the others */
function entityPart(
  slot: EntitySlot,
  relationship: Relationship | undefined,
  repeats: boolean,
  isCrossed: boolean,
  all: Part[],
): EntityPart {
  const part = new EntityPart(slot, relationship, repeats);
  all.push(part);
  const multiplying = slot.children.filter((child) => child.relationship.toMany || collectionsIn(child.slot) > 0);
  const crossesBelow = isCrossed || multiplying.length > 1;
  for (const child of slot.children) {
    const { kind } = child.relationship;
    const isShared = kind === "manyToOne" || kind === "manyToMany";
    const childRepeats = isShared || crossesBelow || collectionsIn(child.slot) > 0;
    part.children.push(entityPart(child.slot, child.relationship, childRepeats, crossesBelow, all));
  }
  return part;
}

/** How many joined collections hang on an entity. */
function collectionsIn(slot: EntitySlot): number {
  let count = 0;
  for (const child of slot.children) count += (child.relationship.toMany ? 1 : 0) + collectionsIn(child.slot);
  return count;
}

/** What the driver makes of a text, and then the attribute; undefined where the text stays as it is. */
function composed(
  parse: ResultColumn["parse"],
  decode: ((raw: unknown) => unknown) | undefined,
): ((raw: unknown) => unknown) | undefined {
  if (parse === undefined || isIdentity(parse)) return decode;
  if (decode === undefined) return parse as (raw: unknown) => unknown;
  return (raw) => decode(parse(raw as string));
}

/** Whether a parser gives each text back as it is. */
function isIdentity(parse: (text: string) => unknown): boolean {
  try {
    return PROBES.every((text) => parse(text) === text);
  } catch {
    return false;
  }
}

const PROBES = ["", " a ", "{1}", "1", "t", "NaN", "2026-01-31 10:00:00", "\\x41"];
