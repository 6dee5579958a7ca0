import type { Command } from "./commands/command";
import type { ShellContext } from "./context";

/** Completes a dot command or its argument: the candidates, and the part of the line that they would replace. */
export async function completeCommand(
  line: string,
  commands: readonly Command[],
  context: ShellContext,
): Promise<readonly [readonly string[], string]> {
  const [, name, argument] = /^\s*\.([\w-]*)(?:\s+(.*))?$/s.exec(line) ?? [];
  if (name === undefined) return [[], line];
  if (argument === undefined) {
    const names = commands.map((command) => `.${command.name}`).filter((candidate) => candidate.startsWith(`.${name}`));
    return [names, line.trimStart()];
  }
  const command = commands.find((candidate) => candidate.name === name);
  const last = /\S*$/.exec(argument)?.[0] ?? "";
  const candidates = (await command?.complete?.(last, { commands, context })) ?? [];
  return [candidates.filter((candidate) => candidate.startsWith(last)), last];
}
