import { afterEach, describe, expect, it } from "vitest";
import { attach } from "../../src/database";
import { databases } from "../databases";
import { MigrationProject } from "./project";
import type { RandomLimits, RandomModels, RandomTable } from "./random-models";
import { Random, defineModels, flagsOf, randomEdit, randomRow, randomTable, restartNames } from "./random-models";

const LIMITS: Record<string, RandomLimits> = {
  sqlite: { partialIndexes: true, comments: false, indexesText: true },
  postgres: { partialIndexes: true, comments: true, indexesText: true },
  mariadb: { partialIndexes: false, comments: true, indexesText: false },
};

const isLong = process.env["LONG"] === "1";
/** How many chains: a server takes ten times as long for one as SQLite in memory. */
const chainsOn = (database: string): number =>
  Number(process.env["CHAINS"] ?? (isLong ? 150 : database === "sqlite" ? 6 : 2));
const STEPS = Number(process.env["STEPS"] ?? (isLong ? 10 : 6));
const FIRST_SEED = Number(process.env["SEED"] ?? 1);
const ROWS = 4;

/** The values of the kept columns, row by row in the order of their ids. */
async function values(project: MigrationProject, kept: readonly Kept[], when: "before" | "after"): Promise<string> {
  const { dialect } = project.connect();
  const found: unknown[] = [];
  for (const table of kept) {
    const selected = ["id", ...table.columns.map((column) => column[when])]
      .map((name) => dialect.quote(name))
      .join(", ");
    const rows = await project.rows(`SELECT ${selected} FROM ${dialect.quote(table[when])} ORDER BY id`);
    found.push(rows.map((row) => Object.values(row)));
  }
  return JSON.stringify(found);
}

/** A table that is there before and after, and the columns whose values must be the same, under both names. */
interface Kept {
  before: string;
  after: string;
  columns: { before: string; after: string }[];
}

function keptColumns(before: RandomModels, after: RandomModels): Kept[] {
  return after.tables.flatMap((table) => {
    const old = before.tables.find((candidate) => candidate.key === table.key);
    if (!old) return [];
    const columns = table.columns.flatMap((column) => {
      const former = old.columns.find((candidate) => candidate.key === column.key);
      const isSame =
        former && JSON.stringify(former.type) === JSON.stringify(column.type) && (former.nullable || !column.nullable);
      return isSame && !column.generated && former.nullable === column.nullable
        ? [{ before: former.name, after: column.name }]
        : [];
    });
    return [{ before: old.name, after: table.name, columns }];
  });
}

async function fill(random: Random, project: MigrationProject, models: RandomModels): Promise<void> {
  const connection = project.connect();
  const { dialect } = connection;
  const insert = async (table: RandomTable): Promise<void> => {
    for (let position = 1; position <= ROWS; position++) {
      const row = randomRow(random, table, position, models.tables);
      const names = Object.keys(row)
        .map((name) => dialect.quote(name))
        .join(", ");
      await connection.run(
        `INSERT INTO ${dialect.quote(table.name)} (${names}) VALUES (${Object.values(row).join(", ")})`,
      );
    }
    table.rows = ROWS;
  };
  try {
    for (const table of models.tables) if (table.rows === 0) await insert(table);
  } finally {
    await connection.close();
  }
}

for (const database of databases()) {
  const run = database.skipReason === undefined ? describe : describe.skip;
  run(
    `random chains of model edits on ${database.name}${database.skipReason ? ` (skipped: ${database.skipReason})` : ""}`,
    () => {
      const open: { project: MigrationProject; close: () => Promise<void> }[] = [];
      afterEach(async () => {
        for (const { close } of open.splice(0)) await close();
      });

      const seeds = Array.from({ length: chainsOn(database.name) }, (_, i) => FIRST_SEED + i);
      it.each(seeds)(
        "upgrade, check, downgrade and upgrade again lose nothing and find nothing (seed %i)",
        async (seed) => {
          const sequelize = await database.create();
          const project = new MigrationProject(sequelize);
          open.push({
            project,
            close: async () => {
              project.remove();
              await database.drop(sequelize);
            },
          });
          const limits = LIMITS[database.name] as RandomLimits;
          const random = new Random(seed * 7919);
          restartNames();
          const models: RandomModels = { tables: [] };
          for (let i = 0; i < 2; i++) models.tables.push(randomTable(random, models, limits));
          await project.ok("init");
          const told: string[] = [];
          for (let step = 0; step <= STEPS; step++) {
            const before = step === 0 ? { tables: [] } : structuredClone(models);
            for (let edits = step === 0 ? 0 : 1 + random.int(3); edits > 0;) {
              const edit = randomEdit(random, models, limits);
              if (edit === undefined) continue;
              told.push(`${step}: ${edit}`);
              edits--;
            }
            const story = (): string => `seed ${seed}\n${told.join("\n")}\n${project.newestText()}`;
            try {
              project.define((instance) => defineModels(instance, models));
              const former = await project.comparable();
              const kept = keptColumns(before, models);
              const valuesBefore = await values(project, kept, "before");
              const migrated = await project.ok("migrate", "-m", `step ${step}`, ...flagsOf(before, models));
              if (migrated.stderr.includes("No changes")) continue;
              await project.ok("upgrade");
              await project.ok("check");
              const upgraded = await project.comparable();
              expect(await values(project, kept, "after")).toEqual(valuesBefore);
              await project.ok("downgrade");
              expect(await project.comparable()).toEqual(former);
              await project.ok("upgrade");
              await project.ok("check");
              expect(await project.comparable()).toEqual(upgraded);
              expect(await values(project, kept, "after")).toEqual(valuesBefore);
              await fill(random, project, models);
            } catch (error) {
              throw new Error(`${(error as Error).message}\n${story()}`, { cause: error });
            }
          }
        },
      );

      it.each(seeds.flatMap((seed) => [["sequelize.sync()", seed] as const, ["db.createAll()", seed] as const]))(
        "find nothing in a database that %s made of edited models (seed %i)",
        async (maker, seed) => {
          const sequelize = await database.create();
          const project = new MigrationProject(sequelize);
          const close = async (): Promise<void> => {
            project.remove();
            await database.drop(sequelize);
          };
          open.push({ project, close });
          const random = new Random(seed * 104_729);
          restartNames();
          const models: RandomModels = { tables: [] };
          const limits = LIMITS[database.name] as RandomLimits;
          for (let i = 0; i < 4; i++) models.tables.push(randomTable(random, models, limits));
          for (let edits = 0; edits < 20; edits++) randomEdit(random, models, limits);
          await project.ok("init");
          project.define((instance) => defineModels(instance, plain(models)));
          const make = (): Promise<unknown> =>
            maker === "sequelize.sync()"
              ? sequelize.sync()
              : attach(sequelize, { models: () => undefined }).createAll();
          const refused = await make().then(
            () => "",
            (error: Error) => error.message,
          );
          // Sequelize gives some indexes of different columns one name, and cannot write some keys of tables in a circle.
          if (/already exists|Duplicate key name|syntax error at or near "UNIQUE"/u.test(refused)) return;
          expect(refused).toBe("");
          const found = await project.db("check");
          expect(found, JSON.stringify(models)).toEqual({
            exitCode: 0,
            stdout: "No new upgrade operations detected.\n",
            stderr: "",
          });
        },
      );
    },
  );
}

/**
 * The models without checks, of which Sequelize knows nothing, without computed columns, of which it makes ordinary ones, and
 * without defaults that hold a semicolon, at which it cuts its statements.
 */
function plain(models: RandomModels): RandomModels {
  return {
    tables: models.tables.map((table) => {
      const gone = table.columns.flatMap((column) => (column.generated === undefined ? [] : [column.name]));
      return {
        ...table,
        columns: table.columns
          .filter((column) => column.generated === undefined)
          .map((column) => (String(column.default).includes(";") ? { ...column, default: "a b" } : column)),
        checks: [],
        indexes: table.indexes.filter((index) => !index.columns.some(({ name }) => gone.includes(name))),
      };
    }),
  };
}
