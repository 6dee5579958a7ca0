import { existsSync, statSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { extname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ShellError } from "../errors";
import { registerTypeScript } from "../project/typescript-files";

const TYPESCRIPT = new Set([".ts", ".tsx", ".cts", ".mts"]);
const ENDINGS = [".ts", ".tsx", ".mts", ".cts", ".js", ".mjs", ".cjs", ".json"];

/** The file that a relative or absolute specifier names, with the endings that a person leaves out; undefined when there is none. */
export function findModuleFile(specifier: string, directory: string): string | undefined {
  const path = specifier.startsWith("file:") ? fileURLToPath(specifier) : resolve(directory, specifier);
  const isFile = (candidate: string): boolean => existsSync(candidate) && statSync(candidate).isFile();
  if (isFile(path)) return path;
  const source = path.replace(/\.([cm]?)js$/, ".$1ts");
  if (source !== path && isFile(source)) return source;
  return [...ENDINGS.map((ending) => path + ending), ...ENDINGS.map((ending) => join(path, `index${ending}`))].find(
    isFile,
  );
}

/** A module that is to be imported and is not there. */
export class ImportError extends ShellError {}

/** What `import … from` gives: the names of a module, `default` among them. */
export type ModuleNamespace = Readonly<Record<string, unknown>>;

/**
 * Imports a module for the prompt: a package, a built-in module, or a file of JavaScript or TypeScript relative to `directory`.
 *
 * CommonJS and ES modules are both taken; a CommonJS module that was not compiled from an ES module has its `module.exports` as `default`.
 *
 * @throws {ImportError} for a module that is not there, or that imports one that is not
 */
export async function importModule(specifier: string, directory: string): Promise<ModuleNamespace> {
  try {
    return await importAny(specifier, directory);
  } catch (error) {
    throw missingModule(error, join(directory, PROMPT_FILE)) ?? error;
  }
}

/** The file that inputs stand in, as far as Node's modules are concerned; it is on no disk. */
const PROMPT_FILE = "input.js";

/** Node's error about a module that is not there, without what it tells of the shell. */
function missingModule(error: unknown, from: string): ImportError | undefined {
  const { code, message, requireStack = [] } = error as { code?: string; message: string; requireStack?: string[] };
  if (code === "ERR_PACKAGE_PATH_NOT_EXPORTED") {
    return new ImportError(message.replace(/ imported from \S*[\\/]input\.c?js$/, ""), { cause: error });
  }
  const [, specifier] = /^Cannot find (?:module|package) '([^']+)'/.exec(message) ?? [];
  if ((code !== "MODULE_NOT_FOUND" && code !== "ERR_MODULE_NOT_FOUND") || specifier === undefined) return undefined;
  const importers = requireStack.filter((file) => file !== from);
  const by = importers[0] === undefined ? "" : `, which ${importers[0]} imports`;
  const isPackage = !/^(?:[./]|file:|node:|[A-Za-z]:)/.test(specifier);
  const name = /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;
  return new ImportError(`Cannot find module '${specifier}'${by}.`, {
    cause: error,
    ...(isPackage ? { hint: `npm install ${name}` } : {}),
  });
}

async function importAny(specifier: string, directory: string): Promise<ModuleNamespace> {
  const require = createRequire(join(directory, PROMPT_FILE));
  const isPath =
    /^\.{0,2}\//.test(specifier) ||
    specifier === "." ||
    specifier === ".." ||
    isAbsolute(specifier) ||
    specifier.startsWith("file:");
  const file = isPath ? findModuleFile(specifier, directory) : undefined;
  const isTypeScript = file !== undefined && TYPESCRIPT.has(extname(file));
  if (isTypeScript) registerTypeScript();
  const target = file ?? specifier;
  try {
    return toNamespace(require(target));
  } catch (error) {
    if (isTypeScript || !isEsModuleError(error)) throw error;
    return importFrom(directory)(file === undefined ? specifier : pathToFileURL(file).href);
  }
}

/** Node's own `import()`, for specifiers as they stand in a file of that directory. */
function importFrom(directory: string): (specifier: string) => Promise<ModuleNamespace> {
  const file = join(directory, "input.cjs");
  // A module that is on no disk: only code in a file of the directory finds the packages of the directory.
  const module = new Module(file) as Module & { _compile(code: string, file: string): unknown };
  module._compile("module.exports = (specifier) => import(specifier);", file);
  return module.exports as (specifier: string) => Promise<ModuleNamespace>;
}

function isEsModuleError(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === "ERR_REQUIRE_ESM" || code === "ERR_REQUIRE_ASYNC_MODULE" || code === "ERR_PACKAGE_PATH_NOT_EXPORTED";
}

function toNamespace(exports: unknown): ModuleNamespace {
  if ((typeof exports !== "object" && typeof exports !== "function") || exports === null) return { default: exports };
  if ("__esModule" in exports || Object.prototype.toString.call(exports) === "[object Module]")
    return exports as ModuleNamespace;
  const namespace = Object.create(null, Object.getOwnPropertyDescriptors(exports)) as Record<string, unknown>;
  for (const name of ["prototype", "length", "name", "arguments", "caller"]) {
    if (typeof exports === "function" && Object.getOwnPropertyDescriptor(namespace, name)?.configurable)
      Reflect.deleteProperty(namespace, name);
  }
  Object.defineProperty(namespace, "default", { value: exports, enumerable: true, configurable: true });
  return namespace;
}
