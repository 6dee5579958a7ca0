import { describe, expect, it } from "vitest";
import { tokenizeSql, type SqlSyntax } from "../../src/render/sql-tokens";
import { RandomValues } from "./random-values";
import { anySyntax, backslashes, dollars } from "./sql-syntaxes";

function texts(sql: string, syntax?: SqlSyntax): string[] | undefined {
  return tokenizeSql(sql, syntax)
    ?.filter((token) => token.kind !== "space")
    .map((token) => token.text);
}

describe("tokenizeSql", () => {
  it.each([
    ["SELECT a.b, 'it''s'", ["SELECT", "a", ".", "b", ",", "'it''s'"]],
    ['"a ""b""" `c``d` [e f]', ['"a ""b"""', "`c``d`", "[e f]"]],
    ["-- one\n1", ["-- one", "1"]],
    ["/* a\n' */x", ["/* a\n' */", "x"]],
    ["$tag$ it's $tag$ $1 $$'$$", ["$tag$ it's $tag$", "$1", "$$'$$"]],
    ["x::int->>'a'", ["x", "::", "int", "->>", "'a'"]],
    [":name @name ?1 ?", [":name", "@name", "?1", "?"]],
    ["1.5e-3+.5 0xff", ["1.5e-3", "+", ".5", "0xff"]],
    ["E'it\\'s' x", ["E'it\\'s'", "x"]],
    ["größe = 'unended", ["größe", "=", "'unended"]],
  ])("splits %j", (sql, expected) => {
    expect(texts(sql)).toEqual(expected);
  });

  it.each(["'\\' x", "'a\\'b'", "# x", "a #> b", "5--3", "/* /* */", "[1, ']', 2]", "-- a\rb", "$x$ it's"])(
    "does not guess where databases differ: %j",
    (sql) => {
      expect(tokenizeSql(sql)).toBeUndefined();
    },
  );

  it("ends a string where the syntax ends it", () => {
    expect(texts("'a\\' b", dollars)).toEqual(["'a\\'", "b"]);
    expect(texts("'a\\' b'", backslashes)).toEqual(["'a\\' b'"]);
    expect(texts("'a\\\\' b", backslashes)).toEqual(["'a\\\\'", "b"]);
  });

  it("ends a comment where the syntax ends it", () => {
    expect(texts("/* /* */ a */ b", dollars)).toEqual(["/* /* */ a */", "b"]);
    expect(texts("/* /* */ a", backslashes)).toEqual(["/* /* */", "a"]);
    expect(texts("5--3\n1", dollars)).toEqual(["5", "--3", "1"]);
    expect(texts("5--3", backslashes)).toEqual(["5", "-", "-", "3"]);
    expect(texts("1 # x\n2", backslashes)).toEqual(["1", "# x", "2"]);
    expect(texts("a #> b", dollars)).toEqual(["a", "#>", "b"]);
  });

  it("knows brackets as names or as operators", () => {
    expect(texts("a['x]']", dollars)).toEqual(["a", "[", "'x]'", "]"]);
    expect(texts("[it's]", { ...dollars, bracketNames: true })).toEqual(["[it's]"]);
  });

  it("loses no character of any text", () => {
    const random = new RandomValues(10);
    for (let round = 0; round < 3000; round++) {
      const sql = random.text();
      const tokens = tokenizeSql(sql, random.pick([...anySyntax, undefined]));
      if (tokens !== undefined) expect(tokens.map((token) => token.text).join("")).toBe(sql);
    }
  });

  it("reads a literal of megabytes", () => {
    const literal = `'${"it''s ".repeat(500_000)}'`;
    expect(texts(`SELECT ${literal}`, dollars)).toEqual(["SELECT", literal]);
    expect(texts(`SELECT ${literal}`)).toEqual(["SELECT", literal]);
  });
});
