import type { Options } from "sequelize";
import { Model } from "sequelize";
import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import type { RunnableQuery } from "../../src/query/runnable-query";
import { describeEachDatabase } from "../databases";
import { FakeExecutor } from "./fake-executor";
import type { Models } from "./models";
import { defineTestModels } from "./models";

/** What the tests of one database work with. */
export interface Fixture extends Models {
  /** "sqlite", "postgres" or "mariadb". */
  database: string;
  executor: FakeExecutor;
  /** The statements sent since the test began, as {@link plain} text. */
  sent: () => string[];
  /**
   * What a call of a query's asynchronous method sent, its parameters, and what it gave.
   *
   * The text is {@link plain}, with `users.*` for all the columns of a model; objects are their ids, booleans among the
   * parameters 1 and 0; the results of a query without an order are sorted.
   */
  outcome: (call: Promise<unknown>) => Promise<[sql: string, parameters: unknown[], results: unknown]>;
}

/**
 * Describes queries over every database, with the same few rows in it; what a test changes is undone.
 *
 * The fixture's members are there from the first test on.
 */
export function describeQueries(title: string, body: (fixture: Fixture) => void, options?: Options): void {
  describeEachDatabase(
    title,
    (database) => {
      const fixture = { database: database.name } as Fixture;
      let start = 0;
      fixture.sent = () => fixture.executor.sent.slice(start).map((event) => plain(event.sql));
      fixture.outcome = async (call) => {
        const before = fixture.executor.sent.length;
        const results = short(await call);
        const events = fixture.executor.sent.slice(before);
        expect(events, "statements of one call").toHaveLength(1);
        const [{ sql, parameters } = { sql: "", parameters: [] }] = events;
        const text = starred(plain(sql));
        if (Array.isArray(results) && !isOrdered(text)) results.sort();
        return [text, (parameters ?? []).map((value) => (typeof value === "boolean" ? Number(value) : value)), results];
      };
      beforeAll(async () => {
        const models = defineTestModels(database.sequelize, () => fixture.executor);
        fixture.executor = new FakeExecutor(database.sequelize);
        Object.assign(fixture, models);
        await database.sequelize.sync();
        await seed(models);
      });
      beforeEach(async () => {
        const { executor } = fixture;
        executor.onAutoflush = () => undefined;
        if (executor.connection.inTransaction) await executor.connection.rollback();
        await executor.connection.begin();
        start = executor.sent.length;
      });
      afterAll(async () => {
        await (fixture.executor as FakeExecutor | undefined)?.connection.close();
      });
      body(fixture);
    },
    options,
  );
}

/** SQL with the quotes and placeholders of one dialect, so that one expectation holds for all. */
export function plain(sql: string): string {
  return sql.replaceAll("`", '"').replaceAll(/\$\d+/g, "?");
}

/** The text of a query as it would be sent, see {@link plain}. */
export function sqlOf(query: RunnableQuery): string {
  return plain(query.toSQL().sql);
}

/** The text of a query behind its select list. */
export function tailOf(query: RunnableQuery): string {
  return sqlOf(query).replace(/^SELECT .*? FROM /, "");
}

/** An error with these fields, for `toThrow` and `rejects`. */
export function error(fields: { name: string; message: unknown; hint?: unknown }): Error {
  return expect.objectContaining(fields) as Error;
}

/** The columns of the models, longer lists first. */
const LISTS = [
  ["id", "username", "age", "active", 'role_id(?: AS "roleId")?'],
  ["id", "name", 'parent_id(?: AS "parentId")?'],
  ["id", "title", "price"],
  ["id", "name"],
  ["id", "word"],
].map((columns) => new RegExp(`(\\w+)\\.${columns.join(", \\1\\.")}(?= FROM )`, "g"));

/** SQL with `users.*` for a select list of all the columns of a model. */
function starred(sql: string): string {
  return LISTS.reduce((text, list) => text.replaceAll(list, "$1.*"), sql);
}

/** Whether a statement, without the queries inside it, has an order. */
function isOrdered(sql: string): boolean {
  const outside = sql.replaceAll(/\([^()]*\)/g, "");
  return outside === sql ? sql.includes("ORDER BY") : isOrdered(outside);
}

/** Results with ids for objects. */
function short(result: unknown): unknown {
  if (result instanceof Model) return result.get("id");
  return Array.isArray(result) ? result.map(short) : result;
}

async function seed({ Role, User, Node, Item, Keyword }: Models): Promise<void> {
  await Role.bulkCreate([
    { id: 1, name: "Administrator" },
    { id: 2, name: "Moderator" },
    { id: 3, name: "User" },
    { id: 4, name: "Nobody" },
  ]);
  await User.bulkCreate([
    { id: 1, username: "john", age: 30, active: true, roleId: 1 },
    { id: 2, username: "susan", age: 25, active: true, roleId: 3 },
    { id: 3, username: "david", age: null, active: false, roleId: 3 },
    { id: 4, username: "amy", age: 41, active: true, roleId: null },
    { id: 5, username: "per_cent%", age: 25, active: false, roleId: 2 },
  ]);
  await Node.bulkCreate([
    { id: 1, name: "root", parentId: null },
    { id: 2, name: "left", parentId: 1 },
    { id: 3, name: "right", parentId: 1 },
    { id: 4, name: "leaf", parentId: 2 },
  ]);
  await Item.bulkCreate([
    { id: 1, title: "lamp", price: "10.50" },
    { id: 2, title: "desk", price: "120.00" },
    { id: 3, title: "thing", price: null },
  ]);
  await Keyword.bulkCreate([
    { id: 1, word: "light" },
    { id: 2, word: "wood" },
    { id: 3, word: "home" },
  ]);
  const { sequelize } = Item;
  const ItemKeyword = sequelize?.models["item_keywords"];
  await ItemKeyword?.bulkCreate([
    { itemId: 1, keywordId: 1 },
    { itemId: 1, keywordId: 3 },
    { itemId: 2, keywordId: 2 },
    { itemId: 2, keywordId: 3 },
  ]);
}
