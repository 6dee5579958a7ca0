import { AsyncLocalStorage } from "node:async_hooks";
import type { Statement, StatementResult } from "./dialect";

const captured = new AsyncLocalStorage<Statement[]>();

/** Whether statements are noted down and not sent, where the call is made. */
export function isCapturing(): boolean {
  return captured.getStore() !== undefined;
}

/** What was noted down so far, where the call is made; the same object for as long as one capture lasts. */
export function capturedStatements(): readonly Statement[] | undefined {
  return captured.getStore();
}

/**
 * Runs `work` without sending anything: what would be sent is noted down, and answered with nothing found and nothing changed.
 *
 * An error of `work` after its first statement is passed over: no code can be expected to get along with such answers.
 *
 * @returns the statements in order, and the value of `work`
 */
export async function captureStatements<T>(work: () => Promise<T>): Promise<{ statements: Statement[]; value?: T }> {
  const statements: Statement[] = [];
  try {
    const value = await captured.run(statements, work);
    return { statements, value };
  } catch (error) {
    if (statements.length === 0) throw error;
    return { statements };
  }
}

/** Notes a statement down where statements are captured. @returns whether it was, and so must not be sent */
export function capture(statement: Statement): boolean {
  const statements = captured.getStore();
  statements?.push(statement);
  return statements !== undefined;
}

/** The answer to a captured statement. */
export function emptyResult(): StatementResult {
  return { rows: [], rowCount: 0, insertId: 0 };
}
