import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";

/** The file of the projects whose code may be loaded: `$SEQUELIZE_SHELL_TRUSTED` (empty for none), or one in the home directory. */
export function trustFile(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = environment["SEQUELIZE_SHELL_TRUSTED"];
  if (named !== undefined) return named === "" ? undefined : named;
  return join(homedir(), ".sequelize_shell_trusted");
}

/** The folder of the project that a file or folder belongs to: the nearest one upwards with a package.json, else its own. */
export function projectFolder(path: string): string {
  const full = resolve(path);
  const own = existsSync(full) && statSync(full).isDirectory() ? full : dirname(full);
  for (let folder = own; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return folder;
    if (folder === dirname(folder)) return own;
  }
}

/** Whether the person has agreed to load the code of a project. */
export function isTrusted(folder: string, file: string | undefined): boolean {
  if (file === undefined || !existsSync(file)) return false;
  return readFileSync(file, "utf8").split("\n").includes(folder);
}

/** Remembers that the code of a project may be loaded; where that cannot be written, the question comes again. */
export function rememberTrust(folder: string, file: string | undefined): void {
  if (file === undefined) return;
  try {
    mkdirSync(dirname(file), { recursive: true });
    appendFileSync(file, `${folder}\n`, { mode: 0o600 });
  } catch {
    // A home that cannot be written to is no reason to refuse what the person has just allowed.
  }
}
