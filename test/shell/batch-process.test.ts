import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildShell } from "./built-shell";

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

describe("a batch as a process", { timeout: 60_000 }, () => {
  let folder: string;
  beforeAll(() => {
    folder = buildShell();
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  function run(input: string, interruptAt?: RegExp): Promise<Ended> {
    return new Promise((resolve) => {
      const child = spawn(process.execPath, [join(folder, "test/shell/batch-host.js")]);
      const ended: Ended = { code: null, out: "", err: "" };
      child.stdout.on("data", (data: Buffer) => {
        ended.out += data.toString();
        if (interruptAt?.test(data.toString())) child.kill("SIGINT");
      });
      child.stderr.on("data", (data: Buffer) => (ended.err += data.toString()));
      child.on("close", (code) => {
        resolve({ ...ended, code });
      });
      child.stdin.end(input);
    });
  }

  it("ends with exit code 13 and a message when a promise never settles", async () => {
    expect(await run("1\nawait new Promise(() => {})\n2\n")).toEqual({
      code: 13,
      out: "1\n",
      err: "error: line 2 waits for a promise that will never settle\n",
    });
  });

  it.each(["sleep(60000)", "for (;;) await sleep(1)", "while (true) {}"])(
    "is interrupted by SIGINT in %s",
    async (code) => {
      const ended = await run(`console.log('now'); ${code}\n2\n`, /now/);
      expect(ended).toMatchObject({ code: 0, out: "now\nending: interrupted\n", err: "error: interrupted\n" });
    },
  );

  it.each([
    ["of a timer", "setTimeout(() => { throw new Error('late') }, 20)"],
    ["of a promise that nobody watches", "void sleep(20).then(() => { throw new Error('late') })"],
  ])("ends at an error %s, and names its line and place", async (_name, code) => {
    const ended = await run(`1\n${code}; 2\nsleep(20000)\n4\n`);
    const column = code.indexOf("new Error");
    expect(ended).toMatchObject({
      out: "1\n2\nending: failed\n",
      err: `error: line 2: late\n  2 | ${code}; 2\n    | ${" ".repeat(column)}^^^\n`,
    });
  });

  it.each(["stdout", "stderr"] as const)("ends without a word when the reader of %s has gone", async (stream) => {
    const child = spawn(process.execPath, [join(folder, "test/shell/batch-host.js")]);
    const others: string[] = [];
    child[stream === "stdout" ? "stderr" : "stdout"].on("data", (data: Buffer) => others.push(data.toString()));
    child[stream].once("data", () => child[stream].destroy());
    const write = stream === "stdout" ? "console.log" : "console.error";
    child.stdin.on("error", () => undefined);
    child.stdin.end(`for (;;) { ${write}("line"); await sleep(1) }\n`);
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect([code, others.join("")]).toEqual([141, ""]);
  });

  it("is interrupted by SIGINT while it waits for lines", async () => {
    const child = spawn(process.execPath, [join(folder, "test/shell/batch-host.js")]);
    let written = "";
    child.stdout.on("data", (data: Buffer) => {
      written += data.toString();
      if (written === "1\n") setTimeout(() => child.kill("SIGINT"), 200);
    });
    child.stderr.on("data", (data: Buffer) => (written += data.toString()));
    child.stdin.write("1\n");
    await new Promise((resolve) => child.on("close", resolve));
    expect(written).toContain("error: interrupted");
    expect(written).toContain("ending: interrupted");
  });
});
