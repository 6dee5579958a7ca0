import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runProgram } from "./built-program";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sequelize-shell-"));
  writeFileSync(
    join(folder, "models.js"),
    `module.exports = (sequelize, DataTypes) =>
       sequelize.define("Map", {
         "odd-name": DataTypes.INTEGER,
         status: { type: DataTypes.STRING, defaultValue: "draft" },
       }, { timestamps: false });`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (args: readonly string[], lines: readonly string[]) =>
  runProgram([...args, "--trust", "--keep-going"], { cwd: folder, input: lines.join("\n") });

describe(".save", () => {
  it("names models as the shell does, quotes odd names, and keeps what is NULL against a default", async () => {
    const { stderr } = await run(
      ["maps.sqlite", "--models", "models.js"],
      [
        "db.createAll()",
        'db.session.addAll([new MapModel({ "odd-name": 3 }), new MapModel({ status: null })]); db.session.commit()',
        ".save seed.ts",
      ],
    );
    expect(stderr).toContain("2 objects written to seed.ts");
    expect(readFileSync(join(folder, "seed.ts"), "utf8")).toContain(
      'const map1 = new MapModel({ "odd-name": 3, status: "draft" });\nconst map2 = new MapModel({ status: null });\n',
    );
    const again = await run(
      ["again.sqlite", "--models", "models.js", "--format", "json"],
      ["db.createAll()", ".load seed.ts", "MapModel.query.all()"],
    );
    expect(JSON.parse(again.stdout)).toEqual([
      { id: 1, "odd-name": 3, status: "draft" },
      { id: 2, "odd-name": null, status: null },
    ]);
  });

  it("refuses what is too much, and writes nothing of it", async () => {
    const { stdout, stderr } = await run(
      ["many.sqlite", "--empty"],
      [
        "for (let n = 0; n < 10001; n++) db.session.add(new User({ username: `u${n}` }))",
        "db.session.commit()",
        ".save many.ts",
        'require("node:fs").existsSync("many.ts")',
      ],
    );
    expect(stderr).toBe(
      "error: line 3: Cannot save the 10 001 objects that were inserted: .save takes 10 000 at the most.\n" +
        "hint: .export rows.csv User.query\n",
    );
    expect(stdout).toBe("false\n");
  });
});
