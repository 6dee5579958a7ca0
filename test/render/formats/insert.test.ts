import { describe, expect, it } from "vitest";
import { render } from "../../../src/render/render";
import { resultSet } from "../../../src/render/result-set";
import { columns } from "./sample";

describe("insert", () => {
  it("is a statement a row, in standard SQL when nothing else is told", () => {
    const few = resultSet({
      columns: columns.slice(0, 5),
      rows: [
        [1, "it's", { a: "'" }, new Date(0), Buffer.from("hi")],
        [null, undefined, NaN, true, 10n],
      ],
    });
    const text = render(few, { format: "insert", terminal: false, color: false, table: 'my "users"' });
    const head = 'INSERT INTO "my ""users""" ("id", "username", "settings", "born", "photo") VALUES ';
    expect(text.split("\n")).toEqual([
      `${head}(1, 'it''s', '{"a":"''"}', '1970-01-01T00:00:00.000Z', X'6869');`,
      `${head}(NULL, NULL, 'NaN', TRUE, 10);`,
    ]);
  });

  it("writes literals and names as it is told", () => {
    const one = resultSet({ columns: columns.slice(0, 1), rows: [[1]] });
    const text = render(one, {
      format: "insert",
      terminal: false,
      color: false,
      table: "users",
      literal: (value) => `<${String(value)}>`,
      identifier: (name) => `[${name}]`,
    });
    expect(text).toBe("INSERT INTO [users] ([id]) VALUES (<1>);");
  });
});
