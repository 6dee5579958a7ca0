import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const root = resolve(__dirname, "..");

/** Which rooms each room may import. A room is a folder of src/, or the files named here. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  errors: [],
  start: [],
  models: [],
  render: [],
  "command-line": ["errors"],
  driver: ["errors"],
  mapper: ["driver", "errors"],
  schema: ["driver", "errors"],
  project: ["errors"],
  query: ["mapper", "driver", "errors"],
  session: ["query", "mapper", "driver", "errors"],
  database: ["session", "query", "mapper", "driver", "schema", "models", "errors"],
  migrations: ["schema", "project", "driver", "errors"],
  "import-export": ["session", "query", "mapper", "errors"],
  shell: [
    "migrations",
    "import-export",
    "database",
    "session",
    "query",
    "schema",
    "mapper",
    "driver",
    "project",
    "render",
    "models",
    "start",
    "errors",
  ],
  index: ["database", "session", "query", "mapper", "driver", "schema", "models", "project", "migrations", "errors"],
  entry: ["start", "command-line", "database", "project", "shell", "migrations", "render", "session", "errors"],
};

/** Rooms whose sample code names the library's own types, and nothing that runs. */
const TYPES_ONLY: Record<string, readonly string[]> = { models: ["query", "session"] };

const FILE_ROOMS: Record<string, string> = {
  "shell.ts": "entry",
  "src/program.ts": "entry",
  "src/errors.ts": "errors",
  "src/index.ts": "index",
  "src/command-line.ts": "command-line",
  "src/database.ts": "database",
  "src/database-url.ts": "database",
};

interface Import {
  from: string;
  to: string;
  typeOnly: boolean;
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

const files = ["shell.ts", ...sources(join(root, "src"))];

function roomOf(file: string): string {
  return FILE_ROOMS[file] ?? (/^src\/([^/]+)\//.exec(file)?.[1] || `no room: ${file}`);
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), "utf8");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: Import[] = [];
  const add = (specifier: string, typeOnly: boolean): void => {
    if (!specifier.startsWith(".")) return;
    const target = relative(root, resolve(root, dirname(file), specifier));
    const to = [`${target}.ts`, `${target}/index.ts`, target].find((name) => files.includes(name));
    if (to !== undefined) found.push({ from: file, to, typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      add(node.moduleSpecifier.text, node.importClause?.isTypeOnly ?? false);
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) {
      add(node.moduleSpecifier.text, node.isTypeOnly);
    } else if (
      ts.isImportTypeNode(node) &&
      ts.isLiteralTypeNode(node.argument) &&
      ts.isStringLiteral(node.argument.literal)
    ) {
      add(node.argument.literal.text, true);
    } else if (ts.isCallExpression(node) && node.arguments.length === 1 && ts.isStringLiteral(node.arguments[0]!)) {
      const callee = node.expression;
      const loads =
        callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === "require");
      if (loads) add(node.arguments[0].text, false);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const imports = files.flatMap(importsOf);

describe("layers", () => {
  it("every source file is in a known room", () => {
    expect(files.map(roomOf).filter((room) => !(room in MAY_IMPORT))).toEqual([]);
  });

  it("imports follow the arrows of docs/architecture.md", () => {
    const wrong = imports.filter(({ from, to, typeOnly }) => {
      const [source, target] = [roomOf(from), roomOf(to)];
      if (source === target) return false;
      if (typeOnly && TYPES_ONLY[source]?.includes(target)) return false;
      return !MAY_IMPORT[source]?.includes(target);
    });
    expect(wrong.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
  });

  it("the arrows have no cycle", () => {
    const done = new Set<string>();
    const visit = (room: string, path: readonly string[]): void => {
      if (path.includes(room)) throw new Error([...path, room].join(" -> "));
      if (done.has(room)) return;
      for (const next of MAY_IMPORT[room] ?? []) visit(next, [...path, room]);
      done.add(room);
    };
    for (const room of Object.keys(MAY_IMPORT)) visit(room, []);
    expect(done.size).toBe(Object.keys(MAY_IMPORT).length);
  });

  it("a database's name is written only where the differences live", () => {
    const home = /^src\/(database(-url)?\.ts|driver\/|schema\/|migrations\/)/;
    const naming = files.filter((file) => {
      if (home.test(file)) return false;
      const source = ts.createSourceFile(file, readFileSync(join(root, file), "utf8"), ts.ScriptTarget.Latest, true);
      let named = false;
      const visit = (node: ts.Node): void => {
        const compares =
          ts.isBinaryExpression(node) && /^[!=]==?$/.test(node.operatorToken.getText(source))
            ? [node.left, node.right]
            : [];
        const cases = ts.isCaseClause(node) ? [node.expression] : [];
        for (const side of [...compares, ...cases]) {
          if (ts.isStringLiteral(side) && /^(sqlite|postgres|mariadb|mysql)$/.test(side.text)) named = true;
        }
        ts.forEachChild(node, visit);
      };
      visit(source);
      return named;
    });
    expect(naming).toEqual([]);
  });
});
