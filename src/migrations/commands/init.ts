import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { WRITTEN_CONFIG } from "../config";
import type { Environment } from "../environment";
import { MigrationError } from "../migration-error";
import { REVISION_TEMPLATE } from "../revision-script";
import type { DbCommand } from "./command";

const README = `Migrations of this project's database schema, written by sequelize-shell. Commit everything in this directory.
Every day: change the models, then "sequelize-shell db migrate -m 'what changed'", read the file it writes in versions/,
then "sequelize-shell db upgrade"; "sequelize-shell db downgrade" takes the last one back.
`;

const ENV = `import type { MigrationHooks } from "sequelize-shell/migrations";

/** Where this project differs from the usual; everything here is optional. */
const hooks: MigrationHooks = {
  // ignoreTables: ["legacy_*"],
  // includeObject: (object, type, reflected, compareTo) => true,
  // compareType: (database, model) => undefined,
  // compareServerDefault: (database, model) => undefined,
  // renderItem: (type, column) => undefined,
  // beforeUpgrade: async (op, revision) => {},
  // afterUpgrade: async (op, revision) => {},
};

export default hooks;
`;

/** `db init`: the directory of the migrations. */
export const init: DbCommand = {
  name: "init",
  parameters: "",
  summary: "Make the directory of the migrations.",
  options: {},
  arity: [0, 1],
  needs: () => "dialect",
  async run({ env }) {
    const { directory } = env;
    if (existsSync(directory) && readdirSync(directory).length > 0) {
      throw new MigrationError(`Directory ${env.givenDirectory} already exists and is not empty`);
    }
    for (const path of [directory, join(directory, "versions")]) {
      mkdirSync(path, { recursive: true });
      env.print(`Creating directory ${path} ...  done`);
    }
    const files: Record<string, string> = {
      README,
      "config.json": `${JSON.stringify(WRITTEN_CONFIG, null, 2)}\n`,
      "env.ts": ENV,
      "script.ts.tpl": REVISION_TEMPLATE,
    };
    for (const [name, text] of Object.entries(files)) {
      const path = join(directory, name);
      writeFileSync(path, text);
      env.print(`Generating ${path} ...  done`);
    }
    await noteOtherTools(env);
    env.print(`Please review '${join(directory, "config.json")}' before proceeding.`);
    return 0;
  },
};

/** Tells who comes from sequelize-cli how to go on; the database need not be there yet. */
async function noteOtherTools(env: Environment): Promise<void> {
  const { tables } = await env.dialect
    .read(env.connection, { tables: ["SequelizeMeta"] })
    .catch(() => ({ tables: [] }));
  if (tables.length === 0) return;
  const [row] = await env.connection.all(`SELECT count(*) AS n FROM ${env.dialect.quoteTable("SequelizeMeta")}`);
  const count = Number(row?.["n"]);
  if (count === 0) return;
  env.print(
    `Note: found SequelizeMeta with ${count} applied sequelize-cli migrations. They stay untouched; run "db migrate -m baseline" then "db stamp head".`,
  );
}
