import { AsyncLocalStorage } from "node:async_hooks";
import { createRequire } from "node:module";
import type { Model, ModelStatic, Options, Sequelize } from "sequelize";
import type { DatabaseAddress } from "./database-url";
import { checkStorage, maskPassword, parseDatabaseUrl } from "./database-url";
import { Connection, cancelOn, interruptUntil } from "./driver/connection";
import type { ConnectionHouse, QueryEvent, QueryListener, StatementGuard } from "./driver/connection";
import type { Dialect } from "./driver/dialect";
import { dialectOf } from "./driver/dialects";
import type { Sandbox } from "./driver/sandbox";
import { joinTransactions, tapStatements } from "./driver/sequelize-tap";
import { ArgumentError, ConnectionError, InvalidRequestError } from "./errors";
import { Mapper } from "./mapper/mapper";
import type { SampleModels } from "./models/define-models";
import { defineModels } from "./models/define-models";
import type { Columns } from "./query/expressions";
import { columnsOf } from "./query/expressions";
import type { Query } from "./query/query";
import { instrumentModel } from "./session/instrument";
import type { SessionOptions } from "./session/session";
import { Session } from "./session/session";
import type { SessionHost } from "./session/session-host";

/** A model class, or what defines some on a Sequelize instance. */
export type ModelSource =
  readonly ModelStatic<Model>[] | ((sequelize: Sequelize, DataTypes: typeof import("sequelize").DataTypes) => unknown);

/** A model after registering: with its queries and its columns. */
export type RegisteredModel = ModelStatic<Model> & { readonly query: Query<Model>; readonly c: Columns<Model> };

/** Registered models by name. */
export type RegisteredModels = Record<string, RegisteredModel>;

/** How a database is opened. */
export interface DatabaseOptions {
  /** Defines the models on the new Sequelize instance, or lists models that are defined on it. Default: the sample Role and User. */
  models?: ModelSource;
  /** Makes the models from the tables of the database; `models` then is not asked. */
  reflect?: boolean;
  /** The database refuses writes on every connection. */
  readOnly?: boolean;
  /** Hears what a session warns of; default: a line on stderr. */
  onWarning?: (message: string) => void;
  /** Whether the database is asked for an answer before it is given out. Default true. */
  check?: boolean;
  /** The copy of Sequelize to use: that of the project whose models are defined. */
  SequelizeClass?: typeof Sequelize;
}

/** The pool of Sequelize's connection manager, with its parts where reading and writing have servers of their own; not in its types. */
interface ConnectionPool {
  readonly size: number;
  readonly _removeIdleTimer?: NodeJS.Timeout | undefined;
  readonly read?: ConnectionPool | undefined;
  readonly write?: ConnectionPool | undefined;
}

/** An open database: its Sequelize instance, its models, and the sessions that work on it. */
export class Database<M extends object = RegisteredModels> implements SessionHost {
  readonly sequelize: Sequelize;
  readonly dialect: Dialect;
  /** Registered models by name. */
  readonly models: M = {} as M;
  readonly #listeners = new Set<QueryListener>();
  readonly #scope = new AsyncLocalStorage<Session>();
  readonly #warn: (message: string) => void;
  /** Hears of the objects whose insertion a session has committed. @internal */
  onInserted: ((objects: readonly object[]) => void) | undefined;
  #defaultSession: Session | undefined;
  #readOnly = false;
  /** Drivers' connections that were told whether they refuse writes. */
  readonly #modes = new WeakMap<object, boolean>();
  /** What all connections have in common. The pool cannot be closed while it misses those that are held. */
  readonly #house: ConnectionHouse = { held: new Set(), running: new Set() };
  #closed = false;

  constructor(sequelize: Sequelize, options: Pick<DatabaseOptions, "onWarning"> = {}) {
    this.sequelize = sequelize;
    this.dialect = dialectOf(sequelize);
    this.#warn = options.onWarning ?? ((message) => process.stderr.write(`warning: ${message}\n`));
    tapStatements(sequelize, (event) => this.#notify(event), this.#house);
    joinTransactions(sequelize, () => this.#openSession?.connection, this.#house);
  }

  /** The current session: inside {@link runInSession} that scope's own, elsewhere the default one. */
  get session(): Session {
    return this.#scope.getStore() ?? (this.#defaultSession ??= this.createSession());
  }

  get #models(): Record<string, ModelStatic<Model>> {
    return this.models as Record<string, ModelStatic<Model>>;
  }

  get #openSession(): Session | undefined {
    return this.#scope.getStore() ?? this.#defaultSession;
  }

  /** A further session, with a connection and an identity map of its own. Close it when done. */
  createSession(options: SessionOptions = {}): Session {
    if (this.#closed)
      throw new ConnectionError("The database is closed.", { hint: "openDatabase(url) opens it again" });
    return new Session(this, options);
  }

  /**
   * Makes plain Sequelize models known: they gain `query`, `c` and accessors for their relationships.
   *
   * Tables between two models of a many-to-many relationship are registered with them.
   *
   * @throws {ArgumentError} for a model whose name or attribute would hide what registering adds
   */
  register(...models: ModelStatic<Model>[]): void {
    for (const model of models) {
      const mapper = Mapper.of(model);
      if (model.sequelize !== this.sequelize) {
        throw new ArgumentError(`Cannot register ${mapper.name}: it is defined on another Sequelize instance.`);
      }
      if (this.#models[mapper.name] === model) continue;
      instrumentModel(model, this);
      Object.defineProperties(model, {
        query: { get: () => this.session.query(model), configurable: true, enumerable: false },
        c: { value: columnsOf(mapper), configurable: true, enumerable: false },
      });
      this.#models[mapper.name] = model;
    }
    for (const model of models) {
      for (const relationship of Mapper.of(model).relationships.values()) {
        if (relationship.through) this.register(relationship.through.model);
      }
    }
  }

  /** The registered models' mappers. @internal */
  *mappers(): Iterable<Mapper> {
    for (const model of Object.values(this.#models)) yield Mapper.of(model);
  }

  /** Creates the tables of the registered models that are not there yet, parents before children. */
  async createAll(): Promise<void> {
    const models = this.#childrenFirst();
    // Tables that refer to each other in a circle are made without their foreign keys first; Sequelize does that for all models.
    if (models === undefined) await this.sequelize.sync();
    else for (const model of models.reverse()) await model.sync();
  }

  /** Drops the tables of the registered models, children before parents; tables that are not there are passed over. */
  async dropAll(): Promise<void> {
    // PostgreSQL's query generator cannot do without the empty options.
    for (const model of this.#childrenFirst() ?? Object.values(this.#models)) await model.drop({});
  }

  /** Whether the table of a model is there. @internal */
  async hasTable(mapper: Mapper): Promise<boolean> {
    const { tableName, schema } = mapper;
    const table = schema === undefined ? tableName : { tableName, schema };
    return this.sequelize.getQueryInterface().tableExists(table);
  }

  /** Whether a table of at least one registered model is there. @internal */
  async hasTables(): Promise<boolean> {
    for (const mapper of this.mappers()) if (await this.hasTable(mapper)) return true;
    return false;
  }

  /**
   * Calls `listener` for every statement that goes to the database, after it ended.
   *
   * @returns a function that ends it
   */
  onQuery(listener: QueryListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Runs `work` in a session of its own: inside, `db.session` and `Model.query` use it, whatever else runs at the same time.
   *
   * What is not committed when `work` ends is rolled back, and the session is closed.
   */
  async runInSession<T>(work: (session: Session) => T | Promise<T>): Promise<T> {
    const session = this.createSession();
    try {
      return await this.#scope.run(session, () => work(session));
    } finally {
      await session.close();
    }
  }

  /** Rolls back what is not committed and closes every connection. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#defaultSession?.close();
    await this.#house.sandbox?.end();
    this.#house.sandbox = undefined;
    for (const connection of this.#house.held) await connection.close();
    await this.sequelize.close();
  }

  // What a session needs of its database (SessionHost).

  /** @internal */
  connect(): Connection {
    return new Connection(this.sequelize, this.dialect, (event) => this.#notify(event), this.#house);
  }

  /** Cancels every statement that runs in the database for this process. @returns how many were cancelled @internal */
  async cancel(): Promise<number> {
    const held = [...this.#house.held].map((connection) => connection.cancel());
    const { running } = this.#house;
    const others = [...running]
      .filter((raw) => ![...this.#house.held].some((connection) => connection.holds(raw)))
      .map(async (raw) => {
        await cancelOn(this.sequelize, raw, () => running.has(raw));
        await interruptUntil(raw, () => !running.has(raw));
        return true;
      });
    return (await Promise.all([...held, ...others])).filter(Boolean).length;
  }

  // What the shell watches over

  /**
   * How many connections are open while no statement runs on any; undefined while one runs.
   *
   * The timer by which the pool looks for connections to close keeps the process alive no longer.
   *
   * @internal
   */
  countIdleConnections(): number | undefined {
    const { held, running } = this.#house;
    if (running.size > 0 || [...held].some((connection) => connection.executing)) return undefined;
    const { pool } = (this.sequelize as unknown as { connectionManager: { pool?: ConnectionPool } }).connectionManager;
    for (const part of [pool, pool?.read, pool?.write]) part?._removeIdleTimer?.unref();
    return pool?.size ?? 0;
  }

  /** The sandbox that everything goes into; undefined where there is none. @internal */
  get sandbox(): Sandbox | undefined {
    return this.#house.sandbox;
  }

  /**
   * Begins a sandbox: whatever is sent from now on is one transaction, and commits are savepoints in it.
   *
   * @throws {InvalidRequestError} while a session has a transaction open
   *
   * @internal
   */
  async beginSandbox(): Promise<Sandbox> {
    if (this.#house.sandbox) return this.#house.sandbox;
    for (const connection of [...this.#house.held]) {
      if (connection.inTransaction) {
        throw new InvalidRequestError("Cannot begin a sandbox: the session has work that is not committed.", {
          hint: "db.session.commit() or db.session.rollback()",
        });
      }
      await connection.close();
    }
    const { Sandbox: SandboxClass } = await import("./driver/sandbox.js");
    const house = this.#house;
    const base = new Connection(
      this.sequelize,
      this.dialect,
      (event) => {
        if (!isHousekeeping(event, this.dialect)) this.#notify(event);
      },
      {
        held: house.held,
        running: house.running,
        get prepare() {
          return house.prepare;
        },
      },
    );
    return (this.#house.sandbox = new SandboxClass(base));
  }

  /**
   * Undoes everything that was done since {@link beginSandbox}; sessions let go of their objects, whose rows may be gone.
   *
   * @internal
   */
  async endSandbox(): Promise<void> {
    const { sandbox } = this.#house;
    if (!sandbox) return;
    await this.#defaultSession?.rollback();
    this.#defaultSession?.expungeAll();
    await sandbox.end();
    this.#house.sandbox = undefined;
  }

  /** Whether the database refuses writes. */
  get readOnly(): boolean {
    return this.#readOnly;
  }

  /**
   * Lets the database refuse writes from now on, on every connection, or take them again.
   *
   * @throws {InvalidRequestError} while a transaction is open
   *
   * @internal
   */
  setReadOnly(readOnly: boolean): void {
    if (readOnly === this.#readOnly) return;
    if ([...this.#house.held].some((connection) => connection.inTransaction)) {
      throw new InvalidRequestError("Cannot change what the database refuses while a transaction is open.", {
        hint: "db.session.commit() or db.session.rollback(); in a sandbox .sandbox off",
      });
    }
    this.#readOnly = readOnly;
    const { accessMode } = this.dialect;
    this.#house.prepare ??= (raw, sql, run) => {
      const wanted = this.#readOnly && !isTemporary(sql);
      if ((this.#modes.get(raw) ?? false) === wanted) return undefined;
      this.#modes.set(raw, wanted);
      return run(accessMode[wanted ? 0 : 1]).then(() => undefined);
    };
  }

  /** Has each statement checked that writes many rows or that a person wrote; undefined for no check. @internal */
  set guard(guard: StatementGuard | undefined) {
    this.#house.guard = guard;
  }

  get guard(): StatementGuard | undefined {
    return this.#house.guard;
  }

  /** @internal */
  warn(message: string): void {
    this.#warn(message);
  }

  /** @internal */
  currentSession(): Session {
    return this.session;
  }

  #notify(event: QueryEvent): void {
    this.#house.sandbox?.heard(event);
    for (const listener of this.#listeners) listener(event);
  }

  /** Registered models, each before those that it refers to; undefined where they refer to each other in a circle. */
  #childrenFirst(): ModelStatic<Model>[] | undefined {
    const manager = (this.sequelize as unknown as { modelManager: ModelManager }).modelManager;
    const registered = new Set(Object.values(this.#models));
    return manager.getModelsTopoSortedByForeignKey()?.filter((model) => registered.has(model));
  }
}

/** Whether a statement concerns a temporary table only, in which the result of a SELECT is kept. */
function isTemporary(sql: string): boolean {
  return /^(?:CREATE TEMP TABLE \w+ AS |DROP TABLE IF EXISTS temp\.)/.test(sql);
}

/** Whether a statement only keeps a sandbox in order. */
function isHousekeeping({ sql, error }: QueryEvent, { beginWrite }: Dialect): boolean {
  return /^(?:RELEASE |ROLLBACK TO )?SAVEPOINT sandbox_/.test(sql) || (error !== undefined && sql === beginWrite);
}

interface ModelManager {
  getModelsTopoSortedByForeignKey(): ModelStatic<Model>[] | null;
}

/**
 * Opens a database.
 *
 * @param url  `sqlite:FILE`, `sqlite::memory:`, `postgres://…`, `mariadb://…`, `mysql://…`, or a path to an SQLite file
 * @throws {ArgumentError} for a URL that cannot be read
 * @throws {ConnectionError} where the database cannot be reached or is no database; the password stands in no message
 */
export async function openDatabase(
  url: string,
  options?: DatabaseOptions & { models?: undefined },
): Promise<Database<SampleModels>>;
export async function openDatabase<M extends object = RegisteredModels>(
  url: string,
  options?: DatabaseOptions,
): Promise<Database<M>>;
export async function openDatabase(url: string, options: DatabaseOptions = {}): Promise<Database<object>> {
  const address = parseDatabaseUrl(url);
  const readOnly = options.readOnly ?? false;
  if (address.storage !== undefined) checkStorage(address.storage, readOnly);
  const sequelize = await createSequelize(address, options.SequelizeClass);
  const database = new Database<object>(sequelize, options);
  database.setReadOnly(readOnly);
  try {
    if (options.check ?? true) await checkConnection(database, address);
    const models = options.reflect
      ? await reflectModels(database)
      : modelsFrom(options.models ?? defineModels, sequelize);
    database.register(...models);
    return database;
  } catch (error) {
    await database.close().catch(() => undefined);
    throw error;
  }
}

/** Works on an application's own Sequelize instance and its models. */
export function attach<M extends object = RegisteredModels>(
  sequelize: Sequelize,
  options: Pick<DatabaseOptions, "models" | "onWarning" | "readOnly"> = {},
): Database<M> {
  const database = new Database<M>(sequelize, options);
  database.setReadOnly(options.readOnly ?? false);
  const models = options.models === undefined ? Object.values(sequelize.models) : modelsFrom(options.models, sequelize);
  database.register(...models);
  return database;
}

/**
 * Points a Sequelize instance that has not connected yet at another database of the same kind.
 *
 * @throws {ArgumentError} for a URL of another dialect: the instance's models are bound to theirs
 */
export function pointAt(sequelize: Sequelize, url: string): void {
  const address = parseDatabaseUrl(url);
  if (sequelize.getDialect() !== address.dialect) {
    throw new ArgumentError(
      `Cannot open ${address.safeUrl} with these models: they are defined on a Sequelize instance for ${sequelize.getDialect()}.`,
      { hint: "export functions (sequelize, DataTypes) => Model, which take any database" },
    );
  }
  const parts = sequelize as unknown as {
    options: { storage?: string };
    config: Record<string, unknown>;
    connectionManager: { config: Record<string, unknown> };
  };
  if (address.url === undefined) {
    parts.options.storage = address.storage ?? ":memory:";
    return;
  }
  const { hostname, port, username, password, pathname } = new URL(address.url);
  const target = {
    host: hostname,
    ...(port === "" ? {} : { port: Number(port) }),
    username: decodeURIComponent(username),
    password: decodeURIComponent(password) || null,
    database: decodeURIComponent(pathname.slice(1)),
  };
  Object.assign(parts.config, target);
  Object.assign(parts.connectionManager.config, target);
}

/** What a prompt calls the database of a Sequelize instance: its file's name or its database's. */
export function titleOfInstance(sequelize: Sequelize): string {
  const { storage } = (sequelize as unknown as { options: { storage?: string } }).options;
  if (sequelize.getDialect() === "sqlite") return parseDatabaseUrl(`sqlite:${storage ?? ":memory:"}`).title;
  return sequelize.getDatabaseName();
}

function modelsFrom(source: ModelSource, sequelize: Sequelize): ModelStatic<Model>[] {
  if (typeof source !== "function") return [...source];
  const { DataTypes } = sequelize.constructor as unknown as { DataTypes: typeof import("sequelize").DataTypes };
  source(sequelize, DataTypes);
  return Object.values(sequelize.models);
}

/** Models of the tables that are there; what could not be taken over is warned of. */
async function reflectModels(database: Database<object>): Promise<ModelStatic<Model>[]> {
  const [{ reflect }, { defineReflectedModels }] = await Promise.all([
    import("./schema/reflect.js"),
    import("./schema/to-models.js"),
  ]);
  const { sequelize, dialect } = database;
  const connection = database.connect();
  try {
    const schema = await reflect(connection);
    const { prototype } = (sequelize.constructor as unknown as { Model: { prototype: object } }).Model;
    const { models, notes } = defineReflectedModels(sequelize, dialect, schema, {
      isReserved: (name) => name in prototype,
    });
    for (const note of notes) database.warn(note);
    return models;
  } finally {
    await connection.close();
  }
}

/**
 * Keeps Sequelize from opening a connection before its first only to ask the server's version, which every connection tells
 * it anyhow.
 */
function withoutVersionConnection(sequelize: Sequelize): Sequelize {
  // The driver of MySQL does not tell.
  if (sequelize.getDialect() === "mysql") return sequelize;
  const manager = (sequelize as unknown as { connectionManager: { versionPromise?: Promise<void> | null } })
    .connectionManager;
  manager.versionPromise = Promise.resolve();
  return sequelize;
}

async function createSequelize(address: DatabaseAddress, given: typeof Sequelize | undefined): Promise<Sequelize> {
  const SequelizeClass = given ?? (await import("sequelize")).Sequelize;
  requireDriver(address);
  const options: Options = {
    dialect: address.dialect,
    logging: false,
    dialectOptions: driverOptions(address),
  };
  return address.url === undefined
    ? new SequelizeClass({ ...options, storage: address.storage ?? ":memory:" })
    : withoutVersionConnection(new SequelizeClass(address.url, options));
}

function driverOptions({ dialect }: DatabaseAddress): object {
  switch (dialect) {
    case "sqlite":
    case "postgres":
      return {};
    default:
      // foundRows: an UPDATE counts the rows it matched, not only those it changed.
      // (mysql2 does so by itself and refuses to hear of it.)
      return {
        connectTimeout: 10_000,
        ...(dialect === "mariadb" ? { foundRows: true } : {}),
      };
  }
}

/** Loads the driver before Sequelize does, so that a missing one is told with the line that installs it. */
function requireDriver({ driver, dialect }: DatabaseAddress): void {
  try {
    createRequire(__filename).resolve(driver);
  } catch (cause) {
    throw new ConnectionError(`Cannot open a ${dialect} database: the package "${driver}" is not installed.`, {
      hint: `npm install ${driver}`,
      cause,
    });
  }
}

async function checkConnection(database: Database<object>, address: DatabaseAddress): Promise<void> {
  const connection = database.connect();
  try {
    await connection.all(address.dialect === "sqlite" ? "SELECT count(*) FROM sqlite_master" : "SELECT 1");
  } catch (cause) {
    const reason = reasonOf(cause);
    const hint = /ECONNREFUSED/.test(reason) ? "is the server running, and is this its port?" : undefined;
    throw new ConnectionError(`Cannot open ${address.safeUrl}: ${reason}`, { cause, hint });
  } finally {
    await connection.close();
  }
}

function reasonOf(error: unknown): string {
  const { message, code, original } = error as { message?: string; code?: string; original?: unknown };
  if (original !== undefined) return reasonOf(original);
  // Node joins the failures of several addresses of one host in an error without a text.
  const errors = (error as { errors?: unknown[] }).errors;
  const text = message || (Array.isArray(errors) ? reasonOf(errors[0]) : "") || code || String(error);
  return maskPassword(text.replace(/^SQLITE_[A-Z]+: |^\(conn:.*?\) /, ""));
}
