import { extname } from "node:path";
import { ArgumentError, ShellError } from "../errors";

/** The forms of files that rows are read from, by the ending of the file's name. */
export const ROW_FILE_ENDINGS = ["csv", "tsv", "json", "jsonl"] as const;

/** A row of a file: its values by the file's own names, and the line it begins at, from 1 up. */
export interface FileRow {
  readonly line: number;
  readonly values: Readonly<Record<string, unknown>>;
}

/** A file that cannot be read as rows; `line` is where. */
export class RowFileError extends ShellError {
  readonly line: number;

  constructor(message: string, line: number) {
    super(`Line ${line}: ${message}`);
    this.line = line;
  }
}

/**
 * Reads the text of a file as rows: CSV or TSV with a header line, a JSON array of objects, or one JSON object a line.
 *
 * Nothing between two separators is null, `""` is an empty text; in TSV `\N` is null. A byte order mark is passed over.
 *
 * @throws {ArgumentError} for another ending; {@link RowFileError} for a text that is not of that form
 */
export function readRowFile(name: string, text: string): FileRow[] {
  const content = text.replace(/^\uFEFF/, "");
  switch (extname(name).slice(1).toLowerCase()) {
    case "csv":
      return separatedRows(content, ",");
    case "tsv":
      return separatedRows(content, "\t");
    case "json":
      return jsonRows(content);
    case "jsonl":
      return jsonLines(content);
    default:
      throw new ArgumentError(`Cannot tell the form of "${name}" by its ending.`, {
        hint: `one of ${ROW_FILE_ENDINGS.map((ending) => `.${ending}`).join(", ")}`,
      });
  }
}

const TSV_ESCAPES: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", "\\": "\\" };

function separatedRows(text: string, delimiter: string): FileRow[] {
  // Loaded here: a shell that imports nothing does not need it.
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- see above
  const { parse } = require("csv-parse/sync") as typeof import("csv-parse/sync");
  const isTabbed = delimiter === "\t";
  const value = (field: string, { quoting, header }: { quoting: boolean; header: boolean }): string | null => {
    if (header) return field.trim();
    if (!isTabbed) return field === "" && !quoting ? null : field;
    return field === "\\N"
      ? null
      : field.replaceAll(/\\([tnr\\])/g, (_, letter: string) => TSV_ESCAPES[letter] ?? letter);
  };
  try {
    const rows = parse<{ record: Record<string, string | null>; info: { lines: number } }>(text, {
      columns: true,
      info: true,
      skip_empty_lines: true,
      record_delimiter: ["\r\n", "\n", "\r"],
      delimiter,
      cast: value,
      ...(isTabbed ? { quote: null } : {}),
    } as never);
    // The reader tells the line that a row ends at.
    return rows.map(({ record, info }) => ({ line: info.lines - newLinesIn(record), values: record }));
  } catch (error) {
    const { message, lines = 1 } = error as { message: string; lines?: number };
    throw new RowFileError(message, lines);
  }
}

function newLinesIn(record: Readonly<Record<string, string | null>>): number {
  return Object.values(record).reduce((sum, value) => sum + (value?.match(/\n/g)?.length ?? 0), 0);
}

function jsonRows(text: string): FileRow[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    const { message } = error as Error;
    const [, position] = /position (\d+)/.exec(message) ?? [];
    const before = position === undefined ? "" : text.slice(0, Number(position));
    throw new RowFileError(`${message}.`, before.split("\n").length);
  }
  if (!Array.isArray(parsed)) throw new RowFileError("expected an array of objects.", 1);
  const lines = linesOfElements(text);
  return parsed.map((element: unknown, index) => rowOf(element, lines[index] ?? 1));
}

/** The lines at which the elements of a JSON array begin. */
function linesOfElements(text: string): number[] {
  const lines: number[] = [];
  let line = 1;
  let depth = 0;
  let expected = false;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\[\s\S])*"|\n|[[\]{},]|[^\s"[\]{},]+/g)) {
    if (token === "\n") {
      line += 1;
      continue;
    }
    if (depth === 1 && expected && token !== "]") {
      lines.push(line);
      expected = false;
    }
    if (token === "[" || token === "{") depth += 1;
    if (token === "]" || token === "}") depth -= 1;
    if (depth === 1 && (token === "," || (token === "[" && lines.length === 0))) expected = true;
  }
  return lines;
}

function jsonLines(text: string): FileRow[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === "") return [];
    try {
      return [rowOf(JSON.parse(line), index + 1)];
    } catch (error) {
      if (error instanceof RowFileError) throw error;
      throw new RowFileError(`${(error as Error).message}.`, index + 1);
    }
  });
}

function rowOf(element: unknown, line: number): FileRow {
  if (typeof element !== "object" || element === null || Array.isArray(element)) {
    throw new RowFileError(`expected an object, got ${JSON.stringify(element)}.`, line);
  }
  return { line, values: element as Record<string, unknown> };
}
