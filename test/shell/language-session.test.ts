import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DataTypes } from "sequelize";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/database";
import { DatabaseContext } from "../../src/shell/database-context";
import { inputsOf } from "../../src/shell/input-lines";
import { LanguageSession } from "../../src/shell/language/language-session";
import { MAIN_JOB } from "../main-job";

const library = resolve(__dirname, "../../src/shell");
const directory = mkdtempSync(join(tmpdir(), "language-"));
/** What the page on queries warns of: a mistake on purpose. */
const MISTAKE = "User.c.id == 1";
/** The pages whose blocks of TypeScript are typed at the prompt. */
const TYPED_BLOCKS = new Set(["prompt", "query", "session", "shell"].map((page) => join("docs", `${page}.md`)));

/** What a transcript of the prompt shows as typed: a line behind a prompt with the lines behind `...`. */
function typedLines(transcript: string): string[] {
  return [...transcript.matchAll(/^[\w.:]+(?: [+~-]\d+)*> (.*(?:\n\.\.\. .*)*)/gm)]
    .map(([, code = ""]) => code.replaceAll(/^\.\.\. /gm, ""))
    .filter((code) => !code.startsWith("."));
}

const RAN = { failed: false, hasValue: true };
let declarations: string;
const opened: Database[] = [];

async function declare(url: string, options?: Parameters<typeof openDatabase>[1]): Promise<string> {
  const database = await openDatabase(url, options);
  opened.push(database);
  const settings = { format: "table", limit: 100, timer: false, echo: false, pager: false } as const;
  const context = new DatabaseContext(database, settings, {
    name: "test",
    version: "0",
    banner: [],
    color: false,
    yes: true,
    write: () => undefined,
  });
  return context.declarations();
}

beforeAll(async () => {
  declarations = await declare("sqlite::memory:");
});
afterAll(async () => {
  await Promise.all(opened.map((database) => database.close()));
  rmSync(directory, { recursive: true });
});

let shared: LanguageSession;

/** The session with the sample models, in which inputs were typed before. */
function session(...before: string[]): LanguageSession {
  shared ??= new LanguageSession(declarations, { directory, library });
  for (const input of before) shared.commit(input, RAN);
  return shared;
}

function told(types: LanguageSession, input: string): string[] {
  return types
    .check(input)
    .map(({ code, message, start, length }) => `ts(${code}): ${message} [${input.slice(start, start + length)}]`);
}

/** Checks inputs one after the other as a person types them, and gives everything that is said. */
function alarms(types: LanguageSession, inputs: readonly string[]): string[] {
  return inputs.flatMap((input) => {
    const problems = told(types, input);
    types.commit(input, RAN);
    return problems.map((problem) => `${input} -> ${problem}`);
  });
}

describe("checking", () => {
  it.each([
    [
      "User.query.filter_by({})",
      "ts(2551): Property 'filter_by' does not exist on type 'Query<User>'. Did you mean 'filterBy'? [filter_by]",
    ],
    ["User.query.filterBy({ usernam: 1 })", "Did you mean to write 'username'? [usernam]"],
    [
      "User.query.first().usernam",
      "Property 'usernam' does not exist on type 'User'. Did you mean 'username'? [usernam]",
    ],
    ["User.c.usernam", "Did you mean 'username'? [usernam]"],
    ["User.c.username.eq(1)", "[1]"],
    ["new User({ nope: 1 })", "'nope' does not exist in type 'values of a new User'. [nope]"],
    ["db.session.comit()", "Did you mean 'commit'? [comit]"],
    ["Usr.query", "Cannot find name 'Usr'. Did you mean 'User'? [Usr]"],
    ["john.role.nam", "Property 'nam' does not exist on type 'Role'. Did you mean 'name'? [nam]"],
    ["for (const u of User.query.all()) {\n  u.nam\n}", "Property 'nam' does not exist on type 'User'. [nam]"],
    ["Role.query.first().users = [Role.query.first()]", "ts(2322)"],
    ["Role.query.first().name = [john]", "ts(2322)"],
    ["`${User.query.count().nope}`", "Property 'nope' does not exist on type 'number'. [nope]"],
  ])("tells what is wrong with %s, and where", (input, message) => {
    const problems = told(session("const john = User.query.first()"), input);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(message);
  });

  it("has nothing to say of members that are assigned to a collection", () => {
    const known = session("const role = Role.query.first()", "const users = User.query.all()");
    expect(
      ["role.users = []", "role.users = users", "role.users = users.slice(1)"].map((line) => told(known, line)),
    ).toEqual([[], [], []]);
  });

  it("has nothing to say of the main job", () => {
    expect(
      alarms(
        session(),
        MAIN_JOB.map(({ line }) => line),
      ),
    ).toEqual([]);
  });

  it("has nothing to say of the code in the documentation", { timeout: 180_000 }, () => {
    const root = resolve(__dirname, "../..");
    const user = "const user = User.query.first(), john = user, role = user.role, p = 1, f = () => User.query.first()";
    const checked = new Set<string>();
    const found: string[] = [];
    const pages = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" }).map((page) =>
      join("docs", page),
    );
    for (const name of ["README.md", ...pages].filter((page) => page.endsWith(".md"))) {
      const text = readFileSync(join(root, name), "utf8");
      const fenced = /^```(\w*)\n([\s\S]*?)^```/gm;
      const blocks = [...text.matchAll(fenced)].flatMap(([, language, code = ""]) =>
        // Blocks of other pages are files of a project; what stands behind a prompt was typed, wherever it is.
        language === "ts" ? (TYPED_BLOCKS.has(name) ? [code] : []) : typedLines(code),
      );
      const phrases = [...text.replaceAll(fenced, "").matchAll(/`([^`\n]+)`/g)]
        .map(([, code = ""]) => code)
        .filter((code) => /^(?:User|Role|db|session|user|john|const|let|for|void|await)\b.*[.(]/.test(code))
        .filter((code) => !/…|\b[A-Z]{2,}\b|\.ts$/.test(code) && code !== MISTAKE);
      const inputs = [...blocks, ...phrases]
        .flatMap(inputsOf)
        .filter(({ statement, text: input }) => statement.kind === "code" && !checked.has(input))
        .map((input) => input.text);
      for (const input of inputs) checked.add(input);
      found.push(...alarms(session(user), inputs).map((alarm) => `${name}: ${alarm}`));
    }
    expect(found).toEqual([]);
    expect([...checked]).toContain("User.query.all().map(u => u.username)");
    expect([...checked]).toContain("john.role.name");
  });

  it.each<[string, readonly string[]]>([
    [
      "a name declared again as anything",
      ["const u = User.query.first()", "const u = 5", "u.toFixed()", "class u {}", "new u()"],
    ],
    ["a constant that is assigned on a later line", ["const n = 5", "n = 6", "n + 1"]],
    ["a name that an assignment makes", ["q = User.query.first()", "q.username", "q = 5", "q.toFixed()", "q = q + 1"]],
    ["a name that a function assigns", ["function bump() { counter = 1 }", "bump()"]],
    ["the last value and the last error", ["_", "User.query.first()", "_.username", "_error.message", "_error.sql"]],
    [
      "relationships that load themselves",
      ["const j = User.query.first()", "j.role.name", "j.role.users.count()", "const { role } = j; role.name"],
    ],
    [
      "members of collections",
      [
        "const r = Role.query.first()",
        "r.users.all()[0].username",
        "r.users.orderBy(User.c.username).first()",
        "r.users.count() > 3",
      ],
    ],
    [
      "calls that are awaited inside of expressions",
      [
        "User.query.all().map(u => u.username).join()",
        "User.query.count() > 3",
        "[...User.query.all()]",
        "if (User.query.count() > 3) 'many'",
        "User.query.count() ? 1 : 2",
        "!User.query.first()",
      ],
    ],
    [
      "promises that are kept",
      [
        "let p: Promise<User> = User.query.first()",
        "p.then(u => u.username)",
        "p.username",
        "Promise.all([User.query.first(), Role.query.first()])",
        "void User.query.first()",
        "let x = User.query.first(); x.then(u => u.id)",
      ],
    ],
    [
      "type guards in conditions",
      [
        "const isText = (x: unknown): x is string => typeof x === 'string'",
        "let v: unknown = 'a'",
        "if (isText(v)) v.length",
        "isText(v) && v.length",
        "if (Array.isArray(v)) v.map(String)",
      ],
    ],
    ["lines without semicolons", ["const a = 1\nUser.query.first()\nUser.query.all().length\n[1].map(String)"]],
    [
      "declarations of every kind",
      [
        "enum E { A }",
        "E.A",
        "interface I { a: number }",
        "const i: I = { a: 1 }",
        "interface I { b: number }",
        "const k: I = { b: 1 }",
        "type T = User[]",
        "const t: T = User.query.all()",
        "namespace N { export const a = 1 }",
        "N.a",
        "abstract class C<X> { x: X }",
        "class D extends C<number> {}",
        "new D().x.toFixed()",
      ],
    ],
    [
      "exports",
      [
        "export const e = User.query.count()",
        "e.toFixed()",
        "export default 3",
        "export function f() { return 1 }",
        "f().toFixed()",
      ],
    ],
    [
      "imports",
      [
        "import fs, { readFileSync } from 'node:fs'",
        "fs.existsSync('x'); readFileSync",
        "import * as path from 'node:path'",
        "path.join('a')",
      ],
    ],
    [
      "Sequelize itself",
      [
        "User.findAll({ where: { username: { [Op.like]: 'a%' } } })",
        "sequelize.query('select 1')",
        "DataTypes.STRING(3)",
        "User.findOne().username",
      ],
    ],
    [
      "loops",
      [
        "for await (const u of User.query) u.username",
        "for (var i = 0; i < 3; i++) {}",
        "i.toFixed()",
        "for (const u of User.query.all()) console.log(u.role?.name)",
      ],
    ],
    [
      "what Node has",
      [
        "console.log(process.version, Buffer.from('a'), require('node:os').EOL)",
        "setTimeout(() => 1, 1)",
        "fetch",
        "structuredClone({})",
      ],
    ],
    ["optional chains", ["User.query.first()?.role?.name", "const m = User.query.first(); m?.username?.length"]],
    ["errors that are caught", ["try { User.query.one() } catch (e) { e.message }"]],
    [
      "queries",
      [
        "User.query.options(joined('role')).all()",
        "db.session.query(User.c.roleId, func.count(User.c.id).label('n')).groupBy(User.c.roleId).all()[0].n",
        "and(User.c.id.gt(1), or(User.c.id.lt(5), not(User.c.username.eq('a'))))",
        "db.models.User.query.count()",
        "session.get(User, 1).username",
        "String(User.query)",
        "User.query.update({ username: 'x' })",
      ],
    ],
  ])("has nothing to say of %s", (_title, inputs) => {
    expect(alarms(session(), inputs)).toEqual([]);
  });

  it("forgets a name whose first value failed to come, and keeps the one it had", () => {
    const types = session("const u = User.query.first()");
    types.commit("const u = JSON.parse('{')", { failed: true, hasValue: false });
    expect(told(types, "u.username")).toEqual([]);
    types.commit("const fresh = nothing()", { failed: true, hasValue: false });
    expect(told(types, "fresh")).toEqual([]);
  });

  it("gives _ the type of the last value that was one", () => {
    const types = session("User.query.first()");
    types.commit("session.expireAll()", { failed: false, hasValue: false });
    expect(types.typeOf("_")).toEqual({ type: "User" });
    types.commit("User.query.count()", RAN);
    expect(types.typeOf("_")).toEqual({ type: "number" });
  });
});

describe(".type and .doc", () => {
  it.each([
    ["User.query.first()", "User"],
    ["User.query", "Query<User>"],
    ["User.query.filterBy", "(values: Filter<User>) => Query<User>"],
    ["1 + 1", "number"],
    ["User.query.all()", "User[]"],
  ])("tells the type of %s, awaited", (expression, type) => {
    expect(session().typeOf(expression)).toEqual({ type });
  });

  it("tells what is wrong with an expression that has no type", () => {
    expect(session().typeOf("User.nope")).toMatchObject({ problem: { code: 2339 } });
  });

  it("shows the declaration and what is written of a name", () => {
    const types = session("const u = User.query.first()");
    expect(types.documentationOf("User.query.filterBy")).toEqual({
      declaration: "(method) Query<User>.filterBy(values: Filter<User>): Query<User>",
      text: expect.stringMatching(/^Rows whose attributes and relationships have these values/) as string,
    });
    expect(types.documentationOf("and")?.text).toContain("All of the conditions hold");
    expect(types.documentationOf("u")?.declaration).toBe("const u: User");
    expect(types.documentationOf("nothingHere")).toBeUndefined();
  });
});

describe("completion", () => {
  it.each([
    ["Us", "Us", ["User"]],
    ["User.query.fil", "fil", ["filter", "filterBy"]],
    ["User.query.filterBy({ us", "us", ["username"]],
    ["User.query.filterBy({ username: 'a', ", "", ["id", "role", "roleId"]],
    ["new User({ ", "", ["id", "role", "roleId", "username"]],
    ["User.query.orderBy('", "", ["id", "roleId", "username"]],
    ["User.query.limit(3).orderBy(User.c.", "", ["id", "role", "roleId", "username"]],
    ["User.query.options(joined('", "", ["role"]],
    ["User.query.options(joined('role.", "", ["users"]],
    ["User.query.options(loadOnly('us", "us", ["username"]],
    ["User.query.join('", "", ["role"]],
    ["session.load(john, '", "", ["role"]],
    ["session.load(User.query.all(), '", "", ["role"]],
    ["session.load(User.query.filterBy({ username: 'a' }).first(), '", "", ["role"]],
    ["session.load(5, '", "", []],
    ["for (const x of User.query.all()) {\n  x.usern", "usern", ["username"]],
    ["if (true) {\n  const rows = Role.query.all()\n  rows[0].na", "na", ["name"]],
    ["john.role.na", "na", ["name"]],
    ["User.query.first().userna", "userna", ["username"]],
    ["joh", "joh", ["john"]],
    ["db.models.", "", ["Role", "User"]],
    ["import fs from 'node:fs/p", "p", ["promises"]],
    ["import { x } from './mod", "mod", ["module"]],
  ])("of %s", (text, part, candidates) => {
    writeFileSync(join(directory, "module.ts"), "export const x = 1;\n");
    expect(session("const john = User.query.first()").complete(text)).toEqual({ part, candidates });
  });

  it("offers the names of the session and nothing else where nothing is typed", () => {
    const { candidates } = session("const john = 1").complete("");
    expect(candidates).toEqual(expect.arrayContaining(["User", "Role", "db", "session", "john", "func"]));
    expect(candidates).not.toContain("Array");
  });

  it("offers what the library has for its callers, not what its own modules use", () => {
    const offered = (text: string): readonly string[] => session().complete(text).candidates;
    expect(offered("db.session.")).toEqual(
      (
        "add addAll begin beginNested bulkInsertMappings bulkSaveObjects bulkUpdateMappings close commit delete deleted dirty " +
        "execute expire expireAll expunge expungeAll flush get has inNestedTransaction inTransaction isActive isModified load " +
        "merge new noAutoflush query refresh rollback scalar scalars stateOf transaction"
      ).split(" "),
    );
    expect(offered("db.")).toEqual(
      "close createAll createSession dialect dropAll models onQuery readOnly register runInSession sequelize session".split(
        " ",
      ),
    );
    expect(offered("db.session.execute('SELECT 1').")).not.toContain("peek");
  });

  it("runs no getter", () => {
    const types = session("const trap = { get x() { (globalThis as any).sprung = true; return { inner: 1 } } }");
    expect(types.complete("trap.x.").candidates).toEqual(["inner"]);
    expect(types.check("trap.x.inner")).toEqual([]);
    expect("sprung" in globalThis).toBe(false);
  });
});

describe("models without types of their own", () => {
  let types: LanguageSession;
  beforeAll(async () => {
    const text = await declare("sqlite::memory:", {
      models: (sequelize) => {
        const Post = sequelize.define("Post", {
          title: { type: DataTypes.STRING, allowNull: false },
          status: DataTypes.ENUM("draft", "public"),
          meta: DataTypes.JSON,
          "odd-name": DataTypes.INTEGER,
        });
        const Tag = sequelize.define("Tag", { label: DataTypes.STRING }, { timestamps: false });
        const Thing = sequelize.define("Thing-2", { label: DataTypes.STRING });
        Object.defineProperty(Post.prototype, "shout", { value: () => "!", configurable: true });
        Object.defineProperty(Post, "latest", { value: () => 1, configurable: true });
        Post.belongsTo(Tag, { as: "tag" });
        Tag.hasMany(Post, { as: "posts" });
        void Thing;
      },
    });
    types = new LanguageSession(text, { directory, library });
  });

  it("are declared from their columns and relationships", () => {
    const inputs = [
      "const tag = new Tag({ label: 'a' })",
      "const post = new Post({ title: 'x', tag, status: 'draft', meta: { a: 1 } })",
      "post.tag.label.length; post.title.toUpperCase(); post.createdAt.getTime(); post['odd-name']; post.meta.a.b",
      "post.shout(); Post.latest()",
      "Post.query.filterBy({ tag, title: 'x' }).first().title.length",
      "tag.posts.all().map(p => p.title)",
      "Post.c.title.like('a%')",
      "post.getTag()",
    ];
    expect(alarms(types, inputs)).toEqual([]);
    expect(told(types, "post.titel")).toEqual([
      "ts(2551): Property 'titel' does not exist on type 'Post'. Did you mean 'title'? [titel]",
    ]);
    expect(told(types, "post.status = 'nope'")).toHaveLength(1);
  });

  it("complete as others do", () => {
    expect(types.complete("Post.query.filterBy({ t").candidates).toEqual(["tag", "tagId", "title"]);
    expect(types.complete("Tag.query.options(selectin('").candidates).toEqual(["posts"]);
    expect(types.complete("Tag.query.first().posts.first().tit").candidates).toEqual(["title"]);
  });
});
