import { describe, expect, it } from "vitest";
import { groupInOrder, sortIntoLevels } from "../../src/session/commit-order";

const dependenciesOf = (edges: Record<string, string[]>) => (node: string) => edges[node] ?? [];

describe("commit order", () => {
  it("a group comes after everything that it depends on", () => {
    const edges = { a: ["b", "c"], b: ["d"], c: ["d"], e: [] };
    expect(groupInOrder(["a", "b", "c", "d", "e"], dependenciesOf(edges))).toEqual([["d"], ["b"], ["c"], ["a"], ["e"]]);
  });

  it("nodes that depend on each other share a group", () => {
    const edges = { a: ["b"], b: ["c"], c: ["a"], d: ["a"], x: ["x"] };
    const groups = groupInOrder(["d", "a", "b", "c", "x"], dependenciesOf(edges));
    expect(groups.map((group) => group.sort())).toEqual([["a", "b", "c"], ["d"], ["x"]]);
  });

  it("dependencies outside the given nodes are passed over", () => {
    expect(groupInOrder(["a"], dependenciesOf({ a: ["elsewhere"] }))).toEqual([["a"]]);
  });

  it("levels keep the given order and depend on earlier ones only", () => {
    const edges = { b: ["a"], d: ["a"], c: ["b"] };
    expect(sortIntoLevels(["c", "d", "b", "a"], dependenciesOf(edges))).toEqual({
      levels: [["a"], ["d", "b"], ["c"]],
      circular: [],
    });
  });

  it("what depends on itself through others is told apart", () => {
    const edges = { a: ["b"], b: ["a"], c: ["b"] };
    expect(sortIntoLevels(["a", "b", "c", "d"], dependenciesOf(edges))).toEqual({
      levels: [["d"]],
      circular: ["a", "b", "c"],
    });
  });

  it("long chains are sorted without recursion", () => {
    const nodes = Array.from({ length: 20_000 }, (_, i) => i);
    const { levels } = sortIntoLevels(nodes, (node) => (node === 0 ? [] : [node - 1]));
    expect(levels).toHaveLength(20_000);
  });
});
