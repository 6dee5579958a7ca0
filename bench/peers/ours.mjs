import { createRequire } from "node:module";
import { join } from "node:path";
import { users } from "./rows.mjs";

const { openDatabase } = createRequire(import.meta.url)(join(process.env.DIST, "src/index.js"));

/** sequelize-shell: real Sequelize instances through the session, with all that it guarantees. */
export async function open(url) {
  const db = await openDatabase(url);
  const { User, Role } = db.models;
  const { session } = db;
  return {
    async insert(timed, count) {
      const roles = await Role.query.orderBy("id").all();
      await timed(async () => {
        const objects = [];
        for (const { username, role } of users(count)) objects.push(new User({ username, role: roles[role] }));
        session.addAll(objects);
        await session.commit();
      });
    },
    load: (timed) => timed(() => User.query.all()),
    async update(timed) {
      const objects = await User.query.all();
      await timed(async () => {
        for (const user of objects) user.username += "x";
        await session.commit();
      });
    },
    async delete(timed) {
      const objects = await User.query.all();
      await timed(async () => {
        for (const user of objects) session.delete(user);
        await session.commit();
      });
    },
    close: () => db.close(),
  };
}
