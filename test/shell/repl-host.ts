import { appendFileSync } from "node:fs";
import { runRepl } from "../../src/shell/repl";

/** Starts the interactive shell on a fake context, for tests with a terminal. */
async function main(): Promise<void> {
  await runRepl({
    name: "fake",
    open: async () => {
      const { FakeContext } = await import("./fake-context.js");
      const context = new FakeContext();
      if (process.env.EVENTS_FILE !== undefined) {
        const file = process.env.EVENTS_FILE;
        const { push } = context.events;
        context.events.push = (...events) => {
          appendFileSync(file, events.map((event) => `${event}\n`).join(""));
          return push.apply(context.events, events);
        };
      }
      return context;
    },
    input: process.stdin,
    output: process.stdout,
    errorOutput: process.stderr,
  });
  process.stdout.write("bye\n");
}

main().catch((error: unknown) => {
  process.stderr.write(`host failed: ${String(error)}\n`);
  process.exitCode = 1;
});
