// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import { expect, it } from "vitest";
import {
  ArgumentError,
  InvalidRequestError,
  MultipleResultsFound,
  NoResultFound,
  PendingRollbackError,
  ResourceClosedError,
  StaleDataError,
  StatementError,
} from "../../src/errors";
import { text } from "../../src/query/expressions";
import { defineRoles, describeSession } from "./fixture";

describeSession("execute and bulk", defineRoles, (work) => {
  const fill = async (): Promise<void> => {
    await work.s.bulkInsertMappings(work.models.Role, [{ name: "a" }, { name: "b" }, { name: "c" }]);
    await work.s.commit();
    work.all();
  };

  it("S-90: execute gives a result that is read once, in one of many ways", async () => {
    const { s } = work;
    await fill();
    const run = () => s.execute("SELECT id, name FROM roles WHERE name <> :name ORDER BY id", { name: "b" });
    const result = await run();
    expect(result.keys()).toEqual(["id", "name"]);
    const rows: any[] = [...result.all()];
    expect(rows.map((row) => [row[0], row.name])).toEqual([
      [1, "a"],
      [3, "c"],
    ]);
    expect(() => result.first()).toThrow(ResourceClosedError);
    expect((await run()).mappings()).toEqual([
      { id: 1, name: "a" },
      { id: 3, name: "c" },
    ]);
    expect([...((await run()).first() as unknown[])]).toEqual([1, "a"]);
    expect((await run()).scalar()).toBe(1);
    expect((await run()).scalars()).toEqual([1, 3]);
    expect((await run()).rowcount).toBe(2);
    expect(() => result.one()).toThrow(ResourceClosedError);
    await expect(s.execute("SELECT * FROM roles WHERE id = :a", {})).rejects.toThrow(
      "A value is required for bind parameter 'a'",
    );
    await expect(s.execute("SELECT * FROM roles WHERE id = :a", {})).rejects.toThrow(StatementError);
    expect(work.sql()).toHaveLength(6);
    await expect(s.execute("SELECT * FROM roles WHERE id = :a", {})).rejects.toThrow(StatementError);
    await expect(s.execute({})).rejects.toThrow(ArgumentError);
    await expect(s.execute("COMMIT")).rejects.toThrow(InvalidRequestError);
    // None of these was sent.
    expect([work.all(), s.inTransaction(), s.isActive]).toEqual([[], false, true]);
  });

  it("S-90: parameters are values of every kind, lists, and text(…) with its own", async () => {
    const { s } = work;
    await fill();
    expect(await s.scalars("SELECT name FROM roles WHERE id IN (:ids) ORDER BY id", { ids: [1, 3] })).toEqual([
      "a",
      "c",
    ]);
    expect(await s.scalar(text("SELECT count(*) FROM roles WHERE name = :name", { name: "a" }))).toEqual(
      expect.anything(),
    );
    const [list, named] = work.statements();
    // They go beside the text, never into it.
    expect(list).toMatch(/^SELECT name FROM roles WHERE id (IN \(.*\)|= ANY.*) ORDER BY id \[.*1,.*3.*\]$/);
    expect(named).toMatch(/^SELECT count\(\*\) FROM roles WHERE name = \S+ \["a"\]$/);
    expect(Number(await s.scalar("SELECT count(*) FROM roles WHERE name = ':name' OR name = 'a'"))).toBe(1);
  });

  it("S-90: a text that writes belongs to the session's transaction, one that reads opens none", async () => {
    const { s } = work;
    await fill();
    await s.execute("SELECT 1");
    expect([s.inTransaction(), work.all()]).toEqual([false, ["SELECT 1"]]);
    const result = await s.execute("UPDATE roles SET name = :name WHERE id < :id", { name: "x", id: 2 });
    expect(result.rowcount).toBe(1);
    expect(s.inTransaction()).toBe(true);
    const [begin, update, ...more] = work.all();
    expect([begin, update, more]).toEqual([
      expect.stringMatching(/^BEGIN/),
      expect.stringMatching(/^UPDATE roles SET name = \S+ WHERE id < \S+$/),
      [],
    ]);
    await s.rollback();
    expect(work.all()).toEqual(["ROLLBACK"]);
    expect(await s.scalars("SELECT name FROM roles ORDER BY id")).toEqual(["a", "b", "c"]);
  });

  it("S-91: scalar, scalars and one ask for what they say", async () => {
    const { s, models } = work;
    await fill();
    expect(await s.scalar("SELECT name FROM roles WHERE id = 2")).toBe("b");
    expect(await s.scalar("SELECT name FROM roles WHERE id = 99")).toBeNull();
    expect(await s.scalars(models.Role.query.orderBy("id"))).toHaveLength(3);
    const all = () => s.execute("SELECT id FROM roles");
    const none = () => s.execute("SELECT id FROM roles WHERE id > 99");
    expect(work.sql()).toHaveLength(3);
    expect(await s.scalars(models.Role.query.orderBy("id"))).toEqual(await models.Role.query.orderBy("id").all());
    const many = await all();
    expect(() => many.one()).toThrow(MultipleResultsFound);
    const several = await all();
    expect(() => several.oneOrNone()).toThrow(MultipleResultsFound);
    const empty = await none();
    expect(() => empty.one()).toThrow(NoResultFound);
    expect((await none()).oneOrNone()).toBeNull();
    expect((await none()).first()).toBeNull();
  });

  it("S-92: bulkSaveObjects writes objects and leaves their states", async () => {
    const { s, models } = work;
    const roles = ["a", "b"].map((name): any => new models.Role({ name }));
    await s.bulkSaveObjects(roles);
    expect(work.short()).toEqual(["I(roles)"]);
    expect(roles.map((role) => [s.stateOf(role), role.id])).toEqual([
      ["transient", null],
      ["transient", null],
    ]);
    expect([s.new.size, s.dirty.size, [...s].length]).toEqual([0, 0, 0]);
    const keyed = ["c", "d"].map((name): any => new models.Role({ name }));
    await s.bulkSaveObjects(keyed, { returnDefaults: true });
    expect(keyed.map((role) => role.id)).toEqual([3, 4]);
    expect(keyed.map((role) => [s.stateOf(role), s.has(role)])).toEqual(Array(2).fill(["transient", false]));
    expect(
      work
        .short()
        .filter((each) => each !== "S(roles)")
        .every((each) => each === "I(roles)"),
    ).toBe(true);
    const known: any = await models.Role.query.filterBy({ name: "a" }).one();
    s.expunge(known);
    known.name = "changed";
    work.all();
    // Neither autoflush nor cascades: what is pending stays so, and what is linked is not written.
    const pending: any = new models.User({ username: "pending" });
    s.add(pending);
    await s.bulkSaveObjects([known]);
    expect(work.statements()).toEqual([
      expect.stringMatching(/^UPDATE roles SET name = .*\["changed",1\]$|^UPDATE roles .*changed/),
    ]);
    expect([s.stateOf(known), s.stateOf(pending), s.has(known)]).toEqual(["detached", "pending", false]);
    s.expunge(pending);
    await s.commit();
    expect(work.steps()).toEqual(["COMMIT"]);
    expect((await work.rows("roles")).map((row) => row.name)).toEqual(["changed", "b", "c", "d"]);
  });

  it("S-92: bulkInsertMappings groups neighbours with the same keys", async () => {
    const { s, models } = work;
    const pending: any = new models.Role({ name: "pending" });
    s.add(pending);
    await s.bulkInsertMappings(models.User, [
      { username: "a", bio: "x" },
      { username: "b", bio: "y" },
      { username: "c" },
      { username: "d", bio: "z" },
    ]);
    expect(work.short()).toEqual(["I(users)", "I(users)", "I(users)"]);
    expect([[...s.new], [...s].length]).toEqual([[pending], 1]);
    await s.rollback();
    expect(work.all()).toEqual(["ROLLBACK"]);
    expect(await work.rows("users")).toEqual([]);
    await expect(s.bulkInsertMappings(models.User, [{ usernam: "a" }])).rejects.toThrow(ArgumentError);
    await expect(s.bulkInsertMappings(models.User, [{ usernam: "a" }])).rejects.toMatchObject({
      hint: 'did you mean "username"?',
    });
    expect(work.all()).toEqual([]);
  });

  it("S-92: bulkUpdateMappings needs the key, and a missing row makes the session inactive", async () => {
    const { s, models } = work;
    await fill();
    await s.bulkUpdateMappings(models.Role, [
      { id: 1, name: "one" },
      { id: 3, name: "three" },
    ]);
    expect(new Set(work.short())).toEqual(new Set(["U(roles)"]));
    expect([...s].length).toBe(0);
    await s.commit();
    expect((await work.rows("roles")).map((row) => row.name)).toEqual(["one", "b", "three"]);
    await expect(s.bulkUpdateMappings(models.Role, [{ name: "x" }])).rejects.toThrow(ArgumentError);
    await expect(s.bulkUpdateMappings(models.Role, [{ id: 1, nam: "x" }])).rejects.toThrow(ArgumentError);
    expect([work.all(), s.isActive]).toEqual([[], true]);
    await expect(
      s.bulkUpdateMappings(models.Role, [
        { id: 1, name: "undone" },
        { id: 4711, name: "x" },
      ]),
    ).rejects.toThrow(StaleDataError);
    expect(s.isActive).toBe(false);
    const sent = work.steps();
    expect([sent[0], sent[1], sent.at(-1)]).toEqual(["BEGIN", "U(roles)", "ROLLBACK"]);
    await expect(s.execute("SELECT 1")).rejects.toThrow(PendingRollbackError);
    await s.rollback();
    expect([s.isActive, work.all()]).toEqual([true, []]);
    expect((await work.rows("roles")).map((row) => row.name)).toEqual(["one", "b", "three"]);
  });
});
