import { DataTypes, Sequelize } from "sequelize";
import { afterEach, describe, expect, it } from "vitest";
import type { Database } from "../src/database";
import { attach, openDatabase, pointAt } from "../src/database";
import type { QueryEvent } from "../src/driver/connection";
import { reflect } from "../src/schema/reflect";
import { defineReflectedModels } from "../src/schema/to-models";
import { programDatabases } from "./shell/built-program";

const opened: Database<object>[] = [];
afterEach(async () => {
  for (const database of opened.splice(0)) await database.close();
});

function kept<D extends Database<object>>(database: D): D {
  opened.push(database);
  return database;
}

describe("openDatabase", () => {
  it("gives the sample models, with their types, where no others are named", async () => {
    const db = kept(await openDatabase("sqlite::memory:"));
    await db.createAll();
    const { Role, User } = db.models;
    db.session.add(new User({ username: "john", role: new Role({ name: "Admin" }) }));
    await db.session.commit();
    expect((await User.query.filterBy({ username: "john" }).one()).roleId).toBe(1);
    expect(db.dialect.name).toBe("sqlite");
  });

  it("two databases are open at once and never mix", async () => {
    const [a, b] = [kept(await openDatabase("sqlite::memory:")), kept(await openDatabase("sqlite::memory:"))];
    await a.createAll();
    await b.createAll();
    a.session.add(new a.models.Role({ name: "in a" }));
    await a.session.commit();
    expect([await a.models.Role.query.count(), await b.models.Role.query.count()]).toEqual([1, 0]);
  });
});

describe("attach", () => {
  it("works on an application's own instance and its models", async () => {
    const sequelize = new Sequelize({ dialect: "sqlite", storage: ":memory:", logging: false });
    sequelize.define("Note", { text: DataTypes.STRING }, { timestamps: false });
    const db = kept(attach(sequelize));
    await db.createAll();
    const { Note } = db.models;
    db.session.add(new (Note as unknown as new (values: object) => object)({ text: "a" }));
    await db.session.commit();
    expect(await Note?.query.count()).toBe(1);
    expect(await Note?.count()).toBe(1);
  });

  it("a model that would hide what registering adds is refused by name", () => {
    const sequelize = new Sequelize({ dialect: "sqlite", storage: ":memory:", logging: false });
    sequelize.define("Odd", { query: DataTypes.STRING }, { timestamps: false });
    expect(() => attach(sequelize)).toThrow(/Cannot register Odd: .*query/);
  });

  it("an instance is pointed at another database of its kind, and at no other kind", () => {
    const sequelize = new Sequelize({ dialect: "sqlite", storage: ":memory:", logging: false });
    pointAt(sequelize, "sqlite:other.sqlite");
    expect((sequelize as unknown as { options: { storage: string } }).options.storage).toBe("other.sqlite");
    expect(() => pointAt(sequelize, "postgres://host/db")).toThrow(
      "they are defined on a Sequelize instance for sqlite",
    );
  });
});

describe.each(programDatabases().filter(({ name }) => name !== "an SQLite file"))("a database on $name", (where) => {
  it.skipIf(where.skipReason !== undefined || where.name.startsWith("sqlite"))(
    "opens one connection for its first statement, and knows the server's version by it",
    async () => {
      const { url, drop } = await where.create("");
      const db = await openDatabase(url, { check: false });
      try {
        let connections = 0;
        db.sequelize.addHook("afterConnect", () => void connections++);
        await db.sequelize.query("SELECT 1");
        expect(connections).toBe(1);
        expect((db.sequelize as unknown as { options: { databaseVersion: string } }).options.databaseVersion).toMatch(
          /^\d+\.\d+/,
        );
      } finally {
        await db.close();
        await drop();
      }
    },
  );

  it.skipIf(where.skipReason !== undefined)(
    `creates and drops its tables, tells every statement, and scopes sessions${where.skipReason ? ` (skipped: ${where.skipReason})` : ""}`,
    async () => {
      const { url, drop } = await where.create("");
      const db = await openDatabase(url);
      try {
        expect(await db.hasTables()).toBe(false);
        await db.createAll();
        await db.createAll();
        expect(await db.hasTables()).toBe(true);

        const events: QueryEvent[] = [];
        const stop = db.onQuery((event) => events.push(event));
        const { Role } = db.models;
        db.session.add(new Role({ name: "a" }));
        await db.session.commit();
        await Role.findAll();
        stop();
        await Role.query.count();
        const heard = events.map(({ sql }) => /^\w+/.exec(sql)?.[0]);
        expect(heard.filter((word) => ["INSERT", "COMMIT", "SELECT"].includes(word ?? "")).slice(-3)).toEqual([
          "INSERT",
          "COMMIT",
          "SELECT",
        ]);
        expect(events.find(({ sql }) => sql.startsWith("INSERT"))).toMatchObject({ inTransaction: true, rowCount: 1 });

        await db.runInSession(async (session) => {
          expect(db.session).toBe(session);
          session.add(new Role({ name: "never committed" }));
          expect(await Role.query.count()).toBe(2);
        });
        await db.runInSession(async (session) => {
          session.add(new Role({ name: "committed" }));
          await session.commit();
        });
        expect((await Role.query.orderBy(Role.c.name).all()).map(({ name }) => name)).toEqual(["a", "committed"]);

        db.session.add(new Role({ name: "seen by plain calls" }));
        await db.session.flush();
        expect(await Role.count()).toBe(3);
        await db.session.rollback();
        expect(await Role.count()).toBe(2);

        await db.dropAll();
        expect(await db.hasTables()).toBe(false);
      } finally {
        await db.close();
        await drop();
      }
    },
  );
});

describe("reflected models", () => {
  it("have relationships, and read and write rows", async () => {
    const first = kept(await openDatabase("sqlite::memory:", { models: [] }));
    await first.sequelize.query("CREATE TABLE artists (id INTEGER PRIMARY KEY, name NVARCHAR(20))");
    await first.sequelize.query(
      "CREATE TABLE albums (id INTEGER PRIMARY KEY, title TEXT, artist_id INTEGER REFERENCES artists(id))",
    );
    const connection = first.connect();
    const { models } = defineReflectedModels(first.sequelize, first.dialect, await reflect(connection));
    await connection.close();
    first.register(...models);
    const { Album, Artist } = first.models as Record<string, new (values: object) => object>;
    const artist = new Artist!({ name: "AC/DC" });
    first.session.add(new Album!({ title: "Powerage", artist }));
    await first.session.commit();
    const [albums] = models.filter(({ name }) => name === "Album");
    expect(albums && (await first.session.query(albums).count())).toBe(1);
    expect(first.session.stateOf(artist)).toBe("persistent");
  });
});
