import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runProgram } from "./built-program";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sequelize-shell-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function shown(format: string, ...lines: string[]): Promise<string> {
  const { stdout, stderr } = await runProgram([join(folder, "data.sqlite"), "--format", format], {
    input: lines.join("\n"),
  });
  expect(stderr).toBe("");
  return stdout.replaceAll(/ \(\d+ ms\)/g, "");
}

const TWO = 'db.session.execute("SELECT id, username FROM users ORDER BY id LIMIT 2")';
const TABLE = [
  "┌────┬──────────┐",
  "│ id │ username │",
  "├────┼──────────┤",
  "│  1 │ susan    │",
  "│  2 │ john     │",
  "└────┴──────────┘",
  "2 rows",
  "",
].join("\n");

describe("rows of several values", () => {
  it("what SQL text returns is shown as its rows, which can be taken all the same", async () => {
    expect(await shown("table", TWO, "_.all()")).toBe(TABLE + TABLE);
    expect(await shown("json", TWO)).toBe('[{"id":1,"username":"susan"},{"id":2,"username":"john"}]\n');
    expect(await shown("csv", TWO)).toBe("id,username\n1,susan\n2,john\n");
  });

  it("SQL text without rows tells how many there are, or were changed", async () => {
    const none = 'db.session.execute("SELECT * FROM users WHERE 1 = 0")';
    const change = 'db.session.execute("UPDATE users SET username = username WHERE id < 4"); db.session.rollback()';
    expect(await shown("table", none)).toBe("0 rows\n");
    expect(await shown("json", none)).toBe("[]\n");
    expect(await shown("table", `const changed = ${change}`, "changed")).toBe("3 rows affected\n");
    expect(await shown("json", `const changed = ${change}`, "changed")).toBe('{"rowcount":3}\n');
  });

  it("one row is a record", async () => {
    const first = "db.session.query(User.c.id, User.c.username).orderBy(User.c.id).first()";
    expect(await shown("table", first)).toBe(
      "┌──────────┬───────┐\n│ id       │ 1     │\n│ username │ susan │\n└──────────┴───────┘\n",
    );
    expect(await shown("json", first)).toBe('{"id":1,"username":"susan"}\n');
  });

  it("rows with objects in them keep their columns when some are picked out", async () => {
    const pairs = "db.session.query(User, Role.c.name).join(User.c.role).orderBy(User.c.id).limit(3).all()";
    const columns = ["User.id", "User.username", "User.roleId", "name"];
    const rows = JSON.parse(await shown("json", `${pairs}.slice(1)`)) as object[];
    expect(rows.map((row) => Object.keys(row))).toEqual([columns, columns]);
    expect(JSON.parse(await shown("json", `${pairs}[2]`))).toEqual(rows[1]);
    expect(rows[1]).toMatchObject({ "User.username": "david", name: "Editor" });
  });
});
