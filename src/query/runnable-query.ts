import { inspect } from "node:util";
import type { Dialect, Statement } from "../driver/dialect";
import { DEFAULT_DIALECT } from "../driver/dialects";
import type { PlanNode } from "../driver/plan";
import { ArgumentError, InvalidRequestError, MultipleResultsFound, NoResultFound, NotFound } from "../errors";
import type { ChangeOptions, DeleteOptions } from "./bulk-change";
import { deleteChange, updateChange } from "./bulk-change";
import { compileSelect, selectStatement, selectText } from "./compile";
import { distinctObjects, repeatsObjects } from "./distinct-objects";
import type { Entity } from "./entity";
import { holdsCollections, planLoads, planSelection, remainingLoads } from "./load-plan";
import { checkOptions } from "./named-options";
import type { NewValues } from "./model-shape";
import type { Node } from "./node";
import type { PaginateOptions } from "./pagination";
import { Pagination } from "./pagination";
import type { Query } from "./query";
import type { CompiledSelect, QueryExecutor } from "./query-executor";
import { columnNode } from "./relationship-link";
import { noteShape } from "./result-shape";
import type { SelectState } from "./select-state";
import { isDerived, primaryEntity, stateOf } from "./select-state";
import { countState } from "./wrapped-state";

/** The first value of a row, or the object. */
export type Scalar<T> = T extends readonly [infer F, ...unknown[]] ? F : T;

/** Rows that are read at a time where nothing else is said. */
const BATCH = 2000;

/**
 * A query with what can be done with it as it is: run it for its results, or show its SQL.
 *
 * @typeParam T  what its results are: objects of a model, or rows
 */
export class RunnableQuery<T = unknown> {
  /** What the query says, for the rest of the library. */
  readonly [stateOf]: SelectState;
  readonly #executor: () => QueryExecutor | undefined;

  /**
   * @param executor  gives what runs the query, when it is run
   * @param state     what the query says
   */
  constructor(executor: () => QueryExecutor | undefined, state: SelectState) {
    this.#executor = executor;
    this[stateOf] = state;
  }

  // ---- Results ----

  /** All results. */
  async all(): Promise<T[]> {
    return this.located(this.#select(this[stateOf]));
  }

  /** The first result; null where there is none. */
  async first(): Promise<T | null> {
    const rows = await this.located(this.#select(this.#firstState()));
    return rows[0] ?? null;
  }

  /**
   * The only result.
   *
   * @throws {NoResultFound} where there is none
   * @throws {MultipleResultsFound} where there are several
   */
  async one(): Promise<T> {
    const rows = await this.located(this.#select(this[stateOf]));
    if (rows.length > 1) throw new MultipleResultsFound("Multiple rows were found when exactly one was required");
    if (rows.length === 0) throw new NoResultFound("No row was found when one was required");
    return rows[0] as T;
  }

  /**
   * The only result; null where there is none.
   *
   * @throws {MultipleResultsFound} where there are several
   */
  async oneOrNone(): Promise<T | null> {
    const rows = await this.located(this.#select(this[stateOf]));
    if (rows.length > 1) throw new MultipleResultsFound("Multiple rows were found when one or none was required");
    return rows[0] ?? null;
  }

  /**
   * The first value of the only result; null where there is none.
   *
   * @throws {MultipleResultsFound} where there are several
   */
  async scalar(): Promise<Scalar<T> | null> {
    const rows = await this.located(this.#select(this[stateOf]));
    if (rows.length > 1) throw new MultipleResultsFound("Multiple rows were found when exactly one was required");
    const [row] = rows;
    if (row === undefined) return null;
    return (Array.isArray(row) ? (row as unknown[])[0] : row) as Scalar<T>;
  }

  /** The object with that primary key, from the session or the database; null where there is none. */
  async get(key: unknown): Promise<T | null> {
    const { mapper } = this.#requireGet();
    const executor = this.requireExecutor();
    const plan = planLoads(this[stateOf].loads, mapper);
    const found = await executor.getByKey(mapper, key, {
      autoflush: this[stateOf].autoflush,
      populateExisting: this[stateOf].populateExisting,
      loads: remainingLoads(plan, this[stateOf]),
      compile: (values) => this.#compileGet(values, executor.dialect),
    });
    return found as T | null;
  }

  /** The number of rows, bounds included. */
  async count(): Promise<number> {
    const state = countState(this[stateOf]);
    const executor = this.requireExecutor();
    const compile = (): CompiledSelect => compileSelect(state, executor.dialect);
    const rows = await this.located(executor.select(compile, { autoflush: state.autoflush }));
    return Number((rows[0] as readonly unknown[])[0]);
  }

  /** One page of the results. */
  async paginate(options: PaginateOptions = {}): Promise<Pagination<T>> {
    return Pagination.of(this as unknown as Query<T>, options);
  }

  /**
   * The first result.
   *
   * @throws {NotFound} where there is none
   */
  async firstOr404(description?: string): Promise<T> {
    return (await this.first()) ?? notFound(description);
  }

  /**
   * The object with that primary key.
   *
   * @throws {NotFound} where there is none
   */
  async getOr404(key: unknown, description?: string): Promise<T> {
    return (await this.get(key)) ?? notFound(description);
  }

  /**
   * The only result.
   *
   * @throws {NotFound} where there is none, or several
   */
  async oneOr404(description?: string): Promise<T> {
    try {
      return await this.one();
    } catch (error) {
      if (error instanceof NoResultFound || error instanceof MultipleResultsFound) return notFound(description);
      throw error;
    }
  }

  /** Sets values of all rows in one statement. @returns the number of rows matched */
  async update(values: NewValues<T>, options: ChangeOptions = {}): Promise<number> {
    const executor = this.requireExecutor();
    const change = updateChange(this[stateOf], executor.dialect, values, options);
    return this.located(executor.change(change));
  }

  /** Deletes all rows in one statement; of a paranoid model, marks them. @returns the number of rows matched */
  async delete(options: DeleteOptions = {}): Promise<number> {
    const executor = this.requireExecutor();
    const change = deleteChange(this[stateOf], executor.dialect, options);
    return this.located(executor.change(change));
  }

  /** How the database would run the query; with `analyze`, how it did. */
  async explain(options: { analyze?: boolean } = {}): Promise<PlanNode> {
    checkOptions(options, ["analyze"], "explain");
    const executor = this.requireExecutor();
    const { dialect } = executor;
    const analyze = options.analyze ?? false;
    const run = { autoflush: this[stateOf].autoflush };
    const statement = (): Statement => compileSelect(this[stateOf], dialect);
    const rows = await executor.rawRows(() => dialect.explainStatement(statement(), analyze), run);
    const plan = dialect.readPlan(rows);
    if (!analyze || dialect.explainRuns) return plan;
    const start = performance.now();
    const { length } = await executor.rawRows(statement, run);
    return { ...plan, rows: length, timeMs: performance.now() - start };
  }

  /** The results one after the other, read in batches; leaving the loop ends the reading. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    const state = this[stateOf];
    const entity = primaryEntity(state);
    if ([...planSelection(state).values()].some(holdsCollections)) {
      if (state.batch === undefined) return this.#allByOne();
      throw new InvalidRequestError(
        "Can't use yieldPer() with eager loaders that require uniquing: a joined collection's rows may fall into several batches.",
        { hint: "load the collection by selectin()" },
      );
    }
    const executor = this.requireExecutor();
    const options = { autoflush: state.autoflush, batch: state.batch ?? BATCH };
    const results = executor.stream(() => compileSelect(state, executor.dialect), options) as AsyncIterable<T>;
    const mapper = entity !== undefined && repeatsObjects(state) ? entity.mapper : undefined;
    return mapper === undefined
      ? (results[Symbol.asyncIterator]() as AsyncIterableIterator<T>)
      : distinctObjects(results, mapper);
  }

  async *#allByOne(): AsyncGenerator<T, void, undefined> {
    yield* await this.all();
  }

  // ---- SQL ----

  /** The statement as it would be sent now: its text with placeholders, and its parameters. Nothing is run. */
  toSQL(): Statement {
    return selectStatement(this[stateOf], this.dialect);
  }

  /** The statement with its values written in, as the database's own client takes it. Nothing is run. */
  get sql(): string {
    return selectText(this[stateOf], this.dialect);
  }

  toString(): string {
    return this.sql;
  }

  [Symbol.toPrimitive](hint: string): string {
    if (hint !== "number") return this.sql;
    throw new ArgumentError("A query has no value in JavaScript: it cannot be compared or calculated with operators.", {
      hint: "await query.scalar() gives one value, query.scalarSubquery() an expression",
    });
  }

  [inspect.custom](): string {
    return `<Query ${this.sql}>`;
  }

  // ---- Inside ----

  /** What gives the executor, for the queries that are made of this one. */
  protected get executor(): () => QueryExecutor | undefined {
    return this.#executor;
  }

  /** The dialect of the query's tables, or of its executor. */
  protected get dialect(): Dialect {
    for (const source of this[stateOf].from) {
      const entity = isDerived(source) ? this[stateOf].joinpoint : source;
      if (entity !== undefined) return entity.mapper.dialect;
    }
    return this.#executor()?.dialect ?? DEFAULT_DIALECT;
  }

  /** What runs the query. */
  protected requireExecutor(): QueryExecutor {
    const executor = this.#executor();
    if (executor !== undefined) return executor;
    throw new InvalidRequestError("Cannot run this query: it belongs to no session.", {
      hint: "db.session.query(Model) gives one that does",
    });
  }

  /** Lets an error of the database tell where the query was run: a driver's error knows only its own event loop. */
  protected async located<R>(result: Promise<R>): Promise<R> {
    const here: { stack?: string } = {};
    Error.captureStackTrace(here);
    try {
      return await result;
    } catch (error) {
      if (error instanceof Error && error.stack !== undefined) {
        // Without the frames of this method and of the one that was called.
        const frames = here.stack?.split("\n").slice(2).join("\n") ?? "";
        if (!error.stack.includes(frames)) error.stack += `\n${frames}`;
      }
      throw error;
    }
  }

  #firstState(): SelectState {
    return { ...this[stateOf], limit: this[stateOf].limit === 0 ? 0 : 1 };
  }

  async #select(state: SelectState): Promise<T[]> {
    const executor = this.requireExecutor();
    let compiled: CompiledSelect | undefined;
    const compile = (): CompiledSelect => (compiled = compileSelect(state, executor.dialect));
    const rows = (await executor.select(compile, { autoflush: state.autoflush })) as T[];
    if (compiled !== undefined) noteShape(rows, compiled);
    return rows;
  }

  #requireGet(): Entity {
    const { selection, where, joins, groupBy, having, limit, offset, fromChosen, from } = this[stateOf];
    const [entry] = selection;
    if (entry?.kind !== "entity" || selection.length > 1)
      throw new InvalidRequestError("Query.get() can only be used against a single mapped class.");
    const isOfQuery = from.some((source) => isDerived(source) || source.rows !== undefined);
    const bounded = limit !== undefined || offset !== undefined || fromChosen || isOfQuery;
    if (bounded || where.length + joins.length + groupBy.length + having.length > 0)
      throw new InvalidRequestError("Query.get() being called on a Query with existing criterion.");
    return entry.entity;
  }

  #compileGet(values: readonly unknown[], dialect: Dialect): CompiledSelect {
    const entity = this.#requireGet();
    const where = entity.mapper.primaryKey.map((attribute, i): Node => ({
      kind: "binary",
      operator: "=",
      left: columnNode(entity, attribute),
      right: { kind: "parameter", value: attribute.toDatabase(values[i]), attribute, besideColumn: true },
      type: { kind: "boolean" },
    }));
    return compileSelect({ ...this[stateOf], where, orderBy: [] }, dialect);
  }
}

function notFound(description: string | undefined): never {
  throw description === undefined ? new NotFound() : new NotFound(description);
}
