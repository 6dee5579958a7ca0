import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { compile, compileAny } from "../../src/shell/compile";
import { isSimpleInput } from "../../src/shell/simple-input";

const INPUTS = [
  "a",
  "a;",
  "Role.query.all()",
  'User.query.filterBy({ username: "john" }).first()',
  "User.query.filterBy({ username: 'john', roleId: 1 }).all();",
  "User.query.orderBy(User.c.username.desc()).limit(2).all()",
  "User.query.filter(User.c.id.in([1, 2, 3])).all()",
  "a.b(c.d(1).e, { f: g(), h: [i(), {}, []] }).j()()(1.5)",
  "session.get(User, 1).role.name",
  "f(null, true, false, 0, 12.25)",
  "a.b.c.class.function",
  "db.session.commit()",
];

/** Numbers that come again with each run. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const WORDS = [
  "a",
  "b1",
  "$c",
  "_d",
  "query",
  "all",
  "then",
  "await",
  "null",
  "async",
  "of",
  "type",
  "Promise",
  "length",
  "new",
  "let",
];
const PIECES = [
  "a",
  "b",
  ".",
  ".",
  "(",
  ")",
  "(",
  ")",
  ", ",
  ",",
  " ",
  "{ ",
  " }",
  "{",
  "}",
  "[",
  "]",
  ": ",
  ":",
  "1",
  "1.5",
  "01",
  '"x"',
  "'y'",
  "'\\n'",
  ";",
  "\n",
  "?.",
  "=",
  "=>",
  "//",
  ...WORDS,
];

/** A text by the grammar of simple inputs, or by chance. */
function randomText(next: (below: number) => number): string {
  const word = (): string => WORDS[next(WORDS.length)] ?? "a";
  const chain = (depth: number): string => {
    let text = word();
    for (let links = next(4); links > 0; links -= 1) {
      text +=
        next(2) === 0
          ? `.${word()}`
          : `(${Array.from({ length: depth > 2 ? 0 : next(3) }, () => value(depth + 1)).join(", ")})`;
    }
    return text;
  };
  const value = (depth: number): string => {
    const values = (): string[] => Array.from({ length: depth > 2 ? 0 : next(3) }, () => value(depth + 1));
    switch (next(6)) {
      case 0:
        return ["0", "7", "1.5", "true", "null", '"x y"', "'z'"][next(7)] ?? "1";
      case 1:
        return `[${values().join(", ")}]`;
      case 2:
        return values().length === 0 ? "{}" : `{ ${word()}: ${value(depth + 1)} }`;
      default:
        return chain(depth);
    }
  };
  if (next(3) > 0) return chain(0);
  return Array.from({ length: 1 + next(8) }, () => PIECES[next(PIECES.length)]).join("");
}

describe("a simple input", () => {
  it.each(INPUTS)("is compiled to the same script as by the compiler: %s", (text) => {
    expect(isSimpleInput(text)).toBe(true);
    const [simple, any] = [compile(text), compileAny(text, 0)];
    expect(simple.script).toBe(any.script);
    expect(simple.names).toEqual(any.names);
    expect(simple.source).toBe(any.source);
  });

  it.each(INPUTS)("leads each of its words back to the same place: %s", (text) => {
    const [simple, any] = [compile(text), compileAny(text, 0)];
    for (const { index, 0: word } of simple.script.matchAll(/[A-Za-z_$][\w$]*/g)) {
      if (word.startsWith("__$") || ["function", "let", "yield", "instanceof", "return"].includes(word)) continue;
      const place = { line: 0, column: index };
      expect(simple.sourcePlace(place)).toEqual(any.sourcePlace(place));
    }
  });

  it("is compiled to the same script whatever it is", () => {
    const next = randomNumbers(11);
    let simple = 0;
    const texts = process.env["LONG"] ? 200_000 : 6000;
    for (let count = 0; count < texts; count += 1) {
      const text = randomText(next);
      if (!isSimpleInput(text)) continue;
      simple += 1;
      expect(compile(text).script, text).toBe(compileAny(text, 0).script);
    }
    expect(simple).toBeGreaterThan(texts / 20);
  });

  it.each([
    "await f()",
    "p.then(f)",
    "a = 1",
    "a?.b",
    "const a = 1",
    "{}",
    "'use strict'",
    "f( 1 )",
    "f(1,2)",
    "a .b",
    "1",
    "new A()",
    "this.a",
    "a\n.b",
    "f('\\n')",
    "f(010)",
    "f({  })",
    "f(-1)",
    "Promise.all([f()])",
    "f(x => x)",
    ".a",
    "",
    "f(`a`)",
    "f(/a/)",
    "é",
  ])("is not %j", (text) => {
    expect(isSimpleInput(text)).toBe(false);
  });

  it("runs without the compiler", () => {
    const script = [
      "require('ts-node').register({ transpileOnly: true, ignore: ['node_modules'] });",
      "const before = new Set(Object.keys(require.cache));",
      "const { classify } = require('./src/shell/statement.ts'); const { compile } = require('./src/shell/compile.ts');",
      "const { needTypeScript } = require('./src/shell/typescript.ts'); const typescript = require('./src/shell/typescript.ts');",
      "classify('Role.query.all()'); compile('Role.query.all()');",
      "process.stdout.write(String(typescript.ts === undefined));",
      "classify('1 +'); process.stdout.write(String(typescript.ts === undefined));",
    ].join("\n");
    expect(execFileSync(process.execPath, ["-e", script], { encoding: "utf8" })).toBe("truefalse");
  });
});
