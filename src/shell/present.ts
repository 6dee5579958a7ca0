import { types } from "node:util";
import type { Model, ModelStatic } from "sequelize";
import { Mapper } from "../mapper/mapper";
import type { Attribute, AttributeKind } from "../mapper/attribute";
import { Pagination } from "../query/pagination";
import { Query } from "../query/query";
import type { ResultRow } from "../query/result-row";
import { shapeOf } from "../query/result-shape";
import { Label } from "../render/label";
import { renderAs } from "../render/render-as";
import { record } from "../render/record";
import type { RecordField } from "../render/record";
import { countView, note, pageView } from "../render/renderable";
import type { Renderable } from "../render/renderable";
import type { Column, ResultSet, Row } from "../render/result-set";
import { resultSet, resultSetOf } from "../render/result-set";
import { sqlView } from "../render/sql";
import { Collection } from "../session/relationships";
import { Result } from "../session/result";
import type { Outcome, Session } from "../session/session";
import { inspectObject } from "../session/inspect-object";

/** What is known of a value besides the value. */
export interface ViewOptions {
  readonly session: Session;
  readonly durationMs: number;
  /** Columns are named as in the database, for statements. */
  readonly byColumn: boolean;
  /** Whether a person reads it: relationships and states are shown, which programs do not want. */
  readonly forPeople: boolean;
}

/**
 * The view of a value that came out of a statement: rows as a table, an object as a record, a query as its SQL.
 *
 * @returns undefined for a value without a look of its own
 */
export async function viewOf(value: unknown, options: ViewOptions): Promise<Renderable | undefined> {
  if (typeof value !== "object" || value === null) return undefined;
  if (!types.isProxy(value) && renderAs in value) return value as Renderable;
  if (value instanceof Collection) return viewOf(await (value as Collection<Model>).all(), options);
  if (value instanceof Query) return sqlView(String(value), "not run; .all() runs it");
  if (value instanceof Pagination) return pageOf(value as Pagination<unknown>, options);
  if (value instanceof Result) return resultOf(value, options);
  if (isTuple(value)) return tupleOf(value);
  if (Array.isArray(value)) return rowsOf(value, options);
  const mapper = mapperOf(value);
  return mapper === undefined ? undefined : recordOf(value as Model, mapper, options);
}

/** The table of a value's rows, where they are a model's; undefined for all others. */
export function tableOf(value: unknown): string | undefined {
  return mapperOf(Array.isArray(value) ? value[0] : value)?.tableName;
}

/** The mapper of a model's instance; undefined for any other value. */
function mapperOf(value: unknown): Mapper | undefined {
  if (typeof value !== "object" || value === null || !("dataValues" in value)) return undefined;
  const model = value.constructor as ModelStatic<Model> & { rawAttributes?: object };
  return model.rawAttributes === undefined ? undefined : Mapper.of(model);
}

function pageOf(page: Pagination<unknown>, options: ViewOptions): Renderable | undefined {
  const items = rowsOf(page.items, { ...options, durationMs: 0 });
  if (items === undefined) return undefined;
  return pageView({
    items: { ...items, durationMs: undefined },
    page: page.page,
    perPage: page.perPage,
    total: page.total,
  });
}

/** Rows of a query, instances of one model, or plain objects; undefined for an array of anything else. */
function rowsOf(values: readonly unknown[], options: ViewOptions): ResultSet | undefined {
  const shape = shapeOf(values);
  if (shape?.shape === "tuple") return tuplesOf(values as readonly Row[], shape.slots, options);
  if (values.length > 0 && values.every(isTuple)) return tuplesOf(values, slotsOf(values), options);
  const mapper = mapperOf(values[0]) ?? entityMapper(shape);
  if (mapper !== undefined && values.every((value) => mapperOf(value) === mapper)) {
    return instancesOf(values as readonly Model[], mapper, options);
  }
  if (values.length > 0 && values.every(isPlainObject)) return resultSetOf(values, { durationMs: options.durationMs });
  return undefined;
}

/** What came of a text of SQL: its rows, which stay there to be taken, or how many it changed. */
function resultOf(result: Result, options: ViewOptions): Renderable | undefined {
  const rows = result.peek();
  if (rows !== undefined) return rows.length > 0 ? rowsOf(rows, options) : resultSet({ columns: [], rows });
  // The number alone would not tell a program what it is.
  return (options.forPeople || options.byColumn) && result.keys().length === 0
    ? countView(result.rowcount, "affected")
    : undefined;
}

/** A row of several values, as queries of columns return it. */
type Tuple = Row & ResultRow;

function isTuple(value: unknown): value is Tuple {
  return Array.isArray(value) && "toObject" in value && typeof value.toObject === "function";
}

/** The columns of rows whose query is not known any more: their labels, and what stands under them. */
function slotsOf(rows: readonly Tuple[]): ShownSlot[] {
  const labels = (rows[0] as Pick<ResultRow, "keys"> | undefined)?.keys() ?? [];
  return labels.map((label, index) => {
    const mappers = new Set(rows.flatMap((row) => (row[index] == null ? [] : [mapperOf(row[index])])));
    const [mapper] = mappers;
    if (mappers.size === 1 && mapper !== undefined) return { kind: "entity", mapper };
    return { kind: "value", label, key: label ?? String(index) };
  });
}

/** One such row, a value a line. */
function tupleOf(row: Tuple): Renderable {
  const fields = slotsOf([row]).flatMap((slot, index): RecordField[] => {
    const value = row[index];
    if (slot.kind === "value") return [{ name: slot.label ?? slot.key, value }];
    return inReadingOrder(slot.mapper).map((attribute) => ({
      name: `${slot.mapper.name}.${attribute.name}`,
      kind: columnKind(attribute.kind),
      value: attributeValue(value as Model, attribute.name),
    }));
  });
  return record({ fields });
}

/** A place in a row: a value under its label, or an entity with its attributes. */
type ShownSlot =
  | { readonly kind: "value"; readonly label?: string | undefined; readonly key: string }
  | { readonly kind: "entity"; readonly mapper: Mapper };

function entityMapper(shape: ReturnType<typeof shapeOf>): Mapper | undefined {
  const slot = shape?.slots[0];
  return slot?.kind === "entity" ? slot.mapper : undefined;
}

function instancesOf(instances: readonly Model[], mapper: Mapper, options: ViewOptions): ResultSet {
  const { durationMs, forPeople, byColumn } = options;
  const attributes = inReadingOrder(mapper);
  const related = forPeople ? loadedRelationships(instances, mapper) : [];
  const columns: Column[] = attributes.map((attribute) =>
    byColumn ? { ...columnOf(attribute), name: attribute.column } : columnOf(attribute),
  );
  const readers = attributes.map(
    ({ name }) =>
      (instance: Model) =>
        attributeValue(instance, name),
  );
  for (const { key, columns: more, read } of related) {
    columns.push(...more);
    readers.push(...more.map((_, i) => (instance: Model) => read(instance, key)[i]));
  }
  const rows = instances.map((instance) => readers.map((read) => read(instance)));
  return resultSet({ columns, rows, durationMs });
}

/** Primary key first, then the model's order. */
function inReadingOrder(mapper: Mapper): Attribute[] {
  const { primaryKey, attributes } = mapper;
  return [...primaryKey, ...attributes.filter((attribute) => !primaryKey.includes(attribute))];
}

function columnOf(attribute: Attribute): Column {
  return { name: attribute.name, kind: columnKind(attribute.kind), primaryKey: attribute.primaryKey };
}

function columnKind(kind: AttributeKind): Column["kind"] {
  switch (kind) {
    case "integer":
    case "bigint":
    case "number":
    case "decimal":
      return "number";
    case "boolean":
    case "json":
    case "blob":
      return kind;
    case "date":
    case "dateonly":
      return "date";
    case "array":
      return "json";
    case "other":
      return "unknown";
    default:
      return "text";
  }
}

/** The attribute through the model's getter; a getter that fails costs its own cell only. */
function attributeValue(instance: Model, name: string): unknown {
  try {
    return instance.get(name);
  } catch (error) {
    return new Label(`<${(error as Error).message}>`, null);
  }
}

interface RelatedColumns {
  key: string;
  columns: Column[];
  read: (instance: Model, key: string) => readonly unknown[];
}

/** Columns for relationships that are loaded on at least one of the instances: `role.name`, `3 Users`. */
function loadedRelationships(instances: readonly Model[], mapper: Mapper): RelatedColumns[] {
  const found: RelatedColumns[] = [];
  const loaded = new Map(instances.map((instance) => [instance, inspectObject(instance).relationships]));
  const value = (instance: Model, key: string): unknown =>
    loaded.get(instance)?.find((known) => known.key === key)?.value;
  for (const [key, relationship] of mapper.relationships) {
    if (![...loaded.values()].some((known) => known.some((each) => each.key === key && each.value != null))) continue;
    const noun = relationship.target.name;
    if (relationship.toMany) {
      const read = (instance: Model): unknown[] => {
        const members = value(instance, key);
        return [
          Array.isArray(members) ? new Label(`${members.length} ${noun}${members.length === 1 ? "" : "s"}`) : undefined,
        ];
      };
      found.push({ key, columns: [{ name: key, kind: "text" }], read: (instance) => read(instance) });
    } else {
      const name = namingAttribute(relationship.target);
      found.push({
        key,
        columns: [{ ...columnOf(name), primaryKey: false, name: `${key}.${name.name}` }],
        read: (instance) => {
          const target = value(instance, key) as Model | null | undefined;
          return [target == null ? null : attributeValue(target, name.name)];
        },
      });
    }
  }
  return found;
}

/** The attribute by which a person knows a row: its name, else its first text that is unique, else its first text, else its key. */
function namingAttribute(mapper: Mapper): Attribute {
  const texts = mapper.attributes.filter((attribute) => attribute.kind === "text" && !attribute.primaryKey);
  const named = texts.find((attribute) => /^(name|title|username|label|email)$/i.test(attribute.name));
  const unique = texts.find((attribute) => attribute.options.unique);
  return named ?? unique ?? texts[0] ?? (mapper.primaryKey[0] as Attribute);
}

/** Rows of columns and entities side by side; an entity's attributes are columns `User.id`. */
function tuplesOf(rows: readonly Row[], slots: readonly ShownSlot[], { durationMs }: ViewOptions): ResultSet {
  const columns: Column[] = [];
  const readers: ((row: Row) => unknown)[] = [];
  slots.forEach((slot, i) => {
    if (slot.kind === "value") {
      columns.push({ name: slot.label ?? slot.key, kind: "unknown" });
      readers.push((row) => row[i]);
      return;
    }
    for (const attribute of inReadingOrder(slot.mapper)) {
      columns.push({ ...columnOf(attribute), name: `${slot.mapper.name}.${attribute.name}` });
      readers.push((row) => (row[i] == null ? null : attributeValue(row[i] as Model, attribute.name)));
    }
  });
  const drawn = rows.map((row) => readers.map((read) => read(row)));
  const kinds = columns.map((column, i) =>
    column.kind === "unknown" && isNumeric(drawn, i) ? { ...column, kind: "number" as const } : column,
  );
  return resultSet({ columns: kinds, rows: drawn, durationMs });
}

function isNumeric(rows: readonly Row[], column: number): boolean {
  return (
    rows.some((row) => row[column] != null) &&
    rows.every((row) => row[column] == null || typeof row[column] === "number")
  );
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null)
  );
}

/** One object with its state: `User #3 · persistent`, changed attributes as old → new. */
function recordOf(instance: Model, mapper: Mapper, options: ViewOptions): Renderable {
  const { forPeople } = options;
  if (options.byColumn) return instancesOf([instance], mapper, options);
  const seen = inspectObject(instance);
  const fields: RecordField[] = inReadingOrder(mapper).map((attribute) => {
    const { name } = attribute;
    const field = { name, kind: columnKind(attribute.kind), value: attributeValue(instance, name) };
    if (!forPeople) return field;
    const change = seen.changed.find((changed) => changed.name === name);
    if (seen.notLoaded.includes(name)) return { ...field, value: null, note: "not loaded" };
    if (seen.state === "pending") return { ...field, pending: true };
    return change === undefined ? field : { ...field, old: change.old };
  });
  if (forPeople) {
    for (const [key, relationship] of mapper.relationships) {
      const known = seen.relationships.find((each) => each.key === key);
      fields.push({ name: key, value: relationshipText(known?.value, relationship.target.name) });
    }
  }
  const key = mapper.primaryKey.map(({ name }) => String(instance.get(name) ?? "?")).join(", ");
  const number = seen.state === "pending" || seen.state === "transient" ? "" : ` #${key}`;
  return record({ title: `${mapper.name}${number} · ${seen.state}`, fields });
}

function relationshipText(value: unknown, noun: string): unknown {
  if (value === undefined) return new Label("<not loaded>", null);
  if (value === null) return null;
  if (Array.isArray(value)) return new Label(`${value.length} ${noun}${value.length === 1 ? "" : "s"}`);
  const mapper = mapperOf(value);
  if (mapper === undefined) return new Label(String(value));
  const name = namingAttribute(mapper);
  return new Label(`${mapper.name} ${JSON.stringify(attributeValue(value as Model, name.name))}`);
}

/** What a call on the session did, as one dim line. */
export function outcomeView(outcome: Outcome): Renderable {
  switch (outcome.kind) {
    case "update":
    case "delete":
      return countView(outcome.rows, outcome.kind === "update" ? "updated" : "deleted");
    case "rollback": {
      const undone = counted([
        [outcome.newDiscarded, "new"],
        [outcome.changedDiscarded, "changed"],
        [outcome.deletedDiscarded, "deleted"],
      ]);
      return note(`rolled back: ${undone === "" ? "nothing to undo" : undone}`);
    }
    default: {
      const done = counted([
        [outcome.inserts, outcome.inserts === 1 ? "insert" : "inserts"],
        [outcome.updates, outcome.updates === 1 ? "update" : "updates"],
        [outcome.deletes, outcome.deletes === 1 ? "delete" : "deletes"],
      ]);
      const verb = outcome.kind === "commit" ? "committed" : "flushed";
      return note(
        `${verb}: ${done === "" ? "nothing to do" : `${done} (${Math.max(1, Math.round(outcome.durationMs))} ms)`}`,
      );
    }
  }
}

function counted(parts: readonly (readonly [number, string])[]): string {
  return parts
    .filter(([count]) => count > 0)
    .map(([count, noun]) => `${count} ${noun}`)
    .join(", ");
}
