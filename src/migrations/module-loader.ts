import { readFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { dirname } from "node:path";
import type { Service } from "ts-node";
import { MigrationError } from "./migration-error";

/** The name under which revision files import what they are given. */
export const PUBLIC_MODULE = "sequelize-shell/migrations";

/** Parts of Node's module system that its type declarations leave out. */
interface ModuleParts extends Module {
  _compile(code: string, path: string): void;
}
interface ModuleClass {
  new (id: string, parent?: Module | null): ModuleParts;
  _nodeModulePaths(from: string): string[];
  _extensions: Record<string, ((module: ModuleParts, path: string) => void) | undefined>;
}

let compiler: Service | undefined;

/**
 * Loads a module of a person's migrations: TypeScript or JavaScript, without a look at types.
 *
 * TypeScript is compiled one file at a time; its compiler is loaded at the first file that needs it. In the module, and in
 * what it loads in turn, {@link PUBLIC_MODULE} is `publicExports`: the running copy, wherever the file stands.
 *
 * @throws {MigrationError} naming the file, when it does not compile or throws
 */
export function loadModule(path: string, publicExports: object): Record<string, unknown> {
  try {
    return new Loader(publicExports).load(path) as Record<string, unknown>;
  } catch (cause) {
    throw new MigrationError(`Cannot load ${path}: ${(cause as Error).message}`, { cause });
  }
}

class Loader {
  readonly #publicExports: object;
  readonly #loaded = new Map<string, Module>();

  constructor(publicExports: object) {
    this.#publicExports = publicExports;
  }

  load(path: string): unknown {
    const known = this.#loaded.get(path);
    if (known) return known.exports;
    const Class = Module as unknown as ModuleClass;
    const loaded = new Class(path, null);
    loaded.filename = path;
    loaded.paths = Class._nodeModulePaths(dirname(path));
    this.#loaded.set(path, loaded);
    const own = createRequire(path);
    loaded.require = ((id: string): unknown => {
      if (id === PUBLIC_MODULE) return this.#publicExports;
      const neighbour = this.#neighbour(id, path);
      return neighbour === undefined ? own(id) : this.load(neighbour);
    }) as NodeJS.Require;
    loaded._compile(compile(readFileSync(path, "utf8"), path), path);
    loaded.loaded = true;
    return loaded.exports;
  }

  /** The path of a TypeScript file that a module names by a relative path, with or without its ending. */
  #neighbour(id: string, from: string): string | undefined {
    if (!/^\.{1,2}\//.test(id)) return undefined;
    const own = createRequire(from);
    const bare = id.replace(/\.(?:[cm]?js|ts)$/, "");
    for (const candidate of [id, `${bare}.ts`, `${id}.ts`, `${id}/index.ts`]) {
      if (!candidate.endsWith(".ts")) continue;
      try {
        return own.resolve(candidate);
      } catch {
        // Not this one.
      }
    }
    return undefined;
  }
}

function compile(code: string, path: string): string {
  if (!/\.[cm]?tsx?$/.test(path)) return code;
  compiler ??= (createRequire(__filename)("ts-node") as typeof import("ts-node")).create({
    transpileOnly: true,
    skipProject: true,
    // The person's compiler may be of any version; the one of this package is known.
    projectSearchDir: __dirname,
    compilerOptions: { module: "commonjs", moduleResolution: "node", target: "es2022", esModuleInterop: true },
  });
  return compiler.compile(code, path);
}
