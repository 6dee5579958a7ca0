import { describe, expect, it } from "vitest";
import { record } from "../../src/render/record";
import { render } from "../../src/render/render";
import type { RenderOptions } from "../../src/render/render-options";
import { displayWidth } from "../../src/render/width";
import { RandomValues } from "./random-values";

const options: RenderOptions = { format: "table", terminal: true, color: false, width: 60 };
const user = record({
  title: "User #3 · persistent",
  fields: [
    { name: "id", value: 3 },
    { name: "username", value: "jack", old: "john" },
    { name: "email", value: "j@example.com", pending: true },
    { name: "roleId", value: null, old: 2, note: "set by the database" },
  ],
});

describe("a record", () => {
  it("shows title, values, changes, what is pending and remarks", () => {
    expect(render(user, options)).toBe(
      [
        "User #3 · persistent",
        "┌──────────┬────────────────────────────────┐",
        "│ id       │ 3                              │",
        "│ username │ john → jack                    │",
        "│ email    │ j@example.com (pending)        │",
        "│ roleId   │ 2 → NULL (set by the database) │",
        "└──────────┴────────────────────────────────┘",
      ].join("\n"),
    );
  });

  it("shows a change from NULL, which is not the same as no change", () => {
    const changed = record({ fields: [{ name: "a", value: "x", old: undefined }] });
    expect(render(changed, options)).toContain("NULL → x");
  });

  it("breaks a long value into lines and keeps all of it", () => {
    const value = "lorem ipsum dolor sit amet ".repeat(10);
    const lines = render(record({ fields: [{ name: "bio", value }] }), options).split("\n");
    expect(lines.every((line) => displayWidth(line) === displayWidth(lines[0]!))).toBe(true);
    const text = lines.slice(1, -1).map((line) => line.slice(8, -2).trimEnd());
    expect(text.join(" ").trim()).toBe(value.trim());
  });

  it("keeps a long value on one line where there is no screen", () => {
    const value = "x".repeat(1000);
    const lines = render(record({ fields: [{ name: "bio", value }] }), { ...options, width: undefined }).split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[1]).toBe(`│ bio │ ${value} │`);
  });

  it("counts the lines that no screen holds", () => {
    const long = record({ fields: [{ name: "bio", value: "x".repeat(5000) }] });
    const lines = render(long, options).split("\n");
    expect(lines).toHaveLength(23);
    expect(lines.at(-2)).toMatch(/^│ {5}│ … 80 more lines {36}│$/);
  });

  it("is an object in JSON", () => {
    const json = render(user, { ...options, format: "json", terminal: false });
    expect(json).toBe('{"id":3,"username":"jack","email":"j@example.com","roleId":null}');
  });

  it.each([
    ["jsonl", '{"id":3,"username":"jack","email":"j@example.com","roleId":null}'],
    ["csv", "id,username,email,roleId\n3,jack,j@example.com,"],
    ["insert", `INSERT INTO "users" ("id", "username", "email", "roleId") VALUES (3, 'jack', 'j@example.com', NULL);`],
  ] as const)("is one row in %s", (format, text) => {
    expect(render(user, { ...options, format, terminal: false, table: "users" })).toBe(text);
  });

  it("without fields is its title", () => {
    expect(render(record({ title: "User · detached", fields: [] }), options)).toBe("User · detached");
  });

  it("of hostile data keeps its lines equally wide and holds no control character", () => {
    const random = new RandomValues(9);
    for (let round = 0; round < 500; round++) {
      const fields = [0, ...random.list(5, () => 0)].map(() => ({
        name: random.text(),
        value: random.value(),
        pending: random.next() < 0.5,
        ...(random.next() < 0.5 ? { old: random.value() } : {}),
        ...(random.next() < 0.5 ? { note: random.text() } : {}),
      }));
      const text = render(record({ fields }), { ...options, color: random.next() < 0.5, width: 30 + random.below(60) });
      // eslint-disable-next-line no-control-regex -- the colours are what is removed
      const lines = text.replace(/\x1b\[\d+m/g, "").split("\n");
      expect(new Set(lines.map(displayWidth)).size).toBe(1);
      // eslint-disable-next-line no-control-regex -- nothing of this may be left
      expect(lines.join("")).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/);
    }
  });
});
