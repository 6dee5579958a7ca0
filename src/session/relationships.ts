import { inspect } from "node:util";
import type { Model } from "sequelize";
import { DetachedInstanceError, InvalidRequestError, NotLoadedError } from "../errors";
import type { Relationship } from "../mapper/relationship";
import type { related } from "../query/model-shape";
import { Query } from "../query/query";
import { relatedState } from "../query/related-state";
import type { QueryExecutor } from "../query/query-executor";
import { emplace } from "./emplace";
import type { Instance, InstanceState } from "./instance-state";
import { LoadedState, peekState } from "./instance-state";
import { describeInstance } from "./label";
import { append, assignReference, checkMembers, currentReference, remove, replaceMembers } from "./linking";
import { ownState } from "./own-state";
import { membersOf } from "./relations";

/** Sequelize is filling an instance with what it loaded itself: nothing is assigned. */
let including = false;

/** Lets Sequelize set what its own `include` loaded; it stays among the values until the instance joins a session. */
export function loadIncluded(work: () => unknown): void {
  const before = including;
  including = true;
  try {
    work();
  } finally {
    including = before;
  }
}

/** What reading a relationship of an instance gives: the related instance or null, or the collection. */
export function readRelationship(instance: Instance, relationship: Relationship): unknown {
  const shared = peekState(instance);
  if (shared === undefined) {
    const included = instance.dataValues[relationship.key];
    if (included !== undefined) return included;
  }
  if (relationship.toMany) return collectionOf(ownState(instance, relationship.source), relationship);
  // Most instances that are asked for a reference have no key for it.
  if (shared instanceof LoadedState && relationship.kind === "manyToOne") {
    if (instance.dataValues[relationship.foreignKey.name] === null) return null;
  }
  const state = ownState(instance, relationship.source);
  const value = currentReference(state, relationship);
  if (value !== undefined) return value;
  const variable = variableOf(relationship.source);
  const load = `await db.session.load(${variable}, "${relationship.key}")`;
  const isOutside = state.unit === undefined && !state.raiseload?.has(relationship.key);
  throw notLoaded(state, relationship, load, isOutside ? `db.session.add(${variable}), then ${load}` : load);
}

/** Assigns a relationship of an instance. */
export function writeRelationship(instance: Instance, relationship: Relationship, value: unknown): void {
  if (including) return;
  const state = ownState(instance, relationship.source);
  if (relationship.toMany) replaceMembers(state, relationship, checkMembers(relationship, value));
  else assignReference(state, relationship, value);
}

/**
 * The error for a relationship that is read and not loaded.
 *
 * @param load  what loads it
 * @param hint  the way out: the same, or what has to come before it
 */
function notLoaded(
  state: InstanceState,
  { key, label, source }: Relationship,
  load: string,
  hint: string,
): NotLoadedError {
  const what = `${label} of ${describeInstance(state.instance, state.mapper)}`;
  const message = state.raiseload?.has(key)
    ? `'${label}' is not available due to raiseload: ${what} was not loaded.`
    : `Cannot read ${what}: it is not loaded. Load it with ${load}, or with the query's .options(selectin("${key}")).`;
  return new NotLoadedError(message, { model: source.name, key, hint });
}

function variableOf({ name }: Relationship["source"]): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

const collections = new WeakMap<InstanceState, Map<string, Collection<Model>>>();

function collectionOf(state: InstanceState, relationship: Relationship): Collection<Model> {
  const known = emplace(collections, state, () => new Map<string, Collection<Model>>());
  return emplace(known, relationship.key, () => new Collection(state, relationship));
}

/**
 * The objects on the "many" side of a relationship: a query over their rows, and, once loaded, an ordered set.
 *
 * Reading it sends nothing. `filter`, `count`, `all` … query the database; `append` and `remove` change the relationship in
 * memory; `length`, `map`, `for … of` read what is loaded.
 */
export class Collection<T extends Model = Model> extends Query<T> {
  declare readonly [related]?: T[];
  readonly #owner: InstanceState;
  readonly #relationship: Relationship;

  constructor(owner: InstanceState, relationship: Relationship) {
    super(() => executorOf(owner, relationship), relatedState(relationship, owner.instance as unknown as Model));
    this.#owner = owner;
    this.#relationship = relationship;
  }

  /** Whether the members are in memory, so that they can be read without waiting. */
  get isLoaded(): boolean {
    return this.#members.items !== undefined;
  }

  // Changing

  /** Adds an object; sends nothing, the flush writes it. */
  append(member: T): void {
    append(this.#owner, this.#relationship, member);
  }

  /** Adds objects; none where one of them cannot be a member. */
  extend(members: Iterable<T>): void {
    for (const member of checkMembers(this.#relationship, members)) append(this.#owner, this.#relationship, member);
  }

  /** Removes an object: the flush takes its foreign key or its row of the association table away. */
  remove(member: T): void {
    remove(this.#owner, this.#relationship, member);
  }

  // Reading what is loaded

  /** Loads the members, if they are not loaded or have expired. */
  async load(): Promise<this> {
    const { unit, instance } = this.#owner;
    if (unit === undefined) {
      if (this.#isInMemory) return this;
      throw detached(this.#owner, this.#relationship);
    }
    await unit.session.load(instance, this.#relationship.key);
    return this;
  }

  /** The number of members. @throws {NotLoadedError} while they are not loaded */
  get length(): number {
    return this.#items.size;
  }

  /** The member at a position; from the end for a negative one. */
  at(index: number): T | undefined {
    return this.toArray().at(index);
  }

  includes(member: T): boolean {
    return this.#items.has(member as unknown as Instance);
  }

  map<R>(transform: (member: T, index: number) => R): R[] {
    return this.toArray().map((member, index) => transform(member, index));
  }

  toArray(): T[] {
    return [...this.#items] as unknown as T[];
  }

  [Symbol.iterator](): Iterator<T> {
    return this.toArray()[Symbol.iterator]();
  }

  /** The members as plain values. */
  toJSON(): unknown[] {
    return this.toArray();
  }

  // Querying

  override async all(): Promise<T[]> {
    return this.#isInMemory ? this.toArray() : super.all();
  }

  override async count(): Promise<number> {
    return this.#isInMemory ? this.#items.size : super.count();
  }

  override async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    if (this.#isInMemory) yield* this.toArray();
    else yield* super[Symbol.asyncIterator]();
  }

  override [inspect.custom](): string {
    const { items } = this.#members;
    const { name } = this.#relationship.target;
    if (items === undefined) return `<Collection ${this.#relationship.label}: ${this.sql}>`;
    return `<Collection ${this.#relationship.label}: ${items.size} ${name}${items.size === 1 ? "" : "s"}>`;
  }

  /** The owner has no row and no session: its members are those in memory. */
  get #isInMemory(): boolean {
    return this.#owner.status === "transient";
  }

  get #members(): ReturnType<typeof membersOf> {
    return membersOf(this.#owner, this.#relationship);
  }

  get #items(): ReadonlySet<Instance> {
    const { items } = this.#members;
    if (items !== undefined) return items;
    const load = `await ${variableOf(this.#relationship.source)}.${this.#relationship.key}.load()`;
    throw notLoaded(this.#owner, this.#relationship, load, load);
  }
}

function executorOf(owner: InstanceState, relationship: Relationship): QueryExecutor {
  if (owner.unit !== undefined) {
    if (owner.raiseload?.has(relationship.key))
      throw new InvalidRequestError(`'${relationship.label}' is not available due to raiseload`);
    return owner.unit.session;
  }
  throw detached(owner, relationship);
}

function detached({ instance, mapper }: InstanceState, relationship: Relationship): DetachedInstanceError {
  return new DetachedInstanceError(
    `Parent instance ${describeInstance(instance, mapper)} is not bound to a Session; ` +
      `load operation of attribute '${relationship.key}' cannot proceed`,
    { hint: "db.session.add(object) puts it into the session" },
  );
}
