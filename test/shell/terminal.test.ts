import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { buildShell } from "./built-shell";
import { type PtyOptions, PtyShell } from "./pty-shell";

/** Other interpreters to run these tests on, such as `node22=/path/to/node`: names are for the titles only. */
const node = process.env.TEST_NODE ?? process.execPath;

describe("the interactive shell", { timeout: 60_000 }, () => {
  let folder: string;
  let shell: PtyShell;

  beforeAll(() => {
    folder = buildShell();
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(() => {
    shell.kill();
  });

  async function open(options: PtyOptions = {}): Promise<PtyShell> {
    shell = new PtyShell([join(folder, "test/shell/repl-host.js")], { node, ...options });
    await shell.until(/fake shell\nfake> ?$/);
    return shell;
  }

  it("prints the prompt before anything is opened, and the banner above it", async () => {
    shell = new PtyShell([join(folder, "test/shell/repl-host.js")], { node });
    await shell.until(/^fake>/m);
    await shell.until(/^fake shell\nfake> ?$/);
  });

  it("loads neither TypeScript nor a module of the shell's work before the first prompt", async () => {
    shell = new PtyShell([join(folder, "test/shell/repl-host.js")], { node, environment: { LIST_MODULES: "1" } });
    await shell.until(/modules: .*\n/);
    const modules = /modules: (.*)\n/.exec(shell.screen)?.[1]?.split(" ") ?? [];
    expect(modules.filter((name) => name.includes("node_modules"))).toEqual([]);
    for (const name of ["compile", "evaluate", "statement", "history", "input-runner"]) {
      expect(modules).not.toContain(`${name}.js`);
    }
  });

  it("keeps what is typed before the database is open, and answers in order", async () => {
    shell = new PtyShell([join(folder, "test/shell/repl-host.js")], { node });
    shell.type("const n = User.query.count()\rn * 2\r'last'\r");
    await shell.until(/last\nfake> ?$/);
    expect(shell.screen).toMatch(/n \* 2\n8\n/);
  });

  it("shows values, and carries names from line to line", async () => {
    await open();
    expect(await shell.run("const u = User.query.first()")).toBe("");
    expect(await shell.run("u.username")).toBe("ann");
    expect(await shell.run("u.role.name")).toBe("role of ann");
    expect(await shell.run("User.query.all().map(u => u.username).join()")).toBe("ann,bob,cid,dee");
    expect(await shell.run("_.length")).toBe("15");
  });

  it("asks for more lines while an input is not whole, and not for a wrong one", async () => {
    await open();
    shell.type("function f() {\r");
    await shell.until(/\n\.\.\. ?$/);
    shell.type("  return 3\r");
    await shell.until(/return 3\n\.\.\. ?$/);
    shell.type("}\r");
    await shell.until(/}\nfake> ?$/);
    expect(await shell.run("f()")).toBe("3");
    expect(await shell.run("let x = ;")).toBe(
      "error: SyntaxError: Expression expected.\n  1 | let x = ;\n    |         ^",
    );
  });

  it("runs a pasted block statement by statement at Enter", async () => {
    await open();
    shell.type(
      "\x1b[200~const a = 1\r\nfunction g() {\r\n\treturn a + 1\r\n}\r\ng()\r\nUser.query\r\n  .limit(2)\r\n  .count() + 40\r\n\x1b[201~",
    );
    await shell.until(/\.count\(\) \+ 40$/);
    shell.type("\r");
    await shell.until(/fake> ?$/);
    expect(shell.screen).toMatch(/\.count\(\) \+ 40\n2\n42\nfake> ?$/);
  });

  it("stops a pasted block at the statement that fails", async () => {
    await open();
    shell.type("\x1b[200~1\nnothing_here\n3\x1b[201~\r");
    await shell.until(/not defined[\s\S]*fake> ?$/);
    expect(shell.screen).not.toMatch(/^3\nfake>/m);
  });

  it("takes a pasted beginning and goes on with typed lines", async () => {
    await open();
    shell.type("\x1b[200~10\nconst list = [\n  1,\x1b[201~\r");
    await shell.until(/10\n\.\.\. ?$/);
    shell.type("2]\r");
    await shell.until(/fake> ?$/);
    expect(await shell.run("list.length")).toBe("2");
  });

  describe("Ctrl-C", () => {
    it.each([
      ["a loop that never waits", "while (true) {}"],
      ["an await that never ends", "await new Promise(() => {})"],
      ["a long wait", "sleep(60000)"],
      ["a loop of awaits", "for (;;) { await sleep(5) }"],
      ["a loop after an await", "await sleep(10); while (true) {}"],
    ])("stops %s", async (_name, code) => {
      await open();
      shell.type(`let before = 1; console.log("runs"); ${code}\r`);
      await shell.until(/^runs$/m);
      await new Promise((resolve) => setTimeout(resolve, 200));
      shell.type("\x03");
      await shell.until(/interrupted\nfake> ?$/);
      expect(await shell.run("before + 1")).toBe("2");
    });

    it.each(["await null", "await sleep(0)", "await new Promise((done) => setImmediate(done))"])(
      "stops a loop of %s, whenever it comes",
      async (wait) => {
        await open();
        for (let round = 1; round <= 25; round += 1) {
          shell.type(`console.log("round ${round}"); for (;;) { ${wait} }\r`);
          await shell.until(new RegExp(`^round ${round}$`, "m"));
          await new Promise((resolve) => setTimeout(resolve, round % 7));
          shell.type("\x03");
          await shell.until((screen) => screen.split("interrupted\nfake>").length > round);
        }
        expect(await shell.run("1 + 1")).toBe("2");
      },
    );

    it("stops what is still being compiled", async () => {
      await open();
      shell.type("while (true) {}\r\x03");
      await shell.until(/interrupted\nfake> ?$/);
      expect(await shell.run("1 + 1")).toBe("2");
    });

    it("tells the database to stop too", async () => {
      const file = join(mkdtempSync(join(tmpdir(), "events-")), "events");
      await open({ environment: { EVENTS_FILE: file } });
      shell.type("sleep(60000)\r");
      await new Promise((resolve) => setTimeout(resolve, 300));
      shell.type("\x03");
      await shell.until(/interrupted\nfake> ?$/);
      expect(readFileSync(file, "utf8").split("\n")).toContain("cancel");
    });

    it("clears the line, and the lines of a block", async () => {
      await open();
      shell.type("nothing_here(\x03");
      await shell.until(/\^C\nfake> ?$/);
      shell.type("f(\r");
      await shell.until(/\n\.\.\. ?$/);
      shell.type("1,\x03");
      await shell.until(/1,\^C\nfake> ?$/);
      expect(await shell.run("1 + 1")).toBe("2");
    });

    it("on an empty line says how to leave, any number of times", async () => {
      await open();
      shell.type("\x03\x03\x03");
      await shell.until((screen) => screen.split("Ctrl-D or .exit leaves").length === 4);
      expect(await shell.run("1 + 1")).toBe("2");
    });
  });

  it("keeps keys that are typed while something runs", async () => {
    await open();
    shell.type("sleep(400, 'first')\r'second'\r'thi");
    await shell.until(/'thi$/);
    shell.type("rd'\r");
    await shell.until(/third\nfake> ?$/);
    expect(shell.screen).toMatch(/first\nfake> 'second'\nsecond\nfake> 'third'\nthird/);
  });

  it("writes what comes later above the line that is being edited", async () => {
    await open();
    await shell.run("setTimeout(() => console.log('from a timer'), 150); 0");
    shell.type("half a li");
    await shell.until(/from a timer\nfake> half a li$/);
    shell.type("\x15'whole'\r");
    await shell.until(/whole\nfake> ?$/);
  });

  it.each([
    ["thrown later", "setTimeout(() => { throw new Error('late trouble') }, 100); 0"],
    ["of a promise that nobody watches", "void sleep(100).then(() => { throw new Error('late trouble') })"],
  ])("shows an error %s with its place, and goes on", async (_name, code) => {
    await open();
    shell.type(`${code}\r`);
    await shell.until(/error: late trouble\n {2}1 \| [^\n]*\n {4}\| +\^\^\^\nfake> ?$/);
    expect(await shell.run("1 + 1")).toBe("2");
  });

  it("goes through the history, a block as one entry, and finds by Ctrl-R", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "history-")), "history");
    writeFileSync(file, "from before\n");
    await open({ environment: { SEQUELIZE_SHELL_HISTORY: file } });
    shell.type("[1,\r2,\r3].length\r");
    await shell.until(/3\nfake> ?$/);
    await shell.run("'later'");
    shell.type("\x1b[A\x1b[A");
    await shell.until(/fake> \[1,\n2,\n3\]\.length$/);
    shell.type("\x1b[A");
    await shell.until(/fake> from before$/);
    shell.type("\x15\x12len");
    await shell.until(/\(reverse-i-search\)'len': \[1,\n2,\n3\]\.length$/);
    shell.type("\r");
    await shell.until((screen) => screen.endsWith("3\nfake>") && screen.split("\n3\n").length >= 3);
    expect(readFileSync(file, "utf8")).toBe("from before\n[1,\\n2,\\n3].length\n'later'\n[1,\\n2,\\n3].length\n");
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("completes dot commands and their arguments", async () => {
    await open();
    shell.type(".he\t");
    await shell.until(/fake> \.help$/);
    shell.type(" mod\t\r");
    await shell.until(/the form of results/);
    shell.type(".mode js\t\t");
    await shell.until(/json +jsonl/);
  });

  it("runs what .editor takes, at Ctrl-D", async () => {
    await open();
    shell.type(".editor\r");
    await shell.until(/Ctrl-D runs them/);
    shell.type("const e = 5\re + 1\r\x04");
    await shell.until(/6\nfake> ?$/);
    shell.type(".editor\rconst gone = 1\r");
    await shell.until(/gone = 1$/);
    shell.type("\x03");
    await shell.until(/gone = 1\s+fake> ?$/);
    expect(await shell.run("typeof gone")).toBe("undefined");
  });

  it("lends the terminal to $EDITOR for .edit and runs the result", async () => {
    const script = join(mkdtempSync(join(tmpdir(), "editor-")), "edit.sh");
    writeFileSync(script, 'sed -i "s/40/41/" "$1"\n');
    await open({ environment: { EDITOR: `sh ${script}`, VISUAL: "" } });
    await shell.run("40 + 1");
    shell.type(".edit\r");
    await shell.until(/42\nfake> ?$/);
    expect(await shell.run("'keys work'")).toBe("keys work");
  });

  it("shows what is pending in the prompt, and asks before leaving with it", async () => {
    await open();
    shell.type("session.add(1)\r");
    await shell.until(/fake \+1 ~0 -0> ?$/);
    shell.type("\x04");
    await shell.until(/1 new not committed\. \[c\]ommit, \[r\]oll back, \[a\]bort exit \(default\): ?$/);
    shell.type("\r");
    await shell.until(/fake \+1 ~0 -0> ?$/);
    shell.type(".exit\r");
    await shell.until(/default\): ?$/);
    shell.type("\x03");
    await shell.until(/\^C\nfake \+1 ~0 -0> ?$/);
    shell.type(".exit\rc\r");
    expect(await shell.ended()).toBe(0);
    expect(shell.screen).toMatch(/bye$/);
  });

  it("leaves at Ctrl-D and gives the terminal back", async () => {
    await open();
    shell.type("\x04");
    expect(await shell.ended()).toBe(0);
    expect(shell.screen).toMatch(/fake> ?\nbye$/);
  });

  it("shows the sign of a long wait, and takes it away", async () => {
    await open();
    shell.type("sleep(2600, 'finally')\r");
    await shell.until(/s · Ctrl-C cancels/);
    await shell.until(/finally\nfake> ?$/);
    expect(shell.screen).not.toContain("Ctrl-C cancels");
  });

  it("shows wide characters and edits among them", async () => {
    await open();
    shell.type("'日本語x'\x1b[D\x1b[D\x7f語!\r");
    await shell.until(/日本語!x\nfake> ?$/);
  });

  it("reports what keeps it from opening, and fails", async () => {
    shell = new PtyShell([join(folder, "test/shell/repl-host.js")], { node, environment: { FAIL_TO_OPEN: "1" } });
    expect(await shell.ended()).toBe(1);
    expect(shell.screen).toContain("host failed: Error: no database here");
  });
});
