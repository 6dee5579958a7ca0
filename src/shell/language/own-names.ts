import type { Identifier, Node, SourceFile, Statement } from "typescript";
import { boundNames } from "../to-script";
import { ts } from "../typescript";

/** The names that an input declares for the inputs after it: values and types. */
export function declaredNames(file: SourceFile): Set<string> {
  return new Set([...file.statements.flatMap(namesOf), ...varNames(file)]);
}

function namesOf(statement: Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap(({ name }) => boundNames(name));
  }
  if (
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isEnumDeclaration(statement) ||
    ts.isImportEqualsDeclaration(statement)
  ) {
    return statement.name ? [statement.name.text] : [];
  }
  if (ts.isModuleDeclaration(statement)) return ts.isIdentifier(statement.name) ? [statement.name.text] : [];
  if (!ts.isImportDeclaration(statement)) return [];
  const { name, namedBindings } = statement.importClause ?? {};
  const bound = namedBindings && ts.isNamedImports(namedBindings) ? namedBindings.elements : [namedBindings];
  return [name, ...bound.map((each) => each?.name)].flatMap((each) => (each ? [each.text] : []));
}

/** The names of `var` inside blocks and loops. */
function varNames(file: SourceFile): string[] {
  const names: string[] = [];
  const visit = (node: Node): void => {
    if (ts.isFunctionLike(node) || ts.isClassLike(node)) return;
    if (ts.isVariableDeclarationList(node) && !(node.flags & ts.NodeFlags.BlockScoped)) {
      names.push(...node.declarations.flatMap(({ name }) => boundNames(name)));
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return names;
}

/** The names that an input assigns to, wherever in it. */
export function assignedNames(file: SourceFile): Set<string> {
  const names = new Set<string>();
  const visit = (node: Node): void => {
    if (ts.isIdentifier(node) && isWritten(node)) names.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return names;
}

/** Whether a name stands where a value is put into it: `x = 1`, `x++`, `[x] = pair`, `for (x of rows)`. */
export function isWritten(name: Identifier): boolean {
  let node: Node = name;
  for (;;) {
    const { parent } = node;
    if (ts.isBinaryExpression(parent)) {
      const { kind } = parent.operatorToken;
      if (parent.left !== node) return false;
      if (kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment) return true;
      return false;
    }
    if (ts.isPrefixUnaryExpression(parent) || ts.isPostfixUnaryExpression(parent)) {
      return parent.operator === ts.SyntaxKind.PlusPlusToken || parent.operator === ts.SyntaxKind.MinusMinusToken;
    }
    if (ts.isForOfStatement(parent) || ts.isForInStatement(parent)) return parent.initializer === node;
    const isPattern =
      ts.isParenthesizedExpression(parent) ||
      ts.isArrayLiteralExpression(parent) ||
      ts.isObjectLiteralExpression(parent) ||
      ts.isSpreadElement(parent) ||
      ts.isSpreadAssignment(parent) ||
      ts.isShorthandPropertyAssignment(parent) ||
      (ts.isPropertyAssignment(parent) && parent.initializer === node);
    if (!isPattern) return false;
    node = parent;
  }
}

/** A statement that creates a global by assigning to a name that nothing declared: `u = User.query.first()`. */
export function plainAssignment(statement: Statement): { readonly name: string } | undefined {
  if (!ts.isExpressionStatement(statement)) return undefined;
  const { expression } = statement;
  if (!ts.isBinaryExpression(expression) || expression.operatorToken.kind !== ts.SyntaxKind.EqualsToken)
    return undefined;
  return ts.isIdentifier(expression.left) ? { name: expression.left.text } : undefined;
}
