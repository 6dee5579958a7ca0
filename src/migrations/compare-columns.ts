import type { Column, Table } from "../schema/schema";
import { findColumn, isPrimaryKey } from "../schema/schema";
import { flatText, nameOf, tokenize } from "../schema/sql-tokens";
import type { CompareOptions, TableDifference } from "./compare-table";
import type { ColumnPatch } from "./operation";

/** Adds what differs in the columns of the two tables. */
export function compareColumns(
  database: Table,
  model: Table,
  options: CompareOptions,
  difference: TableDifference,
): void {
  const { changes, findings } = difference;
  for (const column of model.columns) {
    const existing = findColumn(database, column.name);
    if (existing === undefined) {
      changes.push({ kind: "addColumn", column });
      findings.push(`Detected added column '${model.name}.${column.name}' (${typeText(column)})`);
    } else if (generatedDiffers(existing, column)) {
      changes.push({ kind: "dropColumn", name: existing.name, column: existing }, { kind: "addColumn", column });
      findings.push(`Detected changed expression of generated column '${model.name}.${column.name}'`);
    } else compareColumn(existing, column, database, model, options, difference);
  }
  for (const column of database.columns) {
    if (findColumn(model, column.name) !== undefined) continue;
    changes.push({ kind: "dropColumn", name: column.name, column });
    findings.push(`Detected removed column '${model.name}.${column.name}'`);
  }
}

function generatedDiffers(database: Column, model: Column): boolean {
  if (model.unspoken?.includes("generated")) return false;
  const text = (column: Column): string =>
    column.generated ? `${column.generated.stored}:${normalExpression(column.generated.expression)}` : "";
  return text(database) !== text(model);
}

function compareColumn(
  existing: Column,
  column: Column,
  database: Table,
  model: Table,
  options: CompareOptions,
  difference: TableDifference,
): void {
  const { dialect } = options;
  const where = `'${model.name}.${column.name}'`;
  const to: ColumnPatch = {};
  const from: ColumnPatch = {};
  const found = (text: string): void => void difference.findings.push(text);
  const isKey = isPrimaryKey(database, existing.name) || isPrimaryKey(model, column.name);
  if (typeDiffers(existing, column, options)) {
    to.type = typePatch(column);
    from.type = typePatch(existing);
    found(`Detected type change from ${typeText(existing)} to ${typeText(column)} on ${where}`);
  }
  if (existing.nullable !== column.nullable && !isKey && !existing.generated) {
    to.nullable = column.nullable;
    from.nullable = existing.nullable;
    found(column.nullable ? `Detected NULL on column ${where}` : `Detected NOT NULL on column ${where}`);
  }
  if (defaultDiffers(existing, column, options)) {
    to.default = defaultPatch(column);
    from.default = defaultPatch(existing);
    found(`Detected server default on column ${where}: ${defaultText(existing)} to ${defaultText(column)}`);
  }
  if (column.autoIncrement && !existing.autoIncrement) {
    to.autoIncrement = true;
    from.autoIncrement = false;
    found(`Detected autoincrement on column ${where}`);
  }
  if (dialect.hasComments && (existing.comment ?? "") !== (column.comment ?? "")) {
    to.comment = column.comment ?? null;
    from.comment = existing.comment ?? null;
    found(`Detected changed comment on column ${where}`);
  }
  const speaksOfCollation = column.collation !== undefined || !column.unspoken?.includes("collation");
  if (speaksOfCollation && (existing.collation ?? "").toLowerCase() !== (column.collation ?? "").toLowerCase()) {
    to.collation = column.collation ?? null;
    from.collation = existing.collation ?? null;
    found(
      `Detected collation change from ${existing.collation ?? "none"} to ${column.collation ?? "none"} on ${where}`,
    );
  }
  if (Object.keys(to).length > 0) difference.changes.push({ kind: "alterColumn", name: column.name, to, from });
}

function typeDiffers(existing: Column, column: Column, options: CompareOptions): boolean {
  if (options.compareType === false) return false;
  const verdict = typeof options.compareType === "function" ? options.compareType(existing, column) : undefined;
  return verdict ?? !options.dialect.sameType(existing, column);
}

function defaultDiffers(existing: Column, column: Column, options: CompareOptions): boolean {
  if (options.compareServerDefault === false || existing.generated || column.autoIncrement || existing.autoIncrement)
    return false;
  const verdict =
    typeof options.compareServerDefault === "function" ? options.compareServerDefault(existing, column) : undefined;
  if (verdict !== undefined) return verdict;
  const [a, b] = [options.dialect.normalDefault(existing), options.dialect.normalDefault(column)];
  return a !== b && !options.equalDefaults.has(`${existing.default}\0${column.default}`);
}

/** The type of a column as a part of a change. */
export function typePatch(column: Column): NonNullable<ColumnPatch["type"]> {
  return {
    type: column.type,
    ...(column.enumValues ? { enumValues: column.enumValues } : {}),
    ...(column.source ? { source: column.source.type } : {}),
  };
}

function defaultPatch(column: Column): NonNullable<ColumnPatch["default"]> | null {
  if (column.default === undefined) return null;
  return { text: column.default, ...(column.source?.default === undefined ? {} : { source: column.source.default }) };
}

export function typeText(column: Column): string {
  return column.enumValues
    ? `ENUM(${column.enumValues.map((value) => `'${value}'`).join(", ")})`
    : column.type.toUpperCase();
}

function defaultText(column: Column): string {
  return column.default === undefined
    ? "none"
    : column.default.startsWith("'")
      ? column.default
      : `'${column.default}'`;
}

/** An expression in the form in which spaces, comments and quotes that a name does not need make no difference. */
export function normalExpression(text: string): string {
  const tokens = tokenize(text).map((token) => {
    const name = nameOf(token);
    return token.kind === "name" && /^[A-Za-z_]\w*$/.test(name) ? { ...token, text: name } : token;
  });
  return flatText(tokens).replace(/\s*([(),])\s*/g, "$1");
}
