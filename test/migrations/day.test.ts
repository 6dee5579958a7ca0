import type { Sequelize } from "sequelize";
import { DataTypes } from "sequelize";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databases, describeEachDatabase } from "../databases";
import { MigrationProject } from "./project";
import { defineRichModels } from "../schema/models";

const { STRING, INTEGER, BOOLEAN, DATE } = DataTypes;

function firstModels(sequelize: Sequelize): void {
  const Role = sequelize.define(
    "Role",
    { name: { type: STRING(64), allowNull: false, unique: true } },
    { tableName: "roles", timestamps: false },
  );
  const User = sequelize.define(
    "User",
    { username: { type: STRING(64), allowNull: false }, email: STRING(64), age: STRING(8), old: STRING(20) },
    { tableName: "users", timestamps: false, underscored: true, indexes: [{ fields: ["email"] }] },
  );
  User.belongsTo(Role, { foreignKey: "roleId" });
}

/** Adds, removes, renames and retypes columns, an index, a unique constraint, a foreign key's action, tables between tables. */
function laterModels(sequelize: Sequelize): void {
  const Role = sequelize.define(
    "Role",
    { name: { type: STRING(128), allowNull: false, unique: true } },
    { tableName: "roles", timestamps: false },
  );
  const User = sequelize.define(
    "User",
    {
      username: { type: STRING(64), allowNull: false, unique: true },
      mail: STRING(64),
      age: INTEGER,
      active: { type: BOOLEAN, allowNull: false, defaultValue: true },
      joined: DATE,
    },
    { tableName: "users", timestamps: false, underscored: true, indexes: [{ fields: ["mail"] }, { fields: ["age"] }] },
  );
  User.belongsTo(Role, { foreignKey: "roleId", onDelete: "CASCADE" });
  const Tag = sequelize.define("Tag", { label: STRING(20) }, { tableName: "tags", timestamps: false });
  User.belongsToMany(Tag, { through: "user_tags", timestamps: false });
  Tag.belongsToMany(User, { through: "user_tags", timestamps: false });
}

const ROWS = [
  { id: 1, username: "john", age: 42, role_id: 1 },
  { id: 2, username: "it's jane", age: 7, role_id: 2 },
  { id: 3, username: "noor", age: null, role_id: null },
];

describeEachDatabase("a day's work", (database) => {
  let project: MigrationProject;

  beforeAll(() => {
    project = new MigrationProject(database.sequelize);
  });
  afterAll(() => project?.remove());

  async function rows(column: string): Promise<unknown[]> {
    const found = await project.rows(`SELECT id, username, ${column}, age, role_id FROM users ORDER BY id`);
    return found.map((row) => ({
      ...row,
      id: Number(row["id"]),
      age: row["age"] === null ? null : Number(row["age"]),
    }));
  }
  const withMail = (column: string): unknown[] =>
    ROWS.map(({ age, role_id, ...row }) => ({ ...row, [column]: row.id === 3 ? null : `${row.id}@x`, age, role_id }));

  it("begins with the first models", async () => {
    project.define(firstModels);
    await project.ok("init");
    const { stdout, stderr } = await project.ok("migrate", "-m", "initial migration");
    expect(stdout).toMatch(/^Generating .*\/versions\/\w{12}_initial_migration\.ts \.\.\. {2}done\n$/);
    expect(stderr).toContain(
      "INFO  [migrate] Detected added table 'roles'\nINFO  [migrate] Detected added table 'users'\n",
    );
    await project.ok("upgrade");
    await project.run(
      "INSERT INTO roles (id, name) VALUES (1, 'Admin'), (2, 'User')",
      "INSERT INTO users (id, username, email, age, old, role_id) VALUES (1, 'john', '1@x', '42', 'o', 1), (2, 'it''s jane', '2@x', '7', NULL, 2), (3, 'noor', NULL, NULL, NULL, NULL)",
    );
  });

  it("goes on with changed models, a readable file and all rows", async () => {
    project.define(laterModels);
    await project.ok("migrate", "-m", "change things", "--rename", "users.email:mail");
    const text = project.newestText();
    expect(text).toContain('    t.renameColumn("email", "mail");\n');
    expect(text).toContain(
      '    t.addColumn("active", { type: DataTypes.BOOLEAN, allowNull: false, default: true });\n',
    );
    expect(text).toContain("  // NOTE: the data of users.old is not restored\n");
    await project.ok("upgrade");
    expect((await project.ok("check")).stdout).toBe("No new upgrade operations detected.\n");
    expect(await rows("mail")).toEqual(withMail("mail"));
    expect((await project.rows("SELECT active FROM users")).map(({ active }) => Number(active))).toEqual([1, 1, 1]);
  });

  it("goes back and forth with all rows", async () => {
    await project.ok("downgrade");
    expect(await rows("email")).toEqual(withMail("email"));
    await project.ok("upgrade");
    expect(await rows("mail")).toEqual(withMail("mail"));
    expect((await project.ok("check")).stdout).toBe("No new upgrade operations detected.\n");
    await project.ok("downgrade", "base");
    expect((await project.schema()).tables.map(({ name }) => name)).toEqual(["migration_versions"]);
    await project.ok("upgrade");
    await project.ok("check");
  });

  it("ends with a revision written by hand", async () => {
    await project.ok("revision", "-m", "empty", "--rev-id", "byhand000001");
    const [parent] = /downRevision.*"(\w+)"/.exec(project.newestText())?.slice(1) ?? [];
    project.writeRevision({
      id: "byhand000001".replace("0001", "0002"),
      down: "byhand000001",
      upgrade: `await op.bulkInsert("roles", [{ id: 1, name: "Admin" }]); await op.execute("UPDATE roles SET name = 'Boss' WHERE name = $name", { bind: { name: "Admin" } });`,
      downgrade: `await op.execute("DELETE FROM roles");`,
    });
    await project.ok("upgrade");
    expect(parent).toMatch(/^\w{12}$/);
    expect(await project.rows("SELECT name FROM roles")).toEqual([{ name: "Boss" }]);
    await project.ok("downgrade", "-2");
    expect(await project.rows("SELECT name FROM roles")).toEqual([]);
  });
});

describe("revisions that were generated on SQLite", () => {
  const others = databases().filter(({ name, skipReason }) => name !== "sqlite" && skipReason === undefined);
  const rich = (sequelize: Sequelize): void =>
    defineRichModels(sequelize, { isPostgres: false, partialIndexes: false });

  it.runIf(others.length > 0).each([
    ["changed models", [firstModels, laterModels], ["postgres", "mariadb"]],
    // TINYINT and MEDIUMINT are unknown to PostgreSQL.
    ["models with every type", [rich], ["mariadb"]],
  ])("make the same %s on the servers, and go back", async (_what, steps, names) => {
    const [sqlite] = databases();
    const author = new MigrationProject((await sqlite?.create()) as Sequelize);
    await author.ok("init");
    for (const [i, models] of steps.entries()) {
      author.define(models);
      await author.ok("migrate", "-m", `step ${i}`, ...(i === 0 ? [] : ["--rename", "users.email:mail"]));
      await author.ok("upgrade");
    }
    for (const database of others.filter(({ name }) => names.includes(name))) {
      const server = new MigrationProject(await database.create(), author.folder);
      for (const models of steps) {
        await server.ok("upgrade", "+1");
        server.define(models);
      }
      expect((await server.ok("check")).stdout).toBe("No new upgrade operations detected.\n");
      await server.ok("downgrade", "base");
      expect((await server.schema()).tables.map(({ name }) => name)).toEqual(["migration_versions"]);
      await database.drop(server.sequelize);
    }
    await author.sequelize.close();
    author.remove();
  });
});
