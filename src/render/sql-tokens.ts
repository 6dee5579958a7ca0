/** What a stretch of SQL text is. */
export type SqlTokenKind =
  "space" | "comment" | "string" | "identifier" | "word" | "number" | "parameter" | "operator" | "punctuation";

/** A stretch of SQL text; the texts of all tokens, joined, are the statement. */
export interface SqlToken {
  readonly kind: SqlTokenKind;
  readonly text: string;
}

/** Where the SQL of databases differs in what ends a string, a name or a comment. */
export interface SqlSyntax {
  /** `'it\'s'` is one string. */
  readonly backslashEscapes: boolean;
  /** `#` begins a comment. */
  readonly hashComments: boolean;
  /** `--` begins a comment only before white space. */
  readonly dashCommentsNeedSpace: boolean;
  /** A block comment may hold another one. */
  readonly nestedComments: boolean;
  /** `$tag$ … $tag$` is a string. */
  readonly dollarQuotes: boolean;
  /** `[a name]` is a name. */
  readonly bracketNames: boolean;
}

/**
 * Splits SQL into tokens, whole literals, quoted names and comments among them.
 *
 * @param syntax  left out when the database is not known
 * @returns undefined when databases would read the text differently and `syntax` does not say which is right
 */
export function tokenizeSql(sql: string, syntax?: SqlSyntax): SqlToken[] | undefined {
  const tokens: SqlToken[] = [];
  let index = 0;
  while (index < sql.length) {
    const token = nextToken(sql, index, syntax);
    if (token === undefined) return undefined;
    tokens.push(token);
    index += token.text.length;
  }
  return tokens;
}

/** Kinds of token that one expression finds, in the order in which they are tried. */
const simple: readonly (readonly [SqlTokenKind, RegExp])[] = [
  ["space", /\s+/y],
  ["number", /0x[\da-f]+|\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?/iy],
  ["parameter", /\$\d+|\?\d*|:[\p{L}_][\p{L}\p{N}_]*|@{1,2}[\p{L}_][\p{L}\p{N}_]*|\$[\p{L}_][\p{L}\p{N}_]*/uy],
  ["word", /[A-Za-z_\x80-\u{10ffff}][\w$\x80-\u{10ffff}]*/uy],
  ["operator", /::|:=|(?:(?!--|\/\*)[-+*/<>=~!@#%^&|])+/y],
];

function nextToken(sql: string, start: number, syntax: SqlSyntax | undefined): SqlToken | undefined {
  const opaque = opaqueToken(sql, start, syntax);
  if (opaque !== "none") return opaque;
  for (const [kind, pattern] of simple) {
    const text = matchAt(pattern, sql, start);
    if (text !== undefined) return { kind, text };
  }
  return { kind: "punctuation", text: String.fromCodePoint(sql.codePointAt(start)!) };
}

/** A comment, string or quoted name that begins here; undefined when it is unclear where it ends. */
function opaqueToken(sql: string, start: number, syntax: SqlSyntax | undefined): SqlToken | undefined | "none" {
  switch (sql[start]) {
    case "-":
      return sql[start + 1] === "-" ? dashComment(sql, start, syntax) : "none";
    case "#":
      if (syntax === undefined) return undefined;
      return syntax.hashComments ? lineComment(sql, start) : "none";
    case "/":
      return sql[start + 1] === "*" ? blockComment(sql, start, syntax) : "none";
    case "'":
    case '"':
      return quoted(sql, start, sql[start], syntax);
    case "`":
      return { kind: "identifier", text: matchAt(/`[^`]*(?:``[^`]*)*`?/y, sql, start)! };
    case "e":
    case "E":
      return sql[start + 1] === "'" && syntax?.backslashEscapes !== true ? escapeString(sql, start) : "none";
    case "$":
      return syntax?.dollarQuotes === false ? "none" : dollarQuoted(sql, start, syntax);
    case "[":
      return bracketed(sql, start, syntax);
    default:
      return "none";
  }
}

function dashComment(sql: string, start: number, syntax: SqlSyntax | undefined): SqlToken | undefined | "none" {
  if (matchAt(/--(?:\s|$)/y, sql, start) === undefined) {
    if (syntax === undefined) return undefined;
    if (syntax.dashCommentsNeedSpace) return { kind: "operator", text: "-" };
  }
  return lineComment(sql, start);
}

function lineComment(sql: string, start: number): SqlToken | undefined {
  const text = matchAt(/[^\n]*/y, sql, start)!;
  // Some databases end a comment at a carriage return, others do not.
  return /\r[^]/.test(text) ? undefined : comment(text);
}

function blockComment(sql: string, start: number, syntax: SqlSyntax | undefined): SqlToken | undefined {
  const flat = matchAt(/\/\*[^]*?(?:\*\/|$)/y, sql, start)!;
  if (!flat.slice(2).includes("/*")) return comment(flat);
  if (syntax === undefined) return undefined;
  if (!syntax.nestedComments) return comment(flat);
  let depth = 0;
  const marks = /\/\*|\*\//g;
  marks.lastIndex = start;
  for (let mark = marks.exec(sql); mark !== null; mark = marks.exec(sql)) {
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return comment(sql.slice(start, marks.lastIndex));
  }
  return comment(sql.slice(start));
}

const plainQuotes = { "'": /'[^']*(?:''[^']*)*'?/y, '"': /"[^"]*(?:""[^"]*)*"?/y };
const escapingQuotes = {
  "'": /'[^'\\]*(?:(?:''|\\[^])[^'\\]*)*(?:'|\\)?/y,
  '"': /"[^"\\]*(?:(?:""|\\[^])[^"\\]*)*(?:"|\\)?/y,
};

function quoted(sql: string, start: number, mark: "'" | '"', syntax: SqlSyntax | undefined): SqlToken | undefined {
  const text = matchAt((syntax?.backslashEscapes ? escapingQuotes : plainQuotes)[mark], sql, start)!;
  // Unknown database: the text is clear only where both readings end it at the same place.
  if (syntax === undefined && matchAt(escapingQuotes[mark], sql, start) !== text) return undefined;
  return { kind: mark === "'" ? "string" : "identifier", text };
}

function escapeString(sql: string, start: number): SqlToken {
  return { kind: "string", text: sql[start]! + matchAt(escapingQuotes["'"], sql, start + 1)! };
}

function dollarQuoted(sql: string, start: number, syntax: SqlSyntax | undefined): SqlToken | undefined | "none" {
  const tag = matchAt(/\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy, sql, start);
  if (tag === undefined) return "none";
  const end = sql.indexOf(tag, start + tag.length);
  if (end < 0 && syntax === undefined) return undefined;
  return { kind: "string", text: sql.slice(start, end < 0 ? undefined : end + tag.length) };
}

function bracketed(sql: string, start: number, syntax: SqlSyntax | undefined): SqlToken | undefined | "none" {
  if (syntax?.bracketNames === false) return "none";
  const text = matchAt(/\[[^\]]*(?:\]|$)/y, sql, start)!;
  // A name or an array: kept whole it is right as either, unless something in it hides a bracket.
  if (syntax === undefined && /['"`$#[]|--|\/\*/.test(text.slice(1))) return undefined;
  return { kind: "identifier", text };
}

function comment(text: string): SqlToken {
  return { kind: "comment", text };
}

function matchAt(pattern: RegExp, text: string, start: number): string | undefined {
  pattern.lastIndex = start;
  return pattern.exec(text)?.[0];
}
