import { isCapturing } from "../driver/capture";
import type { Connection } from "../driver/connection";
import type { DriverRow, Statement } from "../driver/dialect";
import { DatabaseError, InvalidRequestError, OperationalError } from "../errors";
import type { Attribute } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import type { Relationship } from "../mapper/relationship";
import { compileSelect } from "../query/compile";
import { Entity } from "../query/entity";
import type { Node, OrderTerm } from "../query/node";
import type { CompiledSelect, LoadOption, Shows } from "../query/query-executor";
import { columnNode, fixedValues, linkOf } from "../query/relationship-link";
import type { SelectState } from "../query/select-state";
import { EMPTY } from "../query/select-state";
import { isExpired } from "./expiring";
import { Hydrator, collectionFiller } from "./hydrate";
import type { Instance, InstanceState } from "./instance-state";
import { LoadedState, peekState } from "./instance-state";
import { currentReference, isAbsent } from "./linking";
import { ownState } from "./own-state";
import { committedValue } from "./row-keys";
import type { BatchReader } from "./stream";
import type { TransactionControl } from "./transaction";
import type { UnitOfWork } from "./unit-of-work";
import { membersOf, referenceOf } from "./relations";

/** Keys in the IN list of one statement at the most. */
const KEYS_PER_STATEMENT = 10_000;

/** What is loaded of related objects, beside their relationship to the owner. */
export interface RelatedOptions {
  loads?: readonly LoadOption[];
  only?: readonly string[] | undefined;
  defer?: readonly string[] | undefined;
  /** What is loaded already is loaded again. */
  again?: boolean;
  /** Which rows that a model hides count all the same. */
  shows?: Shows | undefined;
}

/** Sends SELECTs and reads their rows through the identity map. */
export class Loader {
  readonly #connection: Connection;
  readonly #unit: UnitOfWork;
  readonly #transaction: TransactionControl;

  constructor(connection: Connection, unit: UnitOfWork, transaction: TransactionControl) {
    this.#connection = connection;
    this.#unit = unit;
    this.#transaction = transaction;
  }

  /** Sends a SELECT and reads its rows, with what its options load beside them. */
  async select(compiled: CompiledSelect): Promise<unknown[]> {
    const reader = this.reader(compiled);
    const batch = reader.newBatch();
    await this.#send(compiled, () => this.#connection.read(compiled.sql, compiled.parameters, batch));
    return reader.read(batch);
  }

  /** Reads rows of a SELECT as they were fetched, and loads what its options ask for. */
  reader(compiled: CompiledSelect): BatchReader {
    const hydrator = new Hydrator(this.#unit, compiled);
    return {
      newBatch: () => hydrator.newBatch(),
      read: async (batch) => {
        const results = hydrator.read(batch);
        if (compiled.loads.length > 0) await this.#loadBeside(results, compiled);
        return results;
      },
    };
  }

  /** Loads what the options ask for beside the results, for each entity in turn. */
  async #loadBeside(results: readonly unknown[], compiled: CompiledSelect): Promise<void> {
    for (const slot of new Set(compiled.loads.map((load) => load.slot)))
      await this.loadPaths(
        ownersIn(results, compiled, slot),
        compiled.loads.filter((load) => load.slot === slot),
      );
  }

  /** Sends a statement that reads; one that locks rows opens the transaction first. */
  rows(statement: Statement): Promise<DriverRow[]> {
    return this.#send(statement, () => this.#connection.all(statement.sql, statement.parameters));
  }

  /** Opens the transaction for a statement that locks rows. */
  async prepare({ sql }: Statement): Promise<void> {
    this.#transaction.check();
    if (/\bFOR UPDATE\b/.test(sql)) await this.#transaction.ensureOpen();
  }

  async #send<T>(statement: Statement, send: () => Promise<T>): Promise<T> {
    await this.prepare(statement);
    return this.watch(send);
  }

  /** Runs what reads, and notes an error after which the database refuses the rest of the transaction. */
  async watch<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (error instanceof DatabaseError)
        await this.#transaction.statementFailed(error, false, error instanceof OperationalError);
      throw error;
    }
  }

  /** Rows of a model by conditions, scopes left out: what is known by its key is found whatever the model hides. */
  async byKey(
    mapper: Mapper,
    key: readonly unknown[],
    options: { only?: readonly string[]; populate?: boolean; forUpdate?: boolean },
  ): Promise<Instance | null> {
    const entity = Entity.of(mapper);
    const where = mapper.primaryKey.map((attribute, i) =>
      equals(columnNode(entity, attribute), parameter(attribute, key[i])),
    );
    const compiled = compileSelect(
      {
        ...selectOf(entity),
        where,
        unscoped: true,
        withDeleted: true,
        populateExisting: options.populate ?? false,
        forUpdate: options.forUpdate ?? false,
        loads: options.only === undefined ? [] : [{ path: [], strategy: undefined, only: options.only }],
      },
      this.#connection.dialect,
    );
    const [found = null] = await this.select(compiled);
    return found as Instance | null;
  }

  // Relationships

  /** Loads paths of relationships: each statement loads one step for all owners. */
  async loadPaths(owners: readonly Instance[], loads: readonly LoadOption[]): Promise<void> {
    const steps = new Map<string, LoadOption[]>();
    for (const load of loads) {
      const [first = ""] = load.path;
      steps.set(first, [...(steps.get(first) ?? []), load]);
    }
    const [owner] = owners;
    if (owner === undefined) return;
    for (const [key, options] of steps) {
      const relationship = this.#unit.session.mapperOf(owner).relationships.get(key);
      if (relationship === undefined) throw new InvalidRequestError(`Cannot load "${key}": no such relationship.`);
      const own = options.find(({ path }) => path.length === 1);
      const nested = options
        .filter(({ path }) => path.length > 1)
        .map((load) => ({ ...load, path: load.path.slice(1) }));
      if (own?.strategy === "noload" || own?.strategy === "raiseload") this.#mark(owners, relationship, own.strategy);
      else if (own !== undefined)
        await this.loadRelated(owners, relationship, {
          loads: nested,
          only: own.only,
          defer: own.defer,
          shows: own.shows,
        });
      else await this.loadPaths(this.#loadedTargets(owners, relationship), nested);
    }
  }

  #loadedTargets(owners: readonly Instance[], relationship: Relationship): Instance[] {
    const targets = new Set<Instance>();
    for (const owner of owners) {
      const state = ownState(owner, relationship.source);
      if (relationship.toMany) for (const member of membersOf(state, relationship).items ?? []) targets.add(member);
      else {
        const target = currentReference(state, relationship);
        if (target) targets.add(target);
      }
    }
    return [...targets];
  }

  #mark(owners: readonly Instance[], relationship: Relationship, strategy: "noload" | "raiseload"): void {
    for (const owner of owners) {
      const state = ownState(owner, relationship.source);
      if (strategy === "raiseload") (state.raiseload ??= new Set()).add(relationship.key);
      else if (!relationship.toMany)
        referenceOf(state, relationship).load(null, this.#unit.epoch, committedValue(state, relationship.foreignKey));
      else {
        const members = membersOf(state, relationship);
        if (members.isLoaded) continue;
        members.load([], this.#unit.epoch);
        members.noload = true;
      }
    }
  }

  /** Loads a relationship of many owners with as few statements as possible. */
  async loadRelated(
    owners: readonly Instance[],
    relationship: Relationship,
    options: RelatedOptions = {},
  ): Promise<void> {
    const states = owners.map((owner) => ownState(owner, relationship.source));
    if (isCapturing()) {
      await this.#rehearse(states, relationship, options);
      return;
    }
    for (const state of states) state.raiseload?.delete(relationship.key);
    switch (relationship.kind) {
      case "manyToOne":
        await this.#loadReferences(states, relationship, options);
        break;
      case "manyToMany":
        await this.#loadAssociated(states, relationship, options);
        break;
      default:
        await this.#loadChildren(states, relationship, options);
    }
    if (options.loads?.length) await this.loadPaths(this.#loadedTargets(owners, relationship), options.loads);
  }

  /** Sends what would be sent, and leaves the relationship as it is: the answer says nothing. */
  async #rehearse(
    states: readonly InstanceState[],
    relationship: Relationship,
    options: RelatedOptions,
  ): Promise<void> {
    const { kind, target, targetKey, foreignKey, sourceKey } = relationship;
    const [wanted, own] = kind === "manyToOne" ? [targetKey, foreignKey] : [foreignKey, sourceKey];
    if (kind === "manyToMany") return;
    const keys = states
      .map(({ instance }) => instance.dataValues[own.name])
      .filter((key) => key !== null && key !== undefined);
    await this.#selectIn(target, wanted, keys, relationship, options);
  }

  async #loadReferences(
    states: readonly InstanceState[],
    relationship: Relationship,
    options: RelatedOptions,
  ): Promise<void> {
    const { targetKey, foreignKey } = relationship;
    const waiting: InstanceState[] = [];
    const keys = new Map<unknown, unknown>();
    await this.#loadForeignKeys(states, foreignKey);
    for (const state of states) {
      const target = currentReference(state, relationship);
      const reference = referenceOf(state, relationship);
      if (reference.changed) continue;
      const key = state.instance.dataValues[foreignKey.name];
      const isFresh = target ? !(options.again || isExpired(target)) : !isAbsent(reference, key);
      if (target !== undefined && isFresh) {
        reference.load(target, this.#unit.epoch);
        continue;
      }
      if (key === null || key === undefined) continue;
      waiting.push(state);
      keys.set(targetKey.canonicalKey(key), key);
    }
    if (waiting.length === 0) return;
    const found = new Map<unknown, Instance>();
    const targets = await this.#selectIn(relationship.target, targetKey, [...keys.values()], relationship, options);
    for (const target of targets) found.set(targetKey.canonicalKey(target.dataValues[targetKey.name]), target);
    for (const state of waiting) {
      const key = state.instance.dataValues[foreignKey.name];
      referenceOf(state, relationship).load(found.get(targetKey.canonicalKey(key)) ?? null, this.#unit.epoch, key);
    }
  }

  /** A foreign key that was not loaded stands between the object and its relationship. */
  async #loadForeignKeys(states: readonly InstanceState[], foreignKey: Attribute): Promise<void> {
    for (const { instance, mapper, hasRow } of states) {
      if (!hasRow || instance.dataValues[foreignKey.name] !== undefined) continue;
      await this.byKey(mapper, keyValues(mapper, instance), { only: [foreignKey.name] });
    }
  }

  async #loadChildren(
    states: readonly InstanceState[],
    relationship: Relationship,
    options: RelatedOptions,
  ): Promise<void> {
    const { sourceKey, foreignKey } = relationship;
    const owners = states.filter((state) => options.again || !this.#isFresh(state, relationship));
    const byKey = new Map<unknown, Instance[]>();
    const keys: unknown[] = [];
    for (const state of owners) {
      const key = state.instance.dataValues[sourceKey.name];
      if (key === null || key === undefined) continue;
      keys.push(key);
      byKey.set(sourceKey.canonicalKey(key), []);
    }
    const children = await this.#selectIn(relationship.target, foreignKey, keys, relationship, options);
    let areUnchanged = true;
    for (const child of children) {
      const state = peekState(child);
      const own = state instanceof LoadedState ? undefined : state;
      areUnchanged &&= own === undefined;
      const value = own === undefined ? child.dataValues[foreignKey.name] : committedValue(own, foreignKey);
      byKey.get(sourceKey.canonicalKey(value))?.push(child);
    }
    const fill = collectionFiller(this.#unit, relationship, { overwrite: true, areUnchanged });
    for (const state of owners) {
      const members = byKey.get(sourceKey.canonicalKey(state.instance.dataValues[sourceKey.name])) ?? [];
      if (relationship.toMany) fill(state.instance, members);
      else referenceOf(state, relationship).load(members[0] ?? null, this.#unit.epoch);
    }
  }

  async #loadAssociated(
    states: readonly InstanceState[],
    relationship: Relationship,
    options: RelatedOptions,
  ): Promise<void> {
    const { sourceKey, through, target } = relationship;
    if (through === undefined) return;
    const owners = states.filter((state) => options.again || !this.#isFresh(state, relationship));
    const members = new Map<unknown, Instance[]>();
    for (const state of owners) {
      const key = state.instance.dataValues[sourceKey.name];
      if (key !== null && key !== undefined) members.set(sourceKey.canonicalKey(key), []);
    }
    const targetEntity = Entity.of(target);
    const throughEntity = through === target ? Entity.alias(through) : Entity.of(through);
    const link = linkOf(relationship, (attribute) => columnNode(targetEntity, attribute), targetEntity, throughEntity);
    const ownerKey = columnNode(throughEntity, relationship.foreignKey);
    for (const part of inParts(owners.map((state) => state.instance.dataValues[sourceKey.name]))) {
      const compiled = compileSelect(
        {
          ...selectOf(targetEntity, options.shows),
          selection: [
            { kind: "entity", entity: targetEntity },
            { kind: "value", node: ownerKey, label: "owner" },
          ],
          joins: [
            { target: throughEntity, outer: false, on: link.toTarget, relationship: undefined, source: undefined },
          ],
          where: [isIn(ownerKey, relationship.foreignKey, part)],
          orderBy: orderOf(relationship, targetEntity),
          loads: loadsOf(options),
        },
        this.#connection.dialect,
      );
      for (const row of await this.select(compiled)) {
        const [member, owner] = row as readonly [Instance, unknown];
        members.get(sourceKey.canonicalKey(owner))?.push(member);
      }
    }
    const fill = collectionFiller(this.#unit, relationship, { overwrite: true });
    for (const state of owners) {
      const found = members.get(sourceKey.canonicalKey(state.instance.dataValues[sourceKey.name])) ?? [];
      fill(state.instance, found);
    }
  }

  async #selectIn(
    mapper: Mapper,
    attribute: Attribute,
    values: readonly unknown[],
    relationship: Relationship,
    options: RelatedOptions,
  ): Promise<Instance[]> {
    const entity = Entity.of(mapper);
    const column = columnNode(entity, attribute);
    const found: Instance[] = [];
    for (const part of inParts(values)) {
      const compiled = compileSelect(
        {
          ...selectOf(entity, options.shows),
          where: [isIn(column, attribute, part), ...fixedConditions(relationship, entity)],
          orderBy: orderOf(relationship, entity),
          loads: loadsOf({ ...options, only: options.only && [...options.only, attribute.name] }),
        },
        this.#connection.dialect,
      );
      for (const instance of await this.select(compiled)) found.push(instance as Instance);
    }
    return found;
  }

  #isFresh(state: InstanceState, relationship: Relationship): boolean {
    if (!relationship.toMany) {
      const reference = referenceOf(state, relationship);
      return reference.value !== undefined && (reference.changed || reference.epoch >= this.#unit.epoch);
    }
    const members = membersOf(state, relationship);
    return members.isLoaded && !members.replacing && !members.noload && members.epoch >= this.#unit.epoch;
  }
}

/** The instances among the results that stand at one place of their rows; default: the first entity's. */
function ownersIn(results: readonly unknown[], { shape, slots }: CompiledSelect, slot: number | undefined): Instance[] {
  const place = slot ?? slots.findIndex((each) => each.kind === "entity");
  const owners = shape === "entity" ? results : results.map((row) => (row as readonly unknown[])[place]);
  return owners.filter((owner) => owner !== null && owner !== undefined) as Instance[];
}

/** The values of an instance's primary key, as the database has them. */
export function keyValues(mapper: Mapper, instance: Instance): unknown[] {
  const state = peekState(instance);
  const original = state === undefined || state instanceof LoadedState ? undefined : state.original;
  return mapper.primaryKey.map(({ name }) =>
    original !== undefined && name in original ? original[name] : instance.dataValues[name],
  );
}

function selectOf(entity: Entity, shows?: Shows): SelectState {
  const selection = [{ kind: "entity" as const, entity }];
  return { ...EMPTY, ...shows, ofRelationship: true, selection, from: [entity], joinpoint: entity };
}

function parameter(attribute: Attribute, value: unknown): Node {
  return { kind: "parameter", value: attribute.toDatabase(value), attribute, besideColumn: true };
}

function equals(left: Node, right: Node): Node {
  return { kind: "binary", operator: "=", left, right, type: { kind: "boolean" } };
}

function isIn(operand: Node, attribute: Attribute, values: readonly unknown[]): Node {
  const [only] = values;
  if (values.length === 1) return equals(operand, parameter(attribute, only));
  return { kind: "in", operand, options: values.map((value) => parameter(attribute, value)), negated: false };
}

function* inParts(values: readonly unknown[]): Iterable<readonly unknown[]> {
  const distinct = [...new Set(values)];
  for (let i = 0; i < distinct.length; i += KEYS_PER_STATEMENT) yield distinct.slice(i, i + KEYS_PER_STATEMENT);
}

function orderOf(relationship: Relationship, entity: Entity): OrderTerm[] {
  return relationship.orderBy.map(({ attribute, descending }) => ({
    operand: columnNode(entity, entity.mapper.attribute(attribute)),
    descending,
    nulls: undefined,
  }));
}

function loadsOf({ only, defer }: RelatedOptions): SelectState["loads"] {
  if (only === undefined && defer === undefined) return [];
  return [
    {
      path: [],
      strategy: undefined,
      ...(only === undefined ? {} : { only }),
      ...(defer === undefined ? {} : { defer }),
    },
  ];
}

function fixedConditions(relationship: Relationship, entity: Entity): Node[] {
  return relationship.kind === "oneToMany" || relationship.kind === "oneToOne" ? fixedValues(relationship, entity) : [];
}
