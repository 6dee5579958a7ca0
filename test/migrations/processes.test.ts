import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Sequelize } from "sequelize";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PROGRAM, programDatabases, runProgram } from "../shell/built-program";
import { MigrationProject } from "./project";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "seqshell-processes-"));
  mkdirSync(join(folder, "migrations", "versions"), { recursive: true });
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A revision in plain JavaScript: a process that runs it needs no compiler. */
function writeRevision(id: string, down: string | null, upgrade: string): void {
  writeFileSync(
    join(folder, "migrations", "versions", `${id}.js`),
    `/** ${id} */
const { DataTypes } = require("sequelize-shell/migrations");
const { readdirSync } = require("node:fs");
exports.revision = ${JSON.stringify(id)};
exports.downRevision = ${JSON.stringify(down)};
exports.upgrade = async (op) => { ${upgrade} };
exports.downgrade = async () => undefined;
void [DataTypes, readdirSync];
`,
  );
}

describe("the models of migrations", () => {
  it("are only read: no name is refused that a session could not do with", async () => {
    writeFileSync(
      join(folder, "models.js"),
      `exports.define = (sequelize, { STRING }) => { sequelize.define("Odd", { query: STRING, save: STRING }, { tableName: "odd" }); };`,
    );
    const place = ["--url", `sqlite:${join(folder, "odd.sqlite")}`];
    const models = ["--models", join(folder, "models.js")];
    const ended = [];
    for (const args of [["migrate", "-m", "odd", ...models], ["upgrade"], ["check", ...models]])
      ended.push(await runProgram(["db", ...args, ...place], { cwd: folder }));
    expect(ended.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    expect(ended[2]?.stdout).toBe("No new upgrade operations detected.\n");
  });

  it("are the sample models where no others are named", async () => {
    const args = ["db", "migrate", "-m", "sample", "--url", `sqlite:${join(folder, "sample.sqlite")}`];
    const { exitCode, stderr } = await runProgram(args, { cwd: folder });
    expect(exitCode).toBe(0);
    expect(stderr.match(/Detected added table '\w+'/g)).toEqual([
      "Detected added table 'roles'",
      "Detected added table 'users'",
    ]);
    expect(stderr).not.toContain("Warning");
  });

  it("are said to be the samples where that would drop tables", async () => {
    const url = `sqlite:${join(folder, "other.sqlite")}`;
    writeRevision("aaaa0001", null, `await op.createTable("other", { id: { type: DataTypes.INTEGER } });`);
    await runProgram(["db", "upgrade", "--url", url], { cwd: folder });
    const { stderr } = await runProgram(["db", "migrate", "-m", "oops", "--url", url], { cwd: folder });
    expect(stderr).toContain(
      "Warning: compared with the sample models, which have no 'other'. --models PATH names those of a project.\n",
    );
  });
});

const PROCESSES = 4;

describe("processes that upgrade one database at once", () => {
  for (const database of programDatabases().filter(({ name }) => name !== "sqlite::memory:")) {
    const run = database.skipReason === undefined ? it : it.skip;
    run(`run each revision once on ${database.name}`, async () => {
      const { url, drop } = await database.create(folder);
      // Each process says that it is there just before it opens the database; the first revision waits until all are.
      writeFileSync(
        join(folder, "models.js"),
        `require("node:fs").writeFileSync(__dirname + "/here-" + process.pid, ""); exports.define = () => undefined;`,
      );
      writeRevision(
        "aaaa0001",
        null,
        `await op.createTable("runs", { revision: { type: DataTypes.STRING(20) } });
         const here = () => readdirSync(${JSON.stringify(folder)}).filter((name) => name.startsWith("here-")).length;
         while (here() < ${PROCESSES}) await new Promise((resolve) => setTimeout(resolve, 20));
         await new Promise((resolve) => setTimeout(resolve, 200));
         await op.bulkInsert("runs", [{ revision: "aaaa0001" }]);`,
      );
      writeRevision("bbbb0002", "aaaa0001", `await op.bulkInsert("runs", [{ revision: "bbbb0002" }]);`);
      writeRevision("cccc0003", "bbbb0002", `await op.bulkInsert("runs", [{ revision: "cccc0003" }]);`);
      try {
        const args = ["db", "upgrade", "--url", url, "--models", join(folder, "models.js")];
        const ended = await Promise.all(Array.from({ length: PROCESSES }, () => runProgram(args, { cwd: folder })));
        expect(ended.map(({ exitCode, stdout }) => ({ exitCode, stdout }))).toEqual(
          Array.from({ length: PROCESSES }, () => ({ exitCode: 0, stdout: "" })),
        );
        const told = ended.flatMap(({ stderr }) => stderr.split("\n").filter((line) => line !== ""));
        expect(told.sort()).toEqual([
          "INFO  [migrate] Running upgrade  -> aaaa0001, aaaa0001",
          "INFO  [migrate] Running upgrade aaaa0001 -> bbbb0002, bbbb0002",
          "INFO  [migrate] Running upgrade bbbb0002 -> cccc0003, cccc0003",
        ]);
        const sequelize = new Sequelize(url, { logging: false });
        const rows = await new MigrationProject(sequelize, folder).rows("SELECT revision FROM runs ORDER BY revision");
        expect(rows).toEqual(["aaaa0001", "bbbb0002", "cccc0003"].map((revision) => ({ revision })));
        await sequelize.close();
      } finally {
        await drop();
      }
    });
  }
});

const isLong = process.env["LONG"] === "1";
const ROWS = isLong ? 1_000_000 : 100_000;
const KILLS = isLong ? 20 : 3;

describe("an upgrade that is killed", () => {
  /** A copy of the database, of which one process at a time is told. */
  class Copy {
    readonly project: MigrationProject;

    constructor(readonly file: string) {
      const sequelize = new Sequelize({ dialect: "sqlite", storage: file, logging: false });
      this.project = new MigrationProject(sequelize, folder);
    }

    /** Everything in the database, and whether SQLite finds it sound. */
    async state(): Promise<unknown> {
      const { project } = this;
      return [
        await project.rows("SELECT count(*) AS n, sum(id) AS ids, sum(amount) AS amounts, max(code) AS code FROM big"),
        await project.rows("SELECT count(*) AS n, sum(big_id) AS ids FROM child"),
        await project.rows("SELECT seq FROM sqlite_sequence WHERE name = 'big'"),
        await project.rows("PRAGMA integrity_check"),
        await project.rows("PRAGMA foreign_key_check"),
      ];
    }

    async schema(): Promise<string> {
      return JSON.stringify(await this.project.rows("SELECT name, sql FROM sqlite_master ORDER BY name"));
    }

    /** Upgrades in a process, which is killed so many milliseconds after its rebuild began. @returns milliseconds from there on */
    upgrade(killAfter?: number): Promise<{ milliseconds: number; killed: boolean }> {
      return new Promise((done) => {
        const args = [PROGRAM, "db", "upgrade", "--url", `sqlite:${this.file}`];
        const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
        let start: number | undefined;
        child.stderr.on("data", (text: Buffer) => {
          if (start !== undefined || !text.includes("Rebuilding 'big'")) return;
          start = performance.now();
          if (killAfter !== undefined) setTimeout(() => child.kill("SIGKILL"), killAfter);
        });
        child.on("close", (_code, signal) =>
          done({ milliseconds: performance.now() - (start ?? NaN), killed: signal === "SIGKILL" }),
        );
      });
    }
  }

  it(
    `in the middle of a rebuild leaves the table whole (${KILLS} moments, ${ROWS} rows)`,
    { timeout: 300_000 },
    async () => {
      const original = new Copy(join(folder, "original.sqlite"));
      await original.project.run(
        "CREATE TABLE big (id INTEGER PRIMARY KEY AUTOINCREMENT, code VARCHAR(9) NOT NULL, amount INTEGER CHECK (amount >= 0))",
        "CREATE INDEX ix_big_code ON big (code)",
        "CREATE TABLE child (id INTEGER PRIMARY KEY, big_id INTEGER REFERENCES big (id) ON DELETE CASCADE)",
        "CREATE TRIGGER tr AFTER DELETE ON big BEGIN DELETE FROM child WHERE big_id = old.id; END",
        `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})
           INSERT INTO big SELECT i, 'code ' || i % 1000, i % 7 FROM n`,
        "INSERT INTO child SELECT id, id FROM big WHERE id % 1000 = 0",
      );
      const [state, before] = [await original.state(), await original.schema()];
      await original.project.sequelize.close();
      writeRevision(
        "aaaa0001",
        null,
        `await op.alterTable("big", (t) => {
           t.alterColumn("code", { type: DataTypes.STRING(20) });
           t.createUnique("uq_big", ["id", "code"]);
         });`,
      );
      const copy = (name: string): Copy => {
        copyFileSync(original.file, join(folder, name));
        return new Copy(join(folder, name));
      };

      const whole = copy("whole.sqlite");
      const { milliseconds } = await whole.upgrade();
      const after = await whole.schema();
      expect(after).toContain("uq_big");
      expect(await whole.state()).toEqual(state);
      await whole.project.sequelize.close();

      let killed = 0;
      for (let i = 0; i < KILLS; i++) {
        // The first in any case before the end, the others anywhere.
        const moment = i === 0 ? 0 : Math.random() * milliseconds;
        const victim = copy(`victim-${i}.sqlite`);
        if ((await victim.upgrade(moment)).killed) killed++;
        const told = `killed after ${moment} of ${milliseconds} ms`;
        expect(await victim.state(), told).toEqual(state);
        const left = await victim.schema();
        if (left !== before) expect(JSON.parse(left), told).toEqual(JSON.parse(after));
        if (i === 0) {
          expect(left, told).toBe(before);
          await victim.upgrade();
          expect(await victim.schema()).toBe(after);
          expect(await victim.state()).toEqual(state);
        }
        await victim.project.sequelize.close();
        rmSync(victim.file);
      }
      expect(killed).toBeGreaterThan(0);
    },
  );
});

describe("a process that is killed in the middle of a revision", () => {
  for (const database of programDatabases().filter(({ name }) => !name.includes("qlite") && !name.includes("SQLite"))) {
    const run = database.skipReason === undefined ? it : it.skip;
    run(`leaves ${database.name} at a known step, or where it was`, async () => {
      const { url, drop } = await database.create(folder);
      const sequelize = new Sequelize(url, { logging: false });
      const project = new MigrationProject(sequelize, folder);
      const isPostgres = database.name === "postgres";
      const sleep = isPostgres ? "SELECT pg_sleep(60)" : "DO SLEEP(60)";
      // The second time nothing makes it wait.
      writeRevision(
        "aaaa0001",
        null,
        `const waits = !readdirSync(${JSON.stringify(folder)}).includes("go-on");
         await op.createTable("first", { id: { type: DataTypes.INTEGER } });
         await op.execute(waits ? ${JSON.stringify(sleep)} : "SELECT 1");
         await op.createTable("second", { id: { type: DataTypes.INTEGER } });`,
      );
      try {
        const child = spawn(process.execPath, [PROGRAM, "db", "upgrade", "--url", url], {
          cwd: folder,
          stdio: "ignore",
        });
        const ended = new Promise((done) => child.on("close", (_code, signal) => done(signal)));
        const sleeps = isPostgres
          ? "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND datname = current_database() AND pid <> pg_backend_pid()"
          : "SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO LIKE 'DO SLEEP%' AND DB = DATABASE()";
        while ((await project.rows(sleeps)).length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
        child.kill("SIGKILL");
        expect(await ended).toBe("SIGKILL");
        writeFileSync(join(folder, "go-on"), "");
        // The server goes on with a statement for a while that nobody waits for any more; its lock is free then.
        if (isPostgres)
          await project.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid() AND datname = current_database()",
          );
        else
          for (const { ID } of await project.rows(sleeps.replace("SELECT 1", "SELECT ID")))
            await project.run(`KILL ${String(ID)}`);
        const upgraded = await project.db("upgrade");
        if (isPostgres) expect(upgraded).toMatchObject({ exitCode: 0 });
        else {
          expect(upgraded.stderr).toContain("Error: Revision aaaa0001 stopped after 1 of 3 operations");
          await project.ok("resolve", "aaaa0001", "--resume");
        }
        expect((await project.ok("current")).stdout).toBe("aaaa0001 (head)\n");
        const tables = (await project.schema()).tables.map(({ name }) => name);
        expect(tables).toEqual(["first", "migration_versions", "second"]);
      } finally {
        await sequelize.close();
        await drop();
      }
    });
  }
});
