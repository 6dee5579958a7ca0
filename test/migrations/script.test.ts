import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Sequelize } from "sequelize";
import { DataTypes } from "sequelize";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runDbCommand } from "../../src/migrations/run-db-command";
import { schemaDialectOf } from "../../src/schema/dialects/dialects";
import { dialectOf } from "../../src/driver/dialects";
import { reflect } from "../../src/schema/reflect";
import type { TestDatabase } from "../databases";
import { databases } from "../databases";
import { MigrationProject, comparable } from "./project";

const { STRING, INTEGER, ENUM, DECIMAL } = DataTypes;

const STEPS: ((sequelize: Sequelize) => void)[] = [
  (sequelize) => {
    const Role = sequelize.define(
      "Role",
      { name: { type: STRING(64), unique: true } },
      { tableName: "roles", timestamps: false },
    );
    const User = sequelize.define(
      "User",
      {
        username: { type: STRING(64), allowNull: false },
        kind: { type: ENUM("a", "it's"), defaultValue: "a" },
        age: { type: INTEGER, defaultValue: 1 },
        old: STRING,
      },
      {
        tableName: "users",
        timestamps: false,
        indexes: [{ fields: ["age"] }],
        checks: [{ name: "ck_age", expression: "age > 0" }],
      },
    );
    User.belongsTo(Role, { foreignKey: "roleId" });
  },
  (sequelize) => {
    const Role = sequelize.define(
      "Role",
      { name: { type: STRING(128), unique: true } },
      { tableName: "roles", timestamps: false },
    );
    const User = sequelize.define(
      "User",
      {
        username: { type: STRING(64), unique: true, allowNull: false },
        kind: { type: ENUM("a", "it's", "c"), defaultValue: "c" },
        years: { type: DECIMAL(10, 2), allowNull: false, defaultValue: 2 },
        fresh: { type: STRING(9), allowNull: false },
      },
      { tableName: "people", timestamps: false, indexes: [{ fields: ["years"] }], checks: [] },
    );
    User.belongsTo(Role, { foreignKey: "roleId", onDelete: "CASCADE" });
  },
];

/** Runs the script through the database's own client. */
function runThroughClient(name: string, sequelize: Sequelize, script: string): void {
  const { config, options } = sequelize as unknown as { config: Record<string, string>; options: { storage?: string } };
  const commands: Record<string, [string, string[]]> = {
    sqlite: ["sqlite3", ["-bail", String(options.storage)]],
    postgres: [
      "psql",
      [
        "-v",
        "ON_ERROR_STOP=1",
        "-q",
        "-h",
        config["host"] ?? "",
        "-p",
        String(config["port"]),
        "-U",
        config["username"] ?? "",
        config["database"] ?? "",
      ],
    ],
    mariadb: [
      "mariadb",
      [
        "-h",
        config["host"] ?? "",
        "-P",
        String(config["port"]),
        "-u",
        config["username"] ?? "",
        config["database"] ?? "",
      ],
    ],
  };
  const [command, args] = commands[name] ?? ["", []];
  const password = config["password"] ? { PGPASSWORD: config["password"], MYSQL_PWD: config["password"] } : {};
  const result = spawnSync(command, args, { input: script, encoding: "utf8", env: { ...process.env, ...password } });
  if (result.status !== 0) throw new Error(`${command}: ${result.stderr}${String(result.error ?? "")}\n${script}`);
}

function reasonToSkip(database: TestDatabase): string | undefined {
  if (database.skipReason) return database.skipReason;
  const client = { sqlite: "sqlite3", postgres: "psql", mariadb: "mariadb" }[database.name] ?? "";
  return spawnSync(client, ["--version"]).status === 0 ? undefined : `${client} is not installed`;
}

for (const database of databases()) {
  const reason = reasonToSkip(database);
  const run = reason === undefined ? describe : describe.skip;
  run(`scripts of migrations on ${database.name}${reason ? ` (skipped: ${reason})` : ""}`, () => {
    let live: MigrationProject;
    let scripted: Sequelize;

    beforeAll(async () => {
      live = new MigrationProject(await open("live"));
      scripted = await open("scripted");
      await live.ok("init");
      for (const [i, define] of STEPS.entries()) {
        live.define(define);
        const flags =
          i === 0
            ? []
            : ["--rename-table", "users:people", "--rename", "people.age:years", "--fill", "people.fresh=new"];
        await live.ok("migrate", "-m", `step ${i}`, ...flags);
        await live.ok("upgrade");
      }
    });
    afterAll(async () => {
      await database.drop(scripted);
      await database.drop(live.sequelize);
      live.remove();
      for (const name of ["live", "scripted"]) rmSync(file(name), { force: true });
    });

    function file(name: string): string {
      return join(process.env["TMPDIR"] ?? "/tmp", `seqshell-script-${process.pid}-${name}.sqlite`);
    }

    // Another process cannot see a database in memory.
    function open(name: string): Promise<Sequelize> {
      return database.create(database.name === "sqlite" ? { storage: file(name) } : {});
    }

    async function schemaOf(sequelize: Sequelize): Promise<unknown> {
      const project = new MigrationProject(sequelize, live.folder);
      const connection = project.connect();
      const schema = await reflect(connection);
      await connection.close();
      return comparable(schema, schemaDialectOf(dialectOf(sequelize)));
    }

    it("upgrade a database to the same schema as the migrations themselves, and note the same revisions", async () => {
      const { stdout } = await live.ok("upgrade", "--sql");
      runThroughClient(database.name, scripted, stdout);
      expect(await schemaOf(scripted)).toEqual(await schemaOf(live.sequelize));
      const noted = new MigrationProject(scripted, live.folder);
      expect((await noted.ok("current")).stdout).toBe((await live.ok("current")).stdout);
      expect(await noted.ok("upgrade")).toMatchObject({ stdout: "", stderr: "" });
    });

    it("take a range back, with the rows that are there", async () => {
      const project = new MigrationProject(scripted, live.folder);
      await project.run(
        "INSERT INTO roles (id, name) VALUES (1, 'Admin')",
        `INSERT INTO people (username, kind, fresh, ${project.connect().dialect.quote("roleId")}) VALUES ('john', 'a', 'x', 1)`,
      );
      const { stdout } = await live.ok("downgrade", "--sql");
      await live.ok("downgrade");
      runThroughClient(database.name, scripted, stdout);
      expect(await schemaOf(scripted)).toEqual(await schemaOf(live.sequelize));
      expect(await project.rows("SELECT username FROM users")).toEqual([{ username: "john" }]);
      expect((await project.ok("current")).stdout).toBe((await live.ok("current")).stdout);
      const { stdout: again } = await live.ok("upgrade", `${(await live.ok("current")).stdout.trim()}:head`, "--sql");
      runThroughClient(database.name, scripted, again);
      await live.ok("upgrade");
      expect(await schemaOf(scripted)).toEqual(await schemaOf(live.sequelize));
      expect(await project.rows("SELECT username, fresh FROM people")).toEqual([{ username: "john", fresh: "new" }]);
    });

    it("touch no database while they are written", async () => {
      const statements: string[] = [];
      const exitCode = await runDbCommand({
        command: "upgrade",
        args: ["--sql"],
        open: () => Promise.resolve({ sequelize: live.sequelize }),
        directory: live.directory,
        io: { stdout: () => undefined, stderr: () => undefined },
        onQuery: ({ sql }) => void statements.push(sql),
      });
      expect({ exitCode, statements }).toEqual({ exitCode: 0, statements: [] });
    });

    it("refuse what only a live database can answer", async () => {
      const project = new MigrationProject(live.sequelize);
      await project.ok("init");
      project.writeRevision({ id: "aaaa0001", upgrade: `await op.query("SELECT 1");` });
      const { exitCode, stderr } = await project.db("upgrade", "--sql");
      expect(exitCode).toBe(1);
      expect(stderr).toContain("op.query() needs a live database and cannot be used with --sql.");
      project.remove();
    });
  });
}
