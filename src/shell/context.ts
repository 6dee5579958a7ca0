import type { Format } from "../render/render-options";
import type { Command } from "./commands/command";

/** The ways to check types: refuse what is wrong, tell it and run, or do not look. */
export const TYPES_MODES = ["strict", "warn", "off"] as const;

/** How the shell checks types. */
export type TypesMode = (typeof TYPES_MODES)[number];

/** How results are shown; the commands change it, and {@link ShellContext.present} reads it. */
export interface OutputSettings {
  format: Format;
  /** The most rows that are drawn; 0 for all. */
  limit: number;
  /** Whether each result tells how long it took, where its form does not tell already. */
  timer: boolean;
  /** Whether every SQL statement is shown. */
  echo: boolean;
  pager: boolean;
}

/** Work of the session that the database does not hold for good yet, in objects. */
export interface PendingWork {
  readonly new: number;
  readonly changed: number;
  readonly deleted: number;
  /** Whether a flush failed and the session waits for `rollback()`. */
  readonly failed?: boolean | undefined;
}

/** What is known about a value besides the value. */
export interface Presentation {
  /** How long the input took that the value came from. */
  readonly durationMs: number;
  /** Whether a person at a terminal is to read it. */
  readonly interactive: boolean;
  /** The columns of the terminal; undefined where nothing is to be shortened. */
  readonly width: number | undefined;
  /** All rows are drawn, whatever the limit. */
  readonly whole?: boolean | undefined;
}

/** One SQL statement that an expression would send. */
export interface CapturedStatement {
  /** The statement as it stands, its values written in. */
  readonly sql: string;
  /** The statement with placeholders. */
  readonly template: string;
  readonly parameters: readonly unknown[];
}

/** A model as `.models` lists it. */
export interface ModelSummary {
  readonly name: string;
  readonly table: string;
  /** The number of rows; undefined when the table is not there. */
  readonly rows: number | undefined;
}

/**
 * What the shell works on: an open database with its names, and the ways to show, stop, keep and leave.
 *
 * The prompt is printed before there is one, so it comes from a function that opens it.
 */
export interface ShellContext {
  /** What the prompt begins with, such as `data.sqlite`. */
  readonly name: string;
  /** The lines shown at the start of an interactive shell. */
  readonly banner: readonly string[];
  /** The preloaded names. */
  readonly globals: Readonly<Record<string, unknown>>;
  readonly settings: OutputSettings;
  /** Loads further commands, besides the shell's own. */
  loadCommands?(): Promise<readonly Command[]>;
  /** The text of a result, ready for stdout; undefined when there is nothing to show. */
  present(value: unknown, presentation: Presentation): Promise<string | undefined>;
  /** Loads a to-one relationship that a statement's own code is about to read; undefined when there is nothing to load. */
  loadOnRead?(object: object, key: string): Promise<unknown> | undefined;
  /** What could be typed in the place of a property that an object does not have, such as `User.query.all()`; undefined for no idea. */
  suggest?(object: object, key: string): string | undefined;
  /** Runs one input of the person; here statements are grouped, counted, guarded or put under a savepoint. */
  runInput?<T>(run: () => Promise<T>, options?: InputOptions<T>): Promise<T>;
  /** Stops the statement that the database is busy with, and resolves when the connection can be used again. */
  cancel(): Promise<void>;
  /** How many connections to a server are open on which nothing runs; undefined while a statement runs. */
  idleConnections?(): number | undefined;
  pendingWork(): PendingWork;
  /** Whether leaving loses everything whatever is done before, as in a sandbox: then nobody is asked. */
  readonly keepsNothing?: boolean;
  /** Words for the prompt, such as `sandbox` or `read-only`. */
  marks?(): readonly string[];
  commit(): Promise<void>;
  rollback(): Promise<void>;
  close(): Promise<void>;
  /** Runs code that sends nothing to the database, and gives what it would have sent. A query as its value counts as sent. */
  captureSql(evaluate: () => Promise<unknown>): Promise<readonly CapturedStatement[]>;
  models(): Promise<readonly ModelSummary[]>;
  /**
   * Declares the preloaded names for the type checker: a TypeScript module that stands in this folder, each name as a global
   * on a line of its own that begins with two blanks and `let`. Empty where nothing is known of their types.
   */
  declarations(): Promise<string>;
}

/** What {@link ShellContext.runInput} is told of an input. */
export interface InputOptions<T> {
  /** Whether what it came to is a failure. */
  readonly isFailure?: (result: T) => boolean;
  /** Asks the person; undefined where nobody can be asked. */
  readonly ask?: ((question: string) => Promise<string>) | undefined;
}

/** Whether a session holds work that leaving would lose. */
export function hasPendingWork(work: PendingWork): boolean {
  return work.new + work.changed + work.deleted > 0;
}

/** Pending work in words, such as `2 new, 1 changed`. */
export function describePendingWork(work: PendingWork): string {
  const parts = [
    work.new > 0 ? `${work.new} new` : "",
    work.changed > 0 ? `${work.changed} changed` : "",
    work.deleted > 0 ? `${work.deleted} deleted` : "",
  ];
  return parts.filter((part) => part !== "").join(", ");
}

/** The prompt of a context: its name, what is pending, and its marks. */
export function promptOf(context: ShellContext): string {
  const work = context.pendingWork();
  const counts = hasPendingWork(work) ? ` +${work.new} ~${work.changed} -${work.deleted}` : "";
  const marks = (context.marks?.() ?? []).map((mark) => ` [${mark}]`).join("");
  return `${context.name}${marks}${counts}${work.failed ? " !" : ""}> `;
}
