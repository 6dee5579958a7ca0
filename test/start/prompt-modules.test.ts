import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROGRAM } from "../shell/built-program";
import { PtyShell } from "../shell/pty-shell";

/** Notes the modules that are loaded when the prompt is first written, and those that are there a while after the banner. */
const HOOK = `
const { writeFileSync } = require("node:fs");
const before = new Set(process.moduleLoadList);
const list = (name) => {
  const builtin = process.moduleLoadList.filter((each) => !before.has(each)).map((each) => /^NativeModule (?!internal)(.*)/.exec(each)?.[1]);
  writeFileSync(process.env.MODULES + "." + name, JSON.stringify({ files: Object.keys(require.cache), builtin: builtin.filter(Boolean) }));
};
const write = process.stdout.write;
let seen = false;
process.stdout.write = function (text, ...rest) {
  if (!seen && String(text).includes("> ")) {
    seen = true;
    list("prompt");
  }
  return write.call(this, text, ...rest);
};
const look = setInterval(() => {
  if (!Object.keys(require.cache).some((file) => file.endsWith("typescript.js") && file.includes("node_modules"))) return;
  clearInterval(look);
  list("idle");
}, 50);
look.unref();
`;

/** What reading lines and drawing on a terminal takes of Node. */
const BUILTIN = new Set(
  "diagnostics_channel module net os readline readline/promises stream stream/promises string_decoder tty vm".split(
    " ",
  ),
);

interface Modules {
  readonly files: readonly string[];
  readonly builtin: readonly string[];
}

describe("what is loaded at the prompt of the program", () => {
  let folder: string;
  let shell: PtyShell;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "prompt-modules-"));
    const hook = join(folder, "hook.cjs");
    writeFileSync(hook, HOOK);
    shell = new PtyShell(["--require", hook, PROGRAM, "sqlite::memory:", "--empty", "--no-color"], {
      environment: { MODULES: join(folder, "modules"), NODE_OPTIONS: "", XDG_CACHE_HOME: folder },
    });
    await shell.until(/models Role, User[\s\S]*> ?$/);
    await shell.until(() => existsSync(join(folder, "modules.idle")), "TypeScript loaded");
  });
  afterAll(() => {
    shell.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  const modules = (name: string): Modules =>
    JSON.parse(readFileSync(join(folder, `modules.${name}`), "utf8")) as Modules;

  it("when it is printed: the program's own few modules and nothing of a package", () => {
    const root = dirname(PROGRAM);
    const { files, builtin } = modules("prompt");
    const own = files.filter((file) => !file.endsWith("hook.cjs")).map((file) => relative(root, file));
    expect(own.sort()).toEqual([
      "shell.js",
      "src/command-line.js",
      "src/database-url.js",
      "src/errors.js",
      "src/program.js",
      "src/shell/context.js",
      "src/shell/line-editor.js",
      "src/shell/repl.js",
      "src/shell/screen.js",
      "src/shell/signals.js",
      "src/shell/spinner.js",
      "src/shell/terminal-input.js",
      "src/start/cache-folder.js",
      "src/start/deferred-module.js",
      "src/start/module-image.js",
      "src/start/module-loader.js",
      "src/start/program-loader.js",
    ]);
    expect(builtin.filter((name) => !BUILTIN.has(name))).toEqual([]);
  });

  it("before the first input: Sequelize and the driver with what they require, and TypeScript", () => {
    const names = modules("idle").files.flatMap((file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []);
    const ofSequelize =
      "debug dottie has-flag inflection lodash moment moment-timezone ms pg-connection-string retry-as-promised semver " +
      "sequelize-pool supports-color toposort-class uuid validator wkx";
    const ofDriver = "bindings file-uri-to-path";
    const known = `sequelize ${ofSequelize} sqlite3 ${ofDriver} typescript`.split(" ");
    expect([...new Set(names)].filter((name) => !known.includes(name))).toEqual([]);
    expect(names).toEqual(expect.arrayContaining(["sequelize", "sqlite3", "typescript"]));
  });
});
