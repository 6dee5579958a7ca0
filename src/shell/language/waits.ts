import type { Expression, Node, SourceFile, Type, TypeChecker } from "typescript";
import { type Access, type ChainLink, type OwnCodeListener, OwnCodeWalk, promiseNames, unwrap } from "../own-code";
import { ts } from "../typescript";

/**
 * The places of an input where the shell waits for a promise if there is one, each with what the types say: whether there is one.
 *
 * At run time this is seen by looking at the value; for the types it is guessed first and then set right by {@link correctWaits}.
 */
export type Waits = Map<Expression, boolean>;

/** The places where an input may wait, with a first guess. Outer places come before the places inside them. */
export function guessWaits(file: SourceFile): Waits {
  const collector = new WaitCollector();
  const walk = new OwnCodeWalk(collector, promiseNames(file));
  for (const statement of file.statements) if (!ts.isImportDeclaration(statement)) walk.visit(statement);
  return collector.waits;
}

class WaitCollector implements OwnCodeListener {
  readonly waits: Waits = new Map();

  outer(expression: Expression): void {
    this.#add(unwrap(expression));
  }

  call(expression: Expression): void {
    this.#add(expression);
  }

  read({ expression }: Access): void {
    if (!ts.isCallExpression(unwrap(expression))) this.#add(unwrap(expression));
  }

  chain(links: readonly ChainLink[], kept: boolean): void {
    for (const [index, link] of links.toReversed().entries()) {
      if (ts.isCallExpression(link) && !(kept && index === 0)) this.#add(link);
    }
  }

  takeApart(): void {
    // The value of a pattern is told as `outer` too.
  }

  takeEachApart(): void {
    // The values of the loop are told as `outer` too.
  }

  await(): void {
    // What was typed stays as it is.
  }

  forAwait(): void {
    // So does the loop.
  }

  #add(expression: Expression): void {
    if (!this.waits.has(expression)) this.waits.set(expression, mayBeAwaited(expression) && !isTested(expression));
  }
}

/** Whether waiting costs nothing where there is no promise: for a name it would take narrowed types away. */
function mayBeAwaited(expression: Expression): boolean {
  return (
    ts.isCallExpression(expression) ||
    ts.isTaggedTemplateExpression(expression) ||
    ts.isConditionalExpression(expression) ||
    ts.isBinaryExpression(expression)
  );
}

/** Whether an expression is a condition: there a call may be a type guard, which says nothing any more once it is awaited. */
function isTested(expression: Expression): boolean {
  let node: Expression = expression;
  for (;;) {
    const { parent } = node;
    if (ts.isParenthesizedExpression(parent)) {
      node = parent;
      continue;
    }
    if (ts.isPrefixUnaryExpression(parent)) return parent.operator === ts.SyntaxKind.ExclamationToken;
    if (ts.isBinaryExpression(parent)) return isLogical(parent.operatorToken.kind);
    if (ts.isForStatement(parent) || ts.isConditionalExpression(parent)) return parent.condition === node;
    return (
      ts.isIfStatement(parent) ||
      ts.isWhileStatement(parent) ||
      ts.isDoStatement(parent) ||
      ts.isSwitchStatement(parent)
    );
  }
}

function isLogical(kind: import("typescript").SyntaxKind): boolean {
  return (
    kind === ts.SyntaxKind.AmpersandAmpersandToken ||
    kind === ts.SyntaxKind.BarBarToken ||
    kind === ts.SyntaxKind.QuestionQuestionToken
  );
}

/**
 * Sets guesses right by the types of a checked text: a promise is waited for, a type guard is not.
 *
 * @param checked  the expression of the checked text that an expression of the input became
 * @returns whether anything changed, so that the text has to be written and checked anew
 */
export function correctWaits(
  waits: Waits,
  checker: TypeChecker,
  checked: (expression: Expression) => Node | undefined,
): boolean {
  let changed = false;
  for (const [expression, awaited] of waits) {
    const node = checked(expression);
    if (node === undefined) continue;
    const isPromise = isPromiseType(checker.getTypeAtLocation(node));
    const right = isPromise || (awaited && !guardsTypes(node, checker));
    if (right === awaited) continue;
    waits.set(expression, right);
    changed = true;
  }
  return changed;
}

/** Whether values of a type are promises, or may be. */
function isPromiseType(type: Type): boolean {
  if (type.isUnionOrIntersection()) return type.types.some(isPromiseType);
  const name = type.getSymbol()?.name;
  return (name === "Promise" || name === "PromiseLike") && type.getProperty("then") !== undefined
    ? true
    : (type.getBaseTypes() ?? []).some(isPromiseType);
}

/** Whether a call tells the checker something about its argument, or makes a symbol of its own. */
function guardsTypes(node: Node, checker: TypeChecker): boolean {
  if (!ts.isCallExpression(node)) return false;
  if (checker.getTypeAtLocation(node).flags & ts.TypeFlags.ESSymbolLike) return true;
  const signature = checker.getResolvedSignature(node);
  return signature !== undefined && checker.getTypePredicateOfSignature(signature) !== undefined;
}
