import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compile } from "../../src/shell/compile";
import { renderReport, reportError } from "../../src/shell/error-report";
import { Evaluator, type Outcome } from "../../src/shell/evaluate";
import { classify } from "../../src/shell/statement";
import { FakeContext, sleep } from "./fake-context";

const directory = mkdtempSync(join(tmpdir(), "evaluate-"));
const before = new Map(
  Object.getOwnPropertyNames(globalThis).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]),
);

afterAll(() => {
  // Inputs run in the realm of the tests: what they shadowed comes back.
  for (const [name, descriptor] of before) {
    const now = Object.getOwnPropertyDescriptor(globalThis, name);
    if (descriptor && now?.configurable && now.value !== descriptor.value)
      Object.defineProperty(globalThis, name, descriptor);
  }
});

/** Runs inputs one after the other in one shell, and gives the outcome of the last. */
async function runAll(inputs: readonly string[], evaluator = shell().evaluator): Promise<Outcome> {
  let outcome: Outcome = { kind: "value", value: undefined };
  for (const text of inputs) {
    const statement = classify(text);
    if (statement.kind !== "code") throw new Error(`${text} is ${statement.kind}`);
    outcome = await evaluator.run(compile(statement.code, { shift: statement.shift }));
  }
  return outcome;
}

async function valueOf(...inputs: string[]): Promise<unknown> {
  const outcome = await runAll(inputs);
  if (outcome.kind === "error") throw outcome.error;
  return outcome.kind === "value" ? outcome.value : outcome.kind;
}

function shell(): { evaluator: Evaluator; context: FakeContext } {
  const context = new FakeContext();
  const evaluator = new Evaluator({ directory, loadOnRead: (object, key) => context.loadOnRead(object, key) });
  evaluator.define(context.globals);
  return { evaluator, context };
}

async function errorText(...inputs: string[]): Promise<string> {
  const { evaluator } = shell();
  const outcome = await runAll(inputs, evaluator);
  if (outcome.kind !== "error") throw new Error(`no error, but ${outcome.kind}`);
  return renderReport(reportError(outcome.error, (name) => evaluator.input(name), outcome.hint));
}

describe("the value of an input", () => {
  it.each<[string, unknown]>([
    ["1 + 1", 2],
    ["'a'; 'b'", "b"],
    ["'use strict'", "use strict"],
    ["const a = 1", undefined],
    ["function f() { return 1 }", undefined],
    ["class A {}", undefined],
    ["enum A { B }", undefined],
    ["interface A {}", undefined],
    ["@((x) => x) class A {}", undefined],
    ["import { sep } from 'node:path'", undefined],
    ["{ a: 1 }", { a: 1 }],
    ["{}", {}],
    ["{ let a = 2; a * 3 }", 6],
    ["if (true) 'yes'; else 'no'", "yes"],
    ["if (false) 'yes'; else 'no'", "no"],
    ["try { throw 1 } catch { 'caught' }", "caught"],
    ["try { 'tried' } finally { 'not me' }", "tried"],
    ["for (const a of [1, 2]) a", undefined],
    ["x = 5", 5],
    ["1, 2", 2],
    ["null", null],
    ["(() => 3)()", 3],
    ["export default 4", 4],
    ["export const a = 4", undefined],
    ["new Date(0).getTime()", 0],
    ["[1, 2] instanceof Array", true],
    ["typeof nothing_of_this_name", "undefined"],
    ["delete ({ a: 1 }).a", true],
    ["this === globalThis", true],
    ["label: { 'inside' }", "inside"],
    ["String(10n ** 20n)", "100000000000000000000"],
    ["/a/g.test('a')", true],
    ["let a = 1, b = 2; [a, b]", [1, 2]],
    ["debugger", undefined],
    [";", undefined],
  ])("%s gives %j", async (text, expected) => {
    expect(await valueOf(text)).toEqual(expected);
  });
});

describe("TypeScript", () => {
  it.each<[string, unknown]>([
    ["const a: number = 1; a", 1],
    ["(1 as unknown as string)", 1],
    ["let a!: string; a", undefined],
    ["function f<T>(a: T): T { return a }; f<number>(3)", 3],
    ["enum Color { Red, Green = 5 }; [Color.Red, Color[5], Color.Green]", [0, "Green", 5]],
    ["enum Word { A = 'a' }; Word.A", "a"],
    ["namespace N { export const v = 3 }; N.v", 3],
    [
      "class P { constructor(readonly x: number, private y = 2) {} sum() { return this.x + this.y } }; new P(1).sum()",
      3,
    ],
    ["abstract class G<T> { abstract m(): T }; class H extends G<number> { m() { return 2 } }; new H().m()", 2],
    ["class S { static #n = 0; static { S.#n = 7 } static get n() { return S.#n } }; S.n", 7],
    ["const log: string[] = []; const d = (t: any, k: string) => { log.push(k) }; class D { @d m() {} }; log", ["m"]],
    ["const seal = (c: any) => { c.sealed = true }; @seal class E {}; (E as any).sealed", true],
    ["type A = { b: 1 }; const a: A = { b: 1 }; a.b", 1],
    ["interface I { b: 1 }; ({ b: 1 } as I).b", 1],
    ["const f = (a?: number) => a ?? 'none'; f()", "none"],
    ["let u: string | undefined = 'x'; u!.length", 1],
    ["const o = { a: 1 } satisfies { a: number }; o.a", 1],
    ["declare const ghost: number; 1", 1],
    ["import type { Stats } from 'node:fs'; 2", 2],
    [
      "function over(a: string): string; function over(a: number): number; function over(a: any) { return a }; over(3)",
      3,
    ],
    ["const t = [1, 'a'] as const; t[1]", "a"],
    ["{ using r = { [Symbol.dispose]() { globalThis.disposed = true } }; } (globalThis as any).disposed", true],
  ])("%s gives %j", async (text, expected) => {
    if (text.includes("using") && !("dispose" in Symbol)) return;
    expect(await valueOf(text)).toEqual(expected);
  });
});

describe("a promise", () => {
  const ann = { id: 1, username: "ann" };
  it.each<[string, unknown]>([
    ["User.query.first()", ann],
    ["const u = User.query.first(); u", ann],
    ["let u: unknown; u = User.query.first(); u", ann],
    ["const [a, b] = User.query.limit(2).all(); [a.username, b.username]", ["ann", "bob"]],
    ["const { username, ...rest } = User.query.first(); [username, rest.id]", ["ann", 1]],
    ["const { deep: { a = sleep(1, 7) } } = { deep: {} } as any; a", 7],
    ["User.query.all().map(u => u.username)", ["ann", "bob", "cid", "dee"]],
    ["User.query.all().map(u => u.username).join()", "ann,bob,cid,dee"],
    ["User.query.count() > 3", true],
    ["3 < User.query.count()", true],
    ["-User.query.count()", -4],
    ["!User.query.first()", false],
    ["User.query.count() + User.query.count()", 8],
    ["`n = ${User.query.count()}`", "n = 4"],
    ["String(User.query.count())", "4"],
    ["[...User.query.all()].length", 4],
    ["User.query.all()[1].username", "bob"],
    ["User.query.all().length", 4],
    ["User.query.first().greet()", "hi ann"],
    ["User.query.first()?.greet?.()", "hi ann"],
    ["User.query.filterBy({ username: 'zed' }).first()?.username", undefined],
    ["User.query.filterBy({ username: User.query.first().username }).all().length", 1],
    ["[User.query.count(), sleep(1, 'b')]", [4, "b"]],
    ["({ n: User.query.count() }).n", 4],
    ["({ ['k' + User.query.count()]: 1 })", { k4: 1 }],
    ["({ ...User.query.first() }).username", "ann"],
    ["User.query.count() > 3 ? 'many' : 'few'", "many"],
    ["if (User.query.count() > 3) 'many'", "many"],
    ["if (sleep(1, false)) 'yes'; else 'no'", "no"],
    ["sleep(1, 0) || sleep(1, 'b')", "b"],
    ["sleep(1, 1) && sleep(1, 2)", 2],
    ["sleep(1, null) ?? 'd'", "d"],
    ["let n = 0; while (sleep(1, n < 3)) n++; n", 3],
    ["let n = 0; do n++; while (sleep(1, n < 3)); n", 3],
    ["let out; switch (sleep(1, 2)) { case 1: out = 'a'; break; case sleep(1, 2): out = 'b' }; out", "b"],
    ["const names = []; for (const u of User.query.all()) names.push(u.username); names.length", 4],
    ["const names = []; for (const u of await User.query.all()) names.push(u.username); names.length", 4],
    ["const keys = []; for (const k in sleep(1, { a: 1, b: 2 })) keys.push(k); keys", ["a", "b"]],
    ["const names = []; for await (const u of User.query) names.push(u.username); names", ["ann", "bob", "cid", "dee"]],
    ["let last; for await (last of User.query.limit(2)); last.username", "bob"],
    ["for await (var v of [sleep(1, 1), 2]); v", 2],
    [
      "const seen = []; outer: for await (const { id } of User.query) { if (id === 2) continue outer; if (id === 4) break; seen.push(id) }; seen",
      [1, 3],
    ],
    [
      "let ended = false; async function* g() { try { yield 1; yield 2 } finally { await sleep(1); ended = true } }; for await (const x of g()) break; ended",
      true,
    ],
    [
      "const a = []; async function* g() { yield* [1, 2] }; for await (const x of g()) for await (const y of g()) a.push(x * y); a",
      [1, 2, 2, 4],
    ],
    ["await User.query.count()", 4],
    ["await sleep(1, 3) + await sleep(1, 4)", 7],
    ["(await sleep(1, { a: 2 })).a", 2],
    ["User.query.count().then(n => n + 1)", 5],
    ["sleep(1).then(() => { throw new Error('x') }).catch(e => e.message)", "x"],
    ["Promise.all([User.query.count(), sleep(1, 2)])", [4, 2]],
    ["Promise.race([sleep(50, 'slow'), sleep(1, 'fast')])", "fast"],
    ["Promise.all(User.query.all().map(async u => u.id))", [1, 2, 3, 4]],
    ["let p: Promise<number> = sleep(1, 4); p instanceof Promise", true],
    ["let p: Promise<number> = sleep(1, 4); p", 4],
    ["let p = sleep(1, 5); const q = p.then(x => x + 1); q", 6],
    ["let p = sleep(1, 5); [p instanceof Promise, await p]", [true, 5]],
    ["const p = sleep(1, 1), q = sleep(1, 2); Promise.all([p, q])", [1, 2]],
    ["void sleep(1)", undefined],
    ["sleep(1, 1) instanceof Promise", true],
    ["(sleep(1, 'x'), sleep(1, 'y'))", "y"],
    ["x = y = sleep(1, 8); [x, y]", [8, 8]],
    ["const o = { n: 1 } as any; o.n += sleep(1, 2); o.n", 3],
    ["const o = {} as any; o.a ??= sleep(1, 'v'); o.a", "v"],
    ["new Map([[1, sleep(1, 'q')]]).get(1)", "q"],
    ["((a, b) => a + b)(sleep(1, 1), sleep(1, 2))", 3],
    ["const f = async (n: number) => n * 2; f(2) + 1", 5],
    ["function f() { return sleep(1, 'late') }; f().toUpperCase()", "LATE"],
    ["const tag = (s: any, v: any) => sleep(1, s[0] + v); tag`n${3}`.length", 2],
    ["const f = () => User.query.first(); typeof f", "function"],
    ["[1, 2].map(() => User.query.count()).every(p => p instanceof Promise)", true],
    ["const obj = { async m() { return this.v }, v: 9 }; obj.m() + 1", 10],
    ["const obj = { get() { return obj }, m() { return this === obj } } as any; obj?.get()?.m?.()", true],
    ["const obj = { m: undefined } as any; obj.m?.(sleep(1).x.y)", undefined],
    ["const obj = null as any; obj?.a.b.c(1).d", undefined],
    ["(User?.query).count()", 4],
    ["typeof sleep(1, 1)", "number"],
    ["throwing: try { sleep(1).then(() => { throw new Error('in') }) } catch (e) { e.message }", "in"],
    ["const then = { then(done: (v: string) => void) { done('thenable') } }; then", "thenable"],
    ["const proxy = new Proxy({}, { get: () => () => 1 }); typeof proxy", "object"],
    ["(await import('node:path')).sep.length", 1],
    ["class B extends (await sleep(1, Map)) {}; new B() instanceof Map", true],
    ["const o = { [await sleep(1, 'k')]: 1 }; o.k", 1],
  ])("%s gives %j", async (text, expected) => {
    const value = await valueOf(text);
    if (expected === ann) expect(value).toMatchObject(ann);
    else expect(value).toEqual(expected);
  });

  it("is not awaited where nothing is a promise", async () => {
    const { evaluator } = shell();
    let turns = 0;
    evaluator.define({ turn: () => (turns += 1) });
    const run = runAll(["turn(); turn(); turn()"], evaluator);
    expect(turns).toBe(3);
    expect(await run).toEqual({ kind: "value", value: 3 });
  });

  it("that was given up on with void does not hold the prompt", async () => {
    const outcome = await Promise.race([runAll(["void new Promise(() => {})"]), sleep(2000, "held" as const)]);
    expect(outcome).toMatchObject({ kind: "value", value: undefined });
  });
});

describe("a name", () => {
  it.each<[string[], unknown]>([
    [["const a = 1", "const a = 2", "a"], 2],
    [["let a = 1", "class a {}", "typeof a"], "function"],
    [["class A { v = 1 }", "class A { v = 2 }", "new A().v"], 2],
    [["function f() { return 1 }", "function f() { return 2 }", "f()"], 2],
    [["const f = 1", "function f() { return 'f' }", "f()"], "f"],
    [
      ["enum E { A }", "enum E { B = 4 }", "[E.A, E.B]"],
      [undefined, 4],
    ],
    [["interface A {}", "interface A { b: 1 }", "1"], 1],
    [["const a = 1", "{ const a = 2 }", "a"], 1],
    [["let a = 1", "let a", "a"], undefined],
    [["var a = 1", "var a", "a"], 1],
    [
      ["for (var i = 0; i < 3; i++) { var twice = i * 2 }", "[i, twice]"],
      [3, 4],
    ],
    [["if (true) { var inner = 1 }", "inner"], 1],
    [["for (var k in { a: 1 });", "k"], "a"],
    [["for (let i = 0; i < 3; i++);", "typeof i_that_is_local"], "undefined"],
    [
      ["const { a, b: [c = 3], ...d } = { a: 1, b: [], e: 2 } as any", "[a, c, d]"],
      [1, 3, { e: 2 }],
    ],
    [["undeclared = 1", "undeclared + 1"], 2],
    [["const crypto = 5", "crypto"], 5],
    [["f(); function f() { hoisted = 'yes' }", "hoisted"], "yes"],
    [["const f = () => {}", "f.name"], "f"],
    [["const C = class {}", "C.name"], "C"],
    [["const 日本語 = 1", "日本語 + 1"], 2],
    [["let a = 1", "const f = () => a", "let a = 2", "f()"], 2],
    [["const a = 1; const b = a + 1", "a + b"], 3],
    [["async function f() { return await sleep(1, 'r') }", "f()"], "r"],
    [
      ["function* g() { yield 1; yield 2 }", "[...g()]"],
      [1, 2],
    ],
    [["export function f() { return 3 }", "f()"], 3],
    [["export class A { v = 3 }", "new A().v"], 3],
    [["const t = [1, 2, 3]", "const [, second] = t", "second"], 2],
    [["const __dirname = 5", "__dirname"], 5],
    [["let _ = 1", "_"], 1],
  ])("%j: the last gives %j", async (inputs, expected) => {
    expect(await valueOf(...inputs)).toEqual(expected);
  });

  it("keeps its value when a new initialiser throws, and can be declared again", async () => {
    const { evaluator } = shell();
    expect((await runAll(["const a = 1", "const a = nothing.here"], evaluator)).kind).toBe("error");
    expect(await runAll(["const a = 2", "a"], evaluator)).toEqual({ kind: "value", value: 2 });
  });

  it("_ is the last value and _error the last error", async () => {
    const { evaluator } = shell();
    expect(await runAll(["6 * 7", "const quiet = 1", "_ + 1"], evaluator)).toEqual({ kind: "value", value: 43 });
    await runAll(["throw new RangeError('far')"], evaluator);
    expect(await runAll(["_error.message"], evaluator)).toEqual({ kind: "value", value: "far" });
  });
});

describe("an import", () => {
  beforeAll(() => {
    writeFileSync(join(directory, "plain.js"), "exports.answer = 42; exports.default = 'mine';");
    writeFileSync(join(directory, "single.js"), "module.exports = function single() { return 's' };");
    writeFileSync(
      join(directory, "typed.ts"),
      "export interface A { b: number }\nexport const value: number = 7;\nexport default class Typed { x: number = 1 }\n",
    );
    writeFileSync(join(directory, "module.mjs"), "export const es = 'module'; export default 'es default';");
    writeFileSync(join(directory, "data.json"), '{"rows": 3}');
    writeFileSync(join(directory, "broken.ts"), "export const a = 1;\nexport const b = a.c.d;\n");
  });

  it.each<[string[], unknown]>([
    [["import { join } from 'node:path'", "join('a', 'b')"], join("a", "b")],
    [["import path from 'path'", "typeof path.join"], "function"],
    [["import * as path from 'path'", "typeof path.join"], "function"],
    [
      ["import fs, { statSync as stat } from 'node:fs'", "[typeof fs.readFileSync, typeof stat]"],
      ["function", "function"],
    ],
    [["import { answer } from './plain'", "answer"], 42],
    [
      ["import mine, { answer as a } from './plain.js'", "[a, mine.answer]"],
      [42, 42],
    ],
    [["import single from './single'", "single()"], "s"],
    [
      ["import Typed, { value } from './typed'", "[value, new Typed().x]"],
      [7, 1],
    ],
    [["import { value } from './typed.ts'", "value"], 7],
    [["import { value } from './typed.js'", "value"], 7],
    [
      ["import d, { es } from './module.mjs'", "[d, es]"],
      ["es default", "module"],
    ],
    [["import data from './data.json'", "data.rows"], 3],
    [["const { value } = await import('./typed')", "value"], 7],
    [["async function late() { return (await import('./plain')).answer }", "late()"], 42],
    [["import fs = require('node:fs')", "typeof fs.statSync"], "function"],
    [["import type { A } from './typed'", "1"], 1],
    [["import { type A, value } from './typed'", "value"], 7],
    [["import './plain'; import { answer } from './plain'; answer + 1"], 43],
    [["export { answer } from './plain'", "2"], 2],
    [["import.meta.dirname"], directory],
    [["import { Sequelize } from 'sequelize'", "typeof Sequelize"], "function"],
  ])("%j: the last gives %j", async (inputs, expected) => {
    const { evaluator } = shell();
    if (inputs.some((input) => input.includes("sequelize"))) {
      const here = new Evaluator({ directory: __dirname });
      expect(await runAll(inputs, here)).toEqual({ kind: "value", value: expected });
    } else expect(await runAll(inputs, evaluator)).toEqual({ kind: "value", value: expected });
  });

  it("that finds nothing names what was asked for", async () => {
    expect(await errorText("import x from './nowhere'")).toContain("Cannot find module './nowhere'");
  });

  it("that fails inside the file shows the file's line", async () => {
    expect(await errorText("import { b } from './broken'")).toMatch(
      /Cannot read properties of undefined \(reading 'd'\)[\s\S]*broken\.ts:2:\d+/,
    );
  });
});

describe("a relationship", () => {
  it.each<[string, unknown]>([
    ["const u = User.query.first(); u.role.name", "role of ann"],
    ["User.query.first().role.name", "role of ann"],
    ["`${User.query.first().role.name}!`", "role of ann!"],
    ["[User.query.first().role.name].length", 1],
    ["String(User.query.first().role.name)", "role of ann"],
    ["if (User.query.first().role.name === 'role of ann') 'same'", "same"],
    ["User.query.first()?.role?.name", "role of ann"],
    ["User.query.first()['role'].name", "role of ann"],
    ["const key = 'role'; User.query.first()[key].name", "role of ann"],
    ["const names = []; for (const u of User.query.all()) names.push(u.role.name); names.length", 4],
    ["let n = 0; for (const c of User.query.first().role.name) n++; n", 11],
    ["const u = User.query.first(); u.role.name = 'new'; u.role.name", "new"],
    ["const role = User.query.first().role; role.name", "role of ann"],
    ["const u = User.query.first(); const f = () => u.role; f()", undefined],
    ["User.query.all().map(u => u.role)[0]", undefined],
    ["const u = User.query.first(); u.role = { name: 'given' }; u.role.name", "given"],
    ["const u = User.query.first(); typeof u.role", "object"],
    ["const { role } = User.query.first(); role.name", "role of ann"],
    ["const { role: { name } } = User.query.first(); name", "role of ann"],
    ["const [{ role }] = User.query.all(); role.name", "role of ann"],
    ["let role; ({ role } = User.query.first()); role.name", "role of ann"],
    ["const out = []; for (const { role } of User.query.all()) out.push(role.name); out[3]", "role of dee"],
    ["const out = []; for (let { role: { name } } of User.query.all()) out.push(name); out[3]", "role of dee"],
    [
      "const out = []; for (const { username, role: { name } = {}, ...rest } of User.query.all()) out.push(name); out[3]",
      "role of dee",
    ],
    [
      "const out = []; for (const [n, { 'role': r }] of User.query.all().entries()) out.push(n + r.name); out[3]",
      "3role of dee",
    ],
    ["const out = []; for (var { role } of User.query.all()) out.push(role.name); role.name", "role of dee"],
    ["let role; const out = []; for ({ role } of User.query.all()) out.push(role.name); out[3]", "role of dee"],
    ["const out = []; for await (const { role } of User.query.all()) out.push(role.name); out[3]", "role of dee"],
    [
      "let n = 0; for (const { role: a } of User.query.all()) for (const { role: b } of User.query.limit(2).all()) if (a.name === b.name) n++; n",
      2,
    ],
    [
      "let n = 0; outer: for (const { role } of User.query.all()) { if (role.name === 'role of bob') continue outer; n++; if (n === 2) break }; n",
      2,
    ],
  ])("%s gives %j", async (text, expected) => {
    expect(await valueOf(text)).toEqual(expected);
  });
});

describe("an error", () => {
  it.each<[string[], string]>([
    [["missing.foo"], "error: ReferenceError: missing is not defined\n  1 | missing.foo\n    | ^^^^^^^"],
    [
      ["const a = {} as any", "\na.b.c"],
      "error: TypeError: Cannot read properties of undefined (reading 'c')\n  2 | a.b.c\n    |     ^",
    ],
    [
      ["const u = User.query.first()", "u.greeet()"],
      'error: TypeError: u.greeet is not a function\n  1 | u.greeet()\n    |   ^^^^^^\nhint: did you mean "greet"?',
    ],
    [
      ["User.query.filter_by({})"],
      'error: TypeError: User.query.filter_by is not a function\n  1 | User.query.filter_by({})\n    |            ^^^^^^^^^\nhint: did you mean "filterBy"?',
    ],
    [["throw new Error('mine')"], "error: mine\n  1 | throw new Error('mine')\n    |       ^^^"],
    [["throw 5"], "error: 5 was thrown"],
    [["throw 'text'"], 'error: "text" was thrown'],
    [["throw null"], "error: null was thrown"],
    [["throw { message: 'odd' }"], "error: odd was thrown"],
    [
      ["const f = (): void => {\n  const typed: number = 1;\n  null!.x\n}\nf()"],
      "error: TypeError: Cannot read properties of null (reading 'x')\n  3 |   null!.x\n    |         ^\n    at f (line 3, column 9)",
    ],
    [
      ["sleep(1).then(() => { throw new Error('later') })"],
      "error: later\n  1 | sleep(1).then(() => { throw new Error('later') })\n    |                             ^^^",
    ],
    [
      ["{ a: undefinedName }"],
      "error: ReferenceError: undefinedName is not defined\n  1 | { a: undefinedName }\n    |      ^^^^^^^^^^^^^",
    ],
    [["for (const x of 5) x"], "error: TypeError: 5 is not iterable"],
    [["const [q] = User.query.count()"], "error: TypeError"],
    [
      ["function g() { await 3 }"],
      "error: SyntaxError: await is only valid in async functions and the top level bodies of modules\n  1 | function g() { await 3 }",
    ],
    [["new User()"], "error: TypeError: User is not a constructor\n  1 | new User()"],
    [["const e = new Error('x'); e.hint = 'do y'; e.sql = 'SELECT 1'; throw e"], "error: x\n  SELECT 1\n"],
  ])("of %j is told with its place", async (inputs, expected) => {
    const text = await errorText(...inputs);
    if (expected.includes(" at f ")) expect(text).toContain(expected.split("\n    at f")[0]);
    else expect(text.slice(0, expected.length)).toBe(expected);
  });

  it("shows no frame of the shell or of a package", async () => {
    const text = await errorText("function a() { b() }\nfunction b() { throw new Error('deep') }\na()");
    expect(text).not.toMatch(/node:|REPL\d|evaluate|shell-step|node_modules/);
    expect(text).toContain("at a (line 1");
  });

  it("in a function of an earlier input shows that input's line", async () => {
    const text = await errorText("function first() {\n  return null.x\n}", "1;\n\nfirst()");
    expect(text).toContain("  2 |   return null.x");
    expect(text).toContain("at input (line 3, column 1)");
  });
});

describe("an interrupt", () => {
  it("ends an await that never would, and runs finally but not catch", async () => {
    const { evaluator } = shell();
    const run = runAll(
      [
        "var trace = []",
        "try { await new Promise(() => {}) } catch { trace.push('catch') } finally { trace.push('finally') }",
      ],
      evaluator,
    );
    await sleep(20);
    evaluator.interrupt();
    expect(await run).toEqual({ kind: "interrupted" });
    expect(await runAll(["trace"], evaluator)).toEqual({ kind: "value", value: ["finally"] });
  });

  it("ends a loop of awaits for good", async () => {
    const { evaluator } = shell();
    const run = runAll(["var turns = 0", "for (;;) { await sleep(1); turns++ }"], evaluator);
    await sleep(30);
    evaluator.interrupt();
    expect(await run).toEqual({ kind: "interrupted" });
    const first = await runAll(["turns"], evaluator);
    await sleep(20);
    expect(await runAll(["turns"], evaluator)).toEqual(first);
  });

  it("waits for what a finally block awaits", async () => {
    const { evaluator } = shell();
    const run = runAll(["try { await new Promise(() => {}) } finally { await sleep(5); cleaned = true }"], evaluator);
    await sleep(20);
    evaluator.interrupt();
    expect(await run).toEqual({ kind: "interrupted" });
    expect(await runAll(["cleaned"], evaluator)).toEqual({ kind: "value", value: true });
  });

  it("by SIGINT stops a loop that never waits, also after an await", async () => {
    const { evaluator } = shell();
    for (const code of ["for (;;);", "await sleep(1); for (;;);"]) {
      const killer = `setTimeout(() => process.kill(${process.pid}, "SIGINT"), 300)`;
      const { spawn } = await import("node:child_process");
      const child = spawn(process.execPath, ["-e", killer]);
      expect(await runAll([code], evaluator)).toEqual({ kind: "interrupted" });
      child.kill();
    }
  });
});
