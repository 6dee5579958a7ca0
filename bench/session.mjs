// What the unit of work costs, beside its peers, in one run: medians of interleaved runs, each phase in a fresh process.
//   node bench/session.mjs [--count 100000] [--runs 5] [--only ours,better-sqlite3] [--dist folder]
// Rows are users of ten roles in a SQLite file. TEST_POSTGRES_URL and TEST_MARIADB_URL add those servers, with Sequelize beside.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { URL } from "node:url";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    count: { type: "string", default: "100000" },
    runs: { type: "string", default: "5" },
    only: { type: "string" },
    dist: { type: "string", default: resolve(import.meta.dirname, "../dist") },
  },
});
const count = Number(options.count);
const runs = Number(options.runs);
const PHASES = ["insert", "load", "update", "delete"];
const worker = resolve(import.meta.dirname, "session-phase.mjs");
const folder = mkdtempSync(join(tmpdir(), "sequelize-shell-bench-"));

/** A Python that has SQLAlchemy; undefined where there is none. */
function pythonWithSqlalchemy() {
  return ["python3", "/usr/bin/python3"].find(
    (python) => spawnSync(python, ["-c", "import sqlalchemy"], { stdio: "ignore" }).status === 0,
  );
}

const python = pythonWithSqlalchemy();
const hasPeers = existsSync(resolve(import.meta.dirname, "node_modules"));
if (!hasPeers) console.error("Peers are not installed: (cd bench && npm install) adds them.");
if (!python) console.error("SQLAlchemy is not there: apt-get install python3-sqlalchemy adds it.");

const sqlitePeers = [
  ["ours", "sequelize-shell"],
  ["sequelize", "Sequelize"],
  ...(hasPeers ? [["typeorm", "TypeORM"]] : []),
  ...(hasPeers ? [["mikro-orm", "MikroORM"]] : []),
  ...(python ? [["sqlalchemy", "SQLAlchemy"]] : []),
  ...(hasPeers ? [["drizzle", "drizzle"]] : []),
  ...(hasPeers ? [["better-sqlite3", "better-sqlite3"]] : []),
];
const serverPeers = sqlitePeers.slice(0, 2);

/** A server's URL with the name of the database that the bench makes and drops. */
function ownDatabase(server) {
  if (!server) return undefined;
  const url = new URL(server);
  url.pathname = "/sequelize_shell_bench";
  return String(url);
}

const databases = [
  { name: "SQLite file", url: (peer, run) => `sqlite:///${join(folder, `${peer}-${run}.sqlite`)}`, peers: sqlitePeers },
  {
    name: "PostgreSQL",
    server: process.env.TEST_POSTGRES_URL,
    url: () => ownDatabase(process.env.TEST_POSTGRES_URL),
    peers: serverPeers,
  },
  {
    name: "MariaDB",
    server: process.env.TEST_MARIADB_URL,
    url: () => ownDatabase(process.env.TEST_MARIADB_URL),
    peers: serverPeers,
  },
];
const wanted = options.only?.split(",");

/** One phase in a process of its own: its milliseconds and its resident memory. */
function measure(peer, phase, url, server = "") {
  const [command, first] =
    peer === "sqlalchemy"
      ? [python, resolve(import.meta.dirname, "peers/sqlalchemy_peer.py")]
      : [process.execPath, worker];
  const args = [first, peer, phase, url, String(count)];
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, DIST: resolve(options.dist), SERVER: server },
  });
  if (status !== 0) throw new Error(`${peer} ${phase}: exit ${status}\n${stderr.slice(0, 2000)}`);
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

try {
  console.log(
    `node ${process.version}, ${count} users, ${runs} runs, medians in ms; in brackets: times sequelize-shell\n`,
  );
  for (const database of databases) {
    if (!database.url("", 0)) {
      console.log(`${database.name}: skipped, its TEST_*_URL is not set.\n`);
      continue;
    }
    const peers = database.peers.filter(([peer]) => wanted === undefined || wanted.includes(peer));
    const results = Object.fromEntries(peers.map(([peer]) => [peer, PHASES.map(() => [])]));
    for (let run = 0; run < runs; run++) {
      // Another peer begins each run, so that none always follows the same one.
      const order = peers.map((_, i) => peers[(i + run) % peers.length]);
      for (const [peer] of order) {
        const url = database.url(peer, run);
        measure("sequelize", "create", url, database.server);
        for (const [i, phase] of PHASES.entries()) results[peer][i].push(measure(peer, phase, url));
        measure("sequelize", "drop", url, database.server);
        if (url.startsWith("sqlite:")) rmSync(url.slice("sqlite:///".length));
      }
    }
    console.log(`| ${database.name} | ${PHASES.join(" | ")} | memory after load |\n|---|---|---|---|---|---|`);
    const time = (peer, phase) => median(results[peer][phase].map(({ ms }) => ms));
    const [[base]] = peers;
    for (const [peer, name] of peers) {
      const cells = PHASES.map((_, i) => {
        const ms = time(peer, i);
        return `${ms.toFixed(0)}${peer === base ? "" : ` (${(ms / time(base, i)).toFixed(1)})`}`;
      });
      const memory = median(results[peer][1].map(({ rss }) => rss)) / 2 ** 20;
      console.log(`| ${name} | ${cells.join(" | ")} | ${memory.toFixed(0)} MB |`);
    }
    console.log();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
