import { escapeControls } from "./escape";
import { jsonText } from "./json-text";
import type { Paint } from "./paint";
import { renderAs } from "./render-as";

/** What went wrong and what to do about it. */
export interface Failure {
  readonly [renderAs]: "failure";
  readonly what: string;
  /** What to type to get on. */
  readonly hint?: string;
  /** Name of the error class. */
  readonly name?: string;
  /** The statement that the database refused. */
  readonly sql?: string;
}

/** Makes a failure of what went wrong, and of the way out where there is one. */
export function failure(parts: Omit<Failure, typeof renderAs>): Failure {
  return { [renderAs]: "failure", ...parts };
}

/** Draws a failure as `error: …` and `hint: …`, further lines of a text indented below its first. */
export function drawFailure({ what, hint }: Failure, paint: Paint): string {
  const lines = [paint.red("error:") + " " + block(what)];
  if (hint !== undefined) lines.push(paint.cyan("hint:") + " " + block(hint));
  return lines.join("\n") + "\n";
}

/** A failure for programs: one line of JSON, `{"error":{"name","message","sql"?}}`. */
export function failureJson({ name = "Error", what, hint, sql }: Failure): string {
  return jsonText({ error: { name, message: what, hint, sql } }) + "\n";
}

function block(text: string): string {
  return escapeControls(text, "\n").trimEnd().replaceAll("\n", "\n  ");
}
