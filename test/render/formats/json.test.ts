import { describe, expect, it } from "vitest";
import { render } from "../../../src/render/render";
import { resultSet } from "../../../src/render/result-set";
import { columns, inFormat } from "./sample";

describe("json", () => {
  const expected = [
    {
      id: 1,
      username: "john",
      settings: { theme: "dark", big: "1" },
      born: "1970-01-01T00:00:00.000Z",
      photo: "aGVsbG8=",
      active: true,
      roles: [{ id: 7 }],
    },
    {
      id: "9007199254740993",
      username: 'a "b", c|d\n\te\\',
      settings: null,
      born: null,
      photo: null,
      active: false,
      roles: null,
    },
    { id: 3, username: "", settings: "text", born: null, photo: null, active: null, roles: null },
  ];

  it("is an array of objects on one line for programs", () => {
    const text = inFormat("json");
    expect(JSON.parse(text)).toEqual(expected);
    expect(text).not.toContain("\n");
  });

  it("is the same array with a row a line for people", () => {
    const text = inFormat("json", { terminal: true });
    expect(JSON.parse(text)).toEqual(expected);
    expect(text.split("\n")).toHaveLength(5);
  });

  it.each([true, false])("is an empty array without rows (terminal: %s)", (terminal) => {
    expect(render(resultSet({ columns, rows: [] }), { format: "json", terminal, color: false })).toBe("[]");
  });

  it("keeps columns apart that have one name", () => {
    const doubled = resultSet({
      columns: ["id", "id", "id_2", "id"].map((name) => ({ name, kind: "number" })),
      rows: [[1, 2, 3, 4]],
    });
    const text = render(doubled, { format: "json", terminal: false, color: false });
    expect(JSON.parse(text)).toEqual([{ id: 1, id_3: 2, id_2: 3, id_4: 4 }]);
  });

  it("as lines is an object a line", () => {
    expect(
      inFormat("jsonl")
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual(expected);
    expect(render(resultSet({ columns, rows: [] }), { format: "jsonl", terminal: false, color: false })).toBe("");
  });
});
