// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import { expect, it } from "vitest";
import { IntegrityError, PendingRollbackError, ResourceClosedError } from "../../src/errors";
import { defineRoles, describeSession } from "./fixture";

describeSession("savepoints", defineRoles, (work) => {
  const role = (name: string): any => new work.models.Role({ name });
  const stored = async (...names: string[]): Promise<any[]> => {
    const roles = names.map(role);
    work.s.addAll(roles);
    await work.s.commit();
    for (const each of roles) await work.s.refresh(each);
    work.all();
    return roles;
  };
  const names = async (): Promise<string[]> => (await work.rows("roles")).map((row) => row.name);

  it("S-70: beginNested flushes, opens a transaction where none is open, and its handle releases or rolls back", async () => {
    const { s } = work;
    const before = role("before");
    s.add(before);
    const kept = await s.beginNested();
    expect(work.all()).toEqual([
      expect.stringMatching(/^BEGIN/),
      expect.stringMatching(/^INSERT INTO roles/),
      expect.stringMatching(/^SAVEPOINT/),
    ]);
    expect([s.inTransaction(), s.inNestedTransaction()]).toEqual([true, true]);
    expect([s.stateOf(before), kept.isNested, kept.isActive]).toEqual(["persistent", true, true]);
    const within = role("kept");
    s.add(within);
    await kept.commit();
    expect(work.steps()).toEqual(["I(roles)", "RELEASE"]);
    expect([s.stateOf(within), kept.isActive, s.inTransaction()]).toEqual(["persistent", false, true]);
    expect(s.inNestedTransaction()).toBe(false);
    const undone = await s.beginNested();
    const lost = role("lost");
    s.add(lost);
    await undone.rollback();
    // What was not flushed is not sent to be undone.
    expect(work.steps()).toEqual(["SAVEPOINT", "ROLLBACK TO", "RELEASE"]);
    expect([s.stateOf(lost), s.new.size, s.inNestedTransaction(), s.inTransaction()]).toEqual([
      "transient",
      0,
      false,
      true,
    ]);
    await s.commit();
    expect(work.steps()).toEqual(["COMMIT"]);
    expect(await names()).toEqual(["before", "kept"]);
  });

  it("S-70: with a function the savepoint is kept at its end, and undone where it throws", async () => {
    const { s } = work;
    const kept = role("kept");
    expect(await s.beginNested(() => s.add(kept))).toBeUndefined();
    expect([s.stateOf(kept), work.steps()]).toEqual(["persistent", ["BEGIN", "SAVEPOINT", "I(roles)", "RELEASE"]]);
    const lost = role("lost");
    await expect(
      s.beginNested(async () => {
        s.add(lost);
        await s.flush();
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    expect(work.steps()).toEqual(["SAVEPOINT", "I(roles)", "ROLLBACK TO", "RELEASE"]);
    expect([s.stateOf(lost), s.stateOf(kept), s.isActive]).toEqual(["transient", "persistent", true]);
    await s.commit();
    expect(work.steps()).toEqual(["COMMIT"]);
    expect(await names()).toEqual(["kept"]);
  });

  it("S-71: rolling a savepoint back restores what was changed inside it and touches nothing else", async () => {
    const { s } = work;
    const [changed, clean] = await stored("changed", "clean");
    const savepoint = await s.beginNested();
    changed.name = "flushed inside";
    await s.flush();
    changed.name = "not flushed";
    const fresh = role("fresh");
    s.add(fresh);
    expect(work.steps()).toEqual(["BEGIN", "SAVEPOINT", "U(roles)"]);
    await savepoint.rollback();
    expect(work.steps()).toEqual(["ROLLBACK TO", "RELEASE"]);
    expect(changed.name).toBe("changed");
    expect([s.stateOf(fresh), s.stateOf(changed)]).toEqual(["transient", "persistent"]);
    expect([s.isModified(changed), s.new.size, s.dirty.size, fresh.name]).toEqual([false, 0, 0, "fresh"]);
    expect(await s.get(work.models.Role, clean.id)).toBe(clean);
    expect(work.all()).toEqual([]);
    await s.commit();
    expect(work.steps()).toEqual(["COMMIT"]);
    expect(await names()).toEqual(["changed", "clean"]);
  });

  it("S-71: references, collections and deletes of before the savepoint stay, those made inside it are taken back", async () => {
    const { s, models } = work;
    const [first, second] = await stored("first", "second");
    const [a, b, c]: any[] = ["a", "b", "c"].map((username) => new models.User({ username, bio: "", role: first }));
    s.addAll([a, b, c]);
    await s.commit();
    await s.load([first, second], "users");
    a.role = second;
    s.delete(c);
    work.all();
    const savepoint = await s.beginNested();
    expect(work.steps()).toEqual(["BEGIN", "U(users)", "D(users)", "SAVEPOINT"]);
    second.users.append(b);
    a.role = null;
    const fresh: any = new models.User({ username: "fresh", bio: "", role: second });
    s.add(fresh);
    await s.flush();
    s.delete(second);
    expect(work.steps()).toEqual(["U(users)", "I(users)"]);
    await savepoint.rollback();
    expect(work.steps()).toEqual(["ROLLBACK TO", "RELEASE"]);
    expect([a.role, a.roleId, b.role, b.roleId]).toEqual([second, second.id, first, first.id]);
    expect([first.users.toArray(), second.users.toArray()]).toEqual([[b], [a]]);
    expect([a, b, c, fresh, second].map((each) => s.stateOf(each))).toEqual([
      "persistent",
      "persistent",
      "deleted",
      "transient",
      "persistent",
    ]);
    expect([s.new.size, s.dirty.size, s.deleted.size]).toEqual([0, 0, 0]);
    await s.rollback();
    expect(work.steps()).toEqual(["ROLLBACK"]);
    expect([a.role, s.stateOf(c), first.users.length, second.users.length]).toEqual([first, "persistent", 3, 0]);
    await s.commit();
    expect(work.all()).toEqual([]);
    expect((await work.rows("users")).map((row) => row.role_id)).toEqual([first.id, first.id, first.id]);
  });

  it("S-72: what was changed before a savepoint belongs to the transaction around it", async () => {
    const { s } = work;
    const [object] = await stored("original");
    object.name = "x";
    const savepoint = await s.beginNested();
    expect(work.statements()).toEqual([expect.stringMatching(/^UPDATE roles SET name = \S+ WHERE .*\["x",1\]$/)]);
    object.name = "y";
    await savepoint.rollback();
    expect([object.name, s.isModified(object)]).toEqual(["x", false]);
    const second = await s.beginNested();
    object.name = "y";
    await s.flush();
    work.all();
    await second.rollback();
    expect([object.name, s.isModified(object), work.steps()]).toEqual(["x", false, ["ROLLBACK TO", "RELEASE"]]);
    expect(await s.scalar("SELECT name FROM roles")).toBe("x");
    work.all();
    await s.rollback();
    expect([object.name, s.isModified(object), work.steps()]).toEqual(["original", false, ["ROLLBACK"]]);
    expect(await names()).toEqual(["original"]);
  });

  it("S-73: a rollback around a released savepoint undoes its work too", async () => {
    const { s } = work;
    const [object] = await stored("original");
    const outer = await s.beginNested();
    const inner = await s.beginNested();
    object.name = "inner";
    const fresh = role("fresh");
    s.add(fresh);
    await inner.commit();
    expect(s.stateOf(fresh)).toBe("persistent");
    expect(work.steps()).toEqual(["BEGIN", "SAVEPOINT", "SAVEPOINT", "U(roles)", "I(roles)", "RELEASE"]);
    await outer.rollback();
    expect(work.steps()).toEqual(["ROLLBACK TO", "RELEASE"]);
    expect([s.isModified(object), s.has(fresh), s.inTransaction()]).toEqual([false, false, true]);
    expect([object.name, s.stateOf(fresh), fresh.id]).toEqual(["original", "transient", null]);
    const again = await s.beginNested();
    s.add(fresh);
    object.name = "again";
    await again.commit();
    expect([s.stateOf(fresh), object.name]).toEqual(["persistent", "again"]);
    expect(work.steps()).toEqual(["SAVEPOINT", "U(roles)", "I(roles)", "RELEASE"]);
    await s.rollback();
    expect(work.steps()).toEqual(["ROLLBACK"]);
    expect([s.stateOf(fresh), fresh.id, object.name, s.isModified(object)]).toEqual([
      "transient",
      null,
      "original",
      false,
    ]);
    expect(await names()).toEqual(["original"]);
  });

  it("S-74: a failing flush inside a savepoint spares the transaction around it", async () => {
    const { s } = work;
    await stored("taken");
    const before = role("before");
    s.add(before);
    const savepoint = await s.beginNested();
    const inside = role("inside");
    s.add(inside);
    await s.flush();
    const failing = role("taken");
    s.add(failing);
    work.all();
    await expect(s.flush()).rejects.toThrow(IntegrityError);
    expect(work.steps()).toEqual(["I(roles)", "ROLLBACK TO"]);
    expect([s.stateOf(failing), s.new.size, s.inTransaction()]).toEqual(["transient", 0, true]);
    expect([s.isActive, s.stateOf(inside), s.stateOf(before)]).toEqual([false, "transient", "persistent"]);
    await expect(s.query(work.models.Role).count()).rejects.toThrow(PendingRollbackError);
    await expect(s.commit()).rejects.toThrow(PendingRollbackError);
    await expect(savepoint.commit()).rejects.toThrow(PendingRollbackError);
    expect([savepoint.isActive, work.all()]).toEqual([true, []]);
    await savepoint.rollback();
    expect([s.isActive, s.stateOf(before), s.stateOf(inside)]).toEqual([true, "persistent", "transient"]);
    expect(work.steps().at(-1)).toBe("RELEASE");
    await s.commit();
    expect(work.steps()).toEqual(["COMMIT"]);
    expect(await names()).toEqual(["taken", "before"]);
  });

  it("S-74: in the form with a function the rollback is done and the transaction goes on", async () => {
    const { s } = work;
    await stored("taken");
    const roles = ["a", "taken", "b"].map(role);
    for (const each of roles) {
      await s.beginNested(() => s.add(each)).catch((error: unknown) => expect(error).toBeInstanceOf(IntegrityError));
    }
    expect(s.isActive).toBe(true);
    expect(roles.map((each) => s.stateOf(each))).toEqual(["persistent", "transient", "persistent"]);
    expect(work.steps().filter((each) => !["ROLLBACK TO", "RELEASE"].includes(each))).toEqual([
      "BEGIN",
      ...Array<string[]>(3).fill(["SAVEPOINT", "I(roles)"]).flat(),
    ]);
    await s.commit();
    expect(work.steps()).toEqual(["COMMIT"]);
    expect((await names()).sort()).toEqual(["a", "b", "taken"]);
  });

  it("S-75: savepoints nest, and the rollback of the transaction ends them all at once", async () => {
    const { s } = work;
    const [object] = await stored("0");
    const handles = [];
    for (let depth = 1; depth <= 5; depth++) {
      handles.push(await s.beginNested());
      object.name = String(depth);
      await s.flush();
    }
    const savepoints = work.all().filter((sql) => sql.startsWith("SAVEPOINT"));
    expect(new Set(savepoints).size).toBe(5);
    await handles[3]?.rollback();
    expect(work.steps()).toEqual(["ROLLBACK TO", "RELEASE"]);
    expect([object.name, s.isModified(object)]).toEqual(["3", false]);
    expect(handles.map((handle) => handle.isActive)).toEqual([true, true, true, false, false]);
    expect([s.inTransaction(), s.inNestedTransaction()]).toEqual([true, true]);
    await expect(handles[4]?.commit()).rejects.toThrow(ResourceClosedError);
    work.all();
    await s.rollback();
    expect(work.all()).toEqual(["ROLLBACK"]);
    expect(object.name).toBe("0");
    for (const handle of handles) {
      expect(handle.isActive).toBe(false);
      await expect(handle.rollback()).rejects.toThrow(ResourceClosedError);
    }
    expect([s.inTransaction(), s.inNestedTransaction(), s.stateOf(object)]).toEqual([false, false, "persistent"]);
    expect(work.all()).toEqual([]);
    expect(await names()).toEqual(["0"]);
  });

  it("commit of the session commits everything, also while a savepoint is open", async () => {
    const { s } = work;
    const savepoint = await s.beginNested();
    const inside = role("inside");
    s.add(inside);
    await s.commit();
    expect([s.stateOf(inside), work.steps()]).toEqual(["persistent", ["BEGIN", "SAVEPOINT", "I(roles)", "COMMIT"]]);
    expect(savepoint.isActive).toBe(false);
    expect([s.inTransaction(), s.inNestedTransaction()]).toEqual([false, false]);
    expect(await names()).toEqual(["inside"]);
  });

  it("a delete inside a savepoint is undone with it, and with the transaction around it", async () => {
    const { s } = work;
    const [object] = await stored("kept");
    const fresh = role("fresh");
    s.add(fresh);
    const savepoint = await s.beginNested();
    s.delete(object);
    s.delete(fresh);
    await s.flush();
    expect([object, fresh].map((each) => s.stateOf(each))).toEqual(["deleted", "deleted"]);
    expect(work.short().filter((each) => !each.startsWith("S("))).toEqual(["I(roles)", "D(roles)"]);
    await savepoint.rollback();
    expect([work.steps(), s.deleted.size]).toEqual([["ROLLBACK TO", "RELEASE"], 0]);
    expect([s.stateOf(object), s.stateOf(fresh)]).toEqual(["persistent", "persistent"]);
    const kept = await s.beginNested();
    s.delete(object);
    s.delete(fresh);
    await kept.commit();
    await s.rollback();
    expect([s.stateOf(object), s.stateOf(fresh)]).toEqual(["persistent", "transient"]);
    expect(await names()).toEqual(["kept"]);
  });
});
