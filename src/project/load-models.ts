import { existsSync, readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import type { Model, ModelStatic, Sequelize } from "sequelize";
import { ArgumentError } from "../errors";
import { loadModule } from "./load-module";

/** A function of a project that defines a model: `(sequelize, DataTypes) => Model`. */
export type DefineModel = (sequelize: Sequelize, DataTypes: unknown) => unknown;

/** What the project's model files hold. */
export interface ProjectModels {
  /** The project's own Sequelize instance, where a file exports one or a model that is defined on one. */
  sequelize: Sequelize | undefined;
  /** Defines the other models on an instance and declares their associations. */
  define: (sequelize: Sequelize) => void;
  /** The project's own copy of Sequelize, whose classes its models extend; undefined where it has none. */
  SequelizeClass: typeof Sequelize | undefined;
  /** The files that were read. */
  files: readonly string[];
}

const MODEL_FILE = /(?<!\.d)(?<!\.test)(?<!\.spec)\.[cm]?[jt]s$/;

/**
 * Reads the models of a project: one module or a folder of them.
 *
 * A module may export a Sequelize instance, model classes, functions `(sequelize, DataTypes) => Model`, or what sequelize-cli's
 * `models/index` exports. A folder with an index is read through it.
 *
 * @throws {ModuleLoadError} for the first file that does not load: models are all read or none
 * @throws {ArgumentError} where there is no such path or no model in it
 */
export async function loadModels(path: string): Promise<ProjectModels> {
  const files = modelFiles(path);
  const found: unknown[] = [];
  for (const file of files) {
    const exports = await loadModule(file);
    const inner = exports["default"];
    const nested =
      typeof inner === "object" && inner !== null && !isSequelize(inner)
        ? Object.values(inner as Record<string, unknown>)
        : [];
    found.push(...Object.values(exports), ...nested);
  }
  const models = found.filter(isModel);
  const sequelize = found.find(isSequelize) ?? models.find((model) => model.sequelize)?.sequelize;
  const functions = [...new Set(found.filter(isDefineFunction))];
  if (sequelize === undefined && functions.length === 0) {
    throw new ArgumentError(`Found no models in "${path}".`, {
      hint: "export a Sequelize instance, model classes, or functions (sequelize, DataTypes) => Model",
    });
  }
  return {
    sequelize,
    SequelizeClass: projectSequelize(files[0] ?? path),
    files,
    define: (target) => defineAll(functions, target),
  };
}

function defineAll(functions: readonly DefineModel[], sequelize: Sequelize): void {
  const { DataTypes } = sequelize.constructor as unknown as { DataTypes: unknown };
  for (const define of functions) define(sequelize, DataTypes);
  for (const model of Object.values(sequelize.models)) {
    (model as ModelStatic<Model> & { associate?: (models: object) => void }).associate?.(sequelize.models);
  }
}

function modelFiles(path: string): string[] {
  const full = resolve(path);
  if (!existsSync(full)) throw new ArgumentError(`There is no file or folder "${path}" to read models from.`);
  if (!statSync(full).isDirectory()) return [full];
  const names = readdirSync(full)
    .filter((name) => MODEL_FILE.test(name))
    .sort();
  const index = names.find((name) => /^index\./.test(name));
  return (index === undefined ? names : [index]).map((name) => join(full, name));
}

function projectSequelize(file: string): typeof Sequelize | undefined {
  try {
    return (createRequire(file)("sequelize") as { Sequelize: typeof Sequelize }).Sequelize;
  } catch {
    // The project has no copy of its own: ours is used.
    return undefined;
  }
}

function isSequelize(value: unknown): value is Sequelize {
  return typeof value === "object" && value !== null && "modelManager" in value && "define" in value;
}

function isModel(value: unknown): value is ModelStatic<Model> {
  return (
    typeof value === "function" && "rawAttributes" in value && "sequelize" in value && value.rawAttributes !== undefined
  );
}

/** A function, but no class: a model class that was not initialised has nothing to say. */
function isDefineFunction(value: unknown): value is DefineModel {
  return (
    typeof value === "function" &&
    !/^class\b/.test(Function.prototype.toString.call(value)) &&
    !("rawAttributes" in value)
  );
}
