import { inspect } from "node:util";
import type { Column, Expression, Labelled } from "./expression";
import type { Aliased } from "./expressions";

/** The value type of an entry of the select list. */
export type SelectedValue<S> = S extends abstract new (...parameters: never[]) => infer M
  ? M
  : S extends Aliased<infer M>
    ? M
    : S extends Expression<infer T>
      ? T
      : unknown;

type LabelOf<S> = S extends Labelled<unknown, infer L> ? L : S extends Column<unknown, infer N> ? N : never;

type LabelledEntries<C extends readonly unknown[]> = {
  readonly [E in C[number] as LabelOf<E>]: SelectedValue<E>;
};

/** One row of a query of columns: a frozen array whose values are also there under their labels. */
export type ResultRow<C extends readonly unknown[] = readonly unknown[]> = {
  /** The labels of the values, in order; undefined for a value without one. */
  keys(): readonly (string | undefined)[];
} & { readonly [I in keyof C]: SelectedValue<C[I]> } & LabelledEntries<C>;

/**
 * Makes the rows of one result.
 *
 * A row is a frozen array; its class gives the values under their labels. A label that two values have is the first's.
 *
 * @param labels  one for each value
 */
export function rowMaker(labels: readonly (string | undefined)[]): (values: readonly unknown[]) => readonly unknown[] {
  const frozenLabels = Object.freeze([...labels]);
  const isObject = isNamed(labels);
  class Row extends Array<unknown> {
    toJSON(): unknown {
      return isObject ? this.toObject() : [...this];
    }

    toObject(): Record<string, unknown> {
      return Object.fromEntries(frozenLabels.map((label, i) => [label ?? String(i), this[i]]));
    }

    [inspect.custom](_depth: number, options: object, show: typeof inspect): string {
      return `Row ${show(isObject ? this.toObject() : [...this], options)}`;
    }
  }
  const own = { configurable: true, enumerable: false };
  // What `map` and its like make of a row is a plain array; told here, because a class with a species of its own is made slowly.
  Object.defineProperty(Row.prototype, "constructor", { ...own, value: Array });
  Object.defineProperty(Row.prototype, "keys", { ...own, value: () => frozenLabels });
  labels.forEach((label, index) => {
    if (label === undefined || labels.indexOf(label) !== index) return;
    Object.defineProperty(Row.prototype, label, {
      ...own,
      get(this: readonly unknown[]) {
        return this[index];
      },
    });
  });
  return (values) => {
    const row = new Row(values.length);
    for (let i = 0; i < values.length; i++) row[i] = values[i];
    return Object.freeze(row);
  };
}

/** Whether each value has a label of its own. */
function isNamed(labels: readonly (string | undefined)[]): boolean {
  return labels.every((label) => label !== undefined) && new Set(labels).size === labels.length;
}
