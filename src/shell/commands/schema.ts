import { ArgumentError, nearestName } from "../../errors";
import { resultSetOf } from "../../render/result-set";
import { schemaDialectOf } from "../../schema/dialects/dialects";
import { reflect } from "../../schema/reflect";
import type { Schema, Table } from "../../schema/schema";
import type { Command } from "./command";
import type { DatabaseShell } from "./database-commands";

/** `.tables`: what the database holds. */
export function tablesCommand(shell: Pick<DatabaseShell, "database">): Command {
  return {
    name: "tables",
    subject: "models",
    usage: ".tables",
    description: "the tables and views of the database with their models and row counts",
    help: "Tables without a model are listed too. The rows are counted now.",
    async execute(_argument, host) {
      const { database } = shell;
      const { connection } = database.session;
      const { tables, views } = await reflect(connection);
      const models = new Map(
        [...database.mappers()].flatMap((mapper) => [
          [mapper.tableName, mapper.name] as const,
          [`${mapper.schema ?? ""}.${mapper.tableName}`, mapper.name] as const,
        ]),
      );
      const rows = [];
      for (const [kind, relations] of [
        ["table", tables],
        ["view", views],
      ] as const) {
        for (const { name } of relations) {
          const counted = await connection.count(`SELECT count(*) AS n FROM ${quoted(shell, name)}`).catch(() => null);
          rows.push({ name, kind, model: models.get(name) ?? null, rows: counted });
        }
      }
      await host.show(rows.length === 0 ? [] : resultSetOf(rows));
    },
  };
}

/** `.schema [TABLE]`: the statements that make the tables. */
export function schemaCommand(shell: Pick<DatabaseShell, "database">): Command {
  return {
    name: "schema",
    subject: "models",
    usage: ".schema [TABLE]",
    description: "the statements that make the tables, or one table or view",
    help: "As the database keeps them, where it does; otherwise as they would be written.\nExample: .schema users",
    async execute(argument, host) {
      const { database } = shell;
      const schema = await reflect(database.session.connection);
      const model = [...database.mappers()].find(({ name }) => name === argument);
      const wanted = model?.tableName ?? argument;
      const statements = statementsOf(shell, schema, wanted === "" ? undefined : wanted);
      if (statements.length === 0 && wanted !== "") {
        const names = [...schema.tables, ...schema.views].map(({ name }) => name);
        const near = nearestName(wanted, names);
        throw new ArgumentError(`There is no table "${wanted}".`, {
          hint: near === undefined ? ".tables lists them" : `did you mean "${near}"?`,
        });
      }
      if (statements.length > 0) host.print(statements.map((sql) => `${sql.replace(/;?\s*$/, "")};`).join("\n"));
    },
    complete: async () => {
      const { tables, views } = await reflect(shell.database.session.connection);
      return [...tables, ...views].map(({ name }) => name);
    },
  };
}

function statementsOf(shell: Pick<DatabaseShell, "database">, schema: Schema, only: string | undefined): string[] {
  const dialect = schemaDialectOf(shell.database.dialect);
  const tables = schema.tables.filter(({ name }) => only === undefined || name === only);
  const views = schema.views.filter(({ name }) => only === undefined || name === only);
  const types = only === undefined ? schema.enums : schema.enums.filter(({ name }) => usesType(tables, name));
  return [
    ...types.map(
      ({ name, values }) =>
        `CREATE TYPE ${quoted(shell, name)} AS ENUM (${values.map((value) => shell.database.dialect.literal(value)).join(", ")})`,
    ),
    ...tables.flatMap((table) =>
      table.sql === undefined
        ? [...dialect.createTable(table), ...table.indexes.map((index) => dialect.createIndex(table.name, index))]
        : [
            table.sql,
            ...table.indexes.flatMap(({ sql }) => (sql === undefined ? [] : [sql])),
            ...table.triggers.map(({ sql }) => sql),
          ],
    ),
    ...views.map(({ name, sql }) => (/^\s*CREATE\b/i.test(sql) ? sql : `CREATE VIEW ${quoted(shell, name)} AS ${sql}`)),
  ];
}

function usesType(tables: readonly Table[], name: string): boolean {
  return tables.some(({ columns }) => columns.some(({ type }) => type.replaceAll('"', "") === name));
}

/** A table's name, perhaps with its schema, as it stands in statements. */
function quoted({ database }: Pick<DatabaseShell, "database">, name: string): string {
  return name
    .split(".")
    .map((part) => database.dialect.identifier(part))
    .join(".");
}
