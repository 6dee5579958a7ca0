import type { Dialect, StatementRunner } from "../driver/dialect";
import { schemaDialectOf } from "./dialects/dialects";
import type { ReadOptions } from "./dialects/schema-dialect";
import type { Schema } from "./schema";

/** A connection that says which database it speaks to. */
export interface SchemaConnection extends StatementRunner {
  readonly dialect: Dialect;
}

/**
 * Reads the schema of a database: tables with everything on them, views, enumerated types.
 *
 * Runs a handful of catalogue statements for the whole database, whatever its number of tables.
 */
export async function reflect(connection: SchemaConnection, options: ReadOptions = {}): Promise<Schema> {
  return schemaDialectOf(connection.dialect).read(connection, options);
}
