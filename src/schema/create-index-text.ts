import type { Token } from "./sql-tokens";
import { closingBracket, flatText, isSignificant, isSymbol, isWord, textOf, tokenize } from "./sql-tokens";

/** A CREATE INDEX statement taken apart: the text of its parts, without their order, and of its condition. */
export interface CreateIndexText {
  /** Each part's expression or quoted column, as written. */
  parts: string[];
  where?: string;
}

/** Takes a CREATE INDEX statement apart, as SQLite keeps it. */
export function parseCreateIndex(sql: string): CreateIndexText {
  const tokens = tokenize(sql);
  const on = tokens.findIndex((token) => isWord(token, "ON"));
  const open = tokens.findIndex((token, i) => i > on && isSymbol(token, "("));
  const close = closingBracket(tokens, open);
  const rest = tokens.slice(close);
  const where = rest.findIndex((token) => isWord(token, "WHERE"));
  return {
    parts: splitAtCommas(tokens.slice(open + 1, close - 1)).map(withoutOrder),
    ...(where < 0 ? {} : { where: textOf(rest.slice(where + 1)).trim() }),
  };
}

/** Cuts tokens at the commas that stand in no bracket. */
export function splitAtCommas(tokens: readonly Token[]): Token[][] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (isSymbol(token, "(")) depth++;
    if (isSymbol(token, ")")) depth--;
    if (depth === 0 && isSymbol(token, ",")) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

/** The part without the ASC, DESC and COLLATE at its end. */
function withoutOrder(part: readonly Token[]): string {
  const tokens = part.filter(isSignificant);
  let end = tokens.length;
  if (isWord(tokens[end - 1], "ASC", "DESC")) end--;
  if (isWord(tokens[end - 2], "COLLATE")) end -= 2;
  const last = tokens[end - 1];
  return flatText(part.slice(0, last === undefined ? 0 : part.indexOf(last) + 1));
}
