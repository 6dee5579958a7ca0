import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { MigrationError } from "./migration-error";

/** What `migrations/config.json` says. */
export interface MigrationConfig {
  format: 1;
  /** The table that remembers which revisions are applied. */
  versionTable: string;
  /** Name of a revision file: `{rev}`, `{slug}`, `{date}`. */
  fileTemplate: string;
  slugLength: number;
  compareType: boolean;
  compareServerDefault: boolean;
  /** One transaction for each revision; false for one around the whole upgrade. */
  transactionPerMigration: boolean;
  /** How long to wait for another migration of the same database, in seconds. */
  lockTimeout: number;
  /** Columns of enumerated values get a check where the database has no such type. */
  enumChecks: boolean;
  /** SQLite alters NOT NULL and checks itself where it can; false always rebuilds. */
  sqliteNativeConstraints: boolean;
  /** Tables that are no affair of the models: names, or patterns with `*`. */
  ignoreTables: string[];
}

/** What holds where `config.json` says nothing. */
export const DEFAULT_CONFIG: MigrationConfig = {
  format: 1,
  versionTable: "migration_versions",
  fileTemplate: "{rev}_{slug}",
  slugLength: 40,
  compareType: true,
  compareServerDefault: true,
  transactionPerMigration: true,
  lockTimeout: 60,
  enumChecks: false,
  sqliteNativeConstraints: true,
  ignoreTables: [],
};

/** The part of the configuration that `db init` writes down. */
export const WRITTEN_CONFIG = {
  format: 1,
  versionTable: DEFAULT_CONFIG.versionTable,
  fileTemplate: DEFAULT_CONFIG.fileTemplate,
  slugLength: DEFAULT_CONFIG.slugLength,
  compareType: DEFAULT_CONFIG.compareType,
  compareServerDefault: DEFAULT_CONFIG.compareServerDefault,
  transactionPerMigration: DEFAULT_CONFIG.transactionPerMigration,
  lockTimeout: DEFAULT_CONFIG.lockTimeout,
};

/**
 * Reads the configuration of a directory of migrations.
 *
 * @throws {MigrationError} for a file that is no JSON, an unknown key or a value of the wrong type
 */
export function readConfig(directory: string): MigrationConfig {
  const path = join(directory, "config.json");
  if (!existsSync(path)) return DEFAULT_CONFIG;
  let read: unknown;
  try {
    read = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new MigrationError(`Cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
  if (typeof read !== "object" || read === null) throw new MigrationError(`Cannot read ${path}: expected an object.`);
  for (const [key, value] of Object.entries(read)) {
    const usual = (DEFAULT_CONFIG as unknown as Record<string, unknown>)[key];
    if (usual === undefined) {
      throw new MigrationError(`Unknown key "${key}" in ${path}.`, {
        hint: `known are ${Object.keys(DEFAULT_CONFIG).join(", ")}`,
      });
    }
    const isRight = typeof value === typeof usual && Array.isArray(value) === Array.isArray(usual);
    if (!isRight)
      throw new MigrationError(
        `Expected "${key}" in ${path} to be like ${JSON.stringify(usual)}, got ${JSON.stringify(value)}.`,
      );
  }
  const config = { ...DEFAULT_CONFIG, ...read };
  if (config.format !== 1)
    throw new MigrationError(`${path} has format ${String(config.format)}; this version knows format 1.`);
  return config;
}
