import type { Attribute } from "../mapper/attribute";
import { isSqlExpression } from "./expression-values";
import type { InsertStep } from "./flush-steps";
import { InsertRows } from "./insert-rows";
import { completeNew, placesFit, shapeOf } from "./insert-values";
import type { InstanceState } from "./instance-state";
import type { Links } from "./links";
import { notePendingKeys } from "./pending-keys";

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
  for (let i = 0; i < states.length; i++) {
    const state = states[i] as InstanceState;
    const { mapper } = state;
    if (now !== undefined) completeNew(state, now);
    state.inserting = true;
    const own = links?.of(state);
    const linked = own && new Set(own.map((link) => link.attribute));
    // A column that may have a default of the database is learned from one row before many follow.
    const canJoin = step?.mapper === mapper && !step.hasExpressions && step.shape.unknown.length === 0;
    if (step === undefined || !canJoin || !placesFit(state, step.shape, linked)) {
      const shape = shapeOf(state, linked);
      const hasExpressions = holdsExpression(state, mapper.attributes);
      const rows = new InsertRows(shape);
      step = { kind: "insert", mapper, shape, states: rows.states, rows, pendingKeys: [], hasExpressions };
      steps.push(step);
    }
    if (own !== undefined) notePendingKeys(step, step.states.length, step.shape.columns, 0, own);
    if (step.hasExpressions) step.states.push(state);
    else step.rows.add(state);
  }
  return steps;
}

export function holdsExpression(state: InstanceState, attributes: readonly Attribute[]): boolean {
  const { dataValues } = state.instance;
  for (let i = 0; i < attributes.length; i++) {
    const value = dataValues[(attributes[i] as Attribute).name];
    if (typeof value === "object" && value !== null && isSqlExpression(value)) return true;
  }
  return false;
}
