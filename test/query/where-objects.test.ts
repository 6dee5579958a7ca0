import type { WhereOptions } from "sequelize";
import sequelizePackage from "sequelize";
import { expect, it } from "vitest";
import type { Query } from "../../src/query/query";
import { describeQueries, tailOf } from "./fixture";
import type { User as UserModel } from "./models";

const { Op, Sequelize } = sequelizePackage;
const { literal, fn, col, cast, where } = Sequelize;

describeQueries("Where objects of Sequelize", (fixture) => {
  const filtered = (condition: object): Query<UserModel> => fixture.User.query.filter(condition).orderBy("id");
  const text = (condition: object): string => tailOf(fixture.User.query.filter(condition)).replace("users WHERE ", "");

  const same: [string, WhereOptions][] = [
    ["a value", { username: "john" }],
    ["several values", { active: true, age: 25 }],
    ["null", { age: null }],
    ["a list", { id: [1, 2] }],
    ["eq and ne", { id: { [Op.gt]: 1 }, age: { [Op.ne]: 25 } }],
    ["comparisons of one attribute", { id: { [Op.gte]: 2, [Op.lt]: 5 } }],
    ["lte", { id: { [Op.lte]: 2 } }],
    ["ne null", { age: { [Op.ne]: null } }],
    ["is", { age: { [Op.is]: null } }],
    ["not null", { age: { [Op.not]: null } }],
    ["not a value", { age: { [Op.not]: 25 } }],
    ["not a list", { id: { [Op.not]: [1, 2] } }],
    ["not true", { active: { [Op.not]: true } }],
    ["in", { id: { [Op.in]: [1, 5] } }],
    ["in nothing", { id: { [Op.in]: [] } }],
    ["not in", { id: { [Op.notIn]: [1, 5] } }],
    ["between", { id: { [Op.between]: [2, 3] } }],
    ["not between", { id: { [Op.notBetween]: [2, 3] } }],
    ["like", { username: { [Op.like]: "%a%" } }],
    ["not like", { username: { [Op.notLike]: "%a%" } }],
    [
      "starts, ends, substring",
      { [Op.or]: [{ username: { [Op.startsWith]: "jo" } }, { username: { [Op.endsWith]: "y" } }] },
    ],
    ["substring", { username: { [Op.substring]: "us" } }],
    ["or of one attribute", { id: { [Op.or]: [1, { [Op.gt]: 4 }] } }],
    ["or with an object", { id: { [Op.or]: { [Op.lt]: 2, [Op.gt]: 4 } } }],
    ["and of one attribute", { id: { [Op.and]: [{ [Op.gt]: 1 }, { [Op.lt]: 4 }] } }],
    ["or of conditions", { [Op.or]: [{ id: 1 }, { age: 25, active: false }] }],
    ["or of the attributes of an object", { [Op.or]: { id: 1, age: 25 } }],
    ["and of conditions", { [Op.and]: [{ active: true }, { [Op.or]: [{ id: 1 }, { id: 3 }] }] }],
    ["not of conditions", { [Op.not]: { active: true, id: 1 } }],
    ["not of a list", { [Op.not]: [{ active: true }, { id: 1 }] }],
    [
      "nested",
      { [Op.and]: { active: true, [Op.or]: [{ id: { [Op.lt]: 2 } }, { [Op.not]: { age: { [Op.lt]: 30 } } }] } },
    ],
    ["a literal", literal("id > 3")],
    ["a literal in a list", { [Op.and]: [literal("id > 2"), { active: true }] }],
    ["a literal as a value", { id: { [Op.gt]: literal("2 + 1") } }],
    ["a literal subquery", { roleId: { [Op.in]: literal("(SELECT id FROM roles WHERE name = 'User')") } }],
    ["a column", { id: { [Op.lt]: col("age") } }],
    ["an attribute's column", { roleId: { [Op.lt]: col("id") } }],
    ["Op.col", { roleId: { [Op.gt]: { [Op.col]: "id" } } }],
    ["a function", where(fn("lower", col("username")), "john")],
    ["a function with an operator", where(fn("length", col("username")), Op.gt, 4)],
    ["a function with an object", where(fn("lower", col("username")), { [Op.like]: "%a%" })],
    ["a function with a sign", where(fn("length", col("username")), ">=", 5)],
    ["a function and null", where(fn("nullif", col("age"), 25), "IS", null)],
    ["a cast", where(cast(col("id"), "char"), "2")],
    ["a where among others", { [Op.and]: [where(col("id"), { [Op.gt]: 1 }), { active: true }] }],
    ["a function as a value", { username: fn("lower", "JOHN") }],
  ];

  it.each(same)("means what it means in findAll: %s", async (_name, condition) => {
    const { User, executor } = fixture;
    const transaction = executor.connection.handle ?? null;
    // Sequelize names the table after the model.
    const expected = await executor.connection.exclusive(() =>
      User.findAll({ where: condition, order: [["id", "ASC"]], transaction, raw: true }).catch(() => null),
    );
    const found = (await filtered(condition as object).all()).map((user) => user.id);
    if (expected === null) expect(found.length).toBeGreaterThan(0);
    else expect(found).toEqual((expected as unknown as { id: number }[]).map((user) => user.id));
  });

  it("writes values as parameters and names as they need it", () => {
    expect(text({ username: { [Op.like]: "j%" }, [Op.or]: [{ id: 1 }, { age: { [Op.gte]: 4 } }] })).toBe(
      "users.username LIKE ? AND (users.id = ? OR users.age >= ?)",
    );
    expect(text({ roleId: [1, 2] })).toBe("users.role_id IN (?, ?)");
    expect(text({ [Op.not]: [{ id: 1 }, { id: 2 }] })).toBe("NOT (users.id = ? AND users.id = ?)");
    expect(text(where(fn("lower", col("username")), "x") as object)).toBe("lower(users.username) = ?");
  });

  it("G-15: the empty list is no list of NULL, and its opposite is every row", async () => {
    expect(text({ id: { [Op.in]: [] } })).toBe("1 = 0");
    expect(text({ id: [] })).toBe("1 = 0");
    expect(await filtered({ id: { [Op.notIn]: [] } }).count()).toBe(5);
    expect(await filtered({ [Op.not]: { id: { [Op.in]: [] } } }).count()).toBe(5);
  });

  it("G-09: startsWith, endsWith and substring take % and _ as themselves", async () => {
    expect((await filtered({ username: { [Op.startsWith]: "per_" } }).all()).map((user) => user.id)).toEqual([5]);
    expect(await filtered({ username: { [Op.substring]: "r%t" } }).count()).toBe(0);
    expect(text({ username: { [Op.substring]: "%" } })).toBe("users.username LIKE ? ESCAPE '/'");
  });

  it("takes iLike on every database", async () => {
    expect((await filtered({ username: { [Op.iLike]: "JO%" } }).all()).map((user) => user.id)).toEqual([1]);
    expect((await filtered({ username: { [Op.notILike]: "%A%" } }).all()).map((user) => user.id)).toEqual([1, 5]);
  });

  it("leaves to Sequelize what only it can write", async () => {
    const { database, Sample } = fixture;
    if (database !== "sqlite") {
      expect((await filtered({ username: { [Op.regexp]: "^j" } }).all()).map((user) => user.id)).toEqual([1]);
      expect((await filtered({ username: { [Op.notRegexp]: "a" } }).all()).map((user) => user.id)).toEqual([1, 5]);
    }
    await fixture.executor.connection.run(
      `INSERT INTO samples (id, meta) VALUES (1, '{"a":{"b":1},"c":"x"}'), (2, '{"a":{"b":2}}')`,
    );
    expect((await Sample.query.filter({ meta: { a: { b: 2 } } }).all()).map((each) => each.id)).toEqual([2]);
    expect((await Sample.query.filter({ "meta.c": "x" }).all()).map((each) => each.id)).toEqual([1]);
    if (database === "postgres") {
      const any = filtered({ username: { [Op.like]: { [Op.any]: ["j%", "a%"] } } });
      expect((await any.all()).map((user) => user.id)).toEqual([1, 4]);
    }
  });

  it("mixes with expressions, relationships and joined names", async () => {
    const { User, Role } = fixture;
    const role = Role.build({ id: 3, name: "User" });
    expect((await filtered({ [Op.or]: [User.c.id.eq(1), { role }] }).all()).map((user) => user.id)).toEqual([1, 2, 3]);
    const joined = User.query
      .join("role")
      .filter({ name: "User" })
      .resetJoinpoint()
      .filter({ "$role.id$": { [Op.gt]: 2 } });
    expect(tailOf(joined)).toBe("users JOIN roles ON roles.id = users.role_id WHERE roles.name = ? AND roles.id > ?");
    expect(await joined.count()).toBe(2);
    const both = User.query.join("role").filter({ name: "User", username: { [Op.like]: "s%" }, id: 3, role });
    expect(tailOf(both)).toMatch(
      /WHERE roles\.name = \? AND users\.username LIKE \? AND roles\.id = \? AND users\.role_id = \?$/,
    );
    expect((await both.all()).map((user) => user.username)).toEqual(["susan"]);
    expect(() => User.query.join("role").filter({ nope: 1 })).toThrow('"roles" has no property "nope"');
    expect(await User.query.where({ username: { [Op.like]: "j%" } }, User.c.active.eq(true)).count()).toBe(1);
    expect(() => User.query.filter({ "$role.name$": "x" })).toThrow(
      expect.objectContaining({ hint: 'join it first: .join("role")' }) as Error,
    );
  });

  it("takes no question mark of a literal for a parameter", async () => {
    expect(await filtered({ [Op.and]: [literal("username <> 'what?'"), { id: 1 }] }).count()).toBe(1);
    const bare = filtered({ [Op.and]: [literal("id = ?"), { id: 1 }] });
    if (fixture.database !== "postgres") expect(() => bare.toSQL()).toThrow(/Cannot use \? in SQL text/);
  });

  it("refuses what has no meaning, by name", () => {
    const { User } = fixture;
    const refused: [unknown, string][] = [
      [{ username: { like: "x" } }, '{ username: { [Op.like]: … } }, with Op of "sequelize"'],
      [User.query.subquery(), "query.exists() is a condition"],
      [User.c.id.desc(), "a condition is User.c.id.eq(1)"],
      [[User.c.id.eq(1)], "filter(...conditions)"],
    ];
    for (const [given, hint] of refused)
      expect(() => User.query.filter(given as object)).toThrow(expect.objectContaining({ hint }) as Error);
    expect(() => User.query.filter({ nope: 1 })).toThrow('has no property "nope"');
    expect(() => User.query.filter({ age: undefined })).toThrow(/undefined as the value of "age"/);
    expect(() => User.query.filter({ age: { [Op.gt]: undefined } })).toThrow(/undefined with the operator gt/);
    expect(() => User.query.filter({ age: { gt: 1 } })).toThrow('Unknown operator "gt"');
    expect(() => User.query.filter({ age: {} })).toThrow(/empty object/);
    expect(() => User.query.filter({ [Op.gt]: 1 })).toThrow(/needs an attribute before it/);
    expect(() => User.query.filter({ id: { [Op.between]: [1] } })).toThrow(/Expected two values/);
    expect(() => User.query.filter(where(fn("x; DROP TABLE users"), 1) as object)).toThrow(/as the name of a function/);
    expect(() => User.query.filter(where(col("id"), "= 1 OR 1 =" as never, 1) as object)).toThrow(/as an operator/);
  });

  it("doubles quote characters in names of columns", () => {
    const named = text(where(col('we"ird`name'), 1));
    expect(named).toMatch(fixture.database === "mariadb" ? /^"we"ird""name" = \?$/ : /^"we""ird"name" = \?$/);
  });
});
