import type { Command } from "./commands/command";
import type { ShellContext } from "./context";
import type { TypeChecks } from "./type-checks";

/** Completes an unfinished text of code: the candidates, and the part of the text that they would replace. */
export async function completeCode(
  text: string,
  types: Pick<TypeChecks, "complete">,
): Promise<readonly [readonly string[], string]> {
  const found = await types.complete(text);
  return [found?.candidates ?? [], found?.part ?? ""];
}

/** Completes a dot command or its argument: the candidates, and the part of the line that they would replace. */
export async function completeCommand(
  line: string,
  commands: readonly Command[],
  context: ShellContext,
  types: Pick<TypeChecks, "complete">,
): Promise<readonly [readonly string[], string]> {
  const [, name, argument] = /^\s*\.([\w-]*)(?:\s+(.*))?$/s.exec(line) ?? [];
  if (name === undefined) return [[], line];
  if (argument === undefined) {
    const names = commands.map((command) => `.${command.name}`).filter((candidate) => candidate.startsWith(`.${name}`));
    return [names, line.trimStart()];
  }
  const command = commands.find((candidate) => candidate.name === name);
  // What comes after the options of such a command is code.
  if (command && /\b(?:EXPR|NAME)\b/.test(command.usage) && !command.complete) {
    return completeCode(argument.replace(/^(?:--\S+\s+)+/, ""), types);
  }
  // A file, and then code.
  const [, code] = /^\S+\s+([\s\S]*)$/.exec(argument) ?? [];
  if (code !== undefined && command && /\bFILE EXPR\b/.test(command.usage)) return completeCode(code, types);
  const last = /\S*$/.exec(argument)?.[0] ?? "";
  const words = argument
    .slice(0, argument.length - last.length)
    .split(/\s+/)
    .filter(Boolean);
  const candidates = (await command?.complete?.(last, { commands, context, words })) ?? [];
  return [candidates.filter((candidate) => candidate.startsWith(last)), last];
}
