import { describe, expect, test } from "vitest";
import type { InstanceState } from "../../src/session/instance-state";
import { NewStates, TouchedStates } from "../../src/session/state-set";

/** As much of a state as a set needs. */
function state(): InstanceState {
  return { newPlace: -1, touchedPlace: -1, deletedPlace: -1 } as unknown as InstanceState;
}

describe("a set of states", () => {
  test("keeps the order of adding, and puts what was taken out and added again at the end", () => {
    const [a, b, c] = [state(), state(), state()];
    const set = new NewStates();
    for (const each of [a, b, c, b]) set.add(each);
    set.delete(a);
    set.add(a);
    expect(set.toArray()).toEqual([b, c, a]);
    expect([set.size, set.has(a), set.has(state())]).toEqual([3, true, false]);
  });

  test("is not confused by a state that stands in another set, or stood in this one before it was cleared", () => {
    const [a, b] = [state(), state()];
    const [added, touched] = [new NewStates(), new TouchedStates()];
    for (const each of [a, b]) added.add(each);
    touched.add(b);
    added.delete(b);
    expect([added.has(b), touched.has(b), added.size, touched.size]).toEqual([false, true, 1, 1]);
    added.clear();
    expect([added.has(a), added.size]).toEqual([false, 0]);
    added.delete(a);
    added.add(b);
    expect([added.toArray(), added.has(a)]).toEqual([[b], false]);
  });

  test("agrees with a Set over random additions and removals, many gaps included", () => {
    const pool = Array.from({ length: 3000 }, state);
    const set = new NewStates();
    const expected = new Set<InstanceState>();
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
    for (let i = 0; i < 60_000; i++) {
      const each = pool[random(i < 30_000 ? 3000 : 40)] as InstanceState;
      if (random(5) < 2) {
        set.add(each);
        expected.add(each);
      } else {
        set.delete(each);
        expected.delete(each);
      }
    }
    expect(set.toArray()).toEqual([...expected]);
    expect(set.size).toBe(expected.size);
  });

  test("lets a loop change it", () => {
    const states = [state(), state(), state()];
    const set = new NewStates();
    for (const each of states) set.add(each);
    const seen: InstanceState[] = [];
    for (const each of set) {
      seen.push(each);
      set.delete(each);
      set.add(state());
    }
    expect(seen).toEqual(states);
    expect(set.size).toBe(3);
  });
});
