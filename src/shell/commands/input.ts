import { spawn } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { ArgumentError } from "../../errors";
import type { Command } from "./command";

/** The files and folders that a beginning of a path may become. */
export async function completePath(beginning: string): Promise<string[]> {
  const folder = beginning.endsWith("/") ? beginning : dirname(beginning);
  const shown =
    beginning.endsWith("/") || !beginning.includes("/")
      ? beginning.replace(/[^/]*$/, "")
      : `${folder.replace(/\/$/, "")}/`;
  try {
    const entries = await readdir(resolve(folder), { withFileTypes: true });
    return entries.map((entry) => `${shown}${entry.name}${entry.isDirectory() ? "/" : ""}`);
  } catch {
    return []; // a folder that cannot be read completes to nothing
  }
}

export const load: Command = {
  name: "load",
  subject: "files",
  usage: ".load FILE",
  description: "run a file of TypeScript; its names stay",
  help: "The whole file runs as one input.\nExample: .load seed.ts",
  async execute(argument, host) {
    if (argument === "") throw new ArgumentError("Cannot load nothing: .load takes a file.", { hint: ".load seed.ts" });
    const source = await readFile(resolve(argument), "utf8").catch((error: unknown) => {
      throw new ArgumentError(`Cannot read "${argument}": ${(error as NodeJS.ErrnoException).code ?? String(error)}.`, {
        cause: error,
      });
    });
    await host.runProgram(source, resolve(argument));
  },
  complete: (argument) => completePath(argument),
};

export const history: Command = {
  name: "history",
  subject: "prompt",
  usage: ".history [N]",
  description: "show the last N inputs (20)",
  help: "Example: .history 50",
  execute(argument, host) {
    if (!/^\d*$/.test(argument)) throw new ArgumentError(`Expected a whole number after .history, got "${argument}".`);
    const count = argument === "" ? 20 : Number(argument);
    const entries = host.history.slice(Math.max(0, host.history.length - count));
    if (entries.length > 0) host.print(entries.join("\n"));
  },
};

export const editor: Command = {
  name: "editor",
  subject: "prompt",
  usage: ".editor",
  description: "type several lines and run them as one input",
  help: "Ctrl-D ends and runs, Ctrl-C gives up.",
  async execute(_argument, host) {
    if (!host.interactive)
      throw new ArgumentError("Cannot open .editor without a terminal.", { hint: "type the lines themselves" });
    host.note("// several lines; Ctrl-D runs them, Ctrl-C gives up");
    const text = await host.readBlock();
    if (text !== undefined && text.trim() !== "") await host.runInputs(text);
  },
};

export const edit: Command = {
  name: "edit",
  subject: "prompt",
  usage: ".edit",
  description: "write the last input anew in $EDITOR and run it",
  help: "Uses $VISUAL, $EDITOR, or else vi. An empty file runs nothing.",
  async execute(_argument, host) {
    if (!host.interactive) throw new ArgumentError("Cannot open an editor without a terminal.");
    const last = host.history.findLast((entry) => !entry.trimStart().startsWith(".")) ?? "";
    const folder = await mkdtemp(join(tmpdir(), "sequelize-shell-"));
    try {
      const file = join(folder, "input.ts");
      await writeFile(file, `${last}\n`, { mode: 0o600 });
      const program =
        [process.env.VISUAL, process.env.EDITOR].find((name) => name !== undefined && name !== "") ?? "vi";
      const code = await host.lendTerminal(
        () =>
          new Promise<number | null>((done, fail) => {
            spawn("/bin/sh", ["-c", `${program} "$0"`, file], { stdio: "inherit" })
              .on("error", fail)
              .on("close", done);
          }),
      );
      if (code !== 0)
        throw new ArgumentError(`Nothing was run: the editor "${program}" ended with exit code ${String(code)}.`);
      const text = await readFile(file, "utf8");
      if (text.trim() !== "") await host.runInputs(text);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
