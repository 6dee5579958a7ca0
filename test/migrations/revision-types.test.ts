import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { Sequelize } from "sequelize";
import ts from "typescript";
import { expect, it } from "vitest";
import { defineRichModels } from "../schema/models";
import { MigrationProject } from "./project";

it("generated revision files and hooks pass a strict compiler, which knows the operations", async () => {
  const project = new MigrationProject(new Sequelize({ dialect: "sqlite", storage: ":memory:", logging: false }));
  await project.ok("init");
  project.define((sequelize) => defineRichModels(sequelize, { isPostgres: false, partialIndexes: true }));
  await project.ok("migrate", "-m", "all");
  await project.ok("upgrade");
  project.define((sequelize) => {
    defineRichModels(sequelize, { isPostgres: false, partialIndexes: false });
    sequelize.models["Role"]?.removeAttribute("level");
  });
  await project.ok("migrate", "-m", "less", "--no-rename");
  await project.ok("revision", "-m", "empty", "--head", "head");
  project.writeRevision({
    id: "wrong0001",
    upgrade: `await op.addColumn("users", "x", { type: DataTypes.STRING, alowNull: false }); await op.dropTabel("users");`,
  });
  const versions = join(project.directory, "versions");
  const files = readdirSync(versions).map((name) => join(versions, name));
  const program = ts.createProgram([...files, join(project.directory, "env.ts")], {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    noUnusedLocals: true,
    noUnusedParameters: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.Node16,
    moduleResolution: ts.ModuleResolutionKind.Node16,
    esModuleInterop: true,
    types: [],
    typeRoots: [],
    paths: { "sequelize-shell/migrations": [resolve(__dirname, "../../src/migrations/public.ts")] },
  });
  const told = files
    .concat(join(project.directory, "env.ts"))
    .flatMap((file) =>
      [
        ...program.getSemanticDiagnostics(program.getSourceFile(file)),
        ...program.getSyntacticDiagnostics(program.getSourceFile(file)),
      ].map(
        (diagnostic) =>
          `${file.replace(project.directory, "")}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, " ")}`,
      ),
    );
  expect(told).toEqual([
    expect.stringMatching(/wrong0001\.ts: .*'alowNull' does not exist in type/),
    expect.stringMatching(/wrong0001\.ts: Property 'dropTabel' does not exist on type 'Operations'/),
  ]);
  await project.sequelize.close();
  project.remove();
});
