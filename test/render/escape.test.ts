import { describe, expect, it } from "vitest";
import { escapeControls, escapeControlsInJson } from "../../src/render/escape";
import { RandomValues } from "./random-values";

describe("escapeControls", () => {
  it.each([
    ["a line break", "a\nb", "a⏎b"],
    ["a tab", "a\tb", "a\\tb"],
    ["a carriage return", "a\rb", "a\\rb"],
    ["an escape sequence", "\x1b[2J", "\\e[2J"],
    ["a bell and a null", "\x07\x00", "\\x07\\x00"],
    ["delete and C1", "\x7f\x9b", "\\x7f\\x9b"],
    ["line separators", "\u2028\u2029", "\\u2028\\u2029"],
    ["bidirectional controls", "\u202e\u2066\u200f\u061c", "\\u202e\\u2066\\u200f\\u061c"],
    ["invisible characters", "\u200b\ufeff", "\\u200b\\ufeff"],
    ["half a surrogate pair", "\ud83d!", "\\ud83d!"],
  ])("makes %s visible", (_, text, shown) => {
    expect(escapeControls(text)).toBe(shown);
  });

  it("leaves letters, emoji and joiners", () => {
    const text = "häß 日本 👨‍👩‍👧 नमस्ते \\n";
    expect(escapeControls(text)).toBe(text);
  });

  it("leaves what it is told to keep", () => {
    expect(escapeControls("a\nb\tc\x1b", "\n\t")).toBe("a\nb\tc\\e");
  });
});

describe("escapeControlsInJson", () => {
  it("gives JSON of the same value without raw control characters", () => {
    const random = new RandomValues(3);
    for (let round = 0; round < 2000; round++) {
      const text = random.text();
      const json = escapeControlsInJson(JSON.stringify([text]));
      expect(JSON.parse(json)).toEqual([text]);
      expect(escapeControls(json)).toBe(json);
    }
  });
});
