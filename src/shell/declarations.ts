import type { Model, ModelStatic } from "sequelize";
import type { Database } from "../database";
import type { Attribute } from "../mapper/attribute";
import { Mapper } from "../mapper/mapper";
import type { Relationship } from "../mapper/relationship";
import { Role } from "../models/role";
import { User } from "../models/user";
import { modelSource } from "../project/model-source";

/** Names of the context that are not models, with their types; paths are relative to this folder. */
const TYPES: Readonly<Record<string, string>> = {
  session: 'import("../session/session").Session',
  makeTransient: 'typeof import("../session/session").makeTransient',
  sequelize: 'import("sequelize").Sequelize',
  DataTypes: 'typeof import("sequelize").DataTypes',
  Op: 'typeof import("sequelize").Op',
};
const EXPRESSIONS = new Set("aliased and asc cast desc func literal not nullsFirst nullsLast or text when".split(" "));
const LOADING = new Set("containsEager defer joined loadOnly noload raiseload selectin".split(" "));

/** What values of an attribute are in TypeScript; wider where more than one form can be given. */
const VALUE_TYPES: Readonly<Partial<Record<Attribute["kind"], string>>> = {
  integer: "number",
  number: "number",
  boolean: "boolean",
  text: "string",
  uuid: "string",
  time: "string",
  dateonly: "string",
  date: "Date",
  blob: "Buffer",
};

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

/**
 * Declares the preloaded names for the type checker, as the text of a module in this folder.
 *
 * The sample models and classes of a project's TypeScript have the types that their files give them; all other models get
 * declarations made from what is known of their columns and relationships.
 */
export function contextDeclarations(database: Database, globals: Readonly<Record<string, unknown>>): string {
  const models = new Map<ModelStatic<Model>, string>();
  for (const [name, value] of Object.entries(globals)) {
    if (IDENTIFIER.test(name) && isModel(value, database)) models.set(value, name);
  }
  const named = [...models].map(([model, name]) => ({ model, name, sample: sampleOf(model) }));
  const lines = [
    'import * as $sequelize from "sequelize";',
    'import type { Query as $Query } from "../query/query";',
    'import type { Columns as $Columns } from "../query/expressions";',
    'import type { Relationships as $Relationships } from "../query/model-shape";',
    'import type { Collection as $Collection } from "../session/relationships";',
    "declare namespace $models {",
    ...named.filter(({ sample }) => sample === undefined).map(({ model, name }) => generatedClass(model, name, models)),
    "}",
    PROJECT_TYPES,
    "declare global {",
  ];
  for (const { model, name, sample } of named) {
    const source = sample === undefined ? modelSource(model) : undefined;
    if (sample !== undefined) lines.push(`  let ${name}: typeof ${sample};`, `  type ${name} = ${sample};`);
    else if (source === undefined) {
      lines.push(`  let ${name}: typeof $models.${name};`, `  type ${name} = $models.${name};`);
    } else {
      const own = `import(${JSON.stringify(source.file)}).${source.exportName}`;
      const chosen = `$Chosen<${own}, $models.${name}>`;
      lines.push(
        `  let ${name}: $Registered<typeof ${own}, ${own}, typeof $models.${name}>;`,
        `  type ${name} = ${chosen};`,
      );
    }
  }
  const byName = Object.entries(database.models).flatMap(([key, model]) => {
    const name = models.get(model);
    return name === undefined ? [] : [`readonly ${JSON.stringify(key)}: typeof ${name}`];
  });
  lines.push(`  let db: import("../database").Database & { readonly models: { ${byName.join("; ")} } };`);
  for (const name of Object.keys(globals)) {
    const type = TYPES[name] ?? moduleTypeOf(name);
    if (name !== "db" && !models.has(globals[name] as never) && type !== undefined)
      lines.push(`  let ${name}: ${type};`);
  }
  // `any`: the last value and the last error may be anything.
  lines.push("  let _: any;", "  let _error: any;", "}", "export {};");
  return lines.join("\n");
}

/** What registering adds to a class of a project, and which of two classes knows the attributes. */
const PROJECT_TYPES = `
type $Chosen<Own extends $sequelize.Model, Made extends $sequelize.Model> =
  [keyof $sequelize.InferAttributes<Own>] extends [never] ? Own & Made : Own;
type $Registered<Class, Own extends $sequelize.Model, Made> =
  [keyof $sequelize.InferAttributes<Own>] extends [never] ? Class & Made : Class & {
    new (values?: Partial<$sequelize.InferAttributes<Own>> & $Relationships<Own>, options?: $sequelize.BuildOptions): Own;
    readonly query: $Query<Own>;
    readonly c: $Columns<Own>;
  };`;

function moduleTypeOf(name: string): string | undefined {
  if (EXPRESSIONS.has(name)) return `typeof import("../query/expressions").${name}`;
  if (LOADING.has(name)) return `typeof import("../query/load-options").${name}`;
  return undefined;
}

function isModel(value: unknown, database: Database): value is ModelStatic<Model> {
  return (Object.values(database.models) as unknown[]).includes(value);
}

/** The library's own class that a sample model extends. */
function sampleOf(model: ModelStatic<Model>): string | undefined {
  const { prototype } = model as unknown as { prototype: unknown };
  if (prototype instanceof Role) return 'import("../models/role").Role';
  return prototype instanceof User ? 'import("../models/user").User' : undefined;
}

/** A class made from what is known of a model. */
function generatedClass(
  model: ModelStatic<Model>,
  name: string,
  names: ReadonlyMap<ModelStatic<Model>, string>,
): string {
  const mapper = Mapper.of(model);
  const relationships = [...mapper.relationships.values()];
  const known = new Set([...mapper.attributes.map((attribute) => attribute.name), ...mapper.relationships.keys()]);
  const others = memberNames(prototypeOf(model), basePrototype(model)).filter((member) => !known.has(member));
  const creation = relationships.map((each) => `${keyOf(each.key)}?: ${relatedType(each, names, "[]")}`);
  const omit = others.length === 0 ? "" : `, { omit: ${others.map((member) => JSON.stringify(member)).join(" | ")} }`;
  return [
    `  class ${name} extends $sequelize.Model<$sequelize.InferAttributes<${name}${omit}>, ` +
      `$sequelize.InferCreationAttributes<${name}${omit}> & { ${creation.join("; ")} }> {`,
    ...mapper.attributes.map((attribute) => `    ${keyOf(attribute.name)}: ${attributeType(attribute)};`),
    ...relationships.map((each) => {
      const type = each.toMany ? `$Collection<${targetName(each, names)}>` : relatedType(each, names, "");
      return `    ${keyOf(each.key)}: $sequelize.NonAttribute<${type}>;`;
    }),
    // `any`: what a model's JavaScript adds has no types.
    ...others.map((member) => `    ${keyOf(member)}: any;`),
    ...memberNames(model, basePrototype(model)?.constructor)
      .filter((member) => !BUILT_IN_STATICS.has(member))
      .map((member) => `    static ${keyOf(member)}: any;`),
    `    static query: $Query<${name}>;`,
    `    static c: $Columns<${name}>;`,
    "  }",
  ].join("\n");
}

function attributeType(attribute: Attribute): string {
  const type = VALUE_TYPES[attribute.kind] ?? (attribute.kind === "enum" ? enumType(attribute) : "any");
  const value = attribute.nullable ? `${type} | null` : type;
  const isOptional =
    attribute.nullable || attribute.generated || attribute.defaultValue !== undefined || isTimestamp(attribute);
  return isOptional ? `$sequelize.CreationOptional<${value}>` : value;
}

function isTimestamp({ options }: Attribute): boolean {
  // Sequelize marks what it fills in itself.
  return (options as { _autoGenerated?: boolean })._autoGenerated === true;
}

function enumType({ options }: Attribute): string {
  const { values } = options.type as unknown as { values?: readonly string[] };
  return values === undefined || values.length === 0
    ? "string"
    : values.map((value) => JSON.stringify(value)).join(" | ");
}

function targetName({ target }: Relationship, names: ReadonlyMap<ModelStatic<Model>, string>): string {
  return names.get(target.model) ?? "$sequelize.Model";
}

function relatedType(each: Relationship, names: ReadonlyMap<ModelStatic<Model>, string>, many: "[]" | ""): string {
  return each.toMany ? `${targetName(each, names)}${many}` : `${targetName(each, names)} | null`;
}

const BUILT_IN_STATICS = new Set(["length", "name", "prototype", "query", "c"]);

/** The names of what an object has up to where another one begins; values are not looked at. */
function memberNames(from: object, to: unknown): string[] {
  const names = new Set<string>();
  for (let at: object | null = from; at !== null && at !== to && at !== Object.prototype; at = parentOf(at)) {
    if (typeof at === "function" && at === Function.prototype) break;
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  }
  const inherited = typeof to === "object" || typeof to === "function" ? to : null;
  return [...names].filter(
    (name) => name !== "constructor" && !name.startsWith("_") && !(inherited !== null && name in inherited),
  );
}

function parentOf(value: object): object | null {
  return Object.getPrototypeOf(value) as object | null;
}

function prototypeOf(model: ModelStatic<Model>): object {
  return (model as unknown as { prototype: object }).prototype;
}

/** The prototype of Sequelize's own `Model` that a model class goes back to. */
function basePrototype(model: ModelStatic<Model>): object | null {
  let base: object | null = parentOf(prototypeOf(model));
  for (let next = base; next !== null && next !== Object.prototype; next = parentOf(next)) base = next;
  return base;
}

function keyOf(name: string): string {
  return IDENTIFIER.test(name) ? name : JSON.stringify(name);
}
