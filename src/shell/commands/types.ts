import { ArgumentError } from "../../errors";
import { TYPES_MODES, type TypesMode } from "../context";
import type { Command } from "./command";

export const types: Command = {
  name: "types",
  subject: "prompt",
  usage: ".types strict|warn|off",
  description: "check the types of inputs: refuse what is wrong, tell it and run, or do not look",
  help: [
    "warn (at the prompt) tells what is wrong, ts(2551): …, and runs the input; it does not wait for types that are still loading.",
    "strict runs nothing that is wrong. Without a terminal types are off until this command says otherwise.",
    "Without an argument it tells how it stands.",
  ].join("\n"),
  execute(argument, host) {
    if (argument === "") return host.note(`types is ${host.types.mode}`);
    const mode = TYPES_MODES.find((candidate): candidate is TypesMode => candidate === argument);
    if (!mode) {
      throw new ArgumentError(`Expected one of ${TYPES_MODES.join(", ")} after .types, got "${argument}".`, {
        hint: ".types warn",
      });
    }
    host.types.mode = mode;
    if (mode !== "off") void host.types.start();
  },
  complete: () => TYPES_MODES,
};

export const type: Command = {
  name: "type",
  subject: "prompt",
  usage: ".type EXPR",
  description: "tell the type of an expression without running it",
  help: "A promise counts as what it is awaited for, as at the prompt.\nExample: .type User.query.first()",
  async execute(argument, host) {
    if (argument === "") throw nothingGiven("type", "an expression", ".type User.query.first()");
    const found = await host.types.typeOf(argument);
    if (found === undefined) throw new ArgumentError(`Cannot tell the type of "${argument}": it is no expression.`);
    if ("problem" in found) {
      throw new ArgumentError(`Cannot tell the type of "${argument}": ${found.problem.message}`);
    }
    host.print(found.type);
  },
};

export const doc: Command = {
  name: "doc",
  subject: "prompt",
  usage: ".doc NAME",
  description: "show the declaration and the documentation of a name",
  help: "NAME is a name or a path of names.\nExample: .doc User.query.filterBy",
  async execute(argument, host) {
    if (argument === "") throw nothingGiven("doc", "a name", ".doc User.query.filterBy");
    const found = await host.types.documentationOf(argument);
    if (!found) throw new ArgumentError(`Found nothing about "${argument}".`);
    host.print(found.text === "" ? found.declaration : `${found.declaration}\n\n${found.text}`);
  },
};

function nothingGiven(command: string, what: string, hint: string): ArgumentError {
  return new ArgumentError(`Expected ${what} after .${command}, got nothing.`, { hint });
}
