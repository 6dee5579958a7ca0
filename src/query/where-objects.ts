import { describe } from "../driver/dialect";
import { ArgumentError, InvalidRequestError } from "../errors";
import type { Attribute } from "../mapper/attribute";
import { castTarget } from "./cast-types";
import type { Entity } from "./entity";
import { checkFunctionName, functionType } from "./function-types";
import { rawSegments } from "./named-parameters";
import type { Node } from "./node";
import { freeOperand, nodeOfExpression, operandBeside } from "./operand";
import { checkOperator, negate } from "./operators";
import { equalRelated } from "./related-condition";
import { columnNode } from "./relationship-link";
import type { SequelizeExpression } from "./sequelize-condition";
import { sequelizeExpression } from "./sequelize-condition";
import { stateOfQuery } from "./select-state";

/** The entity that a query reaches over the names of relationships, as in `"$role.name$"`. */
export type FindJoined = (path: readonly string[]) => Entity | undefined;

const COMPARISONS: Record<string, string> = { eq: "=", ne: "!=", gt: ">", gte: ">=", lt: "<", lte: "<=" };

/**
 * Turns the where objects of Sequelize into expressions of ours, so that their values become parameters.
 *
 * They mean what they mean in `findAll`, with three faults left out: the empty list matches nothing, `startsWith`,
 * `endsWith` and `substring` take `%` and `_` as themselves, and quote characters in names are doubled.
 */
export class WhereObjects {
  readonly #entity: Entity;
  readonly #findJoined: FindJoined;
  readonly #further: readonly Entity[];

  /**
   * @param entity      the model whose names the objects use
   * @param findJoined  finds what `"$role.name$"` speaks of
   * @param further     models whose names they may use too, where the first has no such name
   */
  constructor(entity: Entity, findJoined: FindJoined = () => undefined, further: readonly Entity[] = []) {
    this.#entity = entity;
    this.#findJoined = findJoined;
    this.#further = further;
  }

  /** The condition that a where object, a list of them, or an expression of Sequelize's states. */
  condition(where: unknown): Node {
    const node = nodeOfExpression(where);
    if (node !== undefined) return node;
    const expression = sequelizeExpression(where);
    if (expression !== undefined) return this.#standing(expression, where);
    if (Array.isArray(where))
      return junction(
        "and",
        where.map((each) => this.condition(each)),
      );
    if (typeof where !== "object" || where === null)
      throw new ArgumentError(`Expected a condition, got ${describe(where)}.`);
    return junction("and", this.#entries(where));
  }

  /** The value that an expression of Sequelize gives; undefined for any other value. */
  value(given: unknown): Node | undefined {
    const expression = sequelizeExpression(given);
    return expression && this.#expression(expression, given);
  }

  #entries(where: object): Node[] {
    return Reflect.ownKeys(where).map((key) => {
      const value = (where as Record<PropertyKey, unknown>)[key];
      return typeof key === "symbol" ? this.#group(key, value) : this.#named(key, value);
    });
  }

  /** `[Op.and]`, `[Op.or]`, `[Op.not]` around whole conditions. */
  #group(key: symbol, value: unknown): Node {
    const name = Symbol.keyFor(key);
    if (name !== "and" && name !== "or" && name !== "not")
      throw new ArgumentError(
        `Cannot use the operator ${key.description ?? String(key)} here: it needs an attribute before it.`,
      );
    const parts =
      Array.isArray(value) || nodeOfExpression(value) !== undefined || sequelizeExpression(value) !== undefined
        ? [value].flat().map((each) => this.condition(each))
        : this.#entries(objectOf(value));
    if (name === "not") return negate(junction("and", parts));
    return junction(name, parts);
  }

  #named(key: string, value: unknown): Node {
    if (value === undefined)
      throw new ArgumentError(`Cannot use undefined as the value of "${key}".`, {
        hint: "use null for SQL NULL, or leave the condition out",
      });
    const path = /^\$(.+)\$$/.exec(key)?.[1]?.split(".");
    if (path !== undefined) return this.#joined(key, path, value);
    const { mapper } = this.#entity;
    const attribute = mapper.find(key);
    const owner =
      attribute === undefined && !mapper.relationships.has(key)
        ? this.#further.find((each) => each.mapper.find(key) ?? each.mapper.relationships.has(key))
        : undefined;
    if (owner !== undefined) return new WhereObjects(owner, this.#findJoined).#named(key, value);
    if (attribute !== undefined) return this.#onAttribute(attribute, this.#entity, value);
    const relationship = mapper.relationships.get(key);
    if (relationship !== undefined) return equalRelated(this.#entity, relationship, value);
    const [first = ""] = key.split(".");
    if (key.includes(".") && mapper.find(first)?.kind === "json") return this.#delegate({ [key]: value });
    // A condition of Sequelize's own stands for itself, whatever its key says.
    const expression = sequelizeExpression(value);
    if (expression?.is === "where" || expression?.is === "literal") return this.#standing(expression, value);
    throw mapper.unknownProperty(key);
  }

  #joined(key: string, path: string[], value: unknown): Node {
    const name = path.pop() ?? "";
    const entity = path.length === 0 ? this.#entity : this.#findJoined(path);
    if (entity === undefined) {
      throw new InvalidRequestError(`Cannot use "${key}": the query does not join "${path.join(".")}".`, {
        hint: `join it first: .join("${path[0]}")`,
      });
    }
    return new WhereObjects(entity).#onAttribute(entity.mapper.attribute(name), entity, value);
  }

  #onAttribute(attribute: Attribute, entity: Entity, value: unknown): Node {
    const expression = sequelizeExpression(value);
    if (expression?.is === "where" || expression?.is === "literal" || expression?.is === "json")
      return this.#standing(expression, value);
    const isJsonPath =
      attribute.kind === "json" &&
      isPlainObject(value) &&
      Object.keys(value).length > 0 &&
      Reflect.ownKeys(value).every((key) => typeof key === "string");
    if (isJsonPath) return this.#delegate({ [attribute.name]: value });
    return this.#compare(columnNode(entity, attribute), value, attribute);
  }

  /** What is said of one expression: a value, a list, or operators with values. */
  #compare(left: Node, value: unknown, attribute: Attribute | undefined): Node {
    if (value === null) return { kind: "is", operand: left, value: null, negated: false };
    if (Array.isArray(value) && attribute?.kind !== "array" && attribute?.kind !== "json")
      return this.#operator("in", Symbol.for("in"), left, value, attribute);
    if (!isPlainObject(value) || (attribute?.kind === "json" && symbolsOf(value).length === 0))
      return this.#operator("eq", Symbol.for("eq"), left, value, attribute);
    const keys = Reflect.ownKeys(value);
    if (keys.length === 0)
      throw new ArgumentError(`Cannot compare with an empty object${attribute ? ` (${attribute.label})` : ""}.`);
    return junction(
      "and",
      keys.map((key) => {
        const name = typeof key === "symbol" ? Symbol.keyFor(key) : undefined;
        const operand = (value as Record<PropertyKey, unknown>)[key];
        if (name === undefined)
          throw new ArgumentError(`Unknown operator "${String(key)}". Expected one of Sequelize's Op.`, {
            hint: `{ ${attribute?.name ?? "name"}: { [Op.${String(key)}]: … } }, with Op of "sequelize"`,
          });
        return this.#operator(name, key as symbol, left, operand, attribute);
      }),
    );
  }

  #operator(name: string, key: symbol, left: Node, value: unknown, attribute: Attribute | undefined): Node {
    if (value === undefined)
      throw new ArgumentError(`Cannot use undefined with the operator ${name}.`, { hint: "use null for SQL NULL" });
    const isQuantified =
      isPlainObject(value) && symbolsOf(value).some((symbol) => /^(any|all|values)$/.test(Symbol.keyFor(symbol) ?? ""));
    if (isQuantified) return this.#delegateOperator(key, value, attribute);
    switch (name) {
      case "eq":
      case "ne":
      case "gt":
      case "gte":
      case "lt":
      case "lte":
        if (value === null) return { kind: "is", operand: left, value: null, negated: name !== "eq" };
        return binary(COMPARISONS[name] ?? "=", left, this.#operand(left, value));
      case "is":
      case "not":
        return this.#is(name, key, left, value, attribute);
      case "in":
      case "notIn":
        return this.#in(left, value, name === "notIn");
      case "between":
      case "notBetween": {
        if (!Array.isArray(value) || value.length !== 2)
          throw new ArgumentError(`Expected two values for the operator ${name}, got ${describe(value)}.`);
        const [low, high] = value.map((each) => this.#operand(left, each)) as [Node, Node];
        return { kind: "between", operand: left, low, high, negated: name === "notBetween" };
      }
      case "like":
      case "notLike":
      case "iLike":
      case "notILike":
        return this.#like(
          left,
          this.#textOperand(value),
          undefined,
          /ilike$/i.test(name) && name !== "like" && name !== "notLike",
          name.startsWith("not"),
        );
      case "startsWith":
      case "endsWith":
      case "substring": {
        if (typeof value !== "string") return this.#delegateOperator(key, value, attribute);
        const escaped = value.replaceAll(/[%_/]/g, (character) => `/${character}`);
        const pattern = `${name === "startsWith" ? "" : "%"}${escaped}${name === "endsWith" ? "" : "%"}`;
        return this.#like(left, { kind: "value", value: pattern, typed: false }, "/", false, false);
      }
      case "col":
        return binary("=", left, this.#column(String(value)));
      case "and":
      case "or": {
        const parts = Array.isArray(value)
          ? value.map((each) => this.#compare(left, each, attribute))
          : Reflect.ownKeys(objectOf(value)).map((inner) =>
              this.#compare(left, { [inner]: (value as Record<PropertyKey, unknown>)[inner] }, attribute),
            );
        return junction(name, parts);
      }
      default:
        return this.#delegateOperator(key, value, attribute);
    }
  }

  #is(name: "is" | "not", key: symbol, left: Node, value: unknown, attribute: Attribute | undefined): Node {
    const negated = name === "not";
    if (value === null || typeof value === "boolean") return { kind: "is", operand: left, value, negated };
    if (!negated) return this.#delegateOperator(key, value, attribute);
    if (Array.isArray(value)) return this.#in(left, value, true);
    if (isPlainObject(value)) return negate(this.#compare(left, value, attribute));
    return binary("!=", left, this.#operand(left, value));
  }

  #in(left: Node, value: unknown, negated: boolean): Node {
    const expression = sequelizeExpression(value);
    if (expression?.is === "literal") {
      const text: Node = {
        kind: "text",
        segments: [left, negated ? " NOT IN " : " IN ", ...rawSegments(expression.val)],
      };
      return text;
    }
    const state = stateOfQuery(value);
    if (state !== undefined)
      return { kind: "in", operand: left, options: { kind: "select", state, use: "in" }, negated };
    if (!Array.isArray(value)) throw new ArgumentError(`Expected a list for the operator in, got ${describe(value)}.`);
    if (value.length === 0) return { kind: "constant", value: negated };
    return { kind: "in", operand: left, options: value.map((each) => this.#operand(left, each)), negated };
  }

  #like(operand: Node, pattern: Node, escape: string | undefined, ignoreCase: boolean, negated: boolean): Node {
    return { kind: "like", operand, pattern, escape, ignoreCase, negated };
  }

  #textOperand(value: unknown): Node {
    const expression = sequelizeExpression(value);
    if (expression !== undefined) return this.#expression(expression, value);
    return nodeOfExpression(value) ?? { kind: "value", value: String(value), typed: false };
  }

  /** A value that is compared with an expression. */
  #operand(left: Node, value: unknown): Node {
    const expression = sequelizeExpression(value);
    if (expression !== undefined) return this.#expression(expression, value);
    if (isPlainObject(value)) {
      const column = (value as Record<PropertyKey, unknown>)[Symbol.for("col")];
      if (typeof column === "string") return this.#column(column);
    }
    return operandBeside(left, value, "filter");
  }

  /** A Sequelize expression that is a condition by itself. */
  #standing(expression: SequelizeExpression, original: unknown): Node {
    if (expression.is !== "where") return this.#expression(expression, original);
    const { attribute, comparator, logic } = expression;
    const inner = sequelizeExpression(attribute);
    // where(rawAttributes.x, …) names the attribute by its definition.
    const named = (attribute as { fieldName?: string } | null)?.fieldName ?? attribute;
    const left =
      inner !== undefined
        ? this.#expression(inner, attribute)
        : typeof named === "string"
          ? this.#column(named)
          : undefined;
    if (left === undefined) return this.#delegate(original);
    const of = left.kind === "column" ? left.attribute : undefined;
    if (typeof comparator === "symbol")
      return this.#operator(Symbol.keyFor(comparator) ?? "", comparator, left, logic, of);
    if (comparator === "=" || comparator === undefined) return this.#compare(left, logic, of);
    const operator = String(comparator).trim();
    if (/^is( not)?$/i.test(operator) && (logic === null || typeof logic === "boolean"))
      return { kind: "is", operand: left, value: logic, negated: /not/i.test(operator) };
    return binary(checkOperator(operator), left, this.#operand(left, logic));
  }

  #expression(expression: SequelizeExpression, original: unknown): Node {
    switch (expression.is) {
      case "literal":
        return { kind: "text", segments: rawSegments(expression.val) };
      case "col":
        return this.#column(expression.col);
      case "fn": {
        const name = checkFunctionName(expression.fn);
        const operands = expression.args.map((value) => this.#argument(value));
        return { kind: "function", name, operands, distinct: false, type: functionType(name, operands) };
      }
      case "cast":
        return { kind: "cast", operand: this.#argument(expression.val), target: castTarget(expression.type) };
      default:
        return this.#delegate(original);
    }
  }

  #argument(value: unknown): Node {
    const expression = sequelizeExpression(value);
    if (expression !== undefined) return this.#expression(expression, value);
    if (isPlainObject(value) && symbolsOf(value).length > 0) return this.condition(value);
    return freeOperand(value, "fn");
  }

  /** A column by its own name, as `col()` names it, or by its attribute's. */
  #column(name: string): Node {
    if (name === "*") return { kind: "star" };
    const { mapper } = this.#entity;
    const parts = name.split(".");
    const last = parts.at(-1) ?? "";
    const isOwn =
      parts.length === 1 || (parts.length === 2 && (parts[0] === mapper.name || parts[0] === mapper.tableName));
    const attribute = mapper.attributes.find((each) => each.column === last) ?? mapper.find(last);
    if (isOwn && attribute !== undefined) return columnNode(this.#entity, attribute);
    const joined = parts.length > 1 ? this.#findJoined(parts.slice(0, -1)) : undefined;
    const there = joined?.mapper.attributes.find((each) => each.column === last || each.name === last);
    if (joined !== undefined && there !== undefined) return columnNode(joined, there);
    const sql = parts.map((part) => (part === "*" ? part : mapper.dialect.identifier(part))).join(".");
    return { kind: "text", segments: [sql], isName: true };
  }

  #delegateOperator(key: symbol, value: unknown, attribute: Attribute | undefined): Node {
    if (attribute === undefined)
      throw new ArgumentError(`Cannot use the operator ${key.description ?? ""} on this expression.`, {
        hint: "use op() of an expression",
      });
    return this.#delegate({ [attribute.name]: { [key]: value } });
  }

  #delegate(where: unknown): Node {
    return { kind: "sequelize", entity: this.#entity, where };
  }
}

/** Conditions joined; none is true under AND and, as in Sequelize, no condition under OR. */
function junction(kind: "and" | "or", operands: readonly Node[]): Node {
  if (operands.length === 1) return operands[0] as Node;
  return operands.length === 0 ? { kind: "constant", value: true } : { kind, operands };
}

function binary(operator: string, left: Node, right: Node): Node {
  return { kind: "binary", operator, left, right, type: { kind: "boolean" } };
}

function objectOf(value: unknown): object {
  if (typeof value !== "object" || value === null)
    throw new ArgumentError(`Expected conditions, got ${describe(value)}.`);
  return value;
}

function isPlainObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function symbolsOf(value: object): symbol[] {
  return Object.getOwnPropertySymbols(value);
}
