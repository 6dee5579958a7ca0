import { execFile } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ModuleImage } from "../../src/start/module-image";
import { ModuleLoader } from "../../src/start/module-loader";
import { PROGRAM } from "../shell/built-program";

const run = promisify(execFile);
let folder: string;
let cache: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "module-image-"));
  cache = join(folder, "cache");
  mkdirSync(join(folder, "node_modules/other"), { recursive: true });
  mkdirSync(join(folder, "program"));
  file("package.json", "{}");
  file(
    "program/main.js",
    'exports.other = require("other"); exports.sum = () => require("./sum").sum(1, 2); exports.file = __filename;',
  );
  file("program/sum.js", "exports.sum = (a, b) => a + b;");
  file("node_modules/other/package.json", '{ "name": "other", "main": "first.js" }');
  file("node_modules/other/first.js", 'module.exports = "first";');
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): void => writeFileSync(join(folder, name), text);
/** The folder of the modules that are the program's own. */
const program = (): string => join(folder, "program");
const images = (): string[] => readdirSync(cache).map((name) => join(cache, name));

interface Main {
  other: string;
  file: string;
  sum: () => number;
}

/** Loads main.js as a new process would, and keeps what was compiled. */
function load(key = "key"): Main {
  const require = createRequire(join(folder, "program/main.js"));
  for (const name of Object.keys(require.cache))
    if (name.startsWith(folder)) Reflect.deleteProperty(require.cache, name);
  const loader = new ModuleLoader(ModuleImage.read(cache, key, program()), program());
  const main = loader.require(join(folder, "program/main.js"), module) as Main;
  main.sum();
  loader.save();
  return main;
}

/** What the image knows of a module. */
const kept = (name: string) => ModuleImage.read(cache, "key", program()).module(join(folder, name));

describe("modules with compiled code", () => {
  it("load as require loads them, and are known to require", () => {
    const main = load();
    expect({ ...main, sum: main.sum() }).toEqual({ other: "first", sum: 3, file: join(folder, "program/main.js") });
    expect(createRequire(join(folder, "program/x.js"))("./main")).toBe(main);
  });

  it("are kept with their code and with the files of their requests, and written no second time", () => {
    load();
    expect(kept("program/main.js")?.requests).toEqual({
      other: join(folder, "node_modules/other/first.js"),
      "./sum": join(folder, "program/sum.js"),
    });
    expect(kept("program/sum.js")?.code.length).toBeGreaterThan(100);
    const { ino } = statSync(images()[0] ?? "");
    expect(load().other).toBe("first");
    expect(statSync(images()[0] ?? "").ino).toBe(ino);
  });

  it("are read anew when their file has changed", () => {
    load();
    file("program/sum.js", "exports.sum = (a, b) => a * 10 + b;");
    expect(load().sum()).toBe(12);
    expect(kept("program/sum.js")?.source).toContain("a * 10");
  });

  it("of packages are given up when one was replaced, and requests for them, but no module of the program", () => {
    load();
    expect(kept("node_modules/other/first.js")).toBeDefined();
    file("node_modules/other/package.json", '{ "name": "other", "main": "first.js", "version": "2.0.0" }');
    expect(kept("node_modules/other/first.js")).toBeUndefined();
    expect(kept("program/main.js")?.requests).toEqual({ "./sum": join(folder, "program/sum.js") });
    load();
    expect(kept("program/main.js")?.requests).toHaveProperty("other", join(folder, "node_modules/other/first.js"));
    expect(kept("node_modules/other/first.js")).toBeDefined();
  });

  it("are read anew when their file has other text of the same length and time of change", () => {
    load();
    const { atime, mtime } = statSync(join(folder, "program/sum.js"));
    file("program/sum.js", "exports.sum = (a, b) => a * b;");
    utimesSync(join(folder, "program/sum.js"), atime, mtime);
    expect(load().sum()).toBe(2);
  });

  it("belong to one version of Node and one installation", () => {
    load("v1");
    expect(ModuleImage.read(cache, "v2", program()).module(join(folder, "program/main.js"))).toBeUndefined();
  });

  it("of an image that is damaged anywhere, cut off or of another format are not run", () => {
    load();
    const [image = ""] = images();
    const whole = readFileSync(image);
    const source = whole.indexOf("exports.sum = (a, b) => a + b;");
    const damaged = (at: number): Buffer => {
      const copy = Buffer.from(whole);
      copy[at] = (copy[at] ?? 0) ^ 1;
      return copy;
    };
    const name = whole.indexOf("sum.js");
    const numbers = [20, 24, 26, 30, 34].map((from) => whole.indexOf("[", name) + from);
    const pieces = [3, 18, 40, name, ...numbers, source, whole.indexOf("[[") + 1, whole.length - 20];
    for (const bytes of [...pieces.map(damaged), whole.subarray(0, -100), Buffer.from("{}"), Buffer.alloc(0)]) {
      writeFileSync(image, bytes);
      const main = load();
      expect([main.other, main.sum()]).toEqual(["first", 3]);
    }
  });

  it.skipIf(process.platform === "win32")("of an image that others can write are not run", () => {
    load();
    const [image = ""] = images();
    expect(kept("program/main.js")).toBeDefined();
    chmodSync(image, 0o666);
    expect(kept("program/main.js")).toBeUndefined();
  });

  it("load without a folder to keep them in", () => {
    writeFileSync(cache, "a file where the folder should be");
    expect(load().sum()).toBe(3);
  });
});

describe("the built program", () => {
  const count = (environment: object = {}) =>
    run(process.execPath, [PROGRAM, "sqlite::memory:", "-e", "User.query.first().role.name"], {
      env: { ...process.env, XDG_CACHE_HOME: cache, NODE_OPTIONS: "", ...environment },
    }).then(({ stdout }) => stdout);

  it("answers the same with and without kept code, also where two start at once and where the image is damaged", async () => {
    const first = await Promise.all([count(), count()]);
    const [image = ""] = readdirSync(join(cache, "sequelize-shell")).filter((name) => name.endsWith(".image"));
    const path = join(cache, "sequelize-shell", image);
    expect(statSync(path).mode & 0o077).toBe(0);
    const second = await count();
    writeFileSync(path, readFileSync(path).fill(7, 1_000_000, 2_000_000));
    const third = await count();
    file("hook.js", "");
    const plain = await count({ NODE_OPTIONS: `--require ${join(folder, "hook.js")}` });
    expect([...first, second, third]).toEqual([plain, plain, plain, plain]);
  });
});

describe("code that is kept", () => {
  it("is kept once, also by sessions that check types", async () => {
    const session = () =>
      run(
        "sh",
        [
          "-c",
          `printf '.types warn\nUser.query.count()\n.type User\n.help\n' | "${process.execPath}" "${PROGRAM}" sqlite::memory:`,
        ],
        {
          env: { ...process.env, XDG_CACHE_HOME: cache, NODE_OPTIONS: "" },
        },
      );
    const files = () => {
      const names = readdirSync(join(cache, "sequelize-shell"));
      return names.map((name) => [name, statSync(join(cache, "sequelize-shell", name)).ino]);
    };
    const { stdout } = await session();
    expect(stdout).toContain("60");
    const first = files();
    expect(first.map(([name]) => name)).toContainEqual(expect.stringMatching(/^modules-.*\.image$/));
    await session();
    expect(files()).toEqual(first);
  }, 120_000);
});

describe("packages that Sequelize seldom uses", () => {
  it("are loaded when they are first used, and behave as themselves", async () => {
    const code = [
      "const names = () => Object.keys(require.cache).filter((name) => /node_modules.(validator|moment-timezone|wkx)./.test(name)).length",
      "const before = names()",
      'const answers = [sequelize.Sequelize.Validator.isEmail("a@b.de"), "isInt" in sequelize.Sequelize.Validator]',
      'const text = new DataTypes.DATE().stringify(new Date(0), { timezone: "Europe/Berlin" })',
      "console.log(JSON.stringify({ before, answers, text, after: names() > 100 }))",
    ].join("; ");
    const { stdout } = await run(process.execPath, [PROGRAM, "sqlite::memory:", "-e", code], {
      env: { ...process.env, XDG_CACHE_HOME: cache, NODE_OPTIONS: "" },
    });
    expect(JSON.parse(stdout)).toEqual({
      before: 0,
      answers: [true, true],
      text: "1970-01-01 01:00:00.000 +01:00",
      after: true,
    });
  });
});
