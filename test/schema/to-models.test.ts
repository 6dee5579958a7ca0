import type { Model, ModelStatic } from "sequelize";
import { afterAll, beforeAll, expect, it } from "vitest";
import { dialectOf } from "../../src/driver/dialects";
import type { ReflectedModels } from "../../src/schema/to-models";
import { defineReflectedModels } from "../../src/schema/to-models";
import { describeEachDatabase } from "../databases";
import { MigrationProject } from "../migrations/project";
import { defineRichModels, featuresOf } from "./models";

const IGNORED = ["migration_versions"];

describeEachDatabase("models made from tables", (database) => {
  let project: MigrationProject;
  let reflected: ReflectedModels;

  beforeAll(async () => {
    project = new MigrationProject(database.sequelize);
    project.define((sequelize) => defineRichModels(sequelize, featuresOf(database.name)));
    await database.sequelize.sync();
    await project.run(
      `CREATE TABLE ${quote("no_key")} (a INTEGER, b VARCHAR(5))`,
      `CREATE VIEW ${quote("role_names")} AS SELECT name FROM roles`,
    );
    await project.ok("init");
    const schema = await project.schema();
    project.define((sequelize) => {
      reflected = defineReflectedModels(sequelize, dialectOf(sequelize), {
        ...schema,
        tables: schema.tables.filter((table) => !IGNORED.includes(table.name)),
      });
    });
  });
  afterAll(() => project?.remove());

  function quote(name: string): string {
    return dialectOf(database.sequelize).quote(name);
  }

  function model(name: string): ModelStatic<Model> {
    return database.sequelize.model(name);
  }

  it("are called like their tables in the singular", () => {
    expect(reflected.models.map(({ name }) => name).sort()).toEqual([
      "NoKey",
      "Pair",
      "Post",
      "PostTag",
      "Role",
      "RoleName",
      "Tag",
      "User",
      "UserTag",
    ]);
  });

  it("ask for nothing that the database does not have", async () => {
    expect((await project.ok("check")).stdout).toBe("No new upgrade operations detected.\n");
  });

  it("read and write rows", async () => {
    const role = await model("Role").create({ name: "Admin" });
    const user = await model("User").create({
      username: "john",
      code: "c1",
      role_id: role.get("id"),
      created_at: new Date(),
      updated_at: new Date(),
      roleId: role.get("id"),
    });
    const found = await model("User").findByPk(user.get("id") as number, { include: ["role"] });
    expect(found?.get("username")).toBe("john");
    expect((found?.get("role") as Model).get("name")).toBe("Admin");
  });

  it("are associated by their foreign keys", () => {
    const names = (of: string): string[] => Object.keys(model(of).associations).sort();
    expect(names("Role")).toEqual(["users"]);
    // On PostgreSQL two foreign keys of posts refer to users, and users have a column called tags.
    const expected =
      database.name === "postgres" ? ["posts_by_author", "posts_by_reviewer", "tags_"] : ["posts", "tags"];
    expect(names("User")).toEqual(expect.arrayContaining(["role", "manager", "user_tags", "users", ...expected]));
    expect(names("Post")).toEqual(expect.arrayContaining(["author", "post_tags"]));
    expect(model("User").associations[expected.at(-1) ?? ""]?.associationType).toBe("BelongsToMany");
  });

  it("are read only without a primary key, and say so", async () => {
    expect(reflected.notes).toContain('Table "no_key" has no primary key: its model can be read, not saved.');
    await project.run("INSERT INTO no_key (a, b) VALUES (1, 'x')");
    expect(await model("NoKey").findAll({ raw: true })).toEqual([{ a: 1, b: "x" }]);
  });

  it("read views", async () => {
    expect(await model("RoleName").findAll({ raw: true })).toEqual([{ name: "Admin" }]);
  });
});
