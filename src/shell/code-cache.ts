import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import Module from "node:module";
import { dirname, join } from "node:path";
import * as vm from "node:vm";
import { isMainThread } from "node:worker_threads";
import { cacheFolder, isOwnFile, withFlagsOfStart } from "../start/kept-code";

/** Modules that were compiled here and whose compiled form is not kept yet. */
const unsaved = new Map<string, vm.Script>();

/**
 * Loads a large CommonJS package as `require` does, with the code that V8 compiled of it at an earlier start.
 *
 * The compiled code is kept by {@link saveCompiledCode}. Where it cannot be kept or read, the package loads without it.
 */
export function loadCached<T>(name: string): T {
  const require = createRequire(__filename);
  const file = require.resolve(name);
  const loaded = require.cache[file];
  if (loaded) return loaded.exports as T;
  const folder = cacheFolder();
  if (folder === undefined) return require(name) as T;
  const source = readFileSync(file, "utf8");
  const cacheFile = join(folder, cacheName(name, require, source));
  const script = withFlagsOfStart(
    () => new vm.Script(Module.wrap(source), { filename: file, ...cachedDataOf(cacheFile) }),
  );
  if (script.cachedDataRejected !== false) unsaved.set(cacheFile, script);
  const module = new Module(file);
  module.filename = file;
  module.paths = require.resolve.paths(name) ?? [];
  // So that everything else that requires the package gets this one: ts-node among them.
  require.cache[file] = module;
  const run = script.runInThisContext() as (...given: unknown[]) => void;
  run.call(module.exports, module.exports, createRequire(file), module, file, dirname(file));
  module.loaded = true;
  return module.exports as T;
}

/**
 * Keeps the code that V8 has compiled so far, for the next start. To be called once the package has done its work: what it ran is kept.
 */
export function saveCompiledCode(): void {
  for (const [file, script] of unsaved) {
    unsaved.delete(file);
    try {
      const folder = dirname(file);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const temporary = `${file}.${process.pid}`;
      const code = withFlagsOfStart(() => script.createCachedData());
      writeFileSync(temporary, code, { mode: 0o600 });
      renameSync(temporary, file);
      removeOlder(folder, file);
    } catch {
      // A read-only home directory: every start compiles anew.
    }
  }
}

/** Whether {@link saveCompiledCode} has something to keep. */
export function hasUnsavedCode(): boolean {
  return unsaved.size > 0;
}

/** V8 checks its own version and the length of the text; the rest is in the name. */
function cacheName(name: string, require: NodeJS.Require, source: string): string {
  const { version } = require(`${name}/package.json`) as { version: string };
  // What a thread runs of a package differs: the prompt compiles, the worker checks.
  const use = isMainThread ? "main" : "worker";
  return `${name}-${version}-${source.length}-${use}-${process.version}-${process.arch}.v8`;
}

function cachedDataOf(file: string): { cachedData?: Buffer } {
  try {
    return isOwnFile(file) ? { cachedData: readFileSync(file) } : {};
  } catch {
    return {};
  }
}

/** Removes what versions of Node or of the package left that are not used any more: all but the newest few. */
function removeOlder(folder: string, kept: string): void {
  const mine = readdirSync(folder).filter((name) => name.endsWith(".v8") && join(folder, name) !== kept);
  const sorted = mine.sort();
  for (const name of sorted.slice(0, Math.max(0, sorted.length - MOST_FILES)))
    rmSync(join(folder, name), { force: true });
}

const MOST_FILES = 11;
