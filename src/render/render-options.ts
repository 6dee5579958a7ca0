import { escapeControls } from "./escape";
import { paint } from "./paint";
import type { SqlSyntax } from "./sql-tokens";

/** Names of the formats, as `--format` and `.mode` take them. */
export const formats = ["table", "vertical", "json", "jsonl", "csv", "tsv", "markdown", "insert"] as const;

/** How rows are written. */
export type Format = (typeof formats)[number];

/** For whom and on what screen something is drawn. */
export interface RenderOptions {
  readonly format: Format;
  /** Whether a person reads it on a screen: only then are lines fitted and limits told below the rows. */
  readonly terminal: boolean;
  readonly color: boolean;
  /** Columns of the screen; undefined when there is none, and nothing is shrunk or hidden. */
  readonly width?: number;
  /** Lines of the screen. */
  readonly height?: number;
  /** Rows drawn at most; undefined or 0 for all. */
  readonly limit?: number;
  /** The table of INSERT statements. */
  readonly table?: string;
  /** A value as a literal of the database at hand. */
  readonly literal?: (value: unknown) => string;
  /** A name as the database at hand quotes it. */
  readonly identifier?: (name: string) => string;
  /** The syntax of the database at hand, for laying SQL out. */
  readonly syntax?: SqlSyntax;
  /** Texts as they are instead of quoted. */
  readonly bareStrings?: boolean;
  /** Takes the lines that are no data (how many rows were left out, that SQL was not run) away from the text. */
  readonly note?: (line: string) => void;
}

/** Whether a format is made for people; the others are made for programs. */
export function isForPeople(format: Format): boolean {
  return format === "table" || format === "vertical";
}

/** A line that is no data: where the options take it, else dim below the data that people read. */
export function aside(line: string, { note, terminal, format, color }: RenderOptions): string {
  if (note !== undefined) {
    note(line);
    return "";
  }
  return terminal || isForPeople(format) ? paint(color).dim(escapeControls(line)) + "\n" : "";
}
