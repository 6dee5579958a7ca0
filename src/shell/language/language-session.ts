import type { Diagnostic, Expression, Node, SourceFile, Statement, TypeReference } from "typescript";
import { join } from "node:path";
import { parseModule } from "../parse";
import type { EditedText } from "../text-edits";
import { ts } from "../typescript";
import { VALUE, checkedText, matchExpressions } from "./checked-text";
import { type Completions, completionsAt } from "./completions";
import { NODE_OUTLINE, declarationsNeedNode, mentionsNode } from "./node-names";
import { assignedNames, declaredNames, isWritten, plainAssignment } from "./own-names";
import { type Folders, VirtualFiles } from "./virtual-files";
import { type Waits, correctWaits, guessWaits } from "./waits";

/** What the type checker says of an input: a code such as 2551, the message, and the place in the input. */
export interface TypeProblem {
  readonly code: number;
  readonly message: string;
  readonly start: number;
  readonly length: number;
}

/** What became of an input that was run: whether it ended in an error, and whether it had a value. */
export interface InputEnd {
  readonly failed: boolean;
  readonly hasValue: boolean;
}

/** Where the text about a name comes from: its declaration, and what its author wrote of it. */
export interface Documentation {
  readonly declaration: string;
  readonly text: string;
}

/** Where a name of the session was declared last. */
interface LiveName {
  readonly module: string;
  /** It came into being by an assignment: a later assignment may give it another type. */
  readonly byAssignment: boolean;
}

/** An input written for the checker, and the way back. */
interface Written {
  readonly file: SourceFile;
  readonly edited: EditedText;
  readonly waits: Waits;
  readonly statements: readonly Statement[];
}

/**
 * Names used before they are assigned: at the prompt they still have the value of an earlier input, or come later in the session;
 * a constant that is assigned: nothing is constant from one input to the next; an input that speaks of itself.
 */
const NOT_HERE = new Set([2448, 2449, 2450, 2454, 2588, 2630, 2632, 7022, 7023]);
/** The type of a name that is assigned: a constant of an earlier input may get another value of its kind. */
/** A value does not fit the type of what it is assigned to. */
const NOT_ASSIGNABLE = 2322;
const WIDENED = `type __$Widened<T> = T extends string ? string : T extends number ? number
  : T extends bigint ? bigint : T extends boolean ? boolean : T;`;
const CANNOT_FIND_NAME = new Set([2304, 2552]);
/** A guess is right after one round; what depends on what was wrong, after two. */
const MOST_ROUNDS = 4;

/**
 * The types of a session at the prompt: one module for each input, so that any name can be declared again as anything, and a line
 * costs the same however long the session is.
 *
 * It reads and checks; it never runs anything.
 */
export class LanguageSession {
  readonly #files: VirtualFiles;
  readonly #service;
  readonly #folder: string;
  readonly #input: string;
  /** Stands for the types of Node until something of them is mentioned. */
  readonly #nodeOutline: string;
  readonly #names = new Map<string, LiveName>();
  #count = 0;
  /** The input that was written last, as long as it stands in its file and no name has changed. */
  #settled: { readonly code: string; readonly written: Written } | undefined;
  /** The module whose input gave `_` its value; undefined where its type is not known. */
  #lastValue: string | undefined;
  #ambient: ReadonlySet<string>;

  /** @param declarations  a module that declares the names of the context as globals, standing in the library's folder */
  constructor(declarations: string, folders: Folders) {
    this.#files = new VirtualFiles(folders);
    this.#folder = folders.directory;
    this.#input = join(folders.directory, "__$input.ts");
    this.#files.write(join(folders.library, "__$context.ts"), declarations, { root: true });
    this.#files.write(join(folders.library, "__$widened.d.ts"), WIDENED, { root: true });
    this.#nodeOutline = join(folders.library, "__$node.d.ts");
    this.#files.write(this.#nodeOutline, NODE_OUTLINE, { root: true });
    if (declarationsNeedNode(declarations)) this.#addNodeTypes();
    this.#files.write(this.#input, "export {};", { root: true });
    this.#ambient = new Set([...declarations.matchAll(/^ {2}let ([\w$]+):/gm)].map(([, name = ""]) => name));
    this.#service = ts.createLanguageService(this.#files, ts.createDocumentRegistry(true, folders.directory));
  }

  /** Whether all types of Node are there: only once something of Node was mentioned. */
  get knowsNode(): boolean {
    return !this.#files.has(this.#nodeOutline);
  }

  /** What is wrong with the types of an input. */
  check(code: string): TypeProblem[] {
    const written = this.#settle(code);
    return this.#problemsOf(written).map((problem) => this.#problem(problem, written));
  }

  /** Takes an input into the session, after it ran: later inputs see its names. */
  commit(code: string, { failed, hasValue }: InputEnd): void {
    const file = parseModule(code);
    const names = this.#newNames(file);
    const isKnown = [...names.keys()].some((name) => this.#names.has(name));
    if (failed && isKnown) return;
    const keepsValue = !failed && hasValue;
    if (names.size > 0 || keepsValue) {
      const written = this.#settle(code);
      const module = `./__$line${(this.#count += 1)}`;
      const exported = new Set(names.keys());
      const { edited } = this.#write(written.file, written.waits, { exported });
      this.#files.write(join(this.#folder, `${module.slice(2)}.ts`), edited.text);
      for (const [name, byAssignment] of names) this.#names.set(name, { module, byAssignment });
      this.#settled = undefined;
      if (keepsValue) this.#lastValue = edited.text.includes(`const ${VALUE} =`) ? module : undefined;
    }
  }

  /** The type that the value of an expression has at the prompt, or what is wrong with it; undefined where it is no expression. */
  typeOf(expression: string): { readonly type: string } | { readonly problem: TypeProblem } | undefined {
    if (mentionsNode(expression, "looked at")) this.#addNodeTypes();
    const [problem] = this.check(expression);
    if (problem) return { problem };
    const value = this.#value();
    if (!value) return undefined;
    const checker = this.#checker();
    const flags = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope;
    return { type: readable(checker.typeToString(checker.getTypeAtLocation(value), undefined, flags)) };
  }

  /** The declaration and the documentation of what an expression ends with. */
  documentationOf(expression: string): Documentation | undefined {
    if (mentionsNode(expression, "looked at")) this.#addNodeTypes();
    const written = this.#settle(expression);
    const last = lastName(written.file);
    const place = last && written.edited.editedOffset(last.getStart(written.file));
    if (place === undefined) return undefined;
    const info = this.#service.getQuickInfoAtPosition(this.#input, place);
    // An `any` without a name of its own is something that is not there.
    if (!info || ts.displayPartsToString(info.displayParts) === "any") return undefined;
    let text = ts.displayPartsToString(info.documentation);
    if (text === "") text = this.#documentationOfType();
    const tags = (info.tags ?? []).map(({ name, text: parts }) => `@${name} ${ts.displayPartsToString(parts)}`.trim());
    return {
      declaration: readable(ts.displayPartsToString(info.displayParts))
        .replace(/^\(alias\) /, "")
        .replace(/\nimport [\w$]+$/, ""),
      text: [text, ...tags].filter((part) => part !== "").join("\n"),
    };
  }

  /** What can stand at the end of an unfinished text. */
  complete(text: string): Completions {
    if (mentionsNode(text, "looked at")) this.#addNodeTypes();
    return completionsAt(text, {
      entriesAt: (unfinished) => this.#entriesAt(unfinished),
      isOwn: (name) => this.#names.has(name) || this.#ambient.has(name),
    });
  }

  /** Loads everything that the first input needs. */
  warmUp(): void {
    this.check("0");
    this.#entriesAt("_.");
  }

  #entriesAt(text: string): readonly import("typescript").CompletionEntry[] {
    const file = parseModule(text);
    const { edited } = this.#write(file, guessWaits(file), { cursor: text.trimEnd().length });
    this.#files.write(this.#input, edited.text, { root: true });
    this.#settled = undefined;
    const found = this.#service.getCompletionsAtPosition(this.#input, edited.text.length, {
      includeCompletionsForModuleExports: false,
      includeCompletionsWithInsertText: false,
      includeSymbol: true,
    });
    const entries = found?.entries ?? [];
    // Of members only: where anything can stand, there are too many to ask, and none that are marked.
    return found?.isMemberCompletion === true ? entries.filter((entry) => !isInternal(entry)) : entries;
  }

  /** Writes an input for the checker, again until the waits agree with the types. */
  #settle(code: string): Written {
    if (this.#settled?.code === code) return this.#settled.written;
    if (mentionsNode(code, "checked")) this.#addNodeTypes();
    let written = this.#settleAnew(code);
    // Nothing is found wrong that all types would find right.
    if (this.#problemsOf(written).length > 0 && this.#addNodeTypes()) written = this.#settleAnew(code);
    this.#settled = { code, written };
    return written;
  }

  /** Takes the types of Node in. @returns whether they were not there */
  #addNodeTypes(): boolean {
    const changed = this.#files.addNodeTypes(this.#nodeOutline);
    if (changed) this.#settled = undefined;
    return changed;
  }

  #problemsOf(written: Written): Diagnostic[] {
    const { header } = this.#headerOf(written.file);
    return this.#service
      .getSemanticDiagnostics(this.#input)
      .filter((problem) => (problem.start ?? 0) > header.length && !this.#isAllowed(problem));
  }

  #settleAnew(code: string): Written {
    const file = parseModule(code);
    const waits = guessWaits(file);
    const { header } = this.#headerOf(file);
    for (let round = 1; ; round += 1) {
      const { edited } = this.#write(file, waits, { exported: new Set() });
      this.#files.write(this.#input, edited.text, { root: true });
      const statements = this.#inputFile().statements.filter((each) => each.getStart() > header.length);
      const written = { file, edited, waits, statements };
      if (waits.size === 0 || round === MOST_ROUNDS) return written;
      const checker = this.#checker();
      const find = matchExpressions(file, statements, waits);
      if (!correctWaits(waits, checker, (expression: Expression) => find(expression))) return written;
    }
  }

  #write(
    file: SourceFile,
    waits: Waits,
    options: { exported?: ReadonlySet<string>; cursor?: number },
  ): { edited: EditedText } {
    const { header, undeclared } = this.#headerOf(file, options.cursor);
    return { edited: checkedText(file, { waits, header: `${header}\n`, undeclared, ...options }) };
  }

  /** The line before an input that says where the names come from that it mentions. */
  #headerOf(file: SourceFile, cursor?: number): { header: string; undeclared: ReadonlySet<string> } {
    const declared = declaredNames(file);
    const assigned = assignedNames(file);
    const unfinished = cursor === undefined ? undefined : /[\w$]*$/.exec(file.text)?.[0];
    const mentioned = new Set(file.text.match(/[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/gu) ?? []);
    const undeclared = new Set(
      file.statements.flatMap((statement) => {
        const name = plainAssignment(statement)?.name;
        if (name === undefined || declared.has(name) || this.#ambient.has(name)) return [];
        const live = this.#names.get(name);
        return live === undefined || live.byAssignment ? [name] : [];
      }),
    );
    const lines: string[] = [];
    for (const [name, { module }] of this.#names) {
      const isMeant = mentioned.has(name) || (unfinished !== undefined && name.startsWith(unfinished));
      if (!isMeant || declared.has(name)) continue;
      if (undeclared.has(name) && !isReadFirst(file, name)) continue;
      if (undeclared.has(name)) undeclared.delete(name);
      if (assigned.has(name)) lines.push(`declare let ${name}: __$Widened<typeof import("${module}").${name}>;`);
      else lines.push(`import { ${name} } from "${module}";`);
    }
    if (mentioned.has("_") && !declared.has("_") && !this.#names.has("_") && this.#lastValue !== undefined) {
      lines.push(`import { ${VALUE} as _ } from "${this.#lastValue}";`);
    }
    return { header: lines.join(" "), undeclared };
  }

  /** The names that an input adds to the session, each with whether an assignment made it. */
  #newNames(file: SourceFile): Map<string, boolean> {
    const names = new Map([...declaredNames(file)].map((name) => [name, false]));
    for (const name of this.#headerOf(file).undeclared) names.set(name, true);
    return names;
  }

  #inputFile(): SourceFile {
    const file = this.#service.getProgram()?.getSourceFile(this.#input);
    if (!file) throw new Error("The language service lost the input.");
    return file;
  }

  #checker(): import("typescript").TypeChecker {
    const program = this.#service.getProgram();
    if (!program) throw new Error("The language service has no program.");
    return program.getTypeChecker();
  }

  /** The expression that gives the checked input its value. */
  #value(): Expression | undefined {
    for (const statement of this.#inputFile().statements) {
      if (!ts.isVariableStatement(statement)) continue;
      const [declaration] = statement.declarationList.declarations;
      if (declaration?.initializer && declaration.name.getText() === VALUE) return declaration.initializer;
    }
    return undefined;
  }

  /** What is written of the function or class that the last value is. */
  #documentationOfType(): string {
    const value = this.#value();
    if (!value) return "";
    const checker = this.#checker();
    return ts.displayPartsToString(checker.getTypeAtLocation(value).getSymbol()?.getDocumentationComment(checker));
  }

  #isAllowed({ code, start = 0 }: Diagnostic): boolean {
    if (NOT_HERE.has(code)) return true;
    if (code === NOT_ASSIGNABLE) return this.#assignsMembers(nodeAt(this.#inputFile(), start));
    if (!CANNOT_FIND_NAME.has(code)) return false;
    const node = nodeAt(this.#inputFile(), start);
    return node !== undefined && ts.isIdentifier(node) && isWritten(node);
  }

  /** `role.users = [john]`: a collection takes a list of members, which the type of a declared field cannot say. */
  #assignsMembers(node: Node | undefined): boolean {
    let target = node;
    while (target !== undefined && !ts.isBinaryExpression(target)) target = target.parent;
    if (target?.operatorToken.kind !== ts.SyntaxKind.EqualsToken) return false;
    const checker = this.#checker();
    const left = checker.getTypeAtLocation(target.left);
    const collection = (left.isIntersection() ? left.types : [left]).find(
      (part) => part.getSymbol()?.name === "Collection",
    );
    if (collection === undefined) return false;
    const [member] = checker.getTypeArguments(collection as TypeReference);
    const given = checker.getIndexTypeOfType(checker.getTypeAtLocation(target.right), ts.IndexKind.Number);
    return member !== undefined && given !== undefined && checker.isTypeAssignableTo(given, member);
  }

  #problem(problem: Diagnostic, { edited, file }: Written): TypeProblem {
    const start = edited.originalOffset(problem.start ?? 0);
    const end = edited.originalOffset((problem.start ?? 0) + (problem.length ?? 1) - 1) + 1;
    return {
      code: problem.code,
      message: readable(ts.flattenDiagnosticMessageText(problem.messageText, "\n")),
      start: Math.min(start, file.text.length),
      length: Math.max(1, Math.min(end, file.text.length) - start),
    };
  }
}

/** Whether an input reads a name before it assigns it: `n = n + 1`. */
function isReadFirst(file: SourceFile, name: string): boolean {
  const statement = file.statements.find((each) => plainAssignment(each)?.name === name);
  if (!statement || !ts.isExpressionStatement(statement) || !ts.isBinaryExpression(statement.expression)) return false;
  const { right } = statement.expression;
  const mentions = (node: Node): boolean =>
    (ts.isIdentifier(node) && node.text === name) ||
    (ts.forEachChild(node, (child) => mentions(child) || undefined) ?? false);
  return mentions(right);
}

/** The name that an expression ends with: `filterBy` of `User.query.filterBy`. */
function lastName(file: SourceFile): Node | undefined {
  let last: Node | undefined;
  const visit = (node: Node): void => {
    if (ts.isIdentifier(node)) last = node;
    ts.forEachChild(node, visit);
  };
  visit(file);
  return last;
}

function nodeAt(file: SourceFile, start: number): Node | undefined {
  let found: Node | undefined;
  const visit = (node: Node): void => {
    if (node.getStart(file) === start) found = node;
    if (node.pos <= start && start < node.end) ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** A text of the checker without what only it needs: `Query<User, User>` is written `Query<User>`, brands are left out. */
function readable(text: string): string {
  return text
    .replaceAll(/\bQuery<([\w$]+), \1>/g, "Query<$1>")
    .replaceAll(/import\("[^"]*"\)\./g, "")
    .replaceAll(/ & \{ \[\w+Brand\]\?: true; \}/g, "")
    .replaceAll(/'Optional<InferCreationAttributes<([\w$]+),[^']*'/g, "'values of a new $1'");
}

/** Whether the library's own modules alone are to use a member. */
function isInternal({ symbol }: import("typescript").CompletionEntry): boolean {
  return symbol?.getJsDocTags().some(({ name }) => name === "internal") ?? false;
}
