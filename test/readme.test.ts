import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROGRAM } from "./shell/built-program";
import { PtyShell } from "./shell/pty-shell";

const root = resolve(__dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const transcripts = [...readme.matchAll(/```console\n([\s\S]*?)```/g)].map(([, text = ""]) => text.trimEnd());

/** A screen without what changes from run to run: times and the version of Node. */
function steady(screen: string): string {
  return screen.replaceAll(/\(\d+(\.\d+)? m?s\)/g, "(N ms)").replaceAll(/node \d+\.\d+\.\d+/g, "node N");
}

describe("the README", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "sequelize-shell-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("has transcripts", () => {
    expect(transcripts.length).toBeGreaterThan(1);
  });

  it.each(transcripts.map((text) => [text.split("\n", 1)[0] ?? "", text]))(
    "%s shows what is really shown",
    async (_, text) => {
      const [command = "", ...lines] = text.split("\n");
      const args = command
        .replace(/^\$ (npm start( --)?|npx sequelize-shell)/, "")
        .split(" ")
        .filter(Boolean);
      const expected = lines.join("\n");
      const shell = new PtyShell([PROGRAM, ...args], { environment: { NO_COLOR: "1" }, columns: 120, cwd: folder });
      try {
        await shell.until(/session db\.session[\s\S]*> ?$/);
        for (const line of lines) {
          const typed = /^[\w.:-]+(?: \+\d+ ~\d+ -\d+)?(?: !)?> (.+)$/.exec(line)?.[1];
          if (typed !== undefined) await shell.run(typed);
        }
        expect(steady(shell.screen).replace(/\n[^\n]*>$/, "")).toBe(steady(expected));
      } finally {
        shell.kill();
      }
    },
  );

  it("links to files that are there", () => {
    const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)]
      .map(([, link = ""]) => link)
      .filter((link) => !/^https?:/.test(link));
    for (const link of links) expect(readFileSync(join(root, link), "utf8"), link).not.toBe("");
  });

  it("names the commands that the package has", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: object };
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(["start", "test"]));
  });
});
