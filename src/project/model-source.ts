import { createRequire } from "node:module";
import type { Model, ModelStatic } from "sequelize";

/** Where a class stands in a project's TypeScript. */
export interface ModelSource {
  readonly file: string;
  readonly exportName: string;
}

/** The TypeScript file that exports a model class; undefined for models of other kinds of files, or that a function made. */
export function modelSource(model: ModelStatic<Model>): ModelSource | undefined {
  const { cache } = createRequire(__filename);
  for (const [file, module] of Object.entries(cache)) {
    if (!/\.[cm]?tsx?$/.test(file) || /[\\/]node_modules[\\/]/.test(file)) continue;
    const exports: unknown = module?.exports;
    if (typeof exports !== "object" || exports === null) continue;
    for (const [exportName, { value }] of Object.entries(Object.getOwnPropertyDescriptors(exports))) {
      if (value === model && /^class\b/.test(Function.prototype.toString.call(model))) return { file, exportName };
    }
  }
  return undefined;
}
