import { describe, expect, it } from "vitest";
import type { Mapper } from "../../src/mapper/mapper";
import { IdentityMap } from "../../src/session/identity-map";
import type { Instance } from "../../src/session/instance-state";
import { LoadedState } from "../../src/session/instance-state";
import { sortedKeys } from "../../src/session/sorted-keys";
import type { UnitOfWork } from "../../src/session/unit-of-work";

const mapper = { name: "Thing" } as Mapper;
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
  const ascending = Float64Array.from(keys);
  if (shelves.hasRoomFor(ascending)) {
    const instances = instancesFor(keys);
    if (keys.length % 2 === 0) shelves.putRun({ keys: ascending, places: undefined }, instances, state);
    else {
      const places = Uint32Array.from(keys, (_, i) => (i * 2) % keys.length);
      const coming = new Array<Instance>(keys.length);
      places.forEach((place, i) => (coming[place] = instances[i] as Instance));
      shelves.putRun({ keys: ascending, places }, coming, state);
    }
    keys.forEach((key, i) => held.set(key, instances[i] as Instance));
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
    const found = sortedKeys(rowsOf(keys), "id");
    expect([...(found?.keys ?? [])]).toEqual([...keys].sort((a, b) => a - b));
    expect([...(found?.keys ?? [])].map((key, i) => [key, keys[found?.places?.[i] ?? -1]])).toEqual(
      [...keys].sort((a, b) => a - b).map((key) => [key, key]),
    );
  });

  it("are taken as they are where they ascend", () => {
    const found = sortedKeys(rowsOf(shuffled), "id");
    expect([...(found?.keys ?? [])]).toEqual([...shuffled].sort((a, b) => a - b));
    expect([...(found?.keys ?? [])].map((_, i) => shuffled[found?.places?.[i] ?? -1])).toEqual([
      ...(found?.keys ?? []),
    ]);
    const ascending = [...shuffled].sort((a, b) => a - b);
    expect(sortedKeys(rowsOf(ascending), "id")).toEqual({ keys: Float64Array.from(ascending), places: undefined });
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
    expect(sortedKeys(rowsOf(keys), "id")).toBeUndefined();
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
