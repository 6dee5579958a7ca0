import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { extname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const TYPESCRIPT = new Set([".ts", ".tsx", ".cts", ".mts"]);
const ENDINGS = [".ts", ".tsx", ".mts", ".cts", ".js", ".mjs", ".cjs", ".json"];

let compilesTypeScript = false;

/** Lets `require` take TypeScript files, by ts-node without type checks. Once, and only when the first such file is asked for. */
export function compileTypeScriptFiles(): void {
  if (compilesTypeScript) return;
  compilesTypeScript = true;
  const { register } = createRequire(__filename)("ts-node") as typeof import("ts-node");
  register({
    transpileOnly: true,
    skipProject: true,
    compilerOptions: {
      module: "commonjs",
      moduleResolution: "node10",
      target: "es2022",
      esModuleInterop: true,
      experimentalDecorators: true,
      useDefineForClassFields: false,
    },
  });
}

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
  if (file && TYPESCRIPT.has(extname(file))) compileTypeScriptFiles();
  const target = file ?? specifier;
  try {
    return toNamespace(require(target));
  } catch (error) {
    if (!isEsModuleError(error)) throw error;
    const path = file ?? require.resolve(target);
    return (await import(isAbsolute(path) ? pathToFileURL(path).href : path)) as ModuleNamespace;
  }
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
