import type { CompiledSelect } from "./query-executor";

const shapes = new WeakMap<readonly unknown[], CompiledSelect>();

/** Notes which SELECT an array of results came from, so that it can be shown with its columns, also when it is empty. */
export function noteShape<T extends readonly unknown[]>(rows: T, compiled: CompiledSelect): T {
  shapes.set(rows, compiled);
  return rows;
}

/** The SELECT that an array came from; undefined for any other array. */
export function shapeOf(rows: readonly unknown[]): CompiledSelect | undefined {
  return shapes.get(rows);
}
