import { describe, expect, it } from "vitest";
import { programDatabases, runProgram, useProgramDatabase } from "./built-program";

const servers = programDatabases().filter(({ name }) => name !== "sqlite::memory:");

describe.each(servers)("the sandbox on $name", ({ name, skipReason, create }) => {
  const it_ = it.skipIf(skipReason !== undefined);
  const at = useProgramDatabase({ skipReason, create }, { filled: true });

  const run = async (lines: readonly string[], ...options: string[]) => {
    const { stdout, stderr, exitCode } = await runProgram([at.url, "--keep-going", ...options], {
      input: lines.map((line) => `${line}\n`).join(""),
    });
    return { values: stdout.trimEnd().split("\n"), stderr, exitCode };
  };
  const count = async () => (await run(["User.query.count()"])).values[0];

  it_("shows what was written, by the session and by Sequelize, and keeps nothing", async () => {
    const { values, stderr, exitCode } = await run(
      [
        "db.session.add(new User({ username: 'sand1' })); db.session.commit()",
        "User.create({ username: 'sand2' }).then(() => undefined)",
        "sequelize.transaction(async (transaction) => { await User.create({ username: 'sand3' }, { transaction }) })",
        "db.session.execute(`UPDATE users SET username = 'sand4' WHERE username = 'sand1'`).then(() => undefined)",
        "User.query.filter(User.c.username.like('sand%')).count()",
        "db.createSession().query(User).count()",
        "User.count()",
        "User.query.delete()",
        "User.query.count()",
      ],
      "--sandbox",
    );
    expect(stderr).toMatch(/note: the sandbox was rolled back: .*users 3 inserted, 1 updated, 63 deleted/);
    expect(values).toEqual(["3", "63", "63", "63 rows deleted", "0"]);
    expect(exitCode).toBe(0);
    expect(await count()).toBe("60");
  });

  it_("undoes the line that fails, and that line only", async () => {
    const { values, stderr, exitCode } = await run(
      [
        "db.session.add(new User({ username: 'kept' })); db.session.flush()",
        "db.session.add(new User({ username: 'gone' })); db.session.flush(); throw new Error('stop')",
        "db.session.commit()",
        "User.query.filterBy({ username: 'kept' }).count()",
        "User.query.filterBy({ username: 'gone' }).count()",
        "await User.create({ username: 'first' }); await User.create({ username: 'first' })",
        "User.query.filterBy({ username: 'first' }).count()",
        "db.session.execute('SELECT nothing_of_the_kind')",
        "User.query.count()",
      ],
      "--sandbox",
    );
    expect(values).toEqual(["1", "0", "0", "61"]);
    expect(stderr.match(/what this line did to the database is undone/g)).toHaveLength(2);
    expect(exitCode).toBe(1);
    expect(await count()).toBe("60");
  });

  it_("keeps the objects that waited before the line that failed", async () => {
    const { values } = await run(
      [
        "const waiting = new User({ username: 'waiting' }); db.session.add(waiting)",
        "await User.query.count(); throw new Error('after the autoflush')",
        "db.session.stateOf(waiting)",
        "db.session.commit()",
        "User.query.filterBy({ username: 'waiting' }).count()",
      ],
      "--sandbox",
    );
    expect(values).toEqual(["pending", "1"]);
  });

  it_("refuses what would end it", async () => {
    const { stderr } = await run(
      [
        "sequelize.query('COMMIT')",
        "sequelize.query('/* a comment */ BEGIN')",
        "User.create({ username: 'past' }, { transaction: await sequelize.transaction({ transaction: null }) })",
      ],
      "--sandbox",
    );
    expect(stderr).toContain("Cannot run COMMIT in the sandbox");
    expect(stderr).toContain("Cannot run BEGIN in the sandbox");
    expect(await count()).toBe("60");
  });

  it_(name === "mariadb" ? "refuses what commits by itself" : "rolls back changes of tables too", async () => {
    const { values, stderr, exitCode } = await run(
      ["sequelize.query('DROP TABLE users')", "db.dropAll()", "sequelize.getQueryInterface().tableExists('users')"],
      "--sandbox",
    );
    if (name === "mariadb") {
      expect(stderr).toContain("Cannot run DROP TABLE in the sandbox");
      expect(stderr).toContain("hint: .sandbox off");
      expect(exitCode).toBe(1);
    } else expect(values.at(-1)).toBe("false");
    expect(await count()).toBe("60");
  });

  it_("asks nothing before a statement that takes many rows", async () => {
    const { values, exitCode } = await run(["User.query.delete()", "User.query.count()"], "--sandbox");
    expect(values).toEqual(["60 rows deleted", "0"]);
    expect(exitCode).toBe(0);
  });
});
