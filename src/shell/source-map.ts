/** A place in a text: both numbers from 0 up. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** One mapping of a line: from a column of the generated text to a place in the source. */
interface Mapping extends Place {
  readonly from: number;
}

/** The way from a generated text back to its one source, read from a source map's `mappings`. */
export class SourceMap {
  readonly #lines: readonly (readonly Mapping[])[];

  constructor(mappings: string) {
    let line = 0;
    let column = 0;
    this.#lines = mappings.split(";").map((text) => {
      let from = 0;
      return text
        .split(",")
        .filter((segment) => segment !== "")
        .map((segment) => {
          const [fromDelta = 0, , lineDelta = 0, columnDelta = 0] = decode(segment);
          from += fromDelta;
          line += lineDelta;
          column += columnDelta;
          return { from, line, column };
        });
    });
  }

  /** Where a place of the generated text comes from; undefined for a line that the compiler wrote of its own. */
  sourceOf({ line, column }: Place): Place | undefined {
    const mappings = this.#lines[line];
    const mapping = mappings?.findLast(({ from }) => from <= column) ?? mappings?.[0];
    return mapping && { line: mapping.line, column: mapping.column + Math.max(0, column - mapping.from) };
  }
}

/** The numbers of one segment: base 64, five bits a digit, the lowest bit of a number its sign. */
function decode(segment: string): number[] {
  const numbers: number[] = [];
  let value = 0;
  let shift = 0;
  for (const character of segment) {
    const digit = DIGITS.indexOf(character);
    value += (digit & 31) << shift;
    if (digit & 32) shift += 5;
    else {
      numbers.push(value & 1 ? -(value >> 1) : value >> 1);
      value = 0;
      shift = 0;
    }
  }
  return numbers;
}

/** The offset of a place in a text. */
export function offsetOf(text: string, { line, column }: Place): number {
  let start = 0;
  for (let passed = 0; passed < line; passed += 1) {
    const end = text.indexOf("\n", start);
    if (end < 0) return text.length;
    start = end + 1;
  }
  return start + column;
}

/** The place of an offset in a text. */
export function placeOf(text: string, offset: number): Place {
  const before = text.slice(0, offset);
  const start = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length - 1, column: before.length - start };
}
