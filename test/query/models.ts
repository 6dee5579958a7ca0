import type {
  CreationOptional,
  ForeignKey,
  InferAttributes,
  InferCreationAttributes,
  NonAttribute,
  Sequelize,
} from "sequelize";
import { DataTypes, Model } from "sequelize";
import { Mapper } from "../../src/mapper/mapper";
import type { Columns } from "../../src/query/expressions";
import { columnsOf } from "../../src/query/expressions";
import type { related } from "../../src/query/model-shape";
import { Query } from "../../src/query/query";
import type { QueryExecutor } from "../../src/query/query-executor";

/** Stands for the collections of a session, as far as types go. */
interface Rows<T> {
  readonly [related]?: T[];
}

export class Role extends Model<InferAttributes<Role>, InferCreationAttributes<Role>> {
  declare id: CreationOptional<number>;
  declare name: string;
  declare users: NonAttribute<Rows<User>>;
  declare static query: Query<Role>;
  declare static c: Columns<Role>;
}

export class User extends Model<InferAttributes<User>, InferCreationAttributes<User> & { role?: Role | null }> {
  declare id: CreationOptional<number>;
  declare username: string;
  declare age: CreationOptional<number | null>;
  declare active: CreationOptional<boolean>;
  declare roleId: CreationOptional<ForeignKey<number | null>>;
  declare role: NonAttribute<Role | null>;
  declare static query: Query<User>;
  declare static c: Columns<User>;
}

/** A tree. */
export class Node extends Model<InferAttributes<Node>, InferCreationAttributes<Node>> {
  declare id: CreationOptional<number>;
  declare name: string;
  declare parentId: CreationOptional<ForeignKey<number | null>>;
  declare parent: NonAttribute<Node | null>;
  declare children: NonAttribute<Rows<Node>>;
  declare static query: Query<Node>;
  declare static c: Columns<Node>;
}

export class Item extends Model<InferAttributes<Item>, InferCreationAttributes<Item>> {
  declare id: CreationOptional<number>;
  declare title: string;
  declare price: CreationOptional<string | null>;
  declare keywords: NonAttribute<Rows<Keyword>>;
  declare static query: Query<Item>;
  declare static c: Columns<Item>;
}

export class Keyword extends Model<InferAttributes<Keyword>, InferCreationAttributes<Keyword>> {
  declare id: CreationOptional<number>;
  declare word: string;
  declare items: NonAttribute<Rows<Item>>;
  declare static query: Query<Keyword>;
  declare static c: Columns<Keyword>;
}

/** One column of each kind; some columns have names of their own, one of them a word of SQL. */
export class Sample extends Model<InferAttributes<Sample>, InferCreationAttributes<Sample>> {
  declare id: CreationOptional<number>;
  declare title: CreationOptional<string | null>;
  declare isOn: CreationOptional<boolean | null>;
  declare big: CreationOptional<string | null>;
  declare price: CreationOptional<string | null>;
  declare ratio: CreationOptional<number | null>;
  declare at: CreationOptional<Date | null>;
  declare day: CreationOptional<string | null>;
  declare meta: CreationOptional<unknown>;
  declare bytes: CreationOptional<Buffer | null>;
  declare static query: Query<Sample>;
  declare static c: Columns<Sample>;
}

/** Paranoid, with a default scope and timestamps. */
export class Note extends Model<InferAttributes<Note>, InferCreationAttributes<Note>> {
  declare id: CreationOptional<number>;
  declare body: string;
  declare isPublic: CreationOptional<boolean>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare deletedAt: CreationOptional<Date | null>;
  declare static query: Query<Note>;
  declare static c: Columns<Note>;
}

/** The models of these tests on one Sequelize instance. */
export interface Models {
  Role: typeof Role;
  User: typeof User;
  Node: typeof Node;
  Item: typeof Item;
  Keyword: typeof Keyword;
  Sample: typeof Sample;
  Note: typeof Note;
}

/** Defines the models and gives each `query` and `c`, as registering with a database does. */
export function defineTestModels(sequelize: Sequelize, executor: () => QueryExecutor | undefined): Models {
  const models: Models = {
    Role: class extends Role {},
    User: class extends User {},
    Node: class extends Node {},
    Item: class extends Item {},
    Keyword: class extends Keyword {},
    Sample: class extends Sample {},
    Note: class extends Note {},
  };
  const id = { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true } as const;
  const options = (modelName: string, tableName: string) =>
    ({ sequelize, modelName, tableName, timestamps: false, underscored: true }) as const;
  models.Role.init({ id, name: { type: DataTypes.STRING(64), allowNull: false } }, options("Role", "roles"));
  models.User.init(
    {
      id,
      username: { type: DataTypes.STRING(64), allowNull: false },
      age: DataTypes.INTEGER,
      active: { type: DataTypes.BOOLEAN, defaultValue: true },
      roleId: DataTypes.INTEGER,
    },
    options("User", "users"),
  );
  models.Node.init(
    { id, name: { type: DataTypes.STRING(64), allowNull: false }, parentId: DataTypes.INTEGER },
    options("Node", "nodes"),
  );
  models.Item.init(
    { id, title: { type: DataTypes.STRING(64), allowNull: false }, price: DataTypes.DECIMAL(10, 2) },
    options("Item", "items"),
  );
  models.Keyword.init({ id, word: { type: DataTypes.STRING(64), allowNull: false } }, options("Keyword", "keywords"));
  models.Sample.init(
    {
      id,
      title: { type: DataTypes.STRING(200), field: "order" },
      isOn: { type: DataTypes.BOOLEAN, field: "On Off" },
      big: DataTypes.BIGINT,
      price: DataTypes.DECIMAL(12, 3),
      ratio: DataTypes.DOUBLE,
      at: DataTypes.DATE(3),
      day: DataTypes.DATEONLY,
      meta: DataTypes.JSON,
      bytes: DataTypes.BLOB,
    },
    options("Sample", "samples"),
  );
  models.Note.init(
    {
      id,
      body: { type: DataTypes.STRING(200), allowNull: false },
      isPublic: { type: DataTypes.BOOLEAN, allowNull: false, defaultValue: true },
      createdAt: DataTypes.DATE(3),
      updatedAt: DataTypes.DATE(3),
      deletedAt: DataTypes.DATE(3),
    },
    {
      ...options("Note", "notes"),
      timestamps: true,
      paranoid: true,
      defaultScope: { where: { isPublic: true } },
      scopes: { short: { where: { body: "x" }, order: [["id", "DESC"]], limit: 2 } },
    },
  );
  models.User.belongsTo(models.Role, { as: "role", foreignKey: "roleId" });
  models.Role.hasMany(models.User, { as: "users", foreignKey: "roleId", orderBy: "id" });
  models.Node.belongsTo(models.Node, { as: "parent", foreignKey: "parentId" });
  models.Node.hasMany(models.Node, { as: "children", foreignKey: "parentId" });
  const through = { through: "item_keywords", timestamps: false };
  models.Item.belongsToMany(models.Keyword, {
    ...through,
    as: "keywords",
    foreignKey: "itemId",
    otherKey: "keywordId",
  });
  models.Keyword.belongsToMany(models.Item, { ...through, as: "items", foreignKey: "keywordId", otherKey: "itemId" });
  for (const model of Object.values(models)) {
    Object.defineProperties(model, {
      query: { get: () => Query.of(executor, model as typeof Role), configurable: true },
      c: { get: () => columnsOf(Mapper.of(model)), configurable: true },
    });
  }
  return models;
}
