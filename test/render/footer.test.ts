import { describe, expect, it } from "vitest";
import { counted, duration, groupDigits, rowsFooter } from "../../src/render/footer";

describe("footer", () => {
  it.each([
    [0, "0"],
    [999, "999"],
    [1000, "1 000"],
    [25_000, "25 000"],
    [1_234_567n, "1 234 567"],
    [-1000, "-1 000"],
  ])("sets the thousands of %s apart", (count, text) => {
    expect(groupDigits(count)).toBe(text);
  });

  it("uses the singular for one only", () => {
    expect([0, 1, 2].map((count) => counted(count, "row"))).toEqual(["0 rows", "1 row", "2 rows"]);
  });

  it.each([
    [0.2, "1 ms"],
    [4.2, "4 ms"],
    [999.4, "999 ms"],
    [999.6, "1.0 s"],
    [59_940, "59.9 s"],
    [59_960, "1 min 0 s"],
    [125_400, "2 min 5 s"],
  ])("says %d ms as %s", (time, text) => {
    expect(duration(time)).toBe(text);
  });

  it.each([
    [{ drawn: 3, total: 3, more: false }, 4, "3 rows (4 ms)"],
    [{ drawn: 1, total: 1, more: false }, undefined, "1 row"],
    [{ drawn: 0, total: 0, more: false }, undefined, "0 rows"],
    [{ drawn: 100, total: 25_000, more: true }, 4, "100 of 25 000 rows; .more .all .last"],
    [{ drawn: 100, more: true }, 4, "first 100 rows; .more .all .last"],
  ])("says how many of %o", (outcome, durationMs, text) => {
    expect(rowsFooter(outcome, durationMs)).toBe(text);
  });
});
