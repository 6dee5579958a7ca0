import type { Model, ModelStatic, Sequelize } from "sequelize";
import { DataTypes } from "sequelize";
import { afterEach, beforeAll, beforeEach } from "vitest";
import type { Database } from "../../src/database";
import { attach } from "../../src/database";
import type { Query } from "../../src/query/query";
import type { Session } from "../../src/session/session";
import { databases, describeEachDatabase, sqliteFile } from "../databases";
import type { OpenDatabase } from "../databases";

// `any`: tests read and write attributes of many models; what is tested here is not their types.
/* eslint-disable @typescript-eslint/no-explicit-any */

/** A model whose attributes are of no interest to the compiler. */
export type AnyModel = (new (values?: object, options?: object) => any) &
  ModelStatic<Model> & { query: Query<any, any>; c: any };

/** Defines the models of a block of tests. */
export type Define<M> = (sequelize: Sequelize) => M;

/** What a test works with. */
export interface Work<M> {
  readonly db: Database;
  readonly s: Session;
  readonly models: M;
  /** Statements sent since the last look, without BEGIN, COMMIT, ROLLBACK and savepoints. */
  sql(): string[];
  /** The same with their parameters written behind them. */
  statements(): string[];
  /** Every statement sent since the last look, transactions included. */
  all(): string[];
  /** INSERT, UPDATE and DELETE as `I(users)`, `U(users)`, `D(users)`, SELECT as `S(users)`. */
  short(): string[];
  /** The same with what is around them: `BEGIN`, `COMMIT`, `ROLLBACK`, `SAVEPOINT`, `ROLLBACK TO`, `RELEASE`.
   * Savepoints of a flush's own, which only some databases need, are left out. */
  steps(): string[];
  /** What the session has warned of since the last look. */
  warnings(): string[];
  /** Rows of a table as they are in the database, read past the session. */
  rows(table: string, order?: string): Promise<any[]>;
  /** A second session on the same database, closed after the test. */
  another(options?: { autoflush?: boolean; expireOnCommit?: boolean }): Session;
}

interface Sent {
  sql: string;
  parameters: readonly unknown[];
}

const CONTROL = /^(BEGIN|COMMIT|ROLLBACK TO|ROLLBACK|SAVEPOINT|RELEASE)/;
/** The savepoint around a run of rows that are inserted together, where a failing statement would end the transaction. */
const OWN_SAVEPOINT = "SAVEPOINT flush_batch";
/** How SQLite's bulk insert finds the next id. */
const NEXT_ID = /sqlite_master|sqlite_sequence/;

/** Describes behaviour of the session over every database, with tables that are empty at the beginning of each test. */
export function describeSession<M extends object>(
  title: string,
  define: Define<M>,
  body: (work: Work<M>) => void,
): void {
  const describeOver = (database: OpenDatabase): void => {
    let db: Database;
    let models: M;
    let s: Session;
    let sent: Sent[] = [];
    let warnings: string[] = [];
    let others: Session[] = [];
    const written = new Set<string>();
    const take = (): Sent[] => sent.splice(0).filter(({ sql }) => !NEXT_ID.test(sql));
    beforeAll(() => {
      models = define(database.sequelize);
      db = attach(database.sequelize, {
        models: () => undefined,
        onWarning: (message) => warnings.push(message),
      });
      db.onQuery(({ sql, parameters }) => {
        sent.push({ sql, parameters });
        const table = /^INSERT INTO [`"]?(\w+)/.exec(sql)?.[1];
        if (table !== undefined) written.add(table);
        if (/^(CREATE|ALTER|DROP) TABLE/.test(sql)) written.add(EVERYTHING);
      });
    });
    beforeAll(() => database.sequelize.sync({ force: true }));
    beforeEach(async () => {
      await reset(database.sequelize, written);
      written.clear();
      s = db.session;
      sent = [];
      warnings = [];
    });
    afterEach(async () => {
      for (const session of others) await session.close();
      others = [];
      await db.session.close();
    });
    body({
      get db() {
        return db;
      },
      get s() {
        return s;
      },
      get models() {
        return models;
      },
      sql: () =>
        take()
          .map(({ sql }) => sql)
          .filter((sql) => !CONTROL.test(sql)),
      statements: () =>
        take()
          .filter(({ sql }) => !CONTROL.test(sql))
          .map(({ sql, parameters }) => `${sql} ${JSON.stringify(parameters)}`),
      all: () => take().map(({ sql }) => sql),
      short: () =>
        take()
          .filter(({ sql }) => !CONTROL.test(sql))
          .map(({ sql }) => shortOf(sql)),
      steps: () =>
        take()
          .filter(({ sql }) => !sql.endsWith(OWN_SAVEPOINT))
          .map(({ sql }) => CONTROL.exec(sql)?.[0] ?? shortOf(sql)),
      warnings: () => warnings.splice(0),
      rows: async (table, order = "id") => {
        const [rows] = await database.sequelize.query(`SELECT * FROM ${s.dialect.identifier(table)} ORDER BY ${order}`);
        take();
        return (rows as object[]).map((row) => ({ ...row }));
      },
      another: (options) => {
        const session = db.createSession(options);
        others.push(session);
        return session;
      },
    });
  };
  describeEachDatabase(title, describeOver, undefined, [...databases(), sqliteFile()]);
}

/** Stands for every table: the tables themselves were changed. */
const EVERYTHING = "*";

/** Empties the tables that were written to, and lets their keys begin at 1. */
async function reset(sequelize: Sequelize, tables: ReadonlySet<string>): Promise<void> {
  if (tables.size === 0) return;
  if (tables.has(EVERYTHING)) {
    await sequelize.sync({ force: true });
    return;
  }
  const quote = (name: string): string => sequelize.getQueryInterface().quoteIdentifier(name, true);
  const names = [...tables].map(quote);
  switch (sequelize.getDialect()) {
    case "postgres":
      await sequelize.query(`TRUNCATE ${names.join(", ")} RESTART IDENTITY CASCADE`);
      return;
    case "sqlite":
      await sequelize.query("PRAGMA foreign_keys = OFF");
      for (const name of names) await sequelize.query(`DELETE FROM ${name}`);
      await sequelize.query("DELETE FROM sqlite_sequence");
      await sequelize.query("PRAGMA foreign_keys = ON");
      return;
    default:
      await sequelize.transaction(async (transaction) => {
        await sequelize.query("SET FOREIGN_KEY_CHECKS = 0", { transaction });
        for (const name of names) await sequelize.query(`TRUNCATE ${name}`, { transaction });
        await sequelize.query("SET FOREIGN_KEY_CHECKS = 1", { transaction });
      });
  }
}

function shortOf(sql: string): string {
  const match =
    /^(INSERT) INTO [`"]?(\w+)/.exec(sql) ??
    /^(UPDATE) [`"]?(\w+)/.exec(sql) ??
    /^(DELETE) FROM [`"]?(\w+)/.exec(sql) ??
    /^(SELECT) .*? FROM (?:\(SELECT .*? FROM )?[`"(]?(\w+)/s.exec(sql);
  return match === null ? sql : `${match[1]?.charAt(0)}(${match[2]})`;
}

/** One of `work.statements()` with the values of several rows, which may be sent as JSON, one after the other. */
export function unpacked(statement = ""): string {
  return statement.replaceAll("\\", "").replaceAll(/"o":\d+,|"c\d+":/g, "");
}

/** Roles and users: a many-to-one relationship and its collection. */
export function defineRoles(sequelize: Sequelize): { Role: AnyModel; User: AnyModel } {
  const Role = sequelize.define(
    "Role",
    {
      id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
      name: { type: DataTypes.STRING(64), allowNull: false, unique: true },
    },
    { tableName: "roles", timestamps: false, underscored: true },
  );
  const User = sequelize.define(
    "User",
    {
      id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
      username: { type: DataTypes.STRING(64), allowNull: false, unique: true },
      bio: { type: DataTypes.STRING },
      roleId: { type: DataTypes.INTEGER, allowNull: true },
    },
    { tableName: "users", timestamps: false, underscored: true },
  );
  User.belongsTo(Role, { as: "role", foreignKey: "roleId" });
  Role.hasMany(User, { as: "users", foreignKey: "roleId", orderBy: "id" });
  return { Role: Role as unknown as AnyModel, User: User as unknown as AnyModel };
}
