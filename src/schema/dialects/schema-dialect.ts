import type { Sequelize } from "sequelize";
import type { Connection } from "../../driver/connection";
import type { Dialect, StatementRunner } from "../../driver/dialect";
import { ShellError } from "../../errors";
import type { Column, Index, Schema, Table } from "../schema";

/** Which part of a database to read. */
export interface ReadOptions {
  /** Only these tables; all of them when absent. */
  tables?: readonly string[] | undefined;
  /** Schemas to read beside the default one (PostgreSQL). */
  schemas?: readonly string[] | undefined;
}

/** Writes the statement of an index for the name that its table has in the scratch place. */
export type IndexStatement = (table: string, schema?: string) => string;

/** Tables to make in a scratch place, only to read them back. */
export interface ScratchRequest {
  sequelize: Sequelize;
  /** A held connection to the database; where there is a scratch place inside it, that is made and undone on it. */
  connection: Connection;
  tables: readonly Table[];
  /** The statements of the indexes, by table. */
  indexes: ReadonlyMap<string, readonly IndexStatement[]>;
}

/**
 * What one kind of database makes of a schema: reading it, spelling it, telling whether two spellings mean the same.
 *
 * The spelling is the one that Sequelize's own `sync()` would choose, so that a database made by it and a database made from
 * here read the same.
 */
export abstract class SchemaDialect {
  constructor(readonly sql: Dialect) {}

  /** The database's name as people write it. */
  abstract readonly title: string;

  /** Reads the database with a handful of catalogue statements. */
  abstract read(runner: StatementRunner, options?: ReadOptions): Promise<Schema>;

  /**
   * Makes the tables in a scratch place of the same kind of database, reads them and undoes everything.
   *
   * Foreign keys are left out: a reader has nothing to add to them.
   *
   * @throws {ShellError} naming the table that the database refuses
   */
  abstract materialize(request: ScratchRequest): Promise<Schema>;

  /** The SELECT that gives a row where there is a table of that name. */
  protected abstract tableSearch(name: string): string;

  /** Whether there is a table of that name: one statement, where reading it takes a handful. */
  async hasTable(runner: StatementRunner, name: string): Promise<boolean> {
    return (await runner.all(this.tableSearch(name))).length > 0;
  }

  /** The schema that a bare table name means; undefined where there are no schemas. */
  homeSchema(_runner: StatementRunner): Promise<string | undefined> {
    return Promise.resolve(undefined);
  }

  /** Whether a database has schemas inside it. */
  readonly hasSchemas: boolean = false;
  /** Whether a change of a table is an edit of the text that the database keeps of it. */
  readonly needsTableText: boolean = false;
  /** Whether two expressions can be compared by asking the database, without a table. */
  readonly comparesExpressions: boolean = false;
  /** Whether a table can be strict about types, or do without row numbers. */
  readonly hasStrictTables: boolean = false;
  /** Whether a constraint can be given another name without writing the table anew. */
  readonly renamesConstraints: boolean = true;
  /** Whether names that differ only in case are one. */
  readonly foldsNames: boolean = false;
  /** Whether every foreign key gets an index of its own from the database. */
  readonly indexesForeignKeys: boolean = false;
  /** Whether a column's type can change while a foreign key rests on it. */
  readonly retypesForeignKeys: boolean = false;
  /** Whether a column's type can list its values (`enum('a','b')`). */
  readonly hasInlineEnums: boolean = false;
  /** Whether a table has an engine and a character set of its own. */
  readonly hasTableOptions: boolean = false;
  /** Whether the database has named enumerated types. */
  readonly hasNamedEnums: boolean = false;
  /** Whether columns and tables can carry comments. */
  readonly hasComments: boolean = true;
  /** Whether a unique constraint and a unique index are one thing. */
  readonly uniqueIsIndex: boolean = false;
  /** The greatest length of a name, in bytes; Infinity where there is none. */
  abstract readonly maxNameBytes: number;

  /** The type in the form in which two spellings of one type are equal. */
  abstract normalType(type: string): string;

  /** The default in the form in which two spellings of one value are equal; undefined for none. */
  abstract normalDefault(column: Column): string | undefined;

  /** A data type of Sequelize for the column, as TypeScript, or its SQL type as a string literal where none says the same. */
  abstract typeSource(column: Column): string;

  /** The statements that make the table with its constraints, without its indexes. */
  abstract createTable(table: Table): string[];

  /** The statement that makes the index. */
  abstract createIndex(table: string, index: Index): string;

  /**
   * The SQL type of a column of enumerated values.
   *
   * @param type   the data type, an ENUM or an array of one
   * @param plain  what Sequelize's own type says
   */
  enumType(_table: string, _column: string, _type: unknown, plain: () => string): string {
    return plain();
  }

  /** Whether Sequelize gives a column of this type its default in the database. */
  takesDefault(_type: string): boolean {
    return true;
  }

  /** Changes a declared column to what Sequelize would make of it here. */
  adjustColumn(_column: Column, _key: "whole" | "part" | undefined): void {}

  /** Whether the types of two columns of this dialect are the same. */
  sameType(a: Column, b: Column): boolean {
    return this.normalType(a.type) === this.normalType(b.type);
  }

  /** A moment as Sequelize writes it into a column of this database, in UTC. */
  dateText(date: Date): string {
    return `${date.toISOString().replace("T", " ").slice(0, -1)} +00:00`;
  }

  /** Whether text that is too long for its column is refused, and not kept. */
  readonly limitsLengths: boolean = true;

  /** The expression as text. */
  asText(expression: string): string {
    return expression;
  }

  /** The number of characters of the expression's value. */
  lengthOf(expression: string): string {
    return `char_length(${this.asText(expression)})`;
  }

  /** The condition for values that are no number, where a change of type to a number would damage them without a word. */
  notANumber(_expression: string, _from: Column, _to: Column): string | undefined {
    return undefined;
  }

  /** Whether the database numbers a column that is the whole key without being told to. */
  numbersKeys(_column: Column): boolean {
    return false;
  }

  /** What tells the rows of a table apart for a person: SQL, and how it is called. */
  rowKey(table: Table): { sql: string; name: string } | undefined {
    const [column, ...others] = table.primaryKey?.columns ?? [];
    return column === undefined || others.length > 0 ? undefined : { sql: this.sql.quote(column), name: column };
  }

  /** A table's name as it stands in a statement. */
  quoteTable(name: string): string {
    return this.sql.quote(name);
  }

  /** Names as a list in a statement. */
  quoteNames(names: readonly string[]): string {
    return names.map((name) => this.sql.quote(name)).join(", ");
  }
}

/** The table as it is made in a scratch place: no foreign keys, and no names that could meet another table's. */
export function scratchTable(table: Table, name: string): Table {
  return {
    ...table,
    name,
    foreignKeys: [],
    uniques: table.uniques.map(({ columns, deferrable }) => ({ columns, ...(deferrable ? { deferrable } : {}) })),
  };
}

/** Runs `work` for each table; an error says which table it was. */
export async function forEachTable(
  tables: readonly Table[],
  work: (table: Table, position: number) => Promise<void>,
): Promise<void> {
  for (const [position, table] of tables.entries()) {
    try {
      await work(table, position);
    } catch (cause) {
      throw new ShellError(`Cannot make table "${table.name}" as its model asks for: ${(cause as Error).message}`, {
        cause,
      });
    }
  }
}
