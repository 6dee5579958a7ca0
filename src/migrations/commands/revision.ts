import { randomBytes } from "node:crypto";
import type { Environment } from "../environment";
import { MigrationError } from "../migration-error";
import type { Revision } from "../revision-graph";
import type { RevisionHead } from "../revision-script";
import type { DbCommand, OptionValues } from "./command";
import { UsageError, listOption, textOption } from "./command";

/** The options of every command that writes a revision file. */
export const REVISION_OPTIONS = {
  message: { type: "string", short: "m", value: "TEXT", help: "what the revision does" },
  "rev-id": { type: "string", value: "ID", help: "the id, in place of a random one" },
  head: { type: "string", value: "REVISION", help: "the revision to come after (head)" },
  splice: { type: "boolean", help: "come after a revision that is no head: a new branch" },
  "branch-label": { type: "string", value: "LABEL", multiple: true, help: "a name for the branch that begins here" },
  "depends-on": { type: "string", value: "REVISION", multiple: true, help: "a revision that must be applied before" },
} as const;

/** `db revision`: an empty revision file, to be written by hand. */
export const revision: DbCommand = {
  name: "revision",
  parameters: "",
  summary: "Write an empty revision file.",
  options: REVISION_OPTIONS,
  arity: [0, 0],
  needs: () => "files",
  async run({ env, values }) {
    const head = newHead(env, values);
    writeRevision(env, head, [], []);
    return 0;
  },
};

/** `db merge`: one revision after several heads. */
export const merge: DbCommand = {
  name: "merge",
  parameters: "REVISION...",
  summary: "Write a revision that several branches come together in.",
  options: {
    message: REVISION_OPTIONS.message,
    "rev-id": REVISION_OPTIONS["rev-id"],
    "branch-label": REVISION_OPTIONS["branch-label"],
  },
  arity: [1, 100],
  needs: () => "files",
  async run({ env, values, positionals }) {
    const { graph } = env;
    const found = new Map<string, Revision>();
    for (const name of positionals) for (const one of graph.resolveAll(name)) found.set(one.id, one);
    const parents = [...found.values()];
    if (parents.length < 2)
      throw new MigrationError(`Only one head is present ('${parents[0]?.id ?? ""}'); nothing to merge.`);
    const message = textOption(values, "message") ?? `merge ${parents.map(({ id }) => id).join(" and ")}`;
    const head: RevisionHead = {
      id: newId(env, values),
      downRevisions: parents.map(({ id }) => id),
      branchLabels: listOption(values, "branch-label"),
      dependsOn: [],
      message,
      createDate: new Date(),
    };
    writeRevision(env, head, [], []);
    return 0;
  },
};

/**
 * What the head of a new revision file says.
 *
 * @throws {MigrationError} where there are several heads to come after, or one that is none
 */
export function newHead(env: Environment, values: OptionValues): RevisionHead {
  const { graph } = env;
  env.scripts.requireExists();
  const dependsOn = listOption(values, "depends-on").map((name) => (graph.find(name) ? name : graph.resolve(name).id));
  return {
    id: newId(env, values),
    downRevisions: parentsOf(env, textOption(values, "head") ?? "head", Boolean(values["splice"])),
    branchLabels: listOption(values, "branch-label"),
    dependsOn,
    message: textOption(values, "message") ?? "empty message",
    createDate: new Date(),
  };
}

function parentsOf(env: Environment, name: string, splice: boolean): string[] {
  const { graph } = env;
  if (name === "base") return [];
  const { heads } = graph;
  if (name === "head") {
    if (heads.length > 1) {
      throw new MigrationError(
        "Multiple heads are present; please specify the head revision on which the new revision should be based, or perform a merge.",
      );
    }
    return heads.map(({ id }) => id);
  }
  const parent = graph.resolve(name);
  if (!splice && !heads.includes(parent)) {
    throw new MigrationError(
      `Revision ${parent.id} is not a head revision; please specify --splice to create a new branch from this revision`,
    );
  }
  return [parent.id];
}

function newId(env: Environment, values: OptionValues): string {
  const wanted = textOption(values, "rev-id");
  if (wanted === undefined) return randomBytes(6).toString("hex");
  if (!/^[\w.]{1,32}$/.test(wanted))
    throw new UsageError(`Cannot use "${wanted}" as a revision id. Expected up to 32 letters, digits, "_" and ".".`);
  const known = env.graph.find(wanted);
  if (known) throw new MigrationError(`Revision '${wanted}' already exists (${env.shown(known.path)}).`);
  return wanted;
}

/** Writes the file and says so. */
export function writeRevision(
  env: Environment,
  head: RevisionHead,
  upgrade: readonly string[],
  downgrade: readonly string[],
): void {
  const path = env.scripts.pathOf(head);
  env.scripts.write(path, head, upgrade, downgrade);
  env.print(`Generating ${path} ...  done`);
}
