import { expect, it } from "vitest";
import { containsEager, defer, joined, loadOnly, noload, raiseload, selectin } from "../../src/query/load-options";
import { aliased, literal } from "../../src/query/expressions";
import { Query } from "../../src/query/query";
import type { RunnableQuery } from "../../src/query/runnable-query";
import { describeQueries, error, plain, sqlOf, tailOf } from "./fixture";

/** What the fake executor puts on an object for a joined relationship. */
function related(object: unknown, key: string): { id: number }[] {
  const value = (object as Record<string, unknown>)[key];
  return (Array.isArray(value) ? value : value === null || value === undefined ? [] : [value]) as { id: number }[];
}

describeQueries("Loading options", (fixture) => {
  it("Q-24: joined() reads a to-one relationship in the same statement", async () => {
    const { User, sent } = fixture;
    const query = User.query.options(joined("role")).orderBy("id");
    expect(sqlOf(query)).toBe(
      'SELECT users.id, users.username, users.age, users.active, users.role_id AS "roleId", ' +
        "roles_1.id AS roles_1_id, roles_1.name " +
        "FROM users LEFT OUTER JOIN roles AS roles_1 ON roles_1.id = users.role_id ORDER BY users.id",
    );
    const users = await query.all();
    expect(sent()).toHaveLength(1);
    expect(users.map((user) => related(user, "role").map((role) => role.id))).toEqual([[1], [3], [3], [], [2]]);
  });

  it("Q-24: joined() reads a collection in the relationship's order, and a bound counts parents", async () => {
    const { Role } = fixture;
    const query = Role.query.options(joined(Role.c.users)).orderBy(Role.c.name.desc());
    const roles = await query.all();
    expect(roles.map((role) => [role.name, related(role, "users").map((user) => user.id)])).toEqual([
      ["User", [2, 3]],
      ["Nobody", []],
      ["Moderator", [5]],
      ["Administrator", [1]],
    ]);
    const bounded = query.limit(2);
    expect(sqlOf(bounded)).toBe(
      "SELECT anon_1.id, anon_1.name, users_1.id AS users_1_id, users_1.username, " +
        "users_1.age, users_1.active " +
        "FROM (SELECT roles.id, roles.name FROM roles ORDER BY roles.name DESC LIMIT ?) AS anon_1 " +
        "LEFT OUTER JOIN users AS users_1 ON anon_1.id = users_1.role_id ORDER BY anon_1.name DESC, users_1.id",
    );
    expect((await bounded.all()).map((role) => [role.name, related(role, "users").length])).toEqual([
      ["User", 2],
      ["Nobody", 0],
    ]);
    expect(related(await query.first(), "users")).toHaveLength(2);
  });

  it("Q-24: a bounded query with joined collections keeps an order by what it joins itself", async () => {
    const { Role, User } = fixture;
    const query = Role.query.join("users").options(joined("users")).orderBy(User.c.username.desc()).limit(2);
    expect(sqlOf(query)).toMatch(
      /FROM \(SELECT roles\.id, roles\.name, users\.username AS order_1 FROM roles JOIN users .* LIMIT \?\) AS anon_1 .* ORDER BY anon_1\.order_1 DESC, users_1\.id$/,
    );
    expect((await query.all()).map((role) => role.id)).toEqual([3, 2]);
  });

  it("Q-24: joined() takes many-to-many relationships and nested paths", async () => {
    const { Item, Node, Role } = fixture;
    const items = await Item.query.options(joined("keywords")).orderBy("id").all();
    expect(
      items.map((item) =>
        related(item, "keywords")
          .map((word) => word.id)
          .sort(),
      ),
    ).toEqual([[1, 3], [2, 3], []]);
    const nodes = await Node.query.options(joined("children.children")).filterBy({ parentId: null }).all();
    const [left] = related(nodes[0], "children").filter((node) => node.id === 2);
    expect(related(left, "children").map((node) => node.id)).toEqual([4]);
    expect(tailOf(Role.query.options(joined("users", "role")))).toBe(
      "roles LEFT OUTER JOIN users AS users_1 ON roles.id = users_1.role_id " +
        "LEFT OUTER JOIN roles AS roles_1 ON roles_1.id = users_1.role_id ORDER BY users_1.id",
    );
  });

  it("Q-24: selectin(), noload() and raiseload() are left to the executor", async () => {
    const { Role, executor } = fixture;
    const loadsOf = async (...options: Parameters<typeof Role.query.options>): Promise<unknown> => {
      await Role.query.options(...options).all();
      return executor.lastSelect?.loads;
    };
    expect(await loadsOf(selectin("users"))).toMatchObject([{ path: ["users"], strategy: "selectin" }]);
    expect(await loadsOf(selectin("users.role"))).toMatchObject([
      { path: ["users"], strategy: "selectin" },
      { path: ["users", "role"], strategy: "selectin" },
    ]);
    expect(await loadsOf(noload("users"))).toMatchObject([{ path: ["users"], strategy: "noload" }]);
    expect(await loadsOf(raiseload("users"))).toMatchObject([{ path: ["users"], strategy: "raiseload" }]);
    expect(await loadsOf(joined("users"), selectin("users.role"))).toMatchObject([
      { path: ["users", "role"], strategy: "selectin" },
    ]);
    expect(await loadsOf(selectin("users"), joined("users.role"))).toMatchObject([
      { path: ["users"], strategy: "selectin" },
      { path: ["users", "role"], strategy: "selectin" },
    ]);
    expect(await loadsOf(selectin("users"), loadOnly("users.username"))).toMatchObject([
      { path: ["users"], strategy: "selectin", only: ["username"] },
    ]);
  });

  it('Q-24: raiseload("*") and noload("*") speak of every relationship that no other option loads', async () => {
    const { Role, User, Node, executor } = fixture;
    const loadsOf = async (query: RunnableQuery): Promise<unknown> => {
      await query.all();
      return executor.lastSelect?.loads;
    };
    expect(await loadsOf(Role.query.options(raiseload("*")))).toMatchObject([
      { path: ["users"], strategy: "raiseload" },
    ]);
    expect(await loadsOf(Role.query.options(raiseload("*"), selectin("users")))).toMatchObject([
      { path: ["users"], strategy: "selectin" },
      { path: ["users", "role"], strategy: "raiseload" },
    ]);
    expect(await loadsOf(User.query.options(joined("role"), noload("role.*")))).toMatchObject([
      { path: ["role", "users"], strategy: "noload" },
    ]);
    expect(await loadsOf(Node.query.options(raiseload("*"), selectin("parent"), noload("children")))).toMatchObject([
      { path: ["parent"], strategy: "selectin" },
      { path: ["parent", "parent"], strategy: "raiseload" },
      { path: ["parent", "children"], strategy: "raiseload" },
      { path: ["children"], strategy: "noload" },
    ]);
    expect(sqlOf(User.query.options(loadOnly("username"), raiseload("*")))).toBe(
      "SELECT users.id, users.username FROM users",
    );
    for (const wrong of [() => joined("*"), () => selectin("users.*"), () => raiseload("*.role")])
      expect(wrong).toThrow(/relationships are loaded by name/);
  });

  it("Q-24: an option of another model is refused, also where the names are alike", async () => {
    const { Role, User, Node, sent } = fixture;
    const hint = 'a path begins at the model of the query: joined("users.role"), loadOnly("users.username")';
    const refused: [RunnableQuery, string][] = [
      [User.query.options(selectin(Role.c.users)), "Cannot use Role.users in this option: the query is of User."],
      [User.query.options(joined(Role.c.users)), "Cannot use Role.users in this option: the query is of User."],
      [User.query.options(raiseload(Role.c.users)), "Cannot use Role.users in this option: the query is of User."],
      [Node.query.options(loadOnly(User.c.id)), "Cannot use User.id in this option: the query is of Node."],
      [Node.query.options(defer(User.c.id)), "Cannot use User.id in this option: the query is of Node."],
      [
        Role.query.options(joined(Role.c.users, Role.c.users)),
        'Cannot use Role.users in this option: "users" leads to User.',
      ],
    ];
    for (const [query, message] of refused)
      await expect(query.all()).rejects.toMatchObject({ name: "ArgumentError", message, hint });
    expect(sent()).toEqual([]);
    expect(await Role.query.options(joined(Role.c.users, User.c.role), defer(Role.c.name)).all()).toHaveLength(4);
  });

  it("Q-24: the last option for a relationship counts", async () => {
    const { Role, executor, outcome } = fixture;
    expect(await outcome(Role.query.options(joined("users")).options(selectin("users")).all())).toEqual([
      "SELECT roles.* FROM roles",
      [],
      [1, 2, 3, 4],
    ]);
    expect(executor.lastSelect?.loads).toMatchObject([{ path: ["users"], strategy: "selectin" }]);
    expect(await outcome(Role.query.options(selectin("users")).options(joined("users")).orderBy("id").all())).toEqual([
      expect.stringMatching(
        / LEFT OUTER JOIN users AS users_1 ON roles\.id = users_1\.role_id ORDER BY roles\.id, users_1\.id$/,
      ),
      [],
      [1, 2, 3, 4],
    ]);
    expect(executor.lastSelect?.loads).toEqual([]);
  });

  it("Q-24: containsEager() fills the relationship from the query's own join", async () => {
    const { Role, User, outcome } = fixture;
    const own = "users.id AS users_id, users.username, users.age, users.active";
    const query = Role.query.join("users").filter(User.c.active.eq(true)).options(containsEager("users")).orderBy("id");
    const [sql, ...rest] = await outcome(query.all());
    expect(sql).toMatch(/^SELECT roles\.id, roles\.name, users\.id AS users_id, users\.username, .* FROM roles /);
    expect(sql).toMatch(
      / FROM roles JOIN users ON roles\.id = users\.role_id WHERE users\.active = \? ORDER BY roles\.id$/,
    );
    expect(sql).toContain(own);
    expect(rest).toEqual([[1], [1, 3]]);
    expect((await query.all()).map((role) => related(role, "users").map((user) => user.id))).toEqual([[1], [2]]);
    const unjoined = error({
      name: "InvalidRequestError",
      message: expect.stringContaining("does not join that relationship"),
      hint: expect.any(String),
    });
    expect(() => Role.query.options(containsEager("users")).toSQL()).toThrow(unjoined);
    await expect(Role.query.options(containsEager("users")).all()).rejects.toThrow(unjoined);
    const u = aliased(User, "u");
    const aliasedJoin = Role.query.join(Role.c.users, u).options(containsEager("users")).orderBy("id");
    expect(sqlOf(aliasedJoin)).toMatch(
      /u\.id AS u_id, u\.username, .* FROM roles JOIN users AS u ON roles\.id = u\.role_id ORDER BY roles\.id$/,
    );
    expect((await aliasedJoin.all()).map((role) => related(role, "users").length)).toEqual([1, 1, 2]);
    const byCondition = Role.query
      .join(User, User.c.roleId.eq(Role.c.id))
      .options(containsEager("users"))
      .orderBy("id");
    expect((await byCondition.all()).map((role) => related(role, "users").length)).toEqual([1, 1, 2]);
    const ambiguous = Role.query
      .join(User, User.c.roleId.eq(Role.c.id))
      .join(u, u.c.id.eq(User.c.id))
      .options(containsEager("users"));
    expect(() => ambiguous.toSQL()).toThrow(unjoined);
  });

  it("Q-24: loadOnly() and defer() choose attributes; the primary key and needed keys stay", async () => {
    const { User, Role, executor } = fixture;
    expect(sqlOf(User.query.options(loadOnly("username")))).toBe("SELECT users.id, users.username FROM users");
    expect(sqlOf(User.query.options(loadOnly(User.c.username, User.c.age)))).toBe(
      "SELECT users.id, users.username, users.age FROM users",
    );
    expect(sqlOf(User.query.options(defer("age", "active")))).toBe(
      'SELECT users.id, users.username, users.role_id AS "roleId" FROM users',
    );
    expect(sqlOf(User.query.options(loadOnly("username"), selectin("role")))).toBe(
      'SELECT users.id, users.username, users.role_id AS "roleId" FROM users',
    );
    expect(sqlOf(Role.query.options(joined("users"), loadOnly("users.username")))).toBe(
      "SELECT roles.id, roles.name, users_1.id AS users_1_id, users_1.username FROM roles " +
        "LEFT OUTER JOIN users AS users_1 ON roles.id = users_1.role_id ORDER BY users_1.id",
    );
    const [user] = await User.query.options(loadOnly("username")).all();
    expect(user?.get()).toEqual({ id: 1, username: "john" });
    expect(executor.lastSelect?.slots[0]).toMatchObject({ complete: false, direct: true });
  });

  it("Q-24: options count for count() and get() as they should", async () => {
    const { Role, User, sent, executor } = fixture;
    expect(await Role.query.options(joined("users")).count()).toBe(4);
    expect(sent().at(-1)).not.toMatch(/users/);
    const role = await Role.query.options(joined("users")).get(3);
    expect(related(role, "users")).toHaveLength(2);
    await User.query.options(selectin("role")).get(1);
    expect(executor.lastGet?.loads).toMatchObject([{ path: ["role"], strategy: "selectin" }]);
  });

  it("Q-24: a name that is no relationship is refused when the query is run", async () => {
    const { User, sent } = fixture;
    const refused: [RunnableQuery, object][] = [
      [
        User.query.options(joined("nope")),
        { message: 'Cannot load "nope": User has no relationship of that name.', hint: "User has role" },
      ],
      [User.query.options(selectin("role.user")), { message: expect.anything(), hint: 'did you mean "users"?' }],
      [User.query.options(noload("username")), { message: expect.stringContaining('Cannot load "username"') }],
    ];
    for (const [query, fields] of refused)
      await expect(query.all()).rejects.toMatchObject({ name: "ArgumentError", ...fields });
    await expect(User.query.options(loadOnly("nope")).all()).rejects.toThrow('has no property "nope"');
    expect(sent()).toEqual([]);
    const malformed: [() => unknown, RegExp][] = [
      [() => joined(""), /Expected the name of a relationship/],
      [() => joined(), /Expected the name of a relationship/],
      [() => joined("users..role"), /Expected the name of a relationship/],
      [() => selectin(3 as never), /Expected the name of a relationship/],
      [() => loadOnly(), /Expected names of attributes/],
      [() => loadOnly("a.b", "c"), /must be of one model/],
      [() => User.query.options("role" as never), /Expected loading options/],
    ];
    for (const [call, message] of malformed)
      expect(call).toThrow(error({ name: "ArgumentError", message: expect.stringMatching(message) }));
  });

  it("Q-24: an option begins at any of several models, named by its expression", async () => {
    const { User, Role, executor, outcome } = fixture;
    const pairs = Query.of(() => executor, User, Role)
      .filter(User.c.roleId.eq(Role.c.id))
      .orderBy(User.c.id);
    const roles = pairs.options(joined(Role.c.users));
    const [sql, parameters, rows] = await outcome(roles.all());
    expect(sql).toBe(
      "SELECT users.id AS users_id, users.username AS users_username, users.age AS users_age, users.active AS users_active, " +
        "users.role_id AS users_role_id, roles.id AS roles_id, roles.name AS roles_name, " +
        "users_1.id, users_1.username, users_1.age, users_1.active " +
        "FROM users CROSS JOIN roles LEFT OUTER JOIN users AS users_1 ON roles.id = users_1.role_id " +
        "WHERE users.role_id = roles.id ORDER BY users.id, users_1.id",
    );
    expect(parameters).toEqual([]);
    // What is loaded beside a row does not multiply it.
    expect(rows).toEqual([
      [1, 1],
      [2, 3],
      [3, 3],
      [5, 2],
    ]);
    expect((await roles.all()).map((row) => related(row[1], "users").map((user) => user.id))).toEqual([
      [1],
      [2, 3],
      [2, 3],
      [5],
    ]);
    const both = await pairs.options(joined("role"), joined(Role.c.users)).all();
    expect(both.map((row) => [related(row[0], "role")[0]?.id, related(row[1], "users").length])).toEqual([
      [1, 1],
      [3, 2],
      [3, 2],
      [2, 1],
    ]);
    expect(await outcome(roles.limit(2).offset(1).all())).toEqual([
      expect.stringMatching(
        /FROM \(SELECT .* FROM users, roles WHERE users\.role_id = roles\.id ORDER BY users\.id LIMIT \? OFFSET \?\) AS anon_1 LEFT OUTER JOIN users AS users_1 ON anon_1\.roles_id = users_1\.role_id ORDER BY anon_1\.id, users_1\.id$/,
      ),
      [2, 1],
      [
        [2, 3],
        [3, 3],
      ],
    ]);
    expect(await outcome(roles.count())).toEqual([expect.not.stringContaining("users_1"), [], 4]);
    expect((await roles.first())?.[1].id).toBe(1);
  });

  it("Q-24: further models' attributes are chosen by columns, what they load by relationships", async () => {
    const { User, Role, executor } = fixture;
    const pairs = Query.of(() => executor, User, Role)
      .filter(User.c.roleId.eq(Role.c.id))
      .orderBy(User.c.id);
    const some = pairs.options(loadOnly("username"), defer(Role.c.name));
    expect(sqlOf(some)).toBe(
      "SELECT users.id AS users_id, users.username AS users_username, roles.id AS roles_id FROM users, roles " +
        "WHERE users.role_id = roles.id ORDER BY users.id",
    );
    const [first] = await some.all();
    expect([first?.[0].get(), first?.[1].get()]).toEqual([{ id: 1, username: "john" }, { id: 1 }]);
    const loadsOf = async (query: RunnableQuery): Promise<unknown> => {
      await query.all();
      return executor.lastSelect?.loads;
    };
    expect(await loadsOf(pairs.options(selectin("role"), selectin(Role.c.users, "role")))).toMatchObject([
      { slot: 0, path: ["role"], strategy: "selectin" },
      { slot: 1, path: ["users"], strategy: "selectin" },
      { slot: 1, path: ["users", "role"], strategy: "selectin" },
    ]);
    expect(await loadsOf(pairs.options(raiseload("*"), noload(Role.c.users)))).toMatchObject([
      { slot: 0, path: ["role"], strategy: "raiseload" },
      { slot: 1, path: ["users"], strategy: "noload" },
    ]);
    expect(await loadsOf(pairs.options(noload("*")))).toMatchObject([
      { slot: 0, path: ["role"], strategy: "noload" },
      { slot: 1, path: ["users"], strategy: "noload" },
    ]);
    const joinedToo = Query.of(() => executor, User.c.username, Role)
      .join(User.c.role)
      .options(selectin("users"));
    expect(await loadsOf(joinedToo)).toMatchObject([{ slot: 1, path: ["users"], strategy: "selectin" }]);
    const contained = Query.of(() => executor, fixture.Item, Role)
      .selectFrom(Role)
      .join(Role.c.users)
      .filter(User.c.id.eq(2))
      .options(containsEager(Role.c.users));
    expect((await contained.all()).map((row) => related(row[1], "users").map((user) => user.id))[0]).toEqual([2]);
  });

  it("Q-24: an alias is one of the models that an option may begin at", async () => {
    const { Role, executor } = fixture;
    const [a, b] = [aliased(Role, "a"), aliased(Role, "b")];
    const pairs = Query.of(() => executor, a, b).filter(a.c.id.eq(1), b.c.id.eq(3));
    const query = pairs.options(joined(b.c.users));
    expect(sqlOf(query)).toMatch(/ LEFT OUTER JOIN users AS users_1 ON b\.id = users_1\.role_id /);
    const [row] = await query.all();
    expect([related(row?.[0], "users"), related(row?.[1], "users").map((user) => user.id)]).toEqual([[], [2, 3]]);
    const refusal = {
      name: "ArgumentError",
      message: "Cannot tell of which Role this option speaks: the query has several.",
      hint: "begin at the alias: alias.c.…",
    };
    await expect(pairs.options(joined(Role.c.users)).all()).rejects.toMatchObject(refusal);
    await expect(pairs.options(loadOnly(Role.c.name)).all()).rejects.toMatchObject(refusal);
    const [one] = await Query.of(() => executor, a)
      .filter(a.c.id.eq(3))
      .options(joined(Role.c.users))
      .all();
    expect(related(one, "users")).toHaveLength(2);
  });

  it("Q-24: a name is one of the first model's, and a further one that has it is named", async () => {
    const { User, Role, Item, executor, sent } = fixture;
    const pairs = Query.of(() => executor, User, Role).filter(User.c.roleId.eq(Role.c.id));
    await expect(pairs.options(selectin("users")).all()).rejects.toMatchObject({
      name: "ArgumentError",
      message: 'Cannot load "users": User has no relationship of that name.',
      hint: "a name is one of the first model's; begin at the other: Role.c.users",
    });
    await expect(pairs.options(selectin(Item.c.keywords)).all()).rejects.toMatchObject({
      name: "ArgumentError",
      message: "Cannot use Item.keywords in this option: the query is of User and Role.",
    });
    await expect(pairs.options(defer(Item.c.title)).all()).rejects.toMatchObject({
      message: "Cannot use Item.title in this option: the query is of User and Role.",
    });
    expect(sent()).toEqual([]);
  });

  it("Q-24: rows of an object and values come once each beside a joined collection", async () => {
    const { Role, executor, outcome } = fixture;
    const query = Role.query
      .options(joined("users"))
      .addColumns(Role.c.name.label("title"), literal(new Date(0)).label("at"), literal(null).label("none"))
      .orderBy("id");
    const rows = await query.all();
    expect(rows.map((row) => [row[0].id, row.title, related(row[0], "users").length])).toEqual([
      [1, "Administrator", 1],
      [2, "Moderator", 1],
      [3, "User", 2],
      [4, "Nobody", 0],
    ]);
    expect((await outcome(query.limit(3).all()))[2]).toHaveLength(3);
    let count = 0;
    for await (const row of query) count += row.title.length > 0 ? 1 : 0;
    expect(count).toBe(4);
    const further = Query.of(() => executor, Role.c.name, Role).options(joined(Role.c.users));
    await expect(async () => {
      for await (const _ of further.yieldPer(2)) continue;
    }).rejects.toMatchObject({ name: "InvalidRequestError", hint: "load the collection by selectin()" });
    // Rows that the query itself repeats stay.
    expect(await Role.query.join("users").addColumns(Role.c.name.label("title")).all()).toHaveLength(4);
  });

  it("joined loading goes with unions and other columns", async () => {
    const { User, Role } = fixture;
    const union = User.query
      .filterBy({ id: 1 })
      .union(User.query.filterBy({ id: 2 }))
      .options(joined("role"));
    expect((await union.orderBy("id").all()).map((user) => related(user, "role")[0]?.id)).toEqual([1, 3]);
    const withColumn = Role.query
      .options(joined("users"))
      .addColumns(Role.c.name.label("title"))
      .orderBy("id")
      .limit(1);
    const rows = await withColumn.all();
    expect(rows[0]?.title).toBe("Administrator");
    expect(plain(withColumn.sql)).toMatch(/anon_1\.title/);
  });
});
