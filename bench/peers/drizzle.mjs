import Database from "better-sqlite3";
import { eq, inArray, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/better-sqlite3";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { pathOf, users } from "./rows.mjs";

const User = sqliteTable("users", {
  id: integer("id").primaryKey({ autoIncrement: true }),
  username: text("username").notNull(),
  roleId: integer("role_id"),
});
const Role = sqliteTable("roles", { id: integer("id").primaryKey({ autoIncrement: true }), name: text("name") });

/** Rows in one statement: SQLite's limit of parameters. */
const CHUNK = 5000;

function* chunks(rows) {
  for (let i = 0; i < rows.length; i += CHUNK) yield rows.slice(i, i + CHUNK);
}

/** drizzle on better-sqlite3: typed SQL, no unit of work. */
export function open(url) {
  const db = drizzle(new Database(pathOf(url)));
  const all = () => db.select().from(User).all();
  return {
    async insert(timed, count) {
      const roles = db.select().from(Role).all();
      await timed(() => {
        const rows = [];
        for (const { username, role } of users(count)) rows.push({ username, roleId: roles[role].id });
        db.transaction((tx) => {
          for (const chunk of chunks(rows)) tx.insert(User).values(chunk).run();
        });
      });
    },
    load: (timed) => timed(all),
    async update(timed) {
      const rows = all();
      await timed(() => {
        for (const row of rows) row.username += "x";
        db.transaction((tx) => {
          const update = tx
            .update(User)
            .set({ username: sql.placeholder("username") })
            .where(eq(User.id, sql.placeholder("id")))
            .prepare();
          for (const row of rows) update.run(row);
        });
      });
    },
    async delete(timed) {
      const rows = all();
      await timed(() =>
        db.transaction((tx) => {
          for (const chunk of chunks(rows)) {
            const ids = chunk.map(({ id }) => id);
            tx.delete(User).where(inArray(User.id, ids)).run();
          }
        }),
      );
    },
  };
}
