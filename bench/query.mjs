// What queries cost, beside their peers, in one run: medians of interleaved runs, each phase in a fresh process.
//   node bench/query.mjs [--runs 3] [--stream 1000000] [--only compile,load] [--dist folder]
// SQLite in a file; TEST_POSTGRES_URL and TEST_MARIADB_URL add those servers, in a database that the bench makes and drops.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { URL } from "node:url";
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
  "all at once": "the driver, all at once",
};
const peers = (...names) => [
  ...names.filter((name) => hasPeers || (name !== "drizzle" && name !== "kysely")),
  ...(python ? ["sqlalchemy"] : []),
];

/** 10,000 roles with 10 users each; for streaming, as many users as asked for. */
const SMALL = "10000,100000";
const BIG = `10000,${options.stream}`;
const STREAMED = Number(options.stream).toLocaleString("en");

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
    title: "load 100,000 objects (the driver, drizzle: rows)",
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
    phase: "rows",
    title: `stream ${STREAMED} rows of columns (the driver: each, a cursor, queryStream)`,
    unit: "ms",
    rows: BIG,
    servers: true,
    memory: true,
    peers: ["ours", "driver"],
  },
  {
    phase: "stream",
    title: `stream ${STREAMED} objects (the driver: the same rows)`,
    unit: "ms",
    rows: BIG,
    servers: true,
    memory: true,
    peers: peers("ours", "driver", "all at once"),
  },
].filter(({ phase }) => wanted === undefined || wanted.includes(phase));

function run(peer, phase, url, { rows = "", server = "" } = {}) {
  const [command, script] =
    peer === "sqlalchemy"
      ? [python, resolve(import.meta.dirname, "peers/sqlalchemy_query.py")]
      : [process.execPath, worker];
  const { status, stdout, stderr } = spawnSync(command, [script, peer, phase, url], {
    encoding: "utf8",
    env: { ...process.env, DIST: resolve(options.dist), ROWS: rows, SERVER: server },
  });
  if (status !== 0) throw new Error(`${peer} ${phase}: exit ${status}\n${stderr.slice(0, 2000)}`);
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

/** A server's URL with the name of the database that the bench makes and drops. */
function ownDatabase(server) {
  if (!server) return undefined;
  const url = new URL(server);
  url.pathname = "/sequelize_shell_query_bench";
  return String(url);
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const databases = [
  ["SQLite file", `sqlite:///${join(folder, "query.sqlite")}`],
  ["PostgreSQL", ownDatabase(process.env.TEST_POSTGRES_URL), process.env.TEST_POSTGRES_URL],
  ["MariaDB", ownDatabase(process.env.TEST_MARIADB_URL), process.env.TEST_MARIADB_URL],
];

function measure(name, url) {
  const isServer = !url.startsWith("sqlite:");
  let filled;
  console.log(`| ${name} | | time | processor |\n|---|---|---|---|`);
  for (const { phase, title, unit, rows, servers, memory, peers: all } of PHASES) {
    if (isServer && !servers) continue;
    if (filled !== rows) run("sequelize", "fill", url, { rows });
    filled = rows;
    // SQLAlchemy and drizzle speak to a server through drivers that are not installed with the peers.
    const here = isServer ? all.filter((peer) => peer !== "drizzle" && peer !== "sqlalchemy") : all;
    const results = Object.fromEntries(here.map((peer) => [peer, []]));
    for (let i = 0; i < runs; i++) for (const peer of here) results[peer].push(run(peer, phase, url));
    const middle = (peer, key) => median(results[peer].map((result) => result[key]));
    for (const peer of here) {
      const cell = (key, digits) => {
        const value = middle(peer, key);
        const times = peer === "ours" ? "" : ` (${(value / middle("ours", key)).toFixed(2)})`;
        return `${value.toFixed(digits)} ${key === "cpu" ? "ms" : unit}${times}`;
      };
      const rise = memory ? `, +${(middle(peer, "memory") / 2 ** 20).toFixed(0)} MB` : "";
      const processor = unit === "µs" ? "" : cell("cpu", 0);
      console.log(
        `| ${peer === "ours" ? title : ""} | ${NAMES[peer] ?? "SQLAlchemy"} | ${cell("value", unit === "µs" ? 1 : 0)}${rise} | ${processor} |`,
      );
    }
  }
  console.log();
}

try {
  console.log(`node ${process.version}, ${runs} runs, medians; in brackets: times sequelize-shell\n`);
  for (const [name, url, server] of databases) {
    if (!url) {
      console.log(`${name}: skipped, its TEST_*_URL is not set.\n`);
      continue;
    }
    if (server) run("server", "create", url, { server });
    try {
      measure(name, url);
    } finally {
      if (server) run("server", "drop", url, { server });
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
