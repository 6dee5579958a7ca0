import type { Sequelize, Transaction } from "sequelize";
import { capture } from "./capture";
import type { Connection, QueryListener } from "./connection";

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
  transaction?: (Transaction & { connection?: object }) | null | undefined;
}

/**
 * Tells `notify` of every statement that Sequelize itself sends (`User.findAll()`, `sync()`, its own transactions).
 *
 * The instance's query class is replaced by a subclass, so the text and the parameters are those that the driver gets.
 */
export function tapStatements(sequelize: Sequelize, notify: QueryListener): void {
  const dialect = (sequelize as unknown as { dialect: { Query: QueryClass } }).dialect;
  dialect.Query = class TappedQuery extends dialect.Query {
    readonly #inTransaction: boolean;

    constructor(connection: object, instance: Sequelize, options: QueryOptions) {
      super(connection, instance, options);
      this.#inTransaction = Boolean(options.transaction);
    }

    override async run(sql: string, parameters?: unknown, ...rest: unknown[]): Promise<unknown> {
      if (capture({ sql, parameters: listOf(parameters) })) return this.#nothing();
      const start = performance.now();
      let rowCount: number | null = null;
      let failure: { error: unknown } | undefined;
      try {
        const result = await super.run(sql, parameters, ...rest);
        if (Array.isArray(result)) rowCount = result.length;
        return result;
      } catch (error) {
        failure = { error };
        throw error;
      } finally {
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
 */
export function joinTransactions(sequelize: Sequelize, current: () => Connection | undefined): void {
  const target = sequelize as unknown as {
    query(sql: unknown, options?: QueryOptions): Promise<unknown>;
    transaction(...parameters: unknown[]): Promise<unknown>;
  };
  const query = target.query.bind(sequelize);
  const transaction = target.transaction.bind(sequelize);

  target.query = (sql, options) => {
    const connection = current();
    const handle = connection?.handle as QueryOptions["transaction"];
    if (connection === undefined || !handle) return query(sql, options);
    if (options?.transaction === undefined)
      return connection.exclusive(() => query(sql, { ...options, transaction: handle }));
    // A savepoint of Sequelize's inside our transaction speaks on the same wire.
    if (options.transaction?.connection === handle.connection) return connection.exclusive(() => query(sql, options));
    return query(sql, options);
  };

  target.transaction = (...parameters) => {
    const [first, second] = parameters;
    const [options, work] =
      typeof first === "function" ? [undefined, first] : [first as QueryOptions | undefined, second];
    const handle = current()?.handle;
    if (handle === undefined || options?.transaction !== undefined) return transaction(...parameters);
    const joined = { ...options, transaction: handle };
    return work === undefined ? transaction(joined) : transaction(joined, work);
  };
}
