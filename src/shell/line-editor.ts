import * as readline from "node:readline";
import type { DrawnPrompt, Screen } from "./screen";
import { EditorKeyboard } from "./terminal-input";

/** The parts of Node's line editor that it has and does not declare as writable. */
interface WritableLine {
  line: string;
  cursor: number;
  history: string[];
  /** The place in the history; -1 while a new line is typed. */
  historyIndex: number;
  prevRows: number;
}

/** From Node 24 on: it would draw and keep lines of a block in a way of its own. */
const OWN_BLOCKS = "_isMultiline";

/** Completes a line: the candidates, and the part of the line that they would replace. */
export type Complete = (line: string) => Promise<readonly [readonly string[], string]>;

/** The line that is being edited: Node's line editor, fed with the keys that are meant for it. */
export class LineEditor implements DrawnPrompt {
  readonly keyboard: EditorKeyboard;
  readonly #output: NodeJS.WritableStream;
  readonly #interface: readline.Interface & WritableLine;

  /**
   * @param setRawMode  of the real terminal
   * @param onLine  called with each line that Enter ends
   */
  constructor(
    screen: Screen,
    setRawMode: (raw: boolean) => unknown,
    complete: Complete,
    onLine: (line: string) => void,
  ) {
    this.keyboard = new EditorKeyboard(setRawMode);
    this.#output = screen.editorOutput;
    this.#interface = readline.createInterface({
      input: this.keyboard as unknown as NodeJS.ReadableStream,
      output: this.#output,
      terminal: true,
      // It looks through the entries of setHistory and adds none: from Node 24 on it would change what was typed.
      historySize: 0,
      escapeCodeTimeout: 50,
      completer: (line: string, done: (error: Error | null, result: [string[], string]) => void) => {
        complete(line).then(
          ([candidates, part]) => {
            done(null, [[...candidates], part]);
          },
          () => {
            done(null, [[], line]);
          },
        );
      },
    }) as readline.Interface & WritableLine;
    const blocks = Object.getOwnPropertySymbols(this.#interface).find(({ description }) => description === OWN_BLOCKS);
    if (blocks) Object.defineProperty(this.#interface, blocks, { get: () => false, set: () => undefined });
    this.#interface.on("line", (line) => {
      this.#interface.historyIndex = -1;
      onLine(line);
    });
  }

  get text(): string {
    return this.#interface.line;
  }

  /** The part of the line before the cursor, of its last line where it has several. */
  get beforeCursor(): string {
    const { line, cursor } = this.#interface;
    return line.slice(line.lastIndexOf("\n", cursor - 1) + 1, cursor);
  }

  /** Replaces the line; the cursor goes to its end. */
  set text(text: string) {
    this.#interface.line = text;
    this.#interface.cursor = text.length;
  }

  /** Inserts text as it is, line breaks too. */
  insert(text: string): void {
    const { line, cursor } = this.#interface;
    this.#interface.line = line.slice(0, cursor) + text + line.slice(cursor);
    this.#interface.cursor = cursor + text.length;
    this.draw();
  }

  /** The entries for the arrow keys, the newest first. */
  setHistory(entries: readonly string[]): void {
    const { history } = this.#interface;
    history.splice(0, history.length, ...entries);
  }

  /** Shows a prompt with an empty line. */
  prompt(prompt: string): void {
    this.#interface.setPrompt(prompt);
    this.#interface.prompt();
  }

  /** Changes the prompt of the line that is being edited. */
  setPrompt(prompt: string): void {
    this.#interface.setPrompt(prompt);
    this.draw();
  }

  /** Asks for one line with a prompt of its own. @returns a function that takes the question back */
  ask(question: string, answer: (line: string) => void): () => void {
    const asking = new AbortController();
    this.#interface.question(question, { signal: asking.signal }, answer);
    return () => {
      asking.abort();
      this.giveUp();
    };
  }

  /** Ends a line that is given up, as a terminal does. */
  giveUp(): void {
    this.#interface.cursor = this.#interface.line.length;
    this.draw();
    this.#output.write("^C\r\n");
    this.text = "";
    this.#interface.historyIndex = -1;
    this.#interface.prevRows = 0;
  }

  draw(): void {
    this.#interface.prompt(true);
  }

  erase(): void {
    const { rows } = this.#interface.getCursorPos();
    readline.cursorTo(this.#output, 0);
    readline.moveCursor(this.#output, 0, -rows);
    readline.clearScreenDown(this.#output);
    this.#interface.prevRows = 0;
  }

  close(): void {
    this.#interface.close();
  }
}
