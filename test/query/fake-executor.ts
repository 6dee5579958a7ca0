import type { Model, Sequelize } from "sequelize";
import { Connection } from "../../src/driver/connection";
import type { QueryEvent } from "../../src/driver/connection";
import type { Dialect, Statement } from "../../src/driver/dialect";
import { dialectOf } from "../../src/driver/dialects";
import { streamRows } from "../../src/driver/stream";
import { IMPOSSIBLE } from "../../src/mapper/attribute";
import type { Mapper } from "../../src/mapper/mapper";
import type {
  BulkChange,
  CompiledSelect,
  EntitySlot,
  GetOptions,
  QueryExecutor,
  SelectOptions,
} from "../../src/query/query-executor";
import { distinctRows, rowMaker } from "../../src/query/result-row";

type Row = Record<string, unknown>;

/**
 * Runs queries on a real connection, without a session: rows become new instances, equal ones of one result the same.
 *
 * What an executor is told (autoflush, loads, bulk changes) is kept for tests to look at.
 */
export class FakeExecutor implements QueryExecutor {
  readonly dialect: Dialect;
  readonly connection: Connection;
  /** Statements that were sent, in order. */
  readonly sent: QueryEvent[] = [];
  /** Called before a SELECT or bulk change is compiled, as a session flushes there. */
  onAutoflush: () => void | Promise<void> = () => undefined;
  lastSelect: CompiledSelect | undefined;
  lastChange: BulkChange | undefined;
  lastGet: GetOptions | undefined;

  constructor(sequelize: Sequelize) {
    this.dialect = dialectOf(sequelize);
    this.connection = new Connection(sequelize, this.dialect, (event) => this.sent.push(event));
  }

  async select(compile: () => CompiledSelect, options: SelectOptions = {}): Promise<unknown[]> {
    if (options.autoflush ?? true) await this.onAutoflush();
    const compiled = (this.lastSelect = compile());
    const rows = await this.connection.all(compiled.sql, compiled.parameters);
    return read(compiled, rows);
  }

  async *stream(compile: () => CompiledSelect, options: SelectOptions & { batch: number }): AsyncGenerator<unknown> {
    if (options.autoflush ?? true) await this.onAutoflush();
    const compiled = (this.lastSelect = compile());
    for await (const rows of streamRows(this.connection, compiled, options.batch)) yield* read(compiled, rows);
  }

  async getByKey(mapper: Mapper, key: unknown, options: GetOptions): Promise<Model | null> {
    this.lastGet = options;
    const values = mapper.primaryKey.map((attribute, i) => attribute.canonicalKey(Array.isArray(key) ? key[i] : key));
    if (values.includes(IMPOSSIBLE)) return null;
    const [found] = await this.select(() => options.compile(values), options);
    return (found as Model | undefined) ?? null;
  }

  async change(change: BulkChange): Promise<number> {
    if (change.autoflush) await this.onAutoflush();
    this.lastChange = change;
    const { sql, parameters } = change.compile();
    return (await this.connection.run(sql, parameters)).rowCount;
  }

  async rawRows(compile: () => Statement, options: SelectOptions = {}): Promise<Row[]> {
    if (options.autoflush ?? true) await this.onAutoflush();
    const { sql, parameters } = compile();
    return this.connection.all(sql, parameters);
  }
}

function read(compiled: CompiledSelect, rows: readonly Row[]): unknown[] {
  const seen = new Map<string, Model>();
  const makeRow = rowMaker(compiled.slots.map((slot) => (slot.kind === "value" ? slot.label : slot.mapper.name)));
  const results = rows.map((row) => {
    const values = compiled.slots.map((slot) => {
      if (slot.kind === "entity") return readEntity(slot, row, seen, "");
      const raw = row[slot.key];
      return slot.decode === undefined ? raw : slot.decode(raw);
    });
    return compiled.shape === "entity" ? values[0] : makeRow(values);
  });
  if (!compiled.unique) return results;
  return compiled.shape === "entity"
    ? [...new Set(results)]
    : distinctRows(results as (readonly unknown[])[], compiled.slots);
}

function readEntity(slot: EntitySlot, row: Row, seen: Map<string, Model>, path: string): Model | null {
  const values: Row = {};
  for (const { attribute, key } of slot.columns) {
    if (!(key in row)) throw new Error(`The row has no column "${key}": ${Object.keys(row).join(", ")}`);
    values[attribute.name] = attribute.fromDatabase(row[key]);
  }
  const identity = slot.mapper.identityOf(values);
  if (identity === undefined && slot.mapper.primaryKey.length > 0) return null;
  const key = `${path}/${slot.mapper.name}/${identity ?? seen.size}`;
  let instance = seen.get(key);
  if (instance === undefined) seen.set(key, (instance = new slot.mapper.RowClass(values)));
  for (const child of slot.children) {
    const related = readEntity(child.slot, row, seen, `${path}.${child.relationship.key}`);
    const owner = instance as unknown as Row;
    if (!child.relationship.toMany) owner[child.relationship.key] = related;
    else {
      const list = (owner[child.relationship.key] ??= []) as Model[];
      if (related !== null && !list.includes(related)) list.push(related);
    }
  }
  return instance;
}
