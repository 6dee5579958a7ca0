import { describe, expect, it } from "vitest";
import { render } from "../../../src/render/render";
import { resultSet } from "../../../src/render/result-set";
import { RandomValues } from "../random-values";
import { columns, inFormat } from "./sample";

describe("csv", () => {
  it("quotes what needs it and tells NULL from an empty text", () => {
    expect(inFormat("csv")).toBe(
      [
        "id,username,settings,born,photo,active,roles",
        '1,john,"{""theme"":""dark"",""big"":""1""}",1970-01-01T00:00:00.000Z,aGVsbG8=,true,"[{""id"":7}]"',
        '9007199254740993,"a ""b"", c|d\n\te\\",,,,false,',
        '3,"",text,,,,',
      ].join("\n"),
    );
  });

  it("gives every text back to a reader", () => {
    const random = new RandomValues(7);
    for (let round = 0; round < 500; round++) {
      const written = [[null, random.text()], ...random.list(3, () => [random.text(), null])];
      const two = resultSet({
        columns: columns.slice(1, 3).map((column) => ({ ...column, kind: "text" })),
        rows: written,
      });
      const text = render(two, { format: "csv", terminal: false, color: false });
      expect(readCsv(text + "\n").slice(1)).toEqual(written);
    }
  });

  it("is exact for programs and cannot drive the terminal of people", () => {
    const evil = resultSet({ columns: columns.slice(1, 2), rows: [["\x1b[2J\n\u202e"]] });
    const base = { format: "csv", color: false } as const;
    expect(render(evil, { ...base, terminal: false })).toBe('username\n"\x1b[2J\n\u202e"');
    expect(render(evil, { ...base, terminal: true })).toBe('username\n"\\e[2J\n\\u202e"');
  });
});

describe("tsv", () => {
  it("escapes tabs, line breaks and backslashes, and writes NULL as \\N", () => {
    expect(inFormat("tsv").split("\n")).toEqual([
      "id\tusername\tsettings\tborn\tphoto\tactive\troles",
      '1\tjohn\t{"theme":"dark","big":"1"}\t1970-01-01T00:00:00.000Z\taGVsbG8=\ttrue\t[{"id":7}]',
      '9007199254740993\ta "b", c|d\\n\\te\\\\\t\\N\t\\N\t\\N\tfalse\t\\N',
      "3\t\ttext\t\\N\t\\N\t\\N\t\\N",
    ]);
  });
});

/** Reads CSV as RFC 4180 has it, a field without quotes and without text being NULL. */
function readCsv(text: string): (string | null)[][] {
  const lines: (string | null)[][] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^,\n]*))(,|\n)/y;
  let line: (string | null)[] = [];
  while (field.lastIndex < text.length) {
    const [, quoted, plain, end] = field.exec(text)!;
    line.push(quoted !== undefined ? quoted.replaceAll('""', '"') : plain === "" ? null : plain!);
    if (end === "\n") {
      lines.push(line);
      line = [];
    }
  }
  return lines;
}
