import { isCapturing } from "../driver/capture";
import type { DriverRow, Statement } from "../driver/dialect";
import type { Mapper } from "../mapper/mapper";
import type { BulkChange } from "../query/query-executor";
import { SERVER_VALUE } from "../query/query-executor";
import { isChanged } from "./attribute-access";
import { expire, isExpired } from "./expiring";
import { becomeDeleted } from "./flushed-state";
import type { Instance, InstanceState, Values } from "./instance-state";
import { LoadedState, peekState } from "./instance-state";
import type { Loader } from "./loader";
import { ownState } from "./own-state";
import type { UnitOfWork } from "./unit-of-work";

/**
 * Sends a bulk UPDATE or DELETE and keeps the session's objects in step with it.
 *
 * @returns the number of rows matched
 */
export async function runBulkChange(
  change: BulkChange,
  unit: UnitOfWork,
  loader: Loader,
  send: (statement: Statement) => Promise<number>,
): Promise<number> {
  const matched = await matchedInstances(change, unit, loader);
  const rows = await send(change.compile());
  if (isCapturing()) return rows;
  for (const { instance, certain } of matched) {
    const state = ownState(instance, change.mapper);
    if (state.unit !== unit || state.status !== "persistent") continue;
    if (!certain) expire(unit, instance, change.mapper);
    else if (change.kind === "delete") becomeDeleted(unit, [state]);
    else applyValues(unit, state, change);
  }
  return rows;
}

interface Match {
  instance: Instance;
  /** It is known to match; otherwise it only may, and is expired. */
  certain: boolean;
}

async function matchedInstances(change: BulkChange, unit: UnitOfWork, loader: Loader): Promise<Match[]> {
  if (change.synchronize === false) return [];
  const instances = [...unit.identity.ofMapper(change.mapper)];
  if (instances.length === 0) return [];
  const { evaluate, reads } = change;
  const isReadable = (instance: Instance): boolean => canEvaluate(instance, reads);
  const mayEvaluate =
    evaluate !== undefined &&
    (change.synchronize === "evaluate" || (change.synchronize === "auto" && instances.every(isReadable)));
  if (mayEvaluate) {
    const matches: Match[] = [];
    for (const instance of instances) {
      if (!isReadable(instance)) matches.push({ instance, certain: false });
      else if (evaluate(committedValues(instance))) matches.push({ instance, certain: true });
    }
    return matches;
  }
  const compiled = change.compileKeys();
  const rows = await loader.rows(compiled);
  const keys = compiled.slots.map((slot) => (slot.kind === "value" ? slot.key : ""));
  return rows.flatMap((row) => {
    const instance = instanceOf(unit, change.mapper, row, keys);
    return instance === undefined ? [] : [{ instance, certain: true }];
  });
}

function instanceOf(unit: UnitOfWork, mapper: Mapper, row: DriverRow, keys: readonly string[]): Instance | undefined {
  const values = Object.fromEntries(
    mapper.primaryKey.map((attribute, i) => [attribute.name, attribute.fromDatabase(row[keys[i] ?? ""])]),
  );
  const key = mapper.identityOf(values);
  return key === undefined ? undefined : unit.identity.get(mapper, key);
}

/** Whether the instance holds the values that the criteria read, and holds them fresh. */
function canEvaluate(instance: Instance, reads: BulkChange["reads"]): boolean {
  for (const name of reads ?? [])
    if (instance.dataValues[name] === undefined || isExpired(instance, name)) return false;
  return true;
}

/** The values that the row has; unflushed changes are not yet in it. */
function committedValues(instance: Instance): Values {
  const state = peekState(instance);
  if (state === undefined || state instanceof LoadedState || state.original === undefined) return instance.dataValues;
  return { ...instance.dataValues, ...state.original };
}

function applyValues(unit: UnitOfWork, state: InstanceState, change: BulkChange): void {
  const { instance, mapper } = state;
  const before: Values = {};
  for (const [attribute, value] of change.values) {
    const { name } = attribute;
    const { original } = state;
    const hasLocalChange =
      original !== undefined && name in original && isChanged(attribute, original[name], instance.dataValues[name]);
    if (value === SERVER_VALUE || hasLocalChange) {
      expire(unit, instance, mapper, [name]);
      continue;
    }
    before[name] = instance.dataValues[name];
    // What can change in place must not be shared.
    instance.dataValues[name] = attribute.mutable ? attribute.snapshot(value) : value;
    if (original !== undefined) delete original[name];
    if (state.copies !== undefined) delete state.copies[name];
  }
  unit.frame.noteChanged(state, before);
  rekey(unit, state);
}

function rekey(unit: UnitOfWork, state: InstanceState): void {
  const key = state.mapper.identityOf(state.instance.dataValues);
  if (key === undefined || key === state.key || state.key === undefined) return;
  unit.frame.noteKey(state, state.key);
  unit.identity.delete(state.mapper, state.key, state.instance);
  state.key = key;
  unit.identity.set(state.mapper, key, state.instance);
}
