import type { Bindable } from "../driver/dialect";
import { FlushError } from "../errors";
import type { Attribute } from "../mapper/attribute";
import { changedAttributes, changesExactly } from "./attribute-access";
import type { FlushPlan, UpdateStep } from "./flush-steps";
import { holdsExpression } from "./insert-steps";
import { boundValue, completeNew, generate } from "./insert-values";
import type { InstanceState, Values } from "./instance-state";
import { describeInstance } from "./label";
import type { Link, Links } from "./links";
import { notePendingKeys } from "./pending-keys";
import { committed, committedValue, inKeyOrder, keysOf } from "./row-keys";

const NO_LINKS: readonly Link[] = [];

/** The steps that update objects by ascending key: one for each run of objects with the same changed columns. */
export function updateSteps(
  states: readonly InstanceState[],
  links: Links | undefined,
  { replaced, now }: Pick<FlushPlan, "replaced" | "now">,
): UpdateStep[] {
  const steps: UpdateStep[] = [];
  let step: UpdateStep | undefined;
  let setsKey = false;
  const ordered = inKeyOrder(states);
  for (let i = 0; i < ordered.length; i++) {
    const state = ordered[i] as InstanceState;
    const { mapper } = state;
    const old = replaced.size > 0 ? replaced.get(state) : undefined;
    const own = links?.of(state) ?? NO_LINKS;
    const sets = old === undefined ? changedColumns(state, own, now, step?.sets) : replacementColumns(state, old, now);
    const original = old === undefined ? takeOriginal(state, own) : undefined;
    if (sets.length === 0) continue;
    const keys = step?.mapper === mapper ? step.keys : keysOf(mapper);
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
      setsKey = holdsKey(sets);
    }
    if (setsKey) refuseNullKey(state, own);
    step.states.push(state);
    const row = new Array<Bindable>(keys.length + (hasExpressions ? 0 : sets.length));
    for (let k = 0; k < keys.length; k++) row[k] = committed(old ?? state, keys[k] as Attribute, original);
    for (let k = keys.length; k < row.length; k++) row[k] = boundValue(state, sets[k - keys.length] as Attribute);
    step.rows.push(row);
    if (own.length > 0) notePendingKeys(step, step.rows.length - 1, sets, keys.length, own);
  }
  return steps;
}

function holdsKey(attributes: readonly Attribute[]): boolean {
  return attributes.some(({ primaryKey }) => primaryKey);
}

/** Some databases would take NULL for a key, and the object would be without its row. */
function refuseNullKey(state: InstanceState, links: readonly Link[]): void {
  const { instance, mapper } = state;
  for (const attribute of mapper.primaryKey) {
    if ((instance.dataValues[attribute.name] ?? null) !== null) continue;
    if (links.some((link) => link.attribute === attribute)) continue;
    throw new FlushError(
      `Cannot update ${describeInstance(instance, mapper)}: its primary key ${attribute.name} is null.`,
      {
        hint: "db.session.expire(object) takes its changes back; db.session.delete(object) deletes its row",
      },
    );
  }
}

/**
 * What an UPDATE of the object sets; its version and its time of change go with every net change.
 *
 * @param last  what the object before it has set: most often this one sets the same, and no further list is made
 */
function changedColumns(
  state: InstanceState,
  links: readonly Link[],
  now: Date,
  last: readonly Attribute[] | undefined,
): readonly Attribute[] {
  const { mapper } = state;
  const isAlone = links.length === 0 && mapper.updatedAt === undefined && mapper.version === undefined;
  if (isAlone && last !== undefined && changesExactly(state, last)) return last;
  const attributes = changedAttributes(state);
  // The account of changes names each attribute once.
  if (attributes.length < 2 && isAlone) return attributes;
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

/** Sets what the flush itself makes, as a change. */
export function setGenerated(state: InstanceState, attribute: Attribute, value: unknown): void {
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
export function takeOriginal(state: InstanceState, links: readonly Link[] = []): Values {
  const original = state.original ?? {};
  for (let i = 0; i < links.length; i++) {
    const { name } = (links[i] as Link).attribute;
    if (!(name in original)) original[name] = state.instance.dataValues[name];
  }
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

/** What a plan took from an object is given back, so that it can be planned again. */
export function giveBackOriginal(state: InstanceState): void {
  if (state.flushing === undefined) return;
  state.original = { ...state.original, ...state.flushing };
  state.flushing = undefined;
}

function sameColumns(a: readonly Attribute[], b: readonly Attribute[]): boolean {
  return a === b || (a.length === b.length && a.every((attribute, i) => attribute === b[i]));
}
