import { InputLines } from "./input-lines";
import { InputRunner, type Surroundings } from "./input-runner";
import { type ShellContext, describePendingWork, hasPendingWork } from "./context";
import { reportSyntax } from "./error-report";
import { whenQuiet } from "./quiet-process";

/** What {@link runBatch} is to run, in this order, and where it writes. */
export interface BatchOptions {
  readonly context: ShellContext;
  /** Code given with the command line: one input, its last value shown. */
  readonly code?: string | undefined;
  /** A file's text: one input, its value not shown. */
  readonly program?: string | undefined;
  /** Where `program` was read from, absolute; undefined for no file. */
  readonly programFile?: string | undefined;
  /** Lines of inputs, usually stdin. */
  readonly input?: AsyncIterable<string | Uint8Array> | undefined;
  /** Whether to go on after an error. */
  readonly keepGoing?: boolean | undefined;
  /** Whether the process ends with this batch: then errors that come after its end are told too. */
  readonly isLast?: boolean | undefined;
  readonly output: NodeJS.WritableStream;
  readonly errorOutput: NodeJS.WritableStream;
}

/** How a batch ended. */
export type BatchEnding = "done" | "failed" | "refused" | "interrupted";

/** The exit code of a process that ran out of things to wait for while an input still waited, as Node has it for modules. */
export const NEVER_SETTLED_EXIT_CODE = 13;
/** The exit code after an error that came when everything else was done. */
const FAILED_EXIT_CODE = 1;

/** What a program ends with that SIGPIPE kills: nobody reads what it writes. */
const CLOSED_OUTPUT_EXIT_CODE = 141;

/** How long a complete input waits for a line that might go on it, where the input comes from a pipe that is still open. */
const LOOK_AHEAD_MS = 50;

/**
 * Runs inputs without a terminal, strictly one after the other.
 *
 * Ends at the first error unless told to go on. Work that was not committed is rolled back at the end, and said so. When an input
 * waits for a promise that nothing can settle, the process ends with exit code 13 and a message.
 */
export async function runBatch(options: BatchOptions): Promise<BatchEnding> {
  const { context, errorOutput } = options;
  const batch = new Batch(options);
  const neverSettles = (): void => {
    batch.reportNeverSettling();
    process.exitCode = NEVER_SETTLED_EXIT_CODE;
  };
  // Connections to a server keep the process alive although nothing happens on them.
  const stopLooking = whenQuiet(
    () => (batch.isRunning ? context.idleConnections?.() : undefined),
    () => {
      neverSettles();
      void context.close().finally(() => process.exit());
    },
  );
  process.on("beforeExit", neverSettles);
  process.on("SIGINT", batch.interrupt);
  for (const event of LATE_ERRORS) process.on(event, batch.failLate);
  try {
    const ending = await batch.run();
    const work = context.pendingWork();
    if (hasPendingWork(work) && !context.keepsNothing) {
      errorOutput.write(`note: ${describePendingWork(work)} not committed, rolled back\n`);
      await context.rollback();
    }
    return ending;
  } finally {
    stopLooking();
    await batch.close();
    process.off("SIGINT", batch.interrupt);
    process.off("beforeExit", neverSettles);
    if (options.isLast !== true) for (const event of LATE_ERRORS) process.off(event, batch.failLate);
  }
}

const LATE_ERRORS = ["uncaughtException", "unhandledRejection"] as const;

class Batch implements Surroundings {
  readonly interactive = false;
  readonly history: readonly string[] = [];
  readonly #options: BatchOptions;
  readonly #runner: InputRunner;
  #line: number | undefined;
  #ending: BatchEnding = "done";
  /** Whether an input runs; between inputs lines are waited for. */
  isRunning = false;
  #hasEnded = false;
  /** Why nothing further is to be run, once that is so. */
  #stopped: "failed" | "interrupted" | undefined;
  /** Ends the wait for lines. */
  #stopReading: () => void = () => undefined;

  constructor(options: BatchOptions) {
    this.#options = options;
    this.#runner = new InputRunner(options.context, this);
  }

  readonly interrupt = (): void => {
    this.#stop("interrupted");
  };

  /** Takes an error of a timer, or of a promise that nobody watches: it counts like one of the input that runs. */
  readonly failLate = (error: unknown): void => {
    // There is nobody to tell; what is not committed goes with the connection.
    if (isClosedOutput(error)) process.exit(CLOSED_OUTPUT_EXIT_CODE);
    this.#runner.reportLate(error);
    if (this.#options.keepGoing === true) this.#ending = "failed";
    else if (!this.#hasEnded) this.#stop("failed");
    // As everywhere in Node, whatever else is still to come.
    if (this.#hasEnded) process.exitCode = FAILED_EXIT_CODE;
    if (this.#hasEnded && this.#options.keepGoing !== true) process.exit();
  };

  #stop(why: "failed" | "interrupted"): void {
    this.#stopped ??= why;
    this.#stopReading();
    void this.#runner.interrupt().catch(() => undefined);
  }

  /** Ends what the inputs started, and keeps the compiled code of the compiler for the next start. */
  async close(): Promise<void> {
    this.#hasEnded = true;
    await this.#runner.types.close();
    const { saveCompiledCode } = await import("./code-cache.js");
    saveCompiledCode();
  }

  /** Tells that the input that is running will never end. */
  reportNeverSettling(): void {
    const place = this.#line === undefined ? "the code" : `line ${this.#line}`;
    this.#runner.report({ name: "Error", message: `${place} waits for a promise that will never settle`, frames: [] });
  }

  async run(): Promise<BatchEnding> {
    const { code, program, input } = this.#options;
    if (code !== undefined && !(await this.#whole(code, true))) return this.#ending;
    if (program !== undefined && !(await this.#whole(program, false))) return this.#ending;
    if (input) await this.#lines(input);
    return this.#ending;
  }

  /** Runs a whole text as one input. @returns whether to go on */
  async #whole(source: string, showsValue: boolean): Promise<boolean> {
    const { classify, isCommand } = await import("./statement.js");
    const text = source.replaceAll(/\r\n?/g, "\n").replace(/^#!.*/, "");
    if (!showsValue || !isCommand(text)) {
      const statement = classify(text);
      const silent =
        showsValue || statement.kind !== "code" ? statement : { ...statement, code: `${statement.code}\n;void 0` };
      const file = showsValue ? undefined : this.#options.programFile;
      return this.#one({
        text,
        statement: silent,
        firstLine: text.includes("\n") || !showsValue ? 1 : undefined,
        file,
      });
    }
    const { inputsOf } = await import("./input-lines.js");
    for (const input of inputsOf(text)) if (!(await this.#one(input))) return false;
    return true;
  }

  async #lines(input: AsyncIterable<string | Uint8Array>): Promise<void> {
    const lines = new InputLines();
    const reader = new LineReader(input);
    const stopped = new Promise<undefined>((resolve) => {
      this.#stopReading = () => {
        resolve(undefined);
      };
    });
    while (this.#stopped === undefined) {
      const end = reader.ended;
      const next = lines.next({ final: reader.idle || end, end });
      if (next) {
        if (next.statement.kind !== "empty" && !(await this.#one(next))) return;
        reader.idle = false;
      } else if (end) return;
      else {
        const more = reader.read(lines.isEmpty || reader.idle ? undefined : LOOK_AHEAD_MS);
        lines.add((await Promise.race([more, stopped])) ?? []);
      }
    }
    this.#ending = this.#stopped;
    if (this.#stopped === "interrupted") this.note("error: interrupted");
  }

  async #one(input: Parameters<InputRunner["run"]>[0]): Promise<boolean> {
    this.#line = input.firstLine;
    const { statement, text } = input;
    if (statement.kind === "incomplete") {
      this.#runner.report(
        reportSyntax({ ...statement.problem, message: `unexpected end of input: ${statement.problem.message}` }, text),
        input.firstLine,
      );
      this.#ending = "failed";
      return this.#options.keepGoing === true;
    }
    this.isRunning = true;
    const ending = await this.#runner.run(input).finally(() => {
      this.isRunning = false;
    });
    if (ending === "leave") return false;
    if (ending === "interrupted" || this.#stopped !== undefined) {
      this.#ending = this.#stopped ?? "interrupted";
      if (this.#ending === "interrupted") this.note("error: interrupted");
      return false;
    }
    if (ending === "failed" || ending === "refused") {
      this.#ending = ending;
      return this.#options.keepGoing === true;
    }
    return true;
  }

  width(): undefined {
    return undefined;
  }

  print(text: string): void {
    this.#options.output.write(text.endsWith("\n") ? text : `${text}\n`);
  }

  note(text: string): void {
    this.#options.errorOutput.write(text.endsWith("\n") ? text : `${text}\n`);
  }

  readBlock(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  lendTerminal<T>(run: () => Promise<T>): Promise<T> {
    return run();
  }

  mayLeave(): Promise<boolean> {
    return Promise.resolve(true);
  }
}

/** Reads lines as they come, and tells when none came for a while. */
class LineReader {
  /** Whether the last {@link read} waited in vain. */
  idle = false;
  ended = false;
  readonly #chunks: AsyncIterator<string | Uint8Array>;
  readonly #decoder = new TextDecoder();
  #rest = "";
  #pending: Promise<readonly string[]> | undefined;

  constructor(input: AsyncIterable<string | Uint8Array>) {
    this.#chunks = input[Symbol.asyncIterator]();
  }

  /** The lines that come next; none when there are none within the time given, and none at the end. */
  async read(waitMs: number | undefined): Promise<readonly string[]> {
    this.#pending ??= this.#readChunk();
    if (waitMs === undefined) return this.#finish(await this.#pending);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, waitMs, undefined);
    });
    const lines = await Promise.race([this.#pending, late]);
    clearTimeout(timer);
    if (lines) return this.#finish(lines);
    this.idle = true;
    return [];
  }

  #finish(lines: readonly string[]): readonly string[] {
    this.#pending = undefined;
    this.idle = false;
    return lines;
  }

  async #readChunk(): Promise<readonly string[]> {
    const step = await this.#chunks.next();
    if (step.done === true) {
      this.ended = true;
      const last = this.#rest;
      this.#rest = "";
      return last === "" ? [] : [last];
    }
    const text =
      this.#rest + (typeof step.value === "string" ? step.value : this.#decoder.decode(step.value, { stream: true }));
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    return lines;
  }
}

/** Whether an error says that the reader of what is written has gone: `… | head`. */
function isClosedOutput(error: unknown): boolean {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  return code === "EPIPE" && syscall === "write";
}
