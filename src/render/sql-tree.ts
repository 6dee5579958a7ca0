import type { SqlToken } from "./sql-tokens";

/** A token of a statement that is not white space. */
export interface SqlLeaf extends SqlToken {
  /** Whether white space stood before it. */
  readonly isSpaced: boolean;
  /** Whether that white space broke the line. */
  readonly isOnNewLine: boolean;
}

/** What stands in a pair of parentheses, with them. */
export interface SqlGroup {
  readonly open: SqlLeaf;
  readonly children: readonly SqlNode[];
  /** Missing where the text ends too early. */
  readonly close?: SqlLeaf;
}

/** A token, or a parenthesis with all that is in it. */
export type SqlNode = SqlLeaf | SqlGroup;

/** A clause of a statement: `ORDER BY` and what follows it. */
export interface SqlClause {
  /** The words that begin it, in capitals; empty for what has no clause. */
  readonly keyword: string;
  readonly head: readonly SqlNode[];
  readonly body: readonly SqlNode[];
}

/** Builds the tree of parentheses over tokens. */
export function sqlTree(tokens: readonly SqlToken[]): SqlNode[] {
  const root: SqlNode[] = [];
  const open: { leaf: SqlLeaf; children: SqlNode[] }[] = [];
  const current = (): SqlNode[] => open.at(-1)?.children ?? root;
  let space = "";
  for (const token of tokens) {
    if (token.kind === "space") {
      space = token.text;
      continue;
    }
    const leaf = { ...token, isSpaced: space !== "", isOnNewLine: space.includes("\n") };
    space = "";
    if (leaf.text === "(") open.push({ leaf, children: [] });
    else if (leaf.text === ")" && open.length > 0) close(leaf);
    else current().push(leaf);
  }
  while (open.length > 0) close();
  return root;

  function close(leaf?: SqlLeaf): void {
    const { leaf: opening, children } = open.pop()!;
    current().push({ open: opening, children, close: leaf });
  }
}

/** Whether a node is a parenthesis. */
export function isGroup(node: SqlNode | undefined): node is SqlGroup {
  return node !== undefined && "children" in node;
}

/** The word at a place, in capitals; nothing where no word is. */
export function wordAt(nodes: readonly SqlNode[], index: number): string {
  const node = nodes[index];
  return node === undefined || isGroup(node) || node.kind !== "word" ? "" : node.text.toUpperCase();
}

/** Whether a node is this punctuation. */
export function isPunctuation(node: SqlNode | undefined, text: string): boolean {
  return node !== undefined && !isGroup(node) && node.kind === "punctuation" && node.text === text;
}

const statementWords = new Set("SELECT INSERT UPDATE DELETE REPLACE WITH VALUES".split(" "));
const tableWords = new Set("NATURAL LEFT RIGHT FULL INNER OUTER CROSS".split(" "));

/** Whether nodes begin as a statement does, so that they have clauses. */
export function isStatement(nodes: readonly SqlNode[]): boolean {
  return statementWords.has(wordAt(nodes, 0)) && nodes.length > 1;
}

/** Cuts a statement before each of its clauses. */
export function splitClauses(nodes: readonly SqlNode[]): SqlClause[] {
  const clauses: SqlClause[] = [];
  let start = 0;
  let keyword = clauseAt(nodes, 0);
  for (let index = Math.max(1, length(keyword)); index <= nodes.length; index++) {
    const next = index < nodes.length ? clauseAt(nodes, index) : "";
    if (index < nodes.length && next === "") continue;
    const body = start + length(keyword);
    clauses.push({ keyword, head: nodes.slice(start, body), body: nodes.slice(body, index) });
    start = index;
    keyword = next;
    index += Math.max(0, length(next) - 1);
  }
  return clauses;
}

function length(keyword: string): number {
  return keyword === "" ? 0 : keyword.split(" ").length;
}

/** Words of two and more that begin a clause together, the longest first. */
const phrases = [
  "ON DUPLICATE KEY UPDATE",
  "FOR NO KEY UPDATE",
  "FOR KEY SHARE",
  "ON CONFLICT",
  "INSERT INTO",
  "REPLACE INTO",
  "DELETE FROM",
  "GROUP BY",
  "ORDER BY",
  "UNION ALL",
  "EXCEPT ALL",
  "INTERSECT ALL",
  "FOR UPDATE",
  "FOR SHARE",
].map((phrase) => phrase.split(" "));
const single = new Set(
  "SELECT FROM WHERE HAVING WINDOW LIMIT OFFSET FETCH UNION INTERSECT EXCEPT SET VALUES RETURNING WITH".split(" "),
);
/** Words that begin a clause only where a statement begins. */
const opening = new Set("INSERT UPDATE DELETE REPLACE".split(" "));

/** The clause that begins at a place, as its words in capitals; nothing where none does. */
function clauseAt(nodes: readonly SqlNode[], index: number): string {
  const word = wordAt(nodes, index);
  if (word === "" || isPunctuation(nodes[index - 1], ".")) return "";
  const phrase = phrases.find((words) => words.every((part, offset) => wordAt(nodes, index + offset) === part));
  if (phrase !== undefined) return phrase.join(" ");
  if (opening.has(word)) return index === 0 || isGroup(nodes[index - 1]) ? word : "";
  if (word === "FROM" && wordAt(nodes, index - 1) === "DISTINCT" && index > 1 && wordAt(nodes, index - 2) !== "SELECT")
    return "";
  if (word === "VALUES" && isOperand(nodes, index)) return "";
  return single.has(word) ? word : joinAt(nodes, index);
}

/** Whether what stands here is part of an expression: `a = VALUES(a)`. */
function isOperand(nodes: readonly SqlNode[], index: number): boolean {
  const before = nodes[index - 1];
  return before !== undefined && !isGroup(before) && before.kind === "operator";
}

function joinAt(nodes: readonly SqlNode[], index: number): string {
  const words: string[] = [];
  for (let place = index; tableWords.has(wordAt(nodes, place)); place++) words.push(wordAt(nodes, place));
  const join = wordAt(nodes, index + words.length);
  return join === "JOIN" || join === "STRAIGHT_JOIN" ? [...words, join].join(" ") : "";
}
