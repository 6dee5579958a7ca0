import { ArgumentError, StatementError } from "../errors";
import type { Node } from "./node";
import { nodeOfExpression, valueNode } from "./operand";

/** Values for the named parameters of a text. */
export type NamedParameters = Readonly<Record<string, unknown>>;

// Quoted text and names, comments, dollar quotes and `::casts` are passed over; `:name` is a parameter.
const TOKEN =
  /'(?:[^'\\]|''|\\[\s\S])*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|--[^\n]*|\/\*[\s\S]*?\*\/|\$([A-Za-z_]\w*)?\$[\s\S]*?\$\1\$|::|\\:|:([A-Za-z_]\w*)|\?/g;

/**
 * The text in pieces, with a value in the place of each `:name`; a list stands for its values, separated by commas.
 *
 * `\:` is a plain colon.
 *
 * @throws {StatementError} for a name without a value
 * @throws {ArgumentError} for a value whose name is not in the text
 */
export function bindNames(sql: string, parameters: NamedParameters): (string | Node)[] {
  const segments: (string | Node)[] = [];
  const used = new Set<string>();
  let start = 0;
  const push = (end: number): void => {
    if (end > start) segments.push(sql.slice(start, end));
  };
  for (const match of sql.matchAll(TOKEN)) {
    const [token, , name] = match;
    const end = match.index + token.length;
    if (token === "\\:") {
      push(match.index);
      segments.push(":");
      start = end;
    } else if (token === "?") {
      // An operator of some databases; elsewhere it would take the place of a parameter.
      push(match.index);
      segments.push({ kind: "questionMark" });
      start = end;
    } else if (name !== undefined) {
      push(match.index);
      start = end;
      if (!Object.hasOwn(parameters, name) || parameters[name] === undefined)
        throw new StatementError(`A value is required for bind parameter '${name}'`, { sql });
      used.add(name);
      segments.push(...valueSegments(parameters[name]));
    }
  }
  push(sql.length);
  const spare = Object.keys(parameters).find((name) => !used.has(name));
  if (spare !== undefined)
    throw new ArgumentError(`The text has no parameter ":${spare}".`, { hint: `its parameters are ${list(used)}` });
  return segments;
}

/** SQL text as it stands, with its bare question marks apart. */
export function rawSegments(sql: string): (string | Node)[] {
  if (!sql.includes("?")) return [sql];
  const segments: (string | Node)[] = [];
  let start = 0;
  for (const match of sql.matchAll(TOKEN)) {
    if (match[0] !== "?") continue;
    segments.push(sql.slice(start, match.index), { kind: "questionMark" });
    start = match.index + 1;
  }
  return [...segments, sql.slice(start)];
}

function valueSegments(value: unknown): (string | Node)[] {
  const node = nodeOfExpression(value);
  if (node !== undefined) return [node];
  if (!Array.isArray(value)) return [valueNode(value, false, "text")];
  if (value.length === 0) throw new ArgumentError("Cannot put an empty list into a text.");
  return value.flatMap((each, i): (string | Node)[] => [...(i > 0 ? [", "] : []), valueNode(each, false, "text")]);
}

function list(names: Set<string>): string {
  return names.size === 0 ? "none" : [...names].map((name) => `:${name}`).join(", ");
}
