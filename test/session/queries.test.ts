// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import { expect, it } from "vitest";
import { joined, loadOnly, noload, raiseload, selectin } from "../../src/query/load-options";
import { error, plain } from "../query/fixture";
import { defineRoles, describeSession } from "./fixture";

describeSession("queries of a session", defineRoles, (work) => {
  const role = (name: string): any => new work.models.Role({ name });
  const user = (username: string, values: object = {}): any => new work.models.User({ username, bio: "", ...values });
  /** Stores two roles, of which the first has two users, and forgets what was sent. */
  const stored = async (): Promise<any> => {
    const { s } = work;
    const [a, b] = [role("a"), role("b")];
    const users = [user("u1", { role: a }), user("u2", { role: a }), user("u3")];
    s.addAll([a, b, ...users]);
    await s.commit();
    for (const each of [a, b, ...users]) await s.refresh(each);
    work.all();
    return { a, b, users };
  };
  const USERS = 'SELECT users.id, users.username, users.bio, users.role_id AS "roleId" FROM users';
  const ROLES = "SELECT roles.id, roles.name FROM roles";
  const sent = (): string[] => work.statements().map((statement) => plain(statement));

  it("Q-1: Model.query and session.query() are queries of the session", async () => {
    const { s, models } = work;
    const { users } = await stored();
    expect(await models.User.query.filterBy({ username: "u1" }).all()).toEqual([users[0]]);
    expect(
      await s
        .query(models.User as any)
        .filterBy({ username: "u1" } as object)
        .all(),
    ).toEqual([users[0]]);
    const statement = `${USERS} WHERE users.username = ? ["u1"]`;
    expect(sent()).toEqual([statement, statement]);
    const { id, username } = models.User.c;
    const rows: any[] = await s.query(id, username).orderBy(id).limit(1).all();
    expect(rows.map((row) => [...row])).toEqual([[users[0].id, "u1"]]);
    expect(sent()).toEqual(["SELECT users.id, users.username FROM users ORDER BY users.id LIMIT ? [1]"]);
    const other = work.another();
    const [theirs]: any[] = await other
      .query(models.User as any)
      .filterBy({ username: "u1" } as object)
      .all();
    expect(theirs).not.toBe(users[0]);
    expect([theirs.username, other.stateOf(theirs)]).toEqual(["u1", "persistent"]);
  });

  it("Q-6: a pending object is stored first, a detached one has its last key", async () => {
    const { s, models } = work;
    const { a, users } = await stored();
    const pending = role("new");
    const of = user("of new", { role: pending });
    s.addAll([pending, of]);
    const query = models.User.query.filterBy({ role: pending });
    expect(String(query)).toMatch(/WHERE users\.role_id = NULL$/);
    expect([work.all(), pending.id]).toEqual([[], null]);
    expect(await query.all()).toEqual([of]);
    expect(work.short()).toEqual(["I(roles)", "I(users)", "S(users)"]);
    expect(query.toSQL().parameters).toEqual([pending.id]);
    await s.rollback();
    await s.refresh(a);
    s.expunge(a);
    work.all();
    expect(s.stateOf(a)).toBe("detached");
    expect(await models.User.query.filterBy({ role: a }).orderBy("id").all()).toEqual(users.slice(0, 2));
    expect(sent()).toEqual([`${USERS} WHERE users.role_id = ? ORDER BY users.id [${a.id}]`]);
  });

  it("Q-6: a transient object without a key is refused when the query is run, and leaves the session as it is", async () => {
    const { s, models } = work;
    await stored();
    const query = models.User.query.filterBy({ role: role("x") });
    await expect(query.all()).rejects.toMatchObject({
      name: "StatementError",
      message: expect.stringContaining("Can't resolve value for column roles.id on object Role"),
    });
    expect(sent()).toEqual([]);
    expect(s.isActive).toBe(true);
    expect(await models.User.query.count()).toBe(3);
  });

  it("Q-13: an object of the session is given once where a join repeats it", async () => {
    const { models } = work;
    const { a } = await stored();
    expect(await models.Role.query.join("users").all()).toEqual([a]);
    expect(sent()).toEqual([`${ROLES} JOIN users ON roles.id = users.role_id []`]);
    expect(await models.Role.query.join("users").count()).toBe(2);
  });

  it("N-1: getOr404() of an object that the session has sends nothing, and a miss leaves the session active", async () => {
    const { s, models } = work;
    const { users } = await stored();
    expect(await models.User.query.getOr404(users[0].id)).toBe(users[0]);
    expect(sent()).toEqual([]);
    const late = user("late");
    s.add(late);
    await expect(models.User.query.getOr404(999)).rejects.toMatchObject({ name: "NotFound", status: 404 });
    await expect(models.User.query.filterBy({ username: "?" }).firstOr404()).rejects.toMatchObject({ code: 404 });
    await expect(models.User.query.oneOr404()).rejects.toMatchObject({ name: "NotFound" });
    expect([s.isActive, s.stateOf(late)]).toEqual([true, "persistent"]);
    await s.commit();
    expect(await models.User.query.count()).toBe(4);
  });

  it("P-3: pages of a query and of a collection have the session's objects", async () => {
    const { models } = work;
    const { a, users } = await stored();
    const page = await models.User.query.orderBy("id").paginate({ page: 2, perPage: 2 });
    expect([page.items, page.total]).toEqual([[users[2]], 3]);
    expect(sent()).toEqual([
      `${USERS} ORDER BY users.id LIMIT ? OFFSET ? [2,2]`,
      "SELECT count(*) AS count FROM (SELECT users.id, users.username, users.bio, users.role_id FROM users) AS anon_1 []",
    ]);
    const members = await a.users.paginate({ page: 2, perPage: 1 });
    expect([members.items, members.total, members.pages]).toEqual([[users[1]], 2, 2]);
    const [items, count] = sent();
    expect(items).toBe(`${USERS} WHERE users.role_id = ? ORDER BY users.id LIMIT ? OFFSET ? [${a.id},1,1]`);
    expect(count).toMatch(
      /^SELECT count\(\*\) AS count FROM \(SELECT .* FROM users WHERE users\.role_id = \?\) AS anon_1 \[\d+\]$/,
    );
  });

  it("Q-21: without an option, what JavaScript cannot judge is looked up by a SELECT of the keys", async () => {
    const { s, models } = work;
    const { a, users } = await stored();
    const { User } = models;
    expect(await User.query.filter(User.c.role.has({ id: a.id })).update({ bio: "x" })).toBe(2);
    const exists = "WHERE EXISTS (SELECT 1 FROM roles WHERE roles.id = users.role_id AND roles.id = ?)";
    expect(sent()).toEqual([
      `SELECT users.id FROM users ${exists} [${a.id}]`,
      `UPDATE users SET bio = ? ${exists} ["x",${a.id}]`,
    ]);
    expect(users.map((each: any) => each.bio)).toEqual(["x", "x", ""]);
    expect([...s.dirty]).toEqual([]);
    expect(await User.query.filter(User.c.id.in([users[0].id, users[2].id])).update({ bio: "y" })).toBe(2);
    expect(sent()).toEqual([`UPDATE users SET bio = ? WHERE users.id IN (?, ?) ["y",${users[0].id},${users[2].id}]`]);
    expect(users.map((each: any) => each.bio)).toEqual(["y", "x", "y"]);
    users[1].username = "changed";
    expect(await User.query.filterBy({ id: users[1].id }).delete()).toBe(1);
    expect(sent()).toEqual([
      expect.stringMatching(/^UPDATE users SET username = \? WHERE (users\.)?id = \? \["changed",\d+\]$/),
      `DELETE FROM users WHERE users.id = ? [${users[1].id}]`,
    ]);
    expect(s.stateOf(users[1])).toBe("deleted");
  });

  it("Q-24: selectin() reads the relationship of all rows in one further statement", async () => {
    const { s, models } = work;
    const { a, b, users } = await stored();
    s.expungeAll();
    const roles: any[] = await models.Role.query.options(selectin("users")).orderBy("id").all();
    expect(sent()).toEqual([
      `${ROLES} ORDER BY roles.id []`,
      `${USERS} WHERE users.role_id IN (?, ?) ORDER BY users.id [${a.id},${b.id}]`,
    ]);
    expect(roles.map((each) => each.users.map((one: any) => one.id))).toEqual([[users[0].id, users[1].id], []]);
    expect(roles[0].users.at(0).role).toBe(roles[0]);
    expect(sent()).toEqual([]);
    s.expungeAll();
    expect(await models.Role.query.filterBy({ name: "?" }).options(selectin("users")).all()).toEqual([]);
    expect(sent()).toEqual([`${ROLES} WHERE roles.name = ? ["?"]`]);
  });

  it("Q-24: selectin() of a reference does not ask for objects that the session has", async () => {
    const { s, models } = work;
    const { a, b, users } = await stored();
    users[2].role = b;
    await s.commit();
    s.expungeAll();
    const kept: any = await models.Role.query.get(a.id);
    work.all();
    const found: any[] = await models.User.query.options(selectin("role")).orderBy("id").all();
    expect(sent()).toEqual([`${USERS} ORDER BY users.id []`, `${ROLES} WHERE roles.id = ? [${b.id}]`]);
    expect(found.map((each) => each.role.id)).toEqual([a.id, a.id, b.id]);
    expect(found[0].role).toBe(kept);
    await models.User.query.options(selectin("role")).orderBy("id").all();
    expect(sent()).toEqual([`${USERS} ORDER BY users.id []`]);
  });

  it("Q-24: joined() reads the relationship in the same statement", async () => {
    const { s, models } = work;
    const { a, b, users } = await stored();
    s.expungeAll();
    const [first]: any[] = await models.Role.query.options(joined("users")).orderBy("id").limit(1).all();
    expect(sent()).toEqual([
      "SELECT anon_1.id, anon_1.name, users_1.id AS users_1_id, users_1.username, users_1.bio FROM " +
        "(SELECT roles.id, roles.name FROM roles ORDER BY roles.id LIMIT ?) AS anon_1 " +
        "LEFT OUTER JOIN users AS users_1 ON anon_1.id = users_1.role_id ORDER BY anon_1.id, users_1.id [1]",
    ]);
    expect([first.id, first.users.map((each: any) => each.id)]).toEqual([a.id, [users[0].id, users[1].id]]);
    s.expungeAll();
    const all: any[] = await models.Role.query.options(joined("users")).orderBy("id").all();
    expect(all.map((each) => [each.id, each.users.length])).toEqual([
      [a.id, 2],
      [b.id, 0],
    ]);
    expect(sent()).toHaveLength(1);
  });

  it("Q-24: options of a query of several models load what is asked of each", async () => {
    const { s, models } = work;
    const { a, b, users } = await stored();
    users[2].role = b;
    await s.commit();
    const { Role, User } = models;
    const both =
      "users.id AS users_id, users.username AS users_username, users.bio AS users_bio, users.role_id AS users_role_id";
    for (const option of [joined(Role.c.users), selectin(Role.c.users)]) {
      s.expungeAll();
      work.all();
      const query = s
        .query(User as any, Role as any)
        .filter(User.c.roleId.eq(Role.c.id))
        .orderBy(User.c.id);
      const rows: any[] = await query.options(option).all();
      expect(rows.map((row) => [row[0].id, row[1].id, row[1].users.map((each: any) => each.id)])).toEqual([
        [users[0].id, a.id, [users[0].id, users[1].id]],
        [users[1].id, a.id, [users[0].id, users[1].id]],
        [users[2].id, b.id, [users[2].id]],
      ]);
      expect(rows[1][1]).toBe(rows[0][1]);
      expect(rows[0][1].users.at(0)).toBe(rows[0][0]);
      const [select, ...further] = sent();
      expect(select?.startsWith(`SELECT ${both}, roles.id AS roles_id, roles.name AS roles_name`)).toBe(true);
      expect(select).toMatch(/ ORDER BY users\.id(, users_1\.id)? \[\]$/);
      expect(select?.includes("LEFT OUTER JOIN users AS users_1 ON roles.id = users_1.role_id")).toBe(
        option.request.strategy === "joined",
      );
      expect(further).toEqual(
        option.request.strategy === "joined"
          ? []
          : [`${USERS} WHERE users.role_id IN (?, ?) ORDER BY users.id [${a.id},${b.id}]`],
      );
    }
    s.expungeAll();
    const [strict]: any[] = await s
      .query(User as any, Role as any)
      .filter(User.c.roleId.eq(Role.c.id))
      .options(raiseload("*"), loadOnly(Role.c.id))
      .orderBy(User.c.id)
      .all();
    // What the session has needs no loading.
    expect(strict[0].role).toBe(strict[1]);
    expect(() => [...strict[1].users]).toThrow(/'Role\.users' is not available due to raiseload/);
    expect(strict[0].username).toBe("u1");
    expect(() => strict[1].name).toThrow(error({ name: "NotLoadedError", message: expect.any(String) }));
  });

  it("Q-24: noload() leaves the relationship empty and raiseload() forbids to read it, both without a statement", async () => {
    const { s, models } = work;
    await stored();
    s.expungeAll();
    const [silent]: any[] = await models.Role.query.options(noload("users")).orderBy("id").all();
    expect([silent.users.isLoaded, silent.users.toArray()]).toEqual([true, []]);
    expect(sent()).toEqual([`${ROLES} ORDER BY roles.id []`]);
    s.expungeAll();
    const [reference]: any[] = await models.User.query.options(noload("role")).orderBy("id").all();
    expect(reference.role).toBeNull();
    expect(sent()).toEqual([`${USERS} ORDER BY users.id []`]);
    s.expungeAll();
    const [strict]: any[] = await models.User.query.options(raiseload("role")).orderBy("id").all();
    expect(() => strict.role).toThrow(
      expect.objectContaining({ message: expect.stringContaining("'User.role' is not available due to raiseload") }),
    );
    expect(sent()).toEqual([`${USERS} ORDER BY users.id []`]);
    expect([...s.dirty]).toEqual([]);
  });

  it("Q-24: eager loading leaves a collection with pending changes as it is", async () => {
    const { s, models } = work;
    const { a, users } = await stored();
    await a.users.load();
    const pending = user("pending");
    a.users.append(pending);
    a.users.remove(users[0]);
    work.all();
    for (const option of [joined("users"), selectin("users")])
      await s.noAutoflush(() => models.Role.query.options(option).orderBy("id").all());
    expect(a.users.toArray()).toEqual([users[1], pending]);
    expect(work.short().every((statement) => statement.startsWith("S("))).toBe(true);
    await s.flush();
    expect(await models.User.query.filterBy({ role: a }).orderBy("id").all()).toEqual([users[1], pending]);
  });

  it("Q-25: showing a query flushes and sends nothing", () => {
    const { s, models } = work;
    const pending = role("new");
    s.add(pending);
    const query = models.User.query.filterBy({ role: pending }).limit(2);
    expect(String(query)).toMatch(/ FROM users WHERE users\.role_id = NULL LIMIT 2$/);
    expect(query.toSQL().parameters).toEqual([null, 2]);
    expect([work.all(), s.stateOf(pending)]).toEqual([[], "pending"]);
  });
});
