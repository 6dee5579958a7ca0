import type { Mapper } from "../mapper/mapper";
import type { InstanceFields } from "../mapper/row-class";
import type { Node } from "./node";
import { sourcesOf } from "./node";
import type { SelectState, Source } from "./select-state";
import { isDerived } from "./select-state";

/** Whether the rows of a query of objects may hold one of them several times: its joins or further tables multiply them. */
export function repeatsObjects(state: SelectState): boolean {
  const [entry] = state.selection;
  if (state.selection.length !== 1 || entry?.kind !== "entity" || entry.entity.mapper.primaryKey.length === 0)
    return false;
  const [from] = state.from;
  if (from === undefined || state.from.length > 1 || isDerived(from)) return true;
  // Along a to-one relationship each row has one partner at most.
  if (state.joins.some(({ relationship }) => relationship?.toMany ?? true)) return true;
  const named = new Set<Source>();
  const nodes: Node[] = [...state.where, ...state.having, ...state.orderBy.map((term) => term.operand)];
  for (const node of nodes) sourcesOf(node, named);
  const known = new Set<Source>([from, ...state.joins.map((join) => join.target)]);
  return [...named].some((source) => !known.has(source));
}

/** The objects, each once: also those that a later batch has again. */
export async function* distinctObjects<T>(
  objects: AsyncIterable<T>,
  { primaryKey }: Mapper,
): AsyncGenerator<T, void, undefined> {
  // Keys, and not objects: those that the loop has done with are collected.
  const seen = new Set<unknown>();
  for await (const object of objects) {
    const { dataValues } = object as unknown as InstanceFields;
    const keys = primaryKey.map((attribute) => attribute.canonicalKey(dataValues[attribute.name]));
    const key = keys.length === 1 ? keys[0] : JSON.stringify(keys.map(String));
    if (seen.has(key)) continue;
    seen.add(key);
    yield object;
  }
}
