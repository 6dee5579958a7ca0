import type { Dialect } from "../driver/dialect";
import { InvalidRequestError } from "../errors";
import type { Attribute } from "../mapper/attribute";
import { decoderOf } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import type { Relationship } from "../mapper/relationship";
import { Entity } from "./entity";
import { KeyNames, isStorableName } from "./key-names";
import type { LoadPlan, LoadPlans } from "./load-plan";
import { attributesOf, isInRow } from "./load-plan";
import type { Node, OrderTerm, ValueType } from "./node";
import { typeOf } from "./node";
import type { EntityColumn, EntitySlot, ValueSlot } from "./query-executor";
import { columnNode, linkOf } from "./relationship-link";
import type { SelectionKeys, SourceName } from "./scope";
import type { EntitySelection, Join, SelectState, ValueSelection } from "./select-state";
import { firstSelect, isDerived } from "./select-state";
import type { SourceWriter } from "./source-writer";
import type { SqlParts } from "./sql-text";
import { isHidden } from "./wrapped-state";

/** How a SELECT is used, which decides its select list. */
export type Use = "result" | "derived" | "operand" | "exists";

/** The select list of one SELECT, and what it brings along: how rows are read, joins and order of joined relationships. */
export class SelectList {
  readonly slots: (EntitySlot | ValueSlot)[] = [];
  readonly joins: Join[] = [];
  readonly order: OrderTerm[] = [];
  /** Columns that are only ordered by. */
  readonly hidden: SqlParts[] = [];
  readonly #keys: (string | ReadonlyMap<Attribute, string>)[] = [];
  readonly #names = new KeyNames();
  readonly #writer: SourceWriter;
  readonly #state: SelectState;
  readonly #use: Use;

  constructor(writer: SourceWriter, state: SelectState, use: Use) {
    this.#writer = writer;
    this.#state = state;
    this.#use = use;
  }

  /** The names of the columns, per selection. */
  get keys(): SelectionKeys {
    return this.#keys;
  }

  /** Writes the list. @param plans  what is loaded of its entities */
  write(plans?: LoadPlans): void {
    const { selection, distinct, distinctOn, groupBy } = this.#state;
    if (this.#use === "exists" && !distinct && distinctOn.length + groupBy.length === 0) {
      this.#writer.write("1");
      return;
    }
    selection.forEach((entry, i) => {
      if (i > 0) this.#writer.write(", ");
      if (entry.kind === "value") this.#value(entry);
      else if (this.#use === "result") this.#entity(entry, plans?.get(i));
      else this.#derivedEntity(entry);
    });
  }

  /** Writes what stands for a selected expression or a label in ORDER BY. */
  writeOrdered(node: Node): void {
    const writer = this.#writer;
    const { selection, distinct } = this.#state;
    if (node.kind === "label") {
      writer.write(writer.dialect.identifier(this.#keyOf(node.name)));
      return;
    }
    const at = selection.findIndex((entry) => entry.kind === "value" && entry.node === node);
    const key = this.#keys[at];
    if (node.kind !== "column" && typeof key === "string") writer.write(writer.dialect.identifier(key));
    // A DISTINCT query can be ordered only by what it selects.
    else if (distinct && isHidden(node, this.#state)) {
      const name = writer.dialect.identifier(this.#names.claim(`order_${this.hidden.length + 1}`));
      this.hidden.push(writer.capture(() => writer.node(node).write(` AS ${name}`)));
      writer.write(name);
    } else this.#constantOr(node, () => writer.node(node));
  }

  /** Writes what stands for a selected expression or a label in GROUP BY. */
  writeGrouped(node: Node): void {
    const writer = this.#writer;
    if (node.kind === "label") {
      const key = this.#keyOf(node.name);
      // Databases read a name in GROUP BY as a column's first, and as a label's where there is no such column.
      if (this.#isColumn(key)) writer.write(String(this.#position(this.#indexOf(node.name))));
      else writer.write(writer.dialect.identifier(key));
      return;
    }
    const parts = writer.capture(() => writer.node(node));
    const at = this.#state.selection.findIndex((entry) => entry.kind === "value" && entry.node === node);
    // Two parameters are never the same expression to the database, so the select list's own is named by its place.
    if (at !== -1 && parts.some((part) => typeof part !== "string")) writer.write(String(this.#position(at)));
    else this.#constantOr(node, () => writer.append(parts));
  }

  /** A value written in would be read as the number of a column, so it is wrapped. */
  #constantOr(node: Node, write: () => void): void {
    const isConstant = node.kind === "value" || node.kind === "parameter";
    if (isConstant) this.#writer.write("(SELECT ");
    write();
    if (isConstant) this.#writer.write(")");
  }

  #indexOf(label: string): number {
    return this.#state.selection.findIndex((entry) => entry.kind === "value" && entry.label === label);
  }

  /** Whether a table of the statement has a column of that name. */
  #isColumn(name: string): boolean {
    const lower = name.toLowerCase();
    const { from, joins } = this.#state;
    return [...from, ...joins.map((join) => join.target)].some((source) =>
      isDerived(source)
        ? firstSelect(source.source).selection.some((entry) =>
            entry.kind === "entity" ? hasColumn(entry.entity, lower) : entry.label?.toLowerCase() === lower,
          )
        : hasColumn(source, lower),
    );
  }

  #keyOf(label: string): string {
    const key = this.#keys[this.#indexOf(label)];
    if (typeof key === "string") return key;
    throw new InvalidRequestError(`Cannot order or group by "${label}": the query selects nothing under that name.`);
  }

  /** The number of a selection's first column, counted from 1. */
  #position(index: number): number {
    let position = 1;
    for (const entry of this.#state.selection.slice(0, index))
      position += entry.kind === "entity" ? entry.entity.mapper.attributes.length : 1;
    return position;
  }

  #value({ node, label }: ValueSelection): void {
    const writer = this.#writer;
    const type = typeOf(node);
    const asText = this.#use === "result" && type?.kind === "bigint" && writer.dialect.readsBigintsAsText;
    if (asText) writer.write("CAST(");
    writer.node(node);
    if (asText) writer.write(" AS TEXT)");
    const bare = asText ? undefined : writer.columnName(node);
    const key = this.#names.claim(label ?? bare ?? unnamed(node));
    const isNamed = this.#use !== "operand" || (this.#state.orderBy.length > 0 && bare === undefined);
    if (key !== bare && isNamed) writer.write(` AS ${writer.dialect.identifier(key)}`);
    this.#keys.push(key);
    this.slots.push({ kind: "value", key, label, type: type?.kind, decode: valueDecoder(type, writer.dialect) });
  }

  #entity({ entity }: EntitySelection, plan: LoadPlan | undefined): void {
    const isAlone = this.#state.selection.length === 1;
    const { attributes: all } = entity.mapper;
    const attributes = plan === undefined ? all : attributesOf(plan);
    const source = this.#writer.source(entity);
    const plain = isAlone && plan === undefined && source.columns === undefined && plainList(entity.mapper, source);
    if (plain) {
      this.#writer.write(plain.text);
      this.#names.claimAll(plain.names);
      this.#keys.push(plain.keys);
      this.slots.push(plain.slot);
      return;
    }
    const columns = this.#columns(attributes, source, ({ name, column }) =>
      this.#names.claim(isAlone ? name : `${source.name}_${column}`),
    );
    this.#keys.push(new Map(columns.map(({ attribute, key }) => [attribute, key])));
    const children = plan === undefined ? [] : this.#children(entity, plan, columns);
    this.slots.push({
      kind: "entity",
      mapper: entity.mapper,
      columns,
      direct: isAlone && children.length === 0 && columns.every(({ attribute, key }) => attribute.name === key),
      complete: attributes.length === all.length,
      children,
    });
  }

  /** @param keyOf  the name of an attribute's column among those of the row */
  #columns(
    attributes: readonly Attribute[],
    source: SourceName,
    keyOf: (attribute: Attribute) => string,
  ): EntityColumn[] {
    const writer = this.#writer;
    return attributes.map((attribute, i) => {
      const isTable = source.columns === undefined;
      const column = isTable ? attribute.column : writer.derivedName(source, attribute);
      const sql = source.prefix + (isTable ? attribute.columnSql : writer.dialect.identifier(column));
      const key = keyOf(attribute);
      const value = attribute.readAsText ? `CAST(${sql} AS TEXT)` : sql;
      const alias = key === column && !attribute.readAsText ? "" : ` AS ${writer.dialect.identifier(key)}`;
      writer.write((i > 0 ? ", " : "") + value + alias);
      return { attribute, key };
    });
  }

  /** All columns of an entity under their own names, for the statement around. */
  #derivedEntity({ entity }: EntitySelection): void {
    const writer = this.#writer;
    const source = writer.source(entity);
    const keys = new Map<Attribute, string>();
    entity.mapper.attributes.forEach((attribute, i) => {
      const column = source.columns === undefined ? attribute.column : writer.derivedName(source, attribute);
      const key = this.#names.claim(column, () => `${entity.mapper.tableName}_${column}`);
      const alias = key === column || this.#use === "operand" ? "" : ` AS ${writer.dialect.identifier(key)}`;
      writer.write(`${i > 0 ? ", " : ""}${source.prefix}${writer.dialect.identifier(column)}${alias}`);
      keys.set(attribute, key);
    });
    this.#keys.push(keys);
  }

  /** The columns of relationships whose rows stand beside their parent's. */
  #children(entity: Entity, plan: LoadPlan, parentColumns: readonly EntityColumn[]): EntitySlot["children"] {
    const children: EntitySlot["children"][number][] = [];
    for (const child of plan.children.values()) {
      const { relationship, mapper } = child;
      if (relationship === undefined || !isInRow(child)) continue;
      const isJoined = child.strategy === "joined";
      const target = isJoined ? this.#join(entity, child) : this.#contained(entity, child);
      for (const { attribute, descending } of isJoined ? relationship.orderBy : [])
        this.order.push({ operand: columnNode(target, mapper.attribute(attribute)), descending, nulls: undefined });
      // Its columns stand in the select list before its JOIN is written.
      const source = this.#writer.declare(target);
      const attributes = attributesOf(child);
      const known = isJoined ? knownOfParent(relationship, parentColumns) : undefined;
      const place = known === undefined ? -1 : attributes.indexOf(known.attribute);
      const selected = place === -1 ? attributes : attributes.toSpliced(place, 1);
      this.#writer.write(", ");
      const columns = this.#columns(selected, source, ({ column }) =>
        this.#names.claim(column, () => `${source.name}_${column}`),
      );
      if (known !== undefined && place !== -1) columns.splice(place, 0, known);
      const complete = attributes.length === mapper.attributes.length;
      const inner = this.#children(target, child, columns);
      const slot: EntitySlot = { kind: "entity", mapper, columns, direct: false, complete, children: inner };
      children.push({ relationship, alias: source.name, slot });
    }
    return children;
  }

  #join(entity: Entity, { relationship }: LoadPlan): Entity {
    if (relationship === undefined) throw new InvalidRequestError("Only relationships can be joined for loading.");
    const target = Entity.alias(relationship.target);
    const through = relationship.through && Entity.alias(relationship.through);
    const link = linkOf(relationship, (attribute) => columnNode(entity, attribute), target, through);
    const base = { outer: true, relationship: undefined, source: undefined };
    if (through !== undefined) this.joins.push({ ...base, target: through, on: link.toThrough });
    this.joins.push({ ...base, target, on: link.toTarget });
    return target;
  }

  /** The entity that the query itself joined along the relationship. */
  #contained(entity: Entity, child: LoadPlan): Entity {
    const { joins } = this.#state;
    const join = joins.find((each) => each.source === entity && each.relationship === child.relationship);
    if (join !== undefined && !isDerived(join.target)) return join.target;
    // Joined by a condition of its own: it is clear where only one join leads to the model.
    const candidates = joins.filter((each) => !isDerived(each.target) && each.target.mapper === child.mapper);
    const [only] = candidates;
    if (candidates.length === 1 && only?.relationship === undefined) return only?.target as Entity;
    const path = child.path.join(".");
    throw new InvalidRequestError(`Cannot fill "${path}" from this query: it does not join that relationship.`, {
      hint: `join it: .join("${child.path.at(-1)}"), or load it: .options(joined("${path}"))`,
    });
  }
}

/**
 * The column of a joined child's foreign key: the join says that it equals a column of the parent, which stands in the row
 * already. Undefined where equal values need not be the same one.
 */
function knownOfParent(relationship: Relationship, parent: readonly EntityColumn[]): EntityColumn | undefined {
  const { kind, foreignKey: attribute, target } = relationship;
  if (kind !== "oneToMany" && kind !== "oneToOne") return undefined;
  // A child without a key is told from none by its columns.
  if (target.primaryKey.length === 0) return undefined;
  const { sourceKey } = relationship;
  if (attribute.kind !== "integer" || sourceKey.kind !== "integer" || attribute.primaryKey) return undefined;
  const column = parent.find((each) => each.attribute === sourceKey);
  return column && { attribute, key: column.key };
}

/** The select list of one model and nothing else, as most queries have it. */
interface PlainList {
  readonly text: string;
  readonly names: ReadonlySet<string>;
  readonly keys: ReadonlyMap<Attribute, string>;
  readonly slot: EntitySlot;
}

const plainLists = new WeakMap<Mapper, Map<string, PlainList | undefined>>();

/** The list for a table of that name, written once; undefined where an attribute's name cannot be a column's. */
function plainList(mapper: Mapper, { prefix }: SourceName): PlainList | undefined {
  let lists = plainLists.get(mapper);
  if (lists === undefined) plainLists.set(mapper, (lists = new Map<string, PlainList | undefined>()));
  let list = lists.get(prefix);
  if (list === undefined && !lists.has(prefix)) {
    const { attributes, dialect } = mapper;
    if (!attributes.every((attribute) => isStorableName(attribute.name))) {
      lists.set(prefix, undefined);
      return undefined;
    }
    const columns = attributes.map((attribute) => ({ attribute, key: attribute.name }));
    const texts = attributes.map(({ name, column, columnSql, readAsText }) => {
      const value = readAsText ? `CAST(${prefix}${columnSql} AS TEXT)` : prefix + columnSql;
      return name === column && !readAsText ? value : `${value} AS ${dialect.identifier(name)}`;
    });
    list = {
      text: texts.join(", "),
      names: new Set(attributes.map((attribute) => attribute.name)),
      keys: new Map(columns.map(({ attribute, key }) => [attribute, key])),
      slot: { kind: "entity", mapper, columns, direct: true, complete: true, children: [] },
    };
    lists.set(prefix, list);
  }
  return list;
}

function hasColumn({ mapper }: Entity, lower: string): boolean {
  return mapper.attributes.some((attribute) => attribute.column.toLowerCase() === lower);
}

function unnamed(node: Node): string {
  return node.kind === "function" ? `${node.name.replaceAll(/\W/g, "_")}_1` : "anon_1";
}

function valueDecoder(type: ValueType | undefined, dialect: Dialect): ((raw: unknown) => unknown) | undefined {
  if (type === undefined) return undefined;
  const decode = type.attribute === undefined ? decoderOf(type.kind, type.scale, dialect) : type.attribute.decode;
  return decode && ((raw) => (raw === null ? null : decode(raw)));
}
