import type { ModelAttributes, Sequelize } from "sequelize";
import { DataTypes, Deferrable, Op, literal } from "sequelize";

/** What a database's models may use. */
export interface ModelFeatures {
  /** Types and options that only PostgreSQL has. */
  isPostgres: boolean;
  partialIndexes: boolean;
}

/** The features of the database called `name`. */
export function featuresOf(name: string): ModelFeatures {
  return { isPostgres: name === "postgres", partialIndexes: name !== "mariadb" };
}

/** Defines models with every kind of column, default, key, index and association that Sequelize can make here. */
export function defineRichModels(sequelize: Sequelize, { isPostgres, partialIndexes }: ModelFeatures): void {
  const Role = sequelize.define(
    "Role",
    {
      name: { type: DataTypes.STRING(64), allowNull: false, unique: true },
      level: { type: DataTypes.INTEGER, defaultValue: 1 },
    },
    { tableName: "roles", timestamps: false },
  );
  const User = sequelize.define(
    "User",
    // The two kinds of extra columns have no type in common.
    {
      id: { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true },
      username: { type: DataTypes.STRING, allowNull: false, unique: "uq_name_email" },
      email: { type: DataTypes.STRING(128), unique: "uq_name_email", comment: "where it's read" },
      kind: { type: DataTypes.ENUM("plain", "it's", "a,b"), defaultValue: "it's", allowNull: false },
      code: { type: DataTypes.CHAR(8), defaultValue: "NULL" },
      note: { type: DataTypes.TEXT, defaultValue: "no note" },
      small: { type: DataTypes.SMALLINT, defaultValue: -1 },
      big: { type: DataTypes.BIGINT, defaultValue: 9007199254740991 },
      active: { type: DataTypes.BOOLEAN, defaultValue: true, allowNull: false },
      off: { type: DataTypes.BOOLEAN, defaultValue: false },
      price: { type: DataTypes.DECIMAL(10, 2), defaultValue: 1.5 },
      whole: { type: DataTypes.DECIMAL(8) },
      plain: { type: DataTypes.DECIMAL },
      ratio: { type: DataTypes.FLOAT, defaultValue: 0.25 },
      exact: { type: DataTypes.DOUBLE },
      real: { type: DataTypes.REAL },
      born: { type: DataTypes.DATEONLY, defaultValue: "2020-02-29" },
      seen: { type: DataTypes.DATE(3) },
      made: { type: DataTypes.DATE, defaultValue: literal("CURRENT_TIMESTAMP") },
      now: { type: DataTypes.DATE, defaultValue: DataTypes.NOW },
      at: { type: DataTypes.TIME },
      data: { type: DataTypes.JSON },
      token: { type: DataTypes.UUID, defaultValue: DataTypes.UUIDV4 },
      image: { type: DataTypes.BLOB },
      raw: { type: DataTypes.STRING(16, true) },
      random: { type: DataTypes.INTEGER, defaultValue: () => Math.floor(Math.random() * 10) },
      fullName: { type: new DataTypes.VIRTUAL(DataTypes.STRING), get: () => "" },
      ...(isPostgres
        ? {
            tags: { type: DataTypes.ARRAY(DataTypes.STRING(20)), defaultValue: [] },
            numbers: { type: DataTypes.ARRAY(DataTypes.INTEGER), defaultValue: [1, 2] },
            moods: { type: DataTypes.ARRAY(DataTypes.ENUM("good", "bad")), defaultValue: ["good"] },
            document: { type: DataTypes.JSONB, defaultValue: { a: [1, "it's"] } },
            span: { type: DataTypes.RANGE(DataTypes.INTEGER) },
            address: { type: DataTypes.INET },
          }
        : {
            tiny: { type: DataTypes.TINYINT },
            medium: { type: DataTypes.MEDIUMINT },
            blob: { type: DataTypes.BLOB("tiny") },
          }),
    } as ModelAttributes,
    {
      tableName: "users",
      underscored: true,
      paranoid: true,
      comment: "people",
      indexes: [
        { fields: ["email"] },
        { fields: ["born", { name: "seen", order: "DESC" }], name: "by_birth" },
        { fields: ["code"], unique: true },
        ...(partialIndexes
          ? [
              { fields: ["price"], where: { active: true }, name: "paying" },
              { fields: ["small"], unique: true, where: { small: { [Op.gt]: 3 } }, name: "small_ones" },
              { fields: [literal("lower(username)") as unknown as string], name: "by_lower" },
            ]
          : []),
        ...(isPostgres
          ? [
              { fields: ["document"], using: "gin" },
              { fields: [{ name: "username", operator: "text_pattern_ops" }], name: "patterns" },
            ]
          : []),
      ],
    },
  );
  const Tag = sequelize.define("Tag", { label: DataTypes.STRING }, { tableName: "tags", timestamps: true });
  const Post = sequelize.define(
    "Post",
    {
      slug: { type: DataTypes.STRING(40), primaryKey: true },
      title: { type: DataTypes.STRING, defaultValue: 'it\'s; a "title"' },
      ...(isPostgres
        ? {
            reviewerId: {
              type: DataTypes.BIGINT,
              references: { model: "users", key: "id", deferrable: new Deferrable.INITIALLY_DEFERRED() },
            },
          }
        : {}),
    },
    { tableName: "posts", timestamps: false },
  );
  User.belongsTo(Role, { foreignKey: "roleId" });
  Role.hasMany(User, { foreignKey: "roleId" });
  User.belongsTo(User, { as: "manager", foreignKey: { name: "managerId", allowNull: true }, onDelete: "SET NULL" });
  Post.belongsTo(User, { foreignKey: { name: "authorId", allowNull: false } });
  User.belongsToMany(Tag, { through: "user_tags" });
  Tag.belongsToMany(User, { through: "user_tags" });
  Post.belongsToMany(Tag, {
    through: sequelize.define(
      "PostTag",
      { id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true } },
      { tableName: "post_tags", timestamps: false },
    ),
  });
  Tag.belongsToMany(Post, { through: "PostTag" });
  sequelize.define(
    "Pair",
    { a: { type: DataTypes.INTEGER, primaryKey: true }, b: { type: DataTypes.STRING(5), primaryKey: true } },
    { tableName: "Pairs", timestamps: false },
  );
}
