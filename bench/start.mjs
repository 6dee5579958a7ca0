// How fast the shell starts, beside plain node and the shells of others, in one run: medians of interleaved runs, as ratios.
// Peers are taken from the path and from bench/node_modules; the shells of Flask and Django are Debian's python3-flask-sqlalchemy and
// python3-django-extensions. Those that are not installed are shown as absent.
//   node bench/start.mjs [runs]
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import pty from "@lydell/node-pty";

const PYTHON = existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
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
  BENCH_DATABASE: file,
  PYTHONDONTWRITEBYTECODE: "1",
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
  return onTerminal(text, typed, process.execPath, ...args);
}

/** The same for any program; undefined where it is not installed. */
function onTerminal(text, typed, name, ...args) {
  const program = name.includes("/") ? name : find(name);
  if (program === undefined) return undefined;
  return () =>
    new Promise((done, fail) => {
      const start = performance.now();
      const terminal = pty.spawn(program, args, { name: "xterm-256color", cols: 100, rows: 30, env });
      let screen = "";
      let seen = false;
      const late = setTimeout(() => fail(new Error(`${name} never showed ${text}: ${screen}`)), 60_000);
      if (typed) terminal.write(typed);
      terminal.onData((data) => {
        screen += data;
        // Python's line editors ask where the cursor is.
        if (data.includes("\x1b[6n")) terminal.write("\x1b[1;1R");
        if (seen || !screen.includes(text)) return;
        seen = true;
        clearTimeout(late);
        const time = performance.now() - start;
        terminal.kill("SIGKILL");
        done(time);
      });
      terminal.onExit(() => {
        if (!seen) fail(new Error(`${name} ended without ${text}: ${screen}`));
      });
    });
}

function find(name) {
  const root = resolve(import.meta.dirname, "..");
  const folders = [join(root, "bench/node_modules/.bin"), join(root, "node_modules/.bin")];
  return [...folders, ...process.env.PATH.split(delimiter)]
    .map((each) => join(each, name))
    .find((each) => existsSync(each));
}

/** Whether Python, where it is the system's own, has a module. */
function python(module) {
  return spawnSync(PYTHON, ["-c", `import ${module}`]).status === 0;
}

const peers = resolve(import.meta.dirname, "peers");
const flask = [PYTHON, "-m", "flask", "--app", join(peers, "flask_shell.py"), "shell"];
const django = [PYTHON, join(peers, "django_manage.py"), "shell_plus", "--plain"];
const hasFlask = python("flask_sqlalchemy");
const hasDjango = python("django_extensions");

const tasks = {
  "node -e 1": whole("-e", "1"),
  "node -i, to the prompt": until("> ", undefined, "-i"),
  "sequelize-shell, to the prompt": until("data.sqlite> ", undefined, shell, file),
  'sequelize-shell, "Role.query.all()" typed at once': until("Moderator", "Role.query.all()\r", shell, file),
  'sequelize-shell -e "Role.query.all()"': whole(shell, file, "-e", "Role.query.all()"),
  "sequelize-shell --version": whole(shell, "--version"),
  "ts-node, to the prompt": onTerminal("> ", undefined, "ts-node"),
  'ts-node, "6 * 7" typed at once': onTerminal("42", "6 * 7\r", "ts-node"),
  "tsx, to the prompt": onTerminal("> ", undefined, "tsx"),
  "flask shell, to the prompt": hasFlask ? onTerminal(">>> ", undefined, ...flask) : undefined,
  "flask shell, all roles typed at once": hasFlask
    ? onTerminal("Moderator", "Role.query.all()\r", ...flask)
    : undefined,
  "Django shell_plus, to the prompt": hasDjango ? onTerminal(">>> ", undefined, ...django) : undefined,
  "Django shell_plus, all roles typed at once": hasDjango
    ? onTerminal("Moderator", "Role.objects.all()\r", ...django)
    : undefined,
  "ipython3, to the prompt": onTerminal("In [", undefined, "ipython3"),
  "litecli, to the prompt": onTerminal("data.sqlite>", undefined, "litecli", file),
  "litecli, all roles typed at once": onTerminal("Moderator", "SELECT * FROM roles;\r", "litecli", file),
  "sqlite3, to the prompt": onTerminal("sqlite> ", undefined, "sqlite3", file),
  "sqlite3, all roles typed at once": onTerminal("Moderator", "SELECT * FROM roles;\r", "sqlite3", file),
};

// The first start makes the data and the caches: it is not counted.
spawnSync(process.execPath, [shell, file, "-e", "Role.query.all()"], { env });
await startOnce();
/** Lets the interactive shell stand until it has kept its compiled code. */
function startOnce() {
  return new Promise((done) => {
    const terminal = pty.spawn(process.execPath, [shell, file], { name: "xterm-256color", cols: 100, rows: 30, env });
    terminal.onExit(done);
    setTimeout(() => terminal.write("Role.query.all()\r"), 2000);
    setTimeout(() => terminal.write(".exit\r"), 5000);
  });
}

const times = Object.fromEntries(Object.keys(tasks).map((name) => [name, []]));
for (let run = 0; run <= runs; run++) {
  for (const [name, task] of Object.entries(tasks)) {
    if (!task) continue;
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
  if (values.length === 0) console.log(`| ${name} | absent | |`);
  else console.log(`| ${name} | ${median(values).toFixed(0)} | ${(median(values) / base).toFixed(2)} |`);
}
// A terminal that was ended may still hold its pseudo-terminal.
process.exit(0);
