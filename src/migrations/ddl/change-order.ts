import type { Index } from "../../schema/schema";
import { mentions } from "../../schema/sql-tokens";
import type { TableChange } from "../operation";

/**
 * Whether a change must be made before the other, which one ALTER TABLE with both would not see to: it drops first, and adds
 * keys last.
 */
export function needsOrder(earlier: TableChange, later: TableChange): boolean {
  if (readsFrom(later, earlier)) return true;
  switch (later.kind) {
    case "addColumn":
      // A column that is dropped first makes room for another of its name.
      return earlier.kind !== "dropColumn" && touches(earlier, later.column.name);
    case "alterColumn":
      return touches(earlier, later.name);
    case "dropColumn":
      return touches(earlier, later.name);
    case "dropConstraint":
      return earlier.kind.startsWith("create");
    case "dropIndex":
      return isIndex(earlier, later.name);
    case "renameIndex":
      return isIndex(earlier, later.from);
    case "createForeignKey":
      // A key of the table's own may rest on an index.
      return earlier.kind === "createIndex";
    default:
      return false;
  }
}

/** Whether the values that a change writes come from a column as another change leaves it. */
export function readsFrom(change: TableChange, earlier: TableChange): boolean {
  const column =
    earlier.kind === "addColumn" ? earlier.column.name : earlier.kind === "alterColumn" ? earlier.name : "";
  return column !== "" && expressionsOf(change).some((text) => mentions(text, column));
}

function expressionsOf(change: TableChange): string[] {
  switch (change.kind) {
    case "addColumn":
      return [change.fill?.sql ?? "", change.column.generated?.expression ?? ""];
    case "alterColumn":
      return [change.fill?.sql ?? "", change.using ?? ""];
    default:
      return [];
  }
}

/** Whether the change gives an index this name. */
function isIndex(change: TableChange, name: string): boolean {
  return (
    (change.kind === "createIndex" && change.index.name === name) ||
    (change.kind === "renameIndex" && change.to === name)
  );
}

/** Whether the change makes, changes or speaks of the column. */
export function touches(change: TableChange, column: string): boolean {
  switch (change.kind) {
    case "addColumn":
      return change.column.name === column || mentions(change.column.generated?.expression ?? "", column);
    case "dropColumn":
    case "alterColumn":
      return change.name === column;
    case "createUnique":
      return change.unique.columns.includes(column);
    case "createPrimaryKey":
      return change.primaryKey.columns.includes(column);
    case "createForeignKey":
      return change.foreignKey.columns.includes(column);
    case "createCheck":
      return mentions(change.check.expression, column);
    case "createIndex":
      return speaksOf(change.index, column);
    default:
      return false;
  }
}

function speaksOf({ columns, where = "", include = [] }: Index, column: string): boolean {
  const texts = [where, ...columns.flatMap(({ expression }) => expression ?? [])];
  return (
    include.includes(column) ||
    columns.some((part) => part.column === column) ||
    texts.some((text) => mentions(text, column))
  );
}
