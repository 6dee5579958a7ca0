import { expect, it } from "vitest";
import { aliased, and, func, not } from "../../src/query/expressions";
import { Query } from "../../src/query/query";
import type { RunnableQuery } from "../../src/query/runnable-query";
import { describeQueries, error, sqlOf, tailOf } from "./fixture";
import type { User as UserModel } from "./models";

const ids = async (query: RunnableQuery<{ id: number }>): Promise<number[]> =>
  (await query.all()).map((row) => row.id).sort((a, b) => a - b);

describeQueries("Joins", (fixture) => {
  it("Q-12: along a relationship, by expression or by name, INNER or LEFT OUTER", async () => {
    const { User, outcome } = fixture;
    const inner = "SELECT users.* FROM users JOIN roles ON roles.id = users.role_id";
    for (const query of [User.query.join(User.c.role), User.query.join("role")])
      expect(await outcome(query.all())).toEqual([inner, [], [1, 2, 3, 5]]);
    for (const query of [User.query.outerjoin(User.c.role), User.query.outerjoin("role")])
      expect(await outcome(query.all())).toEqual([inner.replace("JOIN", "LEFT OUTER JOIN"), [], [1, 2, 3, 4, 5]]);
    expect(
      await outcome(
        User.query
          .outerjoin("role")
          .filterBy({ id: null } as object)
          .all(),
      ),
    ).toEqual([`${inner.replace("JOIN", "LEFT OUTER JOIN")} WHERE roles.id IS NULL`, [], [4]]);
  });

  it("Q-12: to a model over the only foreign key, from either side, or by a condition", async () => {
    const { User, Role, Item, Node, outcome, sent } = fixture;
    expect(await outcome(User.query.join(Role).all())).toEqual([
      "SELECT users.* FROM users JOIN roles ON roles.id = users.role_id",
      [],
      [1, 2, 3, 5],
    ]);
    expect(await outcome(Role.query.join(User).all())).toEqual([
      "SELECT roles.* FROM roles JOIN users ON roles.id = users.role_id",
      [],
      [1, 2, 3],
    ]);
    expect(await outcome(Role.query.outerjoin(User).filter(User.c.id.isNull()).all())).toEqual([
      "SELECT roles.* FROM roles LEFT OUTER JOIN users ON roles.id = users.role_id WHERE users.id IS NULL",
      [],
      [4],
    ]);
    expect(await outcome(User.query.join(Role, User.c.roleId.gt(Role.c.id)).all())).toEqual([
      "SELECT users.* FROM users JOIN roles ON users.role_id > roles.id",
      [],
      [2, 3, 5],
    ]);
    const on = and(User.c.roleId.eq(Role.c.id), Role.c.name.eq("User"));
    expect(await outcome(User.query.outerjoin(Role, on).filter(Role.c.id.isNull(), User.c.age.gt(1)).all())).toEqual([
      "SELECT users.* FROM users LEFT OUTER JOIN roles ON users.role_id = roles.id AND roles.name = ? " +
        "WHERE roles.id IS NULL AND users.age > ?",
      ["User", 1],
      [1, 4, 5],
    ]);
    const before = sent().length;
    expect(() => User.query.join(Item)).toThrow(
      error({ name: "InvalidRequestError", message: "Don't know how to join to Item.", hint: expect.any(String) }),
    );
    expect(() => Node.query.join(Node)).toThrow(
      error({
        name: "InvalidRequestError",
        message: "Can't construct a join from Node to Node, they are the same entity.",
        hint: expect.stringContaining("aliased("),
      }),
    );
    expect(() => User.query.join("nope")).toThrow(
      error({ name: "InvalidRequestError", message: expect.stringContaining('has no property "nope"') }),
    );
    expect(() => User.query.join(3 as never)).toThrow(
      error({
        name: "ArgumentError",
        message: expect.stringContaining("Expected a relationship, a model, an alias or a subquery"),
      }),
    );
    expect(() => User.query.join(Role, 3 as never)).toThrow(
      error({ name: "ArgumentError", message: expect.stringContaining("Expected a condition in join()") }),
    );
    expect(sent()).toHaveLength(before);
  });

  it("Q-12: the same path twice is joined once", async () => {
    const { User, outcome } = fixture;
    const query = User.query.join("role").filterBy({ name: "User" }).resetJoinpoint().join("role").filterBy({ id: 3 });
    expect(await outcome(query.all())).toEqual([
      "SELECT users.* FROM users JOIN roles ON roles.id = users.role_id WHERE roles.name = ? AND roles.id = ?",
      ["User", 3],
      [2, 3],
    ]);
  });

  it("Q-12: a table joins itself under an alias", async () => {
    const { Node, outcome } = fixture;
    expect(() => Node.query.join(Node.c.children)).toThrow(
      error({
        name: "InvalidRequestError",
        message: "Can't construct a join from Node to Node, they are the same entity.",
        hint: expect.stringContaining("aliased("),
      }),
    );
    const child = aliased(Node, "child");
    const query = Node.query.join(Node.c.children, child).filter(child.c.name.eq("leaf"));
    expect(await outcome(query.all())).toEqual([
      "SELECT nodes.* FROM nodes JOIN nodes AS child ON nodes.id = child.parent_id WHERE child.name = ?",
      ["leaf"],
      [2],
    ]);
    const unnamed = aliased(Node);
    const other = Node.query.join(unnamed, Node.c.parent).filterBy({ name: "root" });
    expect(await outcome(other.all())).toEqual([
      "SELECT nodes.* FROM nodes JOIN nodes AS nodes_1 ON nodes_1.id = nodes.parent_id WHERE nodes_1.name = ?",
      ["root"],
      [2, 3],
    ]);
    const [first, second] = [aliased(Node), aliased(Node)];
    const twice = Node.query.join(Node.c.parent, first).join(first.c.parent, second).filter(second.c.name.eq("root"));
    expect(await outcome(twice.all())).toEqual([
      "SELECT nodes.* FROM nodes JOIN nodes AS nodes_1 ON nodes_1.id = nodes.parent_id " +
        "JOIN nodes AS nodes_2 ON nodes_2.id = nodes_1.parent_id WHERE nodes_2.name = ?",
      ["root"],
      [4],
    ]);
  });

  it("Q-12: a many-to-many relationship is two joins, and a path goes on from the last", async () => {
    const { Item, Keyword, outcome } = fixture;
    expect(await outcome(Item.query.join(Item.c.keywords).filter(Keyword.c.word.eq("home")).all())).toEqual([
      "SELECT items.* FROM items JOIN item_keywords ON items.id = item_keywords.item_id " +
        "JOIN keywords ON keywords.id = item_keywords.keyword_id WHERE keywords.word = ?",
      ["home"],
      [1, 2],
    ]);
    const [outer, ...rest] = await outcome(
      Item.query.outerjoin(Item.c.keywords).filter(Keyword.c.id.isNull()).withEntities(Item.c.title).all(),
    );
    expect(outer).toMatch(/^SELECT items\.title FROM items LEFT OUTER JOIN .* WHERE keywords\.id IS NULL$/);
    expect(outer).not.toMatch(/(?<!OUTER) JOIN/);
    expect(rest).toEqual([[], [["thing"]]]);
    const { Role, User } = fixture;
    const back = aliased(Role, "again");
    const path = Role.query.join("users").join(User.c.role, back).filter(back.c.name.eq("User"));
    expect(await outcome(path.all())).toEqual([
      "SELECT roles.* FROM roles JOIN users ON roles.id = users.role_id JOIN roles AS again ON again.id = users.role_id " +
        "WHERE again.name = ?",
      ["User"],
      [3],
    ]);
  });

  it("Q-12: a table that is there already is refused, and a source that is not", () => {
    const { User, Role, Item } = fixture;
    expect(() => User.query.join("role").join(Role, User.c.id.eq(Role.c.id))).toThrow(
      error({ name: "InvalidRequestError", message: expect.stringContaining("part of the query already") }),
    );
    expect(() => User.query.join(Item.c.keywords)).toThrow(
      error({ name: "InvalidRequestError", message: expect.stringContaining("Item is not part of the query") }),
    );
  });

  it("Q-13: a join that multiplies rows gives each object once, and count() counts the rows", async () => {
    const { Role, User, outcome } = fixture;
    const query = Role.query.join("users");
    const sql = "SELECT roles.* FROM roles JOIN users ON roles.id = users.role_id";
    expect(await outcome(query.all())).toEqual([sql, [], [1, 2, 3]]);
    expect(await outcome(query.count())).toEqual([`SELECT count(*) AS count FROM (${sql}) AS anon_1`, [], 4]);
    const columns = query.withEntities(Role.c.name).orderBy(Role.c.id);
    expect(await outcome(columns.all())).toEqual([
      "SELECT roles.name FROM roles JOIN users ON roles.id = users.role_id ORDER BY roles.id",
      [],
      [["Administrator"], ["Moderator"], ["User"], ["User"]],
    ]);
    // Rows of an object and something else are rows of columns.
    expect((await query.addColumns(User.c.id).all()).length).toBe(4);
  });

  it("Q-13: the same object is given once after LIMIT was counted", async () => {
    const { Role, User, outcome } = fixture;
    const query = Role.query.join("users").orderBy(User.c.id.desc()).filter(User.c.id.lt(5)).limit(2);
    const sql =
      "SELECT roles.* FROM roles JOIN users ON roles.id = users.role_id WHERE users.id < ? ORDER BY users.id DESC LIMIT ?";
    expect(await outcome(query.all())).toEqual([sql, [5, 2], [3]]);
    expect(await outcome(query.count())).toEqual([`SELECT count(*) AS count FROM (${sql}) AS anon_1`, [5, 2], 2]);
    expect(await outcome(query.limit(3).all())).toEqual([sql, [5, 3], [3, 1]]);
    expect(await outcome(query.one())).toEqual([sql, [5, 2], 3]);
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
    const { User, outcome } = fixture;
    const a = User.query.filter(User.c.id.le(3));
    const b = User.query.filter(User.c.id.ge(3));
    const union = a.union(b);
    const [of, and] = [
      "SELECT users.* FROM users WHERE users.id <= ?",
      "SELECT users.* FROM users WHERE users.id >= ?",
    ];
    const table = (word: string): string => `(${of} ${word} ${and}) AS anon_1`;
    expect(sqlOf(union.filterBy({ active: true }).orderBy("username").limit(2))).toBe(
      'SELECT anon_1.id, anon_1.username, anon_1.age, anon_1.active, anon_1.role_id AS "roleId" FROM (' +
        "SELECT users.id, users.username, users.age, users.active, users.role_id FROM users WHERE users.id <= ? UNION " +
        "SELECT users.id, users.username, users.age, users.active, users.role_id FROM users WHERE users.id >= ?" +
        ") AS anon_1 WHERE anon_1.active = ? ORDER BY anon_1.username LIMIT ?",
    );
    const combined: [string, Query<UserModel>, number[]][] = [
      ["UNION", union, [1, 2, 3, 4, 5]],
      ["UNION ALL", a.unionAll(b), [1, 2, 3, 4, 5]],
      ["INTERSECT", a.intersect(b), [3]],
      ["EXCEPT", a.except(b), [1, 2]],
    ];
    for (const [word, query, found] of combined)
      expect(await outcome(query.all())).toEqual([`SELECT anon_1.* FROM ${table(word)}`, [3, 3], found]);
    expect(await union.count()).toBe(5);
    expect(await a.unionAll(b).count()).toBe(6);
    expect(await outcome(union.filterBy({ active: true }).orderBy("username").limit(2).all())).toEqual([
      `SELECT anon_1.* FROM ${table("UNION")} WHERE anon_1.active = ? ORDER BY anon_1.username LIMIT ?`,
      [3, 3, 1, 2],
      [4, 1],
    ]);
    expect(await outcome(union.join("role").filterBy({ name: "User" }).all())).toEqual([
      `SELECT anon_1.* FROM ${table("UNION")} JOIN roles ON roles.id = anon_1.role_id WHERE roles.name = ?`,
      [3, 3, "User"],
      [2, 3],
    ]);
    const [user] = await union.all();
    expect(user).toBeInstanceOf(User);
  });

  it("Q-20: parts of a union may be ordered, bounded and unions themselves", async () => {
    const { User, outcome } = fixture;
    const last = User.query.orderBy(User.c.id.desc()).limit(1);
    const first = User.query.orderBy("id").limit(1);
    const part = (direction: string, n: number): string =>
      `SELECT * FROM (SELECT users.* FROM users ORDER BY users.id${direction} LIMIT ?) AS anon_${n}`;
    expect(await outcome(first.union(last).all())).toEqual([
      expect.stringContaining(`(${part("", 2)} UNION ${part(" DESC", 3)}) AS anon_1`),
      [1, 1],
      [1, 5],
    ]);
    expect(
      await ids(
        first
          .union(last)
          .union(User.query.filterBy({ id: 3 }))
          .except(last),
      ),
    ).toEqual([1, 3]);
    expect(await outcome(User.query.filterBy({ id: 2 }).union(first, last).all())).toEqual([
      expect.stringContaining(
        `(SELECT users.* FROM users WHERE users.id = ? UNION ${part("", 2)} UNION ${part(" DESC", 3)}) AS anon_1`,
      ),
      [2, 1, 1],
      [1, 2, 5],
    ]);
    expect(await outcome(first.union(last).orderBy(User.c.id.desc()).limit(1).all())).toEqual([
      expect.stringMatching(/ AS anon_1 ORDER BY anon_1\.id DESC LIMIT \?$/),
      [1, 1, 1],
      [5],
    ]);
    expect(User.query.union().sql).toBe(User.query.sql);
  });

  it("Q-20: unions of columns keep their labels", async () => {
    const { User, Role, outcome } = fixture;
    const names = User.query.withEntities(User.c.username.label("name"), User.c.id);
    const roles = Role.query.withEntities(Role.c.name, Role.c.id);
    const union = names.union(roles).orderBy("name");
    expect((await union.all()).map((row) => row.name)).toHaveLength(9);
    const query = union.filter(User.c.id.lt(2));
    const [sql, parameters, rows] = await outcome(query.all());
    expect(sql).toBe(
      "SELECT anon_1.name, anon_1.id FROM (SELECT users.username AS name, users.id FROM users UNION " +
        "SELECT roles.name, roles.id FROM roles) AS anon_1 WHERE anon_1.id < ? ORDER BY name",
    );
    expect(parameters).toEqual([2]);
    expect(rows).toEqual([
      ["Administrator", 1],
      ["john", 1],
    ]);
    expect((await query.all()).map((row) => `${row.name} ${row.id}`)).toEqual(["Administrator 1", "john 1"]);
    expect(() => User.query.union(names as never)).toThrow(
      error({ name: "ArgumentError", message: expect.stringContaining("they select 5 and 2 columns") }),
    );
    expect(() => User.query.union(3 as never)).toThrow(
      error({ name: "ArgumentError", message: expect.stringContaining("Expected queries to combine") }),
    );
  });
});
