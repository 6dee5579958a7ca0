import type { Check, ForeignKey, Table } from "../schema/schema";
import { sameNames } from "../schema/schema";
import { normalExpression } from "./compare-columns";
import type { CompareOptions, TableDifference } from "./compare-table";
import { matchLists } from "./match-lists";
import { constraintName } from "./names";
import type { TableChange } from "./operation";
import { dropConstraint } from "./operation";

/** Adds what differs in the primary keys of the two tables. */
export function comparePrimaryKey(
  database: Table,
  model: Table,
  options: CompareOptions,
  difference: TableDifference,
): void {
  const [from, to] = [database.primaryKey, model.primaryKey];
  if (sameNames(from?.columns ?? [], to?.columns ?? [])) {
    const former = options.formerTables.get(model.name);
    const rule = former === undefined ? undefined : constraintName("pk", former);
    if (rule === undefined || from?.name !== rule || !options.dialect.renamesConstraints) return;
    const name = to?.name ?? constraintName("pk", model.name);
    difference.changes.push({ kind: "renameConstraint", type: "primaryKey", from: rule, to: name });
    return;
  }
  if (from) difference.changes.push(dropConstraint("primaryKey", from));
  if (to) difference.changes.push({ kind: "createPrimaryKey", primaryKey: to });
  const text = (columns: readonly string[] | undefined): string => (columns ? `(${columns.join(", ")})` : "none");
  difference.findings.push(
    `Detected changed primary key of '${model.name}': ${text(from?.columns)} to ${text(to?.columns)}`,
  );
}

/** Adds what differs in the foreign keys of the two tables. */
export function compareForeignKeys(
  database: Table,
  model: Table,
  options: CompareOptions,
  difference: TableDifference,
): void {
  const fold = options.dialect.foldsNames
    ? (name: string): string => name.toLowerCase()
    : (name: string): string => name;
  const samePlace = (a: ForeignKey, b: ForeignKey): boolean =>
    sameNames(a.columns.map(fold), b.columns.map(fold)) &&
    fold(a.references.table) === fold(b.references.table) &&
    sameNames(a.references.columns.map(fold), b.references.columns.map(fold));
  const { pairs, left, right, repeated } = matchLists(database.foreignKeys, model.foreignKeys, samePlace);
  const { changes, findings, remarks } = difference;
  for (const [from, to] of pairs) {
    const changed = [
      ["ON DELETE", from.onDelete, to.onDelete],
      ["ON UPDATE", from.onUpdate, to.onUpdate],
      ["DEFERRABLE", from.deferrable ?? "no", to.deferrable ?? "no"],
    ].filter(([, a, b]) => a !== b);
    if (changed.length === 0) {
      changes.push(...renamedForeignKey(from, to, model.name, options));
      continue;
    }
    const name = from.name ?? foreignKeyName(model.name, to);
    changes.push(dropConstraint("foreignKey", from), { kind: "createForeignKey", foreignKey: { ...to, name } });
    findings.push(
      `Detected changed foreign key ${foreignKeyText(model.name, to)}: ${changed.map(([what, a, b]) => `${what} ${a} to ${b}`).join(", ")}`,
    );
  }
  for (const foreignKey of left) {
    changes.push(dropConstraint("foreignKey", foreignKey));
    findings.push(`Detected removed foreign key ${foreignKeyText(database.name, foreignKey)}`);
  }
  for (const foreignKey of right) {
    changes.push({ kind: "createForeignKey", foreignKey: named(model.name, foreignKey) });
    findings.push(`Detected added foreign key ${foreignKeyText(model.name, foreignKey)}`);
  }
  for (const foreignKey of repeated) {
    remarks.push(
      `The foreign key ${foreignKeyText(model.name, foreignKey)} is there more than once: ${foreignKey.name ?? "one of them"} is superfluous.`,
    );
  }
}

/** Gives a foreign key that is called by the rule its new name, when a table or its columns were renamed. */
function renamedForeignKey(
  stored: ForeignKey,
  asked: ForeignKey,
  table: string,
  options: CompareOptions,
): TableChange[] {
  const former = new Map([...options.renames].map(([from, to]) => [to, from]));
  const oldTable = (name: string): string => options.formerTables.get(name) ?? name;
  const rule = foreignKeyName(oldTable(table), {
    ...stored,
    columns: stored.columns.map((column) => former.get(column) ?? column),
    references: { ...stored.references, table: oldTable(stored.references.table) },
  });
  const to = asked.name ?? foreignKeyName(table, asked);
  if (!options.dialect.renamesConstraints || stored.name !== rule || rule === to) return [];
  return [{ kind: "renameConstraint", type: "foreignKey", from: rule, to }];
}

/** The foreign key under its own name or the one of the rule. */
export function named(table: string, foreignKey: ForeignKey): ForeignKey {
  return { ...foreignKey, name: foreignKey.name ?? foreignKeyName(table, foreignKey) };
}

function foreignKeyName(table: string, foreignKey: ForeignKey): string {
  return constraintName("fk", table, [...foreignKey.columns, foreignKey.references.table.replaceAll(".", "_")]);
}

function foreignKeyText(table: string, { columns, references }: ForeignKey): string {
  return `${table}(${columns.join(", ")}) -> ${references.table}(${references.columns.join(", ")})`;
}

/** Adds what differs in the checks of the two tables. */
export function compareChecks(
  database: Table,
  model: Table,
  options: CompareOptions,
  difference: TableDifference,
): void {
  const former = options.formerTables.get(model.name) ?? model.name;
  const isOwn = (check: Check): boolean =>
    !model.unspoken?.includes("checks") ||
    (options.enumChecks && [model.name, former].some((table) => isEnumCheck(check, table)));
  const same = (a: Check, b: Check): boolean => normalExpression(a.expression) === normalExpression(b.expression);
  const { pairs, left, right } = matchLists(database.checks.filter(isOwn), model.checks, same);
  for (const [from, to] of pairs) difference.changes.push(...renamedCheck(from, to, former, options));
  for (const check of left) {
    difference.changes.push({
      ...dropConstraint("check", check),
      ...(check.column === undefined ? {} : { columns: [check.column] }),
    });
    difference.findings.push(`Detected removed check ${quoted(check.name)}on '${model.name}': ${check.expression}`);
  }
  for (const check of right) {
    difference.changes.push({ kind: "createCheck", check });
    difference.findings.push(`Detected added check ${quoted(check.name)}on '${model.name}': ${check.expression}`);
  }
}

/** Whether the check is the tool's own, of a column's values, under the name that the table had. */
function isEnumCheck({ name = "" }: Check, table: string): boolean {
  return name.startsWith(`ck_${table}_`) && name.endsWith("_enum");
}

/** Gives a check that is called by the rule its new name, when its table or a column was renamed. */
function renamedCheck(stored: Check, asked: Check, former: string, options: CompareOptions): TableChange[] {
  const [from, to] = [stored.name, asked.name];
  const isRenamed = options.renames.size > 0 || options.formerTables.size > 0;
  if (!isRenamed || from === undefined || to === undefined || from === to || !from.startsWith(`ck_${former}_`))
    return [];
  if (options.dialect.renamesConstraints) return [{ kind: "renameConstraint", type: "check", from, to }];
  // The tool's own must be found again by its name.
  return isEnumCheck(stored, former) ? [dropConstraint("check", stored), { kind: "createCheck", check: asked }] : [];
}

function quoted(name: string | undefined): string {
  return name === undefined ? "" : `'${name}' `;
}
