import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ModelAttributes } from "sequelize";
import type { Sequelize } from "sequelize";
import { DataTypes } from "sequelize";
import { afterAll, afterEach, beforeEach, expect, it } from "vitest";
import { describeEachDatabase } from "../databases";
import { MigrationProject } from "./project";

const { STRING, INTEGER, TEXT, ENUM } = DataTypes;

describeEachDatabase("what models alone do not tell", (database) => {
  let project: MigrationProject;
  // What says nothing of the database is tested on one.
  const once = it.runIf(database.name === "sqlite");

  beforeEach(async () => {
    project = new MigrationProject(database.sequelize);
    await project.ok("init");
    users({ email: STRING(64), old: INTEGER });
    await project.ok("migrate", "-m", "users");
    await project.ok("upgrade");
    await project.run("INSERT INTO users (id, email, old) VALUES (1, 'j@x', 5), (2, 'q@x', NULL)");
  });
  afterEach(async () => {
    project.remove();
    for (const { name } of (await project.schema()).tables) await project.run(`DROP TABLE ${quote(name)}`);
    if (database.name === "postgres")
      for (const { name } of (await project.schema()).enums) await project.run(`DROP TYPE ${quote(name)}`);
  });
  afterAll(() => project?.remove());

  function quote(name: string): string {
    return project.connect().dialect.quote(name);
  }

  function users(attributes: ModelAttributes, table = "users"): void {
    project.define((sequelize) => sequelize.define("User", attributes, { tableName: table, timestamps: false }));
  }

  const body = (): string =>
    /\{\n {2}\/\/ ###[^#]*###\n([\s\S]*?) {2}\/\/ ### end commands ###/.exec(project.newestText())?.[1] ?? "";

  it("a rename is asked for at a terminal", async () => {
    users({ mail: STRING(64), old: INTEGER });
    project.answers = ["y"];
    const { stderr } = await project.ok("migrate", "-m", "rename");
    const type = database.name === "postgres" ? "CHARACTER VARYING(64)" : "VARCHAR(64)";
    expect(project.questions).toEqual([`Was users.email renamed to users.mail (${type})? [y/N] `]);
    expect(stderr).toContain("Detected renamed column 'users.email' to 'users.mail'");
    expect(body()).toBe('  await op.renameColumn("users", "email", "mail");\n');
    await project.ok("upgrade");
    expect(await project.rows("SELECT mail FROM users ORDER BY id")).toEqual([{ mail: "j@x" }, { mail: "q@x" }]);
    project.answers = undefined;
    await project.ok("check");
  });

  once("a rename that is none drops and adds", async () => {
    users({ mail: STRING(64), old: INTEGER });
    project.answers = ["n"];
    await project.ok("migrate", "-m", "rename");
    expect(body()).toContain('t.dropColumn("email");');
  });

  once("a rename is told by a flag", async () => {
    users({ mail: STRING(128), old: INTEGER });
    await project.ok("migrate", "-m", "rename", "--rename", "users.email:mail");
    expect(body()).toMatch(
      /t\.renameColumn\("email", "mail"\);\n {4}t\.alterColumn\("mail", \{\s+type: DataTypes\.STRING\(128\)/,
    );
  });

  once("a rename is told by the model", async () => {
    users({ mail: { type: STRING(64), renamedFrom: "email" }, old: INTEGER });
    await project.ok("migrate", "-m", "rename");
    expect(body()).toBe('  await op.renameColumn("users", "email", "mail");\n');
  });

  once("without a terminal and a flag nothing is renamed, and the file and the output say so", async () => {
    users({ mail: STRING(64), old: INTEGER });
    const { stderr } = await project.ok("migrate", "-m", "rename");
    const warning =
      "users.email → users.mail looks like a rename; the generated migration DROPS users.email and its data. Re-run with --rename users.email:mail if it was renamed.";
    expect(stderr).toContain(`WARNING [migrate] ${warning}\n`);
    expect(body()).toContain(`  // ${warning}\n`);
    expect(body()).toContain('t.dropColumn("email");');
  });

  once("--no-rename asks nothing and warns of nothing", async () => {
    users({ mail: STRING(64), old: INTEGER });
    project.answers = [];
    expect((await project.ok("migrate", "-m", "x", "--no-rename")).stderr).not.toContain("looks like a rename");
    expect(project.questions).toEqual([]);
    expect((await project.db("migrate", "-m", "x", "--no-rename", "--rename", "users.a:b")).exitCode).toBe(2);
  });

  it("a renamed table is asked for, and its columns then", async () => {
    users({ mail: STRING(64), old: INTEGER, a: INTEGER, b: INTEGER, c: INTEGER, d: INTEGER });
    project.answers = ["n"];
    await project.ok("migrate", "-m", "more");
    await project.ok("upgrade");
    users({ post: STRING(64), old: INTEGER, a: INTEGER, b: INTEGER, c: INTEGER, d: INTEGER }, "people");
    project.answers = ["y", "y"];
    project.questions.length = 0;
    await project.ok("migrate", "-m", "people");
    expect(project.questions[0]).toBe("Was the table users renamed to people? [y/N] ");
    expect(project.questions[1]).toMatch(/^Was people\.mail renamed to people\.post/);
    expect(body()).toBe(
      '  await op.renameTable("users", "people");\n  await op.renameColumn("people", "mail", "post");\n',
    );
    await project.ok("upgrade");
    await project.ok("check");
    await project.ok("downgrade");
    await project.ok("upgrade");
  });

  it("names by the rule go with their columns and tables", async () => {
    project.define((sequelize) =>
      sequelize.define(
        "User",
        { email: STRING(64), old: INTEGER },
        {
          tableName: "users",
          timestamps: false,
          indexes: [{ fields: ["email"] }, { fields: ["old"], name: "own_name" }],
        },
      ),
    );
    await project.ok("migrate", "-m", "index");
    await project.ok("upgrade");
    project.define((sequelize) =>
      sequelize.define(
        "User",
        { mail: STRING(64), old: INTEGER },
        {
          tableName: "people",
          timestamps: false,
          indexes: [{ fields: ["mail"] }, { fields: ["old"], name: "own_name" }],
        },
      ),
    );
    await project.ok("migrate", "-m", "names", "--rename-table", "users:people", "--rename", "people.email:mail");
    expect(body()).toContain('t.renameIndex("ix_users_email", "ix_people_mail");');
    await project.ok("upgrade");
    await project.ok("check");
    const people = (await project.schema()).tables.find(({ name }) => name === "people");
    expect(people?.indexes.map(({ name }) => name).sort()).toEqual(["ix_people_mail", "own_name"]);
  });

  it("names of constraints by the rule go too, so that the old names are free again", async () => {
    const models = (user: string, email: string, others: string[]) => (sequelize: Sequelize) => {
      sequelize.define("Role", {}, { tableName: "roles", timestamps: false });
      for (const table of [user, ...others]) {
        const role = { type: INTEGER, references: { model: "roles", key: "id" } };
        const own = { type: INTEGER, ...(table === user ? { unique: "own_name" } : {}) };
        const attributes = { [email]: { type: STRING(64), unique: true }, own, role };
        sequelize.define(table, attributes, { tableName: table, timestamps: false });
      }
    };
    project.define(models("users", "email", []));
    await project.ok("migrate", "-m", "first");
    await project.ok("upgrade");
    const former = await project.comparable();
    project.define(models("people", "mail", []));
    await project.ok("migrate", "-m", "names", "--rename-table", "users:people", "--rename", "people.email:mail");
    const renames = [
      't.renameConstraint("uq_users_email", "uq_people_mail", "unique");',
      't.renameConstraint("fk_users_role_roles", "fk_people_role_roles", "foreignKey");',
    ];
    // SQLite would write the table anew for a name, and takes a name twice.
    for (const text of renames)
      if (database.name === "sqlite") expect(body()).not.toContain("renameConstraint");
      else expect(body()).toContain(text);
    await project.ok("upgrade");
    await project.ok("check");
    project.define(models("people", "mail", ["users"]));
    await project.ok("migrate", "-m", "again", "--no-rename");
    await project.ok("upgrade");
    expect((await project.ok("check")).stdout).toBe("No new upgrade operations detected.\n");
    await project.ok("downgrade", "-2");
    expect(await project.comparable()).toEqual(former);
    await project.ok("upgrade");
    await project.ok("check");
    await project.ok("downgrade", "base");
  });

  it("names of checks and of primary keys by the rule go with their table", async () => {
    const models = (table: string, column: string) => (sequelize: Sequelize) => {
      const checks = [
        { name: `ck_${table}_${column}`, expression: `${column} > 0` },
        { name: "own_name", expression: `${column} < 100` },
      ];
      const options = { tableName: table, timestamps: false, checks };
      sequelize.define("Thing", { [column]: INTEGER }, options as object);
    };
    project.define(models("things", "n"));
    await project.ok("migrate", "-m", "first");
    await project.ok("upgrade");
    const isPostgres = database.name === "postgres";
    if (isPostgres) await project.run("ALTER TABLE things RENAME CONSTRAINT things_pkey TO pk_things");
    // SQLite puts the new name in quotes.
    const bare = async (): Promise<string> => JSON.stringify(await project.comparable()).replaceAll('\\"', "");
    const former = await bare();
    project.define(models("objects", "size"));
    await project.ok("migrate", "-m", "names", "--rename-table", "things:objects", "--rename", "objects.n:size");
    const renames = body().match(/t\.renameConstraint\(.*\)/g);
    await project.ok("upgrade");
    expect((await project.ok("check")).stdout).toBe("No new upgrade operations detected.\n");
    const objects = (await project.schema()).tables.find(({ name }) => name === "objects");
    const names = [objects?.primaryKey?.name, ...(objects?.checks.map(({ name }) => name).sort() ?? [])];
    if (database.name === "sqlite") expect([renames, names[1]]).toEqual([null, "ck_things_n"]);
    else expect(names).toEqual([isPostgres ? "pk_objects" : names[0], "ck_objects_size", "own_name"]);
    await project.ok("downgrade");
    expect(await bare()).toBe(former);
    await project.ok("upgrade");
    await project.ok("downgrade", "base");
  });

  it("checks of enumerated columns go with their table", async () => {
    const config = join(project.directory, "config.json");
    const settings = readFileSync(config, "utf8");
    writeFileSync(config, JSON.stringify({ ...(JSON.parse(settings) as object), enumChecks: true }));
    const models = (table: string, values: string[]) => (sequelize: Sequelize) => {
      sequelize.define("Thing", { kind: ENUM(...values) }, { tableName: table, timestamps: false });
    };
    try {
      project.define(models("things", ["a", "b"]));
      await project.ok("migrate", "-m", "first");
      await project.ok("upgrade");
      const former = await project.comparable();
      project.define(models("objects", ["a", "b"]));
      await project.ok("migrate", "-m", "names", "--rename-table", "things:objects");
      await project.ok("upgrade");
      expect((await project.ok("check")).stdout).toBe("No new upgrade operations detected.\n");
      project.define(models("objects", ["a", "b", "c"]));
      await project.ok("migrate", "-m", "value");
      await project.ok("upgrade");
      await project.run("INSERT INTO objects (kind) VALUES ('c')");
      await expect(project.run("INSERT INTO objects (kind) VALUES ('d')")).rejects.toThrow();
      await project.run("DELETE FROM objects");
      await project.ok("downgrade", "-2");
      expect(await project.comparable()).toEqual(former);
      await project.ok("downgrade", "base");
    } finally {
      writeFileSync(config, settings);
    }
  });

  once.each([
    [["--rename", "users.nope:mail"], 'Cannot rename column "users.nope": the database has none of that name.'],
    [
      ["--rename", "users.email:nope"],
      'Cannot rename column "users.email" to "users.nope": the models have none of that name.',
    ],
    [["--rename", "email"], 'Cannot read "--rename email". Expected TABLE.OLD:NEW.'],
    [["--rename-table", "a"], 'Cannot read "--rename-table a". Expected OLD:NEW.'],
    [["--fill", "users.a"], 'Cannot read "--fill users.a". Expected TABLE.COLUMN=VALUE.'],
  ])("%j is refused", async (flags, message) => {
    users({ mail: STRING(64), old: INTEGER });
    const { exitCode, stderr } = await project.db("migrate", "-m", "x", ...flags);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`Error: ${message}`);
  });

  it("the value of existing rows is asked for at a terminal", async () => {
    users({ email: STRING(64), old: INTEGER, newc: { type: STRING(9), allowNull: false } });
    project.answers = ["it's"];
    await project.ok("migrate", "-m", "newc");
    expect(project.questions).toEqual([
      "users.newc is NOT NULL without a default and users has 2 rows. Value for existing rows (empty to edit the file): ",
    ]);
    expect(body()).toContain(`fill: "it's"`);
    await project.ok("upgrade");
    expect(await project.rows("SELECT newc FROM users")).toEqual([{ newc: "it's" }, { newc: "it's" }]);
  });

  once.each([
    ["", '""', ""],
    ["''", '""', ""],
    ["12", "12", "12"],
    ["sql:lower(email)", "sql`lower(email)`", "j@x"],
    ['"12"', '"12"', "12"],
  ])("the flag --fill users.newc=%s is written as %s", async (value, source, stored) => {
    users({ email: STRING(64), old: INTEGER, newc: { type: STRING(9), allowNull: false } });
    await project.ok("migrate", "-m", "newc", "--fill", `users.newc=${value}`);
    expect(body()).toContain(`fill: ${source}`);
    await project.ok("upgrade");
    expect((await project.rows("SELECT newc FROM users ORDER BY id"))[0]).toEqual({ newc: stored });
  });

  once("without a value the file has a gap, and the upgrade refuses it", async () => {
    users({ email: STRING(64), old: INTEGER, newc: { type: STRING(9), allowNull: false } });
    const { stderr } = await project.ok("migrate", "-m", "newc");
    const reason = "addColumn users.newc: NOT NULL without default; users has 2 rows. Give { fill: value }.";
    expect(stderr).toContain(`WARNING [migrate] NN1 ${reason}\n`);
    expect(body()).toContain("fill: undefined /* TODO: the value of existing rows */");
    const upgrade = await project.db("upgrade");
    expect(upgrade.exitCode).toBe(1);
    expect(upgrade.stderr).toContain(reason);
  });

  it("a column that may no longer be null asks for a value where rows hold NULL", async () => {
    users({ email: STRING(64), old: { type: INTEGER, allowNull: false } });
    project.answers = ["0"];
    await project.ok("migrate", "-m", "old");
    expect(body()).toContain("fill: 0");
    await project.ok("upgrade");
    expect((await project.rows("SELECT old FROM users ORDER BY id")).map(({ old }) => old)).toEqual([5, 0]);
  });

  it.each<[string, string, ModelAttributes, RegExp]>([
    [
      "DS2",
      "values that a dropped column loses",
      { email: STRING(64) },
      /DS2 dropping column 'users\.old' loses 1 value\n/,
    ],
    [
      "UQ1",
      "values that are there twice",
      { email: { type: STRING(64), unique: true }, old: INTEGER },
      /UQ1 createUnique users\(email\): 1 value is there more than once \('q@x'\)/,
    ],
    [
      "FK1",
      "rows that refer to nothing",
      { email: STRING(64), old: { type: INTEGER, references: { model: "users", key: "id" } } },
      /FK1 createForeignKey users\(old\): 1 row refers to no row of users \(5\)/,
    ],
    [
      "TY1",
      "values that are too long",
      { email: STRING(2), old: INTEGER },
      /TY1 alterColumn users\.email: the longest value has 3 characters, more than .*\(2\) holds/,
    ],
  ])("%s warns of %s", async (code, _what, attributes, warning) => {
    if (code === "UQ1") await project.run("UPDATE users SET email = 'q@x'");
    users(attributes);
    expect((await project.ok("migrate", "-m", "x", "--no-rename")).stderr).toMatch(warning);
  });

  it("DS1 warns of the rows of a dropped table, TR1 of its triggers", async () => {
    if (database.name !== "postgres") {
      await project.run(
        database.name === "sqlite"
          ? "CREATE TRIGGER tr AFTER INSERT ON users BEGIN SELECT 1; END"
          : "CREATE TRIGGER tr BEFORE INSERT ON users FOR EACH ROW SET new.old = 1",
      );
    }
    project.define((sequelize) =>
      sequelize.define("Other", { a: TEXT, b: TEXT, c: TEXT }, { tableName: "others", timestamps: false }),
    );
    const { stderr } = await project.ok("migrate", "-m", "x", "--no-rename");
    expect(stderr).toContain("WARNING [migrate] DS1 dropping table 'users' loses its 2 rows\n");
    if (database.name !== "postgres")
      expect(stderr).toContain("WARNING [migrate] TR1 table 'users' takes its triggers with it: tr\n");
  });

  if (database.name !== "sqlite") {
    it("DS3 warns of rows with a value that an enumeration loses", async () => {
      users({ email: STRING(64), old: INTEGER, kind: { type: ENUM("a", "b", "c") } });
      await project.ok("migrate", "-m", "kind");
      await project.ok("upgrade");
      await project.run("UPDATE users SET kind = 'c'");
      users({ email: STRING(64), old: INTEGER, kind: { type: ENUM("a", "b") } });
      expect((await project.ok("migrate", "-m", "less")).stderr).toContain(
        "WARNING [migrate] DS3 alterColumn users.kind: 2 rows hold a value that is no longer among them ('c').",
      );
      expect((await project.db("upgrade")).stderr).toContain("2 rows hold a value that is no longer among them ('c')");
    });
  }

  it("the downgrade says what does not come back", async () => {
    users({ email: STRING(64) });
    await project.ok("migrate", "-m", "x");
    expect(project.newestText()).toContain(
      '  // NOTE: the data of users.old is not restored\n  await op.addColumn("users", "old", { type: DataTypes.INTEGER });\n',
    );
  });
});
