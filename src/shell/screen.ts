import { Writable } from "node:stream";

type Write = typeof process.stdout.write;

/** The terminal that a {@link Screen} draws on; `process.stdout` and `process.stderr` are ones. */
export interface Terminal extends NodeJS.WritableStream {
  readonly columns?: number;
  readonly rows?: number;
  write: Write;
}

/** What the line editor has drawn, so that it can be taken away and drawn anew. */
export interface DrawnPrompt {
  /** Removes the prompt and the line from the screen. */
  erase(): void;
  draw(): void;
}

/**
 * Keeps the line that is being edited whole: whatever the process writes while a prompt is shown goes above it.
 *
 * The line editor writes by {@link editorOutput}; everything else that goes to the two streams is seen as coming from outside.
 */
export class Screen {
  /** The stream for the line editor. */
  readonly editorOutput: NodeJS.WritableStream;
  readonly #output: Terminal;
  readonly #streams: readonly { readonly stream: Terminal; readonly write: Write }[];
  #prompt: DrawnPrompt | undefined;
  #beforeWrite: (() => void) | undefined;
  #atLineStart = true;

  constructor(output: Terminal, errorOutput: Terminal) {
    this.#output = output;
    this.#streams = [...new Set([output, errorOutput])].map((stream) => ({
      stream,
      write: stream.write.bind(stream),
    }));
    this.editorOutput = new EditorOutput(output, this.#streams[0]?.write ?? output.write.bind(output));
    for (const { stream, write } of this.#streams) stream.write = this.#watched(write);
  }

  /** Says which prompt is on the screen; undefined while there is none and everything may be written as it comes. */
  showing(prompt: DrawnPrompt | undefined): void {
    this.#prompt = prompt;
  }

  /** Calls a function before the next thing is written. */
  beforeNextWrite(clear: (() => void) | undefined): void {
    this.#beforeWrite = clear;
  }

  /** Writes to the terminal past everything. */
  draw(text: string): void {
    this.editorOutput.write(text);
  }

  /** Gives the streams back as they were. */
  close(): void {
    for (const { stream, write } of this.#streams) stream.write = write;
  }

  /** Whether what was written last ended its line. */
  get atLineStart(): boolean {
    return this.#atLineStart;
  }

  get columns(): number {
    return this.#output.columns ?? 80;
  }

  #watched(write: Write): Write {
    return ((...given: Parameters<Write>) => {
      const clear = this.#beforeWrite;
      this.#beforeWrite = undefined;
      clear?.();
      const text = typeof given[0] === "string" ? given[0] : Buffer.from(given[0]).toString();
      if (text !== "") this.#atLineStart = text.endsWith("\n");
      const prompt = this.#prompt;
      if (!prompt) return write(...given);
      prompt.erase();
      const written = write(...given);
      if (!this.#atLineStart) write("\n");
      this.#atLineStart = true;
      prompt.draw();
      return written;
    }) as Write;
  }
}

/** A stream that writes past the watch, and has the size of the terminal. */
class EditorOutput extends Writable {
  readonly isTTY = true;
  readonly #terminal: Terminal;
  readonly #write: Write;

  constructor(terminal: Terminal, write: Write) {
    super({ decodeStrings: false });
    this.#terminal = terminal;
    this.#write = write;
    terminal.on("resize", () => this.emit("resize"));
  }

  get columns(): number {
    return this.#terminal.columns ?? 80;
  }

  get rows(): number {
    return this.#terminal.rows ?? 24;
  }

  override _write(chunk: string | Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.#write(chunk);
    done();
  }
}
