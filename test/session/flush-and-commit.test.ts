// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import { DataTypes, ValidationError } from "sequelize";
import type { Sequelize } from "sequelize";
import { expect, it } from "vitest";
import { captureStatements } from "../../src/driver/capture";
import {
  DatabaseError,
  IntegrityError,
  InvalidRequestError,
  PendingRollbackError,
  ResourceClosedError,
} from "../../src/errors";
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
    const Stamped = sequelize.define(
      "Stamped",
      {
        id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
        label: { type: DataTypes.STRING, defaultValue: "none" },
      },
      { tableName: "stamped", timestamps: true, version: true },
    );
    const own = { Checked, Stamped } as unknown as Record<"Checked" | "Stamped", AnyModel>;
    return { ...defineRoles(sequelize), ...own };
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
      const admin = role("admin");
      s.add(admin);
      await s.commit();
      work.all();
      for (let round = 0; round < 2; round++) {
        await s.flush();
        await s.commit();
        await s.rollback();
      }
      expect([s.stateOf(admin), admin.name]).toEqual(["persistent", "admin"]);
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
        expect(work.steps()).toEqual(["BEGIN", ...Array<string>(5).fill("I(roles)"), "COMMIT"]);
      } finally {
        models.Role.removeHook("afterCreate", "chain");
      }
      expect((await work.rows("roles")).map((row) => row.name)).toEqual(["a", "a+", "a++", "a+++", "a++++"]);
      expect([s.new.size, s.dirty.size, s.inTransaction()]).toEqual([0, 0, false]);
      expect([...s].map((each) => s.stateOf(each))).toEqual(Array(5).fill("persistent"));
      await s.commit();
      expect(work.all()).toEqual([]);
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
      const sent = work.steps();
      expect([sent[0], sent.filter((each) => each === "I(roles)").length]).toEqual(["BEGIN", 100]);
      expect(sent).not.toContain("COMMIT");
      const objects = [...s];
      await s.rollback();
      expect([objects.length > 0, s.new.size, [...s].length, s.isActive]).toEqual([true, 0, 0, true]);
      expect(objects.map((each) => s.stateOf(each))).toEqual(objects.map(() => "transient"));
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
      const failure: any = await s.flush().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(IntegrityError);
      expect(failure.message).not.toContain("raised as a result of");
      // The UPDATE was sent, the DELETE never was, and nothing follows ROLLBACK.
      expect(work.steps()).toEqual(["S(users)", "U(roles)", "I(roles)", "ROLLBACK"]);
      expect([s.isActive, s.inTransaction()]).toEqual([false, false]);
      expect([s.has(first), s.has(failing), s.has(kept), s.has(doomed)]).toEqual([false, false, true, true]);
      expect([first.name, failing.name]).toEqual(["first", "taken"]);
      expect([first, failing].map((each) => s.stateOf(each))).toEqual(["transient", "transient"]);
      expect(first.id).toBeNull();
      expect(kept.name).toBe("kept");
      expect(s.stateOf(doomed)).toBe("persistent");
      expect(s.new.size + s.dirty.size + s.deleted.size).toBe(0);
      await s.rollback();
      await s.commit();
      expect([s.isActive, work.all()]).toEqual([true, []]);
      expect((await work.rows("roles")).map((row) => row.name)).toEqual(["kept", "doomed", "taken"]);
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
      expect(work.steps()).toEqual(["BEGIN", "I(roles)", "ROLLBACK"]);
      const refused: any = await s.commit().catch((refusal: unknown) => refusal);
      expect(refused.cause).toBe(error);
      expect(refused.message).toContain((error as Error).message);
      await s.flush();
      const known = [...s][0] as any;
      expect([s.stateOf(known), known.name, known.id]).toEqual(["persistent", "taken", 1]);
      const late = role("late");
      s.add(late);
      known.name = "changed late";
      s.delete(known);
      expect([[...s.new], [...s.deleted]]).toEqual([[late], [known]]);
      await expect(s.flush()).rejects.toThrow(PendingRollbackError);
      expect(work.all()).toEqual([]);
      await s.rollback();
      expect([known.name, s.stateOf(known), s.dirty.size, s.deleted.size, s.new.size]).toEqual([
        "taken",
        "persistent",
        0,
        0,
        0,
      ]);
      expect(work.warnings()).toEqual([
        "Session's state has been changed on a non-active transaction - this state will be discarded.",
      ]);
      expect(s.isActive).toBe(true);
      expect(s.stateOf(late)).toBe("transient");
      // The transaction was rolled back with the failure; the second rollback has nothing to send.
      expect(work.all()).toEqual([]);
      expect(await models.Role.query.count()).toBe(1);
      await s.rollback();
      expect([work.steps(), work.warnings()]).toEqual([["S(roles)"], []]);
      s.add(late);
      await s.commit();
      expect(work.steps()).toEqual(["BEGIN", "I(roles)", "COMMIT"]);
    });

    it("S-63: an error of execute leaves the session active, and a transaction that the database gave up needs a rollback", async () => {
      const { s, models } = work;
      const flushed = role("flushed");
      s.add(flushed);
      await s.flush();
      work.all();
      await expect(s.execute("SELECT nonsense FROM nowhere")).rejects.toThrow(DatabaseError);
      expect([s.isActive, s.inTransaction(), s.stateOf(flushed)]).toEqual([true, true, "persistent"]);
      expect(work.steps()).toEqual(["S(nowhere)"]);
      if (s.dialect.abortsTransactionOnError) {
        await expect(models.Role.query.count()).rejects.toThrow(PendingRollbackError);
        await expect(s.commit()).rejects.toThrow(PendingRollbackError);
        expect(work.steps()).not.toContain("COMMIT");
        await s.rollback();
        expect([work.steps(), s.stateOf(flushed)]).toEqual([["ROLLBACK"], "transient"]);
        expect(await models.Role.query.count()).toBe(0);
      } else {
        expect(await models.Role.query.count()).toBe(1);
        await s.commit();
        expect([work.steps(), s.stateOf(flushed)]).toEqual([["S(roles)", "COMMIT"], "persistent"]);
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
      work.all();
      await s.rollback();
      expect([work.steps(), work.warnings()]).toEqual([["ROLLBACK"], []]);
      expect([s.new.size, s.dirty.size, s.has(inserted), s.has(pending), s.has(doomed)]).toEqual([
        0,
        0,
        false,
        false,
        true,
      ]);
      expect([inserted, pending].map((each) => [s.stateOf(each), each.name])).toEqual([
        ["transient", "inserted"],
        ["transient", "pending"],
      ]);
      expect(dirty.name).toBe("dirty");
      expect([s.stateOf(doomed), s.deleted.size]).toEqual(["persistent", 0]);
      await s.commit();
      expect(work.steps()).toEqual([]);
      s.addAll([inserted, pending]);
      await s.commit();
      expect(work.steps()).toEqual(["BEGIN", "I(roles)", "COMMIT"]);
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
      expect(work.steps()).toEqual(["BEGIN", "I(roles)", "I(users)", "U(users)", "SAVEPOINT", "U(users)"]);
      await nested.rollback();
      expect(work.steps()).toEqual(["ROLLBACK TO", "RELEASE"]);
      expect([john.username, s.stateOf(john)]).toEqual(["johnny", "persistent"]);
      john.username = "jim";
      john.role = guest;
      await s.rollback();
      expect([john.username, john.id, john.role, s.stateOf(john)]).toEqual(["jim", null, guest, "transient"]);
      expect(work.steps()).toEqual(["ROLLBACK"]);
      s.add(john);
      await s.commit();
      expect(work.steps().filter((each) => !each.startsWith("S("))).toEqual([
        "BEGIN",
        "I(roles)",
        "I(users)",
        "COMMIT",
      ]);
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
      expect([parent, child].map((each) => [s.stateOf(each), s.has(each)])).toEqual(
        Array(2).fill(["transient", false]),
      );
      work.all();
      s.add(child);
      await s.commit();
      const [roles, users] = work.statements();
      // No key is left over from the first try, so that the counter of the table stays right.
      expect(roles).toMatch(/^INSERT INTO roles \(name\) .*\["parent"\]$/);
      expect(users).toMatch(/^INSERT INTO users \(username(, bio)?, role_id\) /);
      expect(child.roleId).toBe(parent.id);
      expect(s.stateOf(parent)).toBe("persistent");
    });

    it("S-65: a rollback unsets defaults, timestamps and the version too, and leaves what was set", async () => {
      const { s, models } = work;
      const [unset, set]: any[] = [new models.Stamped(), new models.Stamped({ label: "mine", id: 70 })];
      s.addAll([unset, set]);
      await s.flush();
      expect([unset.label, unset.version, unset.createdAt]).toEqual(["none", 1, expect.any(Date)]);
      work.all();
      for (const end of ["a flush that fails", "a rollback"]) {
        if (end === "a rollback") s.addAll([unset, set]);
        else s.addAll([role("same"), role("same")]);
        const flushing = s.flush();
        await (end === "a rollback" ? flushing : expect(flushing).rejects.toThrow(IntegrityError));
        await s.rollback();
        expect([end, s.stateOf(unset), unset.id, unset.label, unset.version, unset.createdAt, unset.updatedAt]).toEqual(
          [end, "transient", ...Array<null>(5).fill(null)],
        );
        expect([set.id, set.label, set.version, set.createdAt]).toEqual([70, "mine", null, null]);
      }
      expect(work.steps().filter((each) => each === "ROLLBACK")).toHaveLength(2);
      s.addAll([unset, set]);
      await s.commit();
      expect(work.steps().filter((each) => !each.startsWith("S("))).toEqual([
        "BEGIN",
        "I(stamped)",
        "I(stamped)",
        "COMMIT",
      ]);
      expect([unset, set].map((each) => [each.label, each.version])).toEqual([
        ["none", 1],
        ["mine", 1],
      ]);
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
      expect(work.steps().at(-1)).toBe("ROLLBACK");
      expect(users.map((each) => s.stateOf(each))).toEqual(users.map(() => "transient"));
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
      work.all();
      connection.commit = () => Promise.reject(new Error("COMMIT refused"));
      try {
        await expect(s.commit()).rejects.toThrow("COMMIT refused");
      } finally {
        connection.commit = commit;
      }
      expect([s.isActive, s.inTransaction(), work.steps()]).toEqual([false, false, ["ROLLBACK"]]);
      expect(s.lastOutcome?.kind).not.toBe("commit");
      expect([object.name, s.stateOf(object), s.isModified(object)]).toEqual(["before", "persistent", false]);
      expect([s.stateOf(fresh), fresh.id]).toEqual(["transient", null]);
      await expect(models.Role.query.all()).rejects.toThrow(PendingRollbackError);
      await expect(s.commit()).rejects.toThrow(PendingRollbackError);
      await s.rollback();
      expect([s.isActive, work.all()]).toEqual([true, []]);
      expect((await work.rows("roles")).map((row) => row.name)).toEqual(["before"]);
    });

    it("S-68: begin opens a transaction once, transaction(fn) commits or rolls back", async () => {
      const { s } = work;
      const handle = await s.begin();
      expect([s.inTransaction(), s.inNestedTransaction(), work.steps()]).toEqual([true, false, ["BEGIN"]]);
      await expect(s.begin()).rejects.toThrow(InvalidRequestError);
      await expect(s.begin()).rejects.toThrow("A transaction is already begun on this Session.");
      const kept = role("kept");
      s.add(kept);
      await handle.commit();
      expect(s.inTransaction()).toBe(false);
      expect([s.stateOf(kept), work.steps()]).toEqual(["persistent", ["I(roles)", "COMMIT"]]);
      const answer = await s.transaction(async (session) => {
        expect(session).toBe(s);
        s.add(role("inside"));
        return 42;
      });
      expect(answer).toBe(42);
      expect(work.steps()).toEqual(["BEGIN", "I(roles)", "COMMIT"]);
      const lost = role("lost");
      await expect(
        s.transaction(async () => {
          s.add(lost);
          await s.flush();
          throw new Error("changed my mind");
        }),
      ).rejects.toThrow("changed my mind");
      expect(work.steps()).toEqual(["BEGIN", "I(roles)", "ROLLBACK"]);
      expect([s.stateOf(lost), s.isActive, s.inTransaction()]).toEqual(["transient", true, false]);
      expect((await work.rows("roles")).map((row) => row.name)).toEqual(["kept", "inside"]);
      expect(s.inNestedTransaction()).toBe(false);
      const undone = await s.begin();
      const begun = role("begun");
      s.add(begun);
      await s.flush();
      await undone.rollback();
      expect([s.stateOf(begun), s.inTransaction(), work.steps()]).toEqual([
        "transient",
        false,
        ["BEGIN", "I(roles)", "ROLLBACK"],
      ]);
    });

    it("S-69: a handle whose transaction has ended refuses to end it again", async () => {
      const { s } = work;
      const handle = await s.begin();
      await s.commit();
      expect([handle.isActive, work.steps()]).toEqual([false, ["BEGIN", "COMMIT"]]);
      const next = role("of the next transaction");
      s.add(next);
      await s.flush();
      work.all();
      await expect(handle.commit()).rejects.toThrow(ResourceClosedError);
      await expect(handle.rollback()).rejects.toThrow("This transaction is closed");
      const undone = await s.beginNested();
      await undone.rollback();
      await expect(undone.rollback()).rejects.toThrow(ResourceClosedError);
      await expect(undone.commit()).rejects.toThrow("This transaction is closed");
      // The transaction that is open now is none of theirs.
      expect([s.inTransaction(), s.stateOf(next)]).toEqual([true, "persistent"]);
      expect(work.steps()).toEqual(["SAVEPOINT", "ROLLBACK TO", "RELEASE"]);
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
