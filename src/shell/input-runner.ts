import { ArgumentError } from "../errors";
import type { Command, CommandHost } from "./commands/command";
import type { ShellContext } from "./context";
import {
  type ErrorReport,
  type ReportedInput,
  renderReport,
  renderTypeProblem,
  reportAsJson,
  reportError,
  reportSyntax,
} from "./error-report";
import { Evaluator, type InterruptibleTerminal, type Outcome } from "./evaluate";
import { commandWord, hintForText } from "./habit";
import type { Input } from "./input-lines";
import type { Statement } from "./statement";
import type { TypeProblem } from "./language-service";
import { TypeChecks } from "./type-checks";

/** How running one input ended. */
export type Ending = "done" | "failed" | "refused" | "interrupted" | "leave";

/** Where an {@link InputRunner} writes, and what only its surroundings can do. */
export interface Surroundings {
  readonly interactive: boolean;
  /** The columns to fit results into; undefined for no bound. */
  width(): number | undefined;
  /** The lines of the screen; left out where there is none. */
  height?(): number;
  /** Writes a line or lines to stdout. */
  print(text: string): void;
  /** Writes a line or lines to stderr. */
  note(text: string): void;
  readonly history: readonly string[];
  readBlock(): Promise<string | undefined>;
  lendTerminal<T>(run: () => Promise<T>): Promise<T>;
  /** The answer to a question, empty when the person declines; left out where nobody can be asked. */
  readonly ask?: (question: string) => Promise<string>;
  /** Tells how far a long work is. */
  progress?(text: string): void;
  /** Whether the shell may be left now; asks or tells about pending work. */
  mayLeave(): Promise<boolean>;
}

/** What is thrown through a command when code inside it was stopped by Ctrl-C. */
class StoppedInCommand extends Error {}

/** An error of the person's code on its way through a command, with what is known of it. */
class FailedInCommand extends Error {
  readonly outcome: Outcome & { kind: "error" };

  constructor(outcome: Outcome & { kind: "error" }) {
    super("code in a command failed");
    this.outcome = outcome;
  }
}

/** Runs inputs one at a time in a context: code is compiled, run and shown, commands are carried out, errors are reported. */
export class InputRunner {
  readonly #context: ShellContext;
  readonly #around: Surroundings;
  readonly #evaluator: Evaluator;
  /** The first lines of inputs that were part of a longer text. */
  readonly #firstLines = new WeakMap<ReportedInput, number>();
  /** What is known of the inputs' types. */
  readonly types: TypeChecks;
  #commands: readonly Command[] | undefined;
  #leaving = false;
  #interrupted = false;

  constructor(context: ShellContext, around: Surroundings, terminal?: InterruptibleTerminal) {
    this.#context = context;
    this.#around = around;
    this.#evaluator = new Evaluator({
      loadOnRead: context.loadOnRead && ((object, key) => context.loadOnRead?.(object, key)),
      suggest: (object, key) => context.suggest?.(object, key),
      terminal,
    });
    this.#evaluator.define(context.globals);
    this.types = new TypeChecks(context, { interactive: around.interactive, directory: process.cwd() });
  }

  /** Stops the code that is running; resolves when the database is free again. */
  async interrupt(): Promise<void> {
    this.#interrupted = true;
    this.#evaluator.interrupt();
    await this.#context.cancel();
  }

  /** All commands, the shell's and the context's. */
  async commands(): Promise<readonly Command[]> {
    if (!this.#commands) {
      const { COMMANDS } = await import("./commands/all.js");
      this.#commands = [...COMMANDS, ...((await this.#context.loadCommands?.()) ?? [])];
    }
    return this.#commands;
  }

  /** Finds the text of an input by its name in stack traces. */
  readonly #findInput = (filename: string): ReportedInput | undefined => this.#evaluator.input(filename);

  /** Runs one input and writes what comes of it. `firstLine` numbers errors, in a text of several inputs; `file` is where it was read from. */
  async run(
    input: Pick<Input, "text" | "statement"> & { firstLine?: number | undefined; file?: string | undefined },
  ): Promise<Ending> {
    const { statement, text, firstLine, file } = input;
    this.#interrupted = false;
    try {
      if (statement.kind === "command") return await this.#command(statement, firstLine);
      if (statement.kind === "code") {
        const meant = commandWord(text);
        if (meant && !(meant.word in globalThis))
          return await this.#command({ kind: "command", name: meant.command, argument: "" }, firstLine);
        return await this.#inContext(() => this.#code(statement, firstLine, file));
      }
      if (statement.kind === "empty") return "done";
      this.report(reportSyntax(statement.problem, text, hintForText(text)), firstLine);
      return "failed";
    } catch (error) {
      // An error of the shell or of a command: no place in the person's code belongs to it.
      this.report({ ...reportError(error, () => undefined), frames: [] }, firstLine);
      return endingOf(error);
    }
  }

  /** Writes an error to stderr, as text or as JSON. */
  report(report: ErrorReport, firstLine?: number): void {
    const asJson = !this.#around.interactive && this.#context.settings.format === "json";
    this.#around.note(
      asJson ? reportAsJson(report) : renderReport(report, { ...(firstLine === undefined ? {} : { firstLine }) }),
    );
  }

  /** Writes an error that came later than the input that it belongs to: of a timer, or of a promise that nobody watches. */
  reportLate(error: unknown): void {
    let input: ReportedInput | undefined;
    const report = reportError(error, (filename) => {
      const found = this.#findInput(filename);
      input ??= found;
      return found;
    });
    this.report(report, input && this.#firstLines.get(input));
  }

  #inContext<T>(run: () => Promise<T>): Promise<T> {
    if (!this.#context.runInput) return run();
    const isFailure = (result: T): boolean => result === "failed" || result === "refused" || result === "interrupted";
    return this.#context.runInput(run, { isFailure, ask: this.#around.ask });
  }

  async #code(statement: Statement & { kind: "code" }, firstLine?: number, file?: string): Promise<Ending> {
    const refused = await this.#checkTypes(statement, firstLine);
    if (this.#interrupted) return "interrupted";
    if (refused) return "failed";
    const startMs = performance.now();
    const outcome = await this.#evaluate(statement, { firstLine, file });
    const durationMs = performance.now() - startMs;
    if (outcome.kind === "value") {
      await this.#show(outcome.value, durationMs);
      if (this.#context.settings.timer) this.#around.note(`${durationMs.toFixed(durationMs < 10 ? 1 : 0)} ms`);
      return "done";
    }
    if (outcome.kind === "interrupted") return "interrupted";
    this.report(reportError(outcome.error, this.#findInput, outcome.hint), firstLine);
    return endingOf(outcome.error);
  }

  /** Tells what is wrong with the types of an input. @returns whether it is not to be run */
  async #checkTypes({ code, shift }: Statement & { kind: "code" }, firstLine?: number): Promise<boolean> {
    const typed = shift > 0 ? code.slice(shift) : code;
    const tell = (problems: readonly TypeProblem[], refused: boolean): void => {
      for (const problem of problems) {
        const place = { ...problem, start: Math.max(0, problem.start - Math.max(0, shift)) };
        this.#around.note(
          renderTypeProblem(place, typed, { refused, ...(firstLine === undefined ? {} : { firstLine }) }),
        );
      }
    };
    const problems = await this.types.check(code, (late) => {
      tell(late, false);
    });
    const refused = this.types.mode === "strict" && problems.length > 0;
    tell(problems, refused);
    if (refused) this.#around.note("hint: .types warn runs it all the same");
    return refused;
  }

  async #evaluate(
    { code, shift }: { code: string; shift: number },
    { firstLine, file }: { firstLine?: number | undefined; file?: string | undefined } = {},
  ): Promise<Outcome> {
    const { compile } = await import("./compile.js");
    const compiled = compile(code, { shift });
    if (firstLine !== undefined) this.#firstLines.set(compiled, firstLine);
    // A Ctrl-C that came while the compiler held the thread is read now: once the code runs, only a later one would stop it.
    if (this.#around.interactive) await keysAreRead();
    if (this.#interrupted) return { kind: "interrupted" };
    const outcome = await this.#evaluator.run(compiled, file);
    const hasValue = outcome.kind === "value" && outcome.value !== undefined;
    this.types.commit(code, { failed: outcome.kind !== "value", hasValue });
    return outcome;
  }

  async #show(value: unknown, durationMs: number, whole = false): Promise<void> {
    const { interactive } = this.#around;
    // At a terminal a context may have something to tell of an input without a value.
    if (value === undefined && !interactive) return;
    const text = await this.#context.present(value, { durationMs, interactive, width: this.#around.width(), whole });
    if (text === undefined || (await this.#paged(text))) return;
    this.#around.print(text);
  }

  /** Shows in the pager what is longer than the screen. @returns whether it was shown */
  async #paged(text: string): Promise<boolean> {
    const { interactive } = this.#around;
    const lines = this.#around.height?.();
    if (!interactive || lines === undefined || !this.#context.settings.pager) return false;
    // The next prompt needs a line too.
    if (text.split("\n").length < lines) return false;
    const { page } = await import("./pager.js");
    return page(text, (run) => this.#around.lendTerminal(run));
  }

  async #command({ name, argument }: Statement & { kind: "command" }, firstLine: number | undefined): Promise<Ending> {
    const { findCommand } = await import("./commands/help.js");
    const commands = await this.commands();
    const command = findCommand(commands, name);
    this.#leaving = false;
    const { globals } = this.#context;
    try {
      await command.execute(argument, this.#host(commands));
      if (this.#context.globals !== globals) {
        this.#evaluator.define(this.#context.globals);
        await this.types.restart();
      }
    } catch (error) {
      if (error instanceof StoppedInCommand) return "interrupted";
      if (!(error instanceof FailedInCommand)) throw error;
      this.report(reportError(error.outcome.error, this.#findInput, error.outcome.hint), firstLine);
      return endingOf(error.outcome.error);
    }
    return this.#leaving ? "leave" : "done";
  }

  #host(commands: readonly Command[]): CommandHost {
    const around = this.#around;
    const isInterrupted = (): boolean => this.#interrupted;
    const evaluate = async (code: string, file?: string): Promise<unknown> => {
      const { classify } = await import("./statement.js");
      const statement = classify(code);
      if (statement.kind !== "code") throw syntaxErrorOf(statement, code);
      const outcome = await this.#evaluate(statement, { file });
      if (outcome.kind === "interrupted") throw new StoppedInCommand();
      if (outcome.kind === "error") throw new FailedInCommand(outcome);
      return outcome.value;
    };
    return {
      context: this.#context,
      commands,
      types: this.types,
      interactive: around.interactive,
      history: around.history,
      print: around.print.bind(around),
      note: around.note.bind(around),
      show: (value, { whole } = {}) => this.#show(value, 0, whole),
      progress: (text) => around.progress?.(text),
      screen: { width: around.width(), height: around.height?.() },
      get interrupted() {
        return isInterrupted();
      },
      evaluate: (code) => evaluate(/^\s*\{/.test(code) ? `(${code})` : code),
      runProgram: async (source, file) => {
        if (source.trim() !== "") await this.#inContext(() => evaluate(source, file));
      },
      runInputs: async (text) => {
        const { inputsOf } = await import("./input-lines.js");
        for (const input of inputsOf(text)) if ((await this.run(input)) !== "done") return;
      },
      readBlock: around.readBlock.bind(around),
      lendTerminal: around.lendTerminal.bind(around),
      leave: async () => {
        this.#leaving = await around.mayLeave();
      },
    };
  }
}

/** How an input ended that an error ended. */
function endingOf(error: unknown): Ending {
  return (error as { name?: unknown } | null | undefined)?.name === "GuardError" ? "refused" : "failed";
}

/** Resolves when whatever was typed until now has been read: after one whole turn of the event loop. */
function keysAreRead(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });
}

/** The error of a text that is no whole piece of code. */
function syntaxErrorOf(statement: Statement, text: string): Error {
  if (statement.kind === "empty") return new ArgumentError("Expected an expression, got nothing.");
  if (statement.kind === "incomplete" || statement.kind === "invalid") {
    const { message, start } = statement.problem;
    const line = text.slice(0, start).split("\n").length;
    return new SyntaxError(text.includes("\n") ? `line ${line}: ${message}` : message);
  }
  return new ArgumentError(`Expected an expression, got "${text.trim()}".`);
}
