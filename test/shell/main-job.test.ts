import { rmSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { MAIN_JOB, isSqlShape } from "../main-job";
import { PROGRAM, programDatabases, runProgram, useProgramDatabase } from "./built-program";
import { PtyShell } from "./pty-shell";

/** What a person sees at the terminal after some of the lines; times are written as N. */
const SEEN: Readonly<Record<string, string>> = {
  "db.session.addAll([adminRole, modRole, userRole, john, susan, david])": "3 Role, 3 User (new)",
  "db.session.commit()": "committed: 6 inserts (N ms)",
  "Array.of(adminRole.id, modRole.id, userRole.id)": "[ 1, 2, 3 ]",
  "db.session.add(adminRole); db.session.commit()": "committed: 1 update (N ms)",
  "db.session.delete(modRole); db.session.commit()": "committed: 1 delete (N ms)",
  "User.query.filterBy({ role: userRole })": [
    'SELECT users.id, users.username, users.role_id AS "roleId"',
    "FROM users",
    "WHERE users.role_id = 3",
    "not run; .all() runs it",
  ].join("\n"),
  "User.query.get(1)": [
    "User #1 · persistent",
    "┌──────────┬──────────────────────┐",
    "│ id       │ 1                    │",
    "│ username │ john                 │",
    "│ roleId   │ 1                    │",
    '│ role     │ Role "Administrator" │',
    "└──────────┴──────────────────────┘",
  ].join("\n"),
  'User.query.filterBy({ username: "nobody" }).first()': "null",
  "User.query.count()": "3",
  "User.query.orderBy(User.c.id).paginate({ page: 1, perPage: 2 })": [
    "┌────┬──────────┬────────┬───────────────┐",
    "│ id │ username │ roleId │ role.name     │",
    "├────┼──────────┼────────┼───────────────┤",
    "│  1 │ john     │      1 │ Administrator │",
    "│  2 │ susan    │      3 │ User          │",
    "└────┴──────────┴────────┴───────────────┘",
    "page 1 of 2 · 2 per page · 3 rows",
  ].join("\n"),
  "userRole.users.orderBy(User.c.username).all()": [
    "┌────┬──────────┬────────┬───────────┐",
    "│ id │ username │ roleId │ role.name │",
    "├────┼──────────┼────────┼───────────┤",
    "│  3 │ david    │      3 │ User      │",
    "│  2 │ susan    │      3 │ User      │",
    "└────┴──────────┴────────┴───────────┘",
    "2 rows (N ms)",
  ].join("\n"),
  "db.session.rollback()": "rolled back: nothing to undo",
};

const NOT_FOUND = "error: 404 Not Found: The requested URL was not found on the server.";

describe.each(programDatabases())("the main job on $name", ({ skipReason, create }) => {
  const at = useProgramDatabase({ skipReason, create });

  it.skipIf(skipReason !== undefined)(
    `runs through stdin${skipReason ? ` (skipped: ${skipReason})` : ""}`,
    async () => {
      const input = MAIN_JOB.map(({ line }) => `${line}\n`).join("");
      const run = await runProgram([at.url, "--empty", "--format", "json", "--keep-going"], { input });
      const values = run.stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown);
      const expected = MAIN_JOB.filter((typed) => "value" in typed);
      expect(values).toHaveLength(expected.length);
      expected.forEach(({ line, value, unordered }, i) => {
        if (isSqlShape(value)) expect(values[i], line).toMatch(value.sql);
        else if (unordered) expect(new Set(values[i] as unknown[]), line).toEqual(new Set(value as unknown[]));
        else expect(values[i], line).toEqual(value);
      });
      const errors = run.stderr.split("\n").filter((line) => line.startsWith("{"));
      expect(errors.map((line) => (JSON.parse(line) as { error: { name: string } }).error.name)).toEqual(
        MAIN_JOB.flatMap(({ error }) => error ?? []),
      );
      expect(run.exitCode).toBe(1);
    },
  );

  it.skipIf(skipReason !== undefined)(
    `runs in a terminal${skipReason ? ` (skipped: ${skipReason})` : ""}`,
    async () => {
      if (at.url.startsWith("sqlite:") && at.url !== "sqlite::memory:")
        rmSync(at.url.slice("sqlite:".length), { force: true });
      if (!at.url.startsWith("sqlite:")) {
        // The tables of the run through stdin are there still.
        await runProgram([at.url, "--yes", "-e", "db.dropAll()"]);
      }
      const shell = new PtyShell([PROGRAM, at.url, "--empty"], { environment: { NO_COLOR: "1" }, columns: 140 });
      try {
        await shell.until(/session db\.session[\s\S]*> ?$/);
        for (const { line, error } of MAIN_JOB) {
          const seen = (await shell.run(line)).replaceAll(/\(\d+(\.\d+)? m?s\)/g, "(N ms)");
          const expected = SEEN[line];
          if (error !== undefined) expect(seen, line).toContain(NOT_FOUND);
          else if (expected !== undefined) expect(quotesAsInSqlite(seen), line).toBe(expected);
          else expect(seen, line).not.toContain("error:");
        }
        shell.type(".exit\r");
        expect(await shell.ended()).toBe(0);
      } finally {
        shell.kill();
      }
    },
  );
});

/** MariaDB quotes names its own way; the rest of the screen is the same everywhere. */
function quotesAsInSqlite(text: string): string {
  return text.replaceAll("`", '"');
}
