import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import ts from "typescript";

const ROOT = resolve(__dirname, "../..");

/** Compiles the rooms of the shell, of starting, of drawing and of projects, and the test hosts beside them, to JavaScript in a folder of its own. @returns the folder */
export function buildShell(): string {
  const folder = mkdtempSync(join(tmpdir(), "shell-build-"));
  const sources = [
    join(ROOT, "src/errors.ts"),
    ...sourcesIn(join(ROOT, "src/start")),
    ...sourcesIn(join(ROOT, "src/render")),
    ...sourcesIn(join(ROOT, "src/project")),
    ...sourcesIn(join(ROOT, "src/shell")),
    ...sourcesIn(join(ROOT, "test/shell")),
  ];
  for (const source of sources) {
    const target = join(folder, relative(ROOT, source)).replace(/\.ts$/, ".js");
    const { outputText } = ts.transpileModule(readFileSync(source, "utf8"), {
      fileName: source,
      compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.Node20, esModuleInterop: true },
    });
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, outputText);
  }
  writeFileSync(join(folder, "package.json"), '{"type":"commonjs"}');
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
}

function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => join(folder, name));
}

/** Runs node with a script and gives what it wrote. */
export function runNode(args: readonly string[], input = ""): string {
  return execFileSync(process.execPath, args, { input, encoding: "utf8" });
}
