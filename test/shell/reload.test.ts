import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runProgram } from "./built-program";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sequelize-shell-"));
  symlinkSync(resolve(__dirname, "../../node_modules"), join(folder, "node_modules"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A line of input that writes a file. */
const write = (name: string, text: string): string =>
  `require("node:fs").writeFileSync(${JSON.stringify(name)}, ${JSON.stringify(text)})`;
const run = (args: readonly string[], lines: readonly string[]) =>
  runProgram([...args, "--trust", "--keep-going"], { cwd: folder, input: lines.join("\n") });

const model = (columns: string): string =>
  `import { DataTypes, Sequelize } from "sequelize";
   import { LENGTH } from "./length";
   export default (sequelize: Sequelize) =>
     sequelize.define("Note", { text: DataTypes.STRING(LENGTH), ${columns} }, { timestamps: false });`;

describe(".reload", () => {
  it("reads models that have changed anew, with what they import", async () => {
    writeFileSync(join(folder, "note.ts"), model(""));
    writeFileSync(join(folder, "length.ts"), "export const LENGTH = 10;");
    const { stdout, stderr } = await run(
      ["notes.sqlite", "--models", "note.ts"],
      [
        "db.createAll()",
        "Object.keys(Note.getAttributes()).join()",
        write("note.ts", model("done: DataTypes.BOOLEAN")),
        write("length.ts", "export const LENGTH = 20;"),
        ".reload",
        "Object.keys(Note.getAttributes()).join()",
        "String(Note.getAttributes().text.type)",
        "db.models.Note === Note",
        write("note.ts", "export default ("),
        ".reload",
        "Note.query.filterBy({ text: 'x' }).sql.includes('done')",
        "db.dropAll(); db.createAll()",
        "db.session.add(new Note({ text: 'a', done: true })); db.session.commit()",
        "Note.query.first().done",
      ],
    );
    expect(stdout).toBe("id,text\nid,text,done\nVARCHAR(20)\ntrue\ntrue\ntrue\n");
    expect(stderr.match(/^error: /gm)).toHaveLength(1);
    expect(stderr).toContain('Cannot load "');
  });

  it("reads reflected models anew", async () => {
    const { stdout } = await run(
      ["tables.sqlite", "--reflect"],
      [
        "sequelize.query('CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)').then(() => undefined)",
        "Object.keys(db.models).length",
        ".reload",
        "Object.keys(db.models).join()",
      ],
    );
    expect(stdout).toMatch(/^0\nNotes?\n$/);
  });

  it("opens a project's own Sequelize instance anew, also on another database and in a sandbox", async () => {
    writeFileSync(
      join(folder, "database.js"),
      `const { Sequelize, DataTypes } = require("sequelize");
       const sequelize = new Sequelize({ dialect: "sqlite", storage: "own.sqlite", logging: false });
       const Note = sequelize.define("Note", { text: DataTypes.STRING }, { timestamps: false });
       module.exports = { sequelize, Note };`,
    );
    const { stdout, stderr } = await run(
      ["--models", "database.js"],
      [
        "db.createAll(); db.session.add(new Note({ text: 'own' })); db.session.commit()",
        ".connect sqlite:other.sqlite",
        "db.createAll(); Note.query.count()",
        ".connect sqlite:own.sqlite",
        "Note.query.count()",
        ".sandbox on",
        "Note.create({ text: 'sand' }).then(() => undefined)",
        ".reload",
        "Note.query.count()",
        "db.session.add(new Note({ text: 'sand' })); db.session.commit()",
      ],
    );
    expect(stdout).toBe("0\n1\n1\n");
    expect(stderr.match(/note: the sandbox was rolled back: Notes 1 inserted/g)).toHaveLength(2);
    const after = await run(["--models", "database.js"], ["Note.query.count()"]);
    expect(after.stdout).toBe("1\n");
  });

  const NOTE = (columns: string): string =>
    `export default (sequelize, DataTypes) =>
       sequelize.define("Note", { text: DataTypes.STRING, ${columns} }, { timestamps: false });`;

  it("reads ES modules anew, with what they import, also where they bring their own instance", async () => {
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    writeFileSync(
      join(folder, "index.js"),
      `import { Sequelize, DataTypes } from "sequelize";
       const sequelize = new Sequelize({ dialect: "sqlite", storage: "own.sqlite", logging: false });
       const { default: define } = await import("./note.js");
       export default { sequelize, Note: define(sequelize, DataTypes), loadedFrom: import.meta.url };`,
    );
    writeFileSync(join(folder, "note.js"), NOTE(""));
    const { stdout, stderr } = await run(
      ["--models", "index.js"],
      [
        "db.createAll(); db.session.add(new Note({ text: 'own' })); db.session.commit()",
        write("note.js", NOTE("done: DataTypes.BOOLEAN")),
        ".reload",
        "Object.keys(Note.getAttributes()).join()",
        write("note.js", NOTE("stars: DataTypes.INTEGER")),
        ".connect sqlite:other.sqlite",
        "db.createAll(); db.session.add(new Note({ text: 'b', stars: 3 })); db.session.commit()",
        "Note.query.first().stars",
      ],
    );
    expect({ stdout, stderr }).toEqual({ stdout: "id,text,done\n3\n", stderr: "" });
  });

  it("leaves an instance alone that it cannot read anew", async () => {
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    writeFileSync(
      join(folder, "database.js"),
      `import { Sequelize } from "sequelize";
       export const sequelize = new Sequelize({ dialect: "sqlite", storage: "own.sqlite", logging: false });`,
    );
    writeFileSync(
      join(folder, "models.ts"),
      `import { DataTypes } from "sequelize";
       import { sequelize } from "./database.js";
       export const Note = sequelize.define("Note", { text: DataTypes.STRING }, { timestamps: false });`,
    );
    const { stdout, stderr } = await run(
      ["--models", "models.ts"],
      ["db.createAll()", ".reload", ".connect sqlite:other.sqlite", "Note.query.count()", "sequelize.options.storage"],
    );
    expect(stdout).toBe("0\nown.sqlite\n");
    expect(stderr.match(/Cannot open the project's own Sequelize instance anew/g)).toHaveLength(2);
  });

  it("opens the database that is open after another one could not be opened", async () => {
    const { stdout, stderr } = await run(
      ["first.sqlite"],
      [".connect sqlite:no/such/folder.sqlite", ".reload", "User.query.count()"],
    );
    expect(stderr).toContain("does not exist");
    expect(stdout).toBe("60\n");
  });
});
