import { describe, expect, it } from "vitest";
import { bareStatements, onlyReads } from "../../src/driver/bare-statements";
import { MysqlDialect } from "../../src/driver/mysql";
import { PostgresDialect } from "../../src/driver/postgres";
import { SqliteDialect } from "../../src/driver/sqlite";

const RULES = {
  sqlite: new SqliteDialect().lexicalRules,
  postgres: new PostgresDialect().lexicalRules,
  mariadb: new MysqlDialect("mariadb").lexicalRules,
};

describe("bare statements", () => {
  it.each<[keyof typeof RULES, string, string[]]>([
    ["sqlite", "COMMIT", ["COMMIT"]],
    ["sqlite", "-- a note\n  COMMIT ;", ["COMMIT"]],
    ["sqlite", "/* ; */ SELECT 'COMMIT; it''s' ; END", ["SELECT _", "END"]],
    ["sqlite", 'INSERT INTO "a;b" VALUES ([c;d])', ["INSERT INTO _ VALUES ( _ )"]],
    ["sqlite", "SELECT 'open", ["SELECT _"]],
    ["postgres", "/* a /* nested; */ b; */ ROLLBACK", ["ROLLBACK"]],
    ["postgres", "SELECT $$ ; COMMIT $$, $tag$ ; $$ $tag$; ABORT", ["SELECT _ , _", "ABORT"]],
    ["postgres", "SELECT E'it\\'s; COMMIT', 'a\\'; COMMIT", ["SELECT _ , _", "COMMIT"]],
    ["postgres", "SELECT a -- b; c", ["SELECT a"]],
    ["mariadb", "SELECT 'it\\'s; COMMIT' # ; COMMIT", ["SELECT _"]],
    ["mariadb", "SELECT 1--1; DROP TABLE `a;b`", ["SELECT 1--1", "DROP TABLE _"]],
    ["mariadb", "/*!50000 COMMIT */", ["/*!50000 COMMIT */"]],
    ["mariadb", "", []],
  ])("%s: %s", (dialect, sql, bare) => {
    expect(bareStatements(sql, RULES[dialect])).toEqual(bare);
  });

  it.each([
    ["SELECT 1", true],
    ["(SELECT 1)", true],
    ["VALUES (1)", true],
    ["EXPLAIN SELECT 1", true],
    ["WITH a AS (SELECT 1) SELECT * FROM a", true],
    ["WITH a AS (SELECT 1) DELETE FROM b", false],
    ["INSERT INTO a SELECT 1", false],
    ["PRAGMA user_version = 3", false],
    ["CREATE TEMP TABLE a AS SELECT 1", false],
  ])("%s only reads: %s", (bare, reads) => {
    expect(onlyReads(bare)).toBe(reads);
  });

  it.each<[string, string | undefined]>([
    ["create\n  table x (a int)", "CREATE TABLE"],
    ["/* a note */ DROP TABLE x", "DROP TABLE"],
    ["INSERT INTO t VALUES (1); TRUNCATE t", "TRUNCATE T"],
    ["SET autocommit = 1", "SET AUTOCOMMIT"],
    ["CREATE OR REPLACE TABLE x (a int)", "CREATE OR"],
    ["CREATE TEMPORARY TABLE x (a int)", undefined],
    ["CREATE OR REPLACE TEMPORARY TABLE x (a int)", undefined],
    ["DROP TEMPORARY TABLE x", undefined],
    ["SELECT 'DROP TABLE x'", undefined],
    ["UPDATE create_x SET a = 1 -- DROP TABLE x", undefined],
    ["SET NAMES utf8mb4", undefined],
  ])("tell what makes MariaDB commit the open transaction: %s", (sql, words) => {
    expect(new MysqlDialect("mariadb").committingWords(sql)).toBe(words);
    expect(new SqliteDialect().committingWords(sql)).toBeUndefined();
  });
});
