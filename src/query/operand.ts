import { describe } from "../driver/dialect";
import { ArgumentError, InvalidRequestError } from "../errors";
import type { Node, SelectNode } from "./node";
import { typeOf } from "./node";
import type { SelectState } from "./select-state";
import { columnCount, stateOfQuery } from "./select-state";

/** The key under which an expression shows its node to the rest of this room. */
export const nodeOf: unique symbol = Symbol("node of an expression");

/** The node of a value that is an expression; undefined for any other value. */
export function nodeOfExpression(value: unknown): Node | undefined {
  return typeof value === "object" && value !== null ? (value as { [nodeOf]?: Node })[nodeOf] : undefined;
}

/**
 * The node of what stands beside `other` in a comparison or calculation: an expression, a query of one column, or a value.
 *
 * Values are converted here and now, by the attribute of `other` where it has one, so that later changes of a date or a
 * buffer do not reach the query.
 *
 * @throws {ArgumentError} for undefined, for arrays, and for what the attribute cannot hold
 */
export function operandBeside(other: Node, value: unknown, method: string): Node {
  const given = nodeOrQuery(value, method);
  if (given !== undefined) return given;
  const type = typeOf(other);
  if (Array.isArray(value) && type?.kind !== "array" && type?.kind !== "json") {
    throw new ArgumentError(`Cannot compare with an array in ${method}().`, {
      hint: "use in([…]) for a list of values",
    });
  }
  const isWhole = type?.kind === "integer" || type?.kind === "bigint";
  const isFraction = typeof value === "number" && Number.isFinite(value) && !Number.isInteger(value);
  // A whole number can be compared with a fraction, which its column could not hold.
  if (type?.attribute !== undefined && !(isWhole && isFraction)) {
    const bound = type.attribute.toDatabase(value);
    return {
      kind: "parameter",
      value: Buffer.isBuffer(bound) ? Buffer.from(bound) : bound,
      attribute: type.attribute,
      besideColumn: other.kind === "column",
    };
  }
  // Calculated decimals and large numbers are compared with numbers in the form of text.
  const isDigits = typeof value === "string" && /^\s*[+-]?(\d+\.?\d*|\.\d+)\s*$/.test(value);
  if (isDigits && (type?.kind === "decimal" || type?.kind === "bigint"))
    return { kind: "value", value: value.trim(), typed: false, as: type.kind };
  return valueNode(value, isWhole && isFraction, method);
}

/** Kinds whose values have another form in the database than in JavaScript, so that a column must convert them. */
const CONVERTED = new Set(["bigint", "decimal", "date", "dateonly", "time", "json", "blob", "array", "other"]);

/**
 * The node of a value that comes to stand in the place of `other`: one of the arguments of coalesce(), the branches of a CASE,
 * the operands of a calculation. No column reads it, so its type is told.
 */
export function operandLike(other: Node, value: unknown, method: string): Node {
  const type = typeOf(other);
  if (value === null || type?.attribute === undefined || !CONVERTED.has(type.kind)) return freeOperand(value, method);
  const node = operandBeside(other, value, method);
  return node.kind === "parameter" ? { ...node, besideColumn: false } : node;
}

/** The node of an argument that stands beside nothing: of a function, a CASE, the select list. */
export function freeOperand(value: unknown, method: string): Node {
  return nodeOrQuery(value, method) ?? valueNode(value, true, method);
}

/** The node of an expression or of a query in brackets; undefined for a plain value. */
function nodeOrQuery(value: unknown, method: string): Node | undefined {
  if (typeof value !== "object" || value === null) {
    if (value === undefined) {
      throw new ArgumentError(`Cannot use undefined as a value in ${method}().`, {
        hint: "use null for SQL NULL, or leave the condition out",
      });
    }
    return undefined;
  }
  const node = nodeOfExpression(value);
  if (node !== undefined) return node;
  const state = stateOfQuery(value);
  return state && selectNode(state, "scalar", method);
}

/**
 * A query as an operand.
 *
 * @throws {InvalidRequestError} unless it selects exactly one column
 */
export function selectNode(state: SelectState, use: SelectNode["use"], method: string): SelectNode {
  const count = columnCount(state);
  if (count !== 1) {
    throw new InvalidRequestError(`A query in ${method}() must select exactly one column; this one selects ${count}.`, {
      hint: "choose the column with .withEntities(Model.c.column)",
    });
  }
  return { kind: "select", state, use };
}

/** A value of no column, copied so that later changes in place do not reach the query. */
export function valueNode(value: unknown, typed: boolean, method: string): Node {
  switch (typeof value) {
    case "bigint":
      if (value < -(2n ** 63n) || value >= 2n ** 63n) {
        throw new ArgumentError(`Cannot use ${value} as a value in ${method}(): it has more than 64 bits.`, {
          hint: `cast("${value}", "decimal(${String(value).length})")`,
        });
      }
      return { kind: "value", value, typed };
    case "string":
    case "number":
    case "boolean":
      return { kind: "value", value, typed };
    case "object":
      if (value === null) return { kind: "value", value, typed };
      if (value instanceof Date) {
        if (Number.isNaN(value.getTime()))
          throw new ArgumentError(`Cannot use an invalid date as a value in ${method}().`);
        return { kind: "value", value: new Date(value.getTime()), typed };
      }
      if (value instanceof Uint8Array) return { kind: "value", value: Buffer.from(value), typed };
      if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype)
        return { kind: "value", value: JSON.stringify(value), typed };
  }
  throw new ArgumentError(`Cannot use ${describe(value)} as a value in ${method}().`);
}
