import { inspect } from "node:util";
import { expect, it } from "vitest";
import { aliased, desc, func, literal, nullsFirst, nullsLast, text } from "../../src/query/expressions";
import { joined } from "../../src/query/load-options";
import { Query } from "../../src/query/query";
import type { RunnableQuery } from "../../src/query/runnable-query";
import { describeQueries, sqlOf, tailOf } from "./fixture";

const names = (users: readonly { username: string }[]): string[] => users.map((user) => user.username);

describeQueries("Query", (fixture) => {
  it("Q-1: a builder gives a new query and leaves the receiver as it is", async () => {
    const { User } = fixture;
    const all = User.query;
    const before = String(all);
    const one = all.filterBy({ username: "john" });
    expect(one).not.toBe(all);
    expect(String(all)).toBe(before);
    expect(await all.count()).toBe(5);
    expect(await one.count()).toBe(1);
    expect(await all.count()).toBe(5);
  });

  it("Q-1: running a query again sends it again, and each look at Model.query gives a fresh one", async () => {
    const { User, sent } = fixture;
    const query = User.query.limit(1);
    await query.all();
    await query.all();
    expect(sent()).toHaveLength(2);
    expect(sent()[0]).toBe(sent()[1]);
    expect(User.query).not.toBe(User.query);
  });

  it("is no promise: awaiting it gives the query", async () => {
    const { User, sent } = fixture;
    const query = User.query;
    expect(await (query as unknown as Promise<unknown>)).toBe(query);
    expect(sent()).toEqual([]);
  });

  it("Q-2: after a bound, what would change the rows below it is refused", () => {
    const { User, Role } = fixture;
    for (const bounded of [User.query.limit(1), User.query.offset(1)]) {
      const refused: [string, () => unknown][] = [
        ["filter", () => bounded.filter(User.c.id.eq(1))],
        ["filter", () => bounded.filterBy({ id: 1 })],
        ["where", () => bounded.where(User.c.id.eq(1))],
        ["orderBy", () => bounded.orderBy("id")],
        ["orderBy", () => bounded.orderBy(null)],
        ["groupBy", () => bounded.groupBy("id")],
        ["having", () => bounded.having(User.c.id.eq(1))],
        ["join", () => bounded.join("role")],
        ["join", () => bounded.outerjoin("role")],
        ["selectFrom", () => bounded.selectFrom(Role)],
        ["withParent", () => bounded.withParent(new Role({ name: "x" }))],
      ];
      for (const [method, call] of refused) {
        expect(call, method).toThrow(
          `Query.${method}() being called on a Query which already has LIMIT or OFFSET applied. ` +
            `Call ${method}() before limit() or offset() are applied.`,
        );
      }
    }
  });

  it("Q-2: after a bound, what leaves the rows alone is allowed", async () => {
    const { User } = fixture;
    const bounded = User.query.orderBy("id").limit(3);
    expect(await bounded.distinct().all()).toHaveLength(3);
    expect(await bounded.limit(2).offset(1).all()).toHaveLength(2);
    expect(await bounded.slice(0, 1).all()).toHaveLength(1);
    expect(await bounded.options().all()).toHaveLength(3);
    expect(await bounded.withEntities(User.c.id).all()).toHaveLength(3);
    expect(await bounded.addColumns(User.c.age.label("years")).all()).toHaveLength(3);
    expect(await bounded.union(User.query.filterBy({ id: 5 })).all()).toHaveLength(4);
    expect(await bounded.count()).toBe(3);
    expect((await bounded.first())?.id).toBe(1);
    expect((await bounded.limit(1).one()).id).toBe(1);
    expect(await bounded.populateExisting().yieldPer(2).all()).toHaveLength(3);
    expect(bounded.exists()).toBeDefined();
    expect(bounded.subquery()).toBeDefined();
  });

  it("Q-3: the last bound counts, null takes it away, zero is a bound", async () => {
    const { User } = fixture;
    const query = User.query.orderBy("id");
    expect((await query.limit(1).limit(2).all()).length).toBe(2);
    expect((await query.limit(1).limit(null).all()).length).toBe(5);
    expect(await query.limit(0).all()).toEqual([]);
    expect(String(query.limit(0))).toMatch(/ LIMIT 0$/);
    expect((await query.offset(3).all()).map((user) => user.id)).toEqual([4, 5]);
    expect((await query.limit("2").offset("1").all()).map((user) => user.id)).toEqual([2, 3]);
    expect((await query.offset(3).offset(null).all()).length).toBe(5);
  });

  it("Q-3: slice counts within the bounds that are there", async () => {
    const { User } = fixture;
    const query = User.query.orderBy("id");
    const bounds = (of: RunnableQuery): unknown => /LIMIT .*$/.exec(of.sql)?.[0] ?? /OFFSET .*$/.exec(of.sql)?.[0];
    expect(bounds(query.slice(2, 5).slice(1, 2))).toBe("LIMIT 1 OFFSET 3");
    expect(bounds(query.slice(0, 2))).toBe("LIMIT 2");
    expect((await query.slice(2, 4).slice(1, 9).all()).map((user) => user.id)).toEqual([4]);
    expect((await query.slice(3).all()).map((user) => user.id)).toEqual([4, 5]);
    expect(await query.slice(3, 3).all()).toEqual([]);
  });

  it.each([-1, NaN, 1.5, "1.5", "abc", "", " ", "1; DROP TABLE users", undefined, Infinity, true, {}, []])(
    "Q-3: %j is refused as a bound when it is given",
    (value) => {
      const { User } = fixture;
      expect(() => User.query.limit(value as number)).toThrow(/Expected a whole number from 0 up in limit\(\)/);
      expect(() => User.query.offset(value as number)).toThrow(/Expected a whole number from 0 up in offset\(\)/);
    },
  );

  it("Q-4: filterBy takes equals of the first model, all of which hold", async () => {
    const { User } = fixture;
    const query = User.query.filterBy({ active: true, age: 25 });
    expect(tailOf(query)).toBe("users WHERE users.active = ? AND users.age = ?");
    expect(names(await query.all())).toEqual(["susan"]);
    expect(User.query.filterBy({}).sql).toBe(User.query.sql);
    expect(User.query.filter().sql).toBe(User.query.sql);
  });

  it("Q-4: filterBy speaks of the model that was joined last, until resetJoinpoint", async () => {
    const { User } = fixture;
    const query = User.query.join("role").filterBy({ name: "User" }).resetJoinpoint().filterBy({ username: "susan" });
    expect(tailOf(query)).toBe(
      "users JOIN roles ON roles.id = users.role_id WHERE roles.name = ? AND users.username = ?",
    );
    expect(names(await query.all())).toEqual(["susan"]);
  });

  it("Q-4: an unknown name is refused when it is given, and the nearest one named", () => {
    const { User, Role } = fixture;
    expect(() => Role.query.filterBy({ nope: 1 } as object)).toThrow(
      'Entity namespace for "roles" has no property "nope"',
    );
    const near = (): unknown => User.query.filterBy({ usernme: "x" } as object);
    expect(near).toThrow(expect.objectContaining({ hint: 'did you mean "username"?' }) as Error);
    expect(() => User.query.join("role").filterBy({ username: "x" } as object)).toThrow(
      '"roles" has no property "username"',
    );
  });

  it("Q-5: null is IS NULL; undefined and arrays are refused; values follow the column's type", async () => {
    const { User } = fixture;
    expect(tailOf(User.query.filterBy({ age: null }))).toBe("users WHERE users.age IS NULL");
    expect(names(await User.query.filterBy({ age: null }).all())).toEqual(["david"]);
    expect(() => User.query.filterBy({ age: undefined })).toThrow(/Cannot use undefined as the value of "age"/);
    expect(() => User.query.filterBy({ age: [1, 2] } as object)).toThrow(/array/);
    expect(names(await User.query.filterBy({ id: "2" } as object).all())).toEqual(["susan"]);
    expect(() => User.query.filterBy({ id: "abc" } as object)).toThrow("Expected a whole number for User.id");
  });

  it("Q-8: conditions of one call and of several all hold", async () => {
    const { User } = fixture;
    const query = User.query.filter(User.c.id.gt(1), User.c.id.lt(5)).filter(User.c.active.eq(true));
    expect(tailOf(query)).toBe("users WHERE users.id > ? AND users.id < ? AND users.active = ?");
    expect(names(await query.orderBy("id").all())).toEqual(["susan", "amy"]);
  });

  it("Q-8: what is no condition is refused", () => {
    const { User } = fixture;
    expect(() => User.query.filter("id=1" as unknown as object)).toThrow(
      "Textual SQL expression 'id=1' should be explicitly declared as text('id=1')",
    );
    for (const value of [true, false, null, undefined, 1]) {
      expect(() => User.query.filter(value as unknown as object)).toThrow(/Expected conditions in filter\(\)/);
    }
    expect(() => (User.c.id as unknown as number) < 1).toThrow(/has no value in JavaScript/);
    expect(() => User.query.filter(User.query)).toThrow(
      expect.objectContaining({ hint: "query.exists() is a condition" }) as Error,
    );
  });

  it("Q-11: orders by columns, names and labels, in the order of the calls", async () => {
    const { User } = fixture;
    const query = User.query.orderBy(User.c.active.desc()).orderBy("age", desc("id"));
    expect(tailOf(query)).toBe("users ORDER BY users.active DESC, users.age, users.id DESC");
    expect((await query.filter(User.c.age.isNotNull()).all()).map((user) => user.id)).toEqual([2, 1, 4, 5]);
    const labelled = User.query.withEntities(User.c.id, User.c.age.add(1).label("next")).orderBy(desc("next"), "id");
    expect(sqlOf(labelled)).toMatch(/ ORDER BY next DESC, users\.id$/);
    expect((await labelled.filter(User.c.age.isNotNull()).all()).map((row) => row.next)).toEqual([42, 31, 26, 26]);
  });

  it("Q-11: other ways to write an order are told in ours", () => {
    const { User } = fixture;
    const told: [unknown, string][] = [
      ["age DESC", 'desc("age")'],
      ["-age", 'desc("age")'],
      ["age asc", '"age"'],
      [["age", "DESC"], 'orderBy(desc("age"))'],
      [["age"], 'orderBy("age")'],
      [[User.c.age], "orderBy(...terms)"],
      [User.c.role, "order by a column: Role.c.…, joined before"],
      [null, "orderBy(null) alone forgets the order"],
    ];
    for (const [term, hint] of told)
      expect(() => User.query.orderBy("id", term as string)).toThrow(expect.objectContaining({ hint }) as Error);
  });

  it("Q-11: null or false forgets the order, and a new one begins", () => {
    const { User } = fixture;
    const ordered = User.query.orderBy("age");
    expect(ordered.orderBy(null).sql).toBe(User.query.sql);
    expect(ordered.orderBy(false).orderBy("id").sql).toMatch(/ORDER BY users\.id$/);
    const grouped = User.query.withEntities(func.count()).groupBy("age");
    expect(grouped.groupBy(null).sql).not.toMatch(/GROUP BY/);
  });

  it("Q-11: rows with NULL come first or last on every database", async () => {
    const { User } = fixture;
    const ids = async (query: RunnableQuery<{ id: number }>): Promise<number[]> =>
      (await query.all()).map((user) => user.id);
    expect((await ids(User.query.orderBy(User.c.age.nullsFirst(), "id"))).slice(0, 2)).toEqual([3, 2]);
    expect((await ids(User.query.orderBy(User.c.age.desc().nullsFirst())))[0]).toBe(3);
    expect((await ids(User.query.orderBy(User.c.age.asc().nullsLast()))).at(-1)).toBe(3);
    expect((await ids(User.query.orderBy(nullsLast(User.c.age.desc())))).at(-1)).toBe(3);
    expect((await ids(User.query.orderBy(nullsFirst("age"))))[0]).toBe(3);
    const label = User.query.withEntities(User.c.id, User.c.age.add(0).label("n")).orderBy(nullsLast(desc("n")));
    expect((await label.all()).at(-1)?.n).toBeNull();
  });

  it.each(["username desc", "1", "id; DROP TABLE users", "users.id", "id--", '"id"', ""])(
    "Q-11: %j is no name to order or group by, and never SQL",
    (name) => {
      const { User } = fixture;
      expect(() => User.query.orderBy(name)).toThrow(/not the name of an attribute or label|has no property/);
      expect(() => User.query.groupBy(name)).toThrow(/not the name of an attribute or label|has no property/);
    },
  );

  it("Q-11: groups by columns, names and labels, and takes conditions on groups", async () => {
    const { User } = fixture;
    const query = User.query
      .withEntities(User.c.active, func.count().label("n"))
      .groupBy(User.c.active)
      .having(func.count().gt(2))
      .orderBy("n");
    expect(sqlOf(query)).toBe(
      "SELECT users.active, count(*) AS n FROM users GROUP BY users.active HAVING count(*) > ? ORDER BY n",
    );
    expect((await query.all()).map((row) => [...row])).toEqual([[true, 3]]);
    const initial = func.lower(User.c.username).concat("!").label("name");
    const grouped = User.query.withEntities(initial, func.count().label("n")).groupBy(initial).orderBy("name");
    expect((await grouped.all())[0]?.name).toBe("amy!");
    expect(await grouped.count()).toBe(5);
    expect((await User.query.withEntities(initial).groupBy("name").all()).length).toBe(5);
  });

  it("Q-11: a label by which is grouped counts before a column of that name", async () => {
    const { User, Role } = fixture;
    const length = func.length(User.c.username).label("username");
    const query = User.query.withEntities(length, func.count().label("n")).groupBy("username").orderBy("username");
    expect(sqlOf(query)).toBe(
      "SELECT length(users.username) AS username, count(*) AS n FROM users GROUP BY 1 ORDER BY username",
    );
    expect((await query.all()).map((row) => [...row])).toEqual([
      [3, 1],
      [4, 1],
      [5, 2],
      [9, 1],
    ]);
    const joined = User.query
      .join(User.c.role)
      .withEntities(User.c.id.gt(1).label("name"), func.count().label("n"))
      .groupBy("name")
      .orderBy("n");
    expect((await joined.all()).map((row) => [...row])).toEqual([
      [false, 1],
      [true, 3],
    ]);
    const both = Role.query.withEntities(Role.c.name.label("a"), func.count().label("n")).groupBy("a");
    const union = both.union(both).groupBy("a").withEntities(func.count().label("n"));
    expect(await union.count()).toBe(4);
  });

  it("Q-14: rows of columns are frozen tuples with labels", async () => {
    const { User } = fixture;
    const query = User.query
      .withEntities(User.c.id, User.c.username, func.upper(User.c.username).label("loud"))
      .orderBy("id");
    const [row] = await query.all();
    expect(row?.[0]).toBe(1);
    expect(row?.username).toBe("john");
    expect(row?.loud).toBe("JOHN");
    expect([...(row ?? [])]).toEqual([1, "john", "JOHN"]);
    expect(row?.keys()).toEqual(["id", "username", "loud"]);
    expect(Object.isFrozen(row)).toBe(true);
    expect(JSON.stringify(row)).toBe('{"id":1,"username":"john","loud":"JOHN"}');
    const [id, username] = row ?? [];
    expect([id, username]).toEqual([1, "john"]);
    const [single] = await User.query.withEntities(User.c.id).orderBy("id").all();
    expect([...(single ?? [])]).toEqual([1]);
    expect(() => User.query.withEntities()).toThrow(/withEntities\(\) needs at least one column/);
  });

  it("Q-14: a label may be any name", async () => {
    const { User } = fixture;
    for (const name of ["__proto__", "constructor", "length", "a\"b`c'; --", "with space", "Ünï"]) {
      const [row] = await User.query.withEntities(User.c.id.label(name)).orderBy("id").all();
      expect([row?.[0], row?.keys()], name).toEqual([1, [name]]);
    }
  });

  it("Q-14: models, columns and expressions stand side by side in a row", async () => {
    const { User, Role, executor } = fixture;
    const query = Query.of(() => executor, User, Role.c.name, literal(7).label("seven"))
      .filter(User.c.roleId.eq(Role.c.id))
      .orderBy(User.c.id);
    const [row] = await query.all();
    expect(row?.[0]).toBeInstanceOf(User);
    expect(row?.name).toBe("Administrator");
    expect(row?.seven).toBe(7);
    expect(tailOf(query)).toBe("users, roles WHERE users.role_id = roles.id ORDER BY users.id");
    const [added] = await User.query.addColumns(User.c.age.label("years")).orderBy("id").all();
    expect(added?.[0]).toBeInstanceOf(User);
    expect(added?.years).toBe(30);
  });

  it("Q-14: columns of the same name in one row keep their own values", async () => {
    const { User, Role, executor } = fixture;
    const query = Query.of(() => executor, User.c.id, Role.c.id, User, Role).filter(
      User.c.roleId.eq(Role.c.id),
      User.c.id.eq(2),
    );
    const row = await query.one();
    expect([row[0], row[1]]).toEqual([2, 3]);
    expect([row[2].username, row[3].name]).toEqual(["susan", "User"]);
  });

  it("Q-15: all, first, one, oneOrNone and scalar", async () => {
    const { User, sent } = fixture;
    const none = User.query.filterBy({ id: 99 });
    expect(await none.all()).toEqual([]);
    expect(await none.first()).toBeNull();
    expect(await none.oneOrNone()).toBeNull();
    expect(await none.scalar()).toBeNull();
    await expect(none.one()).rejects.toThrow("No row was found when one was required");
    await expect(User.query.one()).rejects.toThrow("Multiple rows were found when exactly one was required");
    await expect(User.query.oneOrNone()).rejects.toThrow("Multiple rows were found when one or none was required");
    await expect(User.query.scalar()).rejects.toThrow("Multiple rows were found when exactly one was required");
    expect((await User.query.filterBy({ id: 2 }).one()).username).toBe("susan");
    expect(await User.query.filterBy({ id: 2 }).withEntities(User.c.username, User.c.id).scalar()).toBe("susan");
    expect(sent().at(-1)).not.toMatch(/LIMIT/);
  });

  it("Q-15: first() sets LIMIT 1, keeps OFFSET, and respects LIMIT 0", async () => {
    const { User, sent } = fixture;
    const query = User.query.orderBy("id");
    expect((await query.limit(4).offset(2).first())?.id).toBe(3);
    expect(sent().at(-1)).toMatch(/LIMIT \? OFFSET \?$/);
    expect(fixture.executor.sent.at(-1)?.parameters).toEqual([1, 2]);
    expect(await query.limit(0).first()).toBeNull();
  });

  it("Q-16: get looks up by key and refuses a query that says more", async () => {
    const { User } = fixture;
    expect((await User.query.get(2))?.username).toBe("susan");
    expect((await User.query.get("2"))?.username).toBe("susan");
    expect(await User.query.get("abc")).toBeNull();
    expect((await User.query.orderBy("id").distinct().get(1))?.username).toBe("john");
    const criteria = [
      User.query.filterBy({ id: 1 }),
      User.query.join("role"),
      User.query.groupBy("id"),
      User.query.limit(1),
      User.query.selectFrom(User),
    ];
    for (const query of criteria) {
      await expect(query.get(1)).rejects.toThrow("Query.get() being called on a Query with existing criterion.");
    }
    await expect(User.query.withEntities(User.c.id).get(1)).rejects.toThrow(/single mapped class/);
  });

  it("Q-17: count() counts the rows of the query as it is, as a number", async () => {
    const { User, sent } = fixture;
    expect(await User.query.orderBy("id").count()).toBe(5);
    expect(sent().at(-1)).toMatch(/^SELECT count\(\*\) AS count FROM \(SELECT .* FROM users\) AS anon_1$/);
    expect(await User.query.orderBy("id").limit(3).offset(3).count()).toBe(2);
    expect(await User.query.withEntities(User.c.age).distinct().count()).toBe(4);
    expect(await User.query.withEntities(User.c.age).groupBy("age").count()).toBe(4);
    expect(await User.query.join("role").count()).toBe(4);
  });

  it("Q-18: exists() is a condition, and a boolean when it is selected", async () => {
    const { User, Role, executor } = fixture;
    const john = User.query.filterBy({ username: "john" });
    expect(await Query.of(() => executor, john.exists()).scalar()).toBe(true);
    expect(await Query.of(() => executor, User.query.filterBy({ id: 99 }).exists()).scalar()).toBe(false);
    const query = Role.query.filter(User.query.filter(User.c.roleId.eq(Role.c.id), User.c.active.eq(true)).exists());
    expect(tailOf(query)).toBe(
      "roles WHERE EXISTS (SELECT 1 FROM users WHERE users.role_id = roles.id AND users.active = ?)",
    );
    expect((await query.orderBy("id").all()).map((role) => role.id)).toEqual([1, 3]);
    expect(await Query.of(() => executor, User.query.orderBy("id").limit(3).offset(9).exists()).scalar()).toBe(false);
    expect(await Query.of(() => executor, User.query.limit(0).exists()).scalar()).toBe(false);
  });

  it("Q-19: distinct() gives equal rows once and may order by what is not selected", async () => {
    const { User } = fixture;
    const query = User.query.withEntities(User.c.age).distinct().orderBy(User.c.age.nullsLast());
    expect((await query.all()).map((row) => row.age)).toEqual([25, 30, 41, null]);
    const ordered = User.query.withEntities(User.c.active).distinct().orderBy(User.c.id);
    expect(sqlOf(ordered)).toBe("SELECT DISTINCT users.active, users.id AS order_1 FROM users ORDER BY order_1");
    expect((await ordered.all()).map((row) => [...row])).toEqual([[true], [true], [false], [true], [false]]);
    expect(await ordered.count()).toBe(5);
  });

  it("Q-19: a column that distinct() only orders by is no column of a value, a list or a part of a union", async () => {
    const { User, Role } = fixture;
    const roles = User.query.filter(User.c.roleId.isNotNull()).withEntities(User.c.roleId).distinct();
    const byName = roles.orderBy(User.c.username);
    const inAll = User.query.filter(User.c.roleId.in(byName)).orderBy("id");
    expect(tailOf(inAll)).toBe(
      "users WHERE users.role_id IN (SELECT DISTINCT users.role_id FROM users WHERE users.role_id IS NOT NULL) ORDER BY users.id",
    );
    expect(names(await inAll.all())).toEqual(["john", "susan", "david", "per_cent%"]);
    const inSome = User.query.filter(User.c.roleId.in(byName.limit(2))).orderBy("id");
    expect(tailOf(inSome)).toContain(
      '(SELECT anon_1."roleId" FROM (SELECT DISTINCT users.role_id AS "roleId", users.username AS order_1 FROM users ' +
        "WHERE users.role_id IS NOT NULL ORDER BY users.username LIMIT ?) AS anon_1)",
    );
    expect(names(await inSome.all())).toEqual(["john", "susan", "david"]);
    const least = Role.query.withEntities(byName.limit(1).scalarSubquery().label("first")).limit(1);
    expect((await least.all()).map((row) => row.first)).toEqual([3]);
    const union = byName.limit(2).union(Role.query.filterBy({ id: 4 }).withEntities(Role.c.id.label("roleId")));
    expect((await union.all()).map((row) => row[0]).sort()).toEqual([1, 3, 4]);
  });

  it("Q-19: distinct(column) is PostgreSQL's DISTINCT ON", async () => {
    const { User, database } = fixture;
    if (database !== "postgres") {
      expect(() => User.query.distinct("age")).toThrow(/DISTINCT ON is not supported/);
      return;
    }
    const query = User.query.distinct(User.c.age).orderBy("age", desc("id"));
    expect(sqlOf(query)).toMatch(/^SELECT DISTINCT ON \(users\.age\) users\.id/);
    expect((await query.all()).map((user) => user.id)).toEqual([5, 1, 4, 3]);
    expect(await query.count()).toBe(4);
  });

  it("Q-25: shows its SQL without running it, with literals or with parameters", () => {
    const { User, database, sent } = fixture;
    const query = User.query.filterBy({ username: "o'hara", active: true }).orderBy("id").limit(2);
    const literals = database === "postgres" || database === "mariadb" ? "true" : "1";
    const active = database === "mariadb" ? "1" : literals;
    expect(String(query)).toBe(
      `SELECT users.id, users.username, users.age, users.active, users.role_id AS ${database === "mariadb" ? "`roleId`" : '"roleId"'} ` +
        `FROM users WHERE users.username = 'o''hara' AND users.active = ${active} ORDER BY users.id LIMIT 2`,
    );
    expect(`${query as unknown as string}`).toBe(query.sql);
    expect(inspect(query)).toBe(`<Query ${query.sql}>`);
    expect(query.toSQL().parameters).toEqual(["o'hara", database === "postgres" ? true : 1, 2]);
    expect(sqlOf(query)).toMatch(/WHERE users\.username = \? AND users\.active = \? ORDER BY users\.id LIMIT \?$/);
    expect(sent()).toEqual([]);
    expect(() => Number(query)).toThrow(/A query has no value in JavaScript/);
  });

  it("Q-25: needs no executor to show its SQL, and says so when it is run", async () => {
    const { User } = fixture;
    const query = Query.of(() => undefined, User).filterBy({ id: 1 });
    expect(query.sql).toMatch(/WHERE users\.id = 1$/);
    await expect(query.all()).rejects.toThrow("Cannot run this query: it belongs to no session.");
  });

  it("Q-25: what is shown is what is sent", async () => {
    const { User, executor } = fixture;
    const query = User.query
      .filter(User.c.age.between(20, 40), text("users.id > :least", { least: 1 }))
      .orderBy("id")
      .offset(0);
    const { sql, parameters } = query.toSQL();
    await query.all();
    expect(executor.sent.at(-1)).toMatchObject({ sql, parameters });
  });

  it("Q-26: withForUpdate() locks where the database can", async () => {
    const { User, database } = fixture;
    const query = User.query.filterBy({ id: 1 }).withForUpdate();
    expect(query.sql.endsWith(" FOR UPDATE")).toBe(database !== "sqlite");
    expect(await query.all()).toHaveLength(1);
    expect(await query.count()).toBe(1);
  });

  it("Q-26: withForUpdate() locks the query's own rows beside those that are joined for loading", async () => {
    const { Role, User, database } = fixture;
    const bounded = Role.query.options(joined("users")).orderBy("id").limit(1).withForUpdate();
    const lock = database === "sqlite" ? "" : " FOR UPDATE";
    expect(sqlOf(bounded)).toContain(`FROM roles ORDER BY roles.id LIMIT ?${lock}) AS anon_1 LEFT OUTER JOIN`);
    expect(sqlOf(bounded)).not.toMatch(/FOR UPDATE$/);
    expect(await bounded.all()).toHaveLength(1);
    const only = database === "postgres" ? " OF users" : "";
    const beside = User.query.options(joined("role")).withForUpdate();
    expect(sqlOf(beside).endsWith(`role_id${lock}${lock && only}`)).toBe(true);
    expect(await beside.all()).toHaveLength(5);
    const own = User.query.join("role").outerjoin("users", aliased(User)).withForUpdate();
    expect(sqlOf(own).endsWith(database === "postgres" ? " FOR UPDATE OF users, roles" : lock)).toBe(true);
    expect(await own.all()).toHaveLength(4);
  });

  it("Q-26: withForUpdate() locks the rows of the parts of a union", async () => {
    const { User, Role, database } = fixture;
    const lock = database === "sqlite" ? "" : " FOR UPDATE";
    const locks = (query: { sql: string }): number => query.sql.split(" FOR UPDATE").length - 1;
    const [one, two] = [User.query.filterBy({ id: 1 }), User.query.filterBy({ id: 2 })];
    const part = one.withForUpdate().union(two);
    expect(sqlOf(part)).toContain(`WHERE users.id = ?${lock}`);
    expect(locks(part)).toBe(lock ? 1 : 0);
    expect(await part.all()).toHaveLength(2);
    for (const whole of [
      one.union(two).withForUpdate(),
      one.union(two).union(two.limit(1)).withForUpdate(),
      one.unionAll(two).options(joined("role")).limit(2).withForUpdate(),
      one.union(two).join("role").withForUpdate(),
      one.union(two).outerjoin(Role, Role.c.id.eq(User.c.roleId)).withForUpdate(),
    ]) {
      expect(locks(whole) >= 2).toBe(lock !== "");
      expect((await whole.all()).length).toBeGreaterThanOrEqual(1);
      expect(await whole.count()).toBeGreaterThanOrEqual(1);
    }
    await one.union(two).withForUpdate().count();
    expect(fixture.executor.sent.at(-1)?.sql).not.toContain("FOR UPDATE");
  });

  it("passes on whether to flush first, and whether to overwrite what is loaded", async () => {
    const { User, executor } = fixture;
    let flushes = 0;
    executor.onAutoflush = () => void flushes++;
    await User.query.all();
    await User.query.autoflush(false).all();
    await User.query.autoflush(false).count();
    expect(flushes).toBe(1);
    await User.query.populateExisting().all();
    expect(executor.lastSelect?.populateExisting).toBe(true);
    expect(executor.lastSelect).toMatchObject({ shape: "entity", unique: true });
    const [slot] = executor.lastSelect?.slots ?? [];
    expect(slot).toMatchObject({ kind: "entity", direct: true, complete: true, children: [] });
  });

  it("lets an error of the database tell where the query was run", async () => {
    const { User } = fixture;
    const query = User.query.filter(text("no_such_function_(users.id) = 1"));
    const error = await query.all().then(
      () => undefined,
      (reason: Error) => reason,
    );
    expect(error?.stack).toContain("query.test.ts");
  });
});
