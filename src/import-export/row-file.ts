import { extname } from "node:path";
import { ArgumentError, ShellError } from "../errors";

/** The forms of files that rows are read from, by the ending of the file's name. */
export const ROW_FILE_ENDINGS = ["csv", "tsv", "json", "jsonl"] as const;

/** A row of a file: its values by the file's own names, and the line it begins at, from 1 up. */
export interface FileRow {
  readonly line: number;
  readonly values: Readonly<Record<string, unknown>>;
}

/** Lets others work while a long file is read; throws to stop. @param rows  how many were read */
export type Pause = (rows: number) => Promise<void>;

const ROWS_BETWEEN_PAUSES = 5000;

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
export async function readRowFile(name: string, text: string, pause?: Pause): Promise<FileRow[]> {
  const content = text.replace(/^\uFEFF/, "");
  switch (extname(name).slice(1).toLowerCase()) {
    case "csv":
      return separatedRows(content, ",", pause);
    case "tsv":
      return separatedRows(content, "\t", pause);
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

async function separatedRows(text: string, delimiter: "," | "\t", pause: Pause | undefined): Promise<FileRow[]> {
  const rows: FileRow[] = [];
  let names: readonly string[] | undefined;
  for (const { line, fields } of records(text, delimiter)) {
    if (names === undefined) {
      names = fields.map((field) => (field ?? "").trim());
      const twice = names.find((name, index) => names?.indexOf(name) !== index);
      if (twice !== undefined) throw new RowFileError(`two columns are named "${twice}".`, line);
      continue;
    }
    if (fields.length !== names.length) {
      throw new RowFileError(`expected ${names.length} fields as in the header, got ${fields.length}.`, line);
    }
    const values: Record<string, string | null> = {};
    for (let index = 0; index < fields.length; index += 1) values[names[index] ?? ""] = fields[index] ?? null;
    rows.push({ line, values });
    if (pause && rows.length % ROWS_BETWEEN_PAUSES === 0) await pause(rows.length);
  }
  return rows;
}

interface SeparatedRecord {
  line: number;
  fields: (string | null)[];
}

/** The lines of fields of a text, empty lines left out. */
function* records(text: string, delimiter: "," | "\t"): Generator<SeparatedRecord> {
  const bare = delimiter === "," ? /[^,\r\n]*/y : /[^\t\r\n]*/y;
  let at = 0;
  let line = 1;
  while (at < text.length) {
    const record: SeparatedRecord = { line, fields: [] };
    for (;;) {
      if (delimiter === "," && text[at] === '"') {
        const { value, end } = quotedField(text, at, line);
        record.fields.push(value);
        line += newLinesIn(value);
        at = end;
      } else {
        bare.lastIndex = at;
        const field = bare.exec(text)?.[0] ?? "";
        at += field.length;
        record.fields.push(delimiter === "," ? field || null : tabbedField(field));
      }
      if (text[at] !== delimiter) break;
      at += 1;
    }
    const isAtEnd = at >= text.length || text[at] === "\n" || text[at] === "\r";
    if (!isAtEnd) throw new RowFileError("expected a comma or the end of the line after a closing quote.", line);
    at += text.startsWith("\r\n", at) ? 2 : 1;
    line += 1;
    const isEmpty = record.fields.length === 1 && (record.fields[0] ?? "") === "" && text[at - 2] !== '"';
    if (!isEmpty) yield record;
  }
}

/** A field between quotes, a quote in it being two. */
function quotedField(text: string, start: number, line: number): { value: string; end: number } {
  let value = "";
  for (let from = start + 1; ;) {
    const quote = text.indexOf('"', from);
    if (quote < 0) throw new RowFileError("a quote is opened and not closed.", line);
    value += text.slice(from, quote);
    if (text[quote + 1] !== '"') return { value, end: quote + 1 };
    value += '"';
    from = quote + 2;
  }
}

function tabbedField(field: string): string | null {
  if (field === "\\N") return null;
  return field.includes("\\")
    ? field.replaceAll(/\\([tnr\\])/g, (_, letter: string) => TSV_ESCAPES[letter] ?? letter)
    : field;
}

function newLinesIn(value: string): number {
  return value.includes("\n") ? value.split("\n").length - 1 : 0;
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
