import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sequelize } from "sequelize";
import { DataTypes } from "sequelize";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Table } from "../../src/schema/schema";
import { describeEachDatabase } from "../databases";
import { MigrationProject } from "./project";

const { INTEGER, STRING } = DataTypes;

describeEachDatabase("options of operations and settings", (database) => {
  let project: MigrationProject;
  let count = 0;

  beforeEach(async () => {
    project = new MigrationProject(database.sequelize);
    await project.ok("init");
  });
  afterEach(async () => {
    project.remove();
    for (const view of (await project.schema()).views) await project.run(`DROP VIEW ${view.name}`);
    for (const { name } of (await project.schema()).tables.reverse())
      await project.run(`DROP TABLE ${project.connect().dialect.quote(name)}`);
  });

  async function run(upgrade: string): Promise<void> {
    const ids = project
      .files()
      .map((file) => file.replace(".ts", ""))
      .sort();
    project.writeRevision({ id: `r${String(++count).padStart(7, "0")}`, down: ids.at(-1) ?? null, upgrade });
    await project.ok("upgrade");
  }

  async function table(name = "t"): Promise<Table> {
    const found = (await project.schema()).tables.find((candidate) => candidate.name === name);
    if (!found) throw new Error(`no table ${name}`);
    return found;
  }

  const only = (name: string): ReturnType<typeof it.runIf> => it.runIf(database.name === name);

  const T = `await op.createTable("t", { id: { type: DataTypes.INTEGER, primaryKey: true }, a: { type: DataTypes.STRING(20) }, b: { type: DataTypes.INTEGER } });`;

  only("mariadb")("a table has the engine, characters and collation that it is given, on MariaDB", async () => {
    await run(
      `await op.createTable("t", { id: { type: DataTypes.INTEGER, primaryKey: true } }, { mysql: { engine: "Aria", charset: "latin1", collate: "latin1_bin" } });`,
    );
    expect((await table()).options).toMatchObject({ engine: "Aria", collate: "latin1_bin" });
  });

  only("sqlite")("a table is strict or without row numbers, on SQLite", async () => {
    await run(
      `await op.createTable("t", { id: { type: "INTEGER", primaryKey: true }, a: { type: "TEXT" } }, { sqlite: { strict: true, withoutRowid: true } });`,
    );
    expect((await table()).options).toEqual({ strict: true, withoutRowid: true });
  });

  only("sqlite")("copyFrom gives the text that a rebuild begins from", async () => {
    await run(T);
    await run(
      `await op.alterTable("t", (t) => { t.alterColumn("a", { type: DataTypes.STRING(30) }); }, { copyFrom: "CREATE TABLE t (id INTEGER PRIMARY KEY, a VARCHAR(20) COLLATE NOCASE, b INTEGER CHECK (b > 0))" });`,
    );
    expect((await table()).sql).toBe(
      `CREATE TABLE "t" (id INTEGER PRIMARY KEY, a VARCHAR(30) COLLATE NOCASE, b INTEGER CHECK (b > 0))`,
    );
  });

  only("sqlite")("without SQLite's own ALTERs of constraints a check is made and dropped by rebuilds", async () => {
    const config = join(project.directory, "config.json");
    writeFileSync(config, JSON.stringify({ format: 1, sqliteNativeConstraints: false }));
    await run(T);
    project.statements.length = 0;
    await run(`await op.createCheck("t", "ck_t_b", "b > 0");`);
    await run(`await op.dropConstraint("t", "ck_t_b", "check");`);
    expect(project.statements.filter((sql) => sql.startsWith(`CREATE TABLE "_mig_new_t"`))).toHaveLength(2);
    expect((await table()).checks).toEqual([]);
  });

  it("a column stands behind another, where the database can place it", async () => {
    await run(T);
    await run(`await op.addColumn("t", "n", { type: DataTypes.INTEGER }, { after: "id" });`);
    const names = (await table()).columns.map(({ name }) => name);
    expect(names).toEqual(database.name === "mariadb" ? ["id", "n", "a", "b"] : ["id", "a", "b", "n"]);
  });

  only("postgres")("keys wait for the end of a transaction, and indexes carry columns and conditions", async () => {
    await run(T);
    await run(`
      await op.createUnique("t", "uq", ["a"], { deferrable: "deferred" });
      await op.createForeignKey("t", "fk", ["b"], "t", ["id"], { onDelete: "SET NULL", deferrable: "immediate" });
      await op.createIndex("ix", "t", [{ column: "a", order: "DESC", nulls: "last" }, { expression: "lower(a)" }], { include: ["b"], where: "b > 0" });
      await op.createIndex("ix_hash", "t", ["a"], { using: "hash" });`);
    const { uniques, foreignKeys, indexes } = await table();
    expect(uniques).toEqual([{ name: "uq", columns: ["a"], deferrable: "deferred" }]);
    expect(foreignKeys[0]).toMatchObject({ onDelete: "SET NULL", deferrable: "immediate" });
    expect(indexes).toMatchObject([
      { name: "ix", include: ["b"], columns: [{ column: "a", descending: true, nulls: "last" }, {}] },
      { name: "ix_hash", method: "hash" },
    ]);
    expect(indexes[0]?.where).toMatch(/b > 0/);
  });

  it("a revision knows its database, and whether it is written as a script", async () => {
    const told = `op.execute("CREATE TABLE told_" + op.dialect + "_" + String(op.isOffline) + " (x INTEGER)")`;
    await run(`await ${told};`);
    expect((await project.schema()).tables.map(({ name }) => name)).toContain(`told_${database.name}_false`);
    expect((await project.ok("upgrade", "--sql")).stdout).toContain(`CREATE TABLE told_${database.name}_true`);
  });

  it("a revision waits for the one that it depends on, on another branch", async () => {
    await project.ok("revision", "-m", "one", "--rev-id", "aaaa0001");
    await project.ok("revision", "-m", "side", "--rev-id", "bbbb0001", "--head", "base", "--branch-label", "side");
    await project.ok("revision", "-m", "two", "--rev-id", "aaaa0002", "--head", "aaaa0001", "--depends-on", "side");
    expect((await project.ok("upgrade", "aaaa0002")).stderr.match(/-> \w+/g)).toEqual([
      "-> aaaa0001",
      "-> bbbb0001",
      "-> aaaa0002",
    ]);
    expect((await project.ok("history")).stdout).toContain("aaaa0001 (bbbb0001) -> aaaa0002");
  });

  it("a hook writes the types of columns", async () => {
    writeFileSync(
      join(project.directory, "env.ts"),
      `export default { renderItem: (type: string, column: { name: string }) => column.name === "a" ? '"VARCHAR(7)"' : undefined };`,
    );
    project.define((sequelize: Sequelize) => {
      sequelize.define("T", { a: STRING(7), b: INTEGER }, { tableName: "t", timestamps: false });
    });
    await project.ok("migrate", "-m", "t");
    expect(project.newestText()).toContain(`a: { type: "VARCHAR(7)" }`);
    await project.ok("upgrade");
    await project.ok("check");
  });

  it("warns of rows that do not meet a check, and of many rows that are written anew", async () => {
    await run(T);
    const numbers =
      database.name === "postgres"
        ? "SELECT n FROM generate_series(1, 100000) AS g(n)"
        : database.name === "mariadb"
          ? "SELECT seq AS n FROM seq_1_to_100000"
          : "WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < 100000) SELECT n FROM g";
    await project.run(`INSERT INTO t (id, a, b) SELECT n, 'x', n FROM (${numbers}) AS s`);
    await project.run("CREATE VIEW v AS SELECT b FROM t");
    project.define((sequelize: Sequelize) => {
      const checks = [{ name: "ck_t_b", expression: "b > 1" }];
      const options = { tableName: "t", timestamps: false, checks } as object;
      sequelize.define("T", { id: { type: INTEGER, primaryKey: true }, a: INTEGER, b: INTEGER }, options);
    });
    const { stderr } = await project.ok("migrate", "-m", "check");
    expect(stderr).toContain("CK1 createCheck ck_t_b on t: 1 row does not meet it");
    expect(stderr).toContain("CV1 every one of the 100000 rows of 't' is written anew");
    if (database.name === "sqlite") expect(stderr).toContain("TR1 table 't' is rebuilt under view 'v'");
    else expect(stderr).not.toContain("TR1");
    const refused = await project.db("upgrade");
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(
      /Revision \w+ \(check\) failed in upgrade\(\)(?: at operation 1 of 1: alterTable t)?/,
    );
  });
});
