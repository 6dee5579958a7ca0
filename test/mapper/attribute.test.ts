import { DataTypes, Sequelize } from "sequelize";
import { afterAll, describe, expect, it } from "vitest";
import { ArgumentError } from "../../src/errors";
import type { Attribute } from "../../src/mapper/attribute";
import { IMPOSSIBLE } from "../../src/mapper/attribute";
import { Mapper } from "../../src/mapper/mapper";

const sequelize = new Sequelize({ dialect: "sqlite", storage: ":memory:", logging: false });
const Thing = sequelize.define(
  "Thing",
  {
    whole: DataTypes.INTEGER,
    big: DataTypes.BIGINT,
    real: DataTypes.DOUBLE,
    price: DataTypes.DECIMAL(10, 2),
    flag: DataTypes.BOOLEAN,
    text: DataTypes.STRING,
    at: DataTypes.DATE,
    day: DataTypes.DATEONLY,
    doc: DataTypes.JSON,
    bytes: DataTypes.BLOB,
    kind: DataTypes.ENUM("a", "b"),
    uuid: DataTypes.UUID,
    both: { type: DataTypes.VIRTUAL, get: () => 1 },
    mapped: { type: DataTypes.INTEGER, field: "mapped_column" },
  },
  { timestamps: false },
);
const mapper = Mapper.of(Thing);
const attribute = (name: string): Attribute => mapper.attribute(name);
afterAll(() => sequelize.close());

describe("Attribute.toDatabase", () => {
  it.each([
    ["whole", "3", 3],
    ["whole", 3n, 3],
    ["whole", true, 1],
    ["big", 9007199254740993n, "9007199254740993"],
    ["big", " 12 ", "12"],
    ["real", "1.5", 1.5],
    ["price", 1.1, "1.1"],
    ["price", "1.10", "1.10"],
    ["flag", true, 1],
    ["flag", "false", 0],
    ["text", 5, "5"],
    ["at", new Date(0), "1970-01-01 00:00:00.000 +00:00"],
    ["at", "2026-01-31T10:00:00Z", "2026-01-31 10:00:00.000 +00:00"],
    ["day", new Date("2026-01-31T10:00:00Z"), "2026-01-31"],
    ["doc", { a: [1, null] }, '{"a":[1,null]}'],
    ["bytes", "ab", Buffer.from("ab")],
    ["whole", null, null],
  ])("%s takes %o as %o", (name, value, expected) => {
    expect(attribute(name).toDatabase(value)).toEqual(expected);
  });

  it.each([
    ["whole", "abc"],
    ["whole", 1.5],
    ["whole", {}],
    ["big", "1.5"],
    ["real", ""],
    ["real", "x"],
    ["price", "1,5"],
    ["price", Number.NaN],
    ["flag", "maybe"],
    ["at", new Date(Number.NaN)],
    ["day", "31.1.2026"],
    ["text", {}],
    ["whole", undefined],
  ])("%s refuses %o by name", (name, value) => {
    expect(() => attribute(name).toDatabase(value)).toThrow(ArgumentError);
    expect(() => attribute(name).toDatabase(value)).toThrow(`Thing.${name}`);
  });

  it("a value without a JSON form is refused", () => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    expect(() => attribute("doc").toDatabase(cycle)).toThrow("it has no JSON form");
  });
});

describe("Attribute.fromDatabase", () => {
  it.each([
    ["big", 12, "12"],
    ["price", 1.1, "1.10"],
    ["price", "1.1", "1.10"],
    ["flag", 1, true],
    ["at", "2026-01-31 10:00:00.123 +00:00", new Date("2026-01-31T10:00:00.123Z")],
    ["at", "2026-01-31 10:00:00", new Date("2026-01-31T10:00:00Z")],
    ["at", "2026-01-31 10:00:00.000 +02:00", new Date("2026-01-31T08:00:00Z")],
    ["doc", '{"a":1}', { a: 1 }],
    ["text", "5", "5"],
    ["whole", null, null],
  ])("%s reads %o as %o", (name, raw, expected) => {
    expect(attribute(name).fromDatabase(raw)).toEqual(expected);
  });
});

describe("Attribute.equals", () => {
  it.each([
    ["whole", 5, "5", true],
    ["whole", 5, 6, false],
    ["price", "1.10", 1.1, true],
    ["price", "-0.0", "0", true],
    ["price", "10", "1", false],
    ["at", new Date(5), new Date(5), true],
    ["at", new Date(5), new Date(6), false],
    ["doc", { a: 1 }, { a: 1 }, true],
    ["bytes", Buffer.from("a"), Buffer.from("a"), true],
    ["flag", true, 1, true],
    ["text", "", null, false],
    ["text", null, undefined, true],
  ])("%s: %o and %o -> %s", (name, a, b, expected) => {
    expect(attribute(name).equals(a, b)).toBe(expected);
  });
});

describe("Attribute.snapshot", () => {
  it("later changes in place do not reach the copy", () => {
    const doc = { list: [1] };
    const copy = attribute("doc").snapshot(doc);
    doc.list.push(2);
    expect(copy).toEqual({ list: [1] });
    const date = new Date(0);
    const day = attribute("at").snapshot(date);
    date.setTime(1);
    expect(day).toEqual(new Date(0));
  });
});

describe("Attribute.canonicalKey", () => {
  it.each([
    ["whole", "3", 3],
    ["whole", 3n, 3],
    ["big", 3, "3"],
    ["text", 3, "3"],
    ["uuid", "ABCD", "abcd"],
  ])("%s: %o is %o", (name, value, expected) => {
    expect(attribute(name).canonicalKey(value)).toBe(expected);
  });

  it.each(["abc", "1.5", "", Number.NaN, true, 1.5, "99999999999999999999"])("%o is no whole number", (value) => {
    expect(attribute("whole").canonicalKey(value)).toBe(IMPOSSIBLE);
  });
});

describe("Mapper", () => {
  it("leaves virtual attributes out and knows columns by their own name", () => {
    expect(mapper.find("both")).toBeUndefined();
    expect(attribute("mapped").column).toBe("mapped_column");
    expect(mapper.generatedKey?.name).toBe("id");
  });

  it("tells the nearest name of an unknown one", () => {
    expect(() => mapper.attribute("txet")).toThrow(
      expect.objectContaining({
        name: "InvalidRequestError",
        message: 'Entity namespace for "Things" has no property "txet".',
        hint: 'did you mean "text"?',
      }),
    );
  });

  it("one key column is its own identity, several are one text", () => {
    const Pair = sequelize.define(
      "Pair",
      { a: { type: DataTypes.INTEGER, primaryKey: true }, b: { type: DataTypes.STRING, primaryKey: true } },
      { timestamps: false },
    );
    expect(mapper.identityOf({ id: "7" })).toBe(7);
    expect(mapper.identityOf({ id: null })).toBeUndefined();
    expect(Mapper.of(Pair).identityOf({ a: "1", b: "x" })).toBe('[1,"x"]');
    expect(Mapper.of(Pair).identityOf({ a: 1 })).toBeUndefined();
  });

  it("a row becomes a real instance that Sequelize never changed", () => {
    const row = new mapper.RowClass({ id: 1, text: "a" });
    expect(row).toBeInstanceOf(Thing);
    expect(row.constructor).toBe(Thing);
    expect(row.get("text")).toBe("a");
    expect(Object.hasOwn(row, "_changed")).toBe(false);
    expect(row.isNewRecord).toBe(false);
    row.set("text", "b");
    expect(row.changed()).toEqual(["text"]);
  });
});

describe("Relationship", () => {
  const Parent = sequelize.define("Parent", {}, { timestamps: false });
  const Child = sequelize.define("Child", {}, { timestamps: false });
  const Tag = sequelize.define("Tag", {}, { timestamps: false });
  Child.belongsTo(Parent, { as: "parent", foreignKey: "parentId" });
  Parent.hasMany(Child, {
    as: "children",
    foreignKey: "parentId",
    cascade: "all, delete-orphan",
    orderBy: [["id", "DESC"]],
  });
  Child.belongsToMany(Tag, {
    as: "tags",
    through: "child_tags",
    foreignKey: "childId",
    otherKey: "tagId",
    timestamps: false,
  });
  Tag.belongsToMany(Child, {
    as: "children",
    through: "child_tags",
    foreignKey: "tagId",
    otherKey: "childId",
    timestamps: false,
  });

  const relationship = (model: typeof Parent, key: string) => Mapper.of(model).relationships.get(key)!;

  it("the two sides of one foreign key are each other's backref", () => {
    expect(relationship(Child, "parent").backref).toBe(relationship(Parent, "children"));
    expect(relationship(Parent, "children").backref).toBe(relationship(Child, "parent"));
    expect(relationship(Child, "tags").backref).toBe(relationship(Tag, "children"));
  });

  it("knows its keys on either side", () => {
    const parent = relationship(Child, "parent");
    expect([parent.kind, parent.foreignKey.label, parent.targetKey.label]).toEqual([
      "manyToOne",
      "Child.parentId",
      "Parent.id",
    ]);
    const children = relationship(Parent, "children");
    expect([children.kind, children.foreignKey.label, children.sourceKey.label]).toEqual([
      "oneToMany",
      "Child.parentId",
      "Parent.id",
    ]);
    const tags = relationship(Child, "tags");
    expect([tags.kind, tags.foreignKey.name, tags.otherKey.name]).toEqual(["manyToMany", "childId", "tagId"]);
  });

  it("cascade and order are read, an unknown word is refused", () => {
    const children = relationship(Parent, "children");
    expect([...children.cascade].sort()).toEqual([
      "delete",
      "delete-orphan",
      "expunge",
      "merge",
      "refresh-expire",
      "save-update",
    ]);
    expect(children.orderBy).toEqual([{ attribute: "id", descending: true }]);
    const Odd = sequelize.define("Odd", {}, { timestamps: false });
    Odd.hasMany(Child, { as: "odd", foreignKey: "oddId", cascade: "everything" });
    expect(() => Mapper.of(Odd).relationships).toThrow('Unknown cascade "everything" of Odd.odd.');
  });
});
