import { rmSync } from "node:fs";
import { Writable } from "node:stream";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { runBatch } from "../../src/shell/batch";
import { buildShell } from "./built-shell";
import { FakeContext } from "./fake-context";
import { PtyShell } from "./pty-shell";

const node = process.env.TEST_NODE ?? process.execPath;

function sink(): { readonly stream: Writable; text: string } {
  const written = {
    text: "",
    stream: new Writable({
      write(chunk, _encoding, done) {
        written.text += String(chunk);
        done();
      },
    }),
  };
  return written;
}

/** Runs lines without a terminal in a context with types. */
async function batch(...lines: string[]): Promise<{ ending: string; out: string; err: string }> {
  const [out, err] = [sink(), sink()];
  const ending = await runBatch({
    context: new FakeContext({ types: true }),
    input: (async function* () {
      yield `${lines.join("\n")}\n`;
    })(),
    keepGoing: true,
    output: out.stream,
    errorOutput: err.stream,
  });
  return { ending, out: out.text, err: err.text };
}

describe("types without a terminal", () => {
  it("are not looked at until that is asked for", async () => {
    const { err } = await batch("const u = User.query.first()", "u.nam", ".types");
    expect(err).toBe("types is off\n");
  });

  it("strict runs nothing that is wrong, and knows the names of earlier lines", async () => {
    const { out, err, ending } = await batch(
      "const u = User.query.first()",
      ".types strict",
      "globalThis.ran = true; u.nam",
      "globalThis.ran === undefined",
      "u.username",
    );
    expect(err).toContain("error: line 3: ts(2339): Property 'nam' does not exist on type 'FakeUser'.");
    expect(err).toContain("  3 | globalThis.ran = true; u.nam\n    |                          ^^^\n");
    expect(err).toContain("hint: .types warn runs it all the same");
    expect(out).toBe("true\nann\n");
    expect(ending).toBe("failed");
  });

  it("warn tells what is wrong and runs it", async () => {
    const { out, err } = await batch(".types warn", "User.query.first().greet().lenght; 'ran'");
    expect(err).toContain(
      "line 2: ts(2551): Property 'lenght' does not exist on type 'string'. Did you mean 'length'?",
    );
    expect(out).toBe("ran\n");
  });

  it("are told by .type and .doc at any time", async () => {
    const { out, err } = await batch(
      "const rows = User.query.all()",
      ".type rows",
      ".type User.query.first()",
      ".doc User.query.limit",
      ".type rows.nope",
    );
    expect(out).toBe(
      "FakeUser[]\nFakeUser\n(method) FakeQuery.limit(count: number): FakeQuery\n\nAt most so many users.\n",
    );
    expect(err).toContain("Property 'nope' does not exist on type 'FakeUser[]'");
  });

  it("refuses a way of checking that there is not", async () => {
    const { err } = await batch(".types maybe");
    expect(err).toContain('Expected one of strict, warn, off after .types, got "maybe".');
  });
});

describe("types at a terminal", { timeout: 120_000 }, () => {
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

  /** A shell whose types are loaded: an input that is refused waits for them. */
  async function open(): Promise<void> {
    const environment = { FAKE_TYPES: "1", XDG_CACHE_HOME: join(folder, "cache") };
    shell = new PtyShell([join(folder, "test/shell/repl-host.js")], { node, environment });
    await shell.until(/fake shell\nfake> ?$/);
    expect(await shell.run(".types strict")).toBe("");
    shell.type("User.nope\r");
    await shell.until(/hint: \.types warn .*\nfake> ?$/s);
    expect(await shell.run(".types warn")).toBe("");
  }

  it("warn at once, with the place, and run what was typed", async () => {
    await open();
    shell.type("User.query.first().usernam\r");
    // On a busy machine the warning comes after the prompt, and stands above it.
    await shell.until(
      (screen) =>
        screen.includes("ts(2551): Property 'usernam' does not exist on type 'FakeUser'. Did you mean 'username'?") &&
        screen.includes("  1 | User.query.first().usernam\n    |                    ^^^^^^^") &&
        /fake>$/.test(screen),
      "the warning",
    );
    expect(await shell.run("const u = User.query.first()")).toBe("");
    expect(await shell.run("u.username")).toBe("ann");
    expect(await shell.run(".types off")).toBe("");
    expect(await shell.run("u.nope")).toBe("");
  });

  it("complete what is typed, also on the lines of an unfinished block, and run no getter", async () => {
    await open();
    shell.type("User.query.filt\t");
    await shell.until(/User\.query\.filterBy$/);
    shell.type("({ usern\t");
    await shell.until(/filterBy\({ username$/);
    shell.type(": 'bob' }).first().id\r");
    await shell.until(/\n2\nfake> ?$/);
    expect(await shell.run("const trap = { get x() { console.log('sprung'); return { inner: 1 } } }")).toBe("");
    shell.type("trap.x.inn\t");
    await shell.until(/trap\.x\.inner$/);
    expect(shell.screen).not.toMatch(/^sprung$/m);
    shell.type("\x15for (const u of User.query.all()) {\r");
    await shell.until(/\n\.\.\. ?$/);
    shell.type("u.usern\t");
    await shell.until(/\n\.\.\. u\.username$/);
    shell.type("\r}\r");
    await shell.until(/fake> ?$/);
    shell.type(".type User.query.fir\t");
    await shell.until(/\.type User\.query\.first$/);
  });
});
