import { describe, expect, it } from "vitest";
import { render } from "../../../src/render/render";
import { resultSet } from "../../../src/render/result-set";
import { columns } from "./sample";

describe("markdown", () => {
  it("is a table with escaped borders and numbers to the right", () => {
    const few = resultSet({
      columns: columns.slice(0, 2),
      rows: [
        [1, "a|b"],
        [20_000, "<script>\nc:\\|\\Users & *"],
        [3, null],
      ],
    });
    expect(render(few, { format: "markdown", terminal: false, color: false }).split("\n")).toEqual([
      "|    id | username                            |",
      "| ----: | ----------------------------------- |",
      "|     1 | a\\|b                                |",
      "| 20000 | &lt;script><br>c:\\\\\\|\\Users &amp; * |",
      "|     3 | NULL                                |",
    ]);
  });

  it("has its header without rows too", () => {
    const none = resultSet({ columns: columns.slice(0, 1), rows: [] });
    expect(render(none, { format: "markdown", terminal: false, color: false })).toBe("|  id |\n| --: |");
  });
});
