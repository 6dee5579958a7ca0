import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { programDatabases, runProgram, useProgramDatabase } from "./built-program";

describe.each(programDatabases().filter(({ name }) => name !== "sqlite::memory:"))(
  "commands on $name",
  ({ name, skipReason, create }) => {
    const it_ = it.skipIf(skipReason !== undefined);
    const at = useProgramDatabase({ skipReason, create }, { filled: true });

    /** Runs lines in a sandbox, where nothing of them stays. */
    const run = (lines: readonly string[], ...options: string[]) =>
      runProgram([at.url, "--sandbox", "--keep-going", ...options], { input: lines.join("\n"), cwd: at.folder });
    const values = (stdout: string): unknown[] =>
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown);

    it_(".tables, .describe and .models tell what is there", async () => {
      const [tables, user, models] = values(
        (await run([".tables", ".describe User", ".models"], "--format", "json")).stdout,
      );
      expect(tables).toEqual([
        { name: "roles", kind: "table", model: "Role", rows: 4 },
        { name: "users", kind: "table", model: "User", rows: 60 },
      ]);
      expect(user).toMatchObject({
        model: "User",
        table: "users",
        relationships: [{ name: "role", to: "Role", many: false, through: null }],
      });
      const { columns, indexes } = user as { columns: Record<string, unknown>[]; indexes: Record<string, unknown>[] };
      expect(columns.map(({ attribute, column, null: nullable, key }) => [attribute, column, nullable, key])).toEqual([
        ["id", "id", false, "primary key"],
        ["username", "username", false, "unique"],
        ["roleId", "role_id", true, "→ roles.id"],
      ]);
      expect(columns[1]?.["type"]).toMatch(/^(?:varchar|character varying)\(64\)$/i);
      expect(indexes).toContainEqual({ name: "ix_users_username", on: "username", unique: true, where: null });
      expect(models).toEqual([
        { model: "Role", table: "roles", rows: 4 },
        { model: "User", table: "users", rows: 60 },
      ]);
      const unknown = await run([".describe Usr"]);
      expect(unknown.stderr).toContain('There is no model "Usr".\nhint: did you mean "User"?');
    });

    it_(".schema prints statements that make the tables again", async () => {
      const { stdout } = await run([".schema users"]);
      expect(stdout).toMatch(/^CREATE TABLE .users. /);
      expect(stdout).toMatch(/CREATE UNIQUE INDEX|UNIQUE (?:KEY|INDEX)/);
      expect((await run([".schema nothing"])).stderr).toContain('There is no table "nothing"');
      const all = (await run([".schema"])).stdout;
      expect(all).toMatch(/CREATE TABLE .roles./);
      if (name !== "an SQLite file") return;
      const again = await runProgram(["sqlite::memory:", "--reflect"], {
        input: [
          ...all
            .trim()
            .split(/;\n(?=CREATE)/)
            .map((sql) => `sequelize.query(${JSON.stringify(sql)}).then(() => undefined)`),
          ".schema",
        ].join("\n"),
      });
      expect(again.stdout).toBe(all);
    });

    it_(".explain shows the plan and runs nothing", async () => {
      const { stdout, stderr } = await run([
        ".explain User.query.filterBy({ username: 'john' })",
        ".explain --analyze User.query.filterBy({ username: 'john' })",
        ".explain User.destroy({ where: { id: 1 } })",
        ".explain --analyze User.destroy({ where: { id: 1 } })",
        ".explain 1 + 1",
        "User.query.count()",
      ]);
      expect(stdout).toMatch(/users/);
      expect(stdout).toMatch(/\d ms/);
      expect(stdout.trimEnd().split("\n").at(-1)).toBe("60");
      expect(stderr).toContain("Cannot analyze a statement that writes");
      expect(stderr).toContain("that expression issued no SQL");
    });

    it_(".session tells what a commit would write", async () => {
      const { stdout, stderr } = await run(
        [
          "const john = User.query.filterBy({ username: 'john' }).first()",
          "john.username = 'jack'",
          "db.session.add(new Role({ name: 'Guest' }))",
          ".session",
          "db.session.flush()",
          ".session",
        ],
        "--format",
        "json",
      );
      const printed = values(stdout);
      expect(printed.at(-2)).toEqual([
        { operation: "insert", model: "Role", key: null, changes: "name: 'Guest'" },
        { operation: "update", model: "User", key: "2", changes: "username: 'john' → 'jack'" },
      ]);
      expect(printed.at(-1)).toEqual([]);
      expect(stderr).toContain("2 flushed and not committed");
    });

    it_(".import takes all rows or none, and names the line and the column of a bad one", async () => {
      writeFileSync(join(at.folder, "good.csv"), 'name,role_id\n"o\'neill, ""o""",1\nyan,\n');
      writeFileSync(join(at.folder, "bad.csv"), "username,roleId\nanton,1\nberta,x\njohn,1\nclara,99\n");
      writeFileSync(join(at.folder, "more.jsonl"), '{"username":"yan","roleId":2}\n{"username":"emma","roleId":3}\n');
      writeFileSync(join(at.folder, "list.json"), '[\n {"username": "felix"},\n {"username": null}\n]\n');
      const { stdout, stderr } = await run([
        ".import good.csv User --map name=username",
        "User.query.filter(User.c.username.in(['o\\'neill, \"o\"', 'yan'])).orderBy(User.c.id).all().map(user => user.roleId)",
        ".import bad.csv User",
        ".import bad.csv User --skip-bad --dry",
        "User.query.count()",
        ".import more.jsonl User --upsert username",
        "User.query.filterBy({ username: 'yan' }).first().roleId",
        ".import list.json User",
        ".import good.csv User",
        "User.query.count()",
      ]);
      expect(stdout).toBe("[ 1, null ]\n62\n2\n63\n");
      expect(stderr).toContain("imported: 2 inserted\n");
      expect(stderr).toContain(
        'Line 3, column "roleId": Expected a whole number for User.roleId, got "x". Nothing was imported.',
      );
      expect(stderr).toMatch(/line 4, column "username": .*already taken/);
      expect(stderr).toMatch(/line 5.*: /);
      expect(stderr).toContain("tried and rolled back: 1 inserted, 3 left out");
      expect(stderr).toContain("imported: 1 inserted, 1 updated");
      expect(stderr).toContain('Line 3, column "username": User.username cannot be null. Nothing was imported.');
      expect(stderr).toContain('User has no attribute "name".\nhint: --map name=');
    });

    it_(".export writes what .import reads, in every form", async () => {
      const endings = ["csv", "tsv", "json", "jsonl"];
      const strange = "'a,\"b\"\\tc\\\\d\\né', '', 'NULL', '\\\\N'";
      const { stdout, stderr } = await run([
        `for (const username of [${strange}]) db.session.add(new User({ username }))`,
        "db.session.commit()",
        ...endings.map((ending) => `.export out.${ending} User.query.orderBy(User.c.id)`),
        ".export some.csv User.query.limit(2).all()",
        ".export none.csv User.query.filterBy({ id: -1 })",
        ".export out.sql User.query.limit(1)",
        ".export out.xyz User.query",
        ".export no/folder.csv User.query",
        "const before = User.query.orderBy(User.c.id).all().map(user => [user.username, user.roleId])",
        ...endings.flatMap((ending) => [
          "User.query.delete(); db.session.commit()",
          `.import out.${ending} User`,
          "JSON.stringify(User.query.orderBy(User.c.id).all().map(user => [user.username, user.roleId])) === JSON.stringify(before)",
        ]),
      ]);
      expect(stdout).toBe("true\n".repeat(4));
      expect(stderr).toContain("64 rows written to out.csv");
      expect(readFileSync(join(at.folder, "some.csv"), "utf8")).toMatch(/^id,username,roleId\n1,susan,1\n2,john,\d\n$/);
      expect(readFileSync(join(at.folder, "none.csv"), "utf8")).toBe("id,username,roleId\n");
      expect(readFileSync(join(at.folder, "out.sql"), "utf8")).toMatch(
        /^INSERT INTO users \(id, username, role_id\) VALUES \(1, 'susan', 1\);\n$/,
      );
      expect(stderr).toContain('Cannot tell the form of "out.xyz"');
      expect(stderr).toContain('Cannot write "no/folder.csv": there is no such folder.');
      expect(readdirSync(at.folder).filter((file) => file.endsWith(".partial"))).toEqual([]);
    });

    it_(".save writes a script that makes the same objects again", async () => {
      const { stderr } = await run([
        "const boss = new Role({ name: 'Boss' })",
        "db.session.addAll([new User({ username: 'u1', role: boss }), new User({ username: 'u2', roleId: 1 })]); db.session.commit()",
        "const gone = new User({ username: 'gone' }); db.session.add(gone); db.session.commit()",
        "db.session.delete(gone); db.session.commit()",
        ".save seed.ts",
        ".save seed.ts",
      ]);
      expect(stderr).toContain("3 objects written to seed.ts");
      expect(stderr).toContain("there is such a file");
      const seed = readFileSync(join(at.folder, "seed.ts"), "utf8");
      expect(seed).toBe(
        [
          'const boss = new Role({ name: "Boss" });',
          'const user1 = new User({ username: "u1", role: boss });',
          'const user2 = new User({ username: "u2", roleId: 1 });',
          "",
          "db.session.addAll([boss, user1, user2]);",
          "await db.session.commit();",
          "",
        ].join("\n"),
      );
      const again = await run([
        ".load seed.ts",
        "User.query.filterBy({ username: 'u1' }).options(joined('role')).first().role.name",
      ]);
      expect(again.stdout).toBe("Boss\n");
      rmSync(join(at.folder, "seed.ts"));
    });

    it_(".sandbox on, diff, commit and off; .readonly on and off", async () => {
      const { stdout, stderr } = await runProgram([at.url, "--keep-going", "--format", "json"], {
        input: [
          ".sandbox diff",
          ".sandbox on",
          "db.session.add(new User({ username: 'diff' })); db.session.commit()",
          "User.update({ roleId: 1 }, { where: { username: 'diff' } }).then(() => undefined)",
          ".sandbox diff",
          ".db upgrade",
          ".sandbox off",
          "User.query.filterBy({ username: 'diff' }).count()",
          ".sandbox on",
          "User.create({ username: 'stays' }).then(() => undefined)",
          ".sandbox commit",
          "User.create({ username: 'goes' }).then(() => undefined)",
          ".sandbox off",
          "User.query.filter(User.c.username.in(['stays', 'goes'])).count()",
          ".readonly on",
          "User.create({ username: 'refused' })",
          "db.session.add(new User({ username: 'refused' })); db.session.commit()",
          "db.session.rollback()",
          "let seen = 0; for await (const user of User.query.yieldPer(10)) seen += 1",
          "seen",
          ".readonly off",
          "User.destroy({ where: { username: 'stays' } })",
          ".readonly",
        ].join("\n"),
      });
      expect(values(stdout)).toEqual([
        [{ table: "users", inserted: 1, updated: 1, deleted: 0, altered: "" }],
        0,
        1,
        61,
        1,
      ]);
      expect(stderr).toContain("There is no sandbox.");
      expect(stderr).toContain("Cannot run migrations in the sandbox");
      expect(stderr).toContain("rolled back: users 1 inserted, 1 updated");
      expect(stderr).toContain("1 object let go: query again what you hold in variables");
      expect(stderr).toContain("kept: users 1 inserted");
      expect(stderr.match(/read.?only/gi)?.length).toBeGreaterThanOrEqual(3);
      expect(stderr).toContain("readonly is off");
    });

    it_(".connect opens another database in the place of this one, .reload the same", async () => {
      const { stdout, stderr } = await runProgram([at.url, "--keep-going", "--yes"], {
        cwd: at.folder,
        input: [
          "const mine = 7",
          ".connect sqlite:other.sqlite",
          "User.query.delete(); db.session.commit()",
          "db.session.add(new User({ username: 'other' })); db.session.commit()",
          ".reload",
          "User.query.count() + mine",
          ".connect nothing://x",
          "User.query.count() + mine",
          `.connect ${at.url}`,
          "User.query.count() + mine",
          "db.session.add(new User({ username: 'lost' }))",
          ".connect sqlite:other.sqlite",
        ].join("\n"),
      });
      expect(stdout).toBe("8\n8\n67\n");
      expect(stderr).toContain('Unknown dialect "nothing"');
      expect(stderr).toContain("Cannot connect to another database: 1 new not committed.");
      expect(existsSync(join(at.folder, "other.sqlite"))).toBe(true);
    });
  },
);

describe("rows that were shown", () => {
  it("are shown on by .more, .all and .last, with the columns that .columns names", async () => {
    const { stdout, stderr } = await runProgram(["sqlite::memory:", "--keep-going", "--format", "csv"], {
      input: [
        ".more",
        "User.query.limit(4).all()",
        ".columns",
        ".columns username id",
        ".limit 2",
        ".last",
        ".columns *",
        ".all",
        ".more",
        ".columns nam",
      ].join("\n"),
    });
    const all = ["id,username,roleId", "1,susan,1", "2,john,4", "3,david,3", "4,élodie,2"];
    expect(stdout.trimEnd().split("\n")).toEqual([
      ...all,
      "id",
      "username",
      "roleId",
      ...["username,id", "susan,1", "john,2", "david,3", "élodie,4"],
      ...["username,id", "david,3", "élodie,4"],
      ...all,
      ...all,
    ]);
    expect(stderr).toContain("No rows were shown yet.");
    expect(stderr).toContain("There are no more rows.");
    expect(stderr).toContain('There is no column "nam".');
  });
});
