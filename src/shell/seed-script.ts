import { Mapper } from "../mapper/mapper";
import type { Relationship } from "../mapper/relationship";

type Values = Readonly<Record<string, unknown>>;

/**
 * A TypeScript program that makes objects and commits them.
 *
 * Keys that the database gives are left out; a foreign key that leads to another of the objects is written as that object.
 *
 * @param objects  in the order of their insertion
 * @param given    names for some of the objects
 */
export function seedScript(objects: readonly object[], given: ReadonlyMap<object, string>): string {
  const script = new SeedScript(objects, given);
  return script.text();
}

class SeedScript {
  readonly #objects: readonly object[];
  readonly #names = new Map<object, string>();
  readonly #byKey = new Map<string, object>();
  readonly #lines: string[] = [];
  readonly #later: string[] = [];
  readonly #written = new Set<object>();
  readonly #begun = new Set<object>();

  constructor(objects: readonly object[], given: ReadonlyMap<object, string>) {
    this.#objects = objects;
    const taken = new Set(given.values());
    const counts = new Map<string, number>();
    for (const object of objects) {
      const mapper = mapperOf(object);
      const key = keyOf(mapper, valuesOf(object));
      if (key !== undefined) this.#byKey.set(`${mapper.name} ${key}`, object);
      let name = given.get(object);
      while (name === undefined) {
        const count = (counts.get(mapper.name) ?? 0) + 1;
        counts.set(mapper.name, count);
        const candidate = `${mapper.name.charAt(0).toLowerCase()}${mapper.name.slice(1)}${count}`;
        if (!taken.has(candidate)) name = candidate;
      }
      this.#names.set(object, name);
    }
  }

  text(): string {
    for (const object of this.#objects) this.#write(object);
    const names = this.#objects.map((object) => this.#name(object));
    return [
      ...this.#lines,
      ...this.#later,
      "",
      `db.session.addAll([${names.join(", ")}]);`,
      "await db.session.commit();",
      "",
    ].join("\n");
  }

  #write(object: object): void {
    if (this.#written.has(object) || this.#begun.has(object)) return;
    this.#begun.add(object);
    const mapper = mapperOf(object);
    const values = valuesOf(object);
    const parts: string[] = [];
    const referred = new Set<string>();
    for (const [name, relationship] of mapper.relationships) {
      if (relationship.kind !== "manyToOne") continue;
      const target = this.#targetOf(relationship, values);
      if (!target) continue;
      referred.add(relationship.foreignKey.name);
      this.#write(target);
      if (this.#written.has(target)) parts.push(`${name}: ${this.#name(target)}`);
      // Objects that refer to each other in a circle: the reference follows when both are there.
      else this.#later.push(`${this.#name(object)}.${name} = ${this.#name(target)};`);
    }
    const timestamps = [mapper.createdAt, mapper.updatedAt, mapper.version];
    const own = mapper.attributes.flatMap((attribute) => {
      const value = values[attribute.name];
      const isLeftOut = attribute.generated || timestamps.includes(attribute) || referred.has(attribute.name);
      return isLeftOut || value === undefined || value === null ? [] : [`${attribute.name}: ${literalOf(value)}`];
    });
    this.#lines.push(`const ${this.#name(object)} = new ${mapper.name}({ ${[...own, ...parts].join(", ")} });`);
    this.#written.add(object);
  }

  #targetOf(relationship: Relationship, values: Values): object | undefined {
    const { target } = relationship;
    const value = values[relationship.foreignKey.name];
    if (value === undefined || value === null || target.primaryKey.length !== 1) return undefined;
    return this.#byKey.get(`${target.name} ${String(value)}`);
  }

  #name(object: object): string {
    return this.#names.get(object) ?? "undefined";
  }
}

function mapperOf(object: object): Mapper {
  return Mapper.of(object.constructor as never);
}

function valuesOf(object: object): Values {
  return (object as unknown as { dataValues: Values }).dataValues;
}

function keyOf(mapper: Mapper, values: Values): string | undefined {
  const [key, ...more] = mapper.primaryKey;
  return key === undefined || more.length > 0 ? undefined : String(values[key.name]);
}

/** A value as TypeScript spells it. */
function literalOf(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Date) return `new Date(${JSON.stringify(value.toISOString())})`;
  if (Buffer.isBuffer(value)) return `Buffer.from("${value.toString("base64")}", "base64")`;
  return JSON.stringify(value);
}
