import type { Mapper } from "../mapper/mapper";
import type { Relationship } from "../mapper/relationship";
import { emplace } from "./emplace";
import type { Frame } from "./frame";
import type { Instance, InstanceState } from "./instance-state";
import { InstanceState as State, rawState } from "./instance-state";
import { Members } from "./relation-values";
import type { Relation } from "./relations";
import { relationIn } from "./relations";
import type { UnitOfWork } from "./unit-of-work";

/**
 * Objects whose rows a rollback takes back, moves or restores, with the collections that they leave or join thereby.
 *
 * What was changed in memory is undone where it was changed; this is for what was loaded meanwhile.
 */
export class RolledBackMembers {
  readonly #unit: UnitOfWork;
  readonly #leaving: ReadonlySet<InstanceState>;
  /** By the reference whose foreign key comes, goes or changes. */
  readonly #children = new Map<Relationship, Set<Instance>>();
  readonly #restored: InstanceState[] = [];
  readonly #references = new Map<Mapper, readonly Relationship[]>();

  /** @param leaving  objects whose rows go */
  constructor(unit: UnitOfWork, frames: readonly Frame[], leaving: ReadonlySet<InstanceState>) {
    this.#unit = unit;
    this.#leaving = leaving;
    for (const { inserted, deleted, deletedTogether, changed } of frames) {
      for (const states of [inserted, deleted]) for (const { instance, mapper } of states) this.#note(instance, mapper);
      for (const { members, mapper } of deletedTogether) for (const instance of members) this.#note(instance, mapper);
      for (const [{ instance, mapper }, values] of changed) this.#note(instance, mapper, values);
      for (const state of deleted) this.#restored.push(state);
    }
  }

  /** @param values  attributes that change; undefined: the whole row comes or goes */
  #note(instance: Instance, mapper: Mapper, values?: object): void {
    for (const reference of emplace(this.#references, mapper, () => referencesOf(mapper)))
      if (values === undefined || reference.foreignKey.name in values)
        emplace(this.#children, reference, () => new Set()).add(instance);
  }

  /** Sets the collections right, when the objects are what they were. */
  settle(): void {
    for (const [reference, children] of this.#children) this.#settleChildren(reference, children);
    for (const state of this.#restored) this.#restoreLinks(state);
  }

  #settleChildren({ foreignKey, backref, target, targetKey }: Relationship, children: ReadonlySet<Instance>): void {
    if (backref === undefined) return;
    const owners = new Map<unknown, Instance>();
    for (const owner of this.#unit.identity.ofMapper(target))
      if (this.#relation(owner, backref) !== undefined)
        owners.set(targetKey.canonicalKey(owner.dataValues[targetKey.name]), owner);
    if (owners.size === 0) return;
    const keys = new Map<Instance, unknown>();
    for (const child of children) {
      const key = this.#isLeaving(child) ? null : (child.dataValues[foreignKey.name] ?? null);
      keys.set(child, key === null ? undefined : targetKey.canonicalKey(key));
    }
    for (const [key, owner] of owners) {
      const relation = relationIn(owner, backref.key);
      if (relation === undefined) continue;
      for (const member of among(relation, keys)) if (keys.get(member) !== key) forget(relation, member);
    }
    for (const [child, key] of keys) if (key !== undefined) this.#join(owners.get(key), backref, child);
  }

  /** A row that comes back brings its links back: other sides that were loaded without them get it again. */
  #restoreLinks({ instance, mapper }: InstanceState): void {
    if (this.#isLeaving(instance)) return;
    for (const relationship of mapper.relationships.values()) {
      const { kind, backref } = relationship;
      const known = kind === "manyToMany" && backref !== undefined ? relationIn(instance, relationship.key) : undefined;
      if (!(known instanceof Members) || backref === undefined) continue;
      for (const member of known.items ?? []) this.#join(member, backref, instance);
    }
  }

  #join(owner: Instance | undefined, side: Relationship, member: Instance): void {
    const relation = owner && this.#relation(owner, side);
    if (relation === undefined || this.#isLeaving(member) || !isInScope(side, member)) return;
    if (relation instanceof Members) relation.rejoin(member);
    else if (relation.value === null) relation.value = member;
  }

  /** What an object knows of a relationship; those that become transient keep what they have. */
  #relation(owner: Instance, side: Relationship): Relation | undefined {
    return this.#isLeaving(owner) ? undefined : relationIn(owner, side.key);
  }

  #isLeaving(instance: Instance): boolean {
    const state = rawState(instance);
    return state instanceof State && this.#leaving.has(state);
  }
}

/** References with another side. */
function referencesOf({ relationships }: Mapper): Relationship[] {
  return [...relationships.values()].filter(({ kind, backref }) => kind === "manyToOne" && backref !== undefined);
}

/** Those of some objects that a relation holds. */
function among(relation: Relation, some: ReadonlyMap<Instance, unknown>): readonly Instance[] {
  if (!(relation instanceof Members)) return relation.value && some.has(relation.value) ? [relation.value] : [];
  const { items } = relation;
  if (items === undefined) return [];
  return [...(some.size < items.size ? some.keys() : items)].filter((each) => some.has(each) && items.has(each));
}

function forget(relation: Relation, member: Instance): void {
  if (relation instanceof Members) relation.forget(member);
  else if (relation.value === member) relation.value = undefined;
}

/** Whether an object has the fixed values of an owner's relationship. */
function isInScope({ scope, target }: Relationship, { dataValues }: Instance): boolean {
  return Object.entries(scope ?? {}).every(([name, value]) => target.find(name)?.equals(dataValues[name], value));
}
