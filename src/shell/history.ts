import { appendFileSync, chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** How many entries are kept from one shell to the next. */
const KEPT_ENTRIES = 2000;

/** A connection URL with a password in it. */
const URL_WITH_PASSWORD = /\b[a-z][a-z0-9+.-]*:\/\/[^\s/@:'"`]*:[^\s/@'"`]+@/i;
/** A name that means a secret, with a value after it. */
const NAMED_SECRET = /(?:password|passwd|passphrase|pwd|secret|token|api_?-?key)\w*["'`\]]?\s*(?:[:=(]|\s["'])/i;

/** Whether an entry must not be written down: it holds a secret, or the person began it with a space. */
export function isPrivate(entry: string): boolean {
  return /^\s/.test(entry) || URL_WITH_PASSWORD.test(entry) || NAMED_SECRET.test(entry);
}

/** The history file of this person: `$SEQUELIZE_SHELL_HISTORY` (empty for none), or a file in the home directory. */
export function historyFile(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = environment.SEQUELIZE_SHELL_HISTORY;
  if (named !== undefined) return named === "" ? undefined : named;
  return join(homedir(), ".sequelize_shell_history");
}

/**
 * What was typed, the oldest first; an input of several lines is one entry.
 *
 * Each entry is appended to the file by itself, so that two shells add to it and neither takes the other's away. In the file an
 * entry is a line, with `\n` and `\\` for what a line cannot hold. A file that cannot be written is done without.
 */
export class History {
  readonly #file: string | undefined;
  readonly #entries: string[];

  constructor(file: string | undefined) {
    this.#file = file;
    this.#entries = file === undefined ? [] : readEntries(file);
  }

  get entries(): readonly string[] {
    return this.#entries;
  }

  /** Takes an entry, unless it is private or the same as the one before. */
  add(entry: string): void {
    const text = entry.trimEnd();
    if (text.trim() === "" || isPrivate(text) || text === this.#entries.at(-1)) return;
    this.#entries.push(text);
    if (this.#file === undefined) return;
    try {
      mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
      appendFileSync(this.#file, `${encode(text)}\n`, { mode: 0o600 });
    } catch {
      // no home directory, a read-only disk: the entry lives as long as this shell
    }
  }
}

function readEntries(file: string): string[] {
  try {
    if (statSync(file).mode & 0o077) chmodSync(file, 0o600);
    const entries = readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map(decode);
    if (entries.length <= 2 * KEPT_ENTRIES) return entries;
    const kept = entries.slice(-KEPT_ENTRIES);
    const fresh = `${file}.${process.pid}`;
    writeFileSync(fresh, kept.map((entry) => `${encode(entry)}\n`).join(""), { mode: 0o600 });
    renameSync(fresh, file);
    return kept;
  } catch {
    return []; // no file yet, or one that cannot be read
  }
}

function encode(entry: string): string {
  return entry.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function decode(line: string): string {
  return line.replaceAll(/\\([\\n])/g, (_whole, letter: string) => (letter === "n" ? "\n" : "\\"));
}
