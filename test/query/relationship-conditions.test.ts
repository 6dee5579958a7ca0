import { expect, it } from "vitest";
import { aliased, and, not, or } from "../../src/query/expressions";
import type { RunnableQuery } from "../../src/query/runnable-query";
import { describeQueries, error, tailOf } from "./fixture";

const ids = async (query: RunnableQuery<{ id: number }>): Promise<number[]> =>
  (await query.all()).map((row) => row.id).sort((a, b) => a - b);

describeQueries("Relationship conditions", (fixture) => {
  it("Q-6: filterBy takes an object, whose key is read when the query is run", async () => {
    const { User, Role, outcome } = fixture;
    const role = Role.build({ id: 3, name: "User" });
    const query = User.query.filterBy({ role });
    const sql = "SELECT users.* FROM users WHERE users.role_id = ?";
    expect(tailOf(query)).toBe("users WHERE users.role_id = ?");
    expect(query.toSQL().parameters).toEqual([3]);
    expect(await outcome(query.all())).toEqual([sql, [3], [2, 3]]);
    role.setDataValue("id", 1);
    expect(query.toSQL().parameters).toEqual([1]);
    expect(await outcome(query.all())).toEqual([sql, [1], [1]]);
    expect(await outcome(User.query.filter(User.c.role.eq(role), User.c.active.eq(true)).all())).toEqual([
      `${sql} AND users.active = ?`,
      [1, 1],
      [1],
    ]);
  });

  it("Q-6: an object that the flush gives its key works", async () => {
    const { User, Role, executor, outcome } = fixture;
    const role = Role.build({ name: "User" });
    const query = User.query.filterBy({ role });
    expect(query.toSQL().parameters).toEqual([null]);
    executor.onAutoflush = () => role.setDataValue("id", 3);
    expect(await outcome(query.all())).toEqual(["SELECT users.* FROM users WHERE users.role_id = ?", [3], [2, 3]]);
  });

  it("Q-6: an object without a key can be shown, and is refused when it is run", async () => {
    const { User, Role, sent } = fixture;
    const query = User.query.filterBy({ role: Role.build({ name: "new" }) });
    expect(String(query)).toMatch(/WHERE users\.role_id = NULL$/);
    expect(query.toSQL().parameters).toEqual([null]);
    const runs = [
      () => query.all(),
      () => query.first(),
      () => query.one(),
      () => query.count(),
      () => query.delete(),
      () => User.query.filter(User.c.role.ne(Role.build({ name: "new" }))).all(),
    ];
    for (const run of runs)
      await expect(run()).rejects.toMatchObject({
        name: "StatementError",
        message: expect.stringContaining(
          "Can't resolve value for column roles.id on object Role; no value has been set for this column",
        ),
      });
    expect(sent()).toEqual([]);
  });

  it("Q-6: null is no object; ne takes in those without one", async () => {
    const { User, Role, outcome } = fixture;
    const role = Role.build({ id: 3, name: "User" });
    const where = "SELECT users.* FROM users WHERE";
    for (const none of [User.query.filterBy({ role: null }), User.query.filter(User.c.role.isNull())])
      expect(await outcome(none.all())).toEqual([`${where} users.role_id IS NULL`, [], [4]]);
    expect(await outcome(User.query.filter(User.c.role.eq(null)).all())).toEqual([
      `${where} users.role_id IS NULL`,
      [],
      [4],
    ]);
    for (const some of [User.c.role.ne(null), User.c.role.isNotNull()])
      expect(await outcome(User.query.filter(some).all())).toEqual([
        `${where} users.role_id IS NOT NULL`,
        [],
        [1, 2, 3, 5],
      ]);
    expect(await outcome(User.query.filter(User.c.role.ne(role)).all())).toEqual([
      `${where} users.role_id != ? OR users.role_id IS NULL`,
      [3],
      [1, 4, 5],
    ]);
    expect(await outcome(User.query.filter(and(User.c.role.ne(role), User.c.id.gt(1))).all())).toEqual([
      `${where} (users.role_id != ? OR users.role_id IS NULL) AND users.id > ?`,
      [3, 1],
      [4, 5],
    ]);
  });

  it("Q-7: what is no object of the related model is refused", () => {
    const { User, Role, Item, sent } = fixture;
    const message = "Mapped instance expected for relationship comparison to object.";
    const refusal = error({
      name: "ArgumentError",
      message: expect.stringMatching(`^${message} User\\.role leads to Role, got `),
      hint: "pass a Role, or compare the key: User.c.roleId",
    });
    for (const value of [3, "x", {}, true, new Date()]) {
      expect(() => User.query.filterBy({ role: value } as object)).toThrow(refusal);
      expect(() => User.c.role.eq(value as never)).toThrow(refusal);
      expect(() => User.c.role.ne(value as never)).toThrow(refusal);
    }
    expect(() => Role.c.users.contains(3 as never)).toThrow(
      error({
        name: "ArgumentError",
        message: expect.stringContaining(message),
        hint: "pass a User, or compare the key: Role.c.users.any({ id: … })",
      }),
    );
    const item = Item.build({ title: "x" });
    for (const call of [
      () => User.query.filterBy({ role: item } as object),
      () => User.c.role.eq(item as never),
      () => User.c.role.ne(item as never),
    ])
      expect(call).toThrow(
        error({
          name: "ArgumentError",
          message: "Cannot compare User.role with an object of class Item: it leads to Role.",
        }),
      );
    expect(() => User.c.role.eq(undefined as never)).toThrow(
      error({ name: "ArgumentError", message: expect.stringContaining("Cannot use undefined in eq()") }),
    );
    const user = User.build({ username: "x" });
    for (const value of [user, [user], []])
      expect(() => Role.query.filterBy({ users: value } as object)).toThrow(
        error({
          name: "InvalidRequestError",
          message: "Can't compare a collection to an object or collection; use contains() to test for membership.",
          hint: "Role.c.users.contains(object)",
        }),
      );
    expect(() => User.c.role.in([])).toThrow(error({ name: "NotImplementedError", message: expect.any(String) }));
    expect(sent()).toEqual([]);
  });

  it("Q-10: any() and has() are EXISTS on the related rows", async () => {
    const { User, Role, outcome } = fixture;
    const roles = async (...conditions: Parameters<typeof Role.c.users.any>): Promise<unknown[]> => {
      const [sql, ...rest] = await outcome(Role.query.filter(Role.c.users.any(...conditions)).all());
      return [
        sql.replace("SELECT roles.* FROM roles WHERE EXISTS (SELECT 1 FROM users WHERE roles.id = users.role_id", ""),
        ...rest,
      ];
    };
    expect(await roles(User.c.age.gt(28))).toEqual([" AND users.age > ?)", [28], [1]]);
    expect(await roles()).toEqual([")", [], [1, 2, 3]]);
    expect(await roles({ username: "susan" })).toEqual([" AND users.username = ?)", ["susan"], [3]]);
    expect(await roles(User.c.active.eq(true), User.c.age.lt(30))).toEqual([
      " AND users.active = ? AND users.age < ?)",
      [1, 30],
      [3],
    ]);
    expect(await roles(or(User.c.id.eq(1), User.c.id.eq(5)))).toEqual([
      " AND (users.id = ? OR users.id = ?))",
      [1, 5],
      [1, 2],
    ]);
    const has = "SELECT users.* FROM users WHERE EXISTS (SELECT 1 FROM roles WHERE roles.id = users.role_id";
    expect(await outcome(User.query.filter(User.c.role.has({ name: "User" })).all())).toEqual([
      `${has} AND roles.name = ?)`,
      ["User"],
      [2, 3],
    ]);
    expect(await outcome(User.query.filter(User.c.role.has()).all())).toEqual([`${has})`, [], [1, 2, 3, 5]]);
    const both = User.query.filter(User.c.role.has(Role.c.users.any(User.c.age.isNull())));
    expect((await outcome(both.all())).slice(1)).toEqual([[], [2, 3]]);
  });

  it("Q-10: not() of them is NOT EXISTS", async () => {
    const { Role, User, outcome } = fixture;
    const without = "SELECT roles.* FROM roles WHERE NOT EXISTS (SELECT 1 FROM users WHERE roles.id = users.role_id";
    expect(await outcome(Role.query.filter(not(Role.c.users.any())).all())).toEqual([`${without})`, [], [4]]);
    expect(await outcome(Role.query.filter(not(Role.c.users.any(User.c.active.eq(false)))).all())).toEqual([
      `${without} AND users.active = ?)`,
      [0],
      [1, 4],
    ]);
    expect(await outcome(User.query.filter(not(User.c.role.has({ name: "User" }))).all())).toEqual([
      "SELECT users.* FROM users WHERE NOT EXISTS (SELECT 1 FROM roles WHERE roles.id = users.role_id AND roles.name = ?)",
      ["User"],
      [1, 4, 5],
    ]);
  });

  it("Q-10: a table that refers to itself gets another name inside", async () => {
    const { Node, outcome } = fixture;
    const exists = "SELECT nodes.* FROM nodes WHERE EXISTS (SELECT 1 FROM nodes AS nodes_1 WHERE";
    expect(await outcome(Node.query.filter(Node.c.children.any(Node.c.name.eq("leaf"))).all())).toEqual([
      `${exists} nodes.id = nodes_1.parent_id AND nodes_1.name = ?)`,
      ["leaf"],
      [2],
    ]);
    expect(await outcome(Node.query.filter(Node.c.parent.has({ name: "root" })).all())).toEqual([
      `${exists} nodes_1.id = nodes.parent_id AND nodes_1.name = ?)`,
      ["root"],
      [2, 3],
    ]);
    const grandchild = Node.query.filter(Node.c.children.any(Node.c.children.any({ name: "leaf" })));
    expect(await outcome(grandchild.all())).toEqual([
      `${exists} nodes.id = nodes_1.parent_id AND EXISTS (SELECT 1 FROM nodes AS nodes_2 ` +
        "WHERE nodes_1.id = nodes_2.parent_id AND nodes_2.name = ?))",
      ["leaf"],
      [1],
    ]);
    const other = aliased(Node, "other");
    const beside = Node.query.join(other, other.c.parentId.eq(Node.c.id)).filter(other.c.children.any());
    expect(await outcome(beside.all())).toEqual([
      "SELECT nodes.* FROM nodes JOIN nodes AS other ON other.parent_id = nodes.id " +
        "WHERE EXISTS (SELECT 1 FROM nodes AS nodes_1 WHERE other.id = nodes_1.parent_id)",
      [],
      [1],
    ]);
  });

  it("Q-10: a many-to-many relationship takes its association table inside", async () => {
    const { Item, Keyword, outcome } = fixture;
    expect(await outcome(Item.query.filter(Item.c.keywords.any(Keyword.c.word.eq("home"))).all())).toEqual([
      "SELECT items.* FROM items WHERE EXISTS (SELECT 1 FROM keywords, item_keywords " +
        "WHERE items.id = item_keywords.item_id AND keywords.id = item_keywords.keyword_id AND keywords.word = ?)",
      ["home"],
      [1, 2],
    ]);
    expect(await outcome(Keyword.query.filter(not(Keyword.c.items.any({ title: "desk" }))).all())).toEqual([
      "SELECT keywords.* FROM keywords WHERE NOT EXISTS (SELECT 1 FROM items, item_keywords " +
        "WHERE keywords.id = item_keywords.keyword_id AND items.id = item_keywords.item_id AND items.title = ?)",
      ["desk"],
      [1],
    ]);
  });

  it("Q-10: rows are found once each, also by pages", async () => {
    const { Role, Item } = fixture;
    const roles = Role.query.filter(Role.c.users.any()).orderBy("id");
    expect(await ids(roles.offset(1))).toEqual([2, 3]);
    expect(await ids(roles.limit(2).offset(2))).toEqual([3]);
    expect(await ids(Item.query.filter(Item.c.keywords.any()).orderBy("id").offset(1))).toEqual([2]);
    const { User } = fixture;
    await fixture.executor.connection.run("UPDATE users SET role_id = 1 WHERE id < 4");
    expect(await ids(roles.offset(1))).toEqual([2]);
    expect(await ids(Role.query.filter(Role.c.users.any()).union(Role.query.limit(0)).orderBy("id").offset(1))).toEqual(
      [2],
    );
    expect(await ids(User.query.filter(User.c.role.has()).orderBy("id").offset(2))).toEqual([3, 5]);
  });

  it("Q-10: any() and has() refuse the other kind of relationship", () => {
    const { User, Role } = fixture;
    const refused: [() => unknown, string][] = [
      [() => User.c.role.any(), "'any()' not implemented for scalar attributes. Use has()."],
      [() => Role.c.users.has(), "'has()' not implemented for collections. Use any()."],
      [
        () => User.c.role.contains(new Role({ name: "x" })),
        "'contains' not implemented for scalar attributes. Use eq().",
      ],
    ];
    for (const [call, message] of refused) expect(call).toThrow(error({ name: "InvalidRequestError", message }));
  });

  it("Q-10: contains() finds the rows whose collection has the object", async () => {
    const { User, Role, Item, Keyword, outcome, sent } = fixture;
    const susan = User.build({ id: 2, username: "susan", roleId: 3 });
    expect(await outcome(Role.query.filter(Role.c.users.contains(susan)).all())).toEqual([
      "SELECT roles.* FROM roles WHERE roles.id = ?",
      [3],
      [3],
    ]);
    const wood = Keyword.build({ id: 2, word: "wood" });
    const inside =
      "EXISTS (SELECT 1 FROM item_keywords WHERE items.id = item_keywords.item_id AND item_keywords.keyword_id = ?)";
    expect(await outcome(Item.query.filter(Item.c.keywords.contains(wood)).all())).toEqual([
      `SELECT items.* FROM items WHERE ${inside}`,
      [2],
      [2],
    ]);
    expect(await outcome(Item.query.filter(not(Item.c.keywords.contains(wood))).all())).toEqual([
      `SELECT items.* FROM items WHERE NOT ${inside}`,
      [2],
      [1, 3],
    ]);
    const before = sent().length;
    await expect(
      Item.query.filter(Item.c.keywords.contains(Keyword.build({ word: "new" }))).all(),
    ).rejects.toMatchObject({ name: "StatementError" });
    for (const wrong of [3, null, Role.build({ name: "x" })])
      expect(() => Role.c.users.contains(wrong as never)).toThrow(
        error({ name: "ArgumentError", message: expect.any(String) }),
      );
    expect(sent()).toHaveLength(before);
  });

  it("Q-10: an empty collection is one that equals null", async () => {
    const { Role, Item, outcome } = fixture;
    const users = "EXISTS (SELECT 1 FROM users WHERE roles.id = users.role_id)";
    for (const empty of [Role.c.users.eq(null), Role.c.users.isNull()])
      expect(await outcome(Role.query.filter(empty).all())).toEqual([
        `SELECT roles.* FROM roles WHERE NOT ${users}`,
        [],
        [4],
      ]);
    for (const some of [Role.c.users.ne(null), Role.c.users.isNotNull()])
      expect(await outcome(Role.query.filter(some).all())).toEqual([
        `SELECT roles.* FROM roles WHERE ${users}`,
        [],
        [1, 2, 3],
      ]);
    expect(await outcome(Role.query.filterBy({ users: null }).all())).toEqual([
      `SELECT roles.* FROM roles WHERE NOT ${users}`,
      [],
      [4],
    ]);
    const [sql, ...rest] = await outcome(Item.query.filter(Item.c.keywords.isNull()).all());
    expect(sql).toMatch(
      /^SELECT items\.\* FROM items WHERE NOT EXISTS \(SELECT 1 FROM .*items\.id = item_keywords\.item_id/,
    );
    expect(rest).toEqual([[], [3]]);
  });

  it("finds the rows of one object with withParent()", async () => {
    const { User, Role, Item, Keyword, Node } = fixture;
    const role = Role.build({ id: 3, name: "User" });
    expect(tailOf(User.query.withParent(role))).toBe("users WHERE users.role_id = ?");
    expect(await ids(User.query.withParent(role).filterBy({ active: true }))).toEqual([2]);
    expect(await ids(Keyword.query.withParent(Item.build({ id: 1, title: "lamp" })))).toEqual([1, 3]);
    const node = Node.build({ id: 2, name: "left", parentId: 1 });
    expect(() => Node.query.withParent(node)).toThrow(/Could not locate a property/);
    expect(await ids(Node.query.withParent(node, "children"))).toEqual([4]);
    expect(await ids(Node.query.withParent(node, "parent"))).toEqual([1]);
  });
});
