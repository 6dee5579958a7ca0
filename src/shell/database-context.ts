import { inspect } from "node:util";
import type { Database } from "../database";
import type { QueryEvent } from "../driver/connection";
import type { Sandbox } from "../driver/sandbox";
import { InvalidRequestError } from "../errors";
import {
  aliased,
  and,
  asc,
  cast,
  desc,
  func,
  literal,
  not,
  nullsFirst,
  nullsLast,
  or,
  text,
  when,
} from "../query/expressions";
import { containsEager, defer, joined, loadOnly, noload, raiseload, selectin } from "../query/load-options";
import { renderAs } from "../render/render-as";
import type { RenderOptions } from "../render/render-options";
import { render } from "../render/render";
import { scalar } from "../render/renderable";
import { colorSql } from "../render/sql";
import { paint } from "../render/paint";
import { loadOnRead } from "../session/load-on-read";
import { makeTransient } from "../session/session";
import { captureSql } from "./capture-sql";
import type {
  CapturedStatement,
  InputOptions,
  ModelSummary,
  OutputSettings,
  PendingWork,
  Presentation,
  ShellContext,
} from "./context";
import type { Command } from "./commands/command";
import { outcomeView, tableOf, viewOf } from "./present";
import { queryInPlaceOf } from "./habit";
import type { Shown } from "./shown-rows";

/** How a {@link DatabaseContext} names itself and writes. */
export interface DatabaseContextOptions {
  readonly name: string;
  readonly banner: readonly string[];
  readonly color: boolean;
  /** Nobody is asked before statements that take many rows. */
  readonly yes: boolean;
  /** The program's own version. */
  readonly version: string;
  /** Writes lines to stderr. */
  readonly write: (text: string) => void;
  /** Opens another database with the same models, or the same one anew. Left out where there is no other. */
  readonly reopen?: ((url: string | undefined) => Promise<OpenedDatabase>) | undefined;
}

/** A database that is ready for the shell. */
export interface OpenedDatabase {
  readonly database: Database;
  /** What the prompt calls it. */
  readonly name: string;
  readonly banner: readonly string[];
}

/** Objects of which `.save` can tell, at the most. */
const MOST_INSERTED = 10_000;

/** So many equal statements of one input are a loop that one statement could replace. */
const SIMILAR_STATEMENTS = 5;
const LONGEST_ECHO = 400;

/** What the shell works on when it works on a database. */
export class DatabaseContext implements ShellContext {
  readonly banner: readonly string[];
  readonly settings: OutputSettings;
  /** The rows that were shown last. */
  shown: Shown | undefined;
  /** Objects whose insertion was committed, the first {@link MOST_INSERTED} of them. */
  inserted: object[] = [];
  /** How many there were in all. */
  insertedCount = 0;
  #name: string;
  #globals: Readonly<Record<string, unknown>>;
  #database: Database;
  #isReopening = false;
  readonly #options: DatabaseContextOptions;
  /** Statements of the running input by their text, for the hint at a loop of them. */
  readonly #statements = new Map<string, number>();
  #newBefore: ReadonlySet<object> = new Set();
  /** The input that is running: only what a person typed is guarded. */
  #input: Pick<InputOptions<unknown>, "ask"> | undefined;

  constructor(database: Database, settings: OutputSettings, options: DatabaseContextOptions) {
    this.#database = database;
    this.#options = options;
    this.settings = settings;
    this.#name = options.name;
    const { names, notes } = contextNames(database);
    this.#globals = names;
    this.banner = [...options.banner, ...notes];
    this.#watch(database);
  }

  get name(): string {
    return this.#name;
  }

  get globals(): Readonly<Record<string, unknown>> {
    return this.#globals;
  }

  /** The database that is open now. */
  get database(): Database {
    return this.#database;
  }

  get color(): boolean {
    return this.#options.color;
  }

  get version(): string {
    return this.#options.version;
  }

  async loadCommands(): Promise<readonly Command[]> {
    const { databaseCommands } = await import("./commands/database-commands.js");
    return databaseCommands(this);
  }

  async reopen(url: string | undefined): Promise<void> {
    const { reopen } = this.#options;
    if (!reopen) throw new InvalidRequestError("This shell cannot open another database.");
    const before = this.#database;
    const [inSandbox, readOnly] = [before.sandbox !== undefined, before.readOnly];
    this.#isReopening = true;
    const opened = await reopen(url).finally(() => {
      this.#isReopening = false;
    });
    await this.close();
    const { database, name, banner } = opened;
    this.#database = database;
    database.setReadOnly(readOnly);
    if (inSandbox) await database.beginSandbox();
    this.#name = name;
    const { names, notes } = contextNames(database, this.#globals);
    this.#globals = names;
    this.inserted = [];
    this.insertedCount = 0;
    this.#watch(database);
    this.#options.write([...banner, ...notes].map((line) => `${line}\n`).join(""));
  }

  #watch(database: Database): void {
    database.onQuery((event) => this.#heard(event));
    database.onInserted = (objects) => {
      this.insertedCount += objects.length;
      for (const object of objects) if (this.inserted.length < MOST_INSERTED) this.inserted.push(object);
    };
    if (!this.#options.yes) {
      database.guard = async (statement, count) => {
        if (!this.#input || database.sandbox || !/\b(?:DELETE|UPDATE|DROP|TRUNCATE)\b/i.test(statement.sql)) return;
        const { checkDestructive } = await import("./destructive-guard.js");
        await checkDestructive(statement, { dialect: database.dialect, ask: this.#input.ask, count });
      };
    }
  }

  async present(value: unknown, presentation: Presentation): Promise<string | undefined> {
    const { durationMs, interactive, width, whole = false } = presentation;
    const { session } = this.#database;
    const { settings } = this;
    const outcome = session.lastOutcome;
    session.lastOutcome = undefined;
    const limit = interactive && !whole ? settings.limit : 0;
    const options: RenderOptions = {
      format: settings.format,
      terminal: interactive,
      color: this.#options.color,
      bareStrings: true,
      limit,
      table: tableOf(value),
      literal: (each) => this.#database.dialect.literal(each),
      identifier: (name) => this.#database.dialect.identifier(name),
      syntax: this.#database.dialect.lexicalRules,
      ...(width === undefined ? {} : { width }),
      ...(interactive ? {} : { note: (line: string) => this.#options.write(`${line}\n`) }),
    };
    if (value === undefined) {
      if (!interactive) return undefined;
      if (outcome !== undefined) return render(outcomeView(outcome), options);
      const added = this.#added();
      return added === undefined ? undefined : paint(options.color).dim(added);
    }
    const forPeople = settings.format === "table" || settings.format === "vertical";
    const isCount = forPeople && (outcome?.kind === "update" || outcome?.kind === "delete") && outcome.rows === value;
    const view = isCount
      ? outcomeView(outcome)
      : await viewOf(value, { session, durationMs, forPeople, byColumn: settings.format === "insert" });
    const set = view?.[renderAs] === "page" ? view.items : view?.[renderAs] === "rows" ? view : undefined;
    if (set && Array.isArray(set.rows) && !whole) {
      this.shown = { set, drawn: limit === 0 ? set.rows.length : Math.min(limit, set.rows.length) };
    }
    return render(view ?? scalar(value), options);
  }

  loadOnRead(object: object, key: string): Promise<unknown> | undefined {
    return loadOnRead(object, key);
  }

  suggest(object: object, key: string): string | undefined {
    const { session } = this.#database;
    if (object === this.#database && key in session) return `db.session.${key}`;
    const name = Object.entries(this.globals).find(([, value]) => value === object)?.[0];
    if (name === undefined || !isModelClass(object)) return undefined;
    return queryInPlaceOf(name, key);
  }

  async runInput<T>(run: () => Promise<T>, options: InputOptions<T> = {}): Promise<T> {
    this.#statements.clear();
    this.#database.session.lastOutcome = undefined;
    this.#newBefore = this.#database.session.new;
    this.#input = options;
    try {
      return this.#database.sandbox ? await this.#runInSandbox(run, this.#database.sandbox, options) : await run();
    } finally {
      this.#input = undefined;
      if (this.settings.echo) this.#tellLoops();
    }
  }

  async #runInSandbox<T>(run: () => Promise<T>, sandbox: Sandbox, { isFailure }: InputOptions<T>): Promise<T> {
    const { SandboxLine } = await import("./sandbox-line.js");
    const line = await SandboxLine.begin(this.#database, sandbox);
    let failed = true;
    try {
      const result = await run();
      failed = isFailure?.(result) ?? false;
      return result;
    } finally {
      const told = await line.end(failed);
      if (told !== undefined) this.#options.write(`${told}\n`);
    }
  }

  async cancel(): Promise<void> {
    await this.#database.cancel();
  }

  get keepsNothing(): boolean {
    return this.#database.sandbox !== undefined;
  }

  idleConnections(): number | undefined {
    // Without a connection the process ends by itself when nothing can happen. What a native module does, no list tells.
    return this.#isReopening ? undefined : this.#database.countIdleConnections() || undefined;
  }

  pendingWork(): PendingWork {
    return this.#database.session.pendingWork();
  }

  marks(): readonly string[] {
    return [...(this.#database.sandbox ? ["sandbox"] : []), ...(this.#database.readOnly ? ["read-only"] : [])];
  }

  async commit(): Promise<void> {
    await this.#database.session.commit();
  }

  async rollback(): Promise<void> {
    await this.#database.session.rollback();
  }

  async close(): Promise<void> {
    const undone = this.#database.sandbox?.changes() ?? [];
    await this.#database.close();
    if (undone.length === 0) return;
    const { describeChanges } = await import("./sandbox-changes.js");
    this.#options.write(`note: the sandbox was rolled back: ${describeChanges(undone)}\n`);
  }

  captureSql(evaluate: () => Promise<unknown>): Promise<readonly CapturedStatement[]> {
    return captureSql(this.#database, evaluate);
  }

  async models(): Promise<readonly ModelSummary[]> {
    const summaries: ModelSummary[] = [];
    for (const mapper of this.#database.mappers()) {
      const rows = (await this.#database.hasTable(mapper))
        ? await this.#database.session.query(mapper.model).count()
        : undefined;
      summaries.push({ name: mapper.name, table: mapper.tableName, rows });
    }
    return summaries;
  }

  async declarations(): Promise<string> {
    const { contextDeclarations } = await import("./declarations.js");
    return contextDeclarations(this.#database, this.globals);
  }

  #heard(event: QueryEvent): void {
    this.#statements.set(event.sql, (this.#statements.get(event.sql) ?? 0) + 1);
    if (!this.settings.echo) return;
    const { color } = this.#options;
    const sql = event.sql.length > LONGEST_ECHO ? `${event.sql.slice(0, LONGEST_ECHO)}…` : event.sql;
    const parameters = event.parameters.length === 0 ? "" : `  -- ${describeParameters(event.parameters)}`;
    const time = `  (${event.durationMs.toFixed(1)} ms)`;
    this.#options.write(
      `${colorSql(sql, { color, syntax: this.#database.dialect.lexicalRules })}${paint(color).dim(parameters + time)}\n`,
    );
  }

  #tellLoops(): void {
    for (const [sql, count] of this.#statements) {
      const table = /^SELECT[\s\S]*?\sFROM\s+(\S+)/.exec(sql)?.[1];
      if (count >= SIMILAR_STATEMENTS && table !== undefined) {
        this.#options.write(`note: ${count} similar SELECTs on ${table} (N+1?)\n`);
      }
    }
  }

  /** `User (new)`, where the input added objects to the session. */
  #added(): string | undefined {
    const counts = new Map<string, number>();
    for (const object of this.#database.session.new) {
      if (this.#newBefore.has(object)) continue;
      const { name } = object.constructor;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    if (counts.size === 0) return undefined;
    return `${[...counts].map(([name, count]) => (count === 1 ? name : `${count} ${name}`)).join(", ")} (new)`;
  }
}

function isModelClass(value: object): boolean {
  return typeof value === "function" && "rawAttributes" in value;
}

function describeParameters(parameters: readonly unknown[]): string {
  const text = inspect(parameters, { breakLength: Infinity, maxArrayLength: 20, maxStringLength: 100, depth: 1 });
  return text.length > LONGEST_ECHO ? `${text.slice(0, LONGEST_ECHO)}…` : text;
}

/**
 * The preloaded names: the database, its session, every model, Sequelize's own, and the helpers for expressions.
 *
 * @param before  those of the database that was open before, in whose place they come
 */
function contextNames(
  database: Database,
  before: Readonly<Record<string, unknown>> = {},
): { names: Record<string, unknown>; notes: string[] } {
  const library = database.sequelize.constructor as unknown as { DataTypes: unknown; Op: unknown };
  const names: Record<string, unknown> = {
    ...{ aliased, and, asc, cast, desc, func, literal, not, nullsFirst, nullsLast, or, text, when },
    ...{ containsEager, defer, joined, loadOnly, noload, raiseload, selectin },
    makeTransient,
    db: database,
    session: database.session,
    sequelize: database.sequelize,
    DataTypes: library.DataTypes,
    Op: library.Op,
  };
  const notes: string[] = [];
  for (const [name, model] of Object.entries(database.models)) {
    const hides = (name in globalThis && !(name in before)) || name in names;
    const given = hides ? `${name}Model` : name;
    if (hides) notes.push(`note: the model ${name} is named ${given} here: ${name} is taken`);
    names[given] = model;
  }
  return { names, notes };
}
