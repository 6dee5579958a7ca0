import type { Schema } from "../schema/schema";
import { findColumn, findTable } from "../schema/schema";
import type { FromModelsOptions } from "../schema/declare-models";
import { schemaFromModels } from "../schema/from-models";
import type { Difference } from "./autogenerate";
import { diff } from "./autogenerate";
import type { Environment } from "./environment";
import { withoutForeign } from "./hooks";
import { MigrationError } from "./migration-error";
import type { FlaggedRenames, RenameJudge } from "./renames";
import { renameTables, resolveRenames } from "./renames";

/** How the database is compared with the models. */
export interface CompareRequest {
  models: FromModelsOptions["models"];
  /** Judges what looks like a rename; without one nothing is. */
  judge: RenameJudge;
  flagged?: FlaggedRenames | undefined;
  /** Without models every table would be dropped: only on demand. */
  allowEmptyModels: boolean;
}

/** The two schemas, and what differs between them. */
export interface Comparison extends Difference {
  database: Schema;
  models: Schema;
}

/**
 * Reads the database and materialises the models, and compares the two.
 *
 * @throws {MigrationError} where there are no models and the database has tables
 */
export async function compareDatabase(env: Environment, request: CompareRequest): Promise<Comparison> {
  const { connection, dialect, config } = env;
  const hooks = await env.hooks();
  const asked = await schemaFromModels(env.sequelize, connection, {
    models: request.models,
    enumChecks: config.enumChecks,
  });
  const schemas = dialect.hasSchemas
    ? new Set(asked.tables.flatMap(({ name }) => (name.includes(".") ? [name.slice(0, name.indexOf("."))] : [])))
    : [];
  const read = await dialect.read(connection, { schemas: [...schemas] });
  const database = withoutForeign(read, asked, env.ignoredTables, hooks, true);
  const models = withoutForeign(asked, read, env.ignoredTables, hooks, false);
  if (models.tables.length === 0 && database.tables.length > 0 && !request.allowEmptyModels) {
    const count = `${database.tables.length} ${database.tables.length === 1 ? "table" : "tables"}`;
    throw new MigrationError(
      `No models are defined; refusing to generate a migration that drops ${count}. Import your models or pass --allow-empty-models.`,
    );
  }
  if (hooks.renderItem) {
    for (const column of models.tables.flatMap((table) => table.columns)) {
      const text = hooks.renderItem("type", column);
      if (text !== undefined) column.source = { ...column.source, type: text };
    }
  }
  const renames = await resolveRenames(database, models, dialect, request.judge, request.flagged);
  const difference = diff(database, models, {
    dialect,
    renames,
    compareType: hooks.compareType ?? config.compareType,
    compareServerDefault: hooks.compareServerDefault ?? config.compareServerDefault,
    equalDefaults: await equalDefaults(env, renameTables(database, renames), models),
    enumChecks: config.enumChecks,
  });
  return { ...difference, database, models };
}

/** The pairs of defaults that are written differently and that the database finds equal. */
async function equalDefaults(env: Environment, database: Schema, models: Schema): Promise<Set<string>> {
  const { connection, dialect } = env;
  const equal = new Set<string>();
  if (!dialect.comparesExpressions) return equal;
  for (const table of models.tables) {
    for (const column of table.columns) {
      const stored = findTable(database, table.name);
      const existing = stored && findColumn(stored, column.name);
      const [a, b] = [existing?.default, column.default];
      if (existing === undefined || a === undefined || b === undefined) continue;
      if (dialect.normalDefault(existing) === dialect.normalDefault(column) || /nextval/i.test(a + b)) continue;
      const [row] = await connection.all(`SELECT (${a}) IS NOT DISTINCT FROM (${b}) AS same`).catch(() => []);
      if (row?.["same"] === true) equal.add(`${a}\0${b}`);
    }
  }
  return equal;
}
