import type { Connection } from "./connection";
import { ResourceClosedError } from "../errors";
import type { DriverRow, Statement } from "./dialect";

let streamCount = 0;

/**
 * The rows of a SELECT in batches, in bounded memory.
 *
 * The database keeps the result (a cursor, or a temporary table) as it is at the start; between two batches the connection
 * is free for other statements, also for COMMIT (but not for a ROLLBACK of the transaction it began in). Leaving the loop early drops what the database keeps.
 *
 * @param batch  rows of one batch at the most
 */
export async function* streamRows(
  connection: Connection,
  statement: Statement,
  batch: number,
): AsyncGenerator<DriverRow[], void, undefined> {
  const cursor = connection.dialect.cursor(`sequelize_shell_${process.pid}_${++streamCount}`, batch);
  const handle = connection.handle as { finished?: string } | undefined;
  await run(connection, cursor.open(statement));
  try {
    for (;;) {
      if (handle?.finished === "rollback") {
        throw new ResourceClosedError("Cannot read on: the transaction in which it began was rolled back.", {
          hint: "commit or roll back after the loop, or begin the loop outside the transaction",
        });
      }
      const next = cursor.next();
      const rows = await connection.all(next.sql, next.parameters);
      const isLast = rows.length < batch;
      if (rows.length > 0) yield cursor.take(rows);
      if (isLast) return;
    }
  } finally {
    await cursor.close(connection);
  }
}

async function run(connection: Connection, { sql, parameters }: Statement): Promise<void> {
  await connection.run(sql, parameters);
}
