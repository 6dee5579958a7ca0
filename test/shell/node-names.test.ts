import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/database";
import { contextDeclarations } from "../../src/shell/declarations";
import { LanguageSession } from "../../src/shell/language/language-session";
import { declarationsNeedNode, mentionsNode } from "../../src/shell/language/node-names";

const RAN = { failed: false, hasValue: true };
const folders = {
  directory: mkdtempSync(join(tmpdir(), "node-names-")),
  library: resolve(__dirname, "../../src/shell"),
};
let database: Database;
let declarations: string;
/** Has the types of Node from its first input on. */
let whole: LanguageSession;

beforeAll(async () => {
  database = await openDatabase("sqlite::memory:");
  declarations = contextDeclarations(database, { ...database.models, db: database, session: database.session });
  whole = new LanguageSession(declarations, folders);
  whole.check("process");
});
afterAll(async () => {
  await database.close();
  rmSync(folders.directory, { recursive: true });
});

describe("a mention of Node", () => {
  it.each([
    "process.exit()",
    "const bytes: Buffer = x",
    'import fs from "node:fs"',
    'await import("./file")',
    'require("fs")',
    "console.table([])",
    "const { log } = console",
    "new URL(x)",
    "setTimeout(() => 0, 5)",
    "let stream: NodeJS.ReadableStream",
    "globalThis.fetch",
  ])("is %s", (text) => {
    expect(mentionsNode(text, "checked")).toBe(true);
  });

  it.each(["User.query.all()", "console.log(user.name)", "Math.max(...[1])", "new Map<string, Date>()", "processed"])(
    "is not %s",
    (text) => {
      expect(mentionsNode(text, "checked")).toBe(false);
    },
  );

  it("is a word that may become one, where a text is completed", () => {
    expect(["proc", "x = Buf", "console.", "console.lo"].map((text) => mentionsNode(text, "looked at"))).toEqual(
      Array(4).fill(true),
    );
    expect(["user.proc", "Us", "User.query.", "session.f"].map((text) => mentionsNode(text, "looked at"))).toEqual(
      Array(4).fill(false),
    );
  });

  it("is in declarations of columns of bytes and of classes of a project", () => {
    expect(declarationsNeedNode(declarations)).toBe(false);
    expect(declarationsNeedNode("declare photo: Buffer | null;")).toBe(true);
    expect(declarationsNeedNode('let Photo: typeof import("/home/me/models/photo").Photo;')).toBe(true);
  });
});

describe("the types of Node", () => {
  it("wait as long as nothing of Node is mentioned", () => {
    const session = new LanguageSession(declarations, folders);
    session.warmUp();
    for (const input of [
      "const users = User.query.filterBy({ id: 3 }).all()",
      "console.log(users.length, users.map((user) => user.username))",
      "for (const user of users) session.delete(user)",
      "User.findByPk(1)",
    ]) {
      expect([input, session.check(input)]).toEqual([input, []]);
      session.commit(input, RAN);
    }
    expect(session.complete("User.query.fil").candidates).toContain("filter");
    expect(session.typeOf("users[0].username")).toEqual({ type: "string" });
    expect(session.knowsNode).toBe(false);
    expect(session.typeOf("process.argv")).toEqual({ type: "string[]" });
    expect(session.knowsNode).toBe(true);
    expect(session.typeOf("users[0].username")).toEqual({ type: "string" });
  }, 120_000);

  it("come before anything is called wrong", () => {
    const session = new LanguageSession(declarations, folders);
    expect(session.check("Error.captureStackTrace({})")).toEqual([]);
    expect(session.knowsNode).toBe(true);
  });

  it.each<[string, (session: LanguageSession) => unknown]>([
    ["the type of a value of Node", (session) => session.typeOf("Buffer.from('a').readUInt8(0)")],
    ["the type of a method of the console", (session) => session.typeOf("console.log")],
    ["the documentation of a function of Node", (session) => session.documentationOf("process.cwd")],
    ["completions of names of Node", (session) => session.complete("proc")],
    ["completions of the console", (session) => session.complete("console.")],
    ["what is wrong with bytes", (session) => session.check("User.findByPk(Buffer.from('a').nothing)")],
    ["what is wrong with a key", (session) => session.check("User.findByPk({ id: 1 })")],
    ["what is wrong with a name", (session) => session.check("User.query.filter_by({})")],
    [
      "the type of what an imported function gave",
      (session) => {
        const input = 'import { readFile } from "node:fs/promises"\nconst text = readFile("a", "utf8")';
        session.check(input);
        session.commit(input, RAN);
        return session.typeOf("text");
      },
    ],
  ])("make no difference to %s", (_what, ask) => {
    expect(ask(new LanguageSession(declarations, folders))).toEqual(ask(whole));
  });
});
