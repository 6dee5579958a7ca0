import type { CompletionEntry } from "typescript";
import { parseModule } from "../parse";
import { ts } from "../typescript";

/** What can stand at the end of a text, and how much of the text it would replace. */
export interface Completions {
  readonly candidates: readonly string[];
  /** The part at the end of the text that each candidate begins with. */
  readonly part: string;
}

/** What completing asks of the types. */
export interface CompletionSource {
  /** The entries of the language service at the end of a text. */
  entriesAt(text: string): readonly CompletionEntry[];
  /** Whether a name belongs to the context or was declared at the prompt. */
  isOwn(name: string): boolean;
}

/** Functions whose texts name attributes, and those whose texts name relationships. */
const ATTRIBUTE_TAKERS = new Set(["orderBy", "groupBy", "loadOnly", "defer", "asc", "desc", "nullsFirst", "nullsLast"]);
const RELATIONSHIP_TAKERS = new Set([
  "joined",
  "selectin",
  "noload",
  "raiseload",
  "containsEager",
  "load",
  "withParent",
]);
const LOADERS = new Set(["joined", "selectin", "noload", "raiseload", "containsEager", "loadOnly", "defer"]);

/** Completes the end of an unfinished text by its types. */
export function completionsAt(text: string, source: CompletionSource): Completions {
  const literal = unfinishedString(text);
  if (literal) {
    const names = namesInString(literal, source);
    if (names) return names;
    const entries = source.entriesAt(text).filter((entry) => entry.kind !== ts.ScriptElementKind.warning);
    const part = literal.isPath ? (/[^/]*$/.exec(literal.value)?.[0] ?? "") : literal.value;
    return select(
      entries.map(({ name }) => name),
      part,
    );
  }
  const part = /[\p{ID_Continue}$]*$/u.exec(text)?.[0] ?? "";
  const entries = source.entriesAt(text).filter((entry) => isName(entry, part));
  const isMember = /(?:\?\.|\.)\s*$/.test(text.slice(0, text.length - part.length)) && !/\.\.\.$/.test(text);
  const isGlobal = !isMember && entries.some(({ sortText }) => sortText === "15");
  if (!isGlobal)
    return select(
      entries.map(({ name }) => name),
      part,
    );
  // Where anything can stand, what belongs to the session comes first, and nothing else without a letter of it.
  const own = entries.filter(({ name, sortText }) => source.isOwn(name) || sortText === "11" || sortText === "10");
  const chosen = select(
    own.map(({ name }) => name),
    part,
  );
  if (part === "" || chosen.candidates.length > 0) return chosen;
  return select(
    entries.map(({ name }) => name),
    part,
  );
}

function isName({ name, kind }: CompletionEntry, part: string): boolean {
  if (kind === ts.ScriptElementKind.warning || name.startsWith("__$")) return false;
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) && (part.startsWith("_") || !name.startsWith("_"));
}

function select(names: readonly string[], part: string): Completions {
  const isMeant = (name: string): boolean => name.startsWith(part) && (part !== "" || !name.startsWith("_"));
  const candidates = [...new Set(names)].filter(isMeant).sort(byOrder);
  return { candidates, part };
}

function byOrder(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A text literal that is not closed yet, and the calls around it. */
interface UnfinishedString {
  readonly value: string;
  /** The text before the literal. */
  readonly before: string;
  /** The names of the functions that it is an argument of, innermost first, each with where the call's callee begins and ends. */
  readonly calls: readonly { readonly name: string; readonly receiver: string }[];
  /** Whether the literal names a module. */
  readonly isPath: boolean;
}

function unfinishedString(text: string): UnfinishedString | undefined {
  const file = parseModule(text);
  let found: import("typescript").Node | undefined;
  const visit = (node: import("typescript").Node): void => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) {
      if (node.end === text.length && isOpen(node.getText(file))) found = node;
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  if (!found) return undefined;
  const start = found.getStart(file);
  const calls: { name: string; receiver: string }[] = [];
  for (let node = found.parent; !ts.isSourceFile(node); node = node.parent) {
    if (!ts.isCallExpression(node)) continue;
    const callee = node.expression;
    if (ts.isPropertyAccessExpression(callee)) {
      calls.push({ name: callee.name.text, receiver: callee.expression.getText(file) });
    } else if (ts.isIdentifier(callee)) calls.push({ name: callee.text, receiver: "" });
  }
  const { parent } = found;
  const isPath =
    ts.isImportDeclaration(parent) ||
    (ts.isCallExpression(parent) &&
      (parent.expression.kind === ts.SyntaxKind.ImportKeyword || parent.expression.getText(file) === "require"));
  return { value: text.slice(start + 1), before: text.slice(0, start), calls, isPath };
}

function isOpen(literal: string): boolean {
  return literal.length === 1 || literal.at(-1) !== literal[0];
}

/** The attributes or relationships that a text can name where a function takes one. */
function namesInString(literal: UnfinishedString, source: CompletionSource): Completions | undefined {
  const [inner, outer] = literal.calls;
  if (!inner) return undefined;
  const takesAttribute = ATTRIBUTE_TAKERS.has(inner.name);
  if (!takesAttribute && !RELATIONSHIP_TAKERS.has(inner.name)) return undefined;
  const isLoader = LOADERS.has(inner.name) && inner.receiver === "";
  const holder = isLoader || inner.receiver === "" ? outer : inner;
  if (!holder || holder.receiver === "") return undefined;
  const query = holder.name === "load" ? queryOfLoaded(literal) : holder.receiver;
  if (query === undefined) return undefined;
  const steps = literal.value.split(".");
  const part = steps.pop() ?? "";
  if (takesAttribute && inner.name !== "loadOnly" && inner.name !== "defer" && steps.length > 0) return undefined;
  const path = [query, ...steps.map((step) => `join(${JSON.stringify(step)})`)].join(".");
  const relationships = new Set(source.entriesAt(`${path}.join("`).map(({ name }) => name));
  if (!takesAttribute) return select([...relationships], part);
  const attributes = source.entriesAt(`${path}.filterBy({ `).map(({ name }) => name);
  return select(
    attributes.filter((name) => !relationships.has(name)),
    part,
  );
}

/** A query of the class of the object that `load(object, "` is about. */
function queryOfLoaded({ before }: UnfinishedString): string | undefined {
  const [, object] = /\bload\(\s*((?:[^"'`]|"[^"]*"|'[^']*')*?)\s*,\s*$/s.exec(before) ?? [];
  if (object === undefined || object === "") return undefined;
  // A name of its own has the type of any expression; nothing of it runs.
  const one = "typeof __$loaded extends readonly (infer E)[] ? E : typeof __$loaded";
  return `const __$loaded = ${object};\ndb.session.query(null as import("sequelize").ModelStatic<${one}>)`;
}
