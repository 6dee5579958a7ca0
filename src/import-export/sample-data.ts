import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Model } from "sequelize";
import type { Session } from "../session/session";
import { parseCsv } from "./csv";

/** How many rows of the sample data were made. */
export interface SampleCounts {
  roles: number;
  users: number;
}

/** Makes an object of a model from its values. */
type ModelClass = new (values: Record<string, unknown>) => Model;

/**
 * Loads the sample roles and users in one transaction: all of them, or none where anything fails.
 *
 * @param models  the sample models, on a database whose tables are there and empty
 * @param folder  where `roles.csv` and `users.csv` are
 */
export async function loadSampleData(
  session: Session,
  models: { Role: ModelClass; User: ModelClass },
  folder: string,
): Promise<SampleCounts> {
  const read = (name: string): Readonly<Record<string, string>>[] =>
    parseCsv(readFileSync(join(folder, name), "utf8")).map((row) => row.values);
  const { Role, User } = models;
  const roles = new Map(read("roles.csv").map(({ name = "" }) => [name, new Role({ name })]));
  session.addAll(roles.values());
  let users: Model[];
  try {
    // Flushed first, so that the users are numbered in the order of their file.
    await session.flush();
    users = read("users.csv").map(
      ({ username, role = "" }) => new User({ username, role: role === "" ? null : roles.get(role) }),
    );
    session.addAll(users);
    await session.commit();
  } catch (error) {
    await session.rollback();
    throw error;
  }
  session.expungeAll();
  return { roles: roles.size, users: users.length };
}
