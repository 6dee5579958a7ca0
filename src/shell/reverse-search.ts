/** What a key does to a search. */
export type SearchStep =
  | { readonly kind: "searching" }
  /** The found entry becomes the line; `keys` are for the line editor. */
  | { readonly kind: "accepted"; readonly keys: string }
  | { readonly kind: "cancelled" };

/** A search backwards through the history while its words are being typed (Ctrl-R). */
export class ReverseSearch {
  readonly #entries: readonly string[];
  #words = "";
  #index: number;
  #failed = false;

  constructor(entries: readonly string[]) {
    this.#entries = entries;
    this.#index = entries.length;
  }

  /** What stands before the found entry. */
  get prompt(): string {
    return `(${this.#failed ? "failed " : ""}reverse-i-search)'${this.#words}': `;
  }

  /** The entry that was found last; undefined before anything was. */
  get found(): string | undefined {
    return this.#entries[this.#index];
  }

  /** Goes on to an older entry. */
  older(): void {
    this.#find(this.#index - 1);
  }

  /** Takes keys that were typed. */
  type(keys: string): SearchStep {
    if (keys === "\x07") return { kind: "cancelled" };
    if (keys === "\x1b") return { kind: "accepted", keys: "" };
    if (keys === "\x7f" || keys === "\b") {
      this.#words = [...this.#words].slice(0, -1).join("");
      this.#find(this.#entries.length - 1);
      return { kind: "searching" };
    }
    // eslint-disable-next-line no-control-regex -- control characters are keys, which the line editor is to act on
    const at = keys.search(/[\x00-\x1f\x7f]/);
    this.#words += at < 0 ? keys : keys.slice(0, at);
    if (at !== 0) this.#find(Math.min(this.#index, this.#entries.length - 1));
    return at < 0 ? { kind: "searching" } : { kind: "accepted", keys: keys.slice(at) };
  }

  #find(from: number): void {
    const index =
      this.#words === "" ? -1 : this.#entries.findLastIndex((entry, at) => at <= from && entry.includes(this.#words));
    this.#failed = index < 0 && this.#words !== "";
    if (index >= 0) this.#index = index;
    else if (this.#words === "") this.#index = this.#entries.length;
  }
}
