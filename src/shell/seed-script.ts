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
 * @param globals  the preloaded names, among them the models'
 */
export function seedScript(
  objects: readonly object[],
  given: ReadonlyMap<object, string>,
  globals: Readonly<Record<string, unknown>> = {},
): string {
  const script = new SeedScript(objects, given, globals);
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
  readonly #modelNames: ReadonlyMap<unknown, string>;

  constructor(
    objects: readonly object[],
    given: ReadonlyMap<object, string>,
    globals: Readonly<Record<string, unknown>>,
  ) {
    this.#objects = objects;
    this.#modelNames = new Map(Object.entries(globals).map(([name, value]) => [value, name]));
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
      if (this.#written.has(target)) parts.push(`${keyText(name)}: ${this.#name(target)}`);
      // Objects that refer to each other in a circle: the reference follows when both are there.
      else this.#later.push(`${this.#name(object)}.${name} = ${this.#name(target)};`);
    }
    const timestamps = [mapper.createdAt, mapper.updatedAt, mapper.version];
    const own = mapper.attributes.flatMap((attribute) => {
      const value = values[attribute.name];
      const isLeftOut = attribute.generated || timestamps.includes(attribute) || referred.has(attribute.name);
      const isNone = value === undefined || (value === null && attribute.defaultValue === undefined);
      return isLeftOut || isNone ? [] : [`${keyText(attribute.name)}: ${literalOf(value)}`];
    });
    const model = this.#modelNames.get(object.constructor) ?? mapper.name;
    this.#lines.push(`const ${this.#name(object)} = new ${model}({ ${[...own, ...parts].join(", ")} });`);
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

/** A name before a colon. */
function keyText(name: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? name : JSON.stringify(name);
}

/** A value as TypeScript spells it. */
function literalOf(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Date) return `new Date(${JSON.stringify(value.toISOString())})`;
  if (Buffer.isBuffer(value)) return `Buffer.from("${value.toString("base64")}", "base64")`;
  return JSON.stringify(value);
}
