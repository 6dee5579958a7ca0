import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { ArgumentError, ConnectionError, nearestName } from "./errors";

/** The scheme of a database URL decides the dialect and the driver package. */
const SCHEMES: Record<string, { dialect: "sqlite" | "postgres" | "mariadb" | "mysql"; driver: string }> = {
  sqlite: { dialect: "sqlite", driver: "sqlite3" },
  postgres: { dialect: "postgres", driver: "pg" },
  postgresql: { dialect: "postgres", driver: "pg" },
  mariadb: { dialect: "mariadb", driver: "mariadb" },
  mysql: { dialect: "mysql", driver: "mysql2" },
};

/** The database where none is named: a file in the working directory. */
export const DEFAULT_URL = "sqlite:data.sqlite";

/** Where a database is and how to reach it. */
export interface DatabaseAddress {
  dialect: "sqlite" | "postgres" | "mariadb" | "mysql";
  /** The npm package that speaks to it. */
  driver: string;
  /** The URL for a server. */
  url?: string;
  /** The file, or ":memory:", for SQLite. */
  storage?: string;
  /** What the prompt and the banner call it: the file name or the database's name; never a password. */
  title: string;
  /** The whole address without its password. */
  safeUrl: string;
}

/**
 * Reads a database URL: `sqlite:FILE`, `sqlite::memory:`, `postgres://…`, `mariadb://…`, `mysql://…`, or a path to an SQLite file.
 *
 * `sqlite:///data.sqlite` is relative and `sqlite:////var/data.sqlite` absolute, as in SQLAlchemy.
 *
 * @throws {ArgumentError} for an unknown scheme or a URL that cannot be read; the password stands in no message
 */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  if (text === "") throw new ArgumentError("The database URL is empty.", { hint: "sqlite:data.sqlite" });
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined || text.startsWith("./") || text.startsWith("/")) return sqliteAddress(text);
  const known = SCHEMES[scheme];
  if (known === undefined) {
    const near = nearestName(scheme, Object.keys(SCHEMES));
    throw new ArgumentError(
      `Unknown dialect "${scheme}" in "${maskPassword(text)}". Expected sqlite, postgres, mysql or mariadb.`,
      near === undefined ? {} : { hint: `did you mean "${near}"?` },
    );
  }
  if (known.dialect === "sqlite") return sqliteAddress(text.slice(scheme.length + 1));
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new ArgumentError(`Cannot read the database URL "${maskPassword(text)}".`, {
      hint: `${scheme}://user:password@host:port/database, with special characters in the password percent-encoded`,
    });
  }
  if (url.hostname === "" && !url.searchParams.has("host")) url.hostname = "localhost";
  const title = decodeURIComponent(url.pathname.replace(/^\//, "")) || url.hostname;
  return { ...known, url: url.toString(), title, safeUrl: maskPassword(url.toString()) };
}

function sqliteAddress(rest: string): DatabaseAddress {
  const path = rest.startsWith("//") ? rest.slice(2).replace(/^\//, "") || ":memory:" : rest;
  const storage = path === "" ? ":memory:" : path;
  const title = storage === ":memory:" ? ":memory:" : (storage.split(/[\\/]/).at(-1) ?? storage);
  return { dialect: "sqlite", driver: "sqlite3", storage, title, safeUrl: `sqlite:${storage}` };
}

/** What the prompt calls the database of a URL, or of none, also where the URL cannot be read. */
export function titleOf(url: string | undefined = DEFAULT_URL): string {
  try {
    return parseDatabaseUrl(url).title;
  } catch {
    return "sequelize-shell";
  }
}

/** A URL, or any text with URLs in it, without their passwords. */
export function maskPassword(text: string): string {
  return text
    .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s/]*@/gi, "$1:***@")
    .replace(/([?&](?:password|pass|pwd)=)[^&\s]*/gi, "$1***");
}

/**
 * Checks what can be told of a database file before it is opened, so that the error names the path.
 *
 * @throws {ConnectionError} for a folder that does not exist and for a folder given as the file
 */
export function checkStorage(storage: string, readOnly: boolean): void {
  if (storage === ":memory:") return;
  const path = resolve(storage);
  if (existsSync(path)) {
    if (statSync(path).isDirectory()) throw new ConnectionError(`Cannot open "${storage}": it is a folder.`);
    return;
  }
  const folder = dirname(path);
  if (!existsSync(folder)) {
    throw new ConnectionError(`Cannot open "${storage}": the folder "${folder}" does not exist.`, {
      hint: `mkdir -p ${folder}`,
    });
  }
  if (readOnly) throw new ConnectionError(`Cannot open "${storage}" read-only: there is no such file.`);
}
