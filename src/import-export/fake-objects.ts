import type { Model } from "sequelize";
import { InvalidRequestError } from "../errors";
import type { Attribute } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import type { Relationship } from "../mapper/relationship";
import type { Session } from "../session/session";
import { FakeValues } from "./fake-values";

/** Rows of a parent that are considered. */
const PARENTS = 1000;
/** Values that are tried for one that fits. */
const TRIES = 50;

type Values = Record<string, unknown>;

/**
 * Makes objects of a model with plausible values and adds them to a session; nothing is written yet.
 *
 * Values follow the attributes' names, types and validators, are unique where that is asked for, and belong to parents that are
 * there already, in the table or waiting in the session. The same seed gives the same objects on the same rows.
 *
 * @throws {InvalidRequestError} where no value fits an attribute, or a parent that must be has no rows
 */
export async function fakeObjects(session: Session, mapper: Mapper, count: number, seed: number): Promise<Model[]> {
  const fake = new FakeValues(seed);
  const parents = await parentsOf(session, mapper);
  const unique = await uniqueValues(session, mapper);
  const foreign = new Set([...parents.keys()].map(({ foreignKey }) => foreignKey.name));
  const unset = [mapper.createdAt, mapper.updatedAt, mapper.deletedAt, mapper.version];
  const attributes = mapper.attributes.filter(
    (attribute) =>
      !attribute.generated && !foreign.has(attribute.name) && !unset.includes(attribute) && isWanted(attribute),
  );
  const ModelClass = mapper.model as unknown as new (values: Values) => Model;
  const objects: Model[] = [];
  for (let index = 0; index < count; index += 1) {
    const values: Values = {};
    for (const attribute of attributes) {
      values[attribute.name] = await fitting(ModelClass, mapper, attribute, fake, unique.get(attribute));
    }
    for (const [relationship, candidates] of parents) {
      const isLeftOut = candidates.length === 0 || (relationship.foreignKey.nullable && fake.chance(0.1));
      if (!isLeftOut) values[relationship.key] = fake.pick(candidates);
    }
    objects.push(new ModelClass(values));
  }
  session.addAll(objects);
  return objects;
}

/** Whether a value is made up: what has a default of its own is left to it, unless its name says what it holds. */
function isWanted(attribute: Attribute): boolean {
  return attribute.defaultValue === undefined && attribute.kind !== "blob" && attribute.kind !== "other";
}

async function parentsOf(session: Session, mapper: Mapper): Promise<Map<Relationship, Model[]>> {
  const parents = new Map<Relationship, Model[]>();
  for (const relationship of mapper.relationships.values()) {
    if (relationship.kind !== "manyToOne") continue;
    const { target, foreignKey } = relationship;
    const stored = await session.query(target.model).limit(PARENTS).all();
    const waiting = [...session.new].filter((object) => object instanceof target.model && !stored.includes(object));
    const candidates = [...stored, ...waiting];
    if (candidates.length === 0 && !foreignKey.nullable && target !== mapper) {
      throw new InvalidRequestError(
        `Cannot make up ${mapper.name}: there is no ${target.name} that it could belong to.`,
        {
          hint: `.fake ${target.name} 3`,
        },
      );
    }
    parents.set(relationship, candidates);
  }
  return parents;
}

/** The values that are taken, of attributes whose values may come once. */
async function uniqueValues(session: Session, mapper: Mapper): Promise<Map<Attribute, Set<string>>> {
  const names = new Set<string>();
  for (const attribute of mapper.attributes) {
    if (attribute.options.unique || (attribute.primaryKey && !attribute.generated)) names.add(attribute.name);
  }
  const { indexes = [] } = (
    mapper.model as unknown as { options: { indexes?: { unique?: boolean; fields?: unknown[] }[] } }
  ).options;
  for (const { unique, fields = [] } of indexes) {
    const [field] = fields;
    if (unique !== true || fields.length !== 1 || typeof field !== "string") continue;
    for (const { name, column } of mapper.attributes) if (name === field || column === field) names.add(name);
  }
  const taken = new Map<Attribute, Set<string>>();
  for (const attribute of mapper.attributes) {
    if (!names.has(attribute.name)) continue;
    const column = (mapper.model as unknown as { c: Record<string, never> }).c[attribute.name];
    const rows = (await session.query(column as never).all()) as unknown as unknown[][];
    const waiting = [...session.new].filter((object) => object instanceof mapper.model);
    const values = [...rows.map((row) => row[0]), ...waiting.map((object) => object.get(attribute.name))];
    taken.set(attribute, new Set(values.map((value) => String(value).toLowerCase())));
  }
  return taken;
}

/** A value that the model's validators take, and that is free. */
async function fitting(
  ModelClass: new (values: Values) => Model,
  mapper: Mapper,
  attribute: Attribute,
  fake: FakeValues,
  taken: Set<string> | undefined,
): Promise<unknown> {
  let reason = "its values are all taken";
  const others = mapper.attributes.map(({ name }) => name).filter((name) => name !== attribute.name);
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const value = fake.valueOf(attribute, taken === undefined ? 0 : attempt);
    const key = String(value).toLowerCase();
    if (taken?.has(key)) continue;
    if (attribute.options.validate !== undefined) {
      try {
        await new ModelClass({ [attribute.name]: value }).validate({ skip: others });
      } catch (error) {
        reason = (error as { errors?: { message: string }[] }).errors?.[0]?.message ?? (error as Error).message;
        continue;
      }
    }
    taken?.add(key);
    return value;
  }
  if (attribute.nullable) return null;
  throw new InvalidRequestError(`Cannot make up a value of ${attribute.label}: ${reason}.`);
}
