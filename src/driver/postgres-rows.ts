import type { RawConnection } from "./face";
import { CellForm, PostgresWire, RowCells } from "./postgres-wire";
import type { RowTaker } from "./postgres-wire";
import type { RowSink } from "./row-sink";

/** A query object of the pg package; what the client calls on it as its answer comes in. */
interface PgQuery {
  submit(connection: object): Error | null;
  handleReadyForQuery(connection: object): void;
  handleError(error: Error, connection: object): void;
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
  return class extends Base implements RowQuery, RowTaker {
    failure: Error | undefined;
    #wire: PostgresWire | undefined;
    #cells: RowCells | undefined;
    readonly #client: RawConnection;
    readonly #sink: RowSink;

    constructor(...[client, statement, sink, done]: ConstructorParameters<RowQueryClass>) {
      super(statement, undefined, done);
      this.#client = client;
      this.#sink = sink;
    }

    override submit(connection: object): Error | null {
      const wire = PostgresWire.of(this.#client);
      const error = super.submit(connection);
      if (error === null) {
        this.#wire = wire;
        wire?.lend(this);
      }
      return error;
    }

    override handleRowDescription(message: { fields: readonly PgField[] }): void {
      super.handleRowDescription(message);
      // What is not text is pg's to read.
      if (message.fields.some(({ format = "text" }) => format !== "text")) this.#leave();
      this.#try(() => {
        const columns = message.fields.map(({ name, dataTypeID, format = "text" }) => {
          const parser = this.#client.getTypeParser?.(dataTypeID, format) ?? String;
          // pg gives every cell as text, and parsers of the binary form its bytes.
          const parse = format === "text" ? parser : (text: string) => parser(Buffer.from(text) as never);
          return { name, parse, form: this.#wire === undefined ? CellForm.Text : formOf(dataTypeID, parse) };
        });
        this.#cells = new RowCells(columns.map(({ form }) => form));
        this.#sink.columns(
          columns.map(({ name, parse, form }) => ({ name, parse: form === CellForm.Integer ? undefined : parse })),
        );
      });
    }

    take(bytes: Buffer, start: number): void {
      const cells = this.#cells;
      if (this.failure === undefined && cells !== undefined) this.#try(() => this.#sink.row(cells.read(bytes, start)));
    }

    override handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
      if (this.failure === undefined) this.#try(() => this.#sink.row(fields));
    }

    override handleReadyForQuery(connection: object): void {
      this.#leave();
      super.handleReadyForQuery(connection);
    }

    override handleError(error: Error, connection: object): void {
      this.#leave();
      // Of a query that the client has given up rows may still come.
      this.failure ??= error;
      super.handleError(error, connection);
    }

    #leave(): void {
      this.#wire?.giveBack();
      this.#wire = undefined;
      this.#cells = undefined;
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

type CellParser = (text: string) => unknown;

/** The types int2, int4 and oid. */
const INTEGER_TYPES = new Set([21, 23, 26]);

function formOf(type: number, parse: CellParser): CellForm {
  const isNumber = INTEGER_TYPES.has(type) && WHOLE_NUMBERS.every((text) => parse(text) === Number(text));
  return isNumber ? CellForm.Integer : CellForm.Text;
}

const WHOLE_NUMBERS = ["0", "7", "-1", "32767", "-2147483648", "4294967295"];
