import sequelizePackage from "sequelize";
import { expect, it } from "vitest";
import { InvalidRequestError } from "../../src/errors";
import type { Condition } from "../../src/query/expressions";
import { and, func, not, or, text } from "../../src/query/expressions";
import { SERVER_VALUE } from "../../src/query/query-executor";
import { describeQueries } from "./fixture";

const { literal } = sequelizePackage.Sequelize;

describeQueries("Bulk changes", (fixture) => {
  const ages = async (): Promise<unknown[]> =>
    (await fixture.User.query.orderBy("id").withEntities(fixture.User.c.age).all()).map((row) => row[0]);

  it("Q-21: update() sets values in one statement and tells the rows matched", async () => {
    const { User, sent, outcome } = fixture;
    let flushes = 0;
    fixture.executor.onAutoflush = () => void flushes++;
    expect(await outcome(User.query.filter(User.c.id.gt(3)).update({ age: 1, active: true }))).toEqual([
      "UPDATE users SET age = ?, active = ? WHERE users.id > ?",
      [1, 1, 3],
      2,
    ]);
    expect(flushes).toBe(1);
    expect(sent()).toHaveLength(1);
    expect(await ages()).toEqual([30, 25, null, 1, 1]);
    expect(await outcome(User.query.filterBy({ id: 99 }).update({ age: 1 }))).toEqual([
      "UPDATE users SET age = ? WHERE users.id = ?",
      [1, 99],
      0,
    ]);
    const [sql, parameters, matched] = await outcome(User.query.update({ age: null }));
    expect([sql, matched]).toEqual([expect.stringMatching(/^UPDATE users SET age = (\?|NULL)$/), 5]);
    expect(parameters).toEqual(sql.includes("?") ? [null] : []);
    expect(await ages()).toEqual([null, null, null, null, null]);
    // Rows that have the values already match too.
    expect(await User.query.filterBy({ id: 1 }).update({ age: null })).toBe(1);
  });

  it("Q-21: update() takes expressions, of ours and of Sequelize", async () => {
    const { User, executor, outcome } = fixture;
    const plus = await outcome(User.query.filter(User.c.age.gt(26)).update({ age: User.c.age.add(1) }));
    expect(plus).toEqual([
      expect.stringMatching(/^UPDATE users SET age = users\.age \+ \?(::integer)? WHERE users\.age > \?$/),
      [1, 26],
      2,
    ]);
    expect(await ages()).toEqual([31, 25, null, 42, 25]);
    const changed = User.query
      .filterBy({ id: 1 })
      .update({ age: literal("7 + 1"), username: func.upper(User.c.username) });
    expect(await outcome(changed)).toEqual([
      "UPDATE users SET age = 7 + 1, username = upper(users.username) WHERE users.id = ?",
      [1],
      1,
    ]);
    expect((await User.query.get(1))?.get()).toMatchObject({ age: 8, username: "JOHN" });
    const { mapper, values } = executor.lastChange ?? {};
    expect(values?.get(mapper?.find("age") as never)).toBe(SERVER_VALUE);
    expect(await outcome(User.query.filterBy({ id: 2 }).update({ roleId: "4" as never }))).toEqual([
      "UPDATE users SET role_id = ? WHERE users.id = ?",
      [4, 2],
      1,
    ]);
    expect(executor.lastChange?.values.get(mapper?.find("roleId") as never)).toBe(4);
    expect((await User.query.get(2))?.roleId).toBe(4);
  });

  it("Q-21: values by unknown names, relationships and nothing are refused", async () => {
    const { User, sent } = fixture;
    const refused: [unknown, object][] = [
      [{}, { message: "Cannot update without new values.", hint: 'update({ name: "…" })' }],
      [{ role: null }, { hint: "set its key: roleId" }],
      [{ age: undefined }, { message: expect.stringContaining("Cannot use undefined") }],
      [{ age: "old" }, { message: expect.stringContaining("Expected a whole number for User.age") }],
      ["x", { message: expect.stringContaining("Expected new values") }],
      [[{ age: 1 }], { message: expect.stringContaining("Expected new values") }],
      [null, { message: expect.stringContaining("Expected new values") }],
    ];
    for (const [values, fields] of refused)
      await expect(User.query.update(values as object)).rejects.toMatchObject({ name: "ArgumentError", ...fields });
    await expect(User.query.update({ usernme: "x" } as object)).rejects.toMatchObject({
      name: "ArgumentError",
      message: expect.stringContaining('has no property "usernme"'),
      hint: 'did you mean "username"?',
    });
    expect(sent()).toEqual([]);
  });

  it("Q-21: what would not be in the statement is refused", async () => {
    const { User, sent } = fixture;
    const refused: [string, { update(values: object): Promise<number>; delete(): Promise<number> }][] = [
      ["limit", User.query.limit(1)],
      ["offset", User.query.offset(1)],
      ["orderBy", User.query.orderBy("id")],
      ["groupBy", User.query.groupBy("id")],
      ["distinct", User.query.distinct()],
      ["join", User.query.join("role")],
      ["join", User.query.outerjoin("role")],
      ["selectFrom", User.query.selectFrom(User)],
    ];
    for (const [method, query] of refused) {
      const refusal = {
        name: "InvalidRequestError",
        message: `Can't call Query.update() or Query.delete() when ${method}() has been called`,
      };
      await expect(query.update({ age: 1 })).rejects.toMatchObject(refusal);
      await expect(query.delete()).rejects.toMatchObject(refusal);
    }
    await expect(User.query.withEntities(func.count()).selectFrom(User).update({})).rejects.toThrow(
      InvalidRequestError,
    );
    expect(sent()).toEqual([]);
  });

  it("Q-21: what is refused is told with a way that works", async () => {
    const { User, Role } = fixture;
    const query = User.query.join("role").filterBy({ name: "User" });
    await expect(query.update({ age: 1 })).rejects.toMatchObject({
      hint: "choose the rows by their keys: User.query.filter(User.c.id.in(query.withEntities(User.c.id)))",
    });
    expect(await User.query.filter(User.c.id.in(query.withEntities(User.c.id))).update({ age: 1 })).toBe(2);
    const first = User.query.orderBy("id").limit(1);
    expect(await User.query.filter(User.c.id.in(first.withEntities(User.c.id))).update({ age: 2 })).toBe(1);
    await expect(User.query.filter(User.c.roleId.eq(Role.c.id)).update({ age: 1 })).rejects.toMatchObject({
      message: "Role is not part of the statement.",
      hint: "a bulk change speaks of one model: conditions on others are any() and has() of its relationships, or in(query)",
    });
    expect(await User.query.filter(User.c.role.has({ name: "User" })).update({ age: 1 })).toBe(2);
    await expect(User.query.update({ age: 1 }, { synchroniseSession: false } as never)).rejects.toMatchObject({
      message: 'update() has no option "synchroniseSession".',
      hint: 'did you mean "synchronizeSession"?',
    });
    await expect(User.query.update({ age: 1 }, "fetch" as never)).rejects.toThrow(
      'Expected options by name in update(), got "fetch".',
    );
    await expect(User.query.delete(null as never)).rejects.toThrow("Expected options by name in delete(), got null.");
    await expect(User.query.update([{ age: 1 }] as never)).rejects.toThrow(/Expected new values by attribute/);
    await expect(User.query.explain({ analyse: true } as never)).rejects.toMatchObject({
      hint: 'did you mean "analyze"?',
    });
  });

  it("Q-21: tells the session which of its objects match, where that can be told without the database", async () => {
    const { User, executor } = fixture;
    const { c } = User;
    const judge = async (condition: Condition, values: Record<string, unknown>): Promise<boolean | undefined> => {
      await User.query.filter(condition).update({ username: "x" });
      return executor.lastChange?.evaluate?.(values);
    };
    const john = { id: 1, username: "john", age: 30, active: true, roleId: null };
    expect(await judge(c.id.eq(1), john)).toBe(true);
    expect(await judge(c.id.in([2, 3]), john)).toBe(false);
    expect(await judge(and(c.age.ge(30), c.active.eq(true)), john)).toBe(true);
    expect(await judge(or(c.age.lt(30), c.roleId.isNull()), john)).toBe(true);
    expect(await judge(not(c.active), john)).toBe(false);
    expect(await judge(c.active, john)).toBe(true);
    expect(await judge(c.age.between(1, 30), john)).toBe(true);
    expect(await judge(c.age.notIn([1, 2]), john)).toBe(true);
    expect(await judge(c.roleId.ne(3), john)).toBe(false); // NULL != 3 is NULL
    expect(await judge(not(c.roleId.in([3])), john)).toBe(false);
    expect(await judge(c.roleId.isDistinctFrom(3), john)).toBe(true);
    expect(await judge(c.age.add(1).eq(31), john)).toBe(true);
    expect([...(executor.lastChange?.reads ?? [])]).toEqual(["age"]);
    // Text depends on the collation of the column: only the database judges it.
    expect(await judge(c.username.eq("john"), john)).toBeUndefined();
    expect(await judge(c.username.isNull(), john)).toBe(false);
    expect(await judge(c.username.like("j%"), john)).toBeUndefined();
    expect(await judge(c.role.has({ id: 1 }), john)).toBeUndefined();
    expect(await judge(text("1 = 1"), john)).toBeUndefined();
  });

  it("Q-21: 'evaluate' refuses what only the database can judge, before anything is sent", async () => {
    const { User, sent, executor } = fixture;
    const evaluate = { synchronizeSession: "evaluate" } as const;
    const refusal = {
      name: "InvalidRequestError",
      message: expect.stringContaining("Could not evaluate current criteria in JavaScript"),
      hint: 'use { synchronizeSession: "fetch" }, or leave the option out',
    };
    for (const condition of [
      User.c.role.has({ id: 1 }),
      User.c.id.op("&", 1).eq(1),
      text("users.id = 1"),
      User.query.exists(),
    ]) {
      await expect(User.query.filter(condition).update({ age: 1 }, evaluate)).rejects.toMatchObject(refusal);
      await expect(User.query.filter(condition).delete(evaluate)).rejects.toMatchObject(refusal);
    }
    expect(sent()).toEqual([]);
    await User.query.filter(User.c.username.eq("john")).update({ age: 1 }, evaluate);
    expect(executor.lastChange?.evaluate?.({ username: "john" })).toBe(true);
    expect(executor.lastChange?.evaluate?.({ username: "susan" })).toBe(false);
    await expect(User.query.update({ age: 1 }, { synchronizeSession: "later" as never })).rejects.toMatchObject({
      name: "ArgumentError",
      message: expect.stringContaining('Expected "auto", "evaluate", "fetch" or false'),
    });
  });

  it("Q-21: gives the session the keys that will match", async () => {
    const { User, executor } = fixture;
    await User.query.filter(User.c.username.like("%a%")).update({ age: 1 }, { synchronizeSession: "fetch" });
    const keys = executor.lastChange?.compileKeys();
    expect(keys?.shape).toBe("tuple");
    const rows = await executor.connection.all(keys?.sql ?? "", keys?.parameters);
    expect(rows.map((row) => Object.values(row)[0]).sort()).toEqual([2, 3, 4]);
    expect(executor.lastChange?.synchronize).toBe("fetch");
    await User.query.autoflush(false).update({ age: 1 }, { synchronizeSession: false });
    expect(executor.lastChange).toMatchObject({ synchronize: false, autoflush: false });
  });

  it("Q-21: reads the keys of objects after the flush", async () => {
    const { User, Role, executor } = fixture;
    const role = Role.build({ name: "new" });
    const query = User.query.filterBy({ role });
    await expect(query.update({ age: 1 })).rejects.toThrow("Can't resolve value for column roles.id");
    executor.onAutoflush = () => role.setDataValue("id", 3);
    expect(await query.update({ age: 1 })).toBe(2);
  });

  it("Q-22: delete() removes the rows and nothing else", async () => {
    const { User, outcome } = fixture;
    let flushes = 0;
    fixture.executor.onAutoflush = () => void flushes++;
    expect(await outcome(User.query.filter(User.c.age.lt(30)).delete())).toEqual([
      "DELETE FROM users WHERE users.age < ?",
      [30],
      2,
    ]);
    expect(flushes).toBe(1);
    expect((await User.query.all()).map((user) => user.id).sort()).toEqual([1, 3, 4]);
    expect(await outcome(User.query.filterBy({ id: 99 }).delete())).toEqual([
      "DELETE FROM users WHERE users.id = ?",
      [99],
      0,
    ]);
    expect(await outcome(User.query.filter(User.c.role.has({ id: 3 })).delete())).toEqual([
      "DELETE FROM users WHERE EXISTS (SELECT 1 FROM roles WHERE roles.id = users.role_id AND roles.id = ?)",
      [3],
      1,
    ]);
    expect(await outcome(User.query.delete())).toEqual(["DELETE FROM users", [], 2]);
    expect(await User.query.count()).toBe(0);
    expect(await fixture.Role.query.count()).toBe(4);
  });

  it("G-24: a paranoid model's rows are marked, unless forced, and updates set the time", async () => {
    const { Note, sent, executor } = fixture;
    const at = new Date("2026-01-01T00:00:00.000Z");
    await executor.connection.run(
      `INSERT INTO notes (id, body, is_public, created_at, updated_at) VALUES (1, 'a', ${executor.dialect.literal(executor.dialect.bindBoolean(true))}, '2026-01-01', '2026-01-01')`,
    );
    expect(await Note.query.update({ body: "b" })).toBe(1);
    expect(sent().at(-1)).toBe(
      "UPDATE notes SET body = ?, updated_at = ? WHERE notes.is_public = ? AND notes.deleted_at IS NULL",
    );
    expect((await Note.query.one()).updatedAt.getTime()).toBeGreaterThan(at.getTime());
    expect(await Note.query.delete()).toBe(1);
    expect(sent().at(-1)).toBe(
      "UPDATE notes SET deleted_at = ? WHERE notes.is_public = ? AND notes.deleted_at IS NULL",
    );
    expect(await Note.query.count()).toBe(0);
    expect(await Note.query.withDeleted().count()).toBe(1);
    expect(executor.lastChange?.kind).toBe("delete");
    expect(await Note.query.withDeleted().delete({ force: true })).toBe(1);
    expect(await Note.query.withDeleted().count()).toBe(0);
  });
});
