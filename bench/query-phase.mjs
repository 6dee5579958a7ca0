// One phase of one peer, in this process: node bench/query-phase.mjs <peer> <phase> <url>
// Prints milliseconds (microseconds for "compile" and "get"), and how far the resident memory rose above its start.
import { createRequire } from "node:module";
import { join } from "node:path";

const [peer, phase, url] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const dist = (file) => require(join(process.env.DIST, file));
const path = url.startsWith("sqlite:///") ? url.slice("sqlite:///".length) : undefined;

const PEERS = { ours, sequelize, drizzle, kysely, driver };
const phases = await PEERS[peer]();
await phases.ready?.();
const base = process.memoryUsage().rss;
let peak = base;
const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 5);
const { value, rows } = await phases[phase]();
clearInterval(watch);
console.log(JSON.stringify({ value, rows, memory: Math.max(peak, process.memoryUsage().rss) - base }));
await phases.close?.();
process.exit(0);

/** Microseconds of one call, after warming up. */
function each(work, count = 100_000) {
  for (let i = 0; i < 10_000; i++) work();
  const start = performance.now();
  for (let i = 0; i < count; i++) work();
  return { value: ((performance.now() - start) / count) * 1000 };
}

/** Milliseconds until the work is done, and the number of rows that it gave. */
async function once(work) {
  const start = performance.now();
  const rows = await work();
  return { value: performance.now() - start, rows: Array.isArray(rows) ? rows.length : rows };
}

async function ours() {
  const { openDatabase, joined, selectin } = dist("src/index.js");
  const db = await openDatabase(url);
  const { User, Role } = db.models;
  return {
    compile: () =>
      each(() =>
        User.query.filter(User.c.username.like("user 1%"), User.c.roleId.gt(3)).orderBy("username").limit(10).toSQL(),
      ),
    async get() {
      await User.query.get(1);
      const count = 50_000;
      const start = performance.now();
      for (let i = 0; i < count; i++) await User.query.get(1);
      return { value: ((performance.now() - start) / count) * 1000 };
    },
    load: () => once(() => User.query.all()),
    joined: () => once(() => Role.query.options(joined("users")).all()),
    selectin: () => once(() => Role.query.options(selectin("users")).all()),
    stream: () =>
      once(async () => {
        let count = 0;
        for await (const _ of User.query) count++;
        return count;
      }),
    close: () => db.close(),
  };
}

async function sequelize() {
  const { Sequelize, Op } = require("sequelize");
  const { defineModels } = dist("src/models/define-models.js");
  const instance = path
    ? new Sequelize({ dialect: "sqlite", storage: path, logging: false })
    : new Sequelize(url, { logging: false, dialectOptions: url.startsWith("mariadb:") ? { autoJsonMap: false } : {} });
  const { User, Role } = defineModels(instance);
  const generator = instance.getQueryInterface().queryGenerator;
  return {
    async create() {
      await instance.drop();
      await instance.sync();
      const [roles, users] = process.env.ROWS.split(",").map(Number);
      const numbers = (count) =>
        path || url.startsWith("postgres")
          ? `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`
          : "";
      const series = (count) => (path || url.startsWith("postgres") ? "n" : `seq_1_to_${count}`);
      const i = path || url.startsWith("postgres") ? "i" : "seq";
      const text = (prefix) =>
        path || url.startsWith("postgres") ? `'${prefix} ' || ${i}` : `concat('${prefix} ', ${i})`;
      await instance.query(
        `INSERT INTO roles (id, name) ${numbers(roles)} SELECT ${i}, ${text("role")} FROM ${series(roles)}`,
      );
      await instance.query(
        `INSERT INTO users (id, username, role_id) ${numbers(users)} SELECT ${i}, ${text("user")}, (${i} % ${roles}) + 1 FROM ${series(users)}`,
      );
      return { value: 0 };
    },
    drop: async () => {
      await instance.drop({});
      return { value: 0 };
    },
    // The last step alone of what findAll does; the rest of it cannot be done without running it.
    compile: () =>
      each(() =>
        generator.selectQuery(
          "users",
          {
            attributes: ["id", "username", ["role_id", "roleId"]],
            where: { username: { [Op.like]: "user 1%" }, role_id: { [Op.gt]: 3 } },
            order: ["username"],
            limit: 10,
          },
          User,
        ),
      ),
    async get() {
      const count = 2000;
      const start = performance.now();
      for (let i = 0; i < count; i++) await User.findByPk(1);
      return { value: ((performance.now() - start) / count) * 1000 };
    },
    load: () => once(() => User.findAll()),
    joined: () => once(() => Role.findAll({ include: "users" })),
    selectin: () => once(() => Role.findAll({ include: [{ association: "users", separate: true }] })),
    close: () => instance.close(),
  };
}

async function drizzle() {
  const { drizzle: open } = await import("drizzle-orm/better-sqlite3");
  const { and, asc, gt, like } = await import("drizzle-orm");
  const { integer, sqliteTable, text } = await import("drizzle-orm/sqlite-core");
  const { default: Database } = await import("better-sqlite3");
  const User = sqliteTable("users", {
    id: integer("id").primaryKey(),
    username: text("username").notNull(),
    roleId: integer("role_id"),
  });
  const db = open(new Database(path));
  return {
    compile: () =>
      each(() =>
        db
          .select()
          .from(User)
          .where(and(like(User.username, "user 1%"), gt(User.roleId, 3)))
          .orderBy(asc(User.username))
          .limit(10)
          .toSQL(),
      ),
    load: () => once(() => db.select().from(User).all()),
  };
}

async function kysely() {
  const { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } = await import("kysely");
  const db = new Kysely({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (instance) => new SqliteIntrospector(instance),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
  return {
    compile: () =>
      each(() =>
        db
          .selectFrom("users")
          .select(["id", "username", "role_id as roleId"])
          .where("username", "like", "user 1%")
          .where("role_id", ">", 3)
          .orderBy("username")
          .limit(10)
          .compile(),
      ),
  };
}

/** The driver's own way to all rows at once, as plain objects. */
async function driver() {
  const sql = 'SELECT id, username, role_id AS "roleId" FROM users';
  if (path) {
    const sqlite3 = require("sqlite3");
    const db = new sqlite3.Database(path);
    const all = () =>
      new Promise((resolve, reject) => db.all(sql, (error, rows) => (error ? reject(error) : resolve(rows))));
    return { load: () => once(all), stream: () => once(all) };
  }
  if (url.startsWith("postgres")) {
    const { Client } = require("pg");
    const client = new Client(url);
    await client.connect();
    const all = async () => (await client.query(sql)).rows;
    return { load: () => once(all), stream: () => once(all) };
  }
  const client = await require("mariadb").createConnection(url);
  const all = async () => [...(await client.query(sql.replaceAll('"', "`")))];
  return { load: () => once(all), stream: () => once(all) };
}
