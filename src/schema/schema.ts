/**
 * The schema of a database as plain data: what a reader finds, what models ask for, what a difference is taken of.
 *
 * Every expression is SQL text of the database it belongs to. A table outside the default schema has its schema in its
 * name (`hr.people`), as Sequelize spells it where databases have no schemas.
 */

/** A whole database: its tables in the order of their names, and what stands beside them. */
export interface Schema {
  tables: Table[];
  views: View[];
  /** Enumerated types that have a name of their own (PostgreSQL). */
  enums: EnumType[];
}

/** A table: its columns in order, its key, its constraints, its indexes, its triggers. */
export interface Table {
  name: string;
  columns: Column[];
  primaryKey?: PrimaryKey;
  uniques: Unique[];
  foreignKeys: ForeignKey[];
  checks: Check[];
  indexes: Index[];
  triggers: Trigger[];
  comment?: string;
  options?: TableOptions;
  /** The CREATE TABLE text as the database keeps it, where it keeps one. */
  sql?: string;
  /** Parts that the model says nothing of: they are not compared. */
  unspoken?: readonly "checks"[];
  /** The name that the table had, as the model remembers it. */
  renamedFrom?: string;
}

/** What a CREATE TABLE says after its closing bracket. */
export interface TableOptions {
  strict?: boolean;
  withoutRowid?: boolean;
  /** A table behind an extension (full-text search and the like): read, never altered. */
  virtual?: boolean;
  engine?: string;
  charset?: string;
  collate?: string;
}

/** A column: its SQL type, what it holds when nothing is given, how it is numbered. */
export interface Column {
  name: string;
  /** The type as the database spells it. */
  type: string;
  nullable: boolean;
  /** The default as SQL; absent where there is none. */
  default?: string;
  /** The database numbers the rows in this column. */
  autoIncrement?: boolean;
  /** The standard's identity column, as against a sequence of its own. */
  identity?: "always" | "byDefault";
  generated?: Generated;
  /** Only where it differs from the table's own. */
  collation?: string;
  comment?: string;
  /** The values of an enumerated type, in order. */
  enumValues?: string[];
  /** What the database writes into the column at each UPDATE (`current_timestamp()`). */
  onUpdate?: string;
  /** How a revision file spells the column, when a model or a revision file is where it comes from. */
  source?: ColumnSource;
  /** Parts that the model says nothing of: they are not compared. */
  unspoken?: readonly ("collation" | "generated")[];
  /** The name that the column had, as the model remembers it. */
  renamedFrom?: string;
}

/** A column that the database computes. */
export interface Generated {
  expression: string;
  stored: boolean;
}

/** TypeScript text of a column's parts: `DataTypes.STRING(64)`, `"new"`. */
export interface ColumnSource {
  type: string;
  default?: string;
  /** The collation, where it was asked for and does not follow from the type. */
  collation?: string;
}

/** The primary key; its name is absent where the database gave it none. */
export interface PrimaryKey {
  name?: string;
  columns: string[];
}

/** A unique constraint. */
export interface Unique {
  name?: string;
  columns: string[];
  deferrable?: Deferrable;
}

/** When a constraint that can wait is checked. */
export type Deferrable = "immediate" | "deferred";

/** What happens to a row that refers to a deleted or renumbered one. */
export type ReferentialAction = "NO ACTION" | "RESTRICT" | "CASCADE" | "SET NULL" | "SET DEFAULT";

/** A foreign key: columns here, a table and columns there, and what follows a delete or an update there. */
export interface ForeignKey {
  name?: string;
  columns: string[];
  references: { table: string; columns: string[] };
  onDelete: ReferentialAction;
  onUpdate: ReferentialAction;
  deferrable?: Deferrable;
}

/** A condition that every row meets. */
export interface Check {
  name?: string;
  expression: string;
  /** The column it is written with, where the database keeps it as a part of the column (MariaDB). */
  column?: string;
}

/** An index: what it is made of, and the condition of a partial one. */
export interface Index {
  name: string;
  columns: IndexColumn[];
  unique: boolean;
  /** The condition of a partial index. */
  where?: string;
  /** The access method where it is not the usual tree: `gin`, `hash`, `fulltext`. */
  method?: string;
  /** Columns that are carried along and not searched. */
  include?: string[];
  /** Sequelize made the name up: a migration may choose its own. */
  autoNamed?: boolean;
  /** The CREATE INDEX text as the database keeps it, where it keeps one. */
  sql?: string;
}

/** A part of an index: a column or an expression, and how it is ordered. */
export interface IndexColumn {
  column?: string;
  expression?: string;
  descending?: boolean;
  nulls?: "first" | "last";
  collation?: string;
  operatorClass?: string;
  /** Only so many characters or bytes of the column are indexed. */
  length?: number;
}

/** A trigger: its name and the statement that makes it. */
export interface Trigger {
  name: string;
  sql: string;
}

/** A view: its name, its columns and the statement that makes it. */
export interface View {
  name: string;
  columns: Column[];
  sql: string;
  materialized?: boolean;
}

/** An enumerated type with a name. */
export interface EnumType {
  name: string;
  values: string[];
}

/** A table of that name without anything in it yet. */
export function emptyTable(name: string): Table {
  return { name, columns: [], uniques: [], foreignKeys: [], checks: [], indexes: [], triggers: [] };
}

/** The table called `name`, if there is one. */
export function findTable(schema: Schema, name: string): Table | undefined {
  return schema.tables.find((table) => table.name === name);
}

/** The column called `name`, if there is one. */
export function findColumn(table: Table, name: string): Column | undefined {
  return table.columns.find((column) => column.name === name);
}

/** Whether the column belongs to the primary key. */
export function isPrimaryKey(table: Table, column: string): boolean {
  return table.primaryKey?.columns.includes(column) ?? false;
}

/** Whether two lists hold the same names in the same order. */
export function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i]);
}

/** Whether a list of names begins with another. */
export function leads(columns: readonly string[], first: readonly string[]): boolean {
  return sameNames(columns.slice(0, first.length), first);
}

/** The columns of an index in their order; the place of an expression is empty. */
export function indexColumns({ columns }: Pick<Index, "columns">): string[] {
  return columns.map((part) => part.column ?? "");
}

/** Whether two lists hold the same names in any order. */
export function sameNameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name));
}
