import { Terminal } from "@xterm/headless";
import { describe, expect, it } from "vitest";
import type { ColumnKind } from "../../src/render/cell";
import { drawCliTable, isDrawnAlike } from "../../src/render/cli-table";
import { paint } from "../../src/render/paint";
import { render } from "../../src/render/render";
import type { RenderOptions } from "../../src/render/render-options";
import { resultSet, type Row } from "../../src/render/result-set";
import { TableFrame } from "../../src/render/table-frame";
import { blanks, displayWidth } from "../../src/render/width";
import { RandomValues } from "./random-values";

const options: RenderOptions = { format: "table", terminal: true, color: false, width: 80, height: 40 };
const columns = [
  { name: "id", kind: "number", primaryKey: true },
  { name: "username", kind: "text" },
  { name: "roleId", kind: "number" },
] as const;
const rows: Row[] = [
  [1, "john", 2],
  [2, "susan", null],
];

/** Lines of a drawing without its colours. */
function lines(text: string): string[] {
  // eslint-disable-next-line no-control-regex -- the colours are what is removed
  return text.replace(/\x1b\[\d+m/g, "").split("\n");
}

const isRuled = (line: string): boolean => /^[│┌├└]/.test(line);

describe("a table", () => {
  it("has a header, numbers to the right, NULL and a footer", () => {
    expect(render(resultSet({ columns, rows, durationMs: 4 }), options)).toBe(
      [
        "┌────┬──────────┬────────┐",
        "│ id │ username │ roleId │",
        "├────┼──────────┼────────┤",
        "│  1 │ john     │      2 │",
        "│  2 │ susan    │   NULL │",
        "└────┴──────────┴────────┘",
        "2 rows (4 ms)",
      ].join("\n"),
    );
  });

  it("of an empty result has its header and 0 rows", () => {
    const empty = ["┌────┬──────────┬────────┐", "│ id │ username │ roleId │", "└────┴──────────┴────────┘", "0 rows"];
    expect(render(resultSet({ columns, rows: [] }), options)).toBe(empty.join("\n"));
    const marked = [{ name: "❤️", kind: "text" }] as const;
    expect(render(resultSet({ columns: marked, rows: [] }), options)).toBe("┌────┐\n│ ❤️ │\n└────┘\n0 rows");
  });

  it("of no columns counts its rows", () => {
    expect(render(resultSet({ columns: [], rows: [[], []] }), options)).toBe("2 rows");
  });

  it("shows NULL dim and the text NULL quoted", () => {
    const text = render(resultSet({ columns: columns.slice(1, 2), rows: [[null], ["NULL"], [""]] }), {
      ...options,
      color: true,
    });
    expect(text).toContain("\x1b[2mNULL\x1b[22m");
    expect(text).toContain("'NULL'");
    expect(lines(text)).toContain("│          │");
  });

  it("has its title above it", () => {
    expect(lines(render(resultSet({ columns, rows, title: "users\x1b" }), options))[0]).toBe("users\\e");
  });

  it("stops at the limit and says so", () => {
    const many = Array.from({ length: 25_000 }, (_, index) => [index, "x", 1]);
    const drawn = lines(render(resultSet({ columns, rows: many }), { ...options, limit: 100 }));
    expect(drawn).toHaveLength(105);
    expect(drawn.at(-1)).toBe("100 of 25 000 rows; .more .all .last");
  });

  it("knows a total greater than the rows at hand", () => {
    const text = render(resultSet({ columns, rows, total: 60 }), options);
    expect(lines(text).at(-1)).toBe("2 of 60 rows; .more .all .last");
  });

  it("reads no more of an endless result than the limit", () => {
    let read = 0;
    let isClosed = false;
    function* endless(): Generator<Row> {
      try {
        for (;;) yield [++read, "x", 1];
      } finally {
        isClosed = true;
      }
    }
    const text = render(resultSet({ columns, rows: endless() }), { ...options, limit: 10 });
    expect(lines(text).at(-1)).toBe("first 10 rows; .more .all .last");
    expect([read, isClosed]).toEqual([11, true]);
  });

  it.each([0, undefined])("shows all rows with the limit %s", (limit) => {
    const many = Array.from({ length: 300 }, (_, index) => [index, "x", 1]);
    expect(lines(render(resultSet({ columns, rows: many }), { ...options, limit }))).toHaveLength(305);
  });

  it("shrinks texts to the width", () => {
    const text = render(resultSet({ columns, rows: [[1, "x".repeat(100), 2]] }), { ...options, width: 40 });
    expect(lines(text)[3]).toBe("│  1 │ xxxxxxxxxxxxxxxxxxxxx… │      2 │");
  });

  it("hides columns in the middle and counts them", () => {
    const wide = Array.from({ length: 12 }, (_, index) => ({ name: `column${index}`, kind: "text" as const }));
    const drawn = lines(
      render(resultSet({ columns: wide, rows: [wide.map(() => "x".repeat(20))] }), { ...options, width: 60 }),
    );
    expect(drawn[1]).toBe("│ column0          │ column1         │ … │ column11        │");
    expect(drawn.slice(-2)).toEqual([
      "1 row",
      "9 of 12 columns hidden; .columns a b chooses, .mode vertical shows all",
    ]);
    expect(drawn.filter(isRuled).every((line) => displayWidth(line) <= 60)).toBe(true);
  });

  it("becomes vertical where not even two columns fit", () => {
    const text = render(resultSet({ columns, rows }), { ...options, width: 15 });
    expect(lines(text).slice(0, 4)).toEqual(["-[ RECORD 1 ]--", "id       | 1", "username | john", "roleId   | 2"]);
    expect(lines(text).at(-1)).toBe("2 rows");
  });

  it("becomes vertical for all batches of a long result", () => {
    const many = Array.from({ length: 5000 }, (_, index) => [index, "john", 2]);
    const drawn = lines(render(resultSet({ columns, rows: many }), { ...options, width: 15 }));
    expect(drawn.filter((line) => line.startsWith("-[ RECORD"))).toHaveLength(5000);
    expect(drawn.at(-1)).toBe("5 000 rows");
  });

  it("is cut nowhere without a screen", () => {
    const wide = Array.from({ length: 40 }, (_, index) => ({ name: `column${index}`, kind: "text" as const }));
    const text = render(resultSet({ columns: wide, rows: [wide.map(() => "x".repeat(90))] }), {
      ...options,
      terminal: false,
      width: undefined,
    });
    expect(text.split("x".repeat(90))).toHaveLength(41);
    expect(text).not.toContain("…");
  });

  it("draws its header again where later rows are wider", () => {
    const growing = Array.from({ length: 4500 }, (_, index) => [index, index < 4000 ? "a" : "longer than before", 1]);
    const drawn = lines(render(resultSet({ columns, rows: growing }), options));
    expect(drawn.filter((line) => line.includes("username"))).toHaveLength(2);
    const second = drawn.findLastIndex((line) => line.includes("username"));
    expect(drawn.slice(second - 1, second + 2).map((line) => line[0])).toEqual(["├", "│", "├"]);
    expect(drawn.slice(second - 1, -1).every((line) => displayWidth(line) === displayWidth(drawn[second]!))).toBe(true);
    expect(drawn).toHaveLength(4500 + 5 + 3);
  });
});

describe("the two ways to draw a table", () => {
  const safe = Array.from({ length: 0xffff }, (_, code) => String.fromCharCode(code)).filter(isDrawnAlike);

  it("measure every character alike that cli-table3 gets", () => {
    expect(safe.length).toBeGreaterThan(30_000);
    const widths = [3];
    for (let start = 0; start < safe.length; start += 500) {
      const part = safe.slice(start, start + 500);
      const drawn = drawCliTable(
        { header: ["x"], rows: part.map((text) => [text]), widths, alignRight: [false] },
        paint(false),
      );
      const frame = new TableFrame(widths, paint(false));
      const own = part.map((text) => frame.line([text + blanks(3 - displayWidth(text))]));
      expect(drawn).toBe(frame.top + frame.line(["x  "]) + frame.middle + own.join("") + frame.bottom);
    }
  });

  it.each([false, true])("give the same text (colour: %s)", (color) => {
    const random = new RandomValues(5);
    const kinds: ColumnKind[] = ["number", "text", "json", "unknown"];
    for (let round = 0; round < 200; round++) {
      const name = (): string => random.list(5, () => random.pick(safe)).join("");
      const some = [0, ...random.list(5, () => 0)].map(() => ({ name: name(), kind: random.pick(kinds) }));
      const few = random.list(6, () => some.map(() => random.pick([null, random.below(1e6), name() + name()])));
      const screen = { ...options, color, width: 30 + random.below(60) };
      const set = resultSet({ columns: some, rows: few });
      // On a screen of no lines nothing fits, so that cli-table3 draws nothing.
      expect(render(set, { ...screen, height: 50 })).toBe(render(set, { ...screen, height: -1 }));
    }
  });
});

describe("a table of hostile data", () => {
  it.each([undefined, 40, 80, 120])(
    "keeps its lines equally wide and holds no control character (width %s)",
    (width) => {
      const random = new RandomValues(6 + (width ?? 0));
      const kinds: ColumnKind[] = ["number", "text", "json", "date", "unknown", "blob", "boolean"];
      let tables = 0;
      for (let round = 0; round < (process.env["LONG"] ? 5000 : 300); round++) {
        const some = [0, ...random.list(8, () => 0)].map(() => ({ name: random.text(), kind: random.pick(kinds) }));
        const set = resultSet({ columns: some, rows: random.list(8, () => some.map(() => random.value())) });
        const text = render(set, { ...options, width, height: random.pick([40, -1]), color: random.next() < 0.5 });
        const drawn = lines(text);
        // eslint-disable-next-line no-control-regex -- nothing of this may be left
        expect(drawn.join("")).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/);
        if (drawn[0]!.startsWith("-[ RECORD")) continue;
        tables++;
        const widths = new Set(drawn.filter(isRuled).map(displayWidth));
        expect(widths.size).toBe(1);
        if (width !== undefined) expect(Math.max(0, ...widths)).toBeLessThanOrEqual(width);
      }
      expect(tables).toBeGreaterThan(50);
    },
  );

  it("leaves a terminal where it was", async () => {
    const evil = ["\x1b]0;owned\x07", "\x1b[2J\x1b[H", "\x1b[?1049h", "\x9b2J", "\r\n\b\b", "\x1bc", "日本"];
    const set = resultSet({ columns, rows: evil.map((text, index) => [index, text, null]) });
    const terminal = new Terminal({ cols: 80, rows: 30, allowProposedApi: true, convertEol: true });
    const titles: string[] = [];
    terminal.onTitleChange((title) => titles.push(title));
    const text = render(set, { ...options, color: true });
    await new Promise<void>((done) => terminal.write(text, done));
    const buffer = terminal.buffer.active;
    const shown = lines(text).map((_, row) => buffer.getLine(row)!.translateToString(true));
    expect(shown).toEqual(lines(text));
    expect(titles).toEqual([]);
    expect(buffer.type).toBe("normal");
    terminal.dispose();
  });
});
