import { isSimpleInput } from "./simple-input";
import { type SyntaxProblem, hasBodilessMethod, parse } from "./parse";

export type { SyntaxProblem } from "./parse";

/** What a text typed at the prompt is. */
export type Statement =
  /** Nothing to do: blanks and comments. */
  | { readonly kind: "empty" }
  /** The beginning of something: another line is wanted. */
  | { readonly kind: "incomplete"; readonly problem: SyntaxProblem }
  /** A dot command, such as `.help sql`. */
  | { readonly kind: "command"; readonly name: string; readonly argument: string }
  /** TypeScript to run; `code` is an expression where the text is an object literal that reads like a block. */
  | { readonly kind: "code"; readonly code: string; readonly shift: number }
  /** TypeScript that is wrong, and that no further line can mend. */
  | { readonly kind: "invalid"; readonly problem: SyntaxProblem };

const COMMAND = /^\s*\.([A-Za-z][\w-]*)(?![\w$]*(?:[[(`]|\?\.|\.))(?:\s+([\s\S]*?))?\s*;*\s*$/;
/** A line that goes on where the last value ended: `.limit(3)`, `.role.name`. */
const CONTINUATION = /^\s*(?:\?\.|\.[A-Za-z_$#])/;

/** Whether a text begins as a dot command does. */
export function isCommand(text: string): boolean {
  return COMMAND.test(text);
}

/**
 * Whether a line goes on the expression before it (`.all()`, `&& b`) or the statement before it (`else`, `catch`, `finally`).
 *
 * A line that could also begin a statement of its own, with `(`, `[`, `+` or `-`, does not.
 */
export function continuesBefore(line: string): boolean {
  if (isCommand(line)) return false;
  return (
    CONTINUATION.test(line) || /^\s*(?:(?:else|catch|finally|instanceof|in)\b|&&|\|\||\?\?|[*%<>=&|^?:,])/.test(line)
  );
}

/**
 * Tells what a text is.
 *
 * A text that begins with `{` is an object where it can be read as one. A text that begins with `.name(` works on the last value.
 */
export function classify(text: string): Statement {
  if (isSimpleInput(text)) return { kind: "code", code: text, shift: 0 };
  const command = COMMAND.exec(text);
  if (command) return { kind: "command", name: command[1] ?? "", argument: (command[2] ?? "").trim() };
  if (CONTINUATION.test(text)) return classifyCode(`_${text.trimStart()}`, 1 - (text.length - text.trimStart().length));
  if (/^\s*\{/.test(text)) {
    const object = classifyObject(text);
    if (object) return object;
  }
  return classifyCode(text, 0);
}

/** @param shift  characters that were put before the text */
function classifyCode(code: string, shift: number): Statement {
  const parsed = parse(code);
  if (parsed.kind !== "complete") return parsed;
  return parsed.file.statements.length === 0 ? { kind: "empty" } : { kind: "code", code, shift };
}

/** Reads a text that begins with `{` as an expression; undefined when it is none, and is to be read as a block. */
function classifyObject(text: string): Statement | undefined {
  if (/;\s*$/.test(text)) return undefined;
  const code = `(${text}\n)`;
  const parsed = parse(code);
  if (parsed.kind === "complete" && hasBodilessMethod(parsed.file)) return undefined;
  if (parsed.kind === "complete")
    return parsed.file.statements.length === 1 ? { kind: "code", code, shift: 1 } : undefined;
  const unfinished = parse(`(${text}`);
  if (unfinished.kind === "incomplete" && parse(text).kind === "invalid") return unfinished;
  return undefined;
}
