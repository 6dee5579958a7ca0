import type { DriverRow, StatementResult } from "./dialect";
import { canReadRows, readRows } from "./postgres-rows";
import type { RowSink } from "./row-sink";

type Callback<T> = (error: Error | null, result: T) => void;

/** A driver's connection; each driver has some of these members. */
export interface RawConnection {
  uuid?: string | undefined;
  filename?: string;
  // sqlite3
  all?(sql: string, parameters: readonly unknown[], done: Callback<DriverRow[]>): void;
  run?(sql: string, parameters: readonly unknown[], done: RunDone): void;
  prepare?(sql: string): PreparedStatement;
  interrupt?(): void;
  configure?(option: "busyTimeout", ms: number): void;
  wait?(done: (error: Error | null) => void): void;
  // pg, mariadb, mysql2
  query?(sql: string | object, parameters?: readonly unknown[], done?: Callback<unknown>): unknown;
  destroy?(): void;
  processID?: number;
  /** pg: what it speaks through. */
  connection?: { readonly stream?: { pause(): unknown; resume(): unknown; destroy(): unknown } };
  getTypeParser?(oid: number, format: string): (text: string) => unknown;
  threadId?: number | bigint;
}

type RunDone = (this: { changes: number; lastID: number }, error: Error | null) => void;

/** A statement that sqlite3 has prepared. */
interface PreparedStatement {
  run(parameters: readonly unknown[], done: RunDone): void;
  finalize(): void;
}

/** How a driver's connection is spoken to. */
export interface Face {
  all(sql: string, parameters: readonly unknown[]): Promise<DriverRow[]>;
  run(sql: string, parameters: readonly unknown[]): Promise<StatementResult>;
  /** Sends a SELECT whose rows go into `sink`. @returns the number of rows */
  read(sql: string, parameters: readonly unknown[], sink: RowSink): Promise<number>;
  /** Gives up what it keeps of the connection. */
  release?(): void;
}

/** The way to speak to a driver's connection. */
export function faceOf(raw: RawConnection): Face {
  if (raw.all && raw.run && raw.prepare) return sqliteFace(raw as SqliteConnection);
  if (raw.processID !== undefined) return postgresFace(raw);
  return mysqlFace(raw);
}

type SqliteConnection = RawConnection & Required<Pick<RawConnection, "all" | "run" | "prepare">>;

/**
 * A text that is sent again and again, as the parts of a flush are, stays prepared until another one follows: then SQLite
 * starts at once, in its own thread, whatever this one is busy with.
 */
function sqliteFace(raw: SqliteConnection): Face {
  let last = "";
  let prepared: PreparedStatement | undefined;
  const release = (): void => {
    last = "";
    prepared?.finalize();
    prepared = undefined;
  };
  const all = (sql: string, parameters: readonly unknown[]): Promise<DriverRow[]> => {
    release();
    return new Promise((resolve, reject) =>
      raw.all(sql, parameters, (error, rows) => (error ? reject(error) : resolve(rows))),
    );
  };
  return {
    all,
    read: async (sql, parameters, sink) => {
      const rows = await all(sql, parameters);
      sink.objects(rows);
      return rows.length;
    },
    run: (sql, parameters) =>
      new Promise((resolve, reject) => {
        const done: RunDone = function (error) {
          if (!error) {
            resolve({ rows: [], rowCount: this.changes, insertId: this.lastID });
            return;
          }
          release();
          reject(error);
        };
        const isAgain = sql === last;
        if (!isAgain) release();
        last = sql;
        if (isAgain) (prepared ??= raw.prepare(sql)).run(parameters, done);
        else raw.run(sql, parameters, done);
      }),
    release,
  };
}

function postgresFace(raw: RawConnection): Face {
  const query = async (sql: string, parameters: readonly unknown[]): Promise<StatementResult> => {
    const result = (await raw.query?.(sql, parameters)) as {
      rows: DriverRow[];
      rowCount: number | null;
      command?: string;
    };
    return { rows: result.rows, rowCount: result.rowCount ?? 0, command: result.command };
  };
  return {
    all: async (sql, parameters) => (await query(sql, parameters)).rows,
    run: query,
    read: async (sql, parameters, sink) => {
      if (canReadRows(raw)) return readRows(raw, sql, parameters, sink);
      const { rows } = await query(sql, parameters);
      sink.objects(rows);
      return rows.length;
    },
  };
}

/** The rows of the mariadb package as arrays. */
type CellRows = unknown[][] & { readonly meta: readonly { name(): string }[] };

/** A statement whose rows come as arrays. Sequelize's conversion of each cell is left out where it would do nothing. */
export function arraysOf(sql: string, { isPlain }: RowSink): object {
  return isPlain ? { sql, rowsAsArray: true, typeCast: undefined } : { sql, rowsAsArray: true };
}

function readViaCallback(
  raw: RawConnection,
  sql: string,
  parameters: readonly unknown[],
  sink: RowSink,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, rows: unknown[][], columns: readonly { name: string }[]): void => {
      if (error) {
        reject(error);
        return;
      }
      sink.columns(columns.map(({ name }) => ({ name, parse: undefined })));
      for (const row of rows) sink.row(row);
      resolve(rows.length);
    };
    raw.query?.({ sql, rowsAsArray: true }, parameters, done as Callback<unknown>);
  });
}

interface MysqlHeader {
  affectedRows?: number | bigint;
  insertId?: number | bigint;
}

function mysqlFace(raw: RawConnection): Face {
  // mysql2 takes a callback; mariadb returns a promise.
  const viaCallback = (raw as { execute?: { length: number }; promise?: unknown }).promise !== undefined;
  const query = (sql: string | object, parameters: readonly unknown[]): Promise<unknown> =>
    viaCallback
      ? new Promise((resolve, reject) => {
          raw.query?.(sql, parameters, (error, result) => (error ? reject(error) : resolve(result)));
        })
      : (raw.query?.(sql, parameters) as Promise<unknown>);
  return {
    all: async (sql, parameters) => {
      const result = await query(sql, parameters);
      return Array.isArray(result) ? [...(result as DriverRow[])] : [];
    },
    run: async (sql, parameters) => {
      const result = await query(sql, parameters);
      if (Array.isArray(result)) return { rows: [...(result as DriverRow[])], rowCount: result.length };
      const { affectedRows = 0, insertId = 0 } = result as MysqlHeader;
      return { rows: [], rowCount: Number(affectedRows), insertId: Number(insertId) };
    },
    read: viaCallback
      ? (sql, parameters, sink) => readViaCallback(raw, sql, parameters, sink)
      : async (sql, parameters, sink) => {
          const rows = (await query(arraysOf(sql, sink), parameters)) as CellRows;
          sink.columns(rows.meta.map((column) => ({ name: column.name(), parse: undefined })));
          for (let i = 0; i < rows.length; i++) {
            sink.row(rows[i] as unknown[]);
            // Let go of at once: what is still young then costs the garbage collector nothing.
            (rows as unknown[])[i] = undefined;
          }
          return rows.length;
        },
  };
}
