// What a person waits for in a day of migrations, beside Alembic: whole processes, medians of interleaved runs.
//   node bench/migrations.mjs [--tables 100] [--runs 3] [--revisions 500] [--dist folder]
// Tables have 20 columns, a key, a foreign key, a unique constraint and an index. TEST_POSTGRES_URL and TEST_MARIADB_URL add those
// servers. Alembic is measured where python3-alembic is installed (and python3-psycopg2, python3-pymysql for the servers).
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { URL } from "node:url";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    tables: { type: "string", default: "100" },
    runs: { type: "string", default: "3" },
    revisions: { type: "string", default: "500" },
    dist: { type: "string", default: resolve(import.meta.dirname, "../dist") },
  },
});
const runs = Number(options.runs);
const peers = resolve(import.meta.dirname, "peers");
const folder = mkdtempSync(join(tmpdir(), "sequelize-shell-bench-"));
const { Sequelize } = createRequire(import.meta.url)("sequelize");

function pythonWith(...modules) {
  const code = `import ${["alembic", ...modules].join(", ")}`;
  return ["python3", "/usr/bin/python3"].find(
    (python) => spawnSync(python, ["-c", code], { stdio: "ignore" }).status === 0,
  );
}

/** Runs a command to its end. @returns milliseconds of the clock and of the processor, its own and its children's */
function measure(command, args, { cwd, env }) {
  const timed = ["-c", 'TIMEFORMAT="%R %U %S"; time "$@" >output 2>&1', "bash", command, ...args];
  const { status, stderr } = spawnSync("bash", timed, { cwd, encoding: "utf8", env: { ...process.env, ...env } });
  if (status !== 0)
    throw new Error(
      `${command} ${args.join(" ")}: exit ${status}, \n${readFileSync(join(cwd, "output"), "utf8").slice(-2000)}`,
    );
  const [real, user, system] = stderr.trim().split(/\s+/).map(Number);
  return { wall: real * 1000, cpu: (user + system) * 1000 };
}

/** The phases of a day, as commands of a program; `changed` ones see the changed models. */
const PHASES = [
  { name: "first revision", command: "migrate", changed: false },
  { name: "upgrade", command: "upgrade", changed: false },
  { name: "nothing to do", command: "compare", changed: false },
  { name: "change", command: "migrate", changed: true },
  { name: "upgrade ", command: "upgrade", changed: true },
];

const ours = {
  name: "sequelize-shell",
  prepare(cwd, url) {
    measure(process.execPath, [join(resolve(options.dist), "shell.js"), "db", "init", "--url", url], { cwd });
  },
  run(command, cwd, url, env) {
    const words = {
      migrate: ["migrate", "-m", "bench"],
      compare: ["check"],
      upgrade: ["upgrade"],
      history: ["history"],
    }[command];
    // Only a comparison reads the models; Alembic's environment reads them always.
    const models =
      command === "migrate" || command === "compare" ? ["--models", join(peers, "migration-models.cjs")] : [];
    const args = ["db", ...words, "--url", url, ...models];
    return measure(process.execPath, [join(resolve(options.dist), "shell.js"), ...args], { cwd, env });
  },
  revision: (i) => ({
    file: join("migrations", "versions", `${id(i)}_change.ts`),
    text: `/** change ${i} */\nimport { type Operations } from "sequelize-shell/migrations";\n\nexport const revision = "${id(i)}";\nexport const downRevision: string | string[] | null = ${i === 0 ? "null" : `"${id(i - 1)}"`};\n\nexport async function upgrade(op: Operations): Promise<void> {\n  await op.execute("SELECT ${i}");\n}\n\nexport async function downgrade(op: Operations): Promise<void> {\n  await op.execute("SELECT ${i}");\n}\n`,
  }),
};

const alembic = {
  name: "Alembic",
  prepare(cwd) {
    mkdirSync(join(cwd, "migrations", "versions"), { recursive: true });
    copyFileSync(join(peers, "alembic", "env.py"), join(cwd, "migrations", "env.py"));
    writeFileSync(join(cwd, "alembic.ini"), "[alembic]\nscript_location = migrations\n");
    const template = `"""\${message}"""\nfrom alembic import op\nimport sqlalchemy as sa\n\${imports if imports else ""}\n\nrevision = \${repr(up_revision)}\ndown_revision = \${repr(down_revision)}\nbranch_labels = None\ndepends_on = None\n\n\ndef upgrade():\n    \${upgrades if upgrades else "pass"}\n\n\ndef downgrade():\n    \${downgrades if downgrades else "pass"}\n`;
    writeFileSync(join(cwd, "migrations", "script.py.mako"), template);
  },
  run(command, cwd, url, env) {
    const words = {
      migrate: ["revision", "--autogenerate", "-m", "bench"],
      // It compares and writes a revision that does nothing: its own check came later than the version of Debian.
      compare: ["revision", "--autogenerate", "-m", "nothing"],
      upgrade: ["upgrade", "head"],
      history: ["history"],
    }[command];
    const result = measure(this.python, ["-m", "alembic", ...words], { cwd, env: { ...env, URL: toSqlalchemy(url) } });
    if (command === "compare")
      measure(this.python, ["-m", "alembic", "upgrade", "head"], { cwd, env: { ...env, URL: toSqlalchemy(url) } });
    return result;
  },
  revision: (i) => ({
    file: join("migrations", "versions", `${id(i)}_change.py`),
    text: `"""change ${i}"""\nfrom alembic import op\n\nrevision = "${id(i)}"\ndown_revision = ${i === 0 ? "None" : `"${id(i - 1)}"`}\nbranch_labels = None\ndepends_on = None\n\n\ndef upgrade():\n    op.execute("SELECT ${i}")\n\n\ndef downgrade():\n    op.execute("SELECT ${i}")\n`,
  }),
};

function id(i) {
  return (0xa0000000 + i).toString(16);
}

function toSqlalchemy(url) {
  return url
    .replace(/^sqlite:/, "sqlite:///")
    .replace(/^postgres:/, "postgresql+psycopg2:")
    .replace(/^mariadb:/, "mysql+pymysql:");
}

/** A database of a server that the bench makes and drops. */
async function onServer(server, work) {
  if (server === undefined) return;
  const admin = new Sequelize(server, { logging: false });
  await work(admin);
  await admin.close();
}

const NAME = "sequelize_shell_bench_migrations";
const databases = [
  { name: "SQLite file", modules: [], url: (cwd) => `sqlite:${join(cwd, "bench.sqlite")}` },
  { name: "PostgreSQL", modules: ["psycopg2"], server: process.env.TEST_POSTGRES_URL },
  { name: "MariaDB", modules: ["pymysql"], server: process.env.TEST_MARIADB_URL },
];

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const cell = (measures, key) => median(measures.map((measured) => measured[key]));
const row = (name, all, base) => {
  const cells = Object.entries(all).map(([phase, measures]) => {
    const wall = cell(measures, "wall");
    const ratio = base === all ? "" : `, ${(cell(measures, "cpu") / cell(base[phase], "cpu")).toFixed(2)}`;
    return `${wall.toFixed(0)} (${cell(measures, "cpu").toFixed(0)}${ratio})`;
  });
  return `| ${name} | ${cells.join(" | ")} |`;
};

try {
  console.log(
    `node ${process.version}, ${options.tables} tables of 20 columns, ${runs} runs, medians in ms; ` +
      "in brackets: processor ms, and how many times those of sequelize-shell\n",
  );
  let done = 0;
  for (const database of databases) {
    if (database.url === undefined && database.server === undefined) {
      console.log(`${database.name}: skipped, its TEST_*_URL is not set.\n`);
      continue;
    }
    alembic.python = pythonWith(...database.modules);
    const programs = alembic.python ? [ours, alembic] : [ours];
    if (!alembic.python) console.error(`Alembic is not there for ${database.name}.`);
    const results = new Map(
      programs.map((program) => [program, Object.fromEntries(PHASES.map(({ name }) => [name, []]))]),
    );
    for (let run = 0; run < runs; run++) {
      for (const program of programs) {
        const cwd = join(folder, `run-${++done}`);
        mkdirSync(cwd);
        const server = database.server && new URL(database.server);
        if (server) server.pathname = `/${NAME}`;
        const url = server ? String(server) : database.url(cwd);
        await onServer(database.server, async (admin) => {
          await admin.query(`DROP DATABASE IF EXISTS ${NAME}`);
          await admin.query(`CREATE DATABASE ${NAME}`);
        });
        program.prepare(cwd, url);
        for (const { name, command, changed } of PHASES) {
          const env = { TABLES: options.tables, CHANGED: changed ? "1" : "0" };
          results.get(program)[name].push(program.run(command, cwd, url, env));
        }
        await onServer(database.server, (admin) => admin.query(`DROP DATABASE IF EXISTS ${NAME}`));
      }
    }
    console.log(`| ${database.name} | ${PHASES.map(({ name }) => name.trim()).join(" | ")} |`);
    console.log(`|---|${"---|".repeat(PHASES.length)}`);
    for (const program of programs) console.log(row(program.name, results.get(program), results.get(ours)));
    console.log();
  }

  alembic.python = pythonWith();
  const programs = alembic.python ? [ours, alembic] : [ours];
  const results = new Map(programs.map((program) => [program, { history: [], node: [] }]));
  for (const program of programs) {
    const cwd = join(folder, `history-${program.name}`);
    mkdirSync(cwd);
    const url = `sqlite:${join(cwd, "bench.sqlite")}`;
    program.prepare(cwd, url);
    for (let i = 0; i < Number(options.revisions); i++) {
      const { file, text } = program.revision(i);
      writeFileSync(join(cwd, file), text);
    }
    for (let run = 0; run <= runs * 3; run++) {
      const measured = program.run("history", cwd, url, { TABLES: "1" });
      const bare =
        program === ours
          ? measure(process.execPath, ["-e", "1"], { cwd })
          : measure(alembic.python, ["-c", "1"], { cwd });
      // The first fills the caches of both.
      if (run > 0) {
        results.get(program).history.push(measured);
        results.get(program).node.push(bare);
      }
    }
  }
  console.log(`| history of ${options.revisions} revisions | history | the bare interpreter |\n|---|---|---|`);
  for (const program of programs) console.log(row(program.name, results.get(program), results.get(ours)));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
