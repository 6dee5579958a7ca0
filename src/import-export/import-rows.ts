import type { Model } from "sequelize";
import { ArgumentError, IntegrityError, ShellError, nearestName } from "../errors";
import type { Attribute } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import type { Session } from "../session/session";
import type { FileRow } from "./row-file";

/** How rows are imported. */
export interface ImportOptions {
  /** Names of the file that mean other attributes: file name to attribute. */
  readonly map: ReadonlyMap<string, string>;
  /** The attribute by which a row that is there already is found, and updated. */
  readonly upsert?: string | undefined;
  /** Bad rows are left out, and told. */
  readonly skipBad: boolean;
  /** Everything is tried and undone. */
  readonly dry: boolean;
  /** Hears how many rows are done; throws to stop. */
  onProgress?(done: number, total: number): void;
}

/** A row that cannot be imported, and why. */
export interface BadRow {
  readonly line: number;
  /** The file's name of the column; undefined where it concerns the whole row. */
  readonly column: string | undefined;
  readonly reason: string;
}

/** What an import did. */
export interface ImportResult {
  inserted: number;
  updated: number;
  bad: BadRow[];
}

/** The end of an import by its first bad row. */
export class ImportError extends ShellError {
  readonly line: number;
  readonly column: string | undefined;

  constructor({ line, column, reason }: BadRow) {
    super(`Line ${line}${column === undefined ? "" : `, column "${column}"`}: ${reason} Nothing was imported.`, {
      hint: "--skip-bad leaves such rows out",
    });
    this.line = line;
    this.column = column;
  }
}

/** Rows of one statement. */
const CHUNK = 500;

type Values = Record<string, unknown>;
interface ReadyRow {
  line: number;
  values: Values;
}

/**
 * Imports rows into the table of a model, all in one transaction, which is committed at the end.
 *
 * Values are read as the attributes' types; the model's validators are asked.
 *
 * @param session  one that nothing else uses
 * @throws {ArgumentError} for a name that is no attribute; {@link ImportError} for the first bad row
 */
export async function importRows(
  session: Session,
  mapper: Mapper,
  rows: readonly FileRow[],
  options: ImportOptions,
): Promise<ImportResult> {
  const importer = new Importer(session, mapper, options);
  importer.checkNames(rows);
  await session.begin();
  for (let start = 0; start < rows.length; start += CHUNK) {
    await importer.take(rows.slice(start, start + CHUNK));
    options.onProgress?.(Math.min(start + CHUNK, rows.length), rows.length);
  }
  if (options.dry) await session.rollback();
  else await session.commit();
  return importer.result;
}

class Importer {
  readonly result: ImportResult = { inserted: 0, updated: 0, bad: [] };
  readonly #session: Session;
  readonly #mapper: Mapper;
  readonly #options: ImportOptions;
  readonly #byFileName = new Map<string, Attribute>();
  readonly #upsert: Attribute | undefined;
  readonly #hasValidators: boolean;

  constructor(session: Session, mapper: Mapper, options: ImportOptions) {
    this.#session = session;
    this.#mapper = mapper;
    this.#options = options;
    for (const [name, attribute] of options.map) this.#byFileName.set(name, this.#attribute(attribute));
    this.#upsert = options.upsert === undefined ? undefined : this.#attribute(options.upsert);
    this.#hasValidators = mapper.attributes.some((attribute) => attribute.options.validate !== undefined);
  }

  /** @throws {ArgumentError} for a name of the file that is no attribute */
  checkNames(rows: readonly FileRow[]): void {
    const names = new Set(rows.flatMap(({ values }) => Object.keys(values)));
    for (const name of this.#options.map.keys()) {
      if (rows.length === 0 || names.has(name)) continue;
      throw new ArgumentError(`The file has no column "${name}", which --map names.`, {
        hint: `it has ${[...names].join(", ")}`,
      });
    }
    for (const name of names) if (!this.#byFileName.has(name)) this.#byFileName.set(name, this.#attribute(name));
    const { attributes } = this.#mapper;
    if (this.#upsert && ![...this.#byFileName.values()].includes(this.#upsert)) {
      throw new ArgumentError(`Cannot find rows by "${this.#upsert.name}": the file has no such column.`);
    }
    if (attributes.length === 0) throw new ArgumentError(`${this.#mapper.name} has no attributes.`);
  }

  /** Imports some rows; where they fail together, each alone, to find the bad ones. */
  async take(rows: readonly FileRow[]): Promise<void> {
    const ready: ReadyRow[] = [];
    for (const row of rows) {
      const values = await this.#read(row);
      if (values) ready.push({ line: row.line, values });
    }
    if (ready.length === 0) return;
    if (await this.#write(ready).catch((error: unknown) => whenData(error))) return;
    for (const row of ready) {
      try {
        await this.#write([row]);
      } catch (error) {
        this.#bad(whenData(error) ?? badRow(row, error, this.#fileNameOf(error)));
      }
    }
  }

  /** The values of a row as their attributes take them; undefined where it is bad. */
  async #read({ line, values }: FileRow): Promise<Values | undefined> {
    const read: Values = {};
    for (const [name, attribute] of this.#byFileName) {
      if (!(name in values)) continue;
      const value = values[name];
      try {
        const converted = convert(attribute, value);
        const isLeftOut =
          converted === null && (attribute.generated || (!attribute.nullable && attribute.defaultValue !== undefined));
        if (isLeftOut) continue;
        if (converted === null && !attribute.nullable) throw new ArgumentError(`${attribute.label} cannot be null.`);
        if (converted !== null) attribute.toDatabase(converted);
        read[attribute.name] = converted;
      } catch (error) {
        this.#bad({ line, column: name, reason: (error as Error).message });
        return undefined;
      }
    }
    if (!this.#hasValidators) return read;
    const model = this.#mapper.model as unknown as new (values: Values) => Model;
    try {
      const unasked = this.#mapper.attributes.map(({ name }) => name).filter((name) => !(name in read));
      await new model(read).validate({ skip: unasked });
      return read;
    } catch (error) {
      const [first] = (error as { errors?: { path?: string; message: string }[] }).errors ?? [];
      const column = [...this.#byFileName].find(([, { name }]) => name === first?.path)?.[0];
      this.#bad({ line, column, reason: `${first?.message ?? (error as Error).message}.` });
      return undefined;
    }
  }

  /** Writes rows under a savepoint. @returns true */
  async #write(rows: readonly ReadyRow[]): Promise<true> {
    const { inserts, updates } = await this.#split(rows);
    const savepoint = await this.#session.beginNested();
    try {
      const model = this.#mapper.model;
      if (inserts.length > 0) await this.#session.bulkInsertMappings(model, inserts);
      if (updates.length > 0) await this.#session.bulkUpdateMappings(model, updates);
      await savepoint.commit();
    } catch (error) {
      await savepoint.rollback();
      throw error;
    }
    this.result.inserted += inserts.length;
    this.result.updated += updates.length;
    return true;
  }

  /** Which rows are new, and which are there. */
  async #split(rows: readonly ReadyRow[]): Promise<{ inserts: Values[]; updates: Values[] }> {
    const attribute = this.#upsert;
    if (!attribute) return { inserts: rows.map(({ values }) => values), updates: [] };
    const wanted = rows.map(({ values }) => values[attribute.name]).filter((value) => value != null);
    const query = this.#session.query(this.#mapper.model);
    const found = await query.filter({ [attribute.name]: wanted }).all();
    const keys = new Map<string, Values>();
    for (const object of found) {
      const values = (object as unknown as { dataValues: Values }).dataValues;
      keys.set(
        identity(attribute, values[attribute.name]),
        Object.fromEntries(this.#mapper.primaryKey.map(({ name }) => [name, values[name]])),
      );
    }
    this.#session.expungeAll();
    const inserts = new Map<string, Values>();
    const updates: Values[] = [];
    rows.forEach(({ values }, index) => {
      const value = values[attribute.name];
      const id = value == null ? `row ${index}` : identity(attribute, value);
      const key = keys.get(id);
      // A later row of the file wins.
      if (key) updates.push({ ...values, ...key });
      else inserts.set(id, { ...inserts.get(id), ...values });
    });
    return { inserts: [...inserts.values()], updates };
  }

  #bad(row: BadRow): void {
    if (!this.#options.skipBad) throw new ImportError(row);
    this.result.bad.push(row);
  }

  #attribute(name: string): Attribute {
    const { attributes } = this.#mapper;
    const found =
      attributes.find((attribute) => attribute.name === name) ??
      attributes.find(({ column }) => column === name) ??
      attributes.find((attribute) => attribute.name.toLowerCase() === name.toLowerCase());
    if (found) return found;
    const names = attributes.map((attribute) => attribute.name);
    const near = nearestName(name, names);
    const hint = near === undefined ? `--map ${name}=ATTRIBUTE, one of ${names.join(", ")}` : `--map ${name}=${near}`;
    throw new ArgumentError(`${this.#mapper.name} has no attribute "${name}".`, { hint });
  }

  /** The file's name of the column that a violated constraint speaks of. */
  #fileNameOf(error: unknown): string | undefined {
    const fields = error instanceof IntegrityError ? error.fields : [];
    return [...this.#byFileName].find(([, { column }]) => fields.includes(column))?.[0];
  }
}

/** Passes on what is no fault of a row. */
function whenData(error: unknown): undefined {
  const isData = error instanceof ShellError && !["OperationalError", "PendingRollbackError"].includes(error.name);
  if (!isData) throw error;
  return undefined;
}

function badRow({ line }: ReadyRow, error: unknown, column: string | undefined): BadRow {
  return { line, column, reason: `${(error as Error).message.replace(/\.$/, "")}.` };
}

function identity(attribute: Attribute, value: unknown): string {
  return JSON.stringify([attribute.canonicalKey(attribute.kind === "bigint" ? String(value) : value)]) ?? String(value);
}

/** A value of a file as a value of the attribute, where its text alone would not do. */
function convert(attribute: Attribute, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (typeof value !== "string")
    return attribute.kind === "text" && typeof value === "object" ? JSON.stringify(value) : value;
  switch (attribute.kind) {
    case "json":
    case "array":
      try {
        return JSON.parse(value) as unknown;
      } catch (error) {
        throw new ArgumentError(`Expected JSON for ${attribute.label}, got ${JSON.stringify(value)}.`, {
          cause: error,
        });
      }
    case "blob":
      return Buffer.from(value, "base64");
    case "text":
    case "enum":
      return value;
    default:
      return value === "" ? null : value;
  }
}
