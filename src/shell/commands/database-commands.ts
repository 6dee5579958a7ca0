import type { Database } from "../../database";
import type { OutputSettings } from "../context";
import { dbCommand } from "../run-migrations";
import type { Shown } from "../shown-rows";
import type { Command } from "./command";
import { connectCommand, reloadCommand } from "./connect";
import { describeCommand } from "./describe";
import { erdCommand } from "./erd";
import { explainCommand } from "./explain";
import { exportCommand } from "./export";
import { fakeCommand } from "./fake";
import { importCommand } from "./import";
import { plotCommand } from "./plot";
import { readonlyCommand } from "./readonly";
import { rowsCommands } from "./rows";
import { sandboxCommand } from "./sandbox";
import { saveCommand } from "./save";
import { schemaCommand, tablesCommand } from "./schema";
import { sessionCommand } from "./session";

/** What the commands that need a database work on. */
export interface DatabaseShell {
  /** The database that is open now: `.connect` changes it. */
  readonly database: Database;
  readonly settings: OutputSettings;
  /** The rows that were shown last. */
  readonly shown: Shown | undefined;
  /** Objects whose insertion was committed, in the order of their insertion. */
  readonly inserted: readonly object[];
  readonly insertedCount: number;
  /** The program's own version. */
  readonly version: string;
  readonly color: boolean;
  /** Opens another database in place of this one; the same one anew, its models read again, where no URL is given. */
  reopen(url: string | undefined): Promise<void>;
  /** Runs something of a command as an input is run: in a sandbox under a savepoint. */
  runInput<T>(run: () => Promise<T>): Promise<T>;
}

/** The commands that need a database. */
export function databaseCommands(shell: DatabaseShell): Command[] {
  return [
    sessionCommand(shell),
    explainCommand(shell),
    describeCommand(shell),
    tablesCommand(shell),
    schemaCommand(shell),
    erdCommand(shell),
    ...rowsCommands(shell),
    plotCommand(shell),
    importCommand(shell),
    exportCommand(shell),
    fakeCommand(shell),
    saveCommand(shell),
    sandboxCommand(shell),
    readonlyCommand(shell),
    connectCommand(shell),
    reloadCommand(shell),
    dbCommand(shell, shell.version),
  ];
}
