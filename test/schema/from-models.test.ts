import type { Sequelize } from "sequelize";
import { DataTypes, Sequelize as SequelizeClass } from "sequelize";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { declareColumn } from "../../src/schema/declare-column";
import { databases, describeEachDatabase } from "../databases";
import { MigrationProject } from "../migrations/project";
import { defineRichModels, featuresOf } from "./models";

describeEachDatabase("schema of the models", (database) => {
  let project: MigrationProject;

  beforeAll(async () => {
    project = new MigrationProject(database.sequelize);
    await project.ok("init");
  });
  afterAll(() => project?.remove());

  it("is the same as that of a database made by sync()", async () => {
    project.define((sequelize) => defineRichModels(sequelize, featuresOf(database.name)));
    await database.sequelize.sync();
    const { stdout, stderr, exitCode } = await project.db("check");
    expect({ stdout, stderr, exitCode }).toEqual({
      stdout: "No new upgrade operations detected.\n",
      stderr: "",
      exitCode: 0,
    });
  });

  it("is the same as that of a database made by a migration of its own", async () => {
    project.define(() => undefined);
    await database.sequelize.getQueryInterface().dropAllTables();
    project.define((sequelize) => defineRichModels(sequelize, featuresOf(database.name)));
    await project.ok("migrate", "-m", "all");
    await project.ok("upgrade");
    expect((await project.ok("check")).stdout).toBe("No new upgrade operations detected.\n");
    await project.ok("downgrade");
    expect((await project.schema()).tables.map((table) => table.name)).toEqual(["migration_versions"]);
  });

  it("leaves nothing behind where it was made", async () => {
    await project.ok("upgrade");
    const before = await project.schema();
    await project.ok("check");
    expect(await project.schema()).toEqual(before);
  });

  it("names the table that the database refuses", async () => {
    project.define((sequelize) =>
      sequelize.define("Odd", { a: { type: "NO_SUCH_TYPE(" as never } }, { tableName: "odd" }),
    );
    const { exitCode, stderr } = await project.db("check");
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/Cannot make table "odd" as its model asks for: /);
  });
});

const postgres = databases().find(({ name }) => name === "postgres");

describe.skipIf(postgres?.skipReason !== undefined)(
  `models of several schemas${postgres?.skipReason ? ` (skipped: ${postgres.skipReason})` : ""}`,
  () => {
    it("are kept apart", async () => {
      const models = (length: number) => (sequelize: Sequelize) => {
        const Person = sequelize.define(
          "Person",
          { name: DataTypes.STRING(length), kind: DataTypes.ENUM("a", "b") },
          { schema: "hr", tableName: "people", timestamps: false, indexes: [{ fields: ["name"] }] },
        );
        const Other = sequelize.define(
          "Other",
          { name: DataTypes.STRING(length) },
          { tableName: "people", timestamps: false },
        );
        Person.belongsTo(Other, { foreignKey: "otherId" });
        Other.belongsTo(Person, { foreignKey: "personId", constraints: false });
      };
      const project = new MigrationProject((await postgres?.create()) as Sequelize);
      await project.ok("init");
      project.define(models(10));
      await project.ok("migrate", "-m", "schemas");
      expect(project.newestText()).toContain('await op.createTable("hr.people", {');
      expect((await project.ok("upgrade", "--sql")).stdout).toContain('CREATE SCHEMA IF NOT EXISTS "hr";\n');
      await project.ok("upgrade");
      await project.ok("check");
      project.define(models(20));
      await project.ok("migrate", "-m", "longer");
      await project.ok("upgrade");
      expect((await project.ok("check")).stdout).toBe("No new upgrade operations detected.\n");
      await project.ok("downgrade", "base");
      await project.run("DROP SCHEMA hr");
      project.remove();
      await postgres?.drop(project.sequelize);
    });
  },
);

describe.skipIf(postgres?.skipReason !== undefined)(
  `a role that may make no schemas${postgres?.skipReason ? ` (skipped: ${postgres.skipReason})` : ""}`,
  () => {
    it("compares by temporary tables, and is told where those do not do", async () => {
      const owner = (await postgres?.create()) as Sequelize;
      const role = `${owner.getDatabaseName()}_plain`;
      await owner.query(`CREATE ROLE ${role} LOGIN PASSWORD 'plain'`);
      await owner.query(`GRANT ALL ON SCHEMA public TO ${role}`);
      const { host, port, database } = owner.config as unknown as Record<string, string>;
      const sequelize = new SequelizeClass(`postgres://${role}:plain@${host}:${port}/${database}`, { logging: false });
      const project = new MigrationProject(sequelize);
      try {
        await project.ok("init");
        project.define((instance) => defineRichModels(instance, featuresOf("postgres")));
        await project.ok("migrate", "-m", "all");
        await project.ok("upgrade");
        expect((await project.ok("check")).stdout).toBe("No new upgrade operations detected.\n");
        project.define((instance) => instance.define("Person", {}, { schema: "hr", tableName: "people" }));
        expect((await project.db("check")).stderr).toBe(
          `Error: Cannot compare models of several schemas: role "${role}" may not make schemas.\nGRANT CREATE ON DATABASE … TO "${role}"\n`,
        );
      } finally {
        await sequelize.close();
        project.remove();
        await owner.query(`DROP OWNED BY ${role}`);
        await owner.query(`DROP ROLE ${role}`);
        await postgres?.drop(owner);
      }
    });
  },
);

describe("a column without a type", () => {
  it("is refused by name", () => {
    const place = { table: "users" } as Parameters<typeof declareColumn>[2];
    expect(() => declareColumn("age", { type: undefined as unknown as typeof DataTypes.STRING }, place)).toThrow(
      'Cannot declare column "users.age": it has no type.',
    );
  });
});
