// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import { expect, it } from "vitest";
import { IntegrityError, InvalidRequestError, PendingRollbackError } from "../../src/errors";
import { text } from "../../src/query/expressions";
import { defineRoles, describeSession } from "./fixture";

describeSession("autoflush", defineRoles, (work) => {
  const role = (name: string): any => new work.models.Role({ name });

  it("S-20: every query flushes what is pending, changed and deleted", async () => {
    const { s, models } = work;
    const { Role } = models;
    const changed = role("to be changed");
    s.add(changed);
    await s.commit();
    const sends = async (run: () => Promise<unknown>, name: string): Promise<void> => {
      const doomed: any = new models.User({ username: `doomed by ${name}`, bio: "" });
      s.add(doomed);
      await s.flush();
      const pending = role(name);
      s.add(pending);
      changed.name = `changed for ${name}`;
      s.delete(doomed);
      work.all();
      await run();
      const [update, insert, remove, ...asked] = work.short();
      expect([name, update, insert, remove]).toEqual([name, "U(roles)", "I(roles)", "D(users)"]);
      // Its own statements come after those of the flush; merge finds its object in the session.
      if (name !== "merge") expect(asked, name).not.toEqual([]);
      expect([s.stateOf(pending), s.stateOf(doomed), s.isModified(changed)]).toEqual(["persistent", "deleted", false]);
      expect([s.new.size, s.deleted.size], name).toEqual([0, 0]);
    };
    await sends(() => Role.query.all(), "all");
    await sends(() => Role.query.first(), "first");
    await sends(() => Role.query.filterBy({ name: "one" }).one(), "one");
    await sends(() => Role.query.count(), "count");
    await sends(() => s.query(Role.query.exists()).scalar(), "exists");
    await sends(() => s.query(Role.c.id).limit(1).scalar(), "scalar");
    await sends(() => Role.query.paginate(), "paginate");
    await sends(async () => {
      for await (const _ of Role.query) break;
    }, "iterate");
    await sends(() => Role.query.filterBy({ name: "update" }).update({ name: "updated" }), "update");
    await sends(() => Role.query.filterBy({ name: "nothing" }).delete(), "delete");
    await sends(() => s.get(Role, 4711), "get");
    const known: any = await Role.query.filterBy({ name: "one" }).one();
    await sends(() => s.refresh(known), "refresh");
    await sends(() => s.merge(new Role({ id: known.id, name: "merged" })), "merge");
    await sends(() => s.load(known, "users"), "load");
    await sends(() => known.users.count(), "collection");
    await sends(() => s.execute("SELECT 1"), "execute");
    await sends(() => s.scalar(Role.query.limit(1)), "scalar of a query");
  });

  it("S-20: get from the identity map, String(query) and an unflushed execute flush nothing", async () => {
    const { s, models } = work;
    const { Role } = models;
    const known = role("known");
    s.add(known);
    await s.commit();
    await s.refresh(known);
    const [pending, user]: any[] = [role("pending"), new models.User({ username: "u", role: known })];
    s.addAll([pending, user]);
    s.delete(known);
    work.all();
    expect(await s.get(Role, known.id)).toBe(known);
    expect(user.role).toBe(known);
    expect(String(Role.query.filterBy({ name: "x" }))).toMatch(/^SELECT/);
    await s.execute("SELECT 1", undefined, { autoflush: false });
    expect(work.sql()).toEqual(["SELECT 1"]);
    expect([[...s.new], [...s.deleted]]).toEqual([[pending, user], [known]]);
    expect([pending, user, known].map((each) => s.stateOf(each))).toEqual(["pending", "pending", "persistent"]);
  });

  it("S-21: a query of one table flushes changes of every table", async () => {
    const { s, models } = work;
    const user: any = new models.User({ username: "u", bio: "b" });
    s.add(user);
    await models.Role.query.all();
    expect(s.stateOf(user)).toBe("persistent");
    expect(work.steps()).toEqual(["BEGIN", "I(users)", "S(roles)"]);
    user.bio = "changed";
    await models.Role.query.all();
    expect([s.dirty.size, work.steps()]).toEqual([0, ["U(users)", "S(roles)"]]);
    s.delete(user);
    await models.Role.query.all();
    expect([s.stateOf(user), work.steps()]).toEqual(["deleted", ["D(users)", "S(roles)"]]);
  });

  it("S-22: noAutoflush holds for its block, nests, and is restored after an error", async () => {
    const { s, models } = work;
    const pending = role("pending");
    s.add(pending);
    await s.noAutoflush(async () => {
      expect(await models.Role.query.count()).toBe(0);
      await s.noAutoflush(async () => undefined);
      expect(await models.Role.query.count()).toBe(0);
      expect(await models.Role.query.first()).toBeNull();
    });
    expect([s.stateOf(pending), work.steps()]).toEqual(["pending", ["S(roles)", "S(roles)", "S(roles)"]]);
    await expect(
      s.noAutoflush(async () => {
        throw new Error("from the block");
      }),
    ).rejects.toThrow("from the block");
    expect(await models.Role.query.count()).toBe(1);
    expect([s.stateOf(pending), work.steps()]).toEqual(["persistent", ["BEGIN", "I(roles)", "S(roles)"]]);
    const second = role("second");
    s.add(second);
    const guard = s.noAutoflush();
    expect(await models.Role.query.count()).toBe(1);
    expect([s.stateOf(second), work.steps()]).toEqual(["pending", ["S(roles)"]]);
    guard[Symbol.dispose]();
    expect(await models.Role.query.count()).toBe(2);
    expect([s.stateOf(second), work.steps()]).toEqual(["persistent", ["I(roles)", "S(roles)"]]);
  });

  it("S-22: an explicit flush or commit works inside noAutoflush", async () => {
    const { s } = work;
    await s.noAutoflush(async () => {
      const [flushed, committed] = [role("flushed"), role("committed")];
      s.add(flushed);
      await s.flush();
      expect([s.stateOf(flushed), work.steps()]).toEqual(["persistent", ["BEGIN", "I(roles)"]]);
      s.add(committed);
      await s.commit();
      expect([s.stateOf(committed), work.steps()]).toEqual(["persistent", ["I(roles)", "COMMIT"]]);
    });
    expect(await work.rows("roles")).toHaveLength(2);
  });

  it("S-23: an error of an autoflush keeps its class, says where it comes from, and makes the session inactive", async () => {
    const { s, models } = work;
    const [kept, twice] = [role("twice"), role("twice")];
    s.add(kept);
    await s.commit();
    s.add(twice);
    kept.name = "changed";
    kept.name = "twice";
    work.all();
    const failure = await models.Role.query.all().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(IntegrityError);
    expect((failure as Error).message).toMatch(
      /^\(raised as a result of Query-invoked autoflush; consider using a session\.no_autoflush block if this flush is occurring prematurely\)/,
    );
    expect(failure).toMatchObject({ kind: "unique", objects: [twice] });
    // The query itself is not sent any more.
    expect(work.steps()).toEqual(["BEGIN", "I(roles)", "ROLLBACK"]);
    expect(s.isActive).toBe(false);
    expect([s.stateOf(twice), s.stateOf(kept), s.new.size]).toEqual(["transient", "persistent", 0]);
    await expect(models.Role.query.all()).rejects.toThrow(PendingRollbackError);
    expect(work.all()).toEqual([]);
    await s.rollback();
    expect(await models.Role.query.count()).toBe(1);
    expect(work.steps()).toEqual(["S(roles)"]);
  });

  it("S-24: a hook may query while the session flushes, and may not flush", async () => {
    const { s, models } = work;
    const seen: unknown[] = [];
    const hook = async (instance: any): Promise<void> => {
      seen.push(await models.Role.query.count());
      seen.push(await models.Role.count());
      const nested = await s.flush().catch((error: unknown) => error);
      expect(nested).toBeInstanceOf(InvalidRequestError);
      expect((nested as Error).message).toBe("Session is already flushing");
      await expect(s.commit()).rejects.toThrow(InvalidRequestError);
      instance.bio = "set by the hook";
    };
    models.User.addHook("beforeCreate", "test", hook as never);
    try {
      s.add(role("r"));
      s.add(new models.User({ username: "u" }));
      await s.commit();
    } finally {
      models.User.removeHook("beforeCreate", "test");
    }
    expect(seen).toEqual([1, 1]);
    expect(work.steps()).toEqual(["BEGIN", "I(roles)", "S(roles)", "S(roles)", "I(users)", "COMMIT"]);
    expect([s.isActive, s.new.size]).toEqual([true, 0]);
    expect(await work.rows("users")).toMatchObject([{ username: "u", bio: "set by the hook" }]);
  });

  it("S-25: autoflush is switched off for a session and for a query", async () => {
    const { s, models } = work;
    const quiet = work.another({ autoflush: false });
    const [pending, second] = [role("pending"), role("second")];
    quiet.add(pending);
    expect(await quiet.query(models.Role).count()).toBe(0);
    expect([quiet.stateOf(pending), work.steps()]).toEqual(["pending", ["S(roles)"]]);
    await quiet.commit();
    expect([quiet.stateOf(pending), work.steps()]).toEqual(["persistent", ["BEGIN", "I(roles)", "COMMIT"]]);
    expect(await quiet.query(models.Role).count()).toBe(1);
    s.add(second);
    work.all();
    expect(await models.Role.query.autoflush(false).count()).toBe(1);
    expect([s.stateOf(second), work.steps()]).toEqual(["pending", ["S(roles)"]]);
    expect(await s.query(text("1")).autoflush(false).all()).toHaveLength(1);
    expect(s.new.size).toBe(1);
    work.all();
    expect(await models.Role.query.count()).toBe(2);
    expect([s.stateOf(second), work.steps()]).toEqual(["persistent", ["BEGIN", "I(roles)", "S(roles)"]]);
  });

  it("S-22: blocks without autoflush that overlap may end in any order", async () => {
    const { s, models } = work;
    s.add(new models.Role({ name: "a" }));
    const first = s.noAutoflush();
    const second = s.noAutoflush();
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    expect(await models.Role.query.count()).toBe(0);
    expect([s.new.size, work.steps()]).toEqual([1, ["S(roles)"]]);
    second[Symbol.dispose]();
    expect(await models.Role.query.count()).toBe(1);
    expect([s.new.size, work.steps()]).toEqual([0, ["BEGIN", "I(roles)", "S(roles)"]]);
  });
});
