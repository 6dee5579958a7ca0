// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import { DataTypes, Sequelize } from "sequelize";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database";
import { Mapper } from "../../src/mapper/mapper";
import { joined } from "../../src/query/load-options";

function define(sequelize: Sequelize) {
  const options = { timestamps: false, underscored: true, schema: "shop" };
  const Customer = sequelize.define("Customer", { name: DataTypes.STRING }, { ...options, tableName: "customers" });
  const Sale = sequelize.define("Sale", { total: DataTypes.INTEGER }, { ...options, tableName: "sales" });
  Customer.hasMany(Sale, { as: "sales", foreignKey: "customerId" });
  Sale.belongsTo(Customer, { as: "customer", foreignKey: "customerId" });
  return { Customer, Sale };
}

describe("A table with a schema", () => {
  it("has it before its name where the database has schemas, and in its name where it has none", () => {
    for (const [dialect, table] of [
      ["postgres", "shop.customers"],
      ["mariadb", "shop.customers"],
      ["sqlite", '"shop.customers"'],
    ] as const) {
      const { Customer } = define(new Sequelize({ dialect, logging: false }));
      expect(Mapper.of(Customer).table, dialect).toBe(table);
    }
  });

  it("is written, read and joined on SQLite as Sequelize made it", async () => {
    const db = await openDatabase("sqlite::memory:", { models: (sequelize) => Object.values(define(sequelize)) });
    const { Customer, Sale } = db.models as Record<string, any>;
    await db.createAll();
    const customer = new Customer({ name: "c" });
    customer.sales.extend([new Sale({ total: 1 }), new Sale({ total: 2 })]);
    db.session.add(customer);
    await db.session.commit();
    db.session.expungeAll();
    const query = Customer.query.join("sales").filterBy({ total: 2 });
    expect(query.sql).toBe(
      'SELECT "shop.customers".id, "shop.customers".name FROM "shop.customers" ' +
        'JOIN "shop.sales" ON "shop.customers".id = "shop.sales".customer_id WHERE "shop.sales".total = 2',
    );
    expect(await query.count()).toBe(1);
    const [found] = await Customer.query.options(joined("sales")).all();
    expect(found.sales.map((sale: any) => sale.total)).toEqual([1, 2]);
    expect(await Sale.findAll()).toHaveLength(2);
    expect(await Sale.query.update({ total: 3 })).toBe(2);
    await db.dropAll();
    await db.close();
  });
});
