import type { Model, ModelStatic, Sequelize, Transaction } from "sequelize";
import type { DriverRow } from "../driver/dialect";
import { ArgumentError } from "../errors";
import type { SchemaDialect } from "../schema/dialects/schema-dialect";
import type { SqlFragment } from "../schema/sql-fragment";
import { lightModel } from "./light-model";
import { MigrationError } from "./migration-error";
import type { AlterTable, ConstraintType, Operation } from "./operation";
import { alterTable } from "./operation";
import type { AddColumnOptions, AlterTableOptions, ConstraintAddress } from "./table-alteration";
import { TableAlteration } from "./table-alteration";
import type { AlterSpec, ColumnSpec, ForeignKeyOptions, IndexOptions, IndexPart, TableSpec } from "./table-options";
import { resolveTable } from "./table-options";
import { bindValues, splitStatements, toSql } from "./values";

/** What carries out the operations of a revision: on a database, into a script, or only into a list. */
export interface OperationRunner {
  readonly sequelize: Sequelize;
  readonly dialect: SchemaDialect;
  /** Without a database: operations are written down. */
  readonly isOffline: boolean;
  run(operation: Operation): Promise<void>;
  /** Asks the database. */
  query(sql: string): Promise<DriverRow[]>;
  /** The open transaction, as Sequelize's own methods take it. */
  transaction(): Transaction | undefined;
  /** Runs `work` outside of the transaction, which ends before and opens again behind. */
  autocommit(work: () => Promise<void>): Promise<void>;
}

/** SQL text, or one text for each kind of database. */
export type DialectSql = string | { sqlite?: string; postgres?: string; mysql?: string };

/**
 * What a revision does to the database: handed to its `upgrade` and `downgrade` as `op`.
 *
 * The same calls run on SQLite, PostgreSQL, MariaDB and MySQL; each becomes what is safe there.
 */
export class Operations {
  readonly #runner: OperationRunner;

  constructor(runner: OperationRunner) {
    this.#runner = runner;
  }

  /** Kind of the database: sqlite, postgres, mariadb or mysql. */
  get dialect(): string {
    return this.#runner.dialect.sql.name;
  }

  /** Whether a script is written in place of a database being changed. */
  get isOffline(): boolean {
    return this.#runner.isOffline;
  }

  /** The open transaction for Sequelize's own methods: `{ transaction: op.transaction }`. */
  get transaction(): Transaction | undefined {
    return this.#runner.transaction();
  }

  createTable(name: string, columns: Record<string, ColumnSpec>, options: TableSpec = {}): Promise<void> {
    return this.#runner.run({ kind: "createTable", table: resolveTable(this.#runner, name, columns, options) });
  }

  dropTable(name: string, { ifExists = false } = {}): Promise<void> {
    return this.#runner.run({ kind: "dropTable", name, ifExists });
  }

  renameTable(from: string, to: string): Promise<void> {
    return this.#runner.run({ kind: "renameTable", from, to });
  }

  /** Several changes of one table, made together. */
  alterTable(name: string, change: (t: TableAlteration) => void, options: AlterTableOptions = {}): Promise<void> {
    const alteration = new TableAlteration(this.#runner, name);
    change(alteration);
    const operation: AlterTable = { ...alterTable(name, ...alteration.changes), ...options };
    return this.#runner.run(operation);
  }

  addColumn(
    table: string,
    name: string,
    column: ColumnSpec & AddColumnOptions,
    options: AddColumnOptions = {},
  ): Promise<void> {
    return this.alterTable(table, (t) => t.addColumn(name, column, options));
  }

  dropColumn(table: string, name: string): Promise<void> {
    return this.alterTable(table, (t) => t.dropColumn(name));
  }

  renameColumn(table: string, from: string, to: string): Promise<void> {
    return this.alterTable(table, (t) => t.renameColumn(from, to));
  }

  alterColumn(table: string, name: string, spec: AlterSpec): Promise<void> {
    return this.alterTable(table, (t) => t.alterColumn(name, spec));
  }

  createUnique(
    table: string,
    name: string | undefined,
    fields: string[],
    options: { deferrable?: "immediate" | "deferred" } = {},
  ): Promise<void> {
    return this.alterTable(table, (t) => t.createUnique(name, fields, options));
  }

  createCheck(table: string, name: string, expression: string | SqlFragment): Promise<void> {
    return this.alterTable(table, (t) => t.createCheck(name, expression));
  }

  createForeignKey(
    table: string,
    name: string | undefined,
    fields: string[],
    refTable: string,
    refFields: string[],
    options: ForeignKeyOptions = {},
  ): Promise<void> {
    return this.alterTable(table, (t) => t.createForeignKey(name, fields, refTable, refFields, options));
  }

  createPrimaryKey(table: string, name: string | undefined, fields: string[]): Promise<void> {
    return this.alterTable(table, (t) => t.createPrimaryKey(name, fields));
  }

  dropPrimaryKey(table: string): Promise<void> {
    return this.alterTable(table, (t) => t.dropPrimaryKey());
  }

  dropConstraint(table: string, address: ConstraintAddress, type?: ConstraintType): Promise<void> {
    return this.alterTable(table, (t) => t.dropConstraint(address, type));
  }

  renameConstraint(table: string, from: string, to: string, type: ConstraintType): Promise<void> {
    return this.alterTable(table, (t) => t.renameConstraint(from, to, type));
  }

  createIndex(name: string | undefined, table: string, parts: IndexPart[], options: IndexOptions = {}): Promise<void> {
    return this.alterTable(table, (t) => t.createIndex(name, parts, options));
  }

  dropIndex(name: string, table: string, options: { ifExists?: boolean; concurrently?: boolean } = {}): Promise<void> {
    return this.alterTable(table, (t) => t.dropIndex(name, options));
  }

  renameIndex(table: string, from: string, to: string): Promise<void> {
    return this.alterTable(table, (t) => t.renameIndex(from, to));
  }

  /** Comment of a table; null takes it away. Nothing where the database keeps none. */
  commentTable(table: string, text: string | null): Promise<void> {
    return this.alterTable(table, (t) => t.comment(text));
  }

  /** A named enumerated type (PostgreSQL); nothing elsewhere. */
  createEnum(name: string, values: string[]): Promise<void> {
    return this.#runner.run({ kind: "createEnum", name, values });
  }

  dropEnum(name: string): Promise<void> {
    return this.#runner.run({ kind: "dropEnum", name });
  }

  /** Gives a named enumerated type other values (PostgreSQL); `map` says what becomes of values that go. */
  alterEnum(
    name: string,
    { from, to, map }: { from: string[]; to: string[]; map?: Record<string, string> },
  ): Promise<void> {
    return this.#runner.run({ kind: "alterEnum", name, from, to, ...(map ? { map } : {}) });
  }

  /** A view: the SELECT that it shows, or the whole statement. */
  async createView(name: string, sql: DialectSql): Promise<void> {
    const text = this.#forDialect(sql);
    if (text === undefined) return;
    const statement = /^\s*create\b/i.test(text)
      ? text
      : `CREATE VIEW ${this.#runner.dialect.quoteTable(name)} AS ${text}`;
    await this.#execute(`createView ${name}`, statement);
  }

  dropView(name: string): Promise<void> {
    return this.#execute(`dropView ${name}`, `DROP VIEW ${this.#runner.dialect.quoteTable(name)}`);
  }

  /** A trigger: the whole CREATE TRIGGER statement, for each kind of database that has it. */
  async createTrigger(name: string, sql: DialectSql): Promise<void> {
    const text = this.#forDialect(sql);
    if (text !== undefined) await this.#execute(`createTrigger ${name}`, text);
  }

  /** @param table  the trigger's table, where a trigger's name alone says too little (PostgreSQL) */
  dropTrigger(name: string, table?: string): Promise<void> {
    const { dialect } = this.#runner;
    const on = table !== undefined && dialect.hasSchemas ? ` ON ${dialect.quoteTable(table)}` : "";
    return this.#execute(`dropTrigger ${name}`, `DROP TRIGGER ${dialect.sql.quote(name)}${on}`);
  }

  /** Runs SQL that returns nothing; several statements stand one after the other, each with a semicolon. */
  async execute(
    sql: string | SqlFragment,
    options: { bind?: readonly unknown[] | Record<string, unknown> } = {},
  ): Promise<void> {
    const text = bindValues(this.#runner.dialect, String(sql), options.bind);
    for (const statement of splitStatements(text)) await this.#execute("execute", statement);
  }

  /** Runs SQL that returns rows. */
  async query(
    sql: string | SqlFragment,
    options: { bind?: readonly unknown[] | Record<string, unknown> } = {},
  ): Promise<DriverRow[]> {
    this.#refuseOffline("op.query()");
    return this.#runner.query(bindValues(this.#runner.dialect, String(sql), options.bind));
  }

  /** Inserts rows, all with the same columns. */
  async bulkInsert(table: string, rows: readonly Record<string, unknown>[]): Promise<void> {
    const { dialect } = this.#runner;
    const [first] = rows;
    if (first === undefined) return;
    const columns = Object.keys(first);
    const into = `INSERT INTO ${dialect.quoteTable(table)} (${dialect.quoteNames(columns)}) VALUES`;
    for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
      const tuples = rows.slice(start, start + ROWS_PER_STATEMENT).map((row) => {
        const strange = Object.keys(row).find((column) => !columns.includes(column));
        if (strange !== undefined)
          throw new ArgumentError(`Cannot insert into "${table}": not every row has the column "${strange}".`);
        return `(${columns.map((column) => toSql(dialect, row[column])).join(", ")})`;
      });
      await this.#execute(`bulkInsert ${table}`, `${into}\n  ${tuples.join(",\n  ")}`);
    }
  }

  /** Sets columns of the rows that meet the condition: SQL text, or values by column. */
  async update(
    table: string,
    set: Record<string, unknown>,
    where: Record<string, unknown> | string = {},
  ): Promise<void> {
    const { dialect } = this.#runner;
    const sets = Object.entries(set).map(
      ([column, value]) => `${dialect.sql.quote(column)} = ${toSql(dialect, value)}`,
    );
    const conditions =
      typeof where === "string"
        ? where
        : Object.entries(where)
            .map(
              ([column, value]) =>
                `${dialect.sql.quote(column)} ${value === null ? "IS NULL" : `= ${toSql(dialect, value)}`}`,
            )
            .join(" AND ");
    const condition = conditions === "" ? "" : ` WHERE ${conditions}`;
    await this.#execute(`update ${table}`, `UPDATE ${dialect.quoteTable(table)} SET ${sets.join(", ")}${condition}`);
  }

  /**
   * A model of the table as it is at this point, for moving data; its methods run in the migration's transaction.
   *
   * The application's own models describe the newest schema and not this one.
   */
  table(name: string, columns: Record<string, ColumnSpec>): ModelStatic<Model> {
    this.#refuseOffline("op.table()");
    return lightModel(this.#runner.sequelize, this.#runner.transaction(), name, columns);
  }

  /** Runs `work` outside of the migration's transaction: what came before is kept whatever follows. */
  autocommit(work: () => Promise<void>): Promise<void> {
    return this.#runner.autocommit(work);
  }

  #execute(what: string, sql: string): Promise<void> {
    return this.#runner.run({ kind: "execute", what, sql });
  }

  #forDialect(sql: DialectSql): string | undefined {
    if (typeof sql === "string") return sql;
    const { name } = this.#runner.dialect.sql;
    return (sql as Record<string, string | undefined>)[name] ?? (name === "mariadb" ? sql.mysql : undefined);
  }

  #refuseOffline(what: string): void {
    if (this.isOffline) throw new MigrationError(`${what} needs a live database and cannot be used with --sql.`);
  }
}

/** Rows of one INSERT at the most. */
const ROWS_PER_STATEMENT = 500;
