import { readFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import type { Service } from "ts-node";
import { importedFile } from "./package-exports";

/** How `require` loads a file; Node declares neither the table of them nor a module's own compiling. */
type Load = (module: { _compile(code: string, file: string): unknown }, file: string) => void;

/** How `require` finds the file of a request. */
type Resolve = (request: string, parent: { filename?: string | null } | undefined, ...rest: unknown[]) => string;

let compiler: Service | undefined;
let registered = false;

/** Whether the name of a file is that of TypeScript. */
export function isTypeScript(file: string): boolean {
  return /\.[cm]?tsx?$/.test(file);
}

/**
 * The text of a TypeScript file (or of an ES module in JavaScript) as CommonJS, without type checks.
 *
 * Files become CommonJS whatever their endings and the project's own settings say, so that those written as ES modules load too.
 *
 * @throws {SyntaxError} with the places and the compiler's words, for a file that is no TypeScript
 */
export function compileTypeScript(text: string, file: string): string {
  compiler ??= (createRequire(__filename)("ts-node") as typeof import("ts-node")).create({
    transpileOnly: true,
    // The project's own tsconfig.json may ask for what this version of TypeScript or Node cannot do.
    skipProject: true,
    // The project's compiler may be of any version; the one of this package is known.
    projectSearchDir: __dirname,
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
  try {
    return compiler.compile(text, compiledName(file));
  } catch (error) {
    const { diagnosticText } = error as { diagnosticText?: string };
    throw diagnosticText === undefined ? error : new SyntaxError(diagnosticText.trim(), { cause: error });
  }
}

/** The name under which a file is compiled. */
function compiledName(file: string): string {
  // ts-node writes ES modules for the ending .mts, whatever it is told, and reads TypeScript alone.
  return file.replace(/\.(?:mts|[cm]?js)$/, ".cts");
}

/**
 * Lets `require` load TypeScript files ({@link compileTypeScript}). The first of them costs a quarter of a second.
 *
 * `./model.js` finds `model.ts`, as TypeScript's own ES modules write it, and packages are found that are there for imports alone.
 */
export function registerTypeScript(): void {
  if (registered) return;
  registered = true;
  const load: Load = (module, file) => void module._compile(compileTypeScript(readFileSync(file, "utf8"), file), file);
  const loader = Module as unknown as { _extensions: Record<string, Load>; _resolveFilename: Resolve };
  for (const ending of [".ts", ".tsx", ".cts", ".mts"]) loader._extensions[ending] = load;
  const resolve = loader._resolveFilename;
  loader._resolveFilename = function (request, parent, ...rest) {
    try {
      return resolve.call(this, request, parent, ...rest);
    } catch (error) {
      const other = otherName(request, parent?.filename);
      if (other === undefined) throw error;
      return resolve.call(this, other, parent, ...rest);
    }
  };
}

/** What a TypeScript file means by a request that Node does not find: `./model.ts` by `./model.js`, or a package for imports alone. */
function otherName(request: string, from: string | null | undefined): string | undefined {
  if (from === undefined || from === null || !isTypeScript(from)) return undefined;
  if (!/^\.{0,2}[/]/.test(request)) return importedFile(request, from);
  const source = request.replace(/\.([cm]?)js(x?)$/, ".$1ts$2");
  return source === request ? undefined : source;
}
