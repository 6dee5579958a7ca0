import type { Connection } from "../driver/connection";
import type { Bindable } from "../driver/dialect";
import { DatabaseError, IntegrityError, OperationalError } from "../errors";
import type { Attribute } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import type { InstanceState } from "./instance-state";
import { describeValue, nameForError } from "./label";

/**
 * Finds the object whose row made a bulk statement fail, by running the rows again in halves.
 *
 * The transaction is rolled back afterwards, so what succeeds on the way does no harm.
 */
export async function nameCulprit(
  connection: Connection,
  error: unknown,
  states: readonly InstanceState[],
  rows: readonly (readonly Bindable[])[],
  run: (rows: readonly (readonly Bindable[])[]) => Promise<unknown>,
): Promise<{ error: unknown; state: InstanceState | undefined }> {
  if (!(error instanceof DatabaseError) || error instanceof OperationalError) return { error, state: undefined };
  let from = 0;
  let to = rows.length;
  while (to - from > 1) {
    const middle = from + Math.ceil((to - from) / 2);
    if (await succeeds(connection, () => run(rows.slice(from, middle)))) from = middle;
    else to = middle;
  }
  await connection.savepoint("flush_search");
  try {
    await run(rows.slice(from, to));
  } catch (precise) {
    return { error: precise, state: states[from] };
  } finally {
    await connection.rollbackTo("flush_search").catch(() => undefined);
  }
  return { error, state: undefined };
}

async function succeeds(connection: Connection, run: () => Promise<unknown>): Promise<boolean> {
  await connection.savepoint("flush_search");
  try {
    await run();
    await connection.release("flush_search");
    return true;
  } catch {
    await connection.rollbackTo("flush_search");
    return false;
  }
}

/**
 * The database's error in the words of the objects: what could not be done with which object, and which value is to blame.
 *
 * @param keysAreGenerated  the database was to choose the keys of the rows
 */
export function explainFailure(
  error: unknown,
  verb: "insert" | "update" | "delete",
  state: InstanceState | undefined,
  mapper: Mapper,
  inserts: readonly InstanceState[],
  keysAreGenerated = verb === "insert" && haveNoKey(state === undefined ? inserts : [state], mapper),
): unknown {
  if (!(error instanceof DatabaseError)) return error;
  const { sql, parameters, cause } = error;
  const objects = inserts.map(({ instance }) => instance);
  if (!(error instanceof IntegrityError)) {
    if (error instanceof OperationalError || state === undefined) return error;
    const message = `Cannot ${verb} ${nameForError(state)}: ${error.message}`;
    return new DatabaseError(message, { sql, parameters, cause, hint: error.hint ?? RETRY });
  }
  const fields = fieldsOf(error, mapper);
  const about = fields
    .map((field) => mapper.attributes.find(({ column }) => column === field))
    .filter((each) => each !== undefined);
  const isKeyToBlame =
    keysAreGenerated && error.kind === "unique" && fields.length === 1 && about[0]?.generated === true;
  const subject =
    state === undefined
      ? `a row of ${mapper.tableName}`
      : nameForError(state, verb === "delete" || isKeyToBlame ? [] : about);
  const reason = reasonOf(error, verb, state, mapper, about, isKeyToBlame);
  return new IntegrityError(`Cannot ${verb} ${subject}: ${reason}.`, {
    sql,
    parameters,
    cause,
    kind: error.kind,
    table: error.table ?? (error.kind === "unique" || error.kind === "notNull" ? mapper.tableName : undefined),
    fields,
    values: error.values,
    constraint: error.constraint,
    objects,
    hint:
      verb === "delete"
        ? "db.session.rollback(), then delete or move the rows that refer to it first"
        : ((isKeyToBlame ? catchUp(mapper, fields[0] as string) : undefined) ?? RETRY),
  });
}

/** Rows with given keys can leave behind what the database counts its own by. */
function catchUp({ dialect, table }: Mapper, column: string): string | undefined {
  const statement = dialect.keyCounterStatement(table, column);
  return statement === undefined
    ? undefined
    : `db.session.rollback(), then db.session.execute(${JSON.stringify(statement)}), which makes ${column} go on after ` +
        "the highest, and add the objects again (error.objects)";
}

function haveNoKey(states: readonly InstanceState[], mapper: Mapper): boolean {
  const { generatedKey } = mapper;
  return (
    generatedKey !== undefined &&
    states.some((state) => state.mapper === mapper && (state.instance.dataValues[generatedKey.name] ?? null) === null)
  );
}

const RETRY = "db.session.rollback(), then correct the value and add the objects again (error.objects)";

/** Some databases name the constraint and not its columns. */
function fieldsOf(error: IntegrityError, mapper: Mapper): readonly string[] {
  if (error.fields.length > 0 || error.constraint === undefined || error.kind !== "unique") return error.fields;
  if (error.constraint === "PRIMARY") return mapper.primaryKey.map(({ column }) => column);
  const { indexes = [] } = (mapper.model as unknown as { options: { indexes?: readonly IndexOption[] } }).options;
  const index = indexes.find(({ name }) => name === error.constraint);
  const named = index?.fields?.map((field) => (typeof field === "string" ? field : (field.name ?? "")));
  if (named !== undefined) return named.map((name) => mapper.find(name)?.column ?? name);
  // MariaDB names an index after its first column; a number follows from the second of that name on.
  const column = error.constraint.replace(/_\d+$/, "");
  const attribute = mapper.attributes.find((each) => each.column === error.constraint || each.column === column);
  return attribute === undefined ? [] : [attribute.column];
}

interface IndexOption {
  name?: string;
  fields?: readonly (string | { name?: string })[];
}

function reasonOf(
  error: IntegrityError,
  verb: "insert" | "update" | "delete",
  state: InstanceState | undefined,
  mapper: Mapper,
  about: readonly Attribute[],
  isKeyToBlame: boolean,
): string {
  const table = error.table ?? mapper.tableName;
  const where = about.map(({ column }) => `${table}.${column}`).join(", ") || error.constraint;
  const [told] = about.length === 1 && error.fields.length <= 1 ? error.values : [];
  const named = (attribute: Attribute): string => {
    const value = state?.instance.dataValues[attribute.name] ?? null;
    if (value === null && told !== undefined)
      return `${attribute.name} ${attribute.kind === "integer" || attribute.kind === "bigint" ? told : describeValue(told)}`;
    return state === undefined ? attribute.name : `${attribute.name} ${describeValue(value)}`;
  };
  const values = about.map(named).join(" with ");
  switch (error.kind) {
    case "unique":
      return `${values || "a value"}${isKeyToBlame ? ", which the database chose," : ""} is already taken (UNIQUE ${where ?? table})`;
    case "notNull":
      return `${about.map(({ name }) => name).join(", ") || error.fields.join(", ")} must not be null (NOT NULL ${where ?? `${table}.${error.fields.join(", ")}`})`;
    case "check":
      return `it breaks a rule of the table (CHECK ${error.constraint ?? table})`;
    default: {
      if (verb === "delete")
        return `other rows still refer to it (FOREIGN KEY${where === undefined ? "" : ` ${where}`})`;
      const suspects = about.length > 0 || state === undefined ? values : foreignKeysOf(state).map(named).join(" or ");
      return `${suspects || "a foreign key"} refers to a row that is not there (FOREIGN KEY${where === undefined ? "" : ` ${where}`})`;
    }
  }
}

/** Foreign keys of an object that have a value: where the database does not say which one failed. */
function foreignKeysOf({ mapper, instance }: InstanceState): Attribute[] {
  const keys = new Set<Attribute>();
  for (const relationship of mapper.relationships.values()) {
    if (relationship.kind !== "manyToOne") continue;
    const value = instance.dataValues[relationship.foreignKey.name];
    if (value !== null && value !== undefined) keys.add(relationship.foreignKey);
  }
  return [...keys];
}
