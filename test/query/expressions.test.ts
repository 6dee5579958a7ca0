import { inspect } from "node:util";
import { DataTypes } from "sequelize";
import { expect, it } from "vitest";
import type { Condition } from "../../src/query/expressions";
import { and, asc, cast, func, literal, not, or, text, when } from "../../src/query/expressions";
import { Query } from "../../src/query/query";
import { describeQueries, error, plain, sqlOf, tailOf } from "./fixture";

describeQueries("Expressions", (fixture) => {
  const ids = async (...conditions: Condition[]): Promise<number[]> =>
    (
      await fixture.User.query
        .filter(...conditions)
        .orderBy("id")
        .all()
    ).map((user) => user.id);
  const where = (condition: Condition): string =>
    tailOf(fixture.User.query.filter(condition)).replace("users WHERE ", "");
  /** Each condition is this text with these parameters, and finds the users of these ids. */
  const hold = async (
    cases: [Condition, sql: string | RegExp, parameters: unknown[], ids: number[]][],
  ): Promise<void> => {
    for (const [condition, text, parameters, found] of cases) {
      const [sql, ...rest] = await fixture.outcome(fixture.User.query.filter(condition).all());
      const [, tail = ""] = /^SELECT users\.\* FROM users WHERE (.*)$/.exec(sql) ?? [];
      if (typeof text === "string") expect(tail).toBe(text);
      else expect(tail).toMatch(text);
      expect(rest, tail).toEqual([parameters, found]);
    }
  };

  /** The two texts that compare users.age with a parameter and count NULL as a value. */
  const distinctFrom = (): [distinct: string, same: string] =>
    fixture.database === "mariadb"
      ? ["NOT (users.age <=> ?)", "users.age <=> ?"]
      : ["users.age IS DISTINCT FROM ?", "users.age IS NOT DISTINCT FROM ?"];

  it("Q-9: comparisons, and NULL, which equals nothing", async () => {
    const { c } = fixture.User;
    await hold([
      [c.age.eq(25), "users.age = ?", [25], [2, 5]],
      [c.age.ne(25), "users.age != ?", [25], [1, 4]],
      [c.age.lt(30), "users.age < ?", [30], [2, 5]],
      [c.age.le(30), "users.age <= ?", [30], [1, 2, 5]],
      [c.age.gt(30), "users.age > ?", [30], [4]],
      [c.age.ge(30), "users.age >= ?", [30], [1, 4]],
      [c.age.eq(null), "users.age IS NULL", [], [3]],
      [c.age.ne(null), "users.age IS NOT NULL", [], [1, 2, 4, 5]],
      [c.age.eq(c.id.add(29)), /^users\.age = users\.id \+ \?(::integer)?$/, [29], [1]],
      [c.active.eq(false), "users.active = ?", [0], [3, 5]],
      [c.username.eq("it's"), "users.username = ?", ["it's"], []],
    ]);
  });

  it("Q-9: is, isNot, isNull, isNotNull", async () => {
    const { c } = fixture.User;
    const [distinct, same] = distinctFrom();
    await hold([
      [c.age.is(null), "users.age IS NULL", [], [3]],
      [c.age.isNot(null), "users.age IS NOT NULL", [], [1, 2, 4, 5]],
      [c.age.isNull(), "users.age IS NULL", [], [3]],
      [c.age.isNotNull(), "users.age IS NOT NULL", [], [1, 2, 4, 5]],
      [c.active.is(true), "users.active IS TRUE", [], [1, 2, 4]],
      [c.active.is(false), "users.active IS FALSE", [], [3, 5]],
      [c.active.isNot(true), "users.active IS NOT TRUE", [], [3, 5]],
      [c.active.isNot(false), "users.active IS NOT FALSE", [], [1, 2, 4]],
      [c.age.is(25), same, [25], [2, 5]],
      [c.age.isNot(25), distinct, [25], [1, 3, 4]],
    ]);
  });

  it("Q-9: isDistinctFrom counts NULL as a value on every database", async () => {
    const { c } = fixture.User;
    const [distinct, same] = distinctFrom();
    await hold([
      [c.age.isDistinctFrom(25), distinct, [25], [1, 3, 4]],
      [c.age.isDistinctFrom(null), distinct, [null], [1, 2, 4, 5]],
      [c.age.isNotDistinctFrom(null), same, [null], [3]],
      [c.age.isNotDistinctFrom(25), same, [25], [2, 5]],
      [not(c.age.isDistinctFrom(25)), same, [25], [2, 5]],
    ]);
  });

  it("Q-9: null is refused where the result would be NULL for every row", () => {
    const { c } = fixture.User;
    const refused: [string, () => unknown][] = [
      ["lt", () => c.age.lt(null as never)],
      ["le", () => c.age.le(null as never)],
      ["gt", () => c.age.gt(null as never)],
      ["ge", () => c.age.ge(null as never)],
      ["between", () => c.age.between(null as never, 3)],
      ["between", () => c.age.between(3, null as never)],
      ["notBetween", () => c.age.notBetween(3, null as never)],
      ["like", () => c.username.like(null as never)],
      ["notLike", () => c.username.notLike(null as never)],
      ["ilike", () => c.username.ilike(null as never)],
      ["contains", () => c.username.contains(null as never)],
      ["startsWith", () => c.username.startsWith(null as never)],
      ["endsWith", () => c.username.endsWith(null as never)],
      ["add", () => c.age.add(null as never)],
    ];
    for (const [method, call] of refused)
      expect(call, method).toThrow(
        error({
          name: "ArgumentError",
          message: expect.stringMatching(new RegExp(`null .*in ${method}\\(\\)|in ${method}\\(\\), got null`)),
        }),
      );
    for (const method of ["eq", "ne", "lt", "is", "isDistinctFrom"] as const)
      expect(() => c.age[method](undefined as never)).toThrow(
        error({ name: "ArgumentError", message: expect.stringContaining("Cannot use undefined as a value in ") }),
      );
    expect(() => c.age.eq([1] as never)).toThrow(
      error({ name: "ArgumentError", message: expect.any(String), hint: "use in([…]) for a list of values" }),
    );
    expect(() => c.age.eq("old" as never)).toThrow(
      error({ name: "ArgumentError", message: expect.stringContaining("Expected a whole number for User.age") }),
    );
  });

  it("Q-9: in and notIn, of values, of nothing, with NULL, of a query", async () => {
    const { User, Role, database } = fixture;
    const { c } = User;
    const roles = Role.query.filter(Role.c.name.ne("User")).withEntities(Role.c.id);
    const ofRoles = "SELECT roles.id FROM roles WHERE roles.name != ?";
    const bounded = `${ofRoles} ORDER BY roles.id LIMIT ?`;
    await hold([
      [c.id.in([1, 3]), "users.id IN (?, ?)", [1, 3], [1, 3]],
      [c.id.notIn([1, 3]), "users.id NOT IN (?, ?)", [1, 3], [2, 4, 5]],
      [not(c.id.in([1, 3])), "users.id NOT IN (?, ?)", [1, 3], [2, 4, 5]],
      [c.id.in([]), "1 = 0", [], []],
      [c.id.notIn([]), "1 = 1", [], [1, 2, 3, 4, 5]],
      [not(c.id.in([])), "1 = 1", [], [1, 2, 3, 4, 5]],
      [c.age.notIn([]), "1 = 1", [], [1, 2, 3, 4, 5]],
      [c.age.in([25, null]), "users.age IN (?, ?)", [25, null], [2, 5]],
      [c.age.notIn([25, null]), "users.age NOT IN (?, ?)", [25, null], []],
      [c.id.in(["4", 5n] as never), "users.id IN (?, ?)", [4, 5], [4, 5]],
      [c.id.in(new Set([4, 5]) as never), "users.id IN (?, ?)", [4, 5], [4, 5]],
      [c.roleId.in(roles), `users.role_id IN (${ofRoles})`, ["User"], [1, 5]],
      [c.roleId.notIn(roles), `users.role_id NOT IN (${ofRoles})`, ["User"], [2, 3]],
      [
        c.roleId.in(roles.orderBy("id").limit(1)),
        `users.role_id IN (${database === "mariadb" ? `SELECT * FROM (${bounded}) AS bounded` : bounded})`,
        ["User", 1],
        [1],
      ],
    ]);
    expect(() => c.roleId.in(Role.query)).toThrow(
      error({
        name: "InvalidRequestError",
        message: "A query in in() must select exactly one column; this one selects 2.",
        hint: "choose the column with .withEntities(Model.c.column)",
      }),
    );
    for (const wrong of [3, null, undefined, "1,2"])
      expect(() => c.id.in(wrong as never)).toThrow(
        error({ name: "ArgumentError", message: expect.stringContaining("Expected an array or a query in in()") }),
      );
    expect(() => c.id.in([1, undefined as never])).toThrow(
      error({ name: "ArgumentError", message: expect.stringContaining("undefined") }),
    );
  });

  it("Q-9: a list longer than any number of parameters stands in the text", async () => {
    const { c } = fixture.User;
    const many = Array.from({ length: 70_000 }, (_, i) => i + 4);
    expect(await ids(c.id.in(many))).toEqual([4, 5]);
    const words = Array.from({ length: 6000 }, (_, i) => `it's \\${i}`);
    expect(await ids(c.username.in([...words, "amy"]))).toEqual([4]);
  });

  it("Q-9: between and notBetween", async () => {
    const { c } = fixture.User;
    await hold([
      [c.age.between(25, 30), "users.age BETWEEN ? AND ?", [25, 30], [1, 2, 5]],
      [c.age.notBetween(25, 30), "users.age NOT BETWEEN ? AND ?", [25, 30], [4]],
      [not(c.age.between(25, 30)), "users.age NOT BETWEEN ? AND ?", [25, 30], [4]],
      [c.age.between(c.id, 30), "users.age BETWEEN users.id AND ?", [30], [1, 2, 5]],
    ]);
  });

  it("Q-9: like takes patterns, contains, startsWith and endsWith take text as it is", async () => {
    const { c } = fixture.User;
    const escaped = "users.username LIKE ? ESCAPE '/'";
    await hold([
      [c.username.like("%a%"), "users.username LIKE ?", ["%a%"], [2, 3, 4]],
      [c.username.notLike("%a%"), "users.username NOT LIKE ?", ["%a%"], [1, 5]],
      [not(c.username.like("%a%")), "users.username NOT LIKE ?", ["%a%"], [1, 5]],
      [c.username.like("per!_%", { escape: "!" }), "users.username LIKE ? ESCAPE '!'", ["per!_%"], [5]],
      [c.username.contains("_"), escaped, ["%/_%"], [5]],
      [c.username.contains("%"), escaped, ["%/%%"], [5]],
      [c.username.contains("5/0%_"), escaped, ["%5//0/%/_%"], []],
      [c.username.startsWith("per_"), escaped, ["per/_%"], [5]],
      [c.username.startsWith("per%"), escaped, ["per/%%"], []],
      [c.username.endsWith("t%"), escaped, ["%t/%"], [5]],
      [c.username.endsWith("n"), escaped, ["%n"], [1, 2]],
      [not(c.username.endsWith("n")), "users.username NOT LIKE ? ESCAPE '/'", ["%n"], [3, 4, 5]],
    ]);
    expect(() => c.username.like("x", { escape: "ab" })).toThrow(
      error({ name: "ArgumentError", message: expect.stringContaining("Expected one character as the escape") }),
    );
  });

  it("Q-9: contains of another column takes its % and _ as themselves too", async () => {
    const { c } = fixture.User;
    expect(await ids(c.username.contains(c.username))).toEqual([1, 2, 3, 4, 5]);
    expect(await ids(literal("perXcentX").startsWith(c.username))).toEqual([]);
    expect(await ids(literal("johnny").startsWith(c.username))).toEqual([1]);
  });

  it("Q-9: ilike ignores case on every database", async () => {
    const { c } = fixture.User;
    const postgres = fixture.database === "postgres";
    const ilike = postgres ? "users.username ILIKE ?" : "lower(users.username) LIKE lower(?)";
    const notIlike = postgres ? "users.username NOT ILIKE ?" : "lower(users.username) NOT LIKE lower(?)";
    await hold([
      [c.username.ilike("JO%"), ilike, ["JO%"], [1]],
      [c.username.notIlike("%A%"), notIlike, ["%A%"], [1, 5]],
      [not(c.username.ilike("%A%")), notIlike, ["%A%"], [1, 5]],
      [c.username.ilike("PER!_%", { escape: "!" }), `${ilike} ESCAPE '!'`, ["PER!_%"], [5]],
    ]);
    expect(await ids(c.id.like("1%"))).toEqual([1]);
  });

  it("Q-9: and, or and not, with brackets where they are needed and nowhere else", async () => {
    const { c } = fixture.User;
    const a = c.id.eq(1);
    const b = c.id.eq(2);
    const d = c.active.eq(true);
    expect(where(and(or(a, b), d))).toBe("(users.id = ? OR users.id = ?) AND users.active = ?");
    expect(where(or(and(a, d), b))).toBe("users.id = ? AND users.active = ? OR users.id = ?");
    expect(where(or(or(a, b), d))).toBe("users.id = ? OR users.id = ? OR users.active = ?");
    expect(where(not(or(a, b)))).toBe("NOT (users.id = ? OR users.id = ?)");
    expect(where(not(not(a)))).toBe("users.id = ?");
    expect(where(not(a))).toBe("users.id != ?");
    expect(where(and())).toBe("1 = 1");
    expect(where(or())).toBe("1 = 0");
    expect(where(and(text("a = 1 OR b = 2"), a))).toBe("(a = 1 OR b = 2) AND users.id = ?");
    expect(await ids(and(or(a, b), d))).toEqual([1, 2]);
    expect(await ids(not(or(a, b, c.age.eq(25))))).toEqual([4]);
    expect(await ids(c.active)).toEqual([1, 2, 4]);
    expect(await ids(not(c.active))).toEqual([3, 5]);
    expect(() => and(true as never)).toThrow(/Expected a condition in and\(\), got true/);
  });

  it("Q-9: whole numbers compare with fractions", async () => {
    const { c } = fixture.User;
    expect(await ids(c.age.gt(29.5))).toEqual([1, 4]);
    expect(await ids(c.age.between(24.5, 30.5))).toEqual([1, 2, 5]);
    expect(await ids(c.age.eq(25.5))).toEqual([]);
    expect(await ids(func.coalesce(c.age, 0.5).lt(1))).toEqual([3]);
    const half = when(c.age.isNull(), c.age).otherwise(0.5 as never);
    expect((await fixture.User.query.withEntities(half.label("h")).orderBy("id").all()).map((row) => row.h)).toContain(
      0.5,
    );
    expect(() => c.age.gt(NaN)).toThrow("Expected a whole number for User.age");
  });

  it("Q-9: arithmetic keeps its meaning, and division its fraction", async () => {
    const { User } = fixture;
    const { c } = User;
    const one = User.query.filterBy({ id: 5 });
    const row = await one
      .withEntities(
        c.age.add(1).label("a"),
        c.age.sub(c.id).mul(2).label("b"),
        c.age.sub(c.id.sub(1)).label("c"),
        c.age.div(2).label("d"),
        c.age.mod(7).label("e"),
        c.age.div(c.id.add(5)).mul(4).label("f"),
        c.age.add(0.5).label("g"),
      )
      .one();
    expect([...row]).toEqual([26, 40, 21, 12.5, 4, 10, 25.5]);
    expect(sqlOf(one.withEntities(c.age.sub(c.id.sub(1)).label("c")))).toMatch(/users\.age - \(users\.id - \?\) AS c/);
    expect(sqlOf(one.withEntities(c.age.sub(c.id).sub(1).label("c")))).toMatch(/users\.age - users\.id - \? AS c/);
    expect(await ids(c.age.mul(2).gt(60))).toEqual([4]);
  });

  it("Q-9: concat, cast, case and functions", async () => {
    const { User } = fixture;
    const { c } = User;
    const size = when(c.age.lt(30), "young").when(c.age.isNull(), "unknown").otherwise("old");
    const rows = await User.query
      .withEntities(
        c.username.concat("/", c.id).label("path"),
        size.label("size"),
        cast(c.id, "text").label("text"),
        c.id.cast(DataTypes.STRING(10)).label("string"),
        literal("42").cast("integer").label("number"),
        func.coalesce(c.age, 0).label("age"),
        func.upper(c.username).label("loud"),
        when(c.id.gt(4), c.id).label("big"),
        func.nullif(c.id, 1).label("n"),
      )
      .orderBy("id")
      .all();
    expect([...(rows[0] ?? [])]).toEqual(["john/1", "old", "1", "1", 42, 30, "JOHN", null, null]);
    expect([...(rows[2] ?? [])]).toEqual(["david/3", "unknown", "3", "3", 42, 0, "DAVID", null, 3]);
    expect([...(rows[4] ?? [])]).toEqual(["per_cent%/5", "young", "5", "5", 42, 25, "PER_CENT%", 5, 5]);
    expect(sqlOf(User.query.withEntities(size.label("size")))).toBe(
      "SELECT CASE WHEN users.age < ? THEN ? WHEN users.age IS NULL THEN ? ELSE ? END AS size FROM users",
    );
    expect(await ids(func.lower(c.username).eq("john"))).toEqual([1]);
    expect(() => cast(c.id, "integer); DROP TABLE users")).toThrow(/it is not a type/);
    const [decimals] = await User.query
      .filterBy({ id: 1 })
      .withEntities(
        c.id.cast("decimal(10, 2)"),
        literal(1.239).cast(DataTypes.DECIMAL(10, 2)),
        c.id.cast("decimal(10)"),
      )
      .all();
    expect([...(decimals ?? [])]).toEqual(["1.00", "1.24", "1"]);
  });

  it("Q-9: aggregates give numbers on every database", async () => {
    const { User, Item } = fixture;
    const { c } = User;
    const row = await User.query
      .withEntities(
        func.count().label("all"),
        func.count(c.age).label("known"),
        func.count(c.age.distinct()).label("different"),
        func.sum(c.age).label("sum"),
        func.avg(c.age).label("avg"),
        func.min(c.username).label("first"),
        func.max(c.age).label("oldest"),
      )
      .one();
    expect([...row]).toEqual([5, 4, 3, 121, 30.25, "amy", 41]);
    const prices = await Item.query
      .withEntities(func.sum(Item.c.price).label("sum"), func.max(Item.c.price).label("max"))
      .one();
    expect([prices.sum, prices.max]).toEqual(["130.50", "120.00"]);
    expect(
      await Item.query.withEntities(Item.c.id).groupBy("id").having(func.sum(Item.c.price).gt("99.5")).scalar(),
    ).toBe(2);
    expect((await User.query.filterBy({ id: 99 }).withEntities(func.sum(c.age)).one())[0]).toBeNull();
  });

  it("a whole number beyond 64 bits is refused, and is a decimal as the hint says", async () => {
    const { User } = fixture;
    expect(() => literal(12345678901234567890n)).toThrow(
      expect.objectContaining({
        message: "Cannot use 12345678901234567890 as a value in literal(): it has more than 64 bits.",
        hint: 'cast("12345678901234567890", "decimal(20)")',
      }) as Error,
    );
    const greatest = User.query.withEntities(literal(2n ** 63n - 1n), literal(-(2n ** 63n))).limit(1);
    expect([...(await greatest.one())]).toEqual(["9223372036854775807", "-9223372036854775808"]);
    const decimal = User.query.withEntities(cast("12345678901234567890", "decimal(20)")).limit(1);
    if (fixture.database !== "sqlite") expect(await decimal.scalar()).toBe("12345678901234567890");
  });

  it("count() counts rows or a column, and no text", async () => {
    const { User } = fixture;
    expect(sqlOf(User.query.withEntities(func.count("*")))).toBe("SELECT count(*) AS count FROM users");
    expect(await User.query.withEntities(func.count("*")).scalar()).toBe(5);
    expect(() => func.count("id" as never)).toThrow(
      expect.objectContaining({ hint: "func.count(User.c.id), or func.count() for rows" }) as Error,
    );
    expect(() => func.count(User as never)).toThrow(/Expected a column in func.count\(\)/);
    expect(await User.query.withEntities(func.count(User.c.age.distinct())).scalar()).toBe(3);
    expect(await User.query.withEntities(func.count(literal(1))).scalar()).toBe(5);
  });

  it("Q-9: windows", async () => {
    const { User } = fixture;
    const { c } = User;
    expect(() => func.row_number().over({ orderBy: "id" as never })).toThrow(/Expected a column in over/);
    const place = func.row_number().over({ partitionBy: c.active, orderBy: [c.age.desc().nullsFirst(), c.id] });
    const places = await User.query.withEntities(c.id, place.label("n")).orderBy("id").all();
    expect(places.map((row) => row.n)).toEqual([2, 3, 1, 1, 2]);
    const byAge = func.row_number().over({ partitionBy: c.active, orderBy: c.id.desc() });
    const rows = await User.query.withEntities(c.id, byAge.label("place")).orderBy("id").all();
    expect(rows.map((row) => row.place)).toEqual([3, 2, 2, 1, 1]);
    const total = func.count().over();
    expect((await User.query.withEntities(total.label("n")).limit(1).one()).n).toBe(5);
  });

  it("Q-9: any operator of the database, and nothing else", async () => {
    const { c } = fixture.User;
    const and = /^\(?users\.id & \?(::integer)?\)? (=|>) \?$/;
    await hold([
      [c.id.op("&", 1).eq(1), and, [1, 1], [1, 3, 5]],
      [c.id.op("&")(4).gt(0), and, [4, 0], [4, 5]],
    ]);
    for (const operator of ["= 1 OR 1", "--", "/*", "; DROP", "", "=1", "'", "(", "&--", "IN (1)"]) {
      expect(() => c.id.op(operator, 1), operator).toThrow(
        error({ name: "ArgumentError", message: expect.stringContaining("as an operator in op()") }),
      );
    }
    if (fixture.database !== "postgres") expect(() => String(c.id.op("?", 1))).toThrow(/marks a parameter/);
  });

  it("takes text with named parameters, lists and casts", async () => {
    expect(await ids(text("users.id = :id", { id: 2 }))).toEqual([2]);
    expect(await ids(text("users.id IN (:ids) AND users.username <> ':ids'", { ids: [1, 2] }))).toEqual([1, 2]);
    expect(await ids(text("users.username = 'it''s :no' OR users.id = :id -- :no", { id: 3 }))).toEqual([3]);
    expect(() => text("id = :a")).toThrow("A value is required for bind parameter 'a'");
    expect(() => text("id = :a", { a: 1, b: 2 })).toThrow('The text has no parameter ":b"');
    const mark = fixture.User.query.filter(text("users.id = ?"));
    if (fixture.database === "postgres") expect(mark.sql).toMatch(/users\.id = \?$/);
    else expect(() => mark.sql).toThrow(/Cannot use \? in SQL text/);
    expect(await ids(text("users.username <> 'what?' AND users.id = :id", { id: 4 }))).toEqual([4]);
    expect(() => text("id IN (:ids)", { ids: [] })).toThrow(/empty list/);
    expect(() => text(3 as never)).toThrow(/Expected SQL in text\(\)/);
    const { c } = fixture.User;
    expect(await ids(text("length(:name) = 4", { name: c.username }))).toEqual([1]);
    expect(where(text("a\\:b = :x::text", { x: 1 }))).toBe("a:b = ?::text");
  });

  it("takes names of functions, and nothing else", () => {
    for (const name of ["lower(", "a b", "1a", "", "x;y", 'x"', "a.", "lower--"]) {
      expect(() => func[name]?.(), name).toThrow(/as the name of a function/);
    }
    expect(plain(String(func["pg_catalog.lower"]?.("X")))).toBe("pg_catalog.lower('X')");
  });

  it("copies values when they are given, so later changes of them do not count", async () => {
    const { Sample } = fixture;
    const date = new Date("2026-01-31T10:00:00.000Z");
    const bytes = Buffer.from("abc");
    const list = [1, 2];
    const query = Sample.query.filter(Sample.c.at.eq(date), Sample.c.bytes.eq(bytes), Sample.c.id.in(list));
    const before = query.sql;
    date.setFullYear(1999);
    bytes.fill(0);
    list.push(3);
    expect(query.sql).toBe(before);
    const free = new Date("2026-01-31T10:00:00.000Z");
    const shown = literal(free);
    const text1 = String(shown);
    free.setFullYear(1999);
    expect(String(shown)).toBe(text1);
    expect(await query.all()).toEqual([]);
  });

  it("sends values of no column by their own type", async () => {
    const { executor } = fixture;
    const date = new Date("2026-01-31T10:00:00.250Z");
    const row = await Query.of(
      () => executor,
      literal(1),
      literal(2.5),
      literal("it's"),
      literal(true),
      literal(null),
      literal(9007199254740993n),
      literal(Buffer.from([0, 255])),
      literal(date),
      literal(-3),
    ).one();
    expect(row.slice(0, 7)).toEqual([1, 2.5, "it's", true, null, "9007199254740993", Buffer.from([0, 255])]);
    expect(row[7]).toEqual(date);
    expect(row[8]).toBe(-3);
    expect(() => literal(undefined)).toThrow(/Cannot use undefined/);
    expect(() => literal(new Date(NaN))).toThrow(/invalid date/);
    expect(() => literal(Symbol("x") as never)).toThrow(/as a value in literal\(\)/);
  });

  it("G-02: an expression has no value in JavaScript and is its SQL as text", () => {
    const { c } = fixture.User;
    const condition = c.id.eq(1);
    expect(() => (condition as unknown as number) + 1).toThrow(/has no value in JavaScript/);
    expect(() => Boolean((c.id as unknown as number) > 1)).toThrow(/has no value in JavaScript/);
    expect(`${condition as unknown as string}`).toBe("users.id = 1");
    expect(inspect(condition)).toBe("<Expression users.id = 1>");
    expect(inspect(c.username)).toBe("<Column users.username>");
    expect(inspect(asc(c.username))).toContain("Ordering");
    expect(() => (fixture.User.c as unknown as Record<string, unknown>)["usernam"]).toThrow(
      expect.objectContaining({ hint: 'did you mean "username"?' }) as Error,
    );
  });

  it("G-10: whole numbers beyond 2^53 are compared and read exactly", async () => {
    const { Sample } = fixture;
    const { c } = Sample;
    await Sample.destroy({ where: {}, transaction: fixture.executor.connection.handle ?? null });
    const run = (sql: string): Promise<unknown> => fixture.executor.connection.run(sql);
    await run("INSERT INTO samples (id, big, price) VALUES (1, 9007199254740993, 10.1), (2, 9007199254740992, 2.5)");
    expect((await Sample.query.filterBy({ big: "9007199254740993" }).one()).big).toBe("9007199254740993");
    expect((await Sample.query.filter(c.big.eq("9007199254740992")).one()).id).toBe(2);
    const total = Sample.query
      .withEntities(func.max(c.big).label("max"))
      .having(func.max(c.big).eq("9007199254740993"));
    expect((await total.one()).max).toBe("9007199254740993");
    expect((await Sample.query.filter(c.big.add("1").eq(9007199254740994n as never)).all()).map((s) => s.id)).toEqual([
      1,
    ]);
    expect((await Sample.query.filter(c.price.add("0.4").gt("10.45")).all()).map((s) => s.price)).toEqual(["10.100"]);
  });
});
