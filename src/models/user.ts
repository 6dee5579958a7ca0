import type { CreationOptional, ForeignKey, InferAttributes, InferCreationAttributes, NonAttribute } from "sequelize";
import { Model } from "sequelize";
import type { Columns } from "../query/expressions";
import type { Query } from "../query/query";
import type { Role } from "./role";

/** A user, with a role or without; table `users(id, username unique and indexed, role_id -> roles.id)`. */
export class User extends Model<InferAttributes<User>, InferCreationAttributes<User> & { role?: Role | null }> {
  declare id: CreationOptional<number>;
  declare username: string;
  declare roleId: CreationOptional<ForeignKey<number | null>>;
  declare role: NonAttribute<Role | null>;
  declare static query: Query<User>;
  declare static c: Columns<User>;
}
