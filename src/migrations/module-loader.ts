import { loadFreshModule } from "../project/fresh-module";
import { MigrationError } from "./migration-error";

/** The name under which revision files import what they are given. */
export const PUBLIC_MODULE = "sequelize-shell/migrations";

/**
 * Loads a module of a person's migrations, TypeScript or JavaScript, as it is now.
 *
 * In the module, and in what it loads in turn, {@link PUBLIC_MODULE} is the running copy, wherever the file stands.
 *
 * @param path  absolute
 * @throws {MigrationError} naming the file, when it does not compile or throws
 */
export async function loadModule(path: string): Promise<Record<string, unknown>> {
  const provided = await import("./public.js");
  try {
    return loadFreshModule(path, new Map([[PUBLIC_MODULE, provided]])) as Record<string, unknown>;
  } catch (cause) {
    throw new MigrationError(`Cannot load ${path}: ${(cause as Error).message}`, { cause });
  }
}
