import type { PostgresSchemaDialect } from "../../schema/dialects/postgres";
import { bareName, schemaOf } from "../../schema/dialects/postgres-names";
import type { Column, Schema } from "../../schema/schema";
import { sameNames } from "../../schema/schema";
import { MigrationError } from "../migration-error";
import { alterTable } from "../operation";
import type { DdlTarget } from "./dialect";

/** The enumerated types of PostgreSQL, which live beside the tables that use them. */
export class PostgresEnums {
  constructor(
    readonly schema: PostgresSchemaDialect,
    readonly target: DdlTarget,
  ) {}

  async create(name: string, values: readonly string[]): Promise<void> {
    const literals = values.map((value) => this.schema.sql.literal(value)).join(", ");
    await this.target.execute(`CREATE TYPE ${this.schema.quoteTable(name)} AS ENUM (${literals})`);
    this.target.made?.({ kind: "createEnum", name, values: [...values] });
  }

  async drop(name: string): Promise<void> {
    await this.target.execute(`DROP TYPE ${this.schema.quoteTable(name)}`);
    this.target.made?.({ kind: "dropEnum", name });
  }

  async renameType(from: string, to: string): Promise<void> {
    await this.target.execute(
      `ALTER TYPE ${this.schema.quoteTable(from)} RENAME TO ${this.schema.sql.quote(bareName(to))}`,
    );
    if (this.target.made === undefined) return;
    const values = (await this.#around([from])).enums.find((type) => type.name === from)?.values ?? [];
    this.target.made({ kind: "dropEnum", name: from });
    this.target.made({ kind: "createEnum", name: to, values });
  }

  /** Makes the enumerated types of the columns that are not there yet. */
  async createMissing(columns: readonly Column[]): Promise<void> {
    const wanted = columns.filter((column) => column.enumValues !== undefined);
    if (wanted.length === 0) return;
    const known = (await this.#around(wanted.map((column) => typeName(column.type)))).enums;
    const made = new Set<string>();
    for (const column of wanted) {
      const name = typeName(column.type);
      const existing = known.find((candidate) => candidate.name === name);
      if (existing && !sameNames(existing.values, column.enumValues ?? [])) {
        const hint = `op.dropEnum("${name}") or op.alterEnum("${name}", { from, to }) before`;
        throw new MigrationError(
          `Cannot make type "${name}": it exists with the values ${existing.values.join(", ")}.`,
          { hint },
        );
      }
      if (!existing && !made.has(name)) await this.create(name, column.enumValues ?? []);
      made.add(name);
    }
  }

  /** Drops the enumerated type that was made for a column, if no other column has it. */
  async dropUnused(column: Column): Promise<void> {
    if (column.enumValues === undefined) return;
    const name = typeName(column.type);
    // A type that was made by hand goes by hand.
    if (!bareName(name).startsWith("enum_")) return;
    const schema = await this.#around([name]);
    const isUsed = schema.tables.some((table) =>
      table.columns.some((other) => other.enumValues && typeName(other.type) === name),
    );
    if (!isUsed && schema.enums.some((candidate) => candidate.name === name)) await this.drop(name);
  }

  async isShared(table: string, column: Column): Promise<boolean> {
    const name = typeName(column.type);
    const schema = await this.#around([name]);
    return schema.tables.some((other) =>
      other.columns.some(
        (candidate) =>
          candidate.enumValues &&
          typeName(candidate.type) === name &&
          !(other.name === table && candidate.name === column.name),
      ),
    );
  }

  /** Renames the enumerated type with its column, if it is called by the rule. */
  async renameWithColumn(
    column: Column,
    fromTable: string,
    fromColumn: string,
    toTable: string,
    toColumn: string,
  ): Promise<void> {
    if (column.enumValues === undefined) return;
    const name = typeName(column.type);
    if (bareName(name) !== `enum_${bareName(fromTable)}_${fromColumn}`) return;
    const to = `enum_${bareName(toTable)}_${toColumn}`;
    if (to === bareName(name)) return;
    const schema = schemaOf(name);
    const renamed = schema === undefined ? to : `${schema}.${to}`;
    await this.renameType(name, renamed);
    const type = this.schema.quoteTable(renamed) + (/(\[\])+$/.exec(column.type)?.[0] ?? "");
    this.target.made?.(
      alterTable(toTable, {
        kind: "alterColumn",
        name: toColumn,
        to: { type: { type, enumValues: column.enumValues } },
      }),
    );
  }

  /** The schema with the tables and types beside the named types. */
  #around(types: readonly string[]): Promise<Schema> {
    return this.target.schema(types.flatMap((name) => schemaOf(name) ?? []));
  }
}

/** The type of an array's elements, or the type itself. */
export function elementType(type: string): string {
  return type.replace(/(\[\])+$/, "");
}

/** A type's name without quotes and brackets: `hr.enum_people_kind`. */
export function typeName(type: string): string {
  return elementType(type).replaceAll('""', "\0").replaceAll('"', "").replaceAll("\0", '"');
}
