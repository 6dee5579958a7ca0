// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import { expect, it } from "vitest";
import { DetachedInstanceError, InvalidRequestError, NotLoadedError, StatementError } from "../../src/errors";
import { Query } from "../../src/query/query";
import { selectin } from "../../src/query/load-options";
import { Collection } from "../../src/session/relationships";
import { defineRoles, describeSession } from "./fixture";

describeSession("collections", defineRoles, (work) => {
  const user = (username: string, values: object = {}): any => new work.models.User({ username, bio: "", ...values });
  const stored = async (...names: string[]): Promise<any> => {
    const { s, models } = work;
    const role: any = new models.Role({ name: "r" });
    const users = names.map((name) => user(name, { role }));
    s.addAll([role, ...users]);
    await s.commit();
    s.expungeAll();
    const again: any = await s.get(models.Role, role.id);
    work.all();
    return again;
  };

  it("D-1: a collection is a query over the related rows, and reading it sends nothing", async () => {
    const role = await stored("a", "b", "c");
    expect(role.users).toBeInstanceOf(Collection);
    expect(role.users).toBeInstanceOf(Query);
    expect(role.users).toBe(role.users);
    expect(String(role.users)).toMatch(/^SELECT .* FROM users WHERE users\.role_id = 1 ORDER BY users\.id$/);
    expect(work.all()).toEqual([]);
    expect(await role.users.count()).toBe(3);
    expect((await role.users.filterBy({ username: "b" }).one()).username).toBe("b");
    const [count, filtered] = work.statements();
    expect(count).toMatch(/^SELECT count\(\*\).* FROM users WHERE users\.role_id = \S+( \S+)* \[1\]$/i);
    expect(filtered).toMatch(/ FROM users WHERE users\.role_id = \S+ AND users\.username = .*\[1,"b"(,2)?\]$/);
    expect((await role.users.filter(work.models.User.c.username.gt("a")).all()).length).toBe(2);
    expect((await role.users.first()).username).toBe("a");
    expect((await role.users.orderBy(null).orderBy(work.models.User.c.id.desc()).first()).username).toBe("c");
    expect((await role.users.paginate({ perPage: 2, page: 2 })).items).toHaveLength(1);
    const seen: string[] = [];
    for await (const each of role.users) seen.push(each.username);
    expect(seen).toEqual(["a", "b", "c"]);
    expect(role.users.isLoaded).toBe(false);
    // Iteration may need a place for the rest of its rows; nothing of the session is written.
    expect(work.steps().filter((each) => /^[IUD]\(/.test(each))).toEqual([]);
  });

  it("D-1: loaded, a collection reads as an ordered set; unloaded, it names the ways to load it", async () => {
    const { s } = work;
    const role = await stored("a", "b");
    for (const read of [
      () => role.users.length,
      () => role.users.at(0),
      () => [...role.users],
      () => role.users.map((each: any) => each.id),
      () => role.users.toArray(),
      () => role.users.includes(user("x")),
    ]) {
      expect(read).toThrow(NotLoadedError);
      expect(read).toThrow(/await role\.users\.load\(\).*\.options\(selectin\("users"\)\)/);
    }
    expect([role.users.isLoaded, s.dirty.size, work.all()]).toEqual([false, 0, []]);
    expect(await role.users.load()).toBe(role.users);
    expect(work.short()).toEqual(["S(users)"]);
    const [a, b] = [...role.users] as any[];
    expect([role.users.length, role.users.at(-1), role.users.includes(a)]).toEqual([2, b, true]);
    expect(role.users.map((each: any) => each.username)).toEqual(["a", "b"]);
    await role.users.load();
    expect(work.all()).toEqual([]);
    s.expungeAll();
    const [again]: any[] = await work.models.Role.query.options(selectin("users")).all();
    expect(again.users.length).toBe(2);
  });

  it("D-2: a query of a collection flushes what was appended, except without autoflush", async () => {
    const { s } = work;
    const role = await stored("a");
    const b = user("b");
    role.users.append(b);
    await s.noAutoflush(async () => {
      expect(await role.users.count()).toBe(1);
      expect(await role.users.filterBy({ username: "b" }).all()).toEqual([]);
    });
    expect([s.stateOf(b), work.steps()]).toEqual(["pending", ["S(users)", "S(users)"]]);
    expect(await role.users.count()).toBe(2);
    expect([s.stateOf(b), work.steps()]).toEqual(["persistent", ["BEGIN", "I(users)", "S(users)"]]);
    const terminals: [string, () => Promise<unknown>][] = [
      ["all", () => role.users.all()],
      ["first", () => role.users.first()],
      ["filter", () => role.users.filterBy({ username: "x" }).all()],
      ["paginate", () => role.users.paginate({ perPage: 1 })],
      ["load", () => role.users.load()],
    ];
    for (const [name, run] of terminals) {
      const next = user(name);
      role.users.append(next);
      await run();
      expect([name, s.stateOf(next), next.roleId]).toEqual([name, "persistent", role.id]);
      expect(work.steps().slice(0, 2)).toEqual(["I(users)", "S(users)"]);
    }
  });

  it("D-3: of a transient owner the objects in memory are given, and of a pending one the flushed rows", async () => {
    const { s, models } = work;
    const role: any = new models.Role({ name: "r" });
    const member = user("a");
    role.users.append(member);
    expect(await role.users.all()).toEqual([member]);
    expect(await role.users.count()).toBe(1);
    const seen = [];
    for await (const each of role.users) seen.push(each);
    expect(seen).toEqual([member]);
    await expect(role.users.first()).rejects.toThrow(DetachedInstanceError);
    await expect(role.users.filterBy({ username: "a" }).all()).rejects.toThrow(/is not bound to a Session/);
    expect(work.all()).toEqual([]);
    s.add(role);
    expect(await role.users.filterBy({ username: "a" }).all()).toEqual([member]);
    expect(s.stateOf(role)).toBe("persistent");
    expect(work.steps()).toEqual(["BEGIN", "I(roles)", "I(users)", "S(users)"]);
    const second: any = new models.Role({ name: "second" });
    second.users.append(user("b"));
    s.add(second);
    // A pending owner in noAutoflush has no row yet.
    await s.noAutoflush(() => expect(second.users.filterBy({ username: "b" }).all()).rejects.toThrow(StatementError));
    expect([s.stateOf(second), work.all()]).toEqual(["pending", []]);
  });

  it("D-4: the collection of a detached owner cannot be queried", async () => {
    const { s } = work;
    const role = await stored("a");
    s.expunge(role);
    await expect(role.users.all()).rejects.toThrow(DetachedInstanceError);
    await expect(role.users.load()).rejects.toThrow(DetachedInstanceError);
    await expect(role.users.count()).rejects.toThrow(DetachedInstanceError);
    await expect(role.users.filterBy({ username: "a" }).first()).rejects.toThrow(/is not bound to a Session/);
    expect([s.stateOf(role), [...s].length, work.all()]).toEqual(["detached", 0, []]);
  });

  it("D-5: append and remove load nothing, and the flush writes the child alone", async () => {
    const { s } = work;
    const role = await stored("a", "b");
    const [a]: any[] = await work.models.User.query.orderBy("id").all();
    work.all();
    const c = user("c");
    role.users.append(c);
    role.users.remove(a);
    expect(work.all()).toEqual([]);
    expect([role.users.isLoaded, c.role, a.role, s.stateOf(c)]).toEqual([false, role, null, "pending"]);
    expect([new Set(s.dirty), [...s.new]]).toEqual([new Set([role, a]), [c]]);
    await s.flush();
    expect(work.steps()).toEqual(["BEGIN", "U(users)", "I(users)"]);
    expect([role.users.isLoaded, c.roleId, a.roleId, s.dirty.size]).toEqual([false, role.id, null, 0]);
    expect((await work.rows("users")).map((row) => row.role_id)).toEqual([null, 1, 1]);
  });

  it("D-6: assignment to an unloaded collection finds out at the flush who has to leave", async () => {
    const { s } = work;
    const role = await stored("a", "b", "c");
    const users: any[] = await work.models.User.query.orderBy("id").all();
    const fresh = user("d");
    work.all();
    role.users = [users[1], fresh];
    expect(role.users.toArray()).toEqual([users[1], fresh]);
    expect(work.all()).toEqual([]);
    await s.flush();
    expect(work.short().filter((short) => short === "S(users)")).toHaveLength(1);
    expect(users.map((each) => each.role)).toEqual([null, role, null]);
    expect([fresh.role, s.stateOf(fresh), s.dirty.size]).toEqual([role, "persistent", 0]);
    await s.rollback();
    expect([users.map((each) => each.role), s.stateOf(fresh)]).toEqual([[role, role, role], "transient"]);
    role.users = [users[1], fresh];
    work.all();
    await s.commit();
    expect(work.steps().filter((each) => each !== "S(users)")).toEqual(["BEGIN", "U(users)", "I(users)", "COMMIT"]);
    expect((await work.rows("users")).map((row) => row.role_id)).toEqual([null, 1, null, 1]);
  });

  it("D-6: a collection that expired is replaced and emptied by what the database has by then", async () => {
    const { s, models } = work;
    const role = await stored("a");
    const [late, later] = [user("late"), user("later")];
    s.addAll([late, later]);
    await role.users.load();
    await s.commit();
    await work.db.sequelize.query(`UPDATE users SET role_id = ${role.id} WHERE username LIKE 'late%'`);
    await models.User.query.all();
    role.users.remove(late);
    await s.commit();
    expect(late.roleId).toBeNull();
    const next = user("next");
    role.users = [next];
    await s.commit();
    expect((await work.rows("users")).map(({ username, role_id }) => [username, role_id])).toEqual([
      ["a", null],
      ["late", null],
      ["later", null],
      ["next", role.id],
    ]);
    expect([later.roleId, later.role]).toEqual([null, null]);
  });

  it("D-6: an object that is no member cannot be removed", async () => {
    const { s, models } = work;
    const role = await stored("a");
    const other: any = new models.Role({ name: "other" });
    const stranger = user("s", { role: other });
    s.add(stranger);
    await s.commit();
    expect(() => role.users.remove(stranger)).toThrow(InvalidRequestError);
    expect(() => role.users.remove(user("x"))).toThrow(/it is not a member of this Role's users/);
    expect([stranger.role, s.isModified(stranger), s.isModified(role)]).toEqual([other, false, false]);
    await role.users.load();
    expect(() => role.users.remove(stranger)).toThrow(InvalidRequestError);
  });

  it("D-7: a rollback discards what was appended and removed", async () => {
    const { s } = work;
    const role = await stored("a", "b");
    await role.users.load();
    const [a, b] = role.users.toArray();
    role.users.append(user("c"));
    role.users.remove(a);
    const c = role.users.at(-1);
    work.all();
    await s.rollback();
    expect(role.users.toArray()).toEqual([a, b]);
    expect([a.role, s.stateOf(c), s.dirty.size, s.new.size]).toEqual([role, "transient", 0, 0]);
    // Nothing had been sent that the database would have to undo.
    expect(work.all()).toEqual([]);
    role.users = [];
    await s.flush();
    expect(work.steps().filter((each) => each !== "S(users)")).toEqual(["BEGIN", "U(users)"]);
    await s.rollback();
    expect(role.users.toArray()).toEqual([a, b]);
    expect([a.roleId, b.roleId]).toEqual([role.id, role.id]);
    await s.commit();
    expect(work.steps()).toEqual(["ROLLBACK"]);
    expect((await work.rows("users")).map((row) => row.role_id)).toEqual([role.id, role.id]);
  });

  it("D-7: the configured order comes first, and orderBy appends to it", async () => {
    const role = await stored("a");
    expect(String(role.users.orderBy("username"))).toMatch(/ORDER BY users\.id, users\.username$/);
  });

  it("D-8: bulk update and delete keep to the members", async () => {
    const { s, models } = work;
    const role = await stored("a", "b");
    const [a, b] = await role.users.all();
    const stranger = user("stranger");
    s.add(stranger);
    work.all();
    expect(await role.users.update({ bio: "changed" })).toBe(2);
    const [insert, update] = work.statements().filter((sql) => !sql.startsWith("SELECT"));
    expect([s.stateOf(stranger), insert]).toEqual(["persistent", expect.stringMatching(/^INSERT INTO users /)]);
    expect(update).toMatch(/^UPDATE users SET bio = \S+ WHERE users\.role_id = \S+( .*)? \["changed",1\]$/);
    expect([a.bio, b.bio, stranger.bio, s.isModified(a)]).toEqual(["changed", "changed", "", false]);
    expect(await role.users.filterBy({ username: "a" }).delete()).toBe(1);
    const [remove, ...noMore] = work.statements().filter((sql) => !sql.startsWith("SELECT"));
    expect(remove).toMatch(/^DELETE FROM users WHERE users\.role_id = \S+ AND users\.username = .* \[1,"a"\]$/);
    expect([noMore, s.has(a), s.stateOf(b)]).toEqual([[], false, "persistent"]);
    await s.commit();
    expect(await work.rows("users")).toMatchObject([
      { username: "b", bio: "changed" },
      { username: "stranger", bio: "" },
    ]);
    expect(await models.User.query.count()).toBe(2);
  });
});
