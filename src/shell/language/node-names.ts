import * as vm from "node:vm";

/** The methods of the console that are declared here as Node's types declare them. */
const WRITING = "debug error info log warn".split(" ");

/**
 * What the library and Sequelize name of Node's types, and what writes to the console: enough for a session that mentions nothing else
 * of Node, at half of the memory.
 *
 * As long as nothing else is mentioned, everything has the same type with these as with all of Node's types.
 */
export const NODE_OUTLINE = `
interface Buffer<T extends ArrayBufferLike = ArrayBufferLike> extends Uint8Array<T> {}
declare namespace NodeJS {
  interface CallSite {}
}
declare module "node:util" {
  export const inspect: { readonly custom: unique symbol };
}
interface Console {
  ${WRITING.map((name) => `${name}(message?: any, ...optionalParams: any[]): void;`).join("\n  ")}
}
declare var console: Console;
`;

/** Words by which other code comes in, and names that Node's types have beyond its globals; the console is in every context of V8. */
const FURTHER_NAMES = "import require module exports __filename __dirname global gc console NodeJS".split(" ");
const WORD = /[\p{ID_Start}$_][\p{ID_Continue}$]*/gu;
/** A word at the end that is no member of something. */
const LAST_WORD = /(?<![\p{ID_Continue}$.])[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;
const WRITES = new RegExp(`(?<![\\w$.])console\\.(?:${WRITING.join("|")})(?=\\()`, "g");

let known: readonly string[] | undefined;

/** The names that Node adds to those of the language. */
function nodeNames(): readonly string[] {
  if (known) return known;
  const ofLanguage = new Set(vm.runInNewContext("Object.getOwnPropertyNames(globalThis)") as string[]);
  const added = Object.getOwnPropertyNames(globalThis).filter((name) => !ofLanguage.has(name));
  return (known = [...added, ...FURTHER_NAMES]);
}

/**
 * Whether a text mentions anything of Node that {@link NODE_OUTLINE} does not declare.
 *
 * @param purpose  a text that is looked at is to be shown what is declared, and its last word may go on
 */
export function mentionsNode(text: string, purpose: "checked" | "looked at"): boolean {
  const words = new Set((purpose === "checked" ? text.replace(WRITES, "") : text).match(WORD));
  const last = purpose === "checked" ? undefined : LAST_WORD.exec(text)?.[0];
  return nodeNames().some((name) => words.has(name) || (last !== undefined && name.startsWith(last)));
}

/** Whether the names of the context have types of Node: columns of bytes, and classes of a project, which may name anything. */
export function declarationsNeedNode(declarations: string): boolean {
  return /\bBuffer\b|\bimport\("(?!\.\.\/|sequelize")/.test(declarations);
}
