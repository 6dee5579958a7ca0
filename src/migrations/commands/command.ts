import { parseArgs } from "node:util";
import { MigrationError } from "../migration-error";
import type { Environment } from "../environment";
import type { FromModelsOptions } from "../../schema/declare-models";

/** What a command of the migrations is given beside its arguments. */
export interface CommandContext {
  env: Environment;
  /** The models that the database is compared with; every model of the instance when absent. */
  models: FromModelsOptions["models"];
  /** Nobody named the models: they are the samples. */
  areSamples: boolean;
  values: OptionValues;
  positionals: readonly string[];
}

/** The options of a command line by their long names. */
export type OptionValues = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

/** An option of a command. */
export interface OptionSpec {
  type: "string" | "boolean";
  short?: string;
  multiple?: boolean;
  /** What it does, for help. */
  help: string;
  /** Name of its value, for help. */
  value?: string;
}

/** What a command needs: files alone, the kind of the database without an answer of it, or the database itself. */
export type DatabaseNeed = "files" | "dialect" | "database";

/** A command of `db`: its name, how it is written, and what it does. */
export interface DbCommand {
  name: string;
  /** What stands behind the name, for help: `[REVISION]`. */
  parameters: string;
  summary: string;
  options: Readonly<Record<string, OptionSpec>>;
  /** Positional arguments at the least and at the most. */
  arity: readonly [number, number];
  /** What it needs of a database, as it was called; absent where it always asks one. */
  needs?(values: OptionValues, positionals: readonly string[]): DatabaseNeed;
  /** Whether it reads the models. */
  readonly comparesModels?: boolean;
  /** @returns the exit code */
  run(context: CommandContext): Promise<number>;
}

/** A command line that cannot be read: exit code 2. */
export class UsageError extends MigrationError {}

/** Options that every command takes. */
export const COMMON_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  directory: { type: "string", short: "d", value: "DIR", help: "directory of the migrations (migrations)" },
  traceback: { type: "boolean", help: "show where an error came from" },
  help: { type: "boolean", short: "h", help: "show this help" },
};

/**
 * Reads the arguments of a command.
 *
 * @throws {UsageError} for an option that it does not know, or too many or too few arguments
 */
export function readArguments(
  command: DbCommand,
  args: readonly string[],
): { values: OptionValues; positionals: string[] } {
  const options = { ...command.options, ...COMMON_OPTIONS };
  // A relative revision is no option: db downgrade -1.
  const relative = args.flatMap((arg, i) => (/^-\d+$/.test(arg) ? [{ arg, i }] : []));
  const rest = args.filter((arg) => !/^-\d+$/.test(arg));
  let parsed: { values: OptionValues; positionals: string[] };
  try {
    parsed = parseArgs({
      args: rest,
      allowPositionals: true,
      options: Object.fromEntries(
        Object.entries(options).map(([name, { type, short, multiple }]) => [
          name,
          { type, ...(short ? { short } : {}), ...(multiple ? { multiple } : {}) },
        ]),
      ),
    });
  } catch (cause) {
    throw new UsageError((cause as Error).message.split(". To specify")[0] ?? "", {
      cause,
      hint: `db ${command.name} --help`,
    });
  }
  const positionals = [...parsed.positionals, ...relative.map(({ arg }) => arg)];
  const [least, most] = command.arity;
  if (!parsed.values["help"] && (positionals.length < least || positionals.length > most)) {
    throw new UsageError(`Expected "db ${command.name}${command.parameters === "" ? "" : ` ${command.parameters}`}".`, {
      hint:
        command.options["message"] && positionals.length > most
          ? `db ${command.name} -m ${JSON.stringify(positionals.join(" "))}`
          : `db ${command.name} --help`,
    });
  }
  return { values: parsed.values, positionals };
}

/** The value of an option that is a text. */
export function textOption(values: OptionValues, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}

/** The values of an option that may be repeated. */
export function listOption(values: OptionValues, name: string): string[] {
  const value = values[name];
  return Array.isArray(value) ? value.map(String) : [];
}

/** The help of one command. */
export function helpOf(command: DbCommand): string {
  const options = Object.entries({ ...command.options, ...COMMON_OPTIONS }).map(([name, { short, value, help }]) => {
    const flags = `${short ? `-${short}, ` : "    "}--${name}${value ? ` ${value}` : ""}`;
    return `  ${flags.padEnd(32)}${help}`;
  });
  const head = `db ${command.name}${command.parameters === "" ? "" : ` ${command.parameters}`}`;
  return [`usage: ${head} [options]`, "", command.summary, "", ...options, ...placeOf(command), ""].join("\n");
}

/** What says where the database and the models are: options of the program, and nothing at its prompt. */
function placeOf(command: DbCommand): string[] {
  if (command.needs?.({}, []) === "files") return [];
  const models = command.comparesModels ? " and the models by --models PATH" : "";
  return ["", `On the command line the database is named by --url URL or DATABASE_URL${models}.`];
}
