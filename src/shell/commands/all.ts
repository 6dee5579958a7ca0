import type { Command } from "./command";
import { exit } from "./exit";
import { help } from "./help";
import { edit, editor, history, load } from "./input";
import { models } from "./models";
import { echo, limit, mode, pager, timer } from "./output";
import { sql } from "./sql";
import { doc, type, types } from "./types";

/** The shell's own commands. */
export const COMMANDS: readonly Command[] = [
  help,
  history,
  editor,
  edit,
  exit,
  types,
  type,
  doc,
  sql,
  models,
  mode,
  limit,
  echo,
  timer,
  pager,
  load,
];
