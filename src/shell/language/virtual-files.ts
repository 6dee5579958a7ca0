import { createRequire } from "node:module";
import { dirname, join, resolve, sep } from "node:path";
import type {
  CompilerOptions,
  IScriptSnapshot,
  LanguageServiceHost,
  ModuleResolutionCache,
  ResolvedModuleWithFailedLookupLocations,
} from "typescript";
import { needTypeScript, ts } from "../typescript";

/** Where the files of a language service are. */
export interface Folders {
  /** Where relative imports of the inputs start. */
  readonly directory: string;
  /** The folder that the declarations of the context are written for: the one of the shell's own modules. */
  readonly library: string;
}

interface VirtualFile {
  readonly version: number;
  readonly snapshot: IScriptSnapshot;
}

interface DiskFile {
  readonly stamp: string;
  readonly snapshot: IScriptSnapshot;
}

/**
 * The files that the language service sees: those of the disk, and modules that are nowhere but here.
 *
 * `sequelize` is one and the same package for all of them, so that the classes of a project's models fit the library's.
 */
export class VirtualFiles implements LanguageServiceHost {
  readonly #folders: Folders;
  readonly #options: CompilerOptions;
  readonly #virtual = new Map<string, VirtualFile>();
  readonly #disk = new Map<string, DiskFile | undefined>();
  readonly #resolutions: ModuleResolutionCache;
  /** The file that brings the types of Node, once they are wanted; undefined where they are not installed. */
  readonly #nodeTypes: string | undefined;
  #roots: string[] = [];
  #version = 0;

  constructor(folders: Folders) {
    needTypeScript();
    this.#folders = folders;
    this.#options = compilerOptions();
    this.#nodeTypes = typesOfNode(folders.library);
    this.#resolutions = ts.createModuleResolutionCache(folders.directory, (name) => name, this.#options);
  }

  /** Writes a module that is nowhere on the disk. A root is checked with every input. */
  write(file: string, text: string, { root = false } = {}): void {
    this.#virtual.set(file, { version: (this.#version += 1), snapshot: ts.ScriptSnapshot.fromString(text) });
    if (root && !this.#roots.includes(file)) this.#roots.push(file);
  }

  /** Whether a module is here that is nowhere on the disk. */
  has(file: string): boolean {
    return this.#virtual.has(file);
  }

  /**
   * Adds the types of Node, which are half of all that there is to know, in place of a file that stands for them.
   *
   * @returns whether that changed anything
   */
  addNodeTypes(outline: string): boolean {
    if (this.#nodeTypes === undefined || !this.#roots.includes(outline)) return false;
    this.#virtual.delete(outline);
    this.#roots = this.#roots.map((root) => (root === outline ? this.#nodeTypes : root) ?? root);
    this.#version += 1;
    return true;
  }

  getCompilationSettings = (): CompilerOptions => this.#options;
  getScriptFileNames = (): string[] => this.#roots;
  /** Knows the manifests of packages too, which each program would read anew. */
  getModuleResolutionCache = (): ModuleResolutionCache => this.#resolutions;
  getProjectVersion = (): string => String(this.#version);
  getCurrentDirectory = (): string => this.#folders.directory;
  getDefaultLibFileName = (options: CompilerOptions): string => ts.getDefaultLibFilePath(options);
  useCaseSensitiveFileNames = (): boolean => ts.sys.useCaseSensitiveFileNames;
  directoryExists = (path: string): boolean => ts.sys.directoryExists(path);
  getDirectories = (path: string): string[] => ts.sys.getDirectories(path);
  realpath = (path: string): string => (this.#virtual.has(path) ? path : (ts.sys.realpath?.(path) ?? path));

  readDirectory = (
    path: string,
    extensions?: readonly string[],
    exclude?: readonly string[],
    include?: readonly string[],
    depth?: number,
  ): string[] => ts.sys.readDirectory(path, extensions, exclude, include, depth);

  fileExists = (path: string): boolean => this.#virtual.has(path) || ts.sys.fileExists(path);

  readFile = (path: string): string | undefined => {
    const snapshot = this.getScriptSnapshot(path);
    return snapshot?.getText(0, snapshot.getLength());
  };

  getScriptVersion = (file: string): string => {
    const virtual = this.#virtual.get(file);
    return virtual ? `v${virtual.version}` : (this.#read(file)?.stamp ?? "");
  };

  getScriptSnapshot = (file: string): IScriptSnapshot | undefined =>
    this.#virtual.get(file)?.snapshot ?? this.#read(file)?.snapshot;

  resolveModuleNameLiterals = (
    literals: readonly { readonly text: string }[],
    containingFile: string,
  ): readonly ResolvedModuleWithFailedLookupLocations[] =>
    literals.map(({ text }) => this.#resolve(text, containingFile));

  #resolve(name: string, containingFile: string): ResolvedModuleWithFailedLookupLocations {
    const virtual = join(dirname(containingFile), `${name}.ts`);
    if (name.startsWith("./") && this.#virtual.has(virtual)) {
      return { resolvedModule: { resolvedFileName: virtual, extension: ts.Extension.Ts } };
    }
    const isSequelize = name === "sequelize" || name.startsWith("sequelize/");
    const from = isSequelize ? join(this.#folders.library, "context.d.ts") : containingFile;
    const target = name === "sequelize-shell" ? resolve(this.#folders.library, "..", "index") : name;
    return ts.resolveModuleName(target, from, this.#options, this, this.#resolutions);
  }

  /** A file of the disk: those of packages are read once, the person's own whenever they change. */
  #read(file: string): DiskFile | undefined {
    const known = this.#disk.get(file);
    if (known && (file.includes(`${sep}node_modules${sep}`) || file.startsWith(this.#folders.library))) return known;
    const stamp = String(ts.sys.getModifiedTime?.(file)?.getTime());
    if (known?.stamp === stamp) return known;
    const text = ts.sys.readFile(file);
    const read = text === undefined ? undefined : { stamp, snapshot: ts.ScriptSnapshot.fromString(text) };
    this.#disk.set(file, read);
    return read;
  }
}

function compilerOptions(): CompilerOptions {
  return {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    moduleDetection: ts.ModuleDetectionKind.Force,
    lib: ["lib.esnext.d.ts"],
    types: [],
    // A prompt is no place to prove that a row is there: `User.query.first().username` is what a person types.
    strict: false,
    noEmit: true,
    allowImportingTsExtensions: true,
    allowUnreachableCode: true,
    allowUnusedLabels: true,
    esModuleInterop: true,
    experimentalDecorators: true,
    resolveJsonModule: true,
    skipLibCheck: true,
    skipDefaultLibCheck: true,
  };
}

/** The file that the types of Node begin with; undefined where they are not installed. */
function typesOfNode(library: string): string | undefined {
  try {
    return join(dirname(createRequire(join(library, "context.js")).resolve("@types/node/package.json")), "index.d.ts");
  } catch {
    return undefined;
  }
}
