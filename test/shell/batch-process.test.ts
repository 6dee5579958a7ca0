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
});
