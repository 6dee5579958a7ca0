import type { Environment } from "./environment";
import { MigrationError } from "./migration-error";
import type { VersionRow } from "./version-table";

/** @throws {MigrationError} where a revision was broken off in a database that keeps what was done */
export function refuseHalfDone(rows: readonly VersionRow[], env: Environment): void {
  const half = rows.find((row) => row.status !== "applied");
  if (half === undefined) return;
  const what = half.status === "undoing" ? "stopped while being undone, after" : "stopped after";
  const name = env.graph.find(half.id) ? half.id : `${half.id} (its file is missing)`;
  throw new MigrationError(`Revision ${name} ${what} ${stepsOf(half)} on a database without transactional DDL.`, {
    hint: `Use "db resolve ${half.id} --resume" (same file only), "--applied" or "--rolled-back".`,
  });
}

/** How far a revision is: `3 of 7 operations`, `1 operation`. */
export function stepsOf({ step, stepsTotal }: Pick<VersionRow, "step" | "stepsTotal">): string {
  return stepsTotal === null
    ? `${step} ${step === 1 ? "operation" : "operations"}`
    : `${step} of ${stepsTotal} operations`;
}
