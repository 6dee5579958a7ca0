import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import type { Mapper } from "../../src/mapper/mapper";
import { IdentityMap } from "../../src/session/identity-map";
import type { Instance } from "../../src/session/instance-state";
import { InstanceState, LoadedState, setState } from "../../src/session/instance-state";
import { SortedKeys } from "../../src/session/sorted-keys";
import type { UnitOfWork } from "../../src/session/unit-of-work";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const mapper = {} as Mapper;

function instance(id: number): Instance {
  const made = { dataValues: { id } } as unknown as Instance;
  setState(made, new InstanceState(made, mapper, "persistent"));
  return made;
}

/** Fills a map in a call of its own, so that nothing on the stack holds the instances. */
function fill(map: IdentityMap, count: number, kept: readonly number[] = []): Map<number, Instance> {
  const held = new Map<number, Instance>();
  for (let id = 1; id <= count; id++) {
    const made = instance(id);
    map.set(mapper, id, made);
    if (kept.includes(id)) held.set(id, made);
  }
  return held;
}

class Row {
  constructor(readonly dataValues: object) {}
}

const loaded = { name: "Thing", RowClass: Row as unknown } as Mapper;

/** Loads as a query of many rows does. */
function loadTogether(map: IdentityMap, count: number, kept: readonly number[]): Map<number, Instance> {
  const rows = Array.from({ length: count }, (_, i) => ({ id: i + 1 }));
  const keys = SortedKeys.of(rows, "id") as SortedKeys;
  const instances: Instance[] = [];
  expect(map.shelvesOf(loaded).hasRoomFor(keys)).toBe(true);
  map.shelvesOf(loaded).putRun(keys, rows, new LoadedState({} as UnitOfWork, loaded, 1, true), instances);
  return new Map(kept.map((id) => [id, instances[id - 1] as Instance]));
}

/** References are kept until the end of the turn that looked at them. */
async function collectGarbage(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    collect();
  }
}

describe("the memory of the identity map", () => {
  it("instances that nobody uses are collected", async () => {
    const map = new IdentityMap();
    fill(map, 500);
    await collectGarbage();
    expect([...map]).toEqual([]);
  });

  it("an instance in use stays the one of its key, and keeps at most its neighbours", async () => {
    const map = new IdentityMap();
    const held = fill(map, 500, [100, 400]);
    await collectGarbage();
    expect(map.get(mapper, 100)).toBe(held.get(100));
    expect(map.get(mapper, 400)).toBe(held.get(400));
    expect([...map].length).toBeLessThanOrEqual(64);
  });

  it("what was loaded together is collected, but for what is in use and its neighbours", async () => {
    const map = new IdentityMap();
    const held = loadTogether(map, 500, [100, 400]);
    await collectGarbage();
    expect(map.get(loaded, 100)).toBe(held.get(100));
    expect([map.get(loaded, 200), map.get(loaded, 501)]).toEqual([undefined, undefined]);
    expect([...map]).toHaveLength(64);
    await collectGarbage();
    expect(map.get(loaded, 400)).toBe(held.get(400));
    held.clear();
    await collectGarbage();
    expect([...map]).toEqual([]);
    // The keys of what is gone can be loaded again.
    expect(loadTogether(map, 500, [100]).get(100)).toBe(map.get(loaded, 100));
  });

  it("what was loaded with keys of text is collected, but for what is in use and its neighbours", async () => {
    const map = new IdentityMap();
    const held = new Map<string, Instance>();
    const load = (start: number): void => {
      const shelves = map.shelvesOf(loaded);
      for (let i = start; i < start + 500; i++) {
        const made = new Row({ id: `key ${i}` }) as unknown as Instance;
        expect(shelves.get(`key ${i}`)).toBeUndefined();
        shelves.put(`key ${i}`, made, new LoadedState({} as UnitOfWork, loaded, 1, true));
        if (i % 400 === 100) held.set(`key ${i}`, made);
      }
    };
    // So many that those that are gone are swept out on the way.
    for (let start = 0; start < 20_000; start += 500) {
      load(start);
      if (start % 5000 === 0) await collectGarbage();
    }
    await collectGarbage();
    for (const [key, made] of held) expect(map.get(loaded, key)).toBe(made);
    expect(map.get(loaded, "key 99999")).toBeUndefined();
    expect([...map].length).toBeLessThanOrEqual(50 * 32);
    expect([...map]).toEqual(expect.arrayContaining([...held.values()]));
  });

  it("a key that is put in again leads to the later instance", () => {
    const map = new IdentityMap();
    const [first, second] = [instance(1), instance(1)];
    map.set(mapper, 1, first);
    map.forget(mapper, 1);
    expect(map.get(mapper, 1)).toBeUndefined();
    map.set(mapper, 1, second);
    expect(map.get(mapper, 1)).toBe(second);
    map.delete(mapper, 1, first);
    expect(map.get(mapper, 1)).toBe(second);
    map.delete(mapper, 1, second);
    expect([...map]).toEqual([]);
  });
});
