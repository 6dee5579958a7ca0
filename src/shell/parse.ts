import type { Diagnostic, DiagnosticWithLocation, Node, SourceFile, Statement } from "typescript";
import { needTypeScript, ts } from "./typescript";

/** What is wrong with a text: the message, and the place in the text. */
export interface SyntaxProblem {
  readonly message: string;
  /** The offset in the text. */
  readonly start: number;
  readonly length: number;
}

/** A text read as TypeScript: a tree, something unfinished, or what is wrong with it. */
export type Parsed =
  | { readonly kind: "complete"; readonly file: SourceFile }
  | { readonly kind: "incomplete"; readonly problem: SyntaxProblem }
  | { readonly kind: "invalid"; readonly problem: SyntaxProblem };

const UNTERMINATED_TEMPLATE = 1160;
const UNTERMINATED_COMMENT = 1010;
/** Unterminated strings and regular expressions, and bad escapes: another line cannot mend them. */
const NEVER_CONTINUED = new Set([1002, 1161, 1125, 1126, 1198, 1199]);

/** Parses a text as a module, so that `await` is a keyword at its top level. */
export function parseModule(text: string, fileName = "input.ts"): SourceFile {
  needTypeScript();
  return ts.createSourceFile(
    fileName,
    text,
    {
      languageVersion: ts.ScriptTarget.ESNext,
      setExternalModuleIndicator: (file) => {
        // The compiler marks a module by this internal field; a file without import or export has no other mark.
        (file as { externalModuleIndicator?: Node | true }).externalModuleIndicator = true;
      },
    },
    true,
  );
}

/** The parse errors of a file: the compiler keeps them in a field it does not declare. */
function parseDiagnostics(file: SourceFile): readonly DiagnosticWithLocation[] {
  return (file as unknown as { parseDiagnostics: readonly DiagnosticWithLocation[] }).parseDiagnostics;
}

function problemOf(diagnostic: Diagnostic): SyntaxProblem {
  return {
    message: ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n"),
    start: diagnostic.start ?? 0,
    length: diagnostic.length ?? 1,
  };
}

/** Tells whether a text is a whole piece of TypeScript, an unfinished one, or a wrong one. */
export function parse(text: string): Parsed {
  const file = parseModule(text);
  const [first, ...rest] = parseDiagnostics(file);
  if (!first) {
    const unfinished = bodilessFunction(file.statements.at(-1));
    if (unfinished) return { kind: "incomplete", problem: { message: "'{' expected.", start: text.length, length: 0 } };
    const problem = misplacedStatement(file);
    return problem ? { kind: "invalid", problem } : { kind: "complete", file };
  }
  const problem = problemOf(first);
  if ([first, ...rest].some(({ code }) => code === UNTERMINATED_TEMPLATE || code === UNTERMINATED_COMMENT)) {
    return { kind: "incomplete", problem };
  }
  if (NEVER_CONTINUED.has(first.code)) return { kind: "invalid", problem };
  const endOfLastToken = file.endOfFileToken.getFullStart();
  return { kind: first.start >= endOfLastToken ? "incomplete" : "invalid", problem };
}

/** Whether a statement is `function f()` with its body still to come. */
function bodilessFunction(statement: Statement | undefined): boolean {
  return (
    statement !== undefined &&
    ts.isFunctionDeclaration(statement) &&
    statement.body === undefined &&
    !statement.modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.DeclareKeyword)
  );
}

/** Whether a text that was read as an object has `{ f() }` in it, which is a call in a block rather. */
export function hasBodilessMethod(node: Node): boolean {
  if (ts.isMethodDeclaration(node)) return node.body === undefined;
  return ts.forEachChild(node, (child) => hasBodilessMethod(child) || undefined) ?? false;
}

/** The first thing that parses and still cannot stand at the top of an input. */
function misplacedStatement(file: SourceFile): SyntaxProblem | undefined {
  const at = (node: Node, message: string): SyntaxProblem => ({
    message,
    start: node.getStart(file),
    length: node.getWidth(file),
  });
  const visit = (node: Node): SyntaxProblem | undefined => {
    if (ts.isFunctionLike(node) || ts.isModuleBlock(node) || ts.isTypeNode(node)) return undefined;
    if (ts.isReturnStatement(node)) return at(node, "A 'return' statement can only be used within a function body.");
    if (ts.isYieldExpression(node)) return at(node, "A 'yield' expression is only allowed in a generator body.");
    if (ts.isIdentifier(node) && node.text === "yield" && !isPropertyName(node)) {
      return at(node, "'yield' is a reserved word at the top level of an input.");
    }
    if (ts.isVariableDeclaration(node) && isConstWithoutValue(node))
      return at(node, "'const' declarations must be initialized.");
    return ts.forEachChild(node, visit);
  };
  return ts.forEachChild(file, visit);
}

function isPropertyName(node: Node): boolean {
  const { parent } = node;
  return (
    (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
    ((ts.isPropertyAssignment(parent) || ts.isPropertyDeclaration(parent)) && parent.name === node)
  );
}

function isConstWithoutValue(node: import("typescript").VariableDeclaration): boolean {
  const list = node.parent;
  if (node.initializer || !ts.isVariableDeclarationList(list) || !(list.flags & ts.NodeFlags.Const)) return false;
  const { parent } = list;
  if (ts.isForInStatement(parent) || ts.isForOfStatement(parent)) return false;
  return !(
    ts.isVariableStatement(parent) &&
    parent.modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.DeclareKeyword)
  );
}
