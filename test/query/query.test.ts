import { inspect } from "node:util";
import { expect, it } from "vitest";
import { InvalidRequestError } from "../../src/errors";
import { aliased, asc, desc, func, literal, not, nullsFirst, nullsLast, or, text } from "../../src/query/expressions";
import { joined, loadOnly, selectin } from "../../src/query/load-options";
import { Query } from "../../src/query/query";
import type { RunnableQuery } from "../../src/query/runnable-query";
import { stateOf } from "../../src/query/select-state";
import { describeQueries, error, sqlOf, tailOf } from "./fixture";

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
    const { User, sent, executor, outcome } = fixture;
    const query = User.query.filterBy({ age: 25 }).limit(1);
    expect(await outcome(query.all())).toEqual(["SELECT users.* FROM users WHERE users.age = ? LIMIT ?", [25, 1], [2]]);
    await executor.connection.run("UPDATE users SET age = 26 WHERE id = 2");
    expect(await outcome(query.all())).toEqual(["SELECT users.* FROM users WHERE users.age = ? LIMIT ?", [25, 1], [5]]);
    expect(sent()[0]).toBe(sent()[2]);
    expect(sent()).toHaveLength(3);
    expect(User.query).not.toBe(User.query);
    expect(Query.of(() => executor, User).toSQL()).toEqual(User.query.toSQL());
  });

  it("Q-1: no builder changes the query that it is called on", () => {
    const { User, Role } = fixture;
    const query = User.query.filterBy({ active: true });
    const other = User.query.filterBy({ id: 2 });
    const from = "FROM users WHERE users.active = ?";
    const built: [RunnableQuery, RegExp | string][] = [
      [query.filter(User.c.id.eq(1)), `${from} AND users.id = ?`],
      [query.where(User.c.id.eq(1)), `${from} AND users.id = ?`],
      [query.filterBy({ id: 1 }), `${from} AND users.id = ?`],
      [query.orderBy("age"), `${from} ORDER BY users.age`],
      [query.groupBy("age"), `${from} GROUP BY users.age`],
      [query.groupBy("id").having(func.count().gt(1)), `${from} GROUP BY users.id HAVING count(*) > ?`],
      [query.limit(1), `${from} LIMIT ?`],
      [query.slice(1, 3), `${from} LIMIT ? OFFSET ?`],
      [query.limit(3).offset(1), `${from} LIMIT ? OFFSET ?`],
      [query.distinct(), /^SELECT DISTINCT users\.id/],
      [query.join("role"), "FROM users JOIN roles ON roles.id = users.role_id WHERE users.active = ?"],
      [query.outerjoin("role"), "FROM users LEFT OUTER JOIN roles ON roles.id = users.role_id WHERE users.active = ?"],
      [query.selectFrom(Role), "FROM roles, users WHERE users.active = ?"],
      [query.withEntities(User.c.id), /^SELECT users\.id FROM users WHERE users\.active = \?$/],
      [query.addColumns(User.c.id.label("n")), /, users\.id AS n FROM users WHERE users\.active = \?$/],
      [
        query.options(joined("role")),
        /LEFT OUTER JOIN roles AS roles_1 ON roles_1\.id = users\.role_id WHERE users\.active = \?$/,
      ],
      [query.union(other), / UNION SELECT /],
      [query.unionAll(other), / UNION ALL SELECT /],
      [query.intersect(other), / INTERSECT SELECT /],
      [query.except(other), / EXCEPT SELECT /],
      [query.withParent(Role.build({ id: 3, name: "User" })), `${from} AND users.role_id = ?`],
    ];
    for (const [each, text] of built) {
      expect(each).not.toBe(query);
      if (typeof text === "string") expect(sqlOf(each).endsWith(text), sqlOf(each)).toBe(true);
      else expect(sqlOf(each)).toMatch(text);
    }
    const silent = [
      query.withForUpdate(),
      query.populateExisting(),
      query.yieldPer(2),
      query.autoflush(false),
      query.withDeleted(),
      query.unscoped(),
      query.resetJoinpoint(),
      query.options(selectin("role")),
    ];
    for (const each of silent) expect(each).not.toBe(query);
    expect([query.subquery(), query.exists()]).toHaveLength(2);
    expect(tailOf(query)).toBe("users WHERE users.active = ?");
    expect(query[stateOf]).toMatchObject({
      ...User.query[stateOf],
      from: [{}],
      joinpoint: {},
      selection: [{}],
      where: [{}],
    });
  });

  it("is no promise: awaiting it gives the query", async () => {
    const { User, sent } = fixture;
    const query = User.query;
    expect(await (query as unknown as Promise<unknown>)).toBe(query);
    expect(sent()).toEqual([]);
  });

  it("Q-2: after a bound, what would change the rows below it is refused", () => {
    const { User, Role, sent } = fixture;
    for (const bounded of [User.query.limit(1), User.query.offset(1), User.query.slice(0, 1), User.query.limit(0)]) {
      const refused: [string, () => unknown][] = [
        ["filter", () => bounded.filter(User.c.id.eq(1))],
        ["filter", () => bounded.filterBy({ id: 1 })],
        ["where", () => bounded.where(User.c.id.eq(1))],
        ["orderBy", () => bounded.orderBy("id")],
        ["orderBy", () => bounded.orderBy(null)],
        ["groupBy", () => bounded.groupBy("id")],
        ["groupBy", () => bounded.groupBy(null)],
        ["having", () => bounded.having(User.c.id.eq(1))],
        ["join", () => bounded.join("role")],
        ["join", () => bounded.outerjoin("role")],
        ["selectFrom", () => bounded.selectFrom(Role)],
        ["withParent", () => bounded.withParent(new Role({ name: "x" }))],
      ];
      for (const [method, call] of refused) {
        const message =
          `Query.${method}() being called on a Query which already has LIMIT or OFFSET applied. ` +
          `Call ${method}() before limit() or offset() are applied.`;
        expect(call, method).toThrow(error({ name: "InvalidRequestError", message }));
      }
    }
    expect(tailOf(User.query.limit(1).limit(null).filterBy({ id: 1 }))).toBe("users WHERE users.id = ?");
    expect(sent()).toEqual([]);
  });

  it("Q-2: after a bound, what leaves the rows alone is allowed", async () => {
    const { User, outcome, database } = fixture;
    const bounded = User.query.orderBy("id").limit(3);
    const sql = "SELECT users.* FROM users ORDER BY users.id LIMIT ?";
    expect(await outcome(bounded.distinct().all())).toEqual([sql.replace("SELECT", "SELECT DISTINCT"), [3], [1, 2, 3]]);
    expect(await outcome(bounded.limit(2).offset(1).all())).toEqual([`${sql} OFFSET ?`, [2, 1], [2, 3]]);
    expect(await outcome(bounded.slice(1, 2).all())).toEqual([`${sql} OFFSET ?`, [1, 1], [2]]);
    expect(await outcome(bounded.options(loadOnly("username")).all())).toEqual([
      "SELECT users.id, users.username FROM users ORDER BY users.id LIMIT ?",
      [3],
      [1, 2, 3],
    ]);
    expect(await outcome(bounded.withEntities(User.c.username).all())).toEqual([
      "SELECT users.username FROM users ORDER BY users.id LIMIT ?",
      [3],
      [["john"], ["susan"], ["david"]],
    ]);
    expect(await outcome(bounded.withEntities(User.c.id).addColumns(User.c.age.label("years")).all())).toEqual([
      "SELECT users.id, users.age AS years FROM users ORDER BY users.id LIMIT ?",
      [3],
      [
        [1, 30],
        [2, 25],
        [3, null],
      ],
    ]);
    const union = bounded.union(User.query.filterBy({ id: 5 })).orderBy("id");
    expect(await outcome(union.all())).toEqual([
      "SELECT anon_1.* FROM (SELECT * FROM (SELECT users.* FROM users ORDER BY users.id LIMIT ?) AS anon_2 UNION " +
        "SELECT users.* FROM users WHERE users.id = ?) AS anon_1 ORDER BY anon_1.id",
      [3, 5],
      [1, 2, 3, 5],
    ]);
    expect(await outcome(bounded.count())).toEqual([
      "SELECT count(*) AS count FROM (SELECT users.* FROM users ORDER BY users.id LIMIT ?) AS anon_1",
      [3],
      3,
    ]);
    expect(await outcome(bounded.first())).toEqual([sql, [1], 1]);
    expect(await outcome(bounded.limit(1).one())).toEqual([sql, [1], 1]);
    expect(await outcome(bounded.populateExisting().yieldPer(2).all())).toEqual([sql, [3], [1, 2, 3]]);
    expect(await outcome(User.query.filter(bounded.exists(), User.c.id.eq(4)).all())).toEqual([
      "SELECT users.* FROM users WHERE EXISTS (SELECT 1 FROM users) AND users.id = ?",
      [4],
      [4],
    ]);
    const ids = "SELECT users.id FROM users ORDER BY users.id LIMIT ?";
    expect(await outcome(User.query.filter(User.c.id.in(bounded.withEntities(User.c.id).subquery())).all())).toEqual([
      database === "mariadb"
        ? `SELECT users.* FROM users WHERE users.id IN (SELECT * FROM (${ids}) AS bounded)`
        : `SELECT users.* FROM users WHERE users.id IN (${ids})`,
      [3],
      [1, 2, 3],
    ]);
  });

  it("Q-3: the last bound counts, null takes it away, zero is a bound", async () => {
    const { User, outcome, database } = fixture;
    const query = User.query.orderBy("id");
    const sql = "SELECT users.* FROM users ORDER BY users.id";
    expect(await outcome(query.limit(1).limit(2).all())).toEqual([`${sql} LIMIT ?`, [2], [1, 2]]);
    expect(await outcome(query.limit(1).limit(null).all())).toEqual([sql, [], [1, 2, 3, 4, 5]]);
    expect(await outcome(query.limit(0).all())).toEqual([`${sql} LIMIT ?`, [0], []]);
    expect(String(query.limit(0))).toMatch(/ LIMIT 0$/);
    const offset = {
      sqlite: " LIMIT -1 OFFSET ?",
      mariadb: " LIMIT 18446744073709551615 OFFSET ?",
      postgres: " OFFSET ?",
    }[database];
    expect(await outcome(query.offset(1).offset(3).all())).toEqual([`${sql}${offset}`, [3], [4, 5]]);
    expect(await outcome(query.limit("2").offset("1").all())).toEqual([`${sql} LIMIT ? OFFSET ?`, [2, 1], [2, 3]]);
    expect(await outcome(query.offset(3).offset(null).all())).toEqual([sql, [], [1, 2, 3, 4, 5]]);
    expect(await outcome(query.limit(2).offset(0).all())).toEqual([`${sql} LIMIT ? OFFSET ?`, [2, 0], [1, 2]]);
  });

  it("Q-3: slice counts within the bounds that are there", async () => {
    const { User, outcome, database } = fixture;
    const query = User.query.orderBy("id");
    const sql = "SELECT users.* FROM users ORDER BY users.id";
    const bounds = (of: RunnableQuery): unknown => /LIMIT .*$/.exec(of.sql)?.[0] ?? /OFFSET .*$/.exec(of.sql)?.[0];
    expect(bounds(query.slice(2, 5).slice(1, 2))).toBe("LIMIT 1 OFFSET 3");
    expect(bounds(query.slice(0, 2))).toBe("LIMIT 2");
    expect(await outcome(query.slice(2, 5).slice(1, 2).all())).toEqual([`${sql} LIMIT ? OFFSET ?`, [1, 3], [4]]);
    expect(await outcome(query.slice(2, 4).slice(1, 9).all())).toEqual([`${sql} LIMIT ? OFFSET ?`, [1, 3], [4]]);
    expect(await outcome(query.slice(0, 2).all())).toEqual([`${sql} LIMIT ?`, [2], [1, 2]]);
    expect((await outcome(query.slice(3).all())).slice(1)).toEqual([[3], [4, 5]]);
    expect(sqlOf(query.slice(3))).toMatch(database === "postgres" ? /users\.id OFFSET \?$/ : / LIMIT \S+ OFFSET \?$/);
    expect(await outcome(query.slice(3, 3).all())).toEqual([`${sql} LIMIT ? OFFSET ?`, [0, 3], []]);
    for (const [start, stop] of [
      [-1, 2],
      [0, -1],
      [0.5, 2],
      [NaN, 2],
    ] as const)
      expect(() => query.slice(start, stop)).toThrow(
        error({
          name: "ArgumentError",
          message: expect.stringMatching(/^Expected a whole number from 0 up in slice\(\)/),
        }),
      );
  });

  it.each([-1, NaN, 1.5, "1.5", "abc", "", " ", "1; DROP TABLE users", undefined, Infinity, true, {}, []])(
    "Q-3: %j is refused as a bound when it is given",
    (value) => {
      const { User, sent } = fixture;
      for (const method of ["limit", "offset"] as const)
        expect(() => User.query[method](value as number)).toThrow(
          error({
            name: "ArgumentError",
            message: expect.stringContaining(`Expected a whole number from 0 up in ${method}(), got `),
          }),
        );
      expect(sent()).toEqual([]);
    },
  );

  it("Q-4: filterBy takes equals of the first model, all of which hold", async () => {
    const { User, outcome } = fixture;
    const sql = "SELECT users.* FROM users WHERE users.active = ? AND users.age = ?";
    expect(await outcome(User.query.filterBy({ active: true, age: 25 }).all())).toEqual([sql, [1, 25], [2]]);
    expect(await outcome(User.query.filterBy({ active: false }).filterBy({ age: 25 }).all())).toEqual([
      sql,
      [0, 25],
      [5],
    ]);
    for (const query of [User.query.filterBy({}), User.query.filter()])
      expect(await outcome(query.all())).toEqual(["SELECT users.* FROM users", [], [1, 2, 3, 4, 5]]);
  });

  it("Q-4: filterBy speaks of the model that was joined last, until resetJoinpoint", async () => {
    const { User, Role, outcome } = fixture;
    const query = User.query.join("role").filterBy({ name: "User" }).resetJoinpoint().filterBy({ username: "susan" });
    expect(await outcome(query.all())).toEqual([
      "SELECT users.* FROM users JOIN roles ON roles.id = users.role_id WHERE roles.name = ? AND users.username = ?",
      ["User", "susan"],
      [2],
    ]);
    const other = aliased(User, "other");
    const last = User.query.join("role").join(Role.c.users, other).filterBy({ username: "david" });
    expect(await outcome(last.all())).toEqual([
      "SELECT users.* FROM users JOIN roles ON roles.id = users.role_id JOIN users AS other ON roles.id = other.role_id " +
        "WHERE other.username = ?",
      ["david"],
      [2, 3],
    ]);
  });

  it("Q-4: an unknown name is refused when it is given, and the nearest one named", () => {
    const { User, Role, sent } = fixture;
    expect(() => Role.query.filterBy({ nope: 1 } as object)).toThrow(
      error({
        name: "InvalidRequestError",
        message: 'Entity namespace for "roles" has no property "nope".',
        hint: "Role has id, name, users",
      }),
    );
    expect(() => User.query.filterBy({ usernme: "x" } as object)).toThrow(
      error({
        name: "InvalidRequestError",
        message: 'Entity namespace for "users" has no property "usernme".',
        hint: 'did you mean "username"?',
      }),
    );
    expect(() => User.query.join("role").filterBy({ username: "x" } as object)).toThrow(
      error({ name: "InvalidRequestError", message: 'Entity namespace for "roles" has no property "username".' }),
    );
    expect(() => User.query.filterBy("id = 1" as never)).toThrow(
      error({
        name: "ArgumentError",
        message: 'Expected values by name in filterBy(), got "id = 1".',
        hint: 'filterBy({ name: "john" })',
      }),
    );
    expect(sent()).toEqual([]);
  });

  it("Q-5: null is IS NULL; undefined and arrays are refused; values follow the column's type", async () => {
    const { User, outcome } = fixture;
    expect(await outcome(User.query.filterBy({ age: null }).all())).toEqual([
      "SELECT users.* FROM users WHERE users.age IS NULL",
      [],
      [3],
    ]);
    expect(() => User.query.filterBy({ age: undefined })).toThrow(
      error({ name: "ArgumentError", message: expect.stringContaining('Cannot use undefined as the value of "age"') }),
    );
    expect(() => User.query.filterBy({ age: [1, 2] } as object)).toThrow(
      error({
        name: "ArgumentError",
        message: expect.stringContaining("array"),
        hint: expect.stringContaining(".in(["),
      }),
    );
    const byId = "SELECT users.* FROM users WHERE users.id = ?";
    expect(await outcome(User.query.filterBy({ id: "2" } as object).all())).toEqual([byId, [2], [2]]);
    expect(await outcome(User.query.filterBy({ id: 2n } as object).all())).toEqual([byId, [2], [2]]);
    const byName = "SELECT users.* FROM users WHERE users.username = ?";
    expect(await outcome(User.query.filterBy({ username: "o'hara; --" }).all())).toEqual([byName, ["o'hara; --"], []]);
    expect(() => User.query.filterBy({ id: "abc" } as object)).toThrow(
      error({ name: "ArgumentError", message: expect.stringContaining("Expected a whole number for User.id") }),
    );
  });

  it("Q-8: conditions of one call and of several all hold", async () => {
    const { User, outcome } = fixture;
    const sql = "SELECT users.* FROM users WHERE users.id > ? AND users.id < ? AND users.active = ?";
    const query = User.query.filter(User.c.id.gt(1), User.c.id.lt(5));
    for (const last of [User.c.active.eq(true), { active: true }])
      expect(await outcome(query.filter(last).orderBy("id").all())).toEqual([
        `${sql} ORDER BY users.id`,
        [1, 5, 1],
        [2, 4],
      ]);
    expect(await outcome(query.where(User.c.active.eq(false)).all())).toEqual([sql, [1, 5, 0], [3]]);
    const either = User.query.filter(or(User.c.id.eq(1), User.c.id.eq(3))).filter(User.c.active.eq(false));
    expect(await outcome(either.all())).toEqual([
      "SELECT users.* FROM users WHERE (users.id = ? OR users.id = ?) AND users.active = ?",
      [1, 3, 0],
      [3],
    ]);
  });

  it("Q-8: what is no condition is refused", () => {
    const { User, sent } = fixture;
    expect(() => User.query.filter("id=1" as unknown as object)).toThrow(
      error({
        name: "ArgumentError",
        message: "Textual SQL expression 'id=1' should be explicitly declared as text('id=1')",
        hint: '.filter(text("id=1"))',
      }),
    );
    for (const value of [true, false, null, undefined, 1]) {
      for (const method of ["filter", "where", "having"] as const)
        expect(() => User.query[method](User.c.id.gt(0), value as unknown as object)).toThrow(
          error({
            name: "ArgumentError",
            message: `Expected conditions in ${method}(), got ${value}.`,
            hint: "a comparison is a method: User.c.id.eq(1), not User.c.id == 1",
          }),
        );
    }
    expect(() => User.query.filter([User.c.id.eq(1)])).toThrow(
      error({ name: "ArgumentError", message: expect.anything(), hint: "filter(...conditions)" }),
    );
    expect(() => User.query.filter(User.c.role)).toThrow(
      error({ name: "ArgumentError", message: expect.anything(), hint: "relationship.isNotNull() is a condition" }),
    );
    expect(() => (User.c.id as unknown as number) < 1).toThrow(/has no value in JavaScript/);
    expect(() => User.query.filter(User.query)).toThrow(
      error({ name: "ArgumentError", message: expect.anything(), hint: "query.exists() is a condition" }),
    );
    expect(sent()).toEqual([]);
  });

  it("Q-11: orders by columns, names and labels, in the order of the calls", async () => {
    const { User, outcome } = fixture;
    const query = User.query.filter(User.c.age.isNotNull()).orderBy(User.c.active.desc()).orderBy("age", desc("id"));
    expect(await outcome(query.all())).toEqual([
      "SELECT users.* FROM users WHERE users.age IS NOT NULL ORDER BY users.active DESC, users.age, users.id DESC",
      [],
      [2, 1, 4, 5],
    ]);
    const labelled = User.query
      .filter(User.c.age.isNotNull())
      .withEntities(User.c.id, User.c.age.add(1).label("next"))
      .orderBy(desc("next"), asc("id"));
    const [sql, parameters, rows] = await outcome(labelled.all());
    expect(sql).toMatch(/ AS next FROM users WHERE users\.age IS NOT NULL ORDER BY next DESC, users\.id$/);
    expect(parameters).toEqual([1]);
    expect(rows).toEqual([
      [4, 42],
      [1, 31],
      [2, 26],
      [5, 26],
    ]);
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

  it("Q-11: null or false forgets the order, and a new one begins", async () => {
    const { User, outcome } = fixture;
    const ordered = User.query.orderBy(desc("age"));
    expect(await outcome(ordered.orderBy(null).all())).toEqual(["SELECT users.* FROM users", [], [1, 2, 3, 4, 5]]);
    for (const nothing of [null, false] as const)
      expect(await outcome(ordered.orderBy(nothing).orderBy(desc("id")).all())).toEqual([
        "SELECT users.* FROM users ORDER BY users.id DESC",
        [],
        [5, 4, 3, 2, 1],
      ]);
    const grouped = User.query.withEntities(func.count().label("n")).groupBy("age");
    expect(await outcome(grouped.groupBy("active").all())).toEqual([
      "SELECT count(*) AS n FROM users GROUP BY users.age, users.active",
      [],
      [[1], [1], [1], [1], [1]],
    ]);
    expect(await outcome(grouped.groupBy(null).all())).toEqual(["SELECT count(*) AS n FROM users", [], [[5]]]);
    expect(await outcome(grouped.groupBy(false).groupBy("active").orderBy("n").all())).toEqual([
      "SELECT count(*) AS n FROM users GROUP BY users.active ORDER BY n",
      [],
      [[2], [3]],
    ]);
  });

  it("Q-11: rows with NULL come first or last on every database", async () => {
    const { User, outcome, database } = fixture;
    const { age } = User.c;
    const order = (direction: string, place: "FIRST" | "LAST"): string => {
      if (database !== "mariadb") return `users.age${direction} NULLS ${place}`;
      return `users.age IS NULL${place === "FIRST" ? " DESC" : ""}, users.age${direction}`;
    };
    const orders: [ReturnType<typeof age.desc>, string, number[]][] = [
      [age.nullsFirst(), order("", "FIRST"), [3, 2, 5, 1, 4]],
      [age.desc().nullsFirst(), order(" DESC", "FIRST"), [3, 4, 1, 2, 5]],
      [age.asc().nullsLast(), order("", "LAST"), [2, 5, 1, 4, 3]],
      [nullsLast(age.desc()), order(" DESC", "LAST"), [4, 1, 2, 5, 3]],
      [nullsFirst("age"), order("", "FIRST"), [3, 2, 5, 1, 4]],
    ];
    for (const [term, text, ids] of orders)
      expect(await outcome(User.query.orderBy(term, "id").all())).toEqual([
        `SELECT users.* FROM users ORDER BY ${text}, users.id`,
        [],
        ids,
      ]);
    const label = User.query.withEntities(User.c.id, User.c.age.add(0).label("n")).orderBy(nullsLast(desc("n")));
    expect((await label.all()).at(-1)?.n).toBeNull();
  });

  it.each(["username desc", "1", "id; DROP TABLE users", "users.id", "id--", '"id"', ""])(
    "Q-11: %j is no name to order or group by, and never SQL",
    (name) => {
      const { User, sent } = fixture;
      const message = expect.stringMatching(/not the name of an attribute or label|has no property/);
      const unknown = { name: /^\w+$/.test(name) ? "InvalidRequestError" : "ArgumentError", message };
      for (const call of [
        () => User.query.orderBy(name),
        () => User.query.orderBy(desc(name)),
        () => User.query.groupBy(name),
      ])
        expect(call).toThrow(error({ ...unknown, hint: expect.any(String) }));
      expect(sent()).toEqual([]);
    },
  );

  it("Q-11: groups by columns, names and labels, and takes conditions on groups", async () => {
    const { User, outcome } = fixture;
    const query = User.query
      .withEntities(User.c.active, func.count().label("n"))
      .groupBy(User.c.active)
      .having(func.count().gt(2))
      .having(func.min(User.c.id).lt(3))
      .orderBy("n");
    expect(await outcome(query.all())).toEqual([
      "SELECT users.active, count(*) AS n FROM users GROUP BY users.active " +
        "HAVING count(*) > ? AND min(users.id) < ? ORDER BY n",
      [2, 3],
      [[true, 3]],
    ]);
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
    const { User, outcome } = fixture;
    const query = User.query
      .withEntities(User.c.id, User.c.username, func.upper(User.c.username).label("loud"))
      .filterBy({ id: 1 });
    expect(await outcome(query.all())).toEqual([
      "SELECT users.id, users.username, upper(users.username) AS loud FROM users WHERE users.id = ?",
      [1],
      [[1, "john", "JOHN"]],
    ]);
    const [row] = await query.all();
    expect(row?.[0]).toBe(1);
    expect(row?.username).toBe("john");
    expect(row?.loud).toBe("JOHN");
    expect([...(row ?? [])]).toEqual([1, "john", "JOHN"]);
    expect(row?.keys()).toEqual(["id", "username", "loud"]);
    expect(Object.isFrozen(row)).toBe(true);
    expect(() => ((row as unknown as { loud: string }).loud = "x")).toThrow(TypeError);
    expect(() => ((row as unknown as unknown[])[0] = 9)).toThrow(TypeError);
    expect([row?.loud, row?.[0]]).toEqual(["JOHN", 1]);
    expect(JSON.stringify(row)).toBe('{"id":1,"username":"john","loud":"JOHN"}');
    const [id, username] = row ?? [];
    expect([id, username]).toEqual([1, "john"]);
    expect(await outcome(User.query.withEntities(User.c.id).orderBy("id").limit(2).all())).toEqual([
      "SELECT users.id FROM users ORDER BY users.id LIMIT ?",
      [2],
      [[1], [2]],
    ]);
    expect(() => User.query.withEntities()).toThrow(
      error({ name: "InvalidRequestError", message: "Query.withEntities() needs at least one column or model." }),
    );
  });

  it("Q-14: a label may be any name", async () => {
    const { User } = fixture;
    for (const name of ["__proto__", "constructor", "length", "a\"b`c'; --", "with space", "Ünï"]) {
      const [row] = await User.query.withEntities(User.c.id.label(name)).orderBy("id").all();
      expect([row?.[0], row?.keys()], name).toEqual([1, [name]]);
    }
  });

  it("Q-14: models, columns and expressions stand side by side in a row", async () => {
    const { User, Role, executor, outcome } = fixture;
    const query = Query.of(() => executor, User, Role.c.name, literal(7).label("seven"))
      .filter(User.c.roleId.eq(Role.c.id))
      .orderBy(User.c.id);
    const [row] = await query.all();
    expect(row?.[0]).toBeInstanceOf(User);
    expect(row?.name).toBe("Administrator");
    expect(row?.seven).toBe(7);
    const [sql, parameters, rows] = await outcome(query.all());
    expect(sql.replace("?::integer", "?")).toBe(
      "SELECT users.id AS users_id, users.username AS users_username, users.age AS users_age, users.active AS users_active, " +
        "users.role_id AS users_role_id, roles.name, ? AS seven FROM users, roles WHERE users.role_id = roles.id ORDER BY users.id",
    );
    expect(parameters).toEqual([7]);
    expect(rows).toEqual([
      [1, "Administrator", 7],
      [2, "User", 7],
      [3, "User", 7],
      [5, "Moderator", 7],
    ]);
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
    const { User, sent, outcome } = fixture;
    const sql = "SELECT users.* FROM users WHERE users.id = ?";
    const none = User.query.filterBy({ id: 99 });
    expect(await outcome(none.all())).toEqual([sql, [99], []]);
    expect(await outcome(none.first())).toEqual([`${sql} LIMIT ?`, [99, 1], null]);
    expect(await outcome(none.oneOrNone())).toEqual([sql, [99], null]);
    expect(await outcome(none.scalar())).toEqual([sql, [99], null]);
    await expect(none.one()).rejects.toMatchObject({
      name: "NoResultFound",
      message: "No row was found when one was required",
    });
    const several = { name: "MultipleResultsFound", message: "Multiple rows were found when exactly one was required" };
    await expect(User.query.one()).rejects.toMatchObject(several);
    await expect(User.query.scalar()).rejects.toMatchObject(several);
    await expect(User.query.oneOrNone()).rejects.toMatchObject({
      ...several,
      message: "Multiple rows were found when one or none was required",
    });
    await expect(User.query.one()).rejects.toBeInstanceOf(InvalidRequestError);
    await expect(none.one()).rejects.toBeInstanceOf(InvalidRequestError);
    const susan = User.query.filterBy({ id: 2 });
    expect(await outcome(susan.one())).toEqual([sql, [2], 2]);
    expect(await outcome(susan.oneOrNone())).toEqual([sql, [2], 2]);
    expect(await outcome(susan.first())).toEqual([`${sql} LIMIT ?`, [2, 1], 2]);
    expect(await outcome(susan.scalar())).toEqual([sql, [2], 2]);
    expect(await outcome(susan.withEntities(User.c.username, User.c.id).scalar())).toEqual([
      "SELECT users.username, users.id FROM users WHERE users.id = ?",
      [2],
      "susan",
    ]);
    expect(await User.query.filterBy({ id: 3 }).withEntities(User.c.age).scalar()).toBeNull();
    expect(sent().at(-1)).not.toMatch(/LIMIT/);
    const bounded = User.query.orderBy("id").limit(1).offset(1);
    const within = "SELECT users.* FROM users ORDER BY users.id LIMIT ? OFFSET ?";
    expect(await outcome(bounded.one())).toEqual([within, [1, 1], 2]);
  });

  it("Q-15: first() sets LIMIT 1, keeps OFFSET, and respects LIMIT 0", async () => {
    const { User, outcome } = fixture;
    const query = User.query.orderBy("id");
    const sql = "SELECT users.* FROM users ORDER BY users.id LIMIT ?";
    expect(await outcome(query.limit(4).offset(2).first())).toEqual([`${sql} OFFSET ?`, [1, 2], 3]);
    expect(await outcome(query.offset(2).first())).toEqual([`${sql} OFFSET ?`, [1, 2], 3]);
    expect(await outcome(query.limit(4).first())).toEqual([sql, [1], 1]);
    expect(await outcome(query.limit(0).first())).toEqual([sql, [0], null]);
  });

  it("Q-16: get looks up by key and refuses a query that says more", async () => {
    const { User, sent, outcome } = fixture;
    const sql = "SELECT users.* FROM users WHERE users.id = ?";
    expect(await outcome(User.query.get(2))).toEqual([sql, [2], 2]);
    expect(await outcome(User.query.get("2"))).toEqual([sql, [2], 2]);
    expect(await outcome(User.query.get(99))).toEqual([sql, [99], null]);
    expect(await outcome(User.query.orderBy("id").distinct().get(1))).toEqual([expect.any(String), [1], 1]);
    expect(await outcome(User.query.options(loadOnly("username")).get(1))).toEqual([
      "SELECT users.id, users.username FROM users WHERE users.id = ?",
      [1],
      1,
    ]);
    const before = sent().length;
    expect(await User.query.get("abc")).toBeNull();
    const criteria = [
      User.query.filterBy({ id: 1 }),
      User.query.join("role"),
      User.query.outerjoin("role"),
      User.query.groupBy("id"),
      User.query.limit(1),
      User.query.offset(1),
      User.query.selectFrom(User),
      User.query.union(User.query),
    ];
    for (const query of criteria) {
      await expect(query.get(1)).rejects.toMatchObject({
        name: "InvalidRequestError",
        message: "Query.get() being called on a Query with existing criterion.",
      });
    }
    await expect(User.query.withEntities(User.c.id).get(1)).rejects.toMatchObject({
      name: "InvalidRequestError",
      message: expect.stringContaining("single mapped class"),
    });
    expect(sent()).toHaveLength(before);
  });

  it("Q-17: count() counts the rows of the query as it is, as a number", async () => {
    const { User, Role, outcome } = fixture;
    const counted = (inner: string): string => `SELECT count(*) AS count FROM (${inner}) AS anon_1`;
    expect(await outcome(User.query.orderBy("id").count())).toEqual([counted("SELECT users.* FROM users"), [], 5]);
    expect(await outcome(User.query.filterBy({ age: 25 }).limit(3).offset(1).count())).toEqual([
      counted("SELECT users.* FROM users WHERE users.age = ? LIMIT ? OFFSET ?"),
      [25, 3, 1],
      1,
    ]);
    expect(await User.query.orderBy("id").limit(3).offset(3).count()).toBe(2);
    expect(await outcome(User.query.limit(0).count())).toEqual([counted("SELECT users.* FROM users LIMIT ?"), [0], 0]);
    expect(await outcome(User.query.withEntities(User.c.age).distinct().count())).toEqual([
      counted("SELECT DISTINCT users.age FROM users"),
      [],
      4,
    ]);
    expect(
      await outcome(User.query.withEntities(User.c.age).groupBy("age").having(func.count().gt(1)).count()),
    ).toEqual([counted("SELECT users.age FROM users GROUP BY users.age HAVING count(*) > ?"), [1], 1]);
    expect(await outcome(User.query.join("role").count())).toEqual([
      counted("SELECT users.* FROM users JOIN roles ON roles.id = users.role_id"),
      [],
      4,
    ]);
    for (const option of [joined("users"), selectin("users"), loadOnly("name")])
      expect(await outcome(Role.query.options(option).count())).toEqual([expect.not.stringContaining("JOIN"), [], 4]);
  });

  it("Q-18: exists() is a condition, and a boolean when it is selected", async () => {
    const { User, Role, executor, outcome } = fixture;
    const found = async (query: { exists: typeof User.query.exists }): Promise<unknown> =>
      outcome(Query.of(() => executor, query.exists()).scalar());
    const [sql, parameters, result] = (await found(User.query.filterBy({ username: "john" }))) as unknown[];
    expect(sql).toMatch(/^SELECT EXISTS \(SELECT 1 FROM users WHERE users\.username = \?\)( AS \w+)?$/);
    expect([parameters, result]).toEqual([["john"], true]);
    expect(await found(User.query.filterBy({ id: 99 }))).toEqual([expect.any(String), [99], false]);
    const query = Role.query.filter(User.query.filter(User.c.roleId.eq(Role.c.id), User.c.active.eq(true)).exists());
    expect(await outcome(query.orderBy("id").all())).toEqual([
      "SELECT roles.* FROM roles WHERE EXISTS (SELECT 1 FROM users WHERE users.role_id = roles.id AND users.active = ?) " +
        "ORDER BY roles.id",
      [1],
      [1, 3],
    ]);
    const none = not(User.query.filter(User.c.roleId.eq(Role.c.id)).exists());
    expect(await outcome(Role.query.filter(none).all())).toEqual([
      "SELECT roles.* FROM roles WHERE NOT EXISTS (SELECT 1 FROM users WHERE users.role_id = roles.id)",
      [],
      [4],
    ]);
    expect(await found(User.query.orderBy("id").limit(3).offset(9))).toEqual([
      expect.stringMatching(/EXISTS \(SELECT 1 FROM users LIMIT \? OFFSET \?\)/),
      [3, 9],
      false,
    ]);
    expect(await found(User.query.limit(0))).toEqual([expect.stringContaining("LIMIT ?"), [0], false]);
    expect(await found(User.query.orderBy("id").limit(3))).toEqual([
      expect.not.stringMatching(/LIMIT|ORDER/),
      [],
      true,
    ]);
  });

  it("Q-19: distinct() gives equal rows once and may order by what is not selected", async () => {
    const { User, outcome } = fixture;
    const query = User.query.filter(User.c.age.isNotNull()).withEntities(User.c.age).distinct().orderBy(User.c.age);
    expect(await outcome(query.all())).toEqual([
      "SELECT DISTINCT users.age FROM users WHERE users.age IS NOT NULL ORDER BY users.age",
      [],
      [[25], [30], [41]],
    ]);
    const nulls = User.query.withEntities(User.c.age).distinct().orderBy(User.c.age.nullsLast());
    expect((await nulls.all()).map((row) => row.age)).toEqual([25, 30, 41, null]);
    const ordered = User.query.withEntities(User.c.active).distinct().orderBy(User.c.id);
    expect(await outcome(ordered.all())).toEqual([
      "SELECT DISTINCT users.active, users.id AS order_1 FROM users ORDER BY order_1",
      [],
      [[true], [true], [false], [true], [false]],
    ]);
    expect(await ordered.count()).toBe(5);
    const roles = User.query.join("role").withEntities(User.c.active).distinct().orderBy(desc("active"));
    expect(await outcome(roles.all())).toEqual([
      "SELECT DISTINCT users.active FROM users JOIN roles ON roles.id = users.role_id ORDER BY users.active DESC",
      [],
      [[true], [false]],
    ]);
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
    const { User, database, outcome } = fixture;
    if (database !== "postgres") {
      expect(() => User.query.distinct("age")).toThrow(
        error({
          name: "InvalidRequestError",
          message: "DISTINCT ON is not supported by this database.",
          hint: "distinct() without columns, or groupBy()",
        }),
      );
      return;
    }
    const query = User.query.distinct(User.c.age).orderBy("age", desc("id"));
    expect(await outcome(query.all())).toEqual([
      "SELECT DISTINCT ON (users.age) users.* FROM users ORDER BY users.age, users.id DESC",
      [],
      [5, 1, 4, 3],
    ]);
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
    for (const run of [() => query.all(), () => query.count(), () => query.update({ age: 1 }), () => query.first()])
      await expect(run()).rejects.toMatchObject({
        name: "InvalidRequestError",
        message: "Cannot run this query: it belongs to no session.",
      });
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

  it("Q-25: the clauses stand in their order, with their parameters", async () => {
    const { User, outcome } = fixture;
    const query = User.query
      .orderBy(desc("active"))
      .having(func.count().ge(1))
      .groupBy("active")
      .filterBy({ age: 25 })
      .join("role")
      .filterBy({ name: "User" })
      .withEntities(User.c.active, func.max(User.c.id).label("n"))
      .offset(0)
      .limit(7);
    expect(await outcome(query.all())).toEqual([
      "SELECT users.active, max(users.id) AS n FROM users JOIN roles ON roles.id = users.role_id " +
        "WHERE users.age = ? AND roles.name = ? GROUP BY users.active HAVING count(*) >= ? " +
        "ORDER BY users.active DESC LIMIT ? OFFSET ?",
      [25, "User", 1, 7, 0],
      [[true, 2]],
    ]);
  });

  it("Q-25: shows queries with objects that are not stored yet, without a flush", async () => {
    const { User, Role, executor, sent } = fixture;
    let flushes = 0;
    executor.onAutoflush = () => void flushes++;
    const role = Role.build({ name: "new" });
    const query = User.query.filterBy({ role }).orderBy("id");
    expect(String(query)).toMatch(/ FROM users WHERE users\.role_id = NULL ORDER BY users\.id$/);
    expect([tailOf(query), query.toSQL().parameters]).toEqual([
      "users WHERE users.role_id = ? ORDER BY users.id",
      [null],
    ]);
    expect(inspect(query)).toBe(`<Query ${query.sql}>`);
    expect([flushes, sent()]).toEqual([0, []]);
    await expect(query.all()).rejects.toMatchObject({ name: "StatementError" });
    expect(flushes).toBe(1);
    role.setDataValue("id", 3);
    expect(String(query)).toMatch(/role_id = 3 ORDER BY users\.id$/);
    expect((await query.all()).map((user) => user.id)).toEqual([2, 3]);
  });

  it("Q-26: withForUpdate() locks where the database can", async () => {
    const { User, database, outcome } = fixture;
    const query = User.query.filterBy({ id: 1 }).orderBy("id").limit(1).withForUpdate();
    const lock = database === "sqlite" ? "" : " FOR UPDATE";
    const sql = "SELECT users.* FROM users WHERE users.id = ? ORDER BY users.id LIMIT ?";
    expect(await outcome(query.all())).toEqual([`${sql}${lock}`, [1, 1], [1]]);
    expect(query.sql.endsWith(`LIMIT 1${lock}`)).toBe(true);
    expect(await outcome(query.count())).toEqual([`SELECT count(*) AS count FROM (${sql}) AS anon_1`, [1, 1], 1]);
    expect(await outcome(User.query.withForUpdate().get(2))).toEqual([
      `SELECT users.* FROM users WHERE users.id = ?${lock}`,
      [2],
      2,
    ]);
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
