import type { Node, OrderTerm, ValueType } from "./node";
import { typeOf } from "./node";
import type { Derived, SelectState, Selection, ValueSelection } from "./select-state";
import { EMPTY } from "./select-state";
import { withScope } from "./model-scope";

const COUNT: ValueType = { kind: "integer" };

/** `SELECT count(*)` over a query's rows. */
export function countState(state: SelectState): SelectState {
  // An order decides which rows a bound leaves, and what it adds to DISTINCT makes more of them; else it only costs.
  const isBounded = state.limit !== undefined || state.offset !== undefined || state.distinctOn.length > 0;
  const order = isBounded || hasHiddenOrder(state) ? {} : { orderBy: [], relatedOrder: [] };
  const ofParts = { ...state.ofParts, forUpdate: false };
  const source: SelectState = { ...state, ...order, loads: [], forUpdate: false, ofParts };
  const node: Node = { kind: "function", name: "count", operands: [{ kind: "star" }], distinct: false, type: COUNT };
  return {
    ...EMPTY,
    from: [{ kind: "derived", source, alias: undefined, transparent: false }],
    selection: [{ kind: "value", node, label: "count" }],
    autoflush: state.autoflush,
  };
}

/** Whether a query's rows are chosen from more: what is joined to them must not count. */
export function isBounded(state: SelectState): boolean {
  const { limit, offset, distinct, distinctOn, groupBy } = state;
  return limit !== undefined || offset !== undefined || distinct || distinctOn.length + groupBy.length > 0;
}

/** Whether a query has clauses that may not stand in a part of a UNION. */
export function isBoundedOrOrdered(given: SelectState): boolean {
  const { limit, offset, orderBy } = withScope(given);
  return limit !== undefined || offset !== undefined || orderBy.length > 0;
}

/** Whether a DISTINCT query is ordered by what it does not select, so that it has further columns for the order. */
export function hasHiddenOrder(state: SelectState): boolean {
  return state.distinct && state.orderBy.some(({ operand }) => isHidden(operand, state));
}

/** Whether a DISTINCT query needs a column of its own for a term of its order. */
export function isHidden(operand: Node, state: SelectState): boolean {
  return (
    operand.kind !== "label" &&
    !state.selection.some((selection) => selection.kind === "value" && selection.node === operand) &&
    !isSelected(operand, state)
  );
}

/** The rows of a query with hidden columns, without these: an order counts only where a bound depends on it. */
export function withoutHiddenOrder(state: SelectState): SelectState {
  const isBound = state.limit !== undefined || state.offset !== undefined;
  return isBound ? { ...wrappedState(state), orderBy: [] } : { ...state, orderBy: [] };
}

/** The query as a derived table, so that what is joined to its rows does not count in its LIMIT. */
export function wrappedState(state: SelectState): SelectState {
  const hidden: ValueSelection[] = [];
  const inner = { ...state, loads: [], selection: state.selection };
  const derived: Derived = { kind: "derived", source: inner, alias: undefined, transparent: true };
  const column = (index: number, type: ValueType | undefined): Node => ({
    kind: "derivedColumn",
    derived,
    index,
    attribute: undefined,
    type,
  });
  const orderBy = state.orderBy.map((term): OrderTerm => {
    if (isSelected(term.operand, state)) return term;
    const at = state.selection.findIndex(
      (selection) => selection.kind === "value" && isNamedBy(selection, term.operand),
    );
    if (at !== -1) return { ...term, operand: column(at, undefined) };
    hidden.push({ kind: "value", node: term.operand, label: `order_${hidden.length + 1}` });
    return { ...term, operand: column(state.selection.length + hidden.length - 1, undefined) };
  });
  inner.selection = [...state.selection, ...hidden];
  return {
    ...EMPTY,
    selection: state.selection.map((selection, index): Selection =>
      selection.kind === "entity" ? selection : { ...selection, node: column(index, typeOf(selection.node)) },
    ),
    from: [derived],
    orderBy,
    joinpoint: state.joinpoint,
    loads: state.loads,
    withDeleted: state.withDeleted,
    unscoped: state.unscoped,
    populateExisting: state.populateExisting,
  };
}

function isNamedBy(selection: ValueSelection, node: Node): boolean {
  return selection.node === node || (node.kind === "label" && selection.label === node.name);
}

/** Whether a node is a column of those that the query selects. */
export function isSelected(node: Node, state: SelectState): boolean {
  if (node.kind !== "column") return false;
  return state.selection.some((selection) =>
    selection.kind === "entity"
      ? selection.entity === node.entity
      : selection.node.kind === "column" &&
        selection.node.entity === node.entity &&
        selection.node.attribute === node.attribute,
  );
}
