import type { Model, ModelStatic } from "sequelize";
import { describe } from "../driver/dialect";
import { ArgumentError, InvalidRequestError } from "../errors";
import { rowCount, sliceBounds } from "./bounds";
import { Entity } from "./entity";
import type { Condition } from "./expression";
import { Expression } from "./expression";
import type { Aliased, AnyAlias, OrderArgument } from "./expressions";
import { orderTerm } from "./expressions";
import { joinState, joinTarget } from "./joins";
import { LoadingOption } from "./load-options";
import type { Filter, RelatedModel, RelationshipName } from "./model-shape";
import { namedCondition } from "./named-condition";
import type { Node, OrderTerm } from "./node";
import { nodeOfExpression, selectNode } from "./operand";
import type { QueryExecutor } from "./query-executor";
import { withParentState } from "./related-state";
import { RelationshipExpression } from "./relationship-expression";
import { columnNode } from "./relationship-link";
import type { ResultRow } from "./result-row";
import type { Scalar } from "./runnable-query";
import { RunnableQuery } from "./runnable-query";
import type { Compound, SelectState, Selection } from "./select-state";
import { EMPTY, isDerived, primaryEntity, stateOf } from "./select-state";
import { sequelizeExpression } from "./sequelize-condition";
import { modelAndScope, selectionOf, sourcesOfSelection } from "./selection";
import { Subquery, compoundState } from "./subquery";
import { WhereObjects } from "./where-objects";

/** What may stand in a select list. */
export type Selectable = Expression | ModelStatic<Model> | AnyAlias | RunnableQuery;

/** A condition of `filter`: an expression, or a where object of Sequelize. */
export type FilterArgument = Condition | Expression | object;

/** The model whose names `filterBy` takes. */
type ModelOf<T> = T extends Model ? T : Model;

/**
 * A query: what is to be read, as an immutable value; nothing is sent until one of its asynchronous methods is called.
 *
 * Every builder gives a new query and leaves the receiver as it is. A query is no promise: awaiting it gives the query.
 *
 * @typeParam T  what its results are: objects of a model, or rows
 * @typeParam E  the model whose names `filterBy` takes: the last joined, else the first
 */
export class Query<T = unknown, E extends Model = ModelOf<T>> extends RunnableQuery<T> {
  /** A query of a model's objects, or of columns. */
  static of<M extends Model>(executor: () => QueryExecutor | undefined, model: ModelStatic<M> | Aliased<M>): Query<M>;
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
      throw new ArgumentError(`Expected values by name in filterBy(), got ${describe(values)}.`, {
        hint: 'filterBy({ name: "john" })',
      });
    const entity = this.#requireJoinpoint("filterBy");
    const nodes = Object.entries(values).map(([key, value]) => namedCondition(entity, key, value));
    return nodes.length === 0 ? this : this.#with({ where: [...this[stateOf].where, ...nodes] });
  }

  /** Rows that belong to the object, along the relationship of that name or the only one. */
  withParent(instance: Model, relationship?: string): Query<T, E> {
    this.#refuseBounds("withParent");
    return this.#replace(withParentState(this[stateOf], instance, relationship));
  }

  // ---- Order, groups, bounds ----

  /** Orders by columns, expressions, or names of attributes and labels, after what was given before; null forgets the order. */
  orderBy(...terms: readonly (OrderArgument | null | false)[]): Query<T, E> {
    this.#refuseBounds("orderBy");
    if (terms.length === 1 && (terms[0] === null || terms[0] === false))
      return this.#with({ orderBy: [], relatedOrder: [] });
    return this.#with({ orderBy: [...this[stateOf].orderBy, ...terms.map((term) => this.#orderTerm(term))] });
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
    return this.#with({ groupBy: [...this[stateOf].groupBy, ...nodes] });
  }

  /** Groups that fulfil all of the conditions. */
  having(...conditions: FilterArgument[]): Query<T, E> {
    this.#refuseBounds("having");
    return this.#with({ having: [...this[stateOf].having, ...this.#conditions("having", conditions)] });
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
    return this.#with(sliceBounds(this[stateOf], start, stop));
  }

  /** Equal rows once; with columns (PostgreSQL): the first row for each of their values. */
  distinct(...columns: (Expression | string)[]): Query<T, E> {
    if (columns.length === 0) return this.#with({ distinct: true });
    if (!this.dialect.supportsDistinctOn)
      throw new InvalidRequestError("DISTINCT ON is not supported by this database.", {
        hint: "distinct() without columns, or groupBy()",
      });
    const nodes = columns.map((column) => this.#orderTerm(column).operand);
    return this.#with({ distinctOn: [...this[stateOf].distinctOn, ...nodes] });
  }

  // ---- Joins ----

  /** Joins a relationship, a model, an alias or a subquery (INNER JOIN); the condition may be left out where only one is possible. */
  join<K extends RelationshipName<E>>(relationship: K, alias?: AnyAlias): Query<T, RelatedModel<E, K & keyof E>>;
  join<R extends Model>(relationship: RelationshipExpression<R>, alias?: AnyAlias): Query<T, R>;
  join<R extends Model>(
    model: ModelStatic<R> | Aliased<R>,
    on?: Condition | Expression | RelationshipExpression<unknown> | string,
  ): Query<T, R>;
  join(subquery: Subquery, on?: Condition | Expression): Query<T, E>;
  join(path: string, alias?: AnyAlias): Query<T>;
  // `any`: the overloads above tell the model; the implementation cannot.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  join(target: unknown, on?: unknown): Query<T, any> {
    this.#refuseBounds("join");
    return this.#replace<T, never>(joinState(this[stateOf], target, on, false));
  }

  /** The same as {@link join}, and rows without a partner stay (LEFT OUTER JOIN). */
  outerjoin<K extends RelationshipName<E>>(relationship: K, alias?: AnyAlias): Query<T, RelatedModel<E, K & keyof E>>;
  outerjoin<R extends Model>(relationship: RelationshipExpression<R>, alias?: AnyAlias): Query<T, R>;
  outerjoin<R extends Model>(
    model: ModelStatic<R> | Aliased<R>,
    on?: Condition | Expression | RelationshipExpression<unknown> | string,
  ): Query<T, R>;
  outerjoin(subquery: Subquery, on?: Condition | Expression): Query<T, E>;
  outerjoin(path: string, alias?: AnyAlias): Query<T>;
  // `any`: see join.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  outerjoin(target: unknown, on?: unknown): Query<T, any> {
    this.#refuseBounds("join");
    return this.#replace<T, never>(joinState(this[stateOf], target, on, true));
  }

  /** Makes `filterBy` speak of the query's first model again. */
  resetJoinpoint(): Query<T> {
    const [first] = this[stateOf].from;
    const entity = first !== undefined && !isDerived(first) ? first : primaryEntity(this[stateOf]);
    return this.#replace({ ...this[stateOf], joinpoint: primaryEntity({ ...this[stateOf], joinpoint: entity }) });
  }

  /** Chooses what stands first in FROM. */
  selectFrom(source: ModelStatic<Model> | AnyAlias | Subquery): Query<T, E> {
    this.#refuseBounds("selectFrom");
    if (this[stateOf].joins.length > 0)
      throw new InvalidRequestError("Query.selectFrom() being called on a Query which already has joins.", {
        hint: "call selectFrom() before join()",
      });
    const target = joinTarget(source);
    const joinpoint = isDerived(target) ? this[stateOf].joinpoint : target;
    return this.#with({ from: [target], fromChosen: true, joinpoint, scope: undefined });
  }

  // ---- Select list ----

  /** Rows of these columns and expressions instead, or the objects of one model. */
  withEntities<M extends Model>(model: ModelStatic<M> | Aliased<M>): Query<M, E>;
  withEntities<const C extends readonly Selectable[]>(...columns: C): Query<ResultRow<C>, E>;
  withEntities<const C extends readonly Selectable[]>(...columns: C): Query<ResultRow<C>, E> {
    if (columns.length === 0) throw new InvalidRequestError("Query.withEntities() needs at least one column or model.");
    const selection = columns.map(selectionOf);
    return this.#replace<ResultRow<C>, E>({ ...this[stateOf], selection, from: this.#fromFor(selection) });
  }

  /** Rows of the columns selected so far and these. */
  addColumns<const C extends readonly Selectable[]>(
    ...columns: C
  ): Query<ResultRow<readonly [...(T extends Model ? [ModelStatic<T>] : []), ...C]>, E> {
    return this.#replace({ ...this[stateOf], selection: [...this[stateOf].selection, ...columns.map(selectionOf)] });
  }

  // ---- Combination ----

  /** The rows of this query and of the others, equal ones once. */
  union(...others: RunnableQuery<T>[]): Query<T> {
    return this.#combined("UNION", others);
  }

  /** The rows of this query and of the others, each as often as it comes. */
  unionAll(...others: RunnableQuery<T>[]): Query<T> {
    return this.#combined("UNION ALL", others);
  }

  /** The rows that this query and all of the others have. */
  intersect(...others: RunnableQuery<T>[]): Query<T> {
    return this.#combined("INTERSECT", others);
  }

  /** The rows of this query that none of the others has. */
  except(...others: RunnableQuery<T>[]): Query<T> {
    return this.#combined("EXCEPT", others);
  }

  /** The query as a table with columns, for FROM and joins. */
  subquery(name?: string): Subquery<T> {
    return new Subquery<T>(this[stateOf], name);
  }

  /** The query of one column as a value in an expression. */
  scalarSubquery<V = Scalar<T>>(): Expression<V> {
    return new Expression<V>(selectNode(this[stateOf], "scalar", "scalarSubquery"));
  }

  /** Whether the query finds a row, as a condition. */
  exists(): Condition {
    const { limit, offset, ...state } = this[stateOf];
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
      if (option instanceof LoadingOption) return option.request;
      throw new ArgumentError(`Expected loading options, got ${describe(option)}.`, {
        hint: 'joined("users"), selectin("users"), noload("users"), raiseload("users"), loadOnly("id"), defer("bio")',
      });
    });
    return this.#with({ loads: [...this[stateOf].loads, ...requests] });
  }

  /** Locks the query's own rows until the end of the transaction, where the database can (FOR UPDATE). */
  withForUpdate(): Query<T, E> {
    return this.#throughout({ forUpdate: true });
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
    return this.#throughout({ withDeleted: true });
  }

  /** Without the default scopes of the models. */
  unscoped(): Query<T, E> {
    return this.#throughout({ unscoped: true });
  }

  // ---- Inside ----

  #with(change: Partial<SelectState>): Query<T, E> {
    return new Query<T, E>(this.executor, { ...this[stateOf], ...change });
  }

  /** What holds in the parts of a union, too. */
  #throughout(change: SelectState["ofParts"]): Query<T, E> {
    return this.#with({ ...change, ofParts: { ...this[stateOf].ofParts, ...change } });
  }

  #replace<R = T, F extends Model = E>(state: SelectState): Query<R, F> {
    return new Query<R, F>(this.executor, state);
  }

  #filtered(method: string, conditions: readonly unknown[]): Query<T, E> {
    this.#refuseBounds(method);
    const nodes = this.#conditions(method, conditions);
    return nodes.length === 0 ? this : this.#with({ where: [...this[stateOf].where, ...nodes] });
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
        hint: Array.isArray(condition)
          ? `${method}(...conditions)`
          : "a comparison is a method: User.c.id.eq(1), not User.c.id == 1",
      });
    }
    if (condition instanceof RelationshipExpression || condition instanceof RunnableQuery)
      throw new ArgumentError(`Expected conditions in ${method}(), got ${describe(condition)}.`, {
        hint:
          condition instanceof RunnableQuery
            ? "query.exists() is a condition"
            : "relationship.isNotNull() is a condition",
      });
    if (!isWhereObject(condition)) {
      throw new ArgumentError(`Expected conditions in ${method}(), got ${describe(condition)}.`, {
        hint: condition instanceof Subquery ? "query.exists() is a condition" : "a condition is User.c.id.eq(1)",
      });
    }
    // Names are those of the last joined model, as in filterBy; what it does not have is the query's first model's.
    const state = this[stateOf];
    const first = state.selection.find((entry) => entry.kind === "entity")?.entity ?? state.from[0];
    const candidates = [state.joinpoint, first].filter((each) => each instanceof Entity);
    const [entity = this.#requireJoinpoint(method), ...further] = candidates;
    return new WhereObjects(entity, (path) => joinedAlong(state, path), further).condition(condition);
  }

  #requireJoinpoint(method: string): Entity {
    const entity = this[stateOf].joinpoint ?? primaryEntity(this[stateOf]);
    if (entity !== undefined) return entity;
    throw new InvalidRequestError(`Query.${method}() needs a model whose names it can take; this query has none.`, {
      hint: "filter() takes expressions",
    });
  }

  #refuseBounds(method: string): void {
    const { limit, offset } = this[stateOf];
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
    const { selection, joinpoint } = this[stateOf];
    const labelled = selection.find((entry) => entry.kind === "value" && entry.label === name);
    if (labelled?.kind === "value") {
      const isColumn = labelled.node.kind === "column" || labelled.node.kind === "derivedColumn";
      return isColumn ? labelled.node : { kind: "label", name };
    }
    for (const entity of [primaryEntity(this[stateOf]), joinpoint]) {
      const attribute = entity?.mapper.find(name);
      if (entity !== undefined && attribute !== undefined) return columnNode(entity, attribute);
    }
    const entity = primaryEntity(this[stateOf]);
    if (entity !== undefined && /^\w+$/.test(name)) throw entity.mapper.unknownProperty(name);
    // "username desc", "-username"
    const [, direct, direction, reversed] = /^\s*(?:(\w+)\s+(asc|desc)|-(\w+))\s*$/i.exec(name) ?? [];
    const hint =
      reversed !== undefined || /^desc$/i.test(direction ?? "")
        ? `desc("${direct ?? reversed}")`
        : direct !== undefined
          ? `"${direct}"`
          : 'desc("username") or User.c.username.desc() for a direction, text("…") for SQL';
    throw new ArgumentError(
      `Cannot use ${JSON.stringify(name)} in ${method}(): it is not the name of an attribute or label.`,
      { hint },
    );
  }

  /** FROM for another select list: the tables it speaks of, unless joins or a choice of the caller's settle it. */
  #fromFor(selection: readonly Selection[]): SelectState["from"] {
    const { from, joins, fromChosen } = this[stateOf];
    if (joins.length > 0 || fromChosen || from.some(isDerived)) return from;
    const sources = sourcesOfSelection(selection);
    const stays = sources.length === 0 || sources.some((source) => from.includes(source));
    return stays ? from : sources.slice(0, 1);
  }

  #combined(operator: Compound["operator"], others: readonly RunnableQuery<T>[]): Query<T> {
    const states = others.map((other) => {
      if (other instanceof RunnableQuery) return other[stateOf];
      throw new ArgumentError(`Expected queries to combine, got ${describe(other)}.`);
    });
    if (states.length === 0) return this as unknown as Query<T>;
    return new Query<T>(this.executor, compoundState(this[stateOf], operator, states));
  }
}

/** Whether an object is one of Sequelize's: plain, or made by its functions. */
function isWhereObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || prototype === Object.prototype || sequelizeExpression(value) !== undefined;
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
