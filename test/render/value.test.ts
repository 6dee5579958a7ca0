import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { render } from "../../src/render/render";
import type { RenderOptions } from "../../src/render/render-options";

const options: RenderOptions = { format: "table", terminal: true, color: false, width: 80 };

describe("a JavaScript value", () => {
  it.each([
    ["john", "'john'"],
    ["it's", `"it's"`],
    [3, "3"],
    [5n, "5n"],
    [null, "null"],
    [undefined, "undefined"],
    [true, "true"],
    [new Date(0), "1970-01-01T00:00:00.000Z"],
    [[1, "a", { b: null }], "[ 1, 'a', { b: null } ]"],
    [new Map([["a", 1]]), "Map(1) { 'a' => 1 }"],
  ])("%o looks as at the Node prompt", (value, text) => {
    expect(render(value, options)).toBe(text);
  });

  it("that is a text has no quotes on request", () => {
    expect(render("it's\n\x1b", { ...options, bareStrings: true })).toBe("it's\n\\e");
  });

  it("has colours on request only, whatever chalk and the process think", () => {
    expect(render(3, { ...options, color: true })).toBe("\x1b[33m3\x1b[39m");
    expect(render(3, options)).toBe("3");
  });

  it("has no getter run for it, and no proxy trap", () => {
    let ran = 0;
    const value = {
      get secret() {
        return ++ran;
      },
    };
    const proxy = new Proxy(value, {
      get: () => ++ran,
      has: () => ++ran > 0,
      ownKeys: () => [String(++ran)],
    });
    expect(render(value, options)).toBe("{ secret: [Getter] }");
    expect(render(proxy, options)).toBe("{ secret: [Getter] }");
    expect(ran).toBe(0);
  });

  it("is shown though it refers to itself", () => {
    const value: Record<string, unknown> = {};
    value["self"] = value;
    expect(render(value, options)).toBe("<ref *1> { self: [Circular *1] }");
  });

  it.each([true, false])("cannot drive the terminal (colour: %s)", (color) => {
    const evil = "\x1b[2J\x9b2J\u202e\x1b]0;x\x07";
    class Named {}
    Object.defineProperty(Named, "name", { value: evil });
    const error = new Error(evil);
    error.stack = evil;
    const custom = { [inspect.custom]: () => evil };
    const text = render([evil, Symbol(evil), new Named(), error, { [evil]: evil }, custom], { ...options, color });
    // eslint-disable-next-line no-control-regex -- the colours are what is removed
    const plain = text.replace(/\x1b\[\d+m/g, "");
    // eslint-disable-next-line no-control-regex -- nothing of this may be left
    expect(plain).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    expect(plain).toContain("\\e[2J");
  });

  it("takes colours that data brought along back", () => {
    const error = new Error("x");
    error.stack = "\x1b[31mred";
    expect(render(error, { ...options, color: true })).toBe("[\x1b[31mred]\x1b[22m\x1b[23m\x1b[24m\x1b[39m");
  });

  it("is not left out because its own inspection fails", () => {
    const value = {
      [inspect.custom]() {
        throw new Error("broken");
      },
    };
    expect(render(value, options)).toBe("<not shown: broken>");
  });

  it("is whole where there is no screen", () => {
    const value = Array.from({ length: 500 }, (_, index) => index);
    expect(render(value, options)).toContain("400 more items");
    expect(render(value, { ...options, width: undefined })).not.toContain("more items");
  });

  it.each([
    ["json", { big: 1n, when: new Date(0) }, '{"big":"1","when":"1970-01-01T00:00:00.000Z"}'],
    ["json", "john", '"john"'],
    ["json", null, "null"],
    ["jsonl", [1, 2], "[1,2]"],
    ["csv", 'a "b"', '"a ""b"""'],
    ["csv", 60, "60"],
    ["tsv", "a\tb", "a\\tb"],
    ["insert", "it's", "'it''s'"],
    ["markdown", 3, "3"],
  ] as const)("in %s is written bare: %o", (format, value, text) => {
    expect(render(value, { ...options, format, terminal: false })).toBe(text);
  });

  it("that is undefined is nothing to a program", () => {
    expect(render(undefined, { ...options, format: "json", terminal: false })).toBe("");
    expect(render(undefined, { ...options, terminal: false })).toBe("");
  });
});
