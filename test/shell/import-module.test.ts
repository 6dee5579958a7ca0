import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadModels } from "../../src/project/load-models";
import { importModule } from "../../src/shell/import-module";

const directory = mkdtempSync(join(tmpdir(), "import-"));

const FILES: Record<string, string> = {
  "package.json": '{ "type": "module" }',
  "node_modules/esm-only/package.json":
    '{ "name": "esm-only", "type": "module", "exports": { ".": { "import": "./index.js" }, "./sub": { "import": "./sub.js" } } }',
  "node_modules/esm-only/index.js": "await 0; export const a = 1; export default 'd';",
  "node_modules/esm-only/sub.js": "export const sub = 2;",
  "node_modules/@scope/import-only/package.json": JSON.stringify({
    name: "@scope/import-only",
    type: "module",
    exports: {
      ".": [{ browser: "./none.js", import: { types: "./none.d.ts", default: "./main.js" } }],
      "./parts/*.js": { import: "./lib/*.js" },
      "./parts/*": { import: "./lib/*.js" },
      "./parts/private/*": null,
    },
  }),
  "node_modules/@scope/import-only/main.js": "export default 'main'; export const named = 6;",
  "node_modules/@scope/import-only/lib/seven.js": "export const seven = 7;",
  "imports-only.ts": [
    'import main, { named } from "@scope/import-only";',
    'import { seven } from "@scope/import-only/parts/seven";',
    'import { seven as again } from "@scope/import-only/parts/seven.js";',
    "export const all: unknown[] = [main, named, seven, again];",
  ].join("\n"),
  "imports-private.ts": 'import "@scope/import-only/parts/private/x";',
  "needs.ts": 'import "not-installed/part"; export {};',
  "number.ts": "export const one: number = 1;",
  "sum.ts": 'import { one } from "./number.js"; export const two: number = one + 1;',
  "module.mts":
    'import { one } from "./number.js"; export const three: number = one + 2; export default class Named {}',
  "common.cts": "export const four: number = 4;",
  "plain.js": "export const five = 5;",
  "models/post.ts": [
    'import { DataTypes, Model, type InferAttributes, type InferCreationAttributes, type Sequelize } from "sequelize";',
    "export class Post extends Model<InferAttributes<Post>, InferCreationAttributes<Post>> { declare title: string }",
    'export default (sequelize: Sequelize) => Post.init({ title: DataTypes.STRING }, { sequelize, modelName: "Post" });',
  ].join("\n"),
};

beforeAll(() => {
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  symlinkSync(resolve(__dirname, "../../node_modules/sequelize"), join(directory, "node_modules/sequelize"));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

describe("import in a project of ES modules", () => {
  it.each([
    ["./sum", "two", 2],
    ["./sum.ts", "two", 2],
    ["./sum.js", "two", 2],
    ["./module.mts", "three", 3],
    ["./module", "three", 3],
    ["./common.cts", "four", 4],
    ["./plain.js", "five", 5],
    ["esm-only", "a", 1],
    ["esm-only", "default", "d"],
    ["esm-only/sub", "sub", 2],
    ["node:path", "sep", "/"],
  ])("takes %s: %s", async (specifier, name, value) => {
    expect((await importModule(specifier, directory))[name]).toBe(value);
  });

  it("names a package that is not there", async () => {
    await expect(importModule("nothing-here", directory)).rejects.toMatchObject({
      name: "ImportError",
      message: "Cannot find module 'nothing-here'.",
      hint: "npm install nothing-here",
    });
    await expect(importModule("@nothing/here/at-all", directory)).rejects.toMatchObject({
      hint: "npm install @nothing/here",
    });
    await expect(importModule("./nothing-here", directory)).rejects.toMatchObject({
      message: "Cannot find module './nothing-here'.",
      hint: undefined,
    });
  });

  it("names the file that imports what is not there", async () => {
    await expect(importModule("./needs", directory)).rejects.toMatchObject({
      message: `Cannot find module 'not-installed/part', which ${join(directory, "needs.ts")} imports.`,
      hint: "npm install not-installed",
    });
    await expect(importModule("esm-only/nothing", directory)).rejects.toThrow(
      /^Package subpath '.\/nothing' is not defined by "exports" in \S*esm-only\S*package.json$/,
    );
  });

  it("finds packages that are there for imports alone, also from TypeScript", async () => {
    expect((await importModule("./imports-only", directory))["all"]).toEqual(["main", 6, 7, 7]);
    await expect(importModule("./imports-private", directory)).rejects.toThrow("is not defined");
  });

  it("reads models written in TypeScript", async () => {
    const models = await loadModels(join(directory, "models"));
    expect(models.files).toEqual([join(directory, "models/post.ts")]);
    expect(models.SequelizeClass).toBeDefined();
  });
});
