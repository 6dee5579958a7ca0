import type {
  ArrayBindingPattern,
  ArrayLiteralExpression,
  AwaitExpression,
  CallExpression,
  ElementAccessExpression,
  Expression,
  ForOfStatement,
  NewExpression,
  Node,
  ObjectBindingPattern,
  ObjectLiteralExpression,
  PropertyAccessExpression,
  SourceFile,
  TaggedTemplateExpression,
} from "typescript";
import { ts } from "./typescript";

/** A property or element that is read, such as `user.role` or `rows[0]`. */
export type Access = PropertyAccessExpression | ElementAccessExpression;

/** What a walk over a statement's own code tells, outer nodes before the nodes inside them. */
export interface OwnCodeListener {
  /** A value that is shown, stored, iterated over or tested: a promise here is awaited, whatever made it. */
  outer(expression: Expression): void;
  /** A call inside a larger expression: the promise that it returns is awaited. */
  call(expression: CallExpression | TaggedTemplateExpression): void;
  /** A read of a property that is not the target of an assignment. */
  read(access: Access): void;
  /**
   * A chain with `?.` in it, given once by its last link.
   *
   * `links` are its links from the first on; the walk goes on into the arguments and tells no `call` and no `read` of the links.
   */
  chain(links: readonly ChainLink[], kept: boolean): void;
  /** A value that is taken apart by a pattern: its properties are read. */
  takeApart(pattern: Pattern, value: Expression): void;
  /** A loop over values each of which is taken apart. */
  takeEachApart(pattern: Pattern, values: Expression): void;
  /** An `await` that was typed. */
  await(expression: AwaitExpression): void;
  /** A `for await` loop. */
  forAwait(statement: ForOfStatement): void;
}

/** A pattern that declares names, or the same written as the target of an assignment. */
export type Pattern = ObjectBindingPattern | ArrayBindingPattern | ObjectLiteralExpression | ArrayLiteralExpression;

/** One link of a chain with `?.`: `.name`, `[index]` or `(arguments)`. */
export type ChainLink = Access | CallExpression;

/** What becomes of the promise that an expression may be. */
type Fate =
  /** Awaited where it stands. */
  | "value"
  /** Awaited by something around it. */
  | "awaited"
  /** Wanted as a promise. */
  | "kept";

const PROMISE_METHODS = new Set(["then", "catch", "finally"]);
/** Methods of assertion libraries that take a promise: awaiting it first would throw what they are to look at. */
const PROMISE_TAKING_METHODS = new Set(["rejects", "doesNotReject", "isPromise"]);

/**
 * The names whose promises are wanted as promises: declared with a `Promise` type, or used in the same text as promises are
 * (`p.then(…)`, `await p`, `Promise.all([p])`).
 */
export function promiseNames(file: SourceFile): Set<string> {
  const names = new Set<string>();
  const addIdentifier = (node: Node): void => {
    if (ts.isIdentifier(node)) names.add(node.text);
  };
  const visit = (node: Node): void => {
    if (ts.isVariableDeclaration(node) && node.type && isPromiseType(node.type)) addIdentifier(node.name);
    if (ts.isPropertyAccessExpression(node) && PROMISE_METHODS.has(node.name.text)) addIdentifier(node.expression);
    if (ts.isAwaitExpression(node)) addIdentifier(unwrap(node.expression));
    if (ts.isCallExpression(node) && takesPromises(node)) {
      for (const argument of node.arguments) {
        addIdentifier(argument);
        if (ts.isArrayLiteralExpression(argument)) argument.elements.forEach(addIdentifier);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return names;
}

function isPromiseType(type: Node): boolean {
  if (ts.isUnionTypeNode(type)) return type.types.some(isPromiseType);
  return ts.isTypeReferenceNode(type) && ts.isIdentifier(type.typeName) && /^Promise(Like)?$/.test(type.typeName.text);
}

function takesPromises(call: CallExpression): boolean {
  const callee = call.expression;
  if (!ts.isPropertyAccessExpression(callee)) return false;
  if (PROMISE_TAKING_METHODS.has(callee.name.text)) return true;
  return ts.isIdentifier(callee.expression) && callee.expression.text === "Promise";
}

/** An expression without the parentheses and type assertions around it. */
export function unwrap(expression: Expression): Expression {
  let inner = expression;
  while (
    ts.isParenthesizedExpression(inner) ||
    ts.isAsExpression(inner) ||
    ts.isSatisfiesExpression(inner) ||
    ts.isNonNullExpression(inner) ||
    ts.isTypeAssertionExpression(inner)
  ) {
    inner = inner.expression;
  }
  return inner;
}

/** Whether an expression can be a promise at all, judged by its form. */
function mayBePromise(expression: Expression): boolean {
  const inner = unwrap(expression);
  if (ts.isBinaryExpression(inner)) {
    const { kind } = inner.operatorToken;
    return isLogical(kind) || kind === ts.SyntaxKind.CommaToken;
  }
  return (
    ts.isIdentifier(inner) ||
    ts.isCallExpression(inner) ||
    ts.isNewExpression(inner) ||
    ts.isConditionalExpression(inner) ||
    ts.isPropertyAccessExpression(inner) ||
    ts.isElementAccessExpression(inner) ||
    ts.isTaggedTemplateExpression(inner) ||
    inner.kind === ts.SyntaxKind.ThisKeyword
  );
}

function isLogical(kind: import("typescript").SyntaxKind): boolean {
  return (
    kind === ts.SyntaxKind.AmpersandAmpersandToken ||
    kind === ts.SyntaxKind.BarBarToken ||
    kind === ts.SyntaxKind.QuestionQuestionToken
  );
}

function isAssignment(kind: import("typescript").SyntaxKind): boolean {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}

/** Where an operand of `delete`, `++` or an assignment stands: it is written, so it is not read first. */
function isWritten(kind: import("typescript").SyntaxKind): boolean {
  return kind === ts.SyntaxKind.PlusPlusToken || kind === ts.SyntaxKind.MinusMinusToken;
}

/**
 * Walks over a statement's own code: everything that runs when the statement runs, so not the bodies of functions and classes.
 *
 * It works on TypeScript and on JavaScript alike.
 *
 * @param promises  names whose promises are kept ({@link promiseNames})
 */
export class OwnCodeWalk {
  readonly #listener: OwnCodeListener;
  readonly #promises: ReadonlySet<string>;

  constructor(listener: OwnCodeListener, promises: ReadonlySet<string>) {
    this.#listener = listener;
    this.#promises = promises;
  }

  /** Walks over a statement or any other node that is not an expression, and over an expression as a value. */
  visit(node: Node): void {
    if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return;
    if (ts.isInterfaceDeclaration(node) || ts.isEnumDeclaration(node) || ts.isModuleDeclaration(node)) return;
    if (ts.isFunctionLike(node) || ts.isClassLike(node)) return this.#onlyAwaits(node);
    if (ts.isExpressionStatement(node)) return this.#outer(node.expression);
    if (ts.isVariableDeclaration(node)) return this.#declaration(node);
    if (ts.isForOfStatement(node)) return this.#forOf(node);
    if (ts.isForInStatement(node)) {
      if (ts.isVariableDeclarationList(node.initializer)) this.visit(node.initializer);
      this.#outer(node.expression);
      return this.visit(node.statement);
    }
    if (ts.isIfStatement(node)) {
      this.#outer(node.expression);
      this.visit(node.thenStatement);
      if (node.elseStatement) this.visit(node.elseStatement);
      return undefined;
    }
    if (ts.isWhileStatement(node)) {
      this.#outer(node.expression);
      return this.visit(node.statement);
    }
    if (ts.isDoStatement(node)) {
      this.visit(node.statement);
      return this.#outer(node.expression);
    }
    if (ts.isSwitchStatement(node)) {
      this.#outer(node.expression);
      return this.visit(node.caseBlock);
    }
    if (ts.isThrowStatement(node)) return this.#outer(node.expression);
    if (ts.isForStatement(node)) {
      if (node.initializer) this.visit(node.initializer);
      if (node.condition) this.#outer(node.condition);
      if (node.incrementor) this.visit(node.incrementor);
      return this.visit(node.statement);
    }
    if (ts.isExportAssignment(node)) return this.#outer(node.expression);
    if (ts.isExpression(node)) return this.#expression(node, "value");
    return this.#children(node);
  }

  #children(node: Node): void {
    ts.forEachChild(node, (child) => {
      this.visit(child);
    });
  }

  /** A function or class: only the awaits that run with the statement itself, those in `extends` and in computed names. */
  #onlyAwaits(node: Node): void {
    if (ts.isFunctionLike(node) && !ts.isClassElement(node) && !ts.isObjectLiteralElementLike(node)) return;
    const search = (inside: Node): void => {
      if (ts.isAwaitExpression(inside)) this.#expression(inside, "awaited");
      else if (!ts.isFunctionLike(inside)) ts.forEachChild(inside, search);
    };
    const { name } = node as { name?: Node };
    if (name && ts.isComputedPropertyName(name)) search(name);
    if (!ts.isClassLike(node)) return;
    node.heritageClauses?.forEach(search);
    for (const member of node.members) if (member.name && ts.isComputedPropertyName(member.name)) search(member.name);
  }

  #outer(expression: Expression): void {
    const inner = unwrap(expression);
    if (ts.isBinaryExpression(inner) && isAssignment(inner.operatorToken.kind))
      return this.#expression(expression, "awaited");
    if (!mayBePromise(expression)) return this.#expression(expression, "value");
    this.#listener.outer(expression);
    return this.#expression(expression, "awaited");
  }

  #declaration(node: import("typescript").VariableDeclaration): void {
    this.#pattern(node.name);
    if (!node.initializer) return;
    if (ts.isIdentifier(node.name) && this.#promises.has(node.name.text)) this.#expression(node.initializer, "kept");
    else {
      if (isPattern(node.name)) this.#listener.takeApart(node.name, node.initializer);
      this.#outer(node.initializer);
    }
  }

  /** The defaults and computed names inside a pattern. */
  #pattern(node: Node): void {
    if (ts.isIdentifier(node)) return;
    if (ts.isBindingElement(node)) {
      if (node.propertyName && ts.isComputedPropertyName(node.propertyName)) this.visit(node.propertyName.expression);
      this.#pattern(node.name);
      if (node.initializer) this.#outer(node.initializer);
    } else if (!ts.isOmittedExpression(node)) {
      ts.forEachChild(node, (child) => {
        this.#pattern(child);
      });
    }
  }

  #forOf(node: ForOfStatement): void {
    if (node.awaitModifier) this.#listener.forAwait(node);
    else if (ts.isVariableDeclarationList(node.initializer)) {
      const name = node.initializer.declarations[0]?.name;
      if (name && isPattern(name)) this.#listener.takeEachApart(name, node.expression);
      this.visit(node.initializer);
    } else {
      const target = unwrap(node.initializer);
      if (isPattern(target)) this.#listener.takeEachApart(target, node.expression);
      this.#target(node.initializer);
    }
    this.#outer(node.expression);
    this.visit(node.statement);
  }

  #expression(node: Expression, fate: Fate): void {
    if (ts.isAwaitExpression(node)) {
      this.#listener.await(node);
      return this.#expression(node.expression, "awaited");
    }
    if (ts.isVoidExpression(node)) return this.#expression(node.expression, "kept");
    if (ts.isDeleteExpression(node)) return this.#target(node.expression);
    if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
      return isWritten(node.operator) ? this.#target(node.operand) : this.#expression(node.operand, "value");
    }
    if (unwrapsTo(node)) return this.#expression(node.expression, fate);
    if (ts.isConditionalExpression(node)) {
      this.#expression(node.condition, "value");
      this.#expression(node.whenTrue, fate);
      return this.#expression(node.whenFalse, fate);
    }
    if (ts.isBinaryExpression(node)) return this.#binary(node, fate);
    if (ts.isOptionalChain(node) && !continuesChain(node)) return this.#chain(node, fate);
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) return this.#call(node, fate);
    if (ts.isTaggedTemplateExpression(node)) {
      if (fate === "value") this.#listener.call(node);
      this.#callee(node.tag);
      return this.#children(node.template);
    }
    if (ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node)) return this.#access(node);
    if (ts.isObjectLiteralExpression(node)) return this.#object(node);
    if (ts.isFunctionLike(node) || ts.isClassLike(node)) return this.#onlyAwaits(node);
    if (ts.isMetaProperty(node)) return undefined;
    return this.#children(node);
  }

  #binary(node: import("typescript").BinaryExpression, fate: Fate): void {
    const { kind } = node.operatorToken;
    if (isAssignment(kind)) {
      const target = unwrap(node.left);
      if (kind === ts.SyntaxKind.EqualsToken && isPattern(target)) this.#listener.takeApart(target, node.right);
      this.#target(node.left);
      if (ts.isIdentifier(node.left) && this.#promises.has(node.left.text)) return this.#expression(node.right, "kept");
      return this.#outer(node.right);
    }
    if (kind === ts.SyntaxKind.CommaToken) {
      this.#outer(node.left);
      return this.#expression(node.right, fate);
    }
    if (isLogical(kind)) {
      this.#expression(node.left, "value");
      return this.#expression(node.right, fate);
    }
    const asksForPromise =
      kind === ts.SyntaxKind.InstanceOfKeyword && ts.isIdentifier(node.right) && node.right.text === "Promise";
    this.#expression(node.left, asksForPromise ? "kept" : "value");
    return this.#expression(node.right, "value");
  }

  #call(node: CallExpression | NewExpression, fate: Fate): void {
    if (fate === "value" && ts.isCallExpression(node)) this.#listener.call(node);
    this.#callee(node.expression);
    this.#arguments(node);
  }

  #arguments(node: CallExpression | NewExpression): void {
    const kept = ts.isCallExpression(node) && (takesPromises(node) || isExpectation(node));
    for (const argument of node.arguments ?? []) {
      if (kept && ts.isArrayLiteralExpression(argument)) {
        for (const element of argument.elements) this.#expression(element, "kept");
      } else this.#expression(argument, kept ? "kept" : "value");
    }
  }

  #callee(node: Expression): void {
    if (node.kind === ts.SyntaxKind.ImportKeyword || node.kind === ts.SyntaxKind.SuperKeyword) return;
    if (ts.isParenthesizedExpression(node) && ts.isOptionalChain(unwrap(node)))
      return this.#links(unwrap(node) as ChainLink);
    this.#expression(node, "value");
  }

  #access(node: Access): void {
    const asksForPromise = ts.isPropertyAccessExpression(node) && PROMISE_METHODS.has(node.name.text);
    if (!asksForPromise && node.expression.kind !== ts.SyntaxKind.SuperKeyword) this.#listener.read(node);
    this.#expression(node.expression, asksForPromise ? "kept" : "value");
    if (ts.isElementAccessExpression(node)) this.#expression(node.argumentExpression, "value");
  }

  #object(node: import("typescript").ObjectLiteralExpression): void {
    for (const property of node.properties) {
      if (property.name && ts.isComputedPropertyName(property.name)) this.visit(property.name.expression);
      if (ts.isPropertyAssignment(property)) this.#expression(property.initializer, "value");
      else if (ts.isSpreadAssignment(property)) this.#expression(property.expression, "value");
    }
  }

  /** Something that is written: what it hangs on is read, it itself is not. */
  #target(node: Expression): void {
    const inner = unwrap(node);
    if (ts.isOptionalChain(inner)) return this.#links(inner);
    if (ts.isPropertyAccessExpression(inner)) return this.#expression(inner.expression, "value");
    if (ts.isElementAccessExpression(inner)) {
      this.#expression(inner.expression, "value");
      return this.#expression(inner.argumentExpression, "value");
    }
    if (ts.isObjectLiteralExpression(inner) || ts.isArrayLiteralExpression(inner)) return this.#writtenPattern(inner);
    if (!ts.isIdentifier(inner)) this.#expression(inner, "value");
    return undefined;
  }

  /** The pattern at the left of `[a, b.c] = …`: its targets are written, its defaults run. */
  #writtenPattern(node: Node): void {
    ts.forEachChild(node, (part) => {
      const value = ts.isPropertyAssignment(part)
        ? part.initializer
        : ts.isSpreadElement(part) || ts.isSpreadAssignment(part)
          ? part.expression
          : part;
      if (ts.isShorthandPropertyAssignment(value)) {
        if (value.objectAssignmentInitializer) this.#expression(value.objectAssignmentInitializer, "value");
      } else if (ts.isBinaryExpression(value) && value.operatorToken.kind === ts.SyntaxKind.EqualsToken) {
        this.#target(value.left);
        this.#expression(value.right, "value");
      } else if (ts.isExpression(value) && !ts.isOmittedExpression(value)) this.#target(value);
    });
  }

  #chain(node: import("typescript").OptionalChain, fate: Fate): void {
    const links = chainLinks(node);
    const last = links.at(-1);
    const asksForPromise = links.some(
      (link) => ts.isPropertyAccessExpression(link) && PROMISE_METHODS.has(link.name.text),
    );
    if (asksForPromise) return this.#links(node);
    this.#listener.chain(links, fate !== "value" && last !== undefined);
    return this.#links(node);
  }

  /** The first expression and the arguments of a chain, without its links. */
  #links(node: ChainLink | import("typescript").OptionalChain): void {
    const links = chainLinks(node);
    const first = links[0];
    if (first) this.#expression(first.expression, "value");
    for (const link of links) {
      if (ts.isCallExpression(link)) this.#arguments(link);
      else if (ts.isElementAccessExpression(link)) this.#expression(link.argumentExpression, "value");
    }
  }
}

function unwrapsTo(node: Expression): node is Expression & { readonly expression: Expression } {
  return (
    ts.isParenthesizedExpression(node) ||
    ts.isAsExpression(node) ||
    ts.isSatisfiesExpression(node) ||
    ts.isTypeAssertionExpression(node) ||
    (ts.isNonNullExpression(node) && !ts.isOptionalChain(node))
  );
}

function isPattern(node: Node): node is Pattern {
  return (
    ts.isObjectBindingPattern(node) ||
    ts.isArrayBindingPattern(node) ||
    ts.isObjectLiteralExpression(node) ||
    ts.isArrayLiteralExpression(node)
  );
}

/** Whether a chain goes on around this part of it. */
function continuesChain(node: Node): boolean {
  return ts.isOptionalChain(node.parent) && node.parent.expression === node;
}

/** The links of a chain, first to last. */
function chainLinks(node: Node): ChainLink[] {
  const links: ChainLink[] = [];
  let current: Node = node;
  while (ts.isOptionalChain(current)) {
    if (!ts.isNonNullExpression(current)) links.unshift(current);
    current = current.expression;
  }
  return links;
}

/** Whether a call is `expect(promise)` followed by `.rejects` or `.resolves`. */
function isExpectation(node: CallExpression): boolean {
  const { parent } = node;
  return ts.isPropertyAccessExpression(parent) && (parent.name.text === "rejects" || parent.name.text === "resolves");
}
