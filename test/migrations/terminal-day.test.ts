import { mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROGRAM, programDatabases } from "../shell/built-program";
import { PtyShell } from "../shell/pty-shell";

/** A project's models as a person writes them; `Tag` and the rest come with the second version. */
const MODELS = (version: { role: string; user: string; options?: string; onDelete?: string; more?: string }): string =>
  `import { DataTypes, Model, type Sequelize } from "sequelize";

export class Role extends Model {}
export class User extends Model {}

export default function define(sequelize: Sequelize): void {
  Role.init(
    { name: { type: ${version.role}, allowNull: false, unique: true } },
    { sequelize, tableName: "roles", timestamps: false },
  );
  User.init(
    { ${version.user}, roleId: { type: DataTypes.INTEGER, field: "role_id" } },
    { sequelize, tableName: "users", timestamps: false${version.options ?? ""} },
  );
  User.belongsTo(Role, { as: "role", foreignKey: "roleId"${version.onDelete ?? ""} });
${version.more ?? ""}}
`;

const FIRST = MODELS({
  role: "DataTypes.STRING(64)",
  user: "username: { type: DataTypes.STRING(64), allowNull: false }, email: DataTypes.STRING(64), age: DataTypes.STRING(8), old: DataTypes.STRING(20)",
});
const changed = (mail: string): string =>
  MODELS({
    role: "DataTypes.STRING(128)",
    user: `username: { type: DataTypes.STRING(64), allowNull: false, unique: true }, ${mail}: DataTypes.STRING(64), age: DataTypes.INTEGER, slug: { type: DataTypes.STRING(80), allowNull: false }`,
    options: `, indexes: [{ fields: ["${mail}"] }]`,
    onDelete: ', onDelete: "CASCADE"',
    more: `  const Tag = sequelize.define("Tag", { label: DataTypes.STRING(20) }, { tableName: "tags", timestamps: false });
  User.belongsToMany(Tag, { as: "tags", through: "user_tags", timestamps: false });
`,
  });

const isLong = process.env["LONG"] === "1";

for (const database of programDatabases().filter(({ name }) => name !== "sqlite::memory:")) {
  // The servers see the same day without a terminal in every run.
  const run =
    database.skipReason === undefined && (isLong || database.name.includes("SQLite")) ? describe : describe.skip;

  run(`a newcomer's day at a terminal on ${database.name}`, { timeout: 120_000 }, () => {
    let folder: string;
    let url: string;
    let drop: () => Promise<void>;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "seqshell-day-"));
      symlinkSync(resolve(__dirname, "../../node_modules"), join(folder, "node_modules"));
      ({ url, drop } = await database.create(folder));
    });
    afterAll(async () => {
      await drop?.();
      rmSync(folder, { recursive: true, force: true });
    });

    const models = (text: string): void => writeFileSync(join(folder, "models.ts"), text);
    const files = (): string[] => readdirSync(join(folder, "migrations", "versions"));
    const fileOf = (slug: string): string => {
      const name = files().find((candidate) => candidate.endsWith(`_${slug}.ts`)) ?? "";
      return readFileSync(join(folder, "migrations", "versions", name), "utf8");
    };

    /** Types a command and the answers to its questions. @returns what stands on the screen at the end */
    async function db(
      command: readonly string[],
      answers: readonly { to: RegExp; type: string }[] = [],
      exitCode = 0,
    ): Promise<string> {
      const terminal = new PtyShell([PROGRAM, "db", ...command], {
        cwd: folder,
        columns: 160,
        environment: { DATABASE_URL: url, NO_COLOR: "1" },
      });
      try {
        for (const { to, type } of answers) {
          await terminal.until(to);
          terminal.type(type);
        }
        expect(await terminal.ended(), terminal.screen).toBe(exitCode);
        return terminal.screen;
      } finally {
        terminal.kill();
      }
    }

    /** Opens the shell on the project's models and types lines. @returns what each line showed */
    async function shell(...lines: (string | { type: string; until: RegExp; then: string })[]): Promise<string[]> {
      const terminal = new PtyShell([PROGRAM, "--trust", "--models", "models.ts"], {
        cwd: folder,
        columns: 160,
        environment: { DATABASE_URL: url, NO_COLOR: "1" },
      });
      const shown: string[] = [];
      try {
        await terminal.until(/session db\.session[\s\S]*> ?$/);
        for (const line of lines) {
          if (typeof line === "string") shown.push(await terminal.run(line));
          else {
            terminal.type(`${line.type}\r`);
            await terminal.until(line.until);
            shown.push(await terminal.run(line.then));
          }
        }
        terminal.type(".exit\r");
        expect(await terminal.ended()).toBe(0);
        return shown;
      } finally {
        terminal.kill();
      }
    }

    const withModels = (...command: string[]): string[] => [...command, "--models", "models.ts"];

    it("begins with db init, a first revision and rows", async () => {
      models(FIRST);
      expect(await db(["init"])).toMatch(/Please review '.*\/migrations\/config\.json' before proceeding\.$/);
      const migrated = await db(withModels("migrate", "-m", "initial migration"));
      expect(migrated).toMatch(
        /Detected added table 'roles'\n.*Detected added table 'users'\nGenerating .*_initial_migration\.ts \.\.\. {2}done$/,
      );
      expect(await db(["upgrade"])).toMatch(/^INFO {2}\[migrate\] Running upgrade {2}-> \w{12}, initial migration$/);
      const [committed] = await shell(
        "db.session.addAll([new User({ username: 'john', email: 'john@x', age: '42', old: 'o', role: new Role({ name: 'Admin' }) }), new User({ username: 'jane', email: 'jane@x' })]); db.session.commit()",
      );
      expect(committed).toContain("committed: 3 inserts");
    });

    it("writes nothing where the question is broken off", async () => {
      models(changed("mail"));
      const screen = await db(
        withModels("migrate", "-m", "change users"),
        [
          {
            to: /Was users\.email renamed to users\.mail \((?:CHARACTER VARYING|VARCHAR)\(64\)\)\? \[y\/N\] ?$/,
            type: "\x03",
          },
        ],
        130,
      );
      expect(screen).toMatch(/Interrupted; nothing was written\.$/);
      expect(files()).toHaveLength(1);
    });

    it("asks what the models do not say, and writes a file that can be read", async () => {
      const screen = await db(withModels("migrate", "-m", "change users"), [
        {
          to: /Was users\.email renamed to users\.mail \((?:CHARACTER VARYING|VARCHAR)\(64\)\)\? \[y\/N\] ?$/,
          type: "y\r",
        },
        {
          to: /users\.slug is NOT NULL without a default and users has 2 rows\. Value for existing rows \(empty to edit the file\): ?$/,
          type: "sql:lower(username)\r",
        },
      ]);
      expect(screen).toContain("WARNING [migrate] DS2 dropping column 'users.old' loses 1 value");
      const text = fileOf("change_users");
      for (const line of [
        'await op.createTable("tags", {',
        't.renameColumn("email", "mail");',
        't.addColumn("slug", {',
        "fill: sql`lower(username)`,",
        't.alterColumn("age", { type: DataTypes.INTEGER',
        't.createUnique("uq_users_username", ["username"]);',
        't.createIndex("ix_users_mail", ["mail"]);',
        'onDelete: "CASCADE"',
        't.dropColumn("old");',
        "// NOTE: the data of users.old is not restored",
      ])
        expect(text).toContain(line);
    });

    it("goes up, down and up, with the rows there all the way", async () => {
      const rows = `db.sequelize.query("SELECT username, COLUMN, age, role_id FROM users ORDER BY id", { type: "SELECT" }).then((rows) => JSON.stringify(rows))`;
      const ran = await db(["upgrade"]);
      expect(ran).toMatch(/Running upgrade \w{12} -> \w{12}, change users/);
      expect(await db(["downgrade"])).toMatch(/Running downgrade \w{12} -> \w{12}, change users/);
      models(FIRST);
      const [before, back] = await shell(rows.replace("COLUMN", "email"), ".db upgrade");
      expect(before).toBe(
        '[{"username":"john","email":"john@x","age":"42","role_id":1},{"username":"jane","email":"jane@x","age":null,"role_id":null}]',
      );
      expect(back).toMatch(/Running upgrade \w{12} -> \w{12}, change users/);
      models(changed("mail"));
      const [after, check, slugs] = await shell(
        rows.replace("COLUMN", "mail"),
        ".db check",
        "User.query.orderBy('id').all().map((user) => user.slug).join()",
      );
      expect(after).toBe(
        '[{"username":"john","mail":"john@x","age":42,"role_id":1},{"username":"jane","mail":"jane@x","age":null,"role_id":null}]',
      );
      expect(check).toBe("No new upgrade operations detected.");
      expect(slugs).toBe("john,jane");
    });

    it("asks at the prompt too, and ends with a revision written by hand", async () => {
      models(changed("contact"));
      const [migrated, upgraded, made] = await shell(
        { type: ".db migrate -m contact", until: /renamed to users\.contact .*\[y\/N\] ?$/, then: "y" },
        ".db upgrade",
        ".db revision -m empty",
      );
      expect(migrated).toMatch(
        /Detected renamed column 'users\.mail' to 'users\.contact'\nGenerating .*_contact\.ts \.\.\. {2}done$/,
      );
      expect(upgraded).toMatch(/Running upgrade \w{12} -> \w{12}, contact/);
      expect(made).toMatch(/^Generating .*_empty\.ts \.\.\. {2}done$/);
      const empty = fileOf("empty");
      expect(empty).toContain("// nothing to do");
      const [up = "", down = ""] = [
        `await op.bulkInsert("roles", [{ name: "Guest" }]);
  const [guest] = await op.query("SELECT id FROM roles WHERE name = 'Guest'");
  await op.update("users", { role_id: guest?.["id"] }, { role_id: null });`,
        `await op.execute("UPDATE users SET role_id = NULL WHERE username = 'jane'");
  await op.execute("DELETE FROM roles WHERE name = $name", { bind: { name: "Guest" } });`,
      ];
      let turn = 0;
      const written = empty.replaceAll("void op; // nothing to do", () => (turn++ === 0 ? up : down));
      const name = files().find((candidate) => candidate.endsWith("_empty.ts")) ?? "";
      writeFileSync(join(folder, "migrations", "versions", name), written);
      const roles = "User.query.orderBy('id').all().map((user) => user.roleId).join()";
      const [ran, roled, undone, before] = await shell(".db upgrade", roles, ".db downgrade", roles);
      expect(ran).toMatch(/Running upgrade \w{12} -> \w{12}, empty/);
      expect(roled).toBe("1,2");
      expect(undone).toMatch(/Running downgrade \w{12} -> \w{12}, empty/);
      expect(before).toBe("1,");
      const history = await db(["history"]);
      expect(history.split("\n").map((line) => line.replace(/^.* -> \w{12}/, ""))).toEqual([
        " (head), empty",
        ", contact",
        ", change users",
        ", initial migration",
      ]);
    });
  });
}
