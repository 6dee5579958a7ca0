import { readFileSync } from "node:fs";
import Module, { createRequire } from "node:module";

/** How `require` loads a file; Node declares neither the table of them nor a module's own compiling. */
type Load = (module: { _compile(code: string, file: string): unknown }, file: string) => void;

/** How `require` finds the file of a request. */
type Resolve = (request: string, parent: { filename?: string | null } | undefined, ...rest: unknown[]) => string;

let registered = false;

/**
 * Lets `require` load TypeScript files, through ts-node and without type checks. Costs a quarter of a second, once.
 *
 * Files are compiled to CommonJS whatever their endings and the project's own settings say, so that models written as ES modules
 * load too; `./model.js` finds `model.ts`, as TypeScript's own ES modules write it.
 */
export function registerTypeScript(): void {
  if (registered) return;
  registered = true;
  const { register } = createRequire(__filename)("ts-node") as typeof import("ts-node");
  const service = register({
    transpileOnly: true,
    // The project's own tsconfig.json may ask for what this version of TypeScript or Node cannot do.
    skipProject: true,
    compilerOptions: {
      module: "commonjs",
      moduleResolution: "node10",
      target: "es2022",
      // Model attributes are accessors on the prototype: a class field would hide them.
      useDefineForClassFields: false,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      esModuleInterop: true,
      resolveJsonModule: true,
      allowJs: false,
    },
  });
  // ts-node leaves files of ES modules to Node's loader of them, which knows no TypeScript or none with types that need compiling.
  const load: Load = (module, file) => {
    // ts-node writes ES modules for the ending .mts, whatever it is told.
    const name = file.replace(/\.mts$/, ".cts");
    module._compile(service.compile(readFileSync(file, "utf8"), name), file);
  };
  const loader = Module as unknown as { _extensions: Record<string, Load>; _resolveFilename: Resolve };
  for (const ending of [".ts", ".tsx", ".cts", ".mts"]) loader._extensions[ending] = load;
  const resolve = loader._resolveFilename;
  loader._resolveFilename = function (request, parent, ...rest) {
    try {
      return resolve.call(this, request, parent, ...rest);
    } catch (error) {
      const source = sourceName(request, parent?.filename);
      if (source === undefined) throw error;
      return resolve.call(this, source, parent, ...rest);
    }
  };
}

/** `./model.ts` for the `./model.js` of a TypeScript file. */
function sourceName(request: string, from: string | null | undefined): string | undefined {
  if (!/\.[cm]?tsx?$/.test(from ?? "") || !/^\.{0,2}[/]/.test(request)) return undefined;
  const source = request.replace(/\.([cm]?)js(x?)$/, ".$1ts$2");
  return source === request ? undefined : source;
}
