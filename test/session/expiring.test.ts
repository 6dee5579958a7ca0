// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import { DataTypes, literal } from "sequelize";
import type { Sequelize } from "sequelize";
import { expect, it } from "vitest";
import { InvalidRequestError, NotLoadedError } from "../../src/errors";
import { defer, joined, loadOnly, selectin } from "../../src/query/load-options";
import type { AnyModel } from "./fixture";
import { defineRoles, describeSession } from "./fixture";

describeSession(
  "expiring",
  (sequelize: Sequelize) => {
    const Counter = sequelize.define(
      "Counter",
      {
        id: { type: DataTypes.INTEGER, primaryKey: true },
        start: { type: DataTypes.INTEGER },
        plain: DataTypes.INTEGER,
        computed: { type: DataTypes.INTEGER, defaultValue: literal("7") },
      },
      { tableName: "counters", timestamps: false },
    );
    return { ...defineRoles(sequelize), Counter: Counter as unknown as AnyModel };
  },
  (work) => {
    const stored = async (): Promise<any> => {
      const { s, models } = work;
      const role: any = new models.Role({ name: "admin" });
      const user: any = new models.User({ username: "u", bio: "b", role });
      s.add(user);
      await s.commit();
      await s.refresh(role);
      await s.refresh(user);
      work.all();
      return { role, user };
    };

    it("S-40: expire drops changes of values and relationships, and the next row overwrites what stayed", async () => {
      const { s, models } = work;
      const { role, user } = await stored();
      await role.users.load();
      user.username = "mine";
      user.role = null;
      work.all();
      s.expire(user);
      expect([s.dirty.has(user), s.isModified(user), s.stateOf(user)]).toEqual([false, false, "persistent"]);
      expect([user.username, user.role]).toEqual(["u", role]);
      expect(work.all()).toEqual([]);
      await s.execute("UPDATE users SET username = 'theirs'");
      await models.User.query.all();
      // The dropped changes are not written on the way.
      expect(work.sql()).toEqual(["UPDATE users SET username = 'theirs'", expect.stringMatching(/^SELECT/)]);
      expect(user.username).toBe("theirs");
      expect(user.role).toBe(role);
      expect(role.users.toArray()).toEqual([user]);
      await s.commit();
      expect(work.steps()).toEqual(["COMMIT"]);
    });

    it("S-31: get reads the row of an object of which some attributes have expired, once", async () => {
      const { s, models } = work;
      const { user } = await stored();
      s.expire(user, ["username"]);
      await s.execute("UPDATE users SET username = 'theirs', bio = 'theirs too'");
      work.all();
      expect(await models.User.query.get(user.id)).toBe(user);
      expect(work.all()).toHaveLength(1);
      expect([user.username, user.bio]).toEqual(["theirs", "b"]);
      await models.User.query.get(user.id);
      expect(work.all()).toEqual([]);
    });

    it("Q-21: after a bulk update with an expression get and queries give the value that the database computed", async () => {
      const { s, models } = work;
      const { user } = await stored();
      const other: any = new models.User({ username: "other" });
      s.add(other);
      await s.flush();
      const changed = await models.User.query
        .filter(models.User.c.id.eq(user.id))
        .update({ username: models.User.c.username.concat("!") });
      expect(changed).toBe(1);
      expect(await models.User.query.get(user.id)).toBe(user);
      expect(user.username).toBe("u!");
      expect(other.username).toBe("other");
      expect(s.isModified(user)).toBe(false);
      await models.User.query.update({ username: models.User.c.username.concat("?") });
      await models.User.query.all();
      expect([user.username, other.username]).toEqual(["u!?", "other?"]);
      await s.rollback();
      await models.User.query.get(user.id);
      expect(user.username).toBe("u");
    });

    it("Q-21: a change made after the database computed a value is kept", async () => {
      const { s, models } = work;
      const { user } = await stored();
      await models.User.query.update({ username: models.User.c.username.concat("!") });
      user.username = "mine";
      expect(await models.User.query.get(user.id)).toBe(user);
      expect(user.username).toBe("mine");
      await s.commit();
      await s.refresh(user);
      expect(user.username).toBe("mine");
    });

    it("S-40: expire and refresh of one side take a move between owners back on every side, and write nothing", async () => {
      const { s, models } = work;
      const { role: old, user } = await stored();
      const next: any = new models.Role({ name: "next" });
      s.add(next);
      await s.commit();
      const undone: [string, () => void | Promise<void>][] = [
        ["the new owner", () => s.expire(next)],
        ["the new owner's collection", () => s.expire(next, ["users"])],
        ["the object", () => s.expire(user)],
        ["the object's reference", () => s.expire(user, ["role"])],
        ["a refresh of the new owner", () => s.noAutoflush(() => s.refresh(next))],
      ];
      for (const loaded of [false, true]) {
        for (const [what, undo] of undone) {
          if (loaded) for (const role of [old, next]) await role.users.load();
          next.users.append(user);
          await undo();
          expect([what, user.role]).toEqual([what, old]);
          work.sql();
          await s.commit();
          expect([what, work.sql()]).toEqual([what, []]);
          await s.load([old, next], "users");
          expect([what, old.users.includes(user), next.users.includes(user)]).toEqual([what, true, false]);
        }
      }
      // The old owner says nothing about what went on to another one.
      user.role = next;
      s.expire(old);
      expect(user.role).toBe(next);
      await s.commit();
      expect(await work.rows("users")).toMatchObject([{ role_id: next.id }]);
    });

    it("S-40: expire of one attribute leaves the others as they are", async () => {
      const { s, models } = work;
      const { user } = await stored();
      user.username = "mine";
      user.bio = "mine too";
      s.expire(user, ["username"]);
      expect(user.username).toBe("u");
      expect(user.bio).toBe("mine too");
      expect([[...s.dirty], s.isModified(user), work.all()]).toEqual([[user], true, []]);
      await s.noAutoflush(async () => {
        await s.execute("UPDATE users SET username = 'theirs', bio = 'theirs'");
        await models.User.query.all();
      });
      expect([user.username, user.bio]).toEqual(["theirs", "mine too"]);
      work.all();
      await s.flush();
      expect(work.statements()).toEqual([
        expect.stringMatching(/^UPDATE users SET bio = \S+ WHERE id = \S+ \["mine too",1\]$/),
      ]);
    });

    it("S-41: only persistent objects expire, and expireAll leaves pending ones alone", async () => {
      const { s, models } = work;
      const { role, user } = await stored();
      const transient = new models.Role({ name: "t" });
      const pending: any = new models.Role({ name: "p" });
      s.add(pending);
      for (const wrong of [transient, pending])
        expect(() => s.expire(wrong)).toThrow(/is not persistent within this Session/);
      expect([s.stateOf(transient), s.stateOf(pending)]).toEqual(["transient", "pending"]);
      s.expunge(role);
      expect(() => s.expire(role)).toThrow(InvalidRequestError);
      expect(() => s.expire(role)).toThrow("Instance <Role 1> is not persistent within this Session");
      user.username = "mine";
      s.expireAll();
      expect(user.username).toBe("u");
      expect(s.dirty.size).toBe(0);
      expect(pending.name).toBe("p");
      expect([...s.new]).toEqual([pending]);
      expect(work.all()).toEqual([]);
      // Every object of the session is read again, and pending ones are written as they are.
      expect(await s.get(models.User, user.id)).toBe(user);
      expect([s.stateOf(pending), work.steps()]).toEqual(["pending", ["S(users)"]]);
      await s.commit();
      expect([s.stateOf(pending), work.steps()]).toEqual(["persistent", ["BEGIN", "I(roles)", "COMMIT"]]);
    });

    it("S-42: refresh loses the object's own changes and flushes those of others", async () => {
      const { s } = work;
      const { role, user } = await stored();
      user.username = "mine";
      role.name = "changed";
      await s.refresh(user);
      expect(user.username).toBe("u");
      expect([s.isModified(user), s.isModified(role), s.dirty.size]).toEqual([false, false, 0]);
      expect(work.steps()).toEqual(["BEGIN", "U(roles)", "S(users)"]);
      await s.commit();
      expect(work.steps()).toEqual(["COMMIT"]);
      expect(await work.rows("users")).toMatchObject([{ username: "u" }]);
      expect(await work.rows("roles")).toMatchObject([{ name: "changed" }]);
    });

    it("S-42: refresh of named attributes reads only those", async () => {
      const { s } = work;
      const { user } = await stored();
      user.bio = "mine";
      await s.noAutoflush(async () => {
        await s.execute("UPDATE users SET username = 'theirs', bio = 'theirs'");
        work.all();
        await s.refresh(user, ["username"]);
      });
      expect(work.sql()).toEqual([expect.not.stringMatching(/bio/)]);
      expect([user.username, user.bio]).toEqual(["theirs", "mine"]);
      await expect(s.refresh(user, ["nope"])).rejects.toThrow(/has no property "nope"/);
    });

    it("S-42: refresh of a missing row is an error, and locks the row where asked and possible", async () => {
      const { s } = work;
      const { user } = await stored();
      await s.refresh(user, undefined, { withForUpdate: true });
      const forUpdate = work.sql().some((sql) => sql.endsWith("FOR UPDATE"));
      expect(forUpdate).toBe(s.dialect.supportsForUpdate);
      await s.execute("DELETE FROM users");
      work.all();
      await expect(s.refresh(user)).rejects.toThrow(InvalidRequestError);
      expect(work.steps()).toEqual(["S(users)"]);
      await expect(s.refresh(user)).rejects.toThrow(/Could not refresh instance <User 1>/);
      expect([s.isActive, user.username]).toEqual([true, "u"]);
      await s.rollback();
      expect([s.stateOf(user), s.has(user)]).toEqual(["persistent", true]);
    });

    it("S-43: setting an expired attribute does not read it, and only a net change is written", async () => {
      const { s } = work;
      const { user } = await stored();
      s.expire(user);
      user.username = "set";
      expect(work.all()).toEqual([]);
      expect(s.isModified(user)).toBe(true);
      await s.flush();
      expect(work.statements()).toEqual([
        expect.stringMatching(/^UPDATE users SET username = \S+ WHERE id = \S+ \["set",1\]$/),
      ]);
      expect([user.username, s.isModified(user), s.dirty.size]).toEqual(["set", false, 0]);
      expect(await s.scalar("SELECT username FROM users")).toBe("set");
    });

    it("S-44: a change made after the expiring survives the next row", async () => {
      const { s, models } = work;
      const { user } = await stored();
      s.expire(user);
      user.username = "after";
      await s.noAutoflush(async () => {
        await s.execute("UPDATE users SET username = 'theirs', bio = 'theirs'");
        await models.User.query.all();
      });
      expect([user.username, user.bio]).toEqual(["after", "theirs"]);
      expect([...s.dirty]).toEqual([user]);
      work.all();
      await s.commit();
      expect(work.statements()).toEqual([
        expect.stringMatching(/^UPDATE users SET username = \S+ WHERE id = \S+ \["after",1\]$/),
      ]);
      expect(await work.rows("users")).toMatchObject([{ username: "after", bio: "theirs" }]);
    });

    it("S-50: after commit and rollback values stay readable, and the next row overwrites them", async () => {
      const { s, models } = work;
      const { user } = await stored();
      for (const end of [() => s.commit(), () => s.rollback()]) {
        await end();
        work.all();
        const before = user.username;
        expect(before).toBe(user.username);
        expect(work.all()).toEqual([]);
        await work.db.sequelize.query(`UPDATE users SET username = 'after ${before}'`);
        expect(user.username).toBe(before);
        work.all();
        await models.User.query.all();
        expect(work.steps()).toEqual(["S(users)"]);
        expect([user.username, s.dirty.size]).toEqual([`after ${before}`, 0]);
      }
    });

    it("S-50: each way to read a row overwrites what was not changed since the end of the transaction, by one statement", async () => {
      const { s, models } = work;
      const { role, user } = await stored();
      const ways: [string, () => Promise<unknown>, string[]][] = [
        ["a query", () => models.User.query.all(), ["S(users)"]],
        ["a query with a condition", () => models.User.query.filterBy({ id: user.id }).one(), ["S(users)"]],
        ["get", () => s.get(models.User, user.id), ["S(users)"]],
        ["a joined load", () => models.Role.query.options(joined("users")).all(), ["S(roles)"]],
        ["a load beside the query", () => models.Role.query.options(selectin("users")).all(), ["S(roles)", "S(users)"]],
        ["a load of the collection", () => role.users.load(), ["S(users)"]],
      ];
      for (const [what, read, sent] of ways) {
        for (const end of ["commit", "rollback"] as const) {
          // Something is written, so that there is a transaction to end.
          role.name = `${what}, ${end}`;
          await s.flush();
          await s[end]();
          const name = `by ${what} after ${end}`;
          await work.db.sequelize.query("UPDATE users SET username = 'other', bio = :name", { replacements: { name } });
          user.username = "mine";
          work.all();
          await s.noAutoflush(async () => void (await read()));
          expect([what, work.steps()]).toEqual([what, sent]);
          expect([what, user.bio, user.username, s.isModified(user)]).toEqual([what, name, "mine", true]);
          expect(s.stateOf(user)).toBe("persistent");
          // What has been read counts from now on.
          await s.get(models.User, user.id);
          expect([what, work.all()]).toEqual([what, []]);
          s.expire(user);
          await s.refresh(user);
        }
      }
    });

    it("S-51: after commit a reference follows its key, and a collection stays readable until it is loaded again", async () => {
      const { s, models } = work;
      const { role, user } = await stored();
      const second: any = new models.Role({ name: "second" });
      s.add(second);
      await role.users.load();
      await s.commit();
      await s.execute("UPDATE users SET role_id = :id", { id: second.id });
      await s.commit();
      work.all();
      expect(user.role).toBe(role);
      expect(role.users.toArray()).toEqual([user]);
      expect(work.all()).toEqual([]);
      await s.get(models.User, user.id);
      expect(user.role).toBe(second);
      expect(work.steps()).toEqual(["S(users)"]);
      await role.users.load();
      expect(work.steps()).toEqual(["S(users)"]);
      expect(role.users.length).toBe(0);
      await role.users.load();
      expect(work.steps()).toEqual([]);
      await s.commit();
      expect(work.steps()).toEqual([]);
    });

    it("S-52: a rollback restores values, keys, references and collections in memory", async () => {
      const { s, models } = work;
      const { role, user } = await stored();
      const second: any = new models.Role({ name: "second" });
      s.add(second);
      await s.commit();
      await role.users.load();
      await second.users.load();
      user.username = "one";
      await s.flush();
      user.username = "two";
      user.role = second;
      await s.flush();
      user.bio = "three";
      work.all();
      await s.rollback();
      expect([user.username, user.bio, user.roleId]).toEqual(["u", "b", role.id]);
      expect(user.role).toBe(role);
      expect(role.users.toArray()).toEqual([user]);
      expect(second.users.toArray()).toEqual([]);
      expect(s.dirty.size).toBe(0);
      expect(work.all()).toEqual(["ROLLBACK"]);
      expect([user, role, second].map((each) => [s.stateOf(each), s.isModified(each)])).toEqual(
        Array(3).fill(["persistent", false]),
      );
      await s.commit();
      expect(work.all()).toEqual([]);
      // What was restored has expired.
      expect(await s.get(models.User, user.id)).toBe(user);
      expect(work.steps()).toEqual(["S(users)"]);
      expect(await work.rows("users")).toMatchObject([{ username: "u", bio: "b", role_id: role.id }]);
    });

    it("S-52: a rollback takes new objects out of collections that were loaded meanwhile, and members that had left back in", async () => {
      const { s, models } = work;
      const { role, user } = await stored();
      const other: any = new models.User({ username: "other" });
      s.add(other);
      await s.commit();
      const fresh: any = new models.User({ username: "fresh", roleId: role.id });
      s.add(fresh);
      await role.users.load();
      expect(role.users.includes(fresh)).toBe(true);
      role.users.append(other);
      await s.flush();
      work.all();
      await s.rollback();
      expect(work.steps()).toEqual(["ROLLBACK"]);
      expect([other.role, other.roleId, s.dirty.size]).toEqual([null, null, 0]);
      expect([role.users.toArray(), s.stateOf(fresh)]).toEqual([[user], "transient"]);
      await s.commit();
      role.users = [];
      user.role = null;
      await s.flush();
      expect(role.users.length).toBe(0);
      await s.rollback();
      expect([user.role, role.users.toArray()]).toEqual([role, [user]]);
      work.sql();
      await s.commit();
      expect(work.sql()).toEqual([]);
    });

    it("S-53: with expireOnCommit off nothing expires", async () => {
      const { models } = work;
      await stored();
      const lasting = work.another({ expireOnCommit: false });
      const user: any = await lasting.query(models.User).one();
      await lasting.commit();
      await work.db.sequelize.query("UPDATE users SET username = 'behind'");
      work.all();
      expect(await lasting.get(models.User, user.id)).toBe(user);
      expect(work.all()).toEqual([]);
      await lasting.query(models.User).all();
      expect([lasting.dirty.size, lasting.stateOf(user)]).toEqual([0, "persistent"]);
      expect(user.username).toBe("u");
      const soft = work.another();
      const other: any = await soft.query(models.User).one();
      await soft.commit();
      await work.db.sequelize.query("UPDATE users SET username = 'again'");
      work.all();
      await soft.refreshAll();
      expect(work.steps()).toEqual(["S(users)"]);
      expect([other.username, soft.dirty.size]).toEqual(["again", 0]);
      await lasting.rollback();
      expect([user.username, work.steps()]).toEqual(["u", []]);
    });

    it("S-54: an attribute that was not loaded throws, and the defaults of the database are read back", async () => {
      const { s, models } = work;
      await stored();
      s.expungeAll();
      for (const option of [loadOnly("username"), defer("bio")]) {
        const user: any = await models.User.query.options(option).one();
        expect(work.sql()).toEqual([expect.not.stringMatching(/bio/)]);
        expect(user.username).toBe("u");
        expect(() => user.bio).toThrow(NotLoadedError);
        expect(() => user.bio).toThrow(/was not loaded/);
        expect(work.all()).toEqual([]);
        await s.refresh(user, ["bio"]);
        expect(work.sql()).toEqual([expect.stringMatching(/bio/)]);
        expect([user.bio, s.isModified(user), s.stateOf(user)]).toEqual(["b", false, "persistent"]);
        s.expungeAll();
      }
      const partial: any = await models.User.query.options(defer("bio")).one();
      await models.User.query.all();
      expect(partial.bio).toBe("b");
    });

    it("S-54: an INSERT reads back what the database puts into the columns that it leaves out", async () => {
      const { s, models } = work;
      await s.execute("DROP TABLE counters");
      await s.execute(
        "CREATE TABLE counters (id INTEGER PRIMARY KEY, start INTEGER DEFAULT 42, plain INTEGER, computed INTEGER)",
      );
      await s.commit();
      const [first, second, third]: any[] = [1, 2, 3].map((id) => new models.Counter({ id }));
      third.start = 1;
      s.addAll([first, second, third]);
      work.all();
      await s.flush();
      // What is left out of a statement is read back by it, or by one SELECT after it.
      const sent = work.sql();
      for (const sql of sent.filter(
        (each) => each.startsWith("INSERT") && !/INSERT INTO counters \(.*start/.test(each),
      ))
        expect(/RETURNING .*start/.test(sql) || /^SELECT .*start/.test(sent[sent.indexOf(sql) + 1] ?? "")).toBe(true);
      expect([first, second, third].map((each) => s.isModified(each))).toEqual([false, false, false]);
      expect([first, second, third].map(({ start, plain, computed }) => [start, plain, computed])).toEqual([
        [42, null, 7],
        [42, null, 7],
        [1, null, 7],
      ]);
      await s.commit();
      expect((await work.rows("counters")).map(({ start }) => start)).toEqual([42, 42, 1]);
    });
  },
);
