// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import ts from "typescript";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../../src/database";
import { openDatabase } from "../../src/database";

const KILLS = process.env["LONG"] ? 60 : 4;
const TRANSACTIONS = process.env["LONG"] ? 100 : 8;
const USERS = 40;
const TIMEOUT_MS = process.env["LONG"] ? 1_800_000 : 60_000;

const root = join(__dirname, "../..");
/** Inside the project, so that the worker finds the same packages. */
const compiled = join(root, "node_modules/.cache", `session-processes-${process.pid}`);

/** Translates the sources once: a worker that did so itself would take seconds to start. */
function compileSources(): void {
  const files = readdirSync(join(root, "src"), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name));
  for (const file of [...files, join(__dirname, "commit-worker.ts")]) {
    const target = join(compiled, relative(root, file).replace(/\.ts$/, ".js"));
    const options = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true };
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, ts.transpileModule(readFileSync(file, "utf8"), { compilerOptions: options }).outputText);
  }
}

describe("several processes on one file", () => {
  beforeAll(compileSources);
  afterAll(() => rmSync(compiled, { recursive: true, force: true }));
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "sequelize-shell-"));
    file = join(folder, "shared.sqlite");
    const db = await openDatabase(`sqlite:${file}`);
    // Parents first, whatever the dependency order of another Sequelize is.
    await db.sequelize.sync();
    await db.close();
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function start(
    name: string,
    count: number,
  ): { process: ChildProcess; lines: string[]; errors: string[]; ready: Promise<void>; ended: Promise<number | null> } {
    const worker = join(compiled, "test/session/commit-worker.js");
    const child = spawn(process.execPath, [worker, file, name, String(count)], { stdio: ["ignore", "pipe", "pipe"] });
    const lines: string[] = [];
    const errors: string[] = [];
    const ready = new Promise<void>((resolve, reject) => {
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        lines.push(...text.split("\n").filter((line) => line !== ""));
        resolve();
      });
      child.once("exit", () => reject(new Error(`the worker ended: ${errors.join("")}`)));
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => errors.push(text));
    const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
    ready.catch(() => undefined);
    return { process: child, lines, errors, ready, ended };
  }

  async function check(db: Database, acknowledged: readonly string[]): Promise<number> {
    const { session } = db;
    expect(await session.scalar("PRAGMA integrity_check")).toBe("ok");
    const roles: any[] = [
      ...(
        await session.execute(
          "SELECT r.name, count(u.id) AS users, sum(u.username LIKE '%changed') AS changed FROM roles r LEFT JOIN users u ON u.role_id = r.id GROUP BY r.id",
        )
      ).all(),
    ];
    for (const role of roles) expect([role.name, role.users, role.changed]).toEqual([role.name, USERS, 5]);
    const names = roles.map((role) => role.name);
    for (const name of acknowledged) expect(names).toContain(name);
    expect(Number(await session.scalar("SELECT count(*) FROM users WHERE role_id IS NULL"))).toBe(0);
    return roles.length;
  }

  it(
    `a process killed at any moment leaves each transaction whole or not at all (${KILLS} kills)`,
    async () => {
      const acknowledged: string[] = [];
      let transactions = 0;
      for (let kill = 0; kill < KILLS; kill++) {
        const worker = start(`k${kill}`, 1_000_000);
        await worker.ready;
        // Some while the first transaction runs, some after one has come back.
        while (kill % 2 === 1 && !worker.lines.includes("0")) await new Promise((resolve) => setTimeout(resolve, 5));
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 150));
        worker.process.kill("SIGKILL");
        await worker.ended;
        acknowledged.push(...worker.lines.filter((line) => /^\d+$/.test(line)).map((line) => `k${kill} ${line}`));
        const db = await openDatabase(`sqlite:${file}`);
        transactions = await check(db, acknowledged);
        await db.close();
      }
      expect(transactions).toBeGreaterThanOrEqual(acknowledged.length);
      expect(acknowledged.length).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );

  it(
    "two processes that commit at the same time wait for each other, and a reader never stands in their way",
    async () => {
      const workers = [start("a", TRANSACTIONS), start("b", TRANSACTIONS)];
      const db = await openDatabase(`sqlite:${file}`);
      await Promise.all(workers.map((worker) => worker.ready));
      let reads = 0;
      let running = true;
      const reader = (async (): Promise<void> => {
        while (running) {
          await db.session.scalar("SELECT count(*) FROM users");
          reads++;
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      })();
      const codes = await Promise.all(workers.map((worker) => worker.ended));
      running = false;
      await reader;
      expect(workers.map((worker) => worker.errors.join(""))).toEqual(["", ""]);
      expect(codes).toEqual([0, 0]);
      const acknowledged = ["a", "b"].flatMap((name) => Array.from({ length: TRANSACTIONS }, (_, i) => `${name} ${i}`));
      expect(await check(db, acknowledged)).toBe(2 * TRANSACTIONS);
      expect(reads).toBeGreaterThan(0);
      await db.close();
    },
    TIMEOUT_MS,
  );
});
