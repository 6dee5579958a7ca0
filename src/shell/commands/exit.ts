import type { Command } from "./command";

export const exit: Command = {
  name: "exit",
  subject: "prompt",
  usage: ".exit",
  description: "leave the shell (also Ctrl-D)",
  help: "Asks first when the session holds work that was not committed.",
  execute: (_argument, host) => host.leave(),
};
