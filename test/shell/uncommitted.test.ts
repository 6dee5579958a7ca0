import { afterEach, describe, expect, it } from "vitest";
import { PROGRAM, programDatabases, runProgram, useProgramDatabase } from "./built-program";
import { PtyShell } from "./pty-shell";

describe.each(programDatabases().filter(({ name }) => name !== "sqlite::memory:"))(
  "what statements wrote and nobody committed, on $name",
  ({ name, skipReason, create }) => {
    const it_ = it.skipIf(skipReason !== undefined);
    const at = useProgramDatabase({ skipReason, create }, { filled: true });
    let shell: PtyShell | undefined;
    afterEach(() => shell?.kill());

    const run = (...lines: string[]) => runProgram([at.url], { input: lines.join("\n") });
    const LATE = "User.query.filter(User.c.id.gt(50)).delete()";

    it_("is told and rolled back at the end of a run", async () => {
      expect(await run(LATE)).toEqual({
        stdout: "10 rows deleted\n",
        stderr: "note: 10 deleted not committed, rolled back\n",
        exitCode: 0,
      });
      const known = await run("const all = User.query.all()", LATE);
      expect(known.stderr).toBe("note: 10 deleted not committed, rolled back\n");
      const text = await run(
        'db.session.execute("UPDATE users SET role_id = 1 WHERE id < 4 -- DELETE").rowcount',
        "db.session.execute(\"INSERT INTO roles (name) VALUES ('new')\").rowcount",
        "db.session.bulkInsertMappings(Role, [{ name: 'a' }, { name: 'b' }])",
      );
      expect(text).toEqual({
        stdout: "3\n1\n",
        stderr: "note: 3 new, 3 changed not committed, rolled back\n",
        exitCode: 0,
      });
      expect((await run("User.query.count()")).stdout).toBe("60\n");
    });

    it_("is forgotten with its savepoint, and with a commit", async () => {
      const { stdout, stderr } = await run(
        "const inner = db.session.beginNested()",
        LATE,
        "inner.rollback()",
        "const kept = db.session.beginNested()",
        "User.query.filter(User.c.id.eq(60)).update({ roleId: 2 })",
        "kept.commit()",
        "db.session.commit()",
        "User.query.get(60).roleId",
      );
      expect({ stdout, stderr }).toEqual({ stdout: "10 rows deleted\n1 row updated\n2\n", stderr: "" });
    });

    it_("includes changed tables where the database can take them back", async () => {
      const { stderr } = await run("db.session.execute('CREATE TABLE extra (id INTEGER)').rowcount");
      expect(stderr).toBe(
        name.startsWith("maria") || name.startsWith("mysql") ? "" : "note: 1 changed not committed, rolled back\n",
      );
    });

    it_("stands in the prompt, and is asked about when leaving", async () => {
      shell = new PtyShell([PROGRAM, at.url]);
      await shell.until(/models Role, User[\s\S]*> ?$/);
      await shell.run(LATE);
      expect(shell.line).toMatch(/ \+0 ~0 -10> ?$/);
      shell.type(".exit\r");
      await shell.until(/10 deleted not committed\. \[c\]ommit/);
      shell.type("\r");
      await shell.until(/-10> ?$/);
      expect(await shell.run("db.session.rollback()")).toContain("rolled back: 10 deleted");
      await shell.run(LATE);
      expect(await shell.run("db.session.commit()")).toMatch(/committed: 10 deletes \(\d+ ms\)/);
    });
  },
);
