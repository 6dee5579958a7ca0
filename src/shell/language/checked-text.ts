import type { Expression, Node, SourceFile, Statement } from "typescript";
import { type EditedText, TextEdits } from "../text-edits";
import { ts } from "../typescript";
import { plainAssignment } from "./own-names";
import type { Waits } from "./waits";

/** The name under which the checked text of an input exports its value. */
export const VALUE = "__$value";

/** How an input is written for the type checker. */
export interface CheckedTextOptions {
  readonly waits: Waits;
  /** What stands before the input, on one line: where the names that it mentions come from. */
  readonly header: string;
  /** Names that become declarations where they are assigned first. */
  readonly undeclared: ReadonlySet<string>;
  /** The names that the input declares for later ones; undefined where the text is only looked at. */
  readonly exported?: ReadonlySet<string> | undefined;
  /** Where an unfinished text ends, without blanks: nothing is written around what reaches this offset. */
  readonly cursor?: number | undefined;
}

/**
 * Writes an input as a module for the type checker: with the waits as `await`, its names exported, and its value as one more export.
 */
export function checkedText(file: SourceFile, options: CheckedTextOptions): EditedText {
  const { waits, header, undeclared, exported, cursor = Infinity } = options;
  const edits = new TextEdits(file.text);
  const last = file.statements.at(-1);
  let footer = "";
  for (const statement of file.statements) {
    const assignment = plainAssignment(statement);
    const start = statement.getStart(file);
    if (assignment && undeclared.has(assignment.name)) {
      edits.open(start, ";var ");
      if (statement === last) footer = `\nexport const ${VALUE} = ${assignment.name};`;
    } else if (statement === last && ts.isExpressionStatement(statement) && cursor === Infinity) {
      edits.open(start, `;export const ${VALUE} = (`);
      edits.closeLast(statement.expression.end, ")");
    } else dropExport(statement, file, edits);
  }
  separateStatements(file, edits, cursor === Infinity ? last : undefined);
  for (const [expression, awaited] of waits) {
    if (awaited && expression.end < cursor) edits.wrap(expression.getStart(file), expression.end, "(await (", "))");
  }
  if (exported && exported.size > 0) footer += `\nexport { ${[...exported].join(", ")} };`;
  return edits.apply({ header, footer: exported ? `${footer}\nexport {};` : footer });
}

/** Ends each statement before the next one: an inserted parenthesis would go on a line without a semicolon. */
function separateStatements(file: SourceFile, edits: TextEdits, last: Statement | undefined): void {
  const visit = (node: Node): void => {
    if (ts.isFunctionLike(node) || ts.isClassLike(node)) return;
    const inList = ts.isSourceFile(node.parent) || ts.isBlock(node.parent) || ts.isCaseOrDefaultClause(node.parent);
    if (ts.isExpressionStatement(node) && inList && node !== last) edits.openFirst(node.getStart(file), ";");
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(file, visit);
}

/** Takes `export` away: the names are exported at the end, all in one way. */
function dropExport(statement: Statement, file: SourceFile, edits: TextEdits): void {
  if (ts.isExportDeclaration(statement) && !statement.moduleSpecifier) {
    edits.replace(statement.getStart(file), statement.end, "");
  }
  if (!ts.canHaveModifiers(statement)) return;
  const { name } = statement as { name?: Node };
  if ((ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) && !name) return;
  for (const modifier of ts.getModifiers(statement) ?? []) {
    if (isExportKeyword(modifier)) edits.replace(modifier.getStart(file), modifier.end, "");
  }
}

function isExportKeyword({ kind }: Node): boolean {
  return kind === ts.SyntaxKind.ExportKeyword || kind === ts.SyntaxKind.DefaultKeyword;
}

/**
 * Finds what the expressions of an input became in its checked text, by walking over both trees side by side.
 *
 * @param statements  the statements of the checked text that came from the input
 */
export function matchExpressions(
  file: SourceFile,
  statements: readonly Statement[],
  waits: Waits,
): (expression: Expression) => Node | undefined {
  const found = new Map<Node, Node>();
  const match = (from: Node, to: Node | undefined): void => {
    let target = to;
    if (target && waits.get(from as Expression) === true) target = insideAwait(target);
    if (!target) return;
    found.set(from, target);
    const children = childrenOf(from);
    const targets = childrenOf(target);
    for (const [index, child] of children.entries()) match(child, targets[index]);
  };
  const before = file.statements.filter(isMatched);
  const after = statements.filter(isMatched);
  for (const [index, statement] of before.entries()) {
    const target = after[index];
    if (target && ts.isVariableStatement(target) && ts.isExpressionStatement(statement)) {
      const [declaration] = target.declarationList.declarations;
      const value = declaration?.initializer;
      const { expression } = statement;
      if (declaration?.name.getText() === VALUE) {
        match(expression, value && ts.isParenthesizedExpression(value) ? value.expression : undefined);
      } else if (ts.isBinaryExpression(expression)) match(expression.right, value);
    } else match(statement, target);
  }
  return (expression) => found.get(expression);
}

/** What stands inside `(await (…))`. */
function insideAwait(node: Node): Node | undefined {
  const outer = ts.isParenthesizedExpression(node) ? node.expression : undefined;
  const inner = outer && ts.isAwaitExpression(outer) ? outer.expression : undefined;
  return inner && ts.isParenthesizedExpression(inner) ? inner.expression : undefined;
}

function isMatched(node: Node): boolean {
  const dropped = ts.isExportDeclaration(node) && !node.moduleSpecifier;
  return node.kind !== ts.SyntaxKind.EmptyStatement && !isExportKeyword(node) && !dropped;
}

function childrenOf(node: Node): Node[] {
  const children: Node[] = [];
  ts.forEachChild(node, (child) => {
    if (isMatched(child)) children.push(child);
  });
  return children;
}
