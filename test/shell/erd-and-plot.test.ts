import { expect, it, describe } from "vitest";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mermaidOf } from "../../src/shell/commands/erd";
import { emptyTable } from "../../src/schema/schema";
import { runProgram } from "./built-program";

describe(".erd", () => {
  it("draws tables, keys and the kinds of references", () => {
    const column = (name: string, type: string, nullable = false) => ({ name, type, nullable });
    const key = (columns: string[], table: string) => ({
      columns,
      references: { table, columns: ["id"] },
      onDelete: "NO ACTION" as const,
      onUpdate: "NO ACTION" as const,
    });
    const people = {
      ...emptyTable("people"),
      columns: [column("id", "INTEGER"), column("full name", "character varying(64)", true)],
      primaryKey: { columns: ["id"] },
    };
    const cards = {
      ...emptyTable("ID cards"),
      columns: [column("id", "INTEGER"), column("owner", "INTEGER"), column("issuer", "NUMERIC(10,2)", true)],
      primaryKey: { columns: ["id"] },
      uniques: [{ columns: ["owner"] }],
      foreignKeys: [key(["owner"], "people"), key(["issuer"], "people")],
    };
    expect(mermaidOf({ tables: [people, cards] })).toBe(
      [
        "erDiagram",
        "  people {",
        "    INTEGER id PK",
        "    character_varying(64) full_name",
        "  }",
        '  "ID cards" {',
        "    INTEGER id PK",
        "    INTEGER owner FK, UK",
        "    NUMERIC(10_2) issuer FK",
        "  }",
        '  "ID cards" o|--|| people : "owner"',
        '  "ID cards" }o--o| people : "issuer"',
      ].join("\n"),
    );
  });
});

describe(".erd, .plot and .fake", () => {
  it("work from stdin, and say what they cannot do", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sequelize-shell-"));
    const { stdout, stderr } = await runProgram(["sqlite::memory:", "--keep-going"], {
      cwd: folder,
      input: [
        ".erd schema.md",
        ".plot db.session.query(Role.c.name, func.count(User.c.id).label('users')).join(Role.c.users).groupBy(Role.c.name)",
        ".plot [1, 1, 2]",
        ".plot 3",
        ".plot db.session.query(User.c.id, User.c.id, User.c.id)",
        ".fake User 5 --seed 1",
        "db.session.new.size",
        "db.session.commit()",
        "User.query.filter(User.c.roleId.isNotNull()).count() > 50",
        "User.query.count()",
        ".fake Usr 3",
        ".fake User none",
      ].join("\n"),
    });
    expect(readFileSync(join(folder, "schema.md"), "utf8")).toMatch(
      /^```mermaid\nerDiagram\n[\s\S]*}o--o\| roles : "role_id"\n```\n$/,
    );
    expect(stdout).toMatch(/^name · users\n/);
    expect(stdout).toMatch(/^User +│ 39 █+$/m);
    expect(stdout).toMatch(/\n5\ntrue\n65\n$/);
    expect(stderr).toContain("5 User (new) · --seed 1");
    expect(stderr).toContain("Cannot plot that: expected rows, or a query.");
    expect(stderr).toContain("Cannot plot 3 columns.");
    expect(stderr).toContain('There is no model "Usr".');
    expect(stderr).toContain("Expected a model and a number after .fake.");
    rmSync(folder, { recursive: true });
  });
});
