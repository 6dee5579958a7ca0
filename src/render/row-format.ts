import { rowsFooter, type Outcome } from "./footer";
import { InsertWriter } from "./formats/insert";
import { JsonLinesWriter, JsonWriter } from "./formats/json";
import { MarkdownWriter } from "./formats/markdown";
import { csv, SeparatedWriter, tsv } from "./formats/separated";
import { VerticalWriter } from "./formats/vertical";
import { paint } from "./paint";
import { aside, type RenderOptions } from "./render-options";
import type { Column, ResultSet, Row } from "./result-set";
import type { RowWriter } from "./row-writer";
import { TableWriter } from "./table";

/** The table that INSERT statements name when none is told. */
const unnamedTable = "table_name";

/**
 * Makes what draws the rows of a result in the format of the options.
 *
 * @param footer  the line under the rows; the formats for programs have it only where rows are missing
 */
export function rowWriter(
  { columns, durationMs, footer: told }: ResultSet,
  options: RenderOptions,
  footer = (outcome: Outcome) => told ?? rowsFooter(outcome, durationMs),
): RowWriter {
  const colors = paint(options.color);
  const vertical = (): RowWriter => new VerticalWriter(columns, { paint: colors, footer });
  if (options.format === "vertical") return vertical();
  if (options.format !== "table") return new MachineWriter(machineWriter(columns, options), options);
  const { width, height } = options;
  return new TableWriter(columns, { paint: colors, width, height, footer, whenTooNarrow: vertical });
}

function machineWriter(columns: readonly Column[], options: RenderOptions): RowWriter {
  const isForReading = options.terminal;
  switch (options.format) {
    case "json":
      return new JsonWriter(columns, isForReading);
    case "jsonl":
      return new JsonLinesWriter(columns);
    case "csv":
    case "tsv":
      return new SeparatedWriter(columns, options.format === "csv" ? csv : tsv, isForReading);
    case "insert":
      return new InsertWriter(columns, { ...options, table: options.table ?? unnamedTable, isForReading });
    default:
      return new MarkdownWriter(columns);
  }
}

/** Says below the rows of a format for programs that there are more, to whoever reads it. */
class MachineWriter implements RowWriter {
  readonly #writer: RowWriter;
  readonly #options: RenderOptions;

  constructor(writer: RowWriter, options: RenderOptions) {
    this.#writer = writer;
    this.#options = options;
  }

  begin(): Iterable<string> {
    return this.#writer.begin();
  }

  rows(batch: readonly Row[]): Iterable<string> {
    return this.#writer.rows(batch);
  }

  *end(outcome: Outcome): Iterable<string> {
    yield* this.#writer.end(outcome);
    if (outcome.more) yield aside(rowsFooter(outcome), this.#options);
  }
}
