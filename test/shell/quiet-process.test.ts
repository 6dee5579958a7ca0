import { describe, expect, it } from "vitest";
import { programDatabases, runProgram, useProgramDatabase } from "./built-program";

describe.each(programDatabases())("waiting without end on $name", ({ skipReason, create }) => {
  const at = useProgramDatabase({ skipReason, create });

  it.skipIf(skipReason !== undefined)("ends with exit code 13, also after the session worked", async () => {
    const ended = await runProgram([at.url, "--empty", "--format", "json"], {
      input: "User.query.count()\nawait new Promise(() => {})\n3\n",
    });
    expect(ended).toEqual({
      exitCode: 13,
      stdout: "0\n",
      stderr: `${JSON.stringify({ error: { name: "Error", message: "line 2 waits for a promise that will never settle" } })}\n`,
    });
  });

  it.skipIf(skipReason !== undefined)("goes on as long as something can still happen", async () => {
    const waits = [
      "await new Promise((done) => setTimeout(done, 400))",
      'await new Promise((done) => require("node:child_process").exec("sleep 0.4", done))',
      "const server = require('node:net').createServer((socket) => setTimeout(() => socket.end('x'), 400)).listen(0)",
      "await new Promise((done) => require('node:net').connect(server.address().port).on('data', done))",
      "server.close()",
      "User.query.count()",
    ];
    const ended = await runProgram([at.url, "--empty", "--format", "json", "-e", waits.join("; ")]);
    expect(ended).toEqual({ exitCode: 0, stdout: "0\n", stderr: "" });
  });
});
