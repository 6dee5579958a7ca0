import Database from "better-sqlite3";
import { pathOf, users } from "./rows.mjs";

/** The driver alone, with prepared statements: no objects but rows, the limit of what can be reached. */
export function open(url) {
  const db = new Database(pathOf(url));
  const all = () => db.prepare("SELECT id, username, role_id FROM users").all();
  /** Runs a statement for each row in one transaction. */
  const each = (sql, rows, parameters) => {
    const statement = db.prepare(sql);
    db.transaction(() => {
      for (const row of rows) statement.run(...parameters(row));
    })();
  };
  return {
    async insert(timed, count) {
      const roles = db.prepare("SELECT id FROM roles ORDER BY id").all();
      await timed(() =>
        each("INSERT INTO users (username, role_id) VALUES (?, ?)", users(count), ({ username, role }) => [
          username,
          roles[role].id,
        ]),
      );
    },
    load: (timed) => timed(all),
    async update(timed) {
      const rows = all();
      await timed(() => {
        for (const row of rows) row.username += "x";
        each("UPDATE users SET username = ? WHERE id = ?", rows, ({ id, username }) => [username, id]);
      });
    },
    async delete(timed) {
      const rows = all();
      await timed(() => each("DELETE FROM users WHERE id = ?", rows, ({ id }) => [id]));
    },
  };
}
