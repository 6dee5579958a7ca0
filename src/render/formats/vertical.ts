import { cellText, isNull } from "../cell";
import { escapeControls } from "../escape";
import type { Outcome } from "../footer";
import type { Paint } from "../paint";
import type { Column, Row } from "../result-set";
import type { RowWriter } from "../row-writer";
import { displayWidth, pad } from "../width";

/** How rows below each other are drawn. */
export interface VerticalOptions {
  readonly paint: Paint;
  readonly footer: (outcome: Outcome) => string;
}

/** However long the values are, the rule above them ends on the screen. */
const longestRule = 80;

/** Draws each row as a list of names and values, as `\x` does in psql. */
export class VerticalWriter implements RowWriter {
  readonly #columns: readonly Column[];
  readonly #options: VerticalOptions;
  readonly #names: readonly string[];
  readonly #nameWidth: number;
  #drawn = 0;

  constructor(columns: readonly Column[], options: VerticalOptions) {
    this.#columns = columns;
    this.#options = options;
    const names = columns.map((column) => escapeControls(column.name));
    this.#nameWidth = names.reduce((widest, name) => Math.max(widest, displayWidth(name)), 0);
    this.#names = names.map((name) => options.paint.bold(pad(name, this.#nameWidth)));
  }

  *begin(): Iterable<string> {}

  *rows(batch: readonly Row[]): Iterable<string> {
    const { paint } = this.#options;
    for (const row of batch) {
      const texts = this.#columns.map(({ kind }, index) => cellText(row[index], kind));
      yield this.#head(++this.#drawn, texts);
      for (const [index, text] of texts.entries()) {
        yield `${this.#names[index]!} ${paint.dim("|")} ${isNull(row[index]) ? paint.dim(text) : text}\n`;
      }
    }
  }

  *end(outcome: Outcome): Iterable<string> {
    yield this.#options.paint.dim(this.#options.footer(outcome)) + "\n";
  }

  /** The rule above a record: `-[ RECORD 1 ]----`, crossed where the names end. */
  #head(number: number, texts: readonly string[]): string {
    const title = `-[ RECORD ${number} ]`;
    const valueWidth = texts.reduce((widest, text) => Math.max(widest, displayWidth(text)), 1);
    const rule = title.padEnd(Math.min(this.#nameWidth + 3 + valueWidth, longestRule), "-");
    const crossing = this.#nameWidth + 1;
    const crossed = crossing < title.length ? rule : rule.slice(0, crossing) + "+" + rule.slice(crossing + 1);
    return this.#options.paint.dim(crossed) + "\n";
  }
}
