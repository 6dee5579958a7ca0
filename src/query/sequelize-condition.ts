import type { Model, ModelStatic } from "sequelize";
import { ArgumentError } from "../errors";
import type { SequelizeNode } from "./node";

/** The parts of Sequelize's query generator that are used; they are not in its types. */
interface QueryGenerator {
  getWhereConditions(where: unknown, alias: string, model: ModelStatic<Model>, options: object): string;
}

/** An expression of Sequelize's own: `fn`, `col`, `cast`, `literal`, `where`, `json`. */
export type SequelizeExpression =
  | { is: "literal"; val: string }
  | { is: "fn"; fn: string; args: unknown[] }
  | { is: "col"; col: string }
  | { is: "cast"; val: unknown; type: string }
  | { is: "where"; attribute: unknown; comparator: unknown; logic: unknown }
  | { is: "json" };

/**
 * What an expression of Sequelize's says; undefined for any other value.
 *
 * Its classes are known by their members, so that the objects of another copy of Sequelize are understood too.
 */
export function sequelizeExpression(value: unknown): SequelizeExpression | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const name = (Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null)?.constructor?.name;
  const members = value as Record<string, unknown>;
  switch (name) {
    case "Literal":
      return typeof members["val"] === "string" ? { is: "literal", val: members["val"] } : undefined;
    case "Fn":
      return { is: "fn", fn: String(members["fn"]), args: members["args"] as unknown[] };
    case "Col":
      return typeof members["col"] === "string" ? { is: "col", col: members["col"] } : undefined;
    case "Cast":
      return { is: "cast", val: members["val"], type: String(members["type"]) };
    case "Where":
      return "logic" in members
        ? {
            is: "where",
            attribute: members["attribute"],
            comparator: members["comparator"],
            logic: members["logic"],
          }
        : undefined;
    case "Json":
      return { is: "json" };
    default:
      return undefined;
  }
}

/**
 * Sequelize's own SQL for a condition that has no equivalent here; its values are escaped into the text.
 *
 * @param alias  the name of the entity's table in the statement
 * @throws {ArgumentError} for what Sequelize does not understand either
 */
export function sequelizeCondition({ entity, where }: SequelizeNode, alias: string): string {
  const { model } = entity.mapper;
  const generator = (model.sequelize?.getQueryInterface() as unknown as { queryGenerator: QueryGenerator } | undefined)
    ?.queryGenerator;
  let text: string | undefined;
  try {
    text = generator?.getWhereConditions(withColumns(where, entity.mapper), alias, model, {});
  } catch (cause) {
    throw new ArgumentError(`Cannot write this condition on ${model.name}: ${(cause as Error).message}`, { cause });
  }
  return text ? text : "1 = 1";
}

/** The condition with column names for attribute names; the caller's object stays as it is. */
function withColumns(where: unknown, mapper: SequelizeNode["entity"]["mapper"]): unknown {
  if (typeof where !== "object" || where === null || Array.isArray(where) || sequelizeExpression(where)) return where;
  const copy: Record<PropertyKey, unknown> = {};
  for (const key of Reflect.ownKeys(where)) {
    const value = (where as Record<PropertyKey, unknown>)[key];
    if (typeof key === "symbol") copy[key] = value;
    else {
      const [name = "", ...path] = key.split(".");
      copy[[mapper.find(name)?.column ?? name, ...path].join(".")] = value;
    }
  }
  return copy;
}
