import { ArgumentError } from "../errors";
import { declareColumn } from "../schema/declare-column";
import type { SqlFragment } from "../schema/sql-fragment";
import { constraintName } from "./names";
import type { ConstraintType, DropConstraint, Fill, TableChange } from "./operation";
import type { AlterSpec, ColumnSpec, ForeignKeyOptions, IndexOptions, IndexPart, Resolver } from "./table-options";
import { columnConstraints, resolveForeignKey, resolveIndex, resolvePatch } from "./table-options";
import { toSql } from "./values";

/** Which constraint to drop: by its name, or by what it is and of which columns. */
export type ConstraintAddress = string | { type: ConstraintType; fields?: string[]; name?: string };

/** Options of a new column in a table that may have rows. */
export interface AddColumnOptions {
  /** What the existing rows get: a value, or sql`…` over the table's other columns. */
  fill?: unknown;
  /** The column behind which it stands, where the database can place it. */
  after?: string;
}

/** Options of `alterTable`. */
export interface AlterTableOptions {
  /** Whether the table is rebuilt (SQLite): where a change needs it, always, or never. */
  recreate?: "auto" | "always" | "never";
  /** The CREATE TABLE text to begin from in place of the database's own (SQLite). */
  copyFrom?: string;
}

/** Changes of one table that are made together: one rebuild, or one ALTER TABLE. */
export class TableAlteration {
  readonly #resolver: Resolver;
  readonly #table: string;
  /** The changes so far, in order. */
  readonly changes: TableChange[] = [];

  constructor(resolver: Resolver, table: string) {
    this.#resolver = resolver;
    this.#table = table;
  }

  addColumn(name: string, column: ColumnSpec & AddColumnOptions, options: AddColumnOptions = {}): void {
    const { fill: ownFill, after: ownAfter, ...spec } = column;
    const declared = declareColumn(name, spec, { ...this.#resolver, table: this.#table });
    const fill = this.#fill("fill" in options ? options.fill : ownFill);
    const after = options.after ?? ownAfter;
    this.changes.push({
      kind: "addColumn",
      column: declared,
      ...(fill ? { fill } : {}),
      ...(after === undefined ? {} : { after }),
    });
    this.changes.push(...columnConstraints(this.#table, name, spec));
    if (spec.primaryKey) this.createPrimaryKey(undefined, [name]);
  }

  dropColumn(name: string): void {
    this.changes.push({ kind: "dropColumn", name });
  }

  renameColumn(from: string, to: string): void {
    this.changes.push({ kind: "renameColumn", from, to });
  }

  alterColumn(name: string, spec: AlterSpec): void {
    const { existing, using, fill: fillValue, ...rest } = spec;
    const to = resolvePatch(this.#resolver, this.#table, name, rest);
    const fill = this.#fill(fillValue);
    this.changes.push({
      kind: "alterColumn",
      name,
      to,
      ...(existing ? { from: resolvePatch(this.#resolver, this.#table, name, existing) } : {}),
      ...(using === undefined ? {} : { using: String(using) }),
      ...(fill ? { fill } : {}),
    });
  }

  createUnique(
    name: string | undefined,
    fields: string[],
    options: { deferrable?: "immediate" | "deferred" } = {},
  ): void {
    const unique = { name: name ?? constraintName("uq", this.#table, fields), columns: fields, ...options };
    this.changes.push({ kind: "createUnique", unique });
  }

  createCheck(name: string, expression: string | SqlFragment): void {
    this.changes.push({ kind: "createCheck", check: { name, expression: String(expression) } });
  }

  createForeignKey(
    name: string | undefined,
    fields: string[],
    table: string,
    references: string[],
    options: ForeignKeyOptions = {},
  ): void {
    this.changes.push({
      kind: "createForeignKey",
      foreignKey: resolveForeignKey(this.#table, name, fields, table, references, options),
    });
  }

  createPrimaryKey(name: string | undefined, fields: string[]): void {
    this.changes.push({
      kind: "createPrimaryKey",
      primaryKey: { columns: fields, ...(name === undefined ? {} : { name }) },
    });
  }

  dropPrimaryKey(): void {
    this.changes.push({ kind: "dropConstraint", type: "primaryKey" });
  }

  dropConstraint(address: ConstraintAddress, type?: ConstraintType): void {
    this.changes.push(constraintOf(address, type));
  }

  /** Another name for a constraint; on SQLite the table is written anew for it. */
  renameConstraint(from: string, to: string, type: ConstraintType): void {
    this.changes.push({ kind: "renameConstraint", type, from, to });
  }

  createIndex(name: string | undefined, parts: IndexPart[], options: IndexOptions = {}): void {
    const { concurrently, ifNotExists } = options;
    const named = parts.flatMap((part) => (typeof part === "string" ? part : "column" in part ? part.column : "expr"));
    const index = resolveIndex(name ?? constraintName("ix", this.#table, named), parts, options);
    this.changes.push({
      kind: "createIndex",
      index,
      ...(concurrently ? { concurrently } : {}),
      ...(ifNotExists ? { ifNotExists } : {}),
    });
  }

  dropIndex(name: string, options: { ifExists?: boolean; concurrently?: boolean } = {}): void {
    this.changes.push({ kind: "dropIndex", name, ...options });
  }

  renameIndex(from: string, to: string): void {
    this.changes.push({ kind: "renameIndex", from, to });
  }

  comment(text: string | null): void {
    if (this.#resolver.dialect.hasComments) this.changes.push({ kind: "commentTable", comment: text });
  }

  #fill(value: unknown): Fill | undefined {
    return value === undefined ? undefined : { sql: toSql(this.#resolver.dialect, value) };
  }
}

function constraintOf(address: ConstraintAddress, type: ConstraintType | undefined): DropConstraint {
  if (typeof address === "string") {
    if (type === undefined) {
      throw new ArgumentError(`Cannot drop constraint "${address}": its type is missing.`, {
        hint: `dropConstraint(…, "${address}", "unique") or "foreignKey", "check", "primaryKey"`,
      });
    }
    return { kind: "dropConstraint", type, name: address };
  }
  const { type: kind, name, fields } = address;
  return {
    kind: "dropConstraint",
    type: kind,
    ...(name === undefined ? {} : { name }),
    ...(fields ? { columns: fields } : {}),
  };
}
