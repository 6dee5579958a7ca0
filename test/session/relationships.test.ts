// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import { DataTypes } from "sequelize";
import type { Sequelize } from "sequelize";
import { expect, it } from "vitest";
import { ArgumentError, NotLoadedError } from "../../src/errors";
import { joined, loadOnly, noload, raiseload, selectin } from "../../src/query/load-options";
import type { AnyModel } from "./fixture";
import { defineRoles, describeSession, unpacked } from "./fixture";

function defineAll(sequelize: Sequelize) {
  const Person = sequelize.define("Person", { name: DataTypes.STRING }, { tableName: "persons", timestamps: false });
  const Passport = sequelize.define(
    "Passport",
    { number: DataTypes.STRING, personId: DataTypes.INTEGER },
    { tableName: "passports", timestamps: false },
  );
  Person.hasOne(Passport, { as: "passport", foreignKey: "personId" });
  Passport.belongsTo(Person, { as: "person", foreignKey: "personId" });
  const Tag = sequelize.define("Tag", { name: DataTypes.STRING }, { tableName: "tags", timestamps: false });
  Person.belongsToMany(Tag, {
    as: "tags",
    through: "person_tags",
    timestamps: false,
    foreignKey: "personId",
    otherKey: "tagId",
  });
  Tag.belongsToMany(Person, {
    as: "persons",
    through: "person_tags",
    timestamps: false,
    foreignKey: "tagId",
    otherKey: "personId",
  });
  return {
    ...defineRoles(sequelize),
    Person: Person as unknown as AnyModel,
    Passport: Passport as unknown as AnyModel,
    Tag: Tag as unknown as AnyModel,
  };
}

describeSession("relationships", defineAll, (work) => {
  const make = (model: keyof typeof work.models, values: object = {}): any => new work.models[model](values);
  const role = (name: string): any => make("Role", { name });
  const user = (username: string, values: object = {}): any => make("User", { username, bio: "", ...values });
  const save = async (...objects: any[]): Promise<void> => {
    work.s.addAll(objects);
    await work.s.commit();
    for (const object of objects) await work.s.refresh(object);
    work.all();
  };

  it("R-1: both sides of a relationship move together, in every order, without SQL", () => {
    const [a, b] = [role("a"), role("b")];
    const u = user("u");
    u.role = a;
    expect(a.users.toArray()).toEqual([u]);
    b.users.append(u);
    expect([u.role, a.users.length, b.users.toArray()]).toEqual([b, 0, [u]]);
    u.role = a;
    expect([a.users.toArray(), b.users.length]).toEqual([[u], 0]);
    u.role = null;
    expect([u.role, a.users.length]).toEqual([null, 0]);
    a.users.append(u);
    a.users.remove(u);
    expect([u.role, a.users.length]).toEqual([null, 0]);
    const [v, w] = [user("v"), user("w")];
    a.users = [u, v];
    expect([u.role, v.role]).toEqual([a, a]);
    a.users = [v, w];
    expect([u.role, v.role, w.role]).toEqual([null, a, a]);
    b.users = a.users;
    expect([a.users.length, b.users.toArray(), v.role]).toEqual([0, [v, w], b]);
    expect(work.all()).toEqual([]);
  });

  it("R-1: both sides of a many-to-many relationship move together", async () => {
    const [p, q] = [make("Person", { name: "p" }), make("Person", { name: "q" })];
    const [s, t] = [make("Tag", { name: "s" }), make("Tag", { name: "t" })];
    p.tags.extend([s, t]);
    s.persons.append(q);
    expect([s.persons.toArray(), t.persons.toArray(), q.tags.toArray()]).toEqual([[p, q], [p], [s]]);
    t.persons.remove(p);
    expect(p.tags.toArray()).toEqual([s]);
    p.tags = [];
    expect(s.persons.toArray()).toEqual([q]);
    expect(work.all()).toEqual([]);
    p.tags = [t];
    work.s.addAll([p, q, s, t]);
    await work.s.commit();
    // What came and went is not written, what is left is written once.
    expect(work.steps().filter((each) => !each.startsWith("S("))).toEqual([
      "BEGIN",
      "I(persons)",
      "I(tags)",
      "I(person_tags)",
      "COMMIT",
    ]);
    const links = await work.rows("person_tags", work.s.dialect.quote("personId"));
    expect(links.map(({ personId, tagId }) => [personId, tagId])).toEqual([
      [p.id, t.id],
      [q.id, s.id],
    ]);
  });

  it("R-1: what moved between objects of the session is written once, as it stands at the flush", async () => {
    const { s } = work;
    const [a, b] = [role("a"), role("b")];
    const [u, v, w] = ["u", "v", "w"].map((name) => user(name, { role: a }));
    await save(a, b, u, v, w);
    await s.load([a, b], "users");
    work.all();
    b.users.append(u);
    a.users.append(u);
    b.users.append(u);
    v.role = null;
    a.users.remove(w);
    w.role = b;
    w.role = a;
    expect([u.role, v.role, w.role]).toEqual([b, null, a]);
    expect([a.users.toArray(), b.users.toArray()]).toEqual([[w], [u]]);
    // Until the flush the keys are what they were.
    expect([u.roleId, v.roleId, w.roleId, work.all()]).toEqual([a.id, a.id, a.id, []]);
    await s.flush();
    const [update, ...noMore] = work.statements();
    expect([update, noMore]).toEqual([expect.stringMatching(/^UPDATE users .*role_id = /), []]);
    expect(unpacked(update)).toMatch(/1,2\D+2,null/);
    expect(unpacked(update)).not.toMatch(/\b3,/);
    expect([u.roleId, v.roleId, w.roleId, s.dirty.size]).toEqual([b.id, null, a.id, 0]);
    await s.rollback();
    expect([u, v, w].map((each) => [each.role, each.roleId])).toEqual(Array(3).fill([a, a.id]));
    expect([new Set(a.users), b.users.toArray()]).toEqual([new Set([u, v, w]), []]);
    await s.load([a, b], "users");
    work.all();
    b.users = [...a.users].reverse();
    a.users = [u];
    expect([u, v, w].map((each) => each.role)).toEqual([a, b, b]);
    b.users = [];
    expect([[u, v, w].map((each) => each.role), work.all()]).toEqual([[a, null, null], []]);
    await s.commit();
    expect(work.steps()).toEqual(["BEGIN", "U(users)", "COMMIT"]);
    expect((await work.rows("users")).map((row) => row.role_id)).toEqual([a.id, null, null]);
  });

  it("R-2: a change of a collection that is not loaded waits until it is", async () => {
    const { s } = work;
    const [r, other] = [role("r"), role("other")];
    const [a, b, c] = [user("a", { role: r }), user("b", { role: r }), user("c")];
    await save(r, other, a, b, c);
    a.role = other;
    c.role = r;
    expect([r.users.isLoaded, a.roleId, c.roleId, work.all()]).toEqual([false, r.id, null, []]);
    await s.noAutoflush(() => r.users.load());
    expect(work.steps()).toEqual(["S(users)"]);
    expect(r.users.toArray()).toEqual([b, c]);
    expect([...s.dirty]).toEqual(expect.arrayContaining([a, c]));
    expect([a, b, c].map((each) => s.isModified(each))).toEqual([true, false, true]);
    await s.flush();
    expect(work.steps()).toEqual(["BEGIN", "U(users)"]);
    await s.rollback();
    expect([a.role, c.role, r.users.toArray()]).toEqual([r, null, [a, b]]);
    const d = user("d");
    s.expungeAll();
    const again: any = await s.get(work.models.Role, r.id);
    again.users.append(d);
    again.users.remove(d);
    work.all();
    expect([s.isModified(again), s.stateOf(d)]).toEqual([false, "pending"]);
    await s.noAutoflush(() => again.users.load());
    expect(work.steps()).toEqual(["S(users)"]);
    expect(again.users.map((each: any) => each.username)).toEqual(["a", "b"]);
    await s.commit();
    // The visitor became pending, and is inserted without a role.
    expect(work.steps()).toEqual(["BEGIN", "I(users)", "COMMIT"]);
    expect((await work.rows("users")).map((row) => [row.username, row.role_id])).toEqual([
      ["a", r.id],
      ["b", r.id],
      ["c", null],
      ["d", null],
    ]);
  });

  it("R-2: who is assigned to an owner after its members were replaced unseen stays one of them, also where it was one before", async () => {
    const { s } = work;
    const r = role("r");
    const [a, b, c] = [user("a", { role: r }), user("b", { role: r }), user("c", { role: r })];
    await save(r, a, b, c);
    s.expire(r);
    b.role = r;
    r.users = [c];
    a.role = r;
    await s.commit();
    expect((await work.rows("users")).map((row) => [row.username, row.role_id])).toEqual([
      ["a", r.id],
      ["b", null],
      ["c", r.id],
    ]);
    await r.users.load();
    expect(new Set(r.users)).toEqual(new Set([a, c]));
  });

  it("R-3: a member that is appended again stays one member", async () => {
    const { s } = work;
    const r = role("r");
    const u = user("u");
    r.users.append(u);
    r.users.append(u);
    expect(r.users.length).toBe(1);
    s.add(r);
    r.users.append(u);
    expect([s.new.size, r.users.toArray(), work.all()]).toEqual([2, [u], []]);
    await s.commit();
    expect(work.steps()).toEqual(["BEGIN", "I(roles)", "I(users)", "COMMIT"]);
    r.users.append(u);
    expect([s.isModified(r), s.isModified(u)]).toEqual([false, false]);
    await s.commit();
    expect(work.steps()).toEqual([]);
    await r.users.load();
    expect(r.users.toArray()).toEqual([u]);
    expect(await work.rows("users")).toHaveLength(1);
  });

  it("R-4: taking a member out and putting it back never clears its key", async () => {
    const { s } = work;
    const r = role("r");
    const users = ["a", "b", "c"].map((name) => user(name, { role: r }));
    await save(r, ...users);
    await r.users.load();
    work.all();
    r.users = [...r.users].reverse();
    r.users.remove(users[1]);
    r.users.append(users[1]);
    await s.flush();
    expect(work.all()).toEqual([]);
    expect([s.dirty.size, users.map((each) => each.role)]).toEqual([0, [r, r, r]]);
    const second = role("second");
    second.users.append(users[0]);
    r.users.append(users[0]);
    s.add(second);
    await s.commit();
    expect(work.steps()).toEqual(["BEGIN", "I(roles)", "COMMIT"]);
    expect([users[0].role, second.users.toArray(), r.users.length]).toEqual([r, [], 3]);
    expect((await work.rows("users")).map((row) => row.role_id)).toEqual([1, 1, 1]);
  });

  it("R-5: add reaches everything that is linked, and appending to an object of the session adds", async () => {
    const { s } = work;
    const r = role("r");
    const [u, v] = [user("u"), user("v")];
    u.role = r;
    r.users.append(v);
    s.add(u);
    expect(new Set(s.new)).toEqual(new Set([u, r, v]));
    const w = user("w");
    r.users.append(w);
    expect(s.has(w)).toBe(true);
    const x = user("x");
    x.role = r;
    expect(s.has(x)).toBe(false);
    const other = role("other");
    w.role = other;
    expect(s.has(other)).toBe(true);
    // In circles too, and through every kind of relationship.
    const p = make("Person", { name: "p", passport: make("Passport", { number: "1" }) });
    const tag = make("Tag", { name: "t", persons: [p, make("Person", { name: "q" })] });
    s.add(p.passport);
    expect([p, p.passport, tag, tag.persons.at(1)].map((each) => s.stateOf(each))).toEqual(Array(4).fill("pending"));
    expect(work.all()).toEqual([]);
    await s.commit();
    expect(
      work
        .steps()
        .filter((each) => each.startsWith("I("))
        .sort(),
    ).toEqual(["I(passports)", "I(person_tags)", "I(persons)", "I(roles)", "I(tags)", "I(users)"]);
    expect([u, r, v, w, x, other].map((each) => s.stateOf(each))).toEqual([
      ...Array<string>(4).fill("persistent"),
      "transient",
      "persistent",
    ]);
  });

  it("R-5: an object that only its back side links stays out, with a warning at the flush", async () => {
    const { s } = work;
    const r = role("r");
    await save(r);
    const u = user("u", { role: r });
    expect(s.stateOf(u)).toBe("transient");
    await s.commit();
    expect([s.stateOf(u), s.new.size, work.all()]).toEqual(["transient", 0, []]);
    expect(work.warnings()).toEqual([
      expect.stringMatching(
        /^Object of type <User> not in session, add operation along 'Role\.users' won't proceed: db\.session\.add\(user\)/,
      ),
    ]);
    expect(await work.rows("users")).toEqual([]);
    s.add(u);
    work.all();
    await s.commit();
    expect(work.steps()).toEqual(["BEGIN", "I(users)", "COMMIT"]);
    expect([s.stateOf(u), u.role, work.warnings()]).toEqual(["persistent", r, []]);
    expect(await work.rows("users")).toMatchObject([{ role_id: r.id }]);
  });

  it("R-1: who came to a collection that is not loaded is written with its key, whoever else came, went or stays out", async () => {
    const { s } = work;
    const [r, other] = [role("r"), role("other")];
    await save(r, other);
    const users = Array.from({ length: 8 }, (_, i) => user(`u${i}`, { role: r }));
    const [, moved, , stranger, cleared, , turned] = users;
    // In another order than they came.
    s.addAll(users.toReversed().filter((each) => each !== stranger));
    moved.role = other;
    cleared.role = null;
    turned.role = other;
    turned.role = r;
    await s.flush();
    expect(r.users.isLoaded).toBe(false);
    expect(work.warnings()).toEqual([expect.stringMatching(/^Object of type <User> not in session/)]);
    const keys = (await work.rows("users")).map((row) => [row.username, row.role_id]);
    expect(Object.fromEntries(keys)).toEqual({
      u0: r.id,
      u1: other.id,
      u2: r.id,
      u4: null,
      u5: r.id,
      u6: r.id,
      u7: r.id,
    });
    await s.noAutoflush(() => r.users.load());
    expect(new Set(r.users)).toEqual(new Set(users.filter((each) => each !== moved && each !== cleared)));
    s.add(stranger);
    await s.commit();
    expect(await work.rows("users")).toContainEqual(expect.objectContaining({ username: "u3", role_id: r.id }));
  });

  it("R-1: all who came to a collection that is not loaded are written by their own references, and a rollback gives them back", async () => {
    const { s } = work;
    const r = role("r");
    await save(r);
    const users = Array.from({ length: 5 }, (_, i) => user(`u${i}`, { role: r }));
    s.addAll(users);
    await s.flush();
    expect((await work.rows("users")).map((row) => row.role_id)).toEqual(users.map(() => r.id));
    await s.rollback();
    expect(users.map((each) => [s.stateOf(each), each.role])).toEqual(users.map(() => ["transient", r]));
    s.addAll(users.slice(1));
    await s.commit();
    expect((await work.rows("users")).map((row) => [row.username, row.role_id])).toEqual(
      users.slice(1).map((each) => [each.username, r.id]),
    );
    await r.users.load();
    expect(r.users.toArray()).toEqual(users.slice(1));
  });

  it("what a join says to be equal stands in its rows once, and each loaded object has its foreign key", async () => {
    const { s, models } = work;
    const r = role("r");
    const owner = make("Person", { name: "p" });
    owner.passport = make("Passport", { number: "1" });
    await save(r, user("a", { role: r }), user("b", { role: r }), owner);
    s.expungeAll();
    const values = async (query: any): Promise<unknown[]> =>
      (await query.all()).map(({ dataValues }: any) => Object.entries(dataValues));
    const users = await values((models.User as any).query.orderBy("id"));
    const passports = await values((models.Passport as any).query);
    s.expungeAll();
    work.all();
    const [found]: any[] = await (models.Role as any).query.options(joined("users")).orderBy("id").all();
    expect(work.sql()[0]?.split(" FROM ")[0]).not.toContain("role_id");
    expect(found.users.map(({ dataValues }: any) => Object.entries(dataValues))).toEqual(users);
    expect(found.users.map((each: any) => each.role)).toEqual([found, found]);
    const [person]: any[] = await (models.Person as any).query.options(joined("passport")).all();
    expect([Object.entries(person.passport.dataValues)]).toEqual(passports);
    s.expungeAll();
    const [some]: any[] = await (models.Role as any).query.options(joined("users"), loadOnly("users.username")).all();
    expect(some.users.map(({ dataValues }: any) => Object.keys(dataValues))).toEqual([
      ["id", "username"],
      ["id", "username"],
    ]);
  });

  it("R-6: a pending child that leaves its pending parent is inserted without a key", async () => {
    const { s } = work;
    const r = role("r");
    const u = user("u");
    r.users.append(u);
    s.add(r);
    r.users.remove(u);
    expect([s.stateOf(u), u.role, [...s.new]]).toEqual(["pending", null, [r, u]]);
    await s.commit();
    expect(work.steps()).toEqual(["BEGIN", "I(roles)", "I(users)", "COMMIT"]);
    expect([s.stateOf(u), u.roleId, u.role]).toEqual(["persistent", null, null]);
    expect(await work.rows("users")).toMatchObject([{ username: "u", role_id: null }]);
  });

  it("R-7: what cannot stand in a relationship is refused when it is assigned", () => {
    const [r, u] = [role("r"), user("u")];
    for (const wrong of [u, 3, "admin", {}, [r]]) {
      expect(() => (u.role = wrong), String(wrong)).toThrow(ArgumentError);
      expect(() => (u.role = wrong)).toThrow(/User\.role/);
    }
    for (const wrong of [r, null, undefined, 3]) {
      expect(() => r.users.append(wrong)).toThrow(/Role\.users/);
      expect(() => (r.users = [wrong])).toThrow(ArgumentError);
    }
    for (const wrong of [u, 3, null, {}])
      expect(() => (r.users = wrong)).toThrow(/Expected an array of User instances for Role\.users/);
    expect(r.users.length).toBe(0);
    expect(u.role).toBeNull();
    expect([work.s.stateOf(r), work.s.stateOf(u), work.s.new.size, work.all()]).toEqual([
      "transient",
      "transient",
      0,
      [],
    ]);
    // A refused value leaves what was there, also where others of its array are right.
    r.users.append(u);
    expect(() => (r.users = [user("right"), 3])).toThrow(ArgumentError);
    expect(() => (u.role = 3)).toThrow(ArgumentError);
    expect([r.users.toArray(), u.role]).toEqual([[u], r]);
    expect(() => user("x", { rol: r })).toThrow(TypeError);
    expect(() => user("x", { rol: r })).toThrow("'rol' is an invalid keyword argument for User");
    try {
      user("x", { rol: r });
    } catch (error) {
      expect(error).toMatchObject({ hint: 'did you mean "role"?' });
    }
  });

  it("R-8: many users of one role load it once, from the session where it is there", async () => {
    const { s, models } = work;
    const r = role("r");
    await save(r, ...["a", "b", "c"].map((name) => user(name, { role: r })), user("none"));
    s.expungeAll();
    const users: any[] = await models.User.query.orderBy("id").all();
    expect(() => users[0].role).toThrow(NotLoadedError);
    expect(users[3].role).toBeNull();
    work.all();
    await s.load(users, "role");
    expect(work.short()).toEqual(["S(roles)"]);
    expect(new Set(users.slice(0, 3).map((each) => each.role)).size).toBe(1);
    await s.load(users, "role");
    expect(work.all()).toEqual([]);
    expect(users.map((each) => s.isModified(each))).toEqual(Array(4).fill(false));
    // Where the session has the role, nothing is sent, neither for reading nor for loading.
    const known = users[0].role;
    for (const each of users) s.expunge(each);
    const again: any[] = await models.User.query.orderBy("id").all();
    work.all();
    expect(again.map((each) => each.role)).toEqual([known, known, known, null]);
    await s.load(again, "role");
    expect(work.all()).toEqual([]);
    // Where only some are known, those that are missing are asked for, all at once.
    const others = ["x", "y"].map(role);
    await save(...others, user("of x", { role: others[0] }), user("of y", { role: others[1] }));
    s.expungeAll();
    await s.get(models.Role, others[0].id);
    const all: any[] = await models.User.query.orderBy("id").all();
    work.all();
    await s.load(all, "role");
    const [select, ...noMore] = work.statements();
    expect([select, noMore]).toEqual([expect.stringMatching(/^SELECT .* FROM roles /), []]);
    expect(select?.slice(select.lastIndexOf(" ")).match(/\d+/g)).toEqual([String(r.id), String(others[1].id)]);
    expect(all.map((each) => each.role?.name ?? null)).toEqual(["r", "r", "r", null, "x", "y"]);
  });

  it("R-9: a new child of a one-to-one relationship takes the place of the old one", async () => {
    const { s } = work;
    const person = make("Person", { name: "p", passport: make("Passport", { number: "1" }) });
    const old = person.passport;
    await save(person, old);
    await s.load(person, "passport");
    work.all();
    expect(old.person).toBe(person);
    const fresh = make("Passport", { number: "2" });
    person.passport = fresh;
    expect([old.person, fresh.person]).toEqual([null, person]);
    await s.flush();
    expect(work.statements().filter((sql) => !sql.startsWith("SELECT"))).toEqual([
      expect.stringMatching(/^UPDATE passports SET .*personId.* WHERE id = \S+ \[null,1\]$/),
      expect.stringMatching(/^INSERT INTO passports /),
    ]);
    expect([old.personId, fresh.personId, s.stateOf(fresh), s.stateOf(old)]).toEqual([
      null,
      person.id,
      "persistent",
      "persistent",
    ]);
    await s.rollback();
    expect([person.passport, old.person, old.personId, s.stateOf(fresh)]).toEqual([
      old,
      person,
      person.id,
      "transient",
    ]);
    person.passport = fresh;
    await s.commit();
    expect(work.steps().filter((each) => !each.startsWith("S("))).toEqual([
      "ROLLBACK",
      "BEGIN",
      "U(passports)",
      "I(passports)",
      "COMMIT",
    ]);
    s.expungeAll();
    const again: any = await s.get(work.models.Person, person.id);
    expect(() => again.passport).toThrow(NotLoadedError);
    const third = make("Passport", { number: "3" });
    again.passport = third;
    work.all();
    await s.commit();
    // The one that has to leave is found at the flush.
    expect(work.steps().filter((each) => each !== "S(passports)")).toEqual([
      "BEGIN",
      "U(passports)",
      "I(passports)",
      "COMMIT",
    ]);
    expect([third.person, s.stateOf(third)]).toEqual([again, "persistent"]);
    expect(await work.rows("passports")).toMatchObject([
      { personId: null },
      { personId: null },
      { number: "3", personId: 1 },
    ]);
    expect((await s.load(again, "passport")) as any).toMatchObject({ number: "3" });
  });

  it("an unloaded reference throws with its fix, and never is undefined", async () => {
    const { s, models } = work;
    const r = role("r");
    await save(r, user("u", { role: r }));
    s.expungeAll();
    const u: any = await models.User.query.one();
    const error: any = ((): unknown => {
      try {
        return u.role;
      } catch (failure) {
        return failure;
      }
    })();
    expect(error).toBeInstanceOf(NotLoadedError);
    expect(error).toMatchObject({ model: "User", key: "role", hint: 'await db.session.load(user, "role")' });
    expect(error.message).toContain('.options(selectin("role"))');
    expect(((await s.load(u, "role")) as any).name).toBe("r");
    expect(u.role.name).toBe("r");
    await s.load(u, "role.users");
    expect(u.role.users.toArray()).toEqual([u]);
    await expect(s.load(u, "rol")).rejects.toThrow(/User has no relationship of that name/);
  });

  it("eager loading fills references and collections with the same objects", async () => {
    const { s, models } = work;
    const [r, empty] = [role("r"), role("empty")];
    await save(r, empty, user("a", { role: r }), user("b", { role: r }), user("none"));
    for (const option of [joined, selectin]) {
      s.expungeAll();
      const roles: any[] = await models.Role.query.options(option("users")).orderBy("id").all();
      expect(roles.map((each) => each.users.map((one: any) => one.username))).toEqual([["a", "b"], []]);
      s.expungeAll();
      const users: any[] = await models.User.query.options(option("role.users")).orderBy("id").all();
      expect(users.map((each) => each.role?.name ?? null)).toEqual(["r", "r", null]);
      expect(users[0].role.users.toArray()).toEqual([users[0], users[1]]);
    }
    s.expungeAll();
    const silent: any[] = await models.Role.query.options(noload("users")).all();
    expect(silent[0].users.toArray()).toEqual([]);
    s.expungeAll();
    const [strict]: any[] = await models.User.query.options(raiseload("role")).all();
    expect(() => strict.role).toThrow(/raiseload/);
    s.expungeAll();
    const [first]: any[] = await models.Role.query.options(raiseload("*")).orderBy("id").all();
    expect(() => [...first.users]).toThrow(/'Role.users' is not available due to raiseload/);
    expect(() => first.users.length).toThrow(expect.objectContaining({ hint: "await role.users.load()" }));
    expect(await first.users.load()).toBeDefined();
    expect(first.users.length).toBe(2);
    work.all();
  });

  it("eager loading leaves a collection with pending changes alone", async () => {
    const { s, models } = work;
    const r = role("r");
    await save(r, user("a", { role: r }));
    await r.users.load();
    const pending = user("pending");
    r.users.append(pending);
    await s.noAutoflush(() => models.Role.query.options(selectin("users")).all());
    expect(r.users.length).toBe(2);
    await s.noAutoflush(() => models.Role.query.options(joined("users")).all());
    expect(r.users.at(1)).toBe(pending);
  });

  it("many-to-many and one-to-one relationships load eagerly in both directions", async () => {
    const { s, models } = work;
    const p = make("Person", { name: "p", passport: make("Passport", { number: "1" }) });
    const tags = ["x", "y"].map((name) => make("Tag", { name }));
    p.tags.extend(tags);
    await save(p);
    for (const option of [joined, selectin]) {
      s.expungeAll();
      const person: any = await models.Person.query.options(option("tags"), option("passport")).one();
      expect(person.tags.map((tag: any) => tag.name).sort()).toEqual(["x", "y"]);
      expect(person.passport.number).toBe("1");
      s.expungeAll();
      const passport: any = await models.Passport.query.options(option("person.tags.persons")).one();
      expect(passport.person.tags.at(0).persons.toArray()).toEqual([passport.person]);
    }
  });

  it("a rolled back flush gives relationships of new objects back for another try", async () => {
    const { s } = work;
    const p = make("Person", { name: "p", passport: make("Passport", { number: "1" }) });
    p.tags.append(make("Tag", { name: "t" }));
    for (let round = 0; round < 2; round++) {
      s.add(p);
      await s.flush();
      expect(s.stateOf(p.tags.at(0))).toBe("persistent");
      await s.rollback();
      expect([s.stateOf(p), s.stateOf(p.passport)]).toEqual(["transient", "transient"]);
    }
    s.add(p);
    await s.commit();
    expect(await work.rows("passports")).toMatchObject([{ personId: p.id }]);
    expect(await work.rows("person_tags", s.dialect.quote("personId"))).toHaveLength(1);
  });
});
