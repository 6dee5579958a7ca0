import type { DbCommand } from "./command";
import { branches, current, heads, history, show } from "./history";
import { init } from "./init";
import { check, migrate } from "./migrate";
import { downgrade, upgrade } from "./move";
import { merge, revision } from "./revision";
import { resolve, stamp } from "./stamp";

/** The commands of `db`, in the order of their help. */
export const DB_COMMANDS: readonly DbCommand[] = [
  init,
  revision,
  migrate,
  upgrade,
  downgrade,
  current,
  history,
  heads,
  branches,
  show,
  stamp,
  merge,
  check,
  resolve,
];
