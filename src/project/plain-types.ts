import { Script } from "node:vm";

/** Strings, comments and templates, in which nothing is looked for. */
const QUIET = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`/g;

/** The type of a constant or of what a function gives: names, lists of them, unions. */
const TYPE = String.raw`[\w.$]+(?:<[\w.$]+>)?(?:\[\])*(?: \| [\w.$]+(?:\[\])*)*`;
const CONSTANT = new RegExp(`^( *)(export )?const (\\w+)(?:: ${TYPE})? = `, "gm");
const FUNCTION = new RegExp(`^export (async )?function (\\w+)\\((?:(\\w+): [\\w.$]+)?\\)(?:: ${TYPE})? \\{`, "gm");

/**
 * The JavaScript of a TypeScript file that speaks of types only where a file of the migrations does: in imports, in the
 * types of exported constants, and in the heads of functions. Lines stay where they are.
 *
 * What the compiler takes half a second for on its first file is a few replacements here. A file that is no JavaScript then,
 * or that might mean something else in it, is left to the compiler.
 *
 * @param provided  modules that may be imported as values; an import of others might be one of types
 * @returns undefined where the compiler must see the file
 */
export function erasePlainTypes(text: string, provided: ReadonlySet<string>): string | undefined {
  const quiet: string[] = [];
  // A placeholder stands for each string and comment, so that nothing is changed in them.
  const bare = text.replace(QUIET, (part) => {
    quiet.push(part);
    return `"${quiet.length - 1}"`;
  });
  // The code in a template is not looked at.
  if (quiet.some((part) => part.startsWith("`") && part.includes("${"))) return undefined;
  const restore = (code: string): string =>
    code.replace(/"(\d+)"/g, (_all, position: string) => quiet[Number(position)] ?? "");
  const erased = bare
    .replace(/^import type [^;\n]*;$/gm, "")
    .replace(/^import \{([^}\n]*)\} from ("\d+");$/gm, (line, names: string, from: string) =>
      provided.has(restore(from).slice(1, -1)) ? requireText(names, from) : line,
    )
    .replace(CONSTANT, (_all, indent: string, isExported: string | undefined, name: string) =>
      isExported === undefined ? `${indent}const ${name} = ` : `${indent}const ${name} = exports.${name} = `,
    )
    .replace(FUNCTION, (_all, isAsync: string | undefined, name: string, parameter: string | undefined) => {
      return `exports.${name} = ${name}; ${isAsync ?? ""}function ${name}(${parameter ?? ""}) {`;
    })
    .replace(/^export default (\w+);$/gm, "exports.default = $1;");
  // f<T>(x) is right in JavaScript too, where it compares; behind a slash quotes may be something else.
  if (/[</]/.test(erased)) return undefined;
  const script = `"use strict"; Object.defineProperty(exports, "__esModule", { value: true }); ${restore(erased)}`;
  try {
    new Script(`(function (exports, require, module) {${script}\n})`);
    return script;
  } catch {
    return undefined;
  }
}

/** Imported names as they are taken out of a module, without those of types. */
function requireText(names: string, from: string): string {
  const values = names
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && !name.startsWith("type "))
    .map((name) => name.replace(/^(\w+) as (\w+)$/, "$1: $2"));
  return `const { ${values.join(", ")} } = require(${from});`;
}
