import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROGRAM } from "../shell/built-program";
import { PtyShell } from "../shell/pty-shell";

/**
 * Notes the modules that are loaded when the prompt is first written, when the line editor draws it, and a while after the banner.
 */
const HOOK = `
const { writeFileSync } = require("node:fs");
const before = new Set(process.moduleLoadList);
const list = (name) => {
  const builtin = process.moduleLoadList.filter((each) => !before.has(each)).map((each) => /^NativeModule (?!internal)(.*)/.exec(each)?.[1]);
  writeFileSync(process.env.MODULES + "." + name, JSON.stringify({ files: Object.keys(require.cache), builtin: builtin.filter(Boolean) }));
};
const write = process.stdout.write;
const stages = ["prompt", "editor"];
process.stdout.write = function (text, ...rest) {
  if (stages.length > 0 && String(text).includes("> ")) list(stages.shift());
  return write.call(this, text, ...rest);
};
const look = setInterval(() => {
  if (!Object.keys(require.cache).some((file) => file.endsWith("typescript.js") && file.includes("node_modules"))) return;
  clearInterval(look);
  list("idle");
}, 50);
look.unref();
`;

/** The program's own modules without which there is no prompt. */
const AT_THE_PROMPT = [
  "shell.js",
  "src/command-line.js",
  "src/database-url.js",
  "src/errors.js",
  "src/program.js",
  "src/shell/first-prompt.js",
  "src/start/kept-code.js",
  "src/start/module-image.js",
  "src/start/module-loader.js",
  "src/start/program-loader.js",
];
/** What a terminal takes of Node, with the loader of modules. */
const TERMINAL = new Set("diagnostics_channel module net stream stream/promises string_decoder tty vm".split(" "));
/** What reading lines takes of Node besides. */
const EDITOR = new Set([...TERMINAL, "os", "readline", "readline/promises"]);

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

  /** The program's own modules of a stage. */
  const own = (stage: string): string[] =>
    modules(stage)
      .files.filter((file) => !file.endsWith("hook.cjs"))
      .map((file) => relative(dirname(PROGRAM), file))
      .sort();

  it("when it is printed: the program's own few modules and nothing of a package", () => {
    expect(own("prompt")).toEqual(AT_THE_PROMPT);
    expect(modules("prompt").builtin.filter((name) => !TERMINAL.has(name))).toEqual([]);
  });

  it("when keys are taken: what edits a line, and nothing of a package", () => {
    const editing = "context line-editor repl screen signals spinner terminal-input".split(" ");
    expect(own("editor")).toEqual([...AT_THE_PROMPT, ...editing.map((name) => `src/shell/${name}.js`)].sort());
    expect(modules("editor").builtin.filter((name) => !EDITOR.has(name))).toEqual([]);
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

describe("keys that are typed as soon as the prompt is printed", () => {
  it("wait for what edits lines: none is lost or shown twice, and Ctrl-C ends nothing", async () => {
    const folder = mkdtempSync(join(tmpdir(), "prompt-keys-"));
    const hook = join(folder, "hook.cjs");
    // Once the prompt is printed nothing goes on for half a second.
    writeFileSync(
      hook,
      `const write = process.stdout.write;
      process.stdout.write = function (text, ...rest) {
        const written = write.call(this, text, ...rest);
        process.stdout.write = write;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
        return written;
      };`,
    );
    const shell = new PtyShell(["--require", hook, PROGRAM, "sqlite::memory:", "--empty", "--no-color"], {
      environment: { NODE_OPTIONS: "", XDG_CACHE_HOME: folder },
    });
    try {
      await shell.until(/^:memory:> ?$/);
      shell.type("lost\x03");
      shell.type("6 * 7\r");
      await shell.until(/^42$/m);
      expect(shell.screen.match(/6 \* 7/g)).toEqual(["6 * 7"]);
      expect(shell.exitCode).toBeUndefined();
    } finally {
      shell.kill();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
