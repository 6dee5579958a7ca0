import type { Deferrable, ReferentialAction } from "./schema";
import type { Token } from "./sql-tokens";
import {
  closingBracket,
  flatText,
  isName,
  isSignificant,
  isSymbol,
  isWord,
  nameOf,
  textOf,
  tokenize,
} from "./sql-tokens";

/** A stretch of tokens: from the first, up to and without the last. */
export interface Span {
  start: number;
  end: number;
}

/** What a constraint says about the rows it refers to. */
export interface ReferencesText {
  table: string;
  columns: string[];
  onDelete: ReferentialAction;
  onUpdate: ReferentialAction;
  deferrable?: Deferrable;
}

/** A constraint as written behind a column or among the columns; its span begins at CONSTRAINT where it has a name. */
export interface ConstraintText extends Span {
  kind:
    | "primaryKey"
    | "unique"
    | "check"
    | "foreignKey"
    | "notNull"
    | "null"
    | "default"
    | "collate"
    | "generated"
    | "deferrable";
  name?: string;
  /** Columns of a key, in order. */
  columns: string[];
  /** Text of a check, a default or a generated column, without the outer brackets; the name of a collation. */
  expression?: string;
  references?: ReferencesText;
  autoIncrement?: boolean;
  stored?: boolean;
}

/** A column as written: where its name and type stand, and its constraints. */
export interface ColumnText extends Span {
  name: string;
  nameAt: number;
  type: string;
  typeSpan: Span;
  constraints: ConstraintText[];
}

const ENDS_TYPE = [
  "CONSTRAINT",
  "PRIMARY",
  "NOT",
  "NULL",
  "UNIQUE",
  "CHECK",
  "DEFAULT",
  "COLLATE",
  "REFERENCES",
  "AS",
  "DEFERRABLE",
];
const TABLE_CONSTRAINT = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];

/**
 * A CREATE TABLE statement as SQLite keeps it, taken apart without losing a byte.
 *
 * `text` joined from `tokens` is the statement; each part knows which tokens it stands on, so that an edit changes those and
 * nothing else.
 *
 * @throws {Error} where the text is not a CREATE TABLE with a list of columns (virtual tables)
 */
export class CreateTableText {
  readonly tokens: readonly Token[];
  readonly columns: ColumnText[] = [];
  readonly constraints: ConstraintText[] = [];
  /** The token of the table's name. */
  readonly nameAt: number;
  /** The tokens between the outer brackets. */
  readonly body: Span;
  #at = 0;

  constructor(readonly text: string) {
    this.tokens = tokenize(text);
    this.#skip();
    const isTable = isWord(this.#next(), "CREATE") && isWord(this.#next("TEMP", "TEMPORARY"), "TABLE");
    if (!isTable) throw new Error(`Not a CREATE TABLE statement: ${text.slice(0, 60)}`);
    if (isWord(this.#peek(), "IF")) for (let i = 0; i < 3; i++) this.#next();
    let nameAt = this.#at;
    this.#next();
    if (isSymbol(this.#peek(), ".")) {
      this.#next();
      nameAt = this.#at;
      this.#next();
    }
    this.nameAt = nameAt;
    if (!isSymbol(this.#peek(), "(")) throw new Error(`No list of columns: ${text.slice(0, 60)}`);
    this.body = { start: this.#at + 1, end: closingBracket(this.tokens, this.#at) - 1 };
    this.#next();
    while (this.#at < this.body.end) {
      if (isWord(this.#peek(), ...TABLE_CONSTRAINT)) this.#tableConstraint();
      else if (isSymbol(this.#peek(), ",")) this.#next();
      else this.#column();
    }
  }

  /** The table's name. */
  get name(): string {
    return nameOf(this.tokens[this.nameAt]);
  }

  /** The column of that name, in any case. */
  column(name: string): ColumnText | undefined {
    return this.columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
  }

  /** Every constraint of the table and of its columns; a key of one column has that column in `columns`. */
  allConstraints(): ConstraintText[] {
    return [...this.columns.flatMap((column) => column.constraints), ...this.constraints];
  }

  /** The index behind the last token of the span that is neither space nor comment. */
  lastSignificant(span: Span): number {
    let end = span.end;
    while (end > span.start && !isSignificant(this.tokens[end - 1] as Token)) end--;
    return end;
  }

  #column(): void {
    const start = this.#at;
    const nameAt = this.#at;
    const name = nameOf(this.#next());
    const typeStart = this.#at;
    let typeEnd = this.#at;
    while (this.#at < this.body.end && this.#isTypeWord()) {
      this.#next();
      typeEnd = this.#at;
    }
    if (typeEnd > typeStart && isSymbol(this.#peek(), "(")) {
      this.#bracketed();
      typeEnd = this.#at;
    }
    typeEnd = this.lastSignificant({ start: typeStart, end: typeEnd });
    // A type that is not there would stand directly behind the name.
    const typeSpan = typeEnd > typeStart ? { start: typeStart, end: typeEnd } : { start: nameAt + 1, end: nameAt + 1 };
    const constraints: ConstraintText[] = [];
    while (this.#at < this.body.end && !isSymbol(this.#peek(), ",")) constraints.push(this.#constraint(name));
    const type = flatText(this.tokens.slice(typeStart, typeEnd));
    const end = this.lastSignificant({ start, end: this.#at });
    this.columns.push({ name, nameAt, type, typeSpan, constraints, start, end });
  }

  #isTypeWord(): boolean {
    const token = this.#peek();
    if (token?.kind === "string") return true;
    if (!isName(token) || isWord(token, ...ENDS_TYPE)) return false;
    return !(isWord(token, "GENERATED") && isWord(this.#peekSecond(), "ALWAYS"));
  }

  #tableConstraint(): void {
    this.constraints.push(this.#constraint(undefined));
  }

  /** One constraint with its name; `column` is the column it stands behind. */
  #constraint(column: string | undefined): ConstraintText {
    const start = this.#at;
    let name: string | undefined;
    while (isWord(this.#peek(), "CONSTRAINT")) {
      this.#next();
      name = nameOf(this.#next());
    }
    const found = this.#constraintBody(column);
    return {
      ...found,
      ...(name === undefined ? {} : { name }),
      start,
      end: this.lastSignificant({ start, end: this.#at }),
    };
  }

  #constraintBody(column: string | undefined): Omit<ConstraintText, "start" | "end"> {
    const columns = column === undefined ? [] : [column];
    const first = this.#next();
    switch (first?.text.toUpperCase()) {
      case "PRIMARY": {
        this.#next();
        if (column === undefined) columns.push(...this.#names());
        let autoIncrement = false;
        if (isWord(this.#peek(), "ASC", "DESC")) this.#next();
        this.#conflictClause();
        if (isWord(this.#peek(), "AUTOINCREMENT")) autoIncrement = this.#next() !== undefined;
        this.#conflictClause();
        return { kind: "primaryKey", columns, autoIncrement };
      }
      case "UNIQUE":
        if (column === undefined) columns.push(...this.#names());
        this.#conflictClause();
        return { kind: "unique", columns };
      case "CHECK": {
        const expression = this.#bracketed();
        this.#conflictClause();
        return { kind: "check", columns, expression };
      }
      case "FOREIGN":
        this.#next();
        columns.push(...this.#names());
        this.#next();
        return { kind: "foreignKey", columns, references: this.#references() };
      case "REFERENCES":
        return { kind: "foreignKey", columns, references: this.#references() };
      case "DEFERRABLE":
        this.#initially();
        return { kind: "deferrable", columns };
      case "NOT":
        if (isWord(this.#next(), "DEFERRABLE")) {
          this.#initially();
          return { kind: "deferrable", columns };
        }
        this.#conflictClause();
        return { kind: "notNull", columns };
      case "NULL":
        this.#conflictClause();
        return { kind: "null", columns };
      case "DEFAULT":
        return { kind: "default", columns, expression: this.#defaultValue() };
      case "COLLATE":
        return { kind: "collate", columns, expression: nameOf(this.#next()) };
      case "GENERATED":
      case "AS": {
        if (isWord(first, "GENERATED")) for (let i = 0; i < 2; i++) this.#next();
        const expression = this.#bracketed();
        const stored = isWord(this.#peek(), "STORED");
        if (isWord(this.#peek(), "STORED", "VIRTUAL")) this.#next();
        return { kind: "generated", columns, expression, stored };
      }
      default:
        throw new Error(`Cannot read "${first?.text ?? "the end"}" in ${this.text.slice(0, 60)}`);
    }
  }

  #defaultValue(): string {
    if (isSymbol(this.#peek(), "(")) return this.#bracketed();
    const sign = isSymbol(this.#peek(), "-") || isSymbol(this.#peek(), "+") ? (this.#next()?.text ?? "") : "";
    return sign + (this.#next()?.text ?? "");
  }

  #references(): ReferencesText {
    const references: ReferencesText = {
      table: nameOf(this.#next()),
      columns: [],
      onDelete: "NO ACTION",
      onUpdate: "NO ACTION",
    };
    if (isSymbol(this.#peek(), "(")) references.columns = this.#names();
    for (;;) {
      if (isWord(this.#peek(), "ON")) {
        this.#next();
        const isDelete = isWord(this.#next(), "DELETE");
        references[isDelete ? "onDelete" : "onUpdate"] = this.#action();
      } else if (isWord(this.#peek(), "MATCH")) {
        this.#next();
        this.#next();
      } else if (isWord(this.#peek(), "DEFERRABLE")) {
        this.#next();
        references.deferrable = this.#initially() ?? "immediate";
      } else if (isWord(this.#peek(), "NOT") && isWord(this.#peekSecond(), "DEFERRABLE")) {
        this.#next();
        this.#next();
        this.#initially();
      } else return references;
    }
  }

  #initially(): Deferrable | undefined {
    if (!isWord(this.#peek(), "INITIALLY")) return undefined;
    this.#next();
    return isWord(this.#next(), "DEFERRED") ? "deferred" : "immediate";
  }

  #action(): ReferentialAction {
    const first = this.#next()?.text.toUpperCase() ?? "";
    const words = first === "SET" || first === "NO" ? `${first} ${this.#next()?.text.toUpperCase() ?? ""}` : first;
    return words as ReferentialAction;
  }

  #conflictClause(): void {
    if (!isWord(this.#peek(), "ON") || !isWord(this.#peekSecond(), "CONFLICT")) return;
    for (let i = 0; i < 3; i++) this.#next();
  }

  /** The names in brackets, without their order and collation. */
  #names(): string[] {
    const open = this.#at;
    this.#bracketed();
    const end = this.lastSignificant({ start: open, end: this.#at });
    const names: string[] = [];
    let depth = 0;
    let expectsName = true;
    for (const token of this.tokens.slice(open + 1, end - 1)) {
      if (isSymbol(token, "(")) depth++;
      else if (isSymbol(token, ")")) depth--;
      else if (depth === 0 && isSymbol(token, ",")) expectsName = true;
      else if (expectsName && isSignificant(token)) {
        names.push(nameOf(token));
        expectsName = false;
      }
    }
    return names;
  }

  /** The text inside the brackets that open here. */
  #bracketed(): string {
    const open = this.#at;
    const end = closingBracket(this.tokens, open);
    this.#at = end;
    this.#skip();
    return textOf(this.tokens.slice(open + 1, end - 1)).trim();
  }

  #peek(): Token | undefined {
    return this.tokens[this.#at];
  }

  #peekSecond(): Token | undefined {
    let i = this.#at + 1;
    while (i < this.tokens.length && !isSignificant(this.tokens[i] as Token)) i++;
    return this.tokens[i];
  }

  /** The next token, after any of the words that may stand before it. */
  #next(...skipped: string[]): Token | undefined {
    let token = this.tokens[this.#at++];
    this.#skip();
    if (token !== undefined && isWord(token, ...skipped)) {
      token = this.tokens[this.#at++];
      this.#skip();
    }
    return token;
  }

  #skip(): void {
    while (this.#at < this.tokens.length && !isSignificant(this.tokens[this.#at] as Token)) this.#at++;
  }
}
