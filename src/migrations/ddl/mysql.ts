import type { MysqlSchemaDialect } from "../../schema/dialects/mysql";
import { checkOf } from "../../schema/dialects/mysql";
import type { Column, ForeignKey, Table } from "../../schema/schema";
import { emptyTable, indexColumns, leads, sameNames } from "../../schema/schema";
import { MigrationError } from "../migration-error";
import { shortened } from "../names";
import type { AlterTable, DropConstraint, TableChange } from "../operation";
import { alterTable, madeKey } from "../operation";
import { needsOrder } from "./change-order";
import { DdlDialect, patched } from "./dialect";

/**
 * MariaDB and MySQL: the changes of a table as the clauses of one ALTER TABLE, which is all or nothing.
 *
 * A column is always written in full: what MODIFY leaves out is lost. There are no transactions around DDL here.
 */
export class MysqlDdl extends DdlDialect {
  declare readonly schema: MysqlSchemaDialect;
  /** All changes of the operation at work, of which one statement makes some. */
  #changes: readonly TableChange[] = [];

  override async renameTable(from: string, to: string): Promise<void> {
    await this.target.execute(`RENAME TABLE ${this.schema.quoteTable(from)} TO ${this.schema.quoteTable(to)}`);
    this.target.made?.({ kind: "renameTable", from, to });
  }

  override async alterTable({ table: name, changes }: AlterTable): Promise<void> {
    this.#changes = changes;
    let together: TableChange[] = [];
    const finish = async (): Promise<void> => {
      if (together.length > 0) await this.#alter(name, together);
      together = [];
    };
    for (const change of changes) {
      if (change.kind === "renameColumn" || writesRows(change) || this.#repeats(together, change)) await finish();
      if (change.kind === "renameColumn") await this.#renameColumn(name, change.from, change.to);
      else if (
        (change.kind === "createIndex" && change.ifNotExists) ||
        (change.kind === "dropIndex" && change.ifExists)
      ) {
        await finish();
        await this.#changeIndexIf(name, change);
      } else together.push(change);
    }
    await finish();
  }

  /** Whether one ALTER cannot hold both: the order of the two counts, or a name is given again where it was just taken away. */
  #repeats(changes: readonly TableChange[], change: TableChange): boolean {
    return changes.some((other) => {
      if (needsOrder(other, change)) return true;
      if (change.kind === "createForeignKey")
        return other.kind === "dropConstraint" && other.type === "foreignKey" && other.name === change.foreignKey.name;
      return change.kind === "addColumn" && other.kind === "dropColumn" && other.name === change.column.name;
    });
  }

  async #alter(name: string, changes: readonly TableChange[]): Promise<void> {
    // Only a change that writes a column anew, or must find a name, needs to know the table.
    const isKnown = changes.every((change) => BLIND.includes(change.kind));
    const table = isKnown ? emptyTable(name) : await this.requireTable(name);
    const before: string[] = [];
    const clauses: string[] = [];
    const behind: string[] = [];
    for (const change of changes) {
      if (change.kind === "addColumn" && change.fill) {
        // The rows get their value between: a constant for all of them cannot say what an expression can.
        const { column, fill } = change;
        const quoted = this.schema.sql.quote(column.name);
        clauses.push(
          `ADD COLUMN ${this.schema.columnDefinition({ ...column, nullable: true })}${this.#place(change.after)}`,
        );
        behind.push(`UPDATE ${this.schema.quoteTable(name)} SET ${quoted} = ${fill.sql}`);
        if (!column.nullable)
          behind.push(
            `ALTER TABLE ${this.schema.quoteTable(name)} MODIFY COLUMN ${this.schema.columnDefinition(column)}`,
          );
        continue;
      }
      if (change.kind === "alterColumn") before.push(...this.#updates(name, change));
      clauses.push(...this.#clauses(table, change, changes));
    }
    for (const sql of before) await this.target.execute(sql);
    if (clauses.length > 0) {
      // Several dropped indexes may each ask for the same index of a foreign key.
      const once = [...new Set(clauses)];
      await this.target.execute(`ALTER TABLE ${this.schema.quoteTable(name)} ${once.join(", ")}`);
    }
    for (const sql of behind) await this.target.execute(sql);
    this.target.made?.(alterTable(name, ...changes));
    await this.#noteOwnIndexes(name);
  }

  override async createTable(table: Table): Promise<void> {
    await super.createTable(table);
    await this.#noteOwnIndexes(table.name);
  }

  /** Tells a target that keeps account by itself of the indexes that the database makes for foreign keys. */
  async #noteOwnIndexes(name: string): Promise<void> {
    if (this.target.made === undefined) return;
    const table = await this.requireTable(name);
    const keys = [...table.uniques.map((unique) => unique.columns), table.primaryKey?.columns ?? []];
    for (const key of table.foreignKeys) {
      const others = table.indexes.map(indexColumns);
      if ([...keys, ...others].some((columns) => leads(columns, key.columns))) continue;
      const index = {
        name: key.name ?? key.columns.join("_"),
        columns: key.columns.map((column) => ({ column })),
        unique: false,
      };
      this.target.made(alterTable(name, { kind: "createIndex", index }));
    }
  }

  #updates(table: string, change: Extract<TableChange, { kind: "alterColumn" }>): string[] {
    const name = this.schema.sql.quote(change.name);
    const update = `UPDATE ${this.schema.quoteTable(table)} SET ${name} =`;
    return [
      ...(change.using === undefined ? [] : [`${update} ${change.using}`]),
      ...(change.fill === undefined ? [] : [`${update} ${change.fill.sql} WHERE ${name} IS NULL`]),
    ];
  }

  #clauses(table: Table, change: TableChange, all: readonly TableChange[]): string[] {
    const quote = (name: string): string => this.schema.sql.quote(name);
    switch (change.kind) {
      case "addColumn":
        return [`ADD COLUMN ${this.schema.columnDefinition(change.column)}${this.#place(change.after)}`];
      case "dropColumn":
        return [`DROP COLUMN ${quote(change.name)}`];
      case "alterColumn": {
        const before = this.requireColumn(table, change.name);
        return [`MODIFY COLUMN ${this.schema.columnDefinition(this.#altered(before, change), checkOf(table, before))}`];
      }
      case "createUnique":
        return [`ADD ${this.schema.unique(change.unique.name, change.unique.columns)}`];
      case "createCheck": {
        const { name, expression, column } = change.check;
        if (column === undefined) return [`ADD ${this.schema.named(name)}CHECK (${expression})`];
        return [`MODIFY COLUMN ${this.schema.columnDefinition(this.requireColumn(table, column), expression)}`];
      }
      case "createForeignKey":
        return [`ADD ${this.schema.foreignKey(change.foreignKey)}`];
      case "createPrimaryKey":
        return [`ADD PRIMARY KEY (${this.schema.quoteNames(change.primaryKey.columns)})`];
      case "dropConstraint":
        return this.#dropConstraint(table, change, all);
      case "renameConstraint":
        return this.#renameConstraint(table, change);
      case "createIndex":
        return [
          `ADD ${this.schema.indexKind(change.index)} ${quote(change.index.name)} ${this.schema.indexParts(change.index)}`,
        ];
      case "dropIndex":
        return [`DROP INDEX ${quote(change.name)}`, ...this.#replaceIndex(table, change.name, all)];
      case "renameIndex":
        return [`RENAME INDEX ${quote(change.from)} TO ${quote(change.to)}`];
      case "commentTable":
        return [`COMMENT = ${this.schema.sql.literal(change.comment ?? "")}`];
      case "renameColumn":
        return [];
    }
  }

  #altered(before: Column, change: Extract<TableChange, { kind: "alterColumn" }>): Column {
    const after = patched(before, change.to);
    // The collation belongs to the type that goes.
    if (change.to.type && change.to.collation === undefined) delete after.collation;
    return after;
  }

  #dropConstraint(table: Table, change: DropConstraint, all: readonly TableChange[]): string[] {
    const { type, columns } = change;
    if (type === "primaryKey") return ["DROP PRIMARY KEY"];
    if (type === "check" && change.name === undefined && columns?.length === 1) {
      // A check that is part of its column goes with the column's new definition.
      return [`MODIFY COLUMN ${this.schema.columnDefinition(this.requireColumn(table, columns[0] ?? ""))}`];
    }
    const name = this.schema.sql.quote(this.constraintName(table, change));
    if (type === "foreignKey")
      return [`DROP FOREIGN KEY ${name}`, ...this.#dropOwnIndex(table, this.constraintName(table, change), all)];
    return type === "unique" ? [`DROP INDEX ${name}`] : [`DROP CONSTRAINT ${name}`];
  }

  /** The database renames indexes alone: other constraints are taken away and made again in the same statement. */
  #renameConstraint(table: Table, { type, from, to }: Extract<TableChange, { kind: "renameConstraint" }>): string[] {
    const [before, after] = [this.schema.sql.quote(from), this.schema.sql.quote(to)];
    const renamesIndex = `RENAME INDEX ${before} TO ${after}`;
    switch (type) {
      case "primaryKey":
        return [];
      case "unique":
        return [renamesIndex];
      case "check": {
        const check = table.checks.find(({ name }) => name === from);
        if (check === undefined) throw new MigrationError(`There is no check "${from}" on table "${table.name}".`);
        return [`DROP CONSTRAINT ${before}`, `ADD ${this.schema.named(to)}CHECK (${check.expression})`];
      }
      case "foreignKey": {
        const key = table.foreignKeys.find(({ name }) => name === from);
        if (key === undefined) throw new MigrationError(`There is no foreign key "${from}" on table "${table.name}".`);
        const index = table.indexes.some(({ name }) => name === from) ? [renamesIndex] : [];
        return [`DROP FOREIGN KEY ${before}`, ...index, `ADD ${this.schema.foreignKey({ ...key, name: to })}`];
      }
    }
  }

  /** The clause that drops the index that the database made for a foreign key, and leaves behind when the key goes. */
  #dropOwnIndex(table: Table, name: string, all: readonly TableChange[]): string[] {
    const columns = table.foreignKeys.find((key) => key.name === name)?.columns ?? [];
    const index = table.indexes.find((candidate) => candidate.name === name);
    const isOwn = index !== undefined && !index.unique && sameNames(indexColumns(index), columns);
    const isNeeded =
      table.foreignKeys.some((key) => key.name !== name && sameNames(key.columns, columns)) ||
      this.#comesBack(name, columns) ||
      all.some((change) => change.kind === "dropIndex" && change.name === name);
    return isOwn && !isNeeded ? [`DROP INDEX ${this.schema.sql.quote(name)}`] : [];
  }

  /** Whether a foreign key of these columns follows the one that goes, and stays: its index may be what a model asks for. */
  #comesBack(name: string, columns: readonly string[]): boolean {
    const dropOf = (gone: string | undefined): number =>
      this.#changes.findLastIndex(
        (change) => change.kind === "dropConstraint" && change.type === "foreignKey" && change.name === gone,
      );
    const from = dropOf(name);
    return this.#changes.some(
      (change, i) =>
        i > from &&
        change.kind === "createForeignKey" &&
        sameNames(change.foreignKey.columns, columns) &&
        dropOf(change.foreignKey.name) < i,
    );
  }

  /** The clauses that give back the index of a foreign key, which the database gave up when it was given this one. */
  #replaceIndex(table: Table, name: string, changes: readonly TableChange[]): string[] {
    const made = changes.flatMap(madeKey);
    const isDropped = (index: string): boolean =>
      index === name || changes.some((change) => change.kind === "dropIndex" && change.name === index);
    const stays = (columns: readonly string[]): boolean =>
      [
        ...table.indexes.filter((index) => !isDropped(index.name)).map(indexColumns),
        ...[...made, ...table.uniques].map((key) => key.columns),
        table.primaryKey?.columns ?? [],
      ].some((index) => leads(index, columns));
    const dropped = table.indexes.find((index) => index.name === name);
    const isKept = (key: ForeignKey): boolean =>
      !changes.some(
        (change) => change.kind === "dropConstraint" && change.type === "foreignKey" && change.name === key.name,
      );
    return table.foreignKeys
      .filter((key) => dropped && leads(indexColumns(dropped), key.columns) && isKept(key) && !stays(key.columns))
      .map((key) => {
        const names = [key.name, key.columns.join("_")].filter(
          (free) => free !== undefined && !made.some((index) => index.name === free),
        );
        const index = names[0] ?? shortened(`${key.columns.join("_")}_key`);
        return `ADD INDEX ${this.schema.sql.quote(index)} (${this.schema.quoteNames(key.columns)})`;
      });
  }

  async #renameColumn(table: string, from: string, to: string): Promise<void> {
    const { sql } = this.schema;
    await this.target.execute(
      `ALTER TABLE ${this.schema.quoteTable(table)} RENAME COLUMN ${sql.quote(from)} TO ${sql.quote(to)}`,
    );
    this.target.made?.(alterTable(table, { kind: "renameColumn", from, to }));
  }

  async #changeIndexIf(
    table: string,
    change: Extract<TableChange, { kind: "createIndex" | "dropIndex" }>,
  ): Promise<void> {
    const name = change.kind === "createIndex" ? change.index.name : change.name;
    const exists = (await this.requireTable(table)).indexes.some((index) => index.name === name);
    if (exists === (change.kind === "dropIndex")) await this.#alter(table, [change]);
  }

  #place(after: string | undefined): string {
    return after === undefined ? "" : ` AFTER ${this.schema.sql.quote(after)}`;
  }
}

/** Changes that say everything themselves. */
const BLIND: readonly TableChange["kind"][] = [
  "addColumn",
  "dropColumn",
  "createUnique",
  "createForeignKey",
  "createPrimaryKey",
  "createIndex",
  "commentTable",
];

/** Whether rows are written before the column can change, which is after all that stands before it. */
function writesRows(change: TableChange): boolean {
  return change.kind === "alterColumn" && (change.using !== undefined || change.fill !== undefined);
}
