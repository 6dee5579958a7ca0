import { appendFileSync } from "node:fs";
import { basename } from "node:path";
import { runRepl } from "../../src/shell/repl";

/** Starts the interactive shell on a fake context, for tests with a terminal. */
async function main(): Promise<void> {
  if (process.env.LIST_MODULES !== undefined) {
    const loaded = Object.keys(require.cache).map((file) => (file.includes("node_modules") ? file : basename(file)));
    process.on("exit", () => process.stdout.write(`modules: ${loaded.join(" ")}\n`));
    setImmediate(() => process.exit());
  }
  await runRepl({
    name: "fake",
    open: async () => {
      if (process.env.FAIL_TO_OPEN !== undefined) throw new Error("no database here");
      const { FakeContext } = await import("./fake-context.js");
      const context = new FakeContext({ types: process.env.FAKE_TYPES !== undefined });
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
