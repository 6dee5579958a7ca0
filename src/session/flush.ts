import type { Connection } from "../driver/connection";
import { CHUNK_KEYS, chunks } from "../driver/dialect";
import type { Bindable, DriverRow, InsertRequest, InsertResult, UpdateRequest } from "../driver/dialect";
import { StaleDataError } from "../errors";
import type { Attribute } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import { writeAssociations } from "./associations";
import { explainFailure, nameCulprit } from "./culprit";
import { insertStatement, isSqlExpression, updateStatement } from "./expression-values";
import type { Assignment } from "./expression-values";
import { hasHooks, runHooks } from "./flush-hooks";
import { countOf } from "./deleted-together";
import type { DeleteStep, DeleteTogetherStep, FlushPlan, InsertStep, PendingKey, UpdateStep } from "./flush-steps";
import { becomeDeleted, becomeDeletedTogether, becomeInserted, becomeUpdated } from "./flushed-state";
import type { InsertRows } from "./insert-rows";
import { insertSteps } from "./insert-steps";
import { generate, learnServerDefault } from "./insert-values";
import type { Instance, InstanceState } from "./instance-state";
import { readColumns } from "./read-columns";
import { keyRows } from "./row-keys";
import { giveBackOriginal, updateSteps } from "./update-steps";
import type { UnitOfWork } from "./unit-of-work";

/** Carries out a flush plan on a connection that has its transaction open. */
export class Flush {
  readonly #plan: FlushPlan;
  readonly #unit: UnitOfWork;
  readonly #connection: Connection;

  constructor(plan: FlushPlan, unit: UnitOfWork, connection: Connection) {
    this.#plan = plan;
    this.#unit = unit;
    this.#connection = connection;
  }

  /**
   * Sends the statements and does nothing else: no hook runs, no object changes its state, no answer is looked at.
   *
   * For a connection that only notes down what it is given. Keys that the database would make are NULL.
   */
  async rehearse(): Promise<void> {
    for (const step of this.#plan.steps) {
      if (step.kind === "insert") await this.#rehearseInsert(step);
      else if (step.kind === "update") await this.#rehearseUpdate(step);
      else if (step.kind === "delete")
        await this.#rehearseDelete(step.mapper, step.keys, keyRows(step.states, step.keys));
      else if (step.kind === "deleteTogether") {
        const rows = step.groups.flatMap((group) => group.keyRows());
        await this.#rehearseDelete(step.mapper, step.mapper.primaryKey, rows);
      } else await writeAssociations(this.#connection, step, this.#plan.now).catch(passOverStale);
    }
  }

  async #rehearseInsert(step: InsertStep): Promise<void> {
    const { dialect } = this.#connection;
    if (!step.hasExpressions) {
      let firstKey: number | undefined;
      for (const rows of step.rows.parts()) {
        const result = await dialect.insert(this.#connection, { ...this.#insertRequest(step, rows), firstKey });
        firstKey = result.nextKey;
      }
      return;
    }
    for (const state of step.states) {
      const { sql, parameters } = insertStatement(dialect, step.mapper, assignments(state, step.shape.columns));
      await this.#connection.run(sql, parameters);
    }
  }

  async #rehearseUpdate(step: UpdateStep): Promise<void> {
    const { dialect } = this.#connection;
    if (!step.hasExpressions) {
      await dialect.update(this.#connection, updateRequest(step, step.rows));
      return;
    }
    for (const state of step.states) {
      const where = step.keys.map((attribute) => ({ attribute, value: committedKey(state, attribute) }));
      const { sql, parameters } = updateStatement(dialect, step.mapper, assignments(state, step.sets), where);
      await this.#connection.run(sql, parameters);
    }
  }

  async #rehearseDelete({ table }: Mapper, keys: readonly Attribute[], rows: Rows): Promise<void> {
    const { dialect } = this.#connection;
    await dialect.delete(this.#connection, { table, keys: keys.map(({ bulk }) => bulk), rows });
  }

  async run(): Promise<void> {
    this.#connection.forgetCancel();
    // Before a deleted member leaves what counts as written by now.
    for (const { state, key, before } of this.#plan.relations) this.#unit.frame.noteRelation(state, key, before);
    for (const step of this.#plan.steps) {
      this.#connection.throwIfCancelled();
      switch (step.kind) {
        case "insert":
          await this.#insert(step);
          break;
        case "update":
          await this.#update(step);
          break;
        case "delete":
          await this.#delete(step);
          break;
        case "deleteTogether":
          await this.#deleteTogether(step);
          break;
        default:
          await writeAssociations(this.#connection, step, this.#plan.now);
      }
    }
    this.#connection.throwIfCancelled();
  }

  // Inserting

  async #insert(step: InsertStep): Promise<void> {
    this.#fillKeys(step);
    if (!hasHooks(step.mapper, "beforeCreate", "afterCreate")) {
      await this.#insertRows(step);
      return;
    }
    const { handle } = this.#connection;
    await runHooks("beforeCreate", step.states, handle, step.shape.columns);
    // A hook may have set what was unset; what it changed goes into the same statement.
    for (const state of step.states) state.original = undefined;
    for (const again of insertSteps(step.states, undefined, undefined)) await this.#insertRows(again);
    await runHooks("afterCreate", step.states, handle, step.shape.columns);
  }

  async #insertRows(step: InsertStep): Promise<void> {
    if (!step.hasExpressions) {
      await this.#insertBatch(step);
      return;
    }
    await this.#insertExpressions(step);
    becomeInserted(this.#unit, step.states);
  }

  async #insertBatch(step: InsertStep): Promise<void> {
    const { dialect } = this.#connection;
    let firstKey = await this.#firstKey(step);
    const insert = async (rows: Rows): Promise<InsertResult> => {
      const request = { ...this.#insertRequest(step, rows), firstKey };
      firstKey = undefined;
      const result = await dialect.insert(this.#connection, request);
      firstKey = result.nextKey;
      return result;
    };
    const ordered = step.shape.hasGeneratedKey;
    await this.#guarded("insert", step.states, step.rows.parts(), ordered, insert, (states, result) =>
      this.#settleInserted(step, states, result),
    );
  }

  /** Asked for before there are rows, so that nothing that takes long stands between the two statements. */
  async #firstKey(step: InsertStep): Promise<number | undefined> {
    if (step.states.length === 1) return undefined;
    try {
      return await this.#connection.dialect.nextKey(this.#connection, this.#insertRequest(step, []));
    } catch (error) {
      throw explainFailure(error, "insert", undefined, step.mapper, this.#plan.inserts);
    }
  }

  /** Objects get what the database made for their rows, and are persistent from now on. */
  #settleInserted(
    { mapper, shape }: InsertStep,
    states: readonly InstanceState[],
    { keys, returned = [] }: InsertResult,
  ): Promise<void> | undefined {
    const { generatedKey } = mapper;
    const isReturned = this.#connection.dialect.supportsReturning;
    for (let i = 0; i < states.length; i++) {
      const state = states[i] as InstanceState;
      if (shape.hasGeneratedKey && generatedKey !== undefined)
        generate(state, generatedKey.name, generatedKey.fromDatabase(keys[i]));
      fillUnset(state, shape.columns);
      if (isReturned && shape.unknown.length > 0) takeStored(state, shape.unknown, returned[i] ?? {}, true);
    }
    if (isReturned || shape.unknown.length === 0) {
      becomeInserted(this.#unit, states);
      return undefined;
    }
    return (async () => {
      for (const state of states)
        takeStored(state, shape.unknown, await readColumns(this.#connection, state, shape.unknown), true);
      becomeInserted(this.#unit, states);
    })();
  }

  #insertRequest({ mapper, shape }: InsertStep, rows: Rows): InsertRequest {
    const returning = this.#connection.dialect.supportsReturning ? shape.unknown.map(({ column }) => column) : [];
    return {
      table: mapper.table,
      tableName: mapper.tableName,
      columns: shape.columns.map(({ bulk }) => bulk),
      rows,
      generatedKey: shape.hasGeneratedKey ? mapper.generatedKey?.column : undefined,
      returning: returning.length > 0 ? returning : undefined,
    };
  }

  async #insertExpressions({ mapper, shape, states }: InsertStep): Promise<void> {
    const { dialect } = this.#connection;
    for (const state of states) {
      const values = assignments(state, shape.columns);
      const computed = [...shape.unknown, ...computedOf(values)];
      const { sql, parameters } = insertStatement(dialect, mapper, values);
      const wanted = [...(shape.hasGeneratedKey && mapper.generatedKey ? [mapper.generatedKey] : []), ...computed];
      const run = async (): Promise<DriverRow> => {
        if (dialect.supportsReturning) {
          const [row] = await this.#connection.all(
            `${sql} RETURNING ${wanted.map(({ columnSql }) => columnSql).join(", ")}`,
            parameters,
          );
          return row ?? {};
        }
        const { insertId } = await this.#connection.run(sql, parameters);
        return mapper.generatedKey === undefined ? {} : { [mapper.generatedKey.column]: insertId };
      };
      const row = await this.#single("insert", state, run);
      if (dialect.supportsReturning) takeStored(state, wanted, row, true);
      else {
        if (shape.hasGeneratedKey && mapper.generatedKey) takeStored(state, [mapper.generatedKey], row, true);
        takeStored(state, computed, await readColumns(this.#connection, state, computed), true);
      }
      fillUnset(state, shape.columns);
    }
  }

  // Updating

  async #update(step: UpdateStep): Promise<void> {
    this.#fillKeys(step);
    if (step.purpose === "postUpdate") {
      for (const [i, state] of step.states.entries())
        step.mapper.primaryKey.forEach((key, k) => {
          const row = step.rows[i] as Bindable[];
          if (row[k] === null) row[k] = key.toDatabase(state.instance.dataValues[key.name]);
        });
      await this.#updateBatch(step);
      return;
    }
    const hooked =
      step.purpose === "save"
        ? (["beforeUpdate", "afterUpdate"] as const)
        : (["beforeDestroy", "afterDestroy"] as const);
    if (!hasHooks(step.mapper, ...hooked)) {
      await this.#updateRows(step);
      return;
    }
    const { handle } = this.#connection;
    await runHooks(hooked[0], step.states, handle, step.sets);
    if (step.purpose === "save") {
      for (const state of step.states) giveBackOriginal(state);
      for (const again of updateSteps(step.states, undefined, this.#plan)) await this.#updateRows(again);
    } else await this.#updateRows(step);
    await runHooks(hooked[1], step.states, handle, step.sets);
  }

  async #updateRows(step: UpdateStep): Promise<void> {
    if (step.hasExpressions) await this.#updateExpressions(step);
    else await this.#updateBatch(step);
    if (step.purpose === "softDelete") {
      becomeDeleted(this.#unit, step.states);
      return;
    }
    for (let i = 0; i < step.states.length; i++) {
      const state = step.states[i] as InstanceState;
      const old = this.#plan.replaced.size > 0 ? this.#plan.replaced.get(state) : undefined;
      if (old === undefined) becomeUpdated(this.#unit, state);
      else {
        becomeDeleted(this.#unit, [old]);
        becomeInserted(this.#unit, [state]);
      }
    }
  }

  async #updateBatch(step: UpdateStep): Promise<void> {
    const { states, rows } = step;
    const { dialect } = this.#connection;
    let matched = 0;
    const run = (part: Rows): Promise<number> => dialect.update(this.#connection, updateRequest(step, part));
    await this.#guarded("update", states, chunks(rows), false, run, (_, count) => {
      matched += count;
      return undefined;
    });
    if (matched < rows.length) await this.#checkMissing(step, matched);
  }

  async #updateExpressions({ mapper, keys, sets, states }: UpdateStep): Promise<void> {
    for (const state of states) {
      const values = assignments(state, sets);
      const where = keys.map((attribute) => ({ attribute, value: committedKey(state, attribute) }));
      const { sql, parameters } = updateStatement(this.#connection.dialect, mapper, values, where);
      const { rowCount } = await this.#single("update", state, () => this.#connection.run(sql, parameters));
      if (rowCount < 1) throw stale("UPDATE", mapper, 1, 0);
      const computed = computedOf(values);
      takeStored(state, computed, await readColumns(this.#connection, state, computed), false);
    }
  }

  /** Fewer rows than expected: some databases count only those that changed, so the rows are looked for first. */
  async #checkMissing(step: UpdateStep, matched: number): Promise<void> {
    const { mapper, rows } = step;
    if (mapper.version === undefined) {
      let present = 0;
      for (const row of rows) {
        const where = step.keys
          .map((key, i) => `${key.columnSql} = ${this.#connection.dialect.placeholder(i + 1)}`)
          .join(" AND ");
        const found = await this.#connection.all(
          `SELECT 1 FROM ${mapper.table} WHERE ${where}`,
          row.slice(0, step.keys.length),
        );
        present += found.length;
      }
      if (present >= rows.length) return;
    }
    throw stale("UPDATE", mapper, rows.length, matched);
  }

  // Deleting

  async #delete(step: DeleteStep): Promise<void> {
    const { mapper, states, keys } = step;
    const { handle } = this.#connection;
    await runHooks("beforeDestroy", states, handle);
    const parts: DeletedPart[] = [];
    for (let start = 0; start < states.length; start += CHUNK_KEYS) {
      const part = states.length <= CHUNK_KEYS ? states : states.slice(start, start + CHUNK_KEYS);
      parts.push({ rows: () => keyRows(part, keys), settle: () => becomeDeleted(this.#unit, part) });
    }
    await this.#deleteParts(mapper, keys, states, parts);
    await runHooks("afterDestroy", states, handle);
  }

  async #deleteTogether({ mapper, groups }: DeleteTogetherStep): Promise<void> {
    const parts = groups.map((group): DeletedPart => {
      let sent: readonly Instance[] = [];
      const rows = (): Rows => {
        sent = group.members;
        return group.keyRows();
      };
      return { rows, settle: () => becomeDeletedTogether(this.#unit, group, sent) };
    });
    await this.#deleteParts(mapper, mapper.primaryKey, { length: countOf(groups) }, parts);
  }

  /** @param deleted  the objects, or only their number where none of them is to be named */
  async #deleteParts(
    mapper: Mapper,
    keys: readonly Attribute[],
    deleted: { readonly length: number; readonly [i: number]: InstanceState },
    parts: readonly DeletedPart[],
  ): Promise<void> {
    const { dialect } = this.#connection;
    const { length } = deleted;
    const request = { table: mapper.table, keys: keys.map(({ bulk }) => bulk) };
    let matched = 0;
    let written: DeletedPart | undefined;
    let rows = parts[0]?.rows() ?? [];
    for (const [i, part] of parts.entries()) {
      this.#connection.throwIfCancelled();
      try {
        const running = dialect.delete(this.#connection, { ...request, rows });
        // What is left to do here is done while the database works.
        if (parts.length > 1) {
          await whileRunning(running, () => {
            written?.settle();
            rows = parts[i + 1]?.rows() ?? [];
          });
        }
        matched += await running;
        written = part;
      } catch (error) {
        throw explainFailure(error, "delete", length === 1 ? deleted[0] : undefined, mapper, this.#plan.inserts);
      }
    }
    if (matched > length) throw stale("DELETE", mapper, length, matched);
    if (matched < length) {
      if (mapper.version !== undefined) throw stale("DELETE", mapper, length, matched);
      this.#unit.session.warn(
        `DELETE statement on table '${mapper.tableName}' expected to delete ${length} row(s); ${matched} were matched.`,
      );
    }
    written?.settle();
  }

  // Keys of other rows, and errors

  #fillKeys({
    rows,
    states,
    pendingKeys,
  }: {
    rows: Bindable[][] | InsertRows;
    states: InstanceState[];
    pendingKeys: PendingKey[];
  }): void {
    for (const { row, column, link } of pendingKeys) {
      const value = link.parent.instance.dataValues[link.parentAttribute.name];
      const state = states[row] as InstanceState;
      if (state.status === "pending") generate(state, link.attribute.name, value);
      else state.instance.dataValues[link.attribute.name] = value;
      const sent = link.attribute.toDatabase(value ?? null);
      if (!Array.isArray(rows)) {
        rows.fill(row, column, sent);
        continue;
      }
      const values = rows[row] as Bindable[];
      if (values.length > column) values[column] = sent;
    }
  }

  /**
   * Runs a bulk statement in parts; a part that fails is taken apart until the object is found that is to blame.
   *
   * @param parts    the rows, one part for each statement
   * @param ordered  the database numbers the rows
   * @param settle   called for each part that is written, at best while the database works on the next one
   */
  async #guarded<T>(
    verb: "insert" | "update",
    states: readonly InstanceState[],
    parts: Generator<Rows>,
    ordered: boolean,
    run: (rows: Rows) => Promise<T>,
    settle: (states: readonly InstanceState[], result: T) => Promise<void> | undefined,
  ): Promise<void> {
    const { dialect } = this.#connection;
    const { mapper } = states[0] as InstanceState;
    let start = 0;
    let written: (() => Promise<void> | undefined) | undefined;
    for (let next = parts.next(); next.done !== true;) {
      const part = next.value;
      const isLast = start + part.length === states.length;
      this.#connection.throwIfCancelled();
      const savepoint = part.length > 1 && dialect.abortsTransactionOnError;
      if (savepoint) await this.#connection.savepoint("flush_batch");
      const partStates = part.length === states.length ? states : states.slice(start, start + part.length);
      let result: T;
      try {
        const running = run(part);
        if (!isLast || written !== undefined) {
          await whileRunning(running, async () => {
            if (!isLast) {
              next = parts.next();
              if (next.done !== true) dialect.prepareRows(next.value, ordered);
            }
            await written?.();
          });
        }
        result = await running;
        if (savepoint) await this.#connection.release("flush_batch");
      } catch (error) {
        if (part.length === 1) throw explainFailure(error, verb, partStates[0], mapper, this.#plan.inserts);
        if (savepoint) await this.#connection.rollbackTo("flush_batch");
        const found = await nameCulprit(this.#connection, error, partStates, part, run);
        throw explainFailure(found.error, verb, found.state, mapper, this.#plan.inserts);
      }
      written = () => settle(partStates, result);
      start += part.length;
      if (isLast) break;
    }
    await written?.();
  }

  async #single<T>(verb: "insert" | "update", state: InstanceState, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw explainFailure(error, verb, state, state.mapper, this.#plan.inserts);
    }
  }
}

type Rows = readonly (readonly Bindable[])[];

/** Objects whose rows go with one statement. */
interface DeletedPart {
  /** The values that tell the rows, as they are when the statement is made. */
  rows(): Rows;
  /** The rows are gone. */
  settle(): void;
}

/** Does some work once a statement is on its way to the database; whether the statement fails is the caller's to see. */
async function whileRunning(statement: Promise<unknown>, work: () => Promise<void> | void): Promise<void> {
  statement.catch(() => undefined);
  await new Promise((resolve) => setImmediate(resolve));
  await work();
}

function updateRequest(step: UpdateStep, rows: Rows): UpdateRequest {
  return {
    table: step.mapper.table,
    keys: step.keys.map(({ bulk }) => bulk),
    sets: step.sets.map(({ bulk }) => bulk),
    rows,
  };
}

/** A rehearsal is answered with nothing changed. */
function passOverStale(error: unknown): void {
  if (!(error instanceof StaleDataError)) throw error;
}

function stale(verb: "UPDATE" | "DELETE", mapper: Mapper, expected: number, matched: number): StaleDataError {
  const doing = verb.toLowerCase();
  return new StaleDataError(
    `${verb} statement on table '${mapper.tableName}' expected to ${doing} ${expected} row(s); ${matched} were matched.`,
    {
      table: mapper.tableName,
      expected,
      matched,
      hint: "another session changed or deleted the row: db.session.rollback(), then load it again",
    },
  );
}

/** NULL was written for what was unset, so that is what the object has. */
/** An INSERT has left NULL in what had no value. */
function fillUnset(state: InstanceState, columns: readonly Attribute[]): void {
  const { dataValues } = state.instance;
  for (let i = 0; i < columns.length; i++) {
    const { name } = columns[i] as Attribute;
    if (dataValues[name] === undefined) generate(state, name, null);
  }
}

function takeStored(state: InstanceState, attributes: readonly Attribute[], row: DriverRow, isInsert: boolean): void {
  for (const attribute of attributes) {
    const stored = row[attribute.column];
    const value = attribute.fromDatabase(stored ?? null);
    if (isInsert) {
      learnServerDefault(attribute, stored ?? null);
      generate(state, attribute.name, value);
    } else state.instance.dataValues[attribute.name] = value;
  }
}

function assignments(state: InstanceState, attributes: readonly Attribute[]): Assignment[] {
  return attributes.map((attribute) => ({ attribute, value: state.instance.dataValues[attribute.name] ?? null }));
}

function computedOf(values: readonly Assignment[]): Attribute[] {
  return values.filter(({ value }) => isSqlExpression(value)).map(({ attribute }) => attribute);
}

function committedKey(state: InstanceState, attribute: Attribute): unknown {
  const { flushing } = state;
  return flushing !== undefined && attribute.name in flushing
    ? flushing[attribute.name]
    : state.instance.dataValues[attribute.name];
}
