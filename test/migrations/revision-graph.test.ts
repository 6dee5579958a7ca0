import { describe, expect, it } from "vitest";
import type { Revision } from "../../src/migrations/revision-graph";
import { RevisionGraph } from "../../src/migrations/revision-graph";

function revision(id: string, down: string | string[] | null, more: Partial<Revision> = {}): Revision {
  const downRevisions = down === null ? [] : [down].flat();
  return { id, downRevisions, dependsOn: [], branchLabels: [], message: id, doc: id, path: `/m/${id}.ts`, ...more };
}

/** a1 - b2 - c3 - d4, a branch b2 - x1 - x2, and a merge of d4 and x2. */
const line = [
  revision("aaaa1", null),
  revision("bbbb2", "aaaa1"),
  revision("cccc3", "bbbb2"),
  revision("dddd4", "cccc3"),
];
const branched = [...line, revision("xxxx1", "bbbb2", { branchLabels: ["side"] }), revision("xxxx2", "xxxx1")];
const merged = [...branched, revision("mmmm", ["dddd4", "xxxx2"])];

function ids(revisions: readonly Revision[]): string[] {
  return revisions.map(({ id }) => id);
}

describe("the graph of revisions", () => {
  it("knows heads, bases, branch points and merge points, whatever the order of the files", () => {
    const graph = new RevisionGraph([...merged].reverse());
    expect(ids(graph.heads)).toEqual(["mmmm"]);
    expect(ids(graph.bases)).toEqual(["aaaa1"]);
    expect(graph.isBranchPoint("bbbb2")).toBe(true);
    expect(graph.all.filter((candidate) => graph.isMergePoint(candidate)).map(({ id }) => id)).toEqual(["mmmm"]);
    expect(ids(new RevisionGraph(branched).heads)).toEqual(["dddd4", "xxxx2"]);
  });

  it("holds a history of thousands", () => {
    const long = Array.from({ length: 3000 }, (_, i) => revision(`r${i}`, i === 0 ? null : `r${i - 1}`));
    expect(new RevisionGraph(long.reverse()).heads[0]?.id).toBe("r2999");
  });

  it.each([
    [
      "a repeated id",
      [revision("aaaa1", null), revision("aaaa1", null, { path: "/m/other.ts" })],
      "Revision 'aaaa1' is present more than once: /m/aaaa1.ts and /m/other.ts.",
    ],
    ["a missing parent", [revision("bbbb2", "gone")], "Revision gone referenced from /m/bbbb2.ts is not present"],
    ["a revision after itself", [revision("aaaa1", "aaaa1")], "Revision 'aaaa1' comes after itself (/m/aaaa1.ts)."],
    ["a circle", [revision("aaaa1", "bbbb2"), revision("bbbb2", "aaaa1")], /in a circle: .*aaaa1 \(\/m\/aaaa1.ts\)/],
  ])("refuses %s by the names of the files", (_what, revisions, message) => {
    expect(() => new RevisionGraph(revisions)).toThrow(message);
  });
});

describe("names of revisions", () => {
  const graph = new RevisionGraph(branched);

  it.each([
    ["dddd4", "dddd4"],
    ["cccc", "cccc3"],
    ["side", "xxxx1"],
    ["side@head", "xxxx2"],
    ["bbbb2-1", "aaaa1"],
    ["cccc3+1", "dddd4"],
    ["dddd4-3", "aaaa1"],
  ])("%s is %s", (name, id) => {
    expect(graph.resolve(name).id).toBe(id);
  });

  it.each([
    ["xyz1", "Can't locate revision identified by 'xyz1'"],
    [
      "f4",
      "No such revision or branch 'f4'; please ensure at least four characters are present for partial revision identifier matches",
    ],
    ["xxxx", "Multiple revisions start with 'xxxx': 'xxxx1', 'xxxx2'..."],
    [
      "head",
      "Multiple head revisions are present for given argument 'head'; please specify a specific target revision, '<branchname>@head' to narrow to a specific head, or 'heads' for all heads",
    ],
    ["dddd4+1", "Relative revision +1 didn't produce 1 migrations"],
    ["aaaa1-2", "Relative revision -2 didn't produce 2 migrations"],
    ["bbbb2+1", "Ambiguous walk: 'cccc3' and 'xxxx1' both come next."],
  ])("%s is refused", (name, message) => {
    expect(() => graph.resolve(name)).toThrow(message);
  });
});

describe("plans", () => {
  const graph = new RevisionGraph(merged);
  const upgrade = (target: string, ...applied: string[]): string[] =>
    ids(graph.upgradePlan(target, new Set(applied)).revisions);
  const downgrade = (target: string, ...applied: string[]): string[] =>
    ids(graph.downgradePlan(target, new Set(applied)).revisions);
  const all = merged.map(({ id }) => id);

  it("upgrade to the head applies everything, parents first", () => {
    expect(upgrade("head")).toEqual(["aaaa1", "bbbb2", "cccc3", "dddd4", "xxxx1", "xxxx2", "mmmm"]);
    expect(upgrade("head", ...all)).toEqual([]);
  });

  it("upgrade applies what came late on another branch", () => {
    expect(upgrade("head", "aaaa1", "bbbb2", "cccc3", "dddd4")).toEqual(["xxxx1", "xxxx2", "mmmm"]);
  });

  it("upgrade to a revision applies its ancestors only", () => {
    expect(upgrade("cccc3")).toEqual(["aaaa1", "bbbb2", "cccc3"]);
    expect(upgrade("side@head".replace("side@head", "xxxx2"), "aaaa1")).toEqual(["bbbb2", "xxxx1", "xxxx2"]);
  });

  it("upgrade to one of what is applied goes back by downgrade only", () => {
    expect(() => upgrade("aaaa1", "aaaa1", "bbbb2")).toThrow(
      'Revision aaaa1 is already applied; use "db downgrade aaaa1" to go back.',
    );
    expect(upgrade("bbbb2", "aaaa1", "bbbb2")).toEqual([]);
  });

  it("upgrade by a number applies so many", () => {
    expect(upgrade("+2")).toEqual(["aaaa1", "bbbb2"]);
    expect(() => upgrade("+1", "aaaa1", "bbbb2")).toThrow("Ambiguous walk: 'cccc3' and 'xxxx1' both come next.");
    expect(upgrade("side@+1", "aaaa1", "bbbb2")).toEqual(["xxxx1"]);
    expect(() => upgrade("+1", ...all)).toThrow("Relative revision +1 didn't produce 1 migrations");
  });

  it("downgrade by a number undoes the newest, and only where it is clear which", () => {
    expect(downgrade("-1", ...all)).toEqual(["mmmm"]);
    expect(() => downgrade("-2", ...all)).toThrow("Ambiguous downgrade: 'dddd4' and 'xxxx2' are both current heads.");
    expect(downgrade("-2", "aaaa1", "bbbb2", "cccc3")).toEqual(["cccc3", "bbbb2"]);
    expect(() => downgrade("-1")).toThrow("Relative revision -1 didn't produce 1 migrations");
  });

  it("downgrade to a revision undoes what comes after it, children first", () => {
    expect(downgrade("bbbb2", ...all)).toEqual(["mmmm", "xxxx2", "xxxx1", "dddd4", "cccc3"]);
    expect(downgrade("cccc3", "aaaa1", "bbbb2", "cccc3", "dddd4", "xxxx1")).toEqual(["dddd4"]);
    expect(downgrade("base", "aaaa1", "bbbb2")).toEqual(["bbbb2", "aaaa1"]);
  });

  it("downgrade to what is not applied is refused", () => {
    expect(() => downgrade("dddd4", "aaaa1")).toThrow(
      "Destination dddd4 is not a valid downgrade target from current head(s)",
    );
  });

  it("a revision that others depend on is applied before them and undone after them", () => {
    const graph2 = new RevisionGraph([revision("one1", null), revision("two2", null, { dependsOn: ["one1"] })]);
    expect(ids(graph2.upgradePlan("two2", new Set()).revisions)).toEqual(["one1", "two2"]);
    expect(ids(graph2.downgradePlan("base", new Set(["one1", "two2"])).revisions)).toEqual(["two2", "one1"]);
  });

  it("ranges are newest first", () => {
    expect(ids(graph.range("bbbb2", "dddd4"))).toEqual(["dddd4", "cccc3", "bbbb2"]);
    expect(ids(graph.range("", ""))).toEqual(["mmmm", "xxxx2", "xxxx1", "dddd4", "cccc3", "bbbb2", "aaaa1"]);
  });
});
