import { describe, expect, it } from "vitest";
import { inputsOf } from "../../src/shell/input-lines";
import { classify, continuesBefore } from "../../src/shell/statement";

describe("a text typed at the prompt", () => {
  it.each(["", "   ", "\n\n", "// a remark", "/* a remark */", "  // one\n  /* two */"])("%j is empty", (text) => {
    expect(classify(text).kind).toBe("empty");
  });

  it.each([
    "1",
    "1 + 1",
    "x",
    "x;",
    "'a'",
    '"a"',
    "`a`",
    "`a${b}c`",
    "/re/g",
    "a / b / c",
    "[1, 2]",
    "[]",
    "({})",
    "f()",
    "f(1)(2)",
    "a?.b?.[c]?.(d)",
    "const a = 1",
    "let a",
    "var a, b = 2",
    "const [a, , b = 3, ...c] = d",
    "const { a, b: { c }, ...rest } = d",
    "function f() {}",
    "async function f() { await g() }",
    "function* f() { yield 1 }",
    "async function* f() {}",
    "declare function f(): void",
    "class A {}",
    "class A extends B<C> { #x = 1; static { f() } }",
    "abstract class A { abstract m(): void }",
    "@dec class A { @dec m() {} }",
    "interface A { b: string }",
    "type A = { b: string } | undefined",
    "enum A { B, C = 2 }",
    "const enum A { B }",
    "namespace N { export const a = 1 }",
    "import a from 'b'",
    "import { a, type B } from 'b'",
    "import * as a from 'b'",
    "import type { A } from 'b'",
    "import 'b'",
    "import a = require('b')",
    "export const a = 1",
    "export default 1",
    "await f()",
    "await (f())",
    "for await (const a of b) {}",
    "for (const a of b) c",
    "for (;;) {}",
    "if (a) b",
    "if (a) b; else c",
    "while (a) b",
    "do { a } while (b)",
    "switch (a) { case 1: b; break; default: c }",
    "try { a } catch { b }",
    "try { a } finally { b }",
    "label: for (;;) break label",
    "throw new Error('a')",
    "a as string",
    "a!",
    "<string>a",
    "a satisfies B",
    "f<string>(a)",
    "x => x",
    "async (x: number) => x",
    "(a, b)",
    "a = b = c",
    "new Map<string, number>()",
    "1_000n",
    "a ??= b",
    "a ** b",
    "using a = b",
    "日本語 = 1",
    "({ a: 1 }).a",
    "debugger",
    "delete a.b",
    "void f()",
    "typeof a",
    "!a",
    "-1",
    "+a",
    "a ? b : c",
    ".5 + 1",
    "'use strict'",
    "import.meta.url",
    "{ a; b }",
    "function f(this: A) { return this }",
    "User.query.filterBy({ username: 'john' }).all()",
    "const u = User.query.first()",
  ])("%j is code", (text) => {
    expect(classify(text).kind).toBe("code");
  });

  it.each([
    "(",
    "[",
    "{",
    "f(",
    "f(1,",
    "[1,",
    "{ a: 1,",
    "{ a: 1,\n b: 2,",
    "a +",
    "a &&",
    "a ?",
    "a ? b :",
    "a.",
    "a?.",
    "x =>",
    "x => {",
    "const a =",
    "const {",
    "new",
    "new A(",
    "typeof",
    "await",
    "!",
    "function",
    "function f",
    "function f(",
    "function f()",
    "function f() {",
    "async function f() {",
    "class",
    "class A",
    "class A {",
    "class A extends",
    "class A { m() {",
    "interface A {",
    "type A =",
    "enum A {",
    "namespace N {",
    "if (a)",
    "if (a) {",
    "if (a) { b } else",
    "for (",
    "for (const a of b)",
    "for (const a of b) {",
    "while (a)",
    "do",
    "do { a }",
    "do { a } while (",
    "switch (a) {",
    "switch (a) { case 1:",
    "try",
    "try {",
    "try { a }",
    "try { a } catch",
    "try { a } catch (e) {",
    "`",
    "`a",
    "`a${",
    "`a${b}",
    "/* a",
    "import {",
    "import { a }",
    "import a from",
    "@dec",
    "@dec()",
    "return_ = (",
    "a\n  .",
    "f(\n// remark\n",
    "f(1, 2 // remark",
    "label:",
    "a as",
    "User.query.filterBy({",
    "User.query\n  .filterBy({ username: 'john' })\n  .orderBy(",
  ])("%j is incomplete", (text) => {
    expect(classify(text).kind).toBe("incomplete");
  });

  it.each([
    ["let x = ;", 8, "Expression expected."],
    ["f(]", 2, "Argument expression expected."],
    [")", 0, "Declaration or statement expected."],
    ["}", 0, "Declaration or statement expected."],
    ["'abc", 4, "Unterminated string literal."],
    ['"abc\n', 4, "Unterminated string literal."],
    ["/abc", 0, "Unterminated regular expression literal."],
    ["const 1a = 2", 7, "An identifier or keyword cannot immediately follow a numeric literal."],
    ["a b", 0, "Unexpected keyword or identifier."],
    ["if a", 3, "'(' expected."],
    ["for (let i = 0, i < 3; i++) {}", 18, "',' expected."],
    ["return 1", 0, "A 'return' statement can only be used within a function body."],
    ["if (a) { return }", 9, "A 'return' statement can only be used within a function body."],
    ["const a", 6, "'const' declarations must be initialized."],
    ["yield", 0, "'yield' is a reserved word at the top level of an input."],
    ["class A { m( }", 13, "Parameter declaration expected."],
    ["\\u{zz}", 0, "Invalid character."],
  ])("%j is told at once", (text, start, message) => {
    const statement = classify(text);
    expect(statement).toMatchObject({ kind: "invalid", problem: { start, message } });
  });

  it.each([
    [".tables;", "tables", ""],
    [".mode json ;", "mode", "json"],
    [".sql User.query\n  .limit(3);", "sql", "User.query\n  .limit(3)"],
    [".help", "help", ""],
    ["  .help sql ", "help", "sql"],
    [".sql User.query.limit(3)", "sql", "User.query.limit(3)"],
    [".sql (User.query)", "sql", "(User.query)"],
    [".limit 5", "limit", "5"],
    [".all", "all", ""],
    [".mode json", "mode", "json"],
    [".h", "h", ""],
    [".sql [User.query]", "sql", "[User.query]"],
    [".sql User.query\n  .limit(3)", "sql", "User.query\n  .limit(3)"],
  ])("%j is a command", (text, name, argument) => {
    expect(classify(text)).toEqual({ kind: "command", name, argument });
  });

  it.each([
    [".limit(3).all()", "_.limit(3).all()"],
    ["  .all()", "_.all()"],
    [".role.name", "_.role.name"],
    ["?.name", "_?.name"],
    [".rows[0]", "_.rows[0]"],
  ])("%j works on the last value", (text, code) => {
    expect(classify(text)).toMatchObject({ kind: "code", code });
  });

  it.each([
    ["{ a: 1 }", "({ a: 1 }\n)"],
    ["{}", "({}\n)"],
    ["{ a }", "({ a }\n)"],
    ["{ ...a, b: 2 }", "({ ...a, b: 2 }\n)"],
    ["{ a: 1 }.a", "({ a: 1 }.a\n)"],
    ["{ a() { return 1 } }", "({ a() { return 1 } }\n)"],
    ["{ a; b }", "{ a; b }"],
    ["{ f() }", "{ f() }"],
    ["{ const a = 1 }", "{ const a = 1 }"],
    ["{ a: 1 };", "{ a: 1 };"],
  ])("%j is read as %j", (text, code) => {
    expect(classify(text)).toMatchObject({ kind: "code", code });
  });
});

describe("lines", () => {
  it.each([
    ".all()",
    "  .filter(x)",
    "?.name",
    "else {",
    "catch (e) {",
    "finally {",
    "&& b",
    "|| b",
    "?? b",
    "? b",
    ": c",
    "instanceof A",
    "= 1",
  ])("%j goes on what is before it", (line) => {
    expect(continuesBefore(line)).toBe(true);
  });

  it.each([".all", ".limit 3", "(a)", "[a]", "-1", "+1", "`a`", "elsewhere", "catcher()", "a", "", "/re/"])(
    "%j begins anew",
    (line) => {
      expect(continuesBefore(line)).toBe(false);
    },
  );

  const texts = (source: string): string[] => inputsOf(source).map(({ text }) => text);

  it.each([
    ["a\nb", ["a", "b"]],
    ["const a = 1\n\n// remark\nb\n", ["const a = 1", "b"]],
    ["f(\n1\n)\nb", ["f(\n1\n)", "b"]],
    ["User.query\n  .limit(3)\n  .all()\nb", ["User.query\n  .limit(3)\n  .all()", "b"]],
    ["User.query\n  // remark\n\n  .limit(3)", ["User.query\n  // remark\n\n  .limit(3)"]],
    ["if (a) {\n b\n}\nelse {\n c\n}\nd", ["if (a) {\n b\n}\nelse {\n c\n}", "d"]],
    ["try {\n a\n}\ncatch {\n b\n}\nfinally {\n c\n}", ["try {\n a\n}\ncatch {\n b\n}\nfinally {\n c\n}"]],
    [".sql User.query\n  .limit(3)\n.help", [".sql User.query\n  .limit(3)", ".help"]],
    ["a\n.help\nb", ["a", ".help", "b"]],
    ["a\r\nb\r\n", ["a", "b"]],
    ["const a = b\n[1].map(c)", ["const a = b", "[1].map(c)"]],
    ["`one\n.two()\n`", ["`one\n.two()\n`"]],
    ["a\n  ? b\n  : c", ["a\n  ? b\n  : c"]],
    ["let x = ;\nb", ["let x = ;", "b"]],
    ["a\nf(", ["a", "f("]],
    ["a &&\n b\n && c", ["a &&\n b\n && c"]],
  ])("%j is cut into %j", (source, expected) => {
    expect(texts(source)).toEqual(expected);
  });

  it("numbers each input by its first line", () => {
    expect(inputsOf("a\n\nf(\n)\nb").map(({ firstLine }) => firstLine)).toEqual([1, 3, 5]);
  });

  it("cuts a literal of many lines and what follows it apart", () => {
    const rows = Array.from({ length: 500 }, (_, index) => `  { id: ${index} },`);
    const literal = `const rows = [\n${rows.join("\n")}\n]`;
    expect(texts(`${literal}\nrows.length\n${literal}\nrows.at(-1)`)).toEqual([
      literal,
      "rows.length",
      literal,
      "rows.at(-1)",
    ]);
  });

  it("tells an error inside a literal of many lines", () => {
    const rows = Array.from({ length: 100 }, (_, index) => `  { id: ${index} },`);
    const inputs = inputsOf(`const rows = [\n${rows.join("\n")}\n  { id: ; },\n]\nb`);
    expect(inputs[0]?.statement).toMatchObject({ kind: "invalid", problem: { message: "Expression expected." } });
  });
});
