import { ArgumentError, nearestName } from "./errors";

/** What both the shell and the migrations take. */
export interface CommonOptions {
  /** The database; undefined for `$DATABASE_URL` or the default file. */
  readonly url: string | undefined;
  /** A module or a folder of models; undefined for the sample models. */
  readonly models: string | undefined;
  readonly reflect: boolean;
  readonly yes: boolean;
  readonly trust: boolean;
  readonly color: boolean;
  /** Whether errors come with the stack of the program. */
  readonly debug: boolean;
}

/** A command line that opens the shell. */
export interface ShellCommandLine extends CommonOptions {
  readonly kind: "shell";
  readonly empty: boolean;
  /** Code to run instead of reading inputs. */
  readonly code: string | undefined;
  /** A file to run instead of reading inputs. */
  readonly file: string | undefined;
  /** The form of results, as it was typed; undefined for the default. */
  readonly format: string | undefined;
  readonly echo: boolean;
  /** The most rows that are drawn, 0 for all; undefined for the default. */
  readonly limit: number | undefined;
  readonly sandbox: boolean;
  readonly readOnly: boolean;
  readonly keepGoing: boolean;
}

/** A command line of migrations: the words after `db` that are not options of the program. */
export interface DbCommandLine extends CommonOptions {
  readonly kind: "db";
  /** The migration command with its arguments and its own options, as they were typed. */
  readonly arguments: readonly string[];
}

/** What a command line asks for. */
export type CommandLine = ShellCommandLine | DbCommandLine | { readonly kind: "help" } | { readonly kind: "version" };

/** An option: how it is typed, and what the usage text says of it. */
interface Option {
  readonly short?: string;
  /** The name of its value; undefined where it takes none. */
  readonly value?: string;
  readonly text: string;
  /** Whether it belongs to `db` commands too. */
  readonly common?: boolean;
}

const OPTIONS: Readonly<Record<string, Option>> = {
  url: { value: "URL", text: "the database, the same as the argument URL", common: true },
  empty: { text: "with the sample models: make the tables, load no sample data" },
  models: {
    value: "PATH",
    text: "a module or a folder of Sequelize models (default: sample Role and User)",
    common: true,
  },
  reflect: { text: "make models from the tables of the database", common: true },
  eval: { short: "e", value: "CODE", text: "run CODE, print the value of its last statement, leave" },
  file: { short: "f", value: "FILE", text: "run a file of TypeScript, leave" },
  format: { value: "NAME", text: "the form of results:" },
  echo: { text: "show every statement" },
  limit: { value: "N", text: "the most rows that are shown (0 = all)" },
  sandbox: { text: "roll everything back at the end" },
  "read-only": { text: "let the database refuse writes" },
  "keep-going": { text: "without a terminal: go on after an error" },
  yes: { short: "y", text: "answer yes to guards", common: true },
  trust: { text: "load a project's code without asking", common: true },
  "no-color": { text: "write without colour", common: true },
  debug: { text: "show the stack of errors", common: true },
  version: { short: "V", text: "show the version", common: true },
  help: { short: "h", text: "show this text", common: true },
};

const SPELLINGS = Object.keys(OPTIONS).map((name) => `--${name}`);

/** The text of `--help`. @param formats  the names that `--format` takes */
export function usageText(formats: readonly string[]): string {
  const rows = Object.entries(OPTIONS).map(([name, { short, value, text }]) => {
    const spelled = `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
    return `  ${spelled.padEnd(20)}  ${name === "format" ? formats.join(" | ") : text}`;
  });
  return [
    "sequelize-shell [URL] [options]       open the shell on a database",
    "sequelize-shell db COMMAND [options]  migrations, on --url URL",
    "",
    ...rows,
    "",
    "URL: sqlite:FILE, sqlite::memory:, postgres://…, mariadb://…, mysql://…, or a path to an SQLite file.",
    "Without it: $DATABASE_URL, else sqlite:data.sqlite. Inputs come from stdin when it is not a terminal.",
  ].join("\n");
}

/**
 * Reads the arguments of the program, without the interpreter and the script.
 *
 * @throws ArgumentError for an unknown option (the nearest one is the hint), a missing or wrong value, a second URL
 */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const isDb = firstWord(argv) === "db";
  const { values, words } = isDb ? readDbArguments(argv) : readArguments(argv);
  if (values.has("help") && !isDb) return { kind: "help" };
  if (values.has("version")) return { kind: "version" };
  const common = {
    url: values.get("url"),
    models: values.get("models"),
    reflect: values.has("reflect"),
    yes: values.has("yes"),
    trust: values.has("trust"),
    color: !values.has("no-color"),
    debug: values.has("debug"),
  };
  if (isDb) return { kind: "db", ...common, arguments: words };
  return shellCommandLine(common, values, words);
}

type Values = ReadonlyMap<string, string>;

function shellCommandLine(common: CommonOptions, values: Values, words: readonly string[]): ShellCommandLine {
  const [word, second] = words;
  if (second !== undefined) {
    throw new ArgumentError(`Unexpected argument "${second}": the shell opens one database, "${word}".`, {
      hint: "sequelize-shell --help lists the options",
    });
  }
  if (word !== undefined && common.url !== undefined && word !== common.url) {
    throw new ArgumentError("The database was given twice, by --url and as an argument.", {
      hint: "leave one of them out",
    });
  }
  return {
    kind: "shell",
    ...common,
    url: common.url ?? word,
    empty: values.has("empty"),
    code: values.get("eval"),
    file: values.get("file"),
    format: values.get("format"),
    echo: values.has("echo"),
    limit: limitOf(values.get("limit")),
    sandbox: values.has("sandbox"),
    readOnly: values.has("read-only"),
    keepGoing: values.has("keep-going"),
  };
}

function limitOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw new ArgumentError(`Expected --limit to be a whole number from 0 up, got "${text}".`, {
    hint: "--limit 0 shows all rows",
  });
}

/** The first argument that is neither an option nor the value of one. */
function firstWord(argv: readonly string[]): string | undefined {
  for (let index = 0; index < argv.length; index += 1) {
    const argument = argv[index] ?? "";
    if (!argument.startsWith("-") || argument === "-") return argument;
    const option = optionOf(argument);
    if (option && OPTIONS[option.name]?.value !== undefined && option.value === undefined) index += 1;
  }
  return undefined;
}

/** The option that an argument spells, with the value after its `=`; undefined for an unknown one. */
function optionOf(argument: string): { name: string; value: string | undefined } | undefined {
  const [, long, value] = /^--([^=]+)(?:=([\s\S]*))?$/.exec(argument) ?? [];
  if (long !== undefined) return Object.hasOwn(OPTIONS, long) ? { name: long, value } : undefined;
  const short = Object.entries(OPTIONS).find(
    ([, option]) => option.short !== undefined && argument.startsWith(`-${option.short}`),
  );
  if (!short) return undefined;
  const rest = argument.slice(2);
  if (short[1].value === undefined) return rest === "" ? { name: short[0], value: undefined } : undefined;
  return { name: short[0], value: rest === "" ? undefined : rest.replace(/^=/, "") };
}

function readArguments(argv: readonly string[]): { values: Values; words: string[] } {
  const values = new Map<string, string>();
  const words: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const argument = argv[index] ?? "";
    if (argument === "--") {
      words.push(...argv.slice(index + 1));
      break;
    }
    if (!argument.startsWith("-") || argument === "-") {
      words.push(argument);
      continue;
    }
    const option = optionOf(argument);
    if (!option) throw unknownOption(argument);
    index += store(values, option, argv[index + 1]);
  }
  return { values, words };
}

/** Takes the program's own options out of a `db` command line; everything else is the migration command's. */
function readDbArguments(argv: readonly string[]): { values: Values; words: string[] } {
  const values = new Map<string, string>();
  const words: string[] = [];
  let seenDb = false;
  for (let index = 0; index < argv.length; index += 1) {
    const argument = argv[index] ?? "";
    const option = argument.startsWith("--") ? optionOf(argument) : undefined;
    const isOwn = option !== undefined && OPTIONS[option.name]?.common === true && option.name !== "help";
    if (isOwn) index += store(values, option, argv[index + 1]);
    else if (!seenDb && argument === "db") seenDb = true;
    else words.push(argument);
  }
  return { values, words };
}

/** Notes an option. @returns how many further arguments its value took */
function store(
  values: Map<string, string>,
  { name, value }: { name: string; value: string | undefined },
  next: string | undefined,
): number {
  const expected = OPTIONS[name]?.value;
  if (expected === undefined) {
    if (value !== undefined)
      throw new ArgumentError(`The option "--${name}" takes no value, got "${value}".`, { hint: `--${name}` });
    values.set(name, "");
    return 0;
  }
  const given = value ?? next;
  if (given === undefined) {
    throw new ArgumentError(`The option "--${name}" needs a value.`, { hint: `--${name} ${expected}` });
  }
  values.set(name, given);
  return value === undefined ? 1 : 0;
}

function unknownOption(argument: string): ArgumentError {
  const name = argument.replace(/=.*/s, "");
  const guess = nearestSpelling(name);
  return new ArgumentError(`Unknown option "${name}".`, {
    hint: guess === undefined ? "sequelize-shell --help lists the options" : `did you mean "${guess}"?`,
  });
}

/** The option that is most like a mistyped one: a few letters apart, else the first that begins so. */
function nearestSpelling(name: string): string | undefined {
  const typed = name.replaceAll(/[-_]/g, "").toLowerCase();
  const begins = (spelling: string): boolean => spelling.replaceAll("-", "").startsWith(typed);
  return nearestName(name, SPELLINGS) ?? (typed.length >= 2 ? SPELLINGS.find(begins) : undefined);
}
