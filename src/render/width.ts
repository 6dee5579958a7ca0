import { wideRanges } from "./wide-characters";

const printableAscii = /^[\x20-\x7e]*$/;
const zeroWidth = /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff\ud7b0-\ud7ff]$/u;
/** Joiner, emoji presentation, keycap, skin tones: what makes a sequence unlike the sum of its parts. */
const sequenceMaker = /\u200d|\ufe0f|\u20e3|[\u{1f3fb}-\u{1f3ff}]/u;
let emojiSequence: RegExp | undefined;

/** Width + 1 of each code point met so far; 0 is not yet known. Planes above the second are rare. */
const known = new Uint8Array(0x20000);
let segmenter: Intl.Segmenter | undefined;

/**
 * Number of terminal columns that a text takes.
 *
 * The sum over its code points as wcwidth counts them (0 for combining marks, 2 for wide
 * characters), except that one recommended emoji sequence (family, flag, keycap, skin tone) is 2.
 * The text holds no control characters: they have no width, escape them first.
 */
export function displayWidth(text: string): number {
  if (printableAscii.test(text)) return text.length;
  if (!sequenceMaker.test(text)) return sumOfCodePoints(text);
  let width = 0;
  for (const grapheme of graphemes(text)) width += graphemeWidth(grapheme);
  return width;
}

/** Whether a text is printable ASCII only, so that its width is its length. */
export function isPrintableAscii(text: string): boolean {
  return printableAscii.test(text);
}

/** Cuts a text to at most `width` columns, between graphemes; what was cut is told by a final `…`. */
export function truncate(text: string, width: number): string {
  // The cheap answers first: a cell may hold megabytes, the screen only a few columns.
  if (text.length <= width * 64 && displayWidth(text) <= width) return text;
  if (width < 1) return "";
  const [head, rest] = splitAt(text, width - 1);
  return rest === "" ? text : head + "…";
}

/** Breaks a text into lines of at most `width` columns: after `⏎`, between words, else between graphemes. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split(/(?<=⏎)/u)) {
    let rest = paragraph;
    while (rest !== "") {
      const line = headLine(rest, width);
      lines.push(line);
      rest = rest.slice(line.length);
    }
  }
  return lines.length > 0 ? lines : [""];
}

function headLine(text: string, width: number): string {
  const [line, after] = splitAt(text, width);
  // A grapheme wider than the line is put on it all the same: it has to be somewhere.
  if (line === "") return firstGrapheme(text);
  const lastBlank = line.lastIndexOf(" ");
  return after !== "" && lastBlank > line.length / 2 ? line.slice(0, lastBlank + 1) : line;
}

/** Puts blanks after a text until it is `width` columns wide. */
export function pad(text: string, width: number): string {
  return text + blanks(width - displayWidth(text));
}

const ready = Array.from({ length: 128 }, (_, count) => " ".repeat(count));

/** So many blanks; none for less than one. */
export function blanks(count: number): string {
  return ready[count] ?? " ".repeat(Math.max(0, count));
}

/** The longest head of whole graphemes that is at most `width` columns wide, and the rest. */
function splitAt(text: string, width: number): [head: string, rest: string] {
  // One character past the cut is looked at too: a mark there would belong to the one before it.
  if (printableAscii.test(text.slice(0, width + 1))) return [text.slice(0, width), text.slice(width)];
  // The segmenter copies what it is given, so a long text is handed over by a window.
  const window = text.slice(0, 32 * width + 256);
  let end = headLength(window, width);
  if (end === window.length && end < text.length) end = headLength(text, width);
  return [text.slice(0, end), text.slice(end)];
}

function headLength(text: string, width: number): number {
  let columns = 0;
  let end = 0;
  for (const grapheme of graphemes(text)) {
    columns += graphemeWidth(grapheme);
    if (columns > width) break;
    end += grapheme.length;
  }
  return end;
}

function* graphemes(text: string): Iterable<string> {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  for (const { segment } of segmenter.segment(text)) yield segment;
}

function firstGrapheme(text: string): string {
  for (const grapheme of graphemes(text.slice(0, 256))) return grapheme;
  return text;
}

function graphemeWidth(grapheme: string): number {
  if (printableAscii.test(grapheme)) return grapheme.length;
  // Made when first needed, which takes 15 ms; the flag "v" has no literal for the ES2023 target.
  emojiSequence ??= new RegExp("^\\p{RGI_Emoji}$", "v");
  return emojiSequence.test(grapheme) ? 2 : sumOfCodePoints(grapheme);
}

function sumOfCodePoints(text: string): number {
  let width = 0;
  for (let index = 0; index < text.length; index++) {
    const codePoint = text.codePointAt(index)!;
    if (codePoint > 0xffff) index++;
    width += codePointWidth(codePoint);
  }
  return width;
}

function codePointWidth(codePoint: number): number {
  if (codePoint < 0x7f) return 1;
  if (codePoint >= known.length) return measure(codePoint);
  const remembered = known[codePoint]!;
  if (remembered > 0) return remembered - 1;
  const width = measure(codePoint);
  known[codePoint] = width + 1;
  return width;
}

function measure(codePoint: number): number {
  // The soft hyphen is a format character that terminals draw.
  if (codePoint === 0xad) return 1;
  if (zeroWidth.test(String.fromCodePoint(codePoint))) return 0;
  return isWide(codePoint) ? 2 : 1;
}

function isWide(codePoint: number): boolean {
  let low = 0;
  let high = wideRanges.length / 2 - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (codePoint < wideRanges[2 * middle]!) high = middle - 1;
    else if (codePoint > wideRanges[2 * middle + 1]!) low = middle + 1;
    else return true;
  }
  return false;
}
