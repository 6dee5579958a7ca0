import { chmodSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { History, historyFile, isPrivate } from "../../src/shell/history";
import { ReverseSearch } from "../../src/shell/reverse-search";

describe("the history", () => {
  let file: string;
  beforeEach(() => {
    file = join(mkdtempSync(join(tmpdir(), "history-")), "sub", "history");
  });

  it("keeps entries from one shell to the next, a block as one entry", () => {
    const history = new History(file);
    history.add("const a = 1");
    history.add('function f() {\n  return "\\n"\n}');
    expect(new History(file).entries).toEqual(["const a = 1", 'function f() {\n  return "\\n"\n}']);
  });

  it("is readable by its owner only, also when the file was there before", () => {
    new History(file).add("a");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    chmodSync(file, 0o644);
    expect(new History(file).entries).toEqual(["a"]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("of two shells at once has the entries of both", () => {
    const [first, second] = [new History(file), new History(file)];
    first.add("a");
    second.add("b");
    first.add("c");
    expect(new History(file).entries).toEqual(["a", "b", "c"]);
  });

  it("leaves out an entry that is the same as the one before, and blanks", () => {
    const history = new History(file);
    for (const entry of ["a", "a", "", "  ", "b", "a"]) history.add(entry);
    expect(history.entries).toEqual(["a", "b", "a"]);
  });

  it("forgets the oldest entries when there are too many", () => {
    new History(file).add("first");
    writeFileSync(file, Array.from({ length: 5000 }, (_, index) => `entry ${index}\n`).join(""));
    expect(new History(file).entries).toHaveLength(2000);
    expect(readFileSync(file, "utf8").split("\n").at(-2)).toBe("entry 4999");
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("works without a file that it can write", () => {
    const history = new History("/dev/null/sub/history");
    history.add("a");
    expect(history.entries).toEqual(["a"]);
    expect(new History(undefined).entries).toEqual([]);
  });

  it("is where $SEQUELIZE_SHELL_HISTORY says, and nowhere when that is empty", () => {
    expect(historyFile({ SEQUELIZE_SHELL_HISTORY: "/tmp/h" })).toBe("/tmp/h");
    expect(historyFile({ SEQUELIZE_SHELL_HISTORY: "" })).toBeUndefined();
    expect(historyFile({})).toMatch(/\.sequelize_shell_history$/);
  });

  it.each([
    " secret line",
    "\tindented",
    ".connect postgres://john:hunter2@localhost/app",
    "new Sequelize('mysql://root:pw@db:3306/x')",
    "const password = 'x'",
    "user.password = 'x'",
    "new User({ passwordHash: 'x' })",
    "setPassword('x')",
    "process.env.API_KEY = 'x'",
    "const accessToken = f()",
    "db.execute(\"ALTER USER john PASSWORD 'x'\")",
  ])("does not keep %j", (entry) => {
    expect(isPrivate(entry)).toBe(true);
  });

  it.each([
    "User.query.all()",
    ".connect postgres://localhost/app",
    ".connect postgres://john@localhost/app",
    "const url = 'http://localhost:3000/path@2'",
    "u.passwords",
    "// the secret of it",
    "const a = b ? c : d",
  ])("keeps %j", (entry) => {
    expect(isPrivate(entry)).toBe(false);
  });
});

describe("a search through the history", () => {
  const entries = ["const a = 1", "User.query.all()", "const b = 2", "User.query.count()"];

  it("finds the newest entry first, and older ones by going on", () => {
    const search = new ReverseSearch(entries);
    search.type("const");
    expect(search.found).toBe("const b = 2");
    search.older();
    expect(search.found).toBe("const a = 1");
    search.older();
    expect([search.found, search.prompt]).toEqual(["const a = 1", "(failed reverse-i-search)'const': "]);
  });

  it("narrows with each letter and widens with backspace", () => {
    const search = new ReverseSearch(entries);
    search.type("quer");
    search.type("y.a");
    expect(search.found).toBe("User.query.all()");
    for (let i = 0; i < 3; i += 1) search.type("\x7f");
    expect(search.found).toBe("User.query.count()");
  });

  it("ends with a control key, which the line editor gets", () => {
    const search = new ReverseSearch(entries);
    expect(search.type("all\r")).toEqual({ kind: "accepted", keys: "\r" });
    expect(search.found).toBe("User.query.all()");
    expect(search.type("\x1b[C")).toEqual({ kind: "accepted", keys: "\x1b[C" });
    expect(search.type("\x07")).toEqual({ kind: "cancelled" });
  });
});
