import { inspect } from "node:util";
import type { Model, ModelStatic } from "sequelize";
import type { Dialect, Statement } from "../driver/dialect";
import { describe } from "../driver/dialect";
import { DEFAULT_DIALECT } from "../driver/dialects";
import type { PlanNode } from "../driver/plan";
import { ArgumentError, InvalidRequestError, MultipleResultsFound, NoResultFound, NotFound } from "../errors";
import { rowCount, sliceBounds } from "./bounds";
import type { ChangeOptions, DeleteOptions } from "./bulk-change";
import { deleteChange, updateChange } from "./bulk-change";
import { compileSelect, countState, selectStatement, selectText } from "./compile";
import type { Entity } from "./entity";
import type { Condition, QueryOperand } from "./expression";
import { Expression } from "./expression";
import type { Aliased, OrderArgument } from "./expressions";
import { orderTerm } from "./expressions";
import { joinState, joinTarget } from "./joins";
import type { LoadingOption } from "./load-options";
import { LoadingOption as LoadingOptionClass } from "./load-options";
import { multipliesRows, planLoads, remainingLoads } from "./load-plan";
import type { Filter, RelatedModel, RelationshipName } from "./model-shape";
import type { Node, OrderTerm } from "./node";
import { nodeOfExpression, selectNode } from "./operand";
import type { PaginateOptions } from "./pagination";
import { Pagination } from "./pagination";
import type { CompiledSelect, QueryExecutor } from "./query-executor";
import { noteShape } from "./result-shape";
import { RelationshipExpression } from "./relationship-expression";
import { columnNode } from "./relationship-link";
import type { ResultRow } from "./result-row";
import type { Compound, SelectState, Selection } from "./select-state";
import { EMPTY, isDerived, primaryEntity, stateOf } from "./select-state";
import { modelAndScope, selectionOf, sourcesOfSelection } from "./selection";
import { Subquery, compoundState } from "./subquery";
import { withParentState } from "./related-state";
import { WhereObjects } from "./where-objects";

/** What may stand in a select list. */
export type Selectable = Expression | ModelStatic<Model> | Aliased | Query<unknown>;

/** A condition of `filter`: an expression, or a where object of Sequelize. */
export type FilterArgument = Condition | Expression | object;

/** The model whose names `filterBy` takes. */
type ModelOf<T> = T extends Model ? T : Model;

/** The first value of a row, or the object. */
type Scalar<T> = T extends readonly [infer F, ...unknown[]] ? F : T;

/** Rows that are read at a time where nothing else is said. */
const BATCH = 1000;

/**
 * A query: what is to be read, as an immutable value; nothing is sent until one of its asynchronous methods is called.
 *
 * Every builder gives a new query and leaves the receiver as it is. A query is no promise: awaiting it gives the query.
 *
 * @typeParam T  what its results are: objects of a model, or rows
 * @typeParam E  the model whose names `filterBy` takes: the last joined, else the first
 */
export class Query<T = unknown, E extends Model = ModelOf<T>> implements QueryOperand {
  readonly #executor: () => QueryExecutor | undefined;
  readonly #state: SelectState;

  /**
   * @param executor  gives what runs the query, when it is run
   * @param state     what the query says
   */
  constructor(executor: () => QueryExecutor | undefined, state: SelectState) {
    this.#executor = executor;
    this.#state = state;
  }

  /** A query of a model's objects, or of columns. */
  static of<M extends Model>(executor: () => QueryExecutor | undefined, model: ModelStatic<M>): Query<M>;
  static of<const C extends readonly Selectable[]>(
    executor: () => QueryExecutor | undefined,
    ...selection: C
  ): Query<ResultRow<C>>;
  static of(executor: () => QueryExecutor | undefined, ...selection: readonly unknown[]): Query {
    if (selection.length === 0) throw new ArgumentError("Expected a model or columns to query, got nothing.");
    const entries = selection.map(selectionOf);
    // Further tables come into FROM by joins, or by being named.
    const from = sourcesOfSelection(entries).slice(0, 1);
    const [first] = selection;
    const scope = typeof first === "function" ? modelAndScope(first as ModelStatic<Model>).scope : undefined;
    const joinpoint = from.find((source) => !isDerived(source)) as Entity | undefined;
    return new Query(executor, { ...EMPTY, selection: entries, from, joinpoint, scope });
  }

  /** What the query says, for the rest of the library. */
  get [stateOf](): SelectState {
    return this.#state;
  }

  // ---- Conditions ----

  /** Rows that fulfil all of the conditions, beside those given before. */
  filter(...conditions: FilterArgument[]): Query<T, E> {
    return this.#filtered("filter", conditions);
  }

  /** The same as {@link filter}, by SQL's word. */
  where(...conditions: FilterArgument[]): Query<T, E> {
    return this.#filtered("where", conditions);
  }

  /** Rows whose attributes and relationships have these values: of the last joined model, else of the first. */
  filterBy(values: Filter<E>): Query<T, E> {
    this.#refuseBounds("filter");
    if (typeof values !== "object" || values === null || nodeOfExpression(values) !== undefined)
      throw new ArgumentError(`Expected values by name in filterBy(), got ${describe(values)}.`);
    const entity = this.#requireJoinpoint("filterBy");
    const nodes = Object.entries(values).map(([key, value]) => namedCondition(entity, key, value));
    return nodes.length === 0 ? this : this.#with({ where: [...this.#state.where, ...nodes] });
  }

  /** Rows that belong to the object, along the relationship of that name or the only one. */
  withParent(instance: Model, relationship?: string): Query<T, E> {
    this.#refuseBounds("withParent");
    return this.#replace(withParentState(this.#state, instance, relationship));
  }

  // ---- Order, groups, bounds ----

  /** Orders by columns, expressions, or names of attributes and labels, after what was given before; null forgets the order. */
  orderBy(...terms: readonly (OrderArgument | null | false)[]): Query<T, E> {
    this.#refuseBounds("orderBy");
    if (terms.length === 1 && (terms[0] === null || terms[0] === false))
      return this.#with({ orderBy: [], relatedOrder: [] });
    return this.#with({ orderBy: [...this.#state.orderBy, ...terms.map((term) => this.#orderTerm(term))] });
  }

  /** Groups by columns, expressions, or names of attributes and labels, after what was given before; null forgets the groups. */
  groupBy(...terms: readonly (Expression | string | null | false)[]): Query<T, E> {
    this.#refuseBounds("groupBy");
    if (terms.length === 1 && (terms[0] === null || terms[0] === false)) return this.#with({ groupBy: [] });
    const nodes = terms.map((term) => {
      if (typeof term === "string") return this.#named(term, "groupBy");
      const node = nodeOfExpression(term);
      if (node === undefined) throw new ArgumentError(`Expected columns in groupBy(), got ${describe(term)}.`);
      return node;
    });
    return this.#with({ groupBy: [...this.#state.groupBy, ...nodes] });
  }

  /** Groups that fulfil all of the conditions. */
  having(...conditions: FilterArgument[]): Query<T, E> {
    this.#refuseBounds("having");
    return this.#with({ having: [...this.#state.having, ...this.#conditions("having", conditions)] });
  }

  /** At most this many rows; null takes the bound away. */
  limit(count: number | string | null): Query<T, E> {
    return this.#with({ limit: rowCount(count, "limit") });
  }

  /** Leaves out this many rows at the beginning; null takes none away. */
  offset(count: number | string | null): Query<T, E> {
    return this.#with({ offset: rowCount(count, "offset") });
  }

  /** The rows from `start` up to but not including `stop`, counted within the bounds that the query has. */
  slice(start: number, stop?: number): Query<T, E> {
    return this.#with(sliceBounds(this.#state, start, stop));
  }

  /** Equal rows once; with columns (PostgreSQL): the first row for each of their values. */
  distinct(...columns: (Expression | string)[]): Query<T, E> {
    if (columns.length === 0) return this.#with({ distinct: true });
    if (!this.#dialect.supportsDistinctOn)
      throw new InvalidRequestError("DISTINCT ON is not supported by this database.", {
        hint: "distinct() without columns, or groupBy()",
      });
    const nodes = columns.map((column) => this.#orderTerm(column).operand);
    return this.#with({ distinctOn: [...this.#state.distinctOn, ...nodes] });
  }

  // ---- Joins ----

  /** Joins a relationship, a model, an alias or a subquery (INNER JOIN); the condition may be left out where only one is possible. */
  join<K extends RelationshipName<E>>(relationship: K, alias?: Aliased): Query<T, RelatedModel<E, K & keyof E>>;
  join<R extends Model>(relationship: RelationshipExpression<R>, alias?: Aliased): Query<T, R>;
  join<R extends Model>(
    model: ModelStatic<R> | Aliased<R>,
    on?: Condition | Expression | RelationshipExpression<unknown> | string,
  ): Query<T, R>;
  join(subquery: Subquery, on?: Condition | Expression): Query<T, E>;
  join(path: string, alias?: Aliased): Query<T>;
  // `any`: the overloads above tell the model; the implementation cannot.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  join(target: unknown, on?: unknown): Query<T, any> {
    this.#refuseBounds("join");
    return this.#replace<T, never>(joinState(this.#state, target, on, false));
  }

  /** The same as {@link join}, and rows without a partner stay (LEFT OUTER JOIN). */
  outerjoin<K extends RelationshipName<E>>(relationship: K, alias?: Aliased): Query<T, RelatedModel<E, K & keyof E>>;
  outerjoin<R extends Model>(relationship: RelationshipExpression<R>, alias?: Aliased): Query<T, R>;
  outerjoin<R extends Model>(
    model: ModelStatic<R> | Aliased<R>,
    on?: Condition | Expression | RelationshipExpression<unknown> | string,
  ): Query<T, R>;
  outerjoin(subquery: Subquery, on?: Condition | Expression): Query<T, E>;
  outerjoin(path: string, alias?: Aliased): Query<T>;
  // `any`: see join.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  outerjoin(target: unknown, on?: unknown): Query<T, any> {
    this.#refuseBounds("join");
    return this.#replace<T, never>(joinState(this.#state, target, on, true));
  }

  /** Makes `filterBy` speak of the query's first model again. */
  resetJoinpoint(): Query<T> {
    const [first] = this.#state.from;
    const entity = first !== undefined && !isDerived(first) ? first : primaryEntity(this.#state);
    return this.#replace({ ...this.#state, joinpoint: primaryEntity({ ...this.#state, joinpoint: entity }) });
  }

  /** Chooses what stands first in FROM. */
  selectFrom(source: ModelStatic<Model> | Aliased | Subquery): Query<T, E> {
    this.#refuseBounds("selectFrom");
    if (this.#state.joins.length > 0)
      throw new InvalidRequestError("Query.selectFrom() being called on a Query which already has joins.", {
        hint: "call selectFrom() before join()",
      });
    const target = joinTarget(source);
    const joinpoint = isDerived(target) ? this.#state.joinpoint : target;
    return this.#with({ from: [target], fromChosen: true, joinpoint, scope: undefined });
  }

  // ---- Select list ----

  /** Rows of these columns and expressions instead. */
  withEntities<const C extends readonly Selectable[]>(...columns: C): Query<ResultRow<C>, E> {
    if (columns.length === 0) throw new InvalidRequestError("Query.withEntities() needs at least one column or model.");
    const selection = columns.map(selectionOf);
    return this.#replace<ResultRow<C>, E>({ ...this.#state, selection, from: this.#fromFor(selection) });
  }

  /** Rows of the columns selected so far and these. */
  addColumns<const C extends readonly Selectable[]>(
    ...columns: C
  ): Query<ResultRow<readonly [...(T extends Model ? [ModelStatic<T>] : []), ...C]>, E> {
    return this.#replace({ ...this.#state, selection: [...this.#state.selection, ...columns.map(selectionOf)] });
  }

  // ---- Combination ----

  /** The rows of this query and of the others, equal ones once. */
  union(...others: Query<T, never>[]): Query<T> {
    return this.#combined("UNION", others);
  }

  /** The rows of this query and of the others, each as often as it comes. */
  unionAll(...others: Query<T, never>[]): Query<T> {
    return this.#combined("UNION ALL", others);
  }

  /** The rows that this query and all of the others have. */
  intersect(...others: Query<T, never>[]): Query<T> {
    return this.#combined("INTERSECT", others);
  }

  /** The rows of this query that none of the others has. */
  except(...others: Query<T, never>[]): Query<T> {
    return this.#combined("EXCEPT", others);
  }

  /** The query as a table with columns, for FROM and joins. */
  subquery(name?: string): Subquery<T> {
    return new Subquery<T>(this.#state, name);
  }

  /** The query of one column as a value in an expression. */
  scalarSubquery<V = Scalar<T>>(): Expression<V> {
    return new Expression<V>(selectNode(this.#state, "scalar", "scalarSubquery"));
  }

  /** Whether the query finds a row, as a condition. */
  exists(): Condition {
    const { limit, offset, ...state } = this.#state;
    // One row is enough, whichever; a bound matters only where it can leave none.
    const bounds = offset !== undefined || limit === 0 ? { limit, offset } : { limit: undefined, offset: undefined };
    return new Expression({
      kind: "exists",
      state: { ...state, ...bounds, orderBy: [], relatedOrder: [], loads: [] },
      negated: false,
    });
  }

  // ---- How it is run ----

  /** What is loaded beside the rows: `joined("users")`, `selectin("users")`, `loadOnly("id")` … */
  options(...options: LoadingOption[]): Query<T, E> {
    const requests = options.map((option) => {
      if (option instanceof LoadingOptionClass) return option.request;
      throw new ArgumentError(`Expected loading options, got ${describe(option)}.`, {
        hint: 'joined("users"), selectin("users"), noload("users"), raiseload("users"), loadOnly("id"), defer("bio")',
      });
    });
    return this.#with({ loads: [...this.#state.loads, ...requests] });
  }

  /** Locks the rows until the end of the transaction, where the database can (FOR UPDATE). */
  withForUpdate(): Query<T, E> {
    return this.#with({ forUpdate: true });
  }

  /** Values of objects that are loaded already are overwritten too, changes included. */
  populateExisting(): Query<T, E> {
    return this.#with({ populateExisting: true });
  }

  /** Rows are read in batches of this size by `for await`. */
  yieldPer(count: number): Query<T, E> {
    const batch = rowCount(count, "yieldPer");
    if (batch === undefined || batch === 0)
      throw new ArgumentError(`Expected a whole number from 1 up in yieldPer(), got ${describe(count)}.`);
    return this.#with({ batch });
  }

  /** Whether pending changes are flushed before the query is run; default true. */
  autoflush(flag: boolean): Query<T, E> {
    return this.#with({ autoflush: Boolean(flag) });
  }

  /** Rows that a paranoid model counts as deleted are found too. */
  withDeleted(): Query<T, E> {
    return this.#with({ withDeleted: true });
  }

  /** Without the default scopes of the models. */
  unscoped(): Query<T, E> {
    return this.#with({ unscoped: true });
  }

  // ---- Results ----

  /** All results. */
  async all(): Promise<T[]> {
    return this.#located(this.#select(this.#state));
  }

  /** The first result; null where there is none. */
  async first(): Promise<T | null> {
    const rows = await this.#located(this.#select(this.#firstState()));
    return rows[0] ?? null;
  }

  /**
   * The only result.
   *
   * @throws {NoResultFound} where there is none
   * @throws {MultipleResultsFound} where there are several
   */
  async one(): Promise<T> {
    const rows = await this.#located(this.#select(this.#state));
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
    const rows = await this.#located(this.#select(this.#state));
    if (rows.length > 1) throw new MultipleResultsFound("Multiple rows were found when one or none was required");
    return rows[0] ?? null;
  }

  /**
   * The first value of the only result; null where there is none.
   *
   * @throws {MultipleResultsFound} where there are several
   */
  async scalar(): Promise<Scalar<T> | null> {
    const rows = await this.#located(this.#select(this.#state));
    if (rows.length > 1) throw new MultipleResultsFound("Multiple rows were found when exactly one was required");
    const [row] = rows;
    if (row === undefined) return null;
    return (Array.isArray(row) ? (row as unknown[])[0] : row) as Scalar<T>;
  }

  /** The object with that primary key, from the session or the database; null where there is none. */
  async get(key: unknown): Promise<T | null> {
    const { mapper } = this.#requireGet();
    const executor = this.#requireExecutor();
    const plan = planLoads(this.#state, mapper);
    const found = await executor.getByKey(mapper, key, {
      autoflush: this.#state.autoflush,
      populateExisting: this.#state.populateExisting,
      loads: remainingLoads(plan),
      compile: (values) => this.#compileGet(values, executor.dialect),
    });
    return found as T | null;
  }

  /** The number of rows, bounds included. */
  async count(): Promise<number> {
    const state = countState(this.#state);
    const executor = this.#requireExecutor();
    const compile = (): CompiledSelect => compileSelect(state, executor.dialect);
    const rows = await this.#located(executor.select(compile, { autoflush: state.autoflush }));
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
  async update(
    values: { [K in keyof E]?: E[K] | Expression | object | null },
    options: ChangeOptions = {},
  ): Promise<number> {
    const executor = this.#requireExecutor();
    const change = updateChange(this.#state, executor.dialect, values, options);
    return this.#located(executor.change(change));
  }

  /** Deletes all rows in one statement; of a paranoid model, marks them. @returns the number of rows matched */
  async delete(options: DeleteOptions = {}): Promise<number> {
    const executor = this.#requireExecutor();
    const change = deleteChange(this.#state, executor.dialect, options);
    return this.#located(executor.change(change));
  }

  /** How the database would run the query; with `analyze`, how it did. */
  async explain(options: { analyze?: boolean } = {}): Promise<PlanNode> {
    const executor = this.#requireExecutor();
    const { dialect } = executor;
    const analyze = options.analyze ?? false;
    const run = { autoflush: this.#state.autoflush };
    const statement = (): Statement => compileSelect(this.#state, dialect);
    const rows = await executor.rawRows(() => dialect.explainStatement(statement(), analyze), run);
    const plan = dialect.readPlan(rows);
    if (!analyze || dialect.explainRuns) return plan;
    const start = performance.now();
    const { length } = await executor.rawRows(statement, run);
    return { ...plan, rows: length, timeMs: performance.now() - start };
  }

  /** The results one after the other, read in batches; leaving the loop ends the reading. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    const state = this.#state;
    const entity = primaryEntity(state);
    const hasEntity = state.selection.some((selection) => selection.kind === "entity");
    if (hasEntity && entity !== undefined && multipliesRows(planLoads(state, entity.mapper))) {
      if (state.batch !== undefined)
        throw new InvalidRequestError(
          "Can't use yieldPer() with eager loaders that require uniquing: a joined collection's rows may fall into several batches.",
          { hint: "load the collection by selectin()" },
        );
      yield* await this.all();
      return;
    }
    const executor = this.#requireExecutor();
    const options = { autoflush: state.autoflush, batch: state.batch ?? BATCH };
    yield* executor.stream(() => compileSelect(state, executor.dialect), options) as AsyncIterable<T>;
  }

  // ---- SQL ----

  /** The statement as it would be sent now: its text with placeholders, and its parameters. Nothing is run. */
  toSQL(): Statement {
    return selectStatement(this.#state, this.#dialect);
  }

  /** The statement with its values written in, as the database's own client takes it. Nothing is run. */
  get sql(): string {
    return selectText(this.#state, this.#dialect);
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

  get #dialect(): Dialect {
    for (const source of this.#state.from) {
      const entity = isDerived(source) ? this.#state.joinpoint : source;
      if (entity !== undefined) return entity.mapper.dialect;
    }
    return this.#executor()?.dialect ?? DEFAULT_DIALECT;
  }

  #with(change: Partial<SelectState>): Query<T, E> {
    return new Query<T, E>(this.#executor, { ...this.#state, ...change });
  }

  #replace<R = T, F extends Model = E>(state: SelectState): Query<R, F> {
    return new Query<R, F>(this.#executor, state);
  }

  #filtered(method: string, conditions: readonly unknown[]): Query<T, E> {
    this.#refuseBounds(method);
    const nodes = this.#conditions(method, conditions);
    return nodes.length === 0 ? this : this.#with({ where: [...this.#state.where, ...nodes] });
  }

  #conditions(method: string, conditions: readonly unknown[]): Node[] {
    return conditions.map((condition) => nodeOfExpression(condition) ?? this.#whereObject(method, condition));
  }

  #whereObject(method: string, condition: unknown): Node {
    if (typeof condition === "string") {
      const quoted = JSON.stringify(condition).slice(1, -1);
      throw new ArgumentError(
        `Textual SQL expression '${condition}' should be explicitly declared as text('${condition}')`,
        { hint: `.${method}(text("${quoted}"))` },
      );
    }
    if (typeof condition !== "object" || condition === null || Array.isArray(condition)) {
      throw new ArgumentError(`Expected conditions in ${method}(), got ${describe(condition)}.`, {
        hint: "a comparison is a method: User.c.id.eq(1), not User.c.id == 1",
      });
    }
    if (condition instanceof RelationshipExpression || condition instanceof Query)
      throw new ArgumentError(`Expected conditions in ${method}(), got ${describe(condition)}.`, {
        hint: condition instanceof Query ? "query.exists() is a condition" : "relationship.isNotNull() is a condition",
      });
    const entity = this.#requireJoinpoint(method);
    return new WhereObjects(entity, (path) => joinedAlong(this.#state, path)).condition(condition);
  }

  #requireJoinpoint(method: string): Entity {
    const entity = this.#state.joinpoint ?? primaryEntity(this.#state);
    if (entity !== undefined) return entity;
    throw new InvalidRequestError(`Query.${method}() needs a model whose names it can take; this query has none.`, {
      hint: "filter() takes expressions",
    });
  }

  #refuseBounds(method: string): void {
    const { limit, offset } = this.#state;
    if (limit === undefined && offset === undefined) return;
    throw new InvalidRequestError(
      `Query.${method}() being called on a Query which already has LIMIT or OFFSET applied. ` +
        `Call ${method}() before limit() or offset() are applied.`,
    );
  }

  #orderTerm(term: unknown): OrderTerm {
    const given = orderTerm(term as OrderArgument);
    return given.operand.kind === "label" ? { ...given, operand: this.#named(given.operand.name, "orderBy") } : given;
  }

  /** The label or the attribute of that name. */
  #named(name: string, method: string): Node {
    const { selection, joinpoint } = this.#state;
    const labelled = selection.find((entry) => entry.kind === "value" && entry.label === name);
    if (labelled?.kind === "value") return labelled.node.kind === "column" ? labelled.node : { kind: "label", name };
    for (const entity of [primaryEntity(this.#state), joinpoint]) {
      const attribute = entity?.mapper.find(name);
      if (entity !== undefined && attribute !== undefined) return columnNode(entity, attribute);
    }
    const entity = primaryEntity(this.#state);
    if (entity !== undefined && /^\w+$/.test(name)) throw entity.mapper.unknownProperty(name);
    throw new ArgumentError(
      `Cannot use ${JSON.stringify(name)} in ${method}(): it is not the name of an attribute or label.`,
      {
        hint: 'desc("username") or User.c.username.desc() for a direction, text("…") for SQL',
      },
    );
  }

  /** FROM for another select list: the tables it speaks of, unless joins or a choice of the caller's settle it. */
  #fromFor(selection: readonly Selection[]): SelectState["from"] {
    const { from, joins, fromChosen } = this.#state;
    if (joins.length > 0 || fromChosen || from.some(isDerived)) return from;
    const sources = sourcesOfSelection(selection);
    const stays = sources.length === 0 || sources.some((source) => from.includes(source));
    return stays ? from : sources.slice(0, 1);
  }

  #combined(operator: Compound["operator"], others: readonly Query<T, never>[]): Query<T> {
    const states = others.map((other) => {
      if (other instanceof Query) return other[stateOf];
      throw new ArgumentError(`Expected queries to combine, got ${describe(other)}.`);
    });
    if (states.length === 0) return this as unknown as Query<T>;
    return new Query<T>(this.#executor, compoundState(this.#state, operator, states));
  }

  #firstState(): SelectState {
    return { ...this.#state, limit: this.#state.limit === 0 ? 0 : 1 };
  }

  async #select(state: SelectState): Promise<T[]> {
    const executor = this.#requireExecutor();
    let compiled: CompiledSelect | undefined;
    const compile = (): CompiledSelect => (compiled = compileSelect(state, executor.dialect));
    const rows = (await executor.select(compile, { autoflush: state.autoflush })) as T[];
    if (compiled !== undefined) noteShape(rows, compiled);
    return rows;
  }

  #requireExecutor(): QueryExecutor {
    const executor = this.#executor();
    if (executor !== undefined) return executor;
    throw new InvalidRequestError("Cannot run this query: it belongs to no session.", {
      hint: "db.session.query(Model) gives one that does",
    });
  }

  #requireGet(): Entity {
    const { selection, where, joins, groupBy, having, limit, offset, fromChosen, from } = this.#state;
    const [entry] = selection;
    if (entry?.kind !== "entity" || selection.length > 1)
      throw new InvalidRequestError("Query.get() can only be used against a single mapped class.");
    const bounded = limit !== undefined || offset !== undefined || fromChosen || from.some(isDerived);
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
    return compileSelect({ ...this.#state, where, orderBy: [] }, dialect);
  }

  /** Lets an error of the database tell where the query was run: a driver's error knows only its own event loop. */
  async #located<R>(result: Promise<R>): Promise<R> {
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
}

function namedCondition(entity: Entity, key: string, value: unknown): Node {
  const { mapper } = entity;
  const attribute = mapper.find(key);
  if (
    attribute !== undefined &&
    value !== null &&
    value !== undefined &&
    Array.isArray(value) &&
    attribute.kind !== "array" &&
    attribute.kind !== "json"
  )
    throw new ArgumentError(`Cannot compare ${attribute.label} with an array in filterBy().`, {
      hint: `filter(${mapper.name}.c.${key}.in([…]))`,
    });
  if (value === undefined)
    throw new ArgumentError(`Cannot use undefined as the value of "${key}" in filterBy().`, {
      hint: "use null for SQL NULL, or leave the name out",
    });
  if (attribute !== undefined) {
    const column = new Expression(columnNode(entity, attribute));
    return nodeOfExpression(column.eq(value)) as Node;
  }
  const relationship = mapper.relationships.get(key);
  if (relationship === undefined) throw mapper.unknownProperty(key);
  return nodeOfExpression(new RelationshipExpression<Model>(entity, relationship).eq(value as Model | null)) as Node;
}

/** The entity that the query joined along a path of relationships. */
function joinedAlong(state: SelectState, path: readonly string[]): Entity | undefined {
  let entity = primaryEntity(state);
  for (const key of path) {
    const source: Entity | undefined = entity;
    const join = state.joins.find((each) => each.source === source && each.relationship?.key === key);
    if (join === undefined || isDerived(join.target)) return undefined;
    entity = join.target;
  }
  return entity;
}

function notFound(description: string | undefined): never {
  throw description === undefined ? new NotFound() : new NotFound(description);
}
