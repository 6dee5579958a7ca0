import type { Members, Reference } from "./relation-values";

/**
 * What is known of an instance's relationships, by name, in the order of their first use.
 *
 * A map for few entries: the first one, which most instances end with, costs no table of its own.
 */
export class Relations {
  #key: string | undefined = undefined;
  #relation: Reference | Members | undefined = undefined;
  #more: Map<string, Reference | Members> | undefined = undefined;

  get(key: string): Reference | Members | undefined {
    return this.#key === key ? this.#relation : this.#more?.get(key);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  set(key: string, relation: Reference | Members): void {
    if (this.#key === key || (this.#key === undefined && this.#more === undefined)) {
      this.#key = key;
      this.#relation = relation;
    } else (this.#more ??= new Map()).set(key, relation);
  }

  delete(key: string): void {
    if (this.#key === key) {
      this.#key = undefined;
      this.#relation = undefined;
    } else this.#more?.delete(key);
  }

  keys(): string[] {
    return this.#entries().map(([key]) => key);
  }

  values(): (Reference | Members)[] {
    return this.#entries().map(([, relation]) => relation);
  }

  [Symbol.iterator](): ArrayIterator<[string, Reference | Members]> {
    return this.#entries()[Symbol.iterator]();
  }

  #entries(): [string, Reference | Members][] {
    const entries: [string, Reference | Members][] =
      this.#key === undefined || this.#relation === undefined ? [] : [[this.#key, this.#relation]];
    if (this.#more !== undefined) entries.push(...this.#more);
    return entries;
  }
}
