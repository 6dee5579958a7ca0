import type { Sequelize } from "sequelize";

/** A table as Sequelize names it: by its name, or with its schema. */
export type SequelizeTable = string | { tableName: string; schema?: string; delimiter?: string };

/** A table as the database has it. */
export interface TableName {
  name: string;
  schema: string | undefined;
}

interface DialectParts {
  dialect?: { supports?: { schemas?: boolean } };
}

/** The name of a table in the database: where there are no schemas, Sequelize makes the schema a part of the name. */
export function tableNameOf(table: SequelizeTable, sequelize: Sequelize): TableName {
  if (typeof table === "string") return { name: table, schema: undefined };
  const { tableName, schema, delimiter } = table;
  if (!schema) return { name: tableName, schema: undefined };
  if ((sequelize as unknown as DialectParts).dialect?.supports?.schemas) return { name: tableName, schema };
  return { name: `${schema}${delimiter ?? "."}${tableName}`, schema: undefined };
}
