import type { Model } from "sequelize";
import type { Bindable } from "../driver/dialect";
import type { Attribute, AttributeKind } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import type { Entity } from "./entity";
import type { Derived, SelectState } from "./select-state";

/** What kind of value an expression has: how its results are read, and how values compared with it are sent. */
export interface ValueType {
  readonly kind: AttributeKind;
  /** The attribute whose values these are: `max(users.id)` has the type of `users.id`. */
  readonly attribute?: Attribute | undefined;
  /** Digits behind the point that a cast to a decimal asks for. */
  readonly scale?: number | undefined;
}

/** A column of an entity. */
export interface ColumnNode {
  readonly kind: "column";
  readonly entity: Entity;
  readonly attribute: Attribute;
}

/** A column of a derived table: the selection at `index`, or one attribute of the entity selected there. */
export interface DerivedColumnNode {
  readonly kind: "derivedColumn";
  readonly derived: Derived;
  readonly index: number;
  readonly attribute: Attribute | undefined;
  readonly type: ValueType | undefined;
}

/** A value that was converted by the attribute it is compared with or assigned to. */
export interface ParameterNode {
  readonly kind: "parameter";
  readonly value: Bindable;
  readonly attribute: Attribute;
  /** The other side is the bare column, which makes the database read the value by the column's type. */
  readonly besideColumn: boolean;
}

/** A value of no column: it is sent by its JavaScript type. */
export interface ValueNode {
  readonly kind: "value";
  readonly value: unknown;
  /** The database cannot tell the value's type from what stands around it, so it must be written beside it. */
  readonly typed: boolean;
  /** The type to write, where the value's own does not show it: a decimal that is given as text. */
  readonly as?: "bigint" | "decimal";
}

/** The value of an object's attribute at the time of sending: a key that a flush may yet give it. */
export interface ObjectValueNode {
  readonly kind: "objectValue";
  readonly instance: Model;
  readonly mapper: Mapper;
  readonly attribute: Attribute;
  /** The column it is compared with. */
  readonly target: Attribute;
}

/** SQL text with parameters in it. */
export interface TextNode {
  readonly kind: "text";
  readonly segments: readonly (string | Node)[];
  /** It is a name, and needs no brackets. */
  readonly isName?: boolean;
}

/** Two operands and an operator between them. */
export interface BinaryNode {
  readonly kind: "binary";
  readonly operator: string;
  readonly left: Node;
  readonly right: Node;
  readonly type: ValueType | undefined;
}

/** Conditions joined by AND or OR. */
export interface JunctionNode {
  readonly kind: "and" | "or";
  readonly operands: readonly Node[];
}

export interface NotNode {
  readonly kind: "not";
  readonly operand: Node;
}

/** `x IS NULL`, `x IS TRUE`, `x IS FALSE`. */
export interface IsNode {
  readonly kind: "is";
  readonly operand: Node;
  readonly value: null | boolean;
  readonly negated: boolean;
}

/** `a IS DISTINCT FROM b`: NULL-safe inequality; negated, equality. */
export interface DistinctFromNode {
  readonly kind: "distinctFrom";
  readonly left: Node;
  readonly right: Node;
  readonly negated: boolean;
}

export interface InNode {
  readonly kind: "in";
  readonly operand: Node;
  readonly options: readonly Node[] | SelectNode;
  readonly negated: boolean;
}

export interface BetweenNode {
  readonly kind: "between";
  readonly operand: Node;
  readonly low: Node;
  readonly high: Node;
  readonly negated: boolean;
}

export interface LikeNode {
  readonly kind: "like";
  readonly operand: Node;
  readonly pattern: Node;
  readonly escape: string | undefined;
  readonly ignoreCase: boolean;
  readonly negated: boolean;
}

export interface ConcatNode {
  readonly kind: "concat";
  readonly operands: readonly Node[];
}

export interface FunctionNode {
  readonly kind: "function";
  readonly name: string;
  readonly operands: readonly Node[];
  readonly distinct: boolean;
  readonly type: ValueType | undefined;
}

/** A function or aggregate over a window. */
export interface OverNode {
  readonly kind: "over";
  readonly operand: Node;
  readonly partitionBy: readonly Node[];
  readonly orderBy: readonly OrderTerm[];
}

export interface CastNode {
  readonly kind: "cast";
  readonly operand: Node;
  readonly target: CastTarget;
}

/** The type that a CAST asks for: one word of ours, or a type of the database written by the caller. */
export interface CastTarget {
  readonly kind: AttributeKind | undefined;
  readonly text: string;
  /** `(10, 2)`, where given. */
  readonly size: string;
}

export interface CaseNode {
  readonly kind: "case";
  readonly branches: readonly { readonly condition: Node; readonly value: Node }[];
  readonly otherwise: Node | undefined;
}

/** A query in brackets: the operand of IN, EXISTS or a comparison. */
export interface SelectNode {
  readonly kind: "select";
  readonly state: SelectState;
  readonly use: "scalar" | "in";
}

export interface ExistsNode {
  readonly kind: "exists";
  readonly state: SelectState;
  readonly negated: boolean;
}

/** A column of the statement around this one, also where this one has the same entity in its own FROM. */
export interface OuterNode {
  readonly kind: "outer";
  readonly operand: ColumnNode;
}

/** The name of a selected expression, in ORDER BY and GROUP BY. */
export interface LabelNode {
  readonly kind: "label";
  readonly name: string;
}

/** A condition that only Sequelize can write: it is asked for the text when the statement is compiled. */
export interface SequelizeNode {
  readonly kind: "sequelize";
  readonly entity: Entity;
  readonly where: unknown;
}

/** A bare question mark in SQL text: an operator, where it does not mark a parameter. */
export interface QuestionMarkNode {
  readonly kind: "questionMark";
}

/** `*`: the argument of count(*). */
export interface StarNode {
  readonly kind: "star";
}

/** `1 = 1` or `1 = 0`: a condition that does not depend on the row. */
export interface ConstantNode {
  readonly kind: "constant";
  readonly value: boolean;
}

/** An expression as plain data; the compiler turns it into SQL, the evaluator into a JavaScript predicate. */
export type Node =
  | ColumnNode
  | DerivedColumnNode
  | ParameterNode
  | ValueNode
  | ObjectValueNode
  | TextNode
  | BinaryNode
  | JunctionNode
  | NotNode
  | IsNode
  | DistinctFromNode
  | InNode
  | BetweenNode
  | LikeNode
  | ConcatNode
  | FunctionNode
  | OverNode
  | CastNode
  | CaseNode
  | SelectNode
  | ExistsNode
  | OuterNode
  | LabelNode
  | SequelizeNode
  | StarNode
  | QuestionMarkNode
  | ConstantNode;

/** One term of an ORDER BY. */
export interface OrderTerm {
  readonly operand: Node;
  readonly descending: boolean;
  readonly nulls: "first" | "last" | undefined;
}

const BOOLEAN: ValueType = { kind: "boolean" };
const TEXT: ValueType = { kind: "text" };

/** The type of an expression's value, where it is known. */
export function typeOf(node: Node): ValueType | undefined {
  switch (node.kind) {
    case "column":
      return { kind: node.attribute.kind, attribute: node.attribute };
    case "parameter":
      return { kind: node.attribute.kind, attribute: node.attribute };
    case "derivedColumn":
    case "binary":
    case "function":
      return node.type;
    case "over":
    case "outer":
      return typeOf(node.operand);
    case "cast":
      return node.target.kind === undefined ? undefined : { kind: node.target.kind, scale: scaleOf(node.target) };
    case "concat":
      return TEXT;
    case "and":
    case "or":
    case "not":
    case "is":
    case "distinctFrom":
    case "in":
    case "between":
    case "like":
    case "exists":
    case "constant":
    case "sequelize":
      return BOOLEAN;
    case "value":
      return typeOfValue(node.value);
    case "case": {
      for (const value of [...node.branches.map((branch) => branch.value), node.otherwise]) {
        const type = value && typeOf(value);
        if (type !== undefined) return type;
      }
      return undefined;
    }
    case "select":
      return node.state.selection.length === 1 && node.state.selection[0]?.kind === "value"
        ? typeOf(node.state.selection[0].node)
        : undefined;
    default:
      return undefined;
  }
}

/** `(10, 2)` has two digits behind the point, `(10)` none; without a size it is left to the value. */
function scaleOf({ kind, size }: CastTarget): number | undefined {
  if (kind !== "decimal" || size === "") return undefined;
  return Number(/,\s*(\d+)/.exec(size)?.[1] ?? 0);
}

function typeOfValue(value: unknown): ValueType | undefined {
  switch (typeof value) {
    case "number":
      return { kind: Number.isSafeInteger(value) ? "integer" : "number" };
    case "bigint":
      return { kind: "bigint" };
    case "boolean":
      return BOOLEAN;
    case "string":
      return TEXT;
    default:
      return value instanceof Date ? { kind: "date" } : Buffer.isBuffer(value) ? { kind: "blob" } : undefined;
  }
}

/** The nodes that a node is made of; those of a query in it are its own. */
export function partsOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case "binary":
    case "distinctFrom":
      return [node.left, node.right];
    case "and":
    case "or":
    case "concat":
    case "function":
      return node.operands;
    case "not":
    case "is":
    case "cast":
    case "outer":
      return [node.operand];
    case "in":
      return Array.isArray(node.options) ? [node.operand, ...(node.options as Node[])] : [node.operand];
    case "between":
      return [node.operand, node.low, node.high];
    case "like":
      return [node.operand, node.pattern];
    case "over":
      return [node.operand, ...node.partitionBy, ...node.orderBy.map((term) => term.operand)];
    case "case":
      return [
        ...node.branches.flatMap((branch) => [branch.condition, branch.value]),
        ...(node.otherwise === undefined ? [] : [node.otherwise]),
      ];
    case "text":
      return node.segments.filter((segment) => typeof segment !== "string");
    default:
      return [];
  }
}

/** The tables whose columns stand in a node, in order, each once. */
export function sourcesOf(node: Node, found = new Set<Entity | Derived>()): Set<Entity | Derived> {
  if (node.kind === "column" || node.kind === "sequelize") found.add(node.entity);
  else if (node.kind === "derivedColumn") found.add(node.derived);
  else for (const part of partsOf(node)) sourcesOf(part, found);
  return found;
}
