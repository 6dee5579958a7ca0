import { ArgumentError } from "../errors";
import type { Node } from "./node";

/** How strongly a piece of SQL holds together; a weaker one inside a stronger one is put in brackets. */
export const BINDING = {
  text: 0,
  or: 1,
  and: 2,
  not: 3,
  comparison: 4,
  other: 5,
  sum: 6,
  product: 7,
  atom: 9,
} as const;

const COMPARISONS = new Set(["=", "!=", "<", "<=", ">", ">="]);

/** How strongly the SQL of a node holds together. */
export function bindingOf(node: Node): number {
  switch (node.kind) {
    case "text":
      return node.isName ? BINDING.atom : BINDING.text;
    case "sequelize":
      return BINDING.text;
    case "or":
      return BINDING.or;
    case "and":
      return BINDING.and;
    case "not":
      return BINDING.not;
    case "exists":
      return node.negated ? BINDING.not : BINDING.atom;
    case "is":
    case "in":
    case "like":
    case "between":
    case "distinctFrom":
    case "constant":
      return BINDING.comparison;
    case "concat":
      return BINDING.other;
    case "binary":
      return bindingOfOperator(node.operator);
    default:
      return BINDING.atom;
  }
}

/** How strongly an operator holds its operands together. */
export function bindingOfOperator(operator: string): number {
  if (COMPARISONS.has(operator)) return BINDING.comparison;
  if (operator === "+" || operator === "-") return BINDING.sum;
  if (operator === "*" || operator === "/" || operator === "%") return BINDING.product;
  return BINDING.other;
}

const OPPOSITES: Record<string, string> = { "=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">" };

/** The opposite of a condition, without a NOT where an operator of its own says it. */
export function negate(node: Node): Node {
  switch (node.kind) {
    case "binary": {
      const operator = OPPOSITES[node.operator];
      return operator === undefined ? { kind: "not", operand: node } : { ...node, operator };
    }
    case "is":
    case "in":
    case "like":
    case "between":
    case "distinctFrom":
    case "exists":
      return { ...node, negated: !node.negated };
    case "constant":
      return { kind: "constant", value: !node.value };
    case "not":
      return node.operand;
    default:
      return { kind: "not", operand: node };
  }
}

const WORDS =
  /^([a-z]+|(not|is|similar|sounds|member|at|time|distinct)( (not|distinct|from|similar|to|like|of|time|zone|regexp|glob|match|rlike))+)$/i;

/**
 * The operator, if it is one: signs, or words such as `REGEXP`.
 *
 * @throws {ArgumentError} for anything that could end the expression or start a comment
 */
export function checkOperator(operator: string): string {
  const signs = /^[-+*/<>=~!@#%^&|?]+$/.test(operator) && !/--|\/\*/.test(operator);
  if (typeof operator === "string" && (signs || WORDS.test(operator))) return operator;
  throw new ArgumentError(`Cannot use ${JSON.stringify(operator)} as an operator in op().`, {
    hint: 'an operator is made of signs ("&", "@>") or words ("REGEXP"); for anything else there is text("…")',
  });
}
