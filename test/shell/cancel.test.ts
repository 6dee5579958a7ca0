import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Sequelize } from "sequelize";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tapStatements } from "../../src/driver/sequelize-tap";
import { PROGRAM, programDatabases } from "./built-program";
import { PtyShell } from "./pty-shell";

/** Statements that run longer than anybody waits, with the word by which the server's list shows them. */
const ENDLESS: Readonly<Record<string, string>> = {
  "an SQLite file": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
  postgres: "SELECT pg_sleep(600)",
  mariadb: "SELECT sleep(600)",
};

/** What runs on a server that a test has started, as the server's own list shows it. */
const RUNNING: Readonly<Record<string, string>> = {
  postgres:
    "SELECT query AS text FROM pg_stat_activity WHERE state = 'active' AND datname = current_database() AND pid <> pg_backend_pid()",
  mariadb:
    "SELECT info AS text FROM information_schema.processlist WHERE command <> 'Sleep' AND db = database() AND id <> connection_id()",
};

describe.each(programDatabases().filter(({ name }) => name !== "sqlite::memory:"))(
  "Ctrl-C while $name works",
  ({ name, skipReason, create }) => {
    const it_ = it.skipIf(skipReason !== undefined);
    let folder: string;
    let url: string;
    let drop: () => Promise<void>;
    let watcher: Sequelize | undefined;
    let shell: PtyShell;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "sequelize-shell-"));
      if (skipReason !== undefined) return;
      ({ url, drop } = await create(folder));
      if (RUNNING[name] !== undefined) {
        watcher = new Sequelize(url, { logging: false });
        // As the program does: without it Sequelize cannot read the rows of this driver.
        tapStatements(watcher, () => undefined);
      }
      shell = new PtyShell([PROGRAM, url], { columns: 160 });
      await shell.until(/\S> ?$/);
      await shell.run("User.query.count()");
    });
    afterAll(async () => {
      if (skipReason !== undefined) return;
      shell.kill();
      await watcher?.close();
      await drop();
      rmSync(folder, { recursive: true, force: true });
    });

    /** The statements that the server works on for others than the watcher. */
    const running = async (): Promise<string[]> => {
      const [rows] = (await watcher?.query(RUNNING[name] ?? "")) ?? [[]];
      return (rows as { text: string }[]).map(({ text }) => text).filter((text) => text.includes("sleep"));
    };
    const eventually = async (condition: () => Promise<boolean>): Promise<void> => {
      for (let tries = 0; !(await condition()); tries += 1) {
        if (tries > 200) throw new Error("It never came about.");
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    };
    /** Types a line that waits for the database, and Ctrl-C once the database works on it. @returns what is shown then */
    const interrupt = async (line: string): Promise<string> => {
      const before = shell.screen.length;
      shell.type(`${line}\r`);
      if (watcher) await eventually(async () => (await running()).length > 0);
      else await new Promise((resolve) => setTimeout(resolve, 300));
      shell.type("\x03");
      await shell.until((screen) => /\ninterrupted/.test(screen.slice(before)) && /\S>$/.test(screen), "the prompt");
      return shell.screen.slice(before);
    };
    const sql = JSON.stringify(ENDLESS[name]);

    it_.each([
      ["the session", `db.session.execute(${sql})`],
      ["Sequelize", `sequelize.query(${sql})`],
      ["a session beside it", `db.createSession().execute(${sql})`],
    ])("cancels a statement of %s in the database, and the next one is answered", async (_who, line) => {
      await interrupt(line);
      // Without it the next statement on the same connection would wait for the end of the world.
      expect(await shell.run("User.query.count()")).toBe("60");
      if (watcher) await eventually(async () => (await running()).length === 0);
    });

    it_("keeps the variables, and the session with its work that is not committed", async () => {
      await shell.run("const kept = new User({ username: 'kept' }); db.session.add(kept)");
      await interrupt(`db.session.execute(${sql}, [], { autoflush: false })`);
      expect(await shell.run("db.session.stateOf(kept)")).toBe("pending");
      expect(await shell.run("db.session.commit()")).toMatch(/^committed: 1 insert/);
      expect(await shell.run("User.query.count()")).toBe("61");
      await shell.run("db.session.delete(kept); db.session.commit()");
    });

    it_("keeps a transaction that has written, or says what was undone", async () => {
      await shell.run("const flushed = new User({ username: 'flushed' }); db.session.add(flushed); db.session.flush()");
      await interrupt(`db.session.execute(${sql})`);
      const after = await shell.run("User.query.filterBy({ username: 'flushed' }).count()");
      // PostgreSQL refuses all statements of the transaction after one that failed.
      if (name === "postgres") expect(after).toContain("hint: await db.session.rollback()");
      else expect(after).toBe("1");
      expect(await shell.run("db.session.rollback()")).toBe("rolled back: 1 new");
      expect(await shell.run("User.query.count()")).toBe("60");
    });
  },
);

describe("Ctrl-C while SQLite writes", () => {
  it("tells that the transaction was undone, and the session goes on after a rollback", async () => {
    const shell = new PtyShell([PROGRAM, "sqlite::memory:"], { columns: 160 });
    try {
      await shell.until(/:memory:>$/);
      await shell.run("db.session.add(new User({ username: 'flushed' })); db.session.flush()");
      const endless =
        "INSERT INTO users (username) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 'u' || i FROM n";
      shell.type(`db.session.execute(${JSON.stringify(endless)})\r`);
      await new Promise((resolve) => setTimeout(resolve, 500));
      shell.type("\x03");
      await shell.until(/interrupted[\s\S]*:memory:[^\n]*>$/);
      expect(await shell.run("db.session.commit()")).toContain("rolled back due to a previous exception");
      expect(await shell.run("db.session.rollback()")).toMatch(/^rolled back/);
      expect(await shell.run("User.query.count()")).toBe("60");
    } finally {
      shell.kill();
    }
  });
});
