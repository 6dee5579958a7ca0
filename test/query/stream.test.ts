import { expect, it } from "vitest";
import { streamRows } from "../../src/driver/stream";
import { aliased, text } from "../../src/query/expressions";
import { containsEager, joined } from "../../src/query/load-options";
import { describeQueries, error, sqlOf } from "./fixture";

describeQueries("Streaming", (fixture) => {
  /** What the database still keeps for streams. */
  const leftovers = async (): Promise<unknown[]> => {
    const { executor, database } = fixture;
    if (database === "sqlite") return executor.connection.all("SELECT name FROM temp.sqlite_master");
    if (database === "postgres")
      return executor.connection.all("SELECT name FROM pg_cursors WHERE name LIKE 'sequelize_shell%'");
    // MariaDB lists no temporary tables: the last one made is asked for rows.
    const made = executor.sent.flatMap((event) => /^CREATE TEMPORARY TABLE (\w+)/.exec(event.sql)?.[1] ?? []);
    return executor.connection.all(`SELECT 1 FROM ${made.at(-1)} LIMIT 1`).catch(() => []);
  };

  it("Q-23: gives the results in order, in batches", async () => {
    const { User, sent } = fixture;
    const ids: number[] = [];
    for await (const user of User.query.orderBy(User.c.id.desc()).yieldPer(2)) ids.push(user.id);
    expect(ids).toEqual([5, 4, 3, 2, 1]);
    expect(sent().filter((sql) => /^(SELECT \*|SELECT json_group_array|FETCH)/.test(sql))).toHaveLength(3);
    expect(sent()[0]).toContain(User.query.orderBy(User.c.id.desc()).toSQL().sql.replaceAll("`", '"'));
    const filtered = User.query.filter(User.c.id.gt(1), User.c.username.ne("o'hara")).orderBy("id");
    const before = sent().length;
    ids.length = 0;
    for await (const user of filtered.yieldPer(3)) ids.push(user.id);
    expect(ids).toEqual([2, 3, 4, 5]);
    expect(sent()[before]).toContain(sqlOf(filtered));
    expect(fixture.executor.sent.slice(-(sent().length - before))[0]?.parameters).toEqual([1, "o'hara"]);
    expect(await leftovers()).toEqual([]);
  });

  it.each([
    ["numbers and text", ["1", "-9007199254740991", "NULL"], ["'o''hara'", "'[1, \"x\"]'", "''"]],
    ["control characters, emoji and NULL", ["0"], ["'tab\there\nand\u0001'", "'\u{1F9E1}'", "NULL"]],
    ["fractions", ["0.30000000000000004", "1", "1e300"], ["'a'", "'b'"]],
    ["bytes", ["2"], ["'a'", "BYTES"]],
  ])("Q-23: every batch has the values of the statement: %s", async (_, numbers, texts) => {
    const { connection } = fixture.executor;
    const bytes = fixture.database === "postgres" ? "'\\x00ff27'::bytea" : "x'00ff27'";
    const hasBytes = texts.includes("BYTES");
    const rows = [0, 1, 2, 3, 4].map((i) => {
      const text = texts[i % texts.length]?.replace("BYTES", "NULL") ?? "NULL";
      // PostgreSQL gives the column its type by the first two rows.
      const other = hasBytes && (i === 3 || fixture.database === "postgres") ? bytes : "NULL";
      return `SELECT ${i} AS n, ${numbers[i % numbers.length]} AS number, ${text} AS text, ${other} AS other`;
    });
    const sql = `SELECT * FROM (${rows.join(" UNION ALL ")}) AS given ORDER BY n`;
    const streamed: unknown[] = [];
    for await (const batch of streamRows(connection, { sql, parameters: [] }, 2))
      for (const { n, number, text, other } of batch) streamed.push({ n, number, text, other });
    expect(streamed).toEqual(await connection.all(sql));
  });

  it("Q-23: rows of columns keep their values and labels", async () => {
    const { User } = fixture;
    const rows: unknown[] = [];
    for await (const row of User.query
      .withEntities(User.c.username, User.c.active.label("on"))
      .orderBy("id")
      .yieldPer(3))
      rows.push([row.username, row.on]);
    expect(rows.slice(0, 3)).toEqual([
      ["john", true],
      ["susan", true],
      ["david", false],
    ]);
    expect(rows).toHaveLength(5);
  });

  it("Q-23: a batch that is full to the last row ends the stream", async () => {
    const { User } = fixture;
    let count = 0;
    for await (const _ of User.query.filter(User.c.id.le(4)).yieldPer(2)) count++;
    expect(count).toBe(4);
    for await (const _ of User.query.filterBy({ id: 99 }).yieldPer(2)) throw new Error("There is no such row.");
  });

  it("Q-23: leaving the loop early closes what the database kept", async () => {
    const { User } = fixture;
    for await (const user of User.query.orderBy("id").yieldPer(2)) {
      expect(user.id).toBe(1);
      expect((await leftovers()).length).toBeGreaterThan(0);
      break;
    }
    expect(await leftovers()).toEqual([]);
    await expect(async () => {
      for await (const _ of User.query.yieldPer(2)) throw new Error("thrown in the loop");
    }).rejects.toThrow("thrown in the loop");
    expect(await leftovers()).toEqual([]);
  });

  it("Q-23: the connection is free for other statements between the rows", async () => {
    const { User, Role } = fixture;
    const names: string[] = [];
    for await (const user of User.query.filter(User.c.roleId.isNotNull()).orderBy("id").yieldPer(1)) {
      names.push((await Role.query.get(user.roleId))?.name ?? "");
      await User.query.filterBy({ id: user.id }).update({ age: 1 });
      for await (const role of Role.query.yieldPer(2)) expect(role.id).toBeGreaterThan(0);
    }
    expect(names).toEqual(["Administrator", "User", "User", "Moderator"]);
  });

  it("Q-23: the result is that of the start, whatever is written meanwhile", async () => {
    const { User, executor } = fixture;
    let count = 0;
    for await (const _ of User.query.yieldPer(1)) {
      if (++count > 10) break;
      await executor.connection.run(
        `INSERT INTO users (id, username, active) VALUES (${100 + count}, 'new', ${executor.dialect.literal(executor.dialect.bindBoolean(true))})`,
      );
    }
    expect(count).toBe(5);
  });

  it("Q-23: the loop may commit, and may roll back", async () => {
    const { User, executor } = fixture;
    const ids: number[] = [];
    await executor.connection.commit();
    for await (const user of User.query.orderBy("id").yieldPer(2)) {
      await executor.connection.begin();
      ids.push(user.id);
      if (user.id % 2) await executor.connection.commit();
      else await executor.connection.rollback();
    }
    expect(ids).toEqual([1, 2, 3, 4, 5]);
    expect(await leftovers()).toEqual([]);
    await executor.connection.begin();
    const rolledBack = async (): Promise<void> => {
      for await (const user of User.query.orderBy("id").yieldPer(2))
        if (user.id === 1) await executor.connection.rollback();
    };
    await expect(rolledBack()).rejects.toMatchObject({
      name: "ResourceClosedError",
      message: expect.stringContaining("the transaction in which it began was rolled back"),
      hint: expect.any(String),
    });
    expect(await leftovers()).toEqual([]);
  });

  it("Q-23: joined collections need their rows together", async () => {
    const { Role, User } = fixture;
    const eager = Role.query.options(joined("users")).orderBy("id");
    const refusal = {
      name: "InvalidRequestError",
      message: expect.stringContaining("Can't use yieldPer() with eager loaders that require uniquing"),
      hint: expect.any(String),
    };
    await expect(async () => {
      for await (const _ of eager.yieldPer(2)) continue;
    }).rejects.toMatchObject(refusal);
    let roles = 0;
    for await (const _ of eager) roles++;
    expect(roles).toBe(4);
    let users = 0;
    for await (const _ of User.query.options(joined("role")).yieldPer(2)) users++;
    expect(users).toBe(5);
    for (const size of [0, -1, 1.5, NaN, null])
      expect(() => User.query.yieldPer(size as number)).toThrow(
        error({ name: "ArgumentError", message: expect.stringMatching(/Expected a whole number .* in yieldPer\(\)/) }),
      );
    const contained = Role.query.join("users").options(containsEager("users")).orderBy("id");
    await expect(async () => {
      for await (const _ of contained.yieldPer(3)) continue;
    }).rejects.toMatchObject(refusal);
    const members: [number, number][] = [];
    for await (const role of contained) members.push([role.id, (role.users as unknown as unknown[]).length]);
    expect(members).toEqual([
      [1, 1],
      [2, 1],
      [3, 2],
    ]);
  });

  it("Q-23: an object is given once, also where its rows fall into several batches", async () => {
    const { Role, User, Node } = fixture;
    const idsOf = async (query: AsyncIterable<{ id: number }>): Promise<number[]> => {
      const ids: number[] = [];
      for await (const { id } of query) ids.push(id);
      return ids;
    };
    const fanned = Role.query.join("users").orderBy("id");
    for (const size of [1, 2, 3, 4]) expect(await idsOf(fanned.yieldPer(size))).toEqual([1, 2, 3]);
    expect(await idsOf(fanned)).toEqual([1, 2, 3]);
    const parts = User.query.filterBy({ id: 1 });
    expect(await idsOf(parts.unionAll(parts).yieldPer(1))).toEqual([1]);
    const named = Role.query.filter(User.c.id.gt(0)).orderBy("id").yieldPer(3);
    expect(named.sql).toContain("FROM roles, users");
    expect(await idsOf(named)).toEqual([1, 2, 3, 4]);
    const parent = aliased(Node);
    expect(await idsOf(Node.query.join(parent, Node.c.parentId.eq(parent.c.id)).orderBy("id").yieldPer(1))).toEqual([
      2, 3, 4,
    ]);
    const rows = fanned.withEntities(Role.c.id).yieldPer(3);
    expect(await idsOf(rows)).toEqual([1, 2, 3, 3]);
    for await (const _ of fanned.yieldPer(1)) break;
    expect(await leftovers()).toEqual([]);
  });

  it("Q-23: outside a transaction the same holds, and each statement is told of once", async () => {
    const { User, executor, sent } = fixture;
    await executor.connection.rollback();
    const before = sent().length;
    const ids: number[] = [];
    for await (const user of User.query.orderBy("id").yieldPer(2)) {
      ids.push(user.id);
      expect(await User.query.count()).toBe(5);
    }
    expect(ids).toEqual([1, 2, 3, 4, 5]);
    const select = User.query.orderBy("id").toSQL().sql.replaceAll("`", '"');
    expect(
      sent()
        .slice(before)
        .filter((sql) => sql.includes(select)),
    ).toHaveLength(1);
    for await (const _ of User.query.yieldPer(2)) break;
    for await (const _ of User.query.filterBy({ id: 99 })) throw new Error("There is no such row.");
    expect(await leftovers()).toEqual([]);
    const failing = User.query.filter(text("no_such_column_ = 1"));
    await expect(async () => {
      for await (const _ of failing) continue;
    }).rejects.toMatchObject({ name: "DatabaseError" });
    expect(await User.query.count()).toBe(5);
  });

  it("Q-23: reads what only this connection has", async () => {
    const { executor } = fixture;
    await executor.connection.rollback();
    await executor.connection.run("CREATE TEMPORARY TABLE of_this_connection AS SELECT id FROM users");
    let count = 0;
    const select = { sql: "SELECT id FROM of_this_connection", parameters: [] };
    for await (const rows of streamRows(executor.connection, select, 2)) count += rows.length;
    expect(count).toBe(5);
    await executor.connection.run("DROP TABLE of_this_connection");
  });

  it("streams the raw rows of any SELECT", async () => {
    const { executor } = fixture;
    const sizes: number[] = [];
    const select = { sql: "SELECT id, username AS name FROM users ORDER BY id", parameters: [] };
    for await (const rows of streamRows(executor.connection, select, 2)) sizes.push(rows.length);
    expect(sizes).toEqual([2, 2, 1]);
  });
});
