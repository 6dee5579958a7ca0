// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import { expect, it } from "vitest";
import type { Session } from "../../src/session/session";
import { text } from "../../src/query/expressions";
import { defineRoles, describeSession } from "./fixture";
import type { Work } from "./fixture";

type Models = ReturnType<typeof defineRoles>;

/** Ends the session's connection on the server, as a restart would. */
async function endConnection(work: Work<Models>): Promise<void> {
  const { s } = work;
  const isPostgres = s.dialect.name === "postgres";
  const id = Number(await s.scalar(isPostgres ? "SELECT pg_backend_pid()" : "SELECT connection_id()"));
  await work.another().execute(isPostgres ? `SELECT pg_terminate_backend(${id})` : `KILL ${id}`);
  await new Promise((resolve) => setTimeout(resolve, 50));
}

/** Resolves when the session waits for the database for a while. */
async function untilWaiting({ connection }: Session): Promise<void> {
  for (let seen = 0; seen < 20; seen = connection.executing ? seen + 1 : 0)
    await new Promise((resolve) => setTimeout(resolve, 5));
}

describeSession("faults of the connection", defineRoles, (work) => {
  const hasServer = (): boolean => work.s.dialect.name !== "sqlite";
  const NO_SERVER = "a file has no connection to lose";

  it("G-23: a connection lost between two flushes undoes the transaction; the objects are added again on a new one", async (context) => {
    if (!hasServer()) return context.skip(NO_SERVER);
    const { s, models } = work;
    const admin = new models.Role({ name: "admin" });
    s.add(admin);
    await s.flush();
    await endConnection(work);
    const john = new models.User({ username: "john", role: admin });
    s.add(john);
    await expect(s.flush()).rejects.toMatchObject({ name: "OperationalError" });
    expect([s.isActive, s.stateOf(admin), s.stateOf(john), admin.id]).toEqual([false, "transient", "transient", null]);
    await expect(models.Role.query.all()).rejects.toMatchObject({ name: "PendingRollbackError" });
    await s.rollback();
    s.addAll([admin, john]);
    await s.commit();
    expect(await work.rows("users")).toMatchObject([{ username: "john", role_id: admin.id }]);
  });

  it("S-67: a COMMIT that meets a lost connection never reports success", async (context) => {
    if (!hasServer()) return context.skip(NO_SERVER);
    const { s, models } = work;
    const role = new models.Role({ name: "kept" });
    s.add(role);
    await s.commit();
    role.name = "changed";
    const other = new models.Role({ name: "other" });
    s.add(other);
    await s.flush();
    await endConnection(work);
    await expect(s.commit()).rejects.toMatchObject({ name: "OperationalError" });
    expect([s.isActive, role.name, s.stateOf(role), s.stateOf(other)]).toEqual([
      false,
      "kept",
      "persistent",
      "transient",
    ]);
    await s.rollback();
    expect(await models.Role.query.count()).toBe(1);
    expect((await models.Role.query.first()).name).toBe("kept");
  });

  it("G-23: a connection lost while nothing is open costs at most one statement and no object", async (context) => {
    if (!hasServer()) return context.skip(NO_SERVER);
    const { s, models } = work;
    const role = new models.Role({ name: "r" });
    s.add(role);
    await s.commit();
    await endConnection(work);
    const first = await models.Role.query.count().catch((error: Error) => error.name);
    expect([1, "OperationalError"]).toContain(first);
    expect(await models.Role.query.count()).toBe(1);
    role.name = "again";
    await s.commit();
    expect(await work.rows("roles")).toMatchObject([{ name: "again" }]);
  });

  it("S-63: a deadlock outside a flush undoes the transaction as a whole, and the session waits for rollback", async (context) => {
    if (!hasServer()) return context.skip("a file has one writer");
    const { models } = work;
    for (const how of ["execute", "update", "a read that locks", "a plain call"]) {
      const name = (id: number): string => `${how} ${id}`;
      const roles = [1, 2].map((id) => new models.Role({ name: name(id) }));
      work.s.addAll(roles);
      await work.s.commit();
      const [first, second] = roles.map(({ id }) => id as number);
      const sessions = [work.s, work.another()] as const;
      const rename = (session: Session, id: unknown, to: string) =>
        session.execute("UPDATE roles SET name = :to WHERE id = :id", { to, id });
      const users = sessions.map((_, i) => new models.User({ username: `${how} of ${i}` }));
      for (const [i, session] of sessions.entries()) {
        session.add(users[i] as object);
        await session.flush();
        await rename(session, [first, second][i], `${how} mine ${i}`);
      }
      const meet = {
        execute: () => rename(work.s, second, `${how} x`),
        update: () => models.Role.query.filter(models.Role.c.id.eq(second)).update({ name: `${how} x` }),
        "a read that locks": () => models.Role.query.filterBy({ id: second }).withForUpdate().all(),
        "a plain call": () => (models.Role as any).update({ name: `${how} x` }, { where: { id: second } }),
      }[how] as () => Promise<unknown>;
      const ended = await Promise.allSettled([meet(), rename(sessions[1], first, `${how} y`)]);
      const lost = ended.findIndex(({ status }) => status === "rejected");
      expect([how, ended.map(({ status }) => status).sort()]).toEqual([how, ["fulfilled", "rejected"]]);
      const [loser, winner] = [sessions[lost], sessions[1 - lost]] as [Session, Session];
      await winner.commit();
      const refused = { name: expect.stringMatching(/^(PendingRollbackError|OperationalError)$/) as string };
      await expect(loser.execute("INSERT INTO users (username) VALUES ('alone')")).rejects.toMatchObject(refused);
      await expect(loser.commit()).rejects.toMatchObject(refused);
      await loser.rollback();
      expect([how, lost, users.map((user, i) => sessions[i]?.stateOf(user))[lost]]).toEqual([how, lost, "transient"]);
      expect(await work.rows("users")).toMatchObject([{ username: `${how} of ${1 - lost}` }]);
      await winner.execute("DELETE FROM users");
      await winner.commit();
      await sessions[1].close();
    }
  });

  it("S-67: a COMMIT that the database turns into a rollback is no success", async () => {
    const { s, models } = work;
    const role: any = new models.Role({ name: "r" });
    s.add(role);
    await s.flush();
    await expect(work.db.sequelize.query("SELECT nothing FROM nowhere")).rejects.toThrow();
    if (!s.dialect.abortsTransactionOnError) {
      await s.commit();
      expect(await work.rows("roles")).toHaveLength(1);
      return;
    }
    await expect(s.commit()).rejects.toMatchObject({
      name: "OperationalError",
      message: expect.stringMatching(/rolled the transaction back instead of committing it/) as string,
    });
    expect([s.isActive, s.stateOf(role), role.id]).toEqual([false, "transient", null]);
    await s.rollback();
    s.add(role);
    await s.flush();
    await expect(work.db.sequelize.query("SELECT nothing FROM nowhere")).rejects.toThrow();
    await expect(models.Role.query.count()).rejects.toMatchObject({ name: "PendingRollbackError" });
    await s.rollback();
    const broken = models.Role.query.filter(text("nothing = 1")).yieldPer(1);
    s.add(role);
    await expect(broken[Symbol.asyncIterator]().next()).rejects.toMatchObject({ name: "DatabaseError" });
    await expect(models.Role.query.count()).rejects.toMatchObject({ name: "PendingRollbackError" });
    await s.rollback();
    expect(await models.Role.query.count()).toBe(0);
  });

  it("S-64: what would commit the open transaction is refused, and opens none of its own", async () => {
    const { s, models } = work;
    const role: any = new models.Role({ name: "r" });
    s.add(role);
    await s.flush();
    const make = "/* a table */ CREATE TABLE made (id INTEGER)";
    const wanted = s.dialect.supportsTransactionalDdl
      ? undefined
      : { name: "InvalidRequestError", message: expect.stringMatching(/^Cannot execute CREATE TABLE: /) as string };
    for (const send of [() => s.execute(make), () => work.db.sequelize.query("CREATE TABLE made_too (id INTEGER)")]) {
      if (wanted === undefined) await send();
      else await expect(send()).rejects.toMatchObject(wanted);
    }
    await s.rollback();
    expect([s.stateOf(role), await work.rows("roles")]).toEqual(["transient", []]);
    await s.execute(make);
    expect(s.inTransaction()).toBe(s.dialect.supportsTransactionalDdl);
    s.add(role);
    await s.flush();
    await s.rollback();
    expect(await work.rows("roles")).toEqual([]);
    await s.execute("DROP TABLE IF EXISTS made");
    await s.commit();
  });

  it("S-61: a flush that is cancelled in the database restores everything, and the session goes on", async () => {
    const { s, models } = work;
    const role = new models.Role({ name: "r" });
    s.add(role);
    await s.commit();
    const count = 40_000;
    const users = Array.from({ length: count }, (_, i) => new models.User({ username: `user ${i}`, role }));
    let other: Session | undefined;
    if (hasServer()) {
      // Somebody else has inserted the same name and does not commit: the flush waits for that.
      other = work.another();
      await other.execute("INSERT INTO users (username) VALUES (:name)", { name: "user 7" });
    }
    role.name = "changed";
    s.addAll(hasServer() ? users.slice(0, 20) : users);
    const flushing = s.flush().then(
      () => "done",
      (error: Error) => error.name,
    );
    if (hasServer()) await untilWaiting(s);
    else while (!s.connection.inTransaction) await new Promise((resolve) => setTimeout(resolve, 1));
    while (!(await s.cancel())) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(await flushing).toBe("OperationalError");
    await other?.rollback();
    expect([s.isActive, role.name, s.stateOf(role)]).toEqual([false, "r", "persistent"]);
    expect(users.slice(0, 20).every((user) => s.stateOf(user) === "transient" && user.id === null)).toBe(true);
    await s.rollback();
    expect(await models.User.query.count()).toBe(0);
    s.addAll(users.slice(0, 20));
    await s.commit();
    expect(await models.User.query.filterBy({ role }).count()).toBe(20);
  });
});
