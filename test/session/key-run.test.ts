import { describe, expect, it } from "vitest";
import type { Mapper } from "../../src/mapper/mapper";
import { IdentityMap } from "../../src/session/identity-map";
import type { Instance, Values } from "../../src/session/instance-state";
import { LoadedState } from "../../src/session/instance-state";
import { SortedKeys } from "../../src/session/sorted-keys";
import type { UnitOfWork } from "../../src/session/unit-of-work";

class Row {
  constructor(readonly dataValues: object) {}
}

const mapper = { name: "Thing", RowClass: Row as unknown } as Mapper;
const state = new LoadedState({} as UnitOfWork, mapper, 1, true);

function instancesFor(keys: readonly number[]): Instance[] {
  return keys.map((key) => ({ dataValues: { id: key } }) as unknown as Instance);
}

/**
 * Puts rows in as the session does: all at once where there is room, otherwise one by one.
 *
 * @param keys  ascending; an odd number of them comes in another order
 */
function load(map: IdentityMap, held: Map<number, Instance>, keys: readonly number[]): boolean {
  const shelves = map.shelvesOf(mapper);
  const places = keys.length % 2 === 0 ? undefined : keys.map((_, i) => (i * 2) % keys.length);
  const rows = new Array<Values>(keys.length);
  keys.forEach((id, i) => (rows[places?.[i] ?? i] = { id }));
  const sorted = SortedKeys.of(rows, "id") as SortedKeys;
  if (shelves.hasRoomFor(sorted)) {
    const instances: Instance[] = [];
    shelves.putRun(sorted, rows, state, instances);
    for (const instance of instances) held.set(instance.dataValues["id"] as number, instance);
    return true;
  }
  for (const key of keys) {
    if (shelves.get(key) !== undefined) continue;
    const [instance] = instancesFor([key]) as [Instance];
    shelves.put(key, instance, state);
    held.set(key, instance);
  }
  return false;
}

describe("Sorted keys", () => {
  const rowsOf = (keys: readonly unknown[]): { id: unknown }[] => keys.map((id) => ({ id }));
  const shuffled = Array.from({ length: 100 }, (_, i) => (i * 37) % 101);

  it.each([
    ["close together", shuffled],
    ["close together and negative", shuffled.map((key) => key - 200)],
    ["close together and large", shuffled.map((key) => key + 2 ** 40)],
    ["scattered", shuffled.map((key) => key * 1000)],
  ])("tells where each key stood, %s", (_, keys) => {
    const found = SortedKeys.of(rowsOf(keys), "id");
    const ascending = [...keys].sort((a, b) => a - b);
    expect([found?.first, found?.last]).toEqual([ascending[0], ascending.at(-1)]);
    expect([...(found?.all ?? [])].sort((a, b) => a - b)).toEqual(ascending);
    expect(ascending.map((key) => keys[found?.rowAt(found.indexOf(key)) ?? -1])).toEqual(ascending);
    expect([...(found?.sorted ?? [])]).toEqual(ascending);
    expect(found?.indexOf((ascending[0] ?? 0) - 1)).toBe(-1);
  });

  it("are taken as they are where they ascend", () => {
    const ascending = [...shuffled].sort((a, b) => a - b);
    const found = SortedKeys.of(rowsOf(ascending), "id");
    expect([...(found?.sorted ?? [])]).toEqual(ascending);
    expect(ascending.map((_, i) => found?.rowAt(i))).toEqual(ascending.map((_, i) => i));
  });

  it.each([
    ["a key that comes twice", [...shuffled, shuffled[3]]],
    ["a key that comes twice in order", [...shuffled].sort((a, b) => a - b).flatMap((key) => [key, key])],
    ["fractions", shuffled.map((key) => key + 0.5)],
    ["text", shuffled.map(String)],
    ["scattered negative keys out of order", shuffled.map((key) => -1000 * key - 1)],
    ["scattered keys too large to be sorted with their places", shuffled.map((key) => 1000 * key + 2 ** 33)],
    ["few rows", [3, 2, 1]],
  ])("are not given for %s", (_, keys) => {
    expect(SortedKeys.of(rowsOf(keys), "id")).toBeUndefined();
  });
});

describe("Runs of keys in the identity map", () => {
  it("finds what was loaded in the order of its keys, and nothing between them", () => {
    const map = new IdentityMap();
    const held = new Map<number, Instance>();
    const keys = Array.from({ length: 1000 }, (_, i) => i * 3);
    expect(load(map, held, keys)).toBe(true);
    for (const key of keys) expect(map.get(mapper, key)).toBe(held.get(key));
    expect([1, -1, 2999, 0.5].map((key) => map.get(mapper, key))).toEqual([undefined, undefined, undefined, undefined]);
    expect([...map]).toEqual([...held.values()]);
  });

  it("keeps one instance for a key, however it came in and went out", () => {
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below;
    const map = new IdentityMap();
    const held = new Map<number, Instance>();
    let runs = 0;
    for (let step = 0; step < 400; step++) {
      const start = random(5000);
      const gap = 1 + random(3);
      const keys = Array.from({ length: 32 + random(60) }, (_, i) => start + i * gap);
      const work = random(4);
      if (work <= 1) runs += load(map, held, keys) ? 1 : 0;
      else if (work === 2) {
        for (const key of keys.slice(0, 40)) {
          map.forget(mapper, key);
          held.delete(key);
        }
      } else {
        for (const key of keys.slice(0, 3)) {
          const [instance] = instancesFor([key]) as [Instance];
          map.forget(mapper, key);
          map.shelvesOf(mapper).put(key, instance, state);
          map.set(mapper, key, instance);
          held.set(key, instance);
        }
      }
      for (let i = 0; i < 50; i++) {
        const key = random(5200);
        expect(map.get(mapper, key)).toBe(held.get(key));
      }
    }
    expect(runs).toBeGreaterThan(10);
    const there = [...map].map((instance) => Number(instance.dataValues["id"])).sort((a, b) => a - b);
    expect(there).toEqual([...held.keys()].sort((a, b) => a - b));
  });
});
