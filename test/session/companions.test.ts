import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, it, vi } from "vitest";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** What a weak reference leads to is kept until the end of the turn that looked at it. */
async function collectGarbage(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    collect();
  }
}

describe.each([
  ["in weak sets", (inspect: unknown) => inspect],
  ["by weak references, where weak sets cannot be listed", () => Object.assign(() => "", { custom: Symbol("none") })],
])("Companions held %s", (_, inspectOf) => {
  const load = async () => {
    vi.resetModules();
    vi.doMock("node:util", async (original) => {
      const util = await original<typeof import("node:util")>();
      return { ...util, inspect: inspectOf(util.inspect) };
    });
    return import("../../src/session/companions.js");
  };
  afterEach(() => {
    vi.doUnmock("node:util");
    vi.resetModules();
  });

  it("are found by their numbers while one of them is in use, and are gone afterwards", async () => {
    const { Companions, WeakCompanions } = await load();
    const weak = new WeakCompanions();
    const held = new Map<number, object>();
    // In a call of its own, so that nothing on the stack holds the last one.
    const add = (number: number): void => {
      const companions = new Companions(number, [undefined]);
      weak.add(companions);
      if (number % 30 === 7) held.set(number, companions);
    };
    for (let number = 0; number < 100; number++) add(number);
    await collectGarbage();
    expect(weak.isGone).toBe(false);
    expect([7, 8, 37, 67, 97, 99, 100, -1].map((number) => weak.at(number))).toEqual(
      [7, 8, 37, 67, 97, 99, 100, -1].map((number) => held.get(number)),
    );
    expect([...weak]).toEqual([...held.values()]);
    held.delete(37);
    await collectGarbage();
    expect([...weak].map(({ number }) => number)).toEqual([7, 67, 97]);
    held.clear();
    await collectGarbage();
    expect([weak.isGone, [...weak], weak.at(7)]).toEqual([true, [], undefined]);
  });

  it("are gone without ever having been looked for", async () => {
    const { Companions, WeakCompanions } = await load();
    const weak = new WeakCompanions();
    for (let number = 0; number < 100; number++) weak.add(new Companions(number, []));
    await collectGarbage();
    expect(weak.isGone).toBe(true);
    expect([...weak]).toEqual([]);
  });

  it("can be added after others were looked for", async () => {
    const { Companions, WeakCompanions } = await load();
    const weak = new WeakCompanions();
    const [first, second] = [new Companions(0, []), new Companions(1, [])];
    weak.add(first);
    expect(weak.at(0)).toBe(first);
    weak.add(second);
    expect([weak.at(0), weak.at(1)]).toEqual([first, second]);
  });
});
