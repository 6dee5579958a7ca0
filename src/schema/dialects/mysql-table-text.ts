import { splitAtCommas } from "../create-index-text";
import type { Column, IndexColumn, Table } from "../schema";
import { emptyTable } from "../schema";
import type { Token } from "../sql-tokens";
import { closingBracket, flatText, isSignificant, isSymbol, isWord, nameOf, textOf, tokenize } from "../sql-tokens";
import { enumValues, separateUniques } from "./mysql-reader";

/** Words that end the expression of a default. */
const BEHIND_DEFAULT = ["ON", "COMMENT", "CHECK", "AUTO_INCREMENT", "INVISIBLE", "NOT", "NULL"];

/**
 * Reads the text of SHOW CREATE TABLE, the only place where MariaDB tells of a temporary table.
 *
 * Gives the same as information_schema does for a table of the same text.
 */
export function readMysqlTableText(name: string, sql: string): Table {
  const table = emptyTable(name);
  const tokens = tokenize(sql, { backslashes: true });
  const open = tokens.findIndex((token) => isSymbol(token, "("));
  const close = closingBracket(tokens, open);
  for (const part of splitAtCommas(tokens.slice(open + 1, close - 1))) {
    const words = part.filter(isSignificant);
    if (words[0]?.kind === "name") readColumn(table, words, part);
    else readKey(table, words, part);
  }
  readOptions(table, tokens.slice(close).filter(isSignificant));
  separateUniques(table);
  return table;
}

function readOptions(table: Table, words: readonly Token[]): void {
  words.forEach((word, i) => {
    const value = words[i + 2];
    if (isWord(word, "COMMENT") && value?.kind === "string") table.comment = unescape(value.text);
    if (isWord(word, "ENGINE") && value && value.text !== "InnoDB")
      table.options = { ...table.options, engine: value.text };
  });
}

function readKey(table: Table, words: readonly Token[], part: readonly Token[]): void {
  const open = words.findIndex((word) => isSymbol(word, "("));
  if (isWord(words[0], "CONSTRAINT") && isWord(words[2], "CHECK")) {
    table.checks.push({ name: nameOf(words[1]), expression: inBrackets(part) });
    return;
  }
  // A temporary table has no foreign keys; those of another are left to the catalogue.
  if (isWord(words[0], "CONSTRAINT")) return;
  const columns = splitAtCommas(words.slice(open + 1, closingBracket(words, open) - 1)).map(readIndexPart);
  if (isWord(words[0], "PRIMARY")) {
    table.primaryKey = { columns: columns.map((column) => column.column ?? "") };
    return;
  }
  const kind = words[0]?.text.toLowerCase() ?? "";
  const using = words.findIndex((word) => isWord(word, "USING"));
  const method =
    kind === "fulltext" || kind === "spatial" ? kind : using > 0 ? words[using + 1]?.text.toLowerCase() : undefined;
  table.indexes.push({
    name: nameOf(words[open - 1]),
    columns,
    unique: kind === "unique",
    ...(method === undefined || method === "btree" ? {} : { method }),
  });
}

function readIndexPart(words: readonly Token[]): IndexColumn {
  const isExpression = isSymbol(words[0], "(");
  return {
    ...(isExpression
      ? { expression: flatText(words.slice(1, closingBracket(words, 0) - 1)) }
      : { column: nameOf(words[0]) }),
    ...(isWord(words.at(-1), "DESC") ? { descending: true } : {}),
    ...(!isExpression && isSymbol(words[1], "(") ? { length: Number(words[2]?.text) } : {}),
  };
}

function readColumn(table: Table, words: readonly Token[], part: readonly Token[]): void {
  const column: Column = { name: nameOf(words[0]), type: "", nullable: true };
  let at = 1;
  const typeStart = at++;
  if (isSymbol(words[at], "(")) at = closingBracket(words, at);
  while (isWord(words[at], "UNSIGNED", "ZEROFILL")) at++;
  column.type = typeText(words.slice(typeStart, at));
  const values = enumValues(column.type);
  if (values) column.enumValues = values;
  while (at < words.length) at = readAttribute(table, column, words, part, at);
  table.columns.push(column);
}

/** @returns the position behind the attribute */
function readAttribute(
  table: Table,
  column: Column,
  words: readonly Token[],
  part: readonly Token[],
  at: number,
): number {
  const word = words[at] as Token;
  switch (word.text.toUpperCase()) {
    case "CHARACTER":
      return at + 3;
    case "COLLATE":
      column.collation = nameOf(words[at + 1]);
      return at + 2;
    case "NOT":
      column.nullable = false;
      return at + 2;
    case "AUTO_INCREMENT":
      column.autoIncrement = true;
      return at + 1;
    case "COMMENT":
      column.comment = unescape(words[at + 1]?.text ?? "");
      return at + 2;
    case "ON": {
      const end = isSymbol(words[at + 3], "(") ? closingBracket(words, at + 3) : at + 3;
      column.onUpdate = words
        .slice(at + 2, end)
        .map((token) => token.text)
        .join("");
      return end;
    }
    case "GENERATED": {
      const end = closingBracket(words, at + 3);
      column.generated = {
        expression: between(part, words[at + 3], words[end - 1]),
        stored: isWord(words[end], "STORED", "PERSISTENT"),
      };
      return end + 1;
    }
    case "CHECK": {
      const end = closingBracket(words, at + 1);
      table.checks.push({ expression: between(part, words[at + 1], words[end - 1]), column: column.name });
      return end;
    }
    case "DEFAULT": {
      const end = endOfDefault(words, at + 1);
      const bracketed = isSymbol(words[at + 1], "(") && closingBracket(words, at + 1) === end;
      const text = bracketed
        ? between(part, words[at + 1], words[end - 1])
        : textOf(part.slice(part.indexOf(words[at + 1] as Token), part.indexOf(words[end - 1] as Token) + 1));
      if (text !== "NULL") column.default = text;
      return end;
    }
    default:
      return at + 1;
  }
}

function endOfDefault(words: readonly Token[], start: number): number {
  let at = start;
  while (at < words.length && (at === start || !isWord(words[at], ...BEHIND_DEFAULT))) {
    at = isSymbol(words[at], "(") ? closingBracket(words, at) : at + 1;
  }
  return at;
}

/** The text between two brackets, as written. */
function between(part: readonly Token[], open: Token | undefined, close: Token | undefined): string {
  return textOf(part.slice(part.indexOf(open as Token) + 1, part.indexOf(close as Token)));
}

function inBrackets(part: readonly Token[]): string {
  const open = part.findIndex((token) => isSymbol(token, "("));
  return textOf(part.slice(open + 1, closingBracket(part, open) - 1));
}

/** `int(10) unsigned`: spaces between words only. */
function typeText(words: readonly Token[]): string {
  return words.map((word, i) => (i > 0 && word.kind === "word" ? ` ${word.text}` : word.text)).join("");
}

function unescape(literal: string): string {
  return nameOf({ kind: "string", text: literal }).replace(/\\([\s\S])/g, (_, char: string) => ESCAPES[char] ?? char);
}

const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t", "0": "\0" };
