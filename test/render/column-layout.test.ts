import { describe, expect, it } from "vitest";
import type { ColumnKind } from "../../src/render/cell";
import { growLayout, layoutColumns, tableWidth, type NaturalColumn } from "../../src/render/column-layout";
import { RandomValues } from "./random-values";

const number = (cells: number, header = 2): NaturalColumn => ({ kind: "number", header, cells });
const text = (cells: number, header = 4): NaturalColumn => ({ kind: "text", header, cells });

describe("layoutColumns", () => {
  it("gives every column what it needs where there is room", () => {
    const layout = layoutColumns([number(3), text(40)], 80);
    expect(layout).toEqual({ visible: [0, 1], widths: [3, 40], hidden: 0, before: 2 });
  });

  it("shrinks and hides nothing without a screen", () => {
    const columns = Array.from({ length: 50 }, () => text(500));
    expect(layoutColumns(columns)).toMatchObject({ widths: columns.map(() => 500), hidden: 0 });
  });

  it("takes from the widest texts first", () => {
    // 1 + (3+3) + (20+3) + (x+3) = 60
    expect(layoutColumns([number(3), text(20), text(90)], 60)?.widths).toEqual([3, 20, 27]);
  });

  it("shares what is left between texts that are cut", () => {
    expect(layoutColumns([text(90), text(90)], 60)?.widths).toEqual([27, 26]);
  });

  it("never cuts numbers, dates and booleans", () => {
    const date: NaturalColumn = { kind: "date", header: 4, cells: 24 };
    expect(layoutColumns([number(15), date, text(100)], 70)?.widths).toEqual([15, 24, 21]);
  });

  it("shortens long headers over short cells", () => {
    expect(layoutColumns([number(2, 30), number(2, 30)], 40)?.widths).toEqual([17, 16]);
  });

  it("leaves texts 12 columns, then hides columns in the middle", () => {
    const layout = layoutColumns([number(3), ...Array.from({ length: 8 }, () => text(40)), number(5)], 60);
    expect(layout).toEqual({ visible: [0, 1, 8, 9], widths: [3, 18, 17, 5], hidden: 6, before: 2 });
  });

  it("gives up when the first and the last column do not fit", () => {
    expect(layoutColumns([number(20), text(20), number(20)], 40)).toBeUndefined();
    expect(layoutColumns([text(20)], 10)).toBeUndefined();
  });

  it("always fits the width, with texts of 12 or whole", () => {
    const random = new RandomValues(4);
    const kinds: ColumnKind[] = ["number", "text", "json", "date", "boolean", "unknown", "blob"];
    for (let round = 0; round < 5000; round++) {
      const make = (): NaturalColumn => ({
        kind: random.pick(kinds),
        header: 1 + random.below(20),
        cells: random.below(60),
      });
      const columns = [make(), ...random.list(12, make)];
      const width = 20 + random.below(150);
      const layout = layoutColumns(columns, width);
      if (layout === undefined) continue;
      expect(tableWidth(layout.widths) + (layout.hidden > 0 ? 4 : 0)).toBeLessThanOrEqual(width);
      expect(layout.visible.length + layout.hidden).toBe(columns.length);
      for (const [place, index] of layout.visible.entries()) {
        const { kind, header, cells } = columns[index]!;
        const isWhole = kind !== "text" && kind !== "json" && kind !== "unknown";
        expect(layout.widths[place]).toBeGreaterThanOrEqual(Math.max(Math.min(header, 12), isWhole ? cells : 0));
        expect(layout.widths[place]).toBeGreaterThanOrEqual(Math.min(cells, 12));
        expect(layout.widths[place]).toBeLessThanOrEqual(Math.max(header, cells));
      }
    }
  });
});

describe("growLayout", () => {
  it("keeps the hidden columns hidden", () => {
    const columns = [number(3), ...Array.from({ length: 8 }, () => text(40)), number(5)];
    const layout = layoutColumns(columns, 60)!;
    const grown = growLayout(layout, [number(6), ...columns.slice(1)], 60);
    expect(grown).toEqual({ ...layout, widths: [6, 16, 16, 5] });
  });

  it("passes the width rather than cut a number", () => {
    const layout = layoutColumns([number(3), number(3)], 20)!;
    expect(growLayout(layout, [number(30), number(3)], 20).widths).toEqual([30, 3]);
  });
});
