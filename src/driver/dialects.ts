import type { Sequelize } from "sequelize";
import { ArgumentError } from "../errors";
import type { Dialect } from "./dialect";
import { MysqlDialect } from "./mysql";
import { PostgresDialect } from "./postgres";
import { SqliteDialect } from "./sqlite";

const dialects = new WeakMap<Sequelize, Dialect>();

/**
 * The dialect of a Sequelize instance, one object for each instance: what it learns of the server stands on it.
 *
 * @throws {ArgumentError} for a dialect of Sequelize that this library does not speak
 */
export function dialectOf(sequelize: Sequelize): Dialect {
  let dialect = dialects.get(sequelize);
  if (dialect === undefined) {
    dialect = createDialect(sequelize.getDialect(), sequelize);
    dialects.set(sequelize, dialect);
  }
  return dialect;
}

/** The dialect for SQL that is shown without a database in sight. */
export const DEFAULT_DIALECT: Dialect = new SqliteDialect();

/** The driver's module, as Sequelize's connection manager holds it. */
interface DriverHolder {
  connectionManager: { lib?: { VERSION?: string } };
}

function createDialect(name: string, sequelize: Sequelize): Dialect {
  switch (name) {
    case "sqlite":
      return new SqliteDialect((sequelize as unknown as DriverHolder).connectionManager.lib?.VERSION);
    case "postgres":
      return new PostgresDialect();
    case "mariadb":
    case "mysql":
      return new MysqlDialect(name);
    default:
      throw new ArgumentError(`Cannot use the dialect "${name}". Expected sqlite, postgres, mysql or mariadb.`);
  }
}
