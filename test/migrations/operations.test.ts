import { afterEach, beforeEach, expect, it } from "vitest";
import { findColumn } from "../../src/schema/schema";
import type { Table } from "../../src/schema/schema";
import { describeEachDatabase } from "../databases";
import { MigrationProject } from "./project";

describeEachDatabase("operations of a revision", (database) => {
  let project: MigrationProject;
  let count = 0;

  beforeEach(async () => {
    project = new MigrationProject(database.sequelize);
    await project.ok("init");
    await run(`
      await op.createTable("roles", { id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true }, name: { type: DataTypes.STRING(64), unique: true } });
      await op.createTable("users", {
        id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
        username: { type: DataTypes.STRING(64), allowNull: false },
        email: { type: DataTypes.STRING(64) },
        age: { type: DataTypes.INTEGER, default: 7 },
        role_id: { type: DataTypes.INTEGER, references: { table: "roles", column: "id", onDelete: "SET NULL" } },
      }, { uniques: [{ fields: ["username", "email"] }], checks: [{ name: "ck_age", expression: "age > 0" }], comment: "people" });
      await op.bulkInsert("roles", [{ id: 1, name: "Admin" }, { id: 2, name: "User" }]);
      await op.bulkInsert("users", [{ id: 1, username: "john", email: "j@x", age: 42, role_id: 1 }, { id: 2, username: "it's; jane", email: null, age: 5, role_id: 2 }]);
    `);
  });
  afterEach(async () => {
    project.remove();
    const { tables, views } = await project.schema();
    for (const view of views) await project.run(`DROP VIEW ${quote(view.name)}`);
    for (const table of tables)
      for (const key of table.foreignKeys)
        if (database.name !== "sqlite")
          await project.run(
            `ALTER TABLE ${quote(table.name)} DROP ${database.name === "mariadb" ? "FOREIGN KEY" : "CONSTRAINT"} ${quote(key.name ?? "")}`,
          );
    for (const table of tables) await project.run(`DROP TABLE ${quote(table.name)}`);
    if (database.name === "postgres")
      for (const { name } of (await project.schema()).enums) await project.run(`DROP TYPE ${quote(name)}`);
  });

  function quote(name: string): string {
    return project.connect().dialect.quote(name);
  }

  /** Runs the body as a revision of its own; the error is what the command wrote. */
  async function run(upgrade: string, downgrade = ""): Promise<void> {
    const ids = project
      .files()
      .map((file) => file.replace(".ts", ""))
      .sort();
    project.writeRevision({ id: `r${String(++count).padStart(7, "0")}`, down: ids.at(-1) ?? null, upgrade, downgrade });
    await project.ok("upgrade");
  }

  async function table(name = "users"): Promise<Table> {
    const found = (await project.schema()).tables.find((candidate) => candidate.name === name);
    if (!found) throw new Error(`no table ${name}`);
    return found;
  }

  it("createTable makes keys, defaults, constraints under names of the rule and comments", async () => {
    const users = await table();
    expect(users.primaryKey?.columns).toEqual(["id"]);
    expect(findColumn(users, "id")?.autoIncrement).toBe(true);
    expect(findColumn(users, "age")?.default).toMatch(/^'?7/);
    expect(users.uniques).toEqual([{ name: "uq_users_username_email", columns: ["username", "email"] }]);
    expect(users.foreignKeys).toEqual([
      {
        name: "fk_users_role_id_roles",
        columns: ["role_id"],
        references: { table: "roles", columns: ["id"] },
        onDelete: "SET NULL",
        onUpdate: "NO ACTION",
      },
    ]);
    expect(users.checks.map(({ name }) => name)).toEqual(["ck_age"]);
    expect((await table("roles")).uniques).toEqual([{ name: "uq_roles_name", columns: ["name"] }]);
    if (database.name !== "sqlite") expect(users.comment).toBe("people");
  });

  it("createTable does not take over a table that is there", async () => {
    project.writeRevision({
      id: "zzzz9999",
      down: project.files().at(-1)?.replace(".ts", "") ?? null,
      upgrade: `await op.createTable("roles", { id: { type: DataTypes.INTEGER } });`,
    });
    const { exitCode, stderr } = await project.db("upgrade");
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/failed in upgrade\(\) at operation 1 of 1: createTable roles\n {2}.*exists/);
  });

  it("createTable takes composite keys and foreign keys of several columns", async () => {
    await run(`
      await op.createTable("pairs", { a: { type: DataTypes.INTEGER }, b: { type: DataTypes.STRING(5) } }, { primaryKey: { fields: ["a", "b"] } });
      await op.createTable("uses", { x: { type: DataTypes.INTEGER }, y: { type: DataTypes.STRING(5) } }, { foreignKeys: [{ name: "fk_uses", fields: ["x", "y"], table: "pairs", references: ["a", "b"], onDelete: "CASCADE" }] });
    `);
    expect((await table("pairs")).primaryKey?.columns).toEqual(["a", "b"]);
    expect((await table("uses")).foreignKeys[0]).toMatchObject({
      name: "fk_uses",
      columns: ["x", "y"],
      references: { table: "pairs", columns: ["a", "b"] },
      onDelete: "CASCADE",
    });
  });

  it("renameTable and dropTable", async () => {
    await run(`await op.renameTable("users", "people");`);
    expect(await project.rows(`SELECT count(*) AS n FROM people`)).toEqual([
      { n: expect.toSatisfy((n) => Number(n) === 2) },
    ]);
    await run(`await op.dropTable("people"); await op.dropTable("nope", { ifExists: true });`);
    expect((await project.schema()).tables.map(({ name }) => name)).not.toContain("people");
  });

  it("addColumn fills the rows that are there", async () => {
    await run(
      `await op.addColumn("users", "slug", { type: DataTypes.STRING(80), allowNull: false, fill: sql\`lower(username)\` });`,
    );
    expect(await project.rows("SELECT slug FROM users ORDER BY id")).toEqual([
      { slug: "john" },
      { slug: "it's; jane" },
    ]);
    expect(findColumn(await table(), "slug")?.nullable).toBe(false);
  });

  it("addColumn takes unique and references with it", async () => {
    await run(
      `await op.addColumn("users", "boss_id", { type: DataTypes.INTEGER, unique: true, references: { table: "users", column: "id", onDelete: "SET NULL" } });`,
    );
    const users = await table();
    expect(users.uniques).toContainEqual({ name: "uq_users_boss_id", columns: ["boss_id"] });
    expect(users.foreignKeys).toContainEqual(
      expect.objectContaining({ name: "fk_users_boss_id_users", columns: ["boss_id"] }),
    );
  });

  it("renameColumn and dropColumn", async () => {
    await run(
      `await op.renameColumn("users", "email", "mail"); await op.dropConstraint("users", "ck_age", "check"); await op.dropColumn("users", "age");`,
    );
    expect((await table()).columns.map(({ name }) => name)).toEqual(["id", "username", "mail", "role_id"]);
    expect((await table()).uniques[0]?.columns).toEqual(["username", "mail"]);
    expect(await project.rows("SELECT mail FROM users ORDER BY id")).toEqual([{ mail: "j@x" }, { mail: null }]);
  });

  it("alterColumn keeps what it does not name", async () => {
    await run(`await op.alterColumn("users", "username", { type: DataTypes.STRING(200), default: "new" });`);
    await run(`await op.alterColumn("users", "username", { type: DataTypes.STRING(201) });`);
    const column = findColumn(await table(), "username");
    expect(column).toMatchObject({ nullable: false });
    expect(column?.type).toMatch(/\(201\)/);
    expect(column?.default).toMatch(/^'new'/);
  });

  it("alterColumn fills the rows that hold NULL", async () => {
    await run(`await op.alterColumn("users", "email", { allowNull: false, fill: "none" });`);
    expect(await project.rows("SELECT email FROM users ORDER BY id")).toEqual([{ email: "j@x" }, { email: "none" }]);
  });

  it("alterColumn turns values by using", async () => {
    await run(`await op.alterColumn("users", "email", { type: DataTypes.INTEGER, using: sql\`length(email)\` });`);
    expect((await project.rows("SELECT email FROM users ORDER BY id")).map(({ email }) => email)).toEqual([3, null]);
  });

  it("alterColumn dropDefault", async () => {
    await run(`await op.alterColumn("users", "age", { dropDefault: true });`);
    expect(findColumn(await table(), "age")?.default).toBeUndefined();
  });

  it("alterTable makes several changes together, each finding the table as those before left it", async () => {
    await run(`await op.alterTable("users", (t) => {
      t.renameColumn("email", "mail");
      t.alterColumn("mail", { type: DataTypes.STRING(128) });
      t.addColumn("email", { type: DataTypes.STRING(9), default: "x" });
      t.dropConstraint({ type: "unique", fields: ["username", "mail"] });
      t.createUnique(undefined, ["mail"]);
      t.createIndex(undefined, ["email", { column: "mail", order: "DESC" }]);
      t.createCheck("ck_mail", "mail <> ''");
    });`);
    const users = await table();
    expect(findColumn(users, "mail")?.type).toMatch(/\(128\)/);
    expect(users.uniques).toEqual([{ name: "uq_users_mail", columns: ["mail"] }]);
    expect(users.indexes).toContainEqual(
      expect.objectContaining({
        name: "ix_users_email_mail",
        columns: [
          { column: "email" },
          { column: "mail", descending: true, ...(database.name === "postgres" ? {} : {}) },
        ],
      }),
    );
    expect(await project.rows("SELECT email, mail FROM users ORDER BY id")).toEqual([
      { email: "x", mail: "j@x" },
      { email: "x", mail: null },
    ]);
  });

  it("constraints are dropped by their columns where they have no known name", async () => {
    await run(
      `await op.dropConstraint("users", { type: "foreignKey", fields: ["role_id"] }); await op.dropConstraint("users", { type: "unique", fields: ["username", "email"] });`,
    );
    expect((await table()).foreignKeys).toEqual([]);
    expect((await table()).uniques).toEqual([]);
  });

  it("createForeignKey, createPrimaryKey and dropPrimaryKey", async () => {
    await run(`
      await op.createTable("plain", { a: { type: DataTypes.INTEGER, allowNull: false }, b: { type: DataTypes.INTEGER, allowNull: false } });
      await op.createPrimaryKey("plain", undefined, ["a"]);
      await op.createForeignKey("plain", undefined, ["b"], "roles", ["id"], { onDelete: "CASCADE", onUpdate: "CASCADE" });
    `);
    expect((await table("plain")).primaryKey?.columns).toEqual(["a"]);
    expect((await table("plain")).foreignKeys[0]).toMatchObject({
      name: "fk_plain_b_roles",
      onDelete: "CASCADE",
      onUpdate: "CASCADE",
    });
    await run(`await op.dropPrimaryKey("plain"); await op.createPrimaryKey("plain", undefined, ["a", "b"]);`);
    expect((await table("plain")).primaryKey?.columns).toEqual(["a", "b"]);
  });

  it("createIndex, renameIndex and dropIndex", async () => {
    await run(
      `await op.createIndex("ix_age", "users", ["age"]); await op.createIndex("ix_age", "users", ["age"], { ifNotExists: true }); await op.renameIndex("users", "ix_age", "ix_years");`,
    );
    expect((await table()).indexes.map(({ name }) => name)).toContain("ix_years");
    await run(`await op.dropIndex("ix_years", "users"); await op.dropIndex("ix_years", "users", { ifExists: true });`);
    expect((await table()).indexes.map(({ name }) => name)).not.toContain("ix_years");
  });

  it("renameConstraint gives a constraint another name, under which it is dropped", async () => {
    const [unique] = (await table()).uniques;
    const [key] = (await table()).foreignKeys;
    await run(`
      await op.alterTable("users", (t) => {
        t.renameConstraint(${JSON.stringify(unique?.name)}, "uq new", "unique");
        t.renameConstraint(${JSON.stringify(key?.name)}, "fk_new", "foreignKey");
        t.renameConstraint("ck_age", "ck_new", "check");
      });`);
    const renamed = await table();
    expect(renamed.uniques).toEqual([{ ...unique, name: "uq new" }]);
    expect(renamed.foreignKeys).toEqual([{ ...key, name: "fk_new" }]);
    expect(renamed.checks.map(({ name }) => name)).toEqual(["ck_new"]);
    expect(await project.rows("SELECT count(*) AS n FROM users")).toEqual([
      { n: database.name === "postgres" ? "2" : 2 },
    ]);
    await run(`
      await op.dropConstraint("users", "uq new", "unique");
      await op.dropConstraint("users", "fk_new", "foreignKey");
      await op.dropConstraint("users", "ck_new", "check");`);
    const without = await table();
    expect([...without.uniques, ...without.foreignKeys, ...without.checks, ...without.indexes]).toEqual([]);
    project.writeRevision({
      id: "zzzz0001",
      down: project.files().at(-1)?.replace(".ts", "") ?? null,
      upgrade: `await op.renameConstraint("users", "nope", "fk_other", "foreignKey");`,
    });
    expect((await project.db("upgrade")).stderr).toMatch(
      /no such constraint|There is no foreign key "nope"|does not exist/,
    );
  });

  it("an ENUM column takes other values, and its rows stay", async () => {
    await run(`await op.addColumn("users", "kind", { type: DataTypes.ENUM("a", "it's"), default: "it's" });`);
    await run(
      `await op.alterColumn("users", "kind", { type: DataTypes.ENUM("it's", "c"), default: "c" }); await op.update("users", { kind: "c" }, { id: 1 });`,
    );
    expect(await project.rows("SELECT kind FROM users ORDER BY id")).toEqual([{ kind: "c" }, { kind: "it's" }]);
    if (database.name !== "sqlite") expect(findColumn(await table(), "kind")?.enumValues).toEqual(["it's", "c"]);
    await run(`await op.dropColumn("users", "kind");`);
    expect((await project.schema()).enums).toEqual([]);
  });

  it("createView and dropView, createTrigger and dropTrigger", async () => {
    await run(`
      await op.createView("names", "SELECT username FROM users");
      await op.createTrigger("tr", { sqlite: "CREATE TRIGGER tr AFTER INSERT ON users BEGIN UPDATE roles SET name = 'x;y' WHERE id = 1; UPDATE roles SET name = 'z' WHERE id = 2; END", mysql: "CREATE TRIGGER tr AFTER INSERT ON users FOR EACH ROW UPDATE roles SET name = 'x;y' WHERE id = 1" });
    `);
    expect(await project.rows("SELECT count(*) AS n FROM names")).toHaveLength(1);
    if (database.name !== "postgres") {
      await project.run("INSERT INTO users (id, username) VALUES (3, 'new')");
      expect(await project.rows("SELECT name FROM roles WHERE id = 1")).toEqual([{ name: "x;y" }]);
      await run(`await op.dropTrigger("tr", "users");`);
    }
    await run(`await op.dropView("names");`);
    expect((await project.schema()).views).toEqual([]);
  });

  it("execute runs several statements and takes parameters; query gives rows", async () => {
    await run(`
      await op.execute("UPDATE users SET email = $mail WHERE username = $name; UPDATE users SET age = $age WHERE username = $name", { bind: { mail: "it's; $name", name: "john", age: 9 } });
      const rows = await op.query("SELECT id FROM users WHERE email = $1", { bind: ["it's; $name"] });
      await op.update("users", { age: 10 + Number(rows[0].id) }, { id: 1 });
      await op.update("users", { age: sql\`age + 1\` }, "id = 2");
    `);
    expect(
      (await project.rows("SELECT email, age FROM users ORDER BY id")).map(({ email, age }) => [email, age]),
    ).toEqual([
      ["it's; $name", 11],
      [null, 6],
    ]);
  });

  it("table gives a model inside the revision's transaction, unknown to the application", async () => {
    await run(`
      const User = op.table("users", { id: { type: DataTypes.INTEGER, primaryKey: true }, username: { type: DataTypes.STRING }, age: { type: DataTypes.INTEGER } });
      await op.addColumn("users", "note", { type: DataTypes.STRING });
      for (const user of await User.findAll({ order: ["id"] })) await user.update({ age: user.get("age") + 100 });
      await User.create({ id: 50, username: "made" });
    `);
    expect((await project.rows("SELECT age FROM users ORDER BY id")).map(({ age }) => age)).toEqual([142, 105, 7]);
    expect(database.sequelize.isDefined("users")).toBe(false);
  });

  it("operations that nobody awaits are made in the order of their calls", async () => {
    await run(`
      void op.addColumn("users", "first", { type: DataTypes.INTEGER });
      void op.renameColumn("users", "first", "second");
      void op.update("users", { second: 5 });
    `);
    expect((await project.rows("SELECT second FROM users ORDER BY id")).map(({ second }) => second)).toEqual([5, 5]);
  });

  it("values of every kind are written as they are", async () => {
    await run(`
      await op.createTable("kinds", { t: { type: DataTypes.TEXT }, n: { type: DataTypes.DOUBLE }, b: { type: DataTypes.BOOLEAN }, d: { type: DataTypes.DATE(3) }, j: { type: DataTypes.JSON }, x: { type: DataTypes.BLOB } });
      await op.bulkInsert("kinds", [{ t: "a'b\\\\c\\n;é", n: -1.5, b: true, d: new Date("2024-02-29T12:30:45.123Z"), j: { a: [1, "it's"] }, x: Buffer.from("00ff", "hex") }]);
      const Kind = op.table("kinds", { t: { type: DataTypes.TEXT }, n: { type: DataTypes.DOUBLE }, b: { type: DataTypes.BOOLEAN }, d: { type: DataTypes.DATE(3) }, j: { type: DataTypes.JSON }, x: { type: DataTypes.BLOB } });
      const row = (await Kind.findOne()).get();
      if (row.t !== "a'b\\\\c\\n;é" || row.n !== -1.5 || row.b !== true) throw new Error("text, number or boolean: " + JSON.stringify(row));
      if (row.d.toISOString() !== "2024-02-29T12:30:45.123Z") throw new Error("date: " + row.d.toISOString());
      if (JSON.stringify(row.j) !== '{"a":[1,"it\\'s"]}' || row.x.toString("hex") !== "00ff") throw new Error("json or blob");
    `);
  });

  if (database.name === "postgres") {
    it("autocommit runs outside of the transaction", async () => {
      await run(
        `await op.autocommit(async () => { await op.createIndex("ix_conc", "users", ["age"], { concurrently: true }); });`,
      );
      expect((await table()).indexes.map(({ name }) => name)).toContain("ix_conc");
    });

    it("createEnum, alterEnum and dropEnum change a named type and the columns that have it", async () => {
      await run(`
        await op.createEnum("mood", ["good", "bad"]);
        await op.addColumn("users", "mood", { type: "mood", default: "good" });
        await op.alterEnum("mood", { from: ["good", "bad"], to: ["fine", "bad"], map: { good: "fine" } });
      `);
      expect(await project.rows("SELECT mood FROM users ORDER BY id")).toEqual([{ mood: "fine" }, { mood: "fine" }]);
      expect(findColumn(await table(), "mood")).toMatchObject({ default: "'fine'::mood", enumValues: ["fine", "bad"] });
      await run(`await op.dropColumn("users", "mood"); await op.dropEnum("mood");`);
      expect((await project.schema()).enums).toEqual([]);
    });

    it("tables of other schemas are named with them", async () => {
      await project.run("CREATE SCHEMA hr");
      await run(
        `await op.createTable("hr.people", { id: { type: DataTypes.INTEGER, primaryKey: true }, kind: { type: DataTypes.ENUM("a", "b") } }); await op.addColumn("hr.people", "role_id", { type: DataTypes.INTEGER, references: { table: "roles", column: "id" } }); await op.createIndex("ix_kind", "hr.people", ["kind"]); await op.dropIndex("ix_kind", "hr.people");`,
      );
      expect(await project.rows("SELECT count(*) AS n FROM hr.people")).toHaveLength(1);
      await run(`await op.dropTable("hr.people");`);
      await project.run("DROP SCHEMA hr");
    });
  }
});
