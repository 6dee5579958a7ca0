import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { databases, describeEachDatabase } from "../databases";
import { MigrationProject } from "./project";

const MAKE = `await op.createTable("users", { id: { type: DataTypes.INTEGER, primaryKey: true }, age: { type: DataTypes.INTEGER }, email: { type: DataTypes.STRING(64) }, role: { type: DataTypes.INTEGER } });
  await op.createTable("roles", { id: { type: DataTypes.INTEGER, primaryKey: true } });
  await op.bulkInsert("users", [{ id: 1, age: 1, email: "a", role: 7 }, { id: 4, age: null, email: "a", role: null }, { id: 9, age: null, email: null, role: 8 }]);`;

describeEachDatabase("a revision that fails", (database) => {
  let project: MigrationProject;
  const transactional = database.name !== "mariadb";

  beforeEach(async () => {
    project = new MigrationProject(database.sequelize);
    await project.ok("init");
    project.writeRevision({
      id: "aaaa0001",
      message: "make",
      upgrade: MAKE,
      downgrade: `await op.dropTable("users"); await op.dropTable("roles");`,
    });
    await project.ok("upgrade");
  });
  afterEach(async () => {
    project.remove();
    for (const { name } of (await project.schema()).tables)
      await project.run(`DROP TABLE ${project.connect().dialect.quote(name)}`);
  });

  function fails(upgrade: string): void {
    project.writeRevision({ id: "bbbb0002", down: "aaaa0001", message: "change", upgrade });
  }

  async function tables(): Promise<string[]> {
    return (await project.schema()).tables.map(({ name }) => name).sort();
  }

  it("says where and why, and leaves nothing of itself where the database can undo it", async () => {
    fails(`await op.createTable("extra", { id: { type: DataTypes.INTEGER } });
      await op.execute("INSERT INTO extra VALUES (1)"); // What if this is not for all? It stands once.
      /* await op.dropTable("users") only if nobody needs it */
      await op.alterColumn("users", "age", { allowNull: false });
      await op.dropTable("roles");
      await op.dropTable("users");`);
    const { exitCode, stdout, stderr } = await project.db("upgrade");
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    const where = database.name === "sqlite" ? "(rowid 4, 9)" : "(id 4, 9)";
    const reason = `NOT NULL: 2 rows of users.age are NULL ${where}. Give { fill: … } or fix the data.`;
    if (transactional) {
      expect(stderr).toBe(
        `INFO  [migrate] Running upgrade aaaa0001 -> bbbb0002, change\nError: Revision bbbb0002 (change) failed in upgrade() at operation 3 of 5: alterColumn users.age\n  ${reason}\nNothing was changed by this revision; the database is at aaaa0001.\n`,
      );
    } else {
      // Found before the first operation is made.
      expect(stderr).toContain(
        `Error: Revision bbbb0002 (change) failed in upgrade()\n  ${reason}\nNothing was changed by this revision; the database is at aaaa0001.`,
      );
    }
    expect(await tables()).toEqual(["migration_versions", "roles", "users"]);
    expect((await project.ok("current")).stdout).toBe("aaaa0001\n");
  });

  it.each([
    [
      "a required column without a value",
      `await op.addColumn("users", "newc", { type: DataTypes.STRING, allowNull: false });`,
      "addColumn users.newc: NOT NULL without default; users has 3 rows. Give { fill: value }.",
    ],
    [
      "a fill that was left open",
      `await op.addColumn("users", "newc", { type: DataTypes.STRING, allowNull: false, fill: undefined });`,
      "addColumn users.newc: NOT NULL without default; users has 3 rows. Give { fill: value }.",
    ],
    [
      "values that are there twice",
      `await op.createUnique("users", undefined, ["email"]);`,
      "createUnique users(email): 1 value is there more than once ('a'). Fix the data first.",
    ],
    [
      "rows that refer to nothing",
      `await op.createForeignKey("users", undefined, ["role"], "roles", ["id"]);`,
      /createForeignKey users\(role\): 2 rows refer to no row of roles \([78]; [78]\)\. Fix the data first\./,
    ],
    [
      "rows that do not meet a check",
      `await op.createCheck("users", "ck", "id < 9");`,
      /createCheck ck on users: 1 row does not meet it \((row)?id 9\)\. Fix the data first\./,
    ],
    [
      "text that is no number",
      `await op.execute("UPDATE users SET email = '12' WHERE id = 1"); await op.alterColumn("users", "email", { type: DataTypes.INTEGER });`,
      database.name === "postgres"
        ? /invalid input syntax for type integer: "a"/
        : database.name === "sqlite"
          ? "alterColumn users.email: 1 row holds no number ('a'). Give { using: sql`…` } or fix the data."
          : /1 row holds no number \('a'\)/,
    ],
  ])("tells of %s", async (_what, upgrade, reason) => {
    fails(upgrade);
    const { exitCode, stderr } = await project.db("upgrade");
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      typeof reason === "string" ? new RegExp(reason.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")) : reason,
    );
    expect(stderr).not.toMatch(/Sequelize|Validation error|at .*\.ts:/);
  });

  it("shows its stack with --traceback", async () => {
    fails(`throw new Error("on purpose");`);
    expect((await project.db("upgrade")).stderr).toContain("failed in upgrade()\n  on purpose\n");
    if (transactional)
      expect((await project.db("upgrade", "--traceback")).stderr).toMatch(/Error: on purpose\n\s+at .*bbbb0002\.ts/);
  });

  if (transactional) {
    it("undoes a downgrade that fails", async () => {
      project.writeRevision({
        id: "bbbb0002",
        down: "aaaa0001",
        message: "change",
        upgrade: `await op.addColumn("users", "note", { type: DataTypes.STRING });`,
        downgrade: `await op.dropColumn("users", "note"); await op.dropTable("nope");`,
      });
      await project.ok("upgrade");
      const { stderr } = await project.db("downgrade");
      expect(stderr).toContain("Revision bbbb0002 (change) failed in downgrade() at operation 2 of 2: dropTable nope");
      expect(stderr).toContain("Nothing was changed by this revision; the database is at bbbb0002.");
      expect(
        (await project.schema()).tables.find(({ name }) => name === "users")?.columns.map(({ name }) => name),
      ).toContain("note");
    });

    it("keeps the revisions before it, or none where the whole upgrade is one transaction", async () => {
      project.writeRevision({
        id: "bbbb0002",
        down: "aaaa0001",
        upgrade: `await op.createTable("extra", { id: { type: DataTypes.INTEGER } });`,
        downgrade: `await op.dropTable("extra");`,
      });
      project.writeRevision({ id: "cccc0003", down: "bbbb0002", upgrade: `await op.dropTable("nope");` });
      await project.db("upgrade");
      expect((await project.ok("current")).stdout).toBe("bbbb0002\n");
      await project.ok("downgrade");
      writeFileSync(join(project.directory, "config.json"), '{ "transactionPerMigration": false }');
      const { stderr } = await project.db("upgrade");
      expect(stderr).toContain("Nothing was changed by this revision; the database is at aaaa0001.");
      expect((await project.ok("current")).stdout).toBe("aaaa0001\n");
    });
  } else {
    const HALF = `await op.createTable("first", { id: { type: DataTypes.INTEGER } });
      await op.createTable("second", { id: { type: DataTypes.INTEGER } });
      await op.execute("INSERT INTO second SELECT id FROM nowhere");
      await op.createTable("third", { id: { type: DataTypes.INTEGER } });`;

    it("stands at a known step, and says how to go on", async () => {
      fails(HALF);
      const first = await project.db("upgrade");
      expect(first.exitCode).toBe(1);
      expect(first.stderr).toContain(
        "Error: Revision bbbb0002 (change) failed in upgrade() at operation 3 of 4: execute\n",
      );
      expect(first.stderr).toContain("2 of 4 operations of it are made and stay: this database cannot undo DDL.\n");
      const way = 'Use "db resolve bbbb0002 --resume" (same file only), "--applied" or "--rolled-back".';
      expect(first.stderr).toContain(way);
      expect(await project.db("upgrade")).toMatchObject({
        exitCode: 1,
        stderr: `Error: Revision bbbb0002 stopped after 2 of 4 operations on a database without transactional DDL.\n${way}\n`,
      });
      for (const command of ["downgrade", "check"])
        expect((await project.db(command)).stderr).toContain(
          "Error: Revision bbbb0002 stopped after 2 of 4 operations",
        );
      expect((await project.db("migrate", "-m", "x")).stderr).toContain(
        "Error: Revision bbbb0002 stopped after 2 of 4",
      );
      expect((await project.ok("current")).stdout).toBe("bbbb0002 (head) (failed, 2 of 4 operations done)\n");
    });

    it("goes on where it stopped by --resume, with the same file only", async () => {
      fails(HALF);
      await project.db("upgrade");
      await project.run("CREATE TABLE nowhere (id INTEGER)");
      const { stderr } = await project.ok("resolve", "bbbb", "--resume");
      expect(stderr).toBe("INFO  [migrate] Running upgrade aaaa0001 -> bbbb0002, change\n");
      expect(await tables()).toEqual(["first", "migration_versions", "nowhere", "roles", "second", "third", "users"]);
      expect((await project.ok("current")).stdout).toBe("bbbb0002 (head)\n");
    });

    it("is not resumed where its file was edited", async () => {
      fails(HALF);
      await project.db("upgrade");
      fails(HALF.replace("third", "fourth"));
      expect((await project.db("resolve", "bbbb0002", "--resume")).stderr).toContain(
        "Cannot resume revision bbbb0002: its file was edited since it stopped.",
      );
    });

    it("is noted as applied, or as gone, where a person mended it", async () => {
      fails(HALF);
      await project.db("upgrade");
      await project.ok("resolve", "bbbb0002", "--applied");
      expect((await project.ok("current")).stdout).toBe("bbbb0002 (head)\n");
      await project.run("UPDATE migration_versions SET status = 'failed' WHERE version_num = 'bbbb0002'");
      await project.ok("resolve", "bbbb0002", "--rolled-back");
      expect((await project.ok("current")).stdout).toBe("aaaa0001\n");
      expect(await project.db("resolve", "aaaa0001", "--applied")).toMatchObject({
        exitCode: 1,
        stderr: "Error: Revision aaaa0001 did not stop half way; there is nothing to resolve.\n",
      });
      expect((await project.db("resolve", "aaaa0001")).exitCode).toBe(2);
    });

    it("goes on with a downgrade where it stopped", async () => {
      project.writeRevision({
        id: "bbbb0002",
        down: "aaaa0001",
        upgrade: `await op.createTable("extra", { id: { type: DataTypes.INTEGER } });`,
        downgrade: `await op.dropTable("extra"); await op.dropTable("nope");`,
      });
      await project.ok("upgrade");
      expect((await project.db("downgrade")).exitCode).toBe(1);
      expect((await project.db("downgrade")).stderr).toContain(
        "Revision bbbb0002 stopped while being undone, after 1 of 2 operations",
      );
      await project.run("CREATE TABLE nope (id INTEGER)");
      await project.ok("resolve", "bbbb0002", "--resume");
      expect((await project.ok("current")).stdout).toBe("aaaa0001\n");
      expect(await tables()).toEqual(["migration_versions", "roles", "users"]);
    });
  }
});

for (const database of databases()) {
  describe.skipIf(database.skipReason !== undefined)(
    `a migration that another one keeps waiting on ${database.name}${database.skipReason ? ` (skipped: ${database.skipReason})` : ""}`,
    () => {
      it("gives up after the time that it was given, and changes nothing", async () => {
        const folder = mkdtempSync(join(tmpdir(), "seqshell-lock-"));
        const storage = database.name === "sqlite" ? { storage: join(folder, "x.sqlite") } : {};
        const sequelize = await database.create(storage);
        const [first, second] = [new MigrationProject(sequelize, folder), new MigrationProject(sequelize, folder)];
        await first.ok("init");
        const signals = globalThis as { migrationIsHeld?: () => void; migrationMayEnd?: Promise<void> };
        const isHeld = new Promise<void>((resolve) => (signals.migrationIsHeld = resolve));
        let release = (): void => undefined;
        signals.migrationMayEnd = new Promise((resolve) => (release = resolve));
        // So many bytes that SQLite keeps readers out too.
        const rows = `Array.from({ length: 60 }, (_, id) => ({ id, text: "x".repeat(60000) }))`;
        first.writeRevision({
          id: "aaaa0001",
          upgrade: `await op.createTable("t", { id: { type: DataTypes.INTEGER }, text: { type: DataTypes.TEXT } });
            await op.bulkInsert("t", ${rows});
            (globalThis as any).migrationIsHeld();
            await (globalThis as any).migrationMayEnd;`,
          downgrade: `await op.dropTable("t");`,
        });
        writeFileSync(join(first.directory, "config.json"), '{ "lockTimeout": 0.3 }');
        const running = first.ok("upgrade");
        await Promise.race([isHeld, running]);
        expect(await second.db("upgrade")).toEqual({
          exitCode: 1,
          stdout: "",
          stderr: "Error: Another migration is running on this database (waited 0.3 s). Nothing was changed.\n",
        });
        release();
        await running;
        expect((await second.ok("upgrade")).stderr).toBe("");
        expect(await second.rows("SELECT count(*) AS n FROM t")).toEqual([
          { n: database.name === "postgres" ? "60" : 60 },
        ]);
        await database.drop(sequelize);
        rmSync(folder, { recursive: true });
      });
    },
  );
}
