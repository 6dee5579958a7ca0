import type { Sequelize, Transaction } from "sequelize";
import { InvalidRequestError } from "../errors";
import { capture, isCapturing } from "./capture";
import type { Connection, ConnectionHouse, QueryListener } from "./connection";
import type { Sandbox } from "./sandbox";

/** The class with which Sequelize sends one statement; not in its types. */
type QueryClass = new (
  connection: object,
  sequelize: Sequelize,
  options: object,
) => {
  run(sql: string, parameters?: unknown, ...rest: unknown[]): Promise<unknown>;
  formatResults?(data: unknown): unknown;
  readonly instance?: object;
  readonly options: { plain?: boolean; type?: string };
};

interface QueryOptions {
  /** The object that a call of its own writes. */
  instance?: unknown;
  transaction?: (Transaction & { connection?: object }) | null | undefined;
}

/**
 * Tells `notify` of every statement that Sequelize itself sends (`User.findAll()`, `sync()`, its own transactions).
 *
 * The instance's query class is replaced by a subclass, so the text and the parameters are those that the driver gets.
 *
 * @param house  what the statements have in common with those of the database's own connections
 */
export function tapStatements(sequelize: Sequelize, notify: QueryListener, house?: ConnectionHouse): void {
  const dialect = (sequelize as unknown as { dialect: { Query: QueryClass } }).dialect;
  const Untapped = dialect.Query;
  dialect.Query = class TappedQuery extends dialect.Query {
    readonly #inTransaction: boolean;
    readonly #connection: object;
    readonly #writesInstance: boolean;

    constructor(connection: object, instance: Sequelize, options: QueryOptions) {
      super(connection, instance, options);
      this.#connection = connection;
      this.#inTransaction = Boolean(options.transaction);
      this.#writesInstance = options.instance != null;
    }

    override async run(sql: string, parameters?: unknown, ...rest: unknown[]): Promise<unknown> {
      if (capture({ sql, parameters: listOf(parameters) })) return this.#nothing();
      const raw = this.#connection;
      if (house?.sandbox && !house.sandbox.admits(raw, sql)) throw outsideSandbox();
      if (house?.prepare) await house.prepare(raw, sql, (text) => this.#sibling(text));
      // What writes one object is what a person asked for.
      if (house?.guard && !this.#writesInstance) {
        await house.guard({ sql, parameters: listOf(parameters) }, (text) => this.#count(text));
      }
      const start = performance.now();
      let rowCount: number | null = null;
      let failure: { error: unknown } | undefined;
      house?.running.add(raw);
      try {
        const result = await super.run(sql, parameters, ...rest);
        rowCount = rowCountOf(result);
        return result;
      } catch (error) {
        failure = { error };
        throw error;
      } finally {
        house?.running.delete(raw);
        const durationMs = performance.now() - start;
        notify({
          sql,
          parameters: listOf(parameters),
          durationMs,
          rowCount,
          inTransaction: this.#inTransaction,
          ...failure,
        });
      }
    }

    /** The number that a `SELECT count(*)` gives; where it fails, an open transaction goes on as before. */
    async #count(sql: string): Promise<number> {
      if (this.#inTransaction) await this.#sibling("SAVEPOINT count_of_rows");
      try {
        const row = (await this.#sibling(sql)) as Record<string, unknown> | null;
        if (this.#inTransaction) await this.#sibling("RELEASE SAVEPOINT count_of_rows");
        return Number(Object.values(row ?? {})[0] ?? 0);
      } catch (error) {
        if (this.#inTransaction) await this.#sibling("ROLLBACK TO SAVEPOINT count_of_rows");
        throw error;
      }
    }

    /** Sends a further statement on the same connection, of which nobody is told. */
    #sibling(sql: string): Promise<unknown> {
      const type = /^SELECT\b/i.test(sql) ? { type: "SELECT", plain: true } : { type: "RAW" };
      return new Untapped(this.#connection, sequelize, { ...type, raw: true, logging: false }).run(sql);
    }

    /** The answer to a statement that was not sent, in the shape that Sequelize expects. */
    #nothing(): unknown {
      const { instance, options } = this;
      if (options.plain) return null;
      if (options.type === "SELECT" || options.type === "SHOWTABLES") return [];
      return [instance ?? [], 0];
    }

    // Rows of the mariadb package from 3.5 on carry a property that cannot be deleted, and Sequelize deletes it.
    override formatResults(data: unknown): unknown {
      const frozen = Array.isArray(data) && Object.getOwnPropertyDescriptor(data, "meta")?.configurable === false;
      return super.formatResults?.(frozen ? Object.assign([...(data as unknown[])], { meta: undefined }) : data);
    }
  };
}

/** Rows that were found or matched, as far as Sequelize's answer tells. */
function rowCountOf(result: unknown): number | null {
  if (typeof result === "number") return result;
  if (!Array.isArray(result)) return null;
  // A write answers with what came back and a count.
  return result.length === 2 && typeof result[1] === "number" ? result[1] : result.length;
}

function outsideSandbox(): InvalidRequestError {
  return new InvalidRequestError("Cannot send a statement past the sandbox, on another connection.", {
    hint: "leave the transaction option out, or .sandbox off",
  });
}

function listOf(parameters: unknown): readonly unknown[] {
  if (Array.isArray(parameters)) return parameters;
  return typeof parameters === "object" && parameters !== null ? Object.values(parameters) : [];
}

/**
 * Lets plain Sequelize calls (`User.create()`, `sequelize.transaction(fn)`) take part in the transaction that a session has
 * open: without this they would wait for it, or not see its rows.
 *
 * Only the instance is wrapped, so that two databases never mix. A call with a `transaction` of its own keeps it.
 *
 * @param current  the connection of the session that is current at the time of a call
 * @param house    what guards the calls, and where they go instead
 */
export function joinTransactions(
  sequelize: Sequelize,
  current: () => Connection | undefined,
  house?: ConnectionHouse,
): void {
  const target = sequelize as unknown as {
    query(sql: unknown, options?: QueryOptions): Promise<unknown>;
    transaction(...parameters: unknown[]): Promise<unknown>;
  };
  const query = target.query.bind(sequelize);
  const transaction = target.transaction.bind(sequelize);

  target.query = async (sql, options) => {
    const sandbox = isCapturing() ? undefined : house?.sandbox;
    if (sandbox && (options?.transaction == null || options.transaction.connection === handleOf(sandbox)?.connection)) {
      return sandbox.plain(textOf(sql), () =>
        query(sql, { ...options, transaction: options?.transaction ?? handleOf(sandbox) }),
      );
    }
    const connection = current();
    const handle = connection?.handle as QueryOptions["transaction"];
    if (connection === undefined || !handle) return query(sql, options);
    if (options?.transaction === undefined || options.transaction?.connection === handle.connection)
      connection.commitsBefore(textOf(sql));
    if (options?.transaction === undefined)
      return connection.exclusive(() => query(sql, { ...options, transaction: handle }));
    // A savepoint of Sequelize's inside our transaction speaks on the same wire.
    if (options.transaction?.connection === handle.connection) return connection.exclusive(() => query(sql, options));
    return query(sql, options);
  };

  target.transaction = async (...parameters) => {
    if (house?.sandbox && !isCapturing()) await house.sandbox.open();
    const [first, second] = parameters;
    const [options, work] =
      typeof first === "function" ? [undefined, first] : [first as QueryOptions | undefined, second];
    const handle = current()?.handle;
    if (handle === undefined || options?.transaction !== undefined) return transaction(...parameters);
    const joined = { ...options, transaction: handle };
    return work === undefined ? transaction(joined) : transaction(joined, work);
  };
}

function handleOf(sandbox: Sandbox): QueryOptions["transaction"] {
  return sandbox.base.handle;
}

/** The text of what `sequelize.query` takes. */
function textOf(sql: unknown): string {
  if (typeof sql === "string") return sql;
  const { query } = (sql ?? {}) as { query?: unknown };
  return typeof query === "string" ? query : "";
}
