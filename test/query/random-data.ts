/** Numbers that look random and are the same for the same seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to but not including 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(0, items.length - 1)] as T;
  }

  /** Some of the items, in their order, perhaps none. */
  some<T>(items: readonly T[], probability = 0.5): T[] {
    return items.filter(() => this.chance(probability));
  }
}

/** One row: attribute name to value. */
export type Row = Record<string, unknown>;

/** Rows per model. */
export type Data = Record<"Role" | "User" | "Node" | "Item" | "Keyword" | "ItemKeyword", Row[]>;

/** Words that every collation orders alike. */
export const WORDS = ["alpha", "beta", "delta", "gamma", "kappa", "omega", "sigma", "theta"];

/** Text that quoting can go wrong with; nothing in it depends on case or on trailing blanks. */
export const TEXTS = [
  "plain",
  "it's",
  "''",
  '"quoted"',
  "back\\slash",
  "back\\\\two",
  "\\' or 1=1 --",
  "a%b",
  "a_b",
  "50%/x",
  "line\nbreak",
  "tab\tstop",
  "carriage\rreturn",
  "\u0001\u001b[31mred",
  "\u007f",
  "émoji 😀 ünï",
  "中文字",
  "semi;colon -- comment /* x */",
  "$1 ? :name ${x} `tick`",
  "null",
  "",
];

/** Rows that refer to each other, with NULL and odd text among their values. */
export function randomData(random: Random): Data {
  const roles = [1, 2, 3, 4].map((id) => ({ id, name: random.pick(WORDS) }));
  const users = Array.from({ length: 14 }, (_, i) => ({
    id: i + 1,
    username: random.pick(TEXTS),
    age: random.chance(0.2) ? null : random.int(0, 9),
    active: random.chance(0.5),
    roleId: random.chance(0.2) ? null : random.int(1, 4),
  }));
  const nodes = Array.from({ length: 9 }, (_, i) => ({
    id: i + 1,
    name: random.pick(WORDS),
    parentId: i === 0 || random.chance(0.2) ? null : random.int(1, i),
  }));
  const items = Array.from({ length: 6 }, (_, i) => ({
    id: i + 1,
    title: random.pick(WORDS),
    price: random.chance(0.2) ? null : (random.int(0, 500) / 100).toFixed(2),
  }));
  const keywords = [1, 2, 3, 4].map((id) => ({ id, word: random.pick(WORDS) }));
  const links = items.flatMap((item) =>
    random.some(keywords, 0.4).map((keyword) => ({ itemId: item.id, keywordId: keyword.id })),
  );
  return { Role: roles, User: users, Node: nodes, Item: items, Keyword: keywords, ItemKeyword: links };
}
