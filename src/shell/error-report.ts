import { ShellError } from "../errors";
import { placeOf } from "./source-map";
import type { SyntaxProblem } from "./statement";

/** A place in what a person wrote. */
export interface SourceExcerpt {
  /** The line's number, from 1 up. */
  readonly line: number;
  /** The column, from 1 up. */
  readonly column: number;
  /** How many characters are meant, at least 1. */
  readonly length: number;
  readonly text: string;
}

/** An error as the shell shows it: data, without colour and without a frame of the shell. */
export interface ErrorReport {
  readonly name: string;
  readonly message: string;
  readonly excerpt?: SourceExcerpt | undefined;
  /** The functions of the person's own files and inputs that the error passed through, innermost first. */
  readonly frames: readonly string[];
  readonly hint?: string | undefined;
  readonly sql?: string | undefined;
  /** The message needs no name before it: it was written for the person at the prompt. */
  readonly speaksForItself?: boolean;
}

/** An input as the report needs it. */
export interface ReportedInput {
  readonly source: string;
  sourcePlace(place: { line: number; column: number }): { line: number; column: number };
}

/** What the type checker says of an input, as lines of text; in a batch the first begins with the line's number. */
export function renderTypeProblem(
  problem: SyntaxProblem & { readonly code: number },
  text: string,
  options: { firstLine?: number; refused?: boolean } = {},
): string {
  const { firstLine, refused = false } = options;
  const excerpt = excerptAt(text, problem.start, problem.length);
  const line = firstLine === undefined ? "" : `line ${firstLine + excerpt.line - 1}: `;
  const lines = [`${refused ? "error: " : ""}${line}ts(${problem.code}): ${problem.message}`];
  return [...lines, ...excerptLines(excerpt, firstLine)].join("\n");
}

/** Finds the input of a script name such as `REPL3`. */
export type FindInput = (filename: string) => ReportedInput | undefined;

const FRAME = /^\s*at (?:async )?(?:(.*?) \()?(.+?):(\d+):(\d+)\)?$/;

/** The report of a syntax error in a text. */
export function reportSyntax(problem: SyntaxProblem, text: string, hint?: string): ErrorReport {
  return {
    name: "SyntaxError",
    message: problem.message,
    excerpt: excerptAt(text, problem.start, problem.length),
    frames: [],
    hint,
  };
}

/** The report of anything that was thrown; `guess` is the hint where the error does not bring a better one. */
export function reportError(error: unknown, find: FindInput, guess?: string): ErrorReport {
  if (!(error instanceof Error) && !isErrorLike(error)) {
    return { name: "Error", message: `${describeThrown(error)} was thrown`, frames: [] };
  }
  const name = typeof error.name === "string" && error.name !== "" ? error.name : "Error";
  const stack = typeof error.stack === "string" ? error.stack : "";
  const located = name === "SyntaxError" ? syntaxPlace(stack, find) : undefined;
  const { excerpt, frames } = located ? { excerpt: located, frames: [] } : userFrames(stack, find);
  const { hint, sql } = error as { hint?: unknown; sql?: unknown };
  return {
    name,
    message: readable(error.message, excerpt),
    excerpt,
    frames,
    hint: typeof hint === "string" ? hint : guess,
    sql: typeof sql === "string" ? sql : undefined,
    speaksForItself: error instanceof ShellError,
  };
}

/** The report as lines of text; the first begins with `error: `, in a batch with the line's number after it. */
export function renderReport(report: ErrorReport, options: { firstLine?: number; showExcerpt?: boolean } = {}): string {
  const { name, message, excerpt, frames, hint, sql } = report;
  const { firstLine, showExcerpt = true } = options;
  const line = firstLine === undefined ? "" : `line ${firstLine + (excerpt?.line ?? 1) - 1}: `;
  const lines = [`error: ${line}${name === "Error" || report.speaksForItself ? "" : `${name}: `}${message}`];
  if (sql !== undefined) lines.push(`  ${sql.length > 500 ? `${sql.slice(0, 500)}…` : sql}`);
  if (excerpt && showExcerpt) lines.push(...excerptLines(excerpt, firstLine));
  for (const frame of frames) lines.push(`    at ${frame}`);
  if (hint !== undefined) lines.push(`hint: ${hint}`);
  return lines.join("\n");
}

/** A line of the person's text with its number, and carets under what is meant. */
function excerptLines(excerpt: SourceExcerpt, firstLine: number | undefined): string[] {
  const number = String(firstLine === undefined ? excerpt.line : firstLine + excerpt.line - 1);
  const caret =
    " ".repeat(widthBefore(excerpt)) +
    "^".repeat(Math.max(1, Math.min(excerpt.length, excerpt.text.length - excerpt.column + 1)));
  return [`  ${number} | ${excerpt.text}`, `  ${" ".repeat(number.length)} | ${caret}`];
}

/** The report as one line of JSON. */
export function reportAsJson({ name, message, sql }: ErrorReport): string {
  return JSON.stringify({ error: { name, message, ...(sql === undefined ? {} : { sql }) } });
}

function isErrorLike(error: unknown): error is Error {
  return Object.prototype.toString.call(error) === "[object Error]";
}

function describeThrown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "object" && value !== null) {
    const { message } = value as { message?: unknown };
    return typeof message === "string" ? message : Object.prototype.toString.call(value);
  }
  return String(value);
}

/** The place of an error that V8 found while it read a script: `REPL3:2` and a line of carets. */
function syntaxPlace(stack: string, find: FindInput): SourceExcerpt | undefined {
  const [, filename = "", line = "1"] = /^(REPL\d+):(\d+)$/m.exec(stack) ?? [];
  const input = find(filename);
  if (!input) return undefined;
  const carets = /^( *)\^+ *$/m.exec(stack);
  const place = input.sourcePlace({ line: Number(line) - 1, column: carets?.[1]?.length ?? 0 });
  return excerptOf(input.source, place);
}

/** The frames of inputs and of the person's own files; the innermost frame of an input gives the excerpt. */
function userFrames(stack: string, find: FindInput): { excerpt: SourceExcerpt | undefined; frames: string[] } {
  let excerpt: SourceExcerpt | undefined;
  const frames: string[] = [];
  for (const text of stack.split("\n")) {
    const [, caller, file = "", line = "1", column = "1"] = FRAME.exec(text) ?? [];
    if (file === "shell-step" || file.replace(/^file:\/\//, "").startsWith(`${__dirname}/`)) break;
    const input = find(file);
    if (input) {
      const place = input.sourcePlace({ line: Number(line) - 1, column: Number(column) - 1 });
      if (excerpt)
        frames.push(
          `${caller === undefined || isOwnCode(caller) ? "input" : caller} (line ${place.line + 1}, column ${place.column + 1})`,
        );
      else excerpt = excerptOf(input.source, place);
    } else if (isOwnFile(file)) frames.push(`${caller === undefined ? "" : `${caller} `}(${file}:${line}:${column})`);
  }
  return { excerpt, frames: frames.slice(0, 10) };
}

function isOwnCode(caller: string): boolean {
  return /^(Object\.)?(<anonymous>|next|eval)$/.test(caller) || caller.endsWith(".next");
}

/** Whether a file is the person's: not of Node, of a package, or of the shell. */
function isOwnFile(file: string): boolean {
  if (file === "" || file.startsWith("node:") || /^REPL\d+$/.test(file) || file === "shell-step") return false;
  if (/[\\/]node_modules[\\/]/.test(file) || file.includes("<anonymous>") || file === "native") return false;
  return !file.replace(/^file:\/\//, "").startsWith(SHELL_ROOT);
}

/** The folder of the compiled shell: its own frames are not shown. */
const SHELL_ROOT = `${__dirname.replace(/[\\/]shell$/, "")}/`;

function excerptAt(source: string, offset: number, length: number): SourceExcerpt {
  return excerptOf(source, placeOf(source, Math.max(0, Math.min(offset, source.length))), length);
}

function excerptOf(source: string, place: { line: number; column: number }, length?: number): SourceExcerpt {
  const text = source.split("\n")[place.line] ?? "";
  const word = /^[\w$]+/.exec(text.slice(place.column))?.[0].length ?? 1;
  return { line: place.line + 1, column: place.column + 1, length: Math.max(1, length ?? word), text };
}

/** The width of the text before the caret: tabs stay tabs for the terminal, so they count as one column each. */
function widthBefore({ text, column }: SourceExcerpt): number {
  return text.slice(0, column - 1).length;
}

/** V8 names a called expression by the text it ran; where the compiler wrote that text, the person's own stands in for it. */
function readable(message: string, excerpt: SourceExcerpt | undefined): string {
  if (!excerpt || !message.includes("(intermediate value)")) return message;
  const upToName = excerpt.text.slice(0, excerpt.column - 1);
  const before = expressionBefore(upToName);
  const name = /^[\w$]+/.exec(excerpt.text.slice(excerpt.column - 1))?.[0] ?? "";
  const expression = `${before}${name}`;
  if (expression === "") return message.replace(/^(\(intermediate value\))+\.?/, "");
  return message.replace(/^\S*(?:\(intermediate value\))+[\w$.]*/, expression);
}

/** Longer arguments and texts are not repeated in messages. */
const LONGEST_REPEATED = 24;
const OPENING: Readonly<Record<string, string>> = { ")": "(", "]": "[" };

/** The chain of names, calls and elements that ends where a text does: `db.session.query(User).` */
function expressionBefore(text: string): string {
  let expression = "";
  let end = text.length;
  while (end > 0) {
    const last = text.charAt(end - 1);
    let start = end - 1;
    if (/["'`]/.test(last)) start = text.lastIndexOf(last, end - 2);
    else if (last in OPENING) start = openingOf(text, end - 1);
    else if (!/[\w$.]/.test(last) && !/^[?!]\.?$/.test(last + text.charAt(end))) break;
    if (start < 0) break;
    const piece = text.slice(start, end);
    const isLong = piece.length > LONGEST_REPEATED && piece.length > 2;
    expression = (isLong ? `${piece.charAt(0)}...${piece.charAt(piece.length - 1)}` : piece) + expression;
    end = start;
  }
  return expression;
}

/** Where the bracket was opened that is closed at a place; -1 for nowhere. */
function openingOf(text: string, closing: number): number {
  let depth = 0;
  for (let at = closing; at >= 0; at -= 1) {
    if (/[)\]}]/.test(text.charAt(at))) depth += 1;
    else if (/[([{]/.test(text.charAt(at))) depth -= 1;
    if (depth === 0) return at;
  }
  return -1;
}
