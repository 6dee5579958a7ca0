import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runProgram } from "./built-program";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sequelize-shell-"));
  writeFileSync(join(folder, "notes.txt"), "These are notes, and no database at all.\n".repeat(50));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("a command line that cannot work", () => {
  it.each([
    ["an unknown scheme", ["sqllite:///app.db"], 2, 'Unknown dialect "sqllite"', 'did you mean "sqlite"?'],
    ["an unknown option", ["--formt", "json"], 2, 'Unknown option "--formt".', 'did you mean "--format"?'],
    ["an unknown format", ["--format", "jsn"], 2, 'Unknown format "jsn".', "--format takes table"],
    ["a file of code that is not there", ["-f", "none.ts"], 2, 'Cannot read "none.ts"', undefined],
    ["models that are not there", ["--models", "none", "-e", "1"], 2, 'no file or folder "none"', undefined],
    ["a file that is no database", ["notes.txt", "-e", "1"], 3, "file is not a database", undefined],
    ["a folder that is not there", ["a/b.sqlite", "-e", "1"], 3, "does not exist", "mkdir -p"],
    ["a folder as the file", [".", "-e", "1"], 3, "it is a folder", undefined],
    [
      "a folder that may not be written to",
      ["/proc/a.sqlite", "-e", "1"],
      3,
      "unable to open database file",
      undefined,
    ],
    [
      "a server that is not there",
      ["postgres://me:secret@127.0.0.1:1/shop", "-e", "1"],
      3,
      "Cannot open postgres://me:***@127.0.0.1:1/shop: connect ECONNREFUSED",
      "is the server running",
    ],
    [
      "a MariaDB server that is not there",
      ["mariadb://me:secret@127.0.0.1:1/shop", "-e", "1"],
      3,
      "me:***@",
      undefined,
    ],
  ])("%s", async (_what, args, exitCode, message, hint) => {
    const run = await runProgram(args, { cwd: folder });
    expect(run.exitCode).toBe(exitCode);
    expect(run.stdout).toBe("");
    expect(run.stderr).toMatch(/^error: /);
    expect(run.stderr).toContain(message);
    if (hint !== undefined) expect(run.stderr).toContain(`hint: ${hint}`);
    expect(run.stderr).not.toContain("secret");
    expect(run.stderr).not.toMatch(/^\s+at /m);
  });

  it("shows the stack when asked to", async () => {
    const run = await runProgram(["sqllite:///app.db", "--debug"], { cwd: folder });
    expect(run.stderr).toMatch(/^\s+at /m);
  });
});

describe("a statement that cannot work", () => {
  const memory = ["sqlite::memory:", "--empty", "--keep-going"];

  it("a unique violation names the object, the column and the value, says what to type, and loses nothing", async () => {
    const input = [
      'db.session.add(new Role({ name: "Admin" })); db.session.commit()',
      'db.session.addAll([new Role({ name: "Other" }), new Role({ name: "Admin" })]); db.session.commit()',
      "const failed = _error.objects",
      "db.session.rollback()",
      'failed[1].name = "Second"; db.session.addAll(failed); db.session.commit()',
      "Role.query.orderBy(Role.c.id).all().map(role => role.name).join()",
    ].join("\n");
    const run = await runProgram(memory, { input });
    expect(run.stderr).toContain('Cannot insert Role(name="Admin"): name "Admin" is already taken');
    expect(run.stderr).toContain("hint: db.session.rollback()");
    expect(run.stdout).toBe("Admin,Other,Second\n");
  });

  it.each([
    ["new User({ nope: 1 })", "'nope' is an invalid keyword argument for User", "User has id, username, roleId, role"],
    ["new User({ usrname: 1 })", "'usrname' is an invalid keyword argument for User", 'did you mean "username"?'],
    ["User.query.filterBy({ nope: 1 })", 'Entity namespace for "users" has no property "nope"', undefined],
    ["User.query.filter_by({})", "User.query.filter_by is not a function", 'did you mean "filterBy"?'],
    ["Usr.query", "Usr is not defined", 'did you mean "User"?'],
    ["consol.log(1)", "consol is not defined", 'did you mean "console"?'],
    ["print(1)", "print is not defined", "console.log(…)"],
    ["User.all()", "User.all is not a function", "did you mean User.query.all()?"],
    ["User.find(1)", "User.find is not a function", "did you mean User.query.get(…)?"],
    ["User.objects.all()", "undefined (reading 'all')", "did you mean User.query?"],
    ["db.commit()", "db.commit is not a function", "did you mean db.session.commit?"],
    ["new User({}).rol.name", "undefined (reading 'name')", 'did you mean "role"?'],
    ["db.session.query(User).al()", "db.session.query(User).al is not a function", 'did you mean "all"?'],
    ['User.query.filterBy(username="john")', 'got "john"', 'filterBy({ name: "john" })'],
    ["select * from users;", "SyntaxError", 'SQL is run by db.session.execute("select * from users")'],
    ["delete from users", "SyntaxError", 'SQL is run by db.session.execute("delete from users")'],
    ["\\dt", "SyntaxError", ".tables"],
    ["db.session.execute('SELECT * FROM nothing_here')", "no such table: nothing_here", ".tables lists what is there"],
    ["User.query.filter(1 === 1)", "got true", undefined],
    ["User.query.limit(-1)", "-1", undefined],
    ["db.session.add({})", "instance of a registered model", undefined],
  ])("%s", async (line, message, hint) => {
    const run = await runProgram(memory, { input: `${line}\nUser.query.count()\n` });
    expect(run.stderr).toContain(message);
    if (hint !== undefined) expect(run.stderr).toContain(`hint: ${hint}`);
    expect(run.stdout).toBe("0\n");
    expect(run.exitCode).toBe(1);
  });
});

describe("the words of other prompts", () => {
  it("exit and quit leave, with and without parentheses, as long as nothing else has that name", async () => {
    for (const word of ["exit", "quit", "exit()", "quit();"]) {
      expect(await runProgram(["sqlite::memory:", "--empty"], { input: `1\n${word}\n2\n` })).toEqual({
        stdout: "1\n",
        stderr: "",
        exitCode: 0,
      });
    }
    expect((await runProgram(["sqlite::memory:", "--empty"], { input: "const exit = 5\nexit\n" })).stdout).toBe("5\n");
  });

  it("help lists the commands", async () => {
    expect((await runProgram(["sqlite::memory:", "--empty"], { input: "help\n" })).stdout).toContain(
      ".sql [--params] EXPR",
    );
  });
});

describe("leaving", () => {
  it("rolls back what is not committed, and says so", async () => {
    const file = join(folder, "left.sqlite");
    const run = await runProgram([file, "--empty"], { input: 'db.session.add(new Role({ name: "a" }))\n' });
    expect(run.stderr).toContain("note: 1 new not committed, rolled back");
    expect(run.exitCode).toBe(0);
    expect((await runProgram([file, "-e", "Role.query.count()"])).stdout).toBe("0\n");
  });

  it("a first start makes the sample data, a second one finds it", async () => {
    const file = join(folder, "first.sqlite");
    const first = await runProgram([file, "-e", "Role.query.count()", "--format", "json"]);
    const second = await runProgram([file, "-e", "User.query.count()", "--format", "json"]);
    expect([first.stdout, second.stdout]).toEqual(["4\n", "60\n"]);
  });
});
