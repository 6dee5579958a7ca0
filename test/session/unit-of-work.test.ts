// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import { DataTypes, fn, literal } from "sequelize";
import type { Model, ModelStatic, Sequelize } from "sequelize";
import { expect, it } from "vitest";
import { CircularDependencyError, IntegrityError, PendingRollbackError, StaleDataError } from "../../src/errors";
import type { AnyModel } from "./fixture";
import { defineRoles, describeSession, unpacked } from "./fixture";

const ID = { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true };

function defineAll(sequelize: Sequelize) {
  const define = (name: string, attributes: object, options: object = {}): ModelStatic<Model> =>
    sequelize.define(name, { id: ID, ...attributes } as never, { timestamps: false, ...options });
  const Node = define("Node", { name: DataTypes.STRING, parentId: DataTypes.INTEGER }, { tableName: "nodes" });
  Node.belongsTo(Node, { as: "parent", foreignKey: "parentId", constraints: true });
  Node.hasMany(Node, { as: "children", foreignKey: "parentId", orderBy: "id" });
  const Ring = define("Ring", { name: DataTypes.STRING, nextId: DataTypes.INTEGER }, { tableName: "rings" });
  Ring.belongsTo(Ring, { as: "next", foreignKey: "nextId", postUpdate: true });
  const Item = define("Item", { name: DataTypes.STRING }, { tableName: "items" });
  const Keyword = define("Keyword", { word: DataTypes.STRING }, { tableName: "keywords" });
  const through = { through: "item_keywords", timestamps: false };
  Item.belongsToMany(Keyword, {
    ...through,
    as: "keywords",
    foreignKey: "itemId",
    otherKey: "keywordId",
    orderBy: "id",
  });
  Keyword.belongsToMany(Item, { ...through, as: "items", foreignKey: "keywordId", otherKey: "itemId", orderBy: "id" });
  const Order = define("Order", { number: DataTypes.STRING }, { tableName: "orders" });
  const Line = define("Line", { text: DataTypes.STRING, orderId: DataTypes.INTEGER }, { tableName: "lines" });
  Order.hasMany(Line, { as: "lines", foreignKey: "orderId", cascade: "all, delete-orphan", orderBy: "id" });
  Line.belongsTo(Order, { as: "order", foreignKey: "orderId" });
  const Note = define("Note", { text: DataTypes.STRING, lineId: DataTypes.INTEGER }, { tableName: "notes" });
  Line.hasMany(Note, { as: "notes", foreignKey: "lineId", cascade: "all" });
  Note.belongsTo(Line, { as: "line", foreignKey: "lineId" });
  const Folder = define("Folder", { name: DataTypes.STRING }, { tableName: "folders" });
  const Paper = define("Paper", { text: DataTypes.STRING, folderId: DataTypes.INTEGER }, { tableName: "papers" });
  Folder.hasMany(Paper, {
    as: "papers",
    foreignKey: "folderId",
    cascade: "all",
    passiveDeletes: true,
    onDelete: "CASCADE",
  });
  Paper.belongsTo(Folder, { as: "folder", foreignKey: "folderId", onDelete: "CASCADE" });
  const Shelf = define("Shelf", { name: DataTypes.STRING }, { tableName: "shelves" });
  const Book = define("Book", { title: DataTypes.STRING, shelfId: DataTypes.INTEGER }, { tableName: "books" });
  Shelf.hasMany(Book, { as: "books", foreignKey: "shelfId", orderBy: "id" });
  const Album = define("Album", { name: DataTypes.STRING }, { tableName: "albums" });
  const Photo = define("Photo", { text: DataTypes.STRING, albumId: DataTypes.INTEGER }, { tableName: "photos" });
  Album.hasMany(Photo, {
    as: "photos",
    foreignKey: "albumId",
    passiveDeletes: "all",
    constraints: false,
    orderBy: "id",
  });
  Photo.belongsTo(Album, { as: "album", foreignKey: "albumId", constraints: false });
  const Strict = define("Strict", { roleId: { type: DataTypes.INTEGER, allowNull: false } }, { tableName: "stricts" });
  const roles = defineRoles(sequelize);
  Strict.belongsTo(roles.Role, { as: "role", foreignKey: "roleId", onDelete: "NO ACTION" });
  roles.Role.hasMany(Strict, { as: "stricts", foreignKey: "roleId", onDelete: "NO ACTION" });
  const Versioned = define("Versioned", { name: DataTypes.STRING }, { tableName: "versioned", version: true });
  const all = {
    Node,
    Ring,
    Item,
    Keyword,
    Order,
    Line,
    Note,
    Folder,
    Paper,
    Shelf,
    Book,
    Album,
    Photo,
    Strict,
    Versioned,
  };
  return { ...roles, ...(all as unknown as Record<keyof typeof all, AnyModel>) };
}

describeSession("flush plan", defineAll, (work) => {
  const make = (model: keyof typeof work.models, values: object = {}): any => new work.models[model](values);
  const save = async (...objects: any[]): Promise<void> => {
    work.s.addAll(objects);
    await work.s.commit();
    for (const object of objects) await work.s.refresh(object);
    work.all();
  };

  it("F-1: parents are saved before children, updates before inserts, and deletes come last", async () => {
    const { s } = work;
    const [old, gone] = [make("Role", { name: "a" }), make("User", { username: "gone", bio: "" })];
    await save(old, gone);
    const child = make("User", { username: "child", bio: "", roleId: 2 });
    s.add(child);
    s.add(make("Role", { name: "a" }));
    old.name = "b";
    s.delete(gone);
    await s.flush();
    expect(work.steps()).toEqual(["BEGIN", "U(roles)", "I(roles)", "I(users)", "D(users)"]);
    expect([old, child, gone].map((each) => s.stateOf(each))).toEqual(["persistent", "persistent", "deleted"]);
    expect([child.roleId, s.new.size, s.dirty.size, s.deleted.size]).toEqual([2, 0, 0, 0]);
    await s.commit();
    expect(await work.rows("roles")).toEqual([
      { id: 1, name: "b" },
      { id: 2, name: "a" },
    ]);
  });

  it("F-1: association rows come after the objects, and deletes after all that is saved, of every table", async () => {
    const { s } = work;
    const order = make("Order", { number: "1" });
    const [line, kept] = ["gone", "kept"].map((text) => make("Line", { text, order }));
    const [item, lost] = ["item", "lost"].map((name) => make("Item", { name }));
    const [word, left] = ["word", "left"].map((each) => make("Keyword", { word: each, items: [item, lost] }));
    await save(order, line, kept, item, lost, word, left);
    await item.keywords.load();
    // In the opposite order of what has to be sent.
    s.delete(order);
    s.delete(lost);
    item.keywords.remove(left);
    item.keywords.append(make("Keyword", { word: "new" }));
    s.add(make("Note", { text: "n", line: make("Line", { text: "new", order: make("Order", { number: "2" }) }) }));
    item.name = word.word = "changed";
    work.all();
    await s.flush();
    // Parents before children, and of each table updates before inserts; association rows after both sides, those that go
    // before those that come; deletes at the end, children first.
    expect(work.steps()).toEqual([
      "S(lines)",
      "S(notes)",
      "BEGIN",
      ...["U(keywords)", "I(keywords)", "I(orders)", "I(lines)", "I(notes)", "U(items)"],
      ...["D(item_keywords)", "D(item_keywords)", "I(item_keywords)"],
      ...["D(items)", "D(lines)", "D(orders)"],
    ]);
    expect([order, line, kept, lost].map((each) => s.stateOf(each))).toEqual(Array(4).fill("deleted"));
    expect([s.new.size, s.dirty.size, s.deleted.size]).toEqual([0, 0, 0]);
    await s.commit();
    expect([await work.rows("orders"), await work.rows("items")]).toMatchObject([
      [{ number: "2" }],
      [{ name: "changed" }],
    ]);
    expect(await work.rows("lines")).toMatchObject([{ text: "new" }]);
    expect(await work.rows("item_keywords", "1")).toHaveLength(2);
  });

  it("F-2: inserts keep the order of adding, updates and deletes go by ascending key", async () => {
    const { s } = work;
    const roles = ["c", "a", "b"].map((name) => make("Role", { name }));
    await save(...roles);
    expect(roles.map((role) => role.id)).toEqual([1, 2, 3]);
    /** Where each of the values stands in a statement; all of them have to be in it. */
    const places = (statement: string | undefined, values: readonly string[]): number[] =>
      values.map((value) => {
        expect(statement).toContain(value);
        return (statement as string).indexOf(value);
      });
    const ascending = (numbers: readonly number[]): number[] => [...numbers].sort((x, y) => x - y);
    for (const role of [...roles].reverse()) role.name += "!";
    await s.flush();
    const [update, ...noMore] = work.statements();
    expect(noMore).toEqual([]);
    const names = places(update, ["c!", "a!", "b!"]);
    expect(names).toEqual(ascending(names));
    await s.rollback();
    expect(await work.rows("roles")).toMatchObject([{ name: "c" }, { name: "a" }, { name: "b" }]);
  });

  it("F-2: statements of different columns and deletes too go by ascending key, whatever the order of the changes", async () => {
    const { s } = work;
    const users = [11, 12, 13, 14].map((id) => make("User", { id, username: `u${id}`, bio: "b" }));
    await save(...users);
    const [a, b, c, d] = users;
    // Touched and added in other orders than that of the keys.
    for (const each of [d, b]) each.bio = `bio of ${each.id}`;
    for (const each of [c, a]) each.username = `name of ${each.id}`;
    for (const id of [32, 31]) s.add(make("User", { id, username: `new ${id}`, bio: "b" }));
    await s.flush();
    const sent = work.statements();
    expect(sent.map((sql) => [/name of \d+|bio of \d+/.exec(sql)?.[0], sql.slice(0, 6)])).toEqual([
      ["name of 11", "UPDATE"],
      ["bio of 12", "UPDATE"],
      ["name of 13", "UPDATE"],
      ["bio of 14", "UPDATE"],
      [undefined, "INSERT"],
    ]);
    expect(sent[4]?.indexOf("new 32")).toBeGreaterThan(0);
    expect(sent[4]?.indexOf("new 32")).toBeLessThan(sent[4]?.indexOf("new 31") as number);
    for (const each of [c, a, d, b]) s.delete(each);
    await s.flush();
    const [remove, ...noMore] = work.statements();
    expect(noMore).toEqual([]);
    expect(remove).toMatch(/^DELETE FROM users WHERE id .*11\D+12\D+13\D+14/);
    expect(users.map((each) => s.stateOf(each))).toEqual(Array(4).fill("deleted"));
    await s.rollback();
    expect(users.map((each) => [s.stateOf(each), each.username, each.bio])).toEqual(
      users.map(({ id }) => ["persistent", `u${id}`, "b"]),
    );
  });

  it("F-3: foreign keys are copied at the flush, and a relationship wins over an assigned key", async () => {
    const { s } = work;
    const [first, second] = [make("Role", { name: "first" }), make("Role", { name: "second" })];
    const users = ["a", "b", "c"].map((username) => make("User", { username, bio: "" }));
    users[0].role = first;
    first.users.append(users[1]);
    users[2].roleId = 77;
    users[2].role = second;
    s.addAll([first, second, ...users]);
    await s.flush();
    expect(users.map((user) => user.roleId)).toEqual([first.id, first.id, second.id]);
    const inserted = work
      .statements()
      .filter((sql) => sql.startsWith("INSERT INTO users"))
      .map(unpacked);
    expect(inserted.join("\n")).toMatch(/"a","",1\b.*"b","",1\b.*"c","",2\b/s);
    expect(inserted.join("\n")).not.toContain("77");
    users[0].roleId = second.id;
    expect(users[0].role).toBe(first);
    expect([...s.dirty]).toEqual([users[0]]);
    await s.flush();
    expect(work.statements()).toEqual([
      expect.stringMatching(/^UPDATE users SET role_id = \S+ WHERE id = \S+ \[2,1\]$/),
    ]);
    expect(users[0].role).toBe(second);
    // A relationship wins also over a key that is assigned after it.
    users[1].role = second;
    users[1].roleId = 78;
    await s.flush();
    expect(work.statements()).toEqual([
      expect.stringMatching(/^UPDATE users SET role_id = \S+ WHERE id = \S+ \[2,2\]$/),
    ]);
    expect([users[1].role, users[1].roleId]).toEqual([second, 2]);
    users[1].role = first;
    await s.flush();
    expect(work.short()).toEqual(["U(users)"]);
    await s.commit();
    expect(await work.rows("users")).toMatchObject([{ role_id: 2 }, { role_id: 1 }, { role_id: 2 }]);
  });

  it("F-3: a collection without a reference on its other side writes the keys of who comes, moves and leaves", async () => {
    const { s } = work;
    const [first, second] = ["first", "second"].map((name) => make("Shelf", { name }));
    const [a, b, c] = ["a", "b", "c"].map((title) => make("Book", { title }));
    first.books.extend([a, b, c]);
    await save(first, second, a, b, c);
    await s.load([first, second], "books");
    work.all();
    first.books.remove(a);
    first.books.remove(b);
    second.books.append(b);
    expect([a.shelfId, b.shelfId, work.all()]).toEqual([1, 1, []]);
    await s.flush();
    const [update, ...noMore] = work.statements();
    expect([update, noMore]).toEqual([expect.stringMatching(/^UPDATE books .*shelfId/), []]);
    expect(unpacked(update)).toMatch(/1,null\D+2,2/);
    expect([a, b, c].map((book) => [book.shelfId, s.isModified(book)])).toEqual([
      [null, false],
      [2, false],
      [1, false],
    ]);
    await s.rollback();
    expect([a, b, c].map((book) => book.shelfId)).toEqual([1, 1, 1]);
    expect([first.books.toArray(), second.books.toArray(), work.steps()]).toEqual([[a, b, c], [], ["ROLLBACK"]]);
  });

  it("F-4: rows of a self-reference are inserted level by level and deleted leaves first", async () => {
    const { s } = work;
    const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => make("Node", { name }));
    c.parent = b;
    b.parent = a;
    d.parent = a;
    s.addAll([c, b, d, a]);
    await s.flush();
    const inserts = work.statements().map(unpacked);
    expect(inserts).toHaveLength(3);
    // One for each level, with the keys that the level before was given.
    expect(inserts[0]).toMatch(/"a"/);
    expect(inserts[1]).toMatch(/"b",1.*"d",1/);
    expect(inserts[2]).toMatch(/"c",2/);
    expect([b, c, d].map((node) => node.parentId)).toEqual([1, 2, 1]);
    expect([a, b, d, c].map((node) => node.id)).toEqual([1, 2, 3, 4]);
    await s.commit();
    work.all();
    for (const node of [a, b, c, d]) s.delete(node);
    await s.flush();
    const deletes = work.statements().filter((sql) => !sql.startsWith("SELECT"));
    expect(deletes.map((sql) => [sql.slice(0, 17), sql.slice(sql.lastIndexOf(" ")).match(/\d+/g)])).toEqual([
      ["DELETE FROM nodes", ["3", "4"]],
      ["DELETE FROM nodes", ["2"]],
      ["DELETE FROM nodes", ["1"]],
    ]);
    expect([a, b, c, d].map((node) => s.stateOf(node))).toEqual(Array(4).fill("deleted"));
    await s.commit();
    expect(await work.rows("nodes")).toEqual([]);
  });

  it("F-4: rows without a link in memory go in the order of adding", async () => {
    const { s } = work;
    const nodes = [make("Node", { id: 12, name: "parent" }), make("Node", { id: 11, name: "child", parentId: 12 })];
    s.addAll(nodes);
    await s.commit();
    const sent = work.statements().map(unpacked).join("\n");
    expect(sent.indexOf('"parent"')).toBeLessThan(sent.indexOf('"child"'));
    expect(work.all()).toEqual([]);
    expect(nodes.map((node) => s.stateOf(node))).toEqual(["persistent", "persistent"]);
    expect(await work.rows("nodes")).toMatchObject([{ id: 11, parentId: 12 }, { id: 12 }]);
  });

  it("F-5: new rows in a circle are refused before anything is sent", async () => {
    const { s } = work;
    const [a, b] = [make("Node", { name: "a" }), make("Node", { name: "b" })];
    a.parent = b;
    b.parent = a;
    s.addAll([a, b]);
    const error: any = await s.flush().catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(CircularDependencyError);
    expect(error.tables).toEqual(["nodes"]);
    expect(work.all()).toEqual([]);
    expect(s.isActive).toBe(false);
    expect([a, b].map((node) => [s.stateOf(node), node.id])).toEqual(Array(2).fill(["transient", null]));
    await expect(s.commit()).rejects.toThrow(PendingRollbackError);
    await s.rollback();
    expect([a.parent, b.parent, work.all()]).toEqual([b, a, []]);
    const self = make("Node", { name: "self" });
    self.parent = self;
    s.add(self);
    await expect(s.flush()).rejects.toThrow(CircularDependencyError);
    await s.rollback();
    expect(work.all()).toEqual([]);
    // With one link less both can be written.
    b.parent = null;
    s.addAll([a, b]);
    await s.commit();
    expect(work.steps()).toEqual(["BEGIN", "I(nodes)", "I(nodes)", "COMMIT"]);
    expect([a.parentId, b.parentId]).toEqual([b.id, null]);
  });

  it("F-5: with postUpdate a circle is closed by a second UPDATE, and opened by one before the delete", async () => {
    const { s } = work;
    const [a, b] = [make("Ring", { name: "a" }), make("Ring", { name: "b" })];
    a.next = b;
    b.next = a;
    s.addAll([a, b]);
    await s.flush();
    const [insert, ...updates] = work.statements();
    expect(unpacked(insert)).toMatch(/^INSERT INTO rings .*"a",null\b.*"b",null/);
    expect(updates).toEqual([
      expect.stringMatching(/^UPDATE rings .*\[2,1\]$/),
      expect.stringMatching(/^UPDATE rings .*\[1,2\]$/),
    ]);
    expect([a.nextId, b.nextId, s.isModified(a), s.isModified(b)]).toEqual([2, 1, false, false]);
    await s.commit();
    expect(await work.rows("rings")).toMatchObject([{ nextId: 2 }, { nextId: 1 }]);
    await s.refresh(a);
    await s.refresh(b);
    work.all();
    s.delete(a);
    s.delete(b);
    await s.commit();
    const opened = work.steps().filter((each) => !each.startsWith("S("));
    expect(opened.slice(0, 2)).toEqual(["BEGIN", "U(rings)"]);
    expect(opened.lastIndexOf("U(rings)")).toBeLessThan(opened.indexOf("D(rings)"));
    expect([s.stateOf(a), s.stateOf(b)]).toEqual(["detached", "detached"]);
    expect(await work.rows("rings")).toEqual([]);
    const self = make("Ring", { name: "self" });
    self.next = self;
    s.add(self);
    await s.commit();
    expect(await work.rows("rings")).toMatchObject([{ id: 3, nextId: 3 }]);
  });

  it("F-6: links of a many-to-many relationship are inserted together after both sides, once for both sides", async () => {
    const { s } = work;
    const items = ["i1", "i2"].map((name) => make("Item", { name }));
    const words = ["k1", "k2"].map((word) => make("Keyword", { word }));
    items[0].keywords.extend(words);
    words[0].items.append(items[0]);
    words[0].items.append(items[1]);
    s.addAll(items);
    await s.flush();
    expect(work.steps()).toEqual(["BEGIN", "I(items)", "I(keywords)", "I(item_keywords)"]);
    expect([items[0].keywords.toArray(), words[0].items.toArray()]).toEqual([words, items]);
    expect([...items, ...words].map((each) => [s.stateOf(each), s.isModified(each)])).toEqual(
      Array(4).fill(["persistent", false]),
    );
    await s.commit();
    expect(work.steps()).toEqual(["COMMIT"]);
    expect(
      await work.rows(
        "item_keywords",
        "itemId, keywordId".replaceAll(/\w+/g, (name) => s.dialect.quote(name)),
      ),
    ).toMatchObject([
      { itemId: 1, keywordId: 1 },
      { itemId: 1, keywordId: 2 },
      { itemId: 2, keywordId: 1 },
    ]);
  });

  it("F-6: links are removed by both keys, deleted with either end, and appended without loading", async () => {
    const { s, models } = work;
    const item = make("Item", { name: "i" });
    const words = ["a", "b", "c"].map((word) => make("Keyword", { word }));
    item.keywords.extend(words);
    await save(item, ...words);
    await item.keywords.load();
    work.all();
    item.keywords.remove(words[0]);
    item.keywords.append(make("Keyword", { word: "d" }));
    await s.flush();
    const [insert, remove, link, ...noMore] = work.statements();
    expect([insert, noMore]).toEqual([expect.stringMatching(/^INSERT INTO keywords .*"d"/), []]);
    expect(remove).toMatch(
      /^DELETE FROM item_keywords WHERE .*\b(itemId|keywordId)\b.*\b(itemId|keywordId)\b.*\[1,1\]$/,
    );
    expect(link).toMatch(/^INSERT INTO item_keywords .*\[1,4\]$/);
    expect(item.keywords.map((each: any) => each.word)).toEqual(["b", "c", "d"]);
    s.delete(words[1]);
    await s.commit();
    expect(work.steps().filter((each) => !each.startsWith("S("))).toEqual([
      "D(item_keywords)",
      "D(keywords)",
      "COMMIT",
    ]);
    expect([s.stateOf(words[1]), s.stateOf(item), s.stateOf(words[0])]).toEqual([
      "detached",
      "persistent",
      "persistent",
    ]);
    expect(item.keywords.map((each: any) => each.word)).toEqual(["c", "d"]);
    const links = (): Promise<unknown> => s.scalar("SELECT count(*) FROM item_keywords");
    expect(Number(await links())).toBe(2);
    expect(await models.Item.query.count()).toBe(1);
    s.expungeAll();
    const again: any = await models.Item.query.one();
    work.all();
    again.keywords.append(make("Keyword", { word: "e" }));
    await s.flush();
    expect(work.short()).toEqual(["I(keywords)", "I(item_keywords)"]);
    s.delete(again);
    await s.commit();
    expect(work.steps().filter((each) => !each.startsWith("S("))).toEqual(["D(item_keywords)", "D(items)", "COMMIT"]);
    expect(Number(await links())).toBe(0);
    expect(await models.Keyword.query.count()).toBe(4);
  });

  it("F-6: a link that is not there any more makes its removal fail", async () => {
    const { s } = work;
    const item = make("Item", { name: "i" });
    const word = make("Keyword", { word: "w" });
    item.keywords.append(word);
    await save(item, word);
    await item.keywords.load();
    await s.execute("DELETE FROM item_keywords");
    item.keywords.remove(word);
    const failure: unknown = await s.flush().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StaleDataError);
    expect((failure as Error).message).toBe(
      "DELETE statement on table 'item_keywords' expected to delete 1 row(s); Only 0 were matched.",
    );
    expect(work.steps().slice(-2)).toEqual(["D(item_keywords)", "ROLLBACK"]);
    expect([s.isActive, s.stateOf(item), s.stateOf(word)]).toEqual([false, "persistent", "persistent"]);
    await s.rollback();
    expect(item.keywords.toArray()).toEqual([word]);
    expect([word.items.isLoaded && word.items.toArray(), s.dirty.size, work.all()]).toEqual([
      word.items.isLoaded && [item],
      0,
      [],
    ]);
    expect(await work.rows("item_keywords", "1")).toHaveLength(1);
  });

  it("F-7: an UPDATE sets only what changed, and neighbours with the same changes share one statement", async () => {
    const { s } = work;
    const users = [1, 2, 3, 4].map((i) => make("User", { username: `u${i}`, bio: "b" }));
    await save(...users);
    users[0].bio = "x";
    users[1].bio = "y";
    users[2].username = "changed";
    users[3].bio = "b";
    await s.flush();
    const sent = work.sql();
    expect(sent).toHaveLength(2);
    expect(sent[0]).not.toContain("username");
    expect(sent[1]).not.toContain("bio");
    users[0].bio = "z";
    users[0].username = "changed too";
    users[1].roleId = null;
    await s.flush();
    expect(work.statements()).toEqual([
      expect.stringMatching(/^UPDATE users SET username = \S+ bio = \S+ WHERE id = \S+ \["changed too","z",1\]$/),
    ]);
    const role = make("Role", { name: "r" });
    s.add(role);
    users[3].role = role;
    users[3].username = "u4!";
    await s.flush();
    expect(work.statements().filter((sql) => sql.startsWith("UPDATE"))).toEqual([
      expect.stringMatching(/^UPDATE users SET username = \S+ role_id = \S+ WHERE id = \S+ \["u4!",1,4\]$/),
    ]);
    expect([s.dirty.size, users.map((user) => s.isModified(user))]).toEqual([0, Array(4).fill(false)]);
    await s.rollback();
    expect(users.map(({ username, bio }) => [username, bio])).toEqual([1, 2, 3, 4].map((i) => [`u${i}`, "b"]));
  });

  it("F-7: objects with keys of their own and objects without are never mixed in one statement", async () => {
    const { s } = work;
    const roles = [undefined, undefined, 50, 51, undefined].map((id, i) => make("Role", { id, name: `r${i}` }));
    s.addAll(roles);
    await s.flush();
    expect(work.short()).toEqual(["I(roles)", "I(roles)", "I(roles)"]);
    await s.commit();
    for (const role of roles)
      expect(await s.scalar("SELECT name FROM roles WHERE id = :id", { id: role.id })).toBe(role.name);
  });

  it("F-8: a row that is gone makes an UPDATE fail and a DELETE warn", async () => {
    const { s } = work;
    const [a, b] = [make("Role", { name: "a" }), make("Role", { name: "b" })];
    await save(a, b);
    await work.db.sequelize.query("DELETE FROM roles WHERE id = 1");
    work.all();
    a.name = b.name = "changed";
    b.name = "b";
    const error: any = await s.flush().catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(StaleDataError);
    expect(error.message).toBe("UPDATE statement on table 'roles' expected to update 1 row(s); 0 were matched.");
    expect(error).toMatchObject({ table: "roles", expected: 1, matched: 0 });
    // It is asked which row is gone, and nothing else is tried.
    expect(work.steps()).toEqual(["BEGIN", "U(roles)", "S(roles)", "ROLLBACK"]);
    expect(s.isActive).toBe(false);
    expect([a.name, s.stateOf(a), s.isModified(a)]).toEqual(["a", "persistent", false]);
    await s.rollback();
    s.delete(a);
    work.all();
    await s.commit();
    expect(work.steps().filter((each) => !each.startsWith("S("))).toEqual(["BEGIN", "D(roles)", "COMMIT"]);
    expect([s.stateOf(a), s.stateOf(b), s.isActive]).toEqual(["detached", "persistent", true]);
    expect(work.warnings()).toEqual(["DELETE statement on table 'roles' expected to delete 1 row(s); 0 were matched."]);
  });

  it("F-8: one row of many that is gone makes the whole statement fail, and nothing of the flush stays", async () => {
    const { s } = work;
    const roles = ["a", "b", "c"].map((name) => make("Role", { name }));
    await save(...roles);
    await work.db.sequelize.query("DELETE FROM roles WHERE id = 2");
    work.all();
    for (const role of roles) role.name += "!";
    const fresh = make("Role", { name: "fresh" });
    s.add(fresh);
    await expect(s.flush()).rejects.toThrow(
      "UPDATE statement on table 'roles' expected to update 3 row(s); 2 were matched.",
    );
    expect(work.steps().filter((each) => each !== "S(roles)")).toEqual(["BEGIN", "U(roles)", "ROLLBACK"]);
    expect(roles.map((role) => [role.name, s.stateOf(role), s.isModified(role)])).toEqual(
      ["a", "b", "c"].map((name) => [name, "persistent", false]),
    );
    expect([s.stateOf(fresh), s.isActive]).toEqual(["transient", false]);
    await s.rollback();
    expect((await work.rows("roles")).map((row) => row.name)).toEqual(["a", "c"]);
  });

  it("F-9: a version begins at 1, is raised by net changes, and guards UPDATE and DELETE", async () => {
    const { s, models } = work;
    const object = make("Versioned", { name: "a" });
    s.add(object);
    await s.flush();
    const inserted = work.statements().find((sql) => sql.startsWith("INSERT"));
    expect(inserted).toMatch(/^INSERT INTO versioned \(name, version\) .*\["a",1\]$/);
    await save(object);
    expect(object.version).toBe(1);
    object.name = "a";
    await s.flush();
    expect(work.sql()).toEqual([]);
    object.name = "b";
    await s.flush();
    expect(work.statements()).toEqual([
      expect.stringMatching(
        /^UPDATE versioned SET name = \S+, version = \S+ WHERE id = \S+ AND version = \S+ \["b",2,1,1\]$/,
      ),
    ]);
    expect([object.version, s.isModified(object)]).toEqual([2, false]);
    await s.rollback();
    expect(object.version).toBe(1);
    await s.refresh(object);
    await work.db.sequelize.query("UPDATE versioned SET version = 9");
    object.name = "c";
    work.all();
    await expect(s.flush()).rejects.toThrow(StaleDataError);
    expect(work.steps()).toEqual(["BEGIN", "U(versioned)", "ROLLBACK"]);
    await s.rollback();
    expect([object.version, object.name, s.stateOf(object)]).toEqual([1, "a", "persistent"]);
    s.expireAll();
    const again: any = await models.Versioned.query.one();
    await work.db.sequelize.query("UPDATE versioned SET version = 10");
    s.delete(again);
    work.all();
    await expect(s.flush()).rejects.toThrow(StaleDataError);
    const [remove, ...noMore] = work.statements();
    expect(remove).toMatch(/^DELETE FROM versioned WHERE id = \S+ AND version = \S+ \[1,9\]$/);
    expect([noMore, work.warnings(), s.isActive]).toEqual([[], [], false]);
    await s.rollback();
    expect([s.stateOf(again), s.deleted.size]).toEqual(["persistent", 0]);
    expect(await work.rows("versioned")).toMatchObject([{ name: "a", version: 10 }]);
    await s.refresh(again);
    s.delete(again);
    await s.commit();
    expect([s.stateOf(again), await work.rows("versioned")]).toEqual(["detached", []]);
  });

  it("F-10: a new object with the key of a deleted one takes over its row", async () => {
    const { s } = work;
    const [role, old] = [make("Role", { name: "r" }), make("User", { username: "old", bio: "leaks", roleId: 1 })];
    await save(role, old);
    s.delete(old);
    const fresh = make("User", { id: old.id, username: "new" });
    s.add(fresh);
    await s.flush();
    const [update, ...noMore] = work.statements();
    expect(update).toMatch(/^UPDATE users SET .* WHERE id = \S+ \["new",null,null,1\]$/);
    for (const column of ["username", "bio", "role_id"]) expect(update).toContain(`${column} = `);
    expect([noMore, s.stateOf(old), s.stateOf(fresh)]).toEqual([[], "deleted", "persistent"]);
    expect([fresh.bio, fresh.roleId, s.isModified(fresh), s.new.size, s.deleted.size]).toEqual([
      null,
      null,
      false,
      0,
      0,
    ]);
    expect(await s.get(work.models.User, 1)).toBe(fresh);
    expect(work.all()).toEqual([]);
    await s.rollback();
    expect([old.username, old.bio, await s.get(work.models.User, 1)]).toEqual(["old", "leaks", old]);
    expect([s.stateOf(old), s.stateOf(fresh)]).toEqual(["persistent", "transient"]);
    s.delete(old);
    s.add(fresh);
    await s.commit();
    expect(await work.rows("users")).toMatchObject([{ username: "new", bio: null, role_id: null }]);
    expect(await s.get(work.models.User, fresh.id)).toBe(fresh);
  });

  it("F-11: a unique value is taken over only after a flush between", async () => {
    const { s } = work;
    const [a, b] = [make("Role", { name: "a" }), make("Role", { name: "b" })];
    await save(a, b);
    s.delete(a);
    const again = make("Role", { name: "a" });
    s.add(again);
    await expect(s.flush()).rejects.toThrow(IntegrityError);
    // The INSERT comes first; the DELETE is not sent any more.
    expect(work.steps().filter((each) => !each.startsWith("S("))).toEqual(["BEGIN", "I(roles)", "ROLLBACK"]);
    expect([a, again].map((role) => s.stateOf(role))).toEqual(["persistent", "transient"]);
    await s.rollback();
    [a.name, b.name] = ["b", "a"];
    await expect(s.flush()).rejects.toThrow(IntegrityError);
    const swapped = work.steps();
    expect([swapped[0], swapped.at(-1)]).toEqual(["BEGIN", "ROLLBACK"]);
    expect(swapped.filter((each) => /^[A-Z]\(/.test(each)).every((each) => each === "U(roles)")).toBe(true);
    expect([a.name, b.name, s.dirty.size]).toEqual(["a", "b", 0]);
    await s.rollback();
    s.delete(a);
    await s.flush();
    s.add(make("Role", { name: "a" }));
    await s.commit();
    expect((await work.rows("roles")).map((row) => row.name)).toEqual(["b", "a"]);
  });

  it("F-12: a value that is an SQL expression stands in its own statement and is read back", async () => {
    const { s } = work;
    const plain = make("User", { username: "plain", bio: "b" });
    const upper = make("User", { username: fn("upper", "john"), bio: "b" });
    s.addAll([plain, upper]);
    await s.flush();
    expect(upper.username).toBe("JOHN");
    const [first, second, ...noMore] = work.sql().filter((sql) => sql.startsWith("INSERT"));
    expect(first).not.toMatch(/upper/i);
    expect([second, noMore]).toEqual([expect.stringMatching(/upper\(/i), []]);
    expect([s.isModified(upper), s.stateOf(upper)]).toEqual([false, "persistent"]);
    upper.bio = literal("'x' ");
    upper.username = work.models.User.c.username.concat("!");
    await s.flush();
    expect([upper.username, upper.bio]).toEqual(["JOHN!", "x"]);
    const [update, ...read] = work.sql();
    expect(update).toMatch(/^UPDATE users SET .*'x' .* WHERE id = /);
    expect(read.length > 0 || /RETURNING/.test(update as string)).toBe(true);
    expect(read.every((sql) => sql.startsWith("SELECT"))).toBe(true);
    expect([s.isModified(upper), s.dirty.size]).toEqual([false, 0]);
    // The values are known: nothing is asked for them again.
    expect([upper.username, work.all()]).toEqual(["JOHN!", []]);
    await s.commit();
    expect(await work.rows("users")).toMatchObject([{ username: "plain" }, { username: "JOHN!", bio: "x" }]);
  });

  it("F-13: children of a deleted parent lose their key, those deleted with it do not", async () => {
    const { s } = work;
    const role = make("Role", { name: "r" });
    const users = ["a", "b", "c"].map((username) => make("User", { username, bio: "", role }));
    await save(role, ...users);
    s.delete(role);
    s.delete(users[2]);
    await s.flush();
    const sent = work.statements();
    expect(sent).toEqual([
      expect.stringMatching(/^SELECT .* FROM users /),
      expect.stringMatching(/^SELECT .* FROM stricts /),
      expect.stringMatching(/^UPDATE users .*role_id = /),
      expect.stringMatching(/^DELETE FROM users WHERE id = \S+ \[3\]$/),
      expect.stringMatching(/^DELETE FROM roles WHERE id = \S+ \[1\]$/),
    ]);
    // Only those that stay lose their key.
    expect(unpacked(sent[2])).toMatch(/1,null\D+2,null/);
    expect(unpacked(sent[2])).not.toMatch(/3,null/);
    expect([role, ...users].map((each) => s.stateOf(each))).toEqual(["deleted", "persistent", "persistent", "deleted"]);
    expect(s.dirty.size).toBe(0);
    expect(users.slice(0, 2).map((user) => [user.roleId, user.role])).toEqual([
      [null, null],
      [null, null],
    ]);
    await s.rollback();
    expect(users.map((user) => user.roleId)).toEqual([1, 1, 1]);
    expect(users.map((user) => [user.role, s.stateOf(user)])).toEqual(users.map(() => [role, "persistent"]));
    expect(work.steps()).toEqual(["ROLLBACK"]);
    s.delete(role);
    await s.commit();
    expect(await work.rows("users")).toMatchObject([{ role_id: null }, { role_id: null }, { role_id: null }]);
  });

  it("F-13: a key that must not be null fails in the database and everything is undone", async () => {
    const { s } = work;
    const role = make("Role", { name: "r" });
    const strict = make("Strict", { role });
    await save(role, strict);
    s.delete(role);
    await expect(s.flush()).rejects.toMatchObject({ name: "IntegrityError", kind: "notNull" });
    expect(work.steps().filter((each) => !each.startsWith("S("))).toEqual(["BEGIN", "U(stricts)", "ROLLBACK"]);
    expect(s.isActive).toBe(false);
    await s.rollback();
    expect(await work.rows("stricts")).toMatchObject([{ roleId: 1 }]);
    expect([s.stateOf(strict), s.deleted.size, s.dirty.size]).toEqual(["persistent", 0, 0]);
    expect([s.stateOf(role), strict.roleId, strict.role]).toEqual(["persistent", 1, role]);
  });

  it("S-66: a row that others refer to is not deleted, and the error names no column of its own", async () => {
    const { s } = work;
    const role = make("Role", { name: "r" });
    await save(role, make("Strict", { role }));
    const error: any = await s
      .execute("DELETE FROM roles WHERE id = :id", { id: role.id })
      .catch((failure: unknown) => failure);
    expect(error).toMatchObject({ name: "IntegrityError", kind: "foreignKey" });
    expect(error.fields).not.toContain("id");
    await s.rollback();
  });

  it("F-14: delete cascades to children and theirs, loaded or not", async () => {
    const { s, models } = work;
    const order = make("Order", { number: "1" });
    const line = make("Line", { text: "l", order });
    const note = make("Note", { text: "n", line });
    const second = make("Line", { text: "second", order });
    await save(order, line, note, second);
    await order.lines.load();
    work.all();
    s.delete(order);
    expect([[...s.deleted], work.all()]).toEqual([[order, line, second], []]);
    await s.commit();
    expect([order, line, note, second].map((object) => s.stateOf(object))).toEqual(Array(4).fill("detached"));
    // What is not loaded is found at the flush, and nothing is updated that goes anyway.
    expect(work.steps()).toEqual(["S(notes)", "BEGIN", "D(notes)", "D(lines)", "D(orders)", "COMMIT"]);
    expect(await models.Note.query.count()).toBe(0);
    expect(await models.Line.query.count()).toBe(0);
    const blind = make("Order", {
      number: "2",
      lines: [make("Line", { text: "l", notes: [make("Note", { text: "n" })] })],
    });
    await save(blind);
    s.expungeAll();
    const again: any = await models.Order.query.one();
    work.all();
    s.delete(again);
    expect([...s.deleted]).toEqual([again]);
    await s.commit();
    expect(work.steps()).toEqual(["S(lines)", "S(notes)", "BEGIN", "D(notes)", "D(lines)", "D(orders)", "COMMIT"]);
    expect([await work.rows("lines"), await work.rows("notes"), await work.rows("orders")]).toEqual([[], [], []]);
  });

  it("F-14: what leaves a delete-orphan collection is deleted at the flush, unless it moved", async () => {
    const { s } = work;
    const [order, other] = [make("Order", { number: "1" }), make("Order", { number: "2" })];
    const [gone, moved] = [make("Line", { text: "gone", order }), make("Line", { text: "moved", order })];
    await save(order, other, gone, moved);
    await order.lines.load();
    const never = make("Line", { text: "never" });
    order.lines.append(never);
    order.lines.remove(never);
    order.lines.remove(gone);
    order.lines.remove(moved);
    other.lines.append(moved);
    expect([s.deleted.size, s.stateOf(gone), s.stateOf(never)]).toEqual([0, "persistent", "pending"]);
    work.all();
    await s.flush();
    expect(work.steps().filter((each) => !each.startsWith("S("))).toEqual(["BEGIN", "U(lines)", "D(lines)"]);
    expect([gone, moved, never].map((line) => s.stateOf(line))).toEqual(["deleted", "persistent", "transient"]);
    expect([s.new.size, order.lines.toArray(), moved.order]).toEqual([0, [], other]);
    await s.commit();
    expect(await work.rows("lines")).toMatchObject([{ text: "moved", orderId: 2 }]);
  });

  it("F-14: a pending orphan leaves the session with what it leads to", async () => {
    const { s } = work;
    const order = make("Order", { number: "1" });
    await save(order);
    const line = make("Line", { text: "never" });
    const note = make("Note", { text: "nor this", line });
    order.lines.append(line);
    s.add(note);
    order.lines.remove(line);
    expect(s.stateOf(line)).toBe("pending");
    await s.flush();
    expect([line, note].map((object) => s.stateOf(object))).toEqual(["transient", "transient"]);
    expect([work.sql(), work.warnings()]).toEqual([[], []]);
  });

  it("F-15: with passiveDeletes rows that are not loaded are left to the database", async () => {
    const { s, models } = work;
    const folder = make("Folder", { name: "f" });
    const papers = ["a", "b"].map((text) => make("Paper", { text, folder }));
    await save(folder, ...papers);
    s.expungeAll();
    const again: any = await models.Folder.query.one();
    work.all();
    s.delete(again);
    await s.flush();
    expect(work.steps()).toEqual(["BEGIN", "D(folders)"]);
    expect(s.stateOf(again)).toBe("deleted");
    expect(await models.Paper.query.count()).toBe(0);
    await s.rollback();
    await again.papers.load();
    work.all();
    s.delete(again);
    await s.flush();
    expect(work.short()).toEqual(["D(papers)", "D(folders)"]);
    expect([...s].length).toBe(0);
    await s.rollback();
    expect(again.papers.map((paper: any) => s.stateOf(paper))).toEqual(["persistent", "persistent"]);
    expect(await work.rows("papers")).toHaveLength(2);
  });

  it("F-15: an object whose row went with its parent's is found gone when it is read again", async () => {
    const { s, models } = work;
    const folder = make("Folder", { name: "f" });
    await save(folder, make("Paper", { text: "a", folder }));
    s.expungeAll();
    // In the session, but not known as a member of the folder's collection.
    const [paper]: any[] = await models.Paper.query.all();
    const again: any = await models.Folder.query.one();
    expect(again.papers.isLoaded).toBe(false);
    work.all();
    s.delete(again);
    await s.commit();
    expect(work.steps()).toEqual(["BEGIN", "D(folders)", "COMMIT"]);
    expect(s.stateOf(paper)).toBe("persistent");
    await expect(s.refresh(paper)).rejects.toThrow(/Could not refresh instance <Paper 1>/);
    expect(await s.get(models.Paper, 1)).toBeNull();
    expect([s.has(paper), work.steps()]).toEqual([false, ["S(papers)", "S(papers)"]]);
  });

  it('F-15: with passiveDeletes: "all" children are never touched, loaded or not', async () => {
    const { s, models } = work;
    const album = make("Album", { name: "a" });
    const photos = ["a", "b"].map((text) => make("Photo", { text, album }));
    await save(album, ...photos);
    await album.photos.load();
    work.all();
    s.delete(album);
    expect([...s.deleted]).toEqual([album]);
    await s.commit();
    expect(work.steps()).toEqual(["BEGIN", "D(albums)", "COMMIT"]);
    expect([s.stateOf(album), ...photos.map((photo) => s.stateOf(photo))]).toEqual([
      "detached",
      "persistent",
      "persistent",
    ]);
    expect(await work.rows("photos")).toMatchObject([{ albumId: 1 }, { albumId: 1 }]);
    const [read]: any[] = await models.Photo.query.orderBy("id").all();
    expect([read, read.albumId, s.dirty.size]).toEqual([photos[0], 1, 0]);
  });

  it("S-9: expunge takes along what a cascade of expunge or all leads to, and nothing else", async () => {
    const { s } = work;
    const order = make("Order", { number: "1" });
    const line = make("Line", { text: "l", order });
    const note = make("Note", { text: "n", line });
    const role = make("Role", { name: "r" });
    const user = make("User", { username: "u", bio: "", role });
    await save(order, line, note, role, user);
    await s.load(order, "lines.notes");
    await role.users.load();
    const pending = make("Line", { text: "pending", order });
    s.add(pending);
    line.text = "changed";
    user.bio = "changed";
    work.all();
    s.expunge(order);
    expect([order, line, note, pending].map((each) => [s.stateOf(each), s.has(each)])).toEqual([
      ["detached", false],
      ["detached", false],
      ["detached", false],
      ["transient", false],
    ]);
    s.expunge(role);
    expect([s.stateOf(role), s.stateOf(user), s.has(user)]).toEqual(["detached", "persistent", true]);
    expect([[...s.dirty], s.new.size, line.text]).toEqual([[user], 0, "changed"]);
    expect(work.all()).toEqual([]);
    await s.commit();
    expect(work.steps()).toEqual(["BEGIN", "U(users)", "COMMIT"]);
    expect(await work.rows("lines")).toMatchObject([{ text: "l" }]);
  });

  it("F-16: a child is moved to a new parent while the old one is deleted", async () => {
    const { s } = work;
    const old = make("Role", { name: "old" });
    const user = make("User", { username: "u", bio: "", role: old });
    await save(old, user);
    const fresh = make("Role", { name: "fresh" });
    user.role = fresh;
    s.delete(old);
    await s.flush();
    const sent = work.statements().filter((sql) => !sql.startsWith("SELECT"));
    expect(sent).toEqual([
      expect.stringMatching(/^INSERT INTO roles /),
      expect.stringMatching(/^UPDATE users SET role_id = \S+ WHERE id = \S+ \[2,1\]$/),
      expect.stringMatching(/^DELETE FROM roles WHERE id = \S+ \[1\]$/),
    ]);
    expect([user.role, user.roleId, s.isModified(user)]).toEqual([fresh, 2, false]);
    expect([old, fresh, user].map((each) => s.stateOf(each))).toEqual(["deleted", "persistent", "persistent"]);
    await s.commit();
    expect(await work.rows("users")).toMatchObject([{ role_id: 2 }]);
  });

  it("F-17: a deleted child leaves its parent's loaded collection", async () => {
    const { s } = work;
    const role = make("Role", { name: "r" });
    const users = ["a", "b"].map((username) => make("User", { username, bio: "", role }));
    await save(role, ...users);
    await role.users.load();
    work.all();
    s.delete(users[0]);
    expect([role.users.length, work.all()]).toEqual([2, []]);
    await s.flush();
    expect(work.steps()).toEqual(["BEGIN", "D(users)"]);
    expect(role.users.toArray()).toEqual([users[1]]);
    expect([s.stateOf(users[0]), s.isModified(role)]).toEqual(["deleted", false]);
    await s.rollback();
    expect([s.stateOf(users[0]), users[0].role, work.steps()]).toEqual(["persistent", role, ["ROLLBACK"]]);
    expect(role.users.toArray()).toEqual(users);
    s.delete(users[0]);
    await s.commit();
    expect(role.users.toArray()).toEqual([users[1]]);
  });

  it("F-18: a reference to an object outside the session is warned of and not written", async () => {
    const { s } = work;
    const role = make("Role", { name: "r" });
    const user = make("User", { username: "u", bio: "", role });
    s.add(user);
    s.expunge(role);
    expect([s.stateOf(role), s.stateOf(user), [...s.new]]).toEqual(["transient", "pending", [user]]);
    await s.flush();
    expect(work.steps().filter((each) => !each.startsWith("S("))).toEqual(["BEGIN", "I(users)"]);
    expect([s.stateOf(role), user.roleId]).toEqual(["transient", null]);
    expect(work.warnings()).toEqual([
      expect.stringMatching(/^Object of type <Role> not in session, add operation along 'User\.role' won't proceed/),
    ]);
    await s.commit();
    expect(await work.rows("users")).toMatchObject([{ role_id: null }]);
    work.warnings();
    s.add(role);
    await s.commit();
    expect(work.warnings()).toEqual([]);
    expect(s.stateOf(role)).toBe("persistent");
    expect(work.steps()).toContain("I(roles)");
  });

  it("F-18: a reference to an object that has left the session leaves the key of a row as it is", async () => {
    const { s } = work;
    const [old, next] = ["old", "next"].map((name) => make("Role", { name }));
    const user = make("User", { username: "u", bio: "", role: old });
    await save(old, next, user);
    user.role = next;
    s.expunge(next);
    user.bio = "changed";
    expect([user.role, work.all()]).toEqual([next, []]);
    work.warnings();
    await s.commit();
    expect(work.statements()).toEqual([
      expect.stringMatching(/^UPDATE users SET bio = \S+ WHERE id = \S+ \["changed",1\]$/),
    ]);
    expect(work.warnings()).toEqual([
      expect.stringMatching(/^Object of type <Role> not in session, add operation along 'User\.role' won't proceed/),
    ]);
    expect([s.stateOf(next), s.stateOf(user)]).toEqual(["detached", "persistent"]);
    expect(await work.rows("users")).toMatchObject([{ role_id: old.id, bio: "changed" }]);
  });

  it("F-19: a new child of a parent that is deleted in the same flush fails, and all is undone", async () => {
    const { s } = work;
    const order = make("Strict");
    const role = make("Role", { name: "r" });
    await save(role);
    order.role = role;
    s.add(order);
    await s.noAutoflush(async () => s.delete(role));
    await expect(s.flush()).rejects.toThrow(IntegrityError);
    const sent = work.steps().filter((each) => !each.startsWith("S("));
    // It is inserted with the parent's key; where that holds, the DELETE of the parent fails.
    expect([sent[0], sent[1], sent.at(-1)]).toEqual(["BEGIN", "I(stricts)", "ROLLBACK"]);
    expect([s.stateOf(order), s.stateOf(role), order.id, s.isActive]).toEqual(["transient", "persistent", null, false]);
    await s.rollback();
    expect([s.new.size, s.deleted.size, order.role]).toEqual([0, 0, role]);
    expect(await work.rows("roles")).toHaveLength(1);
    expect(await work.rows("stricts")).toHaveLength(0);
  });

  it("F-20: flush of some objects leaves the others pending", async () => {
    const { s } = work;
    const [a, b, c] = ["a", "b", "c"].map((name) => make("Role", { name }));
    await save(c);
    s.addAll([a, b]);
    c.name = "changed";
    await s.flush([a]);
    expect([a, b].map((role) => s.stateOf(role))).toEqual(["persistent", "pending"]);
    expect(s.dirty.has(c)).toBe(true);
    expect(work.short()).toEqual(["I(roles)"]);
    expect([[...s.new], [...s.dirty], c.name]).toEqual([[b], [c], "changed"]);
    await s.flush([]);
    expect(work.all()).toEqual([]);
    await s.commit();
    expect(work.steps()).toEqual(["U(roles)", "I(roles)", "COMMIT"]);
    expect(await work.rows("roles")).toHaveLength(3);
  });

  it("F-20: flush of a deleted object writes what its delete leads to, and nothing else", async () => {
    const { s } = work;
    const [role, other] = ["r", "other"].map((name) => make("Role", { name }));
    const [user, stranger] = [make("User", { username: "u", role }), make("User", { username: "x" })];
    const [order, kept] = ["1", "2"].map((number) => make("Order", { number }));
    const line = make("Line", { text: "l", order });
    const note = make("Note", { text: "n", line });
    await save(role, other, user, stranger, order, kept, line, note);
    stranger.bio = "changed";
    s.delete(kept);
    s.delete(role);
    s.delete(order);
    await s.flush([role, order]);
    expect(work.short().filter((short) => !short.startsWith("S"))).toEqual([
      "U(users)",
      "D(notes)",
      "D(lines)",
      "D(orders)",
      "D(roles)",
    ]);
    expect([user.role, user.roleId]).toEqual([null, null]);
    expect([role, order, line, note, kept].map((object) => s.stateOf(object))).toEqual([
      ...Array(4).fill("deleted"),
      "persistent",
    ]);
    expect([s.isModified(stranger), s.deleted.has(kept)]).toEqual([true, true]);
    await s.rollback();
    expect([user.role, line.order, note.line]).toEqual([role, order, line]);
    const orphan = make("Line", { text: "orphan", order });
    await save(orphan);
    order.lines.remove(orphan);
    await s.flush([order]);
    expect(s.stateOf(orphan)).toBe("deleted");
    await role.destroy();
    await s.commit();
    expect(await work.rows("users")).toMatchObject([{ role_id: null }, { role_id: null }]);
  });

  it("F-20: flush of some objects writes each link of theirs once, with the new objects at its other end", async () => {
    const { s } = work;
    const [old, other] = ["old", "other"].map((word) => make("Keyword", { word }));
    await save(old, other);
    const fresh = make("Keyword", { word: "fresh" });
    const [item, second] = ["item", "second"].map((name) => make("Item", { name, keywords: [old] }));
    item.keywords.append(fresh);
    s.addAll([item, second]);
    other.word = "changed";
    await s.flush([item]);
    expect([fresh, second].map((object) => s.stateOf(object))).toEqual(["persistent", "pending"]);
    expect(work.short()).toEqual(["I(items)", "I(keywords)", "I(item_keywords)"]);
    expect(s.isModified(other)).toBe(true);
    await s.commit();
    expect(await work.rows("item_keywords", "1, 2")).toHaveLength(3);
    await old.items.load();
    work.all();
    item.keywords.remove(old);
    second.keywords.remove(old);
    await s.flush([item]);
    await s.flush();
    expect(work.short()).toEqual(["D(item_keywords)", "D(item_keywords)"]);
    expect(old.items.length).toBe(0);
    await s.rollback();
    expect(old.items.toArray()).toEqual([item, second]);
    await s.commit();
    expect(await work.rows("item_keywords", "1, 2")).toHaveLength(3);
  });

  it("F-20: a rollback takes back on both sides what flushes of some objects wrote", async () => {
    const { s } = work;
    const [old, next] = ["old", "next"].map((name) => make("Role", { name }));
    const user = make("User", { username: "u", role: old });
    await save(old, next, user);
    for (const role of [old, next]) await role.users.load();
    user.role = next;
    const fresh = make("User", { username: "fresh", role: next });
    s.add(fresh);
    await s.flush([user, fresh]);
    work.all();
    // Nothing is left to be written, but the other sides have not been told yet.
    await s.flush();
    expect(work.sql()).toEqual([]);
    await s.rollback();
    expect([user.role, s.stateOf(fresh)]).toEqual([old, "transient"]);
    expect([old.users.toArray(), next.users.toArray()]).toEqual([[user], []]);
    await s.commit();
    expect(await work.rows("users")).toMatchObject([{ role_id: old.id }]);
  });

  it("F-20: new members that a flush of some objects left out can leave their collection before they are written", async () => {
    const { s } = work;
    const order = make("Order", { number: "1" });
    const [kept, left] = ["kept", "left"].map((text) => make("Line", { text, order }));
    s.addAll([order, kept, left]);
    await s.flush([order, kept]);
    expect([s.stateOf(kept), s.stateOf(left)]).toEqual(["persistent", "pending"]);
    order.lines = [kept];
    await s.commit();
    expect([s.stateOf(left), order.lines.toArray()]).toEqual(["transient", [kept]]);
    expect(await work.rows("lines")).toMatchObject([{ text: "kept", orderId: order.id }]);
    const next = make("Line", { text: "next" });
    order.lines.append(next);
    await s.flush([order]);
    expect([s.stateOf(next), order.lines.includes(next)]).toEqual(["pending", true]);
    await s.rollback();
    expect([s.stateOf(next), order.lines.toArray()]).toEqual(["transient", [kept]]);
  });

  it("F-20: an object that a flush of some objects leaves out keeps its changes, though its foreign key is written", async () => {
    const { s } = work;
    const [first, second] = ["1", "2"].map((number) => make("Order", { number }));
    const line = make("Line", { text: "line", order: first });
    await save(first, line);
    await first.lines.load();
    s.add(second);
    second.lines = [line];
    await s.flush([first]);
    expect([line.order, first.lines.toArray(), s.stateOf(second)]).toEqual([second, [], "pending"]);
    line.order = first;
    await s.commit();
    expect([line.order, first.lines.toArray(), second.lines.toArray()]).toEqual([first, [line], []]);
    expect(await work.rows("lines")).toMatchObject([{ orderId: first.id }]);
  });

  it("F-20: a rollback takes what a flush of some objects moved out of a collection that was assigned blindly", async () => {
    const { s } = work;
    const [first, second] = ["1", "2"].map((number) => make("Order", { number }));
    const line = make("Line", { text: "moved", order: first });
    await save(first, second, line);
    await first.lines.load();
    second.lines = [line];
    await s.flush([line]);
    await s.flush();
    expect(second.lines.toArray()).toEqual([line]);
    await s.rollback();
    expect([line.order, line.orderId]).toEqual([first, first.id]);
    expect([first.lines.toArray(), second.lines.toArray()]).toEqual([[line], []]);
    work.sql();
    await s.commit();
    expect(work.sql()).toEqual([]);
    expect(await work.rows("lines")).toMatchObject([{ orderId: first.id }]);
  });

  it("F-14: a member that came and went does not bring others back with a rollback to a savepoint", async () => {
    const { s } = work;
    const order = make("Order", { number: "1" });
    const gone = make("Line", { text: "gone", order });
    await save(order, gone);
    await order.lines.load();
    const visitor = make("Line", { text: "visitor" });
    order.lines.append(visitor);
    order.lines.remove(visitor);
    await s.flush();
    s.delete(gone);
    const savepoint = await s.beginNested();
    s.add(make("Line", { text: "later", order }));
    await savepoint.rollback();
    expect(order.lines.toArray()).toEqual([]);
    await s.commit();
    expect([order.lines.toArray(), await work.rows("lines")]).toEqual([[], []]);
  });

  it("F-17: a deleted object leaves the many-to-many collections that know of it, though its own is not loaded", async () => {
    const { s } = work;
    const [item, other] = ["a", "b"].map((name) => make("Item", { name }));
    const [gone, kept] = ["gone", "kept"].map((word) => make("Keyword", { word, items: [item] }));
    await save(item, other, gone, kept);
    await item.keywords.load();
    expect(gone.items.isLoaded).toBe(false);
    s.delete(gone);
    await s.flush();
    expect(item.keywords.toArray()).toEqual([kept]);
    await s.rollback();
    expect(item.keywords.toArray()).toEqual([gone, kept]);
    await other.keywords.load();
    other.keywords.append(gone);
    await s.flush();
    s.delete(gone);
    await s.commit();
    expect([item.keywords.toArray(), other.keywords.toArray()]).toEqual([[kept], []]);
    expect(await work.rows("item_keywords", "1")).toHaveLength(1);
  });

  it("S-52: a rollback sets collections right that were loaded after what it undoes", async () => {
    const { s } = work;
    const [first, second] = ["1", "2"].map((number) => make("Order", { number }));
    const [line, doomed] = ["line", "doomed"].map((text) => make("Line", { text, order: first }));
    const item = make("Item", { name: "i" });
    const keyword = make("Keyword", { word: "k", items: [item] });
    await save(first, second, line, doomed, item, keyword);
    await keyword.items.load();
    line.orderId = second.id;
    for (const gone of [doomed, keyword]) s.delete(gone);
    s.add(make("Line", { text: "new", orderId: second.id }));
    await s.flush();
    for (const collection of [first.lines, second.lines, item.keywords]) await collection.load();
    expect([first.lines.length, second.lines.length, item.keywords.length]).toEqual([0, 2, 0]);
    await s.rollback();
    expect([new Set(first.lines), second.lines.toArray()]).toEqual([new Set([line, doomed]), []]);
    expect(item.keywords.toArray()).toEqual([keyword]);
    work.sql();
    await s.commit();
    expect(work.sql()).toEqual([]);
  });

  it("S-52: what was loaded of a deleted object is forgotten when a rollback brings its row back", async () => {
    const { s } = work;
    const item = make("Item", { name: "i" });
    const keyword = make("Keyword", { word: "k", items: [item] });
    await save(item, keyword);
    s.expire(item);
    s.delete(item);
    await s.flush();
    await s.load(item, "keywords");
    await s.rollback();
    expect(item.keywords.isLoaded).toBe(false);
    expect((await item.keywords.load()).toArray()).toEqual([keyword]);
  });

  it("S-64: links of an object that is added again after a rollback are written once", async () => {
    const { s } = work;
    const keyword = make("Keyword", { word: "k" });
    await save(keyword);
    const item = make("Item", { name: "i", keywords: [keyword] });
    s.add(item);
    await s.flush();
    await s.rollback();
    s.add(item);
    await s.commit();
    item.name = "renamed";
    item.keywords.append(make("Keyword", { word: "more" }));
    await s.commit();
    expect(await work.rows("item_keywords", "1")).toHaveLength(2);
  });

  it("S-61: a flush that fails restores what was changed and deleted, or deleted as an orphan", async () => {
    const { s } = work;
    const [first, second] = ["1", "2"].map((number) => make("Order", { number }));
    const [gone, orphan] = ["gone", "orphan"].map((text) => make("Line", { text, order: first }));
    const role = make("Role", { name: "taken" });
    await save(first, second, gone, orphan, role);
    await first.lines.load();
    gone.text = "changed";
    gone.order = second;
    s.delete(gone);
    orphan.order = null;
    s.add(make("Role", { name: "taken" }));
    await expect(s.flush()).rejects.toThrow(IntegrityError);
    await s.rollback();
    expect([gone, orphan].map((line) => [line.order, line.orderId, s.stateOf(line), s.isModified(line)])).toEqual(
      Array(2).fill([first, first.id, "persistent", false]),
    );
    expect([gone.text, first.lines.toArray()]).toEqual(["gone", [gone, orphan]]);
    work.sql();
    await s.commit();
    expect(work.sql()).toEqual([]);
  });

  it("F-21: defaults come at the flush, for what is unset and not for null", async () => {
    const { s, models } = work;
    const attribute = (models.Versioned as any).rawAttributes.name;
    expect(attribute).toBeDefined();
    const Defaulted =
      work.db.sequelize.models["Defaulted"] ??
      work.db.sequelize.define(
        "Defaulted",
        {
          id: ID,
          label: { type: DataTypes.STRING, defaultValue: "none" },
          made: { type: DataTypes.INTEGER, defaultValue: () => 42 },
        },
        { tableName: "defaulted", timestamps: false },
      );
    work.db.register(Defaulted);
    await Defaulted.sync({ force: true });
    const [unset, given]: any[] = [new Defaulted() as any, new (Defaulted as any)({ label: null, made: 1 })];
    expect([unset.label, unset.made]).toEqual([null, null]);
    s.addAll([unset, given]);
    expect(unset.label).toBeNull();
    work.all();
    await s.commit();
    const inserted = work
      .statements()
      .filter((sql) => sql.startsWith("INSERT"))
      .map(unpacked)
      .join("\n");
    expect(inserted).toMatch(/"none",42\b.*null,1\b/s);
    expect([unset, given].map((each) => [s.stateOf(each), s.isModified(each)])).toEqual(
      Array(2).fill(["persistent", false]),
    );
    expect([unset.label, unset.made, given.label, given.made]).toEqual(["none", 42, null, 1]);
    const lone: any = new Defaulted();
    await lone.save();
    expect([lone.label, lone.made]).toEqual(["none", 42]);
    expect(await work.rows("defaulted")).toHaveLength(3);
    await Defaulted.drop({});
  });
});
