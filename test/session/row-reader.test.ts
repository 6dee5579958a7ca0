import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import type { Attribute } from "../../src/mapper/attribute";
import type { EntitySlot } from "../../src/query/query-executor";
import { RowReader } from "../../src/session/row-reader";

const NAMES = [
  "id",
  "it's",
  'say "hi"',
  "back\\slash",
  "new\nline",
  "\u2028",
  "__proto__",
  "constructor",
  "${x}",
  "*/",
];

function slotOf(names: readonly string[], keys: readonly string[] = ["id"]): EntitySlot {
  const attributes = names.map((name) => {
    const decode =
      name === "id" ? Number : name === "*/" ? (raw: unknown) => (raw === "none" ? null : [raw]) : undefined;
    return { name, kind: name === "id" ? "integer" : "text", decode } as unknown as Attribute;
  });
  return {
    mapper: { name: "Thing", primaryKey: attributes.filter(({ name }) => keys.includes(name)) },
    columns: attributes.map((attribute) => ({ attribute, key: `column of ${attribute.name}` })),
  } as unknown as EntitySlot;
}

/** Rows of every kind of cell: numbers, texts, NULL as null and as nothing. */
function cellsOf(row: number): unknown[] {
  return NAMES.map((name, i) => {
    if (name === "id") return row % 2 === 0 ? row : String(row);
    if (name === "*/" && row % 5 === 0) return "none";
    return (row + i) % 3 === 0 ? null : (row + i) % 7 === 0 ? undefined : `${name} ${row}`;
  });
}

function expected(row: number): [string, unknown][] {
  return cellsOf(row).map((cell, i) => {
    const name = NAMES[i] as string;
    if (name === "id") return [name, row];
    if (name === "*/" && typeof cell === "string") return [name, cell === "none" ? null : [cell]];
    return [name, cell ?? null];
  });
}

const ROWS = Array.from({ length: 250 }, (_, row) => row);

describe("A reader of rows", () => {
  it("gives the first rows and the many after them the same values, whatever the names are", () => {
    const reader = new RowReader(slotOf(NAMES));
    const values = ROWS.map((row) => {
      const cells = cellsOf(row);
      return reader.read(Object.fromEntries(cells.map((cell, i) => [`column of ${NAMES[i]}`, cell])));
    });
    expect(values.map((each) => Object.entries(each))).toEqual(ROWS.map(expected));
    expect(values.every((each) => Object.getPrototypeOf(each) === Object.prototype)).toBe(true);
  });

  it("reads arrays where the columns were located, and goes by the place that was told last", () => {
    const reader = new RowReader(slotOf(NAMES));
    for (const shift of [0, 3, 3]) {
      reader.locate((key) => ({
        at: (NAMES.findIndex((name) => key === `column of ${name}`) + shift) % NAMES.length,
        parse: undefined,
      }));
      const values = ROWS.map((row) => {
        const cells = cellsOf(row);
        return reader.read([...cells.slice(-shift || cells.length), ...cells.slice(0, cells.length - shift)] as never);
      });
      expect(values.map((each) => Object.entries(each))).toEqual(ROWS.map(expected));
    }
  });

  it("applies what the driver makes of a text before what the attribute does", () => {
    const reader = new RowReader(slotOf(["id", "*/", "name"]));
    const parse = (text: string): unknown => text.toUpperCase();
    reader.locate((key) => ({ at: key.slice("column of ".length), parse }));
    for (const row of ROWS)
      expect(reader.read({ id: String(row), "*/": `a${row}`, name: row % 2 === 0 ? null : "n" })).toEqual({
        id: row,
        "*/": [`A${row}`],
        name: row % 2 === 0 ? null : "N",
      });
  });

  it("tells keys of one column and of several, and rows of tables without a key", () => {
    const one = new RowReader(slotOf(["id", "name"]));
    const two = new RowReader(slotOf(["id", "name"], ["id", "name"]));
    const none = new RowReader(slotOf(["id", "name"], []));
    const raw = (id: unknown, name: unknown) => ({ "column of id": id, "column of name": name });
    for (let i = 0; i < 250; i++) {
      for (const reader of [one, two, none]) reader.read(raw(i, "x"));
      expect([one.keyOf(raw(i, null)), one.keyOf(raw(null, "x")), one.keyOf({})]).toEqual([i, null, null]);
      expect(two.keyOf(raw(i, "x"))).toBe(`${i}\0x\0`);
      expect([two.keyOf(raw(i, null)), none.keyOf(raw(i, "x"))]).toEqual([null, null]);
      expect([raw(null, "x"), raw(null, null)].map((row) => none.isKeylessRow(row))).toEqual([true, false]);
      expect(one.isKeylessRow(raw(1, "x"))).toBe(false);
    }
  });

  it("reads on where Node makes no code of strings", () => {
    const script = `
      const { openDatabase } = require(${JSON.stringify(resolve("dist/src/index.js"))});
      openDatabase("sqlite::memory:").then(async (db) => {
        await db.createAll();
        const { Role, User } = db.models;
        db.session.add(new Role({ name: "r", users: Array.from({ length: 300 }, (_, i) => new User({ username: "u" + i })) }));
        await db.session.commit();
        db.session.expungeAll();
        const users = await User.query.withEntities(User, User.c.id).all();
        console.log(users.filter(([user, id]) => user.id === id && user.username === "u" + (id - 1)).length);
        await db.close();
      });`;
    const output = execFileSync(process.execPath, ["--disallow-code-generation-from-strings", "-e", script]);
    expect(String(output).trim()).toBe("300");
  });
});
