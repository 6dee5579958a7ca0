import type { Dialect, Statement } from "../driver/dialect";
import { DEFAULT_DIALECT } from "../driver/dialects";
import { InvalidRequestError } from "../errors";
import type { Attribute } from "../mapper/attribute";
import { decoderOf } from "../mapper/attribute";
import { criteriaOf, withScope } from "./model-scope";
import { Entity } from "./entity";
import { KeyNames } from "./key-names";
import type { LoadPlan } from "./load-plan";
import { attributesOf, isInRow, multipliesRows, planLoads, remainingLoads } from "./load-plan";
import type { Node, OrderTerm, ValueType } from "./node";
import { sourcesOf, typeOf } from "./node";
import type { CompiledSelect, EntityColumn, EntitySlot, ValueSlot } from "./query-executor";
import { columnNode, linkOf } from "./relationship-link";
import { Scope } from "./scope";
import type { SelectionKeys, SourceName } from "./scope";
import type { Compound, Derived, EntitySelection, Join, SelectState, Source, ValueSelection } from "./select-state";
import { EMPTY, firstSelect, isCompound, isDerived, primaryEntity } from "./select-state";
import type { SqlParts } from "./sql-text";
import { toLiteralText, toStatement } from "./sql-text";
import { NodeWriter } from "./write-node";

/** How a SELECT is used, which decides its select list. */
type Use = "result" | "derived" | "operand" | "exists";

/** The SQL of a query with what is needed to read its rows. */
interface Compiled {
  readonly parts: SqlParts;
  readonly slots: readonly (EntitySlot | ValueSlot)[];
  readonly plan: LoadPlan | undefined;
}

/**
 * A query as a SELECT ready to be sent.
 *
 * @throws {StatementError} for an object without a key among its values: what is sent must be known
 */
export function compileSelect(state: SelectState, dialect: Dialect): CompiledSelect {
  const { parts, slots, plan } = new Compiler(dialect, true).result(state);
  const isEntity = slots.length === 1 && slots[0]?.kind === "entity";
  return {
    ...toStatement(parts, dialect),
    slots,
    shape: isEntity ? "entity" : "tuple",
    unique: isEntity,
    populateExisting: state.populateExisting,
    loads: plan === undefined ? [] : remainingLoads(plan),
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

/** `SELECT count(*)` over a query's rows. */
export function countState(state: SelectState): SelectState {
  const bounded = state.limit !== undefined || state.offset !== undefined || state.distinctOn.length > 0;
  const source: SelectState = {
    ...state,
    loads: [],
    orderBy: bounded ? state.orderBy : [],
    relatedOrder: bounded ? state.relatedOrder : [],
    forUpdate: false,
  };
  const node: Node = { kind: "function", name: "count", operands: [{ kind: "star" }], distinct: false, type: COUNT };
  return {
    ...EMPTY,
    from: [{ kind: "derived", source, alias: undefined, transparent: false }],
    selection: [{ kind: "value", node, label: "count" }],
    autoflush: state.autoflush,
  };
}

const COUNT: ValueType = { kind: "integer" };

/** Writes an UPDATE or DELETE: its own text before the conditions, the conditions in the query's terms. */
export function changeParts(
  dialect: Dialect,
  strict: boolean,
  entity: Entity,
  write: (compiler: Compiler) => void,
): SqlParts {
  const compiler = new Compiler(dialect, strict);
  compiler.change(entity, write);
  return compiler.parts;
}

/** Writes one statement; made anew for each. */
export class Compiler extends NodeWriter {
  #anonymous = 0;

  /** The SELECT of a query's result, with the rows of joined relationships. */
  result(state: SelectState): Compiled {
    let effective = withScope(state);
    const entity = primaryEntity(effective);
    const hasEntity = entity !== undefined && effective.selection.some((selection) => selection.kind === "entity");
    const plan = hasEntity ? planLoads(effective, entity.mapper) : undefined;
    if (plan !== undefined && multipliesRows(plan) && isBounded(effective)) effective = wrap(effective);
    const slots: (EntitySlot | ValueSlot)[] = [];
    this.select(effective, undefined, "result", plan, slots);
    return { parts: this.parts, slots, plan };
  }

  /** Runs `write` with the entity's table in scope under its own name. */
  change(entity: Entity, write: (compiler: Compiler) => void): void {
    this.scope = new Scope(undefined);
    this.#declare(entity, this.scope);
    write(this);
  }

  /** Writes a SELECT. @returns the names of its columns, where it stands in FROM */
  override select(
    state: SelectState,
    parent: Scope | undefined,
    use: Use,
    plan?: LoadPlan,
    slots: (EntitySlot | ValueSlot)[] = [],
  ): SelectionKeys {
    state = withScope(state);
    const outerScope = this.scope;
    const scope = (this.scope = new Scope(parent));
    const pending: Entity[] = [];
    const extraFrom: SqlParts[] = [];
    const outerImplicit = this.implicit;
    this.implicit = (source) => {
      extraFrom.push(this.capture(() => this.#writeSource(source, scope)));
      if (!isDerived(source)) pending.push(source);
    };
    const eager: Join[] = [];
    const eagerOrder: OrderTerm[] = [];
    const from = state.from.map((source) => this.capture(() => this.#writeSource(source, scope)));
    for (const source of state.from) if (!isDerived(source)) pending.push(source);
    const [first] = state.from;
    if (state.standsFor !== undefined && first !== undefined)
      scope.set(state.standsFor, scope.find(first) as SourceName);
    const joins = this.capture(() => state.joins.forEach((join) => this.#writeJoin(join, state, scope)));
    const names = new KeyNames();
    const keys: (string | ReadonlyMap<Attribute, string>)[] = [];
    const list = this.capture(() => {
      const countsRows = use === "exists" && !state.distinct && state.distinctOn.length + state.groupBy.length === 0;
      if (countsRows) this.write("1");
      else this.#writeList(state, use, plan, slots, names, keys, eager, eagerOrder);
    });
    const eagerJoins = this.capture(() => eager.forEach((join) => this.#writeJoin(join, state, scope)));
    const group = this.capture(() => this.#writeGroupBy(state, keys));
    const having = this.capture(() => this.writeCondition(state.having));
    const hidden: SqlParts[] = [];
    const order = this.capture(() => this.#writeOrderBy(state, [...state.orderBy, ...eagerOrder], keys, names, hidden));
    const where = this.capture(() => this.writeCondition(this.#conditions(state, pending)));

    this.write("SELECT ");
    this.#writeDistinct(state);
    this.append(list);
    for (const column of hidden) this.write(", ").append(column);
    const sources = [...from, ...extraFrom];
    if (sources.length > 0) this.write(" FROM ");
    sources.forEach((source, i) => {
      if (i > 0) this.write(joins.length + eagerJoins.length > 0 ? " CROSS JOIN " : ", ");
      this.append(source);
    });
    this.append(joins).append(eagerJoins);
    this.#clause(" WHERE ", where);
    this.#clause(" GROUP BY ", group);
    this.#clause(" HAVING ", having);
    this.#clause(" ORDER BY ", order);
    this.#writeLimit(state);
    if (state.forUpdate && this.dialect.supportsForUpdate && use === "result") this.write(" FOR UPDATE");
    this.scope = outerScope;
    this.implicit = outerImplicit;
    return keys;
  }

  /** The conditions of a query and those that its models bring along (paranoid, default scope). */
  *#conditions(state: SelectState, pending: Entity[]): Generator<Node> {
    yield* state.where;
    // Conditions may name further entities, which bring conditions of their own.
    for (let i = 0; i < pending.length; i++) yield* criteriaOf(pending[i] as Entity, state);
  }

  #clause(word: string, parts: SqlParts): void {
    if (parts.length > 0) this.write(word).append(parts);
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
    // The dialect orders the clause; its parts are put in as parameters.
    const [LIMIT, OFFSET] = ["{limit}", "{offset}"];
    const text = this.dialect.limitClause(
      limit === undefined ? undefined : LIMIT,
      offset === undefined ? undefined : OFFSET,
    );
    for (const piece of text.split(/(\{\w+\})/)) {
      if (piece === LIMIT) this.parameter(limit as number);
      else if (piece === OFFSET) this.parameter(offset as number);
      else this.write(piece);
    }
  }

  #writeSource(source: Source, scope: Scope): void {
    if (isDerived(source)) this.#writeDerived(source, scope);
    else this.#declare(source, scope, (text) => this.write(text));
  }

  /** Gives an entity's table its name. */
  #declare(entity: Entity, scope: Scope, write?: (text: string) => void): void {
    const { mapper, alias } = entity;
    // The tables of joined loading have their names before their JOIN is written.
    const known = scope.has(entity) ? scope.find(entity)?.name : undefined;
    const name = known ?? scope.claim(entity, alias ?? mapper.tableName, alias === undefined && !entity.isModel);
    const sql = this.dialect.identifier(name);
    scope.set(entity, { name, prefix: `${sql}.`, keys: undefined, columns: undefined });
    write?.(name === mapper.tableName ? mapper.table : `${mapper.table} AS ${sql}`);
  }

  #writeDerived(derived: Derived, scope: Scope): void {
    const name = derived.alias === undefined ? this.#anonymousName() : scope.claim(derived, derived.alias, false);
    const sql = this.dialect.identifier(name);
    this.write("(");
    const keys = this.compoundOrSelect(derived.source);
    this.write(`) AS ${sql}`);
    const prefix = `${sql}.`;
    scope.set(derived, { name, prefix, keys, columns: undefined });
    if (!derived.transparent) return;
    const columns = new Map<Entity, Map<Attribute, string>>();
    const columnsOf = (entity: Entity): Map<Attribute, string> => {
      let map = columns.get(entity);
      if (map === undefined) columns.set(entity, (map = new Map<Attribute, string>()));
      return map;
    };
    firstSelect(derived.source).selection.forEach((selection, i) => {
      const key = keys[i];
      if (selection.kind === "entity" && typeof key === "object")
        for (const [attribute, column] of key) columnsOf(selection.entity).set(attribute, column);
      else if (selection.kind === "value" && selection.node.kind === "column" && typeof key === "string")
        columnsOf(selection.node.entity).set(selection.node.attribute, key);
    });
    for (const [entity, map] of columns) scope.set(entity, { name, prefix, keys: undefined, columns: map });
  }

  #anonymousName(): string {
    return `anon_${++this.#anonymous}`;
  }

  /** Writes what stands in the brackets of a derived table. */
  compoundOrSelect(source: SelectState | Compound): SelectionKeys {
    if (!isCompound(source)) return this.select(withScope(source), undefined, "derived");
    let keys: SelectionKeys = [];
    source.operands.forEach((given, i) => {
      const operand = withScope(given);
      if (i > 0) this.write(` ${source.operator} `);
      // A part with an order or a limit of its own may not stand bare, and not everywhere in brackets.
      const needsWrapping = isBoundedOrOrdered(operand);
      if (needsWrapping) this.write("SELECT * FROM (");
      const own = this.select(operand, undefined, "derived");
      if (needsWrapping) this.write(`) AS ${this.#anonymousName()}`);
      if (i === 0) keys = own;
    });
    return keys;
  }

  #writeJoin(join: Join, state: SelectState, scope: Scope): void {
    const { target } = join;
    this.write(join.outer ? " LEFT OUTER JOIN " : join.on === undefined ? " CROSS JOIN " : " JOIN ");
    this.#writeSource(target, scope);
    const conditions = [
      ...(join.on === undefined ? [] : [join.on]),
      ...(isDerived(target) ? [] : criteriaOf(target, state)),
    ];
    if (conditions.length === 0 && !join.outer) return;
    this.write(" ON ");
    if (conditions.length === 0) this.write("1 = 1");
    else this.writeCondition(conditions);
  }

  #writeList(
    state: SelectState,
    use: Use,
    plan: LoadPlan | undefined,
    slots: (EntitySlot | ValueSlot)[],
    names: KeyNames,
    keys: (string | ReadonlyMap<Attribute, string>)[],
    eager: Join[],
    eagerOrder: OrderTerm[],
  ): void {
    const isAlone = state.selection.length === 1;
    let planned = plan;
    state.selection.forEach((selection, i) => {
      if (i > 0) this.write(", ");
      if (selection.kind === "value") {
        keys.push(this.#writeValue(selection, use, names, slots));
        return;
      }
      const own = planned;
      planned = undefined; // Options speak of the first entity only.
      if (use === "result") this.#writeEntity(selection, own, isAlone, names, slots, keys, eager, eagerOrder, state);
      else keys.push(this.#writeDerivedEntity(selection, use, names));
    });
  }

  #writeValue(selection: ValueSelection, use: Use, names: KeyNames, slots: (EntitySlot | ValueSlot)[]): string {
    const { node, label } = selection;
    const type = typeOf(node);
    const asText = use === "result" && type?.kind === "bigint" && this.dialect.readsBigintsAsText;
    if (asText) this.write("CAST(");
    this.node(node);
    if (asText) this.write(" AS TEXT)");
    const bare = asText ? undefined : this.columnName(node);
    const key = names.claim(label ?? bare ?? unnamed(node));
    const isNamed = use !== "operand" || (label !== undefined && bare === undefined);
    if (key !== bare && isNamed) this.write(` AS ${this.dialect.identifier(key)}`);
    slots.push({ kind: "value", key, label, decode: valueDecoder(type, this.dialect) });
    return key;
  }

  #writeEntity(
    { entity }: EntitySelection,
    plan: LoadPlan | undefined,
    isAlone: boolean,
    names: KeyNames,
    slots: (EntitySlot | ValueSlot)[],
    keys: (string | ReadonlyMap<Attribute, string>)[],
    eager: Join[],
    eagerOrder: OrderTerm[],
    state: SelectState,
  ): void {
    const attributes = plan === undefined ? entity.mapper.attributes : attributesOf(plan);
    const source = this.source(entity);
    const prefix = isAlone ? "" : `${source.name}_`;
    const columns = this.#writeColumns(attributes, source, prefix, names);
    keys.push(new Map(columns.map(({ attribute, key }) => [attribute, key])));
    const children = plan === undefined ? [] : this.#writeChildren(entity, plan, names, eager, eagerOrder, state);
    slots.push({
      kind: "entity",
      mapper: entity.mapper,
      columns,
      direct: isAlone && children.length === 0 && columns.every(({ attribute, key }) => attribute.name === key),
      complete: attributes.length === entity.mapper.attributes.length,
      children,
    });
  }

  #writeColumns(attributes: readonly Attribute[], source: SourceName, prefix: string, names: KeyNames): EntityColumn[] {
    return attributes.map((attribute, i) => {
      const column = source.columns === undefined ? attribute.column : this.derivedName(source, attribute);
      const sql =
        source.prefix + (source.columns === undefined ? attribute.columnSql : this.dialect.identifier(column));
      const key = names.claim(prefix + (prefix === "" ? attribute.name : attribute.column));
      const value = attribute.readAsText ? `CAST(${sql} AS TEXT)` : sql;
      const alias = key === column && !attribute.readAsText ? "" : ` AS ${this.dialect.identifier(key)}`;
      this.write((i > 0 ? ", " : "") + value + alias);
      return { attribute, key };
    });
  }

  #writeDerivedEntity({ entity }: EntitySelection, use: Use, names: KeyNames): ReadonlyMap<Attribute, string> {
    const source = this.source(entity);
    const keys = new Map<Attribute, string>();
    entity.mapper.attributes.forEach((attribute, i) => {
      const column = source.columns === undefined ? attribute.column : this.derivedName(source, attribute);
      const key = names.claim(column, () => `${entity.mapper.tableName}_${column}`);
      const alias = key === column || use === "operand" ? "" : ` AS ${this.dialect.identifier(key)}`;
      this.write(`${i > 0 ? ", " : ""}${source.prefix}${this.dialect.identifier(column)}${alias}`);
      keys.set(attribute, key);
    });
    return keys;
  }

  /** The columns of relationships whose rows stand beside their parent's. */
  #writeChildren(
    entity: Entity,
    plan: LoadPlan,
    names: KeyNames,
    eager: Join[],
    eagerOrder: OrderTerm[],
    state: SelectState,
  ): EntitySlot["children"] {
    const children: EntitySlot["children"][number][] = [];
    for (const child of plan.children.values()) {
      const { relationship } = child;
      if (relationship === undefined || !isInRow(child)) continue;
      const target =
        child.strategy === "contains" ? containedEntity(state, entity, child) : this.#joinEagerly(entity, child, eager);
      for (const { attribute, descending } of child.strategy === "joined" ? relationship.orderBy : []) {
        const operand = columnNode(target, child.mapper.attribute(attribute));
        eagerOrder.push({ operand, descending, nulls: undefined });
      }
      const source = this.scope.find(target) ?? this.declareEager(target);
      this.write(", ");
      const attributes = attributesOf(child);
      const columns = this.#writeColumns(attributes, source, `${source.name}_`, names);
      children.push({
        relationship,
        alias: source.name,
        slot: {
          kind: "entity",
          mapper: child.mapper,
          columns,
          direct: false,
          complete: attributes.length === child.mapper.attributes.length,
          children: this.#writeChildren(target, child, names, eager, eagerOrder, state),
        },
      });
    }
    return children;
  }

  #joinEagerly(entity: Entity, child: LoadPlan, eager: Join[]): Entity {
    const relationship = child.relationship as NonNullable<LoadPlan["relationship"]>;
    const target = Entity.alias(relationship.target);
    const through = relationship.through && Entity.alias(relationship.through);
    const link = linkOf(relationship, (attribute) => columnNode(entity, attribute), target, through);
    const base = { outer: true, relationship: undefined, source: undefined };
    if (through !== undefined) {
      eager.push({ ...base, target: through, on: link.toThrough });
      this.declareEager(through);
    }
    eager.push({ ...base, target, on: link.toTarget });
    return target;
  }

  /** Names a table before its JOIN is written: its columns stand in the select list. */
  declareEager(entity: Entity): SourceName {
    this.#declare(entity, this.scope);
    return this.scope.find(entity) as SourceName;
  }

  #writeGroupBy(state: SelectState, keys: SelectionKeys): void {
    state.groupBy.forEach((node, i) => {
      if (i > 0) this.write(", ");
      if (node.kind === "label") {
        this.write(this.dialect.identifier(this.#keyOfLabel(state, node.name, keys)));
        return;
      }
      const parts = this.capture(() => this.node(node));
      const at = state.selection.findIndex((selection) => selection.kind === "value" && selection.node === node);
      // Two parameters are never the same expression to the database, so the select list's own is named.
      if (at !== -1 && parts.some((part) => typeof part !== "string")) this.write(String(columnPosition(state, at)));
      else this.append(parts);
    });
  }

  #writeOrderBy(
    state: SelectState,
    terms: readonly OrderTerm[],
    keys: SelectionKeys,
    names: KeyNames,
    hidden: SqlParts[],
  ): void {
    terms.forEach((term, i) => {
      if (i > 0) this.write(", ");
      const operand = this.capture(() => this.#writeOrderOperand(term.operand, state, keys, names, hidden));
      const { nulls, descending } = term;
      if (nulls !== undefined && !this.dialect.supportsNullsOrdering) {
        this.append(operand).write(nulls === "first" ? " IS NULL DESC, " : " IS NULL, ");
      }
      this.append(operand);
      if (descending) this.write(" DESC");
      if (nulls !== undefined && this.dialect.supportsNullsOrdering)
        this.write(nulls === "first" ? " NULLS FIRST" : " NULLS LAST");
    });
  }

  #writeOrderOperand(node: Node, state: SelectState, keys: SelectionKeys, names: KeyNames, hidden: SqlParts[]): void {
    if (node.kind === "label") {
      this.write(this.dialect.identifier(this.#keyOfLabel(state, node.name, keys)));
      return;
    }
    const at = state.selection.findIndex((selection) => selection.kind === "value" && selection.node === node);
    const key = keys[at];
    if (node.kind !== "column" && typeof key === "string") this.write(this.dialect.identifier(key));
    // A DISTINCT query can be ordered only by what it selects.
    else if (state.distinct && at === -1 && !isSelected(node, state)) {
      const name = names.claim(`order_${hidden.length + 1}`);
      hidden.push(this.capture(() => this.node(node).write(` AS ${this.dialect.identifier(name)}`)));
      this.write(this.dialect.identifier(name));
    } else this.node(node);
  }

  #keyOfLabel(state: SelectState, label: string, keys: SelectionKeys): string {
    const at = state.selection.findIndex((selection) => selection.kind === "value" && selection.label === label);
    const key = keys[at];
    if (typeof key === "string") return key;
    throw new InvalidRequestError(`Cannot order or group by "${label}": the query selects nothing under that name.`);
  }
}

function isBounded(state: SelectState): boolean {
  return (
    state.limit !== undefined ||
    state.offset !== undefined ||
    state.distinct ||
    state.distinctOn.length > 0 ||
    state.groupBy.length > 0
  );
}

function isBoundedOrOrdered(state: SelectState): boolean {
  return state.limit !== undefined || state.offset !== undefined || state.orderBy.length > 0;
}

/** The query as a derived table, so that what is joined to its rows does not count in its LIMIT. */
function wrap(state: SelectState): SelectState {
  const hidden: ValueSelection[] = [];
  const source: SelectState = { ...state, loads: [], selection: [] };
  const derived: Derived = { kind: "derived", source, alias: undefined, transparent: true };
  const orderBy = state.orderBy.map((term): OrderTerm => {
    if (isSelected(term.operand, state)) return term;
    const at = state.selection.findIndex(
      (selection) => selection.kind === "value" && isNamedBy(selection, term.operand),
    );
    const index = at === -1 ? state.selection.length + hidden.length : at;
    if (at === -1) hidden.push({ kind: "value", node: term.operand, label: `order_${hidden.length + 1}` });
    return { ...term, operand: { kind: "derivedColumn", derived, index, attribute: undefined, type: undefined } };
  });
  (source as { selection: SelectState["selection"] }).selection = [...state.selection, ...hidden];
  return {
    ...EMPTY,
    selection: state.selection.map((selection, index) =>
      selection.kind === "entity"
        ? selection
        : {
            ...selection,
            node: { kind: "derivedColumn", derived, index, attribute: undefined, type: typeOf(selection.node) },
          },
    ),
    from: [derived],
    orderBy,
    joinpoint: state.joinpoint,
    loads: state.loads,
    withDeleted: state.withDeleted,
    unscoped: state.unscoped,
    populateExisting: state.populateExisting,
  };
}

function isNamedBy(selection: ValueSelection, node: Node): boolean {
  return selection.node === node || (node.kind === "label" && selection.label === node.name);
}

/** Whether a column is one of those that the query selects. */
function isSelected(node: Node, state: SelectState): boolean {
  if (node.kind !== "column") return false;
  return state.selection.some((selection) =>
    selection.kind === "entity"
      ? selection.entity === node.entity
      : selection.node.kind === "column" &&
        selection.node.entity === node.entity &&
        selection.node.attribute === node.attribute,
  );
}

/** The number of a selection's (first) column in the select list, counted from 1. */
function columnPosition(state: SelectState, index: number): number {
  let position = 1;
  for (const selection of state.selection.slice(0, index))
    position += selection.kind === "entity" ? selection.entity.mapper.attributes.length : 1;
  return position;
}

function containedEntity(state: SelectState, entity: Entity, child: LoadPlan): Entity {
  const join = state.joins.find((each) => each.source === entity && each.relationship === child.relationship);
  if (join !== undefined && !isDerived(join.target)) return join.target;
  const path = child.path.join(".");
  throw new InvalidRequestError(`Cannot fill "${path}" from this query: it does not join that relationship.`, {
    hint: `join it: .join("${child.path.at(-1)}"), or load it: .options(joined("${path}"))`,
  });
}

function unnamed(node: Node): string {
  return node.kind === "function" ? `${node.name.replaceAll(/\W/g, "_")}_1` : "anon_1";
}

function valueDecoder(type: ValueType | undefined, dialect: Dialect): ((raw: unknown) => unknown) | undefined {
  if (type === undefined) return undefined;
  const decode = type.attribute === undefined ? decoderOf(type.kind, undefined, dialect) : type.attribute.decode;
  return decode && ((raw) => (raw === null ? null : decode(raw)));
}

/** The SQL of one expression, with its values written in, for people. */
export function nodeText(node: Node): string {
  const [source] = sourcesOf(node);
  const dialect = source instanceof Entity ? source.mapper.dialect : DEFAULT_DIALECT;
  const compiler = new Compiler(dialect, false);
  compiler.scope = new Scope(undefined);
  compiler.implicit = (source) => {
    if (!isDerived(source)) compiler.declareEager(source);
  };
  compiler.node(node);
  return toLiteralText(compiler.parts, dialect);
}
