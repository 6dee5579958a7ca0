import type { Attribute } from "../mapper/attribute";
import { InvalidRequestError } from "../errors";
import type { Derived, Source } from "./select-state";

/** The names that a derived table gives to the columns of its select list: per selection, a name or one per attribute. */
export type SelectionKeys = readonly (string | ReadonlyMap<Attribute, string>)[];

/** A table or derived table under the name it has in a statement. */
export interface SourceName {
  /** The bare name, unquoted. */
  readonly name: string;
  /** As it stands before a column: `users.` */
  readonly prefix: string;
  /** The columns of a derived table. */
  readonly keys: SelectionKeys | undefined;
  /** Where an entity's columns are those of a derived table: their names there. */
  readonly columns: ReadonlyMap<Attribute, string> | undefined;
}

/** The tables of one SELECT and their names; a subquery sees those of the statement around it. */
export class Scope {
  readonly parent: Scope | undefined;
  readonly #sources = new Map<Source, SourceName>();
  readonly #names = new Map<string, Source>();

  constructor(parent: Scope | undefined) {
    this.parent = parent;
  }

  /** The name of a source of this SELECT or of one around it. */
  find(source: Source): SourceName | undefined {
    return this.#sources.get(source) ?? this.parent?.find(source);
  }

  has(source: Source): boolean {
    return this.#sources.has(source);
  }

  set(source: Source, name: SourceName): void {
    this.#sources.set(source, name);
  }

  /**
   * A name for `source` that no other table has here or around, from `base` on: `users`, `users_1`, `users_2`.
   *
   * A source that stands in a statement around too may have the same name: inside, it hides that one.
   *
   * @param numbered  the plain name is left to the model itself
   */
  claim(source: Source, base: string, numbered: boolean): string {
    let name = numbered ? `${base}_1` : base;
    for (let n = numbered ? 2 : 1; this.#isTaken(name, source); n++) name = `${base}_${n}`;
    this.#names.set(name, source);
    return name;
  }

  #isTaken(name: string, source: Source): boolean {
    return this.#names.has(name) || (this.parent !== undefined && this.parent.#isTakenByOther(name, source));
  }

  #isTakenByOther(name: string, source: Source): boolean {
    const holder = this.#names.get(name);
    return (
      (holder !== undefined && holder !== source) ||
      (this.parent !== undefined && this.parent.#isTakenByOther(name, source))
    );
  }
}

/** The name of an entity's attribute inside a derived table. */
export function derivedColumn(
  derived: Derived,
  keys: SelectionKeys,
  index: number,
  attribute: Attribute | undefined,
): string {
  const key = keys[index];
  if (typeof key === "string") return key;
  const name = attribute && key?.get(attribute);
  if (name === undefined)
    throw new InvalidRequestError(`The subquery ${derived.alias ?? ""} has no column ${attribute?.label ?? index}.`);
  return name;
}
