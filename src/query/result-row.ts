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
 * A row is a frozen array; its prototype gives the values under their labels. A label that two values have is the first's.
 *
 * @param labels  one for each value
 */
export function rowMaker(labels: readonly (string | undefined)[]): (values: unknown[]) => readonly unknown[] {
  const frozenLabels = Object.freeze([...labels]);
  const prototype = Object.create(Array.prototype, {
    keys: { value: () => frozenLabels },
    toJSON: { value: isNamed(labels) ? objectOf : arrayOf },
    [inspect.custom]: {
      value(this: readonly unknown[], _depth: number, options: object, show: typeof inspect) {
        return `Row ${show(isNamed(labels) ? objectOf.call(this) : [...this], options)}`;
      },
    },
  }) as object;
  labels.forEach((label, index) => {
    if (label === undefined || Object.hasOwn(prototype, label) !== (label === "keys" || label === "toJSON")) return;
    if (labels.indexOf(label) !== index) return;
    Object.defineProperty(prototype, label, {
      get(this: readonly unknown[]) {
        return this[index];
      },
      configurable: true,
    });
  });
  return (values) => Object.freeze(Object.setPrototypeOf(values, prototype) as unknown[]);

  function objectOf(this: readonly unknown[]): Record<string, unknown> {
    return Object.fromEntries(frozenLabels.map((label, i) => [label ?? String(i), this[i]]));
  }

  function arrayOf(this: readonly unknown[]): unknown[] {
    return [...this];
  }
}

/** Whether each value has a label of its own. */
function isNamed(labels: readonly (string | undefined)[]): boolean {
  return labels.every((label) => label !== undefined) && new Set(labels).size === labels.length;
}
