import { readFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { dirname, extname, join, sep } from "node:path";
import { pathToFileURL } from "node:url";

/** How often modules were forgotten. */
let generation = 0;
let hooked = false;

/**
 * Makes the files of projects be read anew when they are loaded next, not those of packages.
 *
 * CommonJS and TypeScript leave the cache of `require`. ES modules cannot leave theirs: they get other URLs, see {@link freshUrl}.
 *
 * @param keep  a folder whose files stay as they are: the program's own
 */
export function forgetModules(keep: string): void {
  generation += 1;
  const { cache } = createRequire(__filename);
  for (const path of Object.keys(cache)) {
    const isPackage = path.includes(`${sep}node_modules${sep}`) || path.startsWith(`${keep}${sep}`);
    if (!isPackage) delete cache[path];
  }
}

/** Whether a file is an ES module that was perhaps loaded before the last forgetting, and is found by {@link freshUrl} alone. */
export function isForgottenEsModule(file: string): boolean {
  if (generation === 0) return false;
  const ending = extname(file);
  return ending === ".mjs" || (ending === ".js" && packageType(dirname(file)) === "module");
}

/** The URL under which an ES module is imported since the last forgetting, and with it whatever it imports of the project. */
export function freshUrl(file: string): string {
  const { href } = pathToFileURL(file);
  if (generation === 0) return href;
  if (!hooked) Module.register(`data:text/javascript,${encodeURIComponent(PASS_ON)}`);
  hooked = true;
  return `${href}?generation=${generation}`;
}

/** A hook of Node's loader: what a module of a generation imports is of the same generation. */
const PASS_ON = `
export async function resolve(specifier, context, next) {
  const found = await next(specifier, context);
  const generation = /\\?generation=\\d+$/.exec(context.parentURL ?? "")?.[0];
  const isOfProject = found.format === "module" && /^file:[^?]*$/.test(found.url) && !found.url.includes("/node_modules/");
  return generation !== undefined && isOfProject ? { ...found, url: found.url + generation } : found;
}
`;

/** What the nearest package.json says of its files. */
function packageType(folder: string): unknown {
  try {
    return (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { type?: unknown }).type;
  } catch {
    return dirname(folder) === folder ? undefined : packageType(dirname(folder));
  }
}
