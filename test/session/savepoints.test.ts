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
    s.add(role("kept"));
    await kept.commit();
    expect(work.all().at(-1)).toMatch(/^RELEASE/);
    expect(s.inNestedTransaction()).toBe(false);
    const undone = await s.beginNested();
    const lost = role("lost");
    s.add(lost);
    await undone.rollback();
    expect(work.all().some((sql) => sql.startsWith("ROLLBACK TO"))).toBe(true);
    expect(s.stateOf(lost)).toBe("transient");
    await s.commit();
    expect(await names()).toEqual(["before", "kept"]);
  });

  it("S-70: with a function the savepoint is kept at its end, and undone where it throws", async () => {
    const { s } = work;
    expect(await s.beginNested(() => s.add(role("kept")))).toBeUndefined();
    await expect(
      s.beginNested(async () => {
        s.add(role("lost"));
        await s.flush();
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    await s.commit();
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
    await savepoint.rollback();
    expect(changed.name).toBe("changed");
    expect([s.stateOf(fresh), s.stateOf(changed)]).toEqual(["transient", "persistent"]);
    work.all();
    expect(await s.get(work.models.Role, clean.id)).toBe(clean);
    expect(work.all()).toEqual([]);
    await s.commit();
    expect(await names()).toEqual(["changed", "clean"]);
  });

  it("S-72: what was changed before a savepoint belongs to the transaction around it", async () => {
    const { s } = work;
    const [object] = await stored("original");
    object.name = "x";
    const savepoint = await s.beginNested();
    object.name = "y";
    await savepoint.rollback();
    expect(object.name).toBe("x");
    await s.rollback();
    expect(object.name).toBe("original");
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
    await outer.rollback();
    expect([object.name, s.stateOf(fresh), fresh.id]).toEqual(["original", "transient", null]);
    const again = await s.beginNested();
    s.add(fresh);
    await again.commit();
    await s.rollback();
    expect(s.stateOf(fresh)).toBe("transient");
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
    s.add(role("taken"));
    await expect(s.flush()).rejects.toThrow(IntegrityError);
    expect(work.all().some((sql) => sql.startsWith("ROLLBACK TO"))).toBe(true);
    expect([s.isActive, s.stateOf(inside), s.stateOf(before)]).toEqual([false, "transient", "persistent"]);
    await expect(s.query(work.models.Role).count()).rejects.toThrow(PendingRollbackError);
    await savepoint.rollback();
    expect(s.isActive).toBe(true);
    await s.commit();
    expect(await names()).toEqual(["taken", "before"]);
  });

  it("S-74: in the form with a function the rollback is done and the transaction goes on", async () => {
    const { s } = work;
    await stored("taken");
    for (const name of ["a", "taken", "b"]) {
      await s
        .beginNested(() => s.add(role(name)))
        .catch((error: unknown) => expect(error).toBeInstanceOf(IntegrityError));
    }
    expect(s.isActive).toBe(true);
    await s.commit();
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
    expect(object.name).toBe("3");
    await expect(handles[4]?.commit()).rejects.toThrow(ResourceClosedError);
    work.all();
    await s.rollback();
    expect(work.all()).toEqual(["ROLLBACK"]);
    expect(object.name).toBe("0");
    for (const handle of handles) expect(handle.isActive).toBe(false);
  });

  it("commit of the session commits everything, also while a savepoint is open", async () => {
    const { s } = work;
    const savepoint = await s.beginNested();
    s.add(role("inside"));
    await s.commit();
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
    await savepoint.rollback();
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
