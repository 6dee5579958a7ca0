// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import { AsyncLocalStorage } from "node:async_hooks";
import { expect, it } from "vitest";
import { OperationalError, PendingRollbackError } from "../../src/errors";
import { func } from "../../src/query/expressions";
import { defineRoles, describeSession } from "./fixture";

describeSession("concurrency inside one session", defineRoles, (work) => {
  const role = (name: string): any => new work.models.Role({ name });

  it("operations that are started at once run one after the other in the order of their calls", async () => {
    const { s, models } = work;
    const done: string[] = [];
    s.add(role("a"));
    await Promise.all([
      s.flush().then(() => done.push("flush")),
      models.Role.query.count().then((count) => done.push(`count ${count}`)),
      s.rollback().then(() => done.push("rollback")),
      models.Role.query.count().then((count) => done.push(`count ${count}`)),
    ]);
    expect(done).toEqual(["flush", "count 1", "rollback", "count 0"]);
  });

  it("many queries and flushes at once keep one object for each row", async () => {
    const { s, models } = work;
    s.addAll(Array.from({ length: 20 }, (_, i) => role(`r${i}`)));
    await s.commit();
    s.expungeAll();
    const results: any[][] = await Promise.all(Array.from({ length: 10 }, () => models.Role.query.orderBy("id").all()));
    for (const rows of results) expect(rows.every((row, i) => row === results[0]?.[i])).toBe(true);
    await Promise.all(
      (results[0] ?? []).map(async (row, i) => {
        row.name = `changed ${i}`;
        await s.flush();
      }),
    );
    await s.commit();
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
    expect(await s.scalar("SELECT name FROM roles", {}, { autoflush: false })).toBe("one");
    const committing = s.commit();
    object.name = "three";
    await committing;
    expect(s.dirty.has(object) || (await work.rows("roles"))[0].name === "three").toBe(true);
    await s.commit();
    expect((await work.rows("roles")).map((row) => row.name)).toEqual(["three", "late"]);
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
    await s.commit();
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
  });

  it("a promise that outlives its block does not stay inside it", async () => {
    const { s, models } = work;
    let late: Promise<number> | undefined;
    await s.transaction(async () => {
      s.add(role("inside"));
      late = new Promise<void>((resolve) => setTimeout(resolve, 20)).then(() => models.Role.query.count());
    });
    expect(await late).toBe(1);
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
    await expect(models.Role.query.count()).rejects.toThrow(PendingRollbackError);
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
