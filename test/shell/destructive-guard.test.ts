import { describe, expect, it } from "vitest";
import { PostgresDialect } from "../../src/driver/postgres";
import { SqliteDialect } from "../../src/driver/sqlite";
import { bulkStatements } from "../../src/shell/destructive-guard";
import { PROGRAM, programDatabases, runProgram, useProgramDatabase } from "./built-program";
import { PtyShell } from "./pty-shell";

describe("what a statement takes", () => {
  const rules = new SqliteDialect().lexicalRules;

  it.each<[string, string, boolean, string | undefined]>([
    ["DELETE FROM users", "DELETE FROM users", false, "SELECT count(*) AS n FROM users"],
    ["delete from `users` -- all", "DELETE FROM users", false, "SELECT count(*) AS n FROM `users`"],
    ["DELETE FROM users WHERE 1 = 1", "DELETE FROM users", false, "SELECT count(*) AS n FROM users WHERE 1 = 1"],
    [
      "DELETE FROM users WHERE 'a' = 'a'",
      "DELETE FROM users",
      false,
      "SELECT count(*) AS n FROM users WHERE 'a' = 'a'",
    ],
    [
      "DELETE FROM users WHERE NOT FALSE",
      "DELETE FROM users",
      false,
      "SELECT count(*) AS n FROM users WHERE NOT FALSE",
    ],
    ["DELETE FROM users WHERE id > 3", "DELETE FROM users", true, "SELECT count(*) AS n FROM users WHERE id > 3"],
    [
      "DELETE FROM users WHERE id IN (SELECT id FROM old WHERE 1) RETURNING id",
      "DELETE FROM users",
      true,
      "SELECT count(*) AS n FROM users WHERE id IN (SELECT id FROM old WHERE 1)",
    ],
    [
      'DELETE FROM "main"."users" AS u WHERE u.id = 1',
      "DELETE FROM main.users",
      true,
      'SELECT count(*) AS n FROM "main"."users" AS u WHERE u.id = 1',
    ],
    [
      "DELETE FROM users LIMIT 5",
      "DELETE FROM users",
      true,
      "SELECT count(*) AS n FROM (SELECT 1 FROM users LIMIT 5) AS taken",
    ],
    ["UPDATE users SET a = (SELECT 1 WHERE 2)", "UPDATE users", false, "SELECT count(*) AS n FROM users"],
    [
      "UPDATE users SET a = b FROM roles WHERE roles.id = users.role_id",
      "UPDATE users",
      true,
      "SELECT count(*) AS n FROM users, roles WHERE roles.id = users.role_id",
    ],
    [
      "WITH old AS (SELECT id FROM users) DELETE FROM users WHERE id IN (SELECT id FROM old)",
      "DELETE FROM users",
      true,
      "WITH old AS (SELECT id FROM users) SELECT count(*) AS n FROM users WHERE id IN (SELECT id FROM old)",
    ],
    ["WITH gone AS (DELETE FROM users) SELECT 1", "DELETE FROM users", false, "SELECT count(*) AS n FROM users"],
    ["SELECT 1; DELETE FROM users;", "DELETE FROM users", false, "SELECT count(*) AS n FROM users"],
    [
      "TRUNCATE TABLE a, b RESTART IDENTITY",
      "TRUNCATE a, b",
      false,
      "SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM b) AS n",
    ],
    ['DROP TABLE IF EXISTS "users" CASCADE;', "DROP TABLE users", false, 'SELECT (SELECT count(*) FROM "users") AS n'],
    ["DROP DATABASE IF EXISTS shop", "DROP DATABASE shop", false, undefined],
  ])("%s", (sql, label, hasCondition, countSql) => {
    expect(bulkStatements(sql, rules)).toEqual([{ label, hasCondition, countSql }]);
  });

  it.each([
    "SELECT * FROM users FOR UPDATE",
    "INSERT INTO users VALUES (1) ON CONFLICT DO UPDATE SET a = 1",
    "CREATE TRIGGER t AFTER INSERT ON users BEGIN DELETE FROM log; END",
    "ALTER TABLE users DROP COLUMN a",
    "DROP INDEX users_a",
    "SELECT 'DELETE FROM users'",
    "CREATE TABLE a (b INT REFERENCES c ON DELETE CASCADE)",
  ])("nothing: %s", (sql) => {
    expect(bulkStatements(sql, rules)).toEqual([]);
    expect(bulkStatements(sql, new PostgresDialect().lexicalRules)).toEqual([]);
  });
});

describe.each(programDatabases().filter(({ name }) => name !== "sqlite::memory:"))(
  "the guard on $name",
  ({ skipReason, create }) => {
    const it_ = it.skipIf(skipReason !== undefined);
    const at = useProgramDatabase({ skipReason, create }, { filled: true });

    const refused: readonly (readonly [string, RegExp])[] = [
      ["User.query.delete()", /Refused: DELETE FROM users - no WHERE, 60 rows\./],
      ["User.query.update({ roleId: 1 })", /Refused: UPDATE users - no WHERE, 60 rows\./],
      ["User.destroy({ where: {} })", /Refused: DELETE FROM users - no WHERE, 60 rows\./],
      ["User.update({ roleId: 1 }, { where: {} })", /Refused: UPDATE users - no WHERE, 60 rows\./],
      ["User.truncate()", /Refused: (?:DELETE FROM users - no WHERE, |TRUNCATE users - )60 rows\./],
      ["db.dropAll()", /Refused: DROP TABLE users - 60 rows\./],
      ["sequelize.sync({ force: true })", /Refused: DROP TABLE \w+ - \d+ rows\./],
      ["db.session.execute('DELETE FROM users')", /Refused: DELETE FROM users - no WHERE, 60 rows\./],
      ["sequelize.query('UPDATE users SET role_id = 1 WHERE 1=1')", /Refused: UPDATE users - no WHERE, 60 rows\./],
      ["sequelize.query('DROP TABLE users')", /Refused: DROP TABLE users - 60 rows\./],
      ["sequelize.transaction(transaction => User.destroy({ where: {}, transaction }))", /Refused: DELETE FROM users/],
    ];

    it_("refuses without a terminal, with exit code 2, and nothing is gone", async () => {
      const lines = [
        ...refused.map(([line]) => line),
        "User.query.count()",
        "User.query.filter(User.c.roleId.isNull()).count()",
      ];
      const run = await runProgram([at.url, "--keep-going"], { input: lines.join("\n") });
      refused.forEach(([, message], index) => {
        expect(run.stderr).toMatch(new RegExp(`error: line ${index + 1}: ${message.source}`));
      });
      expect(run.stdout.split("\n")[0]).toBe("60");
      expect(run.exitCode).toBe(2);
    });

    it_(
      "lets through what a condition chooses, what one object is, what is asked for its SQL, and what --yes allows",
      async () => {
        const lines = [
          "User.query.filter(User.c.id.lt(4)).delete()",
          "User.destroy({ where: { id: 4 } })",
          "const five = await User.findByPk(5); five.destroy().then(() => undefined)",
          "const six = User.query.get(6); db.session.delete(six); db.session.flush()",
          ".sql User.destroy({ where: {} })",
          "User.query.count()",
        ];
        const run = await runProgram([at.url], { input: lines.join("\n") });
        expect(run.stderr).not.toContain("Refused");
        expect(run.stdout).toMatch(/DELETE FROM .users.*;\n54\n$/);
        expect(run.exitCode).toBe(0);
        const allowed = await runProgram([at.url, "--yes", "-e", "User.destroy({ where: {} })"]);
        expect(allowed).toMatchObject({ exitCode: 0, stderr: "" });
      },
    );
  },
);

describe("the guard and a condition", () => {
  it("asks where it chooses more than 100 rows", async () => {
    const lines = [
      "User.bulkCreate(Array.from({ length: 100 }, (_, i) => ({ username: `more${i}` }))).then(() => undefined)",
      "User.query.filter(User.c.username.like('more%')).update({ roleId: 1 })",
      "User.update({ roleId: 1 }, { where: { id: { [Op.gt]: 0 } } })",
      "db.session.execute('DELETE FROM users WHERE id > :least', { least: 10 })",
      "sequelize.query('DELETE FROM users WHERE id > ? AND id < ?', { replacements: [10, 1000] })",
      "sequelize.query('DELETE FROM users WHERE id > $1', { bind: [10] })",
      "User.query.count()",
    ];
    const { stdout, stderr, exitCode } = await runProgram(["sqlite::memory:", "--keep-going"], {
      input: lines.join("\n"),
    });
    expect(stdout).toBe("100 rows updated\n160\n");
    expect(stderr.match(/Refused: .*\./g)).toEqual([
      "Refused: UPDATE users - 160 rows match.",
      "Refused: DELETE FROM users - 150 rows match.",
      "Refused: DELETE FROM users - 150 rows match.",
      "Refused: DELETE FROM users - 150 rows match.",
    ]);
    expect(exitCode).toBe(2);
  });
});

describe("the guard at a terminal", () => {
  it("counts, asks for the number, and takes nothing else for it", async () => {
    const shell = new PtyShell([PROGRAM, "sqlite::memory:"], { columns: 200 });
    try {
      await shell.until(/:memory:>$/);
      shell.type("User.query.delete()\r");
      await shell.until(/DELETE FROM users - no WHERE, 60 rows\. Type 60 to go on:$/);
      shell.type("yes\r");
      await shell.until(/error: Not run: DELETE FROM users/);
      await shell.until(/:memory:>$/);
      shell.type("User.query.delete()\r");
      await shell.until((screen) => screen.split("Type 60 to go on:").length === 3);
      shell.type("\x03");
      await shell.until((screen) => screen.split("error: Not run").length === 3);
      await shell.until(/:memory:>$/);
      shell.type("User.query.delete()\r");
      await shell.until((screen) => screen.split("Type 60 to go on:").length === 4);
      shell.type("60\r");
      await shell.until(/60 rows deleted/);
    } finally {
      shell.kill();
    }
  });
});
