import type { SqliteSchemaDialect } from "../../schema/dialects/sqlite";
import type { Index, Table } from "../../schema/schema";
import { mentions } from "../../schema/sql-tokens";
import { MigrationError } from "../migration-error";
import type { AlterTable, TableChange } from "../operation";
import { describeChange } from "../operation";
import { readsFrom, touches } from "./change-order";
import type { DdlTarget } from "./dialect";
import { DdlDialect } from "./dialect";
import { isOwnIndex, nativeStatements } from "./sqlite-native";
import type { RebuildPlan } from "./sqlite-rebuild";
import { planRebuild } from "./sqlite-rebuild";

/** Whether the library behind a target alters constraints itself: found out by trying once, on a table of its own. */
const altersConstraints = new WeakMap<DdlTarget, Promise<boolean>>();

/**
 * SQLite: its own ALTER TABLE where that is safe whatever the rows are, else a rebuild of the table.
 *
 * A rebuild needs foreign keys to be off: who opens the transaction sees to that.
 */
export class SqliteDdl extends DdlDialect {
  declare readonly schema: SqliteSchemaDialect;

  override async renameTable(from: string, to: string): Promise<void> {
    // SQLite refuses a name that differs from the present one in case only.
    const between = from.toLowerCase() === to.toLowerCase() ? await this.#freeName(`_mig_case_${to}`) : undefined;
    if (between !== undefined) await super.renameTable(from, between);
    await super.renameTable(between ?? from, to);
  }

  override rewrites(table: Table, change: TableChange): boolean {
    if (ASIDE.includes(change.kind)) return false;
    return (
      nativeStatements({ schema: this.schema, table, change, all: [change], altersConstraints: this.target.native }) ===
      undefined
    );
  }

  /** Makes the changes in their order: those between two renamings together, by one rebuild at the most. */
  override async alterTable(operation: AlterTable): Promise<void> {
    let together: TableChange[] = [];
    let indexes: TableChange[] = [];
    let rebuilds = operation.recreate === "always";
    const finish = async (): Promise<void> => {
      if (together.length > 0 || rebuilds)
        await this.#change(together, { ...operation, recreate: rebuilds ? "always" : (operation.recreate ?? "auto") });
      for (const change of indexes) await this.#changeIndex(operation.table, change);
      [together, indexes, rebuilds] = [[], [], false];
    };
    for (const change of operation.changes) {
      if (needsTable(together, indexes, change)) await finish();
      if (change.kind === "dropIndex") await this.#dropIndex(change.name, change.ifExists);
      else if (change.kind === "createIndex" || change.kind === "renameIndex") indexes.push(change);
      else if (change.kind === "renameColumn") {
        await finish();
        await this.#renameColumn(operation.table, change.from, change.to);
      } else together.push(change);
    }
    await finish();
  }

  async #change(changes: readonly TableChange[], operation: AlterTable): Promise<void> {
    const table = await this.requireTable(operation.table);
    for (const change of changes) {
      if (change.kind === "alterColumn") this.requireColumn(table, change.name);
      if (change.kind === "dropColumn") await this.#refuseDependants(table, change.name, changes);
    }
    const altersConstraints = await this.#altersConstraints();
    const native = changes.map((change) =>
      nativeStatements({ schema: this.schema, table, change, all: changes, altersConstraints }),
    );
    const inNeed = changes.filter((_, i) => native[i] === undefined);
    if (inNeed.length === 0 && operation.recreate !== "always") {
      for (const sql of native.flatMap((statements) => statements ?? [])) await this.target.execute(sql);
      return;
    }
    if (operation.recreate === "never") {
      const what = inNeed.map((change) => describeChange(table.name, change)).join(", ");
      throw new MigrationError(`${what} needs table "${table.name}" to be rebuilt, and recreate is "never".`);
    }
    await this.#rebuild(operation.copyFrom === undefined ? table : { ...table, sql: operation.copyFrom }, changes);
  }

  async #rebuild(table: Table, changes: readonly TableChange[]): Promise<void> {
    await this.#refuseForeignKeysOn(table.name);
    const rows = await this.#announce(table.name);
    const temporary = await this.#freeName(`_mig_new_${table.name}`);
    const plan = planRebuild(this.schema, table, changes, temporary);
    for (const sql of plan.create) await this.target.execute(sql);
    await this.#copyRows(table, plan, rows);
    for (const sql of plan.count) await this.target.execute(sql);
    await this.#compareCounts(table.name, temporary);
    // Otherwise the renaming stops at every view and trigger that names the table, which is gone at this moment.
    await this.target.execute("PRAGMA legacy_alter_table=ON");
    try {
      for (const sql of plan.replace) await this.target.execute(sql);
    } finally {
      await this.target.execute("PRAGMA legacy_alter_table=OFF");
    }
    for (const [i, sql] of plan.restore.entries()) {
      this.target.status?.(`'${table.name}': making index or trigger ${i + 1} of ${plan.restore.length}`);
      await this.target.execute(sql);
    }
    this.target.status?.(undefined);
  }

  /** Copies the rows; those of a large table in parts where somebody watches. */
  async #copyRows({ name }: Table, { copy, rowid }: RebuildPlan, rows: number): Promise<void> {
    const { ask } = this.target;
    if (ask === undefined || this.target.status === undefined || rowid === undefined || rows <= ROWS_AT_ONCE)
      return this.target.execute(copy());
    for (let done = 0, above: string | undefined; done < rows; done += ROWS_AT_ONCE) {
      this.target.status(`'${name}': ${done} of ${rows} rows`);
      const where = above === undefined ? "" : ` WHERE ${rowid} > ${above}`;
      // As text: JavaScript's numbers do not hold every row number.
      const part = `SELECT ${rowid} AS n FROM ${this.schema.quoteTable(name)}${where} ORDER BY ${rowid} LIMIT ${ROWS_AT_ONCE}`;
      const [last] = await ask(`SELECT CAST(max(n) AS TEXT) AS n FROM (${part})`);
      const upTo = String(last?.["n"]);
      await this.target.execute(copy({ above, upTo }));
      above = upTo;
    }
  }

  async #renameColumn(table: string, from: string, to: string): Promise<void> {
    const { sql } = this.schema;
    await this.target.execute(
      `ALTER TABLE ${this.schema.quoteTable(table)} RENAME COLUMN ${sql.quote(from)} TO ${sql.quote(to)}`,
    );
  }

  async #dropIndex(name: string, ifExists = false): Promise<void> {
    await this.target.execute(`DROP INDEX ${ifExists ? "IF EXISTS " : ""}${this.schema.sql.quote(name)}`);
  }

  async #changeIndex(table: string, change: TableChange): Promise<void> {
    if (change.kind === "createIndex") {
      const sql = this.schema.createIndex(table, change.index);
      await this.target.execute(change.ifNotExists ? sql.replace("INDEX ", "INDEX IF NOT EXISTS ") : sql);
    }
    if (change.kind === "renameIndex") {
      const index = (await this.requireTable(table)).indexes.find((candidate) => candidate.name === change.from);
      if (index === undefined) throw new MigrationError(`There is no index "${change.from}" on table "${table}".`);
      await this.#dropIndex(change.from);
      await this.target.execute(this.schema.createIndex(table, { ...index, name: change.to }));
    }
  }

  /** Stops before the database would: its words do not name what stands in the way, and of triggers it says nothing. */
  async #refuseDependants(table: Table, column: string, changes: readonly TableChange[]): Promise<void> {
    this.requireColumn(table, column);
    const refuse = (what: string, hint: string): never => {
      throw new MigrationError(`Cannot drop column "${table.name}.${column}": ${what} uses it.`, { hint });
    };
    for (const index of table.indexes) {
      if (usesColumn(index, column))
        refuse(`index "${index.name}"`, `drop it first: op.dropIndex("${index.name}", "${table.name}")`);
    }
    const dropped = changes.filter((change) => change.kind === "dropConstraint");
    for (const key of [...table.uniques, ...table.foreignKeys, ...(table.primaryKey ? [table.primaryKey] : [])]) {
      const goes = dropped.some(
        (change) =>
          (change.name !== undefined && change.name === key.name) || change.columns?.join() === key.columns.join(),
      );
      if (key.columns.length > 1 && key.columns.includes(column) && !goes) {
        refuse(`the key (${key.columns.join(", ")})`, `drop it first: op.dropConstraint("${table.name}", …)`);
      }
    }
    const schema = await this.target.schema();
    const uses = (sql: string): boolean => mentions(sql, table.name) && mentions(sql, column);
    for (const view of schema.views) {
      if (uses(view.sql)) refuse(`view "${view.name}"`, `op.dropView("${view.name}") before, op.createView(…) behind`);
    }
    for (const trigger of schema.tables.flatMap((other) => other.triggers)) {
      if (uses(trigger.sql))
        refuse(`trigger "${trigger.name}"`, `op.dropTrigger("${trigger.name}") before, op.createTrigger(…) behind`);
    }
  }

  async #freeName(wanted: string): Promise<string> {
    let name = wanted;
    while ((await this.target.table(name)) !== undefined) name = `_${name}`;
    return name;
  }

  /** With foreign keys on, dropping the old table would empty or null the rows that refer to it. */
  async #refuseForeignKeysOn(table: string): Promise<void> {
    const [row] = (await this.target.ask?.("PRAGMA foreign_keys")) ?? [];
    if (row?.["foreign_keys"] !== 1) return;
    throw new MigrationError(`Cannot rebuild table "${table}" while foreign keys are enforced.`, {
      hint: "remove `export const sqliteForeignKeys = true` from the revision",
    });
  }

  /** Says that the table is rebuilt. @returns the number of its rows, 0 where there is nothing to ask */
  async #announce(table: string): Promise<number> {
    if (this.target.progress === undefined || this.target.ask === undefined) return 0;
    const [row] = await this.target.ask(`SELECT count(*) AS n FROM ${this.schema.quoteTable(table)}`);
    const rows = Number(row?.["n"]);
    this.target.progress(`Rebuilding '${table}' (${rows} ${rows === 1 ? "row" : "rows"})`);
    return rows;
  }

  async #compareCounts(from: string, to: string): Promise<void> {
    const count = (name: string): string => `(SELECT count(*) FROM ${this.schema.quoteTable(name)})`;
    const [row] = (await this.target.ask?.(`SELECT ${count(from)} AS a, ${count(to)} AS b`)) ?? [];
    if (row?.["a"] === row?.["b"]) return;
    throw new MigrationError(`Rebuilding table "${from}" copied ${Number(row?.["b"])} of ${Number(row?.["a"])} rows.`);
  }

  #altersConstraints(): Promise<boolean> {
    const { ask, native } = this.target;
    if (!native || ask === undefined) return Promise.resolve(false);
    const known = altersConstraints.get(this.target) ?? tryAlters(ask);
    altersConstraints.set(this.target, known);
    return known;
  }
}

/** Whether the change is one of what the changes before it make, and must find it made. */
function needsTable(together: readonly TableChange[], indexes: readonly TableChange[], change: TableChange): boolean {
  if (together.some((earlier) => readsFrom(change, earlier))) return true;
  switch (change.kind) {
    case "alterColumn":
    case "dropColumn":
      return [...together, ...indexes].some((earlier) => touches(earlier, change.name));
    case "dropIndex":
    case "renameIndex":
      return indexes.length > 0;
    default:
      return false;
  }
}

/** How many rows are copied between two words to whom watches. */
const ROWS_AT_ONCE = 50_000;

/** Changes that never touch the rows. */
const ASIDE: readonly TableChange["kind"][] = ["createIndex", "dropIndex", "renameIndex", "renameColumn"];

async function tryAlters(ask: NonNullable<DdlTarget["ask"]>): Promise<boolean> {
  await ask("CREATE TEMP TABLE _mig_probe (a INTEGER, CONSTRAINT c CHECK (a > 0))");
  try {
    await ask("ALTER TABLE temp._mig_probe ALTER COLUMN a SET NOT NULL");
    await ask("ALTER TABLE temp._mig_probe DROP CONSTRAINT c");
    return true;
  } catch {
    return false;
  } finally {
    await ask("DROP TABLE temp._mig_probe");
  }
}

/** Whether an index that is of more than the column needs it. */
function usesColumn(index: Index, column: string): boolean {
  const isNamed = (text: string | undefined): boolean => text !== undefined && mentions(text, column);
  if (isOwnIndex(index, column)) return false;
  return isNamed(index.where) || index.columns.some((part) => part.column === column || isNamed(part.expression));
}
