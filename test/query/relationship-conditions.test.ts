import { expect, it } from "vitest";
import { InvalidRequestError } from "../../src/errors";
import { aliased, and, not } from "../../src/query/expressions";
import type { RunnableQuery } from "../../src/query/runnable-query";
import { describeQueries, tailOf } from "./fixture";

const ids = async (query: RunnableQuery<{ id: number }>): Promise<number[]> =>
  (await query.all()).map((row) => row.id).sort((a, b) => a - b);

describeQueries("Relationship conditions", (fixture) => {
  it("Q-6: filterBy takes an object, whose key is read when the query is run", async () => {
    const { User, Role } = fixture;
    const role = Role.build({ id: 3, name: "User" });
    const query = User.query.filterBy({ role });
    expect(tailOf(query)).toBe("users WHERE users.role_id = ?");
    expect(query.toSQL().parameters).toEqual([3]);
    expect(await ids(query)).toEqual([2, 3]);
    role.setDataValue("id", 1);
    expect(await ids(query)).toEqual([1]);
  });

  it("Q-6: an object that the flush gives its key works", async () => {
    const { User, Role, executor } = fixture;
    const role = Role.build({ name: "User" });
    const query = User.query.filterBy({ role });
    executor.onAutoflush = () => role.setDataValue("id", 3);
    expect(await ids(query)).toEqual([2, 3]);
  });

  it("Q-6: an object without a key can be shown, and is refused when it is run", async () => {
    const { User, Role, sent } = fixture;
    const query = User.query.filterBy({ role: Role.build({ name: "new" }) });
    expect(String(query)).toMatch(/WHERE users\.role_id = NULL$/);
    expect(query.toSQL().parameters).toEqual([null]);
    await expect(query.all()).rejects.toThrow(
      "Can't resolve value for column roles.id on object Role; no value has been set for this column",
    );
    await expect(query.count()).rejects.toThrow("Can't resolve value for column roles.id");
    expect(sent()).toEqual([]);
  });

  it("Q-6: null is no object; ne takes in those without one", async () => {
    const { User, Role } = fixture;
    expect(tailOf(User.query.filterBy({ role: null }))).toBe("users WHERE users.role_id IS NULL");
    expect(await ids(User.query.filterBy({ role: null }))).toEqual([4]);
    const role = Role.build({ id: 3, name: "User" });
    const query = User.query.filter(User.c.role.ne(role));
    expect(tailOf(query)).toBe("users WHERE users.role_id != ? OR users.role_id IS NULL");
    expect(await ids(query)).toEqual([1, 4, 5]);
    expect(await ids(User.query.filter(User.c.role.ne(null)))).toEqual([1, 2, 3, 5]);
    expect(await ids(User.query.filter(User.c.role.isNull()))).toEqual([4]);
    expect(await ids(User.query.filter(and(User.c.role.ne(role), User.c.id.gt(1))))).toEqual([4, 5]);
  });

  it("Q-7: what is no object of the related model is refused", () => {
    const { User, Role, Item } = fixture;
    const message = "Mapped instance expected for relationship comparison to object.";
    expect(() => User.query.filterBy({ role: 3 } as object)).toThrow(message);
    expect(() => User.query.filterBy({ role: "x" } as object)).toThrow(message);
    expect(() => User.query.filterBy({ role: {} } as object)).toThrow(message);
    expect(() => User.query.filterBy({ role: Item.build({ title: "x" }) } as object)).toThrow(
      "Cannot compare User.role with an object of class Item: it leads to Role.",
    );
    expect(() => User.c.role.eq(undefined as never)).toThrow(/Cannot use undefined in eq\(\)/);
    const collection = (): unknown => Role.query.filterBy({ users: [User.build({ username: "x" })] });
    expect(collection).toThrow(InvalidRequestError);
    expect(collection).toThrow(
      "Can't compare a collection to an object or collection; use contains() to test for membership.",
    );
    expect(() => User.c.role.in([])).toThrow(expect.objectContaining({ name: "NotImplementedError" }) as Error);
  });

  it("Q-10: any() and has() are EXISTS on the related rows", async () => {
    const { User, Role } = fixture;
    const any = Role.query.filter(Role.c.users.any(User.c.age.gt(28)));
    expect(tailOf(any)).toBe(
      "roles WHERE EXISTS (SELECT 1 FROM users WHERE roles.id = users.role_id AND users.age > ?)",
    );
    expect(await ids(any)).toEqual([1]);
    expect(await ids(Role.query.filter(Role.c.users.any()))).toEqual([1, 2, 3]);
    expect(await ids(Role.query.filter(Role.c.users.any({ username: "susan" })))).toEqual([3]);
    expect(await ids(Role.query.filter(Role.c.users.any(User.c.active.eq(true), User.c.age.lt(30))))).toEqual([3]);
    const has = User.query.filter(User.c.role.has({ name: "User" }));
    expect(tailOf(has)).toBe(
      "users WHERE EXISTS (SELECT 1 FROM roles WHERE roles.id = users.role_id AND roles.name = ?)",
    );
    expect(await ids(has)).toEqual([2, 3]);
  });

  it("Q-10: not() of them is NOT EXISTS", async () => {
    const { Role, User } = fixture;
    const query = Role.query.filter(not(Role.c.users.any()));
    expect(tailOf(query)).toBe("roles WHERE NOT EXISTS (SELECT 1 FROM users WHERE roles.id = users.role_id)");
    expect(await ids(query)).toEqual([4]);
    expect(await ids(User.query.filter(not(User.c.role.has({ name: "User" }))))).toEqual([1, 4, 5]);
  });

  it("Q-10: a table that refers to itself gets another name inside", async () => {
    const { Node } = fixture;
    const query = Node.query.filter(Node.c.children.any(Node.c.name.eq("leaf")));
    expect(tailOf(query)).toBe(
      "nodes WHERE EXISTS (SELECT 1 FROM nodes AS nodes_1 WHERE nodes.id = nodes_1.parent_id AND nodes_1.name = ?)",
    );
    expect(await ids(query)).toEqual([2]);
    expect(await ids(Node.query.filter(Node.c.parent.has({ name: "root" })))).toEqual([2, 3]);
    const grandchild = Node.query.filter(Node.c.children.any(Node.c.children.any({ name: "leaf" })));
    expect(await ids(grandchild)).toEqual([1]);
    const other = aliased(Node, "other");
    const query2 = Node.query.join(other, other.c.parentId.eq(Node.c.id)).filter(other.c.children.any());
    expect(await ids(query2)).toEqual([1]);
  });

  it("Q-10: a many-to-many relationship takes its association table inside", async () => {
    const { Item, Keyword } = fixture;
    const query = Item.query.filter(Item.c.keywords.any(Keyword.c.word.eq("home")));
    expect(tailOf(query)).toBe(
      "items WHERE EXISTS (SELECT 1 FROM keywords, item_keywords WHERE items.id = item_keywords.item_id " +
        "AND keywords.id = item_keywords.keyword_id AND keywords.word = ?)",
    );
    expect(await ids(query)).toEqual([1, 2]);
    expect(await ids(Keyword.query.filter(not(Keyword.c.items.any({ title: "desk" }))))).toEqual([1]);
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
    expect(() => User.c.role.any()).toThrow("'any()' not implemented for scalar attributes. Use has().");
    expect(() => Role.c.users.has()).toThrow("'has()' not implemented for collections. Use any().");
    expect(() => User.c.role.contains(new Role({ name: "x" }))).toThrow(/'contains' not implemented for scalar/);
  });

  it("Q-10: contains() finds the rows whose collection has the object", async () => {
    const { User, Role, Item, Keyword } = fixture;
    const susan = User.build({ id: 2, username: "susan", roleId: 3 });
    const query = Role.query.filter(Role.c.users.contains(susan));
    expect(tailOf(query)).toBe("roles WHERE roles.id = ?");
    expect(await ids(query)).toEqual([3]);
    const wood = Keyword.build({ id: 2, word: "wood" });
    const items = Item.query.filter(Item.c.keywords.contains(wood));
    expect(tailOf(items)).toBe(
      "items WHERE EXISTS (SELECT 1 FROM item_keywords WHERE items.id = item_keywords.item_id AND item_keywords.keyword_id = ?)",
    );
    expect(await ids(items)).toEqual([2]);
    expect(await ids(Item.query.filter(not(Item.c.keywords.contains(wood))))).toEqual([1, 3]);
  });

  it("Q-10: an empty collection is one that equals null", async () => {
    const { Role, Item } = fixture;
    expect(await ids(Role.query.filter(Role.c.users.eq(null)))).toEqual([4]);
    expect(await ids(Role.query.filter(Role.c.users.isNotNull()))).toEqual([1, 2, 3]);
    expect(await ids(Item.query.filter(Item.c.keywords.isNull()))).toEqual([3]);
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
