import "reflect-metadata";
import { DataSource, EntitySchema } from "typeorm";
import { pathOf, users } from "./rows.mjs";

class Role {}
class User {}

const roleSchema = new EntitySchema({
  name: "Role",
  target: Role,
  tableName: "roles",
  columns: { id: { type: "integer", primary: true, generated: "increment" }, name: { type: "varchar", length: 64 } },
});
const userSchema = new EntitySchema({
  name: "User",
  target: User,
  tableName: "users",
  columns: {
    id: { type: "integer", primary: true, generated: "increment" },
    username: { type: "varchar", length: 64 },
    roleId: { type: "integer", name: "role_id", nullable: true },
  },
});

/** TypeORM: objects through its repositories' `save` and `remove`, in the chunks that SQLite takes. */
export async function open(url) {
  const source = new DataSource({ type: "better-sqlite3", database: pathOf(url), entities: [roleSchema, userSchema] });
  await source.initialize();
  const repository = source.getRepository(User);
  return {
    async insert(timed, count) {
      const roles = await source.getRepository(Role).find();
      await timed(async () => {
        const objects = [];
        for (const { username, role } of users(count))
          objects.push(repository.create({ username, roleId: roles[role].id }));
        await repository.save(objects, { chunk: 1000 });
      });
    },
    load: (timed) => timed(() => repository.find()),
    async update(timed) {
      const objects = await repository.find();
      await timed(async () => {
        for (const user of objects) user.username += "x";
        await repository.save(objects, { chunk: 1000 });
      });
    },
    async delete(timed) {
      const objects = await repository.find();
      await timed(() => repository.remove(objects, { chunk: 500 }));
    },
    close: () => source.destroy(),
  };
}
