import type { SchemaDialect } from "../schema/dialects/schema-dialect";
import type { ForeignKey, Index, Table } from "../schema/schema";
import { fragmentSource } from "../schema/sql-fragment";
import { actions, alterSource, columnSource } from "./column-source";
import { constraintName } from "./names";
import type { DropConstraint, Operation, TableChange } from "./operation";
import type { Source } from "./source-text";
import { callSource, flag, layOut, listSource, namesSource, objectSource, quote, text } from "./source-text";

/** Lines of comment to put above a change, by table and column (`users.email`) or table. */
export type Remarks = ReadonlyMap<string, readonly string[]>;

/** The lines of TypeScript that make the operations, as the body of `upgrade` or `downgrade`. */
export function renderOperations(
  operations: readonly Operation[],
  dialect: SchemaDialect,
  remarks: Remarks = new Map(),
): string[] {
  const lines = operations.flatMap((operation) => renderOperation(operation, dialect, remarks));
  if (lines.length === 0) return [];
  return ["  // ### commands auto generated - please adjust! ###", ...lines, "  // ### end commands ###"];
}

function renderOperation(operation: Operation, dialect: SchemaDialect, remarks: Remarks): string[] {
  const call = (source: Source): string => layOut(prefixed(source, "await op."), "  ", ";");
  switch (operation.kind) {
    case "createTable": {
      const indexes = operation.table.indexes.map((index) =>
        call(createIndexSource(index, quote(operation.table.name))),
      );
      return [
        ...comments(remarks, operation.table.name),
        call(createTableSource(operation.table, dialect)),
        ...indexes,
      ];
    }
    case "dropTable":
      return [...comments(remarks, operation.name), call(callSource("dropTable", quote(operation.name)))];
    case "renameTable":
      return [call(callSource("renameTable", quote(operation.from), quote(operation.to)))];
    case "alterTable": {
      const { table, changes } = operation;
      const above = changes.flatMap((change) => comments(remarks, `${table}.${columnOf(change)}`));
      const [only] = changes;
      if (changes.length === 1 && only) return [...above, call(changeSource(only, dialect, quote(table)))];
      const inner = changes.map((change) =>
        layOut(prefixed(changeSource(change, dialect, undefined), "t."), "    ", ";"),
      );
      return [...above, `  await op.alterTable(${quote(table)}, (t) => {`, ...inner, "  });"];
    }
    case "createEnum":
      return [call(callSource("createEnum", quote(operation.name), namesSource(operation.values)))];
    case "dropEnum":
      return [call(callSource("dropEnum", quote(operation.name)))];
    case "alterEnum": {
      const values = objectSource({ from: namesSource(operation.from), to: namesSource(operation.to) });
      return [call(callSource("alterEnum", quote(operation.name), values))];
    }
    case "execute":
      return [call(callSource("execute", fragmentSource(operation.sql)))];
  }
}

function columnOf(change: TableChange): string {
  if (change.kind === "addColumn") return change.column.name;
  return "name" in change ? (change.name ?? "") : "";
}

function comments(remarks: Remarks, key: string): string[] {
  return (remarks.get(key) ?? []).map((line) => `  // ${line}`);
}

function prefixed(source: Source, prefix: string): Source {
  return typeof source === "string" ? prefix + source : { ...source, open: prefix + source.open };
}

function createTableSource(table: Table, dialect: SchemaDialect): Source {
  const single =
    table.primaryKey?.columns.length === 1 && isUsualKeyName(table) ? table.primaryKey.columns[0] : undefined;
  const inline = table.foreignKeys.filter((key) => key.columns.length === 1);
  const columns = table.columns.map((column): [string, Source] => {
    const key = inline.find((candidate) => candidate.columns[0] === column.name);
    return [
      column.name,
      columnSource(column, dialect, { primaryKey: column.name === single, ...(key ? { references: key } : {}) }),
    ];
  });
  const { strict, withoutRowid, engine, charset, collate } = table.options ?? {};
  const options = objectSource({
    primaryKey: single === undefined && table.primaryKey ? keySource(table.primaryKey) : undefined,
    uniques: optionalList(
      table.uniques.map((unique) =>
        objectSource({
          name: text(unique.name),
          fields: namesSource(unique.columns),
          deferrable: text(unique.deferrable),
        }),
      ),
    ),
    checks: optionalList(
      table.checks.map((check) => objectSource({ name: text(check.name), expression: quote(check.expression) })),
    ),
    foreignKeys: optionalList(table.foreignKeys.filter((key) => !inline.includes(key)).map(foreignKeySource)),
    comment: text(table.comment),
    sqlite:
      strict || withoutRowid ? objectSource({ strict: flag(strict), withoutRowid: flag(withoutRowid) }) : undefined,
    mysql:
      engine || charset || collate
        ? objectSource({ engine: text(engine), charset: text(charset), collate: text(collate) })
        : undefined,
  });
  return callSource("createTable", quote(table.name), objectSource(Object.fromEntries(columns)), options);
}

// The name that the database itself gives a key needs no mention.
function isUsualKeyName(table: Table): boolean {
  const name = table.primaryKey?.name;
  return name === undefined || name === `${table.name.slice(table.name.indexOf(".") + 1)}_pkey`;
}

function keySource(key: { name?: string; columns: readonly string[] }): Source {
  return objectSource({ name: text(key.name), fields: namesSource(key.columns) });
}

function foreignKeySource(key: ForeignKey): Source {
  return objectSource({
    name: text(key.name),
    fields: namesSource(key.columns),
    table: quote(key.references.table),
    references: namesSource(key.references.columns),
    ...actions(key),
  });
}

/** A change as a call: of `op` with the table's name, or of `t` without one. */
function changeSource(change: TableChange, dialect: SchemaDialect, table: string | undefined): Source {
  const first = table === undefined ? [] : [table];
  switch (change.kind) {
    case "addColumn": {
      const { column, fill, after } = change;
      const options = {
        ...(fill ? { fill: fill.sql === "" ? ("missing" as const) : fill } : {}),
        ...(after === undefined ? {} : { after }),
      };
      return callSource("addColumn", ...first, quote(column.name), columnSource(column, dialect, options));
    }
    case "dropColumn":
      return callSource("dropColumn", ...first, quote(change.name));
    case "renameColumn":
      return callSource("renameColumn", ...first, quote(change.from), quote(change.to));
    case "alterColumn":
      return callSource("alterColumn", ...first, quote(change.name), alterSource(change, dialect));
    case "createUnique": {
      const { name, columns, deferrable } = change.unique;
      return callSource(
        "createUnique",
        ...first,
        orUndefined(name),
        namesSource(columns),
        objectSource({ deferrable: text(deferrable) }),
      );
    }
    case "createCheck":
      return callSource(
        "createCheck",
        ...first,
        quote(change.check.name ?? constraintName("ck", table ?? "", [])),
        quote(change.check.expression),
      );
    case "createForeignKey": {
      const { name, columns, references } = change.foreignKey;
      const where = [quote(references.table), namesSource(references.columns)];
      return callSource(
        "createForeignKey",
        ...first,
        orUndefined(name),
        namesSource(columns),
        ...where,
        objectSource(actions(change.foreignKey)),
      );
    }
    case "createPrimaryKey":
      return callSource(
        "createPrimaryKey",
        ...first,
        orUndefined(change.primaryKey.name),
        namesSource(change.primaryKey.columns),
      );
    case "dropConstraint":
      return callSource("dropConstraint", ...first, ...addressSource(change));
    case "renameConstraint":
      return callSource("renameConstraint", ...first, quote(change.from), quote(change.to), quote(change.type));
    case "createIndex":
      return createIndexSource(change.index, table);
    case "dropIndex":
      return callSource("dropIndex", quote(change.name), ...first);
    case "renameIndex":
      return callSource("renameIndex", ...first, quote(change.from), quote(change.to));
    case "commentTable":
      return callSource(
        table === undefined ? "comment" : "commentTable",
        ...first,
        change.comment === null ? "null" : quote(change.comment),
      );
  }
}

/** A constraint by its name, or by its columns where the database gave it none. */
function addressSource(change: DropConstraint): Source[] {
  if (change.type === "primaryKey") return [objectSource({ type: quote("primaryKey") })];
  if (change.name !== undefined) return [quote(change.name), quote(change.type)];
  return [objectSource({ type: quote(change.type), fields: namesSource(change.columns ?? []) })];
}

function createIndexSource(index: Index, table: string | undefined): Source {
  const parts = index.columns.map((part): Source => {
    const { column, expression, descending, nulls, collation, operatorClass, length } = part;
    const order = {
      order: descending ? quote("DESC") : undefined,
      nulls: text(nulls),
      collate: text(collation),
      operator: text(operatorClass),
      length: length === undefined ? undefined : String(length),
    };
    const isPlain = Object.values(order).every((value) => value === undefined);
    if (column !== undefined) return isPlain ? quote(column) : objectSource({ column: quote(column), ...order });
    return isPlain ? fragmentSource(expression ?? "") : objectSource({ expression: quote(expression ?? ""), ...order });
  });
  const options = objectSource({
    unique: flag(index.unique),
    where: text(index.where),
    using: text(index.method),
    include: index.include && namesSource(index.include),
  });
  return callSource(
    "createIndex",
    quote(index.name),
    ...(table === undefined ? [] : [table]),
    listSource(parts),
    options,
  );
}

function optionalList(items: readonly Source[]): Source | undefined {
  return items.length === 0 ? undefined : listSource(items);
}

function orUndefined(value: string | undefined): string {
  return value === undefined ? "undefined" : quote(value);
}
