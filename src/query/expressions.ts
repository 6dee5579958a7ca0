import type { InferAttributes, Model, ModelStatic } from "sequelize";
import { describe } from "../driver/dialect";
import { ArgumentError } from "../errors";
import type { Attribute } from "../mapper/attribute";
import { Mapper } from "../mapper/mapper";
import type { CastType } from "./cast-types";
import { Entity } from "./entity";
import type { Condition } from "./expression";
import { Column, DistinctArgument, Expression, Labelled, Ordering } from "./expression";
import { checkFunctionName, functionType, sharesType } from "./function-types";
import type { RelatedModel, Relationships } from "./model-shape";
import type { NamedParameters } from "./named-parameters";
import { bindNames } from "./named-parameters";
import type { CaseNode, Node, OrderTerm } from "./node";
import { typeOf } from "./node";
import { freeOperand, nodeOf, nodeOfExpression, operandLike } from "./operand";
import { negate } from "./operators";
import { RelationshipExpression } from "./relationship-expression";
import type { Derived } from "./select-state";
import { firstSelect, stateOfQuery } from "./select-state";

/** The columns and relationships of a model as expressions: `User.c`. */
export type Columns<M extends Model> = {
  readonly [K in keyof InferAttributes<M>]-?: Column<InferAttributes<M>[K], K & string, M>;
} & {
  readonly [K in keyof Relationships<M> & keyof M]-?: RelationshipExpression<RelatedModel<M, K>>;
};

const columns = new WeakMap<Entity, object>();

/** The columns and relationships of a model, or of an alias of it; the same object each time. */
export function columnsOf(of: Mapper | Entity): Record<string, Column | RelationshipExpression> {
  const entity = of instanceof Mapper ? Entity.of(of) : of;
  let found = columns.get(entity);
  if (found === undefined) {
    found = makeColumns(entity);
    columns.set(entity, found);
  }
  return found as Record<string, Column | RelationshipExpression>;
}

function makeColumns(entity: Entity): object {
  const { mapper } = entity;
  const own = Object.create(
    // What is not there is refused by name; associations declared later are found at the first look.
    new Proxy(Object.prototype, {
      get(target, key, receiver: object) {
        if (typeof key === "symbol" || key in target || ASKED_OF_ANY_OBJECT.test(key))
          return Reflect.get(target, key, receiver) as unknown;
        const relationship = mapper.relationships.get(key);
        const attribute = mapper.find(key);
        if (relationship === undefined && attribute === undefined) throw mapper.unknownProperty(key);
        const value = relationship
          ? new RelationshipExpression(entity, relationship)
          : new Column(entity, attribute as Attribute);
        Object.defineProperty(own, key, { value, enumerable: true });
        return value;
      },
    }),
  ) as object;
  const define = (key: string, value: unknown): void =>
    void Object.defineProperty(own, key, { value, enumerable: true });
  for (const attribute of mapper.attributes) define(attribute.name, new Column(entity, attribute));
  for (const [key, relationship] of mapper.relationships) define(key, new RelationshipExpression(entity, relationship));
  return own;
}

/** What promises, printers and test tools look for on every object. */
const ASKED_OF_ANY_OBJECT = /^(then|toJSON|inspect|asymmetricMatch|nodeType|tagName|length|@@|\$\$)/;

/** A second use of a model's table in one statement, with columns of its own. */
export class Aliased<M extends Model = Model> {
  readonly entity: Entity;
  readonly model: ModelStatic<M>;

  constructor(model: ModelStatic<M>, name?: string, rows?: Derived) {
    this.model = model;
    this.entity = Entity.alias(Mapper.of(model), name, rows);
  }

  /** The columns and relationships of the alias. */
  get c(): Columns<M> {
    return columnsOf(this.entity) as Columns<M>;
  }
}

/** An alias of any model. */
export type AnyAlias = Pick<Aliased, "entity">;

/** A query as a table, as `query.subquery()` gives it. */
interface Rows {
  readonly derived: Derived;
}

/**
 * A second use of a model's table in one statement; without a name the compiler chooses one. With a subquery of the model's
 * objects their rows stand in the place of the table: `aliased(User, User.query.limit(3).subquery())`.
 */
export function aliased<M extends Model>(model: ModelStatic<M>, name?: string): Aliased<M>;
export function aliased<M extends Model>(model: ModelStatic<M>, rows: Rows, name?: string): Aliased<M>;
export function aliased<M extends Model>(model: ModelStatic<M>, from?: string | Rows, given?: string): Aliased<M> {
  const rows = typeof from === "object" ? (from as Rows | null)?.derived : undefined;
  const name = rows === undefined ? from : given;
  if (rows !== undefined && !selectsModel(rows, Mapper.of(model))) {
    throw new ArgumentError(`Cannot make an alias of ${model.name}: the subquery selects none.`, {
      hint: `${model.name}.query.limit(3).subquery()`,
    });
  }
  if (name !== undefined && (typeof name !== "string" || name === ""))
    throw new ArgumentError(`Expected a name for the alias, got ${describe(name)}.`, {
      hint: stateOfQuery(name) === undefined ? undefined : "an alias of a query is made of query.subquery()",
    });
  return new Aliased(model, name, rows);
}

function selectsModel(rows: Derived, mapper: Mapper): boolean {
  return firstSelect(rows.source).selection.some((entry) => {
    const entity =
      entry.kind === "entity" ? entry.entity : entry.node.kind === "column" ? entry.node.entity : undefined;
    return entity?.mapper === mapper;
  });
}

/** All of the conditions hold; of none, every row does. */
export function and(...conditions: Condition[]): Condition {
  return junction("and", conditions);
}

/** One of the conditions holds; of none, no row does. */
export function or(...conditions: Condition[]): Condition {
  return junction("or", conditions);
}

function junction(kind: "and" | "or", conditions: readonly unknown[]): Condition {
  const operands = conditions.map((condition) => conditionNode(condition, kind));
  if (operands.length === 0) return new Expression({ kind: "constant", value: kind === "and" });
  return new Expression(operands.length === 1 ? (operands[0] as Node) : { kind, operands });
}

/** The condition does not hold. Where it is NULL for a row, so is this. */
export function not(condition: Condition): Condition {
  return new Expression(negate(conditionNode(condition, "not")));
}

function conditionNode(condition: unknown, method: string): Node {
  const node = nodeOfExpression(condition);
  if (node !== undefined) return node;
  throw new ArgumentError(`Expected a condition in ${method}(), got ${describe(condition)}.`, {
    hint: "conditions are made by methods: User.c.id.eq(1)",
  });
}

/** A call of an SQL function, which an aggregate may narrow to distinct values or spread over a window. */
export class FunctionCall<T = unknown> extends Expression<T> {
  /** Over the rows around each row, instead of one value for all. */
  over(
    window: {
      partitionBy?: Expression | readonly Expression[];
      orderBy?: WindowOrder | readonly WindowOrder[];
    } = {},
  ): Expression<T> {
    const { partitionBy = [], orderBy = [] } = window;
    return new Expression<T>({
      kind: "over",
      operand: this[nodeOf],
      partitionBy: [partitionBy].flat().map((each) => conditionNode(each, "over")),
      orderBy: [orderBy].flat().map((each) => {
        const term = orderTerm(each);
        if (term.operand.kind !== "label") return term;
        throw new ArgumentError(`Expected a column in over(), got the name "${term.operand.name}".`);
      }),
    });
  }
}

type Argument<T> = Expression<T> | T;

type TextArgument = string | Expression<string | null> | Expression<string>;

/** What the rows of a window are ordered by; names would mean nothing there. */
type WindowOrder = Expression | Ordering;

/** The functions whose results have a known type; any other name gives an expression of unknown type. */
export interface Functions {
  count(argument?: Expression | "*"): FunctionCall<number>;
  sum<T>(argument: Expression<T>): FunctionCall<T | null>;
  avg(argument: Expression): FunctionCall<number | null>;
  min<T>(argument: Expression<T>): FunctionCall<T | null>;
  max<T>(argument: Expression<T>): FunctionCall<T | null>;
  lower(text: TextArgument): FunctionCall<string>;
  upper(text: TextArgument): FunctionCall<string>;
  trim(text: TextArgument): FunctionCall<string>;
  substr(text: TextArgument, start: number | Expression, length?: number | Expression): FunctionCall<string>;
  replace(text: TextArgument, from: TextArgument, to: TextArgument): FunctionCall<string>;
  length(text: TextArgument): FunctionCall<number>;
  char_length(text: TextArgument): FunctionCall<number>;
  abs<T>(number: Expression<T> | T): FunctionCall<T>;
  round(number: Expression | number, digits?: number): FunctionCall<number>;
  coalesce<T>(...values: (Expression<T | null> | Expression<T> | T)[]): FunctionCall<T>;
  nullif<T>(value: Expression<T>, other: Expression | T): FunctionCall<T | null>;
  random(): FunctionCall<number>;
  now(): FunctionCall<Date>;
  row_number(): FunctionCall<number>;
  rank(): FunctionCall<number>;
  dense_rank(): FunctionCall<number>;
  lag<T>(value: Expression<T>, offset?: number): FunctionCall<T | null>;
  lead<T>(value: Expression<T>, offset?: number): FunctionCall<T | null>;
  // `any`: only the caller knows what the other functions of a database take and give.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  [name: string]: (...values: any[]) => FunctionCall<any>;
}

/** SQL functions by name: `func.count()`, `func.lower(User.c.username)`, `func["pg_catalog.upper"](…)`. */
export const func: Functions = new Proxy({} as Functions, {
  get(target, name) {
    if (typeof name === "symbol" || name === "then" || name === "toJSON") return Reflect.get(target, name) as unknown;
    return callOf(checkFunctionName(name));
  },
});

function callOf(name: string): (...values: unknown[]) => FunctionCall {
  return (...values) => {
    const [first] = values;
    if (name === "count" && (values.length === 0 || first === "*")) return call(name, [{ kind: "star" }], false);
    if (name === "count" && nodeOfExpression(first) === undefined) {
      const model = typeof first === "function" ? first.name : "User";
      throw new ArgumentError(`Expected a column in func.count(), got ${describe(first)}.`, {
        hint: `func.count(${model}.c.${typeof first === "string" ? first : "id"}), or func.count() for rows`,
      });
    }
    const distinct = values.length === 1 && values[0] instanceof DistinctArgument;
    return call(name, argumentsOf(name, values), distinct);
  };
}

function call(name: string, operands: readonly Node[], distinct: boolean): FunctionCall {
  return new FunctionCall({ kind: "function", name, operands, distinct, type: functionType(name, operands) });
}

function argumentsOf(name: string, values: readonly unknown[]): Node[] {
  const typed = sharesType(name)
    ? values.map(nodeOfExpression).find((node) => node && typeOf(node)?.attribute)
    : undefined;
  return values.map((value) =>
    typed === undefined ? freeOperand(value, `func.${name}`) : operandLike(typed, value, `func.${name}`),
  );
}

/** SQL as it stands, with named parameters: `text("lower(username) = :name", { name })`. */
export function text<T = unknown>(sql: string, parameters: NamedParameters = {}): Expression<T> {
  if (typeof sql !== "string") throw new ArgumentError(`Expected SQL in text(), got ${describe(sql)}.`);
  return new Expression<T>({ kind: "text", segments: bindNames(sql, parameters) });
}

/** A value as an expression; it is sent as a parameter. */
export function literal<T>(value: T): Expression<T> {
  return new Expression<T>(freeOperand(value, "literal"));
}

/** A value or expression as another type: `cast(User.c.id, "text")`. */
export function cast<R = unknown>(value: unknown, type: CastType): Expression<R> {
  return new Expression(freeOperand(value, "cast")).cast<R>(type);
}

/** A choice between values by conditions; without `otherwise` the last resort is NULL. */
export class Case<T = unknown> extends Expression<T> {
  /** The value where this condition is the first that holds. */
  when<V>(condition: Condition, value: Argument<V>): Case<T | V> {
    const node = this[nodeOf] as CaseNode;
    return new Case<T | V>({
      ...node,
      branches: [...node.branches, branchOf(condition, value, node.branches[0]?.value)],
    });
  }

  /** The value where no condition holds. */
  otherwise<V>(value: Argument<V>): Expression<Exclude<T, null> | V> {
    const node = this[nodeOf] as CaseNode;
    return new Expression({ ...node, otherwise: branchValue(value, node.branches[0]?.value) });
  }
}

/** Begins a choice: `when(User.c.id.gt(10), "new").otherwise("old")`. */
export function when<V>(condition: Condition, value: Argument<V>): Case<V | null> {
  return new Case<V | null>({ kind: "case", branches: [branchOf(condition, value, undefined)], otherwise: undefined });
}

function branchOf(condition: unknown, value: unknown, beside: Node | undefined): CaseNode["branches"][number] {
  return { condition: conditionNode(condition, "when"), value: branchValue(value, beside) };
}

function branchValue(value: unknown, beside: Node | undefined): Node {
  return beside === undefined ? freeOperand(value, "when") : operandLike(beside, value, "when");
}

/** What `orderBy` takes: an expression, an expression with a direction, or the name of an attribute or label. */
export type OrderArgument = Expression | Ordering | string;

/** Orders from small to large; a text is the name of an attribute or label. */
export function asc(expression: Expression | string): Ordering {
  return new Ordering({ ...orderTerm(expression), descending: false });
}

/** Orders from large to small. */
export function desc(expression: Expression | string): Ordering {
  return new Ordering({ ...orderTerm(expression), descending: true });
}

/** Rows with NULL come first. */
export function nullsFirst(expression: OrderArgument): Ordering {
  return new Ordering({ ...orderTerm(expression), nulls: "first" });
}

/** Rows with NULL come last. */
export function nullsLast(expression: OrderArgument): Ordering {
  return new Ordering({ ...orderTerm(expression), nulls: "last" });
}

/** One term of an ORDER BY; a text becomes the label of that name, to be looked up by the query. */
export function orderTerm(argument: OrderArgument): OrderTerm {
  if (argument instanceof Ordering) return argument.term;
  const node = typeof argument === "string" ? ({ kind: "label", name: argument } as const) : nodeOfExpression(argument);
  if (node !== undefined) return { operand: node, descending: false, nulls: undefined };
  throw new ArgumentError(`Expected a column, an expression or a name in orderBy(), got ${describe(argument)}.`, {
    hint: orderHint(argument),
  });
}

/** How to write what other libraries order by. */
function orderHint(given: unknown): string | undefined {
  if (Array.isArray(given)) {
    const [name, direction] = given as unknown[];
    const isDescending = typeof direction === "string" && /^desc/i.test(direction);
    return typeof name === "string"
      ? `orderBy(${isDescending ? `desc("${name}")` : `"${name}"`})`
      : "orderBy(...terms)";
  }
  if (given instanceof RelationshipExpression)
    return `order by a column: ${given.relationship.target.name}.c.…, joined before`;
  if (typeof given === "object" && given !== null) return 'text("…") for SQL of your own';
  return given === null || given === false ? "orderBy(null) alone forgets the order" : undefined;
}

export { Column, Expression, Labelled, Ordering, RelationshipExpression };
export type { Condition };
