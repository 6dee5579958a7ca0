import { createRequire } from "node:module";
import { join } from "node:path";
import { pathOf, users } from "./rows.mjs";

const require = createRequire(import.meta.url);
const { Sequelize } = require("sequelize");
const { defineModels } = require(join(process.env.DIST, "src/models/define-models.js"));

/** Sends statements to the server itself, outside the database of the bench. */
async function onServer(...statements) {
  if (!process.env.SERVER) return;
  const server = new Sequelize(process.env.SERVER, { logging: false });
  for (const statement of statements) await server.query(statement);
  await server.close();
}

/** Plain Sequelize, with the fastest that it has for many objects; also what makes and drops the tables of all. */
export async function open(url) {
  const sequelize = url.startsWith("sqlite:")
    ? new Sequelize({ dialect: "sqlite", storage: pathOf(url), logging: false })
    : new Sequelize(url, { logging: false });
  const { User, Role } = defineModels(sequelize);
  return {
    async create() {
      await onServer("DROP DATABASE IF EXISTS sequelize_shell_bench", "CREATE DATABASE sequelize_shell_bench");
      await sequelize.sync();
      await Role.bulkCreate(Array.from({ length: 10 }, (_, i) => ({ name: `role ${i}` })));
    },
    async drop() {
      await sequelize.close();
      await onServer("DROP DATABASE sequelize_shell_bench");
    },
    async insert(timed, count) {
      const roles = await Role.findAll({ order: ["id"] });
      await timed(() =>
        sequelize.transaction((transaction) => {
          const rows = [];
          for (const { username, role } of users(count)) rows.push({ username, roleId: roles[role].id });
          return User.bulkCreate(rows, { transaction });
        }),
      );
    },
    load: (timed) => timed(() => User.findAll()),
    async update(timed) {
      const objects = await User.findAll();
      await timed(() =>
        sequelize.transaction((transaction) => {
          for (const user of objects) user.username += "x";
          const rows = objects.map((user) => user.get());
          return User.bulkCreate(rows, { updateOnDuplicate: ["username"], conflictAttributes: ["id"], transaction });
        }),
      );
    },
    async delete(timed) {
      const objects = await User.findAll();
      await timed(() =>
        sequelize.transaction((transaction) =>
          User.destroy({ where: { id: objects.map(({ id }) => id) }, transaction }),
        ),
      );
    },
    close: () => sequelize.close().catch(() => undefined),
  };
}
