import { InvalidRequestError, ArgumentError, nearestName } from "../errors";
import { groupDigits } from "../render/footer";
import { type ResultSet, type Row, resultSet } from "../render/result-set";

/** What was shown last, and how many of its rows were drawn. */
export interface Shown {
  readonly set: ResultSet;
  readonly drawn: number;
}

/** The rows that were shown last, so that more of them, or others of their columns, can be shown. */
export class ShownRows {
  readonly #shell: { readonly shown: Shown | undefined };
  #seen: Shown | undefined;
  #source: ResultSet | undefined;
  /** The rows with all their columns, or with those that were chosen. */
  #set: ResultSet | undefined;
  #end = 0;

  /** @param shell  knows what was shown last */
  constructor(shell: { readonly shown: Shown | undefined }) {
    this.#shell = shell;
  }

  /** The names of the columns. */
  get columns(): readonly string[] {
    this.#look();
    return this.#source?.columns.map(({ name }) => name) ?? [];
  }

  /** The next rows after those that were drawn. */
  more(limit: number): ResultSet {
    const { rows } = this.#last;
    if (this.#end >= rows.length) {
      throw new InvalidRequestError("There are no more rows.", { hint: ".last shows the last of them again" });
    }
    return this.#slice(this.#end, limit === 0 ? rows.length : this.#end + limit);
  }

  all(): ResultSet {
    return this.#slice(0, this.#last.rows.length);
  }

  /** The last rows. */
  last(limit: number): ResultSet {
    const { rows } = this.#last;
    return this.#slice(limit === 0 ? 0 : Math.max(0, rows.length - limit), rows.length);
  }

  /**
   * The rows with some of their columns only, in the order of the names; `*` are all. What is shown next has the same columns.
   *
   * @throws {ArgumentError} for an unknown name
   */
  only(names: readonly string[]): ResultSet {
    this.#look();
    this.#set = this.#source;
    const { set, rows } = this.#last;
    if (names.includes("*")) return set;
    const places = names.map((name) => {
      const index = set.columns.findIndex((column) => column.name === name);
      if (index >= 0) return index;
      const near = nearestName(name, this.columns);
      throw new ArgumentError(`There is no column "${name}".`, {
        hint: near === undefined ? `one of ${this.columns.join(", ")}` : `did you mean "${near}"?`,
      });
    });
    const columns = places.flatMap((index) => set.columns[index] ?? []);
    return (this.#set = resultSet({ columns, rows: rows.map((row) => places.map((index) => row[index])) }));
  }

  #slice(from: number, to: number): ResultSet {
    const { set, rows } = this.#last;
    const drawn = rows.slice(from, to);
    this.#end = from + drawn.length;
    const range = `rows ${groupDigits(from + 1)}-${groupDigits(this.#end)} of ${groupDigits(rows.length)}`;
    const rest = this.#end < rows.length ? "; .more .all .last" : "";
    return resultSet({
      columns: set.columns,
      rows: drawn,
      ...(drawn.length < rows.length ? { footer: range + rest } : {}),
    });
  }

  /** Takes up what was shown since the last look. */
  #look(): void {
    const { shown } = this.#shell;
    if (!shown || shown === this.#seen) return;
    this.#seen = shown;
    if (shown.set !== this.#set) this.#source = this.#set = shown.set;
    this.#end = shown.drawn;
  }

  get #last(): { set: ResultSet; rows: readonly Row[] } {
    this.#look();
    if (!this.#set || !Array.isArray(this.#set.rows)) {
      throw new InvalidRequestError("No rows were shown yet.", { hint: "a query such as User.query.all() shows some" });
    }
    return { set: this.#set, rows: this.#set.rows as readonly Row[] };
  }
}
