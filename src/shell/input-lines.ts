import { parseModule } from "./parse";
import { type Statement, classify, continuesBefore } from "./statement";

/** One input made of whole lines. */
export interface Input {
  readonly text: string;
  readonly statement: Statement;
  /** The number of its first line in what was read, from 1 up. */
  readonly firstLine: number;
}

/** After so many lines, an unfinished input is looked at again only when it has doubled: parsing stays linear. */
const LINES_READ_ONE_BY_ONE = 64;

/**
 * Cuts lines into inputs: the fewest lines that are whole, and with them the lines that can only go on what is before them.
 */
export class InputLines {
  readonly #lines: string[] = [];
  #firstLine = 1;
  #triedLines = 0;

  /** Adds lines that were read. */
  add(lines: readonly string[]): void {
    for (const line of lines) this.#lines.push(line);
  }

  /** Whether every line was handed out. */
  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  /**
   * The next input; undefined when more lines are needed to tell.
   *
   * @param final  no more lines are to be waited for; what is unfinished is handed out as `incomplete` only at the `end`
   */
  next({ final, end }: { final: boolean; end: boolean }): Input | undefined {
    for (let count = 1; count <= this.#lines.length;) {
      if (count > LINES_READ_ONE_BY_ONE) {
        const skip = this.#skipAhead(final);
        if (skip === undefined) return end ? this.#take(this.#lines.length) : undefined;
        count = skip;
      }
      const statement = classify(this.#text(count));
      if (statement.kind !== "incomplete") return this.#withContinuation(count, statement, final);
      count += 1;
    }
    return end && this.#lines.length > 0 ? this.#take(this.#lines.length) : undefined;
  }

  #text(count: number): string {
    return this.#lines.slice(0, count).join("\n");
  }

  /** The number of lines of the first statement, found by reading everything there is at once. */
  #skipAhead(final: boolean): number | undefined {
    const available = this.#lines.length;
    if (!final && available < 2 * this.#triedLines) return undefined;
    this.#triedLines = available;
    const text = this.#text(available);
    if (classify(text).kind === "incomplete") return undefined;
    const first = parseModule(text).statements[0];
    const lines = first ? text.slice(0, first.end).split("\n").length : available;
    return classify(this.#text(lines)).kind === "incomplete" ? available : lines;
  }

  #withContinuation(from: number, first: Statement, final: boolean): Input | undefined {
    let count = from;
    let statement = first;
    while (statement.kind === "code" || statement.kind === "command") {
      let next = count;
      while (next < this.#lines.length && /^\s*(?:\/\/.*)?$/.test(this.#lines[next] ?? "")) next += 1;
      const line = this.#lines[next];
      if (line === undefined) {
        if (!final) return undefined;
        break;
      }
      if (!continuesBefore(line)) break;
      const longer = this.#longer(next + 1, final);
      if (!longer) return undefined;
      if (longer.statement.kind === "invalid") break;
      ({ count, statement } = longer);
    }
    return this.#take(count, statement);
  }

  /** The same input with further lines, as many as make it whole. */
  #longer(from: number, final: boolean): { count: number; statement: Statement } | undefined {
    for (let count = from; count <= this.#lines.length; count += 1) {
      const statement = classify(this.#text(count));
      if (statement.kind !== "incomplete") return { count, statement };
    }
    return final ? { count: this.#lines.length, statement: classify(this.#text(this.#lines.length)) } : undefined;
  }

  #take(count: number, statement = classify(this.#text(count))): Input {
    const text = this.#text(count);
    const input = { text, statement, firstLine: this.#firstLine };
    this.#lines.splice(0, count);
    this.#firstLine += count;
    this.#triedLines = 0;
    return input;
  }
}

/** The inputs in a text, in order. */
export function inputsOf(text: string): Input[] {
  const lines = new InputLines();
  lines.add(text.split(/\r\n?|\n/));
  const inputs: Input[] = [];
  for (let input = lines.next({ final: true, end: true }); input; input = lines.next({ final: true, end: true })) {
    if (input.statement.kind !== "empty") inputs.push(input);
  }
  return inputs;
}
