// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import { expect, it } from "vitest";
import { StaleDataError } from "../../src/errors";
import { rawState } from "../../src/session/instance-state";
import { DeletedTogether } from "../../src/session/deleted-together";
import { captureStatements } from "../../src/driver/capture";
import { Random } from "../query/random-data";
import { defineRoles, describeSession } from "./fixture";

const ROUNDS = process.env["LONG"] ? 400 : 25;
const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);

const isShared = (object: object): boolean => rawState(object) instanceof DeletedTogether;

describeSession("objects that are deleted together", defineRoles, (work) => {
  /** Stored users, loaded by a session that has nothing else. */
  const loaded = async (count: number): Promise<any[]> => {
    const { s, models } = work;
    const admin = new models.Role({ name: "admin" });
    s.add(admin);
    for (let i = 1; i <= count; i++)
      s.add(new models.User({ username: `user ${i}`, role: i % 3 === 0 ? null : admin }));
    await s.commit();
    s.expungeAll();
    const users = await models.User.query.orderBy("id").all();
    work.all();
    return users;
  };

  it("S-5: unchanged objects share a state from their mark to the commit, and are deleted by one statement", async () => {
    const { s } = work;
    const users = await loaded(5);
    const [a, b, c] = users;
    for (const user of [a, b, c]) s.delete(user);
    expect([a, b, c].map(isShared)).toEqual([true, true, true]);
    expect(s.pendingWork().deleted).toBe(3);
    await s.flush();
    expect(work.short()).toEqual(["D(users)"]);
    expect([a, b, c].map(isShared)).toEqual([true, true, true]);
    expect(s.pendingWork().deleted).toBe(3);
    expect(s.has(a)).toBe(false);
    expect(s.stateOf(a)).toBe("deleted");
    await s.commit();
    expect([a, b, c].map((user) => s.stateOf(user))).toEqual(["detached", "detached", "detached"]);
    expect((await work.rows("users")).map(({ id }) => id)).toEqual([4, 5]);
    expect(() => s.add(b)).toThrow(/has been deleted/u);
  });

  it("S-5: a rollback gives all of them back, those that were looked at meanwhile too", async () => {
    const { s, models } = work;
    const users = await loaded(5);
    for (const user of users) s.delete(user);
    expect([...s.deleted]).toHaveLength(5);
    await s.rollback();
    await models.User.query.all();
    for (const user of users) s.delete(user);
    await s.flush();
    expect(s.stateOf(users[1])).toBe("deleted");
    await s.rollback();
    expect(users.map((user) => s.stateOf(user))).toEqual(users.map(() => "persistent"));
    expect(await models.User.query.orderBy("id").all()).toEqual(users);
    expect(await s.get(models.User, 3)).toBe(users[2]);
    users[3].username = "changed";
    await s.commit();
    expect(await work.rows("users")).toHaveLength(5);
    expect((await work.rows("users"))[3].username).toBe("changed");
  });

  it("S-3: adding one of them again keeps it alone", async () => {
    const { s } = work;
    const users = await loaded(4);
    for (const user of users) s.delete(user);
    s.add(users[2]);
    await s.commit();
    expect(await work.rows("users")).toHaveLength(1);
    expect(s.stateOf(users[2])).toBe("persistent");
    expect(s.stateOf(users[0])).toBe("detached");
  });

  it("S-5: a changed object is deleted with the unchanged ones, by its committed key", async () => {
    const { s } = work;
    const users = await loaded(4);
    users[1].username = "other";
    for (const user of users) s.delete(user);
    users[2].username = "late";
    await s.commit();
    expect(await work.rows("users")).toEqual([]);
  });

  it("R-1: loaded collections and references of others let go of them, and a rollback brings them back", async () => {
    const { s, models } = work;
    const users = await loaded(4);
    const admin = await models.Role.query.first();
    await admin.users.load();
    expect([...admin.users]).toHaveLength(3);
    for (const user of users) s.delete(user);
    await s.flush();
    expect([...admin.users]).toEqual([]);
    await s.rollback();
    expect([...admin.users]).toHaveLength(3);
  });

  it("S-5: a released savepoint hands them to the transaction, one that is rolled back gives them back", async () => {
    const { s, models } = work;
    const users = await loaded(6);
    const outer = await s.beginNested();
    s.delete(users[0]);
    s.delete(users[1]);
    await outer.commit();
    expect(users.slice(0, 2).map(isShared)).toEqual([true, true]);
    const inner = await s.beginNested();
    s.delete(users[2]);
    s.delete(users[3]);
    await s.flush();
    await inner.rollback();
    expect(s.has(users[2])).toBe(true);
    expect(s.stateOf(users[0])).toBe("deleted");
    await s.rollback();
    expect(users.map((user) => s.has(user))).toEqual(users.map(() => true));
    expect(await models.User.query.count()).toBe(6);
  });

  it("S-5: objects out of order, and of models with hooks, versions and followers, are deleted one by one as ever", async () => {
    const { s, models } = work;
    const users = await loaded(4);
    for (const user of [...users].reverse()) s.delete(user);
    await s.flush();
    expect(users.map(isShared)).toEqual(users.map(() => false));
    expect(work.short()).toEqual(["D(users)"]);
    await s.rollback();
    await models.User.query.all();
    const seen: string[] = [];
    for (const user of users) s.delete(user);
    models.User.addHook("beforeDestroy", "seen", (user: any) => void seen.push(user.username));
    try {
      await s.flush();
    } finally {
      models.User.removeHook("beforeDestroy", "seen");
    }
    expect(seen).toEqual(users.map(({ username }) => username));
    const admin = await models.Role.query.first();
    s.delete(admin);
    expect(isShared(admin)).toBe(false);
  });

  it("S-5: many of them are deleted by their ranges, and rows between the ranges stay", async () => {
    const { s } = work;
    const users = await loaded(400);
    const kept = new Set([57, 200, 201, 400]);
    for (const user of users) if (!kept.has(user.id)) s.delete(user);
    await s.commit();
    const [sql] = work.sql();
    expect(sql?.match(/BETWEEN/gu)).toHaveLength(3);
    expect((await work.rows("users")).map(({ id }) => id)).toEqual([...kept]);
  });

  it("S-5: .sql of a flush shows the statement and leaves them shared", async () => {
    const { s } = work;
    const users = await loaded(3);
    for (const user of users) s.delete(user);
    const { statements } = await captureStatements(() => s.flush());
    expect(statements.map(({ sql }: any) => sql).join()).toMatch(/DELETE FROM users WHERE id/u);
    expect(users.map(isShared)).toEqual([true, true, true]);
    expect(await work.rows("users")).toHaveLength(3);
    await s.commit();
    expect(await work.rows("users")).toEqual([]);
  });

  it("F-8: a row that is gone already is warned of", async () => {
    const { s } = work;
    const users = await loaded(3);
    await work.db.sequelize.query("DELETE FROM users WHERE id = 2");
    for (const user of users) s.delete(user);
    await s.commit();
    expect(work.warnings().join()).toContain("expected to delete 3 row(s); 2 were matched");
  });

  it(`S-5: random marks, looks, changes, savepoints and rollbacks agree with a plain model (seed ${SEED})`, async () => {
    const { s, models } = work;
    const random = new Random(SEED);
    const pick = (n: number): number => random.int(0, n - 1);
    for (let round = 0; round < ROUNDS; round++) {
      if ((await work.rows("users")).length < 12) {
        for (let i = 0; i < 20; i++) s.add(new models.User({ username: `u${round}.${i}` }));
        await s.commit();
      }
      s.expungeAll();
      const users = await models.User.query.orderBy("id").all();
      const names = new Map<any, string>(users.map((user: any) => [user, user.username]));
      const alive = new Set<any>(users);
      let saved: { alive: Set<any>; names: Map<any, string>; savepoint: any } | undefined;
      const before = { alive: new Set(alive), names: new Map(names) };
      for (let i = 0; i < 14; i++) {
        const user = users[pick(users.length)];
        switch (pick(8)) {
          case 0:
          case 1:
          case 2: {
            // A run of neighbours, as a loop over a result would delete them.
            const from = pick(users.length);
            for (const each of users.slice(from, from + 1 + pick(5)))
              if (alive.has(each)) {
                s.delete(each);
                alive.delete(each);
              }
            break;
          }
          case 3:
            if (alive.has(user)) {
              user.username = `${names.get(user) as string}'`;
              names.set(user, user.username);
            }
            break;
          case 4:
            expect(s.stateOf(user)).toBe(alive.has(user) || s.deleted.has(user) ? "persistent" : "deleted");
            break;
          case 5:
            await s.flush();
            break;
          case 6:
            if (saved === undefined)
              saved = { savepoint: await s.beginNested(), alive: new Set(alive), names: new Map(names) };
            else if (pick(2) === 0) {
              await saved.savepoint.commit();
              saved = undefined;
            } else {
              await saved.savepoint.rollback();
              alive.clear();
              for (const each of saved.alive) alive.add(each);
              for (const [each, name] of saved.names) names.set(each, name);
              saved = undefined;
            }
            break;
          default:
            if (!alive.has(user) && s.deleted.has(user)) {
              s.add(user);
              alive.add(user);
            }
        }
      }
      if (saved !== undefined) await saved.savepoint.commit();
      let expected = { alive, names };
      if (pick(3) === 0) {
        await s.rollback();
        expected = before;
      } else await s.commit();
      const rows = await work.rows("users");
      expect(rows.map(({ username }) => username)).toEqual(
        users.filter((user: any) => expected.alive.has(user)).map((user: any) => expected.names.get(user)),
      );
      for (const user of users) {
        expect(s.stateOf(user)).toBe(expected.alive.has(user) ? "persistent" : "detached");
        if (expected.alive.has(user)) expect(await s.get(models.User, user.id)).toBe(user);
      }
    }
  });
});

describeSession("a delete that meets more rows than it was told", defineRoles, (work) => {
  it("F-8: ends the flush and undoes it", async () => {
    const { s, models } = work;
    for (let i = 1; i <= 3; i++) s.add(new models.User({ username: `user ${i}` }));
    await s.commit();
    s.expungeAll();
    const users = await models.User.query.orderBy("id").all();
    for (const user of users) s.delete(user);
    const { dialect } = s;
    const original = dialect.delete.bind(dialect);
    dialect.delete = async (...given) => (await original(...given)) + 1;
    try {
      await expect(s.commit()).rejects.toBeInstanceOf(StaleDataError);
    } finally {
      dialect.delete = original;
    }
    await s.rollback();
    expect(users.map((user: any) => s.stateOf(user))).toEqual(["persistent", "persistent", "persistent"]);
    expect(await work.rows("users")).toHaveLength(3);
  });
});
