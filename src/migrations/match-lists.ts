/** Pairs the items of two lists; an item equal to one that is paired already is `repeated`. */
export function matchLists<T, U>(
  a: readonly T[],
  b: readonly U[],
  same: (a: T, b: U) => boolean,
): { pairs: [T, U][]; left: T[]; right: U[]; repeated: T[] } {
  const right = [...b];
  const pairs: [T, U][] = [];
  const rest: T[] = [];
  for (const item of a) {
    const at = right.findIndex((candidate) => same(item, candidate));
    if (at < 0) rest.push(item);
    else pairs.push([item, right.splice(at, 1)[0] as U]);
  }
  const isRepeated = (item: T): boolean => pairs.some(([, partner]) => same(item, partner));
  return { pairs, left: rest.filter((item) => !isRepeated(item)), right, repeated: rest.filter(isRepeated) };
}
