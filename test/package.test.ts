import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = resolve(__dirname, "..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  name: string;
  dependencies: Record<string, string>;
};

let folder: string;
let installed: string;
let files: string[];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sequelize-shell-pack-"));
  // Without scripts: what is built is packed as it is.
  execFileSync("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], { cwd: root });
  const tarball = join(folder, readdirSync(folder)[0] ?? "");
  const modules = join(folder, "node_modules");
  installed = join(modules, manifest.name);
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"]);
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (!name.startsWith(".") && name !== manifest.name)
      symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
  files = readdirSync(installed, { recursive: true, encoding: "utf8" });
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

const run = (args: readonly string[]): string =>
  execFileSync(process.execPath, [...args], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, DATABASE_URL: "" },
  });

describe("the package", () => {
  it("holds what users need and nothing else", () => {
    const tops = readdirSync(installed).sort();
    expect(tops).toEqual(["CHANGELOG.md", "LICENSE", "README.md", "dist", "package.json", "sample-data"]);
    expect(files).toContain(join("dist", "shell.js"));
    expect(files).toContain(join("dist", "src", "index.d.ts"));
    expect(files.filter((name) => /test|bench|\.sqlite|tsconfig|\.map$/.test(name))).toEqual([]);
  });

  it("starts from an empty folder", () => {
    const program = join(installed, "dist", "shell.js");
    expect(run([program, "sqlite:new.sqlite", "-e", "User.query.count()", "--format", "json"])).toBe("60\n");
    expect(run([program, "--version"])).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it("is a library for CommonJS and for ES modules, and closes its inner files", () => {
    const use =
      'openDatabase("sqlite::memory:").then(async db => { await db.createAll(); console.log(await db.models.User.query.count()); await db.close() })';
    expect(run(["-e", `const { openDatabase } = require("sequelize-shell"); ${use}`])).toBe("0\n");
    expect(run(["--input-type=module", "-e", `import { openDatabase } from "sequelize-shell"; ${use}`])).toBe("0\n");
    expect(() => run(["-e", 'require("sequelize-shell/dist/src/database")'])).toThrow("ERR_PACKAGE_PATH_NOT_EXPORTED");
  });

  it("names the packages with install scripts that npm may run", () => {
    expect((manifest as unknown as { allowScripts: object }).allowScripts).toEqual({ sqlite3: true });
  });
});
