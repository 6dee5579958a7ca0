import type { Bindable } from "../driver/dialect";
import { CircularDependencyError } from "../errors";
import type { Attribute } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import type { Relationship } from "../mapper/relationship";
import { changedAttributes } from "./attribute-access";
import { groupInOrder, sortIntoLevels } from "./commit-order";
import { tableDependencies } from "./table-dependencies";
import { emplace } from "./emplace";
import { isSqlExpression } from "./expression-values";
import { boundValue, completeNew, generate, insertRow, rowOfShape, shapeOf } from "./insert-values";
import type { InsertShape } from "./insert-values";
import type { InstanceState, Values } from "./instance-state";
import type { Link, Links } from "./links";
import type { RelationBefore } from "./relation-values";
import type { Relation } from "./relations";

/** A place in a row that is filled when the row it refers to has its key. */
export interface PendingKey {
  row: number;
  column: number;
  link: Link;
}

/** Rows to insert with one statement where possible. */
export interface InsertStep {
  kind: "insert";
  mapper: Mapper;
  shape: InsertShape;
  states: InstanceState[];
  rows: Bindable[][];
  pendingKeys: PendingKey[];
  /** Values that the database computes: one object, in a statement of its own. */
  hasExpressions: boolean;
}

/** Rows to update with one statement where possible: the values of `keys`, then of `sets`. */
export interface UpdateStep {
  kind: "update";
  mapper: Mapper;
  keys: readonly Attribute[];
  sets: readonly Attribute[];
  states: InstanceState[];
  rows: Bindable[][];
  pendingKeys: PendingKey[];
  hasExpressions: boolean;
  /** "save" counts as an update; "postUpdate" completes an insert or prepares a delete; "softDelete" is a paranoid model's delete. */
  purpose: "save" | "postUpdate" | "softDelete";
}

/** Rows to delete with one statement where possible. */
export interface DeleteStep {
  kind: "delete";
  mapper: Mapper;
  keys: readonly Attribute[];
  states: readonly InstanceState[];
}

/** Rows of an association table: links of a many-to-many relationship. */
export interface AssociationStep {
  kind: "associate" | "dissociate";
  relationship: Relationship;
  pairs: readonly AssociationPair[];
}

/** One row of an association table by the objects it joins; without `target`: every row of the owner. */
export interface AssociationPair {
  owner: InstanceState;
  target: InstanceState | undefined;
}

export type Step = InsertStep | UpdateStep | DeleteStep | AssociationStep;

/** What a flush will do, in order, and what it has taken from the objects to do it. */
export interface FlushPlan {
  steps: Step[];
  inserts: readonly InstanceState[];
  updates: InstanceState[];
  deletes: readonly InstanceState[];
  /** Objects whose rows are taken over by new objects with the same key. */
  replaced: Map<InstanceState, InstanceState>;
  /** Relationships of objects with a row, and what they were before. */
  relations: { state: InstanceState; key: string; before: RelationBefore }[];
  /** Relationships of new objects. */
  newRelations: Relation[];
  now: Date;
}

/** What there is to flush. */
export interface FlushWork {
  inserts: readonly InstanceState[];
  updates: readonly InstanceState[];
  deletes: readonly InstanceState[];
  links: Links;
  now: Date;
}

/**
 * Turns what there is to flush into steps: parents before children, per table updates before inserts, then the rows of
 * association tables, then deletes with children before parents.
 *
 * The values are read here, so that a change made while the steps run belongs to the next flush.
 *
 * @throws {CircularDependencyError} where rows refer to each other in a circle and no relationship says `postUpdate`
 */
export function planFlush(work: FlushWork): FlushPlan {
  const plan: FlushPlan = {
    steps: [],
    inserts: work.inserts,
    updates: [],
    deletes: work.deletes,
    replaced: new Map(),
    relations: [],
    newRelations: [],
    now: work.now,
  };
  switchRows(plan);
  const { replaced } = plan;
  const byMapper = new Map<Mapper, MapperWork>();
  const workOf = (mapper: Mapper): MapperWork =>
    emplace(byMapper, mapper, () => ({ inserts: [], updates: [], deletes: [] }));
  eachOfMapper(plan.inserts, (mapper, states) => {
    const taking = replaced.size > 0 ? states.filter((state) => replaced.has(state)) : [];
    const fresh = taking.length > 0 ? states.filter((state) => !replaced.has(state)) : states;
    const { inserts, updates } = workOf(mapper);
    workOf(mapper).inserts = joined(inserts, fresh);
    workOf(mapper).updates = joined(updates, taking);
  });
  eachOfMapper(work.updates, (mapper, states) => {
    workOf(mapper).updates = joined(workOf(mapper).updates, states);
  });
  eachOfMapper(plan.deletes, (mapper, states) => {
    workOf(mapper).deletes = joined(workOf(mapper).deletes, states);
  });
  const groups = groupInOrder([...byMapper.keys()], tableDependencies([...byMapper.keys()]));
  for (const group of groups)
    planSaves(
      plan,
      work,
      group.map((mapper) => [mapper, workOf(mapper)]),
    );
  plan.steps.push(...associationSteps("dissociate", work.links.dissociated));
  plan.steps.push(...associationSteps("associate", work.links.associated));
  for (const group of groups.reverse())
    planDeletes(
      plan,
      group.map((mapper) => [mapper, workOf(mapper)]),
    );
  return plan;
}

interface MapperWork {
  inserts: readonly InstanceState[];
  updates: readonly InstanceState[];
  deletes: readonly InstanceState[];
}

/** Calls `work` with the objects of each model; with the list itself where all are of one. */
function eachOfMapper(
  states: readonly InstanceState[],
  work: (mapper: Mapper, states: readonly InstanceState[]) => void,
): void {
  const [first] = states;
  if (first === undefined) return;
  if (states.every(({ mapper }) => mapper === first.mapper)) {
    work(first.mapper, states);
    return;
  }
  const byMapper = new Map<Mapper, InstanceState[]>();
  for (const state of states) emplace(byMapper, state.mapper, () => []).push(state);
  for (const [mapper, some] of byMapper) work(mapper, some);
}

function joined<T>(first: readonly T[], second: readonly T[]): readonly T[] {
  if (first.length === 0) return second;
  return second.length === 0 ? first : [...first, ...second];
}

/** A new object with the key of one that is deleted in the same flush takes over its row. */
function switchRows(plan: FlushPlan): void {
  if (plan.deletes.length === 0 || plan.inserts.length === 0) return;
  const deletedByKey = new Map<Mapper, Map<unknown, InstanceState>>();
  for (const state of plan.deletes) {
    if (state.mapper.deletedAt !== undefined) continue;
    emplace(deletedByKey, state.mapper, () => new Map<unknown, InstanceState>()).set(state.key, state);
  }
  for (const state of plan.inserts) {
    const key = state.mapper.identityOf(state.instance.dataValues);
    const old = key === undefined ? undefined : deletedByKey.get(state.mapper)?.get(key);
    if (old !== undefined) plan.replaced.set(state, old);
  }
  if (plan.replaced.size === 0) return;
  const replaced = new Set(plan.replaced.values());
  plan.deletes = plan.deletes.filter((state) => !replaced.has(state));
}

// Saving

const NO_LINKS: readonly Link[] = [];

function planSaves(plan: FlushPlan, work: FlushWork, group: readonly (readonly [Mapper, MapperWork])[]): void {
  const [[, first] = [undefined, undefined]] = group;
  const inserts =
    group.length === 1 && first !== undefined ? first.inserts : group.flatMap(([, { inserts: states }]) => states);
  const isNew = new Set(work.links.isWaiting ? inserts : []);
  const within = (state: InstanceState): readonly Link[] =>
    work.links.of(state)?.filter((link) => isNew.has(link.parent) && !link.postponed) ?? NO_LINKS;
  const late: InstanceState[] = [];
  for (const [, { updates }] of group) {
    const waits = (state: InstanceState): boolean => within(state).length > 0;
    const waiting = work.links.isWaiting ? updates.filter(waits) : [];
    for (const state of waiting) late.push(state);
    planUpdates(plan, work, waiting.length === 0 ? updates : updates.filter((state) => !waits(state)));
  }
  const linked = work.links.isWaiting && inserts.some((state) => within(state).length > 0);
  if (!linked && group.length === 1) planInserts(plan, work, inserts);
  else planLevels(plan, work, group, inserts, within);
  for (const [mapper] of group) {
    const ofMapper = late.filter((state) => state.mapper === mapper);
    if (ofMapper.length > 0) planUpdates(plan, work, ofMapper);
  }
}

function planLevels(
  plan: FlushPlan,
  work: FlushWork,
  group: readonly (readonly [Mapper, MapperWork])[],
  inserts: readonly InstanceState[],
  within: (state: InstanceState) => readonly Link[],
): void {
  const parents = (state: InstanceState): InstanceState[] => within(state).map((link) => link.parent);
  let sorted = sortIntoLevels(inserts, parents);
  const postponed: { state: InstanceState; link: Link }[] = [];
  if (sorted.circular.length > 0) {
    const circular = new Set(sorted.circular);
    for (const state of sorted.circular) {
      for (const link of within(state)) {
        if (!link.postUpdate || !circular.has(link.parent)) continue;
        link.postponed = true;
        postponed.push({ state, link });
      }
    }
    sorted = sortIntoLevels(inserts, parents);
    if (sorted.circular.length > 0) throw circularError(sorted.circular);
  }
  for (const level of sorted.levels) {
    for (const [mapper] of group) {
      const states = level.filter((state) => state.mapper === mapper);
      if (states.length > 0) planInserts(plan, work, states);
    }
  }
  for (const { state, link } of postponed) {
    plan.steps.push({
      kind: "update",
      mapper: state.mapper,
      keys: state.mapper.primaryKey,
      sets: [link.attribute],
      states: [state],
      rows: [[...state.mapper.primaryKey.map(() => null), null]],
      pendingKeys: [{ row: 0, column: state.mapper.primaryKey.length, link }],
      hasExpressions: false,
      purpose: "postUpdate",
    });
  }
}

function circularError(states: readonly InstanceState[]): CircularDependencyError {
  const tables = [...new Set(states.map((state) => state.mapper.tableName))];
  return new CircularDependencyError(
    `Cannot flush: ${states.length} new rows of ${tables.map((table) => `"${table}"`).join(", ")} refer to each other in a circle, ` +
      "so that none can be inserted first.",
    { tables, hint: "give one of the associations the option postUpdate: true" },
  );
}

function planInserts(plan: FlushPlan, work: FlushWork, states: readonly InstanceState[]): void {
  for (const step of insertSteps(states, work.links, plan.now)) plan.steps.push(step);
}

/**
 * The steps that insert objects in their order: one for each run of objects with the same columns.
 *
 * @param now  the time for what is filled in first; undefined where the objects are complete
 */
export function insertSteps(
  states: readonly InstanceState[],
  links: Links | undefined,
  now: Date | undefined,
): InsertStep[] {
  const steps: InsertStep[] = [];
  let step: InsertStep | undefined;
  for (const state of states) {
    const { mapper } = state;
    if (now !== undefined) completeNew(state, now);
    state.inserting = true;
    const own = links?.of(state);
    const linked = own && new Set(own.map((link) => link.attribute));
    // A column that may have a default of the database is learned from one row before many follow.
    const canJoin = step?.mapper === mapper && !step.hasExpressions && step.shape.unknown.length === 0;
    let row = canJoin ? rowOfShape(state, (step as InsertStep).shape, linked) : undefined;
    if (step === undefined || row === undefined) {
      const shape = shapeOf(state, linked);
      const hasExpressions = holdsExpression(state, mapper.attributes);
      step = { kind: "insert", mapper, shape, states: [], rows: [], pendingKeys: [], hasExpressions };
      steps.push(step);
      row = hasExpressions ? [] : insertRow(state, shape.columns);
    }
    if (own !== undefined) notePendingKeys(step, step.rows.length, step.shape.columns, 0, own);
    step.states.push(state);
    step.rows.push(row);
  }
  return steps;
}

function holdsExpression(state: InstanceState, attributes: readonly Attribute[]): boolean {
  const { dataValues } = state.instance;
  for (const { name } of attributes) {
    const value = dataValues[name];
    if (typeof value === "object" && value !== null && isSqlExpression(value)) return true;
  }
  return false;
}

function notePendingKeys(
  step: InsertStep | UpdateStep,
  row: number,
  columns: readonly Attribute[],
  offset: number,
  links: readonly Link[],
): void {
  for (const link of links) {
    if (link.postponed) continue;
    const column = columns.indexOf(link.attribute);
    if (column >= 0) step.pendingKeys.push({ row, column: column + offset, link });
  }
}

function planUpdates(plan: FlushPlan, work: FlushWork, states: readonly InstanceState[]): void {
  for (const step of updateSteps(states, work.links, plan)) {
    plan.steps.push(step);
    for (const state of step.states)
      if (plan.replaced.size === 0 || !plan.replaced.has(state)) plan.updates.push(state);
  }
}

/** The steps that update objects by ascending key: one for each run of objects with the same changed columns. */
export function updateSteps(
  states: readonly InstanceState[],
  links: Links | undefined,
  { replaced, now }: Pick<FlushPlan, "replaced" | "now">,
): UpdateStep[] {
  const steps: UpdateStep[] = [];
  let step: UpdateStep | undefined;
  for (const state of inKeyOrder(states)) {
    const { mapper } = state;
    const old = replaced.size > 0 ? replaced.get(state) : undefined;
    const own = links?.of(state) ?? NO_LINKS;
    const sets = old === undefined ? changedColumns(state, own, now) : replacementColumns(state, old, now);
    const original = old === undefined ? takeOriginal(state, own) : undefined;
    if (sets.length === 0) continue;
    const keys = step?.mapper === mapper ? step.keys : keysOf(mapper);
    const row: Bindable[] = [];
    for (const key of keys) row.push(committed(old ?? state, key, original));
    const hasExpressions = holdsExpression(state, sets);
    const joins = step !== undefined && !step.hasExpressions && !hasExpressions && sameColumns(step.sets, sets);
    if (step === undefined || !joins) {
      step = {
        kind: "update",
        mapper,
        keys,
        sets,
        states: [],
        rows: [],
        pendingKeys: [],
        hasExpressions,
        purpose: "save",
      };
      steps.push(step);
    }
    step.states.push(state);
    if (!hasExpressions) for (const attribute of sets) row.push(boundValue(state, attribute));
    step.rows.push(row);
    notePendingKeys(step, step.rows.length - 1, sets, keys.length, own);
  }
  return steps;
}

/** What an UPDATE of the object sets; its version and its time of change go with every net change. */
function changedColumns(state: InstanceState, links: readonly Link[], now: Date): Attribute[] {
  const { mapper } = state;
  const attributes = changedAttributes(state);
  // The account of changes names each attribute once.
  if (attributes.length < 2 && links.length === 0 && mapper.updatedAt === undefined && mapper.version === undefined)
    return attributes;
  const changed = new Set(attributes);
  for (const link of links) changed.add(link.attribute);
  if (changed.size === 0) return [];
  if (mapper.updatedAt !== undefined && !changed.has(mapper.updatedAt)) {
    setGenerated(state, mapper.updatedAt, new Date(now.getTime()));
    changed.add(mapper.updatedAt);
  }
  if (mapper.version !== undefined) {
    const known = Number(state.original?.[mapper.version.name] ?? state.instance.dataValues[mapper.version.name] ?? 0);
    setGenerated(state, mapper.version, known + 1);
    changed.add(mapper.version);
  }
  if (changed.size === 1) return [...changed];
  return mapper.attributes.filter((attribute) => changed.has(attribute));
}

/** What tells the row of an UPDATE or a DELETE. */
function keysOf({ primaryKey, version }: Mapper): readonly Attribute[] {
  return version === undefined ? primaryKey : [...primaryKey, version];
}

function setGenerated(state: InstanceState, attribute: Attribute, value: unknown): void {
  const original = (state.original ??= {});
  if (!(attribute.name in original)) original[attribute.name] = state.instance.dataValues[attribute.name];
  state.instance.dataValues[attribute.name] = value;
}

/** A new object in an old row: every column is written, an unset one gets its default or NULL. */
function replacementColumns(state: InstanceState, old: InstanceState, now: Date): Attribute[] {
  completeNew(state, now);
  state.inserting = true;
  const { mapper } = state;
  if (mapper.version !== undefined)
    generate(state, mapper.version.name, Number(committedValue(old, mapper.version)) + 1);
  for (const { name } of mapper.attributes)
    if (state.instance.dataValues[name] === undefined) generate(state, name, null);
  return mapper.attributes.filter((attribute) => !attribute.primaryKey);
}

/** Takes the account of changes from the object: what is changed from now on belongs to the next flush. */
function takeOriginal(state: InstanceState, links: readonly Link[] = []): Values {
  const original = state.original ?? {};
  for (const { attribute } of links)
    if (!(attribute.name in original)) original[attribute.name] = state.instance.dataValues[attribute.name];
  if (state.copies !== undefined) {
    for (const name in state.copies) {
      const attribute = state.mapper.find(name);
      const value = state.instance.dataValues[name];
      if (attribute === undefined || attribute.equals(state.copies[name], value)) continue;
      if (!(name in original)) original[name] = state.copies[name];
      state.copies[name] = attribute.snapshot(value);
    }
  }
  state.flushing = original;
  state.original = undefined;
  return original;
}

function committed(state: InstanceState, attribute: Attribute, original: Values | undefined): Bindable {
  const values = original ?? state.original;
  const value =
    values !== undefined && attribute.name in values
      ? values[attribute.name]
      : state.instance.dataValues[attribute.name];
  return attribute.toDatabase(value ?? null);
}

function committedValue(state: InstanceState, attribute: Attribute): unknown {
  return state.original !== undefined && attribute.name in state.original
    ? state.original[attribute.name]
    : state.instance.dataValues[attribute.name];
}

function sameColumns(a: readonly Attribute[], b: readonly Attribute[]): boolean {
  return a.length === b.length && a.every((attribute, i) => attribute === b[i]);
}

/** By ascending key, so that two sessions lock rows in the same order. */
function inKeyOrder(states: readonly InstanceState[]): readonly InstanceState[] {
  for (let i = 1; i < states.length; i++) {
    if (compareKeys(states[i - 1] as InstanceState, states[i] as InstanceState) > 0)
      return [...states].sort(compareKeys);
  }
  return states;
}

function compareKeys(a: InstanceState, b: InstanceState): number {
  if (typeof a.key === "number" && typeof b.key === "number") return a.key - b.key;
  const [left, right] = [String(a.key), String(b.key)];
  return left < right ? -1 : left > right ? 1 : 0;
}

// Association tables

function* associationSteps(
  kind: "associate" | "dissociate",
  pairs: ReadonlyMap<Relationship, readonly AssociationPair[]>,
): Iterable<AssociationStep> {
  for (const [relationship, list] of pairs) if (list.length > 0) yield { kind, relationship, pairs: list };
}

// Deleting

function planDeletes(plan: FlushPlan, group: readonly (readonly [Mapper, MapperWork])[]): void {
  const [[, only] = [undefined, undefined]] = group;
  const states = group.length === 1 ? (only?.deletes ?? []) : group.flatMap(([, { deletes }]) => deletes);
  if (states.length === 0) return;
  const children = childrenAmong(states, new Set(group.map(([mapper]) => mapper)));
  if (children.size === 0) {
    for (const [mapper, { deletes }] of group) planDelete(plan, mapper, deletes);
    return;
  }
  const { levels, circular } = sortIntoLevels(states, (state) => children.get(state)?.map(({ child }) => child) ?? []);
  const rounds = circular.length > 0 ? [...levels, circular] : levels;
  breakCircles(plan, circular, children);
  for (const round of rounds)
    for (const [mapper] of group)
      planDelete(
        plan,
        mapper,
        round.filter((state) => state.mapper === mapper),
      );
}

type Children = Map<InstanceState, { child: InstanceState; relationship: Relationship }[]>;

/** Which of the deleted rows refer to which other ones. */
function childrenAmong(states: readonly InstanceState[], mappers: ReadonlySet<Mapper>): Children {
  const byKey = new Map<Attribute, Map<string, InstanceState>>();
  const children: Children = new Map();
  for (const mapper of mappers) {
    for (const relationship of mapper.relationships.values()) {
      if (relationship.kind !== "manyToOne" || !mappers.has(relationship.target)) continue;
      const parents = indexBy(states, relationship, byKey);
      for (const child of states) {
        if (child.mapper !== mapper) continue;
        const foreignKey = committedValue(child, relationship.foreignKey);
        const parent = foreignKey === null || foreignKey === undefined ? undefined : parents.get(String(foreignKey));
        if (parent === undefined || parent === child) continue;
        emplace(children, parent, () => []).push({ child, relationship });
      }
    }
  }
  return children;
}

function indexBy(
  states: readonly InstanceState[],
  relationship: Relationship,
  known: Map<Attribute, Map<string, InstanceState>>,
): Map<string, InstanceState> {
  const { target, targetKey } = relationship;
  let index = known.get(targetKey);
  if (index === undefined) {
    index = new Map();
    for (const state of states) if (state.mapper === target) index.set(String(committedValue(state, targetKey)), state);
    known.set(targetKey, index);
  }
  return index;
}

/** Rows that refer to each other let go of each other first, where their relationship allows it. */
function breakCircles(plan: FlushPlan, circular: readonly InstanceState[], children: Children): void {
  const inCircle = new Set(circular);
  for (const state of circular) {
    for (const { child, relationship } of children.get(state) ?? []) {
      if (!inCircle.has(child) || !relationship.postUpdate) continue;
      const { mapper } = child;
      plan.steps.push({
        kind: "update",
        mapper,
        keys: mapper.primaryKey,
        sets: [relationship.foreignKey],
        states: [child],
        rows: [[...mapper.primaryKey.map((key) => committed(child, key, undefined)), null]],
        pendingKeys: [],
        hasExpressions: false,
        purpose: "postUpdate",
      });
    }
  }
}

/** The values that tell the rows of objects in the database, also where a key was changed and that is not flushed. */
export function keyRows(states: readonly InstanceState[], keys: readonly Attribute[]): Bindable[][] {
  return states.map((state) => {
    const row = new Array<Bindable>(keys.length);
    for (let k = 0; k < keys.length; k++) row[k] = committed(state, keys[k] as Attribute, undefined);
    return row;
  });
}

function planDelete(plan: FlushPlan, mapper: Mapper, states: readonly InstanceState[]): void {
  if (states.length === 0) return;
  const ordered = inKeyOrder(states);
  const keys = keysOf(mapper);
  const soft = mapper.deletedAt === undefined ? [] : ordered.filter((state) => !state.forced);
  const hard = soft.length === 0 ? ordered : ordered.filter((state) => state.forced);
  if (hard.length > 0) plan.steps.push({ kind: "delete", mapper, keys, states: hard });
  if (soft.length === 0 || mapper.deletedAt === undefined) return;
  const sets = [mapper.deletedAt, ...(mapper.updatedAt === undefined ? [] : [mapper.updatedAt])];
  const rows = keyRows(soft, keys);
  soft.forEach((state, i) => {
    for (const attribute of sets) setGenerated(state, attribute, new Date(plan.now.getTime()));
    rows[i]?.push(...insertRow(state, sets));
    takeOriginal(state);
  });
  plan.steps.push({
    kind: "update",
    mapper,
    keys,
    sets,
    states: soft,
    rows,
    pendingKeys: [],
    hasExpressions: false,
    purpose: "softDelete",
  });
}
