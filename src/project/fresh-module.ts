import { readFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { dirname, sep } from "node:path";
import { erasePlainTypes } from "./plain-types";
import { compileTypeScript, isTypeScript, registerTypeScript } from "./typescript-files";

/** Parts of Node's module system that its type declarations leave out. */
interface ModuleParts extends Module {
  _compile(code: string, path: string): void;
}
interface ModuleClass {
  new (id: string, parent?: Module | null): ModuleParts;
  _nodeModulePaths(from: string): string[];
}

/**
 * Loads a file of the project anew each time, with what it loads from the project in turn: TypeScript, ES modules or CommonJS.
 *
 * Packages are loaded once, as always. TypeScript and ES modules are loaded without a look at types; their compiler comes with the first file that needs it.
 *
 * @param path      absolute
 * @param provided  modules that are given by their names, in place of what would be found
 * @throws what the file throws, or the compiler
 */
export function loadFreshModule(path: string, provided: ReadonlyMap<string, object>): unknown {
  return new FreshModules(provided).load(path);
}

/** The files of one loading. */
class FreshModules {
  readonly #provided: ReadonlyMap<string, object>;
  readonly #loaded = new Map<string, Module>();

  constructor(provided: ReadonlyMap<string, object>) {
    this.#provided = provided;
  }

  load(path: string): unknown {
    const known = this.#loaded.get(path);
    if (known) return known.exports;
    const Class = Module as unknown as ModuleClass;
    const loaded = new Class(path, null);
    loaded.filename = path;
    loaded.paths = Class._nodeModulePaths(dirname(path));
    this.#loaded.set(path, loaded);
    const text = readFileSync(path, "utf8");
    const isCompiled = isTypeScript(path) || /^(?:import|export)\b/m.test(text);
    // So that what it imports is found under the names of TypeScript; the compiler itself is loaded when it is needed.
    if (isCompiled) registerTypeScript();
    const own = createRequire(path);
    loaded.require = ((id: string): unknown => {
      const given = this.#provided.get(id);
      if (given !== undefined) return given;
      if (!/^\.{1,2}(?:\/|$)/.test(id)) return own(id);
      const file = own.resolve(id);
      return isCode(file) ? this.load(file) : own(file);
    }) as NodeJS.Require;
    const toJavaScript = (): string =>
      erasePlainTypes(text, new Set(this.#provided.keys())) ?? compileTypeScript(text, path);
    loaded._compile(isCompiled ? toJavaScript() : text, path);
    loaded.loaded = true;
    return loaded.exports;
  }
}

/** Whether a file is code of the project, and not of a package that stands in it. */
function isCode(path: string): boolean {
  return /\.[cm]?[jt]sx?$/.test(path) && !path.includes(`${sep}node_modules${sep}`);
}
