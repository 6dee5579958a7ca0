import type { Dialect, Statement } from "../driver/dialect";
import { describe } from "../driver/dialect";
import { ArgumentError, InvalidRequestError } from "../errors";
import type { Attribute } from "../mapper/attribute";
import type { Compiler } from "./compile";
import { changeParts, compileSelect } from "./compile";
import type { Entity } from "./entity";
import { predicateOf } from "./evaluate";
import { criteriaOf, isParanoid } from "./model-scope";
import { checkOptions } from "./named-options";
import type { Node } from "./node";
import { nodeOfExpression, operandBeside } from "./operand";
import type { BulkChange, Shows, Synchronize } from "./query-executor";
import { SERVER_VALUE } from "./query-executor";
import { columnNode } from "./relationship-link";
import type { SelectState } from "./select-state";
import { isDerived, primaryEntity } from "./select-state";
import { toStatement } from "./sql-text";
import { WhereObjects } from "./where-objects";

/** How a bulk change keeps the session's objects in step. */
export interface ChangeOptions {
  /**
   * "evaluate": the objects that match are found by their values; "fetch": by a SELECT of the keys; false: they are left as
   * they are. Default "auto": by their values where that is certain, else by a SELECT.
   */
  synchronizeSession?: Synchronize;
}

/** How rows are deleted in bulk. */
export interface DeleteOptions extends ChangeOptions {
  /** Rows of a paranoid model are removed, not marked. */
  force?: boolean;
}

/** What is set, per attribute: the SQL of the value, and the plain value where it is one. */
interface Assignment {
  readonly attribute: Attribute;
  readonly node: Node;
  readonly plain: unknown;
}

/** The bulk UPDATE of a query's rows. */
export function updateChange(state: SelectState, dialect: Dialect, values: object, options: ChangeOptions): BulkChange {
  checkOptions(options, ["synchronizeSession"], "update");
  const entity = changedEntity(state);
  return bulkChange("update", state, dialect, entity, assignments(entity, values), options);
}

/** The bulk DELETE of a query's rows; of a paranoid model, the UPDATE that marks them. */
export function deleteChange(state: SelectState, dialect: Dialect, options: DeleteOptions): BulkChange {
  checkOptions(options, ["synchronizeSession", "force"], "delete");
  const entity = changedEntity(state);
  const { deletedAt } = entity.mapper;
  const marks =
    isParanoid(entity) && deletedAt !== undefined && !options.force
      ? [plainAssignment(entity, deletedAt, new Date())]
      : [];
  return bulkChange("delete", state, dialect, entity, marks, options);
}

function bulkChange(
  kind: BulkChange["kind"],
  state: SelectState,
  dialect: Dialect,
  entity: Entity,
  sets: readonly Assignment[],
  options: ChangeOptions,
): BulkChange {
  const synchronize = synchronizeOf(options);
  const conditions = [...state.where, ...criteriaOf(entity, state)];
  const predicate = predicateOf(conditions, entity, synchronize !== "evaluate");
  if (synchronize === "evaluate" && predicate === undefined) {
    throw new InvalidRequestError(
      "Could not evaluate current criteria in JavaScript: only the database can judge them.",
      {
        hint: 'use { synchronizeSession: "fetch" }, or leave the option out',
      },
    );
  }
  const { mapper } = entity;
  return {
    kind,
    mapper,
    compile: () => changeStatement(dialect, entity, sets, conditions, state),
    compileKeys: () =>
      compileSelect(
        {
          ...state,
          loads: [],
          selection: mapper.primaryKey.map((attribute) => ({
            kind: "value",
            node: columnNode(entity, attribute),
            label: attribute.name,
          })),
        },
        dialect,
      ),
    evaluate: predicate?.test,
    reads: predicate?.reads ?? new Set(),
    values: new Map(kind === "delete" ? [] : sets.map(({ attribute, plain }) => [attribute, plain])),
    synchronize,
    autoflush: state.autoflush,
  };
}

function changeStatement(
  dialect: Dialect,
  entity: Entity,
  sets: readonly Assignment[],
  conditions: readonly Node[],
  shows: Shows,
): Statement {
  const { table } = entity.mapper;
  const parts = changeParts(dialect, true, entity, (compiler: Compiler) => {
    if (sets.length === 0) compiler.write(`DELETE FROM ${table}`);
    sets.forEach(({ attribute, node }, i) => {
      compiler.write(`${i === 0 ? `UPDATE ${table} SET ` : ", "}${attribute.columnSql} = `).node(node);
    });
    if (conditions.length === 0) return;
    compiler.shows = shows;
    compiler.write(" WHERE ");
    compiler.writeCondition(conditions);
  });
  return toStatement(parts, dialect);
}

function assignments(entity: Entity, values: object): Assignment[] {
  const { mapper } = entity;
  if (typeof values !== "object" || values === null || Array.isArray(values))
    throw new ArgumentError(`Expected new values by attribute in update(), got ${describe(values)}.`);
  const sets = Object.entries(values).map(([name, value]): Assignment => {
    const attribute = mapper.find(name);
    if (attribute === undefined) throw notAnAttribute(entity, name);
    const node = nodeOfExpression(value) ?? new WhereObjects(entity).value(value);
    if (node !== undefined) return { attribute, node, plain: SERVER_VALUE };
    return plainAssignment(entity, attribute, value);
  });
  if (sets.length === 0)
    throw new ArgumentError("Cannot update without new values.", { hint: 'update({ name: "…" })' });
  const { updatedAt } = mapper;
  if (updatedAt !== undefined && !sets.some((set) => set.attribute === updatedAt))
    sets.push(plainAssignment(entity, updatedAt, new Date()));
  return sets;
}

function plainAssignment(entity: Entity, attribute: Attribute, value: unknown): Assignment {
  if (value === null) return { attribute, node: { kind: "value", value: null, typed: false }, plain: null };
  const node = operandBeside(columnNode(entity, attribute), value, "update");
  // The value as a later read would give it: the number for its digits, the decimal at its scale.
  const isStored =
    node.kind === "parameter" && attribute.kind !== "json" && attribute.kind !== "array" && attribute.kind !== "other";
  return { attribute, node, plain: isStored ? attribute.fromDatabase(node.value) : attribute.snapshot(value) };
}

function notAnAttribute(entity: Entity, name: string): ArgumentError {
  const { mapper } = entity;
  const relationship = mapper.relationships.get(name);
  if (relationship !== undefined) {
    return new ArgumentError(`Cannot update ${relationship.label} in bulk: it is a relationship.`, {
      hint:
        relationship.kind === "manyToOne" ? `set its key: ${relationship.foreignKey.name}` : "set the key of its rows",
    });
  }
  const unknown = mapper.unknownProperty(name);
  return new ArgumentError(unknown.message, { hint: unknown.hint });
}

function synchronizeOf({ synchronizeSession = "auto" }: ChangeOptions): Synchronize {
  if (["auto", "evaluate", "fetch", false].includes(synchronizeSession)) return synchronizeSession;
  throw new ArgumentError(
    `Expected "auto", "evaluate", "fetch" or false as synchronizeSession, got ${describe(synchronizeSession)}.`,
  );
}

/** The model whose rows are changed. */
function changedEntity(state: SelectState): Entity {
  const used = calledBuilder(state);
  if (used !== undefined)
    throw new InvalidRequestError(`Can't call Query.update() or Query.delete() when ${used}() has been called`, {
      hint: changeHint(used, primaryEntity(state)),
    });
  const entity = primaryEntity(state);
  if (entity === undefined || !entity.isModel || state.from.length !== 1)
    throw new InvalidRequestError("Query.update() and Query.delete() need a query of one model.");
  return entity;
}

/** How to choose the rows without what a bulk statement cannot have. */
function changeHint(used: string, entity: Entity | undefined): string | undefined {
  if (used === "orderBy") return "leave it out, or orderBy(null): the order of a change does not matter";
  const { name, primaryKey } = entity?.mapper ?? {};
  const [key, ...others] = primaryKey ?? [];
  if (name === undefined || key === undefined || others.length > 0) return undefined;
  const column = `${name}.c.${key.name}`;
  return `choose the rows by their keys: ${name}.query.filter(${column}.in(query.withEntities(${column})))`;
}

function calledBuilder(state: SelectState): string | undefined {
  if (state.limit !== undefined) return "limit";
  if (state.offset !== undefined) return "offset";
  if (state.orderBy.length > 0) return "orderBy";
  if (state.groupBy.length > 0) return "groupBy";
  if (state.having.length > 0) return "having";
  if (state.distinct || state.distinctOn.length > 0) return "distinct";
  if (state.joins.length > 0) return "join";
  if (state.fromChosen) return "selectFrom";
  return state.from.some(isDerived) ? "union" : undefined;
}
