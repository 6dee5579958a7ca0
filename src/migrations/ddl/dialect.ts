import type { DriverRow } from "../../driver/dialect";
import type { SchemaDialect } from "../../schema/dialects/schema-dialect";
import type { Column, Schema, Table } from "../../schema/schema";
import { findColumn } from "../../schema/schema";
import { MigrationError } from "../migration-error";
import type { AlterTable, ColumnPatch, DropConstraint, Operation, TableChange } from "../operation";

/** What runs the statements of a migration: a database, or a script that is being written. */
export interface DdlTarget {
  /** Sends the statement, or writes it down. */
  execute(sql: string, bind?: readonly unknown[]): Promise<void>;
  /** The table as it is at this point; undefined where there is none. */
  table(name: string): Promise<Table | undefined>;
  /** The whole schema as it is at this point, with the tables of the named other schemas. */
  schema(schemas?: readonly string[]): Promise<Schema>;
  /** Asks the database; undefined where there is none to ask. */
  readonly ask?: ((sql: string) => Promise<DriverRow[]>) | undefined;
  /** Told of what is done, where the target keeps account of the schema by itself. */
  made?(operation: Operation): void;
  /** Told of work that takes long: `Rebuilding users (1000000 rows)`. */
  progress?(text: string): void;
  /** Told how far long work is; a text takes the place of the one before, and undefined takes the last away. */
  status?(text: string | undefined): void;
  /** Whether statements may use what only a recent version of the database's own client knows. */
  readonly native: boolean;
}

/** How one kind of database changes its schema: operations become statements, sent to a target in order. */
export abstract class DdlDialect {
  constructor(
    readonly schema: SchemaDialect,
    readonly target: DdlTarget,
  ) {}

  /** Carries out the operation. */
  async run(operation: Operation): Promise<void> {
    switch (operation.kind) {
      case "createTable":
        return this.createTable(operation.table);
      case "dropTable":
        return this.dropTable(operation.name, operation.ifExists ?? false);
      case "renameTable":
        return this.renameTable(operation.from, operation.to);
      case "alterTable":
        return this.alterTable(operation);
      case "createEnum":
        return this.createEnum(operation.name, operation.values);
      case "dropEnum":
        return this.dropEnum(operation.name);
      case "alterEnum":
        return this.alterEnum(operation.name, operation.to, operation.map ?? {});
      case "execute":
        return this.target.execute(operation.sql, operation.bind);
    }
  }

  abstract alterTable(operation: AlterTable): Promise<void>;

  /** Makes the table and its indexes; a table of that name is an error. */
  async createTable(table: Table): Promise<void> {
    for (const sql of this.schema.createTable(table)) await this.target.execute(sql);
    for (const index of table.indexes) await this.target.execute(this.schema.createIndex(table.name, index));
    this.target.made?.({ kind: "createTable", table });
  }

  async dropTable(name: string, ifExists: boolean): Promise<void> {
    await this.target.execute(`DROP TABLE ${ifExists ? "IF EXISTS " : ""}${this.schema.quoteTable(name)}`);
    this.target.made?.({ kind: "dropTable", name, ifExists });
  }

  async renameTable(from: string, to: string): Promise<void> {
    await this.target.execute(`ALTER TABLE ${this.schema.quoteTable(from)} RENAME TO ${this.schema.quoteTable(to)}`);
    this.target.made?.({ kind: "renameTable", from, to });
  }

  /** Whether the database writes every row of the table anew for the change. */
  rewrites(_table: Table, change: TableChange): boolean {
    return change.kind === "alterColumn" && change.to.type !== undefined;
  }

  /** Named enumerated types are nothing where columns list their own values. */
  async createEnum(_name: string, _values: readonly string[]): Promise<void> {}
  async dropEnum(_name: string): Promise<void> {}
  async alterEnum(_name: string, _to: readonly string[], _map: Readonly<Record<string, string>>): Promise<void> {}

  /** The table as it is; an error where there is none. */
  protected async requireTable(name: string): Promise<Table> {
    const table = await this.target.table(name);
    if (table === undefined) throw new MigrationError(`There is no table "${name}".`);
    return table;
  }

  protected requireColumn(table: Table, name: string): Column {
    const column = findColumn(table, name);
    if (column === undefined) throw new MigrationError(`There is no column "${table.name}.${name}".`);
    return column;
  }

  /**
   * The name of a constraint that is addressed by its columns.
   *
   * @throws {MigrationError} where the table has no such constraint
   */
  protected constraintName(table: Table, change: DropConstraint): string {
    if (change.name !== undefined) return change.name;
    const name = findConstraintName(table, change);
    if (name === undefined) {
      throw new MigrationError(
        `There is no ${CONSTRAINT_WORDS[change.type]} on "${table.name}"(${(change.columns ?? []).join(", ")}).`,
      );
    }
    return name;
  }
}

const CONSTRAINT_WORDS = {
  primaryKey: "primary key",
  unique: "unique constraint",
  check: "check",
  foreignKey: "foreign key",
} as const;

function findConstraintName(table: Table, change: DropConstraint): string | undefined {
  const wanted = [...(change.columns ?? [])].sort().join("\0");
  const matches = (columns: readonly string[]): boolean => [...columns].sort().join("\0") === wanted;
  switch (change.type) {
    case "primaryKey":
      return table.primaryKey?.name;
    case "unique":
      return table.uniques.find((unique) => matches(unique.columns))?.name;
    case "foreignKey":
      return table.foreignKeys.find((key) => matches(key.columns))?.name;
    case "check": {
      const expression =
        change.constraint && "expression" in change.constraint ? change.constraint.expression : undefined;
      return table.checks.find((check) => check.expression === expression)?.name;
    }
  }
}

/** The column after the change. */
export function patched(column: Column, patch: ColumnPatch): Column {
  const result: Column = { ...column };
  if (patch.type) {
    result.type = patch.type.type;
    if (patch.type.enumValues) result.enumValues = patch.type.enumValues;
    else delete result.enumValues;
  }
  if (patch.nullable !== undefined) result.nullable = patch.nullable;
  if (patch.autoIncrement !== undefined) result.autoIncrement = patch.autoIncrement;
  if (patch.default === null) delete result.default;
  else if (patch.default !== undefined) result.default = patch.default.text;
  if (patch.comment === null) delete result.comment;
  else if (patch.comment !== undefined) result.comment = patch.comment;
  if (patch.collation === null) delete result.collation;
  else if (patch.collation !== undefined) result.collation = patch.collation;
  if (patch.generated === null) delete result.generated;
  else if (patch.generated !== undefined) result.generated = patch.generated;
  return result;
}
