import { describe, expect, it } from "vitest";
import { page, pagerProgram } from "../../src/shell/pager";
import { PROGRAM } from "./built-program";
import { PtyShell } from "./pty-shell";

describe("the pager", () => {
  it("is $PAGER, else less; an empty one is none", () => {
    expect(pagerProgram({})).toBe("less -SRXF");
    expect(pagerProgram({ PAGER: "more" })).toBe("more");
    expect(pagerProgram({ PAGER: " " })).toBeUndefined();
  });

  it("shows what is longer than the screen, and nothing else", async () => {
    // A pager that can be told from the shell's own output.
    const environment = { PAGER: "sed 's/^/paged /' | head -5" };
    const shell = new PtyShell([PROGRAM, "sqlite::memory:"], { environment });
    try {
      await shell.until(/:memory:>$/);
      expect(await shell.run("User.query.limit(3).all()")).not.toContain("paged");
      const long = await shell.run("User.query.all()");
      expect(long.split("\n").filter((line) => line.startsWith("paged "))).toHaveLength(5);
      expect(long).toContain("paged │ id │ username");
      await shell.run(".pager off");
      const unpaged = await shell.run("User.query.all()");
      expect(unpaged).not.toContain("paged");
      expect(unpaged).toContain("60 rows");
      await shell.run(".pager on");
      expect(await shell.run("User.query.count()")).toBe("60");
      expect(await shell.run(".all")).toContain("paged");
    } finally {
      shell.kill();
    }
  });

  it("leaves the terminal as it was, and Ctrl-C to the pager", async () => {
    const shell = new PtyShell([PROGRAM, "sqlite::memory:"], { environment: { PAGER: "less -SRX" } });
    try {
      await shell.until(/:memory:>$/);
      shell.type("User.query.all()\r");
      await shell.until(/susan[\s\S]*\n:$/);
      shell.type("\x03");
      // The pager throws away what is typed before it has dealt with the signal.
      await new Promise((resolve) => setTimeout(resolve, 300));
      shell.type("q");
      await shell.until(/:memory:>$/);
      expect(await shell.run("User.query.count()")).toBe("60");
      expect(shell.exitCode).toBeUndefined();
    } finally {
      shell.kill();
    }
  });

  it("is done without where the program is not there", async () => {
    const shell = new PtyShell([PROGRAM, "sqlite::memory:"], { environment: { PAGER: "no-such-pager 2>/dev/null" } });
    try {
      await shell.until(/:memory:>$/);
      expect(await shell.run("User.query.all()")).toContain("60 rows");
    } finally {
      shell.kill();
    }
  });

  it("says so where there is none", async () => {
    process.env["PAGER"] = "";
    try {
      expect(await page("text", (run) => run())).toBe(false);
    } finally {
      delete process.env["PAGER"];
    }
  });
});
