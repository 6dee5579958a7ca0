import type { History } from "./history";
import type { InputRunner, Surroundings } from "./input-runner";
import type { ReverseSearch } from "./reverse-search";
import { type ShellContext, describePendingWork, hasPendingWork, promptOf } from "./context";
import { saveCompiledModules } from "../start/program-loader";
import { type TerminalInput, firstPrompt } from "./first-prompt";
import { LineEditor } from "./line-editor";
import { Screen, type Terminal } from "./screen";
import { type Activity, meaningOfInterrupt } from "./signals";
import { Spinner } from "./spinner";
import { type Typed, TypedPieces } from "./terminal-input";

/** How an interactive shell is started. */
export interface ReplOptions {
  /** What the prompt shows until the database is open; afterwards it is {@link ShellContext.name}. */
  readonly name: string;
  /** Opens what the shell works on; called once the prompt is on the screen. */
  readonly open: () => Promise<ShellContext>;
  readonly input: TerminalInput;
  readonly output: Terminal;
  readonly errorOutput: Terminal;
  /** The file of the history; undefined for none. By default the one of `historyFile()` in history.ts. */
  readonly historyFile?: string | undefined;
}

/** When the compiler is loaded: simple statements that were typed ahead come before it. */
const COMPILER_DELAY_MS = 50;
/** When the types begin to load: a first statement that was typed ahead comes before them. */
const SERVICE_DELAY_MS = 150;
/** When the compiled code of the compiler is kept for the next start. */
const SAVE_DELAY_MS = 3000;
const CONTINUATION_PROMPT = "... ";
const BRACKETED_PASTE_ON = "\x1b[?2004h";
const BRACKETED_PASTE_OFF = "\x1b[?2004l";

/**
 * Runs the interactive shell until the person leaves, and closes what was opened.
 *
 * The prompt is printed before this function returns its promise; everything heavy comes after it, and what is typed meanwhile waits.
 *
 * @throws what `open` throws
 */
export function runRepl(options: ReplOptions): Promise<void> {
  return new Repl(options).run();
}

class Repl implements Surroundings {
  readonly interactive = true;
  readonly #options: ReplOptions;
  readonly #screen: Screen;
  readonly #editor: LineEditor;
  readonly #pieces = new TypedPieces();
  readonly #typedAhead: Typed[] = [];
  #activity: Activity = "editing";
  /** The lines of an input that is not whole yet. */
  #unfinished = "";
  #history: History | undefined;
  #search: ReverseSearch | undefined;
  #opened: { readonly context: ShellContext; readonly runner: InputRunner } | undefined;
  #opening: Promise<{ readonly context: ShellContext; readonly runner: InputRunner }>;
  /** Ends the wait that Ctrl-C is to end now. */
  #decline: (() => void) | undefined;
  #stopping: Promise<void> | undefined;
  #block: { readonly lines: string[]; end(text: string | undefined): void } | undefined;
  #finish: (error?: unknown) => void = () => undefined;
  #left = false;
  #completing = false;
  #spinner: Spinner | undefined;

  constructor(options: ReplOptions) {
    this.#options = options;
    this.#screen = new Screen(options.output, options.errorOutput);
    this.#editor = new LineEditor(
      this.#screen,
      (raw) => options.input.setRawMode(raw),
      (line) => this.#complete(line),
      (line) => {
        void this.#line(line);
      },
    );
    this.#opening = new Promise((resolve, reject) => {
      // The prompt first: whatever `open` loads waits until it is on the screen.
      setImmediate(() => {
        this.#open().then(resolve, reject);
      });
    });
  }

  async run(): Promise<void> {
    const { input } = this.#options;
    const finished = new Promise<void>((resolve, reject) => {
      this.#finish = (error) => {
        this.#left = true;
        if (error === undefined) resolve();
        else reject(error instanceof Error ? error : new Error(String(error)));
      };
    });
    const restore = (): void => {
      this.#screen.draw(BRACKETED_PASTE_OFF);
      input.setRawMode(false);
    };
    const leaveAtHangUp = (): void => {
      this.#finish();
    };
    this.#screen.draw(BRACKETED_PASTE_ON);
    this.#prompt();
    input.on("data", this.#onData);
    input.on("end", leaveAtHangUp);
    process.on("exit", restore);
    process.on("SIGINT", this.#onInterrupt);
    process.on("uncaughtException", this.#onLateError);
    process.on("unhandledRejection", this.#onLateError);
    this.#opening.catch((error: unknown) => {
      this.#finish(error);
    });
    try {
      await finished;
    } finally {
      this.#screen.showing(undefined);
      input.off("data", this.#onData);
      input.off("end", leaveAtHangUp);
      this.#editor.close();
      input.pause();
      restore();
      this.#screen.close();
      process.off("exit", restore);
      process.off("SIGINT", this.#onInterrupt);
      process.off("uncaughtException", this.#onLateError);
      process.off("unhandledRejection", this.#onLateError);
      await this.#opened?.runner.types.close();
      await this.#opened?.context.close();
    }
  }

  async #open(): Promise<{ readonly context: ShellContext; readonly runner: InputRunner }> {
    const [{ History: HistoryClass, historyFile }, { InputRunner: RunnerClass }] = await Promise.all([
      import("./history.js"),
      import("./input-runner.js"),
    ]);
    const { options, file } = {
      options: this.#options,
      file: "historyFile" in this.#options ? this.#options.historyFile : historyFile(),
    };
    this.#history = new HistoryClass(file);
    this.#editor.setHistory(this.#history.entries.toReversed());
    const context = await options.open();
    const terminal = {
      setRawMode: (raw: boolean): unknown => options.input.setRawMode(raw),
    };
    this.#opened = { context, runner: new RunnerClass(context, this, terminal) };
    if (context.banner.length > 0) this.note(context.banner.join("\n"));
    if (this.#activity === "editing" && this.#unfinished === "") this.#editor.setPrompt(promptOf(context));
    this.#loadCompiler();
    const { runner } = this.#opened;
    setTimeout(() => void runner.types.start(), SERVICE_DELAY_MS).unref();
    setTimeout(() => {
      void import("./code-cache.js").then(({ saveCompiledCode }) => {
        if (this.#activity !== "editing") return;
        saveCompiledCode();
        saveCompiledModules();
      });
    }, SAVE_DELAY_MS).unref();
    return this.#opened;
  }

  /** Loads the compiler while nothing else is to be done, so that the first statement that needs it does not wait for it. */
  #loadCompiler(): void {
    setTimeout(() => {
      if (this.#activity === "editing") {
        void Promise.all([import("./typescript.js"), import("./compile.js")]).then(([{ needTypeScript }]) => {
          needTypeScript();
        });
      } else this.#loadCompiler();
    }, COMPILER_DELAY_MS).unref();
  }

  readonly #onData = (bytes: Buffer | string): void => {
    for (const piece of this.#pieces.add(Buffer.from(bytes))) {
      if (piece.kind === "interrupt") {
        this.#takeTyped();
        if (this.#activity === "running") this.#screen.draw("^C");
        this.#onInterrupt();
      } else this.#typedAhead.push(piece);
    }
    this.#takeTyped();
  };

  /** Hands on what was typed, until something runs. */
  #takeTyped(): void {
    while (this.#activity !== "running" && this.#activity !== "stopping" && !this.#completing) {
      const piece = this.#typedAhead.shift();
      if (!piece) return;
      if (this.#search) this.#searchTyped(this.#search, piece);
      else if (piece.kind === "key") this.#key(piece.text);
      else if (piece.kind === "paste") this.#editor.insert(piece.text.replace(/\n+$/, ""));
      else if (piece.kind === "search") this.#startSearch();
      else this.#onEnd();
    }
  }

  /** A key for the line editor. Tab where nothing stands before the cursor is a tab, as in code that is indented. */
  #key(key: string): void {
    if (key === "\t" && this.#editor.beforeCursor.trim() === "") this.#editor.insert("\t");
    else this.#editor.keyboard.press(key);
  }

  /** Ctrl-D: on an empty line it leaves, elsewhere it deletes the character under the cursor. */
  #onEnd(): void {
    if (this.#block) this.#block.end([...this.#block.lines, this.#editor.text].join("\n"));
    else if (this.#activity === "asking") this.#decline?.();
    else if (this.#editor.text !== "") this.#editor.keyboard.press("\x04");
    else if (this.#unfinished !== "") this.#onInterrupt();
    else void this.#work(() => this.#leave());
  }

  readonly #onInterrupt = (): void => {
    this.#typedAhead.length = 0;
    const typed = this.#editor.text + this.#unfinished;
    switch (meaningOfInterrupt(this.#activity, typed)) {
      case "hint":
        this.#screen.draw("\r\n");
        this.note("Ctrl-D or .exit leaves");
        return this.#prompt();
      case "clear":
        this.#editor.giveUp();
        this.#unfinished = "";
        return this.#prompt();
      case "end search":
        return this.#endSearch("");
      case "decline":
      case "abandon":
        return this.#decline?.();
      case "stop":
        return this.#stop();
    }
  };

  /** Stops what runs; the prompt comes back when the database has stopped too, or at once at a second Ctrl-C. */
  #stop(): void {
    const stopped = this.#opened?.runner.interrupt() ?? Promise.resolve();
    this.#activity = "stopping";
    const abandoned = new Promise<void>((resolve) => {
      this.#decline = resolve;
    });
    if (!this.#opened) this.#decline?.();
    this.#stopping = Promise.race([stopped, abandoned]).catch((error: unknown) => {
      this.note(
        `error: the database did not confirm that it stopped: ${error instanceof Error ? error.message : String(error)}`,
      );
    });
  }

  readonly #onLateError = (error: unknown): void => {
    if (this.#opened) return this.#opened.runner.reportLate(error);
    void import("./error-report.js").then(({ renderReport, reportError }) => {
      this.note(renderReport(reportError(error, () => undefined)));
    });
  };

  /** Does something during which nothing else is taken, and shows the prompt after it. */
  async #work(task: () => Promise<void>): Promise<void> {
    this.#activity = "running";
    this.#screen.showing(undefined);
    const spinner = (this.#spinner = new Spinner(this.#screen));
    spinner.start();
    try {
      await task();
    } catch (error) {
      this.#onLateError(error);
    } finally {
      spinner.stop();
      await this.#stopping;
      this.#stopping = undefined;
      if (!this.#left) {
        this.#prompt();
        this.#takeTyped();
      }
    }
  }

  #prompt(): void {
    this.#activity = "editing";
    this.#editor.prompt(this.#promptText());
    this.#screen.showing(this.#editor);
  }

  #promptText(): string {
    if (this.#unfinished !== "") return CONTINUATION_PROMPT;
    return this.#opened ? promptOf(this.#opened.context) : firstPrompt(this.#options.name);
  }

  async #line(line: string): Promise<void> {
    if (this.#activity === "asking" && !this.#block) return undefined;
    if (this.#block) {
      this.#block.lines.push(line);
      return this.#editor.prompt("");
    }
    return this.#work(() => this.#take(line));
  }

  /** Takes a line, or the lines of a paste, and runs what is whole. */
  async #take(line: string): Promise<void> {
    const source = this.#unfinished === "" ? line : `${this.#unfinished}\n${line}`;
    this.#unfinished = "";
    if (source.trim() === "") return;
    const opened = await this.#waitForOpening();
    if (!opened) return;
    const { inputsOf } = await import("./input-lines.js");
    const { classify } = await import("./statement.js");
    const isOneInput = !line.includes("\n");
    const inputs = isOneInput ? [{ text: source, statement: classify(source) }] : inputsOf(source);
    const last = inputs.at(-1);
    if (last?.statement.kind === "incomplete") {
      inputs.pop();
      this.#unfinished = last.text;
    } else if (isOneInput) this.#remember(source);
    if (!isOneInput && this.#unfinished === "") this.#remember(source);
    for (const { text, statement } of inputs) {
      // Ctrl-C may have come while modules were loaded, before there was anything to stop.
      const ending = this.#isStopping() ? "interrupted" : await opened.runner.run({ text, statement });
      if (ending === "interrupted") this.note("\ninterrupted");
      if (ending === "leave") return this.#finish();
      if (ending !== "done") {
        this.#unfinished = "";
        return undefined;
      }
    }
  }

  #isStopping(): boolean {
    return this.#activity === "stopping";
  }

  /** The opened context; undefined when Ctrl-C ended the wait for it. */
  async #waitForOpening(): Promise<{ readonly runner: InputRunner } | undefined> {
    if (this.#opened) return this.#opened;
    const declined = new Promise<undefined>((resolve) => {
      this.#decline = () => {
        resolve(undefined);
      };
    });
    return Promise.race([this.#opening, declined]);
  }

  #remember(entry: string): void {
    this.#history?.add(entry);
    this.#editor.setHistory(this.#history?.entries.toReversed() ?? []);
  }

  async #leave(): Promise<void> {
    if (await this.mayLeave()) {
      this.#screen.draw("\r\n");
      this.#finish();
    }
  }

  async #complete(line: string): Promise<readonly [readonly string[], string]> {
    const opened = this.#opened;
    if (!opened) return [[], line];
    // Keys wait until the candidates are there: what is typed after Tab comes after them.
    this.#completing = true;
    try {
      const { completeCode, completeCommand } = await import("./complete.js");
      const { context, runner } = opened;
      const isCommand = this.#unfinished === "" && /^\s*\.(?![\w$]+[(.[`?])/.test(line);
      if (isCommand) return await completeCommand(line, await runner.commands(), context, runner.types);
      const text = this.#unfinished === "" ? line : `${this.#unfinished}\n${line}`;
      return await completeCode(text.replace(/^\s*(?=\.)/, "_"), runner.types);
    } finally {
      setImmediate(() => {
        this.#completing = false;
        this.#takeTyped();
      });
    }
  }

  #startSearch(): void {
    if (this.#activity !== "editing" || !this.#history) return;
    const { entries } = this.#history;
    void import("./reverse-search.js").then(({ ReverseSearch: SearchClass }) => {
      this.#search = new SearchClass(entries);
      this.#activity = "searching";
      this.#drawSearch(this.#search);
      this.#takeTyped();
    });
    // Keys that come before the module is there wait.
    this.#activity = "running";
  }

  #searchTyped(search: ReverseSearch, piece: Typed): void {
    if (piece.kind === "search") search.older();
    else if (piece.kind === "end") return this.#endSearch(search.found ?? "");
    else if (piece.kind !== "interrupt") {
      const step = search.type(piece.text);
      if (step.kind === "cancelled") return this.#endSearch("");
      if (step.kind === "accepted") {
        this.#endSearch(search.found ?? "");
        if (step.keys !== "") this.#typedAhead.unshift({ kind: "key", text: step.keys });
        return undefined;
      }
    }
    return this.#drawSearch(search);
  }

  #drawSearch(search: ReverseSearch): void {
    this.#editor.text = search.found ?? "";
    this.#editor.setPrompt(search.prompt);
  }

  #endSearch(line: string): void {
    this.#search = undefined;
    this.#activity = "editing";
    this.#editor.text = line;
    this.#editor.setPrompt(this.#promptText());
  }

  get history(): readonly string[] {
    return this.#history?.entries ?? [];
  }

  width(): number {
    return this.#screen.columns;
  }

  height(): number {
    return this.#options.output.rows ?? Infinity;
  }

  print(text: string): void {
    this.#options.output.write(text.endsWith("\n") ? text : `${text}\n`);
  }

  note(text: string): void {
    this.#options.errorOutput.write(text.endsWith("\n") ? text : `${text}\n`);
  }

  progress(text: string): void {
    this.#spinner?.tell(text);
  }

  readonly ask = (question: string): Promise<string> => this.#ask(question);

  /** Asks what becomes of pending work before leaving. */
  async mayLeave(): Promise<boolean> {
    const context = this.#opened?.context;
    if (!context || context.keepsNothing || !hasPendingWork(context.pendingWork())) return true;
    const question = `${describePendingWork(context.pendingWork())} not committed. [c]ommit, [r]oll back, [a]bort exit (default): `;
    const answer = (await this.#ask(question)).trim().toLowerCase();
    if (/^c(ommit)?$/.test(answer)) await context.commit();
    else if (/^r(oll ?back)?$/.test(answer)) await context.rollback();
    else return false;
    return true;
  }

  /** The answer to a question; empty when the person declines. */
  #ask(question: string): Promise<string> {
    return new Promise((resolve) => {
      const answered = (answer: string): void => {
        this.#activity = "running";
        this.#spinner?.start();
        resolve(answer);
      };
      this.#activity = "asking";
      this.#spinner?.stop();
      const takeBack = this.#editor.ask(question, answered);
      this.#decline = () => {
        takeBack();
        answered("");
      };
      this.#takeTyped();
    });
  }

  readBlock(): Promise<string | undefined> {
    return new Promise((resolve) => {
      const end = (text: string | undefined): void => {
        this.#block = undefined;
        this.#activity = "running";
        this.#screen.draw(this.#editor.text === "" ? "\r\x1b[K" : "\r\n");
        this.#editor.text = "";
        resolve(text);
      };
      this.#activity = "asking";
      this.#decline = () => {
        end(undefined);
      };
      this.#block = { lines: [], end };
      this.#editor.prompt("");
      this.#takeTyped();
    });
  }

  async lendTerminal<T>(run: () => Promise<T>): Promise<T> {
    const { input } = this.#options;
    this.#spinner?.stop();
    input.off("data", this.#onData);
    input.pause();
    input.setRawMode(false);
    this.#screen.draw(BRACKETED_PASTE_OFF);
    process.off("SIGINT", this.#onInterrupt);
    try {
      return await run();
    } finally {
      process.on("SIGINT", this.#onInterrupt);
      input.setRawMode(true);
      this.#screen.draw(BRACKETED_PASTE_ON);
      input.on("data", this.#onData);
      input.resume();
    }
  }
}
