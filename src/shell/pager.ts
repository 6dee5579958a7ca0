import { spawn } from "node:child_process";

/** The program that shows what is longer than the screen: `$PAGER`, else less; undefined where `$PAGER` is empty. */
export function pagerProgram(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = environment["PAGER"];
  if (named === undefined) return "less -SRXF";
  return named.trim() === "" ? undefined : named;
}

/** The exit code of a command shell that does not find a program. */
const NOT_FOUND = 127;

/**
 * Shows a text in the pager, which has the terminal until the person leaves it.
 *
 * @param lendTerminal  gives the terminal to the pager while that runs
 * @returns false where there is no pager, so that the text is still to be shown
 */
export async function page(text: string, lendTerminal: <T>(run: () => Promise<T>) => Promise<T>): Promise<boolean> {
  const program = pagerProgram();
  if (program === undefined) return false;
  // Ctrl-C is for the pager: this process gets the signal too.
  const ignore = (): void => undefined;
  return lendTerminal(async () => {
    process.on("SIGINT", ignore);
    try {
      const exitCode = await new Promise<number | null>((resolve, reject) => {
        const child = spawn("/bin/sh", ["-c", program], { stdio: ["pipe", "inherit", "inherit"] });
        child.on("error", reject).on("close", resolve);
        // The person may leave before the end of the text.
        child.stdin.on("error", ignore);
        child.stdin.end(text.endsWith("\n") ? text : `${text}\n`);
      });
      return exitCode !== NOT_FOUND;
    } finally {
      process.off("SIGINT", ignore);
    }
  });
}
