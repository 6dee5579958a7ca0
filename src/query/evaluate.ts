import type { Attribute, AttributeKind } from "../mapper/attribute";
import type { InstanceFields } from "../mapper/row-class";
import type { Entity } from "./entity";
import type { Node } from "./node";

/** The values of one object, by attribute name. */
export type Values = Readonly<Record<string, unknown>>;

/** Conditions as a function of an object's values. */
export interface Predicate {
  /** Whether a row with these values matches. */
  test: (values: Values) => boolean;
  /** The attributes that the conditions speak of: an object of which one is not loaded cannot be judged. */
  reads: ReadonlySet<string>;
}

/** What a node gives for an object; null is SQL's NULL. */
type Evaluate = (values: Values) => unknown;

/** Kinds that compare in JavaScript as in every database; text does not, because collations differ. */
const EXACT = new Set<AttributeKind>(["integer", "bigint", "boolean"]);
/** Kinds that compare alike unless the column has a collation of its own. */
const CLOSE = new Set<AttributeKind>([...EXACT, "number", "decimal", "text", "enum", "uuid", "date", "dateonly"]);

/**
 * Turns conditions on one entity into a predicate.
 *
 * @param exact  only what is the same on every database: whole numbers, booleans and NULL
 * @returns undefined for conditions that only the database can judge
 */
export function predicateOf(conditions: readonly Node[], entity: Entity, exact: boolean): Predicate | undefined {
  const evaluator = new Evaluator(entity, exact ? EXACT : CLOSE);
  try {
    const tests = conditions.map((node) => evaluator.compile(node));
    return { test: (values) => tests.every((test) => test(values) === true), reads: evaluator.reads };
  } catch (error) {
    if (error instanceof NotEvaluable) return undefined;
    throw error;
  }
}

class NotEvaluable extends Error {}

class Evaluator {
  readonly reads = new Set<string>();
  readonly #entity: Entity;
  readonly #kinds: ReadonlySet<AttributeKind>;

  constructor(entity: Entity, kinds: ReadonlySet<AttributeKind>) {
    this.#entity = entity;
    this.#kinds = kinds;
  }

  compile(node: Node): Evaluate {
    switch (node.kind) {
      case "column":
        return this.#column(node, this.#kinds);
      case "parameter": {
        const value = comparable(node.attribute.fromDatabase(node.value), node.attribute);
        return () => value;
      }
      case "value":
        if (typeof node.value === "number" || typeof node.value === "boolean" || node.value === null)
          return () => node.value;
        throw new NotEvaluable();
      case "objectValue": {
        const { dataValues } = node.instance as unknown as InstanceFields;
        return () => comparable(dataValues[node.attribute.name] ?? null, node.attribute);
      }
      case "constant":
        return () => node.value;
      case "binary":
        return this.#binary(node.operator, this.compile(node.left), this.compile(node.right));
      case "and":
        return all(node.operands.map((operand) => this.compile(operand)));
      case "or": {
        const none = all(node.operands.map((operand) => negation(this.compile(operand))));
        return negation(none);
      }
      case "not":
        return negation(this.compile(node.operand));
      case "is": {
        // Whether a value is there can be told of every kind.
        const operand =
          node.operand.kind === "column" && node.value === null
            ? this.#column(node.operand, undefined)
            : this.compile(node.operand);
        return (values) => {
          const value = operand(values);
          return (node.value === null ? value === null : truth(value) === node.value) !== node.negated;
        };
      }
      case "distinctFrom": {
        const [left, right] = [this.compile(node.left), this.compile(node.right)];
        return (values) => (left(values) !== right(values)) !== node.negated;
      }
      case "between": {
        const operand = this.compile(node.operand);
        const inside = all([
          this.#binary(">=", operand, this.compile(node.low)),
          this.#binary("<=", operand, this.compile(node.high)),
        ]);
        return node.negated ? negation(inside) : inside;
      }
      case "in": {
        if (!Array.isArray(node.options)) throw new NotEvaluable();
        const operand = this.compile(node.operand);
        const equals = (node.options as readonly Node[]).map((option) =>
          this.#binary("=", operand, this.compile(option)),
        );
        const none = all(equals.map(negation));
        return node.negated ? none : negation(none);
      }
      default:
        throw new NotEvaluable();
    }
  }

  #column(
    { entity, attribute }: Extract<Node, { kind: "column" }>,
    kinds: ReadonlySet<AttributeKind> | undefined,
  ): Evaluate {
    if (entity !== this.#entity || (kinds !== undefined && !kinds.has(attribute.kind))) throw new NotEvaluable();
    this.reads.add(attribute.name);
    return (values) => comparable(values[attribute.name] ?? null, attribute);
  }

  #binary(operator: string, left: Evaluate, right: Evaluate): Evaluate {
    const apply = OPERATORS[operator];
    if (apply === undefined) throw new NotEvaluable();
    return (values) => {
      const [a, b] = [left(values), right(values)];
      return a === null || b === null ? null : apply(a as never, b as never);
    };
  }
}

const OPERATORS: Record<string, (a: never, b: never) => unknown> = {
  "=": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "+": (a: number, b: number) => a + b,
  "-": (a: number, b: number) => a - b,
  "*": (a: number, b: number) => a * b,
  "%": (a: number, b: number) => (b === 0 ? null : a % b),
};

/** A value in a form that `===` and `<` compare as the database does. */
function comparable(value: unknown, { kind }: Attribute): unknown {
  if (value === null || value === undefined) return null;
  switch (kind) {
    case "integer":
    case "number":
    case "decimal":
      return Number(value);
    case "bigint":
      // Numbers that are compared with it have its own form.
      return Number.isSafeInteger(Number(value)) ? Number(value) : BigInt(value as string);
    case "boolean":
      return truth(value);
    case "date":
      return value instanceof Date ? value.getTime() : new Date(value as string).getTime();
    case "uuid":
      return String(value).toLowerCase();
    default:
      return value;
  }
}

function truth(value: unknown): boolean | null {
  return value === null
    ? null
    : value === true || value === 1 || value === "1" || (typeof value === "number" && value !== 0);
}

/** SQL's AND: false beats NULL. */
function all(parts: readonly Evaluate[]): Evaluate {
  return (values) => {
    let result: boolean | null = true;
    for (const part of parts) {
      const value = truth(part(values));
      if (value === false) return false;
      if (value === null) result = null;
    }
    return result;
  };
}

function negation(part: Evaluate): Evaluate {
  return (values) => {
    const value = truth(part(values));
    return value === null ? null : !value;
  };
}
