import { createInterface } from "node:readline";
import type { Database } from "../database";
import { openProjectDatabase, openProjectModels } from "./open-shell";
import type { Command } from "./commands/command";

/** A command line of migrations: `sequelize-shell db upgrade --url …`. */
export interface RunMigrationsOptions {
  readonly url: string | undefined;
  /** A module or a folder of models; undefined for the sample models. */
  readonly models: string | undefined;
  readonly reflect: boolean;
  /** The command and what stands behind it. */
  readonly arguments: readonly string[];
  readonly version: string;
}

/** Runs a command of the migrations on a database that is opened for it, where it needs one. @returns the exit code */
export async function runMigrations(options: RunMigrationsOptions): Promise<number> {
  const [command = "", ...args] = options.arguments;
  const { runDbCommand } = await import("../migrations/run-db-command.js");
  let database: Database | undefined;
  try {
    return await runDbCommand({
      command,
      args,
      open: async ({ check }) => {
        database = options.reflect
          ? await openProjectDatabase({ ...options, readOnly: false }, { check })
          : await openProjectModels(options, { check });
        return { sequelize: database.sequelize, areSamples: options.models === undefined && !options.reflect };
      },
      app: `sequelize-shell ${options.version}`,
      io: {
        stdout: (text) => void process.stdout.write(text),
        stderr: (text) => void process.stderr.write(text),
        status: process.stderr.isTTY ? showStatus : undefined,
        ask: process.stdin.isTTY ? askAtTerminal : undefined,
      },
    });
  } finally {
    await database?.close();
  }
}

/** Writes the line that the cursor is on anew. */
function showStatus(text: string | undefined): void {
  process.stderr.write(`\r\x1b[K${text?.slice(0, (process.stderr.columns || 80) - 1) ?? ""}`);
}

/** Asks at the terminal; undefined for Ctrl-C and Ctrl-D. */
function askAtTerminal(question: string): Promise<string | undefined> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  return new Promise((answered) => {
    let given: string | undefined;
    terminal.on("close", () => {
      if (given === undefined) process.stderr.write("\n");
      answered(given);
    });
    terminal.on("SIGINT", () => terminal.close());
    terminal.question(question, (answer) => {
      given = answer;
      terminal.close();
    });
  });
}

/** `.db COMMAND` at the prompt, on the shell's own database. */
export function dbCommand(shell: { readonly database: Database }, version: string): Command {
  return {
    name: "db",
    subject: "migrations",
    usage: ".db COMMAND [options]",
    description: "migrations: init, revision, migrate, upgrade, downgrade, current, history and more",
    help: [
      "The same as sequelize-shell db COMMAND, on the database that is open. .db help lists the commands.",
      'Example: .db migrate -m "add a column", then .db upgrade',
    ].join("\n"),
    async execute(argument, host) {
      const { InvalidRequestError } = await import("../errors.js");
      const { database } = shell;
      if (database.sandbox) {
        throw new InvalidRequestError("Cannot run migrations in the sandbox: they end their own transactions.", {
          hint: ".sandbox off",
        });
      }
      if (database.session.inTransaction()) {
        throw new InvalidRequestError("Cannot run migrations while the session has work that is not committed.", {
          hint: "db.session.commit() or db.session.rollback()",
        });
      }
      const { runDbCommand } = await import("../migrations/run-db-command.js");
      const [command = "", ...args] = splitWords(argument);
      await runDbCommand({
        command,
        args,
        open: () => Promise.resolve({ sequelize: database.sequelize, models: Object.values(database.models) }),
        app: `sequelize-shell ${version}`,
        io: {
          stdout: (text) => host.print(text.replace(/\n$/, "")),
          stderr: (text) => host.note(text.replace(/\n$/, "")),
          status: host.interactive && process.stderr.isTTY ? showStatus : undefined,
          ask: host.interactive ? (question) => host.lendTerminal(() => askAtTerminal(question)) : undefined,
        },
      });
      // Rows may have changed under the objects that are loaded.
      database.session.expireAll();
    },
    complete: async () => {
      const { DB_COMMANDS } = await import("../migrations/commands/commands.js");
      return DB_COMMANDS.map(({ name }) => name);
    },
  };
}

/** Words of a line as a command shell splits them: white space between, quotes around what belongs together. */
export function splitWords(line: string): string[] {
  const words = line.matchAll(/(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'])+/g);
  return [...words].map(([word]) =>
    word.replaceAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'/g, (_, double?: string, single?: string) =>
      double === undefined ? (single ?? "") : double.replaceAll(/\\(.)/g, "$1"),
    ),
  );
}
