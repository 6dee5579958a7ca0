import { describe, expect, it } from "vitest";
import { readRowFile } from "../../src/import-export/row-file";

describe("a file of rows", () => {
  it("csv has a header, NULL for nothing, an empty text for quotes, and lines by which rows begin", async () => {
    const text = '\uFEFFid, name ,note\r\n1,"a ""b"", c",\r\n2,"",x\n\n3,"two\nlines",y\n4,z,w\n';
    expect(await readRowFile("a.csv", text)).toEqual([
      { line: 2, values: { id: "1", name: 'a "b", c', note: null } },
      { line: 3, values: { id: "2", name: "", note: "x" } },
      { line: 5, values: { id: "3", name: "two\nlines", note: "y" } },
      { line: 7, values: { id: "4", name: "z", note: "w" } },
    ]);
  });

  it("tsv has \\N for NULL and backslashes before what would part fields", async () => {
    expect(await readRowFile("a.tsv", 'id\tname\n1\t\\N\n2\ta\\tb\\\\n"c"\n3\t\n')).toEqual([
      { line: 2, values: { id: "1", name: null } },
      { line: 3, values: { id: "2", name: 'a\tb\\n"c"' } },
      { line: 4, values: { id: "3", name: "" } },
    ]);
  });

  it("json is an array of objects, with the lines at which they begin", async () => {
    const text = '[\n  {"id": 1, "tags": ["a", {"b": 2}]},\n\n  {"id": 2,\n   "name": "x, {"}, {"id": 3}\n]\n';
    expect(await readRowFile("a.JSON", text)).toEqual([
      { line: 2, values: { id: 1, tags: ["a", { b: 2 }] } },
      { line: 4, values: { id: 2, name: "x, {" } },
      { line: 5, values: { id: 3 } },
    ]);
    expect(await readRowFile("a.json", "[]")).toEqual([]);
  });

  it("jsonl is an object a line", async () => {
    expect(await readRowFile("a.jsonl", '{"id":1}\n\n{"id":null}\n')).toEqual([
      { line: 1, values: { id: 1 } },
      { line: 3, values: { id: null } },
    ]);
  });

  it.each([
    ["a.csv", 'a,b\n1,"open', 2],
    ["a.csv", "a,b\n1,2\n1,2,3\n", 3],
    ["a.csv", 'a,b\n"1"2,3\n', 2],
    ["a.csv", "a,a\n1,2\n", 1],
    ["a.json", '[\n{"a": 1},\n{"b" 2}\n]', 3],
    ["a.json", '{"a": 1}', 1],
    ["a.json", "[{},\n3]", 2],
    ["a.jsonl", '{"a":1}\n[1]\n', 2],
    ["a.jsonl", '{"a":1}\nnope\n', 2],
  ])("%s: a text that is wrong is told with its line", async (name, text, line) => {
    await expect(readRowFile(name, text)).rejects.toMatchObject({ name: "RowFileError", line });
  });

  it("another ending is refused", async () => {
    await expect(readRowFile("a.xml", "")).rejects.toThrow('Cannot tell the form of "a.xml" by its ending.');
  });
});
