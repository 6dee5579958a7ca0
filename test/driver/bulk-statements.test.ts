import type { Model, ModelStatic } from "sequelize";
import { DataTypes } from "sequelize";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { QueryEvent } from "../../src/driver/connection";
import { Connection } from "../../src/driver/connection";
import type { StatementRunner } from "../../src/driver/dialect";
import { dialectOf } from "../../src/driver/dialects";
import { SqliteDialect } from "../../src/driver/sqlite";
import type { IntegrityError } from "../../src/errors";
import type { Attribute } from "../../src/mapper/attribute";
import { Mapper } from "../../src/mapper/mapper";
import { describeEachDatabase } from "../databases";

/** A value of every kind, with what is hard to carry: quotes, backslashes, control characters, emoji, the last bit of doubles. */
function row(i: number): Record<string, unknown> {
  return {
    whole: i - 1000,
    text: `x'"\\\n\t\u0001é🦊 ${i}`,
    flag: i % 2 === 0,
    at: new Date(1_700_000_000_123 + i),
    doc: { a: [1, "q'", i], n: null },
    bytes: Buffer.from([0, 1, 255, i & 255]),
    real: 0.1 + i / 3,
    price: `${i}.10`,
    big: "9007199254740993",
    kind: i % 2 === 0 ? "a'b" : "c",
    code: `u${i}`,
    day: "2026-01-31",
    nothing: null,
  };
}

describeEachDatabase("bulk statements", (database) => {
  let Thing: ModelStatic<Model>;
  let mapper: Mapper;
  let connection: Connection;
  const events: QueryEvent[] = [];

  beforeAll(async () => {
    Thing = database.sequelize.define(
      "Thing",
      {
        whole: DataTypes.INTEGER,
        text: DataTypes.STRING(40),
        flag: DataTypes.BOOLEAN,
        at: DataTypes.DATE(3),
        doc: DataTypes.JSON,
        bytes: DataTypes.BLOB,
        real: DataTypes.DOUBLE,
        price: DataTypes.DECIMAL(10, 2),
        big: DataTypes.BIGINT,
        kind: DataTypes.ENUM("a'b", "c"),
        code: { type: DataTypes.STRING(20), unique: true },
        day: DataTypes.DATEONLY,
        nothing: DataTypes.TEXT,
      },
      { timestamps: false, tableName: "things" },
    );
    mapper = Mapper.of(Thing);
    connection = new Connection(database.sequelize, dialectOf(database.sequelize), (event) => events.push(event));
  });

  afterAll(() => connection.close());

  beforeEach(async () => {
    await Thing.sync({ force: true });
    events.length = 0;
  });

  const plain = (): Attribute[] => mapper.attributes.filter((attribute) => attribute !== mapper.generatedKey);
  const insert = async (rows: Record<string, unknown>[]): Promise<unknown[]> => {
    const attributes = plain();
    const { keys } = await mapper.dialect.insert(connection, {
      table: mapper.table,
      tableName: mapper.tableName,
      columns: attributes.map((attribute) => attribute.bulk),
      rows: rows.map((values) => attributes.map((attribute) => attribute.toDatabase(values[attribute.name]))),
      generatedKey: "id",
    });
    return keys;
  };
  const stored = async (): Promise<Record<string, unknown>[]> => {
    const { dialect } = mapper;
    const columns = mapper.attributes.map(
      (attribute) =>
        `${attribute.readAsText ? `CAST(${attribute.columnSql} AS TEXT)` : attribute.columnSql} AS ${dialect.quote(attribute.name)}`,
    );
    const rows = await connection.all(`SELECT ${columns.join(", ")} FROM ${mapper.table} ORDER BY id`);
    return rows.map((raw) => Object.fromEntries(mapper.attributes.map((a) => [a.name, a.fromDatabase(raw[a.name])])));
  };

  it.each([1, 2, 1500])("%i rows come back as they were inserted, with their ids in order", async (count) => {
    const rows = Array.from({ length: count }, (_, i) => row(i));
    await connection.begin();
    const keys = await insert(rows);
    await connection.commit();
    expect(await stored()).toEqual(rows.map((values, i) => ({ id: Number(keys[i]), ...values })));
  });

  it("ids go on after a row with an explicit id, and after a deleted last row", async () => {
    await connection.run(`INSERT INTO ${mapper.table} (id, code) VALUES (50, 'explicit')`);
    if (database.name === "postgres") await connection.run(`SELECT setval('things_id_seq', 50)`);
    const keys = await insert([row(1), row(2)]);
    expect(keys.map(Number)).toEqual([51, 52]);
    await connection.run(`DELETE FROM ${mapper.table} WHERE id = 52`);
    expect((await insert([row(3), row(4)])).map(Number)).toEqual([53, 54]);
  });

  it("many rows are changed and deleted in one statement each, and the count is that of the rows matched", async () => {
    const keys = await insert(Array.from({ length: 10 }, (_, i) => row(i)));
    events.length = 0;
    const id = mapper.attribute("id").bulk;
    const sets = ["text", "at", "bytes", "doc", "price", "flag", "kind"];
    const values = { ...row(77), text: "changed" } as Record<string, unknown>;
    const changed = await mapper.dialect.update(connection, {
      table: mapper.table,
      keys: [id],
      sets: sets.map((name) => mapper.attribute(name).bulk),
      rows: [...keys, 999_999].map((key) => [
        Number(key),
        ...sets.map((name) => mapper.attribute(name).toDatabase(values[name])),
      ]),
    });
    expect(changed).toBe(10);
    const again = await mapper.dialect.update(connection, {
      table: mapper.table,
      keys: [id],
      sets: [mapper.attribute("text").bulk],
      rows: keys.map((key) => [Number(key), "changed"]),
    });
    expect(again).toBe(10);
    expect((await stored())[0]).toMatchObject({ ...values, whole: -1000, code: "u0", real: 0.1, day: "2026-01-31" });
    const deleted = await mapper.dialect.delete(connection, {
      table: mapper.table,
      keys: [id],
      rows: [...keys.slice(0, 4), 999_999].map((key) => [Number(key)]),
    });
    expect(deleted).toBe(4);
    expect(events.filter((event) => /^(UPDATE|DELETE)/.test(event.sql))).toHaveLength(3);
  });

  it("rows whose values were made ready beforehand are sent as they are, others are not mistaken for them", async () => {
    const attributes = plain();
    const ready = [row(1), row(2)].map((values) =>
      attributes.map((attribute) => attribute.toDatabase(values[attribute.name])),
    );
    mapper.dialect.prepareRows(ready, true);
    await insert([row(3), row(4)]);
    await mapper.dialect.insert(connection, {
      table: mapper.table,
      tableName: mapper.tableName,
      columns: attributes.map((attribute) => attribute.bulk),
      rows: ready,
      generatedKey: "id",
    });
    expect((await stored()).map(({ code }) => code)).toEqual(["u3", "u4", "u1", "u2"]);
  });

  it("one row is written by a statement that reads as a person would write it", async () => {
    const [key] = await insert([row(1)]);
    const where = [Number(key)];
    await mapper.dialect.update(connection, {
      table: "things",
      keys: [mapper.attribute("id").bulk],
      sets: [mapper.attribute("text").bulk],
      rows: [[...where, "new"]],
    });
    await mapper.dialect.delete(connection, { table: "things", keys: [mapper.attribute("id").bulk], rows: [where] });
    const mark = (n: number): string => mapper.dialect.placeholder(n);
    expect(events.slice(-2).map(({ sql, parameters, rowCount }) => ({ sql, parameters, rowCount }))).toEqual([
      { sql: `UPDATE things SET text = ${mark(1)} WHERE id = ${mark(2)}`, parameters: ["new", ...where], rowCount: 1 },
      { sql: `DELETE FROM things WHERE id = ${mark(1)}`, parameters: where, rowCount: 1 },
    ]);
  });

  it("rows with several key columns are changed and deleted by all of them", async () => {
    await database.sequelize.getQueryInterface().createTable("pairs", {
      a: { type: DataTypes.INTEGER, primaryKey: true },
      b: { type: DataTypes.STRING(5), primaryKey: true },
      n: DataTypes.INTEGER,
    });
    const a = { name: "a", sqlType: "INTEGER", kind: "integer" } as const;
    const b = { name: "b", sqlType: "VARCHAR(5)", kind: "text" } as const;
    const n = { name: "n", sqlType: "INTEGER", kind: "integer" } as const;
    const { dialect } = mapper;
    await dialect.insert(connection, {
      table: "pairs",
      tableName: "pairs",
      columns: [a, b, n],
      rows: [
        [1, "x", 0],
        [1, "y", 0],
        [2, "x", 0],
      ],
    });
    const rows = [
      [1, "x", 5],
      [2, "x", 6],
      [2, "y", 7],
    ];
    expect(await dialect.update(connection, { table: "pairs", keys: [a, b], sets: [n], rows })).toBe(2);
    const keys = [
      [1, "x"],
      [2, "y"],
    ];
    expect(await dialect.delete(connection, { table: "pairs", keys: [a, b], rows: keys })).toBe(1);
    expect(await connection.all("SELECT a, b, n FROM pairs ORDER BY a, b")).toEqual([
      { a: 1, b: "y", n: 0 },
      { a: 2, b: "x", n: 6 },
    ]);
  });

  it("a violated constraint is told with its kind, table and columns", async () => {
    await insert([row(1)]);
    const duplicate = await insert([row(1)]).catch((error: unknown) => error as IntegrityError);
    expect(duplicate).toMatchObject({ name: "IntegrityError", kind: "unique" });
    const { table, fields, constraint } = duplicate as IntegrityError;
    // MariaDB names the key alone; the statement tells the table.
    expect([table, fields[0] ?? constraint]).toEqual(["things", "code"]);
    const missing = await connection
      .run(`INSERT INTO ${mapper.table} (id, code) VALUES (NULL, 'a'), (7, NULL), (7, NULL)`)
      .catch((error: unknown) => error);
    expect(missing).toMatchObject({ name: "IntegrityError" });
  });
});

it("SQLite older than 3.51 has the rows of bulk statements from json_each", async () => {
  const sent = async (version: string | undefined): Promise<string> => {
    const statements: string[] = [];
    const runner: StatementRunner = {
      all: () => Promise.resolve([]),
      run: (sql) => {
        statements.push(sql);
        return Promise.resolve({ rows: [], rowCount: 2 });
      },
    };
    const name = { name: "name", sqlType: "TEXT", kind: "text" } as const;
    await new SqliteDialect(version).insert(runner, {
      table: "roles",
      tableName: "roles",
      columns: [name],
      rows: [["a"], ["b"]],
    });
    return statements.join("; ");
  };
  expect(await sent("3.50.4")).toBe("INSERT INTO roles (name) SELECT value->>0 FROM json_each(?)");
  for (const version of ["3.51.0", "4.0.0", undefined])
    expect(await sent(version)).toBe("INSERT INTO roles (name) SELECT value->>0 FROM jsonb_each(?)");
});
