import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Sequelize } from "sequelize";
import { afterAll, beforeAll } from "vitest";
import { databases } from "../databases";

/** The built entry of the program; `npm test` builds it before the tests run. */
export const PROGRAM = resolve(__dirname, "../../dist/shell.js");

if (!existsSync(PROGRAM)) throw new Error("The program is not built: npm run build");

/** What a run of the program left. */
export interface ProgramRun {
  stdout: string;
  stderr: string;
  exitCode: number | null;
}

/** How a run of the program begins. */
export interface ProgramOptions {
  input?: string;
  cwd?: string;
  environment?: Readonly<Record<string, string>>;
}

/** Runs the program without a terminal, to its end. */
export function runProgram(args: readonly string[], options: ProgramOptions = {}): Promise<ProgramRun> {
  const { input = "", cwd, environment = {} } = options;
  return new Promise((done) => {
    const env = { ...process.env, DATABASE_URL: undefined, NO_COLOR: undefined, ...environment };
    const child = spawn(process.execPath, [PROGRAM, ...args], { cwd, env });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.on("close", (exitCode) => done({ stdout, stderr, exitCode }));
    // A program that refuses its arguments does not read.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

/** A database that the program is pointed at by URL. */
export interface ProgramDatabase {
  name: string;
  skipReason?: string;
  /** Makes an empty database. @returns its URL, and what removes it */
  create: (folder: string) => Promise<{ url: string; drop: () => Promise<void> }>;
}

/** SQLite in memory and on a file always; servers where they are named. */
export function programDatabases(): ProgramDatabase[] {
  const servers = databases().filter(({ name }) => name !== "sqlite");
  return [
    { name: "sqlite::memory:", create: async () => ({ url: "sqlite::memory:", drop: async () => undefined }) },
    {
      name: "an SQLite file",
      create: async (folder) => ({ url: `sqlite:${folder}/main-job.sqlite`, drop: async () => undefined }),
    },
    ...servers.map((server) => ({
      name: server.name,
      ...(server.skipReason === undefined ? {} : { skipReason: server.skipReason }),
      create: async () => {
        const sequelize = await server.create();
        return { url: urlOf(server.name, sequelize), drop: () => server.drop(sequelize) };
      },
    })),
  ];
}

/** The database of a block of tests, and a folder of its own. */
export interface OpenProgramDatabase {
  readonly folder: string;
  /** There from the block's first `beforeAll` on, where the block is not skipped. */
  readonly url: string;
}

/**
 * Makes a database before the tests of a block and drops it after them.
 *
 * @param filled  the program has been started on it, so that the sample data are there; default false
 */
export function useProgramDatabase(
  { skipReason, create }: Pick<ProgramDatabase, "skipReason" | "create">,
  { filled = false } = {},
): OpenProgramDatabase {
  const open = { folder: "", url: "" };
  let drop: () => Promise<void>;
  beforeAll(async () => {
    open.folder = mkdtempSync(join(tmpdir(), "sequelize-shell-"));
    if (skipReason !== undefined) return;
    ({ url: open.url, drop } = await create(open.folder));
    if (filled) await runProgram([open.url, "-e", "1"]);
  });
  afterAll(async () => {
    if (skipReason === undefined) await drop();
    rmSync(open.folder, { recursive: true, force: true });
  });
  return open;
}

function urlOf(scheme: string, sequelize: Sequelize): string {
  const { host, port, username, password, database } = sequelize.config as unknown as Record<string, string | null>;
  const user = `${encodeURIComponent(username ?? "")}${password ? `:${encodeURIComponent(password)}` : ""}`;
  return `${scheme}://${user}@${host}:${port}/${database}`;
}
