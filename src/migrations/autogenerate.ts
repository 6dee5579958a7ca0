import type { SchemaDialect } from "../schema/dialects/schema-dialect";
import type { ForeignKey, Schema, Table } from "../schema/schema";
import { findTable, sameNameSet } from "../schema/schema";
import type { CompareOptions, TableDifference } from "./compare-table";
import { named } from "./compare-constraints";
import { createIndex } from "./compare-indexes";
import { compareTable } from "./compare-table";
import { constraintName } from "./names";
import type { AlterTable, Operation, TableChange } from "./operation";
import { alterTable, dropConstraint } from "./operation";
import type { Renames } from "./renames";
import { renameTables } from "./renames";

/** How the schema of the database and that of the models are compared. */
export interface DiffOptions extends Omit<CompareOptions, "renames" | "formerTables"> {
  dialect: SchemaDialect;
  renames: Renames;
}

/** What differs between a database and its models. */
export interface Difference {
  /** What makes the database into what the models ask for, in an order that the database accepts. */
  operations: Operation[];
  /** One line for each difference, for people. */
  findings: string[];
  /** What is odd and left as it is. */
  remarks: string[];
}

/**
 * Compares two schemas of the same database, read by the same reader.
 *
 * Pure: the same schemas give the same operations. The order is: tables renamed, foreign keys dropped that others stand in
 * the way of, tables created parents first, tables altered, foreign keys added that close a circle, tables dropped children
 * first.
 */
export function diff(database: Schema, models: Schema, options: DiffOptions): Difference {
  const result: Difference = { operations: [], findings: [], remarks: [] };
  const { operations, findings } = result;
  for (const [from, to] of options.renames.tables) {
    operations.push({ kind: "renameTable", from, to });
    findings.push(`Detected renamed table '${from}' to '${to}'`);
  }
  const stored = withKeys(renameTables(database, options.renames));
  const asked = withKeys(models);
  const added = asked.tables.filter((table) => findTable(stored, table.name) === undefined);
  const removed = stored.tables.filter((table) => findTable(asked, table.name) === undefined);
  for (const table of added) findings.push(`Detected added table '${table.name}'`);
  const differences: TableDifference[] = [];
  const formerTables = new Map([...options.renames.tables].map(([from, to]) => [to, from]));
  for (const table of asked.tables) {
    const existing = findTable(stored, table.name);
    if (existing === undefined) continue;
    const renames = options.renames.columns.get(table.name) ?? new Map<string, string>();
    const difference = compareTable(existing, table, { ...options, renames, formerTables });
    findings.push(...difference.findings);
    result.remarks.push(...difference.remarks);
    if (difference.changes.length > 0) differences.push(difference);
  }
  for (const table of removed) findings.push(`Detected removed table '${table.name}'`);
  const phases = new Phases(stored, asked, removed, differences, options.dialect);
  for (const difference of differences) phases.sort(difference);
  const created = createTables(added, (key) => phases.parentChanges(key));
  const dropped = dropTables(removed);
  operations.push(
    ...group(phases.early),
    ...dropped.foreignKeys,
    ...created.tables,
    ...phases.batches,
    ...created.foreignKeys,
    ...group(phases.late),
    ...dropped.tables,
  );
  return result;
}

/** Which changes of a table can stand in its batch, and which must come before or after those of other tables. */
class Phases {
  readonly early: AlterTable[] = [];
  readonly batches: AlterTable[] = [];
  readonly late: AlterTable[] = [];
  /** Foreign keys that are taken away and put back around a change of their columns' types. */
  readonly #suspended = new Set<string>();

  constructor(
    readonly database: Schema,
    readonly models: Schema,
    readonly removed: readonly Table[],
    readonly differences: readonly TableDifference[],
    readonly dialect: SchemaDialect,
  ) {}

  /** Whether the key or a column that the foreign key refers to changes in this same migration. */
  parentChanges(foreignKey: ForeignKey): boolean {
    const { table, columns } = foreignKey.references;
    const changes = this.differences.find((difference) => difference.table === table)?.changes ?? [];
    return changes.some((change) => {
      switch (change.kind) {
        case "createUnique":
          return sameNameSet(change.unique.columns, columns);
        case "createPrimaryKey":
          return sameNameSet(change.primaryKey.columns, columns);
        case "dropConstraint":
          return (
            (change.type === "unique" || change.type === "primaryKey") && sameNameSet(change.columns ?? [], columns)
          );
        case "createIndex":
          return change.index.unique;
        case "dropIndex":
          return change.index?.unique ?? true;
        case "addColumn":
          return columns.includes(change.column.name);
        case "dropColumn":
          return columns.includes(change.name);
        case "renameColumn":
          return columns.includes(change.from) || columns.includes(change.to);
        case "alterColumn":
          return columns.includes(change.name) && change.to.type !== undefined;
        default:
          return false;
      }
    });
  }

  sort(difference: TableDifference): void {
    const { table } = difference;
    const batch: TableChange[] = [];
    for (const change of difference.changes) {
      // Another table's key that changes too can do so only while nothing refers to it.
      const waits = (foreignKey: ForeignKey): boolean =>
        foreignKey.references.table !== table && this.parentChanges(foreignKey);
      if (change.kind === "dropConstraint" && change.type === "foreignKey" && waits(change.constraint as ForeignKey)) {
        this.early.push(alterTable(table, change));
      } else if (change.kind === "createForeignKey" && waits(change.foreignKey))
        this.late.push(alterTable(table, change));
      else batch.push(change);
    }
    if (!this.dialect.retypesForeignKeys) {
      const retyped = batch.flatMap((change) => (change.kind === "alterColumn" && change.to.type ? [change.name] : []));
      const touched = new Set(
        difference.changes.flatMap((change) =>
          change.kind === "dropConstraint" ? [JSON.stringify(change.constraint)] : [],
        ),
      );
      this.#suspend(table, retyped, touched);
    }
    if (batch.length > 0) this.batches.push(alterTable(table, ...inOrder(batch)));
  }

  #suspend(table: string, columns: readonly string[], gone: ReadonlySet<string>): void {
    for (const column of columns) {
      for (const child of this.database.tables) {
        for (const foreignKey of child.foreignKeys) {
          const isChild = child.name === table && foreignKey.columns.includes(column);
          const isParent = foreignKey.references.table === table && foreignKey.references.columns.includes(column);
          const id = `${child.name}:${JSON.stringify(foreignKey)}`;
          if ((!isChild && !isParent) || this.#suspended.has(id) || gone.has(JSON.stringify(foreignKey))) continue;
          if (this.removed.some((removed) => removed.name === child.name) || !this.#stays(child.name, foreignKey))
            continue;
          this.#suspended.add(id);
          this.early.push(alterTable(child.name, dropConstraint("foreignKey", foreignKey)));
          this.late.push(alterTable(child.name, { kind: "createForeignKey", foreignKey }));
        }
      }
    }
  }

  /** Whether the models ask for the foreign key as it is. */
  #stays(child: string, foreignKey: ForeignKey): boolean {
    const wanted = findTable(this.models, child)?.foreignKeys ?? [];
    return wanted.some(
      (candidate) =>
        candidate.columns.join() === foreignKey.columns.join() &&
        candidate.references.table === foreignKey.references.table &&
        candidate.onDelete === foreignKey.onDelete &&
        candidate.onUpdate === foreignKey.onUpdate,
    );
  }
}

const ORDER = [
  // Everything else speaks of the new names, also when it is turned round.
  "renameColumn",
  "renameIndex",
  "renameConstraint",
  "dropForeignKey",
  "dropIndex",
  "dropConstraint",
  "dropReplacedColumn",
  "addColumn",
  "alterColumn",
  "createPrimaryKey",
  "createUnique",
  "createCheck",
  "createForeignKey",
  "createIndex",
  "commentTable",
  "dropColumn",
];

/** The changes in an order that works: what stands in the way first, what needs the others last, columns dropped at the end. */
function inOrder(changes: readonly TableChange[]): TableChange[] {
  const taken = new Set(changes.flatMap((change) => (change.kind === "addColumn" ? [change.column.name] : [])));
  const rank = (change: TableChange): number => {
    if (change.kind === "dropConstraint" && change.type === "foreignKey") return ORDER.indexOf("dropForeignKey");
    if (change.kind === "dropColumn" && taken.has(change.name)) return ORDER.indexOf("dropReplacedColumn");
    return ORDER.indexOf(change.kind);
  };
  return changes
    .map((change, i) => ({ change, key: rank(change) * changes.length + i }))
    .sort((a, b) => a.key - b.key)
    .map(({ change }) => change);
}

/** Neighbouring changes of one table in one batch. */
function group(operations: readonly AlterTable[]): AlterTable[] {
  const byTable = new Map<string, AlterTable>();
  for (const { table, changes } of operations) {
    const known = byTable.get(table);
    if (known) known.changes.push(...changes);
    else byTable.set(table, alterTable(table, ...changes));
  }
  return [...byTable.values()];
}

/** The tables parents first; foreign keys that close a circle apart. */
function createTables(
  tables: readonly Table[],
  waits: (key: ForeignKey) => boolean,
): { tables: Operation[]; foreignKeys: Operation[] } {
  const { order, postponed } = parentsFirst(tables);
  for (const key of tables.flatMap((table) => table.foreignKeys)) if (waits(key)) postponed.add(key);
  return {
    tables: order.map((table) => ({
      kind: "createTable",
      table: withNames({ ...table, foreignKeys: table.foreignKeys.filter((key) => !postponed.has(key)) }),
    })),
    foreignKeys: order.flatMap((table) =>
      table.foreignKeys
        .filter((key) => postponed.has(key))
        .map((key) => alterTable(table.name, { kind: "createForeignKey", foreignKey: named(table.name, key) })),
    ),
  };
}

/** The tables children first; foreign keys that close a circle are dropped before. */
function dropTables(tables: readonly Table[]): { tables: Operation[]; foreignKeys: Operation[] } {
  const { order, postponed } = parentsFirst(tables);
  return {
    foreignKeys: order.flatMap((table) =>
      table.foreignKeys
        .filter((key) => postponed.has(key))
        .map((key) => alterTable(table.name, dropConstraint("foreignKey", key))),
    ),
    tables: order
      .map((table): Operation => {
        const kept = { ...table, foreignKeys: table.foreignKeys.filter((key) => !postponed.has(key)) };
        return { kind: "dropTable", name: table.name, table: kept };
      })
      .reverse(),
  };
}

function parentsFirst(tables: readonly Table[]): { order: Table[]; postponed: Set<ForeignKey> } {
  const order: Table[] = [];
  const postponed = new Set<ForeignKey>();
  const state = new Map<Table, "visiting" | "done">();
  const visit = (table: Table): void => {
    state.set(table, "visiting");
    for (const key of table.foreignKeys) {
      const parent = tables.find((candidate) => candidate.name === key.references.table);
      if (parent === undefined || parent === table) continue;
      if (state.get(parent) === "visiting") postponed.add(key);
      else if (state.get(parent) === undefined) visit(parent);
    }
    state.set(table, "done");
    order.push(table);
  };
  for (const table of tables) if (state.get(table) === undefined) visit(table);
  return { order, postponed };
}

/** The table with every constraint under a name, and its indexes under names of the rule. */
function withNames(table: Table): Table {
  return {
    ...table,
    uniques: table.uniques.map((unique) => ({
      ...unique,
      name: unique.name ?? constraintName("uq", table.name, unique.columns),
    })),
    foreignKeys: table.foreignKeys.map((foreignKey) => named(table.name, foreignKey)),
    indexes: table.indexes.map((index) => createIndex(table.name, index).index),
  };
}

/** The schema with the keys filled in that references without columns mean. */
function withKeys(schema: Schema): Schema {
  const resolve = (key: ForeignKey): ForeignKey => {
    const parent = schema.tables.find((table) => table.name.toLowerCase() === key.references.table.toLowerCase());
    if (key.references.columns.length > 0 || !parent?.primaryKey) return key;
    return { ...key, references: { ...key.references, columns: parent.primaryKey.columns } };
  };
  return {
    ...schema,
    tables: schema.tables.map((table) => ({ ...table, foreignKeys: table.foreignKeys.map(resolve) })),
  };
}
