import { spawn } from "node:child_process";
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Sequelize } from "sequelize";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tapStatements } from "../../src/driver/sequelize-tap";
import { PROGRAM, programDatabases, runProgram } from "./built-program";
import { PtyShell } from "./pty-shell";

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sequelize-shell-"));
  await runProgram([join(folder, "data.sqlite"), "-e", "1"]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (file: string, lines: readonly string[]) =>
  runProgram([join(folder, file), "--keep-going"], { input: lines.join("\n") });

describe("a file that fails", () => {
  it("a full disk undoes the transaction, says so, and the shell goes on", async () => {
    cpSync(join(folder, "data.sqlite"), join(folder, "full.sqlite"));
    const { stdout, stderr } = await run("full.sqlite", [
      "db.session.execute('PRAGMA max_page_count = 12').then(() => undefined)",
      "const many = Array.from({ length: 3000 }, (_, i) => new User({ username: `user${i}${'x'.repeat(50)}` }))",
      "db.session.addAll(many); db.session.commit()",
      "db.session.rollback()",
      "User.query.count()",
      "db.session.stateOf(many[0])",
      "many[0].username.length",
      "db.session.add(many[0]); db.session.commit()",
      "User.query.count()",
    ]);
    expect(stderr).toContain("error: line 3: database or disk is full");
    expect(stderr).toContain("hint: free some space");
    expect(stdout).toBe("60\ntransient\n55\n61\n");
  });

  it("a file that another process has locked is told after a while, and can be used when it is free", async () => {
    const file = join(folder, "locked.sqlite");
    cpSync(join(folder, "data.sqlite"), file);
    const holder = spawn(process.execPath, [
      "-e",
      `const { Database } = require("sqlite3");
       const database = new Database(${JSON.stringify(file)});
       database.exec("BEGIN IMMEDIATE", () => { console.log("held"); process.stdin.on("data", () => process.exit()); });`,
    ]);
    try {
      await new Promise((resolve) => holder.stdout.once("data", resolve));
      const { stdout, stderr } = await run("locked.sqlite", [
        "User.query.count()",
        "const waiting = new User({ username: 'waiting' }); db.session.add(waiting)",
        "db.session.commit()",
        "db.session.stateOf(waiting)",
        `require("node:child_process").execSync("kill ${holder.pid}")`,
        "db.session.isActive || db.session.rollback()",
        "db.session.add(waiting); db.session.commit()",
        "User.query.count()",
      ]);
      expect(stderr).toContain("error: line 3: database is locked: another process is writing to this file.");
      expect(stderr).toContain("hint: try again when it is done");
      expect(stdout).toMatch(/^60\n/);
      expect(stdout).toMatch(/\n61\n$/);
    } finally {
      holder.kill();
    }
  });

  it("a file that is damaged is told, and the shell lives", async () => {
    const whole = readFileSync(join(folder, "data.sqlite"));
    writeFileSync(
      join(folder, "damaged.sqlite"),
      Buffer.concat([whole.subarray(0, 4096), Buffer.alloc(whole.length - 4096, "Z")]),
    );
    const { stdout, stderr, exitCode } = await run("damaged.sqlite", ["User.query.count()", "1 + 1"]);
    expect(stderr).toContain("error: line 1: database disk image is malformed");
    expect(stderr).toContain('hint: db.session.execute("PRAGMA integrity_check")');
    expect(stdout).toBe("2\n");
    expect(exitCode).toBe(1);
  });

  it("a file that may only be read is read, and a write is refused", async () => {
    const file = join(folder, "protected.sqlite");
    cpSync(join(folder, "data.sqlite"), file);
    chmodSync(folder, 0o755);
    chmodSync(file, 0o444);
    const lines = ["User.query.count()", "db.session.add(new User({ username: 'x' })); db.session.commit()", "1 + 1"];
    // Root may write everywhere.
    const who = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
    const child = spawn(process.execPath, [PROGRAM, file, "--keep-going"], {
      ...who,
      cwd: folder,
      env: { ...process.env, HOME: folder },
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.stdin.end(lines.join("\n"));
    const exitCode = await new Promise((resolve) => child.on("close", resolve));
    expect(stderr).toContain("error: line 2: attempt to write a readonly database");
    expect(stderr).toContain("hint: the file or its folder may not be written to");
    expect(stdout).toBe("60\n2\n");
    expect(exitCode).toBe(1);
  });
});

/** Ends all connections to a database but the watcher's. */
const KILL: Readonly<Record<string, (watcher: Sequelize) => Promise<void>>> = {
  postgres: async (watcher) => {
    await watcher.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
  },
  mariadb: async (watcher) => {
    const [rows] = await watcher.query(
      "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()",
    );
    for (const { id } of rows as { id: number }[]) await watcher.query(`KILL ${id}`);
  },
};

describe.each(programDatabases().filter(({ name }) => name in KILL))(
  "a server that ends the connection: $name",
  ({ name, skipReason, create }) => {
    const it_ = it.skipIf(skipReason !== undefined);
    let drop: () => Promise<void>;
    let watcher: Sequelize;
    let shell: PtyShell;
    beforeAll(async () => {
      if (skipReason !== undefined) return;
      const created = await create(folder);
      drop = created.drop;
      watcher = new Sequelize(created.url, { logging: false });
      tapStatements(watcher, () => undefined);
      shell = new PtyShell([PROGRAM, created.url], { columns: 160 });
      await shell.until(/\S>$/);
      await shell.run("User.query.count()");
    });
    afterAll(async () => {
      if (skipReason !== undefined) return;
      shell.kill();
      await watcher.close();
      await drop();
    });
    const kill = () => KILL[name]?.(watcher) ?? Promise.resolve();

    it_("while nothing is asked: the next statement or the one after it is answered", async () => {
      await shell.run("User.count()");
      await kill();
      const first = await shell.run("User.query.count()");
      if (first !== "60") {
        expect(first).toMatch(/error: .*(?:lost|terminat|clos|kill)/i);
        expect(await shell.run("User.query.count()")).toBe("60");
      }
      const plain = await shell.run("User.count()");
      if (plain !== "60") expect(await shell.run("User.count()")).toBe("60");
    });

    it_("in a transaction: it is told, and the objects can be written again", async () => {
      await shell.run("const held = new User({ username: 'held' }); db.session.add(held); db.session.flush()");
      await kill();
      expect(await shell.run("db.session.commit()")).toMatch(/error: .*(?:lost|terminat|clos|kill)/i);
      expect(await shell.run("db.session.rollback()")).toMatch(/^rolled back/);
      expect(await shell.run("db.session.stateOf(held)")).toBe("transient");
      expect(await shell.run("db.session.add(held); db.session.commit()")).toMatch(/^committed: 1 insert/);
      expect(await shell.run("User.query.count()")).toBe("61");
    });

    it_("while a statement runs: it ends with an error, and the shell goes on", async () => {
      const sleep = name === "postgres" ? "SELECT pg_sleep(600)" : "SELECT sleep(600)";
      const before = shell.screen.length;
      shell.type(`db.session.execute("${sleep}")\r`);
      await new Promise((resolve) => setTimeout(resolve, 300));
      await kill();
      await shell.until((screen) => /\nerror: [\s\S]*>$/.test(screen.slice(before)));
      await shell.run("db.session.rollback()");
      expect(await shell.run("User.query.count()")).toBe("61");
    });
  },
);
