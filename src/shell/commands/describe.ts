import type { Mapper } from "../../mapper/mapper";
import { ArgumentError, nearestName } from "../../errors";
import { isForPeople } from "../../render/render-options";
import { resultSetOf } from "../../render/result-set";
import { reflect } from "../../schema/reflect";
import type { Index, Table } from "../../schema/schema";
import type { Command } from "./command";
import type { DatabaseShell } from "./database-commands";

/** What is told of one model. */
interface Description {
  model: string;
  table: string;
  columns: Record<string, unknown>[];
  indexes: Record<string, unknown>[];
  relationships: Record<string, unknown>[];
}

/** `.describe Model`: columns, keys, indexes and relationships. */
export function describeCommand(shell: Pick<DatabaseShell, "database">): Command {
  return {
    name: "describe",
    subject: "models",
    usage: ".describe Model",
    description: "a model's columns, types, keys, indexes and relationships",
    help: "The types are those of the table in the database, where it is there.\nExample: .describe User",
    async execute(argument, host) {
      const mapper = mapperNamed(shell, argument);
      const table = await tableOf(shell, mapper);
      const description = describe(mapper, table);
      if (!isForPeople(host.context.settings.format)) return host.show(description);
      const { columns, indexes, relationships } = description;
      const place = table === undefined ? " (the table is not there)" : "";
      await host.show(resultSetOf(columns, { title: `${mapper.name} · table ${mapper.tableName}${place}` }));
      if (indexes.length > 0) await host.show(resultSetOf(indexes, { title: "indexes" }));
      if (relationships.length > 0) await host.show(resultSetOf(relationships, { title: "relationships" }));
    },
    complete: () => Object.keys(shell.database.models),
  };
}

/** The mapper of a model, by the model's name or its table's. @throws ArgumentError for a name that is neither */
export function mapperNamed({ database }: Pick<DatabaseShell, "database">, name: string): Mapper {
  const mappers = [...database.mappers()];
  const names = mappers.map((mapper) => mapper.name);
  const found =
    mappers.find((mapper) => mapper.name === name || `${mapper.name}Model` === name) ??
    mappers.find((mapper) => mapper.tableName === name) ??
    mappers.find((mapper) => mapper.name.toLowerCase() === name.toLowerCase());
  if (found) return found;
  const near = name === "" ? undefined : nearestName(name, names);
  throw new ArgumentError(name === "" ? "Expected a model, got nothing." : `There is no model "${name}".`, {
    hint: near === undefined ? `one of ${names.join(", ")}` : `did you mean "${near}"?`,
  });
}

/** The table of a model as it is in the database; undefined where it is not there. */
async function tableOf({ database }: Pick<DatabaseShell, "database">, mapper: Mapper): Promise<Table | undefined> {
  const name = mapper.schema === undefined ? mapper.tableName : `${mapper.schema}.${mapper.tableName}`;
  const options = { tables: [mapper.tableName], ...(mapper.schema === undefined ? {} : { schemas: [mapper.schema] }) };
  const { tables } = await reflect(database.session.connection, options);
  return tables.find((table) => table.name === name) ?? tables.find((table) => table.name === mapper.tableName);
}

function describe(mapper: Mapper, table: Table | undefined): Description {
  const columns = mapper.attributes.map((attribute) => {
    const column = table?.columns.find(({ name }) => name === attribute.column);
    return {
      attribute: attribute.name,
      column: attribute.column,
      type: column?.type ?? attribute.bulk.sqlType,
      null: !attribute.primaryKey && (column?.nullable ?? attribute.nullable),
      default: column?.default ?? null,
      key: keyOf(attribute.column, attribute.primaryKey, table),
    };
  });
  return {
    model: mapper.name,
    table: mapper.tableName,
    columns,
    indexes: [
      ...(table?.uniques ?? []).map(({ name, columns: on }) => ({
        name: name ?? null,
        on: on.join(", "),
        unique: true,
        where: null,
      })),
      ...(table?.indexes ?? []).map((index) => ({
        name: index.name,
        on: partsOf(index),
        unique: index.unique,
        where: index.where ?? null,
      })),
    ],
    relationships: [...mapper.relationships].map(([name, relationship]) => ({
      name,
      to: relationship.target.name,
      many: relationship.toMany,
      through: relationship.through?.name ?? null,
    })),
  };
}

/** `primary key`, `unique`, `→ roles.id`: what a column means for keys. */
function keyOf(column: string, isPrimary: boolean, table: Table | undefined): string {
  const foreign = (table?.foreignKeys ?? [])
    .filter(({ columns }) => columns.includes(column))
    .map(({ columns, references }) => `→ ${references.table}.${references.columns[columns.indexOf(column)] ?? "?"}`);
  const isUnique =
    table?.uniques.some(({ columns }) => columns.length === 1 && columns[0] === column) === true ||
    table?.indexes.some(({ unique, columns }) => unique && columns.length === 1 && columns[0]?.column === column) ===
      true;
  return [...(isPrimary ? ["primary key"] : []), ...(isUnique ? ["unique"] : []), ...foreign].join(", ");
}

function partsOf({ columns }: Index): string {
  return columns
    .map(({ column, expression, descending }) => `${column ?? expression ?? ""}${descending ? " DESC" : ""}`)
    .join(", ");
}
