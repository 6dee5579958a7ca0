import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** What a package.json exports under a path: a file, choices by condition, or the first of several that is there. */
type Target = string | null | readonly Target[] | { readonly [condition: string]: Target };

const CONDITIONS = new Set(["node", "import", "module-sync", "default"]);

/**
 * The file of a package that an `import` of it finds: Node's own `require` does not see what is exported for imports alone.
 *
 * @param specifier  such as `package`, `@scope/package/part`
 * @param from       the file that imports it
 * @returns undefined where no such package or no such export is found
 */
export function importedFile(specifier: string, from: string): string | undefined {
  const [, name, rest = ""] = /^((?:@[^/]+\/)?[^./@][^/]*)(\/.*)?$/.exec(specifier) ?? [];
  if (name === undefined) return undefined;
  for (let folder = dirname(from); ; folder = dirname(folder)) {
    const root = join(folder, "node_modules", name);
    const description = join(root, "package.json");
    if (existsSync(description)) {
      const { exports } = JSON.parse(readFileSync(description, "utf8")) as { exports?: Target };
      const target = exports === undefined ? undefined : exported(exports, `.${rest}`);
      return target === undefined ? undefined : join(root, target);
    }
    if (folder === dirname(folder)) return undefined;
  }
}

/** The file under a path of `exports`, relative to the package. */
function exported(exports: Target, path: string): string | undefined {
  const isByPath =
    typeof exports === "object" &&
    exports !== null &&
    !Array.isArray(exports) &&
    Object.keys(exports).some((key) => key.startsWith("."));
  if (!isByPath) return path === "." ? chosen(exports, "") : undefined;
  const paths = exports as Readonly<Record<string, Target>>;
  const exact = paths[path];
  if (exact !== undefined) return chosen(exact, "");
  // The longest beginning is the one that is meant.
  const patterns = Object.keys(paths)
    .filter((key) => key.includes("*"))
    .sort((a, b) => b.indexOf("*") - a.indexOf("*"));
  for (const pattern of patterns) {
    const [before = "", after = ""] = pattern.split("*");
    if (!path.startsWith(before) || !path.endsWith(after) || path.length < before.length + after.length) continue;
    return chosen(paths[pattern] ?? null, path.slice(before.length, path.length - after.length));
  }
  return undefined;
}

/** The first choice whose condition holds, with `star` in the place of its asterisk. */
function chosen(target: Target, star: string): string | undefined {
  if (target === null) return undefined;
  if (typeof target === "string") return target.startsWith("./") ? target.replaceAll("*", star) : undefined;
  if (Array.isArray(target)) {
    for (const each of target as readonly Target[]) {
      const file = chosen(each, star);
      if (file !== undefined) return file;
    }
    return undefined;
  }
  for (const [condition, each] of Object.entries(target as Readonly<Record<string, Target>>)) {
    const file = CONDITIONS.has(condition) ? chosen(each, star) : undefined;
    if (file !== undefined) return file;
  }
  return undefined;
}
