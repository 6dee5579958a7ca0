import type { Attribute } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import type { Relationship } from "../mapper/relationship";
import { sortIntoLevels } from "./commit-order";
import type { DeletedTogether } from "./deleted-together";
import { emplace } from "./emplace";
import type { FlushPlan } from "./flush-steps";
import { insertRow } from "./insert-values";
import type { InstanceState } from "./instance-state";
import { committed, committedValue, inKeyOrder, keyRows, keysOf } from "./row-keys";
import { setGenerated, takeOriginal } from "./update-steps";

/** Adds the steps that delete objects of some models that refer to each other: children before parents. */
export function planDeletes(plan: FlushPlan, group: readonly (readonly [Mapper, DeletesOfModel])[]): void {
  for (const [mapper, { together }] of group)
    if (together.length > 0) plan.steps.push({ kind: "deleteTogether", mapper, groups: together });
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

/** What is deleted of one model. */
interface DeletesOfModel {
  readonly deletes: readonly InstanceState[];
  /** Objects that share their states; empty where the rows of the models refer to each other in a circle. */
  readonly together: readonly DeletedTogether[];
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
