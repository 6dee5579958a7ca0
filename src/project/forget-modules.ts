import { createRequire } from "node:module";
import { sep } from "node:path";

/**
 * Makes the files of projects be read anew when they are loaded next: CommonJS and TypeScript, not packages and not ES modules.
 *
 * @param keep  a folder whose files stay as they are: the program's own
 */
export function forgetModules(keep: string): void {
  const { cache } = createRequire(__filename);
  for (const path of Object.keys(cache)) {
    const isPackage = path.includes(`${sep}node_modules${sep}`) || path.startsWith(`${keep}${sep}`);

    if (!isPackage) delete cache[path];
  }
}
