/**
 * sequelize-shell as a library: SQLAlchemy's session and query on plain Sequelize models.
 */
export { attach, openDatabase, Database } from "./database";
export type { DatabaseOptions, ModelSource } from "./database";
export type { QueryEvent, QueryListener } from "./driver/connection";
export * from "./errors";
export { defineModels } from "./models/define-models";
export { Role } from "./models/role";
export { User } from "./models/user";
