import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CsvError, parseCsv } from "../../src/import-export/csv";

describe("parseCsv", () => {
  it("reads quoted fields, line breaks in them, and a byte order mark", () => {
    const rows = parseCsv('\ufeffname,note\n"O\'Neill, J.","two\nlines ""quoted"""\nzoë,\n');
    expect(rows.map((row) => row.values)).toEqual([
      { name: "O'Neill, J.", note: 'two\nlines "quoted"' },
      { name: "zoë", note: "" },
    ]);
  });

  it("tells the line of a row with too many fields", () => {
    const attempt = (): unknown => parseCsv("a,b\n1,2\n1,2,3\n");
    expect(attempt).toThrow(CsvError);
    expect(attempt).toThrow(/^Line 3: /);
  });

  it("tells of a quote that is not closed", () => {
    expect(() => parseCsv('a\n"open\n')).toThrow(CsvError);
  });
});

describe("the sample data", () => {
  const rows = (name: string): Readonly<Record<string, string>>[] =>
    parseCsv(readFileSync(join(__dirname, "../../sample-data", name), "utf8")).map((row) => row.values);

  it("has roles and users with unique names, and users without a role", () => {
    const roles = rows("roles.csv").map((row) => row["name"]);
    const users = rows("users.csv");
    expect(roles.length).toBeGreaterThanOrEqual(4);
    expect(new Set(roles).size).toBe(roles.length);
    expect(users.length).toBeGreaterThanOrEqual(60);
    expect(new Set(users.map((user) => user["username"])).size).toBe(users.length);
    expect(users.filter((user) => user["role"] === "").length).toBeGreaterThan(0);
    expect(users.filter((user) => user["role"] !== "" && !roles.includes(user["role"]))).toEqual([]);
  });

  it("has names in several scripts", () => {
    const names = rows("users.csv")
      .map((user) => user["username"])
      .join(" ");
    for (const script of [
      /[à-ž]/u,
      /\p{Script=Han}/u,
      /\p{Script=Arabic}/u,
      /\p{Script=Cyrillic}/u,
      /\p{Emoji_Presentation}/u,
    ]) {
      expect(names).toMatch(script);
    }
  });
});
