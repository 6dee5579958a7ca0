import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { byteCount, cellText } from "../../src/render/cell";
import { Label } from "../../src/render/label";

describe("cellText", () => {
  it.each([
    [null, "NULL"],
    [undefined, "NULL"],
    ["", ""],
    ["NULL", "'NULL'"],
    ["'NULL'", "''NULL''"],
    ["NULLS", "NULLS"],
    [true, "true"],
    [0, "0"],
    [-1.5, "-1.5"],
    [9007199254740993n, "9007199254740993"],
    [new Date("2024-05-01T12:00:00Z"), "2024-05-01T12:00:00.000Z"],
    [new Date(NaN), "Invalid Date"],
    [Buffer.from("abcdefghijkl"), "<12 B>"],
    [new Uint8Array(3), "<3 B>"],
    [{ a: 1, b: [null, "x"] }, '{"a":1,"b":[null,"x"]}'],
    [["a", 1n], '["a","1"]'],
    [Symbol("x\x1b"), "Symbol(x\\e)"],
    [new Label("3 Users", [{ id: 1 }]), "3 Users"],
    ["two\nlines", "two⏎lines"],
  ])("shows %o as %s", (value, text) => {
    expect(cellText(value)).toBe(text);
  });

  it("shows a text in a JSON column as JSON", () => {
    expect(cellText("x", "json")).toBe('"x"');
    expect(cellText("x", "text")).toBe("x");
  });

  it("tells NULL from every text", () => {
    const texts = ["NULL", "'NULL'", "''NULL''", "", "null"].map((text) => cellText(text));
    expect(new Set([...texts, cellText(null)]).size).toBe(6);
  });

  it("shows values of another realm as its own", () => {
    const values = runInNewContext("[new Date(0), new Uint8Array(2), [1], new Map([['a', 1]])]") as unknown[];
    expect(values.map((value) => cellText(value))).toEqual(["1970-01-01T00:00:00.000Z", "<2 B>", "[1]", '{"a":1}']);
  });

  it("shows a cell whose own code fails, and the reason", () => {
    const hostile = {
      toJSON() {
        throw new Error("no\x1bway");
      },
    };
    expect(cellText(hostile)).toBe("<no\\eway>");
  });
});

describe("byteCount", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [1234, "1.2 kB"],
    [999_949, "999.9 kB"],
    [999_950, "1.0 MB"],
    [3_400_000_000_000, "3400.0 GB"],
  ])("shows %d as %s", (bytes, text) => {
    expect(byteCount(bytes)).toBe(text);
  });
});
