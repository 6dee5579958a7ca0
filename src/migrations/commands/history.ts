import type { Environment } from "../environment";
import { appliedIds } from "../environment";
import { stepsOf } from "../half-done";
import { MigrationError } from "../migration-error";
import type { Revision, RevisionGraph } from "../revision-graph";
import type { DbCommand, OptionValues } from "./command";
import { UsageError, textOption } from "./command";

/** What a line of the history says beside the id. */
interface LineOptions {
  parents?: boolean;
  message?: boolean;
  tree?: boolean;
  current?: ReadonlySet<string>;
}

const VERBOSE = { type: "boolean", short: "v", help: "show everything that the files say" } as const;

/** `db current`: what the database is at. */
export const current: DbCommand = {
  name: "current",
  parameters: "",
  summary: "Show the revision that the database is at.",
  options: { verbose: VERBOSE },
  arity: [0, 0],
  async run({ env, values }) {
    const { graph } = env;
    const rows = await env.applied();
    const heads = rows.filter((row) => !rows.some((other) => other.downRevisions.includes(row.id)));
    for (const row of heads) {
      const revision = graph.find(row.id);
      const state = row.status === "applied" ? "" : ` (${row.status}, ${stepsOf(row)} done)`;
      if (revision === undefined) {
        env.warn(`${row.id} is applied to this database; its file is missing from ${env.givenDirectory}/versions.`);
        env.print(row.id + state);
      } else env.print(values["verbose"] ? entry(graph, revision, new Set()) : line(graph, revision, {}) + state);
    }
    return 0;
  },
};

/** `db history`: the revisions, newest first. */
export const history: DbCommand = {
  name: "history",
  parameters: "",
  summary: "Show the revisions, newest first.",
  options: {
    verbose: VERBOSE,
    "indicate-current": { type: "boolean", short: "i", help: "mark the revision that the database is at" },
    "rev-range": {
      type: "string",
      short: "r",
      value: "FROM:TO",
      help: "only these; current stands for what the database is at",
    },
  },
  arity: [0, 0],
  needs: (values) => (namesCurrent(values) ? "database" : "files"),
  async run({ env, values }) {
    const { graph } = env;
    const range = textOption(values, "rev-range") ?? ":";
    if (!range.includes(":"))
      throw new UsageError(`History range requires [start]:[end], [start]:, or :[end], got "${range}".`);
    const applied = namesCurrent(values) ? appliedIds(await env.applied()) : new Set<string>();
    const currentIds = graph.currentHeads(applied).map((revision) => revision.id);
    const [from = "", to = ""] = range.split(":").map((end) => (end === "current" ? (currentIds[0] ?? "base") : end));
    const marked = values["indicate-current"] ? new Set(currentIds) : new Set<string>();
    for (const revision of graph.range(from, to)) {
      const text = values["verbose"]
        ? entry(graph, revision, marked)
        : line(graph, revision, { parents: true, message: true, tree: true, current: marked });
      env.print(text);
    }
    return 0;
  },
};

/** Whether the options of a history speak of what the database is at. */
function namesCurrent(values: OptionValues): boolean {
  return Boolean(values["indicate-current"]) || /\bcurrent\b/.test(textOption(values, "rev-range") ?? "");
}

/** `db heads`: the revisions that nothing comes after. */
export const heads: DbCommand = {
  name: "heads",
  parameters: "",
  summary: "Show the revisions that no other comes after.",
  options: { verbose: VERBOSE },
  arity: [0, 0],
  needs: () => "files",
  async run({ env, values }) {
    const { graph } = env;
    for (const revision of graph.heads) {
      env.print(values["verbose"] ? entry(graph, revision, new Set()) : line(graph, revision, {}));
    }
    return 0;
  },
};

/** `db branches`: where the history parts. */
export const branches: DbCommand = {
  name: "branches",
  parameters: "",
  summary: "Show the revisions that several come after.",
  options: { verbose: VERBOSE },
  arity: [0, 0],
  needs: () => "files",
  async run({ env, values }) {
    const { graph } = env;
    for (const revision of graph.all.filter(({ id }) => graph.isBranchPoint(id))) {
      const indent = " ".repeat(revision.downRevisions.join(", ").length || "<base>".length);
      const children = graph.childrenOf(revision.id).flatMap((id) => graph.find(id) ?? []);
      const lines = children.map((child) => `${indent} -> ${line(graph, child, { message: true, tree: true })}`);
      const head = values["verbose"] ? entry(graph, revision, new Set()) : line(graph, revision, { tree: true });
      env.print([head, ...lines].join("\n"));
    }
    return 0;
  },
};

/** `db show`: everything that one revision's file says. */
export const show: DbCommand = {
  name: "show",
  parameters: "[REVISION]",
  summary: "Show everything that the file of a revision says.",
  options: {},
  arity: [0, 1],
  needs: (_values, [name]) => (name === "current" ? "database" : "files"),
  async run({ env, positionals: [name = "head"] }) {
    for (const revision of await named(env, name)) env.print(entry(env.graph, revision, new Set()));
    return 0;
  },
};

async function named(env: Environment, name: string): Promise<Revision[]> {
  if (name !== "current") return env.graph.resolveAll(name);
  const found = env.graph.currentHeads(appliedIds(await env.applied()));
  if (found.length === 0) throw new MigrationError("The database is at base: no revision is applied.");
  return found;
}

/** The line of a revision: `<base> -> eaf9271f16e4 (head), one`. */
function line(graph: RevisionGraph, revision: Revision, options: LineOptions): string {
  const { id, downRevisions, dependsOn, branchLabels, message } = revision;
  const parents = downRevisions.length === 0 ? "<base>" : downRevisions.join(", ");
  const needs = dependsOn.length === 0 ? "" : ` (${dependsOn.join(", ")})`;
  const labels = branchLabels.length === 0 ? "" : ` (${branchLabels.join(", ")})`;
  const isHead = graph.childrenOf(id).length === 0;
  return [
    options.parents ? `${parents}${needs} -> ` : "",
    id,
    labels,
    isHead ? (graph.isDependedOn(id) ? " (effective head)" : " (head)") : "",
    options.current?.has(id) ? " (current)" : "",
    options.tree && graph.isBranchPoint(id) ? " (branchpoint)" : "",
    options.tree && graph.isMergePoint(revision) ? " (mergepoint)" : "",
    options.message ? `, ${message}` : "",
  ].join("");
}

/** Everything about a revision, as a paragraph. */
function entry(graph: RevisionGraph, revision: Revision, marked: ReadonlySet<string>): string {
  const { id, downRevisions, dependsOn, branchLabels, doc, path } = revision;
  const children = graph.childrenOf(id);
  const marks = [
    children.length === 0 ? " (head)" : "",
    children.length > 1 ? " (branchpoint)" : "",
    graph.isMergePoint(revision) ? " (mergepoint)" : "",
    marked.has(id) ? " (current)" : "",
  ].join("");
  const parents = downRevisions.length === 0 ? "<base>" : downRevisions.join(", ");
  return [
    `Rev: ${id}${marks}`,
    graph.isMergePoint(revision) ? `Merges: ${parents}` : `Parent: ${parents}`,
    ...(dependsOn.length > 0 ? [`Also depends on: ${dependsOn.join(", ")}`] : []),
    ...(children.length > 1 ? [`Branches into: ${children.join(", ")}`] : []),
    ...(branchLabels.length > 0 ? [`Branch names: ${branchLabels.join(", ")}`] : []),
    `Path: ${path}`,
    "",
    ...doc.split("\n").map((text) => `    ${text}`.trimEnd()),
    "",
  ].join("\n");
}
