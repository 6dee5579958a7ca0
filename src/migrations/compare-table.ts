import type { SchemaDialect } from "../schema/dialects/schema-dialect";
import type { Column, Table } from "../schema/schema";
import { compareColumns } from "./compare-columns";
import { compareChecks, compareForeignKeys, comparePrimaryKey } from "./compare-constraints";
import { compareUniquesAndIndexes } from "./compare-indexes";
import type { TableChange } from "./operation";
import { renameColumns } from "./rename-columns";

/** How two tables are compared. */
export interface CompareOptions {
  dialect: SchemaDialect;
  compareType: boolean | ((database: Column, model: Column) => boolean | undefined);
  compareServerDefault: boolean | ((database: Column, model: Column) => boolean | undefined);
  /** Pairs of defaults that the database itself says are equal, as `a\0b`. */
  equalDefaults: ReadonlySet<string>;
  /** Checks named by the rule of enumerated columns are the tool's own. */
  enumChecks: boolean;
  /** Columns that were renamed: new name by old. */
  renames: ReadonlyMap<string, string>;
  /** The names in the database of tables that were renamed, by their new ones. */
  formerTables: ReadonlyMap<string, string>;
}

/** What differs between a table of the database and the same table of the models. */
export interface TableDifference {
  table: string;
  changes: TableChange[];
  /** One line for each difference, for people. */
  findings: string[];
  /** What is odd and left as it is. */
  remarks: string[];
}

/**
 * Compares a table of the database with the same table of the models.
 *
 * @returns the changes that make the first into the second, in no particular order of kinds
 */
export function compareTable(database: Table, model: Table, options: CompareOptions): TableDifference {
  const difference: TableDifference = { table: model.name, changes: [], findings: [], remarks: [] };
  const renamed = renameColumns(database, options.renames);
  for (const [from, to] of options.renames) {
    difference.changes.push({ kind: "renameColumn", from, to });
    difference.findings.push(`Detected renamed column '${model.name}.${from}' to '${model.name}.${to}'`);
  }
  compareColumns(renamed, model, options, difference);
  comparePrimaryKey(renamed, model, options, difference);
  compareUniquesAndIndexes(renamed, model, options, difference);
  compareForeignKeys(renamed, model, options, difference);
  compareChecks(renamed, model, options, difference);
  if (options.dialect.hasComments && (database.comment ?? "") !== (model.comment ?? "")) {
    difference.changes.push({
      kind: "commentTable",
      comment: model.comment ?? null,
      existing: database.comment ?? null,
    });
    difference.findings.push(`Detected changed comment on table '${model.name}'`);
  }
  return difference;
}
