/** Databases cut longer names: PostgreSQL at 63 bytes, MariaDB at 64 characters. */
const MAX_BYTES = 63;

/** The names of a select list's columns: each is given once, so that no value of a row hides another. */
export class KeyNames {
  readonly #taken = new Set<string>();
  #given: ReadonlySet<string> | undefined;

  /** Takes all of the names, where none is taken yet: the columns of one model. */
  claimAll(names: ReadonlySet<string>): void {
    this.#given = names;
  }

  /**
   * A name that no other column has.
   *
   * @param name       the name, if it is free
   * @param otherwise  what to take instead, if that is free
   */
  claim(name: string, otherwise?: () => string): string {
    // MariaDB's names have no characters beyond the first 65,536.
    const wanted = name.replaceAll(/[^\0-\uffff]/gu, "_");
    if (wanted.length <= MAX_BYTES / 4 || Buffer.byteLength(wanted) <= MAX_BYTES) {
      if (!this.#isTaken(wanted)) return this.#take(wanted);
      const other = otherwise?.();
      if (other !== undefined && Buffer.byteLength(other) <= MAX_BYTES && !this.#isTaken(other))
        return this.#take(other);
    }
    const base = shorten(wanted);
    for (let n = 1; ; n++) {
      const numbered = `${base}_${n}`;
      if (!this.#isTaken(numbered)) return this.#take(numbered);
    }
  }

  #isTaken(name: string): boolean {
    // A row of a driver is a plain object, which would take this one for its prototype.
    return name === "__proto__" || this.#taken.has(name) || (this.#given?.has(name) ?? false);
  }

  #take(name: string): string {
    this.#taken.add(name);
    return name;
  }
}

/** Whether every database takes the name as it is. */
export function isStorableName(name: string): boolean {
  return Buffer.byteLength(name) <= MAX_BYTES && !/[^\0-\uffff]/u.test(name);
}

/** The name with room for a number behind it. */
function shorten(name: string): string {
  let short = name.replace(/_\d+$/, "");
  while (Buffer.byteLength(short) > MAX_BYTES - 6) short = short.slice(0, -1);
  return short.toWellFormed();
}
