/** What a piece of SQL text is. */
export type TokenKind = "space" | "comment" | "word" | "name" | "string" | "blob" | "number" | "symbol";

/** A piece of SQL text; the pieces of a text, joined, are the text. */
export interface Token {
  kind: TokenKind;
  text: string;
}

const PATTERN =
  /(?<space>[ \t\r\n\f\v\ufeff]+)|(?<comment>--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|(?<blob>[xX]'[0-9a-fA-F]*')|(?<string>'(?:[^']|'')*(?:'|$)|\$(?<tag>[A-Za-z_]*)\$[\s\S]*?\$\k<tag>\$)|(?<name>"(?:[^"]|"")*(?:"|$)|`(?:[^`]|``)*(?:`|$)|\[[^\]]*(?:\]|$))|(?<number>0[xX][0-9a-fA-F_]+|(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9_]+)?)|(?<word>[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*)|(?<symbol>\|\||->>|->|<>|!=|==|<=|>=|<<|>>|::|[\s\S])/gy;

/** Where a backslash in a string escapes, as MariaDB writes its own statements, and square brackets are not quotes. */
const BACKSLASH_PATTERN = new RegExp(
  PATTERN.source
    .replace("'(?:[^']|'')*(?:'|$)", "'(?:[^'\\\\]|\\\\[\\s\\S]|'')*(?:'|$)")
    .replace("|\\[[^\\]]*(?:\\]|$)", ""),
  "gy",
);

/**
 * Cuts SQL text into tokens without losing a character.
 *
 * @param backslashes  a backslash inside quotes escapes the next character (MariaDB)
 */
export function tokenize(sql: string, { backslashes = false } = {}): Token[] {
  const tokens: Token[] = [];
  for (const { groups = {} } of sql.matchAll(backslashes ? BACKSLASH_PATTERN : PATTERN)) {
    for (const kind in groups) {
      const text = groups[kind];
      if (text !== undefined && kind !== "tag") tokens.push({ kind: kind as TokenKind, text });
    }
  }
  return tokens;
}

/** Whether the token is neither space nor comment. */
export function isSignificant(token: Token): boolean {
  return token.kind !== "space" && token.kind !== "comment";
}

/** Whether the token can be a name: a bare word or a quoted one. */
export function isName(token: Token | undefined): token is Token {
  return token?.kind === "word" || token?.kind === "name";
}

/** Whether the token is the bare word `word`, in any case. */
export function isWord(token: Token | undefined, ...words: string[]): boolean {
  return token?.kind === "word" && words.includes(token.text.toUpperCase());
}

/** Whether the token is the symbol. */
export function isSymbol(token: Token | undefined, symbol: string): boolean {
  return token?.kind === "symbol" && token.text === symbol;
}

/** The name that a token spells, without its quotes. */
export function nameOf(token: Token | undefined): string {
  const text = token?.text ?? "";
  switch (text[0]) {
    case '"':
    case "`":
    case "'":
      return text.slice(1, -1).replaceAll(text[0] + text[0], text[0]);
    case "[":
      return text.slice(1, -1);
    default:
      return text;
  }
}

/** The text of the tokens, with their spaces and comments. */
export function textOf(tokens: readonly Token[]): string {
  return tokens.map((token) => token.text).join("");
}

/** The text of the tokens on one line: comments gone, each run of spaces one space. */
export function flatText(tokens: readonly Token[]): string {
  let text = "";
  let gap = false;
  for (const token of tokens) {
    if (isSignificant(token)) {
      text += (gap && text !== "" ? " " : "") + token.text;
      gap = false;
    } else gap = true;
  }
  return text;
}

/** The index just behind the bracket that closes the one at `open`. */
export function closingBracket(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    if (isSymbol(tokens[i], "(")) depth++;
    else if (isSymbol(tokens[i], ")") && --depth === 0) return i + 1;
  }
  return tokens.length;
}

/** Whether the SQL text mentions `name` as a name, in any case, quoted or bare; strings and comments do not count. */
export function mentions(sql: string, name: string): boolean {
  const wanted = name.toLowerCase();
  return tokenize(sql).some((token) => isName(token) && nameOf(token).toLowerCase() === wanted);
}

/** The text without a pair of brackets around all of it. */
export function withoutBrackets(text: string): string {
  if (!text.startsWith("(") || !text.endsWith(")")) return text;
  const tokens = tokenize(text);
  return closingBracket(tokens, 0) === tokens.length ? text.slice(1, -1).trim() : text;
}
