import { ShellError } from "../errors";

/** Text that is not CSV; `line` counts from 1. */
export class CsvError extends ShellError {
  readonly line: number;

  constructor(message: string, line: number) {
    super(`Line ${line}: ${message}`);
    this.line = line;
  }
}

/** A row of a CSV file: column name to text, and the line of the file it began at. */
export interface CsvRow {
  line: number;
  values: Readonly<Record<string, string>>;
}

/**
 * Reads CSV text (RFC 4180, with a header line; UTF-8 with or without a byte order mark).
 *
 * @throws {CsvError} for a quote that is not closed and for a row with another number of fields than the header
 */
export function parseCsv(text: string): CsvRow[] {
  // Loaded here: a shell that imports nothing does not need it.
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- see above
  const { parse } = require("csv-parse/sync") as typeof import("csv-parse/sync");
  try {
    const rows = parse<{ record: Record<string, string>; info: { lines: number } }>(text, {
      bom: true,
      columns: true,
      info: true,
      skip_empty_lines: true,
    } as never);
    return rows.map(({ record, info }) => ({ line: info.lines, values: record }));
  } catch (error) {
    const { message, lines = 0 } = error as { message: string; lines?: number };
    throw new CsvError(message, lines);
  }
}
