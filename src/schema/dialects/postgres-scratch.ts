import { randomBytes } from "node:crypto";
import type { Connection } from "../../driver/connection";
import { ShellError } from "../../errors";
import type { Column, Index, Schema, Table } from "../schema";
import { emptyTable, findColumn } from "../schema";
import type { PostgresSchemaDialect } from "./postgres";
import { readPlainIndex } from "./postgres-index-text";
import { MAX_NAME_BYTES, bareName, schemaOf } from "./postgres-names";
import { isSerial, serialType } from "./postgres-types";
import type { IndexStatement, ScratchRequest } from "./schema-dialect";
import { forEachTable, scratchTable } from "./schema-dialect";

/**
 * Makes the tables in a schema of their own, or where the role may make none in that of temporary tables, reads them and
 * undoes everything.
 *
 * A table takes the server as long as a hundred columns: only those are made that it has something to tell of as a whole. Of
 * all others the columns stand in one table, those of the same type and default once.
 *
 * @throws {ShellError} naming the table that the database refuses
 */
export async function materialize(
  dialect: PostgresSchemaDialect,
  { connection, tables, indexes }: ScratchRequest,
): Promise<Schema> {
  if (tables.length === 0) return { tables: [], views: [], enums: [] };
  const place = await ScratchPlace.find(dialect, connection, tables);
  return undone(connection, async () => {
    await place.open();
    const models = tables.map((table) => new ScratchModel(table, indexes.get(table.name) ?? [], place));
    const known = await readTogether(
      dialect,
      connection,
      models.filter((model) => model.isPlain),
    );
    const apart = models.filter((model) => !known.has(model));
    const made = new Map(apart.map((model) => [model.table, model]));
    await forEachTable([...made.keys()], async (table) => {
      await connection.run(made.get(table)?.statements(dialect) ?? "");
    });
    const read = apart.length === 0 ? { tables: [], views: [], enums: [] } : await place.read();
    for (const model of apart) model.complete(read.tables.find(({ name }) => name === model.table.name));
    return { ...read, tables: [...read.tables, ...known.values()] };
  });
}

/** Where the tables are made: a schema for each schema that the models name, the first for those of bare names. */
class ScratchPlace {
  private constructor(
    readonly dialect: PostgresSchemaDialect,
    readonly connection: Connection,
    readonly makesSchemas: boolean,
    readonly schemas: readonly (string | undefined)[],
    readonly name: string,
  ) {}

  /** @throws {ShellError} where the models name schemas and the role may make none */
  static async find(
    dialect: PostgresSchemaDialect,
    connection: Connection,
    tables: readonly Table[],
  ): Promise<ScratchPlace> {
    const [role] = await connection.all(
      "SELECT current_user AS name, has_database_privilege(current_database(), 'CREATE') AS makes_schemas",
    );
    const makesSchemas = role?.["makes_schemas"] === true;
    const schemas = [undefined, ...new Set(tables.flatMap((table) => schemaOf(table.name) ?? []))];
    if (!makesSchemas && schemas.length > 1) {
      const name = String(role?.["name"]);
      throw new ShellError(`Cannot compare models of several schemas: role "${name}" may not make schemas.`, {
        hint: `GRANT CREATE ON DATABASE … TO ${dialect.sql.quote(name)}`,
      });
    }
    const name = makesSchemas ? `_mig_scratch_${randomBytes(6).toString("hex")}` : "pg_temp";
    return new ScratchPlace(dialect, connection, makesSchemas, schemas, name);
  }

  /** The schema in place of another. */
  of(schema: string | undefined): string {
    return schema === undefined ? this.name : `${this.name}_${this.schemas.indexOf(schema)}`;
  }

  /** Makes the schemas and lets bare names mean the first; in the transaction that undoes it. */
  async open(): Promise<void> {
    const [row] = await this.connection.all("SHOW search_path");
    const path = this.schemas.map((schema) => this.of(schema));
    if (this.makesSchemas) for (const schema of path) await this.connection.run(`CREATE SCHEMA ${schema}`);
    await this.connection.run(`SET LOCAL search_path = ${path.join(", ")}, ${String(row?.["search_path"])}`);
  }

  /** Everything that was made, under the names that the models have for it. */
  async read(): Promise<Schema> {
    const others = this.schemas.filter((schema) => schema !== undefined);
    const schema = await this.dialect.read(this.connection, { schemas: others.map((name) => this.of(name)) });
    for (const table of schema.tables) {
      const home = others.find((name) => schemaOf(table.name) === this.of(name));
      if (home !== undefined) table.name = `${home}.${bareName(table.name)}`;
    }
    return schema;
  }
}

/** A model's table on its way through the scratch place. */
class ScratchModel {
  /** The table without what would be an index or a sequence of its own. */
  readonly #stripped: Table;
  /** Indexes of which the server would tell nothing new. */
  readonly #plainIndexes: Index[] = [];
  readonly #statements: string[] = [];

  constructor(
    readonly table: Table,
    indexes: readonly IndexStatement[],
    place: ScratchPlace,
  ) {
    const schema = schemaOf(table.name);
    this.#stripped = withoutKeys(moveTable(table, schema, place.of(schema)));
    for (const statement of indexes) {
      const text = statement(bareName(table.name), place.of(schema));
      // An index takes as long as a table.
      const plain = readPlainIndex(text, table);
      if (plain) this.#plainIndexes.push(plain);
      else this.#statements.push(text);
    }
  }

  /** Whether the server has nothing to tell of it but the types and defaults of its columns, one by one. */
  get isPlain(): boolean {
    const { columns, checks, name } = this.#stripped;
    const names = [bareName(name), ...columns.map((column) => column.name)];
    return (
      checks.length === 0 &&
      this.#statements.length === 0 &&
      columns.every(({ enumValues, generated, identity }) => !enumValues && !generated && !identity) &&
      // Others it cuts, or refuses.
      names.every((text) => Buffer.byteLength(text) <= MAX_NAME_BYTES) &&
      new Set(columns.map((column) => column.name)).size === columns.length
    );
  }

  get columns(): readonly Column[] {
    return this.#stripped.columns;
  }

  /** The statements that make it. */
  statements(dialect: PostgresSchemaDialect): string {
    const made = [...dialect.createEnums(this.columns), ...dialect.createTable(this.#stripped)];
    return [...made, ...this.#statements].join(";\n");
  }

  /** The table of the columns as the server spells them. */
  tableOf(spelled: (column: Column) => Column): Table {
    const table = emptyTable(this.table.name);
    if (this.#stripped.comment) table.comment = this.#stripped.comment;
    table.columns = this.columns.map((column) => {
      const { name, nullable, comment } = column;
      return { ...spelled(column), name, nullable, ...(comment ? { comment } : {}) };
    });
    this.complete(table);
    return table;
  }

  /** Gives a table that was read what was not made of it. */
  complete(table: Table | undefined): void {
    if (table === undefined) return;
    if (this.table.primaryKey) table.primaryKey = { columns: [...this.table.primaryKey.columns] };
    table.uniques = scratchTable(this.table, table.name).uniques;
    for (const column of table.columns) {
      const model = findColumn(this.table, column.name);
      if (model && isSerial(model)) column.autoIncrement = true;
    }
    table.indexes = [...table.indexes, ...this.#plainIndexes].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/** Columns of one table at the most; the server takes 1600. */
const COLUMNS_PER_TABLE = 1000;
const TOGETHER = "_mig_columns";

/** The tables of the plain models, by what the server says of all their columns together; none where it refuses one. */
async function readTogether(
  dialect: PostgresSchemaDialect,
  connection: Connection,
  models: readonly ScratchModel[],
): Promise<Map<ScratchModel, Table>> {
  if (models.length === 0) return new Map();
  const keyOf = ({ type, collation, default: value }: Column): string => JSON.stringify([type, collation, value]);
  const different = new Map<string, Column>();
  for (const column of models.flatMap((model) => model.columns)) {
    const { type, collation, default: value } = column;
    const name = `c${different.size}`;
    if (different.has(keyOf(column))) continue;
    different.set(keyOf(column), {
      name,
      type,
      nullable: true,
      ...(collation === undefined ? {} : { collation }),
      ...(value === undefined ? {} : { default: value }),
    });
  }
  const columns = [...different.values()];
  const tables: Table[] = [];
  for (let start = 0; start < columns.length; start += COLUMNS_PER_TABLE) {
    const name = `${TOGETHER}_${tables.length}`;
    tables.push({ ...emptyTable(name), columns: columns.slice(start, start + COLUMNS_PER_TABLE) });
  }
  await connection.savepoint(TOGETHER);
  try {
    await connection.run(tables.flatMap((table) => dialect.createTable(table)).join(";\n"));
  } catch {
    // Which table it is comes out when each is made by itself.
    await connection.rollbackTo(TOGETHER);
    return new Map();
  }
  const read = await dialect.read(connection, { tables: tables.map(({ name }) => name) });
  await connection.rollbackTo(TOGETHER);
  const spelled = new Map(read.tables.flatMap((table) => table.columns).map((column) => [column.name, column]));
  const spell = (column: Column): Column => spelled.get(different.get(keyOf(column))?.name ?? "") ?? column;
  return new Map(models.map((model) => [model, model.tableOf(spell)]));
}

/** The table in the scratch schema, and its enumerated types with it. */
function moveTable(table: Table, schema: string | undefined, scratch: string): Table {
  const move = (column: Column): Column =>
    column.enumValues === undefined || schema === undefined
      ? column
      : { ...column, type: column.type.replace(`"${schema}".`, `${scratch}.`) };
  const name = schema === undefined ? table.name : `${scratch}.${bareName(table.name)}`;
  return { ...scratchTable(table, name), columns: table.columns.map(move) };
}

/**
 * The table without keys and numbered columns: each would be an index or a sequence of its own, which take most of the time,
 * and a reader has nothing to add to them.
 */
function withoutKeys(table: Table): Table {
  const { primaryKey, ...rest } = table;
  return {
    ...rest,
    uniques: [],
    columns: table.columns.map((column) => {
      const nullable = column.nullable && !primaryKey?.columns.includes(column.name);
      if (!isSerial(column)) return { ...column, nullable };
      return { ...column, nullable: false, autoIncrement: false, type: serialType(column) };
    }),
  };
}

/** Runs `work` in a transaction, or behind a savepoint of the open one, that is always rolled back. */
async function undone<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
  const inside = connection.inTransaction;
  const savepoint = "_mig_scratch";
  await (inside ? connection.savepoint(savepoint) : connection.begin());
  try {
    return await work();
  } finally {
    await (inside ? connection.rollbackTo(savepoint) : connection.rollback());
  }
}
