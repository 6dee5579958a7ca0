import { inspect } from "node:util";
import { DataTypes } from "sequelize";
import { expect, it } from "vitest";
import type { Condition } from "../../src/query/expressions";
import { and, asc, cast, func, literal, not, or, text, when } from "../../src/query/expressions";
import { Query } from "../../src/query/query";
import { describeQueries, plain, sqlOf, tailOf } from "./fixture";

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

  it("Q-9: comparisons, and NULL, which equals nothing", async () => {
    const { c } = fixture.User;
    expect(await ids(c.age.eq(25))).toEqual([2, 5]);
    expect(await ids(c.age.ne(25))).toEqual([1, 4]);
    expect(await ids(c.age.lt(30))).toEqual([2, 5]);
    expect(await ids(c.age.le(30))).toEqual([1, 2, 5]);
    expect(await ids(c.age.gt(30))).toEqual([4]);
    expect(await ids(c.age.ge(30))).toEqual([1, 4]);
    expect(await ids(c.age.eq(null))).toEqual([3]);
    expect(await ids(c.age.ne(null))).toEqual([1, 2, 4, 5]);
    expect([where(c.age.eq(null)), where(c.age.ne(null))]).toEqual(["users.age IS NULL", "users.age IS NOT NULL"]);
    expect(await ids(c.age.eq(c.id.add(29)))).toEqual([1]);
  });

  it("Q-9: is, isNot, isNull, isNotNull", async () => {
    const { c } = fixture.User;
    expect(await ids(c.age.is(null))).toEqual([3]);
    expect(await ids(c.age.isNot(null))).toEqual([1, 2, 4, 5]);
    expect(await ids(c.age.isNull())).toEqual([3]);
    expect(await ids(c.age.isNotNull())).toEqual([1, 2, 4, 5]);
    expect(await ids(c.active.is(true))).toEqual([1, 2, 4]);
    expect(await ids(c.active.isNot(true))).toEqual([3, 5]);
    expect(where(c.active.is(false))).toBe("users.active IS FALSE");
    expect(await ids(c.age.is(25))).toEqual([2, 5]);
    expect(await ids(c.age.isNot(25))).toEqual([1, 3, 4]);
  });

  it("Q-9: isDistinctFrom counts NULL as a value on every database", async () => {
    const { c } = fixture.User;
    expect(await ids(c.age.isDistinctFrom(25))).toEqual([1, 3, 4]);
    expect(await ids(c.age.isDistinctFrom(null))).toEqual([1, 2, 4, 5]);
    expect(await ids(c.age.isNotDistinctFrom(null))).toEqual([3]);
    expect(await ids(not(c.age.isDistinctFrom(25)))).toEqual([2, 5]);
  });

  it("Q-9: null is refused where the result would be NULL for every row", () => {
    const { c } = fixture.User;
    const refused = [
      () => c.age.lt(null as never),
      () => c.age.between(null as never, 3),
      () => c.username.like(null as never),
      () => c.username.startsWith(null as never),
      () => c.age.add(null as never),
    ];
    for (const call of refused) expect(call).toThrow(expect.objectContaining({ name: "ArgumentError" }) as Error);
    expect(() => c.age.eq(undefined as never)).toThrow(/Cannot use undefined as a value in eq\(\)/);
    expect(() => c.age.eq([1] as never)).toThrow(
      expect.objectContaining({ hint: "use in([…]) for a list of values" }) as Error,
    );
    expect(() => c.age.eq("old" as never)).toThrow("Expected a whole number for User.age");
  });

  it("Q-9: in and notIn, of values, of nothing, with NULL, of a query", async () => {
    const { User, Role } = fixture;
    const { c } = User;
    expect(await ids(c.id.in([1, 3]))).toEqual([1, 3]);
    expect(await ids(c.id.notIn([1, 3]))).toEqual([2, 4, 5]);
    expect(where(c.id.in([]))).toBe("1 = 0");
    expect(await ids(c.id.in([]))).toEqual([]);
    expect(await ids(c.id.notIn([]))).toEqual([1, 2, 3, 4, 5]);
    expect(await ids(not(c.id.in([])))).toEqual([1, 2, 3, 4, 5]);
    expect(where(c.age.in([25, null]))).toBe("users.age IN (?, ?)");
    expect(await ids(c.age.in([25, null]))).toEqual([2, 5]);
    expect(await ids(c.age.notIn([25, null]))).toEqual([]);
    const roles = Role.query.filter(Role.c.name.ne("User")).withEntities(Role.c.id);
    expect(where(c.roleId.in(roles))).toBe("users.role_id IN (SELECT roles.id FROM roles WHERE roles.name != ?)");
    expect(await ids(c.roleId.in(roles))).toEqual([1, 5]);
    expect(await ids(c.roleId.in(roles.orderBy("id").limit(1)))).toEqual([1]);
    expect(() => c.roleId.in(Role.query)).toThrow("must select exactly one column; this one selects 2");
    expect(() => c.id.in(3 as never)).toThrow(/Expected an array or a query in in\(\)/);
    expect(await ids(c.id.in(new Set([4, 5]) as never))).toEqual([4, 5]);
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
    expect(await ids(c.age.between(25, 30))).toEqual([1, 2, 5]);
    expect(await ids(c.age.notBetween(25, 30))).toEqual([4]);
    expect(where(not(c.age.between(25, 30)))).toBe("users.age NOT BETWEEN ? AND ?");
  });

  it("Q-9: like takes patterns, contains, startsWith and endsWith take text as it is", async () => {
    const { c } = fixture.User;
    expect(await ids(c.username.like("%a%"))).toEqual([2, 3, 4]);
    expect(await ids(c.username.notLike("%a%"))).toEqual([1, 5]);
    expect(await ids(c.username.like("per!_%", { escape: "!" }))).toEqual([5]);
    expect(await ids(c.username.contains("_"))).toEqual([5]);
    expect(await ids(c.username.contains("%"))).toEqual([5]);
    expect(await ids(c.username.startsWith("per_"))).toEqual([5]);
    expect(await ids(c.username.startsWith("per%"))).toEqual([]);
    expect(await ids(c.username.endsWith("t%"))).toEqual([5]);
    expect(await ids(c.username.endsWith("n"))).toEqual([1, 2]);
    expect(where(c.username.contains("50%"))).toBe("users.username LIKE ? ESCAPE '/'");
    expect(fixture.User.query.filter(c.username.contains("5/0%_")).toSQL().parameters).toEqual(["%5//0/%/_%"]);
    expect(() => c.username.like("x", { escape: "ab" })).toThrow(/Expected one character as the escape/);
  });

  it("Q-9: contains of another column takes its % and _ as themselves too", async () => {
    const { c } = fixture.User;
    expect(await ids(c.username.contains(c.username))).toEqual([1, 2, 3, 4, 5]);
    expect(await ids(literal("perXcentX").startsWith(c.username))).toEqual([]);
    expect(await ids(literal("johnny").startsWith(c.username))).toEqual([1]);
  });

  it("Q-9: ilike ignores case on every database", async () => {
    const { c } = fixture.User;
    expect(await ids(c.username.ilike("JO%"))).toEqual([1]);
    expect(await ids(c.username.notIlike("%A%"))).toEqual([1, 5]);
    expect(where(c.username.ilike("x"))).toBe(
      fixture.database === "postgres" ? "users.username ILIKE ?" : "lower(users.username) LIKE lower(?)",
    );
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
    expect(await ids(c.id.op("&", 1).eq(1))).toEqual([1, 3, 5]);
    expect(await ids(c.id.op("&")(4).gt(0))).toEqual([4, 5]);
    for (const operator of ["= 1 OR 1", "--", "/*", "; DROP", "", "=1", "'", "(", "&--", "IN (1)"]) {
      expect(() => c.id.op(operator, 1), operator).toThrow(/as an operator in op\(\)/);
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
