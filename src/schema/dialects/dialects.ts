import type { Dialect } from "../../driver/dialect";
import { MysqlSchemaDialect } from "./mysql";
import { PostgresSchemaDialect } from "./postgres";
import type { SchemaDialect } from "./schema-dialect";
import { SqliteSchemaDialect } from "./sqlite";

const known = new WeakMap<Dialect, SchemaDialect>();

/** What the database behind `dialect` makes of schemas; one object for each dialect object. */
export function schemaDialectOf(dialect: Dialect): SchemaDialect {
  let found = known.get(dialect);
  if (found === undefined) {
    found = createSchemaDialect(dialect);
    known.set(dialect, found);
  }
  return found;
}

function createSchemaDialect(dialect: Dialect): SchemaDialect {
  switch (dialect.name) {
    case "sqlite":
      return new SqliteSchemaDialect(dialect);
    case "postgres":
      return new PostgresSchemaDialect(dialect);
    case "mariadb":
    case "mysql":
      return new MysqlSchemaDialect(dialect);
  }
}
