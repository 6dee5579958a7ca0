import { describe, expect, it } from "vitest";
import { compile } from "../../src/shell/compile";
import { offsetOf, placeOf } from "../../src/shell/source-map";
import { TextEdits } from "../../src/shell/text-edits";

describe("edits of a text", () => {
  it("nest in the order they were registered, the first outermost", () => {
    const edits = new TextEdits("ab");
    edits.wrap(0, 2, "(", ")");
    edits.wrap(0, 2, "[", "]");
    edits.wrap(0, 1, "{", "}");
    edits.openFirst(0, "<");
    edits.closeLast(2, ">");
    expect(edits.apply().text).toBe("<([{a}b])>");
  });

  it("replace and take to the front, with the edits inside", () => {
    const edits = new TextEdits("one two three");
    edits.replace(0, 3, "1");
    edits.wrap(8, 13, "<", ">");
    edits.moveToFront(8, 13);
    expect(edits.apply({ header: "h;", middle: "m;", footer: ";f" }).text).toBe("h;<three>\nm;1 two ;f");
  });

  it("know where each character came from and went", () => {
    const edits = new TextEdits("const a = b");
    edits.replace(0, 6, "");
    edits.wrap(10, 11, "await(", ")");
    const edited = edits.apply({ header: "var a;" });
    expect(edited.text).toBe("var a;a = await(b)");
    expect(edited.originalOffset(edited.text.indexOf("b"))).toBe(10);
    expect(edited.originalOffset(6)).toBe(6);
    expect(edited.originalOffset(0)).toBe(6);
    expect(edited.editedOffset(10)).toBe(edited.text.indexOf("b"));
    expect(edited.editedOffset(2)).toBeUndefined();
  });
});

describe("a place in compiled code", () => {
  it.each([
    "foo.bar.target()",
    "const a: number = target",
    "interface Gone {\n  a: 1\n}\n\n\nconst b = target",
    "function f(a: string) {\n\n  return target\n}",
    "enum E { A }\nif (a) {\n  // remark\n  target()\n}",
    "class A<T> {\n  private x: T\n  m() { return target }\n}",
    "for await (const a of b) {\n  target(a)\n}",
    "a?.b?.(target)",
    "`${a}${target}`",
    "const { a, b } = target",
  ])("leads back to the source: %j", (source) => {
    const compiled = compile(source);
    const place = compiled.sourcePlace(placeOf(compiled.script, compiled.script.lastIndexOf("target")));
    expect(source.slice(offsetOf(source, place))).toMatch(/^target/);
  });
});
