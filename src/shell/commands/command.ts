import type { ShellContext } from "../context";
import type { TypeChecks } from "../type-checks";

/** The subjects under which `.help` lists the commands, in this order. */
export const SUBJECTS = ["prompt", "sql", "models", "output", "session", "files", "safety", "migrations"] as const;

/** A subject of commands. */
export type Subject = (typeof SUBJECTS)[number];

/** What a command works with: the shell as it sees it. */
export interface CommandHost {
  readonly context: ShellContext;
  /** All commands, for help. */
  readonly commands: readonly Command[];
  /** What is known of types: how inputs are checked, the types of expressions. */
  readonly types: Pick<TypeChecks, "mode" | "start" | "typeOf" | "documentationOf">;
  /** Whether a person at a terminal gave the command. */
  readonly interactive: boolean;
  /** The entries of the history, the oldest first. */
  readonly history: readonly string[];
  /** Writes a line or lines to stdout. */
  print(text: string): void;
  /** Writes a line or lines to stderr. */
  note(text: string): void;
  /** Shows a value as a result; `whole` without a limit of rows. */
  show(value: unknown, options?: { readonly whole?: boolean }): Promise<void>;
  /** Tells how far a long work is, where a person waits at a terminal. */
  progress(text: string): void;
  /** The columns and lines of the screen; undefined where there is none. */
  readonly screen: { readonly width: number | undefined; readonly height: number | undefined };
  /** Whether the person has stopped the command. */
  readonly interrupted: boolean;
  /** Runs an expression as if it had been typed, without showing its value. @throws what the code throws */
  evaluate(code: string): Promise<unknown>;
  /** Runs the text of a file as one program; its last value is not shown. @throws what the code throws */
  runProgram(source: string, file: string): Promise<void>;
  /** Runs the inputs in a text one after the other, as if they had been typed. */
  runInputs(text: string): Promise<void>;
  /** Reads lines until Ctrl-D; undefined when the person gives up. */
  readBlock(): Promise<string | undefined>;
  /** Lets a program have the terminal. */
  lendTerminal<T>(run: () => Promise<T>): Promise<T>;
  /** Ends the shell after this command, unless the person decides to stay. */
  leave(): Promise<void>;
}

/** A dot command of the shell. */
export interface Command {
  /** The name, without the dot. */
  readonly name: string;
  readonly subject: Subject;
  /** How it is typed, such as `.limit N`. */
  readonly usage: string;
  /** What it does, in one line. */
  readonly description: string;
  /** The rest that there is to say, with an example. */
  readonly help: string;
  execute(argument: string, host: CommandHost): Promise<void> | void;
  /** What the last word of an argument that is being typed can become; `words` are those before it. */
  complete?(
    word: string,
    host: Pick<CommandHost, "context" | "commands"> & { readonly words: readonly string[] },
  ): readonly string[] | Promise<readonly string[]>;
}
