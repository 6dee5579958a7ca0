import type { Bindable, Dialect, ValueKind } from "../driver/dialect";
import type { ParameterNode, ValueNode } from "./node";
import type { SqlParameter, SqlParts } from "./sql-text";

/** Collects a statement as a row of texts and parameters. */
export class SqlWriter {
  readonly dialect: Dialect;
  parts: (string | SqlParameter)[] = [];

  constructor(dialect: Dialect) {
    this.dialect = dialect;
  }

  write(text: string): this {
    this.parts.push(text);
    return this;
  }

  append(parts: SqlParts): this {
    for (const part of parts) this.parts.push(part);
    return this;
  }

  parameter(value: Bindable): this {
    this.parts.push({ value });
    return this;
  }

  /** What `write` writes, kept apart to stand elsewhere. */
  capture(write: () => void): SqlParts {
    const before = this.parts;
    const captured: (string | SqlParameter)[] = (this.parts = []);
    write();
    this.parts = before;
    return captured;
  }

  /** A value that an attribute converted. */
  protected attributeValue({ attribute, value, besideColumn }: ParameterNode): void {
    // A column makes the database read the value by the column's type; beside anything else it must be told.
    const isNumber = attribute.kind === "bigint" || attribute.kind === "decimal";
    const isWide = attribute.kind === "integer" && isTooWide(value, attribute.bulk.sqlType);
    if (isWide && this.dialect.refusesImpossibleValues) this.#typed(value, "bigint");
    else if (besideColumn || !isNumber || typeof value !== "string") this.parameter(value);
    else this.#typed(value, attribute.kind);
  }

  /** A value of no attribute. @param namesText  text must say that it is text */
  protected freeValue({ value, typed, as }: ValueNode, namesText = false): void {
    const bound = this.dialect.bindValue(value as Parameters<Dialect["bindValue"]>[0]);
    const kind = as ?? kindOfValue(value);
    if (kind !== undefined && (typed || kind === "bigint" || as !== undefined)) this.#typed(bound, kind);
    else this.parameter(bound);
    if (namesText && typeof value === "string") this.write(this.dialect.textForm);
  }

  #typed(value: Bindable, kind: ValueKind): void {
    const [before, after] = this.dialect.typedParameter(kind);
    if (before !== "") this.write(before);
    this.parameter(value);
    if (after !== "") this.write(after);
  }
}

function isTooWide(value: Bindable, sqlType: string): boolean {
  if (typeof value === "string") return true;
  return typeof value === "number" && Math.abs(value) >= (/^smallint/i.test(sqlType) ? 2 ** 15 : 2 ** 31);
}

/** What a value is, where the database cannot tell it from the statement; text needs no telling. */
function kindOfValue(value: unknown): ValueKind | undefined {
  switch (typeof value) {
    case "number":
      return !Number.isSafeInteger(value) ? "number" : Math.abs(value) < 2 ** 31 ? "integer" : "bigint";
    case "bigint":
      return "bigint";
    case "boolean":
      return "boolean";
    case "object":
      return value instanceof Date ? "date" : Buffer.isBuffer(value) ? "blob" : undefined;
    default:
      return undefined;
  }
}
