import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { MigrationProject } from "./project";
import { TABLE, sqliteFixture, surroundings } from "./sqlite-fixture";

/** The kept text as far as a change may touch it: the table's name is quoted after a rebuild. */
function normal(sql: string): string {
  return sql.replace(/^CREATE TABLE (?:"t"|t) ?\(/, "CREATE TABLE t(").replaceAll(/\s+/g, " ");
}

/** Each operation, and what it makes of the text of the table. */
const OPERATIONS: { name: string; upgrade: string; edit: (sql: string) => string; seq?: number; fails?: boolean }[] = [
  {
    name: "alterColumn type",
    upgrade: `await op.alterColumn("t", "d", { type: DataTypes.STRING(20) });`,
    edit: (sql) => sql.replace("d VARCHAR(9)", "d VARCHAR(20)"),
  },
  {
    name: "alterColumn allowNull false",
    upgrade: `await op.alterColumn("t", "d", { allowNull: false });`,
    edit: (sql) => sql.replace("d VARCHAR(9) DEFAULT 'NULL'", "d VARCHAR(9) DEFAULT 'NULL' NOT NULL"),
  },
  {
    name: "alterColumn allowNull false by a rebuild",
    upgrade: `await op.alterTable("t", (t) => t.alterColumn("d", { allowNull: false }), { recreate: "always" });`,
    edit: (sql) => sql.replace("d VARCHAR(9) DEFAULT", "d VARCHAR(9) NOT NULL DEFAULT"),
  },
  {
    name: "alterColumn allowNull true",
    upgrade: `await op.alterColumn("t", "a", { allowNull: true });`,
    edit: (sql) => sql.replace("COLLATE NOCASE NOT NULL", "COLLATE NOCASE"),
  },
  {
    name: "alterColumn default",
    upgrade: `await op.alterColumn("t", "d", { default: "it's" });`,
    edit: (sql) => sql.replace("DEFAULT 'NULL'", "DEFAULT 'it''s'"),
  },
  {
    name: "alterColumn default with a semicolon",
    upgrade: `await op.alterColumn("t", "d", { default: "x;y" });`,
    edit: (sql) => sql.replace("DEFAULT 'NULL'", "DEFAULT 'x;y'"),
  },
  {
    name: "alterColumn dropDefault",
    upgrade: `await op.alterColumn("t", "c", { dropDefault: true });`,
    edit: (sql) => sql.replace("c DATETIME DEFAULT CURRENT_TIMESTAMP", "c DATETIME"),
  },
  {
    name: "alterColumn collate",
    upgrade: `await op.alterColumn("t", "d", { collate: "NOCASE" });`,
    edit: (sql) => sql.replace("DEFAULT 'NULL'", "DEFAULT 'NULL' COLLATE NOCASE"),
  },
  {
    name: "addColumn",
    upgrade: `await op.addColumn("t", "z", { type: DataTypes.INTEGER, default: 5 });`,
    edit: (sql) => sql.replace("free INTEGER", 'free INTEGER, "z" INTEGER DEFAULT 5'),
  },
  {
    name: "addColumn that needs a rebuild",
    upgrade: `await op.addColumn("t", "z", { type: DataTypes.DATE, allowNull: false, default: sql\`CURRENT_TIMESTAMP\` });`,
    edit: (sql) => sql.replace("free INTEGER", 'free INTEGER, "z" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP'),
  },
  {
    name: "addColumn with a fill",
    upgrade: `await op.addColumn("t", "z", { type: DataTypes.STRING, allowNull: false, fill: sql\`a || '!'\` });`,
    edit: (sql) => sql.replace("free INTEGER", 'free INTEGER, "z" VARCHAR(255) NOT NULL'),
  },
  {
    name: "addColumn behind another",
    upgrade: `await op.alterTable("t", (t) => t.addColumn("z", { type: DataTypes.INTEGER }, { after: "a" }), { recreate: "always" });`,
    edit: (sql) => sql.replace("CHECK(length(a)>0),", 'CHECK(length(a)>0), "z" INTEGER,'),
  },
  {
    name: "dropColumn",
    upgrade: `await op.dropColumn("t", "free");`,
    edit: (sql) => sql.replace(" free INTEGER,", ""),
  },
  {
    name: "dropColumn by a rebuild",
    upgrade: `await op.alterTable("t", (t) => t.dropColumn("free"), { recreate: "always" });`,
    edit: (sql) => sql.replace(", free INTEGER,", ","),
  },
  {
    name: "dropColumn with a foreign key",
    upgrade: `await op.dropColumn("t", "p_id");`,
    edit: (sql) => sql.replace(" p_id INTEGER REFERENCES p(id) ON DELETE SET NULL ON UPDATE CASCADE,", ""),
  },
  {
    name: "renameColumn",
    upgrade: `await op.renameColumn("t", "free", "freed");`,
    edit: (sql) => sql.replace("free INTEGER", '"freed" INTEGER'),
  },
  {
    name: "createUnique",
    upgrade: `await op.createUnique("t", "uq_free", ["free", "d"]);`,
    edit: (sql) => sql.replace("UNIQUE(a,b))", 'UNIQUE(a,b), CONSTRAINT "uq_free" UNIQUE ("free", "d"))'),
  },
  {
    name: "dropConstraint unique by name",
    upgrade: `await op.dropConstraint("t", "uq_ab", "unique");`,
    edit: (sql) => sql.replace(", CONSTRAINT uq_ab UNIQUE(a,b)", ""),
  },
  {
    name: "dropConstraint unique by its columns",
    upgrade: `await op.dropConstraint("t", { type: "unique", fields: ["b"] });`,
    edit: (sql) => sql.replace("DEFAULT (1+1) UNIQUE", "DEFAULT (1+1)"),
  },
  {
    name: "createCheck",
    upgrade: `await op.createCheck("t", "ck_e", "e IN (0, 1)");`,
    edit: (sql) => sql.replace("UNIQUE(a,b))", 'UNIQUE(a,b), CONSTRAINT "ck_e" CHECK (e IN (0, 1)))'),
  },
  {
    name: "dropConstraint check",
    upgrade: `await op.dropConstraint("t", "ck_n", "check");`,
    edit: (sql) => sql.replace(" CONSTRAINT ck_n CHECK(b<100),", ""),
  },
  {
    name: "createForeignKey",
    upgrade: `await op.createForeignKey("t", "fk_free", ["free"], "p", ["id"], { onDelete: "CASCADE" });`,
    edit: (sql) =>
      sql.replace(
        "UNIQUE(a,b))",
        'UNIQUE(a,b), CONSTRAINT "fk_free" FOREIGN KEY ("free") REFERENCES "p" ("id") ON DELETE CASCADE)',
      ),
  },
  {
    name: "dropConstraint foreignKey by its columns",
    upgrade: `await op.dropConstraint("t", { type: "foreignKey", fields: ["p_id"] });`,
    edit: (sql) => sql.replace(" REFERENCES p(id) ON DELETE SET NULL ON UPDATE CASCADE", ""),
  },
  {
    name: "several changes at once",
    upgrade: `await op.alterTable("t", (t) => { t.renameColumn("free", "freed"); t.alterColumn("d", { type: DataTypes.STRING(30) }); t.dropConstraint("ck_n", "check"); t.createIndex("i_new", ["freed"]); });`,
    edit: (sql) =>
      sql
        .replace("free INTEGER", '"freed" INTEGER')
        .replace("d VARCHAR(9)", "d VARCHAR(30)")
        .replace(" CONSTRAINT ck_n CHECK(b<100),", ""),
  },
];

describe("changes of a table on SQLite", () => {
  let project: MigrationProject;

  beforeEach(async () => {
    project = await sqliteFixture();
  });
  afterEach(async () => {
    await project.sequelize.close();
    project.remove();
  });

  it.each(OPERATIONS)("$name changes what it names and nothing else", async ({ upgrade, edit }) => {
    const before = await surroundings(project);
    const rows = await project.rows("SELECT id, a, b, c, d, e, g FROM t ORDER BY id");
    const indexes = await project.rows(
      "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = 't' AND name <> 'i_new' ORDER BY name",
    );
    project.writeRevision({ id: "aaaa00000001", upgrade });
    await project.ok("upgrade");

    const [{ sql } = {}] = await project.rows("SELECT sql FROM sqlite_master WHERE name = 't'");
    expect(normal(String(sql))).toBe(normal(edit(TABLE)));
    expect(await surroundings(project)).toEqual(before);
    expect(await project.rows("SELECT id, a, b, c, d, e, g FROM t ORDER BY id")).toEqual(rows);
    expect(
      await project.rows(
        "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = 't' AND name <> 'i_new' ORDER BY name",
      ),
    ).toEqual(indexes);
    // The triggers and the view work, the numbers go on, and foreign keys are enforced again.
    await project.run("UPDATE t SET d = 'changed' WHERE id = 1", "INSERT INTO ch2 VALUES (2, 1)");
    expect((await project.rows("SELECT text FROM log ORDER BY rowid DESC LIMIT 2")).map(({ text }) => text)).toEqual([
      "ch2 2",
      "t 1;",
    ]);
    expect(await project.rows("SELECT count(*) AS n FROM v")).toEqual([{ n: 2 }]);
    await project.run(
      `INSERT INTO t(a, b${upgrade.includes("allowNull: false") ? ", d" : ""}${/"z".*NOT NULL|allowNull: false, fill/.test(upgrade) ? ", z" : ""}) VALUES ('ten', 10${upgrade.includes("allowNull: false") ? ", 'd10'" : ""}${/allowNull: false, fill/.test(upgrade) ? ", 'z'" : ""})`,
    );
    expect(await project.rows("SELECT max(id) AS id FROM t")).toEqual([{ id: 10 }]);
    await expect(project.run("INSERT INTO ch VALUES (3, 4711)")).rejects.toThrow(/FOREIGN KEY/);
  });

  it("keeps the values of columns with odd names", async () => {
    project.writeRevision({
      id: "aaaa00000001",
      upgrade: `await op.alterColumn("t", "o d'd \\"x", { type: DataTypes.STRING(99) });`,
    });
    await project.ok("upgrade");
    expect(await project.rows(`SELECT "o d'd ""x" AS odd FROM t ORDER BY id`)).toEqual([{ odd: "odd" }, { odd: null }]);
  });

  it("keeps the hidden numbers of the rows of a table without a key", async () => {
    await project.run("CREATE TABLE k (a TEXT, b TEXT)", "INSERT INTO k(rowid, a) VALUES (5, 'x'), (17, 'y')");
    project.writeRevision({
      id: "aaaa00000001",
      upgrade: `await op.alterColumn("k", "a", { type: DataTypes.STRING });`,
    });
    await project.ok("upgrade");
    expect(await project.rows("SELECT rowid AS r, a FROM k ORDER BY rowid")).toEqual([
      { r: 5, a: "x" },
      { r: 17, a: "y" },
    ]);
  });

  it("copies a large table in parts where somebody watches, whatever its row numbers are", async () => {
    await project.run(
      "CREATE TABLE large (a VARCHAR(9))",
      "CREATE INDEX ix_large_a ON large (a)",
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120000)
         INSERT INTO large (rowid, a) SELECT i * i, 'row ' || i FROM n`,
      "INSERT INTO large (rowid, a) VALUES (-9223372036854775807, 'first'), (-5, 'second'), (9223372036854775806, 'nearly last'), (9223372036854775807, 'last')",
    );
    const everything =
      "SELECT count(*) AS n, group_concat(CAST(rowid AS TEXT) || a, ',') AS rows FROM (SELECT rowid, a FROM large ORDER BY rowid)";
    const before = await project.rows(everything);
    project.writeRevision({
      id: "aaaa00000001",
      upgrade: `await op.alterColumn("large", "a", { type: DataTypes.STRING(20) });`,
    });
    project.watched = [];
    await project.ok("upgrade");
    expect(project.watched).toEqual([
      "'large': 0 of 120004 rows",
      "'large': 50000 of 120004 rows",
      "'large': 100000 of 120004 rows",
      "'large': making index or trigger 1 of 1",
      undefined,
    ]);
    expect(await project.rows(everything)).toEqual(before);
  });

  it("rebuilds tables WITHOUT ROWID and STRICT tables as what they are", async () => {
    await project.run(
      "CREATE TABLE w (k TEXT PRIMARY KEY, n INTEGER) STRICT, WITHOUT ROWID",
      "INSERT INTO w VALUES ('b', 2), ('a', 1)",
    );
    project.writeRevision({ id: "aaaa00000001", upgrade: `await op.createCheck("w", "ck_w", "n > 0");` });
    await project.ok("upgrade");
    const [{ sql } = {}] = await project.rows("SELECT sql FROM sqlite_master WHERE name = 'w'");
    expect(sql).toBe(
      `CREATE TABLE "w" (k TEXT PRIMARY KEY, n INTEGER, CONSTRAINT "ck_w" CHECK (n > 0)) STRICT, WITHOUT ROWID`,
    );
    expect(await project.rows("SELECT * FROM w")).toEqual([
      { k: "a", n: 1 },
      { k: "b", n: 2 },
    ]);
  });

  it("renames a table and what refers to it", async () => {
    project.writeRevision({ id: "aaaa00000001", upgrade: `await op.renameTable("t", "things");` });
    await project.ok("upgrade");
    expect(
      (await project.rows("SELECT sql FROM sqlite_master WHERE name IN ('ch', 'v', 'tr')")).every(({ sql }) =>
        /"?things"?/.test(String(sql)),
      ),
    ).toBe(true);
    expect(await project.rows("SELECT seq FROM sqlite_sequence WHERE name = 'things'")).toEqual([{ seq: 9 }]);
  });

  it("renames a table whose new name differs in case only", async () => {
    project.writeRevision({ id: "aaaa00000001", upgrade: `await op.renameTable("t", "T");` });
    await project.ok("upgrade");
    expect(await project.rows("SELECT name FROM sqlite_master WHERE name = 'T'")).toHaveLength(1);
  });

  it("takes over rows that violate foreign keys already", async () => {
    await project.run("PRAGMA foreign_keys = OFF", "INSERT INTO ch VALUES (50, 999)", "PRAGMA foreign_keys = ON");
    project.writeRevision({ id: "aaaa00000001", upgrade: `await op.alterColumn("ch", "t_id", { default: 1 });` });
    await project.ok("upgrade");
    expect(await project.rows("SELECT t_id FROM ch WHERE id = 50")).toEqual([{ t_id: 999 }]);
  });

  it.each([
    [
      "an index",
      `await op.dropIndex("i_expression", "t"); await op.dropColumn("t", "b");`,
      `index "i_partial" uses it`,
    ],
    [
      "a view",
      `await op.dropIndex("i_expression", "t"); await op.dropConstraint("t", "uq_ab", "unique"); await op.dropColumn("t", "a");`,
      `view "v" uses it`,
    ],
    ["a trigger", `await op.dropIndex("i_unique", "t"); await op.dropColumn("t", "d");`, `trigger "tr_t" uses it`],
    [
      "a key of several columns",
      `await op.dropIndex("i_expression", "t"); await op.dropIndex("i_partial", "t"); await op.dropColumn("t", "b");`,
      "the key (a, b) uses it",
    ],
  ])("refuses to drop a column that %s needs, and changes nothing", async (_what, upgrade, reason) => {
    const before = await project.rows("SELECT name, sql FROM sqlite_master ORDER BY name");
    project.writeRevision({ id: "aaaa00000001", upgrade });
    const { exitCode, stderr } = await project.db("upgrade");
    expect(exitCode).toBe(1);
    expect(stderr).toContain(reason);
    expect(await project.rows("SELECT name, sql FROM sqlite_master ORDER BY name")).toEqual(before);
  });

  it("names the view that a revision would leave broken, and changes nothing", async () => {
    const before = await project.rows("SELECT name, sql FROM sqlite_master ORDER BY name");
    await project.run("CREATE VIEW w AS SELECT x.free FROM (SELECT * FROM t) AS x");
    const withView = await project.rows("SELECT name, sql FROM sqlite_master ORDER BY name");
    project.writeRevision({
      id: "aaaa00000001",
      upgrade: `await op.execute("ALTER TABLE p ADD COLUMN q"); await op.execute("DROP VIEW v"); await op.execute("CREATE VIEW v AS SELECT nope FROM t");`,
    });
    const { stderr } = await project.db("upgrade");
    expect(stderr).toMatch(/leaves a view or trigger that does not work: error in view v.*nope/);
    expect(await project.rows("SELECT name, sql FROM sqlite_master ORDER BY name")).toEqual(withView);
    expect(withView.length).toBe(before.length + 1);
  });

  it("names rows that a revision would leave referring to nothing, and changes nothing", async () => {
    project.writeRevision({ id: "aaaa00000001", upgrade: `await op.execute("DELETE FROM t WHERE id = 1");` });
    const { stderr } = await project.db("upgrade");
    expect(stderr).toMatch(/leaves 1 row that refers to nothing: ch row 1 -> t/);
    expect(await project.rows("SELECT count(*) AS n FROM t")).toEqual([{ n: 2 }]);
  });

  it("refuses a rebuild while a revision asks for foreign keys to be enforced", async () => {
    project.writeRevision({
      id: "aaaa00000001",
      extra: "export const sqliteForeignKeys = true;",
      upgrade: `await op.alterColumn("t", "d", { type: DataTypes.STRING(20) });`,
    });
    const { stderr } = await project.db("upgrade");
    expect(stderr).toContain('Cannot rebuild table "t" while foreign keys are enforced.');
  });

  it("enforces foreign keys in a revision that asks for it", async () => {
    project.writeRevision({
      id: "aaaa00000001",
      extra: "export const sqliteForeignKeys = true;",
      upgrade: `await op.execute("DELETE FROM t WHERE id = 1");`,
    });
    await project.ok("upgrade");
    expect(await project.rows("SELECT t_id FROM ch")).toEqual([{ t_id: 2 }]);
  });

  it('refuses a change that needs a rebuild where recreate is "never"', async () => {
    project.writeRevision({
      id: "aaaa00000001",
      upgrade: `await op.alterTable("t", (t) => t.alterColumn("d", { type: DataTypes.STRING(20) }), { recreate: "never" });`,
    });
    expect((await project.db("upgrade")).stderr).toContain(
      'alterColumn t.d needs table "t" to be rebuilt, and recreate is "never".',
    );
  });

  it("decides between SQLite's own statement and a rebuild by rule, not by the rows", async () => {
    await project.run("CREATE TABLE full (a INTEGER)", "INSERT INTO full VALUES (1)", "CREATE TABLE empty (a INTEGER)");
    const column = `{ type: DataTypes.DATE, allowNull: false, default: sql\`CURRENT_TIMESTAMP\` }`;
    project.writeRevision({
      id: "aaaa00000001",
      upgrade: `await op.addColumn("full", "z", ${column}); await op.addColumn("empty", "z", ${column});`,
    });
    const { stderr } = await project.ok("upgrade");
    expect(stderr).toContain("Rebuilding 'full' (1 row)");
    expect(stderr).toContain("Rebuilding 'empty' (0 rows)");
  });
});
