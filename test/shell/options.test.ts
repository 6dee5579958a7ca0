import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runProgram } from "./built-program";

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sequelize-shell-"));
  await runProgram([join(folder, "data.sqlite"), "-e", "1"]);
  writeFileSync(join(folder, "job.ts"), "const n: number = await User.query.count();\nconsole.log(`n = ${n}`);\n");
  writeFileSync(join(folder, "wrong.ts"), "const a = 1;\n\nconst b: = 2;\n");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (args: readonly string[], input = "") => runProgram(args, { cwd: folder, input });
const TWO = "User.query.orderBy(User.c.id).limit(2).all()";

describe("options", () => {
  it.each<[string, string[], string]>([
    ["table", ["--format", "table"], "│  1 │ susan    │      1 │"],
    ["vertical", ["--format=vertical"], "username"],
    ["json", ["--format", "json"], '[{"id":1,"username":"susan","roleId":1},{"id":2,"username":"john","roleId":4}]\n'],
    ["jsonl", ["--format", "jsonl"], '{"id":1,"username":"susan","roleId":1}\n{"id":2,"username":"john","roleId":4}\n'],
    ["csv", ["--format", "csv"], "id,username,roleId\n1,susan,1\n2,john,4\n"],
    ["tsv", ["--format", "tsv"], "id\tusername\troleId\n1\tsusan\t1\n2\tjohn\t4\n"],
    ["markdown", ["--format", "markdown"], "|  id | username | roleId |"],
    ["insert", ["--format", "insert"], "INSERT INTO users (id, username, role_id) VALUES (1, 'susan', 1);\n"],
  ])("--format %s, from stdin and from -e", async (_name, options, text) => {
    const [piped, given] = [
      await run(["data.sqlite", ...options], `${TWO}\n`),
      await run(["data.sqlite", ...options, "-e", TWO]),
    ];
    expect(piped.stdout).toContain(text);
    expect(given.stdout).toBe(piped.stdout.replace(/\(\d+ ms\)/, /\(\d+ ms\)/.exec(given.stdout)?.[0] ?? ""));
    expect([piped.exitCode, given.exitCode]).toEqual([0, 0]);
    expect(piped.stderr + given.stderr).toBe("");
  });

  it("--format json prints one value a result", async () => {
    const cases: readonly (readonly [string, string])[] = [
      ["2n ** 70n", '"1180591620717411303424"'],
      ["new Date(0)", '"1970-01-01T00:00:00.000Z"'],
      ['Buffer.from("abc")', '"YWJj"'],
      ["User.query.count()", "60"],
      ["User.query.get(-1)", "null"],
      ["User.query.get(1)", '{"id":1,"username":"susan","roleId":1}'],
      ["User.query.filterBy({ id: -1 }).all()", "[]"],
      ["undefined", ""],
    ];
    const { stdout } = await run(["data.sqlite", "--format", "json"], cases.map(([code]) => code).join("\n"));
    expect(stdout).toBe(cases.map(([, text]) => (text === "" ? "" : `${text}\n`)).join(""));
  });

  it("--url, the argument, a path and DATABASE_URL name the database; without them it is data.sqlite", async () => {
    const count = "User.query.count()";
    const ways: [string[], Record<string, string>][] = [
      [["--url", "sqlite:data.sqlite"], {}],
      [["--url=sqlite:data.sqlite"], {}],
      [["sqlite:data.sqlite"], {}],
      [["data.sqlite"], {}],
      [[], { DATABASE_URL: "sqlite:data.sqlite" }],
      [[], {}],
    ];
    for (const [args, environment] of ways) {
      const { stdout, exitCode } = await runProgram([...args, "-e", count], { cwd: folder, environment });
      expect([stdout, exitCode]).toEqual(["60\n", 0]);
    }
  });

  it("--empty makes the tables and loads nothing", async () => {
    expect((await run(["sqlite::memory:", "--empty", "-e", "User.query.count()"])).stdout).toBe("0\n");
  });

  it("--reflect takes the models from the tables", async () => {
    const { stdout } = await run(["data.sqlite", "--reflect", "-e", "Object.keys(db.models).sort().join()"]);
    expect(stdout).toBe("Role,User\n");
  });

  it("--echo shows every statement on stderr, and tells a loop of them", async () => {
    const { stdout, stderr } = await run(
      ["data.sqlite", "--echo"],
      "for (const user of User.query.limit(6).all()) await Role.query.filterBy({ id: user.roleId }).first()\n",
    );
    expect(stdout).toBe("");
    expect(stderr.match(/^SELECT .* \(\d+\.\d ms\)$/gm)).toHaveLength(7);
    expect(stderr).toContain("note: 5 similar SELECTs on roles (N+1?)");
  });

  it("--limit counts at a terminal only: nothing is left out of a pipe", async () => {
    const { stdout } = await run(["data.sqlite", "--limit", "1", "--format", "csv", "-e", TWO]);
    expect(stdout.split("\n")).toHaveLength(4);
  });

  it("-f runs a file as one program, prints what it prints, and names the line of an error", async () => {
    expect(await run(["data.sqlite", "-f", "job.ts"])).toMatchObject({ stdout: "n = 60\n", stderr: "", exitCode: 0 });
    const wrong = await run(["data.sqlite", "-f", "wrong.ts"]);
    expect(wrong.exitCode).toBe(1);
    expect(wrong.stderr).toMatch(/^error: line 3: SyntaxError: /);
  });

  it("-f and .load import relative to their file, or else to the working directory", async () => {
    mkdirSync(join(folder, "jobs"));
    writeFileSync(join(folder, "beside.ts"), 'export const where = "working directory";');
    writeFileSync(join(folder, "jobs/near.ts"), 'export const near = "near the file";');
    const lines = [
      'import { near } from "./near";',
      'import { where } from "./beside";',
      'console.log(near, where, import.meta.filename.split("/").slice(-2).join("/"), (await import("./near.js")).near);',
    ];
    writeFileSync(join(folder, "jobs/job.ts"), lines.join("\n"));
    const printed = "near the file working directory jobs/job.ts near the file\n";
    expect(await run(["data.sqlite", "-f", "jobs/job.ts"])).toEqual({ stdout: printed, stderr: "", exitCode: 0 });
    const loaded = await run(["data.sqlite"], '.load jobs/job.ts\nimport { near as n } from "./near"\n');
    expect(loaded.stdout).toBe(printed);
    expect(loaded.stderr).toContain("Cannot find module './near'");
  });

  it("lines run strictly one after the other, however long each takes", async () => {
    const lines = [
      "let order = ''",
      "await new Promise(done => setTimeout(done, 80)); order += 'a'",
      "order += 'b'",
      "new Promise(done => setTimeout(() => { order += 'c'; done(order) }, 40))",
      "order + 'd'",
    ];
    expect((await run(["data.sqlite"], lines.join("\n"))).stdout).toBe("a\nab\nabc\nabcd\n");
  });

  it("an error ends the run with exit code 1, and --keep-going goes on", async () => {
    const lines = "1\nnull.x\n3\nlet 4 = 5\n5\n";
    const stopped = await run(["data.sqlite"], lines);
    expect(stopped).toMatchObject({ stdout: "1\n", exitCode: 1 });
    expect(stopped.stderr).toMatch(/^error: line 2: TypeError: /);
    const went = await run(["data.sqlite", "--keep-going"], lines);
    expect(went).toMatchObject({ stdout: "1\n3\n5\n", exitCode: 1 });
    expect(went.stderr).toMatch(/error: line 4: SyntaxError: /);
  });

  it("errors under --format json are lines of JSON, with the SQL where there is some", async () => {
    const lines =
      "null.x\nlet 1 = 2\nUser.create({ username: 'john' })\ndb.session.execute('SELECT nope')\n.nope\nUser.query.delete()\n";
    const { stderr, exitCode } = await run(["data.sqlite", "--format", "json", "--keep-going"], lines);
    const errors = stderr
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { error: Record<string, string> }).error);
    expect(errors.map(({ name }) => name)).toEqual([
      "TypeError",
      "SyntaxError",
      "SequelizeUniqueConstraintError",
      "DatabaseError",
      "ArgumentError",
      "GuardError",
    ]);
    expect(errors[2]?.["sql"]).toMatch(/^INSERT INTO/);
    expect(errors[3]).toMatchObject({ sql: "SELECT nope" });
    for (const { message } of errors) expect(message).toMatch(/\S/);
    expect(exitCode).toBe(2);
    const closed = await run(["postgres://me:secret@127.0.0.1:1/shop", "--format", "json", "-e", "1"]);
    expect(JSON.parse(closed.stderr)).toMatchObject({ error: { name: "ConnectionError" } });
    expect(closed.stderr).not.toContain("secret");
    expect(closed.exitCode).toBe(3);
  });

  it("errors of the command line, and waits that never end, are lines of JSON too where JSON is asked for", async () => {
    const unknown = await run(["--format", "json", "--bogus"]);
    expect(JSON.parse(unknown.stderr)).toMatchObject({
      error: { name: "ArgumentError", message: 'Unknown option "--bogus".' },
    });
    const stuck = await run(["data.sqlite", "--format=json", "-e", "await new Promise(() => {})"]);
    expect(stuck.exitCode).toBe(13);
    expect(JSON.parse(stuck.stderr)).toEqual({
      error: { name: "Error", message: "the code waits for a promise that will never settle" },
    });
  });

  it("an error that comes when all is done is told with its place and ends the program", async () => {
    const late = "setTimeout(() => { throw new Error('late') }, 300)";
    const { stdout, stderr, exitCode } = await run(["data.sqlite", "-e", `${late}; setInterval(() => {}, 1000); 5`]);
    expect({ stdout, exitCode }).toEqual({ stdout: "5\n", exitCode: 1 });
    expect(stderr).toMatch(/^error: late\n {2}1 \| setTimeout[^\n]*\n {4}\| +\^\^\^\n$/);
  });

  it("a failed run does not wait for timers that it has started", async () => {
    const { stderr, exitCode } = await run(["data.sqlite", "-e", "setInterval(() => {}, 1000); null.x"]);
    expect(stderr).toContain("TypeError: Cannot read properties of null");
    expect(exitCode).toBe(1);
  });

  it("--version and --help print and leave", async () => {
    const { version } = JSON.parse(readFileSync(join(__dirname, "../../package.json"), "utf8")) as { version: string };
    for (const option of ["--version", "-V"])
      expect(await run([option])).toMatchObject({ stdout: `${version}\n`, exitCode: 0 });
    for (const option of ["--help", "-h"]) {
      const { stdout, exitCode } = await run([option]);
      expect(exitCode).toBe(0);
      expect(stdout).toContain("table | vertical | json | jsonl | csv | tsv | markdown | insert");
      for (const name of ["--sandbox", "--read-only", "--keep-going", "--yes", "--trust"])
        expect(stdout).toContain(name);
    }
  });

  it("--no-color, NO_COLOR and FORCE_COLOR decide about colour", async () => {
    const query = ["data.sqlite", "-e", "User.query.filter(User.c.roleId.isNull()).all()"];
    const colored = await runProgram(query, { cwd: folder, environment: { FORCE_COLOR: "1" } });
    expect(colored.stdout).toContain("\x1b[");
    const plain = await runProgram([...query, "--no-color"], { cwd: folder, environment: { FORCE_COLOR: "1" } });
    expect(plain.stdout).not.toContain("\x1b[");
    const none = await runProgram(query, { cwd: folder, environment: { FORCE_COLOR: "1", NO_COLOR: "1" } });
    expect(none.stdout).not.toContain("\x1b[");
  });

  it("--read-only lets the database refuse writes, also in memory", async () => {
    for (const url of ["data.sqlite", "sqlite::memory:"]) {
      const { stdout, stderr, exitCode } = await run(
        [url, "--read-only", "--keep-going"],
        "sequelize.query('CREATE TABLE t (a)')\n1\ndb.session.execute(\"INSERT INTO roles (name) VALUES ('x')\")\n",
      );
      expect(stdout).toBe("1\n");
      expect(stderr.match(/attempt to write a readonly database/g)).toHaveLength(2);
      expect(exitCode).toBe(1);
    }
  });
});
