import type { Environment } from "../environment";
import { MigrationError } from "../migration-error";
import type { Plan } from "../revision-graph";
import { runPlan } from "../run-plan";
import { writeScript } from "../script-run";
import type { VersionRow } from "../version-table";
import type { DbCommand } from "./command";

const SQL = { type: "boolean", help: "print the statements in place of running them" } as const;

/** `db upgrade`: applies revisions. */
export const upgrade: DbCommand = {
  name: "upgrade",
  parameters: "[REVISION]",
  summary: "Apply the revisions up to one, by default up to the head.",
  options: { sql: SQL },
  arity: [0, 1],
  needs: (values) => (values["sql"] ? "dialect" : "database"),
  async run({ env, values, positionals: [target = "head"] }) {
    env.scripts.requireExists();
    if (values["sql"]) {
      const [from, to] = target.includes(":") ? splitRange(target) : ["base", target];
      const { graph } = env;
      const before = from === "base" ? new Set<string>() : graph.ancestors(graph.resolve(from).id);
      await writeScript(env, graph.upgradePlan(to, before), before);
      return 0;
    }
    refuseRange(target);
    await runPlan(env, (applied, rows) => {
      requireFiles(env, rows);
      if (env.graph.all.length === 0 && /^heads?$/.test(target)) {
        env.info("There are no revisions yet.");
        return { direction: "upgrade", revisions: [] };
      }
      return env.graph.upgradePlan(target, applied);
    });
    return 0;
  },
};

/** `db downgrade`: takes revisions back. */
export const downgrade: DbCommand = {
  name: "downgrade",
  parameters: "[REVISION]",
  summary: "Take back the revisions down to one, by default the last one.",
  options: { sql: SQL },
  arity: [0, 1],
  needs: (values) => (values["sql"] ? "dialect" : "database"),
  async run({ env, values, positionals: [target = "-1"] }) {
    env.scripts.requireExists();
    if (values["sql"]) {
      const { graph } = env;
      const [from, to] = target.includes(":") ? splitRange(target) : ["head", target];
      const before = graph.ancestors(graph.resolve(from).id);
      await writeScript(env, graph.downgradePlan(to, before), before);
      return 0;
    }
    refuseRange(target);
    await runPlan(env, (applied, rows) => {
      const plan = env.graph.downgradePlan(target, applied);
      refuseMissing(env, rows, plan, target);
      return plan;
    });
    return 0;
  },
};

function splitRange(range: string): [string, string] {
  const [from = "", to = ""] = range.split(":");
  return [from || "base", to || "head"];
}

function refuseRange(target: string): void {
  if (target.includes(":")) throw new MigrationError("Range revision not allowed");
}

/** @throws {MigrationError} where a revision is applied whose file is not there: what comes after it is not known */
export function requireFiles(env: Environment, rows: readonly VersionRow[]): void {
  const missing = rows.find((row) => env.graph.find(row.id) === undefined);
  if (missing) throw locateError(env, missing.id);
}

/** @throws {MigrationError} where a revision would have to be taken back whose file is not there */
function refuseMissing(env: Environment, rows: readonly VersionRow[], plan: Plan, target: string): void {
  const undone = new Set(plan.revisions.map((revision) => revision.id));
  const isRelative = /^(?:.+@)?-\d+$/.test(target);
  const start = isRelative || target === "base" ? undefined : env.graph.resolve(target.replace(/@base$/, "")).id;
  for (const row of rows) {
    if (env.graph.find(row.id) !== undefined) continue;
    const isHead = !rows.some((other) => other.downRevisions.includes(row.id));
    const comesAfter = row.downRevisions.some((parent) => undone.has(parent) || parent === start);
    if (comesAfter || target === "base" || (isRelative && isHead)) throw locateError(env, row.id);
  }
}

function locateError(env: Environment, id: string): MigrationError {
  return new MigrationError(
    `Can't locate revision identified by '${id}' (recorded in this database; its file is missing from ${env.givenDirectory}/versions)`,
  );
}
