import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import * as vm from "node:vm";
import { DatabaseError, nearestName } from "../errors";
import type { Compiled } from "./compile";
import { hintForDatabase, hintForName } from "./habit";
import { ImportError, importModule } from "./import-module";
import { type LoadOnRead, Runtime, isAwaitable } from "./runtime";
import { releaseStuckOutput } from "./stuck-output";

/** What running one input came to. */
export type Outcome =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "error"; readonly error: unknown; readonly hint: string | undefined }
  | { readonly kind: "interrupted" };

/** The end of a run that a person stopped. It is never thrown into their code. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** A terminal whose Ctrl-C becomes a signal while JavaScript holds the thread. */
export interface InterruptibleTerminal {
  setRawMode(raw: boolean): unknown;
}

/** What an {@link Evaluator} works with; everything may be left out. */
export interface EvaluatorOptions {
  /** Loads relationships that a statement's own code reads. */
  readonly loadOnRead?: LoadOnRead | undefined;
  /** What could be typed in the place of a property that an object does not have, such as `User.query.all()` for `User.all`. */
  readonly suggest?: ((object: object, key: string) => string | undefined) | undefined;
  /** The terminal in raw mode, if there is one. */
  readonly terminal?: InterruptibleTerminal | undefined;
  /** Where relative imports start; the working directory by default. */
  readonly directory?: string | undefined;
}

type InputGenerator = Generator<unknown, unknown>;

/** How user code reaches what it needs of the shell: see `NAMES` in await-edits. */
const GLOBAL = "__$shell";
/** Shorter names are near to too many others. */
const SHORTEST_GUESSED = 3;
const INTERRUPTED_CODE = "ERR_SCRIPT_EXECUTION_INTERRUPTED";

/**
 * Runs compiled inputs in the main realm, one at a time.
 *
 * Each stretch of code between two waits runs inside a script that V8 can break, so that Ctrl-C stops a loop also after an await.
 */
export class Evaluator {
  readonly #options: EvaluatorOptions;
  readonly #inputs = new Map<string, Compiled>();
  readonly #stepper = new vm.Script(`${GLOBAL}.step()`, { filename: "shell-step" });
  readonly #shell: Record<string, unknown>;
  /** The names that the context or an input gave to something. */
  readonly #names = new Set<string>();
  #count = 0;
  /** Where the input that runs was read from. */
  #file: string | undefined;
  #interrupt: (() => void) | undefined;

  constructor(options: EvaluatorOptions = {}) {
    this.#options = options;
    const file = (): string => this.#file ?? join(this.#directory(), "input.ts");
    this.#shell = {
      import: (specifier: unknown) => this.#import(String(specifier)),
      get meta() {
        const filename = file();
        return { url: pathToFileURL(filename).href, filename, dirname: dirname(filename) };
      },
    };
    if (!("require" in globalThis)) setGlobal("require", createRequire(join(this.#directory(), "input.js")));
    Object.defineProperty(globalThis, GLOBAL, {
      value: this.#shell,
      configurable: true,
      enumerable: false,
      writable: true,
    });
  }

  /** Where relative imports of what is typed start. */
  #directory(): string {
    return this.#options.directory ?? process.cwd();
  }

  /** Imports for the input that runs: a file's imports are relative to it, or else to where those of the prompt start. */
  async #import(specifier: string): Promise<unknown> {
    const directory = this.#directory();
    if (this.#file === undefined) return importModule(specifier, directory);
    try {
      return await importModule(specifier, dirname(this.#file));
    } catch (error) {
      if (!(error instanceof ImportError)) throw error;
      return importModule(specifier, directory).catch(() => {
        throw error;
      });
    }
  }

  /** Makes values global under their names. */
  define(globals: Readonly<Record<string, unknown>>): void {
    for (const [name, value] of Object.entries(globals)) {
      this.#names.add(name);
      setGlobal(name, value);
    }
  }

  /** The input that a script name in a stack trace stands for. */
  input(filename: string): Compiled | undefined {
    return this.#inputs.get(filename);
  }

  /** Whether an input is running. */
  get running(): boolean {
    return this.#interrupt !== undefined;
  }

  /** Stops the input that is running, if one is: what it waits for is abandoned, its `finally` blocks run. */
  interrupt(): void {
    this.#interrupt?.();
  }

  /**
   * Runs an input to its end.
   *
   * Sets `_` to a value other than undefined and `_error` to what was thrown.
   *
   * @param file  where the input was read from; undefined for what was typed
   */
  async run(compiled: Compiled, file?: string): Promise<Outcome> {
    const runtime = new Runtime(this.#options.loadOnRead);
    this.#file = file;
    try {
      const value = await this.#drive(compiled, runtime);
      if (value !== undefined) setGlobal("_", value);
      return { kind: "value", value };
    } catch (error) {
      if (isInterrupt(error)) {
        for (const stream of [process.stdout, process.stderr]) releaseStuckOutput(stream);
        return { kind: "interrupted" };
      }
      setGlobal("_error", error);
      return { kind: "error", error, hint: this.#hintFor(error, runtime) };
    } finally {
      this.#file = undefined;
    }
  }

  /** What was perhaps meant, where a name or a property is not there. */
  #hintFor(error: unknown, runtime: Runtime): string | undefined {
    const missing = runtime.missingFor(error);
    if (missing) {
      const { object, key, names } = missing;
      const meant = this.#options.suggest?.(object, key);
      if (meant !== undefined) return `did you mean ${meant}?`;
      return meantName(nearestName(key, names));
    }
    const [, name] = (error instanceof ReferenceError && /^([\w$]+) is not defined$/.exec(error.message)) || [];
    if (name === undefined) return error instanceof DatabaseError ? hintForDatabase(error.message) : undefined;
    const habit = hintForName(name);
    if (habit !== undefined || name.length < SHORTEST_GUESSED) return habit;
    return meantName(nearestName(name, this.#names) ?? nearestName(name, Object.getOwnPropertyNames(globalThis)));
  }

  async #drive(compiled: Compiled, runtime: Runtime): Promise<unknown> {
    const filename = `REPL${(this.#count += 1)}`;
    this.#inputs.set(filename, compiled);
    for (const name of compiled.names) {
      this.#names.add(name);
      openForAssignment(name);
    }
    const script = new vm.Script(compiled.script, { filename });
    const stop = new StopSignal(() => this.#lostSignal());
    this.#interrupt = stop.raise;
    process.on("SIGINT", stop.raise);
    try {
      const start = this.#segment(() => script.runInThisContext({ displayErrors: false })) as (
        ...given: unknown[]
      ) => InputGenerator;
      const { read, takeApart, each, steps, ended } = runtime;
      const generator = start(Promise, isAwaitable, read, takeApart, each, steps, ended);
      return await this.#steps(generator, stop);
    } finally {
      process.off("SIGINT", stop.raise);
      this.#interrupt = undefined;
    }
  }

  /** Steps through an input, waiting for each promise that it yields. */
  async #steps(generator: InputGenerator, stop: StopSignal): Promise<unknown> {
    let resume = (): IteratorResult<unknown, unknown> => generator.next();
    let turnMs = performance.now();
    for (;;) {
      const step = await this.#stepOf(generator, resume, stop);
      if (step.done) return step.value;
      try {
        const value = await stop.waitFor(step.value);
        // Promises that are settled already follow each other without a turn of the event loop, in which Ctrl-C is read.
        if (performance.now() - turnMs > LONGEST_TURN_MS) {
          await stop.waitFor(new Promise(setImmediate));
          turnMs = performance.now();
        }
        resume = () => generator.next(value);
      } catch (error) {
        if (error instanceof Interrupted) {
          await this.#leave(generator, stop);
          throw error;
        }
        resume = () => generator.throw(error);
      }
    }
  }

  /** One step of an input. A Ctrl-C that hits beside the input's own code leaves it as one in a wait does. */
  async #stepOf(
    generator: InputGenerator,
    resume: () => IteratorResult<unknown, unknown>,
    stop: StopSignal,
  ): Promise<IteratorResult<unknown, unknown>> {
    try {
      return this.#segment(resume) as IteratorResult<unknown, unknown>;
    } catch (error) {
      if (isInterrupt(error)) {
        await this.#leave(generator, stop).catch((failure: unknown) => {
          // Code that was stopped in the middle can run nothing any more, not even its `finally` blocks.
          if (!(failure instanceof TypeError && failure.message.includes("already running"))) throw failure;
        });
      }
      throw error;
    }
  }

  /** Runs the `finally` blocks of an input that was stopped, and waits for what they wait for; a further Ctrl-C leaves them too. */
  async #leave(generator: InputGenerator, stop: StopSignal): Promise<void> {
    stop.lower();
    let step = this.#segment(() => generator.return(undefined)) as IteratorResult<unknown, unknown>;
    while (!step.done) {
      const value = await stop.waitFor(step.value);
      step = this.#segment(() => generator.next(value)) as IteratorResult<unknown, unknown>;
    }
  }

  /**
   * Whether a SIGINT came in a stretch that ended before Node's watching thread woke up.
   *
   * Node forgets such a signal, but its thread's semaphore does not: the next script that is watched gets it. This one is watched
   * for nothing else.
   */
  #lostSignal(): boolean {
    // A sleep, not a loop: on a busy machine the watching thread needs the processor.
    this.#shell.step = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4);
    try {
      this.#stepper.runInThisContext({ breakOnSigint: true, displayErrors: false });
      return false;
    } catch (error) {
      if (isInterrupt(error)) return true;
      throw error;
    }
  }

  /** Runs one synchronous stretch of user code so that SIGINT breaks it. */
  #segment(stretch: () => unknown): unknown {
    const { terminal } = this.#options;
    let isRaw = true;
    const setRaw = (raw: boolean): void => {
      isRaw &&= raw;
      terminal?.setRawMode(raw);
      isRaw = raw;
    };
    // In raw mode Ctrl-C is a byte that nobody reads while the thread is busy; in cooked mode it is a signal. The mode changes
    // only while the script is watched: before and after it Node has no handler for the signal, and one would end the process.
    this.#shell.step = () => {
      setRaw(false);
      try {
        return stretch();
      } finally {
        setRaw(true);
      }
    };
    try {
      return this.#stepper.runInThisContext({ breakOnSigint: true, displayErrors: false });
    } finally {
      // A script that is stopped runs no `finally` of its own.
      if (!isRaw) setRaw(true);
      this.#shell.step = undefined;
    }
  }
}

/** After so long an input lets the event loop turn. */
const LONGEST_TURN_MS = 30;

/** When a wait looks for a signal that got lost, after its begin. Later ones follow by the last distance. */
const LOOKS_MS = [20, 50, 100, 300, 1000];

/** Lets one wait at a time be stopped; a stop that comes between two waits stops the next one. */
class StopSignal {
  readonly #wasLost: () => boolean;
  #raised = false;
  #reject: ((error: Interrupted) => void) | undefined;

  /** @param wasLost  tells whether a signal came that nobody has been told of */
  constructor(wasLost: () => boolean) {
    this.#wasLost = wasLost;
  }

  readonly raise = (): void => {
    this.#raised = true;
    this.#reject?.(new Interrupted("interrupted"));
  };

  lower(): void {
    this.#raised = false;
  }

  waitFor(value: unknown): Promise<unknown> {
    if (this.#raised) return Promise.reject(new Interrupted("interrupted"));
    return new Promise((resolve, reject) => {
      let looks = 0;
      let timer: NodeJS.Timeout | undefined;
      const lookLater = (): void => {
        timer = setTimeout(
          () => {
            if (this.#wasLost()) this.raise();
            else lookLater();
          },
          LOOKS_MS[Math.min(looks++, LOOKS_MS.length - 1)],
        ).unref();
      };
      const settle = (how: () => void): void => {
        clearTimeout(timer);
        how();
      };
      lookLater();
      this.#reject = (error) => {
        settle(() => {
          reject(error);
        });
      };
      Promise.resolve(value).then(
        (result) => {
          settle(() => {
            resolve(result);
          });
        },
        (error: unknown) => {
          settle(() => {
            // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it is the person's own value, passed on
            reject(error);
          });
        },
      );
    });
  }
}

function meantName(name: string | undefined): string | undefined {
  return name === undefined ? undefined : `did you mean "${name}"?`;
}

function isInterrupt(error: unknown): boolean {
  return error instanceof Interrupted || (error as { code?: unknown } | null)?.code === INTERRUPTED_CODE;
}

/** Makes a value global, also in the place of an accessor such as `crypto`. */
function setGlobal(name: string, value: unknown): void {
  const existing = Object.getOwnPropertyDescriptor(globalThis, name);
  if (existing && !existing.configurable) (globalThis as Record<string, unknown>)[name] = value;
  else Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}

/** Turns a global that is an accessor or read-only into a plain one, so that a declaration of its name takes effect. */
function openForAssignment(name: string): void {
  const existing = Object.getOwnPropertyDescriptor(globalThis, name);
  if (!existing?.configurable || existing.writable) return;
  Object.defineProperty(globalThis, name, { value: undefined, writable: true, configurable: true, enumerable: true });
}
