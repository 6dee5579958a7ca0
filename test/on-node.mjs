// Runs the prompt's tests on another version of Node:  node test/on-node.mjs 22 [files of tests]
// Without files it runs all of test/shell, in the interpreter itself and in the programs that the tests start; none is left out.
// The interpreter is the one that the npm package node-<platform>-<architecture> ships; it is installed once, beside the other caches.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** The exit code where the interpreter cannot be had: nothing was tested. */
const UNAVAILABLE = 69;
const [major, ...files] = process.argv.slice(2);
if (!/^\d+$/.test(major ?? "")) {
  console.error("usage: node test/on-node.mjs MAJOR [files]");
  process.exit(2);
}
const root = resolve(import.meta.dirname, "..");
const folder = join(root, "node_modules", ".cache", `node-${major}`);
const platform = process.platform === "win32" ? "win" : process.platform;
const name = `node-${platform}-${process.arch}`;
const node = join(folder, "node_modules", name, "bin", process.platform === "win32" ? "node.exe" : "node");

/** Runs a program with what is written on the screen. */
function run(program, args, options = {}) {
  return spawnSync(program, args, { stdio: "inherit", ...options }).status ?? 1;
}

if (!existsSync(node)) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  const status = run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", `${name}@${major}`], {
    cwd: folder,
  });
  if (status !== 0 || !existsSync(node)) {
    console.error(`error: could not install ${name}@${major}`);
    process.exit(UNAVAILABLE);
  }
}
run(node, ["-p", "'node ' + process.version"]);
const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
process.exit(
  run(node, [vitest, "run", ...(files.length > 0 ? files : ["test/shell"])], {
    cwd: root,
    env: { ...process.env, TEST_NODE: node },
  }),
);
