import { statSync } from "node:fs";
import { join } from "node:path";

/** The folder of compiled code: `$XDG_CACHE_HOME/sequelize-shell`, or `~/.cache/sequelize-shell`; undefined for none. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const base = environment["XDG_CACHE_HOME"];
  if (base !== undefined && base !== "") return join(base, "sequelize-shell");
  const home = homeFolder(environment);
  return home === undefined ? undefined : join(home, ".cache", "sequelize-shell");
}

/** The folder of the user; undefined for one without. */
function homeFolder({ HOME }: NodeJS.ProcessEnv): string | undefined {
  // What os.homedir() says there too; a start does without loading it.
  if (HOME !== undefined && HOME !== "" && process.platform !== "win32") return HOME;
  try {
    return process.getBuiltinModule("node:os").homedir();
  } catch {
    return undefined;
  }
}

/**
 * Whether a cache file may be run: nobody but this user can have written it.
 *
 * V8 runs compiled code as it stands, so such a file is a program. On Windows a user's folder is closed to others by itself.
 */
export function isOwnFile(file: string): boolean {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found?.isFile()) return false;
  const { getuid } = process;
  return getuid === undefined || (found.uid === getuid.call(process) && (found.mode & 0o022) === 0);
}
