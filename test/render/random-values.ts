/** Repeatable random numbers and the nastiest cells that a database can hold. */
export class RandomValues {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A number from 0 up to, not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 up to, not including, `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  list<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.below(most + 1) }, make);
  }

  text(): string {
    return this.list(12, () => this.#piece()).join("");
  }

  value(): unknown {
    const kind = this.below(16);
    if (kind < 8) return this.text();
    return this.pick<() => unknown>([
      () => null,
      () => undefined,
      () => this.below(1e9) - 5e8,
      () => this.next() * 1000,
      () => BigInt(this.below(1e9)) ** 3n,
      () => this.next() < 0.5,
      () => new Date(this.below(2e9) * 1000),
      () => new Date(NaN),
      () => Buffer.from(this.text()),
      () => ({ [this.text()]: this.text(), nested: [this.text(), null, 1n] }),
      () => [this.text(), this.text()],
      () => Symbol(this.text()),
      () => new Error(this.text()),
    ])();
  }

  #piece(): string {
    const kind = this.below(10);
    if (kind < 4) return String.fromCharCode(0x20 + this.below(95)).repeat(1 + this.below(6));
    if (kind < 6) return this.pick(nasty);
    if (kind < 8) return this.pick(scripts);
    // Any code unit: surrogates without their other half too.
    return String.fromCharCode(this.below(0x10000));
  }
}

const nasty = [
  ..."\x00\x07\b\t\n\v\f\r\x1b\x7f\x80\x85\x9b\x9d\xad",
  "\x1b[2J",
  "\x1b]0;owned\x07",
  "\x1b[31m",
  "\x9b31m",
  "\r\n",
  ..."\u061c\u200b\u200d\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069\ufeff\ufffe\ufffd\ufe0f",
  "\ud83d",
  "\udc69",
  "NULL",
  "'NULL'",
  "'",
  '"',
  "\\",
  "|",
  "│",
  "…",
  ",",
  ";",
  "--",
  "/*",
  "*/",
  "$$",
];
const scripts = [
  "日本語",
  "한국어",
  "각",
  "กำ",
  "नमस्ते",
  "مرحبا",
  "שלום",
  "é",
  "e\u0301",
  "Ａ",
  "ｱ",
  "👨‍👩‍👧‍👦",
  "🇩🇪",
  "👍🏽",
  "1️⃣",
  "❤️",
  "❤",
  "👩‍🐸",
  "ß",
  "𝒳",
  "𠀀",
  "©",
];
