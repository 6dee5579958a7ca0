// What queries cost, beside their peers, in one run: medians of interleaved runs, each phase in a fresh process.
//   node bench/query.mjs [--runs 3] [--stream 1000000] [--only compile,load] [--dist folder]
// SQLite in a file; TEST_POSTGRES_URL and TEST_MARIADB_URL add those servers for loading and streaming.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    runs: { type: "string", default: "3" },
    stream: { type: "string", default: "1000000" },
    only: { type: "string" },
    dist: { type: "string", default: resolve(import.meta.dirname, "../dist") },
  },
});
const runs = Number(options.runs);
const wanted = options.only?.split(",");
const folder = mkdtempSync(join(tmpdir(), "sequelize-shell-bench-"));
const worker = resolve(import.meta.dirname, "query-phase.mjs");
const hasPeers = existsSync(resolve(import.meta.dirname, "node_modules"));
const python = ["python3", "/usr/bin/python3"].find(
  (command) => spawnSync(command, ["-c", "import sqlalchemy"], { stdio: "ignore" }).status === 0,
);
if (!hasPeers) console.error("Peers are not installed: (cd bench && npm install) adds them.");
if (!python) console.error("SQLAlchemy is not there: apt-get install python3-sqlalchemy adds it.");

const NAMES = {
  ours: "sequelize-shell",
  sequelize: "Sequelize",
  drizzle: "drizzle",
  kysely: "Kysely",
  driver: "the driver alone",
};
const peers = (...names) => [
  ...names.filter((name) => hasPeers || (name !== "drizzle" && name !== "kysely")),
  ...(python ? ["sqlalchemy"] : []),
];

/** 10,000 roles with 10 users each; for streaming, as many users as asked for. */
const SMALL = "10000,100000";
const BIG = `10000,${options.stream}`;

const PHASES = [
  {
    phase: "compile",
    title: "build and compile a filtered, ordered, limited query",
    unit: "µs",
    rows: SMALL,
    peers: peers("ours", "kysely", "drizzle", "sequelize"),
  },
  {
    phase: "get",
    title: "get an object that is loaded (Sequelize: findByPk)",
    unit: "µs",
    rows: SMALL,
    peers: peers("ours", "sequelize"),
  },
  {
    phase: "load",
    title: "load 100,000 rows",
    unit: "ms",
    rows: SMALL,
    servers: true,
    peers: peers("ours", "sequelize", "driver", "drizzle"),
  },
  {
    phase: "joined",
    title: "10,000 roles with 10 users each, joined (Sequelize: include)",
    unit: "ms",
    rows: SMALL,
    servers: true,
    peers: peers("ours", "sequelize"),
  },
  {
    phase: "selectin",
    title: "the same, by a second select (Sequelize: separate)",
    unit: "ms",
    rows: SMALL,
    servers: true,
    peers: peers("ours", "sequelize"),
  },
  {
    phase: "stream",
    title: `stream ${Number(options.stream).toLocaleString("en")} objects`,
    unit: "ms",
    rows: BIG,
    servers: true,
    memory: true,
    peers: peers("ours", "driver"),
  },
].filter(({ phase }) => wanted === undefined || wanted.includes(phase));

function run(peer, phase, url, rows) {
  const [command, script] =
    peer === "sqlalchemy"
      ? [python, resolve(import.meta.dirname, "peers/sqlalchemy_query.py")]
      : [process.execPath, worker];
  const { status, stdout, stderr } = spawnSync(command, [script, peer, phase, url], {
    encoding: "utf8",
    env: { ...process.env, DIST: resolve(options.dist), ROWS: rows },
  });
  if (status !== 0) throw new Error(`${peer} ${phase}: exit ${status}\n${stderr.slice(0, 2000)}`);
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const databases = [
  ["SQLite file", `sqlite:///${join(folder, "query.sqlite")}`],
  ["PostgreSQL", process.env.TEST_POSTGRES_URL],
  ["MariaDB", process.env.TEST_MARIADB_URL],
];

try {
  console.log(`node ${process.version}, ${runs} runs, medians; in brackets: times sequelize-shell\n`);
  for (const [name, url] of databases) {
    if (!url) {
      console.log(`${name}: skipped, its TEST_*_URL is not set.\n`);
      continue;
    }
    const isServer = !url.startsWith("sqlite:");
    let filled;
    console.log(`| ${name} | | |\n|---|---|---|`);
    for (const { phase, title, unit, rows, servers, memory, peers: all } of PHASES) {
      if (isServer && !servers) continue;
      if (filled !== rows) run("sequelize", "create", url, rows);
      filled = rows;
      const here = isServer ? all.filter((peer) => peer !== "drizzle" && peer !== "sqlalchemy") : all;
      const results = Object.fromEntries(here.map((peer) => [peer, []]));
      for (let i = 0; i < runs; i++) for (const peer of here) results[peer].push(run(peer, phase, url, rows));
      const value = (peer) => median(results[peer].map((result) => result.value));
      for (const peer of here) {
        const ratio = peer === "ours" ? "" : ` (${(value(peer) / value("ours")).toFixed(2)})`;
        const digits = unit === "µs" ? 1 : 0;
        const rise = memory
          ? `, +${(median(results[peer].map((result) => result.memory)) / 2 ** 20).toFixed(0)} MB`
          : "";
        console.log(
          `| ${peer === "ours" ? title : ""} | ${NAMES[peer] ?? "SQLAlchemy"} | ${value(peer).toFixed(digits)} ${unit}${ratio}${rise} |`,
        );
      }
    }
    if (isServer) run("sequelize", "drop", url, "");
    console.log();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
