import type { PostgresSchemaDialect } from "../../schema/dialects/postgres";
import type { Connection } from "../../driver/connection";
import type { Dialect } from "../../driver/dialect";
import { schemaDialectOf } from "../../schema/dialects/dialects";
import type { DdlDialect, DdlTarget } from "./dialect";
import { MysqlDdl } from "./mysql";
import { MysqlSession } from "./mysql-session";
import { PostgresDdl } from "./postgres";
import { PostgresSession } from "./postgres-session";
import type { MigrationSession, SessionOptions } from "./session";
import { SqliteDdl } from "./sqlite";
import { SqliteSession } from "./sqlite-session";

/** How the database behind `dialect` changes its schema, sending its statements to `target`. */
export function ddlFor(dialect: Dialect, target: DdlTarget): DdlDialect {
  const schema = schemaDialectOf(dialect);
  switch (dialect.name) {
    case "sqlite":
      return new SqliteDdl(schema, target);
    case "postgres":
      return new PostgresDdl(schema as PostgresSchemaDialect, target);
    case "mariadb":
    case "mysql":
      return new MysqlDdl(schema, target);
  }
}

/** A session with the database behind `connection`, in which revisions run. */
export function sessionFor(connection: Connection, options: SessionOptions): MigrationSession {
  switch (connection.dialect.name) {
    case "sqlite":
      return new SqliteSession(connection, options);
    case "postgres":
      return new PostgresSession(connection, options);
    case "mariadb":
    case "mysql":
      return new MysqlSession(connection, options);
  }
}
