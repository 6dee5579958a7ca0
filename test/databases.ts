import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Sequelize } from "sequelize";
import type { Options } from "sequelize";
import { tapStatements } from "../src/driver/sequelize-tap";
import { afterAll, beforeAll, describe } from "vitest";

/** A database server (or file engine) that tests run over. */
export interface TestDatabase {
  /** "sqlite", "postgres" or "mariadb": for titles and for what only one of them can show. */
  name: string;
  /** For titles, where it differs from the name. */
  title?: string;
  /** Why nothing runs over it here; undefined where it runs. */
  skipReason?: string;
  /** Creates an empty database of its own name and connects to it. */
  create(options?: Options): Promise<Sequelize>;
  /** Closes the connection and drops the database. */
  drop(sequelize: Sequelize): Promise<void>;
}

let count = 0;

/** Every database that tests run over: SQLite in memory always, servers where their URL is given. */
export function databases(): TestDatabase[] {
  return [sqlite(), server("postgres", "TEST_POSTGRES_URL"), server("mariadb", "TEST_MARIADB_URL")];
}

/** What a block of {@link describeEachDatabase} works with. */
export interface OpenDatabase {
  name: string;
  /** The connected instance; there from the block's first `beforeAll` on. */
  readonly sequelize: Sequelize;
}

/** SQLite in a file: each session has a connection of its own, as on a server. */
export function sqliteFile(): TestDatabase {
  return {
    name: "sqlite",
    title: "sqlite in a file",
    create: (options) => {
      const storage = join(mkdtempSync(join(tmpdir(), "sequelize-shell-test-")), "test.sqlite");
      return Promise.resolve(new Sequelize({ dialect: "sqlite", storage, logging: false, ...options }));
    },
    drop: async (sequelize) => {
      await sequelize.close();
      const { storage } = (sequelize as unknown as { options: { storage: string } }).options;
      rmSync(dirname(storage), { recursive: true, force: true });
    },
  };
}

/**
 * Describes the same behaviour over every database: one empty database per block, dropped at its end.
 *
 * @param options  Sequelize's options for the database of the block
 * @param over     the databases, where not all of them, or more
 */
export function describeEachDatabase(
  title: string,
  body: (database: OpenDatabase) => void,
  options?: Options,
  over: readonly TestDatabase[] = databases(),
): void {
  for (const database of over) {
    const { skipReason } = database;
    const where = `${title} on ${database.title ?? database.name}`;
    if (skipReason !== undefined) {
      describe.skip(`${where} (skipped: ${skipReason})`, () =>
        body({ name: database.name, sequelize: undefined as unknown as Sequelize }));
      continue;
    }
    describe(where, () => {
      const open: { name: string; sequelize: Sequelize } = {
        name: database.name,
        sequelize: undefined as unknown as Sequelize,
      };
      beforeAll(async () => {
        open.sequelize = await database.create(options);
      });
      afterAll(async () => {
        if ((open.sequelize as Sequelize | undefined) !== undefined) await database.drop(open.sequelize);
      });
      body(open);
    });
  }
}

function sqlite(): TestDatabase {
  return {
    name: "sqlite",
    create: (options) =>
      Promise.resolve(new Sequelize({ dialect: "sqlite", storage: ":memory:", logging: false, ...options })),
    drop: (sequelize) => sequelize.close(),
  };
}

function server(name: "postgres" | "mariadb", variable: string): TestDatabase {
  const url = process.env[variable];
  return {
    name,
    ...(url === undefined ? { skipReason: `${variable} is not set` } : {}),
    async create(options) {
      // Names are unique over processes and over the workers of one process.
      const database = `seqshell_test_${process.pid}_${process.env["VITEST_POOL_ID"] ?? 0}_${++count}`;
      await onServer(url ?? "", async (admin) => {
        await admin.query(`DROP DATABASE IF EXISTS ${database}`);
        await admin.query(`CREATE DATABASE ${database}${name === "mariadb" ? " CHARACTER SET utf8mb4" : ""}`);
      });
      return connect(url ?? "", { ...options, database });
    },
    async drop(sequelize) {
      const database = sequelize.getDatabaseName();
      await sequelize.close();
      await onServer(url ?? "", (admin) =>
        admin.query(`DROP DATABASE IF EXISTS ${database}${name === "postgres" ? " WITH (FORCE)" : ""}`),
      );
    },
  };
}

async function onServer(url: string, work: (admin: Sequelize) => Promise<unknown>): Promise<void> {
  const admin = connect(url, {});
  try {
    await work(admin);
  } finally {
    await admin.close();
  }
}

function connect(url: string, options: Options): Sequelize {
  const target = new URL(url);
  if (options.database !== undefined) target.pathname = `/${options.database}`;
  // An UPDATE to the same value counts as matched, as on the other databases.
  const dialectOptions = target.protocol === "mariadb:" ? { foundRows: true } : {};
  const sequelize = new Sequelize(target.href, { logging: false, dialectOptions, ...options });
  tapStatements(sequelize, () => undefined);
  return sequelize;
}
