import type { ColumnText, ConstraintText } from "../../schema/create-table-text";
import { CreateTableText } from "../../schema/create-table-text";
import type { Token } from "../../schema/sql-tokens";
import { isSignificant, isSymbol, isWord, textOf } from "../../schema/sql-tokens";

/** Which constraint an edit speaks of. */
export interface ConstraintMatch {
  kind: ConstraintText["kind"];
  name?: string | undefined;
  columns?: readonly string[] | undefined;
  /** Text of a check, where it has no name. */
  expression?: string | undefined;
}

/** A change of some tokens: those from `start` up to `end` become `text`. */
interface Edit {
  start: number;
  end: number;
  text: string;
}

/**
 * Edits of a CREATE TABLE text that change what they name and leave every other byte as it is.
 *
 * Each takes the text and gives the new text.
 */

/** The text under another table name. */
export function renameTable(sql: string, name: string): string {
  const table = new CreateTableText(sql);
  return apply(table, [{ start: table.nameAt, end: table.nameAt + 1, text: quote(name) }]);
}

/** The text with one more column: behind `after`, or behind the last one. */
export function addColumn(sql: string, definition: string, after?: string): string {
  const table = new CreateTableText(sql);
  const place = (after === undefined ? undefined : table.column(after)) ?? table.columns.at(-1);
  const at = place?.end ?? table.body.start;
  return apply(table, [{ start: at, end: at, text: `,${gapBefore(table, place)}${definition}` }]);
}

/** The text without the column; constraints among the columns that name it stay. */
export function dropColumn(sql: string, name: string): string {
  const table = new CreateTableText(sql);
  return apply(table, [removeItem(table, columnOf(table, name))]);
}

/** The text with another type of the column. */
export function setType(sql: string, name: string, type: string): string {
  const table = new CreateTableText(sql);
  const column = columnOf(table, name);
  const { start, end } = column.typeSpan;
  const nameEnd = column.nameAt + 1;
  return apply(table, [
    start === end ? { start: nameEnd, end: nameEnd, text: ` ${type}` } : { start, end, text: type },
  ]);
}

/** The text with the column nullable or not. */
export function setNullable(sql: string, name: string, nullable: boolean): string {
  const table = new CreateTableText(sql);
  const column = columnOf(table, name);
  const edits = removeColumnConstraints(table, column, nullable ? ["notNull"] : ["notNull", "null"]);
  if (!nullable) edits.push(insertBehindType(column, "NOT NULL"));
  return apply(table, edits);
}

/** The text with another default of the column, or without one. */
export function setDefault(sql: string, name: string, text: string | undefined): string {
  const table = new CreateTableText(sql);
  const column = columnOf(table, name);
  const edits = removeColumnConstraints(table, column, ["default"]);
  if (text !== undefined) edits.push(insertAtEnd(column, `DEFAULT ${text}`));
  return apply(table, edits);
}

/** The text with another collation of the column, or without one. */
export function setCollation(sql: string, name: string, collation: string | undefined): string {
  const table = new CreateTableText(sql);
  const column = columnOf(table, name);
  const edits = removeColumnConstraints(table, column, ["collate"]);
  if (collation !== undefined) edits.push(insertAtEnd(column, `COLLATE ${collation}`));
  return apply(table, edits);
}

/** The text with the column as the table's only key, numbered for ever upwards or not. */
export function setAutoIncrement(sql: string, name: string, autoIncrement: boolean): string {
  const table = new CreateTableText(sql);
  const column = columnOf(table, name);
  const edits = removeColumnConstraints(table, column, ["primaryKey"]);
  for (const constraint of table.constraints)
    if (constraint.kind === "primaryKey") edits.push(removeItem(table, constraint));
  edits.push(insertBehindType(column, `PRIMARY KEY${autoIncrement ? " AUTOINCREMENT" : ""}`));
  return apply(table, edits);
}

/** The text with one more constraint among the columns. */
export function addConstraint(sql: string, constraint: string): string {
  const table = new CreateTableText(sql);
  const at = Math.max(table.columns.at(-1)?.end ?? table.body.start, table.constraints.at(-1)?.end ?? 0);
  const place = table.constraints.at(-1) ?? table.columns.at(-1);
  return apply(table, [{ start: at, end: at, text: `,${gapBefore(table, place)}${constraint}` }]);
}

/**
 * The text without the constraint that matches.
 *
 * @returns undefined where none matches
 */
export function dropConstraint(sql: string, match: ConstraintMatch): string | undefined {
  const table = new CreateTableText(sql);
  const found = findConstraint(table, match);
  if (found === undefined) return undefined;
  const isOfTable = table.constraints.includes(found);
  const column = table.columns.find((candidate) => candidate.constraints.includes(found));
  return apply(table, [isOfTable || column === undefined ? removeItem(table, found) : removeConstraint(table, found)]);
}

/**
 * The text with another name of a constraint.
 *
 * @returns undefined where none has the name
 */
export function renameConstraint(sql: string, from: string, to: string): string | undefined {
  const table = new CreateTableText(sql);
  const found = table.allConstraints().find((constraint) => constraint.name?.toLowerCase() === from.toLowerCase());
  if (found === undefined) return undefined;
  // Its span begins at the word CONSTRAINT, behind which the name comes.
  const at = table.tokens.findIndex((token, i) => i > found.start && isSignificant(token));
  return apply(table, [{ start: at, end: at + 1, text: quote(to) }]);
}

/** The constraint that matches: by its name, else by its columns, else by its text. */
export function findConstraint(table: CreateTableText, match: ConstraintMatch): ConstraintText | undefined {
  const candidates = table.allConstraints().filter((constraint) => constraint.kind === match.kind);
  const fold = (names: readonly string[] | undefined): string =>
    (names ?? [])
      .map((name) => name.toLowerCase())
      .sort()
      .join("\0");
  const byName = candidates.find(
    (constraint) => match.name !== undefined && constraint.name?.toLowerCase() === match.name.toLowerCase(),
  );
  if (byName || match.kind === "primaryKey") return byName ?? candidates[0];
  if (match.expression !== undefined)
    return candidates.find((constraint) => constraint.expression === match.expression);
  return match.columns === undefined
    ? undefined
    : candidates.find((constraint) => fold(constraint.columns) === fold(match.columns));
}

/** The space that stands before a part: a line of its own where the others have one. */
function gapBefore(table: CreateTableText, place: { start: number } | undefined): string {
  const before = place && table.tokens[place.start - 1];
  return before?.kind === "space" && before.text.includes("\n") ? before.text : " ";
}

function columnOf(table: CreateTableText, name: string): ColumnText {
  const column = table.column(name);
  if (column === undefined) throw new Error(`There is no column "${name}" in table "${table.name}".`);
  return column;
}

function removeColumnConstraints(
  table: CreateTableText,
  column: ColumnText,
  kinds: readonly ConstraintText["kind"][],
): Edit[] {
  return column.constraints
    .filter((constraint) => kinds.includes(constraint.kind))
    .map((constraint) => removeConstraint(table, constraint));
}

/** Takes away the constraint and the space before it; a space that ends a line comment stays. */
function removeConstraint(table: CreateTableText, { start, end }: ConstraintText): Edit {
  const before = table.tokens[start - 1];
  const endsComment = table.tokens[start - 2]?.text.startsWith("--") ?? false;
  return { start: before?.kind === "space" && !endsComment ? start - 1 : start, end, text: "" };
}

/** Takes away a column or a constraint among the columns, with the comma before it, or the one behind where it is the first. */
function removeItem(table: CreateTableText, { start, end }: { start: number; end: number }): Edit {
  const { tokens } = table;
  let before = start - 1;
  while (before > table.body.start && !isSignificant(tokens[before] as Token)) before--;
  if (isSymbol(tokens[before], ",")) return { start: before, end, text: "" };
  let after = end;
  while (after < table.body.end && !isSignificant(tokens[after] as Token)) after++;
  return { start, end: isSymbol(tokens[after], ",") ? after + 1 : end, text: "" };
}

function insertBehindType(column: ColumnText, text: string): Edit {
  const at = Math.max(column.typeSpan.end, column.nameAt + 1);
  return { start: at, end: at, text: ` ${text}` };
}

function insertAtEnd(column: ColumnText, text: string): Edit {
  return { start: column.end, end: column.end, text: ` ${text}` };
}

/** Applies the edits from the back, so that the positions of those before stay right. */
function apply(table: CreateTableText, edits: readonly Edit[]): string {
  const parts = table.tokens.map((token) => token.text);
  for (const { start, end, text } of [...edits].sort((a, b) => b.start - a.start || b.end - a.end))
    parts.splice(start, end - start, text);
  return parts.join("");
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Whether the statement makes a table out of a SELECT or a module: its text is no list of columns. */
export function isEditable(sql: string): boolean {
  try {
    const table = new CreateTableText(sql);
    return table.columns.length > 0 && textOf(table.tokens) === sql && !isWord(table.tokens[0], "VIRTUAL");
  } catch {
    return false;
  }
}
