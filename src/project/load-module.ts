import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { extname, resolve } from "node:path";
import { ShellError } from "../errors";
import { freshUrl, isForgottenEsModule } from "./forget-modules";
import { registerTypeScript } from "./typescript-files";

/** A module of the person's project that cannot be loaded; `file` names it. */
export class ModuleLoadError extends ShellError {
  readonly file: string;

  constructor(file: string, cause: unknown) {
    super(`Cannot load "${file}": ${firstLine(cause)}`, { cause });
    this.file = file;
  }
}

/**
 * Loads one file of the project: TypeScript or JavaScript, CommonJS or ES module.
 *
 * @param path  relative to the working directory
 * @throws {ModuleLoadError} which names the file
 */
export async function loadModule(path: string): Promise<Record<string, unknown>> {
  const file = resolve(path);
  try {
    if (!existsSync(file) || !statSync(file).isFile()) throw new Error("there is no such file");
    const require = createRequire(file);
    if (/^\.[cm]?ts$/.test(extname(file))) {
      registerTypeScript();
      return asExports(require(file));
    }
    if (extname(file) === ".mjs" || isForgottenEsModule(file)) return asExports(await import(freshUrl(file)));
    try {
      return asExports(require(file));
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== "ERR_REQUIRE_ESM" && code !== "ERR_REQUIRE_ASYNC_MODULE") throw error;
      return asExports(await import(freshUrl(file)));
    }
  } catch (error) {
    throw new ModuleLoadError(path, error);
  }
}

function asExports(loaded: unknown): Record<string, unknown> {
  return typeof loaded === "object" && loaded !== null ? (loaded as Record<string, unknown>) : { default: loaded };
}

function firstLine(error: unknown): string {
  const message =
    error instanceof Error ? `${error.name === "Error" ? "" : `${error.name}: `}${error.message}` : String(error);
  return message.split("\n", 1)[0] ?? "";
}
