import type { SqlToken } from "./sql-tokens";
import { isGroup, isPunctuation, isStatement, splitClauses, sqlTree, wordAt } from "./sql-tree";
import type { SqlClause, SqlLeaf, SqlNode } from "./sql-tree";
import { displayWidth } from "./width";

const step = 2;

/**
 * Lays tokens of SQL out for reading: a clause a line, what is too long for a line indented below.
 *
 * Only white space between tokens changes; a token is written as it was read.
 *
 * @param width  a line is broken when it would be longer, where there is a place to break it
 * @param brush  paints a token
 */
export function layoutSql(tokens: readonly SqlToken[], width: number, brush: (token: SqlToken) => string): string {
  const lines = new SqlLines(width, brush);
  for (const [index, statement] of statements(sqlTree(tokens)).entries()) {
    if (index > 0) lines.break(0);
    block(lines, statement, 0);
  }
  return lines.text;
}

/** Cuts nodes after each semicolon. */
function statements(nodes: readonly SqlNode[]): SqlNode[][] {
  return split(nodes, (_, index) => isPunctuation(nodes[index - 1], ";"));
}

/** Cuts nodes after each comma; a comment on its line goes with it. */
function items(nodes: readonly SqlNode[]): SqlNode[][] {
  let isAfterComma = false;
  return split(nodes, (node, index) => {
    if (isPunctuation(nodes[index - 1], ",")) isAfterComma = true;
    if (!isAfterComma || isRemark(node)) return false;
    isAfterComma = false;
    return true;
  });
}

/** Whether a node is a comment on what stands before it. */
function isRemark(node: SqlNode): boolean {
  return !isGroup(node) && node.kind === "comment" && !node.isOnNewLine;
}

function split(nodes: readonly SqlNode[], isStart: (node: SqlNode, index: number) => boolean): SqlNode[][] {
  const parts: SqlNode[][] = [];
  for (const [index, node] of nodes.entries()) {
    if (index === 0 || isStart(node, index)) parts.push([]);
    parts.at(-1)!.push(node);
  }
  return parts;
}

/** What stands on lines of its own: a statement, a list, or conditions. */
function block(lines: SqlLines, nodes: readonly SqlNode[], indent: number): void {
  const start = statementStart(nodes);
  if (start === undefined) return list(lines, nodes, indent, false);
  if (start > 0) {
    inline(lines, nodes.slice(0, start), indent);
    lines.break(indent);
  }
  statement(lines, splitClauses(nodes.slice(start)), indent);
}

/** Where a statement with clauses begins: at once, or after `EXPLAIN` or `CREATE VIEW … AS`. */
function statementStart(nodes: readonly SqlNode[]): number | undefined {
  if (isStatement(nodes)) return 0;
  const first = wordAt(nodes, 0);
  const starters = first === "EXPLAIN" ? explained : first === "CREATE" ? ["SELECT"] : [];
  const start = nodes.findIndex((_, index) => starters.includes(wordAt(nodes, index)));
  return start < 0 ? undefined : start;
}

const explained = ["SELECT", "WITH", "INSERT", "UPDATE", "DELETE"];

function statement(lines: SqlLines, clauses: readonly SqlClause[], indent: number): void {
  for (const [index, part] of clauses.entries()) {
    const own = part.keyword.endsWith("JOIN") ? indent + step : indent;
    if (index > 0) lines.break(own);
    inline(lines, part.head, own);
    if (lines.holds(part.body)) inline(lines, part.body, own);
    else body(lines, part, own + step);
  }
}

function body(lines: SqlLines, { keyword, body: nodes }: SqlClause, indent: number): void {
  if (/^(?:WHERE|HAVING)$/.test(keyword) || keyword.endsWith("JOIN"))
    return conditions(lines, nodes, indent, indent - step);
  // A single item, a subquery mostly, is no list to be set in.
  if (!nodes.some((node) => isPunctuation(node, ","))) return inline(lines, nodes, indent - step);
  const isRows = keyword === "VALUES";
  if (isRows) lines.break(indent);
  list(lines, nodes, indent, isRows);
}

/** Items between commas: as many on a line as it holds, or each on its own. */
function list(lines: SqlLines, nodes: readonly SqlNode[], indent: number, isOneALine: boolean): void {
  for (const [index, item] of items(nodes).entries()) {
    if (index > 0 && (isOneALine || !lines.holds(item))) lines.break(indent);
    inline(lines, item, indent);
  }
}

/** Conditions, each AND and OR on a line of its own; what the first one opens may be indented differently. */
function conditions(lines: SqlLines, nodes: readonly SqlNode[], indent: number, firstIndent = indent): void {
  let between = 0;
  let cases = 0;
  const parts = split(nodes, (_, index) => {
    const before = wordAt(nodes, index - 1);
    if (before === "BETWEEN") between++;
    cases += before === "CASE" ? 1 : before === "END" ? -1 : 0;
    const word = wordAt(nodes, index);
    if (word === "AND" && between > 0) {
      between--;
      return false;
    }
    return cases <= 0 && (word === "AND" || word === "OR");
  });
  for (const [index, part] of parts.entries()) {
    if (index > 0) lines.break(indent);
    inline(lines, part, index > 0 ? indent : firstIndent);
  }
}

/** Nodes after each other; only parentheses too long for the line are opened. */
function inline(lines: SqlLines, nodes: readonly SqlNode[], indent: number): void {
  for (const node of nodes) {
    if (!isGroup(node)) {
      lines.write(node, indent);
      continue;
    }
    lines.write(node.open, indent);
    const rest = node.close === undefined ? node.children : [...node.children, node.close];
    if (lines.holds(rest) || !isWorthOpening(node.children)) {
      inline(lines, rest, indent);
      continue;
    }
    lines.break(indent + step);
    opened(lines, node.children, indent + step);
    if (node.close === undefined) continue;
    lines.break(indent);
    lines.write(node.close, indent);
  }
}

function opened(lines: SqlLines, nodes: readonly SqlNode[], indent: number): void {
  if (isStatement(nodes)) return block(lines, nodes, indent);
  const parts = items(nodes);
  if (parts.length > 1) list(lines, nodes, indent, parts.some(isDefinition));
  else conditions(lines, nodes, indent);
}

/** Whether an item is a name and what it is, as a column of a new table. */
function isDefinition(item: readonly SqlNode[]): boolean {
  const [name, type] = item;
  return !isGroup(name) && !isGroup(type) && type?.kind === "word" && type.isSpaced;
}

function isWorthOpening(nodes: readonly SqlNode[]): boolean {
  return nodes.length > 1 || isGroup(nodes[0]);
}

/** The text so far, and how much of the last line is taken. */
class SqlLines {
  readonly #width: number;
  readonly #brush: (token: SqlToken) => string;
  text = "";
  #column = 0;
  /** Indent of the line that the next token begins. */
  #next: number | undefined;
  #last: SqlLeaf | undefined;

  constructor(width: number, brush: (token: SqlToken) => string) {
    this.#width = width;
    this.#brush = brush;
  }

  /** Has the next token begin a line. */
  break(indent: number): void {
    this.#next = indent;
  }

  write(leaf: SqlLeaf, indent: number): void {
    const next = this.#mustBreakBefore(leaf) ? (this.#next ?? indent) : this.#next;
    if (this.#last === undefined || (next !== undefined && this.#isGlued(leaf))) {
      // The first token, or one that a line break would part from its operator.
    } else if (next !== undefined) {
      this.#append("\n" + " ".repeat(next));
    } else if (leaf.isSpaced) {
      this.#append(" ");
    }
    this.#append(leaf.text, this.#brush(leaf));
    this.#next = undefined;
    this.#last = leaf;
  }

  /** Whether nodes fit on the rest of the line. */
  holds(nodes: readonly SqlNode[]): boolean {
    let room = this.#width - (this.#next ?? this.#column);
    for (const leaf of leaves(nodes)) {
      if (leaf.text.includes("\n") || isLineComment(leaf)) return false;
      room -= displayWidth(leaf.text) + (leaf.isSpaced ? 1 : 0);
      if (room < 0) return false;
    }
    return true;
  }

  /** What follows a comment to the end of the line, or continues a literal on the next line, stays there. */
  #mustBreakBefore(leaf: SqlLeaf): boolean {
    const last = this.#last;
    if (last === undefined) return false;
    return isLineComment(last) || (leaf.kind === "string" && last.kind === "string" && leaf.isOnNewLine);
  }

  /** Whether a token stands right behind an operator: in some syntaxes white space makes `--` a comment. */
  #isGlued(leaf: SqlLeaf): boolean {
    return this.#last?.kind === "operator" && !leaf.isSpaced;
  }

  #append(plain: string, painted = plain): void {
    this.text += painted;
    const lineBreak = plain.lastIndexOf("\n");
    this.#column = lineBreak < 0 ? this.#column + displayWidth(plain) : plain.length - lineBreak - 1;
  }
}

function* leaves(nodes: readonly SqlNode[]): Iterable<SqlLeaf> {
  for (const node of nodes) {
    if (!isGroup(node)) {
      yield node;
      continue;
    }
    yield node.open;
    yield* leaves(node.children);
    if (node.close !== undefined) yield node.close;
  }
}

function isLineComment(leaf: SqlLeaf): boolean {
  return leaf.kind === "comment" && !leaf.text.startsWith("/*");
}
