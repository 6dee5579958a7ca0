import { Writable } from "node:stream";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type BatchEnding, type BatchOptions, runBatch } from "../../src/shell/batch";
import { FakeContext, sleep } from "./fake-context";

interface Result {
  ending: BatchEnding;
  out: string;
  err: string;
  context: FakeContext;
}

class Collector extends Writable {
  text = "";
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

async function* chunks(...texts: string[]): AsyncGenerator<string> {
  for (const text of texts) yield await Promise.resolve(text);
}

async function batch(options: Partial<BatchOptions> | string, context = new FakeContext()): Promise<Result> {
  const [output, errorOutput] = [new Collector(), new Collector()];
  const given = typeof options === "string" ? { input: chunks(options) } : options;
  const ending = await runBatch({ context, output, errorOutput, ...given });
  return { ending, out: output.text, err: errorOutput.text, context };
}

describe("stdin", () => {
  it("runs one input after the other and writes each value", async () => {
    expect(
      await batch("1 + 1\nconst u = User.query.first()\nu.username\n\n// remark\nUser.query.count()\n"),
    ).toMatchObject({
      ending: "done",
      out: "2\nann\n4\n",
      err: "",
    });
  });

  it("finishes each input before the next begins, however long it takes", async () => {
    const { out } = await batch("const order = []\nsleep(30).then(() => order.push(1))\norder.push(2)\norder\n");
    expect(out).toBe("1\n2\n[1,2]\n");
  });

  it("joins lines that belong together", async () => {
    const { out } = await batch(
      "User.query\n  .limit(2)\n  .count()\nif (false) {\n  1\n}\nelse {\n  'other'\n}\nfunction f() {\n  return 3\n}\nf()",
    );
    expect(out).toBe("2\nother\n3\n");
  });

  it("joins lines that arrive in pieces", async () => {
    const { out } = await batch({ input: chunks("User.que", "ry\n  .lim", "it(2)\r", "\n  .count()\n1 +", "\n 1") });
    expect(out).toBe("2\n2\n");
  });

  it("answers a line before the next one is sent", async () => {
    const output = new Collector();
    async function* conversation(): AsyncGenerator<string> {
      yield "1 + 1\n";
      while (output.text !== "2\n") await sleep(5);
      yield "const a = 3\n";
      yield "a\n";
    }
    await runBatch({ context: new FakeContext(), output, errorOutput: new Collector(), input: conversation() });
    expect(output.text).toBe("2\n3\n");
  });

  it("stops at the first error and names its line", async () => {
    expect(await batch("1\n\n\nnothing_here.x\n2\n")).toMatchObject({
      ending: "failed",
      out: "1\n",
      err: "error: line 4: ReferenceError: nothing_here is not defined\n  4 | nothing_here.x\n    | ^^^^^^^^^^^^\n",
    });
  });

  it("names the line inside an input of several lines", async () => {
    const { err } = await batch("1\n[1,\n  2,\n  null.x]\n");
    expect(err).toMatch(/^error: line 4: TypeError/);
  });

  it("names the line of a syntax error", async () => {
    const { ending, err } = await batch("1\nf(\n  1 2\n)\nlet x = ;\n");
    expect(ending).toBe("failed");
    expect(err).toMatch(/^error: line 3: SyntaxError: /);
  });

  it("goes on after errors when told to, and still says that it failed", async () => {
    const result = await batch({ input: chunks("nothing_here\nlet x = ;\n7\n"), keepGoing: true });
    expect(result).toMatchObject({ ending: "failed", out: "7\n" });
    expect(result.err.match(/^error: line \d/gm)).toEqual(["error: line 1", "error: line 2"]);
  });

  it("takes an input that is not finished at the end for an error", async () => {
    const { ending, out, err } = await batch("1\nfunction f() {\n");
    expect([ending, out]).toEqual(["failed", "1\n"]);
    expect(err).toMatch(/^error: line 2: SyntaxError: unexpected end of input: '}' expected./);
  });

  it("writes errors as one line of JSON in the format json", async () => {
    const context = new FakeContext();
    context.settings.format = "json";
    const { err } = await batch("const e = new RangeError('far\\naway'); e.sql = 'SELECT 1'; throw e\n", context);
    expect(JSON.parse(err)).toEqual({ error: { name: "RangeError", message: "far\naway", sql: "SELECT 1" } });
    expect(err.split("\n")).toHaveLength(2);
  });

  it("carries out commands", async () => {
    expect(await batch(".mode json\n.mode\n.limit 3\n.limit\nUser.query.count()\n.models\n")).toMatchObject({
      out: '4\n[{"model":"User","table":"users","rows":4}]\n',
      err: "mode is json\nlimit is 3\n",
    });
  });

  it("shows the SQL of an expression, also over lines", async () => {
    const { out } = await batch(".sql User.query\n  .limit(3)\n.sql [User.query.all(), User.query.count()]\n");
    expect(out).toBe("SELECT * FROM users;\n-- 1\nSELECT * FROM users;\n-- 2\nSELECT count(*) FROM users;\n");
  });

  it.each([
    [".sql 1 + 1", "error: line 1: that expression issued no SQL"],
    [".sql", "error: line 1: Cannot show SQL of nothing: .sql takes an expression.\nhint: .sql User.query.limit(3)"],
    [".sql User.query(", "error: line 1: SyntaxError: ')' expected."],
    [".sql nothing_here", "error: line 1: ReferenceError: nothing_here is not defined\n  1 | nothing_here\n"],
    [".hlep", 'error: line 1: Unknown command ".hlep".\nhint: did you mean ".help"? .help lists the commands'],
    [".mode xml", 'error: line 1: Unknown format "xml".\nhint: one of table, vertical'],
    [".limit many", 'error: line 1: Expected a whole number from 0 up after .limit, got "many".\nhint: .limit 100'],
    [".echo maybe", 'error: line 1: Expected "on" or "off" after .echo, got "maybe".\nhint: .echo on'],
    [".load", "error: line 1: Cannot load nothing: .load takes a file.\nhint: .load seed.ts"],
    [".load /nowhere.ts", 'error: line 1: Cannot read "/nowhere.ts": ENOENT.'],
  ])("%s is refused", async (command, expected) => {
    const { ending, err } = await batch(`${command}\n`);
    expect(ending).toBe("failed");
    expect(err.slice(0, expected.length)).toBe(expected);
  });

  it("lists the commands by subject, each with its usage, and tells more about one", async () => {
    const { out } = await batch(".help\n");
    expect(out).toMatch(/^prompt\n {2}\.help \[COMMAND\] /);
    for (const name of [
      "exit",
      "sql",
      "models",
      "mode",
      "limit",
      "echo",
      "timer",
      "history",
      "load",
      "edit",
      "editor",
    ]) {
      expect(out).toMatch(new RegExp(`^  \\.${name}\\b`, "m"));
      expect((await batch(`.help ${name}\n`)).out).toMatch(new RegExp(`^\\.${name}\\b.*\\n  .+\\n\\n.`));
    }
  });

  it("ends at .exit", async () => {
    expect(await batch("1\n.exit\n2\n")).toMatchObject({ ending: "done", out: "1\n" });
  });

  it("runs a loaded file as one program whose names stay", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "batch-")), "seed.ts");
    writeFileSync(
      file,
      "#!/usr/bin/env node\nconst loaded: number = later()\nfunction later() { return sleep(1, 5) }\nloaded\n",
    );
    expect(await batch(`.load ${file}\nloaded + 1\n`)).toMatchObject({ out: "6\n", err: "" });
  });

  it("rolls pending work back at the end and says so", async () => {
    const { err, context } = await batch("session.add(1)\nsession.add(2)\n");
    expect(err).toBe("note: 2 new not committed, rolled back\n");
    expect(context.events).toContain("rollback");
  });
});

describe("code on the command line", () => {
  it("shows the value of its last statement only", async () => {
    expect(await batch({ code: "1; User.query.count()" })).toMatchObject({ ending: "done", out: "4\n" });
    expect(await batch({ code: "1\n2\n3" })).toMatchObject({ out: "3\n" });
    expect(await batch({ code: "const a = 1" })).toMatchObject({ out: "" });
  });

  it("may be a command", async () => {
    expect(await batch({ code: ".sql User.query" })).toMatchObject({ out: "SELECT * FROM users;\n" });
  });

  it("may be empty", async () => {
    expect(await batch({ code: "" })).toMatchObject({ ending: "done", out: "", err: "" });
  });

  it("that is unfinished is an error", async () => {
    expect(await batch({ code: "f(" })).toMatchObject({ ending: "failed" });
  });
});

describe("a file", () => {
  it("runs as one program and shows no value", async () => {
    const program =
      "#!/usr/bin/env x\nshow(User.query.count())\nfunction show(n: number) { shown = n }\nUser.query.all()\n";
    const context = new FakeContext();
    expect(await batch({ program }, context)).toMatchObject({ ending: "done", out: "", err: "" });
    expect(await batch({ code: "shown" }, context)).toMatchObject({ out: "4\n" });
  });

  it("names the line of its errors", async () => {
    expect((await batch({ program: "const a = 1\n\nnothing_here.x\n" })).err).toMatch(/^error: line 3: ReferenceError/);
    expect((await batch({ program: "const a = 1\nlet x = ;\n" })).err).toMatch(/^error: line 2: SyntaxError/);
  });
});
