import type { Readable } from "node:stream";
import type { RawConnection } from "./face";
import { arraysOf } from "./face";
import { canReadRows, readRows } from "./postgres-rows";
import type { RowSink } from "./row-sink";

/** A result that a connection gives row by row, as fast as it is let. */
export interface RowSource {
  /** Resolves after the last row. */
  readonly done: Promise<unknown>;
  /** What was received may still come; nothing further is received. */
  pause(): void;
  resume(): void;
}

/** The connections of the drivers that give the rows of one statement as a stream. */
interface StreamingConnection {
  /** mariadb */
  queryStream?(statement: object, parameters: readonly unknown[]): Readable;
  /** mysql2 */
  query?(statement: object, parameters: readonly unknown[]): { stream(): Readable };
}

/** A column as the drivers tell of it: mariadb by a function, mysql2 by a value. */
type DriverColumn = { name: string | (() => string) };

/** Sends a SELECT on a connection that has nothing else to do; undefined where its driver gives no rows one by one. */
export function openRowSource(
  connection: object,
  sql: string,
  parameters: readonly unknown[],
  sink: RowSink,
): RowSource | undefined {
  const raw = connection as RawConnection;
  if (raw.processID === undefined) return fromReadable(connection, sql, parameters, sink);
  const socket = raw.connection?.stream;
  if (socket === undefined || !canReadRows(raw)) return undefined;
  return {
    done: readRows(raw, sql, parameters, sink),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
  };
}

function fromReadable(
  connection: StreamingConnection,
  sql: string,
  parameters: readonly unknown[],
  sink: RowSink,
): RowSource | undefined {
  const statement = arraysOf(sql, sink);
  const rows = connection.queryStream?.(statement, parameters) ?? connection.query?.(statement, parameters).stream();
  if (rows === undefined) return undefined;
  let isPaused = false;
  const done = new Promise<void>((resolve, reject) => {
    const fail = (error: unknown): void => {
      rows.destroy();
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    rows.on("fields", (columns: readonly DriverColumn[]) => {
      const named = columns.map((column) => (typeof column.name === "string" ? column.name : column.name()));
      try {
        sink.columns(named.map((name) => ({ name, parse: undefined })));
      } catch (error) {
        fail(error);
      }
    });
    // Each row goes past the stream's own buffer and events, which cost as much again as the driver does.
    const push = rows.push.bind(rows);
    rows.push = (row: unknown[] | null) => {
      if (row === null) return push(null);
      try {
        sink.row(row);
      } catch (error) {
        fail(error);
      }
      return !isPaused;
    };
    rows.on("end", resolve);
    rows.on("error", reject);
    // Without a reader the end would not be told.
    rows.resume();
  });
  return {
    done,
    pause: () => void (isPaused = true),
    resume: () => {
      isPaused = false;
      rows._read(0);
    },
  };
}
