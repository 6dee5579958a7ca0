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
 * A row is a frozen array; its prototype gives the values under their labels.
 *
 * @param labels  one for each value
 * @returns makes a row of its values; the array that it is given becomes the row
 */
export function rowMaker(labels: readonly (string | undefined)[]): (values: unknown[]) => readonly unknown[] {
  const frozenLabels = Object.freeze([...labels]);
  const isObject = isNamed(labels);
  const toObject = (row: readonly unknown[]): Record<string, unknown> =>
    Object.fromEntries(frozenLabels.map((label, i) => [label ?? String(i), row[i]]));
  // `constructor` stays Array: what `map` and its like make of a row is a plain array.
  const prototype = Object.create(Array.prototype) as object;
  const define = (key: PropertyKey, descriptor: PropertyDescriptor): void =>
    void Object.defineProperty(prototype, key, { configurable: true, enumerable: false, ...descriptor });
  define("toJSON", {
    value(this: readonly unknown[]) {
      return isObject ? toObject(this) : [...this];
    },
  });
  define("toObject", {
    value(this: readonly unknown[]) {
      return toObject(this);
    },
  });
  define(inspect.custom, {
    value(this: readonly unknown[], _depth: number, options: object, show: typeof inspect) {
      return `Row ${show(isObject ? toObject(this) : [...this], options)}`;
    },
  });
  define("keys", { value: () => frozenLabels });
  labels.forEach((label, index) => {
    if (label === undefined || labels.indexOf(label) !== index) return;
    define(label, {
      get(this: readonly unknown[]) {
        return this[index];
      },
    });
  });
  // A subclass of Array would be twice as slow: each of its rows is made by two constructors.
  return (values) => Object.freeze(Object.setPrototypeOf(values, prototype) as unknown[]);
}

/** Whether each value has a label of its own. */
function isNamed(labels: readonly (string | undefined)[]): boolean {
  return labels.every((label) => label !== undefined) && new Set(labels).size === labels.length;
}

/**
 * Rows of objects and values, equal ones once: those with the same objects and with equal values.
 *
 * @param slots  what stands at each place of a row
 */
export function distinctRows<R extends readonly unknown[]>(
  rows: readonly R[],
  slots: readonly { readonly kind: "entity" | "value" }[],
): R[] {
  const numbers = new Map<object, number>();
  const keyOf = (value: unknown, place: number): string => {
    if (typeof value !== "object" || value === null) return `${typeof value} ${String(value)}`;
    if (slots[place]?.kind !== "entity") return JSON.stringify(value);
    let number = numbers.get(value);
    if (number === undefined) numbers.set(value, (number = numbers.size));
    return `#${number}`;
  };
  const seen = new Set<string>();
  return rows.filter((row) => {
    const key = JSON.stringify(Array.from(row, keyOf));
    return !seen.has(key) && seen.add(key);
  });
}
