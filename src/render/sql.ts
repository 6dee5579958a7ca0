import { cellText } from "./cell";
import { escapeControls } from "./escape";
import { paint, type Paint } from "./paint";
import { renderAs } from "./render-as";
import { layoutSql } from "./sql-layout";
import { tokenizeSql, type SqlSyntax, type SqlToken } from "./sql-tokens";

/** A statement and, where they are apart from it, the values of its parameters. */
export interface SqlStatement {
  readonly sql: string;
  readonly parameters?: readonly unknown[] | Readonly<Record<string, unknown>>;
}

/** Statements to be read, not run. */
export interface Sql {
  readonly [renderAs]: "sql";
  readonly statements: readonly SqlStatement[];
  /** One dim line below: `not run; .all() runs it`. */
  readonly note?: string;
}

/** Makes a view of one statement or of several, which are then numbered. */
export function sqlView(statements: string | readonly SqlStatement[], note?: string): Sql {
  return { [renderAs]: "sql", statements: typeof statements === "string" ? [{ sql: statements }] : statements, note };
}

/** How SQL is laid out. */
export interface SqlFormat {
  readonly color: boolean;
  /** Columns that a line should not pass; 80 when left out. */
  readonly width?: number;
  /** Where the database's syntax differs from the others'; left out when it is not known. */
  readonly syntax?: SqlSyntax;
}

/** Deeper parentheses than people read. */
const deepest = 200;

/**
 * Lays a statement out for reading: a clause a line, in colours.
 *
 * Literals, quoted names and comments stay as they are, and so does the meaning. A text that
 * databases would read differently, `'\'` for one, is returned unchanged when `syntax` is not given.
 */
export function formatSql(sql: string, { color, width = 80, syntax }: SqlFormat): string {
  const tokens = tokenizeSql(sql, syntax);
  if (tokens === undefined || depth(tokens) > deepest) return sql;
  return layoutSql(tokens, width, brush(paint(color)));
}

/** Colours a statement and leaves its layout. */
export function colorSql(sql: string, { color, syntax }: Omit<SqlFormat, "width">): string {
  const tokens = color ? tokenizeSql(sql, syntax) : undefined;
  return tokens === undefined ? sql : tokens.map(brush(paint(color))).join("");
}

/** How a view of statements is drawn. */
export interface SqlViewFormat extends SqlFormat {
  /** Whether people read it: laid out, and without characters that could drive the terminal. */
  readonly isForReading: boolean;
}

/** Draws statements; where there are several each ends with a semicolon below its number, a comment. */
export function drawSql({ statements }: Sql, format: SqlViewFormat): string {
  const isOne = statements.length === 1;
  const colors = paint(format.color);
  const texts = statements.map(({ sql, parameters }, index) => {
    const text = format.isForReading ? formatSql(escapeControls(sql, "\n\t"), format) : sql;
    const values = parameters === undefined ? "" : drawParameters(parameters, colors);
    return isOne ? `${text}\n${values}` : `${colors.dim(`-- ${index + 1}`)}\n${ended(text)}\n${values}`;
  });
  return texts.join("");
}

function drawParameters(parameters: NonNullable<SqlStatement["parameters"]>, colors: Paint): string {
  const named = Array.isArray(parameters)
    ? parameters.map((value, index) => [String(index + 1), value] as const)
    : Object.entries(parameters);
  const lines = named.map(([name, value]) => {
    // Quotes tell the text '1' from the number 1.
    const text = typeof value === "string" ? `'${escapeControls(value).replaceAll("'", "''")}'` : cellText(value);
    return colors.dim(`-- ${escapeControls(name)}: `) + text + "\n";
  });
  return lines.join("");
}

function ended(text: string): string {
  if (/;\s*$/.test(text)) return text;
  // On the line of a comment the semicolon would belong to it.
  return /(?:--|#)[^\n]*$/.test(text) ? `${text}\n;` : `${text};`;
}

function depth(tokens: readonly SqlToken[]): number {
  let [current, most] = [0, 0];
  for (const { text } of tokens) {
    if (text === "(") most = Math.max(most, ++current);
    else if (text === ")") current--;
  }
  return most;
}

const keywords = new Set(
  `ADD ALL ALTER ANALYZE AND ANY AS ASC AUTOINCREMENT AUTO_INCREMENT BEGIN BETWEEN BY CASCADE CASE CAST CHECK COLLATE
   COLUMN COMMIT CONFLICT CONSTRAINT CREATE CROSS DEFAULT DEFERRABLE DELETE DESC DISTINCT DO DROP DUPLICATE ELSE END
   ESCAPE EXCEPT EXISTS EXPLAIN FALSE FETCH FIRST FOR FOREIGN FROM FULL GROUP HAVING IF ILIKE IN INDEX INNER INSERT
   INTERSECT INTO IS JOIN KEY LAST LATERAL LEFT LIKE LIMIT NATURAL NOT NOTHING NULL NULLS OFFSET ON OR ORDER OUTER OVER
   PARTITION PRAGMA PRIMARY RECURSIVE REFERENCES RELEASE RENAME REPLACE RESTRICT RETURNING RIGHT ROLLBACK ROW ROWS
   SAVEPOINT SELECT SET START TABLE TEMPORARY THEN TO TRANSACTION TRUE TRUNCATE UNION UNIQUE UPDATE USING VALUES VIEW
   WHEN WHERE WINDOW WITH`.split(/\s+/),
);

function brush(colors: Paint): (token: SqlToken) => string {
  return ({ kind, text }) => {
    switch (kind) {
      case "word":
        return keywords.has(text.toUpperCase()) ? colors.blue(text) : text;
      case "string":
        return colors.green(text);
      case "number":
        return colors.yellow(text);
      case "parameter":
        return colors.magenta(text);
      case "comment":
        return colors.dim(text);
      default:
        return text;
    }
  };
}
