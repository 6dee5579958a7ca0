import { describe } from "../driver/dialect";
import { ArgumentError } from "../errors";
import type { SelectState } from "./select-state";

/**
 * A number of rows: a whole number from 0 up, or its digits; null for no bound.
 *
 * @throws {ArgumentError} for anything else
 */
export function rowCount(value: unknown, method: string): number | undefined {
  if (value === null) return undefined;
  const number = typeof value === "string" && /^\s*\d+\s*$/.test(value) ? Number(value) : value;
  if (typeof number === "number" && Number.isSafeInteger(number) && number >= 0) return number;
  if (typeof number === "bigint" && number >= 0n && number <= Number.MAX_SAFE_INTEGER) return Number(number);
  throw new ArgumentError(`Expected a whole number from 0 up in ${method}(), got ${describe(value)}.`);
}

/** The rows from `start` up to but not including `stop`, counted within the bounds that the query has. */
export function sliceBounds(
  state: Pick<SelectState, "limit" | "offset">,
  start: unknown,
  stop: unknown,
): Pick<SelectState, "limit" | "offset"> {
  const from = rowCount(start ?? 0, "slice") ?? 0;
  const to = stop === undefined ? undefined : rowCount(stop, "slice");
  const offset = (state.offset ?? 0) + from;
  const left = state.limit === undefined ? undefined : Math.max(0, state.limit - from);
  const wanted = to === undefined ? undefined : Math.max(0, to - from);
  const limit = left === undefined ? wanted : wanted === undefined ? left : Math.min(left, wanted);
  return { limit, offset: offset === 0 ? undefined : offset };
}
