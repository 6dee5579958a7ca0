import type { Model, ModelStatic } from "sequelize";
import { capturedStatements, isCapturing } from "../driver/capture";
import type { Connection } from "../driver/connection";
import type { Dialect, DriverRow, Statement } from "../driver/dialect";
import { DatabaseError, FlushError, InvalidRequestError, OperationalError, UnmappedInstanceError } from "../errors";
import { describe } from "../driver/dialect";
import { Mapper } from "../mapper/mapper";
import type { Aliased } from "../query/expressions";
import type { BulkChange, CompiledSelect, GetOptions, QueryExecutor, SelectOptions } from "../query/query-executor";
import { bulkInsertMappings, bulkSaveObjects, bulkUpdateMappings } from "./bulk";
import type { BulkSaveOptions } from "./bulk";
import { runBulkChange } from "./bulk-change";
import { changedAttributes } from "./attribute-access";
import { expire } from "./expiring";
import { Flusher } from "./flusher";
import type { RowCounts } from "./frame";
import { addRows } from "./frame";
import type { FlushCounts } from "./flusher";
import { getByKey, normalizeKey } from "./get-by-key";
import { stateOf } from "./inspect-object";
import type { Instance, InstanceStatus } from "./instance-state";
import type { InstanceState } from "./instance-state";
import { LoadedState, peekState } from "./instance-state";
import { hostOf } from "./instrument";
import { describeInstance } from "./label";
import { loadPath } from "./load-on-read";
import { Loader, keyValues } from "./loader";
import { merge } from "./merge";
import type { MergeOptions } from "./merge";
import { OperationQueue } from "./operation-queue";
import { ownState } from "./own-state";
import { Members } from "./relation-values";
import { Result } from "./result";
import type { SessionHost } from "./session-host";
import { planOf } from "./session-plan";
import type { PlannedChange } from "./session-plan";
import { streamRows } from "./stream";
import { isReadOnlyText, textStatement, workOfText } from "./text-statement";
import type { TextParameters } from "./text-statement";
import { SessionTransaction, TransactionControl } from "./transaction";
import { UnitOfWork } from "./unit-of-work";
import { Query } from "../query/query";
import type { Selectable } from "../query/query";
import type { ResultRow } from "../query/result-row";

/** How a session behaves. */
export interface SessionOptions {
  /** Pending changes are flushed before every query. Default true. */
  autoflush?: boolean;
  /** After commit and rollback the next row of an object overwrites its values. Default true. */
  expireOnCommit?: boolean;
}

/** What the last commit, flush, rollback or bulk change did. */
export type Outcome =
  | ({ kind: "commit" | "flush"; durationMs: number } & FlushCounts)
  | { kind: "rollback"; durationMs: number; newDiscarded: number; changedDiscarded: number; deletedDiscarded: number }
  | { kind: "update" | "delete"; durationMs: number; rows: number };

/** Objects that wait for a commit. */
export interface PendingWork {
  new: number;
  changed: number;
  deleted: number;
  /** A flush failed, and the session waits for `rollback()`. */
  failed: boolean;
}

/** After so many rounds of hooks that change objects during their own flush, something is wrong. */
const MAX_FLUSHES = 100;

let sessionCount = 0;

/**
 * The unit of work: keeps one object for each row, and writes what was added, changed and deleted in one transaction.
 *
 * Operations that touch the database run one after the other in the order of their calls.
 */
export class Session implements QueryExecutor {
  /** Names the session in messages: `session-1`. @internal */
  readonly id = `session-${++sessionCount}`;
  /** @internal */
  readonly dialect: Dialect;
  /** @internal */
  readonly connection: Connection;
  /** What the last commit, flush, rollback or bulk change did; for showing it. @internal */
  lastOutcome: Outcome | undefined;

  readonly #host: SessionHost;
  readonly #unit: UnitOfWork;
  readonly #queue = new OperationQueue();
  readonly #transaction: TransactionControl;
  readonly #loader: Loader;
  readonly #flusher: Flusher;
  readonly #expireOnCommit: boolean;
  readonly #autoflush: boolean;
  #withoutAutoflush = 0;
  #written: FlushCounts = { inserts: 0, updates: 0, deletes: 0 };

  constructor(host: SessionHost, { autoflush = true, expireOnCommit = true }: SessionOptions = {}) {
    this.#host = host;
    this.dialect = host.dialect;
    this.connection = host.connect();
    this.#autoflush = autoflush;
    this.#expireOnCommit = expireOnCommit;
    this.#unit = new UnitOfWork(this);
    this.#transaction = new TransactionControl(this.connection, this.#unit);
    this.#loader = new Loader(this.connection, this.#unit, this.#transaction);
    this.#flusher = new Flusher(this.connection, this.#unit, this.#loader, this.#transaction);
  }

  // What is in the session

  /** Objects that the next flush inserts, in the order of their adding. */
  get new(): Set<Model> {
    return new Set(this.#unit.new.toArray().map(({ instance }) => asModel(instance)));
  }

  /** Objects with a row that were touched since the last flush; setting a value to what it was counts. */
  get dirty(): Set<Model> {
    this.#unit.compareWatched();
    const touched = this.#unit.touched.toArray().filter((state) => state.status === "persistent" && !state.marked);
    return new Set(touched.map(({ instance }) => asModel(instance)));
  }

  /** Objects that the next flush deletes. */
  get deleted(): Set<Model> {
    return new Set(this.#unit.deleted.toArray().map(({ instance }) => asModel(instance)));
  }

  /** Whether the object belongs to this session: pending, or persistent and not deleted. */
  has(object: object): boolean {
    return this.#unit.has(this.#instance(object));
  }

  /** Pending and persistent objects. */
  *[Symbol.iterator](): Iterator<Model> {
    for (const { instance } of this.#unit.new) yield asModel(instance);
    for (const instance of [...this.#unit.identity]) yield asModel(instance);
  }

  /** "transient", "pending", "persistent", "deleted" or "detached". */
  stateOf(object: object): InstanceStatus {
    this.#instance(object);
    return stateOf(object);
  }

  /**
   * Whether a flush would write something of the object.
   *
   * @param includeCollections  changed collections count; default true
   */
  isModified(object: object, { includeCollections = true }: { includeCollections?: boolean } = {}): boolean {
    const instance = this.#instance(object);
    const state = peekState(instance);
    if (state instanceof LoadedState) return false;
    if (state === undefined || !state.hasRow)
      return Object.values(instance.dataValues).some((value) => value !== undefined);
    if (changedAttributes(state).length > 0) return true;
    for (let relation = state.relations; relation !== undefined; relation = relation.next) {
      if (relation instanceof Members ? includeCollections && relation.changed : relation.isChanged) return true;
    }
    return false;
  }

  /** False after a failed flush, until `rollback()`. */
  get isActive(): boolean {
    return this.#transaction.isActive;
  }

  /**
   * Objects that a commit would write, those that were flushed and are not yet committed, and rows that statements have written.
   *
   * @internal
   */
  pendingWork(): PendingWork {
    const { frames } = this.#unit;
    const count = (flushed: (frame: (typeof frames)[number]) => number): number =>
      frames.reduce((sum, frame) => sum + flushed(frame), 0);
    const written = { includeCollections: false };
    const dirty = [...this.dirty].filter((object) => this.isModified(object, written)).length;
    const inserted = new Set(frames.flatMap((frame) => frame.inserted));
    const rows = (kind: keyof RowCounts): number => count((frame) => frame.rows[kind] - frame.rowsOfObjects[kind]);
    return {
      new: this.#unit.new.size + count(({ inserted }) => inserted.length) + rows("inserts"),
      changed:
        dirty +
        count(({ changed }) => [...changed.keys()].filter((state) => !inserted.has(state)).length) +
        rows("updates"),
      deleted: this.#unit.deleted.size + count((frame) => frame.deletedSize) + rows("deletes"),
      failed: !this.isActive,
    };
  }

  /** What `commit()` would write now: each object with its old and new values; sends nothing. @internal */
  plan(): PlannedChange[] {
    this.#unit.compareWatched();
    return planOf(this.#unit);
  }

  // Putting in and taking out

  /** Adds an object, and what is reachable from it, to be inserted by the next flush. */
  add(object: object): void {
    const instance = this.#instance(object);
    this.#unit.add(instance, this.mapperOf(instance));
  }

  /** Adds several objects; none if one of them is not an instance of a registered model. */
  addAll(objects: Iterable<object>): void {
    const instances = this.#instances(objects);
    for (let i = 0; i < instances.length; i++) {
      const instance = instances[i] as Instance;
      this.#unit.add(instance, this.mapperOf(instance));
    }
  }

  /**
   * Marks an object to be deleted by the next flush.
   *
   * @param force  a paranoid model's row is deleted for good
   */
  delete(object: object, options?: { force?: boolean }): void {
    const instance = this.#instance(object);
    this.#unit.delete(instance, this.mapperOf(instance), options?.force === true);
  }

  /** Takes an object out of the session; nothing is written of it any more. */
  expunge(object: object): void {
    const instance = this.#instance(object);
    this.#unit.expunge(instance, this.mapperOf(instance));
  }

  /** Takes every object out; an open transaction stays open. */
  expungeAll(): void {
    this.#unit.clear();
  }

  /** Drops an object's unflushed changes, or those of some attributes; the next row overwrites what stays. */
  expire(object: object, names?: readonly string[]): void {
    const instance = this.#instance(object);
    expire(this.#unit, instance, this.mapperOf(instance), names);
  }

  /** Expires every persistent object. */
  expireAll(): void {
    this.#unit.compareWatched();
    for (const state of this.#unit.touched)
      if (state.status === "persistent") expire(this.#unit, state.instance, state.mapper);
    this.#unit.expireAll();
  }

  // Querying

  /** A query over a model, or over columns and expressions, run by this session. */
  query<M extends Model>(model: ModelStatic<M> | Aliased<M>): Query<M>;
  query<const C extends readonly Selectable[]>(...selection: C): Query<ResultRow<C>>;
  query(...selection: readonly Selectable[]): Query<never> {
    return Query.of(() => this, ...selection) as unknown as Query<never>;
  }

  /**
   * The object with that primary key: the session's own without a statement where it is there, otherwise loaded; null where
   * there is none.
   *
   * @param key  a value, an array for several key columns, or an object by attribute
   */
  async get<M extends Model>(
    model: ModelStatic<M>,
    key: unknown,
    { populateExisting = false }: { populateExisting?: boolean } = {},
  ): Promise<M | null> {
    this.#mapper(model);
    const query = this.query(model);
    return (populateExisting ? query.populateExisting() : query).get(key);
  }

  /** @internal */
  async getByKey(mapper: Mapper, key: unknown, options: GetOptions): Promise<Model | null> {
    const values = normalizeKey(mapper, key);
    if (values === undefined) return null;
    return this.#queue.run(async () => {
      this.#transaction.check();
      const flush = (): Promise<void> => this.#flushBefore(options.autoflush);
      return (await getByKey(this.#unit, this.#loader, mapper, values, options, flush)) as unknown as Model | null;
    });
  }

  /** @internal */
  select(compile: () => CompiledSelect, { autoflush }: SelectOptions = {}): Promise<unknown[]> {
    return this.#queue.run(async () => {
      await this.#flushBefore(autoflush);
      return this.#loader.select(compile());
    });
  }

  /** @internal */
  stream(
    compile: () => CompiledSelect,
    { autoflush, batch }: SelectOptions & { batch: number },
  ): AsyncIterable<unknown> {
    return streamRows(this.connection, batch, {
      open: (start) =>
        this.#queue.run(async () => {
          this.#transaction.check();
          await this.#flushBefore(autoflush);
          const compiled = compile();
          await this.#loader.prepare(compiled);
          return this.#loader.watch(() => start(compiled));
        }),
      turn: (work) => this.#queue.run(() => this.#loader.watch(work)),
      reader: (compiled) => this.#loader.reader(compiled),
    });
  }

  /** @internal */
  change(change: BulkChange): Promise<number> {
    return this.#queue.run(async () => {
      const start = performance.now();
      if (change.autoflush) await this.#flushBefore(undefined);
      this.#transaction.check();
      const { frame } = this.#unit;
      const [changedBefore, deletedBefore] = [frame.changed.size, frame.deletedSize];
      const rows = await runBulkChange(
        change,
        this.#unit,
        this.#loader,
        async (statement) => (await this.#write(statement)).rowCount,
      );
      frame.rowsOfObjects.updates += frame.changed.size - changedBefore;
      frame.rowsOfObjects.deletes += frame.deletedSize - deletedBefore;
      this.lastOutcome = { kind: change.kind, rows, durationMs: performance.now() - start };
      return rows;
    });
  }

  /** @internal */
  rawRows(compile: () => Statement, { autoflush }: SelectOptions = {}): Promise<DriverRow[]> {
    return this.#queue.run(async () => {
      await this.#flushBefore(autoflush);
      const statement = compile();
      this.#transaction.check();
      if (isReadOnlyText(statement.sql)) return this.#loader.rows(statement);
      return (await this.#write(statement)).rows;
    });
  }

  /**
   * Sends a text with named parameters (`:name`), or runs a query.
   *
   * A text that writes opens the session's transaction.
   */
  async execute(
    statement: unknown,
    parameters?: TextParameters,
    { autoflush = true }: SelectOptions = {},
  ): Promise<Result> {
    if (statement instanceof Query) {
      const rows = (await statement.all()) as unknown[];
      return Result.ofObjects(rows);
    }
    const { sql, parameters: values } = textStatement(statement, parameters, this.dialect);
    return this.#queue.run(async () => {
      await this.#flushBefore(autoflush);
      this.#transaction.check();
      if (isReadOnlyText(sql)) {
        const rows = await this.#loader.rows({ sql, parameters: values });
        return Result.ofRows(rows, rows.length, { reads: true });
      }
      const { rows, rowCount } = await this.#write({ sql, parameters: values });
      return Result.ofRows(rows, rowCount);
    });
  }

  /** The first column of the first row; null where there is none. */
  async scalar(statement: unknown, parameters?: TextParameters, options?: SelectOptions): Promise<unknown> {
    return (await this.execute(statement, parameters, options)).scalar();
  }

  /** The first column of every row. */
  async scalars(statement: unknown, parameters?: TextParameters, options?: SelectOptions): Promise<unknown[]> {
    return (await this.execute(statement, parameters, options)).scalars();
  }

  async #write({ sql, parameters }: Statement): Promise<{ rows: DriverRow[]; rowCount: number }> {
    const begins =
      !/^\s*(VACUUM|PRAGMA|ATTACH|DETACH|SET|ANALYZE|CREATE\s+DATABASE|DROP\s+DATABASE)\b/i.test(sql) &&
      !this.connection.commitsBefore(sql);
    await this.#host.guard?.({ sql, parameters }, (text) => this.connection.count(text));
    if (begins) await this.#transaction.ensureOpen();
    try {
      const isReturning = /\bRETURNING\b/i.test(sql);
      const rows = isReturning ? await this.connection.all(sql, parameters) : undefined;
      const done = rows ? { rows, rowCount: rows.length } : await this.connection.run(sql, parameters);
      if (begins && !isCapturing()) this.#noteRows(sql, done.rowCount);
      return done;
    } catch (error) {
      if (error instanceof DatabaseError)
        await this.#transaction.statementFailed(error, true, error instanceof OperationalError);
      throw error;
    }
  }

  /** Notes the rows that a statement wrote in the open transaction; a change of a table, which has no rows, counts as one. */
  #noteRows(sql: string, count: number): void {
    const work = workOfText(sql);
    const { rows } = this.#unit.frame;
    if (work === "other") rows.updates += this.dialect.supportsTransactionalDdl ? Math.max(1, count) : 0;
    else if (work !== undefined) rows[work] += count;
  }

  // Loading

  /** Loads a relationship (`"role"`, `"role.users"`) of one object or of many with one statement. @returns of one object, what was loaded */
  async load(objects: object | Iterable<object>, path: string): Promise<unknown> {
    const isList = Symbol.iterator in objects && !("dataValues" in objects);
    const instances = (isList ? [...objects] : [objects]).map((object) => this.#instance(object));
    return this.#queue.run(async () => {
      this.#transaction.check();
      await this.#flushBefore(undefined);
      return loadPath(this.#unit, this.#loader, instances, path, isList);
    });
  }

  /** Reads an object's row again; its unflushed changes are lost, also where the row is gone. */
  async refresh(object: object, names?: readonly string[], { withForUpdate = false } = {}): Promise<void> {
    const instance = this.#instance(object);
    const mapper = this.mapperOf(instance);
    await this.#queue.run(async () => {
      this.#transaction.check();
      if (isCapturing()) {
        await this.#flushBefore(undefined);
        await this.#loader.byKey(mapper, keyValues(mapper, instance), {});
        return;
      }
      expire(this.#unit, instance, mapper, names);
      const relationships = (names ?? []).filter((name) => mapper.relationships.has(name));
      const attributes = names?.filter((name) => !relationships.includes(name));
      await this.#flushBefore(undefined);
      if (attributes === undefined || attributes.length > 0) {
        const key = keyValues(mapper, instance);
        const options = { populate: names === undefined, forUpdate: withForUpdate };
        const found = await this.#loader.byKey(
          mapper,
          key,
          attributes === undefined ? options : { ...options, only: attributes },
        );
        if (found !== instance)
          throw new InvalidRequestError(
            `Could not refresh instance ${describeInstance(instance, mapper)}: its row is not there.`,
          );
      }
      for (const name of relationships) await loadPath(this.#unit, this.#loader, [instance], name, false);
    });
  }

  /**
   * Reads an object's row again and keeps its unflushed changes; what has expired, or was not loaded, is overwritten.
   *
   * @internal
   */
  async reloadExpired(object: object): Promise<void> {
    const instance = this.#instance(object);
    const mapper = this.mapperOf(instance);
    await this.#queue.run(async () => {
      this.#transaction.check();
      await this.#loader.byKey(mapper, keyValues(mapper, instance), {});
    });
  }

  /** Reads the rows of every persistent object again that has expired. @internal */
  async refreshAll(): Promise<void> {
    for (const instance of [...this.#unit.identity]) {
      const state = peekState(instance);
      if (state !== undefined && state.epoch < this.#unit.epoch) await this.refresh(instance);
    }
  }

  /** Copies the values of an object, and of what is reachable along merge cascades, onto the session's own objects. */
  async merge<M extends object>(object: M, options: MergeOptions = {}): Promise<M> {
    const instance = this.#instance(object);
    return this.#queue.run(async () => {
      this.#transaction.check();
      if (options.load !== false) await this.#flushBefore(undefined);
      if (isCapturing()) {
        const mapper = this.mapperOf(instance);
        const key = mapper.identityOf(instance.dataValues);
        const isKnown = key === undefined || this.#unit.identity.get(mapper, key) !== undefined;
        if (options.load !== false && !isKnown) await this.#loader.byKey(mapper, keyValues(mapper, instance), {});
        return object;
      }
      return (await merge(this.#unit, this.#loader, instance, options)) as unknown as M;
    });
  }

  // Writing

  /**
   * Writes pending changes in the open transaction; of some objects only, where given.
   *
   * @throws {IntegrityError} and other errors of the database: the transaction is then rolled back, and `rollback()` goes on
   */
  flush(objects?: Iterable<object>): Promise<void> {
    return handled(async () => {
      const only = objects && [...objects].map((object) => this.#instance(object));
      if (this.#queue.isInside && this.#flusher.isRunning) throw new InvalidRequestError("Session is already flushing");
      await this.#queue.run(async () => {
        const start = performance.now();
        const states = only?.map((instance) => ownState(instance, this.mapperOf(instance)));
        const counts = await this.#flush(states);
        this.lastOutcome = { kind: "flush", ...counts, durationMs: performance.now() - start };
      });
    });
  }

  async #flush(states?: readonly InstanceState[]): Promise<FlushCounts> {
    if (isCapturing()) {
      await this.#rehearse(states);
      return { inserts: 0, updates: 0, deletes: 0 };
    }
    const counts = await this.#flusher.flush(states);
    this.#written.inserts += counts.inserts;
    this.#written.updates += counts.updates;
    this.#written.deletes += counts.deletes;
    return counts;
  }

  /** Notes down what a flush would send; once in a capture, as a flush that is sent leaves nothing for the next one. */
  async #rehearse(states?: readonly InstanceState[]): Promise<void> {
    const { new: added, touched, deleted } = this.#unit;
    const capture = capturedStatements();
    const work = [added.size, touched.size, deleted.size].join(" ");
    if (states === undefined && this.#rehearsed.capture === capture && this.#rehearsed.work === work) return;
    await this.#flusher.rehearse(states);
    if (states === undefined) this.#rehearsed = { capture, work };
  }
  #rehearsed: { capture: unknown; work: string } = { capture: undefined, work: "" };

  /** Flushes and commits the whole transaction, also while a savepoint is open. */
  commit(): Promise<void> {
    return handled(() => {
      this.#refuseInsideFlush("commit");
      return this.#queue.run(() => this.#commit());
    });
  }

  async #commit(): Promise<void> {
    const start = performance.now();
    this.#transaction.check();
    if (isCapturing()) {
      await this.#flush();
      return;
    }
    for (let rounds = 0; this.#flusher.hasWork; rounds++) {
      if (rounds === MAX_FLUSHES) throw tooManyFlushes();
      const counts = await this.#flush();
      if (counts.inserts + counts.updates + counts.deletes === 0) break;
    }
    for (const { rows } of this.#unit.frames) addRows(this.#written, rows);
    const { onInserted } = this.#host;
    const inserted = onInserted && this.#unit.frames.flatMap((frame) => frame.inserted.map((state) => state.instance));
    await this.#transaction.commit();
    if (inserted?.length) onInserted?.(inserted);
    if (this.#expireOnCommit) this.#unit.expireAll();
    this.lastOutcome = { kind: "commit", ...this.#written, durationMs: performance.now() - start };
    this.#written = { inserts: 0, updates: 0, deletes: 0 };
  }

  /** Undoes the whole transaction, in the database and in memory, also while a savepoint is open. */
  rollback(): Promise<void> {
    return handled(() => {
      this.#refuseInsideFlush("rollback");
      return this.#queue.run(() => this.#rollback());
    });
  }

  async #rollback(): Promise<void> {
    if (isCapturing()) return;
    const start = performance.now();
    const work = this.pendingWork();
    if (work.failed && work.new + work.changed + work.deleted > 0)
      this.warn("Session's state has been changed on a non-active transaction - this state will be discarded.");
    await this.#transaction.rollback(0);
    if (this.#expireOnCommit) this.#unit.expireAll();
    this.#written = { inserts: 0, updates: 0, deletes: 0 };
    this.lastOutcome = {
      kind: "rollback",
      newDiscarded: work.new,
      changedDiscarded: work.changed,
      deletedDiscarded: work.deleted,
      durationMs: performance.now() - start,
    };
  }

  /** Rolls back what is not committed, takes every object out and gives the connection back. The session may be used again. */
  async close(): Promise<void> {
    await this.#queue.run(async () => {
      await this.#transaction.rollback(0);
      this.#unit.clear();
      this.#written = { inserts: 0, updates: 0, deletes: 0 };
      await this.connection.close();
    });
  }

  // Transactions

  /** Begins a transaction before the first write would. */
  async begin(): Promise<SessionTransaction> {
    return this.#queue.run(async () =>
      isCapturing() ? this.#rehearsalHandle() : this.#transaction.begin(this.#owner),
    );
  }

  /** Runs `work` in a transaction of its own: committed at its end, rolled back where it throws. Other operations of the session wait. */
  async transaction<T>(work: (session: this) => T | Promise<T>): Promise<T> {
    return this.#queue.block(async () => {
      const handle = await this.begin();
      return this.#within(handle, work);
    });
  }

  /** Flushes and sets a savepoint. With a function: it runs inside the savepoint, which is then kept, or undone where it throws. */
  beginNested(): Promise<SessionTransaction>;
  beginNested<T>(work: (session: this) => T | Promise<T>): Promise<T>;
  async beginNested<T>(work?: (session: this) => T | Promise<T>): Promise<T | SessionTransaction> {
    const begin = (): Promise<SessionTransaction> =>
      this.#queue.run(async () => {
        this.#transaction.check();
        await this.#flush();
        return isCapturing() ? this.#rehearsalHandle() : this.#transaction.beginNested(this.#owner);
      });
    if (work === undefined) return begin();
    return this.#queue.block(async () => this.#within(await begin(), work));
  }

  /**
   * Sets a savepoint without flushing: for what a person types next in a sandbox.
   *
   * `keep` and `undo` end it without flushing; they do nothing where the transaction has ended.
   *
   * @internal
   */
  savepoint(): Promise<{ keep(): Promise<void>; undo(): Promise<void> }> {
    return this.#queue.run(async () => {
      const handle = await this.#transaction.beginNested(this.#owner);
      const { depth } = this.#transaction;
      const end = (how: () => Promise<unknown>): Promise<void> =>
        this.#queue.run(async () => {
          if (handle.isActive) await how();
        });
      return {
        keep: () => end(() => this.#transaction.release(depth)),
        undo: () => end(() => this.#transaction.rollback(depth)),
      };
    });
  }

  /** Stands for a transaction where nothing is sent. */
  #rehearsalHandle(): SessionTransaction {
    const commitAt = async (): Promise<void> => void (await this.#flush());
    return new SessionTransaction({ commitAt, rollbackAt: () => NOTHING }, 0);
  }

  async #within<T>(handle: SessionTransaction, work: (session: this) => T | Promise<T>): Promise<T> {
    let result: T;
    try {
      result = await work(this);
      if (handle.isActive) await handle.commit();
    } catch (error) {
      if (handle.isActive) await handle.rollback();
      throw error;
    }
    return result;
  }

  readonly #owner = {
    commitAt: (depth: number): Promise<void> => {
      if (depth === 0) return this.commit();
      return this.#queue.run(async () => {
        this.#transaction.check();
        await this.#flush();
        await this.#transaction.release(depth);
      });
    },
    rollbackAt: (depth: number): Promise<void> => {
      if (depth === 0) return this.rollback();
      return this.#queue.run(async () => {
        await this.#transaction.rollback(depth);
      });
    },
  };

  /** Whether a transaction is open. */
  inTransaction(): boolean {
    return this.#transaction.isBegun;
  }

  /** Whether a savepoint is open. */
  inNestedTransaction(): boolean {
    return this.#transaction.depth > 0;
  }

  /** Switches autoflush off while `work` runs, or until the returned guard is disposed of (`using`). */
  noAutoflush(): Disposable;
  noAutoflush<T>(work: () => T | Promise<T>): Promise<T>;
  noAutoflush<T>(work?: () => T | Promise<T>): Promise<T> | Disposable {
    // Counted, because several of them may overlap and end in any order.
    this.#withoutAutoflush++;
    let isOver = false;
    const restore = (): void => {
      if (!isOver) this.#withoutAutoflush--;
      isOver = true;
    };
    if (work === undefined) return { [Symbol.dispose]: restore };
    return (async () => work())().finally(restore);
  }

  // Bulk

  /** Inserts or updates objects without a unit of work: their states do not change, nothing cascades. */
  async bulkSaveObjects(objects: Iterable<object>, options: BulkSaveOptions = {}): Promise<void> {
    const instances = this.#instances(objects);
    await this.#bulk(() => bulkSaveObjects(this.connection, instances, options), "inserts", instances.length);
  }

  /** Inserts plain values: neighbours with the same keys go into one statement. */
  async bulkInsertMappings(model: ModelStatic<Model>, mappings: Iterable<object>): Promise<void> {
    const mapper = this.#mapper(model);
    const values = [...mappings] as Record<string, unknown>[];
    await this.#bulk(() => bulkInsertMappings(this.connection, mapper, values), "inserts", values.length);
  }

  /** Updates rows from plain values that hold their primary keys. */
  async bulkUpdateMappings(model: ModelStatic<Model>, mappings: Iterable<object>): Promise<void> {
    const mapper = this.#mapper(model);
    const values = [...mappings] as Record<string, unknown>[];
    await this.#bulk(() => bulkUpdateMappings(this.connection, mapper, values), "updates", values.length);
  }

  async #bulk(prepare: () => (() => Promise<void>) | undefined, kind: keyof RowCounts, count: number): Promise<void> {
    const run = prepare();
    if (run === undefined) return;
    await this.#queue.run(async () => {
      this.#transaction.check();
      await this.#transaction.ensureOpen();
      try {
        await run();
        if (!isCapturing()) this.#unit.frame.rows[kind] += count;
      } catch (error) {
        await this.#transaction.fail(error);
        throw error;
      }
    });
  }

  // What the rest of the house asks

  /** Opens the transaction for a write that Sequelize itself sends. @internal */
  openForWrite(): Promise<void> {
    return this.#queue.run(async () => {
      this.#transaction.check();
      await this.#transaction.ensureOpen();
    });
  }

  /** Notes what an object's values were before Sequelize itself wrote its row, for a rollback. @internal */
  noteWritten(object: object, before: Record<string, unknown>): void {
    const instance = this.#instance(object);
    this.#unit.frame.noteChanged(ownState(instance, this.mapperOf(instance)), before);
  }

  /** Cancels the statement that is running in the database. @returns whether one was @internal */
  cancel(): Promise<boolean> {
    return this.connection.cancel();
  }

  /** Resolves when every operation that was called has ended. @internal */
  drain(): Promise<void> {
    return this.#queue.drain();
  }

  /** @internal */
  warn(message: string): void {
    this.#host.warn(message);
  }

  /** The mapper of an instance's model. @internal */
  mapperOf(instance: object): Mapper {
    const model = instance.constructor as ModelStatic<Model>;
    if (model !== this.#lastModel) {
      if (hostOf(model) !== this.#host) throw unmapped(instance);
      this.#lastModel = model;
      this.#lastMapper = Mapper.of(model);
    }
    return this.#lastMapper as Mapper;
  }
  #lastModel: ModelStatic<Model> | undefined;
  #lastMapper: Mapper | undefined;

  #mapper(model: ModelStatic<Model>): Mapper {
    const mapper = Mapper.of(model);
    if (hostOf(model) !== this.#host)
      throw new InvalidRequestError(`${mapper.name} is not registered with this database.`, {
        hint: `db.register(${mapper.name})`,
      });
    return mapper;
  }

  #instances(objects: Iterable<object>): Instance[] {
    const given = Array.isArray(objects) ? (objects as readonly object[]) : [...objects];
    const instances = new Array<Instance>(given.length);
    // Loops over many objects are counted ones, here and in a flush: an iterator's results would be garbage for each of them.
    for (let i = 0; i < given.length; i++) instances[i] = this.#instance(given[i]);
    return instances;
  }

  #instance(value: unknown): Instance {
    if (typeof value !== "object" || value === null || !("dataValues" in value)) throw unmapped(value);
    this.mapperOf(value);
    return value as Instance;
  }

  #refuseInsideFlush(what: string): void {
    if (this.#queue.isInside && this.#flusher.isRunning)
      throw new InvalidRequestError(`Cannot ${what} inside a flush: the session is already flushing`);
  }

  /** Flushes before a query, where there is something to flush. */
  #flushBefore(wanted: boolean | undefined): Promise<void> {
    if (
      wanted === false ||
      !this.#autoflush ||
      this.#withoutAutoflush > 0 ||
      this.#flusher.isRunning ||
      !this.#flusher.hasWork
    )
      return NOTHING;
    return this.#autoflushNow();
  }

  async #autoflushNow(): Promise<void> {
    try {
      await this.#flush();
    } catch (error) {
      if (error instanceof Error && !error.message.startsWith(AUTOFLUSH)) error.message = AUTOFLUSH + error.message;
      throw error;
    }
  }
}

const NOTHING = Promise.resolve();
const AUTOFLUSH =
  "(raised as a result of Query-invoked autoflush; consider using a session.no_autoflush block if this flush is occurring prematurely) ";

/** Makes a deleted object, or any other that is in no session, as good as new: it may be added and is inserted again. */
export function makeTransient(object: object): void {
  const state = peekState(object);
  const instance = object as Instance;
  if (state !== undefined) {
    const own = state instanceof LoadedState ? ownState(instance, state.mapper) : state;
    if (own.unit !== undefined && own.status !== "deleted") own.unit.leave(own);
    own.status = "transient";
    own.unit = undefined;
    own.wasDeleted = false;
    own.marked = false;
    own.key = undefined;
    own.original = undefined;
    own.copies = undefined;
    own.expired = undefined;
    own.before = undefined;
  }
  instance.isNewRecord = true;
}

/** A promise whose rejection does not end the process when nobody waits for it: the session's state tells of the failure. */
function handled(work: () => Promise<void>): Promise<void> {
  const promise = (async () => work())();
  promise.catch(() => undefined);
  return promise;
}

function asModel(instance: Instance): Model {
  return instance as unknown as Model;
}

function unmapped(value: unknown): UnmappedInstanceError {
  return new UnmappedInstanceError(`Expected an instance of a registered model, got ${describe(value)}.`, { value });
}

function tooManyFlushes(): Error {
  return new FlushError(
    `Over ${MAX_FLUSHES} subsequent flushes have occurred within session.commit() - is a hook constantly making changes?`,
  );
}
