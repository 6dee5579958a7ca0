import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Sequelize } from "sequelize";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { QueryEvent } from "../../src/driver/connection";
import { Connection } from "../../src/driver/connection";
import { dialectOf } from "../../src/driver/dialects";
import { describeEachDatabase } from "../databases";

describeEachDatabase("a connection", (database) => {
  let connection: Connection;
  const events: QueryEvent[] = [];

  beforeAll(async () => {
    await database.sequelize.query("CREATE TABLE t (a INTEGER PRIMARY KEY, b VARCHAR(20))");
  });
  beforeEach(async () => {
    await database.sequelize.query("DELETE FROM t");
    events.length = 0;
    connection = new Connection(database.sequelize, dialectOf(database.sequelize), (event) => events.push(event));
  });
  afterEach(() => connection.close());

  const values = async (): Promise<unknown[]> =>
    (await connection.all("SELECT a FROM t ORDER BY a")).map((found) => found["a"]);

  it("statements run one after the other in the order of their calls", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => connection.all(`SELECT ${i} AS n`)));
    expect(answers.map(([answer]) => Number(answer?.["n"]))).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(events.filter((event) => /AS n/.test(event.sql)).map((event) => event.sql)).toEqual(
      Array.from({ length: 20 }, (_, i) => `SELECT ${i} AS n`),
    );
  });

  it("tells every statement once, with its rows and whether it stood in a transaction", async () => {
    await connection.begin();
    await connection.run("INSERT INTO t (a) VALUES (1), (2)");
    await connection.commit();
    await values();
    expect(events.map(({ sql, rowCount, inTransaction }) => [sql, rowCount, inTransaction])).toEqual([
      [connection.dialect.beginWrite, 0, false],
      ["INSERT INTO t (a) VALUES (1), (2)", 2, true],
      ["COMMIT", expect.any(Number), true],
      ["SELECT a FROM t ORDER BY a", 2, false],
    ]);
  });

  it("savepoints nest", async () => {
    await connection.begin();
    await connection.run("INSERT INTO t (a) VALUES (1)");
    await connection.savepoint("one");
    await connection.run("INSERT INTO t (a) VALUES (2)");
    await connection.savepoint("two");
    await connection.run("INSERT INTO t (a) VALUES (3)");
    await connection.rollbackTo("two");
    await connection.release("one");
    await connection.commit();
    expect(await values()).toEqual([1, 2]);
  });

  it("a failed statement is told with its text, and a rollback makes the connection usable", async () => {
    await connection.begin();
    await connection.run("INSERT INTO t (a) VALUES (1)");
    await expect(connection.run("INSERT INTO t (a, b) VALUES (2, nonsense)")).rejects.toMatchObject({
      name: "DatabaseError",
      sql: "INSERT INTO t (a, b) VALUES (2, nonsense)",
    });
    expect(events.at(-1)?.error).toMatchObject({ name: "DatabaseError" });
    await connection.rollback();
    expect(await values()).toEqual([]);
    expect(connection.inTransaction).toBe(false);
  });

  it("a plain Sequelize call takes part in the transaction through the handle", async () => {
    await connection.begin();
    await connection.run("INSERT INTO t (a) VALUES (7)");
    const handle = connection.handle!;
    const [rows] = await connection.exclusive(() =>
      database.sequelize.query("SELECT a FROM t", { transaction: handle }),
    );
    expect(rows).toEqual([{ a: 7 }]);
    const heard: string[] = [];
    handle.afterCommit(() => void heard.push("committed"));
    await connection.commit();
    expect(heard).toEqual(["committed"]);
    expect(connection.handle).toBeUndefined();
  });

  it("a running statement is cancelled in the database and the next one is answered", async () => {
    const endless: Record<string, string> = {
      sqlite: "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
      postgres: "SELECT pg_sleep(600)",
      mariadb: "SELECT sleep(600)",
    };
    const running = connection.all(endless[database.name] ?? "").catch((error: unknown) => error);
    while (!connection.executing) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await connection.cancel()).toBe(true);
    expect(await running).toMatchObject({ name: "OperationalError" });
    expect(await values()).toEqual([]);
    expect(await connection.cancel()).toBe(false);
  });

  it("a statement that waits for its thread is cancelled too", async (context) => {
    if (database.name !== "sqlite") return context.skip("a server has the statement at once");
    const { pbkdf2 } = await import("node:crypto");
    // Every thread is busy for a while, so that the statement is sent and has not begun.
    const threads = Array.from(
      { length: 4 },
      () => new Promise((resolve) => pbkdf2("a", "b", 400_000, 64, "sha512", resolve)),
    );
    const running = connection
      .all("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c")
      .catch((error: unknown) => error);
    while (!connection.executing) await new Promise((resolve) => setImmediate(resolve));
    expect(await connection.cancel()).toBe(true);
    expect(await running).toMatchObject({ name: "OperationalError" });
    await Promise.all(threads);
    expect(await values()).toEqual([]);
  });

  it("a lost connection is told, and after a rollback a new one is taken", async (context) => {
    if (database.name === "sqlite") return context.skip("a file has no connection to lose");
    await connection.begin();
    await connection.run("INSERT INTO t (a) VALUES (1)");
    const id = database.name === "postgres" ? "pg_backend_pid()" : "connection_id()";
    const [row] = await connection.all(`SELECT ${id} AS id`);
    const pid = Number(row?.["id"]);
    await database.sequelize.query(
      database.name === "postgres" ? `SELECT pg_terminate_backend(${pid})` : `KILL ${pid}`,
    );
    await expect(values()).rejects.toMatchObject({ name: "OperationalError" });
    await expect(values()).rejects.toThrow();
    await connection.rollback();
    expect(await values()).toEqual([]);
  });
});

describe("connections to one SQLite file", () => {
  let folder: string;
  let sequelize: Sequelize;
  let other: Sequelize;
  const open = (instance: Sequelize): Connection => new Connection(instance, dialectOf(instance), () => undefined);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "sequelize-shell-"));
    const storage = join(folder, "a.sqlite");
    sequelize = new Sequelize({ dialect: "sqlite", storage, logging: false });
    other = new Sequelize({ dialect: "sqlite", storage, logging: false });
    await sequelize.query("CREATE TABLE t (a INTEGER)");
  });
  afterAll(async () => {
    await sequelize.close();
    await other.close();
    rmSync(folder, { recursive: true });
  });

  it("COMMIT waits for a reader and then succeeds", async () => {
    const [writer, reader] = [open(sequelize), open(other)];
    await reader.beginRead();
    await reader.all("SELECT * FROM t");
    await writer.begin();
    await writer.run("INSERT INTO t VALUES (1)");
    const commit = writer.commit();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await reader.rollback();
    await commit;
    expect(await reader.all("SELECT a FROM t")).toEqual([{ a: 1 }]);
    await writer.close();
    await reader.close();
  });

  it("a second writer waits for the first", async () => {
    const [first, second] = [open(sequelize), open(other)];
    await first.begin();
    await first.run("INSERT INTO t VALUES (2)");
    const waiting = second.begin();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await first.commit();
    await waiting;
    await second.run("DELETE FROM t");
    await second.commit();
    expect(await first.all("SELECT a FROM t")).toEqual([]);
    await first.close();
    await second.close();
  });

  it("sessions of an in-memory database wait for each other's transaction", async () => {
    const memory = new Sequelize({ dialect: "sqlite", storage: ":memory:", logging: false });
    const [first, second] = [open(memory), open(memory)];
    await first.begin();
    const waiting = second.begin();
    await first.commit();
    await waiting;
    await second.rollback();
    await memory.close();
  });
});
