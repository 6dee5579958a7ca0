import type { Terminal } from "./screen";

/** A keyboard in raw mode; `process.stdin` is one where it is a terminal. */
export interface TerminalInput extends NodeJS.ReadableStream {
  setRawMode(raw: boolean): unknown;
}

/** The prompt of a database by its name, until it is open. */
export function firstPrompt(name: string): string {
  return `${name}> `;
}

/**
 * Shows the prompt before anything is loaded that reads from the terminal.
 *
 * The keyboard is in raw mode from here on: keys wait until the line editor takes them, none is shown twice, and Ctrl-C ends nothing.
 * The line editor draws the same prompt in the same place.
 */
export function drawFirstPrompt(name: string, input: TerminalInput, output: Pick<Terminal, "write">): void {
  input.setRawMode(true);
  output.write(firstPrompt(name));
}
