import { Sequelize } from "sequelize";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Connection } from "../../src/driver/connection";
import { dialectOf } from "../../src/driver/dialects";
import * as edit from "../../src/migrations/ddl/sqlite-table-edit";
import { CreateTableText } from "../../src/schema/create-table-text";
import { textOf, tokenize } from "../../src/schema/sql-tokens";
import { randomCreateTable } from "./random-tables";

const TABLES = process.env["LONG"] === "1" ? 20_000 : 1_000;

let connection: Connection;
let sequelize: Sequelize;

beforeAll(async () => {
  sequelize = new Sequelize({ dialect: "sqlite", storage: ":memory:", logging: false });
  connection = new Connection(sequelize, dialectOf(sequelize), () => undefined);
  await connection.run("CREATE TABLE p (k0 PRIMARY KEY, k1)");
});
afterAll(async () => {
  await connection.close();
  await sequelize.close();
});

/** The statement as SQLite keeps it, and what its PRAGMAs tell of the columns; undefined where SQLite refuses it. */
async function stored(
  sql: string,
): Promise<{ sql: string; columns: Record<string, unknown>[]; keys: Record<string, unknown>[] } | undefined> {
  try {
    await connection.run(sql);
  } catch {
    return undefined;
  }
  const [row] = await connection.all("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name LIKE 't %'");
  const name = String(row?.["name"]);
  const columns = await connection.all("SELECT * FROM pragma_table_xinfo(?) ORDER BY cid", [name]);
  const keys = await connection.all("SELECT * FROM pragma_foreign_key_list(?) ORDER BY id DESC, seq", [name]);
  await connection.run(`DROP TABLE "${name}"`);
  return { sql: String(row?.["sql"]), columns, keys };
}

function fold(type: string): string {
  return type
    .toUpperCase()
    .replace(/\/\*.*?\*\/|--[^\n]*/g, "")
    .replace(/["[\]`]/g, "")
    .replace(/\s+/g, "")
    .trim();
}

describe("the text of a CREATE TABLE", () => {
  it(`is taken apart as SQLite itself reads it (${TABLES} random tables)`, async () => {
    let taken = 0;
    for (let seed = 1; seed <= TABLES; seed++) {
      const table = await stored(randomCreateTable(seed));
      if (table === undefined) continue;
      taken++;
      const text = new CreateTableText(table.sql);
      expect(textOf(text.tokens)).toBe(table.sql);
      const found = text.columns.map((column) => ({
        name: column.name,
        type: fold(column.type),
        notnull: column.constraints.some((constraint) => constraint.kind === "notNull") ? 1 : 0,
        dflt_value: column.constraints.find((constraint) => constraint.kind === "default")?.expression ?? null,
        generated: column.constraints.some((constraint) => constraint.kind === "generated"),
      }));
      const key = text.allConstraints().find((constraint) => constraint.kind === "primaryKey");
      const expected = table.columns.map((column) => ({
        name: column["name"],
        // SQLite leaves a part of a comment in the type of a generated column.
        type: Number(column["hidden"]) > 1 ? found[Number(column["cid"])]?.type : fold(String(column["type"])),
        notnull:
          /WITHOUT ROWID$/.test(table.sql) && key?.columns.includes(String(column["name"]))
            ? found[Number(column["cid"])]?.notnull
            : column["notnull"],
        dflt_value: column["dflt_value"] === null ? null : String(column["dflt_value"]).trim(),
        generated: Number(column["hidden"]) > 1,
      }));
      expect(found, table.sql).toEqual(expected);
      const pk = table.columns
        .filter((column) => Number(column["pk"]) > 0)
        .sort((a, b) => Number(a["pk"]) - Number(b["pk"]));
      expect(key?.columns ?? [], table.sql).toEqual(pk.map((column) => column["name"]));
      const foreignKeys = text.allConstraints().filter((constraint) => constraint.kind === "foreignKey");
      const actions = foreignKeys.flatMap(({ columns, references }) =>
        columns.map((from) => [from, references?.table, references?.onDelete, references?.onUpdate]),
      );
      expect(actions, table.sql).toEqual(
        table.keys.map((row) => [row["from"], row["table"], row["on_delete"], row["on_update"]]),
      );
    }
    expect(taken).toBeGreaterThan(TABLES / 2);
  });

  it("keeps every other byte under each edit, and SQLite takes the result", async () => {
    for (let seed = 1; seed <= TABLES / 4; seed++) {
      const table = await stored(randomCreateTable(seed));
      if (table === undefined) continue;
      const names = new CreateTableText(table.sql).columns.map((column) => column.name);
      const name = names[seed % names.length] ?? "";
      const edits: Record<string, string> = {
        addColumn: edit.addColumn(table.sql, `"added" TEXT`),
        setDefault: edit.setDefault(table.sql, name, "'new'"),
        dropDefault: edit.setDefault(table.sql, name, undefined),
        setNotNull: edit.setNullable(table.sql, name, false),
        dropNotNull: edit.setNullable(table.sql, name, true),
        setType: edit.setType(table.sql, name, "CLOB(3)"),
        setCollation: edit.setCollation(table.sql, name, "RTRIM"),
        addConstraint: edit.addConstraint(table.sql, `CHECK ("${(names[0] ?? "").replaceAll('"', '""')}" <> 'never')`),
      };
      for (const [what, sql] of Object.entries(edits)) {
        const after = await stored(sql);
        const isGenerated = table.columns.some((column) => column["name"] === name && Number(column["hidden"]) > 1);
        // A generated column has no default.
        if (after === undefined && isGenerated && what === "setDefault") continue;
        expect(after, `${what} of "${name}" in\n${table.sql}\ngave\n${sql}`).toBeDefined();
        const others = (columns: readonly Record<string, unknown>[] | undefined): unknown =>
          columns?.filter((column) => column["name"] !== name && column["name"] !== "added");
        expect(others(after?.columns), `${what} of "${name}" in\n${sql}`).toEqual(others(table.columns));
        expect(after?.keys).toEqual(table.keys);
      }
    }
  });

  it("reads constraints that follow each other without a comma", () => {
    const text = new CreateTableText("CREATE TABLE t (a INT, CHECK (a > 0) UNIQUE (a) CONSTRAINT n CHECK (a < 9))");
    expect(text.constraints.map(({ kind, name }) => [kind, name])).toEqual([
      ["check", undefined],
      ["unique", undefined],
      ["check", "n"],
    ]);
  });

  it("is no list of columns for a virtual table", () => {
    expect(() => new CreateTableText("CREATE VIRTUAL TABLE f USING fts5(a)")).toThrow("Not a CREATE TABLE statement");
    expect(edit.isEditable("CREATE VIRTUAL TABLE f USING fts5(a)")).toBe(false);
  });
});

describe("tokens of SQL", () => {
  it.each([
    "SELECT 'it''s' || \"a\"\"b\", [x y], `z` FROM t -- end",
    "a/* open",
    "'open",
    "x'00' 1.5e-3 .5 0xFF 1_000 a->>'$.b' $$ body; 'x $$ $tag$ y $tag$",
  ])("joined are the text: %s", (sql) => {
    expect(textOf(tokenize(sql))).toBe(sql);
    expect(textOf(tokenize(sql, { backslashes: true }))).toBe(sql);
  });
});
