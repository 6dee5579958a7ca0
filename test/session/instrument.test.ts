// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import { DataTypes, Model, Sequelize } from "sequelize";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../../src/database";
import { attach } from "../../src/database";
import { ArgumentError, InvalidRequestError } from "../../src/errors";
import { captureStatements } from "../../src/driver/capture";
import { inspectObject } from "../../src/session/inspect-object";
import { loadOnRead } from "../../src/session/load-on-read";
import { defineRoles } from "./fixture";

describe("registered models", () => {
  let sequelize: Sequelize;
  let db: Database;
  let models: ReturnType<typeof defineRoles>;

  beforeEach(async () => {
    sequelize = new Sequelize({ dialect: "sqlite", storage: ":memory:", logging: false });
    models = defineRoles(sequelize);
    db = attach(sequelize);
    await sequelize.sync();
  });
  afterEach(() => db.close());

  it("names that would hide what registering adds, or Sequelize's methods, are refused", () => {
    for (const name of ["query", "c", "get", "set", "save", "update", "changed", "toJSON", "isNewRecord"]) {
      // Sequelize itself keeps a name that is a method of its instances out of the prototype.
      const model = sequelize.define(`With_${name}`, { [name]: DataTypes.STRING });
      const refused = name in Model.prototype || name === "query" || name === "c";
      if (refused) expect(() => db.register(model), name).toThrow(ArgumentError);
      if (refused) expect(() => db.register(model)).toThrow(new RegExp(`attribute "${name}" would hide`));
    }
    const source = sequelize.define("Source", {});
    source.belongsTo(models.Role, { as: "query", foreignKey: "roleId" });
    expect(() => db.register(source)).toThrow(/relationship "query" would hide/);
  });

  it("class fields that hide attributes are refused with the way out", () => {
    class Shadowed extends Model {
      username = "own property";
    }
    Shadowed.init({ username: DataTypes.STRING }, { sequelize, modelName: "Shadowed" });
    const register = (): void => db.register(Shadowed);
    expect(register).toThrow(InvalidRequestError);
    expect(register).toThrow(/class fields "username" hide the attributes/);
  });

  it("the constructor refuses unknown names and takes relationships in any order", () => {
    const role: any = new models.Role({ name: "r" });
    const user: any = new models.User({ role, username: "u", bio: undefined });
    expect([user.role, user.username, user.bio, user.id]).toEqual([role, "u", null, null]);
    expect(() => new models.User({ usernam: "x" })).toThrow(TypeError);
    expect(user).toBeInstanceOf(models.User);
    expect(user).toBeInstanceOf(Model);
    expect(user.isNewRecord).toBe(true);
    const built: any = models.User.build({ username: "built", nope: 1 } as never);
    expect([built.username, built.id]).toEqual(["built", null]);
  });

  it("undefined is never a value", () => {
    const user: any = new models.User({ username: "u" });
    user.username = undefined;
    expect(user.username).toBeNull();
    db.session.add(user);
    user.username = "again";
    return db.session.commit().then(() => {
      expect(() => (user.username = undefined)).toThrow(ArgumentError);
      expect(user.username).toBe("again");
    });
  });

  it("relationships declared after registering work too", async () => {
    const Pet = sequelize.define("Pet", { name: DataTypes.STRING }, { timestamps: false, tableName: "pets" });
    db.register(Pet);
    Pet.belongsTo(Pet, { as: "mother", foreignKey: "id", targetKey: "id", constraints: false });
    const [kitten, cat]: any[] = [new Pet() as any, new Pet() as any];
    kitten.mother = cat;
    expect(kitten.mother).toBe(cat);
  });

  it("a foreign key that an association adds after registering is an attribute like the others", async () => {
    const { User, Role } = models;
    db.session.add(new User({ username: "john" }));
    await db.session.commit();
    await sequelize.query("ALTER TABLE users ADD COLUMN manager_id INTEGER REFERENCES users (id)");
    User.belongsTo(User, { as: "manager", foreignKey: "managerId" });
    const john = await User.query.populateExisting().first();
    const susan = new User({ username: "susan", manager: john, role: new Role({ name: "admin" }) });
    db.session.add(susan);
    await db.session.commit();
    expect([susan.managerId, susan.manager, john.managerId]).toEqual([john.id, john, null]);
    susan.managerId = null;
    await db.session.commit();
    expect(await User.query.filterBy({ managerId: null }).count()).toBe(2);
    expect(String(User.query.filter(User.c.managerId.eq(1)))).toContain("users.manager_id = 1");
  });

  it("inspectObject tells state, key, changes and what is loaded, and sends nothing", async () => {
    const { session } = db;
    const role: any = new models.Role({ name: "r" });
    const user: any = new models.User({ username: "u", role });
    session.add(user);
    expect(inspectObject(user)).toMatchObject({ state: "pending", key: null, changed: [] });
    await session.commit();
    user.username = "v";
    user.role = null;
    const sent: string[] = [];
    const stop = db.onQuery(({ sql }) => sent.push(sql));
    expect(inspectObject(user)).toMatchObject({
      model: models.User,
      state: "persistent",
      key: [1],
      changed: [
        { name: "username", old: "u", new: "v" },
        { name: "role", old: role, new: null },
      ],
      notLoaded: [],
      relationships: [{ key: "role", value: null }],
    });
    expect(session.plan()).toMatchObject([{ operation: "update", model: models.User, key: [1] }]);
    session.delete(role);
    session.add(new models.Role({ name: "new" }));
    expect(session.plan().map(({ operation }) => operation)).toEqual(["insert", "update", "delete"]);
    expect(session.pendingWork()).toEqual({ new: 1, changed: 1, deleted: 1, failed: false });
    expect(sent).toEqual([]);
    stop();
  });

  it("loadOnRead loads what reading needs, and nothing where nothing is missing", async () => {
    const { session } = db;
    session.add(new models.User({ username: "u", role: new models.Role({ name: "r" }) }));
    await session.commit();
    session.expungeAll();
    const user: any = await models.User.query.one();
    expect(loadOnRead(user, "username")).toBeUndefined();
    const loading = loadOnRead(user, "role");
    expect(loading).toBeInstanceOf(Promise);
    await loading;
    expect(user.role.name).toBe("r");
    expect(loadOnRead(user, "role")).toBeUndefined();
    expect(loadOnRead(user.role, "users")).toBeUndefined();
    await session.commit();
    await sequelize.query("UPDATE users SET username = 'changed'");
    await loadOnRead(user, "username");
    expect(user.username).toBe("changed");
    expect(loadOnRead({}, "x")).toBeUndefined();
    expect(loadOnRead(new models.User({ username: "t" }) as object, "role")).toBeUndefined();
  });

  it("statements that are only noted down leave session and objects as they are", async () => {
    const { session } = db;
    const role: any = new models.Role({ name: "r" });
    const user: any = new models.User({ username: "u", bio: "b", role });
    session.add(user);
    await session.commit();
    user.username = "changed";
    const fresh: any = new models.User({ username: "fresh", bio: "b", role });
    session.add(fresh);
    const other: any = new models.User({ username: "gone", bio: "b" });
    session.add(other);
    await session.flush([other]);
    session.delete(other);
    for (let round = 0; round < 2; round++) {
      const { statements } = await captureStatements(() => session.commit());
      expect(statements.map(({ sql }) => sql.slice(0, 17))).toEqual([
        "UPDATE users SET ",
        "INSERT INTO users",
        "DELETE FROM users",
      ]);
    }
    await captureStatements(() => models.User.query.all());
    await captureStatements(() => session.load(role, "users"));
    await captureStatements(() => session.refresh(user));
    await captureStatements(() => session.rollback());
    await captureStatements(() => session.get(models.User, user.id));
    expect([session.stateOf(fresh), fresh.id, fresh.roleId, user.username]).toEqual(["pending", null, null, "changed"]);
    expect(session.pendingWork()).toMatchObject({ new: 2, changed: 1, deleted: 1 });
    await session.commit();
    expect((await models.User.query.orderBy("id").all()).map((each: any) => [each.username, each.roleId])).toEqual([
      ["changed", role.id],
      ["fresh", role.id],
    ]);
  });

  it("merging and transactions that are only noted down change nothing either", async () => {
    const { session } = db;
    const { User } = models;
    const john = new User({ username: "john" });
    session.add(john);
    await session.commit();
    const noted = async (work: () => Promise<unknown>): Promise<string[]> =>
      (await captureStatements(work)).statements.map(({ sql }) => sql.replace(/ .*/s, ""));
    expect(await noted(() => session.merge(new User({ id: john.id, username: "other" })))).toEqual([]);
    expect(await noted(() => session.merge(new User({ id: 77, username: "other" })))).toEqual(["SELECT"]);
    expect([john.username, session.new.size, session.dirty.size]).toEqual(["john", 0, 0]);
    expect(await noted(() => session.begin())).toEqual([]);
    expect(await noted(() => session.beginNested())).toEqual([]);
    expect([session.inTransaction(), session.inNestedTransaction()]).toEqual([false, false]);
    john.username = "changed";
    expect(await noted(() => session.transaction(() => User.query.all()))).toEqual(["UPDATE", "SELECT"]);
    expect(await noted(() => User.query.paginate({ page: 1, perPage: 1 }))).toEqual(["UPDATE", "SELECT", "SELECT"]);
    expect([session.inTransaction(), session.dirty.has(john)]).toEqual([false, true]);
    await session.commit();
    expect(await session.scalar("SELECT username FROM users")).toBe("changed");
  });

  it("JSON holds the columns and what is loaded of the relationships, without circles", async () => {
    const role: any = new models.Role({ name: "r" });
    const user: any = new models.User({ username: "u", role });
    db.session.add(user);
    await db.session.commit();
    expect(JSON.parse(JSON.stringify(user))).toEqual({
      id: 1,
      username: "u",
      bio: null,
      roleId: 1,
      role: { id: 1, name: "r" },
    });
    expect(JSON.parse(JSON.stringify(role))).toMatchObject({ id: 1, users: [{ id: 1, username: "u" }] });
  });
});
