import { MigrationError } from "./migration-error";

/** A revision as its file's head tells it. */
export interface Revision {
  id: string;
  /** The revisions that it comes directly after; none for a base, several for a merge. */
  downRevisions: readonly string[];
  /** Revisions that must be applied before, without being parents. */
  dependsOn: readonly string[];
  branchLabels: readonly string[];
  /** The first line of its description. */
  message: string;
  /** The whole description, with the lines of identity. */
  doc: string;
  path: string;
}

/** Revisions to run, in order, and what a relative name was counted from. */
export interface Plan {
  direction: "upgrade" | "downgrade";
  revisions: readonly Revision[];
}

const MIN_PARTIAL_LENGTH = 4;

/**
 * The revisions of a directory and how they follow each other: heads, bases, ranges, names.
 *
 * Pure: knows no database. What is applied there is an argument.
 *
 * @throws {MigrationError} for a repeated id, a missing parent or a circle, naming the files
 */
export class RevisionGraph {
  readonly #byId = new Map<string, Revision>();
  readonly #children = new Map<string, string[]>();
  /** Every revision behind all that it needs; ties in the order of the files. */
  readonly #sorted: Revision[] = [];

  constructor(revisions: readonly Revision[]) {
    for (const revision of revisions) {
      const known = this.#byId.get(revision.id);
      if (known)
        throw new MigrationError(
          `Revision '${revision.id}' is present more than once: ${known.path} and ${revision.path}.`,
        );
      this.#byId.set(revision.id, revision);
    }
    for (const revision of revisions) {
      for (const parent of [...revision.downRevisions, ...revision.dependsOn]) {
        if (parent === revision.id)
          throw new MigrationError(`Revision '${revision.id}' comes after itself (${revision.path}).`);
        if (!this.#byId.has(parent) && this.#labelled(parent) === undefined) {
          throw new MigrationError(`Revision ${parent} referenced from ${revision.path} is not present`);
        }
      }
      for (const parent of revision.downRevisions)
        this.#children.set(parent, [...(this.#children.get(parent) ?? []), revision.id]);
    }
    this.#sort();
  }

  /** Every revision, each behind all that it needs. */
  get all(): readonly Revision[] {
    return this.#sorted;
  }

  /** Revisions that no other comes after. */
  get heads(): Revision[] {
    return this.#sorted.filter((revision) => this.childrenOf(revision.id).length === 0);
  }

  /** Revisions that come after none. */
  get bases(): Revision[] {
    return this.#sorted.filter((revision) => revision.downRevisions.length === 0);
  }

  /** The revision of exactly that id. */
  find(id: string): Revision | undefined {
    return this.#byId.get(id);
  }

  /** The revisions that come directly after. */
  childrenOf(id: string): readonly string[] {
    return this.#children.get(id) ?? [];
  }

  /** Whether another revision waits for it without being its child. */
  isDependedOn(id: string): boolean {
    return this.#sorted.some((revision) => this.#dependencies(revision).some((needed) => needed === id));
  }

  isBranchPoint(id: string): boolean {
    return this.childrenOf(id).length > 1;
  }

  isMergePoint(revision: Revision): boolean {
    return revision.downRevisions.length > 1;
  }

  /** The ids of the revision and of everything that it needs. */
  ancestors(id: string): Set<string> {
    const found = new Set<string>();
    const visit = (current: string): void => {
      if (found.has(current)) return;
      found.add(current);
      const revision = this.#byId.get(current);
      if (revision) for (const parent of [...revision.downRevisions, ...this.#dependencies(revision)]) visit(parent);
    };
    visit(id);
    return found;
  }

  /** The ids of the revision and of everything that needs it. */
  descendants(id: string): Set<string> {
    const found = new Set([id]);
    for (const revision of this.#sorted) {
      if ([...revision.downRevisions, ...this.#dependencies(revision)].some((parent) => found.has(parent)))
        found.add(revision.id);
    }
    return found;
  }

  /** The applied revisions that no other applied one comes after. */
  currentHeads(applied: ReadonlySet<string>): Revision[] {
    return this.#sorted.filter(
      (revision) => applied.has(revision.id) && !this.childrenOf(revision.id).some((child) => applied.has(child)),
    );
  }

  /**
   * The revision that a name stands for: an id or the beginning of one, a branch label, `head`, `label@head`, and any of
   * these with `+2` or `-1` behind.
   *
   * @throws {MigrationError} for a name that stands for none or for several
   */
  resolve(name: string): Revision {
    const [, start = "", sign, count] = /^(.+?)(?:([+-])(\d+))?$/.exec(name) ?? [];
    const found = this.#resolveAbsolute(start);
    if (sign === undefined) return found;
    const steps = Number(count);
    const reached = sign === "+" ? this.#walkUp([found.id], steps) : this.#walkDown(found, steps);
    if (reached === undefined) throw notProduced(`${sign}${steps}`, steps);
    return reached;
  }

  /** The revisions that `head`, `heads`, `label@head` or a single name stands for. */
  resolveAll(name: string): Revision[] {
    return name === "heads" ? this.heads : [this.resolve(name)];
  }

  /**
   * The revisions to run so that `target` is applied.
   *
   * @param target   a name, `heads`, or `+n` counted from what is applied
   * @throws {MigrationError} where the target is applied already and is no current head
   */
  upgradePlan(target: string, applied: ReadonlySet<string>): Plan {
    const wanted = new Set<string>();
    const relative = /^(?:(.+)@)?\+(\d+)$/.exec(target);
    if (relative) {
      const steps = Number(relative[2]);
      for (const revision of this.#next(applied, steps, relative[1])) wanted.add(revision.id);
    } else if (target !== "base") {
      for (const revision of this.resolveAll(target)) {
        if (applied.has(revision.id) && !this.currentHeads(applied).includes(revision) && !/heads?$/.test(target)) {
          throw new MigrationError(
            `Revision ${revision.id} is already applied; use "db downgrade ${revision.id}" to go back.`,
          );
        }
        for (const id of this.ancestors(revision.id)) wanted.add(id);
      }
    }
    return {
      direction: "upgrade",
      revisions: this.#sorted.filter((revision) => wanted.has(revision.id) && !applied.has(revision.id)),
    };
  }

  /**
   * The revisions to undo so that `target` is the newest applied one of its line.
   *
   * @param target  a name, `base`, `label@base`, or `-n` counted from the one current head
   * @throws {MigrationError} where nothing applied comes after the target, or a relative name is ambiguous
   */
  downgradePlan(target: string, applied: ReadonlySet<string>): Plan {
    const undone = new Set<string>();
    const relative = /^(?:(.+)@)?-(\d+)$/.exec(target);
    if (target === "base") for (const id of applied) undone.add(id);
    else if (/@base$/.test(target)) for (const id of this.#branch(target.slice(0, -"@base".length))) undone.add(id);
    else if (relative) for (const id of this.#last(applied, Number(relative[2]), relative[1])) undone.add(id);
    else {
      const revision = this.resolve(target);
      if (!applied.has(revision.id)) {
        throw new MigrationError(`Destination ${target} is not a valid downgrade target from current head(s)`);
      }
      for (const id of this.descendants(revision.id)) if (id !== revision.id) undone.add(id);
    }
    // What needs an undone revision goes with it.
    for (const id of [...undone]) for (const later of this.descendants(id)) undone.add(later);
    const revisions = this.#sorted.filter((revision) => undone.has(revision.id) && applied.has(revision.id)).reverse();
    return { direction: "downgrade", revisions };
  }

  /** The revisions of a range `from:to`, newest first; an end left out is the base or the heads. */
  range(from: string, to: string): Revision[] {
    const upper = new Set<string>();
    for (const revision of to === "" || to === "heads" ? this.heads : [this.resolve(to)])
      for (const id of this.ancestors(revision.id)) upper.add(id);
    const lower = new Set<string>();
    if (from !== "" && from !== "base") {
      const start = this.resolve(from);
      for (const id of this.ancestors(start.id)) if (id !== start.id) lower.add(id);
    }
    const isBehind = from === "" || from === "base" ? undefined : this.descendants(this.resolve(from).id);
    return this.#sorted.filter(({ id }) => upper.has(id) && !lower.has(id) && (isBehind?.has(id) ?? true)).reverse();
  }

  #resolveAbsolute(name: string): Revision {
    if (name === "head") {
      const { heads } = this;
      if (heads.length > 1) throw multipleHeads(name);
      const [head] = heads;
      if (head === undefined)
        throw new MigrationError("There are no revisions yet.", {
          hint: 'make one with "db migrate" or "db revision"',
        });
      return head;
    }
    const [, label, end] = /^(.+)@(head|base)$/.exec(name) ?? [];
    if (label !== undefined) {
      const branch = this.#branch(label);
      const ends = (end === "head" ? this.heads : this.bases).filter((revision) => branch.has(revision.id));
      if (ends.length !== 1 || ends[0] === undefined) throw multipleHeads(name);
      return ends[0];
    }
    return this.#byId.get(name) ?? this.#labelled(name) ?? this.#byPrefix(name);
  }

  #byPrefix(name: string): Revision {
    const found = this.#sorted.filter((revision) => revision.id.startsWith(name));
    if (found.length > 1 && name.length >= MIN_PARTIAL_LENGTH) {
      const examples = found.slice(0, 3).map((revision) => `'${revision.id}'`);
      throw new MigrationError(`Multiple revisions start with '${name}': ${examples.join(", ")}...`);
    }
    if (name.length < MIN_PARTIAL_LENGTH) {
      throw new MigrationError(
        `No such revision or branch '${name}'; please ensure at least four characters are present for partial revision identifier matches`,
      );
    }
    if (found[0] === undefined) throw new MigrationError(`Can't locate revision identified by '${name}'`);
    return found[0];
  }

  #labelled(label: string): Revision | undefined {
    for (const revision of this.#byId.values()) if (revision.branchLabels.includes(label)) return revision;
    return undefined;
  }

  /** The ids of a branch: what comes after its labelled revision, and what comes before it up to where it branched off. */
  #branch(label: string): Set<string> {
    const start = this.#labelled(label) ?? this.#byId.get(label) ?? this.#byPrefix(label);
    const ids = this.descendants(start.id);
    for (let at: Revision | undefined = start; at !== undefined;) {
      ids.add(at.id);
      const [parent, ...others]: readonly string[] = at.downRevisions;
      if (parent === undefined || others.length > 0 || this.isBranchPoint(parent)) break;
      at = this.#byId.get(parent);
    }
    return ids;
  }

  #dependencies(revision: Revision): string[] {
    return revision.dependsOn.map((name) => this.#byId.get(name)?.id ?? this.#labelled(name)?.id ?? name);
  }

  #walkUp(from: readonly string[], steps: number): Revision | undefined {
    let [at] = from;
    for (let i = 0; i < steps; i++) {
      const children: readonly string[] = at === undefined ? this.bases.map((base) => base.id) : this.childrenOf(at);
      if (children.length > 1)
        throw new MigrationError(`Ambiguous walk: ${children.map((id) => `'${id}'`).join(" and ")} both come next.`);
      if (children[0] === undefined) return undefined;
      [at] = children;
    }
    return at === undefined ? undefined : this.#byId.get(at);
  }

  #walkDown(from: Revision, steps: number): Revision | undefined {
    let at: Revision | undefined = from;
    for (let i = 0; i < steps && at !== undefined; i++) {
      if (at.downRevisions.length > 1) throw new MigrationError(`Ambiguous walk: '${at.id}' has several parents.`);
      at = this.#byId.get(at.downRevisions[0] ?? "");
    }
    return at;
  }

  /** The next `steps` revisions after what is applied. */
  #next(applied: ReadonlySet<string>, steps: number, label: string | undefined): Revision[] {
    const branch = label === undefined ? undefined : this.#branch(label);
    const done = new Set(applied);
    const found: Revision[] = [];
    for (let i = 0; i < steps; i++) {
      const ready = this.#sorted.filter(
        ({ id, downRevisions }) =>
          !done.has(id) && downRevisions.every((parent) => done.has(parent)) && (branch?.has(id) ?? true),
      );
      if (ready.length > 1)
        throw new MigrationError(`Ambiguous walk: ${ready.map(({ id }) => `'${id}'`).join(" and ")} both come next.`);
      if (ready[0] === undefined) throw notProduced(`+${steps}`, steps);
      found.push(ready[0]);
      done.add(ready[0].id);
    }
    return found;
  }

  /** The last `steps` applied revisions, newest first. */
  #last(applied: ReadonlySet<string>, steps: number, label: string | undefined): string[] {
    const branch = label === undefined ? undefined : this.#branch(label);
    const left = new Set(applied);
    const found: string[] = [];
    for (let i = 0; i < steps; i++) {
      const heads = this.currentHeads(left).filter(({ id }) => branch?.has(id) ?? true);
      if (heads.length > 1) {
        throw new MigrationError(
          `Ambiguous downgrade: ${heads.map(({ id }) => `'${id}'`).join(" and ")} are both current heads.`,
          {
            hint: "name the revision to go back to, or <branchname>@-1",
          },
        );
      }
      const [head] = heads;
      if (head === undefined) {
        throw notProduced(`-${steps}`, steps, applied.size === 0 ? "The database is already at base." : undefined);
      }
      found.push(head.id);
      left.delete(head.id);
    }
    return found;
  }

  #sort(): void {
    const state = new Map<string, "visiting" | "done">();
    const visit = (revision: Revision, trail: readonly Revision[]): void => {
      const seen = state.get(revision.id);
      if (seen === "done") return;
      if (seen === "visiting") {
        const circle = [...trail.slice(trail.indexOf(revision)), revision];
        throw new MigrationError(
          `Revisions come after each other in a circle: ${circle.map(({ id, path }) => `${id} (${path})`).join(" -> ")}`,
        );
      }
      state.set(revision.id, "visiting");
      for (const parent of [...revision.downRevisions, ...this.#dependencies(revision)]) {
        const found = this.#byId.get(parent);
        if (found) visit(found, [...trail, revision]);
      }
      state.set(revision.id, "done");
      this.#sorted.push(revision);
    };
    for (const revision of this.#byId.values()) visit(revision, []);
  }
}

/** The error for an argument that must be one head where there are several. */
export function multipleHeads(argument: string): MigrationError {
  return new MigrationError(
    `Multiple head revisions are present for given argument '${argument}'; please specify a specific target revision, ` +
      "'<branchname>@head' to narrow to a specific head, or 'heads' for all heads",
  );
}

function notProduced(relative: string, steps: number, hint?: string): MigrationError {
  return new MigrationError(`Relative revision ${relative} didn't produce ${steps} migrations`, { hint });
}
