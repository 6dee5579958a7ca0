import { existsSync, statSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { extname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
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

/** What `import … from` gives: the names of a module, `default` among them. */
export type ModuleNamespace = Readonly<Record<string, unknown>>;

/**
 * Imports a module for the prompt: a package, a built-in module, or a file of JavaScript or TypeScript relative to `directory`.
 *
 * CommonJS and ES modules are both taken; a CommonJS module that was not compiled from an ES module has its `module.exports` as `default`.
 */
export async function importModule(specifier: string, directory: string): Promise<ModuleNamespace> {
  const require = createRequire(join(directory, "input.js"));
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
