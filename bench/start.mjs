// How fast the shell starts, beside plain node, in one run: medians of interleaved runs, as ratios.
//   node bench/start.mjs [runs]
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import pty from "@lydell/node-pty";

const runs = Number(process.argv[2] ?? 15);
const shell = resolve(import.meta.dirname, "../dist/shell.js");
const folder = mkdtempSync(join(tmpdir(), "sequelize-shell-bench-"));
const file = join(folder, "data.sqlite");
const env = {
  ...process.env,
  HOME: folder,
  XDG_STATE_HOME: folder,
  XDG_CACHE_HOME: join(folder, "cache"),
  NO_COLOR: "1",
};

/** Milliseconds until a process ends. */
function whole(...args) {
  return () =>
    new Promise((done, fail) => {
      const start = performance.now();
      const child = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "pipe"] });
      let errors = "";
      child.stderr.on("data", (chunk) => (errors += chunk));
      child.on("exit", (code) =>
        code === 0 ? done(performance.now() - start) : fail(new Error(`exit ${code}: ${errors}`)),
      );
    });
}

/** Milliseconds until a text stands on the screen of a terminal; `typed` is sent at once. */
function until(text, typed, ...args) {
  return () =>
    new Promise((done) => {
      const start = performance.now();
      const terminal = pty.spawn(process.execPath, args, { name: "xterm-256color", cols: 100, rows: 30, env });
      let screen = "";
      if (typed) terminal.write(typed);
      terminal.onData((data) => {
        screen += data;
        if (!screen.includes(text)) return;
        const time = performance.now() - start;
        terminal.kill("SIGKILL");
        done(time);
      });
    });
}

const tasks = {
  "node -e 1": whole("-e", "1"),
  "node -i, to the prompt": until("> ", undefined, "-i"),
  "sequelize-shell, to the prompt": until("data.sqlite> ", undefined, shell, file),
  'sequelize-shell, "Role.query.all()" typed at once': until("Moderator", "Role.query.all()\r", shell, file),
  'sequelize-shell -e "Role.query.all()"': whole(shell, file, "-e", "Role.query.all()"),
  "sequelize-shell --version": whole(shell, "--version"),
};

// The first start makes the data and the caches: it is not counted.
spawnSync(process.execPath, [shell, file, "-e", "Role.query.count()"], { env });
const times = Object.fromEntries(Object.keys(tasks).map((name) => [name, []]));
for (let run = 0; run <= runs; run++) {
  for (const [name, task] of Object.entries(tasks)) {
    const time = await task();
    if (run > 0) times[name].push(time);
  }
}
rmSync(folder, { recursive: true });

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const base = median(times["node -e 1"]);
console.log(`node ${process.version}, ${runs} runs, median\n`);
console.log("| | ms | x node -e 1 |\n|---|---|---|");
for (const [name, values] of Object.entries(times)) {
  console.log(`| ${name} | ${median(values).toFixed(0)} | ${(median(values) / base).toFixed(2)} |`);
}
process.exit(0);
