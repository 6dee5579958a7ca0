// One phase of one peer, in this process: node bench/query-phase.mjs <peer> <phase> <url>
// Prints milliseconds (microseconds for "compile" and "get"), those of the processor, and how far the resident memory rose.
import { createRequire } from "node:module";
import { join } from "node:path";
import { URL } from "node:url";

const [peer, phase, url] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const dist = (file) => require(join(process.env.DIST, file));
const path = url.startsWith("sqlite:///") ? url.slice("sqlite:///".length) : undefined;

const USERS = 'SELECT id, username, role_id AS "roleId" FROM users';
const USERS_OF_MARIADB = USERS.replaceAll('"', "`");
const PEERS = { ours, sequelize, drizzle, kysely, driver, "all at once": allAtOnce, server };
const phases = await PEERS[peer]();
await phases.ready?.();
const base = process.memoryUsage().rss;
let peak = base;
const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 5);
const before = process.cpuUsage();
const { value, rows } = await phases[phase]();
const { user, system } = process.cpuUsage(before);
clearInterval(watch);
const memory = Math.max(peak, process.memoryUsage().rss) - base;
console.log(JSON.stringify({ value, rows, cpu: (user + system) / 1000, memory }));
await phases.close?.();
// A peer may keep its pool open.
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

/** How many results a loop takes. */
async function countOf(results) {
  let count = 0;
  for await (const _ of results) count++;
  return count;
}

/** Makes and drops the database of the bench on a server. */
async function server() {
  const { Sequelize } = require("sequelize");
  const admin = new Sequelize(process.env.SERVER, { logging: false });
  const name = new URL(url).pathname.slice(1);
  return {
    async create() {
      await admin.query(`DROP DATABASE IF EXISTS ${name}`);
      await admin.query(`CREATE DATABASE ${name}`);
      return {};
    },
    async drop() {
      await admin.query(`DROP DATABASE ${name}`);
      return {};
    },
    close: () => admin.close(),
  };
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
    stream: () => once(() => countOf(User.query)),
    rows: () => once(() => countOf(User.query.withEntities(User.c.id, User.c.username, User.c.roleId))),
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
    async fill() {
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

/** The driver's own ways to rows as plain objects: all at once, and as a stream. */
async function driver() {
  if (path) {
    const db = new (require("sqlite3").Database)(path);
    const each = () =>
      new Promise((resolve, reject) =>
        db.each(
          USERS,
          () => undefined,
          (error, count) => (error ? reject(error) : resolve(count)),
        ),
      );
    const all = () =>
      new Promise((resolve, reject) => db.all(USERS, (error, rows) => (error ? reject(error) : resolve(rows))));
    return { load: () => once(all), ...streaming(each) };
  }
  if (url.startsWith("postgres")) {
    const { Client } = require("pg");
    const client = new Client(url);
    await client.connect();
    const read = async () => {
      const { default: Cursor } = await import("pg-cursor");
      const cursor = client.query(new Cursor(USERS));
      let count = 0;
      for (let rows = await cursor.read(1000); rows.length > 0; rows = await cursor.read(1000))
        for (const _ of rows) count++;
      return count;
    };
    return { load: () => once(async () => (await client.query(USERS)).rows), ...streaming(read) };
  }
  const client = await require("mariadb").createConnection(url);
  return {
    load: () => once(async () => [...(await client.query(USERS_OF_MARIADB))]),
    ...streaming(() => countOf(client.queryStream(USERS_OF_MARIADB))),
  };
}

/** Objects and rows are the same to a driver. */
function streaming(work) {
  return { stream: () => once(work), rows: () => once(work) };
}

/** Not a stream: what takes the driver the least time, and all the memory. */
async function allAtOnce() {
  const { load } = await driver();
  return { stream: load };
}
