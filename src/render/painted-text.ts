import { blanks, displayWidth, wrap } from "./width";

/** Part of a text in one style. */
export interface Piece {
  readonly text: string;
  readonly brush?: (text: string) => string;
}

/** A painted line that still knows how wide it is. */
export interface PaintedLine {
  readonly text: string;
  readonly width: number;
}

/** Breaks a text of several styles into painted lines of at most `width` columns. */
export function paintedLines(pieces: readonly Piece[], width = Infinity): PaintedLine[] {
  const plain = pieces.map((piece) => piece.text).join("");
  const lines = width === Infinity ? [plain] : wrap(plain, width);
  let from = 0;
  return lines.map((line) => {
    const to = from + line.length;
    const painted = { text: between(pieces, from, to), width: displayWidth(line) };
    from = to;
    return painted;
  });
}

/** Puts blanks after a painted line until it is `width` columns wide. */
export function padLine(line: PaintedLine, width: number): string {
  return line.text + blanks(width - line.width);
}

function between(pieces: readonly Piece[], from: number, to: number): string {
  let start = 0;
  let text = "";
  for (const piece of pieces) {
    const part = piece.text.slice(Math.max(0, from - start), Math.max(0, to - start));
    start += piece.text.length;
    text += part === "" || piece.brush === undefined ? part : piece.brush(part);
  }
  return text;
}
