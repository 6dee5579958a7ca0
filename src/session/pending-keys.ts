import type { Attribute } from "../mapper/attribute";
import type { InsertStep, UpdateStep } from "./flush-steps";
import type { Link } from "./links";

/** Notes which places of a row wait for the keys of rows that are inserted before it. */
export function notePendingKeys(
  step: InsertStep | UpdateStep,
  row: number,
  columns: readonly Attribute[],
  offset: number,
  links: readonly Link[],
): void {
  for (const link of links) {
    if (link.postponed) continue;
    const column = columns.indexOf(link.attribute);
    if (column >= 0) step.pendingKeys.push({ row, column: column + offset, link });
  }
}
