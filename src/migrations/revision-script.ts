import { createHash } from "node:crypto";
import { MigrationError } from "./migration-error";
import type { Revision } from "./revision-graph";

/** What a new revision file says in its head. */
export interface RevisionHead {
  id: string;
  downRevisions: readonly string[];
  branchLabels: readonly string[];
  dependsOn: readonly string[];
  message: string;
  createDate: Date;
}

const STRING = /"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|`((?:[^`\\]|\\.)*)`/g;

/**
 * Reads the head of a revision file from its text: a file that does not compile still has its place in the history.
 *
 * @returns undefined for a file that is no revision (it exports no `revision`)
 * @throws {MigrationError} where `downRevision` is missing or is no string, list or null
 */
export function parseRevision(path: string, text: string): Revision | undefined {
  const [id] = constantOf(text, "revision", path) ?? [];
  if (id === undefined) return undefined;
  const downRevisions = constantOf(text, "downRevision", path);
  if (downRevisions === undefined) throw new MigrationError(`Cannot read ${path}: it exports no downRevision.`);
  const doc = docOf(text);
  return {
    id,
    downRevisions,
    dependsOn: constantOf(text, "dependsOn", path) ?? [],
    branchLabels: constantOf(text, "branchLabels", path) ?? [],
    message: doc.split("\n", 1)[0] ?? "",
    doc,
    path,
  };
}

/** The strings of an exported constant: one, several, or none for null; undefined where there is no such constant. */
function constantOf(text: string, name: string, path: string): string[] | undefined {
  const declaration = new RegExp(
    `^\\s*(?:export\\s+(?:const|let|var)\\s+${name}\\b(?:\\s*:[^=]+)?|(?:module\\.)?exports\\.${name})\\s*=\\s*`,
    "m",
  ).exec(text);
  if (declaration === null) return undefined;
  const rest = text.slice(declaration.index + declaration[0].length);
  const value = /^(?:null|undefined|\[[^\]]*\]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)/.exec(rest)?.[0];
  if (value === undefined)
    throw new MigrationError(`Cannot read ${name} in ${path}: expected a string, a list of strings or null.`);
  return [...value.matchAll(STRING)].map(([, double, single, template]) => double ?? single ?? template ?? "");
}

/** The text of the first comment, without its stars. */
function docOf(text: string): string {
  const comment = /^\s*\/\*\*?([\s\S]*?)\*\//.exec(text)?.[1] ?? "";
  return comment
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, "").trimEnd())
    .join("\n")
    .trim();
}

/** Fills the template of a revision file. */
export function renderRevision(
  template: string,
  head: RevisionHead,
  upgrade: readonly string[],
  downgrade: readonly string[],
): string {
  const list = (names: readonly string[]): string => (names.length === 0 ? "null" : `[${names.map(quote).join(", ")}]`);
  const [only, ...others] = head.downRevisions;
  const usesTypes = [...upgrade, ...downgrade].join("\n");
  const imports = [
    ...(/\bDataTypes\./.test(usesTypes) ? ["DataTypes"] : []),
    ...(/\bsql[`(]/.test(usesTypes) ? ["sql"] : []),
    "type Operations",
  ];
  const values: Record<string, string> = {
    message: head.message.replaceAll("*/", "* /"),
    revision: head.id,
    downRevision: only === undefined ? "null" : others.length > 0 ? list(head.downRevisions) : quote(only),
    revises: head.downRevisions.join(", "),
    createDate: localTime(head.createDate),
    branchLabels: list(head.branchLabels),
    dependsOn: list(head.dependsOn),
    imports: imports.join(", "),
    upgrade: body(upgrade),
    downgrade: body(downgrade),
  };
  return template.replace(/\{\{(\w+)\}\}/g, (placeholder, name: string) => values[name] ?? placeholder);
}

/** The template of a revision file as `db init` writes it. */
export const REVISION_TEMPLATE = `/**
 * {{message}}
 *
 * Revision ID: {{revision}}
 * Revises: {{revises}}
 * Create Date: {{createDate}}
 */
import { {{imports}} } from "sequelize-shell/migrations";

export const revision = "{{revision}}";
export const downRevision: string | string[] | null = {{downRevision}};
export const branchLabels: string[] | null = {{branchLabels}};
export const dependsOn: string[] | null = {{dependsOn}};

export async function upgrade(op: Operations): Promise<void> {
{{upgrade}}
}

export async function downgrade(op: Operations): Promise<void> {
{{downgrade}}
}
`;

function body(lines: readonly string[]): string {
  // Operations are written in place of it; until then strict compilers see that the parameter is meant to be unused.
  return lines.length === 0 ? "  void op; // nothing to do" : lines.join("\n");
}

function quote(text: string): string {
  return JSON.stringify(text);
}

function localTime(date: Date): string {
  const pad = (value: number, length = 2): string => String(value).padStart(length, "0");
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`;
}

/** The name of a new file: letters and digits of the message, cut at a word where that is possible. */
export function slugOf(message: string, maxLength: number): string {
  const slug = message
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "_")
    .replace(/^_+|_+$/g, "");
  if (slug.length <= maxLength) return slug;
  const cut = slug.slice(0, maxLength);
  return cut.includes("_") ? cut.slice(0, cut.lastIndexOf("_")) : cut;
}

/**
 * The checksum of a revision file: the same after a formatter went over it, another after a change of what it does.
 *
 * Comments, spaces, semicolons, trailing commas and the kind of quotes do not count.
 */
export function checksumOf(text: string): string {
  return createHash("sha256").update(withoutFormat(text)).digest("hex");
}

const PIECE =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`|\s+|\w+|[\s\S]/g;

function withoutFormat(text: string): string {
  const pieces: string[] = [];
  for (const [piece] of text.matchAll(PIECE)) {
    if (piece.startsWith("/*") || piece.startsWith("//") || /^\s/.test(piece) || piece === ";") continue;
    if (/^["'].*["']$/s.test(piece) && piece.length > 1)
      pieces.push(`"${piece.slice(1, -1).replace(/\\(["'])/g, "$1")}"`);
    else {
      if (/^[)\]}]$/.test(piece) && pieces.at(-1) === ",") pieces.pop();
      pieces.push(piece);
    }
  }
  return pieces.join("").replace(/\((\w+)\)=>/g, "$1=>");
}
