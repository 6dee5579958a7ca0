import type { InferAttributes, Model } from "sequelize";
import { ArgumentError, InvalidRequestError, nearestName } from "../errors";
import type { Attribute } from "../mapper/attribute";
import type { Column, Expression } from "./expression";
import { Labelled } from "./expression";
import type { DerivedColumnNode } from "./node";
import { typeOf } from "./node";
import { EMPTY, columnCount, firstSelect, primaryEntity, stateOf } from "./select-state";
import type { Compound, Derived, SelectState, Selection } from "./select-state";

/** The columns of a subquery: the attributes of its objects, or the labels of its values. */
export type SubqueryColumns<T> = T extends Model
  ? { readonly [K in keyof InferAttributes<T>]-?: Column<InferAttributes<T>[K], K & string> }
  : T extends object
    ? {
        readonly [K in keyof T as K extends keyof unknown[] | number | `${number}` ? never : K]: Column<
          T[K],
          K & string
        >;
      }
    : Record<string, Expression>;

/** A query as a table: it stands in FROM and in joins, and has columns. */
export class Subquery<T = unknown> {
  readonly derived: Derived;
  /** Where one value or a list of values is expected, it is the query itself. */
  readonly [stateOf]: SelectState;
  #columns: object | undefined;

  constructor(state: SelectState, name: string | undefined) {
    this[stateOf] = state;
    this.derived = { kind: "derived", source: state, alias: name, transparent: false };
  }

  /** The columns, by the names of attributes and labels. */
  get c(): SubqueryColumns<T> {
    return (this.#columns ??= derivedColumns(this.derived)) as SubqueryColumns<T>;
  }
}

function derivedColumns(derived: Derived): object {
  const own: Record<string, Expression> = Object.create(
    new Proxy(Object.prototype, {
      get(target, key, receiver: object) {
        if (typeof key === "symbol" || key in target || key === "then" || key === "toJSON")
          return Reflect.get(target, key, receiver) as unknown;
        const near = nearestName(key, Object.keys(own));
        throw new InvalidRequestError(`The subquery has no column "${key}".`, {
          hint: near === undefined ? `it has ${Object.keys(own).join(", ")}` : `did you mean "${near}"?`,
        });
      },
    }),
  ) as Record<string, Expression>;
  const add = (name: string, index: number, selection: Selection, attribute: Attribute | undefined): void => {
    if (Object.hasOwn(own, name)) return;
    const type = attribute
      ? { kind: attribute.kind, attribute }
      : selection.kind === "value"
        ? typeOf(selection.node)
        : undefined;
    const node: DerivedColumnNode = { kind: "derivedColumn", derived, index, attribute, type };
    Object.defineProperty(own, name, { value: new Labelled(node, name), enumerable: true });
  };
  firstSelect(derived.source).selection.forEach((selection, index) => {
    if (selection.kind === "value") {
      if (selection.label !== undefined) add(selection.label, index, selection, undefined);
    } else for (const attribute of selection.entity.mapper.attributes) add(attribute.name, index, selection, attribute);
  });
  return own;
}

/**
 * Several queries as one, from whose rows the result goes on.
 *
 * @throws {ArgumentError} where they select different numbers of columns
 */
export function compoundState(
  first: SelectState,
  operator: Compound["operator"],
  others: readonly SelectState[],
): SelectState {
  const width = columnCount(first);
  for (const other of others) {
    if (columnCount(other) === width) continue;
    throw new ArgumentError(
      `Cannot combine queries by ${operator}: they select ${width} and ${columnCount(other)} columns.`,
      { hint: "choose the same columns in each: .withEntities(…)" },
    );
  }
  const operands = [first, ...others].map((state): SelectState => ({ ...state, loads: [] }));
  const derived: Derived = { kind: "derived", source: { operator, operands }, alias: undefined, transparent: true };
  return {
    ...EMPTY,
    loads: first.loads,
    autoflush: first.autoflush,
    batch: first.batch,
    populateExisting: first.populateExisting,
    withDeleted: first.withDeleted,
    unscoped: first.unscoped,
    joinpoint: primaryEntity(first),
    from: [derived],
    selection: first.selection.map((selection, index): Selection =>
      selection.kind === "entity"
        ? selection
        : {
            ...selection,
            node: { kind: "derivedColumn", derived, index, attribute: undefined, type: typeOf(selection.node) },
          },
    ),
  };
}
