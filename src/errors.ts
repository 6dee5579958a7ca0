/**
 * The error classes of the library: one per thing a caller may want to catch, each with its data as fields.
 *
 * A message says what could not be done, with what value and why; `hint` says what to type next.
 */

/** What every error of the library may carry beside its message. */
export interface ShellErrorOptions {
  /** The way out, as something to type or do. */
  hint?: string | undefined;
  /** The error that led to this one, usually the driver's. */
  cause?: unknown;
}

/** An error of the library: its message is for the person at the prompt, its fields are for code. */
export class ShellError extends Error {
  /** The way out, as something to type or do; undefined where there is none. */
  readonly hint: string | undefined;

  constructor(message: string, options: ShellErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint;
  }

  override get name(): string {
    return this.constructor.name;
  }
}

/** An argument that can never be right: a wrong type, an unknown name, a number out of range. */
export class ArgumentError extends ShellError {}

/** A call that is not possible in the state that the session, the query or the object is in. */
export class InvalidRequestError extends ShellError {}

/** A value that is not an instance of a registered model, given where one is needed. */
export class UnmappedInstanceError extends ShellError {
  readonly value: unknown;

  constructor(message: string, options: ShellErrorOptions & { value?: unknown } = {}) {
    super(message, options);
    this.value = options.value;
  }
}

/** A read of an attribute or a relationship that was not loaded from the database. */
export class NotLoadedError extends ShellError {
  readonly model: string;
  readonly key: string;

  constructor(message: string, options: ShellErrorOptions & { model: string; key: string }) {
    super(message, options);
    this.model = options.model;
    this.key = options.key;
  }
}

/** Work on an object that belongs to no session and would need one. */
export class DetachedInstanceError extends ShellError {}

/** A read or a refresh of an object whose row is no longer there. */
export class ObjectDeletedError extends ShellError {}

/** Work in a session whose transaction was rolled back by a failed flush and not yet ended by `rollback()`. */
export class PendingRollbackError extends ShellError {}

/** Use of a transaction handle or of a result that is closed. */
export class ResourceClosedError extends ShellError {}

/** A flush that cannot be carried out: it never ends, or leaves an object without a primary key. */
export class FlushError extends ShellError {}

/** Rows that were expected to be updated or deleted and were not there, or had another version. */
export class StaleDataError extends ShellError {
  readonly table: string;
  readonly expected: number;
  readonly matched: number;

  constructor(message: string, options: ShellErrorOptions & { table: string; expected: number; matched: number }) {
    super(message, options);
    this.table = options.table;
    this.expected = options.expected;
    this.matched = options.matched;
  }
}

/** Objects or tables that refer to each other in a circle, so that none can be written first. */
export class CircularDependencyError extends ShellError {
  readonly tables: readonly string[];

  constructor(message: string, options: ShellErrorOptions & { tables: readonly string[] }) {
    super(message, options);
    this.tables = options.tables;
  }
}

/** A statement that cannot be sent: a parameter without a value, a value that has no form in SQL. */
export class StatementError extends ShellError {
  readonly sql: string | undefined;
  readonly parameters: readonly unknown[] | undefined;

  constructor(
    message: string,
    options: ShellErrorOptions & { sql?: string | undefined; parameters?: readonly unknown[] | undefined } = {},
  ) {
    super(message, options);
    this.sql = options.sql;
    this.parameters = options.parameters;
  }
}

/** An error that the database raised for a statement. */
export class DatabaseError extends StatementError {}

/** The database could not do its work: lost connection, lock, full disk, interrupted statement. */
export class OperationalError extends DatabaseError {}

/** The constraint that an {@link IntegrityError} speaks of. */
export type ConstraintKind = "unique" | "foreignKey" | "notNull" | "check";

/** What is known of a violated constraint. */
export interface IntegrityErrorOptions extends ShellErrorOptions {
  sql?: string | undefined;
  parameters?: readonly unknown[] | undefined;
  kind: ConstraintKind;
  table?: string | undefined;
  fields?: readonly string[] | undefined;
  values?: readonly string[] | undefined;
  constraint?: string | undefined;
  objects?: readonly object[] | undefined;
}

/** A row that violates a constraint: unique, foreign key, not null or check. */
export class IntegrityError extends DatabaseError {
  readonly kind: ConstraintKind;
  /** Table of the violated constraint; undefined where the database does not say (foreign keys on SQLite). */
  readonly table: string | undefined;
  /** Columns of the violated constraint; empty where the database does not say. */
  readonly fields: readonly string[];
  /** Their values in the refused row, as the database writes them; empty where it does not say. */
  readonly values: readonly string[];
  /** Name of the violated constraint, where the database says it. */
  readonly constraint: string | undefined;
  /** Everything that the failed flush was about to insert, in order: `session.addAll(error.objects)` resumes the work. */
  readonly objects: readonly object[];

  constructor(message: string, options: IntegrityErrorOptions) {
    super(message, options);
    this.kind = options.kind;
    this.table = options.table;
    this.fields = options.fields ?? [];
    this.values = options.values ?? [];
    this.constraint = options.constraint;
    this.objects = options.objects ?? [];
  }

  /** The driver's own error. */
  get orig(): unknown {
    return this.cause;
  }
}

/** `one()` found no row. */
export class NoResultFound extends InvalidRequestError {}

/** `one()` or `oneOrNone()` found several rows. */
export class MultipleResultsFound extends InvalidRequestError {}

const NOT_FOUND_DESCRIPTION =
  "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.";

/**
 * What `getOr404`, `firstOr404`, `oneOr404` and `paginate` throw for a missing row or page.
 *
 * Express, Koa and Fastify answer 404 for it: they read `status`, `statusCode` and `expose`.
 */
export class NotFound extends ShellError {
  readonly status = 404;
  readonly statusCode = 404;
  readonly code = 404;
  readonly expose = true;
  readonly description: string;

  constructor(description: string = NOT_FOUND_DESCRIPTION) {
    super(`404 Not Found: ${description}`);
    this.description = description;
  }
}

/** The database cannot be opened: unknown scheme, no such server, no permission, not a database. */
export class ConnectionError extends ShellError {}

/** So much of a name may be mistyped. */
const NEAR_ENOUGH = 0.4;

/**
 * The name in `candidates` that is nearest to `name`, for a "did you mean".
 *
 * Edit distance with case, underscores and hyphens ignored; undefined where none is near.
 */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  const fold = (text: string): string => text.toLowerCase().replaceAll("_", "").replaceAll("-", "");
  const wanted = fold(name);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(wanted.length * NEAR_ENOUGH)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, fold(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Insertions, deletions, substitutions and swaps of neighbours between two texts. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, i) => i)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const substitution = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let distance = Math.min(substitution, at(i - 1, j) + 1, at(i, j - 1) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        distance = Math.min(distance, at(i - 2, j - 2) + 1);
      rows[i]?.push(distance);
    }
  }
  return at(a.length, b.length);
}
