import sequelizePackage from "sequelize";
import { expect, it } from "vitest";
import { ShellError } from "../../src/errors";
import { aliased, asc, cast, desc, func, literal, text } from "../../src/query/expressions";
import { defer, joined, loadOnly, selectin } from "../../src/query/load-options";
import type { RunnableQuery } from "../../src/query/runnable-query";
import { describeQueries } from "./fixture";
import { Random } from "./random-data";

const { Sequelize } = sequelizePackage;

const isLong = process.env["LONG"] === "1";
const ROUNDS = isLong ? 600 : 60;

const PAYLOADS = [
  'x"; DROP TABLE users; --',
  "x'; DROP TABLE users; --",
  "x`; DROP TABLE users; --",
  "1; DELETE FROM users",
  "1 OR 1=1",
  "' OR ''='",
  '" OR ""="',
  "\\' OR 1=1 -- ",
  '\\" OR 1=1 -- ',
  "\\",
  "\\\\'",
  "'",
  '"',
  "`",
  "''",
  '""',
  "``",
  ";",
  "--",
  "-- \n",
  "#",
  "/*",
  "*/",
  "/*!50000 DROP TABLE users */",
  "?",
  "$1",
  "$$; DROP TABLE users; $$",
  ":name",
  "@x",
  "%",
  "x) UNION SELECT 1 --",
  "id, (SELECT 1)",
  "id ASC, sleep(1)",
  "ｉｄ",
  "“x”",
  "a\nb",
  "a\rb",
  "\u001b[2J",
  "x".repeat(200),
  "users.id",
  "users",
  "SELECT",
];
const PIECES = [
  "'",
  '"',
  "`",
  "\\",
  ";",
  "--",
  "/*",
  "*/",
  "#",
  "?",
  "$1",
  ":a",
  "(",
  ")",
  " ",
  "\n",
  "x",
  "1",
  ",",
  "=",
  "é",
  "😀",
  "DROP TABLE users",
];

/** The statement with each quoted text and name taken out, however the database quotes. */
function skeleton(sql: string, backslashEscapes: boolean): string {
  const quoted = backslashEscapes
    ? /'(?:[^'\\]|\\[\s\S]|'')*'|`(?:[^`]|``)*`|"(?:[^"]|"")*"/g
    : /E'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|`(?:[^`]|``)*`|"(?:[^"]|"")*"/g;
  return sql.replaceAll(/CAST\(x'[0-9a-f]*' AS TEXT\)/g, "Q").replaceAll(quoted, "Q");
}

/** A name, a number or an operator that may stand as it is. */
function isPlain(payload: string): boolean {
  // Characters that not every database takes in a name are replaced.
  const name = payload.replaceAll(/[^\0-\uffff]/gu, "_").trim();
  return /^[\w.]+$/.test(name) || /^[-+*/<>=~!@#%^&|?]+$/.test(payload);
}

describeQueries("Injection", (fixture) => {
  /** Every argument that takes a name or a text, each as a query made with it. */
  const places: [string, (value: string) => RunnableQuery][] = [
    ["filterBy value", (v) => fixture.User.query.filterBy({ username: v })],
    ["filterBy key", (v) => fixture.User.query.filterBy({ [v]: 1 })],
    ["filterBy number", (v) => fixture.User.query.filterBy({ id: v } as object)],
    ["filterBy date", (v) => fixture.Sample.query.filterBy({ at: v } as object)],
    ["filterBy day", (v) => fixture.Sample.query.filterBy({ day: v })],
    ["filterBy decimal", (v) => fixture.Sample.query.filterBy({ price: v })],
    ["filterBy json", (v) => fixture.Sample.query.filterBy({ meta: { [v]: v } })],
    ["filter text", (v) => fixture.User.query.filter(v as never)],
    ["where object key", (v) => fixture.User.query.filter({ [v]: 1 })],
    ["where object path", (v) => fixture.User.query.filter({ [`$role.${v}$`]: 1 })],
    ["where object json path", (v) => fixture.Sample.query.filter({ meta: { a: v } })],
    ["eq", (v) => fixture.User.query.filter(fixture.User.c.username.eq(v))],
    ["in", (v) => fixture.User.query.filter(fixture.User.c.username.in([v, "x"]))],
    ["long in", (v) => fixture.User.query.filter(fixture.User.c.username.in(Array.from({ length: 5001 }, () => v)))],
    ["between", (v) => fixture.User.query.filter(fixture.User.c.username.between(v, v))],
    ["like", (v) => fixture.User.query.filter(fixture.User.c.username.like(v.replaceAll("\\", "")))],
    ["like escape", (v) => fixture.User.query.filter(fixture.User.c.username.like("x", { escape: v }))],
    ["contains", (v) => fixture.User.query.filter(fixture.User.c.username.contains(v))],
    ["orderBy", (v) => fixture.User.query.orderBy(v)],
    ["asc", (v) => fixture.User.query.orderBy(asc(v))],
    ["desc", (v) => fixture.User.query.orderBy(desc(v).nullsLast())],
    ["groupBy", (v) => fixture.User.query.withEntities(func.count()).groupBy(v)],
    ["distinct", (v) => fixture.User.query.distinct(v)],
    ["limit", (v) => fixture.User.query.limit(v)],
    ["offset", (v) => fixture.User.query.offset(v)],
    ["label", (v) => fixture.User.query.withEntities(fixture.User.c.id.label(v)).orderBy(v)],
    ["label of a value", (v) => fixture.User.query.withEntities(literal(1).label(v)).groupBy(v)],
    ["alias", (v) => fixture.User.query.join(fixture.User.c.role, aliased(fixture.Role, v))],
    ["subquery", (v) => fixture.User.query.selectFrom(fixture.User.query.subquery(v)).withEntities(func.count())],
    ["function name", (v) => fixture.User.query.withEntities(func[v]?.() as never)],
    ["function argument", (v) => fixture.User.query.withEntities(func.lower(v))],
    ["text parameter", (v) => fixture.User.query.filter(text("users.username = :v", { v }))],
    ["text list", (v) => fixture.User.query.filter(text("users.username IN (:v)", { v: [v, "x"] }))],
    ["operator", (v) => fixture.User.query.filter(fixture.User.c.id.op(v, 1))],
    ["cast type", (v) => fixture.User.query.withEntities(cast(fixture.User.c.id, v))],
    ["concat", (v) => fixture.User.query.withEntities(fixture.User.c.username.concat(v))],
    ["literal", (v) => fixture.User.query.withEntities(literal(v))],
    ["join", (v) => fixture.User.query.join(v)],
    ["joined", (v) => fixture.User.query.options(joined(v))],
    ["selectin", (v) => fixture.User.query.options(selectin(v))],
    ["loadOnly", (v) => fixture.User.query.options(loadOnly(v))],
    ["defer", (v) => fixture.User.query.options(defer(v))],
    ["column of Sequelize", (v) => fixture.User.query.filter(Sequelize.where(Sequelize.col(v), 1))],
    ["function of Sequelize", (v) => fixture.User.query.filter(Sequelize.where(Sequelize.fn(v), 1))],
    ["cast of Sequelize", (v) => fixture.User.query.filter(Sequelize.where(Sequelize.cast(1, v), 1))],
  ];

  function payloads(): string[] {
    const random = new Random(5);
    const made = Array.from({ length: ROUNDS }, () =>
      Array.from({ length: random.int(1, 6) }, () => random.pick(PIECES)).join(""),
    );
    return [...PAYLOADS, ...made];
  }

  it.each(places)("a text in the place of %s stays a text, or is refused before anything is sent", (_place, make) => {
    const escapes = fixture.database === "mariadb";
    // Names that need quoting and text that does not, so that only the quoted part may differ.
    const harmless = ["be nign", "9", "like", "lower", "username"].flatMap((value) => {
      try {
        const query = make(value);
        return [skeleton(query.toSQL().sql, escapes), skeleton(query.sql, escapes)];
      } catch {
        return [];
      }
    });
    for (const payload of payloads()) {
      let shown: string[];
      try {
        const query = make(payload);
        shown = [query.toSQL().sql, query.sql];
      } catch (error) {
        expect(error, JSON.stringify(payload)).toBeInstanceOf(ShellError);
        continue;
      }
      for (const sql of shown) {
        const bones = skeleton(sql, escapes);
        const isSame = harmless.includes(bones) || isPlain(payload);
        expect(isSame, `${JSON.stringify(payload)} gave ${sql}`).toBe(true);
      }
    }
  });

  it("what is sent finds no more than it should, and nothing is lost", async () => {
    const { User, executor } = fixture;
    for (const payload of payloads()) {
      await executor.connection.savepoint("s");
      const values: RunnableQuery[] = places.slice(0, 1).map(([, make]) => make(payload));
      const listed = User.query.filter(User.c.username.in([payload]));
      const named = User.query.withEntities(User.c.id.label(payload), literal(payload).label("value")).orderBy("id");
      for (const query of [...values, listed]) {
        expect(await query.all()).toEqual([]);
        expect(await executor.connection.all(query.sql)).toEqual([]);
      }
      const rows = await named.all();
      expect(rows.map((row) => row[1])).toEqual(rows.map(() => payload));
      expect(rows).toHaveLength(5);
      await executor.connection.rollbackTo("s");
    }
    expect(await User.query.count()).toBe(5);
  });

  it("a NUL character is stored by no name, and refused", () => {
    const { User } = fixture;
    expect(() => User.query.withEntities(User.c.id.label("a\0b")).toSQL()).toThrow(/NUL character/);
    expect(() => aliased(User, "a\0b") && User.query.join(aliased(fixture.Role, "a\0b")).toSQL()).toThrow(
      /NUL character/,
    );
  });
});
