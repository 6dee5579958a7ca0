import { DataTypes, Model } from "sequelize";
import { expect, it } from "vitest";
import { Mapper } from "../../src/mapper/mapper";
import { columnsOf } from "../../src/query/expressions";
import { Query } from "../../src/query/query";
import { describeQueries, sqlOf, tailOf } from "./fixture";

describeQueries("Scopes and options of models", (fixture) => {
  it("G-24: a paranoid model's deleted rows are left out, a default scope holds, and both can be left out", () => {
    const { Note } = fixture;
    const alive = "notes.deleted_at IS NULL";
    expect(tailOf(Note.query)).toBe(`notes WHERE notes.is_public = ? AND ${alive}`);
    expect(tailOf(Note.query.filterBy({ body: "x" }))).toBe(
      `notes WHERE notes.body = ? AND notes.is_public = ? AND ${alive}`,
    );
    expect(tailOf(Note.query.unscoped())).toBe(`notes WHERE ${alive}`);
    expect(tailOf(Note.query.withDeleted())).toBe("notes WHERE notes.is_public = ?");
    expect(tailOf(Note.query.unscoped().withDeleted())).toBe("notes");
  });

  it("G-24: an OR of the caller does not widen them", () => {
    const { Note } = fixture;
    const query = Note.query.filter(Note.c.id.eq(1)).filter({ [Symbol.for("or")]: [{ id: 1 }, { id: 2 }] });
    expect(tailOf(query)).toBe(
      "notes WHERE notes.id = ? AND (notes.id = ? OR notes.id = ?) AND notes.is_public = ? AND notes.deleted_at IS NULL",
    );
  });

  it("G-24: they hold in counts, subqueries, unions, get and joins", async () => {
    const { Note, User, executor } = fixture;
    const criteria = "notes.is_public = ? AND notes.deleted_at IS NULL";
    expect(await Note.query.count()).toBe(0);
    expect(tailOf(User.query.filter(User.c.id.in(Note.query.withEntities(Note.c.id))))).toBe(
      `users WHERE users.id IN (SELECT notes.id FROM notes WHERE ${criteria})`,
    );
    expect(sqlOf(Note.query.union(Note.query))).toMatch(
      /WHERE notes\.is_public = \? .* UNION .* WHERE notes\.is_public = \?/,
    );
    await Note.query.get(1);
    expect(executor.sent.at(-1)?.sql).toMatch(/is_public = .*deleted_at IS NULL$/);
    expect(tailOf(User.query.outerjoin(Note, Note.c.id.eq(User.c.id)))).toBe(
      `users LEFT OUTER JOIN notes ON notes.id = users.id AND ${criteria}`,
    );
    expect(tailOf(Query.of(() => executor, User.c.id).filter(Note.c.id.eq(User.c.id)))).toBe(
      `users, notes WHERE notes.id = users.id AND ${criteria}`,
    );
  });

  it("G-24: withDeleted() and unscoped() of a union hold in its parts, those of a part in that part alone", async () => {
    const { Note } = fixture;
    const count = (query: { sql: string }, what: RegExp): number => [...query.sql.matchAll(what)].length;
    const [alive, scope] = [/deleted_at IS NULL/g, /is_public = /g];
    const union = Note.query.union(Note.query, Note.query.union(Note.query));
    expect(count(union, alive)).toBe(4);
    expect(count(union.withDeleted(), alive)).toBe(0);
    expect(count(union.withDeleted(), scope)).toBe(4);
    expect(count(union.unscoped(), scope)).toBe(0);
    expect(count(union.unscoped(), alive)).toBe(4);
    expect(count(Note.query.withDeleted().union(Note.query), alive)).toBe(1);
    expect(count(Note.query.union(Note.query.withDeleted()), alive)).toBe(1);
    const all = await Note.query.withDeleted().unscoped().count();
    expect(await union.withDeleted().unscoped().count()).toBe(all);
    expect(await union.withDeleted().unscoped().all()).toHaveLength(all);
  });

  it("G-24: a named scope gives conditions, order and bounds; the query's own take their place", () => {
    const { Note, executor } = fixture;
    const short = Query.of(() => executor, Note.scope("short"));
    expect(tailOf(short)).toBe(
      "notes WHERE notes.body = ? AND notes.deleted_at IS NULL ORDER BY notes.id DESC LIMIT ?",
    );
    expect(tailOf(short.orderBy("body").limit(7))).toBe(
      "notes WHERE notes.body = ? AND notes.deleted_at IS NULL ORDER BY notes.body LIMIT ?",
    );
    expect(short.toSQL().parameters.at(-1)).toBe(2);
    expect(tailOf(Query.of(() => executor, Note.unscoped()))).toBe("notes WHERE notes.deleted_at IS NULL");
  });

  it("G-24: attributes and includes of a scope are loading options", () => {
    const { Role, executor } = fixture;
    class Person extends Model {}
    const sequelize = Role.sequelize;
    if (sequelize === undefined) throw new Error("The models are not defined.");
    Person.init(
      {
        id: { type: DataTypes.INTEGER, primaryKey: true },
        name: DataTypes.STRING,
        bio: DataTypes.TEXT,
        roleId: DataTypes.INTEGER,
      },
      {
        sequelize,
        modelName: "Person",
        tableName: "people",
        timestamps: false,
        defaultScope: { attributes: { exclude: ["bio"] } },
      },
    );
    Person.belongsTo(Role, { as: "role", foreignKey: "roleId" });
    Person.addScope("named", { attributes: ["name"], include: ["role"] });
    Person.addScope("grouped", { group: ["name"] });
    const people = (model: typeof Person): Query<Person> => Query.of(() => executor, model);
    expect(sqlOf(people(Person))).toBe('SELECT people.id, people.name, people."roleId" FROM people');
    expect(sqlOf(people(Person.scope("named") as typeof Person))).toBe(
      'SELECT people.id, people.name, people."roleId", roles_1.id AS roles_1_id, roles_1.name AS roles_1_name ' +
        'FROM people LEFT OUTER JOIN roles AS roles_1 ON roles_1.id = people."roleId"',
    );
    expect(() => sqlOf(people(Person.scope("grouped") as typeof Person))).toThrow(/its "group" has no meaning here/);
    sequelize.modelManager.removeModel(Person);
  });

  it("G-24: field names, words of SQL and getters hold", async () => {
    const { Sample, executor } = fixture;
    await executor.connection.run(
      `INSERT INTO samples (id, ${executor.dialect.quote("order")}, ${executor.dialect.quote("On Off")}) VALUES (1, 'x', ${executor.dialect.literal(executor.dialect.bindBoolean(true))})`,
    );
    const query = Sample.query.filterBy({ title: "x", isOn: true }).orderBy("title");
    expect(tailOf(query)).toBe('samples WHERE samples."order" = ? AND samples."On Off" = ? ORDER BY samples."order"');
    expect((await query.one()).get()).toMatchObject({ id: 1, title: "x", isOn: true });
    expect((await query.withEntities(Sample.c.isOn, Sample.c.title).one()).isOn).toBe(true);
  });

  it("names that are too long for the database, or not of its letters, are shortened in rows and keep their values", async () => {
    const { Role, executor } = fixture;
    const sequelize = Role.sequelize;
    if (sequelize === undefined) throw new Error("The models are not defined.");
    const [long, longer, emoji] = ["x".repeat(70), `${"x".repeat(70)}y`, "a😀"];
    class Odd extends Model {}
    Odd.init(
      {
        id: { type: DataTypes.INTEGER, primaryKey: true },
        [long]: { type: DataTypes.INTEGER, field: "a" },
        [longer]: { type: DataTypes.INTEGER, field: "b" },
        [emoji]: { type: DataTypes.INTEGER, field: "c" },
      },
      { sequelize, modelName: "Odd", tableName: "odd", timestamps: false },
    );
    await executor.connection.run("CREATE TABLE odd (id int primary key, a int, b int, c int)");
    await executor.connection.run("INSERT INTO odd VALUES (1, 2, 3, 4)");
    const row = await Query.of(() => executor, Odd).one();
    expect(row.get()).toEqual({ id: 1, [long]: 2, [longer]: 3, [emoji]: 4 });
    await executor.connection.run("DROP TABLE odd");
    sequelize.modelManager.removeModel(Odd);
  });

  it("virtual attributes have no column", () => {
    const { Role } = fixture;
    class Thing extends Model {}
    const sequelize = Role.sequelize;
    if (sequelize === undefined) throw new Error("The models are not defined.");
    Thing.init(
      {
        id: { type: DataTypes.INTEGER, primaryKey: true },
        loud: {
          type: DataTypes.VIRTUAL,
          get() {
            return "LOUD";
          },
        },
      },
      { sequelize, modelName: "Thing", tableName: "things", timestamps: false },
    );
    expect(sqlOf(Query.of(() => undefined, Thing))).toBe("SELECT things.id FROM things");
    expect(() => columnsOf(Mapper.of(Thing))["loud"]).toThrow(
      expect.objectContaining({
        message: "Cannot use Thing.loud in a query: it is VIRTUAL and has no column.",
        hint: "select Thing and read loud of its objects",
      }) as Error,
    );
    sequelize.modelManager.removeModel(Thing);
  });
});
