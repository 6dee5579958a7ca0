import type { BindingName, ImportDeclaration, Node, SourceFile, Statement, VariableDeclarationList } from "typescript";
import { AwaitEdits } from "./await-edits";
import { OwnCodeWalk } from "./own-code";
import { parseModule } from "./parse";
import { NAMES, scriptFrame } from "./script-text";
import { type EditedText, TextEdits } from "./text-edits";
import { ts } from "./typescript";

/** A script whose value is a generator function, and the names that it declares as globals. */
export interface Script {
  readonly edited: EditedText;
  readonly names: readonly string[];
}

/** What the compiler puts into its output for its own use. */
const COMPILER_HELPER =
  /^__(decorate|param|metadata|esDecorate|runInitializers|propKey|setFunctionName|addDisposableResource|disposeResources|rest|awaiter|importDefault|importStar)$|^env_\d+$/;

/** Whether a statement of the compiler's output declares what only the output itself uses. */
function isHelper(statement: Statement): boolean {
  if (!ts.isVariableStatement(statement)) return false;
  return statement.declarationList.declarations.every(
    ({ name }) => ts.isIdentifier(name) && COMPILER_HELPER.test(name.text),
  );
}

/** The names that a binding declares. */
export function boundNames(name: BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) => (ts.isOmittedExpression(element) ? [] : boundNames(element.name)));
}

/** What only the TypeScript of an input tells. */
export interface ScriptOptions {
  /** Names whose promises are kept. */
  readonly promises: ReadonlySet<string>;
  /** Names of enums and namespaces: they begin empty, not with what an earlier input put into them. */
  readonly fresh: ReadonlySet<string>;
  /** Whether the last statement has a value to show; a declaration has none, whatever it is compiled to. */
  readonly keepsValue: boolean;
}

/**
 * Turns the JavaScript of one input into a script that declares its names as globals, so that they can be declared again, and
 * whose value is a generator function that runs the input: it yields every promise that is to be awaited and returns the value
 * of the last statement.
 */
export function toScript(javascript: string, { promises, fresh, keepsValue }: ScriptOptions): Script {
  const file = parseModule(javascript, "input.js");
  const edits = new TextEdits(javascript);
  const awaits = new AwaitEdits(file, edits);
  const walk = new OwnCodeWalk(awaits, promises);
  const hoist = new Hoist(file, edits, fresh);
  const statements = file.statements.filter((statement) => !isHelper(statement));
  for (const statement of statements) {
    hoist.topLevel(statement);
    if (!ts.isImportDeclaration(statement)) walk.visit(statement);
  }
  hoist.everywhere(file);
  const last = statements.findLast((statement) => !ts.isExportDeclaration(statement));
  if (last && keepsValue) hoist.keepValue(last);
  const names = [...new Set(hoist.names)];
  const declared = [...new Set([...names, ...hoist.functions])];
  return { names: declared, edited: edits.apply(scriptFrame(names, awaits.variables)) };
}

/** Writes down the edits that make declarations global and keep the last value. */
class Hoist {
  readonly names: string[] = [];
  readonly functions: string[] = [];
  readonly #file: SourceFile;
  readonly #edits: TextEdits;
  readonly #fresh: ReadonlySet<string>;

  constructor(file: SourceFile, edits: TextEdits, fresh: ReadonlySet<string>) {
    this.#file = file;
    this.#edits = edits;
    this.#fresh = fresh;
  }

  /** A statement at the top: its declarations become assignments to globals. */
  topLevel(statement: Statement): void {
    if (ts.isVariableStatement(statement)) {
      this.#dropExport(statement);
      this.#declarations(statement.declarationList);
    } else if (ts.isFunctionDeclaration(statement)) this.#function(statement);
    else if (ts.isClassDeclaration(statement)) this.#class(statement);
    else if (ts.isImportDeclaration(statement)) this.#import(statement);
    else if (ts.isExportAssignment(statement)) {
      this.#edits.replace(statement.getStart(this.#file), statement.expression.getStart(this.#file), "");
    } else if (ts.isExportDeclaration(statement)) this.#export(statement);
    else this.#nestedVars(statement);
  }

  /** What changes wherever it stands: `import()` and `import.meta`, which a script does not have. */
  everywhere(node: Node): void {
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      this.#edits.replace(node.expression.getStart(this.#file), node.expression.end, NAMES.import);
    } else if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword) {
      this.#edits.replace(node.getStart(this.#file), node.end, NAMES.importMeta);
    }
    ts.forEachChild(node, (child) => {
      this.everywhere(child);
    });
  }

  /** Keeps the value of the last statement, also where it is the last one of a block, an `if` or a `try`. */
  keepValue(statement: Statement): void {
    if (ts.isExpressionStatement(statement)) {
      const { expression } = statement;
      this.#edits.openFirst(expression.getStart(this.#file), `${NAMES.value} = (`);
      this.#edits.closeLast(expression.end, ")");
    } else if (ts.isExportAssignment(statement)) {
      this.#edits.openFirst(statement.expression.getStart(this.#file), `${NAMES.value} = (`);
      this.#edits.closeLast(statement.expression.end, ")");
    } else if (ts.isBlock(statement)) {
      const last = statement.statements.at(-1);
      if (last) this.keepValue(last);
    } else if (ts.isIfStatement(statement)) {
      this.keepValue(statement.thenStatement);
      if (statement.elseStatement) this.keepValue(statement.elseStatement);
    } else if (ts.isTryStatement(statement)) {
      this.keepValue(statement.tryBlock);
      if (statement.catchClause) this.keepValue(statement.catchClause.block);
    } else if (ts.isLabeledStatement(statement)) this.keepValue(statement.statement);
  }

  #dropExport(statement: Statement): void {
    if (!ts.canHaveModifiers(statement)) return;
    const modifiers = (ts.getModifiers(statement) ?? []).filter(
      ({ kind }) => kind === ts.SyntaxKind.ExportKeyword || kind === ts.SyntaxKind.DefaultKeyword,
    );
    for (const modifier of modifiers) this.#edits.replace(modifier.getStart(this.#file), modifier.end, "");
  }

  /** `const a = 1, [b] = c` becomes `void (a = 1), void ([b] = c)`. */
  #declarations(list: VariableDeclarationList): void {
    const isVar = !(list.flags & ts.NodeFlags.BlockScoped);
    const names = list.declarations.flatMap(({ name }) => boundNames(name));
    this.names.push(...names);
    const [first] = list.declarations;
    if (!first) return;
    this.#edits.replace(list.getStart(this.#file), first.getStart(this.#file), "");
    for (const declaration of list.declarations) {
      const start = declaration.getStart(this.#file);
      this.#edits.open(start, "void (");
      const isFresh = ts.isIdentifier(declaration.name) && this.#fresh.has(declaration.name.text);
      if (!declaration.initializer && (!isVar || isFresh)) this.#edits.close(declaration.end, " = undefined");
      this.#edits.closeLast(declaration.end, ")");
    }
  }

  #function(statement: import("typescript").FunctionDeclaration): void {
    this.#dropExport(statement);
    if (!statement.name) {
      this.#edits.wrap(statement.getStart(this.#file), statement.end, "void (", ");");
      return;
    }
    this.functions.push(statement.name.text);
    this.#edits.moveToFront(statement.getStart(this.#file), statement.end);
  }

  #class(statement: import("typescript").ClassDeclaration): void {
    this.#dropExport(statement);
    const name = statement.name?.text;
    if (name !== undefined) this.names.push(name);
    this.#edits.wrap(
      statement.getStart(this.#file),
      statement.end,
      name === undefined ? "void (" : `void (${name} = `,
      ");",
    );
  }

  #import(statement: ImportDeclaration): void {
    const { importClause, moduleSpecifier } = statement;
    const module = `yield ${NAMES.import}(${moduleSpecifier.getText(this.#file)})`;
    const start = statement.getStart(this.#file);
    if (!importClause) {
      this.#edits.replace(start, statement.end, `${module};`);
      return;
    }
    const parts: string[] = [];
    const { name, namedBindings } = importClause;
    if (name) {
      this.names.push(name.text);
      parts.push(`default: ${name.text}`);
    }
    if (namedBindings && ts.isNamedImports(namedBindings)) {
      for (const element of namedBindings.elements) {
        this.names.push(element.name.text);
        parts.push(`${(element.propertyName ?? element.name).getText(this.#file)}: ${element.name.text}`);
      }
    }
    const { waiting } = NAMES;
    let assignments = `${waiting} = ${module}; `;
    if (namedBindings && ts.isNamespaceImport(namedBindings)) {
      this.names.push(namedBindings.name.text);
      assignments += `${namedBindings.name.text} = ${waiting}; `;
    }
    if (parts.length > 0) assignments += `({ ${parts.join(", ")} } = ${waiting});`;
    this.#edits.replace(start, statement.end, assignments);
  }

  #export(statement: import("typescript").ExportDeclaration): void {
    const from = statement.moduleSpecifier;
    const text = from ? `yield ${NAMES.import}(${from.getText(this.#file)});` : "";
    this.#edits.replace(statement.getStart(this.#file), statement.end, text);
  }

  /** `var` inside blocks and loops declares globals too. */
  #nestedVars(node: Node): void {
    if (ts.isFunctionLike(node) || ts.isClassLike(node)) return;
    if (ts.isVariableDeclarationList(node) && !(node.flags & ts.NodeFlags.BlockScoped)) {
      const { parent } = node;
      if (ts.isForInStatement(parent) || ts.isForOfStatement(parent)) {
        this.names.push(...node.declarations.flatMap(({ name }) => boundNames(name)));
        const [first] = node.declarations;
        if (first && !(ts.isForOfStatement(parent) && parent.awaitModifier)) {
          this.#edits.replace(node.getStart(this.#file), first.getStart(this.#file), "");
        }
      } else this.#declarations(node);
    }
    ts.forEachChild(node, (child) => {
      this.#nestedVars(child);
    });
  }
}
