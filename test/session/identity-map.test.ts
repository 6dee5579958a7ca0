// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { DataTypes } from "sequelize";
import type { Sequelize } from "sequelize";
import { expect, it } from "vitest";
import { ArgumentError, IntegrityError, InvalidRequestError, NotLoadedError } from "../../src/errors";
import { joined, loadOnly, selectin } from "../../src/query/load-options";
import type { AnyModel } from "./fixture";
import { defineRoles, describeSession } from "./fixture";

describeSession(
  "identity map",
  (sequelize: Sequelize) => {
    const Pair = sequelize.define(
      "Pair",
      {
        left: { type: DataTypes.INTEGER, primaryKey: true },
        right: { type: DataTypes.STRING(20), primaryKey: true },
        note: DataTypes.STRING,
      },
      { tableName: "pairs", timestamps: false },
    );
    const Ticket = sequelize.define(
      "Ticket",
      { id: { type: DataTypes.UUID, primaryKey: true, defaultValue: DataTypes.UUIDV4 }, small: DataTypes.SMALLINT },
      { tableName: "tickets", timestamps: false },
    );
    const roles = defineRoles(sequelize);
    const Shadow = sequelize.define(
      "Shadow",
      {
        id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
        name: { type: DataTypes.STRING(64), allowNull: false, unique: true },
      },
      { tableName: "roles", timestamps: false },
    );
    const own = { Pair, Ticket, Shadow } as unknown as Record<"Pair" | "Ticket" | "Shadow", AnyModel>;
    return { ...roles, ...own };
  },
  (work) => {
    const stored = async (): Promise<any> => {
      const { s, models } = work;
      const role: any = new models.Role({ name: "admin" });
      const user: any = new models.User({ username: "u", role });
      s.add(user);
      await s.commit();
      await s.refresh(role);
      await s.refresh(user);
      work.all();
      return { role, user };
    };

    it("S-30: what a loop over many rows keeps stays the object of its row, and the rest is collected", async () => {
      const { s, models } = work;
      await s.bulkInsertMappings(
        models.User,
        Array.from({ length: 3000 }, (_, i) => ({ username: `u${i}` })),
      );
      await s.commit();
      setFlagsFromString("--expose-gc");
      const collect = runInNewContext("gc") as () => void;
      // In a function of its own: the one that is still running would hold the last batch of its loop.
      const keep = async (): Promise<any[]> => {
        const kept: any[] = [];
        let row = 0;
        for await (const user of models.User.query.orderBy("id").yieldPer(500)) {
          if (row++ % 700 === 3) kept.push(user);
          if (row % 900 === 0) await new Promise((resolve) => setTimeout(resolve, 1)).then(collect);
        }
        expect([row, kept.length]).toEqual([3000, 5]);
        return kept;
      };
      const kept = await keep();
      // Their neighbours stay with them; what was looked at is kept until the end of the turn.
      await expect
        .poll(() => {
          collect();
          return [...s].length;
        })
        .toBeLessThanOrEqual(5 * 32);
      for (const user of kept) expect(await s.get(models.User, user.id)).toBe(user);
      const users: any[] = await models.User.query.orderBy("id").all();
      expect(kept.map(({ id }) => users.find((user) => user.id === id))).toEqual(kept);
      expect(kept.every((user) => users.includes(user))).toBe(true);
    });

    it("S-30: queries, get, refresh, joins, eager loads and execute give the same object for a row", async () => {
      const { s, models } = work;
      const { role, user } = await stored();
      expect(await models.User.query.first()).toBe(user);
      expect(await s.get(models.User, user.id)).toBe(user);
      expect((await models.User.query.join("role").all())[0]).toBe(user);
      expect((await models.User.query.options(joined("role")).one()).role).toBe(role);
      expect((await models.Role.query.options(selectin("users")).one()).users.at(0)).toBe(user);
      expect((await s.execute(models.User.query)).scalars()).toEqual([user]);
      const [row]: any[] = await s.query(models.User, models.Role).join("role").all();
      expect([row[0], row[1]]).toEqual([user, role]);
      expect(row[0]).toBe(user);
      await s.refresh(user);
      expect(user.role).toBe(role);
      const other = work.another();
      expect(await other.get(models.User, user.id)).not.toBe(user);
      work.all();
      // What the session has is not asked for again, and two rows of one query are one object.
      expect([await s.get(models.User, user.id), await s.get(models.Role, role.id)]).toEqual([user, role]);
      expect(work.all()).toEqual([]);
      const twin: any = new models.User({ username: "v", role });
      s.add(twin);
      const pairs: any[] = await s.query(models.Role, models.User).join("users").orderBy(models.User.c.id).all();
      expect(pairs.map((pair) => [pair[0] === role, pair[1]])).toEqual([
        [true, user],
        [true, twin],
      ]);
      expect(work.short().slice(-1)).toEqual(["S(roles)"]);
    });

    it("S-31: get answers from the session without SQL, and otherwise by primary key", async () => {
      const { s, models } = work;
      const { role } = await stored();
      const pending: any = new models.Role({ name: "pending" });
      s.add(pending);
      expect(await s.get(models.Role, role.id)).toBe(role);
      expect([s.stateOf(pending), work.all()]).toEqual(["pending", []]);
      expect(await s.get(models.Role, 4711)).toBeNull();
      expect([s.stateOf(pending), work.steps()]).toEqual(["persistent", ["BEGIN", "I(roles)", "S(roles)"]]);
      await s.rollback();
      s.expungeAll();
      work.all();
      const found: any = await s.get(models.Role, role.id);
      expect(found.name).toBe("admin");
      expect(s.stateOf(found)).toBe("persistent");
      expect(found).not.toBe(role);
      expect(work.statements()).toEqual([
        expect.stringMatching(/^SELECT roles\.id, roles\.name FROM roles WHERE roles\.id = \S+ \[1\]$/),
      ]);
    });

    it("S-31: get of an expired object reads its row, and drops the object where the row is gone", async () => {
      const { s, models } = work;
      const { user } = await stored();
      await s.execute("UPDATE users SET username = 'changed'");
      await s.commit();
      work.all();
      expect(await s.get(models.User, user.id)).toBe(user);
      expect(work.short()).toEqual(["S(users)"]);
      expect(user.username).toBe("changed");
      await s.execute("DELETE FROM users");
      s.expire(user);
      work.all();
      expect(await s.get(models.User, user.id)).toBeNull();
      expect(work.steps()).toEqual(["S(users)"]);
      expect(s.stateOf(user)).toBe("deleted");
      expect(s.has(user)).toBe(false);
      expect(await s.get(models.User, user.id)).toBeNull();
      await s.rollback();
      expect([s.stateOf(user), s.has(user)]).toEqual(["persistent", true]);
      work.all();
      expect(await s.get(models.User, user.id)).toBe(user);
      expect(work.steps()).toEqual(["S(users)"]);
    });

    it("S-31: get gives an object that is marked for deletion as it is", async () => {
      const { s, models } = work;
      const { user } = await stored();
      s.delete(user);
      expect(await s.get(models.User, user.id)).toBe(user);
      expect([s.stateOf(user), [...s.deleted], work.all()]).toEqual(["persistent", [user], []]);
      await s.flush();
      expect([s.stateOf(user), work.steps()]).toEqual(["deleted", ["BEGIN", "D(users)"]]);
      expect(await s.get(models.User, user.id)).toBeNull();
      expect(work.steps()).toEqual(["S(users)"]);
    });

    it("S-32: a pending object is not found by its key until it is flushed", async () => {
      const { s, models } = work;
      const pending: any = new models.Role({ id: 7, name: "seven" });
      s.add(pending);
      await s.noAutoflush(async () => expect(await s.get(models.Role, 7)).toBeNull());
      expect([s.stateOf(pending), work.steps()]).toEqual(["pending", ["S(roles)"]]);
      expect(await s.get(models.Role, 7)).toBe(pending);
      expect(s.stateOf(pending)).toBe("persistent");
      expect(work.steps().slice(0, 2)).toEqual(["BEGIN", "I(roles)"]);
      expect(await s.get(models.Role, 7)).toBe(pending);
      expect(work.steps()).toEqual([]);
    });

    it("S-33: get takes a value, an array, or an object by attribute", async () => {
      const { s, models } = work;
      const pair: any = new models.Pair({ left: 1, right: "r" });
      s.add(pair);
      await s.commit();
      await s.refresh(pair);
      work.all();
      expect(await s.get(models.Pair, [1, "r"])).toBe(pair);
      expect(await s.get(models.Pair, { right: "r", left: 1 })).toBe(pair);
      expect(work.all()).toEqual([]);
      s.expungeAll();
      for (const key of [[1, "r"], { right: "r", left: 1 }]) {
        expect(await s.get(models.Pair, key)).toMatchObject({ left: 1, right: "r" });
        expect(work.statements()).toEqual([expect.stringMatching(/^SELECT .* FROM pairs WHERE .* \[1,"r"\]$/)]);
        s.expungeAll();
      }
      await expect(s.get(models.Pair, 1)).rejects.toThrow(/Incorrect number of values in identifier/);
      await expect(s.get(models.Pair, 1)).rejects.toMatchObject({ hint: /^Pair\.query\.get\(\[\w+, \w+\]\)$/ });
      await expect(s.get(models.Pair, [1])).rejects.toThrow(InvalidRequestError);
      await expect(s.get(models.Pair, { left: 1, wrong: 2 })).rejects.toThrow(
        /Incorrect names of values in identifier/,
      );
      await expect(s.get(models.Role, [1, 2])).rejects.toThrow(/Incorrect number of values in identifier/);
      expect(work.all()).toEqual([]);
    });

    it("S-33: keys are compared by the type of their column, and impossible ones send nothing", async () => {
      const { s, models } = work;
      const { role } = await stored();
      expect(await s.get(models.Role, String(role.id))).toBe(role);
      expect(await s.get(models.Role, BigInt(role.id))).toBe(role);
      for (const impossible of ["abc", "1.5", "", Number.NaN, 1.5, true, null, {}.constructor]) {
        expect(await s.get(models.Role, impossible), String(impossible)).toBeNull();
      }
      expect(work.all()).toEqual([]);
      await expect(s.get(models.Role, undefined)).rejects.toThrow(ArgumentError);
      expect(work.all()).toEqual([]);
      s.expungeAll();
      const read = await s.get(models.Role, String(role.id));
      expect(await s.get(models.Role, role.id)).toBe(read);
      expect(work.statements()).toEqual([expect.stringMatching(/WHERE roles\.id = \S+ \[1\]$/)]);
    });

    it("S-33: a key that its column cannot hold finds nothing, and the transaction goes on", async () => {
      const { s, models } = work;
      const { role } = await stored();
      const ticket: any = new models.Ticket({ small: 7 });
      s.add(ticket);
      await s.flush();
      for (const wide of [9_999_999_999, "9999999999", 2n ** 31n]) expect(await s.get(models.Role, wide)).toBeNull();
      expect(await s.get(models.Ticket, "no uuid")).toBeNull();
      expect(await s.get(models.Ticket, ticket.id.toUpperCase())).toBe(ticket);
      expect(await models.Ticket.query.filterBy({ small: 70_000 }).all()).toEqual([]);
      const { id } = models.Role.c;
      expect(await models.Role.query.filter(id.in([role.id, 9_999_999_999])).all()).toEqual([role]);
      expect(await models.Role.query.filter(id.lt(9_999_999_999)).count()).toBe(1);
      await s.commit();
      expect(await work.rows("tickets")).toHaveLength(1);
    });

    it("S-34: a row does not overwrite what is loaded, and fills what is not", async () => {
      const { s, models } = work;
      const { role, user } = await stored();
      await s.execute("UPDATE roles SET name = 'behind'");
      const [found]: any[] = await models.Role.query.filterBy({ name: "behind" }).all();
      expect(found).toBe(role);
      expect(role.name).toBe("admin");
      expect(work.short()).toEqual(["U(roles)", "S(roles)"]);
      expect(s.isModified(role)).toBe(false);
      await s.commit();
      await models.Role.query.all();
      expect(role.name).toBe("behind");
      // The same of an object that was only ever read.
      s.expungeAll();
      const [read]: any[] = await models.Role.query.all();
      await s.execute("UPDATE roles SET name = 'later'");
      await models.Role.query.all();
      expect([read.name, s.dirty.size]).toEqual(["behind", 0]);
      await s.rollback();
      s.expungeAll();
      s.addAll([role, user]);
      // A changed attribute stays too; one that has expired is filled, and so is one that was not loaded.
      await s.refresh(user);
      user.username = "mine";
      s.expire(user, ["bio"]);
      s.expunge(role);
      const [partial]: any[] = await s.noAutoflush(() => models.Role.query.options(loadOnly("id")).all());
      expect(() => partial.name).toThrow(NotLoadedError);
      await s.noAutoflush(async () => {
        await s.execute("UPDATE users SET username = 'theirs', bio = 'theirs'");
        await models.User.query.all();
        await models.Role.query.all();
      });
      expect([user.username, user.bio, partial.name]).toEqual(["mine", "theirs", "behind"]);
      expect([...s.dirty]).toEqual([user]);
      work.all();
      await s.flush();
      expect(work.statements()).toEqual([
        expect.stringMatching(/^UPDATE users SET username = \S+ WHERE .*\["mine",1\]$/),
      ]);
    });

    it("S-35: populateExisting and refresh overwrite everything, pending changes included", async () => {
      const { s, models } = work;
      const { role } = await stored();
      role.name = "mine";
      await s.noAutoflush(async () => {
        await models.Role.query.populateExisting().all();
        expect(role.name).toBe("admin");
        expect(s.dirty.size).toBe(0);
        role.name = "mine";
        expect(await s.get(models.Role, role.id, { populateExisting: true })).toBe(role);
        expect([role.name, s.dirty.size]).toEqual(["admin", 0]);
      });
      role.name = "mine";
      await s.refresh(role);
      expect(role.name).toBe("admin");
      expect([s.isModified(role), s.dirty.size]).toEqual([false, 0]);
      await s.commit();
      // The changes are gone: none of them was written.
      expect(work.steps()).toEqual(["S(roles)", "S(roles)", "S(roles)"]);
    });

    it("S-36: a key of another model's object finds nothing of this model", async () => {
      const { s, models } = work;
      const { role } = await stored();
      const second: any = new models.Role({ id: 50, name: "fifty" });
      s.add(second);
      await s.commit();
      work.all();
      expect(await s.get(models.User, 50)).toBeNull();
      expect(work.short()).toEqual(["S(users)"]);
      expect(await s.get(models.Role, 50)).toBe(second);
      expect(role).not.toBe(second);
      // Another model of the same table finds the row, as an object of its own.
      const shadow: any = await s.get(models.Shadow, 50);
      expect([shadow instanceof models.Shadow, shadow instanceof models.Role, shadow.name]).toEqual([
        true,
        false,
        "fifty",
      ]);
      expect(await s.get(models.Shadow, 50)).toBe(shadow);
      expect(await s.get(models.Role, 50)).toBe(second);
      expect(work.short()).toEqual(["S(roles)", "S(roles)"]);
    });

    it("S-37: a changed key is written, found anew, and restored by a rollback", async () => {
      const { s, models } = work;
      const lone: any = new models.Role({ name: "lone" });
      s.add(lone);
      await s.commit();
      await s.refresh(lone);
      const old = lone.id;
      work.all();
      lone.id = 99;
      await s.flush();
      expect(work.statements()).toEqual([expect.stringMatching(/^UPDATE roles SET id = \S+ WHERE id = \S+ \[99,1\]$/)]);
      expect([s.stateOf(lone), s.dirty.size]).toEqual(["persistent", 0]);
      expect(await s.get(models.Role, 99)).toBe(lone);
      expect(work.all()).toEqual([]);
      expect(await s.get(models.Role, old)).toBeNull();
      expect(work.short()).toEqual(["S(roles)"]);
      await s.rollback();
      expect([lone.id, s.stateOf(lone)]).toEqual([old, "persistent"]);
      expect(await s.get(models.Role, old)).toBe(lone);
      expect(await s.get(models.Role, 99)).toBeNull();
      lone.id = 98;
      await s.commit();
      expect(await s.get(models.Role, 98)).toBe(lone);
      expect(await work.rows("roles")).toEqual([{ id: 98, name: "lone" }]);
    });

    it("S-38: a new object with the key of one in the session is warned of and refused by the database", async () => {
      const { s, models } = work;
      const { role } = await stored();
      const second: any = new models.Role({ id: role.id, name: "second" });
      s.add(second);
      expect([s.stateOf(second), work.all()]).toEqual(["pending", []]);
      expect(work.warnings()).toEqual([
        expect.stringMatching(/^New instance .* with identity key .* conflicts with persistent instance <Role 1>$/),
      ]);
      await expect(s.flush()).rejects.toThrow(IntegrityError);
      expect(work.steps()).toEqual(["BEGIN", "I(roles)", "ROLLBACK"]);
      await s.rollback();
      expect([s.stateOf(second), s.stateOf(role), second.id]).toEqual(["transient", "persistent", role.id]);
      expect(await s.get(models.Role, role.id)).toBe(role);
      expect(await work.rows("roles")).toEqual([{ id: 1, name: "admin" }]);
    });
  },
);
