/** One stretch of an edited text: copied from the original at `origin`, or inserted (`origin` is -1). */
interface Piece {
  readonly text: string;
  readonly origin: number;
}

/** The result of {@link TextEdits.apply}: the new text, and the way back to the old one. */
export class EditedText {
  readonly text: string;
  readonly #starts: number[] = [];
  readonly #pieces: readonly Piece[];

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
    let length = 0;
    for (const piece of pieces) {
      this.#starts.push(length);
      length += piece.text.length;
    }
    this.text = pieces.map((piece) => piece.text).join("");
  }

  /** The offset in the original text that an offset in the new text came from; inserted text answers with what follows it. */
  originalOffset(offset: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    const piece = this.#pieces[low];
    if (piece && piece.origin >= 0) return piece.origin + offset - (this.#starts[low] ?? 0);
    for (const next of this.#pieces.slice(low)) if (next.origin >= 0) return next.origin;
    const last = this.#pieces.findLast((before) => before.origin >= 0);
    return last ? last.origin + last.text.length : 0;
  }

  /** The offset in the new text where the character at an offset of the original text went; undefined when it was removed. */
  editedOffset(offset: number): number | undefined {
    for (const [index, piece] of this.#pieces.entries()) {
      if (piece.origin >= 0 && piece.origin <= offset && offset < piece.origin + piece.text.length) {
        return (this.#starts[index] ?? 0) + offset - piece.origin;
      }
    }
    return undefined;
  }
}

/**
 * Changes to a text, written down by position and applied at once.
 *
 * Wraps nest by order of registration: a wrap that is registered first goes around those registered later at the same place,
 * so an outer node must be visited before the nodes inside it.
 */
export class TextEdits {
  readonly #text: string;
  readonly #opens = new Map<number, string>();
  readonly #closes = new Map<number, string>();
  readonly #replacements: { start: number; end: number; text: string }[] = [];
  readonly #moved: { start: number; end: number }[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  /** Inserts text before the character at `position`, inside what was inserted there before. */
  open(position: number, text: string): void {
    this.#opens.set(position, (this.#opens.get(position) ?? "") + text);
  }

  /** Inserts text after the character that ends at `position`, inside what was inserted there before. */
  close(position: number, text: string): void {
    this.#closes.set(position, text + (this.#closes.get(position) ?? ""));
  }

  /** Inserts text before the character at `position`, outside of what was inserted there before. */
  openFirst(position: number, text: string): void {
    this.#opens.set(position, text + (this.#opens.get(position) ?? ""));
  }

  /** Inserts text after the character that ends at `position`, outside of what was inserted there before. */
  closeLast(position: number, text: string): void {
    this.#closes.set(position, (this.#closes.get(position) ?? "") + text);
  }

  /** Puts `before` and `after` around the characters from `start` to `end`. */
  wrap(start: number, end: number, before: string, after: string): void {
    this.open(start, before);
    this.close(end, after);
  }

  /** Replaces the characters from `start` to `end`; insertions at `start` go before the new text, those inside are lost. */
  replace(start: number, end: number, text: string): void {
    this.#replacements.push({ start, end, text });
  }

  /** Takes the characters from `start` to `end`, with the edits inside them, to the front of the new text. */
  moveToFront(start: number, end: number): void {
    this.#moved.push({ start, end });
  }

  /** Carries out the edits. `header` comes before everything, `middle` between the moved parts and the rest, `footer` last. */
  apply({ header = "", middle = "", footer = "" } = {}): EditedText {
    const pieces: Piece[] = [{ text: header, origin: -1 }];
    const replacements = this.#replacements.sort((a, b) => a.start - b.start);
    const positions = [...new Set([...this.#opens.keys(), ...this.#closes.keys()])].sort((a, b) => a - b);
    const moved = this.#moved.sort((a, b) => a.start - b.start);
    for (const { start, end } of moved) {
      this.#copy(start, end, positions, replacements, pieces);
      pieces.push({ text: "\n", origin: -1 });
    }
    pieces.push({ text: middle, origin: -1 });
    let from = 0;
    for (const { start, end } of moved) {
      this.#copy(from, start, positions, replacements, pieces);
      from = end;
    }
    this.#copy(from, this.#text.length, positions, replacements, pieces);
    pieces.push({ text: footer, origin: -1 });
    return new EditedText(pieces.filter((piece) => piece.text !== ""));
  }

  #copy(
    from: number,
    to: number,
    positions: readonly number[],
    replacements: readonly { start: number; end: number; text: string }[],
    pieces: Piece[],
  ): void {
    let at = from;
    const stops = [
      ...positions
        .filter((position) => position >= from && position <= to)
        .map((position) => ({ position, replacement: undefined })),
      ...replacements
        .filter(({ start, end }) => start >= from && end <= to)
        .map((replacement) => ({ position: replacement.start, replacement })),
    ].sort(
      (a, b) => a.position - b.position || Number(a.replacement !== undefined) - Number(b.replacement !== undefined),
    );
    for (const { position, replacement } of stops) {
      if (position < at) continue;
      if (position > at) pieces.push({ text: this.#text.slice(at, position), origin: at });
      at = position;
      if (replacement) {
        pieces.push({ text: replacement.text, origin: -1 });
        at = replacement.end;
      } else {
        // At the first position of a range, closes belong to the text before it.
        if (position > from || from === 0) pieces.push({ text: this.#closes.get(position) ?? "", origin: -1 });
        if (position < to || to === this.#text.length)
          pieces.push({ text: this.#opens.get(position) ?? "", origin: -1 });
      }
    }
    if (at < to) pieces.push({ text: this.#text.slice(at, to), origin: at });
  }
}
