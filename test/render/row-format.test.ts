import { describe, expect, it } from "vitest";
import { render } from "../../src/render/render";
import { formats } from "../../src/render/render-options";
import { resultSet } from "../../src/render/result-set";
import { RandomValues } from "./random-values";
import { inFormat } from "./formats/sample";

describe("every format", () => {
  it.each(formats)("stops at the limit and says so to people (%s)", (format) => {
    const told: string[] = [];
    const shown = inFormat(format, { terminal: true, limit: 2 });
    expect(shown).toContain("2 of 3 rows; .more .all .last");
    const piped = inFormat(format, { limit: 2, note: (line) => told.push(line) });
    expect(piped).not.toMatch(/"?\btext\b/);
    if (format !== "table" && format !== "vertical") expect(told).toEqual(["2 of 3 rows; .more .all .last"]);
  });

  it.each(formats)("gives people no raw control character (%s)", (format) => {
    const random = new RandomValues(8);
    for (let round = 0; round < 200; round++) {
      const some = [0, ...random.list(3, () => 0)].map(() => ({ name: random.text(), kind: "unknown" as const }));
      const hostile = resultSet({ columns: some, rows: random.list(4, () => some.map(() => random.value())) });
      const text = render(hostile, { format, terminal: true, color: false, width: 100 });
      // eslint-disable-next-line no-control-regex -- nothing of this may be left; lines and tabs are the format's own
      expect(text).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/);
    }
  });
});
