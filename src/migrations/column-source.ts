import type { SchemaDialect } from "../schema/dialects/schema-dialect";
import type { Column, ForeignKey } from "../schema/schema";
import { fragmentSource } from "../schema/sql-fragment";
import type { AlterColumn, ColumnPatch, Fill } from "./operation";
import type { Source } from "./source-text";
import { flag, objectSource, quote, text } from "./source-text";

/** A column as an object of options. */
export function columnSource(
  column: Column,
  dialect: SchemaDialect,
  more: { primaryKey?: boolean; references?: ForeignKey; fill?: Fill | "missing"; after?: string } = {},
): Source {
  const { references: key } = more;
  return objectSource({
    type: column.source?.type ?? dialect.typeSource(column),
    primaryKey: flag(more.primaryKey),
    autoIncrement: flag(column.autoIncrement),
    autoIncrementIdentity: flag(column.identity !== undefined),
    allowNull: column.nullable ? undefined : "false",
    default: defaultSource(column, dialect),
    generatedAs: column.generated && generatedSource(column.generated),
    collate: column.source ? text(column.source.collation) : text(column.collation),
    comment: text(column.comment),
    references:
      key &&
      objectSource({
        table: quote(key.references.table),
        column: quote(key.references.columns[0] ?? "id"),
        ...actions(key),
        name: text(key.name),
      }),
    fill:
      more.fill === "missing" ? "undefined /* TODO: the value of existing rows */" : more.fill && fillSource(more.fill),
    after: text(more.after),
  });
}

function generatedSource(generated: NonNullable<Column["generated"]>): Source {
  return objectSource({ expression: quote(generated.expression), stored: generated.stored ? undefined : "false" });
}

function fillSource(fill: Fill): string {
  return fill.source ?? fragmentSource(fill.sql);
}

function defaultSource(column: Column, dialect: SchemaDialect): string | undefined {
  if (column.default === undefined) return undefined;
  const type = column.source?.type ?? dialect.typeSource(column);
  return column.source?.default ?? literalSource(dialect.normalDefault(column), column.default, type);
}

/** A default that is a plain number or text, as a value where the type takes it as it is; everything else as SQL. */
function literalSource(normal: string | undefined, sql: string, type: string | undefined): string {
  const isNumber = /^-?\d+(?:\.\d+)?$/.test(normal ?? "") && (normal ?? "").length < 15;
  if (isNumber && normal && /^$|INTEGER|INT\b|DECIMAL|FLOAT|DOUBLE|REAL/.test(type ?? "")) return normal;
  const plain = /^'((?:[^'\\]|'')*)'$/.exec(normal ?? "")?.[1];
  const takesText = /^$|DataTypes\.(?:STRING|TEXT|CHAR|CITEXT|ENUM)\b/.test(type ?? "");
  return plain !== undefined && takesText ? quote(plain.replaceAll("''", "'")) : fragmentSource(sql);
}

/** What follows when the row that a foreign key refers to goes or changes, as options. */
export function actions(key: ForeignKey): Record<string, Source | undefined> {
  return {
    onDelete: key.onDelete === "NO ACTION" ? undefined : quote(key.onDelete),
    onUpdate: key.onUpdate === "NO ACTION" ? undefined : quote(key.onUpdate),
    deferrable: text(key.deferrable),
  };
}

/** A change of a column as an object of options. */
export function alterSource({ to, from, using, fill }: AlterColumn, dialect: SchemaDialect): Source {
  const options = patchSource(to, dialect);
  const existing = from && patchSource(from, dialect);
  return objectSource({
    ...options,
    existing: existing && objectSource(existing),
    using: using === undefined ? undefined : fragmentSource(using),
    fill: fill && (fill.sql === "" ? "undefined /* TODO: the value of rows that are NULL */" : fillSource(fill)),
  });
}

function patchSource(patch: ColumnPatch, dialect: SchemaDialect): Record<string, Source | undefined> {
  const { type, nullable, default: value, autoIncrement, comment, collation, generated } = patch;
  const asColumn = (more: Partial<Column>): Column => ({ name: "", type: type?.type ?? "", nullable: true, ...more });
  return {
    type: type && (type.source ?? dialect.typeSource(asColumn(type.enumValues ? { enumValues: type.enumValues } : {}))),
    allowNull: nullable === undefined ? undefined : String(nullable),
    default:
      value === undefined ? undefined : value === null ? "null" : patchedDefault(value, type !== undefined, dialect),
    autoIncrement: autoIncrement === undefined ? undefined : String(autoIncrement),
    comment: comment === undefined ? undefined : comment === null ? "null" : quote(comment),
    collate: collation === undefined ? undefined : collation === null ? "null" : quote(collation),
    generatedAs: generated === undefined ? undefined : generated === null ? "null" : generatedSource(generated),
  };
}

/** Without the column's type only what is no more than a word, a number or a text can be given as a value. */
function patchedDefault(value: { text: string; source?: string }, hasType: boolean, dialect: SchemaDialect): string {
  const isPlain = /^(?:-?[\d.]+|true|false|"(?:[^"\\]|\\.)*"|sql[`(].*)$/s.test(value.source ?? "");
  if (value.source !== undefined && (hasType || isPlain)) return value.source;
  return literalSource(
    dialect.normalDefault({ name: "", type: "", nullable: true, default: value.text }),
    value.text,
    "",
  );
}
