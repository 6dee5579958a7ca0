import { describe, expect, it } from "vitest";
import { parseCommandLine, usageText } from "../src/command-line";
import { ArgumentError } from "../src/errors";

const SHELL = {
  kind: "shell",
  url: undefined,
  models: undefined,
  reflect: false,
  yes: false,
  trust: false,
  color: true,
  debug: false,
  empty: false,
  code: undefined,
  file: undefined,
  format: undefined,
  echo: false,
  limit: undefined,
  sandbox: false,
  readOnly: false,
  keepGoing: false,
};

describe("a command line", () => {
  it.each<[string, string[], object]>([
    ["nothing opens the shell with defaults", [], {}],
    ["a word is the URL", ["sqlite:a.sqlite"], { url: "sqlite:a.sqlite" }],
    ["--url is the URL", ["--url", "a.sqlite"], { url: "a.sqlite" }],
    ["--url=… is the URL", ["--url=sqlite::memory:"], { url: "sqlite::memory:" }],
    ["the same URL may be given both ways", ["a", "--url", "a"], { url: "a" }],
    ["--empty", ["--empty"], { empty: true }],
    ["--models", ["--models", "src/models"], { models: "src/models" }],
    ["--reflect", ["--reflect"], { reflect: true }],
    ["-e takes code that looks like an option", ["-e", "-1 + 2"], { code: "-1 + 2" }],
    ["-e takes code glued to it", ["-e1+1"], { code: "1+1" }],
    ["--eval", ["--eval", "1"], { code: "1" }],
    ["--eval=… keeps later equal signs", ["--eval=a = b"], { code: "a = b" }],
    ["an empty code is code", ["-e", ""], { code: "" }],
    ["-f", ["-f", "seed.ts"], { file: "seed.ts" }],
    ["--file", ["--file", "seed.ts"], { file: "seed.ts" }],
    ["--format", ["--format", "jsonl"], { format: "jsonl" }],
    ["--echo", ["--echo"], { echo: true }],
    ["--limit 0", ["--limit", "0"], { limit: 0 }],
    ["--sandbox and --read-only", ["--sandbox", "--read-only"], { sandbox: true, readOnly: true }],
    ["--keep-going", ["--keep-going"], { keepGoing: true }],
    [
      "--yes, --trust, --no-color, --debug",
      ["--yes", "--trust", "--no-color", "--debug"],
      { yes: true, trust: true, color: false, debug: true },
    ],
    ["words after -- are not options", ["--", "-odd.sqlite"], { url: "-odd.sqlite" }],
    [
      "options and the URL come in any order",
      ["--echo", "a.sqlite", "--limit", "5"],
      { url: "a.sqlite", echo: true, limit: 5 },
    ],
  ])("%s", (_name, argv, expected) => {
    expect(parseCommandLine(argv)).toEqual({ ...SHELL, ...expected });
  });

  it("asks for help and for the version", () => {
    expect(parseCommandLine(["--help"])).toEqual({ kind: "help" });
    expect(parseCommandLine(["-h"])).toEqual({ kind: "help" });
    expect(parseCommandLine(["a.sqlite", "--version"])).toEqual({ kind: "version" });
  });

  it("gives what follows db to the migrations, without the program's own options", () => {
    const line = parseCommandLine(["--url", "a.sqlite", "db", "revision", "-m", "add bio", "--autogenerate", "--yes"]);
    expect(line).toMatchObject({
      kind: "db",
      url: "a.sqlite",
      yes: true,
      arguments: ["revision", "-m", "add bio", "--autogenerate"],
    });
  });

  it("takes --url after db, and leaves --help to the migrations", () => {
    expect(parseCommandLine(["db", "upgrade", "--help", "--url=b"])).toMatchObject({
      kind: "db",
      url: "b",
      arguments: ["upgrade", "--help"],
    });
  });

  it.each<[string[], string, string]>([
    [["--fromat", "json"], 'Unknown option "--fromat".', 'did you mean "--format"?'],
    [["--readonly"], 'Unknown option "--readonly".', 'did you mean "--read-only"?'],
    [["--sand"], 'Unknown option "--sand".', 'did you mean "--sandbox"?'],
    [["--qqqqq=1"], 'Unknown option "--qqqqq".', "sequelize-shell --help lists the options"],
    [["-x"], 'Unknown option "-x".', "sequelize-shell --help lists the options"],
    [["--url"], 'The option "--url" needs a value.', "--url URL"],
    [["--echo=yes"], 'The option "--echo" takes no value, got "yes".', "--echo"],
    [["--limit", "-3"], 'Expected --limit to be a whole number from 0 up, got "-3".', "--limit 0 shows all rows"],
    [
      ["a", "b"],
      'Unexpected argument "b": the shell opens one database, "a".',
      "sequelize-shell --help lists the options",
    ],
    [["a", "--url", "b"], "The database was given twice, by --url and as an argument.", "leave one of them out"],
  ])("%j is refused with the way out", (argv, message, hint) => {
    let thrown: unknown;
    try {
      parseCommandLine(argv);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ArgumentError);
    expect(thrown).toMatchObject({ message, hint });
  });

  it("has every option in its usage text", () => {
    const options = [
      "--url",
      "--empty",
      "--models",
      "--reflect",
      "-e, --eval",
      "-f, --file",
      "--format",
      "--echo",
      "--limit",
    ];
    options.push(
      "--sandbox",
      "--read-only",
      "--keep-going",
      "--yes",
      "--trust",
      "--no-color",
      "--debug",
      "--version",
      "--help",
    );
    for (const option of options) expect(usageText(["table"])).toContain(option);
  });
});
