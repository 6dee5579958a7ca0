import { spawn } from "@lydell/node-pty";
import { Terminal } from "@xterm/headless";

/** Options of a {@link PtyShell}. */
export interface PtyOptions {
  /** The interpreter; this one by default. */
  readonly node?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly columns?: number;
  readonly cwd?: string;
}

/** A machine with more work than processors may be this late; what never comes is told after it. */
const LONGEST_WAIT_MS = 40_000;

/** A program in a real terminal: keys go in, and what a person would see comes out. */
export class PtyShell {
  readonly #pty;
  readonly #terminal;
  exitCode: number | undefined;

  constructor(
    args: readonly string[],
    { node = process.execPath, environment = {}, columns = 100, cwd }: PtyOptions = {},
  ) {
    this.#terminal = new Terminal({ cols: columns, rows: 30, scrollback: 5000, allowProposedApi: true });
    this.#pty = spawn(node, [...args], {
      cols: columns,
      rows: 30,
      cwd,
      env: { ...process.env, SEQUELIZE_SHELL_HISTORY: "", ...environment },
    });
    this.#pty.onData((data) => {
      this.#terminal.write(data);
    });
    this.#pty.onExit(({ exitCode }) => {
      this.exitCode = exitCode;
    });
  }

  /** Everything on the screen and above it, without the blank lines at the end. */
  get screen(): string {
    const buffer = this.#terminal.buffer.active;
    const lines: string[] = [];
    for (let index = 0; index < buffer.length; index += 1) {
      const line = buffer.getLine(index);
      const text = line?.translateToString(true) ?? "";
      if (line?.isWrapped) lines.push((lines.pop() ?? "") + text);
      else lines.push(text);
    }
    return lines.join("\n").trimEnd();
  }

  /** The line that the cursor is on. */
  get line(): string {
    return this.screen.split("\n").at(-1) ?? "";
  }

  type(keys: string): void {
    this.#pty.write(keys);
  }

  /** Types a line and waits for its answer and the next prompt; gives the text between. */
  async run(line: string): Promise<string> {
    const before = this.screen;
    this.type(`${line}\r`);
    await this.until(
      (screen) => screen.length > before.length + line.length && /> $|>$/.test(screen) && screen !== before,
      line,
    );
    return this.screen
      .slice(before.length)
      .replace(/^[^\n]*\n/, "")
      .replace(/\n?[^\n]*$/, "");
  }

  /** Waits until the screen is as told. */
  async until(condition: RegExp | ((screen: string) => boolean), what = String(condition)): Promise<void> {
    const test = typeof condition === "function" ? condition : (screen: string) => condition.test(screen);
    const deadline = Date.now() + LONGEST_WAIT_MS;
    while (!test(this.screen)) {
      if (Date.now() > deadline) throw new Error(`The terminal never showed ${what}. It shows:\n${this.screen}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Waits for the end of the program. @returns its exit code */
  async ended(): Promise<number | undefined> {
    await this.until(() => this.exitCode !== undefined, "the end of the program");
    // What it wrote last may not be on the screen yet.
    await new Promise<void>((resolve) => this.#terminal.write("", resolve));
    return this.exitCode;
  }

  kill(): void {
    if (this.exitCode === undefined) this.#pty.kill("SIGKILL");
  }
}
