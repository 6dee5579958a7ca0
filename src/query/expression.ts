import { inspect } from "node:util";
import { ArgumentError } from "../errors";
import type { Attribute } from "../mapper/attribute";
import type { Entity } from "./entity";
import { nodeText } from "./compile";
import type { BinaryNode, ColumnNode, Node, OrderTerm, ValueType } from "./node";
import { typeOf } from "./node";
import { freeOperand, nodeOf, nodeOfExpression, operandBeside, operandLike, selectNode } from "./operand";
import { checkOperator } from "./operators";
import { castTarget } from "./cast-types";
import type { CastType } from "./cast-types";
import { stateOfQuery } from "./select-state";

/** A type with its null taken away, and nothing else. */
type Value<T> = Exclude<T, null | undefined>;

/** A query, or a query as a table, that may stand where one value is expected. */
export type QueryOperand = { exists(): Condition; subquery(name?: string): unknown } | { readonly derived: object };

/** What an expression can be compared with: a value of its type, another expression, or a query of one column. */
export type Operand<T> = Value<T> | Expression<Value<T> | null> | Expression<Value<T>> | QueryOperand;

/** An expression that is true, false or NULL for a row. */
export type Condition = Expression<boolean | null> | Expression<boolean>;

declare const valueType: unique symbol;
declare const labelType: unique symbol;
declare const modelType: unique symbol;

/**
 * A column, a value or a calculation in SQL, as an immutable value; its methods make larger ones.
 *
 * It has no truth of its own in JavaScript: `User.c.id == 1` throws, `User.c.id.eq(1)` is the condition.
 */
export class Expression<T = unknown> {
  declare readonly [valueType]: T;
  readonly [nodeOf]: Node;

  constructor(node: Node) {
    this[nodeOf] = node;
  }

  /** `=`; null means IS NULL. */
  eq(value: Operand<T> | null): Condition {
    if (value === null) return this.isNull();
    return this.#compare("=", value, "eq");
  }

  /** `!=`; null means IS NOT NULL. Rows with NULL are not matched by any other value. */
  ne(value: Operand<T> | null): Condition {
    if (value === null) return this.isNotNull();
    return this.#compare("!=", value, "ne");
  }

  /** `<`. */
  lt(value: Operand<T>): Condition {
    return this.#compare("<", notNull(value, "lt"), "lt");
  }

  /** `<=`. */
  le(value: Operand<T>): Condition {
    return this.#compare("<=", notNull(value, "le"), "le");
  }

  /** `>`. */
  gt(value: Operand<T>): Condition {
    return this.#compare(">", notNull(value, "gt"), "gt");
  }

  /** `>=`. */
  ge(value: Operand<T>): Condition {
    return this.#compare(">=", notNull(value, "ge"), "ge");
  }

  /** `IS NULL`, `IS TRUE`, `IS FALSE`; for any other value, equality that is never NULL. */
  is(value: Operand<T> | null | boolean): Condition {
    if (value === null || value === true || value === false) return this.#is(value as null | boolean, false);
    return this.isNotDistinctFrom(value);
  }

  /** `IS NOT NULL`, `IS NOT TRUE`, `IS NOT FALSE`; for any other value, inequality that is never NULL. */
  isNot(value: Operand<T> | null | boolean): Condition {
    if (value === null || value === true || value === false) return this.#is(value as null | boolean, true);
    return this.isDistinctFrom(value);
  }

  /** `IS NULL`. */
  isNull(): Condition {
    return this.#is(null, false);
  }

  /** `IS NOT NULL`. */
  isNotNull(): Condition {
    return this.#is(null, true);
  }

  /** Inequality that is never NULL: NULL is distinct from every value and not from NULL. */
  isDistinctFrom(value: Operand<T> | null): Condition {
    return this.#distinctFrom(value, false, "isDistinctFrom");
  }

  /** Equality that is never NULL. */
  isNotDistinctFrom(value: Operand<T> | null): Condition {
    return this.#distinctFrom(value, true, "isNotDistinctFrom");
  }

  /** Is one of the values, or of the rows of a query of one column. The empty list matches nothing. */
  in(values: readonly (Operand<T> | null)[] | QueryOperand): Condition {
    return this.#in(values, false, "in");
  }

  /** Is none of the values. The empty list matches every row. */
  notIn(values: readonly (Operand<T> | null)[] | QueryOperand): Condition {
    return this.#in(values, true, "notIn");
  }

  /** Lies between the two values, both included. */
  between(low: Operand<T>, high: Operand<T>): Condition {
    return this.#between(low, high, false, "between");
  }

  /** Lies outside the two values. */
  notBetween(low: Operand<T>, high: Operand<T>): Condition {
    return this.#between(low, high, true, "notBetween");
  }

  /** `LIKE` with the caller's own `%` and `_`. Case counts as the database has it: SQLite ignores it for ASCII, PostgreSQL does not. */
  like(pattern: string | Expression, options: { escape?: string } = {}): Condition {
    return this.#like(pattern, { method: "like", escape: options.escape });
  }

  /** `NOT LIKE`. */
  notLike(pattern: string | Expression, options: { escape?: string } = {}): Condition {
    return this.#like(pattern, { method: "notLike", escape: options.escape, negated: true });
  }

  /** `LIKE` that ignores case. */
  ilike(pattern: string | Expression, options: { escape?: string } = {}): Condition {
    return this.#like(pattern, { method: "ilike", escape: options.escape, ignoreCase: true });
  }

  /** `NOT LIKE` that ignores case. */
  notIlike(pattern: string | Expression, options: { escape?: string } = {}): Condition {
    return this.#like(pattern, { method: "notIlike", escape: options.escape, ignoreCase: true, negated: true });
  }

  /** The text stands somewhere inside; `%` and `_` in it stand for themselves. */
  contains(text: string | Expression): Condition {
    return this.#likePart("%", text, "%", "contains");
  }

  /** Begins with the text; `%` and `_` in it stand for themselves. */
  startsWith(text: string | Expression): Condition {
    return this.#likePart("", text, "%", "startsWith");
  }

  /** Ends with the text; `%` and `_` in it stand for themselves. */
  endsWith(text: string | Expression): Condition {
    return this.#likePart("%", text, "", "endsWith");
  }

  /** Any other operator of the database: `c.flags.op("&", 4)`, or `c.flags.op("&")(4)`. */
  op<R = unknown>(operator: string): (value: unknown) => Expression<R>;
  op<R = unknown>(operator: string, value: unknown): Expression<R>;
  op(operator: string, ...values: unknown[]): Expression | ((value: unknown) => Expression) {
    const checked = checkOperator(operator);
    const apply = (value: unknown): Expression =>
      new Expression({
        kind: "binary",
        operator: checked,
        left: this[nodeOf],
        right: operandBeside(this[nodeOf], value, "op"),
        type: undefined,
      });
    return values.length === 0 ? apply : apply(values[0]);
  }

  /** `+`. */
  add(value: Operand<T>): Expression<T> {
    return this.#calculate("+", value, "add");
  }

  /** `-`. */
  sub(value: Operand<T>): Expression<T> {
    return this.#calculate("-", value, "sub");
  }

  /** `*`. */
  mul(value: Operand<T>): Expression<T> {
    return this.#calculate("*", value, "mul");
  }

  /** Division with a fraction, also of whole numbers. */
  div(value: Operand<T>): Expression<number | null> {
    return this.#calculate("/", value, "div") as Expression<number | null>;
  }

  /** The remainder of a division; it has the sign of the dividend. */
  mod(value: Operand<T>): Expression<T> {
    return this.#calculate("%", value, "mod");
  }

  /** This and the given values as one text; NULL if one of them is. */
  concat(...values: (string | number | Expression)[]): Expression<string> {
    const operands = values.map((value) => freeOperand(value, "concat"));
    return new Expression({ kind: "concat", operands: [this[nodeOf], ...operands] });
  }

  /** The value as another type: `"integer"`, `"text"`, `"decimal(10, 2)"`, or a data type of Sequelize. */
  cast<R = unknown>(type: CastType): Expression<R> {
    return new Expression<R>({ kind: "cast", operand: this[nodeOf], target: castTarget(type) });
  }

  /** The expression under a name in the result. */
  label<L extends string>(name: L): Labelled<T, L> {
    if (typeof name !== "string" || name === "")
      throw new ArgumentError(`Expected a name in label(), got ${inspect(name)}.`);
    return new Labelled<T, L>(this[nodeOf], name);
  }

  /** The same label as an alias of SQL's word. */
  as<L extends string>(name: L): Labelled<T, L> {
    return this.label(name);
  }

  /** Orders from small to large. */
  asc(): Ordering {
    return new Ordering({ operand: this.orderNode(), descending: false, nulls: undefined });
  }

  /** Orders from large to small. */
  desc(): Ordering {
    return new Ordering({ operand: this.orderNode(), descending: true, nulls: undefined });
  }

  /** Orders from small to large, rows with NULL first. */
  nullsFirst(): Ordering {
    return this.asc().nullsFirst();
  }

  /** Orders from small to large, rows with NULL last. */
  nullsLast(): Ordering {
    return this.asc().nullsLast();
  }

  /** Only distinct values, inside an aggregate: `func.count(User.c.roleId.distinct())`. */
  distinct(): DistinctArgument<T> {
    return new DistinctArgument<T>(this[nodeOf]);
  }

  /** What stands for the expression in ORDER BY and GROUP BY. */
  protected orderNode(): Node {
    return this[nodeOf];
  }

  /** As text in a template it is its SQL with the values written in; as a number or in `==` it is a mistake. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === "string") return nodeText(this[nodeOf]);
    throw new ArgumentError(
      "An SQL expression has no value in JavaScript: it cannot be compared or calculated with operators.",
      {
        hint: "use its methods: User.c.id.eq(1), User.c.id.gt(1), and(a, b), or(a, b), not(a)",
      },
    );
  }

  toString(): string {
    return nodeText(this[nodeOf]);
  }

  [inspect.custom](): string {
    return `<${this.constructor.name} ${nodeText(this[nodeOf])}>`;
  }

  #compare(operator: BinaryNode["operator"], value: unknown, method: string): Condition {
    const left = this[nodeOf];
    return new Expression({ kind: "binary", operator, left, right: operandBeside(left, value, method), type: BOOLEAN });
  }

  #calculate(operator: string, value: unknown, method: string): Expression<T> {
    const left = this[nodeOf];
    const given = notNull(value, method);
    const right = nodeOfExpression(given) ?? stateAsScalar(given, method) ?? calculationValue(left, given, method);
    return new Expression<T>({ kind: "binary", operator, left, right, type: resultType(operator, left, right) });
  }

  #is(value: null | boolean, negated: boolean): Condition {
    return new Expression({ kind: "is", operand: this[nodeOf], value, negated });
  }

  #distinctFrom(value: unknown, negated: boolean, method: string): Condition {
    const left = this[nodeOf];
    return new Expression({ kind: "distinctFrom", left, right: operandBeside(left, value, method), negated });
  }

  #in(values: unknown, negated: boolean, method: string): Condition {
    const operand = this[nodeOf];
    const state = stateOfQuery(values);
    if (state !== undefined)
      return new Expression({ kind: "in", operand, options: selectNode(state, "in", method), negated });
    const subquery = nodeOfExpression(values);
    if (subquery?.kind === "select")
      return new Expression({ kind: "in", operand, options: { ...subquery, use: "in" }, negated });
    if (
      typeof values === "string" ||
      values === null ||
      typeof (values as Iterable<unknown>)?.[Symbol.iterator] !== "function"
    ) {
      throw new ArgumentError(`Expected an array or a query in ${method}(), got ${inspect(values, { depth: 0 })}.`);
    }
    const options = [...(values as Iterable<unknown>)].map((value) => operandBeside(operand, value, method));
    if (options.length === 0) return new Expression({ kind: "constant", value: negated });
    return new Expression({ kind: "in", operand, options, negated });
  }

  #between(low: unknown, high: unknown, negated: boolean, method: string): Condition {
    const operand = this[nodeOf];
    return new Expression({
      kind: "between",
      operand,
      low: operandBeside(operand, notNull(low, method), method),
      high: operandBeside(operand, notNull(high, method), method),
      negated,
    });
  }

  #like(pattern: unknown, options: LikeOptions): Condition {
    const { method, escape, ignoreCase = false, negated = false } = options;
    if (escape !== undefined && [...escape].length !== 1)
      throw new ArgumentError(`Expected one character as the escape in ${method}(), got ${JSON.stringify(escape)}.`);
    return new Expression({
      kind: "like",
      operand: this[nodeOf],
      pattern: textOperand(pattern, method),
      escape,
      ignoreCase,
      negated,
    });
  }

  #likePart(before: string, text: unknown, after: string, method: string): Condition {
    if (typeof text === "string") {
      const escaped = text.replaceAll(/[%_/]/g, (character) => LIKE_ESCAPE + character);
      return this.#like(before + escaped + after, { method, escape: LIKE_ESCAPE });
    }
    const part = textOperand(text, method);
    const fixed = (value: string): Node[] => (value === "" ? [] : [{ kind: "value", value, typed: false }]);
    const escaped = [LIKE_ESCAPE, "%", "_"].reduce<Node>(
      (operand, character) => ({
        kind: "function",
        name: "replace",
        operands: [operand, ...fixed(character), ...fixed(LIKE_ESCAPE + character)],
        distinct: false,
        type: undefined,
      }),
      part,
    );
    const pattern: Node = { kind: "concat", operands: [...fixed(before), escaped, ...fixed(after)] };
    return this.#like(new Expression(pattern), { method, escape: LIKE_ESCAPE });
  }
}

const BOOLEAN: ValueType = { kind: "boolean" };
/** Not the backslash: databases differ in what it means inside a literal. */
const LIKE_ESCAPE = "/";

interface LikeOptions {
  method: string;
  escape: string | undefined;
  ignoreCase?: boolean;
  negated?: boolean;
}

function notNull(value: unknown, method: string): unknown {
  if (value === null) {
    throw new ArgumentError(`Cannot use null in ${method}(): the result would be NULL for every row.`, {
      hint: "use isNull() or isNotNull()",
    });
  }
  return value;
}

function textOperand(value: unknown, method: string): Node {
  const node = nodeOfExpression(value);
  if (node !== undefined) return node;
  if (typeof value !== "string") {
    throw new ArgumentError(`Expected text in ${method}(), got ${inspect(value, { depth: 0 })}.`);
  }
  return { kind: "value", value, typed: false };
}

function stateAsScalar(value: unknown, method: string): Node | undefined {
  const state = stateOfQuery(value);
  return state && selectNode(state, "scalar", method);
}

function calculationValue(left: Node, value: unknown, method: string): Node {
  const isWhole = typeof value === "number" && Number.isInteger(value);
  if (isWhole && typeOf(left) !== undefined) return { kind: "value", value, typed: false };
  const isExact = typeOf(left)?.kind === "decimal" || typeOf(left)?.kind === "bigint";
  return isExact ? operandLike(left, value, method) : freeOperand(value, method);
}

function resultType(operator: string, left: Node, right: Node): ValueType | undefined {
  if (operator === "/") return { kind: "number" };
  const kinds = [typeOf(left)?.kind, typeOf(right)?.kind];
  if (kinds.includes(undefined)) return undefined;
  for (const kind of ["number", "decimal", "bigint", "integer"] as const) if (kinds.includes(kind)) return { kind };
  return undefined;
}

/** A column of a model or of an alias of it: `User.c.username`. */
export class Column<T = unknown, N extends string = string, M = unknown> extends Expression<T> {
  declare readonly [labelType]: N;
  declare readonly [modelType]: M;

  constructor(entity: Entity, attribute: Attribute) {
    super({ kind: "column", entity, attribute });
  }

  /** The attribute's name, which is the column's name in results. */
  get key(): N {
    return (this[nodeOf] as ColumnNode).attribute.name as N;
  }
}

/** An expression with a name in the result. */
export class Labelled<T = unknown, L extends string = string> extends Expression<T> {
  declare readonly [labelType]: L;
  readonly key: L;

  constructor(node: Node, key: L) {
    super(node);
    this.key = key;
  }
}

/** The argument of an aggregate over distinct values. */
export class DistinctArgument<T = unknown> extends Expression<T> {
  readonly isDistinct = true;
}

/** One term of an ORDER BY: an expression and its direction. */
export class Ordering {
  readonly term: OrderTerm;

  constructor(term: OrderTerm) {
    this.term = term;
  }

  /** Rows with NULL come first. */
  nullsFirst(): Ordering {
    return new Ordering({ ...this.term, nulls: "first" });
  }

  /** Rows with NULL come last. */
  nullsLast(): Ordering {
    return new Ordering({ ...this.term, nulls: "last" });
  }

  asc(): Ordering {
    return new Ordering({ ...this.term, descending: false });
  }

  desc(): Ordering {
    return new Ordering({ ...this.term, descending: true });
  }
}

export type { labelType, modelType, valueType };
