import { describe, expect, it } from "vitest";
import { erasePlainTypes } from "../../src/project/plain-types";
import { compileTypeScript } from "../../src/project/typescript-files";

const HEAD = `/**
 * add "users"; it's <b>not</b> easy
 */
import { DataTypes, sql, type Operations } from "sequelize-shell/migrations";

export const revision = "aaaa";
export const downRevision: string | string[] | null = null;
export const branchLabels: string[] | null = ["a", 'b'];
`;
const REVISION = `${HEAD}
export async function upgrade(op: Operations): Promise<void> {
  // it's a comment with <T>(x) in it, 50 / 2
  await op.execute("SELECT '<' || \\"/\\"");
  const rows: string[] = ["x"]; /* import type A from "b"; */
  await op.addColumn("t", "c", { type: DataTypes.STRING(rows.length), default: sql\`lower('</>')\` });
}

export async function downgrade(_op: Operations): Promise<void> {
  // nothing to do
}
`;
const HOOKS = `import type { MigrationHooks } from "sequelize-shell/migrations";

/** Where this project differs. */
const hooks: MigrationHooks = {
  // ignoreTables: ["legacy_*"],
  beforeUpgrade: async (op, revision) => {
    await op.execute(revision.id);
  },
};

export default hooks;
`;

const provided = new Set(["sequelize-shell/migrations"]);

/** What a module exports and does, told by what it calls. */
async function run(code: string): Promise<unknown> {
  const told: unknown[] = [];
  const op = new Proxy(
    {},
    {
      get:
        (_target, name) =>
        async (...args: unknown[]) =>
          void told.push(name, args),
    },
  );
  const given = {
    DataTypes: { STRING: (length: number) => `STRING(${length})` },
    sql: (parts: TemplateStringsArray) => parts.join(),
  };
  const exports: Record<string, unknown> = {};
  // eslint-disable-next-line @typescript-eslint/no-implied-eval
  new Function("exports", "require", code)(exports, (name: string) => (provided.has(name) ? given : undefined));
  for (const name of ["upgrade", "downgrade"])
    await (exports[name] as ((op: object) => Promise<void>) | undefined)?.(op);
  const hooks = exports["default"] as { beforeUpgrade(op: object, revision: object): Promise<void> } | undefined;
  await hooks?.beforeUpgrade(op, { id: "SELECT 1" });
  const values = Object.entries(exports).filter(
    ([, value]) => typeof value !== "function" && typeof value !== "object",
  );
  return { told, values: values.sort(), names: Object.keys(exports).sort() };
}

describe("types that are erased without a compiler", () => {
  it.each([
    ["a revision", REVISION],
    ["hooks", HOOKS],
  ])("%s means what the compiler makes of it, line by line", async (_what, text) => {
    const erased = erasePlainTypes(text, provided);
    expect(erased).toBeDefined();
    expect(await run(erased ?? "")).toEqual(await run(compileTypeScript(text, "/nowhere/x.ts")));
    expect(erased?.split("\n").map((line) => line.trim() !== "")).toEqual(
      text
        .split("\n")
        .map((line) => line.trim() !== "" && !line.startsWith("import type"))
        .map((is, i) => is || i === 0),
    );
  });

  it.each([
    [
      "a call with types",
      `${HEAD}export async function upgrade(op: Operations): Promise<void> {\n  await op.query<number>("x");\n}\n`,
    ],
    ["a cast", `${HEAD}export const x = <string>revision;\n`],
    ["an assertion", `${HEAD}export const x = revision as string;\n`],
    ["an import of something else", `import { Thing } from "./thing";\n${HEAD}`],
    ["an interface", `${HEAD}interface A { b: string }\n`],
    ["an enumeration", `${HEAD}enum A { B }\n`],
    ["a type", `${HEAD}type A = string;\n`],
    ["code in a template", `${HEAD}export const x = \`\${((y: number) => y)(1)}\`;\n`],
    ["a parameter with a type", `${HEAD}const f = (x: number) => x;\n`],
    ["an expression between slashes", `${HEAD}export const x = /it's/.test("it's");\n`],
    ["a default that is an expression", `${HEAD}export default { a: 1 };\n`],
    ["a class with types", `${HEAD}class A { private b = 1; }\n`],
    ["a mistake", `${HEAD}export const x = (;\n`],
  ])("leaves %s to the compiler", (_what, text) => {
    expect(erasePlainTypes(text, provided)).toBeUndefined();
  });
});
