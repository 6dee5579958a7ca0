import type { RawConnection } from "./face";
import type { RowSink } from "./row-sink";

/** A query object of the pg package; what the client calls on it as its answer comes in. */
interface PgQuery {
  handleRowDescription(message: { fields: readonly PgField[] }): void;
  handleDataRow(message: { fields: readonly (string | null)[] }): void;
}

interface PgField {
  readonly name: string;
  readonly dataTypeID: number;
  readonly format?: string;
}

type PgQueryClass = new (
  config: { text: string; values: readonly unknown[] },
  values: undefined,
  done: (error: Error | null, result: { rowCount: number | null }) => void,
) => PgQuery;

/** Reads the rows of one query into a sink. */
interface RowQuery extends PgQuery {
  /** What went wrong in the sink, where something did. */
  readonly failure: Error | undefined;
}

type RowQueryClass = new (
  client: RawConnection,
  statement: { text: string; values: readonly unknown[] },
  sink: RowSink,
  done: (error: Error | null, result: { rowCount: number | null }) => void,
) => RowQuery;

/** The subclass of each query class of pg that reads into sinks. */
const rowQueries = new WeakMap<object, RowQueryClass>();

/** Whether rows can be taken off the wire: not through pg-native, and not through what only looks like pg. */
export function canReadRows(client: RawConnection): boolean {
  return client.getTypeParser !== undefined && typeof queryClassOf(client)?.prototype.handleDataRow === "function";
}

/** Sends a SELECT and gives the cells of its rows to `sink` as the texts that the server sent. @returns the number of rows */
export function readRows(
  client: RawConnection,
  text: string,
  values: readonly unknown[],
  sink: RowSink,
): Promise<number> {
  const Base = queryClassOf(client) as PgQueryClass;
  let RowQuery = rowQueries.get(Base);
  if (RowQuery === undefined) rowQueries.set(Base, (RowQuery = rowQueryClass(Base)));
  const Query = RowQuery;
  return new Promise((resolve, reject) => {
    const query = new Query(client, { text, values }, sink, (error, result) => {
      if (error) reject(error);
      else if (query.failure !== undefined) reject(query.failure);
      else resolve(result.rowCount ?? 0);
    });
    client.query?.(query);
  });
}

function queryClassOf(client: RawConnection): (PgQueryClass & { prototype: PgQuery }) | undefined {
  return (client.constructor as { Query?: PgQueryClass & { prototype: PgQuery } }).Query;
}

function rowQueryClass(Base: PgQueryClass): RowQueryClass {
  return class extends Base implements RowQuery {
    failure: Error | undefined;
    readonly #client: RawConnection;
    readonly #sink: RowSink;

    constructor(...[client, statement, sink, done]: ConstructorParameters<RowQueryClass>) {
      super(statement, undefined, done);
      this.#client = client;
      this.#sink = sink;
    }

    override handleRowDescription(message: { fields: readonly PgField[] }): void {
      super.handleRowDescription(message);
      this.#try(() =>
        this.#sink.columns(
          message.fields.map(({ name, dataTypeID, format = "text" }) => {
            const parse = this.#client.getTypeParser?.(dataTypeID, format);
            return { name, parse: parse ?? String };
          }),
        ),
      );
    }

    override handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
      if (this.failure === undefined) this.#try(() => this.#sink.row(fields));
    }

    /** What the sink throws must not reach the client, which would lose count of its answers. */
    #try(work: () => void): void {
      try {
        work();
      } catch (error) {
        this.failure ??= error instanceof Error ? error : new Error(String(error));
      }
    }
  };
}
