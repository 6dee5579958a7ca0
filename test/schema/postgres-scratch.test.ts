import { expect, it } from "vitest";
import { Connection } from "../../src/driver/connection";
import { dialectOf } from "../../src/driver/dialects";
import { schemaDialectOf } from "../../src/schema/dialects/dialects";
import type { Column, Table } from "../../src/schema/schema";
import { emptyTable } from "../../src/schema/schema";
import { databases, describeEachDatabase } from "../databases";

const COLUMNS: readonly Omit<Column, "name" | "nullable">[] = [
  { type: "VARCHAR(64)" },
  { type: "VARCHAR(64)", default: "'it''s'" },
  { type: "VARCHAR(64)", collation: "C" },
  { type: "CHAR(3)", default: "'a'" },
  { type: "TEXT", default: "''" },
  { type: "INTEGER" },
  { type: "INTEGER", default: "-1" },
  { type: "BIGINT", default: "1 + 1" },
  { type: "DECIMAL(10,2)", default: "0" },
  { type: "DOUBLE PRECISION" },
  { type: "BOOLEAN", default: "true" },
  { type: "TIMESTAMP WITH TIME ZONE", default: "CURRENT_TIMESTAMP" },
  { type: "DATE" },
  { type: "JSONB", default: "'{}'" },
  { type: "INTEGER[]", default: "ARRAY[]::integer[]" },
  { type: "UUID", comment: "who" },
];

function table(name: string, columns: readonly Column[]): Table {
  return { ...emptyTable(name), columns: [...columns] };
}

/** Tables of all columns, in ever other order, with keys and a comment; what else a table can have where `more`. */
function someTables(more: boolean): Table[] {
  return Array.from({ length: 6 }, (_, i) => {
    const turned = [...COLUMNS.slice(i), ...COLUMNS.slice(0, i)];
    const columns = turned.map((column, at) => ({ ...column, name: `c${at}_${i}`, nullable: at % 2 === 0 }));
    const id: Column = { name: "id", type: i % 2 ? "BIGINT" : "INTEGER", nullable: true, autoIncrement: true };
    return {
      ...table(`t${i}`, [id, ...columns]),
      primaryKey: { columns: ["id"] },
      ...(i === 2 ? { comment: "the third" } : {}),
      checks: more && i === 3 ? [{ name: "ck", expression: "id > 0" }] : [],
    };
  });
}

describeEachDatabase(
  "models in a scratch place",
  (database) => {
    const withConnection = async (
      work: (connection: Connection, statements: string[]) => Promise<void>,
    ): Promise<void> => {
      const statements: string[] = [];
      const connection = new Connection(database.sequelize, dialectOf(database.sequelize), ({ sql }) => {
        statements.push(sql);
      });
      try {
        await work(connection, statements);
      } finally {
        await connection.close();
      }
    };

    it.each([
      ["that have nothing but columns are read by one table", false, /CREATE TABLE "_mig_columns_0"/, 1],
      ["with a check of their own are made one by one", true, /CREATE TABLE "t3"/, 2],
    ])("%s, and as they would be in the database", (_, more, statement, made) =>
      withConnection(async (connection, statements) => {
        const dialect = schemaDialectOf(connection.dialect);
        const tables = someTables(more);
        const { sequelize } = database;
        const scratch = await dialect.materialize({ sequelize, connection, tables, indexes: new Map() });
        const creating = statements.filter((sql) => /CREATE TABLE/.test(sql));
        expect(creating).toHaveLength(made);
        expect(creating.join()).toMatch(statement);
        for (const one of tables) for (const sql of dialect.createTable(one)) await connection.run(sql);
        const real = await dialect.read(connection);
        for (const one of tables) await connection.run(`DROP TABLE ${dialect.quoteTable(one.name)}`);
        for (const one of real.tables) delete one.primaryKey?.name;
        const byName = (list: readonly Table[]): Table[] => [...list].sort((a, b) => (a.name < b.name ? -1 : 1));
        expect(byName(scratch.tables)).toEqual(real.tables);
        expect((await dialect.read(connection)).tables).toEqual([]);
      }),
    );

    it("may be more than one table holds columns of, and one that is refused is named", () =>
      withConnection(async (connection) => {
        const dialect = schemaDialectOf(connection.dialect);
        const { sequelize } = database;
        const column = (i: number): Column => ({ name: "n", type: `DECIMAL(30,2)`, nullable: true, default: `${i}` });
        const tables = Array.from({ length: 1700 }, (_, i) => table(`t${i}`, [column(i)]));
        const request = { sequelize, connection, indexes: new Map() };
        const scratch = await dialect.materialize({ ...request, tables });
        expect(scratch.tables.map(({ columns }) => columns)).toEqual(
          tables.map((_, i) => [{ name: "n", type: "numeric(30,2)", nullable: true, default: `${i}` }]),
        );
        const bad = table("bad", [{ name: "a", type: "NO_SUCH_TYPE", nullable: true }]);
        await expect(dialect.materialize({ ...request, tables: [...tables.slice(0, 2), bad] })).rejects.toThrow(
          /Cannot make table "bad" as its model asks for: type "no_such_type" does not exist/,
        );
        expect((await dialect.read(connection)).tables).toEqual([]);
      }));
  },
  {},
  databases().filter(({ name }) => name === "postgres"),
);
