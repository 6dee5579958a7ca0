import { expect, it } from "vitest";
import type { Session } from "../../src/session/session";
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
