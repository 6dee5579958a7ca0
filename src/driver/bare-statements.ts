import type { LexicalRules } from "./dialect";

/**
 * The statements of a text, reduced to what they do: literals, quoted names and comments are gone, white space is single blanks.
 *
 * For looking at words, never for sending.
 */
export function bareStatements(sql: string, rules: LexicalRules): string[] {
  const patterns = patternsOf(rules);
  let bare = "";
  for (let at = 0; at < sql.length;) {
    const end =
      rules.nestedComments && sql.startsWith("/*", at) ? endOfNested(sql, at) : endOfOpaque(sql, at, patterns);
    // A name or a literal still stands between its neighbours.
    bare += end === at ? (sql[at] ?? "") : /^(?:--|#|\/\*)/.test(sql.slice(at, at + 2)) ? " " : " _ ";
    at = Math.max(end, at + 1);
  }
  return bare
    .split(";")
    .map((statement) => statement.replaceAll(/\s+/g, " ").trim())
    .filter((statement) => statement !== "");
}

/** Whether a bare statement changes nothing, functions that it calls set aside. */
export function onlyReads(bare: string): boolean {
  if (/^\(*\s*(SELECT|VALUES|EXPLAIN)\b/i.test(bare)) return true;
  return /^\(*\s*WITH\b/i.test(bare) && !/\b(INSERT|UPDATE|DELETE|REPLACE|MERGE)\b/i.test(bare);
}

function patternsOf(rules: LexicalRules): readonly RegExp[] {
  const escapes = /'(?:[^'\\]|\\[\s\S]|'')*'?/y;
  return [
    rules.dashCommentsNeedSpace ? /--(?=\s|$)[^\n]*/y : /--[^\n]*/y,
    ...(rules.hashComments ? [/#[^\n]*/y] : []),
    // What a MySQL server runs although it stands in a comment is no comment.
    ...(rules.nestedComments ? [] : [/\/\*(?!M?!)[\s\S]*?(?:\*\/|$)/y]),
    ...(rules.dollarQuotes
      ? [/(\$(?:[A-Za-z_]\w*)?\$)[\s\S]*?(?:\1|$)/y, /(?<![\w$])[eE]'(?:[^'\\]|\\[\s\S]|'')*'?/y]
      : []),
    rules.backslashEscapes ? escapes : /'(?:[^']|'')*'?/y,
    rules.backslashEscapes ? /"(?:[^"\\]|\\[\s\S]|"")*"?/y : /"(?:[^"]|"")*"?/y,
    /`(?:[^`]|``)*`?/y,
    ...(rules.bracketNames ? [/\[[^\]]*\]?/y] : []),
  ];
}

/** Where the literal, name or comment ends that begins here; `at` where none does. */
function endOfOpaque(sql: string, at: number, patterns: readonly RegExp[]): number {
  for (const pattern of patterns) {
    pattern.lastIndex = at;
    if (pattern.test(sql)) return pattern.lastIndex;
  }
  return at;
}

function endOfNested(sql: string, start: number): number {
  let depth = 0;
  const edges = /\/\*|\*\//g;
  edges.lastIndex = start;
  for (let edge = edges.exec(sql); edge; edge = edges.exec(sql)) {
    depth += edge[0] === "/*" ? 1 : -1;
    if (depth === 0) return edges.lastIndex;
  }
  return sql.length;
}
