import { cacheFolder } from "./kept-code";
import { ModuleImage } from "./module-image";
import { ModuleLoader } from "./module-loader";

let loader: ModuleLoader | undefined;

/** Options of Node that put something of their own between `require` and the modules. */
const OTHER_LOADERS = /(?:^|\s)(?:-r|--require|--import|--loader|--experimental-loader|--experimental-default-type)\b/;

/**
 * Loads a module of the built program with the code that earlier starts compiled; plainly where that cannot be: in the sources, beside
 * other loaders, where coverage is measured, and without a home directory.
 *
 * @param file  absolute
 * @param ownFolder  the folder of the program's modules
 */
export function loadProgram(file: string, ownFolder: string, from: NodeJS.Module): unknown {
  const options = [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].join(" ");
  const folder = cacheFolder();
  const isPlain = !file.endsWith(".js") || OTHER_LOADERS.test(options) || process.env["NODE_V8_COVERAGE"] !== undefined;
  if (folder === undefined || isPlain) return from.require(file);
  const key = [process.version, process.arch, options, ownFolder].join("\n");
  loader = new ModuleLoader(ModuleImage.read(folder, key, ownFolder), ownFolder);
  return loader.require(file, from);
}

/** Keeps for later starts what was compiled in this one, if anything was. To be called when nothing else is to be done. */
export function saveCompiledModules(): void {
  loader?.save();
}
