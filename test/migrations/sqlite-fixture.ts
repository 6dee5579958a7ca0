import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Sequelize } from "sequelize";
import { MigrationProject } from "./project";

/** The table under test: every kind of clause that a rebuild from a reflection loses. */
export const TABLE = `CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a VARCHAR(10) COLLATE NOCASE NOT NULL DEFAULT 'it''s' CHECK(length(a)>0), -- the name, (really)
  b INTEGER DEFAULT (1+1) UNIQUE, c DATETIME DEFAULT CURRENT_TIMESTAMP, d VARCHAR(9) DEFAULT 'NULL', e TINYINT(1) DEFAULT 1, /* odd, ( names */ [o d'd "x] TEXT,
  g INTEGER GENERATED ALWAYS AS (b*2) STORED, p_id INTEGER REFERENCES p(id) ON DELETE SET NULL ON UPDATE CASCADE, free INTEGER, CONSTRAINT ck_n CHECK(b<100), CONSTRAINT uq_ab UNIQUE(a,b))`;

const STATEMENTS = [
  "CREATE TABLE p(id INTEGER PRIMARY KEY)",
  TABLE,
  "CREATE INDEX i_plain ON t(c)",
  "CREATE UNIQUE INDEX i_unique ON t(d)",
  "CREATE INDEX i_partial ON t(e) WHERE b > 3",
  "CREATE INDEX i_expression ON t(lower(a), b DESC)",
  "CREATE TABLE ch(id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t(id) ON DELETE CASCADE)",
  "CREATE TABLE ch2(id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t(id) ON DELETE SET NULL)",
  "CREATE TABLE log(text TEXT)",
  "CREATE TRIGGER tr_t AFTER UPDATE OF d ON t BEGIN INSERT INTO log VALUES ('t ' || new.id || ';'); END",
  "CREATE TRIGGER tr AFTER INSERT ON ch2 BEGIN INSERT INTO log SELECT 'ch2 ' || count(*) FROM t; END",
  "CREATE VIEW v AS SELECT id, a, b FROM t",
  "CREATE TABLE t_backup(id INTEGER, a TEXT)",
  "INSERT INTO t_backup VALUES (77, 'mine')",
  "INSERT INTO p VALUES (1), (2)",
  "INSERT INTO t(id, a, b, c, d, e, \"o d'd \"\"x\", p_id) VALUES (1, 'one', 1, '2020-01-01', 'd1', 0, 'odd', 1), (2, 'Two', 5, '2020-01-02', 'd2', 1, NULL, 2), (9, 'nine', 9, '2020-01-03', 'd9', 1, 'x', NULL)",
  "DELETE FROM t WHERE id = 9",
  "INSERT INTO ch VALUES (1, 1), (2, 2)",
  "INSERT INTO ch2 VALUES (1, 2)",
];

/** A file database with the table under test, its parents, children, triggers and views, and foreign keys on. */
export async function sqliteFixture(): Promise<MigrationProject> {
  const folder = mkdtempSync(join(tmpdir(), "seqshell-migrations-"));
  const sequelize = new Sequelize({ dialect: "sqlite", storage: join(folder, "t.sqlite"), logging: false });
  const project = new MigrationProject(sequelize, folder);
  await project.run(...STATEMENTS);
  await project.ok("init");
  return project;
}

/** What must be the same whatever a migration does to the table. */
export async function surroundings(project: MigrationProject): Promise<unknown> {
  const one = async (sql: string): Promise<unknown> => (await project.rows(sql)).map((row) => Object.values(row));
  return {
    children: await one("SELECT id, t_id FROM ch ORDER BY id"),
    nulledChildren: await one("SELECT id, t_id FROM ch2"),
    sequence: await one("SELECT seq FROM sqlite_sequence WHERE name = 't'"),
    bystander: await one("SELECT * FROM t_backup"),
    triggers: await one("SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name"),
    views: await one("SELECT name FROM sqlite_master WHERE type = 'view'"),
    violations: await one("PRAGMA foreign_key_check"),
    integrity: await one("PRAGMA integrity_check"),
    tables: await one(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('migration_versions') ORDER BY name",
    ),
  };
}
