import { Terminal } from "@xterm/headless";
import { describe, expect, it } from "vitest";
import { displayWidth, truncate, wrap } from "../../src/render/width";
import { RandomValues } from "./random-values";

const expected: readonly (readonly [string, string, number])[] = [
  ["printable ASCII", "john", 4],
  ["nothing", "", 0],
  ["accented letters", "élan", 4],
  ["a combining accent", "e\u0301", 1],
  ["ideographs", "日本", 4],
  ["Hangul syllables", "한국어", 6],
  ["conjoining jamo", "\u1100\u1161\u11a8", 2],
  ["fullwidth letters", "Ａ", 2],
  ["halfwidth katakana", "ｱ", 1],
  ["Thai with sara am", "กำ", 2],
  ["Hindi with vowel signs", "नमस्ते", 4],
  ["an emoji", "😀", 2],
  ["a family", "👨‍👩‍👧‍👦", 2],
  ["a flag", "🇩🇪", 2],
  ["two letters that are no flag", "🇦🇦", 2],
  ["a skin tone", "👍🏽", 2],
  ["a keycap", "1️⃣", 2],
  ["a heart as emoji", "❤️", 2],
  ["a heart as text", "❤", 1],
  ["emoji joined to no known sequence", "👩‍🐸", 4],
  ["an emoji among letters", "a❤️b", 4],
  ["a rare ideograph", "𠀀", 2],
];

describe("displayWidth", () => {
  it.each(expected)("counts %s", (_, text, width) => {
    expect(displayWidth(text)).toBe(width);
  });

  it("counts scripts without emoji as a terminal does", async () => {
    const texts = ["日本語", "한국어", "กำ", "नमस्ते", "e\u0301", "Ａ", "ｱ", "ß", "\u1100\u1161\u11a8"];
    for (const text of texts) {
      const terminal = new Terminal({ cols: 80, rows: 2, allowProposedApi: true });
      await new Promise<void>((done) => terminal.write(text, done));
      expect([text, displayWidth(text)]).toEqual([text, terminal.buffer.active.cursorX]);
      terminal.dispose();
    }
  });
});

describe("truncate", () => {
  it("leaves a text that fits", () => {
    expect(truncate("john", 4)).toBe("john");
    expect(truncate("日本", 4)).toBe("日本");
  });

  it("marks what it cut", () => {
    expect(truncate("johnny", 4)).toBe("joh…");
  });

  it("cuts between graphemes", () => {
    expect(truncate("日本語", 4)).toBe("日…");
    expect(truncate("👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 3)).toBe("👨‍👩‍👧‍👦…");
    expect(truncate("e\u0301e\u0301e\u0301", 2)).toBe("e\u0301…");
    expect(truncate("ab\u0301c", 2)).toBe("a…");
  });

  it("leaves a text whose many marks take no width", () => {
    const marked = "a" + "\u0301".repeat(1000);
    expect(truncate(marked, 3)).toBe(marked);
  });

  it("never gives more than the width", () => {
    const random = new RandomValues(1);
    for (let round = 0; round < 2000; round++) {
      const [text, width] = [random.text(), random.below(20)];
      const cut = truncate(text, width);
      expect(displayWidth(cut)).toBeLessThanOrEqual(width);
      if (displayWidth(text) <= width) expect(cut).toBe(text);
    }
  });
});

describe("wrap", () => {
  it("breaks into lines of the width", () => {
    expect(wrap("abcdefgh", 3)).toEqual(["abc", "def", "gh"]);
    expect(wrap("日本語", 5)).toEqual(["日本", "語"]);
  });

  it("breaks between words where that leaves more than half a line", () => {
    expect(wrap("lorem ipsum dolor", 8)).toEqual(["lorem ", "ipsum ", "dolor"]);
    expect(wrap("a loremipsum", 8)).toEqual(["a loremi", "psum"]);
  });

  it("begins a line after a shown line break", () => {
    expect(wrap("ab⏎cd", 10)).toEqual(["ab⏎", "cd"]);
  });

  it("puts what is wider than the line on it all the same", () => {
    expect(wrap("日本", 1)).toEqual(["日", "本"]);
    expect(wrap("👩‍🐸!", 1)).toEqual(["👩‍🐸", "!"]);
  });

  it("loses nothing", () => {
    const random = new RandomValues(2);
    for (let round = 0; round < 1000; round++) {
      const text = random.text();
      expect(wrap(text, 1 + random.below(8)).join("")).toBe(text);
    }
  });

  it("wraps a long text of wide characters in one go", () => {
    const text = "日本語".repeat(50_000);
    expect(wrap(text, 80)).toHaveLength((150_000 * 2) / 80);
  });
});
