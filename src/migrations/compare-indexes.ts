import type { Index, IndexColumn, Table, Unique } from "../schema/schema";
import { indexColumns, leads, sameNameSet, sameNames } from "../schema/schema";
import { normalExpression } from "./compare-columns";
import type { CompareOptions, TableDifference } from "./compare-table";
import { matchLists } from "./match-lists";
import { constraintName } from "./names";
import type { TableChange } from "./operation";
import { dropConstraint, madeKey } from "./operation";

/** A unique constraint, or a unique index that says no more than one. */
interface Uniqueness {
  columns: string[];
  unique?: Unique;
  index?: Index;
}

function uniquenessOf(table: Table): Uniqueness[] {
  return [
    ...table.uniques.map((unique) => ({ columns: unique.columns, unique })),
    ...table.indexes.filter(isPlainUnique).map((index) => ({ columns: indexColumns(index), index })),
  ];
}

function isPlainUnique(index: Index): boolean {
  const isPlain = (part: IndexColumn): boolean =>
    part.column !== undefined &&
    !part.descending &&
    !part.nulls &&
    !part.collation &&
    !part.operatorClass &&
    part.length === undefined;
  return (
    index.unique &&
    index.where === undefined &&
    index.method === undefined &&
    !index.include &&
    index.columns.every(isPlain)
  );
}

/** Adds what differs in what is unique and what is indexed. */
export function compareUniquesAndIndexes(
  database: Table,
  model: Table,
  options: CompareOptions,
  difference: TableDifference,
): void {
  const same = (a: Uniqueness, b: Uniqueness): boolean =>
    (a.index && b.index ? sameNames(a.columns, b.columns) : sameNameSet(a.columns, b.columns)) &&
    (!a.unique || !b.unique || a.unique.deferrable === b.unique.deferrable);
  const [stored, asked] = [uniquenessOf(database), uniquenessOf(model)];
  const { changes, findings, remarks } = difference;
  const { pairs, left, right, repeated } = matchLists(stored, asked, same);
  for (const [a, b] of pairs) {
    if (a.index && b.index) renameIndex(a.index, b.index, model.name, options, changes);
    if (a.unique && b.unique) changes.push(...renamedUnique(a.unique, b.unique, model.name, options));
  }
  for (const { unique, index, columns } of left) {
    changes.push(
      unique
        ? dropConstraint("unique", unique)
        : { kind: "dropIndex", name: index?.name ?? "", ...(index ? { index } : {}) },
    );
    findings.push(
      `Detected removed unique constraint ${quoted(unique?.name ?? index?.name)}on '${database.name}(${columns.join(", ")})'`,
    );
  }
  for (const { unique, index, columns } of right) {
    const name = unique?.name ?? constraintName("uq", model.name, columns);
    changes.push(
      unique ? { kind: "createUnique", unique: { ...unique, name } } : createIndex(model.name, index as Index),
    );
    findings.push(`Detected added unique constraint on '${model.name}(${columns.join(", ")})'`);
  }
  for (const { unique, index, columns } of repeated) {
    remarks.push(
      `${model.name}(${columns.join(", ")}) is unique more than once: ${unique?.name ?? index?.name ?? "an unnamed constraint"} is superfluous.`,
    );
  }
  compareIndexes(database, model, options, difference);
}

function compareIndexes(database: Table, model: Table, options: CompareOptions, difference: TableDifference): void {
  const others = (table: Table): Index[] => table.indexes.filter((index) => !isPlainUnique(index));
  const { pairs, left, right, repeated } = matchLists(
    others(database),
    others(model),
    (a, b) => indexSignature(a) === indexSignature(b),
  );
  const { changes, findings, remarks } = difference;
  const made = changes.flatMap(madeKey);
  const wanted = new Set([
    ...made.map(({ name }) => name),
    ...right.map((index) => createIndex(model.name, index).index.name),
  ]);
  const added = [...made.map(({ columns }) => columns), ...right.map(indexColumns)];
  for (const [a, b] of pairs) {
    if (options.dialect.indexesForeignKeys && isLost(a, createIndex(model.name, b).index.name, database, model, added))
      changes.push(createIndex(model.name, b));
    else renameIndex(a, b, model.name, options, changes);
  }
  for (const index of left) {
    if (options.dialect.indexesForeignKeys && servesForeignKey(index, [database, model])) {
      // An index of the key's own name goes with the key.
      const isOwn = database.foreignKeys.some((key) => key.name === index.name);
      // Another index may take its name: the key gets one of another name then, where it needs one.
      if (wanted.has(index.name) || (!isOwn && !servesForeignKey(index, [model])))
        changes.push({ kind: "dropIndex", name: index.name, index });
      continue;
    }
    changes.push({ kind: "dropIndex", name: index.name, index });
    findings.push(`Detected removed index '${index.name}' on '${database.name}(${indexText(index)})'`);
  }
  for (const index of right) {
    const change = createIndex(model.name, index);
    changes.push(change);
    findings.push(`Detected added index '${change.index.name}' on '${model.name}(${indexText(index)})'`);
  }
  for (const index of repeated)
    remarks.push(`${model.name}(${indexText(index)}) is indexed more than once: ${index.name} is superfluous.`);
}

/** Gives an index that is called by the rule its new name, when its table or its columns were renamed. */
function renameIndex(
  stored: Index,
  asked: Index,
  table: string,
  options: CompareOptions,
  changes: TableChange[],
): void {
  const former = new Map([...options.renames].map(([from, to]) => [to, from]));
  const parts = stored.columns.map((part) =>
    part.column === undefined ? "expr" : (former.get(part.column) ?? part.column),
  );
  const rule = constraintName(stored.unique ? "uq" : "ix", options.formerTables.get(table) ?? table, parts);
  const to = createIndex(table, asked).index.name;
  if (stored.name === rule && rule !== to) changes.push({ kind: "renameIndex", from: rule, to });
}

/** The same for a unique constraint, where a new name does not cost writing the table anew. */
function renamedUnique(stored: Unique, asked: Unique, table: string, options: CompareOptions): TableChange[] {
  const former = new Map([...options.renames].map(([from, to]) => [to, from]));
  const columns = stored.columns.map((column) => former.get(column) ?? column);
  const rule = constraintName("uq", options.formerTables.get(table) ?? table, columns);
  const to = asked.name ?? constraintName("uq", table, stored.columns);
  if (!options.dialect.renamesConstraints || stored.name !== rule || rule === to) return [];
  return [{ kind: "renameConstraint", type: "unique", from: rule, to }];
}

/**
 * Whether the index is one that the database made for a foreign key, and drops by itself: with the key, or because another one
 * comes that begins with its columns.
 *
 * @param name   what the models call it; the database keeps one of the key's own name
 * @param added  the columns of the indexes that come
 */
function isLost(
  index: Index,
  name: string,
  database: Table,
  model: Table,
  added: readonly (readonly string[])[],
): boolean {
  if (!database.foreignKeys.some((key) => key.name === index.name)) return false;
  if (!servesForeignKey(index, [model])) return true;
  const columns = indexColumns(index);
  return name !== index.name && added.some((others) => leads(others, columns));
}

/** Whether the database made the index for a foreign key by itself, or would have. */
function servesForeignKey(index: Index, tables: readonly Table[]): boolean {
  const columns = indexColumns(index);
  return (
    !index.unique &&
    tables.some((table) => table.foreignKeys.some((foreignKey) => sameNames(foreignKey.columns, columns)))
  );
}

/** The change that makes the index, under a name of the rule where Sequelize made one up. */
export function createIndex(table: string, index: Index): { kind: "createIndex"; index: Index } {
  if (!index.autoNamed) return { kind: "createIndex", index };
  const parts = index.columns.map((part) => part.column ?? "expr");
  const { autoNamed: _, sql: _text, ...rest } = index;
  return { kind: "createIndex", index: { ...rest, name: constraintName(index.unique ? "uq" : "ix", table, parts) } };
}

function indexSignature(index: Index): string {
  const parts = index.columns.map((part) => [
    part.column ?? normalExpression(part.expression ?? ""),
    part.descending ?? false,
    part.nulls ?? "",
    (part.collation ?? "").toLowerCase(),
    part.operatorClass ?? "",
    part.length ?? 0,
  ]);
  return JSON.stringify([
    parts,
    index.unique,
    normalExpression(index.where ?? ""),
    index.method ?? "",
    index.include ?? [],
  ]);
}

function indexText(index: Index): string {
  return index.columns
    .map((part) => (part.column ?? part.expression ?? "") + (part.descending ? " DESC" : ""))
    .join(", ");
}

function quoted(name: string | undefined): string {
  return name === undefined ? "" : `'${name}' `;
}
