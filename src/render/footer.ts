/** What is known when the last row was drawn. */
export interface Outcome {
  readonly drawn: number;
  /** Rows of the query; unknown when reading stopped early. */
  readonly total?: number;
  /** Whether rows were left undrawn. */
  readonly more: boolean;
}

/** A count with its thousands apart: `25 000`. */
export function groupDigits(count: number | bigint | string): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, " ");
}

/** A count with its noun: `1 row`, `2 rows`. */
export function counted(count: number | bigint, noun: string): string {
  return `${groupDigits(count)} ${noun}${Number(count) === 1 ? "" : "s"}`;
}

/** A time for people: `4 ms`, `1.2 s`, `2 min 5 s`; never less than a millisecond. */
export function duration(durationMs: number): string {
  if (durationMs < 999.5) return `${Math.max(1, Math.round(durationMs))} ms`;
  if (durationMs < 59_950) return `${(durationMs / 1000).toFixed(1)} s`;
  const seconds = Math.round(durationMs / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** The line under the rows: `3 rows (4 ms)`, or `100 of 25 000 rows; .more .all .last`. */
export function rowsFooter(outcome: Outcome, durationMs?: number): string {
  const { drawn, total, more } = outcome;
  if (more) {
    const known =
      total === undefined ? `first ${counted(drawn, "row")}` : `${groupDigits(drawn)} of ${counted(total, "row")}`;
    return `${known}; .more .all .last`;
  }
  return counted(drawn, "row") + (durationMs === undefined ? "" : ` (${duration(durationMs)})`);
}
