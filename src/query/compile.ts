import type { Dialect, Statement } from "../driver/dialect";
import { DEFAULT_DIALECT } from "../driver/dialects";
import { Entity } from "./entity";
import type { LoadPlans } from "./load-plan";
import { holdsCollections, multipliesRows, planSelection, remainingLoads } from "./load-plan";
import { criteriaOf, withScope } from "./model-scope";
import type { Node } from "./node";
import { sourcesOf } from "./node";
import type { CompiledSelect, EntitySlot, ValueSlot } from "./query-executor";
import { Scope } from "./scope";
import type { SelectionKeys, SourceName } from "./scope";
import type { Use } from "./select-list";
import { SelectList } from "./select-list";
import type { Join, SelectState } from "./select-state";
import { isCompound, isDerived } from "./select-state";
import { SourceWriter } from "./source-writer";
import type { SqlParts } from "./sql-text";
import { toLiteralText, toStatement } from "./sql-text";
import { hasHiddenOrder, isBounded, withoutHiddenOrder, wrappedState } from "./wrapped-state";

/**
 * A query as a SELECT ready to be sent.
 *
 * @throws {StatementError} for an object without a key among its values: what is sent must be known
 */
export function compileSelect(state: SelectState, dialect: Dialect): CompiledSelect {
  const { parts, slots, plans } = new Compiler(dialect, true).result(state);
  const isEntity = slots.length === 1 && slots[0]?.kind === "entity";
  return {
    ...toStatement(parts, dialect),
    slots,
    shape: isEntity ? "entity" : "tuple",
    unique: isEntity || [...plans.values()].some(holdsCollections),
    populateExisting: state.populateExisting,
    loads: [...plans].flatMap(([slot, plan]) => remainingLoads(plan, state).map((load) => ({ ...load, slot }))),
  };
}

/** The statement that a query would send now; an object without a key counts as NULL. */
export function selectStatement(state: SelectState, dialect: Dialect): Statement {
  return toStatement(new Compiler(dialect, false).result(state).parts, dialect);
}

/** The statement of a query with its values written in as literals of the database. */
export function selectText(state: SelectState, dialect: Dialect): string {
  return toLiteralText(new Compiler(dialect, false).result(state).parts, dialect);
}

/**
 * A statement that changes one table, as `write` writes it: columns of the entity are named by its table.
 *
 * @param strict  objects must have the keys that are asked of them; otherwise a missing one counts as NULL
 */
export function changeParts(
  dialect: Dialect,
  strict: boolean,
  entity: Entity,
  write: (compiler: Compiler) => void,
): SqlParts {
  const compiler = new Compiler(dialect, strict);
  compiler.scope = new Scope(undefined);
  compiler.declare(entity);
  write(compiler);
  return compiler.parts;
}

/** The SQL of one expression, with its values written in, for people. */
export function nodeText(node: Node): string {
  const [source] = sourcesOf(node);
  const dialect = source instanceof Entity ? source.mapper.dialect : DEFAULT_DIALECT;
  const compiler = new Compiler(dialect, false);
  compiler.scope = new Scope(undefined);
  compiler.implicit = (each) => {
    if (!isDerived(each)) compiler.declare(each);
  };
  compiler.node(node);
  return toLiteralText(compiler.parts, dialect);
}

/** The SQL of a query with what is needed to read its rows. */
interface Compiled {
  readonly parts: SqlParts;
  readonly slots: readonly (EntitySlot | ValueSlot)[];
  readonly plans: LoadPlans;
}

/** Writes one statement; made anew for each. */
export class Compiler extends SourceWriter {
  /** The SELECT of a query's result, with the rows of joined relationships. */
  result(given: SelectState): Compiled {
    const state = withScope(given);
    const plans = planSelection(state);
    const needsWrapping = isBounded(state) && [...plans.values()].some(multipliesRows);
    const list = this.#select(needsWrapping ? wrappedState(state) : state, undefined, "result", plans);
    return { parts: this.parts, slots: list.slots, plans };
  }

  override select(state: SelectState, parent: Scope | undefined, use: Use | "part"): SelectionKeys {
    const scoped = withScope(state);
    const hasExtra = (use === "operand" || use === "part") && hasHiddenOrder(scoped);
    const select = hasExtra ? withoutHiddenOrder(scoped) : scoped;
    return this.#select(select, parent, use === "part" ? "derived" : use).keys;
  }

  /**
   * Writes a SELECT.
   *
   * Its clauses are written apart and put together at the end: what an expression names may come into FROM by that, and
   * what comes into FROM may bring conditions.
   */
  #select(state: SelectState, parent: Scope | undefined, use: Use, plans?: LoadPlans): SelectList {
    const { scope: outerScope, implicit: outerImplicit, hasOffset, shows } = this;
    this.scope = new Scope(parent);
    this.shows = state;
    this.hasOffset ||= state.offset !== undefined;
    const criteriaFrom: Entity[] = [];
    const sources = state.from.map((source) => this.capture(() => this.writeSource(source)));
    for (const source of state.from) if (!isDerived(source)) criteriaFrom.push(source);
    this.implicit = (source) => {
      sources.push(this.capture(() => this.writeSource(source)));
      if (!isDerived(source)) criteriaFrom.push(source);
    };
    const [first] = state.from;
    if (state.standsFor !== undefined && first !== undefined)
      this.scope.set(state.standsFor, this.scope.find(first) as SourceName);

    const list = new SelectList(this, state, use);
    const joins = this.capture(() => state.joins.forEach((join) => this.writeJoin(join, state)));
    const columns = this.capture(() => list.write(plans));
    const loading = this.capture(() => list.joins.forEach((join) => this.writeJoin(join, state)));
    const group = this.capture(() => this.#separated(state.groupBy, (node) => list.writeGrouped(node)));
    const having = this.capture(() => this.writeCondition(state.having));
    const terms = [...state.orderBy, ...list.order];
    const order = this.capture(() => this.writeOrder(terms, (operand) => list.writeOrdered(operand)));
    const where = this.capture(() => this.writeCondition(conditionsOf(state, criteriaFrom)));

    this.write("SELECT ");
    this.#writeDistinct(state);
    this.append(columns);
    for (const column of list.hidden) this.write(", ").append(column);
    this.writeSources(sources, joins.length + loading.length > 0);
    this.append(joins).append(loading);
    this.#clause(" WHERE ", where);
    this.#clause(" GROUP BY ", group);
    this.#clause(" HAVING ", having);
    this.#clause(" ORDER BY ", order);
    this.#writeLimit(state);
    if (state.forUpdate && (use === "result" || use === "derived")) this.#writeLock(state, list.joins);
    this.scope = outerScope;
    this.implicit = outerImplicit;
    this.hasOffset = hasOffset;
    this.shows = shows;
    return list;
  }

  #writeLock({ from, joins }: SelectState, loading: readonly Join[]): void {
    if (!this.dialect.supportsForUpdate) return;
    const all = [...joins, ...loading];
    const sources = [...from, ...all.map((join) => join.target)];
    const inner = [...from, ...all.filter((join) => !join.outer).map((join) => join.target)];
    // The parts of a union are locked where they stand.
    const locked = inner.filter((source) => !isDerived(source) || !isCompound(source.source));
    if (this.dialect.locksInnerRowsOnly && locked.length === 0) return;
    this.write(" FOR UPDATE");
    if (!this.dialect.locksInnerRowsOnly || locked.length === sources.length) return;
    this.write(` OF ${locked.map((source) => this.source(source).prefix.slice(0, -1)).join(", ")}`);
  }

  #clause(word: string, parts: SqlParts): void {
    if (parts.length > 0) this.write(word).append(parts);
  }

  #separated<T>(items: readonly T[], write: (item: T) => void): void {
    items.forEach((item, i) => {
      if (i > 0) this.write(", ");
      write(item);
    });
  }

  #writeDistinct(state: SelectState): void {
    if (state.distinctOn.length > 0) {
      this.write("DISTINCT ON (");
      this.writeList(state.distinctOn);
      this.write(") ");
    } else if (state.distinct) this.write("DISTINCT ");
  }

  #writeLimit({ limit, offset }: SelectState): void {
    if (limit === undefined && offset === undefined) return;
    for (const piece of limitPieces(this.dialect, limit !== undefined, offset !== undefined)) {
      if (piece === LIMIT) this.parameter(limit as number);
      else if (piece === OFFSET) this.parameter(offset as number);
      else this.write(piece);
    }
  }
}

const [LIMIT, OFFSET] = ["{limit}", "{offset}"];
const limits = new WeakMap<Dialect, Map<number, readonly string[]>>();

/** The dialect's LIMIT clause, cut where its parameters stand. */
function limitPieces(dialect: Dialect, hasLimit: boolean, hasOffset: boolean): readonly string[] {
  let known = limits.get(dialect);
  if (known === undefined) limits.set(dialect, (known = new Map<number, readonly string[]>()));
  const form = (hasLimit ? 1 : 0) + (hasOffset ? 2 : 0);
  let pieces = known.get(form);
  if (pieces === undefined) {
    const text = dialect.limitClause(hasLimit ? LIMIT : undefined, hasOffset ? OFFSET : undefined);
    known.set(form, (pieces = text.split(/(\{\w+\})/)));
  }
  return pieces;
}

/** The conditions of a query, and those that its models bring along; further models may be named while these are written. */
function* conditionsOf(state: SelectState, criteriaFrom: readonly Entity[]): Generator<Node> {
  yield* state.where;
  // An index, because the list grows.
  for (let i = 0; i < criteriaFrom.length; i++) yield* criteriaOf(criteriaFrom[i] as Entity, state);
}
