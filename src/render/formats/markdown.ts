import { cellText } from "../cell";
import type { Column, Row } from "../result-set";
import type { RowWriter } from "../row-writer";
import { blanks, displayWidth, pad } from "../width";

/** Draws rows as a table of GitHub's Markdown. */
export class MarkdownWriter implements RowWriter {
  readonly #columns: readonly Column[];
  #widths: number[];
  #hasHead = false;

  constructor(columns: readonly Column[]) {
    this.#columns = columns;
    // Three, because the rule below the header has at least three dashes.
    this.#widths = columns.map((column) => Math.max(3, displayWidth(escaped(column.name))));
  }

  *begin(): Iterable<string> {}

  *rows(batch: readonly Row[]): Iterable<string> {
    const lines = batch.map((row) => this.#columns.map(({ kind }, index) => escaped(row[index], kind)));
    // Markdown does not need the widths; they are for those who read the text as it is.
    this.#widths = this.#widths.map((width, index) =>
      lines.reduce((widest, line) => Math.max(widest, displayWidth(line[index]!)), width),
    );
    if (!this.#hasHead) yield* this.#head();
    for (const line of lines) yield this.#line(line);
  }

  *end(): Iterable<string> {
    if (!this.#hasHead) yield* this.#head();
  }

  *#head(): Iterable<string> {
    this.#hasHead = true;
    yield this.#line(this.#columns.map((column) => escaped(column.name)));
    const rules = this.#columns.map((column, index) => {
      const dashes = "-".repeat(this.#widths[index]! - 1);
      return isNumber(column) ? `${dashes}:` : `${dashes}-`;
    });
    yield this.#line(rules);
  }

  #line(cells: readonly string[]): string {
    const padded = cells.map((cell, index) => {
      const width = this.#widths[index]!;
      return isNumber(this.#columns[index]!) ? blanks(width - displayWidth(cell)) + cell : pad(cell, width);
    });
    return `| ${padded.join(" | ")} |\n`;
  }
}

function isNumber(column: Column): boolean {
  return column.kind === "number";
}

/** A cell in which nothing is taken for the border or for HTML, and lines are broken by `<br>`. */
function escaped(value: unknown, kind?: Column["kind"]): string {
  const isText = typeof value === "string" && kind !== "json";
  const lines = isText ? value.split(/\r?\n/) : [value];
  return lines.map((line) => markdownText(cellText(line, kind))).join("<br>");
}

function markdownText(text: string): string {
  return text
    .replace(/\\(?=[!-/:-@[-`{-~]|$)/g, "\\\\")
    .replaceAll("|", "\\|")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;");
}
