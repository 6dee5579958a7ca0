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

/** The bytes of bytecode up to which V8 optimizes a function, as it is by itself and as it is where large ones are spared. */
const LARGEST_OPTIMIZED = { byItself: 61_440, sparing: 12_000 } as const;

let sparesLargeFunctions = false;

/**
 * Lets V8 leave functions as they are that are too large to gain by being optimized: two of the compiler of TypeScript take 130 MB and
 * seconds each time. This holds in all threads; each that reads or makes compiled code says it for itself, and first.
 */
export function spareLargeFunctions(): void {
  sparesLargeFunctions = true;
  setLargestOptimized("sparing");
}

/** Does what reads or makes compiled code: V8 takes code only under the flags under which it was made, those of the start. */
export function withFlagsOfStart<T>(work: () => T): T {
  if (!sparesLargeFunctions) return work();
  setLargestOptimized("byItself");
  try {
    return work();
  } finally {
    setLargestOptimized("sparing");
  }
}

function setLargestOptimized(which: keyof typeof LARGEST_OPTIMIZED): void {
  process.getBuiltinModule("node:v8").setFlagsFromString(`--max-optimized-bytecode-size=${LARGEST_OPTIMIZED[which]}`);
}
