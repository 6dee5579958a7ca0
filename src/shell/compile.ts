import type { SourceFile, Statement as SyntaxStatement } from "typescript";
import { promiseNames } from "./own-code";
import { compileSimple } from "./simple-input";
import { parseModule } from "./parse";
import { type Place, SourceMap, offsetOf, placeOf } from "./source-map";
import { toScript } from "./to-script";
import { ts } from "./typescript";

/** An input made ready to run. */
export interface Compiled {
  /** The TypeScript as it was typed. */
  readonly source: string;
  /** JavaScript: a script whose value is a generator function. */
  readonly script: string;
  /** The names that the input declares. */
  readonly names: readonly string[];
  /** The place in `source` that a place in `script` came from. */
  sourcePlace(place: Place): Place;
}

function compilerOptions(): import("typescript").CompilerOptions {
  return {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleDetection: ts.ModuleDetectionKind.Force,
    verbatimModuleSyntax: true,
    experimentalDecorators: true,
    sourceMap: true,
    inlineSources: false,
    newLine: ts.NewLineKind.LineFeed,
  };
}

/**
 * Compiles one input of TypeScript: awaits in its own code, names that can be declared again, imports.
 *
 * Pure text to text. The text must be whole and right ({@link import("./statement").classify} says so).
 *
 * @param shift  characters at the front of `code` that were not typed
 */
export function compile(code: string, { shift = 0 } = {}): Compiled {
  return (shift === 0 ? compileSimple(code) : undefined) ?? compileAny(code, shift);
}

/** The same for texts of any kind: by the compiler. */
export function compileAny(code: string, shift: number): Compiled {
  const file = parseModule(code);
  const readable = plainImports(code, file);
  const { outputText, sourceMapText } = ts.transpileModule(readable, {
    compilerOptions: compilerOptions(),
    fileName: "input.ts",
  });
  const javascript = outputText.replace(/\/\/# sourceMappingURL=.*\s*$/, "").replace(/^#!.*/, "");
  const { edited, names } = toScript(javascript, {
    promises: promiseNames(file),
    fresh: new Set(file.statements.flatMap(enumName)),
    keepsValue: hasValue(file.statements.at(-1)),
  });
  let map: SourceMap | undefined;
  return {
    source: shift > 0 ? code.slice(shift) : code,
    script: edited.text,
    names,
    sourcePlace(place) {
      const { mappings } = JSON.parse(sourceMapText ?? '{"mappings":""}') as { mappings: string };
      map ??= new SourceMap(mappings);
      const offset = edited.originalOffset(offsetOf(edited.text, place));
      const { line, column } = map.sourceOf(placeOf(javascript, offset)) ?? { line: 0, column: 0 };
      return { line, column: Math.max(0, line === 0 ? column - shift : column) };
    },
  };
}

/** `import fs = require("fs")`, which a module does not have, as `const fs = require("fs")`. */
function plainImports(code: string, file: SourceFile): string {
  let text = code;
  for (const statement of file.statements.toReversed()) {
    if (!ts.isImportEqualsDeclaration(statement) || statement.isTypeOnly) continue;
    const start = statement.getStart(file);
    const keyword = code.indexOf("import", start);
    text = `${text.slice(0, keyword)}const ${text.slice(keyword + "import".length).trimStart()}`;
  }
  return text;
}

function enumName(statement: SyntaxStatement): string[] {
  const isOne = ts.isEnumDeclaration(statement) || ts.isModuleDeclaration(statement);
  return isOne && ts.isIdentifier(statement.name) ? [statement.name.text] : [];
}

/** Whether a statement has a value that the prompt shows. */
function hasValue(statement: SyntaxStatement | undefined): boolean {
  if (!statement) return false;
  if (ts.isExportAssignment(statement)) return true;
  return !ts.isDeclarationStatement(statement) && !ts.isVariableStatement(statement);
}
