import { DataTypes } from "sequelize";
import type { Model, ModelStatic, Sequelize } from "sequelize";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { attach } from "../../src/database";
import type { Database } from "../../src/database";
import { fakeObjects } from "../../src/import-export/fake-objects";
import { Mapper } from "../../src/mapper/mapper";
import { describeEachDatabase } from "../databases";

function define(sequelize: Sequelize): ModelStatic<Model>[] {
  const options = { timestamps: false };
  const Shop = sequelize.define(
    "Shop",
    {
      name: { type: DataTypes.STRING(12), unique: true, allowNull: false, validate: { len: [4, 12] } },
      email: { type: DataTypes.STRING, validate: { isEmail: true } },
      website: { type: DataTypes.STRING, validate: { isUrl: true } },
      kind: DataTypes.ENUM("big", "small"),
      level: { type: DataTypes.STRING, validate: { isIn: [["low", "high"]] } },
      rating: { type: DataTypes.INTEGER, validate: { min: 1, max: 5 } },
      price: DataTypes.DECIMAL(8, 2),
      weight: DataTypes.DOUBLE,
      opened: DataTypes.DATEONLY,
      seen: DataTypes.DATE,
      open: DataTypes.BOOLEAN,
      reference: DataTypes.UUID,
      extra: DataTypes.JSON,
      state: { type: DataTypes.STRING, defaultValue: "new" },
    },
    options,
  );
  const Item = sequelize.define(
    "Item",
    { title: DataTypes.STRING, shopId: { type: DataTypes.INTEGER, allowNull: false }, parentId: DataTypes.INTEGER },
    { timestamps: true },
  );
  const Sealed = sequelize.define(
    "Sealed",
    { code: { type: DataTypes.STRING, allowNull: false, validate: { is: /^never-\d{40}$/ } } },
    options,
  );
  Item.belongsTo(Shop, { as: "shop", foreignKey: "shopId" });
  Item.belongsTo(Item, { as: "parent", foreignKey: "parentId" });
  return [Shop, Item, Sealed];
}

describeEachDatabase("made-up objects", (open) => {
  let db: Database;
  let shop: Mapper;
  let item: Mapper;
  let sealed: Mapper;
  beforeAll(async () => {
    const models = define(open.sequelize);
    db = attach(open.sequelize, { models });
    [shop, item, sealed] = models.map((model) => Mapper.of(model)) as [Mapper, Mapper, Mapper];
    await db.createAll();
  });
  beforeEach(async () => {
    for (const model of [item, shop]) await db.session.query(model.model).delete();
    await db.session.commit();
    db.session.expungeAll();
  });
  afterAll(() => db.session.close());

  it("have values by names, types and validators, and are written by a commit", async () => {
    const shops = await fakeObjects(db.session, shop, 40, 7);
    expect(db.session.new.size).toBe(40);
    for (const each of shops) {
      await each.validate();
      expect(each.get("name")).toMatch(/^.{4,12}$/);
      expect(each.get("email")).toMatch(/^[a-z.]+\d*@example\.com$/);
      expect(["big", "small"]).toContain(each.get("kind"));
      expect(["low", "high"]).toContain(each.get("level"));
      expect(each.get("rating")).toBeGreaterThanOrEqual(1);
      expect(each.get("rating")).toBeLessThanOrEqual(5);
    }
    expect(new Set(shops.map((each) => String(each.get("name")).toLowerCase())).size).toBe(40);
    await db.session.commit();
    expect(shops[0]?.get("state")).toBe("new");
    // What is there already is not taken again.
    await fakeObjects(db.session, shop, 40, 7);
    await db.session.commit();
    expect(await db.session.query(shop.model).count()).toBe(80);
  });

  it("are the same for the same seed", async () => {
    const values = async (seed: number): Promise<string> => {
      const shops = await fakeObjects(db.session, shop, 5, seed);
      db.session.expungeAll();
      return JSON.stringify(shops.map((each) => each.get()));
    };
    const first = await values(3);
    expect(await values(3)).toBe(first);
    expect(await values(4)).not.toBe(first);
  });

  it("belong to rows that are there, and to objects that wait", async () => {
    await expect(fakeObjects(db.session, item, 3, 1)).rejects.toMatchObject({
      message: "Cannot make up Item: there is no Shop that it could belong to.",
      hint: ".fake Shop 3",
    });
    await fakeObjects(db.session, shop, 2, 1);
    await db.session.commit();
    await fakeObjects(db.session, shop, 2, 2);
    const items = await fakeObjects(db.session, item, 60, 1);
    await db.session.commit();
    const shops = new Set(items.map((each) => each.get("shopId")));
    expect(shops.size).toBe(4);
    expect(shops).not.toContain(null);
  });

  it("are refused where no value fits", async () => {
    await expect(fakeObjects(db.session, sealed, 1, 1)).rejects.toThrow(/Cannot make up a value of Sealed\.code: .*is/);
    expect(db.session.new.size).toBe(0);
  });
});
