import type { CreationOptional, InferAttributes, InferCreationAttributes, NonAttribute } from "sequelize";
import { Model } from "sequelize";
import type { Columns } from "../query/expressions";
import type { Query } from "../query/query";
import type { Collection } from "../session/relationships";
import type { User } from "./user";

/** A role that users have; table `roles(id, name unique)`. */
export class Role extends Model<InferAttributes<Role>, InferCreationAttributes<Role> & { users?: User[] }> {
  declare id: CreationOptional<number>;
  declare name: string;
  declare users: NonAttribute<Collection<User>>;
  declare static query: Query<Role>;
  declare static c: Columns<Role>;
}
