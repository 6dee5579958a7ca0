import { InvalidRequestError, StaleDataError } from "../errors";
import { changedAttributes, writeValue } from "./attribute-access";
import { normalizeKey } from "./get-by-key";
import type { Instance, InstanceState } from "./instance-state";
import { LoadedState, peekState, setState } from "./instance-state";
import { describeInstance } from "./label";
import { assignReference, currentReference, replaceMembers } from "./linking";
import type { Loader } from "./loader";
import { ownState } from "./own-state";
import { Members } from "./relation-values";
import { membersOf } from "./relations";
import type { UnitOfWork } from "./unit-of-work";

/** How an object is merged. */
export interface MergeOptions {
  /** false: nothing is read; the given values count as what the database has. Default true. */
  load?: boolean;
}

/** Copies an object, and what its merge cascades lead to, onto the session's own objects. */
export async function merge(
  unit: UnitOfWork,
  loader: Loader,
  instance: Instance,
  options: MergeOptions,
): Promise<Instance> {
  return new Merge(unit, loader, options.load ?? true).merge(instance);
}

class Merge {
  readonly #unit: UnitOfWork;
  readonly #loader: Loader;
  readonly #load: boolean;
  /** Given object to the session's own; two given objects of one row lead to the same one. */
  readonly #merged = new Map<Instance, Instance>();
  readonly #created = new Map<string, Instance>();

  constructor(unit: UnitOfWork, loader: Loader, load: boolean) {
    this.#unit = unit;
    this.#loader = loader;
    this.#load = load;
  }

  async merge(given: Instance): Promise<Instance> {
    const known = this.#merged.get(given);
    if (known !== undefined) return known;
    const source = ownState(given, this.#unit.session.mapperOf(given));
    if (source.unit === this.#unit && source.status !== "deleted") {
      this.#merged.set(given, given);
      return given;
    }
    const target = this.#load ? await this.#target(source) : this.#attachCopy(source);
    this.#merged.set(given, target);
    if (this.#load) this.#copyValues(source, target);
    await this.#copyRelations(source, ownState(target, source.mapper));
    return target;
  }

  async #target(source: InstanceState): Promise<Instance> {
    const { mapper, instance } = source;
    const key = mapper.identityOf(instance.dataValues);
    const name = key === undefined ? undefined : `${mapper.name}#${key}`;
    const created = name === undefined ? undefined : this.#created.get(name);
    if (created !== undefined) return created;
    const found = key === undefined ? null : await this.#find(source, key);
    if (found !== null) {
      this.#checkVersion(source, found);
      return found;
    }
    const fresh = new mapper.model() as unknown as Instance;
    this.#unit.add(fresh, mapper);
    if (name !== undefined) this.#created.set(name, fresh);
    return fresh;
  }

  async #find({ mapper, instance }: InstanceState, key: string | number): Promise<Instance | null> {
    const here = this.#unit.identity.get(mapper, key);
    if (here !== undefined) {
      const state = peekState(here);
      const expired = state !== undefined && state.epoch < this.#unit.epoch;
      if (!expired) return here;
    }
    const values = normalizeKey(
      mapper,
      mapper.primaryKey.map(({ name }) => instance.dataValues[name] ?? null),
    );
    return values === undefined ? null : this.#loader.byKey(mapper, values, {});
  }

  #checkVersion(source: InstanceState, target: Instance): void {
    const { version, name, tableName } = source.mapper;
    if (version === undefined) return;
    const given = source.instance.dataValues[version.name];
    if (given === undefined || given === null || version.equals(given, target.dataValues[version.name])) return;
    throw new StaleDataError(
      `Version id '${String(given)}' on merged state ${describeInstance(source.instance, source.mapper)} does not match existing version ` +
        `'${String(target.dataValues[version.name])}'. Leave the version of the ${name} unset when merging if it does not matter.`,
      { table: tableName, expected: 1, matched: 0 },
    );
  }

  #copyValues({ mapper, instance }: InstanceState, target: Instance): void {
    for (const attribute of mapper.attributes) {
      const value = instance.dataValues[attribute.name];
      if (value === undefined) continue;
      // Equal values are no change; an unset key stays unset.
      const current = target.dataValues[attribute.name];
      if (current !== undefined && attribute.equals(current, value)) continue;
      if (current === undefined && value === null && attribute.generated) continue;
      writeValue(target, attribute, attribute.snapshot(value));
    }
  }

  async #copyRelations(source: InstanceState, target: InstanceState): Promise<void> {
    for (let relation = source.relations; relation !== undefined; relation = relation.next) {
      const { relationship } = relation;
      if (!relationship.cascade.has("merge")) continue;
      if (relation instanceof Members) {
        if (relation.items === undefined) continue;
        const members: Instance[] = [];
        for (const member of relation.items) members.push(await this.merge(member));
        if (!this.#load) {
          membersOf(target, relationship).load(members, this.#unit.epoch);
          continue;
        }
        if (target.status === "persistent" && membersOf(target, relationship).items === undefined)
          await this.#loader.loadRelated([target.instance], relationship);
        replaceMembers(target, relationship, members);
      } else if (relation.value !== undefined && relation.absentKey === undefined) {
        const value = relation.value === null ? null : await this.merge(relation.value);
        if (this.#load && currentReference(target, relationship) !== value)
          assignReference(target, relationship, value);
      }
    }
  }

  /** The given values count as what the database has; nothing is read. */
  #attachCopy(source: InstanceState): Instance {
    const { mapper, instance } = source;
    const key = mapper.identityOf(instance.dataValues);
    if (key === undefined || !source.hasRow) {
      throw new InvalidRequestError(
        "merge() with load: false option does not support objects transient (i.e. unpersisted) objects. flush() all changes first.",
      );
    }
    if (changedAttributes(source).length > 0)
      throw new InvalidRequestError(
        "merge() with load: false option does not support objects marked as 'dirty'. flush() all changes first.",
      );
    const here = this.#unit.identity.get(mapper, key);
    const values = Object.fromEntries(
      mapper.attributes.map((each) => [each.name, each.snapshot(instance.dataValues[each.name])]),
    );
    if (here !== undefined) {
      Object.assign(here.dataValues, values);
      return here;
    }
    const copy = new mapper.RowClass(values) as unknown as Instance;
    setState(copy, new LoadedState(this.#unit, mapper, this.#unit.epoch, source.complete));
    this.#unit.identity.set(mapper, key, copy);
    return copy;
  }
}
