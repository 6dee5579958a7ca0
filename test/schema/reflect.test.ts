import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readMysqlTableText } from "../../src/schema/dialects/mysql-table-text";
import { reflect } from "../../src/schema/reflect";
import type { Schema, Table } from "../../src/schema/schema";
import { databases } from "../databases";
import { MigrationProject } from "../migrations/project";
import { Random, defineModels, randomTable, restartNames } from "../migrations/random-models";
import { defineRichModels, featuresOf } from "./models";

const SQL: Record<string, string[]> = {
  sqlite: [
    "CREATE TABLE p (id INTEGER PRIMARY KEY, x)",
    `CREATE TABLE t (id INTEGER CONSTRAINT pk_t PRIMARY KEY AUTOINCREMENT, "a b" VARCHAR(10) COLLATE NOCASE NOT NULL DEFAULT 'it''s' CHECK (length("a b") > 0),
       n INTEGER DEFAULT (1+1) UNIQUE, g INTEGER GENERATED ALWAYS AS (n * 2) STORED, v AS (n + 1),
       p_id INTEGER CONSTRAINT fk_p REFERENCES p ON DELETE SET NULL ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED,
       CONSTRAINT ck CHECK (n < 100), CONSTRAINT uq UNIQUE ("a b", n))`,
    `CREATE UNIQUE INDEX ix ON t ("a b" COLLATE BINARY DESC, lower("a b")) WHERE n > 3`,
    "CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END",
    "CREATE VIEW w AS SELECT id, n FROM t",
    "CREATE TABLE s (a INT PRIMARY KEY, b TEXT) STRICT, WITHOUT ROWID",
    "CREATE VIRTUAL TABLE f USING fts5(body)",
  ],
  postgres: [
    "CREATE TYPE mood AS ENUM ('good', 'it''s')",
    "CREATE TABLE p (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, x NUMERIC(10,2) DEFAULT 1.5)",
    `CREATE TABLE t (id SERIAL CONSTRAINT pk_t PRIMARY KEY, "a b" VARCHAR(10) COLLATE "C" NOT NULL DEFAULT 'it''s', n INTEGER, m mood DEFAULT 'good', ms mood[],
       g INTEGER GENERATED ALWAYS AS (n * 2) STORED, p_id BIGINT CONSTRAINT fk_p REFERENCES p ON DELETE SET NULL ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED,
       CONSTRAINT ck CHECK (n < 100), CONSTRAINT uq UNIQUE ("a b", n))`,
    `CREATE UNIQUE INDEX ix ON t ("a b" text_pattern_ops DESC NULLS LAST, lower("a b")) INCLUDE (n) WHERE n > 3`,
    "CREATE INDEX hx ON t USING hash (n)",
    "COMMENT ON TABLE t IS 'a table'",
    `COMMENT ON COLUMN t."a b" IS 'a column'`,
    "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$",
    "CREATE TRIGGER tr AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION nothing()",
    "CREATE VIEW w AS SELECT id, n FROM t",
    "CREATE MATERIALIZED VIEW mv AS SELECT 1 AS one",
    "CREATE SCHEMA hr",
    "CREATE TABLE hr.people (id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES public.t)",
  ],
  mariadb: [
    "CREATE TABLE p (id BIGINT AUTO_INCREMENT PRIMARY KEY, x DECIMAL(10,2) DEFAULT 1.5)",
    `CREATE TABLE t (id INTEGER AUTO_INCREMENT PRIMARY KEY, \`a b\` VARCHAR(10) COLLATE utf8mb4_bin NOT NULL DEFAULT 'it''s' COMMENT 'a column', n INTEGER DEFAULT (1+1) CHECK (n > -5),
       m ENUM('good','it''s') DEFAULT 'good', g INTEGER GENERATED ALWAYS AS (n * 2) STORED, v INTEGER AS (n + 1) VIRTUAL, j JSON, ts TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
       p_id BIGINT, CONSTRAINT fk_p FOREIGN KEY (p_id) REFERENCES p (id) ON DELETE SET NULL ON UPDATE CASCADE,
       CONSTRAINT ck CHECK (n < 100), UNIQUE KEY uq (\`a b\`, n), KEY ix (\`a b\`(3), n DESC), FULLTEXT KEY ft (\`a b\`)) COMMENT 'a table'`,
    "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET new.n = 1",
    "CREATE VIEW w AS SELECT id, n FROM t",
  ],
};

for (const database of databases()) {
  const run = database.skipReason === undefined ? describe : describe.skip;
  run(`reading a schema on ${database.name}${database.skipReason ? ` (skipped: ${database.skipReason})` : ""}`, () => {
    let project: MigrationProject;
    let schema: Schema;
    let t: Table;

    beforeAll(async () => {
      project = new MigrationProject(await database.create());
      await project.run(...(SQL[database.name] ?? []));
      schema = await project.schema();
      t = table("t");
    });
    afterAll(async () => {
      project?.remove();
      if (project) await database.drop(project.sequelize);
    });

    function table(name: string): Table {
      const found = schema.tables.find((candidate) => candidate.name === name);
      if (!found) throw new Error(`no table ${name}: ${schema.tables.map((candidate) => candidate.name).join()}`);
      return found;
    }
    function column(name: string): Table["columns"][number] | undefined {
      return t.columns.find((candidate) => candidate.name === name);
    }

    it("finds columns with their types, nullability, defaults and collations", () => {
      expect(column("a b")).toMatchObject({
        nullable: false,
        collation: { sqlite: "NOCASE", postgres: "C", mariadb: "utf8mb4_bin" }[database.name],
      });
      expect(column("a b")?.default).toMatch(/^'it''s'/);
      expect(column("a b")?.type).toMatch(/\(10\)$/);
      expect(column("n")?.nullable).toBe(true);
    });

    it("finds what numbers the rows", () => {
      expect(column("id")?.autoIncrement).toBe(true);
      expect(table("p").columns[0]?.identity).toBe(database.name === "postgres" ? "always" : undefined);
    });

    it("finds generated columns and their expressions", () => {
      expect(column("g")?.generated).toMatchObject({ stored: true });
      expect(column("g")?.generated?.expression.replaceAll("`", "")).toBe("n * 2");
      if (database.name !== "postgres") expect(column("v")?.generated).toMatchObject({ stored: false });
    });

    it("finds the primary key", () => {
      expect(t.primaryKey?.columns).toEqual(["id"]);
      if (database.name !== "mariadb") expect(t.primaryKey?.name).toBe("pk_t");
    });

    it("finds unique constraints", () => {
      expect(t.uniques).toContainEqual({ name: "uq", columns: ["a b", "n"] });
      if (database.name === "sqlite") expect(t.uniques).toContainEqual({ columns: ["n"] });
    });

    it("finds foreign keys with their actions", () => {
      const deferrable = database.name === "mariadb" ? {} : { deferrable: "deferred" };
      const columns = database.name === "sqlite" ? [] : ["id"];
      expect(t.foreignKeys).toEqual([
        {
          name: "fk_p",
          columns: ["p_id"],
          references: { table: "p", columns },
          onDelete: "SET NULL",
          onUpdate: "CASCADE",
          ...deferrable,
        },
      ]);
    });

    it("finds checks", () => {
      expect(t.checks.find((check) => check.name === "ck")?.expression.replaceAll("`", "")).toBe("n < 100");
      if (database.name === "sqlite") expect(t.checks[0]).toEqual({ expression: 'length("a b") > 0' });
      if (database.name === "mariadb") expect(t.checks).toContainEqual({ expression: "`n` > -5", column: "n" });
    });

    it("finds indexes with their order, expressions, conditions and methods", () => {
      const ix = t.indexes.find((index) => index.name === "ix");
      const { sql: _, ...found } = ix ?? {};
      expect(found).toEqual(
        {
          sqlite: {
            name: "ix",
            columns: [{ column: "a b", descending: true, collation: "BINARY" }, { expression: 'lower("a b")' }],
            unique: true,
            where: "n > 3",
          },
          postgres: {
            name: "ix",
            columns: [
              { column: "a b", descending: true, nulls: "last", operatorClass: "text_pattern_ops" },
              { expression: 'lower(("a b")::text)', collation: "C" },
            ],
            unique: true,
            where: "n > 3",
            include: ["n"],
          },
          mariadb: {
            name: "ix",
            columns: [
              { column: "a b", length: 3 },
              { column: "n", descending: true },
            ],
            unique: false,
          },
        }[database.name],
      );
      if (database.name === "postgres") expect(t.indexes.find((index) => index.name === "hx")?.method).toBe("hash");
      if (database.name === "mariadb") expect(t.indexes.find((index) => index.name === "ft")?.method).toBe("fulltext");
    });

    it("finds triggers and views", () => {
      expect(t.triggers.map((trigger) => trigger.name)).toEqual(["tr"]);
      const view = schema.views.find((candidate) => candidate.name === "w");
      expect(view?.columns.map((candidate) => candidate.name)).toEqual(["id", "n"]);
      if (database.name === "postgres")
        expect(schema.views.find((candidate) => candidate.name === "mv")?.materialized).toBe(true);
    });

    it("reads one table like all of them", async () => {
      const connection = project.connect();
      const alone = await reflect(connection, { tables: ["t"] });
      expect(alone.tables).toEqual([t]);
      expect((await reflect(connection, { tables: ["nope"] })).tables).toEqual([]);
      await connection.close();
    });

    if (database.name === "sqlite") {
      it("tells strict tables, tables without row numbers and virtual tables", () => {
        expect(table("s").options).toEqual({ strict: true, withoutRowid: true });
        expect(table("f").options).toEqual({ virtual: true });
        expect(schema.tables.map(({ name }) => name)).toEqual(["f", "p", "s", "t"]);
      });

      it("reads the other views where one is broken", async () => {
        await project.run("CREATE VIEW broken AS SELECT nope FROM nowhere");
        const { views } = await project.schema();
        expect(views.map(({ name, columns }) => [name, columns.length])).toEqual([
          ["broken", 0],
          ["w", 2],
        ]);
        await project.run("DROP VIEW broken");
      });
    }

    if (database.name === "postgres") {
      it("finds enumerated types, and the values of their columns", () => {
        expect(schema.enums).toEqual([{ name: "mood", values: ["good", "it's"] }]);
        expect(column("m")).toMatchObject({ type: "mood", enumValues: ["good", "it's"] });
        expect(column("ms")).toMatchObject({ type: "mood[]", enumValues: ["good", "it's"] });
      });

      it("reads other schemas where they are named", async () => {
        const connection = project.connect();
        const both = await reflect(connection, { schemas: ["hr"] });
        expect(both.tables.find(({ name }) => name === "hr.people")?.foreignKeys[0]?.references.table).toBe("t");
        expect(schema.tables.map(({ name }) => name)).toEqual(["p", "t"]);
        await connection.close();
      });

      it("finds comments", () => {
        expect([t.comment, column("a b")?.comment]).toEqual(["a table", "a column"]);
      });
    }

    if (database.name === "mariadb") {
      it("finds comments, enumerated values, JSON columns and what an update writes", () => {
        expect([t.comment, column("a b")?.comment]).toEqual(["a table", "a column"]);
        expect(column("m")?.enumValues).toEqual(["good", "it's"]);
        expect(column("j")?.type).toBe("json");
        expect(column("ts")).toMatchObject({ default: "current_timestamp()", onUpdate: "current_timestamp()" });
      });

      it("reads the text of a table as it reads the catalogue", async () => {
        restartNames();
        project.define((sequelize) => {
          defineRichModels(sequelize, featuresOf("mariadb"));
          const random = new Random(1);
          const limits = { partialIndexes: false, comments: true, indexesText: false };
          defineModels(sequelize, {
            tables: Array.from({ length: 40 }, () => randomTable(random, { tables: [] }, limits)),
          });
        });
        await project.sequelize.sync();
        const all = await project.schema();
        expect(all.tables.length).toBeGreaterThan(40);
        for (const { foreignKeys: _, triggers: _triggers, ...expected } of all.tables) {
          const [row] = await project.rows(`SHOW CREATE TABLE \`${expected.name}\``);
          const {
            foreignKeys: _keys,
            triggers: _none,
            ...found
          } = readMysqlTableText(expected.name, String(row?.["Create Table"]));
          const sorted = (value: typeof expected): unknown => ({
            ...value,
            indexes: [...value.indexes].sort((a, b) => (a.name < b.name ? -1 : 1)),
            uniques: [...value.uniques].sort((a, b) => ((a.name ?? "") < (b.name ?? "") ? -1 : 1)),
            checks: [...value.checks].sort((a, b) => (a.expression < b.expression ? -1 : 1)),
          });
          expect(sorted(found)).toEqual(sorted(expected));
        }
      });
    }
  });
}
