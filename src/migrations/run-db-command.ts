import type { Model, ModelStatic, Sequelize } from "sequelize";
import type { QueryListener } from "../driver/connection";
import { ArgumentError, ShellError, nearestName } from "../errors";
import { UsageError, helpOf, readArguments, textOption } from "./commands/command";
import { DB_COMMANDS } from "./commands/commands";
import type { MigrationIo } from "./environment";
import { Environment } from "./environment";
import { Interruption } from "./migration-error";

/** The database of the migrations. */
export interface MigrationDatabase {
  sequelize: Sequelize;
  /** The models that the database is compared with; every model of the instance when absent. */
  models?: readonly ModelStatic<Model>[] | undefined;
  /** Nobody named the models: they are the samples. */
  areSamples?: boolean;
}

/** A command of the migrations: `db upgrade`, with everything that it works on. */
export interface DbCommandRequest {
  /** The command's name; empty for help. */
  command: string;
  /** What stands behind the name on the command line. */
  args: readonly string[];
  /** Opens the database, for a command that needs one; `check` where it must answer. */
  open: (options: { check: boolean }) => Promise<MigrationDatabase>;
  /** The directory of the migrations; `--directory` among the arguments wins. */
  directory?: string | undefined;
  io: MigrationIo;
  /** Told of every statement. */
  onQuery?: QueryListener | undefined;
  /** Name and version of the program, for the version table. */
  app?: string | undefined;
}

/**
 * Runs a command of the migrations.
 *
 * Results go to `io.stdout`, everything else to `io.stderr`; nothing is thrown for what a person can mend.
 *
 * @throws what `open` throws
 * @returns the exit code: 0 done, 1 an error, 2 a command line that cannot be read, 130 broken off by the person
 */
export async function runDbCommand(request: DbCommandRequest): Promise<number> {
  const { io } = request;
  if (request.command === "" || request.command === "help" || request.command === "--help") {
    io.stdout(dbHelp());
    return 0;
  }
  const command = DB_COMMANDS.find((candidate) => candidate.name === request.command);
  if (command === undefined) {
    const near = nearestName(
      request.command,
      DB_COMMANDS.map(({ name }) => name),
    );
    io.stderr(`Error: There is no command "db ${request.command}".${near ? ` Did you mean "db ${near}"?` : ""}\n`);
    return 2;
  }
  let arguments_: ReturnType<typeof readArguments>;
  try {
    arguments_ = readArguments(command, request.args);
  } catch (error) {
    return fail(error, request);
  }
  const { values, positionals } = arguments_;
  if (values["help"]) {
    io.stdout(helpOf(command));
    return 0;
  }
  const need = command.needs?.(values, positionals) ?? "database";
  const database = need === "files" ? undefined : await request.open({ check: need === "database" });
  const env = new Environment({
    sequelize: database?.sequelize,
    directory: textOption(values, "directory") ?? request.directory ?? "migrations",
    io,
    onQuery: request.onQuery,
    app: request.app,
  });
  try {
    return await command.run({
      env,
      models: database?.models,
      areSamples: database?.areSamples ?? false,
      values,
      positionals,
    });
  } catch (error) {
    return fail(error, request);
  } finally {
    await env.close();
  }
}

/** Tells an error. @returns the exit code for it */
function fail(error: unknown, { io, args }: DbCommandRequest): number {
  if (error instanceof Interruption) {
    io.stderr(`${error.message}\n`);
    return 130;
  }
  io.stderr(`${errorText(error, args.includes("--traceback"))}\n`);
  return error instanceof UsageError || error instanceof ArgumentError ? 2 : 1;
}

/** The list of the commands. */
export function dbHelp(): string {
  const lines = DB_COMMANDS.map(({ name, parameters, summary }) => `  ${`${name} ${parameters}`.padEnd(24)}${summary}`);
  return [
    "usage: db COMMAND [options]",
    "",
    ...lines,
    "",
    "db COMMAND --help shows the options of a command.",
    "",
  ].join("\n");
}

function errorText(error: unknown, traceback: boolean): string {
  if (!(error instanceof Error)) return `Error: ${String(error)}`;
  const hint = error instanceof ShellError && error.hint !== undefined ? `\n${error.hint}` : "";
  const lines = [`Error: ${error.message}${hint}`];
  if (traceback || !(error instanceof ShellError)) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
      lines.push(cause.stack ?? cause.message);
  }
  return lines.join("\n");
}
