import { existsSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { spareLargeFunctions } from "../start/kept-code";
import type { Completions } from "./language/completions";
import type { Documentation, InputEnd, TypeProblem } from "./language/language-session";
import type { Answer, Request, WorkerStart } from "./language/language-worker";

export type { Completions } from "./language/completions";
export type { Documentation, InputEnd, TypeProblem } from "./language/language-session";

/**
 * The megabytes that a worker may keep; one that needs more ends, and the next one gets more.
 *
 * The first is enough for a session of a thousand lines with a few models; models of a large project need more.
 */
const MEGABYTES = [130, 200, 400, 400];
/** Of these, for what is thrown away at once: more would only be held. */
const YOUNG_MEGABYTES = 16;

/** A request that waits for its answer. */
interface Waiting {
  readonly request: Request;
  readonly resolve: (value: unknown) => void;
}

/**
 * The types of the session, kept by a worker thread: checks inputs, completes them, and tells types and documentation.
 *
 * Nothing here runs the person's code. Answers never hold up what does not need them: see {@link ready}.
 */
export class LanguageService {
  readonly #start: WorkerStart;
  readonly #waiting = new Map<number, Waiting>();
  /** What was committed, for a worker that takes the place of one that ended. */
  readonly #committed: Request[] = [];
  #worker: Worker | undefined;
  #isReady = false;
  #restarts = 0;
  #count = 0;
  #closed = false;

  /**
   * @param declarations  the names of the context, as a module standing in this folder
   * @param directory  where relative imports of the inputs start
   */
  constructor(declarations: string, directory: string) {
    this.#start = { declarations, folders: { directory, library: __dirname } };
    this.#open();
  }

  /** Whether the next request is answered at once, as far as that can be known. */
  get ready(): boolean {
    return this.#isReady && this.#waiting.size === 0;
  }

  /** What is wrong with the types of an input; undefined where that cannot be told. */
  check(code: string): Promise<readonly TypeProblem[] | undefined> {
    return this.#ask("check", code);
  }

  /** Takes an input that ran into the session, so that later ones see its names. */
  commit(code: string, end: InputEnd): void {
    const request: Request = { ask: "commit", code, end };
    this.#committed.push(request);
    this.#worker?.postMessage(request);
  }

  /** What can stand at the end of an unfinished text. */
  complete(text: string): Promise<Completions | undefined> {
    return this.#ask("complete", text);
  }

  /** The type of an expression's value at the prompt, or what is wrong with the expression. */
  typeOf(expression: string): Promise<{ readonly type: string } | { readonly problem: TypeProblem } | undefined> {
    return this.#ask("type", expression);
  }

  /** The declaration and documentation of what an expression ends with. */
  documentationOf(expression: string): Promise<Documentation | undefined> {
    return this.#ask("documentation", expression);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#settleAll();
    await this.#worker?.terminate();
  }

  #ask<T>(ask: "check" | "complete" | "type" | "documentation", text: string): Promise<T | undefined> {
    const worker = this.#worker;
    if (!worker) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const id = (this.#count += 1);
      const request: Request = { ask, id, text };
      this.#waiting.set(id, {
        request,
        resolve: (value) => {
          resolve(value as T | undefined);
        },
      });
      // The process waits for an answer that somebody waits for, and for nothing else here.
      worker.ref();
      worker.postMessage(request);
    });
  }

  #open(): void {
    this.#isReady = false;
    spareLargeFunctions();
    const worker = startWorker(this.#start, MEGABYTES[this.#restarts] ?? 0);
    this.#worker = worker;
    worker.unref();
    worker.on("message", (answer: Answer) => {
      if ("ready" in answer) this.#isReady = true;
      else {
        this.#waiting.get(answer.id)?.resolve("value" in answer ? answer.value : undefined);
        this.#waiting.delete(answer.id);
      }
      if (this.#waiting.size === 0) worker.unref();
    });
    worker.on("error", () => {
      // Told by "exit" too: out of memory, or a mistake of the compiler.
    });
    worker.on("exit", () => {
      if (!this.#closed && this.#worker === worker) this.#restart();
    });
    for (const request of this.#committed) worker.postMessage(request);
  }

  /** Takes another worker where one ended, so that a session of days keeps its types; what was asked is not asked again. */
  #restart(): void {
    this.#worker = undefined;
    this.#isReady = false;
    this.#settleAll();
    if ((this.#restarts += 1) < MEGABYTES.length) this.#open();
  }

  #settleAll(): void {
    for (const { resolve } of this.#waiting.values()) resolve(undefined);
    this.#waiting.clear();
  }
}

function startWorker(start: WorkerStart, megabytes: number): Worker {
  const options = {
    workerData: start,
    resourceLimits: { maxOldGenerationSizeMb: megabytes, maxYoungGenerationSizeMb: YOUNG_MEGABYTES },
    stdout: true,
    stderr: true,
  };
  const built = join(__dirname, "language", "language-worker.js");
  if (existsSync(built)) return new Worker(built, options);
  // From the sources: a worker has no loader of its own.
  const source = join(__dirname, "language", "language-worker.ts");
  const load = `require("ts-node").register({ transpileOnly: true, dir: ${JSON.stringify(__dirname)} }); require(${JSON.stringify(source)});`;
  return new Worker(load, { ...options, eval: true });
}
