import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { CommandLine, DbCommandLine, ShellCommandLine } from "./command-line";
import { parseCommandLine, usageText } from "./command-line";
import { ShellError } from "./errors";
import { saveCompiledModules } from "./start/program-loader";
import type { Format } from "./render/render-options";

/** What the program answers with: 0 done, 1 an error in the code or the database, 2 usage, 3 cannot connect, 130 interrupted. */
const EXIT = { done: 0, failed: 1, usage: 2, refused: 2, cannotConnect: 3, interrupted: 130 } as const;

/** A file or folder of the package, one folder up in the sources and two once built. */
function packagePath(name: string): string {
  const beside = join(__dirname, "..", name);
  return existsSync(beside) ? beside : join(__dirname, "../..", name);
}

function version(): string {
  return (JSON.parse(readFileSync(packagePath("package.json"), "utf8")) as { version: string }).version;
}

async function main(argv: readonly string[]): Promise<number> {
  let commandLine: CommandLine;
  try {
    commandLine = parseCommandLine(argv);
  } catch (error) {
    return fail(error, argv.includes("--debug"), EXIT.usage, asksForJson(argv));
  }
  switch (commandLine.kind) {
    case "help":
      process.stdout.write(`${usageText((await import("./render/render-options.js")).formats)}\n`);
      return EXIT.done;
    case "version":
      process.stdout.write(`${version()}\n`);
      return EXIT.done;
    case "db":
      return runDb(commandLine);
    case "shell":
      return runShell(commandLine);
  }
}

async function runShell(commandLine: ShellCommandLine): Promise<number> {
  const { code, file } = commandLine;
  const url = databaseUrl(commandLine);
  const interactive = code === undefined && file === undefined && process.stdin.isTTY;
  let format: Format;
  try {
    format = await formatOf(commandLine.format);
  } catch (error) {
    return fail(error, commandLine.debug, EXIT.usage);
  }
  const { models } = commandLine;
  if (models !== undefined && !commandLine.trust && !(await isCodeAllowed(models))) {
    const refusal = new UsageError(`Refused: nobody has allowed yet to load the code of "${models}".`, {
      hint: "--trust loads it; a shell at a terminal asks once",
    });
    return fail(refusal, commandLine.debug, EXIT.refused, !interactive && format === "json");
  }
  const open = async () => {
    const { openShell } = await import("./shell/open-shell.js");
    return openShell({
      ...commandLine,
      url,
      format,
      version: version(),
      sampleFolder: packagePath("sample-data"),
      interactive,
      color: wantsColor(commandLine, interactive),
      write: (text) => void process.stderr.write(text),
    });
  };
  try {
    if (interactive) {
      const { titleOf } = await import("./database-url.js");
      const name = titleOf(url);
      const { drawFirstPrompt } = await import("./shell/first-prompt.js");
      if (process.stdout.isTTY) drawFirstPrompt(name, process.stdin, process.stdout);
      // A question may have stopped the keyboard's stream.
      process.stdin.resume();
      const { runRepl } = await import("./shell/repl.js");
      await runRepl({
        name,
        open,
        input: process.stdin,
        output: process.stdout,
        errorOutput: process.stderr,
      });
      return EXIT.done;
    }
    const program = file === undefined ? undefined : readProgram(file);
    const context = await open();
    const { runBatch } = await import("./shell/batch.js");
    try {
      const ending = await runBatch({
        context,
        code,
        program,
        programFile: file === undefined ? undefined : resolve(file),
        input: code === undefined && file === undefined ? process.stdin : undefined,
        keepGoing: commandLine.keepGoing,
        isLast: true,
        output: process.stdout,
        errorOutput: process.stderr,
      });
      return EXIT[ending];
    } finally {
      await context.close();
    }
  } catch (error) {
    return fail(error, commandLine.debug, EXIT.failed, !interactive && format === "json");
  }
}

/** Whether a command line that cannot be read asks for JSON. */
function asksForJson(argv: readonly string[]): boolean {
  return argv.some(
    (argument, index) => argument === "--format=json" || (argument === "json" && argv[index - 1] === "--format"),
  );
}

async function runDb(commandLine: DbCommandLine): Promise<number> {
  const url = databaseUrl(commandLine);
  try {
    const { runMigrations } = await import("./shell/run-migrations.js");
    return await runMigrations({ ...commandLine, url, version: version() });
  } catch (error) {
    return fail(error, commandLine.debug, EXIT.failed);
  }
}

/** The form of results by its name. @throws UsageError for a name that is none */
async function formatOf(name: string | undefined): Promise<Format> {
  if (name === undefined) return "table";
  const { formats } = await import("./render/render-options.js");
  const format = formats.find((candidate) => candidate === name);
  if (format) return format;
  throw new UsageError(`Unknown format "${name}".`, { hint: `--format takes ${formats.join(", ")}` });
}

/** Whether the code of a project may be loaded: asks at a terminal where that is not known. */
async function isCodeAllowed(path: string): Promise<boolean> {
  // What is not there is told when it is to be loaded.
  if (!existsSync(path)) return true;
  const { isTrusted, projectFolder, rememberTrust, trustFile } = await import("./project/trust.js");
  const [folder, file] = [projectFolder(path), trustFile()];
  if (isTrusted(folder, file)) return true;
  if (!process.stdin.isTTY) return false;
  const { createInterface } = await import("node:readline/promises");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const question = `Load the code of ${folder}? It can do whatever you can. [y]es, [n]o (default): `;
    // Ctrl-C and Ctrl-D close the terminal, and nobody answers any more.
    const declined = new Promise<string>((decline) => terminal.once("close", () => decline("")));
    const answer = await Promise.race([terminal.question(question), declined]);
    const isAllowed = /^y(es)?$/i.test(answer.trim());
    if (isAllowed) rememberTrust(folder, file);
    return isAllowed;
  } finally {
    terminal.close();
  }
}

function databaseUrl(commandLine: { url: string | undefined }): string | undefined {
  return commandLine.url ?? (process.env["DATABASE_URL"] || undefined);
}

function readProgram(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "there is no such file" : (cause as Error).message;
    throw new UsageError(`Cannot read "${file}": ${reason}.`, { cause });
  }
}

/** An error of the command line that shows only once its files are read. */
class UsageError extends ShellError {}

function wantsColor(commandLine: ShellCommandLine, interactive: boolean): boolean {
  if (!commandLine.color || process.env["NO_COLOR"]) return false;
  if (process.env["FORCE_COLOR"] !== undefined) return process.env["FORCE_COLOR"] !== "0";
  return interactive && process.stdout.isTTY && process.env["TERM"] !== "dumb";
}

/** Tells an error and gives the exit code for it. */
function fail(error: unknown, debug: boolean, otherwise: number, asJson = false): number {
  const { name = "Error", message = String(error), hint } = error as Partial<ShellError>;
  if (asJson) process.stderr.write(`${JSON.stringify({ error: { name, message, ...(hint && { hint }) } })}\n`);
  else process.stderr.write(`error: ${message}\n${hint === undefined ? "" : `hint: ${hint}\n`}`);
  if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  if (name === "ConnectionError") return EXIT.cannotConnect;
  return ["ArgumentError", "UsageError", "ModuleLoadError"].includes(name) ? EXIT.usage : otherwise;
}

/** Runs the program on this process's command line and sets the exit code. */
export async function runProgram(): Promise<void> {
  // Until the work is done: a process that ends for want of anything to wait for has not done it.
  process.exitCode = EXIT.failed;
  const argv = process.argv.slice(2);
  process.exitCode = await main(argv).catch((error: unknown) => fail(error, argv.includes("--debug"), EXIT.failed));
  saveCompiledModules();
  // What was interrupted or failed may have left timers behind, and lines on stdin that nobody reads any more.
  if (process.exitCode === EXIT.interrupted || process.exitCode === EXIT.failed) process.exit();
}
