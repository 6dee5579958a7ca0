import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DataTypes, Sequelize } from "sequelize";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MigrationProject } from "./project";

let project: MigrationProject;

beforeEach(() => {
  project = new MigrationProject(new Sequelize({ dialect: "sqlite", storage: ":memory:", logging: false }));
});
afterEach(async () => {
  await project.sequelize.close();
  project.remove();
});

function users(extra: object = {}): void {
  project.define((sequelize) =>
    sequelize.define("User", { name: DataTypes.STRING(64), ...extra }, { tableName: "users", timestamps: false }),
  );
}

/** aaaa - bbbb - cccc, each of which makes a table. */
async function line(): Promise<void> {
  await project.ok("init");
  const table = (name: string): { upgrade: string; downgrade: string } => ({
    upgrade: `await op.createTable("${name}", { id: { type: DataTypes.INTEGER, primaryKey: true } });`,
    downgrade: `await op.dropTable("${name}");`,
  });
  project.writeRevision({ id: "aaaa0001", message: "one", ...table("one") });
  project.writeRevision({ id: "bbbb0002", down: "aaaa0001", message: "two", ...table("two") });
  project.writeRevision({ id: "cccc0003", down: "bbbb0002", message: "three", ...table("three") });
}

async function branch(): Promise<void> {
  await line();
  project.writeRevision({ id: "dddd0004", down: "bbbb0002", message: "side", upgrade: "" });
}

describe("db init", () => {
  it("makes the directory and says what it made", async () => {
    const { stdout } = await project.ok("init");
    const d = project.directory;
    expect(stdout.split("\n")).toEqual([
      `Creating directory ${d} ...  done`,
      `Creating directory ${d}/versions ...  done`,
      `Generating ${d}/README ...  done`,
      `Generating ${d}/config.json ...  done`,
      `Generating ${d}/env.ts ...  done`,
      `Generating ${d}/script.ts.tpl ...  done`,
      `Please review '${d}/config.json' before proceeding.`,
      "",
    ]);
    expect(JSON.parse(readFileSync(join(d, "config.json"), "utf8"))).toEqual({
      format: 1,
      versionTable: "migration_versions",
      fileTemplate: "{rev}_{slug}",
      slugLength: 40,
      compareType: true,
      compareServerDefault: true,
      transactionPerMigration: true,
      lockTimeout: 60,
    });
  });

  it("needs no database", async () => {
    const nowhere = new Sequelize("postgres://nobody@127.0.0.1:1/none", { logging: false });
    const elsewhere = new MigrationProject(nowhere, project.folder);
    const { stdout } = await elsewhere.ok("init");
    expect(stdout).toContain("Please review ");
    expect(project.files()).toEqual([]);
    await nowhere.close();
  });

  it("refuses a directory with something in it", async () => {
    await project.ok("init");
    expect(await project.db("init")).toMatchObject({
      exitCode: 1,
      stderr: `Error: Directory ${project.directory} already exists and is not empty\n`,
    });
  });

  it("tells who comes from sequelize-cli how to go on", async () => {
    await project.run(
      "CREATE TABLE SequelizeMeta (name TEXT PRIMARY KEY)",
      "INSERT INTO SequelizeMeta VALUES ('1-a.js'), ('2-b.js')",
    );
    expect((await project.ok("init")).stdout).toContain(
      'Note: found SequelizeMeta with 2 applied sequelize-cli migrations. They stay untouched; run "db migrate -m baseline" then "db stamp head".\n',
    );
  });
});

describe("commands without a directory", () => {
  it.each(["migrate", "upgrade", "downgrade", "history", "heads", "check", "revision", "current"])(
    "db %s says how to make one",
    async (command) => {
      expect(await project.db(command)).toMatchObject({
        exitCode: 1,
        stderr: `Error: Path doesn't exist: '${project.directory}'.  Please use the 'init' command to create a new scripts folder.\n`,
      });
    },
  );
});

describe("a command line that cannot be read", () => {
  it.each([
    [["uprade"], 'There is no command "db uprade". Did you mean "db upgrade"?'],
    [["upgrade", "a", "b"], 'Expected "db upgrade [REVISION]".'],
    [["upgrade", "--nope"], "Unknown option '--nope'"],
    [["stamp"], 'Expected "db stamp REVISION".'],
    [["migrate", "add", "things"], 'Expected "db migrate".\ndb migrate -m "add things"\n'],
  ])("%j answers 2", async ([command = "", ...args], message) => {
    const { exitCode, stderr } = await project.db(command, ...args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });

  it("has help for every command", async () => {
    const { stdout } = await project.ok("");
    const names = [...stdout.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name ?? "");
    expect(names).toEqual([
      "init",
      "revision",
      "migrate",
      "upgrade",
      "downgrade",
      "current",
      "history",
      "heads",
      "branches",
      "show",
      "stamp",
      "merge",
      "check",
      "resolve",
    ]);
    for (const name of names)
      expect((await project.ok(name, "--help")).stdout).toMatch(new RegExp(`^usage: db ${name}`));
    expect((await project.ok("migrate", "--help")).stdout).toMatch(/--url URL .* the models by --models PATH\.\n$/);
    expect((await project.ok("upgrade", "--help")).stdout).toMatch(/--url URL or DATABASE_URL\.\n$/);
    expect((await project.ok("heads", "--help")).stdout).not.toContain("--url");
  });
});

describe("db revision", () => {
  it("writes an empty revision after the head", async () => {
    await project.ok("init");
    const { stdout } = await project.ok("revision", "-m", "first one", "--rev-id", "abcd1234");
    expect(stdout).toBe(`Generating ${project.directory}/versions/abcd1234_first_one.ts ...  done\n`);
    await project.ok("revision", "-m", "second");
    expect(project.newestText()).toContain('export const downRevision: string | string[] | null = "abcd1234";');
    expect(project.newestText()).toContain("  void op; // nothing to do");
    await project.ok("upgrade");
  });

  it("refuses an id that is there", async () => {
    await line();
    expect((await project.db("revision", "--rev-id", "aaaa0001")).stderr).toBe(
      `Error: Revision 'aaaa0001' already exists (${project.directory}/versions/aaaa0001.ts).\n`,
    );
  });

  it("refuses to choose between heads, and a parent that is no head without --splice", async () => {
    await branch();
    expect((await project.db("revision", "-m", "x")).stderr).toBe(
      "Error: Multiple heads are present; please specify the head revision on which the new revision should be based, or perform a merge.\n",
    );
    expect((await project.db("revision", "-m", "x", "--head", "aaaa0001")).stderr).toBe(
      "Error: Revision aaaa0001 is not a head revision; please specify --splice to create a new branch from this revision\n",
    );
    await project.ok("revision", "-m", "x", "--head", "aaaa0001", "--splice", "--branch-label", "exp");
    expect((await project.ok("heads")).stdout).toMatch(/\(exp\) \(head\)/);
  });

  it("uses the project's own template", async () => {
    await project.ok("init");
    writeFileSync(
      join(project.directory, "script.ts.tpl"),
      readFileSync(join(project.directory, "script.ts.tpl"), "utf8").replace("import {", "// our own\nimport {"),
    );
    await project.ok("revision", "-m", "x");
    expect(project.newestText()).toContain("// our own\nimport { type Operations }");
  });
});

describe("history, heads, branches, show and current", () => {
  it("tell the revisions in Alembic's words", async () => {
    await branch();
    project.writeRevision({ id: "eeee0005", down: ["cccc0003", "dddd0004"], message: "merge them", upgrade: "" });
    await project.ok("upgrade", "cccc0003");
    expect((await project.ok("history")).stdout).toBe(
      [
        "cccc0003, dddd0004 -> eeee0005 (head) (mergepoint), merge them",
        "bbbb0002 -> dddd0004, side",
        "bbbb0002 -> cccc0003, three",
        "aaaa0001 -> bbbb0002 (branchpoint), two",
        "<base> -> aaaa0001, one",
        "",
      ].join("\n"),
    );
    expect((await project.ok("history", "-i", "-r", "aaaa0001:cccc0003")).stdout).toBe(
      "bbbb0002 -> cccc0003 (current), three\naaaa0001 -> bbbb0002 (branchpoint), two\n<base> -> aaaa0001, one\n",
    );
    expect((await project.ok("history", "-r", "current:")).stdout).toBe(
      "cccc0003, dddd0004 -> eeee0005 (head) (mergepoint), merge them\nbbbb0002 -> cccc0003, three\n",
    );
    expect((await project.ok("heads")).stdout).toBe("eeee0005 (head)\n");
    expect((await project.ok("current")).stdout).toBe("cccc0003\n");
    expect((await project.ok("branches")).stdout).toBe(
      "bbbb0002 (branchpoint)\n         -> cccc0003, three\n         -> dddd0004, side\n",
    );
    expect((await project.ok("show", "eeee")).stdout).toBe(
      `Rev: eeee0005 (head) (mergepoint)\nMerges: cccc0003, dddd0004\nPath: ${project.directory}/versions/eeee0005.ts\n\n    merge them\n\n    Revision ID: eeee0005\n    Revises: cccc0003,dddd0004\n    Create Date: 2026-01-01 00:00:00.000\n\n`,
    );
  });

  it("work with a file that does not compile", async () => {
    await line();
    const path = join(project.directory, "versions", "cccc0003.ts");
    writeFileSync(
      path,
      readFileSync(path, "utf8").replace("export async function upgrade(", "export async function upgrade({{{"),
    );
    expect((await project.ok("history")).stdout).toContain("bbbb0002 -> cccc0003 (head), three");
    const { exitCode, stderr } = await project.db("upgrade");
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`Cannot load ${path}: `);
    expect(await project.rows("SELECT name FROM sqlite_master")).toEqual([]);
  });

  it.each([
    [["history"], []],
    [["history", "-v", "-r", "aaaa:cccc"], []],
    [["history", "-i"], [{ check: true }]],
    [["history", "-r", "current:"], [{ check: true }]],
    [["heads"], []],
    [["branches"], []],
    [["show", "aaaa"], []],
    [["merge", "heads"], []],
    [["revision", "--head", "cccc0003"], []],
    [["upgrade", "--sql"], [{ check: false }]],
    [["current"], [{ check: true }]],
  ])("db %s opens a database only where it needs one", async ([command = "", ...args], opened) => {
    await branch();
    project.opened.length = 0;
    if (command === "upgrade") args.push("cccc0003");
    await project.ok(command, ...args);
    expect(project.opened).toEqual(opened);
  });

  it("current makes nothing in a database that no migration has touched", async () => {
    await line();
    expect((await project.ok("current")).stdout).toBe("");
    expect(await project.rows("SELECT name FROM sqlite_master")).toEqual([]);
  });
});

describe("db upgrade and db downgrade", () => {
  it("tell each revision that they run, on stderr", async () => {
    await line();
    expect(await project.ok("upgrade")).toMatchObject({
      stdout: "",
      stderr:
        "INFO  [migrate] Running upgrade  -> aaaa0001, one\nINFO  [migrate] Running upgrade aaaa0001 -> bbbb0002, two\nINFO  [migrate] Running upgrade bbbb0002 -> cccc0003, three\n",
    });
    expect(await project.ok("upgrade")).toMatchObject({ stdout: "", stderr: "" });
    expect((await project.ok("downgrade")).stderr).toBe(
      "INFO  [migrate] Running downgrade cccc0003 -> bbbb0002, three\n",
    );
    expect((await project.ok("current")).stdout).toBe("bbbb0002\n");
    expect((await project.ok("downgrade", "base")).stderr).toBe(
      "INFO  [migrate] Running downgrade bbbb0002 -> aaaa0001, two\nINFO  [migrate] Running downgrade aaaa0001 -> , one\n",
    );
    expect((await project.ok("current")).stdout).toBe("");
  });

  it("have nothing to do where there are no revisions yet", async () => {
    await project.ok("init");
    expect(await project.ok("upgrade")).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: "INFO  [migrate] There are no revisions yet.\n",
    });
    expect((await project.db("upgrade", "aaaa0001")).exitCode).toBe(1);
  });

  it("go by relative names and partial ids", async () => {
    await line();
    await project.ok("upgrade", "+2");
    expect((await project.ok("current")).stdout).toBe("bbbb0002\n");
    await project.ok("upgrade", "cccc");
    await project.ok("downgrade", "-2");
    expect((await project.ok("current")).stdout).toBe("aaaa0001\n");
  });

  it.each([
    [["upgrade", "xyz12"], "Can't locate revision identified by 'xyz12'"],
    [
      ["upgrade", "f4"],
      "No such revision or branch 'f4'; please ensure at least four characters are present for partial revision identifier matches",
    ],
    [["upgrade", "+5"], "Relative revision +5 didn't produce 5 migrations"],
    [["upgrade", "aaaa0001:cccc0003"], "Range revision not allowed"],
    [["downgrade", "aaaa0001"], "Destination aaaa0001 is not a valid downgrade target from current head(s)"],
    [["downgrade"], "Relative revision -1 didn't produce 1 migrations\nThe database is already at base."],
    [["merge", "heads"], "Only one head is present ('cccc0003'); nothing to merge."],
  ])("%j is refused", async ([command = "", ...args], message) => {
    await line();
    expect(await project.db(command, ...args)).toMatchObject({
      exitCode: 1,
      stdout: "",
      stderr: `Error: ${message}\n`,
    });
  });

  it("refuse to upgrade to what is applied already", async () => {
    await line();
    await project.ok("upgrade");
    expect((await project.db("upgrade", "aaaa0001")).stderr).toBe(
      'Error: Revision aaaa0001 is already applied; use "db downgrade aaaa0001" to go back.\n',
    );
  });

  it("refuse to choose between two heads", async () => {
    await branch();
    expect((await project.db("upgrade")).stderr).toBe(
      "Error: Multiple head revisions are present for given argument 'head'; please specify a specific target revision, '<branchname>@head' to narrow to a specific head, or 'heads' for all heads\n",
    );
    await project.ok("upgrade", "heads");
    expect((await project.ok("current")).stdout).toBe("cccc0003 (head)\ndddd0004 (head)\n");
    expect((await project.db("downgrade")).stderr).toMatch(
      /^Error: Ambiguous downgrade: 'cccc0003' and 'dddd0004' are both current heads\./,
    );
  });

  it("bring branches together by a merge", async () => {
    await branch();
    await project.ok("upgrade", "heads");
    await project.ok("merge", "-m", "merge them", "heads");
    await project.ok("upgrade");
    expect((await project.ok("current")).stdout).toMatch(/^\w{12} \(head\)\n$/);
    await project.ok("downgrade", "-1");
    expect((await project.ok("current")).stdout).toBe("cccc0003\ndddd0004\n");
  });
});

describe("a revision whose file is missing", () => {
  it("is named by upgrade, and a warning in current", async () => {
    await line();
    await project.ok("upgrade");
    await project.run(
      "INSERT INTO migration_versions (version_num, down_revision, status, step, batch) VALUES ('ffff0009', 'cccc0003', 'applied', 1, 9)",
    );
    const lost = `Can't locate revision identified by 'ffff0009' (recorded in this database; its file is missing from ${project.directory}/versions)`;
    expect((await project.db("upgrade")).stderr).toBe(`Error: ${lost}\n`);
    expect(await project.ok("current")).toMatchObject({
      stdout: "ffff0009\n",
      stderr: `Warning: ffff0009 is applied to this database; its file is missing from ${project.directory}/versions.\n`,
    });
    expect((await project.db("downgrade")).stderr).toBe(`Error: ${lost}\n`);
    expect((await project.db("downgrade", "aaaa0001")).stderr).toBe(`Error: ${lost}\n`);
    await project.ok("stamp", "--purge", "head");
    expect((await project.ok("current")).stdout).toBe("cccc0003 (head)\n");
  });
});

describe("a revision that was edited after it was applied", () => {
  it("is warned of, and fails check --strict", async () => {
    await line();
    await project.ok("upgrade");
    const path = join(project.directory, "versions", "bbbb0002.ts");
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replaceAll("  ", "    ").replace("export async", "// a comment\nexport async"));
    expect((await project.ok("current")).stderr).toBe("");
    writeFileSync(path, text.replace("DataTypes.INTEGER", "DataTypes.BIGINT"));
    const warning = "bbbb0002 was edited after it was applied to this database (checksum differs).";
    expect((await project.ok("current")).stderr).toBe(`Warning: ${warning}\n`);
    project.define((sequelize) => {
      for (const name of ["one", "two", "three"])
        sequelize.define(
          name,
          { id: { type: DataTypes.INTEGER, primaryKey: true } },
          { tableName: name, timestamps: false },
        );
    });
    await project.ok("check");
    expect(await project.db("check", "--strict")).toMatchObject({ exitCode: 1, stderr: `Error: ${warning}\n` });
  });
});

describe("db stamp", () => {
  it("notes a revision without running anything", async () => {
    await line();
    expect((await project.ok("stamp", "head")).stderr).toBe("INFO  [migrate] Running stamp_revision  -> cccc0003\n");
    expect((await project.ok("current")).stdout).toBe("cccc0003 (head)\n");
    expect(await project.rows("SELECT name FROM sqlite_master WHERE type = 'table'")).toEqual([
      { name: "migration_versions" },
    ]);
    expect((await project.ok("stamp", "aaaa0001")).stderr).toBe(
      "INFO  [migrate] Running stamp_revision cccc0003 -> aaaa0001\n",
    );
    await project.ok("stamp", "base");
    expect((await project.ok("current")).stdout).toBe("");
  });
});

describe("db migrate", () => {
  it("writes nothing where nothing differs", async () => {
    await project.ok("init");
    users();
    await project.ok("migrate", "-m", "users");
    await project.ok("upgrade");
    const { stdout, stderr } = await project.ok("migrate", "-m", "again");
    expect({ stdout, stderr }).toEqual({
      stdout: "",
      stderr:
        "INFO  [migrate] Context impl SQLite; transactional DDL.\nINFO  [migrate] No changes in schema detected.\n",
    });
    expect(project.files()).toHaveLength(1);
  });

  it("refuses to drop every table because no models were loaded", async () => {
    await project.ok("init");
    await project.run("CREATE TABLE a (x)", "CREATE TABLE b (x)");
    project.define(() => undefined);
    expect(await project.db("migrate", "-m", "x")).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(
        "Error: No models are defined; refusing to generate a migration that drops 2 tables. Import your models or pass --allow-empty-models.\n",
      ),
    });
    await project.ok("migrate", "-m", "x", "--allow-empty-models");
    expect(project.newestText()).toContain('await op.dropTable("a");');
  });

  it("refuses while a revision waits to be applied", async () => {
    await line();
    users();
    expect((await project.db("migrate", "-m", "x")).stderr).toBe(
      'Error: Target database is not up to date.\nPending: aaaa0001 (one), bbbb0002 (two), cccc0003 (three). Run "db upgrade" first.\n',
    );
  });

  it("leaves alone what the configuration and the hooks take out", async () => {
    await project.ok("init");
    await project.run(
      "CREATE TABLE legacy_a (x)",
      "CREATE TABLE kept (x)",
      "CREATE TABLE SequelizeMeta (name)",
      "CREATE TABLE alembic_version (v)",
    );
    writeFileSync(
      join(project.directory, "env.ts"),
      `import type { MigrationHooks } from "sequelize-shell/migrations";
       const hooks: MigrationHooks = {
         ignoreTables: ["legacy_*"],
         includeObject: (object, type, reflected) => !(type === "table" && reflected && object.name === "kept"),
         compareType: (database) => (database.name === "name" ? false : undefined),
       };
       export default hooks;`,
    );
    await project.run("CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name BLOB)");
    users();
    expect((await project.ok("migrate", "-m", "x")).stderr).toContain("No changes in schema detected.");
  });

  it("runs the hooks before and behind each revision, in its transaction", async () => {
    await line();
    writeFileSync(
      join(project.directory, "env.ts"),
      `export default {
         beforeUpgrade: async (op, revision) => { await op.execute("CREATE TABLE IF NOT EXISTS seen (what)"); await op.execute("INSERT INTO seen VALUES ('before " + revision.id + "')"); },
         afterUpgrade: (op, revision) => op.execute("INSERT INTO seen VALUES ('after " + revision.id + "')"),
       };`,
    );
    await project.ok("upgrade", "+1");
    expect(await project.rows("SELECT what FROM seen")).toEqual([
      { what: "before aaaa0001" },
      { what: "after aaaa0001" },
    ]);
  });

  it("names an unknown hook and an unknown key of the configuration", async () => {
    await project.ok("init");
    writeFileSync(join(project.directory, "env.ts"), "export default { compareTypes: true };");
    expect((await project.db("check")).stderr).toContain('Unknown hook "compareTypes"');
    writeFileSync(join(project.directory, "config.json"), '{ "versionsTable": "v" }');
    expect((await project.db("check")).stderr).toContain('Unknown key "versionsTable"');
    writeFileSync(join(project.directory, "config.json"), '{ "lockTimeout": "60" }');
    expect((await project.db("check")).stderr).toContain('Expected "lockTimeout"');
  });
});

describe("db check", () => {
  it("answers 1 and lists what differs", async () => {
    await project.ok("init");
    users();
    await project.ok("migrate", "-m", "users");
    expect((await project.db("check")).stderr).toMatch(
      /^Error: Target database is not up to date\.\nPending: \w{12} \(users\)\. Run "db upgrade" first\.\n$/,
    );
    await project.ok("upgrade");
    expect(await project.ok("check")).toMatchObject({ stdout: "No new upgrade operations detected.\n", stderr: "" });
    users({ age: DataTypes.INTEGER });
    expect(await project.db("check")).toMatchObject({
      exitCode: 1,
      stdout: "",
      stderr: "Error: New upgrade operations detected:\n  added column 'users.age' (INTEGER)\n",
    });
  });

  it("answers 1 where there are several heads", async () => {
    await branch();
    expect((await project.db("check")).stderr).toContain(
      'There are 2 heads: cccc0003, dddd0004. Merge them with "db merge heads".',
    );
  });
});

describe("modules of revisions", () => {
  it("are read anew by each command, with what they import, also where it is named as JavaScript", async () => {
    await project.ok("init");
    const helper = join(project.directory, "helper.ts");
    writeFileSync(helper, `export const table: string = "first";`);
    const upgrade = `await op.createTable(table, { id: { type: DataTypes.INTEGER } });`;
    const downgrade = `await op.dropTable(table);`;
    project.writeRevision({ id: "aaaa0001", upgrade, downgrade, extra: `import { table } from "../helper.js";` });
    await project.ok("upgrade");
    await project.ok("downgrade");
    writeFileSync(helper, `export const table: string = "second";`);
    await project.ok("upgrade");
    expect((await project.schema()).tables.map(({ name }) => name)).toEqual(["migration_versions", "second"]);
  });

  it.each([
    [
      "CommonJS",
      `const { DataTypes } = require("sequelize-shell/migrations");
exports.revision = "aaaa0001";
exports.downRevision = null;
exports.upgrade = async (op) => op.createTable("t", { id: { type: DataTypes.INTEGER } });
exports.downgrade = async (op) => op.dropTable("t");
`,
    ],
    [
      "ES modules",
      `import { DataTypes } from "sequelize-shell/migrations";
export const revision = "aaaa0001";
export const downRevision = null;
export const upgrade = async (op) => op.createTable("t", { id: { type: DataTypes.INTEGER } });
export const downgrade = async (op) => op.dropTable("t");
`,
    ],
  ])("may be JavaScript: %s", async (_what, text) => {
    await project.ok("init");
    writeFileSync(join(project.directory, "versions", "aaaa0001.js"), `/** make t */\n${text}`);
    expect((await project.ok("history")).stdout).toBe("<base> -> aaaa0001 (head), make t\n");
    await project.ok("upgrade");
    expect((await project.schema()).tables.map(({ name }) => name)).toEqual(["migration_versions", "t"]);
    await project.ok("downgrade");
  });

  it("may import each other, with and without the ending", async () => {
    await project.ok("init");
    mkdirSync(join(project.directory, "versions", "shared"));
    writeFileSync(
      join(project.directory, "versions", "shared", "index.ts"),
      `import { sql } from "sequelize-shell/migrations";\nexport const now = sql\`CURRENT_TIMESTAMP\`;\n`,
    );
    writeFileSync(
      join(project.directory, "versions", "names.ts"),
      `export { now } from "./shared";\nexport const table: string = "made";\n`,
    );
    project.writeRevision({
      id: "aaaa0001",
      extra: 'import { now, table } from "./names.js";',
      upgrade: `await op.createTable(table, { at: { type: DataTypes.DATE, default: now } });`,
    });
    await project.ok("upgrade");
    expect(await project.rows("SELECT sql FROM sqlite_master WHERE name = 'made'")).toEqual([
      { sql: 'CREATE TABLE "made" (\n  "at" DATETIME DEFAULT CURRENT_TIMESTAMP\n)' },
    ]);
  });

  it("are named where they throw", async () => {
    await project.ok("init");
    project.writeRevision({ id: "aaaa0001", extra: 'throw new Error("not today");', upgrade: "" });
    expect((await project.db("upgrade")).stderr).toBe(
      `Error: Cannot load ${project.directory}/versions/aaaa0001.ts: not today\n`,
    );
  });
});
