import type { SandboxChange } from "../driver/sandbox";

/** What was done in a sandbox, in one line: `users 3 inserted, 1 deleted; roles 1 updated`. */
export function describeChanges(changes: readonly SandboxChange[]): string {
  return changes
    .map(({ table, inserted, updated, deleted, altered }) => {
      const parts = [
        ...altered,
        inserted > 0 ? `${inserted} inserted` : "",
        updated > 0 ? `${updated} updated` : "",
        deleted > 0 ? `${deleted} deleted` : "",
      ];
      return `${table} ${parts.filter((part) => part !== "").join(", ")}`;
    })
    .join("; ");
}
