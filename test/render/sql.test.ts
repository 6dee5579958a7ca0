import { describe, expect, it } from "vitest";
import { render } from "../../src/render/render";
import type { RenderOptions } from "../../src/render/render-options";
import { colorSql, formatSql, sqlView } from "../../src/render/sql";
import { tokenizeSql, type SqlSyntax, type SqlToken } from "../../src/render/sql-tokens";
import { RandomValues } from "./random-values";
import { anySyntax } from "./sql-syntaxes";

const plain = { color: false };

function lines(sql: string, width?: number): string[] {
  return formatSql(sql, { color: false, width }).split("\n");
}

describe("formatSql", () => {
  it("gives each clause a line", () => {
    const sql =
      "SELECT id, username FROM users AS u LEFT OUTER JOIN roles r ON r.id = u.role_id WHERE u.id > 3 " +
      "GROUP BY id HAVING count(*) > 1 ORDER BY id DESC LIMIT 5 OFFSET 10;";
    expect(lines(sql)).toEqual([
      "SELECT id, username",
      "FROM users AS u",
      "  LEFT OUTER JOIN roles r ON r.id = u.role_id",
      "WHERE u.id > 3",
      "GROUP BY id",
      "HAVING count(*) > 1",
      "ORDER BY id DESC",
      "LIMIT 5",
      "OFFSET 10;",
    ]);
  });

  it("breaks a long list where the line ends", () => {
    expect(lines("SELECT `id`, `username`, `email`, `created_at` FROM `users`", 30)).toEqual([
      "SELECT `id`, `username`,",
      "  `email`, `created_at`",
      "FROM `users`",
    ]);
  });

  it("breaks long conditions before AND and OR, but not BETWEEN and CASE", () => {
    const sql =
      "SELECT 1 FROM t WHERE a BETWEEN 1 AND 2 AND b = CASE WHEN c AND d OR e THEN 1 ELSE 2 END OR (f = 1 AND g = 2)";
    expect(lines(sql, 60)).toEqual([
      "SELECT 1",
      "FROM t",
      "WHERE a BETWEEN 1 AND 2",
      "  AND b = CASE WHEN c AND d OR e THEN 1 ELSE 2 END",
      "  OR (f = 1 AND g = 2)",
    ]);
  });

  it("indents a subquery that is too long for the line", () => {
    const sql = "SELECT * FROM (SELECT id, username FROM users WHERE id IN (SELECT user_id FROM logins)) AS anon_1";
    expect(lines(sql, 50)).toEqual([
      "SELECT *",
      "FROM (",
      "  SELECT id, username",
      "  FROM users",
      "  WHERE id IN (SELECT user_id FROM logins)",
      ") AS anon_1",
    ]);
  });

  it("closes what the first condition opened below its clause", () => {
    expect(lines("SELECT 1 FROM t WHERE EXISTS (SELECT 1 FROM users WHERE id = 3) AND b = 2", 30)).toEqual([
      "SELECT 1",
      "FROM t",
      "WHERE EXISTS (",
      "  SELECT 1",
      "  FROM users",
      "  WHERE id = 3",
      ")",
      "  AND b = 2",
    ]);
  });

  it("lays out common table expressions and unions", () => {
    const sql = "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 100) SELECT n FROM t";
    expect(lines(sql, 60)).toEqual([
      "WITH RECURSIVE t AS (",
      "  SELECT 1 AS n",
      "  UNION ALL",
      "  SELECT n + 1",
      "  FROM t",
      "  WHERE n < 100",
      ")",
      "SELECT n",
      "FROM t",
    ]);
  });

  it("gives each row of a long insert a line", () => {
    const sql =
      "INSERT INTO users (id, username) VALUES (1, 'john'), (2, 'susan'), (3, 'x') " +
      "ON CONFLICT (id) DO UPDATE SET username = excluded.username RETURNING id";
    expect(lines(sql, 40)).toEqual([
      "INSERT INTO users (id, username)",
      "VALUES",
      "  (1, 'john'),",
      "  (2, 'susan'),",
      "  (3, 'x')",
      "ON CONFLICT (id) DO UPDATE",
      "SET username = excluded.username",
      "RETURNING id",
    ]);
    expect(lines("INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a=VALUES(a)")).toEqual([
      "INSERT INTO t (a)",
      "VALUES (1)",
      "ON DUPLICATE KEY UPDATE a=VALUES(a)",
    ]);
  });

  it("lays out updates and deletes", () => {
    expect(lines("UPDATE users SET username = 'x' WHERE id = 3")).toEqual([
      "UPDATE users",
      "SET username = 'x'",
      "WHERE id = 3",
    ]);
    expect(lines("DELETE FROM users WHERE id IS NOT DISTINCT FROM 3")).toEqual([
      "DELETE FROM users",
      "WHERE id IS NOT DISTINCT FROM 3",
    ]);
  });

  it("gives each column of a new table a line", () => {
    const sql =
      "CREATE TABLE IF NOT EXISTS `users` (`id` INTEGER PRIMARY KEY AUTOINCREMENT, " +
      "`role_id` INTEGER REFERENCES `roles` (`id`) ON DELETE SET NULL ON UPDATE CASCADE);";
    expect(lines(sql)).toEqual([
      "CREATE TABLE IF NOT EXISTS `users` (",
      "  `id` INTEGER PRIMARY KEY AUTOINCREMENT,",
      "  `role_id` INTEGER REFERENCES `roles` (`id`) ON DELETE SET NULL ON UPDATE CASCADE",
      ");",
    ]);
  });

  it("leaves short statements and several ones readable", () => {
    expect(lines("COMMIT")).toEqual(["COMMIT"]);
    expect(lines("BEGIN; SELECT 1 FROM t; COMMIT;")).toEqual(["BEGIN;", "SELECT 1", "FROM t;", "COMMIT;"]);
    expect(lines("EXPLAIN QUERY PLAN SELECT 1 FROM t")).toEqual(["EXPLAIN QUERY PLAN", "SELECT 1", "FROM t"]);
    expect(lines("CREATE VIEW v AS SELECT 1 FROM t")).toEqual(["CREATE VIEW v AS", "SELECT 1", "FROM t"]);
  });

  it("keeps a comment to the end of its line", () => {
    expect(lines("SELECT a, -- the first\n b FROM t")).toEqual(["SELECT a, -- the first", "  b", "FROM t"]);
    expect(lines("SELECT (1 -- one\n)")).toEqual(["SELECT (", "  1 -- one", ")"]);
  });

  it("keeps the line break that continues a literal", () => {
    expect(lines("SELECT 'a'\n'b'")).toEqual(["SELECT 'a'", "'b'"]);
  });

  it("leaves literals, names and comments alone whatever they hold", () => {
    const parts = ["'FROM  x\nWHERE'", '"a  AND b"', "/* SELECT  1 */", "$$ OR\n $$"];
    const sql = `SELECT ${parts.join(", ")} FROM t`;
    const laidOut = formatSql(sql, plain);
    for (const part of parts) expect(laidOut).toContain(part);
  });

  it.each(["SELECT '\\' FROM t", "SELECT 1 # FROM\nFROM t", "SELECT 5--3 FROM\n t"])(
    "does not touch what databases read differently: %j",
    (sql) => {
      expect(formatSql(sql, { color: true })).toBe(sql);
    },
  );

  it("does not touch parentheses deeper than anybody reads", () => {
    const sql = `SELECT ${"(".repeat(100_000)} 1 ${")".repeat(100_000)} FROM t`;
    expect(formatSql(sql, plain)).toBe(sql);
  });

  it("colours without changing the text", () => {
    const sql = "SELECT count(*), 'x', 1, $1, \"name\" FROM t -- end";
    const colored = formatSql(sql, { color: true });
    expect(colored).toContain("\x1b[34mSELECT\x1b[39m count(*), \x1b[32m'x'\x1b[39m, \x1b[33m1\x1b[39m");
    expect(withoutColor(colored)).toBe(formatSql(sql, plain));
    expect(withoutColor(colorSql(sql, { color: true }))).toBe(sql);
  });

  it("gives the tokens that it was given, at any width, in every syntax", () => {
    const random = new RandomValues(11);
    let laidOut = 0;
    for (let round = 0; round < (process.env["LONG"] ? 60_000 : 6000); round++) {
      const sql = randomSql(random);
      const syntax = random.pick([...anySyntax, undefined]);
      const text = formatSql(sql, { color: false, width: random.below(100), syntax });
      if (text !== sql) laidOut++;
      expect([sql, significant(text, syntax)]).toEqual([sql, significant(sql, syntax)]);
    }
    expect(laidOut).toBeGreaterThan(2000);
  });

  it("lays out what it has laid out the same again", () => {
    const random = new RandomValues(12);
    for (let round = 0; round < 500; round++) {
      const sql = randomSql(random).replaceAll(/--|#/g, "");
      const once = formatSql(sql, plain);
      expect(significant(formatSql(once, plain))).toEqual(significant(once));
    }
  });
});

describe("a view of SQL", () => {
  const options: RenderOptions = { format: "table", terminal: true, color: false, width: 80 };
  const query = sqlView("SELECT id FROM users WHERE name = 'a\x1b'", "not run; .all() runs it");

  it("is laid out for people, and says that it was not run", () => {
    expect(render(query, options).split("\n")).toEqual([
      "SELECT id",
      "FROM users",
      "WHERE name = 'a\\e'",
      "not run; .all() runs it",
    ]);
  });

  it("is the exact text for programs, the remark apart", () => {
    const told: string[] = [];
    const text = render(query, { ...options, terminal: false, note: (line) => told.push(line) });
    expect(text).toBe("SELECT id FROM users WHERE name = 'a\x1b'");
    expect(told).toEqual(["not run; .all() runs it"]);
  });

  it("numbers several statements, each ended and with its parameters", () => {
    const several = sqlView([
      { sql: "INSERT INTO t VALUES (?, ?, ?)", parameters: ["it's", 1, null] },
      { sql: "SELECT 1 -- end", parameters: { id: 3n } },
      { sql: "COMMIT;" },
    ]);
    expect(render(several, options).split("\n")).toEqual([
      "-- 1",
      "INSERT INTO t",
      "VALUES (?, ?, ?);",
      "-- 1: 'it''s'",
      "-- 2: 1",
      "-- 3: NULL",
      "-- 2",
      "SELECT 1 -- end",
      ";",
      "-- id: 3",
      "-- 3",
      "COMMIT;",
    ]);
  });

  it("is text or objects in JSON", () => {
    const json = { ...options, format: "json", terminal: false } as const;
    expect(render(sqlView("SELECT 1"), json)).toBe('"SELECT 1"');
    expect(render(sqlView([{ sql: "SELECT ?", parameters: [1] }]), json)).toBe('[{"sql":"SELECT ?","parameters":[1]}]');
  });
});

function withoutColor(text: string): string {
  // eslint-disable-next-line no-control-regex -- the colours are what is removed
  return text.replace(/\x1b\[\d+m/g, "");
}

/** Tokens that mean something; nothing where databases differ, and the text has to be the same. */
function significant(sql: string, syntax?: SqlSyntax): SqlToken[] | string {
  return tokenizeSql(sql, syntax)?.filter((token) => token.kind !== "space") ?? sql;
}

const pieces = [
  ..."SELECT FROM WHERE AND OR BETWEEN CASE WHEN END GROUP BY ORDER LIMIT JOIN LEFT ON UNION ALL WITH AS".split(" "),
  ..."VALUES INSERT INTO UPDATE SET DELETE CREATE TABLE EXPLAIN CONFLICT DO DISTINCT IS NOT RETURNING FOR".split(" "),
  ..."( ( ( ) ) ) , , , ; . * = < > + - / || -> ->> :: := ? $1 :name @x # -- /* */ ' \" ` [ ] $$ $a$ \\".split(" "),
  ..."id users.name 1 2.5 1e3 'text' 'it''s' \"name\" `name` [name] E'\\n' N'x' x'ff' $$x$$ /*c*/ größe 日本 count(*)".split(
    " ",
  ),
  "'a\\'b'",
  "'two\nlines'",
  "-- comment\n",
  "# comment\n",
  "--x\n",
  "/* a /* b */ c */",
  "ON DUPLICATE KEY UPDATE",
  "(SELECT id FROM roles WHERE name = 'admin')",
  "a_long_name_that_fills_the_line_up_to_where_it_has_to_be_broken",
];
const spaces = [" ", " ", " ", "\n", "\t", "  ", "\r\n", ""];

function randomSql(random: RandomValues): string {
  return random.list(30, () => random.pick(pieces) + random.pick(spaces)).join("");
}
