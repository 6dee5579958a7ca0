// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import { AsyncLocalStorage } from "node:async_hooks";
import { expect, it } from "vitest";
import { IntegrityError, OperationalError, PendingRollbackError } from "../../src/errors";
import { func } from "../../src/query/expressions";
import { defineRoles, describeSession } from "./fixture";

describeSession("concurrency inside one session", defineRoles, (work) => {
  const role = (name: string): any => new work.models.Role({ name });

  it("operations that are started at once run one after the other in the order of their calls", async () => {
    const { s, models } = work;
    const done: string[] = [];
    const a = role("a");
    s.add(a);
    await Promise.all([
      s.flush().then(() => done.push("flush")),
      models.Role.query.count().then((count) => done.push(`count ${count}`)),
      s.rollback().then(() => done.push("rollback")),
      models.Role.query.count().then((count) => done.push(`count ${count}`)),
    ]);
    expect(done).toEqual(["flush", "count 1", "rollback", "count 0"]);
    expect(work.steps()).toEqual(["BEGIN", "I(roles)", "S(roles)", "ROLLBACK", "S(roles)"]);
    expect([s.stateOf(a), s.inTransaction()]).toEqual(["transient", false]);
  });

  it("an operation that fails in the queue leaves those behind it in their order, with what they find", async () => {
    const { s, models } = work;
    const [kept, twice, late] = ["taken", "taken", "late"].map(role);
    s.add(kept);
    await s.commit();
    s.add(twice);
    work.all();
    const outcomes = await Promise.allSettled([
      s.flush(),
      models.Role.query.count(),
      s.get(models.Role, 4711),
      s.rollback().then(() => s.add(late)),
      models.Role.query.autoflush(false).count(),
      s.execute("SELECT nonsense FROM nowhere", undefined, { autoflush: false }),
      s.rollback(),
      models.Role.query.count(),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual([
      "rejected",
      "rejected",
      "rejected",
      "fulfilled",
      "fulfilled",
      "rejected",
      "fulfilled",
      "fulfilled",
    ]);
    const [flushed, counted, got] = outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason as unknown);
    expect(flushed).toBeInstanceOf(IntegrityError);
    for (const refused of [counted, got]) {
      expect(refused).toBeInstanceOf(PendingRollbackError);
      expect((refused as Error).cause).toBe(flushed);
    }
    // Refused operations send nothing, and those after the rollback begin anew.
    expect(work.steps()).toEqual(["BEGIN", "I(roles)", "ROLLBACK", "S(roles)", "S(nowhere)", "S(roles)"]);
    expect([kept, twice].map((each) => s.stateOf(each))).toEqual(["persistent", "transient"]);
    expect([s.isActive, s.inTransaction()]).toEqual([true, false]);
    await s.drain();
  });

  it("commits that are started at once write everything once, and one that finds nothing left sends nothing", async () => {
    const { s } = work;
    const roles = ["a", "b", "c"].map(role);
    await Promise.all(
      roles.map((each) => {
        s.add(each);
        return s.commit();
      }),
    );
    // What is added while the first one runs is flushed before its COMMIT.
    expect(work.steps()).toEqual(["BEGIN", "I(roles)", "I(roles)", "COMMIT"]);
    expect(roles.map((each) => [s.stateOf(each), each.id])).toEqual([1, 2, 3].map((id) => ["persistent", id]));
    const [a, b] = roles;
    a.name = "a!";
    const first = s.commit();
    await first;
    b.name = "b!";
    await Promise.all([s.commit(), s.commit()]);
    expect(work.steps()).toEqual(["BEGIN", "U(roles)", "COMMIT", "BEGIN", "U(roles)", "COMMIT"]);
  });

  it("savepoints of blocks that are started at once do not overlap", async () => {
    const { s } = work;
    const roles = ["a", "b", "c"].map(role);
    const outcomes = await Promise.allSettled(
      roles.map((each, i) =>
        s.beginNested(async () => {
          s.add(each);
          await s.flush();
          await new Promise((resolve) => setTimeout(resolve, 5));
          if (i === 1) throw new Error("not this one");
        }),
      ),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(work.steps()).toEqual([
      "BEGIN",
      ...["SAVEPOINT", "I(roles)", "RELEASE"],
      ...["SAVEPOINT", "I(roles)", "ROLLBACK TO", "RELEASE"],
      ...["SAVEPOINT", "I(roles)", "RELEASE"],
    ]);
    expect(roles.map((each) => s.stateOf(each))).toEqual(["persistent", "transient", "persistent"]);
    await s.commit();
    expect((await work.rows("roles")).map((row) => row.name)).toEqual(["a", "c"]);
  });

  it("many queries and flushes at once keep one object for each row", async () => {
    const { s, models } = work;
    s.addAll(Array.from({ length: 20 }, (_, i) => role(`r${i}`)));
    await s.commit();
    s.expungeAll();
    work.all();
    const results: any[][] = await Promise.all(Array.from({ length: 10 }, () => models.Role.query.orderBy("id").all()));
    for (const rows of results) expect(rows.every((row, i) => row === results[0]?.[i])).toBe(true);
    expect(work.steps()).toEqual(Array(10).fill("S(roles)"));
    expect([...s].length).toBe(20);
    await Promise.all(
      (results[0] ?? []).map(async (row, i) => {
        row.name = `changed ${i}`;
        await s.flush();
      }),
    );
    const sent = work.steps();
    expect([sent[0], new Set(sent.slice(1))]).toEqual(["BEGIN", new Set(["U(roles)"])]);
    expect([s.dirty.size, (results[0] ?? []).some((row) => s.isModified(row))]).toEqual([0, false]);
    await s.commit();
    expect(work.steps()).toEqual(["COMMIT"]);
    expect((await work.rows("roles")).map((row) => row.name)).toEqual(
      Array.from({ length: 20 }, (_, i) => `changed ${i}`),
    );
  });

  it("what is changed while a flush runs belongs to the next one", async () => {
    const { s } = work;
    const [object, late] = [role("one"), role("late")];
    s.add(object);
    const flushing = s.flush();
    object.name = "two";
    s.add(late);
    await flushing;
    expect(object.name).toBe("two");
    expect([...s.dirty]).toEqual([object]);
    expect([...s.new]).toEqual([late]);
    expect([s.stateOf(object), s.stateOf(late), s.isModified(object)]).toEqual(["persistent", "pending", true]);
    expect(work.steps()).toEqual(["BEGIN", "I(roles)"]);
    expect(await s.scalar("SELECT name FROM roles", {}, { autoflush: false })).toBe("one");
    const committing = s.commit();
    object.name = "three";
    await committing;
    expect(s.dirty.has(object) || (await work.rows("roles"))[0].name === "three").toBe(true);
    await s.commit();
    expect([s.dirty.size, s.new.size, s.inTransaction()]).toEqual([0, 0, false]);
    expect((await work.rows("roles")).map((row) => row.name)).toEqual(["three", "late"]);
    // A rollback to the values of this flush, not to those that were set meanwhile.
    object.name = "four";
    const running = s.flush();
    object.name = "five";
    await running;
    expect([object.name, [...s.dirty]]).toEqual(["five", [object]]);
    await s.rollback();
    expect([object.name, s.isModified(object)]).toEqual(["three", false]);
  });

  it("what is deleted, removed and linked while a flush runs belongs to the next one", async () => {
    const { s, models } = work;
    const [first, second] = ["first", "second"].map(role);
    const [u, v]: any[] = ["u", "v"].map((username) => new models.User({ username, bio: "", role: first }));
    s.addAll([first, second, u, v]);
    await s.commit();
    await s.load([first, second], "users");
    work.all();
    u.role = second;
    const flushing = s.flush();
    v.role = second;
    s.delete(u);
    await flushing;
    expect(work.statements()).toEqual([
      expect.stringMatching(/^UPDATE users SET role_id = \S+ WHERE id = \S+ \[2,1\]$/),
    ]);
    expect([[...s.deleted], s.stateOf(u), s.isModified(v), v.roleId]).toEqual([[u], "persistent", true, first.id]);
    await s.flush();
    expect(work.steps()).toEqual(["U(users)", "D(users)"]);
    expect([s.stateOf(u), v.roleId, first.users.toArray(), second.users.toArray()]).toEqual([
      "deleted",
      second.id,
      [],
      [v],
    ]);
    await s.rollback();
    expect([u, v].map((each) => [s.stateOf(each), each.role, each.roleId])).toEqual(
      Array(2).fill(["persistent", first, first.id]),
    );
    await s.commit();
    expect(work.steps()).toEqual(["ROLLBACK"]);
  });

  it("what is changed before its part of many new objects is sent belongs to the next flush too", async () => {
    const { s, models } = work;
    const users: any[] = Array.from({ length: 11_000 }, (_, i) => new models.User({ username: `u${i}`, bio: "" }));
    s.addAll(users);
    const flushing = s.flush();
    const last = users.at(-1);
    last.username = "changed";
    last.username = "changed again";
    expect(() => (last.bio = undefined)).toThrow(/to undefined/u);
    await flushing;
    const stored = (): Promise<unknown> =>
      s.scalar("SELECT username FROM users WHERE id = :id", { id: last.id }, { autoflush: false });
    expect(await stored()).toBe("u10999");
    await s.flush();
    expect(await stored()).toBe("changed again");
    await s.rollback();
    expect([last.username, s.stateOf(last)]).toEqual(["changed again", "transient"]);
  });

  it("a change made while the object is inserted survives as a change", async () => {
    const { s } = work;
    const objects = Array.from({ length: 30 }, (_, i) => role(`r${i}`));
    s.addAll(objects);
    const flushing = s.flush();
    await Promise.resolve();
    for (const object of objects) object.name = `${object.name}!`;
    await flushing;
    expect(objects.map((object) => s.stateOf(object))).toEqual(objects.map(() => "persistent"));
    await s.commit();
    const sent = work.steps();
    expect([sent[0], sent[1], sent.at(-1)]).toEqual(["BEGIN", "I(roles)", "COMMIT"]);
    expect(s.dirty.size).toBe(0);
    expect((await work.rows("roles")).map((row) => row.name)).toEqual(objects.map((object) => object.name));
    expect(objects[7].name).toBe("r7!");
  });

  it("a block owns the session: others wait until it ends, its own operations queue inside", async () => {
    const { s, models } = work;
    const seen: string[] = [];
    const block = s.transaction(async () => {
      s.add(role("inside"));
      await s.flush();
      seen.push("flushed inside");
      await Promise.all([
        models.Role.query.count(),
        models.Role.query.all(),
        s.beginNested(() => s.add(role("nested"))),
      ]);
      await new Promise((resolve) => setTimeout(resolve, 20));
      seen.push("end of block");
    });
    const outside = models.Role.query.count().then((count) => seen.push(`outside ${count}`));
    await Promise.all([block, outside]);
    expect(seen).toEqual(["flushed inside", "end of block", "outside 2"]);
    expect(work.steps()).toEqual([
      "BEGIN",
      "I(roles)",
      "S(roles)",
      "S(roles)",
      "SAVEPOINT",
      "I(roles)",
      "RELEASE",
      "COMMIT",
      "S(roles)",
    ]);
    expect([...s].map((each) => s.stateOf(each))).toEqual(["persistent", "persistent"]);
  });

  it("operations that are started at once inside a block run one after the other, as those outside do", async () => {
    const { s, models } = work;
    const [a, b] = ["a", "b"].map(role);
    const done: string[] = [];
    const slow = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
    models.Role.addHook("beforeCreate", "slow", slow);
    try {
      await s.transaction(async () => {
        s.add(a);
        await Promise.all([
          s.flush().then(() => done.push(`flush, a is ${s.stateOf(a)}`)),
          models.Role.query.count().then((count) => done.push(`count ${count}`)),
          s.flush().then(() => s.add(b)),
          s.flush().then(() => done.push("flush again")),
        ]);
      });
    } finally {
      models.Role.removeHook("beforeCreate", "slow");
    }
    expect(done).toEqual(["flush, a is persistent", "count 1", "flush again"]);
    expect([a, b].map((each) => s.stateOf(each))).toEqual(["persistent", "persistent"]);
    const sent = work.steps();
    expect(sent.filter((each) => each !== "I(roles)")).toEqual(["BEGIN", "S(roles)", "COMMIT"]);
    expect([
      sent.indexOf("I(roles)") < sent.indexOf("S(roles)"),
      sent.lastIndexOf("I(roles)") > sent.indexOf("S(roles)"),
    ]).toEqual([true, true]);
  });

  it("a promise that outlives its block does not stay inside it", async () => {
    const { s, models } = work;
    let late: Promise<number> | undefined;
    await s.transaction(async () => {
      s.add(role("inside"));
      late = new Promise<void>((resolve) => setTimeout(resolve, 20)).then(() => models.Role.query.count());
    });
    expect(await late).toBe(1);
    expect([work.steps(), s.inTransaction()]).toEqual([["BEGIN", "I(roles)", "COMMIT", "S(roles)"], false]);
    await s.commit();
  });

  it("a failure that nobody waits for does not end the process and shows at the next operation", async () => {
    const { s, models } = work;
    const unhandled: unknown[] = [];
    const listener = (reason: unknown): unknown => unhandled.push(reason);
    process.on("unhandledRejection", listener);
    try {
      s.add(role("taken"));
      await s.commit();
      s.add(role("taken"));
      void s.commit();
      await s.drain();
      await new Promise((resolve) => setTimeout(resolve, 10));
    } finally {
      process.off("unhandledRejection", listener);
    }
    expect(unhandled).toEqual([]);
    expect(work.steps().slice(-3)).toEqual(["BEGIN", "I(roles)", "ROLLBACK"]);
    await expect(models.Role.query.count()).rejects.toThrow(PendingRollbackError);
    expect([s.isActive, s.new.size, work.all()]).toEqual([false, 0, []]);
    await s.rollback();
  });

  it("sessions in scopes of their own do not meet", async () => {
    const { db, models } = work;
    await Promise.all(
      ["a", "b", "c"].map((name) =>
        db.runInSession(async (session) => {
          expect(db.session).toBe(session);
          const object = role(name);
          session.add(object);
          await models.Role.query.count();
          expect(session.has(object)).toBe(true);
          expect([...session]).toEqual([object]);
          if (name !== "b") await session.commit();
        }),
      ),
    );
    expect((await work.rows("roles")).map((row) => row.name).sort()).toEqual(["a", "c"]);
  });

  it("Q-23: a stream that locks its rows lets its own session write them", async () => {
    const { s, models } = work;
    s.addAll(["a", "b", "c"].map(role));
    await s.commit();
    for await (const each of models.Role.query.orderBy("id").withForUpdate().yieldPer(2)) {
      each.name += "!";
      await s.flush();
    }
    await s.commit();
    expect((await work.rows("roles")).map((row) => row.name).sort()).toEqual(["a!", "b!", "c!"]);
    // Rows of an outer join are locked on one side, those of a union in its parts.
    const { Role } = models;
    for (const query of [
      Role.query.outerjoin("users").orderBy(Role.c.id),
      Role.query.filterBy({ name: "a!" }).union(Role.query.filter(Role.c.name.ne("a!"))),
    ]) {
      const names: string[] = [];
      for await (const each of query.withForUpdate().yieldPer(2)) names.push(each.name);
      expect(names.sort()).toEqual(["a!", "b!", "c!"]);
      await s.rollback();
    }
  });

  it("a stream that is read in a block, beside another one and beside operations, leaves each where it belongs", async () => {
    const { s, models } = work;
    s.addAll(Array.from({ length: 25 }, (_, i) => role(`r${i}`)));
    await s.commit();
    const own = new AsyncLocalStorage<string>();
    const order: string[] = [];
    const places = new Set<string | undefined>();
    await own.run("caller", async () => {
      let count = 0;
      // The first stream ends its batches while the block is open; the block's own operations go before those outside.
      await s.transaction(async () => {
        for await (const each of models.Role.query.orderBy("id").yieldPer(4)) {
          places.add(own.getStore());
          if (++count === 10) {
            void models.Role.query.count().then(() => order.push("inside"));
            each.name = "changed";
            await s.flush();
          }
        }
        order.push("end of the block");
      });
      const outside = models.Role.query.count().then(() => order.push("outside"));
      const names: string[] = [];
      for await (const each of models.Role.query.orderBy("id").yieldPer(7)) names.push(each.name);
      await outside;
      places.add(own.getStore());
      expect(names).toHaveLength(25);
      expect(names[9]).toBe("changed");
    });
    expect(order).toEqual(["inside", "end of the block", "outside"]);
    expect([...places]).toEqual(["caller"]);
    // What is called inside an operation is still known to be, after the streams.
    models.Role.addHook("beforeUpdate", "count", async () => {
      order.push(`hook ${await models.Role.query.count()}`);
    });
    (await models.Role.query.first()).name = "again";
    await s.commit();
    models.Role.removeHook("beforeUpdate", "count");
    expect(order.at(-1)).toBe("hook 25");
  });

  it("a stream can be cancelled while its first row is waited for, and is not sent again", async () => {
    const { db, s } = work;
    if (db.dialect.name === "sqlite") return; // its first batch is a statement like any other
    const seconds = db.dialect.name === "postgres" ? func.pg_sleep!(600) : func.sleep!(600);
    const read = async (): Promise<unknown[]> => {
      const rows: unknown[] = [];
      for await (const row of s.query(seconds.label("slept"))) rows.push(row);
      return rows;
    };
    const reading = read().catch((error: Error) => error);
    while ((await db.cancel()) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const outcome = await reading;
    // MariaDB's sleep() ends with a row where it is cancelled.
    if (db.dialect.name === "postgres") expect(outcome).toBeInstanceOf(OperationalError);
    expect(work.all().filter((sql) => sql.includes("sleep"))).toHaveLength(1);
  });

  it("a stream writes nothing where the database is opened for reading", async () => {
    const { db, s } = work;
    if (db.dialect.name !== "postgres") return; // elsewhere a SELECT cannot write
    await s.execute("CREATE SEQUENCE stream_numbers");
    await s.commit();
    db.setReadOnly(true);
    const read = async (): Promise<void> => {
      for await (const _ of s.query(func.nextval!("stream_numbers"))) throw new Error("a number was taken");
    };
    await expect(read()).rejects.toThrow("read-only transaction");
    await s.rollback();
    db.setReadOnly(false);
    await s.execute("DROP SEQUENCE stream_numbers");
    await s.commit();
  });

  it("a query that is read in batches lets the loop flush, and closes its cursor when the loop is left", async () => {
    const { s, models } = work;
    s.addAll(Array.from({ length: 25 }, (_, i) => role(`r${i}`)));
    await s.commit();
    let count = 0;
    for await (const each of models.Role.query.orderBy("id").yieldPer(10)) {
      each.name += "!";
      if (++count % 7 === 0) await s.commit();
    }
    await s.commit();
    expect(count).toBe(25);
    expect((await work.rows("roles")).every((row) => row.name.endsWith("!"))).toBe(true);
    work.all();
    for await (const _ of models.Role.query.orderBy("id").yieldPer(5)) break;
    const sent = work.all();
    expect(sent.filter((sql) => /^(FETCH|SELECT)/.test(sql))).toHaveLength(1);
    // Where a connection of its own streams the result, nothing is left to close.
    expect(sent.at(-1)).toMatch(sent.length === 1 ? /^SELECT/ : /^(CLOSE|DROP)/);
    expect(await models.Role.query.filter(models.Role.c.id.gt(20)).yieldPer(3).count()).toBe(5);
  });
});
