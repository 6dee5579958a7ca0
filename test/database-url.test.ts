import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkStorage, maskPassword, parseDatabaseUrl } from "../src/database-url";
import { ArgumentError, ConnectionError } from "../src/errors";

describe("parseDatabaseUrl", () => {
  it.each([
    ["sqlite:data.sqlite", "data.sqlite", "data.sqlite"],
    ["sqlite::memory:", ":memory:", ":memory:"],
    ["sqlite:", ":memory:", ":memory:"],
    ["sqlite://", ":memory:", ":memory:"],
    ["sqlite:///data.sqlite", "data.sqlite", "data.sqlite"],
    ["sqlite:////var/lib/data.sqlite", "/var/lib/data.sqlite", "data.sqlite"],
    ["sqlite:/var/lib/data.sqlite", "/var/lib/data.sqlite", "data.sqlite"],
    ["data.sqlite", "data.sqlite", "data.sqlite"],
    ["./folder/data.db", "./folder/data.db", "data.db"],
    ["/var/data.db", "/var/data.db", "data.db"],
  ])("reads %s as the SQLite file %s", (url, storage, title) => {
    expect(parseDatabaseUrl(url)).toMatchObject({ dialect: "sqlite", driver: "sqlite3", storage, title });
  });

  it.each([
    ["postgres://me:secret@db.example:5433/shop", "postgres", "pg", "shop"],
    ["postgresql://me@db.example/shop", "postgres", "pg", "shop"],
    ["mariadb://me:secret@db.example/shop", "mariadb", "mariadb", "shop"],
    ["mysql://me:secret@db.example/shop", "mysql", "mysql2", "shop"],
    ["postgres://me@db.example", "postgres", "pg", "db.example"],
  ])("reads %s as a %s server through the package %s", (url, dialect, driver, title) => {
    const address = parseDatabaseUrl(url);
    expect(address).toMatchObject({ dialect, driver, title });
    expect(address.safeUrl).not.toContain("secret");
  });

  it("refuses an unknown scheme with the nearest one, and without the password", () => {
    const attempt = (): unknown => parseDatabaseUrl("sqllite:///app.db");
    expect(attempt).toThrow(ArgumentError);
    expect(attempt).toThrow(
      'Unknown dialect "sqllite" in "sqllite:///app.db". Expected sqlite, postgres, mysql or mariadb.',
    );
    try {
      parseDatabaseUrl("postgre://me:secret@host/db");
      expect.unreachable();
    } catch (error) {
      expect((error as ArgumentError).hint).toBe('did you mean "postgres"?');
      expect((error as ArgumentError).message).not.toContain("secret");
    }
  });
});

describe("maskPassword", () => {
  it.each([
    ["postgres://me:secret@host/db", "postgres://me:***@host/db"],
    ["postgres://me:s%40c@r:t@host/db", "postgres://me:***@host/db"],
    ["mysql://host/db?user=me&password=secret&ssl=1", "mysql://host/db?user=me&password=***&ssl=1"],
    ["see postgres://a:b@c/d and mysql://e:f@g/h", "see postgres://a:***@c/d and mysql://e:***@g/h"],
    ["postgres://me@host/db", "postgres://me@host/db"],
  ])("hides the password of %s", (text, masked) => {
    expect(maskPassword(text)).toBe(masked);
  });
});

describe("checkStorage", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "sequelize-shell-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("names the folder that does not exist and the line that makes it", () => {
    const missing = join(folder, "nowhere");
    expect(() => checkStorage(join(missing, "a.sqlite"), false)).toThrow(
      expect.objectContaining({ name: "ConnectionError", hint: `mkdir -p ${missing}` }),
    );
  });

  it("refuses a folder given as the file", () => {
    expect(() => checkStorage(folder, false)).toThrow(ConnectionError);
  });

  it("refuses to open read-only what is not there", () => {
    expect(() => checkStorage(join(folder, "none.sqlite"), true)).toThrow("there is no such file");
    expect(() => checkStorage(join(folder, "none.sqlite"), false)).not.toThrow();
  });
});
