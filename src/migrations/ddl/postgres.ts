import type { PostgresSchemaDialect } from "../../schema/dialects/postgres";
import { bareName, schemaOf } from "../../schema/dialects/postgres-names";
import type { Column, Table } from "../../schema/schema";
import { MigrationError } from "../migration-error";
import type { AlterColumn, AlterTable, TableChange } from "../operation";
import { alterTable } from "../operation";
import { AlterStatement } from "./alter-statement";
import type { DdlTarget } from "./dialect";
import { DdlDialect, patched } from "./dialect";
import { PostgresEnums, elementType, typeName } from "./postgres-enums";

/** PostgreSQL: the changes of a table by one ALTER TABLE as far as it takes them, inside the transaction of the revision. */
export class PostgresDdl extends DdlDialect {
  declare readonly schema: PostgresSchemaDialect;
  readonly #enums: PostgresEnums;
  /** Schemas that are there for certain. */
  readonly #schemas = new Set<string>();

  constructor(schema: PostgresSchemaDialect, target: DdlTarget) {
    super(schema, target);
    this.#enums = new PostgresEnums(schema, target);
  }

  override async createTable(table: Table): Promise<void> {
    await this.#createSchema(schemaOf(table.name));
    await this.#enums.createMissing(table.columns);
    await super.createTable(table);
  }

  /** Makes the schema of a table where there is none; it stays when the table goes. */
  async #createSchema(name: string | undefined): Promise<void> {
    if (name === undefined || this.#schemas.has(name)) return;
    this.#schemas.add(name);
    const { ask } = this.target;
    // Not by IF NOT EXISTS alone: a role that may make none would be refused also where it is there.
    const found = await ask?.(`SELECT 1 FROM pg_namespace WHERE nspname = ${this.schema.sql.literal(name)}`);
    if (found === undefined || found.length === 0)
      await this.target.execute(`CREATE SCHEMA IF NOT EXISTS ${this.schema.sql.quote(name)}`);
  }

  override async dropTable(name: string, ifExists: boolean): Promise<void> {
    const table = await this.target.table(name);
    await super.dropTable(name, ifExists);
    for (const column of table?.columns ?? []) await this.#enums.dropUnused(column);
  }

  override async renameTable(from: string, to: string): Promise<void> {
    const table = await this.target.table(from);
    const [target, source] = [schemaOf(to), schemaOf(from)];
    if (target !== source) {
      if (target === undefined)
        throw new MigrationError(`Cannot move table "${from}" to the schema of bare names. Give its schema by name.`);
      await this.#createSchema(target);
      await this.target.execute(
        `ALTER TABLE ${this.schema.quoteTable(from)} SET SCHEMA ${this.schema.sql.quote(target)}`,
      );
    }
    const moved = target === undefined ? bareName(from) : `${target}.${bareName(from)}`;
    if (bareName(from) !== bareName(to)) {
      await this.target.execute(
        `ALTER TABLE ${this.schema.quoteTable(moved)} RENAME TO ${this.schema.sql.quote(bareName(to))}`,
      );
    }
    this.target.made?.({ kind: "renameTable", from, to });
    for (const column of table?.columns ?? [])
      await this.#enums.renameWithColumn(column, from, column.name, to, column.name);
  }

  override async alterTable({ table: name, changes }: AlterTable): Promise<void> {
    const statement = this.#statement(name);
    for (const change of changes) {
      await statement.makeRoom(change);
      await this.#change(name, change, statement);
      statement.note(change);
      if (!TELLS_ITSELF.includes(change.kind)) this.target.made?.(alterTable(name, change));
    }
    await statement.send();
  }

  #statement(table: string): AlterStatement {
    return new AlterStatement(this.target, this.schema.quoteTable(table));
  }

  override createEnum(name: string, values: readonly string[]): Promise<void> {
    return this.#enums.create(name, values);
  }

  override dropEnum(name: string): Promise<void> {
    return this.#enums.drop(name);
  }

  /** Swaps the type of every column that uses it: a new value of the type itself could not be used in the same transaction. */
  override async alterEnum(name: string, to: readonly string[], map: Readonly<Record<string, string>>): Promise<void> {
    const schema = await this.target.schema(schemaOf(name) === undefined ? [] : [schemaOf(name) ?? ""]);
    const users = schema.tables.flatMap((table) =>
      table.columns
        .filter((column) => column.enumValues && typeName(column.type) === name)
        .map((column) => ({ table, column })),
    );
    const between = `${name}__new`;
    await this.createEnum(between, to);
    for (const { table, column } of users) {
      const after = { ...column, enumValues: [...to] };
      const statement = this.#statement(table.name);
      this.#swapType(statement, { before: column, after, element: this.schema.quoteTable(between), map });
      await statement.send();
    }
    await this.dropEnum(name);
    await this.#enums.renameType(between, name);
    this.target.made?.({ kind: "alterEnum", name, from: [], to: [...to] });
  }

  async #change(name: string, change: TableChange, statement: AlterStatement): Promise<void> {
    const quote = (column: string): string => this.schema.sql.quote(column);
    switch (change.kind) {
      case "addColumn":
        return this.#addColumn(name, change, statement);
      case "dropColumn": {
        const column = (await this.target.table(name))?.columns.find((candidate) => candidate.name === change.name);
        statement.add(`DROP COLUMN ${quote(change.name)}`);
        this.target.made?.(alterTable(name, change));
        if (column?.enumValues === undefined) return;
        await statement.send();
        return this.#enums.dropUnused(column);
      }
      case "renameColumn": {
        const column = (await this.target.table(name))?.columns.find((candidate) => candidate.name === change.from);
        await this.#rename(name, `RENAME COLUMN ${quote(change.from)} TO ${quote(change.to)}`, statement);
        this.target.made?.(alterTable(name, change));
        if (column) await this.#enums.renameWithColumn(column, name, change.from, name, change.to);
        return;
      }
      case "alterColumn":
        return this.#alterColumn(name, change, statement);
      case "createUnique": {
        const { name: constraint, columns, deferrable } = change.unique;
        const when = deferrable === undefined ? "" : ` DEFERRABLE INITIALLY ${deferrable.toUpperCase()}`;
        statement.add(`ADD ${this.schema.named(constraint)}UNIQUE (${this.schema.quoteNames(columns)})${when}`);
        return;
      }
      case "createCheck":
        statement.add(`ADD ${this.schema.named(change.check.name)}CHECK (${change.check.expression})`);
        return;
      case "createForeignKey":
        statement.add(`ADD ${this.schema.foreignKey(change.foreignKey)}`);
        return;
      case "createPrimaryKey": {
        const { name: constraint, columns } = change.primaryKey;
        statement.add(`ADD ${this.schema.named(constraint)}PRIMARY KEY (${this.schema.quoteNames(columns)})`);
        return;
      }
      case "dropConstraint":
        statement.add(`DROP CONSTRAINT ${quote(await this.#nameOf(name, change))}`);
        return;
      case "renameConstraint":
        return this.#rename(name, `RENAME CONSTRAINT ${quote(change.from)} TO ${quote(change.to)}`, statement);
      case "createIndex": {
        const sql = this.schema.createIndex(name, change.index, change.concurrently);
        statement.addBehind(change.ifNotExists ? sql.replace(/(INDEX(?: CONCURRENTLY)?) /, "$1 IF NOT EXISTS ") : sql);
        return;
      }
      case "dropIndex": {
        const options = `${change.concurrently ? "CONCURRENTLY " : ""}${change.ifExists ? "IF EXISTS " : ""}`;
        return statement.execute(`DROP INDEX ${options}${this.#besides(name, change.name)}`);
      }
      case "renameIndex":
        return statement.execute(`ALTER INDEX ${this.#besides(name, change.from)} RENAME TO ${quote(change.to)}`);
      case "commentTable":
        statement.addBehind(this.schema.comment("TABLE", this.schema.quoteTable(name), change.comment ?? undefined));
    }
  }

  /** A new name cannot be one clause among others. */
  #rename(table: string, clause: string, statement: AlterStatement): Promise<void> {
    return statement.execute(`ALTER TABLE ${this.schema.quoteTable(table)} ${clause}`);
  }

  async #nameOf(table: string, change: Extract<TableChange, { kind: "dropConstraint" }>): Promise<string> {
    return change.name ?? this.constraintName(await this.requireTable(table), change);
  }

  /** The name of an index, in the schema of its table. */
  #besides(table: string, index: string): string {
    const schema = schemaOf(table);
    return schema === undefined
      ? this.schema.sql.quote(index)
      : `${this.schema.sql.quote(schema)}.${this.schema.sql.quote(index)}`;
  }

  async #addColumn(
    table: string,
    { column, fill }: Extract<TableChange, { kind: "addColumn" }>,
    statement: AlterStatement,
  ): Promise<void> {
    const name = this.schema.sql.quote(column.name);
    await this.#enums.createMissing([column]);
    const isLater = fill !== undefined && !column.nullable;
    statement.add(`ADD COLUMN ${this.schema.columnDefinition(isLater ? { ...column, nullable: true } : column)}`);
    if (fill) await statement.execute(`UPDATE ${this.schema.quoteTable(table)} SET ${name} = ${fill.sql}`);
    if (isLater) statement.add(`ALTER COLUMN ${name} SET NOT NULL`);
    if (column.comment) statement.addBehind(this.#comment(table, column));
  }

  #comment(table: string, column: Column): string {
    const where = `${this.schema.quoteTable(table)}.${this.schema.sql.quote(column.name)}`;
    return this.schema.comment("COLUMN", where, column.comment);
  }

  async #alterColumn(table: string, change: AlterColumn, statement: AlterStatement): Promise<void> {
    const before = this.requireColumn(await this.requireTable(table), change.name);
    const after = patched(before, change.to);
    const name = this.schema.sql.quote(change.name);
    const clause = (text: string): void => statement.add(`ALTER COLUMN ${name} ${text}`);
    const retypes = change.to.type !== undefined && !this.schema.sameType(before, after);
    if (retypes) await this.#retype(table, before, after, change, statement);
    else if (change.to.collation !== undefined)
      clause(`TYPE ${before.type} COLLATE ${this.schema.sql.quote(after.collation ?? "default")}`);
    if (change.to.default !== undefined)
      clause(after.default === undefined ? "DROP DEFAULT" : `SET DEFAULT ${after.default}`);
    if (change.fill) {
      await statement.execute(
        `UPDATE ${this.schema.quoteTable(table)} SET ${name} = ${change.fill.sql} WHERE ${name} IS NULL`,
      );
    }
    if (after.nullable !== before.nullable) clause(after.nullable ? "DROP NOT NULL" : "SET NOT NULL");
    if (change.to.autoIncrement !== undefined && (before.autoIncrement ?? false) !== change.to.autoIncrement) {
      await this.#number(table, before, change.to.autoIncrement, statement);
    }
    if (change.to.generated === null) clause("DROP EXPRESSION");
    if (change.to.comment !== undefined) statement.addBehind(this.#comment(table, after));
  }

  /** Gives the column a sequence that begins behind the greatest value, or takes it away. */
  async #number(table: string, column: Column, on: boolean, statement: AlterStatement): Promise<void> {
    const sequence = this.#besides(table, `${bareName(table)}_${column.name}_seq`);
    const name = this.schema.sql.quote(column.name);
    if (!on) {
      statement.add(`ALTER COLUMN ${name} ${column.identity === undefined ? "DROP DEFAULT" : "DROP IDENTITY"}`);
      if (column.identity === undefined) await statement.execute(`DROP SEQUENCE IF EXISTS ${sequence}`);
      return;
    }
    const quotedTable = this.schema.quoteTable(table);
    await statement.execute(`CREATE SEQUENCE ${sequence} OWNED BY ${quotedTable}.${name}`);
    await statement.execute(
      `SELECT setval(${this.schema.sql.literal(sequence)}, coalesce(max(${name}), 0) + 1, false) FROM ${quotedTable}`,
    );
    statement.add(`ALTER COLUMN ${name} SET DEFAULT nextval(${this.schema.sql.literal(sequence)}::regclass)`);
  }

  async #retype(
    table: string,
    before: Column,
    after: Column,
    change: AlterColumn,
    statement: AlterStatement,
  ): Promise<void> {
    // A new default is set once the type is the new one.
    const swap = { before, after, using: change.using, dropsDefault: change.to.default !== undefined };
    if (before.enumValues && after.enumValues) {
      // The type keeps its name: a table that was renamed goes on with the type of its first name.
      const name = typeName(before.type);
      const between = `${name}__new`;
      if (await this.#enums.isShared(table, before)) {
        await this.#enums.createMissing([after]);
        return this.#swapType(statement, { ...swap, element: elementType(after.type) });
      }
      await this.createEnum(between, after.enumValues);
      const element = this.schema.quoteTable(between);
      this.#swapType(statement, { ...swap, after: { ...after, type: before.type }, element });
      await statement.send();
      await this.dropEnum(name);
      await this.#enums.renameType(between, name);
      return;
    }
    await this.#enums.createMissing([after]);
    this.#swapType(statement, { ...swap, element: elementType(after.type) });
    const type = { type: after.type, ...(after.enumValues ? { enumValues: after.enumValues } : {}) };
    this.target.made?.(alterTable(table, { kind: "alterColumn", name: before.name, to: { type } }));
    if (before.enumValues) {
      await statement.send();
      await this.#enums.dropUnused(before);
    }
    if (after.autoIncrement && after.identity === undefined) {
      const sequence = this.#besides(table, `${bareName(table)}_${after.name}_seq`);
      const type = this.schema.normalType(after.type);
      if (/^(small|big)?int(eger)?$/.test(type))
        await statement.execute(`ALTER SEQUENCE IF EXISTS ${sequence} AS ${type}`);
    }
  }

  /** Changes the type of a column; a default that has no cast of its own is taken off and put back. */
  #swapType(statement: AlterStatement, { before, after, element, map = {}, using, dropsDefault }: TypeSwap): void {
    const column = this.schema.sql.quote(before.name);
    const clause = (text: string): void => statement.add(`ALTER COLUMN ${column} ${text}`);
    const type = element + (/(\[\])+$/.exec(after.type)?.[0] ?? "");
    const hasDefault = before.default !== undefined;
    if (hasDefault) clause("DROP DEFAULT");
    const collation = after.collation === undefined ? "" : ` COLLATE ${this.schema.sql.quote(after.collation)}`;
    const how = using ?? this.#cast(before, after, column, type, map);
    clause(`TYPE ${type}${collation}${how === undefined ? "" : ` USING ${how}`}`);
    if (hasDefault && !dropsDefault && after.default !== undefined)
      clause(`SET DEFAULT ${this.#recast(after.default, map)}`);
  }

  /** The expression that turns a value into one of the new type, where assignment alone does not. */
  #cast(
    before: Column,
    after: Column,
    column: string,
    type: string,
    map: Readonly<Record<string, string>>,
  ): string | undefined {
    if (before.enumValues !== undefined || after.enumValues !== undefined) {
      const text = type.endsWith("[]") ? `${column}::text[]` : `${column}::text`;
      const renamed = Object.entries(map).map(
        ([from, to]) => `WHEN ${this.schema.sql.literal(from)} THEN ${this.schema.sql.literal(to)}`,
      );
      return renamed.length === 0
        ? `${text}::${type}`
        : `(CASE ${text} ${renamed.join(" ")} ELSE ${text} END)::${type}`;
    }
    const [from, to] = [family(this.schema.normalType(before.type)), family(this.schema.normalType(after.type))];
    // An explicit cast would cut text that is too long; assignment refuses it.
    if (from === to || to === "text") return undefined;
    if (from === "number" && to === "boolean") return `${column} <> 0`;
    if (from === "boolean" && to === "number") return `${column}::integer::${type}`;
    return `${column}::${type}`;
  }

  /** A default without the cast to the type that it had; a value that goes becomes what it is mapped to. */
  #recast(text: string, map: Readonly<Record<string, string>>): string {
    const bare = /^('(?:[^']|'')*')::[\w\s".]+(?:\([\d,]+\))?(?:\[\])*$/.exec(text)?.[1] ?? text;
    const renamed = map[bare.slice(1, -1).replaceAll("''", "'")];
    return bare.startsWith("'") && renamed !== undefined ? this.schema.sql.literal(renamed) : bare;
  }
}

/** A change of a column's type. */
interface TypeSwap {
  before: Column;
  after: Column;
  /** The new type, or that of an array's elements. */
  element: string;
  /** What becomes of values that go. */
  map?: Readonly<Record<string, string>>;
  using?: string | undefined;
  /** The default that there was does not come back. */
  dropsDefault?: boolean;
}

/** Changes that tell the target themselves, because more follows that must know. */
const TELLS_ITSELF: readonly TableChange["kind"][] = ["dropColumn", "renameColumn"];

/** Types among which a value can be assigned without a cast being written. */
function family(type: string): string {
  if (type.endsWith("[]")) return type;
  if (/^(character|text|citext)/.test(type)) return "text";
  if (/^(smallint|integer|bigint|numeric|real|double precision)/.test(type)) return "number";
  if (/^(timestamp|date)/.test(type)) return "date";
  if (/^time/.test(type)) return "time";
  if (/^jsonb?$/.test(type)) return "json";
  return type.replace(/\(.*/, "");
}
