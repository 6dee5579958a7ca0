// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import { inspect } from "node:util";
import { expect, it } from "vitest";
import { InvalidRequestError, UnmappedInstanceError } from "../../src/errors";
import { inspectObject } from "../../src/session/inspect-object";
import { makeTransient } from "../../src/session/session";
import { defineRoles, describeSession } from "./fixture";

describeSession("states", defineRoles, (work) => {
  const role = (name = "admin"): any => new work.models.Role({ name });
  const stored = async (name = "admin"): Promise<any> => {
    const object = role(name);
    work.s.add(object);
    await work.s.commit();
    await work.s.refresh(object);
    work.all();
    return object;
  };

  it("S-1: an object is in exactly one of the five states", async () => {
    const { s } = work;
    const object = role();
    expect([s.stateOf(object), s.has(object), work.another().has(object)]).toEqual(["transient", false, false]);
    s.add(object);
    expect(s.stateOf(object)).toBe("pending");
    expect(work.steps()).toEqual([]);
    await s.flush();
    expect([s.stateOf(object), inspectObject(object).state]).toEqual(["persistent", "persistent"]);
    expect(work.steps()).toEqual(["BEGIN", "I(roles)"]);
    s.delete(object);
    expect(s.stateOf(object)).toBe("persistent");
    expect(work.steps()).toEqual([]);
    await s.flush();
    expect([s.stateOf(object), inspectObject(object).state]).toEqual(["deleted", "deleted"]);
    expect(work.steps()).toEqual(["S(users)", "D(roles)"]);
    await s.commit();
    expect([s.stateOf(object), inspectObject(object).state]).toEqual(["detached", "detached"]);
    expect(work.steps()).toEqual(["COMMIT"]);
  });

  it("S-2: add makes an object pending without SQL, flush makes it persistent with its key", async () => {
    const { s } = work;
    const [a, b] = [role("a"), role("b")];
    s.add(b);
    s.add(a);
    expect([...s.new]).toEqual([b, a]);
    expect(b.id).toBeNull();
    expect(work.all()).toEqual([]);
    await s.flush();
    expect(s.new.size).toBe(0);
    expect([b.id, a.id]).toEqual([1, 2]);
    expect(s.stateOf(a)).toBe("persistent");
    expect(work.steps()).toEqual(["BEGIN", "I(roles)"]);
    await s.flush();
    expect(work.steps()).toEqual([]);
    await s.commit();
    expect(work.steps()).toEqual(["COMMIT"]);
    expect(await work.rows("roles")).toEqual([
      { id: 1, name: "b" },
      { id: 2, name: "a" },
    ]);
  });

  it("S-3: adding again changes nothing, and cancels a delete that was not flushed", async () => {
    const { s } = work;
    const object = role();
    s.add(object);
    s.add(object);
    expect(s.new.size).toBe(1);
    await s.commit();
    expect(work.steps()).toEqual(["BEGIN", "I(roles)", "COMMIT"]);
    s.add(object);
    expect([s.stateOf(object), s.new.size, s.dirty.size]).toEqual(["persistent", 0, 0]);
    s.delete(object);
    s.add(object);
    expect([s.stateOf(object), s.has(object), s.deleted.size, s.dirty.size]).toEqual(["persistent", true, 0, 0]);
    await s.commit();
    expect(work.steps()).toEqual([]);
    expect(await work.rows("roles")).toHaveLength(1);
  });

  it("S-4: an object without a row cannot be deleted and stays what it is", async () => {
    const { s } = work;
    const object = role();
    expect(() => s.delete(object)).toThrow(InvalidRequestError);
    expect(() => s.delete(object)).toThrow(`Instance '${String(object)}' is not persisted`);
    expect([s.stateOf(object), s.new.size, s.deleted.size]).toEqual(["transient", 0, 0]);
    s.add(object);
    expect(() => s.delete(object)).toThrow(`Instance '${String(object)}' is not persisted`);
    expect([s.stateOf(object), s.deleted.size]).toEqual(["pending", 0]);
    expect([...s.new]).toEqual([object]);
    expect(work.steps()).toEqual([]);
    await s.commit();
    expect(work.steps()).toEqual(["BEGIN", "I(roles)", "COMMIT"]);
    expect(s.stateOf(object)).toBe("persistent");
  });

  it("S-5: a deleted object stays persistent until the flush, and comes back with a rollback", async () => {
    const { s } = work;
    const object = await stored();
    s.delete(object);
    s.delete(object);
    expect(s.has(object)).toBe(true);
    expect([...s.deleted]).toEqual([object]);
    expect([s.stateOf(object), work.steps()]).toEqual(["persistent", []]);
    await s.flush();
    expect(work.steps()).toEqual(["S(users)", "BEGIN", "D(roles)"]);
    expect(s.stateOf(object)).toBe("deleted");
    expect(s.has(object)).toBe(false);
    expect(s.deleted.size).toBe(0);
    await s.rollback();
    expect(s.stateOf(object)).toBe("persistent");
    expect(s.has(object)).toBe(true);
    expect([object.id, object.name]).toEqual([1, "admin"]);
    expect([s.new.size, s.dirty.size, s.deleted.size]).toEqual([0, 0, 0]);
    expect(work.steps()).toEqual(["ROLLBACK"]);
    expect(await s.get(work.models.Role, object.id)).toBe(object);
    s.delete(object);
    work.all();
    await s.commit();
    expect(work.steps()).toEqual(["S(users)", "BEGIN", "D(roles)", "COMMIT"]);
    expect([s.stateOf(object), s.has(object), s.deleted.size]).toEqual(["detached", false, 0]);
    expect(() => s.add(object)).toThrow(/has been deleted/);
    expect(await work.rows("roles")).toEqual([]);
  });

  it("S-5: a change and a delete of one transaction are both undone by its rollback", async () => {
    const { s } = work;
    const object = await stored();
    object.name = "changed";
    await s.flush();
    object.name = "again";
    s.delete(object);
    await s.flush();
    // The second change goes with the row.
    expect(work.steps()).toEqual(["BEGIN", "U(roles)", "S(users)", "D(roles)"]);
    await s.rollback();
    expect([object.name, s.isModified(object), s.dirty.size]).toEqual(["admin", false, 0]);
    expect(s.stateOf(object)).toBe("persistent");
    await s.commit();
    expect(work.steps()).toEqual(["ROLLBACK"]);
    expect(await work.rows("roles")).toEqual([{ id: 1, name: "admin" }]);
    // The same where the change was never flushed by itself.
    object.name = "only touched";
    s.delete(object);
    await s.flush();
    expect([s.stateOf(object), work.short()]).toEqual(["deleted", ["S(users)", "D(roles)"]]);
    await s.rollback();
    expect([s.stateOf(object), object.name, s.isModified(object)]).toEqual(["persistent", "admin", false]);
    await s.commit();
    expect(work.steps()).toEqual(["ROLLBACK"]);
  });

  it("S-6: an object inserted and deleted in one transaction is transient after its rollback", async () => {
    const { s } = work;
    const object = role();
    s.add(object);
    await s.flush();
    s.delete(object);
    await s.flush();
    expect(s.stateOf(object)).toBe("deleted");
    expect(work.steps()).toEqual(["BEGIN", "I(roles)", "S(users)", "D(roles)"]);
    await s.rollback();
    expect(work.steps()).toEqual(["ROLLBACK"]);
    expect([s.stateOf(object), s.has(object), s.new.size]).toEqual(["transient", false, 0]);
    expect(object.id).toBeNull();
    expect(object.name).toBe("admin");
    await s.commit();
    expect(work.steps()).toEqual([]);
    // It is like one that was never added: no makeTransient is needed.
    s.add(object);
    await s.commit();
    expect(work.steps()).toEqual(["BEGIN", "I(roles)", "COMMIT"]);
    expect(await work.rows("roles")).toEqual([{ id: object.id, name: "admin" }]);
  });

  it("S-7: a deleted object is added again only after makeTransient, with its old key", async () => {
    const { s } = work;
    const object = await stored();
    s.delete(object);
    await s.flush();
    const refusal =
      "Instance '<Role 1>' has been deleted.  Use the make_transient() function to send this object back to the transient state.";
    expect(() => s.add(object)).toThrow(refusal);
    expect([s.stateOf(object), s.new.size]).toEqual(["deleted", 0]);
    await s.commit();
    expect(() => s.add(object)).toThrow(InvalidRequestError);
    expect(() => s.add(object)).toThrow(refusal);
    expect([s.stateOf(object), s.new.size]).toEqual(["detached", 0]);
    makeTransient(object);
    expect([s.stateOf(object), object.id]).toEqual(["transient", 1]);
    s.add(object);
    expect([s.stateOf(object), [...s.new]]).toEqual(["pending", [object]]);
    work.all();
    await s.commit();
    expect(work.statements()).toEqual([expect.stringMatching(/^INSERT INTO roles \(id, name\) .*\[1,"admin"\]$/)]);
    expect(await work.rows("roles")).toEqual([{ id: 1, name: "admin" }]);
    expect(s.stateOf(object)).toBe("persistent");
  });

  it("S-8: deleting twice is nothing within a transaction and an error after it", async () => {
    const { s } = work;
    const object = await stored();
    s.delete(object);
    await s.flush();
    work.all();
    s.delete(object);
    expect([s.stateOf(object), s.deleted.size]).toEqual(["deleted", 0]);
    await s.flush();
    expect(work.steps()).toEqual([]);
    await s.commit();
    expect([work.steps(), work.warnings()]).toEqual([["COMMIT"], []]);
    expect(() => s.delete(object)).toThrow(InvalidRequestError);
    expect([s.stateOf(object), s.deleted.size, s.isActive]).toEqual(["detached", 0, true]);
    await s.commit();
    expect(work.steps()).toEqual([]);
  });

  it("S-9: expunge takes an object out with its unflushed changes and without its row", async () => {
    const { s } = work;
    const object = await stored();
    const pending = role("pending");
    s.add(pending);
    s.expunge(pending);
    expect([s.stateOf(pending), s.has(pending), s.new.size]).toEqual(["transient", false, 0]);
    object.name = "changed";
    s.expunge(object);
    expect([s.stateOf(object), s.has(object), s.dirty.size]).toEqual(["detached", false, 0]);
    expect([object.name, pending.name]).toEqual(["changed", "pending"]);
    await s.commit();
    expect(work.steps()).toEqual([]);
    expect(await work.rows("roles")).toEqual([{ id: 1, name: "admin" }]);
    for (const absent of [object, pending])
      expect(() => s.expunge(absent)).toThrow(`Instance ${String(absent)} is not present in this Session`);
    expect(await s.get(work.models.Role, 1)).not.toBe(object);
    expect(work.steps()).toEqual(["S(roles)"]);
  });

  it("S-9: expungeAll empties the session and leaves the transaction open", async () => {
    const { s } = work;
    const object = await stored();
    const pending = role("pending");
    object.name = "flushed";
    await s.flush();
    s.add(pending);
    s.delete(object);
    work.all();
    s.expungeAll();
    expect([s.new.size, s.dirty.size, s.deleted.size, [...s].length]).toEqual([0, 0, 0, 0]);
    expect([s.stateOf(object), s.stateOf(pending)]).toEqual(["detached", "transient"]);
    expect(work.all()).toEqual([]);
    expect(s.inTransaction()).toBe(true);
    await s.commit();
    expect(work.steps()).toEqual(["COMMIT"]);
    expect(await work.rows("roles")).toEqual([{ id: 1, name: "flushed" }]);
  });

  it("S-10: a detached object is persistent again after add, and changes made meanwhile are flushed", async () => {
    const { s } = work;
    const [a, b] = [await stored("a"), await stored("b")];
    s.expunge(a);
    s.expunge(b);
    a.name = "changed";
    s.addAll([a, b]);
    expect(work.all()).toEqual([]);
    expect([s.stateOf(a), s.stateOf(b)]).toEqual(["persistent", "persistent"]);
    expect([...s.dirty]).toEqual([a]);
    expect([s.isModified(a), s.isModified(b), s.new.size]).toEqual([true, false, 0]);
    await s.commit();
    expect(work.statements()).toEqual([
      expect.stringMatching(/^UPDATE roles SET name = \S+ WHERE id = \S+ \["changed",1\]$/),
    ]);
    expect(s.dirty.size).toBe(0);
    expect(await s.get(work.models.Role, a.id)).toBe(a);
    expect((await work.rows("roles")).map((row) => row.name)).toEqual(["changed", "b"]);
  });

  it("S-10: an object that plain Sequelize loaded joins the session as persistent", async () => {
    const { s, models } = work;
    await models.Role.create({ name: "admin" });
    const found: any = await models.Role.findOne();
    expect(s.stateOf(found)).toBe("detached");
    found.name = "changed";
    s.add(found);
    expect([s.stateOf(found), [...s.dirty]]).toEqual(["persistent", [found]]);
    work.all();
    await s.commit();
    expect(work.steps()).toEqual(["BEGIN", "U(roles)", "COMMIT"]);
    expect(await s.get(models.Role, found.id)).toBe(found);
    expect(await work.rows("roles")).toEqual([{ id: 1, name: "changed" }]);
  });

  it("S-11: two objects of one row, or one object in two sessions, are refused", async () => {
    const { s } = work;
    const object = await stored();
    const twin: any = await work.models.Role.findOne();
    work.all();
    expect(() => s.add(twin)).toThrow(InvalidRequestError);
    expect(() => s.add(twin)).toThrow(
      /^Can't attach instance .*; another instance with key .* is already present in this session\./,
    );
    expect([s.stateOf(twin), s.has(twin), s.has(object)]).toEqual(["detached", false, true]);
    const other = work.another();
    expect(() => other.add(object)).toThrow(InvalidRequestError);
    expect(() => other.add(object)).toThrow(
      new RegExp(`is already attached to session ${s.id} \\(this is ${other.id}\\)`),
    );
    expect([s.has(object), other.has(object), s.stateOf(object)]).toEqual([true, false, "persistent"]);
    const pending = role("pending");
    s.add(pending);
    expect(() => other.add(pending)).toThrow(/is already attached to session/);
    expect([s.has(pending), other.new.size]).toEqual([true, 0]);
    twin.name = "of the twin";
    await s.commit();
    await other.commit();
    expect(work.steps()).toEqual(["BEGIN", "I(roles)", "COMMIT"]);
    expect((await work.rows("roles")).map((row) => row.name)).toEqual(["admin", "pending"]);
  });

  it("S-12: what is not an instance of a registered model is refused, and addAll then adds none", async () => {
    const { s } = work;
    for (const wrong of [{}, 3, null, undefined, "x", work.models.Role, [role()]]) {
      for (const method of ["add", "delete", "expunge", "expire", "has"] as const)
        expect(() => s[method](wrong as object), method).toThrow(UnmappedInstanceError);
      await expect(s.refresh(wrong as object)).rejects.toThrow(UnmappedInstanceError);
    }
    const good = role();
    expect(() => s.addAll([good, {}])).toThrow(UnmappedInstanceError);
    expect(s.stateOf(good)).toBe("transient");
    expect(s.new.size).toBe(0);
    expect(() => s.addAll([good, null as unknown as object])).toThrow(UnmappedInstanceError);
    await s.commit();
    expect([s.stateOf(good), work.steps()]).toEqual(["transient", []]);
  });

  it("S-13: has and iteration know pending and persistent objects, also those marked for deletion", async () => {
    const { s } = work;
    const object = await stored();
    const pending = role("pending");
    expect(s.has(pending)).toBe(false);
    s.add(pending);
    s.delete(object);
    expect([s.has(pending), s.has(object)]).toEqual([true, true]);
    expect(new Set(s)).toEqual(new Set([pending, object]));
    expect(work.steps()).toEqual([]);
    await s.flush();
    expect(work.steps()).toEqual(["S(users)", "BEGIN", "I(roles)", "D(roles)"]);
    expect([s.stateOf(object), s.has(object)]).toEqual(["deleted", false]);
    expect([...s]).toEqual([pending]);
    s.expunge(pending);
    expect([s.stateOf(pending), s.has(pending), [...s]]).toEqual(["detached", false, []]);
    await s.commit();
    expect([s.stateOf(object), s.has(object)]).toEqual(["detached", false]);
    expect(work.steps()).toEqual(["COMMIT"]);
  });

  it("S-14: close rolls back, takes every object out, and leaves the session usable", async () => {
    const { s } = work;
    const object = await stored();
    const pending = role("pending");
    object.name = "flushed";
    await s.flush();
    s.add(pending);
    work.all();
    await s.close();
    expect(work.all()).toEqual(["ROLLBACK"]);
    expect([s.stateOf(object), s.stateOf(pending)]).toEqual(["detached", "transient"]);
    expect(object.name).toBe("admin");
    expect(object.id).toBe(1);
    expect([s.has(object), s.has(pending), [...s].length, s.inTransaction()]).toEqual([false, false, 0, false]);
    await s.close();
    expect(work.all()).toEqual([]);
    expect(await s.query(work.models.Role).count()).toBe(1);
    expect(work.steps()).toEqual(["S(roles)"]);
    s.add(pending);
    await s.commit();
    expect(work.steps()).toEqual(["BEGIN", "I(roles)", "COMMIT"]);
    expect(await s.get(work.models.Role, 1)).not.toBe(object);
  });

  it("S-15: dirty tells what was touched, isModified what has net changes", async () => {
    const { s } = work;
    const object = await stored();
    expect(s.dirty.size).toBe(0);
    object.name = "admin";
    expect([...s.dirty]).toEqual([object]);
    expect(s.isModified(object)).toBe(false);
    work.all();
    await s.flush();
    expect(work.all()).toEqual([]);
    expect(s.dirty.size).toBe(0);
    object.name = "away";
    expect(s.isModified(object)).toBe(true);
    object.name = "admin";
    expect([s.isModified(object), [...s.dirty]]).toEqual([false, [object]]);
    await s.flush();
    expect([work.all(), s.dirty.size]).toEqual([[], 0]);
    object.name = "away";
    s.delete(object);
    expect([s.dirty.size, [...s.deleted]]).toEqual([0, [object]]);
    s.add(object);
    expect([...s.dirty]).toEqual([object]);
    await s.flush();
    expect([work.short(), s.dirty.size]).toEqual([["U(roles)"], 0]);
    const pending = role("pending");
    s.add(pending);
    expect(s.dirty.size).toBe(0);
    expect(s.isModified(pending)).toBe(true);
    expect(s.isModified(new work.models.Role())).toBe(false);
    expect(work.all()).toEqual([]);
  });

  it("S-16: isModified counts scalars and references, collections only where asked, and sends nothing", async () => {
    const { s, models } = work;
    const [a, b] = [await stored("a"), await stored("b")];
    const user: any = new models.User({ username: "u", role: a });
    s.add(user);
    await s.commit();
    await a.users.load();
    work.all();
    user.role = a;
    expect(s.isModified(user)).toBe(false);
    user.role = b;
    expect(s.isModified(user)).toBe(true);
    expect(s.isModified(a)).toBe(true);
    expect(s.isModified(a, { includeCollections: false })).toBe(false);
    // References and plain values count in both ways.
    expect(s.isModified(user, { includeCollections: false })).toBe(true);
    user.role = a;
    expect(s.isModified(user)).toBe(false);
    expect(s.isModified(a)).toBe(false);
    a.name = "renamed";
    expect([s.isModified(a), s.isModified(a, { includeCollections: false })]).toEqual([true, true]);
    a.name = "a";
    expect(work.all()).toEqual([]);
    await s.commit();
    expect(work.all()).toEqual([]);
  });

  it("S-17: new, dirty and deleted are fresh sets that may be changed without effect", async () => {
    const { s } = work;
    const object = await stored();
    object.name = "changed";
    s.add(role("pending"));
    s.new.clear();
    s.dirty.clear();
    expect(s.new.size).toBe(1);
    expect(s.dirty.size).toBe(1);
    s.delete(object);
    s.deleted.clear();
    expect(s.deleted.size).toBe(1);
    for (const name of ["new", "dirty", "deleted"] as const) {
      expect(s[name]).toBeInstanceOf(Set);
      expect(s[name], name).not.toBe(s[name]);
    }
    const before = s.new;
    s.add(role("later"));
    expect([before.size, s.new.size]).toEqual([1, 2]);
    // What was put into a snapshot is nothing to the session either.
    const stranger = role("stranger");
    s.new.add(stranger);
    s.deleted.add(stranger);
    expect([s.has(stranger), s.deleted.has(stranger), work.all()]).toEqual([false, false, []]);
    await s.commit();
    expect(work.steps()).toEqual(["S(users)", "BEGIN", "I(roles)", "D(roles)", "COMMIT"]);
    expect((await work.rows("roles")).map((row) => row.name)).toEqual(["pending", "later"]);
  });

  it("S-18: an object prints its model with its key or its state, and sends nothing", async () => {
    const { s } = work;
    const object = role();
    expect(String(object)).toMatch(/^<Role \(transient \d+\)>$/);
    expect(inspect(object)).toBe(String(object));
    s.add(object);
    expect(inspect(object)).toMatch(/^<Role \(pending \d+\)>$/);
    await s.commit();
    work.all();
    expect(`${String(object)}`).toBe("<Role 1>");
    s.delete(object);
    expect(inspect(object)).toBe("<Role 1>");
    await s.flush();
    expect([s.stateOf(object), inspect(object)]).toEqual(["deleted", "<Role 1>"]);
    await s.commit();
    expect(inspect(object)).toBe("<Role 1>");
    s.expungeAll();
    expect(work.short()).toEqual(["S(users)", "D(roles)"]);
    const loaded = await stored("loaded");
    s.expungeAll();
    expect(JSON.stringify(loaded)).toBe('{"id":2,"name":"loaded"}');
    expect([s.stateOf(loaded), inspect(loaded)]).toEqual(["detached", "<Role 2>"]);
    s.add(loaded);
    s.expire(loaded);
    expect([s.stateOf(loaded), inspect(loaded)]).toEqual(["persistent", "<Role 2>"]);
    loaded.toString = () => "its own";
    expect(String(loaded)).toBe("its own");
    expect(work.all()).toEqual([]);
  });
});
