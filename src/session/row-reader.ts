import type { ResultColumn } from "../driver/row-sink";
import type { Attribute } from "../mapper/attribute";
import type { EntitySlot } from "../query/query-executor";
import type { Values } from "./instance-state";

/** A driver's row: an object by column name, or an array by position. */
export type RawRow = Readonly<Record<PropertyKey, unknown>>;

/** Where a column stands in the driver's rows, and what the driver makes of its text. */
export type Locate = (key: string) => { at: string | number; parse: ResultColumn["parse"] };

type Convert = (raw: unknown) => unknown;
/** What is generated for the shape of the rows; keys of several columns are read by the loop. */
interface Compiled {
  readonly read: (row: RawRow) => Values;
  readonly keyOf: ((row: RawRow) => unknown) | undefined;
}

/** How a cell becomes a value. */
const enum Reading {
  AsIs,
  Number,
  Converted,
}

/** How the value of one attribute is read of a row. */
interface Cell {
  readonly attribute: Attribute;
  at: string | number;
  parse: ResultColumn["parse"];
  reading: Reading;
  convert: Convert | undefined;
}

/** Rows that are read before a function is made for their shape; to make it costs as much as reading about so many. */
const ROWS_BEFORE_COMPILING = 100;

/**
 * Makes the values of one entity of the driver's rows; of use for all rows of one SELECT.
 *
 * After the first rows a function is generated that has the names in its text: the loop that looks each of them up takes
 * twice as long. Where Node forbids code from strings, the loop goes on.
 */
export class RowReader {
  readonly attributes: readonly Attribute[];
  readonly #cells: readonly Cell[];
  readonly #keys: readonly Cell[];
  readonly #columns: readonly string[];
  readonly #template: Values;
  #compiled: Compiled | undefined;
  #count = 0;

  constructor({ mapper, columns }: EntitySlot) {
    this.attributes = columns.map(({ attribute }) => attribute);
    this.#columns = columns.map(({ key }) => key);
    this.#cells = columns.map(({ attribute, key }) => ({
      attribute,
      at: key,
      parse: undefined,
      reading: readingOf(attribute),
      convert: attribute.decode,
    }));
    this.#keys = mapper.primaryKey.map((attribute) => {
      const cell = this.#cells[this.attributes.indexOf(attribute)];
      if (cell === undefined) throw new Error(`The rows of ${mapper.name} come without ${attribute.name}.`);
      return cell;
    });
    // What JSON.parse makes has room for all of its values, and so have its copies.
    this.#template = JSON.parse(
      `{${this.attributes.map(({ name }) => `${JSON.stringify(name)}:null`).join()}}`,
    ) as Values;
  }

  /** Tells where the columns stand; comes before the first row, and may come again. */
  locate(locate: Locate): void {
    this.#cells.forEach((cell, i) => {
      const { at, parse } = locate(this.#columns[i] as string);
      if (at === cell.at && parse === cell.parse) return;
      const { attribute } = cell;
      cell.at = at;
      cell.parse = parse;
      cell.reading = readingOf(attribute);
      cell.convert = attribute.decode;
      if (parse !== undefined && cell.reading !== Reading.Number) {
        cell.convert = composed(parse, attribute.decode);
        cell.reading = cell.convert === undefined ? Reading.AsIs : Reading.Converted;
      }
      this.#compiled = undefined;
      this.#count = 0;
    });
  }

  /** The row's primary key as the driver gives it, several columns as one text; null where one is NULL, and without a key. */
  keyOf(row: RawRow): unknown {
    if (this.#compiled?.keyOf !== undefined) return this.#compiled.keyOf(row);
    const keys = this.#keys;
    if (keys.length === 1) return row[(keys[0] as Cell).at] ?? null;
    let text = "";
    for (let i = 0; i < keys.length; i++) {
      const cell = row[(keys[i] as Cell).at];
      if (cell === null || cell === undefined) return null;
      text += `${String(cell)}\0`;
    }
    return keys.length === 0 ? null : text;
  }

  /** Whether a row of a table without a primary key is one: an outer join gives NULL for each column of none. */
  isKeylessRow(row: RawRow): boolean {
    return this.#keys.length === 0 && this.#cells.some(({ at }) => (row[at] ?? null) !== null);
  }

  /** The values of a row by attribute, in the order of the columns; NULL is null. */
  read(row: RawRow): Values {
    if (this.#compiled !== undefined) return this.#compiled.read(row);
    if (++this.#count === ROWS_BEFORE_COMPILING) this.#compiled = compiledFor(this.#cells, this.#keys);
    const values = { ...this.#template };
    const cells = this.#cells;
    for (let i = 0; i < cells.length; i++) {
      const { attribute, at, reading, convert } = cells[i] as Cell;
      const raw = row[at];
      if (raw === null || raw === undefined) continue;
      const isValue = convert === undefined || (reading === Reading.Number && typeof raw === "number");
      values[attribute.name] = isValue ? raw : convert(raw);
    }
    return values;
  }

  /** Makes the values of rows that are objects with the attributes' names, in place. */
  convert(rows: readonly Values[]): void {
    for (const { attribute, reading, convert } of this.#cells) {
      if (reading === Reading.AsIs || convert === undefined) continue;
      const { name } = attribute;
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i] as Values;
        const raw = row[name];
        if (raw === null || raw === undefined || (reading === Reading.Number && typeof raw === "number")) continue;
        row[name] = convert(raw);
      }
    }
  }
}

/** Functions for rows of these cells; undefined where Node makes no code of strings. */
function compiledFor(cells: readonly Cell[], keys: readonly Cell[]): Compiled | undefined {
  const raws = cells.map(({ at }, i) => `const raw${i} = row[${JSON.stringify(at)}];`);
  const values = cells.map(({ attribute, reading }, i) => `${keyText(attribute.name)}: ${valueText(reading, i)}`);
  const read = `(row) => { ${raws.join(" ")} return { ${values.join(", ")} }; }`;
  const [key] = keys;
  const keyOf = key === undefined || keys.length > 1 ? "undefined" : `(row) => row[${JSON.stringify(key.at)}] ?? null`;
  try {
    // Nothing of a user's becomes code: names stand in the source as JSON texts, which are string literals.
    // eslint-disable-next-line @typescript-eslint/no-implied-eval
    const make = new Function("converts", `return { read: ${read}, keyOf: ${keyOf} };`) as (
      converts: readonly (Convert | undefined)[],
    ) => Compiled;
    return make(cells.map(({ convert }) => convert));
  } catch (error) {
    if (error instanceof EvalError) return undefined;
    throw error;
  }
}

/** In brackets, `__proto__` is a key as any other. */
function keyText(name: string): string {
  return name === "__proto__" ? '["__proto__"]' : JSON.stringify(name);
}

function valueText(reading: Reading, i: number): string {
  const raw = `raw${i}`;
  const isNull = `${raw} === null || ${raw} === undefined ? null : `;
  switch (reading) {
    case Reading.AsIs:
      return `${raw} ?? null`;
    case Reading.Number:
      return `${isNull}typeof ${raw} === "number" ? ${raw} : Number(${raw})`;
    case Reading.Converted:
      return `${isNull}converts[${i}](${raw})`;
  }
}

/** Kinds that no driver converts in a way of its own. */
export const PLAIN_KINDS = new Set<Attribute["kind"]>([
  "integer",
  "bigint",
  "number",
  "text",
  "enum",
  "uuid",
  "boolean",
]);

function readingOf({ kind, decode }: Attribute): Reading {
  if (kind === "integer" || kind === "number") return Reading.Number;
  return decode === undefined ? Reading.AsIs : Reading.Converted;
}

/** What the driver makes of a text, and then the attribute; undefined where the text stays as it is. */
export function composed(
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
