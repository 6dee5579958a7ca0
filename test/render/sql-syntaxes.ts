import type { SqlSyntax } from "../../src/render/sql-tokens";

/** What PostgreSQL reads. */
export const dollars: SqlSyntax = {
  backslashEscapes: false,
  hashComments: false,
  dashCommentsNeedSpace: false,
  nestedComments: true,
  dollarQuotes: true,
  bracketNames: false,
};

/** What MariaDB reads. */
export const backslashes: SqlSyntax = {
  backslashEscapes: true,
  hashComments: true,
  dashCommentsNeedSpace: true,
  nestedComments: false,
  dollarQuotes: false,
  bracketNames: false,
};

/** What SQLite reads. */
export const brackets: SqlSyntax = {
  backslashEscapes: false,
  hashComments: false,
  dashCommentsNeedSpace: false,
  nestedComments: false,
  dollarQuotes: false,
  bracketNames: true,
};

/** One syntax of each kind. */
export const anySyntax = [dollars, backslashes, brackets];
