import { ArgumentError } from "../../errors";
import { type Format, formats } from "../../render/render-options";
import type { OutputSettings } from "../context";
import type { Command } from "./command";

/** The settings that are on or off. */
type Switch = { [K in keyof OutputSettings]: OutputSettings[K] extends boolean ? K : never }[keyof OutputSettings];

/** A command that turns a setting on or off; without an argument it tells how it stands. */
function switchCommand(name: Switch, description: string, detail: string): Command {
  return {
    name,
    subject: "output",
    usage: `.${name} on|off`,
    description,
    help: `${detail}\nWithout an argument it tells how it stands.`,
    execute(argument, host) {
      const { context } = host;
      if (argument === "") return host.note(`${name} is ${context.settings[name] ? "on" : "off"}`);
      if (argument !== "on" && argument !== "off") {
        throw new ArgumentError(`Expected "on" or "off" after .${name}, got "${argument}".`, { hint: `.${name} on` });
      }
      context.settings[name] = argument === "on";
    },
    complete: () => ["on", "off"],
  };
}

export const echo = switchCommand(
  "echo",
  "show every SQL statement with its time",
  "The statements go to stderr, above the result.",
);
export const timer = switchCommand(
  "timer",
  "show how long each input took",
  "The time goes to stderr, below the result.",
);
export const pager = switchCommand(
  "pager",
  "page results that are longer than the screen",
  "By the program that $PAGER names, or else less -SRXF; an empty $PAGER is none.",
);

export const mode: Command = {
  name: "mode",
  subject: "output",
  usage: ".mode FORMAT",
  description: `the form of results: ${formats.join(", ")}`,
  help: "Without an argument it tells the form in use.\nExample: .mode json",
  execute(argument, host) {
    const { context } = host;
    if (argument === "") return host.note(`mode is ${context.settings.format}`);
    const format = formats.find((candidate): candidate is Format => candidate === argument);
    if (!format) {
      throw new ArgumentError(`Unknown format "${argument}".`, { hint: `one of ${formats.join(", ")}` });
    }
    context.settings.format = format;
  },
  complete: () => formats,
};

export const limit: Command = {
  name: "limit",
  subject: "output",
  usage: ".limit N",
  description: "the most rows that are drawn (0 for all)",
  help: "It limits what is shown, not what a query fetches.\nExample: .limit 20",
  execute(argument, host) {
    const { context } = host;
    if (argument === "") return host.note(`limit is ${context.settings.limit}`);
    if (!/^\d+$/.test(argument)) {
      throw new ArgumentError(`Expected a whole number from 0 up after .limit, got "${argument}".`, {
        hint: ".limit 100",
      });
    }
    context.settings.limit = Number(argument);
  },
};
