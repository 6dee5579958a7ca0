import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/database";
import { fakeCommand } from "../../src/shell/commands/fake";
import { importCommand } from "../../src/shell/commands/import";
import { completeCommand } from "../../src/shell/complete";
import { FakeContext } from "./fake-context";

const folder = mkdtempSync(join(tmpdir(), "complete-"));
let database: Database;
beforeAll(async () => {
  mkdirSync(join(folder, "more"));
  writeFileSync(join(folder, "rows.csv"), "");
  database = await openDatabase("sqlite::memory:");
});
afterAll(async () => {
  await database.close();
  rmSync(folder, { recursive: true });
});

async function completed(line: string): Promise<readonly string[]> {
  const commands = [importCommand({ database, runInput: (run) => run() }), fakeCommand({ database })];
  const types = { complete: () => Promise.resolve(undefined) };
  return (await completeCommand(line, commands, new FakeContext(), types))[0];
}

describe("the words of a command", () => {
  it(".import takes a file, a model, options, and attributes after --upsert", async () => {
    expect(await completed(`.import ${folder}/`)).toEqual([join(folder, "more/"), join(folder, "rows.csv")]);
    expect(await completed(".import rows.csv ")).toEqual(["Role", "User"]);
    expect(await completed(".import rows.csv Us")).toEqual(["User"]);
    expect(await completed(".import rows.csv User ")).toEqual(["--map", "--upsert", "--skip-bad", "--dry"]);
    expect(await completed(".import rows.csv User --dry --map a=b --")).toEqual(["--map", "--upsert", "--skip-bad"]);
    expect(await completed(".import rows.csv User --upsert ")).toEqual(["id", "username", "roleId"]);
  });

  it(".fake takes a model and a seed", async () => {
    expect(await completed(".fake ")).toEqual(["Role", "User"]);
    expect(await completed(".fake User 3 ")).toEqual(["--seed"]);
  });
});
