import { describe, expect, it } from "vitest";
import {
  REVISION_TEMPLATE,
  checksumOf,
  parseRevision,
  renderRevision,
  slugOf,
} from "../../src/migrations/revision-script";
import { callSource, layOut, listSource, objectSource } from "../../src/migrations/source-text";

describe("the head of a revision file", () => {
  it("is read as it is written", () => {
    const text = renderRevision(
      REVISION_TEMPLATE,
      {
        id: "d43a97f0b14d",
        downRevisions: ["c3fc7e89df1f"],
        branchLabels: ["side"],
        dependsOn: [],
        message: "add users",
        createDate: new Date(2026, 10, 22, 10, 0, 27, 71),
      },
      ['  await op.createTable("users", { id: { type: DataTypes.INTEGER } });'],
      [],
    );
    expect(text).toBe(`/**
 * add users
 *
 * Revision ID: d43a97f0b14d
 * Revises: c3fc7e89df1f
 * Create Date: 2026-11-22 10:00:27.071
 */
import { DataTypes, type Operations } from "sequelize-shell/migrations";

export const revision = "d43a97f0b14d";
export const downRevision: string | string[] | null = "c3fc7e89df1f";
export const branchLabels: string[] | null = ["side"];
export const dependsOn: string[] | null = null;

export async function upgrade(op: Operations): Promise<void> {
  await op.createTable("users", { id: { type: DataTypes.INTEGER } });
}

export async function downgrade(op: Operations): Promise<void> {
  void op; // nothing to do
}
`);
    expect(parseRevision("/m/x.ts", text)).toEqual({
      id: "d43a97f0b14d",
      downRevisions: ["c3fc7e89df1f"],
      branchLabels: ["side"],
      dependsOn: [],
      message: "add users",
      doc: "add users\n\nRevision ID: d43a97f0b14d\nRevises: c3fc7e89df1f\nCreate Date: 2026-11-22 10:00:27.071",
      path: "/m/x.ts",
    });
  });

  it.each([
    ["single quotes", `export const revision = 'abcd';\nexport const downRevision = null;`, []],
    [
      "a list over several lines",
      `export const revision = "abcd";\nexport const downRevision: string[] = [\n  "one1",\n  'two2',\n];`,
      ["one1", "two2"],
    ],
    [
      "code that does not compile",
      `export const revision = "abcd"\nexport const downRevision = "one1"\nexport async function upgrade( {`,
      ["one1"],
    ],
  ])("is read with %s", (_what, text, parents) => {
    expect(parseRevision("/m/x.ts", text)).toMatchObject({ id: "abcd", downRevisions: parents });
  });

  it("is not there in a file that is no revision", () => {
    expect(parseRevision("/m/shared.ts", "export const one = 1;")).toBeUndefined();
  });

  it("is refused where the parent cannot be read", () => {
    expect(() =>
      parseRevision("/m/x.ts", `export const revision = "a";\nexport const downRevision = parent();`),
    ).toThrow("Cannot read downRevision in /m/x.ts: expected a string, a list of strings or null.");
    expect(() => parseRevision("/m/x.ts", `export const revision = "a";`)).toThrow(
      "Cannot read /m/x.ts: it exports no downRevision.",
    );
  });
});

describe("the checksum of a revision file", () => {
  const text = `export async function upgrade(op: Operations) {\n  await op.alterTable('t', t => { t.addColumn("a", { type: DataTypes.STRING(5) }); });\n}`;

  it("is the same after a formatter", () => {
    const formatted = `// a note\nexport async function upgrade(op: Operations) {\n\n  await op.alterTable("t", (t) => {\n    t.addColumn("a", {\n      type: DataTypes.STRING(5),\n    });\n  });\n}\n`;
    expect(checksumOf(formatted)).toBe(checksumOf(text));
  });

  it("is another after a change", () => {
    expect(checksumOf(text.replace("5", "6"))).not.toBe(checksumOf(text));
    expect(checksumOf(text.replace('"a"', '"a b"'))).not.toBe(checksumOf(text.replace('"a"', '"ab"')));
  });
});

describe("names of files", () => {
  it.each([
    ["Add users!", "add_users"],
    ["  ", ""],
    ["größe é 漢字", "größe_é_漢字"],
    ["one two three four five six seven eight nine ten", "one_two_three_four_five_six_seven_eight"],
  ])("of %j is %j", (message, slug) => {
    expect(slugOf(message, 40)).toBe(slug);
  });
});

describe("the layout of generated code", () => {
  it("stays on one line where it fits", () => {
    expect(layOut(callSource("op.f", '"a"', objectSource({ b: "1", "c d": '"x"' })), "  ", ";")).toBe(
      '  op.f("a", { b: 1, "c d": "x" });',
    );
  });

  it("breaks as a formatter would", () => {
    const long = Array.from({ length: 12 }, (_, i) => `"value number ${i}"`);
    expect(
      layOut(callSource("op.f", '"a"', listSource(long)), "  ", ";")
        .split("\n")
        .slice(0, 3),
    ).toEqual(['  op.f("a", [', '    "value number 0",', '    "value number 1",']);
  });
});
