import { ShellError } from "../errors";

/** A migration that cannot be found, written or run: nothing of the step that it names was kept, unless it says so. */
export class MigrationError extends ShellError {}

/** A person broke a command off where it asked. */
export class Interruption extends MigrationError {}
