import { readFileSync } from "node:fs";
import { MigrationError } from "./migration-error";
import { loadModule } from "./module-loader";
import type { Operations } from "./operations";
import type { Revision } from "./revision-graph";
import { checksumOf } from "./revision-script";

/** What a revision file does, loaded. */
export interface LoadedRevision {
  upgrade: (op: Operations) => Promise<void> | void;
  downgrade: (op: Operations) => Promise<void> | void;
  /** Run with foreign keys enforced (SQLite): a rebuild is refused then. */
  sqliteForeignKeys: boolean;
}

/**
 * Loads a revision file.
 *
 * @throws {MigrationError} for a file that does not compile, or has no `upgrade` and `downgrade`
 */
export async function loadRevision(revision: Revision): Promise<LoadedRevision> {
  const { upgrade, downgrade, sqliteForeignKeys } = await loadModule(revision.path);
  for (const [name, value] of Object.entries({ upgrade, downgrade })) {
    if (typeof value !== "function")
      throw new MigrationError(`Cannot run ${revision.path}: it exports no function ${name}().`);
  }
  return { upgrade, downgrade, sqliteForeignKeys: sqliteForeignKeys === true } as LoadedRevision;
}

/** The checksum of the revision's file as it is now. */
export function currentChecksum(revision: Revision): string {
  return checksumOf(readFileSync(revision.path, "utf8"));
}

/**
 * How many operations a function makes, where its text tells: each call stands once, in no loop and under no condition.
 */
export function countOperations(run: (op: Operations) => unknown): number | undefined {
  const text = withoutComments(run.toString());
  const parameter = parameterOf(text);
  const code = text.replace(/`[^`]*`|"[^"]*"|'[^']*'/g, "");
  if (parameter === undefined || /\b(?:for|while|if|switch|map|forEach)\b|\?/.test(code)) return undefined;
  return [
    ...text.matchAll(
      new RegExp(
        `\\b${parameter}\\.(?!query\\b|table\\b|transaction\\b|dialect\\b|isOffline\\b|autocommit\\b)\\w+\\(`,
        "g",
      ),
    ),
  ].length;
}

const COMMENT = /(`(?:[^`\\]|\\[\s\S])*`|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;

function withoutComments(text: string): string {
  return text.replace(COMMENT, (_, literal?: string) => literal ?? "");
}

/** The name that a function's text has for its first parameter. */
function parameterOf(text: string): string | undefined {
  return /^(?:async\s+)?(?:function\s*\w*\s*)?\(?\s*(\w+)/.exec(text)?.[1];
}

const PLAIN_TEXT = /"[^"\\\n]*"|'[^'\\\n]*'/.source;
/** Tables of one function at the most. */
const MAX_NAMED = 200;

/** The tables that a function's text names where it changes them; there may be others, and not all of these are there. */
export function namedTables(run: (op: Operations) => unknown): string[] {
  const text = run.toString();
  const parameter = parameterOf(text);
  if (parameter === undefined) return [];
  const change = `(?:alter|drop|rename|comment)Table|(?:add|drop|rename|alter)Column|create(?:Unique|Check|ForeignKey|PrimaryKey)|drop(?:PrimaryKey|Constraint)|rename(?:Constraint|Index)`;
  const first = new RegExp(`\\b${parameter}\\.(?:${change})\\(\\s*(${PLAIN_TEXT})`, "g");
  const second = new RegExp(
    `\\b${parameter}\\.(?:create|drop)Index\\(\\s*(?:${PLAIN_TEXT}|undefined),\\s*(${PLAIN_TEXT})`,
    "g",
  );
  const found = [...text.matchAll(first), ...text.matchAll(second)].map(([, name = ""]) => name.slice(1, -1));
  return [...new Set(found)].slice(0, MAX_NAMED);
}
