import { describe, expect, it } from "vitest";
import { readPlainIndex } from "../../src/schema/dialects/postgres-index-text";
import { emptyTable } from "../../src/schema/schema";

const table = {
  ...emptyTable("t"),
  columns: [
    { name: "a", type: "integer", nullable: true },
    { name: 'odd "name', type: "VARCHAR(9)", nullable: true },
    { name: "data", type: "json", nullable: true },
    { name: "kind", type: '"enum_t_kind"', nullable: true, enumValues: ["x"] },
    { name: "sorted", type: "text", nullable: true, collation: "C" },
  ],
};

describe("the text of an index on PostgreSQL", () => {
  it.each([
    [`CREATE INDEX "ix" ON "t" ("a")`, { name: "ix", columns: [{ column: "a" }], unique: false }],
    [`CREATE INDEX "ix" ON "hr"."t" ("a");`, { name: "ix", columns: [{ column: "a" }], unique: false }],
    [
      `CREATE UNIQUE INDEX "i""x" ON "t" ("a" DESC, "odd ""name")`,
      { name: 'i"x', columns: [{ column: "a", descending: true }, { column: 'odd "name' }], unique: true },
    ],
  ])("tells what %s makes", (text, index) => {
    expect(readPlainIndex(text, table)).toEqual(index);
  });

  it.each([
    `CREATE INDEX "ix" ON "t" (lower("odd ""name"))`,
    `CREATE INDEX "ix" ON "t" ("a") WHERE a > 1`,
    `CREATE INDEX "ix" ON "t" USING gin ("data")`,
    `CREATE INDEX "ix" ON "t" ("data")`,
    `CREATE INDEX "ix" ON "t" ("kind")`,
    `CREATE INDEX "ix" ON "t" ("sorted")`,
    `CREATE INDEX "ix" ON "t" ("nope")`,
    `CREATE INDEX "ix" ON "t" ("a" COLLATE "C")`,
    `CREATE INDEX "ix" ON "t" ("a" ASC NULLS FIRST)`,
    `CREATE INDEX CONCURRENTLY "ix" ON "t" ("a")`,
    `CREATE INDEX "${"x".repeat(64)}" ON "t" ("a")`,
  ])("leaves %s to the server", (text) => {
    expect(readPlainIndex(text, table)).toBeUndefined();
  });
});
