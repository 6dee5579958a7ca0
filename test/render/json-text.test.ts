import { describe, expect, it } from "vitest";
import { jsonText } from "../../src/render/json-text";
import { Label } from "../../src/render/label";

describe("jsonText", () => {
  it.each([
    ["a bigint as text", 9007199254740993n, '"9007199254740993"'],
    ["a date as ISO text", new Date(0), '"1970-01-01T00:00:00.000Z"'],
    ["an invalid date as null", new Date(NaN), "null"],
    ["a buffer as base64", Buffer.from("hello"), '"aGVsbG8="'],
    ["numbers that JSON lacks by name", [NaN, -Infinity], '["NaN","-Infinity"]'],
    ["undefined as null", undefined, "null"],
    ["members without a value not at all", { a: undefined, b: () => 1, c: 1 }, '{"c":1}'],
    ["items without a value as null", [undefined, Symbol("x")], "[null,null]"],
    ["a map as an object", new Map([["a", 1n]]), '{"a":"1"}'],
    ["a set as an array", new Set([1, 2]), "[1,2]"],
    ["numbers of a typed array", new Float32Array([1.5]), "[1.5]"],
    ["an error by name and message", new TypeError("x"), '{"name":"TypeError","message":"x"}'],
    ["a label by its value", { users: new Label("2 Users", [{ id: 1 }]) }, '{"users":[{"id":1}]}'],
    ["a boxed value", Object("x"), '"x"'],
    ["what toJSON says", { toJSON: () => ({ big: 1n }) }, '{"big":"1"}'],
    ["a key named __proto__", JSON.parse('{"__proto__":1}'), '{"__proto__":1}'],
  ])("writes %s", (_, value, json) => {
    expect(jsonText(value)).toBe(json);
  });

  it("names a reference back to an enclosing object", () => {
    const role: Record<string, unknown> = { name: "admin" };
    role["users"] = [{ username: "john", role }];
    expect(jsonText(role)).toBe('{"name":"admin","users":[{"username":"john","role":"[Circular]"}]}');
  });

  it("writes an object twice that is there twice beside itself", () => {
    const role = { id: 1 };
    expect(jsonText([role, role])).toBe('[{"id":1},{"id":1}]');
  });

  it("ends a structure deeper than the stack", () => {
    let deep: unknown = "bottom";
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(jsonText(deep)).toContain('"[Deeper]"');
  });

  it("escapes what a terminal obeys", () => {
    expect(jsonText("\x1b\x9b\u202e")).toBe('"\\u001b\\u009b\\u202e"');
  });

  it("indents on request", () => {
    expect(jsonText({ a: [1] }, 2)).toBe('{\n  "a": [\n    1\n  ]\n}');
  });
});
