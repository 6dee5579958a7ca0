import type { DriverRow } from "../driver/dialect";
import type { SchemaDialect } from "../schema/dialects/schema-dialect";
import type { Column, Table } from "../schema/schema";
import { findColumn } from "../schema/schema";
import type { AlterColumn, AlterTable, Operation, TableChange } from "./operation";
import { describeChange } from "./operation";

/** What rows stand in the way of a change, or would be lost by it. */
export interface Problem {
  /** DS data lost · NN not null · UQ unique · FK foreign key · CK check · TY type · TR triggers and views · CV rewritten table */
  code: "DS1" | "DS2" | "DS3" | "NN1" | "NN2" | "UQ1" | "FK1" | "CK1" | "TY1" | "TR1" | "CV1";
  /** The database refuses the change, or would do damage without a word. */
  blocks: boolean;
  text: string;
}

/** Asks the database. */
export type Ask = (sql: string) => Promise<DriverRow[]>;

const EXAMPLES = 3;

/**
 * Looks at the rows that an operation is about to meet.
 *
 * @param table  the table as it is before the operation; undefined where there is none yet
 */
export async function precheck(
  operation: Operation,
  table: Table | undefined,
  dialect: SchemaDialect,
  ask: Ask,
): Promise<Problem[]> {
  if (operation.kind === "alterTable") {
    const problems: Problem[] = [];
    for (const change of operation.changes)
      problems.push(...(await precheckChange(operation, change, table, dialect, ask)));
    return problems;
  }
  if (operation.kind !== "dropTable" || table === undefined || table.options?.virtual) return [];
  return new Rows(table, operation.name, dialect, ask).dropTable();
}

/** Looks at the rows that one change of an operation is about to meet. */
export async function precheckChange(
  operation: AlterTable,
  change: TableChange,
  table: Table | undefined,
  dialect: SchemaDialect,
  ask: Ask,
): Promise<Problem[]> {
  if (table === undefined || table.options?.virtual) return [];
  const { changes } = operation;
  const renamed = new Map(
    changes.flatMap((other) => (other.kind === "renameColumn" ? [[other.to, other.from] as const] : [])),
  );
  const added = new Set(changes.flatMap((other) => (other.kind === "addColumn" ? [other.column.name] : [])));
  return new Rows(table, operation.table, dialect, ask).change(change, renamed, added);
}

/** Whether rows can stand in the way of the change, so that it is worth a look at them before. */
export function mayBeBlocked(change: TableChange): boolean {
  switch (change.kind) {
    case "addColumn":
      return !change.column.nullable && change.column.default === undefined && change.fill === undefined;
    case "alterColumn":
      return change.to.nullable === false || change.to.type !== undefined;
    case "createIndex":
      return change.index.unique;
    case "createUnique":
    case "createForeignKey":
    case "createCheck":
      return true;
    default:
      return false;
  }
}

/** The rows of one table. */
class Rows {
  readonly #name: string;

  /** @param title  the table's name as the operation has it */
  constructor(
    readonly table: Table,
    readonly title: string,
    readonly dialect: SchemaDialect,
    readonly ask: Ask,
  ) {
    this.#name = dialect.quoteTable(table.name);
  }

  async dropTable(): Promise<Problem[]> {
    const count = await this.#count();
    const problems: Problem[] =
      count === 0
        ? []
        : [{ code: "DS1", blocks: false, text: `dropping table '${this.title}' loses its ${rowsOf(count)}` }];
    if (this.table.triggers.length > 0) {
      problems.push({
        code: "TR1",
        blocks: false,
        text: `table '${this.title}' takes its triggers with it: ${this.#triggers()}`,
      });
    }
    return problems;
  }

  /** @param renamed  present names of columns by the names that the change uses */
  async change(
    change: TableChange,
    renamed: ReadonlyMap<string, string>,
    added: ReadonlySet<string>,
  ): Promise<Problem[]> {
    const present = (name: string): string => renamed.get(name) ?? name;
    const where = describeChange(this.title, change);
    switch (change.kind) {
      case "addColumn":
        return this.#addColumn(change, where);
      case "dropColumn": {
        const name = present(change.name);
        const count = added.has(change.name) ? 0 : await this.#count(`${this.#quote(name)} IS NOT NULL`, name);
        if (count === 0) return [];
        return [
          {
            code: "DS2",
            blocks: false,
            text: `dropping column '${this.title}.${change.name}' loses ${count} ${count === 1 ? "value" : "values"}`,
          },
        ];
      }
      case "alterColumn":
        return this.#alterColumn(change, present(change.name), where);
      case "createUnique":
        return this.#unique(change.unique.columns.map(present), added, where);
      case "createIndex": {
        const columns = change.index.columns.map((part) => part.column);
        if (!change.index.unique || change.index.where !== undefined || columns.includes(undefined)) return [];
        return this.#unique(
          columns.map((name) => present(name ?? "")),
          added,
          where,
        );
      }
      case "createForeignKey": {
        const { columns, references } = change.foreignKey;
        if (columns.some((name) => added.has(name))) return [];
        return this.#foreignKey(columns.map(present), references, where);
      }
      case "createCheck":
        if (renamed.size > 0 || added.size > 0) return [];
        return this.#check(change.check.expression, where);
      default:
        return [];
    }
  }

  async #addColumn({ column, fill }: Extract<TableChange, { kind: "addColumn" }>, where: string): Promise<Problem[]> {
    const hasValue = column.default !== undefined && !/^null$/i.test(column.default);
    if (column.nullable || hasValue || fill || column.autoIncrement || column.generated) return [];
    const count = await this.#count();
    if (count === 0) return [];
    const text = `${where}: NOT NULL without default; ${this.title} has ${rowsOf(count)}. Give { fill: value }.`;
    return [{ code: "NN1", blocks: true, text }];
  }

  async #alterColumn(change: AlterColumn, name: string, where: string): Promise<Problem[]> {
    const column = findColumn(this.table, name);
    if (column === undefined) return [];
    const problems: Problem[] = [];
    if (change.to.nullable === false && column.nullable && !change.fill) {
      const condition = `${this.#quote(name)} IS NULL`;
      const count = await this.#count(condition, name);
      if (count > 0) {
        const { be } = verbs(count);
        const which = await this.#whichRows(condition);
        const text = `NOT NULL: ${rowsOf(count)} of ${this.title}.${change.name} ${be} NULL${which}. Give { fill: … } or fix the data.`;
        problems.push({ code: "NN2", blocks: true, text });
      }
    }
    if (change.to.type && change.using === undefined)
      problems.push(...(await this.#retype(column, change.to.type, where)));
    return problems;
  }

  async #retype(column: Column, to: NonNullable<AlterColumn["to"]["type"]>, where: string): Promise<Problem[]> {
    const name = this.#quote(column.name);
    const target: Column = {
      name: column.name,
      type: to.type,
      nullable: true,
      ...(to.enumValues ? { enumValues: to.enumValues } : {}),
    };
    if (this.dialect.sameType(column, target)) return [];
    const problems: Problem[] = [];
    if (to.enumValues && (this.dialect.hasNamedEnums || this.dialect.hasInlineEnums) && !to.type.endsWith("[]")) {
      const values = to.enumValues.map((value) => this.dialect.sql.literal(value)).join(", ");
      const text = this.dialect.asText(name);
      const condition = `${name} IS NOT NULL AND ${text} NOT IN (${values})`;
      const count = await this.#count(condition, column.name);
      if (count > 0) {
        const lost = await this.#values(text, condition);
        problems.push({
          code: "DS3",
          blocks: true,
          text: `${where}: ${rowsOf(count)} ${verbs(count).hold} a value that is no longer among them (${lost}). Give { using: sql\`…\` } or fix the data.`,
        });
      }
      return problems;
    }
    const length = lengthOf(to.type);
    const before = lengthOf(column.type);
    if (length !== undefined && (before === undefined || length < before)) {
      const [row] = await this.ask(`SELECT max(${this.dialect.lengthOf(name)}) AS n FROM ${this.#name}`);
      const longest = Number(row?.["n"] ?? 0);
      if (longest > length) {
        const blocks = this.dialect.limitsLengths;
        problems.push({
          code: "TY1",
          blocks,
          text: `${where}: the longest value has ${longest} characters, more than ${to.type.toUpperCase()} holds. Give { using: sql\`…\` } or fix the data.`,
        });
      }
    }
    const condition = this.dialect.notANumber(name, column, target);
    if (condition !== undefined) {
      const count = await this.#count(condition, column.name);
      if (count > 0) {
        const text = `${where}: ${rowsOf(count)} ${verbs(count).hold} no number (${await this.#values(name, condition)}). Give { using: sql\`…\` } or fix the data.`;
        problems.push({ code: "TY1", blocks: true, text });
      }
    }
    return problems;
  }

  async #unique(columns: readonly string[], added: ReadonlySet<string>, where: string): Promise<Problem[]> {
    if (columns.some((name) => added.has(name) || findColumn(this.table, name) === undefined)) return [];
    const names = columns.map((name) => this.#quote(name));
    const groups = `SELECT ${names.join(", ")}, count(*) AS n FROM ${this.#name} WHERE ${names.map((name) => `${name} IS NOT NULL`).join(" AND ")} GROUP BY ${names.join(", ")} HAVING count(*) > 1`;
    const [row] = await this.ask(`SELECT count(*) AS n FROM (${groups}) AS d`);
    const count = Number(row?.["n"] ?? 0);
    if (count === 0) return [];
    const examples = (await this.ask(`${groups} ORDER BY ${names.join(", ")} LIMIT ${EXAMPLES}`)).map((example) =>
      columns.map((column) => show(example[column])).join(", "),
    );
    const text = `${where}: ${count} ${count === 1 ? "value is" : "values are"} there more than once (${examples.join("; ")}). Fix the data first.`;
    return [{ code: "UQ1", blocks: true, text }];
  }

  async #foreignKey(
    columns: readonly string[],
    parent: { table: string; columns: string[] },
    where: string,
  ): Promise<Problem[]> {
    if (columns.some((name) => findColumn(this.table, name) === undefined) || parent.columns.length !== columns.length)
      return [];
    const join = columns
      .map((name, i) => `p.${this.#quote(parent.columns[i] ?? "")} = c.${this.#quote(name)}`)
      .join(" AND ");
    const given = columns.map((name) => `c.${this.#quote(name)} IS NOT NULL`).join(" AND ");
    const orphans = `FROM ${this.#name} AS c WHERE ${given} AND NOT EXISTS (SELECT 1 FROM ${this.dialect.quoteTable(parent.table)} AS p WHERE ${join})`;
    const counted = await this.ask(`SELECT count(*) AS n ${orphans}`).catch(() => undefined);
    // The parent may be made in this same revision.
    const count = Number(counted?.[0]?.["n"] ?? 0);
    if (count === 0) return [];
    const selected = columns.map((name) => `c.${this.#quote(name)}`).join(", ");
    const examples = (await this.ask(`SELECT DISTINCT ${selected} ${orphans} LIMIT ${EXAMPLES}`)).map((row) =>
      Object.values(row).map(show).join(", "),
    );
    const text = `${where}: ${rowsOf(count)} ${verbs(count).refer} to no row of ${parent.table} (${examples.join("; ")}). Fix the data first.`;
    return [{ code: "FK1", blocks: true, text }];
  }

  async #check(expression: string, where: string): Promise<Problem[]> {
    const count = await this.#count(`NOT (${expression})`).catch(() => 0);
    if (count === 0) return [];
    return [
      {
        code: "CK1",
        blocks: true,
        text: `${where}: ${rowsOf(count)} ${verbs(count).do} not meet it${await this.#whichRows(`NOT (${expression})`)}. Fix the data first.`,
      },
    ];
  }

  /** How many rows there are that meet the condition; none where the column is not there. */
  async #count(condition?: string, column?: string): Promise<number> {
    if (column !== undefined && findColumn(this.table, column) === undefined) return 0;
    const [row] = await this.ask(
      `SELECT count(*) AS n FROM ${this.#name}${condition === undefined ? "" : ` WHERE ${condition}`}`,
    );
    return Number(row?.["n"] ?? 0);
  }

  /** ` (id 4, 9)`: the keys of the first rows that meet the condition. */
  async #whichRows(condition: string): Promise<string> {
    const key = this.dialect.rowKey(this.table);
    if (key === undefined) return "";
    const rows = await this.ask(
      `SELECT ${key.sql} AS k FROM ${this.#name} WHERE ${condition} ORDER BY ${key.sql} LIMIT ${EXAMPLES + 1}`,
    );
    const shown = rows.slice(0, EXAMPLES).map((row) => show(row["k"]));
    return ` (${key.name} ${shown.join(", ")}${rows.length > EXAMPLES ? ", …" : ""})`;
  }

  async #values(expression: string, condition: string): Promise<string> {
    const rows = await this.ask(
      `SELECT DISTINCT ${expression} AS v FROM ${this.#name} WHERE ${condition} LIMIT ${EXAMPLES}`,
    );
    return rows.map((row) => show(row["v"])).join(", ");
  }

  #triggers(): string {
    return this.table.triggers.map((trigger) => trigger.name).join(", ");
  }

  #quote(name: string): string {
    return this.dialect.sql.quote(name);
  }
}

function rowsOf(count: number): string {
  return `${count} ${count === 1 ? "row" : "rows"}`;
}

function verbs(count: number): { be: string; hold: string; refer: string; do: string } {
  return count === 1
    ? { be: "is", hold: "holds", refer: "refers", do: "does" }
    : { be: "are", hold: "hold", refer: "refer", do: "do" };
}

function show(value: unknown): string {
  const text = typeof value === "string" ? `'${value.length > 40 ? `${value.slice(0, 39)}…` : value}'` : String(value);
  return text.replace(/\s+/g, " ");
}

/** The number of characters that a text type holds. */
function lengthOf(type: string): number | undefined {
  const length = /^(?:var)?char(?:acter)?(?: varying)?(?: binary)?\s*\((\d+)\)/i.exec(type)?.[1];
  return length === undefined ? undefined : Number(length);
}
