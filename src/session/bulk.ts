import type { Connection } from "../driver/connection";
import { ArgumentError, StaleDataError, nearestName } from "../errors";
import type { Attribute } from "../mapper/attribute";
import { Mapper } from "../mapper/mapper";
import { changedAttributes } from "./attribute-access";
import { explainFailure } from "./culprit";
import { defaultOf } from "./insert-values";
import type { Instance, InstanceState, Values } from "./instance-state";
import { ownState } from "./own-state";

/** How objects are saved in bulk. */
export interface BulkSaveOptions {
  /** The keys that the database gives are written onto the objects. Default false. */
  returnDefaults?: boolean;
}

/** Inserts new objects and updates changed ones; neither their states nor anything related changes. */
export function bulkSaveObjects(
  connection: Connection,
  instances: readonly Instance[],
  { returnDefaults = false }: BulkSaveOptions,
): (() => Promise<void>) | undefined {
  if (instances.length === 0) return undefined;
  const groups: { mapper: Mapper; isNew: boolean; states: InstanceState[] }[] = [];
  for (const instance of instances) {
    const state = ownState(instance, Mapper.of(instance.constructor));
    const isNew = !state.hasRow;
    const last = groups.at(-1);
    if (last?.mapper === state.mapper && last.isNew === isNew) last.states.push(state);
    else groups.push({ mapper: state.mapper, isNew, states: [state] });
  }
  return async () => {
    for (const { mapper, isNew, states } of groups) {
      if (isNew) await insertObjects(connection, mapper, states, returnDefaults);
      else await updateObjects(connection, mapper, states);
    }
  };
}

async function insertObjects(
  connection: Connection,
  mapper: Mapper,
  states: readonly InstanceState[],
  returnDefaults: boolean,
): Promise<void> {
  const mappings = states.map(({ instance }) => instance.dataValues);
  const keys = await insertMappings(connection, mapper, mappings, returnDefaults);
  const { generatedKey } = mapper;
  if (!returnDefaults || generatedKey === undefined) return;
  states.forEach(({ instance }, i) => {
    if (keys[i] !== undefined) instance.dataValues[generatedKey.name] = generatedKey.fromDatabase(keys[i]);
  });
}

async function updateObjects(connection: Connection, mapper: Mapper, states: readonly InstanceState[]): Promise<void> {
  const mappings: Values[] = [];
  for (const state of states) {
    const changed = changedAttributes(state);
    if (changed.length === 0) continue;
    const values: Values = {};
    for (const { name } of [...mapper.primaryKey, ...changed]) values[name] = state.instance.dataValues[name];
    mappings.push(values);
  }
  await updateMappings(connection, mapper, mappings);
}

/** Inserts plain values by attribute. */
export function bulkInsertMappings(
  connection: Connection,
  mapper: Mapper,
  mappings: readonly Values[],
): (() => Promise<void>) | undefined {
  for (const mapping of mappings) checkNames(mapper, mapping);
  if (mappings.length === 0) return undefined;
  return async () => {
    await insertMappings(connection, mapper, mappings, false);
  };
}

/** Updates rows by plain values that hold their primary keys. */
export function bulkUpdateMappings(
  connection: Connection,
  mapper: Mapper,
  mappings: readonly Values[],
): (() => Promise<void>) | undefined {
  for (const mapping of mappings) {
    checkNames(mapper, mapping);
    const missing = mapper.primaryKey.find(({ name }) => (mapping[name] ?? undefined) === undefined);
    if (missing !== undefined)
      throw new ArgumentError(`Cannot update a ${mapper.name} without its primary key: "${missing.name}" is not set.`);
  }
  if (mappings.length === 0) return undefined;
  return () => updateMappings(connection, mapper, mappings);
}

function checkNames(mapper: Mapper, mapping: Values): void {
  for (const name of Object.keys(mapping)) {
    if (mapper.find(name) !== undefined) continue;
    const names = mapper.attributes.map((attribute) => attribute.name);
    const near = nearestName(name, names);
    throw new ArgumentError(`Cannot write "${name}": ${mapper.name} has no attribute of that name.`, {
      hint: near === undefined ? `${mapper.name} has ${names.join(", ")}` : `did you mean "${near}"?`,
    });
  }
}

async function insertMappings(
  connection: Connection,
  mapper: Mapper,
  mappings: readonly Values[],
  wantsKeys: boolean,
): Promise<unknown[]> {
  const now = new Date();
  const rows = mappings.map((mapping) => withDefaults(mapper, mapping, now));
  const keys: unknown[] = [];
  for (const { columns, members } of byShape(mapper, rows)) {
    const { generatedKey } = mapper;
    const wants = wantsKeys && generatedKey !== undefined && !columns.includes(generatedKey);
    try {
      const result = await connection.dialect.insert(connection, {
        table: mapper.table,
        tableName: mapper.tableName,
        columns: columns.map(({ bulk }) => bulk),
        rows: members.map((values) => columns.map((column) => column.toDatabase(values[column.name] ?? null))),
        generatedKey: wants ? generatedKey.column : undefined,
      });
      for (const [i] of members.entries()) keys.push(wants ? result.keys[i] : undefined);
    } catch (error) {
      const isKeyLeftOut = generatedKey !== undefined && !columns.includes(generatedKey);
      throw explainFailure(error, "insert", undefined, mapper, [], isKeyLeftOut);
    }
  }
  return keys;
}

function withDefaults(mapper: Mapper, mapping: Values, now: Date): Values {
  const values = { ...mapping };
  for (const attribute of mapper.attributes) {
    const { name } = attribute;
    if (values[name] !== undefined || (attribute === mapper.generatedKey && values[name] === null)) continue;
    if (attribute === mapper.createdAt || attribute === mapper.updatedAt) values[name] = now;
    else if (attribute === mapper.version) values[name] = 1;
    else {
      const value = defaultOf(mapper, attribute);
      if (value !== undefined) values[name] = value;
    }
  }
  if (mapper.generatedKey !== undefined && (values[mapper.generatedKey.name] ?? null) === null)
    delete values[mapper.generatedKey.name];
  return values;
}

/** Neighbours with the same columns. */
function byShape(mapper: Mapper, rows: readonly Values[]): { columns: Attribute[]; members: Values[] }[] {
  const groups: { columns: Attribute[]; members: Values[] }[] = [];
  for (const row of rows) {
    const columns = mapper.attributes.filter(({ name }) => row[name] !== undefined);
    const last = groups.at(-1);
    const same = last?.columns.length === columns.length && last.columns.every((column, i) => column === columns[i]);
    if (last !== undefined && same) last.members.push(row);
    else groups.push({ columns, members: [row] });
  }
  return groups;
}

async function updateMappings(connection: Connection, mapper: Mapper, mappings: readonly Values[]): Promise<void> {
  for (const { columns, members } of byShape(mapper, mappings)) {
    const sets = columns.filter(({ primaryKey }) => !primaryKey);
    if (sets.length === 0) continue;
    const rows = members.map((row) =>
      [...mapper.primaryKey, ...sets].map((column) => column.toDatabase(row[column.name] ?? null)),
    );
    let matched: number;
    try {
      matched = await connection.dialect.update(connection, {
        table: mapper.table,
        keys: mapper.primaryKey.map(({ bulk }) => bulk),
        sets: sets.map(({ bulk }) => bulk),
        rows,
      });
    } catch (error) {
      throw explainFailure(error, "update", undefined, mapper, []);
    }
    if (matched < rows.length) {
      throw new StaleDataError(
        `UPDATE statement on table '${mapper.tableName}' expected to update ${rows.length} row(s); ${matched} were matched.`,
        { table: mapper.tableName, expected: rows.length, matched },
      );
    }
  }
}
