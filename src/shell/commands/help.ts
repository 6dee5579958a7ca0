import { ArgumentError, nearestName } from "../../errors";

import { type Command, SUBJECTS } from "./command";

/** The command of a name; a beginning that only one command has is enough. @throws ArgumentError for an unknown one */
export function findCommand(commands: readonly Command[], name: string): Command {
  const exact = commands.find((command) => command.name === name);
  if (exact) return exact;
  const [only, ...others] = commands.filter((command) => command.name.startsWith(name));
  if (only && others.length === 0) return only;
  const guess =
    only?.name ??
    nearestName(
      name,
      commands.map((command) => command.name),
    );
  throw new ArgumentError(`Unknown command ".${name}".`, {
    hint: guess === undefined ? ".help lists the commands" : `did you mean ".${guess}"? .help lists the commands`,
  });
}

/** The list of commands by subject. */
export function commandList(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ usage }) => usage.length)) + 2;
  const sections = SUBJECTS.flatMap((subject) => {
    const members = commands.filter((command) => command.subject === subject);
    if (members.length === 0) return [];
    return [[subject, ...members.map(({ usage, description }) => `  ${usage.padEnd(width)}${description}`)].join("\n")];
  });
  return [...sections, "Anything else is TypeScript. .help COMMAND tells more."].join("\n\n");
}

export const help: Command = {
  name: "help",
  subject: "prompt",
  usage: ".help [COMMAND]",
  description: "list the commands, or tell all about one",
  help: "Example: .help sql",
  execute(argument, host) {
    if (argument === "") return host.print(commandList(host.commands));
    const command = findCommand(host.commands, argument.replace(/^\./, ""));
    return host.print(`${command.usage}\n  ${command.description}\n\n${command.help}`);
  },
  complete: (_argument, { commands }) => commands.map(({ name }) => name),
};
