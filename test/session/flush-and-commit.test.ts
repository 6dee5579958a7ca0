// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import { DataTypes, ValidationError } from "sequelize";
import type { Sequelize } from "sequelize";
import { expect, it } from "vitest";
import { captureStatements } from "../../src/driver/capture";
import { DatabaseError, IntegrityError, PendingRollbackError, ResourceClosedError } from "../../src/errors";
import type { AnyModel } from "./fixture";
import { defineRoles, describeSession } from "./fixture";

describeSession(
  "flush, commit and rollback",
  (sequelize: Sequelize) => {
    const Checked = sequelize.define(
      "Checked",
      {
        id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
        email: { type: DataTypes.STRING, validate: { isEmail: true } },
        amount: { type: DataTypes.INTEGER },
      },
      { tableName: "checked", timestamps: false },
    );
    return { ...defineRoles(sequelize), Checked: Checked as unknown as AnyModel };
  },
  (work) => {
    const role = (name: string): any => new work.models.Role({ name });
    const user = (username: string, values: object = {}): any => new work.models.User({ username, ...values });
    const failingFlush = async (): Promise<unknown> => {
      const { s } = work;
      s.add(role("taken"));
      await s.commit();
      s.add(role("taken"));
      work.all();
      return s.flush().catch((error: unknown) => error);
    };

    it("new objects of a failed flush keep what they are linked to, and are written with it when added again", async () => {
      const { s } = work;
      const admin = role("admin");
      s.add(admin);
      await s.commit();
      const john = user("john", { role: admin });
      const family = role("family");
      const jane = user("jane");
      family.users.append(jane);
      // The roles are inserted before the users fail.
      const again = user("john");
      s.addAll([john, family, again]);
      await expect(s.commit()).rejects.toThrow(IntegrityError);
      await s.rollback();
      expect(john.role).toBe(admin);
      expect(jane.role).toBe(family);
      expect([...family.users]).toEqual([jane]);
      s.addAll([john, family]);
      await s.commit();
      expect(john.roleId).toBe(admin.id);
      expect(jane.roleId).toBe(family.id);
    });

    it("S-60: with nothing to do flush, commit and rollback send nothing", async () => {
      const { s } = work;
      await s.flush();
      await s.commit();
      await s.rollback();
      expect(work.all()).toEqual([]);
      expect(s.inTransaction()).toBe(false);
    });

    it("S-60: commit flushes until nothing is left to flush", async () => {
      const { s, models } = work;
      const hook = (instance: any): void => {
        if (instance.name.length < 5) s.add(role(`${instance.name}+`));
      };
      models.Role.addHook("afterCreate", "chain", hook as never);
      try {
        s.add(role("a"));
        await s.commit();
      } finally {
        models.Role.removeHook("afterCreate", "chain");
      }
      expect((await work.rows("roles")).map((row) => row.name)).toEqual(["a", "a+", "a++", "a+++", "a++++"]);
      expect(s.new.size).toBe(0);
    });

    it("S-60: a hook that never stops changing ends in an error", async () => {
      const { s, models } = work;
      let count = 0;
      models.Role.addHook("afterCreate", "endless", (() => s.add(role(`r${++count}`))) as never);
      try {
        s.add(role("r"));
        await expect(s.commit()).rejects.toMatchObject({
          name: "FlushError",
          message: expect.stringMatching(
            /^Over 100 subsequent flushes have occurred within session\.commit\(\)/,
          ) as string,
        });
      } finally {
        models.Role.removeHook("afterCreate", "endless");
      }
      await s.rollback();
      expect(await work.rows("roles")).toEqual([]);
    });

    it("S-61: a failing flush rolls the transaction back at once and restores the objects", async () => {
      const { s } = work;
      const [kept, doomed] = [role("kept"), role("doomed")];
      s.addAll([kept, doomed, role("taken")]);
      await s.commit();
      const first = role("first");
      s.add(first);
      await s.flush();
      kept.name = "changed";
      s.delete(doomed);
      const failing = role("taken");
      s.add(failing);
      work.all();
      await expect(s.flush()).rejects.toThrow(IntegrityError);
      expect(work.all()).toContain("ROLLBACK");
      expect(s.isActive).toBe(false);
      expect([first, failing].map((each) => s.stateOf(each))).toEqual(["transient", "transient"]);
      expect(first.id).toBeNull();
      expect(kept.name).toBe("kept");
      expect(s.stateOf(doomed)).toBe("persistent");
      expect(s.new.size + s.dirty.size + s.deleted.size).toBe(0);
      await s.rollback();
      expect(await work.rows("roles")).toHaveLength(3);
    });

    it("S-62: an inactive session refuses SQL and commit, lets values be read, and works again after rollback", async () => {
      const { s, models } = work;
      const error = await failingFlush();
      const pending = new RegExp(
        "This Session's transaction has been rolled back due to a previous exception during flush\\. To begin a new " +
          "transaction with this Session, first issue Session\\.rollback\\(\\)\\. Original exception was: ",
      );
      for (let i = 0; i < 2; i++) {
        await expect(s.commit()).rejects.toThrow(pending);
        await expect(models.Role.query.all()).rejects.toThrow(PendingRollbackError);
        await expect(s.execute("SELECT 1")).rejects.toThrow(PendingRollbackError);
        await expect(s.get(models.Role, 1)).rejects.toThrow(PendingRollbackError);
      }
      const refused: any = await s.commit().catch((refusal: unknown) => refusal);
      expect(refused.cause).toBe(error);
      expect(refused.message).toContain((error as Error).message);
      await s.flush();
      const late = role("late");
      s.add(late);
      await s.rollback();
      expect(work.warnings()).toEqual([
        "Session's state has been changed on a non-active transaction - this state will be discarded.",
      ]);
      expect(s.isActive).toBe(true);
      expect(s.stateOf(late)).toBe("transient");
      expect(await models.Role.query.count()).toBe(1);
    });

    it("S-63: an error of execute leaves the session active, and a transaction that the database gave up needs a rollback", async () => {
      const { s, models } = work;
      s.add(role("flushed"));
      await s.flush();
      await expect(s.execute("SELECT nonsense FROM nowhere")).rejects.toThrow(DatabaseError);
      expect(s.isActive).toBe(true);
      if (s.dialect.abortsTransactionOnError) {
        await expect(models.Role.query.count()).rejects.toThrow(PendingRollbackError);
        await expect(s.commit()).rejects.toThrow(PendingRollbackError);
        await s.rollback();
        expect(await models.Role.query.count()).toBe(0);
      } else {
        expect(await models.Role.query.count()).toBe(1);
        await s.commit();
      }
    });

    it("S-64: a rollback makes new objects transient with their values and revives deleted ones", async () => {
      const { s } = work;
      const [dirty, doomed] = [role("dirty"), role("doomed")];
      s.addAll([dirty, doomed]);
      await s.commit();
      const [inserted, pending] = [role("inserted"), role("pending")];
      s.add(inserted);
      await s.flush();
      s.add(pending);
      dirty.name = "changed";
      s.delete(doomed);
      await s.rollback();
      expect([inserted, pending].map((each) => [s.stateOf(each), each.name])).toEqual([
        ["transient", "inserted"],
        ["transient", "pending"],
      ]);
      expect(dirty.name).toBe("dirty");
      expect([s.stateOf(doomed), s.deleted.size]).toEqual(["persistent", 0]);
      s.addAll([inserted, pending]);
      await s.commit();
      expect(await work.rows("roles")).toHaveLength(4);
    });

    it("S-64: new objects keep the values that they were given after their flush, and what they are linked to", async () => {
      const { s, models } = work;
      const [admin, guest]: any[] = ["admin", "guest"].map((name) => new models.Role({ name }));
      const john: any = new models.User({ username: "john", role: admin });
      s.addAll([john, guest]);
      await s.flush();
      john.username = "johnny";
      await s.flush();
      const nested = await s.beginNested();
      john.username = "jack";
      await s.flush();
      await nested.rollback();
      expect([john.username, s.stateOf(john)]).toEqual(["johnny", "persistent"]);
      john.username = "jim";
      john.role = guest;
      await s.rollback();
      expect([john.username, john.id, john.role, s.stateOf(john)]).toEqual(["jim", null, guest, "transient"]);
      s.add(john);
      await s.commit();
      expect((await work.rows("users")).map(({ username }) => username)).toEqual(["jim"]);
      expect((await work.rows("roles")).map(({ name }) => name)).toEqual(["guest"]);
    });

    it("S-64: new objects keep the relationships that they were given by later flushes", async () => {
      const { s, models } = work;
      const [admin, guest]: any[] = ["admin", "guest"].map((name) => new models.Role({ name }));
      s.addAll([admin, guest]);
      await s.commit();
      const john: any = new models.User({ username: "john", role: admin });
      s.add(john);
      await s.flush();
      john.role = guest;
      await s.flush();
      await s.rollback();
      expect([s.stateOf(john), john.role, john.roleId]).toEqual(["transient", guest, null]);
      s.add(john);
      await s.commit();
      expect(await work.rows("users")).toMatchObject([{ username: "john", role_id: guest.id }]);
    });

    it("S-61: a flush that fails leaves objects of earlier flushes the values that they have, as a rollback does", async () => {
      const { s } = work;
      const [first, second] = [role("first"), role("second")];
      s.addAll([first, second]);
      await s.flush();
      first.name = second.name = "same";
      await expect(s.flush()).rejects.toThrow(IntegrityError);
      expect([first, second].map((each) => [s.stateOf(each), each.name, each.id])).toEqual(
        Array(2).fill(["transient", "same", null]),
      );
      await s.rollback();
      second.name = "other";
      s.addAll([first, second]);
      const nested = await s.beginNested();
      first.name = second.name = "third";
      await expect(s.flush()).rejects.toThrow(IntegrityError);
      expect([first, second].map((each) => [s.stateOf(each), each.name])).toEqual([
        ["persistent", "same"],
        ["persistent", "other"],
      ]);
      await nested.rollback();
      await s.commit();
      expect((await work.rows("roles")).map(({ name }) => name)).toEqual(["same", "other"]);
    });

    it("S-65: a rollback unsets what the flush filled in: keys and copied foreign keys", async () => {
      const { s } = work;
      const parent = role("parent");
      const child = user("child", { role: parent });
      s.add(child);
      await s.flush();
      expect([parent.id, child.id, child.roleId]).toEqual([1, 1, 1]);
      await s.rollback();
      expect([parent.id, child.id, child.roleId]).toEqual([null, null, null]);
      expect(child.role).toBe(parent);
      s.add(child);
      await s.commit();
      expect(child.roleId).toBe(parent.id);
      expect(s.stateOf(parent)).toBe("persistent");
    });

    it("S-66: a violated unique constraint names object, column and value, and its objects go on after a rollback", async () => {
      const { s } = work;
      s.add(user("john"));
      await s.commit();
      const users = [user("anna"), user("john"), user("zoe")];
      s.addAll(users);
      const error: any = await s.flush().catch((failure: unknown) => failure);
      expect(error).toBeInstanceOf(IntegrityError);
      expect(error.message).toBe(
        'Cannot insert User(username="john"): username "john" is already taken (UNIQUE users.username).',
      );
      expect(error).toMatchObject({ kind: "unique", table: "users", fields: ["username"] });
      expect(error.hint).toMatch(/^db\.session\.rollback\(\), then/);
      expect(error.orig).toBeInstanceOf(Error);
      expect(error.sql).toMatch(/^INSERT INTO users/);
      expect(error.parameters).toBeInstanceOf(Array);
      expect(error.objects).toEqual(users);
      await s.rollback();
      users[1].username = "johnny";
      s.addAll(error.objects);
      await s.commit();
      expect((await work.rows("users")).map((row) => row.username).sort()).toEqual(["anna", "john", "johnny", "zoe"]);
    });

    it("S-66: a key that the database chose and that is taken is named, with the statement that sets it right", async () => {
      const { s, models } = work;
      await s.bulkInsertMappings(
        models.Role,
        [1, 2, 3].map((id) => ({ id, name: `role ${id}` })),
      );
      await s.commit();
      s.add(role("next"));
      const error: any = await s.flush().catch((failure: unknown) => failure);
      if (s.dialect.keyCounterStatement("roles", "id") === undefined) {
        expect(error).toBeUndefined();
        return;
      }
      expect(error.message).toBe(
        'Cannot insert Role(name="next"): id 1, which the database chose, is already taken (UNIQUE roles.id).',
      );
      expect(error).toMatchObject({ kind: "unique", fields: ["id"], values: ["1"] });
      await s.rollback();
      const names = ["a", "b", "c", "d", "e"];
      const bulk = await s
        .bulkInsertMappings(
          models.Role,
          names.map((name) => ({ name })),
        )
        .catch((failure: unknown) => failure);
      await s.rollback();
      expect(bulk).toMatchObject({ hint: error.hint });
      const [, statement] = /db\.session\.execute\((".*")\)/.exec(error.hint) ?? [];
      await s.execute(JSON.parse(statement as string) as string);
      s.addAll(error.objects);
      s.addAll(names.map(role));
      await s.commit();
      expect(error.objects[0].id).toBe(4);
      expect(await models.Role.query.count()).toBe(9);
    });

    it("S-66: foreign key, not null and check violations tell their kind", async () => {
      const { s, models } = work;
      s.add(user("u", { roleId: 4711 }));
      const foreign: any = await s.flush().catch((failure: unknown) => failure);
      expect(foreign).toMatchObject({ name: "IntegrityError", kind: "foreignKey" });
      expect(foreign.message).toMatch(/^Cannot insert User\(.*roleId 4711 refers to a row that is not there/);
      await s.rollback();
      const missing: any = await s.execute("INSERT INTO roles (id) VALUES (1)").catch((failure: unknown) => failure);
      expect(missing).toMatchObject({ name: "IntegrityError", kind: "notNull", table: "roles", fields: ["name"] });
      await s.rollback();
      await s.execute("ALTER TABLE checked ADD COLUMN positive INTEGER CHECK (positive > 0)");
      await s.commit();
      const check: any = await s
        .execute("INSERT INTO checked (positive) VALUES (-1)")
        .catch((failure: unknown) => failure);
      expect(check).toMatchObject({ name: "IntegrityError", kind: "check" });
      await s.rollback();
      expect(await models.Checked.query.count()).toBe(0);
    });

    it("S-66: a batch that fails names the one object that is to blame", async () => {
      const { s } = work;
      const users = Array.from({ length: 60 }, (_, i) => user(`u${i}`));
      users[41].username = "u17";
      s.addAll(users);
      await expect(s.commit()).rejects.toThrow(
        /^Cannot insert User\(username="u17"\): username "u17" is already taken/,
      );
      await s.rollback();
      users[41].username = "u41";
      s.addAll(users);
      await s.commit();
      users[5].username = "u50";
      users[6].username = "free";
      await expect(s.commit()).rejects.toThrow(
        /^Cannot update User\(id=\d+, username="u50"\): username "u50" is already taken/,
      );
      await s.rollback();
      expect(users[5].username).toBe("u5");
      expect(await work.rows("users")).toHaveLength(60);
    });

    it("S-67: a COMMIT that fails is no success: the objects are restored and the session waits for rollback", async () => {
      const { s, models } = work;
      const object = role("before");
      s.add(object);
      await s.commit();
      object.name = "after";
      const fresh = role("fresh");
      s.add(fresh);
      await s.flush();
      const { connection } = s;
      const commit = connection.commit.bind(connection);
      connection.commit = () => Promise.reject(new Error("COMMIT refused"));
      try {
        await expect(s.commit()).rejects.toThrow("COMMIT refused");
      } finally {
        connection.commit = commit;
      }
      expect(s.isActive).toBe(false);
      expect(object.name).toBe("before");
      expect(s.stateOf(fresh)).toBe("transient");
      await expect(models.Role.query.all()).rejects.toThrow(PendingRollbackError);
      await s.rollback();
      expect((await work.rows("roles")).map((row) => row.name)).toEqual(["before"]);
    });

    it("S-68: begin opens a transaction once, transaction(fn) commits or rolls back", async () => {
      const { s } = work;
      const handle = await s.begin();
      expect(s.inTransaction()).toBe(true);
      await expect(s.begin()).rejects.toThrow("A transaction is already begun on this Session.");
      s.add(role("kept"));
      await handle.commit();
      expect(s.inTransaction()).toBe(false);
      const answer = await s.transaction(async (session) => {
        expect(session).toBe(s);
        s.add(role("inside"));
        return 42;
      });
      expect(answer).toBe(42);
      const lost = role("lost");
      await expect(
        s.transaction(async () => {
          s.add(lost);
          await s.flush();
          throw new Error("changed my mind");
        }),
      ).rejects.toThrow("changed my mind");
      expect(s.stateOf(lost)).toBe("transient");
      expect((await work.rows("roles")).map((row) => row.name)).toEqual(["kept", "inside"]);
      expect(s.inNestedTransaction()).toBe(false);
    });

    it("S-69: a handle whose transaction has ended refuses to end it again", async () => {
      const { s } = work;
      const handle = await s.begin();
      await s.commit();
      await expect(handle.commit()).rejects.toThrow(ResourceClosedError);
      await expect(handle.rollback()).rejects.toThrow("This transaction is closed");
    });

    it("a value that a validator refuses leaves the transaction open and the objects pending", async () => {
      const { s, models } = work;
      s.add(role("flushed"));
      await s.flush();
      const wrong: any = new models.Checked({ email: "nonsense" });
      s.add(wrong);
      const error: any = await s.flush().catch((failure: unknown) => failure);
      expect(error).toBeInstanceOf(ValidationError);
      expect(error.instance).toBe(wrong);
      expect(s.isActive).toBe(true);
      expect(s.stateOf(wrong)).toBe("pending");
      wrong.email = "a@example.org";
      wrong.amount = "three";
      await expect(s.flush()).rejects.toThrow(/Expected a whole number for Checked\.amount, got "three"/);
      expect(s.isActive).toBe(true);
      wrong.amount = 3;
      await s.commit();
      expect(await work.rows("checked")).toMatchObject([{ email: "a@example.org", amount: 3 }]);
      wrong.email = "broken again";
      await expect(s.flush()).rejects.toThrow(ValidationError);
      expect(s.dirty.has(wrong)).toBe(true);
      await s.rollback();
      expect(wrong.email).toBe("a@example.org");
    });

    it("a missing required value is refused before anything is sent", async () => {
      const { s, models } = work;
      s.add(new models.User({ bio: "no name" }));
      await expect(s.flush()).rejects.toThrow(/User\.username cannot be null/);
      expect(work.all()).toEqual([]);
      expect(s.isActive).toBe(true);
      await s.rollback();
    });

    it("F-2: a flush of many new objects shows as many statements as it sends, and writes each once", async () => {
      const { s, models } = work;
      const users: any[] = Array.from({ length: 12_000 }, (_, i) => new models.User({ username: `u${i}` }));
      s.addAll(users);
      const isInsert = (sql: string): boolean => sql.startsWith("INSERT");
      const { statements } = await captureStatements(() => s.flush());
      work.all();
      await s.flush();
      const sent = work.sql().filter(isInsert);
      expect(sent.length).toBeGreaterThan(1);
      expect(statements.map(({ sql }) => sql).filter(isInsert)).toEqual(sent);
      await s.commit();
      const rows = await work.rows("users");
      expect(rows.map(({ id, username }) => [id, username])).toEqual(users.map(({ id, username }) => [id, username]));
      expect(users.map(({ username }) => username)).toEqual(users.map((_, i) => `u${i}`));
    });

    it("commit tells what it wrote, and rollback what it discarded", async () => {
      const { s } = work;
      const object = role("a");
      s.addAll([object, role("b")]);
      await s.commit();
      expect(s.lastOutcome).toMatchObject({ kind: "commit", inserts: 2, updates: 0, deletes: 0 });
      object.name = "c";
      await s.flush();
      expect(s.lastOutcome).toMatchObject({ kind: "flush", inserts: 0, updates: 1, deletes: 0 });
      s.add(role("d"));
      await s.rollback();
      expect(s.lastOutcome).toMatchObject({
        kind: "rollback",
        newDiscarded: 1,
        changedDiscarded: 1,
        deletedDiscarded: 0,
      });
    });
  },
);
