import type { Paint } from "./paint";

/** The lines around the cells of a table, in the look that cli-table3 has by default. */
export class TableFrame {
  readonly #widths: readonly number[];
  readonly #paint: Paint;
  readonly #left: string;
  readonly #between: string;
  readonly #right: string;

  constructor(widths: readonly number[], paint: Paint) {
    this.#widths = widths;
    this.#paint = paint;
    const bar = paint.dim("│");
    this.#left = `${bar} `;
    this.#between = ` ${bar} `;
    this.#right = ` ${bar}\n`;
  }

  get top(): string {
    return this.#rule("┌", "┬", "┐");
  }

  get middle(): string {
    return this.#rule("├", "┼", "┤");
  }

  get bottom(): string {
    return this.#rule("└", "┴", "┘");
  }

  /** One line of cells, each already as wide as its column. */
  line(cells: readonly string[]): string {
    return this.#left + cells.join(this.#between) + this.#right;
  }

  #rule(left: string, between: string, right: string): string {
    const segments = this.#widths.map((width) => "─".repeat(width + 2));
    return this.#paint.dim(left + segments.join(between) + right) + "\n";
  }
}
