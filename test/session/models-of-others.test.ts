// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import { DataTypes, Op, ValidationError } from "sequelize";
import type { Model, Sequelize } from "sequelize";
import { expect, it } from "vitest";
import { FlushError, InvalidRequestError, NotLoadedError, StaleDataError } from "../../src/errors";
import { defer, joined, selectin } from "../../src/query/load-options";
import type { AnyModel } from "./fixture";
import { describeSession } from "./fixture";

/** Models as applications have them: everything that Sequelize lets a model say. */
function define(sequelize: Sequelize) {
  const isPostgres = sequelize.getDialect() === "postgres";
  const Country = sequelize.define(
    "Country",
    { code: { type: DataTypes.STRING(2), primaryKey: true }, name: { type: DataTypes.STRING, field: "full name" } },
    { tableName: "countries", timestamps: false },
  );
  const City = sequelize.define(
    "City",
    {
      country: { type: DataTypes.STRING(2), primaryKey: true, field: "country_code" },
      number: { type: DataTypes.INTEGER, primaryKey: true },
      name: DataTypes.STRING,
    },
    { tableName: "cities", underscored: true },
  );
  City.belongsTo(Country, { as: "land", foreignKey: { name: "country", field: "country_code" } });
  Country.hasMany(City, { as: "cities", foreignKey: { name: "country", field: "country_code" }, orderBy: "number" });
  const Article = sequelize.define(
    "Article",
    {
      title: {
        type: DataTypes.STRING,
        allowNull: false,
        validate: { len: [2, 20] },
        set(value: string) {
          this.setDataValue("title", value.trim());
        },
      },
      slug: {
        type: DataTypes.VIRTUAL,
        get() {
          return String(this.getDataValue("title")).toLowerCase().replaceAll(" ", "-");
        },
      },
      shout: {
        type: DataTypes.VIRTUAL,
        set(value: string) {
          this.setDataValue("title", `${value}!`);
        },
      },
      state: { type: DataTypes.ENUM("draft", "it's out"), defaultValue: "draft" },
      hidden: { type: DataTypes.BOOLEAN, allowNull: false, defaultValue: false },
    },
    {
      tableName: "articles",
      paranoid: true,
      version: true,
      underscored: true,
      defaultScope: { where: { hidden: false } },
      validate: {
        titleIsNotState(this: Model & { title?: string; state?: string }) {
          if (this.title === this.state) throw new Error("the title must not be the state");
        },
      },
    },
  );
  const Everything = sequelize.define(
    "Everything",
    {
      id: { type: DataTypes.UUID, primaryKey: true, defaultValue: DataTypes.UUIDV4 },
      json: DataTypes.JSON,
      date: DataTypes.DATE(3),
      day: DataTypes.DATEONLY,
      blob: DataTypes.BLOB,
      amount: DataTypes.DECIMAL(10, 2),
      big: DataTypes.BIGINT,
      real: DataTypes.DOUBLE,
      flag: DataTypes.BOOLEAN,
      list: isPostgres ? DataTypes.ARRAY(DataTypes.TEXT) : DataTypes.JSON,
    },
    { tableName: "everything", timestamps: false },
  );
  const Student = sequelize.define("Student", { name: DataTypes.STRING }, { tableName: "students", timestamps: false });
  const Course = sequelize.define("Course", { title: DataTypes.STRING }, { tableName: "courses", timestamps: false });
  const Enrolment = sequelize.define(
    "Enrolment",
    { grade: { type: DataTypes.INTEGER, defaultValue: 5 } },
    { tableName: "enrolments" },
  );
  Student.belongsToMany(Course, { as: "courses", through: Enrolment, foreignKey: "studentId", otherKey: "courseId" });
  Course.belongsToMany(Student, { as: "students", through: Enrolment, foreignKey: "courseId", otherKey: "studentId" });
  const Remark = sequelize.define(
    "Remark",
    { articleId: DataTypes.INTEGER },
    { tableName: "remarks", timestamps: false },
  );
  Remark.belongsTo(Article, { as: "article", foreignKey: "articleId" });
  const Reading = sequelize.define(
    "Reading",
    { value: DataTypes.INTEGER, countryCode: DataTypes.STRING(2) },
    { tableName: "readings", timestamps: false },
  );
  Reading.removeAttribute("id");
  Reading.belongsTo(Country, { as: "country", foreignKey: "countryCode" });
  Country.hasMany(Reading, { as: "readings", foreignKey: "countryCode", constraints: false });
  const Shelf = sequelize.define(
    "Shelf",
    {
      label: DataTypes.STRING,
      mark: {
        type: DataTypes.STRING,
        get(): string {
          return `<${this.getDataValue("mark")}>`;
        },
      },
    },
    { tableName: "shelves", timestamps: false },
  );
  const Volume = sequelize.define(
    "Volume",
    { title: DataTypes.STRING, hidden: { type: DataTypes.BOOLEAN, defaultValue: false } },
    {
      tableName: "volumes",
      paranoid: true,
      defaultScope: { where: { hidden: false }, order: [["id", "DESC"]], limit: 1 },
    },
  );
  Shelf.hasMany(Volume, { as: "volumes", foreignKey: "shelfId" });
  Volume.belongsTo(Shelf, { as: "shelf", foreignKey: "shelfId" });
  const all = { Country, City, Article, Everything, Student, Course, Enrolment, Reading, Remark, Shelf, Volume };
  return all as unknown as Record<keyof typeof all, AnyModel>;
}

const VALUES = {
  json: { a: [1, { b: 'it\'s \\ "quoted" \u{1f600}' }], c: null },
  date: new Date("2026-01-31T10:20:30.123Z"),
  day: "2026-02-28",
  blob: Buffer.from([0, 1, 2, 255, 39, 92]),
  amount: "12345.60",
  big: "9007199254740993",
  real: 0.1 + 0.2,
  flag: true,
  list: ["a", 'b"c', "d,e", "{f}"],
};

describeSession("models of others", define, (work) => {
  const make = (model: keyof typeof work.models, values: object = {}): any => new work.models[model](values);

  it("composite and string keys, field names and underscored columns", async () => {
    const { s, models } = work;
    const country = make("Country", { code: "CH", name: "Schweiz" });
    country.cities.extend([1, 2, 3].map((number) => make("City", { number, name: `city ${number}` })));
    s.add(country);
    await s.commit();
    s.expungeAll();
    const city: any = await s.get(models.City, { country: "CH", number: 2 });
    expect(city.name).toBe("city 2");
    expect(city.createdAt).toBeInstanceOf(Date);
    expect(((await s.load(city, "land")) as any).name).toBe("Schweiz");
    const [again]: any[] = await models.Country.query.options(selectin("cities")).all();
    expect(again.cities.at(1)).toBe(city);
    for (const each of again.cities) each.name += "!";
    again.name = "Suisse";
    await s.commit();
    s.delete(city);
    await s.commit();
    expect(await work.rows("cities", "number")).toMatchObject([
      { country_code: "CH", number: 1, name: "city 1!" },
      { country_code: "CH", number: 3, name: "city 3!" },
    ]);
    expect(await work.rows("countries", "code")).toMatchObject([{ code: "CH", "full name": "Suisse" }]);
    const [one, three]: any[] = await models.City.query.orderBy("number").all();
    one.number = 7;
    await s.commit();
    expect(await s.get(models.City, ["CH", 7])).toBe(one);
    expect(await s.get(models.City, ["CH", 3])).toBe(three);
  });

  it("many rows give the same values as few, whatever their types, by each way to read them", async () => {
    const { s, models } = work;
    const count = 230;
    for (let i = 0; i < count; i++) {
      const isEmpty = i % 7 === 3;
      const amount = `${i}.50`;
      s.add(make("Everything", isEmpty ? {} : { ...VALUES, json: { i }, amount, real: i / 3, flag: i % 2 === 0 }));
    }
    await s.commit();
    const few: any[] = [];
    const ordered = models.Everything.query.orderBy("id");
    for (let start = 0; start < count; start += 46) {
      s.expungeAll();
      few.push(...(await ordered.offset(start).limit(46).all()));
    }
    const expected = few.map((each) => each.get({ plain: true }));
    expect(expected.filter(({ day }) => day === VALUES.day)).toHaveLength(197);
    s.expungeAll();
    const many: any[] = await ordered.all();
    expect(many.map((each) => each.get({ plain: true }))).toEqual(expected);
    s.expungeAll();
    const streamed: any[] = [];
    for await (const each of ordered) streamed.push(each);
    expect(streamed.map((each) => each.get({ plain: true }))).toEqual(expected);
  });

  it("many joined rows with keys of several columns", async () => {
    const { s, models } = work;
    const codes = ["AT", "CH", "DE", "FR", "IT"];
    for (const code of codes) {
      const country = make("Country", { code, name: `land "${code}"` });
      if (code !== "DE")
        for (let i = 0; i < 60; i++) country.cities.append(make("City", { number: i, name: `${code}-${i}` }));
      s.add(country);
    }
    await s.commit();
    s.expungeAll();
    const query = models.Country.query.options(joined("cities")).orderBy("code");
    for (const countries of [await query.all(), await query.all()] as any[][]) {
      expect(countries.map(({ code, name }) => [code, name])).toEqual(codes.map((code) => [code, `land "${code}"`]));
      expect(countries.map(({ cities }) => cities.length)).toEqual([60, 60, 0, 60, 60]);
      for (const { code, cities } of countries)
        for (const city of cities) expect([city.country, city.name]).toEqual([code, `${code}-${city.number}`]);
    }
    s.expungeAll();
    const cities: any[] = await models.City.query.options(joined("land")).all();
    expect(new Set(cities.map(({ land }) => land)).size).toBe(4);
    expect(cities.every((city) => city.land.code === city.country)).toBe(true);
  });

  it("timestamps are set once and on net changes", async () => {
    const { s } = work;
    const city = make("City", { country: "CH", number: 1, name: "a", land: make("Country", { code: "CH" }) });
    s.add(city);
    await s.commit();
    const [created, updated] = [city.createdAt.getTime(), city.updatedAt.getTime()];
    expect(Math.abs(Date.now() - created)).toBeLessThan(60_000);
    city.name = "a";
    work.all();
    await s.flush();
    expect(work.sql()).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    city.name = "b";
    await s.flush();
    expect(city.createdAt.getTime()).toBe(created);
    expect(city.updatedAt.getTime()).toBeGreaterThan(updated);
    await s.rollback();
    expect(city.updatedAt.getTime()).toBe(updated);
  });

  it("setters, getters and virtual attributes work in the constructor and on assignment", async () => {
    const { s } = work;
    const article = make("Article", { title: "  Hello World " });
    expect([article.title, article.slug]).toEqual(["Hello World", "hello-world"]);
    article.shout = "Bye";
    expect(article.title).toBe("Bye!");
    s.add(article);
    await s.commit();
    article.title = "  Again ";
    expect(article.title).toBe("Again");
    expect(s.isModified(article)).toBe(true);
    await s.commit();
    expect(await work.rows("articles")).toMatchObject([{ title: "Again", state: "draft" }]);
    expect(make("Article", { shout: "Hey" }).title).toBe("Hey!");
  });

  it("validators of attributes and of the model pass their errors on unchanged", async () => {
    const { s } = work;
    const article = make("Article", { title: "x" });
    s.add(article);
    await expect(s.flush()).rejects.toThrow(/Validation len on title failed/);
    article.title = "draft";
    const error: any = await s.flush().catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(ValidationError);
    expect(error.instance).toBe(article);
    expect(error.message).toMatch(/the title must not be the state/);
    article.title = "fine";
    await s.commit();
    expect(s.stateOf(article)).toBe("persistent");
  });

  it("hooks run around each statement, and what they change is written", async () => {
    const { s, models } = work;
    const calls: string[] = [];
    const names = [
      "beforeValidate",
      "afterValidate",
      "beforeCreate",
      "afterCreate",
      "beforeUpdate",
      "afterUpdate",
      "beforeDestroy",
      "afterDestroy",
    ] as const;
    for (const name of names) {
      models.City.addHook(name, "test", ((city: any, options: any) => {
        calls.push(`${name} ${city.number}${options.transaction ? " in transaction" : ""}`);
        if (name === "beforeCreate" && city.changed("name")) city.name = `${city.name} created`;
        if (name === "beforeUpdate") {
          expect([city.changed("name"), city.changed("number"), city.previous("name")]).toEqual([
            true,
            false,
            "one created",
          ]);
          city.name = `${city.name} updated`;
        }
      }) as never);
    }
    try {
      s.add(make("Country", { code: "CH" }));
      const one = make("City", { country: "CH", number: 1, name: "one" });
      s.add(one);
      await s.commit();
      one.name = "1";
      await s.commit();
      s.delete(one);
      await s.commit();
    } finally {
      for (const name of names) models.City.removeHook(name, "test");
    }
    expect(calls).toEqual([
      "beforeValidate 1",
      "afterValidate 1",
      "beforeCreate 1 in transaction",
      "afterCreate 1 in transaction",
      "beforeValidate 1",
      "afterValidate 1",
      "beforeUpdate 1 in transaction",
      "afterUpdate 1 in transaction",
      "beforeDestroy 1 in transaction",
      "afterDestroy 1 in transaction",
    ]);
    expect(await work.rows("cities", "number")).toEqual([]);
  });

  it("a paranoid model's delete marks the row, unless it is forced", async () => {
    const { s, models } = work;
    const [kept, gone] = [make("Article", { title: "kept" }), make("Article", { title: "gone" })];
    s.addAll([kept, gone]);
    await s.commit();
    work.all();
    s.delete(kept);
    await s.flush();
    expect(work.short()).toEqual(["U(articles)"]);
    await s.rollback();
    expect(kept.deletedAt ?? null).toBeNull();
    expect(s.stateOf(kept)).toBe("persistent");
    s.delete(kept);
    s.delete(gone, { force: true });
    await s.commit();
    expect(await models.Article.query.all()).toEqual([]);
    expect(await s.get(models.Article, kept.id)).toBeNull();
    const rows = await work.rows("articles");
    expect(rows).toHaveLength(1);
    expect(rows[0].deleted_at).not.toBeNull();
    const [found]: any[] = await models.Article.query.withDeleted().all();
    expect(found.title).toBe("kept");
  });

  it("rows that a model hides count in relationships as in the query, however they are read", async () => {
    const { s, models } = work;
    const { Shelf, Volume } = models as Record<string, any>;
    const [full, bare] = [make("Shelf", { label: "full" }), make("Shelf", { label: "bare" })];
    full.volumes.extend(["one", "two", "gone"].map((title) => make("Volume", { title })));
    bare.volumes.extend([make("Volume", { title: "secret", hidden: true })]);
    s.addAll([full, bare]);
    await s.commit();
    s.delete(full.volumes.at(2));
    await s.commit();
    const read = async (query: any): Promise<unknown> => {
      s.expungeAll();
      const shelves = await query.orderBy("id").all();
      return shelves.map((shelf: any) => shelf.volumes.map((volume: any) => volume.title).sort());
    };
    const base = Shelf.query;
    const every = base.withDeleted().unscoped();
    for (const load of [joined("volumes"), selectin("volumes")]) {
      expect(await read(base.options(load))).toEqual([["one", "two"], []]);
      expect(await read(base.withDeleted().options(load))).toEqual([["gone", "one", "two"], []]);
      expect(await read(every.options(load))).toEqual([["gone", "one", "two"], ["secret"]]);
      expect(await read(every.union(every).options(load))).toEqual([["gone", "one", "two"], ["secret"]]);
    }
    const labels = async (query: any): Promise<unknown> =>
      (await query.orderBy("id").all()).map((each: any) => each.label);
    const [hasGone, hasHidden, isBare] = [
      Shelf.c.volumes.any({ title: "gone" }),
      Shelf.c.volumes.any(Volume.c.hidden.eq(true)),
      Shelf.c.volumes.eq(null),
    ];
    expect(await labels(base.filter(hasGone))).toEqual([]);
    expect(await labels(base.withDeleted().filter(hasGone))).toEqual(["full"]);
    expect(await labels(base.filter(hasHidden))).toEqual([]);
    expect(await labels(base.unscoped().filter(hasHidden))).toEqual(["bare"]);
    expect(await labels(base.filter(isBare))).toEqual(["bare"]);
    expect(await labels(every.filter(isBare))).toEqual([]);
    const nested = Volume.query.filter(Volume.c.shelf.has(Shelf.c.volumes.any({ title: "gone" })));
    expect(await nested.limit(9).count()).toBe(0);
    expect(await nested.withDeleted().limit(9).count()).toBe(3);
    expect(await every.filter(hasHidden).update({ label: "changed" })).toBe(1);
    expect(await base.filter(hasHidden).update({ label: "again" })).toBe(0);
  });

  it("a getter of the model's own is not asked of an attribute that was not loaded", async () => {
    const { s, models } = work;
    const { Shelf } = models as Record<string, any>;
    expect(make("Shelf").mark).toBe("<undefined>");
    s.add(make("Shelf", { label: "a", mark: "x" }));
    await s.commit();
    s.expungeAll();
    const shelf = await Shelf.query.options(defer("mark")).one();
    expect(() => shelf.mark).toThrow(/Cannot read Shelf.mark of <Shelf 1>: it was not loaded/);
    expect(shelf.get()).toMatchObject({ label: "a" });
    await s.refresh(shelf, ["mark"]);
    expect(shelf.mark).toBe("<x>");
  });

  it("a version guards against changes of another session, and default scopes hide rows", async () => {
    const { s, models } = work;
    const article = make("Article", { title: "one" });
    s.add(article);
    s.add(make("Article", { title: "secret", hidden: true }));
    await s.commit();
    expect(await models.Article.query.count()).toBe(1);
    const other = work.another();
    const theirs: any = await other
      .query(models.Article)
      .filterBy({ title: "one" } as object)
      .one();
    theirs.title = "theirs";
    await other.commit();
    article.title = "mine";
    await expect(s.commit()).rejects.toThrow(StaleDataError);
    await s.rollback();
    await s.refresh(article);
    expect([article.title, article.version]).toEqual(["theirs", 2]);
  });

  it("values of every type come back as they were, singly and in bulk, and an unchanged object is not dirty", async () => {
    const { s, models } = work;
    for (const count of [1, 3]) {
      const objects = Array.from({ length: count }, () => make("Everything", VALUES));
      s.addAll(objects);
      await s.commit();
      const ids = objects.map((object) => object.id);
      s.expungeAll();
      const found: any[] = await models.Everything.query.filter({ id: { [Op.in]: ids } }).all();
      expect(found).toHaveLength(count);
      for (const each of found) {
        for (const [name, value] of Object.entries(VALUES)) expect(each[name], name).toEqual(value);
      }
      work.all();
      await s.flush();
      expect(work.sql()).toEqual([]);
    }
  });

  it("dates, JSON, blobs and lists that change in place are written and restored", async () => {
    const { s } = work;
    const object = make("Everything", VALUES);
    s.add(object);
    await s.commit();
    await s.refresh(object);
    const change = (): void => {
      object.json.a.push("more");
      object.date.setUTCFullYear(2030);
      object.blob[0] = 7;
      object.list.push("z");
    };
    change();
    expect(s.dirty.has(object)).toBe(true);
    expect(s.isModified(object)).toBe(true);
    await s.flush();
    change();
    await s.rollback();
    for (const name of ["json", "date", "blob", "list"] as const) expect(object[name], name).toEqual(VALUES[name]);
    change();
    await s.commit();
    s.expungeAll();
    const found: any = await s.get(work.models.Everything, object.id);
    expect(found.json.a).toHaveLength(3);
    expect(found.date.getUTCFullYear()).toBe(2030);
    expect(found.blob[0]).toBe(7);
    expect(found.list).toHaveLength(5);
    expect(found.big).toBe(VALUES.big);
    found.big = BigInt(VALUES.big);
    found.amount = 12345.6;
    expect(s.isModified(found)).toBe(false);
  });

  it("a through table with columns of its own is linked by its defaults and edited as a model", async () => {
    const { s, models } = work;
    const student = make("Student", { name: "Ada" });
    const courses = ["Logic", "Music"].map((title) => make("Course", { title }));
    student.courses.extend(courses);
    s.add(student);
    await s.commit();
    const enrolments: any[] = await models.Enrolment.query.orderBy("courseId").all();
    expect(enrolments.map(({ studentId, courseId, grade }) => [studentId, courseId, grade])).toEqual([
      [1, 1, 5],
      [1, 2, 5],
    ]);
    enrolments[0].grade = 1;
    await s.commit();
    student.courses.remove(courses[1]);
    s.add(make("Enrolment", { studentId: student.id, courseId: 3, grade: 2 }));
    s.add(make("Course", { id: 3, title: "Late" }));
    await s.commit();
    expect(await work.rows("enrolments", s.dialect.quote("courseId"))).toMatchObject([
      { courseId: 1, grade: 1 },
      { courseId: 3, grade: 2 },
    ]);
  });

  it("R-8: a reference whose row is deleted softly, or hidden by a scope, loads as null and keeps its key", async () => {
    const { s, models } = work;
    const article = make("Article", { title: "gone" });
    s.add(make("Remark", { article }));
    await s.commit();
    s.delete(article);
    await s.commit();
    for (const option of [undefined, joined("article"), selectin("article")]) {
      s.expungeAll();
      const query = models.Remark.query;
      const remark: any = await (option ? query.options(option) : query).one();
      if (option === undefined) {
        expect(() => remark.article).toThrow(NotLoadedError);
        expect(await s.load(remark, "article")).toBeNull();
      }
      expect([remark.article, remark.articleId, s.isModified(remark)]).toEqual([null, article.id, false]);
      s.expunge(remark);
      work.sql();
      const merged: any = await s.merge(remark);
      await s.commit();
      expect([merged.articleId, work.sql().filter((sql) => !sql.startsWith("SELECT"))]).toEqual([article.id, []]);
    }
    const remark: any = await models.Remark.query.one();
    await s.load(remark, "article");
    await (models.Article as any).unscoped().restore({ where: { id: article.id } });
    expect(await s.load(remark, "article")).toMatchObject({ id: article.id });
    expect(remark.article.id).toBe(article.id);
  });

  it("rows of a table without a primary key are read, each as an object of its own, and never saved", async () => {
    const { s, models } = work;
    const [no, se] = ["no", "se"].map((code) => make("Country", { code }));
    s.addAll([no, se]);
    await s.flush();
    const values = [1, 1, 2].map((value) => ({ value, countryCode: value === 1 ? "no" : null }));
    await s.bulkInsertMappings(models.Reading, values);
    await s.commit();
    const { Reading, Country } = models;
    const readings: any[] = await Reading.query.orderBy("value").all();
    expect(readings.map(({ value }) => value)).toEqual([1, 1, 2]);
    expect(new Set(readings).size).toBe(3);
    expect(readings.map((reading) => s.stateOf(reading))).toEqual(Array(3).fill("detached"));
    for (const option of [joined("country"), selectin("country")]) {
      const rows: any[] = await Reading.query.options(option).orderBy("value").all();
      expect(rows.map(({ country }) => country)).toEqual([no, no, null]);
    }
    for (const option of [joined("readings"), selectin("readings")]) {
      const countries: any[] = await Country.query.populateExisting().options(option).orderBy("code").all();
      expect(countries.map((country) => country.readings.length)).toEqual([2, 0]);
    }
    // An owner with several key columns has none that its own reference would need.
    s.add(make("City", { country: "no", number: 1, name: "Oslo" }));
    await s.commit();
    expect(await models.City.query.options(joined("land")).one()).toMatchObject({ land: no });
    const pairs: any[] = await s
      .query(Country, Reading)
      .outerjoin(Reading, Country.c.code.eq(Reading.c.countryCode))
      .orderBy(Country.c.code)
      .all();
    expect(pairs.map(([country, reading]) => [country, reading?.value])).toEqual([
      [no, 1],
      [no, 1],
      [se, undefined],
    ]);
    readings[0].value = 9;
    work.sql();
    await s.commit();
    for (const write of ["save", "destroy", "increment"])
      await expect(readings[0][write]("value")).rejects.toThrow(`Cannot ${write} <Reading (detached`);
    for (const call of ["add", "delete"] as const)
      expect(() => s[call](readings[0])).toThrow(/Cannot add <Reading .*"readings" has no primary key/);
    expect(() => s.add(make("Reading", { value: 3 }))).toThrow(InvalidRequestError);
    expect(work.sql()).toEqual([]);
    expect((await work.rows("readings", "1")).map(({ value }) => value)).toEqual([1, 1, 2]);
  });

  it("a key that is not set is refused, also by a database that would take NULL for it", async () => {
    const { s } = work;
    const [nameless, no] = [make("Country", { name: "nameless" }), make("Country", { code: "no" })];
    s.addAll([nameless, no]);
    await expect(s.commit()).rejects.toMatchObject({
      name: s.dialect.name === "sqlite" ? "FlushError" : "IntegrityError",
      message: expect.stringMatching(/^Cannot insert Country\(.*\bcode\b/) as string,
    });
    expect([nameless, no].map((country) => s.stateOf(country))).toEqual(["transient", "transient"]);
    await s.rollback();
    s.add(no);
    await s.commit();
    no.code = null;
    work.all();
    await expect(s.commit()).rejects.toThrow(FlushError);
    expect(work.all()).toEqual([]);
    expect([s.isActive, s.dirty.has(no)]).toEqual([true, true]);
    s.expire(no);
    expect(no.code).toBe("no");
    await s.commit();
    expect(await work.rows("countries", "1")).toMatchObject([{ code: "no" }]);
  });

  it("plain Sequelize goes on working beside and inside the session", async () => {
    const { s, models } = work;
    const Student = models.Student;
    const created: any = await Student.create({ name: "created" } as never);
    expect(s.stateOf(created)).toBe("detached");
    const built: any = Student.build({ name: "built" } as never);
    await built.save();
    built.name = "saved";
    await built.save();
    const [bulk]: any[] = await Student.bulkCreate([{ name: "bulk" }] as never);
    expect(bulk.id).toBe(3);
    const own: any = new Student({ name: "own" });
    await own.save();
    const pending: any = new Student({ name: "pending" });
    s.add(pending);
    await s.flush();
    expect(await Student.count()).toBe(5);
    await Student.update({ name: "updated" }, { where: { name: "bulk" } as never });
    await s.rollback();
    expect((await work.rows("students")).map((row) => row.name)).toEqual(["created", "saved", "bulk", "own"]);
    const loaded: any[] = await Student.findAll({ order: ["id"] });
    loaded[0].name = "changed";
    expect(loaded[0].changed()).toEqual(["name"]);
    await loaded[0].save();
    await loaded[1].destroy();
    await loaded[2].update({ name: "again" });
    expect((await work.rows("students")).map((row) => row.name)).toEqual(["changed", "again", "own"]);
    const withCourses: any = await models.Student.findOne({ include: "courses" } as never);
    expect(Array.isArray(withCourses.courses)).toBe(true);
  });

  it("a softly deleted object is restored by Sequelize's own method, and added again", async () => {
    const { s, models } = work;
    const article = make("Article", { title: "an article" });
    s.add(article);
    await s.commit();
    s.delete(article);
    await s.flush();
    await expect(article.restore()).rejects.toThrow(/its delete is not committed yet/);
    await s.commit();
    await article.restore();
    expect([article.deletedAt, s.stateOf(article)]).toEqual([null, "detached"]);
    s.add(article);
    expect([s.stateOf(article), s.isModified(article)]).toEqual(["persistent", false]);
    article.title = "once more";
    await s.commit();
    expect(await models.Article.query.one()).toBe(article);
    expect(await work.rows("articles")).toMatchObject([{ title: "once more" }]);
  });

  it("increment and decrement of an object of the session belong to its transaction", async () => {
    const { s, models } = work;
    const enrolment: any = make("Enrolment", { grade: 1 });
    enrolment.studentId = enrolment.courseId = null;
    const [student, course] = [make("Student", { name: "a" }), make("Course", { title: "c" })];
    s.addAll([student, course]);
    await s.flush();
    Object.assign(enrolment, { studentId: student.id, courseId: course.id });
    s.add(enrolment);
    await s.commit();
    await enrolment.increment("grade", { by: 5 });
    expect([enrolment.grade, s.inTransaction(), s.pendingWork().changed]).toEqual([6, true, 1]);
    await s.rollback();
    expect([enrolment.grade, s.isModified(enrolment)]).toEqual([1, false]);
    expect(await models.Enrolment.query.populateExisting().one()).toBe(enrolment);
    expect(enrolment.grade).toBe(1);
    await enrolment.decrement({ grade: 2 });
    await s.commit();
    expect(await work.rows("enrolments", "1")).toMatchObject([{ grade: -1 }]);
  });

  it("save, update, destroy and reload of an object of the session go through the session", async () => {
    const { s, models } = work;
    const student: any = new models.Student({ name: "a" });
    s.add(student);
    await student.save();
    expect([s.stateOf(student), s.inTransaction()]).toEqual(["persistent", true]);
    await s.rollback();
    expect(s.stateOf(student)).toBe("transient");
    s.add(student);
    await s.commit();
    await student.update({ name: "b" });
    expect(await s.scalar("SELECT name FROM students")).toBe("b");
    student.name = "c";
    await student.reload();
    expect(student.name).toBe("b");
    await student.destroy();
    expect(s.stateOf(student)).toBe("deleted");
    await s.rollback();
    expect([s.stateOf(student), student.name]).toEqual(["persistent", "a"]);
    expect(student.toJSON()).toMatchObject({ id: student.id, name: "a" });
  });
});
