import { describe, expect, it } from "vitest";
import type { ColumnKind } from "../../src/render/cell";
import { plot } from "../../src/render/plot";
import { displayWidth } from "../../src/render/width";
import { RandomValues } from "./random-values";

const options = { color: false, width: 40, height: 14 };
const column = (name: string, kind: ColumnKind = "unknown") => ({ name, kind });

describe("plot", () => {
  it("draws two columns, names and numbers, as bars", () => {
    const rows = [
      ["admin", 1],
      ["user", 4],
      ["guest", 0.5],
      ["none", 0],
    ];
    expect(plot({ columns: [column("role"), column("users")], rows }, options).split("\n")).toEqual([
      "role · users",
      "admin │   1 ███████",
      "user  │   4 ████████████████████████████",
      "guest │ 0.5 ███▌",
      "none  │   0",
    ]);
  });

  it("draws negative numbers to the left of zero", () => {
    const rows = [
      ["loss", -10],
      ["gain", 10],
    ];
    expect(plot({ columns: [column("name"), column("money")], rows }, { ...options, width: 31 }).split("\n")).toEqual([
      "name · money",
      "loss │ -10 ██████████",
      "gain │  10           ██████████",
    ]);
  });

  it("counts the values of one column of names, the most frequent first", () => {
    const rows = [["a"], ["b"], ["b"], [null]];
    expect(plot({ columns: [column("role")], rows }, { ...options, width: 24 }).split("\n")).toEqual([
      "role",
      "b    │ 2 ███████████████",
      "a    │ 1 ███████▌",
      "NULL │ 1 ███████▌",
    ]);
  });

  it("draws one column of numbers as a histogram that counts each number once", () => {
    const random = new RandomValues(13);
    for (let round = 0; round < 200; round++) {
      const scale = 10 ** (random.below(12) - 6);
      const rows = [0, ...random.list(300, () => 0)].map(() => [(random.next() - 0.3) * scale]);
      const bars = plot({ columns: [column("x", "number")], rows }, options)
        .split("\n")
        .slice(1);
      const counts = bars.map((bar) => Number(/│ +([\d ]+?)(?: [█-▏]|$)/.exec(bar)![1]!.replaceAll(" ", "")));
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(rows.length);
    }
  });

  it("puts a number on a border into the class above it", () => {
    const rows = [[0], [10], [10], [20], [39]];
    const bars = plot({ columns: [column("x", "number")], rows }, options)
      .split("\n")
      .slice(1);
    expect(bars.map((bar) => bar.replace(/ [█-▏]+$/, ""))).toEqual([
      "0 – 10  │ 1",
      "10 – 20 │ 2",
      "20 – 30 │ 1",
      "30 – 40 │ 1",
    ]);
  });

  it("names the classes of dates by day", () => {
    const rows = Array.from({ length: 8 }, (_, day) => [new Date(Date.UTC(2024, 0, 1 + day))]);
    const text = plot({ columns: [column("born", "date")], rows }, { ...options, width: 60 });
    expect(text).toMatch(/^2024-01-01 – 2024-01-03 │ 2 █/m);
  });

  it("draws two columns of numbers as a line between its ends", () => {
    const rows = Array.from({ length: 21 }, (_, x) => [x, x]);
    expect(
      plot({ columns: [column("x", "number"), column("y", "number")], rows }, { ...options, height: 9, width: 24 }),
    ).toBe(`x · y
20 ┤               ⢀⡠⠤⠔⠊
   │          ⢀⡠⠔⠒⠊⠁
10 ┤     ⣀⣀⠤⠒⠉⠁
 0 ┤⣀⠤⠤⠒⠉
   └────────────────────
    0                 20`);
  });

  it("draws a line over dates from left to right, whatever their order", () => {
    const days = [3, 1, 2].map((day) => [new Date(Date.UTC(2024, 0, day)), day]);
    const text = plot({ columns: [column("day", "date"), column("n", "number")], rows: days }, options);
    expect(text.split("\n").at(-1)).toMatch(/^ +2024-01-01 +2024-01-03$/);
    expect(text).toBe(
      plot({ columns: [column("day", "date"), column("n", "number")], rows: days.toReversed() }, options),
    );
  });

  it("takes numbers and dates that the database gives as texts", () => {
    const rows = [
      ["2024-01-01", "1.50"],
      ["2024-01-31", "3"],
    ];
    const text = plot({ columns: [column("day", "date"), column("sum", "number")], rows }, options);
    expect(text).toContain("2024-01-31");
  });

  it("says how many rows have no number", () => {
    const rows = [
      ["a", 1],
      ["b", null],
      ["c", "x"],
    ];
    expect(plot({ columns: [column("n"), column("v")], rows }, options)).toMatch(/2 rows without a number not drawn$/);
  });

  it("says how many bars it left out", () => {
    const rows = Array.from({ length: 80 }, (_, index) => [`name${index}`, index]);
    expect(plot({ columns: [column("n", "text"), column("v")], rows }, options)).toMatch(/\n30 more bars$/);
  });

  it("says that there is nothing to draw", () => {
    expect(plot({ columns: [column("x")], rows: [] }, options)).toBe("0 rows");
  });

  it.each([
    [[], /Cannot plot 0 columns\. Select one, or two/],
    [[column("a"), column("b"), column("c")], /Cannot plot 3 columns/],
    [[column("a"), column("b\x1b")], /Cannot plot "b\\e": it holds no number/],
  ])("refuses what it cannot draw and says what it can", (columns, message) => {
    expect(() => plot({ columns, rows: [["x", "y", "z"]] }, options)).toThrow(message);
  });

  it("keeps to the width and lets no data drive the terminal", () => {
    const random = new RandomValues(14);
    for (let round = 0; round < 500; round++) {
      const width = 40 + random.below(80);
      const two = random.next() < 0.5;
      const columns = two ? [column(random.text()), column("n", "number")] : [column(random.text())];
      const rows = [0, ...random.list(30, () => 0)].map(() =>
        [random.text(), random.next() * 100 - 20].slice(0, two ? 2 : 1),
      );
      const [title, ...lines] = plot({ columns, rows }, { ...options, width }).split("\n");
      for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
      // eslint-disable-next-line no-control-regex -- nothing of this may be left
      expect([title, ...lines].join("")).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/);
    }
  });

  it.each([
    [5, 5],
    [1e15, 1e15 + 3],
    [1e16, 1e16 + 2],
    [-1e308, 1e308],
    [0, 5e-324],
    [1e300, 1e300],
  ])("ends for the numbers %d and %d", (one, other) => {
    const rows = [[one], [other]];
    expect(plot({ columns: [column("x", "number")], rows }, options)).toContain("│");
    expect(plot({ columns: [column("x", "number")], rows }, { ...options, kind: "line" })).toContain("┤");
  });
});
