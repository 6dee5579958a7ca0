import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROGRAM, runProgram } from "./built-program";
import { PtyShell } from "./pty-shell";

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sequelize-shell-"));
  await runProgram([join(folder, "data.sqlite"), "-e", "1"]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const open = (...args: string[]) => new PtyShell([PROGRAM, ...args], { cwd: folder, columns: 160 });

describe("the sandbox at a terminal", () => {
  it("stands in the prompt, lets others write until it writes, and is left without a question", async () => {
    const shell = open("data.sqlite", "--sandbox");
    await shell.until(/data\.sqlite \[sandbox\]>$/);
    expect(await shell.run("User.query.count()")).toMatch(/60$/);
    const other = await runProgram(["data.sqlite", "-e", "User.create({ username: 'other' }).then(() => 1)"], {
      cwd: folder,
    });
    expect(other.stdout).toBe("1\n");
    expect(await shell.run("User.query.count()")).toBe("61");
    await shell.run("db.session.add(new User({ username: 'sand' }))");
    await shell.until(/\[sandbox\] \+1 ~0 -0>$/);
    expect(await shell.run("db.session.commit()")).toMatch(/^committed: 1 insert/);
    await shell.run("db.session.add(new User({ username: 'left' })); db.session.flush()");
    shell.type("\x04");
    expect(await shell.ended()).toBe(0);
    await shell.until(/note: the sandbox was rolled back: users \d inserted/);
    const after = await runProgram(["data.sqlite", "--yes", "-e", "User.query.count()"], { cwd: folder });
    expect(after.stdout).toBe("61\n");
  });

  it("says that it is empty when Ctrl-C has made SQLite undo everything, and goes on", async () => {
    const shell = open("data.sqlite", "--sandbox");
    try {
      await shell.until(/\[sandbox\]>$/);
      await shell.run(
        "const before = User.query.count(); db.session.add(new User({ username: 'gone' })); db.session.commit()",
      );
      const endless =
        "INSERT INTO users (username) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 'u' || i FROM n";
      shell.type(`sequelize.query(${JSON.stringify(endless)})\r`);
      await new Promise((resolve) => setTimeout(resolve, 500));
      shell.type("\x03");
      await shell.until(/the database undid everything in the sandbox; it goes on empty[\s\S]*\[sandbox\]>$/);
      expect(await shell.run("User.query.count() === before")).toBe("true");
      await shell.run("db.session.add(new User({ username: 'again' })); db.session.commit()");
      expect(await shell.run("User.query.count() === before + 1")).toBe("true");
      expect(await shell.run(".sandbox diff")).toMatch(/users │ +1 │/);
      shell.type(".exit\r");
      expect(await shell.ended()).toBe(0);
    } finally {
      shell.kill();
    }
    expect(
      (
        await runProgram(["data.sqlite", "-e", "User.query.filter(User.c.username.like('u%')).count()"], {
          cwd: folder,
        })
      ).stdout,
    ).not.toMatch(/\d{3}/);
  });

  it("is switched on and off, and .readonly too, and the prompt says so", async () => {
    const shell = open("data.sqlite");
    try {
      await shell.until(/data\.sqlite>$/);
      await shell.run("1");
      await shell.run(".sandbox on");
      await shell.until(/data\.sqlite \[sandbox\]>$/);
      expect(await shell.run(".sandbox off")).toContain("rolled back: nothing was changed");
      await shell.until(/data\.sqlite>$/);
      await shell.run(".readonly on");
      await shell.until(/data\.sqlite \[read-only\]>$/);
      expect(await shell.run("User.create({ username: 'x' })")).toContain("attempt to write a readonly database");
      await shell.run(".readonly off");
      await shell.until(/data\.sqlite>$/);
    } finally {
      shell.kill();
    }
  });
});

describe("another database at the terminal", () => {
  it("stands in the prompt, in the banner and behind the names", async () => {
    const shell = open("data.sqlite");
    try {
      await shell.until(/data\.sqlite>$/);
      await shell.run("1");
      const told = await shell.run(".connect sqlite:second.sqlite");
      expect(told).toContain("sqlite second.sqlite (new: 4 roles and 60 users from sample-data)");
      await shell.until(/second\.sqlite>$/);
      expect(await shell.run("User.query.count()")).toBe("60");
      expect(await shell.run("db.session.add(new User({ username: 'second' })); db.session.commit()")).toMatch(
        /^committed/,
      );
      await shell.run(".reload");
      expect(await shell.run("User.query.count()")).toBe("61");
    } finally {
      shell.kill();
    }
  });
});

describe("completion of commands", () => {
  it("names models, tables, columns, files and words", async () => {
    const shell = open("data.sqlite");
    try {
      await shell.until(/data\.sqlite>$/);
      await shell.run("User.query.limit(1).all()");
      const complete = async (typed: string, expected: RegExp): Promise<void> => {
        shell.type(typed);
        // Types may still be loading when they are first asked for.
        const asking = setInterval(() => shell.type("\t"), 3000);
        shell.type("\t");
        await shell.until(expected, `the completion of ${typed}`).finally(() => clearInterval(asking));
        shell.type("\x03");
        await shell.until(/data\.sqlite>$/);
      };
      await complete(".desc", /\.describe ?$/);
      await complete(".describe Us", /\.describe User ?$/);
      await complete(".schema us", /\.schema users ?$/);
      await complete(".columns usern", /\.columns username ?$/);
      await complete(".sandbox di", /\.sandbox diff ?$/);
      await complete(".readonly of", /\.readonly off ?$/);
      await complete(".import data.sq", /\.import data\.sqlite ?$/);
      await complete(".fake Ro", /\.fake Role ?$/);
      await complete(".explain User.que", /\.explain User\.query ?$/);
      await complete(".export out.csv User.que", /\.export out\.csv User\.query ?$/);
    } finally {
      shell.kill();
    }
  });
});
