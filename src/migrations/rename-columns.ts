import type { Table } from "../schema/schema";
import { tokenize } from "../schema/sql-tokens";

/** The table with its columns renamed wherever they are named; texts of expressions stay as they are. */
export function renameColumns(table: Table, renames: ReadonlyMap<string, string>): Table {
  if (renames.size === 0) return table;
  const rename = (name: string): string => renames.get(name) ?? name;
  const inText = (text: string): string => renameInText(text, renames);
  return {
    ...table,
    columns: table.columns.map((column) => ({
      ...column,
      name: rename(column.name),
      ...(column.generated
        ? { generated: { ...column.generated, expression: inText(column.generated.expression) } }
        : {}),
    })),
    ...(table.primaryKey ? { primaryKey: { ...table.primaryKey, columns: table.primaryKey.columns.map(rename) } } : {}),
    uniques: table.uniques.map((unique) => ({ ...unique, columns: unique.columns.map(rename) })),
    foreignKeys: table.foreignKeys.map((foreignKey) => ({
      ...foreignKey,
      columns: foreignKey.columns.map(rename),
      references:
        foreignKey.references.table === table.name
          ? { table: table.name, columns: foreignKey.references.columns.map(rename) }
          : foreignKey.references,
    })),
    checks: table.checks.map((check) => ({
      ...check,
      expression: inText(check.expression),
      ...(check.column === undefined ? {} : { column: rename(check.column) }),
    })),
    indexes: table.indexes.map((index) => ({
      ...index,
      columns: index.columns.map((part) => ({
        ...part,
        ...(part.column === undefined ? {} : { column: rename(part.column) }),
        ...(part.expression === undefined ? {} : { expression: inText(part.expression) }),
      })),
      ...(index.where === undefined ? {} : { where: inText(index.where) }),
      ...(index.include ? { include: index.include.map(rename) } : {}),
    })),
  };
}

/** The SQL text with the names replaced wherever they stand as names. */
function renameInText(text: string, renames: ReadonlyMap<string, string>): string {
  return tokenize(text)
    .map((token) => {
      if (token.kind === "word") return renames.get(token.text) ?? token.text;
      if (token.kind !== "name") return token.text;
      const quote = token.text[0] ?? "";
      const to = renames.get(token.text.slice(1, -1));
      return to === undefined ? token.text : quote + to + (quote === "[" ? "]" : quote);
    })
    .join("");
}
