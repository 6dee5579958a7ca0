import type { Model, ModelStatic } from "sequelize";
import { openDatabase } from "../../src/database";

/*
 * Commits one transaction after the other into an SQLite file, and tells of each when its commit has returned: a role and
 * its users, all of them or none.
 *
 * node commit-worker.ts FILE NAME COUNT
 */

/** Users of one transaction. */
const USERS = 40;

type Loose = new (values: object) => Model & Record<string, unknown>;

async function main(): Promise<void> {
  const [file = "", name = "", count = "0"] = process.argv.slice(2);
  const db = await openDatabase(`sqlite:${file}`);
  const { Role, User } = db.models as unknown as Record<string, Loose & ModelStatic<Model>>;
  if (Role === undefined || User === undefined) throw new Error("no models");
  process.stdout.write("ready\n");
  for (let i = 0; i < Number(count); i++) {
    const role = new Role({ name: `${name} ${i}` });
    const users = Array.from({ length: USERS }, (_, k) => new User({ username: `${name} ${i} ${k}`, role }));
    db.session.addAll([role, ...users]);
    await db.session.flush();
    for (const user of users.slice(0, 5)) user["username"] = `${String(user["username"])} changed`;
    await db.session.commit();
    db.session.expungeAll();
    process.stdout.write(`${i}\n`);
  }
  await db.close();
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  },
);
