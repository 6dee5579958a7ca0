import { createHash } from "node:crypto";

/** The shortest limit of all databases: PostgreSQL cuts longer names silently, MariaDB refuses above 64. */
const MAX_NAME_BYTES = 63;

/** What a name is for: an index, a unique, a foreign key, a check, a primary key. */
export type NamePrefix = "ix" | "uq" | "fk" | "ck" | "pk";

/**
 * The name that the rule gives to a constraint or an index: `ix_users_role_id`, `fk_users_role_id_roles`.
 *
 * A name longer than every database takes is cut and ends in four digits of its hash.
 */
export function constraintName(prefix: NamePrefix, table: string, parts: readonly string[] = []): string {
  return shortened([prefix, table.replaceAll(".", "_"), ...parts].join("_"));
}

/** The name, cut where it is longer than every database takes. */
export function shortened(name: string): string {
  if (Buffer.byteLength(name) <= MAX_NAME_BYTES) return name;
  const hash = createHash("sha1").update(name).digest("hex").slice(0, 4);
  let cut = name;
  while (Buffer.byteLength(cut) > MAX_NAME_BYTES - 5) cut = cut.slice(0, -1);
  return `${cut.toWellFormed()}_${hash}`;
}
