import type { Model } from "sequelize";
import { beforeAll, expect, it } from "vitest";
import { describeQueries } from "./fixture";
import type { Data } from "./random-data";
import { Random, randomData } from "./random-data";
import { QueryMaker } from "./random-query";

const isLong = process.env["LONG"] === "1";
const COUNT = isLong ? 5000 : 250;
const SEED = Number(process.env["SEED"] ?? 20260131);

// Text compares byte by byte, as in JavaScript.
const options = { define: { charset: "utf8mb4", collate: "utf8mb4_bin" } };

describeQueries(
  `${COUNT} random queries (SEED=${SEED})`,
  (fixture) => {
    const data: Data = randomData(new Random(SEED));

    beforeAll(async () => {
      const { User, Role, Node, Item, Keyword } = fixture;
      const association = Item.sequelize?.models["item_keywords"] as unknown as typeof Role;
      await Node.update({ parentId: null }, { where: {} });
      for (const model of [association, User, Role, Node, Item, Keyword] as (typeof Role)[])
        await model.destroy({ where: {} });
      await Role.bulkCreate(data.Role as never);
      await User.bulkCreate(data.User as never);
      await Node.bulkCreate(data.Node as never);
      await Item.bulkCreate(data.Item as never);
      await Keyword.bulkCreate(data.Keyword as never);
      await association.bulkCreate(data.ItemKeyword as never);
    });

    it(
      "send what they show, show what can be run, and give the rows that plain JavaScript finds",
      { timeout: 600_000 },
      async () => {
        const { executor } = fixture;
        const maker = new QueryMaker(new Random(SEED + 1), fixture, data, () => executor);
        for (let i = 0; i < COUNT; i++) {
          const { query, rows, ordered, count } = maker.make();
          const label = `#${i} ${query.sql}`;
          const shown = query.toSQL();
          const found = (
            await query.all().catch((error: Error) => Promise.reject(new Error(`${label}: ${error.message}`)))
          ).map(valuesOf);
          const { sql, parameters } = executor.sent.at(-1) ?? {};
          expect({ sql, parameters: [...(parameters ?? [])] }, label).toEqual(shown);
          expect(normal(found, ordered), label).toEqual(normal(rows, ordered));
          expect(await query.count(), label).toBe(count);
          // The form with literals is the same statement.
          const compiled = executor.lastSelect;
          const withParameters = await executor.connection.all(shown.sql, shown.parameters);
          const withLiterals = await executor.connection.all(query.sql);
          expect(bySomeOrder(withLiterals), label).toEqual(bySomeOrder(withParameters));
          expect(compiled).toBeDefined();
        }
      },
    );
  },
  options,
);

function valuesOf(result: unknown): unknown[] {
  if (Array.isArray(result)) return [...(result as unknown[])];
  return Object.values((result as Model).get() as Record<string, unknown>);
}

/** Rows that compare equal when they mean the same: numbers to four places, which is what MariaDB's avg() gives of whole ones, without an order where none is asked for. */
function normal(rows: readonly (readonly unknown[])[], ordered: boolean): string[] {
  const texts = rows.map((row) =>
    JSON.stringify(row, (_key, value: unknown) =>
      // A condition written as text has no type: SQLite and MariaDB give it as a number.
      typeof value === "boolean" ? Number(value) : typeof value === "number" ? Number(value.toFixed(4)) : value,
    ),
  );
  return ordered ? texts : texts.sort();
}

function bySomeOrder(rows: readonly object[]): string[] {
  return rows
    .map((row) => JSON.stringify(row, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value)))
    .sort();
}
