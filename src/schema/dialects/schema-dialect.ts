import type { Dialect, StatementRunner } from "../../driver/dialect";
import type { Column, Index, Schema, Table } from "../schema";

/** Which part of a database to read. */
export interface ReadOptions {
  /** Only these tables; all of them when absent. */
  tables?: readonly string[] | undefined;
  /** Schemas to read beside the default one (PostgreSQL). */
  schemas?: readonly string[] | undefined;
}

/**
 * What one kind of database makes of a schema: reading it, spelling it, telling whether two spellings mean the same.
 *
 * The spelling is the one that Sequelize's own `sync()` would choose, so that a database made by it and a database made from
 * here read the same.
 */
export abstract class SchemaDialect {
  constructor(readonly sql: Dialect) {}

  /** Reads the database with a handful of catalogue statements. */
  abstract read(runner: StatementRunner, options?: ReadOptions): Promise<Schema>;

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

  /** A table's name as it stands in a statement. */
  quoteTable(name: string): string {
    return this.sql.quote(name);
  }

  /** Names as a list in a statement. */
  quoteNames(names: readonly string[]): string {
    return names.map((name) => this.sql.quote(name)).join(", ");
  }
}
