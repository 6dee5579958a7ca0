import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Column, Schema, Table } from "../schema/schema";
import { MigrationError } from "./migration-error";
import { loadModule } from "./module-loader";
import type { Operations } from "./operations";
import type { Revision } from "./revision-graph";

/** What `migrations/env.ts` may export: where a project differs from the usual. */
export interface MigrationHooks {
  /** Whether a table or column takes part in the comparison; `reflected` tells the database's from the models'. */
  includeObject?: (
    object: Table | Column,
    type: "table" | "column",
    reflected: boolean,
    compareTo: Table | Column | undefined,
  ) => boolean;
  /** Whether the types of a column differ; undefined leaves it to the usual comparison. */
  compareType?: (database: Column, model: Column) => boolean | undefined;
  /** Whether the defaults of a column differ; undefined leaves it to the usual comparison. */
  compareServerDefault?: (database: Column, model: Column) => boolean | undefined;
  /** TypeScript for the type of a column; undefined leaves it to the usual text. */
  renderItem?: (type: "type", column: Column) => string | undefined;
  /** Run inside the transaction of each revision, before and behind it. */
  beforeUpgrade?: (op: Operations, revision: Revision) => Promise<void> | void;
  afterUpgrade?: (op: Operations, revision: Revision) => Promise<void> | void;
  /** Tables that are no affair of the models: names, or patterns with `*`. */
  ignoreTables?: readonly string[];
}

const KNOWN: readonly string[] = [
  "includeObject",
  "compareType",
  "compareServerDefault",
  "renderItem",
  "beforeUpgrade",
  "afterUpgrade",
  "ignoreTables",
];

/** Loads the hooks of a directory of migrations; none where there is no `env.ts` (or `env.js`). */
export async function loadHooks(directory: string): Promise<MigrationHooks> {
  const path = ["env.ts", "env.js"].map((name) => join(directory, name)).find((candidate) => existsSync(candidate));
  if (path === undefined) return {};
  const loaded = await loadModule(path);
  const hooks = (loaded["default"] ?? loaded) as Record<string, unknown>;
  for (const name of Object.keys(hooks)) {
    if (!KNOWN.includes(name) && name !== "__esModule")
      throw new MigrationError(`Unknown hook "${name}" in ${path}.`, { hint: `known are ${KNOWN.join(", ")}` });
  }
  return hooks;
}

/**
 * The schema without what is no affair of the models: virtual tables, the tables of migration tools, ignored tables, and
 * what a hook takes out.
 *
 * @param other  the schema that it is compared with, for the hook
 */
export function withoutForeign(
  schema: Schema,
  other: Schema | undefined,
  ignored: readonly string[],
  hooks: MigrationHooks,
  reflected: boolean,
): Schema {
  const patterns = [...ignored, ...(hooks.ignoreTables ?? [])].map(toPattern);
  const include = hooks.includeObject ?? ((): boolean => true);
  const tables = schema.tables
    .filter((table) => !table.options?.virtual && !patterns.some((pattern) => pattern.test(table.name)))
    .filter((table) =>
      include(
        table,
        "table",
        reflected,
        other?.tables.find((candidate) => candidate.name === table.name),
      ),
    )
    .map((table) => {
      const partner = other?.tables.find((candidate) => candidate.name === table.name);
      const columns = table.columns.filter((column) =>
        include(
          column,
          "column",
          reflected,
          partner?.columns.find((candidate) => candidate.name === column.name),
        ),
      );
      return columns.length === table.columns.length ? table : { ...table, columns };
    });
  return { ...schema, tables };
}

function toPattern(name: string): RegExp {
  const text = name.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
  return new RegExp(`^${text}$`);
}
