import type { Sequelize } from "sequelize";
import { DataTypes } from "sequelize";
import { Role } from "./role";
import { User } from "./user";

/** The sample models by name. */
export type SampleModels = {
  Role: typeof Role;
  User: typeof User;
};

/**
 * Defines the sample models on a Sequelize instance.
 *
 * Each instance gets model classes of its own (`Role` and `User` extended), so that two databases may be open at once.
 *
 * @returns the models by name, parents before children
 */
export function defineModels(sequelize: Sequelize): SampleModels {
  const RoleModel = { Role: class extends Role {} }.Role;
  const UserModel = { User: class extends User {} }.User;
  RoleModel.init(
    {
      id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
      name: { type: DataTypes.STRING(64), allowNull: false, unique: true },
    },
    { sequelize, modelName: "Role", tableName: "roles", timestamps: false, underscored: true },
  );
  UserModel.init(
    {
      id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
      username: { type: DataTypes.STRING(64), allowNull: false },
      roleId: { type: DataTypes.INTEGER, allowNull: true },
    },
    {
      sequelize,
      modelName: "User",
      tableName: "users",
      timestamps: false,
      underscored: true,
      // One unique index is both: the rule and the look-up by name.
      indexes: [{ name: "ix_users_username", unique: true, fields: ["username"] }],
    },
  );
  UserModel.belongsTo(RoleModel, { as: "role", foreignKey: "roleId" });
  RoleModel.hasMany(UserModel, { as: "users", foreignKey: "roleId" });
  return { Role: RoleModel, User: UserModel };
}
