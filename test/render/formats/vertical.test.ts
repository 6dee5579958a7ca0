import { describe, expect, it } from "vitest";
import { render } from "../../../src/render/render";
import { resultSet } from "../../../src/render/result-set";
import { inFormat } from "./sample";

describe("vertical", () => {
  it("draws a record a row, as psql does", () => {
    expect(inFormat("vertical")).toBe(
      [
        "-[ RECORD 1 ]------------------------",
        "id       | 1",
        "username | john",
        'settings | {"theme":"dark","big":"1"}',
        "born     | 1970-01-01T00:00:00.000Z",
        "photo    | <5 B>",
        "active   | true",
        "roles    | 1 Role",
        "-[ RECORD 2 ]--------------",
        "id       | 9007199254740993",
        'username | a "b", c|d⏎\\te\\',
        "settings | NULL",
        "born     | NULL",
        "photo    | NULL",
        "active   | false",
        "roles    | NULL",
        "-[ RECORD 3 ]----",
        "id       | 3",
        "username | ",
        'settings | "text"',
        "born     | NULL",
        "photo    | NULL",
        "active   | NULL",
        "roles    | NULL",
        "3 rows",
      ].join("\n"),
    );
  });

  it("crosses the rule where names longer than its title end", () => {
    const long = resultSet({ columns: [{ name: "a name of some length", kind: "text" }], rows: [["x".repeat(30)]] });
    const [rule, line] = render(long, { format: "vertical", terminal: false, color: false }).split("\n");
    expect(rule).toBe("-[ RECORD 1 ]---------+-------------------------------");
    expect(line!.indexOf("|")).toBe(rule!.indexOf("+"));
  });
});
