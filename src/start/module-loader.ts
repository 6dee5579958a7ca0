import { existsSync, readFileSync } from "node:fs";
import Module, { isBuiltin } from "node:module";
import { dirname, join, sep } from "node:path";
import { Script } from "node:vm";
import { withFlagsOfStart } from "./kept-code";
import { type FileStamp, type KeptModule, type ModuleImage, readSource, stampOf } from "./module-image";

/** What Node's loader has and does not declare. */
interface NodeModules {
  readonly _cache: Record<string, Module | undefined>;
  readonly _extensions: Record<string, unknown>;
  _resolveFilename(request: string, parent: Module | undefined, isMain?: boolean, options?: object): string;
  _resolveLookupPaths(request: string, parent: Module | undefined): string[] | null;
  _nodeModulePaths(folder: string): string[];
}

const node = Module as unknown as NodeModules;

/** A module of this process: what the image keeps of it, or what is to be kept. */
interface LoadedModule {
  readonly stamp: FileStamp;
  readonly source: string;
  readonly requests: Record<string, string>;
  /** The code that the image keeps; undefined where it keeps none that V8 takes. */
  readonly code: Buffer | undefined;
  readonly script: Script;
}

/** `import("./name.js")` and `await import("name")`, as the compiler leaves them in CommonJS; in texts they have no such form. */
const OWN_IMPORT = /\bimport\(("\.{1,2}\/[^"\n]+\.js")\)|(?<=\bawait )import\(("[\w@/:.-]+")\)/g;
const ANY_IMPORT = /\bimport\s*\(/;
const OTHER_IMPORT = /(?<!#)\bimport\s*\((?![")])|\bawait import\(/;
/** Packages for drawing, as they are required where the sources also run as ES modules. */
const OWN_REQUIRE = /\(0, node_module_\d+\.createRequire\)\(__filename\)(?=\("(?:chalk|cli-table3)"\))/g;

/** The files whose requests may wait. */
const OF_SEQUELIZE = /[\\/]node_modules[\\/]sequelize[\\/]lib[\\/]/;

/**
 * Loads CommonJS modules as `require` does, with the code that an image keeps of them, and notes what it had to compile.
 *
 * Loaded modules stand in Node's own table of modules: whatever else asks for one of them gets the same. What is no CommonJS, is
 * native or is JSON is left to Node.
 */
export class ModuleLoader {
  readonly #image: ModuleImage;
  /** The folder of the program's own modules: in them `import()` of another one takes this way too. */
  readonly #own: string;
  /** What the image does not keep, or not with all its requests. */
  readonly #unsaved = new Map<string, LoadedModule>();
  #deferredModule: unknown;
  readonly #isModuleFolder = new Map<string, boolean>();

  constructor(image: ModuleImage, ownFolder: string) {
    this.#image = image;
    this.#own = ownFolder + sep;
  }

  /** Loads a file and everything that it requires. */
  require(file: string, parent: Module): unknown {
    const known = node._cache[file];
    if (known) return known.exports;
    const loaded = file.endsWith(".js") ? (this.#kept(file) ?? this.#compile(file)) : undefined;
    if (!loaded) return parent.require(file);
    if (!loaded.code) this.#unsaved.set(file, loaded);
    const folder = dirname(file);
    const module = new Module(file, parent);
    module.filename = file;
    module.paths = node._nodeModulePaths(folder);
    node._cache[file] = module;
    try {
      const run = loaded.script.runInThisContext() as (...given: unknown[]) => void;
      run.call(module.exports, module.exports, this.#requireOf(module, loaded), module, file, folder);
      module.loaded = true;
    } catch (error) {
      Reflect.deleteProperty(node._cache, file);
      throw error;
    }
    return module.exports;
  }

  /** Keeps what was compiled in this process, functions that ran included. A cache that cannot be written is done without. */
  save(): void {
    if (this.#unsaved.size === 0) return;
    const further = new Map<string, KeptModule>();
    for (const [file, { stamp, source, requests, code, script }] of this.#unsaved)
      further.set(file, { stamp, source, requests, code: code ?? withFlagsOfStart(() => script.createCachedData()) });
    this.#unsaved.clear();
    try {
      this.#image.write(further);
    } catch {
      // A read-only home directory, a full disk: every start compiles anew.
    }
  }

  #kept(file: string): LoadedModule | undefined {
    const kept = this.#image.module(file);
    if (!kept) return undefined;
    const { stamp, source, requests, code } = kept;
    const script = withFlagsOfStart(() => new Script(source, { filename: file, cachedData: code }));
    return { stamp, source, requests: { ...requests }, script, code: script.cachedDataRejected ? undefined : code };
  }

  #compile(file: string): LoadedModule | undefined {
    const stamp = stampOf(file);
    if (!stamp || this.#isEsModule(file)) return undefined;
    let text = readSource(file);
    const isOwn = file.startsWith(this.#own);
    if (isOwn) {
      text = text.replace(OWN_IMPORT, "Promise.resolve().then(() => require($1$2))").replace(OWN_REQUIRE, "require");
    }
    // A script has no import() of its own.
    if ((isOwn ? OTHER_IMPORT : ANY_IMPORT).test(text)) return undefined;
    const source = Module.wrap(text);
    return { stamp, source, requests: {}, script: new Script(source, { filename: file }), code: undefined };
  }

  /** Which modules may wait: a module of this folder that few starts need before the prompt. */
  #deferred(): typeof import("./deferred-module") {
    const known = (this.#deferredModule ??= this.require(join(__dirname, "deferred-module.js"), module));
    return known as typeof import("./deferred-module");
  }

  #requireOf(module: Module, loaded: LoadedModule): NodeJS.Require {
    const { requests } = loaded;
    const resolve = (request: string, options?: object): string =>
      node._resolveFilename(request, module, false, options);
    const mayWait = OF_SEQUELIZE.test(module.filename);
    const require = (request: string): unknown =>
      mayWait ? this.#deferred().deferred(request, () => requireNow(request)) : requireNow(request);
    const requireNow = (request: string): unknown => {
      const known = requests[request];
      if (known !== undefined) return this.require(known, module);
      if (typeof request !== "string" || isBuiltin(request)) return module.require(request);
      const file = resolve(request);
      requests[request] = file;
      this.#unsaved.set(module.filename, loaded);
      return this.require(file, module);
    };
    return Object.assign(require, {
      resolve: Object.assign(resolve, { paths: (request: string) => node._resolveLookupPaths(request, module) }),
      main: process.mainModule,
      extensions: node._extensions,
      cache: node._cache,
    }) as unknown as NodeJS.Require;
  }

  /** Whether the package of a file says that its files are ES modules. */
  #isEsModule(file: string): boolean {
    const folders: string[] = [];
    let found = false;
    for (let folder = dirname(file); ; folder = dirname(folder)) {
      const known = this.#isModuleFolder.get(folder);
      if (known !== undefined) {
        found = known;
        break;
      }
      folders.push(folder);
      const manifest = join(folder, "package.json");
      if (existsSync(manifest)) {
        found = (JSON.parse(readFileSync(manifest, "utf8")) as { type?: string }).type === "module";
        break;
      }
      if (folder === dirname(folder)) break;
    }
    for (const folder of folders) this.#isModuleFolder.set(folder, found);
    return found;
  }
}
