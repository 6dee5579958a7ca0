import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isTrusted, projectFolder, rememberTrust } from "../../src/project/trust";
import { PROGRAM, runProgram } from "./built-program";
import { PtyShell } from "./pty-shell";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sequelize-shell-"));
  mkdirSync(join(folder, "app/models"), { recursive: true });
  writeFileSync(join(folder, "app/package.json"), "{}");
  writeFileSync(
    join(folder, "app/models/note.js"),
    `require("node:fs").writeFileSync(${JSON.stringify(join(folder, "loaded"))}, "");
     module.exports = (sequelize, DataTypes) => sequelize.define("Note", { text: DataTypes.STRING }, { timestamps: false });`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const args = ["sqlite::memory:", "--models", "app/models"];
const environment = () => ({ SEQUELIZE_SHELL_TRUSTED: join(folder, "trusted") });
const wasLoaded = (): boolean => {
  const loaded = existsSync(join(folder, "loaded"));
  rmSync(join(folder, "loaded"), { force: true });
  return loaded;
};

describe("the code of a project", () => {
  it("is refused without a terminal, with exit code 2, unless --trust is given", async () => {
    const refused = await runProgram([...args, "-e", "Note.name"], { cwd: folder, environment: environment() });
    expect(refused).toMatchObject({ exitCode: 2, stdout: "" });
    expect(refused.stderr).toContain(
      'Refused: nobody has allowed yet to load the code of "app/models".\nhint: --trust',
    );
    expect(wasLoaded()).toBe(false);
    const trusted = await runProgram([...args, "--trust", "-e", "Note.name"], {
      cwd: folder,
      environment: environment(),
    });
    expect(trusted).toMatchObject({ exitCode: 0, stdout: "Note\n", stderr: "" });
    expect(wasLoaded()).toBe(true);
  });

  it("is asked about once at a terminal", async () => {
    const open = () => new PtyShell([PROGRAM, ...args], { cwd: folder, environment: environment(), columns: 200 });
    for (const answer of ["\r", "\x03", "\x04"]) {
      const declined = open();
      await declined.until(/Load the code of \S+\/app\? .*:$/);
      declined.type(answer);
      expect(await declined.ended()).toBe(2);
      await declined.until(/error: Refused:/);
      expect(wasLoaded()).toBe(false);
    }
    const allowed = open();
    try {
      await allowed.until(/Load the code of \S+\/app\? .*:$/);
      allowed.type("y\r");
      await allowed.until(/:memory:>$/);
      expect(await allowed.run("Note.name")).toMatch(/Note$/);
    } finally {
      allowed.kill();
    }
    expect(readFileSync(join(folder, "trusted"), "utf8")).toBe(`${join(folder, "app")}\n`);
    expect(statSync(join(folder, "trusted")).mode & 0o777).toBe(0o600);
    const again = await runProgram([...args, "-e", "Note.name"], { cwd: folder, environment: environment() });
    expect(again).toMatchObject({ exitCode: 0, stdout: "Note\n" });
  });

  it("belongs to the nearest folder with a package.json", () => {
    expect(projectFolder(join(folder, "app/models"))).toBe(join(folder, "app"));
    expect(projectFolder(join(folder, "app/models/note.js"))).toBe(join(folder, "app"));
    expect(projectFolder(folder)).toBe(folder);
    const file = join(folder, "list/trusted");
    expect(isTrusted(folder, file)).toBe(false);
    rememberTrust(folder, file);
    expect(isTrusted(folder, file)).toBe(true);
    expect(isTrusted(join(folder, "app"), file)).toBe(false);
    expect(isTrusted(folder, undefined)).toBe(false);
    rememberTrust(folder, join(file, "no/folder"));
  });
});
