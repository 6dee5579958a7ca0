import { EntitySchema, MikroORM } from "@mikro-orm/better-sqlite";
import { pathOf, users } from "./rows.mjs";

class Role {}
class User {}

const roleSchema = new EntitySchema({
  class: Role,
  tableName: "roles",
  properties: { id: { type: "integer", primary: true }, name: { type: "string" } },
});
const userSchema = new EntitySchema({
  class: User,
  tableName: "users",
  properties: {
    id: { type: "integer", primary: true },
    username: { type: "string" },
    role: { kind: "m:1", entity: () => Role, fieldName: "role_id", nullable: true },
  },
});

/** MikroORM: the unit of work on better-sqlite3. */
export async function open(url) {
  const orm = await MikroORM.init({ dbName: pathOf(url), entities: [roleSchema, userSchema] });
  const em = orm.em.fork();
  return {
    async insert(timed, count) {
      const roles = await em.find(Role, {}, { orderBy: { id: "asc" } });
      await timed(async () => {
        for (const { username, role } of users(count)) em.persist(em.create(User, { username, role: roles[role] }));
        await em.flush();
      });
    },
    load: (timed) => timed(() => em.find(User, {})),
    async update(timed) {
      const objects = await em.find(User, {});
      await timed(async () => {
        for (const user of objects) user.username += "x";
        await em.flush();
      });
    },
    async delete(timed) {
      const objects = await em.find(User, {});
      await timed(async () => {
        for (const user of objects) em.remove(user);
        await em.flush();
      });
    },
    close: () => orm.close(),
  };
}
