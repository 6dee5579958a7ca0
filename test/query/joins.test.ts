import { expect, it } from "vitest";
import { aliased, func, not } from "../../src/query/expressions";
import { Query } from "../../src/query/query";
import type { RunnableQuery } from "../../src/query/runnable-query";
import { describeQueries, sqlOf, tailOf } from "./fixture";

const ids = async (query: RunnableQuery<{ id: number }>): Promise<number[]> =>
  (await query.all()).map((row) => row.id).sort((a, b) => a - b);

describeQueries("Joins", (fixture) => {
  it("Q-12: along a relationship, by expression or by name, INNER or LEFT OUTER", async () => {
    const { User } = fixture;
    const inner = "users JOIN roles ON roles.id = users.role_id";
    expect(tailOf(User.query.join(User.c.role))).toBe(inner);
    expect(tailOf(User.query.join("role"))).toBe(inner);
    expect(tailOf(User.query.outerjoin(User.c.role))).toBe("users LEFT OUTER JOIN roles ON roles.id = users.role_id");
    expect(await ids(User.query.join("role"))).toEqual([1, 2, 3, 5]);
    expect(await ids(User.query.outerjoin("role"))).toEqual([1, 2, 3, 4, 5]);
  });

  it("Q-12: to a model over the only foreign key, from either side, or by a condition", async () => {
    const { User, Role, Item, Node } = fixture;
    expect(tailOf(User.query.join(Role))).toBe("users JOIN roles ON roles.id = users.role_id");
    expect(tailOf(Role.query.join(User))).toBe("roles JOIN users ON roles.id = users.role_id");
    const query = User.query.join(Role, User.c.roleId.gt(Role.c.id));
    expect(tailOf(query)).toBe("users JOIN roles ON users.role_id > roles.id");
    expect(await ids(query)).toEqual([2, 3, 5]);
    expect(() => User.query.join(Item)).toThrow("Don't know how to join to Item.");
    expect(() => Node.query.join(Node)).toThrow("Can't construct a join from Node to Node, they are the same entity.");
    expect(() => User.query.join("nope")).toThrow('has no property "nope"');
    expect(() => User.query.join(3 as never)).toThrow(/Expected a relationship, a model, an alias or a subquery/);
    expect(() => User.query.join(Role, 3 as never)).toThrow(/Expected a condition in join\(\)/);
  });

  it("Q-12: the same path twice is joined once", async () => {
    const { User } = fixture;
    const query = User.query.join("role").filterBy({ name: "User" }).resetJoinpoint().join("role").filterBy({ id: 3 });
    expect(tailOf(query)).toBe("users JOIN roles ON roles.id = users.role_id WHERE roles.name = ? AND roles.id = ?");
    expect(await ids(query)).toEqual([2, 3]);
  });

  it("Q-12: a table joins itself under an alias", async () => {
    const { Node } = fixture;
    expect(() => Node.query.join(Node.c.children)).toThrow(
      "Can't construct a join from Node to Node, they are the same entity.",
    );
    const child = aliased(Node, "child");
    const query = Node.query.join(Node.c.children, child).filter(child.c.name.eq("leaf"));
    expect(tailOf(query)).toBe("nodes JOIN nodes AS child ON nodes.id = child.parent_id WHERE child.name = ?");
    expect(await ids(query)).toEqual([2]);
    const unnamed = aliased(Node);
    const other = Node.query.join(unnamed, Node.c.parent).filterBy({ name: "root" });
    expect(tailOf(other)).toBe("nodes JOIN nodes AS nodes_1 ON nodes_1.id = nodes.parent_id WHERE nodes_1.name = ?");
    expect(await ids(other)).toEqual([2, 3]);
    const [first, second] = [aliased(Node), aliased(Node)];
    const twice = Node.query.join(Node.c.parent, first).join(first.c.parent, second).filter(second.c.name.eq("root"));
    expect(tailOf(twice)).toBe(
      "nodes JOIN nodes AS nodes_1 ON nodes_1.id = nodes.parent_id JOIN nodes AS nodes_2 ON nodes_2.id = nodes_1.parent_id " +
        "WHERE nodes_2.name = ?",
    );
    expect(await ids(twice)).toEqual([4]);
  });

  it("Q-12: a many-to-many relationship is two joins, and a path goes on from the last", async () => {
    const { Item, Keyword } = fixture;
    const query = Item.query.join(Item.c.keywords).filter(Keyword.c.word.eq("home"));
    expect(tailOf(query)).toBe(
      "items JOIN item_keywords ON items.id = item_keywords.item_id JOIN keywords ON keywords.id = item_keywords.keyword_id " +
        "WHERE keywords.word = ?",
    );
    expect(await ids(query)).toEqual([1, 2]);
    const { Role, User } = fixture;
    const back = aliased(Role, "again");
    expect(await ids(Role.query.join("users").join(User.c.role, back).filter(back.c.name.eq("User")))).toEqual([3]);
  });

  it("Q-12: a table that is there already is refused, and a source that is not", () => {
    const { User, Role, Item } = fixture;
    expect(() => User.query.join("role").join(Role, User.c.id.eq(Role.c.id))).toThrow(/part of the query already/);
    expect(() => User.query.join(Item.c.keywords)).toThrow(/Item is not part of the query/);
  });

  it("Q-13: a join that multiplies rows gives each object once, and count() counts the rows", async () => {
    const { Role } = fixture;
    const query = Role.query.join("users");
    expect((await query.all()).length).toBe(3);
    expect(await query.count()).toBe(4);
    const columns = query.withEntities(Role.c.name);
    expect((await columns.all()).length).toBe(4);
  });

  it("Q-13: the same object is given once after LIMIT was counted", async () => {
    const { Role, User } = fixture;
    const query = Role.query.join("users").filter(Role.c.id.eq(3)).orderBy(User.c.id).limit(2);
    expect((await query.all()).length).toBe(1);
    expect(await query.count()).toBe(2);
  });

  it("selects columns of what is joined, also where it is joined later", async () => {
    const { User, Role } = fixture;
    const n = func.count(User.c.id).label("n");
    const query = Role.query
      .withEntities(Role.c.name, n)
      .outerjoin(Role.c.users)
      .groupBy(Role.c.id, Role.c.name)
      .orderBy(n.desc(), "name");
    expect(sqlOf(query)).toBe(
      "SELECT roles.name, count(users.id) AS n FROM roles LEFT OUTER JOIN users ON roles.id = users.role_id " +
        "GROUP BY roles.id, roles.name ORDER BY n DESC, roles.name",
    );
    expect((await query.all()).map((row) => [...row])).toEqual([
      ["User", 2],
      ["Administrator", 1],
      ["Moderator", 1],
      ["Nobody", 0],
    ]);
    const from = Query.of(() => fixture.executor, func.count(User.c.id).label("n"), Role.c.name)
      .join(Role.c.users)
      .groupBy("name")
      .having(func.count(User.c.id).gt(1));
    expect((await from.all()).map((row) => [...row])).toEqual([[2, "User"]]);
  });

  it("selectFrom() chooses what is joined from", async () => {
    const { User, Role, executor } = fixture;
    const query = Query.of(() => executor, User.c.username)
      .selectFrom(Role)
      .join(Role.c.users)
      .filter(Role.c.id.eq(1));
    expect(tailOf(query)).toBe("roles JOIN users ON roles.id = users.role_id WHERE roles.id = ?");
    expect(await query.scalar()).toBe("john");
    expect(() => User.query.join("role").selectFrom(Role)).toThrow(/already has joins/);
  });

  it("a table that a condition names comes into FROM, also beside joins", async () => {
    const { User, Role, Node } = fixture;
    const query = User.query.filter(User.c.roleId.eq(Role.c.id), Role.c.name.eq("User"));
    expect(tailOf(query)).toBe("users, roles WHERE users.role_id = roles.id AND roles.name = ?");
    expect(await ids(query)).toEqual([2, 3]);
    const beside = User.query.join("role").filter(Node.c.id.eq(User.c.id), Node.c.name.eq("left"));
    expect(tailOf(beside)).toBe(
      "users CROSS JOIN nodes JOIN roles ON roles.id = users.role_id WHERE nodes.id = users.id AND nodes.name = ?",
    );
    expect(await ids(beside)).toEqual([2]);
  });

  it("an alias stands for its model everywhere", async () => {
    const { User, executor } = fixture;
    const u = aliased(User, "u");
    const query = Query.of(() => executor, u).filter(u.c.username.eq("susan"));
    expect(sqlOf(query)).toMatch(/^SELECT u\.id, u\.username.* FROM users AS u WHERE u\.username = \?$/);
    expect((await query.one()) as object).toBeInstanceOf(User);
    const pairs = Query.of(() => executor, User.c.id, u.c.id.label("other")).filter(
      User.c.age.eq(u.c.age),
      User.c.id.lt(u.c.id),
    );
    expect((await pairs.all()).map((row) => [...row])).toEqual([[2, 5]]);
    expect(() => aliased(User, "")).toThrow(/Expected a name for the alias/);
  });

  it("Q-20: a subquery is joined as a table and has columns", async () => {
    const { User, Role } = fixture;
    const counts = User.query
      .withEntities(User.c.roleId, func.count().label("n"))
      .groupBy(User.c.roleId)
      .subquery("counts");
    const query = Role.query
      .outerjoin(counts, counts.c.roleId.eq(Role.c.id))
      .withEntities(Role.c.name, func.coalesce(counts.c.n, 0).label("n"))
      .orderBy("name");
    expect(tailOf(query)).toMatch(
      /^roles LEFT OUTER JOIN \(SELECT users\.role_id AS "roleId", count\(\*\) AS n FROM users GROUP BY users\.role_id\) AS counts ON counts\."roleId" = roles\.id ORDER BY/,
    );
    expect((await query.all()).map((row) => row.n)).toEqual([1, 1, 0, 2]);
    expect(() => (counts.c as unknown as Record<string, unknown>)["m"]).toThrow('The subquery has no column "m"');
    expect(() => Role.query.join(counts)).toThrow("Don't know how to join to counts.");
  });

  it("Q-20: a subquery of objects has the columns of their model", async () => {
    const { User, executor } = fixture;
    const young = User.query.filter(User.c.age.lt(30)).subquery();
    const query = Query.of(() => executor, young.c.username, young.c.roleId).filter(young.c.active.eq(true));
    expect(sqlOf(query)).toBe(
      'SELECT anon_1.username, anon_1.role_id AS "roleId" FROM (SELECT users.id, users.username, users.age, users.active, ' +
        "users.role_id FROM users WHERE users.age < ?) AS anon_1 WHERE anon_1.active = ?",
    );
    expect((await query.all()).map((row) => [...row])).toEqual([["susan", 3]]);
  });

  it("a many-to-many relationship is told where only the model was named", () => {
    const { Item, Keyword } = fixture;
    expect(() => Item.query.join(Keyword)).toThrow(
      expect.objectContaining({ hint: "over the association: .join(Item.c.keywords)" }) as Error,
    );
    expect(Item.query.join(Item.c.keywords).sql).toContain("JOIN keywords");
  });

  it("Q-20: a query of one column is a value", async () => {
    const { User, Role } = fixture;
    const oldest = User.query.withEntities(func.max(User.c.age)).scalarSubquery();
    const query = User.query.filter(User.c.age.eq(oldest));
    expect(tailOf(query)).toBe("users WHERE users.age = (SELECT max(users.age) FROM users)");
    expect(await ids(query)).toEqual([4]);
    expect(await ids(User.query.filter(User.c.age.eq(User.query.withEntities(func.min(User.c.age)))))).toEqual([2, 5]);
    const count = User.query.filter(User.c.roleId.eq(Role.c.id)).withEntities(func.count()).scalarSubquery();
    const counted = Role.query.withEntities(Role.c.id, count.label("n")).orderBy("id");
    expect(sqlOf(counted)).toBe(
      "SELECT roles.id, (SELECT count(*) FROM users WHERE users.role_id = roles.id) AS n FROM roles ORDER BY roles.id",
    );
    expect((await counted.all()).map((row) => row.n)).toEqual([1, 1, 2, 0]);
    expect(() => User.query.scalarSubquery()).toThrow("must select exactly one column; this one selects 5");
    const adults = User.query.filter(User.c.age.gt(26)).withEntities(User.c.id).subquery();
    expect(tailOf(User.query.filter(User.c.id.in(adults)))).toBe(
      "users WHERE users.id IN (SELECT users.id FROM users WHERE users.age > ?)",
    );
    expect(await ids(User.query.filter(User.c.id.in(adults)))).toEqual([1, 4]);
    expect(await ids(User.query.filter(not(User.c.id.in(adults))))).toEqual([2, 3, 5]);
    expect(() => User.query.filter(User.c.id.in(User.query.subquery()))).toThrow("this one selects 5");
    expect(() => User.query.withEntities(adults as never)).toThrow(
      expect.objectContaining({
        message: "Cannot select a subquery as a whole.",
        hint: "select its columns: subquery.c.id, or all of them: ...Object.values(subquery.c)",
      }) as Error,
    );
    expect((await User.query.withEntities(...Object.values(adults.c)).all()).length).toBe(2);
  });

  it("Q-20: an alias of a model may stand for the rows of a subquery", async () => {
    const { User, Role, executor } = fixture;
    const rows = User.query.orderBy(User.c.id.desc()).limit(3).subquery();
    const last = aliased(User, rows);
    const query = Query.of(() => executor, last)
      .filter(last.c.username.ne("amy"))
      .orderBy(last.c.id);
    expect(sqlOf(query)).toBe(
      'SELECT anon_1.id, anon_1.username, anon_1.age, anon_1.active, anon_1.role_id AS "roleId" FROM (' +
        "SELECT users.id, users.username, users.age, users.active, users.role_id FROM users ORDER BY users.id DESC LIMIT ?" +
        ") AS anon_1 WHERE anon_1.username != ? ORDER BY anon_1.id",
    );
    expect((await query.all()).map((user) => [user instanceof User, user.id])).toEqual([
      [true, 3],
      [true, 5],
    ]);
    expect(await query.count()).toBe(2);
    const joined = Role.query.join(Role.c.users, aliased(User, rows, "late")).filterBy({ active: false });
    expect(tailOf(joined)).toMatch(
      /^roles JOIN \(SELECT .*\) AS late ON roles.id = late.role_id WHERE late.active = \?$/,
    );
    expect(await ids(joined)).toEqual([2, 3]);
    const some = aliased(User, User.query.withEntities(User.c.id, User.c.username).subquery());
    const columns = Query.of(() => executor, some.c.username).filter(some.c.id.eq(2));
    expect((await columns.all()).map((row) => row.username)).toEqual(["susan"]);
    expect(() => Query.of(() => executor, some).toSQL()).toThrow("User.age is not among the columns of the subquery");
    await expect(Query.of(() => executor, last).get(1)).rejects.toThrow(/existing criterion/);
    expect(() => aliased(Role, rows)).toThrow("Cannot make an alias of Role: the subquery selects none.");
    expect(() => aliased(User, User.query as never)).toThrow(
      expect.objectContaining({ hint: "an alias of a query is made of query.subquery()" }) as Error,
    );
  });

  it("Q-20: a query in FROM inside a condition sees the rows outside", async () => {
    const { User, Role, database } = fixture;
    const theirs = User.query.filter(User.c.roleId.eq(Role.c.id));
    const any = theirs.filter(User.c.id.lt(2)).union(theirs.filter(User.c.id.gt(4)));
    const query = Role.query.filter(any.exists()).orderBy("id");
    expect(tailOf(query).match(/FROM \w+ WHERE users.role_id = roles.id/g)).toHaveLength(2);
    // MariaDB has no such view into the statement outside, and says so.
    if (database === "mariadb") await expect(query.all()).rejects.toThrow(/Unknown column/);
    else expect((await query.all()).map((role) => role.id)).toEqual([1, 2]);
  });

  it("Q-20: unions and their like give the rows of a new table, from which the query goes on", async () => {
    const { User } = fixture;
    const a = User.query.filter(User.c.id.le(3));
    const b = User.query.filter(User.c.id.ge(3));
    const union = a.union(b);
    expect(sqlOf(union.filterBy({ active: true }).orderBy("username").limit(2))).toBe(
      'SELECT anon_1.id, anon_1.username, anon_1.age, anon_1.active, anon_1.role_id AS "roleId" FROM (' +
        "SELECT users.id, users.username, users.age, users.active, users.role_id FROM users WHERE users.id <= ? UNION " +
        "SELECT users.id, users.username, users.age, users.active, users.role_id FROM users WHERE users.id >= ?" +
        ") AS anon_1 WHERE anon_1.active = ? ORDER BY anon_1.username LIMIT ?",
    );
    expect(await ids(union)).toEqual([1, 2, 3, 4, 5]);
    expect(await union.count()).toBe(5);
    expect(await a.unionAll(b).count()).toBe(6);
    expect(await ids(a.intersect(b))).toEqual([3]);
    expect(await ids(a.except(b))).toEqual([1, 2]);
    expect(await ids(union.filterBy({ active: true }).orderBy("username").limit(2))).toEqual([1, 4]);
    expect(await ids(union.join("role").filterBy({ name: "User" }))).toEqual([2, 3]);
    const [user] = await union.all();
    expect(user).toBeInstanceOf(User);
  });

  it("Q-20: parts of a union may be ordered, bounded and unions themselves", async () => {
    const { User } = fixture;
    const last = User.query.orderBy(User.c.id.desc()).limit(1);
    const first = User.query.orderBy("id").limit(1);
    expect(await ids(first.union(last))).toEqual([1, 5]);
    expect(
      await ids(
        first
          .union(last)
          .union(User.query.filterBy({ id: 3 }))
          .except(last),
      ),
    ).toEqual([1, 3]);
    expect(await ids(User.query.filterBy({ id: 2 }).union(first, last))).toEqual([1, 2, 5]);
    expect(await ids(first.union(last).orderBy(User.c.id.desc()).limit(1))).toEqual([5]);
    expect(User.query.union().sql).toBe(User.query.sql);
  });

  it("Q-20: unions of columns keep their labels", async () => {
    const { User, Role } = fixture;
    const names = User.query.withEntities(User.c.username.label("name"), User.c.id);
    const roles = Role.query.withEntities(Role.c.name, Role.c.id);
    const union = names.union(roles).orderBy("name");
    expect((await union.all()).map((row) => row.name)).toHaveLength(9);
    const rows = await union.filter(User.c.id.lt(3)).all();
    expect(rows.map((row) => `${row.name} ${row.id}`).sort()).toEqual([
      "Administrator 1",
      "Moderator 2",
      "john 1",
      "susan 2",
    ]);
    expect(() => User.query.union(names as never)).toThrow("they select 5 and 2 columns");
    expect(() => User.query.union(3 as never)).toThrow(/Expected queries to combine/);
  });
});
