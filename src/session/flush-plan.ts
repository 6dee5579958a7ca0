import { CircularDependencyError } from "../errors";
import type { Mapper } from "../mapper/mapper";
import type { Relationship } from "../mapper/relationship";
import { groupInOrder, sortIntoLevels } from "./commit-order";
import type { DeletedTogether } from "./deleted-together";
import { planDeletes } from "./delete-steps";
import { emplace } from "./emplace";
import type { AssociationPair, AssociationStep, FlushPlan, FlushWork } from "./flush-steps";
import { insertSteps } from "./insert-steps";
import type { InstanceState } from "./instance-state";
import type { Link } from "./links";
import { tableDependencies } from "./table-dependencies";
import { updateSteps } from "./update-steps";

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
    together: work.together,
    replaced: new Map(),
    relations: [],
    newRelations: [],
    now: work.now,
  };
  switchRows(plan);
  const { replaced } = plan;
  const byMapper = new Map<Mapper, MapperWork>();
  const workOf = (mapper: Mapper): MapperWork =>
    emplace(byMapper, mapper, () => ({ inserts: [], updates: [], deletes: [], together: [] }));
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
  for (const group of work.together) workOf(group.mapper).together.push(group);
  const groups = groupInOrder([...byMapper.keys()], tableDependencies([...byMapper.keys()]));
  for (const group of groups) if (group.length > 1) separateAll(plan, group.map(workOf));
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
  together: DeletedTogether[];
}

/** Rows of models that refer to each other in a circle are deleted in an order for which each object is looked at. */
function separateAll(plan: FlushPlan, works: readonly MapperWork[]): void {
  for (const work of works) {
    const states = work.together.flatMap((group) => group.ownAll());
    work.together = [];
    work.deletes = joined(work.deletes, states);
    plan.deletes = joined(plan.deletes, states);
  }
  plan.together = plan.together.filter(({ size }) => size > 0);
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

function planUpdates(plan: FlushPlan, work: FlushWork, states: readonly InstanceState[]): void {
  for (const step of updateSteps(states, work.links, plan)) {
    plan.steps.push(step);
    for (let i = 0; i < step.states.length; i++) {
      const state = step.states[i] as InstanceState;
      if (plan.replaced.size === 0 || !plan.replaced.has(state)) plan.updates.push(state);
    }
  }
}

// Association tables

function* associationSteps(
  kind: "associate" | "dissociate",
  pairs: ReadonlyMap<Relationship, readonly AssociationPair[]>,
): Iterable<AssociationStep> {
  for (const [relationship, list] of pairs) if (list.length > 0) yield { kind, relationship, pairs: list };
}
