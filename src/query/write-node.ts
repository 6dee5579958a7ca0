import type { Bindable, Dialect, ValueKind } from "../driver/dialect";
import { InvalidRequestError, StatementError } from "../errors";
import type { Attribute, AttributeKind } from "../mapper/attribute";
import type { InstanceFields } from "../mapper/row-class";
import type {
  CaseNode,
  CastNode,
  ColumnNode,
  FunctionNode,
  InNode,
  LikeNode,
  Node,
  ObjectValueNode,
  OrderTerm,
  OverNode,
} from "./node";
import { typeOf } from "./node";
import { BINDING, bindingOf, bindingOfOperator } from "./operators";
import { Entity } from "./entity";
import type { Shows } from "./query-executor";
import type { Scope, SelectionKeys, SourceName } from "./scope";
import { derivedColumn } from "./scope";
import type { SelectState, Source } from "./select-state";
import { EMPTY } from "./select-state";
import { SqlWriter } from "./sql-writer";
import type { SqlParts } from "./sql-text";
import { sequelizeCondition } from "./sequelize-condition";

/** Writes expressions as SQL into a row of texts and parameters. */
export abstract class NodeWriter extends SqlWriter {
  /** Objects must have the keys that are asked of them; otherwise a missing one counts as NULL. */
  readonly strict: boolean;
  scope!: Scope;
  /** The statement around: its relationships count the hidden rows that it counts itself. */
  shows: Shows & Partial<Pick<SelectState, "ofParts">> = EMPTY;
  /** What is being written is part of a SELECT with an OFFSET. */
  protected hasOffset = false;
  /** Puts a table that an expression names, and FROM does not, into FROM. */
  implicit: (source: Source) => void = () => undefined;

  constructor(dialect: Dialect, strict: boolean) {
    super(dialect);
    this.strict = strict;
  }

  /** Writes a SELECT; given the scope that it sees. */
  abstract select(state: SelectState, parent: Scope | undefined, use: "operand" | "exists"): SelectionKeys;

  /** Conditions joined by AND; nothing for none. Each is asked for when those before it are written. */
  writeCondition(conditions: Iterable<Node>): void {
    const written: SqlParts[] = [];
    let isBracketed = false;
    for (const node of conditions) {
      isBracketed = bindingOf(node) < BINDING.and;
      written.push(this.capture(() => this.node(node, BINDING.and)));
    }
    const [only] = written;
    // Alone it needs no brackets.
    if (only !== undefined && written.length === 1) this.append(isBracketed ? only.slice(1, -1) : only);
    else written.forEach((parts, i) => this.write(i > 0 ? " AND " : "").append(parts));
  }

  writeList(nodes: readonly Node[]): void {
    nodes.forEach((node, i) => {
      if (i > 0) this.write(", ");
      this.node(node);
    });
  }

  /** Writes a node, in brackets where it holds together less strongly than what stands around it. */
  node(node: Node, around: number = BINDING.text): this {
    const isCall = node.kind === "concat" && this.dialect.concatenation[0] !== "";
    const binding = isCall ? BINDING.atom : bindingOf(node);
    // Equal strength needs brackets too, except where grouping does not matter.
    const bracketed = binding < around || (binding === around && around !== BINDING.text && !isAssociative(node));
    if (bracketed) this.write("(");
    this.#bare(node);
    if (bracketed) this.write(")");
    return this;
  }

  #bare(node: Node): void {
    switch (node.kind) {
      case "column":
        this.#column(node);
        return;
      case "derivedColumn": {
        const source = this.source(node.derived);
        const name = derivedColumn(node.derived, source.keys ?? [], node.index, node.attribute);
        this.write(source.prefix + this.dialect.identifier(name));
        return;
      }
      case "parameter":
        this.attributeValue(node);
        return;
      case "value":
        this.freeValue(node);
        return;
      case "objectValue":
        this.parameter(this.#objectValue(node));
        return;
      case "text":
        for (const segment of node.segments)
          if (typeof segment === "string") this.write(segment);
          else this.node(segment);
        return;
      case "binary":
        this.#binary(node);
        return;
      case "and":
      case "or": {
        const binding = node.kind === "and" ? BINDING.and : BINDING.or;
        node.operands.forEach((operand, i) => {
          if (i > 0) this.write(node.kind === "and" ? " AND " : " OR ");
          this.node(operand, binding);
        });
        return;
      }
      case "not":
        this.write("NOT ").node(node.operand, BINDING.other);
        return;
      case "is": {
        const value = node.value === null ? "NULL" : node.value ? "TRUE" : "FALSE";
        this.node(node.operand, BINDING.other).write(node.negated ? ` IS NOT ${value}` : ` IS ${value}`);
        return;
      }
      case "distinctFrom": {
        const { supportsIsDistinctFrom, nullSafeEquality } = this.dialect;
        const equal = node.negated;
        const needsNot = !equal && !supportsIsDistinctFrom;
        if (needsNot) this.write("NOT (");
        this.node(node.left, BINDING.other);
        this.write(supportsIsDistinctFrom ? ` IS ${equal ? "NOT " : ""}DISTINCT FROM ` : ` ${nullSafeEquality} `);
        this.node(node.right, BINDING.other);
        if (needsNot) this.write(")");
        return;
      }
      case "in":
        this.#in(node);
        return;
      case "between":
        this.node(node.operand, BINDING.other).write(node.negated ? " NOT BETWEEN " : " BETWEEN ");
        this.node(node.low, BINDING.other).write(" AND ").node(node.high, BINDING.other);
        return;
      case "like":
        this.#like(node);
        return;
      case "concat": {
        const [before, between, after] = this.dialect.concatenation;
        this.write(before);
        node.operands.forEach((operand, i) => {
          if (i > 0) this.write(between);
          this.node(operand, BINDING.product + 1);
        });
        this.write(after);
        return;
      }
      case "function":
        this.#function(node);
        return;
      case "over":
        this.#over(node);
        return;
      case "cast":
        this.#cast(node);
        return;
      case "case":
        this.#case(node);
        return;
      case "select":
        this.write("(");
        this.select(node.state, this.scope, "operand");
        this.write(")");
        return;
      case "exists": {
        const { state } = node;
        const { withDeleted, unscoped } = this.shows;
        this.write(
          node.negated ? "NOT EXISTS (" : this.hasOffset ? `${this.dialect.existsBesideOffset} (` : "EXISTS (",
        );
        this.select(state.ofRelationship ? { ...state, withDeleted, unscoped } : state, this.scope, "exists");
        this.write(")");
        return;
      }
      case "outer": {
        const inner = this.scope;
        if (inner.parent !== undefined) this.scope = inner.parent;
        this.#column(node.operand);
        this.scope = inner;
        return;
      }
      case "label":
        this.write(this.dialect.identifier(node.name));
        return;
      case "sequelize":
        this.write(sequelizeCondition(node, this.source(node.entity).name));
        return;
      case "star":
        this.write("*");
        return;
      case "questionMark":
        this.#questionMark();
        return;
      case "constant":
        this.write(node.value ? "1 = 1" : "1 = 0");
    }
  }

  /** The name under which a table stands here; a table that does not is put into FROM. */
  source(source: Source): SourceName {
    const found = this.scope.find(source);
    if (found !== undefined) return found;
    this.implicit(source);
    const added = this.scope.find(source);
    if (added !== undefined) return added;
    const name = source instanceof Entity ? source.mapper.name : (source.alias ?? "A subquery");
    throw new InvalidRequestError(`${name} is not part of the statement.`, {
      hint: "a bulk change speaks of one model: conditions on others are any() and has() of its relationships, or in(query)",
    });
  }

  /** The name that a bare column has in its table, derived or not; undefined for any other node. */
  columnName(node: Node): string | undefined {
    if (node.kind === "derivedColumn")
      return derivedColumn(node.derived, this.source(node.derived).keys ?? [], node.index, node.attribute);
    if (node.kind !== "column") return undefined;
    const source = this.source(node.entity);
    return source.columns === undefined ? node.attribute.column : this.derivedName(source, node.attribute);
  }

  derivedName(source: SourceName, attribute: Attribute): string {
    const name = source.columns?.get(attribute);
    if (name !== undefined) return name;
    throw new InvalidRequestError(`${attribute.label} is not among the columns of the subquery.`, {
      hint: "select it inside the subquery",
    });
  }

  #column(node: ColumnNode): void {
    const { entity, attribute } = node;
    const source = this.source(entity);
    const name =
      source.columns === undefined ? attribute.columnSql : this.dialect.identifier(this.derivedName(source, attribute));
    this.write(source.prefix + name);
  }

  #questionMark(): void {
    if (this.dialect.placeholder(1) === "?") {
      throw new StatementError("Cannot use ? in SQL text: it marks a parameter in this database.", {
        hint: 'name the parameters: text("id = :id", { id: 1 })',
      });
    }
    this.write("?");
  }

  #objectValue(node: ObjectValueNode): Bindable {
    const { instance, attribute, target } = node;
    const value = (instance as unknown as InstanceFields).dataValues[attribute.name];
    if (value !== undefined && value !== null) return target.toDatabase(value);
    if (!this.strict) return null;
    throw new StatementError(
      `Can't resolve value for column ${node.mapper.tableName}.${attribute.column} on object ${node.mapper.name}; ` +
        "no value has been set for this column.",
      { hint: "add the object to the session first: db.session.add(object)" },
    );
  }

  #binary(node: Extract<Node, { kind: "binary" }>): void {
    const { operator, left, right } = node;
    if (operator === "/") {
      const [before, between, after] = this.dialect.division;
      this.write(before).node(left, BINDING.product).write(between).node(right, BINDING.sum).write(after);
      return;
    }
    if (this.dialect.hashIsComment && operator.includes("#"))
      throw new StatementError(`Cannot use the operator ${operator}: # begins a comment in this database.`);
    if (operator.includes("?") && this.dialect.placeholder(1) === "?") this.#questionMark();
    const isJson = (operator === "=" || operator === "!=") && isJsonValue(left);
    const binding = bindingOfOperator(operator);
    const side = (operand: Node, around: number): void => {
      const [before, after] = isJson ? this.dialect.jsonForm : NOTHING;
      this.write(before)
        .node(operand, isJson ? BINDING.text : around)
        .write(after);
    };
    const isAtomic = binding === BINDING.other;
    side(left, isAtomic ? BINDING.atom : binding === BINDING.comparison ? BINDING.other : binding);
    this.write(` ${operator} `);
    side(right, isAtomic ? BINDING.atom : binding === BINDING.comparison ? BINDING.other : binding + 1);
  }

  #in(node: InNode): void {
    this.node(node.operand, BINDING.other).write(node.negated ? " NOT IN (" : " IN (");
    if (Array.isArray(node.options)) this.#listOf(node.options as readonly Node[]);
    else {
      const { state } = node.options as Extract<Node, { kind: "select" }>;
      const isWrapped = !this.dialect.limitsInSubqueries && (state.limit !== undefined || state.offset !== undefined);
      if (isWrapped) this.write("SELECT * FROM (");
      this.select(state, this.scope, "operand");
      if (isWrapped) this.write(") AS bounded");
    }
    this.write(")");
  }

  #listOf(options: readonly Node[]): void {
    if (options.length <= this.dialect.maxListParameters) {
      this.writeList(options);
      return;
    }
    const texts: string[] = [];
    for (const option of options) {
      if (option.kind === "parameter" && option.besideColumn) texts.push(this.dialect.literal(option.value));
      else {
        this.writeList(options);
        return;
      }
    }
    this.write(texts.join(", "));
  }

  #like(node: LikeNode): void {
    const isLowered = node.ignoreCase && !this.dialect.supportsIlike;
    const kind = typeOf(node.operand)?.kind;
    const form = kind === undefined || kind === "text" ? "" : this.dialect.textForm;
    if (isLowered) this.write("lower(");
    this.node(node.operand, form === "" && isLowered ? BINDING.text : form === "" ? BINDING.other : BINDING.atom).write(
      form,
    );
    if (isLowered) this.write(")");
    this.write((node.negated ? " NOT" : "") + (node.ignoreCase && !isLowered ? " ILIKE " : " LIKE "));
    if (isLowered) this.write("lower(");
    this.node(node.pattern, isLowered ? BINDING.text : BINDING.other);
    if (isLowered) this.write(")");
    if (node.escape !== undefined) this.write(` ESCAPE ${this.dialect.literal(node.escape)}`);
  }

  #function(node: FunctionNode): void {
    const name = this.dialect.functionName(node.name);
    const isWord = name !== node.name && name === name.toUpperCase();
    this.write(name);
    if (isWord && node.operands.length === 0) return;
    this.write(node.distinct ? "(DISTINCT " : "(");
    const asText = this.dialect.takesAnyType(node.name);
    node.operands.forEach((operand, i) => {
      if (i > 0) this.write(", ");
      if (operand.kind === "value") this.freeValue(operand, asText);
      else this.node(operand);
    });
    this.write(")");
  }

  #over(node: OverNode): void {
    this.node(node.operand, BINDING.atom).write(" OVER (");
    if (node.partitionBy.length > 0) {
      this.write("PARTITION BY ");
      this.writeList(node.partitionBy);
    }
    if (node.orderBy.length > 0) {
      this.write(node.partitionBy.length > 0 ? " ORDER BY " : "ORDER BY ");
      this.writeOrder(node.orderBy, (operand) => this.node(operand));
    }
    this.write(")");
  }

  /** The terms of an ORDER BY; where the database has no NULLS FIRST, another term stands before the term. */
  writeOrder(terms: readonly OrderTerm[], writeOperand: (operand: Node) => void): void {
    terms.forEach(({ operand, descending, nulls }, i) => {
      if (i > 0) this.write(", ");
      const parts = this.capture(() => writeOperand(operand));
      if (nulls !== undefined && !this.dialect.supportsNullsOrdering)
        this.append(parts).write(nulls === "first" ? " IS NULL DESC, " : " IS NULL, ");
      this.append(parts);
      if (descending) this.write(" DESC");
      if (nulls !== undefined && this.dialect.supportsNullsOrdering)
        this.write(nulls === "first" ? " NULLS FIRST" : " NULLS LAST");
    });
  }

  #cast({ operand, target }: CastNode): void {
    const [before, after] =
      target.kind === undefined || !isValueKind(target.kind)
        ? ["CAST(", ` AS ${target.text})`]
        : this.dialect.cast(target.kind, target.size);
    const untyped: Node = operand.kind === "value" ? { ...operand, typed: false } : operand;
    this.write(before).node(untyped).write(after);
  }

  #case(node: CaseNode): void {
    this.write("CASE");
    for (const { condition, value } of node.branches) this.write(" WHEN ").node(condition).write(" THEN ").node(value);
    if (node.otherwise !== undefined) this.write(" ELSE ").node(node.otherwise);
    this.write(" END");
  }
}

const NOTHING = ["", ""] as const;

function isAssociative(node: Node): boolean {
  switch (node.kind) {
    case "and":
    case "or":
      return true;
    case "binary":
      return node.operator !== "=" && bindingOfOperator(node.operator) >= BINDING.sum;
    default:
      return bindingOf(node) === BINDING.atom;
  }
}

function isJsonValue(node: Node): boolean {
  return typeOf(node)?.kind === "json";
}

const VALUE_KINDS = new Set<AttributeKind>([
  "integer",
  "bigint",
  "number",
  "decimal",
  "boolean",
  "text",
  "date",
  "dateonly",
  "time",
  "json",
  "blob",
  "uuid",
]);

function isValueKind(kind: AttributeKind): kind is ValueKind {
  return VALUE_KINDS.has(kind);
}
